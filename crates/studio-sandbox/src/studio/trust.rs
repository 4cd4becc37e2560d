//! Trust policies of roles, as Studio reads them.

use serde_json::Value as Json;

use super::invalid;
use crate::core::records::visible_role;
use crate::core::wire::Refusal;
use crate::core::world::{World, account_in};

const SERVICE: &str = "sagemaker.amazonaws.com";

/// Refuses a role that Studio cannot assume. A new role is one, until IAM has told the rest of AWS of it.
///
/// The words are those that other operations of `SageMaker` use; those of `CreateDomain` are not published. No service takes
/// the role of another account than the caller's (https://github.com/artilleryio/chaos-lambda/issues/29).
pub fn assumable(world: &World, arn: &str) -> Result<(), Refusal> {
    if account_in(arn) != Some(world.account().as_str()) {
        return Err(Refusal::new("AccessDeniedException", "Cross-account pass role is not allowed."));
    }
    if allows(world, arn, "sts:AssumeRole") {
        return Ok(());
    }
    Err(invalid(format!(
        "Could not assume role {arn}. Please ensure that the role exists and allows principal '{SERVICE}' to assume the role."
    )))
}

/// Returns `true` if the trust policy of a role lets Studio do `action`.
pub fn allows(world: &World, arn: &str, action: &str) -> bool {
    visible_role(world, arn).is_some_and(|role| trusts(&role.trust, action))
}

fn trusts(policy: &str, action: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Json>(policy) else { return false };
    each(policy.get("Statement")).any(|statement| {
        let services = each(statement.get("Principal").and_then(|principal| principal.get("Service")));
        statement.get("Effect").and_then(Json::as_str) == Some("Allow")
            && services.filter_map(Json::as_str).any(|service| service == SERVICE)
            && each(statement.get("Action")).filter_map(Json::as_str).any(|pattern| covers(pattern, action))
    })
}

/// Elements of a policy are one value or a list of them.
fn each(value: Option<&Json>) -> impl Iterator<Item = &Json> {
    match value {
        Some(Json::Array(items)) => items.iter(),
        Some(item) => std::slice::from_ref(item).iter(),
        None => [].iter(),
    }
}

fn covers(pattern: &str, action: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => action.to_ascii_lowercase().starts_with(&beginning.to_ascii_lowercase()),
        None => pattern.eq_ignore_ascii_case(action),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn trust_policies_are_read() {
        let of = |effect: &str, principal: Json, action: Json| {
            json!({"Statement": {"Effect": effect, "Principal": principal, "Action": action}}).to_string()
        };
        let service = json!({"Service": SERVICE});
        let cases = [
            (of("Allow", service.clone(), json!("sts:AssumeRole")), true),
            (of("Allow", json!({"Service": ["ec2.amazonaws.com", SERVICE]}), json!(["sts:assumerole"])), true),
            (of("Allow", service.clone(), json!("sts:*")), true),
            (of("Allow", service.clone(), json!("sts:SetSourceIdentity")), false),
            (of("Deny", service, json!("sts:AssumeRole")), false),
            (of("Allow", json!({"Service": "ec2.amazonaws.com"}), json!("sts:AssumeRole")), false),
            (of("Allow", json!({"AWS": "*"}), json!("sts:AssumeRole")), false),
            ("not a policy".into(), false),
        ];
        for (policy, expected) in cases {
            assert_eq!(trusts(&policy, "sts:AssumeRole"), expected, "{policy}");
        }
    }
}
