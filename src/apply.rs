//! The engine: it carries a plan's schedule out with bounded parallelism, and has nothing left to decide.
//!
//! A task starts when every task that it waits for is done ([`Schedule`]). Behind a failed one only what waits for it is
//! skipped; independent branches go on, and running again continues. Nothing is ever rolled back.

mod slots;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use tokio::sync::watch;

use self::slots::Slots;
use crate::cloud::{Cloud, CloudError, Deleted, ErrorKind, Sent};
use crate::failure::{self, Exit};
use crate::model::{Address, Found, Node, Observed, Value};
use crate::plan::{
    Action, AssetDigest, Change, DeletionPolicy, Fingerprint, Plan, Record, ReplacePhase, RulesOf, Schedule, Step,
    Task, Transition, changes,
};

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
    /// How many steps may do something at once; those that only wait for AWS come on top.
    pub parallelism: usize,
    /// Start nothing new after the first failure.
    pub fail_fast: bool,
}

/// The most steps that may be under way at once, working or waiting: what one holds while it waits is a few kilobytes, and a
/// queue of ten thousand must not be as many requests in memory.
const MOST_UNDER_WAY: usize = 1000;

/// Carries `plan` out. Steps that are blocked are left out; a caller that must not write at all looks before.
///
/// Once `stop` says so, nothing new begins, and in the end what runs is left where it is.
pub async fn apply<C: Cloud>(
    cloud: &C,
    plan: &Plan,
    rules: RulesOf<'_>,
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
        verified: RefCell::new(BTreeMap::new()),
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
    let during = during.map(|record| record.with_unmade(plan.steps(), &BTreeSet::new()));
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
    let seen =
        Seen { assets: run.assets.into_inner(), held: run.held.into_inner(), verified: run.verified.into_inner() };
    report.record_error = trim_record(cloud, plan, during, &report, seen).await.err();
    report
}

/// Findings of a run that the record is to remember.
struct Seen {
    assets: BTreeMap<Address, AssetDigest>,
    held: BTreeSet<Address>,
    verified: BTreeMap<Address, Fingerprint>,
}

/// Trims the record to what is true at the end: the new one when everything is done, old and new together otherwise.
async fn trim_record<C: Cloud>(
    cloud: &C,
    plan: &Plan,
    during: Option<Record>,
    report: &Report,
    Seen { assets, held, verified }: Seen,
) -> Result<(), CloudError> {
    let done = report.outcomes.iter().filter(|(.., outcome)| *outcome == Outcome::Done);
    let done: BTreeSet<Address> = done.map(|(address, ..)| address.clone()).collect();
    let mut last = match report.is_complete() {
        true => plan.record().cloned(),
        false => during.clone().map(|record| record.with_unmade(plan.steps(), &done)),
    };
    if let Some(record) = &mut last {
        record.assets.extend(assets.into_iter().map(|(address, digest)| (address.to_string(), digest)));
        record.pending_delete = held.iter().map(ToString::to_string).collect();
        // A run that changes nothing writes nothing, however much it has read.
        if during.as_ref() != plan.recorded() || during.as_ref() != Some(&*record) || !done.is_empty() {
            record.fingerprints = record.fingerprints.after(plan, &done, verified);
        }
    }
    if last == during { Ok(()) } else { cloud.write_record(last.as_ref()).await }
}

fn kept_outputs(plan: &Plan) -> BTreeMap<Address, BTreeMap<String, String>> {
    let kept = plan.steps().iter().filter(|step| step.node().is_some());
    kept.filter_map(|step| Some((step.address().clone(), step.observed()?.outputs.clone()))).collect()
}

/// Ends of steps in the order in which they came, each once.
#[derive(Default)]
struct Ended<'a> {
    addresses: BTreeSet<&'a Address>,
    order: Vec<(Address, Action, Outcome)>,
}

struct Run<'a, C> {
    cloud: &'a C,
    rules: RulesOf<'a>,
    events: &'a dyn Fn(Event),
    outputs: RefCell<BTreeMap<Address, BTreeMap<String, String>>>,
    assets: RefCell<BTreeMap<Address, AssetDigest>>,
    /// What was read after it was written, and is as it should be.
    verified: RefCell<BTreeMap<Address, Fingerprint>>,
    held: RefCell<BTreeSet<Address>>,
    failed: Cell<bool>,
    /// Whether a write was refused that can be done without.
    refused: Cell<bool>,
}

