//! KMS: keys. Aliases are in `kms_aliases`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::kms_access::{check_access, denied, owner};
use super::kms_aliases;
use super::kms_grants;
use crate::core::policy::{self, RequestContext, Verdict};
use crate::core::records::{KEYS, Key};
use crate::core::service::{Input, Operation, epoch, operation, page, tag_list, validation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::{HEX, World};

const OPERATIONS: &[Operation] = &[
    operation(
        "CreateKey",
        "Policy Description Tags KeyUsage KeySpec CustomerMasterKeySpec Origin MultiRegion BypassPolicyLockoutSafetyCheck",
        create_key,
    ),
    operation("DescribeKey", "KeyId GrantTokens", describe_key),
    operation("ListKeys", "Limit Marker", list_keys),
    operation("GetKeyPolicy", "KeyId PolicyName", get_policy),
    operation("ListKeyPolicies", "KeyId Limit Marker", list_policies),
    operation("PutKeyPolicy", "KeyId PolicyName Policy BypassPolicyLockoutSafetyCheck", put_policy),
    operation("UpdateKeyDescription", "KeyId Description", update_description),
    operation("EnableKeyRotation", "KeyId RotationPeriodInDays", enable_rotation),
    operation("DisableKeyRotation", "KeyId", disable_rotation),
    operation("GetKeyRotationStatus", "KeyId", rotation_status),
    operation("TagResource", "KeyId Tags", tag),
    operation("UntagResource", "KeyId TagKeys", untag),
    operation("ListResourceTags", "KeyId Limit Marker", list_tags),
    operation("ScheduleKeyDeletion", "KeyId PendingWindowInDays", schedule_deletion),
    operation("CancelKeyDeletion", "KeyId", cancel_deletion),
    operation("EnableKey", "KeyId", enable),
    operation("DisableKey", "KeyId", disable),
];

const DAY: i64 = 24 * 60 * 60 * 1000;

/// Operations that may be asked of another account's key (KMS developer guide, "KMS permissions", column
/// "Cross-account use").
const ACROSS_ACCOUNTS: [&str; 2] = ["DescribeKey", "GetKeyRotationStatus"];

/// Answers one operation of KMS.
pub fn handle(world: &mut World, operation: &str, input: &Json, caller: &Principal) -> Answer {
    let tables = [OPERATIONS, kms_grants::OPERATIONS, kms_aliases::OPERATIONS];
    let table = tables.into_iter().find(|table| table.iter().any(|row| row.name == operation)).unwrap_or(OPERATIONS);
    let named = ["KeyId", "TargetKeyId"].iter().find_map(|member| input.get(member)?.as_str());
    let owner = named.map_or_else(|| world.account(), |reference| owner(world, reference));
    if owner == world.account() {
        return crate::core::service::call(table, world, operation, input, caller);
    }
    let reference = named.unwrap_or_default();
    let action = format!("kms:{operation}");
    if !ACROSS_ACCOUNTS.contains(&operation) {
        return Err(denied(caller, &action, reference));
    }
    check_access(world, caller, reference, &action)?;
    world.within(&owner, |world| crate::core::service::call(table, world, operation, input, caller))
}

/// The ARN of the account's key `id`.
pub fn arn(world: &World, id: &str) -> String {
    arn_of(world, &world.account(), id)
}

/// The ARN of a key that `account` has.
pub fn arn_of(world: &World, account: &str, id: &str) -> String {
    world.arn_of(account, "kms", &format!("key/{id}"))
}

/// An id that no key has yet.
pub fn new_id(world: &mut World) -> String {
    [8, 4, 4, 4, 12].map(|length| world.id(HEX, length)).join("-")
}

/// Nothing has that id or name.
pub fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new("NotFoundException", message)
}

