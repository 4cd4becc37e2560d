//! Findings of all that is watched, for people: where, why it matters, and what ends it.

use super::text::{flow, shortened};
use crate::escape::one_line;
use crate::model::{Address, Value};
use crate::plan::{Mend, Plan, Watched};

/// Width of a finding on its line.
const WIDTH: usize = 60;

/// The lines of everything that a plan leaves as it was found: each with the way out below it.
pub fn lines(plan: &Plan) -> Vec<String> {
    plan.watched().iter().flat_map(|(address, watched)| [line(address, watched), way_out(address, watched)]).collect()
}

/// The place of a finding, and why it matters.
pub(super) fn line(address: &Address, watched: &Watched) -> String {
    let place = match watched.path.0.is_empty() {
        true => String::new(),
        false => format!("  {}", one_line(&watched.path.to_string())),
    };
    let found = match &watched.found {
        Value::Null | Value::Bool(true) => String::new(),
        found => format!(" is {}", shortened(flow(found), WIDTH)),
    };
    format!("{}{place}{found}: {}", one_line(&address.to_string()), one_line(&watched.why))
}

fn way_out(address: &Address, watched: &Watched) -> String {
    match &watched.mend {
        Mend::Apply(_) => format!("  `--fix {}` reverts it", one_line(&address.to_string())),
        Mend::Config => "  AWS cannot unset it: set the right value in the config".into(),
        Mend::Person(command) => format!("  revert it by hand: `{}`", one_line(command)),
    }
}

/// The number of findings, in words.
pub fn counted(plan: &Plan) -> String {
    match plan.watched().len() {
        1 => "1 thing found that the config says nothing about".into(),
        many => format!("{many} things found that the config says nothing about"),
    }
}
