//! The settings of users, spaces and the domain: one typed definition of each member of the SageMaker API.
//!
//! The field names give everything else: serde makes the YAML (camel case) of them, [`wire`] the API's JSON, schemars the
//! published JSON Schema, and the schema is what configs are checked against. A member that AWS restricts to certain
//! words stays text here, since AWS may learn new words; the words known today are in the schema as `enum`, marked
//! `x-aws`, so that an unknown one is reported as something that AWS would refuse.

use serde_json::{Map, Value as Json, json};

/// Declares structs of optional members in the API's shape.
macro_rules! settings {
    ($($(#[$attribute:meta])* struct $name:ident { $($(#[$field_attribute:meta])* $field:ident: $kind:ty,)* })*) => { $(
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        $(#[$attribute])*
        pub struct $name { $(
            $(#[$field_attribute])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$kind>,
        )* }

        impl $name {
            /// The settings as the API's JSON.
            ///
            /// # Panics
            /// Never: the members are text, numbers and lists, which always serialise.
            pub fn wire(&self) -> Json {
                wire(serde_json::to_value(self).expect("settings are plain data"))
            }
        }
    )* };
}

mod apps;
mod canvas;
mod domain;
mod user;

pub use apps::*;
pub use canvas::*;
pub use domain::*;
pub use user::*;

/// The schema of list items that AWS restricts to certain words.
fn one_of(words: &[&str]) -> Json {
    json!({"type": "string", "enum": words, "x-aws": true})
}

/// YAML names whose API name is not theirs with a capital first letter.
const IRREGULAR: [(&str, &str); 2] =
    [("efsFileSystemConfig", "EFSFileSystemConfig"), ("fsxLustreFileSystemConfig", "FSxLustreFileSystemConfig")];

/// The API's JSON of camel-case settings: every member's first letter becomes a capital.
pub fn wire(settings: Json) -> Json {
    match settings {
        Json::Object(members) => Json::Object(
            members.into_iter().map(|(name, value)| (wire_name(&name), wire(value))).collect::<Map<_, _>>(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(wire).collect()),
        scalar => scalar,
    }
}

fn wire_name(name: &str) -> String {
    if let Some((_, api)) = IRREGULAR.iter().find(|(yaml, _)| *yaml == name) {
        return (*api).into();
    }
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_has_the_apis_names() {
        let settings: UserSettings = serde_json::from_value(json!({
            "sharingSettings": {"s3KmsKeyId": "k", "s3OutputPath": "s3://b"},
            "rSessionAppSettings": {"defaultResourceSpec": {"sageMakerImageArn": "a"}},
            "rStudioServerProAppSettings": {"userGroup": "R_STUDIO_USER"},
            "jupyterLabAppSettings": {"lifecycleConfigArns": [], "customImages": [
                {"imageName": "i", "appImageConfigName": "c", "imageVersionNumber": 0}]},
            "canvasAppSettings": {"identityProviderOAuthSettings": [{"secretArn": "s"}]},
            "customFileSystemConfigs": [
                {"efsFileSystemConfig": {"fileSystemId": "fs-1"}},
                {"fsxLustreFileSystemConfig": {"fileSystemId": "fs-2"}},
                {"s3FileSystemConfig": {"s3Uri": "s3://b"}}],
            "autoMountHomeEFS": "Enabled",
        }))
        .unwrap();
        assert_eq!(
            settings.wire(),
            json!({
                "SharingSettings": {"S3OutputPath": "s3://b", "S3KmsKeyId": "k"},
                "RStudioServerProAppSettings": {"UserGroup": "R_STUDIO_USER"},
                "RSessionAppSettings": {"DefaultResourceSpec": {"SageMakerImageArn": "a"}},
                "CanvasAppSettings": {"IdentityProviderOAuthSettings": [{"SecretArn": "s"}]},
                "JupyterLabAppSettings": {
                    "CustomImages": [{"AppImageConfigName": "c", "ImageName": "i", "ImageVersionNumber": 0}],
                    "LifecycleConfigArns": []},
                "CustomFileSystemConfigs": [
                    {"EFSFileSystemConfig": {"FileSystemId": "fs-1"}},
                    {"FSxLustreFileSystemConfig": {"FileSystemId": "fs-2"}},
                    {"S3FileSystemConfig": {"S3Uri": "s3://b"}}],
                "AutoMountHomeEFS": "Enabled",
            })
        );
    }

    #[test]
    fn unset_members_are_absent() {
        assert_eq!(UserSettings::default().wire(), json!({}));
        assert_eq!(DomainSettings::default().wire(), json!({}));
    }
}
