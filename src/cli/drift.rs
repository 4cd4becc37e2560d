//! `drift`: what was changed behind the config's back, on everything that applies have set.

use serde_json::json;

use super::args::DriftArgs;
use super::run::{DeploymentResult, Run, Towards};
use crate::deploy::Loaded;
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::model::Kind;
use crate::plan::document::PlanDocument;
use crate::plan::{Drift, Options};
use crate::ui::plan_human::{self, View};
use crate::ui::watched;
use crate::wording::counted;

pub(super) async fn run(args: &DriftArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = run.load(&args.files)?;
    run.each(all.deployments, "deployments", run.at_once(false), |loaded| one(loaded, args, run)).await
}

async fn one(loaded: Loaded, args: &DriftArgs, run: &Run<'_>) -> Result<DeploymentResult, Failure> {
    let several = loaded.is_one_of_several;
    let found = found(loaded, args, run).await?;
    run.planned(&found.drift.plan)?;
    let drifted = found.drift.is_any();
    let mut exit = if drifted { Exit::Differences } else { Exit::Success };
    if !found.unread.is_empty() {
        let names: Vec<String> = found.unread.iter().map(|(address, why)| format!("{address}: {why}")).collect();
        let summary = format!("{} of {} could not be compared", names.len(), found.drift.plan.deployment());
        let needed = run.global.caller.run("permissions", &["--for", "plan"]);
        let failure = Failure::new(&codes::DENIED, summary);
        let failure = failure.details(names).help(format!("{needed} prints what is needed"));
        run.fail_on(&found.drift.plan.deployment().to_string(), &failure)?;
        exit = exit.max(Exit::Access);
    }
    let gap = if several { "\n" } else { "" };
    let shown = if run.is_human() { format!("{gap}{}", text(&found, run)) } else { String::new() };
    let plan = PlanDocument::of(&found.drift.plan);
    let document = json!({
        "deployment": found.drift.plan.deployment().to_string(),
        "drifted": drifted,
        "config_changed": found.drift.config_changed,
        "drift": plan.changes,
        "watched": plan.watched,
        "unmade": found.drift.unmade,
        "compared": {
            "values": found.drift.compared_values,
            "objects": found.drift.compared_objects,
            "kinds_not_looked_at": NOT_LOOKED_AT.map(Kind::as_str),
        },
        "unread": found.unread.iter().map(|(address, why)| json!({"address": address, "why": why})).collect::<Vec<_>>(),
    });
    Ok(DeploymentResult::shown(exit, shown, document))
}

/// The kinds of which nothing is compared: what is in them is their users', and of the home file system SageMaker's.
pub(crate) const NOT_LOOKED_AT: [Kind; 3] = [Kind::HomeEfs, Kind::Space, Kind::App];

/// The drift of one deployment.
struct Found {
    drift: Drift,
    /// What could not be compared, and why.
    unread: Vec<(String, String)>,
}

async fn found(loaded: Loaded, args: &DriftArgs, run: &Run<'_>) -> Result<Found, Failure> {
    let mut connected = run.connect(loaded).await?;
    let options = Options { refresh: args.refresh, ..Options::default() };
    let plan = run.plan(&mut connected, &options, Towards::Config).await?.plan;
    // What is watched and may not be looked at is not compared either; of what is managed it says nothing.
    let unread = plan.unread().iter().chain(plan.unwatched());
    let unread = unread.map(|(address, why)| (address.to_string(), why.clone())).collect();
    let ignored = super::plan::set(&args.ignore)?;
    let Some(drift) = plan.into_drift(&|text| ignored.is_match(text)) else {
        let failure =
            Failure::new(&codes::NOT_FOUND, format!("nothing remembers an apply of {}", connected.deployment()));
        return Err(failure.help(format!(
            "drift is what moved since an apply; {} shows what an apply would do",
            run.global.caller.run("plan", &[])
        )));
    };
    if drift.config_changed {
        let whose =
            if connected.loaded.is_one_of_several { format!("{}: ", connected.deployment()) } else { String::new() };
        let what = "the config has changed since the last apply: what it asks for newly may show as drift";
        run.screen.note(&format!("{whose}{what}"));
    }
    Ok(Found { drift, unread })
}

fn text(found: &Found, run: &Run<'_>) -> String {
    let drift = &found.drift;
    let plan = &drift.plan;
    let name = one_line(&plan.deployment().to_string());
    let mut text = String::new();
    let mut line = |line: String| text.push_str(&(line + "\n"));
    if drift.is_any() {
        line(format!("{name} (live → config)\n"));
        let body =
            plan_human::changes(plan, View::new(&run.global.caller, run.screen.data_paint(), run.screen.data_width()));
        if !body.is_empty() {
            line(body);
        }
        for found in watched::lines(plan) {
            line(format!("  {}", one_line(&found)));
        }
        if !plan.watched().is_empty() {
            line(String::new());
        }
    } else {
        line(name);
    }
    if !drift.unmade.is_empty() {
        let names: Vec<String> = drift.unmade.iter().map(|address| one_line(&address.to_string())).collect();
        line(format!("Not made yet, since an apply was interrupted: {}", names.join(", ")));
    }
    let values = counted(drift.compared_values, "managed value");
    let mut looked = format!("{values} of {}", counted(drift.compared_objects, "object"));
    if !found.unread.is_empty() {
        looked += &format!("; {} could not be compared", found.unread.len());
    }
    looked += &format!("; {} not looked at", counted(NOT_LOOKED_AT.len(), "kind"));
    let moved = plan.steps().len();
    let mut said = Vec::new();
    if moved > 0 {
        said.push(format!(
            "{} moved since the last apply",
            if moved == 1 { "1 thing has".into() } else { format!("{moved} things have") }
        ));
    }
    if !plan.watched().is_empty() {
        said.push(watched::counted(plan));
    }
    if said.is_empty() {
        line(format!("No drift on {looked}"));
    } else {
        line(format!("Drift: {}", said.join("; ")));
        line(format!("Compared were {looked}"));
    }
    text
}
