//! Requests and answers between the SDK's HTTP and the services.

use std::collections::BTreeMap;

use serde_json::Value as Json;

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

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, `x-amzn-requestid` aside, which the front adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Who is asking: what the signature's access key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The ARN as STS tells it: `arn:aws:sts::1234…:assumed-role/name/session`, or an IAM user's.
    pub arn: String,
    /// `aws:userId`: `AROA…:session` for a role.
    pub user_id: String,
    /// `aws:PrincipalArn`: the role's own ARN for an assumed role.
    pub principal_arn: String,
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
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// What an operation of a JSON service answers.
pub type Answer = Result<Json, Refusal>;
