//! The `domain:` block.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enums;
use super::lifecycle::{LifecycleConfig, LifecycleKind};
use super::roles::RoleReference;
use super::security_group::SecurityGroupRules;
use super::user_settings::{DomainSettings, SpaceSettings, UserSettings};

/// Where notebooks are shared unless the config says otherwise.
pub const DEFAULT_SHARING_PREFIX: &str = "sharing/";
/// Where lifecycle assets go unless the config says otherwise.
pub const DEFAULT_ASSET_PREFIX: &str = "lifecycle-assets";

/// How people sign in to the domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AuthMode {
    /// With IAM: every profile names the role that its user comes from.
    #[default]
    #[serde(rename = "IAM")]
    Iam,
    /// With IAM Identity Center: a profile's key is the user's name there.
    #[serde(rename = "SSO")]
    Sso,
}

impl AuthMode {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            AuthMode::Iam => "IAM",
            AuthMode::Sso => "SSO",
        }
    }
}

/// What becomes of something that holds data when the environment is destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnDestroy {
    /// It stays.
    #[default]
    Retain,
    /// It goes, with its data.
    Delete,
}

/// What becomes of data when the environment is destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RemovalPolicy {
    /// The file system with the users' home directories.
    pub home_efs: OnDestroy,
    /// The sharing bucket.
    pub bucket: OnDestroy,
    /// The customer managed key.
    pub kms_key: OnDestroy,
}

/// A bucket that exists already.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DomainBucket {
    /// The bucket's name.
    pub domain_bucket_name: String,
    /// The role that uploads lifecycle assets to it.
    pub asset_deployment_role: RoleReference,
}

/// One user of the domain.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UserProfile {
    /// The role from which the user opens Studio; mandatory with `authMode: IAM`, unused with `SSO`.
    pub user_role: Option<RoleReference>,
    /// The profile's name where the one derived from the user id does not serve. Extension.
    #[schemars(length(min = 1, max = 63), extend("x-extension" = true))]
    pub profile_name: Option<String>,
    /// Settings of this user that override the domain's. Extension.
    #[schemars(extend("x-extension" = true))]
    pub settings: UserSettings,
}

