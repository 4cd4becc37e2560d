//! The things that a deleted domain leaves behind: the home file system with its mount targets, and the two groups around
//! them. SageMaker names the groups after the domain and tags the file system with it, so that neither a record nor tags
//! of ours are needed.

use super::{home_efs, nfs_security_group, required};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Address, Found, Kind, Snapshot};

/// The status of a domain; none when there is no such domain.
///
/// # Errors
/// A call that failed.
pub async fn domain_status(account: &Account, id: &str) -> Result<Option<String>, CloudError> {
    let describe = account.sagemaker.describe_domain().domain_id(id).send().await;
    match describe.map_err(|e| failed("DescribeDomain", e)) {
        Ok(domain) => Ok(Some(domain.status().map_or("", |status| status.as_str()).to_owned())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Everything that is left of a domain, as ours: nobody else can have made it.
///
/// # Errors
/// A call that failed.
pub async fn observe(account: &Account, id: &str) -> Result<Snapshot, CloudError> {
    let mut left = Snapshot::default();
    for system in home_efs::of_domain(account, id).await? {
        left.insert(Address::new(Kind::HomeEfs, &system.id), Found::Ours(system));
    }
    for group in nfs_security_group::made_for(account, id).await? {
        let name = required::property(Kind::NfsSecurityGroup, &group, "GroupName")?.to_owned();
        left.insert(Address::new(Kind::NfsSecurityGroup, name), Found::Ours(group));
    }
    Ok(left)
}
