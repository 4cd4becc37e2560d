//! S3: objects that are uploaded in parts, which nobody sees until they are put together.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>, and its limits in `qfacts.html` there.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::kms_access;
use super::s3::Asked;
use super::s3_buckets::{Bucket, answer, malformed};
use super::s3_objects::{ENCRYPTION_KEY, check_size, described, hex, store, tags};
use crate::core::service::iso;
use crate::core::wire::{Principal, Refusal, Response};
use crate::core::world::{LOWER, World};
use crate::core::xml::{entries, parse};

/// Table of [`Upload`], by `bucket/id`.
const UPLOADS: &str = "s3/upload";
/// Table of [`Part`], by `bucket/id/number`, the number in five digits.
const PARTS: &str = "s3/part";
/// Smallest size of a part that is not the last one.
const SMALLEST_PART: usize = 5 << 20;

/// An upload that has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Upload {
    key: String,
    /// The headers that the object will have.
    headers: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    /// Whether its parts must be named with their checksums in the end.
    has_checksums: bool,
    /// When it began: virtual milliseconds.
    begun: i64,
}

/// A part of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    /// In base64.
    body: String,
    /// In bytes.
    size: usize,
    /// The content's MD5, in hexadecimal.
    md5: String,
    /// The content's CRC32, as S3 writes it.
    crc32: String,
}

/// Answers an operation on an upload.
pub fn handle(
    world: &mut World,
    bucket: &Bucket,
    asked: &Asked<'_>,
    operation: &str,
    caller: &Principal,
) -> Result<Response, Refusal> {
    match operation {
        "CreateMultipartUpload" => create(world, bucket, asked, caller),
        "UploadPart" => upload_part(world, asked, caller),
        "CompleteMultipartUpload" => complete(world, bucket, asked),
        _ => {
            let (id, _) = find(world, asked)?;
            forget(world, asked, &id);
            Ok(Response::empty(204))
        }
    }
}

/// The headers with which the upload began that a request is about.
///
/// A guess by what is observed: nobody has written down that the condition keys of the encryption hold for the parts too,
/// whose requests do not have the headers; but Hadoop's S3A, which uploads everything in parts, recommends bucket policies
/// that demand them (its documentation, "Mandate encryption").
pub fn begun_with(world: &World, asked: &Asked<'_>) -> BTreeMap<String, String> {
    find(world, asked).map(|(_, upload)| upload.headers).unwrap_or_default()
}

/// Lists the uploads of a bucket that have begun.
pub fn list(world: &World, asked: &Asked<'_>) -> Response {
    let prefix = asked.request.parameter("prefix").unwrap_or_default();
    let uploads = world.list::<Upload>(UPLOADS, &format!("{}/", asked.bucket));
    let uploads = uploads.into_iter().filter(|(_, upload)| upload.key.starts_with(prefix));
    let uploads: Vec<Json> = uploads
        .map(|(place, upload)| {
            let id = &place[asked.bucket.len() + 1..];
            json!({"Key": upload.key, "UploadId": id, "Initiated": iso(upload.begun), "StorageClass": "STANDARD"})
        })
        .collect();
    answer(
        "ListMultipartUploadsResult",
        &json!({"Bucket": asked.bucket, "Prefix": prefix, "IsTruncated": false, "Upload": uploads}),
    )
}

fn find(world: &World, asked: &Asked<'_>) -> Result<(String, Upload), Refusal> {
    let id = asked.request.parameter("uploadId").unwrap_or_default();
    let upload: Option<Upload> = world.get(UPLOADS, &format!("{}/{id}", asked.bucket));
    let none = || {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted \
                       or completed.";
        Refusal::new("NoSuchUpload", message).with_status(404)
    };
    upload.filter(|upload| upload.key == asked.key).map(|upload| (id.to_owned(), upload)).ok_or_else(none)
}

fn parts(world: &World, asked: &Asked<'_>, id: &str) -> Vec<(String, Part)> {
    world.list(PARTS, &format!("{}/{id}/", asked.bucket))
}

