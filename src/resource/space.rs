//! Spaces that users made: never desired, only found, since they stand in the way of destroy.
//!
//! Identity: domain and name. A space can only go once its apps are gone, and its owner's profile only once it is.
//! Whatever needs it gone is refused while there are any, unless it is told to drain: its files lie on a volume of its
//! own, which goes with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sagemaker::types::{AppDetails, SortOrder, SpaceSortKey};

use super::permissions::{CHANGE, Grant, LOOK, Scope};
use super::studio::wait::{Pause, Stateful, delete, state};
use super::{ObserveContext, Resource, app, required};
use crate::aws::error::failed;
use crate::aws::poll::{Rest, Seen, StatusList};
use crate::aws::wait::WaitPolicy;
use crate::aws::{Account, PAGE, answer};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Kind, Observed, State, Value};
use crate::plan::{Action, DeletionPolicy, Rules};

/// Verbs and rules of the kind `space`.
#[derive(Debug)]
pub struct SpaceResource;

impl Rules for SpaceResource {}

#[async_trait(?Send)]
impl Resource for SpaceResource {
    fn kind(&self) -> Kind {
        Kind::Space
    }

    /// Users make spaces, so that neither name nor tag says whose one is: only the domain that it is in.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let mut grants = vec![Grant::anywhere(LOOK, &["sagemaker:ListSpaces"])];
        if scope.domain_id.is_some() {
            let delete = ["sagemaker:DescribeSpace", "sagemaker:DeleteSpace"];
            grants.push(Grant::new(CHANGE, &delete, [scope.in_domain("space")]));
        }
        grants
    }

    fn observe_after_domain(&self) -> bool {
        true
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        let Some(domain) = context.domain else { return Ok(Vec::new()) };
        let spaces =
            account.sagemaker.list_spaces().domain_id_equals(&domain.id).into_paginator().page_size(PAGE).items();
        let spaces = spaces.send().try_collect().await.map_err(|e| failed("ListSpaces", e))?;
        let live = spaces.iter().filter_map(|space| {
            let name = space.space_name()?;
            let owner = space.ownership_settings_summary().and_then(|owner| owner.owner_user_profile_name());
            let sharing = space.space_sharing_settings_summary().and_then(|sharing| sharing.sharing_type());
            // Whether others get in is the sharing type's to say: a shared space has an owner too.
            let is_shared = sharing.map_or(owner.is_none(), |sharing| sharing.as_str() == "Shared");
            let kind = if is_shared { "shared" } else { "private" };
            let of = owner.map(|owner| format!(" of {owner}")).unwrap_or_default();
            let settings = space.space_settings_summary();
            let app = settings.and_then(|settings| settings.app_type()).map(|app| format!("{} ", app.as_str()));
            let storage = settings.and_then(|settings| settings.space_storage_settings());
            let size =
                storage.and_then(|storage| storage.ebs_storage_settings()).and_then(|ebs| ebs.ebs_volume_size_in_gb());
            let volume = size.map(|size| format!(", {size} GB")).unwrap_or_default();
            let status = space.status().map_or("", |status| status.as_str());
            let summary = format!("{kind} {}space{of}{volume}, {status}", app.unwrap_or_default());
            let mut properties = Value::from_iter([("SpaceName", Value::from(name)), ("Summary", summary.into())]);
            if let Some(sharing) = sharing {
                properties.set("SharingType", sharing.as_str());
            }
            if let Some(owner) = owner {
                properties.set("OwnerUserProfileName", owner);
            }
            let mut observed = Observed::new(name, properties).output("DomainId", &domain.id);
            // A list does not say why; a space is only ever deleted.
            observed.state = state(status, String::new());
            Some((Address::new(Kind::Space, name), Found::Ours(observed)))
        });
        Ok(live.collect())
    }

    async fn delete(
        &self,
        account: &Account,
        address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let domain = required::output(Kind::Space, observed, "DomainId")?;
        let space = Space { domain, name: &observed.id };
        let ask = async || {
            let delete = account.sagemaker.delete_space().domain_id(domain).space_name(&observed.id);
            delete.send().await.map(drop).map_err(|e| failed("DeleteSpace", e))
        };
        let of_space = |app: &AppDetails| app.space_name() == Some(observed.id.as_str());
        let left = async || app::left_in(account, domain, of_space).await;
        delete(account, address, &space, &observed.state, ask, left).await?;
        Ok(Deleted::Gone)
    }
}

