//! The difference between what should exist and what does, ordered: pure, and the only place where anything is decided.
//!
//! [`plan`] takes the graph, the snapshot, the record of what earlier applies have managed, and what the user allows, and
//! makes a [`Draft`] of them. Checks look at that and return findings, data, which [`Draft::with`] turns into blocks and
//! notices; [`Draft::finish`] closes the plan. Nothing is left to decide while executing: what may not happen stands in the
//! plan as [`Step::blocked`].

mod apps;
mod decide;
mod diff;
pub mod document;
mod drain;
mod drift;
mod encryption;
mod findings;
mod fingerprint;
mod foreign;
mod left_out;
mod order;
pub mod outline;
mod record;
mod removal;
mod rules;
pub mod saved;
mod schedule;
mod selection;
mod state;
mod step;
mod sticky;
pub mod summary;
#[cfg(test)]
mod testing;
mod transition;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

pub use diff::{Change, changes, is_blank};
pub use drift::Drift;
pub use findings::{Check, Draft, Finding, Obstacle};
pub use fingerprint::{Fingerprint, Fingerprints, Interner};
pub use order::Cycle;
pub use outline::{Fact, Outline};
pub use record::{AssetDigest, PathSet, Record};
pub use rules::{Apps, DeletionPolicy, Effect, Options, Removal, Retention, Rules, RulesOf, Selection, Unset};
pub use schedule::{ReadyQueue, ReplacePhase, Schedule, Task};
pub use selection::Omitted;
pub use step::{Blocked, Notice, Plan, Step};
pub use transition::{Action, Transition};
pub use watch::{Mend, Watched};

use crate::model::{Address, Deployment, Found, Graph, Kind, Observed, Path, Snapshot, Value};
use decide::Outlook;
use foreign::Company;

/// Decides everything, but for what checks of the account may still find.
///
/// # Errors
/// [`Cycle`] when nodes wait for each other.
pub fn plan<'a>(
    deployment: &Deployment,
    graph: &Graph,
    snapshot: &Snapshot,
    recorded: Option<Record>,
    rules: RulesOf<'a>,
    options: &Options,
) -> Result<Draft<'a>, Cycle> {
    let mut notices = Vec::new();
    let mut steps = Vec::new();
    let mut outlooks: BTreeMap<Address, Outlook> = BTreeMap::new();
    let mut left_out = BTreeMap::new();
    let mut replaced = BTreeMap::new();
    let mut foreign = BTreeSet::new();
    let company = Company::of(snapshot);
    let known = Known { snapshot, recorded: recorded.as_ref(), going: going(graph, snapshot), company };
    let mut stays = Vec::new();
    let (said, graph) = (graph, &known.completed(graph, rules, &mut stays));
    let mut lasting = graph.clone();
    let mended = &watch::mended(graph, snapshot, rules, options);
    let order = order::order(graph)?;
    notices.extend(known.company.left(snapshot, graph, options));
    for address in &order {
        let node = &mended[address];
        let rules = rules(address.kind);
        let mut step = decide::step(deployment, node, &known, &outlooks, rules, options);
        if let Some((notice, changes)) = apps::keep_immutable(&mut step, rules, options) {
            left_out.insert(address.clone(), changes);
            notices.push(notice);
        }
        decide::follow_parent(&mut step, &replaced, rules);
        foreign::follow(&mut step, &foreign);
        if step.blocked.is_some() && matches!(snapshot.get(address), Some(Found::Foreign { .. })) {
            foreign.insert(address.clone());
        }
        decide::protect(&mut step, options);
        if step.action() == Action::Replace {
            replaced.insert(address.clone(), step.blocked.clone());
        }
        outlooks.insert(address.clone(), Outlook::of(&step));
        steps.push(step);
    }
    notices.extend(encryption::keep_readable(&mut steps));
    for (notice, changes) in apps::block(&mut steps, snapshot, rules, options) {
        if let Some(address) = &notice.address {
            left_out.entry(address.clone()).or_insert_with(Vec::new).extend(changes);
        }
        notices.push(notice);
    }
    removal::add(&mut steps, graph, snapshot, rules, options, &mut notices);
    watch::mend_beside(&mut steps, snapshot, rules, options);
    // Where the old object goes, what AWS would have kept of it goes too: the new one is made of what the config says.
    for step in steps.iter_mut().filter(|step| step.action() == Action::Replace && step.blocked.is_none()) {
        if let Some(said) = said.get(&step.address) {
            let leaves: Vec<Path> = said.properties.leaves().into_iter().map(|(path, _)| path).collect();
            step.retain_changes(|change| change.unsets || leaves.iter().any(|leaf| change.path.starts_with(leaf)));
            if let Some(node) = step.node_mut() {
                *node = decide::resolved(said, &outlooks);
            }
            lasting.insert(step.address.clone(), said.clone());
            stays.retain(|notice| notice.address.as_ref() != Some(&step.address));
        }
    }
    notices.splice(0..0, stays);
    let unread = snapshot.iter().filter_map(|(address, found)| Some((address.clone(), found.ours()?.unread.clone()?)));
    let unread: Vec<(Address, String)> = unread.collect();
    let about = |(address, why): &(Address, String)| Notice::new(Some(address.clone()), why);
    let unwatched: Vec<(Address, String)> = watch::unwatched(snapshot);
    notices.extend(unread.iter().chain(&unwatched).map(about));
    let mut plan = Plan {
        deployment: deployment.clone(),
        destroy: options.destroy,
        steps,
        notices,
        unread,
        watched: Vec::new(),
        unwatched,
        unmatched: watch::unmatched(graph, snapshot, options),
        skips_blocked: options.skip_blocked,
        left_out,
        omitted: None,
        record: None,
        recorded,
    };
    // Checks look at what is left to do: what is left out already needs none.
    left_out::close_if_skipping(&mut plan, rules);
    let watched = watch::all(graph, snapshot, rules, options);
    Ok(Draft { plan, rules, selection: options.selection.clone(), lasting, watched })
}

