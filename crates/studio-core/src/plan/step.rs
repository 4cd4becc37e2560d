//! Steps, one for each address, and the plan that they make together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::decide::{ABSENT, DIFFERS};
use super::removal::DESTROYED;
use super::{Action, Change, Omitted, Outline, Record, Transition, Watched};
use crate::hint::Hint;
use crate::model::{Address, Deployment, Node, Observed, Path, Source, State};

/// Reason why a step may not happen, and what would let it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// What stands in the way, for people.
    pub why: String,
    /// The next thing to do about it, for people.
    pub hint: String,
    /// Whether a look at what the plan relies on found it, rather than a rule about what may happen.
    pub is_failed_check: bool,
}

impl Blocked {
    /// A block for what a rule forbids.
    pub fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { why: why.into(), hint: hint.into(), is_failed_check: false }
    }
}

/// One address and what happens to it. Only `plan/` makes and changes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub(super) address: Address,
    pub(super) transition: Transition,
    pub(super) reason: String,
    pub(super) blocked: Option<Blocked>,
    pub(super) waits_for: BTreeSet<Address>,
    pub(super) later: Option<Hint>,
    pub(super) place: Option<Source>,
    pub(super) outline: Option<Box<Outline>>,
}

impl Step {
    /// A step that waits for nothing and may happen.
    pub(super) fn new(address: Address, transition: Transition, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let (blocked, waits_for, later, place, outline) = (None, BTreeSet::new(), None, None, None);
        Self { address, transition, reason, blocked, waits_for, later, place, outline }
    }

    /// The address that it is about.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The transition of the object, with what that takes.
    pub const fn transition(&self) -> &Transition {
        &self.transition
    }

    /// The action of this step, in a word.
    pub const fn action(&self) -> Action {
        self.transition.action()
    }

    /// The node that is desired; none when the object goes. Outputs that are known are filled in.
    pub const fn node(&self) -> Option<&Node> {
        match &self.transition {
            Transition::Keep { node, .. } => node.as_ref(),
            Transition::Create { node, .. }
            | Transition::Update { node, .. }
            | Transition::Adopt { node, .. }
            | Transition::Replace { node, .. } => Some(node),
            Transition::Release { .. } | Transition::Delete { .. } | Transition::Retain { .. } => None,
        }
    }

    /// The live object now; none when there is nothing.
    pub const fn observed(&self) -> Option<&Observed> {
        match &self.transition {
            Transition::Keep { live, .. } => live.as_ref(),
            Transition::Create { .. } => None,
            Transition::Update { live, .. }
            | Transition::Adopt { live, .. }
            | Transition::Replace { live, .. }
            | Transition::Release { live, .. }
            | Transition::Delete { live, .. }
            | Transition::Retain { live } => Some(live),
        }
    }

    /// The differences that the step removes.
    pub fn changes(&self) -> &[Change] {
        match &self.transition {
            Transition::Create { changes, .. }
            | Transition::Update { changes, .. }
            | Transition::Adopt { changes, .. }
            | Transition::Replace { changes, .. }
            | Transition::Release { changes, .. } => changes,
            Transition::Keep { .. } | Transition::Delete { .. } | Transition::Retain { .. } => &[],
        }
    }

    /// The reason of the step, for people.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The reason of the step, unless its action, or that of the whole plan, says as much.
    pub fn special_reason(&self) -> Option<&str> {
        Some(self.reason()).filter(|reason| !["", ABSENT, DIFFERS, DESTROYED].contains(reason))
    }

    /// The reason why it may not happen; none when it may.
    pub const fn blocked(&self) -> Option<&Blocked> {
        self.blocked.as_ref()
    }

    /// The steps that must be done first.
    pub const fn waits_for(&self) -> &BTreeSet<Address> {
        &self.waits_for
    }

    /// The outline of what is made; none of anything else.
    pub fn outline(&self) -> Option<&Outline> {
        self.outline.as_deref()
    }

