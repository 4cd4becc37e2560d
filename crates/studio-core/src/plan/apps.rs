//! Changes that may not happen now: those that running apps forbid, and, on request, the rest without them.

use std::collections::BTreeSet;

use super::{
    Action, Apps, Blocked, Change, DeletionPolicy, Effect, Notice, Options, Rules, RulesOf, Step, Transition, left_out,
};
use crate::model::{Address, Found, Kind, Observed, Snapshot, State};

/// With `--skip-blocked`: makes a replacement that is not allowed an update without what cannot be changed in place.
pub(super) fn keep_immutable(step: &mut Step, rules: &dyn Rules, options: &Options) -> Option<(Notice, Vec<Change>)> {
    if !options.skip_blocked || step.action() != Action::Replace || step.changes().is_empty() {
        return None;
    }
    let blocked = step.blocked.clone()?;
    let immutable = |change: &&Change| {
        matches!(rules.effect(&change.path, change.before.as_ref(), change.after.as_ref()), Effect::Immutable(_))
    };
    let out: Vec<Change> = step.changes().iter().filter(immutable).cloned().collect();
    leave_out(step, &out, &blocked)
}

/// Blocks a change that AWS refuses while apps run; with consent stops exactly the apps in its way first.
///
/// With `--skip-blocked` only the part that apps forbid is left out; a notice says so.
pub(super) fn block(
    steps: &mut Vec<Step>,
    snapshot: &Snapshot,
    rules: RulesOf<'_>,
    options: &Options,
) -> Vec<(Notice, Vec<Change>)> {
    let apps: Vec<(&Address, &Observed)> = snapshot
        .iter()
        .filter(|(address, _)| address.kind == Kind::App)
        .filter_map(|(address, found)| Some((address, found.ours()?)))
        .collect();
    let mut notices = Vec::new();
    let mut stopped: BTreeSet<&Address> = BTreeSet::new();
    let changes = |step: &&mut Step| matches!(step.action(), Action::Update | Action::Adopt) && step.blocked.is_none();
    for step in steps.iter_mut().filter(changes) {
        let rules = rules(step.address.kind);
        let mut gated: Vec<Change> = Vec::new();
        let mut holders: BTreeSet<&Address> = BTreeSet::new();
        for change in step.changes() {
            let effect = rules.effect(&change.path, change.before.as_ref(), change.after.as_ref());
            let Effect::AppsStopped(which) = effect else { continue };
            let held = apps.iter().filter(|(_, app)| stands_in_the_way(app, which, snapshot));
            let mut held = held.map(|(address, _)| *address).peekable();
            if held.peek().is_some() {
                gated.push(change.clone());
            }
            holders.extend(held);
        }
        let Some(first) = gated.first() else { continue };
        if options.stop_apps {
            step.waits_for.extend(holders.iter().map(|address| (*address).clone()));
            stopped.extend(holders);
            continue;
        }
        let running: Vec<&str> = holders.iter().map(|address| address.name.as_str()).collect();
        let blocked = Blocked::new(
            format!("AWS refuses to change {} while apps run: {}", first.path, running.join(", ")),
            "stop these apps, or let `--stop-apps` delete them first (unsaved work in them is lost)",
        );
        let partly = if options.skip_blocked { leave_out(step, &gated, &blocked) } else { None };
        match partly {
            Some(partly) => notices.push(partly),
            None => step.blocked = Some(blocked),
        }
    }
    steps.extend(apps.iter().filter(|(address, _)| stopped.contains(address)).map(|(address, observed)| {
        let transition = Transition::Delete { live: (*observed).clone(), data: DeletionPolicy::Retain };
        Step::new((*address).clone(), transition, "it stands in the way of a change of the domain")
    }));
    notices
}

/// Takes `out` out of a change; nothing happens when nothing would be left, but that taking over is something by itself.
fn leave_out(step: &mut Step, out: &[Change], blocked: &Blocked) -> Option<(Notice, Vec<Change>)> {
    let adopts = step.action() == Action::Adopt;
    if step.node().is_none() || !adopts && out.len() == step.changes().len() {
        return None;
    }
    left_out::take_out(step, out);
    if !adopts {
        step.update("it differs");
    }
    step.blocked = None;
    let paths: Vec<String> = out.iter().map(|change| change.path.to_string()).collect();
    let message = format!("left out: {}: {}; {}", paths.join(", "), blocked.why, blocked.hint);
    Some((Notice::new(Some(step.address.clone()), message), out.to_vec()))
}

/// Returns `true` if an app is one of those that a change has to wait for.
fn stands_in_the_way(app: &Observed, which: Apps, snapshot: &Snapshot) -> bool {
    let space = app.properties.text("SpaceName").map(|name| Address::new(Kind::Space, name));
    let space = space.and_then(|address| snapshot.get(&address)).and_then(Found::ours);
    // A space that says nothing of itself is taken for a shared one, as AWS takes it.
    let shared = app.properties.get("SpaceName").is_some()
        && space.and_then(|space| space.properties.text("SharingType")) != Some("Private");
    let active = app.state != State::Busy("Deleting".into());
    match which {
        Apps::Live => true,
        Apps::Active => active,
        Apps::Private => active && !shared,
        Apps::Shared => active && shared,
    }
}

#[cfg(test)]
#[path = "apps_tests.rs"]
mod tests;