/// Knowledge about the account while planning.
struct Known<'a> {
    snapshot: &'a Snapshot,
    recorded: Option<&'a Record>,
    /// What things of ours that go are referred to by.
    going: BTreeSet<&'a str>,
    company: Company<'a>,
}

impl Known<'_> {
    /// The graph with what each node has to go on saying of its live object.
    fn completed(&self, graph: &Graph, rules: RulesOf<'_>, notices: &mut Vec<Notice>) -> Graph {
        let mut graph = graph.clone();
        for (address, node) in &mut graph {
            if let Some(observed) = self.snapshot.get(address).and_then(Found::ours) {
                sticky::keep(node, observed, &self.managed(address, observed), rules(address.kind), notices);
            }
        }
        graph
    }

    /// The paths of a live object that are ours to take back: what the record says, and what names something of ours that
    /// goes, which it cannot outlive. So a lost record leaves no app without the script that it starts with.
    fn managed(&self, address: &Address, observed: &Observed) -> Vec<Path> {
        let goes = |value: &Value| value.as_str().is_some_and(|text| self.going.contains(text));
        let names = |value: &Value| match value {
            Value::List(items) => !items.is_empty() && items.iter().all(goes),
            value => goes(value),
        };
        let named = observed.properties.leaves().into_iter().filter(|(_, value)| names(value)).map(|(path, _)| path);
        let recorded = self.recorded.map_or(&[][..], |record| record.paths(address)).iter().cloned();
        recorded.chain(named).collect::<BTreeSet<Path>>().into_iter().collect()
    }
}

/// The ARNs and ids by which settings refer to what is ours and goes: scripts, the role and the group.
fn going<'a>(graph: &Graph, snapshot: &'a Snapshot) -> BTreeSet<&'a str> {
    let going = snapshot.iter().filter(|(address, _)| !graph.contains_key(*address)).filter_map(|(address, found)| {
        let outputs = &found.ours()?.outputs;
        match address.kind {
            Kind::LifecycleConfig | Kind::ExecutionRole => outputs.get("Arn"),
            Kind::SecurityGroup => outputs.get("GroupId"),
            _ => None,
        }
    });
    going.map(String::as_str).collect()
}

#[cfg(test)]
mod plan_tests;
