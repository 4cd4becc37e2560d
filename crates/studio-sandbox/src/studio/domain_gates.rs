//! Changes that a domain refuses while apps run in it.
//!
//! The text is that of terraform-provider-aws issue 31912, which gates of it are documented by the API model of
//! `UpdateDomain` and `DomainSettingsForUpdate`, by the developer guide's page on editing a domain, and, for custom
//! images, by aws-sdk issue 367.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::checks::texts;
use super::life::Status;
use super::records::{App, AppOwner, Domain, Space, Stored, key_in};
use super::{Refusal, invalid};
use crate::core::world::World;

/// Apps with an image of the team's own.
const WITH_IMAGES: [&str; 4] =
    ["KernelGatewayAppSettings", "RSessionAppSettings", "CodeEditorAppSettings", "JupyterLabAppSettings"];

/// Refuses the change of a domain from `before` to `after` as long as apps of the wrong kind run.
pub fn check(world: &World, before: &Domain, after: &Domain) -> Result<(), Refusal> {
    let apps = world.list::<App>(App::TABLE, &format!("{}/", before.id));
    let changed = |path: &[&str]| before.setting(path) != after.setting(path);
    let running = |app: &App| app.life.status == Status::InService;
    let starting = |app: &App| matches!(app.life.status, Status::InService | Status::Pending);

    let images = |defaults: &str| WITH_IMAGES.iter().any(|app| changed(&[defaults, app, "CustomImages"]));
    let gates: [(bool, &dyn Fn(&App) -> bool); 5] = [
        (changed(&["DefaultUserSettings", "ExecutionRole"]), &|app| starting(app) && !is_shared(world, app)),
        (changed(&["DefaultSpaceSettings", "ExecutionRole"]), &|app| starting(app) && is_shared(world, app)),
        (changed(&["DomainSettings", "ExecutionRoleIdentityConfig"]), &starting),
        (changed(&["AppNetworkAccessType"]) || removes_subnets(before, after), &App::is_live),
        (images("DefaultUserSettings") || images("DefaultSpaceSettings"), &running),
    ];
    let blocked = gates.iter().any(|(applies, holds)| *applies && apps.iter().any(|(_, app)| holds(app)));
    if !blocked {
        return Ok(());
    }
    Err(invalid(format!(
        "Unable to update Domain [{}] with InService App. Delete all InService apps in the domain including shared Apps for \
         [domain-shared] User Profile, and try again.",
        before.arn(world)
    )))
}

fn removes_subnets(before: &Domain, after: &Domain) -> bool {
    let subnets = |domain: &Domain| -> BTreeSet<String> {
        domain.setting(&["SubnetIds"]).map(texts).into_iter().flatten().map(ToOwned::to_owned).collect()
    };
    !subnets(before).is_subset(&subnets(after))
}

/// Returns `true` if an app is in a space that several users share: those have settings of their own.
fn is_shared(world: &World, app: &App) -> bool {
    let AppOwner::Space(name) = &app.owner else { return false };
    let space: Option<Space> = world.get(Space::TABLE, &key_in(&app.domain, name));
    space.is_some_and(|space| space.sharing.as_deref() != Some("Private"))
}

/// Returns `true` if RStudio has a role in the domain: then its network access is settled for good.
pub fn has_rstudio(domain: &Domain) -> bool {
    domain
        .setting(&["DomainSettings", "RStudioServerProDomainSettings", "DomainExecutionRoleArn"])
        .and_then(Json::as_str)
        .is_some()
}
