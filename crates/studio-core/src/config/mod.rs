//! Configs: the way from the text of YAML files to typed, checked values.
//!
//! [`Document::parse`] reads files into one tree that knows where everything stands; [`Document::deployment_block`] says
//! which environment it is for; [`review()`] fills in every reference, checks everything, collects all mistakes at once and
//! lists the SSM parameters that it refers to; [`resolve()`] takes nothing but a valid config.
//!
//! Architecture invariant: pure. Callers hand in texts, values and the environment; nothing here reads a file, asks AWS
//! or looks at a clock.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::Source;

mod checks;
pub mod codes;
pub mod diagnostic;
pub mod document;
pub mod domain;
mod patterns;
mod identity;
pub mod lifecycle;
pub mod mdaa;
mod mdaa_schema;
mod parameter_name;
pub mod resolve;
pub mod roles;
pub mod schema;
pub mod security_gate;
pub mod security_group;
mod schema_check;
pub mod suggest;
pub mod template;
pub mod tree;
pub mod user_settings;
pub mod enums;
pub mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics, LabeledSpan, Severity, Span};
pub use document::{Document, InputFile};

pub use domain::{AuthMode, DomainBucket, DomainConfig, OnDestroy, RemovalPolicy, UserProfile};
pub use lifecycle::{Asset, LifecycleConfig, LifecycleKind};
pub use resolve::{Reviewed, ValidConfig, filled_in, resolve, review};
pub use roles::RoleReference;
pub use security_group::{SecurityGroupRule, SecurityGroupRules, Suppression};
pub use template::{Context, Parameter, ParameterKind, ParameterName};
pub use user_settings::{DomainSettings, SpaceSettings, UserSettings};

/// A whole config: valid but for what AWS may refuse.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which environment the files say they are for.
    pub deployment: DeploymentBlock,
    /// What should exist.
    pub domain: DomainConfig,
    /// Findings of the security gate that are accepted by construct path.
    pub nag_suppressions: Vec<PathSuppression>,
    /// Tags of everything, without MDAA's own: those of `deployment`, then those of an mdaa.yaml.
    pub tags: BTreeMap<String, String>,
    sources: BTreeMap<Vec<String>, Source>,
}

impl Config {
    /// The source of the value at a path of keys (list indices as text): its own, or its nearest ancestor's.
    pub fn source(&self, path: &[&str]) -> Option<&Source> {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        (0..=path.len()).rev().find_map(|length| self.sources.get(&path[..length]))
    }
}

/// The `deployment:` block: which environment the files are for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentBlock {
    /// The organisation's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// The data domain's name; not the Studio domain's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The environment's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// The module's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The account that this may be deployed to; in quotes, since it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["123456789012"]))]
    pub account: Option<String>,
    /// The region that this may be deployed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Tags of everything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Values for `{{context:…}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, Json>,
}

/// Findings of the security gate that are accepted for one construct of MDAA.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathSuppression {
    /// The construct's path; `/<org>-<env>-<domain>-<module>/security-group/Resource` is the security group.
    pub path: String,
    /// What is accepted.
    pub suppressions: Vec<AcceptedFinding>,
}

/// A finding and why it is accepted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedFinding {
    /// The finding's id.
    pub id: String,
    /// Why it is accepted.
    pub reason: String,
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
