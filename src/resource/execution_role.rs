//! The role that Studio apps run as, made unless the config names one.
//!
//! Identity: its name, `<org>-<env>-<domain>-<module>-default-execution-role`. Nothing that we set is immutable.
//! Destroy deletes it, after detaching whatever hangs on it.

use async_trait::async_trait;

use super::permissions::{Grant, Scope};
use super::policy::{Statement, document, same};
use super::{Desired, Resource, View, iam_role};
use crate::aws::Account;
use crate::cloud::{CloudError, Deleted};
use crate::model::{Address, Found, Kind, Node, Observed, Path, Text, Value};
use crate::plan::{Change, Rules, Watched};

/// The kind.
#[derive(Debug)]
pub struct ExecutionRole;

/// Its only address.
pub fn address() -> Address {
    Address::new(Kind::ExecutionRole, "default")
}

/// The ARN of the execution role, made or given.
pub fn arn(desired: &Desired) -> Text {
    desired.roles.execution.as_ref().map_or_else(|| Text::output(address(), "Arn"), |given| given.arn.as_str().into())
}

impl Rules for ExecutionRole {
    fn same(&self, _path: &Path, desired: &Value, live: &Value) -> bool {
        same(desired, live)
    }

    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        iam_role::watch(observed, node)
    }
}

#[async_trait(?Send)]
impl Resource for ExecutionRole {
    fn kind(&self) -> Kind {
        Kind::ExecutionRole
    }

    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        iam_role::grants(scope, &scope.names.execution_role, scope.makes_execution_role())
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        if desired.roles.execution.is_some() {
            return Vec::new();
        }
        // SetSourceIdentity is what lets CloudTrail tell the user profile behind each call.
        let trust = document(vec![
            Statement::allow(&["sts:AssumeRole"]).by_service("sagemaker.amazonaws.com"),
            Statement::allow(&["sts:SetSourceIdentity"]).by_service("sagemaker.amazonaws.com"),
        ]);
        let mut properties = Value::from_iter([
            ("RoleName", Value::from(desired.names.execution_role.as_str())),
            ("AssumeRolePolicyDocument", trust),
            ("Tags", desired.tags(&address())),
        ]);
        if let Some(boundary) = &desired.permissions_boundary {
            properties.set("PermissionsBoundary", boundary.as_str());
        }
        let mut node = Node::new(address(), properties);
        node.sources.extend(desired.source(&["domain"]).map(|source| (Path::default(), source)));
        vec![node]
    }

    async fn observe(&self, account: &Account, _view: View<'_>) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![(address(), iam_role::find(account, &account.names.execution_role).await?)])
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        iam_role::create(account, node).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        iam_role::update(account, node, observed, changes).await
    }

    async fn delete(&self, account: &Account, address: &Address, observed: &Observed) -> Result<Deleted, CloudError> {
        iam_role::delete(account, address, observed).await
    }
}