/// The key behind an id, an ARN, an alias or an alias's ARN; a key whose time has come is gone.
pub fn find(world: &World, reference: &str) -> Result<Key, Refusal> {
    let owner = owner(world, reference);
    let resource = match reference.strip_prefix("arn:") {
        None => reference,
        Some(_) if reference.starts_with(&world.arn_of(&owner, "kms", "")) => {
            reference.rsplit_once(':').map_or(reference, |(_, resource)| resource)
        }
        Some(_) => return Err(not_found(format!("Invalid arn {}", world.region()))),
    };
    let id = if resource.starts_with("alias/") {
        kms_aliases::target(world, &owner, resource)
            .ok_or_else(|| not_found(format!("Alias {} is not found.", world.arn_of(&owner, "kms", resource))))?
    } else {
        resource.strip_prefix("key/").unwrap_or(resource).to_owned()
    };
    let key: Option<Key> = world.get_of(&owner, KEYS, &id);
    key.filter(|key| key.deletion_at.is_none_or(|at| at > world.now()))
        .ok_or_else(|| not_found(format!("Key '{}' does not exist", arn_of(world, &owner, &id))))
}

/// Refuses a key that is disabled or on its way out.
pub fn check_usable(world: &World, key: &Key) -> Result<(), Refusal> {
    check_not_pending(world, key)?;
    let disabled = || Refusal::new("DisabledException", format!("{} is disabled.", arn(world, &key.id)));
    key.enabled.then_some(()).ok_or_else(disabled)
}

/// A key pending deletion refuses most operations (KMS developer guide, "Key states of AWS KMS keys").
pub fn check_not_pending(world: &World, key: &Key) -> Result<(), Refusal> {
    if key.deletion_at.is_none() {
        return Ok(());
    }
    Err(Refusal::new("KMSInvalidStateException", format!("{} is pending deletion.", arn(world, &key.id))))
}

/// One page of a list as KMS answers it.
pub fn paged(input: Input<'_>, name: &str, items: Vec<Json>) -> Answer {
    let refuse = |_| Refusal::new("InvalidMarkerException", "Could not deserialize marker");
    let (items, marker) = page(items, input.limit("Limit", 1000), input.text("Marker")).map_err(refuse)?;
    Ok(json!({name: items, "Truncated": marker.is_some(), "NextMarker": marker}))
}

/// The key that the input names.
pub fn key(world: &World, input: Input<'_>) -> Result<Key, Refusal> {
    find(world, input.need("KeyId")?)
}

/// The key that the input names by id or ARN, as operations that change a key demand.
fn key_to_change(world: &World, input: Input<'_>) -> Result<Key, Refusal> {
    let reference = input.need("KeyId")?;
    if reference.starts_with("alias/") || reference.contains(":alias/") {
        return Err(not_found(format!("Invalid keyId '{reference}'")));
    }
    let key = find(world, reference)?;
    check_not_pending(world, &key)?;
    Ok(key)
}

fn put(world: &mut World, key: &Key) -> Answer {
    world.put(KEYS, &key.id, key);
    Ok(json!({}))
}

fn check_policy(world: &World, text: &str, caller: &Principal, resource: &str, bypass: bool) -> Result<(), Refusal> {
    let malformed = |message: String| Refusal::new("MalformedPolicyDocumentException", message);
    policy::check_characters(text)?;
    let document = policy::parse(text, true).map_err(malformed)?;
    // A key policy holds up to 32 KB (KMS developer guide, "Resource quotas").
    if text.len() > 32_768 {
        return Err(Refusal::new("LimitExceededException", "The key policy is larger than 32768 bytes."));
    }
    if policy::unknown_principal(world, &document, false).is_some() {
        let message = "Policy contains a statement with one or more invalid principals.";
        return Err(malformed(message.into()));
    }
    let context = RequestContext { caller, action: "kms:PutKeyPolicy", resource, keys: BTreeMap::new() };
    // Whether the account's own policies let the caller do it again is not looked at: a guess.
    if !bypass && !matches!(policy::evaluate(&document, &context), Verdict::Allow | Verdict::Delegated) {
        return Err(malformed("The new key policy will not allow you to update the key policy in the future.".into()));
    }
    Ok(())
}

