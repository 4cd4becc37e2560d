//! Many deployments in one run, in several accounts: what they share, how many calls they take, and what fails alone.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value as Json;
use studio_sandbox::Call;

use crate::support::account::Lab;
use crate::support::configs::{ONE_USER, edit};
use crate::support::ended::Ended;

/// The role by which a run gets into each account.
const ROLE: &str = "arn:{{partition}}:iam::{{account}}:role/deploy";
/// A parameter that the last deployment alone refers to.
const ITS_OWN: &str = "/network/vpc";

/// An organisation of so many deployments in so many accounts, one user each, in the folder of a test.
struct Organisation {
    lab: Lab,
    path: String,
    deployments: usize,
    accounts: usize,
}

impl Organisation {
    fn new(deployments: usize, accounts: usize) -> Self {
        let lab = Lab::new();
        fs::write(lab.path("studio.yaml"), ONE_USER).unwrap();
        let last = edit(ONE_USER, "vpcId: vpc-1", &format!("vpcId: ssm:{ITS_OWN}"));
        fs::write(lab.path("last.yaml"), edit(&last, "[subnet-1, subnet-2]", "[subnet-8, subnet-9]")).unwrap();
        let all = Self { path: lab.path("mdaa.yaml").to_str().unwrap().to_owned(), lab, deployments, accounts };
        all.write(deployments);
        all
    }

    /// Writes the organisation's file with the first `number` deployments.
    fn write(&self, number: usize) {
        let Self { deployments, accounts, .. } = *self;
        let mut tree = "organization: acme\nregion: us-east-1\ndomains:\n".to_owned();
        for account in 0..accounts {
            let id = 100_000_000_001 + account;
            tree += &format!(
                "  team{account}:\n    environments:\n      dev:\n        account: '{id}'\n        modules:\n"
            );
            for module in (account..number).step_by(accounts) {
                let file = if module + 1 == deployments { "last" } else { "studio" };
                let package = "@aws-mdaa/sm-studio-domain";
                tree +=
                    &format!("          m{module}: {{module_path: '{package}', module_configs: [./{file}.yaml]}}\n");
            }
        }
        fs::write(&self.path, tree).unwrap();
    }

    fn run(&self, command: &[&str]) -> Ended {
        self.lab.command_as(&[command, &[&self.path, "--role-arn", ROLE]].concat(), &[])
    }

    /// Plans all deployments and the first of them alone, and checks that what is the account's is asked once an account,
    /// and what is a deployment's own once a deployment.
    #[expect(clippy::print_stdout, reason = "the count of calls is what this is run for")]
    fn plan(&self, what: &str, command: &[&str]) {
        let alone = self.run(&[command, &["-m", "m0"]].concat()).calls;
        let all = self.run(command).calls;
        let shared = alone.iter().filter(|call| is_shared(call)).count();
        let least = self.deployments * (alone.len() - shared) + self.accounts * shared;
        let each = all.len().div_ceil(self.deployments);
        println!(
            "{what} of {} deployments in {} accounts: {} calls, {each} a deployment; at least {least}, {} for one alone",
            self.deployments,
            self.accounts,
            all.len(),
            alone.len(),
        );
        assert!(all.len() * 10 <= least * 12, "{least}, {:?}", by_operation(&all));
        let count = |calls: &[Call]| calls.iter().filter(|call| is_shared(call)).count();
        assert!(count(&all) <= self.accounts * shared, "{:?}", by_operation(&all));
    }
}

/// Returns `true` if a call asks for what is the account's: who calls, its domains and keys, and the roles that a config gives.
fn is_shared(call: &Call) -> bool {
    let is_given = || ["admin", "users"].map(Some).contains(&call.input["RoleName"].as_str());
    match call.operation.as_str() {
        "AssumeRole" | "GetCallerIdentity" | "ListDomains" | "ListKeys" => true,
        "GetRole" => is_given(),
        _ => false,
    }
}

fn by_operation(calls: &[Call]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation.as_str()).or_default() += 1;
    }
    counts
}

