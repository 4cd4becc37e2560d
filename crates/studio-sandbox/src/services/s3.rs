//! S3: which operation a request asks for, and who answers it.
//!
//! Buckets are in `s3_buckets` and `s3_configurations`, objects in `s3_objects`, `s3_multipart` and `s3_lists`, and who may do
//! what in `s3_access`.

use serde_json::{Value as Json, json};

use super::s3_access;
use super::s3_buckets;
use super::s3_configurations::SUBRESOURCES;
use super::s3_multipart;
use super::s3_objects;
use crate::core::protocol::decode;
use crate::core::wire::{Principal, Refusal, Request, Response};
use crate::core::world::World;
use crate::core::xml::{Lists, parse, render};

/// A request, taken apart.
pub struct Asked<'a> {
    /// The request.
    pub request: &'a Request,
    /// The bucket; empty for the service itself.
    pub bucket: String,
    /// The object's key; empty for the bucket itself.
    pub key: String,
}

/// An answer whose texts are handed out before it leaves: those of a document, and a bucket's policy, which is one.
pub fn spoil(mut answer: Response, spoil: impl FnOnce(&mut Json)) -> Response {
    if let Some((root, mut content)) = parse(&answer.body) {
        spoil(&mut content);
        answer.body = render(&root, &content, Lists::Flat).into();
    } else if answer.body.starts_with(b"{")
        && let Ok(policy) = String::from_utf8(answer.body.clone())
    {
        let mut content = json!({ "Policy": policy });
        spoil(&mut content);
        answer.body = content["Policy"].as_str().unwrap_or_default().into();
    }
    answer
}

/// The bucket and the key that a request is about, in virtual-host style or in path style.
fn place(request: &Request) -> Result<(String, String), Refusal> {
    let path = decode(request.path.trim_start_matches('/'))?;
    let host = request.host.as_str();
    let virtual_host = [".s3.", ".s3-"]
        .iter()
        .find_map(|mark| host.find(mark).map(|at| &host[..at]))
        .or_else(|| host.strip_suffix(".localhost"))
        .filter(|bucket| !bucket.is_empty());
    Ok(match virtual_host {
        Some(bucket) => (bucket.to_owned(), path),
        None => match path.split_once('/') {
            Some((bucket, key)) => (bucket.to_owned(), key.to_owned()),
            None => (path, String::new()),
        },
    })
}

/// The operation's name, and a summary of the input for the record of calls.
pub fn operation(request: &Request) -> (String, Json) {
    let (bucket, key) = place(request).unwrap_or_default();
    let query: serde_json::Map<String, Json> = request
        .query
        .iter()
        .filter(|(name, _)| name != "x-id")
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let summary = if key.is_empty() {
        json!({"Bucket": bucket, "Query": query})
    } else {
        json!({"Key": format!("{bucket}/{key}"), "Query": query})
    };
    (name(request, &bucket, &key), summary)
}