fn tags(input: Input<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    input.tags("Tags", "TagKey", "TagValue").map_err(|refusal| match refusal.code.as_str() {
        "TooManyTags" => Refusal::new("LimitExceededException", refusal.message),
        _ => Refusal::new("TagException", refusal.message),
    })
}

fn metadata(world: &World, key: &Key) -> Json {
    let state = match (key.deletion_at, key.enabled) {
        (Some(_), _) => "PendingDeletion",
        (None, true) => "Enabled",
        (None, false) => "Disabled",
    };
    json!({
        "AWSAccountId": world.account(),
        "KeyId": key.id,
        "Arn": arn(world, &key.id),
        "CreationDate": epoch(key.created),
        "Enabled": state == "Enabled",
        "Description": key.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": state,
        "DeletionDate": key.deletion_at.map(epoch),
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": false,
    })
}

fn create_key(world: &mut World, input: Input<'_>, caller: &Principal) -> Answer {
    for (member, only) in [
        ("KeyUsage", "ENCRYPT_DECRYPT"),
        ("KeySpec", "SYMMETRIC_DEFAULT"),
        ("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"),
        ("Origin", "AWS_KMS"),
    ] {
        if input.text(member).is_some_and(|value| value != only) {
            let message = format!("the sandbox makes keys with {member} {only} only");
            return Err(Refusal::new("UnsupportedOperationException", message));
        }
    }
    if input.flag("MultiRegion") {
        return Err(Refusal::new("UnsupportedOperationException", "the sandbox has one region"));
    }
    let tags = tags(input)?;
    let root = format!("arn:{}:iam::{}:root", world.partition(), world.account());
    let default = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": root},
            "Action": "kms:*", "Resource": "*",
        }],
    });
    let policy = input.text("Policy").map_or_else(|| default.to_string(), str::to_owned);
    // The key's own ARN is not known to whoever writes the policy, so any will do to check it.
    check_policy(world, &policy, caller, "*", input.flag("BypassPolicyLockoutSafetyCheck"))?;
    let id = new_id(world);
    let key = Key {
        id,
        description: input.text("Description").unwrap_or_default().into(),
        policy,
        tags,
        rotation: false,
        enabled: true,
        deletion_at: None,
        created: world.now(),
    };
    put(world, &key)?;
    Ok(json!({"KeyMetadata": metadata(world, &key)}))
}

fn describe_key(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let key = key(world, input)?;
    Ok(json!({"KeyMetadata": metadata(world, &key)}))
}

fn list_keys(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let now = world.now();
    let keys = world.list::<Key>(KEYS, "").into_iter().filter(|(_, key)| key.deletion_at.is_none_or(|at| at > now));
    let keys = keys.map(|(id, _)| json!({"KeyId": id, "KeyArn": arn(world, &id)})).collect();
    paged(input, "Keys", keys)
}

fn check_policy_name(input: Input<'_>) -> Result<(), Refusal> {
    match input.text("PolicyName") {
        None | Some("default") => Ok(()),
        Some(other) => Err(not_found(format!("No such policy exists: {other}"))),
    }
}

fn get_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    check_policy_name(input)?;
    Ok(json!({"Policy": key(world, input)?.policy, "PolicyName": "default"}))
}

fn list_policies(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    key(world, input)?;
    paged(input, "PolicyNames", vec!["default".into()])
}

fn put_policy(world: &mut World, input: Input<'_>, caller: &Principal) -> Answer {
    check_policy_name(input)?;
    let mut key = key(world, input)?;
    let policy = input.need("Policy")?;
    check_policy(world, policy, caller, &arn(world, &key.id), input.flag("BypassPolicyLockoutSafetyCheck"))?;
    key.policy = policy.into();
    put(world, &key)
}

fn update_description(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key_to_change(world, input)?;
    key.description = input.need("Description")?.into();
    put(world, &key)
}

