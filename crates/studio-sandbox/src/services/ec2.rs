//! EC2: the network that is there, and tags. Security groups are in `ec2_groups` and `ec2_rules`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::ec2_shared::{has_vpc, subnet, subnets, vpcs};
use super::{ec2_groups, ec2_rules, efs};
use crate::core::records::{MountTarget, SECURITY_GROUPS, SUBNETS, SecurityGroup, VPCS, Vpc};
use crate::core::service::{Input, Operation, matches, operation, page, tag_list};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::World;

const OPERATIONS: &[Operation] = &[
    operation("DescribeVpcs", "VpcId Filter MaxResults NextToken DryRun", describe_vpcs),
    operation("DescribeVpcAttribute", "VpcId Attribute DryRun", describe_vpc_attribute),
    operation("DescribeSubnets", "SubnetId Filter MaxResults NextToken DryRun", describe_subnets),
    operation("DescribeAvailabilityZones", "ZoneName ZoneId Filter AllAvailabilityZones DryRun", describe_zones),
    operation("DescribePrefixLists", "PrefixListId Filter MaxResults NextToken DryRun", describe_prefix_lists),
    operation(
        "DescribeManagedPrefixLists",
        "PrefixListId Filter MaxResults NextToken DryRun",
        describe_managed_prefix_lists,
    ),
    operation("DescribeRouteTables", "RouteTableId Filter MaxResults NextToken DryRun", describe_route_tables),
    operation("DescribeVpcEndpoints", "VpcEndpointId Filter MaxResults NextToken DryRun", describe_endpoints),
    operation(
        "DescribeNetworkInterfaces",
        "NetworkInterfaceId Filter MaxResults NextToken DryRun",
        describe_interfaces,
    ),
    operation("CreateTags", "ResourceId Tag DryRun", create_tags),
    operation("DeleteTags", "ResourceId Tag DryRun", delete_tags),
    operation("DescribeTags", "Filter MaxResults NextToken DryRun", describe_tags),
];

/// Table of [`PrefixList`], by id.
pub const PREFIX_LISTS: &str = "ec2/prefix-list";
/// Table of the tags of what has none in its own record, by id.
const TAGS: &str = "ec2/tags";

/// A managed prefix list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrefixList {
    /// `pl-…`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Table of [`RouteTable`], by id.
const ROUTE_TABLES: &str = "ec2/route-table";
/// Table of [`VpcEndpoint`], by id.
const ENDPOINTS: &str = "ec2/vpc-endpoint";
/// Table of how many addresses of a subnet are free, by subnet id, where not all are.
const FREE_ADDRESSES: &str = "ec2/free-addresses";

/// A route table, as far as it has a default route.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RouteTable {
    vpc: String,
    /// Whether it holds for subnets that have none of their own.
    main: bool,
    subnets: Vec<String>,
    /// Where the default route leads: `nat-…`, `igw-…`; nowhere when absent.
    gateway: Option<String>,
}

/// An endpoint of a VPC for a service of AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct VpcEndpoint {
    vpc: String,
    /// `sagemaker.api`, `s3`, …
    service: String,
    /// `Interface` or `Gateway`.
    kind: String,
    private_names: bool,
}

/// Answers one operation of EC2.
pub fn handle(world: &mut World, operation: &str, input: &Json, caller: &Principal) -> Answer {
    if Input(input).flag("DryRun") {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Refusal::new("DryRunOperation", message).with_status(412));
    }
    let tables = [OPERATIONS, ec2_groups::OPERATIONS, ec2_rules::OPERATIONS];
    let table = tables.into_iter().find(|table| table.iter().any(|row| row.name == operation)).unwrap_or(OPERATIONS);
    crate::core::service::call(table, world, operation, input, caller)
}

/// The properties of a thing that filters may ask for.
pub type Properties<'a> = Vec<(&'a str, String)>;

