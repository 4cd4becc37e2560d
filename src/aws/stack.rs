//! A CloudFormation stack, as far as it says what would become of what it made.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use aws_sdk_cloudformation::types::TemplateStage;

use super::Account;
use super::error::failed;
use crate::cloud::{CloudError, ErrorKind};

/// A stack that exists, or existed until a while ago.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN, which no other stack ever has.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status in AWS's word.
    pub status: String,
    /// Its own tags, which it gives to what it makes.
    pub tags: BTreeMap<String, String>,
    /// The stack that it is part of, the outermost one, by ARN.
    pub root: Option<String>,
    /// What it exports to other stacks.
    pub exports: Vec<String>,
}

impl Stack {
    /// Returns `true` if it was deleted: what it made and still exists is nobody's but whoever took it over.
    pub fn is_gone(&self) -> bool {
        self.status == "DELETE_COMPLETE"
    }
}

/// The stack that `name` names: by name one that lives, by ARN also one that was deleted in the last ninety days.
///
/// # Errors
/// What CloudFormation fails with; that there is no such stack is no failure.
pub async fn find(account: &Account, name: &str) -> Result<Option<Stack>, CloudError> {
    let answer = account.cloudformation.describe_stacks().stack_name(name).send().await;
    let answer = match answer.map_err(|e| failed("DescribeStacks", e)) {
        Ok(answer) => answer,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(answer.stacks().first().map(|stack| Stack {
        id: text(stack.stack_id()),
        name: text(stack.stack_name()),
        status: stack.stack_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        tags: super::tags::by_key(stack.tags()),
        root: stack.root_id().map(str::to_owned),
        exports: stack.outputs().iter().filter_map(|output| output.export_name()).map(str::to_owned).collect(),
    }))
}

/// Returns `true` if the stack of this ARN is gone: nothing is its own any more. Each is asked for once.
///
/// # Errors
/// What CloudFormation fails with.
pub async fn is_gone(account: &Account, id: &str) -> Result<bool, CloudError> {
    let known = || account.gone_stacks.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(is_gone) = known().get(id) {
        return Ok(*is_gone);
    }
    let is_gone = find(account, id).await?.is_none_or(|stack| stack.is_gone());
    known().insert(id.to_owned(), is_gone);
    Ok(is_gone)
}

/// The template that a stack was last made or changed by, in JSON or YAML, with what macros and transforms made of it.
///
/// # Errors
/// What CloudFormation fails with.
pub async fn template(account: &Account, id: &str) -> Result<String, CloudError> {
    let get = account.cloudformation.get_template().stack_name(id).template_stage(TemplateStage::Processed);
    let answer = get.send().await.map_err(|e| failed("GetTemplate", e))?;
    Ok(answer.template_body.unwrap_or_default())
}

/// The stacks that import what another one exports: it cannot be deleted as long as they do.
///
/// # Errors
/// What CloudFormation fails with; that nobody imports it is no failure.
pub async fn importers(account: &Account, export: &str) -> Result<Vec<String>, CloudError> {
    let imports = account.cloudformation.list_imports().export_name(export).into_paginator().items().send();
    match imports.try_collect().await.map_err(|e| failed("ListImports", e)) {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}
