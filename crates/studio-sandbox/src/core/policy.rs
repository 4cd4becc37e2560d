//! IAM policy documents: their grammar, whom they name, and what they say of a request.
//!
//! Condition operators on dates and addresses are accepted and never hold: the sandbox has no caller's address. What
//! several documents together decide is in `authorization`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::authorization;
use super::records::{role_at, visible_role};
use super::service::{matches, validation};
use super::wire::{Principal, Refusal};
use super::world::{World, account_in};

/// Table of managed policies, by ARN.
pub const POLICIES: &str = "iam/policy";

/// Answer of one policy document to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing.
    Silent,
    /// Left to the account's own policies: the account is the principal.
    Delegated,
    /// Allowed, unless another document denies it.
    Allow,
    /// Denied, whatever else allows it.
    Deny,
}

/// A request, as policies see it.
#[derive(Debug)]
pub struct RequestContext<'a> {
    /// Who asks.
    pub caller: &'a Principal,
    /// `s3:GetObject`, …
    pub action: &'a str,
    /// The ARN of what it is about.
    pub resource: &'a str,
    /// More condition keys than those that follow from the caller.
    pub keys: Keys,
}

/// Condition keys, their names in lower case, with what the request has for each.
pub type Keys = BTreeMap<String, Vec<String>>;

impl RequestContext<'_> {
    /// The request's values for a condition key: nothing when it is not in the request.
    fn values(&self, name: &str) -> Vec<&str> {
        let name = name.to_ascii_lowercase();
        let caller = match name.as_str() {
            "aws:securetransport" => Some("true"),
            "aws:userid" => Some(self.caller.user_id.as_str()),
            "aws:principalarn" => Some(self.caller.principal_arn.as_str()),
            "aws:principalaccount" | "kms:calleraccount" | "aws:sourceaccount" => Some(self.caller.account()),
            _ => None,
        };
        match (caller, self.keys.get(&name)) {
            (Some(caller), _) => vec![caller],
            (None, values) => values.into_iter().flatten().map(String::as_str).collect(),
        }
    }
}