fn enable_rotation(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key_to_change(world, input)?;
    check_usable(world, &key)?;
    if input.number("RotationPeriodInDays").is_some_and(|days| days != 365) {
        return Err(Refusal::new("UnsupportedOperationException", "the sandbox rotates keys every 365 days only"));
    }
    key.rotation = true;
    put(world, &key)
}

fn disable_rotation(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key_to_change(world, input)?;
    check_usable(world, &key)?;
    key.rotation = false;
    put(world, &key)
}

fn rotation_status(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let key = key(world, input)?;
    // While a key is pending deletion its rotation is suspended and reads as off.
    let rotates = key.rotation && key.deletion_at.is_none();
    Ok(json!({
        "KeyId": arn(world, &key.id),
        "KeyRotationEnabled": rotates,
        "RotationPeriodInDays": rotates.then_some(365),
    }))
}

fn tag(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key_to_change(world, input)?;
    key.tags.extend(tags(input)?);
    if key.tags.len() > 50 {
        return Err(Refusal::new("LimitExceededException", "The number of tags must not exceed 50."));
    }
    put(world, &key)
}

fn untag(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key_to_change(world, input)?;
    for name in input.texts("TagKeys") {
        key.tags.remove(name);
    }
    put(world, &key)
}

fn list_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let tags = tag_list(&key(world, input)?.tags, "TagKey", "TagValue");
    paged(input, "Tags", tags.as_array().cloned().unwrap_or_default())
}

fn schedule_deletion(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key_to_change(world, input)?;
    let days = input.number("PendingWindowInDays").unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(validation(format!(
            "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: Member \
             must have value between 7 and 30"
        )));
    }
    let at = world.now() + days * DAY;
    key.deletion_at = Some(at);
    put(world, &key)?;
    Ok(json!({
        "KeyId": arn(world, &key.id),
        "DeletionDate": epoch(at),
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days,
    }))
}

fn cancel_deletion(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key(world, input)?;
    if key.deletion_at.take().is_none() {
        let message = format!("{} is not pending deletion.", arn(world, &key.id));
        return Err(Refusal::new("KMSInvalidStateException", message));
    }
    // A key comes back disabled (KMS API reference, "CancelKeyDeletion").
    key.enabled = false;
    put(world, &key)?;
    Ok(json!({"KeyId": arn(world, &key.id)}))
}

fn enable(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key_to_change(world, input)?;
    key.enabled = true;
    put(world, &key)
}

