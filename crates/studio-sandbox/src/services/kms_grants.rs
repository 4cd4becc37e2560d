//! KMS: grants, by which a key's owner lets others use it beside its policy. They are kept and listed; that they allow
//! anything is not modelled.

use serde_json::{Value as Json, json};

use super::kms::{arn, key, paged};
use crate::core::service::{Input, Operation, operation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::{HEX, World};

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation(
        "CreateGrant",
        "KeyId GranteePrincipal RetiringPrincipal Operations Constraints GrantTokens Name",
        create,
    ),
    operation("ListGrants", "KeyId Limit Marker GrantId GranteePrincipal", list),
    operation("RevokeGrant", "KeyId GrantId", revoke),
];

/// Table of grants, by the key's id and the grant's.
const GRANTS: &str = "kms/grant";

/// The answer's members are those of KMS's model, `GrantListEntry`.
fn create(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let key = key(world, input)?;
    let id = world.id(HEX, 64);
    let grant = json!({
        "KeyId": arn(world, &key.id),
        "GrantId": id,
        "Name": input.text("Name"),
        "CreationDate": world.now() / 1000,
        "GranteePrincipal": input.need("GranteePrincipal")?,
        "RetiringPrincipal": input.text("RetiringPrincipal"),
        "IssuingAccount": format!("arn:{}:iam::{}:root", world.partition(), world.account()),
        "Operations": input.texts("Operations"),
    });
    world.put(GRANTS, &format!("{}/{id}", key.id), &grant);
    Ok(json!({"GrantId": id, "GrantToken": id}))
}

fn list(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let key = key(world, input)?;
    let grants = world.list::<Json>(GRANTS, &format!("{}/", key.id)).into_iter().map(|(_, grant)| grant);
    let wanted =
        |grant: &Json, member: &str| input.text(member).is_none_or(|text| grant[member].as_str() == Some(text));
    let grants = grants.filter(|grant| wanted(grant, "GrantId") && wanted(grant, "GranteePrincipal"));
    paged(input, "Grants", grants.collect())
}

fn revoke(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let key = key(world, input)?;
    let id = input.need("GrantId")?;
    let name = format!("{}/{id}", key.id);
    if !world.has(GRANTS, &name) {
        return Err(Refusal::new("NotFoundException", format!("Grant ID {id} not found")));
    }
    world.remove(GRANTS, &name);
    Ok(json!({}))
}
