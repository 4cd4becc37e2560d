//! The role that uploads lifecycle assets, made together with the bucket.
//!
//! Identity: its name, `…-deployment`. MDAA lets Lambda assume it; here the account may, because the bucket's policy
//! denies objects to everybody else, so uploads are made with this role's credentials. Nothing that we set is
//! immutable. Destroy deletes it.

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
pub struct AssetRole;

/// Its only address.
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

impl Rules for AssetRole {
    fn same(&self, _path: &Path, desired: &Value, live: &Value) -> bool {
        same(desired, live)
    }

    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        iam_role::watch(observed, node)
    }
}

#[async_trait(?Send)]
impl Resource for AssetRole {
    fn kind(&self) -> Kind {
        Kind::AssetRole
    }

    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        iam_role::grants(scope, &scope.names.asset_role, scope.makes_bucket())
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        if desired.config.domain.domain_bucket.is_some() {
            return Vec::new();
        }
        let account: Text = desired.deployment.iam_arn("root").into();
        let mut properties = Value::from_iter([
            ("RoleName", Value::from(desired.names.asset_role.as_str())),
            ("AssumeRolePolicyDocument", document(vec![Statement::allow(&["sts:AssumeRole"]).by(vec![account])])),
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
        Ok(vec![(address(), iam_role::find(account, &account.names.asset_role).await?)])
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
