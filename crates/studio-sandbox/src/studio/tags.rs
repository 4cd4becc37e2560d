//! Tags of everything in Studio that has an ARN.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::faults::StudioFaults;
use super::records::{App, AppOwner, Domain, LifecycleConfigRecord, Space, Stored, UserProfileRecord, key_in};
use super::{checks, invalid, not_found, page, required, user_profile};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::World;

/// The most tags of one thing: the API model of `TagList`.
const MOST: usize = 50;

/// The tags of a request: each key once, and none of AWS's own.
pub fn read(input: &Json) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for tag in input.get("Tags").and_then(Json::as_array).into_iter().flatten() {
        let key = required(tag, "Key");
        // Reserved for AWS's use in every service, says the user guide on tagging resources.
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("The tag key '{key}' begins with aws:, which is reserved.")));
        }
        if tags.insert(key.to_owned(), required(tag, "Value").to_owned()).is_some() {
            return Err(invalid(format!("The tag key '{key}' is given more than once.")));
        }
    }
    Ok(tags)
}

/// Table and key of the thing behind an ARN.
struct Place {
    table: &'static str,
    key: String,
}

fn place(world: &World, arn: &str) -> Result<Place, Refusal> {
    let missing = || not_found(format!("Resource [{arn}] does not exist."));
    let resource = arn.strip_prefix(&world.arn("sagemaker", "")).ok_or_else(missing)?;
    let (kind, name) = resource.split_once('/').ok_or_else(missing)?;
    let within = |table| name.split_once('/').map(|(domain, name)| Place { table, key: key_in(domain, name) });
    let place = match kind {
        "domain" => Some(Place { table: Domain::TABLE, key: name.to_owned() }),
        "studio-lifecycle-config" => Some(Place { table: LifecycleConfigRecord::TABLE, key: name.to_owned() }),
        "user-profile" => within(UserProfileRecord::TABLE),
        "space" => within(Space::TABLE),
        "app" => app(world, name),
        _ => None,
    };
    place.filter(|place| world.has(place.table, &place.key)).ok_or_else(missing)
}

/// The ARN of an app does not say whether its owner is a user profile or a space.
fn app(world: &World, name: &str) -> Option<Place> {
    let [domain, owner, app_type, name] = name.splitn(4, '/').collect::<Vec<_>>().try_into().ok()?;
    let owners = [AppOwner::UserProfile(owner.to_owned()), AppOwner::Space(owner.to_owned())];
    let keys = owners.map(|owner| format!("{}{app_type}/{}", owner.prefix(domain), name.to_ascii_lowercase()));
    keys.into_iter().find(|key| world.has(App::TABLE, key)).map(|key| Place { table: App::TABLE, key })
}

type Tags = BTreeMap<String, String>;

/// Changes the tags of the thing behind an ARN and returns what has become of them.
fn change(
    world: &mut World,
    arn: &str,
    change: impl FnOnce(&mut Tags) -> Result<(), Refusal>,
) -> Result<Tags, Refusal> {
    fn of<R: Stored>(
        world: &mut World,
        key: &str,
        change: impl FnOnce(&mut Tags) -> Result<(), Refusal>,
    ) -> Result<Tags, Refusal> {
        let mut record: R = world.get(R::TABLE, key).expect("the place of a resource was looked up in this turn");
        change(record.tags_mut())?;
        world.put(R::TABLE, key, &record);
        Ok(std::mem::take(record.tags_mut()))
    }
    let Place { table, key } = place(world, arn)?;
    let before = world.get::<Json>(table, &key);
    let tags = match table {
        Domain::TABLE => of::<Domain>(world, &key, change),
        UserProfileRecord::TABLE => of::<UserProfileRecord>(world, &key, change),
        Space::TABLE => of::<Space>(world, &key, change),
        App::TABLE => of::<App>(world, &key, change),
        _ => of::<LifecycleConfigRecord>(world, &key, change),
    }?;
    if table == UserProfileRecord::TABLE && StudioFaults::of(world).tags_move_times() {
        let profile: UserProfileRecord = world.get(table, &key).expect("its tags were written in this turn");
        if before != world.get::<Json>(table, &key) {
            user_profile::touch(world, &profile.domain, &profile.name);
        }
    }
    Ok(tags)
}

