//! `drift`: what was changed behind the config's back, on everything that applies have set.

use serde_json::json;

use super::args::{DriftArgs, Format};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::{Loaded, load};
use super::run::{Run, announce, plan};
use super::session::Session;
use crate::escape::one_line;
use crate::model::Path;
use crate::plan::{Action, Options, Plan, Record, Step};
use crate::ui::plan_human::{self, DiffStyle};
use crate::ui::plan_json::PlanDocument;

pub(super) async fn run(args: &DriftArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = load(&args.files, run.global, run.surroundings, run.paint().is_colored())?;
    announce(&all, run.screen);
    let several = all.deployments.len() > 1;
    let mut exit = Exit::Success;
    let mut documents = Vec::new();
    for loaded in all.deployments {
        let found = one(loaded, args, run).await?;
        if !found.unread.is_empty() {
            let names: Vec<String> = found.unread.iter().map(|(address, why)| format!("{address}: {why}")).collect();
            let failure = Failure::new(
                &codes::DENIED,
                format!("{} of {} could not be compared", names.len(), found.plan.deployment),
            );
            let failure =
                failure.details(names.clone()).help("`studio-deploy permissions --for plan` prints what is needed");
            if run.format() != Format::Json {
                run.screen.error(&failure.render(run.paint()));
            }
            run.failed(&failure)?;
            exit = exit.max(Exit::Access);
        }
        let drifted = found.plan.steps.iter().any(|step| step.action.is_change() || step.blocked.is_some());
        exit = exit.max(if drifted { Exit::Differences } else { Exit::Success });
        run.planned(&found.plan)?;
        if run.is_human() {
            let gap = if several { "\n" } else { "" };
            run.screen.data(&format!("{gap}{}", text(&found, drifted, run)))?;
        }
        documents.push(json!({
            "deployment": found.plan.deployment.to_string(),
            "drifted": drifted,
            "config_changed": found.config_changed,
            "drift": PlanDocument::of(&found.plan).changes,
            "unread": found.unread.iter().map(|(address, why)| json!({"address": address, "why": why})).collect::<Vec<_>>(),
        }));
    }
    if run.format() == Format::Json {
        let document = if documents.len() == 1 { documents.remove(0) } else { json!({ "deployments": documents }) };
        run.screen.data(&format!("{document:#}\n"))?;
    }
    Ok(exit)
}

/// The drift, as a plan that would take it back.
struct Found {
    plan: Plan,
    config_changed: bool,
    unread: Vec<(String, String)>,
}

async fn one(loaded: Loaded, args: &DriftArgs, run: &Run<'_>) -> Result<Found, Failure> {
    let mut session = Session::open(loaded, run.global, run.surroundings, run.paint().is_colored()).await?;
    let mut plan = plan(&mut session, &Options::default(), false, run.screen).await?.plan;
    let Some(recorded) = plan.recorded.clone() else {
        let failure = Failure::new(&codes::NOT_FOUND, format!("nothing remembers an apply of {}", plan.deployment));
        return Err(
            failure.help("drift is what moved since an apply; `studio-deploy plan` shows what an apply would do")
        );
    };
    let config_changed = plan.record.as_ref().is_some_and(|record| record.config_digest != recorded.config_digest);
    if config_changed {
        run.screen.note("the config has changed since the last apply: what it asks for newly may show as drift");
    }
    let ignored = super::plan::set(&args.ignore)?;
    let unread: Vec<(String, String)> =
        plan.unread.iter().map(|(address, why)| (address.to_string(), why.clone())).collect();
    plan.notices.clear();
    let unread_addresses: Vec<_> = plan.unread.iter().map(|(address, _)| address.clone()).collect();
    plan.steps.retain_mut(|step| {
        let address = step.address.to_string();
        step.changes.retain(|change| !ignored.is_match(format!("{address}.{}", change.path)));
        !ignored.is_match(&address) && !unread_addresses.contains(&step.address) && drifts(step, &recorded)
    });
    // The record is no part of the account that anybody looks at.
    plan.record.clone_from(&plan.recorded);
    Ok(Found { plan, config_changed, unread })
}

/// Whether a step would take back what somebody changed; leaves only such changes.
fn drifts(step: &mut Step, recorded: &Record) -> bool {
    let managed = recorded.paths(&step.address).to_vec();
    if managed.is_empty() {
        return false;
    }
    let differed = !step.changes.is_empty();
    let known = |path: &Path| managed.iter().any(|known| path.starts_with(known) || known.starts_with(path));
    step.changes.retain(|change| !change.unsets && known(&change.path));
    match step.action {
        Action::Create => {
            step.reason = "it is gone".into();
            // A script that has only been edited is a new object under an old address.
            !differed
        }
        Action::Update => !step.changes.is_empty(),
        // Without a difference it is AWS that reports the object as failed.
        Action::Replace => !differed || !step.changes.is_empty(),
        Action::Keep => step.blocked.is_some(),
        Action::Adopt | Action::Delete | Action::Retain => false,
    }
}

fn text(found: &Found, drifted: bool, run: &Run<'_>) -> String {
    let plan = &found.plan;
    if !drifted {
        let some = if found.unread.is_empty() { "" } else { "what could be compared of " };
        return format!("No drift: {some}{} is as the last apply left it.\n", one_line(&plan.deployment.to_string()));
    }
    let body = plan_human::changes(plan, DiffStyle::Compact, run.screen.data_paint());
    let count = plan.steps.len();
    let are = if count == 1 { "thing has" } else { "things have" };
    let name = one_line(&plan.deployment.to_string());
    format!("{name} (live → config)\n\n{body}\nDrift: {count} {are} moved since the last apply\n")
}
