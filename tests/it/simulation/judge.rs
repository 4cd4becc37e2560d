//! Laws that hold after every command, and for an account once all is well again.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::keep::{kept, lost};
use super::stage::{OURS, Order, Stage};
use studio_sandbox::Call;

use crate::convergence::{flat, is_default, says_that_it_stays};
use crate::support::ended::{Ended, is_lock};
use crate::support::picture::{Picture, Tables, difference, picture};

/// Codes that promise that nothing was changed.
const HARMLESS: [u8; 9] = [2, 3, 4, 5, 6, 7, 10, 64, 70];

/// Checks how a command ended; `code` is none when it was killed.
pub fn command(order: &Order, code: Option<u8>, ended: &Ended) -> Result<(), String> {
    let done = |call: &&Call| call.writes && !is_lock(call) && (200..300).contains(&call.status);
    let done: Vec<&Call> = ended.calls.iter().filter(done).collect();
    let maybe = ended.calls.iter().any(|call| call.writes && !is_lock(call) && call.status == 0);
    let said = ended.said();
    let Some(code) = code else { return Ok(()) };
    if code == 70 || said.contains("panicked") {
        return Err(format!("it ended with {code}"));
    }
    if HARMLESS.contains(&code) && !done.is_empty() {
        let calls: Vec<String> = done.iter().map(|call| format!("{} {}", call.operation, call.resource)).collect();
        return Err(format!("it ended with {code} and did {}", calls.join(", ")));
    }
    if code == 8 && done.is_empty() && !maybe {
        return Err("it ended with 8 and did nothing".into());
    }
    // What was left out, and why, the plan says.
    let is_said = said.contains("SD") || matches!(code, 5 | 8) && said.contains("blocked");
    if !matches!(code, 0 | 2 | 64) && !is_said {
        return Err(format!("it ended with {code} and no error has a code"));
    }
    let reads = ["plan", "diff", "drift", "output", "validate", "url"].contains(&order.line[0].as_str());
    if reads && ended.calls.iter().any(|call| call.writes) {
        return Err("it looks, and changes".into());
    }
    Ok(())
}

/// Checks an account after commands, and hands back its tables.
pub fn account(stage: &Stage, before: &Tables, orders: &[&Order]) -> Result<Tables, String> {
    let now = stage.tables();
    if let Some(meddled) = stage.meddled(&now) {
        return Err(format!("something of others has changed: {meddled}"));
    }
    let lost = lost(&kept(before), &kept(&now), orders);
    if !lost.is_empty() {
        return Err(format!("lost without consent: {}", lost.join(", ")));
    }
    twice(&now)?;
    Ok(now)
}

/// Refuses a thing that is there twice of which there may be one.
fn twice(now: &Tables) -> Result<(), String> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (table, records) in now {
        let kinds = ["studio/domain", "kms/key", "ec2/security-group", "iam/role", "iam/policy", "s3/bucket"];
        if !kinds.contains(&table.as_str()) {
            continue;
        }
        for (key, record) in records {
            let tags = if record["tags"].is_object() { &record["tags"] } else { &record["life"]["tags"] };
            let goes = ["Deleting", "Failed", "Delete_Failed"].map(Json::from).contains(&record["life"]["status"]);
            if tags["studio-deploy:deployment"] != OURS || !record["deletion_at"].is_null() || goes {
                continue;
            }
            let address = format!("{table} {}", tags["studio-deploy:address"].as_str().unwrap_or(key));
            // Groups behind a home stay with it, and each home has its own.
            if record["name"].as_str().is_some_and(|name| name.starts_with("security-group-for-")) {
                continue;
            }
            if let Some(other) = seen.insert(address.clone(), key.clone()) {
                return Err(format!("{address} is there twice: {other} and {key}"));
            }
        }
    }
    Ok(())
}

/// Returns `true` if the lock is free.
pub fn lock_is_free(now: &Tables) -> bool {
    let locks = now.get("ssm/parameter").into_iter().flatten();
    let mut locks =
        locks.filter(|(name, _)| name.starts_with("/studio-deploy/acme/dev/ml/studio/") && name.ends_with("/lock"));
    locks.all(|(_, lock)| lock["value"].as_str().is_some_and(|value| !value.contains("\"holder\"")))
}

/// Losses of the record, which is no longer there to tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgotten {
    /// Which settings and tags were ever ours: it was lost.
    pub all: bool,
    /// Which tags of what outlives everything else were: it went with a destroy.
    pub kept: bool,
}

impl Forgotten {
    fn tags_of(self, line: &str) -> bool {
        self.all || self.kept && (line.starts_with("kms/key ") || line.starts_with("s3/bucket "))
    }
}

/// Settings of one thing, by path.
type Settings = BTreeMap<String, Json>;

