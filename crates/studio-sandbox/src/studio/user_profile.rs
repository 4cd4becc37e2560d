//! User profiles: a person's settings on top of the domain's, and a home directory.

use serde_json::{Value as Json, json};

use super::domain_create::exceeded;
use super::faults::StudioFaults;
use super::life::{self, Life, Status};
use super::merge::{self, Depth};
use super::records::{App, AppOwner, DIRECTORY, Domain, Living, Object, Space, Stored, UserProfileRecord, key_in};
use super::{
    adversary, checks, domain, domain_create, in_use, invalid, not_found, page, required, seconds, tags, text,
};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::World;

/// Table of the ARN of the user profile that a user of Identity Center has, by user name in lower case.
const SSO_USERS: &str = "studio/sso-user";
/// The first user of a domain's file system.
const FIRST_UID: u64 = 200_000;

impl Living for UserProfileRecord {
    const KIND: life::LifeKind = life::LifeKind::UserProfile;

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }

    fn gone(self, world: &mut World, _at: i64) {
        if let Some(user) = self.sso_user {
            world.remove(SSO_USERS, &user.to_ascii_lowercase());
        }
    }
}

/// The user profile `name` of a domain.
pub fn find(world: &World, domain: &str, name: &str) -> Result<UserProfileRecord, Refusal> {
    let profile = world.get(UserProfileRecord::TABLE, &key_in(domain, name));
    profile.ok_or_else(|| not_found(format!("UserProfile [{name}] of Domain [{domain}] does not exist.")))
}

/// A user of the file system that nobody has been before: a profile that is made again does not find its old files.
pub fn new_uid(world: &mut World) -> u64 {
    FIRST_UID + world.number()
}

/// Answers `CreateUserProfile`, which a domain takes only once it is in service.
pub fn create(world: &mut World, input: &Json) -> Answer {
    let domain = domain::usable(world, required(input, "DomainId"))?;
    let name = required(input, "UserProfileName");
    let tags = tags::read(input)?;
    let sso_user = sso_user(world, &domain, input)?;
    if world.has(UserProfileRecord::TABLE, &key_in(&domain.id, name)) {
        return Err(in_use(format!("UserProfile with name [{name}] already exists in Domain [{}].", domain.id)));
    }
    within_quota(world)?;
    let sent = input.get("UserSettings").and_then(Json::as_object).cloned().unwrap_or_default();
    for (name, value) in &sent {
        checks::nothing_empty(&format!("UserSettings.{name}"), value)?;
    }
    let mut settings = sent;
    merge::clear(&mut settings);
    check(world, &domain, &settings)?;

    let mut profile = UserProfileRecord {
        domain: domain.id,
        name: name.to_owned(),
        uid: new_uid(world),
        sso_user,
        settings,
        life: Life::new(world, tags),
    };
    life::begin(world, &mut profile, &life::CREATE_USER_PROFILE, None);
    world.put(UserProfileRecord::TABLE, &profile.key(), &profile);
    let arn = profile.arn(world);
    if let Some(user) = &profile.sso_user {
        world.put(SSO_USERS, &user.to_ascii_lowercase(), &arn);
    }
    Ok(json!({"UserProfileArn": arn}))
}

/// Refuses one profile more than the account may have. Nothing public says how many that are, so that there is no end to
/// them unless fault `quota` says one. The words are those of the quota of domains.
fn within_quota(world: &World) -> Result<(), Refusal> {
    let Some(limit) = StudioFaults::of(world).quota("user-profiles") else { return Ok(()) };
    match world.list::<UserProfileRecord>(UserProfileRecord::TABLE, "").len() {
        used if used >= limit => Err(exceeded("Total user profiles", "UserProfiles", limit, used)),
        _ => Ok(()),
    }
}

