//! EC2: the rules of security groups.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value as Json, json};

use super::ec2::{PREFIX_LISTS, Properties, fits, paged};
use super::ec2_groups::{check_text, find, group, rule_id, specified_tags};
use crate::core::records::{Peer, Rule, SECURITY_GROUPS, SecurityGroup};
use crate::core::service::{Input, Operation, operation, tag_list};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::World;

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation("DescribeSecurityGroupRules", "SecurityGroupRuleId Filter MaxResults NextToken DryRun", describe_rules),
    operation("AuthorizeSecurityGroupIngress", "GroupId IpPermissions TagSpecification DryRun", |world, input, _| {
        authorize(world, input, false)
    }),
    operation("AuthorizeSecurityGroupEgress", "GroupId IpPermissions TagSpecification DryRun", |world, input, _| {
        authorize(world, input, true)
    }),
    operation("RevokeSecurityGroupIngress", "GroupId IpPermissions SecurityGroupRuleId DryRun", |world, input, _| {
        revoke(world, input, false)
    }),
    operation("RevokeSecurityGroupEgress", "GroupId IpPermissions SecurityGroupRuleId DryRun", |world, input, _| {
        revoke(world, input, true)
    }),
    operation(
        "UpdateSecurityGroupRuleDescriptionsIngress",
        "GroupId IpPermissions SecurityGroupRuleDescription DryRun",
        |world, input, _| describe_anew(world, input, false),
    ),
    operation(
        "UpdateSecurityGroupRuleDescriptionsEgress",
        "GroupId IpPermissions SecurityGroupRuleDescription DryRun",
        |world, input, _| describe_anew(world, input, true),
    ),
    operation("ModifySecurityGroupRules", "GroupId SecurityGroupRule DryRun", modify),
];

/// The default quota of a group (VPC user guide, "Amazon VPC quotas"), inbound and outbound each.
const MOST_RULES: usize = 60;

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterValue", message)
}

/// EC2 knows four protocols by name, and whatever the caller writes it tells them by name.
fn protocol(text: &str) -> Result<String, Refusal> {
    let lower = text.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "tcp" | "6" => "tcp".into(),
        "udp" | "17" => "udp".into(),
        "icmp" | "1" => "icmp".into(),
        "icmpv6" | "58" => "icmpv6".into(),
        "-1" | "all" => "-1".into(),
        number if number.parse::<u8>().is_ok() => lower,
        _ => return Err(invalid(format!("Invalid value '{text}' for IP protocol. Unknown protocol."))),
    })
}

type Range = (Option<i32>, Option<i32>);

/// Only the four named protocols have a range; for the others all ports are meant, whatever is sent.
fn range(protocol: &str, from: Option<i64>, to: Option<i64>) -> Result<Range, Refusal> {
    let port =
        |port: Option<i64>| port.map(i32::try_from).transpose().map_err(|_| invalid("Invalid value for portRange."));
    let (from, to) = (port(from)?, port(to)?);
    match (protocol, from, to) {
        ("tcp" | "udp", Some(first), Some(last)) => {
            let valid = (0..=65_535).contains(&first) && (0..=65_535).contains(&last);
            if !valid {
                return Err(invalid(format!(
                    "Invalid value '{first}-{last}' for portRange. Must be between 0 and 65535"
                )));
            }
            if first > last {
                return Err(invalid(format!("Invalid TCP/UDP port range ({first}:{last})")));
            }
            Ok((from, to))
        }
        ("tcp" | "udp", _, _) => {
            Err(invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."))
        }
        // EC2 API reference, IpPermission: all types go with all codes only. The words are a guess.
        ("icmp" | "icmpv6", Some(-1), Some(code)) if code != -1 => {
            Err(invalid(format!("Invalid value '{code}' for ICMP code. All ICMP types take all ICMP codes.")))
        }
        ("icmp" | "icmpv6", Some(kind), code) if (-1..=255).contains(&kind) => Ok((from, Some(code.unwrap_or(-1)))),
        ("icmp", _, _) => Err(invalid("Invalid value 'Must specify both type and code with ICMP.' for portRange.")),
        ("icmpv6", _, _) => Ok((Some(-1), Some(-1))),
        _ => Ok((None, None)),
    }
}

/// A block with the bits beyond its prefix cleared, as EC2 keeps it.
fn ipv4(text: &str) -> Result<String, Refusal> {
    let malformed = || invalid(format!("CIDR block {text} is malformed"));
    let (address, length) = text.split_once('/').ok_or_else(malformed)?;
    let address: Ipv4Addr = address.parse().map_err(|_| malformed())?;
    let length: u32 = length.parse().ok().filter(|length| *length <= 32).ok_or_else(malformed)?;
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    Ok(format!("{}/{length}", Ipv4Addr::from_bits(address.to_bits() & mask)))
}

fn ipv6(text: &str) -> Result<String, Refusal> {
    let malformed = || invalid(format!("CIDR block {text} is malformed"));
    let (address, length) = text.split_once('/').ok_or_else(malformed)?;
    let address: Ipv6Addr = address.parse().map_err(|_| malformed())?;
    let length: u32 = length.parse().ok().filter(|length| *length <= 128).ok_or_else(malformed)?;
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    Ok(format!("{}/{length}", Ipv6Addr::from_bits(address.to_bits() & mask)))
}

fn group_peer(world: &World, id: &str) -> Result<Peer, Refusal> {
    find(world, id)?;
    Ok(Peer::Group(id.into()))
}

fn prefix_list_peer(world: &World, id: &str) -> Result<Peer, Refusal> {
    if !world.has(PREFIX_LISTS, id) {
        return Err(Refusal::new("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist")));
    }
    Ok(Peer::PrefixList(id.into()))
}

