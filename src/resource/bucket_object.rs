//! One asset of a lifecycle config: the objects under `<asset prefix>/<app type>/<asset>/` of the bucket.
//!
//! Identity: the prefix. Only files whose content differs are uploaded, and objects that no file stands for are
//! deleted. What an object holds is told by its `x-amz-meta-sha256`, since the ETag of an encrypted object is no digest
//! of its content; one without, which MDAA uploaded, is read. The record saves asking every object each time. The bucket's policy denies objects to everybody but
//! its roles, so the asset role's credentials are used. Destroy leaves the objects where they are, with the bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::types::EncodingType;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::permissions::{Grant, MAKE, RESOLVE, Scope, open};
use super::upload::Uploads;
use super::{Desired, ObserveContext, Resource, asset_policy, asset_role, bucket, required, stray_objects};
use crate::aws::error::failed;
use crate::aws::{Account, object_keys};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::digest::hex;
use crate::model::manifest::content_digest;
use crate::model::{Address, Arn, Found, Kind, Node, Observed, Path, Value};
use crate::plan::outline::said;
use crate::plan::{Change, DeletionPolicy, Outline, Record, Removal, Retention, Rules, Watched};
use crate::wording::counted;

/// Number of objects that are read or written at once.
const PARALLEL: usize = 8;

/// In place of the digest of what may not be looked at.
pub const UNKNOWN: &str = "unknown";

/// Verbs and rules of the kind `bucket_object`.
#[derive(Debug)]
pub struct BucketObject;

impl Rules for BucketObject {
    fn outline(&self, node: &Node) -> Outline {
        let text = |key| said(node.properties.get(key));
        let files = node.properties.get("Files").map_or(0, |files| files.entries().count());
        Outline::new(counted(files, "file")).fact("uploaded to", format!("s3://{}/{}", text("Bucket"), text("Prefix")))
    }

    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        stray_objects::watch(observed, node)
    }

    fn stranger(&self, observed: &Observed) -> Option<Watched> {
        stray_objects::stranger(observed)
    }

    fn removal(&self, observed: &Observed, _retention: &Retention) -> Removal {
        let why = format!(
            "what was uploaded stays, in case an app still reads it; later: `aws s3 rm --recursive {}`",
            observed.id
        );
        Removal::Retain { why, drops: Vec::new(), later: None }
    }
}

#[async_trait(?Send)]
impl Resource for BucketObject {
    fn kind(&self) -> Kind {
        Kind::BucketObject
    }

