//! The network around a domain, as far as Studio depends on it: read from EC2, judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_sdk_ec2::types::{self, Filter, IpPermission, ManagedPrefixList, RouteTable, SecurityGroup, Vpc};

use super::Account;
use super::error::failed;
use crate::cloud::CloudError;

/// The part of a VPC that a domain lives in, as far as it was found.
#[derive(Clone, Debug)]
pub struct Network {
    /// The subnets that were asked for.
    pub subnets: Vec<LiveSubnet>,
    /// The endpoints of the VPC.
    pub endpoints: Vec<Endpoint>,
    /// The group that was asked for, when its members cannot reach each other.
    pub enclosed_group: Option<String>,
}

/// A subnet of the VPC.
#[derive(Clone, Debug)]
pub struct LiveSubnet {
    /// The id, `subnet-…`.
    pub id: String,
    /// The account that has it: another one may share it.
    pub owner: String,
    /// The number of free addresses.
    pub free: i64,
    /// The end of its default route.
    pub way_out: WayOut,
}

/// The end of a default route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// There is none.
    None,
    /// To an internet gateway, which serves only who has a public address.
    Internet,
    /// Through something that needs none: a NAT gateway, a transit gateway, an interface.
    Through,
}

/// An endpoint of a VPC for a service of AWS.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The service behind it, without `com.amazonaws.<region>.`.
    pub service: String,
    /// Whether it is reached by name and not by a route.
    pub is_interface: bool,
    /// Whether the service's own name leads to it.
    pub private_names: bool,
}

/// A kind of thing that a network is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkPart {
    /// A VPC.
    Vpc,
    /// A subnet of the VPC.
    Subnet,
    /// A security group.
    SecurityGroup,
    /// A prefix list.
    PrefixList,
}

impl NetworkPart {
    /// The command of the AWS CLI that lists them.
    pub const fn lists(self) -> &'static str {
        match self {
            Self::Vpc => "describe-vpcs",
            Self::Subnet => "describe-subnets",
            Self::SecurityGroup => "describe-security-groups",
            Self::PrefixList => "describe-managed-prefix-lists",
        }
    }
}

impl fmt::Display for NetworkPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vpc => "VPC",
            Self::Subnet => "subnet",
            Self::SecurityGroup => "security group",
            Self::PrefixList => "prefix list",
        })
    }
}

/// The subset of `wanted` that exists, each with the VPC that it is in.
///
/// # Errors
/// What EC2 fails with.
pub async fn existing(
    account: &Account,
    wanted: &BTreeSet<(NetworkPart, String)>,
) -> Result<BTreeMap<String, Option<String>>, CloudError> {
    // By filters: what is asked for by its id and does not exist fails the call, and hides what else does not.
    let filter = |part: NetworkPart, name: &str| {
        let ids: Vec<String> = wanted.iter().filter(|(of, _)| *of == part).map(|(_, id)| id.clone()).collect();
        (!ids.is_empty()).then(|| Filter::builder().name(name).set_values(Some(ids)).build())
    };
    macro_rules! ids {
        ($part:expr, $filter:literal, $describe:ident, $operation:literal, $id:ident, $vpc:expr) => {
            async {
                let Some(filter) = filter($part, $filter) else { return Ok(Vec::new()) };
                let found = account.ec2.$describe().filters(filter).into_paginator().items().send().try_collect().await;
                let found = found.map_err(|e| failed($operation, e))?;
                let vpc = $vpc;
                let found = found.into_iter().filter_map(|one| Some((one.$id.clone()?, vpc(&one))));
                Ok::<Vec<(String, Option<String>)>, CloudError>(found.collect())
            }
        };
    }
    let (vpcs, subnets, groups, lists) = tokio::try_join!(
        ids!(NetworkPart::Vpc, "vpc-id", describe_vpcs, "DescribeVpcs", vpc_id, |vpc: &Vpc| vpc.vpc_id.clone()),
        ids!(
            NetworkPart::Subnet,
            "subnet-id",
            describe_subnets,
            "DescribeSubnets",
            subnet_id,
            |one: &types::Subnet| one.vpc_id.clone()
        ),
        ids!(
            NetworkPart::SecurityGroup,
            "group-id",
            describe_security_groups,
            "DescribeSecurityGroups",
            group_id,
            |group: &SecurityGroup| group.vpc_id.clone()
        ),
        ids!(
            NetworkPart::PrefixList,
            "prefix-list-id",
            describe_managed_prefix_lists,
            "DescribeManagedPrefixLists",
            prefix_list_id,
            |_: &ManagedPrefixList| None
        ),
    )?;
    Ok([vpcs, subnets, groups, lists].concat().into_iter().collect())
}

