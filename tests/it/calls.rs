//! Numbers of calls, which grow with the users no faster than AWS makes them.

use std::collections::BTreeMap;

use crate::support::account::{APPLY, Lab};
use crate::support::configs::ONE_USER;
use crate::support::ended::Ended;

/// A config with so many users.
pub fn users(count: usize) -> String {
    let more: String = (1..count).map(|n| format!("    user-{n}: {{userRole: {{name: users}}}}\n")).collect();
    format!("{ONE_USER}{more}")
}

fn by_operation(ended: &Ended) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in &ended.calls {
        *counts.entry(call.operation.as_str()).or_default() += 1;
    }
    counts
}

/// The calls of an empty plan of so many users, by operation.
fn empty_plan(count: usize) -> BTreeMap<String, usize> {
    let (lab, text) = (Lab::new(), users(count));
    lab.run(APPLY, &text).expect(0);
    let plan = lab.run(&["plan", "--detailed-exitcode"], &text).expect(0);
    by_operation(&plan).into_iter().map(|(operation, count)| (operation.to_owned(), count)).collect()
}

#[test]
fn an_empty_plan_asks_in_full_pages() {
    let (few, many) = (empty_plan(1), empty_plan(120));
    let more = |operation: &str| many.get(operation).unwrap_or(&0) - few.get(operation).unwrap_or(&0);
    println!("an empty plan of one user takes {} calls, of 120 users {}", total(&few), total(&many));
    // Pages of 100: one for 100 users, and another for the 20 that are left.
    assert_eq!(many["ListUserProfiles"], 2, "{many:?}");
    for operation in ["ListApps", "ListSpaces", "ListDomains", "GetParametersByPath", "GetRole"] {
        assert_eq!(more(operation), 0, "{operation}: it has nothing to do with the number of users");
    }
    // Two more pages of profiles and of tags, and the record's pieces.
    assert!(total(&many) - total(&few) <= 5, "{few:?}\n{many:?}");
    assert_eq!(many.get("DescribeUserProfile"), None, "nothing has changed: {many:?}");
    assert_eq!(many.get("ListTags").unwrap_or(&0), few.get("ListTags").unwrap_or(&0), "{many:?}");
}

/// Number of calls of an operation.
fn of(ended: &Ended, operation: &str) -> usize {
    ended.calls.iter().filter(|call| call.operation == operation).count()
}

#[test]
fn a_run_that_asks_nobody_plans_once() {
    let lab = Lab::new();
    lab.run(APPLY, &users(2)).expect(0);
    let saved = lab.path("plan.json");
    let saved = saved.to_str().unwrap();
    let plan = lab.run(&["plan", "--out", saved], &users(3)).expect(0);
    // What only a plan asks for.
    let plans = |ended: &Ended| of(ended, "ListStudioLifecycleConfigs") / of(&plan, "ListStudioLifecycleConfigs");
    // Whoever has seen the lock free, and gets it over just that version, knows that nobody had it in between.
    assert_eq!(plans(&lab.run(&["apply", "--plan", saved], &users(3)).expect(0)), 1);
    assert_eq!(plans(&lab.run(APPLY, &users(4)).expect(0)), 1);
    assert_eq!(plans(&lab.run(&[APPLY, &["--no-lock"]].concat(), &users(5)).expect(0)), 2, "nothing tells");
    let empty = lab.run(APPLY, &users(5)).expect(0);
    assert!(plans(&empty) == 1 && empty.writes().is_empty(), "an empty plan takes no lock");
}

fn total(counts: &BTreeMap<String, usize>) -> usize {
    counts.values().sum()
}
