//! Spaces: where apps of one user, or of several, keep their files.

use serde_json::{Value as Json, json};

use super::faults::StudioFaults;
use super::life::{self, Life, Status};
use super::merge::{self, Depth};
use super::records::{App, AppOwner, Living, Object, Space, Stored, key_in};
use super::{adversary, checks, domain, in_use, invalid, not_found, page, required, seconds, tags, text, user_profile};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::World;

impl Living for Space {
    const KIND: life::LifeKind = life::LifeKind::Space;

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }
}

/// The space `name` of a domain.
pub fn find(world: &World, domain: &str, name: &str) -> Result<Space, Refusal> {
    let space = world.get(Space::TABLE, &key_in(domain, name));
    space.ok_or_else(|| not_found(format!("Space [{name}] of Domain [{domain}] does not exist.")))
}

/// Answers `CreateSpace`, which takes an owner and a sharing type together or neither.
pub fn create(world: &mut World, input: &Json) -> Answer {
    let domain = domain::usable(world, required(input, "DomainId"))?;
    let name = required(input, "SpaceName");
    let tags = tags::read(input)?;
    let owner = input.get("OwnershipSettings").and_then(|owner| text(owner, "OwnerUserProfileName"));
    let sharing = input.get("SpaceSharingSettings").and_then(|sharing| text(sharing, "SharingType"));
    if owner.is_some() != sharing.is_some() {
        return Err(invalid("OwnershipSettings and SpaceSharingSettings must be specified together."));
    }
    if let Some(owner) = owner {
        let profile = user_profile::find(world, &domain.id, owner)?;
        if profile.life.status != Status::InService {
            return Err(invalid(format!("UserProfile [{owner}] is not InService.")));
        }
    }
    // The developer guide's page on making a space: shared ones take their settings from the domain's, which must be there.
    if sharing != Some("Private") && domain.setting(&["DefaultSpaceSettings"]).is_none() {
        return Err(invalid(format!(
            "DefaultSpaceSettings of Domain [{}] must be set to create a shared space.",
            domain.id
        )));
    }
    if world.has(Space::TABLE, &key_in(&domain.id, name)) {
        return Err(in_use(format!("Space with name [{name}] already exists in Domain [{}].", domain.id)));
    }
    let mut settings = Object::new();
    change(world, &mut settings, input, Depth::Deep)?;

    let mut space = Space {
        domain: domain.id,
        name: name.to_owned(),
        uid: user_profile::new_uid(world),
        owner: owner.map(ToOwned::to_owned),
        sharing: sharing.map(ToOwned::to_owned),
        display_name: text(input, "SpaceDisplayName").map(ToOwned::to_owned),
        settings,
        life: Life::new(world, tags),
    };
    life::begin(world, &mut space, &life::CREATE_SPACE, None);
    world.put(Space::TABLE, &space.key(), &space);
    Ok(json!({"SpaceArn": space.arn(world)}))
}

/// Changes settings by those of a request.
fn change(world: &World, settings: &mut Object, input: &Json, depth: Depth) -> Result<(), Refusal> {
    let Some(sent) = input.get("SpaceSettings") else { return Ok(()) };
    checks::nothing_empty("SpaceSettings", sent)?;
    sent.as_object().into_iter().for_each(|sent| merge::merge(settings, sent, depth));
    checks::apps(settings)?;
    checks::references(world, sent, None)
}

/// `UpdateSpace`. The API model: the app type cannot be edited.
pub fn update(world: &mut World, input: &Json) -> Answer {
    let mut space = find(world, required(input, "DomainId"), required(input, "SpaceName"))?;
    let arn = space.arn(world);
    if !matches!(space.life.status, Status::InService | Status::UpdateFailed) {
        let message = format!("Unable to update Space [{arn}] because it is {}.", space.life.status.name());
        return Err(if space.life.status.is_busy() { in_use(message) } else { invalid(message) });
    }
    let mut settings = space.settings.clone();
    let depth = if StudioFaults::of(world).merges_shallowly() { Depth::Shallow } else { Depth::Deep };
    change(world, &mut settings, input, depth)?;
    if settings.get("AppType") != space.settings.get("AppType") {
        return Err(invalid("The AppType of a space cannot be edited."));
    }
    if life::begin(world, &mut space, &life::UPDATE_SPACE, None) {
        space.settings = settings;
        if let Some(name) = text(input, "SpaceDisplayName") {
            space.display_name = Some(name.to_owned());
        }
    }
    world.put(Space::TABLE, &space.key(), &space);
    Ok(json!({"SpaceArn": arn}))
}

