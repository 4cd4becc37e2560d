//! The policy of the sharing bucket: who may read and write which part of it.

use super::super::policy::{Statement, document};
use super::super::{Desired, asset_role, execution_role, kms_key};
use crate::model::{Text, Value};

/// The policy that MDAA gives the bucket, statement by statement.
pub(super) fn access(desired: &Desired) -> Value {
    let config = &desired.config.domain;
    // Its own ARN is no output that it could wait for.
    let bucket = || Text::literal(format!("arn:{}:s3:::{}", desired.deployment.partition, desired.names.bucket));
    let objects = || bucket().then("/*");
    let execution = || execution_role::arn(desired);
    let assets = || asset_role::arn(desired).expect("whoever makes the bucket makes the role that writes it");
    let admins: Vec<Text> = desired.roles.data_admins.iter().map(|id| Text::literal(format!("{id}:*"))).collect();
    let everybody = || vec![Text::literal("*")];
    let below = |prefix: &str| {
        let prefix = prefix.strip_prefix('/').unwrap_or(prefix);
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        bucket().then(format!("/{prefix}/*"))
    };
    let read_write = ["s3:GetObject*", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject"];
    let [sharing, asset] = [&config.notebook_sharing_prefix, &config.asset_prefix];
    let mut statements = vec![
        Statement::deny(&["s3:*"]).by(everybody()).on(vec![bucket(), objects()]).when_plain(
            "Bool",
            "aws:SecureTransport",
            "false".into(),
        ),
        Statement::deny(&["s3:PutObject"]).sid("DenyAES").by(everybody()).on(vec![objects()]).when_plain(
            "StringEquals",
            "s3:x-amz-server-side-encryption",
            "AES256".into(),
        ),
        Statement::deny(&["s3:PutObject"]).sid("ForceKMS").by(everybody()).on(vec![objects()]).when_plain(
            "StringNotLikeIfExists",
            "s3:x-amz-server-side-encryption-aws-kms-key-id",
            kms_key::arn(desired),
        ),
    ];
    if !admins.is_empty() {
        let actions =
            ["s3:GetObject*", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:DeleteObjectVersion"];
        statements.push(Statement::allow(&actions).sid("/_ReadWriteSuper").by(everybody()).on(vec![objects()]).when(
            "StringLike",
            "aws:userId",
            admins.clone(),
        ));
    }
    statements.extend([
        Statement::allow(&read_write)
            .sid(&format!("{sharing}_ReadWrite"))
            .by(vec![execution()])
            .on(vec![below(sharing)]),
        Statement::allow(&["s3:GetObject*"]).sid(&format!("{asset}_Read")).by(vec![execution()]).on(vec![below(asset)]),
        Statement::allow(&read_write).sid(&format!("{asset}_ReadWrite")).by(vec![assets()]).on(vec![below(asset)]),
        Statement::deny(&["s3:PutObject*", "s3:GetObject*", "s3:DeleteObject*"])
            .sid("BucketDeny")
            .by(everybody())
            .on(vec![objects()])
            .when("ForAnyValue:StringNotLike", "aws:userId", admins.clone())
            .when("ForAnyValue:StringNotLike", "aws:PrincipalArn", vec![execution(), assets()]),
        Statement::allow(&["s3:List*", "s3:GetBucket*"])
            .sid("BucketAllow")
            .by(everybody())
            .on(vec![objects(), bucket()])
            .when("StringLike", "aws:userId", admins),
        Statement::allow(&["s3:List*", "s3:GetBucket*"]).by(vec![assets(), execution()]).on(vec![bucket()]),
    ]);
    document(statements)
}
