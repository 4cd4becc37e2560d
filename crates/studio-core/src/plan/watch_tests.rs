//! Findings beside the config, and those that an apply fixes.

use serde_json::json;

use super::super::testing::{Situation, address, changed, lines, notices, step};
use super::*;

/// Findings of a plan beside the config.
fn told(scene: &Situation, words: &str) -> Vec<String> {
    scene.plan(words).watched.iter().map(|(address, watched)| format!("{address} {}", watched.path)).collect()
}

#[test]
fn what_the_config_does_not_say_is_told() {
    let mdaa = || Owner::Mdaa { stack: None };
    let none: Vec<&str> = Vec::new();
    let domain = |wanted, live| Situation::default().wants("domain.it", wanted).has("domain.it", live);
    let said = || json!({"Plain": "a"});
    for (name, scene, words, expected) in [
        ("nothing odd", domain(said(), said()), "", none.clone()),
        ("odd", domain(said(), json!({"Plain": "a", "Odd": "x"})), "", vec!["domain.it Odd"]),
        ("odd and said", domain(json!({"Odd": "x"}), json!({"Odd": "x"})), "", none.clone()),
        ("odd and wanted otherwise", domain(json!({"Odd": "y"}), json!({"Odd": "x"})), "", none.clone()),
        (
            "each of several",
            domain(said(), json!({"Plain": "a", "Odd": "x", "ByHand": 1, "InConfig": 2})),
            "",
            vec!["domain.it ByHand", "domain.it InConfig", "domain.it Odd"],
        ),
        ("it goes", Situation::default().has("bucket.it", json!({"Odd": "x"})), "", none.clone()),
        ("all goes", domain(said(), json!({"Odd": "x"})), "destroy", none.clone()),
        (
            "it is kept for its data",
            Situation::default().has("bucket.it", json!({"Odd": 1, "Removal": "bucket"})),
            "",
            none.clone(),
        ),
        (
            "it is made again",
            domain(json!({"Fixed": "b"}), json!({"Fixed": "a", "Odd": "x"})),
            "replace=domain.it",
            none.clone(),
        ),
        (
            "it may not be made again",
            domain(json!({"Fixed": "b"}), json!({"Fixed": "a", "Odd": "x"})),
            "",
            vec!["domain.it Odd"],
        ),
        (
            "a stranger",
            Situation::default().foreign(Owner::Unknown, "user_profile.it", json!({"Odd": "x"})),
            "",
            vec!["user_profile.it "],
        ),
        (
            "what MDAA made",
            Situation::default().foreign(mdaa(), "user_profile.it", json!({"Odd": "x"})),
            "",
            none.clone(),
        ),
        (
            "a foreign thing that is wanted",
            Situation::default().wants("bucket.it", said()).foreign(Owner::Unknown, "bucket.it", json!({"Odd": "x"})),
            "",
            none.clone(),
        ),
    ] {
        assert_eq!(told(&scene, words), expected, "{name}");
    }
}

#[test]
fn a_rule_sees_the_outputs_that_are_known() {
    struct Looks;
    impl Rules for Looks {
        fn watch(&self, _: &Observed, node: Option<&Node>) -> Vec<Watched> {
            let role = node.unwrap().properties.text("Role");
            role.map(|role| Watched::surplus(Path::default(), &role.into(), "seen")).into_iter().collect()
        }
    }
    let scene =
        Situation::default().wants("domain.it", json!({"Role": "${execution_role.r.Arn}"})).has("domain.it", json!({}));
    for (name, scene, expected) in [
        ("the role is there", scene.clone().has("execution_role.r", json!({})), 1),
        ("the role is not there", scene.clone(), 0),
        ("the role is foreign", scene.foreign(Owner::Unknown, "execution_role.r", json!({})), 0),
    ] {
        let node = &scene.graph[&address("domain.it")];
        let found = at(&scene.snapshot[&address("domain.it")], Some(node), &scene.snapshot, &Looks);
        assert_eq!(found.len(), expected, "{name}");
    }
}

