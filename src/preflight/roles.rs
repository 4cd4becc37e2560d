//! Roles that Studio runs as: whether SageMaker may become them, and whether their users can open Studio.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Value as Json, json};

use super::trust::{Who, missing, statement};
use super::{Findings, brings};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::config::RoleReference;
use crate::model::{Address, Arn, Kind, Path, Value};
use crate::plan::{Plan, Step};
use crate::resource::{Desired, domain, execution_policy, user_profile};

/// Actions of the Studio interface until a JupyterLab space is open, by the errors that users see without:
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

/// Settings whose roles SageMaker becomes itself.
const BECOME: [&str; 2] = ["ExecutionRole", "DomainExecutionRoleArn"];
/// Settings whose roles may be another account's: the execution role assumes them, or they belong to clusters there.
const ANYWHERE: [&str; 3] = ["AssumableRoleArns", "CrossAccountModelRegisterRoleArn", "ExecutionRoleArns"];

/// Every role that settings name has to be there, as the whole of its ARN says; those that SageMaker becomes have to let it
/// and, with source identity on, say for whom.
///
/// Source: developer guide, "Monitoring user resource access from Amazon SageMaker Studio" (monitor-user-access).
pub(super) async fn named(account: &Account, plan: &Plan, findings: &Findings) -> Result<(), CloudError> {
    let identity = Path::of(["DomainSettings", "ExecutionRoleIdentityConfig"]);
    let identified = plan
        .step(&domain::address())
        .and_then(|step| step.node())
        .is_some_and(|node| node.properties.at(&identity).and_then(Value::as_str) == Some("USER_PROFILE_NAME"));
    let needed: &[&str] = if identified { &["sts:AssumeRole", "sts:SetSourceIdentity"] } else { &["sts:AssumeRole"] };
    for (text, uses) in uses(plan) {
        let against = |uses: &[&Use<'_>], (why, hint): (String, String)| {
            for one in uses {
                findings.against(one.step, &one.path, why.clone(), hint.clone());
            }
        };
        let all: Vec<&Use<'_>> = uses.iter().collect();
        let place = &account.deployment;
        let Some((arn, name)) = Arn::parse(text).and_then(|arn| Some((arn, arn.role_name()?))) else { continue };
        if arn.partition != place.partition {
            let why =
                format!("the role {text} is in the partition {}, and the domain in {}", arn.partition, place.partition);
            against(&all, (why, format!("give a role of account {}", place.account)));
            continue;
        }
        if arn.account != place.account {
            let bound: Vec<&Use<'_>> = uses.iter().filter(|one| !one.is_any_of(&ANYWHERE)).collect();
            let why =
                format!("the role {text} is in account {}, and the domain in account {}", arn.account, place.account);
            let hint = format!("SageMaker takes roles of its own account only: give one of account {}", place.account);
            against(&bound, (why, hint));
            continue;
        }
        let role = account.given_role(name).await?;
        let missing_role = format!("the role {text} does not exist");
        let Some(role) = role else {
            against(&all, (missing_role, "correct the config, or make the role first".to_owned()));
            continue;
        };
        if role.arn() != text {
            let hint = format!("a role of that name is {}: give this ARN if it is the one that is meant", role.arn());
            against(&all, (missing_role, hint));
            continue;
        }
        let document = percent_decode_str(role.assume_role_policy_document().unwrap_or_default()).decode_utf8_lossy();
        let policy: Json = serde_json::from_str(&document).unwrap_or_default();
        let lacking = missing(&policy, Who::Service("sagemaker.amazonaws.com"), needed);
        if !lacking.is_empty() {
            let why = format!("the role {name} does not let sagemaker.amazonaws.com do {}", lacking.join(" and "));
            let become_it: Vec<&Use<'_>> = uses.iter().filter(|one| one.is_any_of(&BECOME)).collect();
            against(&become_it, (why, format!("add to its trust policy: {}", statement(&lacking))));
        }
    }
    Ok(())
}

/// Use of a role by a node.
struct Use<'a> {
    step: &'a Step,
    path: Path,
}

impl Use<'_> {
    /// Returns `true` if one of these settings names it, by itself or in a list.
    fn is_any_of(&self, settings: &[&str]) -> bool {
        self.path.0.iter().rev().take(2).any(|key| settings.contains(&key.as_str()))
    }
}

