//! Trees of properties in the AWS API's own names, whose text leaves may wait for another node's output.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Number, Value as Json};

use super::Address;

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A text of one literal.
    Literal(String),
    /// An attribute of another node, known once that node exists.
    Output {
        /// The node.
        of: Address,
        /// The attribute, in the API's name (`Arn`, `DomainId`, …).
        attribute: String,
    },
}

/// Text made of literals and outputs: the only "known after apply" there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Vec<Part>);

impl Text {
    /// A text of one literal.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::default() } else { Self(vec![Part::Literal(text)]) }
    }

    /// A text that is another node's output.
    pub fn output(of: Address, attribute: impl Into<String>) -> Self {
        Self(vec![Part::Output { of, attribute: attribute.into() }])
    }

    /// Appends `other` to this text.
    #[must_use]
    pub fn then(mut self, other: impl Into<Text>) -> Self {
        for part in other.into().0 {
            match (self.0.last_mut(), part) {
                (Some(Part::Literal(tail)), Part::Literal(more)) => tail.push_str(&more),
                (_, part) => self.0.push(part),
            }
        }
        self
    }

    /// The pieces, adjacent literals joined.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The text, when nothing in it is unknown.
    pub fn known(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// A copy of this text with every output that `lookup` knows filled in.
    #[must_use]
    pub fn resolve(&self, lookup: &dyn Fn(&Address, &str) -> Option<String>) -> Self {
        self.0.iter().fold(Self::default(), |text, part| match part {
            Part::Literal(literal) => text.then(Text::literal(literal)),
            Part::Output { of, attribute } => match lookup(of, attribute) {
                Some(value) => text.then(Text::literal(value)),
                None => text.then(Text::output(of.clone(), attribute)),
            },
        })
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::literal(text)
    }
}

/// As in plan JSON: `${domain.studio.DomainId}` for an output, `$${` for a literal `${`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Literal(text) => f.write_str(&text.replace("${", "$${"))?,
                Part::Output { of, attribute } => write!(f, "${{{of}.{attribute}}}")?,
            }
        }
        Ok(())
    }
}

/// A property tree. Lists are compared as multisets everywhere, since no API list that we manage is ordered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// JSON's null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer or a decimal, kept as written.
    Number(NumberText),
    /// Text, perhaps not known yet.
    Text(Text),
    /// A list; order carries no meaning.
    List(Vec<Value>),
    /// A map.
    Map(BTreeMap<String, Value>),
}

/// A JSON number that can be ordered and compared: by its canonical text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberText(String);

impl NumberText {
    /// The number as JSON.
    pub fn to_number(&self) -> Number {
        self.0
            .parse::<i64>()
            .map(Number::from)
            .ok()
            .or_else(|| self.0.parse().ok().and_then(Number::from_f64))
            .unwrap_or_else(|| Number::from(0))
    }
}

impl fmt::Display for NumberText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value {
    /// A map without any entries.
    pub const fn map() -> Self {
        Self::Map(BTreeMap::new())
    }

