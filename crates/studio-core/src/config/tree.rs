//! A YAML document as a tree in which every key and value knows where it stands.

use indexmap::IndexMap;
use serde_json::{Number, Value as Json};

use super::diagnostic::Place;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The value.
    pub value: Value,
    /// Where it begins.
    pub place: Place,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, or nothing at all.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// Text with references that nobody can fill in yet, as it was written.
    Pending(String),
    /// A value that has been reported as wrong already.
    Broken,
    /// A list.
    List(Vec<Tree>),
    /// A mapping, in the order of the file.
    Map(IndexMap<String, Member>),
}

/// A value in a mapping, and where its key stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Where the key stands.
    pub key: Place,
    /// The value.
    pub value: Tree,
}

impl Tree {
    /// The value at a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.map().and_then(|members| members.get(key)).map(|member| &member.value)
    }

    /// The members, if this is a mapping.
    pub fn map(&self) -> Option<&IndexMap<String, Member>> {
        match &self.value {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The text, if this is text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A tree of JSON, all of it at one place.
    pub fn from_json(json: Json, place: &Place) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Boolean(value),
            Json::Number(value) => Value::Number(value),
            Json::String(text) => Value::Text(text),
            Json::Array(items) => Value::List(items.into_iter().map(|item| Self::from_json(item, place)).collect()),
            Json::Object(members) => Value::Map(
                members
                    .into_iter()
                    .map(|(key, value)| (key, Member { key: place.clone(), value: Self::from_json(value, place) }))
                    .collect(),
            ),
        };
        Self { value, place: place.clone() }
    }

    /// The tree as JSON; references that nobody filled in stay as text, and broken values are null.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null | Value::Broken => Json::Null,
            Value::Boolean(value) => Json::Bool(*value),
            Value::Number(value) => Json::Number(value.clone()),
            Value::Text(text) | Value::Pending(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(members) => {
                Json::Object(members.iter().map(|(key, member)| (key.clone(), member.value.to_json())).collect())
            }
        }
    }

    /// What this is, in words for a message: ``text `a` ``, `the number 3`, `a list`, ….
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing (null)".into(),
            Value::Boolean(value) => format!("the boolean {value}"),
            Value::Number(value) => format!("the number {value}"),
            Value::Text(text) | Value::Pending(text) => format!("text `{}`", shorten(text)),
            Value::Broken => "a broken value".into(),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a mapping".into(),
        }
    }
}

/// Text short enough for a message.
pub fn shorten(text: &str) -> String {
    const LIMIT: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() > LIMIT || line.len() < text.trim_end().len() {
        format!("{}…", line.chars().take(LIMIT).collect::<String>())
    } else {
        line.into()
    }
}
