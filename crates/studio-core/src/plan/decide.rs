//! Decision about one node: by whose its live object is, by that object's state, and by what differs.

use std::collections::BTreeMap;

use super::state::{self, Demand};
use super::{Blocked, Change, Effect, Known, Options, Removal, Rules, Step, Transition, changes};
use crate::model::{Address, Deployment, Found, Kind, Node, Observed, Owner, Snapshot, State, Value};

/// The reason why something is made that there is nothing of, and nothing to take the place of.
pub(super) const ABSENT: &str = "it does not exist yet";
/// The reason why something is changed, when that is all there is to say.
pub(super) const DIFFERS: &str = "it differs";

/// Knowledge that later nodes may have of an earlier one.
pub(super) enum Outlook {
    /// Stays the object that it is, with these outputs.
    Stays(BTreeMap<String, String>),
    /// Made, or made again: nothing is known.
    Unknown,
}

impl Outlook {
    pub(super) fn of(step: &Step) -> Self {
        match &step.transition {
            Transition::Keep { live: Some(live), .. }
            | Transition::Adopt { live, .. }
            | Transition::Update { live, .. } => Self::Stays(live.outputs.clone()),
            _ => Self::Unknown,
        }
    }
}

/// The step of one node, when the steps of all that it waits for are known.
///
/// Whose the live object is comes first: nothing of somebody else's is compared, let alone changed, unless it is adopted.
/// Then its state: what AWS could not make, or is about to delete, is made again whatever its properties say, and what serves
/// nobody waits for people. Only what is ours and usable is compared, three ways; then a single property that cannot be
/// changed in place makes the whole a replacement, which needs consent.
pub(super) fn step(
    deployment: &Deployment,
    node: &Node,
    known: &Known<'_>,
    outlooks: &BTreeMap<Address, Outlook>,
    rules: &dyn Rules,
    options: &Options,
) -> Step {
    // What is known of a live object does not make its changes unnecessary: whatever builds on it waits for them.
    let waits_for = node.dependencies().into_iter().cloned().collect();
    let node = resolved(node, outlooks);
    let step = match known.snapshot.get(&node.address).unwrap_or(&Found::Absent) {
        Found::Absent => of_absent(node, known.snapshot, rules),
        Found::Foreign { owner, observed: Some(live) } if known.company.yields(&node.address, owner, options) => {
            of_adopted(node, owner, live, rules, options)
        }
        Found::Foreign { owner, observed } => {
            let (address, blocked) = (node.address.clone(), known.company.blocked(&node, owner, deployment));
            let transition = Transition::Keep { node: Some(node), live: observed.clone() };
            Step { blocked: Some(blocked), ..Step::new(address, transition, "") }
        }
        Found::Ours(live) => of_ours(node, live, known, rules, options),
    };
    Step { waits_for, ..step }
}

fn of_absent(node: Node, snapshot: &Snapshot, rules: &dyn Rules) -> Step {
    let (mut reason, mut news) = (ABSENT.to_owned(), Vec::new());
    if let Some((old, live)) = superseded(&node.address, snapshot) {
        reason = format!("it takes the place of {old}");
        // What the YAML says nothing about, such as a name that follows from the content, is no news.
        news = changes(&node, live, &[], rules);
        news.retain(|change| node.sources.contains_key(&change.path));
    }
    Step::new(node.address.clone(), Transition::Create { node, changes: news }, reason)
}

fn of_adopted(node: Node, owner: &Owner, live: &Observed, rules: &dyn Rules, options: &Options) -> Step {
    let reason = match owner {
        Owner::Mdaa { stack: Some(stack) } => format!("MDAA's stack {stack} made it"),
        Owner::Mdaa { stack: None } => "MDAA made it".into(),
        Owner::MdaaByName => "its name is MDAA's, and it has no tags".into(),
        _ => "you named it".into(),
    };
    let changes = changes(&node, live, &[], rules);
    let transition = Transition::Adopt { live: live.clone(), changes, node: node.clone() };
    let mut step = Step::new(node.address, transition, reason);
    decide_replacement(&mut step, live, rules, options);
    step.blocked = step.blocked.or_else(|| state::unusable(live));
    step
}

