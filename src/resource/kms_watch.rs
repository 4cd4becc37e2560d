//! Watched properties of the key: grants, by which its owner lets others use it beside its policy.

use aws_sdk_kms::types::GrantListEntry;

use super::watch::look;
use crate::aws::{Account, answer};
use crate::cloud::CloudError;
use crate::hint::quoted;
use crate::model::{Arn, Observed, Path, Value};
use crate::plan::Watched;

/// Notes the grants that let another account use the key.
pub fn note(
    account: &Account,
    grants: Result<Vec<GrantListEntry>, CloudError>,
    observed: &mut Observed,
) -> Result<(), CloudError> {
    let grants = look(grants, "the key's grants", &mut observed.unwatched)?.unwrap_or_default();
    let away = grants.iter().filter(|grant| is_elsewhere(account, grant)).map(|grant| {
        let id = answer::text("ListGrants", "GrantId", grant.grant_id())?;
        Ok((id.to_owned(), Value::from(grant.grantee_principal().unwrap_or("somebody"))))
    });
    let away: Value = away.collect::<Result<Vec<_>, CloudError>>()?.into_iter().collect();
    if away != Value::map() {
        observed.properties.set("Grants", away);
    }
    Ok(())
}

/// Returns `true` if a grant lets another account use the key. Those of AWS's own services, which encrypt with it, name
/// a service.
fn is_elsewhere(account: &Account, grant: &GrantListEntry) -> bool {
    let to = Arn::parse(grant.grantee_principal().unwrap_or_default());
    to.is_some_and(|arn| !arn.account.is_empty() && arn.account != account.deployment.account)
}

/// The grants that are found. To revoke one may cut somebody off, so that a person does it.
pub fn watch(observed: &Observed) -> Vec<Watched> {
    let grants = observed.properties.get("Grants").map(Value::entries).into_iter().flatten();
    let found = grants.map(|(id, to)| {
        let command = format!("aws kms revoke-grant --key-id {} --grant-id {}", observed.id, quoted(id));
        let why = "another account may use the key, and read what it encrypts";
        Watched::by_hand(Path(vec!["Grants".into(), id.clone()]), to, why, command)
    });
    found.collect()
}