/// The Identity Center user of a new profile. The API model: both members are required in `SSO` mode and forbidden in
/// `IAM` mode, and the value is a user of the directory; the developer guide: one user is not in two domains of a
/// region.
fn sso_user(world: &World, domain: &Domain, input: &Json) -> Result<Option<String>, Refusal> {
    let members = (text(input, "SingleSignOnUserIdentifier"), text(input, "SingleSignOnUserValue"));
    let user = match (domain.auth_mode.as_str(), members) {
        ("SSO", (Some(_), Some(user))) => user,
        ("SSO", _) => {
            return Err(invalid(
                "SingleSignOnUserIdentifier and SingleSignOnUserValue are required for domains with AuthMode SSO.",
            ));
        }
        (_, (None, None)) => return Ok(None),
        _ => {
            return Err(invalid(
                "SingleSignOnUserIdentifier and SingleSignOnUserValue cannot be specified for domains with AuthMode IAM.",
            ));
        }
    };
    let directory: Option<Vec<String>> = world.get("meta", DIRECTORY);
    if directory.is_some_and(|directory| !directory.iter().any(|known| known == user)) {
        return Err(invalid(format!("SingleSignOnUserValue [{user}] is not a user of the directory.")));
    }
    match world.get::<String>(SSO_USERS, &user.to_ascii_lowercase()) {
        Some(holder) => {
            Err(in_use(format!("SingleSignOnUserValue [{user}] is already associated with UserProfile [{holder}].")))
        }
        None => Ok(Some(user.to_owned())),
    }
}

/// Refuses settings that name what does not exist, or that do not go with the domain's.
fn check(world: &World, domain: &Domain, settings: &Object) -> Result<(), Refusal> {
    let own = Json::Object(settings.clone());
    let defaults = domain.setting(&["DefaultUserSettings"]);
    checks::apps(settings)?;
    checks::user_settings(&merge::layered(defaults, Some(&own)))?;
    checks::group_count([defaults, Some(&own)])?;
    checks::references(world, &own, domain.text(&["VpcId"]).filter(|_| domain_create::is_private(domain)))
}

/// Answers `UpdateUserProfile`, which merges the request into the settings.
pub fn update(world: &mut World, input: &Json) -> Answer {
    let domain_id = required(input, "DomainId");
    let mut profile = find(world, domain_id, required(input, "UserProfileName"))?;
    let arn = profile.arn(world);
    if !matches!(profile.life.status, Status::InService | Status::UpdateFailed) {
        let message = format!("Unable to update UserProfile [{arn}] because it is {}.", profile.life.status.name());
        return Err(if profile.life.status.is_busy() { in_use(message) } else { invalid(message) });
    }
    let domain = domain::usable(world, domain_id)?;
    let mut settings = profile.settings.clone();
    if let Some(change) = input.get("UserSettings") {
        checks::nothing_empty("UserSettings", change)?;
        let depth = if StudioFaults::of(world).merges_shallowly() { Depth::Shallow } else { Depth::Deep };
        change.as_object().into_iter().for_each(|change| merge::merge(&mut settings, change, depth));
    }
    check(world, &domain, &settings)?;
    let modified = profile.life.modified;
    if life::begin(world, &mut profile, &life::UPDATE_USER_PROFILE, None) {
        profile.settings = settings;
    }
    if !StudioFaults::of(world).updates_move_times() {
        profile.life.modified = modified;
    }
    world.put(UserProfileRecord::TABLE, &profile.key(), &profile);
    Ok(json!({"UserProfileArn": arn}))
}

/// Notes that something about a profile changed beside its settings, where AWS takes that for a change of the profile.
pub fn touch(world: &mut World, domain: &str, name: &str) {
    if let Ok(mut profile) = find(world, domain, name) {
        profile.life.modified = world.now();
        world.put(UserProfileRecord::TABLE, &profile.key(), &profile);
    }
}

