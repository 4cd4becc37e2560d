//! Domains: describing, listing and deleting them.

use serde_json::{Value as Json, json};

use super::life::{self, Life, Status, Then};
use super::records::{App, Domain, Living, Object, Space, Stored, UserProfileRecord};
use super::{adversary, home, in_use, invalid, not_found, page, required, seconds, text};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::World;

impl Living for Domain {
    const KIND: life::LifeKind = life::LifeKind::Domain;

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

/// The domain `id`, whatever its status.
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

/// The URL that a domain's users go to.
pub fn url(world: &World, id: &str) -> String {
    format!("https://{id}.studio.{}.sagemaker.aws", world.region())
}

/// Answers `DescribeDomain`: the settings as they were sent, and what AWS adds to them.
pub fn describe(world: &World, input: &Json) -> Answer {
    let domain = find(world, required(input, "DomainId"))?;
    let mut answer = summary(world, &domain);
    answer.insert("AuthMode".into(), domain.auth_mode.into());
    let texts = [
        // Whether a domain that failed tells of its file system is not written down: who counts on it finds nothing.
        (
            "HomeEfsFileSystemId",
            domain.home.filter(|_| domain.life.status != Status::Failed).map(|home| home.file_system),
        ),
        ("SingleSignOnApplicationArn", domain.application),
        ("FailureReason", domain.life.failure),
    ];
    answer.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
    answer.extend(domain.settings);
    adversary::dress_domain(world, &mut answer);
    Ok(Json::Object(answer))
}

/// Answers `ListDomains`, the oldest first.
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
    for (kind, table) in [("UserProfile", UserProfileRecord::TABLE), ("Space", Space::TABLE)] {
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
        home::doom(world, home, at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    #[test]
    fn describe_shows_what_was_sent() {
        let mut account = TestAccount::new();
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
        let passed = described["LastModifiedTime"].as_f64().unwrap() - described["CreationTime"].as_f64().unwrap();
        assert!((passed - 150.0).abs() < 0.001, "{passed}");
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
                    // What AWS says although nobody asked for it.
                    "AutoMountHomeEFS": "Enabled",
                    "SpaceStorageSettings": {"DefaultEbsStorageSettings":
                        {"DefaultEbsVolumeSizeInGb": 5, "MaximumEbsVolumeSizeInGb": 100}},
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
        let mut account = TestAccount::new();
        account.world.put("meta", "faults", &json!({"ignore-field": ["DefaultUserSettings.StudioWebPortal"]}));
        let domain = account.in_service(json!({"DefaultUserSettings": {"StudioWebPortal": "ENABLED"}}));
        let described = account.ok("DescribeDomain", json!({"DomainId": domain}));
        assert!(described["DefaultUserSettings"].get("StudioWebPortal").is_none());
    }

    #[test]
    fn a_home_only_where_it_is_wanted() {
        let mut account = TestAccount::new();
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
        let mut account = TestAccount::new();
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
        let mut account = TestAccount::new();
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
