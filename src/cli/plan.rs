//! `plan`: what apply or destroy would do, and nothing else.

use std::fs;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::args::{Format, PlanArgs};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::load;
use super::run::{Run, announce, options};
use super::session::Session;
use crate::plan::Plan;
use crate::ui::plan_human;
use crate::ui::plan_json::PlanDocument;

pub(super) async fn run(args: &PlanArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let Run { global, screen, surroundings, .. } = *run;
    let colour = run.paint().is_colored();
    let all = load(&args.files, global, surroundings, colour)?;
    announce(&all, screen);
    let several = all.deployments.len() > 1;
    if several && args.out.is_some() {
        let failure = Failure::new(
            &codes::USAGE,
            format!("{} deployments fit, and a file holds one plan", all.deployments.len()),
        );
        return Err(failure.help("choose one with --domain, --env and --module"));
    }
    let mut options = options(&args.consent);
    args.removal.write_to(&mut options);
    let mut documents = Vec::new();
    let mut differs = false;
    for loaded in all.deployments {
        let mut session = Session::open(loaded, global, surroundings, colour).await?;
        let planned = super::run::plan(&mut session, &options, args.destroy, screen).await?;
        differs |= !planned.plan.is_empty();
        run.planned(&planned.plan)?;
        let shown = filtered(&planned.plan, &args.target, &args.exclude)?;
        match run.format() {
            Format::Json => documents.push(PlanDocument::of(&shown)),
            Format::Ndjson => {}
            _ => {
                let gap = if several { "\n" } else { "" };
                screen.data(&format!("{gap}{}", plan_human::render(&shown, args.diff, screen.data_paint())))?;
            }
        }
        if let Some(path) = &args.out {
            let (created, expires) = super::run::validity(surroundings);
            let document = PlanDocument::of(&planned.plan).dated(created, expires).allowing(&options);
            fs::write(path, document.text()).map_err(|error| Failure::file(path, &error))?;
            screen.note(&format!("saved; `studio-deploy apply --plan {}` applies exactly this", path.display()));
        }
    }
    if run.format() == Format::Json {
        match documents.as_slice() {
            [one] => screen.data(&one.text())?,
            all => screen.data(&format!("{:#}\n", serde_json::json!({ "plans": all })))?,
        }
    }
    Ok(if args.detailed_exitcode && differs { Exit::Differences } else { Exit::Success })
}

/// The plan with only those steps whose address is asked for; display only, never what is applied.
fn filtered(plan: &Plan, target: &[Glob], exclude: &[Glob]) -> Result<Plan, Failure> {
    let (wanted, unwanted) = (set(target)?, set(exclude)?);
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
