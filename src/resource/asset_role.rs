//! The role that uploads lifecycle assets, made together with the bucket.
//!
//! Identity: its name, `…-deployment`. MDAA lets Lambda assume it; here the account may, because the bucket's policy
//! denies objects to everybody else, so uploads are made with this role's credentials. Nothing that we set is
//! immutable. Destroy deletes it.

use super::Desired;
use super::managed_role::ManagedRole;
use super::policy::{Statement, document};
use crate::model::{Address, Kind, Text};

/// The kind, which is one of two roles.
pub static ASSET_ROLE: ManagedRole = ManagedRole {
    address,
    name: |names| &names.asset_role,
    is_made: |config| config.domain.domain_bucket.is_none(),
    trust: |desired| {
        let account: Text = desired.deployment.iam_arn("root").into();
        document(vec![Statement::allow(&["sts:AssumeRole"]).by(vec![account])])
    },
};

/// The only address of the kind.
pub fn address() -> Address {
    Address::new(Kind::AssetRole, "deployment")
}

/// The ARN of the asset role, made or given; none when there is neither.
pub fn arn(desired: &Desired) -> Option<Text> {
    match &desired.roles.asset_deployment {
        Some(given) => Some(given.arn.as_str().into()),
        None if desired.config.domain.domain_bucket.is_none() => Some(Text::output(address(), "Arn")),
        None => None,
    }
}
