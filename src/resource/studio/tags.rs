//! Tags of SageMaker's objects, which calls of their own read and write.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::ownership;
use crate::aws::error::failed;
use crate::aws::{Account, PAGE, tags};
use crate::cloud::CloudError;
use crate::model::Node;
use crate::plan::Change;

/// The tags of a live object.
///
/// # Errors
/// What SageMaker fails with.
pub async fn live_tags(account: &Account, arn: &str) -> Result<BTreeMap<String, String>, CloudError> {
    let live = account
        .sagemaker
        .list_tags()
        .resource_arn(arn)
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .try_collect()
        .await;
    let live: Vec<_> = live.map_err(|e| failed("ListTags", e))?;
    Ok(tags::by_key(&live))
}

/// Tags as a member of a request that is a document.
pub fn in_request(tags: &BTreeMap<String, String>) -> Json {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// Makes the tag changes of an object: tags never need an update call, let alone a replacement.
///
/// # Errors
/// What SageMaker fails with.
pub async fn write_tags(account: &Account, arn: &str, node: &Node, changes: &[Change]) -> Result<(), CloudError> {
    let (write, remove) = ownership::difference(&node.properties, changes);
    if !write.is_empty() {
        let add = account.sagemaker.add_tags().resource_arn(arn).set_tags(Some(tags::list(&write)));
        add.send().await.map_err(|e| failed("AddTags", e))?;
    }
    if !remove.is_empty() {
        let delete = account.sagemaker.delete_tags().resource_arn(arn).set_tag_keys(Some(remove));
        delete.send().await.map_err(|e| failed("DeleteTags", e))?;
    }
    Ok(())
}
