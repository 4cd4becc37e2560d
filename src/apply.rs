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

use crate::cloud::{Cloud, CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Node, Observed, Path, Value};
use crate::plan::{Action, AssetDigest, Plan, Record, Rules, Step, changes};

/// What the engine tells while it works: the only link to the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A step begins.
    Started {
        /// Which.
        address: Address,
        /// What is being done.
        action: Action,
    },
    /// What a step is waiting for moved on (`Pending`, `InService`).
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

/// How a step ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It is still used by something, stays, and is tried again by the next apply.
    Held(String),
    /// It failed.
    Failed(CloudError),
    /// It was not tried because this one failed.
    Skipped {
        /// The step that failed.
        because_of: Address,
    },
    /// It was not tried because the run was stopped.
    Stopped,
    /// The plan did not allow it.
    Blocked,
}

/// How a run went.
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
    /// Whether the plan left out a part of what the config asks for.
    pub left_out: bool,
}

impl Report {
    /// How many steps are done.
    pub fn done(&self) -> usize {
        self.outcomes.iter().filter(|(_, _, outcome)| matches!(outcome, Outcome::Done)).count()
    }

    /// Whether everything that was to happen has happened.
    pub fn is_complete(&self) -> bool {
        self.record_error.is_none()
            && !self.left_out
            && self.outcomes.iter().all(|(_, _, outcome)| matches!(outcome, Outcome::Done | Outcome::Held(_)))
    }

    /// The failures.
    pub fn failures(&self) -> impl Iterator<Item = (&Address, Action, &CloudError)> {
        self.outcomes.iter().filter_map(|(address, action, outcome)| match outcome {
            Outcome::Failed(error) => Some((address, *action, error)),
            _ => None,
        })
    }
}

/// How urgently a run is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// It goes on.
    #[default]
    No,
    /// Nothing new is started; what runs is finished.
    Drain,
    /// What runs is left where it is: AWS goes on with it, and the next apply finds it.
    Leave,
}

/// How to carry a plan out.
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
    };
    let mut report = Report { left_out: !plan.left_out.is_empty(), ..Report::default() };
    // No crash may lose a path that was managed: until the end the record knows the old and the new.
    let during = match (&plan.recorded, &plan.record) {
        (Some(old), Some(new)) => Some(old.union(new)),
        (old, new) => new.clone().or_else(|| old.clone()),
    };
    if during != plan.recorded
        && let Err(error) = cloud.write_record(during.as_ref()).await
    {
        report.record_error = Some(error);
        report.outcomes =
            plan.steps.iter().filter(|s| s.runs()).map(|s| (s.address.clone(), s.action, Outcome::Stopped)).collect();
        return report;
    }
    report.outcomes = run.steps(plan, settings, stop.clone()).await;
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
    let mut last = if report.is_complete() { plan.record.clone() } else { during.clone() };
    if let Some(record) = &mut last {
        record.assets.extend(assets.into_iter().map(|(address, digest)| (address.to_string(), digest)));
        record.pending_delete = held.iter().map(ToString::to_string).collect();
    }
    if last == during { Ok(()) } else { cloud.write_record(last.as_ref()).await }
}

fn kept_outputs(plan: &Plan) -> BTreeMap<Address, BTreeMap<String, String>> {
    let kept = plan.steps.iter().filter(|step| step.node.is_some());
    kept.filter_map(|step| Some((step.address.clone(), step.observed.as_ref()?.outputs.clone()))).collect()
}

struct Run<'a, C> {
    cloud: &'a C,
    rules: &'a dyn Fn(crate::model::Kind) -> &'static dyn Rules,
    events: &'a dyn Fn(Event),
    outputs: RefCell<BTreeMap<Address, BTreeMap<String, String>>>,
    assets: RefCell<BTreeMap<Address, AssetDigest>>,
    held: RefCell<BTreeSet<Address>>,
    failed: Cell<bool>,
}

