//! `plan`: what apply or destroy would do, and nothing else.

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde_json::json;

use super::args::PlanArgs;
use super::load::{Loaded, load};
use super::run::{Ended, Run, announce, options};
use super::session::Session;
use crate::config::suggest::nearest;
use crate::escape;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::files::{self, Rights};
use crate::hint::quoted;
use crate::plan::document::PlanDocument;
use crate::plan::{Plan, Selection};
use crate::ui::plan_human;

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
    options.selection = Selection { target: args.target.clone(), exclude: args.exclude.clone() };
    let planned = super::run::plan(&mut session, &options, args.destroy, run.screen).await?;
    check_selection(&planned.plan, &options.selection, several)?;
    run.planned(&planned.plan)?;
    if run.is_human() {
        let text = plan_human::render(&planned.plan, args.diff, &run.global.caller, run.screen.data_paint());
        run.screen.data(&format!("{}{text}", session.heading()))?;
    }
    if let Some(path) = &args.out {
        let (created, expires) = super::run::validity(run.surroundings);
        let document = PlanDocument::of(&planned.plan).dated(created, expires).allowing(&options);
        let written = files::write(path, escape::outgoing(&document.text()).as_bytes(), Rights::Tighten);
        written.map_err(|error| Failure::file(path, &error))?;
        let apply = run.global.caller.run_quoted("apply", ["--plan", &quoted(path)]);
        run.screen.note(&format!("saved; {apply} applies exactly this"));
    }
    let differs = args.detailed_exitcode && planned.plan.differs();
    let exit = if differs { Exit::Differences } else { Exit::Success };
    Ok(Ended { exit, wrote: false, line: String::new(), document: json!(PlanDocument::of(&planned.plan)) })
}

/// Makes sure that every glob fits something: a typo would read as "nothing changes", or do what was to be left out. Of
/// several deployments another may have it.
pub(super) fn check_selection(plan: &Plan, selection: &Selection, several: bool) -> Result<(), Failure> {
    let addresses: Vec<String> =
        plan.steps.iter().map(|step| &step.address).chain(plan.omitted()).map(ToString::to_string).collect();
    let fits = |glob: &&Glob| addresses.iter().any(|address| glob.compile_matcher().is_match(address));
    for (option, globs) in [("--target", &selection.target), ("--exclude", &selection.exclude)] {
        if let Some(glob) = globs.iter().find(|glob| !fits(glob)).filter(|_| !several) {
            let near = nearest(glob.glob(), addresses.iter().map(String::as_str));
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            let failure = Failure::new(&codes::USAGE, format!("`{option} {glob}` matches no address of the plan"));
            let how = format!("addresses are written `kind.name`, as the plan without `{option}` shows them");
            return Err(failure.help(format!("{near}{how}")));
        }
    }
    Ok(())
}

/// Globs as one set.
pub(super) fn set(globs: &[Glob]) -> Result<GlobSet, Failure> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(glob.clone());
    }
    builder.build().map_err(|error| Failure::new(&codes::USAGE, error.to_string()))
}
