//! A part of a plan.

use serde_json::json;

use super::super::testing::{Situation, address, addresses, arn, changed, lines, step};
use super::*;
use crate::model::State;

/// Everything is to be made: a role, a key, a bucket under the key, a domain with the role, two profiles in it.
fn fresh() -> Situation {
    Situation::default()
        .wants("execution_role.r", json!({"Plain": "a"}))
        .wants("kms_key.k", json!({"Plain": "a"}))
        .wants("bucket.b", json!({"Plain": "${kms_key.k.Arn}"}))
        .wants("domain.d", json!({"Role": "${execution_role.r.Arn}"}))
        .wants("user_profile.ann", json!({"Plain": "${domain.d.Arn}"}))
        .wants("user_profile.ben", json!({"Plain": "${domain.d.Arn}"}))
}

/// Steps that a plan does, sorted, without what is kept.
fn done(plan: &Plan) -> Vec<String> {
    let mut done: Vec<String> = lines(plan).into_iter().filter(|line| !line.starts_with("keep ")).collect();
    done.sort();
    done
}

fn sorted(texts: &str) -> Vec<String> {
    let mut all: Vec<String> = texts.split(", ").filter(|text| !text.is_empty()).map(str::to_owned).collect();
    all.sort();
    all
}

#[test]
fn what_is_selected_comes_with_what_it_needs() {
    let all = "create execution_role.r, create kms_key.k, create bucket.b, create domain.d, create user_profile.ann, \
               create user_profile.ben";
    for (name, words, expected) in [
        ("all of it", "target=*", all),
        ("one that needs nothing", "target=kms_key.k", "create kms_key.k"),
        ("with what it names", "target=bucket.b", "create kms_key.k, create bucket.b"),
        (
            "with what that names",
            "target=user_profile.ann",
            "create execution_role.r, create domain.d, create user_profile.ann",
        ),
        (
            "by a glob",
            "target=user_profile.*",
            "create execution_role.r, create domain.d, create user_profile.ann, create user_profile.ben",
        ),
        ("several", "target=kms_key.* target=execution_role.*", "create execution_role.r, create kms_key.k"),
        ("nothing", "target=app.*", ""),
        ("all but one", "exclude=user_profile.ann", &all.replace("create user_profile.ann, ", "")),
        ("all but what others need", "exclude=kms_key.k", &all.replace("create kms_key.k, create bucket.b, ", "")),
        ("all but what most need", "exclude=execution_role.r", "create kms_key.k, create bucket.b"),
        ("exclusion outweighs", "target=bucket.b exclude=kms_key.k", ""),
        ("all but everything", "exclude=*", ""),
    ] {
        let plan = fresh().plan(words);
        assert_eq!(done(&plan), sorted(expected), "{name}");
        let omitted: BTreeSet<Address> = plan.omitted().cloned().collect();
        let left = fresh().graph.into_keys().filter(|at| plan.step(at).is_none()).collect();
        assert_eq!(omitted, left, "{name}: every address is done or omitted");
        assert!(plan.blocked().next().is_none(), "{name}: what is not selected is not blocked");
    }
}

#[test]
fn what_is_as_it_should_be_brings_nothing() {
    let scene = Situation::default()
        .wants("execution_role.r", json!({"Plain": "b"}))
        .has("execution_role.r", json!({"Plain": "a"}))
        .keeps("domain.d", json!({"Role": "${execution_role.r.Arn}"}))
        .wants("user_profile.ann", json!({"Plain": "${domain.d.Arn}"}));
    let plan = scene.plan("target=user_profile.ann");
    assert_eq!(lines(&plan), ["keep execution_role.r", "keep domain.d", "create user_profile.ann"]);
    assert_eq!(step(&plan, "execution_role.r").reason, "it is not selected");
    assert_eq!(plan.omitted().collect::<Vec<_>>(), [&address("execution_role.r")]);
    assert_eq!(plan.omitted.as_ref().unwrap().steps[0].action(), Action::Update, "as it would have been");
}

