//! Outline of a node: the little that a reviewer has to know of what is to be made.

use std::collections::BTreeSet;

use crate::model::{Part, Path, Text, Value};

/// Outline that a kind gives of a node: its name in the account in one phrase, and the properties that decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Outline {
    /// The name of the live object, or what else tells it apart, and what it is.
    pub headline: String,
    /// The properties that decide, each on a line of its own.
    pub facts: Vec<Fact>,
}

/// Fact that a reviewer has to know about a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fact {
    /// The word in front of it.
    pub label: String,
    /// The fact, for people.
    pub text: String,
}

impl Outline {
    /// An outline of one phrase.
    pub fn new(headline: impl Into<String>) -> Self {
        Self { headline: headline.into(), facts: Vec::new() }
    }

    /// The same outline with one fact more, unless there is nothing to say.
    #[must_use]
    pub fn fact(mut self, label: impl Into<String>, text: impl Into<String>) -> Self {
        let (label, text) = (label.into(), text.into());
        if !text.is_empty() {
            self.facts.push(Fact { label, text });
        }
        self
    }
}

/// A text in which an output stands as the address that it comes from: `execution_role.default`, which the plan makes.
pub fn referred(text: &Text) -> String {
    match text.parts() {
        // An attribute alone stands for the thing itself.
        [Part::Output { of, .. }] => of.to_string(),
        parts => parts
            .iter()
            .map(|part| match part {
                Part::Literal(literal) => literal.clone(),
                Part::Output { of, .. } => format!("({of})"),
            })
            .collect(),
    }
}

/// The last word of an ARN, by which people know what it names: `role/path/name` is `name`. Any other text stays.
fn short(text: &Text) -> String {
    let whole = referred(text);
    match whole.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)) {
        Some("root") => "the account".to_owned(),
        Some(resource) => resource.rsplit('/').next().unwrap_or(resource).to_owned(),
        None => whole,
    }
}

/// The first text of a value, in which outputs stand as addresses; nothing when there is none.
pub fn said(value: Option<&Value>) -> String {
    value.and_then(|value| texts(value).into_iter().next()).map(referred).unwrap_or_default()
}

/// The thing that a value names first, in short; nothing when there is none.
pub fn named(value: Option<&Value>) -> String {
    value.and_then(|value| texts(value).into_iter().next()).map(short).unwrap_or_default()
}

/// The texts of a value, which is one or a list of them.
pub fn texts(value: &Value) -> Vec<&Text> {
    match value {
        Value::Text(text) => vec![text],
        Value::List(items) => items.iter().flat_map(texts).collect(),
        Value::Map(map) => map.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// A security group's rule as people say it: `tcp 443 from 10.0.0.0/24  "proxy"`. A peer that is the word `self` is the group itself.
pub fn rule_in_words(rule: &Value, preposition: &str) -> String {
    let words = rule.text("Description").map(|words| format!("  \"{words}\"")).unwrap_or_default();
    let peer = ["CidrIp", "CidrIpv6", "GroupId", "PrefixListId"].into_iter().find_map(|key| rule.get(key));
    let peer = if peer.and_then(Value::as_str) == Some("self") { "itself".into() } else { said(peer) };
    format!("{} {preposition} {peer}{words}", traffic(rule))
}

/// The traffic that a rule lets through: `tcp 443`, `udp 1 to 99`, `everything`.
pub fn traffic(rule: &Value) -> String {
    let number = |key: &str| rule.get(key).map(|port| port.to_json().to_string());
    let protocol = rule.text("IpProtocol").unwrap_or("-1");
    let ports = match (number("FromPort"), number("ToPort")) {
        (Some(from), Some(to)) if from != to => format!(" {from} to {to}"),
        (Some(from), _) => format!(" {from}"),
        (None, _) => String::new(),
    };
    if protocol == "-1" { "everything".to_owned() } else { format!("{protocol}{ports}") }
}

/// The part of a value that opens it to the whole internet: every address of IPv4 or IPv6, or apps with internet access
/// of their own.
pub fn opened_by(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => text.known().filter(|text| ["0.0.0.0/0", "::/0", "PublicInternetOnly"].contains(text)),
        Value::List(items) => items.iter().find_map(opened_by),
        Value::Map(map) => map.values().find_map(opened_by),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The principals that a policy's statements let in, each once, in the order in which they stand there. Everybody who is
/// held to some roles' ids is these roles.
pub fn principals(policy: Option<&Value>) -> Vec<String> {
    let statements = policy.and_then(|policy| policy.get("Statement")).map(Value::items).unwrap_or_default();
    let mut names = Vec::new();
    for statement in statements.iter().filter(|statement| statement.text("Effect") == Some("Allow")) {
        let ids = statement.at(&Path::of(["Condition", "StringLike", "aws:userId"])).map(texts);
        names.extend(statement.get("Principal").map(texts).unwrap_or_default().into_iter().map(|name| match &ids {
            Some(ids) if name.known() == Some("*") => counted(ids.len(), "role by its id", "roles by their ids"),
            _ => short(name),
        }));
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Address, Kind};

    #[test]
    fn an_output_stands_as_the_address_that_it_comes_from() {
        let role = Text::output(Address::new(Kind::ExecutionRole, "default"), "Arn");
        assert_eq!(referred(&role), "execution_role.default");
        assert_eq!(referred(&Text::literal("s3://").then(role).then("/x")), "s3://(execution_role.default)/x");
    }

    #[test]
    fn an_arn_is_known_by_its_last_word() {
        for (arn, expected) in [
            ("arn:aws:iam::123456789012:role/team/ann", "ann"),
            ("arn:aws:iam::123456789012:root", "the account"),
            ("arn:aws:s3:::bucket", "bucket"),
            ("sagemaker.amazonaws.com", "sagemaker.amazonaws.com"),
            ("arn:", "arn:"),
        ] {
            assert_eq!(short(&Text::literal(arn)), expected);
        }
    }

    #[test]
    fn principals_are_named_once_and_only_if_they_are_let_in() {
        let policy = Value::from(json!({"Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::1:role/b", "arn:aws:iam::1:role/a"]}},
            {"Effect": "Deny", "Principal": "*"},
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:role/a"}, "Action": "kms:*"},
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Condition": {"StringLike": {"aws:userId": ["A:*", "B:*"]}}},
        ]}));
        assert_eq!(principals(Some(&policy)), ["b", "a", "2 roles by their ids"]);
        assert!(principals(None).is_empty());
    }
}
