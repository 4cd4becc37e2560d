//! Lifecycle configurations: scripts that never change, and that cannot go while anything refers to them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::records::{App, Domain, LifecycleConfigRecord, Object, Space, Stored, UserProfileRecord};
use super::{checks, in_use, invalid, not_found, page, required, seconds, tags, text};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::World;

fn find(world: &World, name: &str) -> Result<LifecycleConfigRecord, Refusal> {
    let config = world.get(LifecycleConfigRecord::TABLE, name);
    config.ok_or_else(|| not_found(format!("StudioLifecycleConfig [{name}] does not exist.")))
}

/// Answers `CreateStudioLifecycleConfig`, which refuses a name that exists.
pub fn create(world: &mut World, input: &Json) -> Answer {
    let name = required(input, "StudioLifecycleConfigName");
    let content = required(input, "StudioLifecycleConfigContent");
    let tags = tags::read(input)?;
    if STANDARD.decode(content).is_err() {
        return Err(invalid("StudioLifecycleConfigContent must be base64 encoded."));
    }
    if world.has(LifecycleConfigRecord::TABLE, name) {
        return Err(in_use(format!("StudioLifecycleConfig with name [{name}] already exists.")));
    }
    let config = LifecycleConfigRecord {
        name: name.to_owned(),
        content: content.to_owned(),
        app_type: required(input, "StudioLifecycleConfigAppType").to_owned(),
        created: world.now(),
        tags,
    };
    world.put(LifecycleConfigRecord::TABLE, name, &config);
    Ok(json!({"StudioLifecycleConfigArn": config.arn(world)}))
}

/// Answers `DescribeStudioLifecycleConfig`, with the script in base64.
pub fn describe(world: &World, input: &Json) -> Answer {
    let config = find(world, required(input, "StudioLifecycleConfigName"))?;
    let mut answer = summary(world, &config);
    answer.insert("StudioLifecycleConfigContent".into(), config.content.into());
    Ok(Json::Object(answer))
}

fn summary(world: &World, config: &LifecycleConfigRecord) -> Object {
    Object::from_iter([
        ("StudioLifecycleConfigArn".into(), config.arn(world).into()),
        ("StudioLifecycleConfigName".into(), config.name.clone().into()),
        ("CreationTime".into(), seconds(config.created)),
        ("LastModifiedTime".into(), seconds(config.created)),
        ("StudioLifecycleConfigAppType".into(), config.app_type.clone().into()),
    ])
}

/// `ListStudioLifecycleConfigs`, the newest first unless told otherwise.
pub fn list(world: &World, input: &Json) -> Answer {
    let moment = |name: &str| input.get(name).and_then(Json::as_f64);
    let wanted = |config: &LifecycleConfigRecord| {
        let created = seconds(config.created).as_f64().unwrap_or_default();
        text(input, "NameContains").is_none_or(|part| config.name.contains(part))
            && text(input, "AppTypeEquals").is_none_or(|app_type| config.app_type == app_type)
            && moment("CreationTimeBefore").is_none_or(|before| created <= before)
            && moment("CreationTimeAfter").is_none_or(|after| created >= after)
            && moment("ModifiedTimeBefore").is_none_or(|before| created < before)
            && moment("ModifiedTimeAfter").is_none_or(|after| created > after)
    };
    let by_name = text(input, "SortBy") == Some("Name");
    let configs = world.list::<LifecycleConfigRecord>(LifecycleConfigRecord::TABLE, "").into_iter();
    let rows = configs.filter(|(_, config)| wanted(config)).map(|(key, config)| {
        let place = if by_name { key } else { page::by_time(config.created, &key) };
        (place, Json::Object(summary(world, &config)))
    });
    page::page(input, rows.collect(), "StudioLifecycleConfigs", true)
}

/// Answers `DeleteStudioLifecycleConfig`, which refuses while anything refers to the script.
pub fn delete(world: &mut World, input: &Json) -> Answer {
    let config = find(world, required(input, "StudioLifecycleConfigName"))?;
    let arn = config.arn(world);
    if let Some(holder) = holder(world, &arn) {
        return Err(in_use(format!("Unable to delete StudioLifecycleConfig [{arn}] because [{holder}] uses it.")));
    }
    world.remove(LifecycleConfigRecord::TABLE, &config.name);
    Ok(json!({}))
}

