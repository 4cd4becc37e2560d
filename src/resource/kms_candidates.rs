//! Keys of this deployment that have lost their alias, and which of them it goes on with.
//!
//! The tagging API lags behind, so every key of the region is asked for its
//! tags, up to a bound. Where there are several, the bucket's goes first: what is in it can be read with no other.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_resourcegroupstagging::types::TagFilter;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{kms_key, ownership};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Found, Observed, Owner, State};

/// Number of keys that are asked for their tags.
const BOUND: usize = 2000;
/// Number of keys that are asked at once.
const PARALLEL: usize = 8;

/// The key of this deployment, or of MDAA's environment of the same words, that no alias names; of several, the one that
/// is used. Not `thorough` means that nothing would be made in its place, so that the tagging API will do.
///
/// # Errors
/// That it cannot be told whether there is such a key.
pub(super) async fn find(account: &Account, thorough: bool) -> Result<Found, CloudError> {
    let mut ids = tagged(account).await?;
    if thorough {
        ids.extend(all(account).await?);
    }
    let looks = ids.into_iter().map(|id| async move { Ok((is_candidate(account, &id).await?, id)) });
    let found: Vec<(bool, String)> = stream::iter(looks).buffered(PARALLEL).try_collect().await?;
    let ids = found.into_iter().filter(|(is_candidate, _)| *is_candidate).map(|(_, id)| id);
    let looks = ids.map(|id| async move { kms_key::find(account, &id).await });
    let found: Vec<Found> = stream::iter(looks).buffered(PARALLEL).try_collect().await?;
    choose(account, found).await
}

/// The same for a key that is wanted: one that is scheduled for deletion, and that encrypts nothing that is left, is let go.
///
/// # Errors
/// That it cannot be told whether there is such a key, or what it encrypts.
pub(super) async fn wanted(account: &Account) -> Result<Found, CloudError> {
    let found = find(account, true).await?;
    match live(&found) {
        Some(Observed { id, state: State::PendingDeletion(_), .. }) if !uses(account).await?.contains_key(id) => {
            Ok(Found::Absent)
        }
        _ => Ok(found),
    }
}

/// Of several the one that the bucket is encrypted with, else the only one that anything uses, else the only one that
/// works.
async fn choose(account: &Account, mut found: Vec<Found>) -> Result<Found, CloudError> {
    if found.len() < 2 {
        return Ok(found.pop().unwrap_or(Found::Absent));
    }
    let uses = uses(account).await?;
    let of = |found: &Found| live(found).and_then(|key| uses.get(&key.id)).cloned().unwrap_or_default();
    let wanted: [&dyn Fn(&Found) -> bool; 3] =
        [&|found| of(found).encrypts_bucket, &|found| !of(found).named.is_empty(), &|found| {
            live(found).is_some_and(|key| key.state == State::Usable)
        }];
    for wanted in wanted {
        let mut fits = found.iter().filter(|found| wanted(found));
        match (fits.next(), fits.next()) {
            (Some(only), None) => return Ok(only.clone()),
            (Some(_), Some(_)) => break,
            (None, _) => {}
        }
    }
    let told = found.iter().filter_map(|found| {
        let id = &live(found)?.id;
        Some(match of(found).named.as_slice() {
            [] => format!("{id} (nothing was found that it encrypts)"),
            named => format!("{id} (encrypts {})", named.join(" and ")),
        })
    });
    Ok(Found::Foreign { owner: Owner::Several(told.collect()), observed: None })
}

const fn live(found: &Found) -> Option<&Observed> {
    match found {
        Found::Ours(observed) | Found::Foreign { observed: Some(observed), .. } => Some(observed),
        _ => None,
    }
}

/// Things of an environment that a key encrypts.
#[derive(Clone, Debug, Default)]
struct Uses {
    encrypts_bucket: bool,
    /// For people.
    named: Vec<String>,
}

/// The uses of each key, by the key's id.
async fn uses(account: &Account) -> Result<BTreeMap<String, Uses>, CloudError> {
    let mut uses: BTreeMap<String, Uses> = BTreeMap::new();
    let bucket = &account.names.bucket;
    let encryption = account.s3.get_bucket_encryption().bucket(bucket).send().await;
    match encryption.map_err(|e| failed("GetBucketEncryption", e)) {
        Ok(answer) => {
            let rules = answer.server_side_encryption_configuration().map(|rules| rules.rules()).unwrap_or_default();
            let by = rules.first().and_then(|rule| rule.apply_server_side_encryption_by_default());
            if let Some(key) = by.and_then(|by| by.kms_master_key_id()) {
                let of_key = uses.entry(id_of(key)).or_default();
                of_key.encrypts_bucket = true;
                of_key.named.push(format!("the bucket {bucket}"));
            }
        }
        Err(error) if error.kind == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let systems = account.efs.describe_file_systems().into_paginator().items().send().try_collect().await;
    for system in systems.map_err(|e| failed("DescribeFileSystems", e))? {
        let Some(key) = system.kms_key_id() else { continue };
        uses.entry(id_of(key)).or_default().named.push(format!("the file system {}", system.file_system_id()));
    }
    // One without home directories has volumes all the same.
    let domains = account.domains().await?;
    let of_name = domains.iter().filter(|domain| domain.domain_name() == Some(account.names.domain.as_str()));
    for id in of_name.filter_map(|domain| domain.domain_id()) {
        let described = account.sagemaker.describe_domain().domain_id(id).send().await;
        let described = described.map_err(|e| failed("DescribeDomain", e))?;
        if let Some(key) = described.kms_key_id() {
            uses.entry(id_of(key)).or_default().named.push(format!("the domain {id}"));
        }
    }
    Ok(uses)
}

fn id_of(key: &str) -> String {
    key.rsplit('/').next().unwrap_or(key).to_owned()
}

/// The ids of keys that the tagging API knows by our tag, or by MDAA's of this module.
async fn tagged(account: &Account) -> Result<BTreeSet<String>, CloudError> {
    let place = &account.deployment;
    let mdaa = ownership::MDAA_PREFIXES.map(|prefix| (format!("{prefix}_module_name"), place.module.clone()));
    let filters = [(ownership::DEPLOYMENT.to_owned(), place.tag())].into_iter().chain(mdaa);
    let mut ids = BTreeSet::new();
    for (key, value) in filters {
        let filter = TagFilter::builder().key(key).values(value).build();
        let get = account.tagging.get_resources().tag_filters(filter).resource_type_filters("kms:key");
        let found = get.into_paginator().items().send().try_collect().await.map_err(|e| failed("GetResources", e))?;
        ids.extend(found.iter().filter_map(|found| found.resource_arn()).map(id_of));
    }
    Ok(ids)
}

async fn all(account: &Account) -> Result<Vec<String>, CloudError> {
    let keys = account.all_keys().await?;
    if keys.len() > BOUND {
        let message = format!(
            "{} keys are too many to ask: a key that has lost its alias is looked for among {BOUND} of them, and with the              tagging API",
            keys.len()
        );
        account.notice(Some(&kms_key::address()), message);
    }
    Ok(keys.iter().take(BOUND).cloned().collect())
}

/// Returns `true` if a key is ours or MDAA's, by its tags.
async fn is_candidate(account: &Account, id: &str) -> Result<bool, CloudError> {
    let Some(tags) = account.key_tags(id).await? else { return Ok(false) };
    Ok(matches!(ownership::owner_in(account, &tags).await?, None | Some(Owner::Mdaa { .. })))
}
