//! EC2: security groups.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::ec2::{Properties, check_ids, fits, merge_tags, paged};
use super::efs;
use super::records::{Peer, Rule, SECURITY_GROUPS, SecurityGroup, VPCS};
use super::service::{Input, Operation, operation, tag_list};
use super::wire::{Answer, Caller, Refusal};
use super::world::{HEX, World};

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation("CreateSecurityGroup", "GroupName GroupDescription VpcId TagSpecification DryRun", create),
    operation("DescribeSecurityGroups", "GroupId GroupName Filter MaxResults NextToken DryRun", describe_groups),
    operation("DeleteSecurityGroup", "GroupId GroupName DryRun", delete),
];

/// The group that the input names by id.
pub fn group(world: &World, input: Input<'_>) -> Result<SecurityGroup, Refusal> {
    find(world, input.need("GroupId")?)
}

/// The group with this id.
pub fn find(world: &World, id: &str) -> Result<SecurityGroup, Refusal> {
    if !id.starts_with("sg-") {
        return Err(Refusal::new("InvalidGroupId.Malformed", format!("Invalid id: \"{id}\" (expecting \"sg-...\")")));
    }
    world.get(SECURITY_GROUPS, id).ok_or_else(|| {
        Refusal::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
    })
}

/// A group as EC2 makes it: with a rule that lets everything out.
pub fn new_group(world: &mut World, id: String, name: &str, description: &str, vpc: &str) -> SecurityGroup {
    let everything = Rule {
        egress: true,
        protocol: "-1".into(),
        from: None,
        to: None,
        peer: Peer::Ipv4("0.0.0.0/0".into()),
        description: None,
        tags: BTreeMap::new(),
    };
    SecurityGroup {
        id,
        name: name.into(),
        description: description.into(),
        vpc: vpc.into(),
        tags: BTreeMap::new(),
        rules: BTreeMap::from([(rule_id(world), everything)]),
        held_until: 0,
    }
}

/// A new rule's id.
pub fn rule_id(world: &mut World) -> String {
    format!("sgr-{}", world.id(HEX, 17))
}

/// Up to 255 characters of a restricted set (EC2 API reference, "CreateSecurityGroup" and "IpRange").
pub fn check_text(text: &str, member: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.chars().count() <= 255 && text.chars().all(valid) {
        return Ok(());
    }
    let message = format!(
        "Value ({text}) for parameter {member} is invalid. Character sets beyond ASCII are not supported, and it must \
         have at most 255 characters of a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$*"
    );
    Err(Refusal::new("InvalidParameterValue", message))
}

/// The tags of an input's `TagSpecification`s for `kind`.
pub fn specified_tags(input: Input<'_>, kind: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for specification in input.list("TagSpecification") {
        match specification.need("ResourceType")? {
            found if found == kind => merge_tags(&mut tags, specification)?,
            other => {
                let message = format!("'{other}' is not a valid taggable resource type for this operation.");
                return Err(Refusal::new("InvalidParameterValue", message));
            }
        }
    }
    Ok(tags)
}

fn create(world: &mut World, input: Input<'_>, _: &Caller) -> Answer {
    let (name, description) = (input.need("GroupName")?, input.need("GroupDescription")?);
    check_text(name, "groupName")?;
    check_text(description, "groupDescription")?;
    if name.is_empty() || description.is_empty() {
        return Err(Refusal::new("MissingParameter", "The request must contain the parameter GroupDescription"));
    }
    if name.starts_with("sg-") {
        let message = format!("Value ({name}) for parameter groupName is invalid. Group names may not be in the format sg-*");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    // An account of today has no default VPC in the sandbox.
    let vpc = input.text("VpcId").ok_or_else(|| Refusal::new("VPCIdNotSpecified", "No default VPC for this user"))?;
    check_ids(&[vpc], |id| world.has(VPCS, id), "InvalidVpcID.NotFound", "vpc ID")?;
    if world.list::<SecurityGroup>(SECURITY_GROUPS, "").iter().any(|(_, group)| group.name == name && group.vpc == vpc) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Refusal::new("InvalidGroup.Duplicate", message));
    }
    let tags = specified_tags(input, "security-group")?;
    let id = format!("sg-{}", world.id(HEX, 17));
    let group = SecurityGroup { tags, ..new_group(world, id.clone(), name, description, vpc) };
    world.put(SECURITY_GROUPS, &id, &group);
    Ok(json!({
        "return": true, "groupId": id, "tagSet": tag_list(&group.tags, "key", "value"),
        "securityGroupArn": arn(world, &id),
    }))
}

