//! User profiles: one a user.
//!
//! Identity: the profile's name within the domain, which AWS compares without case. Name and Identity Center user are
//! immutable. A profile that is made again gets a new, empty home directory on the file system, so removing one needs
//! consent; destroy says what stays behind.

mod observe;
mod unchanged;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sagemaker::types::AppDetails;
use futures_util::{StreamExt, TryStreamExt, stream};

use self::observe::{Profile, describe};
use self::unchanged::{address_of, by_name, unchanged};
use super::permissions::{CHANGE, Grant, LOOK, MAKE, SIGN_IN, Scope};
use super::studio::settings::{complete, couple_portal, same_setting, send_unset, setting_sources, unset_setting};
use super::studio::tags::{self, write_tags};
use super::studio::wait::{Begun, delete, wait_until_idle, wait_until_usable};
use super::{Desired, ObserveContext, Resource, app, bucket, domain, execution_policy, execution_role, kms_key};
use super::{ownership, required, settings_watch, space};
use crate::aws::error::failed;
use crate::aws::wait::{Usual, WaitPolicy};
use crate::aws::{Account, PAGE};
use crate::cloud::{CloudError, Deleted};
use crate::config::AuthMode;
use crate::hint::quoted;
use crate::model::{Address, Found, Kind, Node, Observed, Path, State, Text, Value};
use crate::plan::outline::{self, named};
use crate::plan::{Action, Change, DeletionPolicy, Effect, Outline, Removal, Retention, Rules, Unset, Watched};
use crate::send_document;

/// Number of profiles that are read at once.
const PARALLEL: usize = 8;

/// Verbs and rules of the kind `user_profile`.
#[derive(Debug)]
pub struct UserProfileResource;

/// The address of a user's profile.
pub fn address(user_id: &str) -> Address {
    Address::new(Kind::UserProfile, user_id)
}

impl Rules for UserProfileResource {
    fn outline(&self, node: &Node) -> Outline {
        let settings = node.properties.get("UserSettings");
        let role = settings.and_then(|settings| settings.get("ExecutionRole"));
        // What every profile has says nothing about this one.
        let own = settings.into_iter().flat_map(Value::entries);
        let own = own.filter(|(key, _)| !["ExecutionRole", "SharingSettings"].contains(&key.as_str()));
        let own = own.map(|(key, value)| match value {
            Value::Map(_) => key.clone(),
            value => format!(
                "{key} {}",
                outline::texts(value).into_iter().map(outline::referred).collect::<Vec<_>>().join(" ")
            ),
        });
        let own: Vec<String> = own.collect();
        Outline::default().fact("runs as", named(role)).fact("own settings", own.join(", "))
    }

    fn effect(&self, path: &Path, _before: Option<&Value>, _after: Option<&Value>) -> Effect {
        match path.0.first().map(String::as_str) {
            Some("UserProfileName" | "DomainId" | "SingleSignOnUserIdentifier" | "SingleSignOnUserValue") => {
                Effect::Immutable("cuts the user off from their home directory: a new profile starts with an empty one")
            }
            _ => Effect::InPlace,
        }
    }

    fn unset(&self, path: &Path, live: &Value) -> Unset {
        unset_setting(path, live)
    }

    fn same(&self, path: &Path, desired: &Value, live: &Value) -> bool {
        // Names are not case sensitive.
        if path.0.first().is_some_and(|key| key == "UserProfileName")
            && let (Some(desired), Some(live)) = (desired.as_str(), live.as_str())
        {
            return desired.eq_ignore_ascii_case(live);
        }
        same_setting(path, desired, live)
    }

    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        settings_watch::watch(observed, node, &["UserSettings"], self)
    }

    /// Users of Identity Center get a profile of their own when they sign in for the first time; every other one somebody made.
    fn stranger(&self, observed: &Observed) -> Option<Watched> {
        let text = |key: &str| observed.properties.text(key).unwrap_or_default();
        if !text("SingleSignOnUserValue").is_empty() {
            return None;
        }
        let why = "somebody made it by hand: whoever may open it works in the domain, with its files and its network; name \
                   the user in the config to keep it";
        let command = format!(
            "aws sagemaker delete-user-profile --domain-id {} --user-profile-name {}",
            quoted(text("DomainId")),
            quoted(&observed.id)
        );
        Some(Watched::by_hand(Path::default(), &Value::Null, why, command))
    }

    fn removal(&self, observed: &Observed, _retention: &Retention) -> Removal {
        let uid = observed.outputs.get("HomeEfsFileSystemUid").map_or("unknown", String::as_str);
        Removal::NeedsConsent {
            loses: format!(
                "{}'s home directory from sight: it stays on the file system under uid {uid}, but no new profile gets it",
                observed.id
            ),
        }
    }
}