    /// Objects are read and written with the asset role's credentials; the caller's own list them, and read which key the
    /// bucket encrypts with.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let config = &scope.config.domain;
        if !scope.uploads() {
            return Vec::new();
        }
        let mut grants = vec![Grant::new(RESOLVE, &["sts:AssumeRole"], scope.asset_role())];
        if let Some(given) = &config.domain_bucket {
            let bucket = scope.s3_arn(&open(&given.domain_bucket_name));
            // Of the whole bucket: whether there is one is asked with the same permission, and without a folder.
            grants.push(Grant::new(RESOLVE, &["s3:ListBucket"], [bucket.clone()]));
            grants.push(Grant::new(MAKE, &["s3:GetEncryptionConfiguration"], [bucket]));
        }
        grants
    }

    fn observe_after_domain(&self) -> bool {
        true
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        let config = &desired.config.domain;
        let mut nodes = Vec::new();
        for (kind, lifecycle) in &config.lifecycle_configs {
            for name in lifecycle.assets.iter().flat_map(|assets| assets.keys()) {
                let address = Address::new(Kind::BucketObject, format!("{}/{name}", kind.key()));
                let files = desired.assets.get(&address.name).cloned().unwrap_or_default();
                let mut properties = Value::from_iter([
                    ("Bucket", Value::Text(bucket::name(desired))),
                    ("Prefix", format!("{}{name}/", kind.asset_folder(&config.asset_prefix)).into()),
                    ("Files", files.files.iter().map(|(path, file)| (path.clone(), file.sha256.as_str())).collect()),
                ]);
                if let Some(role) = asset_role::arn(desired) {
                    properties.set("UploadRole", role);
                }
                let mut node = Node::new(address, properties);
                node.files = Some(Arc::new(files));
                node.after.insert(asset_policy::address());
                if config.domain_bucket.is_none() {
                    node.after.insert(bucket::address());
                }
                let keys = ["domain", "lifecycleConfigs", kind.key(), "assets", name];
                node.sources.extend(desired.source(&keys).map(|source| (Path::default(), source)));
                nodes.push(node);
            }
        }
        nodes
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        let looks = context.nodes.iter().map(|node| async {
            let found =
                if node.properties.is_known() { look(account, node, context.record).await? } else { Found::Absent };
            Ok((node.address.clone(), found))
        });
        let mut found: Vec<_> = stream::iter(looks).buffered(PARALLEL).try_collect().await?;
        // What no node names any more stays where it is; a bucket of ours says so itself.
        let own = format!("s3://{}/", account.names.bucket);
        let left = context.record.iter().flat_map(|record| &record.assets).filter_map(|(address, asset)| {
            let address: Address = address.parse().ok()?;
            let elsewhere = !asset.location.is_empty() && !asset.location.starts_with(&own);
            let unnamed = elsewhere && context.nodes.iter().all(|node| node.address != address);
            unnamed.then(|| (address, Found::Ours(Observed::new(&asset.location, Value::map()))))
        });
        found.extend(left);
        found.extend(Box::pin(stray_objects::find(account, context)).await?);
        Ok(found)
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        put(account, node, &BTreeMap::new()).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        _changes: &[Change],
    ) -> Result<Observed, CloudError> {
        put(account, node, &files(&observed.properties)).await
    }

    async fn delete(
        &self,
        _account: &Account,
        address: &Address,
        _observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        Err(super::never("deleted", address))
    }
}

pub(super) fn files(properties: &Value) -> BTreeMap<String, String> {
    let files = properties.get("Files").map(Value::entries).into_iter().flatten();
    files.filter_map(|(path, sha256)| Some((path.clone(), sha256.as_str()?.to_owned()))).collect()
}

/// Marks of objects by what follows their prefix: S3 gives another one when an object is written.
pub(super) type Listing = BTreeMap<String, String>;

/// Objects under a prefix. A given bucket may be closed to the caller and open to the asset role.
async fn list(account: &Account, node: &Node, bucket: &str, prefix: &str) -> Result<Option<Listing>, CloudError> {
    let listed = list_with(&account.s3, bucket, prefix).await;
    let is_denied = listed.as_ref().is_err_and(|error| error.kind == ErrorKind::Denied);
    match is_denied && bucket != account.names.bucket {
        true => list_with(&uploader(account, node).await?, bucket, prefix).await,
        false => listed,
    }
}

pub(super) async fn list_with(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
) -> Result<Option<Listing>, CloudError> {
    let pages = s3.list_objects_v2().bucket(bucket).prefix(prefix).encoding_type(EncodingType::Url);
    let pages = match pages.into_paginator().send().try_collect().await.map_err(|e| failed("ListObjectsV2", e)) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let objects =
        pages.iter().flat_map(|page| page.contents().iter().map(move |object| (page.encoding_type(), object)));
    let objects = objects.filter_map(|(encoding, object)| {
        let key = object_keys::decoded(object.key()?, encoding);
        let state = format!("{} {}", object.size().unwrap_or_default(), object.e_tag().unwrap_or_default());
        Some((key.strip_prefix(prefix)?.to_owned(), state))
    });
    Ok(Some(objects.collect()))
}