fn of_ours(node: Node, live: &Observed, known: &Known<'_>, rules: &dyn Rules, options: &Options) -> Step {
    let address = node.address.clone();
    let demand = state::demand_of(&address, live, rules, options);
    let (waits, retries) = match demand {
        Demand::Compare => (None, None),
        Demand::Wait(reason) => (Some(reason), None),
        Demand::Retry(reason) => (None, Some(reason)),
        Demand::Replace { reason, blocked } => {
            let transition = Transition::Replace { node, live: live.clone(), changes: Vec::new() };
            return Step { blocked, ..Step::new(address, transition, reason) };
        }
        Demand::Unusable(blocked) => {
            let transition = Transition::Keep { node: Some(node), live: Some(live.clone()) };
            return Step { blocked: Some(blocked), ..Step::new(address, transition, "") };
        }
    };
    let changes = changes(&node, live, &known.managed(&address, live), rules);
    let differs = (!changes.is_empty()).then(|| DIFFERS.to_owned());
    let Some(reason) = waits.or(differs).or(retries) else {
        return Step::new(address, Transition::Keep { node: Some(node), live: Some(live.clone()) }, "");
    };
    let mut step = Step::new(address, Transition::Update { node, live: live.clone(), changes }, reason);
    decide_replacement(&mut step, live, rules, options);
    step
}

/// A node with the outputs filled in that are known already.
pub(super) fn resolved(node: &Node, outlooks: &BTreeMap<Address, Outlook>) -> Node {
    let properties = node.properties.resolve(&|of, attribute| match outlooks.get(of) {
        Some(Outlook::Stays(outputs)) => outputs.get(attribute).cloned(),
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

/// The reason why a change can be made only by deleting and making again, if it is one.
fn is_immutable(change: &Change, rules: &dyn Rules) -> Option<&'static str> {
    match rules.effect(&change.path, change.before.as_ref(), change.after.as_ref()) {
        Effect::Immutable(loses) => Some(loses),
        Effect::InPlace | Effect::AppsStopped(_) => None,
    }
}

/// Makes a change in place a replacement where a property demands that, blocked without consent.
fn decide_replacement(step: &mut Step, live: &Observed, rules: &dyn Rules, options: &Options) {
    let immutable = step.changes().iter().find_map(|change| Some((change.path.clone(), is_immutable(change, rules)?)));
    let Some((path, loses)) = immutable else { return };
    step.replace(format!("{path} cannot be changed on a live object"));
    if !options.allow_replace.contains(&step.address) {
        // What is lost with the object is lost with its replacement, and known in more detail.
        let loses = match rules.removal(live, &options.retention) {
            Removal::NeedsConsent { loses } => format!("loses {loses}"),
            Removal::Delete | Removal::Requested { .. } | Removal::Unused { .. } | Removal::Retain { .. } => {
                loses.to_owned()
            }
        };
        step.blocked = Some(Blocked::new(
            format!("{path} of {} cannot be changed in place, and replacing it {loses}", live.id),
            format!("put the old value back, or allow it with `--allow-replace {}`", step.address),
        ));
    }
}

/// Lets a replacement that follows from a parent's share that parent's consent, or its block.
///
/// A step that must be replaced only because its parent is replaced needs no consent of its own: who consented to the parent
/// consented to all that lives in it, and who did not is asked about the parent alone. That it follows is seen by every
/// immutable change naming an output of something replaced. If any other property demands a replacement too, the step keeps
/// the reason and the block of its own.
pub(super) fn follow_parent(step: &mut Step, replaced: &BTreeMap<Address, Option<Blocked>>, rules: &dyn Rules) {
    let of_replaced = |change: &Change| {
        let outputs = change.after.iter().flat_map(Value::outputs);
        outputs.into_iter().find_map(|(of, _)| replaced.get_key_value(of))
    };
    let immutable = step.changes().iter().filter(|change| is_immutable(change, rules).is_some());
    let parents: Option<Vec<_>> = immutable.map(of_replaced).collect();
    if matches!(step.transition, Transition::Replace { .. })
        && let Some((of, blocked)) = parents.and_then(|all| all.first().copied())
    {
        step.reason = format!("{of} is replaced");
        step.blocked = blocked
            .as_ref()
            .map(|blocked| Blocked::new(format!("{of} would have to be replaced first"), blocked.hint.clone()));
    }
}

/// Blocks the replacement of what holds data where the config protects the environment.
pub(super) fn protect(step: &mut Step, options: &Options) {
    let Transition::Replace { live, .. } = &step.transition else { return };
    let is_live = !matches!(live.state, State::Failed(_));
    if options.protect && is_live && matches!(step.address.kind, Kind::Domain | Kind::UserProfile) {
        step.blocked = Some(Blocked::new(
            "the config protects this environment, and replacing it would cut users off from their data",
            "put the old value back, or remove `protect: true` from the config first",
        ));
    }
}
