//! The live sharing bucket with its settings, read side by side.

use std::collections::BTreeMap;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_bucket_versioning::GetBucketVersioningOutput;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::super::{bucket_watch, ownership, policy};
use crate::aws::error::failed;
use crate::aws::{Account, answer, given_bucket, tags};
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Found, Observed, Owner, Value};

/// The live bucket of our name, whoever has it.
pub(super) async fn find(account: &Account) -> Result<Found, CloudError> {
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
        properties.set("Policy", policy::parse(answer::text("GetBucketPolicy", "Policy", answer.policy())?));
    }
    let (watched, unwatched) = watched?;
    for (key, value) in watched {
        properties.set(key, value);
    }
    let arn = format!("arn:{}:s3:::{name}", account.deployment.partition);
    let mut observed = Observed::new(name, properties).output("Arn", arn).output("BucketName", name);
    observed.unwatched = unwatched;
    ownership::classify(account, observed).await
}

/// Returns `true` if the account has a bucket of this name, which it may not look into.
async fn is_in_account(account: &Account, name: &str) -> Result<bool, CloudError> {
    let buckets = account.s3.list_buckets().prefix(name).into_paginator().items().send().try_collect().await;
    let buckets = buckets.map_err(|e| failed("ListBuckets", e))?;
    Ok(buckets.iter().any(|bucket| bucket.name() == Some(name)))
}

/// The status of versioning, in S3's word. Some stand-ins for S3 (moto 5.2) name the root of this one answer otherwise;
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

/// The tags that a bucket carries.
pub(super) async fn live_tags(account: &Account, name: &str) -> Result<BTreeMap<String, String>, CloudError> {
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
