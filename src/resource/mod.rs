//! The kinds: everything about a kind stands in its one file, and a kind is one line in [`KINDS`].
//!
//! Verbs set ownership tags in the create call, are safe to repeat, and return when the thing is usable, or gone.
//! Only this folder and `aws/` know the SDK.

pub mod app;
pub mod asset_policy;
pub mod asset_role;
pub mod bucket;
pub mod bucket_object;
mod bucket_watch;
pub mod cloud;
pub mod domain;
pub mod execution_policy;
pub mod execution_role;
pub mod home_efs;
mod kms_alias;
mod kms_candidates;
pub mod kms_key;
mod kms_watch;
pub mod leftovers;
pub mod lifecycle_config;
pub mod limits;
pub mod managed_policy;
pub mod managed_role;
mod named_key;
pub mod nfs_security_group;
pub mod ownership;
pub mod parameter;
pub mod permissions;
pub mod policy;
pub mod security_group;
mod required;
mod settings_watch;
pub mod space;
mod stray_objects;
mod studio;
pub mod unused;
mod upload;
pub mod user_profile;
mod watch;

use std::collections::BTreeMap;

use async_trait::async_trait;

use permissions::{Grant, Scope};

use crate::aws::roles::Roles;
use crate::aws::{Account, not_ours};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::config::Config;
use crate::model::{Address, Deployment, Found, Graph, Kind, Manifest, Node, Observed, Path, Source};
use crate::naming::Names;
use crate::plan::{Action, Change, DeletionPolicy, Record, Rules};

/// Everything that a config asks for, references resolved: what nodes are made of.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Which environment.
    pub deployment: Deployment,
    /// Its names.
    pub names: Names,
    /// The config.
    pub config: Config,
    /// The roles that the config refers to.
    pub roles: Roles,
    /// The files of every asset, by `kind/asset`.
    pub assets: BTreeMap<String, Manifest>,
    /// The user's tags: the files', then the deployment's.
    pub tags: BTreeMap<String, String>,
    /// The permissions boundary of every role that is made.
    pub permissions_boundary: Option<String>,
    /// MDAA's context flags that change what is made.
    pub flags: Flags,
}

/// MDAA's context flags that change what is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `@aws-mdaa/publicAccessBlockManagedExternally`: leave the bucket's public access block alone.
    pub public_access_block_external: bool,
    /// `@aws-mdaa/skipCreateParams`: publish no parameters.
    pub skip_parameters: bool,
    /// `@aws-mdaa/legacyCaefTags`: MDAA's own tags begin with `caef_`, its former name.
    pub legacy_tags: bool,
}

impl Desired {
    /// The YAML place that the value at `keys` comes from.
    pub fn source(&self, keys: &[&str]) -> Option<Source> {
        self.config.source(keys).cloned()
    }

    /// The ownership tags of the thing at `address`, as a property.
    pub fn tags(&self, address: &Address) -> crate::model::Value {
        self.tags_besides(&self.tags, address)
    }

    /// The same besides tags of its own.
    pub fn tags_besides(&self, user: &BTreeMap<String, String>, address: &Address) -> crate::model::Value {
        let prefix = ownership::MDAA_PREFIXES[usize::from(self.flags.legacy_tags)];
        ownership::property(&ownership::tags(&self.deployment, prefix, user, address))
    }

    /// The graph of all desired nodes.
    pub fn graph(&self) -> Graph {
        let tags = self.tag_sources();
        let nodes = KINDS.iter().flat_map(|kind| kind.desired(self)).map(|mut node| {
            for (member, _) in node.properties.entries().filter(|(member, _)| member.ends_with("Tags")) {
                let places = tags.iter().map(|(key, source)| (Path::of([member.as_str(), key]), source.clone()));
                node.sources.extend(places);
            }
            node
        });
        nodes.map(|node| (node.address.clone(), node)).collect()
    }

    /// The source of each tag that the YAML gives to everything.
    fn tag_sources(&self) -> Vec<(String, Source)> {
        let config = &self.config;
        let blocks = [("deployment", &config.deployment.tags), ("domain", &config.domain.tags)];
        let places = blocks.into_iter().flat_map(|(block, tags)| {
            tags.keys().filter_map(move |key| Some((key.clone(), self.source(&[block, "tags", key])?)))
        });
        places.collect()
    }
}