#[async_trait(?Send)]
impl Resource for UserProfileResource {
    fn kind(&self) -> Kind {
        Kind::UserProfile
    }

    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let profiles = || [scope.in_domain("user-profile")];
        let mut grants = vec![
            Grant::anywhere(LOOK, &["sagemaker:ListUserProfiles"]),
            Grant::new(LOOK, &["sagemaker:DescribeUserProfile", "sagemaker:ListTags"], profiles()),
        ];
        grants.extend(scope.owned(&Grant::new(CHANGE, &["sagemaker:DeleteUserProfile"], profiles())));
        if scope.config.domain.auth_mode == AuthMode::Iam {
            grants.extend(scope.owned(&Grant::new(SIGN_IN, &["sagemaker:CreatePresignedDomainUrl"], profiles())));
        }
        if !scope.config.domain.user_profiles.is_empty() {
            grants.push(Grant::new(MAKE, &["sagemaker:CreateUserProfile"], profiles()).tagging_as_ours(scope));
            grants.push(Grant::new(MAKE, &["sagemaker:AddTags"], profiles()).tagging_as_ours(scope).when(
                "StringEquals",
                "sagemaker:TaggingAction",
                ["CreateUserProfile".to_owned()],
            ));
            let changes = ["sagemaker:UpdateUserProfile", "sagemaker:AddTags", "sagemaker:DeleteTags"];
            grants.extend(scope.owned(&Grant::new(MAKE, &changes, profiles())));
        }
        grants
    }

    fn observe_after_domain(&self) -> bool {
        true
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        let config = &desired.config.domain;
        let defaults = domain::user_settings(desired);
        let sharing = config.notebook_sharing_prefix.strip_prefix('/').unwrap_or(&config.notebook_sharing_prefix);
        config
            .user_profiles
            .iter()
            .map(|(user_id, profile)| {
                let address = address(user_id);
                let mut settings = complete(&profile.settings);
                if settings.get("ExecutionRole").is_none() {
                    settings.set("ExecutionRole", execution_role::arn(desired));
                }
                if settings.get("SharingSettings").is_none() {
                    let output = Text::literal("s3://").then(bucket::name(desired)).then(format!("/{sharing}"));
                    settings.set(
                        "SharingSettings",
                        Value::from_iter([
                            ("NotebookOutputOption", Value::from("Allowed")),
                            ("S3KmsKeyId", Value::Text(kms_key::arn(desired))),
                            ("S3OutputPath", Value::Text(output)),
                        ]),
                    );
                }
                let mut properties = Value::from_iter([
                    ("UserProfileName", Value::from(config.profile_name(user_id))),
                    ("DomainId", Value::Text(Text::output(domain::address(), "DomainId"))),
                    ("UserSettings", settings),
                ]);
                let mut user_tags = BTreeMap::new();
                match config.auth_mode {
                    AuthMode::Sso => {
                        properties.set("SingleSignOnUserIdentifier", "UserName");
                        properties.set("SingleSignOnUserValue", user_id.as_str());
                    }
                    // Lets administrators compare the profile with `aws:userid`, which is role id and session name.
                    AuthMode::Iam => {
                        let role = desired.roles.users.get(user_id);
                        user_tags.extend(role.map(|role| ("userid".to_owned(), format!("{role}:{user_id}"))));
                    }
                }
                // As in MDAA, a user tag wins over the profile's own.
                user_tags.extend(desired.tags.clone());
                properties.set("Tags", desired.tags_besides(&user_tags, &address));
                let mut node = Node::new(address, properties);
                // What a profile no longer says for itself is as the domain has it.
                node.fallback.set("UserSettings", defaults.clone());
                // Users must not launch apps before the role may.
                node.after.insert(execution_policy::address());
                let keys = ["domain", "userProfiles", user_id];
                node.sources.extend(desired.source(&keys).map(|source| (Path::default(), source)));
                let role = desired.source(&["domain", "userProfiles", user_id, "userRole"]);
                let said = ["id", "arn", "name"]
                    .into_iter()
                    .filter_map(|key| desired.source(&["domain", "userProfiles", user_id, "userRole", key]))
                    .find(|source| Some(source) != role.as_ref());
                let settings = |key: &str| Path::of(["UserSettings", key]);
                let places = [
                    (Path::of(["Tags"]), said.or(role)),
                    (settings("ExecutionRole"), desired.source(&["domain", "defaultExecutionRole"])),
                    (settings("SharingSettings"), desired.source(&["domain", "notebookSharingPrefix"])),
                ];
                node.sources.extend(places.into_iter().filter_map(|(path, source)| Some((path, source?))));
                let keys = ["domain", "userProfiles", user_id, "settings"];
                let own = Value::from(profile.settings.wire());
                node.sources.extend(setting_sources(desired, &own, "UserSettings", &keys));
                node
            })
            .collect()
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        let Some(domain) = context.domain else { return Ok(Vec::new()) };
        let list = account.sagemaker.list_user_profiles().domain_id_equals(&domain.id);
        let list = list.into_paginator().page_size(PAGE).items();
        let profiles: Vec<_> = list.send().try_collect().await.map_err(|e| failed("ListUserProfiles", e))?;
        let wanted = by_name(context.nodes);
        let mut known = unchanged(account, &context, &domain.id, &profiles, &wanted).await?;
        let (mut found, mut unknown) = (Vec::with_capacity(profiles.len()), Vec::new());
        for name in profiles.iter().filter_map(|profile| profile.user_profile_name()) {
            match (known.remove(name), address_of(&wanted, name)) {
                (Some(profile), Some(address)) => found.push((address, profile)),
                _ => unknown.push(name),
            }
        }
        let wanted = &wanted;
        let looks = unknown.into_iter().map(|name| async move {
            let found = describe(account, &domain.id, name).await?;
            Ok((address_of(wanted, name).unwrap_or_else(|| unclaimed(name, &found)), found))
        });
        let looks: Vec<_> = stream::iter(looks).buffer_unordered(PARALLEL).try_collect().await?;
        found.extend(looks);
        Ok(found)
    }

    async fn find(&self, account: &Account, node: &Node) -> Result<Found, CloudError> {
        describe(account, required::text(node, "DomainId")?, required::text(node, "UserProfileName")?).await
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let mut request = node.properties.to_request();
        let tags = ownership::of(&node.properties);
        request["Tags"] = tags::in_request(&tags);
        let attempt = async || {
            let create = send_document!(account.sagemaker.create_user_profile(), request.clone());
            match create.await.map_err(|e| failed("CreateUserProfile", e)) {
                Ok(_) => Ok(Begun::Now),
                // Our own attempt whose answer was lost; somebody else's of that name is told apart below.
                Err(error) if error.is("ResourceInUse") => match self.find(account, node).await? {
                    Found::Absent => Err(error),
                    _ => Ok(Begun::Before),
                },
                Err(error) => Err(error),
            }
        };
        // A domain that somebody else is changing takes no profiles meanwhile; the profile waits for it.
        let wait_policy = account.wait_policy(Kind::UserProfile, Action::Create, WaitPolicy::PROFILE);
        let is_transient = |error: &CloudError| error.is("ResourceInUse");
        let wait_policy = WaitPolicy { usual: Usual::Unknown, ..wait_policy };
        let begun = account
            .clock
            .retry(wait_policy, is_transient, async || account.retry_while_propagating(&attempt).await)
            .await?;
        // A create that was answered made the profile with its tags, or nothing at all; whose one is that was there when it was
        // asked for, only its tags say.
        let tags = (begun == Begun::Now).then(|| ownership::property(&tags));
        let profile = Profile { tags, ..Profile::of(node)? };
        wait_until_usable(account, &node.address, Action::Create, &profile, begun).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        if matches!(observed.state, State::Busy(_)) {
            wait_until_idle(account, &node.address, &Profile::of(node)?).await?;
        }
        write_tags(account, required::output(Kind::UserProfile, observed, "UserProfileArn")?, node, changes).await?;
        let mut request = Value::from_iter([("DomainId", required::value(node, "DomainId")?.clone())]);
        // The live name, in the case that AWS has it in.
        request.set("UserProfileName", observed.id.as_str());
        for change in changes {
            let keys: Vec<&str> = change.path.0.iter().map(String::as_str).collect();
            if let ["UserSettings", member, ..] = keys.as_slice() {
                let path = Path::of(["UserSettings", member]);
                if let Some(whole) = node.properties.at(&path) {
                    request.set_at(&path, whole.clone());
                }
            }
        }
        send_unset(&mut request, changes, Path::clone);
        if request.at(&Path::of(["UserSettings", "StudioWebPortal"])).is_some() {
            couple_portal(&mut request, node, "UserSettings");
        }
        let mut begun = Begun::Before;
        if request.get("UserSettings").is_some() || matches!(observed.state, State::UpdateFailed(_)) {
            let request = request.to_request();
            let attempt = async || {
                let update = send_document!(account.sagemaker.update_user_profile(), request.clone());
                update.await.map_err(|e| failed("UpdateUserProfile", e)).map(drop)
            };
            account.retry_while_propagating(attempt).await?;
            begun = Begun::Now;
        }
        // Tags that were written are read back; others are as they were when this was planned.
        let of_tags = |change: &Change| change.path.starts_with(&Path::of(["Tags"]));
        let tags = observed.properties.get("Tags").filter(|_| !changes.iter().any(of_tags)).cloned();
        let profile = Profile { tags, ..Profile::of(node)? };
        wait_until_usable(account, &node.address, Action::Update, &profile, begun).await
    }

    async fn delete(
        &self,
        account: &Account,
        address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let domain = required::output(Kind::UserProfile, observed, "DomainId")?;
        let profile = Profile { domain, name: &observed.id, tags: None };
        let ask = async || {
            let delete = account.sagemaker.delete_user_profile().domain_id(domain).user_profile_name(&observed.id);
            delete.send().await.map(drop).map_err(|e| failed("DeleteUserProfile", e))
        };
        let left = async || left_in(account, domain, &observed.id).await;
        delete(account, address, &profile, &observed.state, ask, left).await?;
        Ok(Deleted::Gone)
    }
}

/// Addresses that hold a profile now: its apps, its spaces, and what runs in those.
async fn left_in(account: &Account, domain: &str, profile: &str) -> Result<Vec<String>, CloudError> {
    let spaces = space::left_in(account, domain, Some(profile)).await?;
    let of_profile = |app: &AppDetails| match app.space_name() {
        Some(space) => spaces.iter().any(|(name, _)| name == space),
        None => app.user_profile_name().is_some_and(|owner| owner.eq_ignore_ascii_case(profile)),
    };
    let mut left = app::left_in(account, domain, of_profile).await?;
    left.extend(spaces.into_iter().map(|(_, address)| address));
    Ok(left)
}

/// The address of a profile that no node names: what its tag says, else its name.
fn unclaimed(name: &str, found: &Found) -> Address {
    let tags = match found {
        Found::Ours(observed) | Found::Foreign { observed: Some(observed), .. } => ownership::of(&observed.properties),
        _ => BTreeMap::new(),
    };
    let tagged = tags.get(ownership::ADDRESS).and_then(|address| address.strip_prefix("user_profile."));
    address(tagged.unwrap_or(name))
}
