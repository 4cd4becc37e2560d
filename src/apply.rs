//! Carries a plan out: a ready queue with bounded parallelism, nothing left to decide.
//!
//! A step starts when every step that it waits for is done. Behind a failed step only what waits for it is skipped;
//! independent branches go on, and running again continues. Nothing is ever rolled back.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use tokio::sync::watch;

use crate::cloud::{Cloud, CloudError, Deleted, ErrorKind, Sent};
use crate::failure::{self, Exit};
use crate::model::{Address, Found, Node, Observed, Path, Value};
use crate::plan::{Action, AssetDigest, Change, Plan, Record, Rules, Step, Transition, changes};

/// Event of a run as it happens: the only link to the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A step begins.
    Started {
        /// Which.
        address: Address,
        /// What is being done.
        action: Action,
    },
    /// Progress of what a step is waiting for (`Pending`, `InService`).
    Phase {
        /// Which.
        address: Address,
        /// The phase in AWS's word.
        phase: String,
    },
    /// Something that went another way than usual.
    Notice {
        /// About what, when about one thing.
        address: Option<Address>,
        /// For people.
        message: String,
    },
    /// A step ended.
    Ended {
        /// Which.
        address: Address,
        /// What was being done.
        action: Action,
        /// How it ended.
        outcome: Outcome,
    },
}

/// Outcome of one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Still used by something, stays, and is tried again by the next apply.
    Held(String),
    /// Failed.
    Failed(CloudError),
    /// Not tried because this one failed.
    Skipped {
        /// The step that failed.
        because_of: Address,
    },
    /// Not tried because the run was stopped.
    Stopped,
    /// Under way when the run was left: what AWS accepted goes on, and the next run finds it.
    Interrupted,
    /// The plan did not allow it.
    Blocked,
}

/// Report of a whole run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every step that would have changed something, with its end.
    pub outcomes: Vec<(Address, Action, Outcome)>,
    /// What each node offers now.
    pub outputs: BTreeMap<Address, BTreeMap<String, String>>,
    /// Whether the record could be brought up to date.
    pub record_error: Option<CloudError>,
    /// Whether somebody asked the run to stop.
    pub stopped: bool,
    /// Whether it stopped since the lock was taken away.
    pub lock_lost: bool,
    /// Whether a part of what the config asks for was left out: by the plan, or since AWS refused what can be done without.
    pub left_out: bool,
    /// Whether AWS refused something that can be done without, so that it was left out.
    pub refused: bool,
}

impl Report {
    /// The report of a plan of which nothing is carried out: what may not happen, and nothing else.
    pub fn of_nothing(plan: &Plan) -> Self {
        let outcomes = plan.blocked().map(|step| (step.address().clone(), step.action(), Outcome::Blocked)).collect();
        Self { outcomes, ..Self::default() }
    }

    /// The number of steps that are done.
    pub fn done(&self) -> usize {
        self.outcomes.iter().filter(|(_, _, outcome)| matches!(outcome, Outcome::Done)).count()
    }

    /// Returns `true` if everything that was to happen has happened.
    pub fn is_complete(&self) -> bool {
        self.record_error.is_none()
            && !self.left_out
            && self.outcomes.iter().all(|(_, _, outcome)| matches!(outcome, Outcome::Done | Outcome::Held(_)))
    }

    /// The end of a run with this report that no signal stopped, given whether any call changed anything.
    pub fn exit(&self, wrote: bool) -> Exit {
        if self.is_complete() {
            return Exit::Success;
        }
        if wrote {
            return Exit::Partial;
        }
        let failures = self.failures().map(|(_, _, error)| error).chain(&self.record_error);
        let blocked = self.outcomes.iter().any(|(_, _, outcome)| *outcome == Outcome::Blocked);
        let of_failures = failures.map(failure::exit_of).max();
        of_failures.unwrap_or(match (self.refused, blocked || self.left_out) {
            (true, _) => Exit::Access,
            (false, true) => Exit::Blocked,
            (false, false) => Exit::Failed,
        })
    }

