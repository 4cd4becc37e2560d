//! EFS: file systems and mount targets.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::ec2_shared;
use crate::core::protocol::decode;
use crate::core::records::{FILE_SYSTEMS, FileSystem, MOUNT_TARGETS, MountTarget, SECURITY_GROUPS};
use crate::core::service::{Input, Operation, epoch, operation as row, page, tag_list};
use crate::core::wire::{Answer, Principal, Refusal, Request};
use crate::core::world::{HEX, World};

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    row(
        "CreateFileSystem",
        "CreationToken PerformanceMode Encrypted KmsKeyId ThroughputMode Tags Backup",
        create_file_system,
    ),
    row("DescribeFileSystems", "FileSystemId CreationToken MaxItems Marker", describe_file_systems),
    row("DeleteFileSystem", "FileSystemId", delete_file_system),
    row("DescribeMountTargets", "FileSystemId MountTargetId MaxItems Marker", describe_mount_targets),
    row("DeleteMountTarget", "MountTargetId", delete_mount_target),
    row("DescribeMountTargetSecurityGroups", "MountTargetId", describe_groups),
    row("ModifyMountTargetSecurityGroups", "MountTargetId SecurityGroups", modify_groups),
    row("TagResource", "ResourceId Tags", tag),
    row("UntagResource", "ResourceId tagKeys", untag),
    row("ListTagsForResource", "ResourceId MaxResults NextToken", list_tags),
];

/// Time that a mount target takes to go: public clean-up scripts see less than half a minute.
const MOUNT_TARGET_DELETION: i64 = 20_000;
const FILE_SYSTEM_DELETION: i64 = 5_000;

/// The operation that a request asks for: EFS has a path for each.
fn route(method: &str, path: &[&str]) -> Option<(&'static str, Option<&'static str>)> {
    Some(match (method, path) {
        ("POST", ["file-systems"]) => ("CreateFileSystem", None),
        ("GET", ["file-systems"]) => ("DescribeFileSystems", None),
        ("DELETE", ["file-systems", _]) => ("DeleteFileSystem", Some("FileSystemId")),
        ("GET", ["mount-targets"]) => ("DescribeMountTargets", None),
        ("DELETE", ["mount-targets", _]) => ("DeleteMountTarget", Some("MountTargetId")),
        ("GET", ["mount-targets", _, "security-groups"]) => {
            ("DescribeMountTargetSecurityGroups", Some("MountTargetId"))
        }
        ("PUT", ["mount-targets", _, "security-groups"]) => ("ModifyMountTargetSecurityGroups", Some("MountTargetId")),
        ("POST", ["resource-tags", _]) => ("TagResource", Some("ResourceId")),
        ("DELETE", ["resource-tags", _]) => ("UntagResource", Some("ResourceId")),
        ("GET", ["resource-tags", _]) => ("ListTagsForResource", Some("ResourceId")),
        _ => return None,
    })
}

/// The operation and its input: body, path and query together.
pub fn operation(request: &Request) -> Result<(String, Json), Refusal> {
    let unknown = || {
        let message = format!("the sandbox does not know {} {}", request.method, request.path);
        Refusal::new("UnknownOperationException", message).with_status(404)
    };
    let path = request.path.strip_prefix("/2015-02-01/").ok_or_else(unknown)?;
    let steps: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let (name, label) = route(&request.method, &steps).ok_or_else(unknown)?;
    let mut input = if request.body.is_empty() {
        Map::new()
    } else {
        serde_json::from_slice(&request.body).map_err(|_| bad_request("the body is not a JSON object"))?
    };
    for (key, value) in &request.query {
        if key == "tagKeys" {
            if let Json::Array(keys) = input.entry("tagKeys").or_insert_with(|| json!([])) {
                keys.push(json!(value));
            }
        } else {
            input.insert(key.clone(), json!(value));
        }
    }
    if let Some(label) = label {
        input.insert(label.into(), json!(decode(steps[1])?));
    }
    Ok((name.into(), Json::Object(input)))
}

/// The status of a success.
pub fn status(operation: &str) -> u16 {
    match operation {
        "CreateFileSystem" => 201,
        "DeleteFileSystem" | "DeleteMountTarget" | "ModifyMountTargetSecurityGroups" => 204,
        _ => 200,
    }
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::new("BadRequest", message)
}

/// Returns `true` if something that may be on its way out is still there.
fn is_there(gone_at: Option<i64>, now: i64) -> bool {
    gone_at.is_none_or(|at| at > now)
}

/// The mount targets that are there, of every file system.
pub fn mount_targets(world: &World) -> Vec<MountTarget> {
    let targets = world.list::<MountTarget>(MOUNT_TARGETS, "").into_iter().map(|(_, target)| target);
    targets.filter(|target| is_there(target.gone_at, world.now())).collect()
}

/// The file systems that are there.
pub fn file_systems(world: &World) -> Vec<FileSystem> {
    let systems = world.list::<FileSystem>(FILE_SYSTEMS, "").into_iter().map(|(_, system)| system);
    systems.filter(|system| is_there(system.gone_at, world.now())).collect()
}

