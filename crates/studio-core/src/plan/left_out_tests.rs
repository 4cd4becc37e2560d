//! Consequences of leaving something out of a plan.

use serde_json::{Value as Json, json};

use super::super::testing::{Situation, address, arn, by_name, changed, lines, notices, step, why};
use super::super::{Check, Finding, Obstacle, Options, plan};
use super::*;
use crate::model::{Path, State};

const OLD: &str = "execution_role.old";
const NEW: &str = "execution_role.new";

/// A domain that would have to be made again to get another role, which is not allowed, and the two roles.
fn stuck() -> Situation {
    Situation::default()
        .keeps(NEW, json!({"Plain": "a"}))
        .has(OLD, json!({}))
        .wants("domain.studio", json!({"FixedRole": format!("${{{NEW}.Arn}}"), "Plain": "b"}))
        .has("domain.studio", json!({"FixedRole": arn(OLD), "Plain": "a"}))
}

/// The same with something that changes as well.
fn with(at: &str, wanted: Json, live: Json) -> Situation {
    stuck().wants(at, wanted).has(at, live)
}

#[test]
fn what_is_left_out_keeps_what_it_uses() {
    let plan = stuck().plan("skip");
    assert_eq!(lines(&plan), ["keep execution_role.new", "update domain.studio", "keep execution_role.old"]);
    assert_eq!(step(&plan, OLD).reason, "what is left out still uses it");
    assert_eq!(changed(&plan, "domain.studio"), ["Plain"]);
    let allowed = stuck().plan("skip replace=domain.studio");
    assert_eq!(lines(&allowed)[2], "delete execution_role.old");
    let other = stuck().has("execution_role.other", json!({})).plan("skip");
    assert_eq!(step(&other, "execution_role.other").action(), Action::Delete, "nobody uses it");
    let named = stuck().has("bucket.b", json!({"Plain": arn(OLD)})).plan("skip");
    assert_eq!(step(&named, "bucket.b").action(), Action::Delete, "it uses, and is not used");
}

#[test]
fn what_would_take_something_from_it_is_left_out_too() {
    let (old, new) = (arn(OLD), arn(NEW));
    for (name, wanted, live, expected) in [
        ("another thing", json!({"Plain": "b"}), json!({"Plain": "a"}), vec!["Plain"]),
        ("it is no longer named", json!({"Roles": [new]}), json!({"Roles": [old]}), vec![]),
        ("it is no longer named by its name", json!({"Roles": ["new"]}), json!({"Roles": ["old"]}), vec![]),
        ("it stays named", json!({"Roles": [old, "x"]}), json!({"Roles": [old]}), vec!["Roles"]),
        ("it is named once less", json!({"Roles": [old, "x"]}), json!({"Roles": [old, old]}), vec![]),
        ("what it would use is named early", json!({"Roles": [new]}), json!({"Roles": []}), vec![]),
        ("a tag names it no more", json!({"Tags": {"role": "x"}}), json!({"Tags": {"role": old}}), vec!["Tags.role"]),
        ("below it", json!({"Group": "x"}), json!({"Group": format!("{old}/session")}), vec![]),
        ("in a list in a text", json!({"Group": "x"}), json!({"Group": format!("x,{old}")}), vec![]),
        ("a longer name", json!({"Group": "x"}), json!({"Group": format!("{old}er")}), vec!["Group"]),
    ] {
        let plan = with("execution_policy.p", wanted, live).plan("skip");
        assert_eq!(changed(&plan, "execution_policy.p"), expected, "{name}");
        let is_left = expected.is_empty();
        assert_eq!(plan.left_out.contains_key(&address("execution_policy.p")), is_left, "{name}");
        assert_eq!(step(&plan, "execution_policy.p").action() == Action::Keep, is_left, "{name}");
        assert_eq!(notices(&plan, "execution_policy.p").len(), usize::from(is_left), "{name}");
    }
}

