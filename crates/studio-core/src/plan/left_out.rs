//! Consequences of leaving something out: `--skip-blocked` lets nothing go that the rest goes on using.
//!
//! What is left out lives on as it is. So a change that would take from it what it uses (a policy that would no longer
//! name its role, the deletion of that role, a parameter that would tell of another) is left out too, and so is whatever
//! names what is not taken over yet; and what these use, in turn, until nothing more has to be.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Blocked, Change, Effect, Notice, Plan, RulesOf, Step, Transition};
use crate::model::{Address, Kind, Observed, Text, Value};

/// Addresses that are left out so far, and what follows from it.
#[derive(Default)]
struct Kept {
    /// What the live state of it goes on using: ARNs, ids, names of roles.
    uses: BTreeSet<String>,
    /// What parameters go on telling of: it stays too, but nothing has to wait for them.
    told: BTreeSet<String>,
    /// What would have taken the place of that.
    news: BTreeSet<Text>,
}

impl Kept {
    fn add(&mut self, change: &Change) {
        change.before.iter().for_each(|before| identifiers(before, &mut self.uses));
        let mut texts = Vec::new();
        change.after.iter().for_each(|after| self::texts(after, &mut texts));
        let news = texts.into_iter().filter(|text| text.known().is_none_or(is_identifier));
        self.news.extend(news.cloned());
    }

    /// The reference that a change would take away, or bring too early.
    fn minds(&self, change: &Change) -> Option<String> {
        let count = |value: Option<&Value>, of: &dyn Fn(&Text) -> bool| {
            let mut found = Vec::new();
            if let Some(value) = value {
                texts(value, &mut found);
            }
            found.into_iter().filter(|text| of(text)).count()
        };
        let of = |id: &str, value| count(value, &|text| text.known().is_some_and(|text| mentions(text, id)));
        let (before, after) = (change.before.as_ref(), change.after.as_ref());
        if let Some(used) = self.uses.iter().find(|id| of(id, before) > of(id, after)) {
            return Some(used.clone());
        }
        let new = |new: &Text, value| match new.known() {
            Some(id) => of(id, value),
            None => count(value, &|text| text == new),
        };
        let early = self.news.iter().find(|text| {
            !text.known().is_some_and(|text| self.uses.contains(text)) && new(text, after) > new(text, before)
        });
        early.map(ToString::to_string)
    }

    /// Keeps what is used by what is left out, or told of. Says whether it does.
    fn keeps(&mut self, observed: &Observed) -> bool {
        let is_in = |names: &BTreeSet<String>| {
            names.contains(&observed.id) || observed.outputs.values().any(|value| names.contains(value))
        };
        let (is_used, is_told) = (is_in(&self.uses), is_in(&self.told));
        if is_used {
            self.uses.extend(observed.outputs.values().cloned());
        }
        is_used || is_told
    }
}

/// With `--skip-blocked`: leaves out of a plan whatever would harm what is blocked or left out of it.
pub(super) fn close_if_skipping(plan: &mut Plan, rules: RulesOf<'_>) {
    if plan.skips_blocked && plan.is_partial() {
        close(plan, rules);
    }
}