/// The network interface of a mount target.
pub fn interface(mount_target: &str) -> String {
    mount_target.replacen("fsmt-", "eni-", 1)
}

/// A file system's ARN.
pub fn arn(world: &World, id: &str) -> String {
    world.arn("elasticfilesystem", &format!("file-system/{id}"))
}

fn file_system(world: &World, reference: &str) -> Result<FileSystem, Refusal> {
    let id = reference.rsplit('/').next().unwrap_or(reference);
    let system: Option<FileSystem> = world.get(FILE_SYSTEMS, id);
    system.filter(|system| is_there(system.gone_at, world.now())).ok_or_else(|| {
        Refusal::new("FileSystemNotFound", format!("File system '{id}' does not exist.")).with_status(404)
    })
}

fn mount_target(world: &World, input: Input<'_>) -> Result<MountTarget, Refusal> {
    let id = input.need("MountTargetId")?;
    let target: Option<MountTarget> = world.get(MOUNT_TARGETS, id);
    target.filter(|target| is_there(target.gone_at, world.now())).ok_or_else(|| {
        Refusal::new("MountTargetNotFound", format!("Mount target '{id}' does not exist.")).with_status(404)
    })
}

fn describe(world: &World, system: &FileSystem) -> Json {
    let targets = mount_targets(world).iter().filter(|target| target.file_system == system.id).count();
    let key =
        system.key.as_ref().map(|key| if key.starts_with("arn:") { key.clone() } else { super::kms::arn(world, key) });
    json!({
        "OwnerId": world.account(),
        "CreationToken": system.creation_token,
        "FileSystemId": system.id,
        "FileSystemArn": arn(world, &system.id),
        "CreationTime": epoch(system.created),
        "LifeCycleState": if system.gone_at.is_some() { "deleting" } else { "available" },
        "Name": system.tags.get("Name"),
        "NumberOfMountTargets": targets,
        "SizeInBytes": {"Value": system.size, "ValueInIA": 0, "ValueInStandard": system.size},
        "PerformanceMode": "generalPurpose",
        "ThroughputMode": "bursting",
        "Encrypted": key.is_some(),
        "KmsKeyId": key,
        "Tags": tag_list(&system.tags, "Key", "Value"),
    })
}

fn paged(input: Input<'_>, name: &str, items: Vec<Json>) -> Answer {
    let limit = input.number("MaxItems").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100).clamp(1, 1000);
    let (items, next) = page(items, limit, input.text("Marker")).map_err(|refusal| bad_request(refusal.message))?;
    Ok(json!({name: items, "Marker": input.text("Marker"), "NextMarker": next}))
}

fn create_file_system(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let token = input.need("CreationToken")?;
    if let Some(system) = file_systems(world).iter().find(|system| system.creation_token == token) {
        let message = format!("File system '{}' already exists with creation token '{token}'", system.id);
        return Err(Refusal::new("FileSystemAlreadyExists", message).with_status(409));
    }
    let encrypted = input.flag("Encrypted") || input.text("KmsKeyId").is_some();
    let system = FileSystem {
        id: format!("fs-{}", world.id(HEX, 17)),
        creation_token: token.into(),
        key: encrypted.then(|| input.text("KmsKeyId").unwrap_or("alias/aws/elasticfilesystem").to_owned()),
        tags: tags(input)?,
        created: world.now(),
        gone_at: None,
        size: 6144,
    };
    world.put(FILE_SYSTEMS, &system.id, &system);
    Ok(describe(world, &system))
}

fn describe_file_systems(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let systems = match (input.text("FileSystemId"), input.text("CreationToken")) {
        (Some(id), _) => vec![file_system(world, id)?],
        (None, token) => {
            let fits = |system: &FileSystem| token.is_none_or(|token| system.creation_token == token);
            file_systems(world).into_iter().filter(fits).collect()
        }
    };
    paged(input, "FileSystems", systems.iter().map(|system| describe(world, system)).collect())
}

fn delete_file_system(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut system = file_system(world, input.need("FileSystemId")?)?;
    if mount_targets(world).iter().any(|target| target.file_system == system.id) {
        let message = format!("File system '{}' has mount targets attached to it.", system.id);
        return Err(Refusal::new("FileSystemInUse", message).with_status(409));
    }
    if system.gone_at.is_some() {
        let message = format!("File system '{}' is being deleted.", system.id);
        return Err(Refusal::new("IncorrectFileSystemLifeCycleState", message).with_status(409));
    }
    system.gone_at = Some(world.now() + FILE_SYSTEM_DELETION);
    world.put(FILE_SYSTEMS, &system.id, &system);
    Ok(json!({}))
}

