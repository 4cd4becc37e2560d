//! The managed policy with which the asset role, made or given, writes the bucket.
//!
//! Identity: its name, `…-domain-bucket-deploy`. MDAA's also reads CDK's asset bucket, which does not exist here. It
//! exists only together with a bucket that we made or assets to upload. Destroy deletes it.

use super::managed_policy::{ManagedPolicy, PolicyHolder};
use super::policy::Statement;
use super::{Desired, asset_role, bucket, kms_key};
use crate::model::{Address, Kind};

/// The kind, which is one of two managed policies.
pub static ASSET_POLICY: ManagedPolicy = ManagedPolicy {
    address,
    name: |names| &names.asset_policy,
    is_made: |config| {
        let uploads = config.domain.lifecycle_configs.values().any(|lifecycle| lifecycle.assets.is_some());
        config.domain.domain_bucket.is_none() || uploads
    },
    statements,
    holder: PolicyHolder {
        reference: |config| Some(&config.domain.domain_bucket.as_ref()?.asset_deployment_role),
        existing: |roles| roles.asset_deployment.as_ref(),
        made: asset_role::address,
        arns: |scope| scope.asset_role(),
    },
    keys: &["domain", "domainBucket"],
};

/// The only address of the kind.
pub fn address() -> Address {
    Address::new(Kind::AssetPolicy, "domain_bucket_deploy")
}

fn statements(desired: &Desired) -> Vec<Statement> {
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
    if desired.config.domain.domain_bucket.is_none() {
        let actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"];
        statements.push(Statement::allow(&actions).on(vec![kms_key::arn(desired)]));
    }
    statements
}
