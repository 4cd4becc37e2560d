//! KMS: what each operation asks of its caller, the key's own policy included.

use serde_json::Value as Json;

use super::{Need, tags};
use crate::core::policy::Keys;
use crate::core::records::{KEY_ALIASES, Key};
use crate::core::service::Input;
use crate::core::world::{World, account_in};
use crate::services::kms::{arn, find};
use crate::services::kms_access::denoted;

pub(super) fn needs(world: &World, operation: &str, input: Input<'_>) -> Vec<Need> {
    let action = format!("kms:{operation}");
    let given = tags(input, "Tags", "TagKey", "TagValue");
    match operation {
        "CreateKey" => {
            let mut needs = vec![Need::anywhere(action).tagging(&given)];
            if !given.is_empty() {
                // On keys of the account: the one that is made has no id yet (KMS developer guide, "Controlling access to
                // tags"). That nothing says that it is while a key is made is a guess.
                needs.push(Need::new("kms:TagResource", arn(world, "*")).tagging(&given));
            }
            needs
        }
        // A list of aliases is allowed as a whole.
        "ListKeys" | "ListAliases" => vec![Need::anywhere(action)],
        // Aliases are allowed on both sides (KMS developer guide, "Controlling access to aliases").
        "CreateAlias" | "UpdateAlias" | "DeleteAlias" => {
            let name = input.text("AliasName").unwrap_or_default();
            let mut needs = vec![Need::new(&action, world.arn("kms", name))];
            let target = input.text("TargetKeyId").filter(|_| operation != "DeleteAlias");
            let live = (operation != "CreateAlias").then_some(name);
            needs.extend([live, target].into_iter().flatten().filter_map(|key| of_key(world, &action, key)));
            needs
        }
        // What does not exist is said to be missing and not to be forbidden: a guess.
        _ => match input.text("KeyId").and_then(|key| of_key(world, &action, key)) {
            Some(need) => {
                let asked = input.text("KeyId").and_then(|key| Some(format!("alias/{}", key.split_once("alias/")?.1)));
                let need = need.tagging(&given).untagging(&input.texts("TagKeys"));
                vec![asked.into_iter().fold(need, |need, alias| need.key("kms:RequestAlias", alias))]
            }
            None => Vec::new(),
        },
    }
}

/// `action` on the key behind an id, an ARN or an alias, whosever it is.
pub(super) fn of_key(world: &World, action: &str, reference: &str) -> Option<Need> {
    let (key, arn) = (find(world, reference).ok()?, denoted(world, reference).ok()?);
    let owner = account_in(&arn)?.to_owned();
    let keys = key_keys(world, &owner, &key);
    let policy = Some(serde_json::from_str(&key.policy).unwrap_or(Json::Null));
    Some(Need { keys, policy, owner: Some(owner), ..Need::new(action, arn) })
}

/// The condition keys that a key of `owner`'s fills in itself.
pub fn key_keys(world: &World, owner: &str, key: &Key) -> Keys {
    let aliases = if owner == world.account() { world.list::<Json>(KEY_ALIASES, "") } else { Vec::new() };
    let aliases = aliases.into_iter().filter(|(_, alias)| alias["key"].as_str() == Some(&key.id));
    let need = Need::new("kms:", "").tagged(&key.tags);
    aliases.fold(need, |need, (alias, _)| need.key("kms:ResourceAliases", alias)).keys
}