/// Looks at subnets, at the VPC's ways out and at a given security group.
///
/// # Errors
/// What EC2 fails with: subnets that do not exist, above all.
pub async fn look(
    account: &Account,
    vpc: &str,
    subnets: &[String],
    group: Option<&str>,
) -> Result<Network, CloudError> {
    let in_vpc = || Filter::builder().name("vpc-id").values(vpc).build();
    let ids: BTreeSet<&String> = subnets.iter().collect();
    let ids = ids.into_iter().cloned().collect();
    let described = account.ec2.describe_subnets().set_subnet_ids(Some(ids)).send().await;
    let described = described.map_err(|e| failed("DescribeSubnets", e))?.subnets.unwrap_or_default();
    let tables = async {
        let tables = account.ec2.describe_route_tables().filters(in_vpc()).into_paginator().items();
        tables.send().try_collect().await.map_err(|e| failed("DescribeRouteTables", e))
    };
    let tables = account.briefly("DescribeRouteTables", tables).await?;
    let endpoints = async {
        let endpoints = account.ec2.describe_vpc_endpoints().filters(in_vpc()).into_paginator().items();
        endpoints.send().try_collect().await.map_err(|e| failed("DescribeVpcEndpoints", e))
    };
    let endpoints = account.briefly("DescribeVpcEndpoints", endpoints).await?;
    let subnets = described.into_iter().map(|subnet| {
        let id = subnet.subnet_id.unwrap_or_default();
        LiveSubnet {
            way_out: way_out(&tables, &id),
            id,
            owner: subnet.owner_id.unwrap_or_default(),
            free: subnet.available_ip_address_count.unwrap_or_default().into(),
        }
    });
    let endpoints = endpoints.into_iter().map(|endpoint| {
        let name = endpoint.service_name.unwrap_or_default();
        Endpoint {
            // com.amazonaws.us-east-1.sagemaker.api, and aws.sagemaker.us-east-1.studio for the interface itself.
            service: name.splitn(4, '.').nth(3).unwrap_or(&name).to_owned(),
            is_interface: endpoint.vpc_endpoint_type.is_some_and(|kind| kind.as_str() == "Interface"),
            private_names: endpoint.private_dns_enabled.unwrap_or_default(),
        }
    });
    let enclosed_group = match group {
        None => None,
        Some(id) => {
            let answer = account.ec2.describe_security_groups().group_ids(id).send().await;
            let groups = answer.map_err(|e| failed("DescribeSecurityGroups", e))?.security_groups.unwrap_or_default();
            let open = groups.iter().flat_map(|group| group.ip_permissions()).any(|rule| admits_itself(rule, id));
            (!open).then(|| id.to_owned())
        }
    };
    Ok(Network { subnets: subnets.collect(), endpoints: endpoints.collect(), enclosed_group })
}

/// The end of a subnet's default route: by its own route table, else by the VPC's main one.
fn way_out(tables: &[RouteTable], subnet: &str) -> WayOut {
    let own = |table: &&RouteTable| table.associations().iter().any(|to| to.subnet_id() == Some(subnet));
    let main = |table: &&RouteTable| table.associations().iter().any(|to| to.main() == Some(true));
    let table = tables.iter().find(own).or_else(|| tables.iter().find(main));
    let routes = table.map(|table| table.routes()).unwrap_or_default();
    let default = routes.iter().find(|route| {
        route.destination_cidr_block() == Some("0.0.0.0/0")
            && route.state().is_none_or(|state| state.as_str() == "active")
    });
    match default {
        None => WayOut::None,
        Some(route) if route.gateway_id().is_some_and(|gateway| gateway.starts_with("igw-")) => WayOut::Internet,
        Some(_) => WayOut::Through,
    }
}

/// Returns `true` if a rule lets members of the group `id` reach each other by TCP, on the ports that Studio uses.
fn admits_itself(rule: &IpPermission, id: &str) -> bool {
    let ports = match rule.ip_protocol() {
        Some("-1") => true,
        Some("tcp" | "6") => {
            rule.from_port().is_none_or(|from| from <= 8192) && rule.to_port().is_none_or(|to| to == 65_535)
        }
        _ => false,
    };
    ports && rule.user_id_group_pairs().iter().any(|pair| pair.group_id() == Some(id))
}
