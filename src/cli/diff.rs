//! `diff`: live against desired documents, or one config against another.

use serde_json::{Value as Json, json};

use super::args::{ConfigFiles, DiffArgs, Format, Global};
use super::load::{Loaded, load};
use super::run::{announce, plan};
use super::session::Session;
use super::surroundings::Surroundings;
use crate::config;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::plan::Options;
use crate::plan::document::PlanDocument;
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
    let json = global.output.format() == Format::Json;
    let mut documents = Vec::new();
    for (at, loaded) in all.deployments.into_iter().enumerate() {
        let text = match &args.against {
            Some(other) => {
                let files = ConfigFiles { config: vec![other.clone()] };
                let others = load(&files, global, surroundings, colour)?;
                let before = others.deployments.get(at).map(filled_in).transpose()?.unwrap_or_default();
                let after = filled_in(&loaded)?;
                if json {
                    differs |= before != after;
                    documents.push(json!({"before": before, "after": after}));
                    continue;
                }
                let [before, after] = [before, after].map(|document| format!("{document:#}\n"));
                diff::between(&before, &after, &other.to_string_lossy(), "config", screen.data_paint())
            }
            None => {
                let mut session = Session::open(loaded, global, surroundings, colour).await?;
                let planned = plan(&mut session, &Options::default(), false, screen).await?;
                differs |= planned.plan.differs();
                if json {
                    documents.push(json!(PlanDocument::of(&planned.plan)));
                    continue;
                }
                diff::render(&planned.plan, screen.data_paint())
            }
        };
        differs |= !text.is_empty();
        screen.data(&text)?;
    }
    if json {
        let document = if documents.len() == 1 { documents.remove(0) } else { json!({ "deployments": documents }) };
        screen.data(&format!("{document:#}\n"))?;
    }
    Ok(if differs { Exit::Differences } else { Exit::Success })
}

fn filled_in(loaded: &Loaded) -> Result<Json, Failure> {
    let context = loaded.context(None, None, None);
    config::resolve(&loaded.document, &context, None).map_err(|mistakes| loaded.invalid(&mistakes, false))?;
    Ok(config::filled_in(&loaded.document, &context))
}
