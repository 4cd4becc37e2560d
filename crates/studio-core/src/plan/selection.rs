//! A part of a plan: `--target` and `--exclude`.
//!
//! What is selected comes with all that it waits for, and what waits for something that is left out is left out too. As
//! with what is blocked ([`super::left_out`]), nothing goes that what is left out goes on using. What is left out stays in
//! the plan's [`Omitted`], is not carried out, and is not recorded as if it were.

use std::collections::{BTreeMap, BTreeSet};

use globset::{Glob, GlobMatcher};

use super::{Action, Blocked, Change, Plan, Record, RulesOf, Selection, Step, left_out};
use crate::model::{Address, Kind};

/// Part of a plan that was not selected.
#[derive(Clone, Debug, Default)]
pub struct Omitted {
    /// The steps, as they would have been.
    pub steps: Vec<Step>,
    /// What steps that are carried out do not do.
    pub changes: BTreeMap<Address, Vec<Change>>,
    /// The digest of everything that the config asks for, which is not reached.
    pub config_digest: Option<String>,
}

impl Omitted {
    /// Every address of which something is left out, once.
    pub fn addresses(&self) -> BTreeSet<&Address> {
        self.steps.iter().map(|step| &step.address).chain(self.changes.keys()).collect()
    }
}

/// Leaves out of a plan whatever is not selected.
pub(super) fn select(plan: &mut Plan, rules: RulesOf<'_>, selection: &Selection) {
    let whole = plan.clone();
    let excluded = fitting(&whole.steps, &selection.exclude);
    let mut targets = match selection.target.is_empty() {
        true => whole.steps.iter().map(|step| step.address.clone()).collect(),
        false => fitting(&whole.steps, &selection.target),
    };
    loop {
        let selected = selected(&whole.steps, &targets, &excluded);
        cut(plan, rules, &selected);
        // What turns out to stay brings nothing: no profile goes for a bucket that is still waited for.
        let left: BTreeSet<&Address> =
            plan.omitted.iter().flat_map(|omitted| &omitted.steps).map(|s| &s.address).collect();
        let done: BTreeSet<Address> = targets.iter().filter(|address| !left.contains(address)).cloned().collect();
        let needed = self::selected(&whole.steps, &done, &excluded);
        let in_vain = |step: &Step| step.runs() && !targets.contains(&step.address) && !needed.contains(&step.address);
        if !plan.steps.iter().any(in_vain) {
            return;
        }
        targets = done;
        plan.clone_from(&whole);
    }
}

/// Leaves out of a plan whatever is not `selected`.
fn cut(plan: &mut Plan, rules: RulesOf<'_>, selected: &BTreeSet<Address>) {
    let before = plan.steps.clone();
    let left_out_before = plan.left_out.clone();
    let has_work = |step: &Step| step.action().is_change() || step.blocked.is_some();
    for step in plan.steps.iter_mut().filter(|step| has_work(step) && !selected.contains(&step.address)) {
        step.blocked = Some(Blocked::new("it is not selected", "apply without `--target` and `--exclude`"));
    }
    if plan.steps.iter().zip(&before).all(|(now, before)| now.blocked == before.blocked) {
        return;
    }
    let chosen: BTreeSet<Address> =
        plan.blocked().filter(|step| !selected.contains(&step.address)).map(|step| step.address.clone()).collect();
    for step in plan.steps.iter_mut().filter(|step| step.action() == Action::Delete) {
        let kind = step.address.kind;
        step.waits_for.retain(|of| !chosen.contains(of) || builds_on(kind, of.kind));
    }
    left_out::close(plan, rules);
    omit(plan, &before, &left_out_before, selected);
    plan.record = partial_record(plan);
}

/// Returns `true` if a thing of one kind can be deleted only once everything else of another is done. Of kinds that
/// nothing else is built on nobody has to wait; what the rest goes on using is found by its name.
const fn builds_on(deleted: Kind, other: Kind) -> bool {
    match deleted {
        Kind::Parameter | Kind::LifecycleConfig | Kind::BucketObject | Kind::ExecutionPolicy => false,
        Kind::App | Kind::Space => matches!(other, Kind::App),
        Kind::UserProfile => matches!(other, Kind::App | Kind::Space),
        _ => true,
    }
}