fn description(input: Input<'_>) -> Result<Option<String>, Refusal> {
    let text = input.text("Description");
    if let Some(text) = text {
        check_text(text, "description")?;
    }
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}

/// The rules that an input's `IpPermissions` spell out, one for each peer.
fn rules(world: &World, input: Input<'_>, egress: bool) -> Result<Vec<Rule>, Refusal> {
    let mut rules = Vec::new();
    for permission in input.list("IpPermissions") {
        let protocol = protocol(permission.need("IpProtocol")?)?;
        let (from, to) = range(&protocol, permission.number("FromPort"), permission.number("ToPort"))?;
        let mut peers = Vec::new();
        for peer in permission.list("IpRanges") {
            peers.push((Peer::Ipv4(ipv4(peer.need("CidrIp")?)?), description(peer)?));
        }
        for peer in permission.list("Ipv6Ranges") {
            peers.push((Peer::Ipv6(ipv6(peer.need("CidrIpv6")?)?), description(peer)?));
        }
        for peer in permission.list("Groups") {
            peers.push((group_peer(world, peer.need("GroupId")?)?, description(peer)?));
        }
        for peer in permission.list("PrefixListIds") {
            peers.push((prefix_list_peer(world, peer.need("PrefixListId")?)?, description(peer)?));
        }
        if peers.is_empty() {
            return Err(Refusal::new(
                "MissingParameter",
                "The request must contain the parameter ipRanges, groups, or prefixListIds",
            ));
        }
        rules.extend(peers.into_iter().map(|(peer, description)| Rule {
            egress,
            protocol: protocol.clone(),
            from,
            to,
            peer,
            description,
            tags: BTreeMap::new(),
        }));
    }
    Ok(rules)
}

/// Rules are the same when they let the same through, whatever they are described as.
fn same(one: &Rule, other: &Rule) -> bool {
    (one.egress, &one.protocol, one.from, one.to, &one.peer)
        == (other.egress, &other.protocol, other.from, other.to, &other.peer)
}

fn peer_name(peer: &Peer) -> &str {
    match peer {
        Peer::Ipv4(name) | Peer::Ipv6(name) | Peer::Group(name) | Peer::PrefixList(name) => name,
    }
}

fn sentence(rule: &Rule) -> String {
    let port = |port: Option<i32>| port.map_or_else(|| "ALL".to_owned(), |port| port.to_string());
    format!(
        "peer: {}, {}, from port: {}, to port: {}, ALLOW",
        peer_name(&rule.peer),
        rule.protocol.to_uppercase(),
        port(rule.from),
        port(rule.to)
    )
}

