//! Keys as settings name them: by ARN, id or alias.

use crate::model::{Deployment, Path, Value};

/// Settings of AWS with the keys in them by ARN: an id alone is that of a key in the account and region that it is used in.
/// An alias stays, since it may lead to another key tomorrow.
pub(super) fn by_arn(place: &Deployment, mut settings: Value) -> Value {
    let keys: Vec<(Path, String)> = settings
        .leaves()
        .into_iter()
        .filter(|(path, _)| is_key(path))
        .filter_map(|(path, key)| Some((path, key.as_str().filter(|key| is_id(key))?.to_owned())))
        .collect();
    for (path, id) in keys {
        settings.set_at(&path, place.arn("kms", &format!("key/{id}")).into());
    }
    settings
}

/// Returns `true` if a setting names a key.
pub(super) fn is_key(path: &Path) -> bool {
    path.0.last().is_some_and(|key| matches!(key.as_str(), "KmsKeyId" | "S3KmsKeyId"))
}

fn is_id(key: &str) -> bool {
    !key.is_empty() && !key.contains([':', '/'])
}
