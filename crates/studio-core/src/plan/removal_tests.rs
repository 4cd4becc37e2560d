//! Things that go, things that stay for the data in them, and things that ask first.

use serde_json::json;

use super::super::testing::{Situation, address, addresses, changed, lines, notices, step, waits, why, word};
use super::*;

#[test]
fn each_removal_does_what_it_means() {
    const GONE: &str = "it is no longer in the config";
    const ALL: &str = "everything is destroyed";
    for (name, at, removal, words, (action, blocked, reason)) in [
        ("plain", "parameter.it", "", "", ("delete", None, GONE)),
        ("plain, destroying", "parameter.it", "", "destroy", ("delete", None, ALL)),
        ("asked for", "bucket.it", "asked", "", ("delete", None, "all of it is lost")),
        ("unused", "home_efs.it", "unused", "", ("delete", None, "nobody used it")),
        ("guarded", "user_profile.it", "guarded", "", ("delete", Some("removing it loses the home directory"), GONE)),
        ("guarded, allowed", "user_profile.it", "guarded", "profile-delete=it", ("delete", None, GONE)),
        (
            "guarded, another allowed",
            "user_profile.it",
            "guarded",
            "profile-delete=that",
            ("delete", Some("removing it loses"), GONE),
        ),
        ("guarded, destroying", "user_profile.it", "guarded", "destroy", ("delete", None, ALL)),
        ("a bucket stays", "bucket.it", "bucket", "", ("retain", None, "it holds data")),
        ("a bucket stays when all goes", "bucket.it", "bucket", "destroy", ("retain", None, "it holds data")),
        ("a bucket goes", "bucket.it", "bucket", "bucket=delete", ("delete", None, GONE)),
        ("a bucket goes with all", "bucket.it", "bucket", "bucket=delete destroy", ("delete", None, ALL)),
        (
            "what is said of the key is the key's",
            "bucket.it",
            "bucket",
            "key=delete",
            ("retain", None, "it holds data"),
        ),
        ("a key stays", "kms_key.it", "key", "", ("retain", None, "it holds data")),
        ("a key goes", "kms_key.it", "key", "key=delete", ("delete", None, GONE)),
        ("homes stay", "home_efs.it", "efs", "destroy", ("retain", None, "it holds data")),
        ("homes go", "home_efs.it", "efs", "efs=delete destroy", ("delete", None, ALL)),
        ("all but a part", "kms_key.it", "all but alias", "", ("update", None, "it holds data")),
    ] {
        let mut live = json!({"Plain": "a", "Alias": "alias/a", "Removal": removal});
        if removal.is_empty() {
            live.as_object_mut().unwrap().remove("Removal");
        }
        let plan = Situation::default().has(at, live).plan(words);
        let step = step(&plan, at);
        assert_eq!((word(step.action()).as_str(), step.reason.as_str()), (action, reason), "{name}");
        assert_eq!(why(&plan, at).is_some(), blocked.is_some(), "{name}");
        assert!(why(&plan, at).unwrap_or_default().starts_with(blocked.unwrap_or_default()), "{name}");
        assert_eq!(step.is_retained(), reason == "it holds data", "{name}");
        assert_eq!(changed(&plan, at).len(), usize::from(action == "update"), "{name}");
    }
}

#[test]
fn what_drops_a_part_drops_it_once() {
    let scene = |live| Situation::default().has("kms_key.it", live);
    let plan = scene(json!({"Alias": "alias/a", "Removal": "all but alias"})).plan("destroy");
    let change = &step(&plan, "kms_key.it").changes()[0];
    assert_eq!((change.path.to_string(), change.after.is_none(), change.unsets), ("Alias".into(), true, true));
    assert_eq!(change.before, Some("alias/a".into()));
    let plan = scene(json!({"Removal": "all but alias"})).plan("destroy");
    assert_eq!(lines(&plan), ["retain kms_key.it"], "it has none any more");
}

