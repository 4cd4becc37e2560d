//! Reports of applies and destroys as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Add;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report_human::{failures, why_retained};
use crate::apply::{Outcome, Report};
use crate::cloud::{CloudError, Sent};
use crate::failure::{Failure, FailureDocument};
use crate::hint::Caller;
use crate::model::Address;
use crate::plan::document::{ActionWord, WatchedDocument};
use crate::plan::summary::only_record_changes;
use crate::plan::{Action, Plan, Step};
use crate::wording::tally;

/// A whole report as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportDocument {
    /// Grows when the meaning of a member changes.
    pub format_version: u32,
    /// `org/env/domain/module`.
    pub deployment: String,
    /// The twelve digits of the account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Whether everything that was to happen has happened.
    pub complete: bool,
    /// Whether somebody asked the run to stop.
    pub stopped: bool,
    /// Every step that would have changed something, in the order in which they ended.
    pub steps: Vec<StepEnd>,
    /// Every failure, with the way out.
    pub errors: Vec<FailureDocument>,
    /// The addresses of which something was left out, since it was not selected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omitted: Vec<String>,
    /// What is kept for the data in it, and why.
    pub retained: BTreeMap<String, String>,
    /// What was found on things of ours that the config says nothing about, and was left as it is.
    #[serde(default)]
    pub watched: Vec<WatchedDocument>,
    /// What each address offers now.
    pub outputs: BTreeMap<String, BTreeMap<String, String>>,
    /// The numbers.
    pub counts: Counts,
}

/// The end of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepEnd {
    /// `kind.name`.
    pub address: String,
    /// What was to happen.
    pub action: ActionWord,
    /// How it ended.
    #[serde(flatten)]
    pub end: EndDocument,
}

/// The ways in which a step can end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum EndDocument {
    /// Done.
    Done,
    /// Still used by something: it stays, and the next apply tries again.
    Held {
        /// What uses it, for people.
        by: String,
    },
    /// Failed.
    Failed {
        /// The call that failed.
        error: CallDocument,
    },
    /// Not tried because another step failed.
    Skipped {
        /// That step's address.
        because_of: String,
    },
    /// Not tried because the run was stopped.
    Stopped,
    /// Under way when the run was left; what AWS accepted goes on.
    Interrupted,
    /// The plan did not allow it.
    Blocked,
}

impl From<&Outcome> for EndDocument {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Held(by) => Self::Held { by: by.clone() },
            Outcome::Failed(error) => Self::Failed { error: error.into() },
            Outcome::Skipped { because_of } => Self::Skipped { because_of: because_of.to_string() },
            Outcome::Stopped => Self::Stopped,
            Outcome::Interrupted => Self::Interrupted,
            Outcome::Blocked => Self::Blocked,
        }
    }
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallDocument {
    /// The API operation, or what was being waited for.
    pub operation: String,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's message, or ours.
    pub message: String,
    /// AWS's request id.
    pub request_id: Option<String>,
    /// Whether anything was changed.
    pub changed: Changed,
}

/// Effect of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Nothing was changed.
    No,
    /// Nobody knows.
    Maybe,
    /// Something was changed.
    Yes,
}

impl From<&CloudError> for CallDocument {
    fn from(error: &CloudError) -> Self {
        Self {
            operation: error.operation.clone(),
            code: error.code.clone(),
            message: error.message.clone(),
            request_id: error.request_id.clone(),
            changed: match error.sent {
                Sent::No => Changed::No,
                Sent::Maybe => Changed::Maybe,
                Sent::Yes => Changed::Yes,
            },
        }
    }
}

