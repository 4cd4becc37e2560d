//! What is ours and no longer wanted, and what goes with a domain that goes.

use std::collections::BTreeSet;

use super::{Action, Blocked, Change, Notice, Options, Removal, Rules, Step};
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
    let replaced = steps.iter().any(is_replaced_domain);
    let domain_goes = replaced
        || snapshot.iter().any(|(address, found)| {
            address.kind == Kind::Domain && found.ours().is_some() && !graph.contains_key(address)
        });
    let mut removals: Vec<Step> = Vec::new();
    for (address, found) in snapshot.iter().rev().filter(|(address, _)| !graph.contains_key(*address)) {
        if steps.iter().any(|step| step.address == *address) {
            continue;
        }
        let is_somebodys_profile = address.kind == Kind::UserProfile && matches!(found, Found::Foreign { .. });
        if matches!(address.kind, Kind::App | Kind::Space) || is_somebodys_profile {
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
            Found::Absent | Found::Foreign { .. } => {}
        }
    }
    if options.protect && options.destroy {
        for step in removals.iter_mut().filter(|step| step.action.is_change()) {
            step.blocked = Some(Blocked::new(
                "the config protects this environment",
                "remove `protect: true` from the config to destroy it",
            ));
        }
    }
    keep_readable(&mut removals);
    // A deletion waits for every change, and for every deletion of a kind that was created later.
    let changes: BTreeSet<Address> =
        steps.iter().filter(|step| step.action.is_change()).map(|step| step.address.clone()).collect();
    for at in 0..removals.len() {
        let kind = removals[at].address.kind;
        let lives_in_replaced = replaced && kind > Kind::Domain;
        let earlier = removals.iter().filter(|step| step.action.is_change() && step.address.kind > kind);
        let mut waits_for: BTreeSet<Address> = earlier.map(|step| step.address.clone()).collect();
        if !lives_in_replaced && !matches!(kind, Kind::App | Kind::Space) {
            waits_for.extend(changes.iter().cloned());
        }
        removals[at].waits_for = waits_for;
    }
    steps.extend(removals);
}

/// Nobody can read what is kept once the key that encrypts it is gone.
fn keep_readable(removals: &mut [Step]) {
    let holds = |step: &&Step| step.is_retained() && matches!(step.address.kind, Kind::HomeEfs | Kind::Bucket);
    let kept = removals.iter().filter(holds).map(|step| (step.address.kind, step.address.to_string()));
    let kept: Vec<(Kind, String)> = kept.collect();
    let Some(key) = removals.iter_mut().find(|step| step.address.kind == Kind::KmsKey && step.action == Action::Delete)
    else {
        return;
    };
    if kept.is_empty() || key.blocked.is_some() {
        return;
    }
    let names: Vec<&str> = kept.iter().map(|(_, name)| name.as_str()).collect();
    let flags =
        kept.iter().map(|(kind, _)| if *kind == Kind::Bucket { "--bucket delete" } else { "--home-efs delete" });
    let mut flags: Vec<&str> = flags.collect();
    flags.dedup();
    key.blocked = Some(Blocked::new(
        format!("it encrypts {}: without it, nobody could read what is kept there", names.join(" and ")),
        format!("keep the key too (`--kms-key retain`), or delete what it encrypts as well: `{}`", flags.join(" ")),
    ));
}

/// Whether a step makes the domain again.
fn is_replaced_domain(step: &Step) -> bool {
    step.address.kind == Kind::Domain && step.action == Action::Replace && step.blocked.is_none()
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
        place: None,
    };
    match rules.removal(observed, &options.retention) {
        Removal::Delete => {}
        Removal::Asked { loses } => step.reason = loses,
        Removal::Guarded { loses } => {
            // One that AWS could not make never held anything.
            let is_empty = matches!(observed.state, State::Failed(_));
            let allowed = options.destroy || is_empty || options.allow_profile_delete.contains(&address.name);
            if !allowed {
                step.blocked = Some(Blocked::new(
                    format!("removing it loses {loses}"),
                    format!("put it back into the config, or allow it with `--allow-profile-delete {}`", address.name),
                ));
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

/// What somebody made in a domain that goes: an app, a space, or a profile that this deployment knows nothing of.
fn drained(address: &Address, found: &Found, options: &Options) -> Option<Step> {
    let (Found::Ours(observed) | Found::Foreign { observed: Some(observed), .. }) = found else { return None };
    // Whoever allows that the domain is made again allows that all in it goes, but for work that is not saved.
    let allowed = if options.destroy { options.drain } else { address.kind != Kind::App || options.stop_apps };
    let what = match address.kind {
        Kind::UserProfile => "somebody else made this user profile in the domain",
        _ => observed.properties.text("Summary").unwrap_or("a user made it"),
    };
    let flag = if options.destroy { "--drain" } else { "--stop-apps" };
    let blocked = (!allowed).then(|| {
        Blocked::new(
            format!("{address} is in use: {what}"),
            format!("let its user stop or delete it, or delete it and all else that holds the domain with `{flag}`"),
        )
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
        place: None,
    })
}
