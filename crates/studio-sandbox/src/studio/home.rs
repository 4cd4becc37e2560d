//! Things that Studio makes behind a domain: the file system of the home directories, and the two security groups
//! around it.
//!
//! The names, the tag and the references of the groups to each other are those that public clean-up scripts look for; the
//! file system outlives its domain unless `RetentionPolicy` says `Delete`, and the groups always do.

use std::collections::BTreeMap;

use super::records::{Domain, HomeFileSystem};
use crate::core::records::{
    FILE_SYSTEMS, FileSystem, MOUNT_TARGETS, MountTarget, Peer, Rule, SECURITY_GROUPS, SecurityGroup,
};
use crate::core::world::{HEX, World};

/// The tag that Studio puts on what it makes; its value is the domain's ARN.
const MANAGED_BY: &str = "ManagedByAmazonSageMakerResource";

/// Time that a mount target takes to go, in virtual milliseconds: usually below 30 s, as clean-up scripts see it.
const MOUNT_TARGET_GOES: i64 = 20_000;
/// Time for which the groups stay in use after the domain has gone, in virtual milliseconds: those who delete them at
/// once see `DependencyViolation` for 30 to 60 s.
const GROUPS_HELD: i64 = 60_000;
const NFS: i32 = 2049;

/// Makes a domain's home.
pub fn provide(world: &mut World, domain: &Domain, domain_arn: &str) -> HomeFileSystem {
    let vpc = domain.text(&["VpcId"]).unwrap_or_default().to_owned();
    let file_system = format!("fs-{}", world.id(HEX, 17));
    let record = FileSystem {
        id: file_system.clone(),
        creation_token: domain.id.clone(),
        key: domain.text(&["KmsKeyId"]).map(ToOwned::to_owned),
        tags: BTreeMap::from([(MANAGED_BY.to_owned(), domain_arn.to_owned())]),
        created: world.now(),
        gone_at: None,
        // What an empty file system is metered at.
        size: 6144,
    };
    world.put(FILE_SYSTEMS, &file_system, &record);
    let inbound = format!("sg-{}", world.id(HEX, 17));
    let outbound = format!("sg-{}", world.id(HEX, 17));
    nfs_group(world, &domain.id, &vpc, false, &inbound, &outbound);
    nfs_group(world, &domain.id, &vpc, true, &outbound, &inbound);
    let home = HomeFileSystem { file_system, inbound, outbound, doomed: false };
    mount(world, &home, domain);
    home
}

fn nfs_group(world: &mut World, domain: &str, vpc: &str, egress: bool, id: &str, peer: &str) {
    let direction = if egress { "outbound" } else { "inbound" };
    let rule = Rule {
        egress,
        protocol: "tcp".into(),
        from: Some(NFS),
        to: Some(NFS),
        peer: Peer::Group(peer.to_owned()),
        description: None,
        tags: BTreeMap::new(),
    };
    let rule_id = format!("sgr-{}", world.id(HEX, 17));
    let group = SecurityGroup {
        id: id.to_owned(),
        name: format!("security-group-for-{direction}-nfs-{domain}"),
        description: format!("[DO NOT DELETE] {direction} NFS traffic of SageMaker Studio domain [{domain}]"),
        vpc: vpc.to_owned(),
        // SageMaker's own role may change only groups with this tag (AmazonSageMakerNotebooksServiceRolePolicy); that its
        // value is that of the file system's is a guess.
        tags: BTreeMap::from([(MANAGED_BY.to_owned(), world.arn("sagemaker", &format!("domain/{domain}")))]),
        rules: BTreeMap::from([(rule_id, rule)]),
        held_until: 0,
    };
    world.put(SECURITY_GROUPS, id, &group);
}

/// Makes the mount targets that the domain's subnets lack.
pub fn mount(world: &mut World, home: &HomeFileSystem, domain: &Domain) {
    let mounted: Vec<String> = mount_targets(world, home).into_iter().map(|(_, target)| target.subnet).collect();
    let subnets: Vec<String> =
        domain.setting(&["SubnetIds"]).map(super::checks::texts).into_iter().flatten().map(Into::into).collect();
    for subnet in subnets.into_iter().filter(|subnet| !mounted.contains(subnet)) {
        let id = format!("fsmt-{}", world.id(HEX, 17));
        let target = MountTarget {
            id: id.clone(),
            file_system: home.file_system.clone(),
            subnet,
            groups: vec![home.inbound.clone()],
            gone_at: None,
        };
        world.put(MOUNT_TARGETS, &id, &target);
    }
}

