//! `plan`: what apply or destroy would do, and nothing else.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::args::{self, PlanArgs};
use super::run::{DeploymentResult, Run, Towards, options};
use crate::config::suggest::nearest;
use crate::deploy::{Host, Loaded};
use crate::escape::{self, one_line};
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::files::{self, Rights};
use crate::hint::{Caller, quoted};
use crate::plan::document::PlanDocument;
use crate::plan::saved::SavedPlans;
use crate::plan::summary::Summary;
use crate::plan::{Options, Plan, Selection};
use crate::ui::plan_human::{self, View};

/// The time for which a saved plan may be applied.
const PLAN_VALIDITY: Duration = Duration::from_hours(7 * 24);

pub(super) async fn run(args: &PlanArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = run.load(&args.files)?;
    if let Some(path) = &args.out {
        files::probe(path).map_err(|error| Failure::file(path, &error))?;
    }
    // The plans to save, in the order of the config: each is a slot, which one that fails leaves empty.
    let saved = RefCell::new(vec![None; all.deployments.len()]);
    let names: Vec<String> = all.deployments.iter().map(|loaded| loaded.names.to_string()).collect();
    let save = |document: PlanDocument| {
        let slot = names.iter().position(|name| *name == document.deployment);
        if let Some(slot) = slot {
            saved.borrow_mut()[slot] = Some(document);
        }
    };
    let exit = run.each(all.deployments, "plans", run.at_once(false), |loaded| one(loaded, args, run, &save)).await?;
    match &args.out {
        Some(path) => write(path, saved.into_inner(), run).map(|()| exit),
        None => Ok(exit),
    }
}

/// Writes the file of all plans, or none: a part of them would read as if the rest were not to change.
fn write(path: &Path, plans: Vec<Option<PlanDocument>>, run: &Run<'_>) -> Result<(), Failure> {
    let number = plans.len();
    let plans: Vec<PlanDocument> = plans.into_iter().flatten().collect();
    if plans.len() < number {
        let missing = number - plans.len();
        run.screen.error(&one_line(&format!(
            "{} was not written: {missing} of {number} deployments could not be planned",
            path.display()
        )));
        return Ok(());
    }
    let written = files::write(path, escape::outgoing(&SavedPlans::text(&plans)).as_bytes(), Rights::Tighten);
    written.map_err(|error| Failure::file(path, &error))?;
    let apply = run.global.caller.run_quoted("apply", ["--plan", &quoted(path)]);
    run.screen.note(&match number {
        1 => format!("saved; {apply} applies exactly this"),
        _ => format!("saved {number} plans; {apply} applies exactly these"),
    });
    Ok(())
}

async fn one(
    loaded: Loaded,
    args: &PlanArgs,
    run: &Run<'_>,
    save: &dyn Fn(PlanDocument),
) -> Result<DeploymentResult, Failure> {
    let mut connected = run.connect(loaded).await?;
    let mut options = options(&args.consent);
    args.removal.write_to(&mut options);
    options.skip_blocked = args.skip_blocked;
    options.refresh = args.refresh;
    options.selection = Selection { target: args.target.clone(), exclude: args.exclude.clone() };
    let to = if args.destroy { Towards::Nothing } else { Towards::Config };
    let planned = run.plan(&mut connected, &options, to).await?;
    check_selection(&planned.plan, &options.selection, connected.loaded.is_one_of_several)?;
    run.planned(&planned.plan)?;
    let mut text = String::new();
    if run.is_human() {
        let next = next(args, &options, &connected.caller);
        let next = Some(next.as_str()).filter(|_| args.out.is_none());
        let view = View { style: args.diff, notices: args.notices, next, deepens: true, ..run.view(&connected) };
        let plan = plan_human::render(&planned.plan, view);
        text = format!("{}{plan}", Run::heading(&connected));
    }
    if args.out.is_some() {
        let (created, expires) = validity(run.host);
        save(PlanDocument::of(&planned.plan).dated(created, expires).allowing(&options));
    }
    let differs = args.detailed_exitcode && planned.plan.differs();
    let exit = if differs { Exit::Differences } else { Exit::Success };
    let line = Summary::of(&planned.plan).to_string();
    Ok(DeploymentResult { line, ..DeploymentResult::shown(exit, text, run.document(&planned.plan)) })
}

/// The command that carries out what this one planned.
fn next(args: &PlanArgs, options: &Options, caller: &Caller) -> String {
    let consent = args::consent_words(options);
    let removal = args.removal.words();
    let words = consent.iter().chain(&removal).map(String::as_str);
    caller.run_quoted(if args.destroy { "destroy" } else { "apply" }, words)
}

/// Times at which a plan that is saved now was made and expires, in RFC 3339.
fn validity(host: &Host) -> (String, String) {
    let created = (host.now)();
    let expires = created.parse::<jiff::Timestamp>().ok().and_then(|now| now.checked_add(PLAN_VALIDITY).ok());
    (created, expires.map(|expires| expires.to_string()).unwrap_or_default())
}

/// Makes sure that every glob fits something: a typo would read as "nothing changes", or do what was to be left out. Of
/// several deployments another may have it.
pub(super) fn check_selection(plan: &Plan, selection: &Selection, several: bool) -> Result<(), Failure> {
    let addresses: Vec<String> =
        plan.steps().iter().map(|step| step.address()).chain(plan.omitted()).map(ToString::to_string).collect();
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
