//! The IAM roles that a deployment makes: a descriptor tells the two apart, and the rest is the same.
//!
//! Nothing that we set is immutable, and whatever hangs on a role has to go before it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_iam::types::Role;

use super::permissions::{CHANGE, Grant, LOOK, MAKE, REMOVE, RESOLVE, Scope, open};
use super::watch::look;
use super::{Desired, ObserveContext, Resource, ownership, policy, required};
use crate::aws::error::failed;
use crate::aws::{Account, answer, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::config::Config;
use crate::model::{Address, Found, Kind, Node, Observed, Path, Value};
use crate::naming::Names;
use crate::plan::outline::{named, principals};
use crate::plan::{Change, DeletionPolicy, Outline, Rules, Watched};

/// One of the two roles that a deployment may have: what tells it from the other.
#[derive(Debug)]
pub struct ManagedRole {
    /// The only address of it.
    pub address: fn() -> Address,
    /// Its name among those of the environment.
    pub name: fn(&Names) -> &str,
    /// Returns `true` if the config gives no role in its place.
    pub is_made: fn(&Config) -> bool,
    /// Who may assume it.
    pub trust: fn(&Desired) -> Value,
}

impl Rules for ManagedRole {
    fn outline(&self, node: &Node) -> Outline {
        let properties = &node.properties;
        Outline::new(properties.text("RoleName").unwrap_or_default())
            .fact("trusted by", principals(properties.get("AssumeRolePolicyDocument")).join(", "))
            .fact("boundary", named(properties.get("PermissionsBoundary")))
    }

    fn same(&self, _path: &Path, desired: &Value, live: &Value) -> bool {
        policy::same(desired, live)
    }

    /// Policies of the role that we did not attach, and a boundary that nobody asked for.
    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
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
}

#[async_trait(?Send)]
impl Resource for ManagedRole {
    fn kind(&self) -> Kind {
        (self.address)().kind
    }

    /// By its name, which nobody else's has. With a boundary no role is made or given a policy without it.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let (name, is_made) = ((self.name)(scope.names), (self.is_made)(scope.config));
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

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        if !(self.is_made)(&desired.config) {
            return Vec::new();
        }
        let address = (self.address)();
        let mut properties = Value::from_iter([
            ("RoleName", Value::from((self.name)(&desired.names))),
            ("AssumeRolePolicyDocument", (self.trust)(desired)),
            ("Tags", desired.tags(&address)),
        ]);
        if let Some(boundary) = &desired.permissions_boundary {
            properties.set("PermissionsBoundary", boundary.as_str());
        }
        let mut node = Node::new(address, properties);
        node.sources.extend(desired.source(&["domain"]).map(|source| (Path::default(), source)));
        vec![node]
    }

    async fn observe(
        &self,
        account: &Account,
        _context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![((self.address)(), find(account, (self.name)(&account.names)).await?)])
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let name = required::text(node, "RoleName")?;
        let trust = policy::text(required::value(node, "AssumeRolePolicyDocument")?);
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
        account.recently_created(name);
        account.find_ours(&node.address, || find(account, name)).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let name = &observed.id;
        let changed = |key: &str| changes.iter().any(|change| change.path.starts_with(&Path::of([key])));
        if changed("AssumeRolePolicyDocument") {
            let trust = policy::text(required::value(node, "AssumeRolePolicyDocument")?);
            let update = account.iam.update_assume_role_policy().role_name(name).policy_document(trust);
            update.send().await.map_err(|e| failed("UpdateAssumeRolePolicy", e))?;
            account.recently_created(name);
        }
        if changed("PermissionsBoundary") {
            match node.properties.text("PermissionsBoundary") {
                Some(boundary) => {
                    let put =
                        account.iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary);
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

    /// Deletes the role with everything that hangs on it.
    async fn delete(
        &self,
        account: &Account,
        _address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let name = &observed.id;
        let gone = |error: &CloudError| error.kind == ErrorKind::NotFound;
        let mut attached = account.iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = attached.next().await {
            let policy = match policy.map_err(|e| failed("ListAttachedRolePolicies", e)) {
                Err(error) if gone(&error) => return Ok(Deleted::Gone),
                other => other?,
            };
            let arn = answer::text("ListAttachedRolePolicies", "PolicyArn", policy.policy_arn())?;
            let detach = account.iam.detach_role_policy().role_name(name).policy_arn(arn);
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
}

/// The live role `name`.
async fn find(account: &Account, name: &str) -> Result<Found, CloudError> {
    let answer = account.iam.get_role().role_name(name).send().await.map_err(|e| failed("GetRole", e));
    match answer {
        Ok(answer) => {
            let mut observed = observed(&answer::member("GetRole", "Role", answer.role)?)?;
            Box::pin(hung_on(account, name, &mut observed)).await?;
            ownership::classify(account, observed).await
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Found::Absent),
        Err(error) => Err(error),
    }
}

fn observed(role: &Role) -> Result<Observed, CloudError> {
    let trust = answer::text("GetRole", "AssumeRolePolicyDocument", role.assume_role_policy_document())?;
    let mut properties = Value::from_iter([
        ("RoleName", Value::from(role.role_name())),
        ("AssumeRolePolicyDocument", policy::parse_encoded(trust)),
        ("Tags", ownership::property(&tags::by_key(role.tags()))),
    ]);
    if let Some(boundary) = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn()) {
        properties.set("PermissionsBoundary", boundary);
    }
    Ok(Observed::new(role.role_name(), properties)
        .output("Arn", answer::text("GetRole", "Arn", Some(role.arn()))?)
        .output("RoleId", answer::text("GetRole", "RoleId", Some(role.role_id()))?)
        .output("RoleName", role.role_name()))
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
