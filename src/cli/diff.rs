//! `diff`: live against desired documents, or one config against another.

use super::args::{ConfigFiles, DiffArgs, Format, Global};
use super::exit::Exit;
use super::failure::Failure;
use super::load::{Loaded, load};
use super::run::{announce, plan};
use super::session::Session;
use super::surroundings::Surroundings;
use crate::config;
use crate::plan::Options;
use crate::ui::plan_json::PlanDocument;
use crate::ui::{Screen, diff};

pub(super) async fn run(
    args: &DiffArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let colour = screen.notes_paint().is_colored();
    let all = load(&args.files, global, surroundings, colour)?;
    announce(&all, screen);
    let mut differs = false;
    for (at, loaded) in all.deployments.into_iter().enumerate() {
        let text = match &args.against {
            Some(other) => {
                let files = ConfigFiles { config: vec![other.clone()] };
                let others = load(&files, global, surroundings, colour)?;
                let before = others.deployments.get(at).map(filled_in).transpose()?.unwrap_or_default();
                let after = filled_in(&loaded)?;
                diff::between(&before, &after, &other.to_string_lossy(), "config", screen.data_paint())
            }
            None => {
                let mut session = Session::open(loaded, global, surroundings, colour).await?;
                let planned = plan(&mut session, &Options::default(), false, screen).await?;
                if global.output.format() == Format::Json {
                    differs |= !planned.plan.is_empty();
                    screen.data(&PlanDocument::of(&planned.plan).text())?;
                    continue;
                }
                differs |= !planned.plan.is_empty();
                diff::render(&planned.plan, screen.data_paint())
            }
        };
        differs |= !text.is_empty();
        screen.data(&text)?;
    }
    Ok(if differs { Exit::Differences } else { Exit::Success })
}

fn filled_in(loaded: &Loaded) -> Result<String, Failure> {
    let context = loaded.context(None, None, None);
    config::resolve(&loaded.document, &context, None).map_err(|mistakes| loaded.invalid(&mistakes, false))?;
    Ok(format!("{:#}\n", config::filled_in(&loaded.document, &context)))
}
