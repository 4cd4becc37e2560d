//! Removal of what is ours and no longer wanted.

use std::collections::BTreeSet;

use super::{
    Action, Blocked, Change, DeletionPolicy, Notice, Options, Removal, Rules, RulesOf, Step, Transition, drain,
};
use crate::model::{Address, Found, Graph, Kind, Observed, Snapshot, State};

/// The reason of everything that goes with a destroy.
pub(super) const DESTROYED: &str = "everything is destroyed";

/// Adds a step for everything of ours that the graph does not name, last created first.
///
/// Deletions run after every change, since a change is what lets go of a thing: only then does nothing refer to it any more.
/// Among themselves they run creation backwards, so that nothing goes before what was built on it. Three sorts have an order of
/// their own: what lives in a replaced domain goes before the new one is made, what users made waits for no change that may wait
/// for it, and what a failed domain left waits for nothing but that domain's end.
pub(super) fn add(
    steps: &mut Vec<Step>,
    graph: &Graph,
    snapshot: &Snapshot,
    rules: RulesOf<'_>,
    options: &Options,
    notices: &mut Vec<Notice>,
) {
    let domain_goes = steps.iter().any(is_replaced_domain)
        || snapshot.iter().any(|(address, found)| {
            address.kind == Kind::Domain && found.ours().is_some() && !graph.contains_key(address)
        });
    let mut removals: Vec<Step> = Vec::new();
    for (address, found) in snapshot.iter().rev().filter(|(address, _)| !graph.contains_key(*address)) {
        if steps.iter().any(|step| step.address == *address) {
            continue;
        }
        // What users made goes only with what it is in.
        if matches!(address.kind, Kind::App | Kind::Space) {
            continue;
        }
        // What SageMaker makes behind a domain is the domain's, as long as that stays.
        let is_unused = is_unused(found, rules(address.kind), options);
        if is_behind_domain(address) && !domain_goes && !options.destroy && !is_unused {
            continue;
        }
        match found {
            Found::Ours(observed) => removals.push(remove(address, observed, rules(address.kind), options, notices)),
            Found::Absent | Found::Foreign { .. } => {}
        }
    }
    drain::add(steps, &mut removals, snapshot, options);
    removals.sort_by(|one, other| other.address.cmp(&one.address));
    let replaced = steps.iter().any(is_replaced_domain);
    if options.protect && options.destroy {
        for step in removals.iter_mut().filter(|step| step.action().is_change()) {
            step.blocked = Some(Blocked::new(
                "the config protects this environment",
                "remove `protect: true` from the config to destroy it",
            ));
        }
    }
    keep_readable(&mut removals);
    // A deletion waits for every change, and for every deletion of a kind that was created later.
    let changes: BTreeSet<Address> = steps.iter().filter(|step| step.runs()).map(|step| step.address.clone()).collect();
    for at in 0..removals.len() {
        let kind = removals[at].address.kind;
        let lives_in_replaced = replaced && kind > Kind::Domain;
        let made_by_users = matches!(kind, Kind::App | Kind::Space);
        let all = removals.iter().chain(steps.iter().filter(|step| step.action() == Action::Delete));
        let earlier = all.filter(|step| step.runs() && step.address.kind > kind);
        // Nothing that users made waits for parameters: those wait for changes that may wait for it.
        let earlier = earlier.filter(|step| !made_by_users || step.address.kind != Kind::Parameter);
        let mut waits_for: BTreeSet<Address> = earlier.map(|step| step.address.clone()).collect();
        if !lives_in_replaced && !made_by_users {
            waits_for.extend(changes.iter().cloned());
        }
        // What a failed domain left may be in the way of the next one: it waits for nothing but that domain's end.
        let found = snapshot.get(&removals[at].address).unwrap_or(&Found::Absent);
        if is_unused(found, rules(kind), options) && !replaced {
            waits_for.retain(|of| matches!(of.kind, Kind::HomeEfs | Kind::Domain) && !changes.contains(of));
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
    let Some(key) =
        removals.iter_mut().find(|step| step.address.kind == Kind::KmsKey && step.action() == Action::Delete)
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

/// Returns `true` if SageMaker made a thing behind a domain.
const fn is_behind_domain(address: &Address) -> bool {
    matches!(address.kind, Kind::HomeEfs | Kind::NfsSecurityGroup)
}

/// Returns `true` if a thing goes because nobody ever used it.
fn is_unused(found: &Found, rules: &dyn Rules, options: &Options) -> bool {
    let removal = found.ours().map(|observed| rules.removal(observed, &options.retention));
    matches!(removal, Some(Removal::Unused { .. }))
}

/// Returns `true` if a step makes the domain again.
fn is_replaced_domain(step: &Step) -> bool {
    step.address.kind == Kind::Domain && step.action() == Action::Replace && step.blocked.is_none()
}

fn remove(
    address: &Address,
    observed: &Observed,
    rules: &dyn Rules,
    options: &Options,
    notices: &mut Vec<Notice>,
) -> Step {
    let live = observed.clone();
    let reason = if options.destroy { DESTROYED } else { "it is no longer in the config" };
    // What only `destroy` is asked about stays whatever else goes.
    let data = if options.destroy { rules.deletion_policy(&options.retention) } else { DeletionPolicy::Retain };
    let mut step = Step::new(address.clone(), Transition::Delete { live: live.clone(), data }, reason);
    match rules.removal(observed, &options.retention) {
        Removal::Delete => {}
        Removal::Requested { loses } => step.reason = loses,
        Removal::Unused { why } => step.reason = why,
        Removal::NeedsConsent { loses } => {
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
        Removal::Retain { why, drops, later } => {
            // Nobody destroys an environment to be rid of a thing that it no longer has.
            step.later = later.filter(|later| options.destroy || later.command != "destroy");
            step.reason = why;
            let dropped = drops.into_iter().filter_map(|path| {
                let before = observed.properties.at(&path)?.clone();
                Some(Change { path, before: Some(before), after: None, source: None, unsets: true })
            });
            let changes: Vec<Change> = dropped.collect();
            step.transition = match changes.is_empty() {
                true => Transition::Retain { live: live.clone() },
                false => Transition::Release { live: live.clone(), changes },
            };
        }
    }
    if let State::PendingDeletion(date) = &observed.state {
        step.transition = Transition::Retain { live };
        step.reason = format!("it is scheduled for deletion on {date}");
    }
    if let State::Busy(status) = &observed.state {
        notices.push(Notice::new(Some(address.clone()), format!("it is {status} now")));
    }
    step
}

#[cfg(test)]
#[path = "removal_tests.rs"]
mod tests;
