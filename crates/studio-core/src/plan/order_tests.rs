//! The order of steps: what is used is there first, what is built on something goes before it.

use serde_json::json;

use super::super::Action;
use super::super::testing::{Situation, address, addresses, arn, changed, lines, options, step, waits, why};
use super::*;
use crate::model::{Owner, State};

/// A role, a key, a bucket, a domain and a profile, each made of the one before.
fn environment() -> Situation {
    Situation::default()
        .wants("execution_role.default", json!({"Plain": "a"}))
        .wants("kms_key.default", json!({"Roles": ["${execution_role.default.Arn}"]}))
        .wants("bucket.default", json!({"Plain": "${kms_key.default.Arn}"}))
        .wants("domain.studio", json!({"FixedRole": "${execution_role.default.Arn}", "Plain": "a"}))
        .wants("user_profile.ann", json!({"Fixed": "in ${domain.studio.Arn}"}))
}

/// The same, as it lives.
fn living() -> Situation {
    environment()
        .has("execution_role.default", json!({"Plain": "a"}))
        .has("kms_key.default", json!({"Roles": [arn("execution_role.default")]}))
        .has("bucket.default", json!({"Plain": arn("kms_key.default")}))
        .has("domain.studio", json!({"FixedRole": arn("execution_role.default"), "Plain": "a"}))
        .has("user_profile.ann", json!({"Fixed": format!("in {}", arn("domain.studio"))}))
}

#[test]
fn what_is_used_is_made_before_what_uses_it() {
    for (name, scene, expected) in [
        ("nothing", Situation::default(), ""),
        (
            "by what the texts name",
            environment(),
            "execution_role.default kms_key.default domain.studio bucket.default user_profile.ann",
        ),
        (
            "among equals in creation order",
            Situation::default().wants("domain.b", json!({})).wants("bucket.b", json!({})).wants("bucket.a", json!({})),
            "bucket.a bucket.b domain.b",
        ),
        (
            "against the order of creation",
            Situation::default()
                .wants("execution_role.a", json!({"Plain": "${domain.studio.Arn}"}))
                .wants("domain.studio", json!({})),
            "domain.studio execution_role.a",
        ),
        (
            "without data",
            Situation::default()
                .wants("bucket.a", json!({}))
                .wants("domain.studio", json!({}))
                .after("bucket.a", "domain.studio"),
            "domain.studio bucket.a",
        ),
        (
            "an output of what is no node holds nothing up",
            Situation::default().wants("bucket.a", json!({"Plain": "${kms_key.gone.Arn}"})),
            "bucket.a",
        ),
    ] {
        let found: Vec<Address> = scene.plan("").steps.into_iter().map(|step| step.address).collect();
        assert_eq!(found, addresses(expected), "{name}");
    }
}

#[test]
fn whoever_waits_for_himself_waits_for_ever() {
    let node = |at: &str, of: &str| (at.to_owned(), json!({"Plain": format!("${{{of}.Arn}}")}));
    for (name, nodes, expected) in [
        ("none", vec![node("bucket.a", "kms_key.a"), node("kms_key.a", "execution_role.a")], None),
        ("itself", vec![node("bucket.a", "bucket.a")], Some("bucket.a")),
        ("each other", vec![node("bucket.a", "domain.a"), node("domain.a", "bucket.a")], Some("bucket.a")),
        (
            "three, and one that is done",
            vec![
                node("execution_role.a", "kms_key.none"),
                node("bucket.a", "space.a"),
                node("domain.a", "bucket.a"),
                node("space.a", "domain.a"),
            ],
            Some("bucket.a"),
        ),
    ] {
        let scene =
            nodes.into_iter().fold(Situation::default(), |scene, (at, properties)| scene.wants(&at, properties));
        let found = scene.try_plan(&options("")).err();
        assert_eq!(found, expected.map(|at| Cycle(address(at))), "{name}");
    }
}

