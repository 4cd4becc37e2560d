//! Records that Studio keeps, and the tables that they stand in.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::life::{Life, LifeKind, Status};
use crate::core::world::World;

/// Members of a request or an answer, in the API's own names.
pub type Object = Map<String, Json>;

/// Table of images, by image name: the members of `DescribeImage`'s answer that a seed wants to fix, possibly none.
pub const IMAGES: &str = "studio/image";
/// Table of image versions, by `<image name>/<version>`: members of `DescribeImageVersion`'s answer, as for [`IMAGES`].
pub const IMAGE_VERSIONS: &str = "studio/image-version";
/// Table of app image configurations, by name: members of `DescribeAppImageConfig`'s answer, as for [`IMAGES`].
pub const APP_IMAGE_CONFIGS: &str = "studio/app-image-config";
/// Table of ARNs of lifecycle configurations that exist without being the sandbox's own; what a record holds is of no
/// importance.
pub const FOREIGN_LIFECYCLE_CONFIGS: &str = "studio/foreign-lifecycle-config";
/// Table of `MLflow` tracking servers, by name: the summaries of `ListMlflowTrackingServers`.
pub const TRACKING_SERVERS: &str = "studio/tracking-server";
/// In table `meta`: the user names that the Identity Center directory has; without it, it has every user.
pub const DIRECTORY: &str = "directory";

/// A record that has an ARN and tags.
pub trait Stored: Serialize + DeserializeOwned {
    /// The table that it stands in.
    const TABLE: &'static str;

    /// The record's key in its table.
    fn key(&self) -> String;

    /// The record's ARN in this account and region.
    fn arn(&self, world: &World) -> String;

    /// The record's tags, to change them.
    fn tags_mut(&mut self) -> &mut BTreeMap<String, String>;
}

/// A record with a status.
pub trait Living: Stored {
    /// Kind of the record, for the list of what is due.
    const KIND: LifeKind;

    /// Its status and history.
    fn life(&self) -> &Life;

    /// The same, to change it.
    fn life_mut(&mut self) -> &mut Life;

    /// Runs when the record reaches a status at `at`.
    fn reached(&mut self, _world: &mut World, _at: i64) {}

    /// Runs when the record has gone at `at`.
    fn gone(self, _world: &mut World, _at: i64)
    where
        Self: Sized,
    {
    }
}

/// A domain of Studio.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Domain {
    /// `d-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `SSO` or `IAM`.
    pub auth_mode: String,
    /// Its settings, as `DescribeDomain` shows them.
    pub settings: Object,
    /// The home file system and its security groups.
    pub home: Option<HomeFileSystem>,
    /// The application in Identity Center, in `SSO` mode.
    pub application: Option<String>,
    /// Status and history.
    pub life: Life,
}

/// Things that Studio makes behind a domain for its users' home directories.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HomeFileSystem {
    /// The file system.
    pub file_system: String,
    /// The security group of its mount targets.
    pub inbound: String,
    /// The security group of the apps that mount it.
    pub outbound: String,
    /// Whether it goes with the domain: `RetentionPolicy.HomeEfsFileSystem` was `Delete`.
    pub doomed: bool,
}

/// A user profile of a domain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserProfileRecord {
    /// The domain's id.
    pub domain: String,
    /// Its name, as it was written when it was made.
    pub name: String,
    /// The user of the home directory on the file system.
    pub uid: u64,
    /// The user name in Identity Center.
    pub sso_user: Option<String>,
    /// `UserSettings`.
    pub settings: Object,
    /// Status and history.
    pub life: Life,
}

/// A space of a domain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Space {
    /// The domain's id.
    pub domain: String,
    /// Its name, as it was written when it was made.
    pub name: String,
    /// The user of the home directory on the file system.
    pub uid: u64,
    /// The user profile that owns it.
    pub owner: Option<String>,
    /// `Private` or `Shared`.
    pub sharing: Option<String>,
    /// What people see as its name.
    pub display_name: Option<String>,
    /// `SpaceSettings`.
    pub settings: Object,
    /// Status and history.
    pub life: Life,
}