/// Answers `DescribeUserProfile`, without the defaults of its domain.
pub fn describe(world: &World, input: &Json) -> Answer {
    let profile = find(world, required(input, "DomainId"), required(input, "UserProfileName"))?;
    let mut answer = summary(&profile);
    answer.insert("UserProfileArn".into(), profile.arn(world).into());
    answer.insert("HomeEfsFileSystemUid".into(), profile.uid.to_string().into());
    if let Some(reason) = profile.life.failure {
        answer.insert("FailureReason".into(), reason.into());
    }
    if let Some(user) = profile.sso_user {
        answer.insert("SingleSignOnUserIdentifier".into(), "UserName".into());
        answer.insert("SingleSignOnUserValue".into(), user.into());
    }
    if !profile.settings.is_empty() {
        answer.insert("UserSettings".into(), Json::Object(profile.settings));
    }
    adversary::dress_profile(world, &mut answer);
    Ok(Json::Object(answer))
}

fn summary(profile: &UserProfileRecord) -> Object {
    Object::from_iter([
        ("DomainId".into(), profile.domain.clone().into()),
        ("UserProfileName".into(), profile.name.clone().into()),
        ("Status".into(), profile.life.status.name().into()),
        ("CreationTime".into(), seconds(profile.life.created)),
        ("LastModifiedTime".into(), seconds(profile.life.modified)),
    ])
}

/// Answers `ListUserProfiles`, with the filters and orders that the API has.
pub fn list(world: &World, input: &Json) -> Answer {
    let prefix = text(input, "DomainIdEquals").map(|domain| format!("{domain}/")).unwrap_or_default();
    let part = text(input, "UserProfileNameContains").unwrap_or_default();
    let by_change = text(input, "SortBy") == Some("LastModifiedTime");
    let profiles = world.list::<UserProfileRecord>(UserProfileRecord::TABLE, &prefix).into_iter();
    let in_seconds = StudioFaults::of(world).lists_in_seconds();
    let rows = profiles.filter(|(_, profile)| profile.name.contains(part)).map(|(key, mut profile)| {
        if in_seconds {
            profile.life.created -= profile.life.created.rem_euclid(1000);
            profile.life.modified -= profile.life.modified.rem_euclid(1000);
        }
        let moment = if by_change { profile.life.modified } else { profile.life.created };
        (page::by_time(moment, &key), Json::Object(summary(&profile)))
    });
    page::page(input, rows.collect(), "UserProfiles", false)
}

