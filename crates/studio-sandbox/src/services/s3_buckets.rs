//! S3: buckets and their policies. Their other configuration is in `s3_configurations`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::s3::Asked;
use super::s3_access_lists;
use super::s3_configurations::{self, BLOCKED, OWNER_ENFORCED};
use super::s3_objects;
use crate::core::policy;
use crate::core::service::{check_tag, iso};
use crate::core::wire::{Refusal, Response};
use crate::core::world::World;
use crate::core::xml::{Lists, entries, parse, render};

/// Table of [`Bucket`], by name: one for all accounts.
pub const BUCKETS: &str = "s3/bucket";

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A bucket of S3, its objects aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// When it was made: virtual milliseconds.
    pub created: i64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The bucket policy, as sent.
    pub policy: Option<String>,
    /// The other configurations as XML, by their query parameter.
    pub configurations: BTreeMap<String, String>,
    /// The account that it belongs to, unless it is the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The region that it is in, unless it is the sandbox's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl Bucket {
    /// Its ARN, which names neither region nor account.
    pub fn arn(&self, world: &World) -> String {
        format!("arn:{}:s3:::{}", world.partition(), self.name)
    }

    /// The account that it belongs to.
    pub fn owner(&self, world: &World) -> String {
        self.owner.clone().unwrap_or_else(|| world.home())
    }

    /// `Enabled`, `Suspended`, or nothing when versioning was never on.
    pub fn versioning(&self) -> Option<String> {
        let (_, content) = parse(self.configurations.get("versioning")?.as_bytes())?;
        content.get("Status").and_then(Json::as_str).map(str::to_owned)
    }

    /// The key that objects are encrypted with unless the request says otherwise.
    pub fn default_key(&self) -> Option<String> {
        let (_, content) = parse(self.configurations.get("encryption")?.as_bytes())?;
        let rule = content.pointer("/Rule/ApplyServerSideEncryptionByDefault")?;
        rule.get("KMSMasterKeyID").and_then(Json::as_str).map(str::to_owned)
    }

    fn blocks_public_policy(&self) -> bool {
        let block = self.configurations.get("publicAccessBlock").and_then(|text| parse(text.as_bytes()));
        block.is_some_and(|(_, content)| content.get("BlockPublicPolicy").and_then(Json::as_str) == Some("true"))
    }
}

/// A document with S3's namespace.
pub fn document(root: &str, content: &str) -> String {
    format!("<{root} xmlns=\"{NAMESPACE}\">{content}</{root}>")
}

/// Makes a bucket as S3 does today, unless there is one.
pub fn seed(world: &mut World, name: &str) -> bool {
    if world.has(BUCKETS, name) {
        return false;
    }
    let configurations = [
        ("publicAccessBlock", document("PublicAccessBlockConfiguration", BLOCKED)),
        ("ownershipControls", document("OwnershipControls", OWNER_ENFORCED)),
    ];
    let bucket = Bucket {
        name: name.into(),
        created: world.now(),
        tags: BTreeMap::new(),
        policy: None,
        configurations: configurations.map(|(query, text)| (query.to_owned(), text)).into(),
        owner: Some(world.account()).filter(|account| *account != world.home()),
        region: None,
    };
    world.put(BUCKETS, name, &bucket);
    true
}

/// The region of the bucket of this name, whosever it is.
pub fn region(world: &World, name: &str) -> Option<String> {
    world.get::<Bucket>(BUCKETS, name).map(|bucket| bucket.region.unwrap_or_else(|| world.region()))
}

/// The bucket that a request is about, whosever it is.
pub fn find(world: &World, asked: &Asked<'_>) -> Result<Bucket, Refusal> {
    let missing = || Refusal::new("NoSuchBucket", "The specified bucket does not exist").with_status(404);
    let bucket: Bucket = world.get(BUCKETS, &asked.bucket).ok_or_else(missing)?;
    if asked.request.header("x-amz-expected-bucket-owner").is_some_and(|owner| owner != bucket.owner(world)) {
        return Err(Refusal::new("AccessDenied", "Access Denied").with_status(403));
    }
    Ok(bucket)
}