/// The addresses that a glob fits.
fn fitting(steps: &[Step], globs: &[Glob]) -> BTreeSet<Address> {
    let matchers: Vec<GlobMatcher> = globs.iter().map(Glob::compile_matcher).collect();
    let fits = |address: &&Address| {
        let text = address.to_string();
        matchers.iter().any(|matcher| matcher.is_match(&text))
    };
    steps.iter().map(|step| &step.address).filter(fits).cloned().collect()
}

/// The addresses that are selected: `targets` with what each brings, without what is `excluded`.
fn selected(steps: &[Step], targets: &BTreeSet<Address>, excluded: &BTreeSet<Address>) -> BTreeSet<Address> {
    let by_address: BTreeMap<&Address, &Step> = steps.iter().map(|step| (&step.address, step)).collect();
    let mut selected = targets.clone();
    let mut open: Vec<Address> = selected.iter().cloned().collect();
    while let Some(address) = open.pop() {
        let Some(step) = by_address.get(&address).filter(|step| step.action().is_change()) else { continue };
        let brought = steps.iter().filter(|other| brings(step, other)).map(|other| other.address.clone());
        for other in brought {
            if selected.insert(other.clone()) {
                open.push(other);
            }
        }
    }
    selected.retain(|address| !excluded.contains(address));
    selected
}

/// Returns `true` if a step can only be done together with another.
fn brings(step: &Step, other: &Step) -> bool {
    let waits = step.waits_for.contains(&other.address);
    let is_inside = other.address.kind > step.address.kind && !other.waits_for.contains(&step.address);
    match (step.action(), other.action()) {
        // What is in it goes before it.
        (Action::Delete, Action::Delete) => waits && builds_on(step.address.kind, other.address.kind),
        (Action::Delete, _) => false,
        // What lives in it is made again with it, or goes with it.
        (Action::Replace, Action::Replace) => waits || other.waits_for.contains(&step.address),
        (Action::Replace, Action::Delete) => waits || is_inside,
        _ => waits,
    }
}

/// Takes out of the plan what is left out of it by choice, and what follows from that.
fn omit(
    plan: &mut Plan,
    before: &[Step],
    left_out_before: &BTreeMap<Address, Vec<Change>>,
    selected: &BTreeSet<Address>,
) {
    let mut omitted = Omitted {
        config_digest: plan.record.as_ref().map(|record| record.config_digest.clone()),
        ..Omitted::default()
    };
    let mut steps = Vec::with_capacity(plan.steps.len());
    for (mut step, was) in std::mem::take(&mut plan.steps).into_iter().zip(before) {
        let is_blocked = step.blocked.is_some() && (was.blocked.is_none() || !selected.contains(&step.address));
        if !is_blocked && step.action() == was.action() {
            steps.push(step);
            continue;
        }
        // What is only changed less than it might be is still there.
        if !is_blocked && was.action() == Action::Update && step.node().is_some() {
            steps.push(step);
            continue;
        }
        omitted.steps.push(was.clone());
        // What there is stays known to whatever is built on it.
        if !matches!(was.action(), Action::Create | Action::Adopt) && step.observed().is_some() {
            step.keep("it is not selected");
            step.blocked = None;
            steps.push(step);
        }
    }
    plan.steps = steps;
    for (address, changes) in std::mem::take(&mut plan.left_out) {
        let old = left_out_before.get(&address).cloned().unwrap_or_default();
        let new: Vec<Change> = changes.iter().filter(|change| !old.contains(change)).cloned().collect();
        if !new.is_empty() && !omitted.steps.iter().any(|step| step.address == address) {
            omitted.changes.insert(address.clone(), new);
        }
        if left_out_before.contains_key(&address) {
            plan.left_out.insert(address, old);
        }
    }
    plan.omitted = Some(Box::new(omitted));
}

/// The record once the selected part is done: of what is left out it goes on saying what it said, and it claims no config.
fn partial_record(plan: &Plan) -> Option<Record> {
    let Some(omitted) = &plan.omitted else { return plan.record.clone() };
    if !plan.steps.iter().any(Step::runs) {
        return plan.recorded.clone();
    }
    let next = plan.record.as_ref()?;
    let steps: BTreeSet<&Address> = omitted.steps.iter().map(|step| &step.address).collect();
    let partly: BTreeSet<&Address> = omitted.changes.keys().collect();
    Some(next.without(plan.recorded.as_ref(), &steps, &partly))
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