    /// The command that deletes later what is retained now.
    pub const fn later(&self) -> Option<&Hint> {
        self.later.as_ref()
    }

    /// The YAML place to look at: that of what is no longer in the config or of what a check found, else the first changed
    /// property's, else the node's own.
    pub fn source(&self) -> Option<&Source> {
        let changed = self.changes().iter().find_map(|change| change.source.as_ref());
        let own = || self.node().and_then(|node| node.source(&Path::default()));
        self.place.as_ref().or(changed).or_else(own)
    }

    /// Returns `true` if it stays although nothing wants it any more, for the data in it.
    pub const fn is_retained(&self) -> bool {
        matches!(self.transition, Transition::Retain { .. } | Transition::Release { .. })
    }

    /// Returns `true` if this step will be executed.
    pub const fn runs(&self) -> bool {
        self.action().is_change() && self.blocked.is_none()
    }

    /// Leaves out all changes that are not as `is_kept` wants.
    pub(super) fn retain_changes(&mut self, is_kept: impl FnMut(&Change) -> bool) {
        match &mut self.transition {
            Transition::Create { changes, .. }
            | Transition::Update { changes, .. }
            | Transition::Adopt { changes, .. }
            | Transition::Replace { changes, .. }
            | Transition::Release { changes, .. } => changes.retain(is_kept),
            Transition::Keep { .. } | Transition::Delete { .. } | Transition::Retain { .. } => {}
        }
    }

    /// The node, to be changed.
    pub(super) const fn node_mut(&mut self) -> Option<&mut Node> {
        match &mut self.transition {
            Transition::Keep { node, .. } => node.as_mut(),
            Transition::Create { node, .. }
            | Transition::Update { node, .. }
            | Transition::Adopt { node, .. }
            | Transition::Replace { node, .. } => Some(node),
            Transition::Release { .. } | Transition::Delete { .. } | Transition::Retain { .. } => None,
        }
    }

    /// Makes it a step that leaves its object as it is.
    pub(super) fn keep(&mut self, reason: impl Into<String>) {
        let (node, live, _) = self.take().into_parts();
        self.transition = Transition::Keep { node, live };
        self.reason = reason.into();
    }

    /// Makes a change in place or an adoption a replacement, and leaves any other step as it is.
    pub(super) fn replace(&mut self, reason: impl Into<String>) {
        self.transition = match self.take() {
            Transition::Update { node, live, changes } | Transition::Adopt { node, live, changes } => {
                self.reason = reason.into();
                Transition::Replace { node, live, changes }
            }
            other => other,
        };
    }

    /// Makes a replacement a change in place, and leaves any other step as it is.
    pub(super) fn update(&mut self, reason: impl Into<String>) {
        self.transition = match self.take() {
            Transition::Replace { node, live, changes } | Transition::Update { node, live, changes } => {
                self.reason = reason.into();
                Transition::Update { node, live, changes }
            }
            other => other,
        };
    }

    fn take(&mut self) -> Transition {
        std::mem::replace(&mut self.transition, Transition::Keep { node: None, live: None })
    }
}

/// Something to know before applying, that no step says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What it is about, when it is about one address.
    pub address: Option<Address>,
    /// For people.
    pub message: String,
    /// Whether it tells of an intended difference from MDAA, about which nobody has to do anything.
    pub is_difference: bool,
}

impl Notice {
    /// A notice about one address, or about the whole.
    pub fn new(address: Option<Address>, message: impl Into<String>) -> Self {
        Self { address, message: message.into(), is_difference: false }
    }
}

