//! `--skip-blocked`: what is left out works on as before, and the next run without obstacles does the rest.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{BASE, PLAN, describe_domain, domain_id, start_app, studio};
use crate::support::account::{APPLY, Lab};
use crate::support::configs::edit;
use crate::support::dice::Dice;
use crate::support::picture::Tables;

const SKIP: &[&str] = &["apply", "--auto-approve", "--skip-blocked"];

/// Everything that a config may refer to: the first command makes it.
pub const ALL: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-1
  subnetIds: [subnet-1, subnet-2]
  kmsKeyArn: arn:aws:kms:us-east-1:123456789012:key/other
  securityGroupId: sg-given
  defaultExecutionRole: {name: other}
  dataAdminRoles: [{name: admin}, {name: boss}]
  userProfiles:
    ann: {userRole: {name: users}}
";

/// A config out of parts of which each can change by itself.
pub fn config(dice: &mut Dice) -> String {
    let role = dice.one(&["", "  defaultExecutionRole: {name: users}\n", "  defaultExecutionRole: {name: other}\n"]);
    let key = dice.one(&["", "", "  kmsKeyArn: arn:aws:kms:us-east-1:123456789012:key/other\n"]);
    let group = dice.one(&["", "", "  securityGroupId: sg-given\n"]);
    let access = dice.one(&["", "", "  appNetworkAccessType: PublicInternetOnly\n"]);
    let subnets = dice.one(&["subnet-1, subnet-2", "subnet-1"]);
    let ben = dice.one(&["", "    ben: {userRole: {name: users}}\n"]);
    let script = dice.one(&[
        "",
        "  lifecycleConfigs:\n    jupyterLab: {cmds: [echo one]}\n",
        "  lifecycleConfigs:\n    jupyterLab: {cmds: [echo two]}\n",
    ]);
    let admin = dice.one(&["admin", "boss"]);
    format!(
        "domain:\n  authMode: IAM\n  vpcId: vpc-1\n  subnetIds: [{subnets}]\n{key}{group}{access}{role}\
         \x20 dataAdminRoles: [{{name: {admin}}}]\n  userProfiles:\n    ann: {{userRole: {{name: users}}}}\n{ben}{script}"
    )
}

