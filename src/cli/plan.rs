//! `plan`: what apply or destroy would do, and nothing else.

use std::fs;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde_json::json;

use super::args::{Format, Global, PlanArgs};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::{Loaded, load};
use super::run::{Planned, announce, options};
use super::session::Session;
use super::surroundings::Surroundings;
use crate::plan::Plan;
use crate::ui::plan_json::PlanDocument;
use crate::ui::{Screen, plan_human};

pub(super) async fn run(
    args: &PlanArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let colour = screen.notes_paint().is_colored();
    let all = load(&args.files, global, surroundings, colour)?;
    announce(&all, screen);
    let several = all.deployments.len() > 1;
    if several && args.out.is_some() {
        let summary = format!("{} deployments fit, and a saved plan is for one", all.deployments.len());
        return Err(Failure::new(&codes::USAGE, summary).help("choose one with --domain, --env and --module"));
    }
    let mut documents = Vec::new();
    let mut ends = Vec::new();
    for loaded in all.deployments {
        let name = loaded.names.to_string();
        match one(loaded, several, args, global, screen, surroundings, colour).await {
            Ok((exit, document)) => {
                ends.push((exit, false));
                documents.extend(document.map(|document| json!(document)));
            }
            Err(failure) if several => {
                // What is wrong with one says nothing about the others.
                screen.error(&format!("{name}: {}", failure.render(screen.notes_paint())));
                ends.push((failure.exit, false));
                documents.push(json!({"deployment": name, "error": failure.document()}));
            }
            Err(failure) => return Err(failure),
        }
    }
    if global.output.format() == Format::Json {
        let document = match <[_; 1]>::try_from(documents) {
            Ok([one]) => one,
            Err(all) => json!({ "plans": all }),
        };
        screen.data(&format!("{document:#}\n"))?;
    }
    Ok(Exit::of_several(&ends))
}

async fn one(
    loaded: Loaded,
    several: bool,
    args: &PlanArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
    colour: bool,
) -> Result<(Exit, Option<PlanDocument>), Failure> {
    let mut session = Session::open(loaded, global, surroundings, colour).await?;
    session.is_one_of_several = several;
    let planned = planned(&mut session, args, screen).await?;
    let shown = filtered(&planned.plan, &args.target, &args.exclude)?;
    let mut document = None;
    match global.output.format() {
        Format::Json => document = Some(PlanDocument::of(&shown)),
        Format::Ndjson => {
            let writer = crate::ui::events::EventWriter::hello(screen, surroundings.now, "plan")?;
            writer.plan(&planned.plan)?;
            writer.end(Exit::Success.code(), None, session.account.writes.count())?;
        }
        _ => {
            let plan = plan_human::render(&shown, args.diff, screen.data_paint());
            screen.data(&format!("{}{plan}", session.heading()))?;
        }
    }
    if let Some(path) = &args.out {
        let (created, expires) = super::run::validity(surroundings);
        let text = PlanDocument::of(&planned.plan).dated(created, expires).text();
        fs::write(path, text).map_err(|error| Failure::file(path, &error))?;
        screen.note(&format!("saved; `studio-deploy apply --plan {}` applies exactly this", path.display()));
    }
    let differs = args.detailed_exitcode && !planned.plan.is_empty();
    Ok((if differs { Exit::Differences } else { Exit::Success }, document))
}

async fn planned(session: &mut Session, args: &PlanArgs, screen: &'static Screen) -> Result<Planned, Failure> {
    let mut options = options(&args.consent);
    args.removal.write_to(&mut options);
    super::run::plan(session, &options, args.destroy, screen).await
}

/// The plan with only those steps whose address is asked for; display only, never what is applied.
fn filtered(plan: &Plan, target: &[Glob], exclude: &[Glob]) -> Result<Plan, Failure> {
    let set = |globs: &[Glob]| -> Result<GlobSet, Failure> {
        let mut builder = GlobSetBuilder::new();
        globs.iter().for_each(|glob| {
            builder.add(glob.clone());
        });
        builder.build().map_err(|error| Failure::new(&codes::USAGE, error.to_string()))
    };
    let (target_set, exclude) = (set(target)?, set(exclude)?);
    let mut plan = plan.clone();
    plan.steps.retain(|step| {
        let address = step.address.to_string();
        (target.is_empty() || target_set.is_match(&address)) && !exclude.is_match(&address)
    });
    Ok(plan)
}
