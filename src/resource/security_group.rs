//! The domain's security group and its rules, made unless the config names a group.
//!
//! Identity: its name, which is never changed, and its tags. Name, description and VPC are immutable. Its rules are wholly
//! ours: a rule that the config does not name goes. Destroy deletes it.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, SecurityGroupRuleDescription, Tag,
    TagSpecification, UserIdGroupPair,
};

use super::permissions::{CHANGE, Grant, LOOK, MAKE, Scope};
use super::{Desired, ObserveContext, Resource, ownership};
use crate::aws::error::failed;
use crate::aws::wait::{WaitPolicy, WaitProgress};
use crate::aws::{Account, answer, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::config::{SecurityGroupRule, SecurityGroupRules};
use crate::model::{Address, Found, Kind, Node, Observed, Owner, Path, Text, Value};
use crate::plan::outline::{opened_by, rule_in_words, said};
use crate::plan::{Change, DeletionPolicy, Effect, Outline, Rules};

/// Time for which EC2's lists may show what is gone; usually seconds.
const LAG: Duration = Duration::from_secs(20);

/// Verbs and rules of the kind `security_group`.
#[derive(Debug)]
pub struct SecurityGroupResource;

/// The only address of the kind.
pub fn address() -> Address {
    Address::new(Kind::SecurityGroup, "domain")
}

/// The id of the group, made or given.
pub fn id(desired: &Desired) -> Text {
    match &desired.config.domain.security_group_id {
        Some(id) => id.as_str().into(),
        None => Text::output(address(), "GroupId"),
    }
}

/// Name of a rule's own group: the group's id is not known before it exists.
const SELF: &str = "self";

/// Number of rules of each direction that are told of a group that is to be made, when there are more.
const OUTLINED: usize = 2;

impl Rules for SecurityGroupResource {
    fn outline(&self, node: &Node) -> Outline {
        let properties = &node.properties;
        let name = properties.text("GroupName").unwrap_or_default();
        let mut outline = Outline::new(format!("{name}, in {}", said(properties.get("VpcId"))));
        for (direction, way, preposition) in [("Ingress", "inbound", "from"), ("Egress", "outbound", "to")] {
            let mut rules: Vec<&Value> = properties.get(direction).map(Value::items).into_iter().flatten().collect();
            // Whoever reads no further has to have read these.
            rules.sort_by_key(|rule| opened_by(rule).is_none());
            let told = if rules.len() > OUTLINED + 1 { OUTLINED } else { rules.len() };
            for (at, one) in rules.iter().take(told).enumerate() {
                outline = outline.fact(if at == 0 { way } else { "" }, rule_in_words(one, preposition));
            }
            if rules.len() > told {
                outline = outline.fact("", format!("and {} more", rules.len() - told));
            }
            if rules.is_empty() {
                outline = outline.fact(way, "nothing");
            }
        }
        outline
    }

    fn effect(&self, path: &Path, _before: Option<&Value>, _after: Option<&Value>) -> Effect {
        match path.0.first().map(String::as_str) {
            Some("GroupName" | "GroupDescription" | "VpcId") => {
                Effect::Immutable("takes the network away from every running app")
            }
            _ => Effect::InPlace,
        }
    }
}

#[async_trait(?Send)]
impl Resource for SecurityGroupResource {
    fn kind(&self) -> Kind {
        Kind::SecurityGroup
    }

    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let groups = || [scope.arn("ec2", "security-group/*")];
        let mut grants = vec![Grant::anywhere(LOOK, &["ec2:DescribeSecurityGroups"])];
        grants.extend(scope.owned(&Grant::new(CHANGE, &["ec2:DeleteSecurityGroup"], groups())));
        if scope.config.domain.security_group_id.is_none() {
            grants.push(Grant::new(MAKE, &["ec2:CreateSecurityGroup"], groups()).tagging_as_ours(scope));
            // EC2 asks for the VPC too, which has no tag of ours.
            grants.push(Grant::new(MAKE, &["ec2:CreateSecurityGroup"], [scope.vpc()]));
            grants.push(Grant::new(MAKE, &["ec2:CreateTags"], groups()).tagging_as_ours(scope).when(
                "StringEquals",
                "ec2:CreateAction",
                ["CreateSecurityGroup".to_owned()],
            ));
            let changes = [
                "ec2:CreateTags",
                "ec2:DeleteTags",
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
                "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
            ];
            grants.extend(scope.owned(&Grant::new(MAKE, &changes, groups())));
        }
        grants
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        let config = &desired.config.domain;
        if config.security_group_id.is_some() {
            return Vec::new();
        }
        let (mut ingress, ingress_keys) = rules(&config.security_group_ingress, "from");
        let (mut egress, egress_keys) = rules(&config.security_group_egress, "to");
        let own = |ports: [Option<i64>; 2]| rule("-1", ports, "GroupId", SELF.into(), "Self-Ref");
        ingress.push(own([None, None]));
        if egress.is_empty() {
            let all = rule("-1", [None, None], "CidrIp", "0.0.0.0/0".into(), "Allow all outbound traffic by default");
            egress.push(all);
        } else {
            // MDAA's construct library keeps this rule, which matches nothing, beside the real ones.
            let none = [Some(252), Some(86)];
            let none = rule("icmp", none, "CidrIp", "255.255.255.255/32".into(), "Disallow all traffic");
            if !egress.iter().any(|rule| bare(rule) == bare(&none)) {
                egress.push(none);
            }
            egress.push(own([None, None]));
        }
        let properties = Value::from_iter([
            ("GroupName", Value::from(desired.names.security_group.as_str())),
            ("GroupDescription", desired.names.security_group_description.as_str().into()),
            ("VpcId", config.vpc_id.as_str().into()),
            ("Ingress", Value::List(ingress)),
            ("Egress", Value::List(egress)),
            ("Tags", desired.tags(&address())),
        ]);
        let mut node = Node::new(address(), properties);
        let sources = [
            (Path::default(), ["domain"].as_slice()),
            (Path::of(["VpcId"]), &["domain", "vpcId"]),
            (Path::of(["Ingress"]), &["domain", "securityGroupIngress"]),
            (Path::of(["Egress"]), &["domain", "securityGroupEgress"]),
        ];
        node.sources.extend(sources.into_iter().filter_map(|(path, keys)| Some((path, desired.source(keys)?))));
        for (property, section, keys) in
            [("Ingress", "securityGroupIngress", ingress_keys), ("Egress", "securityGroupEgress", egress_keys)]
        {
            let places = keys.iter().enumerate().filter_map(|(at, (list, index))| {
                let source = desired.source(&["domain", section, list, &index.to_string()])?;
                Some((Path::of([property, &at.to_string()]), source))
            });
            node.sources.extend(places);
        }
        vec![node]
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![(address(), find(account, context.nodes.first()).await?)])
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let text = |key: &str| node.properties.text(key).map(str::to_owned);
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::SecurityGroup)
            .set_tags(Some(tags::list(&ownership::of(&node.properties))))
            .build();
        let create = account
            .ec2
            .create_security_group()
            .set_group_name(text("GroupName"))
            .set_description(text("GroupDescription"))
            .set_vpc_id(text("VpcId"))
            .tag_specifications(tags);
        match create.send().await.map_err(|e| failed("CreateSecurityGroup", e)) {
            Ok(_) => {}
            Err(error) if error.is("InvalidGroup.Duplicate") => {}
            Err(error) => return Err(error),
        }
        let observed = account.find_ours(&node.address, || find(account, Some(node))).await?;
        set_rules(account, node, &observed).await?;
        read_back(account, node).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        // Tags first: an adopted group is ours from then on, whatever happens next.
        let (write, remove) = ownership::difference(&node.properties, changes);
        if !write.is_empty() {
            let create = account.ec2.create_tags().resources(&observed.id).set_tags(Some(tags::list(&write)));
            create.send().await.map_err(|e| failed("CreateTags", e))?;
        }
        if !remove.is_empty() {
            let keys = remove.iter().map(|key| Tag::builder().key(key).build()).collect();
            let delete = account.ec2.delete_tags().resources(&observed.id).set_tags(Some(keys));
            delete.send().await.map_err(|e| failed("DeleteTags", e))?;
        }
        if changes.iter().any(|change| matches!(change.path.0[0].as_str(), "Ingress" | "Egress")) {
            set_rules(account, node, observed).await?;
        }
        read_back(account, node).await
    }

    async fn delete(
        &self,
        account: &Account,
        address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        delete(account, address, &observed.id).await
    }
}

