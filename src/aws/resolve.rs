//! What only the account knows: the values of SSM parameters and the roles behind references.
//!
//! Look-ups are batched: parameters by ten a call, each role once, and all roles are listed at most once, only when a
//! reference by unique id or by permission set needs it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::Role;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Account;
use super::error::failed;
use crate::cloud::{CloudError, ErrorKind};
use crate::config::codes::Code;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Place, Severity};
use crate::config::template::{Parameter, ParameterKind, ParameterName};
use crate::config::{AuthMode, Config, RoleReference};
use crate::model::Source;
use crate::resource::{GivenRole, Roles};

/// How many parameters one GetParameters call takes (SSM API reference).
const BATCH: usize = 10;
/// How many look-ups run at once.
const PARALLEL: usize = 8;

/// A role that a reference names does not exist.
pub static ROLE_NOT_FOUND: Code = Code {
    id: "SD1101",
    severity: Severity::Error,
    title: "a role does not exist",
    explanation: "No role of this account has the name, ARN or unique id that the config gives. A unique id changes when a \
                  role is made again, so a name or an ARN lasts longer. With `sso: true` the name is that of an Identity \
                  Center permission set that is assigned in this account.",
};

/// More than one role answers to a reference.
pub static ROLE_AMBIGUOUS: Code = Code {
    id: "SD1102",
    severity: Severity::Error,
    title: "a role reference fits several roles",
    explanation: "More than one role in this account belongs to the permission set. Give the ARN or the unique id of the \
                  one that is meant.",
};

/// The values of the SSM parameters; those that do not exist are left out.
///
/// # Errors
/// What SSM fails with.
pub async fn parameters(
    ssm: &aws_sdk_ssm::Client,
    names: &BTreeSet<ParameterName>,
) -> Result<BTreeMap<ParameterName, Parameter>, CloudError> {
    let names: Vec<ParameterName> = names.iter().cloned().collect();
    let batches = names.chunks(BATCH).map(|batch| async move {
        let get = ssm.get_parameters().set_names(Some(batch.to_vec()));
        get.send().await.map_err(|e| failed("GetParameters", e))
    });
    let answers: Vec<_> = stream::iter(batches).buffer_unordered(PARALLEL).try_collect().await?;
    let mut values = BTreeMap::new();
    for parameter in answers.into_iter().flat_map(|answer| answer.parameters.unwrap_or_default()) {
        let kind = match parameter.r#type() {
            Some(aws_sdk_ssm::types::ParameterType::SecureString) => ParameterKind::SecureString,
            Some(aws_sdk_ssm::types::ParameterType::StringList) => ParameterKind::StringList,
            _ => ParameterKind::String,
        };
        let value = Parameter { value: parameter.value.unwrap_or_default(), kind };
        // Asked for by ARN it is answered by name, and the other way round; a version is answered beside both: file it
        // under whatever was asked.
        let selector = parameter.selector.unwrap_or_default();
        let called = [parameter.name, parameter.arn].into_iter().flatten().map(|name| format!("{name}{selector}"));
        let called: Vec<String> = called.collect();
        for asked in names.iter().filter(|asked| called.contains(asked)) {
            values.insert(asked.clone(), value.clone());
        }
    }
    Ok(values)
}

/// The ARN of the key that `arn` denotes: an alias's means nothing in a policy, and may lead to another key tomorrow.
///
/// An alias that leads nowhere stays: the checks before the first write say so.
///
/// # Errors
/// What KMS fails with.
pub async fn key_arn(account: &Account, arn: &str) -> Result<String, CloudError> {
    if !arn.contains(":alias/") {
        return Ok(arn.to_owned());
    }
    match account.kms.describe_key().key_id(arn).send().await.map_err(|e| failed("DescribeKey", e)) {
        Ok(answer) => Ok(answer.key_metadata.and_then(|key| key.arn).unwrap_or_else(|| arn.to_owned())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(arn.to_owned()),
        Err(error) => Err(error),
    }
}

/// Why the roles are not known.
#[derive(Debug)]
pub enum Unresolved {
    /// The config names roles that the account does not have.
    Mistakes(Diagnostics),
    /// IAM could not be asked.
    Cloud(CloudError),
}

impl From<CloudError> for Unresolved {
    fn from(error: CloudError) -> Self {
        Self::Cloud(error)
    }
}

/// What of a role is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Arn,
    Id,
}

