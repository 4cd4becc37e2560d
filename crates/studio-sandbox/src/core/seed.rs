//! Things that accounts have before anything is deployed: the operator's, and others that let it use what they have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::records::{KEYS, Key, Peer, ROLES, Role, Rule, SECURITY_GROUPS, SUBNETS, SubnetRecord, VPCS, Vpc};
use super::world::{UPPER, World};
use crate::services::ec2::{PREFIX_LISTS, PrefixList};
use crate::services::ec2_groups::{everything, new_group};
use crate::services::iam_policies;
use crate::services::kms;
use crate::services::kms_aliases;
use crate::services::s3_buckets;
use crate::services::ssm;

/// Things that are to exist, with exactly these ids and names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// VPC ids.
    pub vpcs: Vec<String>,
    /// Subnets.
    pub subnets: Vec<SeedSubnet>,
    /// Roles.
    pub roles: Vec<SeedRole>,
    /// ARNs of managed policies.
    pub policies: Vec<String>,
    /// Parameters: name and value.
    pub parameters: Vec<(String, String)>,
    /// Key ids.
    pub keys: Vec<String>,
    /// Aliases of keys, `alias/` included; each with a key of its own.
    pub aliases: Vec<String>,
    /// Bucket names.
    pub buckets: Vec<String>,
    /// Security groups: id and VPC id.
    pub security_groups: Vec<(String, String)>,
    /// Prefix lists: id and name.
    pub prefix_lists: Vec<(String, String)>,
    /// What other accounts have, by account. Their roles, keys and parameters are the operator's account's to use; their
    /// buckets are not.
    pub others: BTreeMap<String, Self>,
}

/// A subnet that is to exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeedSubnet {
    /// `subnet-…`.
    pub id: String,
    /// The VPC that it is in.
    pub vpc: String,
}

/// A role that is to exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeedRole {
    /// Its name.
    pub name: String,
    /// `/` when absent.
    pub path: Option<String>,
    /// `AROA…`; made up when absent.
    pub id: Option<String>,
    /// The trust policy; when absent SageMaker, Lambda and the account may assume the role.
    pub trust: Option<String>,
    /// Its one inline policy; without it the role may do nothing but what its resources let it.
    pub policy: Option<String>,
}

impl Seed {
    /// Makes what is absent; a line for each thing made.
    pub(crate) fn apply(&self, world: &mut World) -> Vec<String> {
        let mut made = Vec::new();
        for id in &self.vpcs {
            add(world, &mut made, VPCS, id, "VPC", &Vpc { id: id.clone(), cidr: "10.0.0.0/16".into() });
        }
        for SeedSubnet { id, vpc } in &self.subnets {
            // One zone after another and one /20 after another, as many as fit into the VPC's /16.
            let index = world.list::<SubnetRecord>(SUBNETS, "").len();
            let zone = format!("{}{}", world.region(), ["a", "b", "c"][index % 3]);
            let cidr = format!("10.0.{}.0/20", index * 16 % 256);
            add(
                world,
                &mut made,
                SUBNETS,
                id,
                "subnet",
                &SubnetRecord { id: id.clone(), vpc: vpc.clone(), cidr, zone, shared_with: Vec::new() },
            );
        }
        for role in &self.roles {
            if role.make(world) {
                made.push(format!("role {}", role.name));
            }
        }
        for arn in &self.policies {
            if iam_policies::seed(world, arn) {
                made.push(format!("policy {arn}"));
            }
        }
        for (name, value) in &self.parameters {
            if ssm::seed(world, name, value) {
                made.push(format!("parameter {name} = {value}"));
            }
        }
        for id in &self.keys {
            let record = key(world, id);
            add(world, &mut made, KEYS, id, "key", &record);
        }
        for name in &self.aliases {
            let id = kms::new_id(world);
            if kms_aliases::seed(world, name, &id) {
                let record = key(world, &id);
                world.put(KEYS, &id, &record);
                made.push(format!("key {id} as {name}"));
            }
        }
        for name in &self.buckets {
            if s3_buckets::seed(world, name) {
                made.push(format!("bucket {name}"));
            }
        }
        for (id, vpc) in &self.security_groups {
            let mut record = new_group(world, id.clone(), id.trim_start_matches("sg-"), "seeded", vpc);
            // Studio needs its apps to reach each other, so a group that a config names lets its members do so.
            let within = Rule { egress: false, peer: Peer::Group(id.clone()), ..everything() };
            record.rules.insert(id.replacen("sg-", "sgr-", 1), within);
            add(world, &mut made, SECURITY_GROUPS, id, "security group", &record);
        }
        for (id, name) in &self.prefix_lists {
            add(world, &mut made, PREFIX_LISTS, id, "prefix list", &PrefixList { id: id.clone(), name: name.clone() });
        }
        for (account, seed) in &self.others {
            let theirs = world.within(account, |world| seed.apply(world));
            made.extend(theirs.into_iter().map(|line| format!("{line} of account {account}")));
        }
        made
    }
}

