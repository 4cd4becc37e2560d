//! The live domain: how it is found, read, and waited for.

use std::cell::RefCell;

use serde_json::Value as Json;

use super::super::studio::tags::live_tags;
use super::super::studio::wait::{Stateful, state};
use super::super::{home_efs, named_key, nfs_security_group, ownership, space, unused};
use crate::aws::document::Capture;
use crate::aws::error::failed;
use crate::aws::wait::WaitPolicy;
use crate::aws::{Account, PAGE, answer, resolve};
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Address, Found, Kind, Node, Observed, State, Value};
use crate::plan::Action;

/// A domain that is waited for: by its id as soon as that is known, until then by its name.
pub(super) struct Awaited<'a> {
    node: Option<&'a Node>,
    id: RefCell<Option<String>>,
}

impl<'a> Awaited<'a> {
    /// The domain of the node's name.
    pub fn by_name(node: &'a Node) -> Self {
        Self { node: Some(node), id: RefCell::default() }
    }

    /// The domain with this id.
    pub fn by_id(id: &str) -> Self {
        Self { node: None, id: RefCell::new(Some(id.to_owned())) }
    }
}

impl Stateful for Awaited<'_> {
    const KIND: Kind = Kind::Domain;
    const NOUN: &'static str = "Domain";
    type Live = ();

    /// Inferred: Terraform's tests of a domain, which make and delete it with roles and a network, take 229 to 291 s, and some 30 s
    /// more where they change it (terraform-provider-aws, pull requests 16077, 34729, 41979).
    fn wait_policy(action: Action) -> WaitPolicy {
        WaitPolicy::DOMAIN.usually(match action {
            Action::Create => 150,
            Action::Delete => 75,
            _ => 30,
        })
    }

    async fn look(&self, account: &Account) -> Result<Option<(State, ())>, CloudError> {
        let Some(id) = self.id.borrow().clone() else { return Ok(None) };
        describe_json(account, &id).await?.map(|live| Ok((state_of(&live)?, ()))).transpose()
    }

    async fn find(&self, account: &Account, _: Option<()>) -> Result<Found, CloudError> {
        let known = self.id.borrow().clone().filter(|_| self.node.is_none());
        let found = match known {
            Some(id) => describe(account, &id).await?,
            None => find(account, self.node).await?,
        };
        if let Found::Ours(observed) = &found {
            *self.id.borrow_mut() = Some(observed.id.clone());
        }
        Ok(found)
    }
}

/// The deployment's own domain, if it has one.
///
/// # Errors
/// What SageMaker fails with.
pub async fn live(account: &Account) -> Result<Option<Observed>, CloudError> {
    Ok(find(account, None).await?.ours().cloned())
}

/// The live domain of our name.
pub(super) async fn find(account: &Account, node: Option<&Node>) -> Result<Found, CloudError> {
    let name = node.and_then(|node| node.properties.text("DomainName")).unwrap_or(&account.names.domain);
    let domains = account.domains().await?;
    let named = domains.iter().find(|domain| domain.domain_name() == Some(name));
    if let Some(id) = named.and_then(|domain| domain.domain_id()) {
        return describe(account, id).await;
    }
    // The config may have given it another name since: that is a change of our domain, not a second one.
    for domain in domains.iter() {
        let (Some(id), Some(arn)) = (domain.domain_id(), domain.domain_arn()) else { continue };
        let look = async {
            match live_tags(account, arn).await {
                Ok(tags) => Ok(Some(tags)),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        };
        let Some(tags) = account.domain_tags(arn, look).await? else { continue };
        if ownership::owner_in(account, &tags).await?.is_none() {
            return describe(account, id).await;
        }
    }
    Ok(Found::Absent)
}

async fn describe(account: &Account, id: &str) -> Result<Found, CloudError> {
    let Some(live) = describe_json(account, id).await? else { return Ok(Found::Absent) };
    let arn = answer::text_in("DescribeDomain", &live, "DomainArn")?;
    // One that is being made, or that failed, need not have the rest yet.
    let text = |key: &str| live.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
    let tags = live_tags(account, arn);
    let home = home_efs::tags(account, text("HomeEfsFileSystemId").unwrap_or_default());
    let (tags, home, nfs) = tokio::join!(tags, home, nfs_security_group::common_tags(account, id));
    let mut properties = Value::map();
    for key in [
        "DomainName",
        "AuthMode",
        "AppNetworkAccessType",
        "VpcId",
        "SubnetIds",
        "KmsKeyId",
        "DefaultUserSettings",
        "DefaultSpaceSettings",
        "DomainSettings",
        "AppSecurityGroupManagement",
        "TagPropagation",
    ] {
        if let Some(value) = live.get(key) {
            properties.set(key, value.clone());
        }
    }
    let mut properties = named_key::by_arn(&account.deployment, properties);
    if let Some(alias) = properties.text("KmsKeyId").filter(|key| key.contains("alias/")).map(str::to_owned) {
        properties.set("KmsKeyId", resolve::key_arn(account, &alias).await?);
    }
    let tags = match tags {
        Ok(tags) => tags,
        // Gone between the two calls.
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    properties.set("Tags", ownership::property(&tags));
    properties.set("HomeEfsTags", ownership::property(&home?));
    properties.set("NfsSecurityGroupTags", ownership::property(&nfs?));
    let mut observed = Observed::new(id, properties).output("DomainId", id).output("DomainArn", arn);
    for attribute in ["HomeEfsFileSystemId", "Url", "SingleSignOnApplicationArn"] {
        if let Some(value) = text(attribute) {
            observed = observed.output(attribute, value);
        }
    }
    observed.state = state_of(&live)?;
    // One that failed first and could not be deleted then never served anybody either.
    if let State::DeleteFailed(reason) = &observed.state
        && unused::is_unused(account, &observed).await?
    {
        observed.state = State::Failed(reason.clone());
    }
    ownership::classify(account, observed).await
}

async fn describe_json(account: &Account, id: &str) -> Result<Option<Json>, CloudError> {
    let capture = Capture::default();
    let describe = account.sagemaker.describe_domain().domain_id(id).customize().interceptor(capture.clone());
    match describe.send().await.map_err(|e| failed("DescribeDomain", e)) {
        Ok(_) => capture.take("DescribeDomain").map(Some),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The state that a described domain is in.
fn state_of(live: &Json) -> Result<State, CloudError> {
    let reason = live.get("FailureReason").and_then(Json::as_str).unwrap_or_default();
    Ok(state(answer::text_in("DescribeDomain", live, "Status")?, reason.to_owned()))
}

/// Profiles and spaces that are left in a domain now: all of them, or those that are not on their way out.
pub async fn left_in(account: &Account, id: &str, all: bool) -> Result<Vec<String>, CloudError> {
    let profiles = account.sagemaker.list_user_profiles().domain_id_equals(id).into_paginator().page_size(PAGE).items();
    let profiles = profiles.send().try_collect().await.map_err(|e| failed("ListUserProfiles", e))?;
    let is_going = |status: &str| status == "Deleting";
    let stays = profiles.iter().filter(|profile| all || !profile.status().is_some_and(|s| is_going(s.as_str())));
    let names = stays.filter_map(|profile| profile.user_profile_name());
    let mut left: Vec<String> = names.map(|name| Address::new(Kind::UserProfile, name).to_string()).collect();
    left.extend(space::left_in(account, id, None).await?.into_iter().map(|(_, address)| address));
    Ok(left)
}
