//! Intended differences from the environment that MDAA makes: each is said once, with the step that brings it
//! about. The README lists them all with their reasons.

use serde_json::Value as Json;

use super::{Findings, brings};
use crate::aws::roles::ExistingRole;
use crate::config::{LifecycleKind, UserSettings};
use crate::model::{Address, Path, Value};
use crate::plan::{Plan, Step};
use crate::resource::user_profile;
use crate::resource::{Desired, asset_policy, asset_role, bucket, domain, execution_policy, kms_key, ownership};

/// Notice about an address once one of these steps brings the property about.
struct Difference {
    about: Address,
    by: Vec<(Address, Path)>,
    message: String,
    /// Whether somebody has to do something before all works.
    asks: bool,
}

impl Difference {
    fn new(about: Address, path: Path, message: impl Into<String>) -> Self {
        Self { by: vec![(about.clone(), path)], about, message: message.into(), asks: false }
    }
}

/// Notes every difference that the plan brings about.
pub(super) fn tell(desired: &Desired, plan: &Plan, findings: &Findings) {
    let all = of_roles(desired, plan).into_iter().chain(of_domain(desired)).chain(of_settings(desired));
    for Difference { about, by, message, asks } in all {
        let is_brought = |(address, path): &(Address, Path)| plan.step(address).is_some_and(|step| brings(step, path));
        if by.iter().any(is_brought) {
            if asks { findings.about(&about, message) } else { findings.difference(&about, message) }
        }
    }
}

/// Roles, their policies, and the key's policy.
fn of_roles(desired: &Desired, plan: &Plan) -> Vec<Difference> {
    let config = &desired.config.domain;
    let mut all = Vec::new();
    let execution = (domain::address(), Path::of(["DefaultUserSettings", "ExecutionRole"]));
    let roles = [
        (
            execution_policy::address(),
            &desired.roles.execution,
            &desired.names.execution_policy,
            "nobody can start apps",
        ),
        (
            asset_policy::address(),
            &desired.roles.asset_deployment,
            &desired.names.asset_policy,
            "assets cannot be uploaded",
        ),
    ];
    for (address, role, policy, lacks) in roles {
        let Some(role) = role.as_ref().filter(|role| role.immutable) else { continue };
        if plan.step(&address).is_some_and(|step| hangs_on(step, role)) {
            continue;
        }
        if role.is_elsewhere {
            let message = format!(
                "not attached to {}, which is in another account, where MDAA fails: that account has to let it write below \
                 the asset prefix of {}",
                role.arn,
                bucket::name_text(desired),
            );
            all.push(Difference { asks: true, ..Difference::new(address, Path::of(["Roles"]), message) });
            continue;
        }
        let arn = desired.deployment.iam_arn(&format!("policy/{policy}"));
        let how = if role.name.starts_with("AWSReservedSSO_") {
            format!("its permission set has {policy} as a customer managed policy")
        } else {
            format!("somebody does `aws iam attach-role-policy --role-name {} --policy-arn {arn}`", role.name)
        };
        let why = format!("not attached to {}, which is not to be changed, where MDAA attaches it", role.name);
        let mut difference =
            Difference::new(address.clone(), Path::of(["Roles"]), format!("{why}: {lacks} until {how}"));
        difference.asks = true;
        if address == execution_policy::address() {
            difference.by.push(execution.clone());
        }
        all.push(difference);
    }
    if config.domain_bucket.is_none() {
        all.push(Difference::new(
            asset_role::address(),
            Path::of(["AssumeRolePolicyDocument"]),
            "the account may assume it, where MDAA lets Lambda: assets are uploaded with its credentials",
        ));
    }
    let key =
        if config.domain_bucket.is_none() { ", and grants the key, as MDAA does in an inline policy" } else { "" };
    all.push(Difference::new(
        asset_policy::address(),
        Path::of(["PolicyDocument"]),
        format!("it leaves out CDK's asset bucket, which MDAA's reads{key}"),
    ));
    if config.kms_key_arn.is_none() && !desired.roles.data_admins.is_empty() {
        all.push(Difference::new(
            kms_key::address(),
            Path::of(["KeyPolicy"]),
            "data admins may use the key, which MDAA promises and does not grant",
        ));
    }
    all
}

