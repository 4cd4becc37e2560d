//! The customer managed key that encrypts the home file system and the bucket, with its alias; made unless the config
//! names a key.
//!
//! Identity: the alias; a key whose alias is missing (a crash between the two calls, an earlier life of the deployment,
//! or MDAA's, which keeps the key when it goes) is found by its tags. Destroy keeps the key, because data encrypted with a deleted key is gone for good,
//! and deletes the alias; only an explicit choice schedules its deletion.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_kms::types::KeyState;

use super::kms_alias::{delete_alias, point_alias};
use super::permissions::{CHANGE, Grant, LOOK, MAKE, REMOVE, RESOLVE, Scope, open};
use super::policy::{Statement, document, same};
use super::{
    Desired, ObserveContext, Resource, asset_role, execution_role, kms_candidates, kms_watch, ownership, policy,
    required,
};
use crate::aws::error::failed;
use crate::aws::{Account, answer, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind, Sent};
use crate::hint::Hint;
use crate::model::{Address, Found, Kind, Node, Observed, Path, State, Text, Value};
use crate::plan::outline::principals;
use crate::plan::{Change, DeletionPolicy, Outline, Removal, Retention, Rules, Watched};

/// Days in which a key that is to be deleted can still be rescued; the longest that KMS allows (7 to 30 days).
const RESCUE_DAYS: i32 = 30;

/// Actions on the key for those who use it: the bucket's readers and writers.
const USE: [&str; 8] = [
    "kms:Encrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:Decrypt",
];

/// Verbs and rules of the kind `kms_key`.
#[derive(Debug)]
pub struct KmsKey;

/// The only address of the kind.
pub fn address() -> Address {
    Address::new(Kind::KmsKey, "efs")
}

/// The ARN of the key, made or given.
pub fn arn(desired: &Desired) -> Text {
    match &desired.config.domain.kms_key_arn {
        Some(arn) => arn.as_str().into(),
        None => Text::output(address(), "Arn"),
    }
}

impl Rules for KmsKey {
    fn outline(&self, node: &Node) -> Outline {
        let properties = &node.properties;
        let rotates = properties.get("EnableKeyRotation") == Some(&Value::Bool(true));
        let rotation = if rotates { "yearly rotation" } else { "no rotation" };
        Outline::new(format!("{}, {rotation}", properties.text("AliasName").unwrap_or_default()))
            .fact("used by", principals(properties.get("KeyPolicy")).join(", "))
    }

    fn same(&self, _path: &Path, desired: &Value, live: &Value) -> bool {
        same(desired, live)
    }

    fn watch(&self, observed: &Observed, _node: Option<&Node>) -> Vec<Watched> {
        kms_watch::watch(observed)
    }

    fn removal(&self, observed: &Observed, retention: &Retention) -> Removal {
        if retention.delete_kms_key == Some(true) {
            let loses = format!(
                "{} is deleted in {RESCUE_DAYS} days, and nobody can read what it encrypts any more; until then \
                 `aws kms cancel-key-deletion` rescues it",
                observed.id
            );
            return Removal::Requested { loses };
        }
        Removal::Retain {
            why: format!("{} stays, since what it encrypts is gone for good without it", observed.id),
            drops: vec![Path::of(["AliasName"])],
            later: Some(Hint::new("destroy", ["--kms-key", "delete"])),
        }
    }
}

#[async_trait(?Send)]
impl Resource for KmsKey {
    fn kind(&self) -> Kind {
        Kind::KmsKey
    }

