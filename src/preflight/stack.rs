//! The CloudFormation stack that what is taken over comes from: as long as it lives and does not retain everything, its
//! deletion would take everything along, users' home directories first.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::aws::Account;
use crate::aws::stack::{self, Stack};
use crate::cloud::{CloudError, ErrorKind};
use crate::config::{self, Diagnostics};
use crate::model::{Deployment, Observed, Owner};
use crate::naming;
use crate::plan::{Action, Blocked, Notice, Plan};
use crate::resource::ownership;

/// The statuses in which nothing is being done to a stack, so that its template says what it has.
///
/// Source: CloudFormation user guide, "Stack status codes".
const AT_REST: [&str; 5] =
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"];
/// How many resources are named.
const NAMED: usize = 3;
/// Where people read on.
const WAY_OUT: &str = "let the stack go first: README, \"Moving over from MDAA\", steps 3 and 4";

/// What a stack means for what it made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    /// It is gone, and nothing of it can go any more.
    Gone,
    /// It lives, and would leave everything where it is.
    Retains(String),
    /// It lives, and its end would take things along, or might.
    Takes(String),
}

/// Blocks that anything is taken over from a stack that would take it along when it goes. Once it is taken over, a stack
/// that lives on is pointed out.
///
/// # Errors
/// That CloudFormation does not say what becomes of the things that are to be taken over.
pub async fn check(account: &Account, plan: &mut Plan) -> Result<(), CloudError> {
    let own = naming::Names::from(&account.deployment).stack(None);
    let adopted = || plan.steps.iter().filter(|step| step.action == Action::Adopt && step.blocked.is_none());
    let is_of_stack = |live: &Observed| ownership::of(&live.properties).contains_key(ownership::STACK_NAME);
    let adopts = adopted().next().is_some();
    let was_of_stack = plan.steps.iter().filter_map(|step| step.observed.as_ref()).any(is_of_stack);
    if !adopts && !was_of_stack {
        return Ok(());
    }
    // One of its name may live although another, which made these things, is gone; and the other way round.
    let live = adopted().filter_map(|step| step.observed.as_ref());
    let ids = live.filter_map(|live| ownership::of(&live.properties).remove(ownership::STACK_ID));
    let stacks: BTreeSet<String> = ids.chain([own]).collect();
    let mut holds = Vec::new();
    for name in stacks {
        match look(account, &name).await {
            Ok(hold) => holds.push(hold),
            Err(error) if !adopts && error.kind == ErrorKind::Denied => {
                let message = format!("not checked: whether CloudFormation's stack {name} still exists ({error})");
                plan.notices.push(Notice { address: None, message });
            }
            Err(error) => return Err(error),
        }
    }
    holds.sort();
    holds.dedup();
    for hold in holds {
        match hold {
            Hold::Gone => {}
            Hold::Takes(why) if adopts => {
                let adopted = plan.steps.iter_mut().filter(|step| step.action == Action::Adopt);
                for step in adopted.filter(|step| step.blocked.is_none()) {
                    step.blocked = Some(Blocked::new(why.clone(), WAY_OUT));
                }
            }
            Hold::Takes(why) => plan.notices.push(Notice { address: None, message: format!("{why}; {WAY_OUT}") }),
            Hold::Retains(what) => plan.notices.push(Notice { address: None, message: what }),
        }
    }
    Ok(())
}

async fn look(account: &Account, name: &str) -> Result<Hold, CloudError> {
    let Some(stack) = stack::find(account, name).await? else { return Ok(Hold::Gone) };
    if let Some(hold) = by_status(&account.deployment, &stack) {
        return Ok(hold);
    }
    let taken = unretained(&stack::template(account, &stack.id).await?);
    let mut imported = Vec::new();
    for export in &stack.exports {
        let by = stack::importers(account, export).await?;
        imported.extend((!by.is_empty()).then(|| format!("{export} (by {})", by.join(", "))));
    }
    Ok(by_template(&stack, taken, &imported))
}

/// What a stack's status and tags say before its template is looked at.
fn by_status(deployment: &Deployment, stack: &Stack) -> Option<Hold> {
    let Stack { name, status, tags, .. } = stack;
    if status == "DELETE_COMPLETE" {
        return Some(Hold::Gone);
    }
    if let Some(Owner::Environment(four)) = ownership::owner(deployment, tags) {
        let why = format!("the CloudFormation stack {name} is alive ({status}), and MDAA's environment {four} owns it");
        return Some(Hold::Takes(why));
    }
    let is_at_rest = AT_REST.contains(&status.as_str());
    (!is_at_rest)
        .then(|| Hold::Takes(format!("MDAA's CloudFormation stack {name} is neither gone nor at rest: {status}")))
}

fn by_template(stack: &Stack, taken: Result<Vec<String>, String>, imported: &[String]) -> Hold {
    let Stack { name, status, .. } = stack;
    let alive = format!("MDAA's CloudFormation stack {name} is alive ({status})");
    let imported = match imported {
        [] => String::new(),
        all => format!("; it cannot be deleted as long as other stacks import {}", all.join(", ")),
    };
    match taken {
        Err(why) => Hold::Takes(format!("{alive}, and its template cannot be understood: {why}")),
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
            Hold::Takes(format!(
                "{alive}, and its end would take along {named}{more}, which it does not retain{imported}"
            ))
        }
    }
}

/// The resources of a template, JSON or YAML, that a deletion of the stack would delete, or a change of it might. One under
/// a condition counts as if it were there.
///
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
        let deployment = Deployment::sample();
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
        assert!(matches!(by_status(&deployment, &stack), Some(Hold::Takes(why)) if why.contains("?/?/other/?")));
    }
}
