//! Mistakes of a config as far as it and its files show them: the same for `validate` and for what goes on to AWS.

use std::collections::BTreeMap;

use super::load::Loaded;
use crate::assets;
use crate::aws::roles::{ExistingRole, Roles};
use crate::config::diagnostic::Diagnostics;
use crate::config::template::Context;
use crate::config::{self, Config, Reviewed, RoleReference};
use crate::model::Deployment;
use crate::naming::Names;
use crate::resource::{Desired, Flags, limits};

/// Everything that is to be said about a deployment's config and its assets before AWS is asked.
pub fn review(loaded: &Loaded, context: &Context) -> Reviewed {
    let mut reviewed = config::review(&loaded.document, context, None);
    let more = files_and_sizes(loaded, context, reviewed.config.as_ref());
    reviewed.diagnostics.extend(more);
    reviewed
}

/// The part of it that the document alone does not say: assets that cannot be read, and what would be too large.
pub(super) fn files_and_sizes(loaded: &Loaded, context: &Context, config: Option<&Config>) -> Diagnostics {
    let Some(config) = config else { return Diagnostics::default() };
    let mut found = assets::check(config).err().unwrap_or_default();
    found.extend(sizes(loaded, context, config));
    found
}

/// The things that would be made too large. What only AWS knows counts with the least that it can be, so that a plan may
/// find more, and never less.
fn sizes(loaded: &Loaded, context: &Context, config: &Config) -> Diagnostics {
    let known = |text: &Option<String>, least: &str| text.clone().unwrap_or_else(|| least.to_owned());
    let deployment = Deployment {
        org: loaded.names.org.clone(),
        env: loaded.names.env.clone(),
        domain: loaded.names.domain.clone(),
        module: loaded.names.module.clone(),
        account: known(&context.account, "000000000000"),
        region: known(&context.region, "us-east-1"),
        partition: known(&context.partition, "aws"),
    };
    // Names that cannot be are told of by the config's own checks.
    let Ok(names) = Names::new(&deployment) else { return Diagnostics::default() };
    let domain = &config.domain;
    let given = |role: &RoleReference| {
        let name = role.name.clone().unwrap_or_default();
        let arn = role.arn.clone().unwrap_or_else(|| deployment.iam_arn(&format!("role/{name}")));
        ExistingRole { arn, name, immutable: role.is_immutable(), is_elsewhere: false }
    };
    let id = |role: &RoleReference| role.id.clone().unwrap_or_else(|| "AROA00000000000000000".to_owned());
    let user = |(user, role): (&String, &RoleReference)| (user.clone(), id(role));
    let users = domain.user_profiles.iter().filter_map(|(user, profile)| Some((user, profile.user_role.as_ref()?)));
    let roles = Roles {
        execution: domain.default_execution_role.as_ref().map(given),
        asset_deployment: domain.domain_bucket.as_ref().map(|bucket| given(&bucket.asset_deployment_role)),
        data_admins: domain.data_admin_roles.iter().map(id).collect(),
        users: users.map(user).collect(),
    };
    let desired = Desired {
        names,
        config: config.clone(),
        roles,
        assets: BTreeMap::new(),
        tags: BTreeMap::new(),
        permissions_boundary: None,
        flags: Flags { skip_parameters: true, ..Flags::default() },
        deployment,
    };
    limits::refused(&desired)
}
