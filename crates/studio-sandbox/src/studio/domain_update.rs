//! `UpdateDomain`: what can be changed in place, and what AWS refuses although it looks harmless.

use serde_json::{Value as Json, json};

use super::faults::StudioFaults;
use super::life::{self, Status};
use super::merge::{self, Depth};
use super::records::{Domain, Object, Stored};
use super::{checks, domain, domain_create, domain_gates, home, in_use, invalid, required};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::World;

/// Members that a request calls by another name than the settings do.
const FOR_UPDATE: &str = "ForUpdate";

/// Answers `UpdateDomain`, which merges the request into the settings and checks the outcome.
pub fn update(world: &mut World, input: &Json) -> Answer {
    let before = domain::find(world, required(input, "DomainId"))?;
    let arn = before.arn(world);
    if !matches!(before.life.status, Status::InService | Status::UpdateFailed) {
        let message = format!("Unable to update Domain [{arn}] because it is {}.", before.life.status.name());
        return Err(if before.life.status.is_busy() { in_use(message) } else { invalid(message) });
    }
    let change = settings_of(input);
    as_sent(&before, &change)?;

    let mut after = before.clone();
    let depth = if StudioFaults::of(world).merges_shallowly() { Depth::Shallow } else { Depth::Deep };
    apply(&mut after.settings, &change, depth);
    check(world, &before, &after, &change)?;

    let settings = std::mem::replace(&mut after.settings, before.settings);
    if life::begin(world, &mut after, &life::UPDATE_DOMAIN, None) {
        after.settings = settings;
        match &after.home {
            Some(home) => home::mount(world, home, &after),
            None if domain_create::wants_home(&after) => after.home = Some(home::provide(world, &after, &arn)),
            None => {}
        }
    }
    world.put(Domain::TABLE, &after.id, &after);
    Ok(json!({"DomainArn": arn}))
}

/// The settings that a request is about, under the names that `DescribeDomain` has for them.
fn settings_of(input: &Json) -> Object {
    let members = input.as_object().into_iter().flatten().filter(|(name, _)| *name != "DomainId");
    members.map(|(name, value)| settled(name, value)).collect()
}

fn settled(name: &str, value: &Json) -> (String, Json) {
    match (name.strip_suffix(FOR_UPDATE), value) {
        (Some(name), Json::Object(inner)) => {
            (name.to_owned(), inner.iter().map(|(name, value)| settled(name, value)).collect())
        }
        _ => (name.to_owned(), value.clone()),
    }
}

fn apply(settings: &mut Object, change: &Object, depth: Depth) {
    for (name, value) in change {
        match (settings.get_mut(name), value) {
            (Some(Json::Object(inner)), Json::Object(change)) => merge::merge(inner, change, depth),
            _ => {
                settings.insert(name.clone(), value.clone());
            }
        }
    }
    merge::clear(settings);
}

/// Refuses members for being sent at all. A member that repeats what is already so is refused like any other: the texts
/// are those of terraform-provider-aws issues 45528 and 39923.
fn as_sent(before: &Domain, change: &Object) -> Result<(), Refusal> {
    for (name, value) in change {
        checks::nothing_empty(name, value)?;
    }
    let sent = |name: &str| change.get(name);
    let has_network = sent("SubnetIds").is_some() && sent("VpcId").is_some();
    if sent("AppNetworkAccessType").and_then(Json::as_str) == Some("VpcOnly") && !has_network {
        return Err(invalid("VpcId and Subnet IDs are required for updating domains to VpcOnly mode"));
    }
    // The API model: the VPC can be set once. That its own is no other is what the text above implies.
    let vpc = before.setting(&["VpcId"]);
    if sent("VpcId").is_some_and(|sent| vpc.is_some_and(|vpc| vpc != sent)) {
        return Err(invalid("VpcId can only be added to a domain that has none."));
    }
    if sent("HomeEfsFileSystemCreation").and_then(Json::as_str) == Some("Disabled") && domain_create::wants_home(before)
    {
        return Err(invalid("HomeEfsFileSystemCreation cannot be changed from Enabled to Disabled."));
    }
    Ok(())
}

