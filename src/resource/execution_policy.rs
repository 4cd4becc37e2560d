//! The managed policy that lets the execution role, made or given, launch Studio apps.
//!
//! Identity: its name, `…-basic-execution`. It names the domain's id, so it can only follow the domain. It is published
//! but not attached to a given role that the user declared immutable. Destroy detaches and deletes it.

use super::managed_policy::{ManagedPolicy, PolicyHolder};
use super::policy::Statement;
use super::{Desired, domain, execution_role, kms_key};
use crate::model::{Address, Kind, Text};

/// The kind, which is one of two managed policies.
pub static EXECUTION_POLICY: ManagedPolicy = ManagedPolicy {
    address,
    name: |names| &names.execution_policy,
    is_made: |_| true,
    statements,
    holder: PolicyHolder {
        reference: |config| config.domain.default_execution_role.as_ref(),
        existing: |roles| roles.execution.as_ref(),
        made: execution_role::address,
        arns: |scope| scope.execution_role(),
    },
    keys: &["domain"],
};

/// The only address of the kind.
pub fn address() -> Address {
    Address::new(Kind::ExecutionPolicy, "basic")
}

fn statements(desired: &Desired) -> Vec<Statement> {
    let place = &desired.deployment;
    let id = || Text::output(domain::address(), "DomainId");
    let log_group = place.arn("logs", "log-group:/aws/sagemaker/studio");
    let of_domain = |kind: &str| Text::literal(place.arn("sagemaker", &format!("{kind}/"))).then(id());
    vec![
        Statement::allow(&[
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:GenerateDataKeyPair",
            "kms:GenerateDataKeyPairWithoutPlaintext",
            "kms:CreateGrant",
            "kms:DescribeKey",
            "kms:ListAliases",
        ])
        .on(vec![kms_key::arn(desired)]),
        Statement::allow(&[
            "sagemaker:CreateApp",
            "sagemaker:DeleteApp",
            "sagemaker:DescribeApp",
            "sagemaker:CreateSpace",
            "sagemaker:UpdateSpace",
            "sagemaker:DeleteSpace",
            "sagemaker:DescribeSpace",
        ])
        .on(vec![of_domain("app").then("/*"), of_domain("space").then("/*")]),
        Statement::allow(&["sagemaker:DescribeDomain"]).on(vec![of_domain("domain")]),
        Statement::allow(&["sagemaker:ListStudioLifecycleConfigs"]).on(vec!["*".into()]),
        Statement::allow(&["sagemaker:DescribeStudioLifecycleConfig"])
            .on(vec![place.arn("sagemaker", "studio-lifecycle-config/*").into()]),
        Statement::allow(&["sagemaker:DescribeImage", "sagemaker:DescribeImageVersion"])
            .on(vec![place.arn("sagemaker", "image/*").into(), place.arn("sagemaker", "image-version/*/*").into()]),
        Statement::allow(&["logs:CreateLogGroup", "logs:DescribeLogGroups", "logs:DescribeLogStreams"])
            .on(vec![log_group.as_str().into()]),
        Statement::allow(&["logs:CreateLogStream", "logs:PutLogEvents"])
            .on(vec![Text::literal(log_group).then(":log-stream:*")]),
    ]
}
