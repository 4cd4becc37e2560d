//! `output`: ids, ARNs, the domain's URL and what is published, as the account has them now.

use std::collections::BTreeMap;

use super::args::{Global, OutputArgs};
use super::load::load;
use super::run::plan;
use super::session::Session;
use super::surroundings::Surroundings;
use crate::config::suggest::nearest;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::model::{Address, Kind, Observed};
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
        let found: Vec<(&Address, &Observed)> = steps.collect();
        let values: BTreeMap<String, String> =
            found.iter().flat_map(|(address, observed)| named(&lasting(address, &found), observed)).collect();
        if values.is_empty() {
            return Err(Failure::new(
                &codes::NOT_FOUND,
                format!("{} does not exist in this account", session.deployment()),
            )
            .help(format!("make it with {}", session.caller.run("apply", &[]))));
        }
        let chosen: Vec<(String, String)> = match args.name() {
            None => values.into_iter().collect(),
            Some(name) => {
                let value = values.get(name).cloned().ok_or_else(|| {
                    let near = nearest(name, values.keys().map(String::as_str));
                    let near = near.map(|near| format!("is `{near}` meant? ")).unwrap_or_default();
                    Failure::new(&codes::USAGE, format!("there is no output `{name}`"))
                        .help(format!("{near}{} lists them", session.caller.run("output", &[])))
                })?;
                vec![(name.to_owned(), value)]
            }
        };
        let form = global.output.value_format();
        if let Some(name) = form.cannot_tell(&chosen) {
            let summary =
                format!("the value of `{name}` holds line ends, control characters or a command of a CI system");
            return Err(Failure::new(&codes::UNTELLABLE, summary).help("ask for it with `--format json`"));
        }
        if several {
            screen.note(&session.deployment().to_string());
        }
        screen.data(&table::render(&chosen, form))?;
    }
    Ok(Exit::Success)
}

/// The address by which a pipeline may ask for an object: without the hash that every new content of a lifecycle config
/// brings, unless it is the content before, which still waits to be deleted.
fn lasting(address: &Address, found: &[(&Address, &Observed)]) -> Address {
    let Some((name, _)) = address.name.split_once('@').filter(|_| address.kind == Kind::LifecycleConfig) else {
        return address.clone();
    };
    let arn = |of: &Observed| of.outputs.get("Arn").cloned().unwrap_or_default();
    let same = found.iter().filter(|(other, _)| {
        other.kind == address.kind && other.name.split_once('@').is_some_and(|(other, _)| other == name)
    });
    let same: Vec<_> = same.collect();
    let in_use = |observed: &Observed| {
        let mut domains = found.iter().filter(|(other, _)| other.kind == Kind::Domain);
        domains.any(|(_, domain)| domain.properties.to_json().to_string().contains(&arn(observed)))
    };
    let current: Vec<_> =
        if same.len() > 1 { same.into_iter().filter(|(_, observed)| in_use(observed)).collect() } else { same };
    match current.as_slice() {
        [(one, _)] if *one == address => Address::new(address.kind, name),
        _ => address.clone(),
    }
}

/// What an object offers: published parameters by their own name, everything else by address and attribute.
fn named(address: &Address, observed: &Observed) -> Vec<(String, String)> {
    match address.kind {
        Kind::Parameter => {
            let value = observed.outputs.get("Value");
            value.map(|value| (address.name.clone(), value.clone())).into_iter().collect()
        }
        _ => observed
            .outputs
            .iter()
            .filter(|(attribute, value)| !value.is_empty() && !matches!(attribute.as_str(), "Content" | "Listing"))
            .map(|(attribute, value)| (format!("{address}.{attribute}"), value.clone()))
            .collect(),
    }
}
