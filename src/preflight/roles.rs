//! Roles that Studio runs as: whether SageMaker may become them, and whether their users can open Studio.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::trust::{Who, missing, statement};
use super::{Findings, brings};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Kind, Path, Value};
use crate::plan::{Plan, Step};
use crate::resource::iam_role::percent_decode;
use crate::resource::{Desired, domain, execution_policy};

/// What the Studio interface asks for until a JupyterLab space is open, by the errors that users see without:
/// https://github.com/data-dot-all/dataall/issues/47, https://github.com/aws/amazon-sagemaker-feedback/issues/88.
const OPEN_JUPYTERLAB: [&str; 8] = [
    "sagemaker:AddTags",
    "sagemaker:CreateApp",
    "sagemaker:CreateSpace",
    "sagemaker:DescribeApp",
    "sagemaker:DescribeSpace",
    "sagemaker:DescribeUserProfile",
    "sagemaker:ListApps",
    "sagemaker:ListSpaces",
];

/// Where nodes name execution roles.
const PLACES: [(Kind, &[&str]); 3] = [
    (Kind::Domain, &["DefaultUserSettings", "ExecutionRole"]),
    (Kind::Domain, &["DefaultSpaceSettings", "ExecutionRole"]),
    (Kind::UserProfile, &["UserSettings", "ExecutionRole"]),
];

/// Every execution role has to let SageMaker become it and, with source identity on, say for whom.
///
/// Source: developer guide, "Monitoring user resource access from Amazon SageMaker Studio" (monitor-user-access).
pub(super) async fn trust(account: &Account, plan: &Plan, findings: &Findings) -> Result<(), CloudError> {
    let identity = Path::of(["DomainSettings", "ExecutionRoleIdentityConfig"]);
    let identified = plan
        .step(&domain::address())
        .and_then(|step| step.node.as_ref())
        .is_some_and(|node| node.properties.at(&identity).and_then(Value::as_str) == Some("USER_PROFILE_NAME"));
    let needed: &[&str] = if identified { &["sts:AssumeRole", "sts:SetSourceIdentity"] } else { &["sts:AssumeRole"] };
    for (arn, users) in named(account, plan) {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let role = account.iam.get_role().role_name(name).send().await.map_err(|e| failed("GetRole", e));
        let (why, hint) = match role {
            Ok(answer) => {
                let document = answer.role.and_then(|role| role.assume_role_policy_document);
                let document = document.as_deref().map(percent_decode).unwrap_or_default();
                let policy: Json = serde_json::from_str(&document).unwrap_or_default();
                let lacking = missing(&policy, Who::Service("sagemaker.amazonaws.com"), needed);
                if lacking.is_empty() {
                    continue;
                }
                (
                    format!("the role {name} does not let sagemaker.amazonaws.com do {}", lacking.join(" and ")),
                    format!("add to its trust policy: {}", statement(&lacking)),
                )
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                (format!("the role {arn} does not exist"), "correct the config, or make the role first".to_owned())
            }
            Err(error) => return Err(error),
        };
        for (step, path) in users {
            findings.judge(step, &path, why.clone(), hint.clone());
        }
    }
    Ok(())
}

/// IAM makes no role whose boundary does not exist.
pub(super) async fn boundary(
    account: &Account,
    desired: &Desired,
    plan: &Plan,
    findings: &Findings,
) -> Result<(), CloudError> {
    let Some(arn) = &desired.permissions_boundary else { return Ok(()) };
    let path = Path::of(["PermissionsBoundary"]);
    let is_bounded = |step: &&Step| step.node.as_ref().is_some_and(|node| node.properties.at(&path).is_some());
    let bounded: Vec<&Step> = plan.steps.iter().filter(is_bounded).filter(|step| brings(step, &path)).collect();
    if bounded.is_empty() {
        return Ok(());
    }
    let why = match account.iam.get_policy().policy_arn(arn).send().await.map_err(|e| failed("GetPolicy", e)) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind == ErrorKind::NotFound => format!("the permissions boundary {arn} does not exist"),
        Err(error) if error.kind == ErrorKind::Invalid => format!("the permissions boundary {arn} is no policy's ARN"),
        Err(error) => return Err(error),
    };
    for step in bounded {
        let hint = "correct `permissions_boundary_arn`, or make the policy first: `aws iam list-policies`";
        findings.judge(step, &path, why.clone(), hint.to_owned());
    }
    Ok(())
}

