//! Things that users have made in what goes: apps and spaces hold their user's profile, and all of them the domain.
//!
//! AWS deletes no profile and no domain that something is left in. So each goes only together with everything that
//! holds it, and as long as any of that may not go, nothing of it does: an app that is stopped for nothing is lost work.

use std::collections::BTreeSet;

use super::{Action, Blocked, DeletionPolicy, Options, Step, Transition};
use crate::model::{Address, Found, Kind, Observed, Snapshot, State};

/// Something that somebody made in the domain.
struct Holder<'a> {
    address: &'a Address,
    observed: &'a Observed,
    /// What it keeps from going.
    holds: BTreeSet<Address>,
    /// What has to be said so that it may go.
    needs: Option<&'static str>,
}

impl Holder<'_> {
    fn summary(&self) -> &str {
        match self.address.kind {
            Kind::UserProfile => "a user profile that somebody else made",
            _ => self.observed.properties.text("Summary").unwrap_or("a user made it"),
        }
    }

    /// The loss that comes with it, for people.
    fn loses(&self) -> String {
        let summary = self.summary();
        match self.address.kind {
            _ if matches!(self.observed.state, State::Failed(_)) => summary.to_owned(),
            Kind::App => format!("{summary}: unsaved work in it is lost"),
            Kind::Space => format!("{summary}: the files in it are lost for good"),
            _ => format!("{summary}: it loses its home directory from sight"),
        }
    }

    fn step(&self, reason: String, blocked: Option<Blocked>) -> Step {
        let transition = Transition::Delete { live: self.observed.clone(), data: DeletionPolicy::Retain };
        Step { blocked, ..Step::new(self.address.clone(), transition, reason) }
    }
}

/// Lets what holds a profile or the domain go with it, where that is allowed; blocks both where it is not.
pub(super) fn add(steps: &mut [Step], removals: &mut Vec<Step>, snapshot: &Snapshot, options: &Options) {
    let going: Vec<(Address, String)> = steps
        .iter()
        .chain(removals.iter())
        .filter(|step| goes(step))
        .filter_map(|step| Some((step.address.clone(), step.observed()?.id.clone())))
        .collect();
    let known: BTreeSet<Address> = steps.iter().chain(removals.iter()).map(|step| step.address.clone()).collect();
    let holders = holders(&going, &known, snapshot, options);
    let is_blocked = |step: &Step| goes(step) && step.blocked.is_some();
    let mut staying: BTreeSet<Address> =
        steps.iter().chain(removals.iter()).filter(|step| is_blocked(step)).map(|step| step.address.clone()).collect();
    staying.extend(holders.iter().filter(|holder| holder.needs.is_some()).flat_map(|holder| holder.holds.clone()));
    // A profile that stays keeps the domain.
    let profile_stays = staying.iter().any(|address| address.kind == Kind::UserProfile);
    staying
        .extend(going.iter().map(|(address, _)| address).filter(|a| profile_stays && a.kind == Kind::Domain).cloned());
    // A profile that is made again only because the domain is stays with it.
    let domain_stays = staying.iter().find(|address| address.kind == Kind::Domain).cloned();
    for step in steps.iter_mut().chain(removals.iter_mut()).filter(|step| goes(step)) {
        let follows = domain_stays.as_ref().is_some_and(|domain| {
            step.action() == Action::Replace && step.address.kind != Kind::Domain && step.waits_for.contains(domain)
        });
        if staying.contains(&step.address) || follows {
            block(step, &holders, &staying);
            staying.insert(step.address.clone());
        }
    }
    for holder in &holders {
        let goes_with = holder.holds.iter().find(|address| !staying.contains(*address));
        match (goes_with, holder.needs) {
            (Some(with), _) => {
                removals.push(holder.step(format!("{} ({with} is deleted)", holder.loses()), None));
            }
            (None, Some(flag)) => {
                let held: Vec<String> = holder.holds.iter().map(ToString::to_string).collect();
                let blocked = Blocked::new(
                    format!("{} is in use and holds {}: {}", holder.address, held.join(" and "), holder.loses()),
                    format!(
                        "let its user stop or delete it, or delete it and all else that is in the way with `{flag}`"
                    ),
                );
                removals.push(holder.step("what it holds is deleted".into(), Some(blocked)));
            }
            // It may go, but what it holds stays: so does it.
            (None, None) => {}
        }
    }
}

/// Returns `true` if a step removes something that others live in.
fn goes(step: &Step) -> bool {
    matches!(step.address.kind, Kind::Domain | Kind::UserProfile)
        && matches!(step.action(), Action::Delete | Action::Replace)
}

