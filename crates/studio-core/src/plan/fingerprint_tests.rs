//! Fingerprints: the objects that they bring back, what they refuse, and which of them a run leaves.

use serde_json::json;

use super::super::testing::{Situation, address};
use super::*;
use crate::model::Found;

fn live() -> Observed {
    let properties = json!({
        "UserProfileName": "Ann", "DomainId": "d-1", "Tags": {"team": "a", "empty": ""},
        "UserSettings": {"SecurityGroups": ["sg-1", "sg-2"], "Idle": {"Minutes": 60}, "Odd": "${x} = \"1\"", "None": {}},
    });
    let observed = Observed::new("Ann", Value::from(properties)).output("Uid", "200001");
    Observed { timestamps: Some(Timestamps { created: 1_700_000_000_123, modified: 1_700_000_015_456 }), ..observed }
}

#[test]
fn a_fingerprint_brings_back_exactly_what_was_read() {
    let live = live();
    let fingerprint = Fingerprint::of(&live).unwrap();
    let tags = live.properties.get("Tags").unwrap().clone();
    assert!(fingerprint.has_tags(&tags));
    assert_eq!(fingerprint.observed(tags), Some(live.clone()));
    for (name, tags) in [
        ("another value", json!({"team": "b", "empty": ""})),
        ("another case", json!({"Team": "a", "empty": ""})),
        ("one less", json!({"team": "a"})),
        ("one more", json!({"team": "a", "empty": "", "more": ""})),
    ] {
        assert!(!fingerprint.has_tags(&tags.into()), "{name}");
    }
    let mut interner = Interner::default();
    let rows = [&fingerprint, &fingerprint].map(|one| Fingerprint::from_json(one.to_json(), &mut interner).unwrap());
    assert_eq!(rows, [fingerprint.clone(), fingerprint]);
    assert!(Arc::ptr_eq(&rows[0].settings, &rows[1].settings), "what is equal is held once");
}

#[test]
fn what_was_not_read_as_a_whole_has_none() {
    let cases: [(&str, Observed); 6] = [
        ("no times", Observed { timestamps: None, ..live() }),
        ("busy", Observed { state: State::Busy("Updating".into()), ..live() }),
        ("half updated", Observed { state: State::UpdateFailed("no".into()), ..live() }),
        ("not read", Observed { unread: Some("denied".into()), ..live() }),
        ("not watched", Observed { unwatched: vec!["denied".into()], ..live() }),
        ("no tags", Observed { properties: json!({"UserProfileName": "Ann"}).into(), ..live() }),
    ];
    for (name, observed) in cases {
        assert_eq!(Fingerprint::of(&observed), None, "{name}");
    }
}

#[test]
fn what_is_not_understood_is_no_fingerprint_and_no_mistake() {
    let fingerprints: Fingerprints =
        [(address("user_profile.ann"), Fingerprint::of(&live()).unwrap())].into_iter().collect();
    let stored = json!(fingerprints);
    assert_eq!(serde_json::from_value::<Fingerprints>(stored.clone()).unwrap(), fingerprints);
    let format = |format: u32| {
        let mut stored = stored.clone();
        stored["format"] = json!(format);
        stored
    };
    let mut cut = stored.clone();
    cut["rows"]["user_profile.ann"].as_array_mut().unwrap().pop();
    for json in [format(0), format(2), cut, json!({}), json!([]), json!(1), json!({"format": 1, "rows": "x"})] {
        assert_eq!(serde_json::from_value::<Fingerprints>(json.clone()).unwrap(), Fingerprints::default(), "{json}");
    }
}

#[test]
fn a_run_leaves_those_of_what_it_kept_and_of_what_it_verified() {
    let names = ["kept", "made", "failed"].map(|name| format!("user_profile.{name}"));
    let [kept, made, failed] = names.each_ref().map(|name| address(name));
    let mut scene = Situation::default()
        .wants(&names[0], json!({"Plain": "a"}))
        .wants(&names[1], json!({"Plain": "a"}))
        .wants(&names[2], json!({"Plain": "a"}));
    let of = |plain: &str| {
        let properties = json!({"Plain": plain, "Tags": {}});
        Observed { properties: properties.into(), ..live() }
    };
    scene.snapshot.insert(kept.clone(), Found::Ours(of("a")));
    scene.snapshot.insert(failed.clone(), Found::Ours(of("b")));
    let gone = address("user_profile.gone");
    let old: Fingerprints = [&kept, &failed, &gone]
        .map(|address| (address.clone(), Fingerprint::of(&of("old")).unwrap()))
        .into_iter()
        .collect();
    let verified = [(made.clone(), Fingerprint::of(&of("made")).unwrap())].into();
    let plan = scene.plan("");
    let after = old.after(&plan, &[made.clone()].into(), verified);
    let all: Vec<&Address> = after.iter().map(|(address, _)| address).collect();
    assert_eq!(all, [&kept, &made]);
    assert_eq!(after.get(&kept), Fingerprint::of(&of("a")).as_ref(), "as the plan found it");
    let part = scene.plan("target=user_profile.made");
    let after = old.after(&part, &BTreeSet::new(), BTreeMap::new());
    assert_eq!(after.get(&failed), Fingerprint::of(&of("b")).as_ref(), "nobody touched it, and it was read");
    assert_eq!(after.get(&kept), Fingerprint::of(&of("a")).as_ref(), "it was read");
}
