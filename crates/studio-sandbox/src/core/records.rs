//! The records that more than one service of the sandbox touches, and the tables that they stand in.
//!
//! Studio makes a file system, mount targets and two security groups behind a domain; it looks up roles and keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::world::{World, account_in};

/// Table of [`Role`], by role name.
pub const ROLES: &str = "iam/role";
/// Table of [`SecurityGroup`], by group id.
pub const SECURITY_GROUPS: &str = "ec2/security-group";
/// Table of [`SubnetRecord`], by subnet id.
pub const SUBNETS: &str = "ec2/subnet";
/// Table of [`Vpc`], by VPC id.
pub const VPCS: &str = "ec2/vpc";
/// Table of [`FileSystem`], by file system id.
pub const FILE_SYSTEMS: &str = "efs/file-system";
/// Table of [`MountTarget`], by mount target id.
pub const MOUNT_TARGETS: &str = "efs/mount-target";
/// Table of [`Key`], by key id.
pub const KEYS: &str = "kms/key";
/// Table of aliases of keys, by name (`alias/…`): objects whose member `key` is the key's id.
pub const KEY_ALIASES: &str = "kms/alias";

/// The role that `arn` names, whosever it is: partition, account, path and name count, each letter as it is.
pub fn role_at(world: &World, arn: &str) -> Option<Role> {
    // Names are unique whatever the path, so that the last word finds the one role that it can be.
    let name = arn.rsplit('/').next()?;
    world.get_of::<Role>(account_in(arn)?, ROLES, name).filter(|role| role.arn == arn)
}

/// The role that `arn` names, if the rest of AWS can see it yet.
pub fn visible_role(world: &World, arn: &str) -> Option<Role> {
    role_at(world, arn).filter(|role| role.visible_at <= world.now())
}

/// A role of IAM, with its policies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// `/` unless told otherwise.
    pub path: String,
    /// `AROA…`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The trust policy, as sent (not URL-encoded).
    pub trust: String,
    /// Free text.
    pub description: Option<String>,
    /// In seconds.
    pub max_session: i32,
    /// The permissions boundary's ARN.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// ARNs of the attached managed policies.
    pub attached: Vec<String>,
    /// Inline policies by name.
    pub inline: BTreeMap<String, String>,
    /// Virtual milliseconds.
    pub created: i64,
    /// When the rest of AWS can see it: IAM is eventually consistent.
    pub visible_at: i64,
}

/// A VPC that the account has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vpc {
    /// `vpc-…`.
    pub id: String,
    /// Its address block.
    pub cidr: String,
}

/// A subnet that the account has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubnetRecord {
    /// `subnet-…`.
    pub id: String,
    /// The VPC that it is in.
    pub vpc: String,
    /// Its address block.
    pub cidr: String,
    /// Its availability zone.
    pub zone: String,
    /// The accounts that it is shared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<String>,
}

/// A security group with its rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// `sg-…`.
    pub id: String,
    /// The group's name.
    pub name: String,
    /// The group's description.
    pub description: String,
    /// The VPC that it is in.
    pub vpc: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Rules by `sgr-…` id.
    pub rules: BTreeMap<String, Rule>,
    /// What holds it until then although nothing refers to it any more (a domain's network interfaces going away):
    /// virtual milliseconds.
    pub held_until: i64,
}

/// One security group rule: one protocol, one range, one peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// Egress, or else ingress.
    pub egress: bool,
    /// `tcp`, `-1`, `50`, …
    pub protocol: String,
    /// First port, or the ICMP type.
    pub from: Option<i32>,
    /// Last port, or the ICMP code.
    pub to: Option<i32>,
    /// Who is on the other side.
    pub peer: Peer,
    /// Free text.
    pub description: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Peer {
    /// An IPv4 block.
    Ipv4(String),
    /// An IPv6 block.
    Ipv6(String),
    /// A security group's id.
    Group(String),
    /// A prefix list's id.
    PrefixList(String),
}

/// An EFS file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileSystem {
    /// `fs-…`.
    pub id: String,
    /// What CreateFileSystem was called with, to repeat it safely.
    pub creation_token: String,
    /// The key that encrypts it.
    pub key: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Virtual milliseconds.
    pub created: i64,
    /// When it is gone, once it is being deleted: virtual milliseconds.
    pub gone_at: Option<i64>,
    /// Metered bytes.
    pub size: i64,
}

/// A mount target of a file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MountTarget {
    /// `fsmt-…`.
    pub id: String,
    /// The file system.
    pub file_system: String,
    /// The subnet.
    pub subnet: String,
    /// Its security groups.
    pub groups: Vec<String>,
    /// When it is gone, once it is being deleted: virtual milliseconds.
    pub gone_at: Option<i64>,
}

/// A customer managed key of KMS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The key's UUID, or whatever a seed gave it.
    pub id: String,
    /// Free text.
    pub description: String,
    /// The key policy, as sent.
    pub policy: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Whether rotation is on.
    pub rotation: bool,
    /// Whether it is enabled.
    pub enabled: bool,
    /// When it is to be deleted, once that is scheduled: virtual milliseconds.
    pub deletion_at: Option<i64>,
    /// Virtual milliseconds.
    pub created: i64,
}
