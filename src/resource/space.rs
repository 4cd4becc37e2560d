//! Spaces that users made: never desired, only found, since they stand in the way of destroy.
//!
//! Identity: domain and name. A space can only go once its apps are gone. Destroy refuses while
//! there are any, unless it is told to drain.

use async_trait::async_trait;

use super::{Resource, View};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::aws::wait::{Patience, Progress};
use crate::cloud::{CloudError, Deleted, ErrorKind, Sent};
use crate::model::{Address, Found, Kind, Observed, Value};
use crate::plan::{Action, Rules};

/// The kind.
#[derive(Debug)]
pub struct Space;

impl Rules for Space {}

#[async_trait(?Send)]
impl Resource for Space {
    fn kind(&self) -> Kind {
        Kind::Space
    }

    fn grants(&self, deployment: &crate::model::Deployment, _names: &super::Names) -> Vec<super::permissions::Grant> {
        use super::permissions::Grant;
        vec![
            Grant { resources: vec!["*".into()], read: &["sagemaker:ListSpaces"], write: &[], delete: &[] },
            Grant {
                resources: vec![deployment.arn("sagemaker", "space/*")],
                read: &["sagemaker:DescribeSpace"],
                write: &[],
                delete: &["sagemaker:DescribeSpace", "sagemaker:DeleteSpace"],
            },
        ]
    }

    fn is_found_late(&self) -> bool {
        true
    }

    async fn observe(&self, account: &Account, view: View<'_>) -> Result<Vec<(Address, Found)>, CloudError> {
        let Some(domain) = view.domain else { return Ok(Vec::new()) };
        let spaces = account.sagemaker.list_spaces().domain_id_equals(&domain.id).into_paginator().items();
        let spaces = spaces.send().try_collect().await.map_err(|e| failed("ListSpaces", e))?;
        let live = spaces.iter().filter_map(|space| {
            let name = space.space_name()?;
            let owner = space.ownership_settings_summary().and_then(|owner| owner.owner_user_profile_name());
            let sharing = space.space_sharing_settings_summary().and_then(|sharing| sharing.sharing_type());
            // Whether others get in is the sharing type's to say: a shared space has an owner too.
            let is_shared = sharing.map_or(owner.is_none(), |sharing| sharing.as_str() == "Shared");
            let kind = if is_shared { "shared" } else { "private" };
            let of = owner.map(|owner| format!(" of {owner}")).unwrap_or_default();
            let summary = format!("{kind} space {name}{of}");
            let mut properties = Value::from_iter([("SpaceName", Value::from(name)), ("Summary", summary.into())]);
            if let Some(sharing) = sharing {
                properties.set("SharingType", sharing.as_str());
            }
            let observed = Observed::new(name, properties).output("DomainId", &domain.id);
            Some((Address::new(Kind::Space, name), Found::Ours(observed)))
        });
        Ok(live.collect())
    }

    async fn delete(&self, account: &Account, address: &Address, observed: &Observed) -> Result<Deleted, CloudError> {
        let domain = observed.outputs.get("DomainId").map(String::as_str).unwrap_or_default();
        let delete = account.sagemaker.delete_space().domain_id(domain).space_name(&observed.id);
        match delete.send().await.map_err(|e| failed("DeleteSpace", e)) {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(Deleted::Gone),
            // It may be going already, asked by a run that could not wait for it.
            Err(error) if error.is("ResourceInUse") => {
                let describe = account.sagemaker.describe_space().domain_id(domain).space_name(&observed.id);
                match describe.send().await.map_err(|e| failed("DescribeSpace", e)) {
                    Ok(space) if space.status().is_some_and(|status| status.as_str() == "Deleting") => {}
                    Err(gone) if gone.kind == ErrorKind::NotFound => return Ok(Deleted::Gone),
                    Ok(_) => return Err(error),
                    Err(unread) => return Err(unread),
                }
            }
            other => other.map(drop)?,
        }
        let gone = async || {
            let describe = account.sagemaker.describe_space().domain_id(domain).space_name(&observed.id);
            match describe.send().await.map_err(|e| failed("DescribeSpace", e)) {
                Err(error) if error.kind == ErrorKind::NotFound => Ok(Progress::Ready(())),
                Err(error) => Err(error),
                Ok(space) => {
                    let status = space.status().map_or("", |status| status.as_str()).to_owned();
                    if status == "Delete_Failed" {
                        let reason = space.failure_reason().unwrap_or_default();
                        return Err(CloudError {
                            sent: Sent::Yes,
                            ..CloudError::new(ErrorKind::Failed, "DeleteSpace", reason)
                        });
                    }
                    account.phase(address, &status);
                    Ok(Progress::Busy(status))
                }
            }
        };
        let patience = account.patience(Kind::Space, Action::Delete, Patience::PROFILE);
        account.clock.until(&address.to_string(), patience, gone).await?;
        Ok(Deleted::Gone)
    }
}
