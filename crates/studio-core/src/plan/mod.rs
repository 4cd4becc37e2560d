//! The difference between what should exist and what does, ordered: pure, and the only place where anything is decided.
//!
//! [`plan`] takes the graph, the snapshot, the record of what earlier applies have managed, and what the user allows, and
//! makes a [`Draft`] of them. Checks look at that and return findings, data, which [`Draft::with`] turns into blocks and
//! notices; [`Draft::finish`] closes the plan. Nothing is left to decide while executing: what may not happen stands in the
//! plan as [`Step::blocked`].

mod apps;
mod diff;
pub mod document;
mod drain;
mod drift;
mod encryption;
mod findings;
mod foreign;
mod left_out;
mod record;
mod removal;
mod rules;
mod selection;
mod state;
mod step;
mod sticky;
pub mod summary;
#[cfg(test)]
mod testing;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

pub use diff::{Change, changes, is_blank};
pub use drift::Drift;
pub use findings::{Check, Draft, Finding, Obstacle};
pub use record::{AssetDigest, PathSet, Record};
pub use rules::{Apps, Effect, Options, Removal, Retention, Rules, RulesOf, Selection, Unset};
pub use selection::Omitted;
pub use step::{Action, Blocked, Notice, Plan, Step};
pub use watch::{Mend, Watched};

use crate::model::{Address, Deployment, Found, Graph, Kind, Node, Observed, Owner, Path, Snapshot, State, Value};
use foreign::Company;

