//! Actions that a policy document allows, as far as a look at its text can tell: conditions are taken to be met.

use serde_json::{Value as Json, json};

/// Principal that a statement may speak of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who<'a> {
    /// A service's principal.
    Service(&'a str),
    /// Any of these AWS principals.
    Aws(&'a [String]),
}

/// Members of `actions` that no statement of `policy` allows `who` to do.
pub(super) fn missing<'a>(policy: &Json, who: Who<'_>, actions: &[&'a str]) -> Vec<&'a str> {
    let allowed = |action: &str| {
        each(policy.get("Statement")).any(|statement| {
            statement.get("Effect").and_then(Json::as_str) == Some("Allow")
                && names(statement.get("Principal"), who)
                && each(statement.get("Action")).filter_map(Json::as_str).any(|pattern| covers(pattern, action))
        })
    };
    actions.iter().copied().filter(|action| !allowed(action)).collect()
}

fn names(principal: Option<&Json>, who: Who<'_>) -> bool {
    let Some(principal) = principal else { return false };
    if principal.as_str() == Some("*") {
        return true;
    }
    let (kind, wanted): (_, Vec<&str>) = match who {
        Who::Service(service) => ("Service", vec![service]),
        Who::Aws(principals) => ("AWS", principals.iter().map(String::as_str).chain(["*"]).collect()),
    };
    each(principal.get(kind)).filter_map(Json::as_str).any(|name| wanted.contains(&name))
}

/// Elements of a policy are one value or a list of them.
fn each(value: Option<&Json>) -> impl Iterator<Item = &Json> {
    match value {
        Some(Json::Array(items)) => items.iter(),
        Some(item) => std::slice::from_ref(item).iter(),
        None => [].iter(),
    }
}

/// Returns `true` if a pattern of an action covers it: letters have no case, `*` stands for any text.
fn covers(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut rest = action.as_str();
    let mut pieces = pattern.split('*').peekable();
    let mut first = true;
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        rest = match rest.find(piece) {
            Some(at) if first && at > 0 => return false,
            Some(_) if last && !first => return rest.ends_with(piece),
            Some(at) => &rest[at + piece.len()..],
            None => return false,
        };
        first = false;
    }
    rest.is_empty()
}

/// The statement that lets SageMaker do `actions` as a role.
pub(super) fn statement(actions: &[&str]) -> Json {
    json!({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": actions})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_actions() {
        for (pattern, action, expected) in [
            ("*", "kms:Decrypt", true),
            ("kms:*", "kms:Decrypt", true),
            ("KMS:decrypt", "kms:Decrypt", true),
            ("kms:De*", "kms:DescribeKey", true),
            ("kms:*Key", "kms:DescribeKey", true),
            ("kms:*Key", "kms:Decrypt", false),
            ("ms:Decrypt", "kms:Decrypt", false),
            ("kms:Decrypt", "kms:DecryptMore", false),
            ("sts:*", "kms:Decrypt", false),
        ] {
            assert_eq!(covers(pattern, action), expected, "{pattern} {action}");
        }
    }

    #[test]
    fn what_is_missing_goes_by_principal_effect_and_action() {
        let service = Who::Service("sagemaker.amazonaws.com");
        let actions = ["sts:AssumeRole", "sts:SetSourceIdentity"];
        let one = |principal: Json, action: Json, effect: &str| json!({"Statement": {"Effect": effect, "Principal": principal, "Action": action}});
        let sagemaker = || json!({"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]});
        for (policy, expected) in [
            (one(sagemaker(), json!(actions), "Allow"), &[][..]),
            (one(sagemaker(), json!("sts:AssumeRole"), "Allow"), &["sts:SetSourceIdentity"]),
            (one(sagemaker(), json!("sts:*"), "Deny"), &actions),
            (one(json!({"Service": "lambda.amazonaws.com"}), json!("sts:*"), "Allow"), &actions),
            (one(json!("*"), json!("sts:*"), "Allow"), &[]),
            (json!({}), &actions),
        ] {
            assert_eq!(missing(&policy, service, &actions), expected, "{policy}");
        }
    }
}
