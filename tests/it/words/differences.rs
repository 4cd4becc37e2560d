//! `docs/differences.md`, row by row: each difference from MDAA that it lists is there.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use studio_sandbox::{Seed, SeedRole, SeedSubnet};

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::ended::Ended;

const BASE: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-1
  subnetIds: [subnet-1]
  dataAdminRoles: [{name: admin}]
  userProfiles: {ann: {userRole: {name: users}}}
";

fn with(more: &str) -> String {
    format!("{BASE}{more}")
}

fn inputs(ended: &Ended, operation: &str) -> Vec<Json> {
    ended.calls.iter().filter(|call| call.operation == operation).map(|call| call.input.clone()).collect()
}

fn applied(text: &str) -> (Lab, Ended) {
    let lab = Lab::new();
    let ended = lab.run(APPLY, text).expect(0);
    lab.run(PLAN, text).expect(0);
    (lab, ended)
}

#[test]
fn every_row_has_its_test() {
    let rows = include_str!("../../../docs/differences.md").lines().filter_map(|line| line.strip_prefix("| "));
    let rows: BTreeSet<u32> = rows.filter_map(|row| row.split_once(' ')?.0.parse().ok()).collect();
    let tests = include_str!("differences.rs").lines().filter_map(|line| line.strip_prefix("fn row_"));
    let tests: BTreeSet<u32> = tests.filter_map(|name| name.split_once('_')?.0.parse().ok()).collect();
    assert_eq!(rows, tests);
    println!("{} smaller differences from MDAA", rows.len());
}

#[test]
fn row_1_roles_of_identity_center_get_no_policy() {
    for role in ["{name: Data, sso: true}", "{name: AWSReservedSSO_Data_0123456789abcdef}"] {
        let (lab, ended) = applied(&with(&format!("  defaultExecutionRole: {role}\n")));
        let attached: Vec<String> = inputs(&ended, "AttachRolePolicy").iter().map(ToString::to_string).collect();
        assert!(!attached.iter().any(|input| input.contains("AWSReservedSSO")), "{attached:?}");
        let tables = lab.tables();
        let (_, role) = tables["iam/role"].iter().find(|(name, _)| name.contains("Data")).unwrap();
        assert_eq!(role["attached"], json!([]), "{role}");
        assert!(ended.said().contains("attach"), "{}{}", ended.data, ended.notes);
    }
}

#[test]
fn row_2_an_id_or_alias_becomes_the_keys_arn() {
    for key in ["given-key", "alias/given", "arn:aws:kms:us-east-1:123456789012:alias/given"] {
        let (_, ended) = applied(&with(&format!("  kmsKeyArn: {key}\n")));
        let named = inputs(&ended, "CreateDomain")[0]["KmsKeyId"].as_str().unwrap().to_owned();
        assert!(named.starts_with("arn:aws:kms:us-east-1:123456789012:key/"), "{key}: {named}");
        for policy in inputs(&ended, "CreatePolicy").iter().chain(&inputs(&ended, "PutBucketPolicy")) {
            assert!(!policy.to_string().contains("alias/"), "{key}: {policy}");
        }
    }
}

fn egress(rules: &str) -> String {
    with(&format!("  securityGroupEgress:\n{rules}"))
}

#[test]
fn row_3_protocols_without_ports_get_none() {
    for protocol in ["all", "esp"] {
        let rules = format!("    ipv4: [{{cidr: 10.0.0.0/8, protocol: {protocol}, port: 1, toPort: 2}}]\n");
        let (_, ended) = applied(&egress(&rules));
        let sent = inputs(&ended, "AuthorizeSecurityGroupEgress");
        assert!(!sent.is_empty() && sent.iter().all(|input| !input.to_string().contains("\"FromPort\":1")), "{sent:?}");
    }
}

