//! Validation of a tree against a JSON Schema, with spans: every mistake at once, in words for people.
//!
//! A harmless placeholder replaces each wrong value, so that later checks can still run and report. Limits of the AWS API
//! (ranges, lengths, and enumerations marked `x-aws`) are reported as refusals, everything else as errors.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value as Json, json};

use super::diagnostic::{Diagnostic, Diagnostics, Span};
use super::suggest::nearest;
use super::tree::{Member, Tree, YamlValue, shorten};
use super::{codes, patterns};

/// Spans of the keys and values of a config, by path of keys.
pub(super) type SpanMap = BTreeMap<Vec<String>, MemberSpans>;

/// Spans of a value and of the key in front of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MemberSpans {
    /// The span of the key, or of the value itself for an element of a list.
    pub(super) key: Span,
    /// The span of the value.
    pub(super) value: Span,
    /// A placeholder stands in for the value, which was wrong.
    pub(super) broken: bool,
}

/// Result of a check.
pub(super) struct Checked {
    /// The tree as JSON that fits the schema.
    pub(super) json: Json,
    /// The spans of all keys and values.
    pub(super) spans: SpanMap,
    /// Every mistake that was found.
    pub(super) diagnostics: Diagnostics,
}

/// Placeholder of a value that is wrong: text that later checks skip as they skip unresolved references.
const STAND_IN: &str = "{{}}";

/// Checks a tree that stands at `path` against the schema at a JSON pointer within `root`.
pub(super) fn check(root: &Json, pointer: &str, tree: &Tree, path: &[String]) -> Checked {
    let schema = root.pointer(pointer).unwrap_or(&Json::Null);
    let (homes, diagnostics) = (OnceCell::new(), Diagnostics::default());
    let mut checker = Checker { root, homes, path: path.to_vec(), spans: SpanMap::new(), diagnostics };
    let spans = MemberSpans { key: tree.span.clone(), value: tree.span.clone(), broken: false };
    checker.spans.insert(path.to_vec(), spans);
    let json = checker.value(schema, tree, &tree.span).unwrap_or(Json::Null);
    Checked { json, spans: checker.spans, diagnostics: checker.diagnostics }
}

/// The typed pattern of JSON that passed a check.
pub(super) fn read<T: DeserializeOwned>(json: Json) -> Result<T, Diagnostics> {
    serde_json::from_value(json).map_err(|error| {
        let summary =
            format!("the config passed its checks but cannot be read: {error}; this is a bug in studio-deploy");
        Diagnostic::new(&codes::INTERNAL, summary).into()
    })
}

struct Checker<'a> {
    root: &'a Json,
    /// For every key the shortest path of a mapping that has it.
    homes: OnceCell<BTreeMap<&'a str, String>>,
    path: Vec<String>,
    spans: SpanMap,
    diagnostics: Diagnostics,
}

impl<'a> Checker<'a> {
    /// The value as JSON, or nothing if it is to be left out.
    fn value(&mut self, schema: &'a Json, tree: &Tree, key: &Span) -> Option<Json> {
        let resolved = self.resolve(schema);
        match &tree.value {
            YamlValue::Broken => {
                self.mark_broken();
                return self.stand_in(resolved);
            }
            YamlValue::Pending(text) => return self.pending(resolved, text, tree),
            _ => {}
        }
        let json = match kind(resolved) {
            "object" => self.object(resolved, tree, key),
            "array" => self.array(resolved, tree),
            "string" => tree.text().map(|text| json!(text)),
            "boolean" => boolean(tree),
            "integer" => integer(tree).map(Json::Number),
            "number" => number(tree).map(Json::Number),
            _ => Some(tree.to_json()),
        };
        let Some(json) = json else {
            self.wrong_type(resolved, tree);
            self.mark_broken();
            return self.stand_in(resolved);
        };
        // Limits stand beside a reference to the definition, or in the definition itself.
        let mut json = json;
        for limits in [schema, resolved] {
            if let Some(stand_in) = self.limits(limits, &json, tree) {
                json = stand_in;
            }
            if std::ptr::eq(schema, resolved) {
                break;
            }
        }
        Some(json)
    }

