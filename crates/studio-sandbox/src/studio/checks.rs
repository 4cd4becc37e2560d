//! Rules that settings keep beyond their shapes: the things that they name exist, and the members agree with each
//! other.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::records::{APP_IMAGE_CONFIGS, FOREIGN_LIFECYCLE_CONFIGS, IMAGES, LifecycleConfigRecord, Object, Stored};
use super::{invalid, trust};
use crate::core::records::{SECURITY_GROUPS, SecurityGroup};
use crate::core::wire::Refusal;
use crate::core::world::{World, account_in};
use crate::services::{kms, kms_access, sts};

/// The security groups that a user may give: five at most, says the API model of `UserSettings.SecurityGroups`, one of
/// which Studio adds for the file system. Those of a domain and of a profile count together.
const USABLE_GROUPS: usize = 4;

/// Landing page of users unless settings name another.
const STUDIO: &str = "studio::";

/// Every member of a tree of settings, at any depth.
fn each_member<'a>(tree: &'a Json, visit: &mut impl FnMut(&'a str, &'a Json)) {
    match tree {
        Json::Object(object) => {
            for (name, value) in object {
                visit(name, value);
                each_member(value, visit);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| each_member(item, visit)),
        _ => {}
    }
}

/// The texts of a member that is one text or a list of them.
pub fn texts(value: &Json) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().chain(Some(value)).filter_map(Json::as_str)
}

/// Adds the security groups that a tree of settings names.
pub fn groups_of(tree: &Json, groups: &mut BTreeSet<String>) {
    each_member(tree, &mut |name, value| {
        if matches!(name, "SecurityGroups" | "SecurityGroupIds") {
            groups.extend(texts(value).map(ToOwned::to_owned));
        }
    });
}

/// The lifecycle configurations that a tree of settings names.
pub fn lifecycle_configs_of(tree: &Json) -> BTreeSet<String> {
    let mut arns = BTreeSet::new();
    each_member(tree, &mut |name, value| {
        if matches!(name, "LifecycleConfigArn" | "BuiltInLifecycleConfigArn" | "LifecycleConfigArns") {
            arns.extend(texts(value).map(ToOwned::to_owned));
        }
    });
    arns
}

/// Refuses settings that name what does not exist.
pub fn references(world: &World, tree: &Json, vpc: Option<&str>) -> Result<(), Refusal> {
    let mut roles = BTreeSet::new();
    let mut images = BTreeSet::new();
    each_member(tree, &mut |name, value| match (name, value) {
        ("ExecutionRole" | "DomainExecutionRoleArn", Json::String(role)) => {
            roles.insert(role.as_str());
        }
        ("CustomImages", Json::Array(custom)) => {
            for image in custom {
                images.extend(image["ImageName"].as_str().map(|name| (IMAGES, "Image", name)));
                let config = image["AppImageConfigName"].as_str();
                images.extend(config.map(|name| (APP_IMAGE_CONFIGS, "AppImageConfig", name)));
            }
        }
        _ => {}
    });
    roles.into_iter().try_for_each(|role| trust::assumable(world, role))?;
    let mut groups = BTreeSet::new();
    groups_of(tree, &mut groups);
    groups.iter().try_for_each(|group| security_group(world, group, vpc))?;
    lifecycle_configs_of(tree).iter().try_for_each(|arn| lifecycle_config(world, arn))?;
    match images.into_iter().find(|(table, _, name)| !world.has(table, name)) {
        Some((_, kind, name)) => Err(invalid(format!("{kind} [{name}] does not exist."))),
        None => Ok(()),
    }
}

fn security_group(world: &World, id: &str, vpc: Option<&str>) -> Result<(), Refusal> {
    let group: Option<SecurityGroup> = world.get(SECURITY_GROUPS, id);
    let group = group.ok_or_else(|| invalid(format!("The security group ID '{id}' does not exist")))?;
    match vpc {
        Some(vpc) if vpc != group.vpc => {
            Err(invalid(format!("The security group '{id}' is not in the VPC '{vpc}' but in '{}'", group.vpc)))
        }
        _ => Ok(()),
    }
}

