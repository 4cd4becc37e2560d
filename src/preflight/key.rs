//! A given key: whether a domain can be made with it and its users can read what it encrypts.

use serde_json::Value as Json;

use super::trust::{Who, missing};
use super::{Findings, brings};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::Path;
use crate::plan::Plan;
use crate::resource::{Desired, bucket, domain};

/// What apps do with the key of their home directories: https://github.com/data-dot-all/dataall/issues/326.
const NEEDED: [&str; 3] = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"];

pub(super) async fn check(
    account: &Account,
    desired: &Desired,
    plan: &Plan,
    findings: &Findings,
) -> Result<(), CloudError> {
    let (Some(arn), Some(domain)) = (&desired.config.domain.kms_key_arn, plan.step(&domain::address())) else {
        return Ok(());
    };
    // What encrypts the bucket with another key is no better than what gives it to the domain.
    let of_domain = (domain, Path::of(["KmsKeyId"]));
    let of_bucket = plan.step(&bucket::address()).map(|step| (step, Path::of(["Encryption"])));
    let users = [Some(of_domain.clone()), of_bucket].into_iter().flatten();
    let (step, path) = users.into_iter().find(|(step, path)| brings(step, path)).unwrap_or(of_domain);
    let wrong = |why: String, hint: &str| findings.judge(step, &path, why, hint.to_owned());
    let region = arn.split(':').nth(3).unwrap_or_default();
    let place = &account.deployment;
    if region != place.region {
        wrong(
            format!("the key {arn} is in {region}, and the domain in {}", place.region),
            "name a key of the domain's region in `kmsKeyArn`",
        );
        return Ok(());
    }
    let described = account.kms.describe_key().key_id(arn).send().await.map_err(|e| failed("DescribeKey", e));
    let key = match described {
        Ok(answer) => answer.key_metadata,
        Err(error) if error.kind == ErrorKind::NotFound => {
            wrong(format!("the key {arn} does not exist"), "correct `kmsKeyArn`, or leave it out and a key is made");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let Some(key) = key else { return Ok(()) };
    let state = key.key_state().map_or("Enabled", |state| state.as_str());
    if state != "Enabled" {
        let hint =
            "enable it: `aws kms enable-key`, after `aws kms cancel-key-deletion` where its deletion is scheduled";
        wrong(format!("the key {arn} is {state}"), hint);
    }
    let spec = key.key_spec().map_or("SYMMETRIC_DEFAULT", |spec| spec.as_str());
    if spec != "SYMMETRIC_DEFAULT" {
        wrong(format!("the key {arn} is of type {spec}"), "the home file system takes SYMMETRIC_DEFAULT keys only");
    }
    if arn.split(':').nth(4).is_some_and(|owner| owner != place.account) {
        // KMS API reference, GetKeyPolicy: "Cross-account use: No".
        let whose = "only its own account may read the policy of the key";
        findings.notice(format!("not checked: whether the execution role may use the key ({whose} {arn})"));
        return Ok(());
    }
    let policy = account.kms.get_key_policy().key_id(arn).policy_name("default").send().await;
    let policy = policy.map_err(|e| failed("GetKeyPolicy", e))?.policy;
    let policy = policy.and_then(|text| serde_json::from_str::<Json>(&text).ok()).unwrap_or_default();
    let lacking = missing(&policy, Who::Aws(&principals(account, desired)), &NEEDED);
    if !lacking.is_empty() {
        wrong(
            format!(
                "the policy of the key {arn} lets neither the account nor the execution role do {}",
                lacking.join(", ")
            ),
            "allow these actions to the execution role in the key's policy, or everything to the account's root, which \
             leaves it to IAM policies",
        );
    }
    Ok(())
}

/// Whom a key policy has to name: the account, which leaves the rest to IAM, or the execution role itself.
fn principals(account: &Account, desired: &Desired) -> Vec<String> {
    let place = &account.deployment;
    let role = desired
        .roles
        .execution
        .as_ref()
        .map_or_else(|| place.iam_arn(&format!("role/{}", account.names.execution_role)), |given| given.arn.clone());
    vec![place.iam_arn("root"), place.account.clone(), role]
}
