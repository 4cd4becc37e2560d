//! The `domain:` block of a config, as typed values.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enums;
use super::lifecycle::{LifecycleConfig, LifecycleKind};
use super::roles::RoleReference;
use super::security_group::SecurityGroupRules;
use super::user_settings::{DomainSettings, SpaceSettings, UserSettings};

/// Default prefix of shared notebooks in the bucket.
pub const DEFAULT_SHARING_PREFIX: &str = "sharing/";
/// Default prefix of lifecycle assets in the bucket.
pub const DEFAULT_ASSET_PREFIX: &str = "lifecycle-assets";

/// Sign-in to the domain: IAM or IAM Identity Center.
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
    /// The mode in the API's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            AuthMode::Iam => "IAM",
            AuthMode::Sso => "SSO",
        }
    }
}

/// Treatment of a resource that holds data when the environment is destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnDestroy {
    /// Keep it, and all data in it.
    #[default]
    Retain,
    /// Delete it together with its data.
    Delete,
}

/// Treatment of each resource that holds data when the environment is destroyed.
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

/// An existing bucket to use instead of creating one.
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
    /// The profile's name, if not the one derived from the user id. Extension.
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
    /// How users sign in: `IAM` or `SSO`.
    pub auth_mode: AuthMode,
    /// The VPC of the domain and of the security group created for it.
    #[schemars(length(min = 1, max = 32), extend("examples" = ["vpc-0123456789abcdef0", "ssm:/network/vpc/id"]))]
    pub vpc_id: String,
    /// The subnets of Studio apps.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 32)))]
    pub subnet_ids: Vec<String>,
    /// A security group to use instead of creating one; the rules below are then ignored.
    #[serde(default)]
    #[schemars(length(min = 1, max = 32))]
    pub security_group_id: Option<String>,
    /// Inbound rules of Studio apps. Only the group itself may connect when absent.
    #[serde(default)]
    pub security_group_ingress: SecurityGroupRules,
    /// Outbound rules of Studio apps. All IPv4 addresses when absent; any rule here restricts them.
    #[serde(default)]
    pub security_group_egress: SecurityGroupRules,
    /// A key to use instead of creating one: its ARN, or the id or alias of one in the domain's account and region.
    #[serde(default)]
    #[schemars(length(max = 2048), extend("examples" = ["arn:{{partition}}:kms:{{region}}:{{account}}:key/…"]))]
    pub kms_key_arn: Option<String>,
    /// A role for Studio apps to use instead of creating one.
    #[serde(default)]
    pub default_execution_role: Option<RoleReference>,
    /// Roles that may read and write the whole sharing bucket and use the key. Mandatory without `domainBucket`.
    #[serde(default)]
    pub data_admin_roles: Vec<RoleReference>,
    /// A bucket to use instead of creating one.
    #[serde(default)]
    pub domain_bucket: Option<DomainBucket>,
    /// The users, by user id: the session name with `authMode: IAM`, the Identity Center user name with `SSO`.
    #[serde(default)]
    pub user_profiles: IndexMap<String, UserProfile>,
    /// Prefix of shared notebooks in the bucket.
    #[serde(default = "default_sharing_prefix")]
    pub notebook_sharing_prefix: String,
    /// Prefix of lifecycle assets in the bucket.
    #[serde(default = "default_asset_prefix")]
    pub asset_prefix: String,
    /// Scripts that run whenever an app starts.
    #[serde(default)]
    #[schemars(with = "LifecycleConfigsInYaml")]
    pub lifecycle_configs: BTreeMap<LifecycleKind, LifecycleConfig>,
    /// Memory of the Lambda function with which MDAA copies assets; accepted and unused, as there is none here.
    #[serde(default, rename = "assetDeploymentMemoryLimitMB")]
    pub asset_deployment_memory_limit_mb: Option<f64>,
    /// Default settings of the domain's users.
    #[serde(default)]
    pub default_user_settings: UserSettings,
    /// Default settings of shared spaces. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub default_space_settings: Option<SpaceSettings>,
    /// Settings of the domain as a whole. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub domain_settings: Option<DomainSettings>,
    /// Network access of apps; `VpcOnly` when absent. Extension.
    #[serde(default)]
    #[schemars(extend("enum" = enums::NETWORK_ACCESS, "x-aws" = true, "x-extension" = true))]
    pub app_network_access_type: Option<String>,
    /// Who creates the security groups between apps; only with RStudio. Extension.
    #[serde(default)]
    #[schemars(extend("enum" = enums::GROUP_MANAGEMENT, "x-aws" = true, "x-extension" = true))]
    pub app_security_group_management: Option<String>,
    /// Whether jobs inherit the tags of domain, space and profile. Extension.
    #[serde(default)]
    #[schemars(extend("enum" = enums::SWITCH, "x-aws" = true, "x-extension" = true))]
    pub tag_propagation: Option<String>,
    /// The domain's name, if not MDAA's. Extension.
    #[serde(default)]
    #[schemars(length(min = 1, max = 63), extend("x-extension" = true))]
    pub domain_name: Option<String>,
    /// Tags of everything that is created for the domain. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub tags: BTreeMap<String, String>,
    /// What to do with data when the environment is destroyed; everything is kept when absent. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub removal_policy: RemovalPolicy,
    /// Whether to refuse to destroy or replace the domain. Extension.
    #[serde(default)]
    #[schemars(extend("x-extension" = true))]
    pub protect: bool,
}

impl DomainConfig {
    /// Replaces empty prefixes by the defaults and drops empty role references: MDAA takes both for absent.
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

/// YAML schema of the lifecycle configs, which are a map in the typed config.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct LifecycleConfigsInYaml {
    /// Script that runs when Studio Classic's Jupyter server starts.
    #[serde(default)]
    jupyter: Option<LifecycleConfig>,
    /// Script that runs when JupyterLab starts.
    #[serde(default)]
    jupyter_lab: Option<LifecycleConfig>,
    /// Script that runs when a kernel of Studio Classic starts.
    #[serde(default)]
    kernel: Option<LifecycleConfig>,
}

fn default_sharing_prefix() -> String {
    DEFAULT_SHARING_PREFIX.into()
}

fn default_asset_prefix() -> String {
    DEFAULT_ASSET_PREFIX.into()
}
