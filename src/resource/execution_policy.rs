//! The managed policy that lets the execution role, made or given, launch Studio apps.
//!
//! Identity: its name, `…-basic-execution`. It names the domain's id, so it can only follow the domain. It is published
//! but not attached to a given role that the user declared immutable. Destroy detaches and deletes it.

use async_trait::async_trait;

use super::permissions::{Grant, Scope};
use super::policy::{Statement, document};
use super::{Desired, Resource, View, domain, execution_role, kms_key, managed_policy};
use crate::aws::Account;
use crate::cloud::{CloudError, Deleted};
use crate::config::RoleReference;
use crate::model::{Address, Found, Kind, Node, Observed, Path, Text, Value};
use crate::plan::{Change, Rules, Watched};

/// The kind.
#[derive(Debug)]
pub struct ExecutionPolicy;

/// Its only address.
pub fn address() -> Address {
    Address::new(Kind::ExecutionPolicy, "basic")
}

impl Rules for ExecutionPolicy {
    fn same(&self, path: &Path, desired: &Value, live: &Value) -> bool {
        managed_policy::same(path, desired, live)
    }

    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        managed_policy::watch(observed, node)
    }
}

#[async_trait(?Send)]
impl Resource for ExecutionPolicy {
    fn kind(&self) -> Kind {
        Kind::ExecutionPolicy
    }

    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let given = scope.config.domain.default_execution_role.as_ref();
        let holder = if given.is_some_and(RoleReference::is_immutable) { Vec::new() } else { scope.execution_role() };
        managed_policy::grants(scope, &scope.names.execution_policy, true, &holder, given.is_none())
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        let place = &desired.deployment;
        let id = || Text::output(domain::address(), "DomainId");
        let log_group = place.arn("logs", "log-group:/aws/sagemaker/studio");
        let of_domain = |kind: &str| Text::literal(place.arn("sagemaker", &format!("{kind}/"))).then(id());
        let statements = vec![
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
        ];
        let role = match &desired.roles.execution {
            Some(given) if given.immutable => None,
            Some(given) => Some(Text::literal(&given.name)),
            None => Some(Text::output(execution_role::address(), "RoleName")),
        };
        let name = &desired.names.execution_policy;
        let properties = managed_policy::properties(name, document(statements), role, desired.tags(&address()));
        let mut node = Node::new(address(), properties);
        node.sources.extend(desired.source(&["domain"]).map(|source| (Path::default(), source)));
        vec![node]
    }

    async fn observe(&self, account: &Account, _view: View<'_>) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![(address(), managed_policy::find(account, &account.names.execution_policy).await?)])
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        managed_policy::create(account, node).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        managed_policy::update(account, node, observed, changes).await
    }

    async fn delete(&self, account: &Account, address: &Address, observed: &Observed) -> Result<Deleted, CloudError> {
        managed_policy::delete(account, address, observed).await
    }
}
