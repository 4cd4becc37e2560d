//! Watched properties: those of our things that the config says nothing about, and that open access, expose or lose
//! data.
//!
//! What the config says is managed: an apply puts it right. Beside it anybody with permissions may hang things on what is
//! ours, and the config, having no word for them, would never show them. Each kind tells what it finds of that by rule
//! ([`super::Rules::watch`]); every plan and every drift names it, and no apply changes it unless somebody names the address
//! with `--fix`. Then the node says what it should be, so that a step shows it, and is verified, like any other.
//! `docs/drift.md` says of each property whether it is managed, watched or not looked at.

use std::collections::BTreeMap;

use super::{Action, Change, Options, Rules, RulesOf, Step, Transition, changes};
use crate::model::{Address, Found, Graph, Node, Observed, Owner, Path, Snapshot, Value};

/// Finding on a live object.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// Where, in the API's names; empty for the whole object.
    pub path: Path,
    /// What stands there.
    pub found: Value,
    /// Why it matters, for people: what it opens, exposes or loses.
    pub why: String,
    /// How it ends.
    pub mend: Mend,
}

/// Way to end what was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Mend {
    /// By an apply that is told to mend it: this stands there then; null for nothing.
    Apply(Value),
    /// By a person alone, since data or somebody's work may go with it: the command.
    Person(String),
    /// By the config alone, which has a word for it: AWS knows no way to take it back.
    Config,
}

impl Watched {
    /// A finding at `path` that an apply may take away.
    pub fn surplus(path: Path, found: &Value, why: impl Into<String>) -> Self {
        Self::wrong(path, found, why, Value::Null)
    }

    /// A finding at `path` that an apply may put right.
    pub fn wrong(path: Path, found: &Value, why: impl Into<String>, right: Value) -> Self {
        Self { path, found: found.clone(), why: why.into(), mend: Mend::Apply(right) }
    }

    /// A finding that only a person may end.
    pub fn by_hand(path: Path, found: &Value, why: impl Into<String>, command: impl Into<String>) -> Self {
        Self { path, found: found.clone(), why: why.into(), mend: Mend::Person(command.into()) }
    }
}

/// The findings at one address.
fn at(found: &Found, node: Option<&Node>, snapshot: &Snapshot, rules: &dyn Rules) -> Vec<Watched> {
    match found {
        Found::Ours(observed) => {
            let known = |of: &Address, attribute: &str| snapshot.get(of)?.ours()?.outputs.get(attribute).cloned();
            let node = node.map(|node| Node { properties: node.properties.resolve(&known), ..node.clone() });
            rules.watch(observed, node.as_ref())
        }
        // What MDAA made and the config no longer names is told with the adoption.
        Found::Foreign { owner, observed: Some(observed) }
            if node.is_none() && !matches!(owner, Owner::Mdaa { .. } | Owner::MdaaByName) =>
        {
            rules.stranger(observed).into_iter().collect()
        }
        Found::Foreign { .. } | Found::Absent => Vec::new(),
    }
}

/// Puts into `properties` what mending makes of them.
fn mend(properties: &mut Value, found: Vec<Watched>) {
    for watched in found {
        if let Mend::Apply(right) = watched.mend {
            properties.set_at(&watched.path, right);
        }
    }
}

/// The graph with what `--fix` asks for: what a node says is compared, changed and verified.
pub(super) fn mended(graph: &Graph, snapshot: &Snapshot, rules: RulesOf<'_>, options: &Options) -> Graph {
    let mut mended = graph.clone();
    for address in &options.mend {
        if let (Some(node), Some(found)) = (mended.get_mut(address), snapshot.get(address)) {
            mend(&mut node.properties, at(found, Some(&graph[address]), snapshot, rules(address.kind)));
        }
    }
    mended
}

/// Steps that mend what no node describes: the groups that SageMaker made for a domain of ours.
pub(super) fn mend_beside(steps: &mut Vec<Step>, snapshot: &Snapshot, rules: RulesOf<'_>, options: &Options) {
    for address in options.mend.iter().filter(|_| !options.destroy) {
        let (Some(found), false) = (snapshot.get(address), steps.iter().any(|step| step.address == *address)) else {
            continue;
        };
        let Some(observed) = found.ours() else { continue };
        let rules = rules(address.kind);
        let mut node = Node::new(address.clone(), observed.properties.clone());
        mend(&mut node.properties, at(found, None, snapshot, rules));
        let changes = changes(&node, observed, &[], rules);
        if !changes.is_empty() {
            let transition = Transition::Update { node, live: observed.clone(), changes };
            steps.push(Step::new(address.clone(), transition, "what was found on it is fixed"));
        }
    }
}

/// Everything that is found of what is watched.
pub(super) fn all(
    graph: &Graph,
    snapshot: &Snapshot,
    rules: RulesOf<'_>,
    options: &Options,
) -> Vec<(Address, Watched)> {
    if options.destroy {
        return Vec::new();
    }
    let found = snapshot.iter().flat_map(|(address, found)| {
        let all = at(found, graph.get(address), snapshot, rules(address.kind));
        all.into_iter().map(|watched| (address.clone(), watched))
    });
    found.collect()
}

/// The findings that stay as they are once `steps` are done.
pub(super) fn left(mut found: Vec<(Address, Watched)>, steps: &[Step]) -> Vec<(Address, Watched)> {
    if found.is_empty() {
        return found;
    }
    let steps: BTreeMap<&Address, &Step> = steps.iter().map(|step| (&step.address, step)).collect();
    found.retain(|(address, watched)| {
        let Some(step) = steps.get(address) else { return true };
        // What goes takes along what hangs on it, and what is kept for its data alone is no longer in the config.
        let goes = matches!(step.action(), Action::Delete | Action::Replace) && step.runs();
        let is_mended =
            |change: &Change| change.path.starts_with(&watched.path) || watched.path.starts_with(&change.path);
        !goes && step.node().is_some() && !(step.runs() && step.changes().iter().any(is_mended))
    });
    found
}

/// Watched properties that could not be looked at.
pub(super) fn unwatched(snapshot: &Snapshot) -> Vec<(Address, String)> {
    let observed = |found: &Found| -> Vec<String> {
        found.ours().map(|observed: &Observed| observed.unwatched.clone()).unwrap_or_default()
    };
    snapshot.iter().flat_map(|(address, found)| observed(found).into_iter().map(|why| (address.clone(), why))).collect()
}

/// Addresses that were to be fixed, and are nowhere.
pub(super) fn unmatched(graph: &Graph, snapshot: &Snapshot, options: &Options) -> Vec<Address> {
    let is_known = |address: &&Address| {
        graph.contains_key(*address) || snapshot.get(*address).is_some_and(|found| *found != Found::Absent)
    };
    options.mend.iter().filter(|address| !is_known(address)).cloned().collect()
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
