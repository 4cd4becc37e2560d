//! Grants beside those of the kinds: what the config refers to, the checks before the first write, the record and the
//! lock.

use std::collections::{BTreeMap, BTreeSet};

use super::{CHANGE, END, Grant, LOOK, REMOVE, RESOLVE, Scope, open};
use crate::config::{AuthMode, RoleReference};

/// Grants beside those of the kinds: what the config refers to, the checks before the first write, the record and the
/// lock. Who the caller is needs no permission (STS API reference, GetCallerIdentity).
pub(super) fn shared(scope: &Scope<'_>) -> Vec<Grant> {
    let mut grants = vec![
        // Whose things are that no name leads to. Tags and ARNs, no content.
        Grant::anywhere(LOOK, &["tag:GetResources"]),
        // Whether the network exists, and leads where Studio has to go. EC2's Describe actions know no resources.
        Grant::anywhere(
            RESOLVE,
            &[
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
            ],
        ),
        // What a domain that goes leaves running.
        Grant::anywhere(END, &["sagemaker:ListMlflowTrackingServers"]),
    ];
    let rules = [&scope.config.domain.security_group_ingress, &scope.config.domain.security_group_egress];
    let made = scope.config.domain.security_group_id.is_none();
    if made && rules.iter().any(|rules| !rules.prefix_list.is_empty()) {
        grants.push(Grant::anywhere(RESOLVE, &["ec2:DescribeManagedPrefixLists"]));
    }
    grants.push(Grant::new(
        RESOLVE,
        &["ssm:GetParameters"],
        scope.parameters.iter().map(|name| parameter_arn(scope, name)),
    ));
    grants.extend(roles(scope));
    grants.extend(named(scope));
    // The record with its pieces, and the lock: nobody else's path can begin with this one.
    let own = |name: &str| parameter_arn(scope, &format!("{}/{name}", scope.names.record));
    let [record, pieces, lock] = [own("record"), own("record/*"), own("lock")];
    grants.push(Grant::new(LOOK, &["ssm:GetParameter"], [record.clone(), lock.clone()]));
    grants.push(Grant::new(LOOK, &["ssm:GetParameters"], [pieces.clone()]));
    grants.push(Grant::new(CHANGE, &["ssm:PutParameter"], [record.clone(), pieces.clone(), lock.clone()]));
    grants.push(Grant::new(CHANGE, &["ssm:DeleteParameters"], [pieces]));
    grants.push(Grant::new(REMOVE, &["ssm:DeleteParameters"], [record.clone()]));
    grants.push(Grant::new(REMOVE, &["ssm:GetParametersByPath"], [record]));
    grants.push(Grant::new(REMOVE, &["ssm:DeleteParameter"], [lock]));
    grants
}

/// Images, their settings and scripts that settings name: whether there are any (`preflight/settings.rs`). `SageMaker` writes
/// names in ARNs in lower case.
fn named(scope: &Scope<'_>) -> Vec<Grant> {
    let mut named: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    scope.in_settings(&mut |key, text, beside| {
        let name = open(text.rsplit_once(":image/").map_or(text, |(_, name)| name)).to_lowercase();
        let (action, resource) = match key {
            "ImageName" if beside.contains_key("ImageVersionNumber") => {
                ("sagemaker:DescribeImageVersion", format!("image-version/{name}/*"))
            }
            "ImageName" | "SageMakerImageArn" => ("sagemaker:DescribeImage", format!("image/{name}")),
            "SageMakerImageVersionArn" => {
                let name =
                    text.split_once(":image-version/").map_or("*", |(_, name)| name.split('/').next().unwrap_or("*"));
                ("sagemaker:DescribeImageVersion", format!("image-version/{}/*", open(name).to_lowercase()))
            }
            "AppImageConfigName" => ("sagemaker:DescribeAppImageConfig", format!("app-image-config/{name}")),
            "LifecycleConfigArn" | "BuiltInLifecycleConfigArn" | "LifecycleConfigArns" => {
                let name = text.split_once(":studio-lifecycle-config/").map_or("*", |(_, name)| name);
                let resource = format!("studio-lifecycle-config/{}", open(name).to_lowercase());
                ("sagemaker:DescribeStudioLifecycleConfig", resource)
            }
            _ => return,
        };
        named.entry(action).or_default().insert(scope.arn("sagemaker", &resource));
    });
    named.into_iter().map(|(action, resources)| Grant::new(RESOLVE, &[action], resources)).collect()
}

/// The ARN of a parameter as a config refers to it: by name or ARN, perhaps at a version.
fn parameter_arn(scope: &Scope<'_>, name: &str) -> String {
    let name = open(name);
    if let Some((head, path)) = name.split_once(":parameter/") {
        return format!("{head}:parameter/{}", path.split(':').next().unwrap_or(path));
    }
    let bare = name.split(':').next().unwrap_or(&name);
    // The ARN of `/a/b` has one slash before `a`, and so has that of `a`.
    scope.arn("ssm", &format!("parameter/{}", bare.strip_prefix('/').unwrap_or(bare)))
}

/// The roles that a config refers to, as far as they are looked up (`aws/resolve.rs`, `preflight/roles.rs`).
fn roles(scope: &Scope<'_>) -> Vec<Grant> {
    let domain = &scope.config.domain;
    let mut by_id: Vec<&RoleReference> = Vec::new();
    // Data admins are named in the policies of a bucket and of a key that are made.
    if scope.makes_bucket() || domain.kms_key_arn.is_none() {
        by_id.extend(&domain.data_admin_roles);
    }
    if domain.auth_mode == AuthMode::Iam {
        by_id.extend(domain.user_profiles.values().filter_map(|profile| profile.user_role.as_ref()));
    }
    let mut by_arn: Vec<&RoleReference> = domain.default_execution_role.iter().collect();
    by_arn.extend(domain.domain_bucket.iter().map(|bucket| &bucket.asset_deployment_role));
    // IAM takes a role's name alone, and its permission is that of the role that answers, whatever its path. Only a list
    // leads from a unique id, or from a permission set, to a role; one that is looked for to be found is used as it is, but
    // whether there is such a role is looked at.
    let mut names: BTreeSet<String> = by_id
        .iter()
        .chain(&by_arn)
        .flat_map(|role| match (&role.arn, &role.name) {
            (Some(arn), _) => scope.roles_behind(arn),
            (None, Some(name)) if !role.sso || role.id.is_none() => scope.role_arns(&open(name)),
            _ => Vec::new(),
        })
        .collect();
    names.extend(scope.named_roles().iter().flat_map(|arn| scope.roles_behind(arn)));
    // Whether SageMaker may become a role that is given is looked at before the domain is made with it.
    let execution = domain.default_execution_role.iter().flat_map(|role| scope.given_role(role));
    names.extend(execution);
    let mut grants = vec![Grant::new(RESOLVE, &["iam:GetRole"], names)];
    let is_listed = |role: &&RoleReference| role.arn.is_none() && (role.name.is_none() || role.sso);
    if by_id.iter().chain(&by_arn).any(is_listed) {
        // It knows no single roles.
        grants.push(Grant::anywhere(RESOLVE, &["iam:ListRoles"]));
    }
    if !scope.makes_execution_role() {
        grants.push(Grant::new(RESOLVE, &["iam:SimulatePrincipalPolicy"], scope.execution_role()));
    }
    grants
}