/// Two nodes that wait for each other: a bug of the graph, since a config cannot say such a thing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} waits for itself by way of other nodes: this is a bug in studio-deploy")]
pub struct Cycle(pub Address);

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
    let mut settled: BTreeMap<Address, Settled> = BTreeMap::new();
    let mut left_out = BTreeMap::new();
    let mut replaced = BTreeMap::new();
    let mut foreign = BTreeSet::new();
    let company = Company::of(snapshot);
    let known = Known { snapshot, recorded: recorded.as_ref(), going: going(graph, snapshot), company };
    let mut stays = Vec::new();
    let (said, graph) = (graph, &known.completed(graph, rules, &mut stays));
    let mut lasting = graph.clone();
    let mended = &watch::mended(graph, snapshot, rules, options);
    let order = order(graph)?;
    notices.extend(known.company.left(snapshot, graph, options));
    for address in &order {
        let node = &mended[address];
        let rules = rules(address.kind);
        let mut step = step(deployment, node, &known, &settled, rules, options);
        if let Some((notice, changes)) = apps::keep_immutable(&mut step, rules, options) {
            left_out.insert(address.clone(), changes);
            notices.push(notice);
        }
        follow(&mut step, &replaced, rules);
        foreign::follow(&mut step, &foreign);
        if step.blocked.is_some() && matches!(snapshot.get(address), Some(Found::Foreign { .. })) {
            foreign.insert(address.clone());
        }
        if step.action == Action::Replace {
            protect(&mut step, options);
            replaced.insert(address.clone(), step.blocked.clone());
        }
        settled.insert(address.clone(), Settled::of(&step));
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
    for step in steps.iter_mut().filter(|step| step.action == Action::Replace && step.blocked.is_none()) {
        if let Some(node) = said.get(&step.address) {
            let leaves: Vec<Path> = node.properties.leaves().into_iter().map(|(path, _)| path).collect();
            step.changes.retain(|change| change.unsets || leaves.iter().any(|leaf| change.path.starts_with(leaf)));
            step.node = Some(resolved(node, &settled));
            lasting.insert(step.address.clone(), node.clone());
            stays.retain(|notice| notice.address.as_ref() != Some(&step.address));
        }
    }
    notices.splice(0..0, stays);
    let unread = snapshot.iter().filter_map(|(address, found)| Some((address.clone(), found.ours()?.unread.clone()?)));
    let unread: Vec<(Address, String)> = unread.collect();
    let about = |(address, why): &(Address, String)| Notice { address: Some(address.clone()), message: why.clone() };
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

/// What later nodes may know of an earlier one.
enum Settled {
    /// It stays the object that it is, with these outputs.
    Stays(BTreeMap<String, String>),
    /// It is made, or made again: nothing is known.
    Unknown,
}

impl Settled {
    fn of(step: &Step) -> Self {
        match (&step.observed, step.action) {
            (Some(observed), Action::Keep | Action::Adopt | Action::Update) => Self::Stays(observed.outputs.clone()),
            _ => Self::Unknown,
        }
    }
}

/// What is known of the account.
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

fn step(
    deployment: &Deployment,
    node: &Node,
    known: &Known<'_>,
    settled: &BTreeMap<Address, Settled>,
    rules: &dyn Rules,
    options: &Options,
) -> Step {
    let address = &node.address;
    // What is known of a live object does not make its changes unnecessary: whatever builds on it waits for them.
    let waits_for = node.dependencies().into_iter().cloned().collect();
    let node = resolved(node, settled);
    let mut step = Step {
        address: address.clone(),
        action: Action::Keep,
        node: None,
        observed: None,
        changes: Vec::new(),
        reason: String::new(),
        blocked: None,
        waits_for,
        later: None,
        place: None,
    };
    match known.snapshot.get(address).unwrap_or(&Found::Absent) {
        Found::Absent => {
            step.action = Action::Create;
            step.reason = "it does not exist yet".into();
            if let Some((old, observed)) = superseded(address, known.snapshot) {
                step.reason = format!("it takes the place of {old}");
                // What the YAML says nothing about, such as a name that follows from the content, is no news.
                step.changes = changes(&node, observed, &[], rules);
                step.changes.retain(|change| node.sources.contains_key(&change.path));
            }
        }
        Found::Foreign { owner, observed } => {
            let adopted = known.company.yields(address, owner, options);
            step.observed.clone_from(observed);
            match observed {
                Some(observed) if adopted => {
                    step.changes = changes(&node, observed, &[], rules);
                    step.action = Action::Adopt;
                    step.reason = match owner {
                        Owner::Mdaa { stack: Some(stack) } => format!("MDAA's stack {stack} made it"),
                        Owner::Mdaa { stack: None } => "MDAA made it".into(),
                        Owner::MdaaByName => "its name is MDAA's, and it has no tags".into(),
                        _ => "you named it".into(),
                    };
                    judge(&mut step, observed, rules, options);
                    step.blocked = step.blocked.or_else(|| state::unusable(observed));
                }
                _ => step.blocked = Some(known.company.blocked(&node, owner, deployment)),
            }
        }
        Found::Ours(observed) => {
            step.observed = Some(observed.clone());
            state::judge(&mut step, observed, rules, options);
            if matches!(step.action, Action::Keep | Action::Update) && step.blocked.is_none() {
                step.changes = changes(&node, observed, &known.managed(address, observed), rules);
                if !step.changes.is_empty() {
                    if step.action == Action::Keep {
                        step.action = Action::Update;
                        step.reason = "it differs".into();
                    }
                    judge(&mut step, observed, rules, options);
                } else if let State::UpdateFailed(reason) = &observed.state {
                    step.action = Action::Update;
                    step.reason = format!("its last update failed: {reason}");
                }
            }
        }
    }
    step.node = Some(node);
    step
}

/// A node with the outputs filled in that are known already.
fn resolved(node: &Node, settled: &BTreeMap<Address, Settled>) -> Node {
    let properties = node.properties.resolve(&|of, attribute| match settled.get(of) {
        Some(Settled::Stays(outputs)) => outputs.get(attribute).cloned(),
        _ => None,
    });
    Node { properties, ..node.clone() }
}

/// The earlier object that a new one takes the place of, when there is just one: `lifecycle_config.kernel@<hash>`.
fn superseded<'a>(address: &Address, snapshot: &'a Snapshot) -> Option<(&'a Address, &'a Observed)> {
    let prefix = format!("{}@", address.name);
    let mut older = snapshot.iter().filter_map(|(other, found)| {
        (other.kind == address.kind && other.name.starts_with(&prefix)).then(|| Some((other, found.ours()?))).flatten()
    });
    let first = older.next();
    if older.next().is_some() { None } else { first }
}