/// A space that is waited for.
struct Space<'a> {
    domain: &'a str,
    name: &'a str,
}

impl Stateful for Space<'_> {
    const KIND: Kind = Kind::Space;
    const NOUN: &'static str = "Space";
    type Live = ();

    /// A guess: nobody has written down how long the deletion of a space takes, and no other operation on it is waited for.
    fn wait_policy(_: Action) -> WaitPolicy {
        WaitPolicy::PROFILE.usually(10)
    }

    async fn look(&self, account: &Account) -> Result<Option<(State, ())>, CloudError> {
        let describe = account.sagemaker.describe_space().domain_id(self.domain).space_name(self.name);
        match describe.send().await.map_err(|e| failed("DescribeSpace", e)) {
            Ok(live) => {
                let status = answer::member("DescribeSpace", "Status", live.status())?.as_str();
                Ok(Some((state(status, live.failure_reason().unwrap_or_default().to_owned()), ())))
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn find(&self, account: &Account, _: Option<()>) -> Result<Found, CloudError> {
        let looked = self.look(account).await?;
        let found = |(state, ())| Found::Ours(Observed { state, ..Observed::new(self.name, Value::map()) });
        Ok(looked.map_or(Found::Absent, found))
    }

    async fn rest(&self, account: &Account, pause: Pause, goes_on: impl Fn(&str) -> Option<Duration>) {
        let rest = Rest { name: self.name, pause: pause.length, between: pause.between_lists };
        account.spaces.rest(&account.clock, rest, &Newest { account, domain: self.domain }, goes_on).await;
    }
}

/// The spaces of a domain that were changed last.
struct Newest<'a> {
    account: &'a Account,
    domain: &'a str,
}

impl StatusList for Newest<'_> {
    async fn read(&self, keys: &BTreeSet<String>) -> Result<BTreeMap<String, String>, CloudError> {
        let list = self.account.sagemaker.list_spaces().domain_id_equals(self.domain);
        let list = list.sort_by(SpaceSortKey::LastModifiedTime).sort_order(SortOrder::Descending);
        let mut pages = list.into_paginator().page_size(PAGE).send();
        let mut seen = Seen::of(keys);
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| failed("ListSpaces", e))?;
            let spaces = page.spaces().iter().filter_map(|space| Some((space.space_name()?, space.status()?.as_str())));
            if seen.page(spaces) {
                break;
            }
        }
        Ok(seen.statuses)
    }
}

/// The spaces of a profile, or of everybody, that are there now: name, and address for people.
pub(super) async fn left_in(
    account: &Account,
    domain: &str,
    profile: Option<&str>,
) -> Result<Vec<(String, String)>, CloudError> {
    let spaces = account.sagemaker.list_spaces().domain_id_equals(domain).into_paginator().page_size(PAGE).items();
    let spaces = spaces.send().try_collect().await.map_err(|e| failed("ListSpaces", e))?;
    let left = spaces.iter().filter(|space| space.status().is_none_or(|status| status.as_str() != "Deleting"));
    let left = left.filter(|space| {
        let owner = space.ownership_settings_summary().and_then(|owner| owner.owner_user_profile_name());
        profile.is_none_or(|profile| owner.is_some_and(|owner| owner.eq_ignore_ascii_case(profile)))
    });
    let left = left.filter_map(|space| space.space_name());
    Ok(left.map(|name| (name.to_owned(), Address::new(Kind::Space, name).to_string())).collect())
}
