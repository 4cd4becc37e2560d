//! Steps for one thing: by what is found of it, and by what is allowed.

use serde_json::{Value as Json, json};

use super::testing::{Situation, changed, lines, notices, observed, step, why, word};
use super::*;
use crate::model::{Owner, State};

/// Checks the step of an address: its action, a part of why it is blocked, and a part of its reason.
#[track_caller]
fn check(name: &str, plan: &Plan, at: &str, (action, blocked, reason): (&str, Option<&str>, &str)) {
    let step = step(plan, at);
    assert_eq!(word(step.action()), action, "{name}: {step:?}");
    match (why(plan, at), blocked) {
        (None, None) => {}
        (Some(why), Some(part)) if why.contains(part) => {}
        (why, part) => panic!("{name}: blocked by {why:?} instead of {part:?}"),
    }
    assert!(step.reason.contains(reason) && (reason.is_empty() == step.reason.is_empty()), "{name}: {}", step.reason);
}

#[test]
fn what_is_there_decides_what_happens() {
    let old = || json!({"Plain": "a", "Fixed": "a"});
    for (name, live, wanted, words, expected) in [
        ("absent", None, old(), "", ("create", None, "does not exist yet")),
        ("the same", Some(old()), old(), "", ("keep", None, "")),
        ("more than is asked for", Some(old()), json!({"Plain": "a"}), "", ("keep", None, "")),
        ("different", Some(old()), json!({"Plain": "b"}), "", ("update", None, "it differs")),
        ("protected and different", Some(old()), json!({"Plain": "b"}), "protect", ("update", None, "it differs")),
    ] {
        let mut scene = Situation::default().wants("domain.studio", wanted);
        if let Some(live) = live {
            scene = scene.has("domain.studio", live);
        }
        check(name, &scene.plan(words), "domain.studio", expected);
    }
}

#[test]
fn what_is_immutable_is_replaced_only_with_consent() {
    const IN_PLACE: &str = "Fixed of it cannot be changed in place, and replacing it loses what is in it";
    const GUARDED: &str = "and replacing it loses the home directory";
    const PROTECTED: &str = "the config protects this environment";
    let plain = || json!({"Fixed": "a"});
    let guarded = || json!({"Fixed": "a", "Removal": "guarded"});
    let replaced = "Fixed cannot be changed on a live object";
    for (name, at, live, words, expected) in [
        ("not allowed", "bucket.it", plain(), "", ("replace", Some(IN_PLACE), replaced)),
        ("allowed", "bucket.it", plain(), "replace=bucket.it", ("replace", None, replaced)),
        ("another allowed", "bucket.it", plain(), "replace=domain.it", ("replace", Some(IN_PLACE), replaced)),
        (
            "adopting allows it not",
            "bucket.it",
            plain(),
            "adopt adopt=bucket.it",
            ("replace", Some(IN_PLACE), replaced),
        ),
        ("what is guarded says what", "domain.it", guarded(), "", ("replace", Some(GUARDED), replaced)),
        ("a guarded one allowed", "domain.it", guarded(), "replace=domain.it", ("replace", None, replaced)),
        (
            "a protected domain",
            "domain.it",
            plain(),
            "protect replace=domain.it",
            ("replace", Some(PROTECTED), replaced),
        ),
        (
            "a protected profile",
            "user_profile.it",
            plain(),
            "protect replace=user_profile.it",
            ("replace", Some(PROTECTED), replaced),
        ),
        ("protection is for data", "bucket.it", plain(), "protect replace=bucket.it", ("replace", None, replaced)),
        ("nothing is left without it", "bucket.it", plain(), "skip", ("replace", Some(IN_PLACE), replaced)),
    ] {
        let plan = Situation::default().wants(at, json!({"Fixed": "b"})).has(at, live).plan(words);
        check(name, &plan, at, expected);
        if expected.1.is_some_and(|why| why != PROTECTED) {
            let hint = &step(&plan, at).blocked.as_ref().unwrap().hint;
            assert!(hint.contains(&format!("`--allow-replace {at}`")), "{name}: {hint}");
        }
    }
}