/// Numbers of steps by the way they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Made.
    pub added: usize,
    /// Changed in place; the deployment's record, when it alone changed.
    pub changed: usize,
    /// Deleted and made again.
    pub replaced: usize,
    /// Taken over.
    pub adopted: usize,
    /// Deleted.
    pub destroyed: usize,
    /// No longer wanted, and kept for the data in it.
    #[serde(default)]
    pub retained: usize,
    /// Still used by something.
    pub held: usize,
    /// Failed.
    pub failed: usize,
    /// Not tried because another step failed.
    pub skipped: usize,
    /// Not tried because the run was stopped.
    pub stopped: usize,
    /// Not allowed by the plan.
    pub blocked: usize,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            added: self.added + other.added,
            changed: self.changed + other.changed,
            replaced: self.replaced + other.replaced,
            adopted: self.adopted + other.adopted,
            destroyed: self.destroyed + other.destroyed,
            retained: self.retained + other.retained,
            held: self.held + other.held,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            stopped: self.stopped + other.stopped,
            blocked: self.blocked + other.blocked,
        }
    }
}

impl Counts {
    /// The counts in words: `27 created, 1 failed`. What there is none of is not said.
    pub fn in_words(&self) -> String {
        let all = [
            (self.added, "created"),
            (self.changed, "updated"),
            (self.replaced, "replaced"),
            (self.adopted, "adopted"),
            (self.destroyed, "deleted"),
            (self.retained, "retained"),
            (self.held, "held"),
            (self.failed, "failed"),
            (self.skipped, "skipped"),
            (self.stopped, "stopped"),
            (self.blocked, "blocked"),
        ];
        tally(&all, "nothing done")
    }

    /// Counts the report of a plan, as [`crate::plan::summary::Summary`] counts the plan.
    pub fn of(report: &Report, plan: &Plan) -> Self {
        let changed = usize::from(report.is_complete() && only_record_changes(plan));
        let retained =
            plan.steps().iter().filter(|step| step.action() == Action::Retain && step.blocked().is_none()).count();
        let mut counts = Self { changed, retained, ..Self::default() };
        let stays: BTreeSet<&Address> =
            plan.steps().iter().filter(|step| step.is_retained()).map(Step::address).collect();
        for (address, action, outcome) in &report.outcomes {
            let is_retained = || stays.contains(address);
            let count = match (outcome, action) {
                (Outcome::Held(_), _) => &mut counts.held,
                (Outcome::Failed(_), _) => &mut counts.failed,
                (Outcome::Skipped { .. }, _) => &mut counts.skipped,
                (Outcome::Stopped | Outcome::Interrupted, _) => &mut counts.stopped,
                (Outcome::Blocked, _) => &mut counts.blocked,
                (Outcome::Done, _) if is_retained() => &mut counts.retained,
                (Outcome::Done, Action::Create) => &mut counts.added,
                (Outcome::Done, Action::Update) => &mut counts.changed,
                (Outcome::Done, Action::Replace) => &mut counts.replaced,
                (Outcome::Done, Action::Adopt) => &mut counts.adopted,
                (Outcome::Done, Action::Delete) => &mut counts.destroyed,
                (Outcome::Done, Action::Keep | Action::Retain) => continue,
            };
            *count += 1;
        }
        counts
    }
}

impl ReportDocument {
    /// A report as data.
    pub fn of(report: &Report, plan: &Plan, caller: &Caller) -> Self {
        let steps = report.outcomes.iter().map(|(address, action, outcome)| StepEnd {
            address: address.to_string(),
            action: (*action).into(),
            end: outcome.into(),
        });
        let retained = plan.steps().iter().filter(|step| step.is_retained());
        Self {
            format_version: 1,
            deployment: plan.deployment().to_string(),
            account: plan.deployment().account.clone(),
            region: plan.deployment().region.clone(),
            complete: report.is_complete(),
            stopped: report.stopped,
            steps: steps.collect(),
            errors: failures(report, plan, caller).iter().map(Failure::document).collect(),
            omitted: plan.omitted().map(ToString::to_string).collect(),
            retained: retained.map(|step| (step.address().to_string(), why_retained(step, caller))).collect(),
            watched: plan.watched().iter().map(WatchedDocument::of).collect(),
            outputs: report.outputs.iter().map(|(address, outputs)| (address.to_string(), outputs.clone())).collect(),
            counts: Counts::of(report, plan),
        }
    }
}
