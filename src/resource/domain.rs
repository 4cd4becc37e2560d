//! The kind `domain`: the Studio domain.
//!
//! Identity: its name, which AWS keeps unique in a region. Name, authentication mode, VPC and key are immutable: a
//! replaced domain has a new, empty home file system, so that is never done without consent. Settings merge on update,
//! so only what changed is sent, and what the config no longer sets is taken back explicitly. Destroy keeps the home
//! file system unless told otherwise.

mod desired;
mod observe;
mod request;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sagemaker::types::{RetentionPolicy, RetentionType};

use super::permissions::{CHANGE, FIND, Grant, MAKE, RESOLVE, Scope};
use super::studio::settings::{same_setting, unset_setting};
use super::studio::tags::write_tags;
use super::studio::wait::{Begun, delete, wait_until_idle, wait_until_usable};
use super::{
    Desired, ObserveContext, Resource, home_efs, kms_key, nfs_security_group, required, settings_watch, unused,
};
use crate::aws::Account;
use crate::aws::error::failed;
use crate::aws::wait::{WaitPolicy, WaitProgress};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Kind, Node, Observed, Path, State, Value};
use crate::plan::outline::named;
use crate::plan::{Action, Apps, Change, DeletionPolicy, Effect, Outline, Retention, Rules, Unset, Watched};
use crate::send_document;
use crate::wording::counted;
pub use desired::user_settings;
use observe::{Awaited, find};
pub use observe::{left_in, live};

/// Verbs and rules of the kind `domain`.
#[derive(Debug)]
pub struct DomainResource;

/// The only address of the kind.
pub fn address() -> Address {
    Address::new(Kind::Domain, "studio")
}