async fn look(account: &Account, node: &Node, record: Option<&Record>) -> Result<Found, CloudError> {
    let bucket = required::text(node, "Bucket")?;
    let prefix = required::text(node, "Prefix")?;
    let Some(listing) = list(account, node, bucket, prefix).await? else { return Ok(Found::Absent) };
    let wanted = files(&node.properties);
    if listing.is_empty() && !wanted.is_empty() {
        return Ok(Found::Absent);
    }
    let listing_digest = content_digest(&listing);
    let content = content_digest(&wanted);
    let recorded = record.and_then(|record| record.assets.get(&node.address.to_string()));
    let mut unread = None;
    let live = if recorded.is_some_and(|last| last.listing == listing_digest && last.content == content) {
        wanted
    } else {
        let s3 = uploader(account, node).await?;
        let manifest = node.files.clone().unwrap_or_default();
        let heads = listing.keys().map(|path| {
            let size = manifest.files.get(path).map(|file| file.size);
            let (s3, key) = (&s3, format!("{prefix}{path}"));
            async move {
                let (held, refused) = match digest(s3, bucket, &key, size).await {
                    Ok(held) => (held, None),
                    // Objects that MDAA uploaded are closed to everybody until its role is taken over: what they hold is
                    // not known, so they are uploaded again.
                    Err(error) if error.kind == ErrorKind::Denied => (None, Some(error.to_string())),
                    Err(error) => return Err(error),
                };
                Ok::<_, CloudError>((path.clone(), held.unwrap_or_else(|| UNKNOWN.into()), refused))
            }
        });
        let heads: Vec<_> = stream::iter(heads).buffered(PARALLEL).try_collect().await?;
        let refusals: Vec<&String> = heads.iter().filter_map(|(_, _, refused)| refused.as_ref()).collect();
        unread = refusals.first().map(|why| {
            format!("{} of {} files may not be read and are uploaded again: {why}", refusals.len(), heads.len())
        });
        heads.into_iter().map(|(path, sha256, _)| (path, sha256)).collect()
    };
    let mut observed = seen(node, bucket, prefix, &live, listing_digest);
    observed.unread = unread;
    // What is remembered is what was uploaded, not what somebody put beside it.
    if files(&observed.properties).keys().any(|path| !files(&node.properties).contains_key(path)) {
        observed.outputs.clear();
    }
    Ok(Found::Ours(observed))
}

/// The digest of what an object holds, as far as it can be told: its metadata say it, or it is as long as what is to be
/// there and is read. MDAA's uploads have no such metadata, and the ETag of what a key encrypts is no digest; besides,
/// they are closed to everybody until its role is taken over.
async fn digest(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
    size: Option<u64>,
) -> Result<Option<String>, CloudError> {
    let gone = |error: &CloudError| error.kind == ErrorKind::NotFound;
    let head = match s3.head_object().bucket(bucket).key(key).send().await.map_err(|e| failed("HeadObject", e)) {
        Err(error) if gone(&error) => return Ok(None),
        other => other?,
    };
    if let Some(said) = head.metadata().and_then(|metadata| metadata.get("sha256")) {
        return Ok(Some(said.clone()));
    }
    if size.is_none() || size != head.content_length().and_then(|length| u64::try_from(length).ok()) {
        return Ok(None);
    }
    let mut body = match s3.get_object().bucket(bucket).key(key).send().await.map_err(|e| failed("GetObject", e)) {
        Err(error) if gone(&error) => return Ok(None),
        other => other?.body,
    };
    let mut hash = Sha256::new();
    let broken = |error: aws_sdk_s3::primitives::ByteStreamError| {
        CloudError::new(ErrorKind::Connection, "GetObject", error.to_string())
    };
    while let Some(chunk) = body.try_next().await.map_err(broken)? {
        hash.update(&chunk);
    }
    Ok(Some(hex(&hash.finalize())))
}

fn seen(node: &Node, bucket: &str, prefix: &str, live: &BTreeMap<String, String>, listing_digest: String) -> Observed {
    let mut properties = Value::from_iter([
        ("Bucket", Value::from(bucket)),
        ("Prefix", prefix.into()),
        ("Files", live.iter().map(|(path, sha256)| (path.clone(), sha256.as_str())).collect()),
    ]);
    // Who uploads is no property of what was uploaded.
    if let Some(role) = node.properties.get("UploadRole") {
        properties.set("UploadRole", role.clone());
    }
    Observed::new(format!("s3://{bucket}/{prefix}"), properties)
        .output("Content", content_digest(live))
        .output("Listing", listing_digest)
}

