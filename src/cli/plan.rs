//! `plan`: what apply or destroy would do, and nothing else.

use std::fs;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::args::{Format, Global, PlanArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::load::load;
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
        return Err(Failure::new(&super::codes::USAGE, summary).help("choose one with --domain, --env and --module"));
    }
    let mut documents = Vec::new();
    let mut differs = false;
    for loaded in all.deployments {
        let mut session = Session::open(loaded, global, surroundings, colour).await?;
        let planned = planned(&mut session, args, screen).await?;
        differs |= !planned.plan.is_empty();
        let shown = filtered(&planned.plan, &args.target, &args.exclude)?;
        match global.output.format() {
            Format::Json => documents.push(PlanDocument::of(&shown)),
            Format::Ndjson => {
                let writer = crate::ui::events::EventWriter::hello(screen, surroundings.now, "plan")?;
                writer.plan(&planned.plan)?;
                writer.end(Exit::Success.code(), None, session.account.writes.count())?;
            }
            _ => {
                if several {
                    screen.data(&format!("\n{}\n", session.deployment()))?;
                }
                screen.data(&plan_human::render(&shown, args.diff, screen.data_paint()))?;
            }
        }
        if let Some(path) = &args.out {
            let (created, expires) = super::run::validity(surroundings);
            let text = PlanDocument::of(&planned.plan).dated(created, expires).text();
            fs::write(path, text).map_err(|error| Failure::file(path, &error))?;
            screen.note(&format!("saved; `studio-deploy apply --plan {}` applies exactly this", path.display()));
        }
    }
    match documents.as_slice() {
        [] => {}
        [one] if !several => screen.data(&one.text())?,
        all => screen.data(&format!("{:#}\n", serde_json::json!({ "plans": all })))?,
    }
    Ok(if args.detailed_exitcode && differs { Exit::Differences } else { Exit::Success })
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
        builder.build().map_err(|error| Failure::new(&super::codes::USAGE, error.to_string()))
    };
    let (target_set, exclude) = (set(target)?, set(exclude)?);
    let mut plan = plan.clone();
    plan.steps.retain(|step| {
        let address = step.address.to_string();
        (target.is_empty() || target_set.is_match(&address)) && !exclude.is_match(&address)
    });
    Ok(plan)
}