/// First plan, apply, empty plan, and a plan in which one deployment fails.
#[expect(clippy::print_stdout, reason = "the count of calls is what this is run for")]
fn live(deployments: usize, accounts: usize) {
    let all = Organisation::new(deployments, accounts);
    all.plan("a first plan", &["plan"]);
    let apply = all.run(&["apply", "--auto-approve", "--format", "ndjson"]).expect(0);
    events_name_their_deployments(&apply.data, deployments);
    println!("a first apply: {} calls, {} a deployment", apply.calls.len(), apply.calls.len() / deployments);
    all.plan("an empty plan", &["plan", "--detailed-exitcode"]);
    unreachable_accounts_are_told_of_once(&all);
    // What one refers to is gone: that one fails, and is told of once; the others are planned.
    let table = all.lab.tables().into_keys().find(|table| table.starts_with("ssm/parameter") && is_in(&all, table));
    all.lab.forget(&table.unwrap(), ITS_OWN);
    let file = all.lab.path("plans.json");
    let failed = all.run(&["plan", "--out", file.to_str().unwrap()]).expect(4);
    assert!(!file.exists() && failed.notes.contains("plans.json was not written: 1 of"), "{}", failed.notes);
    let name = format!("acme/dev/team{}/m{}", (deployments - 1) % accounts, deployments - 1);
    assert_eq!(failed.notes.matches(&format!("{name}: ")).count(), 1, "{}", failed.notes);
    assert_eq!(failed.notes.matches("error[").count(), 1, "{}", failed.notes);
    assert_eq!(failed.data.matches("No changes").count(), deployments - 1, "{}", failed.data);
}

/// Makes sure that an account that cannot be reached is told of once, and its other deployments in a line each.
fn unreachable_accounts_are_told_of_once(all: &Organisation) {
    let line = ["plan", &all.path, "--role-arn", &ROLE.replace("deploy", "nobody")];
    let refused = all.lab.command_as(&line, &[]).expect(4);
    let (full, short) =
        (refused.notes.matches("error[").count(), refused.notes.matches("cannot be assumed, as ").count());
    assert_eq!((full, short), (all.accounts, all.deployments - all.accounts), "{}", refused.notes);
}

/// Makes sure that what several deployments tell at once can be told apart: as many steps begin and end in each.
fn events_name_their_deployments(lines: &str, deployments: usize) {
    let events: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut steps: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in &events {
        let kind = event["type"].as_str().unwrap();
        if !matches!(kind, "hello" | "end") {
            *steps.entry((kind, event["deployment"].as_str().unwrap())).or_default() += 1;
        }
    }
    let of = |kind: &str| steps.iter().filter(|((of, _), _)| *of == kind).map(|(_, count)| *count).collect::<Vec<_>>();
    assert_eq!((of("plan"), of("started").len()), (vec![1; deployments], deployments));
    assert_eq!(of("started"), of("ended"));
}

fn is_in(all: &Organisation, table: &str) -> bool {
    all.lab.tables()[table].keys().any(|key| key.ends_with(ITS_OWN))
}

#[test]
fn saved_plans_of_several_deployments_are_applied_as_they_were_reviewed() {
    let all = Organisation::new(3, 1);
    let file = all.lab.path("plans.json");
    let file = file.to_str().unwrap();
    all.write(2);
    all.run(&["plan", "--out", file]).expect(0).assert_says("saved 2 plans");
    let saved = fs::read_to_string(file).unwrap();

    // A file that was edited, and deployments that only one of config and file has: nothing begins.
    fs::write(file, saved.replacen("creat", "updat", 1)).unwrap();
    all.run(&["apply", "--plan", file]).expect(7).assert_says("does not fit its own digest");
    fs::write(file, &saved).unwrap();
    all.write(3);
    all.run(&["apply", "--plan", file]).expect(7).assert_says("the saved plans are not of acme/dev/team0/m2");
    all.write(1);
    all.run(&["apply", "--plan", file]).expect(7).assert_says("the saved plans are of acme/dev/team0/m1 too");
    all.write(2);

    let graph = all.lab.command_as(&["graph", "--plan", file], &[]).expect(0);
    graph.data_has("acme/dev/team0/m0:domain.studio").data_has("acme/dev/team0/m1:domain.studio");

    // Those that are selected, and nothing else.
    let some = all.run(&["apply", "--plan", file, "-m", "m1"]).expect(0);
    some.assert_says("not applied, since they are not selected: acme/dev/team0/m0");
    let left = all.run(&["plan", "--detailed-exitcode", "-m", "m0"]).expect(2);
    left.assert_says("domain.studio");
    all.run(&["apply", "--plan", file, "-m", "m0"]).expect(0);
    all.run(&["plan", "--detailed-exitcode"]).expect(0);
    // A plan serves once, each of them.
    all.run(&["apply", "--plan", file]).expect(7);
}

#[test]
fn deployments_share_what_is_the_accounts_and_fail_alone() {
    live(4, 2);
}

#[test]
#[ignore = "a hundred deployments take minutes; `just fleet` runs it"]
fn a_hundred_deployments_share_what_is_the_accounts_and_fail_alone() {
    live(100, 10);
}