/// The transitive closure of what is left out: leaves out of a plan what would harm that, until nothing more would.
pub(super) fn close(plan: &mut Plan, rules: RulesOf<'_>) {
    let mut kept = Kept::default();
    loop {
        plan.left_out.values().flatten().for_each(|change| kept.add(change));
        for step in plan.steps.iter().filter(|step| step.blocked.is_some()) {
            // Whoever chooses a part has not chosen to publish it.
            if step.address.kind == Kind::Parameter && !plan.skips_blocked {
                let before = step.changes().iter().filter_map(|change| change.before.as_ref());
                before.for_each(|before| identifiers(before, &mut kept.told));
                continue;
            }
            step.changes().iter().for_each(|change| kept.add(change));
            // What was to go goes on with all that it has.
            if let Transition::Delete { live, .. } = &step.transition {
                identifiers(&live.properties, &mut kept.uses);
            }
        }
        let blocked: BTreeSet<Address> = plan.blocked().map(|step| step.address.clone()).collect();
        let domain_stays =
            plan.blocked().any(|step| step.address.kind == Kind::Domain && step.action() == Action::Replace);
        let mut moved = false;
        for at in 0..plan.steps.len() {
            let left_out = plan.left_out.get(&plan.steps[at].address).cloned().unwrap_or_default();
            let step = &mut plan.steps[at];
            if !step.runs() {
                continue;
            }
            let holder = matches!(step.address.kind, Kind::App | Kind::Space) && step.action() == Action::Delete;
            let waits = step.waits_for.iter().find(|of| blocked.contains(*of));
            let wants_more = step.action() == Action::Create && needs_whole(step, &plan.left_out, rules);
            if waits.is_some() || holder && domain_stays || wants_more {
                let of = waits.map_or_else(|| "domain.studio".to_owned(), ToString::to_string);
                step.blocked = Some(Blocked::new(
                    format!("it has to wait for {of}, of which something is blocked"),
                    "resolve that first",
                ));
                moved = true;
                continue;
            }
            if step.action() == Action::Delete || step.is_retained() {
                if !step.observed().is_some_and(|observed| kept.keeps(observed)) {
                    continue;
                }
                step.keep("what is left out still uses it");
                plan.left_out.insert(step.address.clone(), Vec::new());
                moved = true;
                continue;
            }
            let of_kind = rules(step.address.kind);
            let couples = |change: &Change| left_out.iter().find(|out| of_kind.goes_with(&out.path, &change.path));
            let mut out: Vec<(Change, String)> = Vec::new();
            for change in step.changes() {
                let why = match couples(change) {
                    Some(out) => Some(out.path.to_string()),
                    None if is_tag(change) => None,
                    None => kept.minds(change),
                };
                out.extend(why.map(|why| (change.clone(), why)));
            }
            if step.action() == Action::Create {
                if let Some(new) = step.node().and_then(|node| created_too_early(&node.properties, &kept)) {
                    step.blocked = Some(Blocked::new(
                        format!("it names {new}, which what is left out does not use yet"),
                        "it follows once that is done",
                    ));
                    moved = true;
                }
                continue;
            }
            if out.is_empty() {
                continue;
            }
            moved = true;
            let changes: Vec<Change> = out.iter().map(|(change, _)| change.clone()).collect();
            let paths: Vec<String> = changes.iter().map(|change| change.path.to_string()).collect();
            let whys: BTreeSet<String> = out.into_iter().map(|(_, why)| why).collect();
            let whys: Vec<String> = whys.into_iter().collect();
            take_out(step, &changes);
            plan.notices.push(Notice::new(
                Some(step.address.clone()),
                format!(
                    "left out: {}: what is left out elsewhere still needs it as it is ({}); it follows once that is done",
                    paths.join(", "),
                    whys.join(", ")
                ),
            ));
            plan.left_out.entry(step.address.clone()).or_default().extend(changes);
        }
        if !moved {
            return;
        }
    }
}

/// Takes changes out of a step, so that what they are about stays as it is.
pub(super) fn take_out(step: &mut Step, out: &[Change]) {
    if let Some(node) = step.node_mut() {
        for change in out {
            match &change.before {
                Some(before) => node.properties.set_at(&change.path, before.clone()),
                None => node.properties.remove_at(&change.path),
            }
        }
    }
    step.retain_changes(|change| !out.contains(change));
    if step.action() == Action::Update && step.changes().is_empty() {
        step.keep("all that differs is left out");
    }
}

/// Returns `true` if something new lives in what keeps a property that cannot be changed in place: made as the config
/// says, it would not fit into it.
fn needs_whole(step: &Step, left_out: &BTreeMap<Address, Vec<Change>>, rules: RulesOf<'_>) -> bool {
    let is_immutable = |of: &Address, change: &Change| {
        matches!(
            rules(of.kind).effect(&change.path, change.before.as_ref(), change.after.as_ref()),
            Effect::Immutable(_)
        )
    };
    let parents = step.waits_for.iter().filter_map(|of| Some((of, left_out.get(of)?)));
    parents.filter(|(of, _)| of.kind == Kind::Domain).any(|(of, out)| out.iter().any(|change| is_immutable(of, change)))
}

/// The thing that something new names and that is not in use yet.
fn created_too_early(properties: &Value, kept: &Kept) -> Option<String> {
    let change = Change {
        path: crate::model::Path::default(),
        before: None,
        after: Some(properties.clone()),
        source: None,
        unsets: false,
    };
    kept.minds(&change)
}

fn is_tag(change: &Change) -> bool {
    change.path.0.first().is_some_and(|key| key.ends_with("Tags"))
}

/// Every text of a tree.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a Text>) {
    match value {
        Value::Text(text) => found.push(text),
        Value::List(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Map(_) => value.entries().for_each(|(_, member)| texts(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Collects the identifiers that a live value refers to.
fn identifiers(value: &Value, found: &mut BTreeSet<String>) {
    let mut all = Vec::new();
    texts(value, &mut all);
    for text in all.into_iter().filter_map(Text::known).filter(|text| is_identifier(text)) {
        found.insert(text.to_owned());
        // Policies are attached by the role's name, and parameters tell it.
        if let Some((_, name)) = text.split_once(":role/") {
            found.insert(name.rsplit('/').next().unwrap_or(name).to_owned());
        }
    }
}

/// Returns `true` if a text refers to a thing in the account.
fn is_identifier(text: &str) -> bool {
    ["arn:", "sg-", "subnet-", "vpc-"].iter().any(|prefix| text.starts_with(prefix))
}

/// Returns `true` if a text names a thing: alone, in a list with commas, or as what an ARN begins with.
fn mentions(text: &str, id: &str) -> bool {
    let below = |rest: &str| rest.starts_with('/') || rest.starts_with(':');
    text == id
        || text.split(',').any(|part| part == id)
        || id.starts_with("arn:") && text.strip_prefix(id).is_some_and(below)
}

#[cfg(test)]
#[path = "left_out_tests.rs"]
mod tests;
