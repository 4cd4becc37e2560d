//! Apps: what users start in a profile or a space, and what stands in the way of nearly everything else.

use serde_json::{Value as Json, json};

use super::faults::StudioFaults;
use super::life::{self, Course, Life, NextStatus, Status, Then};
use super::records::{App, AppOwner, Domain, Living, Object, Space, Stored, UserProfileRecord};
use super::user_profile;
use super::{checks, domain, in_use, invalid, merge, not_found, page, required, seconds, space, tags, text, trust};
use crate::core::wire::{Answer, Refusal};
use crate::core::world::World;

/// Time for which an app that is over stays listed, in virtual milliseconds: the API model of `DescribeApp` says 24
/// hours.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

impl Living for App {
    const KIND: life::LifeKind = life::LifeKind::App;

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }

    fn reached(&mut self, world: &mut World, at: i64) {
        if !self.is_live() {
            life::schedule(world, self, NextStatus { at: at + REMEMBERED, then: Then::Vanish, failure: None });
        }
    }
}

/// The owner of the app that a request is about. The API model: one of the two members, and not both.
fn owner(input: &Json) -> Result<AppOwner, Refusal> {
    match (text(input, "UserProfileName"), text(input, "SpaceName")) {
        (Some(profile), None) => Ok(AppOwner::UserProfile(profile.to_owned())),
        (None, Some(space)) => Ok(AppOwner::Space(space.to_owned())),
        _ => Err(invalid("Exactly one of UserProfileName and SpaceName must be specified.")),
    }
}

fn key(input: &Json) -> Result<String, Refusal> {
    let prefix = owner(input)?.prefix(required(input, "DomainId"));
    Ok(format!("{prefix}{}/{}", required(input, "AppType"), required(input, "AppName").to_ascii_lowercase()))
}

fn find(world: &World, input: &Json) -> Result<App, Refusal> {
    let app = world.get(App::TABLE, &key(input)?);
    app.ok_or_else(|| not_found(format!("App [{}] does not exist.", required(input, "AppName"))))
}

/// Settings that an app inherits from: its space, its user's profile, and the domain's defaults for users or for shared
/// spaces.
struct Surroundings {
    domain: Domain,
    profile: Option<UserProfileRecord>,
    space: Option<Space>,
}

impl Surroundings {
    fn of(world: &World, domain: Domain, owner: &AppOwner) -> Result<Self, Refusal> {
        let ready = |kind: &str, name: &str, status: Status| match status {
            Status::InService => Ok(()),
            _ => Err(invalid(format!("{kind} [{name}] is not InService."))),
        };
        match owner {
            AppOwner::UserProfile(name) => {
                let profile = user_profile::find(world, &domain.id, name)?;
                ready("UserProfile", name, profile.life.status)?;
                Ok(Self { domain, profile: Some(profile), space: None })
            }
            AppOwner::Space(name) => {
                let space = space::find(world, &domain.id, name)?;
                ready("Space", name, space.life.status)?;
                let private = space.owner.as_deref().filter(|_| space.sharing.as_deref() == Some("Private"));
                let profile = private.map(|owner| user_profile::find(world, &domain.id, owner)).transpose()?;
                Ok(Self { domain, profile, space: Some(space) })
            }
        }
    }

    /// All settings at once, the nearest on top.
    fn settings(&self) -> Object {
        let shared = self.profile.is_none();
        let defaults = if shared { "DefaultSpaceSettings" } else { "DefaultUserSettings" };
        let profile = self.profile.as_ref().map(|profile| Json::Object(profile.settings.clone()));
        let space = self.space.as_ref().map(|space| Json::Object(space.settings.clone()));
        let personal = merge::layered(self.domain.setting(&[defaults]), profile.as_ref());
        merge::layered(Some(&Json::Object(personal)), space.as_ref())
    }
}

/// The member of the settings that is about apps of a type.
fn settings_name(app_type: &str) -> String {
    match app_type {
        "RSessionGateway" => "RSessionAppSettings".into(),
        other => format!("{other}AppSettings"),
    }
}

