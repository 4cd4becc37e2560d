//! The managed policy with which the asset role, made or given, writes the bucket.
//!
//! Identity: its name, `…-domain-bucket-deploy`. MDAA's also reads CDK's asset bucket, which does not exist here. It
//! exists only together with a bucket that we made or assets to upload. Destroy deletes it.

use async_trait::async_trait;

use super::permissions::{Grant, Scope};
use super::policy::{Statement, document};
use super::{Desired, Resource, View, asset_role, bucket, kms_key, managed_policy};
use crate::aws::Account;
use crate::cloud::{CloudError, Deleted};
use crate::config::RoleReference;
use crate::model::{Address, Found, Kind, Node, Observed, Path, Text, Value};
use crate::plan::{Change, Rules, Watched};

/// The kind.
#[derive(Debug)]
pub struct AssetPolicy;

/// Its only address.
pub fn address() -> Address {
    Address::new(Kind::AssetPolicy, "domain_bucket_deploy")
}

impl Rules for AssetPolicy {
    fn same(&self, path: &Path, desired: &Value, live: &Value) -> bool {
        managed_policy::same(path, desired, live)
    }

    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        managed_policy::watch(observed, node)
    }
}

#[async_trait(?Send)]
impl Resource for AssetPolicy {
    fn kind(&self) -> Kind {
        Kind::AssetPolicy
    }

    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let given = scope.config.domain.domain_bucket.as_ref().map(|bucket| &bucket.asset_deployment_role);
        let is_made = given.is_none() || scope.uploads();
        let holder = if given.is_some_and(RoleReference::is_immutable) { Vec::new() } else { scope.asset_role() };
        managed_policy::grants(scope, &scope.names.asset_policy, is_made, &holder, given.is_none())
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        let config = &desired.config.domain;
        let uploads = config.lifecycle_configs.values().any(|lifecycle| lifecycle.assets.is_some());
        if config.domain_bucket.is_some() && !uploads {
            return Vec::new();
        }
        let bucket = bucket::arn(desired);
        let mut statements = vec![
            Statement::allow(&[
                "s3:GetObject*",
                "s3:GetBucket*",
                "s3:List*",
                "s3:DeleteObject*",
                "s3:PutObject",
                "s3:PutObjectLegalHold",
                "s3:PutObjectRetention",
                "s3:PutObjectTagging",
                "s3:PutObjectVersionTagging",
                "s3:Abort*",
            ])
            .on(vec![bucket.clone(), bucket.then("/*")]),
        ];
        // MDAA grants the key in an inline policy of the role that it makes. A given bucket's key is not known, so the
        // given role has to bring its own permission.
        if config.domain_bucket.is_none() {
            let actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"];
            statements.push(Statement::allow(&actions).on(vec![kms_key::arn(desired)]));
        }
        let role = match &desired.roles.asset_deployment {
            Some(given) if given.immutable => None,
            Some(given) => Some(Text::literal(&given.name)),
            None => Some(Text::output(asset_role::address(), "RoleName")),
        };
        let name = &desired.names.asset_policy;
        let properties = managed_policy::properties(name, document(statements), role, desired.tags(&address()));
        let mut node = Node::new(address(), properties);
        node.sources.extend(desired.source(&["domain", "domainBucket"]).map(|source| (Path::default(), source)));
        vec![node]
    }

    async fn observe(&self, account: &Account, _view: View<'_>) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![(address(), managed_policy::find(account, &account.names.asset_policy).await?)])
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