/// Answers `DescribeSpace`, without the settings of its domain.
pub fn describe(world: &World, input: &Json) -> Answer {
    let space = find(world, required(input, "DomainId"), required(input, "SpaceName"))?;
    let mut answer = summary(&space);
    answer.insert("SpaceArn".into(), space.arn(world).into());
    answer.insert("HomeEfsFileSystemUid".into(), space.uid.to_string().into());
    answer.insert("Url".into(), format!("{}/spaces/{}", domain::url(world, &space.domain), space.name).into());
    if let Some(reason) = &space.life.failure {
        answer.insert("FailureReason".into(), reason.clone().into());
    }
    answer.extend(belonging(&space, ""));
    if !space.settings.is_empty() {
        answer.insert("SpaceSettings".into(), Json::Object(space.settings));
    }
    adversary::dress_space(world, &mut answer);
    Ok(Json::Object(answer))
}

/// The members that say whose a space is and who may use it; a list calls them by longer names.
fn belonging(space: &Space, suffix: &str) -> Object {
    let owner = space.owner.as_ref().map(|owner| ("OwnershipSettings", json!({"OwnerUserProfileName": owner})));
    let sharing = space.sharing.as_ref().map(|sharing| ("SpaceSharingSettings", json!({"SharingType": sharing})));
    owner.into_iter().chain(sharing).map(|(name, value)| (format!("{name}{suffix}"), value)).collect()
}

fn summary(space: &Space) -> Object {
    let mut summary = Object::from_iter([
        ("DomainId".into(), space.domain.clone().into()),
        ("SpaceName".into(), space.name.clone().into()),
        ("Status".into(), space.life.status.name().into()),
        ("CreationTime".into(), seconds(space.life.created)),
        ("LastModifiedTime".into(), seconds(space.life.modified)),
    ]);
    if let Some(name) = &space.display_name {
        summary.insert("SpaceDisplayName".into(), name.clone().into());
    }
    summary
}

/// Answers `ListSpaces`, with the summaries that the API model has.
pub fn list(world: &World, input: &Json) -> Answer {
    let prefix = text(input, "DomainIdEquals").map(|domain| format!("{domain}/")).unwrap_or_default();
    let part = text(input, "SpaceNameContains").unwrap_or_default();
    let by_change = text(input, "SortBy") == Some("LastModifiedTime");
    let spaces = world.list::<Space>(Space::TABLE, &prefix).into_iter();
    let rows = spaces.filter(|(_, space)| space.name.contains(part)).map(|(key, space)| {
        let moment = if by_change { space.life.modified } else { space.life.created };
        let mut row = summary(&space);
        row.extend(belonging(&space, "Summary"));
        let shown = ["AppType", "RemoteAccess", "SpaceStorageSettings"];
        let settings: Object = space.settings.into_iter().filter(|(name, _)| shown.contains(&name.as_str())).collect();
        if !settings.is_empty() {
            row.insert("SpaceSettingsSummary".into(), Json::Object(settings));
        }
        (page::by_time(moment, &key), Json::Object(row))
    });
    page::page(input, rows.collect(), "Spaces", false)
}