fn forget(world: &mut World, asked: &Asked<'_>, id: &str) {
    for (place, _) in parts(world, asked, id) {
        world.remove(PARTS, &place);
    }
    world.remove(UPLOADS, &format!("{}/{id}", asked.bucket));
}

fn create(world: &mut World, bucket: &Bucket, asked: &Asked<'_>, caller: &Principal) -> Result<Response, Refusal> {
    let upload = Upload {
        key: asked.key.clone(),
        headers: described(world, bucket, asked, caller)?,
        tags: tags(asked),
        has_checksums: asked.request.header("x-amz-checksum-algorithm").is_some(),
        begun: world.now(),
    };
    let id = world.id(LOWER, 64);
    world.put(UPLOADS, &format!("{}/{id}", asked.bucket), &upload);
    Ok(answer("InitiateMultipartUploadResult", &json!({"Bucket": asked.bucket, "Key": asked.key, "UploadId": id})))
}

fn upload_part(world: &mut World, asked: &Asked<'_>, caller: &Principal) -> Result<Response, Refusal> {
    let (id, upload) = find(world, asked)?;
    let number: u32 = asked.request.parameter("partNumber").and_then(|number| number.parse().ok()).unwrap_or_default();
    if !(1..=10_000).contains(&number) {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        return Err(Refusal::new("InvalidArgument", message));
    }
    // A part is encrypted with the data key of those before it, which has to be decrypted
    // (https://repost.aws/knowledge-center/s3-large-file-encryption-kms-key).
    if let Some(key) = upload.headers.get(ENCRYPTION_KEY) {
        kms_access::check_use(world, caller, key, "kms:Decrypt")?;
    }
    let body = &asked.request.body;
    let place = format!("{}/{id}/{number:05}", asked.bucket);
    let others = parts(world, asked, &id).into_iter().filter(|(other, _)| *other != place);
    check_size(others.map(|(_, part)| part.size).sum::<usize>() + body.len())?;
    let mut crc = flate2::Crc::new();
    crc.update(body);
    let crc32 = STANDARD.encode(crc.sum().to_be_bytes());
    let part = Part { body: STANDARD.encode(body), size: body.len(), md5: hex(&Md5::digest(body)), crc32 };
    world.put(PARTS, &place, &part);
    let response = Response::empty(200).with_header("etag", format!("\"{}\"", part.md5));
    Ok(if upload.has_checksums { response.with_header("x-amz-checksum-crc32", part.crc32) } else { response })
}

