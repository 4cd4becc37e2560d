//! The CloudFormation stack that what is taken over comes from: as long as it lives and does not retain everything, its
//! deletion would take everything along, users' home directories first.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value as Json;

use crate::aws::Account;
use crate::aws::stack::{Stack, find, importers, template};
use crate::cloud::{CloudError, ErrorKind};
use crate::config::{self, Diagnostics};
use crate::model::{Deployment, Observed, Owner};
use crate::naming;
use crate::plan::{Action, Check, Finding, Obstacle, Plan, Step};
use crate::resource::ownership;

/// The statuses in which nothing is being done to a stack, so that its template says what it has.
///
/// Source: CloudFormation user guide, "Stack status codes".
const AT_REST: [&str; 5] =
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"];
/// Number of resources that are named.
const NAMED: usize = 3;
/// Number of exports that are asked about at once: a stack may have two hundred.
const PARALLEL: usize = 8;
/// Pointer to where people read on.
const WAY_OUT: &str = "let the stack go first: README, \"Moving over from MDAA\", steps 3 and 4";

/// Hold that a stack has on what it made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    /// Gone, and nothing of it can go any more.
    Gone,
    /// Lives, and would leave everything where it is.
    Retains(String),
    /// Lives, and its end would take things along, or might: why, and what to do.
    Takes(String, String),
}

/// Objections to taking things over from a stack that would take them along when it goes. Once they are taken over,
/// a stack that lives on is pointed out.
///
/// # Errors
/// That CloudFormation does not say what becomes of the things that are to be taken over.
pub(super) async fn check(account: &Account, plan: &Plan) -> Result<Vec<Finding>, CloudError> {
    let own = naming::NamingConvention::from(&account.deployment).stack(None);
    let adopted: Vec<&Step> =
        plan.steps().iter().filter(|step| step.action() == Action::Adopt && step.runs()).collect();
    let is_of_stack = |live: &Observed| ownership::of(&live.properties).contains_key(ownership::STACK_NAME);
    let adopts = !adopted.is_empty();
    let was_of_stack = plan.steps().iter().filter_map(|step| step.observed()).any(is_of_stack);
    if !adopts && !was_of_stack {
        return Ok(Vec::new());
    }
    // One of its name may live although another, which made these things, is gone; and the other way round.
    let live = adopted.iter().filter_map(|step| step.observed());
    let tags = live.map(|live| ownership::of(&live.properties));
    let said = tags.flat_map(|mut tags| [ownership::STACK_ID, ownership::STACK_NAME].map(|key| tags.remove(key)));
    let stacks: BTreeSet<String> = said.flatten().chain([own]).collect();
    let looks = stacks.into_iter().map(|name| async move { (look(account, &name).await, name) });
    let looks: Vec<_> = stream::iter(looks).buffered(PARALLEL).collect().await;
    let (mut holds, mut findings) = (Vec::new(), Vec::new());
    for (hold, name) in looks {
        match hold {
            Ok(hold) => holds.push(hold),
            Err(error) if !adopts && error.kind == ErrorKind::Denied => {
                let message = format!("not checked: whether CloudFormation's stack {name} still exists ({error})");
                findings.push(Finding::notice(None, message));
            }
            Err(error) => return Err(error),
        }
    }
    holds.sort();
    holds.dedup();
    let mut obstacle = None;
    for hold in holds {
        match hold {
            Hold::Gone => {}
            // The first stack that would take them along is reason enough.
            Hold::Takes(why, hint) if adopts => drop(obstacle.get_or_insert((why, hint))),
            Hold::Takes(why, way_out) => findings.push(Finding::notice(None, format!("{why}; {way_out}"))),
            Hold::Retains(what) => findings.push(Finding::notice(None, what)),
        }
    }
    if let Some((why, hint)) = obstacle {
        findings.extend(adopted.into_iter().map(|step| {
            let (address, why, hint) = (step.address().clone(), why.clone(), hint.clone());
            Finding::Obstacle(Obstacle { address, why, hint, source: None, check: Check::Stack })
        }));
    }
    Ok(findings)
}

async fn look(account: &Account, name: &str) -> Result<Hold, CloudError> {
    let Some(stack) = find(account, name).await? else { return Ok(Hold::Gone) };
    if let Some(hold) = by_status(&account.deployment, &stack) {
        return Ok(hold);
    }
    let taken = unretained(&template(account, &stack.id).await?);
    let asks = stack.exports.iter().map(|export| async move {
        let by = importers(account, export).await?;
        Ok::<_, CloudError>((!by.is_empty()).then(|| format!("{export} (by {})", by.join(", "))))
    });
    let imported: Vec<Option<String>> = stream::iter(asks).buffered(PARALLEL).try_collect().await?;
    let imported: Vec<String> = imported.into_iter().flatten().collect();
    Ok(by_template(&account.deployment, &stack, taken, &imported))
}

