//! Look-ups of what only the account knows: the values of SSM parameters, the roles behind references, and whether a
//! given bucket is there.
//!
//! Look-ups are batched: parameters by ten a call, each role once, and all roles are listed at most once, only when a
//! reference by unique id or by permission set needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_iam::types::Role;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Account;
use super::error::failed;
use super::given_bucket;
use super::role_mistakes::Mistake;
use super::roles::{ExistingRole, Roles};
use crate::cloud::{CloudError, ErrorKind};
use crate::config::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::config::template::{Parameter, ParameterKind, ParameterName};
use crate::config::{AuthMode, Config, RoleReference};
use crate::model::{Arn, Deployment, Source};

/// Most parameters that one GetParameters call takes (SSM API reference).
const BATCH: usize = 10;
/// Number of look-ups that run at once.
const PARALLEL: usize = 8;

/// The values of the SSM parameters; those that do not exist, or are in another region, are left out.
///
/// # Errors
/// What SSM fails with.
pub async fn parameters(
    account: &Account,
    names: &BTreeSet<ParameterName>,
) -> Result<BTreeMap<ParameterName, Parameter>, CloudError> {
    let place = &account.deployment;
    let is_here = |arn: Arn<'_>| arn.partition == place.partition && arn.region == place.region;
    let names = names.iter().filter(|name| Arn::parse(name).is_none_or(is_here)).cloned().collect();
    account.parameters_by(names, |names| get_parameters(account, names)).await
}