/// Deletes a group, waiting while network interfaces that are going away still hold it.
pub(super) async fn delete(account: &Account, address: &Address, id: &str) -> Result<Deleted, CloudError> {
    let attempt = async || match account
        .ec2
        .delete_security_group()
        .group_id(id)
        .send()
        .await
        .map_err(|e| failed("DeleteSecurityGroup", e))
    {
        Err(error) if error.is("DependencyViolation") => {
            account.phase(address, "still in use");
            Ok(WaitProgress::Busy("in use".into()))
        }
        Err(error) if error.kind == ErrorKind::Denied && is_gone(account, id).await? => Ok(WaitProgress::Ready(())),
        Err(error) if error.kind != ErrorKind::NotFound => Err(error),
        _ => Ok(WaitProgress::Ready(())),
    };
    account.clock.until(&address.to_string(), WaitPolicy::NETWORK, attempt).await?;
    Ok(Deleted::Gone)
}

/// Returns `true` if a group about which something was refused is gone: it has no tags any more then, so that a
/// permission that goes by tags does not cover it. Reads lag behind, so that the first look does not settle it.
pub(super) async fn is_gone(account: &Account, id: &str) -> Result<bool, CloudError> {
    let wait_policy = WaitPolicy { timeout: LAG, ..WaitPolicy::PROPAGATION };
    let look = account.clock.until("the group", wait_policy, async || {
        let by_id = Filter::builder().name("group-id").values(id).build();
        let found = account.ec2.describe_security_groups().filters(by_id).send().await;
        let found = found.map_err(|e| failed("DescribeSecurityGroups", e))?;
        Ok(if found.security_groups().is_empty() {
            WaitProgress::Ready(())
        } else {
            WaitProgress::Busy("there".into())
        })
    });
    match look.await {
        Err(error) if error.kind == ErrorKind::Timeout => Ok(false),
        other => other.map(|()| true),
    }
}

