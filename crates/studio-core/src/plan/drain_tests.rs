//! Things that go with a profile or a domain, and things that keep it.

use serde_json::{Value as Json, json};

use super::super::testing::{Situation, lines, options, step, waits, why};
use super::*;
use crate::model::Owner;

/// A domain that stays, and Ann's profile in it that goes.
fn leaving() -> Situation {
    Situation::default().keeps("domain.studio", json!({"Plain": "a"})).has("user_profile.ann", json!({}))
}

fn of(profile: &str) -> Json {
    json!({"UserProfileName": profile})
}

fn owned_by(profile: &str) -> Json {
    json!({"OwnerUserProfileName": profile})
}

#[test]
fn a_profile_goes_with_all_that_is_in_it_or_not_at_all() {
    let deleting = || State::Busy("Deleting".into());
    let failed = || State::Failed("x".into());
    let profile = "delete user_profile.ann";
    let stays = "delete user_profile.ann (blocked)";
    let (app, app_stays) = ("delete app.a", "delete app.a (blocked)");
    let (space, space_stays) = ("delete space.s", "delete space.s (blocked)");
    let in_space = || leaving().has("space.s", owned_by("ann")).has("app.a", json!({"SpaceName": "s"}));
    for (name, scene, words, expected) in [
        ("nothing in it", leaving(), "", vec![profile]),
        ("an app", leaving().has("app.a", of("ann")), "", vec![app_stays, stays]),
        ("an app that may go", leaving().has("app.a", of("ann")), "stop-apps", vec![app, profile]),
        ("all may go", leaving().has("app.a", of("ann")), "drain", vec![app, profile]),
        ("an app that is going", leaving().has_in(deleting(), "app.a", of("ann")), "", vec![app, profile]),
        ("an app that failed", leaving().has_in(failed(), "app.a", of("ann")), "", vec![app_stays, stays]),
        ("in another case", leaving().has("app.a", of("Ann")), "", vec![app_stays, stays]),
        ("somebody else's app", leaving().has("app.a", of("ben")), "drain", vec![profile]),
        ("somebody else's space", leaving().has("space.s", owned_by("ben")), "drain", vec![profile]),
        ("nobody's app", leaving().has("app.a", json!({})), "drain", vec![profile]),
        ("a space", leaving().has("space.s", owned_by("ann")), "", vec![space_stays, stays]),
        ("files are not apps", leaving().has("space.s", owned_by("ann")), "stop-apps", vec![space_stays, stays]),
        ("files may go", leaving().has("space.s", owned_by("ann")), "drain", vec![space, profile]),
        ("a space that is going", leaving().has_in(deleting(), "space.s", owned_by("ann")), "", vec![space, profile]),
        ("a space that failed", leaving().has_in(failed(), "space.s", owned_by("ann")), "", vec![space, profile]),
        ("an app in a space", in_space(), "drain", vec![app, space, profile]),
        ("an app in a space that stays", in_space(), "", vec![app_stays, space_stays, stays]),
        ("no app is stopped for nothing", in_space(), "stop-apps", vec![space_stays, stays]),
        (
            "a profile that stays keeps them",
            leaving().has("app.a", of("ann")).wants("user_profile.ann", json!({})),
            "drain",
            vec!["keep user_profile.ann"],
        ),
        (
            "a guarded profile",
            leaving().has("user_profile.ann", json!({"Removal": "guarded"})).has("app.a", of("ann")),
            "drain",
            vec![stays],
        ),
    ] {
        let plan = scene.plan(words);
        let lines = lines(&plan);
        assert_eq!(lines[1..], expected, "{name}");
        assert_eq!(lines[0], "keep domain.studio", "{name}");
    }
}

#[test]
fn a_domain_goes_with_everybody_or_not_at_all() {
    let scene = || Situation::default().has("domain.studio", json!({})).has("user_profile.ann", json!({}));
    let both = ["delete user_profile.ann", "delete domain.studio"];
    let neither = ["delete user_profile.ann (blocked)", "delete domain.studio (blocked)"];
    let only_profile = ["delete user_profile.ann", "delete domain.studio (blocked)"];
    let theirs = |scene: Situation| scene.foreign(Owner::Unknown, "user_profile.zoe", json!({}));
    for (name, scene, words, first, rest) in [
        ("nobody in it", scene(), "destroy", None, both),
        ("her app", scene().has("app.a", of("ann")), "destroy", Some("delete app.a (blocked)"), neither),
        ("stopping is enough", scene().has("app.a", of("ann")), "destroy stop-apps", Some("delete app.a"), both),
        ("his app", scene().has("app.a", of("ben")), "destroy", Some("delete app.a (blocked)"), only_profile),
        (
            "nobody's space",
            scene().has("space.s", json!({})),
            "destroy",
            Some("delete space.s (blocked)"),
            only_profile,
        ),
        ("and it may go", scene().has("space.s", json!({})), "destroy drain", Some("delete space.s"), both),
        ("a guarded profile", scene().has("user_profile.ann", json!({"Removal": "guarded"})), "", None, neither),
    ] {
        let plan = scene.plan(words);
        let expected: Vec<&str> = first.into_iter().chain(rest).collect();
        assert_eq!(lines(&plan), expected, "{name}");
    }
    let expected = ["delete user_profile.zoe (blocked)", only_profile[0], only_profile[1]];
    assert_eq!(lines(&theirs(scene()).plan("destroy")), expected);
    assert_eq!(lines(&theirs(scene()).plan("destroy stop-apps")), expected);
    assert_eq!(lines(&theirs(scene()).plan("destroy drain")), ["delete user_profile.zoe", both[0], both[1]]);
}

