//! Sandboxes and signed requests for the tests of the services.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::front::{Sandbox, SandboxOptions};
use super::seed::{Seed, SeedRole, SeedSubnet};
use super::wire::{Refusal, Request, Response};

/// A sandbox with a VPC, two subnets and the role `execution`.
pub fn seeded(options: SandboxOptions) -> Sandbox {
    let sandbox = Sandbox::open(options).unwrap();
    let subnet = |id: &str| SeedSubnet { id: id.into(), vpc: "vpc-1".into() };
    let seed = Seed {
        vpcs: vec!["vpc-1".into()],
        subnets: vec![subnet("subnet-1"), subnet("subnet-2")],
        roles: vec![SeedRole { name: "execution".into(), ..SeedRole::default() }],
        prefix_lists: vec![("pl-1".into(), "com.amazonaws.us-east-1.s3".into())],
        ..Seed::default()
    };
    sandbox.seed(&seed).unwrap();
    sandbox
}

/// A sandbox with the faults that `text` names.
pub fn faulty(text: &str) -> Sandbox {
    seeded(SandboxOptions { faults: text.parse().unwrap(), ..SandboxOptions::default() })
}

/// A signed request, as far as the sandbox looks at signatures.
pub fn request(service: &str, region: &str, method: &str, path: &str, body: &str) -> Request {
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/{region}/{service}/aws4_request, Signature=0");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method: method.into(),
        host: "127.0.0.1".into(),
        path: path.into(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: BTreeMap::from([("authorization".into(), authorization)]),
        body: body.into(),
    }
}

/// Calls a service that speaks JSON.
pub fn call(sandbox: &Sandbox, service: &str, operation: &str, input: &Json) -> Result<Json, Refusal> {
    let mut request = request(service, "us-east-1", "POST", "/", &input.to_string());
    request.headers.insert("x-amz-target".into(), format!("Service.{operation}"));
    let Response { status, body, .. } = sandbox.answer(&request);
    let answer: Json = serde_json::from_slice(&body).unwrap_or_default();
    if status == 200 {
        return Ok(answer);
    }
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    Err(Refusal { status, code: text("__type"), message: text("message") })
}

/// Calls a service that speaks the query protocol: the status and the document.
pub fn query(sandbox: &Sandbox, service: &str, pairs: &[(&str, &str)]) -> (u16, String) {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let response = sandbox.answer(&request(service, "us-east-1", "POST", "/", &body));
    (response.status, String::from_utf8(response.body).unwrap())
}

/// The error code of an SDK's failure.
pub fn code<E, R>(result: Result<E, R>) -> String
where
    R: aws_smithy_types::error::metadata::ProvideErrorMetadata,
{
    match result {
        Ok(_) => "nothing was refused".into(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}
