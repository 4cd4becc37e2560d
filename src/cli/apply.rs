//! `apply`: makes the account match the config, after showing what that means.

use std::fs;

use super::args::{ApplyArgs, Format, Global};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::{Loaded, load};
use super::run::{Ended, announce, execute, options, plan};
use super::session::Session;
use super::surroundings::Surroundings;
use crate::apply::Settings;
use crate::plan::Plan;
use crate::ui::plan_json::PlanDocument;
use crate::ui::{Screen, plan_human};

pub(super) async fn run(
    args: &ApplyArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let colour = screen.notes_paint().is_colored();
    let all = load(&args.files, global, surroundings, colour)?;
    announce(&all, screen);
    let several = all.deployments.len() > 1;
    let mut ends = Vec::new();
    for loaded in all.deployments {
        let ended = one(loaded, args, global, screen, surroundings, colour).await;
        match ended {
            Ok(ended) => ends.push((ended.exit, ended.wrote)),
            Err(failure) if several => ends.push((super::tell(&failure, global.output.format(), screen), false)),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Exit::of_several(&ends))
}

async fn one(
    loaded: Loaded,
    args: &ApplyArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
    colour: bool,
) -> Result<Ended, Failure> {
    let mut session = Session::open(loaded, global, surroundings, colour).await?;
    let mut options = options(&args.consent);
    options.skip_blocked = args.skip_blocked;
    let planned = plan(&mut session, &options, false, screen).await?;
    if let Some(goal) = planned.goal.as_ref().filter(|goal| goal.warnings.has_refused()) {
        return Err(session.invalid(&goal.warnings.clone().strict()));
    }
    let human = matches!(global.output.format(), Format::Human);
    if human {
        screen.data(&plan_human::render(&planned.plan, args.diff, screen.data_paint()))?;
    }
    if !args.skip_blocked
        && let Some(failure) = Failure::blocked(&planned.plan)
    {
        return Err(failure);
    }
    if let Some(path) = &args.plan {
        agrees(path, &planned.plan, surroundings)?;
    }
    if planned.plan.is_empty() {
        if global.output.format() == Format::Json {
            let report = crate::apply::Report::default();
            screen.data(&crate::ui::report_json::ReportDocument::of(&report, &planned.plan).text())?;
        }
        let exit = if planned.plan.blocked().next().is_some() { Exit::Blocked } else { Exit::Success };
        return Ok(Ended { exit, wrote: false });
    }
    approve(&planned.plan, args, screen, surroundings)?;
    let settings = Settings { parallelism: global.run.parallelism.into(), fail_fast: args.fail_fast };
    execute(&mut session, &planned, &options, settings, global, screen, surroundings, "apply").await
}

/// Whether a saved plan asks for what would be done now.
fn agrees(path: &std::path::Path, plan: &Plan, surroundings: &Surroundings) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let saved = PlanDocument::read(&text)?;
    let again = "plan again with `studio-deploy plan --out FILE`, and review what changed";
    if let Some(expires) = saved.expires.as_ref().filter(|expires| **expires < (surroundings.now)()) {
        return Err(Failure::new(&codes::STALE, format!("the saved plan has expired at {expires}")).help(again));
    }
    match saved.moved(&PlanDocument::of(plan)) {
        Some(moved) => Err(Failure::new(&codes::STALE, format!("the saved plan is out of date: {moved}")).help(again)),
        None => Ok(()),
    }
}

fn approve(plan: &Plan, args: &ApplyArgs, screen: &Screen, surroundings: &Surroundings) -> Result<(), Failure> {
    if args.auto_approve || args.plan.is_some() {
        return Ok(());
    }
    if !surroundings.interactive {
        return Err(Failure::new(&codes::CANNOT_ASK, "approval is needed, and there is no terminal to ask on")
            .help("review with `plan`, then say `--auto-approve`"));
    }
    screen.ask(&format!(
        "Apply this to {} in {}? Only `yes` is taken for yes: ",
        plan.deployment, plan.deployment.account
    ));
    if answer()? == "yes" { Ok(()) } else { Err(Failure::new(&codes::DECLINED, "not approved; nothing was changed")) }
}

/// A line from standard input.
pub(super) fn answer() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
