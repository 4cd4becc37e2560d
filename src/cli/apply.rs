//! `apply`: makes the account match the config, after showing what that means.

use std::collections::BTreeMap;

use super::args::{self, ApplyArgs};
use super::plan::check_selection;
use super::prompt::{self, Approved};
use super::run::{DeploymentResult, Run, Towards, options};
use super::saved::{self, plan_again};
use crate::aws::lock::FreeVersion;
use crate::deploy::{Connected, Loaded, Planned};
use crate::escape::one_line;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::plan::document::PlanDocument;
use crate::plan::{Options, Plan, Selection, Step};
use crate::ui::plan_human::{self, View};

pub(super) async fn run(args: &ApplyArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = run.load(&args.files)?;
    let saved = args.plan.as_deref().map(|path| saved::of_deployments(path, &all.deployments, run)).transpose()?;
    let saved = saved.unwrap_or_default();
    // A replacement that loses data is asked about although all else is approved, and one question at a time.
    let may_replace = args.plan.is_some() || !args.consent.allow_replace.is_empty();
    let asks = !is_approved(args) || run.host.interactive && may_replace && args.confirm.is_none();
    run.each(all.deployments, "reports", run.at_once(asks), |loaded| one(loaded, args, &saved, run)).await
}

/// Saved plans by deployment.
type Saved = BTreeMap<String, PlanDocument>;

async fn one(loaded: Loaded, args: &ApplyArgs, saved: &Saved, run: &Run<'_>) -> Result<DeploymentResult, Failure> {
    let Reviewed { connected, planned, since, options } =
        run.host.signals.unless_stopped(review(loaded, args, saved, run)).await?;
    // Where all that differs is blocked or left out there is nothing to begin.
    let is_partial = planned.plan.is_partial();
    if planned.plan.is_empty() || is_partial && !planned.plan.steps().iter().any(Step::runs) {
        let idle = DeploymentResult::idle(run, &planned.plan);
        if !is_partial {
            return Ok(idle);
        }
        let failure = Failure::new(&codes::BLOCKED, "nothing was applied: all that differs is blocked");
        let failure = failure.help("the plan says of each thing that is left out what it takes");
        run.fail_on(&planned.plan.deployment().to_string(), &failure)?;
        return Ok(DeploymentResult {
            exit: failure.exit,
            line: "nothing done: all that differs is blocked".into(),
            ..idle
        });
    }
    let approved = approve(&planned.plan, args, run).await?;
    let since = since.filter(|_| approved == Approved::Beforehand);
    run.execute(&connected, planned, since, &options, args.fail_fast).await
}

/// A plan that was shown and may be applied.
struct Reviewed {
    connected: Connected,
    planned: Planned,
    /// The lock as it was before, when nobody is going to be asked.
    since: Option<FreeVersion>,
    options: Options,
}

/// Plans, shows it, and makes sure that it may be applied.
async fn review(loaded: Loaded, args: &ApplyArgs, saved: &Saved, run: &Run<'_>) -> Result<Reviewed, Failure> {
    let several = loaded.is_one_of_several;
    let caller = &run.global.caller;
    let saved = args.plan.as_deref().zip(saved.get(&loaded.names.to_string()));
    let mut connected = run.connect(loaded).await?;
    let mut options = options(&args.consent);
    options.skip_blocked = args.skip_blocked;
    options.refresh = args.refresh;
    options.drain = args.drain;
    options.selection = Selection { target: args.target.clone(), exclude: args.exclude.clone() };
    if let Some((path, saved)) = saved {
        if args.skip_blocked && !saved.consent.skip_blocked {
            let summary = "the saved plan leaves nothing out, and `--skip-blocked` would";
            let help = plan_again(path, caller, &["--skip-blocked"]);
            return Err(Failure::new(&codes::STALE, summary).help(help));
        }
        saved.consent.write_to(&mut options);
    }
    let since = run.lock_before(&connected, !is_approved(args)).await?;
    let planned = run.plan(&mut connected, &options, Towards::ConfigInAws).await?;
    check_selection(&planned.plan, &options.selection, several)?;
    run.planned(&planned.plan)?;
    if run.is_human() {
        let view = View { style: args.diff, notices: args.notices, deepens: true, ..run.view(&connected) };
        let text = plan_human::render(&planned.plan, view);
        run.screen.data(&format!("{}{text}", Run::heading(&connected)))?;
    }
    if let Some((path, saved)) = saved {
        let again =
            plan_again(path, caller, &args::consent_words(&options).iter().map(String::as_str).collect::<Vec<_>>());
        agrees(saved, &planned.plan).map_err(|failure| failure.help(again))?;
    }
    if !options.skip_blocked {
        run.allowed(&planned.plan)?;
    }
    Ok(Reviewed { connected, planned, since, options })
}

/// Refuses a saved plan that asks for anything else than what would be done now.
fn agrees(saved: &PlanDocument, plan: &Plan) -> Result<(), Failure> {
    match saved.moved(&PlanDocument::of(plan)) {
        Some(moved) => Err(Failure::new(&codes::STALE, format!("the saved plan is out of date: {moved}"))),
        None => Ok(()),
    }
}

/// Returns `true` if the command line approves whatever the plan says: by a flag, or with a plan that was reviewed.
fn is_approved(args: &ApplyArgs) -> bool {
    args.auto_approve || args.plan.is_some()
}

async fn approve(plan: &Plan, args: &ApplyArgs, run: &Run<'_>) -> Result<Approved, Failure> {
    if let Some(step) = plan.replaced_data() {
        let what = format!("This deletes {} and makes it again", step.address());
        return prompt::confirm(
            plan,
            &what,
            &args.confirm.as_deref().into_iter().collect::<Vec<_>>(),
            is_approved(args),
            run,
        )
        .await;
    }
    if is_approved(args) {
        return Ok(Approved::Beforehand);
    }
    if !run.host.interactive {
        return Err(Failure::new(&codes::CANNOT_ASK, "approval is needed, and there is no terminal to ask on")
            .help(format!("nothing was changed; {} asks nothing", run.global.caller.rerun_with(&["--auto-approve"]))));
    }
    run.screen.ask(&format!(
        "Apply this to {} in {}? Only `yes` is taken for yes: ",
        one_line(&plan.deployment().to_string()),
        plan.deployment().account
    ));
    if prompt::answer(run).await? == "yes" {
        Ok(Approved::Now)
    } else {
        Err(Failure::new(&codes::DECLINED, "not approved; nothing was changed"))
    }
}
