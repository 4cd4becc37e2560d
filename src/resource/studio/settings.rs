//! The grammar of Studio's settings: how they are completed, compared, sent and unset, for domains and profiles alike.

use super::super::{Desired, named_key};
use crate::config::UserSettings;
use crate::model::{Node, Path, Source, Value};
use crate::plan::{Change, Unset};

/// Settings that are off unless somebody says otherwise.
const SWITCHES: [&str; 7] = [
    "AccessStatus",
    "EnableDockerAccess",
    "LifecycleManagement",
    "RootlessDocker",
    "Status",
    "StudioWebPortalAccess",
    "TagPropagation",
];

/// The way to unset a setting: SageMaker merges what it is sent, so that leaving something out changes nothing.
///
/// The literal `None` is in the API model of the three ARNs; lists are cleared by empty ones; what has a default that
/// AWS documents (API reference, and the developer guide's pages on storage and on the portal) is put back to it.
pub fn unset_setting(path: &Path, live: &Value) -> Unset {
    let last = path.0.last().map(String::as_str).unwrap_or_default();
    match (path.0.first().map(String::as_str), last, live) {
        // The role of shared spaces cannot be taken back, and their groups go with it.
        (Some("DefaultSpaceSettings"), "SecurityGroups", _) => Unset::Impossible,
        (Some("Tags" | "HomeEfsTags" | "NfsSecurityGroupTags"), ..) => Unset::Omit,
        (_, _, Value::List(_)) => Unset::Send(Value::List(Vec::new())),
        (_, "LifecycleConfigArn" | "BuiltInLifecycleConfigArn" | "SageMakerImageVersionArn" | "TrainingPlanArn", _) => {
            Unset::Send("None".into())
        }
        (_, "StudioWebPortal", _) => Unset::Send("ENABLED".into()),
        (_, "DefaultLandingUri", _) => Unset::Send("studio::".into()),
        (_, "NotebookOutputOption", _) => Unset::Send("Disabled".into()),
        (Some("UserSettings"), "AutoMountHomeEFS", _) => Unset::Send("DefaultAsDomain".into()),
        (_, "AutoMountHomeEFS", _) => Unset::Send("Enabled".into()),
        (_, "DefaultEbsVolumeSizeInGb", _) => Unset::Send(5.into()),
        (_, "MaximumEbsVolumeSizeInGb", _) => Unset::Send(100.into()),
        (_, "IpAddressType", _) => Unset::Send("ipv4".into()),
        (_, "ExecutionRoleSessionNameMode", _) => Unset::Send("STATIC".into()),
        (_, name, _) if SWITCHES.contains(&name) => Unset::Send("DISABLED".into()),
        _ => Unset::Impossible,
    }
}

/// Returns `true` if two values of a setting mean the same: a key by the key it denotes, since MDAA writes ids and we
/// write ARNs. Keys of several regions may share an id, and so may those of two accounts: two ARNs are equal as a
/// whole.
pub fn same_setting(path: &Path, desired: &Value, live: &Value) -> bool {
    if named_key::is_key(path) {
        let (Some(desired), Some(live)) = (desired.as_str(), live.as_str()) else { return false };
        let id = |text: &str| text.rsplit('/').next().map(str::to_owned);
        let both_whole = desired.starts_with("arn:") && live.starts_with("arn:");
        return if both_whole { desired == live } else { id(desired) == id(live) };
    }
    desired.same(live)
}

/// The same without structures that say nothing, which AWS refuses: https://github.com/hashicorp/terraform-provider-aws/issues/27990.
/// Empty lists stay, since they take settings back.
pub fn without_empty(value: Value) -> Value {
    match value {
        Value::Map(members) => members
            .into_iter()
            .map(|(key, value)| (key, without_empty(value)))
            .filter(|(_, value)| *value != Value::map() && value.as_str() != Some(""))
            .collect(),
        Value::List(items) => Value::List(items.into_iter().map(without_empty).collect()),
        other => other,
    }
}

