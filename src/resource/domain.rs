//! The Studio domain.
//!
//! Identity: its name, which AWS keeps unique in a region. Name, authentication mode, VPC and key are immutable: a
//! replaced domain has a new, empty home file system, so that is never done without consent. Settings merge on update,
//! so only what changed is sent, and what the config no longer sets is taken back explicitly. Destroy keeps the home
//! file system unless told otherwise.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sagemaker::types::{RetentionPolicy, RetentionType, Tag};
use serde_json::{Value as Json, json};

use super::permissions::{CHANGE, FIND, Grant, MAKE, RESOLVE, Scope};
use super::{Desired, Resource, View, app, execution_role, home_efs, kms_key, lifecycle_config, nfs_security_group};
use super::{is_late, named_key, ownership, security_group, settings_watch, space, to_change, unused};
use crate::aws::document::Capture;
use crate::aws::error::failed;
use crate::aws::resolve;
use crate::aws::wait::{Patience, WaitProgress};
use crate::aws::{Account, not_ours};
use crate::cloud::{CloudError, Deleted, ErrorKind, Sent};
use crate::config::{LifecycleKind, UserSettings};
use crate::model::{Address, Found, Kind, Node, Observed, Path, State, Value};
use crate::plan::{Action, Apps, Change, Effect, Rules, Unset, Watched};
use crate::send_document;

/// The kind.
#[derive(Debug)]
pub struct DomainResource;

/// Its only address.
pub fn address() -> Address {
    Address::new(Kind::Domain, "studio")
}

impl Rules for DomainResource {
    fn effect(&self, path: &Path, before: Option<&Value>, after: Option<&Value>) -> Effect {
        let keys: Vec<&str> = path.0.iter().map(String::as_str).collect();
        match keys.as_slice() {
            ["DomainName" | "AuthMode" | "VpcId" | "KmsKeyId", ..] => Effect::Immutable(
                "cuts every user off from their home directory: a new domain starts with an empty one",
            ),
            // SageMaker API reference, UpdateDomain: each of these needs apps to be stopped.
            ["AppNetworkAccessType", ..] => Effect::AppsStopped(Apps::Live),
            ["DefaultUserSettings", "ExecutionRole"] => Effect::AppsStopped(Apps::Private),
            ["DefaultSpaceSettings", "ExecutionRole"] => Effect::AppsStopped(Apps::Shared),
            ["DomainSettings", "ExecutionRoleIdentityConfig"] => Effect::AppsStopped(Apps::Active),
            // Not documented, but seen: https://github.com/aws/aws-sdk/issues/367.
            ["DefaultUserSettings" | "DefaultSpaceSettings", _, "CustomImages"] => Effect::AppsStopped(Apps::Active),
            ["SubnetIds"] => {
                let after = after.map(Value::items).unwrap_or_default();
                let removes = before.map(Value::items).unwrap_or_default().iter().any(|subnet| !after.contains(subnet));
                if removes { Effect::AppsStopped(Apps::Live) } else { Effect::InPlace }
            }
            _ => Effect::InPlace,
        }
    }

    fn unset(&self, path: &Path, live: &Value) -> Unset {
        unset_setting(path, live)
    }

    fn same(&self, path: &Path, desired: &Value, live: &Value) -> bool {
        same_setting(path, desired, live)
    }

    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        settings_watch::watch(observed, node, &["DefaultUserSettings", "DefaultSpaceSettings", "DomainSettings"], self)
    }

    fn goes_with(&self, left_out: &Path, other: &Path) -> bool {
        let keys = |path: &Path| [path.0.first().cloned(), path.0.get(1).cloned()].map(Option::unwrap_or_default);
        let ([left, left_member], [other, member]) = (keys(left_out), keys(other));
        match left.as_str() {
            // Subnets and groups are of one VPC.
            "VpcId" => other == "SubnetIds" || member == "SecurityGroups",
            "AuthMode" => other == "DomainSettings",
            // Space settings without a role are refused.
            "DefaultSpaceSettings" => left_member == "ExecutionRole" && other == left,
            _ => false,
        }
    }
}

/// Settings that are off unless somebody says otherwise.
const SWITCHES: [&str; 7] = [
    "AccessStatus",
    "EnableDockerAccess",
    "LifecycleManagement",
    "RootlessDocker",
    "Status",
    "StudioWebPortalAccess",
    "TagPropagation",
];

/// How SageMaker takes a setting back: it merges what it is sent, so that leaving something out changes nothing.
///
/// The literal `None` is in the API model of the three ARNs; lists are cleared by empty ones; what has a default that
/// AWS documents (API reference, and the developer guide's pages on storage and on the portal) is put back to it.
pub(super) fn unset_setting(path: &Path, live: &Value) -> Unset {
    let last = path.0.last().map(String::as_str).unwrap_or_default();
    match (path.0.first().map(String::as_str), last, live) {
        // The role of shared spaces cannot be taken back, and their groups go with it.
        (Some("DefaultSpaceSettings"), "SecurityGroups", _) => Unset::Impossible,
        (Some("Tags" | "HomeEfsTags" | "NfsSecurityGroupTags"), ..) => Unset::Omit,
        (_, _, Value::List(_)) => Unset::Send(Value::List(Vec::new())),
        (_, "LifecycleConfigArn" | "BuiltInLifecycleConfigArn" | "SageMakerImageVersionArn" | "TrainingPlanArn", _) => {
            Unset::Send("None".into())
        }
        (_, "StudioWebPortal", _) => Unset::Send("ENABLED".into()),
        (_, "DefaultLandingUri", _) => Unset::Send("studio::".into()),
        (_, "NotebookOutputOption", _) => Unset::Send("Disabled".into()),
        (Some("UserSettings"), "AutoMountHomeEFS", _) => Unset::Send("DefaultAsDomain".into()),
        (_, "AutoMountHomeEFS", _) => Unset::Send("Enabled".into()),
        (_, "DefaultEbsVolumeSizeInGb", _) => Unset::Send(5.into()),
        (_, "MaximumEbsVolumeSizeInGb", _) => Unset::Send(100.into()),
        (_, "IpAddressType", _) => Unset::Send("ipv4".into()),
        (_, "ExecutionRoleSessionNameMode", _) => Unset::Send("STATIC".into()),
        (_, name, _) if SWITCHES.contains(&name) => Unset::Send("DISABLED".into()),
        _ => Unset::Impossible,
    }
}

