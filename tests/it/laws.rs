//! Laws of the commands, on an account that is as unhelpful as AWS may be.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use studio_deploy::config::yaml;
use studio_sandbox::World;

use crate::support::account::{APPLY, AS_JSON, DESTROY, Lab, PLAN, PLAN_JSON};
use crate::support::behind::request;
use crate::support::configs::{EVERYTHING, MINIMAL, SAMPLES, SSO, edit};
use crate::support::ended::{Ended, is_lock};
use crate::support::picture::{Tables, picture};

/// The samples and a config with one of everything, by name.
fn configs() -> impl Iterator<Item = (&'static str, &'static str)> {
    SAMPLES.into_iter().chain([("everything", EVERYTHING)])
}

/// An account with what `config` refers to and nothing else.
fn before(config: &str) -> Lab {
    let lab = Lab::new();
    lab.run(PLAN, config).expect(2);
    lab
}

/// Everything that was written, locks included.
fn all_writes(ended: &Ended) -> Vec<&str> {
    ended.calls.iter().filter(|call| call.writes).map(|call| call.operation.as_str()).collect()
}

#[test]
fn after_an_apply_nothing_is_left_to_do() {
    for (name, config) in configs() {
        let lab = Lab::new();
        lab.run(APPLY, config).expect(0);
        let plan = lab.run(PLAN_JSON, config).expect(0).json();
        assert_eq!(plan["changes"], json!([]), "{name}");
        let again = lab.run(APPLY, config).expect(0);
        assert_eq!(all_writes(&again), Vec::<&str>::new(), "{name}");
    }
}

#[test]
fn no_call_is_refused_for_what_it_says() {
    for (name, config) in configs() {
        let lab = Lab::new();
        for command in [APPLY, DESTROY] {
            let ended = lab.run(command, config).expect(0);
            let refused = ended.calls.iter().filter(|call| call.writes && call.status >= 400);
            let refused: Vec<String> = refused.map(|call| format!("{} {}", call.operation, call.status)).collect();
            // SSM will not make a name again for half a minute, and a group waits for its interfaces: neither is met here.
            assert_eq!(refused, Vec::<String>::new(), "{name} {command:?}");
        }
    }
}

#[test]
fn destroy_leaves_the_account_as_it_was_but_for_what_it_says_that_it_keeps() {
    for (name, config) in configs() {
        let lab = before(config);
        let was = lab.tables();
        lab.run(APPLY, config).expect(0);
        let destroyed = lab.run(&[DESTROY, &AS_JSON].concat(), config).expect(0);
        let kept: BTreeSet<String> = kept(&destroyed.json());
        let left: Vec<String> = left(&was, &lab.tables());
        for thing in &left {
            assert!(
                kept.iter().any(|id| thing.contains(id.as_str())),
                "{name}: {thing} is left, and only {kept:?} is said"
            );
        }
        for id in &kept {
            assert!(
                left.iter().any(|thing| thing.contains(id.as_str())),
                "{name}: {id} is said to be kept, and is not"
            );
        }
        let again = lab.run(DESTROY, config).expect(0);
        assert_eq!(all_writes(&again), Vec::<&str>::new(), "{name}");
    }
}

