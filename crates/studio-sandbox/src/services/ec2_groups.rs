//! Security groups of EC2, without their rules, which `ec2_rules` has.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::ec2::{Properties, check_ids, fits, merge_tags, paged};
use super::ec2_shared::has_vpc;
use super::efs;
use crate::core::records::{Peer, Rule, SECURITY_GROUPS, SecurityGroup};
use crate::core::service::{Input, Operation, operation, tag_list};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::{HEX, World};

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
    world
        .get(SECURITY_GROUPS, id)
        .ok_or_else(|| Refusal::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist")))
}

/// A group as EC2 makes it: with a rule that lets everything out.
pub fn new_group(world: &mut World, id: String, name: &str, description: &str, vpc: &str) -> SecurityGroup {
    SecurityGroup {
        id,
        name: name.into(),
        description: description.into(),
        vpc: vpc.into(),
        tags: BTreeMap::new(),
        rules: BTreeMap::from([(rule_id(world), everything())]),
        held_until: 0,
    }
}

/// The rule that lets everything out.
pub fn everything() -> Rule {
    Rule {
        egress: true,
        protocol: "-1".into(),
        from: None,
        to: None,
        peer: Peer::Ipv4("0.0.0.0/0".into()),
        description: None,
        tags: BTreeMap::new(),
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

fn create(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let (name, description) = (input.need("GroupName")?, input.need("GroupDescription")?);
    check_text(name, "groupName")?;
    check_text(description, "groupDescription")?;
    if name.is_empty() || description.is_empty() {
        return Err(Refusal::new("MissingParameter", "The request must contain the parameter GroupDescription"));
    }
    if name.starts_with("sg-") {
        let message =
            format!("Value ({name}) for parameter groupName is invalid. Group names may not be in the format sg-*");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    // An account of today has no default VPC in the sandbox.
    let vpc = input.text("VpcId").ok_or_else(|| Refusal::new("VPCIdNotSpecified", "No default VPC for this user"))?;
    check_ids(&[vpc], |id| has_vpc(world, id), "InvalidVpcID.NotFound", "vpc ID")?;
    if world.list::<SecurityGroup>(SECURITY_GROUPS, "").iter().any(|(_, group)| group.name == name && group.vpc == vpc)
    {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Refusal::new("InvalidGroup.Duplicate", message));
    }
    let tags = specified_tags(input, "security-group")?;
    let id = format!("sg-{}", world.id(HEX, 17));
    let group = SecurityGroup { tags, ..new_group(world, id.clone(), name, description, vpc) };
    world.put(SECURITY_GROUPS, &id, &group);
    Ok(json!({
        "groupId": id, "tagSet": tag_list(&group.tags, "key", "value"),
        "securityGroupArn": arn(world, &id),
    }))
}

/// The ARN of the account's security group `id`.
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

fn describe_groups(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
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

fn delete(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let group = group(world, input)?;
    let id = &group.id;
    if group.name == "default" {
        return Err(Refusal::new(
            "CannotDelete",
            "the specified group: \"default\" name: \"default\" cannot be deleted by a user",
        ));
    }
    let refers = |other: &SecurityGroup| {
        other.id != *id && other.rules.values().any(|rule| matches!(&rule.peer, Peer::Group(peer) if peer == id))
    };
    let held = group.held_until > world.now()
        || world.list::<SecurityGroup>(SECURITY_GROUPS, "").iter().any(|(_, other)| refers(other))
        || efs::mount_targets(world).iter().any(|target| target.groups.contains(id))
        // Whatever of Studio's has the group: its network interfaces hold it.
        || crate::studio::groups_in_use(world).contains(id);
    if held {
        return Err(Refusal::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    world.remove(SECURITY_GROUPS, id);
    Ok(json!({"return": true, "groupId": id}))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::Client;
    use aws_sdk_ec2::types::{
        Filter, IpPermission, IpRange, PrefixListId, ResourceType, Tag, TagSpecification, UserIdGroupPair,
    };

    use crate::core::front::SandboxOptions;
    use crate::core::testing::{code, seeded};

    async fn new_group(client: &Client, name: &str) -> String {
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::SecurityGroup)
            .tags(Tag::builder().key("owner").value("me").build())
            .build();
        let create = client.create_security_group().group_name(name).description("a group").vpc_id("vpc-1");
        create.tag_specifications(tags).send().await.unwrap().group_id.unwrap()
    }

    #[tokio::test]
    async fn groups_and_rules_live_through_the_sdk() {
        let sandbox = seeded(SandboxOptions::default());
        let client = Client::new(&sandbox.sdk_config().build());
        let (one, two) = (new_group(&client, "one").await, new_group(&client, "two").await);
        let again = client.create_security_group().group_name("one").description("d").vpc_id("vpc-1").send().await;
        assert_eq!(code(again), "InvalidGroup.Duplicate");
        let https = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(443)
            .to_port(443)
            .ip_ranges(IpRange::builder().cidr_ip("10.1.2.3/8").description("from home").build())
            .user_id_group_pairs(UserIdGroupPair::builder().group_id(&two).description("from two").build())
            .prefix_list_ids(PrefixListId::builder().prefix_list_id("pl-1").description("from s3").build())
            .build();
        let authorize =
            || client.authorize_security_group_ingress().group_id(&one).ip_permissions(https.clone()).send();
        assert_eq!(authorize().await.unwrap().security_group_rules().len(), 3);
        assert_eq!(code(authorize().await), "InvalidPermission.Duplicate");

        let filter = Filter::builder().name("tag:owner").values("me").build();
        let found = client.describe_security_groups().filters(filter).send().await.unwrap();
        assert_eq!(found.security_groups().len(), 2);
        let found = client.describe_security_groups().group_ids(&one).send().await.unwrap();
        let group = &found.security_groups()[0];
        assert_eq!((group.description(), group.vpc_id()), (Some("a group"), Some("vpc-1")));
        let [permission] = group.ip_permissions() else { panic!("one permission: {group:?}") };
        assert_eq!(permission.ip_ranges()[0].cidr_ip(), Some("10.0.0.0/8"));
        assert_eq!(permission.user_id_group_pairs()[0].description(), Some("from two"));
        assert_eq!(permission.prefix_list_ids()[0].description(), Some("from s3"));
        assert_eq!(group.ip_permissions_egress()[0].ip_protocol(), Some("-1"));

        assert_eq!(code(client.delete_security_group().group_id(&two).send().await), "DependencyViolation");
        let filter = Filter::builder().name("group-id").values(&one).build();
        let rules = client.describe_security_group_rules().filters(filter).send().await.unwrap();
        for rule in rules.security_group_rules().iter().filter(|rule| rule.is_egress() == Some(false)) {
            let id = rule.security_group_rule_id().unwrap();
            client.revoke_security_group_ingress().group_id(&one).security_group_rule_ids(id).send().await.unwrap();
        }
        assert_eq!(
            code(client.revoke_security_group_ingress().group_id(&one).ip_permissions(https).send().await),
            "InvalidPermission.NotFound"
        );
        for group in [&two, &one] {
            client.delete_security_group().group_id(group).send().await.unwrap();
            assert_eq!(code(client.delete_security_group().group_id(group).send().await), "InvalidGroup.NotFound");
        }
        let subnets = client.describe_subnets().subnet_ids("subnet-1").send().await.unwrap();
        assert_eq!(subnets.subnets()[0].vpc_id(), Some("vpc-1"));
        assert_eq!(code(client.describe_vpcs().vpc_ids("vpc-9").send().await), "InvalidVpcID.NotFound");
    }
}