/// Returns `true` if the policy of a step hangs on a role already.
fn hangs_on(step: &Step, role: &ExistingRole) -> bool {
    let roles = step.observed().and_then(|observed| observed.properties.get("Roles"));
    roles.is_some_and(|roles| roles.items().iter().any(|name| name.as_str() == Some(&role.name)))
}

/// The domain itself, and what is made with it or not.
fn of_domain(desired: &Desired) -> Vec<Difference> {
    let config = &desired.config.domain;
    let of = |path: Path, message: &str| Difference::new(domain::address(), path, message);
    let tagged = |tags: &str| Path::of([tags, ownership::DEPLOYMENT]);
    let mut all = vec![
        of(Path::of(["KmsKeyId"]), "the key is given by its ARN, where MDAA gives its id: that works across accounts"),
        of(
            tagged("HomeEfsTags"),
            "the home file system and its security groups get the domain's tags, where MDAA gives them none",
        ),
    ];
    all.push(Difference::new(
        execution_policy::address(),
        tagged("Tags"),
        "managed policies and lifecycle configs carry tags, where MDAA gives them none",
    ));
    let groups = config.default_user_settings.security_groups.as_deref().unwrap_or_default();
    if !groups.is_empty() {
        let message = format!("{} are added to the domain's security group, where MDAA drops them", groups.join(", "));
        all.push(of(Path::of(["DefaultUserSettings", "SecurityGroups"]), &message));
    }
    let uploads = config.lifecycle_configs.values().any(|lifecycle| lifecycle.assets.is_some());
    if config.domain_bucket.is_some() && !uploads {
        let message =
            format!("no policy {} is made, as MDAA makes it: nothing is uploaded", desired.names.asset_policy);
        all.push(of(Path::of(["DomainName"]), &message));
    }
    all
}

/// Differences that the API demands besides what the settings say.
fn of_settings(desired: &Desired) -> Vec<Difference> {
    let config = &desired.config.domain;
    let of_domain = (domain::address(), "DefaultUserSettings", &config.default_user_settings);
    let users = config.user_profiles.iter();
    let users = users.map(|(id, profile)| (user_profile::address(id), "UserSettings", &profile.settings));
    let all = std::iter::once(of_domain).chain(users);
    all.flat_map(|(address, top, settings)| {
        let said = completed(settings);
        said.into_iter().map(move |(keys, message)| {
            let mut path = Path::of([top]);
            path.0.extend(keys.iter().map(ToString::to_string));
            Difference::new(address.clone(), path, message)
        })
    })
    .collect()
}

/// The paths at which settings are completed, and with what.
fn completed(settings: &UserSettings) -> Vec<(Vec<String>, String)> {
    let wire = Value::from(settings.wire());
    let mut said = Vec::new();
    if wire.text("StudioWebPortal") == Some("DISABLED") && wire.get("DefaultLandingUri").is_none() {
        let message = "the landing page is set too, since the API refuses a portal that is switched off without";
        said.push((vec!["DefaultLandingUri".to_owned()], message.to_owned()));
    }
    for kind in LifecycleKind::ALL {
        let app = format!("{}AppSettings", kind.app_type());
        let json = wire.get(&app).map(Value::to_json).unwrap_or_default();
        let listed = json["LifecycleConfigArns"].as_array().map(Vec::as_slice).unwrap_or_default();
        let default = &json["DefaultResourceSpec"]["LifecycleConfigArn"];
        if !matches!(default, Json::Null) && !listed.contains(default) {
            let message = format!(
                "the default lifecycle config of {} stands in its list too: apps fail otherwise",
                kind.app_type()
            );
            said.push((vec![app, "LifecycleConfigArns".to_owned()], message));
        }
    }
    said
}