    /// The key that our alias denotes is looked at, whoever's it is, and keys with our tag; only those are changed.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let keys = || [scope.arn("kms", "key/*")];
        let alias = || [scope.arn("kms", &scope.names.key_alias)];
        let looks = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants"];
        let mut grants = vec![
            Grant::anywhere(LOOK, &["kms:ListAliases", "kms:ListKeys"]),
            // One that has lost its alias is known by its tags alone, so that any may be asked for them.
            Grant::new(LOOK, &["kms:ListResourceTags"], keys()),
            Grant::new(LOOK, &looks, keys()).when(
                "ForAnyValue:StringEquals",
                "kms:ResourceAliases",
                [scope.names.key_alias.clone()],
            ),
        ];
        grants.extend(scope.owned(&Grant::new(LOOK, &looks, keys())));
        // An apply lets go of a key when one is given instead.
        let lets_go = if scope.config.domain.kms_key_arn.is_some() { CHANGE } else { REMOVE };
        grants.push(Grant::new(lets_go, &["kms:DeleteAlias"], alias()));
        grants.extend(scope.owned(&Grant::new(lets_go, &["kms:DeleteAlias"], keys())));
        grants.extend(scope.owned(&Grant::new(REMOVE, &["kms:ScheduleKeyDeletion"], keys())));
        match &scope.config.domain.kms_key_arn {
            // What the checks before the first write look at.
            Some(given) => {
                grants.push(given_key(scope, given, Grant::new(RESOLVE, &["kms:DescribeKey", "kms:GetKeyPolicy"], [])));
            }
            None => {
                grants.push(Grant::anywhere(MAKE, &["kms:CreateKey"]).tagging_as_ours(scope));
                // KMS cannot say of a tag that it is set while a key is made (there is no condition key for that), so it
                // is allowed on keys that look like new ones: no alias leads to them, and no deployment owns them.
                let new = Grant::new(MAKE, &["kms:TagResource"], keys()).tagging_as_ours(scope).unless_anothers(scope);
                grants.push(new.when("Null", "kms:ResourceAliases", ["true".to_owned()]));
                let changes = [
                    "kms:TagResource",
                    "kms:UntagResource",
                    "kms:PutKeyPolicy",
                    "kms:EnableKeyRotation",
                    "kms:CreateAlias",
                    "kms:UpdateAlias",
                ];
                grants.extend(scope.owned(&Grant::new(MAKE, &changes, keys())));
                grants.push(Grant::new(MAKE, &["kms:CreateAlias", "kms:UpdateAlias"], alias()));
            }
        }
        grants
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        if desired.config.domain.kms_key_arn.is_some() {
            return Vec::new();
        }
        let account: Text = desired.deployment.iam_arn("root").into();
        let users = [Some(execution_role::arn(desired)), asset_role::arn(desired)].into_iter().flatten().collect();
        let mut statements = vec![
            Statement::allow(&["kms:*"]).by(vec![account]).on(vec!["*".into()]),
            Statement::allow(&USE).by(users).on(vec!["*".into()]),
        ];
        // MDAA's README promises data admins the use of the key; its code forgets them. They are known by the unique id
        // of their role, which only a condition can name.
        let admins: Vec<Text> = desired.roles.data_admins.iter().map(|id| Text::literal(format!("{id}:*"))).collect();
        if !admins.is_empty() {
            statements.push(
                Statement::allow(&USE)
                    .by(vec!["*".into()])
                    .on(vec!["*".into()])
                    .when("StringLike", "aws:userId", admins)
                    .when_plain("StringEquals", "kms:CallerAccount", desired.deployment.account.as_str().into()),
            );
        }
        let properties = Value::from_iter([
            ("KeyPolicy", document(statements)),
            ("EnableKeyRotation", Value::from(true)),
            ("AliasName", Value::from(desired.names.key_alias.as_str())),
            ("Tags", desired.tags(&address())),
        ]);
        let mut node = Node::new(address(), properties);
        node.sources.extend(desired.source(&["domain"]).map(|source| (Path::default(), source)));
        let admins = desired.source(&["domain", "dataAdminRoles"]);
        node.sources.extend(admins.map(|source| (Path::of(["KeyPolicy"]), source)));
        vec![node]
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        let by_alias = find(account, &account.names.key_alias).await?;
        if by_alias != Found::Absent {
            return Ok(vec![(address(), by_alias)]);
        }
        // A key may be there without its alias: one that is to be made may have been made before, by us or by MDAA.
        let found = match context.nodes {
            [] => kms_candidates::find(account, context.record.is_some()).await?,
            _ => kms_candidates::wanted(account).await?,
        };
        Ok(vec![(address(), found)])
    }

    async fn find(&self, account: &Account, node: &Node) -> Result<Found, CloudError> {
        find(account, required::text(node, "AliasName")?).await
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let key = create_key(account, node).await?;
        let alias = required::text(node, "AliasName")?;
        enable_rotation(account, &key).await?;
        point_alias(account, alias, &key).await?;
        account.find_ours(&node.address, || find(account, alias)).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let key = &observed.id;
        let changed = |name: &str| changes.iter().any(|change| change.path.starts_with(&Path::of([name])));
        if changed("KeyPolicy") {
            let text = policy::text(required::value(node, "KeyPolicy")?);
            let put = async || {
                let put = account.kms.put_key_policy().key_id(key).policy_name("default").policy(&text);
                put.send().await.map_err(|e| failed("PutKeyPolicy", e)).map(drop)
            };
            account.retry_while_propagating(put).await?;
        }
        if changed("EnableKeyRotation") {
            enable_rotation(account, key).await?;
        }
        let alias = required::text(node, "AliasName")?;
        if changed("AliasName") {
            point_alias(account, alias, key).await?;
        }
        let (write, remove) = ownership::difference(&node.properties, changes);
        if !write.is_empty() {
            let tag = account.kms.tag_resource().key_id(key).set_tags(Some(tags::list(&write)));
            tag.send().await.map_err(|e| failed("TagResource", e))?;
        }
        if !remove.is_empty() {
            let untag = account.kms.untag_resource().key_id(key).set_tag_keys(Some(remove));
            untag.send().await.map_err(|e| failed("UntagResource", e))?;
        }
        account.find_ours(&node.address, || find(account, alias)).await
    }

    async fn release(
        &self,
        account: &Account,
        _address: &Address,
        observed: &Observed,
        _changes: &[Change],
    ) -> Result<(), CloudError> {
        delete_alias(account, observed).await
    }

    async fn delete(
        &self,
        account: &Account,
        _address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        delete_alias(account, observed).await?;
        let schedule = account.kms.schedule_key_deletion().key_id(&observed.id).pending_window_in_days(RESCUE_DAYS);
        match schedule.send().await.map_err(|e| failed("ScheduleKeyDeletion", e)) {
            Err(error) if !error.is("KMSInvalidStateException") && error.kind != ErrorKind::NotFound => Err(error),
            // Scheduled now or before, or gone.
            _ => Ok(Deleted::Gone),
        }
    }
}