/// Whether two values of a setting mean the same: a key by the key it denotes, since MDAA writes ids and we write ARNs.
/// Keys of several regions may share an id, and so may those of two accounts: two ARNs are equal as a whole.
pub(super) fn same_setting(path: &Path, desired: &Value, live: &Value) -> bool {
    if named_key::is_key(path) {
        let (Some(desired), Some(live)) = (desired.as_str(), live.as_str()) else { return false };
        let id = |text: &str| text.rsplit('/').next().map(str::to_owned);
        let both_whole = desired.starts_with("arn:") && live.starts_with("arn:");
        return if both_whole { desired == live } else { id(desired) == id(live) };
    }
    desired.same(live)
}

#[async_trait(?Send)]
impl Resource for DomainResource {
    fn kind(&self) -> Kind {
        Kind::Domain
    }

    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let domains = || [scope.arn("sagemaker", "domain/*")];
        let mut grants = vec![
            Grant::anywhere(FIND, &["sagemaker:ListDomains"]),
            // Whose a domain is its tags say, so any may have to be looked at: its settings, nothing that is in it.
            Grant::new(FIND, &["sagemaker:DescribeDomain", "sagemaker:ListTags"], domains()),
            Grant::new(MAKE, &["sagemaker:CreateDomain"], domains()).tagging_as_ours(scope),
            Grant::new(MAKE, &["sagemaker:AddTags"], domains()).tagging_as_ours(scope).when(
                "StringEquals",
                "sagemaker:TaggingAction",
                ["CreateDomain".to_owned()],
            ),
            Grant::new(MAKE, &["iam:PassRole"], scope.passed_roles()).when(
                "StringEquals",
                "iam:PassedToService",
                ["sagemaker.amazonaws.com".to_owned()],
            ),
            // Once an account, with the first domain.
            Grant::new(
                MAKE,
                &["iam:CreateServiceLinkedRole"],
                [scope.deployment.iam_arn(&format!("role/aws-service-role/{SERVICE}/{SERVICE_LINKED_ROLE}"))],
            )
            .when("StringEquals", "iam:AWSServiceName", [SERVICE.to_owned()]),
        ];
        let changes = ["sagemaker:UpdateDomain", "sagemaker:AddTags", "sagemaker:DeleteTags"];
        grants.extend(scope.owned(&Grant::new(MAKE, &changes, domains())));
        grants.extend(scope.owned(&Grant::new(CHANGE, &["sagemaker:DeleteDomain"], domains())));
        grants.extend(encryption(scope));
        // Whether the keys that settings name are there.
        grants.extend(
            scope
                .named_keys()
                .iter()
                .map(|key| kms_key::given_key(scope, key, Grant::new(RESOLVE, &["kms:DescribeKey"], []))),
        );
        grants
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        let config = &desired.config.domain;
        let or = |value: &Option<String>, default: &str| Value::from(value.as_deref().unwrap_or(default));
        let tags = desired.tags(&address());
        let mut domain_settings =
            config.domain_settings.as_ref().map_or_else(Value::map, |settings| without_empty(settings.wire().into()));
        // Every call that a notebook makes carries its user's profile name as source identity.
        if domain_settings.get("ExecutionRoleIdentityConfig").is_none() {
            domain_settings.set("ExecutionRoleIdentityConfig", "USER_PROFILE_NAME");
        }
        let mut properties = Value::from_iter([
            ("DomainName", or(&config.domain_name, &desired.names.domain)),
            ("AuthMode", config.auth_mode.as_str().into()),
            ("AppNetworkAccessType", or(&config.app_network_access_type, "VpcOnly")),
            ("VpcId", config.vpc_id.as_str().into()),
            ("SubnetIds", config.subnet_ids.iter().map(String::as_str).collect::<Vec<_>>().into()),
            ("KmsKeyId", Value::Text(kms_key::arn(desired))),
            ("DefaultUserSettings", user_settings(desired)),
            ("DomainSettings", domain_settings),
            ("Tags", tags.clone()),
            ("HomeEfsTags", tags.clone()),
            ("NfsSecurityGroupTags", tags),
        ]);
        if let Some(settings) = &config.default_space_settings {
            let mut settings = completed(Value::from(settings.wire()));
            // AWS refuses space settings without a role; groups of their own they need as users do.
            if settings.get("ExecutionRole").is_none() {
                settings.set("ExecutionRole", execution_role::arn(desired));
            }
            let mut groups = vec![Value::Text(security_group::id(desired))];
            groups.extend(settings.get("SecurityGroups").map(Value::items).unwrap_or_default().iter().cloned());
            groups.dedup();
            settings.set("SecurityGroups", groups);
            properties.set("DefaultSpaceSettings", settings);
        }
        for (key, value) in [
            ("AppSecurityGroupManagement", &config.app_security_group_management),
            ("TagPropagation", &config.tag_propagation),
        ] {
            if let Some(value) = value {
                properties.set(key, value.as_str());
            }
        }
        let mut node = Node::new(address(), properties);
        node.sources = sources(desired);
        // Once there, space settings stay: they must not go on naming a role or a group that goes.
        if config.default_space_settings.is_none() {
            let spaces = [
                ("ExecutionRole", Value::Text(execution_role::arn(desired))),
                ("SecurityGroups", Value::List(vec![Value::Text(security_group::id(desired))])),
            ];
            node.fallback.set("DefaultSpaceSettings", Value::from_iter(spaces));
        }
        vec![node]
    }

    async fn observe(&self, account: &Account, view: View<'_>) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![(address(), find(account, view.nodes.first()).await?)])
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let request = create_request(node);
        let attempt = async || {
            let create = send_document!(account.sagemaker.create_domain(), request.clone());
            match create.await.map_err(|e| failed("CreateDomain", e)) {
                Ok(_) => Ok(()),
                // Our own attempt whose answer was lost: names are unique.
                Err(error) if error.is("ResourceInUse") => Ok(()),
                Err(error) => Err(error),
            }
        };
        let mut again = true;
        let observed = loop {
            account.despite_propagation(&attempt).await?;
            match settled(account, node, Action::Create).await {
                Err(error) if error.kind == ErrorKind::Failed => {
                    let failed = find(account, Some(node)).await;
                    let failed = failed.ok().and_then(|found| found.ours().cloned());
                    // Before anything else may happen to it, what was made for it is known to be ours.
                    if let Some(failed) = &failed
                        && unused::is_unused(account, failed).await?
                    {
                        unused::mark(account, &node.address, failed).await?;
                    }
                    let Some(failed) = failed.filter(|_| again && passes(&error)) else { return Err(error) };
                    again = false;
                    account.notice(Some(&node.address), format!("{}; trying once more", error.message));
                    self.delete(account, &node.address, &failed).await?;
                }
                other => break other?,
            }
        };
        let refused = write_side_tags(account, node, &observed, &[]).await?;
        Ok(Observed { refused, ..settled(account, node, Action::Create).await? })
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let observed = if matches!(observed.state, State::Busy(_)) {
            at_rest(account, node, &observed.id).await?
        } else {
            observed.clone()
        };
        let arn = observed.outputs.get("DomainArn").map(String::as_str).unwrap_or_default();
        write_tags(account, arn, node, changes).await?;
        let request = update_request(node, &observed, changes);
        let retry = matches!(observed.state, State::UpdateFailed(_));
        if request.as_object().is_some_and(|members| members.len() > 1) || retry {
            let attempt = async || {
                let update = send_document!(account.sagemaker.update_domain(), request.clone());
                match update.await.map_err(|e| failed("UpdateDomain", e)) {
                    // Another change of the domain is under way: wait for it, then this one is next.
                    Err(error) if error.is("ResourceInUse") => {
                        settled(account, node, Action::Update).await?;
                        Ok(WaitProgress::Busy("being changed".into()))
                    }
                    other => other.map(|_| WaitProgress::Ready(())),
                }
            };
            let patience = account.patience(Kind::Domain, Action::Update, Patience::DOMAIN);
            account.clock.until("domain.studio", patience, attempt).await?;
        }
        let observed = settled(account, node, Action::Update).await?;
        let refused = write_side_tags(account, node, &observed, changes).await?;
        Ok(Observed { refused, ..settled(account, node, Action::Update).await? })
    }

    async fn delete(&self, account: &Account, address: &Address, observed: &Observed) -> Result<Deleted, CloudError> {
        let id = &observed.id;
        // Nobody's home directory is on what was made for a domain that failed; once that is written there, it may go.
        let is_unused = unused::is_unused(account, observed).await?;
        if is_unused {
            unused::mark(account, address, observed).await?;
        }
        let goes = is_unused || account.retention.delete_home_efs == Some(true);
        let keep = if goes { RetentionType::Delete } else { RetentionType::Retain };
        let retention = RetentionPolicy::builder().home_efs_file_system(keep).build();
        let attempt = async || {
            let delete = account.sagemaker.delete_domain().domain_id(id).retention_policy(retention.clone());
            match delete.send().await.map_err(|e| failed("DeleteDomain", e)) {
                // What it holds may still be going away, and so may the domain itself.
                Err(error) if error.is("ResourceInUse") => match status(account, id).await? {
                    Some((word, _)) if word == "Deleting" => Ok(WaitProgress::Ready(())),
                    None => Ok(WaitProgress::Ready(())),
                    Some((word, _)) if matches!(word.as_str(), "Pending" | "Updating") => Ok(WaitProgress::Busy(word)),
                    Some(_) => app::still_held(error, &left_in(account, id, false).await?),
                },
                Err(error) if error.kind == ErrorKind::NotFound => Ok(WaitProgress::Ready(())),
                other => other.map(|_| WaitProgress::Ready(())),
            }
        };
        let patience = account.patience(Kind::Domain, Action::Delete, Patience::DOMAIN);
        account.clock.until(&address.to_string(), patience, attempt).await?;
        let gone = async || match status(account, id).await? {
            None => Ok(WaitProgress::Ready(())),
            Some((word, reason)) if word == "Delete_Failed" => {
                Err(CloudError { sent: Sent::Yes, ..CloudError::new(ErrorKind::Failed, "DeleteDomain", reason) })
            }
            Some((word, _)) => {
                account.phase(address, &word);
                Ok(WaitProgress::Busy(word))
            }
        };
        account.clock.until(&address.to_string(), patience, gone).await?;
        if is_unused {
            unused::clear_away(account, address, id).await;
        }
        Ok(Deleted::Gone)
    }
}

