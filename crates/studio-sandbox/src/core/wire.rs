//! Requests and answers between the SDK's HTTP and the services.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::world::account_in;

/// A request, its body read.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The host that was asked, without a port.
    pub host: String,
    /// The path, still percent-encoded, from its first `/`.
    pub path: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The header called `name`, which is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first value of `name` in the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The same without members that are null: on the wire they mean the same as absent ones.
pub fn without_nulls(value: &Json) -> Json {
    match value {
        Json::Object(object) => {
            let members = object.iter().filter(|(_, value)| !value.is_null());
            Json::Object(members.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// An HTTP response of a service.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, `x-amzn-requestid` aside, which the front adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer without a body.
    pub(crate) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// An answer whose body is JSON of the given media type; AWS leaves out what has no value.
    pub(crate) fn json(status: u16, media_type: &str, body: &Json) -> Self {
        Self::empty(status).with_header("content-type", media_type).with_body(without_nulls(body).to_string())
    }

    /// An answer whose body is XML.
    pub(crate) fn xml(status: u16, body: String) -> Self {
        Self::empty(status).with_header("content-type", "text/xml").with_body(body)
    }

    /// The same with one more header.
    #[must_use]
    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with another body.
    #[must_use]
    pub(crate) fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// The caller of a request: who the signature's access key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The ARN as STS tells it: `arn:aws:sts::1234…:assumed-role/name/session`, or an IAM user's.
    pub arn: String,
    /// `aws:userId`: `AROA…:session` for a role.
    pub user_id: String,
    /// `aws:PrincipalArn`: the role's own ARN for an assumed role.
    pub principal_arn: String,
}

impl Principal {
    /// The account that it belongs to.
    pub fn account(&self) -> &str {
        account_in(&self.principal_arn).unwrap_or_default()
    }
}

/// A refusal, as the services word it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code.
    pub code: String,
    /// The message.
    pub message: String,
}

impl Refusal {
    /// A refusal with HTTP 400, which is what JSON services answer with.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub(crate) const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// Outcome of an operation of a JSON service.
pub type Answer = Result<Json, Refusal>;