fn describe_mount_targets(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let targets = match (input.text("MountTargetId"), input.text("FileSystemId")) {
        (Some(_), _) => vec![mount_target(world, input)?],
        (None, Some(id)) => {
            let system = file_system(world, id)?;
            mount_targets(world).into_iter().filter(|target| target.file_system == system.id).collect()
        }
        (None, None) => {
            return Err(bad_request("One of FileSystemId, MountTargetId or AccessPointId must be specified."));
        }
    };
    let described = targets.iter().map(|target| {
        let subnet = ec2_shared::subnet(world, &target.subnet);
        json!({
            "OwnerId": world.account(),
            "MountTargetId": target.id,
            "FileSystemId": target.file_system,
            "SubnetId": target.subnet,
            "VpcId": subnet.as_ref().map(|subnet| &subnet.vpc),
            "AvailabilityZoneName": subnet.as_ref().map(|subnet| &subnet.zone),
            "LifeCycleState": if target.gone_at.is_some() { "deleting" } else { "available" },
            "NetworkInterfaceId": interface(&target.id),
        })
    });
    paged(input, "MountTargets", described.collect())
}

fn delete_mount_target(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut target = mount_target(world, input)?;
    let now = world.now();
    target.gone_at.get_or_insert(now + MOUNT_TARGET_DELETION);
    world.put(MOUNT_TARGETS, &target.id, &target);
    Ok(json!({}))
}

fn describe_groups(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    Ok(json!({"SecurityGroups": mount_target(world, input)?.groups}))
}

fn modify_groups(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut target = mount_target(world, input)?;
    let groups = input.texts("SecurityGroups");
    if groups.len() > 5 {
        return Err(Refusal::new("SecurityGroupLimitExceeded", "A mount target has 5 security groups at most."));
    }
    if let Some(unknown) = groups.iter().find(|group| !world.has(SECURITY_GROUPS, group)) {
        return Err(Refusal::new("SecurityGroupNotFound", format!("Security group '{unknown}' does not exist.")));
    }
    target.groups = groups.into_iter().map(str::to_owned).collect();
    world.put(MOUNT_TARGETS, &target.id, &target);
    Ok(json!({}))
}

fn tags(input: Input<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    input.tags("Tags", "Key", "Value").map_err(|refusal| bad_request(refusal.message))
}

fn tag(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut system = file_system(world, input.need("ResourceId")?)?;
    system.tags.extend(tags(input)?);
    if system.tags.len() > 50 {
        return Err(bad_request("The number of tags must not exceed 50."));
    }
    world.put(FILE_SYSTEMS, &system.id, &system);
    Ok(json!({}))
}

fn untag(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut system = file_system(world, input.need("ResourceId")?)?;
    for key in input.texts("tagKeys") {
        system.tags.remove(key);
    }
    world.put(FILE_SYSTEMS, &system.id, &system);
    Ok(json!({}))
}

fn list_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let system = file_system(world, input.need("ResourceId")?)?;
    Ok(json!({"Tags": tag_list(&system.tags, "Key", "Value")}))
}

#[cfg(test)]
mod tests {
    use aws_sdk_efs::Client;
    use aws_sdk_efs::types::{LifeCycleState, Tag};

    use super::*;
    use crate::core::front::SandboxOptions;
    use crate::core::testing::{code, seeded};

    #[tokio::test]
    async fn file_systems_live_through_the_sdk() {
        let sandbox = seeded(SandboxOptions::default());
        let client = Client::new(&sandbox.sdk_config().build());
        let system = client.create_file_system().creation_token("t").send().await.unwrap();
        let id = system.file_system_id();
        assert_eq!(code(client.create_file_system().creation_token("t").send().await), "FileSystemAlreadyExists");
        let tag = Tag::builder().key("a").value("b c").build().unwrap();
        client.tag_resource().resource_id(id).tags(tag.clone()).send().await.unwrap();
        assert_eq!(client.list_tags_for_resource().resource_id(id).send().await.unwrap().tags(), [tag]);
        let target = MountTarget {
            id: "fsmt-1".into(),
            file_system: id.into(),
            subnet: "subnet-1".into(),
            groups: vec!["sg-1".into()],
            gone_at: None,
        };
        sandbox.with_world(|world| world.put(MOUNT_TARGETS, "fsmt-1", &target)).unwrap();
        assert_eq!(code(client.delete_file_system().file_system_id(id).send().await), "FileSystemInUse");
        client.delete_mount_target().mount_target_id("fsmt-1").send().await.unwrap();
        let targets = client.describe_mount_targets().file_system_id(id).send().await.unwrap();
        assert_eq!(targets.mount_targets()[0].life_cycle_state(), &LifeCycleState::Deleting);
        sandbox.pass(std::time::Duration::from_secs(20)).await;
        assert_eq!(client.describe_mount_targets().file_system_id(id).send().await.unwrap().mount_targets(), []);
        client.untag_resource().resource_id(id).tag_keys("a").send().await.unwrap();
        client.delete_file_system().file_system_id(id).send().await.unwrap();
        sandbox.pass(std::time::Duration::from_secs(5)).await;
        assert_eq!(code(client.describe_file_systems().file_system_id(id).send().await), "FileSystemNotFound");
    }
}