/// Refuses a lifecycle configuration of this account and region that does not exist; others cannot be seen from here.
pub fn lifecycle_config(world: &World, arn: &str) -> Result<(), Refusal> {
    if arn == "None" {
        return Ok(());
    }
    let own = world.arn("sagemaker", "studio-lifecycle-config/");
    let known = arn.strip_prefix(&own).is_none_or(|name| world.has(LifecycleConfigRecord::TABLE, name));
    if known || world.has(FOREIGN_LIFECYCLE_CONFIGS, arn) {
        return Ok(());
    }
    Err(invalid(format!("StudioLifecycleConfig [{arn}] does not exist.")))
}

/// Refuses a KMS key, given by id, ARN or alias, that does not exist or cannot be used. Studio makes grants on behalf of
/// the caller (developer guide, "Protect data at rest using encryption"), so another account's key has to let it; one of
/// another region is of no use to the file system. The words are a guess.
pub fn key(world: &World, given: &str) -> Result<(), Refusal> {
    let found = if account_in(given).is_none_or(|account| account == world.account()) {
        kms::find(world, given)
    } else {
        kms_access::check_access(world, &sts::caller(world, ""), given, "kms:CreateGrant")
    };
    let key = found.map_err(|_| invalid(format!("KMS key '{given}' does not exist")))?;
    if key.enabled && key.deletion_at.is_none() {
        return Ok(());
    }
    Err(invalid(format!("KMS key '{given}' is not enabled")))
}

/// Refuses empty structures and empty texts, which the service does not take for "nothing": terraform-provider-aws issues
/// 27990 and 46749. An empty list is not refused, because it clears.
pub fn nothing_empty(path: &str, value: &Json) -> Result<(), Refusal> {
    let shown = match value {
        Json::Object(object) if object.is_empty() => "{}",
        Json::String(text) if text.is_empty() => "",
        Json::Object(object) => {
            return object.iter().try_for_each(|(name, value)| nothing_empty(&format!("{path}.{name}"), value));
        }
        Json::Array(items) => return items.iter().try_for_each(|item| nothing_empty(path, item)),
        _ => return Ok(()),
    };
    Err(invalid(format!(
        "1 validation error detected: Value '{shown}' at '{path}' failed to satisfy constraint: Member must not be empty"
    )))
}

/// Refuses settings of a user whose members contradict each other, defaults included.
///
/// The rules on landing are those of the API model of `UserSettings`; the text is that of terraform-provider-aws issue
/// 35504: a switched-off portal needs another landing page, and that of a user who has none is `studio::`.
pub fn user_settings(settings: &Object) -> Result<(), Refusal> {
    let member = |name: &str| settings.get(name).and_then(Json::as_str);
    let landing = member("DefaultLandingUri").unwrap_or(STUDIO);
    if landing != STUDIO && landing != "app:JupyterServer:" {
        return Err(invalid(format!(
            "DefaultLandingUri '{landing}' is not one of 'studio::' and 'app:JupyterServer:'."
        )));
    }
    if member("StudioWebPortal") == Some("DISABLED") && landing == STUDIO {
        return Err(invalid("StudioWebPortal is disabled for this domain/user."));
    }
    apps(settings)
}