async fn read_back(account: &Account, node: &Node) -> Result<Observed, CloudError> {
    account.find_ours(&node.address, || find(account, Some(node))).await
}

/// The rules of one direction as properties, in MDAA's order; of two that are the same to EC2 the first, as in MDAA.
/// The rules, and for each the list and the index in it that it comes from.
fn rules(configured: &SecurityGroupRules, word: &str) -> (Vec<Value>, Vec<(&'static str, usize)>) {
    let mut seen = BTreeSet::new();
    let mut rules = Vec::new();
    let mut keys = Vec::new();
    let peers = ["CidrIp", "GroupId", "PrefixListId"];
    for ((name, list), peer) in configured.lists().into_iter().zip(peers) {
        for (index, configured) in list.iter().enumerate() {
            if !seen.insert(configured.identity(name)) {
                continue;
            }
            let (protocol, ports) = (configured.ip_protocol(), [configured.port, configured.last_port()]);
            let connection = connection(protocol, ports);
            let description = description(configured, word, &connection);
            rules.push(rule(protocol, ports, peer, configured.kept_peer().into(), &description));
            keys.push((name, index));
        }
    }
    (rules, keys)
}

fn description(configured: &SecurityGroupRule, word: &str, connection: &str) -> String {
    configured.description.clone().unwrap_or_else(|| format!("{word} {}:{connection}", configured.peer))
}

fn connection(protocol: &str, [from, to]: [Option<i64>; 2]) -> String {
    match (protocol, from, to) {
        ("-1", ..) => "-1 ALL TRAFFIC".into(),
        (_, Some(from), Some(to)) if from != to => format!("{protocol} RANGE {from}-{to}"),
        (_, from, _) => format!("{protocol} PORT {}", from.unwrap_or_default()),
    }
}

fn rule(protocol: &str, [from, to]: [Option<i64>; 2], peer_kind: &str, peer: Text, description: &str) -> Value {
    let mut rule = Value::from_iter([
        ("IpProtocol", Value::from(protocol)),
        (peer_kind, Value::Text(peer)),
        ("Description", Value::from(description)),
    ]);
    // EC2 keeps ports for these only; of any other protocol, all of them included, it lets everything through and answers
    // no ports, or -1 (AuthorizeSecurityGroupIngress, IpPermission).
    if matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6") {
        for (key, port) in [("FromPort", from), ("ToPort", to)] {
            if let Some(port) = port {
                rule.set(key, port);
            }
        }
    }
    rule
}