/// `DeleteUserProfile`: its apps and its spaces have to go first, and the text says which. Apps that failed do not count.
///
/// Who measured it says that the service refuses "while any space is still attached"; that a space which the user owns
/// and shares is one of them is a guess.
pub fn delete(world: &mut World, input: &Json) -> Answer {
    let mut profile = find(world, required(input, "DomainId"), required(input, "UserProfileName"))?;
    let arn = profile.arn(world);
    let unable = |why: &str| in_use(format!("Unable to delete UserProfile [{arn}] because {why}"));
    if profile.life.status.is_busy() {
        return Err(unable(&format!("it is {}.", profile.life.status.name())));
    }
    let apps = AppOwner::UserProfile(profile.name.clone()).prefix(&profile.domain);
    if world.list::<App>(App::TABLE, &apps).iter().any(|(_, app)| app.is_live()) {
        return Err(unable("App(s) are associated with it."));
    }
    let inside = format!("{}/", profile.domain);
    let owned = |space: &Space| space.owner.as_ref().is_some_and(|owner| owner.eq_ignore_ascii_case(&profile.name));
    if world.list::<Space>(Space::TABLE, &inside).iter().any(|(_, space)| owned(space)) {
        return Err(unable("Space(s) are associated with it."));
    }
    life::begin(world, &mut profile, &life::DELETE_USER_PROFILE, None);
    world.put(UserProfileRecord::TABLE, &profile.key(), &profile);
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    fn named(domain: &str, name: &str) -> Json {
        json!({"DomainId": domain, "UserProfileName": name})
    }

    #[test]
    fn sso_members_go_with_the_mode() {
        let both = json!({"SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": "ann@example.com"});
        let wrong = json!({"SingleSignOnUserIdentifier": "Email", "SingleSignOnUserValue": "ann@example.com"});
        let stranger = json!({"SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": "eve@example.com"});
        let half = json!({"SingleSignOnUserValue": "ann@example.com"});
        let cases = [
            ("SSO", &both, true),
            ("SSO", &half, false),
            ("SSO", &wrong, false),
            ("SSO", &stranger, false),
            ("SSO", &json!({}), false),
            ("IAM", &both, false),
            ("IAM", &half, false),
            ("IAM", &json!({}), true),
        ];
        for (mode, members, passes) in cases {
            let mut account = TestAccount::new();
            account.world.put("meta", DIRECTORY, &["ann@example.com"]);
            let domain = account.in_service(json!({"AuthMode": mode}));
            let mut request = named(&domain, "ann");
            request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let code = account.call("CreateUserProfile", request).err().map(|refusal| refusal.code);
            assert_eq!(code, (!passes).then(|| "ValidationException".into()), "{mode} {members}");
        }
    }

    #[test]
    fn one_person_is_in_one_domain() {
        let mut account = TestAccount::new();
        let user = json!({"SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": "ann@example.com"});
        let one = account.in_service(json!({"AuthMode": "SSO"}));
        let two = account.in_service(json!({"AuthMode": "SSO", "DomainName": "other"}));
        account.profile(&one, "ann", user.clone());
        let mut request = named(&two, "ann");
        request.as_object_mut().unwrap().extend(user.as_object().unwrap().clone());
        assert_eq!(account.refused("CreateUserProfile", request).code, "ResourceInUse");
        let described = account.ok("DescribeUserProfile", named(&one, "ann"));
        assert_eq!(described["SingleSignOnUserValue"], "ann@example.com");
        account.ok("DeleteUserProfile", named(&one, "ann"));
        account.world.advance(10_000);
        account.profile(&two, "ann", user);
    }

    #[test]
    fn names_differ_by_more_than_case() {
        let mut account = TestAccount::new();
        let domain = account.domain(json!({}));
        assert_eq!(account.refused("CreateUserProfile", named(&domain, "Ann")).code, "ResourceInUse");
        account.world.advance(150_000);
        account.ok("CreateUserProfile", named(&domain, "Ann"));
        assert_eq!(account.refused("CreateUserProfile", named(&domain, "aNN")).code, "ResourceInUse");
        let described = account.ok("DescribeUserProfile", named(&domain, "ann"));
        assert_eq!((&described["UserProfileName"], &described["Status"]), (&json!("Ann"), &json!("Pending")));
        for name in ["first_last", "john.", "_x", ""] {
            assert_eq!(
                account.refused("CreateUserProfile", named(&domain, name)).code,
                "ValidationException",
                "{name}"
            );
        }
        assert_eq!(account.refused("CreateUserProfile", named("d-none", "x")).code, "ResourceNotFound");
    }

    #[test]
    fn a_profile_made_again_has_another_home() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        let mut uids = Vec::new();
        for _ in 0..2 {
            account.profile(&domain, "ann", json!({}));
            uids.push(account.ok("DescribeUserProfile", named(&domain, "ann"))["HomeEfsFileSystemUid"].clone());
            account.ok("DeleteUserProfile", named(&domain, "ann"));
            assert_eq!(account.ok("DescribeUserProfile", named(&domain, "ann"))["Status"], "Deleting");
            account.world.advance(10_000);
            assert_eq!(account.refused("DescribeUserProfile", named(&domain, "ann")).code, "ResourceNotFound");
        }
        assert_ne!(uids[0], uids[1]);
    }

    #[test]
    fn settings_lie_on_top_of_the_domains() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({"DefaultUserSettings":
            {"DefaultLandingUri": "app:JupyterServer:", "SecurityGroups": ["sg-1", "sg-2"]}}));
        let cases = [
            (json!({"StudioWebPortal": "DISABLED"}), true),
            (json!({"StudioWebPortal": "DISABLED", "DefaultLandingUri": "studio::"}), false),
            (json!({"SecurityGroups": ["sg-2", "sg-3", "sg-4"]}), true),
            (json!({"SecurityGroups": ["sg-9"]}), false),
            (json!({"AutoMountHomeEFS": "DefaultAsDomain"}), true),
            (json!({"SharingSettings": {}}), false),
            (json!({}), true),
        ];
        for (index, (settings, passes)) in cases.into_iter().enumerate() {
            let mut request = named(&domain, &format!("user{index}"));
            request["UserSettings"] = settings.clone();
            assert_eq!(account.call("CreateUserProfile", request).is_ok(), passes, "{settings}");
        }
    }

    #[test]
    fn an_update_merges_and_may_fail() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        account.profile(
            &domain,
            "ann",
            json!({"UserSettings": {"SecurityGroups": ["sg-2"], "AutoMountHomeEFS": "Enabled"}}),
        );
        let mut request = named(&domain, "ann");
        request["UserSettings"] = json!({"SecurityGroups": []});
        account.world.put("meta", "faults", &json!({"fail": {"UpdateUserProfile": "busy"}}));
        for (status, settings) in [
            ("Update_Failed", json!({"SecurityGroups": ["sg-2"], "AutoMountHomeEFS": "Enabled"})),
            ("InService", json!({"SecurityGroups": [], "AutoMountHomeEFS": "Enabled"})),
        ] {
            account.ok("UpdateUserProfile", request.clone());
            assert_eq!(account.refused("UpdateUserProfile", request.clone()).code, "ResourceInUse");
            account.world.advance(8_000);
            let described = account.ok("DescribeUserProfile", named(&domain, "ann"));
            assert_eq!((&described["Status"], &described["UserSettings"]), (&json!(status), &settings));
        }
    }

    #[test]
    fn apps_and_private_spaces_hold_a_profile() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        account.profile(&domain, "ann", json!({}));
        account.app(&domain, "ann");
        let arn = format!("arn:aws:sagemaker:us-east-1:123456789012:user-profile/{domain}/ann");
        let refusal = account.refused("DeleteUserProfile", named(&domain, "ann"));
        let expected =
            format!("ResourceInUse: Unable to delete UserProfile [{arn}] because App(s) are associated with it.");
        assert_eq!(refusal.to_string(), expected);
        account.ok("DeleteApp", TestAccount::app_request(&domain, "ann", json!({})));
        account.world.advance(45_000);
        account.ok(
            "CreateSpace",
            json!({"DomainId": domain, "SpaceName": "hers", "OwnershipSettings": {"OwnerUserProfileName": "ann"},
                "SpaceSharingSettings": {"SharingType": "Private"}}),
        );
        account.world.advance(5_000);
        let refusal = account.refused("DeleteUserProfile", named(&domain, "ann"));
        assert_eq!(
            refusal.message,
            format!("Unable to delete UserProfile [{arn}] because Space(s) are associated with it.")
        );
        account.ok("DeleteSpace", json!({"DomainId": domain, "SpaceName": "hers"}));
        account.world.advance(10_000);
        account.ok("DeleteUserProfile", named(&domain, "ann"));
    }

    #[test]
    fn profiles_are_listed() {
        let mut account = TestAccount::new();
        let one = account.in_service(json!({}));
        let two = account.in_service(json!({"DomainName": "other"}));
        for (domain, name) in [(&one, "zoe"), (&one, "ann"), (&two, "bob")] {
            account.profile(domain, name, json!({}));
        }
        let cases = [
            (json!({}), vec!["zoe", "ann", "bob"]),
            (json!({"DomainIdEquals": one}), vec!["zoe", "ann"]),
            (json!({"DomainIdEquals": one, "SortOrder": "Descending"}), vec!["ann", "zoe"]),
            (json!({"UserProfileNameContains": "o"}), vec!["zoe", "bob"]),
        ];
        for (request, expected) in cases {
            let answer = account.ok("ListUserProfiles", request.clone());
            let profiles = answer["UserProfiles"].as_array().unwrap().iter();
            let names: Vec<_> = profiles.map(|profile| profile["UserProfileName"].as_str().unwrap()).collect();
            assert_eq!(names, expected, "{request}");
        }
    }
}
