//! What is ours and no longer wanted, and the apps that stand in the way.

use std::collections::BTreeSet;

use super::{Action, Blocked, Change, Effect, Notice, Options, Removal, Rules, Step};
use crate::model::{Address, Found, Graph, Kind, Observed, Snapshot, State};

/// Adds a step for everything of ours that the graph does not name, last created first.
pub(super) fn add(
    steps: &mut Vec<Step>,
    graph: &Graph,
    snapshot: &Snapshot,
    rules: &dyn Fn(Kind) -> &'static dyn Rules,
    options: &Options,
    notices: &mut Vec<Notice>,
) {
    let domain_goes = steps
        .iter()
        .any(|step| step.address.kind == Kind::Domain && step.action == Action::Replace)
        || snapshot.iter().any(|(address, found)| {
            address.kind == Kind::Domain && found.ours().is_some() && !graph.contains_key(address)
        });
    let mut removals: Vec<Step> = Vec::new();
    for (address, found) in snapshot.iter().rev().filter(|(address, _)| !graph.contains_key(*address)) {
        if steps.iter().any(|step| step.address == *address) {
            continue;
        }
        if matches!(address.kind, Kind::App | Kind::Space) {
            if domain_goes {
                removals.extend(drained(address, found, options));
            }
            continue;
        }
        // What SageMaker makes behind a domain is the domain's, as long as that stays.
        if matches!(address.kind, Kind::HomeEfs | Kind::NfsSecurityGroup) && !domain_goes && !options.destroy {
            continue;
        }
        match found {
            Found::Ours(observed) => removals.push(remove(address, observed, rules(address.kind), options, notices)),
            Found::Unreadable(why) => notices.push(Notice {
                address: Some(address.clone()),
                message: format!("it could not be read, so it is left alone: {why}"),
            }),
            Found::Absent | Found::Foreign { .. } => {}
        }
    }
    if options.protect && options.destroy {
        for step in removals.iter_mut().filter(|step| step.action.is_change()) {
            step.blocked = Some(Blocked {
                why: "the config protects this environment".into(),
                hint: "remove `protect: true` from the config to destroy it".into(),
            });
        }
    }
    // A deletion waits for every change, and for every deletion of a kind that was created later.
    let changes: BTreeSet<Address> =
        steps.iter().filter(|step| step.action.is_change()).map(|step| step.address.clone()).collect();
    for at in 0..removals.len() {
        let kind = removals[at].address.kind;
        let lives_in_replaced = kind > Kind::Domain
            && steps.iter().any(|step| step.address.kind == Kind::Domain && step.action == Action::Replace);
        let earlier = removals.iter().filter(|step| step.action.is_change() && step.address.kind > kind);
        let mut waits_for: BTreeSet<Address> = earlier.map(|step| step.address.clone()).collect();
        if !lives_in_replaced && !matches!(kind, Kind::App | Kind::Space) {
            waits_for.extend(changes.iter().cloned());
        }
        removals[at].waits_for = waits_for;
    }
    steps.extend(removals);
}

fn remove(
    address: &Address,
    observed: &Observed,
    rules: &dyn Rules,
    options: &Options,
    notices: &mut Vec<Notice>,
) -> Step {
    let mut step = Step {
        address: address.clone(),
        action: Action::Delete,
        node: None,
        observed: Some(observed.clone()),
        changes: Vec::new(),
        reason: if options.destroy { "everything goes" } else { "it is no longer in the config" }.into(),
        blocked: None,
        waits_for: BTreeSet::new(),
    };
    match rules.removal(observed, &options.retention) {
        Removal::Delete => {}
        Removal::Guarded { loses } => {
            let allowed = options.destroy || options.allow_profile_delete.contains(&address.name);
            if !allowed {
                step.blocked = Some(Blocked {
                    why: format!("removing it loses {loses}"),
                    hint: format!("put it back into the config, or allow it with `--allow-profile-delete {}`", address.name),
                });
            }
        }
        Removal::Retain { why, drops } => {
            step.reason.clone_from(&why);
            let dropped = drops.into_iter().filter_map(|path| {
                let before = observed.properties.at(&path)?.clone();
                Some(Change { path, before: Some(before), after: None, source: None, unsets: true })
            });
            step.changes = dropped.collect();
            step.action = if step.changes.is_empty() { Action::Retain } else { Action::Update };
        }
    }
    if let State::PendingDeletion(date) = &observed.state {
        step.action = Action::Retain;
        step.changes.clear();
        step.reason = format!("it is scheduled for deletion on {date}");
    }
    if let State::Busy(status) = &observed.state {
        notices.push(Notice { address: Some(address.clone()), message: format!("it is {status} now") });
    }
    step
}

/// An app or a space of a domain that goes.
fn drained(address: &Address, found: &Found, options: &Options) -> Option<Step> {
    let observed = found.ours()?;
    let blocked = (!options.drain && !options.stop_apps).then(|| Blocked {
        why: format!("{} is in use: {}", address, observed.properties.text("Summary").unwrap_or("a user made it")),
        hint: "let users stop it, or delete it and every other app and space with `--drain`".into(),
    });
    Some(Step {
        address: address.clone(),
        action: Action::Delete,
        node: None,
        observed: Some(observed.clone()),
        changes: Vec::new(),
        reason: "its domain goes".into(),
        blocked,
        waits_for: BTreeSet::new(),
    })
}

/// Blocks a change that AWS refuses while apps run; with consent stops exactly the apps in its way first.
pub(super) fn block_on_apps(
    steps: &mut Vec<Step>,
    snapshot: &Snapshot,
    rules: &dyn Fn(Kind) -> &'static dyn Rules,
    options: &Options,
) {
    let apps: Vec<(&Address, &Observed)> = snapshot
        .iter()
        .filter(|(address, _)| address.kind == Kind::App)
        .filter_map(|(address, found)| Some((address, found.ours()?)))
        .collect();
    if apps.is_empty() {
        return;
    }
    let mut stopped = false;
    for step in steps.iter_mut().filter(|step| step.action == Action::Update && step.blocked.is_none()) {
        let Some(change) = step.changes.iter().find(|change| gated(change, rules(step.address.kind))) else { continue };
        if options.stop_apps {
            step.waits_for.extend(apps.iter().map(|(address, _)| (*address).clone()));
            stopped = true;
        } else {
            let running: Vec<&str> = apps.iter().map(|(address, _)| address.name.as_str()).collect();
            step.blocked = Some(Blocked {
                why: format!("AWS refuses to change {} while apps run: {}", change.path, running.join(", ")),
                hint: "stop these apps, or let `--stop-apps` delete them first (unsaved work in them is lost)".into(),
            });
        }
    }
    if stopped {
        steps.extend(apps.into_iter().map(|(address, observed)| Step {
            address: address.clone(),
            action: Action::Delete,
            node: None,
            observed: Some(observed.clone()),
            changes: Vec::new(),
            reason: "it stands in the way of a change of the domain".into(),
            blocked: None,
            waits_for: BTreeSet::new(),
        }));
    }
}

/// Whether a change has to wait until no app runs.
fn gated(change: &Change, rules: &dyn Rules) -> bool {
    rules.effect(&change.path, change.before.as_ref(), change.after.as_ref()) == Effect::AppsStopped
}