/// The roles of this account that nodes name by ARN and that this deployment does not make, with who names them.
fn named<'a>(account: &Account, plan: &'a Plan) -> BTreeMap<String, Vec<(&'a Step, Path)>> {
    let ours = plan.steps.iter().find(|step| step.address.kind == Kind::ExecutionRole);
    let ours = ours.and_then(|step| step.observed.as_ref()?.outputs.get("Arn"));
    let here = format!("arn:{}:iam::{}:role/", account.deployment.partition, account.deployment.account);
    let mut named: BTreeMap<String, Vec<(&Step, Path)>> = BTreeMap::new();
    for step in &plan.steps {
        let Some(node) = &step.node else { continue };
        for (_, keys) in PLACES.iter().filter(|(kind, _)| *kind == step.address.kind) {
            let path = Path(keys.iter().map(ToString::to_string).collect());
            // A profile mostly repeats the domain's role, where it is said once.
            let arn = node.properties.at(&path).and_then(Value::as_str).filter(|arn| arn.starts_with(&here));
            let Some(arn) = arn.filter(|arn| ours.map(String::as_str) != Some(*arn)) else { continue };
            let users = named.entry(arn.to_owned()).or_default();
            if step.address.kind != Kind::UserProfile || users.is_empty() {
                users.push((step, path));
            }
        }
    }
    named
}

/// What users will miss although everything deploys: said when it begins to matter, never in the way.
pub(super) async fn gaps(
    account: &Account,
    desired: &Desired,
    plan: &Plan,
    findings: &Findings,
) -> Result<(), CloudError> {
    let Some(step) = plan.step(&domain::address()) else { return Ok(()) };
    if !brings(step, &Path::of(["DefaultUserSettings", "ExecutionRole"])) {
        return Ok(());
    }
    let policy = plan.step(&execution_policy::address()).and_then(|step| step.node.as_ref());
    let document =
        policy.and_then(|node| node.properties.get("PolicyDocument")).map(Value::to_request).unwrap_or_default();
    // A managed policy names no principal: the role that it hangs on is meant.
    let granted = granted(&document);
    let mut lacking: Vec<&str> =
        OPEN_JUPYTERLAB.into_iter().filter(|action| !granted.iter().any(|grant| grant.as_str() == *action)).collect();
    let role = match &desired.roles.execution {
        None => "the execution role".to_owned(),
        Some(given) => {
            let simulate = account.iam.simulate_principal_policy().policy_source_arn(&given.arn);
            let simulate = simulate.set_action_names(Some(lacking.iter().map(ToString::to_string).collect()));
            let simulate = async { simulate.send().await.map_err(|e| failed("SimulatePrincipalPolicy", e)) };
            let answer = match account.briefly("SimulatePrincipalPolicy", simulate).await {
                Ok(answer) => answer,
                Err(error) => return findings.unadvised(&format!("what {} lets its users do", given.name), error),
            };
            let denied = |action: &&str| {
                answer
                    .evaluation_results()
                    .iter()
                    .any(|result| result.eval_action_name() == *action && result.eval_decision().as_str() != "allowed")
            };
            lacking.retain(denied);
            given.name.clone()
        }
    };
    if !lacking.is_empty() {
        findings.notice(format!(
            "{role} lacks what the Studio interface uses to open a JupyterLab space: {}; MDAA's policy grants no more, so \
             attach a policy of your own",
            lacking.join(", ")
        ));
    }
    Ok(())
}

fn granted(document: &Json) -> Vec<String> {
    let statements = document.get("Statement").and_then(Json::as_array).into_iter().flatten();
    statements
        .flat_map(|statement| match statement.get("Action") {
            Some(Json::Array(actions)) => actions.clone(),
            Some(action) => vec![action.clone()],
            None => vec![json!(null)],
        })
        .filter_map(|action| action.as_str().map(str::to_owned))
        .collect()
}
