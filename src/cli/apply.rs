//! `apply`: makes the account match the config, after showing what that means.

use std::fs;

use futures_util::{StreamExt, stream};

use super::args::{ApplyArgs, Format, Global};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::{Loaded, load};
use super::run::{announce, execute, options, plan};
use super::session::Session;
use super::several::{AT_ONCE, Ended, conclude};
use super::surroundings::Surroundings;
use crate::apply::{Report, Settings};
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
    let format = global.output.format();
    // Questions are asked one after another, and events of different runs must not be mixed.
    let at_once = if args.auto_approve && format != Format::Ndjson { AT_ONCE } else { 1 };
    let runs = all.deployments.into_iter().map(|loaded| async move {
        let name = loaded.names.to_string();
        let ended = one(loaded, several, args, global, screen, surroundings, colour).await;
        if several && let Err(failure) = &ended {
            screen.error(&format!("{name}: {}", failure.render(screen.notes_paint())));
        }
        (name, ended)
    });
    conclude(stream::iter(runs).buffered(at_once).collect().await, format, screen)
}

async fn one(
    loaded: Loaded,
    several: bool,
    args: &ApplyArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
    colour: bool,
) -> Result<Ended, Failure> {
    let mut session = Session::open(loaded, global, surroundings, colour).await?;
    session.is_one_of_several = several;
    let mut options = options(&args.consent);
    options.skip_blocked = args.skip_blocked;
    let planned = plan(&mut session, &options, false, screen).await?;
    if let Some(goal) = planned.goal.as_ref().filter(|goal| goal.warnings.has_refused()) {
        return Err(session.invalid(&goal.warnings.clone().strict()));
    }
    let human = matches!(global.output.format(), Format::Human);
    if human {
        let plan = plan_human::render(&planned.plan, args.diff, screen.data_paint());
        screen.data(&format!("{}{plan}", session.heading()))?;
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
        let exit = if planned.plan.blocked().next().is_some() { Exit::Blocked } else { Exit::Success };
        return Ok(Ended::of(exit, false, &Report::default(), &planned.plan));
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