impl<C: Cloud> Run<'_, C> {
    async fn steps(
        &self,
        plan: &Plan,
        settings: Settings,
        mut stop: watch::Receiver<Stop>,
    ) -> Vec<(Address, Action, Outcome)> {
        let mut waiting: Vec<&Step> = plan.steps.iter().filter(|step| step.action.is_change()).collect();
        let pending: BTreeSet<&Address> = waiting.iter().map(|step| &step.address).collect();
        let mut ended: BTreeMap<&Address, Outcome> = BTreeMap::new();
        let mut order = Vec::new();
        let mut running = FuturesUnordered::new();
        loop {
            let mut moved = true;
            while std::mem::take(&mut moved) {
                let mut still = Vec::new();
                for step in waiting {
                    let needs = step.waits_for.iter().filter(|of| pending.contains(of));
                    let because = needs.clone().find_map(|of| cause(of, ended.get(of)?));
                    let outcome = if step.blocked.is_some() {
                        Some(Outcome::Blocked)
                    } else if let Some(because_of) = because {
                        Some(Outcome::Skipped { because_of })
                    } else if *stop.borrow() != Stop::No || (settings.fail_fast && self.failed.get()) {
                        Some(Outcome::Stopped)
                    } else {
                        None
                    };
                    if let Some(outcome) = outcome {
                        self.end(step, &outcome);
                        order.push((step.address.clone(), step.action, outcome.clone()));
                        ended.insert(&step.address, outcome);
                        moved = true;
                    } else if running.len() < settings.parallelism && needs.clone().all(|of| ended.contains_key(of)) {
                        (self.events)(Event::Started { address: step.address.clone(), action: step.action });
                        running.push(async move { (step, self.step(step).await) });
                    } else {
                        still.push(step);
                    }
                }
                waiting = still;
            }
            let next = tokio::select! {
                biased;
                next = running.next() => next,
                _ = stop.wait_for(|stop| *stop == Stop::Leave) => None,
            };
            let Some((step, result)) = next else { break };
            let outcome = match result {
                Ok(outcome) => outcome,
                Err(error) => {
                    self.failed.set(true);
                    Outcome::Failed(error)
                }
            };
            self.end(step, &outcome);
            order.push((step.address.clone(), step.action, outcome.clone()));
            ended.insert(&step.address, outcome);
        }
        // Whatever neither ran nor could be left out was waiting when the run was left.
        for step in plan.steps.iter().filter(|step| step.action.is_change() && !ended.contains_key(&step.address)) {
            self.end(step, &Outcome::Stopped);
            order.push((step.address.clone(), step.action, Outcome::Stopped));
        }
        order
    }

    fn end(&self, step: &Step, outcome: &Outcome) {
        let (address, action) = (step.address.clone(), step.action);
        (self.events)(Event::Ended { address, action, outcome: outcome.clone() });
    }

    async fn step(&self, step: &Step) -> Result<Outcome, CloudError> {
        let node = step.node.as_ref().map(|node| self.known(node)).transpose()?;
        match (step.action, &node, &step.observed) {
            (Action::Create, Some(node), _) => {
                let made = self.cloud.create(node).await?;
                self.verify(node, made).await?;
            }
            (Action::Update | Action::Adopt, Some(node), Some(observed)) => {
                let changes = self.known_changes(step, node);
                let made = self.cloud.update(node, observed, &changes).await?;
                self.verify(node, made).await?;
            }
            (Action::Update, None, Some(observed)) => {
                self.cloud.release(&step.address, observed, &step.changes).await?;
            }
            (Action::Replace, Some(node), Some(observed)) => {
                if let Deleted::Held(by) = self.cloud.delete(&step.address, observed).await? {
                    return Err(CloudError::new(ErrorKind::Conflict, format!("delete {}", step.address), by));
                }
                let made = self.cloud.create(node).await?;
                self.verify(node, made).await?;
            }
            (Action::Delete, _, Some(observed)) => {
                if let Deleted::Held(by) = self.cloud.delete(&step.address, observed).await? {
                    self.held.borrow_mut().insert(step.address.clone());
                    return Ok(Outcome::Held(by));
                }
            }
            (action, _, _) => {
                let what = format!("{action:?} without what it needs: this is a bug in studio-deploy");
                return Err(CloudError::new(ErrorKind::Other, step.address.to_string(), what));
            }
        }
        Ok(Outcome::Done)
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

    fn known_changes(&self, step: &Step, node: &Node) -> Vec<crate::plan::Change> {
        let resolved = step.changes.iter().map(|change| {
            let mut change = change.clone();
            if !change.unsets {
                change.after = node.properties.at(&change.path).cloned();
            }
            change
        });
        resolved.collect()
    }

    /// A write counts only once the account shows it: what was asked for and is not there is a failure, not a success.
    async fn verify(&self, node: &Node, made: Observed) -> Result<(), CloudError> {
        let mut made = made;
        let mut left = changes(node, &made, &[], (self.rules)(node.address.kind), &mut Vec::new());
        if !left.is_empty() {
            // A read may lag behind the write; a second look decides.
            if let Found::Ours(again) = self.cloud.find(node).await? {
                left = changes(node, &again, &[], (self.rules)(node.address.kind), &mut Vec::new());
                made = again;
            }
        }
        self.remember(&node.address, &made);
        match left.first() {
            None => Ok(()),
            Some(change) => Err(CloudError::new(
                ErrorKind::Failed,
                format!("verify {}", node.address),
                format!(
                    "applied but not effective: {} should be {} and is {}",
                    change.path,
                    shown(change.after.as_ref()),
                    shown(change.before.as_ref())
                ),
            )),
        }
    }

    fn remember(&self, address: &Address, made: &Observed) {
        if let (Some(content), Some(listing)) = (made.outputs.get("Content"), made.outputs.get("Listing")) {
            let digest = AssetDigest { content: content.clone(), listing: listing.clone() };
            self.assets.borrow_mut().insert(address.clone(), digest);
        }
        self.outputs.borrow_mut().insert(address.clone(), made.outputs.clone());
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "not set".into(), |value| value.to_json().to_string())
}

/// The failure that a step behind `address` is skipped for.
fn cause(address: &Address, outcome: &Outcome) -> Option<Address> {
    match outcome {
        Outcome::Done | Outcome::Held(_) => None,
        Outcome::Skipped { because_of } => Some(because_of.clone()),
        Outcome::Failed(_) | Outcome::Stopped | Outcome::Blocked => Some(address.clone()),
    }
}

/// The properties that a change touches, at the depth that an API takes whole: the first key.
pub fn touched(changes: &[crate::plan::Change], key: &str) -> bool {
    changes.iter().any(|change| change.path.starts_with(&Path::of([key])))
}
