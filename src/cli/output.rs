//! `output`: ids, ARNs, the domain's URL and what is published, as the account has them now.

use std::collections::BTreeMap;

use super::args::{Global, OutputArgs};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::load;
use super::run::plan;
use super::session::Session;
use super::surroundings::Surroundings;
use crate::model::{Kind, Observed};
use crate::plan::Options;
use crate::ui::{Screen, table};

pub(super) async fn run(
    args: &OutputArgs,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let colour = screen.notes_paint().is_colored();
    let all = load(&args.files(), global, surroundings, colour)?;
    let several = all.deployments.len() > 1;
    for loaded in all.deployments {
        let mut session = Session::open(loaded, global, surroundings, colour).await?;
        // Everything of ours there is, whatever the config says now.
        let planned = plan(&mut session, &Options::default(), true, screen).await?;
        let steps = planned.plan.steps.iter().filter_map(|step| Some((&step.address, step.observed.as_ref()?)));
        let values: BTreeMap<String, String> = steps
            .flat_map(|(address, observed)| named(address.kind, &address.to_string(), &address.name, observed))
            .collect();
        if values.is_empty() {
            return Err(Failure::new(
                &codes::NOT_FOUND,
                format!("{} does not exist in this account", session.deployment()),
            )
            .help("make it with `studio-deploy apply`"));
        }
        let chosen: Vec<(String, String)> = match args.name() {
            None => values.into_iter().collect(),
            Some(name) => {
                let value = values.get(name).cloned().ok_or_else(|| {
                    let names: Vec<&str> = values.keys().map(String::as_str).collect();
                    Failure::new(&codes::USAGE, format!("there is no output `{name}`"))
                        .help(format!("there are {}", names.join(", ")))
                })?;
                vec![(name.to_owned(), value)]
            }
        };
        if several {
            screen.note(&session.deployment().to_string());
        }
        screen.data(&table::render(&chosen, global.output.value_format()))?;
    }
    Ok(Exit::Success)
}

/// What an object offers: published parameters by their own name, everything else by address and attribute.
fn named(kind: Kind, address: &str, name: &str, observed: &Observed) -> Vec<(String, String)> {
    match kind {
        Kind::Parameter => {
            observed.outputs.get("Value").map(|value| (name.to_owned(), value.clone())).into_iter().collect()
        }
        _ => observed
            .outputs
            .iter()
            .filter(|(attribute, value)| !value.is_empty() && !matches!(attribute.as_str(), "Content" | "Listing"))
            .map(|(attribute, value)| (format!("{address}.{attribute}"), value.clone()))
            .collect(),
    }
}