/// Whether a domain that failed for this reason is made by a second attempt: SageMaker sometimes does not see the key
/// that it was given. Source: https://github.com/aws/aws-cdk/issues/34818.
fn passes(error: &CloudError) -> bool {
    error.kind == ErrorKind::Failed && error.message.contains("KMS key 'null' does not exist")
}

/// MDAA's settings: the defaults, overridden by the user's, completed by the generated lifecycle configs.
pub(super) fn user_settings(desired: &Desired) -> Value {
    let config = &desired.config.domain;
    let mut settings = complete(&config.default_user_settings);
    for (app, instance) in [("JupyterServer", Some("system")), ("JupyterLab", None), ("KernelGateway", Some("system"))]
    {
        let key = format!("{app}AppSettings");
        let list = Path(vec![key.clone(), "LifecycleConfigArns".into()]);
        // An empty list is sent too: that is how configs that are no longer wanted are detached.
        if settings.at(&list).is_none() {
            settings.set_at(&list, Value::List(Vec::new()));
        }
        let spec = Path(vec![key, "DefaultResourceSpec".into(), "InstanceType".into()]);
        if let Some(instance) = instance.filter(|_| settings.at(&spec).is_none()) {
            settings.set_at(&spec, instance.into());
        }
    }
    for kind in LifecycleKind::ALL.into_iter().filter(|kind| config.lifecycle_configs.contains_key(kind)) {
        let key = format!("{}AppSettings", kind.app_type());
        let list = Path(vec![key.clone(), "LifecycleConfigArns".into()]);
        let mut arns = settings.at(&list).map(Value::items).unwrap_or_default().to_vec();
        arns.push(Value::Text(lifecycle_config::arn(kind)));
        settings.set_at(&list, Value::List(arns));
        let default = Path(vec![key, "DefaultResourceSpec".into(), "LifecycleConfigArn".into()]);
        settings.set_at(&default, Value::Text(lifecycle_config::arn(kind)));
    }
    settings.set("ExecutionRole", execution_role::arn(desired));
    let mut groups = vec![Value::Text(security_group::id(desired))];
    for group in config.default_user_settings.security_groups.iter().flatten() {
        let group = Value::from(group.as_str());
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    settings.set("SecurityGroups", groups);
    settings
}

/// The same without structures that say nothing, which AWS refuses: https://github.com/hashicorp/terraform-provider-aws/issues/27990.
/// Empty lists stay, since they take settings back.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Map(members) => members
            .into_iter()
            .map(|(key, value)| (key, without_empty(value)))
            .filter(|(_, value)| *value != Value::map() && value.as_str() != Some(""))
            .collect(),
        Value::List(items) => Value::List(items.into_iter().map(without_empty).collect()),
        other => other,
    }
}

