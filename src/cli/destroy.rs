//! `destroy`: apply with nothing wanted. What holds data stays unless that is said, and the name has to be typed.

use super::args::DestroyArgs;
use super::hold;
use super::load::{Loaded, load};
use super::run::{Ended, Planned, Run, announce, execute, plan};
use super::session::Session;
use crate::apply::Settings;
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::plan::{Options, Plan};
use crate::ui::plan_human::{self, DiffStyle};

pub(super) async fn run(args: &DestroyArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = load(&args.files, run.global, run.surroundings, run.paint().is_colored())?;
    announce(&all, run.screen);
    let several = all.deployments.len() > 1;
    let one = |loaded| one(loaded, several, args, run);
    let last_first = all.deployments.into_iter().rev().collect();
    run.each(last_first, "reports", run.at_once(!args.auto_approve), one).await
}

async fn one(loaded: Loaded, several: bool, args: &DestroyArgs, run: &Run<'_>) -> Result<Ended, Failure> {
    let mut options = Options::default();
    args.removal.write_to(&mut options);
    let signals = &run.surroundings.signals;
    let (mut session, planned) = signals.unless_stopped(review(loaded, several, &options, run)).await?;
    if planned.plan.is_empty() {
        // Only while something stays that a step could not remove does the record stay too, and the lock with it.
        if planned.plan.recorded.is_none() && !run.global.run.no_lock {
            hold::sweep(run, &session).await.map_err(|error| session.cloud(&error))?;
        }
        return Ok(Ended::idle(run, &planned.plan));
    }
    let what = format!("This destroys {}", planned.plan.deployment);
    let names: Vec<&str> = args.confirm.iter().map(String::as_str).collect();
    confirm(&planned.plan, &what, &names, args.auto_approve, run).await?;
    let settings = Settings { parallelism: run.global.run.parallelism.into(), fail_fast: false };
    execute(run, &mut session, &planned, &options, settings).await
}

/// Plans the end, shows it, and makes sure that it may be.
async fn review(
    loaded: Loaded,
    several: bool,
    options: &Options,
    run: &Run<'_>,
) -> Result<(Session, Planned), Failure> {
    let mut session = Session::open(loaded, run.global, run.surroundings, run.paint().is_colored()).await?;
    session.is_one_of_several = several;
    let planned = plan(&mut session, options, true, run.screen).await?;
    run.planned(&planned.plan)?;
    if run.is_human() {
        let text = plan_human::render(&planned.plan, DiffStyle::Compact, &run.global.caller, run.screen.data_paint());
        run.screen.data(&format!("{}{text}", session.heading()))?;
    }
    run.allowed(&planned.plan)?;
    Ok((session, planned))
}

/// The deployment's name, typed or given: yes is said too easily.
pub(super) async fn confirm(
    plan: &Plan,
    what: &str,
    given: &[&str],
    auto_approve: bool,
    run: &Run<'_>,
) -> Result<(), Failure> {
    let name = plan.deployment.to_string();
    let wrong = |said: &str| {
        Failure::new(
            &codes::DECLINED,
            format!("`{said}` is not the name of the deployment, {name}; nothing was changed"),
        )
    };
    match given {
        [] => {}
        given if given.contains(&name.as_str()) => {
            if auto_approve {
                return Ok(());
            }
        }
        given => return Err(wrong(&given.join("`, `"))),
    }
    if !run.surroundings.interactive {
        let approve = (!auto_approve).then_some("--auto-approve");
        let named: &[&str] = if given.is_empty() { &["--confirm", &name] } else { &[] };
        let asks_nothing: Vec<&str> = approve.into_iter().chain(named.iter().copied()).collect();
        return Err(Failure::new(&codes::CANNOT_ASK, "confirmation is needed, and there is no terminal to ask on")
            .help(format!("nothing was changed; {} asks nothing", run.global.caller.rerun_with(&asks_nothing))));
    }
    run.screen.ask(&one_line(&format!("{what} in {}. Type {name} to go on: ", plan.deployment.account)));
    let said = super::apply::answer(run.screen, run.surroundings).await?;
    if said == name { Ok(()) } else { Err(wrong(&said)) }
}