/// Answers `CreateApp`: an app that something stands in the way of is accepted, and fails later.
pub fn create(world: &mut World, input: &Json) -> Answer {
    let domain = domain::usable(world, required(input, "DomainId"))?;
    let owner = owner(input)?;
    let mut tags = tags::read(input)?;
    let surroundings = Surroundings::of(world, domain, &owner)?;
    let settings = surroundings.settings();
    let app_type = required(input, "AppType");
    let of_type = settings.get(&settings_name(app_type));
    let spec =
        merge::layered(of_type.and_then(|of_type| of_type.get("DefaultResourceSpec")), input.get("ResourceSpec"));
    if app_type == "KernelGateway" && !spec.contains_key("InstanceType") {
        return Err(invalid("InstanceType must be specified for a KernelGateway app, for its user or for its domain."));
    }
    if let Some(arn) = spec.get("LifecycleConfigArn").and_then(Json::as_str) {
        checks::lifecycle_config(world, arn)?;
    }
    let built_in = of_type.and_then(|of_type| text(of_type, "BuiltInLifecycleConfigArn")).map(ToOwned::to_owned);
    let doom = obstacle(world, &surroundings, &settings, of_type, &spec);
    // The API model: an app has the tags of the domain and the user profile that launch it.
    let inherited = surroundings.profile.iter().flat_map(|profile| profile.life.tags.clone());
    for (tag, value) in inherited.chain(surroundings.domain.life.tags.clone()) {
        tags.entry(tag).or_insert(value);
    }

    let mut app = App {
        domain: surroundings.domain.id,
        owner,
        app_type: app_type.to_owned(),
        name: required(input, "AppName").to_owned(),
        resource_spec: spec,
        built_in,
        recovery_mode: input.get("RecoveryMode").and_then(Json::as_bool),
        life: Life::new(world, tags),
    };
    let arn = app.arn(world);
    if world.get::<App>(App::TABLE, &app.key()).is_some_and(|old| old.is_live()) {
        return Err(in_use(format!("App [{arn}] already exists.")));
    }
    life::begin(world, &mut app, &life::CREATE_APP, doom);
    world.put(App::TABLE, &app.key(), &app);
    if let Some(profile) = surroundings.profile.filter(|_| StudioFaults::of(world).apps_move_times()) {
        user_profile::touch(world, &profile.domain, &profile.name);
    }
    Ok(json!({"AppArn": arn}))
}

/// The reason why an app that AWS accepts will not start.
///
/// A lifecycle configuration has to be in the list as well as in the resource specification:
/// cloudformation-coverage-roadmap issue 1568. Passing the user's name on as source identity needs the role's leave: the
/// developer guide's page on monitoring user access.
fn obstacle(
    world: &World,
    surroundings: &Surroundings,
    settings: &Object,
    of_type: Option<&Json>,
    spec: &Object,
) -> Option<String> {
    let attached = of_type.and_then(|of_type| of_type.get("LifecycleConfigArns"));
    if let Some(arn) = spec.get("LifecycleConfigArn").and_then(Json::as_str)
        && !attached.map(checks::texts).into_iter().flatten().any(|attached| attached == arn)
    {
        return Some(format!("StudioLifecycleConfig [{arn}] is not attached to the user profile or the domain."));
    }
    let identity = surroundings.domain.text(&["DomainSettings", "ExecutionRoleIdentityConfig"]);
    let role = settings.get("ExecutionRole").and_then(Json::as_str)?;
    if identity == Some("USER_PROFILE_NAME") && !trust::allows(world, role, "sts:SetSourceIdentity") {
        return Some(format!("The trust policy of [{role}] does not allow sts:SetSourceIdentity."));
    }
    None
}

/// Answers `DescribeApp`, for a day after the app is over too.
pub fn describe(world: &World, input: &Json) -> Answer {
    let app = find(world, input)?;
    let mut answer = summary(&app);
    answer.insert("AppArn".into(), app.arn(world).into());
    let optional = [
        ("FailureReason", app.life.failure.map(Json::from)),
        ("BuiltInLifecycleConfigArn", app.built_in.map(Json::from)),
        ("RecoveryMode", app.recovery_mode.map(Json::from)),
    ];
    answer.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Ok(Json::Object(answer))
}

fn summary(app: &App) -> Object {
    let (member, owner) = app.owner.member();
    let mut summary = Object::from_iter([
        ("DomainId".into(), app.domain.clone().into()),
        (member.into(), owner.into()),
        ("AppType".into(), app.app_type.clone().into()),
        ("AppName".into(), app.name.clone().into()),
        ("Status".into(), app.life.status.name().into()),
        ("CreationTime".into(), seconds(app.life.created)),
    ]);
    if !app.resource_spec.is_empty() {
        summary.insert("ResourceSpec".into(), Json::Object(app.resource_spec.clone()));
    }
    summary
}

