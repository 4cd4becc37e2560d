//! Studio: domains, user profiles, spaces, apps and lifecycle configurations, as the `SageMaker` API shows them.
//!
//! [`handle`] first lets everything happen that is due by now ([`life`]), reads the request against the API's model
//! ([`shapes`]), and then runs the operation. A refused request changes nothing. Where AWS's behaviour is not in the API
//! model, the comment that describes it says where it comes from; what nobody has written down is marked as a guess.

mod adversary;
mod app;
mod checks;
mod domain;
mod domain_create;
mod domain_gates;
mod domain_update;
mod faults;
mod home;
mod image;
pub mod life;
mod lifecycle_config;
mod merge;
mod page;
mod presigned_url;
pub mod records;
mod shapes;
mod space;
mod tags;
#[cfg(test)]
mod testing;
mod trust;
mod user_profile;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use self::faults::StudioFaults;
use self::records::{App, Domain, LifecycleConfigRecord, Space, Stored, UserProfileRecord};
use crate::core::wire::{Answer, Principal, Refusal, without_nulls};
use crate::core::world::World;

/// Answers one operation of the `SageMaker` API with the body of its answer.
pub fn handle(world: &mut World, operation: &str, input: &Json, caller: &Principal) -> Answer {
    life::settle(world);
    let Some(shape) = shapes::request(operation) else {
        let message = format!("the requested operation {operation} is not supported by the sandbox's Studio");
        return Err(Refusal::new("UnknownOperationException", message));
    };
    let mut input = without_nulls(input);
    shapes::check(shape, &input)?;
    if operation.starts_with("Create") || operation.starts_with("Update") {
        StudioFaults::of(world).ignore_fields(&mut input);
    }
    let input = &input;
    if let Some((asked, request)) = faults::take_meanwhile(world, operation, &input["DomainId"]) {
        // What the user may not do has not happened.
        drop(handle(world, asked, &request, caller));
    }
    match operation {
        "CreateDomain" => domain_create::create(world, input),
        "UpdateDomain" => domain_update::update(world, input),
        "DescribeDomain" => domain::describe(world, input),
        "DeleteDomain" => domain::delete(world, input),
        "ListDomains" => domain::list(world, input),
        "CreateUserProfile" => user_profile::create(world, input),
        "UpdateUserProfile" => user_profile::update(world, input),
        "DescribeUserProfile" => user_profile::describe(world, input),
        "DeleteUserProfile" => user_profile::delete(world, input),
        "ListUserProfiles" => user_profile::list(world, input),
        "CreateSpace" => space::create(world, input),
        "UpdateSpace" => space::update(world, input),
        "DescribeSpace" => space::describe(world, input),
        "DeleteSpace" => space::delete(world, input),
        "ListSpaces" => space::list(world, input),
        "CreateApp" => app::create(world, input),
        "DescribeApp" => app::describe(world, input),
        "DeleteApp" => app::delete(world, input),
        "ListApps" => app::list(world, input),
        "CreateStudioLifecycleConfig" => lifecycle_config::create(world, input),
        "DescribeStudioLifecycleConfig" => lifecycle_config::describe(world, input),
        "DeleteStudioLifecycleConfig" => lifecycle_config::delete(world, input),
        "ListStudioLifecycleConfigs" => lifecycle_config::list(world, input),
        "CreatePresignedDomainUrl" => presigned_url::create(world, input, caller),
        "AddTags" => tags::add(world, input),
        "DeleteTags" => tags::delete(world, input),
        "ListTags" => tags::list(world, input),
        "DescribeImage" => image::describe(world, input),
        "DescribeImageVersion" => image::describe_version(world, input),
        "DescribeAppImageConfig" => image::describe_app_config(world, input),
        "ListMlflowTrackingServers" => image::list_tracking_servers(world, input),
        _ => unreachable!("every operation with a shape has an arm: this is a bug in studio-deploy"),
    }
}

/// The security groups that live domains, profiles and apps hold: EC2 refuses to delete them.
///
/// Call [`life::settle`] first, so that what is due by now has let go.
pub fn groups_in_use(world: &World) -> BTreeSet<String> {
    let mut groups = BTreeSet::new();
    for (_, domain) in world.list::<Domain>(Domain::TABLE, "") {
        checks::groups_of(&Json::Object(domain.settings), &mut groups);
        groups.extend(domain.home.into_iter().flat_map(|home| [home.inbound, home.outbound]));
    }
    for (_, profile) in world.list::<UserProfileRecord>(UserProfileRecord::TABLE, "") {
        checks::groups_of(&Json::Object(profile.settings), &mut groups);
    }
    groups
}