fn add(world: &mut World, made: &mut Vec<String>, table: &str, key: &str, what: &str, record: &impl serde::Serialize) {
    if !world.has(table, key) {
        world.put(table, key, record);
        made.push(format!("{what} {key}"));
    }
}

/// The account that something is in and, when it is another's, the operator's: who may use it.
fn trusted(world: &World) -> Vec<String> {
    let accounts = BTreeSet::from([world.account(), world.home()]);
    accounts.into_iter().map(|account| format!("arn:{}:iam::{account}:root", world.partition())).collect()
}

impl SeedRole {
    /// Makes it in the account that the turn acts in, unless there is a role of that name; whether it was made.
    pub(crate) fn make(&self, world: &mut World) -> bool {
        if world.has(ROLES, &self.name) {
            return false;
        }
        let record = self.record(world);
        world.put(ROLES, &self.name, &record);
        true
    }

    fn record(&self, world: &mut World) -> Role {
        let path = self.path.clone().unwrap_or_else(|| "/".into());
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sagemaker.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                },
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
                {"Effect": "Allow", "Principal": {"AWS": trusted(world)}, "Action": "sts:AssumeRole"},
            ],
        });
        Role {
            arn: format!("arn:{}:iam::{}:role{path}{}", world.partition(), world.account(), self.name),
            name: self.name.clone(),
            path,
            id: self.id.clone().unwrap_or_else(|| format!("AROA{}", world.id(UPPER, 17))),
            trust: self.trust.clone().unwrap_or_else(|| trust.to_string()),
            description: None,
            max_session: 3600,
            boundary: None,
            tags: BTreeMap::new(),
            attached: Vec::new(),
            inline: self.policy.iter().map(|policy| ("seeded".to_owned(), policy.clone())).collect(),
            created: world.now(),
            visible_at: world.now(),
        }
    }
}

fn key(world: &World, id: &str) -> Key {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": trusted(world)}, "Action": "kms:*", "Resource": "*"}],
    });
    Key {
        id: id.into(),
        description: String::new(),
        policy: policy.to_string(),
        tags: BTreeMap::new(),
        rotation: false,
        enabled: true,
        deletion_at: None,
        created: world.now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeding_twice_makes_everything_once_and_keeps_ids() {
        let seed = Seed {
            vpcs: vec!["vpc-id".into()],
            subnets: vec![SeedSubnet { id: "subnet-id".into(), vpc: "vpc-id".into() }],
            roles: vec![SeedRole { name: "admin".into(), id: Some("AROAADMIN".into()), ..SeedRole::default() }],
            policies: vec!["arn:aws:iam::123456789012:policy/boundary".into()],
            parameters: vec![("/org/vpc".into(), "vpc-id".into())],
            keys: vec!["test-efs-key".into()],
            aliases: vec!["alias/foo".into()],
            buckets: vec!["given".into()],
            security_groups: vec![("sg-test12345".into(), "vpc-id".into())],
            prefix_lists: vec![("pl-1".into(), "lists".into())],
            others: [("999988887777".to_owned(), Seed { buckets: vec!["theirs".into()], ..Seed::default() })].into(),
        };
        let mut world = World::default();
        assert_eq!(seed.apply(&mut world).len(), 11);
        assert_eq!(seed.apply(&mut world), Vec::<String>::new());
        assert_eq!(world.get::<Role>(ROLES, "admin").unwrap().id, "AROAADMIN");
        assert!(world.has(KEYS, "test-efs-key") && world.has(SECURITY_GROUPS, "sg-test12345"));
    }
}
