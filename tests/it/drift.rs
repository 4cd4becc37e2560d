//! Changes that somebody makes to things of ours behind the config's back: every drift and every plan names them, no
//! apply undoes them unless it is told to, and then everything is as it was.

mod changes;

use changes::{CHANGES, Change};
use serde_json::{Value as Json, json};

use crate::support::account::{APPLY, AS_JSON, Lab, PLAN, PLAN_JSON};
use crate::support::configs::EVERYTHING;
use crate::support::picture::Tables;

fn applied() -> Tables {
    let lab = Lab::new();
    lab.run(APPLY, EVERYTHING).expect(0);
    lab.run(&["drift"], EVERYTHING).expect(0);
    lab.tables()
}

/// People read of it in each command, and in unified diffs.
fn say_it_to_people(lab: &Lab, Change { name, says, .. }: &Change, address: &str) {
    for command in [&["drift"][..], &["plan"], APPLY] {
        let ended = lab.run(command, EVERYTHING);
        let said = ended.said();
        assert!(said.contains(address) && said.contains(says), "{name}: {command:?} says nothing of it:\n{said}");
    }
    let diff = lab.run(&["diff"], EVERYTHING).expect(2);
    assert!(diff.shows(address), "{name}: {}", diff.data);
}

/// Makes sure that a document of a plan, a drift or a report names the change.
#[track_caller]
fn watches(document: &Json, Change { name, says, is_mended, .. }: &Change, address: &str) {
    let watched: Vec<&Json> = document["watched"].as_array().unwrap().iter().collect();
    assert_eq!(watched[0]["address"], json!(address), "{name}: {document}");
    assert_eq!(watched[0]["mendable"], json!(is_mended), "{name}: {document}");
    let mut words: Vec<Json> = Vec::new();
    for one in watched {
        words.extend(["path", "why", "command"].map(|member| one[member].clone()));
        leaves(&one["found"], "", &mut words);
    }
    let words: Vec<&str> = words.iter().filter_map(Json::as_str).collect();
    assert!(words.iter().any(|word| word.contains(says)), "{name}: `{says}` is not in {words:?}");
}

/// Every leaf below `name`, as `name: value`.
fn leaves(json: &Json, name: &str, words: &mut Vec<Json>) {
    match json {
        Json::Object(members) => members.iter().for_each(|(name, member)| leaves(member, name, words)),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, name, words)),
        Json::String(text) => words.push(format!("{name}: {text}").into()),
        leaf => words.push(format!("{name}: {leaf}").into()),
    }
}

#[test]
fn what_is_hung_on_things_of_ours_is_found_named_and_mended_only_when_asked_for() {
    let base = applied();
    for (at, change) in CHANGES.iter().enumerate() {
        let Change { name, make, is_mended, .. } = change;
        let lab = Lab::like(&base);
        let address = make(&lab);
        lab.sandbox.with_world(|world| world.advance(200_000)).unwrap();
        let drift = lab.run(&[&["drift"][..], &AS_JSON].concat(), EVERYTHING).expect(2);
        watches(&drift.json(), change, &address);
        assert_eq!(drift.writes().len(), 0, "{name}: {}", drift.data);
        watches(&lab.run(PLAN_JSON, EVERYTHING).expect(2).json(), change, &address);
        if at % 5 == 0 {
            say_it_to_people(&lab, change, &address);
        }
        let apply = lab.run(&[APPLY, &AS_JSON].concat(), EVERYTHING).expect(0);
        watches(&apply.json(), change, &address);
        assert_eq!(apply.writes().len(), 0, "{name}: {}{}", apply.data, apply.notes);
        let mend = [APPLY, &AS_JSON, &["--fix", &address]].concat();
        let apply = lab.run(&mend, EVERYTHING).expect(0);
        assert_eq!(!apply.writes().is_empty(), *is_mended, "{name}: {}", apply.data);
        if *is_mended {
            lab.run(PLAN, EVERYTHING).expect(0);
            lab.run(&["drift"], EVERYTHING).expect(0);
            // Asked for once more it is nothing to do, and no mistake.
            let again = lab.run(&mend, EVERYTHING).expect(0);
            assert!(again.writes().is_empty(), "{name}: {}", again.data);
        } else {
            watches(&apply.json(), change, &address);
        }
    }
    println!("{} changes behind the config's back", CHANGES.len());
}