    /// The failed steps, each with its error.
    pub fn failures(&self) -> impl Iterator<Item = (&Address, Action, &CloudError)> {
        self.outcomes.iter().filter_map(|(address, action, outcome)| match outcome {
            Outcome::Failed(error) => Some((address, *action, error)),
            _ => None,
        })
    }
}

/// Urgency with which a run is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// The run goes on.
    #[default]
    No,
    /// Nothing new is started; what runs is finished.
    Drain,
    /// Running steps are left where they are: AWS goes on with them, and the next apply finds them.
    Leave,
}

/// Settings with which a plan is carried out.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Settings {
    /// How many steps may run at once.
    pub parallelism: usize,
    /// Start nothing new after the first failure.
    pub fail_fast: bool,
}

/// Carries `plan` out. Steps that are blocked are left out; a caller that must not write at all looks before.
///
/// Once `stop` says so, nothing new begins, and in the end what runs is left where it is.
pub async fn apply<C: Cloud>(
    cloud: &C,
    plan: &Plan,
    rules: &dyn Fn(crate::model::Kind) -> &'static dyn Rules,
    settings: Settings,
    stop: watch::Receiver<Stop>,
    events: &dyn Fn(Event),
) -> Report {
    let run = Run {
        cloud,
        rules,
        events,
        outputs: RefCell::new(kept_outputs(plan)),
        assets: RefCell::new(BTreeMap::new()),
        held: RefCell::new(BTreeSet::new()),
        failed: Cell::new(false),
        refused: Cell::new(false),
    };
    let mut report = Report { left_out: !plan.left_out().is_empty(), ..Report::default() };
    // No crash may lose a path that was managed: until the end the record knows the old and the new.
    let during = match (plan.recorded(), plan.record()) {
        (Some(old), Some(new)) => Some(old.union(new)),
        (old, new) => new.or(old).cloned(),
    };
    let during = during.map(|record| record.with_unmade(&plan.steps(), &BTreeSet::new()));
    if during.as_ref() != plan.recorded()
        && let Err(error) = cloud.write_record(during.as_ref()).await
    {
        report.record_error = Some(error);
        report.outcomes = plan
            .steps()
            .iter()
            .filter(|s| s.runs())
            .map(|s| (s.address().clone(), s.action(), Outcome::Stopped))
            .collect();
        return report;
    }
    report.outcomes = run.steps(plan, settings, stop.clone()).await;
    report.refused = run.refused.get();
    report.left_out |= report.refused;
    // What is blocked although nothing would be changed about it is part of what is not done, too.
    let keeps = plan.blocked().filter(|step| !step.action().is_change());
    report.outcomes.extend(keeps.map(|step| (step.address().clone(), step.action(), Outcome::Blocked)));
    report.stopped = *stop.borrow() != Stop::No;
    report.outputs = run.outputs.into_inner();
    let after = run.assets.into_inner();
    let held = run.held.into_inner();
    report.record_error = settle_record(cloud, plan, during, &report, after, held).await.err();
    report
}

/// Trims the record to what is true at the end: the new one when everything is done, old and new together otherwise.
async fn settle_record<C: Cloud>(
    cloud: &C,
    plan: &Plan,
    during: Option<Record>,
    report: &Report,
    assets: BTreeMap<Address, AssetDigest>,
    held: BTreeSet<Address>,
) -> Result<(), CloudError> {
    let done = report.outcomes.iter().filter(|(.., outcome)| *outcome == Outcome::Done);
    let done: BTreeSet<Address> = done.map(|(address, ..)| address.clone()).collect();
    let mut last = match report.is_complete() {
        true => plan.record().cloned(),
        false => during.clone().map(|record| record.with_unmade(&plan.steps(), &done)),
    };
    if let Some(record) = &mut last {
        record.assets.extend(assets.into_iter().map(|(address, digest)| (address.to_string(), digest)));
        record.pending_delete = held.iter().map(ToString::to_string).collect();
    }
    if last == during { Ok(()) } else { cloud.write_record(last.as_ref()).await }
}

