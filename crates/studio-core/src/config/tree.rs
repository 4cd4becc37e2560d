//! A YAML document as a tree in which every key and value has its span.

use indexmap::IndexMap;
use serde_json::{Number, Value as Json};

use super::diagnostic::Span;

/// A value with its span.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The value.
    pub value: YamlValue,
    /// Where it begins.
    pub span: Span,
}

/// A value of the YAML core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum YamlValue {
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

/// A value in a mapping, with the span of its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Where the key stands.
    pub key: Span,
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
            YamlValue::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The text, if this is text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            YamlValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A tree of JSON, all of it at one span.
    pub fn from_json(json: Json, span: &Span) -> Self {
        let value = match json {
            Json::Null => YamlValue::Null,
            Json::Bool(value) => YamlValue::Boolean(value),
            Json::Number(value) => YamlValue::Number(value),
            Json::String(text) => YamlValue::Text(text),
            Json::Array(items) => YamlValue::List(items.into_iter().map(|item| Self::from_json(item, span)).collect()),
            Json::Object(members) => YamlValue::Map(
                members
                    .into_iter()
                    .map(|(key, value)| (key, Member { key: span.clone(), value: Self::from_json(value, span) }))
                    .collect(),
            ),
        };
        Self { value, span: span.clone() }
    }

    /// The tree as JSON; references that nobody filled in stay as text, and broken values are null.
    pub fn to_json(&self) -> Json {
        match &self.value {
            YamlValue::Null | YamlValue::Broken => Json::Null,
            YamlValue::Boolean(value) => Json::Bool(*value),
            YamlValue::Number(value) => Json::Number(value.clone()),
            YamlValue::Text(text) | YamlValue::Pending(text) => Json::String(text.clone()),
            YamlValue::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            YamlValue::Map(members) => {
                Json::Object(members.iter().map(|(key, member)| (key.clone(), member.value.to_json())).collect())
            }
        }
    }

    /// A description for messages: ``text `a` ``, `the number 3`, `a list`, ….
    pub fn describe(&self) -> String {
        match &self.value {
            YamlValue::Null => "nothing (null)".into(),
            YamlValue::Boolean(value) => format!("the boolean {value}"),
            YamlValue::Number(value) => format!("the number {value}"),
            YamlValue::Text(text) | YamlValue::Pending(text) => format!("text `{}`", shorten(text)),
            YamlValue::Broken => "a broken value".into(),
            YamlValue::List(_) => "a list".into(),
            YamlValue::Map(_) => "a mapping".into(),
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