fn mount_targets(world: &World, home: &HomeFileSystem) -> Vec<(String, MountTarget)> {
    let mut targets = world.list::<MountTarget>(MOUNT_TARGETS, "");
    targets.retain(|(_, target)| target.file_system == home.file_system);
    targets
}

/// Lets the file system and its mount targets go, the last of it at `at`.
pub fn doom(world: &mut World, home: &mut HomeFileSystem, at: i64) {
    home.doomed = true;
    let unmounted = world.now() + MOUNT_TARGET_GOES;
    for (id, target) in mount_targets(world, home) {
        world.put(MOUNT_TARGETS, &id, &MountTarget { gone_at: Some(unmounted), ..target });
    }
    if let Some(file_system) = world.get::<FileSystem>(FILE_SYSTEMS, &home.file_system) {
        world.put(FILE_SYSTEMS, &home.file_system, &FileSystem { gone_at: Some(at), ..file_system });
    }
}

/// Lets go of a home whose domain has gone at `at`.
pub fn release(world: &mut World, home: &HomeFileSystem, at: i64) {
    for id in [&home.inbound, &home.outbound] {
        if let Some(group) = world.get::<SecurityGroup>(SECURITY_GROUPS, id) {
            world.put(SECURITY_GROUPS, id, &SecurityGroup { held_until: at + GROUPS_HELD, ..group });
        }
    }
    if home.doomed {
        for (id, _) in mount_targets(world, home) {
            world.remove(MOUNT_TARGETS, &id);
        }
        world.remove(FILE_SYSTEMS, &home.file_system);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::TestAccount;
    use super::*;

    fn census(world: &World) -> (usize, usize, Vec<SecurityGroup>) {
        let mut groups: Vec<_> = world.list::<SecurityGroup>(SECURITY_GROUPS, "").into_iter().map(|(_, g)| g).collect();
        groups.retain(|group| group.name.contains("-nfs-"));
        (world.list::<FileSystem>(FILE_SYSTEMS, "").len(), world.list::<MountTarget>(MOUNT_TARGETS, "").len(), groups)
    }

    #[test]
    fn a_domain_has_a_home() {
        let mut account = TestAccount::new();
        let domain = account.domain(json!({}));
        let (systems, targets, groups) = census(&account.world);
        assert_eq!((systems, targets), (1, 2));
        assert_eq!(groups.len(), 2);
        for group in &groups {
            let direction = if group.rules.values().any(|rule| rule.egress) { "outbound" } else { "inbound" };
            assert_eq!(group.name, format!("security-group-for-{direction}-nfs-{domain}"));
            let other = groups.iter().find(|other| other.id != group.id).unwrap();
            assert!(group.rules.values().all(|rule| rule.peer == Peer::Group(other.id.clone())));
        }
        let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        let id = described["HomeEfsFileSystemId"].as_str().unwrap();
        let system: FileSystem = account.world.get(FILE_SYSTEMS, id).unwrap();
        assert_eq!(Some(system.tags[MANAGED_BY].as_str()), described["DomainArn"].as_str());
    }

    #[test]
    fn what_outlives_a_domain() {
        // (policy, file systems while it goes and after, mount targets after)
        for (policy, while_deleting, after) in
            [(None, (1, 2), (1, 2)), (Some("Retain"), (1, 2), (1, 2)), (Some("Delete"), (1, 2), (0, 0))]
        {
            let mut account = TestAccount::new();
            let domain = account.in_service(json!({}));
            let mut request = json!({"DomainId": domain});
            if let Some(policy) = policy {
                request["RetentionPolicy"] = json!({"HomeEfsFileSystem": policy});
            }
            account.ok("DeleteDomain", request);
            let (systems, targets, _) = census(&account.world);
            assert_eq!((systems, targets), while_deleting);
            account.world.advance(75_000);
            assert_eq!(account.refused("DescribeDomain", json!({"DomainId": domain})).code, "ResourceNotFound");
            let (systems, targets, groups) = census(&account.world);
            assert_eq!((systems, targets), after, "{policy:?}");
            assert_eq!(groups.len(), 2);
            let now = account.world.now();
            assert!(groups.iter().all(|group| group.held_until == now + GROUPS_HELD));
        }
    }
}
