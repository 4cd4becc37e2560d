//! Ways in which AWS hurts people who run Studio, row by row of `docs/behaviour.md`, and what happens instead.

mod adoption;
mod assets;
mod changes;
mod checks;
mod drains;
mod failures;
pub mod left_out;
mod mdaa;
mod removal;
mod scripts;
mod selection;
mod signals;
mod stacks;

use serde_json::{Value as Json, json};
use studio_sandbox::Call;
use studio_sandbox::Faults;
use studio_sandbox::{Request, Response};

use crate::support::account::{APPLY, Ended, Lab};

/// A config with two users and a script.
const BASE: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-1
  subnetIds: [subnet-1, subnet-2]
  dataAdminRoles: [{name: admin}]
  userProfiles:
    ann: {userRole: {name: users}}
    ben: {userRole: {name: users}}
  lifecycleConfigs:
    jupyterLab: {cmds: [echo one]}
  tags: {team: science}
";

/// A plan whose exit code says whether something would change.
const PLAN: &[&str] = &["plan", "--detailed-exitcode"];

/// An account in which [`BASE`] is applied.
fn deployed() -> Lab {
    let lab = Lab::new();
    lab.run(APPLY, BASE).expect(0);
    lab
}

/// Calls SageMaker behind everybody's back.
#[track_caller]
pub fn studio(lab: &Lab, operation: &str, input: &Json) -> Json {
    let Response { status, body, .. } = lab.sandbox.answer(&request("sagemaker", operation, input));
    let answer: Json = serde_json::from_slice(&body).unwrap_or_default();
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

/// A request as a client of `service` signs it.
pub fn request(service: &str, operation: &str, input: &Json) -> Request {
    let scope = format!("20260101/us-east-1/{service}/aws4_request");
    Request {
        method: "POST".into(),
        host: "127.0.0.1".into(),
        path: "/".into(),
        query: Vec::new(),
        headers: [
            ("authorization", format!("AWS4-HMAC-SHA256 Credential=AKIATEST/{scope}, Signature=0")),
            ("x-amz-target", format!("Service.{operation}")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        body: input.to_string().into_bytes(),
    }
}

/// The one domain's id.
pub fn domain_id(lab: &Lab) -> String {
    let domains = studio(lab, "ListDomains", &json!({}));
    domains["Domains"][0]["DomainId"].as_str().unwrap().to_owned()
}

fn describe_domain(lab: &Lab) -> Json {
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
fn disown(lab: &Lab) {
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
fn lose_record(lab: &Lab) {
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
fn put(lab: &Lab, table: &str, key: &str, record: &Json) {
    lab.sandbox.with_world(|world| world.put(table, key, record)).unwrap();
}

/// Changes a member of a record of the account.
#[track_caller]
fn alter(lab: &Lab, table: &str, key: &str, member: &str, value: &Json) {
    let changed = lab.sandbox.with_world(|world| {
        let record: Option<Json> = world.get(table, key);
        record.map(|mut record| {
            record[member] = value.clone();
            world.put(table, key, &record);
        })
    });
    assert!(changed.unwrap().is_some(), "there is no {key} in {table}");
}

/// Has other faults from now on, up to the end of the next command.
fn faults(lab: &Lab, text: &str) {
    let faults: Faults = text.parse().unwrap();
    lab.sandbox.set_faults(faults.clone());
    lab.set_faults_once(faults);
}

fn calls<'a>(ended: &'a Ended, operation: &str) -> Vec<&'a Call> {
    ended.calls.iter().filter(|call| call.operation == operation).collect()
}

fn count(ended: &Ended, operation: &str) -> usize {
    calls(ended, operation).len()
}

/// Number of records in a table of the account.
pub fn left_over(lab: &Lab, table: &str) -> usize {
    lab.tables().get(table).map_or(0, |records| records.len())
}

/// Makes sure that the command said something.
#[track_caller]
fn says(ended: &Ended, text: &str) {
    let all = format!("{}{}", ended.data, ended.notes);
    assert!(all.contains(text), "`{text}` is not in\n{all}");
}
