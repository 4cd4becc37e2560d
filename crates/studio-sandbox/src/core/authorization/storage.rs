//! SSM, EFS, S3, the tagging API and CloudFormation: what each operation asks of its caller.

use std::collections::BTreeMap;

use super::{Need, tags};
use crate::core::records::{FILE_SYSTEMS, FileSystem, MOUNT_TARGETS, MountTarget, SUBNETS, SubnetRecord};
use crate::core::service::Input;
use crate::core::wire::Request;
use crate::core::world::World;
use crate::core::xml::parse;
use crate::services::efs;
use crate::services::ssm::{PARAMETERS, ParameterRecord};
use crate::services::ssm_names;

pub(super) fn parameters(world: &World, operation: &str, input: Input<'_>) -> Vec<Need> {
    let action = format!("ssm:{operation}");
    let given = tags(input, "Tags", "Key", "Value");
    let of = |action: &str, text: &str| {
        let name = ssm_names::reference(world, text).map_or_else(|_| text.to_owned(), |reference| reference.name);
        let need = Need::new(action, ssm_names::arn(world, &name));
        match world.get::<ParameterRecord>(PARAMETERS, &name) {
            Some(parameter) => need.tagged(&parameter.tags),
            None => need,
        }
    };
    match operation {
        "DescribeParameters" => vec![Need::anywhere(action)],
        "GetParameters" | "DeleteParameters" => {
            input.texts("Names").into_iter().map(|name| of(&action, name)).collect()
        }
        // The permission is that of the path itself (SSM user guide, "Restricting access to parameters").
        "GetParametersByPath" => {
            let path = input.text("Path").unwrap_or_default();
            vec![Need::new(action, ssm_names::arn(world, path.trim_end_matches('/')))]
        }
        "PutParameter" => {
            let name = input.text("Name").unwrap_or_default();
            let mut needs = vec![of(&action, name).tagging(&given)];
            if !given.is_empty() {
                needs.push(of("ssm:AddTagsToResource", name).tagging(&given));
            }
            needs
        }
        _ => {
            let name = input.text("Name").or_else(|| input.text("ResourceId")).unwrap_or_default();
            vec![of(&action, name).tagging(&given).untagging(&input.texts("TagKeys"))]
        }
    }
}

pub(super) fn file_systems(world: &World, operation: &str, input: Input<'_>) -> Vec<Need> {
    let action = format!("elasticfilesystem:{operation}");
    let given = tags(input, "Tags", "Key", "Value");
    if operation == "CreateFileSystem" {
        let mut needs = vec![Need::anywhere(action).tagging(&given)];
        if !given.is_empty() {
            let tag = Need::new("elasticfilesystem:TagResource", efs::arn(world, "*")).tagging(&given);
            needs.push(tag.key("elasticfilesystem:CreateAction", operation));
        }
        return needs;
    }
    // What is done to a mount target is allowed on its file system.
    let target = input.text("MountTargetId").and_then(|id| world.get::<MountTarget>(MOUNT_TARGETS, id));
    let interface = target.as_ref().filter(|_| operation == "DeleteMountTarget").map(|target| {
        // In the caller's name (EFS API reference, DeleteMountTarget).
        let arn = world.arn("ec2", &format!("network-interface/{}", efs::interface(&target.id)));
        let vpc = world.get::<SubnetRecord>(SUBNETS, &target.subnet).map(|subnet| subnet.vpc).unwrap_or_default();
        Need::new("ec2:DeleteNetworkInterface", arn).key("ec2:Vpc", world.arn("ec2", &format!("vpc/{vpc}")))
    });
    let named = input.text("FileSystemId").or_else(|| input.text("ResourceId"));
    let id = named.map(|id| id.rsplit('/').next().unwrap_or(id).to_owned()).or(target.map(|target| target.file_system));
    let Some(id) = id else { return vec![Need::anywhere(action)] };
    let need = Need::new(action, efs::arn(world, &id)).tagging(&given).untagging(&input.texts("tagKeys"));
    let need = match world.get::<FileSystem>(FILE_SYSTEMS, &id) {
        Some(system) => need.tagged(&system.tags),
        None => need,
    };
    [Some(need), interface].into_iter().flatten().collect()
}

/// Permissions to make or list buckets; what is done with one is decided with its policy, in `s3_access`.
pub(super) fn buckets(world: &World, operation: &str, input: Input<'_>, request: &Request) -> Vec<Need> {
    let bucket = input.text("Bucket").unwrap_or_default();
    let arn = format!("arn:{}:s3:::{bucket}", world.partition());
    match operation {
        "ListBuckets" => vec![Need::new("s3:ListAllMyBuckets", format!("arn:{}:s3:::*", world.partition()))],
        "CreateBucket" => {
            let tags = parse(&request.body).is_some_and(|(_, content)| content.get("Tags").is_some());
            let mut needs = vec![Need::new("s3:CreateBucket", &arn)];
            // S3 API reference, CreateBucketConfiguration: tags need s3:TagResource.
            needs.extend(tags.then(|| Need::new("s3:TagResource", &arn)));
            needs
        }
        _ => Vec::new(),
    }
}

/// Tagging through the tagging API needs the service's own permission as well (Resource Groups user guide, "Permissions to
/// use Tag Editor").
pub(super) fn tagging(operation: &str, input: Input<'_>) -> Vec<Need> {
    let mut needs = vec![Need::anywhere(format!("tag:{operation}"))];
    let given: BTreeMap<String, String> = input
        .get("Tags")
        .and_then(serde_json::Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    for arn in input.texts("ResourceARNList") {
        let service = arn.split(':').nth(2).unwrap_or_default();
        let action = match (service, operation) {
            (_, "GetResources") => continue,
            ("sagemaker", "TagResources") => "sagemaker:AddTags".to_owned(),
            ("sagemaker", _) => "sagemaker:DeleteTags".to_owned(),
            ("ssm", "TagResources") => "ssm:AddTagsToResource".to_owned(),
            ("ssm", _) => "ssm:RemoveTagsFromResource".to_owned(),
            ("ec2", "TagResources") => "ec2:CreateTags".to_owned(),
            ("ec2", _) => "ec2:DeleteTags".to_owned(),
            ("s3", _) => "s3:PutBucketTagging".to_owned(),
            ("iam", "TagResources") => "iam:TagPolicy".to_owned(),
            ("iam", _) => "iam:UntagPolicy".to_owned(),
            (service, "TagResources") => format!("{service}:TagResource"),
            (service, _) => format!("{service}:UntagResource"),
        };
        needs.push(Need::new(action, arn).tagging(&given));
    }
    needs
}

/// Stacks are named by name or by ARN; what exports are imported is known for all or for none.
pub(super) fn stacks(world: &World, operation: &str, input: Input<'_>) -> Vec<Need> {
    let action = format!("cloudformation:{operation}");
    vec![match input.text("StackName") {
        Some(arn) if arn.starts_with("arn:") => Need::new(action, arn),
        Some(name) => Need::new(action, world.arn("cloudformation", &format!("stack/{name}/*"))),
        None => Need::anywhere(action),
    }]
}