/// Refuses a character that IAM's and KMS's models do not allow in a document: `[\u0009\u000A\u000D\u0020-\u00FF]+`
/// (`policyDocumentType`, `PolicyType`).
pub fn check_characters(document: &str) -> Result<(), Refusal> {
    if document.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
        return Ok(());
    }
    Err(validation(
        "1 validation error detected: Value at 'policyDocument' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    ))
}

/// Reads a document and checks its grammar; the refusal's text says what is wrong.
pub fn parse(document: &str, principals: bool) -> Result<Json, String> {
    let json: Json = serde_json::from_str(document).map_err(|_| "Syntax errors in policy.".to_owned())?;
    if !json.is_object() {
        return Err("Syntax errors in policy.".into());
    }
    if let Some(version) = json.get("Version")
        && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
    {
        return Err("The policy must contain a valid version string.".into());
    }
    let statements = list(json.get("Statement"));
    if statements.is_empty() {
        return Err("Syntax error at position (1,1): the policy has no statement.".into());
    }
    for statement in &statements {
        if !matches!(statement.get("Effect").and_then(Json::as_str), Some("Allow" | "Deny")) {
            return Err("Missing required field Effect, or its value is invalid.".into());
        }
        let has = |name: &str| statement.get(name).is_some() || statement.get(format!("Not{name}")).is_some();
        if !has("Action") {
            return Err("Policy statement must contain actions.".into());
        }
        if principals != has("Principal") {
            let what = if principals {
                "Missing required field Principal"
            } else {
                "Policy document should not specify a principal."
            };
            return Err(what.into());
        }
        if !principals && !has("Resource") {
            return Err("Policy statement must contain resources.".into());
        }
        for (operator, keys) in members(statement.get("Condition")) {
            if !known_operator(operator) {
                return Err(format!("Invalid Condition type : {operator}."));
            }
            if !keys.is_object() {
                return Err("Syntax errors in policy.".into());
            }
        }
    }
    Ok(json)
}

/// The first principal that does not exist in the eyes of IAM itself (`at_once`) or of another service, which sees a
/// new role some time later. Roles of other accounts must exist as well (IAM user guide, "AWS JSON policy elements:
/// Principal"); their users and sessions are taken to.
pub fn unknown_principal(world: &World, document: &Json, at_once: bool) -> Option<String> {
    let exists = if at_once { role_at } else { visible_role };
    for statement in list(document.get("Statement")) {
        for principal in ["Principal", "NotPrincipal"].iter().flat_map(|name| list(statement.get(name))) {
            for name in list(principal.get("AWS")).into_iter().filter_map(Json::as_str) {
                let here = name.strip_prefix("arn:").and_then(|rest| rest.strip_prefix(world.partition()));
                let known = match here.filter(|rest| rest.starts_with(':')) {
                    None => name == "*" || is_account(name) && !name.starts_with("arn:"),
                    Some(_) if name.contains(":role/") => exists(world, name).is_some(),
                    Some(_) => is_account(name) || name.contains(":user/") || name.contains(":assumed-role/"),
                };
                if !known {
                    return Some(name.to_owned());
                }
            }
        }
    }
    None
}

/// The answer of a document to a request: an identity's document has no principals, a resource's has.
pub fn evaluate(document: &Json, context: &RequestContext<'_>) -> Verdict {
    let mut verdict = Verdict::Silent;
    for statement in list(document.get("Statement")) {
        let principal = principal_match(statement, context.caller);
        if principal == Verdict::Silent || !applies(statement, context) {
            continue;
        }
        let says =
            if statement.get("Effect").and_then(Json::as_str) == Some("Deny") { Verdict::Deny } else { principal };
        verdict = verdict.max(says);
    }
    verdict
}

/// Returns `true` if the policy of a resource that `owner` has and the caller's own together allow a request.
pub fn allowed(
    world: &World,
    owner: &str,
    resource_policy: Option<&Json>,
    context: &RequestContext<'_>,
    silent: Verdict,
) -> bool {
    authorization::decide(world, owner, resource_policy, context, silent).is_ok()
}

fn principal_match(statement: &Json, caller: &Principal) -> Verdict {
    if let Some(principals) = statement.get("Principal") {
        return principal_in(principals, caller);
    }
    match statement.get("NotPrincipal") {
        Some(principals) if principal_in(principals, caller) != Verdict::Silent => Verdict::Silent,
        Some(_) | None => Verdict::Allow,
    }
}

fn principal_in(principals: &Json, caller: &Principal) -> Verdict {
    let account = caller.account();
    let names = if principals.is_string() { list(Some(principals)) } else { list(principals.get("AWS")) };
    let verdicts = names.into_iter().filter_map(Json::as_str).map(|name| {
        if name == "*" || name == caller.principal_arn || name == caller.arn {
            Verdict::Allow
        } else if name == account || (is_account(name) && account_in(name) == Some(account)) {
            Verdict::Delegated
        } else {
            Verdict::Silent
        }
    });
    verdicts.max().unwrap_or(Verdict::Silent)
}

fn applies(statement: &Json, context: &RequestContext<'_>) -> bool {
    let action = context.action.to_ascii_lowercase();
    let any = |name: &str, fits: &dyn Fn(&str) -> bool| {
        statement.get(name).map(|patterns| list(Some(patterns)).into_iter().filter_map(Json::as_str).any(fits))
    };
    let fits_action = |pattern: &str| matches(&pattern.to_ascii_lowercase(), &action);
    let fits_resource = |pattern: &str| matches(pattern, context.resource);
    any("Action", &fits_action).unwrap_or(true)
        && !any("NotAction", &fits_action).unwrap_or(false)
        && any("Resource", &fits_resource).unwrap_or(true)
        && !any("NotResource", &fits_resource).unwrap_or(false)
        && members(statement.get("Condition")).all(|(operator, keys)| {
            members(Some(keys)).all(|(key, wanted)| holds(operator, &context.values(key), wanted))
        })
}

/// Returns `true` if a request's values for a key satisfy an operator (IAM user guide, "Condition operators" and
/// "Conditions with multiple context keys or values").
fn holds(operator: &str, values: &[&str], wanted: &Json) -> bool {
    let (set, operator) = match operator.split_once(':') {
        Some((set, operator)) => (Some(set), operator),
        None => (None, operator),
    };
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let wanted: Vec<String> = list(Some(wanted)).into_iter().map(text).collect();
    if operator == "Null" {
        return wanted.iter().any(|wanted| (wanted == "true") == values.is_empty());
    }
    let negated = operator.contains("Not");
    if values.is_empty() {
        return match set {
            Some("ForAllValues") => true,
            Some(_) => false,
            // A key that is absent equals nothing, so the negated operators hold.
            None => if_exists || negated,
        };
    }
    let equal = |a: &str, b: &str| a == b;
    let fold = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let number = |test: fn(&f64, &f64) -> bool| {
        move |wanted: &str, value: &str| {
            let numbers = (value.parse(), wanted.parse());
            matches!(numbers, (Ok(one), Ok(other)) if test(&one, &other))
        }
    };
    let any = |test: &dyn Fn(&str, &str) -> bool, value: &str| wanted.iter().any(|pattern| test(pattern, value));
    let fits = |value: &str| -> Option<bool> {
        Some(match operator {
            "StringEquals" | "StringNotEquals" => any(&equal, value),
            "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" | "Bool" => any(&fold, value),
            "StringLike" | "StringNotLike" | "ArnLike" | "ArnEquals" | "ArnNotLike" | "ArnNotEquals" => {
                any(&matches, value)
            }
            "NumericEquals" | "NumericNotEquals" => any(&number(f64::eq), value),
            "NumericLessThan" => any(&number(f64::lt), value),
            "NumericLessThanEquals" => any(&number(f64::le), value),
            "NumericGreaterThan" => any(&number(f64::gt), value),
            "NumericGreaterThanEquals" => any(&number(f64::ge), value),
            _ => return None,
        })
    };
    let mut each = values.iter().map(|value| fits(value).is_some_and(|found| found != negated));
    if set == Some("ForAllValues") { each.all(|fits| fits) } else { each.any(|fits| fits) }
}

fn known_operator(operator: &str) -> bool {
    let operator =
        operator.strip_prefix("ForAnyValue:").or_else(|| operator.strip_prefix("ForAllValues:")).unwrap_or(operator);
    let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
    ["String", "Numeric", "Date", "Arn"].iter().any(|kind| operator.starts_with(kind))
        || matches!(operator, "Bool" | "BinaryEquals" | "IpAddress" | "NotIpAddress" | "Null")
}

fn is_account(name: &str) -> bool {
    (name.starts_with("arn:") && name.ends_with(":root"))
        || (name.len() == 12 && name.chars().all(|character| character.is_ascii_digit()))
}

/// Policies write a list of one as the one.
fn list(json: Option<&Json>) -> Vec<&Json> {
    match json {
        None => Vec::new(),
        Some(Json::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

fn members(json: Option<&Json>) -> impl Iterator<Item = (&str, &Json)> {
    json.and_then(Json::as_object).into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::records::{ROLES, Role};
    use super::super::seed::{Seed, SeedRole};
    use super::*;

    fn caller(role: &str, id: &str) -> Principal {
        Principal {
            arn: format!("arn:aws:sts::123456789012:assumed-role/{role}/session"),
            user_id: format!("{id}:session"),
            principal_arn: format!("arn:aws:iam::123456789012:role/{role}"),
        }
    }

    fn verdict(statement: &Json, caller: &Principal, action: &str) -> Verdict {
        let keys = BTreeMap::from([
            ("s3:x-amz-server-side-encryption".to_owned(), vec!["aws:kms".to_owned()]),
            ("aws:tagkeys".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
        ]);
        let context = RequestContext { caller, action, resource: "arn:aws:s3:::bucket/key", keys };
        evaluate(&json!({"Version": "2012-10-17", "Statement": [statement]}), &context)
    }

    #[test]
    fn a_statement_applies_when_all_of_it_fits() {
        let ann = caller("ann", "AROAANN");
        let everybody = |extra: Json| {
            let mut statement =
                json!({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:Put*", "Resource": "*"});
            statement.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            statement
        };
        for (extra, expected) in [
            (json!({}), Verdict::Deny),
            (json!({"Action": "s3:Get*"}), Verdict::Silent),
            (json!({"Resource": "arn:aws:s3:::other/*"}), Verdict::Silent),
            (json!({"Effect": "Allow"}), Verdict::Allow),
            (json!({"Principal": {"AWS": "arn:aws:iam::123456789012:role/bob"}}), Verdict::Silent),
            (json!({"Principal": {"Service": "s3.amazonaws.com"}}), Verdict::Silent),
            (json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}), Verdict::Delegated),
            (json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}), Verdict::Silent),
            (json!({"Condition": {"StringLike": {"aws:userId": ["AROABOB:*", "AROAANN:*"]}}}), Verdict::Deny),
            (json!({"Condition": {"ForAnyValue:StringNotLike": {"aws:userId": ["AROAANN:*"]}}}), Verdict::Silent),
            (
                json!({"Condition": {"ForAnyValue:StringNotLike": {
                    "aws:userId": [], "aws:PrincipalArn": ["arn:aws:iam::123456789012:role/ann"]}}}),
                Verdict::Silent,
            ),
            (
                json!({"Condition": {"StringNotLikeIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "k"}}}),
                Verdict::Deny,
            ),
            (json!({"Condition": {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}}), Verdict::Silent),
            (json!({"Condition": {"Null": {"s3:x-amz-server-side-encryption": "false"}}}), Verdict::Deny),
            (json!({"Condition": {"Null": {"aws:ResourceTag/a": "true"}}}), Verdict::Deny),
            (json!({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}}), Verdict::Silent),
            (json!({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}}), Verdict::Deny),
            (json!({"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["b"]}}}), Verdict::Deny),
            (json!({"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["c"]}}}), Verdict::Silent),
            (json!({"Condition": {"ForAllValues:StringEquals": {"aws:None": ["c"]}}}), Verdict::Deny),
        ] {
            assert_eq!(verdict(&everybody(extra.clone()), &ann, "s3:PutObject"), expected, "{extra}");
        }
    }

    #[test]
    fn another_account_needs_both_policies() {
        let mut world = World::default();
        let may = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}).to_string();
        for (name, inline) in [("ann", Some(may)), ("bob", None)] {
            SeedRole { name: name.into(), ..SeedRole::default() }.make(&mut world);
            let mut role: Role = world.get(ROLES, name).unwrap();
            role.inline.extend(inline.map(|document| ("p".to_owned(), document)));
            world.put(ROLES, name, &role);
        }
        let to =
            |principal: &str| json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "*"}});
        let account = "arn:aws:iam::123456789012:root";
        let bob = "arn:aws:iam::123456789012:role/bob";
        for (role, owner, policy, expected) in [
            ("ann", "123456789012", None, true),
            ("bob", "123456789012", None, false),
            ("bob", "123456789012", Some(to(bob)), true),
            ("ann", "999999999999", None, false),
            ("ann", "999999999999", Some(to(account)), true),
            ("bob", "999999999999", Some(to(account)), false),
            ("bob", "999999999999", Some(to(bob)), false),
            ("ann", "999999999999", Some(to("arn:aws:iam::999999999999:root")), false),
        ] {
            let caller = caller(role, "AROA");
            let context =
                RequestContext { caller: &caller, action: "s3:GetObject", resource: "r", keys: BTreeMap::new() };
            let answer = allowed(&world, owner, policy.as_ref(), &context, Verdict::Delegated);
            assert_eq!(answer, expected, "{role} {owner} {policy:?}");
        }
    }

    #[test]
    fn grammar_is_checked() {
        for (document, principals, expected) in [
            ("{", false, false),
            (r#"{"Statement":[]}"#, false, false),
            (r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}"#, false, true),
            (r#"{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}"#, false, false),
            (r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}"#, true, false),
            (r#"{"Statement":{"Effect":"Maybe","Action":"a:b","Resource":"*"}}"#, false, false),
            (r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Odd":{}}}}"#, false, false),
        ] {
            assert_eq!(parse(document, principals).is_ok(), expected, "{document}");
        }
    }

    #[test]
    fn roles_of_every_account_must_exist() {
        let mut world = World::default();
        let theirs = Seed { roles: vec![SeedRole { name: "theirs".into(), ..SeedRole::default() }], ..Seed::default() };
        Seed { others: [("999999999999".to_owned(), theirs)].into(), ..Seed::default() }.apply(&mut world);
        for (principal, known) in [
            ("*", true),
            ("111122223333", true),
            ("arn:aws:iam::123456789012:root", true),
            ("arn:aws:iam::111122223333:root", true),
            ("arn:aws-cn:iam::123456789012:root", false),
            ("arn:aws:iam::123456789012:user/ann", true),
            ("arn:aws:iam::123456789012:role/gone", false),
            ("arn:aws:iam::123456789012:role/theirs", false),
            ("arn:aws:iam::999999999999:role/theirs", true),
            ("arn:aws:iam::999999999999:role/path/theirs", false),
            ("arn:aws:iam::999999999999:role/Theirs", false),
            ("arn:aws-cn:iam::999999999999:role/theirs", false),
            ("AROADELETED", false),
        ] {
            let document = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "*"}});
            assert_eq!(unknown_principal(&world, &document, true).is_none(), known, "{principal}");
        }
    }
}