#[test]
fn what_is_to_be_mended_must_be_there() {
    let lab = Lab::like(&applied());
    let ended = lab.run(&["plan", "--fix", "execution_role.defalt"], EVERYTHING);
    assert_eq!(ended.code, 64, "{}{}", ended.data, ended.notes);
    assert!(ended.notes_show("did you mean `execution_role.default`?"), "{}", ended.notes);
}

#[test]
fn what_was_never_made_is_not_gone() {
    let lab = Lab::new();
    lab.set_faults_once("deny=ec2:CreateSecurityGroup".parse().unwrap());
    lab.run(APPLY, EVERYTHING).expect(8);
    let drift = || lab.run(&[&["drift"][..], &AS_JSON].concat(), EVERYTHING);
    let json = drift().expect(0).json();
    assert_eq!((&json["drifted"], &json["drift"]), (&json!(false), &json!([])), "{json}");
    for address in ["security_group.domain", "domain.studio", "user_profile.ann"] {
        assert!(json["unmade"].as_array().unwrap().contains(&json!(address)), "{address}: {json}");
    }
    // What was made is missed.
    lab.sandbox.with_world(|world| world.remove("iam/role", "acme-dev-ml-studio-default-execution-role")).unwrap();
    let gone = drift().expect(2).json()["drift"].clone();
    let role = gone.as_array().unwrap().iter().find(|change| change["address"] == "execution_role.default").unwrap();
    assert_eq!((&role["action"], &role["reason"]), (&json!("create"), &json!("it is gone")), "{role}");
    // Once all of it is made, all of it is missed.
    lab.run(APPLY, EVERYTHING).expect(0);
    lab.sandbox.with_world(|world| world.remove("ssm/parameter", "/acme/ml/studio/domain/id")).unwrap();
    assert_eq!(drift().expect(2).json()["unmade"], json!([]));
}

#[test]
fn drift_ends_with_what_it_compared() {
    let lab = Lab::like(&applied());
    let ended = lab.run(&["drift"], EVERYTHING).expect(0);
    let last = ended.data.lines().last().unwrap();
    assert!(last.starts_with("No drift on ") && last.ends_with(" objects; 3 kinds not looked at"), "{last}");
    assert!(last.chars().count() <= 80, "{last}");
    let json = lab.run(&[&["drift"][..], &AS_JSON].concat(), EVERYTHING).expect(0).json();
    let said = format!("{} managed values of {} objects", json["compared"]["values"], json["compared"]["objects"]);
    assert!(last.contains(&said), "{last}: {json}");
    assert_eq!(json["compared"]["kinds_not_looked_at"], json!(["home_efs", "space", "app"]));
}

/// An asset that left the config stays in the bucket, which is nobody's doing but ours.
#[test]
fn what_an_earlier_config_uploaded_is_no_strange_object() {
    let two = EVERYTHING.replace(
        "        testing: {sourcePath: ./testing_asset_dir}\n",
        "        testing: {sourcePath: ./testing_asset_dir}\n        second: {sourcePath: ./testing_asset_dir}\n",
    );
    let lab = Lab::new();
    lab.run(APPLY, &two).expect(0);
    lab.run(APPLY, EVERYTHING).expect(0);
    let ended = lab.run(&["drift"], EVERYTHING);
    assert_eq!(ended.code, 0, "{}{}", ended.data, ended.notes);
}

#[test]
fn a_saved_plan_carries_what_it_mends() {
    let lab = Lab::like(&applied());
    let address = (CHANGES[0].make)(&lab);
    let file = lab.path("plan.json");
    let file = file.to_str().unwrap();
    lab.run(&["plan", "--fix", &address, "--out", file], EVERYTHING).expect(0);
    lab.run(&["apply", "--plan", file], EVERYTHING).expect(0);
    lab.run(&["drift"], EVERYTHING).expect(0);
}