#[test]
fn what_stays_is_known_and_what_is_made_is_not() {
    let made = "in ${domain.studio.Arn}";
    let known = format!("in {}", arn("domain.studio"));
    for (name, live, words, expected) in [
        ("it stays", json!({"Plain": "a"}), "", known.as_str()),
        ("it is changed", json!({"Plain": "b"}), "", &known),
        ("it is made", json!(null), "", made),
        ("it is made again", json!({"Plain": "a", "Fixed": "b"}), "replace=domain.studio", made),
        ("it would be made again", json!({"Plain": "a", "Fixed": "b"}), "", made),
    ] {
        let mut scene = Situation::default()
            .wants("domain.studio", json!({"Plain": "a", "Fixed": "a"}))
            .wants("parameter.p", json!({"Value": made}));
        if live.is_object() {
            let fixed = live.get("Fixed").cloned().unwrap_or(json!("a"));
            scene = scene.has("domain.studio", json!({"Plain": live["Plain"], "Fixed": fixed}));
        }
        let plan = scene.plan(words);
        let node = step(&plan, "parameter.p").node().unwrap();
        assert_eq!(node.properties.to_json()["Value"], json!(expected), "{name}");
        assert_eq!(waits(&plan, "parameter.p"), addresses("domain.studio").into_iter().collect(), "{name}");
    }
}

#[test]
fn an_output_that_is_as_it_was_is_no_difference() {
    assert!(living().plan("").steps.iter().all(|step| step.action() == Action::Keep));
    let moved = living().has("kms_key.default", json!({"Roles": ["arn:another"]}));
    assert_eq!(changed(&moved.plan(""), "kms_key.default"), ["Roles"]);
}

#[test]
fn what_depends_on_a_replaced_thing_is_replaced_with_it() {
    let broken = State::Failed("no".into());
    let fixed = || living().wants("execution_role.default", json!({"Plain": "a", "Fixed": "b"}));
    let fixed_live = || fixed().has("execution_role.default", json!({"Plain": "a", "Fixed": "a"}));
    for (name, scene, words, expected) in [
        (
            "with consent all follows",
            fixed_live(),
            "replace=execution_role.default",
            vec![
                "replace execution_role.default",
                "update kms_key.default",
                "replace domain.studio",
                "keep bucket.default",
                "replace user_profile.ann",
            ],
        ),
        (
            "without it nothing does",
            fixed_live(),
            "",
            vec![
                "replace execution_role.default (blocked)",
                "update kms_key.default",
                "replace domain.studio (blocked)",
                "keep bucket.default",
                "replace user_profile.ann (blocked)",
            ],
        ),
        (
            "consent to what follows is not enough",
            fixed_live(),
            "replace=domain.studio",
            vec![
                "replace execution_role.default (blocked)",
                "update kms_key.default",
                "replace domain.studio (blocked)",
                "keep bucket.default",
                "replace user_profile.ann (blocked)",
            ],
        ),
        (
            "what is broken asks nobody, nor does what follows",
            living().has_in(broken, "domain.studio", json!({"FixedRole": arn("execution_role.default"), "Plain": "a"})),
            "",
            vec![
                "keep execution_role.default",
                "keep kms_key.default",
                "replace domain.studio",
                "keep bucket.default",
                "replace user_profile.ann",
            ],
        ),
        (
            "the domain alone takes its profiles along",
            living().wants("domain.studio", json!({"Fixed": "x"})).has("domain.studio", json!({"Fixed": "y"})),
            "replace=domain.studio",
            vec![
                "keep execution_role.default",
                "keep kms_key.default",
                "keep bucket.default",
                "replace domain.studio",
                "replace user_profile.ann",
            ],
        ),
    ] {
        let plan = scene.plan(words);
        let mut expected = expected;
        let mut found = lines(&plan);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{name}");
    }
    let plan = fixed_live().plan("replace=execution_role.default");
    assert_eq!(step(&plan, "domain.studio").reason, "execution_role.default is replaced");
    assert_eq!(step(&plan, "user_profile.ann").reason, "domain.studio is replaced");
    let plan = fixed_live().plan("");
    assert_eq!(
        why(&plan, "domain.studio"),
        Some("execution_role.default would have to be replaced first; also in the way: user_profile.ann")
    );
    let hint = |at: &str| step(&plan, at).blocked.clone().unwrap().hint;
    assert_eq!(hint("domain.studio"), hint("execution_role.default"), "who did not consent is asked about the first");
}