/// Every role that the domain and its users name by ARN and that this deployment does not make, with where they do.
fn uses(plan: &Plan) -> BTreeMap<&str, Vec<Use<'_>>> {
    let ours = plan.steps().iter().find(|step| step.address().kind == Kind::ExecutionRole);
    let ours = ours.and_then(|step| step.observed()?.outputs.get("Arn"));
    let mut uses: BTreeMap<&str, Vec<Use<'_>>> = BTreeMap::new();
    for step in plan.steps().iter().filter(|step| matches!(step.address().kind, Kind::Domain | Kind::UserProfile)) {
        let Some(node) = step.node() else { continue };
        for (path, value) in node.properties.leaves() {
            let is_tag = path.0.first().is_some_and(|key| key.ends_with("Tags"));
            // A list is one leaf; its elements are told apart by where they stand.
            let elements = value.items().iter().enumerate().map(|(at, element)| {
                let mut path = path.clone();
                path.0.push(at.to_string());
                (path, element)
            });
            for (path, text) in elements.chain([(path.clone(), value)]).filter(|_| !is_tag) {
                let text = text.as_str().filter(|text| ours.map(String::as_str) != Some(*text));
                if let Some(text) = text.filter(|text| Arn::parse(text).and_then(Arn::role_name).is_some()) {
                    uses.entry(text).or_default().push(Use { step, path });
                }
            }
        }
    }
    // A profile mostly repeats the domain's role, where it is said once.
    for of_role in uses.values_mut() {
        let of_domain = of_role.iter().any(|one| one.step.address().kind == Kind::Domain);
        of_role.retain(|one| !of_domain || one.step.address().kind == Kind::Domain);
    }
    uses
}

/// A unique id alone may be another account's, and is used as it is; but an id is gone with its role, and one that is
/// made again has another.
pub(super) async fn ids(
    account: &Account,
    desired: &Desired,
    plan: &Plan,
    findings: &Findings,
) -> Result<(), CloudError> {
    let config = &desired.config.domain;
    let bare =
        |role: &RoleReference| (role.arn.is_none() && (role.name.is_none() || role.sso)).then(|| role.id.clone())?;
    let mut given: Vec<(&Step, Path, String)> = Vec::new();
    for (kind, property) in [(Kind::Bucket, "Policy"), (Kind::KmsKey, "KeyPolicy")] {
        let Some(step) = plan.steps().iter().find(|step| step.address().kind == kind && step.node().is_some()) else {
            continue;
        };
        given.extend(config.data_admin_roles.iter().filter_map(bare).map(|id| (step, Path::of([property]), id)));
    }
    // With thousands of users a look-up for each would be quadratic.
    let steps: BTreeMap<&Address, &Step> = plan.steps().iter().map(|step| (step.address(), step)).collect();
    for (user, profile) in &config.user_profiles {
        let id = profile.user_role.as_ref().and_then(bare).filter(|_| desired.roles.users.contains_key(user));
        let step = steps.get(&user_profile::address(user)).copied();
        given.extend(step.zip(id).map(|(step, id)| (step, Path::of(["Tags", "userid"]), id)));
    }
    given.retain(|(step, path, _)| brings(step, path));
    if given.is_empty() {
        return Ok(());
    }
    let roles = account.iam.list_roles().into_paginator().items().send().try_collect().await;
    let roles = roles.map_err(|e| failed("ListRoles", e))?;
    for (step, _, id) in given.into_iter().filter(|(_, _, id)| !roles.iter().any(|role| role.role_id() == id)) {
        let message = format!(
            "no role of account {} has the unique id {id}: it is right if it is another account's, and lets nobody in if the \
             role was deleted or made again",
            account.deployment.account
        );
        findings.about(step.address(), message);
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
    let is_bounded = |step: &&Step| step.node().is_some_and(|node| node.properties.at(&path).is_some());
    let bounded: Vec<&Step> = plan.steps().iter().filter(is_bounded).filter(|step| brings(step, &path)).collect();
    if bounded.is_empty() {
        return Ok(());
    }
    let of = Arn::parse(arn).map_or("", |arn| arn.account);
    if of != account.deployment.account && of != "aws" {
        for step in bounded {
            let why =
                format!("the permissions boundary {arn} is not a policy of account {}", account.deployment.account);
            let hint =
                "a boundary is a policy of the role's own account, or one of AWS's: correct `permissions_boundary_arn`";
            findings.against(step, &path, why, hint.to_owned());
        }
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
        findings.against(step, &path, why.clone(), hint.to_owned());
    }
    Ok(())
}

/// Permissions that users will miss although everything deploys: said when it begins to matter, never in the way.
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
    let policy = plan.step(&execution_policy::address()).and_then(|step| step.node());
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