fn name(request: &Request, bucket: &str, key: &str) -> String {
    let asks = |parameter: &str| request.parameter(parameter).is_some();
    let method = request.method.as_str();
    if bucket.is_empty() {
        return if method == "GET" { "ListBuckets".into() } else { unknown(method) };
    }
    if key.is_empty() {
        let verb = match method {
            "PUT" => "Put",
            "GET" => "Get",
            "DELETE" => "Delete",
            _ => "",
        };
        if let Some(found) = SUBRESOURCES.iter().find(|found| asks(found.query) && !verb.is_empty()) {
            return format!("{verb}{}", found.name);
        }
        for (parameter, name) in [("policy", "BucketPolicy"), ("acl", "BucketAcl")] {
            if asks(parameter) && !verb.is_empty() {
                return format!("{verb}{name}");
            }
        }
        return match method {
            "GET" if asks("policyStatus") => "GetBucketPolicyStatus",
            "GET" if asks("location") => "GetBucketLocation",
            "GET" if asks("versions") => "ListObjectVersions",
            "GET" if asks("uploads") => "ListMultipartUploads",
            "GET" if asks("list-type") => "ListObjectsV2",
            "GET" if request.query.iter().all(|(name, _)| is_listing(name)) => "ListObjects",
            "PUT" if request.query.iter().all(|(name, _)| name == "x-id") => "CreateBucket",
            "DELETE" if request.query.iter().all(|(name, _)| name == "x-id") => "DeleteBucket",
            "HEAD" => "HeadBucket",
            "POST" if asks("delete") => "DeleteObjects",
            _ => return unknown(method),
        }
        .into();
    }
    match method {
        "GET" if asks("tagging") => "GetObjectTagging",
        "PUT" if asks("tagging") => "PutObjectTagging",
        "DELETE" if asks("tagging") => "DeleteObjectTagging",
        "POST" if asks("uploads") => "CreateMultipartUpload",
        "PUT" if asks("uploadId") && request.header("x-amz-copy-source").is_none() => "UploadPart",
        "POST" if asks("uploadId") => "CompleteMultipartUpload",
        "DELETE" if asks("uploadId") => "AbortMultipartUpload",
        _ if ["uploads", "uploadId", "acl", "attributes", "restore", "select", "retention", "legal-hold"]
            .iter()
            .any(|parameter| asks(parameter)) =>
        {
            return unknown(method);
        }
        "PUT" if request.header("x-amz-copy-source").is_some() => "CopyObject",
        "PUT" => "PutObject",
        "GET" => "GetObject",
        "HEAD" => "HeadObject",
        "DELETE" => "DeleteObject",
        _ => return unknown(method),
    }
    .into()
}

fn is_listing(parameter: &str) -> bool {
    ["prefix", "delimiter", "marker", "max-keys", "encoding-type", "x-id"].contains(&parameter)
}

fn unknown(method: &str) -> String {
    format!("Unknown{method}")
}

/// Answers one operation of S3.
pub fn handle(world: &mut World, request: &Request, operation: &str, caller: &Principal) -> Result<Response, Refusal> {
    let (bucket, key) = place(request)?;
    let asked = Asked { request, bucket, key };
    match operation {
        "ListBuckets" => return s3_buckets::list(world),
        "CreateBucket" => return s3_buckets::create(world, &asked),
        _ if operation.starts_with("Unknown") || operation == "CopyObject" => {
            let message = "A header or query you provided implies functionality that is not implemented.";
            return Err(Refusal::new("NotImplemented", message).with_status(501));
        }
        _ => (),
    }
    let region = s3_buckets::region(world, &asked.bucket);
    if let Some(there) = region.as_ref().filter(|there| **there != world.region()) {
        // S3 user guide, "Making requests over …: request redirection"; HeadBucket's answer has no body.
        return match operation {
            "HeadBucket" => Ok(Response::empty(301).with_header("x-amz-bucket-region", there)),
            _ => {
                let message = "The bucket you are attempting to access must be addressed using the specified endpoint. \
                               Please send all future requests to this endpoint.";
                Err(Refusal::new("PermanentRedirect", message).with_status(301))
            }
        };
    }
    let bucket = s3_buckets::find(world, &asked).and_then(|bucket| {
        let check = operation != "DeleteObjects";
        if check { s3_access::check(world, &bucket, &asked, operation, caller).map(|()| bucket) } else { Ok(bucket) }
    });
    let bucket = match bucket {
        // Whoever asks learns where a bucket is, whosever it is: a guess, since the API reference says so of HeadBucket's
        // success only, and AWS's own SDKs find the region of a bucket by its refusals too.
        Err(refusal) if refusal.status == 403 && operation == "HeadBucket" && region.is_some() => {
            return Ok(Response::empty(403).with_header("x-amz-bucket-region", world.region()));
        }
        bucket => bucket?,
    };
    match operation {
        "ListMultipartUploads" => Ok(s3_multipart::list(world, &asked)),
        "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" | "AbortMultipartUpload" => {
            s3_multipart::handle(world, &bucket, &asked, operation, caller)
        }
        _ if asked.key.is_empty() && !operation.contains("Object") => {
            s3_buckets::handle(world, bucket, &asked, operation)
        }
        _ => s3_objects::handle(world, &bucket, &asked, operation, caller),
    }
}