#[test]
fn what_would_name_something_too_early_is_not_made() {
    for (name, properties, expected) in [
        ("nothing of it", json!({"Value": "x"}), None),
        ("what is used already", json!({"Value": format!("${{{OLD}.Arn}}")}), None),
        (
            "what is not used yet",
            json!({"Value": format!("${{{NEW}.Arn}}")}),
            Some("it names arn:aws:iam::1:role/path/new"),
        ),
    ] {
        let plan = stuck().wants("parameter.p", properties).plan("skip");
        let why = why(&plan, "parameter.p");
        assert!(
            why.is_some() == expected.is_some() && why.unwrap_or_default().starts_with(expected.unwrap_or_default()),
            "{name}: {why:?}"
        );
    }
    let missing = Situation { snapshot: stuck().snapshot, ..stuck() }.finds(NEW, crate::model::Found::Absent);
    let plan = missing.wants("parameter.p", json!({"Value": format!("${{{NEW}.Arn}}")})).plan("skip");
    let expected = "it names ${execution_role.new.Arn}, which what is left out does not use yet";
    assert_eq!(why(&plan, "parameter.p"), Some(expected), "even while nobody knows what it will be");
}

#[test]
fn what_stays_in_use_may_be_named() {
    let scene = stuck()
        .wants("domain.studio", json!({"Fixed": [arn(OLD), arn(NEW)], "Plain": "b"}))
        .has("domain.studio", json!({"Fixed": [arn(OLD)], "Plain": "a"}));
    for (name, role, expected) in [("used before and after", OLD, vec!["Roles"]), ("used only after", NEW, vec![])] {
        let policy = "execution_policy.p";
        let plan =
            scene.clone().wants(policy, json!({"Roles": [arn(role)]})).has(policy, json!({"Roles": []})).plan("skip");
        assert_eq!(changed(&plan, policy), expected, "{name}");
    }
}

#[test]
fn what_waits_for_something_blocked_is_blocked() {
    let scene = Situation::default()
        .wants("kms_key.k", json!({"Plain": "b"}))
        .has_in(State::Disabled, "kms_key.k", json!({"Plain": "a"}))
        .wants("bucket.b", json!({"Plain": "${kms_key.k.Arn}"}))
        .wants("domain.d", json!({"Plain": "${bucket.b.Arn}"}))
        .wants("parameter.p", json!({"Plain": "b"}));
    let skipping =
        ["keep kms_key.k (blocked)", "create bucket.b (blocked)", "create domain.d (blocked)", "create parameter.p"];
    for (words, expected) in [
        ("", ["keep kms_key.k (blocked)", "create bucket.b", "create domain.d", "create parameter.p"]),
        ("skip", skipping),
    ] {
        let mut found = lines(&scene.plan(words));
        found.sort();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(found, expected, "{words}");
    }
    let plan = scene.plan("skip");
    assert_eq!(why(&plan, "bucket.b"), Some("it has to wait for kms_key.k, of which something is blocked"));
    assert_eq!(why(&plan, "domain.d"), Some("it has to wait for bucket.b, of which something is blocked"));
}

#[test]
fn nothing_new_is_put_into_a_domain_that_is_not_as_the_config_says() {
    let profile =
        |scene: Situation| scene.wants("user_profile.ann", json!({})).after("user_profile.ann", "domain.studio");
    let in_place = Situation::default()
        .wants("domain.studio", json!({"Live": "b", "Plain": "b"}))
        .has("domain.studio", json!({"Live": "a", "Plain": "a"}))
        .has("app.a", json!({}));
    for (name, scene, words, expected) in [
        ("immutable", profile(stuck()), "skip", true),
        ("immutable and allowed", profile(stuck()), "skip replace=domain.studio", false),
        ("only for now", profile(in_place), "skip", false),
        ("not in it", stuck().wants("user_profile.ann", json!({})), "skip", false),
    ] {
        assert_eq!(why(&scene.plan(words), "user_profile.ann").is_some(), expected, "{name}");
    }
}

#[test]
fn what_a_check_blocks_is_closed_over_too() {
    let scene = Situation::default()
        .wants("domain.studio", json!({"Fixed": "b"}))
        .has("domain.studio", json!({"Fixed": "a"}))
        .has("app.a", json!({}))
        .has(OLD, json!({}))
        .wants("bucket.b", json!({"Plain": "b"}));
    for (words, app) in [("skip replace=domain.studio drain", true), ("replace=domain.studio drain", false)] {
        let draft = scene.draft(words);
        assert!(!draft.plan().is_partial(), "{:?}", lines(draft.plan()));
        let failed = Finding::Obstacle(Obstacle {
            address: address("domain.studio"),
            why: "a check".into(),
            hint: "failed".into(),
            source: None,
            check: Check::Preflight,
        });
        let plan = draft.with(vec![failed]).finish();
        assert_eq!(why(&plan, "app.a").is_some(), app, "{words}: an app of a domain that stays is not stopped");
        assert_eq!(why(&plan, OLD).is_some(), app, "{words}: it would go after the domain");
        assert_eq!(why(&plan, "bucket.b"), None, "{words}");
    }
}