fn kept_outputs(plan: &Plan) -> BTreeMap<Address, BTreeMap<String, String>> {
    let kept = plan.steps().iter().filter(|step| step.node().is_some());
    kept.filter_map(|step| Some((step.address().clone(), step.observed()?.outputs.clone()))).collect()
}

/// A step, or one half of a replacement: everything that depends on a replaced object goes before it goes, and is made
/// again after it is made again.
#[derive(Clone, Copy, Debug)]
struct Task<'a> {
    step: &'a Step,
    half: Half,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Half {
    Remove,
    Make,
    Whole,
}

impl Task<'_> {
    fn key(&self) -> (&Address, Half) {
        (&self.step.address(), self.half)
    }
}

impl PartialEq for Task<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Task<'_> {}

impl PartialOrd for Task<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Task<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<'a> Task<'a> {
    /// The phase that completes `step`.
    const fn last(step: &'a Step) -> Self {
        let half = if matches!(step.action(), Action::Replace) { Half::Make } else { Half::Whole };
        Self { step, half }
    }
}

/// Everything that is to be done, and what each waits for.
fn tasks(plan: &Plan) -> Vec<(Task<'_>, Vec<Task<'_>>)> {
    let steps: BTreeMap<&Address, &Step> =
        plan.steps().iter().filter(|step| step.action().is_change()).map(|step| (step.address(), step)).collect();
    let mut tasks = Vec::new();
    for step in plan.steps().iter().filter(|step| step.action().is_change()) {
        let mut needs: Vec<Task<'_>> =
            step.waits_for().iter().filter_map(|of| steps.get(of).copied()).map(Task::last).collect();
        if step.action() == Action::Replace {
            let removed_first = steps.values().filter(|other| match other.action() {
                Action::Replace => other.waits_for().contains(step.address()),
                // What lives in it and is no longer wanted.
                Action::Delete => {
                    other.address().kind > step.address().kind && !other.waits_for().contains(step.address())
                }
                _ => false,
            });
            let half = |other: &&&'_ Step| match other.action() {
                Action::Replace => Half::Remove,
                _ => Half::Whole,
            };
            let first = removed_first.map(|other| Task { step: other, half: half(&other) }).collect();
            tasks.push((Task { step, half: Half::Remove }, first));
            needs.push(Task { step, half: Half::Remove });
        }
        tasks.push((Task::last(step), needs));
    }
    tasks
}

struct Run<'a, C> {
    cloud: &'a C,
    rules: &'a dyn Fn(crate::model::Kind) -> &'static dyn Rules,
    events: &'a dyn Fn(Event),
    outputs: RefCell<BTreeMap<Address, BTreeMap<String, String>>>,
    assets: RefCell<BTreeMap<Address, AssetDigest>>,
    held: RefCell<BTreeSet<Address>>,
    failed: Cell<bool>,
    /// Whether a write was refused that can be done without.
    refused: Cell<bool>,
}

