//! Domains: making, describing, listing and deleting them.

use serde_json::{Value as Json, json};

use super::life::{self, Life, Status, Then};
use super::records::{App, Domain, Home, LIMITS, Living, Object, Record, Space, UserProfile};
use super::{adversary, checks, home, in_use, invalid, merge, not_found, page, required, seconds, tags, text};
use crate::sandbox::records::{SUBNETS, Subnet, VPCS};
use crate::sandbox::wire::{Answer, Refusal};
use crate::sandbox::world::{LOWER, World};

/// How many domains an account may have if record `limits` does not say.
const DOMAINS: usize = 10;

/// What AWS answers to `AppSecurityGroupManagement` where there is no RStudio: terraform-provider-aws issue 39923.
pub const GROUP_MANAGEMENT_NEEDS_RSTUDIO: &str =
    "AppSecurityGroupManagement can only be set for Rstudio enabled domains.";

impl Living for Domain {
    const KIND: life::Kind = life::Kind::Domain;

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }

    fn gone(self, world: &mut World, at: i64) {
        if let Some(home) = &self.home {
            home::release(world, home, at);
        }
    }
}

/// The domain `id`.
pub fn find(world: &World, id: &str) -> Result<Domain, Refusal> {
    world.get(Domain::TABLE, id).ok_or_else(|| not_found(format!("Domain [{id}] does not exist.")))
}

/// The domain `id`, which must be usable. The refusal's code for one that is not is a guess: none is published.
pub fn usable(world: &World, id: &str) -> Result<Domain, Refusal> {
    let domain = find(world, id)?;
    let status = domain.life.status;
    if status == Status::InService {
        return Ok(domain);
    }
    let message = format!("Domain [{}] is not InService but {}.", domain.arn(world), status.name());
    Err(if status.is_busy() { in_use(message) } else { invalid(message) })
}

/// `CreateDomain`.
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
    let succeeds = life::begin(world, &mut domain, &life::CREATE_DOMAIN, None);
    let arn = domain.arn(world);
    // A domain that fails has no home: nothing of its users is lost with it.
    if succeeds && wants_home(&domain) {
        domain.home = Some(home::provide(world, &domain, &arn));
    }
    let url = url(world, &domain.id);
    world.put(Domain::TABLE, &domain.id, &domain);
    Ok(json!({"DomainArn": arn, "DomainId": domain.id, "Url": url}))
}

/// Whether the domain's settings ask for a home file system, as they do unless they say otherwise.
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
    let limit = world.get::<Json>("meta", LIMITS).and_then(|limits| limits["domains"].as_u64());
    let limit = limit.map_or(DOMAINS, |limit| usize::try_from(limit).unwrap_or(DOMAINS));
    if domains.len() < limit {
        return Ok(());
    }
    let used = domains.len();
    Err(Refusal::new(
        "ResourceLimitExceeded",
        format!(
            "The account-level service limit 'Total domains' is {limit} Domains, with current utilization of {used} Domains and \
             a request delta of 1 Domains. Please contact AWS support to request an increase for this limit."
        ),
    ))
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
    checks::references(world, &Json::Object(domain.settings.clone()), vpc)
}

/// Whether nothing but the VPC is reachable.
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
        let groups = settings.get("SecurityGroups").and_then(Json::as_array);
        if is_private(domain) && groups.is_none_or(Vec::is_empty) {
            return Err(invalid(format!("{path}.SecurityGroups is required when AppNetworkAccessType is VpcOnly.")));
        }
    }
    Ok(())
}

