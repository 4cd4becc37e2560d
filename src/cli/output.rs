//! `output`: ids, ARNs, the domain's URL and what is published, as the account has them now.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::args::{Format, OutputArgs};
use super::run::{DeploymentResult, Run, Towards};
use crate::config::suggest::nearest;
use crate::deploy::Loaded;
use crate::deploy::fleet::AtOnce;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::model::{Address, Kind, Observed};
use crate::plan::Options;
use crate::ui::table;

pub(super) async fn run(args: &OutputArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let all = run.load_quietly(&args.files())?;
    run.each(all.deployments, "deployments", AtOnce::ONE, |loaded| one(loaded, args, run)).await
}

async fn one(loaded: Loaded, args: &OutputArgs, run: &Run<'_>) -> Result<DeploymentResult, Failure> {
    let mut connected = run.connect(loaded).await?;
    // Everything of ours there is, whatever the config says now.
    let planned = run.plan(&mut connected, &Options::default(), Towards::Nothing).await?;
    let steps = planned.plan.steps().iter().filter_map(|step| Some((step.address(), step.observed()?)));
    let found: Vec<(&Address, &Observed)> = steps.collect();
    let values: BTreeMap<String, String> =
        found.iter().flat_map(|(address, observed)| named(&lasting(address, &found), observed)).collect();
    if values.is_empty() {
        let summary = format!("{} does not exist in this account", connected.deployment());
        let failure = Failure::new(&codes::NOT_FOUND, summary);
        return Err(failure.help(format!("make it with {}", connected.caller.run("apply", &[]))));
    }
    let chosen: Vec<(String, String)> = match args.name() {
        None => values.into_iter().collect(),
        Some(name) => {
            let value = values.get(name).cloned().ok_or_else(|| {
                let near = nearest(name, values.keys().map(String::as_str));
                let near = near.map(|near| format!("is `{near}` meant? ")).unwrap_or_default();
                Failure::new(&codes::USAGE, format!("there is no output `{name}`"))
                    .help(format!("{near}{} lists them", connected.caller.run("output", &[])))
            })?;
            vec![(name.to_owned(), value)]
        }
    };
    let form = run.global.output.value_format();
    if let Some(name) = form.cannot_tell(&chosen) {
        let summary = format!("the value of `{name}` holds line ends, control characters or a command of a CI system");
        return Err(Failure::new(&codes::UNTELLABLE, summary).help("ask for it with `--format json`"));
    }
    let several = connected.loaded.is_one_of_several;
    if run.format() == Format::Json {
        let outputs: Json = chosen.into_iter().map(|(name, value)| (name, Json::String(value))).collect();
        let name = connected.deployment().to_string();
        let document = if several { json!({"deployment": name, "outputs": outputs}) } else { outputs };
        return Ok(DeploymentResult::shown(Exit::Success, String::new(), document));
    }
    if several {
        run.screen.note(&connected.deployment().to_string());
    }
    Ok(DeploymentResult::shown(Exit::Success, table::render(&chosen, form), Json::Null))
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

/// Outputs of an object: published parameters by their own name, everything else by address and attribute.
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