/// The roles that a config refers to, as far as they are needed.
///
/// # Errors
/// All references that lead nowhere, or that IAM could not be asked.
pub async fn roles(account: &Account, config: &Config) -> Result<Roles, Unresolved> {
    let domain = &config.domain;
    let mut wanted: Vec<(Vec<String>, &RoleReference, Need)> = Vec::new();
    let path = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    if let Some(role) = &domain.default_execution_role {
        wanted.push((path(&["domain", "defaultExecutionRole"]), role, Need::Arn));
    }
    match &domain.domain_bucket {
        Some(bucket) => {
            let keys = path(&["domain", "domainBucket", "assetDeploymentRole"]);
            wanted.push((keys, &bucket.asset_deployment_role, Need::Arn));
        }
        // Data admins matter to the bucket's policy, and to the key's.
        None => {
            let admins = domain.data_admin_roles.iter().enumerate();
            wanted.extend(
                admins.map(|(at, role)| (path(&["domain", "dataAdminRoles", &at.to_string()]), role, Need::Id)),
            );
        }
    }
    if domain.domain_bucket.is_some() && domain.kms_key_arn.is_none() {
        let admins = domain.data_admin_roles.iter().enumerate();
        wanted.extend(admins.map(|(at, role)| (path(&["domain", "dataAdminRoles", &at.to_string()]), role, Need::Id)));
    }
    if domain.auth_mode == AuthMode::Iam {
        for (user, profile) in &domain.user_profiles {
            let role = profile.user_role.iter();
            wanted.extend(role.map(|role| (path(&["domain", "userProfiles", user, "userRole"]), role, Need::Id)));
        }
    }
    let found = look_up(account, wanted.iter().map(|(_, role, need)| (*role, *need)).collect()).await?;
    let mut mistakes = Diagnostics::default();
    let mut resolved = Roles::default();
    for (keys, reference, need) in &wanted {
        let role = match &found[&key(reference, *need)] {
            Ok(role) => role,
            Err(mistake) => {
                let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let member = asked(reference);
                keys.extend(member.map(|(key, _)| key));
                // Places are those of keys.
                let length = member.map_or(1, |(key, _)| key.len());
                mistakes.push(place(mistake.diagnostic(reference, account), config.source(&keys), length));
                continue;
            }
        };
        match keys.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["domain", "defaultExecutionRole"] => resolved.execution = Some(role.given(reference)),
            ["domain", "domainBucket", ..] => resolved.asset_deployment = Some(role.given(reference)),
            ["domain", "dataAdminRoles", _] => resolved.data_admins.push(role.id.clone()),
            ["domain", "userProfiles", user, _] => {
                resolved.users.insert((*user).to_owned(), role.id.clone());
            }
            _ => {}
        }
    }
    if mistakes.is_empty() { Ok(resolved) } else { Err(Unresolved::Mistakes(mistakes)) }
}

/// What a reference is looked up by: the key in the YAML, and the value.
fn asked(reference: &RoleReference) -> Option<(&'static str, &str)> {
    let members = [("id", &reference.id), ("arn", &reference.arn), ("name", &reference.name)];
    members.into_iter().find_map(|(key, value)| Some((key, value.as_deref()?)))
}

fn place(diagnostic: Diagnostic, source: Option<&Source>, length: usize) -> Diagnostic {
    match source {
        Some(source) => diagnostic.at(&Place { source: source.clone(), length }),
        None => diagnostic,
    }
}

/// What is known of a role: what the config gives, and what a look-up adds.
#[derive(Clone, Debug)]
struct Known {
    arn: String,
    id: String,
}

impl Known {
    fn given(&self, reference: &RoleReference) -> GivenRole {
        // The name of a role is what follows the last slash: what stands before is its path.
        let name = self.arn.rsplit('/').next().unwrap_or_default().to_owned();
        GivenRole { arn: self.arn.clone(), name, immutable: reference.is_immutable() }
    }
}

#[derive(Clone, Debug)]
enum Mistake {
    NotFound,
    /// The role of that name has this ARN instead.
    Elsewhere(String),
    Ambiguous(Vec<String>),
}

impl Mistake {
    fn diagnostic(&self, reference: &RoleReference, account: &Account) -> Diagnostic {
        let asked = asked(reference).map_or_else(String::new, |(key, value)| match key {
            "id" => format!("unique id {value}"),
            "arn" => format!("ARN {value}"),
            _ if reference.sso => format!("Identity Center permission set {value}"),
            _ => format!("name {value}"),
        });
        let missing = || {
            let summary = format!("account {} has no role with the {asked}", account.deployment.account);
            Diagnostic::new(&ROLE_NOT_FOUND, summary)
        };
        match self {
            Self::NotFound => missing()
                .help("correct the reference, or make the role first; `aws iam list-roles` shows what there is"),
            Self::Elsewhere(arn) => {
                missing().help(format!("a role of that name is {arn}: give this ARN if it is the one that is meant"))
            }
            Self::Ambiguous(names) => {
                Diagnostic::new(&ROLE_AMBIGUOUS, format!("several roles belong to the {asked}: {}", names.join(", ")))
                    .help("give the `arn` of the one that is meant")
            }
        }
    }
}

fn key(reference: &RoleReference, need: Need) -> (RoleReference, bool) {
    (reference.clone(), need == Need::Id)
}