impl<C: Cloud> Run<'_, C> {
    /// Carries a schedule out, and returns how each step ended, in that order.
    ///
    /// A task begins as soon as it is ready and a place is free; which that is, the queue says. It has its place only while it
    /// works: what waits for AWS gives it to the next, and gets one again before that begins. A task that does not end well
    /// takes all that waits for it out of the queue, while the rest goes on: nothing is rolled back, so the more is done, the
    /// less is left for the next run. Signals are heard between tasks only, but for the last, which leaves what runs where it
    /// is; whatever has no end then was under way or never begun.
    async fn steps(
        &self,
        plan: &Plan,
        settings: Settings,
        mut stop: watch::Receiver<Stop>,
    ) -> Vec<(Address, Action, Outcome)> {
        let schedule = Schedule::of(plan);
        let mut queue = schedule.queue();
        let slots = Slots::new(settings.parallelism);
        let mut ended = Ended::default();
        let mut running = FuturesUnordered::new();
        let mut begun: BTreeSet<&Address> = BTreeSet::new();
        let address = |at: usize| schedule.task(at).step.address().clone();
        let skipped = |(at, because): (usize, usize)| (at, Outcome::Skipped { because_of: address(because) });
        let blocked: Vec<usize> =
            schedule.tasks().filter(|(_, task)| task.step.blocked().is_some()).map(|(at, _)| at).collect();
        let mut ends: Vec<(usize, Outcome)> = queue.give_up(blocked.iter().copied()).into_iter().map(skipped).collect();
        ends.extend(blocked.into_iter().map(|at| (at, Outcome::Blocked)));
        loop {
            if *stop.borrow() != Stop::No || (settings.fail_fast && self.failed.get()) {
                ends.extend(queue.drain().into_iter().map(|at| (at, Outcome::Stopped)));
            }
            ends.sort_by_key(|(at, _)| *at);
            for (at, outcome) in ends.drain(..) {
                self.end(schedule.task(at), outcome, &mut ended);
            }
            while running.len() < MOST_UNDER_WAY
                && let Some(slot) = slots.take()
                && let Some(at) = queue.take()
            {
                let task = schedule.task(at);
                if task.is_first() {
                    let (address, action) = (task.step.address().clone(), task.step.action());
                    (self.events)(Event::Started { address, action });
                }
                begun.insert(task.step.address());
                running.push(async move { (at, self.cloud.in_slot(slot, self.task(task)).await) });
            }
            let next = tokio::select! {
                biased;
                next = running.next() => next,
                () = slots.freed() => continue,
                _ = stop.wait_for(|stop| *stop == Stop::Leave) => None,
            };
            let Some((at, result)) = next else { break };
            let outcome = result.unwrap_or_else(|error| {
                self.failed.set(true);
                Outcome::Failed(error)
            });
            match &outcome {
                Outcome::Done | Outcome::Held(_) => queue.complete(at),
                _ => ends.extend(queue.give_up([at]).into_iter().map(skipped)),
            }
            self.end(schedule.task(at), outcome, &mut ended);
        }
        drop(running);
        for (_, task) in schedule.tasks() {
            let outcome = if begun.contains(task.step.address()) { Outcome::Interrupted } else { Outcome::Stopped };
            self.end(task, outcome, &mut ended);
        }
        ended.order
    }

    /// Tells how a task ended, and notes it as its step's end: of a replacement only the second half, unless it is never
    /// reached.
    fn end<'a>(&self, task: Task<'a>, outcome: Outcome, ended: &mut Ended<'a>) {
        let is_half = !task.is_last() && outcome == Outcome::Done;
        if is_half || !ended.addresses.insert(task.step.address()) {
            return;
        }
        let (address, action) = (task.step.address().clone(), task.step.action());
        (self.events)(Event::Ended { address: address.clone(), action, outcome: outcome.clone() });
        ended.order.push((address, action, outcome));
    }

    async fn task(&self, Task { step, phase }: Task<'_>) -> Result<Outcome, CloudError> {
        match step.transition() {
            // What is made again finds the data of the old one.
            Transition::Replace { live, .. } if phase == Some(ReplacePhase::Destroy) => {
                return self.delete(step, live, DeletionPolicy::Retain).await;
            }
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
            Transition::Delete { live, data } => return self.delete(step, live, *data).await,
            Transition::Keep { .. } | Transition::Retain { .. } => {}
        }
        Ok(Outcome::Done)
    }

    async fn delete(&self, step: &Step, live: &Observed, data: DeletionPolicy) -> Result<Outcome, CloudError> {
        match self.cloud.delete(step.address(), live, data).await? {
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
            let seen = |found: &Found| found.ours().is_some_and(|live| left(live).is_empty());
            if let Found::Ours(live) = self.cloud.find(node, &seen).await? {
                made = live;
            }
        }
        let left = left(&made);
        self.remember(&node.address, &made);
        match left.first() {
            None => {
                // Its timestamps are those of the very answer that showed it to be right.
                let fingerprint = Fingerprint::of(&made).map(|fingerprint| (node.address.clone(), fingerprint));
                self.verified.borrow_mut().extend(fingerprint);
                Ok(())
            }
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