    fn object(&mut self, schema: &'a Json, tree: &Tree, key: &Span) -> Option<Json> {
        let members = tree.map()?;
        let empty = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&empty);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let mut object = Map::new();
        for (name, member) in members {
            let spans = MemberSpans { key: member.key.clone(), value: member.value.span.clone(), broken: false };
            self.path.push(name.clone());
            self.spans.insert(self.path.clone(), spans);
            let json = match schema["properties"].get(name).or(others) {
                Some(schema) => self.value(schema, &member.value, &member.key),
                None if known.is_empty() && schema.get("additionalProperties").is_none_or(|others| others != false) => {
                    Some(member.value.to_json())
                }
                None => {
                    self.unknown_key(name, member, known.keys().map(String::as_str));
                    None
                }
            };
            self.path.pop();
            if let Some(json) = json {
                object.insert(name.clone(), json);
            }
        }
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if !members.contains_key(required) {
                self.missing_key(required, key);
            }
            if !object.contains_key(required) {
                let schema = self.resolve(&schema["properties"][required]);
                if let Some(stand_in) = self.stand_in(schema) {
                    object.insert(required.into(), stand_in);
                }
            }
        }
        Some(Json::Object(object))
    }

    fn array(&mut self, schema: &'a Json, tree: &Tree) -> Option<Json> {
        let parsed;
        let items = match &tree.value {
            YamlValue::List(items) => items,
            // Text that reads as a JSON list counts as one.
            YamlValue::Text(text) => match serde_json::from_str::<Json>(text) {
                Ok(json @ Json::Array(_)) => {
                    parsed = Tree::from_json(json, &tree.span);
                    let YamlValue::List(items) = &parsed.value else { return None };
                    items
                }
                _ => return None,
            },
            _ => return None,
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            self.path.push(index.to_string());
            let spans = MemberSpans { key: item.span.clone(), value: item.span.clone(), broken: false };
            self.spans.insert(self.path.clone(), spans);
            list.extend(self.value(&schema["items"], item, &item.span));
            self.path.pop();
        }
        Some(Json::Array(list))
    }

    /// A value with references that are not filled in yet.
    fn pending(&mut self, schema: &'a Json, text: &str, tree: &Tree) -> Option<Json> {
        match kind(schema) {
            "string" if allowed_values(schema).is_empty() || schema["x-aws"] == true => Some(json!(text)),
            "array" | "object" => {
                let what = if kind(schema) == "array" { "a list" } else { "a mapping" };
                let summary = format!("`{}` must be {what}, but `{}` yields text", self.name(), shorten(text));
                let help = "a reference to an SSM parameter can be an element of a list, but not the list";
                self.diagnostics.push(Diagnostic::new(&codes::PARAMETER_PLACE, summary).at(&tree.span).help(help));
                self.stand_in(schema)
            }
            _ => {
                self.mark_broken();
                self.stand_in(schema)
            }
        }
    }

    /// Marks the present value as a placeholder.
    fn mark_broken(&mut self) {
        if let Some(spans) = self.spans.get_mut(&self.path) {
            spans.broken = true;
        }
    }

    /// Reports what AWS would refuse; an unknown word that is an error yields its placeholder.
    fn limits(&mut self, schema: &Json, json: &Json, tree: &Tree) -> Option<Json> {
        let name = self.name();
        if json.as_str() == Some("") && is_setting(&self.path) {
            let summary = format!("`{name}` has no value");
            let diagnostic = Diagnostic::new(&codes::BLANK_SETTING, summary).at(&tree.span);
            self.diagnostics.push(diagnostic.help("give it one, or remove the key"));
            return None;
        }
        if let (words, Some(text)) = (allowed_values(schema), json.as_str())
            && !words.is_empty()
            && !words.contains(&text)
        {
            let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            let code = if schema["x-aws"] == true { &codes::AWS_WORD } else { &codes::UNKNOWN_WORD };
            let summary = format!("`{name}` cannot be `{}`", shorten(text));
            let help = match nearest(text, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? The words allowed are {list}"),
                None => format!("the words allowed are {list}"),
            };
            self.diagnostics.push(Diagnostic::new(code, summary).at(&tree.span).help(help));
            if code == &codes::UNKNOWN_WORD {
                self.mark_broken();
                return Some(json!(words[0]));
            }
            return None;
        }
        let least = schema["minimum"].as_f64().or(schema["x-aws-minimum"].as_f64());
        if let Some(number) = json.as_f64() {
            let most = schema["maximum"].as_f64();
            if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                let summary = format!("AWS refuses `{name}: {json}`");
                let help = format!("the value must be {}", between(least, most, ""));
                self.diagnostics.push(Diagnostic::new(&codes::OUT_OF_RANGE, summary).at(&tree.span).help(help));
            }
        }
        let (size, keys, unit) = match json {
            Json::String(text) if !text.contains("{{") => {
                (text.chars().count(), ("minLength", "maxLength"), "characters")
            }
            Json::Array(items) => (items.len(), ("minItems", "maxItems"), "elements"),
            _ => return None,
        };
        let (least, most) = (schema[keys.0].as_u64(), schema[keys.1].as_u64());
        let size = size as u64;
        if least.is_some_and(|least| size < least) || most.is_some_and(|most| size > most) {
            #[expect(clippy::cast_precision_loss, reason = "limits are small")]
            let float = |limit: Option<u64>| limit.map(|limit| limit as f64);
            let summary = format!("AWS refuses `{name}` with {size} {unit}");
            let help = format!("it must have {}", between(float(least), float(most), unit));
            self.diagnostics.push(Diagnostic::new(&codes::LENGTH, summary).at(&tree.span).help(help));
            return None;
        }
        let pattern = schema["pattern"].as_str().and_then(patterns::find);
        if let (Some(pattern), Some(text)) = (pattern, json.as_str())
            && !pattern.fits(text)
        {
            let summary = format!("AWS refuses `{name}: {}`", shorten(text));
            let help = format!("write it like `{}`", pattern.example);
            self.diagnostics.push(Diagnostic::new(&codes::IDENTIFIER, summary).at(&tree.span).help(help));
        }
        None
    }

    fn unknown_key<'k>(&mut self, name: &str, member: &Member, known: impl Iterator<Item = &'k str> + Clone) {
        let parent = self.path[..self.path.len() - 1].join(".");
        let at_root = parent.is_empty();
        if at_root && matches!(name, "service_catalog_product_config" | "sagemakerBlueprint") {
            let summary = format!("`{name}` makes MDAA package a CloudFormation template, which does not exist here");
            let help = "remove the block to deploy the domain itself, or keep using MDAA for the product";
            self.diagnostics.push(Diagnostic::new(&codes::UNSUPPORTED_MODE, summary).at(&member.key).help(help));
            return;
        }
        let level = if at_root { "at the top".to_string() } else { format!("in `{parent}`") };
        let mut diagnostic =
            Diagnostic::new(&codes::UNKNOWN_KEY, format!("there is no key `{name}` {level}")).at(&member.key);
        let home = self.home(name);
        diagnostic = if let Some(near) = nearest(name, known.clone()) {
            diagnostic.help(format!("did you mean `{near}`?"))
        } else if let Some(home) = home {
            diagnostic.help(format!("`{name}` belongs to `{home}`"))
        } else if name == "<<" {
            diagnostic.help("YAML 1.2 has no merge keys; write the keys out, or use an alias for the whole value")
        } else {
            diagnostic.help(format!("the keys here are {}", known.collect::<Vec<_>>().join(", ")))
        };
        self.diagnostics.push(diagnostic);
    }

    /// The shortest path of a mapping that has a key.
    fn home(&self, name: &str) -> Option<String> {
        self.homes.get_or_init(|| self.find_homes()).get(name).cloned()
    }

    fn find_homes(&self) -> BTreeMap<&'a str, String> {
        let mut homes = BTreeMap::new();
        let mut level: Vec<(String, &'a Json)> = vec![(String::new(), self.root)];
        // Five levels reach every key of a config.
        for _ in 0..6 {
            let mut next = Vec::new();
            for (path, schema) in &level {
                let schema = self.resolve(schema);
                let step = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                for (key, child) in schema["properties"].as_object().into_iter().flatten() {
                    if !path.is_empty() {
                        homes.entry(key.as_str()).or_insert_with(|| path.clone());
                    }
                    next.push((step(key), child));
                }
                for (group, label) in [("additionalProperties", "*"), ("items", "*")] {
                    if let Some(child) = schema.get(group).filter(|child| child.is_object()) {
                        next.push((step(label), child));
                    }
                }
            }
            level = next;
        }
        homes
    }

    fn missing_key(&mut self, name: &str, key: &Span) {
        let parent = if self.path.is_empty() { "the config".to_string() } else { format!("`{}`", self.path.join(".")) };
        let diagnostic = Diagnostic::new(&codes::MISSING_KEY, format!("{parent} lacks `{name}`")).at(key);
        self.diagnostics.push(diagnostic.help(format!("add `{name}: …`")));
    }

    fn wrong_type(&mut self, schema: &Json, tree: &Tree) {
        let expected = match kind(schema) {
            "object" => "a mapping",
            "array" => "a list",
            "string" => "text",
            "boolean" => "true or false",
            "integer" => "a whole number",
            _ => "a number",
        };
        let name = if self.path.is_empty() { "the config".into() } else { format!("`{}`", self.name()) };
        let summary = format!("{name} must be {expected}, but is {}", tree.describe());
        let mut diagnostic = Diagnostic::new(&codes::WRONG_TYPE, summary).at(&tree.span);
        diagnostic = match (&tree.value, kind(schema)) {
            (YamlValue::Null, "object") => diagnostic.help("write `{}` for an empty mapping, or remove the key"),
            (YamlValue::Null, _) => diagnostic.help("give it a value, or remove the key"),
            (YamlValue::Number(_) | YamlValue::Boolean(_), "string") => diagnostic.help("put quotes around it"),
            (YamlValue::Text(text), "array") => diagnostic.help(format!("write [{}] for a list of one", shorten(text))),
            (YamlValue::Number(number), "array") => diagnostic.help(format!("write [{number}] for a list of one")),
            (_, "array") => diagnostic.help("write each element on a line of its own below the key, behind `- `"),
            (YamlValue::List(items), "object") if items.iter().all(|item| item.map().is_some()) => {
                diagnostic.help("write its keys without `- ` in front of them")
            }
            (_, "object") => diagnostic.help("write `key: value` lines below the key, further to the right"),
            (_, "boolean") => diagnostic.help("write true or false"),
            (YamlValue::Text(_) | YamlValue::Boolean(_), _) => diagnostic.help("write digits only"),
            (YamlValue::Number(_), _) => diagnostic.help("leave out what is behind the decimal point"),
            _ => diagnostic.help("write one value, on the line of the key"),
        };
        self.diagnostics.push(diagnostic);
    }

    /// A placeholder that fits a schema and that later checks pass over; nothing where nothing is needed.
    fn stand_in(&self, schema: &'a Json) -> Option<Json> {
        Some(match kind(schema) {
            "string" => json!(if schema["x-aws"] == true {
                STAND_IN
            } else {
                allowed_values(schema).first().copied().unwrap_or(STAND_IN)
            }),
            "array" => json!([]),
            "object" => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
                let members = required.filter_map(|name| {
                    Some((name.to_string(), self.stand_in(self.resolve(&schema["properties"][name]))?))
                });
                Json::Object(members.collect())
            }
            "boolean" => json!(false),
            _ => return None,
        })
    }

    /// The definition that a schema refers to, or the schema itself.
    fn resolve(&self, schema: &'a Json) -> &'a Json {
        let reference = schema["$ref"].as_str().or(schema["allOf"][0]["$ref"].as_str());
        match reference.and_then(|reference| self.root.pointer(reference.strip_prefix('#')?)) {
            Some(definition) => definition,
            None => schema,
        }
    }

    /// The present value's name in messages: its key, or the key and index of a list.
    fn name(&self) -> String {
        let mut parts = self.path.iter().rev();
        match parts.next() {
            Some(index) if index.parse::<usize>().is_ok() => {
                parts.next().map_or_else(|| index.clone(), |list| format!("{list}[{index}]"))
            }
            Some(key) => key.clone(),
            None => String::new(),
        }
    }
}