#[test]
fn a_plan_of_which_nothing_is_left_out_is_whole() {
    for (scene, words) in [
        (fresh(), "target=*"),
        (fresh(), "exclude=app.*"),
        (Situation::default().keeps("bucket.b", json!({"Plain": "a"})), "target=kms_key.*"),
    ] {
        let (cut, whole) = (scene.plan(words), scene.plan(""));
        assert!(cut.omitted.is_none(), "{words}");
        assert_eq!((cut.steps, cut.record), (whole.steps, whole.record), "{words}");
    }
}

#[test]
fn what_goes_takes_along_what_is_in_it() {
    let scene = Situation::default()
        .has("domain.d", json!({}))
        .has("user_profile.ann", json!({}))
        .has("space.s", json!({"OwnerUserProfileName": "ann"}))
        .has("execution_policy.p", json!({}))
        .has("parameter.p", json!({}))
        .has("bucket.b", json!({}));
    let profile = "delete user_profile.ann, delete space.s";
    let domain =
        "delete user_profile.ann, delete space.s, delete domain.d, delete parameter.p, delete execution_policy.p";
    for (words, expected) in [
        ("target=space.s", "delete space.s"),
        ("target=user_profile.ann", profile),
        ("target=parameter.p", "delete parameter.p"),
        ("target=execution_policy.p", "delete execution_policy.p"),
        ("target=domain.d", domain),
        ("exclude=space.s", "delete parameter.p"),
        ("exclude=parameter.p", "delete user_profile.ann, delete space.s, delete execution_policy.p"),
        ("exclude=bucket.b", domain),
    ] {
        assert_eq!(done(&scene.plan(&format!("drain {words}"))), sorted(expected), "{words}");
    }
}

#[test]
fn nothing_goes_for_something_that_stays() {
    let scene = Situation::default()
        .wants("domain.d", json!({"Plain": "b"}))
        .has("domain.d", json!({"Plain": "a"}))
        .has("user_profile.ben", json!({}))
        .has("parameter.p", json!({}))
        .has("bucket.b", json!({}));
    for (name, words, expected) in [
        ("the bucket waits for the domain", "target=bucket.b", ""),
        (
            "and goes with it",
            "target=bucket.b target=domain.d",
            "update domain.d, delete user_profile.ben, delete bucket.b, delete parameter.p",
        ),
        ("who is meant himself goes", "target=bucket.b target=user_profile.ben", "delete user_profile.ben"),
        ("whoever needs nobody goes", "target=bucket.b target=parameter.p", "delete parameter.p"),
    ] {
        let plan = scene.plan(words);
        assert_eq!(done(&plan), sorted(expected), "{name}");
        let omitted: Vec<String> = plan.omitted().map(ToString::to_string).collect();
        assert_eq!(omitted.len(), 4 - done(&plan).len(), "{name}: {omitted:?}");
    }
}

#[test]
fn of_each_kind_only_what_is_built_on_it_has_to_go_before_it() {
    for (deleted, others, expected) in [
        (Kind::Parameter, vec![Kind::App, Kind::Domain], false),
        (Kind::LifecycleConfig, vec![Kind::Domain, Kind::UserProfile], false),
        (Kind::BucketObject, vec![Kind::Domain], false),
        (Kind::ExecutionPolicy, vec![Kind::Parameter, Kind::App], false),
        (Kind::App, vec![Kind::App], true),
        (Kind::Space, vec![Kind::App], true),
        (Kind::Space, vec![Kind::Parameter, Kind::Space], false),
        (Kind::UserProfile, vec![Kind::App, Kind::Space], true),
        (Kind::UserProfile, vec![Kind::Parameter], false),
        (Kind::Domain, vec![Kind::App, Kind::UserProfile, Kind::Parameter], true),
        (Kind::KmsKey, vec![Kind::Bucket, Kind::Domain], true),
        (Kind::ExecutionRole, vec![Kind::KmsKey], true),
    ] {
        for other in others {
            assert_eq!(builds_on(deleted, other), expected, "{deleted} on {other}");
        }
    }
}

