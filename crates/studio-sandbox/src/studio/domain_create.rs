//! `CreateDomain`, and the rules that the settings of a domain have to keep, new or changed.

use serde_json::{Value as Json, json};

use super::faults::StudioFaults;
use super::life::{self, Life};
use super::records::{Domain, Object, Stored};
use super::{checks, domain, domain_gates, home, in_use, invalid, merge, required, tags};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::{LOWER, World};
use crate::services::ec2_shared;

/// Domains that an account may have in a region. AWS raised it over the years, and has it in Service Quotas ("Total domains")
/// rather than in its documentation: it was 1 in 2020 (amazon-sagemaker-examples issue 1564). The number is a guess; fault
/// `quota` sets another.
const DOMAINS: usize = 10;

/// The refusal of `AppSecurityGroupManagement` where there is no RStudio: terraform-provider-aws issue 39923.
pub const GROUP_MANAGEMENT_NEEDS_RSTUDIO: &str =
    "AppSecurityGroupManagement can only be set for Rstudio enabled domains.";

/// Answers `CreateDomain`, which begins a course of minutes and provides a home file system if one is wanted.
pub fn create(world: &mut World, input: &Json) -> Answer {
    let name = required(input, "DomainName");
    let tags = tags::read(input)?;
    within_limits(world, name)?;
    let settings = settings(input);
    let mut domain = Domain {
        id: String::new(),
        name: name.to_owned(),
        auth_mode: required(input, "AuthMode").to_owned(),
        settings,
        home: None,
        application: None,
        life: Life::new(world, tags),
    };
    check(world, &domain)?;

    domain.id = format!("d-{}", world.id(LOWER, 12));
    if domain.auth_mode == "SSO" {
        domain.application = Some(application(world));
    }
    // The text is what Terraform's acceptance tests met.
    let unlicensed = domain_gates::has_rstudio(&domain) && StudioFaults::of(world).has_no_rstudio_licence();
    let failure = unlicensed.then(|| "No available licenses were found".to_owned());
    life::begin(world, &mut domain, &life::CREATE_DOMAIN, failure);
    let arn = domain.arn(world);
    // What a domain fails over may come after its file system is made, and that then outlives it. What is known is the
    // one reason that says that there is none: aws-cdk issue 34818. That there is one otherwise is a guess, the worse one.
    let failure = domain.life.next.as_ref().and_then(|next| next.failure.as_deref()).unwrap_or_default();
    if !failure.starts_with("Unable to create Amazon EFS") && wants_home(&domain) {
        domain.home = Some(home::provide(world, &domain, &arn));
    }
    let url = domain::url(world, &domain.id);
    world.put(Domain::TABLE, &domain.id, &domain);
    Ok(json!({"DomainArn": arn, "DomainId": domain.id, "Url": url}))
}

/// Returns `true` if the domain's settings ask for a home file system, as they do unless they say otherwise.
pub fn wants_home(domain: &Domain) -> bool {
    domain.text(&["HomeEfsFileSystemCreation"]) != Some("Disabled")
}

/// The settings of a new domain, as `DescribeDomain` shows them.
fn settings(input: &Json) -> Object {
    let mut settings = input.as_object().cloned().unwrap_or_default();
    for other in ["DomainName", "AuthMode", "Tags"] {
        settings.remove(other);
    }
    merge::clear(&mut settings);
    settings.entry("AppNetworkAccessType").or_insert_with(|| "PublicInternetOnly".into());
    // The model calls the longer name the deprecated one of the same setting; both are answered.
    if let Some(key) = settings.get("KmsKeyId").or_else(|| settings.get("HomeEfsFileSystemKmsKeyId")).cloned() {
        settings.insert("KmsKeyId".into(), key.clone());
        settings.insert("HomeEfsFileSystemKmsKeyId".into(), key);
    }
    settings
}

/// The name is free and the quota is not used up. Failed domains count: amazon-sagemaker-examples issue 1564.
fn within_limits(world: &World, name: &str) -> Result<(), Refusal> {
    let domains = world.list::<Domain>(Domain::TABLE, "");
    if domains.iter().any(|(_, domain)| domain.name == name) {
        // The code is inferred from CloudFormation, which calls this `AlreadyExists`.
        return Err(in_use(format!("Domain with name [{name}] already exists.")));
    }
    let limit = StudioFaults::of(world).quota("domains").unwrap_or(DOMAINS);
    if domains.len() < limit {
        return Ok(());
    }
    Err(exceeded("Total domains", "Domains", limit, domains.len()))
}

