use super::*;
use crate::model::Owner;
use crate::ui::testing::{Scene, create_all, destroy, removal, script, update};
use serde_json::json;

fn shown(scene: &Scene, style: DiffStyle) -> String {
    render(&scene.plan(), style, Paint::PLAIN)
}

#[test]
fn what_is_made_takes_one_line_each() {
    insta::assert_snapshot!(shown(&create_all(), DiffStyle::Compact), @"");
}

#[test]
fn what_is_made_shows_all_its_properties_on_request() {
    insta::assert_snapshot!(shown(&create_all(), DiffStyle::Full), @"");
}

#[test]
fn an_update_shows_policies_by_statement_and_lists_as_sets() {
    insta::assert_snapshot!(shown(&update(), DiffStyle::Compact), @"");
}

#[test]
fn without_diff_only_addresses_are_shown() {
    insta::assert_snapshot!(shown(&update(), DiffStyle::None), @"");
}

#[test]
fn a_script_is_compared_as_text() {
    insta::assert_snapshot!(shown(&script(), DiffStyle::Compact), @"");
}

#[test]
fn what_loses_data_is_blocked_and_says_what_would_allow_it() {
    insta::assert_snapshot!(shown(&removal(), DiffStyle::Compact), @"");
}

#[test]
fn what_belongs_to_somebody_else_is_blocked() {
    let scene = Scene::default()
        .wants("bucket.sharing", 5, json!({"Bucket": "acme-dev-ml-studio"}))
        .foreign("bucket.sharing", Owner::Stack("theirs".into()))
        .recorded();
    insta::assert_snapshot!(shown(&scene, DiffStyle::Compact), @"");
}

#[test]
fn destroying_names_what_is_kept() {
    insta::assert_snapshot!(shown(&destroy(), DiffStyle::Compact), @"");
}

#[test]
fn no_changes_are_said_in_one_sentence() {
    let scene = Scene::default()
        .wants("domain.studio", 10, json!({"AuthMode": "IAM"}))
        .has("domain.studio", json!({"AuthMode": "IAM"}));
    insta::assert_snapshot!(shown(&scene, DiffStyle::Compact), @"");
    insta::assert_snapshot!(shown(&scene.recorded(), DiffStyle::Compact), @"");
}

#[test]
fn thousands_of_profiles_leave_the_numbers_on_the_screen() {
    let scene = (0..300).fold(Scene::default(), |scene, at| scene.wants(&format!("user_profile.u{at:03}"), 9, json!({"A": 1})));
    let text = shown(&scene, DiffStyle::Compact);
    let last: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(last[1].ends_with("user_profile.u019 and 280 more"), "{}", last[1]);
    assert_eq!(last[0], "Plan: 300 to add, 0 to change, 0 to replace, 0 to adopt, 0 to destroy, 0 unchanged");
}

#[test]
fn a_compact_update_of_many_properties_is_cut() {
    let properties = |value: &str| (0..15).map(|at| (format!("P{at:02}"), json!(value))).collect::<serde_json::Map<_, _>>();
    let scene = Scene::default()
        .wants("domain.studio", 10, properties("new").into())
        .has("domain.studio", properties("old").into());
    assert!(shown(&scene, DiffStyle::Compact).contains("… and 5 more (`--diff full` shows all)"));
    assert!(shown(&scene, DiffStyle::Full).contains("P14: old → new"));
}

#[test]
fn nothing_in_a_plan_can_steer_the_terminal() {
    let scene = Scene::default()
        .wants("domain.studio", 10, json!({"Name": "safe"}))
        .has("domain.studio", json!({"Name": "\u{1b}]0;owned\u{7}"}));
    assert!(!shown(&scene, DiffStyle::Full).contains('\u{1b}'));
}
