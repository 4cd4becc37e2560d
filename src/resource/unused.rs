//! Leftovers of a domain that failed: a file system, its mount targets and two security groups that hold the VPC,
//! and that nobody ever used.
//!
//! That nobody did is proved before any of it goes: the domain never came into service, no profile and no space is in it,
//! and its file system is as small as a new one. As soon as that is known it is written down on the things themselves, as
//! tags: whatever happens then, they are found again when the domain is gone.

use std::collections::BTreeMap;

use super::{Resource, domain, home_efs, nfs_security_group, ownership, required};
use crate::aws::Account;
use crate::cloud::{CloudError, ErrorKind};
use crate::hint::Hint;
use crate::model::{Address, Kind, Observed, State, Value};
use crate::plan::DeletionPolicy;

/// The tag that says for which domain a thing was made that never came into service.
pub const UNUSED: &str = "studio-deploy:unused";

/// The property that stands for it.
pub(super) const PROPERTY: &str = "Unused";

/// Largest size of a file system that nobody wrote to: a new one is metered at 6 KiB.
const EMPTY: i64 = 1024 * 1024;

/// Returns `true` if a file system of this size may be one that nobody wrote to.
pub(super) const fn is_empty(bytes: i64) -> bool {
    bytes <= EMPTY
}

/// Returns `true` if nobody can ever have used a domain, nor what was made for it.
///
/// # Errors
/// What AWS fails with; what may not be looked at proves nothing.
pub(super) async fn is_unused(account: &Account, failed: &Observed) -> Result<bool, CloudError> {
    let look = async {
        let marked = match &failed.state {
            State::Failed(_) => true,
            // One that had failed, and then could not be deleted.
            State::DeleteFailed(_) => false,
            _ => return Ok(false),
        };
        if !domain::left_in(account, &failed.id, true).await?.is_empty() {
            return Ok(false);
        }
        let systems = home_efs::of_domain(account, &failed.id).await?;
        let says_so = |system: &Observed| ownership::of(&system.properties).contains_key(UNUSED);
        Ok::<_, CloudError>(
            systems.iter().all(home_efs::is_empty) && (marked || !systems.is_empty() && systems.iter().all(says_so)),
        )
    };
    match look.await {
        Err(error) if error.kind == ErrorKind::Denied => Ok(false),
        other => other,
    }
}

/// Writes down, on what was made for a domain that failed, whose it is and that nobody used it.
///
/// # Errors
/// What AWS fails with; what may not be tagged is told, with the command that removes it.
pub(super) async fn mark(account: &Account, address: &Address, failed: &Observed) -> Result<(), CloudError> {
    let mut tags: BTreeMap<String, String> = ownership::of(&failed.properties);
    tags.insert(UNUSED.into(), failed.id.clone());
    let tag = async {
        for system in home_efs::of_domain(account, &failed.id).await? {
            if ownership::of(&system.properties).get(UNUSED) != Some(&failed.id) {
                home_efs::tag(account, &system.id, &tags, Vec::new()).await?;
            }
        }
        nfs_security_group::tag(account, &failed.id, &tags, Vec::new()).await
    };
    match tag.await {
        Err(error) if error.kind == ErrorKind::Denied => {
            let id = &failed.id;
            let message = format!(
                "what was made for the failed domain {id} could not be tagged ({error}); should it outlive the domain, the \
                 command cleanup removes it by that id"
            );
            account.notice(Some(address), message);
            Ok(())
        }
        other => other,
    }
}

/// The command that removes what a deleted domain left.
pub(super) fn cleanup(domain: &str) -> Hint {
    Hint::new("cleanup", ["--domain-id", domain])
}

/// Removes what is left of an unused domain that is gone. What does not go stays tagged, and is told: the next plan has
/// it.
pub(super) async fn clear_away(account: &Account, address: &Address, domain: &str) {
    let clear = async {
        for system in home_efs::of_domain(account, domain).await? {
            let address = Address::new(Kind::HomeEfs, &system.id);
            home_efs::HomeEfs.delete(account, &address, &system, DeletionPolicy::Retain).await?;
        }
        for group in nfs_security_group::made_for(account, domain).await? {
            let address =
                Address::new(Kind::NfsSecurityGroup, required::property(Kind::NfsSecurityGroup, &group, "GroupName")?);
            nfs_security_group::NfsSecurityGroup.delete(account, &address, &group, DeletionPolicy::Retain).await?;
        }
        Ok::<(), CloudError>(())
    };
    if let Err(error) = clear.await {
        let message = format!("what was made for the failed domain {domain} is still there: {error}");
        account.notice(Some(address), message);
    }
}

/// The reason why a thing goes that was made for a domain and never used, if it is one.
pub(super) fn why(observed: &Observed) -> Option<String> {
    let domain = observed.properties.text(PROPERTY)?;
    Some(format!("it was made for the domain {domain}, which failed before anybody could use it"))
}

/// Notes on a thing that it was made for a domain that nobody used.
pub(super) fn note(observed: &mut Observed, domain: &str) {
    observed.properties.set(PROPERTY, Value::from(domain));
}
