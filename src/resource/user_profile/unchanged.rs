//! Profiles that are as they were when they were last read in full, told by lists alone.
//!
//! `ListUserProfiles` tells name, status and times of every profile, and the tagging API the tags of a hundred at once. Where
//! all of that is as the fingerprint in the record has it, the profile is what it was then, and need not be described. What
//! this rests on about AWS, and what it would miss, stands in `docs/fingerprints.md`.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::{UserProfileDetails, UserProfileStatus};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::super::studio::tags::live_tags;
use super::super::{ObserveContext, ownership};
use super::observe::timestamps;
use super::{PARALLEL, UserProfileResource};
use crate::aws::error::failed;
use crate::aws::{Account, tags};
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Address, Found, Node, Observed};
use crate::plan::{Fingerprint, changes};

/// Number of ARNs that one call asks the tags of (Resource Groups Tagging API reference, GetResources).
const ARNS: usize = 100;

type Tags = BTreeMap<String, String>;

/// The profiles of a list that need not be described, by their names: each is ours by its tags, or whose it is by then.
pub(super) async fn unchanged<'a>(
    account: &Account,
    context: &ObserveContext<'_>,
    domain: &str,
    profiles: &'a [UserProfileDetails],
    wanted: &BTreeMap<String, &Node>,
) -> Result<BTreeMap<&'a str, Found>, CloudError> {
    let here = account.deployment.arn("sagemaker", &format!("user-profile/{domain}/"));
    let known = profiles.iter().filter_map(|profile| {
        let name = profile.user_profile_name()?;
        let node = *wanted.get(&name.to_ascii_lowercase())?;
        let fingerprint = context.record?.fingerprints.get(&node.address)?;
        let is_same = profile.status() == Some(&UserProfileStatus::InService)
            && fingerprint.id == name
            && timestamps(profile.creation_time(), profile.last_modified_time()) == Some(fingerprint.timestamps);
        // A record that was copied from elsewhere, or is older than the domain, is about other profiles.
        let arn = fingerprint.outputs.get("UserProfileArn").filter(|arn| is_same && arn.starts_with(&here))?;
        (fingerprint.outputs.get("DomainId")? == domain).then_some((name, node, fingerprint, arn.as_str()))
    });
    let known: Vec<_> = known.collect();
    let arns: Vec<&str> = known.iter().map(|(.., arn)| *arn).collect();
    let told = tags_of(account, &arns).await?;
    let told = &told;
    let looks = known.into_iter().map(|(name, node, fingerprint, arn)| async move {
        let Some(observed) = with_tags(account, fingerprint, arn, told.get(arn)).await? else { return Ok(None) };
        // What is about to be changed is read as it is, so that nobody approves what only a record says.
        if differs(node, &observed, context) {
            return Ok(None);
        }
        Ok(Some((name, ownership::classify(account, observed).await?)))
    });
    let found: Vec<Option<_>> = stream::iter(looks).buffer_unordered(PARALLEL).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// The profile of a fingerprint with the tags that it has now. Tags that were `told` are believed only if they are those that
/// the profile itself showed when it was read: the tagging API may be behind. Nothing, if the profile is gone by now.
async fn with_tags(
    account: &Account,
    fingerprint: &Fingerprint,
    arn: &str,
    told: Option<&Tags>,
) -> Result<Option<Observed>, CloudError> {
    let told = told.map(ownership::property).filter(|tags| fingerprint.has_tags(tags));
    let tags = match told {
        Some(tags) => tags,
        None => match live_tags(account, arn).await {
            Ok(tags) => ownership::property(&tags),
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    Ok(fingerprint.observed(tags))
}

/// Returns `true` if an apply would change a profile.
fn differs(node: &Node, observed: &Observed, context: &ObserveContext<'_>) -> bool {
    let managed = context.record.map_or(&[][..], |record| record.paths(&node.address));
    !changes(node, observed, managed, &UserProfileResource).is_empty()
}

/// The tags of profiles as far as the tagging API knows them, by ARN. It need not: each profile tells its own.
async fn tags_of(account: &Account, arns: &[&str]) -> Result<BTreeMap<String, Tags>, CloudError> {
    let asks = arns.chunks(ARNS).map(|arns| async move {
        let arns = arns.iter().map(ToString::to_string).collect();
        let get = account.tagging.get_resources().set_resource_arn_list(Some(arns));
        get.send().await.map_err(|e| failed("GetResources", e))
    });
    let mut asks = stream::iter(asks).buffer_unordered(PARALLEL);
    let mut tags = BTreeMap::new();
    while let Some(answer) = asks.next().await {
        match answer {
            Ok(answer) => {
                let mappings = answer.resource_tag_mapping_list.unwrap_or_default().into_iter();
                tags.extend(mappings.filter_map(|mapping| Some((mapping.resource_arn?, tags::by_key(&mapping.tags?)))));
            }
            Err(error) if is_mute(&error) => {
                let why = format!("user profiles are asked for their tags one by one: {}", error.describe());
                account.notice(None, why);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tags)
}

/// Returns `true` if the tagging API may not be asked, or does not know what it is asked for.
const fn is_mute(error: &CloudError) -> bool {
    matches!(error.kind, ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Other)
}

/// Nodes of profiles by the names of those in lower case: AWS compares them without case.
pub(super) fn by_name(nodes: &[Node]) -> BTreeMap<String, &Node> {
    let named = nodes.iter().filter_map(|node| {
        let name = node.properties.text("UserProfileName")?;
        Some((name.to_ascii_lowercase(), node))
    });
    named.collect()
}

/// The address of a profile that a node names.
pub(super) fn address_of(wanted: &BTreeMap<String, &Node>, name: &str) -> Option<Address> {
    wanted.get(&name.to_ascii_lowercase()).map(|node| node.address.clone())
}