fn kind(schema: &Json) -> &str {
    schema["type"].as_str().unwrap_or(if schema.get("oneOf").is_some() { "string" } else { "" })
}

/// Returns `true` if a path is that of a setting of users, spaces or the domain: AWS takes none of them empty.
fn is_setting(path: &[String]) -> bool {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        keys.as_slice(),
        ["domain", "defaultUserSettings" | "defaultSpaceSettings" | "domainSettings", ..]
            | ["domain", "userProfiles", _, "settings", ..]
    )
}

/// The values that a schema allows: an `enum`, or the constants of documented alternatives.
fn allowed_values(schema: &Json) -> Vec<&str> {
    let direct = schema["enum"].as_array().into_iter().flatten();
    let alternatives = schema["oneOf"].as_array().into_iter().flatten();
    direct
        .chain(
            alternatives.flat_map(|choice| {
                choice.get("const").into_iter().chain(choice["enum"].as_array().into_iter().flatten())
            }),
        )
        .filter_map(Json::as_str)
        .collect()
}

fn boolean(tree: &Tree) -> Option<Json> {
    match &tree.value {
        YamlValue::Boolean(value) => Some(json!(value)),
        YamlValue::Text(text) => match text.as_str() {
            "true" => Some(json!(true)),
            "false" => Some(json!(false)),
            _ => None,
        },
        _ => None,
    }
}

fn number(tree: &Tree) -> Option<Number> {
    match &tree.value {
        YamlValue::Number(number) => Some(number.clone()),
        YamlValue::Text(text) => {
            let text = text.trim();
            text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
        }
        _ => None,
    }
}

fn integer(tree: &Tree) -> Option<Number> {
    // Beyond 2^53 a float no longer says which whole number is meant.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = number(tree)?;
    if number.is_i64() {
        return Some(number);
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT).map(|float| Number::from(float as i64))
}

fn between(least: Option<f64>, most: Option<f64>, unit: &str) -> String {
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => String::new(),
    };
    if unit.is_empty() { range } else { format!("{range} {unit}") }
}