impl<C: Cloud> Run<'_, C> {
    async fn steps(
        &self,
        plan: &Plan,
        settings: Settings,
        mut stop: watch::Receiver<Stop>,
    ) -> Vec<(Address, Action, Outcome)> {
        let mut waiting = tasks(plan);
        let mut ended: BTreeMap<Task, Outcome> = BTreeMap::new();
        let mut order = Vec::new();
        let mut running = FuturesUnordered::new();
        let mut begun: BTreeSet<&Address> = BTreeSet::new();
        loop {
            let mut moved = true;
            while std::mem::take(&mut moved) {
                for (task, needs) in std::mem::take(&mut waiting) {
                    let because = needs.iter().find_map(|of| cause(&of.step.address(), ended.get(of)?));
                    let outcome = if task.step.blocked().is_some() {
                        Some(Outcome::Blocked)
                    } else if let Some(because_of) = because {
                        Some(Outcome::Skipped { because_of })
                    } else if *stop.borrow() != Stop::No || (settings.fail_fast && self.failed.get()) {
                        Some(Outcome::Stopped)
                    } else {
                        None
                    };
                    if let Some(outcome) = outcome {
                        self.end(task, &outcome, &mut order);
                        ended.insert(task, outcome);
                        moved = true;
                    } else if running.len() < settings.parallelism && needs.iter().all(|of| ended.contains_key(of)) {
                        if task.half != Half::Make {
                            let (address, action) = (task.step.address().clone(), task.step.action());
                            (self.events)(Event::Started { address, action });
                        }
                        begun.insert(&task.step.address());
                        running.push(async move { (task, self.task(task).await) });
                    } else {
                        waiting.push((task, needs));
                    }
                }
            }
            let next = tokio::select! {
                biased;
                next = running.next() => next,
                _ = stop.wait_for(|stop| *stop == Stop::Leave) => None,
            };
            let Some((task, result)) = next else { break };
            let outcome = match result {
                Ok(outcome) => outcome,
                Err(error) => {
                    self.failed.set(true);
                    Outcome::Failed(error)
                }
            };
            self.end(task, &outcome, &mut order);
            ended.insert(task, outcome);
        }
        // Whatever neither ended nor could be left out was under way or waiting when the run was left.
        drop(running);
        let seen: BTreeSet<Address> = order.iter().map(|(address, ..)| address.clone()).collect();
        for step in plan.steps().iter().filter(|step| step.action().is_change() && !seen.contains(step.address())) {
            let outcome = if begun.contains(step.address()) { Outcome::Interrupted } else { Outcome::Stopped };
            self.end(Task { step, half: Half::Whole }, &outcome, &mut order);
        }
        order
    }

    /// Tells how a task ended, and notes it as its step's end: of a replacement only the second half, unless it is never
    /// reached.
    fn end(&self, task: Task<'_>, outcome: &Outcome, order: &mut Vec<(Address, Action, Outcome)>) {
        let (address, action) = (task.step.address().clone(), task.step.action());
        if task.half == Half::Remove && *outcome == Outcome::Done || order.iter().any(|(of, ..)| *of == address) {
            return;
        }
        (self.events)(Event::Ended { address: address.clone(), action, outcome: outcome.clone() });
        order.push((address, action, outcome.clone()));
    }

    async fn task(&self, Task { step, half }: Task<'_>) -> Result<Outcome, CloudError> {
        if half == Half::Remove {
            return self.remove(step).await;
        }
        match step.transition() {
            Transition::Create { node, .. } | Transition::Replace { node, .. } => {
                let node = self.known(node)?;
                let made = self.cloud.create(&node).await?;
                self.verify(&node, made).await?;
            }
            Transition::Update { node, live, changes } | Transition::Adopt { node, live, changes } => {
                let node = self.known(node)?;
                let made = self.cloud.update(&node, live, &known_changes(changes, &node)).await?;
                self.verify(&node, made).await?;
            }
            Transition::Release { live, changes } => self.cloud.release(step.address(), live, changes).await?,
            Transition::Delete { .. } => return self.remove(step).await,
            Transition::Keep { .. } | Transition::Retain { .. } => {}
        }
        Ok(Outcome::Done)
    }

    async fn remove(&self, step: &Step) -> Result<Outcome, CloudError> {
        let Some(observed) = step.observed() else { return Ok(Outcome::Done) };
        match self.cloud.delete(step.address(), observed).await? {
            Deleted::Gone => Ok(Outcome::Done),
            Deleted::Held(by) if step.action() == Action::Replace => {
                Err(CloudError::new(ErrorKind::Conflict, format!("delete {}", step.address()), by))
            }
            Deleted::Held(by) => {
                self.held.borrow_mut().insert(step.address().clone());
                Ok(Outcome::Held(by))
            }
        }
    }

    /// The node with every output filled in.
    fn known(&self, node: &Node) -> Result<Node, CloudError> {
        let outputs = self.outputs.borrow();
        let mut node = node.clone();
        node.properties =
            node.properties.resolve(&|of, attribute| outputs.get(of).and_then(|known| known.get(attribute)).cloned());
        let open = node.properties.outputs().into_iter().map(|(of, attribute)| format!("{of}.{attribute}")).next();
        match open {
            None => Ok(node),
            Some(open) => Err(CloudError::new(
                ErrorKind::Other,
                node.address.to_string(),
                format!("{open} is still not known: this is a bug in studio-deploy"),
            )),
        }
    }

    /// A write counts only once the account shows it: what was asked for and is not there is a failure, not a success.
    async fn verify(&self, node: &Node, made: Observed) -> Result<(), CloudError> {
        // What was refused stays as it was, however long it is waited for; somebody was told.
        let refused = made.refused.clone();
        self.refused.set(self.refused.get() || !refused.is_empty());
        let left = |made: &Observed| {
            let mut left = changes(node, made, &[], (self.rules)(node.address.kind));
            left.retain(|change| !refused.iter().any(|path| change.path.starts_with(path)));
            left
        };
        let mut made = made;
        if !left(&made).is_empty() {
            let seen = |found: &Found| found.ours().is_some_and(|again| left(again).is_empty());
            if let Found::Ours(again) = self.cloud.find(node, &seen).await? {
                made = again;
            }
        }
        let left = left(&made);
        self.remember(&node.address, &made);
        match left.first() {
            None => Ok(()),
            Some(change) => {
                let what = format!(
                    "applied but not effective: {} should be {} and is {}",
                    change.path,
                    shown(change.after.as_ref()),
                    shown(change.before.as_ref())
                );
                let error = CloudError::new(ErrorKind::Failed, format!("verify {}", node.address), what);
                Err(CloudError { sent: Sent::Yes, ..error })
            }
        }
    }

    fn remember(&self, address: &Address, made: &Observed) {
        if let Some(digest) = AssetDigest::of(made) {
            self.assets.borrow_mut().insert(address.clone(), digest);
        }
        self.outputs.borrow_mut().insert(address.clone(), made.outputs.clone());
    }
}