/// `grant` on a given key: by its ARN or id, or, where an alias is given, on what it denotes.
pub(super) fn given_key(scope: &Scope<'_>, key: &str, grant: Grant) -> Grant {
    let key = open(key);
    let (place, name) = key.rsplit_once(':').map_or((None, key.as_str()), |(place, name)| (Some(place), name));
    let of = |resource: &str| match place {
        Some(place) => format!("{place}:{resource}"),
        None => scope.arn("kms", resource),
    };
    match name.strip_prefix("alias/") {
        Some(_) => Grant { resources: [of("key/*")].into(), ..grant }.when(
            "ForAnyValue:StringEquals",
            "kms:ResourceAliases",
            [name.to_owned()],
        ),
        None if name.starts_with("key/") => Grant { resources: [of(name)].into(), ..grant },
        None => Grant { resources: [of(&format!("key/{name}"))].into(), ..grant },
    }
}

/// The key that `name` (an alias, an id or an ARN) denotes.
pub(super) async fn find(account: &Account, name: &str) -> Result<Found, CloudError> {
    let answer = account.kms.describe_key().key_id(name).send().await.map_err(|e| failed("DescribeKey", e));
    let key = match answer {
        Ok(answer) => answer::member("DescribeKey", "KeyMetadata", answer.key_metadata)?,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let id = key.key_id();
    let arn = answer::text("DescribeKey", "Arn", key.arn())?;
    let policy = account.kms.get_key_policy().key_id(id).policy_name("default").send();
    let rotation = account.kms.get_key_rotation_status().key_id(id).send();
    let aliases = account.kms.list_aliases().key_id(id).send();
    let grants = Box::pin(account.kms.list_grants().key_id(id).into_paginator().items().send().try_collect());
    let (policy, rotation, aliases, tags, grants) =
        tokio::join!(policy, rotation, aliases, live_tags(account, id), grants);
    let policy = policy.map_err(|e| failed("GetKeyPolicy", e))?;
    let aliases = aliases.map_err(|e| failed("ListAliases", e))?;
    let mut observed = Observed::new(
        id,
        Value::from_iter([
            ("KeyPolicy", policy::parse(answer::text("GetKeyPolicy", "Policy", policy.policy())?)),
            ("Tags", ownership::property(&tags?)),
        ]),
    )
    .output("Arn", arn)
    .output("KeyId", id);
    kms_watch::note(account, grants.map_err(|e| failed("ListGrants", e)), &mut observed)?;
    match rotation {
        Ok(rotation) => observed.properties.set("EnableKeyRotation", rotation.key_rotation_enabled()),
        // A key that is pending deletion has no rotation status.
        Err(error) => {
            let error = failed("GetKeyRotationStatus", error);
            if !error.is("KMSInvalidStateException") {
                return Err(error);
            }
        }
    }
    let ours = aliases.aliases().iter().filter_map(|alias| alias.alias_name());
    if let Some(alias) = ours.into_iter().find(|alias| *alias == account.names.key_alias) {
        observed.properties.set("AliasName", alias);
    }
    match key.key_state() {
        Some(KeyState::PendingDeletion) => {
            let date = key.deletion_date().map_or_else(|| "an unknown date".into(), ToString::to_string);
            observed.state = State::PendingDeletion(date);
        }
        Some(KeyState::Disabled) => observed.state = State::Disabled,
        Some(KeyState::Creating | KeyState::Updating) => observed.state = State::Busy("being made".into()),
        _ => {}
    }
    ownership::classify(account, observed).await
}

pub(super) async fn live_tags(account: &Account, id: &str) -> Result<BTreeMap<String, String>, CloudError> {
    let tags = account.kms.list_resource_tags().key_id(id).into_paginator().items().send().try_collect().await;
    let tags: Vec<_> = tags.map_err(|e| failed("ListResourceTags", e))?;
    Ok(tags::by_key(&tags))
}

/// Makes a key. CreateKey has no client token, so it is tried once and looked for before it is tried again.
async fn create_key(account: &Account, node: &Node) -> Result<String, CloudError> {
    let text = policy::text(required::value(node, "KeyPolicy")?);
    let tags = tags::list(&ownership::of(&node.properties));
    let attempt = async || {
        let create = account.kms.create_key().policy(&text).set_tags(Some(tags.clone()));
        let once =
            aws_sdk_kms::config::Config::builder().retry_config(aws_sdk_kms::config::retry::RetryConfig::disabled());
        let made = create.customize().config_override(once).send().await.map_err(|e| failed("CreateKey", e));
        match made {
            Ok(made) => Ok(answer::member("CreateKey", "KeyMetadata", made.key_metadata)?.key_id),
            Err(error) if error.sent == Sent::Maybe => match kms_candidates::wanted(account).await? {
                Found::Ours(observed) => Ok(observed.id),
                _ => Err(CloudError { kind: ErrorKind::Throttled, ..error }),
            },
            Err(error) => Err(error),
        }
    };
    let create = async || {
        let is_transient = |error: &CloudError| error.kind == ErrorKind::Throttled;
        account.clock.retry(crate::aws::wait::WaitPolicy::PROPAGATION, is_transient, attempt).await
    };
    account.retry_while_propagating(create).await
}

async fn enable_rotation(account: &Account, key: &str) -> Result<(), CloudError> {
    account.kms.enable_key_rotation().key_id(key).send().await.map_err(|e| failed("EnableKeyRotation", e))?;
    Ok(())
}
