//! Scope of grants: a deployment, what its config says of it, and the ARNs that follow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::super::ownership;
use super::{Grant, resource_tag};
use crate::config::{Config, RoleReference};
use crate::model::Deployment;
use crate::naming::Names;

/// Scope of grants: a deployment, and what its config says of it.
///
/// Nothing here was looked up: what only AWS knows is a wildcard.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Which environment; account and region are `*` when nobody says them.
    pub deployment: &'a Deployment,
    /// Its names.
    pub names: &'a Names,
    /// Its config, references to SSM parameters left open.
    pub config: &'a Config,
    /// The SSM parameters that it refers to.
    pub parameters: &'a [String],
    /// The policy that bounds every role that is made.
    pub boundary: Option<&'a str>,
    /// The domain's id, once it has one.
    pub domain_id: Option<&'a str>,
    /// What MDAA's own tags begin with, where things that carry them are to be taken over.
    pub adopts: Option<&'a str>,
    /// The ARNs of roles that are given by their unique ids.
    pub roles_by_id: &'a BTreeMap<String, String>,
    /// Whether no parameters are published.
    pub skips_parameters: bool,
    /// Whether the public access block of the bucket is left alone.
    pub public_access_block_external: bool,
}

impl Scope<'_> {
    /// An ARN of the deployment's partition, region and account.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        self.deployment.arn(service, resource)
    }

    /// The ARNs of a role that is known by its name alone: its path may be any.
    pub fn role_arns(&self, name: &str) -> Vec<String> {
        vec![self.deployment.iam_arn(&format!("role/{name}")), self.deployment.iam_arn(&format!("role/*/{name}"))]
    }

    /// The ARN of a bucket, or of objects in it.
    pub fn s3_arn(&self, resource: &str) -> String {
        format!("arn:{}:s3:::{resource}", self.deployment.partition)
    }

    /// `grant` on what is ours by its tags; when adopting, on what MDAA's tags say is this environment's, too.
    ///
    /// For kinds whose ids AWS chooses, so that no name says whose they are.
    pub fn owned(&self, grant: &Grant) -> Vec<Grant> {
        let ours = grant.clone().when("StringEquals", resource_tag(ownership::DEPLOYMENT), [self.deployment.tag()]);
        let mdaas = self.adopts.map(|prefix| {
            let tags = ownership::mdaa_tags(self.deployment, prefix);
            let tagged = tags.into_iter();
            tagged.fold(grant.clone().unless_anothers(self), |grant, (key, value)| {
                grant.when("StringEquals", resource_tag(&key), [value])
            })
        });
        [Some(ours), mdaas].into_iter().flatten().collect()
    }

    /// The ARN of the VPC.
    pub fn vpc(&self) -> String {
        self.arn("ec2", &format!("vpc/{}", open(&self.config.domain.vpc_id)))
    }

    /// The part that follows the kind in the ARN of something within the domain.
    pub fn in_domain(&self, kind: &str) -> String {
        self.arn("sagemaker", &format!("{kind}/{}/*", self.domain_id.unwrap_or("*")))
    }

    /// The ARN of the domain, as SageMaker tags with it what it makes behind a domain.
    pub fn domain_arn(&self) -> String {
        self.arn("sagemaker", &format!("domain/{}", self.domain_id.unwrap_or("*")))
    }

    /// Returns `true` if roles, a key, a group or a bucket are given or made.
    pub fn makes_execution_role(&self) -> bool {
        self.config.domain.default_execution_role.is_none()
    }

    /// Returns `true` if the bucket is made, and with it the role that writes it.
    pub fn makes_bucket(&self) -> bool {
        self.config.domain.domain_bucket.is_none()
    }

    /// Returns `true` if there are assets to upload.
    pub fn uploads(&self) -> bool {
        self.config.domain.lifecycle_configs.values().any(|lifecycle| lifecycle.assets.is_some())
    }

    /// The ARNs of the execution role.
    pub fn execution_role(&self) -> Vec<String> {
        match &self.config.domain.default_execution_role {
            None => vec![self.deployment.iam_arn(&format!("role/{}", self.names.execution_role))],
            Some(given) => self.given_role(given),
        }
    }

    /// The ARNs of the role that uploads assets.
    pub fn asset_role(&self) -> Vec<String> {
        match &self.config.domain.domain_bucket {
            None => vec![self.deployment.iam_arn(&format!("role/{}", self.names.asset_role))],
            Some(bucket) => self.given_role(&bucket.asset_deployment_role),
        }
    }

    /// The ARNs that a reference to a role may mean. One by unique id alone may be any role, so that it means none here
    /// unless its ARN is said.
    pub fn given_role(&self, reference: &RoleReference) -> Vec<String> {
        match (&reference.arn, &reference.name) {
            // What a parameter says may be any role of the account.
            (Some(arn), _) if open(arn) == "*" => vec![self.deployment.iam_arn("role/*")],
            (Some(arn), _) => vec![open(arn)],
            (None, Some(set)) if reference.sso => {
                let set = open(set);
                let by_set = format!("role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{set}_*");
                // As in MDAA, what no permission set has made may be meant as a role's own name.
                [vec![self.deployment.iam_arn(&by_set)], self.role_arns(&set)].concat()
            }
            (None, Some(name)) => self.role_arns(&open(name)),
            (None, None) => {
                let said = reference.id.as_ref().and_then(|id| self.roles_by_id.get(id));
                said.cloned().into_iter().collect()
            }
        }
    }

    /// Every role that Studio is given to run as: those of users and spaces too.
    pub fn passed_roles(&self) -> BTreeSet<String> {
        let mut roles: BTreeSet<String> = self.execution_role().into_iter().collect();
        self.in_settings(&mut |name, text, _| {
            if ["ExecutionRole", "DomainExecutionRoleArn"].contains(&name) {
                let role = open(text);
                // What a parameter says may be any role of the account.
                roles.insert(if role == "*" { self.deployment.iam_arn("role/*") } else { role });
            }
        });
        roles
    }

    /// Every role that settings name, to run as or for something else.
    pub fn named_roles(&self) -> BTreeSet<String> {
        let mut roles = BTreeSet::new();
        self.in_settings(&mut |name, text, _| {
            let is_role = text.starts_with("arn:") && text.contains(":role/");
            if is_role || ["ExecutionRole", "DomainExecutionRoleArn"].contains(&name) {
                roles.insert(text.to_owned());
            }
        });
        roles
    }

    /// The keys that settings name.
    pub fn named_keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        self.in_settings(&mut |name, text, _| {
            // AWS's own keys are not looked at.
            if name.ends_with("KmsKeyId") && !text.contains("alias/aws/") {
                keys.insert(text.to_owned());
            }
        });
        keys
    }

    /// Hands every text of the settings of domain, users and spaces to `see`, with the name that it stands under and what
    /// stands beside it.
    pub fn in_settings(&self, see: &mut dyn FnMut(&str, &str, &Map<String, Json>)) {
        fn walk(
            name: &str,
            value: &Json,
            beside: &Map<String, Json>,
            see: &mut dyn FnMut(&str, &str, &Map<String, Json>),
        ) {
            match value {
                Json::Object(members) => members.iter().for_each(|(name, value)| walk(name, value, members, see)),
                Json::Array(items) => items.iter().for_each(|item| walk(name, item, beside, see)),
                Json::String(text) if !text.is_empty() => see(name, text, beside),
                _ => {}
            }
        }
        let (domain, none) = (&self.config.domain, Map::new());
        walk("", &domain.default_user_settings.wire(), &none, see);
        domain.user_profiles.values().for_each(|profile| walk("", &profile.settings.wire(), &none, see));
        domain.default_space_settings.iter().for_each(|settings| walk("", &settings.wire(), &none, see));
        domain.domain_settings.iter().for_each(|settings| walk("", &settings.wire(), &none, see));
    }

    /// The roles that may answer to the name in a role's ARN; none in another account, where nothing can be looked up.
    pub fn roles_behind(&self, arn: &str) -> Vec<String> {
        let arn = open(arn);
        let account = arn.split(':').nth(4).unwrap_or("*");
        let is_here = account.contains('*') || self.deployment.account == "*" || account == self.deployment.account;
        match arn.rsplit_once('/') {
            Some((_, name)) if is_here => self.role_arns(name),
            // What a parameter says may be any role of the account.
            None if is_here => vec![self.deployment.iam_arn("role/*")],
            _ => Vec::new(),
        }
    }
}

/// Text with `*` in place of every reference that only AWS, or nobody yet, can fill in.
pub fn open(text: &str) -> String {
    let mut rest = text;
    let mut open = String::new();
    while let Some(at) = rest.find("{{") {
        open.push_str(&rest[..at]);
        open.push('*');
        // References may stand in references: the outermost ends where as many are closed as were opened.
        let (mut depth, mut end) = (0_usize, rest.len());
        let bytes = rest.as_bytes();
        let mut place = at;
        while place + 1 < bytes.len() {
            match &bytes[place..place + 2] {
                b"{{" => depth += 1,
                b"}}" => depth -= 1,
                _ => {
                    place += 1;
                    continue;
                }
            }
            place += 2;
            if depth == 0 {
                end = place;
                break;
            }
        }
        rest = &rest[end..];
    }
    open + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_open() {
        for (text, expected) in [
            ("plain", "plain"),
            ("{{resolve:ssm:/a}}", "*"),
            ("arn:{{partition}}:iam::{{account}}:role/x", "arn:*:iam::*:role/x"),
            ("a{{resolve:ssm:/{{account}}/b}}c", "a*c"),
            ("a{{broken", "a*"),
        ] {
            assert_eq!(open(text), expected);
        }
    }
}