#[test]
fn what_is_blocked_is_left_out_on_request_and_the_rest_is_done() {
    let scene = Situation::default()
        .wants("domain.studio", json!({"Fixed": "b", "Plain": "b", "Right": "b", "Other": "a"}))
        .has("domain.studio", json!({"Fixed": "a", "Plain": "a", "Right": "a", "Other": "a"}));
    let plan = scene.plan("");
    assert_eq!(lines(&plan), ["replace domain.studio (blocked)"]);
    assert!(plan.left_out.is_empty() && plan.is_partial() && !plan.is_empty());
    let plan = scene.plan("skip");
    check("with the rest", &plan, "domain.studio", ("update", None, "it differs"));
    assert_eq!(changed(&plan, "domain.studio"), ["Plain"], "Right goes with Fixed");
    let out: Vec<String> = plan.left_out.values().flatten().map(|change| change.path.to_string()).collect();
    assert_eq!(out, ["Fixed", "Right"]);
    let node = step(&plan, "domain.studio").node().unwrap();
    assert_eq!(node.properties.to_json(), json!({"Fixed": "a", "Plain": "b", "Right": "a", "Other": "a"}));
    assert!(notices(&plan, "domain.studio")[0].starts_with("left out: Fixed: "), "{:?}", plan.notices);
    assert_eq!(lines(&scene.plan("skip replace=domain.studio")), ["replace domain.studio"]);
}

#[test]
fn what_is_foreign_is_taken_over_by_consent_unless_somebody_claims_it() {
    let text = |text: &str| text.to_owned();
    let adopt = |reason| ("adopt", None, reason);
    let blocked = |why| ("keep", Some(why), "");
    for (owner, bare, adopted, named) in [
        (Owner::Mdaa { stack: None }, blocked("MDAA tags but not ours"), adopt("MDAA made it"), adopt("MDAA made it")),
        (
            Owner::Mdaa { stack: Some(text("s")) },
            blocked("MDAA's CloudFormation stack s owns it"),
            adopt("MDAA's stack s made it"),
            adopt("MDAA's stack s made it"),
        ),
        (
            Owner::MdaaByName,
            blocked("and MDAA tags none of its kind"),
            blocked("and MDAA tags none of its kind"),
            adopt("its name is MDAA's, and it has no tags"),
        ),
        (
            Owner::Partly { missing: vec![text("org"), text("env")] },
            blocked("it lacks org, env"),
            blocked("it lacks org, env"),
            adopt("you named it"),
        ),
        (
            Owner::Released { stack: text("s") },
            blocked("stack s made it, which is gone"),
            blocked("stack s made it, which is gone"),
            adopt("you named it"),
        ),
        (
            Owner::Unknown,
            blocked("that studio-deploy did not make"),
            blocked("that studio-deploy did not make"),
            adopt("you named it"),
        ),
    ] {
        for (words, expected) in
            [("", bare), ("adopt", adopted), ("adopt=kms_key.it", named), ("adopt=bucket.it", bare)]
        {
            let scene = Situation::default().wants("kms_key.it", json!({"Plain": "b"})).foreign(
                owner.clone(),
                "kms_key.it",
                json!({"Plain": "a"}),
            );
            let plan = scene.plan(words);
            check(&format!("{owner:?} with `{words}`"), &plan, "kms_key.it", expected);
            let changes: &[&str] = if expected.1.is_none() { &["Plain"] } else { &[] };
            assert_eq!(changed(&plan, "kms_key.it"), changes, "{owner:?} with `{words}`");
        }
    }
    for (owner, why) in [
        (Owner::Several(vec![text("k1"), text("k2")]), "2 of them carry this deployment's tags: k1; k2"),
        (Owner::Deployment(text("a/b/c/d@r")), "the deployment a/b/c/d@r owns it"),
        (Owner::Environment(text("a b c d")), "MDAA's environment a b c d owns it"),
        (Owner::Stack(text("s")), "the CloudFormation stack s owns it"),
        (Owner::Account, "another account owns that name"),
        (Owner::Elsewhere(text("eu-west-1")), "a bucket of that name is in eu-west-1"),
    ] {
        for words in ["", "adopt", "adopt=kms_key.it", "adopt adopt=kms_key.it replace=kms_key.it"] {
            let scene =
                Situation::default().wants("kms_key.it", json!({})).foreign(owner.clone(), "kms_key.it", json!({}));
            check(&format!("{owner:?} with `{words}`"), &scene.plan(words), "kms_key.it", blocked(why));
        }
    }
}

