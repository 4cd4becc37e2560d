//! Permissions that a deployment needs: each kind says in its own file what its verbs call; what all of them share
//! stands here.
//!
//! Action names, resource types, condition keys and dependent actions are those of the Service Authorization Reference,
//! which differ from the API's in places: `HeadBucket` needs `s3:ListBucket`. What is written is named, or carries the
//! deployment's tag; where neither can be asked of AWS the place says why. The sandbox enforces what is printed, and a
//! law test takes it apart statement by statement.

pub mod document;
mod references;
mod scope;

use std::collections::BTreeSet;

pub use scope::{Scope, open};

use super::{KINDS, ownership};
use crate::naming;

/// A command that a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Looking: `plan`, `diff`, `drift`, `graph`, `output`.
    Plan,
    /// Making and changing.
    Apply,
    /// Deleting: `destroy` and `cleanup`.
    Destroy,
    /// Signing users in: `url`.
    Url,
}

use Purpose::{Apply, Destroy, Plan, Url};

/// Purposes of what every command looks at.
pub const LOOK: &[Purpose] = &[Plan, Apply, Destroy];
/// Purposes of what finds the domain.
pub const FIND: &[Purpose] = &[Plan, Apply, Destroy, Url];
/// Purposes of what only has to be known to tell what the config asks for.
pub const RESOLVE: &[Purpose] = &[Plan, Apply];
/// Purposes of what makes and changes.
pub const MAKE: &[Purpose] = &[Apply];
/// Purposes of what changes and deletes: an apply deletes what the config no longer names.
pub const CHANGE: &[Purpose] = &[Apply, Destroy];
/// Purposes of what is looked at before everything goes: a plan of that does too.
pub const END: &[Purpose] = &[Plan, Destroy];
/// Purposes of what only a destroy does.
pub const REMOVE: &[Purpose] = &[Destroy];
/// Purposes of what only signs users in.
pub const SIGN_IN: &[Purpose] = &[Url];

/// Actions that are allowed on some resources, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// For which commands.
    pub purposes: &'static [Purpose],
    /// `iam:GetRole`, …
    pub actions: BTreeSet<&'static str>,
    /// ARNs, as IAM's policies name resources.
    pub resources: BTreeSet<String>,
    /// All of them have to hold.
    pub conditions: BTreeSet<Condition>,
}

/// A condition of a grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// `StringEquals`, …
    pub operator: &'static str,
    /// `aws:ResourceTag/…`, …
    pub key: String,
    /// Any of them.
    pub values: Vec<String>,
}

impl Grant {
    /// `actions` on `resources`, without conditions.
    pub fn new(
        purposes: &'static [Purpose],
        actions: &[&'static str],
        resources: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            purposes,
            actions: actions.iter().copied().collect(),
            resources: resources.into_iter().collect(),
            conditions: BTreeSet::new(),
        }
    }

    /// `actions` that AWS ties to no resource.
    pub fn anywhere(purposes: &'static [Purpose], actions: &[&'static str]) -> Self {
        Self::new(purposes, actions, ["*".to_owned()])
    }

    /// The same under one more condition. An operator that compares whole texts becomes one that knows wildcards where a
    /// value has any.
    #[must_use]
    pub fn when(
        mut self,
        operator: &'static str,
        key: impl Into<String>,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        let values: Vec<String> = values.into_iter().collect();
        let operator = match operator {
            "StringEquals" if has_wildcard(&values) => "StringLike",
            "StringEqualsIfExists" if has_wildcard(&values) => "StringLikeIfExists",
            "ForAnyValue:StringEquals" if has_wildcard(&values) => "ForAnyValue:StringLike",
            // ArnEquals and ArnLike are the same (IAM user guide, "Amazon Resource Name (ARN) condition operators").
            other => other,
        };
        self.conditions.insert(Condition { operator, key: key.into(), values });
        self
    }

    /// The same for requests that tag with the deployment's tag.
    #[must_use]
    pub fn tagging_as_ours(self, scope: &Scope<'_>) -> Self {
        self.when("StringEquals", request_tag(ownership::DEPLOYMENT), [scope.deployment.tag()])
    }

    /// The same for what carries no other deployment's tag.
    #[must_use]
    pub fn unless_anothers(self, scope: &Scope<'_>) -> Self {
        self.when("StringEqualsIfExists", resource_tag(ownership::DEPLOYMENT), [scope.deployment.tag()])
    }
}

fn has_wildcard(values: &[String]) -> bool {
    values.iter().any(|value| value.contains('*'))
}

/// The condition key of a tag that a thing has.
pub fn resource_tag(key: &str) -> String {
    format!("aws:ResourceTag/{key}")
}

/// The condition key of a tag that a request gives.
pub fn request_tag(key: &str) -> String {
    format!("aws:RequestTag/{key}")
}

/// The grants that `purpose` needs.
pub fn of(scope: &Scope<'_>, purpose: Purpose) -> Vec<Grant> {
    let mut grants = references::shared(scope);
    grants.extend(of_stack(scope));
    grants.extend(KINDS.iter().flat_map(|kind| kind.grants(scope)));
    grants.retain(|grant| grant.purposes.contains(&purpose) && !grant.resources.is_empty());
    grants
}

/// Grants to ask about the stack that something is taken over from.
fn of_stack(scope: &Scope<'_>) -> Vec<Grant> {
    if scope.adopts.is_none() {
        return Vec::new();
    }
    let stack = naming::NamingConvention::from(scope.deployment).stack(None);
    let stack = [scope.arn("cloudformation", &format!("stack/{stack}/*"))];
    vec![
        Grant::new(RESOLVE, &["cloudformation:DescribeStacks", "cloudformation:GetTemplate"], stack),
        // It knows no resources.
        Grant::anywhere(RESOLVE, &["cloudformation:ListImports"]),
    ]
}
