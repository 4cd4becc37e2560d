//! What the two kinds of IAM role share: one lowering, one way to find, one way to delete.

use std::collections::BTreeSet;

use aws_sdk_iam::types::Role;

use super::permissions::{CHANGE, Grant, LOOK, MAKE, REMOVE, RESOLVE, Scope, open};
use super::watch::look;
use super::{ownership, policy};
use crate::aws::error::failed;
use crate::aws::{Account, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Node, Observed, Path, Value};
use crate::plan::{Change, Watched};

/// The live role `name`.
pub async fn find(account: &Account, name: &str) -> Result<Found, CloudError> {
    let answer = account.iam.get_role().role_name(name).send().await.map_err(|e| failed("GetRole", e));
    match answer {
        Ok(answer) => {
            let role =
                answer.role.ok_or_else(|| CloudError::new(ErrorKind::Other, "GetRole", "no role in the answer"))?;
            let mut observed = observed(&role);
            Box::pin(hung_on(account, name, &mut observed)).await?;
            ownership::judge(account, observed).await
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Found::Absent),
        Err(error) => Err(error),
    }
}

fn observed(role: &Role) -> Observed {
    let mut properties = Value::from_iter([
        ("RoleName", Value::from(role.role_name())),
        ("AssumeRolePolicyDocument", policy::parse_encoded(role.assume_role_policy_document().unwrap_or_default())),
        ("Tags", ownership::property(&tags::by_key(role.tags()))),
    ]);
    if let Some(boundary) = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn()) {
        properties.set("PermissionsBoundary", boundary);
    }
    Observed::new(role.role_name(), properties)
        .output("Arn", role.arn())
        .output("RoleId", role.role_id())
        .output("RoleName", role.role_name())
}

/// Notes what somebody else hung on the role: policies in it, and managed ones that are not this deployment's.
async fn hung_on(account: &Account, name: &str, observed: &mut Observed) -> Result<(), CloudError> {
    let inline = async {
        let list = account.iam.list_role_policies().role_name(name).into_paginator().items();
        list.send().try_collect().await.map_err(|e| failed("ListRolePolicies", e))
    };
    let attached = async {
        let list = account.iam.list_attached_role_policies().role_name(name).into_paginator().items();
        list.send().try_collect().await.map_err(|e| failed("ListAttachedRolePolicies", e))
    };
    let (inline, attached) = tokio::join!(inline, attached);
    let unwatched = &mut observed.unwatched;
    let mut policies = Value::map();
    for policy in look(inline, "the role's inline policies", unwatched)?.unwrap_or_default() {
        let get = account.iam.get_role_policy().role_name(name).policy_name(&policy).send().await;
        let answer = look(get.map_err(|e| failed("GetRolePolicy", e)), "what an inline policy says", unwatched)?;
        let document = answer.map(|answer| policy::parse_encoded(answer.policy_document()));
        policies.set(policy, document.unwrap_or(Value::Bool(true)));
    }
    let ours = [&account.names.execution_policy, &account.names.asset_policy];
    let ours = ours.map(|name| account.deployment.iam_arn(&format!("policy/{name}")));
    let attached = look(attached, "the role's managed policies", unwatched)?.unwrap_or_default();
    let attached =
        attached.iter().filter_map(|policy| policy.policy_arn()).filter(|arn| ours.iter().all(|our| our != arn));
    let attached: Value = attached.map(|arn| (arn, true)).collect();
    for (key, hung) in [("InlinePolicies", policies), ("AttachedPolicies", attached)] {
        if hung != Value::map() {
            observed.properties.set(key, hung);
        }
    }
    Ok(())
}

/// What is watched of a role: what hangs on it that we did not hang there, and a boundary that nobody asked for.
pub fn watch(observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
    let properties = &observed.properties;
    let hung = |key: &'static str, why: &'static str| {
        let entries = properties.get(key).map(Value::entries).into_iter().flatten();
        entries.map(move |(name, found)| Watched::surplus(Path(vec![key.into(), name.clone()]), found, why))
    };
    let mut found: Vec<Watched> =
        hung("InlinePolicies", "whoever is this role may do what this policy says besides").collect();
    found.extend(hung("AttachedPolicies", "whoever is this role may do what this policy says besides"));
    let wanted = node.is_some_and(|node| node.properties.get("PermissionsBoundary").is_some());
    if let Some(boundary) = properties.get("PermissionsBoundary").filter(|_| !wanted) {
        let why = "it takes from the role what it does not allow, and apps fail of that; `permissionsBoundary` in the \
                   config keeps it";
        found.push(Watched::surplus(Path::of(["PermissionsBoundary"]), boundary, why));
    }
    found
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
        .set_tags(Some(tags::list(&ownership::of(&node.properties))))
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
        Grant::new(
            LOOK,
            &["iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"],
            role(),
        ),
        // Whatever hangs on a role has to go before it, and an apply that is told to takes it away. One that is given instead
        // now an apply deletes.
        Grant::new(CHANGE, &["iam:DetachRolePolicy", "iam:DeleteRolePolicy"], role()),
        Grant::new(if is_made { REMOVE } else { CHANGE }, &["iam:DeleteRole"], role()),
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
    Box::pin(take_off(account, name, changes)).await?;
    let (write, remove) = ownership::difference(&node.properties, changes);
    if !write.is_empty() {
        let tag = account.iam.tag_role().role_name(name).set_tags(Some(tags::list(&write)));
        tag.send().await.map_err(|e| failed("TagRole", e))?;
    }
    if !remove.is_empty() {
        let untag = account.iam.untag_role().role_name(name).set_tag_keys(Some(remove));
        untag.send().await.map_err(|e| failed("UntagRole", e))?;
    }
    account.find_ours(&node.address, || find(account, name)).await
}

/// Takes off the role what changes name of all that hangs on it.
async fn take_off(account: &Account, name: &str, changes: &[Change]) -> Result<(), CloudError> {
    let is_gone = |error: &CloudError| error.kind == ErrorKind::NotFound;
    for change in changes {
        let keys: Vec<&str> = change.path.0.iter().map(String::as_str).collect();
        let taken = match keys.as_slice() {
            ["InlinePolicies", policy, ..] => {
                let delete = account.iam.delete_role_policy().role_name(name).policy_name(*policy);
                delete.send().await.map(drop).map_err(|e| failed("DeleteRolePolicy", e))
            }
            ["AttachedPolicies", arn, ..] => {
                let detach = account.iam.detach_role_policy().role_name(name).policy_arn(*arn);
                detach.send().await.map(drop).map_err(|e| failed("DetachRolePolicy", e))
            }
            _ => Ok(()),
        };
        match taken {
            Err(error) if !is_gone(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
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