/// `DeleteSpace`: its apps have to go first, those that failed aside.
pub fn delete(world: &mut World, input: &Json) -> Answer {
    let mut space = find(world, required(input, "DomainId"), required(input, "SpaceName"))?;
    let arn = space.arn(world);
    if space.life.status.is_busy() {
        return Err(in_use(format!("Unable to delete Space [{arn}] because it is {}.", space.life.status.name())));
    }
    let apps = AppOwner::Space(space.name.clone()).prefix(&space.domain);
    if world.list::<App>(App::TABLE, &apps).iter().any(|(_, app)| app.is_live()) {
        return Err(in_use(format!("Unable to delete Space [{arn}] because App(s) are associated with it.")));
    }
    life::begin(world, &mut space, &life::DELETE_SPACE, None);
    world.put(Space::TABLE, &space.key(), &space);
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    fn private(domain: &str, name: &str) -> Json {
        json!({"DomainId": domain, "SpaceName": name, "OwnershipSettings": {"OwnerUserProfileName": "ann"},
            "SpaceSharingSettings": {"SharingType": "Private"},
            "SpaceSettings": {"AppType": "JupyterLab", "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}}}})
    }

    #[test]
    fn what_create_refuses() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        account.profile(&domain, "ann", json!({}));
        account.ok("CreateSpace", private(&domain, "Taken"));
        let but = |name: &str, change: fn(&mut Json)| {
            let mut request = private(&domain, name);
            change(&mut request);
            request
        };
        let cases = [
            (but("taken", |_| {}), "ResourceInUse"),
            (but("new", |request| request["SpaceSharingSettings"] = Json::Null), "ValidationException"),
            (
                but("new", |request| request["OwnershipSettings"]["OwnerUserProfileName"] = json!("bob")),
                "ResourceNotFound",
            ),
            (
                but("new", |request| request["SpaceSharingSettings"]["SharingType"] = json!("Shared")),
                "ValidationException",
            ),
            (but("new", |request| request["SpaceDisplayName"] = json!(" ")), "ValidationException"),
            (but("new", |request| request["DomainId"] = json!("d-none")), "ResourceNotFound"),
        ];
        for (request, code) in cases {
            assert_eq!(account.refused("CreateSpace", request.clone()).code, code, "{request}");
        }
    }

    #[test]
    fn a_space_lives_and_dies() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({"DefaultSpaceSettings":
            {"ExecutionRole": account.role.clone(), "SecurityGroups": ["sg-1"]}}));
        account.profile(&domain, "ann", json!({}));
        account.ok("CreateSpace", private(&domain, "hers"));
        account.ok("CreateSpace", json!({"DomainId": domain, "SpaceName": "all"}));
        let named = json!({"DomainId": domain, "SpaceName": "hers"});
        assert_eq!(account.ok("DescribeSpace", named.clone())["Status"], "Pending");
        account.world.advance(5_000);
        let described = account.ok("DescribeSpace", named.clone());
        assert_eq!(described["Status"], "InService");
        assert_eq!(described["OwnershipSettings"], json!({"OwnerUserProfileName": "ann"}));
        assert_eq!(described["SpaceSharingSettings"], json!({"SharingType": "Private"}));
        let listed = account.ok("ListSpaces", json!({"DomainIdEquals": domain, "SpaceNameContains": "her"}));
        assert_eq!(
            listed["Spaces"][0]["SpaceSettingsSummary"],
            json!({"AppType": "JupyterLab", "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}}})
        );
        assert_eq!(listed["Spaces"][0]["OwnershipSettingsSummary"], json!({"OwnerUserProfileName": "ann"}));
        let update = |more: Json| json!({"DomainId": domain, "SpaceName": "hers", "SpaceSettings": more});
        assert_eq!(
            account.refused("UpdateSpace", update(json!({"AppType": "CodeEditor"}))).code,
            "ValidationException"
        );
        account.ok("UpdateSpace", update(json!({"RemoteAccess": "ENABLED"})));
        account.world.advance(5_000);
        assert_eq!(account.ok("DescribeSpace", named.clone())["SpaceSettings"]["AppType"], "JupyterLab");

        let app = json!({"DomainId": domain, "SpaceName": "hers", "AppType": "JupyterLab", "AppName": "default"});
        account.ok("CreateApp", app.clone());
        account.world.advance(150_000);
        assert!(
            account.refused("DeleteSpace", named.clone()).message.ends_with("because App(s) are associated with it.")
        );
        account.ok("DeleteApp", app);
        account.world.advance(45_000);
        account.ok("DeleteSpace", named.clone());
        assert_eq!(account.ok("DescribeSpace", named.clone())["Status"], "Deleting");
        account.world.advance(10_000);
        assert_eq!(account.refused("DescribeSpace", named).code, "ResourceNotFound");
    }
}