#[test]
fn nobody_is_told_to_destroy_an_environment_to_be_rid_of_one_thing() {
    for (removal, words, expected) in
        [("bucket", "destroy", true), ("bucket", "", false), ("later", "", true), ("later", "destroy", true)]
    {
        let plan = Situation::default().has("bucket.it", json!({"Removal": removal})).plan(words);
        assert_eq!(step(&plan, "bucket.it").later.is_some(), expected, "{removal} with `{words}`");
    }
}

#[test]
fn the_state_of_what_goes_counts() {
    let (guarded, plain) = (json!({"Removal": "guarded"}), json!({}));
    let text = || "X".to_owned();
    for (name, state, live, expected, notice) in [
        ("going already", State::PendingDeletion(text()), &plain, "retain user_profile.it", None),
        ("broken", State::Failed(text()), &guarded, "delete user_profile.it", None),
        ("serving", State::UpdateFailed(text()), &guarded, "delete user_profile.it (blocked)", None),
        ("not deleted", State::DeleteFailed(text()), &guarded, "delete user_profile.it (blocked)", None),
        ("busy", State::Busy(text()), &plain, "delete user_profile.it", Some("it is X now")),
        ("disabled", State::Disabled, &plain, "delete user_profile.it", None),
    ] {
        let plan = Situation::default().has_in(state, "user_profile.it", live.clone()).plan("");
        assert_eq!(lines(&plan), [expected], "{name}");
        assert_eq!(notices(&plan, "user_profile.it"), notice.into_iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn only_what_is_ours_goes() {
    for (name, found) in [
        ("absent", Found::Absent),
        ("somebody's", Found::Foreign { owner: crate::model::Owner::Unknown, observed: None }),
        ("MDAA's", Found::Foreign { owner: crate::model::Owner::Mdaa { stack: None }, observed: None }),
    ] {
        for words in ["", "destroy", "adopt destroy"] {
            let plan = Situation::default().finds("parameter.it", found.clone()).plan(words);
            assert_eq!(lines(&plan), [""; 0], "{name} with `{words}`");
        }
    }
}

#[test]
fn protection_keeps_everything_from_being_destroyed() {
    let scene = Situation::default()
        .has("execution_role.it", json!({}))
        .has("bucket.it", json!({"Removal": "bucket"}))
        .has("domain.it", json!({}));
    let protected = ["delete domain.it (blocked)", "retain bucket.it", "delete execution_role.it (blocked)"];
    for (words, expected) in [
        ("destroy protect", protected),
        ("destroy", ["delete domain.it", "retain bucket.it", "delete execution_role.it"]),
        ("protect", ["delete domain.it", "retain bucket.it", "delete execution_role.it"]),
    ] {
        assert_eq!(lines(&scene.plan(words)), expected, "{words}");
    }
    assert_eq!(why(&scene.plan("destroy protect"), "domain.it"), Some("the config protects this environment"));
}

#[test]
fn what_sagemaker_makes_goes_only_with_the_domain() {
    let scene = |domain: bool| {
        let scene = Situation::default()
            .has("home_efs.it", json!({"Plain": "a"}))
            .has("nfs_security_group.it", json!({}))
            .has("domain.it", json!({"Fixed": "a"}));
        if domain { scene.wants("domain.it", json!({"Fixed": "b"})) } else { scene }
    };
    let both = ["delete home_efs.it", "delete nfs_security_group.it"];
    for (name, scene, words, expected) in [
        ("the domain goes", scene(false), "", [&["delete domain.it"], &both[..]].concat()),
        ("the domain stays", scene(true).wants("domain.it", json!({"Fixed": "a"})), "", vec!["keep domain.it"]),
        ("it may not be replaced", scene(true), "", vec!["replace domain.it (blocked)"]),
        ("it is replaced", scene(true), "replace=domain.it", [&["replace domain.it"], &both[..]].concat()),
        (
            "nobody ever used it",
            scene(true).wants("domain.it", json!({"Fixed": "a"})).has("home_efs.it", json!({"Removal": "unused"})),
            "",
            vec!["keep domain.it", "delete home_efs.it"],
        ),
    ] {
        assert_eq!(lines(&scene.plan(words)), expected, "{name}");
    }
    let old = Situation::default().has("home_efs.it", json!({})).plan("destroy");
    assert_eq!(lines(&old), ["delete home_efs.it"], "what a domain left behind goes with all");
    let left = Situation::default().has("home_efs.it", json!({})).plan("");
    assert_eq!(lines(&left), [""; 0]);
}

#[test]
fn what_is_unused_goes_out_of_the_way_of_what_is_made() {
    let scene = |removal: &str| {
        Situation::default()
            .wants("domain.it", json!({}))
            .wants("bucket.it", json!({}))
            .has("home_efs.it", json!({"Removal": removal}))
            .has("domain.old", json!({}))
    };
    for (removal, expected) in [("unused", "domain.old"), ("asked", "bucket.it domain.it domain.old")] {
        let expected: BTreeSet<Address> = addresses(expected).into_iter().collect();
        assert_eq!(waits(&scene(removal).plan(""), "home_efs.it"), expected, "{removal}");
    }
}

#[test]
fn what_lives_in_a_replaced_domain_does_not_wait_for_it() {
    let scene = Situation::default()
        .wants("domain.it", json!({"Fixed": "b"}))
        .has("domain.it", json!({"Fixed": "a"}))
        .has("user_profile.ann", json!({}))
        .has("bucket.it", json!({}));
    let plan = scene.plan("replace=domain.it");
    assert_eq!(lines(&plan), ["replace domain.it", "delete user_profile.ann", "delete bucket.it"]);
    assert!(waits(&plan, "user_profile.ann").is_empty());
    assert_eq!(waits(&plan, "bucket.it"), addresses("domain.it user_profile.ann").into_iter().collect());
}

#[test]
fn a_key_stays_with_what_it_encrypts() {
    let scene = |bucket: &str, efs: &str| {
        Situation::default()
            .has("kms_key.it", json!({"Removal": "key"}))
            .has("bucket.it", json!({"Removal": bucket}))
            .has("home_efs.it", json!({"Removal": efs}))
    };
    for (name, scene, words, expected) in [
        (
            "the bucket stays",
            scene("bucket", "asked"),
            "key=delete",
            Some(("it encrypts bucket.it:", "--bucket delete")),
        ),
        ("homes stay", scene("asked", "efs"), "key=delete", Some(("it encrypts home_efs.it:", "--home-efs delete"))),
        (
            "both stay",
            scene("bucket", "efs"),
            "key=delete",
            Some(("it encrypts home_efs.it and bucket.it:", "--home-efs delete --bucket delete")),
        ),
        ("all goes", scene("bucket", "efs"), "key=delete bucket=delete efs=delete", None),
        ("the key stays too", scene("bucket", "efs"), "", None),
        (
            "protected anyway",
            scene("bucket", "efs"),
            "key=delete protect",
            Some(("the config protects", "protect: true")),
        ),
    ] {
        let plan = scene.plan(&format!("{words} destroy"));
        let blocked = plan.step(&address("kms_key.it")).unwrap().blocked.clone();
        match (&blocked, expected) {
            (None, None) => {}
            (Some(blocked), Some((why, hint))) => {
                assert!(blocked.why.starts_with(why) && blocked.hint.contains(hint), "{name}: {blocked:?}");
            }
            _ => panic!("{name}: {blocked:?}"),
        }
    }
}

#[test]
fn data_beside_what_goes_goes_only_with_a_destroy_that_says_so() {
    use super::super::{DeletionPolicy, Transition};
    let scene = Situation::default().has("domain.studio", json!({}));
    for (words, expected) in [
        ("", DeletionPolicy::Retain),
        ("efs=delete", DeletionPolicy::Retain),
        ("destroy", DeletionPolicy::Retain),
        ("destroy bucket=delete key=delete", DeletionPolicy::Retain),
        ("destroy efs=delete", DeletionPolicy::Delete),
    ] {
        let plan = scene.plan(words);
        let Transition::Delete { data, .. } = step(&plan, "domain.studio").transition() else { panic!("{words}") };
        assert_eq!(*data, expected, "{words}");
    }
}