/// Refuses settings of apps that the API model's documentation rules out: a Jupyter server runs on `system` and has no
/// lifecycle configurations without a default resource. `JupyterLab` is the one that does not run on `system`.
pub fn apps(settings: &Object) -> Result<(), Refusal> {
    let instance = |app: &str| {
        settings.get(app).and_then(|app| app.pointer("/DefaultResourceSpec/InstanceType")).and_then(Json::as_str)
    };
    if instance("JupyterServerAppSettings").is_some_and(|instance| instance != "system") {
        return Err(invalid("JupyterServer apps only support the instance type 'system'."));
    }
    if instance("JupyterLabAppSettings") == Some("system") {
        return Err(invalid("JupyterLab apps do not support the instance type 'system'."));
    }
    let server = settings.get("JupyterServerAppSettings");
    let attached = server.and_then(|server| server.get("LifecycleConfigArns")).and_then(Json::as_array);
    let bare = server.is_some_and(|server| server.get("DefaultResourceSpec").is_none());
    if bare && attached.is_some_and(|arns| !arns.is_empty()) {
        return Err(invalid("DefaultResourceSpec is required when LifecycleConfigArns is given for JupyterServer."));
    }
    Ok(())
}

/// Refuses more security groups than a user can have.
pub fn group_count<'a>(settings: impl IntoIterator<Item = Option<&'a Json>>) -> Result<(), Refusal> {
    let lists = settings.into_iter().flatten().filter_map(|settings| settings.get("SecurityGroups"));
    let count = lists.flat_map(texts).collect::<BTreeSet<_>>().len();
    if count <= USABLE_GROUPS {
        return Ok(());
    }
    Err(invalid(format!(
        "{count} security groups are more than the {USABLE_GROUPS} that can be specified: SageMaker adds one of its own."
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::TestAccount;
    use super::*;
    use crate::core::seed::Seed;

    fn message(answer: Result<(), Refusal>) -> String {
        answer.err().map(|refusal| refusal.message).unwrap_or_default()
    }

    #[test]
    fn settings_agree_with_themselves() {
        let landing = "DefaultLandingUri";
        let cases = [
            (json!({}), ""),
            (json!({"StudioWebPortal": "DISABLED"}), "StudioWebPortal is disabled for this domain/user."),
            (
                json!({"StudioWebPortal": "DISABLED", landing: "studio::"}),
                "StudioWebPortal is disabled for this domain/user.",
            ),
            (json!({"StudioWebPortal": "DISABLED", landing: "app:JupyterServer:"}), ""),
            (json!({"StudioWebPortal": "ENABLED", landing: "studio::"}), ""),
            (json!({landing: "home"}), "DefaultLandingUri 'home' is not one of 'studio::' and 'app:JupyterServer:'."),
            (
                json!({"JupyterServerAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.t3.medium"}}}),
                "JupyterServer apps only support the instance type 'system'.",
            ),
            (
                json!({"JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "system"}}}),
                "JupyterLab apps do not support the instance type 'system'.",
            ),
            (
                json!({"JupyterServerAppSettings": {"LifecycleConfigArns": ["a"]}}),
                "DefaultResourceSpec is required when LifecycleConfigArns is given for JupyterServer.",
            ),
            (json!({"JupyterServerAppSettings": {"LifecycleConfigArns": []}}), ""),
        ];
        for (settings, expected) in cases {
            assert_eq!(message(user_settings(settings.as_object().unwrap())), expected, "{settings}");
        }
    }

    #[test]
    fn what_is_named_must_exist() {
        let mut account = TestAccount::new();
        let lifecycle = account.lifecycle_config("setup");
        let unknown = lifecycle.replace("setup", "gone");
        account.world.put(FOREIGN_LIFECYCLE_CONFIGS, &lifecycle.replace("setup", "theirs"), &json!({}));
        account.world.put(IMAGES, "lab", &json!({}));
        account.world.put(APP_IMAGE_CONFIGS, "lab", &json!({}));
        let image = |image: &str| json!({"A": {"CustomImages": [{"ImageName": image, "AppImageConfigName": "lab"}]}});
        let cases = [
            (json!({"A": {"LifecycleConfigArns": [lifecycle]}}), String::new()),
            (json!({"A": {"LifecycleConfigArns": [unknown]}}), format!("StudioLifecycleConfig [{unknown}] does not exist.")),
            (json!({"A": {"LifecycleConfigArn": "None"}}), String::new()),
            (json!({"A": {"BuiltInLifecycleConfigArn": lifecycle.replace("setup", "theirs")}}), String::new()),
            (json!({"A": {"LifecycleConfigArn": unknown.replace("123456789012", "999999999999")}}), String::new()),
            (json!({"SecurityGroups": ["sg-1"]}), String::new()),
            (json!({"SecurityGroups": ["sg-9"]}), "The security group ID 'sg-9' does not exist".into()),
            (
                json!({"SecurityGroups": ["sg-elsewhere"]}),
                "The security group 'sg-elsewhere' is not in the VPC 'vpc-1' but in 'vpc-2'".into(),
            ),
            (image("lab"), String::new()),
            (image("tub"), "Image [tub] does not exist.".into()),
            (
                json!({"ExecutionRole": "arn:aws:iam::123456789012:role/nobody"}),
                "Could not assume role arn:aws:iam::123456789012:role/nobody. Please ensure that the role exists and allows \
                 principal 'sagemaker.amazonaws.com' to assume the role."
                    .into(),
            ),
            (
                json!({"ExecutionRole": "arn:aws:iam::123456789012:role/path/execution"}),
                "Could not assume role arn:aws:iam::123456789012:role/path/execution. Please ensure that the role exists \
                 and allows principal 'sagemaker.amazonaws.com' to assume the role."
                    .into(),
            ),
            (
                json!({"ExecutionRole": "arn:aws:iam::999999999999:role/execution"}),
                "Cross-account pass role is not allowed.".into(),
            ),
        ];
        for (settings, expected) in cases {
            assert_eq!(message(references(&account.world, &settings, Some("vpc-1"))), expected, "{settings}");
        }
    }

    #[test]
    fn keys_go_by_id_arn_or_alias() {
        let mut account = TestAccount::new();
        account.key("k-1", true);
        account.key("k-2", false);
        crate::services::kms_aliases::seed(&mut account.world, "alias/efs", "k-1");
        let theirs = Seed { keys: vec!["k-9".into()], ..Seed::default() };
        Seed { others: [("999999999999".to_owned(), theirs)].into(), ..Seed::default() }.apply(&mut account.world);
        let cases = [
            ("k-1", ""),
            ("arn:aws:kms:us-east-1:123456789012:key/k-1", ""),
            ("alias/efs", ""),
            ("arn:aws:kms:us-east-1:123456789012:alias/efs", ""),
            ("arn:aws:kms:us-east-1:999999999999:key/k-9", ""),
            (
                "arn:aws:kms:us-east-1:999999999999:key/k-1",
                "KMS key 'arn:aws:kms:us-east-1:999999999999:key/k-1' does not exist",
            ),
            (
                "arn:aws:kms:eu-west-1:123456789012:key/k-1",
                "KMS key 'arn:aws:kms:eu-west-1:123456789012:key/k-1' does not exist",
            ),
            ("k-2", "KMS key 'k-2' is not enabled"),
            ("k-3", "KMS key 'k-3' does not exist"),
            ("alias/none", "KMS key 'alias/none' does not exist"),
        ];
        for (given, expected) in cases {
            assert_eq!(message(key(&account.world, given)), expected, "{given}");
        }
    }

    #[test]
    fn groups_are_counted_together() {
        let domain = json!({"SecurityGroups": ["a", "b"]});
        for (profile, fits) in [(json!(["b", "c", "d"]), true), (json!(["c", "d", "e"]), false)] {
            let profile = json!({"SecurityGroups": profile});
            assert_eq!(group_count([Some(&domain), Some(&profile), None]).is_ok(), fits);
        }
    }

    #[test]
    fn empty_members_are_refused() {
        for (value, fits) in [
            (json!({"A": {"B": []}}), true),
            (json!({}), false),
            (json!({"A": {}}), false),
            (json!({"A": {"B": ""}}), false),
            (json!({"A": [{}]}), false),
        ] {
            assert_eq!(nothing_empty("x", &value).is_ok(), fits, "{value}");
        }
    }
}