/// Returns `true` if a thing fits the `Filter` members of an input: every filter, by any of its values.
pub fn fits(input: Input<'_>, properties: &Properties<'_>, tags: &BTreeMap<String, String>) -> Result<bool, Refusal> {
    for filter in input.list("Filter") {
        let (name, values) = (filter.need("Name")?, filter.texts("Value"));
        let any = |text: &str| values.iter().any(|pattern| matches(pattern, text));
        let fits = if let Some(key) = name.strip_prefix("tag:") {
            tags.get(key).is_some_and(|value| any(value))
        } else if name == "tag-key" {
            tags.keys().any(|key| any(key))
        } else {
            let mut known = properties.iter().filter(|(property, _)| *property == name).peekable();
            if known.peek().is_none() {
                return Err(Refusal::new("InvalidParameterValue", format!("The filter '{name}' is invalid")));
            }
            known.any(|(_, value)| any(value))
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Refuses ids that do not exist, in EC2's words.
pub fn check_ids(ids: &[&str], exists: impl Fn(&str) -> bool, code: &str, what: &str) -> Result<(), Refusal> {
    match ids.iter().find(|id| !exists(id)) {
        Some(id) => Err(Refusal::new(code, format!("The {what} '{id}' does not exist"))),
        None => Ok(()),
    }
}

/// One page of a list as EC2 answers it.
pub fn paged(input: Input<'_>, name: &str, items: Vec<Json>) -> Answer {
    let refuse = |_| Refusal::new("InvalidNextToken", "The token is not valid.");
    let (items, next) = page(items, input.limit("MaxResults", 1000), input.text("NextToken")).map_err(refuse)?;
    Ok(json!({name: items, "nextToken": next}))
}

/// The tags of what has none in its own record.
fn loose_tags(world: &World, id: &str) -> BTreeMap<String, String> {
    world.get(TAGS, id).unwrap_or_default()
}

fn describe_vpcs(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let ids = input.texts("VpcId");
    check_ids(&ids, |id| has_vpc(world, id), "InvalidVpcID.NotFound", "vpc ID")?;
    let mut found = Vec::new();
    for (owner, vpc) in vpcs(world) {
        let id = vpc.id;
        let tags = loose_tags(world, &id);
        let properties = vec![
            ("vpc-id", id.clone()),
            ("cidr", vpc.cidr.clone()),
            ("state", "available".into()),
            ("is-default", "false".into()),
            ("owner-id", owner.clone()),
        ];
        if (ids.is_empty() || ids.contains(&id.as_str())) && fits(input, &properties, &tags)? {
            found.push(json!({
                "vpcId": id, "ownerId": owner, "state": "available", "cidrBlock": vpc.cidr,
                "dhcpOptionsId": "default", "instanceTenancy": "default", "isDefault": false,
                "tagSet": tag_list(&tags, "key", "value"),
            }));
        }
    }
    paged(input, "vpcSet", found)
}

fn describe_vpc_attribute(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let id = input.need("VpcId")?;
    check_ids(&[id], |id| has_vpc(world, id), "InvalidVpcID.NotFound", "vpc ID")?;
    // Studio in a VPC needs both; a sandbox's VPC has them.
    match input.need("Attribute")? {
        name @ ("enableDnsSupport" | "enableDnsHostnames") => Ok(json!({"vpcId": id, name: {"value": true}})),
        name @ "enableNetworkAddressUsageMetrics" => Ok(json!({"vpcId": id, name: {"value": false}})),
        other => {
            Err(Refusal::new("InvalidParameterValue", format!("Value ({other}) for parameter attribute is invalid.")))
        }
    }
}

fn describe_subnets(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let ids = input.texts("SubnetId");
    check_ids(&ids, |id| subnet(world, id).is_some(), "InvalidSubnetID.NotFound", "subnet ID")?;
    let mut found = Vec::new();
    for (owner, subnet) in subnets(world) {
        let id = subnet.id;
        let tags = loose_tags(world, &id);
        let properties = vec![
            ("subnet-id", id.clone()),
            ("vpc-id", subnet.vpc.clone()),
            ("availability-zone", subnet.zone.clone()),
            ("availabilityZone", subnet.zone.clone()),
            ("cidr", subnet.cidr.clone()),
            ("cidr-block", subnet.cidr.clone()),
            ("owner-id", owner.clone()),
            ("state", "available".into()),
        ];
        if (ids.is_empty() || ids.contains(&id.as_str())) && fits(input, &properties, &tags)? {
            found.push(json!({
                "subnetId": id, "subnetArn": world.arn_of(&owner, "ec2", &format!("subnet/{id}")), "vpcId": subnet.vpc,
                "ownerId": owner, "state": "available", "cidrBlock": subnet.cidr,
                "availabilityZone": subnet.zone, "availabilityZoneId": zone_id(&subnet.zone),
                // A /20 less the five addresses that AWS keeps of every subnet.
                "availableIpAddressCount": world.get::<i64>(FREE_ADDRESSES, &id).unwrap_or(4091), "defaultForAz": false, "mapPublicIpOnLaunch": false,
                "tagSet": tag_list(&tags, "key", "value"),
            }));
        }
    }
    paged(input, "subnetSet", found)
}

fn zone_id(zone: &str) -> String {
    format!("sandbox-az{}", u32::from(zone.bytes().last().unwrap_or(b'a')).saturating_sub(u32::from(b'a')) + 1)
}

fn describe_zones(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let region = world.region();
    let names = input.texts("ZoneName");
    let mut found = Vec::new();
    for letter in ["a", "b", "c"] {
        let zone = format!("{region}{letter}");
        let properties =
            vec![("zone-name", zone.clone()), ("region-name", region.clone()), ("state", "available".into())];
        if (names.is_empty() || names.contains(&zone.as_str())) && fits(input, &properties, &BTreeMap::new())? {
            found.push(json!({
                "zoneName": zone, "zoneState": "available", "regionName": region, "zoneId": zone_id(&zone),
                "optInStatus": "opt-in-not-required", "zoneType": "availability-zone",
            }));
        }
    }
    Ok(json!({"availabilityZoneInfo": found}))
}

fn prefix_lists(world: &World, input: Input<'_>) -> Result<Vec<PrefixList>, Refusal> {
    let ids = input.texts("PrefixListId");
    check_ids(&ids, |id| world.has(PREFIX_LISTS, id), "InvalidPrefixListID.NotFound", "prefix list ID")?;
    let mut found = Vec::new();
    for (id, list) in world.list::<PrefixList>(PREFIX_LISTS, "") {
        let properties = vec![
            ("prefix-list-id", id.clone()),
            ("prefix-list-name", list.name.clone()),
            ("owner-id", world.account()),
        ];
        if (ids.is_empty() || ids.contains(&id.as_str())) && fits(input, &properties, &loose_tags(world, &id))? {
            found.push(list);
        }
    }
    Ok(found)
}

fn describe_prefix_lists(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let lists = prefix_lists(world, input)?;
    let described =
        lists.iter().map(|list| json!({"prefixListId": list.id, "prefixListName": list.name, "cidrSet": []}));
    paged(input, "prefixListSet", described.collect())
}

fn describe_managed_prefix_lists(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let described = prefix_lists(world, input)?.into_iter().map(|list| {
        json!({
            "prefixListId": list.id, "prefixListArn": world.arn("ec2", &format!("prefix-list/{}", list.id)),
            "prefixListName": list.name, "addressFamily": "IPv4", "state": "create-complete", "maxEntries": 10,
            "version": 1, "ownerId": world.account(), "tagSet": tag_list(&loose_tags(world, &list.id), "key", "value"),
        })
    });
    let described = described.collect();
    paged(input, "prefixListSet", described)
}

/// The VPC's route tables. One that nobody described has a way out, so that a config works in it.
fn describe_route_tables(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut tables: Vec<(String, RouteTable)> = world.list(ROUTE_TABLES, "");
    for (vpc, _) in world.list::<Vpc>(VPCS, "") {
        if !tables.iter().any(|(_, table)| table.vpc == vpc) {
            let gateway = Some(vpc.replacen("vpc-", "nat-", 1));
            let main = RouteTable { vpc: vpc.clone(), main: true, subnets: Vec::new(), gateway };
            tables.push((vpc.replacen("vpc-", "rtb-", 1), main));
        }
    }
    let mut found = Vec::new();
    for (id, table) in tables {
        let properties = vec![("route-table-id", id.clone()), ("vpc-id", table.vpc.clone())];
        if !fits(input, &properties, &BTreeMap::new())? {
            continue;
        }
        let default = table.gateway.map(|gateway| {
            let member = if gateway.starts_with("nat-") { "natGatewayId" } else { "gatewayId" };
            json!({"destinationCidrBlock": "0.0.0.0/0", member: gateway, "state": "active"})
        });
        let main = table.main.then(|| json!({"main": true, "routeTableId": id}));
        let own = table.subnets.iter().map(|subnet| json!({"main": false, "routeTableId": id, "subnetId": subnet}));
        found.push(json!({
            "routeTableId": id, "vpcId": table.vpc, "ownerId": world.account(),
            "routeSet": default.into_iter().collect::<Vec<_>>(),
            "associationSet": main.into_iter().chain(own).collect::<Vec<_>>(),
        }));
    }
    paged(input, "routeTableSet", found)
}

fn describe_endpoints(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut found = Vec::new();
    for (id, endpoint) in world.list::<VpcEndpoint>(ENDPOINTS, "") {
        let properties = vec![("vpc-endpoint-id", id.clone()), ("vpc-id", endpoint.vpc.clone())];
        if fits(input, &properties, &BTreeMap::new())? {
            found.push(json!({
                "vpcEndpointId": id, "vpcId": endpoint.vpc, "vpcEndpointType": endpoint.kind, "state": "available",
                "serviceName": format!("com.amazonaws.{}.{}", world.region(), endpoint.service),
                "privateDnsEnabled": endpoint.private_names, "ownerId": world.account(),
            }));
        }
    }
    paged(input, "vpcEndpointSet", found)
}

/// The only interfaces are those of mount targets.
fn describe_interfaces(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let ids = input.texts("NetworkInterfaceId");
    let targets = efs::mount_targets(world);
    let id_of = |target: &MountTarget| efs::interface(&target.id);
    let exists = |id: &str| targets.iter().any(|target| id_of(target) == id);
    check_ids(&ids, exists, "InvalidNetworkInterfaceID.NotFound", "networkInterface ID")?;
    let mut found = Vec::new();
    for target in &targets {
        let id = id_of(target);
        let subnet = subnet(world, &target.subnet);
        let vpc = subnet.as_ref().map(|subnet| subnet.vpc.clone()).unwrap_or_default();
        let description = format!("EFS mount target for {} ({})", target.file_system, target.id);
        let mut properties = vec![
            ("network-interface-id", id.clone()),
            ("subnet-id", target.subnet.clone()),
            ("vpc-id", vpc.clone()),
            ("status", "in-use".into()),
            ("description", description.clone()),
            ("interface-type", "interface".into()),
        ];
        properties.extend(target.groups.iter().map(|group| ("group-id", group.clone())));
        if (ids.is_empty() || ids.contains(&id.as_str())) && fits(input, &properties, &BTreeMap::new())? {
            let groups: Vec<Json> = target.groups.iter().map(|group| json!({"groupId": group})).collect();
            found.push(json!({
                "networkInterfaceId": id, "subnetId": target.subnet, "vpcId": vpc, "ownerId": world.account(),
                "availabilityZone": subnet.map(|subnet| subnet.zone), "description": description, "status": "in-use",
                "interfaceType": "interface", "requesterManaged": true, "groupSet": groups,
            }));
        }
    }
    paged(input, "networkInterfaceSet", found)
}

/// Tags as EC2 takes them: a list of `Tag` members, and no more than 50 in all.
pub fn merge_tags(tags: &mut BTreeMap<String, String>, input: Input<'_>) -> Result<(), Refusal> {
    let added = input.tags("Tag", "Key", "Value").map_err(|refusal| match refusal.code.as_str() {
        "TooManyTags" => {
            Refusal::new("TagLimitExceeded", "The maximum number of tags for this resource has been reached.")
        }
        _ => Refusal::new("InvalidParameterValue", refusal.message),
    })?;
    tags.extend(added);
    if tags.len() > 50 {
        return Err(Refusal::new("TagLimitExceeded", "The maximum number of tags for this resource has been reached."));
    }
    Ok(())
}

/// Changes the tags of whatever has this id.
fn change_tags(
    world: &mut World,
    id: &str,
    change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if let Some(mut group) = world.get::<SecurityGroup>(SECURITY_GROUPS, id) {
        change(&mut group.tags)?;
        world.put(SECURITY_GROUPS, id, &group);
        return Ok(());
    }
    if let Some((group_id, mut group)) =
        world.list::<SecurityGroup>(SECURITY_GROUPS, "").into_iter().find(|(_, group)| group.rules.contains_key(id))
    {
        if let Some(rule) = group.rules.get_mut(id) {
            change(&mut rule.tags)?;
        }
        world.put(SECURITY_GROUPS, &group_id, &group);
        return Ok(());
    }
    if ![VPCS, SUBNETS, PREFIX_LISTS].iter().any(|table| world.has(table, id)) {
        let code = match id.split('-').next() {
            Some("sg") => "InvalidGroup.NotFound",
            Some("sgr") => "InvalidSecurityGroupRuleId.NotFound",
            Some("vpc") => "InvalidVpcID.NotFound",
            Some("subnet") => "InvalidSubnetID.NotFound",
            _ => "InvalidID",
        };
        return Err(Refusal::new(code, format!("The ID '{id}' is not valid")));
    }
    let mut tags = loose_tags(world, id);
    change(&mut tags)?;
    world.put(TAGS, id, &tags);
    Ok(())
}

fn create_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    for id in input.texts("ResourceId") {
        change_tags(world, id, |tags| merge_tags(tags, input))?;
    }
    Ok(json!({"return": true}))
}

fn delete_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let wanted: Vec<(&str, Option<&str>)> =
        input.list("Tag").filter_map(|tag| Some((tag.text("Key")?, tag.text("Value")))).collect();
    for id in input.texts("ResourceId") {
        change_tags(world, id, |tags| {
            // Without any tag named all go but AWS's own; with a value given only that value goes (EC2 API reference,
            // "DeleteTags").
            tags.retain(|key, value| {
                if wanted.is_empty() {
                    return key.starts_with("aws:");
                }
                !wanted.iter().any(|(name, only)| name == key && only.is_none_or(|only| only == value))
            });
            Ok(())
        })?;
    }
    Ok(json!({"return": true}))
}

fn describe_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut things: Vec<(String, &str, BTreeMap<String, String>)> = Vec::new();
    for (id, group) in world.list::<SecurityGroup>(SECURITY_GROUPS, "") {
        things.push((id, "security-group", group.tags));
        things.extend(group.rules.into_iter().map(|(id, rule)| (id, "security-group-rule", rule.tags)));
    }
    for (table, kind) in [(VPCS, "vpc"), (SUBNETS, "subnet"), (PREFIX_LISTS, "prefix-list")] {
        let tagged = world.list::<BTreeMap<String, String>>(TAGS, "").into_iter();
        things.extend(tagged.filter(|(id, _)| world.has(table, id)).map(|(id, tags)| (id, kind, tags)));
    }
    let mut found = Vec::new();
    for (id, kind, tags) in things {
        for (key, value) in &tags {
            let properties = vec![
                ("resource-id", id.clone()),
                ("resource-type", kind.to_owned()),
                ("key", key.clone()),
                ("value", value.clone()),
            ];
            if fits(input, &properties, &tags)? {
                found.push(json!({"resourceId": id, "resourceType": kind, "key": key, "value": value}));
            }
        }
    }
    paged(input, "tagSet", found)
}
