//! KMS: aliases of keys.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::kms::{check_not_pending, find, not_found, paged};
use crate::core::service::{Input, Operation, epoch, operation, validation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::World;

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation("CreateAlias", "AliasName TargetKeyId", create),
    operation("UpdateAlias", "AliasName TargetKeyId", update),
    operation("DeleteAlias", "AliasName", delete),
    operation("ListAliases", "KeyId Limit Marker", list),
];

const ALIASES: &str = "kms/alias";

#[derive(Clone, Serialize, Deserialize)]
struct Alias {
    key: String,
    created: i64,
    updated: i64,
}

/// The id of the key that `name` (`alias/…`) stands for in `account`.
pub fn target(world: &World, account: &str, name: &str) -> Option<String> {
    world.get_of::<Alias>(account, ALIASES, name).map(|alias| alias.key)
}

/// Lets `name` stand for a key, unless it stands for one already.
pub fn seed(world: &mut World, name: &str, key: &str) -> bool {
    if world.has(ALIASES, name) {
        return false;
    }
    let now = world.now();
    world.put(ALIASES, name, &Alias { key: key.to_owned(), created: now, updated: now });
    true
}

fn name(input: Input<'_>) -> Result<&str, Refusal> {
    let name = input.need("AliasName")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || ":/_-".contains(c);
    let rest = name.strip_prefix("alias/").unwrap_or_default();
    if rest.is_empty() || !rest.chars().all(valid) || name.len() > 256 {
        return Err(validation(format!(
            "1 validation error detected: Value '{name}' at 'aliasName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: ^alias/[a-zA-Z0-9/_-]+$"
        )));
    }
    if rest.starts_with("aws/") {
        return Err(Refusal::new("NotAuthorizedException", "").with_status(400));
    }
    Ok(name)
}

fn create(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let name = name(input)?;
    let key = find(world, input.need("TargetKeyId")?)?;
    check_not_pending(world, &key)?;
    if world.has(ALIASES, name) {
        let message = format!("An alias with the name {} already exists", world.arn("kms", name));
        return Err(Refusal::new("AlreadyExistsException", message));
    }
    let now = world.now();
    world.put(ALIASES, name, &Alias { key: key.id, created: now, updated: now });
    Ok(json!({}))
}

fn existing(world: &World, name: &str) -> Result<Alias, Refusal> {
    world.get(ALIASES, name).ok_or_else(|| not_found(format!("Alias {} is not found.", world.arn("kms", name))))
}

fn update(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let name = name(input)?;
    let alias = existing(world, name)?;
    let key = find(world, input.need("TargetKeyId")?)?;
    check_not_pending(world, &key)?;
    let updated = world.now();
    world.put(ALIASES, name, &Alias { key: key.id, updated, ..alias });
    Ok(json!({}))
}

fn delete(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let name = name(input)?;
    existing(world, name)?;
    world.remove(ALIASES, name);
    Ok(json!({}))
}

fn list(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let only = input.text("KeyId").map(|reference| find(world, reference)).transpose()?;
    let aliases = world.list::<Alias>(ALIASES, "").into_iter();
    let fitting = aliases.filter(|(_, alias)| only.as_ref().is_none_or(|key| key.id == alias.key));
    let described = fitting.map(|(name, alias)| {
        json!({
            "AliasName": name,
            "AliasArn": world.arn("kms", &name),
            "TargetKeyId": alias.key,
            "CreationDate": epoch(alias.created),
            "LastUpdatedDate": epoch(alias.updated),
        })
    });
    paged(input, "Aliases", described.collect())
}
