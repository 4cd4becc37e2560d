//! Fingerprints: unchanged users are told by lists alone, and whatever somebody changes is found all the same.
//!
//! The law: a plan that uses fingerprints is, to the byte, the plan with `--refresh`. What it rests on about AWS is switched off one
//! by one, to show what would be missed then, and that `--refresh` finds it (`docs/fingerprints.md`).

mod stored;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use studio_sandbox::Faults;

use crate::support::account::{APPLY, DESTROY, Lab, PLAN, PLAN_JSON};
use crate::support::behind::{domain_id, pass, start_app, studio};
use crate::support::configs::ONE_USER;
use crate::support::dice::Dice;
use crate::support::ended::Ended;

/// A config with so many users.
fn users(count: usize) -> String {
    let more: String = (1..count).map(|n| format!("    user-{n}: {{userRole: {{name: users}}}}\n")).collect();
    format!("{ONE_USER}{more}")
}

/// An account in which so many users stand, and its config.
fn applied(count: usize) -> (Lab, String) {
    let (lab, text) = (Lab::new(), users(count));
    lab.run(APPLY, &text).expect(0);
    (lab, text)
}

fn count(ended: &Ended, operation: &str) -> usize {
    ended.calls.iter().filter(|call| call.operation == operation).count()
}

/// Calls that are made for each of several users.
fn described(ended: &Ended) -> usize {
    count(ended, "DescribeUserProfile")
}

/// The addresses that a plan finds changed.
fn found(ended: &Ended) -> BTreeSet<String> {
    let plan = ended.json();
    let changes = plan["changes"].as_array().unwrap().iter();
    let changed = changes.map(|change| change["address"].as_str().unwrap().to_owned());
    let watched = plan["watched"].as_array().unwrap().iter();
    changed.chain(watched.map(|found| found["address"].as_str().unwrap().to_owned())).collect()
}

/// The plan, which is the same as if everything had been read.
#[track_caller]
fn plan(lab: &Lab, text: &str) -> Ended {
    let plan = lab.run(PLAN_JSON, text);
    let full = lab.run(&[PLAN_JSON, &["--refresh"]].concat(), text);
    assert_eq!(plan.data, full.data, "the plan by fingerprints is another than the one that read everything");
    assert_eq!((plan.code, &plan.notes), (full.code, &full.notes));
    assert!(described(&plan) <= described(&full));
    plan
}

/// Members that name a profile.
fn named(lab: &Lab, name: &str) -> Json {
    json!({"DomainId": domain_id(lab), "UserProfileName": name})
}

fn with(mut input: Json, member: &str, value: Json) -> Json {
    input[member] = value;
    input
}

/// Changes a profile's settings behind everybody's back, and waits until that is done.
fn edit_settings(lab: &Lab, name: &str, settings: Json) {
    studio(lab, "UpdateUserProfile", &with(named(lab, name), "UserSettings", settings));
    pass(lab, 60);
}

fn edit_tag(lab: &Lab, name: &str, key: &str, value: &str) {
    let arn = studio(lab, "DescribeUserProfile", &named(lab, name))["UserProfileArn"].clone();
    studio(lab, "AddTags", &json!({"ResourceArn": arn, "Tags": [{"Key": key, "Value": value}]}));
}

const OPEN: &str = "s3://somebody-else/out";

fn shared(output: &str) -> Json {
    json!({"SharingSettings": {"NotebookOutputOption": "Allowed", "S3OutputPath": output}})
}

#[test]
fn unchanged_users_are_not_read_one_by_one() {
    let (lab, text) = applied(230);
    let empty = lab.run(PLAN, &text).expect(0);
    let all = empty.calls.len();
    println!("an empty plan of 230 users takes {all} calls");
    assert_eq!((described(&empty), count(&empty, "ListTags") <= 5), (0, true));
    let again = lab.run(APPLY, &text).expect(0);
    assert!(again.writes().is_empty(), "an apply with nothing to do writes nothing");
    plan(&lab, &text);
    for (name, text) in [
        ("added", users(231)),
        ("removed", users(230)),
        (
            "changed",
            text.replace(
                "{name: users}}\n    user-2:",
                "{name: users}, settings: {autoMountHomeEFS: Disabled}}\n    user-2:",
            ),
        ),
    ] {
        let consent = ["--allow-profile-delete", "user-230"];
        let ended = lab.run(&[APPLY, &consent].concat(), &text).expect(0);
        let writing = ended.calls.iter().filter(|call| call.writes).count();
        println!("one user {name}: {} calls, {writing} of them writing", ended.calls.len());
        assert!(writing <= 12, "{name}: {writing}");
        assert!(described(&ended) <= 12, "{name}: {}", described(&ended));
        assert_eq!(described(&plan(&lab, &text)), 0, "{name}");
    }
}