/// Settings of a user on the wire, with what the API demands besides what people write.
pub(super) fn complete(settings: &UserSettings) -> Value {
    let mut wire = completed(Value::from(settings.wire()));
    // AWS refuses a disabled portal while the landing page is still in it.
    if wire.text("StudioWebPortal") == Some("DISABLED") && wire.get("DefaultLandingUri").is_none() {
        wire.set("DefaultLandingUri", "app:JupyterServer:");
    }
    wire
}

/// Settings of users or spaces with what the API demands of their apps.
fn completed(settings: Value) -> Value {
    let mut wire = without_empty(settings);
    // An app whose default lifecycle config is not in its list fails to start.
    for app in ["JupyterServer", "JupyterLab", "KernelGateway", "CodeEditor"] {
        let key = format!("{app}AppSettings");
        let Some(default) =
            wire.get(&key).and_then(|app| app.get("DefaultResourceSpec")?.get("LifecycleConfigArn").cloned())
        else {
            continue;
        };
        let list = Path(vec![key, "LifecycleConfigArns".into()]);
        let mut arns = wire.at(&list).map(Value::items).unwrap_or_default().to_vec();
        if !arns.contains(&default) {
            arns.push(default);
            wire.set_at(&list, Value::List(arns));
        }
    }
    // API reference, JupyterServerAppSettings: scripts need a default resource too, and `system` is the one that there is.
    let server = wire.get("JupyterServerAppSettings");
    let has_scripts =
        server.and_then(|server| server.get("LifecycleConfigArns")).is_some_and(|arns| !arns.items().is_empty());
    if has_scripts && server.is_some_and(|server| server.get("DefaultResourceSpec").is_none()) {
        wire.set_at(&Path::of(["JupyterServerAppSettings", "DefaultResourceSpec", "InstanceType"]), "system".into());
    }
    wire
}