/// Plan of a run: steps in order, and what may not be done. Only `plan/` makes and changes one.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) deployment: Deployment,
    pub(super) destroy: bool,
    pub(super) steps: Vec<Step>,
    pub(super) notices: Vec<Notice>,
    pub(super) unread: Vec<(Address, String)>,
    pub(super) watched: Vec<(Address, Watched)>,
    pub(super) unwatched: Vec<(Address, String)>,
    pub(super) unmatched: Vec<Address>,
    pub(super) skips_blocked: bool,
    pub(super) left_out: BTreeMap<Address, Vec<Change>>,
    pub(super) omitted: Option<Box<Omitted>>,
    pub(super) record: Option<Record>,
    pub(super) recorded: Option<Record>,
}

impl Plan {
    /// The deployment that the plan is for.
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Returns `true` if everything goes, for display only.
    pub const fn destroy(&self) -> bool {
        self.destroy
    }

    /// Every address, in the order of execution.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Notices about what else there is to know.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Addresses that could not be compared, and why: a notice says so too.
    pub fn unread(&self) -> &[(Address, String)] {
        &self.unread
    }

    /// Findings of all that is watched, which stay as they are: no step says anything of them.
    pub fn watched(&self) -> &[(Address, Watched)] {
        &self.watched
    }

    /// Watched properties that could not be looked at, and why: a notice says so too.
    pub fn unwatched(&self) -> &[(Address, String)] {
        &self.unwatched
    }

    /// Addresses that were to be fixed, and are nowhere.
    pub fn unmatched(&self) -> &[Address] {
        &self.unmatched
    }

    /// Returns `true` if what is blocked is left out and the rest is done.
    pub const fn skips_blocked(&self) -> bool {
        self.skips_blocked
    }

    /// Changes that steps leave out of all that the config asks for, since they are blocked or needed by what is; a
    /// notice says why.
    pub const fn left_out(&self) -> &BTreeMap<Address, Vec<Change>> {
        &self.left_out
    }

    /// Returns `true` if anything is left out because it was not selected.
    pub const fn is_selection(&self) -> bool {
        self.omitted.is_some()
    }

    /// The record once everything is done; none when nothing is left to record.
    pub const fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// The record as it is now.
    pub const fn recorded(&self) -> Option<&Record> {
        self.recorded.as_ref()
    }

    /// Returns `true` if nothing has to be done: the only definition of "no changes".
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| !step.action().is_change()) && self.record == self.recorded
    }

    /// Returns `true` if something that the config asks for is not done by this plan: it is blocked, or left out.
    pub fn is_partial(&self) -> bool {
        !self.left_out.is_empty() || self.blocked().next().is_some()
    }

    /// Returns `true` if the account is not as the config says, whether or not this plan may mend it, or something was
    /// found that is watched.
    pub fn differs(&self) -> bool {
        !self.is_empty() || self.is_partial() || self.omitted.is_some() || !self.watched.is_empty()
    }

    /// The steps that may not happen.
    pub fn blocked(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.blocked.is_some())
    }

    /// The addresses of which something is left out because it was not selected.
    pub fn omitted(&self) -> impl Iterator<Item = &Address> {
        self.omitted.iter().flat_map(|omitted| omitted.addresses())
    }

    /// A digest of everything that the config asks for, whatever part of it is done.
    pub fn config_digest(&self) -> Option<&str> {
        match &self.omitted {
            Some(omitted) => omitted.config_digest.as_deref(),
            None => self.record.as_ref().map(|record| record.config_digest.as_str()),
        }
    }

    /// The number of steps of `action`.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action() == action).count()
    }

    /// The first replacement that loses data, whatever replaces it. What failed while it was created never served anybody.
    pub fn replaced_data(&self) -> Option<&Step> {
        let was_used = |step: &Step| step.observed().is_none_or(|observed| !matches!(observed.state, State::Failed(_)));
        let loses = |step: &&Step| {
            step.runs() && step.action() == Action::Replace && step.address.kind.holds_data() && was_used(step)
        };
        self.steps.iter().find(loses)
    }

    /// The step of `address`.
    pub fn step(&self, address: &Address) -> Option<&Step> {
        self.steps.iter().find(|step| step.address == *address)
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