#[test]
fn every_way_of_changing_a_user_is_found() {
    let (lab, text) = applied(12);
    let base = lab.tables();
    let none = |_: &Lab| {};
    let edits: [(&str, &dyn Fn(&Lab), bool); 8] = [
        ("nothing", &none, false),
        ("a managed setting", &|lab| edit_settings(lab, "user-1", shared(OPEN)), true),
        ("a watched setting", &|lab| edit_settings(lab, "user-1", json!({"SecurityGroups": ["sg-other"]})), true),
        ("a tag of ours", &|lab| edit_tag(lab, "user-1", "mdaa_env", "prod"), true),
        ("a tag in another case", &|lab| edit_tag(lab, "user-1", "MDAA_ENV", "prod"), false),
        ("a tag of theirs", &|lab| edit_tag(lab, "user-1", "cost", "1"), false),
        ("deleted", &|lab| again(lab, "user-1", false), true),
        ("deleted and made again", &|lab| again(lab, "user-1", true), true),
    ];
    for (name, edit, is_found) in edits {
        let lab = Lab::like(&base);
        seed_group(&lab);
        edit(&lab);
        let plan = plan(&lab, &text);
        let found = found(&plan);
        assert_eq!(!found.is_empty(), is_found, "{name}: {found:?}");
        assert!(described(&plan) <= 1, "{name}: {}", described(&plan));
        lab.run(&[APPLY, &["--adopt=user_profile.user-1", "--fix", "user_profile.user-1"]].concat(), &text);
    }
}

/// A group of somebody's, for profiles to get.
fn seed_group(lab: &Lab) {
    lab.sandbox
        .with_world(|world| {
            let (_, mut group) = world.list::<Json>("ec2/security-group", "").into_iter().next().unwrap();
            group["id"] = json!("sg-other");
            world.put("ec2/security-group", "sg-other", &group);
        })
        .unwrap();
}

/// Deletes a profile, and makes it again as it was if asked to.
fn again(lab: &Lab, name: &str, makes: bool) {
    let live = studio(lab, "DescribeUserProfile", &named(lab, name));
    studio(lab, "DeleteUserProfile", &named(lab, name));
    pass(lab, 60);
    if makes {
        studio(lab, "CreateUserProfile", &with(named(lab, name), "UserSettings", live["UserSettings"].clone()));
        pass(lab, 60);
    }
}

/// Out-of-band edits among many users: each is found by the next plan, none is missed, and little more than these is described.
#[expect(clippy::print_stdout, reason = "what was found and asked for is what this is run for")]
fn random_edits(profiles: usize, edits: usize, seed: u64) {
    let (lab, text) = applied(profiles);
    seed_group(&lab);
    let mut dice = Dice::new(seed);
    let mut edited = BTreeMap::new();
    while edited.len() < edits {
        let n = dice.roll(profiles as u64);
        let name = if n == 0 { "ann".to_owned() } else { format!("user-{n}") };
        if edited.contains_key(&format!("user_profile.{name}")) {
            continue;
        }
        let what = dice.one(&["setting", "group", "tag", "untag", "again", "gone", "role"]);
        let role = "arn:aws:iam::123456789012:role/somebody-else";
        match what {
            "setting" => edit_settings(&lab, &name, shared(OPEN)),
            "group" => edit_settings(&lab, &name, json!({"SecurityGroups": ["sg-other"]})),
            "tag" => edit_tag(&lab, &name, "mdaa_module_name", "other"),
            "untag" => {
                let arn = studio(&lab, "DescribeUserProfile", &named(&lab, &name))["UserProfileArn"].clone();
                studio(&lab, "DeleteTags", &json!({"ResourceArn": arn, "TagKeys": ["mdaa_org"]}));
            }
            "again" => again(&lab, &name, true),
            "gone" => again(&lab, &name, false),
            _ => {
                trust(&lab, role);
                edit_settings(&lab, &name, json!({"ExecutionRole": role}));
            }
        }
        edited.insert(format!("user_profile.{name}"), what);
    }
    let plan = plan(&lab, &text);
    let found = found(&plan);
    let missed: Vec<_> = edited.iter().filter(|(address, _)| !found.contains(*address)).collect();
    let (reads, tags) = (described(&plan), count(&plan, "ListTags"));
    println!("{edits} edits among {profiles} users: {reads} described, {tags} asked for tags, {} missed", missed.len());
    assert!(missed.is_empty(), "{missed:?}");
    assert_eq!(
        found.len(),
        edits,
        "found besides: {:?}",
        found.iter().filter(|address| !edited.contains_key(*address)).collect::<Vec<_>>()
    );
    assert!(reads <= edits && tags <= 2 * edits + 5, "{reads} described, {tags} asked for their tags");
}