/// The settings of an app that users notice: when it stops by itself, on what it runs, and what it starts with.
fn of_app(settings: &Value) -> String {
    let at = |keys: &[&str]| settings.at(&Path(keys.iter().map(ToString::to_string).collect()));
    let idle = &["AppLifecycleManagement", "IdleSettings", "IdleTimeoutInMinutes"];
    let idle = at(idle).map(|minutes| format!("idle after {} min", minutes.to_json()));
    let machine = at(&["DefaultResourceSpec", "InstanceType"]).and_then(Value::as_str);
    // What AWS takes by itself is no decision.
    let machine = machine.filter(|machine| *machine != "system").map(str::to_owned);
    let script = at(&["DefaultResourceSpec", "LifecycleConfigArn"]);
    let script = script.map(|script| format!("starts with {}", named(Some(script))));
    let images = at(&["CustomImages"]).map_or(0, |images| images.items().len());
    let images = (images > 0).then(|| counted(images, "image"));
    [idle, machine, script, images].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl Rules for DomainResource {
    fn outline(&self, node: &Node) -> Outline {
        let properties = &node.properties;
        let text = |key| properties.text(key).unwrap_or_default();
        let subnets = properties.get("SubnetIds").map_or(0, |subnets| subnets.items().len());
        let (mode, network) = (text("AuthMode"), text("AppNetworkAccessType"));
        let headline = [mode, network].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
        let mut outline =
            Outline::new(format!("{headline}, {}", counted(subnets, "subnet"))).fact("name", text("DomainName"));
        let settings = properties.get("DefaultUserSettings");
        outline = outline.fact("runs as", named(settings.and_then(|settings| settings.get("ExecutionRole"))));
        for (app, settings) in settings.into_iter().flat_map(Value::entries) {
            if let Some(app) = app.strip_suffix("AppSettings") {
                outline = outline.fact(app, of_app(settings));
            }
        }
        outline
    }

    /// SageMaker deletes the home file system with the domain, or leaves it where it is.
    fn deletion_policy(&self, retention: &Retention) -> DeletionPolicy {
        if retention.delete_home_efs == Some(true) { DeletionPolicy::Delete } else { DeletionPolicy::Retain }
    }

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
        vec![desired::node(desired)]
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![(address(), find(account, context.nodes.first()).await?)])
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let request = request::create(node);
        let attempt = async || {
            let create = send_document!(account.sagemaker.create_domain(), request.clone());
            match create.await.map_err(|e| failed("CreateDomain", e)) {
                Ok(_) => Ok(Begun::Now),
                // Our own attempt whose answer was lost: names are unique.
                Err(error) if error.is("ResourceInUse") => Ok(Begun::Before),
                Err(error) => Err(error),
            }
        };
        let usable = async |begun| {
            wait_until_usable(account, &node.address, Action::Create, &Awaited::by_name(node), begun).await
        };
        let mut is_first = true;
        let observed = loop {
            let begun = account.retry_while_propagating(&attempt).await?;
            match usable(begun).await {
                Err(error) if error.kind == ErrorKind::Failed => {
                    let failed = find(account, Some(node)).await;
                    let failed = failed.ok().and_then(|found| found.ours().cloned());
                    // Before anything else may happen to it, what was made for it is known to be ours.
                    if let Some(failed) = &failed
                        && unused::is_unused(account, failed).await?
                    {
                        unused::mark(account, &node.address, failed).await?;
                    }
                    let Some(failed) = failed.filter(|_| is_first && is_transient(&error)) else { return Err(error) };
                    is_first = false;
                    account.notice(Some(&node.address), format!("{}; trying once more", error.message));
                    self.delete(account, &node.address, &failed, DeletionPolicy::Retain).await?;
                }
                other => break other?,
            }
        };
        let refused = write_side_tags(account, node, &observed, &[]).await?;
        Ok(Observed { refused, ..usable(Begun::Before).await? })
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let observed = if matches!(observed.state, State::Busy(_)) {
            wait_until_idle(account, &node.address, &Awaited::by_id(&observed.id)).await?
        } else {
            observed.clone()
        };
        write_tags(account, required::output(Kind::Domain, &observed, "DomainArn")?, node, changes).await?;
        let usable = async |begun| {
            wait_until_usable(account, &node.address, Action::Update, &Awaited::by_name(node), begun).await
        };
        let request = request::update(node, &observed, changes);
        let retry = matches!(observed.state, State::UpdateFailed(_));
        let mut begun = Begun::Before;
        if request.as_object().is_some_and(|members| members.len() > 1) || retry {
            let attempt = async || {
                let update = send_document!(account.sagemaker.update_domain(), request.clone());
                match update.await.map_err(|e| failed("UpdateDomain", e)) {
                    // Another change of the domain is under way: wait for it, then this one is next.
                    Err(error) if error.is("ResourceInUse") => {
                        usable(Begun::Before).await?;
                        Ok(WaitProgress::Busy("being changed".into()))
                    }
                    other => other.map(|_| WaitProgress::Ready(())),
                }
            };
            let wait_policy = account.wait_policy(Kind::Domain, Action::Update, WaitPolicy::DOMAIN);
            account.clock.until(&node.address.to_string(), wait_policy, attempt).await?;
            begun = Begun::Now;
        }
        let observed = usable(begun).await?;
        let refused = write_side_tags(account, node, &observed, changes).await?;
        Ok(Observed { refused, ..usable(Begun::Before).await? })
    }

    async fn delete(
        &self,
        account: &Account,
        address: &Address,
        observed: &Observed,
        data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let id = &observed.id;
        // Nobody's home directory is on what was made for a domain that failed; once that is written there, it may go.
        let is_unused = unused::is_unused(account, observed).await?;
        if is_unused {
            unused::mark(account, address, observed).await?;
        }
        let goes = is_unused || data == DeletionPolicy::Delete;
        let keep = if goes { RetentionType::Delete } else { RetentionType::Retain };
        let retention = RetentionPolicy::builder().home_efs_file_system(keep).build();
        let domain = Awaited::by_id(id);
        let ask = async || {
            let delete = account.sagemaker.delete_domain().domain_id(id).retention_policy(retention.clone());
            delete.send().await.map(drop).map_err(|e| failed("DeleteDomain", e))
        };
        let left = async || left_in(account, id, false).await;
        delete(account, address, &domain, &observed.state, ask, left).await?;
        if is_unused {
            unused::clear_away(account, address, id).await;
        }
        Ok(Deleted::Gone)
    }
}

/// Returns `true` if a domain that failed for this reason is made by a second attempt: SageMaker sometimes does not see
/// the key that it was given. Source: https://github.com/aws/aws-cdk/issues/34818.
fn is_transient(error: &CloudError) -> bool {
    error.kind == ErrorKind::Failed && error.message.contains("KMS key 'null' does not exist")
}

/// The service that roles are passed to.
const SERVICE: &str = "sagemaker.amazonaws.com";
/// The role with which SageMaker makes file systems and network interfaces (developer guide, "AWS managed policies for
/// SageMaker notebooks").
const SERVICE_LINKED_ROLE: &str = "AWSServiceRoleForAmazonSageMakerNotebooks";

/// Grants for what CreateDomain does with the key in the caller's name, through SageMaker and EFS alone (developer
/// guide, "SageMaker API permissions: actions, permissions, and resources reference", CreateDomain with a customer
/// managed key).
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
            // A domain may be made without one.
            let Some(efs) = observed.outputs.get("HomeEfsFileSystemId") else {
                account.notice(Some(&node.address), format!("it has no {what} that could be tagged"));
                refused.push(Path::of([key]));
                continue;
            };
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
