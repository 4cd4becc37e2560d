//! Studio lifecycle configurations: scripts that run whenever an app starts.
//!
//! Identity: the name, which ends with a hash of the content, so a new script is a new object: it is made first, the
//! domain is pointed to it, and only then the old one goes. There is no update call. One that an app still uses cannot
//! be deleted; it is kept, named, and tried again by the next apply. Destroy deletes it once the domain is gone.

use async_trait::async_trait;
use aws_sdk_sagemaker::types::StudioLifecycleConfigAppType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;

use super::permissions::{CHANGE, Grant, LOOK, MAKE, Scope};
use super::studio::tags::{live_tags, write_tags};
use super::{Desired, ObserveContext, Resource, bucket, ownership, required};
use crate::aws::error::failed;
use crate::aws::{Account, PAGE, answer, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::config::LifecycleKind;
use crate::model::{Address, Found, Kind, Node, Observed, Path, Text, Value};
use crate::plan::outline::said;
use crate::plan::{Change, DeletionPolicy, Effect, Outline, Rules};
use crate::wording::counted;

/// Verbs and rules of the kind `lifecycle_config`.
#[derive(Debug)]
pub struct LifecycleConfigResource;

/// The address of the lifecycle config of an app.
pub fn address(kind: LifecycleKind) -> Address {
    Address::new(Kind::LifecycleConfig, kind.key())
}

/// The ARN of the lifecycle config of an app.
pub fn arn(kind: LifecycleKind) -> Text {
    Text::output(address(kind), "Arn")
}

impl Rules for LifecycleConfigResource {
    fn outline(&self, node: &Node) -> Outline {
        let properties = &node.properties;
        let lines = said(properties.get("StudioLifecycleConfigContent")).lines().count();
        Outline::new(properties.text("StudioLifecycleConfigName").unwrap_or_default()).fact(
            "script",
            format!(
                "{} for {}",
                counted(lines, "line"),
                properties.text("StudioLifecycleConfigAppType").unwrap_or_default()
            ),
        )
    }

    fn effect(&self, path: &Path, _before: Option<&Value>, _after: Option<&Value>) -> Effect {
        match path.0.first().map(String::as_str) {
            Some("Tags") => Effect::InPlace,
            _ => Effect::Immutable("stops new apps from starting until it is back"),
        }
    }
}

#[async_trait(?Send)]
impl Resource for LifecycleConfigResource {
    fn kind(&self) -> Kind {
        Kind::LifecycleConfig
    }

    /// By name, and what is changed by the tag too: MDAA's own carry none, so that taking them over goes by name alone.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let bases = LifecycleKind::ALL.iter().filter_map(|kind| scope.names.lifecycle_base(kind.app_type()).ok());
        // SageMaker writes names in ARNs in lower case.
        let own: Vec<String> = bases
            .map(|base| scope.arn("sagemaker", &format!("studio-lifecycle-config/{}-*", base.to_lowercase())))
            .collect();
        let own = || own.clone();
        let mut grants = vec![
            Grant::anywhere(LOOK, &["sagemaker:ListStudioLifecycleConfigs"]),
            Grant::new(LOOK, &["sagemaker:DescribeStudioLifecycleConfig", "sagemaker:ListTags"], own()),
            // AddTags is for what is taken over, too.
            Grant::new(CHANGE, &["sagemaker:DeleteStudioLifecycleConfig"], own()).unless_anothers(scope),
        ];
        if !scope.config.domain.lifecycle_configs.is_empty() {
            let create = Grant::new(MAKE, &["sagemaker:CreateStudioLifecycleConfig"], own()).tagging_as_ours(scope);
            grants.push(create);
            let tags = Grant::new(MAKE, &["sagemaker:AddTags", "sagemaker:DeleteTags"], own()).unless_anothers(scope);
            grants.push(tags);
        }
        grants
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        let config = &desired.config.domain;
        let node = |(kind, lifecycle): (&LifecycleKind, &crate::config::LifecycleConfig)| {
            let bucket = bucket::name_text(desired);
            let script = lifecycle.script(*kind, bucket, &config.asset_prefix);
            let content = lifecycle.content(*kind, bucket, &config.asset_prefix);
            let name = desired.names.lifecycle_config(kind.app_type(), &content).ok()?;
            let properties = Value::from_iter([
                ("StudioLifecycleConfigName", Value::from(name)),
                ("StudioLifecycleConfigAppType", kind.app_type().into()),
                ("StudioLifecycleConfigContent", script.into()),
                ("Tags", desired.tags(&address(*kind))),
            ]);
            let mut node = Node::new(address(*kind), properties);
            let keys = ["domain", "lifecycleConfigs", kind.key()];
            node.sources.extend(desired.source(&keys).map(|source| (Path::default(), source)));
            let commands = desired.source(&["domain", "lifecycleConfigs", kind.key(), "cmds"]);
            node.sources.extend(commands.map(|source| (Path::of(["StudioLifecycleConfigContent"]), source)));
            for (line, at) in lifecycle.lines_of_commands() {
                let command = desired.source(&["domain", "lifecycleConfigs", kind.key(), "cmds", &at.to_string()]);
                let path = Path::of(["StudioLifecycleConfigContent", &line.to_string()]);
                node.sources.extend(command.map(|source| (path, source)));
            }
            // A script must not run before what it copies is there.
            let assets = lifecycle.assets.iter().flat_map(|assets| assets.keys());
            node.after.extend(assets.map(|asset| Address::new(Kind::BucketObject, format!("{}/{asset}", kind.key()))));
            Some(node)
        };
        config.lifecycle_configs.iter().filter_map(node).collect()
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        let all = try_join_all(LifecycleKind::ALL.map(|kind| of_kind(account, context.nodes, kind))).await?;
        Ok(all.into_iter().flatten().collect())
    }

    async fn find(&self, account: &Account, node: &Node) -> Result<Found, CloudError> {
        find(account, required::text(node, "StudioLifecycleConfigName")?).await
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let name = required::text(node, "StudioLifecycleConfigName")?;
        let script = required::text(node, "StudioLifecycleConfigContent")?;
        let app_type = required::text(node, "StudioLifecycleConfigAppType")?;
        let create = account
            .sagemaker
            .create_studio_lifecycle_config()
            .studio_lifecycle_config_name(name)
            .studio_lifecycle_config_content(STANDARD.encode(script))
            .studio_lifecycle_config_app_type(StudioLifecycleConfigAppType::from(app_type))
            .set_tags(Some(tags::list(&ownership::of(&node.properties))));
        match create.send().await.map_err(|e| failed("CreateStudioLifecycleConfig", e)) {
            Ok(_) => {}
            // The name says the content: one that exists already is the one that is wanted.
            Err(error) if error.is("ResourceInUse") => {}
            Err(error) => return Err(error),
        }
        account.find_ours(&node.address, || find(account, name)).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let arn = required::output(Kind::LifecycleConfig, observed, "Arn")?;
        write_tags(account, arn, node, changes).await?;
        account.find_ours(&node.address, || find(account, &observed.id)).await
    }

    async fn delete(
        &self,
        account: &Account,
        _address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let delete = account.sagemaker.delete_studio_lifecycle_config().studio_lifecycle_config_name(&observed.id);
        match delete.send().await.map_err(|e| failed("DeleteStudioLifecycleConfig", e)) {
            Err(error) if error.is("ResourceInUse") => Ok(Deleted::Held(error.message)),
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(Deleted::Gone),
        }
    }
}