/// A role that SageMaker may become, since AWS checks what a profile is given.
fn trust(lab: &Lab, arn: &str) {
    let name = arn.rsplit('/').next().unwrap();
    lab.sandbox
        .with_world(|world| {
            let mut roles = world.list::<Json>("iam/role", "").into_iter();
            let (_, mut role) = roles.find(|(_, role)| role.to_string().contains("sagemaker")).unwrap();
            role["name"] = json!(name);
            role["arn"] = json!(arn);
            role["attached"] = json!([]);
            world.put("iam/role", name, &role);
        })
        .unwrap();
}

#[test]
fn each_of_many_random_edits_is_found() {
    random_edits(60, 20, 7);
}

#[test]
#[ignore = "takes minutes: `just fingerprints`"]
fn each_of_two_hundred_random_edits_among_a_thousand_users_is_found() {
    random_edits(1_000, 200, 1);
}

#[test]
fn the_first_apply_after_a_lost_record_reads_everything_once() {
    let (lab, text) = applied(5);
    stored::tamper(&lab, &|_, _| None);
    let ended = lab.run(APPLY, &text).expect(0);
    assert!(described(&ended) >= 5);
    assert_eq!(described(&plan(&lab, &text)), 0);
}

#[test]
fn an_edit_during_an_apply_shows() {
    let (lab, text) = applied(3);
    let more = users(4);
    // As soon as the apply's own changes are verified, and before its record is written.
    let clean = Lab::like(&lab.tables());
    let ended = clean.run(APPLY, &more).expect(0);
    let record = ended
        .calls
        .iter()
        .rposition(|call| call.operation == "PutParameter" && call.input.to_string().contains("/record"))
        .unwrap();
    drop(text);
    lab.set_faults_once(format!("cut-before={}", record + 1).parse().unwrap());
    assert_ne!(lab.run(APPLY, &more).code, 0);
    lab.sandbox.set_faults(Faults::default());
    edit_settings(&lab, "user-3", shared(OPEN));
    let again = plan(&lab, &more);
    assert!(found(&again).contains("user_profile.user-3"), "{}", again.data);
    lab.run(APPLY, &more).expect(0);
    edit_settings(&lab, "user-3", shared(OPEN));
    assert!(found(&plan(&lab, &more)).contains("user_profile.user-3"));
}

#[test]
fn each_assumption_about_aws_is_a_switch_and_a_refresh_needs_none() {
    let (lab, text) = applied(6);
    let base = lab.tables();
    let setting: fn(&Lab) = |lab| edit_settings(lab, "user-1", shared(OPEN));
    let tag: fn(&Lab) = |lab| edit_tag(lab, "user-1", "mdaa_env", "prod");
    let app: fn(&Lab) = |lab| start_app(lab, "user-1");
    for (fault, edit, is_found, is_change, reads) in [
        ("", setting, true, true, 1),
        ("", tag, true, true, 1),
        ("", app, false, false, 0),
        ("update-times=still", setting, false, true, 0),
        ("list-times=seconds", setting, true, true, 6),
        ("tag-times=move", tag, true, true, 1),
        ("app-times=move", app, false, false, 1),
        ("tagging-unknown=sagemaker:user-profile", setting, true, true, 1),
        ("tagging-unknown=sagemaker:user-profile", tag, true, true, 1),
        ("tagging-lag=1h", setting, true, true, 1),
        ("tagging-lag=1h", tag, false, true, 0),
        ("deny=tagging:GetResources@9", tag, true, true, 1),
    ] {
        let lab = Lab::like(&base);
        lab.set_faults(fault.parse().unwrap());
        lab.sandbox.set_faults(fault.parse().unwrap());
        pass(&lab, 1);
        edit(&lab);
        let [seen, refreshed] =
            [PLAN_JSON, &[PLAN_JSON, &["--refresh"]].concat()].map(|command| lab.run(command, &text));
        let finds = |ended: &Ended| found(ended).contains("user_profile.user-1");
        assert_eq!(finds(&refreshed), is_change, "{fault}: with --refresh\n{}", refreshed.notes);
        assert_eq!(finds(&seen), is_found, "{fault}\n{}", seen.notes);
        assert_eq!(described(&seen), reads, "{fault}");
        assert_eq!(described(&refreshed), 6, "{fault}");
        let drift = lab.run(&["drift"], &text);
        assert_eq!((drift.code, described(&drift)), (if is_change { 2 } else { 0 }, 6), "{fault}: {}", drift.notes);
        let quick = lab.run(&["drift", "--refresh=false"], &text);
        assert_eq!(quick.code, if is_found { 2 } else { 0 }, "{fault}");
        lab.run(&[DESTROY, &["--drain"]].concat(), &text).expect(0);
    }
}