async fn get_parameters(
    account: &Account,
    names: Vec<ParameterName>,
) -> Result<BTreeMap<ParameterName, Parameter>, CloudError> {
    let place = &account.deployment;
    let batches = names.chunks(BATCH).map(|batch| async move {
        let get = account.ssm.get_parameters().set_names(Some(batch.to_vec()));
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
        // under whatever was asked. The name alone means this account's: others may share one of the same name.
        let selector = parameter.selector.unwrap_or_default();
        let own = parameter.arn.as_deref().and_then(Arn::parse).is_none_or(|arn| arn.account == place.account);
        let called = [parameter.name.filter(|_| own), parameter.arn]
            .into_iter()
            .flatten()
            .map(|name| format!("{name}{selector}"));
        let called: Vec<String> = called.collect();
        for asked in names.iter().filter(|asked| called.contains(asked)) {
            values.insert(asked.clone(), value.clone());
        }
    }
    Ok(values)
}

/// The ARN of the key that `key` denotes, which may be an id or an alias: an alias means nothing in a policy, and may lead to
/// another key tomorrow.
///
/// What leads nowhere stays: the checks before the first write say so.
///
/// # Errors
/// What KMS fails with.
pub async fn key_arn(account: &Account, key: &str) -> Result<String, CloudError> {
    if key.contains(":key/") {
        return Ok(key.to_owned());
    }
    match account.kms.describe_key().key_id(key).send().await.map_err(|e| failed("DescribeKey", e)) {
        Ok(answer) => Ok(answer.key_metadata.and_then(|found| found.arn).unwrap_or_else(|| key.to_owned())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(key.to_owned()),
        Err(error) => Err(error),
    }
}

/// Reason why references are not resolved.
#[derive(Debug)]
pub enum Unresolved {
    /// The config names roles, or a bucket, that are not there or cannot be used.
    Mistakes(Diagnostics),
    /// AWS could not be asked.
    Cloud(CloudError),
}

impl From<CloudError> for Unresolved {
    fn from(error: CloudError) -> Self {
        Self::Cloud(error)
    }
}

/// Parts of a role that a config needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// Its ARN, for SageMaker to become it: services take roles of their own account only.
    Passed,
    /// Its ARN, for us to become it.
    Assumed,
    /// Its unique id.
    Id,
}

/// The roles that a config refers to, as far as they are needed, once the bucket that it gives is seen to be there.
///
/// # Errors
/// All references that lead nowhere, or that AWS could not be asked.
pub async fn references(account: &Account, config: &Config) -> Result<Roles, Unresolved> {
    let domain = &config.domain;
    let mut wanted: Vec<(Vec<String>, &RoleReference, Need)> = Vec::new();
    let path = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    if let Some(role) = &domain.default_execution_role {
        wanted.push((path(&["domain", "defaultExecutionRole"]), role, Need::Passed));
    }
    match &domain.domain_bucket {
        Some(bucket) => {
            let keys = path(&["domain", "domainBucket", "assetDeploymentRole"]);
            wanted.push((keys, &bucket.asset_deployment_role, Need::Assumed));
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
    // What is wrong with the config already, or waits for what is not there, leads nowhere.
    let is_open =
        |role: &RoleReference| [&role.id, &role.arn, &role.name].into_iter().flatten().any(|text| text.contains("{{"));
    wanted.retain(|(_, role, _)| !is_open(role) && role.is_anchored());
    let found = look_up(account, wanted.iter().map(|(_, role, need)| (*role, *need)).collect()).await?;
    let mut mistakes = Diagnostics::default();
    let mut resolved = Roles::default();
    for (keys, reference, need) in &wanted {
        let found = &found[&((*reference).clone(), *need)];
        let usable = match found {
            Ok(role) if *need == Need::Assumed && role.is_elsewhere && uploads(config) => {
                assumable(account, role).await?
            }
            other => other.clone(),
        };
        let role = match usable {
            Ok(role) => role,
            Err(mistake) => {
                let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let member = mistake.member(reference);
                keys.extend(member);
                // Places are those of keys.
                let length = member.map_or(1, str::len);
                mistakes.push(place(mistake.diagnostic(reference, account), config.source(&keys), length));
                continue;
            }
        };
        match keys.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["domain", "defaultExecutionRole"] => resolved.execution = Some(role.given(reference)),
            ["domain", "domainBucket", ..] => resolved.asset_deployment = Some(role.given(reference)),
            ["domain", "dataAdminRoles", _] => resolved.data_admins.push(role.id),
            ["domain", "userProfiles", user, _] => {
                resolved.users.insert((*user).to_owned(), role.id);
            }
            _ => {}
        }
    }
    if let Some(mistake) = given_bucket::mistake(account, config, resolved.asset_deployment.as_ref()).await? {
        let key = "domainBucketName";
        mistakes.push(place(mistake, config.source(&["domain", "domainBucket", key]), key.len()));
    }
    if mistakes.is_empty() { Ok(resolved) } else { Err(Unresolved::Mistakes(mistakes)) }
}

/// Returns `true` if anything is uploaded, with the asset role's credentials.
pub(super) fn uploads(config: &Config) -> bool {
    config.domain.lifecycle_configs.values().any(|lifecycle| lifecycle.assets.is_some())
}

/// Another account's role cannot be looked at; whether it is there and lets us in shows when it is assumed.
async fn assumable(account: &Account, role: &Known) -> Result<Result<Known, Mistake>, CloudError> {
    match account.assume(&role.arn).await {
        Ok(_) => Ok(Ok(role.clone())),
        Err(error) if error.kind == ErrorKind::Denied => Ok(Err(Mistake::NotAssumable(error.to_string()))),
        Err(error) => Err(error),
    }
}

fn place(diagnostic: Diagnostic, source: Option<&Source>, length: usize) -> Diagnostic {
    match source {
        Some(source) => diagnostic.at(&Span { source: source.clone(), length }),
        None => diagnostic,
    }
}

/// Knowledge about a role: what the config gives, and what a look-up adds.
#[derive(Clone, Debug, Default)]
struct Known {
    arn: String,
    name: String,
    id: String,
    /// Whether it is in another account, where nothing can be looked up or attached.
    is_elsewhere: bool,
}

impl Known {
    fn of(role: &Role) -> Self {
        let [arn, name, id] = [role.arn(), role.role_name(), role.role_id()].map(str::to_owned);
        Self { arn, name, id, is_elsewhere: false }
    }

    fn given(self, reference: &RoleReference) -> ExistingRole {
        let immutable = reference.is_immutable() || self.is_elsewhere || is_of_identity_center(&self.name);
        ExistingRole { arn: self.arn, name: self.name, immutable, is_elsewhere: self.is_elsewhere }
    }
}

/// Way to find out which role a reference means. As in MDAA the first of what is needed, `id`, `arn` and `name`
/// decides; but whatever else is given has to be true of that role.
enum Way<'a> {
    /// The reference says all that can be known.
    Said(Result<Known, Mistake>),
    /// IAM knows its roles by name, whatever their paths.
    Named(&'a str),
    /// Only a list of all roles tells.
    Listed,
}

impl<'a> Way<'a> {
    fn new(reference: &'a RoleReference, need: Need, here: &Deployment) -> Self {
        if let Some(text) = &reference.arn {
            let arn = Arn::parse(text);
            let Some((arn, name)) = arn.and_then(|arn| Some((arn, arn.role_name()?))) else {
                return Self::Said(Err(Mistake::NotFound));
            };
            return match () {
                () if arn.partition != here.partition => Self::Said(Err(Mistake::Apart(arn.partition.to_owned()))),
                () if arn.account == here.account => Self::Named(name),
                () => Self::Said(elsewhere(reference, need, arn, name)),
            };
        }
        match (&reference.id, &reference.name) {
            // An id alone is used as it is, and may be another account's.
            (Some(id), name) if need == Need::Id && (name.is_none() || reference.sso) => {
                Self::Said(Ok(Known { id: id.clone(), ..Known::default() }))
            }
            (_, Some(name)) if !reference.sso => Self::Named(name),
            _ => Self::Listed,
        }
    }
}

/// A role of another account, as far as it is of use here.
fn elsewhere(reference: &RoleReference, need: Need, arn: Arn<'_>, name: &str) -> Result<Known, Mistake> {
    let there = || arn.account.to_owned();
    let known = || Known {
        arn: reference.arn.clone().unwrap_or_default(),
        name: name.to_owned(),
        id: reference.id.clone().unwrap_or_default(),
        is_elsewhere: true,
    };
    match (need, &reference.id) {
        (Need::Passed, _) => Err(Mistake::Elsewhere(there())),
        (Need::Id, None) => Err(Mistake::Unseen(there())),
        (Need::Assumed, _) | (Need::Id, Some(_)) => Ok(known()),
    }
}

type Answers = BTreeMap<(RoleReference, Need), Result<Known, Mistake>>;

async fn look_up(account: &Account, wanted: Vec<(&RoleReference, Need)>) -> Result<Answers, CloudError> {
    let mut answers = Answers::new();
    let mut by_name = BTreeSet::new();
    let mut list = false;
    for (reference, need) in &wanted {
        match Way::new(reference, *need, &account.deployment) {
            Way::Said(said) => drop(answers.insert(((*reference).clone(), *need), said)),
            Way::Named(name) => drop(by_name.insert(name.to_owned())),
            Way::Listed => list = true,
        }
    }
    let listed = async {
        if !list {
            return Ok(Arc::default());
        }
        account.all_roles().await
    };
    let (mut named, listed) = tokio::try_join!(get_roles(account, by_name), listed)?;
    // As in MDAA, what no permission set has made may be meant as a role's own name.
    let sets = wanted.iter().filter_map(|(reference, _)| permission_set(reference));
    let plain = sets.filter(|set| !listed.iter().any(|role| is_of_permission_set(role.role_name(), set)));
    named.extend(get_roles(account, plain.map(str::to_owned).collect()).await?);
    for (reference, need) in wanted {
        let found = || find(reference, need, &account.deployment, &named, &listed);
        answers.entry((reference.clone(), need)).or_insert_with(found);
    }
    Ok(answers)
}

/// The roles of these names; none for a name that no role has.
async fn get_roles(account: &Account, names: BTreeSet<String>) -> Result<BTreeMap<String, Option<Role>>, CloudError> {
    let asks = names.into_iter().map(|name| async move { Ok((name.clone(), account.given_role(&name).await?)) });
    stream::iter(asks).buffer_unordered(PARALLEL).try_collect().await
}

/// The permission set that a reference is looked up by.
fn permission_set(reference: &RoleReference) -> Option<&str> {
    let by_name = reference.sso && reference.id.is_none() && reference.arn.is_none();
    reference.name.as_deref().filter(|_| by_name)
}

fn find(
    reference: &RoleReference,
    need: Need,
    here: &Deployment,
    named: &BTreeMap<String, Option<Role>>,
    listed: &[Role],
) -> Result<Known, Mistake> {
    let named = |name: &str| named.get(name).and_then(Option::as_ref);
    let role = match (Way::new(reference, need, here), permission_set(reference)) {
        (Way::Said(said), _) => return said,
        (Way::Named(name), _) => named(name),
        (Way::Listed, None) => listed.iter().find(|role| Some(role.role_id()) == reference.id.as_deref()),
        (Way::Listed, Some(set)) => {
            let fits: Vec<&Role> = listed.iter().filter(|role| is_of_permission_set(role.role_name(), set)).collect();
            match fits.as_slice() {
                [] => named(set),
                [role] => Some(*role),
                several => {
                    let names = several.iter().map(|role| role.role_name().to_owned());
                    return Err(Mistake::Ambiguous(names.collect()));
                }
            }
        }
    };
    let role = role.ok_or(Mistake::NotFound)?;
    if reference.arn.as_deref().is_some_and(|arn| role.arn() != arn) {
        return Err(Mistake::Named(role.arn().to_owned()));
    }
    if reference.id.as_deref().is_some_and(|id| role.role_id() != id) {
        return Err(Mistake::OtherId { arn: role.arn().to_owned(), id: role.role_id().to_owned() });
    }
    if role.path().starts_with("/aws-service-role/") && need != Need::Id {
        return Err(Mistake::OfService);
    }
    Ok(Known::of(role))
}

/// Identity Center names the roles of a permission set `AWSReservedSSO_<set>_<16 letters and digits>`.
fn is_of_permission_set(role: &str, set: &str) -> bool {
    role.strip_prefix("AWSReservedSSO_")
        .and_then(|rest| rest.strip_prefix(set))
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|id| id.len() == 16 && id.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// AWS refuses changes to the roles of permission sets, however the config names them.
fn is_of_identity_center(role: &str) -> bool {
    role.starts_with("AWSReservedSSO_")
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
