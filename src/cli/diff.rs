//! `diff`: live against desired documents, or one config against another.

use serde_json::{Value as Json, json};

use super::args::{ConfigFiles, DiffArgs};
use super::run::{DeploymentResult, Run, Towards};
use crate::config;
use crate::deploy::{Loaded, load};
use crate::failure::{Exit, Failure};
use crate::plan::Options;
use crate::ui::diff;

pub(super) async fn run(args: &DiffArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = run.load(&args.files)?;
    // The n-th of one file stands beside the n-th of the other, each by its name.
    let others = match &args.against {
        None => Vec::new(),
        Some(other) => {
            let files = ConfigFiles { config: vec![other.clone()] };
            load::load(&run.global.load_options(&files), run.host)?.deployments
        }
    };
    let names: Vec<String> = all.deployments.iter().map(|loaded| loaded.names.to_string()).collect();
    let before = |name: &str| names.iter().position(|known| known == name).and_then(|at| others.get(at));
    let one = |loaded: Loaded| one(before(&loaded.names.to_string()), loaded, args, run);
    run.each(all.deployments, "deployments", run.at_once(false), one).await
}

async fn one(
    before: Option<&Loaded>,
    loaded: Loaded,
    args: &DiffArgs,
    run: &Run<'_>,
) -> Result<DeploymentResult, Failure> {
    let Some(other) = &args.against else { return with_account(loaded, args, run).await };
    let before = before.map(filled_in).transpose()?.unwrap_or_default();
    between(&before, &filled_in(&loaded)?, &other.to_string_lossy(), run)
}

/// The difference between a config and its account.
async fn with_account(loaded: Loaded, args: &DiffArgs, run: &Run<'_>) -> Result<DeploymentResult, Failure> {
    let mut connected = run.connect(loaded).await?;
    let options = Options { refresh: args.refresh, ..Options::default() };
    let planned = run.plan(&mut connected, &options, Towards::Config).await?;
    run.planned(&planned.plan)?;
    let text = diff::render(&planned.plan, run.screen.data_paint());
    let differs = planned.plan.differs() || !text.is_empty();
    let text = if run.is_human() { text } else { String::new() };
    Ok(DeploymentResult::shown(exit(differs), text, run.document(&planned.plan)))
}

/// The difference between two configs.
fn between(before: &Json, after: &Json, name: &str, run: &Run<'_>) -> Result<DeploymentResult, Failure> {
    let mut text = String::new();
    if run.is_human() {
        let [before, after] = [before, after].map(|document| format!("{document:#}\n"));
        text = diff::between(&before, &after, name, "config", run.screen.data_paint());
    }
    Ok(DeploymentResult::shown(exit(before != after), text, json!({"before": before, "after": after})))
}

const fn exit(differs: bool) -> Exit {
    if differs { Exit::Differences } else { Exit::Success }
}

fn filled_in(loaded: &Loaded) -> Result<Json, Failure> {
    let context = loaded.context(None, None, None);
    config::resolve(&loaded.document, &context, None).map_err(|mistakes| loaded.invalid(&mistakes))?;
    Ok(config::filled_in(&loaded.document, &context))
}