#[test]
fn settling_ends_at_once_where_nothing_is_blocked() {
    let scene = Situation::default().wants("bucket.b", json!({"Plain": "b"})).has("bucket.b", json!({"Plain": "a"}));
    let options = Options { skip_blocked: true, ..Options::default() };
    let plan = plan(&super::super::testing::deployment(), &scene.graph, &scene.snapshot, None, &by_name, &options);
    let plan = plan.unwrap().finish();
    assert!(plan.left_out.is_empty() && plan.notices.is_empty());
    assert_eq!(lines(&plan), ["update bucket.b"]);
}

#[test]
fn what_is_taken_out_stays_as_it_is() {
    let change = |path: &str, before: Option<&str>, after: Option<&str>| Change {
        path: path.parse::<Path>().unwrap(),
        before: before.map(Value::from),
        after: after.map(Value::from),
        source: None,
        unsets: false,
    };
    let scene = Situation::default()
        .wants("bucket.b", json!({"Plain": "b", "Other": "b", "Settings": {"A": "b"}}))
        .has("bucket.b", json!({"Plain": "a"}));
    let (plain, other, inner) = (
        change("Plain", Some("a"), Some("b")),
        change("Other", None, Some("b")),
        change("Settings.A", None, Some("b")),
    );
    for (name, out, properties, action) in [
        ("none", vec![], json!({"Plain": "b", "Other": "b", "Settings": {"A": "b"}}), Action::Update),
        ("what was", vec![plain.clone()], json!({"Plain": "a", "Other": "b", "Settings": {"A": "b"}}), Action::Update),
        ("what was not", vec![other.clone(), inner.clone()], json!({"Plain": "b"}), Action::Update),
        ("all", vec![plain, other, inner], json!({"Plain": "a"}), Action::Keep),
    ] {
        let mut step = step(&scene.plan(""), "bucket.b").clone();
        if let Transition::Update { changes, .. } = &mut step.transition {
            for change in changes {
                change.source = None;
            }
        }
        take_out(&mut step, &out);
        assert_eq!(step.node().unwrap().properties.to_json(), properties, "{name}");
        assert_eq!((step.changes().len(), step.action()), (3 - out.len(), action), "{name}");
    }
}

#[test]
fn a_text_mentions_a_thing_alone_in_a_list_or_as_what_it_begins_with() {
    for (text, id, expected) in [
        ("sg-1", "sg-1", true),
        ("sg-12", "sg-1", false),
        ("sg-2,sg-1", "sg-1", true),
        ("sg-1/x", "sg-1", false),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", true),
        ("arn:aws:s3:::b:x", "arn:aws:s3:::b", true),
        ("arn:aws:s3:::bb", "arn:aws:s3:::b", false),
        ("x arn:aws:s3:::b", "arn:aws:s3:::b", false),
        ("role", "role", true),
    ] {
        assert_eq!(mentions(text, id), expected, "{text}, {id}");
    }
}

#[test]
fn identifiers_are_arns_ids_and_the_names_of_roles() {
    for (name, value, expected) in [
        ("a word", json!("word"), vec![]),
        ("an ARN", json!("arn:aws:kms:x"), vec!["arn:aws:kms:x"]),
        ("a role", json!("arn:aws:iam::1:role/a/b"), vec!["arn:aws:iam::1:role/a/b", "b"]),
        ("in a list", json!(["sg-1", "x", "subnet-2"]), vec!["sg-1", "subnet-2"]),
        ("in a map", json!({"A": {"B": "vpc-1"}, "C": 1, "D": null}), vec!["vpc-1"]),
        ("further on in a text", json!("in vpc-1"), vec![]),
    ] {
        let mut found = BTreeSet::new();
        identifiers(&value.into(), &mut found);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{name}");
    }
}