fn describe(world: &World, group: &SecurityGroup, id: &str, rule: &Rule) -> Json {
    let mut answer = json!({
        "securityGroupRuleId": id,
        "groupId": group.id,
        "groupOwnerId": world.account(),
        "isEgress": rule.egress,
        "ipProtocol": rule.protocol,
        "fromPort": rule.from.unwrap_or(-1),
        "toPort": rule.to.unwrap_or(-1),
        "description": rule.description,
        "securityGroupRuleArn": world.arn("ec2", &format!("security-group-rule/{id}")),
        "tagSet": tag_list(&rule.tags, "key", "value"),
    });
    match &rule.peer {
        Peer::Ipv4(cidr) => answer["cidrIpv4"] = json!(cidr),
        Peer::Ipv6(cidr) => answer["cidrIpv6"] = json!(cidr),
        Peer::PrefixList(list) => answer["prefixListId"] = json!(list),
        Peer::Group(peer) => {
            answer["referencedGroupInfo"] = json!({"groupId": peer, "userId": world.account(), "vpcId": group.vpc});
        }
    }
    answer
}

fn described(world: &World, group: &SecurityGroup, rules: &[(String, Rule)]) -> Json {
    rules.iter().map(|(id, rule)| describe(world, group, id, rule)).collect()
}

fn describe_rules(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let ids = input.texts("SecurityGroupRuleId");
    let groups = world.list::<SecurityGroup>(SECURITY_GROUPS, "");
    if let Some(unknown) = ids.iter().find(|id| !groups.iter().any(|(_, group)| group.rules.contains_key(**id))) {
        return Err(no_such_rule(unknown));
    }
    let mut found = Vec::new();
    for (group_id, group) in &groups {
        for (id, rule) in &group.rules {
            let properties: Properties<'_> =
                vec![("group-id", group_id.clone()), ("security-group-rule-id", id.clone())];
            if (ids.is_empty() || ids.contains(&id.as_str())) && fits(input, &properties, &rule.tags)? {
                found.push(describe(world, group, id, rule));
            }
        }
    }
    paged(input, "securityGroupRuleSet", found)
}

fn authorize(world: &mut World, input: Input<'_>, egress: bool) -> Answer {
    let mut group = group(world, input)?;
    let wanted = rules(world, input, egress)?;
    let tags = specified_tags(input, "security-group-rule")?;
    if wanted.is_empty() {
        return Err(Refusal::new("MissingParameter", "The request must contain the parameter ipPermissions"));
    }
    // All of a request or nothing of it; the same rule twice in it is a duplicate too.
    let mut added: Vec<(String, Rule)> = Vec::new();
    for rule in wanted {
        if group.rules.values().chain(added.iter().map(|(_, rule)| rule)).any(|other| same(other, &rule)) {
            let message = format!("the specified rule \"{}\" already exists", sentence(&rule));
            return Err(Refusal::new("InvalidPermission.Duplicate", message));
        }
        added.push((rule_id(world), Rule { tags: tags.clone(), ..rule }));
    }
    if group.rules.values().filter(|rule| rule.egress == egress).count() + added.len() > MOST_RULES {
        let message = "The maximum number of rules per security group has been reached.";
        return Err(Refusal::new("RulesPerSecurityGroupLimitExceeded", message));
    }
    group.rules.extend(added.iter().cloned());
    world.put(SECURITY_GROUPS, &group.id, &group);
    Ok(json!({"return": true, "securityGroupRuleSet": described(world, &group, &added)}))
}

fn no_such_rule(id: &str) -> Refusal {
    let message = format!("The security group rule ID '{id}' does not exist");
    Refusal::new("InvalidSecurityGroupRuleId.NotFound", message)
}

fn no_such_permission() -> Refusal {
    Refusal::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
}

fn revoke(world: &mut World, input: Input<'_>, egress: bool) -> Answer {
    let mut group = group(world, input)?;
    let mut doomed: Vec<String> = Vec::new();
    for id in input.texts("SecurityGroupRuleId") {
        if group.rules.get(id).is_none_or(|rule| rule.egress != egress) {
            return Err(no_such_rule(id));
        }
        doomed.push(id.to_owned());
    }
    for rule in rules(world, input, egress)? {
        let found = group.rules.iter().find(|(_, other)| same(other, &rule));
        doomed.push(found.ok_or_else(no_such_permission)?.0.clone());
    }
    if doomed.is_empty() {
        return Err(Refusal::new(
            "MissingParameter",
            "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.",
        ));
    }
    let removed: Vec<(String, Rule)> = doomed.iter().filter_map(|id| group.rules.remove_entry(id)).collect();
    world.put(SECURITY_GROUPS, &group.id, &group);
    let revoked: Vec<Json> = removed
        .iter()
        .map(|(id, rule)| {
            let mut answer = describe(world, &group, id, rule);
            if let Peer::Group(peer) = &rule.peer {
                answer["referencedGroupId"] = json!(peer);
            }
            // A revoked rule is answered with less than a live one (EC2 API reference, RevokedSecurityGroupRule).
            if let Json::Object(members) = &mut answer {
                for member in ["groupOwnerId", "securityGroupRuleArn", "tagSet", "referencedGroupInfo"] {
                    members.remove(member);
                }
            }
            answer
        })
        .collect();
    Ok(json!({"return": true, "revokedSecurityGroupRuleSet": revoked}))
}

