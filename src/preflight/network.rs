//! The network of a domain in a VPC: what does not exist blocks, and other mistakes are said, since they show only when
//! somebody opens Studio.
//!
//! The others are never more than notices: a network may be finished after the domain. Source: developer guide, "Connect
//! Studio in a VPC to external resources" (studio-notebooks-and-internet-access).

use std::collections::BTreeSet;

use super::{Findings, brings};
use crate::aws::Account;
use crate::aws::network::{LiveSubnet, Network, NetworkPart, WayOut, existing, look};
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Kind, Path, Value};
use crate::plan::{Plan, Step};
use crate::resource::{Desired, domain};

/// Endpoints that Studio cannot do without where nothing leads out of the VPC.
const ENDPOINTS: [&str; 3] = ["sagemaker.api", "sagemaker.runtime", "s3"];
/// "2 to 4 IP addresses per user", says the guide.
const ADDRESSES_PER_USER: i64 = 4;

/// Places at which nodes name parts of the network: below the keys, by the member of an item if there is one.
const NAMED: [(Kind, &[&str], Option<&str>, NetworkPart); 10] = [
    (Kind::SecurityGroup, &["VpcId"], None, NetworkPart::Vpc),
    (Kind::SecurityGroup, &["Ingress"], Some("GroupId"), NetworkPart::SecurityGroup),
    (Kind::SecurityGroup, &["Egress"], Some("GroupId"), NetworkPart::SecurityGroup),
    (Kind::SecurityGroup, &["Ingress"], Some("PrefixListId"), NetworkPart::PrefixList),
    (Kind::SecurityGroup, &["Egress"], Some("PrefixListId"), NetworkPart::PrefixList),
    (Kind::Domain, &["VpcId"], None, NetworkPart::Vpc),
    (Kind::Domain, &["SubnetIds"], None, NetworkPart::Subnet),
    (Kind::Domain, &["DefaultUserSettings", "SecurityGroups"], None, NetworkPart::SecurityGroup),
    (Kind::Domain, &["DefaultSpaceSettings", "SecurityGroups"], None, NetworkPart::SecurityGroup),
    (Kind::UserProfile, &["UserSettings", "SecurityGroups"], None, NetworkPart::SecurityGroup),
];

/// Checks that parts of the network exist, in the VPC; EC2 and SageMaker would refuse others only after much was
/// written. What another account has exists as far as it shares it.
pub(super) async fn existence(
    account: &Account,
    desired: &Desired,
    plan: &Plan,
    findings: &Findings,
) -> Result<(), CloudError> {
    let named = named(plan);
    let wanted: BTreeSet<(NetworkPart, String)> = named.iter().map(|(_, _, part, id)| (*part, id.clone())).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let existing = existing(account, &wanted).await?;
    let wanted = &desired.config.domain.vpc_id;
    let place = &account.deployment;
    for (step, path, part, id) in named {
        let Some(vpc) = existing.get(&id) else {
            let why = format!("the {part} {id} does not exist in {}", place.region);
            let hint = format!(
                "name one that does, make it first, or have it shared with account {}: `aws ec2 {}` shows what there is",
                place.account,
                part.lists()
            );
            findings.against(step, &path, why, hint);
            continue;
        };
        // A rule may be about a group of a VPC that this one is peered with.
        let is_within = step.address().kind != Kind::SecurityGroup;
        if let Some(vpc) = vpc.as_ref().filter(|vpc| is_within && *vpc != wanted) {
            let why = format!("the {part} {id} is in {vpc}, and the domain in {wanted}");
            findings.against(step, &path, why, format!("SageMaker refuses that: name one of {wanted}"));
        }
    }
    Ok(())
}

/// Every part of the network that a step begins to use, with where its node names it.
fn named(plan: &Plan) -> Vec<(&Step, Path, NetworkPart, String)> {
    let mut named = Vec::new();
    for step in plan.steps() {
        let Some(node) = step.node() else { continue };
        for (_, keys, member, part) in NAMED.iter().filter(|(kind, ..)| *kind == step.address().kind) {
            let path = Path(keys.iter().map(ToString::to_string).collect());
            let Some(value) = node.properties.at(&path).filter(|_| brings(step, &path)) else { continue };
            let mut add = |value: &Value, path: Path| {
                let id = member.map_or(Some(value), |member| value.get(member)).and_then(Value::as_str);
                // A group that is still to be made has no id; a rule names its own group by a word.
                named.extend(id.filter(|id| id.contains('-')).map(|id| (step, path, *part, id.to_owned())));
            };
            match value {
                Value::List(items) => items.iter().enumerate().for_each(|(at, item)| {
                    let mut path = path.clone();
                    path.0.push(at.to_string());
                    add(item, path);
                }),
                value => add(value, path),
            }
        }
    }
    named
}

