//! The live profile: how it is read, and waited for.

use aws_smithy_types::DateTime;
use serde_json::Value as Json;

use super::super::studio::tags::live_tags;
use super::super::studio::wait::{Stateful, state};
use super::super::{named_key, ownership, required};
use crate::aws::document::Capture;
use crate::aws::error::failed;
use crate::aws::wait::WaitPolicy;
use crate::aws::{Account, answer};
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Found, Kind, Node, Observed, State, Timestamps, Value};

/// The live profile of a name in a domain.
pub(super) async fn describe(account: &Account, domain: &str, name: &str) -> Result<Found, CloudError> {
    let capture = Capture::default();
    let describe = account.sagemaker.describe_user_profile().domain_id(domain).user_profile_name(name);
    let answer = describe.customize().interceptor(capture.clone()).send().await;
    let timestamps = match answer.map_err(|e| failed("DescribeUserProfile", e)) {
        Ok(profile) => timestamps(profile.creation_time(), profile.last_modified_time()),
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let live = capture.take("DescribeUserProfile")?;
    let text = |key: &str| answer::text_in("DescribeUserProfile", &live, key);
    let arn = text("UserProfileArn")?;
    let tags = match live_tags(account, arn).await {
        Ok(tags) => tags,
        // Gone between the two calls.
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let mut properties = Value::map();
    for key in ["UserProfileName", "DomainId", "SingleSignOnUserIdentifier", "SingleSignOnUserValue", "UserSettings"] {
        if let Some(value) = live.get(key) {
            properties.set(key, value.clone());
        }
    }
    let mut properties = named_key::by_arn(&account.deployment, properties);
    properties.set("Tags", ownership::property(&tags));
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
    let reason = live.get("FailureReason").and_then(Json::as_str).unwrap_or_default();
    observed.state = state(text("Status")?, reason.to_owned());
    ownership::classify(account, observed).await
}

/// The timestamps that two times make, where AWS tells both.
pub(super) fn timestamps(created: Option<&DateTime>, modified: Option<&DateTime>) -> Option<Timestamps> {
    let milliseconds = |time: Option<&DateTime>| time?.to_millis().ok();
    Some(Timestamps { created: milliseconds(created)?, modified: milliseconds(modified)? })
}

/// A profile that is waited for.
pub(super) struct Profile<'a> {
    pub domain: &'a str,
    pub name: &'a str,
}

impl<'a> Profile<'a> {
    /// The profile of a node, whose domain is there.
    pub fn of(node: &'a Node) -> Result<Self, CloudError> {
        Ok(Self { domain: required::text(node, "DomainId")?, name: required::text(node, "UserProfileName")? })
    }
}

impl Stateful for Profile<'_> {
    const KIND: Kind = Kind::UserProfile;
    const NOUN: &'static str = "UserProfile";
    const PATIENCE: WaitPolicy = WaitPolicy::PROFILE;

    async fn state(&self, account: &Account) -> Result<Option<State>, CloudError> {
        let describe = account.sagemaker.describe_user_profile().domain_id(self.domain).user_profile_name(self.name);
        match describe.send().await.map_err(|e| failed("DescribeUserProfile", e)) {
            Ok(live) => {
                let status = answer::member("DescribeUserProfile", "Status", live.status())?.as_str();
                Ok(Some(state(status, live.failure_reason().unwrap_or_default().to_owned())))
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn find(&self, account: &Account) -> Result<Found, CloudError> {
        describe(account, self.domain, self.name).await
    }
}
