//! Changes that running apps forbid.

use serde_json::{Value as Json, json};

use super::super::testing::{Situation, address, changed, lines, notices, step, waits, why};
use crate::model::{Owner, State};

fn changing(wanted: Json, live: Json) -> Situation {
    Situation::default().wants("domain.studio", wanted).has("domain.studio", live)
}

#[test]
fn each_change_is_forbidden_by_its_own_apps() {
    let space = |sharing: Json| json!({"SharingType": sharing});
    let scene = |live: Json, state: State| {
        move |setting: &str| {
            changing(json!({setting: "b"}), json!({setting: "a"}))
                .has("space.private", space(json!("Private")))
                .has("space.shared", space(json!("Shared")))
                .has("space.silent", json!({}))
                .has_in(state.clone(), "app.a", live.clone())
        }
    };
    let in_space = |name: &str| json!({"SpaceName": name});
    let going = || State::Busy("Deleting".into());
    for (name, scene, forbids) in [
        ("one of a user", scene(json!({"UserProfileName": "ann"}), State::Usable), "Live Active Private"),
        ("one that starts", scene(json!({}), State::Busy("Pending".into())), "Live Active Private"),
        ("one that is going", scene(json!({}), going()), "Live"),
        ("one in a private space", scene(in_space("private"), State::Usable), "Live Active Private"),
        ("one in a shared space", scene(in_space("shared"), State::Usable), "Live Active Shared"),
        ("one in a space that says nothing", scene(in_space("silent"), State::Usable), "Live Active Shared"),
        ("one in a space that is not there", scene(in_space("gone"), State::Usable), "Live Active Shared"),
        ("one that is going from a shared space", scene(in_space("shared"), going()), "Live"),
    ] {
        for setting in ["Live", "Active", "Private", "Shared", "Plain"] {
            let is_forbidden = forbids.split(' ').any(|word| word == setting);
            let plan = scene(setting).plan("");
            assert_eq!(why(&plan, "domain.studio").is_some(), is_forbidden, "{name}: {setting}");
            let plan = scene(setting).plan("stop-apps");
            assert_eq!(why(&plan, "domain.studio"), None, "{name}: {setting}");
            assert_eq!(plan.step(&address("app.a")).is_some(), is_forbidden, "{name}: {setting} stops it");
        }
    }
}

#[test]
fn what_is_in_the_way_is_stopped_first_and_nothing_else() {
    let scene = changing(json!({"Private": "b"}), json!({"Private": "a"}))
        .has("app.mine", json!({"UserProfileName": "ann"}))
        .has("app.ours", json!({"SpaceName": "s"}))
        .has("space.s", json!({"SharingType": "Shared"}));
    let plan = scene.plan("");
    let expected = "AWS refuses to change Private while apps run: mine";
    assert_eq!((why(&plan, "domain.studio"), plan.steps.len()), (Some(expected), 1));
    let plan = scene.plan("stop-apps");
    assert_eq!(lines(&plan), ["update domain.studio", "delete app.mine"]);
    assert_eq!(waits(&plan, "domain.studio"), [address("app.mine")].into());
    assert!(waits(&plan, "app.mine").is_empty());
    let foreign = changing(json!({"Live": "b"}), json!({"Live": "a"})).foreign(Owner::Unknown, "app.a", json!({}));
    assert_eq!(lines(&foreign.plan("")), ["update domain.studio"]);
}

#[test]
fn a_change_that_makes_or_removes_needs_no_app_stopped() {
    let scene = || Situation::default().has("app.a", json!({}));
    let created = scene().wants("domain.studio", json!({"Live": "a"}));
    assert_eq!(lines(&created.plan("")), ["create domain.studio"]);
    let same = scene().keeps("domain.studio", json!({"Live": "a"}));
    assert_eq!(lines(&same.plan("stop-apps")), ["keep domain.studio"]);
    let unset = same.applied().wants("domain.studio", json!({"Plain": "a"}));
    assert!(why(&unset.plan(""), "domain.studio").is_some(), "taking back is a change");
}

#[test]
fn what_apps_forbid_is_left_out_and_the_rest_is_done() {
    let both =
        || changing(json!({"Live": "b", "Plain": "b"}), json!({"Live": "a", "Plain": "a"})).has("app.a", json!({}));
    let one = || changing(json!({"Live": "b"}), json!({"Live": "a"})).has("app.a", json!({}));
    let live = json!({"Live": "a"});
    let adopting = one().foreign(Owner::Mdaa { stack: None }, "domain.studio", live);
    for (name, scene, words, line, changes, left) in [
        ("not asked to", both(), "", "update domain.studio (blocked)", vec!["Live", "Plain"], 0),
        ("asked to", both(), "skip", "update domain.studio", vec!["Plain"], 1),
        ("nothing is left", one(), "skip", "update domain.studio (blocked)", vec!["Live"], 0),
        ("apps may go", both(), "skip stop-apps", "update domain.studio", vec!["Live", "Plain"], 0),
        ("taking over is something", adopting.clone(), "adopt skip", "adopt domain.studio", vec![], 1),
        ("taking over", adopting, "adopt", "adopt domain.studio (blocked)", vec!["Live"], 0),
    ] {
        let plan = scene.plan(words);
        assert_eq!(lines(&plan)[0], line, "{name}");
        assert_eq!(changed(&plan, "domain.studio"), changes, "{name}");
        assert_eq!((plan.left_out.len(), notices(&plan, "domain.studio").len()), (left, left), "{name}");
        let kept = step(&plan, "domain.studio").node().unwrap().properties.text("Live") == Some("a");
        assert_eq!(kept, left == 1, "{name}: what is left out is not sent");
    }
}