pub(super) async fn check(
    account: &Account,
    desired: &Desired,
    plan: &Plan,
    findings: &Findings,
) -> Result<(), CloudError> {
    let config = &desired.config.domain;
    let Some(step) = plan.step(&domain::address()) else { return Ok(()) };
    let touched = [&["SubnetIds"][..], &["AppNetworkAccessType"], &["DefaultUserSettings", "SecurityGroups"]];
    let private = config.app_network_access_type.as_deref().unwrap_or("VpcOnly") == "VpcOnly";
    let touched = touched.iter().any(|keys| brings(step, &Path(keys.iter().map(ToString::to_string).collect())));
    if !private || !touched {
        return Ok(());
    }
    match look(account, &config.vpc_id, &config.subnet_ids, config.security_group_id.as_deref()).await {
        Ok(network) => {
            for warning in warnings(&network, &account.deployment.account, &config.vpc_id, config.user_profiles.len()) {
                findings.notice(warning);
            }
            Ok(())
        }
        // That something does not exist is said where it is named.
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        Err(error) => findings.unadvised("whether the domain's subnets lead out of the VPC", error),
    }
}

fn warnings(network: &Network, account: &str, vpc: &str, users: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    let subnets = &network.subnets;
    // Who shares a subnet shows nobody the endpoints and routes around it.
    let (own, shared): (Vec<&LiveSubnet>, Vec<&LiveSubnet>) =
        subnets.iter().partition(|subnet| subnet.owner == account);
    if let Some(first) = shared.first() {
        let ids: Vec<&str> = shared.iter().map(|subnet| subnet.id.as_str()).collect();
        warnings.push(format!(
            "not checked: whether {} leads out of the VPC, since account {} shares it and shows its routes and VPC endpoints to \
             nobody",
            ids.join(", "),
            first.owner
        ));
    }
    for subnet in &own {
        if subnet.way_out == WayOut::Internet {
            warnings.push(format!(
                "{} is a public subnet: Studio's network interfaces get no public address, so apps in it reach nothing \
                 outside; use private subnets with a NAT gateway or VPC endpoints",
                subnet.id
            ));
        }
    }
    let enclosed: Vec<&str> =
        own.iter().filter(|subnet| subnet.way_out == WayOut::None).map(|subnet| subnet.id.as_str()).collect();
    let has = |service: &str| network.endpoints.iter().any(|endpoint| endpoint.service == service);
    let lacking: Vec<&str> = ENDPOINTS.into_iter().filter(|service| !has(service)).collect();
    if !enclosed.is_empty() && !lacking.is_empty() {
        warnings.push(format!(
            "nothing leads out of {}, and {vpc} has no VPC endpoint for {}: Studio does not open; sts, logs, kms and studio \
             may be needed too",
            enclosed.join(", "),
            lacking.join(", ")
        ));
    }
    for endpoint in &network.endpoints {
        // A gateway has no name of its own: routes lead to it.
        let without_names = endpoint.is_interface && !endpoint.private_names;
        if !enclosed.is_empty() && without_names && ENDPOINTS.contains(&endpoint.service.as_str()) {
            warnings.push(format!(
                "the VPC endpoint for {} has private DNS off, so Studio does not find it",
                endpoint.service
            ));
        }
    }
    let free: i64 = subnets.iter().map(|subnet| subnet.free).sum();
    let wanted = i64::try_from(users).unwrap_or(i64::MAX).saturating_mul(ADDRESSES_PER_USER);
    if free < wanted {
        warnings.push(format!(
            "the subnets have {free} free addresses, and {users} users may need {wanted}: apps fail to start when none is left"
        ));
    }
    if let Some(group) = &network.enclosed_group {
        warnings.push(format!(
            "{group} lets its members not reach each other: Studio needs TCP 8192-65535 within its security group; add a \
             rule that allows it from itself"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::network::Endpoint;

    #[test]
    fn each_mistake_has_its_warning() {
        let subnet = |way_out| LiveSubnet { id: "subnet-1".into(), owner: "1".into(), free: 100, way_out };
        let endpoint =
            |service: &str, private_names| Endpoint { service: service.into(), is_interface: true, private_names };
        let good = || Network { subnets: vec![subnet(WayOut::Through)], endpoints: Vec::new(), enclosed_group: None };
        let all: Vec<Endpoint> = ENDPOINTS.iter().map(|service| endpoint(service, true)).collect();
        let deaf: Vec<Endpoint> =
            ENDPOINTS.iter().map(|service| endpoint(service, *service != "sagemaker.api")).collect();
        let alone = |endpoints| Network { subnets: vec![subnet(WayOut::None)], endpoints, enclosed_group: None };
        let shared = LiveSubnet { owner: "2".into(), ..subnet(WayOut::None) };
        let full = LiveSubnet { free: 7, ..subnet(WayOut::Through) };
        for (network, expected) in [
            (good(), None),
            (alone(all), None),
            (alone(Vec::new()), Some("no VPC endpoint for sagemaker.api, sagemaker.runtime, s3")),
            (alone(deaf), Some("sagemaker.api has private DNS off")),
            (Network { subnets: vec![subnet(WayOut::Internet)], ..good() }, Some("is a public subnet")),
            (Network { subnets: vec![shared], ..good() }, Some("not checked: whether subnet-1 leads out")),
            (Network { subnets: vec![full], ..good() }, Some("7 free addresses, and 2 users may need 8")),
            (
                Network { enclosed_group: Some("sg-1".into()), ..good() },
                Some("sg-1 lets its members not reach each other"),
            ),
        ] {
            let found = warnings(&network, "1", "vpc-1", 2);
            assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
            assert!(found.iter().all(|warning| warning.contains(expected.unwrap_or_default())), "{found:?}");
        }
    }
}
