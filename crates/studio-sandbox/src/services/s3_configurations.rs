//! S3: what a bucket is configured with, kept as it was written: tags, encryption, versioning and the like.

use serde_json::Value as Json;

use super::s3::Asked;
use super::s3_access_lists;
use super::s3_buckets::{BUCKETS, Bucket, document, malformed, tagging, tags};
use crate::core::wire::{Refusal, Response};
use crate::core::world::World;
use crate::core::xml::parse;

/// A configuration of a bucket that is read as it was written.
pub struct Subresource {
    /// The query parameter that asks for it.
    pub query: &'static str,
    /// The operations' name without its verb.
    pub name: &'static str,
    /// The permission's name without its verb.
    pub permission: &'static str,
    root: &'static str,
    unset: Unset,
}

/// Answer where a configuration was never written.
enum Unset {
    /// A refusal with HTTP 404.
    Refusal(&'static str, &'static str),
    /// A document's content.
    Content(&'static str),
}

const fn subresource(
    query: &'static str,
    name: &'static str,
    permission: &'static str,
    root: &'static str,
    unset: Unset,
) -> Subresource {
    Subresource { query, name, permission, root, unset }
}

/// Every bucket is encrypted with S3's own keys unless told otherwise, since January 2023.
const DEFAULT_ENCRYPTION: &str = "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
    </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>";
/// New buckets block public access and disable access lists, since April 2023.
pub const BLOCKED: &str = "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
    <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>";
/// Access lists are off: whoever owns the bucket owns what is in it.
pub const OWNER_ENFORCED: &str = "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>";

/// The configurations that are kept as they are.
pub const SUBRESOURCES: &[Subresource] = &[
    subresource(
        "tagging",
        "BucketTagging",
        "BucketTagging",
        "Tagging",
        Unset::Refusal("NoSuchTagSet", "The TagSet does not exist"),
    ),
    subresource(
        "encryption",
        "BucketEncryption",
        "EncryptionConfiguration",
        "ServerSideEncryptionConfiguration",
        Unset::Content(DEFAULT_ENCRYPTION),
    ),
    subresource("versioning", "BucketVersioning", "BucketVersioning", "VersioningConfiguration", Unset::Content("")),
    subresource(
        "publicAccessBlock",
        "PublicAccessBlock",
        "BucketPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        Unset::Refusal("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
    ),
    subresource(
        "ownershipControls",
        "BucketOwnershipControls",
        "BucketOwnershipControls",
        "OwnershipControls",
        Unset::Refusal("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
    ),
    subresource("logging", "BucketLogging", "BucketLogging", "BucketLoggingStatus", Unset::Content("")),
    subresource(
        "cors",
        "BucketCors",
        "BucketCORS",
        "CORSConfiguration",
        Unset::Refusal("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    ),
    subresource(
        "lifecycle",
        "BucketLifecycleConfiguration",
        "LifecycleConfiguration",
        "LifecycleConfiguration",
        Unset::Refusal("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
    ),
    subresource(
        "website",
        "BucketWebsite",
        "BucketWebsite",
        "WebsiteConfiguration",
        Unset::Refusal("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
    ),
    subresource(
        "replication",
        "BucketReplication",
        "ReplicationConfiguration",
        "ReplicationConfiguration",
        Unset::Refusal("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
    ),
];

/// Answers an operation on one of them.
pub fn handle(world: &mut World, mut bucket: Bucket, asked: &Asked<'_>, operation: &str) -> Result<Response, Refusal> {
    let Some(found) = SUBRESOURCES.iter().find(|found| operation.ends_with(found.name)) else {
        let message = format!("the sandbox does not know {operation}");
        return Err(Refusal::new("NotImplemented", message).with_status(501));
    };
    if operation.starts_with("Get") {
        let own = (found.query == "tagging" && !bucket.tags.is_empty()).then(|| tagging(&bucket));
        let xml = match (own.as_ref().or(bucket.configurations.get(found.query)), &found.unset) {
            (Some(text), _) => text.clone(),
            (None, Unset::Content(content)) => document(found.root, content),
            (None, Unset::Refusal(code, message)) => return Err(Refusal::new(code, *message).with_status(404)),
        };
        return Ok(Response::empty(200).with_header("content-type", "application/xml").with_body(xml));
    }
    if operation.starts_with("Delete") {
        bucket.configurations.remove(found.query);
        if found.query == "tagging" {
            // That AWS's own stay without a word is a guess.
            bucket.tags.retain(|key, _| key.starts_with("aws:"));
        }
        world.put(BUCKETS, &asked.bucket, &bucket);
        return Ok(Response::empty(204));
    }
    let body = &asked.request.body;
    let (root, content) = parse(body).ok_or_else(malformed)?;
    if root != found.root {
        return Err(malformed());
    }
    if found.query == "tagging" {
        let tags = tags(content.pointer("/TagSet/Tag"), &bucket.tags)?;
        world.put(BUCKETS, &asked.bucket, &Bucket { tags, ..bucket });
        return Ok(Response::empty(204));
    }
    if found.query == "versioning"
        && !matches!(content.get("Status").and_then(Json::as_str), Some("Enabled" | "Suspended"))
    {
        return Err(Refusal::new(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
        ));
    }
    let text = String::from_utf8(body.clone()).map_err(|_| malformed())?;
    if found.query == "ownershipControls" && text.contains("BucketOwnerEnforced") && s3_access_lists::others(&bucket) {
        // S3 user guide, "Setting Object Ownership on an existing bucket".
        let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(Refusal::new("InvalidBucketAclWithObjectOwnership", message));
    }
    bucket.configurations.insert(found.query.into(), text);
    world.put(BUCKETS, &asked.bucket, &bucket);
    Ok(Response::empty(200))
}