#[test]
fn what_lives_in_a_replaced_thing_is_replaced_or_goes_with_it() {
    let scene = Situation::default()
        .wants("domain.d", json!({"Fixed": "b"}))
        .has("domain.d", json!({"Fixed": "a"}))
        .wants("user_profile.ann", json!({"Fixed": "in ${domain.d.Arn}"}))
        .has("user_profile.ann", json!({"Fixed": format!("in {}", arn("domain.d"))}))
        .has("user_profile.ben", json!({}))
        .has("bucket.b", json!({}));
    let both = "replace domain.d, replace user_profile.ann, delete user_profile.ben";
    for (words, expected) in [
        ("target=domain.d", both),
        ("target=user_profile.ann", both),
        ("target=bucket.b", ""),
        ("target=user_profile.ben", "delete user_profile.ben"),
        ("exclude=domain.d", "delete user_profile.ben"),
    ] {
        let found = done(&scene.plan(&format!("replace=domain.d {words}")));
        assert_eq!(found, sorted(expected), "{words}");
    }
}

#[test]
fn the_record_of_a_part_says_of_the_rest_what_it_said() {
    let scene = fresh().applied();
    let old = scene.recorded.clone().unwrap();
    let scene = scene
        .wants("kms_key.k", json!({"Plain": "b", "Other": "b"}))
        .wants("execution_role.r", json!({"Plain": "b", "Other": "b"}));
    let plan = scene.plan("target=kms_key.k");
    let record = plan.record.clone().unwrap();
    let paths = |texts: &str| texts.split(' ').map(|text| text.parse().unwrap()).collect::<Vec<crate::model::Path>>();
    for (at, expected) in [("kms_key.k", "Other Plain"), ("execution_role.r", "Plain"), ("domain.d", "Role")] {
        assert_eq!(record.paths(&address(at)), paths(expected), "{at}");
    }
    assert_eq!(record.config_digest, old.config_digest, "it is of no config");
    let whole = scene.plan("").record.unwrap().config_digest;
    assert_eq!(plan.config_digest(), Some(whole.as_str()), "what is asked for is known all the same");
    assert_ne!(whole, old.config_digest);
    assert_eq!(scene.plan("target=app.*").record, Some(old), "what does nothing records nothing");
}

#[test]
fn what_is_blocked_and_selected_stays_blocked() {
    let scene = fresh().has_in(State::Disabled, "kms_key.k", json!({"Plain": "a"}));
    for (words, expected) in [
        ("target=kms_key.k", "keep kms_key.k (blocked)"),
        ("target=bucket.b", "keep kms_key.k (blocked)"),
        ("target=execution_role.r", "keep kms_key.k, create execution_role.r"),
    ] {
        let mut found = lines(&scene.plan(words));
        found.sort();
        assert_eq!(found, sorted(expected), "{words}");
    }
}

#[test]
fn what_is_left_out_of_a_change_by_choice_is_told() {
    let old = "execution_role.old";
    let scene = Situation::default()
        .wants("execution_role.new", json!({"Plain": "a"}))
        .has(old, json!({}))
        .wants("domain.d", json!({"Role": "${execution_role.new.Arn}", "Plain": "a"}))
        .has("domain.d", json!({"Role": arn(old), "Plain": "a"}))
        .wants("execution_policy.p", json!({"Roles": [], "Plain": "b"}))
        .has("execution_policy.p", json!({"Roles": [arn(old)], "Plain": "a"}));
    let plan = scene.plan("exclude=domain.d");
    assert_eq!(changed(&plan, "execution_policy.p"), ["Plain"], "the domain goes on using its role");
    assert_eq!(step(&plan, old).action(), Action::Keep);
    let omitted = plan.omitted.as_ref().unwrap();
    let changes: Vec<&Address> = omitted.changes.keys().collect();
    assert_eq!(changes, [&address("execution_policy.p")]);
    assert_eq!(omitted.addresses(), addresses(&format!("domain.d execution_policy.p {old}")).iter().collect());
    assert!(plan.left_out.is_empty(), "it is omitted, and not blocked");
}
