//! The sharing bucket with its policy, made unless the config names a bucket.
//!
//! Identity: its name, which is unique in the whole world. The name is immutable. Destroy keeps it with its objects and
//! its policy; only an explicit choice deletes it with everything in it.

mod access;
mod observe;
mod settings;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, EncodingType, Tagging};

use self::access::access;
use self::observe::{find, live_tags};
use self::settings::write_settings;
use super::permissions::{Grant, LOOK, MAKE, REMOVE, Scope};
use super::policy::same;
use super::{Desired, ObserveContext, Resource, bucket_watch, kms_key, ownership, required};
use crate::aws::error::failed;
use crate::aws::{Account, not_ours, object_keys, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::hint::Hint;
use crate::model::{Address, Found, Kind, Node, Observed, Path, Text, Value};
use crate::plan::outline::{named, principals};
use crate::plan::{Change, DeletionPolicy, Outline, Removal, Retention, Rules, Watched};

/// Verbs and rules of the kind `bucket`.
#[derive(Debug)]
pub struct BucketResource;

/// The only address of the kind.
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
    fn outline(&self, node: &Node) -> Outline {
        let properties = &node.properties;
        Outline::new(properties.text("BucketName").unwrap_or_default())
            .fact("encrypted by", named(properties.at(&Path::of(["Encryption", "KMSMasterKeyID"]))))
            .fact("open to", principals(properties.get("Policy")).join(", "))
    }

    fn same(&self, _path: &Path, desired: &Value, live: &Value) -> bool {
        same(desired, live)
    }

    fn watch(&self, observed: &Observed, _node: Option<&Node>) -> Vec<Watched> {
        bucket_watch::watch(observed)
    }

    fn removal(&self, observed: &Observed, retention: &Retention) -> Removal {
        if retention.delete_bucket == Some(true) {
            let loses = format!("{} is deleted with every version of everything shared in it, for good", observed.id);
            return Removal::Requested { loses };
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

    async fn observe(
        &self,
        account: &Account,
        _context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![(address(), find(account).await?)])
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let name = required::text(node, "BucketName")?;
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
        write_settings(account, node, |_| true).await?;
        read_back(account, node).await
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
        write_settings(account, node, |key| changes.iter().any(|change| change.path.0[0] == key)).await?;
        Box::pin(bucket_watch::unset(account, node, changes)).await?;
        read_back(account, node).await
    }

    async fn delete(
        &self,
        account: &Account,
        _address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
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

async fn read_back(account: &Account, node: &Node) -> Result<Observed, CloudError> {
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
