//! Permissions of a caller's own policies: each operation's IAM actions, on which resources, with which condition keys.
//!
//! Actions, resource types, condition keys and dependent actions are those of the Service Authorization Reference. The
//! account's operator may do anything, as an administrator may; a role may do what its managed and inline policies allow,
//! its permissions boundary allows too, and nothing denies. What buckets, keys and trust policies say stands with them.

mod ec2;
mod iam;
pub mod kms;
mod sagemaker;
mod storage;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::core::policy::{Keys, RequestContext, Verdict, evaluate};
use crate::core::protocol::Service;
use crate::core::records::{ROLES, Role};
use crate::core::service::Input;
use crate::core::wire::{Principal, Refusal, Request};
use crate::core::world::World;
use crate::services::iam_policies::default_document;

/// Outcome of authorizing one request of a role.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Who asked.
    pub caller: Principal,
    /// `s3:GetObject`, …
    pub action: String,
    /// The ARN of what it was about.
    pub resource: String,
    /// What the request had for condition keys, beside those that follow from the caller.
    pub keys: Keys,
    /// Whether it was allowed.
    pub is_allowed: bool,
}

/// Reason why a request is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No policy of the caller's allows it.
    NoIdentityPolicy,
    /// No statement of the resource's policy allows it, or leaves it to the account.
    NoResourcePolicy,
    /// The caller's permissions boundary does not allow it.
    NoBoundary,
    /// A policy of the caller's denies it.
    IdentityDenies,
    /// The resource's policy denies it.
    ResourceDenies,
    /// The caller's permissions boundary denies it.
    BoundaryDenies,
}

impl Why {
    /// The same in AWS's words (IAM user guide, "Troubleshoot access denied error messages").
    pub(crate) fn because(self, action: &str) -> String {
        match self {
            Self::NoIdentityPolicy => format!("because no identity-based policy allows the {action} action"),
            Self::NoResourcePolicy => format!("because no resource-based policy allows the {action} action"),
            Self::NoBoundary => format!("because no permissions boundary allows the {action} action"),
            Self::IdentityDenies => "with an explicit deny in an identity-based policy".into(),
            Self::ResourceDenies => "with an explicit deny in a resource-based policy".into(),
            Self::BoundaryDenies => "with an explicit deny in a permissions boundary".into(),
        }
    }
}

/// Decides about a request for what `owner` has: whatever denies wins, and a boundary bounds what a role may do. Within one
/// account either side allows; across accounts both have to (IAM user guide, "Policy evaluation logic" and "Cross-account
/// policy evaluation logic").
///
/// `silent` is what a resource's silence means to its own account: an S3 bucket delegates to it, a key or a role does not.
pub fn decide(
    world: &World,
    owner: &str,
    resource_policy: Option<&Json>,
    context: &RequestContext<'_>,
    silent: Verdict,
) -> Result<(), Why> {
    let says = resource_policy.map_or(Verdict::Silent, |document| evaluate(document, context));
    let resource = match (context.caller.account() == owner, says) {
        (true, Verdict::Silent) => silent,
        // Another account's policy leaves it to the caller's at most.
        (false, Verdict::Allow) => Verdict::Delegated,
        (_, says) => says,
    };
    // Whoever is no role is the operator, an administrator; a role that is gone may do nothing.
    let is_role = context.caller.principal_arn.contains(":role/");
    let role = role(world, context.caller);
    let (identity, boundary) = match &role {
        None if is_role => (Verdict::Silent, None),
        None => (Verdict::Allow, None),
        Some(role) => {
            let account = context.caller.account();
            let documents = role.attached.iter().filter_map(|arn| document(world, account, arn));
            let documents = documents.chain(role.inline.values().filter_map(|text| serde_json::from_str(text).ok()));
            let identity = documents.map(|document| evaluate(&document, context)).max().unwrap_or(Verdict::Silent);
            let boundary = role.boundary.as_deref().map(|arn| document(world, account, arn));
            let boundary =
                boundary.map(|document| document.map_or(Verdict::Silent, |document| evaluate(&document, context)));
            (identity, boundary)
        }
    };
    let decided = match (identity, resource, boundary) {
        (Verdict::Deny, ..) => Err(Why::IdentityDenies),
        (_, Verdict::Deny, _) => Err(Why::ResourceDenies),
        (.., Some(Verdict::Deny)) => Err(Why::BoundaryDenies),
        (_, Verdict::Silent, _) => Err(Why::NoResourcePolicy),
        (Verdict::Silent | Verdict::Delegated, Verdict::Delegated, _) => Err(Why::NoIdentityPolicy),
        (.., Some(Verdict::Silent | Verdict::Delegated)) => Err(Why::NoBoundary),
        _ => Ok(()),
    };
    if is_role {
        world.decided(Decision {
            caller: context.caller.clone(),
            action: context.action.to_owned(),
            resource: context.resource.to_owned(),
            keys: context.keys.clone(),
            is_allowed: decided.is_ok(),
        });
    }
    decided
}