/// A stack as people know it.
fn described(deployment: &Deployment, stack: &Stack) -> String {
    let own = stack.name == naming::NamingConvention::from(deployment).stack(None);
    format!("{} {}", if own { "MDAA's CloudFormation stack" } else { "the CloudFormation stack" }, stack.name)
}

/// The hold that a stack's status and tags tell before its template is looked at.
fn by_status(deployment: &Deployment, stack: &Stack) -> Option<Hold> {
    let Stack { name, status, tags, .. } = stack;
    if stack.is_gone() {
        return Some(Hold::Gone);
    }
    if let Some(Owner::Environment(four)) = ownership::owner(deployment, tags, false) {
        let why = format!("the CloudFormation stack {name} is alive ({status}), and MDAA's environment {four} owns it");
        return Some(Hold::Takes(why, WAY_OUT.into()));
    }
    if AT_REST.contains(&status.as_str()) {
        return None;
    }
    let why = format!("{} is neither gone nor at rest: {status}", described(deployment, stack));
    Some(Hold::Takes(why, to_rest(name, status)))
}

/// The way to bring a stack to rest, or to its end, without taking anything along.
///
/// Source: CloudFormation user guide, "Stack status codes", and the AWS CLI's reference of the commands.
fn to_rest(name: &str, status: &str) -> String {
    match status {
        // Only a change set was made for it.
        "REVIEW_IN_PROGRESS" => {
            format!("nothing was made by it yet: remove it with `aws cloudformation delete-stack --stack-name {name}`")
        }
        status if status.ends_with("_IN_PROGRESS") => {
            "wait until CloudFormation is done with it, and plan again".into()
        }
        "ROLLBACK_COMPLETE" => format!(
            "it was never made whole, and can only be deleted; what its rollback has kept stays: `aws cloudformation \
             delete-stack --stack-name {name}`"
        ),
        "DELETE_FAILED" => format!(
            "delete it with everything that is still there named, which then stays: `aws cloudformation delete-stack \
             --stack-name {name} --retain-resources LOGICAL_ID …`"
        ),
        "UPDATE_ROLLBACK_FAILED" => format!(
            "bring it to rest with `aws cloudformation continue-update-rollback --stack-name {name}`, and plan again"
        ),
        _ => format!("bring it to rest first, and plan again; then {WAY_OUT}"),
    }
}