/// Everything of Studio that carries tags, by ARN.
pub fn taggable(world: &World) -> Vec<(String, BTreeMap<String, String>)> {
    fn of<R: Stored>(world: &World) -> impl Iterator<Item = (String, BTreeMap<String, String>)> {
        let records = world.list::<R>(R::TABLE, "").into_iter();
        records.map(|(_, mut record)| (record.arn(world), std::mem::take(record.tags_mut())))
    }
    let apps = world.list::<App>(App::TABLE, "").into_iter().filter(|(_, app)| app.is_live());
    of::<Domain>(world)
        .chain(of::<UserProfileRecord>(world))
        .chain(of::<Space>(world))
        .chain(apps.map(|(_, app)| (app.arn(world), app.life.tags)))
        .chain(of::<LifecycleConfigRecord>(world))
        .collect()
}

/// The text of an optional member.
fn text<'a>(input: &'a Json, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Json::as_str)
}

/// The text of a member that the operation's shape requires.
fn required<'a>(input: &'a Json, name: &str) -> &'a str {
    text(input, name).expect("the shape of the request demands the member")
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

fn in_use(message: impl Into<String>) -> Refusal {
    Refusal::new("ResourceInUse", message)
}

fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new("ResourceNotFound", message)
}

/// A moment on the wire: seconds since the epoch, with a fraction.
fn seconds(milliseconds: i64) -> Json {
    let whole = u32::try_from(milliseconds.div_euclid(1000)).unwrap_or(u32::MAX);
    let rest = u16::try_from(milliseconds.rem_euclid(1000)).unwrap_or(0);
    Json::from(f64::from(whole) + f64::from(rest) / 1000.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::testing::TestAccount;
    use super::*;

    #[test]
    fn every_operation_of_the_model_has_an_arm() {
        let mut account = TestAccount::new();
        let arn = "arn:aws:sagemaker:us-east-1:123456789012:domain/d-none";
        let least = json!({
            "DomainName": "studio", "AuthMode": "IAM", "DefaultUserSettings": {}, "DomainId": "d-none",
            "UserProfileName": "ann", "SpaceName": "hers", "AppType": "JupyterLab", "AppName": "default",
            "StudioLifecycleConfigName": "setup", "StudioLifecycleConfigContent": "QQ==",
            "StudioLifecycleConfigAppType": "JupyterLab", "ResourceArn": arn, "Tags": [], "TagKeys": ["a"],
            "ImageName": "lab", "AppImageConfigName": "lab",
        });
        for (operation, members) in shapes::operations() {
            let input: Json = members.map(|name| (name.to_owned(), least[name].clone())).collect();
            if let Err(refusal) = account.call(operation, input) {
                assert!(!refusal.message.contains("constraint"), "{operation} was not reached: {refusal}");
                assert_ne!(refusal.code, "UnknownOperationException");
            }
        }
        assert_eq!(account.refused("CreateSauna", json!({})).code, "UnknownOperationException");
    }

    #[test]
    fn null_is_absent() {
        let mut account = TestAccount::new();
        let domain = account.domain(json!({"KmsKeyId": null}));
        assert!(account.ok("DescribeDomain", json!({"DomainId": domain})).get("KmsKeyId").is_none());
    }

    #[test]
    fn others_see_groups_and_tags() {
        let mut account = TestAccount::new();
        assert!(groups_in_use(&account.world).is_empty());
        let domain = account.in_service(json!({"Tags": [{"Key": "team", "Value": "a"}]}));
        account.profile(&domain, "ann", json!({"UserSettings": {"SecurityGroups": ["sg-2"]}}));
        let groups = groups_in_use(&account.world);
        assert!(groups.contains("sg-1") && groups.contains("sg-2"));
        assert_eq!(groups.len(), 4, "two of the account and two for NFS: {groups:?}");
        let tagged = taggable(&account.world);
        assert_eq!(tagged.len(), 2);
        assert_eq!(tagged[0].0, format!("arn:aws:sagemaker:us-east-1:123456789012:domain/{domain}"));
        assert_eq!(tagged[0].1["team"], "a");
    }

    #[test]
    fn moments_have_fractions() {
        for (milliseconds, expected) in [(0, 0.0), (1_500, 1.5), (1_767_225_600_000, 1_767_225_600.0)] {
            assert_eq!(seconds(milliseconds), json!(expected));
        }
    }
}
