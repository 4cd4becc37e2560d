//! The settings of the sharing bucket, each sent as the node says it.

use aws_sdk_s3::types::{
    BucketVersioningStatus, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};

use super::super::{policy, required};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Node, Value};

/// Writes those settings whose key `wanted` names. The policy is last: it shuts everybody else out.
///
/// # Errors
/// What S3 fails with; that the node lacks what a setting needs.
pub(super) async fn write_settings(
    account: &Account,
    node: &Node,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), CloudError> {
    let bucket = required::text(node, "BucketName")?;
    // Where somebody else manages it the node does not say anything of it.
    if let Some(block) = node.properties.get("PublicAccessBlock").filter(|_| wanted("PublicAccessBlock")) {
        let put = account.s3.put_public_access_block().bucket(bucket);
        let put = put.public_access_block_configuration(public_access_block(block));
        put.send().await.map_err(|e| failed("PutPublicAccessBlock", e))?;
    }
    if wanted("Encryption") {
        let configuration = encryption(required::value(node, "Encryption")?)?;
        let put = account.s3.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(configuration);
        put.send().await.map_err(|e| failed("PutBucketEncryption", e))?;
    }
    if wanted("Versioning") {
        let status = BucketVersioningStatus::from(required::text(node, "Versioning")?);
        let versioning = VersioningConfiguration::builder().status(status).build();
        let put = account.s3.put_bucket_versioning().bucket(bucket).versioning_configuration(versioning);
        put.send().await.map_err(|e| failed("PutBucketVersioning", e))?;
    }
    if wanted("Policy") {
        let text = policy::text(required::value(node, "Policy")?);
        let put = async || {
            let put = account.s3.put_bucket_policy().bucket(bucket).policy(&text);
            put.send().await.map_err(|e| failed("PutBucketPolicy", e)).map(drop)
        };
        account.retry_while_propagating(put).await?;
    }
    Ok(())
}

fn flag(of: &Value, key: &str) -> Option<bool> {
    match of.get(key) {
        Some(Value::Bool(flag)) => Some(*flag),
        _ => None,
    }
}

fn public_access_block(block: &Value) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .set_block_public_acls(flag(block, "BlockPublicAcls"))
        .set_block_public_policy(flag(block, "BlockPublicPolicy"))
        .set_ignore_public_acls(flag(block, "IgnorePublicAcls"))
        .set_restrict_public_buckets(flag(block, "RestrictPublicBuckets"))
        .build()
}

fn encryption(encryption: &Value) -> Result<ServerSideEncryptionConfiguration, CloudError> {
    let invalid = |error: aws_smithy_types::error::operation::BuildError| {
        CloudError::new(ErrorKind::Invalid, "PutBucketEncryption", error.to_string())
    };
    let by = ServerSideEncryptionByDefault::builder()
        .set_sse_algorithm(encryption.text("SSEAlgorithm").map(ServerSideEncryption::from))
        .set_kms_master_key_id(encryption.text("KMSMasterKeyID").map(str::to_owned))
        .build()
        .map_err(invalid)?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by)
        .set_bucket_key_enabled(flag(encryption, "BucketKeyEnabled"))
        .build();
    ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(invalid)
}

#[cfg(feature = "sandbox")]
#[cfg(test)]
mod tests {
    use serde_json::json;
    use studio_sandbox::Sandbox;

    use super::super::{address, find};
    use super::*;
    use crate::model::Found;
    use crate::naming::Names;

    /// Settings, each of which differs between the two: what MDAA makes, and something else.
    fn settings(of_mdaa: bool) -> serde_json::Value {
        let block = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
        let block: serde_json::Map<_, _> = block.into_iter().map(|key| (key.to_owned(), json!(of_mdaa))).collect();
        let action = if of_mdaa { "s3:GetObject" } else { "s3:PutObject" };
        let statement = json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "arn:aws:s3:::b/*"});
        json!({
            "Encryption": match of_mdaa {
                true => json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/a", "BucketKeyEnabled": true}),
                false => json!({"SSEAlgorithm": "AES256", "BucketKeyEnabled": false}),
            },
            "Versioning": if of_mdaa { "Enabled" } else { "Suspended" },
            "PublicAccessBlock": block,
            "Policy": {"Version": "2012-10-17", "Statement": [statement]},
        })
    }

    #[tokio::test]
    async fn every_setting_is_sent_as_the_node_says() {
        let sandbox = Sandbox::in_memory();
        let deployment = crate::testing::deployment();
        let names = Names::new(&deployment).unwrap();
        let bucket = names.bucket.clone();
        let account = Account::new(&sandbox.sdk_config().build(), true, deployment, names, Box::new(|_| {}));
        account.s3.create_bucket().bucket(&bucket).send().await.unwrap();
        for of_mdaa in [true, false] {
            let mut text = settings(of_mdaa).to_string().replace("s3:::b/", &format!("s3:::{bucket}/"));
            text.insert_str(1, &format!("\"BucketName\":\"{bucket}\","));
            let wanted = Value::from(serde_json::from_str::<serde_json::Value>(&text).unwrap());
            write_settings(&account, &Node::new(address(), wanted.clone()), |_| true).await.unwrap();
            let Found::Foreign { observed: Some(live), .. } = find(&account).await.unwrap() else {
                panic!("nobody says whose it is");
            };
            for (key, value) in wanted.entries() {
                assert_eq!(live.properties.get(key), Some(value), "{key}");
            }
        }
    }

    #[tokio::test]
    async fn a_setting_that_is_missing_is_not_made_up() {
        let sandbox = Sandbox::in_memory();
        let deployment = crate::testing::deployment();
        let names = Names::new(&deployment).unwrap();
        let account = Account::new(&sandbox.sdk_config().build(), true, deployment, names, Box::new(|_| {}));
        for key in ["Encryption", "Versioning", "Policy"] {
            let node = Node::new(address(), Value::from_iter([("BucketName", "b")]));
            let error = write_settings(&account, &node, |wanted| wanted == key).await.unwrap_err();
            assert_eq!(error.message, format!("it has no property {key}: this is a bug in studio-deploy"));
        }
        assert!(sandbox.calls().iter().all(|call| !call.writes));
    }
}
