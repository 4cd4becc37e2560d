//! Turns from head to head, and what is read of heads that are cut, mixed or foreign.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::model::{Address, Kind, Observed, Path, Timestamps, Value};
use crate::plan::{AssetDigest, Fingerprint, PathSet};

/// A user's fingerprint as SageMaker's answers make it.
fn fingerprint(n: i64) -> Fingerprint {
    let name = format!("user-{n}");
    let arn = format!("arn:aws:sagemaker:us-east-1:123456789012:user-profile/d-abcdefghijkl/{name}");
    let properties = Value::from(json!({
        "UserProfileName": name, "DomainId": "d-abcdefghijkl", "Tags": {"studio-deploy:address": name},
        "UserSettings": {
            "ExecutionRole": "arn:aws:iam::123456789012:role/acme-dev-ml-studio-execution",
            "SharingSettings": {
                "NotebookOutputOption": "Allowed", "S3OutputPath": "s3://acme-dev-ml-studio/sharing",
                "S3KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
            },
            "JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.t3.medium"}, "LifecycleConfigArns": []},
            "SecurityGroups": ["sg-0123456789abcdef0"],
        },
    }));
    let created = 1_790_000_000_000 + n * 337;
    let observed = Observed::new(&name, properties)
        .output("DomainId", "d-abcdefghijkl")
        .output("HomeEfsFileSystemUid", (200_000 + n).to_string())
        .output("UserProfileArn", arn)
        .output("UserProfileName", &name);
    let timestamps = Some(Timestamps { created, modified: created + 15_000 + n % 977 });
    Fingerprint::of(&Observed { timestamps, ..observed }).unwrap()
}

/// A record of so many users.
fn record(users: i64) -> Record {
    let address = |n: i64| Address::new(Kind::UserProfile, format!("user-{n}"));
    let mut record = Record {
        format: Record::FORMAT,
        config_digest: "0123456789abcdef0123456789abcdef".into(),
        managed: vec![PathSet {
            paths: vec![Path::of(["Tags", "a.b"]), Path::of(["UserSettings", "SharingSettings", "S3KmsKeyId"])],
            of: (0..users).map(address).collect(),
        }],
        left_assets: BTreeSet::from(["s3://bucket/old/".to_owned()]),
        pending_delete: BTreeSet::from(["lifecycle_config.a@1".to_owned()]),
        unmade: (0..users).filter(|n| n % 10 == 0).map(address).collect(),
        fingerprints: (0..users).map(|n| (address(n), fingerprint(n))).collect(),
        ..Record::default()
    };
    let asset = AssetDigest { content: "c".into(), listing: "l".into(), location: "s3://bucket/new/".into() };
    record.assets.insert("bucket_object.a".into(), asset);
    record
}

/// Parameters below the record's own, and its own.
#[derive(Clone, Default)]
struct Store {
    head: Option<String>,
    pieces: BTreeMap<String, String>,
}

impl Store {
    fn head(&self) -> Option<Head> {
        Some(Head::parse(self.head.as_deref()?)?.listed(&|name| self.pieces.get(name).cloned()))
    }

    fn record(&self) -> Option<Record> {
        self.head()?.record(&|name| self.pieces.get(name).cloned())
    }

    /// Each state on the way to a record, the last of which is its end.
    fn turn(&self, record: &Record) -> Vec<Self> {
        let turn = Turn::to(record, self.head().as_ref()).unwrap();
        let mut states = vec![self.clone()];
        let mut next = |change: &dyn Fn(&mut Self)| {
            let mut state = states.last().unwrap().clone();
            change(&mut state);
            states.push(state);
        };
        for (name, value) in &turn.pieces {
            assert!(value.len() <= PARAMETER && !value.is_empty());
            next(&|state| drop(state.pieces.insert(name.clone(), value.clone())));
        }
        assert!(turn.head.len() <= PARAMETER);
        next(&|state| state.head = Some(turn.head.clone()));
        next(&|state| turn.gone.iter().for_each(|name| drop(state.pieces.remove(name))));
        states
    }

    fn after(records: &[&Record]) -> Self {
        records.iter().fold(Self::default(), |store, record| store.turn(record).pop().unwrap())
    }
}

#[test]
fn records_of_any_size_survive_the_way_there_and_back() {
    for users in [0, 3, 700] {
        let record = record(users);
        let store = Store::after(&[&record]);
        assert_eq!(store.record().as_ref(), Some(&record), "{users} users");
        assert_eq!(store.pieces.is_empty(), users < 10, "a small record stands in one parameter: {users}");
        assert!(Turn::to(&record, store.head().as_ref()).unwrap().pieces.is_empty(), "what is there is not written");
    }
}

