//! `permissions`: the IAM policy that is needed, from what each kind says that its verbs call.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::args::{Format, Global, PermissionsArgs, Purpose};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::{Loaded, load};
use super::surroundings::Surroundings;
use crate::model::Deployment;
use crate::resource::Names;
use crate::resource::permissions::{Grant, all};
use crate::ui::{Screen, table};

pub(super) fn run(
    args: &PermissionsArgs,
    global: &Global,
    screen: &Screen,
    surroundings: &Surroundings,
) -> Result<Exit, Failure> {
    let deployments = load(&args.files, global, surroundings, screen.notes_paint().is_colored())?.deployments;
    let mut grants = Vec::new();
    for loaded in &deployments {
        let deployment = deployment(loaded);
        let names = Names::new(&deployment).map_err(|error| {
            Failure::new(&codes::INVALID_IDENTITY, error.to_string()).help("choose other names for the deployment")
        })?;
        grants.extend(all(&deployment, &names));
    }
    let by_resources = merged(&grants, args.purpose);
    let text = match global.output.format() {
        Format::Json => format!("{:#}\n", document(&by_resources)),
        _ => {
            let rows = by_resources
                .iter()
                .flat_map(|(resources, actions)| actions.iter().map(|action| (action.clone(), resources.join(" "))));
            let mut rows: Vec<(String, String)> = rows.collect();
            rows.sort();
            table::render(&rows, table::ValueFormat::Table)
        }
    };
    screen.data(&text)?;
    Ok(Exit::Success)
}

/// Where it would be deployed to; what nobody says can be anything.
fn deployment(loaded: &Loaded) -> Deployment {
    let names = loaded.names.clone();
    Deployment {
        org: names.org,
        env: names.env,
        domain: names.domain,
        module: names.module,
        account: loaded.account.clone().unwrap_or_else(|| "*".into()),
        region: loaded.region.clone().unwrap_or_else(|| "*".into()),
        // IAM takes no wildcard for the partition, and the region says which it is.
        partition: match loaded.region.as_deref() {
            Some(region) if region.starts_with("cn-") => "aws-cn".into(),
            Some(region) if region.starts_with("us-gov-") => "aws-us-gov".into(),
            _ => "aws".into(),
        },
    }
}

fn merged(grants: &[Grant], purpose: Option<Purpose>) -> BTreeMap<Vec<String>, BTreeSet<String>> {
    let mut merged: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for grant in grants {
        let actions: Vec<&str> = match purpose {
            Some(Purpose::Plan) => grant.read.to_vec(),
            Some(Purpose::Apply) | None => [grant.read, grant.write, grant.delete].concat(),
            Some(Purpose::Destroy) => [grant.read, grant.delete].concat(),
        };
        if !actions.is_empty() {
            let actions = actions.into_iter().map(str::to_owned);
            merged.entry(grant.resources.clone()).or_default().extend(actions);
        }
    }
    merged
}

fn document(by_resources: &BTreeMap<Vec<String>, BTreeSet<String>>) -> Json {
    let statements = by_resources
        .iter()
        .map(|(resources, actions)| json!({ "Effect": "Allow", "Action": actions, "Resource": resources }));
    json!({ "Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>() })
}