/// The domain and everything around it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DomainConfig {
    /// How people sign in.
    pub auth_mode: AuthMode,
    /// The VPC of the domain and of the security group made for it.
    #[schemars(length(min = 1, max = 32), extend("examples" = ["vpc-0123456789abcdef0", "ssm:/network/vpc/id"]))]
    pub vpc_id: String,
    /// The subnets of Studio apps.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 32)))]
    pub subnet_ids: Vec<String>,
    /// A security group to use instead of making one; the rules below are then ignored.
    #[serde(default)]
    #[schemars(length(min = 1, max = 32))]
    pub security_group_id: Option<String>,
    /// What may reach Studio apps. Nothing but the group itself when absent.
    #[serde(default)]
    pub security_group_ingress: SecurityGroupRules,
    /// What Studio apps may reach. All IPv4 addresses when absent; any rule here restricts it.
    #[serde(default)]
    pub security_group_egress: SecurityGroupRules,
    /// A key to use instead of making one: its ARN, or the id or alias of one in the domain's account and region.
    #[serde(default)]
    #[schemars(length(max = 2048), extend("examples" = ["arn:{{partition}}:kms:{{region}}:{{account}}:key/…"]))]
    pub kms_key_arn: Option<String>,
    /// A role for Studio apps to use instead of making one.
    #[serde(default)]
    pub default_execution_role: Option<RoleReference>,
    /// Roles that may read and write the whole sharing bucket and use the key. Mandatory without `domainBucket`.
    #[serde(default)]
    pub data_admin_roles: Vec<RoleReference>,
    /// A bucket to use instead of making one.
    #[serde(default)]
    pub domain_bucket: Option<DomainBucket>,
    /// The users, by user id: the session name with `authMode: IAM`, the Identity Center user name with `SSO`.
    #[serde(default)]
    pub user_profiles: IndexMap<String, UserProfile>,
    /// Where in the bucket notebooks are shared.
    #[serde(default = "default_sharing_prefix")]
    pub notebook_sharing_prefix: String,
    /// Where in the bucket lifecycle assets go.
    #[serde(default = "default_asset_prefix")]
    pub asset_prefix: String,
    /// Scripts that run whenever an app starts.
    #[serde(default)]
    #[schemars(with = "LifecycleConfigsInYaml")]
    pub lifecycle_configs: BTreeMap<LifecycleKind, LifecycleConfig>,
    /// Memory of the Lambda function with which MDAA copies assets; accepted and unused, as there is none here.
    #[serde(default, rename = "assetDeploymentMemoryLimitMB")]
    pub asset_deployment_memory_limit_mb: Option<f64>,
    /// What Studio offers its users.
    #[serde(default)]
    pub default_user_settings: UserSettings,
    /// What shared spaces start with. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub default_space_settings: Option<SpaceSettings>,
    /// What holds for the domain as a whole. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub domain_settings: Option<DomainSettings>,
    /// How apps reach the network; `VpcOnly` when absent. Extension.
    #[serde(default)]
    #[schemars(extend("enum" = enums::NETWORK_ACCESS, "x-aws" = true, "x-extension" = true))]
    pub app_network_access_type: Option<String>,
    /// Who makes the security groups between apps; only with RStudio. Extension.
    #[serde(default)]
    #[schemars(extend("enum" = enums::GROUP_MANAGEMENT, "x-aws" = true, "x-extension" = true))]
    pub app_security_group_management: Option<String>,
    /// Whether the tags of domain, space and profile go on to jobs. Extension.
    #[serde(default)]
    #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true, "x-extension" = true))]
    pub tag_propagation: Option<String>,
    /// The domain's name where MDAA's does not serve. Extension.
    #[serde(default)]
    #[schemars(length(min = 1, max = 63), extend("x-extension" = true))]
    pub domain_name: Option<String>,
    /// Tags of everything that is made for the domain. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub tags: BTreeMap<String, String>,
    /// What becomes of data when the environment is destroyed; everything stays when absent. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub removal_policy: RemovalPolicy,
    /// Whether to refuse to destroy or replace the domain. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub protect: bool,
}

impl DomainConfig {
    /// Puts the defaults in the place of empty prefixes, which count as absent in MDAA, as empty role references do.
    pub(super) fn apply_defaults(&mut self) {
        let assets = self.domain_bucket.iter_mut().map(|bucket| &mut bucket.asset_deployment_role);
        let users = self.user_profiles.values_mut().filter_map(|profile| profile.user_role.as_mut());
        let roles = self.default_execution_role.iter_mut().chain(&mut self.data_admin_roles).chain(assets).chain(users);
        roles.for_each(RoleReference::drop_empty);
        if self.notebook_sharing_prefix.is_empty() {
            self.notebook_sharing_prefix = default_sharing_prefix();
        }
        if self.asset_prefix.is_empty() {
            self.asset_prefix = default_asset_prefix();
        }
    }

    /// The profile's name: its own, or the one derived from the user id.
    pub fn profile_name(&self, user_id: &str) -> String {
        let own = self.user_profiles.get(user_id).and_then(|profile| profile.profile_name.clone());
        own.unwrap_or_else(|| crate::naming::derive_profile_name(user_id))
    }
}

/// The YAML shape of the lifecycle configs.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct LifecycleConfigsInYaml {
    /// Runs when Studio Classic's Jupyter server starts.
    #[serde(default)]
    jupyter: Option<LifecycleConfig>,
    /// Runs when JupyterLab starts.
    #[serde(default)]
    jupyter_lab: Option<LifecycleConfig>,
    /// Runs when a kernel of Studio Classic starts.
    #[serde(default)]
    kernel: Option<LifecycleConfig>,
}

fn default_sharing_prefix() -> String {
    DEFAULT_SHARING_PREFIX.into()
}

fn default_asset_prefix() -> String {
    DEFAULT_ASSET_PREFIX.into()
}