/// Context in which a kind is observed.
#[derive(Clone, Copy, Debug)]
pub struct ObserveContext<'a> {
    /// The nodes of this kind, outputs filled in as far as they are known.
    pub nodes: &'a [Node],
    /// The record of earlier applies.
    pub record: Option<&'a Record>,
    /// The live domain, for the kinds that live in it.
    pub domain: Option<&'a Observed>,
}

/// A kind of AWS object, with its verbs and rules.
#[async_trait(?Send)]
pub trait Resource: Rules + Sync {
    /// The kind in the model.
    fn kind(&self) -> Kind;

    /// Returns `true` if it can only be found by way of another object: the domain that it lives in, the bucket that it
    /// lies in.
    fn observe_after_domain(&self) -> bool {
        false
    }

    /// The permissions that the verbs below need for what the config desires.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant>;

    /// The nodes of this kind that the config asks for.
    fn desired(&self, desired: &Desired) -> Vec<Node> {
        let _ = desired;
        Vec::new()
    }

    /// Every object of this kind that a node names or that is ours.
    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError>;

    /// The live twin of one node.
    async fn find(&self, account: &Account, node: &Node) -> Result<Found, CloudError> {
        let context = ObserveContext { nodes: std::slice::from_ref(node), record: None, domain: None };
        let found = self.observe(account, context).await?;
        Ok(found.into_iter().find(|(address, _)| *address == node.address).map_or(Found::Absent, |(_, found)| found))
    }

    /// Creates the object that a node describes.
    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let _ = account;
        Err(never("created", &node.address))
    }

    /// Changes the live object in place.
    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let _ = (account, observed, changes);
        Err(never("updated", &node.address))
    }

    /// Drops what goes from an object that is kept for its data.
    async fn release(
        &self,
        account: &Account,
        address: &Address,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<(), CloudError> {
        let _ = (account, observed, changes);
        Err(never("released", address))
    }

    /// Deletes the live object, and the data beside it if `data` says so, and returns once it is gone.
    async fn delete(
        &self,
        account: &Account,
        address: &Address,
        observed: &Observed,
        data: DeletionPolicy,
    ) -> Result<Deleted, CloudError>;
}

fn never(done: &str, address: &Address) -> CloudError {
    CloudError::new(
        ErrorKind::Other,
        address.to_string(),
        format!("it is never {done}: this is a bug in studio-deploy"),
    )
}

/// The live object that an update is about: ours, or one that is being taken over and has no tags of ours yet.
pub(crate) fn to_change(address: &Address, found: Found) -> Result<Observed, CloudError> {
    match found {
        Found::Ours(observed) => Ok(observed),
        Found::Foreign { owner, observed: Some(observed) } if owner.may_yield() => Ok(observed),
        found => Err(not_ours(address, &found)),
    }
}

/// Returns `true` if a look came too early after a write: without our tags it is as it was before them, but only
/// where an update is to have put them there. One that a create finds is somebody else's.
pub(crate) fn is_late(found: &Found, action: Action) -> bool {
    match found {
        Found::Absent => true,
        Found::Foreign { owner, .. } => action == Action::Update && owner.may_yield(),
        Found::Ours(_) => false,
    }
}

/// Every kind, in creation order.
pub static KINDS: [&dyn Resource; 16] = [
    &execution_role::EXECUTION_ROLE,
    &asset_role::ASSET_ROLE,
    &kms_key::KmsKey,
    &security_group::SecurityGroupResource,
    &bucket::BucketResource,
    &asset_policy::ASSET_POLICY,
    &bucket_object::BucketObject,
    &lifecycle_config::LifecycleConfigResource,
    &nfs_security_group::NfsSecurityGroup,
    &home_efs::HomeEfs,
    &domain::DomainResource,
    &execution_policy::EXECUTION_POLICY,
    &user_profile::UserProfileResource,
    &space::SpaceResource,
    &app::AppResource,
    &parameter::ParameterResource,
];

/// The entry of `kind`.
pub fn of(kind: Kind) -> &'static dyn Resource {
    KINDS[Kind::ALL.iter().position(|other| *other == kind).expect("KINDS has every kind, in the order of Kind::ALL")]
}

/// The rules of `kind`.
pub fn rules(kind: Kind) -> &'static dyn Rules {
    of(kind)
}
