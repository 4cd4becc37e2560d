//! S3: objects and their versions. Lists of them are in `s3_lists`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::kms_access;
use super::s3::Asked;
use super::s3_access;
use super::s3_buckets::{Bucket, answer};
use super::s3_lists;
use crate::core::service::http_date;
use crate::core::wire::{Principal, Refusal, Response};
use crate::core::world::{LOWER, World};
use crate::core::xml::{entries, parse};

/// Table of [`ObjectVersions`], by `bucket/key`.
const OBJECTS: &str = "s3/object";

/// All versions under a key, the latest last; never none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ObjectVersions {
    /// At least one.
    pub versions: Vec<Version>,
}

/// One version of an object, or a delete marker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// `null` unless it was made while versioning was on.
    pub id: String,
    /// Whether it says that the object is deleted, and is nothing else.
    pub marker: bool,
    /// In base64.
    body: String,
    /// In bytes.
    pub size: usize,
    /// The content's MD5 in quotes.
    pub etag: String,
    /// When it was made: virtual milliseconds.
    pub modified: i64,
    /// The headers that come back with it.
    headers: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

/// Returns `true` if a bucket holds anything, versions and delete markers included.
pub fn any(world: &World, bucket: &str) -> bool {
    !world.list::<ObjectVersions>(OBJECTS, &format!("{bucket}/")).is_empty()
}

/// Answers an operation on objects.
pub fn handle(
    world: &mut World,
    bucket: &Bucket,
    asked: &Asked<'_>,
    operation: &str,
    caller: &Principal,
) -> Result<Response, Refusal> {
    match operation {
        "PutObject" => put(world, bucket, asked, caller),
        "GetObject" => get(world, asked, caller, true),
        "HeadObject" => get(world, asked, caller, false),
        "DeleteObject" => {
            let (marker, version) = delete(world, bucket, &asked.key, asked.request.parameter("versionId"));
            let mut response = Response::empty(204);
            if let Some(version) = version {
                response = response.with_header("x-amz-version-id", version);
            }
            Ok(if marker { response.with_header("x-amz-delete-marker", "true") } else { response })
        }
        "DeleteObjects" => delete_many(world, bucket, asked, caller),
        "ListObjects" => s3_lists::objects(world, asked, false),
        "ListObjectsV2" => s3_lists::objects(world, asked, true),
        "ListObjectVersions" => s3_lists::versions(world, asked),
        "GetObjectTagging" => {
            let version = version(world, asked)?;
            let tags: Vec<Json> = version.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            Ok(answer("Tagging", &json!({"TagSet": {"Tag": tags}})))
        }
        "PutObjectTagging" | "DeleteObjectTagging" => put_tagging(world, asked, operation),
        _ => Err(Refusal::new("NotImplemented", format!("the sandbox does not know {operation}")).with_status(501)),
    }
}

fn record_key(asked: &Asked<'_>, key: &str) -> String {
    format!("{}/{key}", asked.bucket)
}

/// The objects of a bucket whose keys begin with `prefix`, in order.
pub fn with_prefix(world: &World, asked: &Asked<'_>, prefix: &str) -> Vec<(String, ObjectVersions)> {
    let skip = asked.bucket.len() + 1;
    let objects = world.list::<ObjectVersions>(OBJECTS, &record_key(asked, prefix)).into_iter();
    objects.map(|(place, object)| (place[skip..].to_owned(), object)).collect()
}

fn no_such_key() -> Refusal {
    Refusal::new("NoSuchKey", "The specified key does not exist.").with_status(404)
}

fn put(world: &mut World, bucket: &Bucket, asked: &Asked<'_>, caller: &Principal) -> Result<Response, Refusal> {
    let request = asked.request;
    if asked.key.len() > 1024 {
        return Err(Refusal::new("KeyTooLongError", "Your key is too long"));
    }
    let object: ObjectVersions = world.get(OBJECTS, &record_key(asked, &asked.key)).unwrap_or_default();
    let exists = object.versions.last().is_some_and(|latest| !latest.marker);
    if request.header("if-none-match") == Some("*") && exists {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(Refusal::new("PreconditionFailed", message).with_status(412));
    }
    check_size(request.body.len())?;
    let headers = described(world, bucket, asked, caller)?;
    let etag = format!("\"{}\"", hex(&Md5::digest(&request.body)));
    Ok(store(world, bucket, asked, &request.body, etag, headers, tags(asked)))
}

/// Largest object that the sandbox holds, since it keeps its world in memory and in one file. S3 holds more.
const LARGEST: usize = 64 << 20;

