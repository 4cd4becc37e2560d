//! The sharing bucket with its policy, made unless the config names a bucket.
//!
//! Identity: its name, which is unique in the whole world. The name is immutable. Destroy keeps it with its objects and
//! its policy; only an explicit choice deletes it with everything in it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_bucket_versioning::GetBucketVersioningOutput;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, EncodingType,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tagging, VersioningConfiguration,
};

use super::permissions::{Grant, LOOK, MAKE, REMOVE, Scope};
use super::policy::{Statement, document, same};
use super::{Desired, Resource, View, asset_role, bucket_watch, execution_role, kms_key, ownership, policy};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::aws::error::failed;
use crate::aws::{Account, given_bucket, not_ours, object_keys, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::hint::Hint;
use crate::model::{Address, Found, Kind, Node, Observed, Owner, Path, Text, Value};
use crate::plan::{Change, Removal, Retention, Rules, Watched};

/// The kind.
#[derive(Debug)]
pub struct BucketResource;

/// Its only address.
pub fn address() -> Address {
    Address::new(Kind::Bucket, "sharing")
}

/// The name of the bucket, made or given.
pub fn name(desired: &Desired) -> Text {
    match &desired.config.domain.domain_bucket {
        Some(given) => given.domain_bucket_name.as_str().into(),
        None => Text::output(address(), "BucketName"),
    }
}

/// The name of the bucket as it will be: it follows from the deployment, and lifecycle scripts are named by their text.
pub fn name_text(desired: &Desired) -> &str {
    match &desired.config.domain.domain_bucket {
        Some(given) => &given.domain_bucket_name,
        None => &desired.names.bucket,
    }
}

/// The ARN of the bucket, made or given.
pub fn arn(desired: &Desired) -> Text {
    match &desired.config.domain.domain_bucket {
        Some(given) => format!("arn:{}:s3:::{}", desired.deployment.partition, given.domain_bucket_name).into(),
        None => Text::output(address(), "Arn"),
    }
}

impl Rules for BucketResource {
    fn same(&self, _path: &Path, desired: &Value, live: &Value) -> bool {
        same(desired, live)
    }

    fn watch(&self, observed: &Observed, _node: Option<&Node>) -> Vec<Watched> {
        bucket_watch::watch(observed)
    }

    fn removal(&self, observed: &Observed, retention: &Retention) -> Removal {
        if retention.delete_bucket == Some(true) {
            let loses = format!("{} goes, and every version of all that is shared in it for good", observed.id);
            return Removal::Asked { loses };
        }
        Removal::Retain {
            why: format!("{} holds shared notebooks, and every version of them", observed.id),
            drops: Vec::new(),
            later: Some(Hint::new("destroy", ["--bucket", "delete"])),
        }
    }
}

#[async_trait(?Send)]
impl Resource for BucketResource {
    fn kind(&self) -> Kind {
        Kind::Bucket
    }

    /// By name: tags of a bucket count only where attribute-based access control was switched on for it (S3 API reference,
    /// `CreateBucketConfiguration`), and a bucket's name is unique in the whole world.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let bucket = || [scope.s3_arn(&scope.names.bucket)];
        let objects = || [scope.s3_arn(&format!("{}/*", scope.names.bucket))];
        let looks = [
            "s3:ListBucket",
            "s3:GetBucketTagging",
            "s3:GetEncryptionConfiguration",
            "s3:GetBucketVersioning",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketPolicy",
            "s3:GetLifecycleConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketWebsite",
            "s3:GetReplicationConfiguration",
            "s3:GetBucketCORS",
        ];
        let mut grants = vec![
            // Tells a bucket of another account from one of ours that may not be looked into.
            Grant::anywhere(LOOK, &["s3:ListAllMyBuckets"]),
            Grant::new(LOOK, &looks, bucket()),
        ];
        if scope.makes_bucket() {
            let writes = [
                "s3:CreateBucket",
                // What CreateBucket needs to take tags (the same reference); PutBucketTagging has a permission of its own.
                "s3:TagResource",
                "s3:PutBucketTagging",
                "s3:PutEncryptionConfiguration",
                "s3:PutBucketVersioning",
                "s3:PutBucketPolicy",
                // What an apply takes back that is told to.
                "s3:PutLifecycleConfiguration",
                "s3:PutBucketAcl",
                "s3:PutBucketOwnershipControls",
                "s3:DeleteBucketWebsite",
                "s3:PutReplicationConfiguration",
                "s3:PutBucketCORS",
            ];
            grants.push(Grant::new(MAKE, &writes, bucket()));
            if !scope.public_access_block_external {
                grants.push(Grant::new(MAKE, &["s3:PutBucketPublicAccessBlock"], bucket()));
            }
        }
        grants.push(Grant::new(
            REMOVE,
            &["s3:ListBucketVersions", "s3:DeleteBucketPolicy", "s3:DeleteBucket"],
            bucket(),
        ));
        grants.push(Grant::new(REMOVE, &["s3:DeleteObjectVersion"], objects()));
        grants
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        if desired.config.domain.domain_bucket.is_some() {
            return Vec::new();
        }
        let encryption = Value::from_iter([
            ("SSEAlgorithm", Value::from("aws:kms")),
            ("KMSMasterKeyID", Value::Text(kms_key::arn(desired))),
            ("BucketKeyEnabled", Value::from(true)),
        ]);
        let mut properties = Value::from_iter([
            ("BucketName", Value::from(desired.names.bucket.as_str())),
            ("Encryption", encryption),
            ("Versioning", Value::from("Enabled")),
            ("Policy", access(desired)),
            ("Tags", desired.tags(&address())),
        ]);
        if !desired.flags.public_access_block_external {
            let flags = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
            properties.set("PublicAccessBlock", flags.into_iter().map(|flag| (flag, true)).collect::<Value>());
        }
        let mut node = Node::new(address(), properties);
        let sources = [
            (Path::default(), ["domain"].as_slice()),
            (Path::of(["Policy"]), &["domain", "dataAdminRoles"]),
            (Path::of(["Encryption"]), &["domain", "kmsKeyArn"]),
        ];
        node.sources.extend(sources.into_iter().filter_map(|(path, keys)| Some((path, desired.source(keys)?))));
        let statements = Path::of(["Policy", "Statement"]);
        for (at, statement) in node.properties.at(&statements).map(Value::items).unwrap_or_default().iter().enumerate()
        {
            let sharing = statement
                .text("Sid")
                .is_some_and(|sid| sid.starts_with(&desired.config.domain.notebook_sharing_prefix));
            let prefix = if sharing { "notebookSharingPrefix" } else { "assetPrefix" };
            for (member, key) in
                [("Condition", "dataAdminRoles"), ("Principal", "defaultExecutionRole"), ("Resource", prefix)]
            {
                let path = Path::of(["Policy", "Statement", &at.to_string(), member]);
                node.sources.extend(desired.source(&["domain", key]).map(|source| (path, source)));
            }
        }
        vec![node]
    }

    async fn observe(&self, account: &Account, _view: View<'_>) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![(address(), find(account).await?)])
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let name = node.properties.text("BucketName").unwrap_or_default();
        // The tags go with the create call, so that a crash right after it leaves a bucket that is ours.
        let tags = ownership::of(&node.properties);
        let mut configuration = CreateBucketConfiguration::builder().set_tags(Some(tags::list(&tags)));
        // us-east-1 is the one region that must not be named (S3 API reference, CreateBucket).
        if account.deployment.region != "us-east-1" {
            configuration =
                configuration.location_constraint(BucketLocationConstraint::from(account.deployment.region.as_str()));
        }
        let create = account.s3.create_bucket().bucket(name).create_bucket_configuration(configuration.build());
        let is_made = match create.send().await.map_err(|e| failed("CreateBucket", e)) {
            Ok(_) => true,
            // Our own attempt whose answer was lost, or somebody else's: its tags tell.
            Err(error) if error.is("BucketAlreadyOwnedByYou") => false,
            Err(error) => return Err(error),
        };
        let live = live_tags(account, name).await?;
        if let Some(owner) = ownership::owner_in(account, &live).await? {
            // In the first region S3 answers "made" for a bucket that is there already.
            if !is_made || !live.is_empty() {
                return Err(not_ours(&node.address, &Found::Foreign { owner, observed: None }));
            }
            // An older S3 (or a stand-in for it) that does not take tags with the create call.
            put_tags(account, name, &tags).await?;
        }
        settle(account, node, |_| true).await?;
        again(account, node).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let (write, remove) = ownership::difference(&node.properties, changes);
        if !write.is_empty() || !remove.is_empty() {
            // PutBucketTagging replaces all tags, and S3 refuses one that leaves out AWS's own: they go back as they are.
            // Source: https://github.com/cloud-custodian/cloud-custodian/pull/2861.
            let mut tags = live_tags(account, &observed.id).await?;
            tags.retain(|key, _| !remove.contains(key));
            tags.extend(write);
            put_tags(account, &observed.id, &tags).await?;
        }
        settle(account, node, |key| changes.iter().any(|change| change.path.0[0] == key)).await?;
        Box::pin(bucket_watch::take_back(account, &observed.id, changes)).await?;
        again(account, node).await
    }

    async fn delete(&self, account: &Account, _address: &Address, observed: &Observed) -> Result<Deleted, CloudError> {
        let name = &observed.id;
        // The bucket's own policy denies deleting objects to everybody but its roles.
        let policy = account.s3.delete_bucket_policy().bucket(name);
        match policy.send().await.map_err(|e| failed("DeleteBucketPolicy", e)) {
            Err(error) if error.is("NoSuchBucket") => return Ok(Deleted::Gone),
            other => other.map(drop)?,
        }
        empty(account, name).await?;
        match account.s3.delete_bucket().bucket(name).send().await.map_err(|e| failed("DeleteBucket", e)) {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(Deleted::Gone),
        }
    }
}

