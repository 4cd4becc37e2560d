//! Events in an account besides commands: users at work, somebody who changes things by hand, time that passes.

use serde_json::{Value as Json, json};
use studio_sandbox::{Request, Response, Sandbox};

use super::account::Lab;

/// Access key that stands for the account's operator, as any does that nobody handed out.
pub const OPERATOR: &str = "AKIATEST";

/// Calls SageMaker behind everybody's back.
#[track_caller]
pub fn studio(lab: &Lab, operation: &str, input: &Json) -> Json {
    ask(&lab.sandbox, operation, input).unwrap_or_else(|refusal| panic!("{operation}: {refusal}"))
}

/// Calls SageMaker as a user would; the body of the refusal when it refuses.
pub fn ask(sandbox: &Sandbox, operation: &str, input: &Json) -> Result<Json, String> {
    let Response { status, body, .. } = sandbox.answer(&request("sagemaker", operation, input));
    let body = String::from_utf8(body).unwrap();
    if status == 200 { Ok(serde_json::from_str(&body).unwrap_or_default()) } else { Err(body) }
}

/// A request of a service that speaks JSON, as a client of it signs it.
pub fn request(service: &str, operation: &str, input: &Json) -> Request {
    let target = format!("Service.{operation}");
    signed(service, OPERATOR, ("POST", "/"), &[("x-amz-target", &target)], &input.to_string())
}

/// A request that is signed with an access key; its path may have a query.
pub fn signed(
    service: &str,
    access_key: &str,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> Request {
    let scope = format!("20260101/us-east-1/{service}/aws4_request");
    let authorization = format!("AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders=host, Signature=0");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = query.split('&').filter(|part| !part.is_empty());
    let query = query.map(|part| part.split_once('=').unwrap_or((part, "")));
    let headers = headers.iter().copied().chain([("authorization", authorization.as_str())]);
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Request {
        method: method.into(),
        host: "127.0.0.1".into(),
        path: path.into(),
        query: query.map(owned).collect(),
        headers: headers.map(owned).collect(),
        body: body.as_bytes().to_vec(),
    }
}

/// The one domain's id.
pub fn domain_id(lab: &Lab) -> String {
    let domains = studio(lab, "ListDomains", &json!({}));
    domains["Domains"][0]["DomainId"].as_str().unwrap().to_owned()
}

pub fn describe_domain(lab: &Lab) -> Json {
    studio(lab, "DescribeDomain", &json!({"DomainId": domain_id(lab)}))
}

/// Lets virtual time pass.
pub fn pass(lab: &Lab, seconds: i64) {
    lab.sandbox.with_world(|world| world.advance(seconds * 1000)).unwrap();
}

/// A user starts an app.
pub fn start_app(lab: &Lab, user: &str) {
    let app =
        json!({"DomainId": domain_id(lab), "UserProfileName": user, "AppType": "JupyterLab", "AppName": "default"});
    studio(lab, "CreateApp", &app);
    pass(lab, 200);
}

/// Takes our tags off everything, so that it looks as if MDAA had made it.
pub fn disown(lab: &Lab) {
    fn untag(json: &mut Json) {
        match json {
            Json::Object(members) => {
                members.retain(|key, _| !key.starts_with("studio-deploy:"));
                members.values_mut().for_each(untag);
            }
            Json::Array(items) => items.iter_mut().for_each(untag),
            _ => {}
        }
    }
    let disown = lab.sandbox.with_world(|world| {
        let records = world.records("").map(|(table, key, json)| (table.to_owned(), key.to_owned(), json.clone()));
        for (table, key, mut json) in records.collect::<Vec<_>>() {
            untag(&mut json);
            world.put(&table, &key, &json);
        }
    });
    disown.unwrap();
}

/// Deletes everything that studio-deploy keeps of the deployment.
pub fn lose_record(lab: &Lab) {
    let lose = lab.sandbox.with_world(|world| {
        let names: Vec<String> =
            world.list::<Json>("ssm/parameter", "/studio-deploy/").into_iter().map(|(name, _)| name).collect();
        assert!(!names.is_empty());
        for name in names {
            world.remove("ssm/parameter", &name);
        }
    });
    lose.unwrap();
}

/// Puts a record into the account.
pub fn put(lab: &Lab, table: &str, key: &str, record: &Json) {
    lab.sandbox.with_world(|world| world.put(table, key, record)).unwrap();
}

/// Changes a member of a record of the account.
#[track_caller]
pub fn alter(lab: &Lab, table: &str, key: &str, member: &str, value: &Json) {
    let changed = lab.sandbox.with_world(|world| {
        let record: Option<Json> = world.get(table, key);
        record.map(|mut record| {
            record[member] = value.clone();
            world.put(table, key, &record);
        })
    });
    assert!(changed.unwrap().is_some(), "there is no {key} in {table}");
}

/// Number of records in a table of the account.
pub fn left_over(lab: &Lab, table: &str) -> usize {
    lab.tables().get(table).map_or(0, |records| records.len())
}