/// Refuses what is larger than the sandbox holds.
pub fn check_size(size: usize) -> Result<(), Refusal> {
    if size <= LARGEST {
        return Ok(());
    }
    let message = format!("The sandbox holds objects of up to {} MB.", LARGEST >> 20);
    Err(Refusal::new("EntityTooLarge", message))
}

/// The name of the header that says what an object is encrypted with.
pub const ENCRYPTION_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";

/// The headers that come back with an object that a request makes, if the caller may encrypt it.
pub fn described(
    world: &World,
    bucket: &Bucket,
    asked: &Asked<'_>,
    caller: &Principal,
) -> Result<BTreeMap<String, String>, Refusal> {
    let (encryption, key) = encryption(bucket, asked);
    if let Some(key) = &key {
        kms_access::check_use(world, caller, key, "kms:GenerateDataKey")?;
    }
    let kept = asked.request.headers.iter();
    let kept = kept.filter(|(name, _)| name.starts_with("x-amz-meta-") || KEPT_HEADERS.contains(&name.as_str()));
    let mut headers: BTreeMap<String, String> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    headers.entry("content-type".into()).or_insert_with(|| "binary/octet-stream".into());
    headers.insert("x-amz-server-side-encryption".into(), encryption);
    if let Some(key) = key {
        let arn = kms_access::denoted(world, &key).unwrap_or(key);
        headers.insert(ENCRYPTION_KEY.into(), arn);
    }
    Ok(headers)
}

/// The tags that a request gives an object.
pub fn tags(asked: &Asked<'_>) -> BTreeMap<String, String> {
    let tagging = asked.request.header("x-amz-tagging").unwrap_or_default();
    form_urlencoded::parse(tagging.as_bytes()).into_owned().collect()
}

/// Bytes as pairs of hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Makes a version of an object.
pub fn store(
    world: &mut World,
    bucket: &Bucket,
    asked: &Asked<'_>,
    body: &[u8],
    etag: String,
    headers: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
) -> Response {
    let mut object: ObjectVersions = world.get(OBJECTS, &record_key(asked, &asked.key)).unwrap_or_default();
    let enabled = bucket.versioning().as_deref() == Some("Enabled");
    let version = Version {
        id: if enabled { world.id(LOWER, 32) } else { "null".into() },
        marker: false,
        body: STANDARD.encode(body),
        size: body.len(),
        etag,
        modified: world.now(),
        headers,
        tags,
    };
    let mut response = Response::empty(200).with_header("etag", version.etag.as_str());
    for name in ["x-amz-server-side-encryption", ENCRYPTION_KEY] {
        if let Some(value) = version.headers.get(name) {
            response = response.with_header(name, value);
        }
    }
    if bucket.versioning().is_some() {
        response = response.with_header("x-amz-version-id", version.id.as_str());
    }
    object.versions.retain(|other| other.id != version.id);
    object.versions.push(version);
    world.put(OBJECTS, &record_key(asked, &asked.key), &object);
    response
}

/// The request's headers that come back with the object.
const KEPT_HEADERS: [&str; 5] =
    ["content-type", "cache-control", "content-disposition", "content-language", "x-amz-website-redirect-location"];

/// The encryption of an object: as the request says, else as the bucket does. Without a key it is AWS's own.
fn encryption(bucket: &Bucket, asked: &Asked<'_>) -> (String, Option<String>) {
    let header = asked.request.header("x-amz-server-side-encryption");
    let key = asked.request.header(ENCRYPTION_KEY).map(str::to_owned);
    match (header, bucket.default_key()) {
        (Some("aws:kms"), default) => ("aws:kms".into(), key.or(default)),
        (None, Some(default)) => ("aws:kms".into(), Some(default)),
        (Some(other), _) => (other.to_owned(), None),
        (None, None) => ("AES256".into(), None),
    }
}

fn version(world: &World, asked: &Asked<'_>) -> Result<Version, Refusal> {
    let object: ObjectVersions = world.get(OBJECTS, &record_key(asked, &asked.key)).ok_or_else(no_such_key)?;
    let wanted = asked.request.parameter("versionId");
    let found = match wanted {
        Some(id) => object.versions.into_iter().find(|version| version.id == id),
        None => object.versions.into_iter().last(),
    };
    match found {
        Some(version) if !version.marker => Ok(version),
        Some(_) if wanted.is_some() => {
            let message = "The specified method is not allowed against this resource.";
            Err(Refusal::new("MethodNotAllowed", message).with_status(405))
        }
        None if wanted.is_some() => {
            Err(Refusal::new("NoSuchVersion", "The specified version does not exist.").with_status(404))
        }
        _ => Err(no_such_key()),
    }
}

