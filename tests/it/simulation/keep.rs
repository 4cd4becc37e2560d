//! Things that people keep in an account, and the consent without which none of them may go.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::stage::Order;
use crate::support::picture::Tables;

/// Something that holds what somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A file system with everybody's home directory; whether any profile ever had one on it.
    Home { used: bool },
    /// A profile: without it nobody finds the home directory again.
    Profile(String),
    /// A space with its volume.
    Space,
    /// An app with what was not saved.
    App,
    /// A bucket, or an object that nobody of the tool's put there.
    Object,
    /// A key that can be used.
    Key,
}

/// Everything that holds what somebody made, by what it is.
pub fn kept(tables: &Tables) -> BTreeMap<String, Kept> {
    let of = |table: &str| tables.get(table).into_iter().flatten();
    let status = |record: &Json| record["life"]["status"].as_str().unwrap_or_default().to_owned();
    let lives = |record: &Json| !matches!(&*status(record), "Deleting" | "Deleted" | "Failed");
    let mut kept = BTreeMap::new();
    for (id, system) in of("efs/file-system").filter(|(_, system)| system["gone_at"].is_null()) {
        let owner = &system["creation_token"];
        let mut domains = of("studio/domain").filter(|(id, _)| owner == *id);
        let failed =
            domains.next().is_some_and(|(_, domain)| status(domain) == "Failed" || status(domain) == "Pending");
        let used = !failed || of("studio/user-profile").any(|(_, profile)| profile["domain"] == *owner);
        kept.insert(format!("home {id}"), Kept::Home { used });
    }
    for (key, profile) in of("studio/user-profile").filter(|(_, profile)| lives(profile)) {
        let user = profile["name"].as_str().unwrap().to_owned();
        kept.insert(format!("profile {key} ({})", profile["uid"]), Kept::Profile(user));
    }
    for (key, space) in of("studio/space").filter(|(_, space)| lives(space)) {
        kept.insert(format!("space {key} ({})", space["life"]["created"]), Kept::Space);
    }
    for (key, app) in of("studio/app").filter(|(_, app)| lives(app)) {
        kept.insert(format!("app {key} ({})", app["life"]["created"]), Kept::App);
    }
    for (name, _) in of("s3/bucket") {
        kept.insert(format!("bucket {name}"), Kept::Object);
    }
    for (name, _) in of("s3/object").filter(|(name, _)| name.contains("notebook-of-")) {
        kept.insert(format!("object {name}"), Kept::Object);
    }
    for (id, _) in of("kms/key").filter(|(_, key)| key["deletion_at"].is_null() && key["enabled"] == true) {
        kept.insert(format!("key {id}"), Kept::Key);
    }
    kept
}

/// Things of `before` that are gone without anybody's consent.
pub fn lost(before: &BTreeMap<String, Kept>, after: &BTreeMap<String, Kept>, orders: &[&Order]) -> Vec<String> {
    let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
    let gone = gone.filter(|(_, kept)| !orders.iter().any(|order| may_go(kept, order)));
    gone.map(|(name, kept)| format!("{name} ({kept:?})")).collect()
}

/// Returns `true` if an order, or its config, says that such a thing may go.
fn may_go(kept: &Kept, order: &Order) -> bool {
    let says = |words: &[&str]| order.line.windows(words.len()).any(|window| window == words);
    let config: Json = serde_json::from_str(&order.text).unwrap_or_default();
    let policy = |key: &str| config["domain"]["removalPolicy"][key] == "delete";
    let destroys = says(&["destroy"]);
    let replaces = says(&["--allow-replace", "domain.studio"]);
    match kept {
        Kept::Home { used: false } => true,
        Kept::Home { .. } => {
            (destroys && (says(&["--home-efs", "delete"]) || policy("homeEfs") && !says(&["--home-efs", "retain"])))
                || says(&["cleanup"])
        }
        Kept::Profile(user) => {
            destroys
                || replaces
                || USERS_OF_FLAGS.iter().any(|flag| match *flag {
                    "--allow-profile-delete" => {
                        order.line.windows(2).any(|pair| pair[0] == *flag && user.starts_with(&pair[1]))
                    }
                    _ => order.line.windows(2).any(|pair| {
                        pair[0] == *flag
                            && pair[1].strip_prefix("user_profile.").is_some_and(|name| user.starts_with(name))
                    }),
                })
        }
        Kept::Space => says(&["--drain"]),
        Kept::App => says(&["--drain"]) || says(&["--stop-apps"]),
        Kept::Object => {
            destroys && (says(&["--bucket", "delete"]) || policy("bucket") && !says(&["--bucket", "retain"]))
        }
        Kept::Key => {
            destroys && (says(&["--kms-key", "delete"]) || policy("kmsKey") && !says(&["--kms-key", "retain"]))
        }
    }
}

const USERS_OF_FLAGS: [&str; 2] = ["--allow-profile-delete", "--allow-replace"];
