//! Pictures of an account: what it holds, with everything left out that two equal accounts may differ in.
//!
//! Ids that AWS makes up become what they are the id of, times and version numbers go, and of a policy or an object only
//! what is in force stays.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use studio_sandbox::RecordChange;
use studio_sandbox::Sandbox;

/// Everything in an account, by table and key.
pub type Tables = BTreeMap<String, BTreeMap<String, Json>>;

/// Lines of `table: record`, in order, that can be compared; one line stands as often as there are such records.
pub type Picture = Vec<String>;

/// Tables that hold history, sessions and what is due: nothing that an account *is*.
const PASSING: [&str; 6] = ["meta", "ssm/history", "ssm/written", "ssm/deleted", "sts/session", "studio/due"];

/// Table of SSM's parameters, by name.
const PARAMETERS: &str = "ssm/parameter";

/// Members that tell when or how often something happened, or a name that somebody made up.
const PASSING_MEMBERS: [&str; 13] = [
    "created",
    "latest",
    "modified",
    "updated",
    "visible_at",
    "held_until",
    "version",
    "uid",
    "application",
    "attached_at",
    "id",
    "creation_token",
    "next",
];

/// Members that are set once something goes, to when.
const MOMENTS: [&str; 2] = ["deletion_at", "gone_at"];

/// Tables that `sandbox` holds.
pub fn tables(sandbox: &Sandbox) -> Tables {
    let mut tables = Tables::new();
    let all: Vec<RecordChange> = sandbox.with_world(|world| world.as_changes().collect()).unwrap();
    for RecordChange { table, key, value } in all {
        if let Some(value) = value {
            tables.entry(table).or_default().insert(key, value);
        }
    }
    tables
}

/// Every record, with its table and key.
pub fn records(tables: &Tables) -> impl Iterator<Item = (&str, &str, &Json)> {
    tables.iter().flat_map(|(table, records)| records.iter().map(|(key, record)| (&**table, &**key, record)))
}

/// Makes a new sandbox hold `tables`, in the past: no read lags behind it.
pub fn restore(sandbox: &Sandbox, tables: &Tables) {
    let changes = records(tables).map(|(table, key, record)| RecordChange {
        table: table.to_owned(),
        key: key.to_owned(),
        value: Some(record.clone()),
    });
    let changes: Vec<RecordChange> = changes.filter(RecordChange::is_kept).collect();
    sandbox.with_world(|world| world.replay(changes)).unwrap();
}

/// The picture of an account.
pub fn picture(tables: &Tables) -> Picture {
    let names = names(tables);
    let mut lines = Picture::new();
    for (table, records) in tables.iter().filter(|(table, _)| !PASSING.contains(&table.as_str())) {
        for (key, record) in records.iter().filter(|(key, _)| table != PARAMETERS || !is_piece(key)) {
            let mut record = record.clone();
            in_force(table, &mut record);
            if table == PARAMETERS && key.ends_with("/record") {
                said(key, records, &mut record);
            }
            tidy(&mut record);
            let mut line = format!("{table} {key}: {record}");
            for (id, name) in &names {
                line = line.replace(id, name);
            }
            lines.push(line);
        }
    }
    lines.sort();
    lines
}

/// The lines of `one` that `other` lacks, then those that it has besides; short when they are equal: empty.
pub fn difference(one: &Picture, other: &Picture) -> String {
    let mut text = String::new();
    for (sign, these, those) in [("-", one, other), ("+", other, one)] {
        let mut those = those.clone();
        for line in these {
            match those.iter().position(|other| other == line) {
                Some(at) => drop(those.remove(at)),
                None => text.push_str(&format!("{sign} {line}\n")),
            }
        }
    }
    text
}

/// Names for the ids that AWS made up, in an order in which replacing them is safe.
fn names(tables: &Tables) -> Vec<(String, String)> {
    let of = |table: &str| tables.get(table).into_iter().flatten();
    let text = |record: &Json, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let mut names = Vec::new();
    for (id, domain) in of("studio/domain") {
        names.push((id.clone(), format!("<domain {}>", text(domain, "name"))));
    }
    // A file system and the groups that outlive their domain still carry its id.
    for (_, file_system) in of("efs/file-system") {
        names.push((text(file_system, "id"), "<home>".into()));
        names.push((text(file_system, "creation_token"), "<domain>".into()));
    }
    for (id, group) in of("ec2/security-group").filter(|(id, _)| id.len() == 20) {
        let name = text(group, "name");
        // The groups behind a file system are named after the domain.
        let name = if name.starts_with("security-group-for-") {
            name.rsplit_once("-d-").map_or(&*name, |(name, _)| name)
        } else {
            &name
        };
        names.push((id.clone(), format!("<group {name}>")));
    }
    for (id, _) in of("efs/mount-target") {
        names.push((id.clone(), "<mount target>".into()));
    }
    for (id, key) in of("kms/key").filter(|(id, _)| id.len() == 36) {
        names.push((id.clone(), format!("<key {}>", text(&key["tags"], "studio-deploy:address"))));
    }
    for (table, what) in [("iam/role", "role"), ("iam/policy", "policy")] {
        for (_, record) in of(table) {
            names.push((text(record, "id"), format!("<{what} {}>", text(record, "name"))));
        }
    }
    names
}

/// Returns `true` if a parameter is a piece of a record, which is read with that.
fn is_piece(name: &str) -> bool {
    name.starts_with("/studio-deploy/") && name.contains("/record/")
}

/// Leaves of a record what it says: its fingerprints tell when things happened.
fn said(name: &str, parameters: &BTreeMap<String, Json>, record: &mut Json) {
    let value = |name: &str| Some(parameters.get(name)?["value"].as_str()?.to_owned());
    if let Some(said) = studio_deploy::aws::record::of_parameters(name, &value) {
        record["value"] = json!(said.without_fingerprints());
    }
}

/// Leaves of policies, objects and groups only what is in force, and of a lock only whether somebody has it.
fn in_force(table: &str, record: &mut Json) {
    match table {
        "iam/policy" => {
            let default = record["default"].to_string().trim_matches('"').to_owned();
            record["versions"] = record["versions"][&default]["document"].take();
            record["default"] = Json::Null;
        }
        "s3/object" => {
            if let Some(version) = record["versions"].as_array().and_then(|versions| versions.last()) {
                *record = version.clone();
            }
        }
        "ec2/security-group" => {
            let mut rules: Vec<String> =
                record["rules"].as_object().into_iter().flatten().map(|(_, rule)| rule.to_string()).collect();
            rules.sort();
            record["rules"] = json!(rules);
        }
        "ssm/parameter" if record["name"].as_str().is_some_and(|name| name.ends_with("/lock")) => {
            let free = record["value"].as_str().is_some_and(|value| !value.contains("\"holder\""));
            record["value"] = json!(if free { "free" } else { "held" });
        }
        _ => {}
    }
}

fn tidy(record: &mut Json) {
    match record {
        Json::Object(members) => {
            members.retain(|name, _| !PASSING_MEMBERS.contains(&name.as_str()));
            for (_, moment) in members.iter_mut().filter(|(name, _)| MOMENTS.contains(&name.as_str())) {
                *moment = json!(!moment.is_null());
            }
            members.values_mut().for_each(tidy);
            let sorted: BTreeMap<String, Json> = std::mem::take(members).into_iter().collect();
            *members = Map::from_iter(sorted);
        }
        Json::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