#[test]
fn whoever_is_in_the_way_is_named_with_the_flag_that_helps() {
    let app = || leaving().has("app.a", of("ann"));
    let space = || app().has("space.s", owned_by("ann"));
    for (name, scene, words, at, part, hint) in [
        ("the profile", app(), "", "user_profile.ann", "once it is empty: app.a", "`--stop-apps`"),
        ("the app", app(), "", "app.a", "app.a is in use and holds user_profile.ann: ", "`--stop-apps`"),
        ("one flag is enough", space(), "", "user_profile.ann", "once it is empty: app.a, space.s", "`--drain`"),
        ("the space", space(), "", "space.s", "holds user_profile.ann: a user made it: the files in it", "`--drain`"),
        (
            "both",
            leaving().has("user_profile.ann", json!({"Removal": "guarded"})).has("app.a", of("ann")),
            "",
            "user_profile.ann",
            "removing it loses the home directory; also in the way: app.a",
            "`--allow-profile-delete ann --stop-apps`",
        ),
        (
            "destroying",
            Situation { graph: crate::model::Graph::new(), ..app() },
            "destroy",
            "domain.studio",
            "once it is empty: user_profile.ann",
            "`--drain`",
        ),
    ] {
        let plan = scene.plan(words);
        let blocked = step(&plan, at).blocked.as_ref().unwrap();
        assert!(blocked.why.contains(part) && blocked.hint.contains(hint), "{name}: {blocked:?}");
    }
    let told = leaving().has("app.a", json!({"UserProfileName": "ann", "Summary": "a notebook of Ann's"}));
    assert_eq!(
        step(&told.plan("drain"), "app.a").reason,
        "a notebook of Ann's: unsaved work in it is lost (user_profile.ann is deleted)"
    );
    let broken = leaving().has_in(State::Failed("x".into()), "space.s", owned_by("ann"));
    assert_eq!(
        step(&broken.plan(""), "space.s").reason,
        "a user made it (user_profile.ann is deleted)",
        "nothing is lost"
    );
}

#[test]
fn what_holds_goes_first() {
    let scene =
        leaving().has("space.s", owned_by("ann")).has("app.a", json!({"SpaceName": "s"})).has("parameter.p", json!({}));
    let plan = scene.plan("drain");
    for (at, expected) in
        [("app.a", ""), ("space.s", "app.a"), ("user_profile.ann", "app.a space.s parameter.p"), ("parameter.p", "")]
    {
        let expected = super::super::testing::addresses(expected).into_iter().collect();
        assert_eq!(waits(&plan, at), expected, "{at}");
    }
}

#[test]
fn a_replaced_domain_drains_and_one_that_may_not_be_keeps_all() {
    let scene = || {
        Situation::default()
            .wants("domain.studio", json!({"Fixed": "b"}))
            .has("domain.studio", json!({"Fixed": "a"}))
            .wants("user_profile.ann", json!({"Fixed": "in ${domain.studio.Arn}"}))
            .has("user_profile.ann", json!({"Fixed": format!("in {}", super::super::testing::arn("domain.studio"))}))
            .has("app.a", of("ann"))
    };
    let blocked = ["replace domain.studio (blocked)", "replace user_profile.ann (blocked)"];
    for (words, expected) in [
        ("", [blocked[0], blocked[1], "delete app.a (blocked)"].to_vec()),
        ("stop-apps", blocked.to_vec()),
        ("replace=domain.studio", [blocked[0], blocked[1], "delete app.a (blocked)"].to_vec()),
        ("replace=domain.studio drain", vec!["replace domain.studio", "replace user_profile.ann", "delete app.a"]),
    ] {
        assert_eq!(lines(&scene().plan(words)), expected, "{words}");
    }
    let fixed = scene().has("app.a", json!({})).plan("replace=domain.studio");
    let expected = [blocked[0], blocked[1], "delete app.a (blocked)"];
    assert_eq!(lines(&fixed), expected, "a profile that is made again only with its domain stays with it");
    assert!(why(&fixed, "user_profile.ann").unwrap().starts_with("what it belongs to would have to be replaced first"));
}

#[test]
fn only_what_loses_something_asks() {
    for (at, state, words, expected) in [
        ("app.a", State::Usable, "", Some("--stop-apps")),
        ("app.a", State::Usable, "destroy", Some("--drain")),
        ("app.a", State::Usable, "destroy stop-apps", None),
        ("app.a", State::Usable, "drain", None),
        ("app.a", State::Busy("Deleting".into()), "", None),
        ("app.a", State::Busy("Pending".into()), "", Some("--stop-apps")),
        ("space.s", State::Usable, "stop-apps", Some("--drain")),
        ("space.s", State::Failed("x".into()), "", None),
        ("space.s", State::Busy("Deleting".into()), "", None),
        ("space.s", State::Usable, "drain", None),
        ("user_profile.zoe", State::Usable, "stop-apps", Some("--drain")),
        ("user_profile.zoe", State::Failed("x".into()), "", Some("--drain")),
        ("user_profile.zoe", State::Usable, "drain", None),
    ] {
        let observed = Observed { state, ..super::super::testing::observed(at, json!({})) };
        let found = needs(&super::super::testing::address(at), &observed, &options(words));
        assert_eq!(found, expected, "{at} {:?} with `{words}`", observed.state);
    }
}
