//! Things that Studio only looks up: images, their versions, app image configurations, and `MLflow` tracking servers.
//!
//! A seed puts them into their tables; no operation of the sandbox makes one.

use serde_json::{Value as Json, json};

use super::records::{APP_IMAGE_CONFIGS, IMAGE_VERSIONS, IMAGES, Object, TRACKING_SERVERS};
use super::{not_found, page, required, seconds, text};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::World;

/// The seeded members, over those that every such thing has.
fn described(world: &World, table: &str, key: &str, kind: &str, usual: Json) -> Answer {
    let seeded: Json = world.get(table, key).ok_or_else(|| missing(kind, key))?;
    let mut answer = usual;
    for name in ["CreationTime", "LastModifiedTime"] {
        answer[name] = seconds(world.now());
    }
    if let (Some(answer), Json::Object(seeded)) = (answer.as_object_mut(), seeded) {
        answer.extend(seeded);
    }
    Ok(answer)
}

fn missing(kind: &str, key: &str) -> Refusal {
    not_found(format!("{kind} [{key}] does not exist."))
}

/// Answers `DescribeImage` about a seeded image.
pub fn describe(world: &World, input: &Json) -> Answer {
    let name = required(input, "ImageName");
    let arn = world.arn("sagemaker", &format!("image/{name}"));
    let usual = json!({"ImageName": name, "ImageArn": arn, "ImageStatus": "CREATED"});
    described(world, IMAGES, name, "Image", usual)
}

/// `DescribeImageVersion`: the newest version if the request names none.
pub fn describe_version(world: &World, input: &Json) -> Answer {
    let name = required(input, "ImageName");
    let prefix = format!("{name}/");
    let number = |key: &str| key.strip_prefix(&prefix).and_then(|number| number.parse::<u64>().ok());
    let alias = text(input, "Alias");
    let wanted = |(key, version): (String, Json)| {
        let aliases = version["Aliases"].as_array().into_iter().flatten().filter_map(Json::as_str);
        alias.is_none_or(|alias| aliases.into_iter().any(|own| own == alias)).then(|| number(&key)).flatten()
    };
    let versions = world.list::<Json>(IMAGE_VERSIONS, &prefix).into_iter();
    let asked = input.get("Version").and_then(Json::as_u64);
    let version = asked.or_else(|| versions.filter_map(wanted).max()).ok_or_else(|| missing("ImageVersion", name))?;
    let usual = json!({
        "ImageArn": world.arn("sagemaker", &format!("image/{name}")),
        "ImageVersionArn": world.arn("sagemaker", &format!("image-version/{name}/{version}")),
        "ImageVersionStatus": "CREATED",
        "Version": version,
    });
    let mut answer = described(world, IMAGE_VERSIONS, &format!("{name}/{version}"), "ImageVersion", usual)?;
    // Aliases are no member of this answer.
    answer.as_object_mut().map(|answer: &mut Object| answer.remove("Aliases"));
    Ok(answer)
}

/// Answers `DescribeAppImageConfig` about a seeded configuration.
pub fn describe_app_config(world: &World, input: &Json) -> Answer {
    let name = required(input, "AppImageConfigName");
    let arn = world.arn("sagemaker", &format!("app-image-config/{name}"));
    let usual = json!({"AppImageConfigName": name, "AppImageConfigArn": arn});
    described(world, APP_IMAGE_CONFIGS, name, "AppImageConfig", usual)
}

/// `ListMlflowTrackingServers`. Deleting a domain leaves them running: amazon-sagemaker-feedback issue 172.
pub fn list_tracking_servers(world: &World, input: &Json) -> Answer {
    let servers = world.list::<Json>(TRACKING_SERVERS, "");
    page::page(input, servers, "TrackingServerSummaries", false)
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    #[test]
    fn seeded_things_are_described() {
        let mut account = TestAccount::new();
        account.world.put(IMAGES, "lab", &json!({"DisplayName": "The lab"}));
        for version in [1, 2, 10] {
            let aliases = if version == 2 { json!({"Aliases": ["stable"]}) } else { json!({}) };
            account.world.put(IMAGE_VERSIONS, &format!("lab/{version}"), &aliases);
        }
        account.world.put(APP_IMAGE_CONFIGS, "lab", &json!({}));
        let image = account.ok("DescribeImage", json!({"ImageName": "lab"}));
        assert_eq!((&image["DisplayName"], &image["ImageStatus"]), (&json!("The lab"), &json!("CREATED")));
        for (request, version) in [
            (json!({"ImageName": "lab"}), 10),
            (json!({"ImageName": "lab", "Version": 1}), 1),
            (json!({"ImageName": "lab", "Alias": "stable"}), 2),
        ] {
            let answer = account.ok("DescribeImageVersion", request);
            let arn = format!("arn:aws:sagemaker:us-east-1:123456789012:image-version/lab/{version}");
            assert_eq!((&answer["Version"], &answer["ImageVersionArn"]), (&json!(version), &json!(arn)));
            assert!(answer.get("Aliases").is_none());
        }
        account.ok("DescribeAppImageConfig", json!({"AppImageConfigName": "lab"}));
        for (operation, request) in [
            ("DescribeImage", json!({"ImageName": "tub"})),
            ("DescribeImageVersion", json!({"ImageName": "tub"})),
            ("DescribeImageVersion", json!({"ImageName": "lab", "Version": 3})),
            ("DescribeImageVersion", json!({"ImageName": "lab", "Alias": "new"})),
            ("DescribeAppImageConfig", json!({"AppImageConfigName": "tub"})),
        ] {
            assert_eq!(account.refused(operation, request).code, "ResourceNotFound");
        }
    }

    #[test]
    fn tracking_servers_are_those_of_the_seed() {
        let mut account = TestAccount::new();
        assert_eq!(account.ok("ListMlflowTrackingServers", json!({})), json!({"TrackingServerSummaries": []}));
        account.world.put(TRACKING_SERVERS, "runs", &json!({"TrackingServerName": "runs"}));
        let listed = account.ok("ListMlflowTrackingServers", json!({}));
        assert_eq!(listed["TrackingServerSummaries"][0]["TrackingServerName"], "runs");
    }
}
