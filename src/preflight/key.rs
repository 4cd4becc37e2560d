//! Given keys: whether a domain can be made with it and its users can read what it encrypts.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::trust::{Who, missing};
use super::{Findings, brings};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Arn, Kind, Path};
use crate::plan::{Plan, Step};
use crate::resource::{Desired, bucket, domain, kms_key};

/// Actions of apps on the key of their home directories: https://github.com/data-dot-all/dataall/issues/326.
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
    let wrong = |why: String, hint: &str| findings.against(step, &path, why, hint.to_owned());
    // An id or alias that leads somewhere has become an ARN already.
    let parts = Arn::parse(arn);
    let place = &account.deployment;
    let places = parts.map(|parts| [(parts.partition, &place.partition), (parts.region, &place.region)]);
    for (there, here) in places.into_iter().flatten() {
        if there != here {
            let hint = "name a key of the domain's region in `kmsKeyArn`";
            wrong(format!("the key {arn} is in {there}, and the domain in {here}"), hint);
            return Ok(());
        }
    }
    let owner = parts.map_or(place.account.as_str(), |parts| parts.account);
    let is_elsewhere = owner != place.account;
    let described = account.kms.describe_key().key_id(arn).send().await.map_err(|e| failed("DescribeKey", e));
    let key = match described {
        Ok(answer) => answer.key_metadata,
        Err(error) if error.kind == ErrorKind::NotFound => {
            wrong(format!("the key {arn} does not exist"), "correct `kmsKeyArn`, or leave it out and a key is made");
            return Ok(());
        }
        // Whoever makes a domain with a key has to be let in by it; KMS does not tell whether another account has it.
        Err(error) if error.kind == ErrorKind::Denied && is_elsewhere => {
            wrong(
                format!("account {owner} has no key {arn}, or does not let this account use it"),
                "allow kms:DescribeKey, kms:CreateGrant and kms:Decrypt to this account in the key's policy, or correct \
                 `kmsKeyArn`",
            );
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
    if is_elsewhere {
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

/// Keys that settings name, for what users share and what Canvas keeps: by ARN, id or alias.
pub(super) async fn of_settings(
    account: &Account,
    desired: &Desired,
    plan: &Plan,
    findings: &Findings,
) -> Result<(), CloudError> {
    let mut uses: BTreeMap<&str, Vec<(&Step, Path)>> = BTreeMap::new();
    for step in plan.steps().iter().filter(|step| matches!(step.address().kind, Kind::Domain | Kind::UserProfile)) {
        let Some(node) = step.node() else { continue };
        for (path, value) in node.properties.leaves() {
            let names_key = path.0.len() > 1 && path.0.last().is_some_and(|key| key.ends_with("KmsKeyId"));
            // AWS makes its own keys (`alias/aws/…`) when they are first used.
            let key = value.as_str().filter(|key| names_key && !key.is_empty() && !key.contains("alias/aws/"));
            // The deployment's own key is looked at for itself.
            let own = desired.config.domain.kms_key_arn.as_deref().or_else(|| made(plan));
            if let Some(key) = key.filter(|key| own != Some(*key) && brings(step, &path)) {
                uses.entry(key).or_default().push((step, path));
            }
        }
    }
    for (key, uses) in uses {
        let place = &account.deployment;
        let arn = Arn::parse(key);
        let wrong = |why: String| {
            for (step, path) in &uses {
                findings.against(step, path, why.clone(), "give the ARN of a key that there is".to_owned());
            }
        };
        match arn {
            Some(arn) if !arn.is_key() => wrong(format!("{key} is not the ARN of a key")),
            Some(arn) if arn.partition != place.partition => {
                wrong(format!("the key {key} is in {}, and the domain in {}", arn.partition, place.partition));
            }
            // A bucket elsewhere may be encrypted with a key there, which cannot be looked at from here.
            Some(arn) if arn.region != place.region => {}
            _ => match account.kms.describe_key().key_id(key).send().await.map_err(|e| failed("DescribeKey", e)) {
                Ok(_) => {}
                Err(error) if error.kind == ErrorKind::NotFound => wrong(format!("the key {key} does not exist")),
                // It need not let us in, but those who share notebooks.
                Err(error)
                    if error.kind == ErrorKind::Denied && arn.is_some_and(|arn| arn.account != place.account) =>
                {
                    findings.notice(format!("not checked: whether there is a key {key}, which is in another account"));
                }
                Err(error) => return Err(error),
            },
        }
    }
    Ok(())
}

/// The ARN of the key that the deployment has made.
fn made(plan: &Plan) -> Option<&str> {
    let step = plan.step(&kms_key::address())?;
    step.observed()?.outputs.get("Arn").map(String::as_str)
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
