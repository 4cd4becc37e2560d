//! S3: who may do what, by the bucket's policy and the caller's own.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::s3::Asked;
use super::s3_buckets::Bucket;
use super::s3_configurations::SUBRESOURCES;
use super::s3_multipart;
use crate::core::authorization;
use crate::core::policy::{RequestContext, Verdict};
use crate::core::wire::{Principal, Refusal};
use crate::core::world::World;

/// The permission that an operation needs (S3 user guide, "Required permissions for Amazon S3 API operations").
pub fn action(operation: &str, versioned: bool) -> String {
    let name = match (operation, versioned) {
        ("HeadBucket" | "ListObjects" | "ListObjectsV2", _) => "ListBucket",
        ("ListObjectVersions", _) => "ListBucketVersions",
        ("HeadObject" | "GetObject", true) => "GetObjectVersion",
        ("HeadObject", false) => "GetObject",
        ("CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload", _) => "PutObject",
        ("ListMultipartUploads", _) => "ListBucketMultipartUploads",
        ("DeleteObject", true) => "DeleteObjectVersion",
        // The one configuration whose deletion has a permission of its own.
        ("DeleteBucketWebsite", _) => "DeleteBucketWebsite",
        (other, _) => {
            let verbs = [("Get", "Get"), ("Put", "Put"), ("Delete", "Put")];
            let subresource = verbs.iter().find_map(|(verb, needed)| {
                let rest = other.strip_prefix(verb)?;
                let found = SUBRESOURCES.iter().find(|found| found.name == rest)?;
                Some(format!("{needed}{}", found.permission))
            });
            return format!("s3:{}", subresource.unwrap_or_else(|| other.to_owned()));
        }
    };
    format!("s3:{name}")
}

/// Refuses what the caller may not do.
pub fn check(
    world: &World,
    bucket: &Bucket,
    asked: &Asked<'_>,
    operation: &str,
    caller: &Principal,
) -> Result<(), Refusal> {
    let versioned = asked.request.parameter("versionId").is_some();
    check_key(world, bucket, asked, &asked.key, &action(operation, versioned), caller)
}

/// Refuses `action` on one object, or on the bucket when `key` is empty.
pub fn check_key(
    world: &World,
    bucket: &Bucket,
    asked: &Asked<'_>,
    key: &str,
    action: &str,
    caller: &Principal,
) -> Result<(), Refusal> {
    let arn = bucket.arn(world);
    let resource = if key.is_empty() { arn } else { format!("{arn}/{key}") };
    let mut keys = BTreeMap::new();
    let is_part = asked.request.parameter("uploadId").is_some();
    let begun = if is_part { s3_multipart::begun_with(world, asked) } else { BTreeMap::new() };
    // Condition keys are the request's own headers: the bucket's default encryption is not among them.
    for header in ["x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-acl"] {
        if let Some(value) = asked.request.header(header).or_else(|| begun.get(header).map(String::as_str)) {
            keys.insert(format!("s3:{header}"), vec![value.to_owned()]);
        }
    }
    for parameter in ["prefix", "delimiter", "max-keys"] {
        if let Some(value) = asked.request.parameter(parameter) {
            keys.insert(format!("s3:{parameter}"), vec![value.to_owned()]);
        }
    }
    let context = RequestContext { caller, action, resource: &resource, keys };
    let document: Option<Json> = bucket.policy.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let decided = authorization::decide(world, &bucket.owner(world), document.as_ref(), &context, Verdict::Delegated);
    decided.map_err(|why| {
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: \"{resource}\" {}",
            caller.arn,
            why.because(action)
        );
        Refusal::new("AccessDenied", message).with_status(403)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_need_permissions_of_other_names() {
        for (operation, versioned, expected) in [
            ("PutObject", false, "s3:PutObject"),
            ("HeadObject", false, "s3:GetObject"),
            ("UploadPart", false, "s3:PutObject"),
            ("AbortMultipartUpload", false, "s3:AbortMultipartUpload"),
            ("ListMultipartUploads", false, "s3:ListBucketMultipartUploads"),
            ("GetObject", true, "s3:GetObjectVersion"),
            ("ListObjectsV2", false, "s3:ListBucket"),
            ("PutBucketEncryption", false, "s3:PutEncryptionConfiguration"),
            ("DeleteBucketTagging", false, "s3:PutBucketTagging"),
            ("DeleteBucketPolicy", false, "s3:DeleteBucketPolicy"),
            ("GetPublicAccessBlock", false, "s3:GetBucketPublicAccessBlock"),
        ] {
            assert_eq!(action(operation, versioned), expected);
        }
    }
}