#[test]
fn row_4_peers_behind_parameters_are_compared() {
    let rules = "    sg:\n      - {sgId: ssm:/one, protocol: tcp, port: 443}\n      - {sgId: ssm:/two, protocol: tcp, port: 443}\n";
    let lab = Lab::new();
    lab.sandbox.found("123456789012", "us-east-1").unwrap();
    let seed = Seed {
        vpcs: vec!["vpc-1".into()],
        subnets: vec![SeedSubnet { id: "subnet-1".into(), vpc: "vpc-1".into() }],
        roles: ["admin", "users"].map(|name| SeedRole { name: name.into(), ..SeedRole::default() }).into(),
        security_groups: vec![("sg-0000000a".into(), "vpc-1".into())],
        parameters: ["/one", "/two"].map(|name| (name.to_owned(), "sg-0000000a".to_owned())).into(),
        ..Seed::default()
    };
    lab.sandbox.seed(&seed).unwrap();
    let ended = lab.run(APPLY, &egress(rules)).expect(0);
    assert!(ended.notes_show("SD2007"), "{}", ended.notes);
    lab.run(PLAN, &egress(rules)).expect(0);
}

#[test]
fn row_5_ranges_are_sent_as_ec2_keeps_them() {
    let rules = "    ipv4:\n      - {cidr: 10.1.2.3/8, protocol: tcp, port: 443}\n      - {cidr: 10.0.0.0/8, protocol: TCP, port: 443}\n";
    let (_, ended) = applied(&egress(rules));
    let sent = inputs(&ended, "AuthorizeSecurityGroupEgress").iter().map(ToString::to_string).collect::<String>();
    assert_eq!(sent.matches("\"CidrIp\":\"10.0.0.0/8\"").count(), 1, "{sent}");
    assert!(!sent.contains("\"CidrIp\":\"10.1.2.3/8\"") && ended.notes_show("SD2007"), "{sent}\n{}", ended.notes);
}

#[test]
fn row_6_dollars_stay() {
    let text =
        format!("deployment: {{context: {{dollar: 'a$$b$&c'}}}}\n{}", with("  assetPrefix: '{{context:dollar}}'\n"));
    let ended = Lab::new().run(&["validate", "--print-resolved"], &text).expect(0);
    assert!(ended.shows("\"assetPrefix\": \"a$$b$&c\""), "{}", ended.data);
}

#[test]
fn row_7_fractions_are_refused() {
    let text = egress("    ipv4: [{cidr: 10.0.0.0/8, protocol: tcp, port: 443.5}]\n");
    let ended = Lab::new().run(&["validate"], &text).expect(3);
    assert!(ended.notes_show("443.5"), "{}", ended.notes);
}

#[test]
fn row_8_what_serves_cloudformation_is_not_made() {
    let (lab, _) = applied(BASE);
    let tables = lab.tables();
    let names: Vec<&String> = tables["iam/policy"].keys().chain(tables["ssm/parameter"].keys()).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(!name.contains("cdk-assets-read") && !name.contains("aws-solution"), "{name}");
    }
}

#[test]
fn row_9_an_mdaa_yaml_may_refer_to_parameters() {
    let lab = Lab::new();
    let inline = BASE.replace("vpc-1", "'{{resolve:ssm:/vpc}}'").replace("ann:", "'{{env}}':");
    let inline: String = inline.lines().map(|line| format!("              {line}\n")).collect();
    let text = format!(
        "organization: acme\ndomains:\n  ml:\n    environments:\n      dev:\n        modules:\n          studio:\n            \
         module_path: '@aws-mdaa/sm-studio-domain'\n            module_config_data:\n{inline}"
    );
    let config = lab.config(&text);
    let ended = lab.command_as(&["apply", "--auto-approve", &config], &[]).expect(0);
    assert!(
        inputs(&ended, "CreateUserProfile")[0]["UserProfileName"] == "dev",
        "{:?}",
        inputs(&ended, "CreateUserProfile")
    );
}

#[test]
fn row_10_labels_are_asked_for() {
    let ended = Lab::new().run(&["validate"], &with("  assetPrefix: 'ssm:/team/vpc:live'\n"));
    ended.expect(0);
}

#[test]
fn row_11_tokens_of_the_cdk_are_refused() {
    let text = with("  defaultUserSettings: {jupyterLabAppSettings: {defaultResourceSpec: {creationStack: [x]}}}\n");
    let ended = Lab::new().run(&["validate"], &text).expect(3);
    assert!(ended.notes_show("creationStack"), "{}", ended.notes);
}

#[test]
fn row_12_reference_ids_may_be_the_same() {
    let text = BASE.replace("[{name: admin}]", "[{name: admin, refId: x}, {name: other, refId: x}]");
    applied(&text);
}
