//! Watched properties of the sharing bucket: those that let others read it, copy it elsewhere, or let what is in it
//! expire.
//!
//! MDAA sets none of this, and neither does a config, so that whatever there is somebody else has put there.

use aws_sdk_s3::types::{
    BucketCannedAcl, Grant, ObjectOwnership, OwnershipControls, OwnershipControlsRule, Permission,
};

use super::required;
use super::watch::look;
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Node, Observed, Path, Value};
use crate::plan::{Change, Watched};

/// Access lists are off, as they are for every bucket that is made today.
const OFF: &str = "BucketOwnerEnforced";

/// The live values by property, and the properties that may not be looked at.
pub async fn look_at(account: &Account, bucket: &str) -> Result<(Vec<(&'static str, Value)>, Vec<String>), CloudError> {
    let s3 = &account.s3;
    // Each on the heap: together they would be a future that is too large for a small stack.
    let (lifecycle, list, ownership, website, replication, cors) = tokio::join!(
        Box::pin(s3.get_bucket_lifecycle_configuration().bucket(bucket).send()),
        Box::pin(s3.get_bucket_acl().bucket(bucket).send()),
        Box::pin(s3.get_bucket_ownership_controls().bucket(bucket).send()),
        Box::pin(s3.get_bucket_website().bucket(bucket).send()),
        Box::pin(s3.get_bucket_replication().bucket(bucket).send()),
        Box::pin(s3.get_bucket_cors().bucket(bucket).send()),
    );
    let mut found = Vec::new();
    let mut unwatched = Vec::new();
    let lifecycle = lifecycle.map_err(|e| failed("GetBucketLifecycleConfiguration", e));
    if let Some(answer) = look(lifecycle, "the bucket's lifecycle rules", &mut unwatched)? {
        let named = |(at, rule): (usize, &aws_sdk_s3::types::LifecycleRule)| {
            let name = rule.id().map_or_else(|| at.to_string(), str::to_owned);
            (name, Value::from(effects(rule)))
        };
        found.push(("LifecycleRules", answer.rules().iter().enumerate().map(named).collect()));
    }
    if let Some(answer) = look(list.map_err(|e| failed("GetBucketAcl", e)), "the bucket's access list", &mut unwatched)?
    {
        let owner = answer.owner().and_then(|owner| owner.id()).unwrap_or_default();
        let grants = answer.grants().iter().filter(|grant| grantee(grant) != owner);
        found.push(("AccessList", Value::List(grants.map(|grant| granted(grant).into()).collect())));
    }
    let ownership = ownership.map_err(|e| failed("GetBucketOwnershipControls", e));
    let refused = unwatched.len();
    let answer = look(ownership, "who owns objects in the bucket", &mut unwatched)?;
    if refused == unwatched.len() {
        let rule =
            answer.and_then(|answer| Some(answer.ownership_controls()?.rules().first()?.object_ownership.clone()));
        // Without any, whoever writes an object owns it.
        let owner = rule.unwrap_or(ObjectOwnership::ObjectWriter);
        found.push(("ObjectOwnership", owner.as_str().into()));
    }
    if let Some(answer) =
        look(website.map_err(|e| failed("GetBucketWebsite", e)), "the bucket's website", &mut unwatched)?
    {
        let to = answer.redirect_all_requests_to().map(|to| format!("redirected to {}", to.host_name()));
        found.push(("Website", to.unwrap_or_else(|| "served".into()).into()));
    }
    let replication = replication.map_err(|e| failed("GetBucketReplication", e));
    if let Some(answer) = look(replication, "the bucket's replication", &mut unwatched)? {
        let rules = answer.replication_configuration().map(|configuration| configuration.rules()).unwrap_or_default();
        let to = rules.iter().filter_map(|rule| rule.destination()).map(|to| Value::from(to.bucket()));
        found.push(("Replication", Value::List(to.collect())));
    }
    if let Some(answer) = look(cors.map_err(|e| failed("GetBucketCors", e)), "the bucket's CORS rules", &mut unwatched)?
    {
        let origins = answer.cors_rules().iter().flat_map(|rule| rule.allowed_origins());
        found.push(("Cors", Value::List(origins.map(|origin| origin.as_str().into()).collect())));
    }
    Ok((found, unwatched))
}

fn grantee(grant: &Grant) -> &str {
    let grantee = grant.grantee();
    grantee.and_then(|grantee| grantee.id().or(grantee.uri()).or(grantee.email_address())).unwrap_or_default()
}

fn granted(grant: &Grant) -> String {
    format!("{} to {}", grant.permission().map_or("access", Permission::as_str), grantee(grant))
}

/// The effects of a lifecycle rule, in a few words.
fn effects(rule: &aws_sdk_s3::types::LifecycleRule) -> String {
    let mut effects = Vec::new();
    if let Some(expiration) = rule.expiration() {
        effects.push(match (expiration.days(), expiration.date()) {
            (Some(days), _) => format!("deletes objects after {days} days"),
            (_, Some(date)) => format!("deletes objects on {date}"),
            _ => "removes markers of deleted objects".into(),
        });
    }
    if let Some(old) = rule.noncurrent_version_expiration() {
        effects.push(format!("deletes old versions after {} days", old.noncurrent_days().unwrap_or_default()));
    }
    let moves = rule.transitions().len() + rule.noncurrent_version_transitions().len();
    if moves > 0 {
        effects.push("moves objects to other storage".into());
    }
    if rule.abort_incomplete_multipart_upload().is_some() {
        effects.push("gives up uploads".into());
    }
    format!("{} ({})", effects.join(", "), rule.status().as_str())
}

/// The watched properties that hold something.
pub fn watch(observed: &Observed) -> Vec<Watched> {
    let mut found = Vec::new();
    for (key, why) in [
        ("LifecycleRules", "what users share is deleted or moved by a rule that the config does not know"),
        ("AccessList", "others may read or write what is shared"),
        ("Website", "what is shared can be read from a website"),
        ("Replication", "everything that is shared is copied to another bucket"),
        ("Cors", "pages of other origins may use the bucket with their visitors' rights"),
    ] {
        let live = observed.properties.get(key);
        if let Some(live) = live.filter(|live| !crate::plan::is_blank(Some(live))) {
            found.push(Watched::surplus(Path::of([key]), live, why));
        }
    }
    if let Some(owner) = observed.properties.get("ObjectOwnership").filter(|owner| owner.as_str() != Some(OFF)) {
        let why = "access lists count again, so that each object may be opened to anybody";
        found.push(Watched::wrong(Path::of(["ObjectOwnership"]), owner, why, OFF.into()));
    }
    found
}

/// Unsets what changes name. The access list goes before the setting that it keeps from being made.
///
/// # Errors
/// What S3 fails with.
pub async fn unset(account: &Account, node: &Node, changes: &[Change]) -> Result<(), CloudError> {
    let (s3, bucket) = (&account.s3, required::text(node, "BucketName")?);
    let has = |key: &str| changes.iter().any(|change| change.path.starts_with(&Path::of([key])));
    let unless_gone = |result: Result<(), CloudError>| match result {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        other => other,
    };
    if has("LifecycleRules") {
        let delete = s3.delete_bucket_lifecycle().bucket(bucket).send().await;
        unless_gone(delete.map(drop).map_err(|e| failed("DeleteBucketLifecycle", e)))?;
    }
    if has("AccessList") {
        let put = s3.put_bucket_acl().bucket(bucket).acl(BucketCannedAcl::Private).send().await;
        put.map_err(|e| failed("PutBucketAcl", e))?;
    }
    if has("ObjectOwnership") {
        let owner = ObjectOwnership::from(required::text(node, "ObjectOwnership")?);
        let rule = OwnershipControlsRule::builder().object_ownership(owner).build();
        let controls = rule.and_then(|rule| OwnershipControls::builder().rules(rule).build());
        let controls = controls
            .map_err(|error| CloudError::new(ErrorKind::Invalid, "PutBucketOwnershipControls", error.to_string()))?;
        let put = s3.put_bucket_ownership_controls().bucket(bucket).ownership_controls(controls).send().await;
        put.map_err(|e| failed("PutBucketOwnershipControls", e))?;
    }
    if has("Website") {
        let delete = s3.delete_bucket_website().bucket(bucket).send().await;
        unless_gone(delete.map(drop).map_err(|e| failed("DeleteBucketWebsite", e)))?;
    }
    if has("Replication") {
        let delete = s3.delete_bucket_replication().bucket(bucket).send().await;
        unless_gone(delete.map(drop).map_err(|e| failed("DeleteBucketReplication", e)))?;
    }
    if has("Cors") {
        let delete = s3.delete_bucket_cors().bucket(bucket).send().await;
        unless_gone(delete.map(drop).map_err(|e| failed("DeleteBucketCors", e)))?;
    }
    Ok(())
}