/// The buckets that the account has.
pub fn own(world: &World) -> impl Iterator<Item = (String, Bucket)> {
    let account = world.account();
    world.list::<Bucket>(BUCKETS, "").into_iter().filter(move |(_, bucket)| bucket.owner(world) == account)
}

fn xml_response(root: &str, content: &Json) -> Response {
    let body = render(root, content, Lists::Flat);
    let named = body.replacen(&format!("<{root}>"), &format!("<{root} xmlns=\"{NAMESPACE}\">"), 1);
    Response::xml(200, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{named}"))
        .with_header("content-type", "application/xml")
}

/// Answers with a document.
pub fn answer(root: &str, content: &Json) -> Response {
    let mut response = xml_response(root, content);
    response.headers.dedup_by(|second, first| second.0 == first.0);
    response
}

/// The body is not the document that was expected.
pub fn malformed() -> Refusal {
    Refusal::new(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// Answers `ListBuckets`: those of the caller's account.
pub fn list(world: &World) -> Result<Response, Refusal> {
    let buckets: Vec<Json> =
        own(world).map(|(name, bucket)| json!({"Name": name, "CreationDate": iso(bucket.created)})).collect();
    let owner = json!({"ID": "0".repeat(64)});
    Ok(answer("ListAllMyBucketsResult", &json!({"Owner": owner, "Buckets": {"Bucket": buckets}})))
}

/// Answers `CreateBucket`; names are one space for all accounts.
pub fn create(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let (name, region) = (asked.bucket.as_str(), world.region());
    check_name(name)?;
    let content = match asked.request.body.is_empty() {
        true => json!({}),
        false => {
            parse(&asked.request.body).filter(|(root, _)| root == "CreateBucketConfiguration").ok_or_else(malformed)?.1
        }
    };
    let location = content.get("LocationConstraint").and_then(Json::as_str).filter(|location| !location.is_empty());
    let illegal = |asked: &str| {
        let message = format!(
            "The {asked} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        Err(Refusal::new("IllegalLocationConstraintException", message))
    };
    match location {
        // The first region is the only one without a constraint, and refuses its own name as one.
        None if region != "us-east-1" => return illegal("unspecified"),
        Some("us-east-1") => {
            return Err(Refusal::new("InvalidLocationConstraint", "The specified location-constraint is not valid"));
        }
        Some(location) if location != region => return illegal(location),
        _ => (),
    }
    if let Some(bucket) = world.get::<Bucket>(BUCKETS, name) {
        let (code, message) = if bucket.owner(world) == world.account() {
            (
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
        } else {
            let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                           system. Please select a different name and try again.";
            ("BucketAlreadyExists", message)
        };
        return Err(Refusal::new(code, message).with_status(409));
    }
    let tags = tags(content.pointer("/Tags/Tag"), &BTreeMap::new())?;
    seed(world, name);
    if !tags.is_empty()
        && let Some(bucket) = world.get::<Bucket>(BUCKETS, name)
    {
        world.put(BUCKETS, name, &Bucket { tags, ..bucket });
    }
    Ok(Response::empty(200).with_header("location", format!("/{name}")))
}

/// 3 to 63 lower-case letters, digits, dots and hyphens (S3 user guide, "General purpose bucket naming rules").
fn check_name(name: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if (3..=63).contains(&name.len())
        && name.chars().all(valid)
        && name.starts_with(ends)
        && name.ends_with(ends)
        && !name.contains("..")
        && !name.starts_with("xn--")
    {
        return Ok(());
    }
    Err(Refusal::new("InvalidBucketName", "The specified bucket is not valid."))
}

/// Reads a list of tags that takes the place of `before`: AWS's own have to come back as they are, and no other may come.
///
/// Source: https://github.com/hashicorp/terraform-provider-aws/issues/7323 and
/// https://github.com/cloud-custodian/cloud-custodian/pull/2861.
pub fn tags(list: Option<&Json>, before: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    let invalid = |message: String| Refusal::new("InvalidTag", message);
    let mut tags = BTreeMap::new();
    for tag in entries(list) {
        let text = |name: &str| tag.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (key, value) = (text("Key"), text("Value"));
        let is_of_aws = key.to_ascii_lowercase().starts_with("aws:");
        if is_of_aws && before.get(&key) != Some(&value) {
            return Err(invalid("System tags cannot be added/updated by requester".into()));
        }
        let checked = if is_of_aws { Ok(()) } else { check_tag(&key, &value) };
        checked.map_err(|_| invalid(format!("The TagValue you have provided is invalid: {key}")))?;
        if tags.insert(key, value).is_some() {
            return Err(invalid("Cannot provide multiple Tags with the same key".into()));
        }
    }
    if before.keys().any(|key| key.starts_with("aws:") && !tags.contains_key(key)) {
        return Err(invalid("System tags cannot be removed by requester".into()));
    }
    // AWS's own do not count (Tagging AWS resources user guide, "Tag naming limits and requirements").
    if tags.keys().filter(|key| !key.starts_with("aws:")).count() > 50 {
        return Err(Refusal::new("BadRequest", "Bucket tag count cannot be greater than 50"));
    }
    Ok(tags)
}

/// A bucket's tags as the document that holds them.
pub fn tagging(bucket: &Bucket) -> String {
    let set: Vec<Json> = bucket.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    document("Tagging", &render("TagSet", &json!({"Tag": set}), Lists::Flat))
}

/// Answers an operation on a bucket that exists.
pub fn handle(world: &mut World, bucket: Bucket, asked: &Asked<'_>, operation: &str) -> Result<Response, Refusal> {
    match operation {
        "HeadBucket" => Ok(Response::empty(200).with_header("x-amz-bucket-region", world.region())),
        "DeleteBucket" => delete(world, &bucket),
        // Objects come in one piece here, so no upload is ever half done.
        "GetBucketLocation" => Ok(location(&world.region())),
        "GetBucketPolicy" => match &bucket.policy {
            Some(policy) => {
                Ok(Response::empty(200).with_header("content-type", "application/json").with_body(policy.as_str()))
            }
            None => Err(no_policy()),
        },
        "PutBucketPolicy" => put_policy(world, bucket, asked),
        "DeleteBucketPolicy" => {
            world.put(BUCKETS, &asked.bucket, &Bucket { policy: None, ..bucket });
            Ok(Response::empty(204))
        }
        "GetBucketPolicyStatus" => match &bucket.policy {
            Some(policy) => Ok(answer("PolicyStatus", &json!({"IsPublic": is_public(policy)}))),
            None => Err(no_policy()),
        },
        "GetBucketAcl" => Ok(s3_access_lists::get(&bucket)),
        "PutBucketAcl" => s3_access_lists::put(world, bucket, asked),
        _ => s3_configurations::handle(world, bucket, asked, operation),
    }
}

fn no_policy() -> Refusal {
    Refusal::new("NoSuchBucketPolicy", "The bucket policy does not exist").with_status(404)
}

/// The first region has no constraint and says so with an empty document.
fn location(region: &str) -> Response {
    let region = if region == "us-east-1" { "" } else { region };
    answer("LocationConstraint", &json!(region))
}

fn delete(world: &mut World, bucket: &Bucket) -> Result<Response, Refusal> {
    if s3_objects::any(world, &bucket.name) {
        let message = if bucket.versioning().is_some() {
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        } else {
            "The bucket you tried to delete is not empty"
        };
        return Err(Refusal::new("BucketNotEmpty", message).with_status(409));
    }
    world.remove(BUCKETS, &bucket.name);
    Ok(Response::empty(204))
}

/// Returns `true` if a policy lets anybody in: it allows everybody something without a condition.
fn is_public(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Json>(text) else { return false };
    let statements = entries(document.get("Statement"));
    statements.into_iter().any(|statement| {
        let principal = statement.get("Principal");
        let everybody = |json: Option<&Json>| entries(json).iter().any(|name| name.as_str() == Some("*"));
        statement.get("Effect").and_then(Json::as_str) == Some("Allow")
            && statement.get("Condition").is_none()
            && (everybody(principal) || everybody(principal.and_then(|principal| principal.get("AWS"))))
    })
}

fn put_policy(world: &mut World, bucket: Bucket, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let malformed = |message: String| Refusal::new("MalformedPolicy", message);
    let text =
        String::from_utf8(asked.request.body.clone()).map_err(|_| malformed("the policy is not UTF-8".into()))?;
    // S3 user guide, "Bucket policies for Amazon S3": 20 KB.
    if text.len() > 20 * 1024 {
        return Err(malformed("Normalized policy document exceeds the maximum allowed size of 20480 bytes.".into()));
    }
    let document = policy::parse(&text, true).map_err(malformed)?;
    if let Some(principal) = policy::unknown_principal(world, &document, false) {
        return Err(malformed(format!("Invalid principal in policy: \"AWS\" : \"{principal}\"")));
    }
    let arn = bucket.arn(world);
    for statement in entries(document.get("Statement")) {
        for resource in entries(statement.get("Resource")).into_iter().filter_map(Json::as_str) {
            let own = resource == "*"
                || resource == arn
                || resource.strip_prefix(&arn).is_some_and(|rest| rest.starts_with('/'));
            if !own {
                return Err(malformed("Policy has invalid resource".into()));
            }
        }
    }
    if bucket.blocks_public_policy() && is_public(&text) {
        let message = format!(
            "User is not authorized to perform: s3:PutBucketPolicy on resource: \"{arn}\" because public policies are \
             blocked by the BlockPublicPolicy block public access setting."
        );
        return Err(Refusal::new("AccessDenied", message).with_status(403));
    }
    world.put(BUCKETS, &asked.bucket, &Bucket { policy: Some(text), ..bucket });
    Ok(Response::empty(204))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::types::{
        BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration, ServerSideEncryption,
        ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    };

    use super::*;
    use crate::core::front::{Sandbox, SandboxOptions};
    use crate::core::seed::Seed;
    use crate::core::testing::{code, seeded};

    #[tokio::test]
    async fn configurations_read_back_through_the_sdk() {
        let client = Client::new(&seeded(SandboxOptions::default()).sdk_config().build());
        client.create_bucket().bucket("home").send().await.unwrap();
        assert_eq!(code(client.create_bucket().bucket("home").send().await), "BucketAlreadyOwnedByYou");
        assert_eq!(code(client.get_bucket_tagging().bucket("home").send().await), "NoSuchTagSet");
        let tag = Tag::builder().key("a").value("1 + 2").build().unwrap();
        let tagging = Tagging::builder().tag_set(tag.clone()).build().unwrap();
        client.put_bucket_tagging().bucket("home").tagging(tagging).send().await.unwrap();
        assert_eq!(client.get_bucket_tagging().bucket("home").send().await.unwrap().tag_set(), [tag]);

        let algorithm = |answer: aws_sdk_s3::operation::get_bucket_encryption::GetBucketEncryptionOutput| {
            let rule = answer.server_side_encryption_configuration.unwrap().rules.remove(0);
            rule.apply_server_side_encryption_by_default.unwrap()
        };
        let before = client.get_bucket_encryption().bucket("home").send().await.unwrap();
        assert_eq!(algorithm(before).sse_algorithm, ServerSideEncryption::Aes256);
        let kms = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
        let kms = kms.kms_master_key_id("arn:aws:kms:us-east-1:123456789012:key/k").build().unwrap();
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(kms.clone()).build();
        let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
        let put = client.put_bucket_encryption().bucket("home").server_side_encryption_configuration(configuration);
        put.send().await.unwrap();
        assert_eq!(algorithm(client.get_bucket_encryption().bucket("home").send().await.unwrap()), kms);

        let block = PublicAccessBlockConfiguration::builder().block_public_acls(true).build();
        let put = client.put_public_access_block().bucket("home").public_access_block_configuration(block.clone());
        put.send().await.unwrap();
        let read = client.get_public_access_block().bucket("home").send().await.unwrap();
        assert_eq!(
            read.public_access_block_configuration().and_then(PublicAccessBlockConfiguration::block_public_acls),
            Some(true)
        );
        client.delete_public_access_block().bucket("home").send().await.unwrap();
        let gone = client.get_public_access_block().bucket("home").send().await;
        assert_eq!(code(gone), "NoSuchPublicAccessBlockConfiguration");
        assert_eq!(code(client.get_bucket_policy().bucket("home").send().await), "NoSuchBucketPolicy");
        assert_eq!(client.list_buckets().send().await.unwrap().buckets()[0].name(), Some("home"));
        client.get_bucket_acl().bucket("home").send().await.unwrap();
        assert_eq!(client.get_bucket_versioning().bucket("home").send().await.unwrap().status(), None);
        client.get_bucket_location().bucket("home").send().await.unwrap();
    }

    #[tokio::test]
    async fn names_and_places_are_checked() {
        let sandbox = Sandbox::in_memory();
        sandbox.found("123456789012", "eu-west-1").unwrap();
        let theirs = Seed { buckets: vec!["theirs".into()], ..Seed::default() };
        let others = [("999988887777".to_owned(), theirs)].into();
        sandbox.seed(&Seed { others, ..Seed::default() }).unwrap();
        let client = Client::new(&sandbox.sdk_config().build());
        for (name, place, expected) in [
            ("theirs", Some("eu-west-1"), "BucketAlreadyExists"),
            ("mine", None, "IllegalLocationConstraintException"),
            ("mine", Some("eu-central-1"), "IllegalLocationConstraintException"),
            ("mine", Some("eu-west-1"), "nothing was refused"),
        ] {
            let place = place.map(|place| {
                CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(place)).build()
            });
            let create = client.create_bucket().bucket(name).set_create_bucket_configuration(place);
            assert_eq!(code(create.send().await), expected, "{name}");
        }
        let status = |error: aws_sdk_s3::error::SdkError<_>| error.raw_response().map(|raw| raw.status().as_u16());
        assert_eq!(status(client.head_bucket().bucket("theirs").send().await.unwrap_err()), Some(403));
        assert_eq!(status(client.head_bucket().bucket("nobodys").send().await.unwrap_err()), Some(404));
        let names = client.list_buckets().send().await.unwrap();
        assert_eq!(names.buckets().iter().filter_map(|bucket| bucket.name()).collect::<Vec<_>>(), ["mine"]);
        // With a policy that lets the account in, another's bucket answers; it says whose it is when asked to.
        let policy = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:*",
            "Resource": ["arn:aws:s3:::theirs", "arn:aws:s3:::theirs/*"]}});
        sandbox
            .with_world(|world| {
                let bucket: Bucket = world.get(BUCKETS, "theirs").unwrap();
                world.put(BUCKETS, "theirs", &Bucket { policy: Some(policy.to_string()), ..bucket });
            })
            .unwrap();
        client.head_bucket().bucket("theirs").send().await.unwrap();
        let head = |owner: &str| client.head_bucket().bucket("theirs").expected_bucket_owner(owner).send();
        assert_eq!(status(head("123456789012").await.unwrap_err()), Some(403));
        head("999988887777").await.unwrap();
        for (name, expected) in [("ab", false), ("a_b", false), ("-ab", false), ("a.b-1", true), ("a..b", false)] {
            assert_eq!(check_name(name).is_ok(), expected, "{name}");
        }
    }
}