/// A group's ARN.
pub fn arn(world: &World, id: &str) -> String {
    world.arn("ec2", &format!("security-group/{id}"))
}

/// The rules of one direction as `DescribeSecurityGroups` tells them: those of one protocol and range together.
fn permissions(group: &SecurityGroup, egress: bool, account: &str) -> Vec<Json> {
    let mut sets: BTreeMap<(&str, Option<i32>, Option<i32>), [Vec<Json>; 4]> = BTreeMap::new();
    for rule in group.rules.values().filter(|rule| rule.egress == egress) {
        let set = sets.entry((&rule.protocol, rule.from, rule.to)).or_default();
        let (index, peer) = match &rule.peer {
            Peer::Group(id) => (0, json!({"groupId": id, "userId": account, "description": rule.description})),
            Peer::Ipv4(cidr) => (1, json!({"cidrIp": cidr, "description": rule.description})),
            Peer::Ipv6(cidr) => (2, json!({"cidrIpv6": cidr, "description": rule.description})),
            Peer::PrefixList(id) => (3, json!({"prefixListId": id, "description": rule.description})),
        };
        set[index].push(peer);
    }
    let described = sets.into_iter().map(|((protocol, from, to), [groups, ipv4, ipv6, lists])| {
        json!({
            "ipProtocol": protocol, "fromPort": from, "toPort": to, "groups": groups, "ipRanges": ipv4,
            "ipv6Ranges": ipv6, "prefixListIds": lists,
        })
    });
    described.collect()
}

fn describe_groups(world: &mut World, input: Input<'_>, _: &Caller) -> Answer {
    let (ids, names) = (input.texts("GroupId"), input.texts("GroupName"));
    for id in &ids {
        find(world, id)?;
    }
    let account = world.account();
    let mut found = Vec::new();
    for (id, group) in world.list::<SecurityGroup>(SECURITY_GROUPS, "") {
        let mut properties: Properties<'_> = vec![
            ("group-id", id.clone()),
            ("group-name", group.name.clone()),
            ("vpc-id", group.vpc.clone()),
            ("description", group.description.clone()),
            ("owner-id", account.clone()),
            ("ip-permission.group-id", String::new()),
            ("egress.ip-permission.group-id", String::new()),
        ];
        properties.extend(group.rules.values().filter_map(|rule| match &rule.peer {
            Peer::Group(peer) if rule.egress => Some(("egress.ip-permission.group-id", peer.clone())),
            Peer::Group(peer) => Some(("ip-permission.group-id", peer.clone())),
            _ => None,
        }));
        let named = (ids.is_empty() || ids.contains(&id.as_str()))
            && (names.is_empty() || names.contains(&group.name.as_str()));
        if named && fits(input, &properties, &group.tags)? {
            found.push(json!({
                "ownerId": account, "groupId": id, "groupName": group.name, "groupDescription": group.description,
                "vpcId": group.vpc, "securityGroupArn": arn(world, &id),
                "ipPermissions": permissions(&group, false, &account),
                "ipPermissionsEgress": permissions(&group, true, &account),
                "tagSet": tag_list(&group.tags, "key", "value"),
            }));
        }
    }
    paged(input, "securityGroupInfo", found)
}

fn delete(world: &mut World, input: Input<'_>, _: &Caller) -> Answer {
    let group = group(world, input)?;
    let id = &group.id;
    if group.name == "default" {
        return Err(Refusal::new("CannotDelete", "the specified group: \"default\" name: \"default\" cannot be deleted by a user"));
    }
    let refers = |other: &SecurityGroup| {
        other.id != *id && other.rules.values().any(|rule| matches!(&rule.peer, Peer::Group(peer) if peer == id))
    };
    let held = group.held_until > world.now()
        || world.list::<SecurityGroup>(SECURITY_GROUPS, "").iter().any(|(_, other)| refers(other))
        || efs::mount_targets(world).iter().any(|target| target.groups.contains(id))
        // Whatever of Studio's has the group: its network interfaces hold it.
        || world.mentions("sagemaker", id)
        || world.mentions("studio", id);
    if held {
        return Err(Refusal::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    world.remove(SECURITY_GROUPS, id);
    Ok(json!({"return": true, "groupId": id}))
}
