//! The roles that a config refers to, as they are in the account.

use std::collections::BTreeMap;

/// A role that exists besides the deployment and that the config refers to, as far as it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingRole {
    /// The ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// Whether no policy is attached to it: the user asked not to, or AWS would refuse.
    pub immutable: bool,
    /// Whether it is in another account.
    pub is_elsewhere: bool,
}

/// The roles that the config refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// `defaultExecutionRole`.
    pub execution: Option<ExistingRole>,
    /// `domainBucket.assetDeploymentRole`.
    pub asset_deployment: Option<ExistingRole>,
    /// The unique ids of `dataAdminRoles`, in order.
    pub data_admins: Vec<String>,
    /// The unique id of each user's role, by user id.
    pub users: BTreeMap<String, String>,
}
