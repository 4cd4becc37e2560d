//! References to roles that exist already.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A role that exists already, named by its id, ARN or name.
///
/// An id alone is used as it is; what is needed beyond that is looked up. Whatever is given has to be true of one role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["id"]}, {"required": ["arn"]}, {"required": ["name"]}]))]
pub struct RoleReference {
    /// The role's unique id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["AROAEXAMPLEEXAMPLE123", "generated-role-id:data-admin"]))]
    pub id: Option<String>,
    /// The role's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["arn:{{partition}}:iam::{{account}}:role/data-admin"]))]
    pub arn: Option<String>,
    /// The role's name, or with `sso` the name of an Identity Center permission set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A name for this reference; MDAA needs it to tell references apart, this tool does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_id: Option<String>,
    /// Whether no policy may be attached to the role.
    #[serde(default)]
    pub immutable: bool,
    /// Whether `name` is an Identity Center permission set; implies `immutable`.
    #[serde(default)]
    pub sso: bool,
}

impl RoleReference {
    /// Returns `true` if the role may not be changed: AWS itself refuses changes to the roles of permission sets.
    pub fn is_immutable(&self) -> bool {
        self.immutable || self.sso
    }

    /// Drops empty texts, which MDAA takes for absent.
    pub(super) fn drop_empty(&mut self) {
        for text in [&mut self.id, &mut self.arn, &mut self.name] {
            text.take_if(|text| text.is_empty());
        }
    }

    /// Returns `true` if anything says which role is meant.
    pub fn is_anchored(&self) -> bool {
        self.id.is_some() || self.arn.is_some() || self.name.is_some()
    }
}