type Answers = BTreeMap<(RoleReference, bool), Result<Known, Mistake>>;

async fn look_up(account: &Account, wanted: Vec<(&RoleReference, Need)>) -> Result<Answers, CloudError> {
    let mut answers = Answers::new();
    let mut by_name = BTreeSet::new();
    let mut list = false;
    for (reference, need) in &wanted {
        let given = match need {
            Need::Arn => reference.arn.as_ref(),
            Need::Id => reference.id.as_ref(),
        };
        // What is given is used as it is, and never verified.
        if given.is_some() {
            let known =
                Known { arn: reference.arn.clone().unwrap_or_default(), id: reference.id.clone().unwrap_or_default() };
            answers.insert(key(reference, *need), Ok(known));
        } else if reference.id.is_some() || (reference.sso && reference.arn.is_none()) {
            list = true;
        } else if let Some(name) = name_to_ask(reference) {
            by_name.insert(name.to_owned());
        }
    }
    let listed = async {
        if !list {
            return Ok(Vec::new());
        }
        let roles = account.iam.list_roles().into_paginator().items().send().try_collect().await;
        roles.map_err(|e| failed("ListRoles", e))
    };
    let (mut named, listed) = tokio::try_join!(get_roles(account, by_name), listed)?;
    // As in MDAA, what no permission set has made may be meant as a role's own name.
    let sets = wanted.iter().filter_map(|(reference, _)| permission_set(reference));
    let plain = sets.filter(|set| !listed.iter().any(|role| is_of_permission_set(role.role_name(), set)));
    named.extend(get_roles(account, plain.map(str::to_owned).collect()).await?);
    for (reference, need) in wanted {
        answers.entry(key(reference, need)).or_insert_with(|| find(reference, &named, &listed));
    }
    Ok(answers)
}

/// The roles of these names; none for a name that no role has.
async fn get_roles(account: &Account, names: BTreeSet<String>) -> Result<BTreeMap<String, Option<Role>>, CloudError> {
    let asks = names.into_iter().map(|name| async move {
        let role = match account.iam.get_role().role_name(&name).send().await.map_err(|e| failed("GetRole", e)) {
            Ok(answer) => answer.role,
            Err(error) if error.kind == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok((name, role))
    });
    stream::iter(asks).buffer_unordered(PARALLEL).try_collect().await
}

/// The permission set that a reference is looked up by.
fn permission_set(reference: &RoleReference) -> Option<&str> {
    let by_name = reference.sso && reference.id.is_none() && reference.arn.is_none();
    reference.name.as_deref().filter(|_| by_name)
}

fn name_to_ask(reference: &RoleReference) -> Option<&str> {
    match &reference.arn {
        Some(arn) => arn.rsplit('/').next(),
        None => reference.name.as_deref(),
    }
}

fn find(reference: &RoleReference, named: &BTreeMap<String, Option<Role>>, listed: &[Role]) -> Result<Known, Mistake> {
    let known = |role: &Role| Known { arn: role.arn().to_owned(), id: role.role_id().to_owned() };
    if let Some(id) = &reference.id {
        return listed.iter().find(|role| role.role_id() == id).map(known).ok_or(Mistake::NotFound);
    }
    if let Some(set) = permission_set(reference) {
        let fits: Vec<&Role> = listed.iter().filter(|role| is_of_permission_set(role.role_name(), set)).collect();
        return match fits.as_slice() {
            [role] => Ok(known(role)),
            [] => named.get(set).and_then(Option::as_ref).map(known).ok_or(Mistake::NotFound),
            several => Err(Mistake::Ambiguous(several.iter().map(|role| role.role_name().to_owned()).collect())),
        };
    }
    let role = name_to_ask(reference).and_then(|name| named.get(name)).and_then(Option::as_ref);
    match role {
        Some(role) if reference.arn.as_deref().is_some_and(|arn| role.arn() != arn) => {
            Err(Mistake::Elsewhere(role.arn().to_owned()))
        }
        role => role.map(known).ok_or(Mistake::NotFound),
    }
}

/// Identity Center names the roles of a permission set `AWSReservedSSO_<set>_<16 letters and digits>`.
fn is_of_permission_set(role: &str, set: &str) -> bool {
    role.strip_prefix("AWSReservedSSO_")
        .and_then(|rest| rest.strip_prefix(set))
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|id| id.len() == 16 && id.chars().all(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_permission_sets_are_told_apart() {
        assert!(is_of_permission_set("AWSReservedSSO_Admin_0123456789abcdef", "Admin"));
        assert!(!is_of_permission_set("AWSReservedSSO_AdminAccess_0123456789abcdef", "Admin"));
        assert!(!is_of_permission_set("AWSReservedSSO_Admin_0123456789abcde", "Admin"));
        assert!(!is_of_permission_set("AWSReservedSSO_Xdmin_0123456789abcdef", ".dmin"));
    }
}