#[test]
fn what_is_immutable_besides_needs_consent_of_its_own() {
    let scene = living()
        .wants("domain.studio", json!({"Fixed": "x"}))
        .has("domain.studio", json!({"Fixed": "y"}))
        .wants("user_profile.ann", json!({"Fixed": "in ${domain.studio.Arn}", "FixedRole": "new"}))
        .has("user_profile.ann", json!({"Fixed": format!("in {}", arn("domain.studio")), "FixedRole": "old"}));
    for (words, expected) in [
        ("replace=domain.studio", Some("Fixed of ann cannot be changed in place")),
        ("replace=domain.studio replace=user_profile.ann", None),
    ] {
        let plan = scene.plan(words);
        match (why(&plan, "user_profile.ann"), expected) {
            (None, None) => {}
            (Some(why), Some(part)) => assert!(why.starts_with(part), "{words}: {why}"),
            (why, _) => panic!("{words}: {why:?}"),
        }
    }
}

#[test]
fn deletions_run_creation_backwards_after_every_change() {
    let scene = living()
        .without("user_profile.ann")
        .without("bucket.default")
        .without("kms_key.default")
        .has("parameter.p", json!({}))
        .has("domain.studio", json!({"FixedRole": arn("execution_role.default"), "Plain": "b"}));
    let plan = scene.plan("");
    let expected = [
        "keep execution_role.default",
        "update domain.studio",
        "delete parameter.p",
        "delete user_profile.ann",
        "delete bucket.default",
        "delete kms_key.default",
    ];
    assert_eq!(lines(&plan), expected);
    for (at, expected) in [
        ("parameter.p", "domain.studio"),
        ("user_profile.ann", "domain.studio parameter.p"),
        ("bucket.default", "domain.studio parameter.p user_profile.ann"),
        ("kms_key.default", "domain.studio parameter.p user_profile.ann bucket.default"),
    ] {
        assert_eq!(waits(&plan, at), addresses(expected).into_iter().collect(), "{at}");
    }
}

#[test]
fn nothing_waits_for_what_is_not_done() {
    let scene = Situation::default()
        .has("bucket.it", json!({}))
        .has("user_profile.ann", json!({"Removal": "guarded"}))
        .has("home_efs.kept", json!({"Removal": "efs"}))
        .has("parameter.p", json!({}))
        .wants("kms_key.same", json!({"Plain": "a"}))
        .has("kms_key.same", json!({"Plain": "a"}));
    for (words, expected) in [("", "parameter.p"), ("profile-delete=ann", "parameter.p user_profile.ann")] {
        let expected = addresses(expected).into_iter().collect();
        assert_eq!(waits(&scene.plan(words), "bucket.it"), expected, "{words}");
    }
}

#[test]
fn destroying_waits_for_each_thing_that_was_made_later() {
    let scene = Situation { graph: Graph::new(), ..living() };
    let plan = scene.plan("destroy");
    let expected = [
        "delete user_profile.ann",
        "delete domain.studio",
        "delete bucket.default",
        "delete kms_key.default",
        "delete execution_role.default",
    ];
    assert_eq!(lines(&plan), expected);
    for (at, step) in plan.steps.iter().enumerate() {
        let before: BTreeSet<Address> = plan.steps[..at].iter().map(|step| step.address.clone()).collect();
        assert_eq!(step.waits_for, before, "{}", step.address);
    }
}

#[test]
fn what_builds_on_what_is_foreign_is_blocked_with_it() {
    let scene = environment().foreign(Owner::Deployment("a/b/c/d@r".into()), "kms_key.default", json!({}));
    let plan = scene.plan("");
    let expected = [
        "create execution_role.default",
        "keep kms_key.default (blocked)",
        "create domain.studio",
        "create bucket.default (blocked)",
        "create user_profile.ann",
    ];
    let mut found = lines(&plan);
    found.sort_unstable();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(found, sorted);
    assert_eq!(why(&plan, "bucket.default"), Some("it builds on kms_key.default, which is somebody else's"));
    let twice = scene.foreign(Owner::Unknown, "bucket.default", json!({}));
    assert!(why(&twice.plan(""), "bucket.default").unwrap().contains("did not make"), "its own reason is said");
}