/// The refusal of one more of what an account has as many of as it may. Source of the text: amazon-sagemaker-examples issue
/// 1564.
pub fn exceeded(quota: &str, noun: &str, limit: usize, used: usize) -> Refusal {
    Refusal::new(
        "ResourceLimitExceeded",
        format!(
            "The account-level service limit '{quota}' is {limit} {noun}, with current utilization of {used} {noun} and a \
             request delta of 1 {noun}. Please contact AWS support to request an increase for this limit."
        ),
    )
}

/// Refuses a new domain that contradicts itself or names what does not exist.
fn check(world: &World, domain: &Domain) -> Result<(), Refusal> {
    let vpc = domain.text(&["VpcId"]);
    network(world, domain)?;
    for path in ["DefaultUserSettings", "DomainSettings", "DefaultSpaceSettings"] {
        domain.setting(&[path]).map_or(Ok(()), |value| checks::nothing_empty(path, value))?;
    }
    if domain.text(&["DefaultUserSettings", "ExecutionRole"]).is_none() {
        return Err(invalid("DefaultUserSettings.ExecutionRole is required."));
    }
    let rstudio = domain.setting(&["DomainSettings", "RStudioServerProDomainSettings"]).is_some();
    let management = domain.text(&["AppSecurityGroupManagement"]);
    if management.is_some() && !rstudio {
        return Err(invalid(GROUP_MANAGEMENT_NEEDS_RSTUDIO));
    }
    if rstudio && is_private(domain) && management != Some("Service") {
        return Err(invalid("AppSecurityGroupManagement must be Service for a VpcOnly domain with RStudio."));
    }
    if domain.auth_mode == "IAM" && domain.setting(&["DomainSettings", "AmazonQSettings"]).is_some() {
        return Err(invalid("AmazonQSettings can only be set for domains with AuthMode SSO."));
    }
    consistent(domain)?;
    if let Some(key) = domain.text(&["KmsKeyId"]) {
        checks::key(world, key)?;
    }
    // What Terraform's acceptance tests show: a domain in a VPC needs no groups (pull request 35416), and one that is
    // not takes groups of another VPC (16077, 34729).
    checks::references(world, &Json::Object(domain.settings.clone()), vpc.filter(|_| is_private(domain)))
}

/// Returns `true` if nothing but the VPC is reachable.
pub fn is_private(domain: &Domain) -> bool {
    domain.text(&["AppNetworkAccessType"]) == Some("VpcOnly")
}

/// Refuses settings of a domain, new or changed, that contradict each other.
pub fn consistent(domain: &Domain) -> Result<(), Refusal> {
    let users = domain.setting(&["DefaultUserSettings"]);
    if let Some(users) = users.and_then(Json::as_object) {
        checks::user_settings(users)?;
        if users.get("AutoMountHomeEFS").and_then(Json::as_str) == Some("DefaultAsDomain") {
            return Err(invalid("AutoMountHomeEFS cannot be DefaultAsDomain in the settings of a domain."));
        }
    }
    checks::group_count([users])?;
    let spaces = domain.setting(&["DefaultSpaceSettings"]);
    checks::group_count([spaces])?;
    for (path, settings) in [("DefaultUserSettings", users), ("DefaultSpaceSettings", spaces)] {
        let Some(settings) = settings.and_then(Json::as_object) else { continue };
        checks::apps(settings)?;
        // Half-filled settings of spaces are refused: terraform-provider-aws issue 27990.
        if !settings.contains_key("ExecutionRole") {
            return Err(invalid(format!("{path}.ExecutionRole is required.")));
        }
    }
    Ok(())
}

/// The VPC and the subnets exist and belong together. Only Unified Studio's domains may do without.
fn network(world: &World, domain: &Domain) -> Result<(), Refusal> {
    let unified = domain.setting(&["DomainSettings", "UnifiedStudioSettings"]).is_some();
    match (domain.text(&["VpcId"]), domain.setting(&["SubnetIds"])) {
        (Some(vpc), Some(ids)) => {
            if !ec2_shared::has_vpc(world, vpc) {
                return Err(invalid(format!("The vpc ID '{vpc}' does not exist")));
            }
            subnets(world, ids, vpc)
        }
        _ if unified && !is_private(domain) => Ok(()),
        _ => Err(invalid("VpcId and SubnetIds are required.")),
    }
}

/// Refuses subnets that do not exist or are not in the domain's VPC.
pub fn subnets(world: &World, ids: &Json, vpc: &str) -> Result<(), Refusal> {
    checks::texts(ids).try_for_each(|id| match ec2_shared::subnet(world, id) {
        None => Err(invalid(format!("The subnet ID '{id}' does not exist"))),
        Some(subnet) if subnet.vpc != vpc => {
            Err(invalid(format!("The subnet '{id}' is not in the VPC '{vpc}' but in '{}'", subnet.vpc)))
        }
        Some(_) => Ok(()),
    })
}

