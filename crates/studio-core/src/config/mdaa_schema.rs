//! The schema of mdaa.yaml, for checking; [`super::mdaa`] reads its meaning.
//!
//! Blocks that only concern MDAA's own machinery may hold anything.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde_json::{Map, Value as Json};

/// A mapping of any content.
type Anything = Map<String, Json>;

/// The schema that mdaa.yaml is checked against.
pub(super) fn schema() -> &'static Json {
    static SCHEMA: OnceLock<Json> = OnceLock::new();
    SCHEMA.get_or_init(super::schema::without_nulls::<Mdaa>)
}

macro_rules! shapes {
    ($($(#[$attribute:meta])* struct $name:ident { $($(#[$field_attribute:meta])* $field:ident: $kind:ty,)* })*) => { $(
        $(#[$attribute])*
        #[derive(JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its schema is used")]
        struct $name { $( $(#[$field_attribute])* $field: $kind, )* }
    )* };
}

shapes! {
    /// The root of an mdaa.yaml.
    struct Mdaa {
        organization: String,
        domains: IndexMap<String, Domain>,
        region: Option<String>,
        account: Option<String>,
        context: Option<Anything>,
        tag_configs: Option<Vec<String>>,
        tag_config_data: Option<BTreeMap<String, String>>,
        env_templates: Option<IndexMap<String, Environment>>,
        mdaa_version: Option<String>,
        naming_module: Option<String>,
        naming_class: Option<String>,
        naming_props: Option<Anything>,
        custom_aspects: Option<Vec<Anything>>,
        permissions_boundary_arn: Option<String>,
        log_suppressions: Option<bool>,
        #[serde(rename = "useStaging")]
        use_staging: Option<bool>,
        devops: Option<Anything>,
        terraform: Option<Anything>,
    }

    /// A data domain of the organisation.
    struct Domain {
        environments: IndexMap<String, Environment>,
        context: Option<Anything>,
        tag_configs: Option<Vec<String>>,
        tag_config_data: Option<BTreeMap<String, String>>,
        env_templates: Option<IndexMap<String, Environment>>,
        mdaa_version: Option<String>,
        region: Option<String>,
        account: Option<String>,
        custom_aspects: Option<Vec<Anything>>,
        custom_naming: Option<Anything>,
        terraform: Option<Anything>,
        permissions_boundary_arn: Option<String>,
    }

    /// An environment, or a template of one.
    struct Environment {
        template: Option<String>,
        account: Option<String>,
        region: Option<String>,
        modules: Option<IndexMap<String, Module>>,
        context: Option<Anything>,
        tag_configs: Option<Vec<String>>,
        tag_config_data: Option<BTreeMap<String, String>>,
        mdaa_version: Option<String>,
        use_bootstrap: Option<bool>,
        custom_aspects: Option<Vec<Anything>>,
        custom_naming: Option<Anything>,
        terraform: Option<Anything>,
        permissions_boundary_arn: Option<String>,
    }

    /// A module of an environment.
    struct Module {
        module_path: Option<String>,
        cdk_app: Option<String>,
        #[schemars(extend("enum" = ["cdk", "tf"]))]
        module_type: Option<String>,
        module_configs: Option<Vec<String>>,
        module_config_data: Option<Anything>,
        app_configs: Option<Vec<String>>,
        app_config_data: Option<Anything>,
        context: Option<Anything>,
        tag_configs: Option<Vec<String>>,
        tag_config_data: Option<BTreeMap<String, String>>,
        mdaa_version: Option<String>,
        use_bootstrap: Option<bool>,
        custom_aspects: Option<Vec<Anything>>,
        custom_naming: Option<Anything>,
        allow_cross_reference_stack: Option<bool>,
        additional_accounts: Option<Vec<String>>,
        additional_stacks: Option<Vec<Anything>>,
        additional_context: Option<Anything>,
        terraform: Option<Anything>,
        mdaa_compliant: Option<bool>,
        predeploy: Option<Anything>,
        postdeploy: Option<Anything>,
    }
}