/// The bucket's policy: MDAA's, statement by statement.
fn access(desired: &Desired) -> Value {
    let config = &desired.config.domain;
    // Its own ARN is no output that it could wait for.
    let bucket = || Text::literal(format!("arn:{}:s3:::{}", desired.deployment.partition, desired.names.bucket));
    let objects = || bucket().then("/*");
    let execution = || execution_role::arn(desired);
    let assets = || asset_role::arn(desired).unwrap_or_default();
    let admins: Vec<Text> = desired.roles.data_admins.iter().map(|id| Text::literal(format!("{id}:*"))).collect();
    let everybody = || vec![Text::literal("*")];
    let below = |prefix: &str| {
        let prefix = prefix.strip_prefix('/').unwrap_or(prefix);
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        bucket().then(format!("/{prefix}/*"))
    };
    let read_write = ["s3:GetObject*", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject"];
    let [sharing, asset] = [&config.notebook_sharing_prefix, &config.asset_prefix];
    let mut statements = vec![
        Statement::deny(&["s3:*"]).by(everybody()).on(vec![bucket(), objects()]).when_plain(
            "Bool",
            "aws:SecureTransport",
            "false".into(),
        ),
        Statement::deny(&["s3:PutObject"]).sid("DenyAES").by(everybody()).on(vec![objects()]).when_plain(
            "StringEquals",
            "s3:x-amz-server-side-encryption",
            "AES256".into(),
        ),
        Statement::deny(&["s3:PutObject"]).sid("ForceKMS").by(everybody()).on(vec![objects()]).when_plain(
            "StringNotLikeIfExists",
            "s3:x-amz-server-side-encryption-aws-kms-key-id",
            kms_key::arn(desired),
        ),
    ];
    if !admins.is_empty() {
        let actions =
            ["s3:GetObject*", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:DeleteObjectVersion"];
        statements.push(Statement::allow(&actions).sid("/_ReadWriteSuper").by(everybody()).on(vec![objects()]).when(
            "StringLike",
            "aws:userId",
            admins.clone(),
        ));
    }
    statements.extend([
        Statement::allow(&read_write)
            .sid(&format!("{sharing}_ReadWrite"))
            .by(vec![execution()])
            .on(vec![below(sharing)]),
        Statement::allow(&["s3:GetObject*"]).sid(&format!("{asset}_Read")).by(vec![execution()]).on(vec![below(asset)]),
        Statement::allow(&read_write).sid(&format!("{asset}_ReadWrite")).by(vec![assets()]).on(vec![below(asset)]),
        Statement::deny(&["s3:PutObject*", "s3:GetObject*", "s3:DeleteObject*"])
            .sid("BucketDeny")
            .by(everybody())
            .on(vec![objects()])
            .when("ForAnyValue:StringNotLike", "aws:userId", admins.clone())
            .when("ForAnyValue:StringNotLike", "aws:PrincipalArn", vec![execution(), assets()]),
        Statement::allow(&["s3:List*", "s3:GetBucket*"])
            .sid("BucketAllow")
            .by(everybody())
            .on(vec![objects(), bucket()])
            .when("StringLike", "aws:userId", admins),
        Statement::allow(&["s3:List*", "s3:GetBucket*"]).by(vec![assets(), execution()]).on(vec![bucket()]),
    ]);
    document(statements)
}

async fn find(account: &Account) -> Result<Found, CloudError> {
    let name = &account.names.bucket;
    let head = account.s3.head_bucket().bucket(name).send().await;
    let region = head.as_ref().err().and_then(|error| error.raw_response().and_then(given_bucket::region_of));
    if let Some(there) = region.clone().filter(|there| *there != account.deployment.region) {
        return Ok(Found::Foreign { owner: Owner::Elsewhere(there), observed: None });
    }
    match head.map_err(|e| failed("HeadBucket", e)) {
        Ok(_) => {}
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        // S3 answers 403 for a bucket of another account, and for our own without permission.
        Err(error) if error.kind == ErrorKind::Denied && region.is_some() && !is_in_account(account, name).await? => {
            return Ok(Found::Foreign { owner: Owner::Account, observed: None });
        }
        Err(error) => return Err(error),
    }
    let s3 = &account.s3;
    let (watched, tags, encryption, versioning, block, policy) = tokio::join!(
        Box::pin(bucket_watch::look_at(account, name)),
        live_tags(account, name),
        s3.get_bucket_encryption().bucket(name).send(),
        s3.get_bucket_versioning().bucket(name).send(),
        s3.get_public_access_block().bucket(name).send(),
        s3.get_bucket_policy().bucket(name).send(),
    );
    let mut properties = Value::from_iter([("BucketName", Value::from(name.as_str()))]);
    properties.set("Tags", ownership::property(&tags?));
    if let Some(answer) = unless_absent(encryption.map_err(|e| failed("GetBucketEncryption", e)))? {
        let rule = answer.server_side_encryption_configuration().and_then(|rules| rules.rules().first());
        if let Some((rule, by)) = rule.and_then(|rule| Some((rule, rule.apply_server_side_encryption_by_default()?))) {
            let mut encryption = Value::from_iter([
                ("SSEAlgorithm", Value::from(by.sse_algorithm().as_str())),
                ("BucketKeyEnabled", Value::from(rule.bucket_key_enabled().unwrap_or_default())),
            ]);
            if let Some(key) = by.kms_master_key_id() {
                encryption.set("KMSMasterKeyID", key);
            }
            properties.set("Encryption", encryption);
        }
    }
    if let Some(status) = versioning_status(versioning)? {
        properties.set("Versioning", status);
    }
    if let Some(answer) = unless_absent(block.map_err(|e| failed("GetPublicAccessBlock", e)))?
        && let Some(block) = answer.public_access_block_configuration()
    {
        let flags = [
            ("BlockPublicAcls", block.block_public_acls()),
            ("BlockPublicPolicy", block.block_public_policy()),
            ("IgnorePublicAcls", block.ignore_public_acls()),
            ("RestrictPublicBuckets", block.restrict_public_buckets()),
        ];
        let flags = flags.into_iter().map(|(key, flag)| (key, flag.unwrap_or_default()));
        properties.set("PublicAccessBlock", flags.collect::<Value>());
    }
    if let Some(answer) = unless_absent(policy.map_err(|e| failed("GetBucketPolicy", e)))? {
        properties.set("Policy", policy::parse(answer.policy().unwrap_or_default()));
    }
    let (watched, unwatched) = watched?;
    for (key, value) in watched {
        properties.set(key, value);
    }
    let arn = format!("arn:{}:s3:::{name}", account.deployment.partition);
    let mut observed = Observed::new(name, properties).output("Arn", arn).output("BucketName", name);
    observed.unwatched = unwatched;
    ownership::judge(account, observed).await
}

/// Whether the account has a bucket of this name, which it may not look into.
async fn is_in_account(account: &Account, name: &str) -> Result<bool, CloudError> {
    let buckets = account.s3.list_buckets().prefix(name).into_paginator().items().send().try_collect().await;
    let buckets = buckets.map_err(|e| failed("ListBuckets", e))?;
    Ok(buckets.iter().any(|bucket| bucket.name() == Some(name)))
}

/// Whether versioning is on, in S3's word. Some stand-ins for S3 (moto 5.2) name the root of this one answer otherwise;
/// botocore does not look at its name, and so neither does this.
fn versioning_status<E>(
    answer: Result<GetBucketVersioningOutput, SdkError<E, HttpResponse>>,
) -> Result<Option<String>, CloudError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let error = match answer {
        Ok(answer) => return Ok(answer.status().map(|status| status.as_str().to_owned())),
        Err(error) => error,
    };
    let body =
        error.raw_response().filter(|answer| answer.status().is_success()).and_then(|answer| answer.body().bytes());
    match body.and_then(|body| std::str::from_utf8(body).ok()?.split_once("<Status>")?.1.split_once('<')) {
        Some((status, _)) => Ok(Some(status.to_owned())),
        None => Err(failed("GetBucketVersioning", error)),
    }
}

async fn live_tags(account: &Account, name: &str) -> Result<BTreeMap<String, String>, CloudError> {
    let tags = account.s3.get_bucket_tagging().bucket(name).send().await;
    let tags = unless_absent(tags.map_err(|e| failed("GetBucketTagging", e)))?;
    Ok(tags::by_key(tags.iter().flat_map(|answer| answer.tag_set())))
}

fn unless_absent<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes those settings whose key `wanted` names. The policy is last: it shuts everybody else out.
async fn settle(account: &Account, node: &Node, wanted: impl Fn(&str) -> bool) -> Result<(), CloudError> {
    let name = node.properties.text("BucketName").unwrap_or_default();
    let invalid = |error: aws_smithy_types::error::operation::BuildError| {
        CloudError::new(ErrorKind::Invalid, "PutBucket…", error.to_string())
    };
    if wanted("PublicAccessBlock") && node.properties.get("PublicAccessBlock").is_some() {
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .block_public_policy(true)
            .ignore_public_acls(true)
            .restrict_public_buckets(true)
            .build();
        let put = account.s3.put_public_access_block().bucket(name).public_access_block_configuration(block);
        put.send().await.map_err(|e| failed("PutPublicAccessBlock", e))?;
    }
    if wanted("Encryption") {
        let key = node.properties.get("Encryption").and_then(|encryption| encryption.text("KMSMasterKeyID"));
        let by = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::AwsKms)
            .set_kms_master_key_id(key.map(str::to_owned))
            .build()
            .map_err(invalid)?;
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by)
            .bucket_key_enabled(true)
            .build();
        let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(invalid)?;
        let put = account.s3.put_bucket_encryption().bucket(name).server_side_encryption_configuration(configuration);
        put.send().await.map_err(|e| failed("PutBucketEncryption", e))?;
    }
    if wanted("Versioning") {
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let put = account.s3.put_bucket_versioning().bucket(name).versioning_configuration(versioning);
        put.send().await.map_err(|e| failed("PutBucketVersioning", e))?;
    }
    if wanted("Policy") {
        let text = node.properties.get("Policy").map(policy::text).unwrap_or_default();
        let put = async || {
            let put = account.s3.put_bucket_policy().bucket(name).policy(&text);
            put.send().await.map_err(|e| failed("PutBucketPolicy", e)).map(drop)
        };
        account.despite_propagation(put).await?;
    }
    Ok(())
}

async fn again(account: &Account, node: &Node) -> Result<Observed, CloudError> {
    account.find_ours(&node.address, || find(account)).await
}

async fn put_tags(account: &Account, name: &str, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
    let tagging = Tagging::builder().set_tag_set(Some(tags::list(tags))).build();
    let tagging =
        tagging.map_err(|error| CloudError::new(ErrorKind::Invalid, "PutBucketTagging", error.to_string()))?;
    let put = account.s3.put_bucket_tagging().bucket(name).tagging(tagging);
    put.send().await.map_err(|e| failed("PutBucketTagging", e))?;
    Ok(())
}

/// Deletes every version of every object.
async fn empty(account: &Account, name: &str) -> Result<(), CloudError> {
    loop {
        let page = account.s3.list_object_versions().bucket(name).encoding_type(EncodingType::Url).send().await;
        let page = page.map_err(|e| failed("ListObjectVersions", e))?;
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let key = |key| object_keys::decoded(key, page.encoding_type());
        let objects = versions.chain(markers).filter_map(|(of, version)| Some((key(of?), version.map(str::to_owned))));
        let objects: Vec<_> = objects.collect();
        if objects.is_empty() {
            return Ok(());
        }
        object_keys::delete(&account.s3, name, objects).await?;
    }
}