fn complete(world: &mut World, bucket: &Bucket, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let (id, upload) = find(world, asked)?;
    let (root, content) = parse(&asked.request.body).ok_or_else(malformed)?;
    let named = entries(content.get("Part"));
    if root != "CompleteMultipartUpload" || named.is_empty() {
        return Err(malformed());
    }
    let there = parts(world, asked, &id);
    let (mut body, mut md5s, mut last) = (Vec::new(), Vec::new(), String::new());
    for (at, entry) in named.iter().enumerate() {
        let text = |name: &str| entry.get(name).and_then(Json::as_str).unwrap_or_default().trim_matches('"').to_owned();
        let number: u32 = text("PartNumber").parse().map_err(|_| malformed())?;
        let place = format!("{}/{id}/{number:05}", asked.bucket);
        if place <= last {
            let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
            return Err(Refusal::new("InvalidPartOrder", message));
        }
        let found = there.iter().find(|(other, part)| *other == place && part.md5 == text("ETag"));
        let Some((_, part)) = found else {
            let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
                           specified entity tag may not match the part's entity tag.";
            return Err(Refusal::new("InvalidPart", message));
        };
        // The words that people report (https://github.com/apache/opendal/pull/4580).
        if upload.has_checksums && text("ChecksumCRC32") != part.crc32 {
            let message = format!(
                "The upload was created using a crc32 checksum. The complete request must include the checksum for each part. \
                 It was missing for part {number} in the request."
            );
            return Err(Refusal::new("InvalidRequest", message));
        }
        if part.size < SMALLEST_PART && at + 1 < named.len() {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(Refusal::new("EntityTooSmall", message));
        }
        body.extend(STANDARD.decode(&part.body).expect("bodies are kept in base64"));
        md5s.extend((0..32).step_by(2).filter_map(|at| u8::from_str_radix(part.md5.get(at..at + 2)?, 16).ok()));
        last = place;
    }
    let etag = format!("\"{}-{}\"", hex(&Md5::digest(&md5s)), named.len());
    forget(world, asked, &id);
    let stored = store(world, bucket, asked, &body, etag.clone(), upload.headers, upload.tags);
    let location = format!("https://{}.s3.{}.amazonaws.com/{}", asked.bucket, world.region(), asked.key);
    let result = json!({"Location": location, "Bucket": asked.bucket, "Key": asked.key, "ETag": etag});
    let mut response = answer("CompleteMultipartUploadResult", &result);
    for (name, value) in stored.headers {
        response = response.with_header(&name, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::primitives::ByteStream;
    use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

    use super::*;
    use crate::core::front::SandboxOptions;
    use crate::core::testing::{code, seeded};

    #[tokio::test]
    async fn parts_become_an_object_when_they_are_put_together() {
        let client = Client::new(&seeded(SandboxOptions::default()).sdk_config().build());
        client.create_bucket().bucket("home").send().await.unwrap();
        let begin = async || {
            let create = client.create_multipart_upload().bucket("home").key("large").metadata("sha256", "abc");
            create.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.unwrap().upload_id.unwrap()
        };
        let upload = begin().await;
        let part = async |number: i32, body: Vec<u8>| {
            let put = client.upload_part().bucket("home").key("large").upload_id(&upload).part_number(number);
            let put =
                put.checksum_algorithm(ChecksumAlgorithm::Crc32).body(ByteStream::from(body)).send().await.unwrap();
            let part = CompletedPart::builder().part_number(number).set_e_tag(put.e_tag);
            part.set_checksum_crc32(put.checksum_crc32).build()
        };
        let complete = async |parts: Vec<CompletedPart>| {
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            let complete = client.complete_multipart_upload().bucket("home").key("large").upload_id(&upload);
            complete.multipart_upload(parts).send().await
        };
        let first = part(1, vec![7; SMALLEST_PART]).await;
        let small = part(2, vec![8; 10]).await;
        let last = part(3, vec![9; 3]).await;
        assert_eq!(code(complete(vec![first.clone(), small.clone(), last.clone()]).await), "EntityTooSmall");
        assert_eq!(code(complete(vec![first.clone(), first.clone()]).await), "InvalidPartOrder");
        let unsummed = CompletedPart::builder().part_number(1).set_e_tag(first.e_tag.clone()).build();
        assert_eq!(code(complete(vec![unsummed]).await), "InvalidRequest");
        assert_eq!(code(client.get_object().bucket("home").key("large").send().await), "NoSuchKey");
        let listed = async || client.list_multipart_uploads().bucket("home").prefix("la").send().await.unwrap();
        assert_eq!(listed().await.uploads()[0].upload_id(), Some(upload.as_str()));
        let done = complete(vec![first.clone(), last.clone()]).await.unwrap();
        assert!(done.e_tag().unwrap().ends_with("-2\""));
        let get = client.get_object().bucket("home").key("large").send().await.unwrap();
        assert_eq!((get.content_length(), get.metadata().unwrap()["sha256"].as_str()), (Some(5_242_883), "abc"));
        assert!(listed().await.uploads().is_empty());
        assert_eq!(code(complete(vec![first]).await), "NoSuchUpload");
        let upload = begin().await;
        let abort =
            async || client.abort_multipart_upload().bucket("home").key("large").upload_id(&upload).send().await;
        abort().await.unwrap();
        assert_eq!(code(abort().await), "NoSuchUpload");
        assert!(listed().await.uploads().is_empty());
    }
}
