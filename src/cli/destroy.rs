//! `destroy`: apply with nothing wanted. What holds data stays unless that is said, and the name has to be typed.

use super::args::{DestroyArgs, Format, Global};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::{Loaded, load};
use super::run::{Ended, announce, execute, plan};
use super::session::Session;
use super::surroundings::Surroundings;
use crate::apply::Settings;
use crate::plan::{Options, Plan};
use crate::ui::Screen;
use crate::ui::plan_human::{self, DiffStyle};

pub(super) async fn run(
    args: &DestroyArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let colour = screen.notes_paint().is_colored();
    let all = load(&args.files, global, surroundings, colour)?;
    announce(&all, screen);
    let several = all.deployments.len() > 1;
    let mut ends = Vec::new();
    for loaded in all.deployments.into_iter().rev() {
        let ended = one(loaded, args, global, screen, surroundings, colour).await;
        match ended {
            Ok(ended) => ends.push((ended.exit, ended.wrote)),
            Err(failure) if several => ends.push((super::tell(&failure, global.output.format(), screen), false)),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Exit::of_several(&ends))
}

async fn one(
    loaded: Loaded,
    args: &DestroyArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
    colour: bool,
) -> Result<Ended, Failure> {
    let mut session = Session::open(loaded, global, surroundings, colour).await?;
    let mut options = Options::default();
    args.removal.write_to(&mut options);
    let planned = plan(&mut session, &options, true, screen).await?;
    if global.output.format() == Format::Human {
        screen.data(&plan_human::render(&planned.plan, DiffStyle::Compact, screen.data_paint()))?;
    }
    if let Some(failure) = Failure::blocked(&planned.plan) {
        return Err(failure);
    }
    if planned.plan.is_empty() {
        if global.output.format() == Format::Json {
            let report = crate::apply::Report::default();
            screen.data(&crate::ui::report_json::ReportDocument::of(&report, &planned.plan).text())?;
        }
        return Ok(Ended { exit: Exit::Success, wrote: false });
    }
    confirm(&planned.plan, args, screen, surroundings)?;
    let settings = Settings { parallelism: global.run.parallelism.into(), fail_fast: false };
    execute(&mut session, &planned, &options, settings, global, screen, surroundings, "destroy").await
}

/// The deployment's name, typed or given: yes is said too easily.
fn confirm(plan: &Plan, args: &DestroyArgs, screen: &Screen, surroundings: &Surroundings) -> Result<(), Failure> {
    let name = plan.deployment.to_string();
    let wrong = |said: &str| {
        Failure::new(
            &codes::DECLINED,
            format!("`{said}` is not the name of the deployment, {name}; nothing was changed"),
        )
    };
    match &args.confirm {
        Some(said) if *said != name => return Err(wrong(said)),
        Some(_) if args.auto_approve => return Ok(()),
        _ => {}
    }
    if !surroundings.interactive {
        return Err(Failure::new(&codes::CANNOT_ASK, "confirmation is needed, and there is no terminal to ask on")
            .help(format!("say `--auto-approve --confirm {name}`")));
    }
    screen.ask(&format!("This destroys {name} in {}. Type its name to go on: ", plan.deployment.account));
    let said = super::apply::answer()?;
    if said == name { Ok(()) } else { Err(wrong(&said)) }
}
