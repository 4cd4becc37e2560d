//! Every name of an environment, made once and checked once.

use super::{InvalidName, NamingConvention};
use crate::model::Deployment;

/// The names of one environment's objects, by MDAA's convention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The role that Studio apps run as.
    pub execution_role: String,
    /// The role that uploads assets.
    pub asset_role: String,
    /// The managed policy of the execution role.
    pub execution_policy: String,
    /// The managed policy of the asset role.
    pub asset_policy: String,
    /// The key's alias, `alias/` included.
    pub key_alias: String,
    /// The security group.
    pub security_group: String,
    /// The security group's description.
    pub security_group_description: String,
    /// The sharing bucket.
    pub bucket: String,
    /// The Studio domain.
    pub domain: String,
    /// What the published parameters begin with, `/` at the end included.
    pub parameters: String,
    /// `<org>-<env>-<domain>-<module>` without limit: part of the security group's parameter.
    pub prefix: String,
    /// The path of the record and the lock, no `/` at the end.
    pub record: String,
    convention: NamingConvention,
}

impl Names {
    /// The names of `deployment`.
    ///
    /// # Errors
    /// The first name that MDAA's rule for names refuses.
    pub fn new(deployment: &Deployment) -> Result<Self, InvalidName> {
        let convention = NamingConvention::from(deployment);
        Ok(Self {
            execution_role: convention.execution_role()?,
            asset_role: convention.asset_role()?,
            execution_policy: convention.execution_policy()?,
            asset_policy: convention.asset_policy()?,
            key_alias: convention.key_alias()?,
            security_group: convention.security_group()?,
            security_group_description: convention.security_group_description(),
            bucket: convention.bucket()?,
            domain: convention.studio_domain()?,
            parameters: convention.parameter(""),
            prefix: convention.resource_name(None, None)?,
            record: format!("/studio-deploy/{deployment}"),
            convention,
        })
    }

    /// The name of a lifecycle config of an app type with this base64 content.
    ///
    /// # Errors
    /// When MDAA's rule refuses it, which the rule of a shorter name made of the same words already did.
    pub fn lifecycle_config(&self, app_type: &str, content: &str) -> Result<String, InvalidName> {
        self.convention.lifecycle_config(app_type, content)
    }

    /// The prefix of the names of all lifecycle configs of an app type.
    ///
    /// # Errors
    /// As [`Names::lifecycle_config`].
    pub fn lifecycle_base(&self, app_type: &str) -> Result<String, InvalidName> {
        self.convention.lifecycle_base(app_type)
    }
}
