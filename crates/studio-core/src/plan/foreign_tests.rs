//! Ownership of a thing by the company that it is in.

use serde_json::json;

use super::super::testing::{Situation, address, deployment, lines, notices, options, step, why};
use super::*;

fn mdaa() -> Owner {
    Owner::Mdaa { stack: None }
}

/// A policy that MDAA did not tag, beside one other thing.
fn beside(at: &str, other: Found) -> Situation {
    Situation::default()
        .wants("execution_policy.it", json!({"Plain": "a"}))
        .foreign(Owner::MdaaByName, "execution_policy.it", json!({"Plain": "a"}))
        .finds(at, other)
}

#[test]
fn what_nobody_tags_is_whose_the_company_is() {
    let live = || super::super::testing::observed("domain.it", json!({}));
    let foreign = |owner| Found::Foreign { owner, observed: Some(live()) };
    let claims = || Owner::Deployment("a/b/c/d@r".into());
    for (name, at, other, adopted, named) in [
        ("alone", "domain.it", Found::Absent, false, true),
        ("beside ours", "domain.it", Found::Ours(live()), true, true),
        ("beside MDAA's", "bucket.it", foreign(mdaa()), true, true),
        ("beside MDAA's, unseen", "kms_key.it", Found::Foreign { owner: mdaa(), observed: None }, true, true),
        ("beside nobody's", "domain.it", foreign(Owner::Unknown), false, true),
        ("beside one like it", "asset_role.it", foreign(Owner::MdaaByName), false, true),
        ("beside somebody's", "domain.it", foreign(claims()), false, false),
        ("beside another environment's", "bucket.it", foreign(Owner::Environment("a".into())), false, false),
        ("beside another stack's", "kms_key.it", foreign(Owner::Stack("s".into())), false, false),
        ("beside another account's", "bucket.it", foreign(Owner::Account), false, false),
        ("a profile of ours tells nothing", "user_profile.it", Found::Ours(live()), false, true),
        ("somebody's parameter tells nothing", "parameter.it", foreign(claims()), false, true),
    ] {
        let scene = beside(at, other);
        for (words, expected) in [("", false), ("adopt", adopted), ("adopt=execution_policy.it", named)] {
            let plan = scene.plan(words);
            let found = step(&plan, "execution_policy.it");
            assert_eq!(found.action() == super::super::Action::Adopt, expected, "{name} with `{words}`");
            assert_eq!(found.blocked.is_none(), expected, "{name} with `{words}`");
        }
    }
}

#[test]
fn somebody_elses_beside_it_is_named() {
    let other = Found::Foreign { owner: Owner::Stack("theirs".into()), observed: None };
    let plan = beside("domain.it", other).plan("adopt=execution_policy.it");
    let why = why(&plan, "execution_policy.it").unwrap();
    assert!(
        why.ends_with("domain.it of the same environment is not ours: the CloudFormation stack theirs owns it"),
        "{why}"
    );
}

#[test]
fn whoever_is_blocked_is_told_the_way_out() {
    let text = |text: &str| text.to_owned();
    let node = Node::new(address("kms_key.it"), json!({"AliasName": "alias/it"}).into());
    let empty = Snapshot::new();
    for (owner, hint) in [
        (mdaa(), "`--adopt`"),
        (Owner::MdaaByName, "`--adopt=kms_key.it`"),
        (Owner::Partly { missing: vec![text("org")] }, "`--adopt=kms_key.it`"),
        (Owner::Released { stack: text("s") }, "`--adopt=kms_key.it`"),
        (Owner::Unknown, "`--adopt=kms_key.it`"),
        (Owner::Deployment(text("d")), "destroy it there first"),
        (Owner::Environment(text("e")), "choose another org, env, domain or module name"),
        (Owner::Stack(text("s")), "delete it there first"),
        (Owner::Account, "-111122223333-us-east-1"),
        (Owner::Elsewhere(text("r")), "choose another org, env, domain or module name"),
        (Owner::Several(vec![text("a")]), "--alias-name alias/it "),
    ] {
        let blocked = Company::of(&empty).blocked(&node, &owner, &deployment());
        assert!(blocked.hint.contains(hint) && !blocked.is_failed_check, "{owner:?}: {blocked:?}");
        let adopts = blocked.hint.contains("--adopt");
        assert_eq!(adopts, owner.may_yield(), "{owner:?}: a hint is given where it helps");
        let yields = Company::of(&empty).yields(&node.address, &owner, &options("adopt adopt=kms_key.it"));
        assert_eq!(yields, owner.may_yield(), "{owner:?}");
    }
    let proven = Situation::default().has("domain.it", json!({})).snapshot;
    let hint = Company::of(&proven).blocked(&node, &Owner::MdaaByName, &deployment()).hint;
    assert!(hint.contains("`--adopt`, or alone with `--adopt=kms_key.it`"), "{hint}");
}

#[test]
fn what_mdaa_made_beside_and_the_config_does_not_name_is_told_while_adopting() {
    let scene = |at: &str, owner: Owner| Situation::default().has("domain.it", json!({})).foreign(owner, at, json!({}));
    let claimed = scene("user_profile.ann", mdaa()).foreign(Owner::Account, "bucket.it", json!({}));
    let named = scene("user_profile.ann", mdaa()).wants("user_profile.ann", json!({}));
    let [profile, script, parameter, space] = ["user_profile.ann", "lifecycle_config.a", "parameter.a", "space.a"];
    for (name, at, scene, words, expected) in [
        ("a profile", profile, scene(profile, mdaa()), "adopt", true),
        ("a script", script, scene(script, mdaa()), "adopt", true),
        ("a parameter", parameter, scene(parameter, Owner::MdaaByName), "adopt", true),
        ("by name", profile, scene(profile, mdaa()), "adopt=kms_key.it", true),
        ("not adopting", profile, scene(profile, mdaa()), "", false),
        ("destroying", profile, scene(profile, mdaa()), "adopt destroy", false),
        ("a space", space, scene(space, mdaa()), "adopt", false),
        ("nobody's", profile, scene(profile, Owner::Unknown), "adopt", false),
        ("in somebody's environment", profile, claimed, "adopt", false),
        ("named", profile, named, "adopt", false),
    ] {
        assert_eq!(notices(&scene.plan(words), at).len(), usize::from(expected), "{name}");
    }
}

#[test]
fn what_builds_on_somebody_elses_is_blocked_only_if_it_would_be_done() {
    let scene = Situation::default()
        .wants("execution_role.it", json!({}))
        .wants("kms_key.it", json!({"Role": "${execution_role.it.Arn}"}))
        .wants("bucket.it", json!({"Role": "x"}))
        .after("bucket.it", "kms_key.it")
        .foreign(Owner::Unknown, "execution_role.it", json!({}));
    let expected = ["keep execution_role.it (blocked)", "create kms_key.it (blocked)", "create bucket.it"];
    assert_eq!(lines(&scene.plan("")), expected, "what is merely blocked is not somebody else's");
    let same = scene.clone().wants("kms_key.it", json!({"Role": "x"})).after("kms_key.it", "execution_role.it");
    let same = same.has("kms_key.it", json!({"Role": "x"}));
    assert_eq!(lines(&same.plan(""))[1], "keep kms_key.it");
    assert_eq!(lines(&scene.plan("adopt=execution_role.it"))[..2], ["adopt execution_role.it", "create kms_key.it"]);
}
