//! `cleanup`: removes what a deleted domain left behind: the home file system, its mount targets and the two groups
//! around them.

use serde_json::json;

use super::args::CleanupArgs;
use super::prompt;
use super::run::{DeploymentResult, Run};
use crate::apply::Outcome;
use crate::deploy::fleet::AtOnce;
use crate::deploy::{Connected, Executed, Loaded};
use crate::escape::one_line;
use crate::failure::{Exit, Failure, codes};
use crate::plan::{Options, Plan};
use crate::ui::plan_human;

pub(super) async fn run(args: &CleanupArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    // Only the account and the region of the config matter, so that any of several serves.
    let first = run.load_quietly(&args.files)?.deployments.into_iter().take(1);
    let any = first.map(|loaded| Loaded { is_one_of_several: false, ..loaded }).collect();
    run.each(any, "deployments", AtOnce::ONE, |loaded| one(loaded, args, run)).await
}

async fn one(loaded: Loaded, args: &CleanupArgs, run: &Run<'_>) -> Result<DeploymentResult, Failure> {
    let (connected, plan) = run.host.signals.unless_stopped(review(loaded, args, run)).await?;
    if plan.is_empty() {
        if run.is_human() {
            run.screen.data(&format!("{} left nothing behind\n", one_line(&args.domain_id)))?;
        }
        return Ok(about(args, DeploymentResult::idle(run, &plan), &[]));
    }
    confirm(args, run).await?;
    let executed = connected.clean_up(&run.execution(&connected, &plan, false), plan).await;
    let removed = removed(&executed);
    Ok(about(args, run.executed(&executed, &connected, &Options::default()), &removed))
}

/// The result with the domain and what is gone of it in its document.
fn about(args: &CleanupArgs, mut result: DeploymentResult, removed: &[String]) -> DeploymentResult {
    result.document["domain_id"] = json!(args.domain_id);
    result.document["removed"] = json!(removed);
    result
}

async fn review(loaded: Loaded, args: &CleanupArgs, run: &Run<'_>) -> Result<(Connected, Plan), Failure> {
    let connected = run.connect(loaded).await?;
    let plan = connected.plan_cleanup(&args.domain_id).await?;
    run.planned(&plan)?;
    if run.is_human() && !plan.is_empty() {
        let text = plan_human::render(&plan, run.view(&connected));
        run.screen.data(&text)?;
    }
    Ok((connected, plan))
}

/// The addresses that are gone.
fn removed(executed: &Executed) -> Vec<String> {
    let done = executed.report.outcomes.iter().filter(|(_, _, outcome)| *outcome == Outcome::Done);
    done.map(|(address, ..)| address.to_string()).collect()
}

async fn confirm(args: &CleanupArgs, run: &Run<'_>) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if !run.host.interactive {
        return Err(Failure::new(&codes::CANNOT_ASK, "confirmation is needed, and there is no terminal to ask on")
            .help(format!(
                "nothing was changed; {} deletes it without asking",
                run.global.caller.rerun_with(&["--yes"])
            )));
    }
    run.screen.ask(&format!("These files are lost for good. Type {} to go on: ", one_line(&args.domain_id)));
    if prompt::answer(run).await? == args.domain_id {
        Ok(())
    } else {
        Err(Failure::new(&codes::DECLINED, "not confirmed; nothing was changed"))
    }
}
