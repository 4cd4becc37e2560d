//! The key of the bucket: nothing is left behind under a key that nobody remembers.

use super::{Action, Blocked, Notice, Step};
use crate::model::{Kind, Path};

/// Looks at a bucket that would get another key: what is in it stays encrypted with the one that it has.
///
/// Somebody who gives a key in the YAML has asked for that. A key that is made, or found, for a bucket that has one already
/// is a key that nobody chose: it blocks.
pub(super) fn keep_readable(steps: &mut [Step]) -> Option<Notice> {
    let key = steps.iter().find(|step| step.address.kind == Kind::KmsKey && step.node.is_some());
    let is_first_contact = key.is_some_and(|key| !matches!(key.action, Action::Keep | Action::Update));
    let made = key.map(|key| key.address.clone());
    let alias = key.and_then(|key| key.node.as_ref()?.properties.text("AliasName").map(str::to_owned));
    let bucket = steps.iter_mut().find(|step| step.address.kind == Kind::Bucket && step.runs())?;
    let path = Path::of(["Encryption", "KMSMasterKeyID"]);
    let properties =
        [bucket.observed.as_ref().map(|live| &live.properties), bucket.node.as_ref().map(|n| &n.properties)];
    let [old, new] = properties.map(|properties| properties?.at(&path)?.as_str().map(str::to_owned));
    let old = old?;
    let is_moved = bucket.changes.iter().any(|change| change.path.starts_with(&path) || path.starts_with(&change.path));
    if !is_moved || denotes(&old) == new.as_deref().and_then(denotes) && denotes(&old).is_some() {
        return None;
    }
    if alias.is_some_and(|alias| old.ends_with(&format!(":{alias}")) || old == alias) {
        return None;
    }
    let what = format!("what is in it now is encrypted with the key {old}, and nobody can read it without that key");
    match made {
        Some(made) if is_first_contact || bucket.action == Action::Adopt => {
            bucket.blocked = Some(Blocked::new(
                format!("{what}; {made} is another key"),
                format!(
                    "stay with that key: `kmsKeyArn: {old}` in the config; or move the bucket on purpose, and keep the old \
                     key: `aws s3api put-bucket-encryption`"
                ),
            ));
            None
        }
        _ => Some(Notice {
            address: Some(bucket.address.clone()),
            message: format!("{what}: keep it although only new objects get the other key"),
        }),
    }
}

/// The id of the key that a text names, unless it names an alias.
fn denotes(key: &str) -> Option<&str> {
    let resource = key.rsplit(':').next().unwrap_or(key);
    (!resource.starts_with("alias/")).then(|| resource.strip_prefix("key/").unwrap_or(resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_by_id() {
        for (text, expected) in [
            ("arn:aws:kms:us-east-1:111122223333:key/abc", Some("abc")),
            ("abc", Some("abc")),
            ("key/abc", Some("abc")),
            ("alias/a", None),
            ("arn:aws:kms:us-east-1:111122223333:alias/a", None),
        ] {
            assert_eq!(denotes(text), expected, "{text}");
        }
    }
}