/// The group of our name: ours in whichever VPC, else MDAA's, else whoever has the name in the VPC that `node` wants it in.
/// A name is one group's in each VPC (EC2 user guide, "Security groups"), so that elsewhere it may be anybody's.
async fn find(account: &Account, node: Option<&Node>) -> Result<Found, CloudError> {
    let named = Filter::builder().name("group-name").values(&account.names.security_group).build();
    let named = account.ec2.describe_security_groups().filters(named).into_paginator().items().send();
    let groups: Vec<_> = named.try_collect().await.map_err(|e| failed("DescribeSecurityGroups", e))?;
    let mut found = Found::Absent;
    let vpc = node.and_then(|node| node.properties.text("VpcId"));
    for group in &groups {
        let judged = ownership::classify(account, observed(group)?).await?;
        match judged {
            Found::Ours(_) => return Ok(judged),
            Found::Foreign { owner: Owner::Mdaa { .. }, .. } => found = judged,
            judged if found == Found::Absent && group.vpc_id() == vpc => found = judged,
            _ => {}
        }
    }
    Ok(found)
}

fn observed(group: &aws_sdk_ec2::types::SecurityGroup) -> Result<Observed, CloudError> {
    let id = answer::text("DescribeSecurityGroups", "GroupId", group.group_id())?;
    let text = |name: &str, value| answer::text("DescribeSecurityGroups", name, value).map(Value::from);
    let properties = Value::from_iter([
        ("GroupName", text("GroupName", group.group_name())?),
        ("GroupDescription", answer::member("DescribeSecurityGroups", "Description", group.description())?.into()),
        ("VpcId", text("VpcId", group.vpc_id())?),
        ("Ingress", Value::List(flatten(group.ip_permissions(), id)?)),
        ("Egress", Value::List(flatten(group.ip_permissions_egress(), id)?)),
        ("Tags", ownership::property(&tags::by_key(group.tags()))),
    ]);
    Ok(Observed::new(id, properties).output("GroupId", id))
}

/// One property a rule: EC2 answers rules grouped by protocol and ports.
pub(super) fn flatten(permissions: &[IpPermission], own: &str) -> Result<Vec<Value>, CloudError> {
    let mut rules = Vec::new();
    for permission in permissions {
        let protocol = answer::text("DescribeSecurityGroups", "IpProtocol", permission.ip_protocol())?;
        let ports = [permission.from_port().map(i64::from), permission.to_port().map(i64::from)];
        let mut add = |kind: &str, peer: Option<&str>, description: Option<&str>| {
            let peer = peer.unwrap_or_default();
            let peer = if kind == "GroupId" && peer == own { SELF } else { peer };
            rules.push(rule(protocol, ports, kind, peer.into(), description.unwrap_or_default()));
        };
        permission.ip_ranges().iter().for_each(|range| add("CidrIp", range.cidr_ip(), range.description()));
        permission.ipv6_ranges().iter().for_each(|range| add("CidrIpv6", range.cidr_ipv6(), range.description()));
        permission.user_id_group_pairs().iter().for_each(|pair| add("GroupId", pair.group_id(), pair.description()));
        permission
            .prefix_list_ids()
            .iter()
            .for_each(|list| add("PrefixListId", list.prefix_list_id(), list.description()));
    }
    Ok(rules)
}

/// Makes the live rules those of the node: new ones are added before old ones go, so that no connection is ever without
/// the rule that allows it; a rule that only reads differently keeps working meanwhile.
async fn set_rules(account: &Account, node: &Node, observed: &Observed) -> Result<(), CloudError> {
    for (key, egress) in [("Ingress", false), ("Egress", true)] {
        let wanted = node.properties.get(key).map(Value::items).unwrap_or_default();
        let live = observed.properties.get(key).map(Value::items).unwrap_or_default();
        let missing: Vec<&Value> = wanted.iter().filter(|rule| !live.contains(rule)).collect();
        let surplus: Vec<&Value> = live.iter().filter(|rule| !wanted.contains(rule)).collect();
        let (renamed, added): (Vec<&Value>, Vec<&Value>) =
            missing.into_iter().partition(|rule| surplus.iter().any(|other| bare(other) == bare(rule)));
        let removed: Vec<&Value> =
            surplus.into_iter().filter(|rule| !wanted.iter().any(|other| bare(other) == bare(rule))).collect();
        describe(account, observed, egress, &renamed).await?;
        authorize(account, observed, egress, &added).await?;
        revoke(account, observed, egress, &removed).await?;
    }
    Ok(())
}

