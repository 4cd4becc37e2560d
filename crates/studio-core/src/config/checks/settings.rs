//! Settings of users, spaces and the domain, where one limits another.

use std::collections::BTreeSet;

use super::Review;
use crate::config::codes;
use crate::config::user_settings::{
    CustomFileSystemConfig, JupyterLabAppSettings, JupyterServerAppSettings, ResourceSpec, UserSettings,
};
use crate::config::{AuthMode, DomainConfig};

/// Number of security groups that are left for an app: SageMaker allows five and adds its own.
const GROUP_LIMIT: usize = 4;
/// Limit on the custom images of a profile, by the API's documentation.
const PROFILE_IMAGE_LIMIT: usize = 5;

/// Turns MDAA's names of RStudio's groups into AWS's.
pub(super) fn unify(review: &mut Review<'_>, domain: &mut DomainConfig) {
    let default = (vec!["domain".to_string(), "defaultUserSettings".into()], &mut domain.default_user_settings);
    let profiles = domain.user_profiles.iter_mut().map(|(user, profile)| {
        (vec!["domain".into(), "userProfiles".into(), user.clone(), "settings".into()], &mut profile.settings)
    });
    for (path, settings) in std::iter::once(default).chain(profiles) {
        let Some(group) = settings.r_studio_server_pro_app_settings.as_mut().and_then(|app| app.user_group.as_mut())
        else {
            continue;
        };
        let name = match group.as_str() {
            "Admin" => "R_STUDIO_ADMIN",
            "User" => "R_STUDIO_USER",
            _ => continue,
        };
        let mut path: Vec<&str> = path.iter().map(String::as_str).collect();
        path.extend(["rStudioServerProAppSettings", "userGroup"]);
        let summary = format!("`{group}` is read as `{name}`, AWS's name for it");
        review.report(&codes::R_STUDIO_GROUP, &path, summary, format!("write `userGroup: {name}`"));
        *group = name.into();
    }
}

pub(super) fn check(review: &mut Review<'_>, domain: &DomainConfig) {
    let default = &domain.default_user_settings;
    let path = ["domain", "defaultUserSettings"];
    if default.execution_role.is_some() {
        review.report(
            &codes::MISPLACED,
            &[&path[..], &["executionRole"]].concat(),
            "the domain's execution role is not set here",
            "use `domain.defaultExecutionRole`",
        );
    }
    if default.auto_mount_home_efs.as_deref() == Some("DefaultAsDomain") {
        let path = [&path[..], &["autoMountHomeEFS"]].concat();
        review.report(
            &codes::COMBINATION,
            &path,
            "AWS refuses `DefaultAsDomain` for the domain itself",
            "use Enabled or Disabled",
        );
    }
    user_settings(review, default, None, &path);
    groups(review, domain, &[], &[&path[..], &["securityGroups"]].concat());
    for (user, profile) in &domain.user_profiles {
        let path = ["domain", "userProfiles", user.as_str(), "settings"];
        user_settings(review, &profile.settings, Some(default), &path);
        images(review, &profile.settings, &path);
        let own = profile.settings.security_groups.as_deref().unwrap_or_default();
        if !own.is_empty() {
            groups(review, domain, own, &[&path[..], &["securityGroups"]].concat());
        }
    }
    if let Some(spaces) = &domain.default_space_settings {
        let path = ["domain", "defaultSpaceSettings"];
        let (server, lab) = (&spaces.jupyter_server_app_settings, &spaces.jupyter_lab_app_settings);
        instances(review, server.as_ref(), lab.as_ref(), &path);
        file_systems(review, spaces.custom_file_system_configs.as_deref(), &path);
    }
    whole_domain(review, domain);
}

