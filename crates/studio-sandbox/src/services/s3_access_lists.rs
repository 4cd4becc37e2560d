//! S3: a bucket's access list, which counts only where its owner does not own everything in it.
//!
//! Objects' own lists are not kept: nothing here writes one.

use super::s3::Asked;
use super::s3_buckets::{BUCKETS, Bucket, malformed};
use crate::core::wire::{Refusal, Response};
use crate::core::world::World;
use crate::core::xml::{entries, parse, text_of};

/// Under which name a bucket keeps it.
const KEY: &str = "acl";
/// Canonical user id of every owner: such ids have 64 hexadecimal digits (S3 user guide, "Canonical user ID").
const OWNER: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const EVERYBODY: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const ANY_ACCOUNT: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// A grant: the permission, and the canonical id, group or address that it is given to.
type Grant = (String, String);

/// Returns `true` if access lists are off (S3 user guide, "Controlling ownership of objects and disabling ACLs").
fn are_off(bucket: &Bucket) -> bool {
    bucket.configurations.get("ownershipControls").is_some_and(|text| text.contains("BucketOwnerEnforced"))
}

/// Returns `true` if anything is granted besides what the owner has.
pub fn others(bucket: &Bucket) -> bool {
    !are_off(bucket) && !kept(bucket).is_empty()
}

fn kept(bucket: &Bucket) -> Vec<Grant> {
    let text = bucket.configurations.get(KEY).map(String::as_str).unwrap_or_default();
    text.lines().filter_map(|line| line.split_once(' ')).map(|(one, other)| (one.into(), other.into())).collect()
}

/// Answers GetBucketAcl: with access lists off it is always the owner's full control (the same page).
pub fn get(bucket: &Bucket) -> Response {
    let mut grants = vec![("FULL_CONTROL".to_owned(), OWNER.to_owned())];
    if !are_off(bucket) {
        grants.extend(kept(bucket));
    }
    let grants = grants.iter().map(|(permission, to)| {
        let (kind, member) = match to {
            to if to.starts_with("http") => ("Group", "URI"),
            to if to.contains('@') => ("AmazonCustomerByEmail", "EmailAddress"),
            _ => ("CanonicalUser", "ID"),
        };
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{kind}\">\
             <{member}>{}</{member}></Grantee><Permission>{permission}</Permission></Grant>",
            text_of(to)
        )
    });
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Owner><ID>{OWNER}</ID></Owner><AccessControlList>{}</AccessControlList></AccessControlPolicy>",
        grants.collect::<String>()
    );
    Response::empty(200).with_header("content-type", "application/xml").with_body(body)
}

/// Answers PutBucketAcl: a canned list, grants in headers, or a document (S3 API reference).
pub fn put(world: &mut World, mut bucket: Bucket, asked: &Asked<'_>) -> Result<Response, Refusal> {
    if are_off(&bucket) {
        return Err(Refusal::new("AccessControlListNotSupported", "The bucket does not allow ACLs"));
    }
    let read = |to: &str| ("READ".to_owned(), to.to_owned());
    let write = |to: &str| ("WRITE".to_owned(), to.to_owned());
    let grants = match asked.request.header("x-amz-acl") {
        Some("private" | "bucket-owner-full-control" | "bucket-owner-read") => Vec::new(),
        Some("public-read") => vec![read(EVERYBODY)],
        Some("public-read-write") => vec![read(EVERYBODY), write(EVERYBODY)],
        Some("authenticated-read") => vec![read(ANY_ACCOUNT)],
        Some("log-delivery-write") => vec![write(DELIVERY), ("READ_ACP".to_owned(), DELIVERY.to_owned())],
        Some(_) => return Err(Refusal::new("InvalidArgument", "Argument x-amz-acl is invalid")),
        None if asked.request.body.is_empty() => in_headers(asked),
        None => in_document(&asked.request.body)?,
    };
    let is_public = |(_, to): &Grant| to == EVERYBODY || to == ANY_ACCOUNT;
    let blocks =
        bucket.configurations.get("publicAccessBlock").is_some_and(|text| text.contains("<BlockPublicAcls>true"));
    // S3 user guide, "Blocking public access to your Amazon S3 storage": BlockPublicAcls refuses such a call.
    if blocks && grants.iter().any(is_public) {
        return Err(Refusal::new("AccessDenied", "Access Denied").with_status(403));
    }
    let lines = grants.iter().filter(|(_, to)| to != OWNER).map(|(permission, to)| format!("{permission} {to}\n"));
    bucket.configurations.insert(KEY.into(), lines.collect());
    world.put(BUCKETS, &asked.bucket, &bucket);
    Ok(Response::empty(200))
}

fn in_headers(asked: &Asked<'_>) -> Vec<Grant> {
    let headers = [
        ("x-amz-grant-full-control", "FULL_CONTROL"),
        ("x-amz-grant-read", "READ"),
        ("x-amz-grant-read-acp", "READ_ACP"),
        ("x-amz-grant-write", "WRITE"),
        ("x-amz-grant-write-acp", "WRITE_ACP"),
    ];
    let grants = headers.into_iter().flat_map(|(header, permission)| {
        let given = asked.request.header(header).unwrap_or_default().split(',').map(str::trim);
        given.filter_map(move |to| {
            let to = to.split_once('=')?.1.trim_matches('"');
            Some((permission.to_owned(), to.to_owned()))
        })
    });
    grants.collect()
}

fn in_document(body: &[u8]) -> Result<Vec<Grant>, Refusal> {
    let (root, content) = parse(body).ok_or_else(malformed)?;
    if root != "AccessControlPolicy" {
        return Err(malformed());
    }
    let grants = entries(content.pointer("/AccessControlList/Grant")).into_iter().map(|grant| {
        let text = |pointer: &str| grant.pointer(pointer).and_then(serde_json::Value::as_str);
        let to = text("/Grantee/ID").or_else(|| text("/Grantee/URI")).or_else(|| text("/Grantee/EmailAddress"));
        Some((text("/Permission")?.to_owned(), to?.to_owned()))
    });
    grants.collect::<Option<Vec<Grant>>>().ok_or_else(malformed)
}