/// Whether the changes of a live object may be made in place.
fn judge(step: &mut Step, observed: &Observed, rules: &dyn Rules, options: &Options) {
    let immutable = step.changes.iter().find_map(|change| {
        match rules.effect(&change.path, change.before.as_ref(), change.after.as_ref()) {
            Effect::Immutable(loses) => Some((change.path.clone(), loses)),
            _ => None,
        }
    });
    if let Some((path, loses)) = immutable {
        step.action = Action::Replace;
        step.reason = format!("{path} cannot be changed on a live object");
        if !options.allow_replace.contains(&step.address) {
            // What is lost with the object is lost with its replacement, and known in more detail.
            let loses = match rules.removal(observed, &options.retention) {
                Removal::Guarded { loses } => format!("loses {loses}"),
                Removal::Delete | Removal::Asked { .. } | Removal::Unused { .. } | Removal::Retain { .. } => {
                    loses.to_owned()
                }
            };
            step.blocked = Some(Blocked::new(
                format!("{path} of {} cannot be changed in place, and replacing it {loses}", observed.id),
                format!("put the old value back, or allow it with `--allow-replace {}`", step.address),
            ));
        }
    }
}

/// What can only be replaced because something that it is part of is: who consented to that consented to this, and who
/// did not is asked about that.
///
/// Whatever else about it cannot be changed in place needs consent of its own.
fn follow(step: &mut Step, replaced: &BTreeMap<Address, Option<Blocked>>, rules: &dyn Rules) {
    let of_replaced = |change: &Change| {
        let outputs = change.after.iter().flat_map(Value::outputs);
        outputs.into_iter().find_map(|(of, _)| replaced.get_key_value(of))
    };
    let is_immutable = |change: &&Change| {
        matches!(rules.effect(&change.path, change.before.as_ref(), change.after.as_ref()), Effect::Immutable(_))
    };
    let immutable: Option<Vec<_>> = step.changes.iter().filter(is_immutable).map(of_replaced).collect();
    if step.action == Action::Replace
        && let Some((of, blocked)) = immutable.and_then(|all| all.first().copied())
    {
        step.reason = format!("{of} is replaced");
        step.blocked = blocked
            .as_ref()
            .map(|blocked| Blocked::new(format!("{of} would have to be replaced first"), blocked.hint.clone()));
    }
}

/// Nothing that holds data is replaced where the config protects it.
fn protect(step: &mut Step, options: &Options) {
    let live = step.observed.as_ref().is_some_and(|observed| !matches!(observed.state, State::Failed(_)));
    if options.protect && live && matches!(step.address.kind, Kind::Domain | Kind::UserProfile) {
        step.blocked = Some(Blocked::new(
            "the config protects this environment, and replacing it would cut users off from their data",
            "put the old value back, or remove `protect: true` from the config first",
        ));
    }
}

/// The nodes so that each comes after what it waits for; among equals in creation order, so that plans read alike.
fn order(graph: &Graph) -> Result<Vec<Address>, Cycle> {
    let mut done = BTreeSet::new();
    let mut order = Vec::with_capacity(graph.len());
    let mut waiting: BTreeMap<&Address, BTreeSet<&Address>> = graph
        .iter()
        .map(|(address, node)| {
            (address, node.dependencies().into_iter().filter(|of| graph.contains_key(*of)).collect())
        })
        .collect();
    while !waiting.is_empty() {
        let ready: Vec<&Address> =
            waiting.iter().filter(|(_, needs)| needs.is_subset(&done)).map(|(address, _)| *address).collect();
        if ready.is_empty() {
            return Err(Cycle((*waiting.keys().next().expect("not empty")).clone()));
        }
        for address in ready {
            waiting.remove(address);
            done.insert(address);
            order.push(address.clone());
        }
    }
    Ok(order)
}

#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod plan_tests;
