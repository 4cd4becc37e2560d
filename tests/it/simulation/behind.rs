//! Changes that somebody makes by hand to things of ours, which the next apply puts right.

use serde_json::{Value as Json, json};

use super::stage::{OURS, Stage};
use crate::support::dice::Dice;
use crate::support::picture::{Tables, records};

/// Things of ours of a table, by key.
fn ours(tables: &Tables, table: &str) -> Vec<(String, Json)> {
    let of = records(tables).filter(|(of, _, _)| *of == table);
    let ours = of.filter(|(_, _, record)| {
        let tags = if record["tags"].is_object() { &record["tags"] } else { &record["life"]["tags"] };
        tags["studio-deploy:deployment"] == OURS
    });
    ours.map(|(_, key, record)| (key.to_owned(), record.clone())).collect()
}

/// Changes one thing of ours; what it was.
pub fn meddle(stage: &Stage, dice: &mut Dice) -> String {
    let tables = stage.tables();
    let table = dice.one(&[
        "iam/role",
        "iam/policy",
        "kms/key",
        "s3/bucket",
        "ec2/security-group",
        "ssm/parameter",
        "ssm/parameter",
        "studio/domain",
        "studio/user-profile",
        "studio/lifecycle-config",
    ]);
    let all = ours(&tables, table);
    if all.is_empty() {
        return "nothing".into();
    }
    let (key, mut record) = all[usize::try_from(dice.roll(all.len() as u64)).unwrap()].clone();
    if key.starts_with("/studio-deploy/")
        || record["name"].as_str().is_some_and(|name| name.starts_with("security-group-for-"))
    {
        return "nothing".into();
    }
    let what = change(&mut record, table, dice);
    let put = stage.lab.sandbox.with_world(|world| match &what {
        Some(_) => world.put(table, &key, &record),
        None => drop(world.remove(table, &key)),
    });
    put.unwrap();
    format!("{table} {key}: {}", what.unwrap_or("deleted"))
}

/// Changes a record; what was changed, or none if it is to go.
fn change(record: &mut Json, table: &str, dice: &mut Dice) -> Option<&'static str> {
    let choice = dice.roll(3);
    let tags = if record["tags"].is_object() { &mut record["tags"] } else { &mut record["life"]["tags"] };
    if choice == 0 {
        let members = tags.as_object_mut().unwrap();
        let own: Vec<String> = members.keys().filter(|name| !name.starts_with("studio-deploy:")).cloned().collect();
        if let Some(name) = own.get(usize::try_from(dice.roll(own.len().max(1) as u64)).unwrap()) {
            match dice.roll(2) {
                0 => members.insert(name.clone(), json!("by-hand")),
                _ => members.shift_remove(name),
            };
            return Some("a tag");
        }
    }
    match table {
        "iam/role" => {
            record["trust"] = json!(record["trust"].as_str().unwrap().replace("sts:AssumeRole", "sts:*"));
            Some("trust")
        }
        "iam/policy" => {
            let default = record["default"].to_string();
            let document =
                record["versions"][&default]["document"].as_str().unwrap().replace("kms:Encrypt", "kms:List*");
            record["versions"][&default]["document"] = json!(document);
            Some("document")
        }
        "kms/key" if choice == 1 => {
            record["rotation"] = json!(false);
            Some("rotation")
        }
        "kms/key" => {
            record["policy"] = json!(record["policy"].as_str().unwrap().replace("kms:Encrypt", "kms:DescribeKey"));
            Some("policy")
        }
        "s3/bucket" if choice == 1 => {
            record["policy"] = Json::Null;
            Some("policy")
        }
        "s3/bucket" => {
            let name = dice.one(&["encryption", "versioning", "publicAccessBlock"]);
            record["configurations"].as_object_mut().unwrap().shift_remove(name);
            Some("configuration")
        }
        "ec2/security-group" => {
            record["rules"] = json!({});
            Some("rules")
        }
        "ssm/parameter" if choice == 1 => None,
        "ssm/parameter" => {
            record["value"] = json!("by hand");
            Some("value")
        }
        "studio/domain" => {
            record["settings"]["DefaultUserSettings"]["ExecutionRole"] = json!("arn:aws:iam::123456789012:role/users");
            Some("role")
        }
        "studio/user-profile" if record["settings"]["ExecutionRole"].is_string() => {
            record["settings"]["ExecutionRole"] = json!("arn:aws:iam::123456789012:role/admin");
            record["life"]["modified"] = json!(record["life"]["modified"].as_i64().unwrap() + 1);
            Some("role")
        }
        _ => Some("nothing"),
    }
}