fn get(world: &World, asked: &Asked<'_>, caller: &Principal, with_body: bool) -> Result<Response, Refusal> {
    let version = version(world, asked)?;
    if with_body && let Some(key) = version.headers.get(ENCRYPTION_KEY) {
        kms_access::check_use(world, caller, key, "kms:Decrypt")?;
    }
    if asked.request.header("if-none-match").is_some_and(|etag| etag == version.etag) {
        return Ok(Response::empty(304).with_header("etag", version.etag));
    }
    let body = STANDARD.decode(&version.body).expect("bodies are kept in base64");
    let range = asked.request.header("range").and_then(|range| byte_range(range, body.len()));
    let mut response = Response::empty(if range.is_some() { 206 } else { 200 })
        .with_header("etag", version.etag.as_str())
        .with_header("last-modified", http_date(version.modified))
        .with_header("accept-ranges", "bytes");
    for (name, value) in &version.headers {
        response = response.with_header(name, value);
    }
    if version.id != "null" {
        response = response.with_header("x-amz-version-id", version.id.as_str());
    }
    if !version.tags.is_empty() {
        response = response.with_header("x-amz-tagging-count", version.tags.len().to_string());
    }
    if let Some((first, last)) = range {
        response = response.with_header("content-range", format!("bytes {first}-{last}/{}", body.len()));
    }
    let (first, end) = range.map_or((0, body.len()), |(first, last)| (first, last + 1));
    response = response.with_header("content-length", (end - first).to_string());
    Ok(if with_body { response.with_body(&body[first..end]) } else { response })
}

/// The first and last byte that `bytes=A-B` or `bytes=A-` means.
fn byte_range(header: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let last = if last.is_empty() { length } else { last.parse().ok()? };
    let last = last.min(length.checked_sub(1)?);
    (first <= last).then_some((first, last))
}

/// Deletes a key or one version of it: whether a delete marker was made or removed, and the version meant.
fn delete(world: &mut World, bucket: &Bucket, key: &str, wanted: Option<&str>) -> (bool, Option<String>) {
    let place = format!("{}/{key}", bucket.name);
    let mut object: ObjectVersions = world.get(OBJECTS, &place).unwrap_or_default();
    let outcome = match (wanted, bucket.versioning().as_deref()) {
        (Some(id), _) => {
            let marker = object.versions.iter().any(|version| version.id == id && version.marker);
            object.versions.retain(|version| version.id != id);
            (marker, Some(id.to_owned()))
        }
        (None, None) => {
            object.versions.clear();
            (false, None)
        }
        (None, Some(status)) => {
            let id = if status == "Enabled" { world.id(LOWER, 32) } else { "null".into() };
            object.versions.retain(|version| version.id != id);
            object.versions.push(Version {
                id: id.clone(),
                marker: true,
                body: String::new(),
                size: 0,
                etag: String::new(),
                modified: world.now(),
                headers: BTreeMap::new(),
                tags: BTreeMap::new(),
            });
            (true, Some(id))
        }
    };
    if object.versions.is_empty() {
        world.remove(OBJECTS, &place);
    } else {
        world.put(OBJECTS, &place, &object);
    }
    outcome
}

