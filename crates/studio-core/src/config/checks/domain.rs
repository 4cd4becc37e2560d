//! The domain's own values: names, ids, keys, the bucket and who administers it.

use super::tags::VALUE_LIMIT;
use super::{Review, consists_of, is_open};
use crate::config::codes;
use crate::config::parameter_name::{Home, Misnamed, check_written};
use crate::config::patterns;
use crate::config::tree::shorten;
use crate::config::{DomainConfig, RoleReference};
use crate::model::Arn;
use crate::naming::is_profile_name;

/// EC2's limit on names of security groups (CreateSecurityGroup).
const GROUP_NAME_LIMIT: usize = 255;
/// SageMaker's limit on places in S3 (SharingSettings.S3OutputPath).
const PLACE_LIMIT: usize = 1024;
/// IAM's limit on names of roles (CreateRole).
const ROLE_NAME_LIMIT: usize = 64;

pub(super) fn check(review: &mut Review<'_>, domain: &DomainConfig) {
    names(review, domain);
    published(review);
    ids(review, domain);
    key(review, domain);
    bucket(review, domain);
    prefixes(review, domain);
    sharing(review, domain);
    unique_name(review, domain);
    if let Some(role) = &domain.default_execution_role {
        self::role(review, role, &["domain", "defaultExecutionRole"]);
    }
    for (index, role) in domain.data_admin_roles.iter().enumerate() {
        self::role(review, role, &["domain", "dataAdminRoles", &index.to_string()]);
    }
}

/// Checks that a role reference says which role it means, in a form that IAM knows.
pub(super) fn role(review: &mut Review<'_>, role: &RoleReference, path: &[&str]) {
    if !review.is_sound(path) {
        return;
    }
    if !role.is_anchored() {
        review.report(
            &codes::ROLE_ANCHOR,
            path,
            "this role reference does not say which role",
            "give it an `id`, an `arn` or a `name`",
        );
    }
    if let Some(name) = role.name.as_ref().filter(|name| !is_open(name))
        && !(name.len() <= ROLE_NAME_LIMIT && consists_of(name, "_+=,.@-"))
    {
        let help = match name.rsplit_once('/') {
            Some((_, last)) => format!("a path is no part of the name: write `name: {last}`, or give the `arn`"),
            None => "names of roles have 1 to 64 letters, digits and _ + = , . @ -".into(),
        };
        let path = [path, &["name"]].concat();
        review.report(&codes::ROLE_NAME, &path, format!("`{}` cannot be the name of a role", shorten(name)), help);
    }
    if let Some(arn) = role.arn.as_ref().filter(|arn| !is_open(arn))
        && !patterns::is_role_arn(arn)
    {
        let path = [path, &["arn"]].concat();
        let summary = format!("`{}` is not the ARN of a role", shorten(arn));
        review.report(&codes::ARN, &path, summary, instead_of(arn));
    }
    if let Some(id) = role.id.as_ref().filter(|id| !is_open(id) && !consists_of(id, "_-")) {
        let path = [path, &["id"]].concat();
        let help = "a unique id is like AROA1234567890EXAMPLE; it stands in policies, where `*` and blanks mean something else";
        review.report(&codes::ROLE_NAME, &path, format!("`{}` cannot be the unique id of a role", shorten(id)), help);
    }
    let of_role = role.arn.as_deref().and_then(Arn::parse).and_then(Arn::role_name);
    if let (Some(name), Some(of_role)) = (&role.name, of_role)
        && !(role.sso || is_open(name) || is_open(of_role) || name.eq_ignore_ascii_case(of_role))
    {
        let summary = format!("the role is called `{}`, and its ARN says `{}`", shorten(name), shorten(of_role));
        review.report(&codes::ROLE_NAME, &[path, &["name"]].concat(), summary, "leave out the one that is not meant");
    }
}

