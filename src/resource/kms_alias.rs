//! Alias of a key: the name by which the key of a deployment is found, and the one thing of it that goes with a destroy.

use super::kms_key::find;
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Found, Observed};

/// Points the alias to a key of ours, wherever an earlier attempt left it.
pub(super) async fn point_alias(account: &Account, alias: &str, key: &str) -> Result<(), CloudError> {
    let create = account.kms.create_alias().alias_name(alias).target_key_id(key);
    match create.send().await.map_err(|e| failed("CreateAlias", e)) {
        Err(error) if error.is("AlreadyExistsException") => {
            // Ours from an answer that was lost, or one left pointing to an earlier key of this deployment.
            match find(account, alias).await? {
                Found::Ours(observed) if observed.id == key => Ok(()),
                Found::Ours(_) => {
                    let update = account.kms.update_alias().alias_name(alias).target_key_id(key);
                    update.send().await.map_err(|e| failed("UpdateAlias", e))?;
                    Ok(())
                }
                _ => Err(error),
            }
        }
        other => other.map(drop),
    }
}

/// Deletes the alias, and leaves the key.
pub(super) async fn delete_alias(account: &Account, observed: &Observed) -> Result<(), CloudError> {
    let Some(alias) = observed.properties.text("AliasName") else { return Ok(()) };
    let delete = account.kms.delete_alias().alias_name(alias);
    match delete.send().await.map_err(|e| failed("DeleteAlias", e)) {
        Err(error) if error.kind != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