/// An app of a user profile or a space.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct App {
    /// The domain's id.
    pub domain: String,
    /// Whose it is.
    pub owner: AppOwner,
    /// `JupyterLab`, …
    pub app_type: String,
    /// Its name.
    pub name: String,
    /// What it runs on, defaults included.
    pub resource_spec: Object,
    /// The lifecycle configuration that runs before the default one.
    pub built_in: Option<String>,
    /// Whether it was started in recovery mode.
    pub recovery_mode: Option<bool>,
    /// Status and history.
    pub life: Life,
}

/// The owner of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppOwner {
    /// A user profile's.
    UserProfile(String),
    /// A space's.
    Space(String),
}

/// A lifecycle configuration: it never changes and has no status.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LifecycleConfigRecord {
    /// Its name.
    pub name: String,
    /// The script, in base64.
    pub content: String,
    /// `JupyterServer`, `KernelGateway`, `CodeEditor` or `JupyterLab`.
    pub app_type: String,
    /// Virtual milliseconds.
    pub created: i64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl LifecycleConfigRecord {
    /// One that somebody made before: its script does nothing.
    pub fn seeded(name: &str, now: i64) -> Self {
        let (content, app_type) = ("ZXhpdCAwCg==".into(), "JupyterLab".into());
        Self { name: name.into(), content, app_type, created: now, tags: BTreeMap::new() }
    }
}

/// The key of something that belongs to a domain: names are not case sensitive there, says the API model of
/// `UserProfileName`.
pub fn key_in(domain: &str, name: &str) -> String {
    format!("{domain}/{}", name.to_ascii_lowercase())
}

impl AppOwner {
    /// The member of requests and answers that names it, and the name.
    pub(crate) fn member(&self) -> (&'static str, &str) {
        match self {
            Self::UserProfile(name) => ("UserProfileName", name),
            Self::Space(name) => ("SpaceName", name),
        }
    }

    /// The part of an app's key that says whose it is; its end is a slash.
    pub(crate) fn prefix(&self, domain: &str) -> String {
        let (member, name) = self.member();
        format!("{domain}/{member}/{}/", name.to_ascii_lowercase())
    }
}

impl App {
    /// Returns `true` if the app runs, is about to, or is still going away.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.life.status, Status::Pending | Status::InService | Status::Deleting)
    }
}

impl Domain {
    /// A member of a setting of the domain.
    pub(crate) fn setting(&self, path: &[&str]) -> Option<&Json> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.settings.get(*first)?, |value, name| value.get(*name))
    }

    /// The text of a setting of the domain.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.setting(path).and_then(Json::as_str)
    }
}

impl Stored for Domain {
    const TABLE: &'static str = "studio/domain";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn arn(&self, world: &World) -> String {
        world.arn("sagemaker", &format!("domain/{}", self.id))
    }

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.life.tags
    }
}

impl Stored for UserProfileRecord {
    const TABLE: &'static str = "studio/user-profile";

    fn key(&self) -> String {
        key_in(&self.domain, &self.name)
    }

    fn arn(&self, world: &World) -> String {
        world.arn("sagemaker", &format!("user-profile/{}/{}", self.domain, self.name))
    }

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.life.tags
    }
}

impl Stored for Space {
    const TABLE: &'static str = "studio/space";

    fn key(&self) -> String {
        key_in(&self.domain, &self.name)
    }

    fn arn(&self, world: &World) -> String {
        world.arn("sagemaker", &format!("space/{}/{}", self.domain, self.name))
    }

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.life.tags
    }
}

impl Stored for App {
    const TABLE: &'static str = "studio/app";

    fn key(&self) -> String {
        format!("{}{}/{}", self.owner.prefix(&self.domain), self.app_type, self.name.to_ascii_lowercase())
    }

    fn arn(&self, world: &World) -> String {
        let (_, owner) = self.owner.member();
        world.arn("sagemaker", &format!("app/{}/{owner}/{}/{}", self.domain, self.app_type, self.name))
    }

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.life.tags
    }
}

impl Stored for LifecycleConfigRecord {
    const TABLE: &'static str = "studio/lifecycle-config";

    fn key(&self) -> String {
        self.name.clone()
    }

    fn arn(&self, world: &World) -> String {
        world.arn("sagemaker", &format!("studio-lifecycle-config/{}", self.name))
    }

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.tags
    }
}
