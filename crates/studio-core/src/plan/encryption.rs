//! The key of the bucket: nothing is left behind under a key that nobody remembers.

use super::{Action, Blocked, Notice, Step};
use crate::model::{Kind, Path};

/// Looks at a bucket that would get another key: what is in it stays encrypted with the one that it has.
///
/// Somebody who gives a key in the YAML has asked for that. A key that is made, or found, for a bucket that has one already
/// is a key that nobody chose: it blocks.
pub(super) fn keep_readable(steps: &mut [Step]) -> Option<Notice> {
    let key = steps.iter().find(|step| step.address.kind == Kind::KmsKey && step.node().is_some());
    let is_first_contact = key.is_some_and(|key| !matches!(key.action(), Action::Keep | Action::Update));
    let made = key.map(|key| key.address.clone());
    let alias = key.and_then(|key| key.node()?.properties.text("AliasName").map(str::to_owned));
    let bucket = steps.iter_mut().find(|step| step.address.kind == Kind::Bucket && step.runs())?;
    let path = Path::of(["Encryption", "KMSMasterKeyID"]);
    let properties = [bucket.observed().map(|live| &live.properties), bucket.node().map(|node| &node.properties)];
    let [old, new] = properties.map(|properties| properties?.at(&path)?.as_str().map(str::to_owned));
    let old = old?;
    let is_moved =
        bucket.changes().iter().any(|change| change.path.starts_with(&path) || path.starts_with(&change.path));
    if !is_moved || denotes(&old) == new.as_deref().and_then(denotes) && denotes(&old).is_some() {
        return None;
    }
    if alias.is_some_and(|alias| old.ends_with(&format!(":{alias}")) || old == alias) {
        return None;
    }
    let what = format!("what is in it now is encrypted with the key {old}, and nobody can read it without that key");
    match made {
        Some(made) if is_first_contact || bucket.action() == Action::Adopt => {
            bucket.blocked = Some(Blocked::new(
                format!("{what}; {made} is another key"),
                format!(
                    "stay with that key: `kmsKeyArn: {old}` in the config; or move the bucket on purpose, and keep the old \
                     key: `aws s3api put-bucket-encryption`"
                ),
            ));
            None
        }
        _ => Some(Notice::new(
            Some(bucket.address.clone()),
            format!("{what}: keep it although only new objects get the other key"),
        )),
    }
}

/// The id of the key that a text names, unless it names an alias.
fn denotes(key: &str) -> Option<&str> {
    let resource = key.rsplit(':').next().unwrap_or(key);
    (!resource.starts_with("alias/")).then(|| resource.strip_prefix("key/").unwrap_or(resource))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::testing::{Situation, lines, notices, why};
    use super::*;
    use crate::model::Owner;

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
    const BLOCKED: Option<&str> = Some("blocked");
    const TOLD: Option<&str> = Some("told");

    /// The notice about a bucket that is encrypted with one key and should be with another: none, that, or that it is
    /// blocked. The key has the node and the live object that are given, if any.
    fn said(old: &str, new: &str, key: [Option<Json>; 2], words: &str) -> Option<&'static str> {
        let encrypted = |key: &str| json!({"Encryption": {"KMSMasterKeyID": key}});
        let mut scene = Situation::default().wants("bucket.b", encrypted(new)).has("bucket.b", encrypted(old));
        if words.contains("adopt") {
            scene = scene.foreign(Owner::Mdaa { stack: None }, "bucket.b", encrypted(old));
        }
        let [node, live] = key;
        if let Some(node) = node {
            scene = scene.wants("kms_key.k", node);
        }
        if let Some(live) = live {
            scene = scene.has("kms_key.k", live);
        }
        let plan = scene.plan(words);
        let told = notices(&plan, "bucket.b");
        match why(&plan, "bucket.b") {
            Some(why) => {
                assert!(why.contains(old) && why.ends_with("kms_key.k is another key") && told.is_empty(), "{why}");
                BLOCKED
            }
            None if told.is_empty() => None,
            None => {
                assert!(told[0].contains(old) && told[0].contains("keep it although"), "{told:?}");
                TOLD
            }
        }
    }

    #[test]
    fn a_bucket_moves_to_another_key_only_on_purpose() {
        let plain = || json!({"Plain": "a", "AliasName": "alias/k"});
        let (arn, other) = ("arn:aws:kms:us-east-1:1:key/a", "arn:aws:kms:us-east-1:1:key/b");
        let [none, made, kept] = [[None, None], [Some(plain()), None], [Some(plain()), Some(plain())]];
        let changed = [Some(plain()), Some(json!({"Plain": "b", "AliasName": "alias/k"}))];
        let gone = [None, Some(plain())];
        for (name, old, new, key, words, expected) in [
            ("the same", arn, arn, &none, "", None),
            ("the same by its id", arn, "a", &made, "", None),
            ("another that the config gives", arn, other, &none, "", TOLD),
            ("another that is made", arn, "${kms_key.k.Arn}", &made, "", BLOCKED),
            ("another that is there", arn, other, &kept, "", TOLD),
            ("another that is changed", arn, other, &changed, "", TOLD),
            ("another while the one that was made goes", arn, other, &gone, "", TOLD),
            ("another for a bucket that is taken over", arn, other, &kept, "adopt", BLOCKED),
            ("the same for a bucket that is taken over", arn, "a", &kept, "adopt", None),
            ("its own alias", "alias/k", "${kms_key.k.Arn}", &made, "", None),
            ("its own alias in full", "arn:aws:kms:us-east-1:1:alias/k", "${kms_key.k.Arn}", &made, "", None),
            ("another alias", "alias/other", "${kms_key.k.Arn}", &made, "", BLOCKED),
            ("one alias to another", "alias/x", "alias/y", &none, "", TOLD),
        ] {
            assert_eq!(said(old, new, key.clone(), words), expected, "{name}");
        }
    }

    #[test]
    fn a_bucket_without_a_key_moves_freely() {
        for live in [json!({"Plain": "a"}), json!({"Encryption": {"SSEAlgorithm": "AES256"}})] {
            let plan = Situation::default()
                .wants("kms_key.k", json!({"Plain": "a"}))
                .wants("bucket.b", json!({"Encryption": {"KMSMasterKeyID": "${kms_key.k.Arn}"}}))
                .has("bucket.b", live)
                .plan("");
            assert_eq!(lines(&plan), ["create kms_key.k", "update bucket.b"]);
            assert!(plan.notices.is_empty(), "{:?}", plan.notices);
        }
        let created = Situation::default().wants("bucket.b", json!({"Encryption": {"KMSMasterKeyID": "k"}})).plan("");
        assert!(created.notices.is_empty());
    }
}