/// The YAML places of the settings that stand at `keys` and become the property `property`.
pub(super) fn setting_sources(
    desired: &Desired,
    settings: &Value,
    property: &str,
    keys: &[&str],
) -> Vec<(Path, crate::model::Source)> {
    let mut sources = Vec::new();
    for (path, _) in settings.leaves() {
        let mut at = Path::of([property]);
        let mut keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        for key in path.0 {
            let mut letters = key.chars();
            keys.push(letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default());
            at.0.push(key);
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            sources.extend(desired.source(&keys).map(|source| (at.clone(), source)));
        }
    }
    sources
}

/// The YAML places of the properties; a setting's are found by walking its keys.
fn sources(desired: &Desired) -> BTreeMap<Path, crate::model::Source> {
    let fixed: [(&[&str], &[&str]); 11] = [
        (&[], &["domain"]),
        (&["AuthMode"], &["domain", "authMode"]),
        (&["VpcId"], &["domain", "vpcId"]),
        (&["SubnetIds"], &["domain", "subnetIds"]),
        (&["KmsKeyId"], &["domain", "kmsKeyArn"]),
        (&["AppNetworkAccessType"], &["domain", "appNetworkAccessType"]),
        (&["DefaultUserSettings", "ExecutionRole"], &["domain", "defaultExecutionRole"]),
        (&["DefaultUserSettings", "SecurityGroups"], &["domain", "securityGroupId"]),
        (&["DefaultSpaceSettings"], &["domain", "defaultSpaceSettings"]),
        (&["DomainSettings"], &["domain", "domainSettings"]),
        (&["Tags"], &["deployment", "tags"]),
    ];
    let own = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<String>>();
    let mut sources: BTreeMap<Path, _> =
        fixed.into_iter().filter_map(|(path, keys)| Some((Path(own(path)), desired.source(keys)?))).collect();
    let settings = Value::from(desired.config.domain.default_user_settings.wire());
    sources.extend(setting_sources(desired, &settings, "DefaultUserSettings", &["domain", "defaultUserSettings"]));
    if let Some(spaces) = &desired.config.domain.default_space_settings {
        let keys = ["domain", "defaultSpaceSettings"];
        sources.extend(setting_sources(desired, &Value::from(spaces.wire()), "DefaultSpaceSettings", &keys));
    }
    for kind in LifecycleKind::ALL.iter().filter(|kind| desired.config.domain.lifecycle_configs.contains_key(kind)) {
        let Some(source) = desired.source(&["domain", "lifecycleConfigs", kind.key(), "cmds"]) else { continue };
        let app = format!("{}AppSettings", kind.app_type());
        let given = settings.at(&Path(own(&[&app, "LifecycleConfigArns"]))).map_or(0, |given| given.items().len());
        for keys in [&["LifecycleConfigArns", &given.to_string()], &["DefaultResourceSpec", "LifecycleConfigArn"]] {
            sources.insert(Path(own(&["DefaultUserSettings", &app, keys[0], keys[1]])), source.clone());
        }
    }
    for at in (0..desired.config.domain.subnet_ids.len()).map(|at| at.to_string()) {
        sources.extend(
            desired.source(&["domain", "subnetIds", &at]).map(|source| (Path(own(&["SubnetIds", &at])), source)),
        );
    }
    sources
}

/// The service that roles are passed to.
const SERVICE: &str = "sagemaker.amazonaws.com";
/// The role with which SageMaker makes file systems and network interfaces (developer guide, "AWS managed policies for
/// SageMaker notebooks").
const SERVICE_LINKED_ROLE: &str = "AWSServiceRoleForAmazonSageMakerNotebooks";

/// What CreateDomain does with the key in the caller's name, through SageMaker and EFS alone (developer guide, "SageMaker
/// API permissions: actions, permissions, and resources reference", CreateDomain with a customer managed key).
fn encryption(scope: &Scope<'_>) -> Vec<Grant> {
    let region = &scope.deployment.region;
    // What follows the region differs between partitions.
    let through = ["sagemaker", "elasticfilesystem"].map(|service| format!("{service}.{region}.*"));
    let uses = Grant::new(
        MAKE,
        // Looking at it is allowed as it is, whoever asks for it.
        &["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"],
        [scope.arn("kms", "key/*")],
    );
    let grants = Grant { actions: ["kms:CreateGrant"].into(), ..uses.clone() };
    let grants = grants.when("Bool", "kms:GrantIsForAWSResource", ["true".to_owned()]);
    let both = [uses, grants].map(|grant| grant.when("StringLike", "kms:ViaService", through.clone()));
    let mut both: Vec<Grant> = match &scope.config.domain.kms_key_arn {
        Some(given) => both.into_iter().map(|grant| kms_key::given_key(scope, given, grant)).collect(),
        None => both.iter().flat_map(|grant| scope.owned(grant)).collect(),
    };
    // The file system is new, so that nothing says yet whose it is.
    both.push(Grant::anywhere(MAKE, &["elasticfilesystem:CreateFileSystem"]));
    both
}

/// The body of CreateDomain: every property but those that AWS makes by itself.
fn create_request(node: &Node) -> Json {
    let mut request = node.properties.to_request();
    if let Some(members) = request.as_object_mut() {
        members.remove("HomeEfsTags");
        members.remove("NfsSecurityGroupTags");
        let tags = ownership::of(&node.properties);
        members.insert("Tags".into(), tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect());
    }
    request
}

