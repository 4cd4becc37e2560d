//! Files of saved plans: how they are read, and which deployments of a run they are for.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::run::Run;
use crate::deploy::Loaded;
use crate::failure::{Exit, Failure, codes};
use crate::files;
use crate::hint::{Caller, quoted};
use crate::plan::document::{NotAPlan, PlanDocument};
use crate::plan::saved::SavedPlans;

/// No file is as large: the plan of ten thousand users has some 30 MB, and a thousand plans of a few users as much.
const LIMIT: u64 = 256 << 20;

/// The way out of every saved plan that may not be applied: another one, with words more.
pub(super) fn plan_again(path: &Path, caller: &Caller, more: &[&str]) -> String {
    let path = quoted(path);
    let words = ["--out", &path].into_iter().chain(more.iter().copied());
    format!("plan again with {}, and review what changed", caller.run_quoted("plan", words))
}

/// The plans of a file.
pub(super) fn read(path: &Path, caller: &Caller) -> Result<Vec<PlanDocument>, Failure> {
    let bytes = files::read(path, LIMIT).map_err(|error| {
        // What is to be applied cannot be read: like a config.
        let failure = Failure { exit: Exit::InvalidConfig, ..Failure::file(path, &error) };
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.help(format!("make one with {}", caller.run_quoted("plan", ["--out", &quoted(path)])))
            }
            _ => failure.help("name the file that the plan was saved in"),
        }
    })?;
    SavedPlans::read(&String::from_utf8_lossy(&bytes)).map_err(|error| unusable(&error, path, caller))
}

/// The plans of a file by deployment, once it is certain that they are those of the `deployments` to apply, all of them, and
/// that none is too old: what is approved is the whole file, so nothing may begin while a part of it is in doubt.
pub(super) fn of_deployments(
    path: &Path,
    deployments: &[Loaded],
    run: &Run<'_>,
) -> Result<BTreeMap<String, PlanDocument>, Failure> {
    let caller = &run.global.caller;
    let stale = |summary: String| Failure::new(&codes::STALE, summary).help(plan_again(path, caller, &[]));
    let plans = read(path, caller)?;
    if let ([plan], [loaded]) = (plans.as_slice(), deployments)
        && plan.deployment != loaded.names.to_string()
    {
        return Err(stale(format!("the saved plan is of {}, and the config of {}", plan.deployment, loaded.names)));
    }
    let mut plans: BTreeMap<String, PlanDocument> =
        plans.into_iter().map(|plan| (plan.deployment.clone(), plan)).collect();
    let mut wanted = BTreeMap::new();
    let mut missing = Vec::new();
    for name in deployments.iter().map(|loaded| loaded.names.to_string()) {
        match plans.remove(&name) {
            Some(plan) => drop(wanted.insert(name, plan)),
            None => missing.push(name),
        }
    }
    if !missing.is_empty() {
        return Err(stale(format!("the saved plans are not of {}, which the config has", missing.join(", "))));
    }
    let others: Vec<&str> = plans.keys().map(String::as_str).collect();
    let names = &run.global.identity;
    let is_selected = [&names.domain, &names.env, &names.module].iter().any(|name| name.is_some());
    if !others.is_empty() && !is_selected {
        return Err(stale(format!("the saved plans are of {} too, which the config does not have", others.join(", "))));
    }
    if !others.is_empty() {
        run.screen
            .note(&format!("saved plans that are not applied, since they are not selected: {}", others.join(", ")));
    }
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let now = time(&(run.host.now)());
    let has_passed = |text: &str| Some(time(text)? <= now?);
    for plan in wanted.values() {
        plan.usable(has_passed).map_err(|error| unusable(&error, path, caller))?;
    }
    Ok(wanted)
}

fn unusable(error: &NotAPlan, path: &Path, caller: &Caller) -> Failure {
    let failure = Failure::new(&codes::STALE, format!("{}: {error}", path.display()));
    failure.help(plan_again(path, caller, &[]))
}