/// The changes with what the node says now that all of it is known.
fn known_changes(changes: &[Change], node: &Node) -> Vec<Change> {
    let known = changes.iter().map(|change| match change.unsets {
        true => change.clone(),
        false => Change { after: node.properties.at(&change.path).cloned(), ..change.clone() },
    });
    known.collect()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "not set".into(), |value| value.to_json().to_string())
}

/// The failure that a step behind `address` is skipped for.
fn cause(address: &Address, outcome: &Outcome) -> Option<Address> {
    match outcome {
        Outcome::Done | Outcome::Held(_) => None,
        Outcome::Skipped { because_of } => Some(because_of.clone()),
        Outcome::Failed(_) | Outcome::Stopped | Outcome::Interrupted | Outcome::Blocked => Some(address.clone()),
    }
}

/// The properties that a change touches, at the depth that an API takes whole: the first key.
pub fn touched(changes: &[Change], key: &str) -> bool {
    changes.iter().any(|change| change.path.starts_with(&Path::of([key])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::ErrorKind;

    #[test]
    fn a_report_ends_by_what_was_written_and_what_failed() {
        let address: Address = "domain.studio".parse().unwrap();
        let report = |outcomes: &[Outcome]| Report {
            outcomes: outcomes.iter().map(|outcome| (address.clone(), Action::Create, outcome.clone())).collect(),
            ..Report::default()
        };
        let denied = Outcome::Failed(CloudError::new(ErrorKind::Denied, "CreateDomain", "no"));
        for (outcomes, wrote, expected) in [
            (&[Outcome::Done, Outcome::Held("used".into())][..], true, Exit::Success),
            (&[Outcome::Done, denied.clone()], true, Exit::Partial),
            (std::slice::from_ref(&denied), false, Exit::Access),
            (std::slice::from_ref(&denied), true, Exit::Partial),
            // What is only waited for is done without a write.
            (&[Outcome::Done, denied.clone()], false, Exit::Access),
            (&[Outcome::Blocked], false, Exit::Blocked),
            (&[Outcome::Blocked, Outcome::Done], true, Exit::Partial),
        ] {
            assert_eq!(report(outcomes).exit(wrote), expected, "{outcomes:?}");
        }
    }
}
