//! Differences between Studio's answers and what was sent.
//!
//! AWS fills in defaults that nobody sent, and need not return empty lists: what is proved it always does here, and what
//! it only may do when record `adversary` of table `meta` is true. A client that takes either for a change plans
//! forever: terraform-provider-aws issues 35382 and 17251. The order of lists is the front's business.

use serde_json::{Value as Json, json};

use super::records::Object;
use crate::core::world::World;

fn is_on(world: &World) -> bool {
    world.get("meta", "adversary").unwrap_or(false)
}

/// Dresses up the answer of `DescribeDomain`.
pub fn dress_domain(world: &World, answer: &mut Object) {
    // What Terraform's acceptance tests read of domains that said nothing of it: storage by the developer guide's page on
    // the sizes of spaces, and the image that RStudio starts with, whose ARN is a guess.
    default(answer, &["DefaultUserSettings", "AutoMountHomeEFS"], &"Enabled".into());
    storage(answer, "DefaultUserSettings");
    if answer.contains_key("DefaultSpaceSettings") {
        storage(answer, "DefaultSpaceSettings");
    }
    let domain = answer.get("DomainSettings");
    if domain.and_then(|domain| domain.get("RStudioServerProDomainSettings")).is_some() {
        let path = ["DomainSettings", "RStudioServerProDomainSettings", "DefaultResourceSpec", "SageMakerImageArn"];
        default(answer, &path, &world.arn("sagemaker", "image/rstudio-workbench-2025.05").into());
    }
    if !is_on(world) {
        return;
    }
    // Documented defaults: the API model says which for `TagPropagation` and `HomeEfsFileSystemCreation`; that of RStudio
    // is what the issues are about.
    default(answer, &["TagPropagation"], &"DISABLED".into());
    default(answer, &["HomeEfsFileSystemCreation"], &"Enabled".into());
    default(answer, &["DefaultUserSettings", "RStudioServerProAppSettings", "AccessStatus"], &"DISABLED".into());
    default(answer, &["DefaultUserSettings", "DefaultLandingUri"], &"studio::".into());
    drop_empty_lists(answer);
}

/// Dresses up the answer of `DescribeUserProfile`.
pub fn dress_profile(world: &World, answer: &mut Object) {
    if !is_on(world) {
        return;
    }
    // A profile that was made without settings has none in the answer.
    if answer.contains_key("UserSettings") {
        default(answer, &["UserSettings", "RStudioServerProAppSettings", "AccessStatus"], &"DISABLED".into());
    }
    drop_empty_lists(answer);
}

/// Dresses up the answer of `DescribeSpace`.
pub fn dress_space(world: &World, answer: &mut Object) {
    if is_on(world) {
        drop_empty_lists(answer);
    }
}

/// The sizes of a space's volume: 5 GB, and 100 GB at most.
fn storage(answer: &mut Object, settings: &str) {
    for (size, gigabytes) in [("DefaultEbsVolumeSizeInGb", 5), ("MaximumEbsVolumeSizeInGb", 100)] {
        let path = [settings, "SpaceStorageSettings", "DefaultEbsStorageSettings", size];
        default(answer, &path, &gigabytes.into());
    }
}

fn default(object: &mut Object, path: &[&str], value: &Json) {
    match path {
        [] => {}
        [name] => {
            object.entry(*name).or_insert_with(|| value.clone());
        }
        [name, rest @ ..] => {
            if let Some(inner) = object.entry(*name).or_insert_with(|| json!({})).as_object_mut() {
                default(inner, rest, value);
            }
        }
    }
}

/// Drops empty lists, at any depth.
fn drop_empty_lists(object: &mut Object) {
    object.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
    for value in object.values_mut() {
        match value {
            Json::Object(inner) => drop_empty_lists(inner),
            Json::Array(items) => items.iter_mut().filter_map(Json::as_object_mut).for_each(drop_empty_lists),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    #[test]
    fn answers_are_dressed_up_only_when_asked_for() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({"DefaultSpaceSettings": {
            "ExecutionRole": account.role.clone(), "SecurityGroups": ["sg-1", "sg-2"],
            "JupyterLabAppSettings": {"LifecycleConfigArns": []}}}));
        let plain = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert_eq!(plain["DefaultSpaceSettings"]["JupyterLabAppSettings"], json!({"LifecycleConfigArns": []}));
        assert!(plain.get("TagPropagation").is_none());
        account.world.put("meta", "adversary", &true);
        let dressed = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert_eq!(dressed["DefaultSpaceSettings"]["JupyterLabAppSettings"], json!({}));
        assert_eq!(dressed["TagPropagation"], "DISABLED");
        assert_eq!(dressed["DefaultUserSettings"]["RStudioServerProAppSettings"], json!({"AccessStatus": "DISABLED"}));
        account.profile(&domain, "ann", json!({"UserSettings": {"SecurityGroups": ["sg-1"]}}));
        let profile = account.ok("DescribeUserProfile", json!({"DomainId": domain, "UserProfileName": "ann"}));
        assert_eq!(profile["UserSettings"]["RStudioServerProAppSettings"]["AccessStatus"], "DISABLED");
    }
}
