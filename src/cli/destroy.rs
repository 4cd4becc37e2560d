//! `destroy`: apply with nothing wanted. What holds data stays unless that is said, and the name has to be typed.

use super::args::DestroyArgs;
use super::prompt::{self, Approved};
use super::run::{DeploymentResult, Run, Towards};
use crate::aws::lock::FreeVersion;
use crate::deploy::{Connected, Loaded, Planned, lock};
use crate::failure::Exit;
use crate::failure::Failure;
use crate::plan::Options;
use crate::ui::plan_human;

pub(super) async fn run(args: &DestroyArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = run.load(&args.files)?;
    let one = |loaded| one(loaded, args, run);
    let last_first = all.deployments.into_iter().rev().collect();
    run.each(last_first, "reports", run.at_once(!args.auto_approve), one).await
}

async fn one(loaded: Loaded, args: &DestroyArgs, run: &Run<'_>) -> Result<DeploymentResult, Failure> {
    let mut options = Options::default();
    args.removal.write_to(&mut options);
    let review = review(loaded, args, &options, run);
    let (connected, planned, since) = run.host.signals.unless_stopped(review).await?;
    if planned.plan.is_empty() {
        // Only while something stays that a step could not remove does the record stay too, and the lock with it.
        if planned.plan.recorded().is_none() && !run.global.run.no_lock {
            let collected = lock::collect_stale(run.command, run.host, &connected).await;
            collected.map_err(|error| connected.cloud(&error))?;
        }
        return Ok(DeploymentResult::idle(run, &planned.plan));
    }
    let what = format!("This destroys {}", planned.plan.deployment());
    let names: Vec<&str> = args.confirm.iter().map(String::as_str).collect();
    let approved = prompt::confirm(&planned.plan, &what, &names, args.auto_approve, run).await?;
    let since = since.filter(|_| approved == Approved::Beforehand);
    run.execute(&connected, planned, since, &options, false).await
}

/// Plans the end, shows it, and makes sure that it may be.
async fn review(
    loaded: Loaded,
    args: &DestroyArgs,
    options: &Options,
    run: &Run<'_>,
) -> Result<(Connected, Planned, Option<FreeVersion>), Failure> {
    let mut connected = run.connect(loaded).await?;
    let since = run.lock_before(&connected, !args.auto_approve).await?;
    let planned = run.plan(&mut connected, options, Towards::Nothing).await?;
    run.planned(&planned.plan)?;
    if run.is_human() {
        let text = plan_human::render(&planned.plan, run.view(&connected));
        run.screen.data(&format!("{}{text}", Run::heading(&connected)))?;
    }
    run.allowed(&planned.plan)?;
    Ok((connected, planned, since))
}
