//! The next record after a plan, and two records merged.

use serde_json::{Value as Json, json};

use super::super::testing::{Situation, address, addresses, path};
use super::*;
use crate::model::{Found, Observed, State};

fn record(managed: &[(&str, &str)]) -> Record {
    let paths = |texts: &str| texts.split_whitespace().map(path).collect();
    let managed = managed.iter().flat_map(|(of, texts)| addresses(of).into_iter().map(move |of| (of, paths(texts))));
    Record { format: Record::FORMAT, config_digest: "old".into(), managed: share(managed), ..Record::default() }
}

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn asset(content: &str, location: &str) -> AssetDigest {
    AssetDigest { content: content.into(), listing: "l".into(), location: location.into() }
}

/// The settings that a record manages at an address.
fn managed(record: &Record, of: &str) -> String {
    record.paths(&address(of)).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// A live asset with its content's digest.
fn uploaded(content: &str, location: &str) -> Found {
    let observed = Observed::new(location, json!({"Plain": "a"}).into());
    Found::Ours(observed.output("Content", content).output("Listing", "l"))
}

#[test]
fn the_next_record_manages_what_the_config_says() {
    let scene = Situation::default()
        .wants("domain.studio", json!({"Plain": "a", "Settings": {"A": 1, "B": ["x"]}}))
        .wants("user_profile.ann", json!({"Plain": "a"}))
        .wants("user_profile.ben", json!({"Plain": "b"}));
    let record = scene.plan("").record.unwrap();
    for (of, expected) in [
        ("domain.studio", "Plain Settings.A Settings.B"),
        ("user_profile.ann", "Plain"),
        ("user_profile.ben", "Plain"),
        ("user_profile.cleo", ""),
    ] {
        assert_eq!(managed(&record, of), expected, "{of}");
    }
    assert_eq!(record.managed.len(), 2, "equal sets stand once");
    assert_eq!((record.format, record.unmade.len()), (1, 0));
    let again = Situation { recorded: Some(record.clone()), ..scene.clone().without("user_profile.ann") };
    assert_eq!(managed(&again.plan("").record.unwrap(), "user_profile.ann"), "", "what is not wanted is not managed");
    let stored = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&stored).unwrap(), record);
    assert!(!stored.contains("unmade") && !stored.contains("assets"), "what is empty takes no room: {stored}");
}

#[test]
fn a_digest_says_what_is_asked_for_and_nothing_else() {
    let digest = |at: &str, properties: Json| {
        Situation::default()
            .wants("bucket.b", json!({"Plain": 1}))
            .wants(at, properties)
            .plan("")
            .record
            .unwrap()
            .config_digest
    };
    let base = digest("domain.studio", json!({"Roles": ["a", "b"], "Plain": "${kms_key.k.Arn}"}));
    assert_eq!(base.len(), 32);
    for (name, at, properties, same) in [
        ("again", "domain.studio", json!({"Roles": ["a", "b"], "Plain": "${kms_key.k.Arn}"}), true),
        ("members in another order", "domain.studio", json!({"Plain": "${kms_key.k.Arn}", "Roles": ["a", "b"]}), true),
        ("items in another order", "domain.studio", json!({"Roles": ["b", "a"], "Plain": "${kms_key.k.Arn}"}), true),
        ("another item", "domain.studio", json!({"Roles": ["a", "c"], "Plain": "${kms_key.k.Arn}"}), false),
        ("another output", "domain.studio", json!({"Roles": ["a", "b"], "Plain": "${kms_key.k.Id}"}), false),
        ("another address", "domain.other", json!({"Roles": ["a", "b"], "Plain": "${kms_key.k.Arn}"}), false),
        ("one member less", "domain.studio", json!({"Roles": ["a", "b"]}), false),
    ] {
        assert_eq!(digest(at, properties) == base, same, "{name}");
    }
    let live = Situation::default().wants("bucket.b", json!({"Plain": 1}));
    let [absent, there] = [live.clone(), live.has("bucket.b", json!({"Plain": 2}))];
    assert_eq!(absent.plan("").record, there.plan("").record, "what there is says nothing of what is asked for");
}

#[test]
fn a_union_believes_both() {
    let mut old = record(&[("domain.a", "A B"), ("bucket.a bucket.b", "C")]);
    let mut new = record(&[("domain.a", "B D"), ("bucket.b", "E"), ("kms_key.a", "F")]);
    new.config_digest = "new".into();
    old.assets = [("x".into(), asset("old", "s3://1/")), ("y".into(), asset("old", "s3://2/"))].into();
    new.assets = [("y".into(), asset("new", "s3://3/")), ("z".into(), asset("new", "s3://4/"))].into();
    (old.left_assets, new.left_assets) = (texts(&["1"]), texts(&["2"]));
    (old.pending_delete, new.pending_delete) = (texts(&["3"]), texts(&["4"]));
    old.unmade = addresses("app.a").into_iter().collect();
    new.unmade = addresses("app.b").into_iter().collect();
    let union = old.union(&new);
    for (of, expected) in
        [("domain.a", "A B D"), ("bucket.a", "C"), ("bucket.b", "C E"), ("kms_key.a", "F"), ("app.a", "")]
    {
        assert_eq!(managed(&union, of), expected, "{of}");
        assert_eq!(managed(&new.union(&old), of), expected, "{of}, the other way round");
    }
    assert_eq!(union.config_digest, "new");
    let contents: Vec<&str> = union.assets.values().map(|asset| asset.content.as_str()).collect();
    assert_eq!(contents, ["old", "old", "new"], "what was uploaded is true until it is uploaded again");
    assert_eq!((union.left_assets.clone(), union.pending_delete.clone()), (texts(&["1", "2"]), texts(&["3", "4"])));
    assert_eq!(union.unmade, addresses("app.a app.b").into_iter().collect());
    assert_eq!(old.union(&old), old);
}