/// An S3 client with the asset role's credentials; the caller's own where a given role of the account cannot be assumed.
async fn uploader(account: &Account, node: &Node) -> Result<aws_sdk_s3::Client, CloudError> {
    let Some(role) = node.properties.text("UploadRole") else { return Ok(account.s3.clone()) };
    let is_own = Arn::parse(role).is_some_and(|arn| arn.account == account.deployment.account);
    match account.retry_while_propagating(async || account.assume(role).await).await {
        Ok(credentials) => Ok(account.s3_as(credentials)),
        // Who names another account's role means what that account lets it do.
        Err(error) if error.kind == ErrorKind::Denied && is_own => {
            let message =
                format!("{role} cannot be assumed, so assets are read and written with your own credentials: {error}");
            account.notice(Some(&node.address), message);
            Ok(account.s3.clone())
        }
        Err(error) => Err(error),
    }
}

async fn put(account: &Account, node: &Node, live: &BTreeMap<String, String>) -> Result<Observed, CloudError> {
    let bucket = required::text(node, "Bucket")?;
    let prefix = required::text(node, "Prefix")?;
    let wanted = files(&node.properties);
    let s3 = uploader(account, node).await?;
    let manifest = node.files.clone().unwrap_or_default();
    let key = encryption_key(account, &node.address, bucket).await?;
    let changed: Vec<(&String, &String)> =
        wanted.iter().filter(|(path, sha256)| live.get(*path) != Some(*sha256)).collect();
    let files = changed.iter().filter_map(|(path, _)| manifest.files.get(*path));
    let uploads = Uploads::new(account, &node.address, &s3, bucket, key, files)?;
    let sending = changed.iter().map(|(path, sha256)| {
        let (s3, manifest, uploads) = (&s3, &manifest, &uploads);
        let is_unknown = live.get(*path).is_some_and(|held| held == UNKNOWN);
        async move {
            let key_of = format!("{prefix}{path}");
            let size = manifest.files.get(*path).map(|file| file.size);
            // What could not be looked at for the plan can be now that the role is ours.
            if is_unknown {
                match digest(s3, bucket, &key_of, size).await {
                    Ok(held) if held.as_ref() == Some(*sha256) => return Ok(()),
                    Err(error) if error.kind != ErrorKind::Denied => return Err(error),
                    _ => {}
                }
            }
            let file = manifest.files.get(*path).ok_or_else(|| {
                CloudError::new(
                    ErrorKind::Invalid,
                    format!("read {path}"),
                    "it is not in the asset any more; plan again",
                )
            })?;
            uploads.send(&key_of, file).await
        }
    });
    stream::iter(sending).buffer_unordered(PARALLEL).try_collect::<()>().await?;
    let surplus = live.keys().filter(|path| !wanted.contains_key(*path));
    object_keys::delete(&s3, bucket, surplus.map(|path| (format!("{prefix}{path}"), None))).await?;
    let listing = list(account, node, bucket, prefix).await?.unwrap_or_default();
    // Every file was written or is unchanged, and nothing else is left: what is there is what was wanted, unless the
    // listing says otherwise.
    let now = listing.keys().map(|path| (path.clone(), wanted.get(path).cloned().unwrap_or_else(|| UNKNOWN.into())));
    Ok(seen(node, bucket, prefix, &now.collect(), content_digest(&listing)))
}

/// The key that the bucket encrypts with unless told otherwise. Uploads name it, although that changes nothing about
/// them: MDAA's bucket policies deny an upload whose key is not the bucket's with `StringNotLikeIfExists`, and in a Deny
/// a negated operator holds for a key that the request does not name (IAM user guide, "…IfExists condition operators").
async fn encryption_key(account: &Account, address: &Address, bucket: &str) -> Result<Option<String>, CloudError> {
    let get = account.s3.get_bucket_encryption().bucket(bucket).send().await;
    let answer = match get.map_err(|e| failed("GetBucketEncryption", e)) {
        Ok(answer) => answer,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        // A given bucket may be closed to the caller; then it has to do without.
        Err(error) if error.kind == ErrorKind::Denied => {
            account.notice(Some(address), format!("it is uploaded without naming the bucket's key: {error}"));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let rules = answer.server_side_encryption_configuration().map(|configuration| configuration.rules());
    let default = rules.and_then(|rules| rules.first()?.apply_server_side_encryption_by_default());
    Ok(default.and_then(|default| default.kms_master_key_id()).map(str::to_owned))
}
