//! The network of a domain in a VPC: its mistakes show only when somebody opens Studio, so they are said before.
//!
//! Never more than notices: a network may be finished after the domain. Source: developer guide, "Connect Studio in a VPC
//! to external resources" (studio-notebooks-and-internet-access).

use super::{Findings, brings};
use crate::aws::Account;
use crate::aws::network::{Network, WayOut, look};
use crate::model::Path;
use crate::plan::Plan;
use crate::resource::{Desired, domain};

/// What Studio cannot do without where nothing leads out of the VPC.
const ENDPOINTS: [&str; 3] = ["sagemaker.api", "sagemaker.runtime", "s3"];
/// "2 to 4 IP addresses per user", says the guide.
const ADDRESSES_PER_USER: i64 = 4;

pub(super) async fn check(account: &Account, desired: &Desired, plan: &Plan, findings: &Findings) {
    let config = &desired.config.domain;
    let Some(step) = plan.step(&domain::address()) else { return };
    let touched = [&["SubnetIds"][..], &["AppNetworkAccessType"], &["DefaultUserSettings", "SecurityGroups"]];
    let private = config.app_network_access_type.as_deref().unwrap_or("VpcOnly") == "VpcOnly";
    let touched = touched.iter().any(|keys| brings(step, &Path(keys.iter().map(ToString::to_string).collect())));
    if !private || !touched {
        return;
    }
    match look(account, &config.vpc_id, &config.subnet_ids, config.security_group_id.as_deref()).await {
        Ok(network) => {
            for warning in warnings(&network, &config.vpc_id, config.user_profiles.len()) {
                findings.notice(warning);
            }
        }
        Err(error) => findings.unchecked("the domain's network", &error),
    }
}

fn warnings(network: &Network, vpc: &str, users: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    let subnets = &network.subnets;
    for subnet in subnets {
        if subnet.vpc != vpc {
            warnings
                .push(format!("{} is in {}, and the domain in {vpc}: SageMaker refuses that", subnet.id, subnet.vpc));
        } else if subnet.way_out == WayOut::Internet {
            warnings.push(format!(
                "{} is a public subnet: Studio's network interfaces get no public address, so apps in it reach nothing \
                 outside; use private subnets with a NAT gateway or VPC endpoints",
                subnet.id
            ));
        }
    }
    let enclosed: Vec<&str> =
        subnets.iter().filter(|subnet| subnet.way_out == WayOut::None).map(|subnet| subnet.id.as_str()).collect();
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
    use crate::aws::network::{Endpoint, Subnet};

    #[test]
    fn each_mistake_has_its_warning() {
        let subnet = |way_out| Subnet { id: "subnet-1".into(), vpc: "vpc-1".into(), free: 100, way_out };
        let endpoint =
            |service: &str, private_names| Endpoint { service: service.into(), is_interface: true, private_names };
        let good = || Network { subnets: vec![subnet(WayOut::Through)], endpoints: Vec::new(), enclosed_group: None };
        let all: Vec<Endpoint> = ENDPOINTS.iter().map(|service| endpoint(service, true)).collect();
        let deaf: Vec<Endpoint> =
            ENDPOINTS.iter().map(|service| endpoint(service, *service != "sagemaker.api")).collect();
        let alone = |endpoints| Network { subnets: vec![subnet(WayOut::None)], endpoints, enclosed_group: None };
        let elsewhere = Subnet { vpc: "vpc-2".into(), ..subnet(WayOut::Through) };
        let full = Subnet { free: 7, ..subnet(WayOut::Through) };
        for (network, expected) in [
            (good(), None),
            (alone(all), None),
            (alone(Vec::new()), Some("no VPC endpoint for sagemaker.api, sagemaker.runtime, s3")),
            (alone(deaf), Some("sagemaker.api has private DNS off")),
            (Network { subnets: vec![subnet(WayOut::Internet)], ..good() }, Some("is a public subnet")),
            (Network { subnets: vec![elsewhere], ..good() }, Some("is in vpc-2, and the domain in vpc-1")),
            (Network { subnets: vec![full], ..good() }, Some("7 free addresses, and 2 users may need 8")),
            (
                Network { enclosed_group: Some("sg-1".into()), ..good() },
                Some("sg-1 lets its members not reach each other"),
            ),
        ] {
            let found = warnings(&network, "vpc-1", 2);
            assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
            assert!(found.iter().all(|warning| warning.contains(expected.unwrap_or_default())), "{found:?}");
        }
    }
}