fn disable(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut key = key_to_change(world, input)?;
    key.enabled = false;
    put(world, &key)
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::Client;
    use aws_sdk_kms::types::{KeyState, Tag};

    use super::*;
    use crate::core::front::SandboxOptions;
    use crate::core::seed::Seed;
    use crate::core::testing::{code, seeded};

    #[tokio::test]
    async fn a_key_lives_through_the_sdk() {
        let sandbox = seeded(SandboxOptions::default());
        let client = Client::new(&sandbox.sdk_config().build());
        let tag = Tag::builder().tag_key("a").tag_value("b").build().unwrap();
        let key = client.create_key().tags(tag.clone()).send().await.unwrap().key_metadata.unwrap();
        let id = key.key_id();
        client.create_alias().alias_name("alias/home").target_key_id(id).send().await.unwrap();
        let again = client.create_alias().alias_name("alias/home").target_key_id(id).send().await;
        assert_eq!(code(again), "AlreadyExistsException");
        let alias_arn = "arn:aws:kms:us-east-1:123456789012:alias/home";
        for reference in [id, key.arn().unwrap(), "alias/home", alias_arn] {
            let found = client.describe_key().key_id(reference).send().await.unwrap().key_metadata.unwrap();
            assert_eq!(found.key_id(), id, "{reference}");
        }
        assert_eq!(code(client.describe_key().key_id("alias/none").send().await), "NotFoundException");
        client.enable_key_rotation().key_id(id).send().await.unwrap();
        assert!(client.get_key_rotation_status().key_id(id).send().await.unwrap().key_rotation_enabled());
        assert_eq!(client.list_resource_tags().key_id(id).send().await.unwrap().tags(), [tag]);
        let aliases = client.list_aliases().key_id(id).send().await.unwrap();
        assert_eq!(aliases.aliases()[0].alias_name(), Some("alias/home"));

        let schedule = |days| client.schedule_key_deletion().key_id(id).pending_window_in_days(days).send();
        assert_eq!(code(schedule(3).await), "ValidationException");
        assert_eq!(schedule(7).await.unwrap().key_state(), Some(&KeyState::PendingDeletion));
        assert_eq!(code(schedule(7).await), "KMSInvalidStateException");
        assert_eq!(code(client.enable_key_rotation().key_id(id).send().await), "KMSInvalidStateException");
        client.cancel_key_deletion().key_id(id).send().await.unwrap();
        let state = client.describe_key().key_id(id).send().await.unwrap().key_metadata.unwrap();
        assert_eq!(state.key_state(), Some(&KeyState::Disabled));
        schedule(7).await.unwrap();
        sandbox.with_world(|world| world.advance(7 * DAY)).unwrap();
        assert_eq!(code(client.describe_key().key_id(id).send().await), "NotFoundException");
    }

    #[tokio::test]
    async fn another_accounts_key_answers_whom_its_policy_lets_in() {
        let sandbox = seeded(SandboxOptions::default());
        let theirs =
            Seed { keys: vec!["k-1".into(), "k-2".into()], aliases: vec!["alias/a".into()], ..Seed::default() };
        let others = [("999988887777".to_owned(), theirs)].into();
        sandbox.seed(&Seed { others, ..Seed::default() }).unwrap();
        sandbox
            .with_world(|world| {
                world.within("999988887777", |world| {
                    let key: Key = world.get(KEYS, "k-2").unwrap();
                    let policy = key.policy.replace("123456789012", "111122223333");
                    world.put(KEYS, "k-2", &Key { policy, ..key });
                });
            })
            .unwrap();
        let client = Client::new(&sandbox.sdk_config().build());
        let place = "arn:aws:kms:us-east-1:999988887777:";
        for (resource, expected) in [
            ("key/k-1", "nothing was refused"),
            ("alias/a", "nothing was refused"),
            ("key/k-2", "AccessDeniedException"),
            ("key/k-9", "AccessDeniedException"),
            ("alias/b", "AccessDeniedException"),
        ] {
            let answer = client.describe_key().key_id(format!("{place}{resource}")).send().await;
            let found =
                answer.as_ref().ok().and_then(|answer| answer.key_metadata()?.aws_account_id().map(str::to_owned));
            assert_eq!(found.as_deref() == Some("999988887777"), expected == "nothing was refused", "{resource}");
            assert_eq!(code(answer), expected, "{resource}");
        }
        for reference in [
            "k-1",
            "alias/a",
            "arn:aws:kms:us-east-1:123456789012:key/k-1",
            "arn:aws:kms:eu-west-1:999988887777:key/k-1",
        ] {
            assert_eq!(code(client.describe_key().key_id(reference).send().await), "NotFoundException", "{reference}");
        }
        let key = format!("{place}key/k-1");
        assert_eq!(code(client.get_key_policy().key_id(&key).send().await), "AccessDeniedException");
        assert_eq!(
            code(client.create_alias().alias_name("alias/b").target_key_id(&key).send().await),
            "AccessDeniedException"
        );
        assert_eq!(client.list_keys().send().await.unwrap().keys().len(), 0);
    }

    #[tokio::test]
    async fn a_policy_must_leave_the_key_to_its_owner() {
        let sandbox = seeded(SandboxOptions::default());
        let client = Client::new(&sandbox.sdk_config().build());
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/execution"},"Action":"kms:Decrypt","Resource":"*"}]}"#;
        assert_eq!(code(client.create_key().policy(policy).send().await), "MalformedPolicyDocumentException");
    }
}
