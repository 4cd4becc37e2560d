//! The JSON Schema of a config, made from the typed definitions.
//!
//! It comes in two forms. The strict one is what configs are checked against once their references are filled in. The
//! published one is for editors: there every place also accepts a reference, since a value may come from one.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{DeploymentBlock, DomainConfig, PathSuppression};

/// The root of a config's YAML.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigInYaml {
    /// The environment that this config is for. Extension: MDAA takes it from mdaa.yaml.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub(super) deployment: DeploymentBlock,
    /// The Studio domain, its users and everything around it.
    pub(super) domain: DomainConfig,
    /// Findings of the security gate that are accepted.
    #[serde(default)]
    pub(super) nag_suppressions: NagSuppressions,
}

/// Findings of the security gate that are accepted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NagSuppressions {
    /// By the path of one of MDAA's constructs.
    pub(super) by_path: Vec<PathSuppression>,
}

/// The schema that configs are checked against.
pub(super) fn strict() -> &'static Json {
    static STRICT: OnceLock<Json> = OnceLock::new();
    STRICT.get_or_init(without_nulls::<ConfigInYaml>)
}

/// The draft 7 schema of a type, in which optional members may be left out but not be null.
pub(super) fn without_nulls<T: JsonSchema>() -> Json {
    let settings = SchemaSettings::draft07().with_transform(NoNulls);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The schema for editors, as JSON text with a line end.
///
/// # Panics
/// Never: a schema is plain data.
pub fn published() -> String {
    let mut schema = strict().clone();
    allow_references(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), json!("studio-deploy config"));
        root.insert(
            "description".into(),
            json!("A SageMaker Studio environment, in the format of MDAA's sm-studio-domain. Keys with x-extension are not MDAA's."),
        );
        if let Some(definitions) = root.get_mut("definitions").and_then(Json::as_object_mut) {
            definitions.insert("Reference".into(), reference());
        }
    }
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    text
}

fn reference() -> Json {
    json!({
        "description": "A value that comes from elsewhere: `{{context:…}}`, `{{env_var:…}}` or an SSM parameter.",
        "type": "string",
        "pattern": "\\{\\{|^(ssm|ssm-org|ssm-domain|ssm-env|generated-role-id|generated-role-arn):",
    })
}

/// Optional members may be left out, but not be null.
#[derive(Clone, Debug)]
struct NoNulls;

impl Transform for NoNulls {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(members) = schema.as_object_mut() else { return };
        if let Some(Json::Array(types)) = members.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                members.insert("type".into(), only);
            }
        }
        if let Some(Json::Array(choices)) = members.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
            if choices.len() == 1 {
                members.remove("anyOf").map(|choices| choices[0].clone()).into_iter().for_each(|only| {
                    // Draft 7 ignores what stands beside `$ref`, hence a list of one.
                    members.insert("allOf".into(), json!([only]));
                });
            }
        }
        if members.get("default").is_some_and(Json::is_null) {
            members.remove("default");
        }
        // Formats such as `int64` are not of JSON Schema and editors warn of them.
        members.remove("format");
    }
}

/// Lets each member, element and map value that is not plain text be a reference too.
fn allow_references(schema: &mut Json) {
    let Some(members) = schema.as_object_mut() else { return };
    for group in ["properties", "definitions"] {
        if let Some(children) = members.get_mut(group).and_then(Json::as_object_mut) {
            for (_, child) in children.iter_mut() {
                allow_references(child);
                if group == "properties" {
                    or_reference(child);
                }
            }
        }
    }
    for group in ["items", "additionalProperties"] {
        if let Some(child) = members.get_mut(group).filter(|child| child.is_object()) {
            allow_references(child);
            or_reference(child);
        }
    }
}

fn or_reference(schema: &mut Json) {
    let Some(members) = schema.as_object_mut() else { return };
    let limits = ["enum", "minLength", "maxLength", "pattern"];
    let plain_text =
        members.get("type").is_some_and(|kind| kind == "string") && !limits.iter().any(|l| members.contains_key(*l));
    let anything = !["type", "allOf", "$ref", "oneOf"].iter().any(|kind| members.contains_key(*kind));
    if plain_text || anything {
        return;
    }
    // What editors show stays outside; what restricts goes into the alternative.
    let mut restricted = serde_json::Map::new();
    let outside = ["description", "default", "examples", "x-extension", "title"];
    let keys: Vec<String> = members.keys().filter(|key| !outside.contains(&key.as_str())).cloned().collect();
    for key in keys {
        if let Some(value) = members.shift_remove(&key) {
            restricted.insert(key, value);
        }
    }
    members.insert("anyOf".into(), json!([restricted, {"$ref": "#/definitions/Reference"}]));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    #[test]
    #[expect(clippy::disallowed_methods, reason = "who wants it written anew says so in the environment")]
    fn the_published_schema_is_fresh() {
        let path = Path::new(REPOSITORY).join("schema/config.json");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, published()).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == published(), "schema/config.json is stale: run `UPDATE_SCHEMA=1 cargo test --lib schema`");
    }

    #[test]
    fn samples_and_published_samples_validate() {
        let schema: Json = serde_json::from_str(&published()).unwrap();
        let validator = jsonschema::draft7::new(&schema).unwrap();
        let root = Path::new(REPOSITORY);
        for folder in ["tests/fixtures/mdaa", "samples"] {
            for name in ["minimal", "comprehensive", "sso"] {
                let path = root.join(folder).join(format!("{name}.yaml"));
                let text = std::fs::read_to_string(&path).unwrap();
                let tree = super::super::yaml::parse(name, &text, &|_| Err("nothing".into())).unwrap();
                let errors: Vec<_> =
                    validator.iter_errors(&tree.to_json()).map(|e| format!("{}: {e}", e.instance_path())).collect();
                assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
            }
        }
    }

    #[test]
    fn references_are_allowed_and_mistakes_are_not() {
        let schema: Json = serde_json::from_str(&published()).unwrap();
        let validator = jsonschema::draft7::new(&schema).unwrap();
        let base = |key: &str, value: Json| {
            let mut config = json!({"domain": {"authMode": "IAM", "vpcId": "v", "subnetIds": ["s"]}});
            config["domain"][key] = value;
            validator.is_valid(&config)
        };
        assert!(base("subnetIds", json!("{{context:subnets}}")));
        assert!(base("authMode", json!("{{context:mode}}")));
        assert!(base("protect", json!("{{context:protect}}")));
        assert!(base("userProfiles", json!({"a": {}})));
        assert!(!base("authMode", json!("iam")));
        assert!(!base("vpcid", json!("x")));
        assert!(!base("vpcId", json!(1)));
        assert!(!base("userProfiles", json!({"a": null})));
    }
}
