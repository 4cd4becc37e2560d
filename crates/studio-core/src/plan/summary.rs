//! Counts of a plan: the numbers of its last line.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Plan};
use crate::wording::tally;

/// The numbers of a plan. A blocked step counts as blocked and as nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// What is made.
    pub add: usize,
    /// What is changed in place; the deployment's record, when it alone changes.
    pub change: usize,
    /// What is deleted and made again.
    pub replace: usize,
    /// What is taken over.
    pub adopt: usize,
    /// What is deleted.
    pub destroy: usize,
    /// What stays as it is.
    pub unchanged: usize,
    /// What is no longer wanted but kept for the data in it.
    pub retained: usize,
    /// What may not happen.
    pub blocked: usize,
}

impl Summary {
    /// Counts the steps of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut summary = Self { change: usize::from(only_record_changes(plan)), ..Self::default() };
        for step in &plan.steps {
            let count = match (&step.blocked, step.action()) {
                (Some(_), _) => &mut summary.blocked,
                // Whatever is taken from it first.
                (None, _) if step.is_retained() => &mut summary.retained,
                (None, Action::Create) => &mut summary.add,
                (None, Action::Update) => &mut summary.change,
                (None, Action::Replace) => &mut summary.replace,
                (None, Action::Adopt) => &mut summary.adopt,
                (None, Action::Delete) => &mut summary.destroy,
                (None, Action::Keep) => &mut summary.unchanged,
                (None, Action::Retain) => &mut summary.retained,
            };
            *count += 1;
        }
        summary
    }
}

/// Name of the deployment's record beside addresses: it is none of the objects that the config asks for.
pub const RECORD: &str = "record";
/// Reason of a change of the record.
pub const RECORD_CHANGES: &str = "what studio-deploy remembers of this deployment is brought up to date";

/// Returns `true` if nothing changes but what is remembered of the deployment.
pub fn only_record_changes(plan: &Plan) -> bool {
    plan.record != plan.recorded && plan.steps.iter().all(|step| !step.action().is_change() && step.blocked.is_none())
}

/// `Plan: 3 to create, 1 to update, 22 unchanged`: a line that scripts look for. What there is none of is not said.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [
            (self.add, "to create"),
            (self.change, "to update"),
            (self.replace, "to replace"),
            (self.adopt, "to adopt"),
            (self.destroy, "to delete"),
            (self.unchanged, "unchanged"),
            (self.retained, "retained"),
            (self.blocked, "blocked"),
        ];
        write!(f, "Plan: {}", tally(&numbers, "nothing to do"))
    }
}