fn role(world: &World, caller: &Principal) -> Option<Role> {
    let (_, path) = caller.principal_arn.split_once(":role/")?;
    world.get_of(caller.account(), ROLES, path.rsplit('/').next().unwrap_or(path))
}

/// A managed policy's document. AWS's own are not in the table; the only one that is known is the administrator's.
fn document(world: &World, account: &str, arn: &str) -> Option<Json> {
    if arn.ends_with(":aws:policy/AdministratorAccess") {
        return Some(serde_json::json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}));
    }
    serde_json::from_str(&default_document(world, account, arn)?).ok()
}

/// Something that a caller has to be allowed to do for an operation.
struct Need {
    action: String,
    resource: String,
    keys: Keys,
    /// The resource's own policy, for kinds where silence is a no.
    policy: Option<Json>,
    /// Whose the resource is, where it is not the caller's account's.
    owner: Option<String>,
}

impl Need {
    fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), keys: Keys::new(), policy: None, owner: None }
    }

    /// A need of an action that has no resource: `*` stands for it.
    fn anywhere(action: impl Into<String>) -> Self {
        Self::new(action, "*")
    }

    fn key(mut self, name: &str, value: impl Into<String>) -> Self {
        self.keys.entry(name.to_ascii_lowercase()).or_default().push(value.into());
        self
    }

    /// The tags of what it is about, as the keys that every service fills in and as the service's own.
    fn tagged(self, tags: &BTreeMap<String, String>) -> Self {
        let service = self.action.split(':').next().unwrap_or_default().to_owned();
        tags.iter().fold(self, |need, (key, value)| {
            need.key(&format!("aws:ResourceTag/{key}"), value).key(&format!("{service}:ResourceTag/{key}"), value)
        })
    }

    /// The tags that the request gives.
    fn tagging(self, tags: &BTreeMap<String, String>) -> Self {
        tags.iter()
            .fold(self, |need, (key, value)| need.key(&format!("aws:RequestTag/{key}"), value).key("aws:TagKeys", key))
    }

    /// The keys of tags that the request removes.
    fn untagging(self, keys: &[&str]) -> Self {
        keys.iter().fold(self, |need, key| need.key("aws:TagKeys", *key))
    }
}

