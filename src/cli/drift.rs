//! `drift`: what was changed behind the config's back, on everything that applies have set.

use serde_json::json;

use super::args::{DriftArgs, Format};
use super::load::{Loaded, load};
use super::run::{Run, announce, plan};
use super::session::Session;
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::model::{Address, Kind, Path};
use crate::plan::document::PlanDocument;
use crate::plan::{Action, Options, Plan, Record, Step};
use crate::ui::plan_human::{self, DiffStyle};
use crate::ui::{counted, watched};

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
            let failure = failure
                .details(names.clone())
                .help(format!("{} prints what is needed", run.global.caller.run("permissions", &["--for", "plan"])));
            if run.format() != Format::Json {
                run.screen.error(&crate::ui::failure::render(&failure, run.paint()));
            }
            run.failed(&failure)?;
            exit = exit.max(Exit::Access);
        }
        let drifted = found.is_drifted();
        exit = exit.max(if drifted { Exit::Differences } else { Exit::Success });
        run.planned(&found.plan)?;
        if run.is_human() {
            let gap = if several { "\n" } else { "" };
            run.screen.data(&format!("{gap}{}", text(&found, run)))?;
        }
        documents.push(json!({
            "deployment": found.plan.deployment.to_string(),
            "drifted": drifted,
            "config_changed": found.config_changed,
            "drift": PlanDocument::of(&found.plan).changes,
            "watched": PlanDocument::of(&found.plan).watched,
            "unmade": found.unmade,
            "compared": {
                "values": found.compared.values,
                "objects": found.compared.objects,
                "kinds_not_looked_at": NOT_LOOKED_AT.map(Kind::as_str),
            },
            "unread": found.unread.iter().map(|(address, why)| json!({"address": address, "why": why})).collect::<Vec<_>>(),
        }));
    }
    if run.format() == Format::Json {
        let document = if documents.len() == 1 { documents.remove(0) } else { json!({ "deployments": documents }) };
        run.screen.data(&format!("{document:#}\n"))?;
    }
    Ok(exit)
}

/// The kinds of which nothing is compared: what is in them is their users', and of the home file system SageMaker's.
pub(crate) const NOT_LOOKED_AT: [Kind; 3] = [Kind::HomeEfs, Kind::Space, Kind::App];

/// The drift, as a plan that would take it back.
struct Found {
    plan: Plan,
    config_changed: bool,
    unread: Vec<(String, String)>,
    /// What an apply that was interrupted had still to make.
    unmade: Vec<Address>,
    compared: Compared,
}

/// How much was compared.
struct Compared {
    values: usize,
    objects: usize,
}

impl Found {
    fn is_drifted(&self) -> bool {
        let drifts = |step: &Step| step.action.is_change() || step.blocked.is_some();
        self.plan.steps.iter().any(drifts) || !self.plan.watched.is_empty()
    }
}

async fn one(loaded: Loaded, args: &DriftArgs, run: &Run<'_>) -> Result<Found, Failure> {
    let mut session = Session::open(loaded, run.global, run.surroundings, run.paint().is_colored()).await?;
    let mut plan = plan(&mut session, &Options::default(), false, run.screen).await?.plan;
    let Some(recorded) = plan.recorded.clone() else {
        let failure = Failure::new(&codes::NOT_FOUND, format!("nothing remembers an apply of {}", plan.deployment));
        return Err(failure.help(format!(
            "drift is what moved since an apply; {} shows what an apply would do",
            run.global.caller.run("plan", &[])
        )));
    };
    let config_changed = plan.record.as_ref().is_some_and(|record| record.config_digest != recorded.config_digest);
    if config_changed {
        run.screen.note("the config has changed since the last apply: what it asks for newly may show as drift");
    }
    let ignored = super::plan::set(&args.ignore)?;
    // What is watched and may not be looked at is not compared either; of what is managed it says nothing.
    let unread = plan.unread.iter().chain(&plan.unwatched);
    let unread: Vec<(String, String)> = unread.map(|(address, why)| (address.to_string(), why.clone())).collect();
    plan.notices.clear();
    let unread_addresses: Vec<_> = plan.unread.iter().map(|(address, _)| address.clone()).collect();
    let is_unmade = |step: &Step| step.action == Action::Create && recorded.unmade.contains(&step.address);
    let unmade: Vec<Address> =
        plan.steps.iter().filter(|step| is_unmade(step)).map(|step| step.address.clone()).collect();
    let compared = compared(&plan, &recorded);
    plan.watched.retain(|(address, watched)| {
        let address = address.to_string();
        !ignored.is_match(&address) && !ignored.is_match(format!("{address}.{}", watched.path))
    });
    plan.steps.retain_mut(|step| {
        let address = step.address.to_string();
        if unmade.contains(&step.address) {
            return false;
        }
        step.changes.retain(|change| !ignored.is_match(format!("{address}.{}", change.path)));
        !ignored.is_match(&address) && !unread_addresses.contains(&step.address) && drifts(step, &recorded)
    });
    // The record is no part of the account that anybody looks at.
    plan.record.clone_from(&plan.recorded);
    Ok(Found { plan, config_changed, unread, unmade, compared })
}

/// How many of the values that applies have set were found, and on how many objects.
fn compared(plan: &Plan, recorded: &Record) -> Compared {
    let unread = |step: &&Step| plan.unread.iter().all(|(address, _)| *address != step.address);
    let there = plan.steps.iter().filter(|step| step.observed.is_some() && step.node.is_some()).filter(unread);
    let counts: Vec<usize> = there.map(|step| recorded.paths(&step.address).len()).filter(|count| *count > 0).collect();
    Compared { values: counts.iter().sum(), objects: counts.len() }
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

fn text(found: &Found, run: &Run<'_>) -> String {
    let plan = &found.plan;
    let name = one_line(&plan.deployment.to_string());
    let mut text = String::new();
    let mut line = |line: String| text.push_str(&(line + "\n"));
    if found.is_drifted() {
        line(format!("{name} (live → config)\n"));
        let body = plan_human::changes(plan, DiffStyle::Compact, run.screen.data_paint());
        if !body.is_empty() {
            line(body);
        }
        for found in watched::lines(plan) {
            line(format!("  {}", one_line(&found)));
        }
        if !plan.watched.is_empty() {
            line(String::new());
        }
    } else {
        line(name);
    }
    if !found.unmade.is_empty() {
        let names: Vec<String> = found.unmade.iter().map(|address| one_line(&address.to_string())).collect();
        line(format!("Not made yet, since an apply was interrupted: {}", names.join(", ")));
    }
    let Compared { values, objects } = found.compared;
    let mut looked = format!("{} of {}", counted(values, "managed value"), counted(objects, "object"));
    if !found.unread.is_empty() {
        looked += &format!("; {} could not be compared", found.unread.len());
    }
    looked += &format!("; {} not looked at", counted(NOT_LOOKED_AT.len(), "kind"));
    let moved = plan.steps.len();
    let mut drift = Vec::new();
    if moved > 0 {
        drift.push(format!(
            "{} moved since the last apply",
            if moved == 1 { "1 thing has".into() } else { format!("{moved} things have") }
        ));
    }
    if !plan.watched.is_empty() {
        drift.push(watched::counted(plan));
    }
    if drift.is_empty() {
        line(format!("No drift on {looked}"));
    } else {
        line(format!("Drift: {}", drift.join("; ")));
        line(format!("Compared were {looked}"));
    }
    text
}