#[test]
fn only_what_is_named_is_mended() {
    let live = json!({"Plain": "a", "Odd": "x", "ByHand": 1, "InConfig": 2});
    let scene = Situation::default()
        .wants("domain.it", json!({"Plain": "a"}))
        .has("domain.it", live)
        .keeps("bucket.it", json!({"Plain": 1}));
    for (words, line, changes, left) in [
        ("", "keep domain.it", vec![], vec!["domain.it ByHand", "domain.it InConfig", "domain.it Odd"]),
        ("mend=bucket.it", "keep domain.it", vec![], vec!["domain.it ByHand", "domain.it InConfig", "domain.it Odd"]),
        ("mend=domain.it", "update domain.it", vec!["Odd"], vec!["domain.it ByHand", "domain.it InConfig"]),
    ] {
        let plan = scene.plan(words);
        assert_eq!(lines(&plan), ["keep bucket.it", line], "{words}");
        assert_eq!(changed(&plan, "domain.it"), changes, "{words}");
        assert_eq!(told(&scene, words), left, "{words}");
    }
    let managed = scene.plan("mend=domain.it").record.unwrap();
    assert_eq!(managed.paths(&address("domain.it")), [Path::of(["Plain"])], "the record never learns of it");
    let blocked = scene.wants("domain.it", json!({"Fixed": "b"})).has("domain.it", json!({"Fixed": "a", "Odd": "x"}));
    assert_eq!(changed(&blocked.plan("mend=domain.it"), "domain.it"), ["Fixed", "Odd"]);
    assert_eq!(told(&blocked, "mend=domain.it"), ["domain.it Odd"], "what is blocked mends nothing");
    let users = Situation::default().has("space.s", json!({"Odd": "x"}));
    assert_eq!(lines(&users.plan("mend=space.s")), ["update space.s"]);
    assert_eq!(lines(&users.plan("mend=space.s destroy")), [""; 0], "who destroys mends nothing");
}

#[test]
fn what_no_node_describes_is_mended_too() {
    let scene = |live| Situation::default().keeps("domain.it", json!({"Plain": 1})).has("nfs_security_group.it", live);
    for (name, live, words, expected) in [
        (
            "odd",
            json!({"Odd": "x", "Plain": "a"}),
            "mend=nfs_security_group.it",
            vec!["keep domain.it", "update nfs_security_group.it"],
        ),
        ("odd and not named", json!({"Odd": "x"}), "", vec!["keep domain.it"]),
        ("not odd", json!({"Plain": "a"}), "mend=nfs_security_group.it", vec!["keep domain.it"]),
        ("for a person", json!({"ByHand": "a"}), "mend=nfs_security_group.it", vec!["keep domain.it"]),
    ] {
        assert_eq!(lines(&scene(live).plan(words)), expected, "{name}");
    }
    let plan = scene(json!({"Odd": "x", "Plain": "a"})).plan("mend=nfs_security_group.it");
    let step = step(&plan, "nfs_security_group.it");
    let change = &step.changes()[0];
    assert_eq!((step.changes().len(), &change.before, &change.after), (1, &Some("x".into()), &Some(Value::Null)));
    let gone = Situation::default().has("nfs_security_group.it", json!({"Odd": "x"})).has("domain.it", json!({}));
    let expected = ["delete domain.it", "delete nfs_security_group.it"];
    assert_eq!(lines(&gone.plan("destroy mend=nfs_security_group.it")), expected);
}

#[test]
fn what_is_to_be_mended_and_is_nowhere_is_told() {
    let scene = Situation::default()
        .wants("domain.it", json!({}))
        .has("bucket.it", json!({}))
        .foreign(Owner::Unknown, "kms_key.it", json!({}))
        .finds("space.it", Found::Absent);
    for (at, is_known) in
        [("domain.it", true), ("bucket.it", true), ("kms_key.it", true), ("space.it", false), ("app.it", false)]
    {
        let unmatched = scene.plan(&format!("mend={at}")).unmatched;
        assert_eq!(unmatched.is_empty(), is_known, "{at}");
        assert!(is_known || unmatched == [address(at)], "{at}");
    }
    assert!(notices(&scene.plan(""), "domain.it").is_empty());
}