#[test]
fn taking_over_is_held_to_what_any_change_is() {
    let ours = || Owner::Mdaa { stack: None };
    let (live, fixed) = (json!({"Fixed": "a", "Plain": "a"}), json!({"Fixed": "b", "Plain": "b"}));
    let made = "MDAA made it";
    for (name, wanted, state, words, expected) in [
        ("alike", live.clone(), State::Usable, "adopt", ("adopt", None, made)),
        ("immutable", fixed.clone(), State::Usable, "adopt", ("replace", Some("Fixed of it cannot"), "Fixed cannot")),
        ("immutable and allowed", fixed, State::Usable, "adopt replace=kms_key.it", ("replace", None, "Fixed cannot")),
        ("disabled", live.clone(), State::Disabled, "adopt", ("adopt", Some("the key it is disabled"), made)),
        ("going", live, State::PendingDeletion("1 May".into()), "adopt", ("adopt", Some("deletion on 1 May"), made)),
    ] {
        let live = Observed { state, ..observed("kms_key.it", json!({"Fixed": "a", "Plain": "a"})) };
        let found = Found::Foreign { owner: ours(), observed: Some(live) };
        let plan = Situation::default().wants("kms_key.it", wanted).finds("kms_key.it", found).plan(words);
        check(name, &plan, "kms_key.it", expected);
    }
    let unseen = Found::Foreign { owner: ours(), observed: None };
    let plan = Situation::default().wants("kms_key.it", json!({})).finds("kms_key.it", unseen).plan("adopt");
    check("what could not be read", &plan, "kms_key.it", ("keep", Some("MDAA tags but not ours"), ""));
}

#[test]
fn the_state_of_a_thing_outweighs_what_it_is() {
    let text = || "X".to_owned();
    let [same, plain, fixed] =
        [json!({"Plain": "a"}), json!({"Plain": "b"}), json!({"Plain": "a", "Fixed": "b"})].map(|json: Json| json);
    let gone = Some("AWS could not delete it (X), and making it again loses every user's home directory");
    let guarded = Some("and making it again loses the home directory");
    for (name, state, at, wanted, words, expected) in [
        ("busy", State::Busy(text()), "domain.it", &same, "", ("update", None, "it is X")),
        ("busy, different", State::Busy(text()), "domain.it", &plain, "", ("update", None, "it is X")),
        ("busy, immutable", State::Busy(text()), "domain.it", &fixed, "", ("replace", Some("Fixed of it"), "Fixed")),
        ("going", State::Busy("Deleting".into()), "domain.it", &same, "", ("replace", None, "it is being deleted")),
        ("failed", State::Failed(text()), "domain.it", &same, "", ("replace", None, "AWS could not make it: X")),
        ("failed, immutable", State::Failed(text()), "domain.it", &fixed, "", ("replace", None, "could not make it")),
        ("failed, protected", State::Failed(text()), "domain.it", &same, "protect", ("replace", None, "not make it")),
        (
            "update failed",
            State::UpdateFailed(text()),
            "domain.it",
            &same,
            "",
            ("update", None, "last update failed: X"),
        ),
        ("and different", State::UpdateFailed(text()), "domain.it", &plain, "", ("update", None, "it differs")),
        (
            "delete failed",
            State::DeleteFailed(text()),
            "domain.it",
            &same,
            "",
            ("replace", gone, "could not delete it: X"),
        ),
        (
            "delete failed, allowed",
            State::DeleteFailed(text()),
            "domain.it",
            &same,
            "replace=domain.it",
            ("replace", None, "could not delete it: X"),
        ),
        (
            "delete failed, protected",
            State::DeleteFailed(text()),
            "domain.it",
            &same,
            "replace=domain.it protect",
            ("replace", Some("the config protects"), "could not delete it: X"),
        ),
        ("nothing lost", State::DeleteFailed(text()), "bucket.it", &same, "", ("replace", None, "not delete it: X")),
        (
            "scheduled",
            State::PendingDeletion(text()),
            "kms_key.it",
            &plain,
            "",
            ("keep", Some("for deletion on X"), ""),
        ),
        ("disabled", State::Disabled, "kms_key.it", &plain, "", ("keep", Some("the key it is disabled"), "")),
    ] {
        let scene =
            Situation::default().wants(at, wanted.clone()).has_in(state, at, json!({"Plain": "a", "Fixed": "a"}));
        check(name, &scene.plan(words), at, expected);
    }
    let state = State::DeleteFailed(text());
    let scene = Situation::default().wants("user_profile.it", same).has_in(
        state,
        "user_profile.it",
        json!({"Plain": "a", "Removal": "guarded"}),
    );
    let expected = ("replace", guarded, "could not delete it: X");
    check("what is guarded is lost", &scene.plan(""), "user_profile.it", expected);
    let scene = scene.has_in(State::Failed(text()), "user_profile.it", json!({"Removal": "guarded"}));
    check("a failed one held nothing", &scene.plan(""), "user_profile.it", ("replace", None, "could not make it"));
}

