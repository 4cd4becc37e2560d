//! CloudFormation: what a stack says of itself. Stacks are records that a test puts there; none is made or deleted here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::core::service::{Input, Operation, iso, operation, page, tag_list, validation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::World;

/// Table of [`StackRecord`], by ARN.
pub const STACKS: &str = "cloudformation/stack";

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation("DescribeStacks", "StackName NextToken", describe),
    operation("GetTemplate", "StackName ChangeSetName TemplateStage", template),
    operation("ListImports", "ExportName NextToken", list_imports),
];

/// A stack of CloudFormation, with its template and what it exports.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StackRecord {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// The outermost stack that it is part of, by ARN.
    pub root: Option<String>,
    /// Its template as it was handed in.
    pub template: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What it exports, each with the names of the stacks that import it.
    pub exports: BTreeMap<String, Vec<String>>,
    /// Virtual milliseconds.
    pub created: i64,
}

/// The stack of a name or an ARN. One that is deleted is known by its ARN only (API reference, "DescribeStacks"); forgetting
/// it after ninety days is left out.
fn find(world: &World, reference: &str) -> Option<StackRecord> {
    if reference.starts_with("arn:") {
        return world.get(STACKS, reference);
    }
    let stacks = world.list::<StackRecord>(STACKS, "").into_iter().map(|(_, stack)| stack);
    stacks.into_iter().find(|stack| stack.name == reference && stack.status != "DELETE_COMPLETE")
}

/// The text of https://github.com/SWO-GS/auto-tag/issues/87.
fn no_such_stack(reference: &str) -> Refusal {
    validation(format!("Stack with id {reference} does not exist"))
}

fn described(stack: &StackRecord) -> Json {
    let outputs: Vec<Json> = stack
        .exports
        .keys()
        .enumerate()
        .map(|(at, export)| json!({"OutputKey": format!("Output{at}"), "OutputValue": "x", "ExportName": export}))
        .collect();
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "StackStatus": stack.status,
        "RootId": stack.root,
        "CreationTime": iso(stack.created),
        "DisableRollback": false,
        "EnableTerminationProtection": false,
        "Outputs": outputs,
        "Tags": tag_list(&stack.tags, "Key", "Value"),
    })
}

fn describe(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let stacks: Vec<Json> = match input.text("StackName") {
        Some(reference) => vec![described(&find(world, reference).ok_or_else(|| no_such_stack(reference))?)],
        None => {
            let all = world.list::<StackRecord>(STACKS, "").into_iter().map(|(_, stack)| stack);
            all.filter(|stack| stack.status != "DELETE_COMPLETE").map(|stack| described(&stack)).collect()
        }
    };
    let (stacks, next) = page(stacks, 100, input.text("NextToken"))?;
    Ok(json!({"Stacks": stacks, "NextToken": next}))
}

/// Both stages are the same here: no macro and no transform is carried out.
fn template(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let reference = input.need("StackName")?;
    let stack = find(world, reference).ok_or_else(|| no_such_stack(reference))?;
    Ok(json!({"TemplateBody": stack.template, "StagesAvailable": ["Original", "Processed"]}))
}

fn list_imports(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let export = input.need("ExportName")?;
    let stacks =
        world.list::<StackRecord>(STACKS, "").into_iter().filter(|(_, stack)| stack.status != "DELETE_COMPLETE");
    let importers = stacks.into_iter().find_map(|(_, stack)| stack.exports.get(export).cloned()).unwrap_or_default();
    if importers.is_empty() {
        // The text as the AWS CLI shows it in public scripts that look for it.
        return Err(validation(format!("Export '{export}' is not imported by any stack.")));
    }
    let (importers, next) = page(importers, 100, input.text("NextToken"))?;
    Ok(json!({"Imports": importers, "NextToken": next}))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::Client;

    use super::*;
    use crate::core::front::SandboxOptions;
    use crate::core::testing::{code, seeded};

    #[tokio::test]
    async fn a_stack_is_read_through_the_sdk() {
        let sandbox = seeded(SandboxOptions::default());
        let id = |name: &str| format!("arn:aws:cloudformation:us-east-1:123456789012:stack/{name}/1");
        for (name, status) in [("lives", "UPDATE_COMPLETE"), ("gone", "DELETE_COMPLETE")] {
            let stack = StackRecord {
                id: id(name),
                name: name.into(),
                status: status.into(),
                root: Some(id("whole")),
                template: "{\"a\": \"<&>\"}".into(),
                tags: [("mdaa_org".to_owned(), "acme".to_owned())].into(),
                exports: [("used".to_owned(), vec!["one".to_owned()]), ("unused".to_owned(), Vec::new())].into(),
                created: 0,
            };
            sandbox.with_world(|world| world.put(STACKS, &stack.id, &stack)).unwrap();
        }
        let client = Client::new(&sandbox.sdk_config().build());
        let find = |reference: String| client.describe_stacks().stack_name(reference).send();
        for (reference, status) in
            [("lives".to_owned(), "UPDATE_COMPLETE"), (id("lives"), "UPDATE_COMPLETE"), (id("gone"), "DELETE_COMPLETE")]
        {
            let answer = find(reference).await.unwrap();
            let stack = &answer.stacks()[0];
            assert_eq!(stack.stack_status().unwrap().as_str(), status);
            assert_eq!(stack.tags()[0].value(), Some("acme"));
            assert_eq!(stack.root_id(), Some(&*id("whole")));
            assert_eq!(stack.outputs().len(), 2);
        }
        for reference in ["gone".to_owned(), id("never")] {
            let refused = find(reference.clone()).await.unwrap_err().into_service_error();
            assert_eq!(refused.meta().message(), Some(&*format!("Stack with id {reference} does not exist")));
            assert_eq!(refused.meta().code(), Some("ValidationError"));
        }
        let template = client.get_template().stack_name("lives").send().await.unwrap();
        assert_eq!(template.template_body(), Some("{\"a\": \"<&>\"}"));
        let imports = |export: &str| client.list_imports().export_name(export).send();
        assert_eq!(imports("used").await.unwrap().imports(), ["one"]);
        assert_eq!(code(imports("unused").await), "ValidationError");
    }
}
