//! Printed policies taken apart: without any action of any statement some run of its sample's life fails, and says
//! which.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::holder::{Case, allow, give, list, statements};
use super::story::{BEFORE, ProcessState, Run, cases, live, meet_everything, surroundings};
use crate::support::account::Lab;
use crate::support::configs::LATER;
use crate::support::picture::{Tables, restore};

/// Actions that no story needs, and why they are printed all the same.
const UNSEEN: [(&str, &str); 2] = [
    ("iam:CreateServiceLinkedRole", "the first domain of an account makes SageMaker's role; the sandbox has it"),
    ("kms:UpdateAlias", "somebody else points the alias to an earlier key of the deployment while a new one is made"),
];

/// A statement without one of its actions; nothing when it has no other.
fn without(statement: &Json, action: &str) -> Option<Json> {
    let rest: Vec<String> = list(&statement["Action"]).into_iter().filter(|other| other != action).collect();
    (!rest.is_empty()).then(|| {
        let mut statement = statement.clone();
        statement["Action"] = json!(rest);
        statement
    })
}

/// A statement with no domain's id in it.
fn of_any_domain(statement: &str) -> String {
    let mut parts = statement.split("/d-");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        text + "/d-" + part.trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

/// The documents of a run with one action of one statement left out.
fn weakened(documents: &[Json], statement: &Json, action: &str) -> Vec<Json> {
    let weaker = statements(documents)
        .into_iter()
        .filter_map(|other| if other == *statement { without(&other, action) } else { Some(other) });
    vec![json!({"Version": "2012-10-17", "Statement": weaker.collect::<Vec<_>>()})]
}

/// Counts of what was looked at.
#[derive(Default)]
struct Tally {
    runs: usize,
    statements: usize,
    actions: usize,
    tried: usize,
}

/// Lives through a sample; each action of each statement that none of the runs needed, when it met everything.
fn take_apart(case: &Case, empty: &Tables, meets_everything: bool, tally: &mut Tally) -> Vec<String> {
    let mut life = ProcessState { case, empty, runs: Vec::new() };
    live(&mut life);
    if meets_everything {
        meet_everything(&mut life);
    }
    // Every statement that is printed for any of the runs, with whether one of the runs could not do without each action.
    let mut seen: BTreeMap<(String, String), bool> = BTreeMap::new();
    for run in &life.runs {
        let all = statements(&run.documents);
        for statement in &all {
            let text = of_any_domain(&statement.to_string());
            for action in list(&statement["Action"]) {
                let key = (format!("{} {text}", run.purpose), action.clone());
                if seen.get(&key) == Some(&true) {
                    continue;
                }
                let others: Vec<&Json> = all
                    .iter()
                    .filter(|other| *other != statement && list(&other["Action"]).contains(&action))
                    .collect();
                let mut asked = run.decisions.iter().filter(|decision| decision.action == action);
                let is_missed = asked.any(|decision| decision.is_allowed && !allow(others.iter().copied(), decision));
                *seen.entry(key).or_default() |= is_missed;
                // Now and then it is tried out.
                if seen.len() % 41 == 5 && is_missed {
                    tally.tried += 1;
                    fails_without(case, run, &weakened(&run.documents, statement, &action), &action);
                }
            }
        }
    }
    let lines: BTreeSet<&String> = seen.keys().map(|(statement, _)| statement).collect();
    tally.runs += life.runs.len();
    tally.statements += lines.len();
    tally.actions += seen.len();
    let unneeded = seen.iter().filter(|((_, action), needed)| {
        meets_everything && !**needed && UNSEEN.iter().all(|(known, _)| known != action)
    });
    unneeded.map(|((statement, action), _)| format!("{}: {action} in {statement}", case.name)).collect()
}

/// Takes apart what is printed for each of the samples; those that meet everything need all of it. How much that was.
fn check(meets_everything: impl Fn(&str) -> bool) -> String {
    let cases = cases();
    let before = [BEFORE, LATER].map(|config| Case { name: "before", config: config.into(), boundary: None });
    let all: Vec<Case> = cases.iter().cloned().chain(before).collect();
    let empty = surroundings(&all);
    let mut tally = Tally::default();
    let unneeded: Vec<String> =
        cases.iter().flat_map(|case| take_apart(case, &empty, meets_everything(case.name), &mut tally)).collect();
    let Tally { runs, statements, actions, tried } = tally;
    assert!(unneeded.is_empty(), "printed, and never needed:\n{}", unneeded.join("\n"));
    format!("{} samples, {runs} runs, {statements} statements with {actions} actions, {tried} tried out", cases.len())
}

#[test]
fn every_sample_lives_on_what_is_printed() {
    println!("{}", check(|name| name == "everything"));
}

#[test]
#[ignore = "takes minutes: `just permissions`"]
fn every_sample_needs_all_that_is_printed() {
    println!("{}", check(|_| true));
}

/// The run without one permission: it fails as a missing permission does, or goes on where the docs say so; it names the
/// action in any case.
#[track_caller]
fn fails_without(case: &Case, run: &Run, documents: &[Json], action: &str) {
    let lab = Lab::new();
    restore(&lab.sandbox, &run.before);
    give(&lab, documents);
    let command: Vec<&str> = run.command.iter().map(String::as_str).collect();
    let ended = case.with(run.config.clone()).run_as_holder(&lab, &command);
    let said = ended.said();
    let may_go_on = include_str!("../../../docs/denied-reads.md").contains(action);
    assert!(
        matches!(ended.code, 4 | 8) || may_go_on,
        "{} {command:?} without {action} ended with {}:\n{said}",
        case.name,
        ended.code
    );
    // What is watched on a bucket that the run itself makes is looked at after the plan, and the next plan tells of it.
    let mut before_writes = ended.calls.iter().take_while(|call| !call.writes);
    let is_untold = ended.code == 0 && action.starts_with("s3:") && before_writes.all(|call| call.status != 403);
    if may_go_on && is_untold {
        return;
    }
    assert!(said.contains(action), "{} {command:?} does not name {action}:\n{said}", case.name);
}
