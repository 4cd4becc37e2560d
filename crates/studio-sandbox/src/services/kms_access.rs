//! KMS: whose a key is, and who may do what with it, by its policy and the caller's own.

use super::kms::{arn_of, check_usable, find};
use crate::core::authorization;
use crate::core::policy::{self, RequestContext, Verdict};
use crate::core::records::Key;
use crate::core::wire::{Principal, Refusal};
use crate::core::world::{World, account_in};

/// The account whose key a reference names: an ARN's, when it is of this region, and else one's own.
pub fn owner(world: &World, reference: &str) -> String {
    let beginning = |account: &str| world.arn_of(account, "kms", "");
    let named = account_in(reference).filter(|account| reference.starts_with(&beginning(account)));
    named.map_or_else(|| world.account(), str::to_owned)
}

/// The words for a key of another account are the same whether it exists or not, so that nobody can find out which do.
pub fn denied(caller: &Principal, action: &str, resource: &str) -> Refusal {
    let message = format!(
        "User: {} is not authorized to perform: {action} on resource: {resource} because the resource does not exist in \
         this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
        caller.arn
    );
    Refusal::new("AccessDeniedException", message)
}

/// Refuses what neither the key's policy nor the caller's own allows.
pub fn check_access(world: &World, caller: &Principal, reference: &str, action: &str) -> Result<Key, Refusal> {
    let owner = owner(world, reference);
    let key = match find(world, reference) {
        Err(refusal) if owner == world.account() => return Err(refusal),
        Err(_) => return Err(denied(caller, action, reference)),
        Ok(key) => key,
    };
    let resource = arn_of(world, &owner, &key.id);
    let keys = authorization::kms::key_keys(world, &owner, &key);
    let context = RequestContext { caller, action, resource: &resource, keys };
    let document = serde_json::from_str(&key.policy).ok();
    match policy::allowed(world, &owner, document.as_ref(), &context, Verdict::Silent) {
        true => Ok(key),
        false => Err(denied(caller, action, &resource)),
    }
}

/// The ARN of the key that a reference denotes.
pub fn denoted(world: &World, reference: &str) -> Result<String, Refusal> {
    Ok(arn_of(world, &owner(world, reference), &find(world, reference)?.id))
}

/// Refuses a use of a key that `caller` may not make, or that the key cannot serve: S3 asks before it encrypts or
/// decrypts.
pub fn check_use(world: &World, caller: &Principal, reference: &str, action: &str) -> Result<(), Refusal> {
    // AWS's own keys let everybody in the account do what the service does for them.
    if reference.contains("alias/aws/") {
        return Ok(());
    }
    let in_s3 = |refusal: Refusal| match refusal.code.as_str() {
        "AccessDeniedException" => Refusal { code: "AccessDenied".into(), status: 403, ..refusal },
        code => Refusal { code: format!("KMS.{code}"), ..refusal },
    };
    let key = check_access(world, caller, reference, action).map_err(in_s3)?;
    check_usable(world, &key).map_err(in_s3)
}
