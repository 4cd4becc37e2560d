//! `SageMaker`: what each operation asks of its caller.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Need, kms, tags};
use crate::core::service::Input;
use crate::core::world::World;
use crate::studio;

pub(super) fn needs(world: &World, operation: &str, input: Input<'_>) -> Vec<Need> {
    let action = format!("sagemaker:{operation}");
    let Some(resource) = resource(world, operation, input) else { return vec![Need::anywhere(action)] };
    let need = Need::new(action, &resource);
    if operation == "CreatePresignedDomainUrl" || !operation.starts_with("Create") {
        let need = need.tagged(&tags_of(world, &resource));
        let need = match operation {
            "AddTags" => need.tagging(&tags(input, "Tags", "Key", "Value")),
            "DeleteTags" => need.untagging(&input.texts("TagKeys")),
            _ => need,
        };
        let mut needs = vec![need];
        if operation.starts_with("Update") {
            needs.extend(passed(input));
        }
        return needs;
    }
    let given = tags(input, "Tags", "Key", "Value");
    let mut needs = vec![need.tagging(&given)];
    if !given.is_empty() {
        // Tags that are set while something is made need a permission of their own, which can tell that they are.
        let add = Need::new("sagemaker:AddTags", &resource).tagging(&given);
        needs.push(add.key("sagemaker:TaggingAction", operation));
    }
    needs.extend(passed(input));
    if let Some(key) = input.text("KmsKeyId").filter(|_| operation == "CreateDomain") {
        needs.extend(encryption(world, key));
    }
    needs
}

/// The ARN that a request is about; nothing for lists.
fn resource(world: &World, operation: &str, input: Input<'_>) -> Option<String> {
    let text = |name: &str| input.text(name).unwrap_or("*");
    let within = |kind: &str, name: &str| format!("{kind}/{}/{}", text("DomainId"), text(name));
    let what = match operation {
        "AddTags" | "DeleteTags" | "ListTags" => return input.text("ResourceArn").map(str::to_owned),
        // AWS chooses the id of a new domain.
        "CreateDomain" => "domain/*".to_owned(),
        "UpdateDomain" | "DescribeDomain" | "DeleteDomain" => format!("domain/{}", text("DomainId")),
        "CreatePresignedDomainUrl" => within("user-profile", "UserProfileName"),
        _ if operation.starts_with("List") => return None,
        _ if operation.ends_with("UserProfile") => within("user-profile", "UserProfileName"),
        _ if operation.ends_with("Space") => within("space", "SpaceName"),
        _ if operation.ends_with("App") => {
            let owner = input.text("UserProfileName").or_else(|| input.text("SpaceName")).unwrap_or("*");
            format!("app/{}/{owner}/{}/{}", text("DomainId"), text("AppType"), text("AppName"))
        }
        _ if operation.ends_with("StudioLifecycleConfig") => {
            format!("studio-lifecycle-config/{}", text("StudioLifecycleConfigName").to_lowercase())
        }
        "DescribeImage" => format!("image/{}", text("ImageName").to_lowercase()),
        "DescribeImageVersion" => format!("image-version/{}/*", text("ImageName").to_lowercase()),
        "DescribeAppImageConfig" => format!("app-image-config/{}", text("AppImageConfigName").to_lowercase()),
        _ => return None,
    };
    Some(world.arn("sagemaker", &what))
}

/// The tags of what an ARN names; `SageMaker` does not tell upper case from lower case in names.
fn tags_of(world: &World, arn: &str) -> BTreeMap<String, String> {
    let mut all = studio::taggable(world).into_iter();
    all.find(|(other, _)| other.eq_ignore_ascii_case(arn)).map(|(_, tags)| tags).unwrap_or_default()
}

/// Every role that a request gives `SageMaker` has to be allowed to be passed to it.
fn passed(input: Input<'_>) -> Vec<Need> {
    fn find<'a>(json: &'a Json, roles: &mut Vec<&'a str>) {
        match json {
            Json::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value.as_str()) {
                        ("ExecutionRole" | "DomainExecutionRoleArn", Some(arn)) => roles.push(arn),
                        _ => find(value, roles),
                    }
                }
            }
            Json::Array(items) => items.iter().for_each(|item| find(item, roles)),
            _ => {}
        }
    }
    let mut roles = Vec::new();
    find(input.0, &mut roles);
    roles.sort_unstable();
    roles.dedup();
    let pass = |arn| Need::new("iam:PassRole", arn).key("iam:PassedToService", "sagemaker.amazonaws.com");
    roles.into_iter().map(pass).collect()
}

/// Actions that making a domain with a key needs in the caller's name (developer guide, "SageMaker API permissions:
/// actions, permissions, and resources reference": CreateDomain with a customer managed key).
fn encryption(world: &World, key: &str) -> Vec<Need> {
    let through = format!("sagemaker.{}.amazonaws.com", world.region());
    let uses = ["kms:CreateGrant", "kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"];
    let mut needs: Vec<Need> = uses
        .into_iter()
        .filter_map(|action| kms::of_key(world, action, key))
        .map(|need| {
            let need = need.key("kms:ViaService", &through);
            if need.action == "kms:CreateGrant" { need.key("kms:GrantIsForAWSResource", "true") } else { need }
        })
        .collect();
    needs.push(Need::anywhere("elasticfilesystem:CreateFileSystem"));
    needs
}
