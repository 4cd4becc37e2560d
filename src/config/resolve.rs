//! From a document to a config: references filled in, shape checked, sense checked.

use std::collections::BTreeMap;

use super::diagnostic::Diagnostics;
use super::document::Document;
use super::schema::{self, ConfigInYaml};
use super::template::{self, Context, Parameter, ParameterName, Parameters, Stage};
use super::{Config, checks, shape};
use crate::model::Source;

/// A config and what is worth knowing about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The config.
    pub config: Config,
    /// Warnings, and values that AWS would refuse.
    pub warnings: Diagnostics,
}

/// Every SSM parameter that a document refers to, and where.
pub fn needs(document: &Document, context: &Context) -> Result<Vec<(ParameterName, Source)>, Diagnostics> {
    let expanded = template::expand(document.tree(), context, Parameters::Unknown, Stage::Module);
    if expanded.diagnostics.has_errors() {
        return Err(expanded.diagnostics);
    }
    Ok(expanded.needs.into_iter().map(|(name, place)| (name, place.source)).collect())
}

/// The document with every reference filled in that needs no AWS; the others stay as they are written.
pub fn filled_in(document: &Document, context: &Context) -> serde_json::Value {
    template::expand(document.tree(), context, Parameters::Unknown, Stage::Module).tree.to_json()
}

/// The config that a document describes, or all that is wrong with it.
///
/// Without `parameters` references to SSM parameters stay as they are written, and checks pass over values that hold one.
pub fn resolve(
    document: &Document,
    context: &Context,
    parameters: Option<&BTreeMap<ParameterName, Parameter>>,
) -> Result<Resolved, Diagnostics> {
    let parameters = parameters.map_or(Parameters::Unknown, Parameters::Known);
    let expanded = template::expand(document.tree(), context, parameters, Stage::Module);
    let mut diagnostics = expanded.diagnostics;
    let checked = shape::check(schema::strict(), "", &expanded.tree, &[]);
    diagnostics.extend(checked.diagnostics);
    let yaml: ConfigInYaml = shape::read(checked.json)?;
    let sources = checked.places.iter().map(|(path, spot)| (path.clone(), spot.key.source.clone())).collect();
    let mut config = Config {
        tags: yaml.deployment.tags.clone(),
        deployment: yaml.deployment,
        domain: yaml.domain,
        nag_suppressions: yaml.nag_suppressions.by_path,
        sources,
    };
    config.domain.apply_defaults();
    diagnostics.extend(checks::review(&mut config, &checked.places, context));
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(Resolved { config, warnings: diagnostics }) }
}
