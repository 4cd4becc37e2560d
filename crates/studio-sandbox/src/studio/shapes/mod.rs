//! Shapes that a request may have, and AWS's words for one that has another.
//!
//! The tables in the submodules are data; [`check`] reads a request against them before any operation runs, as the
//! front of the real service does: a wrong type is a `SerializationException`, a broken constraint one
//! `ValidationException` for all of them.

mod requests;
mod settings;
mod values;

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::core::wire::Refusal;

/// The shape of a value.
#[derive(Debug)]
pub enum Shape {
    /// An object with these members.
    Structure(&'static [ShapeMember]),
    /// An object with exactly one of these members.
    Union(&'static [ShapeMember]),
    /// An array.
    List {
        /// What is in it.
        of: &'static Shape,
        /// The fewest elements.
        min: i64,
        /// The most elements.
        max: i64,
    },
    /// A string.
    Text {
        /// The fewest characters.
        min: i64,
        /// The most characters.
        max: i64,
        /// What the whole of it must match; empty for anything.
        pattern: &'static str,
    },
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A whole number.
    Whole {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A boolean.
    Flag,
    /// A moment: seconds since the epoch.
    Moment,
}

/// A member of a structure.
#[derive(Debug)]
pub struct ShapeMember {
    name: &'static str,
    required: bool,
    shape: &'static Shape,
}

/// No limit of the model's own.
const UNLIMITED: i64 = i64::MAX;

/// Characters that tags are made of. The sandbox's regular expressions do not know Unicode classes, so that `fits`
/// knows this one.
const TAG_CHARACTERS: &str = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)";

const fn required(name: &'static str, shape: &'static Shape) -> ShapeMember {
    ShapeMember { name, required: true, shape }
}

const fn optional(name: &'static str, shape: &'static Shape) -> ShapeMember {
    ShapeMember { name, required: false, shape }
}

/// The request of `operation`, if Studio has it.
pub fn request(operation: &str) -> Option<&'static Shape> {
    requests::REQUESTS.iter().find(|(name, _)| *name == operation).map(|(_, shape)| shape)
}

/// Every operation that Studio has, with the members that it requires.
#[cfg(test)]
pub fn operations() -> impl Iterator<Item = (&'static str, impl Iterator<Item = &'static str>)> {
    requests::REQUESTS.iter().map(|(name, shape)| {
        let Shape::Structure(members) = shape else { unreachable!("every request is a structure") };
        (*name, members.iter().filter(|member| member.required).map(|member| member.name))
    })
}

/// Refuses an `input` that is not of `shape`.
pub fn check(shape: &Shape, input: &Json) -> Result<(), Refusal> {
    let mut broken = Vec::new();
    walk(shape, input, "", &mut broken)?;
    if broken.is_empty() {
        return Ok(());
    }
    let errors = if broken.len() == 1 { "error" } else { "errors" };
    let message = format!("{} validation {errors} detected: {}", broken.len(), broken.join("; "));
    Err(Refusal::new("ValidationException", message))
}

fn walk(shape: &Shape, value: &Json, path: &str, broken: &mut Vec<String>) -> Result<(), Refusal> {
    match (shape, value) {
        (Shape::Structure(members), Json::Object(object)) => {
            // The real service ignores a member that it does not know. The sandbox refuses it: a misspelt setting that is
            // silently dropped is just what a dry run has to find.
            if let Some(unknown) = object.keys().find(|key| members.iter().all(|member| member.name != **key)) {
                return Err(unreadable(format!("Unknown member '{}'", below(path, unknown))));
            }
            for member in *members {
                let place = below(path, member.name);
                match object.get(member.name) {
                    Some(value) => walk(member.shape, value, &place, broken)?,
                    None if member.required => broken.push(breach("null", &place, "Member must not be null")),
                    None => {}
                }
            }
        }
        (Shape::Union(members), Json::Object(object)) => {
            walk(&Shape::Structure(members), value, path, broken)?;
            if object.len() != 1 {
                return Err(unreadable(format!("Exactly one member must be set in the union at '{path}'")));
            }
        }
        (Shape::List { of, min, max }, Json::Array(items)) => {
            length(*min, *max, items.len(), &format!("'{}'", listed(items)), path, broken);
            for (index, item) in items.iter().enumerate() {
                walk(of, item, &format!("{path}.{}.member", index + 1), broken)?;
            }
        }
        (Shape::Text { min, max, pattern }, Json::String(text)) => {
            let shown = format!("'{text}'");
            length(*min, *max, text.chars().count(), &shown, path, broken);
            if !fits(pattern, text) {
                let rule = format!("Member must satisfy regular expression pattern: {pattern}");
                broken.push(breach(&shown, path, &rule));
            }
        }
        (Shape::Choice(choices), Json::String(text)) => {
            if !choices.contains(&text.as_str()) {
                let rule = format!("Member must satisfy enum value set: [{}]", choices.join(", "));
                broken.push(breach(&format!("'{text}'"), path, &rule));
            }
        }
        (Shape::Whole { min, max }, Json::Number(number)) => {
            let number =
                number.as_i64().ok_or_else(|| unreadable(format!("DECIMAL_VALUE can not be converted at '{path}'")))?;
            let shown = format!("'{number}'");
            if number < *min {
                broken.push(breach(&shown, path, &format!("Member must have value greater than or equal to {min}")));
            }
            if number > *max {
                broken.push(breach(&shown, path, &format!("Member must have value less than or equal to {max}")));
            }
        }
        (Shape::Flag, Json::Bool(_)) | (Shape::Moment, Json::Number(_)) => {}
        (_, Json::Object(_)) => {
            return Err(unreadable(format!("Start of structure or map found where not expected at '{path}'")));
        }
        (_, Json::Array(_)) => return Err(unreadable(format!("Start of list found where not expected at '{path}'"))),
        (_, value) => {
            return Err(unreadable(format!(
                "{}_VALUE can not be converted to {} at '{path}'",
                kind(value),
                shape.noun()
            )));
        }
    }
    Ok(())
}

impl Shape {
    const fn noun(&self) -> &'static str {
        match self {
            Self::Structure(_) | Self::Union(_) => "a structure",
            Self::List { .. } => "a list",
            Self::Text { .. } | Self::Choice(_) => "a String",
            Self::Whole { .. } => "an Integer",
            Self::Flag => "a Boolean",
            Self::Moment => "a timestamp",
        }
    }
}

const fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "NULL",
        Json::Bool(_) => "BOOLEAN",
        Json::Number(_) => "NUMBER",
        Json::String(_) => "STRING",
        Json::Array(_) => "LIST",
        Json::Object(_) => "STRUCTURE",
    }
}

fn length(min: i64, max: i64, length: usize, shown: &str, path: &str, broken: &mut Vec<String>) {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if length < min {
        broken.push(breach(shown, path, &format!("Member must have length greater than or equal to {min}")));
    }
    if length > max {
        broken.push(breach(shown, path, &format!("Member must have length less than or equal to {max}")));
    }
}

fn breach(shown: &str, path: &str, rule: &str) -> String {
    format!("Value {shown} at '{path}' failed to satisfy constraint: {rule}")
}

fn unreadable(message: String) -> Refusal {
    Refusal::new("SerializationException", message)
}

/// The member's path in an error: AWS writes names there with a small first letter.
fn below(path: &str, name: &str) -> String {
    let mut place = path.to_owned();
    if !path.is_empty() {
        place.push('.');
    }
    let mut characters = name.chars();
    place.extend(characters.next().map(|first| first.to_ascii_lowercase()));
    place.push_str(characters.as_str());
    place
}

fn listed(items: &[Json]) -> String {
    let mut text = String::from("[");
    for (index, item) in items.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let shown = item.as_str().map_or_else(|| item.to_string(), ToOwned::to_owned);
        write!(text, "{separator}{shown}").expect("writing to a String does not fail");
    }
    text.push(']');
    text
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern {
        "" => true,
        TAG_CHARACTERS => text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)),
        _ => regex_lite::Regex::new(&format!("^(?:{pattern})$"))
            .expect("every pattern of the tables is an expression: a test compiles them all")
            .is_match(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patterns(shape: &Shape, found: &mut Vec<&'static str>) {
        match shape {
            Shape::Structure(members) | Shape::Union(members) => {
                members.iter().for_each(|member| patterns(member.shape, found));
            }
            Shape::List { of, .. } => patterns(of, found),
            Shape::Text { pattern, .. } => found.push(pattern),
            _ => {}
        }
    }

    #[test]
    fn every_pattern_is_an_expression() {
        let mut found = Vec::new();
        for (_, shape) in requests::REQUESTS {
            patterns(shape, &mut found);
        }
        assert!(found.len() > 100);
        for pattern in found {
            fits(pattern, "x");
        }
    }

    #[test]
    fn words_are_those_of_aws() {
        let domain = |more: Json| {
            let mut request = json!({"DomainName": "studio", "AuthMode": "IAM", "DefaultUserSettings": {}});
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            request
        };
        let cases = [
            (domain(json!({})), ""),
            (
                domain(json!({"AuthMode": "LDAP"})),
                "ValidationException: 1 validation error detected: Value 'LDAP' at 'authMode' failed to satisfy \
                 constraint: Member must satisfy enum value set: [SSO, IAM]",
            ),
            (
                json!({"AuthMode": "IAM"}),
                "ValidationException: 2 validation errors detected: Value null at 'domainName' failed to satisfy \
                 constraint: Member must not be null; Value null at 'defaultUserSettings' failed to satisfy constraint: \
                 Member must not be null",
            ),
            (
                domain(json!({"DefaultSpaceSettings": {"ExecutionRole": ""}})),
                "ValidationException: 2 validation errors detected: Value '' at 'defaultSpaceSettings.executionRole' failed \
                 to satisfy constraint: Member must have length greater than or equal to 20; Value '' at \
                 'defaultSpaceSettings.executionRole' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
            ),
            (
                domain(json!({"SubnetIds": []})),
                "ValidationException: 1 validation error detected: Value '[]' at 'subnetIds' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1",
            ),
            (
                domain(
                    json!({"DefaultUserSettings": {"JupyterLabAppSettings": {"AppLifecycleManagement": {"IdleSettings":
                    {"MinIdleTimeoutInMinutes": 30}}}}}),
                ),
                "ValidationException: 1 validation error detected: Value '30' at \
                 'defaultUserSettings.jupyterLabAppSettings.appLifecycleManagement.idleSettings.minIdleTimeoutInMinutes' \
                 failed to satisfy constraint: Member must have value greater than or equal to 60",
            ),
            (
                domain(json!({"Tags": [{"Key": "a", "Value": "ok"}, {"Key": "b", "Value": "no<way"}]})),
                "ValidationException: 1 validation error detected: Value 'no<way' at 'tags.2.member.value' failed to \
                 satisfy constraint: Member must satisfy regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)",
            ),
            (domain(json!({"Tags": [{"Key": "Größe", "Value": "ß 1"}]})), ""),
            (
                domain(json!({"DefaultUserSettings": {"Colour": "red"}})),
                "SerializationException: Unknown member 'defaultUserSettings.colour'",
            ),
            (
                domain(json!({"VpcId": 1})),
                "SerializationException: NUMBER_VALUE can not be converted to a String at 'vpcId'",
            ),
            (
                domain(json!({"DefaultUserSettings": []})),
                "SerializationException: Start of list found where not expected at 'defaultUserSettings'",
            ),
            (
                domain(json!({"DefaultUserSettings": {"CustomFileSystemConfigs": [{}]}})),
                "SerializationException: Exactly one member must be set in the union at \
                 'defaultUserSettings.customFileSystemConfigs.1.member'",
            ),
        ];
        for (request, expected) in cases {
            let answer = check(super::request("CreateDomain").unwrap(), &request);
            assert_eq!(answer.err().map(|refusal| refusal.to_string()).unwrap_or_default(), expected);
        }
    }
}