/// The application that Studio makes in Identity Center for an `SSO` domain.
fn application(world: &mut World) -> String {
    let instance = world.id(LOWER, 16);
    let application = world.id(LOWER, 16);
    format!("arn:{}:sso::{}:application/ssoins-{instance}/apl-{application}", world.partition(), world.account())
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    #[test]
    fn what_create_refuses() {
        let account = TestAccount::new();
        let users = |more: Json| json!({"DefaultUserSettings": more});
        let rstudio = json!({"RStudioServerProDomainSettings": {"DomainExecutionRoleArn": account.role}});
        let cases = [
            (json!({"VpcId": "vpc-9"}), "The vpc ID 'vpc-9' does not exist"),
            (json!({"SubnetIds": ["subnet-9"]}), "The subnet ID 'subnet-9' does not exist"),
            (
                json!({"SubnetIds": ["subnet-elsewhere"]}),
                "The subnet 'subnet-elsewhere' is not in the VPC 'vpc-1' but in 'vpc-2'",
            ),
            (json!({"VpcId": null}), "VpcId and SubnetIds are required."),
            (users(json!({"ExecutionRole": null})), "DefaultUserSettings.ExecutionRole is required."),
            (users(json!({"SecurityGroups": ["sg-9"]})), "The security group ID 'sg-9' does not exist"),
            (
                users(json!({"SecurityGroups": ["sg-1", "sg-2", "sg-3", "sg-4", "sg-5"]})),
                "5 security groups are more than the 4 that can be specified: SageMaker adds one of its own.",
            ),
            (users(json!({"StudioWebPortal": "DISABLED"})), "StudioWebPortal is disabled for this domain/user."),
            (
                users(json!({"AutoMountHomeEFS": "DefaultAsDomain"})),
                "AutoMountHomeEFS cannot be DefaultAsDomain in the settings of a domain.",
            ),
            (
                users(json!({"SharingSettings": {}})),
                "1 validation error detected: Value '{}' at 'DefaultUserSettings.SharingSettings' failed to satisfy \
                 constraint: Member must not be empty",
            ),
            (
                json!({"DefaultSpaceSettings": {"SecurityGroups": ["sg-1"]}}),
                "DefaultSpaceSettings.ExecutionRole is required.",
            ),
            (json!({"AppSecurityGroupManagement": "Service"}), GROUP_MANAGEMENT_NEEDS_RSTUDIO),
            (
                json!({"DomainSettings": rstudio}),
                "AppSecurityGroupManagement must be Service for a VpcOnly domain with RStudio.",
            ),
            (
                json!({"DomainSettings": {"AmazonQSettings": {"Status": "ENABLED"}}}),
                "AmazonQSettings can only be set for domains with AuthMode SSO.",
            ),
            (json!({"KmsKeyId": "k-9"}), "KMS key 'k-9' does not exist"),
        ];
        for (more, expected) in cases {
            let mut account = TestAccount::new();
            let request = account.domain_request(more);
            let refusal = account.refused("CreateDomain", request);
            assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("ValidationException", expected));
        }
    }

    #[test]
    fn a_new_role_is_no_use_until_it_is_seen() {
        let mut account = TestAccount::new();
        let role = account.role("fresh", account.world.now() + 10_000);
        let request = account.domain_request(json!({"DefaultUserSettings": {"ExecutionRole": role}}));
        let refusal = account.refused("CreateDomain", request.clone());
        assert!(refusal.message.starts_with("Could not assume role arn:aws:iam::123456789012:role/fresh."));
        account.world.advance(10_000);
        account.ok("CreateDomain", request);
    }

    #[test]
    fn names_and_places_run_out() {
        let mut account = TestAccount::new();
        let failure = json!({"CreateDomain": "InternalFailure"});
        account.world.put("meta", "faults", &json!({"quota": {"domains": 2}, "fail": failure}));
        account.domain(json!({}));
        account.world.advance(150_000);
        let same = account.domain_request(json!({}));
        assert_eq!(account.refused("CreateDomain", same).code, "ResourceInUse");
        account.domain(json!({"DomainName": "second"}));
        let third = account.domain_request(json!({"DomainName": "third"}));
        let refusal = account.refused("CreateDomain", third);
        assert_eq!(refusal.code, "ResourceLimitExceeded");
        assert!(
            refusal.message.starts_with(
                "The account-level service limit 'Total domains' is 2 Domains, with current utilization of 2 Domains"
            ),
            "{refusal}"
        );
    }
}
