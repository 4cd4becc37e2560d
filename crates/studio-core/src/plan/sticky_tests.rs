//! Settings that go on being managed although the config says nothing of them.

use serde_json::json;

use super::super::testing::{Situation, changed, notices, step};
use super::*;

#[test]
fn what_the_api_cannot_unset_follows_what_holds_or_stays() {
    let stays = Some("Settings.Sticky is no longer in the config, but the API cannot unset it: it stays \"live\"");
    let follows = Some(
        "Settings.Sticky is no longer in the config, but the API cannot unset it: it is put to what holds for a config \
         that says nothing of it",
    );
    for (name, setting, wanted, fallback, live, expected, notice) in [
        ("nothing is known to hold", "Sticky", json!({}), json!(null), json!("live"), Some(json!("live")), stays),
        ("something holds", "Sticky", json!({}), json!({"Sticky": "up"}), json!("live"), Some(json!("up")), follows),
        (
            "something holds beside what is said",
            "Sticky",
            json!({"Plain": 1}),
            json!({"Sticky": "up"}),
            json!("live"),
            Some(json!("up")),
            None,
        ),
        (
            "something else holds",
            "Sticky",
            json!({}),
            json!({"Plain": "up"}),
            json!("live"),
            Some(json!("live")),
            stays,
        ),
        (
            "it is said",
            "Sticky",
            json!({"Sticky": "new"}),
            json!({"Sticky": "up"}),
            json!("live"),
            Some(json!("new")),
            None,
        ),
        ("it is blank", "Sticky", json!({}), json!({"Sticky": "up"}), json!(""), None, None),
        ("leaving it out is enough", "Plain", json!({}), json!({"Plain": "up"}), json!("live"), None, None),
        ("a word for nothing", "Sent", json!({}), json!({"Sent": "up"}), json!("live"), None, None),
        ("a default that nothing outweighs", "Default", json!({}), json!(null), json!("live"), None, None),
        (
            "a default that the domain may outweigh later",
            "Default",
            json!({"Plain": 1}),
            json!({}),
            json!("live"),
            Some(json!("default")),
            None,
        ),
        ("a default of what inherits nothing", "Default", json!({"Plain": 1}), json!(null), json!("live"), None, None),
        ("a default where nothing is said", "Default", json!({}), json!({}), json!("live"), None, None),
        (
            "a default that is outweighed",
            "Default",
            json!({"Plain": 1}),
            json!({"Default": "up"}),
            json!("live"),
            Some(json!("up")),
            None,
        ),
    ] {
        let mut properties = json!({"Other": 1});
        if wanted != json!({}) {
            properties["Settings"] = wanted;
        }
        let fallback = if fallback.is_null() { fallback } else { json!({ "Settings": fallback }) };
        let scene = Situation::default().wants("user_profile.ann", properties).inherits("user_profile.ann", fallback);
        let mut node = scene.graph[&super::super::testing::address("user_profile.ann")].clone();
        let observed = super::super::testing::observed("user_profile.ann", json!({"Settings": {setting: live}}));
        let path = Path::of(["Settings", setting]);
        let mut found = Vec::new();
        keep(&mut node, &observed, std::slice::from_ref(&path), &super::super::testing::ByName, &mut found);
        assert_eq!(node.properties.at(&path).map(Value::to_json), expected, "{name}");
        let said: Vec<&str> = found.iter().map(|notice| notice.message.as_str()).collect();
        assert_eq!(said, notice.into_iter().collect::<Vec<_>>(), "{name}");
        let before = node.clone();
        keep(&mut node, &observed, &[], &super::super::testing::ByName, &mut found);
        assert_eq!(node, before, "{name}: what was never managed is left alone");
    }
}

#[test]
fn what_stays_is_managed_from_then_on() {
    let scene = Situation::default()
        .keeps("domain.studio", json!({"Plain": "a", "Sticky": "x"}))
        .applied()
        .wants("domain.studio", json!({"Plain": "a"}));
    let plan = scene.plan("");
    assert!(plan.is_empty(), "the record goes on managing it: {:?}", plan.record);
    assert_eq!(notices(&plan, "domain.studio").len(), 1, "{:?}", plan.notices);
    let again = Situation { recorded: plan.record, ..scene.clone() };
    assert_eq!(notices(&again.plan(""), "domain.studio").len(), 1);
    let lost = Situation { recorded: None, ..scene };
    assert_eq!(notices(&lost.plan(""), "domain.studio").len(), 0, "nobody knows it any more");
}

#[test]
fn what_is_made_again_is_made_of_what_the_config_says() {
    let scene = Situation::default()
        .keeps("domain.studio", json!({"Plain": "a", "Sticky": "x", "Fixed": "a"}))
        .applied()
        .wants("domain.studio", json!({"Plain": "a", "Fixed": "b"}));
    for (words, kept, said) in [("", true, 1), ("replace=domain.studio", false, 0)] {
        let plan = scene.plan(words);
        let node = step(&plan, "domain.studio").node().unwrap();
        assert_eq!(node.properties.get("Sticky").is_some(), kept, "{words}");
        assert_eq!(notices(&plan, "domain.studio").len(), said, "{words}");
        assert_eq!(changed(&plan, "domain.studio"), ["Fixed"], "{words}");
        let managed = plan.record.unwrap().managed;
        assert_eq!(managed[0].paths.contains(&Path::of(["Sticky"])), kept, "{words}");
    }
}

#[test]
fn what_names_something_that_goes_is_taken_back_even_without_a_record() {
    let arn = super::super::testing::arn;
    let script = arn("lifecycle_config.kernel");
    for (name, live, expected) in [
        ("a script", json!({"Plain": script}), vec!["Plain"]),
        ("a list of scripts", json!({"Roles": [script]}), vec!["Roles"]),
        ("a list with somebody else's", json!({"Roles": [script, "arn:theirs"]}), vec![]),
        ("an empty list", json!({"Roles": []}), vec![]),
        ("a role", json!({"Plain": arn("execution_role.old")}), vec!["Plain"]),
        ("a group, by its id", json!({"Plain": "sg-old"}), vec!["Plain"]),
        ("a group, by its ARN", json!({"Plain": arn("security_group.old")}), vec![]),
        ("a bucket", json!({"Plain": arn("bucket.old")}), vec![]),
        ("a role that stays", json!({"Plain": arn("execution_role.new")}), vec![]),
    ] {
        let scene = Situation::default()
            .wants("domain.studio", json!({"Other": 1}))
            .keeps("execution_role.new", json!({"Plain": "a"}))
            .has("lifecycle_config.kernel", json!({}))
            .has("execution_role.old", json!({}))
            .has("security_group.old", json!({}))
            .has("bucket.old", json!({}));
        let mut live = live;
        live["Other"] = json!(1);
        assert_eq!(changed(&scene.has("domain.studio", live).plan(""), "domain.studio"), expected, "{name}");
    }
}