/// Settings of a user on the wire, with what the API demands besides what people write.
pub fn complete(settings: &UserSettings) -> Value {
    let mut wire = completed(Value::from(settings.wire()));
    // AWS refuses a disabled portal while the landing page is still in it.
    if wire.text("StudioWebPortal") == Some("DISABLED") && wire.get("DefaultLandingUri").is_none() {
        wire.set("DefaultLandingUri", "app:JupyterServer:");
    }
    wire
}

/// Settings of users or spaces with what the API demands of their apps.
pub fn completed(settings: Value) -> Value {
    let mut wire = without_empty(settings);
    // An app whose default lifecycle config is not in its list fails to start.
    for app in ["JupyterServer", "JupyterLab", "KernelGateway", "CodeEditor"] {
        let key = format!("{app}AppSettings");
        let Some(default) =
            wire.get(&key).and_then(|app| app.get("DefaultResourceSpec")?.get("LifecycleConfigArn").cloned())
        else {
            continue;
        };
        let list = Path(vec![key, "LifecycleConfigArns".into()]);
        let mut arns = wire.at(&list).map(Value::items).unwrap_or_default().to_vec();
        if !arns.contains(&default) {
            arns.push(default);
            wire.set_at(&list, Value::List(arns));
        }
    }
    // API reference, JupyterServerAppSettings: scripts need a default resource too, and `system` is the one that there is.
    let server = wire.get("JupyterServerAppSettings");
    let has_scripts =
        server.and_then(|server| server.get("LifecycleConfigArns")).is_some_and(|arns| !arns.items().is_empty());
    if has_scripts && server.is_some_and(|server| server.get("DefaultResourceSpec").is_none()) {
        wire.set_at(&Path::of(["JupyterServerAppSettings", "DefaultResourceSpec", "InstanceType"]), "system".into());
    }
    wire
}

/// The YAML places of the settings that stand at `keys` and become the property `property`.
pub fn setting_sources(desired: &Desired, settings: &Value, property: &str, keys: &[&str]) -> Vec<(Path, Source)> {
    let mut sources = Vec::new();
    for (path, _) in settings.leaves() {
        let mut at = Path::of([property]);
        let mut keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        for key in path.0 {
            let mut letters = key.chars();
            keys.push(letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default());
            at.0.push(key);
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            sources.extend(desired.source(&keys).map(|source| (at.clone(), source)));
        }
    }
    sources
}

/// Puts in what takes settings back.
pub fn send_unset(request: &mut Value, changes: &[Change], place: impl Fn(&Path) -> Path) {
    for change in changes.iter().filter(|change| change.unsets) {
        let tags = change.path.0.first().is_some_and(|key| key.ends_with("Tags"));
        if let Some(after) = change.after.as_ref().filter(|_| !tags) {
            request.set_at(&place(&change.path), after.clone());
        }
    }
}

/// The portal and the landing page go together: either alone is refused.
pub fn couple_portal(request: &mut Value, node: &Node, settings: &str) {
    let uri = Path::of([settings, "DefaultLandingUri"]);
    if request.at(&uri).is_none() {
        let wanted = node.properties.at(&uri).cloned();
        let enabled = request.at(&Path::of([settings, "StudioWebPortal"])).and_then(Value::as_str) == Some("ENABLED");
        let fallback = if enabled { "studio::" } else { "app:JupyterServer:" };
        request.set_at(&uri, wanted.unwrap_or_else(|| fallback.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Kind, Text};

    #[test]
    fn a_key_is_compared_by_what_it_denotes() {
        let path = Path::of(["KmsKeyId"]);
        let arn = Value::from("arn:aws:kms:us-east-1:111122223333:key/abc");
        assert!(same_setting(&path, &arn, &Value::from("abc")));
        assert!(!same_setting(&path, &arn, &Value::from("abd")));
        assert!(same_setting(&path, &arn, &arn));
        for other in ["arn:aws:kms:eu-west-1:111122223333:key/abc", "arn:aws:kms:us-east-1:444455556666:key/abc"] {
            assert!(!same_setting(&path, &arn, &Value::from(other)), "{other}");
        }
        assert!(!same_setting(
            &path,
            &Value::Text(Text::output(Address::new(Kind::KmsKey, "efs"), "Arn")),
            &Value::from("abd")
        ));
    }
}