/// The ARN of something that refers to a lifecycle configuration: settings anywhere, or an app that is not over yet. The
/// API model of the delete operation lists them.
fn holder(world: &World, arn: &str) -> Option<String> {
    fn of<R: Stored>(world: &World, arn: &str, settings: impl Fn(R) -> Json) -> Option<String> {
        world.list::<R>(R::TABLE, "").into_iter().find_map(|(_, record)| {
            let holder = record.arn(world);
            checks::lifecycle_configs_of(&settings(record)).contains(arn).then_some(holder)
        })
    }
    of::<Domain>(world, arn, |domain| Json::Object(domain.settings))
        .or_else(|| of::<UserProfileRecord>(world, arn, |profile| Json::Object(profile.settings)))
        .or_else(|| of::<Space>(world, arn, |space| Json::Object(space.settings)))
        .or_else(|| {
            of::<App>(world, arn, |app| {
                let spec = json!({"Spec": app.resource_spec, "BuiltInLifecycleConfigArn": app.built_in});
                if app.is_live() { spec } else { Json::Null }
            })
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    fn request(name: &str, content: &str) -> Json {
        json!({
            "StudioLifecycleConfigName": name,
            "StudioLifecycleConfigContent": content,
            "StudioLifecycleConfigAppType": "JupyterLab",
        })
    }

    #[test]
    fn scripts_are_base64_and_bounded() {
        let longest = "A".repeat(16_384);
        let cases = [
            (request("fine", &longest), None),
            (request("long", &format!("{longest}AAAA")), Some("ValidationException")),
            (request("empty", ""), Some("ValidationException")),
            (request("raw", "#!/bin/bash"), Some("ValidationException")),
            (request("under_score", "QQ=="), Some("ValidationException")),
            (request("taken", "QQ=="), Some("ResourceInUse")),
        ];
        for (request, expected) in cases {
            let mut account = TestAccount::new();
            account.lifecycle_config("taken");
            let code = account.call("CreateStudioLifecycleConfig", request.clone()).err().map(|refusal| refusal.code);
            assert_eq!(code.as_deref(), expected, "{}", request["StudioLifecycleConfigName"]);
        }
    }

    #[test]
    fn a_config_is_described_listed_and_gone() {
        let mut account = TestAccount::new();
        for name in ["lab-b", "lab-a", "other"] {
            account.lifecycle_config(name);
            account.world.advance(1000);
        }
        let names = |answer: Json| -> Vec<String> {
            let configs = answer["StudioLifecycleConfigs"].as_array().unwrap().iter();
            configs.map(|config| config["StudioLifecycleConfigName"].as_str().unwrap().to_owned()).collect()
        };
        let start = account.world.now() - 3000;
        let cases = [
            (json!({}), vec!["other", "lab-a", "lab-b"]),
            (json!({"SortOrder": "Ascending"}), vec!["lab-b", "lab-a", "other"]),
            (json!({"SortBy": "Name", "SortOrder": "Ascending"}), vec!["lab-a", "lab-b", "other"]),
            (json!({"NameContains": "lab"}), vec!["lab-a", "lab-b"]),
            (json!({"AppTypeEquals": "JupyterServer"}), vec![]),
            (json!({"CreationTimeAfter": seconds(start + 1000)}), vec!["other", "lab-a"]),
            (json!({"MaxResults": 1}), vec!["other"]),
        ];
        for (request, expected) in cases {
            assert_eq!(names(account.ok("ListStudioLifecycleConfigs", request.clone())), expected, "{request}");
        }
        let named = json!({"StudioLifecycleConfigName": "other"});
        let described = account.ok("DescribeStudioLifecycleConfig", named.clone());
        assert_eq!(described["StudioLifecycleConfigContent"], "IyEvYmluL2Jhc2gK");
        assert_eq!(described["StudioLifecycleConfigAppType"], "JupyterLab");
        account.ok("DeleteStudioLifecycleConfig", named.clone());
        assert_eq!(account.refused("DescribeStudioLifecycleConfig", named.clone()).code, "ResourceNotFound");
        assert_eq!(account.refused("DeleteStudioLifecycleConfig", named).code, "ResourceNotFound");
    }

    #[test]
    fn whatever_refers_to_a_config_holds_it() {
        let mut account = TestAccount::new();
        let arn = account.lifecycle_config("setup");
        let named = json!({"StudioLifecycleConfigName": "setup"});
        let attached = json!({"JupyterLabAppSettings": {"LifecycleConfigArns": [arn],
            "DefaultResourceSpec": {"LifecycleConfigArn": arn, "InstanceType": "ml.t3.medium"}}});
        let domain = account.in_service(json!({"DefaultUserSettings": attached}));
        account.profile(&domain, "ann", json!({"UserSettings": attached}));
        account.app(&domain, "ann");
        let detached = json!({"JupyterLabAppSettings": {"LifecycleConfigArns": [],
            "DefaultResourceSpec": {"LifecycleConfigArn": "None"}}});
        let steps = [
            ("domain", "UpdateDomain", json!({"DomainId": domain, "DefaultUserSettings": detached}), 25_000),
            (
                "user-profile",
                "UpdateUserProfile",
                json!({"DomainId": domain, "UserProfileName": "ann", "UserSettings": detached}),
                8_000,
            ),
            ("app", "DeleteApp", TestAccount::app_request(&domain, "ann", json!({})), 45_000),
        ];
        for (holder, operation, request, takes) in steps {
            let refusal = account.refused("DeleteStudioLifecycleConfig", named.clone());
            assert_eq!(refusal.code, "ResourceInUse");
            assert!(refusal.message.contains(&format!(":{holder}/")), "{refusal}");
            account.ok(operation, request);
            account.world.advance(takes);
        }
        account.ok("DeleteStudioLifecycleConfig", named);
    }
}