fn shown(tags: Tags) -> Vec<Json> {
    tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// `AddTags`: adds to what is there.
pub fn add(world: &mut World, input: &Json) -> Answer {
    let new = read(input)?;
    let tags = change(world, required(input, "ResourceArn"), |tags| {
        tags.extend(new);
        match tags.len() {
            count if count > MOST => {
                Err(invalid(format!("{count} tags are more than the {MOST} that a resource can have.")))
            }
            _ => Ok(()),
        }
    })?;
    Ok(json!({"Tags": shown(tags)}))
}

/// `DeleteTags`: keys that are not there are no mistake.
pub fn delete(world: &mut World, input: &Json) -> Answer {
    let gone: Vec<&str> = input.get("TagKeys").map(checks::texts).into_iter().flatten().collect();
    change(world, required(input, "ResourceArn"), |tags| {
        tags.retain(|key, _| !gone.contains(&key.as_str()));
        Ok(())
    })?;
    Ok(json!({}))
}

/// Answers `ListTags`, in the order of the keys.
pub fn list(world: &mut World, input: &Json) -> Answer {
    let tags = change(world, required(input, "ResourceArn"), |_| Ok(()))?;
    let rows = tags.into_iter().map(|(key, value)| (key.clone(), json!({"Key": key, "Value": value})));
    let mut whole = input.clone();
    // A page of tags is never smaller than the most that there can be.
    whole["MaxResults"] = input.get("MaxResults").cloned().unwrap_or_else(|| MOST.into());
    page::page(&whole, rows.collect(), "Tags", false)
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    #[test]
    fn everything_can_be_tagged() {
        let mut account = TestAccount::new();
        let lifecycle = account.lifecycle_config("setup");
        let domain = account.in_service(json!({}));
        account.profile(&domain, "Ann", json!({}));
        account.app(&domain, "Ann");
        account.ok(
            "CreateSpace",
            json!({"DomainId": domain, "SpaceName": "hers", "OwnershipSettings": {"OwnerUserProfileName": "Ann"},
                "SpaceSharingSettings": {"SharingType": "Private"}}),
        );
        account.world.advance(5_000);
        let in_space = json!({"DomainId": domain, "SpaceName": "hers", "AppType": "JupyterLab", "AppName": "default"});
        let space_app = account.ok("CreateApp", in_space)["AppArn"].as_str().unwrap().to_owned();
        let of = |rest: &str| format!("arn:aws:sagemaker:us-east-1:123456789012:{rest}");
        let arns = [
            lifecycle,
            of(&format!("domain/{domain}")),
            of(&format!("user-profile/{domain}/Ann")),
            of(&format!("space/{domain}/hers")),
            of(&format!("app/{domain}/Ann/JupyterLab/default")),
            space_app,
        ];
        for arn in arns {
            let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
            let add = |tags: Json| json!({"ResourceArn": arn, "Tags": tags});
            account.ok("AddTags", add(json!([tag("a", "1"), tag("b", "2")])));
            let answer = account.ok("AddTags", add(json!([tag("b", "3"), tag("c", "")])));
            assert_eq!(answer["Tags"], json!([tag("a", "1"), tag("b", "3"), tag("c", "")]), "{arn}");
            account.ok("DeleteTags", json!({"ResourceArn": arn, "TagKeys": ["a", "zzz"]}));
            let listed = account.ok("ListTags", json!({"ResourceArn": arn}));
            assert_eq!(listed, json!({"Tags": [tag("b", "3"), tag("c", "")]}));
        }
    }

    #[test]
    fn what_tagging_refuses() {
        let mut account = TestAccount::new();
        let arn = account.lifecycle_config("setup");
        let tags = |keys: &[String]| -> Json { keys.iter().map(|key| json!({"Key": key, "Value": ""})).collect() };
        let many: Vec<String> = (0..50).map(|n| format!("key{n}")).collect();
        account.ok("AddTags", json!({"ResourceArn": arn, "Tags": tags(&many[..49])}));
        let cases = [
            (json!({"ResourceArn": arn, "Tags": tags(&["x".into(), "y".into()])}), "ValidationException"),
            (json!({"ResourceArn": arn, "Tags": tags(&["x".into(), "x".into()])}), "ValidationException"),
            (json!({"ResourceArn": arn, "Tags": tags(&["AWS:x".into()])}), "ValidationException"),
            (json!({"ResourceArn": arn.replace("setup", "none"), "Tags": []}), "ResourceNotFound"),
            (json!({"ResourceArn": arn.replace("us-east-1", "us-east-2"), "Tags": []}), "ResourceNotFound"),
            (json!({"ResourceArn": "setup", "Tags": []}), "ValidationException"),
        ];
        for (request, code) in cases {
            assert_eq!(account.refused("AddTags", request.clone()).code, code, "{request}");
        }
        account.ok("AddTags", json!({"ResourceArn": arn, "Tags": tags(&many)}));
    }
}
