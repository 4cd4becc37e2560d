//! Resolution of a document to a config: references filled in, schema checked, meaning checked.

use std::collections::BTreeMap;

use super::diagnostic::Diagnostics;
use super::document::Document;
use super::schema::{self, ConfigInYaml};
use super::template::{self, Context, Parameter, ParameterName, Parameters, Stage};
use super::{Config, checks, schema_check};
use crate::model::Source;

/// A valid config with its warnings.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidConfig {
    /// The config.
    pub config: Config,
    /// Warnings, and values that AWS would refuse.
    pub warnings: Diagnostics,
}

/// A config as far as it can be read, with all diagnostics.
///
/// A placeholder stands in for each wrong value, so that later checks still find the other mistakes.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed {
    /// The config, unless it cannot be read at all.
    pub config: Option<Config>,
    /// Mistakes, warnings, and values that AWS would refuse.
    pub diagnostics: Diagnostics,
    /// Every SSM parameter that the document refers to, and where.
    pub needs: Vec<(ParameterName, Source)>,
}

/// The document with all references filled in that need no AWS; the others stay as written.
pub fn filled_in(document: &Document, context: &Context) -> serde_json::Value {
    template::expand(document.tree(), context, Parameters::Unknown, Stage::Module).tree.to_json()
}

/// The config that a document describes, or all its mistakes.
pub fn resolve(
    document: &Document,
    context: &Context,
    parameters: Option<&BTreeMap<ParameterName, Parameter>>,
) -> Result<ValidConfig, Diagnostics> {
    let Reviewed { config, diagnostics, .. } = review(document, context, parameters);
    match config {
        Some(config) if !diagnostics.has_errors() => Ok(ValidConfig { config, warnings: diagnostics }),
        _ => Err(diagnostics),
    }
}

/// All mistakes of a document, and the config as far as it can be read.
///
/// Without `parameters` references to SSM parameters stay as they are written, and checks pass over values that hold one.
pub fn review(
    document: &Document,
    context: &Context,
    parameters: Option<&BTreeMap<ParameterName, Parameter>>,
) -> Reviewed {
    let parameters = parameters.map_or(Parameters::Unknown, Parameters::Known);
    let expanded = template::expand(document.tree(), context, parameters, Stage::Module);
    let mut diagnostics = expanded.diagnostics;
    let needs = expanded.needs.into_iter().map(|(name, span)| (name, span.source)).collect();
    let checked = schema_check::check(schema::strict(), "", &expanded.tree, &[]);
    diagnostics.extend(checked.diagnostics);
    let yaml: ConfigInYaml = match schema_check::read(checked.json) {
        Ok(yaml) => yaml,
        Err(mistakes) => {
            // What stands in for something wrong need not fit, which is no news.
            if !diagnostics.has_errors() {
                diagnostics.extend(mistakes);
            }
            return Reviewed { config: None, diagnostics, needs };
        }
    };
    let sources = checked.spans.iter().map(|(path, spans)| (path.clone(), spans.key.source.clone())).collect();
    let mut tags = yaml.deployment.tags.clone();
    tags.extend(context.tags.clone());
    let mut config = Config {
        tags,
        deployment: yaml.deployment,
        domain: yaml.domain,
        nag_suppressions: yaml.nag_suppressions.by_path,
        sources,
    };
    config.domain.apply_defaults();
    diagnostics.extend(checks::review(&mut config, &checked.spans, context));
    Reviewed { config: Some(config), diagnostics, needs }
}
