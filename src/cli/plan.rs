//! `plan`: what apply or destroy would do, and nothing else.

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde_json::json;

use super::args::PlanArgs;
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::{Loaded, load};
use super::run::{Ended, Run, announce, options};
use super::session::Session;
use crate::config::suggest::nearest;
use crate::escape;
use crate::files::{self, Rights};
use crate::plan::Plan;
use crate::ui::plan_human;
use crate::ui::plan_json::PlanDocument;

pub(super) async fn run(args: &PlanArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = load(&args.files, run.global, run.surroundings, run.paint().is_colored())?;
    announce(&all, run.screen);
    let several = all.deployments.len() > 1;
    if several && args.out.is_some() {
        let failure = Failure::new(
            &codes::USAGE,
            format!("{} deployments fit, and a file holds one plan", all.deployments.len()),
        );
        return Err(failure.help("choose one with --domain, --env and --module"));
    }
    if let Some(path) = &args.out {
        files::probe(path).map_err(|error| Failure::file(path, &error))?;
    }
    run.each(all.deployments, "plans", run.at_once(false), |loaded| one(loaded, several, args, run)).await
}

async fn one(loaded: Loaded, several: bool, args: &PlanArgs, run: &Run<'_>) -> Result<Ended, Failure> {
    let mut session = Session::open(loaded, run.global, run.surroundings, run.paint().is_colored()).await?;
    session.is_one_of_several = several;
    let mut options = options(&args.consent);
    args.removal.write_to(&mut options);
    options.skip_blocked = args.skip_blocked;
    let planned = super::run::plan(&mut session, &options, args.destroy, run.screen).await?;
    run.planned(&planned.plan)?;
    let shown = filtered(&planned.plan, &args.target, &args.exclude, several)?;
    if run.is_human() {
        let hidden = changes(&planned.plan) - changes(&shown);
        // What is shown may be all right while what is not is far from it.
        let text = match hidden {
            0 => plan_human::render(&shown, args.diff, run.screen.data_paint()),
            _ if shown.is_empty() && !shown.is_partial() => String::new(),
            _ => plan_human::render(&shown, args.diff, run.screen.data_paint()),
        };
        run.screen.data(&format!("{}{text}", session.heading()))?;
        if hidden > 0 {
            let all = changes(&planned.plan);
            run.screen
                .data(&format!("PARTIAL: {hidden} of {all} changes are not shown, and `apply` makes all of them.\n"))?;
        }
    }
    if let Some(path) = &args.out {
        let (created, expires) = super::run::validity(run.surroundings);
        let document = PlanDocument::of(&planned.plan).dated(created, expires).allowing(&options);
        let written = files::write(path, escape::outgoing(&document.text()).as_bytes(), Rights::Tighten);
        written.map_err(|error| Failure::file(path, &error))?;
        run.screen.note(&format!("saved; `studio-deploy apply --plan {}` applies exactly this", path.display()));
    }
    let differs = args.detailed_exitcode && planned.plan.differs();
    let exit = if differs { Exit::Differences } else { Exit::Success };
    Ok(Ended { exit, wrote: false, line: String::new(), document: json!(PlanDocument::of(&shown)) })
}

/// How many addresses a plan is about to change, or may not.
fn changes(plan: &Plan) -> usize {
    plan.steps.iter().filter(|step| step.action.is_change() || step.blocked.is_some()).count()
}

/// The plan with only those steps whose address is asked for; display only, never what is applied.
fn filtered(plan: &Plan, target: &[Glob], exclude: &[Glob], several: bool) -> Result<Plan, Failure> {
    let (wanted, unwanted) = (set(target)?, set(exclude)?);
    let addresses: Vec<String> = plan.steps.iter().map(|step| step.address.to_string()).collect();
    let fits = |glob: &&Glob| addresses.iter().any(|address| glob.compile_matcher().is_match(address));
    // A typo would read as "no changes", or show what was to be hidden. Of several deployments another may have it.
    for (option, globs) in [("--target", target), ("--exclude", exclude)] {
        if let Some(glob) = globs.iter().find(|glob| !fits(glob)).filter(|_| !several) {
            let near = nearest(glob.glob(), addresses.iter().map(String::as_str));
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            let failure = Failure::new(&codes::USAGE, format!("`{option} {glob}` matches no address of the plan"));
            let how = format!("addresses are written `kind.name`, as the plan without `{option}` shows them");
            return Err(failure.help(format!("{near}{how}")));
        }
    }
    let mut plan = plan.clone();
    plan.steps.retain(|step| {
        let address = step.address.to_string();
        (target.is_empty() || wanted.is_match(&address)) && !unwanted.is_match(&address)
    });
    Ok(plan)
}

/// Globs as one set.
pub(super) fn set(globs: &[Glob]) -> Result<GlobSet, Failure> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(glob.clone());
    }
    builder.build().map_err(|error| Failure::new(&codes::USAGE, error.to_string()))
}