#[test]
fn at_every_moment_there_is_the_old_record_or_the_new_one() {
    let [none, few, many, more] = [0, 3, 400, 401].map(record);
    let mut changed = many.clone();
    changed.unmade = BTreeSet::new();
    let stories = [
        vec![&none, &few, &many, &more, &many, &changed, &few],
        vec![&many, &few, &many],
        vec![&more, &changed, &more, &changed],
    ];
    for story in stories {
        let (mut store, mut old) = (Store::default(), None);
        for new in story {
            let states = store.turn(new);
            for state in &states {
                let read = state.record();
                assert!(read.as_ref() == old || read.as_ref() == Some(new), "neither the old one nor the new one");
            }
            store = states.into_iter().next_back().unwrap();
            old = Some(new);
            assert_eq!(store.record().as_ref(), old);
        }
    }
}

#[test]
fn one_user_among_thousands_writes_little() {
    let many = record(5_000);
    let store = Store::after(&[&many]);
    println!("5,000 users stand in {} pieces, a head of {}", store.pieces.len(), store.head.as_ref().unwrap().len());
    assert!(store.pieces.len() <= 150, "{}", store.pieces.len());
    let mut writes = 0;
    for (name, other) in [("one more", record(5_001)), ("one less", record(4_999))] {
        let turn = Turn::to(&other, store.head().as_ref()).unwrap();
        println!("{name}: {} pieces written, {} deleted", turn.pieces.len(), turn.gone.len());
        writes = writes.max(turn.pieces.len());
        assert!(turn.pieces.len() <= 3 && turn.gone.len() <= 4, "{name}");
    }
}

#[test]
fn a_list_of_leaves_that_does_not_fit_stands_in_a_piece_itself() {
    let row = Piece::of(INDEX.into(), "x", None).unwrap().row(0);
    assert_eq!(row.len(), ROW);
    let long: Record = Record { config_digest: "d".repeat(PARAMETER - 50), ..record(300) };
    let store = Store::after(&[&long]);
    assert!(store.head.as_ref().unwrap().contains(ELSEWHERE), "{}", store.head.unwrap());
    assert_eq!(store.record(), Some(long.clone()));
    let changed = Record { unmade: BTreeSet::new(), ..long.clone() };
    for state in store.turn(&changed) {
        let read = state.record();
        assert!(read.as_ref() == Some(&long) || read.as_ref() == Some(&changed));
    }
    assert_eq!(Store::after(&[&long, &changed, &long]).record(), Some(long));
}

#[test]
fn what_is_cut_mixed_or_foreign_is_lost() {
    let many = record(400);
    let store = Store::after(&[&many]);
    let head = store.head.clone().unwrap();
    for end in [0, 1, 2, 5, 40, head.len() / 2, head.len() - 8, head.len() - 1] {
        assert_eq!(Store { head: Some(head[..end].into()), ..store.clone() }.record(), None, "{end}");
    }
    let newer = head.replacen("t:1:", "t:2:", 1);
    assert_eq!(Store { head: Some(newer), ..store.clone() }.record(), None, "a newer version's");
    assert_eq!(Store { head: Some("x:1".into()), ..store.clone() }.record(), None);
    let name = store.pieces.keys().next().unwrap().clone();
    for value in [None, Some(String::new()), Some(store.pieces[&name][1..].to_owned())] {
        let mut cut = store.clone();
        cut.pieces.remove(&name);
        cut.pieces.extend(value.map(|value| (name.clone(), value)));
        assert_eq!(cut.record(), None);
    }
    let others = head.replacen("t:1:1:", "t:1:7:", 1);
    let others = Store { head: Some(others), ..store }.record();
    assert_eq!(others, Some(many.without_fingerprints()), "fingerprints of another format are none");
}

#[test]
fn records_of_earlier_versions_are_read() {
    let old = record(40).without_fingerprints();
    let packed = trie::pack(&serde_json::to_string(&old).unwrap());
    let whole = Store { head: Some(format!("{WHOLE}{packed}")), ..Store::default() };
    assert_eq!(whole.record().as_ref(), Some(&old));
    let digest = hex(&Sha256::digest(&packed)[..8]);
    let parts = packed.as_bytes().chunks(100).map(|part| String::from_utf8_lossy(part).into_owned());
    let pieces: BTreeMap<String, String> =
        parts.enumerate().map(|(number, part)| (format!("{digest}/{number}"), part)).collect();
    let numbered = Store { head: Some(format!("{NUMBERED}{digest}:{}", pieces.len())), pieces };
    assert_eq!(numbered.record().as_ref(), Some(&old));
    let new = record(400);
    let store = numbered.turn(&new).pop().unwrap();
    assert_eq!(store.record(), Some(new));
    assert!(store.pieces.keys().all(|name| !name.contains('/')), "the old pieces are gone");
}
