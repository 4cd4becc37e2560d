//! JSON Schemas of what is written for machines.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

/// The schema of `T`, in draft 7: editors read nothing newer.
pub fn of<T: JsonSchema>() -> Json {
    let mut schema = SchemaSettings::draft07().for_serialize().into_generator().into_root_schema_for::<T>().to_value();
    // What kind of schema it is belongs on the first lines, where people look for it.
    if let Some(members) = schema.as_object_mut() {
        for name in ["title", "$schema"] {
            if let Some(value) = members.remove(name) {
                members.shift_insert(0, name.into(), value);
            }
        }
    }
    schema
}

/// A schema as the text of its file.
pub fn text(schema: &Json) -> String {
    format!("{schema:#}\n")
}

/// The schema of plans as data, [`crate::plan::saved::SavedPlans`].
pub fn plan() -> Json {
    of::<crate::plan::saved::SavedPlans>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::events;

    /// Each schema in `schema/` must be what the types say; `UPDATE_SCHEMAS=1` writes them.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "who wants them written anew says so in the environment")]
    fn published_schemas_are_up_to_date() {
        for (kind, schema) in [("plan", plan()), ("events", events::schema())] {
            let file = format!("{}/schema/{kind}.json", env!("CARGO_MANIFEST_DIR"));
            let text = text(&schema);
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                std::fs::write(&file, &text).unwrap();
            }
            let published = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(published == text, "stale: run `studio-deploy schema --kind {kind} > schema/{kind}.json`");
        }
    }
}
