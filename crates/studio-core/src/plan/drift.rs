//! Drift: what was changed behind the config's back on everything that applies have set, as a plan that takes it back.

use super::{Action, Plan, Record, Step};
use crate::model::{Address, Path};

/// Movement since the last apply.
#[derive(Debug)]
pub struct Drift {
    /// The plan that would take it back.
    pub plan: Plan,
    /// Whether the config asks for something else than at the last apply.
    pub config_changed: bool,
    /// What an apply that was interrupted had still to make.
    pub unmade: Vec<Address>,
    /// How many of the values that applies have set were found.
    pub compared_values: usize,
    /// On how many objects these were found.
    pub compared_objects: usize,
}

impl Drift {
    /// Returns `true` if anything moved.
    pub fn is_any(&self) -> bool {
        let drifts = |step: &Step| step.action().is_change() || step.blocked.is_some();
        self.plan.steps.iter().any(drifts) || !self.plan.watched.is_empty()
    }
}

impl Plan {
    /// The part of this plan that takes back what somebody changed, without what `is_ignored` by address or by address and
    /// path; none when nothing remembers an apply.
    pub fn into_drift(mut self, is_ignored: &dyn Fn(&str) -> bool) -> Option<Drift> {
        let recorded = self.recorded.clone()?;
        let config_changed = self.record.as_ref().is_some_and(|next| next.config_digest != recorded.config_digest);
        let unread: Vec<Address> = self.unread.iter().map(|(address, _)| address.clone()).collect();
        let is_unmade = |step: &&Step| step.action() == Action::Create && recorded.unmade.contains(&step.address);
        let unmade: Vec<Address> = self.steps.iter().filter(is_unmade).map(|step| step.address.clone()).collect();
        let there = self.steps.iter().filter(|step| step.observed().is_some() && step.node().is_some());
        let there = there.filter(|step| !unread.contains(&step.address));
        let counts = there.map(|step| recorded.paths(&step.address).len()).filter(|count| *count > 0);
        let (compared_objects, compared_values) =
            counts.fold((0, 0), |(objects, values), count| (objects + 1, values + count));
        let is_path_ignored = |address: &Address, path: &Path| is_ignored(&format!("{address}.{path}"));
        self.notices.clear();
        self.watched
            .retain(|(address, watched)| !is_ignored(&address.to_string()) && !is_path_ignored(address, &watched.path));
        self.steps.retain_mut(|step| {
            if unmade.contains(&step.address) {
                return false;
            }
            let address = step.address.clone();
            step.retain_changes(|change| !is_path_ignored(&address, &change.path));
            !is_ignored(&address.to_string()) && !unread.contains(&address) && drifts(step, &recorded)
        });
        // The record is no part of the account that anybody looks at.
        self.record = Some(recorded);
        Some(Drift { plan: self, config_changed, unmade, compared_values, compared_objects })
    }
}

/// Returns `true` if a step would take back what somebody changed; leaves only such changes.
fn drifts(step: &mut Step, recorded: &Record) -> bool {
    let managed = recorded.paths(&step.address);
    if managed.is_empty() {
        return false;
    }
    let differed = !step.changes().is_empty();
    let known = |path: &Path| managed.iter().any(|known| path.starts_with(known) || known.starts_with(path));
    step.retain_changes(|change| !change.unsets && known(&change.path));
    match step.action() {
        Action::Create => {
            step.reason = "it is gone".into();
            // A script that has only been edited is a new object under an old address.
            !differed
        }
        Action::Update => !step.changes().is_empty(),
        // Without a difference it is AWS that reports the object as failed.
        Action::Replace => !differed || !step.changes().is_empty(),
        Action::Keep => step.blocked.is_some(),
        Action::Adopt | Action::Delete | Action::Retain => false,
    }
}
