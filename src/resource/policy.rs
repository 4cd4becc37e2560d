//! IAM policy documents as trees: built in one place, compared in one form.

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use crate::model::{Text, Value};

/// One statement of a policy.
#[derive(Clone, Debug)]
pub struct Statement(Value);

impl Statement {
    /// A statement that allows `actions`.
    pub fn allow(actions: &[&str]) -> Self {
        Self::new("Allow", actions)
    }

    /// A statement that denies `actions`.
    pub fn deny(actions: &[&str]) -> Self {
        Self::new("Deny", actions)
    }

    fn new(effect: &str, actions: &[&str]) -> Self {
        Self(Value::from_iter([("Effect", Value::from(effect)), ("Action", Value::from(actions.to_vec()))]))
    }

    /// The statement for these resources.
    #[must_use]
    pub fn on(self, resources: Vec<Text>) -> Self {
        self.with("Resource", Value::from(resources))
    }

    /// For these principals of type `AWS`.
    #[must_use]
    pub fn by(self, principals: Vec<Text>) -> Self {
        self.with("Principal", Value::from_iter([("AWS", Value::from(principals))]))
    }

    /// The statement for a service as the principal.
    #[must_use]
    pub fn by_service(self, service: &str) -> Self {
        self.with("Principal", Value::from_iter([("Service", service)]))
    }

    /// Under the name `sid`.
    #[must_use]
    pub fn sid(self, sid: &str) -> Self {
        self.with("Sid", Value::from(sid))
    }

    /// If `key` compares with one of `values` by `operator`.
    #[must_use]
    pub fn when(mut self, operator: &str, key: &str, values: Vec<Text>) -> Self {
        let path = crate::model::Path::of(["Condition", operator, key]);
        self.0.set_at(&path, Value::from(values));
        self
    }

    /// If `key` compares with `value` by `operator`, written as one value and not as a list.
    #[must_use]
    pub fn when_plain(mut self, operator: &str, key: &str, value: Text) -> Self {
        self.0.set_at(&crate::model::Path::of(["Condition", operator, key]), Value::Text(value));
        self
    }

    /// As MDAA writes it: actions, resources and principals that are one are no list; conditions stay lists.
    fn plain(self) -> Value {
        fn one(value: &Value) -> Value {
            match value {
                Value::List(items) if items.len() == 1 => items[0].clone(),
                Value::Map(map) => map.iter().map(|(key, value)| (key.clone(), one(value))).collect(),
                other => other.clone(),
            }
        }
        let members = self.0.entries();
        members.map(|(key, value)| (key.clone(), if key == "Condition" { value.clone() } else { one(value) })).collect()
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.set(key, value);
        self
    }
}

/// A document of these statements.
pub fn document(statements: Vec<Statement>) -> Value {
    let statements = statements.into_iter().map(|statement| statement.plain()).collect();
    Value::from_iter([("Version", Value::from("2012-10-17")), ("Statement", Value::List(statements))])
}

/// A document as AWS answers it; what is no JSON stays text, which differs from every document.
pub fn parse(text: &str) -> Value {
    let Ok(mut json) = serde_json::from_str::<Json>(text) else { return Value::from(text) };
    if let Some(statement) = json.get_mut("Statement").filter(|statement| !statement.is_array()) {
        *statement = Json::Array(vec![statement.take()]);
    }
    Value::from(json)
}

/// A document as IAM answers it: URL-encoded (RFC 3986).
pub fn parse_encoded(text: &str) -> Value {
    parse(&percent_decode_str(text).decode_utf8_lossy())
}

/// Returns `true` if two documents, or parts of them, mean the same: a list of one is the one, the order and repetition
/// of a list carry no meaning, and AWS answers `"true"` for `true`.
pub fn same(one: &Value, other: &Value) -> bool {
    canonical(one) == canonical(other)
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::List(items) => {
            let mut items: Vec<Value> = items.iter().map(canonical).collect();
            items.sort();
            items.dedup();
            if items.len() == 1 { items.remove(0) } else { Value::List(items) }
        }
        Value::Map(map) => map.iter().map(|(key, value)| (key.clone(), canonical(value))).collect(),
        Value::Bool(flag) => Value::from(flag.to_string()),
        other => other.clone(),
    }
}

/// The document as the text of a request.
pub fn text(document: &Value) -> String {
    document.to_request().to_string()
}
