//! Findings of checks about a plan, and the only place where they become blocks and notices.
//!
//! Checks read a [`Draft`] and return [`Finding`]s, data; [`Draft::with`] writes them into the steps, and
//! [`Draft::finish`] draws the consequences. So whoever looks at the account while planning cannot change the plan.

use std::collections::BTreeMap;
use std::fmt;

use super::{Blocked, Notice, Plan, RulesOf, Selection, Step, Transition, Watched, left_out, record, selection, watch};
use crate::model::{Address, Graph, Source};

/// One result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Something that the step may not happen for.
    Obstacle(Obstacle),
    /// Something to know before applying.
    Notice(Notice),
    /// The YAML place that something came from of which the config no longer has a node.
    Origin {
        /// The step that has no node.
        address: Address,
        /// The list or mapping that it is gone from.
        source: Source,
    },
}

impl Finding {
    /// A notice about one address, or about the whole.
    pub fn notice(address: Option<Address>, message: impl Into<String>) -> Self {
        Self::Notice(Notice::new(address, message))
    }
}

/// Reason why a step may not happen, as a check says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The step.
    pub address: Address,
    /// What stands in the way, for people.
    pub why: String,
    /// The next thing to do about it, for people.
    pub hint: String,
    /// The YAML place to look at.
    pub source: Option<Source>,
    /// The check that found it.
    pub check: Check,
}

/// Sort of check that found an obstacle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The rules of MDAA's compliance packs. They outweigh whatever else stands in a step's way.
    SecurityGate,
    /// The CloudFormation stack that what is adopted comes from.
    Stack,
    /// Reads of what the plan relies on.
    Preflight,
}

/// Plan that checks are still to look at.
#[must_use = "it is no plan before it is finished"]
pub struct Draft<'a> {
    pub(super) plan: Plan,
    pub(super) rules: RulesOf<'a>,
    pub(super) selection: Selection,
    /// The nodes that the record is made of.
    pub(super) lasting: Graph,
    /// Everything that was found of what is watched.
    pub(super) watched: Vec<(Address, Watched)>,
}

impl fmt::Debug for Draft<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Draft<'_> {
    /// The plan as far as it is decided, for checks to read.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same draft with blocks and notices for what one round of checks found.
    ///
    /// Several obstacles of one step are told together. A step that is blocked already stays blocked for the first reason,
    /// unless it is the security gate that speaks.
    pub fn with(mut self, findings: Vec<Finding>) -> Self {
        let mut obstacles: BTreeMap<Address, Vec<Obstacle>> = BTreeMap::new();
        for finding in findings {
            match finding {
                Finding::Obstacle(obstacle) => obstacles.entry(obstacle.address.clone()).or_default().push(obstacle),
                Finding::Notice(notice) => self.plan.notices.push(notice),
                Finding::Origin { address, source } => {
                    if let Some(step) = self.plan.steps.iter_mut().find(|step| step.address == address) {
                        step.place.get_or_insert(source);
                    }
                }
            }
        }
        for step in &mut self.plan.steps {
            if let Some(obstacles) = obstacles.remove(&step.address) {
                block(step, obstacles);
            }
        }
        self
    }

    /// The plan with all that follows from what is blocked by now: what else is left out, what stays as it was found, what
    /// the record will say, and what of all that is selected.
    pub fn finish(self) -> Plan {
        let Self { mut plan, rules, selection, lasting, watched } = self;
        left_out::close_if_skipping(&mut plan, rules);
        for step in &mut plan.steps {
            if let Transition::Create { node, .. } | Transition::Replace { node, .. } = &step.transition {
                step.outline = Some(Box::new(rules(node.address.kind).outline(node)));
            }
        }
        plan.watched = watch::left(watched, &plan.steps);
        plan.record = record::next(&lasting, plan.recorded.as_ref(), &plan.steps, plan.destroy);
        if !selection.is_empty() {
            selection::select(&mut plan, rules, &selection);
        }
        plan
    }
}

/// Blocks a step for all obstacles that one round of checks found, in an order that does not depend on which was found
/// first.
fn block(step: &mut Step, mut obstacles: Vec<Obstacle>) {
    let outweighs = obstacles.iter().any(|one| one.check == Check::SecurityGate);
    if step.blocked.is_some() && !outweighs {
        return;
    }
    obstacles.sort_by(|one, other| one.why.cmp(&other.why));
    let joined = |part: fn(&Obstacle) -> &str| {
        let mut parts: Vec<&str> = obstacles.iter().map(part).collect();
        parts.dedup();
        parts.join("; ")
    };
    let is_failed_check = obstacles.iter().any(|one| one.check == Check::Preflight);
    step.blocked = Some(Blocked { why: joined(|one| &one.why), hint: joined(|one| &one.hint), is_failed_check });
    if let Some(source) = obstacles.into_iter().find_map(|one| one.source) {
        step.place = Some(source);
    }
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