fn check(world: &World, before: &Domain, after: &Domain, change: &Object) -> Result<(), Refusal> {
    let rstudio = domain_gates::has_rstudio(after);
    if change.contains_key("AppSecurityGroupManagement") && !rstudio {
        return Err(invalid(domain_create::GROUP_MANAGEMENT_NEEDS_RSTUDIO));
    }
    // The API model: not if RStudio's role is set already or is in the same request.
    if change.contains_key("AppNetworkAccessType") && rstudio {
        return Err(invalid("AppNetworkAccessType cannot be updated for Rstudio enabled domains."));
    }
    domain_create::consistent(after)?;
    let vpc = after.text(&["VpcId"]);
    if let (Some(ids), Some(vpc)) = (change.get("SubnetIds"), vpc) {
        domain_create::subnets(world, ids, vpc)?;
    }
    checks::references(world, &Json::Object(change.clone()), vpc.filter(|_| domain_create::is_private(after)))?;
    domain_gates::check(world, before, after)
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    fn with(domain: &str, more: Json) -> Json {
        let mut request = json!({"DomainId": domain});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    }

    #[test]
    fn what_update_refuses() {
        let cases = [
            (
                json!({"AppNetworkAccessType": "VpcOnly"}),
                "VpcId and Subnet IDs are required for updating domains to VpcOnly mode",
            ),
            (
                json!({"AppNetworkAccessType": "VpcOnly", "SubnetIds": ["subnet-1"]}),
                "VpcId and Subnet IDs are required for updating domains to VpcOnly mode",
            ),
            (json!({"AppSecurityGroupManagement": "Customer"}), domain_create::GROUP_MANAGEMENT_NEEDS_RSTUDIO),
            (json!({"VpcId": "vpc-2"}), "VpcId can only be added to a domain that has none."),
            (
                json!({"DefaultUserSettings": {"StudioWebPortal": "DISABLED"}}),
                "StudioWebPortal is disabled for this domain/user.",
            ),
            (
                json!({"DefaultUserSettings": {}}),
                "1 validation error detected: Value '{}' at 'DefaultUserSettings' failed to satisfy constraint: Member must \
                 not be empty",
            ),
            (
                json!({"DefaultUserSettings": {"DefaultLandingUri": ""}}),
                "1 validation error detected: Value '' at 'DefaultUserSettings.DefaultLandingUri' failed to satisfy \
                 constraint: Member must not be empty",
            ),
            (json!({"SubnetIds": ["subnet-9"]}), "The subnet ID 'subnet-9' does not exist"),
            (
                json!({"DomainSettingsForUpdate": {"SecurityGroupIds": ["sg-9"]}}),
                "The security group ID 'sg-9' does not exist",
            ),
        ];
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        for (more, expected) in cases {
            let refusal = account.refused("UpdateDomain", with(&domain, more));
            assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("ValidationException", expected));
        }
    }

    #[test]
    fn what_is_left_out_stays() {
        let mut account = TestAccount::new();
        let one = account.lifecycle_config("one");
        let two = account.lifecycle_config("two");
        let lab = |settings: Json| json!({"DefaultUserSettings": {"JupyterLabAppSettings": settings}});
        let start = lab(json!({
            "LifecycleConfigArns": [one, two],
            "DefaultResourceSpec": {"LifecycleConfigArn": one, "InstanceType": "ml.t3.medium"},
        }));
        let spec = json!({"LifecycleConfigArn": one, "InstanceType": "ml.t3.medium"});
        let cases = [
            (
                "deep",
                lab(json!({"LifecycleConfigArns": []})),
                json!({"LifecycleConfigArns": [], "DefaultResourceSpec": spec}),
            ),
            ("shallow", lab(json!({"LifecycleConfigArns": []})), json!({"LifecycleConfigArns": []})),
            (
                "deep",
                lab(json!({"DefaultResourceSpec": {"LifecycleConfigArn": "None"}})),
                json!({"LifecycleConfigArns": [one, two], "DefaultResourceSpec": {"InstanceType": "ml.t3.medium"}}),
            ),
            (
                "deep",
                json!({"DomainSettingsForUpdate": {"DockerSettings": {"EnableDockerAccess": "ENABLED"}}}),
                json!({"LifecycleConfigArns": [one, two], "DefaultResourceSpec": spec}),
            ),
        ];
        for (depth, change, expected) in cases {
            let mut account = TestAccount::new();
            account.lifecycle_config("one");
            account.lifecycle_config("two");
            account.world.put("meta", "faults", &json!({"merge": depth}));
            let domain = account.in_service(start.clone());
            account.ok("UpdateDomain", with(&domain, change.clone()));
            assert_eq!(account.domain_status(&domain), "Updating");
            account.world.advance(25_000);
            let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
            assert_eq!(described["Status"], "InService");
            assert_eq!(described["DefaultUserSettings"]["JupyterLabAppSettings"], expected, "{depth} {change}");
            assert_eq!(described["DefaultUserSettings"]["SecurityGroups"], json!(["sg-1"]));
            if let Some(domain) = change.get("DomainSettingsForUpdate") {
                assert_eq!(&described["DomainSettings"], domain);
            }
        }
    }

    #[test]
    fn rstudio_settings_have_two_names() {
        let mut account = TestAccount::new();
        let role = account.role.clone();
        let domain = account.in_service(json!({
            "AppSecurityGroupManagement": "Service",
            "DomainSettings": {"RStudioServerProDomainSettings": {"DomainExecutionRoleArn": role}},
        }));
        let change = json!({"DomainSettingsForUpdate": {"RStudioServerProDomainSettingsForUpdate":
            {"DomainExecutionRoleArn": role, "RStudioConnectUrl": "https://connect"}}});
        account.ok("UpdateDomain", with(&domain, change));
        let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert_eq!(
            described["DomainSettings"],
            json!({"RStudioServerProDomainSettings": {
                "DomainExecutionRoleArn": role, "RStudioConnectUrl": "https://connect",
                "DefaultResourceSpec": {"SageMakerImageArn": account.world.arn("sagemaker", "image/rstudio-workbench-2025.05")},
            }})
        );
        account.world.advance(25_000);
        let access = json!({"AppNetworkAccessType": "PublicInternetOnly"});
        let refusal = account.refused("UpdateDomain", with(&domain, access));
        assert_eq!(refusal.message, "AppNetworkAccessType cannot be updated for Rstudio enabled domains.");
    }

    #[test]
    fn apps_hold_some_changes_up() {
        let mut account = TestAccount::new();
        let other = account.role("other", 0);
        let lifecycle = account.lifecycle_config("setup");
        account.world.put(super::super::records::IMAGES, "lab", &json!({}));
        account.world.put(super::super::records::APP_IMAGE_CONFIGS, "lab", &json!({}));
        let domain = account.in_service(json!({}));
        account.profile(&domain, "ann", json!({}));
        account.app(&domain, "ann");
        let users = |more: Json| json!({"DefaultUserSettings": more});
        let cases = [
            (users(json!({"ExecutionRole": other})), false),
            (users(json!({"ExecutionRole": account.role})), true),
            (json!({"DomainSettingsForUpdate": {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"}}), false),
            (json!({"SubnetIds": ["subnet-1"]}), false),
            (json!({"SubnetIds": ["subnet-1", "subnet-2", "subnet-3"]}), true),
            (json!({"AppNetworkAccessType": "PublicInternetOnly"}), false),
            (json!({"DefaultSpaceSettings": {"ExecutionRole": other, "SecurityGroups": ["sg-1"]}}), true),
            (
                users(json!({"JupyterLabAppSettings": {"CustomImages":
                [{"ImageName": "lab", "AppImageConfigName": "lab"}]}})),
                false,
            ),
            (users(json!({"JupyterLabAppSettings": {"LifecycleConfigArns": [lifecycle]}})), true),
        ];
        for (change, passes) in &cases {
            let request = with(&domain, change.clone());
            if *passes {
                account.ok("UpdateDomain", request);
                account.world.advance(25_000);
            } else {
                let message = account.refused("UpdateDomain", request).message;
                assert!(message.starts_with("Unable to update Domain [arn:aws:sagemaker:"), "{message}");
                assert!(message.contains("] with InService App. Delete all InService apps in the domain"), "{message}");
            }
        }
        account.ok("DeleteApp", TestAccount::app_request(&domain, "ann", json!({})));
        account.world.advance(45_000);
        for (change, _) in cases {
            account.ok("UpdateDomain", with(&domain, change));
            account.world.advance(25_000);
        }
    }

    #[test]
    fn a_failed_update_changes_nothing_and_may_be_tried_again() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        account.world.put("meta", "faults", &json!({"fail": {"UpdateDomain": "no luck"}}));
        let request = with(&domain, json!({"TagPropagation": "ENABLED"}));
        account.ok("UpdateDomain", request.clone());
        assert_eq!(account.refused("UpdateDomain", request.clone()).code, "ResourceInUse");
        account.world.advance(25_000);
        let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert_eq!((&described["Status"], &described["FailureReason"]), (&json!("Update_Failed"), &json!("no luck")));
        assert!(described.get("TagPropagation").is_none());
        account.ok("UpdateDomain", request);
        account.world.advance(25_000);
        let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert_eq!((&described["Status"], &described["TagPropagation"]), (&json!("InService"), &json!("ENABLED")));
        assert!(described.get("FailureReason").is_none());
    }

    #[test]
    fn landing_and_portal_go_together() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        let steps = [
            (json!({"StudioWebPortal": "DISABLED"}), false),
            (json!({"StudioWebPortal": "DISABLED", "DefaultLandingUri": "app:JupyterServer:"}), true),
            (json!({"DefaultLandingUri": "studio::"}), false),
            (json!({"StudioWebPortal": "ENABLED"}), true),
            (json!({"DefaultLandingUri": "studio::"}), true),
        ];
        for (users, passes) in steps {
            let request = with(&domain, json!({"DefaultUserSettings": users}));
            assert_eq!(account.call("UpdateDomain", request).is_ok(), passes, "{users}");
            account.world.advance(25_000);
        }
    }
}