/// The body of UpdateDomain: only top-level members that changed, and of the settings trees only the members that
/// changed, those in full. AWS merges, to an undocumented depth: this is right whichever it is; and it refuses some
/// members even when they say what already holds.
fn update_request(node: &Node, observed: &Observed, changes: &[Change]) -> Json {
    let mut request = Value::from_iter([("DomainId", observed.id.as_str())]);
    for change in changes {
        let keys: Vec<&str> = change.path.0.iter().map(String::as_str).collect();
        match keys.as_slice() {
            ["Tags" | "HomeEfsTags" | "NfsSecurityGroupTags", ..] | [] => {}
            [top @ ("DefaultUserSettings" | "DefaultSpaceSettings" | "DomainSettings"), member, ..] => {
                let path = for_update(&Path::of([top, member]));
                if request.at(&path).is_none()
                    && let Some(whole) = node.properties.at(&Path::of([top, member]))
                {
                    request.set_at(&path, whole.clone());
                }
            }
            [top, ..] => {
                if let Some(whole) = node.properties.get(top) {
                    request.set(*top, whole.clone());
                }
            }
        }
    }
    take_back(&mut request, changes, for_update);
    // "VpcId and Subnet IDs are required for updating domains to VpcOnly mode", and neither is for the way back:
    // https://github.com/hashicorp/terraform-provider-aws/issues/45528.
    if request.text("AppNetworkAccessType") == Some("VpcOnly") {
        for key in ["SubnetIds", "VpcId"] {
            if let Some(value) = node.properties.get(key) {
                request.set(key, value.clone());
            }
        }
    }
    if request.at(&Path::of(["DefaultUserSettings", "StudioWebPortal"])).is_some() {
        couple_portal(&mut request, node, "DefaultUserSettings");
    }
    request.to_request()
}

/// Where UpdateDomain takes what DescribeDomain has at `path`.
fn for_update(path: &Path) -> Path {
    let mut path = path.clone();
    if path.0.first().is_some_and(|top| top == "DomainSettings") {
        path.0[0] = "DomainSettingsForUpdate".into();
        if let Some(member) = path.0.get_mut(1).filter(|member| *member == "RStudioServerProDomainSettings") {
            member.push_str("ForUpdate");
        }
    }
    path
}

/// Puts in what takes settings back.
pub(super) fn take_back(request: &mut Value, changes: &[Change], place: impl Fn(&Path) -> Path) {
    for change in changes.iter().filter(|change| change.unsets) {
        let tags = change.path.0.first().is_some_and(|key| key.ends_with("Tags"));
        if let Some(after) = change.after.as_ref().filter(|_| !tags) {
            request.set_at(&place(&change.path), after.clone());
        }
    }
}

/// The portal and the landing page go together: either alone is refused.
pub(super) fn couple_portal(request: &mut Value, node: &Node, settings: &str) {
    let uri = Path::of([settings, "DefaultLandingUri"]);
    if request.at(&uri).is_none() {
        let wanted = node.properties.at(&uri).cloned();
        let enabled = request.at(&Path::of([settings, "StudioWebPortal"])).and_then(Value::as_str) == Some("ENABLED");
        let fallback = if enabled { "studio::" } else { "app:JupyterServer:" };
        request.set_at(&uri, wanted.unwrap_or_else(|| fallback.into()));
    }
}

/// The deployment's own domain, if it has one.
///
/// # Errors
/// What SageMaker fails with.
pub async fn live(account: &Account) -> Result<Option<Observed>, CloudError> {
    Ok(find(account, None).await?.ours().cloned())
}

