//! The domain's own values: names, ids, keys, the bucket and who administers it.

use super::{Review, consists_of, is_open};
use crate::config::codes;
use crate::config::{DomainConfig, RoleReference};
use crate::naming::is_profile_name;

pub(super) fn check(review: &mut Review<'_>, domain: &DomainConfig) {
    names(review);
    ids(review, domain);
    key(review, domain);
    bucket(review, domain);
    unique_name(review, domain);
    if let Some(role) = &domain.default_execution_role {
        anchored(review, role, &["domain", "defaultExecutionRole"]);
    }
    for (index, role) in domain.data_admin_roles.iter().enumerate() {
        anchored(review, role, &["domain", "dataAdminRoles", &index.to_string()]);
    }
}

/// Whether a role reference says which role it means.
pub(super) fn anchored(review: &mut Review<'_>, role: &RoleReference, path: &[&str]) {
    if !role.is_anchored() && review.is_sound(path) {
        review.report(
            &codes::ROLE_ANCHOR,
            path,
            "this role reference does not say which role",
            "give it an `id`, an `arn` or a `name`",
        );
    }
}

/// MDAA's switch for bucket names that no other account can have taken.
fn unique_name(review: &mut Review<'_>, domain: &DomainConfig) {
    const SWITCH: &str = "@aws-mdaa/enableUniqueBucketNames";
    if review.context.is_on(SWITCH) && domain.domain_bucket.is_none() {
        let own = ["deployment", "context", SWITCH];
        let path: &[&str] = if review.is_written(&own) { &own } else { &["domain"] };
        review.report(
            &codes::MDAA_SWITCH,
            path,
            format!("`{SWITCH}` names the bucket after a CloudFormation stack, and there is none"),
            "remove the switch from the context, or give the bucket as `domainBucket`",
        );
    }
}

fn names(review: &mut Review<'_>) {
    let context = review.context;
    let words =
        [("org", &context.org), ("env", &context.env), ("domain", &context.domain), ("module", &context.module_name)];
    for (what, word) in words {
        if !word.is_empty() && !word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            review.report(
                &codes::NAME,
                &["deployment", what],
                format!("`{word}` cannot be the name of the {what}"),
                "use letters, digits and hyphens",
            );
        }
    }
    if words.iter().all(|(_, word)| !word.is_empty())
        && let Err(error) = review.names.studio_domain().and_then(|_| review.names.resource_name(None, None))
    {
        review.report(&codes::NAME, &["deployment"], error.to_string(), "change org, env, domain or module");
    }
}

fn ids(review: &mut Review<'_>, domain: &DomainConfig) {
    // The API's pattern for ids of VPCs, subnets and security groups is [-0-9a-zA-Z]+.
    let mut ids = vec![(vec!["domain".to_string(), "vpcId".into()], &domain.vpc_id)];
    for (index, subnet) in domain.subnet_ids.iter().enumerate() {
        ids.push((vec!["domain".into(), "subnetIds".into(), index.to_string()], subnet));
    }
    if let Some(group) = &domain.security_group_id {
        ids.push((vec!["domain".into(), "securityGroupId".into()], group));
    }
    for (path, id) in ids {
        if !is_open(id) && !consists_of(id, "-") {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            review.report(
                &codes::IDENTIFIER,
                &path,
                format!("AWS refuses the id `{id}`"),
                "ids consist of letters, digits and hyphens",
            );
        }
    }
    if let Some(name) = domain.domain_name.as_ref().filter(|name| !is_open(name) && !is_profile_name(name)) {
        review.report(
            &codes::IDENTIFIER,
            &["domain", "domainName"],
            format!("AWS refuses the domain name `{name}`"),
            "use up to 63 letters, digits and hyphens; the first and last must not be a hyphen",
        );
    }
}

fn key(review: &mut Review<'_>, domain: &DomainConfig) {
    if let Some(arn) = domain.kms_key_arn.as_ref().filter(|arn| !is_open(arn))
        && !(arn.starts_with("arn:") && arn.split(':').count() >= 6)
    {
        review.report(
            &codes::ARN,
            &["domain", "kmsKeyArn"],
            format!("`{arn}` is not an ARN"),
            "write arn:PARTITION:kms:REGION:ACCOUNT:key/ID",
        );
    }
}

fn bucket(review: &mut Review<'_>, domain: &DomainConfig) {
    match &domain.domain_bucket {
        None if !review.is_written(&["domain", "dataAdminRoles"]) => review.report(
            &codes::DATA_ADMINS,
            &["domain"],
            "`dataAdminRoles` must say who administers the bucket that is made",
            "add `dataAdminRoles: [{name: …}]`, or use your own bucket with `domainBucket`",
        ),
        None => {}
        Some(bucket) => {
            anchored(review, &bucket.asset_deployment_role, &["domain", "domainBucket", "assetDeploymentRole"]);
            let name = &bucket.domain_bucket_name;
            if !is_open(name) && !is_bucket_name(name) {
                review.report(
                    &codes::BUCKET_NAME,
                    &["domain", "domainBucket", "domainBucketName"],
                    format!("`{name}` cannot be the name of a bucket"),
                    "use 3 to 63 lower-case letters, digits, hyphens and dots",
                );
            }
        }
    }
}

fn is_bucket_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && !name.contains("..")
        && !name.contains(".-")
        && !name.contains("-.")
        && !(name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok()))
}
