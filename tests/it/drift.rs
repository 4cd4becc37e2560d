//! Changes that somebody makes to things of ours behind the config's back: every drift and every plan names them, no
//! apply undoes them unless it is told to, and then everything is as it was.

mod changes;

use changes::{CHANGES, Change};
use serde_json::{Value as Json, json};

use crate::support::account::{APPLY, Lab};
use crate::support::configs::EVERYTHING;
use crate::support::picture::Tables;

fn applied() -> Tables {
    let lab = Lab::new();
    lab.run(APPLY, EVERYTHING).expect(0);
    lab.run(&["drift"], EVERYTHING).expect(0);
    lab.tables()
}

/// Unified diffs and documents name it, too.
fn say_it_in_other_ways(lab: &Lab, name: &str, address: &str, is_mended: bool) {
    let diff = lab.run(&["diff"], EVERYTHING).expect(2);
    assert!(diff.data.contains(address), "{name}: {}", diff.data);
    for command in [&["plan", "--format", "json"][..], &["drift", "--format", "json"]] {
        let json: Json = serde_json::from_str(&lab.run(command, EVERYTHING).data).unwrap();
        assert_eq!(json["watched"][0]["address"], json!(address), "{name}: {json}");
        assert_eq!(json["watched"][0]["mendable"], json!(is_mended), "{name}: {json}");
    }
}

#[test]
fn what_is_hung_on_things_of_ours_is_found_named_and_mended_only_when_asked_for() {
    let base = applied();
    for (at, Change { name, make, says, is_mended }) in CHANGES.iter().enumerate() {
        let lab = Lab::like(&base);
        let address = make(&lab);
        lab.sandbox.with_world(|world| world.advance(200_000)).unwrap();
        let told = |ended: &crate::support::ended::Ended, what: &str| {
            let said = format!("{}{}", ended.data, ended.notes);
            assert!(said.contains(&address) && said.contains(says), "{name}: {what} says nothing of it:\n{said}");
        };
        let drift = lab.run(&["drift"], EVERYTHING);
        told(&drift, "drift");
        assert_eq!((drift.code, drift.writes().len()), (2, 0), "{name}: {}", drift.data);
        let plan = lab.run(&["plan", "--detailed-exitcode"], EVERYTHING);
        told(&plan, "plan");
        assert_eq!(plan.code, 2, "{name}: {}", plan.data);
        if at % 5 == 0 {
            say_it_in_other_ways(&lab, name, &address, *is_mended);
        }
        let apply = lab.run(APPLY, EVERYTHING);
        told(&apply, "apply");
        assert_eq!((apply.code, apply.writes().len()), (0, 0), "{name}: {}{}", apply.data, apply.notes);
        let mend = [APPLY, &["--fix", &address]].concat();
        let apply = lab.run(&mend, EVERYTHING);
        assert_eq!(apply.code, 0, "{name}: {}{}", apply.data, apply.notes);
        assert_eq!(!apply.writes().is_empty(), *is_mended, "{name}: {}", apply.data);
        if *is_mended {
            let after = [lab.run(&["plan", "--detailed-exitcode"], EVERYTHING), lab.run(&["drift"], EVERYTHING)];
            for ended in after {
                assert_eq!(ended.code, 0, "{name}: {}{}", ended.data, ended.notes);
            }
            // Asked for once more it is nothing to do, and no mistake.
            let again = lab.run(&mend, EVERYTHING).expect(0);
            assert!(again.writes().is_empty(), "{name}: {}", again.data);
        } else {
            told(&apply, "apply");
        }
    }
    println!("{} changes behind the config's back", CHANGES.len());
}

#[test]
fn what_is_to_be_mended_must_be_there() {
    let lab = Lab::like(&applied());
    let ended = lab.run(&["plan", "--fix", "execution_role.defalt"], EVERYTHING);
    assert_eq!(ended.code, 64, "{}{}", ended.data, ended.notes);
    assert!(ended.notes.contains("did you mean `execution_role.default`?"), "{}", ended.notes);
}

#[test]
fn what_was_never_made_is_not_gone() {
    let lab = Lab::new();
    lab.set_faults_once("deny=ec2:CreateSecurityGroup".parse().unwrap());
    lab.run(APPLY, EVERYTHING).expect(8);
    let ended = lab.run(&["drift"], EVERYTHING);
    assert_eq!(ended.code, 0, "{}{}", ended.data, ended.notes);
    assert!(
        ended.data.contains("Not made yet, since an apply was interrupted: ") && !ended.data.contains("it is gone")
    );
    for address in ["security_group.domain", "domain.studio", "user_profile.ann"] {
        assert!(ended.data.contains(address), "{}", ended.data);
    }
    let json: Json = serde_json::from_str(&lab.run(&["drift", "--format", "json"], EVERYTHING).data).unwrap();
    assert_eq!((&json["drifted"], json["unmade"].as_array().unwrap().is_empty()), (&json!(false), false));
    // What was made is missed.
    lab.sandbox.with_world(|world| world.remove("iam/role", "acme-dev-ml-studio-default-execution-role")).unwrap();
    let ended = lab.run(&["drift"], EVERYTHING).expect(2);
    assert!(ended.data.contains("execution_role.default") && ended.data.contains("it is gone"), "{}", ended.data);
    // Once all of it is made, all of it is missed.
    lab.run(APPLY, EVERYTHING).expect(0);
    lab.sandbox.with_world(|world| world.remove("ssm/parameter", "/acme/ml/studio/domain/id")).unwrap();
    assert!(!lab.run(&["drift"], EVERYTHING).data.contains("Not made yet"));
}

#[test]
fn drift_ends_with_what_it_compared() {
    let lab = Lab::like(&applied());
    let ended = lab.run(&["drift"], EVERYTHING).expect(0);
    let last = ended.data.lines().last().unwrap();
    assert!(last.starts_with("No drift on ") && last.ends_with(" objects; 3 kinds not looked at"), "{last}");
    assert!(last.chars().count() <= 80, "{last}");
    let json: Json = serde_json::from_str(&lab.run(&["drift", "--format", "json"], EVERYTHING).data).unwrap();
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