#[test]
fn destroy_of_everything_leaves_the_account_as_it_was() {
    for (name, config) in configs() {
        let lab = before(config);
        let was = lab.tables();
        lab.run(APPLY, config).expect(0);
        let all = [DESTROY, &["--home-efs", "delete", "--bucket", "delete", "--kms-key", "delete"]].concat();
        lab.run(&all, config).expect(0);
        // A key cannot be deleted at once: it is only scheduled. What lies in a given bucket is not ours to delete.
        let stays =
            |thing: &String| thing.starts_with("kms/key ") || thing.starts_with("s3/object test-domain-bucket/");
        let left: Vec<String> = left(&was, &lab.tables()).into_iter().filter(|thing| !stays(thing)).collect();
        assert_eq!(left, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_was_destroyed_can_be_applied_again() {
    for (name, config) in configs() {
        let lab = Lab::new();
        for command in [APPLY, DESTROY, APPLY] {
            lab.run(command, config).expect(0);
        }
        let plan = lab.run(PLAN_JSON, config).expect(0).json();
        assert_eq!(plan["changes"], json!([]), "{name}");
        assert_eq!(lab.tables()["studio/domain"].len(), 1, "{name}");
        let keys = lab.tables().get("kms/key").map_or(0, |keys| keys.keys().filter(|id| id.len() == 36).count());
        assert!(keys <= 1, "{name}: the retained key is not taken back");
    }
}

#[test]
fn what_was_destroyed_for_good_can_be_applied_again() {
    // A bucket of one's own, and one that is given: the key that goes is found by its tags alone.
    let given = "  domainBucket: {domainBucketName: given-bucket, assetDeploymentRole: {name: given-asset-role}}\n";
    let configs = configs().map(|(name, config)| (name, config.to_owned()));
    let all = ["--home-efs", "delete", "--bucket", "delete", "--kms-key", "delete"];
    for (name, config) in configs.chain([("a given bucket", format!("{MINIMAL}{given}"))]) {
        let lab = Lab::new();
        lab.run(APPLY, &config).expect(0);
        lab.run(&[DESTROY, &all].concat(), &config).expect(0);
        // The key can still be rescued for a month, and is in nobody's way.
        let plan = lab.run(PLAN_JSON, &config).expect(2).json();
        assert_eq!(plan["blocked"], false, "{name}: {plan}");
        let is_key = |change: &&Json| change["kind"] == "kms_key";
        for key in plan["changes"].as_array().unwrap().iter().filter(is_key) {
            assert_eq!(key["action"], "create", "{name}: {key}");
        }
        lab.run(APPLY, &config).expect(0);
        lab.run(PLAN, &config).expect(0);
    }
}

#[test]
fn a_key_that_goes_while_it_is_needed_is_no_reason_to_make_another() {
    // The home directories stay, and so does the bucket with what is in it: somebody lets the key go.
    let lab = Lab::new();
    lab.run(APPLY, MINIMAL).expect(0);
    lab.run(DESTROY, MINIMAL).expect(0);
    let tables = lab.tables();
    let key = tables["kms/key"].keys().find(|id| id.len() == 36).unwrap();
    let schedule = request("kms", "ScheduleKeyDeletion", &json!({"KeyId": key}));
    assert_eq!(lab.sandbox.answer(&schedule).status, 200);
    tells_how_to_keep_the_key(&lab, MINIMAL);
}

#[test]
fn a_key_that_goes_under_a_domain_is_no_reason_to_make_another() {
    let given = "  domainBucket: {domainBucketName: given-bucket, assetDeploymentRole: {name: given-asset-role}}\n";
    let config = format!("{MINIMAL}{given}");
    let lab = Lab::new();
    lab.run(APPLY, &config).expect(0);
    let tables = lab.tables();
    let key = tables["kms/key"].keys().find(|id| id.len() == 36).unwrap();
    let kms = |operation: &str, input: Json| {
        assert_eq!(lab.sandbox.answer(&request("kms", operation, &input)).status, 200, "{operation}");
    };
    kms("DeleteAlias", json!({"AliasName": "alias/acme-dev-ml-studio-efs"}));
    kms("ScheduleKeyDeletion", json!({"KeyId": key}));
    // Nothing but the domain tells of the key any more.
    let forget = |world: &mut World| {
        for id in tables["efs/file-system"].keys() {
            assert!(world.remove("efs/file-system", id));
        }
    };
    lab.sandbox.with_world(forget).unwrap();
    tells_how_to_keep_the_key(&lab, &config);
}

/// Makes sure that an apply is blocked, and that the way out is to cancel the key's deletion.
#[track_caller]
fn tells_how_to_keep_the_key(lab: &Lab, config: &str) {
    let blocked = lab.run(&[APPLY, &AS_JSON].concat(), config).expect(5).json();
    assert_eq!(blocked["error"]["code"], "SD4001", "{blocked}");
    let help = blocked["error"]["help"].as_str().unwrap();
    assert!(help.contains("aws kms cancel-key-deletion"), "{blocked}");
}

#[test]
fn looking_changes_nothing() {
    for (name, config) in configs() {
        let lab = Lab::new();
        let looks: [&[&str]; 6] = [
            &["validate"],
            &["plan"],
            &["plan", "--destroy"],
            &["diff"],
            &["output"],
            &["url", "--user", "example-user-id"],
        ];
        for applied in [false, true] {
            for look in looks {
                let ended = lab.run(look, config);
                assert!(matches!(ended.code, 0..=4), "{name} {look:?}: {}", ended.notes);
                assert_eq!(all_writes(&ended), Vec::<&str>::new(), "{name} {look:?}");
            }
            if !applied {
                lab.run(APPLY, config).expect(0);
            }
        }
    }
}

#[test]
fn what_is_declined_writes_nothing() {
    let lab = Lab::new();
    for (command, code) in
        [(&["apply"][..], 10), (&["destroy", "--auto-approve", "--confirm", "acme/prod/ml/studio"], 0)]
    {
        assert_eq!(all_writes(&lab.run(command, MINIMAL).expect(code)), Vec::<&str>::new(), "{command:?}");
    }
    lab.run(APPLY, MINIMAL).expect(0);
    for command in [&["destroy"][..], &["destroy", "--auto-approve", "--confirm", "acme/prod/ml/studio"]] {
        assert_eq!(all_writes(&lab.run(command, MINIMAL).expect(10)), Vec::<&str>::new(), "{command:?}");
    }
    let without = edit(EVERYTHING, "    ben: {userRole: {name: test-user-role}}\n", "");
    let lab = Lab::new();
    lab.run(APPLY, EVERYTHING).expect(0);
    assert_eq!(all_writes(&lab.run(APPLY, &without).expect(5)), Vec::<&str>::new());
}

#[test]
fn order_means_nothing() {
    for (name, config) in configs() {
        let lab = Lab::new();
        lab.run(APPLY, config).expect(0);
        let reordered = reordered(config);
        assert_ne!(reordered, config);
        let plan = lab.run(PLAN, &reordered);
        assert_eq!(plan.code, 0, "{name}\n{reordered}\n{}{}", plan.data, plan.notes);
    }
    // Lists that are sets. Not the subnets: they are published as one text, in the order that people gave them.
    let lists = [
        ("- arn: arn:{{partition}}:iam::{{account}}:role/test-admin-role", "- name: other-admin-role"),
        ("- {cidr: 10.0.0.0/24, protocol: tcp, port: 443}", "- {cidr: 10.1.0.0/24, protocol: udp, port: 53}"),
        (
            "- repositoryUrl: https://github.com/example/test-repo.git",
            "- repositoryUrl: https://github.com/example/more.git",
        ),
    ];
    let both = |swapped: bool| {
        lists.iter().fold(EVERYTHING.to_owned(), |text, (one, other)| {
            let line = text.lines().find(|line| line.contains(one)).unwrap();
            let indent = " ".repeat(line.len() - line.trim_start().len());
            let (first, second) = if swapped { (other, one) } else { (one, other) };
            edit(&text, one, &format!("{first}\n{indent}{second}"))
        })
    };
    let lab = Lab::new();
    lab.run(APPLY, &both(false)).expect(0);
    lab.run(PLAN, &both(true)).expect(0);
}

#[test]
fn the_lock_is_free_and_no_part_of_the_changes() {
    let lab = Lab::new();
    let applied = lab.run(APPLY, SSO).expect(0);
    assert!(applied.calls.iter().any(is_lock));
    let lock = picture(&lab.tables()).into_iter().find(|line| line.contains("/lock: ")).unwrap();
    assert!(lock.contains("\"free\""), "{lock}");
    // Whoever gave it back has left nothing behind, and nobody is told so.
    let changed = SSO.replacen("domain:", "domain:\n  tags: {team: science}", 1);
    let again = lab.run(APPLY, &changed).expect(0);
    assert!(again.calls.iter().any(is_lock));
    assert!(!again.notes_show("left the lock behind"), "{}", again.notes);
}

/// The text with the keys of every map in the opposite order; lists stay as they are.
fn reordered(config: &str) -> String {
    let tree = json_of(config);
    let mut text = String::new();
    write_reversed(&tree, 0, &mut text);
    text
}

/// The config as a tree, by way of the program's own reader.
fn json_of(config: &str) -> Json {
    yaml::parse("studio.yaml", config, &|_| Err("nothing is included".into())).unwrap().to_json()
}

fn write_reversed(tree: &Json, depth: usize, text: &mut String) {
    match tree {
        Json::Object(members) if !members.is_empty() => {
            for (key, value) in members.iter().rev() {
                text.push_str(&format!("{}{}:", "  ".repeat(depth), Json::from(key.as_str())));
                match value {
                    Json::Object(inner) if !inner.is_empty() => {
                        text.push('\n');
                        write_reversed(value, depth + 1, text);
                    }
                    // JSON is YAML.
                    leaf => text.push_str(&format!(" {leaf}\n")),
                }
            }
        }
        leaf => text.push_str(&leaf.to_string()),
    }
}

/// The ids that the report of a destroy names as kept.
fn kept(report: &Json) -> BTreeSet<String> {
    let retained = report["retained"].as_object().unwrap().iter();
    retained
        .map(|(address, why)| {
            let why = why.as_str().unwrap();
            // What people are told to remove it by, else the id that the reason begins with, else its name.
            let command = why.rsplit_once("`aws ").map(|(_, command)| command.trim_end_matches('`'));
            let named = command.and_then(|command| command.rsplit(' ').next());
            let id = why.split(' ').next().filter(|id| id.contains('-'));
            let (_, name) = address.split_once('.').unwrap();
            named.or(id).unwrap_or(name).trim_start_matches("s3://").to_owned()
        })
        .collect()
}

/// Things in an account besides what it `was`: table and key of each. Of what stayed nothing may have changed.
fn left(was: &Tables, now: &Tables) -> Vec<String> {
    let passing = ["meta", "ssm/history", "ssm/deleted", "sts/session", "studio/due"];
    let mut left = Vec::new();
    for (table, records) in now.iter().filter(|(table, _)| !passing.contains(&table.as_str())) {
        for (key, record) in records {
            match was.get(table).and_then(|records| records.get(key)) {
                None => left.push(format!("{table} {key} {record}")),
                Some(before) => assert_eq!(before, record, "{table} {key} has changed"),
            }
        }
    }
    for (table, records) in was.iter().filter(|(table, _)| !passing.contains(&table.as_str())) {
        for key in records.keys() {
            assert!(now.get(table).is_some_and(|records| records.contains_key(key)), "{table} {key} is gone");
        }
    }
    left
}