/// Every role that the domain or a profile runs with.
fn roles(tables: &Tables) -> Vec<String> {
    fn find(json: &Json, found: &mut Vec<String>) {
        match json {
            Json::Object(members) => {
                found.extend(members.get("ExecutionRole").and_then(Json::as_str).map(str::to_owned));
                members.values().for_each(|member| find(member, found));
            }
            Json::Array(items) => items.iter().for_each(|item| find(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for table in ["studio/domain", "studio/user-profile"] {
        tables.get(table).into_iter().flatten().for_each(|(_, record)| find(record, &mut found));
    }
    found.sort();
    found.dedup();
    found
}

/// The rights of a role: the keys and buckets whose policies name it, and the policies that hang on it.
fn rights(tables: &Tables, arn: &str) -> Vec<String> {
    let named = |table: &str| {
        let records = tables.get(table).into_iter().flatten();
        let named = records.filter(|(_, record)| record.to_string().contains(arn));
        named.map(|(key, _)| format!("{table} {key}")).collect::<Vec<_>>()
    };
    let name = arn.rsplit('/').next().unwrap();
    let role = &tables["iam/role"][name];
    let attached = role["attached"].as_array().into_iter().flatten().map(ToString::to_string);
    named("kms/key").into_iter().chain(named("s3/bucket")).chain(attached).collect()
}

/// Things that live settings name and that are not there.
pub fn dangling(tables: &Tables) -> Vec<String> {
    let mut missing = Vec::new();
    for table in ["studio/domain", "studio/user-profile"] {
        for (_, record) in tables.get(table).into_iter().flatten() {
            let text = record.to_string();
            for word in text.split('"') {
                let (table, key) = if word.starts_with("sg-") {
                    ("ec2/security-group", word)
                } else if let Some((_, name)) = word.split_once(":role/") {
                    ("iam/role", name.rsplit('/').next().unwrap())
                } else if let Some((_, name)) = word.split_once(":studio-lifecycle-config/") {
                    ("studio/lifecycle-config", name)
                } else {
                    continue;
                };
                if !tables.get(table).is_some_and(|records| records.contains_key(key)) {
                    missing.push(word.to_owned());
                }
            }
        }
    }
    missing
}

fn stop_everything(lab: &Lab) {
    let id = domain_id(lab);
    let apps = studio(lab, "ListApps", &json!({"DomainIdEquals": id}));
    for app in apps["Apps"].as_array().unwrap().iter().filter(|app| app["Status"] == "InService") {
        let mut request = json!({"DomainId": id, "AppType": app["AppType"], "AppName": app["AppName"]});
        request["UserProfileName"] = app["UserProfileName"].clone();
        studio(lab, "DeleteApp", &request);
    }
    super::pass(lab, 100);
}

/// Applies changes of which apps hold up a part, and then what was left out, and judges the account after each.
#[expect(clippy::print_stdout, reason = "it says how many cases it tried")]
fn judge(seeds: std::ops::Range<u64>) {
    let mut ends: BTreeMap<u8, usize> = BTreeMap::new();
    for seed in seeds {
        *ends.entry(change(seed)).or_default() += 1;
    }
    println!("{} changes, some of each left out, by exit code: {ends:?}", ends.values().sum::<usize>());
    assert!(ends.get(&8).is_some_and(|count| *count > 3), "{ends:?}");
}

/// One change, and what it ended with before what held it up was gone.
fn change(seed: u64) -> u8 {
    let consents = [
        APPLY,
        &["--allow-replace", "domain.studio", "--allow-replace", "security_group.domain", "--drain"],
        &["--allow-profile-delete", "ben", "--confirm", "acme/dev/ml/studio"],
    ]
    .concat();
    let mut dice = Dice::new(seed);
    let (from, to) = (config(&mut dice), config(&mut dice));
    let lab = Lab::new();
    lab.run(&["plan"], ALL).expect(0);
    lab.run(APPLY, &from).expect(0);
    if dice.roll(4) > 0 {
        start_app(&lab, "ann");
    }
    let before = lab.tables();
    let ended = lab.run(SKIP, &to);
    let told = format!("seed {seed}\n{from}\n{to}\n{}\n{}", ended.data, ended.notes);
    assert!(matches!(ended.code, 0 | 5 | 8), "{told}");
    assert!(ended.code != 5 || ended.writes().is_empty(), "{told}");
    let refused: Vec<_> = ended
        .calls
        .iter()
        .filter(|call| call.writes && call.status >= 400 && call.service == "sagemaker")
        // A script that an app started with stays until that is gone.
        .filter(|call| call.operation != "DeleteStudioLifecycleConfig")
        .collect();
    assert!(refused.is_empty(), "{refused:?}\n{told}");
    let after = lab.tables();
    assert_eq!(dangling(&after), Vec::<String>::new(), "{told}");
    let live = roles(&after);
    for role in roles(&before).iter().filter(|role| live.contains(role)) {
        let (had, has) = (rights(&before, role), rights(&after, role));
        let gone: Vec<_> = had.iter().filter(|right| !has.contains(right)).collect();
        // What the config no longer has is no right that is missed, where nothing was left out.
        assert!(gone.is_empty() || ended.code == 0, "{role} has lost {gone:?}\n{told}");
    }
    stop_everything(&lab);
    // Nobody moves a bucket that is there to another key.
    if from.contains("kmsKeyArn") == to.contains("kmsKeyArn") {
        let rest = lab.run(&consents, &to);
        assert_eq!(rest.code, 0, "{told}\n{}\n{}", rest.data, rest.notes);
        let plan = lab.run(PLAN, &to);
        assert_eq!(plan.code, 0, "{told}\n{}", plan.data);
    }
    ended.code
}

#[test]
fn what_is_left_out_works_on_and_the_rest_is_done_later() {
    judge(0..24);
}

#[test]
#[ignore = "takes some minutes; `just left-out` runs it"]
fn what_is_left_out_works_on_whatever_changes() {
    judge(24..500);
}

#[test]
fn a_role_keeps_its_rights_while_apps_run_with_it() {
    let lab = super::deployed();
    start_app(&lab, "ann");
    let before = lab.tables();
    let old = describe_domain(&lab)["DefaultUserSettings"]["ExecutionRole"].as_str().unwrap().to_owned();
    let free = edit(BASE, "echo one", "echo two");
    let gated = edit(&free, "  tags:", "  defaultExecutionRole: {name: users}\n  tags:");
    let partly = lab.run(SKIP, &gated).expect(8);
    partly.assert_says("left out kms_key.efs: KeyPolicy");
    partly.assert_says("left out bucket.sharing: Policy");
    assert_eq!(rights(&lab.tables(), &old), rights(&before, &old));
    assert!(rights(&before, &old).len() >= 3, "{:?}", rights(&before, &old));
    lab.run(SKIP, &gated).expect(5);
    stop_everything(&lab);
    lab.run(APPLY, &gated).expect(0);
    lab.run(PLAN, &gated).expect(0);
    assert!(!lab.tables()["iam/role"].contains_key("acme-dev-ml-studio-default-execution-role"));
}

/// Has another deployment publish a parameter of this one's, or takes that back.
fn publish(lab: &Lab, by: &str) {
    let name = lab.tables()["ssm/parameter"].keys().find(|name| name.ends_with("/domain/vpc-id")).unwrap().clone();
    let mut tags = lab.tables()["ssm/parameter"][&name]["tags"].clone();
    tags["studio-deploy:deployment"] = json!(by);
    super::alter(lab, "ssm/parameter", &name, "tags", &tags);
}

#[test]
fn a_saved_plan_leaves_out_what_it_says_and_nothing_else() {
    let lab = super::deployed();
    let path = lab.path("plan.json");
    let saved = path.to_str().unwrap();
    let changed = edit(BASE, "team: science", "team: art");
    let save = |flags: &[&str], text: &str| lab.run(&[&["plan", "--out", saved], flags].concat(), text).expect(0);
    let apply = |flags: &[&str], text: &str| lab.run(&[&["apply", "--plan", saved], flags].concat(), text);
    publish(&lab, "acme/prod/ml/studio@us-east-1");
    // What was reviewed as blocked stays blocked, and no flag makes anything else of it.
    save(&[], &changed);
    assert!(apply(&[], &changed).expect(5).writes().is_empty());
    let refused = apply(&["--skip-blocked"], &changed).expect(7);
    assert!(refused.writes().is_empty());
    refused.assert_says("the saved plan leaves nothing out");
    save(&["--skip-blocked"], &changed);
    apply(&[], &changed).expect(8).assert_says("1 blocked");
    assert!(apply(&[], &changed).expect(7).writes().is_empty());
    // All that differs is blocked.
    save(&["--skip-blocked"], &changed);
    assert!(apply(&[], &changed).expect(5).writes().is_empty());
    assert!(apply(&["--skip-blocked"], &changed).expect(5).writes().is_empty());
    // What was left out may be done now: that was not reviewed.
    save(&["--skip-blocked"], BASE);
    publish(&lab, "acme/dev/ml/studio@us-east-1");
    assert!(apply(&[], BASE).expect(7).writes().is_empty());
    // An app that starts after the review holds up more than was reviewed.
    let gated = edit(BASE, "  tags:", "  defaultExecutionRole: {name: users}\n  tags:");
    save(&["--skip-blocked"], &gated);
    start_app(&lab, "ann");
    assert!(apply(&[], &gated).expect(7).writes().is_empty());
    save(&["--skip-blocked"], &gated);
    apply(&[], &gated).expect(8);
    stop_everything(&lab);
    lab.run(APPLY, &gated).expect(0);
    lab.run(PLAN, &gated).expect(0);
}

#[test]
fn one_deployment_of_several_may_have_everything_blocked() {
    let tree = "\
organization: acme
region: us-east-1
domains:
  ml:
    environments:
      dev:
        modules:
          studio: {module_path: '@aws-mdaa/sm-studio-domain', module_configs: [./one.yaml]}
          other: {module_path: '@aws-mdaa/sm-studio-domain', module_configs: [./two.yaml]}
";
    let lab = Lab::new();
    for (file, text) in [("mdaa.yaml", tree), ("one.yaml", BASE), ("two.yaml", BASE)] {
        std::fs::write(lab.path(file), text).unwrap();
    }
    let config = lab.path("mdaa.yaml");
    let config = config.to_str().unwrap();
    let run = |line: &[&str]| lab.command_as(&[line, &[config]].concat(), &[]);
    let change = |file: &str, tag: &str| std::fs::write(lab.path(file), edit(BASE, "science", tag)).unwrap();
    run(APPLY).expect(0);
    run(SKIP).expect(0);
    let name =
        lab.tables()["ssm/parameter"].keys().find(|name| name.ends_with("/studio/domain/vpc-id")).unwrap().clone();
    super::alter(&lab, "ssm/parameter", &name, "tags", &json!({"studio-deploy:deployment": "acme/prod/ml/studio"}));
    // Nothing was done anywhere.
    let ended = run(SKIP).expect(5);
    assert!(ended.writes().is_empty());
    ended.assert_says("nothing done: all that differs is blocked");
    // Something was done in the other.
    change("two.yaml", "art");
    let ended = run(SKIP).expect(8);
    ended.assert_says("nothing done: all that differs is blocked");
    assert!(!ended.writes().is_empty());
    assert!(run(SKIP).expect(5).writes().is_empty());
    // Something was done in both, and something left out in one.
    change("one.yaml", "art");
    change("two.yaml", "craft");
    run(SKIP).expect(8);
    // Without the flag the one is not begun, and the other is done: its failure is told all the same.
    change("two.yaml", "art");
    assert!(matches!(run(APPLY).code, 5 | 8));
    assert!(run(&["plan", "--detailed-exitcode"]).expect(2).writes().is_empty());
}