/// The settings of domains and profiles, and all other lines of a picture.
fn parted(tables: &Tables, forgotten: Forgotten) -> (BTreeMap<String, Settings>, Picture) {
    let mut settings: BTreeMap<String, Settings> = BTreeMap::new();
    let mut others = Picture::new();
    for line in picture(tables) {
        let line = if forgotten.tags_of(&line) { without_own_tags(&line) } else { line };
        // Of what lies in a bucket already only new versions get another key, which the plan says.
        let line = if line.starts_with("s3/object ") { without_key(&line) } else { line };
        let (what, record) = line.split_once(": ").unwrap();
        let prefix = match what.split(' ').next() {
            Some("studio/domain") => "",
            Some("studio/user-profile") => "UserSettings",
            // What users have made is theirs; the record tells what was managed.
            Some("studio/app" | "studio/space") => continue,
            _ if what.contains("/studio-deploy/") || what.contains("notebook-of-") => continue,
            _ => {
                others.push(line);
                continue;
            }
        };
        let mut record: Json = serde_json::from_str(record).unwrap();
        let mut leaves = Settings::new();
        flat(&record["settings"], prefix, &mut leaves);
        settings.insert(what.to_owned(), leaves);
        record.as_object_mut().unwrap().remove("settings");
        others.push(format!("{what}: {record}"));
    }
    (settings, others)
}

/// A picture's line without the tags that a config gives.
fn without_own_tags(line: &str) -> String {
    let (what, record) = line.split_once(": ").unwrap();
    let mut record: Json = serde_json::from_str(record).unwrap();
    for tags in ["/tags", "/life/tags"] {
        if let Some(tags) = record.pointer_mut(tags).and_then(Json::as_object_mut) {
            tags.retain(|key, _| key.starts_with("studio-deploy:") || key.starts_with("mdaa_"));
        }
    }
    format!("{what}: {record}")
}

/// A picture's line without the key that an object is encrypted with.
fn without_key(line: &str) -> String {
    let name = "\"x-amz-server-side-encryption-aws-kms-key-id\":\"";
    let Some((before, rest)) = line.split_once(name) else { return line.to_owned() };
    format!("{before}{}", rest.split_once('"').map_or("", |(_, rest)| rest.trim_start_matches(',')))
}

/// Checks that an account is as `fresh` is, but for what was said to stay and what is kept.
pub fn equal(
    now: &Tables,
    fresh: &Tables,
    plan: &Json,
    forgotten: Forgotten,
    stays: &dyn Fn(&str) -> bool,
) -> Result<(), String> {
    let (is, others) = parted(now, forgotten);
    let (all, fresh_others) = parted(fresh, forgotten);
    let differs = difference(&fresh_others, &others);
    let differs: Vec<&str> = differs.lines().filter(|line| line.starts_with('-') || !stays(line)).collect();
    if !differs.is_empty() {
        return Err(differs.join("\n"));
    }
    for (of, is) in &is {
        let Some(should) = all.get(of) else { return Err(format!("{of} should not be there")) };
        let table = if of.starts_with("studio/domain") { "studio/domain" } else { "studio/user-profile" };
        for (path, value) in should {
            let is_default = is.get(path).is_none() && is_default(table, path, value);
            if is.get(path) != Some(value) && !is_default {
                return Err(format!("{of}: {path} is {:?} and should be {value}", is.get(path)));
            }
        }
        for (path, value) in is.iter().filter(|(path, _)| !should.contains_key(*path)) {
            let outer = path.strip_prefix("UserSettings.").map(|rest| format!("DefaultUserSettings.{rest}"));
            let domain =
                |name: &String| name.starts_with("studio/domain") && of.contains(&name["studio/domain ".len()..]);
            let inherits = outer.is_some_and(|outer| {
                all.iter().any(|(name, settings)| domain(name) && settings.get(&outer) == Some(value))
            });
            let is_said = says_that_it_stays(plan, path);
            let is_off = path == "TagPropagation" && *value == "DISABLED";
            // Nobody knows of a setting that it was ever ours once the record is gone.
            if !is_default(table, path, value) && !inherits && !is_said && !is_off && !forgotten.all {
                return Err(format!("{of}: {path} is still {value}, and nobody was told"));
            }
        }
    }
    Ok(())
}

/// Returns `true` if all that a plan has left are scripts that apps still run, which go once those have ended.
pub fn waits_for_apps(plan: &Json) -> bool {
    let changes = plan["changes"].as_array().unwrap();
    changes.iter().all(|change| {
        change["action"] == "delete" && change["address"].as_str().unwrap().starts_with("lifecycle_config.")
    })
}

/// Checks that of two runs at once each wrote in its turn: the lock changes hands once at most.
pub fn in_turn(made: &[(usize, Call)]) -> Result<(), String> {
    let writes = made.iter().filter(|(_, call)| call.writes && !is_lock(call) && (200..300).contains(&call.status));
    let mut turns: Vec<(usize, &Call)> = writes.map(|(who, call)| (*who, call)).collect();
    turns.dedup_by_key(|(who, _)| *who);
    if turns.len() > 2 {
        let turns: Vec<String> = turns.iter().map(|(who, call)| format!("{who}: {}", call.operation)).collect();
        return Err(format!("two runs write at once: {}", turns.join(", ")));
    }
    Ok(())
}

/// Returns `true` if a line of a picture is about what may stay when what it belongs to goes.
pub fn stays(line: &str) -> bool {
    let kinds = ["+ efs/", "+ s3/", "+ kms/"];
    kinds.iter().any(|kind| line.starts_with(kind)) || line.contains("security-group-for-")
}
