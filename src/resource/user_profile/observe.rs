//! The live profile: how it is read, and waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_sagemaker::types::{SortOrder, UserProfileSortKey};
use aws_smithy_types::DateTime;
use serde_json::Value as Json;

use super::super::studio::tags::live_tags;
use super::super::studio::wait::{Pause, Stateful, state};
use super::super::{named_key, ownership, required};
use crate::aws::document::Capture;
use crate::aws::error::failed;
use crate::aws::poll::{Rest, Seen, StatusList};
use crate::aws::wait::WaitPolicy;
use crate::aws::{Account, PAGE, answer};
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Found, Kind, Node, Observed, State, Timestamps, Value};
use crate::plan::Action;

/// The live profile of a name in a domain.
pub(super) async fn describe(account: &Account, domain: &str, name: &str) -> Result<Found, CloudError> {
    match look(account, domain, name).await? {
        Some(looked) => found(account, domain, looked, None).await,
        None => Ok(Found::Absent),
    }
}

/// A profile as one call shows it: without its tags.
pub struct Looked {
    live: Json,
    timestamps: Option<Timestamps>,
}

async fn look(account: &Account, domain: &str, name: &str) -> Result<Option<Looked>, CloudError> {
    let capture = Capture::default();
    let describe = account.sagemaker.describe_user_profile().domain_id(domain).user_profile_name(name);
    let answer = describe.customize().interceptor(capture.clone()).send().await;
    let timestamps = match answer.map_err(|e| failed("DescribeUserProfile", e)) {
        Ok(profile) => timestamps(profile.creation_time(), profile.last_modified_time()),
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(Looked { live: capture.take("DescribeUserProfile")?, timestamps }))
}

/// The state that a profile shows.
fn state_of(live: &Json) -> Result<State, CloudError> {
    let reason = live.get("FailureReason").and_then(Json::as_str).unwrap_or_default();
    Ok(state(answer::text_in("DescribeUserProfile", live, "Status")?, reason.to_owned()))
}

/// The profile with its `tags`, which are asked for unless they are known.
async fn found(account: &Account, domain: &str, looked: Looked, tags: Option<&Value>) -> Result<Found, CloudError> {
    let Looked { live, timestamps } = looked;
    let text = |key: &str| answer::text_in("DescribeUserProfile", &live, key);
    let arn = text("UserProfileArn")?;
    let tags = match tags {
        Some(tags) => tags.clone(),
        None => match live_tags(account, arn).await {
            Ok(tags) => ownership::property(&tags),
            // Gone between the two calls.
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
            Err(error) => return Err(error),
        },
    };
    let mut properties = Value::map();
    for key in ["UserProfileName", "DomainId", "SingleSignOnUserIdentifier", "SingleSignOnUserValue", "UserSettings"] {
        if let Some(value) = live.get(key) {
            properties.set(key, value.clone());
        }
    }
    let mut properties = named_key::by_arn(&account.deployment, properties);
    properties.set("Tags", tags);
    let name = text("UserProfileName")?;
    let mut observed = Observed::new(name, properties)
        .output("DomainId", domain)
        .output("UserProfileArn", arn)
        .output("UserProfileName", name);
    // One that is being made has none yet.
    if let Some(uid) = live.get("HomeEfsFileSystemUid").and_then(Json::as_str) {
        observed = observed.output("HomeEfsFileSystemUid", uid);
    }
    observed.timestamps = timestamps;
    observed.state = state_of(&live)?;
    ownership::classify(account, observed).await
}

/// The timestamps that two times make, where AWS tells both. Times come as seconds with a fraction, in a floating-point number that
/// is a little more or less than the milliseconds that it means: cut off instead of rounded, two would become one.
pub(super) fn timestamps(created: Option<&DateTime>, modified: Option<&DateTime>) -> Option<Timestamps> {
    let milliseconds = |time: Option<&DateTime>| i64::try_from((time?.as_nanos() + 500_000).div_euclid(1_000_000)).ok();
    Some(Timestamps { created: milliseconds(created)?, modified: milliseconds(modified)? })
}

/// A profile that is waited for.
pub(super) struct Profile<'a> {
    pub domain: &'a str,
    pub name: &'a str,
    /// Its tags, as a property, where they are known without asking.
    pub tags: Option<Value>,
}

impl<'a> Profile<'a> {
    /// The profile of a node, whose domain is there.
    pub fn of(node: &'a Node) -> Result<Self, CloudError> {
        let (domain, name) = (required::text(node, "DomainId")?, required::text(node, "UserProfileName")?);
        Ok(Self { domain, name, tags: None })
    }
}

impl Stateful for Profile<'_> {
    const KIND: Kind = Kind::UserProfile;
    const NOUN: &'static str = "UserProfile";
    type Live = Looked;

    /// A guess: Terraform's tests of a profile take half a minute to two minutes more than those of a domain alone (pull requests
    /// 17123, 28025), which is its creation and its deletion.
    fn wait_policy(action: Action) -> WaitPolicy {
        WaitPolicy::PROFILE.usually(if action == Action::Create { 20 } else { 10 })
    }

    async fn look(&self, account: &Account) -> Result<Option<(State, Looked)>, CloudError> {
        let looked = look(account, self.domain, self.name).await?;
        looked.map(|looked| Ok((state_of(&looked.live)?, looked))).transpose()
    }

    async fn find(&self, account: &Account, looked: Option<Looked>) -> Result<Found, CloudError> {
        match looked {
            Some(looked) => found(account, self.domain, looked, self.tags.as_ref()).await,
            None => Ok(Found::Absent),
        }
    }

    async fn rest(&self, account: &Account, pause: Pause, goes_on: impl Fn(&str) -> Option<Duration>) {
        let rest = Rest { name: self.name, pause: pause.length, between: pause.between_lists };
        account.profiles.rest(&account.clock, rest, &Newest { account, domain: self.domain }, goes_on).await;
    }
}

/// The profiles of a domain that were changed last: what is waited for was asked for a moment ago, and each change of its
/// status moves its `LastModifiedTime`, as far as anybody can tell; where it does not, it is looked at by itself.
struct Newest<'a> {
    account: &'a Account,
    domain: &'a str,
}

impl StatusList for Newest<'_> {
    async fn read(&self, keys: &BTreeSet<String>) -> Result<BTreeMap<String, String>, CloudError> {
        let list = self.account.sagemaker.list_user_profiles().domain_id_equals(self.domain);
        let list = list.sort_by(UserProfileSortKey::LastModifiedTime).sort_order(SortOrder::Descending);
        let mut pages = list.into_paginator().page_size(PAGE).send();
        let mut seen = Seen::of(keys);
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| failed("ListUserProfiles", e))?;
            let profiles = page.user_profiles().iter();
            if seen
                .page(profiles.filter_map(|profile| Some((profile.user_profile_name()?, profile.status()?.as_str()))))
            {
                break;
            }
        }
        Ok(seen.statuses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_millisecond_is_itself() {
        for milliseconds in 1_790_000_000_000..1_790_000_002_000_i64 {
            let seconds = f64::from(u32::try_from(milliseconds / 1000).unwrap());
            let rest = f64::from(u16::try_from(milliseconds % 1000).unwrap()) / 1000.0;
            let time = DateTime::from_secs_f64(seconds + rest);
            let expected = Timestamps { created: milliseconds, modified: milliseconds };
            assert_eq!(timestamps(Some(&time), Some(&time)), Some(expected));
        }
    }
}