#[test]
fn what_is_left_goes_on_saying_what_it_said() {
    let mut old = record(&[("domain.a", "A"), ("bucket.a", "B"), ("kms_key.a", "C"), ("app.a", "D")]);
    let mut new = record(&[("domain.a", "X"), ("bucket.a", "Y"), ("kms_key.a", "Z"), ("space.a", "S")]);
    new.config_digest = "new".into();
    old.assets = [("bucket.a".into(), asset("old", "")), ("app.a".into(), asset("old", ""))].into();
    new.assets = [("bucket.a".into(), asset("new", "")), ("space.a".into(), asset("new", ""))].into();
    old.pending_delete = texts(&["bucket.a", "domain.a"]);
    let (left, partly) = (addresses("bucket.a app.a space.a"), addresses("kms_key.a"));
    let found = new.without(Some(&old), &left.iter().collect(), &partly.iter().collect());
    for (of, expected) in [("domain.a", "X"), ("bucket.a", "B"), ("kms_key.a", "C Z"), ("app.a", "D"), ("space.a", "")]
    {
        assert_eq!(managed(&found, of), expected, "{of}");
    }
    assert_eq!(found.config_digest, "old", "it is of no config");
    assert_eq!(found.assets, old.assets);
    assert_eq!(found.pending_delete, texts(&["bucket.a"]));
    let fresh = new.without(None, &left.iter().collect(), &partly.iter().collect());
    assert_eq!((managed(&fresh, "domain.a"), managed(&fresh, "bucket.a")), ("X".into(), String::new()));
    assert_eq!((fresh.config_digest.as_str(), fresh.assets.len()), ("", 0));
}

#[test]
fn assets_are_remembered_as_long_as_they_are_wanted_and_their_places_afterwards() {
    let wanted = || Situation::default().wants("bucket_object.a", json!({"Plain": "a"}));
    let mut old = record(&[]);
    old.assets = [("bucket_object.a".into(), asset("old", "s3://b/a/"))].into();
    let with = |scene: Situation, old: &Record| Situation { recorded: Some(old.clone()), ..scene };
    let mut lay = old.clone();
    lay.left_assets = texts(&["s3://b/a/", "s3://b/z/"]);
    let unplaced = Record { assets: [("bucket_object.a".into(), asset("old", ""))].into(), ..old.clone() };
    for (name, scene, contents, left) in [
        ("still to be made", with(wanted(), &old), vec!["old"], vec![]),
        (
            "uploaded without being written down",
            wanted().finds("bucket_object.a", uploaded("new", "s3://b/a/")),
            vec!["new"],
            vec![],
        ),
        (
            "uploaded elsewhere",
            with(wanted().finds("bucket_object.a", uploaded("new", "s3://b/c/")), &old),
            vec!["new"],
            vec![],
        ),
        ("no longer wanted", with(Situation::default(), &old), vec![], vec!["s3://b/a/"]),
        ("wanted again", with(wanted(), &lay), vec!["old"], vec!["s3://b/z/"]),
        ("of an earlier format", with(Situation::default(), &unplaced), vec![], vec![]),
    ] {
        let record = scene.plan("").record.unwrap();
        let found: Vec<&str> = record.assets.values().map(|asset| asset.content.as_str()).collect();
        assert_eq!((found, record.left_assets), (contents, texts(&left)), "{name}");
    }
}

#[test]
fn scripts_that_something_uses_are_still_to_go() {
    let arn = super::super::testing::arn;
    let script = "lifecycle_config.kernel@1";
    let scene = Situation::default()
        .wants("domain.studio", json!({"Fixed": "b", "Plain": "b"}))
        .has("domain.studio", json!({"Fixed": arn(script), "Plain": "a"}))
        .has(script, json!({}))
        .keeps("user_profile.a@b", json!({"Plain": "a"}))
        .keeps("lifecycle_config.other", json!({"Plain": "a"}));
    for (words, expected) in [("skip", vec![script]), ("skip replace=domain.studio", vec![]), ("", vec![])] {
        assert_eq!(scene.plan(words).record.unwrap().pending_delete, texts(&expected), "{words}");
    }
}

#[test]
fn what_is_destroyed_leaves_a_record_only_while_something_stays() {
    let old = record(&[("domain.studio", "Plain")]);
    let scene = Situation { recorded: Some(old.clone()), ..Situation::default().has("domain.studio", json!({})) };
    for (words, expected) in [("destroy", None), ("destroy protect", Some(&old))] {
        assert_eq!(scene.plan(words).record.as_ref(), expected, "{words}");
    }
    assert_eq!(Situation { recorded: None, ..scene }.plan("destroy protect").record, None);
}

#[test]
fn what_is_still_to_be_made_is_unmade() {
    let plan = Situation::default()
        .wants("bucket.new", json!({}))
        .wants("bucket.again", json!({}))
        .has_in(State::Failed("x".into()), "bucket.again", json!({}))
        .keeps("bucket.same", json!({"Plain": "a"}))
        .wants("bucket.other", json!({"Plain": "b"}))
        .has("bucket.other", json!({"Plain": "a"}))
        .has("domain.old", json!({}))
        .plan("");
    for (made, expected) in
        [("", "bucket.again bucket.new"), ("bucket.new", "bucket.again"), ("bucket.new bucket.again domain.old", "")]
    {
        let made = addresses(made).into_iter().collect();
        let unmade = Record::default().with_unmade(&plan.steps, &made).unmade;
        assert_eq!(unmade, addresses(expected).into_iter().collect());
    }
}