fn user_settings(review: &mut Review<'_>, settings: &UserSettings, outer: Option<&UserSettings>, path: &[&str]) {
    let below = |keys: &[&'static str]| [path, keys].concat();
    let portal = settings.studio_web_portal.as_ref().or(outer.and_then(|outer| outer.studio_web_portal.as_ref()));
    let landing = settings.default_landing_uri.as_ref();
    let disabled = portal.is_some_and(|portal| portal == "DISABLED");
    if disabled && landing.is_some_and(|landing| landing.starts_with("studio:")) {
        review.report(
            &codes::LANDING,
            &below(&["defaultLandingUri"]),
            "`defaultLandingUri: studio::` needs the portal, which is `DISABLED`",
            "remove `defaultLandingUri`; app:JupyterServer: is then set",
        );
    }
    if landing.is_some_and(|landing| landing.starts_with("app:JupyterServer")) {
        let summary = "users land in Studio Classic, which new domains do not have";
        review.report(&codes::CLASSIC, &below(&["defaultLandingUri"]), summary, "use `studioWebPortal: ENABLED`");
    }
    let (server, lab) = (&settings.jupyter_server_app_settings, &settings.jupyter_lab_app_settings);
    instances(review, server.as_ref(), lab.as_ref(), path);
    file_systems(review, settings.custom_file_system_configs.as_deref(), path);
}

/// Checks the instance types that the apps of users or of spaces start with.
fn instances(
    review: &mut Review<'_>,
    server: Option<&JupyterServerAppSettings>,
    lab: Option<&JupyterLabAppSettings>,
    path: &[&str],
) {
    let below = |keys: &[&'static str]| [path, keys].concat();
    let instance = |spec: Option<&ResourceSpec>| spec.and_then(|spec| spec.instance_type.clone());
    if let Some(kind) = instance(server.and_then(|app| app.default_resource_spec.as_ref()))
        && kind != "system"
        && !super::is_open(&kind)
    {
        let path = below(&["jupyterServerAppSettings", "defaultResourceSpec", "instanceType"]);
        review.report(
            &codes::COMBINATION,
            &path,
            format!("AWS refuses `{kind}` for the Jupyter server"),
            "it only runs on `system`",
        );
    }
    if instance(lab.and_then(|app| app.default_resource_spec.as_ref())).as_deref() == Some("system") {
        let path = below(&["jupyterLabAppSettings", "defaultResourceSpec", "instanceType"]);
        review.report(
            &codes::COMBINATION,
            &path,
            "AWS refuses `system` for JupyterLab",
            "name an instance type such as ml.t3.medium",
        );
    }
}

/// Checks that each file system to mount is one.
fn file_systems(review: &mut Review<'_>, configs: Option<&[CustomFileSystemConfig]>, path: &[&str]) {
    for (index, config) in configs.unwrap_or_default().iter().enumerate() {
        if members(config) != 1 {
            let index = index.to_string();
            let path = [path, &["customFileSystemConfigs", &index]].concat();
            review.report(
                &codes::COMBINATION,
                &path,
                "AWS wants exactly one file system here",
                "make one element of each",
            );
        }
    }
}

fn members(config: &CustomFileSystemConfig) -> usize {
    [
        config.efs_file_system_config.is_some(),
        config.fsx_lustre_file_system_config.is_some(),
        config.s3_file_system_config.is_some(),
    ]
    .into_iter()
    .filter(|given| *given)
    .count()
}

fn images(review: &mut Review<'_>, settings: &UserSettings, path: &[&str]) {
    let kernel = settings.kernel_gateway_app_settings.as_ref().and_then(|app| app.custom_images.as_ref());
    let lab = settings.jupyter_lab_app_settings.as_ref().and_then(|app| app.custom_images.as_ref());
    for (app, images) in [("kernelGatewayAppSettings", kernel), ("jupyterLabAppSettings", lab)] {
        if let Some(count) = images.map(Vec::len).filter(|&count| count > PROFILE_IMAGE_LIMIT) {
            let summary = format!("AWS refuses {count} custom images of one user");
            let help = format!("at most {PROFILE_IMAGE_LIMIT} are allowed; put the others into `defaultUserSettings`");
            review.report(&codes::LENGTH, &[path, &[app, "customImages"]].concat(), summary, help);
        }
    }
}

/// Counts the security groups of an app: the domain's, those of all users and the user's own.
fn groups(review: &mut Review<'_>, domain: &DomainConfig, own: &[String], path: &[&str]) {
    let mut groups: BTreeSet<&str> = BTreeSet::new();
    groups.insert(domain.security_group_id.as_deref().unwrap_or("the group that is made"));
    groups.extend(domain.default_user_settings.security_groups.iter().flatten().map(String::as_str));
    groups.extend(own.iter().map(String::as_str));
    if groups.len() > GROUP_LIMIT {
        let summary = format!("AWS refuses {} security groups for one app", groups.len());
        let help = format!("{GROUP_LIMIT} are allowed, the domain's own among them, since SageMaker adds a fifth");
        review.report(&codes::SECURITY_GROUPS, path, summary, help);
    }
}

fn whole_domain(review: &mut Review<'_>, domain: &DomainConfig) {
    let settings = domain.domain_settings.as_ref();
    let r_studio = settings.is_some_and(|settings| settings.r_studio_server_pro_domain_settings.is_some());
    if domain.app_security_group_management.is_some() && !r_studio {
        review.report(
            &codes::COMBINATION,
            &["domain", "appSecurityGroupManagement"],
            "AWS refuses `appSecurityGroupManagement` without RStudio",
            "remove it, or add `domainSettings.rStudioServerProDomainSettings`",
        );
    }
    let amazon_q = settings.is_some_and(|settings| settings.amazon_q_settings.is_some());
    if amazon_q && domain.auth_mode == AuthMode::Iam {
        let path = ["domain", "domainSettings", "amazonQSettings"];
        review.report(
            &codes::COMBINATION,
            &path,
            "AWS refuses Amazon Q with `authMode: IAM`",
            "it needs `authMode: SSO`",
        );
    }
}