fn by_template(
    deployment: &Deployment,
    stack: &Stack,
    taken: Result<Vec<String>, String>,
    imported: &[String],
) -> Hold {
    let status = &stack.status;
    let mut alive = format!("{} is alive ({status})", described(deployment, stack));
    if let Some(root) = stack.root.as_ref().filter(|root| **root != stack.id) {
        alive = format!("{alive}, as a part of the stack {root}");
    }
    let imported = match imported {
        [] => String::new(),
        all => format!("; it cannot be deleted as long as other stacks import {}", all.join(", ")),
    };
    match taken {
        Err(why) => Hold::Takes(format!("{alive}, and its template cannot be understood: {why}"), WAY_OUT.into()),
        Ok(taken) if taken.is_empty() => Hold::Retains(format!(
            "{alive} and retains everything: delete it before anybody updates it, as the README says in \"Moving over from \
             MDAA\", step 4{imported}"
        )),
        Ok(taken) => {
            let named = taken.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            let more = match taken.len() - taken.len().min(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let why =
                format!("{alive}, and its end would take along {named}{more}, which it does not retain{imported}");
            Hold::Takes(why, WAY_OUT.into())
        }
    }
}

/// The resources of a template, JSON or YAML, that a deletion of the stack would delete, or a change of it might. One under
/// a condition counts as if it were there.
///
/// A function in place of a policy needs a transform (`AWS::LanguageExtensions`), which is carried out in what is read.
/// What is retained for good has both policies; `RetainExceptOnCreate` deletes only what the very operation made that is
/// rolled back (CloudFormation user guide, "DeletionPolicy attribute").
fn unretained(template: &str) -> Result<Vec<String>, String> {
    let tree: Json = match serde_json::from_str(template) {
        Ok(tree) => tree,
        Err(_) => yaml(template)?,
    };
    let resources = tree.get("Resources").and_then(Json::as_object).filter(|resources| !resources.is_empty());
    let resources = resources.ok_or("it has no resources")?;
    let taken = resources.iter().filter_map(|(id, resource)| {
        let says = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or("Delete");
        let kind = resource.get("Type").and_then(Json::as_str).unwrap_or("unknown");
        let stays = matches!(says("DeletionPolicy"), "Retain" | "RetainExceptOnCreate")
            && says("UpdateReplacePolicy") == "Retain"
            // It goes on by itself, and what it would take along is not known here.
            && kind != "AWS::CloudFormation::Stack";
        (!stays).then(|| format!("{id} ({kind})"))
    });
    Ok(taken.collect())
}

/// A template in YAML: the short forms of its functions (`!Sub`, `!If`) read as what they stand before.
fn yaml(template: &str) -> Result<Json, String> {
    let tree = config::yaml::parse("the template", template, &|_| Err("templates include nothing".into()));
    let first =
        |mistakes: Diagnostics| mistakes.iter().next().map(|mistake| mistake.summary.clone()).unwrap_or_default();
    tree.map(|tree| tree.to_json()).map_err(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"Resources": {
        "A": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"},
        "B": {"Type": "AWS::IAM::Role", "DeletionPolicy": "Retain"},
        "C": {"Type": "AWS::KMS::Key", "UpdateReplacePolicy": "Retain"},
        "D": {"Type": "Custom::X", "DeletionPolicy": {"Fn::If": ["a", "Retain", "Delete"]}, "UpdateReplacePolicy": "Retain"},
        "E": {"Type": "AWS::CloudFormation::Stack", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"},
        "F": {"Type": "AWS::SSM::Parameter", "DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"},
        "G": {"Condition": "Never", "Type": "AWS::IAM::ManagedPolicy", "DeletionPolicy": "Snapshot"}
    }}"#;

    const YAML: &str = "\
AWSTemplateFormatVersion: 2010-09-09
Resources:
  A:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {BucketName: !Sub '${AWS::StackName}-x', Tags: !If [a, [], !Ref 'AWS::NoValue']}
  B:
    Type: AWS::IAM::Role
    Metadata: {DeletionPolicy: Retain, UpdateReplacePolicy: Retain}
";

    #[test]
    fn what_is_not_retained_is_named_in_json_and_in_yaml() {
        let of = |template: &str| unretained(template).unwrap();
        assert_eq!(
            of(JSON),
            [
                "B (AWS::IAM::Role)",
                "C (AWS::KMS::Key)",
                "D (Custom::X)",
                "E (AWS::CloudFormation::Stack)",
                "G (AWS::IAM::ManagedPolicy)"
            ]
        );
        assert_eq!(of(YAML), ["B (AWS::IAM::Role)"]);
        for broken in ["", "{}", "a: [", "Resources: {}", "Resources: []", "{\"Resources\": null}", "just text"] {
            assert!(unretained(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn only_a_stack_at_rest_is_judged_by_its_template() {
        let deployment = crate::testing::deployment();
        // CloudFormation API reference, "Stack", StackStatus.
        let statuses = [
            "CREATE_IN_PROGRESS",
            "CREATE_FAILED",
            "CREATE_COMPLETE",
            "ROLLBACK_IN_PROGRESS",
            "ROLLBACK_FAILED",
            "ROLLBACK_COMPLETE",
            "DELETE_IN_PROGRESS",
            "DELETE_FAILED",
            "DELETE_COMPLETE",
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE",
            "UPDATE_FAILED",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_FAILED",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
            "REVIEW_IN_PROGRESS",
            "IMPORT_IN_PROGRESS",
            "IMPORT_COMPLETE",
            "IMPORT_ROLLBACK_IN_PROGRESS",
            "IMPORT_ROLLBACK_FAILED",
            "IMPORT_ROLLBACK_COMPLETE",
            "A_STATUS_OF_TOMORROW",
        ];
        for status in statuses {
            let stack = Stack { name: "a-b-c-d".into(), status: status.into(), ..Stack::default() };
            let by_status = by_status(&deployment, &stack);
            let asks = status.ends_with("COMPLETE") && !status.starts_with("DELETE") && !status.starts_with("ROLLBACK");
            assert_eq!(by_status.is_none(), asks, "{status}");
            assert_eq!(by_status == Some(Hold::Gone), status == "DELETE_COMPLETE", "{status}");
        }
        let tags = [("mdaa_domain".to_owned(), "other".to_owned())].into();
        let stack = Stack { status: "UPDATE_COMPLETE".into(), tags, ..Stack::default() };
        assert!(matches!(by_status(&deployment, &stack), Some(Hold::Takes(why, _)) if why.contains("?/?/other/?")));
    }
}