/// The live domain of our name.
async fn find(account: &Account, node: Option<&Node>) -> Result<Found, CloudError> {
    let name = node.and_then(|node| node.properties.text("DomainName")).unwrap_or(&account.names.domain);
    let domains = account.sagemaker.list_domains().into_paginator().items().send().try_collect().await;
    let domains = domains.map_err(|e| failed("ListDomains", e))?;
    let named = domains.iter().find(|domain| domain.domain_name() == Some(name));
    if let Some(id) = named.and_then(|domain| domain.domain_id()) {
        return describe(account, id).await;
    }
    // The config may have given it another name since: that is a change of our domain, not a second one.
    for domain in &domains {
        let (Some(id), Some(arn)) = (domain.domain_id(), domain.domain_arn()) else { continue };
        let is_ours = match live_tags(account, arn).await {
            Ok(tags) => ownership::owner_in(account, &tags).await?.is_none(),
            Err(error) if error.kind == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if is_ours {
            return describe(account, id).await;
        }
    }
    Ok(Found::Absent)
}

async fn describe(account: &Account, id: &str) -> Result<Found, CloudError> {
    let Some(live) = describe_json(account, id).await? else { return Ok(Found::Absent) };
    let text = |key: &str| live.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let arn = text("DomainArn");
    let efs = text("HomeEfsFileSystemId");
    let tags = live_tags(account, &arn);
    let (tags, home, nfs) =
        tokio::join!(tags, home_efs::tags(account, &efs), nfs_security_group::common_tags(account, id));
    let mut properties = Value::map();
    for key in [
        "DomainName",
        "AuthMode",
        "AppNetworkAccessType",
        "VpcId",
        "SubnetIds",
        "KmsKeyId",
        "DefaultUserSettings",
        "DefaultSpaceSettings",
        "DomainSettings",
        "AppSecurityGroupManagement",
        "TagPropagation",
    ] {
        if let Some(value) = live.get(key) {
            properties.set(key, value.clone());
        }
    }
    let mut properties = named_key::by_arn(&account.deployment, properties);
    if let Some(alias) = properties.text("KmsKeyId").filter(|key| key.contains("alias/")).map(str::to_owned) {
        properties.set("KmsKeyId", resolve::key_arn(account, &alias).await?);
    }
    let tags = match tags {
        Ok(tags) => tags,
        // Gone between the two calls.
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    properties.set("Tags", ownership::property(&tags));
    properties.set("HomeEfsTags", ownership::property(&home?));
    properties.set("NfsSecurityGroupTags", ownership::property(&nfs?));
    let url = text("Url");
    let mut observed = Observed::new(id, properties)
        .output("DomainId", id)
        .output("DomainArn", &arn)
        .output("HomeEfsFileSystemId", &efs)
        .output("Url", &url);
    let application = text("SingleSignOnApplicationArn");
    if !application.is_empty() {
        observed = observed.output("SingleSignOnApplicationArn", application);
    }
    observed.state = state_of(&live);
    // One that failed first and could not be deleted then never served anybody either.
    if let State::DeleteFailed(reason) = &observed.state
        && unused::is_unused(account, &observed).await?
    {
        observed.state = State::Failed(reason.clone());
    }
    ownership::judge(account, observed).await
}

async fn describe_json(account: &Account, id: &str) -> Result<Option<Json>, CloudError> {
    let capture = Capture::default();
    let describe = account.sagemaker.describe_domain().domain_id(id).customize().interceptor(capture.clone());
    match describe.send().await.map_err(|e| failed("DescribeDomain", e)) {
        Ok(_) => capture.take("DescribeDomain").map(Some),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn status(account: &Account, id: &str) -> Result<Option<(String, String)>, CloudError> {
    let live = describe_json(account, id).await?;
    let text = |live: &Json, key: &str| live.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok(live.map(|live| (text(&live, "Status"), text(&live, "FailureReason"))))
}

/// What is left in a domain now, profiles and spaces: all of them, or those that are not on their way out.
pub(super) async fn left_in(account: &Account, id: &str, all: bool) -> Result<Vec<String>, CloudError> {
    let profiles = account.sagemaker.list_user_profiles().domain_id_equals(id).into_paginator().items();
    let profiles = profiles.send().try_collect().await.map_err(|e| failed("ListUserProfiles", e))?;
    let is_going = |status: &str| status == "Deleting";
    let stays = profiles.iter().filter(|profile| all || !profile.status().is_some_and(|s| is_going(s.as_str())));
    let names = stays.filter_map(|profile| profile.user_profile_name());
    let mut left: Vec<String> = names.map(|name| Address::new(Kind::UserProfile, name).to_string()).collect();
    left.extend(space::left_in(account, id, None).await?.into_iter().map(|(_, address)| address));
    Ok(left)
}

/// What a status of SageMaker's state machine means, for domains, profiles and spaces alike.
pub(super) fn state(status: &str, reason: String) -> State {
    match status {
        "InService" => State::Usable,
        "Failed" => State::Failed(reason),
        "Update_Failed" => State::UpdateFailed(reason),
        "Delete_Failed" => State::DeleteFailed(reason),
        other => State::Busy(other.to_owned()),
    }
}

/// What an operation that AWS accepted came to, if it failed: told as the operation's own failure, since no call did.
pub(super) fn ended_badly(what: &str, observed: &Observed, state: &State) -> Option<CloudError> {
    let (verb, status, reason) = match state {
        State::Failed(reason) => ("Create", "Failed", reason),
        State::UpdateFailed(reason) => ("Update", "Update_Failed", reason),
        State::DeleteFailed(reason) => ("Delete", "Delete_Failed", reason),
        State::Usable | State::Busy(_) | State::PendingDeletion(_) | State::Disabled => return None,
    };
    let message = format!("{} is {status}: {reason}", observed.id);
    Some(CloudError { sent: Sent::Yes, ..CloudError::new(ErrorKind::Failed, format!("{verb}{what}"), message) })
}

/// The domain once nothing is being done to it, before it is changed: one that is taken over is not ours yet.
async fn at_rest(account: &Account, node: &Node, id: &str) -> Result<Observed, CloudError> {
    let look = async || match describe_json(account, id).await?.as_ref().map(state_of) {
        Some(State::Busy(status)) => {
            account.phase(&node.address, &status);
            Ok(WaitProgress::Busy(status))
        }
        _ => Ok(WaitProgress::Ready(())),
    };
    let patience = account.patience(Kind::Domain, Action::Update, Patience::DOMAIN);
    account.clock.until(&node.address.to_string(), patience, look).await?;
    let observed = to_change(&node.address, describe(account, id).await?)?;
    match ended_badly("Domain", &observed, &observed.state) {
        Some(error) => Err(error),
        None => Ok(observed),
    }
}

/// The domain once it is in service.
async fn settled(account: &Account, node: &Node, action: Action) -> Result<Observed, CloudError> {
    let mut id: Option<String> = None;
    let look = async || {
        // Once it is found its status is all that is asked for, until that says that it is done.
        let live = match &id {
            Some(id) => describe_json(account, id).await?,
            None => None,
        };
        if let Some(State::Busy(status)) = live.as_ref().map(state_of) {
            account.phase(&node.address, &status);
            return Ok(WaitProgress::Busy(status));
        }
        let found = find(account, Some(node)).await?;
        let Found::Ours(observed) = &found else {
            // A list may lag behind the create, and tags behind taking over.
            let late = is_late(&found, action);
            return if late {
                Ok(WaitProgress::Busy("not visible".into()))
            } else {
                Err(not_ours(&node.address, &found))
            };
        };
        id = Some(observed.id.clone());
        match &observed.state {
            State::Busy(status) => {
                account.phase(&node.address, status);
                Ok(WaitProgress::Busy(status.clone()))
            }
            state => match ended_badly("Domain", observed, state) {
                Some(error) => Err(error),
                None => Ok(WaitProgress::Ready(observed.clone())),
            },
        }
    };
    let patience = account.patience(Kind::Domain, action, Patience::DOMAIN);
    account.clock.until(&node.address.to_string(), patience, look).await
}

/// The state that a described domain is in.
fn state_of(live: &Json) -> State {
    let text = |key: &str| live.get(key).and_then(Json::as_str).unwrap_or_default();
    state(text("Status"), text("FailureReason").to_owned())
}

/// The deployment's tags on what SageMaker makes behind a domain: nothing propagates to it. The domain serves without, so
/// that what may not be tagged is said, and is what this returns.
async fn write_side_tags(
    account: &Account,
    node: &Node,
    observed: &Observed,
    changes: &[Change],
) -> Result<Vec<Path>, CloudError> {
    let mut refused = Vec::new();
    for (key, what) in [("HomeEfsTags", "home file system"), ("NfsSecurityGroupTags", "NFS security groups")] {
        let live = observed.properties.get(key);
        let wanted = node.properties.get(key).map(Value::entries).into_iter().flatten();
        let write: BTreeMap<String, String> = wanted
            .filter(|(key, value)| live.and_then(|live| live.get(key)) != Some(value))
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect();
        let gone = changes.iter().filter(|change| change.unsets && change.path.0[0] == key);
        let remove: Vec<String> = gone.filter_map(|change| change.path.0.get(1).cloned()).collect();
        if write.is_empty() && remove.is_empty() {
            continue;
        }
        let written = if key == "HomeEfsTags" {
            let efs = observed.outputs.get("HomeEfsFileSystemId").map(String::as_str).unwrap_or_default();
            home_efs::tag(account, efs, &write, remove).await
        } else {
            nfs_security_group::tag(account, &observed.id, &write, remove).await
        };
        match written {
            Err(error) if error.kind == ErrorKind::Denied => {
                account.notice(Some(&node.address), format!("the {what} could not be tagged: {error}"));
                refused.push(Path::of([key]));
            }
            other => other?,
        }
    }
    Ok(refused)
}

/// The tags of a SageMaker object.
pub(super) async fn live_tags(account: &Account, arn: &str) -> Result<BTreeMap<String, String>, CloudError> {
    let tags = account.sagemaker.list_tags().resource_arn(arn).into_paginator().items().send().try_collect().await;
    let tags = tags.map_err(|e| failed("ListTags", e))?;
    let pair = |tag: Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
    Ok(tags.into_iter().map(pair).collect())
}

/// Tags as SageMaker takes them.
pub(super) fn tag_list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CloudError> {
    Ok(tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect())
}

/// Makes the tag changes of a SageMaker object: tags never need an update call, let alone a replacement.
pub(super) async fn write_tags(
    account: &Account,
    arn: &str,
    node: &Node,
    changes: &[Change],
) -> Result<(), CloudError> {
    let (write, remove) = ownership::difference(&node.properties, changes);
    if !write.is_empty() {
        let add = account.sagemaker.add_tags().resource_arn(arn).set_tags(Some(tag_list(&write)?));
        add.send().await.map_err(|e| failed("AddTags", e))?;
    }
    if !remove.is_empty() {
        let delete = account.sagemaker.delete_tags().resource_arn(arn).set_tag_keys(Some(remove));
        delete.send().await.map_err(|e| failed("DeleteTags", e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Text;

    #[test]
    fn a_key_is_compared_by_what_it_denotes() {
        let path = Path::of(["KmsKeyId"]);
        let arn = Value::from("arn:aws:kms:us-east-1:111122223333:key/abc");
        assert!(same_setting(&path, &arn, &Value::from("abc")));
        assert!(!same_setting(&path, &arn, &Value::from("abd")));
        assert!(same_setting(&path, &arn, &arn));
        for other in ["arn:aws:kms:eu-west-1:111122223333:key/abc", "arn:aws:kms:us-east-1:444455556666:key/abc"] {
            assert!(!same_setting(&path, &arn, &Value::from(other)), "{other}");
        }
        assert!(!same_setting(&path, &Value::Text(Text::output(address(), "Arn")), &Value::from("abd")));
    }

    #[test]
    fn an_update_carries_only_what_changed() {
        let node = Node::new(
            address(),
            Value::from(json!({
                "AppNetworkAccessType": "VpcOnly",
                "SubnetIds": ["a", "b"],
                "DefaultUserSettings": {"ExecutionRole": "r", "JupyterLabAppSettings": {"LifecycleConfigArns": ["x"]}},
                "DomainSettings": {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"},
                "Tags": {"a": "b"},
            })),
        );
        let change = |path: Path| Change { path, before: None, after: None, source: None, unsets: false };
        let lifecycle = Path::of(["DefaultUserSettings", "JupyterLabAppSettings", "LifecycleConfigArns"]);
        let changes = [change(lifecycle), change(Path::of(["Tags", "a"]))];
        let request = update_request(&node, &Observed::new("d-1", Value::map()), &changes);
        let expected = json!({"DomainId": "d-1", "DefaultUserSettings": {"JupyterLabAppSettings": {"LifecycleConfigArns": ["x"]}}});
        assert_eq!(request, expected);
    }
}