#[test]
fn a_new_object_takes_the_place_of_the_one_before() {
    let script = |plain: &str| json!({"Plain": plain, "Other": "same"});
    let named = |at: &[&str]| {
        let scene = Situation::default().wants("lifecycle_config.kernel", script("new"));
        at.iter().fold(scene, |scene, at| scene.has(at, script("old")))
    };
    for (name, others, reason, changes) in [
        ("nothing before", vec![], "it does not exist yet", vec![]),
        (
            "one before",
            vec!["lifecycle_config.kernel@1"],
            "it takes the place of lifecycle_config.kernel@1",
            vec!["Plain"],
        ),
        (
            "which of two is not known",
            vec!["lifecycle_config.kernel@1", "lifecycle_config.kernel@2"],
            "it does not exist yet",
            vec![],
        ),
        ("another's", vec!["lifecycle_config.kernels@1", "app.kernel@1"], "it does not exist yet", vec![]),
    ] {
        let plan = named(&others).plan("");
        check(name, &plan, "lifecycle_config.kernel", ("create", None, reason));
        assert_eq!(changed(&plan, "lifecycle_config.kernel"), changes, "{name}");
    }
    let mut scene = named(&["lifecycle_config.kernel@1"]);
    scene.graph.get_mut(&testing::address("lifecycle_config.kernel")).unwrap().sources.clear();
    assert!(changed(&scene.plan(""), "lifecycle_config.kernel").is_empty(), "what no line says is no news");
}

#[test]
fn a_plan_says_what_could_not_be_read() {
    let mut live = observed("bucket.it", json!({}));
    live.unread = Some("its policy is hidden".into());
    live.unwatched = vec!["its listing is hidden".into()];
    let plan = Situation::default().wants("bucket.it", json!({})).finds("bucket.it", Found::Ours(live)).plan("");
    let at = testing::address("bucket.it");
    assert_eq!(plan.unread, [(at.clone(), "its policy is hidden".to_owned())]);
    assert_eq!(plan.unwatched, [(at, "its listing is hidden".to_owned())]);
    assert_eq!(notices(&plan, "bucket.it"), ["its policy is hidden", "its listing is hidden"]);
}

#[test]
fn a_plan_knows_whether_there_is_something_to_do() {
    let nothing = Situation::default().keeps("domain.studio", json!({"Plain": "a"})).applied();
    let changes = nothing.clone().has("domain.studio", json!({"Plain": "b"}));
    let odd = nothing.clone().has("domain.studio", json!({"Plain": "a", "Odd": "x"}));
    let blocked = nothing.clone().has_in(State::Disabled, "domain.studio", json!({"Plain": "a"}));
    let unrecorded = Situation { recorded: None, ..nothing.clone() };
    for (name, scene, (is_empty, is_partial, differs)) in [
        ("nothing", nothing, (true, false, false)),
        ("a change", changes, (false, false, true)),
        ("the record alone", unrecorded, (false, false, true)),
        ("what is watched", odd, (true, false, true)),
        ("what is blocked", blocked, (true, true, true)),
    ] {
        let plan = scene.plan("");
        assert_eq!((plan.is_empty(), plan.is_partial(), plan.differs()), (is_empty, is_partial, differs), "{name}");
    }
    assert!(Situation::default().plan("").steps.is_empty());
}
