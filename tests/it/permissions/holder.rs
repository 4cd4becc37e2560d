//! A role that holds exactly the policies that it is given, and runs of studio-deploy as that role.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use studio_sandbox::Decision;
use studio_sandbox::{ROLES, Role};
use studio_sandbox::{RequestContext, Verdict, evaluate};

use crate::support::account::{IDENTITY, Lab};
use crate::support::ended::Ended;

/// The account and the region of every test.
pub const PLACE: [&str; 4] = ["--account", "123456789012", "--region", "us-east-1"];
/// ARN of the role that holds what is printed, and nothing else.
pub const HOLDER: &str = "arn:aws:iam::123456789012:role/ci/pipeline";

/// A config, and the form in which it is given.
#[derive(Clone)]
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// The module's YAML.
    pub config: String,
    /// The policy that bounds its roles: then it is a module of an mdaa.yaml.
    pub boundary: Option<&'static str>,
}

impl Case {
    /// The same with another config.
    pub fn with(&self, config: String) -> Self {
        Self { config, ..self.clone() }
    }

    /// Writes it; the argument that names it.
    fn path(&self, lab: &Lab) -> String {
        let config = lab.config(&self.config);
        let Some(boundary) = self.boundary else { return config };
        let tree = format!(
            "organization: acme
permissions_boundary_arn: arn:aws:iam::123456789012:policy/{boundary}
domains:
  ml:
    environments:
      dev:
        account: '123456789012'
        region: us-east-1
        modules:
          studio: {{module_path: '@aws-mdaa/sm-studio-domain', module_configs: [./studio.yaml]}}
"
        );
        let path = lab.path("mdaa.yaml");
        std::fs::write(&path, tree).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn identity(&self) -> &'static [&'static str] {
        // In an mdaa.yaml the organisation is its own.
        if self.boundary.is_some() { &IDENTITY[2..] } else { &IDENTITY }
    }

    /// Runs a command on it as the account's operator.
    pub fn run(&self, lab: &Lab, command: &[&str]) -> Ended {
        let path = self.path(lab);
        lab.command_as(&[command, &[&path]].concat(), self.identity())
    }

    /// Runs a command on it as the holder.
    pub fn run_as_holder(&self, lab: &Lab, command: &[&str]) -> Ended {
        self.run(lab, &[command, &["--role-arn", HOLDER]].concat())
    }

    /// The policies that `permissions` prints for the case.
    pub fn permissions(&self, lab: &Lab, options: &[&str]) -> Vec<Json> {
        let place: &[&str] = if self.boundary.is_some() { &[] } else { &PLACE };
        // The comprehensive sample gives its execution role by unique id alone.
        let role = ["--role", "test-user-role-id=arn:aws:iam::123456789012:role/role-test-user-role-id"];
        let printed = self.run(lab, &[&["permissions"], options, &role, place].concat()).expect(0);
        documents(&serde_json::from_str(&printed.data).unwrap())
    }
}

/// The documents of what is printed: one as it is, several below `policies`.
pub fn documents(printed: &Json) -> Vec<Json> {
    match printed["policies"].as_array() {
        Some(policies) => policies.iter().map(|policy| policy["document"].clone()).collect(),
        None => vec![printed.clone()],
    }
}

/// Makes the holder have `documents` and no other policy.
pub fn give(lab: &Lab, documents: &[Json]) {
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}});
    let inline = documents.iter().enumerate().map(|(at, document)| (format!("p{at}"), document.to_string()));
    let role = Role {
        name: "pipeline".into(),
        path: "/ci/".into(),
        id: "AROAPIPELINE000000000".into(),
        arn: HOLDER.into(),
        trust: trust.to_string(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: BTreeMap::new(),
        attached: Vec::new(),
        inline: inline.collect(),
        created: 0,
        visible_at: 0,
    };
    lab.sandbox.with_world(|world| world.put(ROLES, "pipeline", &role)).unwrap();
}

/// Decisions about the holder's own requests in the last command.
pub fn decisions(lab: &Lab) -> Vec<Decision> {
    lab.sandbox.decisions().into_iter().filter(|decision| decision.caller.principal_arn == HOLDER).collect()
}

/// Returns `true` if `statements` together allow what was decided about.
pub fn allow<'a>(statements: impl IntoIterator<Item = &'a Json>, decision: &Decision) -> bool {
    let statements: Vec<&Json> = statements.into_iter().collect();
    let Decision { caller, action, resource, keys, .. } = decision;
    let context = RequestContext { caller, action, resource, keys: keys.clone() };
    evaluate(&json!({"Statement": statements}), &context) == Verdict::Allow
}

/// A list of one is written as the one.
pub fn list(json: &Json) -> Vec<String> {
    match json {
        Json::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    }
}

/// Every statement of `documents`.
pub fn statements(documents: &[Json]) -> Vec<Json> {
    documents.iter().flat_map(|document| document["Statement"].as_array().unwrap().clone()).collect()
}