/// `ListApps`, those that are over for less than a day included.
pub fn list(world: &World, input: &Json) -> Answer {
    let profile = text(input, "UserProfileNameEquals");
    let space = text(input, "SpaceNameEquals");
    if profile.is_some() && space.is_some() {
        return Err(invalid("UserProfileNameEquals and SpaceNameEquals cannot be set together."));
    }
    let prefix = text(input, "DomainIdEquals").map(|domain| format!("{domain}/")).unwrap_or_default();
    let wanted = |app: &App| {
        let is = |name: &str, wanted: Option<&str>| wanted.is_none_or(|wanted| name.eq_ignore_ascii_case(wanted));
        match &app.owner {
            AppOwner::UserProfile(name) => space.is_none() && is(name, profile),
            AppOwner::Space(name) => profile.is_none() && is(name, space),
        }
    };
    let apps = world.list::<App>(App::TABLE, &prefix).into_iter();
    let rows = apps
        .filter(|(_, app)| wanted(app))
        .map(|(key, app)| (page::by_time(app.life.created, &key), Json::Object(summary(&app))));
    page::page(input, rows.collect(), "Apps", false)
}

/// `DeleteApp`. The texts for apps that are over are those that terraform-provider-aws looks for.
pub fn delete(world: &mut World, input: &Json) -> Answer {
    let mut app = find(world, input)?;
    let arn = app.arn(world);
    match app.life.status {
        Status::Deleted => return Err(invalid(format!("App [{arn}] has already been deleted."))),
        Status::Failed => {
            return Err(invalid(format!("App [{arn}] previously failed and was automatically deleted.")));
        }
        Status::InService => {}
        busy => return Err(in_use(format!("Unable to delete App [{arn}] because it is {}.", busy.name()))),
    }
    let slow = StudioFaults::of(world).app_deletion();
    let lasts = slow.map_or(life::DELETE_APP.lasts, |seconds| seconds * 1000);
    life::begin(world, &mut app, &Course { lasts, ..life::DELETE_APP }, None);
    world.put(App::TABLE, &app.key(), &app);
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    #[test]
    fn an_app_stays_listed_for_a_day() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        account.profile(&domain, "ann", json!({}));
        let app = TestAccount::app_request(&domain, "ann", json!({}));
        account.ok("CreateApp", app.clone());
        let steps = [
            (0, "Pending", Some("ResourceInUse")),
            (150_000, "InService", None),
            (0, "Deleting", Some("ResourceInUse")),
            (45_000, "Deleted", Some("ValidationException")),
            (REMEMBERED - 1, "Deleted", Some("ValidationException")),
        ];
        for (milliseconds, status, refusal) in steps {
            account.world.advance(milliseconds);
            assert_eq!(account.ok("DescribeApp", app.clone())["Status"], status);
            let listed = account.ok("ListApps", json!({"DomainIdEquals": domain}));
            assert_eq!(listed["Apps"][0]["Status"], status);
            assert_eq!(account.call("DeleteApp", app.clone()).err().map(|refusal| refusal.code).as_deref(), refusal);
        }
        account.world.advance(1);
        assert_eq!(account.refused("DescribeApp", app).code, "ResourceNotFound");
        assert_eq!(account.ok("ListApps", json!({})), json!({"Apps": []}));
    }

    #[test]
    fn an_app_started_again_is_not_forgotten_with_the_old_one() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        account.profile(&domain, "ann", json!({}));
        let app = TestAccount::app_request(&domain, "ann", json!({}));
        account.app(&domain, "ann");
        account.ok("DeleteApp", app.clone());
        account.world.advance(45_000);
        account.app(&domain, "ann");
        assert_eq!(account.refused("CreateApp", app.clone()).code, "ResourceInUse");
        // A moment before the old one is forgotten, the new one begins to stop: it stops in its own time.
        account.world.advance(REMEMBERED - 150_000 - 1);
        account.ok("DeleteApp", app.clone());
        account.world.advance(1);
        assert_eq!(account.ok("DescribeApp", app.clone())["Status"], "Deleting");
        account.world.advance(45_000);
        assert_eq!(account.ok("DescribeApp", app)["Status"], "Deleted");
    }

    #[test]
    fn what_create_refuses() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        account.profile(&domain, "ann", json!({}));
        let missing = "arn:aws:sagemaker:us-east-1:123456789012:studio-lifecycle-config/none";
        let cases = [
            (json!({"SpaceName": "x"}), "ValidationException"),
            (json!({"UserProfileName": null}), "ValidationException"),
            (json!({"UserProfileName": "bob"}), "ResourceNotFound"),
            (json!({"UserProfileName": null, "SpaceName": "x"}), "ResourceNotFound"),
            (json!({"AppType": "KernelGateway"}), "ValidationException"),
            (json!({"ResourceSpec": {"LifecycleConfigArn": missing}}), "ValidationException"),
            (json!({"AppType": "Word"}), "ValidationException"),
        ];
        for (more, code) in cases {
            let request = TestAccount::app_request(&domain, "ann", more.clone());
            assert_eq!(account.refused("CreateApp", request).code, code, "{more}");
        }
    }

    #[test]
    fn a_lifecycle_config_must_be_attached() {
        for (attached, status) in [(true, "InService"), (false, "Failed")] {
            let mut account = TestAccount::new();
            let arn = account.lifecycle_config("setup");
            let list = if attached { json!([arn]) } else { json!([]) };
            let domain = account.in_service(json!({"DefaultUserSettings": {"JupyterLabAppSettings":
                {"LifecycleConfigArns": list, "DefaultResourceSpec": {"LifecycleConfigArn": arn}}}}));
            account.profile(&domain, "ann", json!({}));
            account.app(&domain, "ann");
            let app = TestAccount::app_request(&domain, "ann", json!({}));
            let described = account.ok("DescribeApp", app.clone());
            assert_eq!(
                (&described["Status"], &described["ResourceSpec"]["LifecycleConfigArn"]),
                (&json!(status), &json!(arn))
            );
            if !attached {
                let refusal = account.refused("DeleteApp", app);
                assert!(refusal.message.ends_with("previously failed and was automatically deleted."), "{refusal}");
            }
        }
    }

    #[test]
    fn source_identity_needs_the_roles_leave() {
        for (actions, status) in
            [(vec!["sts:AssumeRole", "sts:SetSourceIdentity"], "InService"), (vec!["sts:AssumeRole"], "Failed")]
        {
            let mut account = TestAccount::new();
            let role = account.role_with_trust("narrow", 0, &actions);
            let domain = account.in_service(json!({
                "DefaultUserSettings": {"ExecutionRole": role},
                "DomainSettings": {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"},
            }));
            account.profile(&domain, "ann", json!({}));
            account.app(&domain, "ann");
            let described = account.ok("DescribeApp", TestAccount::app_request(&domain, "ann", json!({})));
            assert_eq!(described["Status"], status);
        }
    }

    #[test]
    fn apps_inherit_what_they_run_on_and_their_tags() {
        let mut account = TestAccount::new();
        let gateway = |spec: Json| json!({"KernelGatewayAppSettings": {"DefaultResourceSpec": spec}});
        let domain = account.in_service(json!({
            "Tags": [{"Key": "team", "Value": "a"}, {"Key": "cost", "Value": "1"}],
            "DefaultUserSettings": gateway(json!({"InstanceType": "ml.t3.medium", "SageMakerImageVersionAlias": "1"})),
        }));
        account.profile(
            &domain,
            "ann",
            json!({
                "Tags": [{"Key": "cost", "Value": "2"}],
                "UserSettings": gateway(json!({"InstanceType": "ml.t3.large"})),
            }),
        );
        let app = TestAccount::app_request(&domain, "ann", json!({"AppType": "KernelGateway"}));
        let arn = account.ok("CreateApp", app.clone())["AppArn"].clone();
        assert_eq!(
            account.ok("DescribeApp", app)["ResourceSpec"],
            json!({"InstanceType": "ml.t3.large", "SageMakerImageVersionAlias": "1"})
        );
        assert_eq!(
            account.ok("ListTags", json!({"ResourceArn": arn}))["Tags"],
            json!([{"Key": "cost", "Value": "2"}, {"Key": "team", "Value": "a"}])
        );
    }

    #[test]
    fn stopping_can_be_slow_or_fail() {
        for (faults, after, status) in [
            (json!({"app-delete-slow": 1200}), 1_199_999, "Deleting"),
            (json!({"app-delete-slow": 1200}), 1_200_000, "Deleted"),
            (json!({"fail": {"DeleteApp": "stuck"}}), 45_000, "Failed"),
        ] {
            let mut account = TestAccount::new();
            account.world.put("meta", "faults", &faults);
            let domain = account.in_service(json!({}));
            account.profile(&domain, "ann", json!({}));
            account.app(&domain, "ann");
            let app = TestAccount::app_request(&domain, "ann", json!({}));
            account.ok("DeleteApp", app.clone());
            account.world.advance(after);
            assert_eq!(account.ok("DescribeApp", app)["Status"], status, "{faults}");
        }
    }
}