/// Advice for an ARN that is not a role's: the text to write instead.
fn instead_of(text: &str) -> String {
    let form = || "write arn:PARTITION:iam::ACCOUNT:role/NAME".to_owned();
    let Some(arn) = Arn::parse(text) else { return form() };
    let session = arn.resource.strip_prefix("assumed-role/").and_then(|session| session.split('/').next());
    match (arn.service, session) {
        ("sts", Some(role)) => {
            let Arn { partition, account, .. } = arn;
            format!(
                "that is a session of the role `{role}`: write `name: {role}`, or its ARN, which without a path is \
                 arn:{partition}:iam::{account}:role/{role}"
            )
        }
        ("iam", _) if arn.resource == "root" => "that is an account as a whole: name one role of it".into(),
        ("iam", _) if arn.resource.starts_with("user/") => "that is a user: name the role that people take on".into(),
        _ => form(),
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

fn names(review: &mut Review<'_>, domain: &DomainConfig) {
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
    let group = review.names.security_group().unwrap_or_default();
    let tag = context.region.as_ref().map_or(0, |region| {
        words.iter().map(|(_, word)| word.chars().count() + 1).sum::<usize>() + region.chars().count()
    });
    if domain.security_group_id.is_none() && group.len() > GROUP_NAME_LIMIT {
        let summary = format!(
            "EC2 refuses the security group's name, which has {} characters: `{}`",
            group.len(),
            shorten(&group)
        );
        let help = format!(
            "{GROUP_NAME_LIMIT} are allowed, and org, env, domain and module stand in it twice: shorten them, or give a group with `securityGroupId`"
        );
        review.report(&codes::LENGTH, &["deployment"], summary, help);
    } else if tag > VALUE_LIMIT {
        let summary =
            format!("AWS refuses the tag that says which deployment a thing belongs to: it has {tag} characters");
        let help = format!("{VALUE_LIMIT} are allowed: shorten org, env, domain or module");
        review.report(&codes::TAG, &["deployment"], summary, help);
    }
}

/// The parameters that are published, whose names begin with the organisation.
fn published(review: &mut Review<'_>) {
    let context = review.context;
    if context.skips_parameters()
        || [&context.org, &context.domain, &context.module_name].iter().any(|word| word.is_empty())
    {
        return;
    }
    let home = Home { partition: context.partition.as_deref(), region: context.region.as_deref() };
    let group = format!("security-group/{}/id", review.names.resource_name(None, None).unwrap_or_default());
    // The longest of those that are always published, and the one whose length hangs on the names.
    let names = ["managed-policy/domain-bucket-deploy/name", &group].map(|key| review.names.parameter(key));
    let Some((name, Misnamed { why, .. })) =
        names.iter().find_map(|name| Some((name, check_written(name, home).err()?)))
    else {
        return;
    };
    let summary = format!("SSM refuses the parameter `{}`, which {why}", shorten(name));
    let help = "its name begins with the organisation: choose another one, or publish none with `@aws-mdaa/skipCreateParams: true` in the context";
    review.report(&codes::PARAMETER_NAME, &["deployment", "org"], summary, help);
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
    if let Some(group) = domain.security_group_id.as_ref().filter(|id| consists_of(id, "-") && !id.starts_with("sg-")) {
        review.report(
            &codes::IDENTIFIER,
            &["domain", "securityGroupId"],
            format!("AWS refuses the id `{group}`"),
            "the id of a security group begins with sg-",
        );
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
    if let Some(key) = domain.kms_key_arn.as_ref().filter(|key| !is_open(key))
        && !names_key(key)
    {
        review.report(
            &codes::ARN,
            &["domain", "kmsKeyArn"],
            format!("`{}` is not the ARN of a key, nor an id or alias", shorten(key)),
            "write arn:PARTITION:kms:REGION:ACCOUNT:key/ID or …:alias/NAME; of a key of the domain's account and region ID or \
             alias/NAME do",
        );
    }
}

/// Returns `true` if text names a key as KMS takes it: by ARN, id or alias (KMS API reference, "DescribeKey").
fn names_key(text: &str) -> bool {
    if text.starts_with("arn:") {
        return Arn::parse(text).is_some_and(Arn::is_key);
    }
    let (name, others) = text.strip_prefix("alias/").map_or((text, "-"), |name| (name, "/_-"));
    !name.is_empty() && consists_of(name, others)
}

/// Prefixes of objects, which stand in policies too: there some characters mean more than themselves (IAM user guide,
/// "Policy elements: Variables and tags" and "Resource").
fn prefixes(review: &mut Review<'_>, domain: &DomainConfig) {
    for (key, prefix) in
        [("notebookSharingPrefix", &domain.notebook_sharing_prefix), ("assetPrefix", &domain.asset_prefix)]
    {
        let is_special = |c: &char| c.is_control() || "*?$".contains(*c);
        if let Some(c) = prefix.chars().find(is_special).filter(|_| !is_open(prefix)) {
            let summary = format!("`{key}` holds `{}`, which means more than itself in policies", c.escape_debug());
            review.report(&codes::IDENTIFIER, &["domain", key], summary, "use letters, digits and ! - _ . ' ( ) /");
        }
    }
}

/// The place that notebooks are shared at, which every profile gets.
fn sharing(review: &mut Review<'_>, domain: &DomainConfig) {
    let bucket = match &domain.domain_bucket {
        Some(bucket) => bucket.domain_bucket_name.clone(),
        None => review.names.bucket().unwrap_or_default(),
    };
    let prefix = &domain.notebook_sharing_prefix;
    let length = format!("s3://{bucket}/{prefix}").chars().count();
    if !is_open(prefix) && !is_open(&bucket) && length > PLACE_LIMIT {
        let summary = format!("AWS refuses a place of {length} characters for shared notebooks");
        let help = format!("{PLACE_LIMIT} are allowed, with `s3://` and the bucket's name");
        review.report(&codes::LENGTH, &["domain", "notebookSharingPrefix"], summary, help);
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
            role(review, &bucket.asset_deployment_role, &["domain", "domainBucket", "assetDeploymentRole"]);
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