/// The VPC and the subnets exist and belong together. Only Unified Studio's domains may do without.
fn network(world: &World, domain: &Domain) -> Result<(), Refusal> {
    let unified = domain.setting(&["DomainSettings", "UnifiedStudioSettings"]).is_some();
    match (domain.text(&["VpcId"]), domain.setting(&["SubnetIds"])) {
        (Some(vpc), Some(ids)) => {
            if !world.has(VPCS, vpc) {
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
    checks::texts(ids).try_for_each(|id| match world.get::<Subnet>(SUBNETS, id) {
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

/// Where a domain's users go.
pub fn url(world: &World, id: &str) -> String {
    format!("https://{id}.studio.{}.sagemaker.aws", world.region())
}

/// `DescribeDomain`.
pub fn describe(world: &World, input: &Json) -> Answer {
    let domain = find(world, required(input, "DomainId"))?;
    let mut answer = summary(world, &domain);
    answer.insert("AuthMode".into(), domain.auth_mode.into());
    let texts = [
        ("HomeEfsFileSystemId", domain.home.map(|home| home.file_system)),
        ("SingleSignOnApplicationArn", domain.application),
        ("FailureReason", domain.life.failure),
    ];
    answer.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
    answer.extend(domain.settings);
    adversary::dress_domain(world, &mut answer);
    Ok(Json::Object(answer))
}

/// `ListDomains`.
pub fn list(world: &World, input: &Json) -> Answer {
    let domains = world.list::<Domain>(Domain::TABLE, "").into_iter();
    let rows =
        domains.map(|(key, domain)| (page::by_time(domain.life.created, &key), Json::Object(summary(world, &domain))));
    page::page(input, rows.collect(), "Domains", false)
}

fn summary(world: &World, domain: &Domain) -> Object {
    let life = &domain.life;
    Object::from_iter([
        ("DomainArn".into(), domain.arn(world).into()),
        ("DomainId".into(), domain.id.clone().into()),
        ("DomainName".into(), domain.name.clone().into()),
        ("Status".into(), life.status.name().into()),
        ("CreationTime".into(), seconds(life.created)),
        ("LastModifiedTime".into(), seconds(life.modified)),
        ("Url".into(), url(world, &domain.id).into()),
    ])
}

/// `DeleteDomain`. The texts are those that public clean-up scripts look for.
pub fn delete(world: &mut World, input: &Json) -> Answer {
    let mut domain = find(world, required(input, "DomainId"))?;
    let arn = domain.arn(world);
    if domain.life.status.is_busy() {
        return Err(in_use(format!("Unable to delete Domain [{arn}] because it is {}.", domain.life.status.name())));
    }
    let inside = format!("{}/", domain.id);
    for (kind, table) in [("UserProfile", UserProfile::TABLE), ("Space", Space::TABLE)] {
        if !world.list::<Json>(table, &inside).is_empty() {
            return Err(in_use(format!("Unable to delete Domain [{arn}] because {kind}(s) are associated with it.")));
        }
    }
    if world.list::<App>(App::TABLE, &inside).iter().any(|(_, app)| app.is_live()) {
        return Err(in_use(format!("Unable to delete Domain [{arn}] because App(s) are associated with it.")));
    }
    let succeeds = life::begin(world, &mut domain, &life::DELETE_DOMAIN, None);
    let retention = input.get("RetentionPolicy").and_then(|policy| text(policy, "HomeEfsFileSystem"));
    if succeeds && retention == Some("Delete") {
        doom(world, &mut domain);
    }
    world.put(Domain::TABLE, &domain.id, &domain);
    Ok(json!({}))
}

fn doom(world: &mut World, domain: &mut Domain) {
    let end = domain.life.next.as_ref().filter(|next| next.then == Then::Vanish).map(|next| next.at);
    if let (Some(at), Some(home)) = (end, &mut domain.home) {
        let home: &mut Home = home;
        home::doom(world, home, at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Account;
    use super::*;

    #[test]
    fn what_create_refuses() {
        let account = Account::new();
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
            (
                users(json!({"SecurityGroups": []})),
                "DefaultUserSettings.SecurityGroups is required when AppNetworkAccessType is VpcOnly.",
            ),
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
            let mut account = Account::new();
            let request = account.domain_request(more);
            let refusal = account.refused("CreateDomain", request);
            assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("ValidationException", expected));
        }
    }

    #[test]
    fn a_new_role_is_no_use_until_it_is_seen() {
        let mut account = Account::new();
        let role = account.role("fresh", account.world.now() + 10_000);
        let request = account.domain_request(json!({"DefaultUserSettings": {"ExecutionRole": role}}));
        let refusal = account.refused("CreateDomain", request.clone());
        assert!(refusal.message.starts_with("Could not assume role arn:aws:iam::123456789012:role/fresh."));
        account.world.advance(10_000);
        account.ok("CreateDomain", request);
    }

    #[test]
    fn names_and_places_run_out() {
        let mut account = Account::new();
        account.world.put("meta", LIMITS, &json!({"domains": 2}));
        account.world.put("meta", "faults", &json!({"fail": {"CreateDomain": "InternalFailure"}}));
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

    #[test]
    fn describe_shows_what_was_sent() {
        let mut account = Account::new();
        account.key("k-1", true);
        let lifecycle = account.lifecycle_config("setup");
        let domain = account.in_service(json!({
            "AuthMode": "SSO",
            "KmsKeyId": "k-1",
            "TagPropagation": "ENABLED",
            "DefaultUserSettings": {"JupyterLabAppSettings": {
                "LifecycleConfigArns": [lifecycle],
                "DefaultResourceSpec": {"LifecycleConfigArn": "None", "InstanceType": "ml.t3.medium"},
            }},
            "DomainSettings": {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"},
        }));
        let mut described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert_eq!(described["Url"], format!("https://{domain}.studio.us-east-1.sagemaker.aws"));
        assert!(described["SingleSignOnApplicationArn"].as_str().unwrap().contains(":application/ssoins-"));
        assert_eq!(
            described["LastModifiedTime"].as_f64().unwrap() - described["CreationTime"].as_f64().unwrap(),
            150.0
        );
        let object = described.as_object_mut().unwrap();
        object.retain(|name, _| {
            !matches!(
                name.as_str(),
                "Url"
                    | "DomainId"
                    | "DomainArn"
                    | "SingleSignOnApplicationArn"
                    | "CreationTime"
                    | "LastModifiedTime"
                    | "HomeEfsFileSystemId"
            )
        });
        assert_eq!(
            described,
            json!({
                "DomainName": "studio",
                "Status": "InService",
                "AuthMode": "SSO",
                "VpcId": "vpc-1",
                "SubnetIds": ["subnet-1", "subnet-2"],
                "AppNetworkAccessType": "VpcOnly",
                "KmsKeyId": "k-1",
                "HomeEfsFileSystemKmsKeyId": "k-1",
                "TagPropagation": "ENABLED",
                "DefaultUserSettings": {
                    "ExecutionRole": "arn:aws:iam::123456789012:role/execution",
                    "SecurityGroups": ["sg-1"],
                    "JupyterLabAppSettings": {
                        "LifecycleConfigArns": ["arn:aws:sagemaker:us-east-1:123456789012:studio-lifecycle-config/setup"],
                        "DefaultResourceSpec": {"InstanceType": "ml.t3.medium"},
                    },
                },
                "DomainSettings": {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"},
            })
        );
    }

    #[test]
    fn an_ignored_field_is_accepted_and_forgotten() {
        let mut account = Account::new();
        account.world.put("meta", "faults", &json!({"ignore-field": ["DefaultUserSettings.StudioWebPortal"]}));
        let domain = account.in_service(json!({"DefaultUserSettings": {"StudioWebPortal": "ENABLED"}}));
        let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert!(described["DefaultUserSettings"].get("StudioWebPortal").is_none());
    }

    #[test]
    fn a_home_only_where_it_is_wanted() {
        let mut account = Account::new();
        let domain = account.in_service(json!({"HomeEfsFileSystemCreation": "Disabled"}));
        let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert!(described.get("HomeEfsFileSystemId").is_none());
        account.ok("UpdateDomain", json!({"DomainId": domain, "HomeEfsFileSystemCreation": "Enabled"}));
        let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert!(described.get("HomeEfsFileSystemId").is_some());
        account.world.advance(25_000);
        let back = json!({"DomainId": domain, "HomeEfsFileSystemCreation": "Disabled"});
        assert_eq!(account.refused("UpdateDomain", back).code, "ValidationException");
    }

    #[test]
    fn deletion_waits_for_what_is_inside() {
        let mut account = Account::new();
        let domain = account.domain(json!({}));
        let request = json!({"DomainId": domain});
        assert_eq!(account.refused("DeleteDomain", request.clone()).code, "ResourceInUse");
        account.world.advance(150_000);
        account.profile(&domain, "ann", json!({}));
        let refusal = account.refused("DeleteDomain", request.clone());
        assert_eq!(
            refusal.to_string(),
            format!(
                "ResourceInUse: Unable to delete Domain [arn:aws:sagemaker:us-east-1:123456789012:domain/{domain}] because \
                 UserProfile(s) are associated with it."
            )
        );
        account.ok("DeleteUserProfile", json!({"DomainId": domain, "UserProfileName": "ann"}));
        // The profile is still going away.
        assert_eq!(account.refused("DeleteDomain", request.clone()).code, "ResourceInUse");
        account.world.advance(10_000);
        account.world.put("meta", "faults", &json!({"fail": {"DeleteDomain": "no"}}));
        account.ok("DeleteDomain", request.clone());
        assert_eq!(account.domain_status(&domain), "Deleting");
        account.world.advance(75_000);
        assert_eq!(account.domain_status(&domain), "Delete_Failed");
        assert_eq!(account.refused("UpdateDomain", request.clone()).code, "ValidationException");
        account.ok("DeleteDomain", request.clone());
        account.world.advance(75_000);
        assert_eq!(account.refused("DescribeDomain", request).code, "ResourceNotFound");
    }

    #[test]
    fn domains_are_listed() {
        let mut account = Account::new();
        for name in ["b", "a", "c"] {
            account.domain(json!({"DomainName": name}));
        }
        let first = account.ok("ListDomains", json!({"MaxResults": 2}));
        let second = account.ok("ListDomains", json!({"MaxResults": 2, "NextToken": first["NextToken"]}));
        let mut names: Vec<_> = [&first, &second]
            .iter()
            .flat_map(|page| page["Domains"].as_array().unwrap())
            .map(|domain| domain["DomainName"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(second.get("NextToken").is_none());
    }
}