/// Everything that holds one of `going`, each given with the name that AWS knows it by.
fn holders<'a>(
    going: &[(Address, String)],
    known: &BTreeSet<Address>,
    snapshot: &'a Snapshot,
    options: &Options,
) -> Vec<Holder<'a>> {
    let domain = going.iter().map(|(address, _)| address).find(|address| address.kind == Kind::Domain);
    let all = snapshot.iter().rev().filter_map(|(address, found)| {
        let (Found::Ours(observed) | Found::Foreign { observed: Some(observed), .. }) = found else { return None };
        let is_holder = match address.kind {
            Kind::App | Kind::Space => true,
            Kind::UserProfile => matches!(found, Found::Foreign { .. }) && !known.contains(address),
            _ => false,
        };
        // An app that a change waits for is stopped anyway.
        if !is_holder || known.contains(address) {
            return None;
        }
        let owner = owner(address, observed, snapshot);
        let profile = going.iter().find(|(of, name)| {
            of.kind == Kind::UserProfile && owner.as_ref().is_some_and(|owner| owner.eq_ignore_ascii_case(name))
        });
        let holds: BTreeSet<Address> = profile.map(|(of, _)| of).into_iter().chain(domain).cloned().collect();
        let needs = needs(address, observed, options);
        (!holds.is_empty()).then_some(Holder { address, observed, holds, needs })
    });
    all.collect()
}

/// The profile whose an app or a space is: a space's apps are whose it is.
fn owner<'a>(address: &Address, observed: &'a Observed, snapshot: &'a Snapshot) -> Option<&'a str> {
    let of_space = |space: &'a Observed| space.properties.text("OwnerUserProfileName");
    match address.kind {
        Kind::Space => of_space(observed),
        Kind::App => observed.properties.text("UserProfileName").or_else(|| {
            let space = Address::new(Kind::Space, observed.properties.text("SpaceName")?);
            of_space(snapshot.get(&space)?.ours()?)
        }),
        _ => None,
    }
}

/// The flag that lets something of a user's go, unless nothing is lost with it or it has been said.
fn needs(address: &Address, observed: &Observed, options: &Options) -> Option<&'static str> {
    let is_going = observed.state == State::Busy("Deleting".into());
    match address.kind {
        Kind::App if is_going || options.stop_apps || options.drain => None,
        Kind::App => Some(if options.destroy { "--drain" } else { "--stop-apps" }),
        // One that AWS could not make never held anything.
        Kind::Space if is_going || matches!(observed.state, State::Failed(_)) => None,
        _ if options.drain => None,
        _ => Some("--drain"),
    }
}

/// Blocks what holders keep from going, or says besides why it is blocked already what else is in its way.
fn block(step: &mut Step, holders: &[Holder<'_>], staying: &BTreeSet<Address>) {
    let own = holders.iter().filter(|holder| holder.holds.contains(&step.address));
    // What holds a profile is told with that.
    let own = own.filter(|holder| {
        step.address.kind != Kind::Domain || holder.holds.iter().all(|address| address.kind == Kind::Domain)
    });
    let mut in_the_way: Vec<String> = own.clone().map(|holder| holder.address.to_string()).collect();
    let mut flags: Vec<&str> = own.filter_map(|holder| holder.needs).collect();
    if step.address.kind == Kind::Domain {
        let profiles = staying.iter().filter(|address| address.kind == Kind::UserProfile);
        in_the_way.extend(profiles.map(ToString::to_string));
        flags.extend(holders.iter().filter_map(|holder| holder.needs));
    }
    // What lets the spaces go lets their apps go too.
    flags.sort_unstable();
    flags.dedup();
    if flags.contains(&"--drain") {
        flags.retain(|flag| *flag == "--drain");
    }
    in_the_way.sort();
    let flags = flags.join(" ");
    let list = in_the_way.join(", ");
    step.blocked = Some(match step.blocked.take() {
        Some(blocked) if in_the_way.is_empty() => blocked,
        Some(mut blocked) => {
            blocked.why.push_str(&format!("; also in the way: {list}"));
            match blocked.hint.strip_suffix('`').map(|hint| format!("{hint} {flags}`")) {
                Some(hint) if !flags.is_empty() && blocked.hint.contains("`--") => blocked.hint = hint,
                _ => {}
            }
            blocked
        }
        None if in_the_way.is_empty() => Blocked::new(
            "what it belongs to would have to be replaced first, which is blocked",
            "resolve that first; until then it stays as it is",
        ),
        // What is in the way waits for a consent of its own.
        None if flags.is_empty() => Blocked::new(
            format!("it is deleted only once it is empty: {list}"),
            "resolve each of these first; until then it stays as it is",
        ),
        None => Blocked::new(
            format!("it is deleted only once it is empty: {list}"),
            format!("let their users delete these, or delete them and all that is in them with `{flags}`"),
        ),
    });
}

#[cfg(test)]
#[path = "drain_tests.rs"]
mod tests;