/// The tags in a list of structures.
fn tags(input: Input<'_>, list: &str, key: &str, value: &str) -> BTreeMap<String, String> {
    let tags = input.list(list).filter_map(|tag| Some((tag.text(key)?, tag.text(value).unwrap_or_default())));
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Refuses what a role may not do.
pub fn check(
    world: &World,
    service: Service,
    operation: &str,
    input: &Json,
    request: &Request,
    caller: &Principal,
) -> Result<(), Refusal> {
    if !caller.principal_arn.contains(":role/") {
        return Ok(());
    }
    let input = Input(input);
    let needs = match service {
        Service::Sagemaker => sagemaker::needs(world, operation, input),
        Service::Iam => iam::needs(world, operation, input),
        Service::Kms => kms::needs(world, operation, input),
        Service::Ec2 => ec2::needs(world, operation, input),
        Service::Ssm => storage::parameters(world, operation, input),
        Service::Efs => storage::file_systems(world, operation, input),
        Service::S3 => storage::buckets(world, operation, input, request),
        Service::Tagging => storage::tagging(operation, input),
        Service::Cloudformation => storage::stacks(world, operation, input),
        // Nobody needs a permission to ask who they are, and a role's own trust policy says who may become it.
        Service::Sts => Vec::new(),
    };
    for need in needs {
        let Need { action, resource, keys, policy, owner } = &need;
        let context = RequestContext { caller, action, resource, keys: keys.clone() };
        let silent = if policy.is_some() { Verdict::Silent } else { Verdict::Delegated };
        let owner = owner.as_deref().unwrap_or_else(|| caller.account());
        decide(world, owner, policy.as_ref(), &context, silent).map_err(|why| refusal(service, caller, &need, why))?;
    }
    Ok(())
}

/// The refusal of a request that is not allowed; codes, statuses and words differ between services.
fn refusal(service: Service, caller: &Principal, need: &Need, why: Why) -> Refusal {
    let Need { action, resource, .. } = need;
    let because = why.because(action);
    let who = format!("User: {} is not authorized to perform: {action}", caller.arn);
    let on = if resource == "*" { String::new() } else { format!(" on resource: {resource}") };
    match service {
        // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, UnauthorizedOperation.
        Service::Ec2 => {
            let message = format!("You are not authorized to perform this operation. {who}{on} {because}");
            Refusal::new("UnauthorizedOperation", message).with_status(403)
        }
        Service::Iam | Service::Sts | Service::Cloudformation => {
            // IAM names roles and policies in words of its own.
            let on = match resource.split_once(":role/") {
                Some((_, role)) => format!(" on resource: role {}", role.rsplit('/').next().unwrap_or(role)),
                None if resource.contains(":policy/") => format!(" on resource: policy {resource}"),
                None => on,
            };
            Refusal::new("AccessDenied", format!("{who}{on} {because}")).with_status(403)
        }
        Service::S3 => {
            let message = format!("{who} on resource: \"{resource}\" {because}");
            Refusal::new("AccessDenied", message).with_status(403)
        }
        // EFS does not say on which.
        Service::Efs => {
            let message = format!("{who} on the specified resource {because}");
            Refusal::new("AccessDeniedException", message).with_status(403)
        }
        Service::Sagemaker | Service::Kms | Service::Ssm | Service::Tagging => {
            Refusal::new("AccessDeniedException", format!("{who}{on} {because}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::front::SandboxOptions;
    use crate::core::testing::seeded;

    fn world(change: impl FnOnce(&mut Role)) -> World {
        let sandbox = seeded(SandboxOptions::default());
        let mut role: Role = sandbox.with_world(|world| world.get(ROLES, "execution")).unwrap().unwrap();
        change(&mut role);
        let mut world = World::default();
        world.put(ROLES, "execution", &role);
        world
    }

    fn caller() -> Principal {
        Principal {
            arn: "arn:aws:sts::123456789012:assumed-role/execution/me".into(),
            user_id: "AROA:me".into(),
            principal_arn: "arn:aws:iam::123456789012:role/execution".into(),
        }
    }

    fn allow(action: &str) -> String {
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}})
            .to_string()
    }

    fn decided(world: &World) -> Result<(), Why> {
        let caller = caller();
        let context =
            RequestContext { caller: &caller, action: "ssm:GetParameter", resource: "arn:x", keys: Keys::new() };
        decide(world, "123456789012", None, &context, Verdict::Delegated)
    }

    #[test]
    fn whatever_denies_wins_and_boundaries_bound() {
        let deny = allow("ssm:*").replace("Allow", "Deny");
        let inline = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            move |role: &mut Role| {
                role.inline = texts.iter().enumerate().map(|(at, text)| (at.to_string(), text.clone())).collect();
            }
        };
        let (all, other) = (allow("ssm:*"), allow("kms:*"));
        assert_eq!(decided(&world(inline(&[]))), Err(Why::NoIdentityPolicy));
        assert_eq!(decided(&world(inline(&[&all]))), Ok(()));
        assert_eq!(decided(&world(inline(&[&other]))), Err(Why::NoIdentityPolicy));
        assert_eq!(decided(&world(inline(&[&all, &deny]))), Err(Why::IdentityDenies));
        let bounded = |role: &mut Role| {
            inline(&[&all])(role);
            role.boundary = Some("arn:aws:iam::123456789012:policy/gone".into());
        };
        assert_eq!(decided(&world(bounded)), Err(Why::NoBoundary));
        let wide = |role: &mut Role| {
            inline(&[&all])(role);
            role.boundary = Some("arn:aws:iam::aws:policy/AdministratorAccess".into());
        };
        let mut world = world(wide);
        assert_eq!(decided(&world), Ok(()));
        assert_eq!(world.take_decisions().len(), 1);
    }
}
