//! What the two kinds of IAM role share: one lowering, one way to find, one way to delete.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{Role, Tag};

use super::permissions::{CHANGE, Grant, LOOK, MAKE, REMOVE, RESOLVE, Scope, open};
use super::{ownership, policy};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Node, Observed, Path, Value};
use crate::plan::Change;

/// The live role `name`.
pub async fn find(account: &Account, name: &str) -> Result<Found, CloudError> {
    let answer = account.iam.get_role().role_name(name).send().await.map_err(|e| failed("GetRole", e));
    match answer {
        Ok(answer) => {
            let role =
                answer.role.ok_or_else(|| CloudError::new(ErrorKind::Other, "GetRole", "no role in the answer"))?;
            ownership::judge(account, observed(&role)).await
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Found::Absent),
        Err(error) => Err(error),
    }
}

fn observed(role: &Role) -> Observed {
    let trust = role.assume_role_policy_document().map(percent_decode).unwrap_or_default();
    let tags: BTreeMap<String, String> =
        role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
    let mut properties = Value::from_iter([
        ("RoleName", Value::from(role.role_name())),
        ("AssumeRolePolicyDocument", policy::parse(&trust)),
        ("Tags", ownership::property(&tags)),
    ]);
    if let Some(boundary) = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn()) {
        properties.set("PermissionsBoundary", boundary);
    }
    Observed::new(role.role_name(), properties)
        .output("Arn", role.arn())
        .output("RoleId", role.role_id())
        .output("RoleName", role.role_name())
}

/// Makes the role that `node` describes.
pub async fn create(account: &Account, node: &Node) -> Result<Observed, CloudError> {
    let name = node.properties.text("RoleName").unwrap_or_default();
    let trust = node.properties.get("AssumeRolePolicyDocument").map(policy::text).unwrap_or_default();
    let made = account
        .iam
        .create_role()
        .role_name(name)
        .assume_role_policy_document(trust)
        .set_permissions_boundary(node.properties.text("PermissionsBoundary").map(str::to_owned))
        .set_tags(Some(tags(&ownership::of(&node.properties))?))
        .send()
        .await
        .map_err(|e| failed("CreateRole", e));
    match made {
        Ok(_) => {}
        // Our own attempt may have taken effect although its answer was lost.
        Err(error) if error.is("EntityAlreadyExists") => {}
        Err(error) => return Err(error),
    }
    account.freshly_made(name);
    account.find_ours(&node.address, || find(account, name)).await
}

/// What IAM has to allow for a role of ours: by its name, which nobody else's has. With a boundary no role is made or
/// given a policy without it.
pub fn grants(scope: &Scope<'_>, name: &str, is_made: bool) -> Vec<Grant> {
    let role = || [scope.deployment.iam_arn(&format!("role/{name}"))];
    let mut grants = vec![
        Grant::new(LOOK, &["iam:GetRole"], role()),
        // Whatever hangs on a role has to go before it. An apply deletes one that is given instead now.
        Grant::new(
            if is_made { REMOVE } else { CHANGE },
            &[
                "iam:ListAttachedRolePolicies",
                "iam:DetachRolePolicy",
                "iam:ListRolePolicies",
                "iam:DeleteRolePolicy",
                "iam:DeleteRole",
            ],
            role(),
        ),
    ];
    if is_made {
        let changes = ["iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole"];
        grants.push(Grant::new(MAKE, &changes, role()));
        match scope.boundary {
            Some(boundary) => {
                let bounded = Grant::new(MAKE, &["iam:CreateRole", "iam:PutRolePermissionsBoundary"], role());
                grants.push(bounded.when("StringEquals", "iam:PermissionsBoundary", [open(boundary)]));
                grants.push(Grant::new(RESOLVE, &["iam:GetPolicy"], [open(boundary)]));
            }
            None => grants.push(Grant::new(MAKE, &["iam:CreateRole", "iam:DeleteRolePermissionsBoundary"], role())),
        }
    }
    grants
}

/// Makes `changes` to the role.
pub async fn update(
    account: &Account,
    node: &Node,
    observed: &Observed,
    changes: &[Change],
) -> Result<Observed, CloudError> {
    let name = &observed.id;
    let changed = |key: &str| changes.iter().any(|change| change.path.starts_with(&Path::of([key])));
    if changed("AssumeRolePolicyDocument") {
        let trust = node.properties.get("AssumeRolePolicyDocument").map(policy::text).unwrap_or_default();
        let update = account.iam.update_assume_role_policy().role_name(name).policy_document(trust);
        update.send().await.map_err(|e| failed("UpdateAssumeRolePolicy", e))?;
        account.freshly_made(name);
    }
    if changed("PermissionsBoundary") {
        match node.properties.text("PermissionsBoundary") {
            Some(boundary) => {
                let put = account.iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary);
                put.send().await.map_err(|e| failed("PutRolePermissionsBoundary", e))?;
            }
            None => {
                let delete = account.iam.delete_role_permissions_boundary().role_name(name);
                delete.send().await.map_err(|e| failed("DeleteRolePermissionsBoundary", e))?;
            }
        }
    }
    let (write, remove) = ownership::difference(&node.properties, changes);
    if !write.is_empty() {
        let tag = account.iam.tag_role().role_name(name).set_tags(Some(tags(&write)?));
        tag.send().await.map_err(|e| failed("TagRole", e))?;
    }
    if !remove.is_empty() {
        let untag = account.iam.untag_role().role_name(name).set_tag_keys(Some(remove));
        untag.send().await.map_err(|e| failed("UntagRole", e))?;
    }
    account.find_ours(&node.address, || find(account, name)).await
}

/// Deletes the role with everything that hangs on it.
pub async fn delete(account: &Account, _address: &Address, observed: &Observed) -> Result<Deleted, CloudError> {
    let name = &observed.id;
    let gone = |error: &CloudError| error.kind == ErrorKind::NotFound;
    let mut attached = account.iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
    while let Some(policy) = attached.next().await {
        let policy = match policy.map_err(|e| failed("ListAttachedRolePolicies", e)) {
            Err(error) if gone(&error) => return Ok(Deleted::Gone),
            other => other?,
        };
        let detach =
            account.iam.detach_role_policy().role_name(name).policy_arn(policy.policy_arn().unwrap_or_default());
        match detach.send().await.map_err(|e| failed("DetachRolePolicy", e)) {
            Err(error) if !gone(&error) => return Err(error),
            _ => {}
        }
    }
    let mut inline = account.iam.list_role_policies().role_name(name).into_paginator().items().send();
    let mut names = BTreeSet::new();
    while let Some(policy) = inline.next().await {
        match policy.map_err(|e| failed("ListRolePolicies", e)) {
            Err(error) if gone(&error) => return Ok(Deleted::Gone),
            other => names.insert(other?),
        };
    }
    for policy in names {
        let delete = account.iam.delete_role_policy().role_name(name).policy_name(policy);
        match delete.send().await.map_err(|e| failed("DeleteRolePolicy", e)) {
            Err(error) if !gone(&error) => return Err(error),
            _ => {}
        }
    }
    match account.iam.delete_role().role_name(name).send().await.map_err(|e| failed("DeleteRole", e)) {
        Err(error) if !gone(&error) => Err(error),
        _ => Ok(Deleted::Gone),
    }
}

fn tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| CloudError::new(ErrorKind::Invalid, "TagRole", error.to_string()))
}

/// IAM answers policy documents URL-encoded (RFC 3986).
pub fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%').and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
