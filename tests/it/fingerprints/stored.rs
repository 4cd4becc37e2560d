//! Fingerprints as they are stored: stale, cut, of elsewhere, and while they are written.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use studio_deploy::aws::record;

use super::{OPEN, applied, described, edit_settings, plan, shared, users};
use crate::support::account::{APPLY, DESTROY, Lab, PLAN_JSON};
use crate::support::behind::domain_id;
use crate::support::picture::Tables;

/// The values of the record's parameters changed in any way.
pub(super) fn tamper(lab: &Lab, change: &dyn Fn(&str, &str) -> Option<String>) {
    lab.sandbox
        .with_world(|world| {
            for (name, mut parameter) in world.list::<Json>("ssm/parameter", "") {
                if !name.contains("/studio/record") {
                    continue;
                }
                match change(&name, parameter["value"].as_str().unwrap()) {
                    Some(value) => {
                        parameter["value"] = json!(value);
                        world.put("ssm/parameter", &name, &parameter);
                    }
                    None => drop(world.remove("ssm/parameter", &name)),
                }
            }
        })
        .unwrap();
}

/// The parameters of the record in an account.
fn parameters(tables: &Tables) -> BTreeMap<String, String> {
    let all = tables.get("ssm/parameter").into_iter().flatten().filter(|(name, _)| name.contains("/studio/record"));
    all.map(|(name, parameter)| (name.clone(), parameter["value"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn fingerprints_that_are_stale_cut_or_of_elsewhere_cost_reads_and_nothing_else() {
    let (lab, text) = applied(90);
    let base = lab.tables();
    let old = parameters(&base);
    assert!(old.len() > 1, "the record stands in pieces");
    let pieces = old.keys().filter(|name| name.contains("/record/")).count();
    println!("the record of 90 users stands in {pieces} pieces");
    // Stale: the users have all been changed and changed back since.
    let stale = Lab::like(&base);
    for n in 1..5 {
        edit_settings(&stale, &format!("user-{n}"), shared(OPEN));
    }
    assert_eq!(described(&plan(&stale, &text)), 4);
    stale.run(APPLY, &text).expect(0);
    assert_eq!(described(&plan(&stale, &text)), 0);
    tamper(&stale, &|name, _| old.get(name).cloned());
    assert_eq!(described(&plan(&stale, &text)), 4, "an old record knows old times");
    // Cut, each parameter for itself, or gone.
    for name in old.keys() {
        for cut in [true, false] {
            let lab = Lab::like(&base);
            tamper(&lab, &|other, value| match (other == name, cut) {
                (false, _) => Some(value.to_owned()),
                (true, true) => Some(value[..value.len() / 2].to_owned()),
                (true, false) => None,
            });
            let ended = lab.run(PLAN_JSON, &text).expect(2);
            assert!(ended.json()["record_only"].as_bool().unwrap(), "{name}: {}", ended.data);
            assert_eq!(described(&ended), 90);
        }
    }
    // Another domain of the same name: made again, or the record copied from elsewhere.
    let id = domain_id(&lab);
    let other = base.iter().map(|(table, records)| {
        let renamed = |(key, record): (&String, &Json)| {
            let record = serde_json::from_str(&record.to_string().replace(&id, "d-another00000")).unwrap();
            (key.replace(&id, "d-another00000"), record)
        };
        (table.clone(), records.iter().map(renamed).collect())
    });
    let other = Lab::like(&other.collect());
    assert_eq!(described(&plan(&other, &text)), 90, "the record is about another domain");
}

#[test]
fn a_crash_while_the_record_is_written_leaves_the_old_one_or_the_new_one() {
    let (lab, _) = applied(90);
    let base = lab.tables();
    let name = parameters(&base).into_keys().find(|name| name.ends_with("/record")).unwrap();
    let read = |tables: &Tables| {
        let all = parameters(tables);
        record::of_parameters(&name, &|name| all.get(name).cloned())
    };
    let more = users(91);
    let clean = Lab::like(&base);
    let ended = clean.run(APPLY, &more).expect(0);
    let writes: Vec<usize> = (1..)
        .zip(ended.calls.iter().filter(|call| call.writes))
        .filter(|(_, call)| call.input.to_string().contains("/record"))
        .map(|(number, _)| number)
        .collect();
    assert!((3..=8).contains(&writes.len()), "{writes:?}");
    for number in writes {
        for cut in ["cut-before", "cut-after", "lost-after"] {
            let lab = Lab::like(&base);
            lab.set_faults_once(format!("{cut}=w{number}").parse().unwrap());
            lab.run(APPLY, &more);
            let left = read(&lab.tables()).unwrap_or_else(|| panic!("{cut}=w{number}: neither the old nor the new"));
            assert!(left.fingerprints.iter().count() >= 90, "{cut}=w{number}");
            lab.run(APPLY, &more).expect(0);
            assert_eq!(read(&lab.tables()).unwrap().fingerprints.iter().count(), 91, "{cut}=w{number}");
        }
    }
    let destroy = |lab: &Lab| lab.run(&[DESTROY, &["--bucket", "delete"]].concat(), &more);
    let lab = Lab::like(&clean.tables());
    let ended = destroy(&lab).expect(0);
    assert_eq!(parameters(&lab.tables()), BTreeMap::new(), "all pieces are gone");
    let last = ended.calls.iter().filter(|call| call.writes).count();
    let of_record = (1..)
        .zip(ended.calls.iter().filter(|call| call.writes))
        .filter(|(_, call)| call.input.to_string().contains("/record"));
    let of_record: Vec<usize> = of_record.map(|(number, _)| number).collect();
    assert!(of_record.iter().all(|number| *number <= last));
    for number in of_record {
        for cut in ["cut-before", "cut-after"] {
            let lab = Lab::like(&clean.tables());
            lab.set_faults_once(format!("{cut}=w{number}").parse().unwrap());
            destroy(&lab);
            destroy(&lab).expect(0);
            assert_eq!(parameters(&lab.tables()), BTreeMap::new(), "{cut}=w{number}: pieces are left");
        }
    }
}