    /// The member `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The value at `path`; an empty path is the value itself.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        path.0.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text, if this is text and all of it is known.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.known(),
            _ => None,
        }
    }

    /// The text at `key` of a map, if all of it is known.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// The items of a list, none for anything else.
    pub fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map, none for anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        match self {
            Self::Map(map) => Some(map.iter()),
            _ => None,
        }
        .into_iter()
        .flatten()
    }

    /// Puts `value` under `key`, turning anything that is no map into one.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        if !matches!(self, Self::Map(_)) {
            *self = Self::map();
        }
        if let Self::Map(map) = self {
            map.insert(key.into(), value.into());
        }
    }

    /// Puts `value` at `path`, making the maps on the way.
    pub fn set_at(&mut self, path: &Path, value: Value) {
        match path.0.split_first() {
            None => *self = value,
            Some((key, rest)) => {
                if !matches!(self, Self::Map(_)) {
                    *self = Self::map();
                }
                if let Self::Map(map) = self {
                    map.entry(key.clone()).or_insert(Value::Null).set_at(&Path(rest.to_vec()), value);
                }
            }
        }
    }

    /// Removes the value at `path`, and the maps on the way that are empty without it.
    pub fn remove_at(&mut self, path: &Path) {
        let Self::Map(map) = self else { return };
        match path.0.as_slice() {
            [] => {}
            [key] => {
                map.remove(key);
            }
            [key, rest @ ..] => {
                let Some(inner) = map.get_mut(key) else { return };
                inner.remove_at(&Path(rest.to_vec()));
                if *inner == Self::map() {
                    map.remove(key);
                }
            }
        }
    }

    /// A copy with every output that `lookup` knows filled in.
    #[must_use]
    pub fn resolve(&self, lookup: &dyn Fn(&Address, &str) -> Option<String>) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.resolve(lookup)),
            Self::List(items) => Self::List(items.iter().map(|item| item.resolve(lookup)).collect()),
            Self::Map(map) => Self::Map(map.iter().map(|(key, value)| (key.clone(), value.resolve(lookup))).collect()),
            other => other.clone(),
        }
    }

    /// Every output that the tree waits for.
    pub fn outputs(&self) -> BTreeSet<(&Address, &str)> {
        let mut found = BTreeSet::new();
        self.collect_outputs(&mut found);
        found
    }

    fn collect_outputs<'a>(&'a self, found: &mut BTreeSet<(&'a Address, &'a str)>) {
        match self {
            Self::Text(text) => found.extend(text.parts().iter().filter_map(|part| match part {
                Part::Output { of, attribute } => Some((of, attribute.as_str())),
                Part::Literal(_) => None,
            })),
            Self::List(items) => items.iter().for_each(|item| item.collect_outputs(found)),
            Self::Map(map) => map.values().for_each(|value| value.collect_outputs(found)),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }

    /// Returns `true` if the tree waits for no output.
    pub fn is_known(&self) -> bool {
        self.outputs().is_empty()
    }

    /// Equality that ignores the order of lists, at every level.
    pub fn same(&self, other: &Value) -> bool {
        self.sorted() == other.sorted()
    }

    /// A copy with every list sorted.
    #[must_use]
    pub fn sorted(&self) -> Self {
        match self {
            Self::List(items) => {
                let mut items: Vec<_> = items.iter().map(Value::sorted).collect();
                items.sort();
                Self::List(items)
            }
            Self::Map(map) => Self::Map(map.iter().map(|(key, value)| (key.clone(), value.sorted())).collect()),
            other => other.clone(),
        }
    }

    /// The path of every leaf: scalars, lists and empty maps.
    pub fn leaves(&self) -> Vec<(Path, &Value)> {
        let mut leaves = Vec::new();
        self.collect_leaves(&mut Vec::new(), &mut leaves);
        leaves
    }

    fn collect_leaves<'a>(&'a self, path: &mut Vec<String>, leaves: &mut Vec<(Path, &'a Value)>) {
        match self {
            Self::Map(map) if !map.is_empty() => {
                for (key, value) in map {
                    path.push(key.clone());
                    value.collect_leaves(path, leaves);
                    path.pop();
                }
            }
            leaf => leaves.push((Path(path.clone()), leaf)),
        }
    }

    /// As an API request's JSON. Unknown text is written as in plan JSON, so look at [`Value::is_known`] first; known
    /// text is written as it is, without escaping `${`.
    pub fn to_request(&self) -> Json {
        match self {
            Self::Text(text) => Json::String(text.known().map_or_else(|| text.to_string(), str::to_owned)),
            Self::List(items) => Json::Array(items.iter().map(Value::to_request).collect()),
            Self::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), value.to_request())).collect()),
            other => other.to_json(),
        }
    }

    /// As plan JSON: unknown text is `${address.attribute}`, a literal `${` is `$${`.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(flag) => Json::Bool(*flag),
            Self::Number(number) => Json::Number(number.to_number()),
            Self::Text(text) => Json::String(text.to_string()),
            Self::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Self::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), value.to_json())).collect()),
        }
    }
}

/// An API answer's JSON, all of it known.
impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(flag),
            Json::Number(number) => {
                // 60.0 and 60 are one number: the SDK's documents and YAML do not agree on which they write.
                let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15).map(|n| format!("{n:.0}"));
                Self::Number(NumberText(whole.unwrap_or_else(|| number.to_string())))
            }
            Json::String(text) => Self::Text(Text::literal(text)),
            Json::Array(items) => Self::List(items.into_iter().map(Value::from).collect()),
            Json::Object(map) => Self::Map(map.into_iter().map(|(key, value)| (key, value.into())).collect()),
        }
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(NumberText(number.to_string()))
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// Path of a property in its tree: map keys only, since lists are leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<String>);

impl Path {
    /// A path of the given keys.
    pub fn of<const N: usize>(keys: [&str; N]) -> Self {
        Self(keys.iter().map(ToString::to_string).collect())
    }

    /// Returns `true` if this path is `prefix` or lies below it.
    pub fn starts_with(&self, prefix: &Path) -> bool {
        self.0.starts_with(&prefix.0)
    }
}

/// `DefaultUserSettings.JupyterLabAppSettings`; a key with a dot or a bracket in it stands in brackets.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.iter().enumerate() {
            match (key.contains(['.', '[', ']']), at) {
                (true, _) => write!(f, "[{key}]")?,
                (false, 0) => f.write_str(key)?,
                (false, _) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl serde::Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Path {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is not a property path.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a property path: a bracket is left open")]
pub struct NotAPath(String);

impl std::str::FromStr for Path {
    type Err = NotAPath;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, NotAPath> {
        let mut keys = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(bracketed) = rest.strip_prefix('[') {
                let (key, after) = bracketed.split_once(']').ok_or_else(|| NotAPath(text.into()))?;
                keys.push(key.to_owned());
                rest = after.strip_prefix('.').unwrap_or(after);
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                keys.push(rest[..end].to_owned());
                rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
            }
        }
        Ok(Self(keys))
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
