//! Apps that users started: never desired, only found, since they stand in the way of changes and of destroy.
//!
//! Identity: domain, owner (a profile or a space), type and name. A deleted app stays listed for a day; a failed one
//! needs no deletion, and deleting it is an error. Whatever needs them gone is refused while there are any, unless it is
//! told to stop or to drain them.

use async_trait::async_trait;
use aws_sdk_sagemaker::types::{AppDetails, AppType};

use super::permissions::{CHANGE, Grant, LOOK, Scope};
use super::{ObserveContext, Resource, required};
use crate::aws::error::failed;
use crate::aws::wait::{WaitPolicy, WaitProgress};
use crate::aws::{Account, PAGE, answer};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Kind, Observed, State, Value};
use crate::plan::{Action, DeletionPolicy, Rules};

/// Verbs and rules of the kind `app`.
#[derive(Debug)]
pub struct AppResource;

impl Rules for AppResource {}

#[async_trait(?Send)]
impl Resource for AppResource {
    fn kind(&self) -> Kind {
        Kind::App
    }

    /// As spaces, apps are known by the domain that they are in alone.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let mut grants = vec![Grant::anywhere(LOOK, &["sagemaker:ListApps"])];
        if scope.domain_id.is_some() {
            let delete = ["sagemaker:DescribeApp", "sagemaker:DeleteApp"];
            grants.push(Grant::new(CHANGE, &delete, [scope.in_domain("app")]));
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
        let apps = account.sagemaker.list_apps().domain_id_equals(&domain.id).into_paginator().page_size(PAGE).items();
        let apps = apps.send().try_collect().await.map_err(|e| failed("ListApps", e))?;
        let live = apps.iter().filter_map(|app| {
            let status = app.status()?.as_str();
            // Only these keep anything from being changed or deleted.
            if !is_live(app) {
                return None;
            }
            let (kind, name) = (app.app_type()?.as_str(), app.app_name()?);
            let (owner_key, owner) = match (app.space_name(), app.user_profile_name()) {
                (Some(space), _) => ("SpaceName", space),
                (None, profile) => ("UserProfileName", profile?),
            };
            let summary = format!("{kind} {name} of {owner}, {status}");
            let properties = Value::from_iter([
                ("AppType", Value::from(kind)),
                ("AppName", name.into()),
                (owner_key, owner.into()),
                ("Summary", summary.into()),
            ]);
            let mut observed = Observed::new(name, properties).output("DomainId", &domain.id);
            if status != "InService" {
                observed.state = State::Busy(status.into());
            }
            Some((Address::new(Kind::App, format!("{owner}/{kind}/{name}")), Found::Ours(observed)))
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
        let text = |key: &str| observed.properties.text(key).map(str::to_owned);
        let domain = Some(required::output(Kind::App, observed, "DomainId")?.to_owned());
        let kind = text("AppType").map(|kind| AppType::from(kind.as_str()));
        let mut asked = false;
        let gone = async || {
            let describe = account.sagemaker.describe_app().set_domain_id(domain.clone()).set_app_type(kind.clone());
            let describe = describe.set_app_name(text("AppName")).set_space_name(text("SpaceName"));
            let describe = describe.set_user_profile_name(text("UserProfileName"));
            let status = match describe.send().await.map_err(|e| failed("DescribeApp", e)) {
                Ok(app) => answer::member("DescribeApp", "Status", app.status())?.as_str().to_owned(),
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(WaitProgress::Ready(())),
                Err(error) => return Err(error),
            };
            account.phase(address, &status);
            match status.as_str() {
                "Deleted" | "Failed" => return Ok(WaitProgress::Ready(())),
                "InService" if !asked => {
                    let delete =
                        account.sagemaker.delete_app().set_domain_id(domain.clone()).set_app_type(kind.clone());
                    let delete = delete.set_app_name(text("AppName")).set_space_name(text("SpaceName"));
                    let delete = delete.set_user_profile_name(text("UserProfileName"));
                    match delete.send().await.map_err(|e| failed("DeleteApp", e)) {
                        Err(error) if error.kind == ErrorKind::NotFound || already_gone(&error) => {
                            return Ok(WaitProgress::Ready(()));
                        }
                        other => other.map(drop)?,
                    }
                    asked = true;
                }
                // A pending app cannot be deleted: it becomes InService or Failed first.
                _ => {}
            }
            Ok(WaitProgress::Busy(status))
        };
        let wait_policy = account.wait_policy(Kind::App, Action::Delete, WaitPolicy::APP);
        account.clock.until(&address.to_string(), wait_policy, gone).await?;
        Ok(Deleted::Gone)
    }
}

/// Returns `true` if an app is one of those that keep anything from being changed or deleted.
fn is_live(app: &AppDetails) -> bool {
    app.status().is_some_and(|status| matches!(status.as_str(), "Pending" | "InService" | "Deleting"))
}

/// The live apps in a domain that are `of` whom they are asked for, for people.
pub(super) async fn left_in(
    account: &Account,
    domain: &str,
    of: impl Fn(&AppDetails) -> bool,
) -> Result<Vec<String>, CloudError> {
    let apps = account.sagemaker.list_apps().domain_id_equals(domain).into_paginator().page_size(PAGE).items();
    let apps = apps.send().try_collect().await.map_err(|e| failed("ListApps", e))?;
    let left = apps.iter().filter(|app| is_live(app) && of(app));
    let named = left.filter_map(|app| {
        let owner = app.space_name().or(app.user_profile_name())?;
        Some(Address::new(Kind::App, format!("{owner}/{}/{}", app.app_type()?.as_str(), app.app_name()?)).to_string())
    });
    Ok(named.collect())
}

/// The two texts with which SageMaker says that an app needs no deletion (terraform-provider-aws, `app.go`).
fn already_gone(error: &CloudError) -> bool {
    error.message.contains("has already been deleted")
        || error.message.contains("previously failed and was automatically deleted")
}