/// A rule without its description: what EC2 tells rules apart by.
fn bare(rule: &Value) -> Value {
    rule.entries().filter(|(key, _)| *key != "Description").map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn permission(rule: &Value, own: &str) -> IpPermission {
    let number = |key: &str| match rule.get(key) {
        Some(Value::Number(number)) => number.to_number().as_i64().and_then(|number| i32::try_from(number).ok()),
        _ => None,
    };
    let text = |key: &str| rule.text(key).map(str::to_owned);
    let description = text("Description").filter(|text| !text.is_empty());
    let mut permission = IpPermission::builder()
        .set_ip_protocol(text("IpProtocol"))
        .set_from_port(number("FromPort"))
        .set_to_port(number("ToPort"));
    if let Some(cidr) = text("CidrIp") {
        permission =
            permission.ip_ranges(IpRange::builder().cidr_ip(cidr).set_description(description.clone()).build());
    }
    if let Some(cidr) = text("CidrIpv6") {
        let range = Ipv6Range::builder().cidr_ipv6(cidr).set_description(description.clone()).build();
        permission = permission.ipv6_ranges(range);
    }
    if let Some(group) = text("GroupId") {
        let group = if group == SELF { own.to_owned() } else { group };
        let pair = UserIdGroupPair::builder().group_id(group).set_description(description.clone()).build();
        permission = permission.user_id_group_pairs(pair);
    }
    if let Some(list) = text("PrefixListId") {
        let list = PrefixListId::builder().prefix_list_id(list).set_description(description).build();
        permission = permission.prefix_list_ids(list);
    }
    permission.build()
}

async fn authorize(account: &Account, group: &Observed, egress: bool, rules: &[&Value]) -> Result<(), CloudError> {
    if rules.is_empty() {
        return Ok(());
    }
    // One call a direction; if some rule is there already (an answer was lost), one call a rule.
    match authorize_all(account, group, egress, rules).await {
        Err(error) if error.is("InvalidPermission.Duplicate") => {}
        other => return other,
    }
    for rule in rules {
        match authorize_all(account, group, egress, &[*rule]).await {
            Err(error) if error.is("InvalidPermission.Duplicate") => {}
            other => other?,
        }
    }
    Ok(())
}

async fn authorize_all(account: &Account, group: &Observed, egress: bool, rules: &[&Value]) -> Result<(), CloudError> {
    let permissions = Some(rules.iter().map(|rule| permission(rule, &group.id)).collect());
    if egress {
        let call = account.ec2.authorize_security_group_egress().group_id(&group.id).set_ip_permissions(permissions);
        call.send().await.map_err(|e| failed("AuthorizeSecurityGroupEgress", e))?;
    } else {
        let call = account.ec2.authorize_security_group_ingress().group_id(&group.id).set_ip_permissions(permissions);
        call.send().await.map_err(|e| failed("AuthorizeSecurityGroupIngress", e))?;
    }
    Ok(())
}

/// Takes rules away; one that is gone already is none.
pub(super) async fn revoke(
    account: &Account,
    group: &Observed,
    egress: bool,
    rules: &[&Value],
) -> Result<(), CloudError> {
    for rule in rules {
        let permissions = Some(vec![permission(&bare(rule), &group.id)]);
        let result = if egress {
            let call = account.ec2.revoke_security_group_egress().group_id(&group.id).set_ip_permissions(permissions);
            call.send().await.map(drop).map_err(|e| failed("RevokeSecurityGroupEgress", e))
        } else {
            let call = account.ec2.revoke_security_group_ingress().group_id(&group.id).set_ip_permissions(permissions);
            call.send().await.map(drop).map_err(|e| failed("RevokeSecurityGroupIngress", e))
        };
        match result {
            Err(error) if error.is("InvalidPermission.NotFound") => {}
            other => other?,
        }
    }
    Ok(())
}

/// Changes the description of rules that are otherwise there.
async fn describe(account: &Account, group: &Observed, egress: bool, rules: &[&Value]) -> Result<(), CloudError> {
    for rule in rules {
        let permissions = Some(vec![permission(rule, &group.id)]);
        let none: Option<Vec<SecurityGroupRuleDescription>> = None;
        if egress {
            let call = account.ec2.update_security_group_rule_descriptions_egress().group_id(&group.id);
            let call = call.set_ip_permissions(permissions).set_security_group_rule_descriptions(none);
            call.send().await.map_err(|e| failed("UpdateSecurityGroupRuleDescriptionsEgress", e))?;
        } else {
            let call = account.ec2.update_security_group_rule_descriptions_ingress().group_id(&group.id);
            let call = call.set_ip_permissions(permissions).set_security_group_rule_descriptions(none);
            call.send().await.map_err(|e| failed("UpdateSecurityGroupRuleDescriptionsIngress", e))?;
        }
    }
    Ok(())
}
