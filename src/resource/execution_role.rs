//! The role that Studio apps run as, made unless the config names one.
//!
//! Identity: its name, `<org>-<env>-<domain>-<module>-default-execution-role`. Nothing that we set is immutable.
//! Destroy deletes it, after detaching whatever hangs on it.

use super::Desired;
use super::managed_role::ManagedRole;
use super::policy::{Statement, document};
use crate::model::{Address, Kind, Text};

/// The kind, which is one of two roles.
pub static EXECUTION_ROLE: ManagedRole = ManagedRole {
    address,
    name: |names| &names.execution_role,
    is_made: |config| config.domain.default_execution_role.is_none(),
    // SetSourceIdentity is what lets CloudTrail tell the user profile behind each call.
    trust: |_| {
        document(vec![
            Statement::allow(&["sts:AssumeRole"]).by_service("sagemaker.amazonaws.com"),
            Statement::allow(&["sts:SetSourceIdentity"]).by_service("sagemaker.amazonaws.com"),
        ])
    },
};

/// The only address of the kind.
pub fn address() -> Address {
    Address::new(Kind::ExecutionRole, "default")
}

/// The ARN of the execution role, made or given.
pub fn arn(desired: &Desired) -> Text {
    desired.roles.execution.as_ref().map_or_else(|| Text::output(address(), "Arn"), |given| given.arn.as_str().into())
}