fn delete_many(world: &mut World, bucket: &Bucket, asked: &Asked<'_>, caller: &Principal) -> Result<Response, Refusal> {
    let malformed = || {
        Refusal::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let (root, content) = parse(&asked.request.body).ok_or_else(malformed)?;
    let objects = entries(content.get("Object"));
    // A request names 1,000 keys at most (S3 API reference, "DeleteObjects").
    if root != "Delete" || objects.is_empty() || objects.len() > 1000 {
        return Err(malformed());
    }
    let quiet = content.get("Quiet").and_then(Json::as_str) == Some("true");
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in objects {
        let key = object.get("Key").and_then(Json::as_str).ok_or_else(malformed)?;
        let version = object.get("VersionId").and_then(Json::as_str);
        let action = if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
        match s3_access::check_key(world, bucket, asked, key, action, caller) {
            Ok(()) => {
                let (marker, id) = delete(world, bucket, key, version);
                deleted.push(json!({
                    "Key": key,
                    "VersionId": version,
                    "DeleteMarker": marker.then_some(true),
                    "DeleteMarkerVersionId": id.filter(|_| marker),
                }));
            }
            Err(refusal) => {
                errors
                    .push(json!({"Key": key, "VersionId": version, "Code": refusal.code, "Message": refusal.message}));
            }
        }
    }
    Ok(answer("DeleteResult", &json!({"Deleted": if quiet { Vec::new() } else { deleted }, "Error": errors})))
}

fn put_tagging(world: &mut World, asked: &Asked<'_>, operation: &str) -> Result<Response, Refusal> {
    let wanted = version(world, asked)?.id;
    let place = record_key(asked, &asked.key);
    let mut object: ObjectVersions = world.get(OBJECTS, &place).ok_or_else(no_such_key)?;
    let content = parse(&asked.request.body).map(|(_, content)| content).unwrap_or_default();
    let tags = entries(content.pointer("/TagSet/Tag"))
        .into_iter()
        .filter_map(|tag| Some((tag.get("Key")?.as_str()?.to_owned(), tag.get("Value")?.as_str()?.to_owned())));
    let tags: BTreeMap<String, String> = tags.collect();
    for version in object.versions.iter_mut().filter(|version| version.id == wanted) {
        version.tags.clone_from(&tags);
    }
    world.put(OBJECTS, &place, &object);
    Ok(Response::empty(if operation == "PutObjectTagging" { 200 } else { 204 }))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::primitives::ByteStream;
    use aws_sdk_s3::types::{
        BucketVersioningStatus, Delete, ObjectIdentifier, ServerSideEncryption, VersioningConfiguration,
    };

    use super::*;
    use crate::core::front::SandboxOptions;
    use crate::core::testing::{code, seeded};

    async fn bucket(client: &Client, versioned: bool) {
        client.create_bucket().bucket("home").send().await.unwrap();
        if versioned {
            let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
            client.put_bucket_versioning().bucket("home").versioning_configuration(on).send().await.unwrap();
        }
    }

    #[tokio::test]
    async fn objects_live_through_the_sdk() {
        let client = Client::new(&seeded(SandboxOptions::default()).sdk_config().build());
        bucket(&client, false).await;
        let put = client.put_object().bucket("home").key("a b/ü.txt").body(ByteStream::from_static(b"hello"));
        let put = put.metadata("sha256", "abc").content_type("text/plain").send().await.unwrap();
        assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
        let get = client.get_object().bucket("home").key("a b/ü.txt").send().await.unwrap();
        assert_eq!((get.content_type(), get.content_length()), (Some("text/plain"), Some(5)));
        assert_eq!(get.metadata().unwrap()["sha256"], "abc");
        assert_eq!(get.body.collect().await.unwrap().to_vec(), b"hello");
        let head = client.head_object().bucket("home").key("a b/ü.txt").send().await.unwrap();
        assert_eq!(head.content_length(), Some(5));
        assert!(
            client
                .head_object()
                .bucket("home")
                .key("none")
                .send()
                .await
                .unwrap_err()
                .into_service_error()
                .is_not_found()
        );
        assert_eq!(code(client.get_object().bucket("home").key("none").send().await), "NoSuchKey");
        assert_eq!(code(client.delete_bucket().bucket("home").send().await), "BucketNotEmpty");
        client.delete_object().bucket("home").key("a b/ü.txt").send().await.unwrap();
        client.delete_bucket().bucket("home").send().await.unwrap();
        assert_eq!(code(client.list_objects_v2().bucket("home").send().await), "NoSuchBucket");
    }

    #[tokio::test]
    async fn a_streamed_file_arrives_whole() {
        let client = Client::new(&seeded(SandboxOptions::default()).sdk_config().build());
        bucket(&client, false).await;
        let content: Vec<u8> = (0..200_000_u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &content).unwrap();
        let body = ByteStream::from_path(file.path()).await.unwrap();
        client.put_object().bucket("home").key("file").body(body).send().await.unwrap();
        let get = client.get_object().bucket("home").key("file").send().await.unwrap();
        assert_eq!(get.body.collect().await.unwrap().to_vec(), content);
    }

    #[tokio::test]
    async fn versions_and_markers_are_kept_and_listed() {
        let client = Client::new(&seeded(SandboxOptions::default()).sdk_config().build());
        bucket(&client, true).await;
        for body in ["one", "two"] {
            let body = ByteStream::from(body.as_bytes().to_vec());
            client.put_object().bucket("home").key("k").body(body).send().await.unwrap();
        }
        assert_eq!(client.delete_object().bucket("home").key("k").send().await.unwrap().delete_marker(), Some(true));
        assert_eq!(code(client.get_object().bucket("home").key("k").send().await), "NoSuchKey");
        let listed = client.list_object_versions().bucket("home").max_keys(2).send().await.unwrap();
        assert_eq!((listed.delete_markers().len(), listed.versions().len(), listed.is_truncated()), (1, 1, Some(true)));
        let rest = client.list_object_versions().bucket("home").key_marker(listed.next_key_marker().unwrap());
        let rest = rest.version_id_marker(listed.next_version_id_marker().unwrap()).send().await.unwrap();
        assert_eq!((rest.delete_markers().len(), rest.versions().len(), rest.is_truncated()), (0, 1, Some(false)));
        let all = client.list_object_versions().bucket("home").send().await.unwrap();
        let versions = all.versions().iter().map(|version| version.version_id());
        let ids = versions.chain(all.delete_markers().iter().map(|marker| marker.version_id()));
        let doomed =
            ids.map(|id| ObjectIdentifier::builder().key("k").set_version_id(id.map(Into::into)).build().unwrap());
        let delete = Delete::builder().set_objects(Some(doomed.collect())).quiet(true).build().unwrap();
        let deleted = client.delete_objects().bucket("home").delete(delete).send().await.unwrap();
        assert_eq!((deleted.deleted().len(), deleted.errors().len()), (0, 0));
        client.delete_bucket().bucket("home").send().await.unwrap();
    }

    #[tokio::test]
    async fn lists_come_in_pages() {
        let client = Client::new(&seeded(SandboxOptions::default()).sdk_config().build());
        bucket(&client, false).await;
        for index in 0..7 {
            let key = format!("p/{index}");
            client.put_object().bucket("home").key(key).body(ByteStream::from_static(b"x")).send().await.unwrap();
        }
        let mut pages = client.list_objects_v2().bucket("home").prefix("p/").max_keys(3).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(page.unwrap().contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        }
        assert_eq!(keys, (0..7).map(|index| format!("p/{index}")).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_policy_is_enforced() {
        let sandbox = seeded(SandboxOptions::default());
        let config = sandbox.sdk_config().build();
        let client = Client::new(&config);
        bucket(&client, false).await;
        let policy = |statement: &Json| json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let unknown = policy(
            &json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/gone"}, "Action": "s3:*", "Resource": "arn:aws:s3:::home/*"}),
        );
        assert_eq!(code(client.put_bucket_policy().bucket("home").policy(unknown).send().await), "MalformedPolicy");
        let others = policy(&json!({
            "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["s3:PutObject*", "s3:GetObject*"],
            "Resource": "arn:aws:s3:::home/*",
            "Condition": {"ForAnyValue:StringNotLike": {"aws:userId": [], "aws:PrincipalArn": ["arn:aws:iam::123456789012:role/execution"]}},
        }));
        client.put_bucket_policy().bucket("home").policy(others).send().await.unwrap();
        let put =
            |client: &Client| client.put_object().bucket("home").key("k").body(ByteStream::from_static(b"x")).send();
        assert_eq!(code(put(&client).await), "AccessDenied");

        let sts = aws_sdk_sts::Client::new(&config);
        let assumed = sts.assume_role().role_arn("arn:aws:iam::123456789012:role/execution").role_session_name("me");
        let keys = assumed.send().await.unwrap().credentials.unwrap();
        let session = aws_credential_types::Credentials::new(
            keys.access_key_id,
            keys.secret_access_key,
            Some(keys.session_token),
            None,
            "test",
        );
        let own = aws_sdk_s3::config::Builder::from(&config).credentials_provider(session).build();
        let role = Client::from_conf(own);
        // The role is exempt from the denial and still needs a permission of its own.
        assert_eq!(code(put(&role).await), "AccessDenied");
        let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::home/*"}]}"#;
        let iam = aws_sdk_iam::Client::new(&config);
        iam.put_role_policy().role_name("execution").policy_name("p").policy_document(allow).send().await.unwrap();
        put(&role).await.unwrap();

        let kms = aws_sdk_kms::Client::new(&config);
        let key = kms.create_key().send().await.unwrap().key_metadata.unwrap();
        let encrypted = || {
            let put = role.put_object().bucket("home").key("k").body(ByteStream::from_static(b"x"));
            put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key.arn().unwrap()).send()
        };
        assert_eq!(code(encrypted().await), "AccessDenied");
        let allow = allow
            .replace("\"s3:PutObject\"", "[\"s3:PutObject\",\"kms:GenerateDataKey*\"]")
            .replace("\"arn:aws:s3:::home/*\"", "\"*\"");
        iam.put_role_policy().role_name("execution").policy_name("p").policy_document(allow).send().await.unwrap();
        assert_eq!(encrypted().await.unwrap().ssekms_key_id(), key.arn());
    }

    #[test]
    fn ranges_are_read() {
        for (header, expected) in [
            ("bytes=0-3", Some((0, 3))),
            ("bytes=2-", Some((2, 9))),
            ("bytes=5-100", Some((5, 9))),
            ("bytes=20-30", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(byte_range(header, 10), expected, "{header}");
        }
    }
}