fn describe_anew(world: &mut World, input: Input<'_>, egress: bool) -> Answer {
    let mut group = group(world, input)?;
    for change in input.list("SecurityGroupRuleDescription") {
        let id = change.need("SecurityGroupRuleId")?;
        let rule = group.rules.get_mut(id).filter(|rule| rule.egress == egress).ok_or_else(|| no_such_rule(id))?;
        rule.description = description(change)?;
    }
    for wanted in rules(world, input, egress)? {
        let rule = group.rules.values_mut().find(|rule| same(rule, &wanted)).ok_or_else(no_such_permission)?;
        rule.description = wanted.description;
    }
    world.put(SECURITY_GROUPS, &group.id, &group);
    Ok(json!({"return": true}))
}

fn modify(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut group = group(world, input)?;
    for change in input.list("SecurityGroupRule") {
        let id = change.need("SecurityGroupRuleId")?;
        let before = group.rules.get(id).cloned().ok_or_else(|| no_such_rule(id))?;
        let wanted = Input(change.get("SecurityGroupRule").unwrap_or(&Json::Null));
        let protocol = protocol(wanted.need("IpProtocol")?)?;
        let (from, to) = range(&protocol, wanted.number("FromPort"), wanted.number("ToPort"))?;
        let peer = match ["CidrIpv4", "CidrIpv6", "ReferencedGroupId", "PrefixListId"].map(|name| wanted.text(name)) {
            [Some(cidr), None, None, None] => Peer::Ipv4(ipv4(cidr)?),
            [None, Some(cidr), None, None] => Peer::Ipv6(ipv6(cidr)?),
            [None, None, Some(id), None] => group_peer(world, id)?,
            [None, None, None, Some(id)] => prefix_list_peer(world, id)?,
            _ => {
                return Err(Refusal::new(
                    "InvalidParameterCombination",
                    "A rule has exactly one source or destination.",
                ));
            }
        };
        let rule = Rule { protocol, from, to, peer, description: description(wanted)?, ..before };
        if group.rules.iter().any(|(other_id, other)| other_id != id && same(other, &rule)) {
            let message = format!("the specified rule \"{}\" already exists", sentence(&rule));
            return Err(Refusal::new("InvalidPermission.Duplicate", message));
        }
        group.rules.insert(id.into(), rule);
    }
    world.put(SECURITY_GROUPS, &group.id, &group);
    Ok(json!({"return": true}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lose_the_bits_beyond_their_prefix() {
        for (text, expected) in [
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("255.255.255.255/32", Some("255.255.255.255/32")),
            ("10.0.0.0/33", None),
            ("10.0.0.0", None),
            ("ten/8", None),
        ] {
            assert_eq!(ipv4(text).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(ipv6("2001:db8::1/32").ok().as_deref(), Some("2001:db8::/32"));
        assert_eq!(ipv6("::/0").ok().as_deref(), Some("::/0"));
    }

    #[test]
    fn ranges_belong_to_the_named_protocols() {
        for (protocol, from, to, expected) in [
            ("tcp", Some(443), Some(443), Some((Some(443), Some(443)))),
            ("tcp", Some(443), None, None),
            ("tcp", Some(9), Some(3), None),
            ("tcp", Some(0), Some(70_000), None),
            ("icmp", Some(252), Some(86), Some((Some(252), Some(86)))),
            ("icmp", None, None, None),
            ("-1", Some(443), Some(443), Some((None, None))),
            ("50", None, None, Some((None, None))),
        ] {
            assert_eq!(range(protocol, from, to).ok(), expected, "{protocol} {from:?} {to:?}");
        }
    }
}