/// The lifecycle config that a node names, and every other one of ours of the same app: superseded or no longer wanted.
async fn of_kind(account: &Account, nodes: &[Node], kind: LifecycleKind) -> Result<Vec<(Address, Found)>, CloudError> {
    let base = account
        .names
        .lifecycle_base(kind.app_type())
        .map_err(|error| CloudError::new(ErrorKind::Invalid, "name of a lifecycle config", error.to_string()))?;
    let list = account.sagemaker.list_studio_lifecycle_configs().name_contains(&base);
    let pages = list.into_paginator().page_size(PAGE).items().send().try_collect().await;
    let names: Vec<String> = pages
        .map_err(|e| failed("ListStudioLifecycleConfigs", e))?
        .iter()
        .filter_map(|config| config.studio_lifecycle_config_name())
        .filter(|name| name.strip_prefix(&base).is_some_and(|rest| rest.len() == 11 && rest.starts_with('-')))
        .map(str::to_owned)
        .collect();
    let found = try_join_all(names.iter().map(|name| find(account, name))).await?;
    let address = address(kind);
    let wanted = nodes.iter().find(|node| node.address == address);
    let wanted = wanted.and_then(|node| node.properties.text("StudioLifecycleConfigName"));
    let addressed = names.iter().zip(found).filter_map(|(name, found)| {
        if Some(name.as_str()) == wanted {
            return Some((address.clone(), found));
        }
        // One of MDAA's may still be in use by whoever runs MDAA: it is only mentioned.
        let hash = name.rsplit('-').next().unwrap_or_default();
        let superseded = Address::new(Kind::LifecycleConfig, format!("{}@{hash}", kind.key()));
        (found != Found::Absent).then_some((superseded, found))
    });
    Ok(addressed.collect())
}

async fn find(account: &Account, name: &str) -> Result<Found, CloudError> {
    let describe = account.sagemaker.describe_studio_lifecycle_config().studio_lifecycle_config_name(name);
    let config = match describe.send().await.map_err(|e| failed("DescribeStudioLifecycleConfig", e)) {
        Ok(config) => config,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let member = |name: &str, value| answer::text("DescribeStudioLifecycleConfig", name, value);
    let arn = member("StudioLifecycleConfigArn", config.studio_lifecycle_config_arn())?;
    let tags = match live_tags(account, arn).await {
        Ok(tags) => tags,
        // Gone between the two calls.
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let encoded = member("StudioLifecycleConfigContent", config.studio_lifecycle_config_content())?;
    // What is no base64 differs from every script.
    let content = STANDARD.decode(encoded).unwrap_or_else(|_| encoded.into());
    let app_type = config.studio_lifecycle_config_app_type().map(StudioLifecycleConfigAppType::as_str);
    let app_type = member("StudioLifecycleConfigAppType", app_type)?;
    let properties = Value::from_iter([
        ("StudioLifecycleConfigName", Value::from(name)),
        ("StudioLifecycleConfigAppType", app_type.into()),
        ("StudioLifecycleConfigContent", String::from_utf8_lossy(&content).into_owned().into()),
        ("Tags", ownership::property(&tags)),
    ]);
    let observed = Observed::new(name, properties).output("Arn", arn).output("Name", name);
    ownership::classify_untagged(account, observed).await
}
