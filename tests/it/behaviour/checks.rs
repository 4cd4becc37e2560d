//! Checks that speak before the first write.

use serde_json::{Value as Json, json};
use studio_sandbox::Seed;

use super::{BASE, PLAN, alter, count, deployed, faults, lose_record, put, studio};
use crate::support::account::{APPLY, DESTROY, Lab};
use crate::support::configs::{SSO, edit};
use crate::support::ended::Ended;

/// An account in which everything that `text` refers to stands, and nothing is deployed.
fn prepared(text: &str) -> Lab {
    let lab = Lab::new();
    lab.run(PLAN, text).expect(2);
    lab
}

/// The outcome of an apply that a check stops.
#[track_caller]
fn blocked(lab: &Lab, text: &str) -> Ended {
    let ended = lab.run(APPLY, text).expect(4);
    assert!(ended.writes().is_empty());
    ended
}

#[test]
fn row_12_a_role_that_does_not_say_for_whom_is_refused() {
    let text = edit(BASE, "  tags:", "  defaultExecutionRole: {name: given}\n  tags:");
    let lab = prepared(&text);
    let trust = |actions: Json| {
        json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": actions}]}).to_string()
    };
    alter(&lab, "iam/role", "given", "trust", &json!(trust(json!("sts:AssumeRole"))));
    let ended = blocked(&lab, &text);
    ended.assert_says("the role given does not let sagemaker.amazonaws.com do sts:SetSourceIdentity");
    ended.assert_says(r#"add to its trust policy: {"Effect":"Allow""#);
    alter(&lab, "iam/role", "given", "trust", &json!(trust(json!(["sts:AssumeRole", "sts:SetSourceIdentity"]))));
    let ended = lab.run(APPLY, &text).expect(0);
    let create = &super::calls(&ended, "CreateDomain")[0].input;
    assert_eq!(create["DomainSettings"]["ExecutionRoleIdentityConfig"], "USER_PROFILE_NAME");
    // What stands already is no reason to stop, but to say so.
    alter(&lab, "iam/role", "given", "trust", &json!(trust(json!("sts:AssumeRole"))));
    lab.run(APPLY, &edit(&text, "team: science", "team: art")).expect(0).assert_says("sts:SetSourceIdentity");
}

#[test]
fn row_14_a_key_that_cannot_serve_is_refused() {
    let arn = "arn:aws:kms:us-east-1:123456789012:key/given";
    let text = edit(BASE, "  tags:", &format!("  kmsKeyArn: {arn}\n  tags:"));
    let policy = |action: &str| {
        let root = json!({"AWS": "arn:aws:iam::123456789012:root"});
        json!({"Statement": [{"Effect": "Allow", "Principal": root, "Action": action, "Resource": "*"}]}).to_string()
    };
    for (member, value, expected) in [
        ("enabled", json!(false), "is Disabled"),
        ("deletion_at", json!(4_000_000_000_000_i64), "is PendingDeletion"),
        ("policy", json!(policy("kms:Describe*")), "do kms:CreateGrant, kms:Decrypt"),
    ] {
        let lab = prepared(&text);
        alter(&lab, "kms/key", "given", member, &value);
        blocked(&lab, &text).assert_says(expected);
    }
    let lab = prepared(&text);
    lab.sandbox.with_world(|world| world.remove("kms/key", "given")).unwrap();
    blocked(&lab, &text).assert_says("does not exist");
    let elsewhere = edit(&text, "kms:us-east-1", "kms:eu-west-1");
    blocked(&prepared(&text), &elsewhere).assert_says("is in eu-west-1, and the domain in us-east-1");
}

#[test]
fn row_15_users_of_identity_center_are_named_until_assigned() {
    let ended = Lab::new().run(APPLY, SSO).expect(0);
    ended.assert_says("sso-user-id can sign in once assigned");
    ended.assert_says("--application-arn arn:aws:sso::");
}

#[test]
fn row_17_user_ids_that_make_no_profile_are_refused_together() {
    let users = |ids: &[&str]| {
        let lines: String = ids.iter().map(|id| format!("    \"{id}\": {{userRole: {{name: users}}}}\n")).collect();
        BASE.replace("    ann: {userRole: {name: users}}\n    ben: {userRole: {name: users}}\n", &lines)
    };
    let ended = Lab::new().run(&["validate"], &users(&["first_last@x.com", "john.", "_x"])).expect(3);
    for name in ["first_last@x.com", "john.", "_x"] {
        ended.assert_says(&format!("`{name}` yields the profile name"));
    }
    let ended = Lab::new().run(&["validate"], &users(&["a.b@x.com", "a-b@x.com", "A.B@x.com"])).expect(3);
    ended.assert_says("would have the same profile");
}

#[test]
fn row_18_values_that_aws_refuses_are_refused_before_any_call() {
    let idle = "  defaultUserSettings: {jupyterLabAppSettings: {appLifecycleManagement: {idleSettings: {lifecycleManagement: ENABLED, minIdleTimeoutInMinutes: 30}}}}\n  tags:";
    let text = edit(BASE, "  tags:", idle);
    let lab = Lab::new();
    lab.run(&["validate"], &text).expect(0).assert_says("60");
    assert!(lab.run(APPLY, &text).expect(3).writes().is_empty());
}

#[test]
fn what_aws_refuses_of_space_settings_is_known_offline() {
    let spaces = |settings: &str| edit(BASE, "  tags:", &format!("  defaultSpaceSettings: {{{settings}}}\n  tags:"));
    // It is in the API's model, so that it is known without a warning of AWS's words.
    for (settings, missing) in [
        ("customPosixUserConfig: {uid: 10001}", "gid"),
        (
            "spaceStorageSettings: {defaultEbsStorageSettings: {defaultEbsVolumeSizeInGb: 5}}",
            "maximumEbsVolumeSizeInGb",
        ),
        ("customFileSystemConfigs: [{efsFileSystemConfig: {fileSystemPath: /one}}]", "fileSystemId"),
        ("customFileSystemConfigs: [{s3FileSystemConfig: {mountPath: /one}}]", "s3Uri"),
    ] {
        Lab::new().run(&["validate"], &spaces(settings)).expect(3).assert_says(missing);
    }
    for settings in [
        "jupyterServerAppSettings: {defaultResourceSpec: {instanceType: ml.t3.medium}}",
        "jupyterLabAppSettings: {defaultResourceSpec: {instanceType: system}}",
        "customFileSystemConfigs: [{}]",
    ] {
        let lab = Lab::new();
        lab.run(&["validate"], &spaces(settings)).expect(0).assert_says("SD1509");
        assert!(lab.run(APPLY, &spaces(settings)).expect(3).writes().is_empty());
    }
}

#[test]
fn row_21_failed_domains_are_named_and_quotas_not_hammered() {
    let lab = prepared(BASE);
    let other = edit(BASE, "  authMode: IAM", "  authMode: IAM\n  domainName: theirs");
    let first = Lab::like(&lab.tables());
    first.set_faults("quota=domains:1".parse().unwrap());
    faults(&first, "quota=domains:1,fail=CreateDomain:InternalFailure");
    // Another deployment's domain fails and stays.
    let line = ["apply", "--auto-approve"];
    first.run(&line, &other).expect(8);
    let config = first.config(BASE);
    let foreign = ["apply", "--auto-approve", "--module", "two", config.as_str()];
    let ended = run_as(&first, &foreign);
    ended.assert_says("counts towards the quota of domains");
    ended.assert_says("ResourceLimitExceeded");
    ended.assert_says("servicequotas");
    assert_eq!(count(&ended, "CreateDomain"), 1);
}

/// Runs a command line that names its own module.
fn run_as(lab: &Lab, line: &[&str]) -> Ended {
    lab.command_as(line, &["--org", "acme", "--env", "dev", "--domain", "ml"])
}

#[test]
fn row_24_a_script_that_is_too_long_is_refused_with_numbers() {
    let fits = "x".repeat(12_288);
    Lab::new().run(&["validate"], &edit(BASE, "echo one", &fits)).expect(0);
    let lab = Lab::new();
    let ended = lab.run(APPLY, &edit(BASE, "echo one", &format!("{fits}x"))).expect(3);
    assert!(ended.writes().is_empty());
    ended.assert_says("16388 characters in base64, where 16384 are allowed");
}

#[test]
fn row_35_networks_that_keep_studio_shut_are_warned_of() {
    let text = edit(BASE, "  tags:", "  securityGroupId: sg-12345678\n  tags:");
    let ways = |gateway: Json| json!({"vpc": "vpc-1", "main": true, "subnets": [], "gateway": gateway});
    let quiet = prepared(&text);
    let none = quiet.run(PLAN, &text).expect(2);
    for word in ["NAT", "endpoint", "public subnet", "free addresses", "reach each other"] {
        assert!(!none.shows(word), "{}", none.data);
    }
    for (table, key, record, expected) in [
        ("ec2/route-table", "rtb-9", ways(json!(null)), "no VPC endpoint for sagemaker.api, sagemaker.runtime, s3"),
        ("ec2/route-table", "rtb-9", ways(json!("igw-1")), "is a public subnet"),
        ("ec2/free-addresses", "subnet-1", json!(3 - 4091), "free addresses, and 2 users may need 8"),
    ] {
        let lab = Lab::like(&quiet.tables());
        put(&lab, table, key, &record);
        lab.run(APPLY, &text).expect(0).assert_says(expected);
    }
    let lab = Lab::like(&quiet.tables());
    alter(&lab, "ec2/security-group", "sg-12345678", "rules", &json!({}));
    lab.run(APPLY, &text).expect(0).assert_says("sg-12345678 lets its members not reach each other");
}

#[test]
fn row_37_shared_spaces_get_what_the_config_gives_them() {
    let ended = Lab::new().run(PLAN, BASE).expect(2);
    ended.assert_says("shared spaces are not enabled");
    let ended = Lab::new().run(PLAN, &edit(BASE, "  tags:", "  defaultSpaceSettings: {}\n  tags:")).expect(2);
    assert!(!ended.shows("shared spaces are not enabled"));
}

#[test]
fn row_38_studio_classic_is_warned_of_and_still_deployed() {
    let text = edit(BASE, "    jupyterLab:", "    kernel: {cmds: [echo k]}\n    jupyterLab:");
    Lab::new().run(APPLY, &text).expect(0).assert_says("runs in Studio Classic");
}

#[test]
fn row_39_what_the_role_lacks_is_listed() {
    let ended = Lab::new().run(PLAN, BASE).expect(2);
    ended.assert_says("sagemaker:AddTags, sagemaker:DescribeUserProfile, sagemaker:ListApps, sagemaker:ListSpaces");
}

#[test]
fn row_41_four_security_groups_and_no_more() {
    let with = |own: &str| {
        edit(
            BASE,
            "  tags:",
            &format!("  securityGroupId: sg-00000001\n  defaultUserSettings: {{securityGroups: [{own}]}}\n  tags:"),
        )
    };
    Lab::new().run(APPLY, &with("sg-00000002, sg-00000003, sg-00000004, sg-00000001")).expect(0);
    let lab = Lab::new();
    let ended = lab.run(APPLY, &with("sg-00000002, sg-00000003, sg-00000004, sg-00000005")).expect(3);
    assert!(ended.writes().is_empty());
    ended.assert_says("AWS refuses 5 security groups");
}

#[test]
fn row_42_every_member_of_the_pinned_sdk_can_be_said() {
    // The Debug form of an empty structure lists its members; those in the schema are what people can say.
    let members = format!("{:?}", aws_sdk_sagemaker::types::UserSettings::builder().build());
    let members = members.split_once('{').unwrap().1.trim_end_matches('}').trim();
    let schema: Json = serde_json::from_str(include_str!("../../../schema/config.json")).unwrap();
    let text = schema.to_string();
    for member in members.split(", ").filter_map(|member| member.split(':').next()) {
        let mut words = member.trim().split('_');
        let first = words.next().unwrap_or_default().to_owned();
        let camel = words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..]);
        let said = text.to_lowercase().contains(&format!("\"{}\":", camel.to_lowercase()));
        assert!(said, "{camel} is in the SDK and not in the schema");
    }
}

#[test]
fn row_43_two_deployments_share_no_names() {
    let lab = deployed();
    let config = lab.config(BASE);
    let before = lab.tables()["iam/policy"].len();
    run_as(&lab, &["apply", "--auto-approve", "--module", "two", config.as_str()]).expect(0);
    lab.run(PLAN, BASE).expect(0);
    assert_eq!(lab.tables()["iam/policy"].len(), 2 * before);
}

#[test]
fn row_45_tracking_servers_are_named_when_the_domain_goes() {
    let lab = deployed();
    put(&lab, "studio/tracking-server", "runs", &json!({"TrackingServerName": "runs"}));
    lab.run(&["plan", "--destroy"], BASE).expect(0).assert_says("go on billing: runs");
    lab.run(DESTROY, BASE).expect(0);
}

#[test]
fn row_35_what_the_network_lacks_is_said_at_its_line() {
    let lab = prepared(BASE);
    for (from, to, line, part) in [
        ("subnet-1, subnet-2", "subnet-1, subnet-zzz", 4, "subnet subnet-zzz"),
        ("vpc-1", "vpc-zzz", 3, "VPC vpc-zzz"),
        ("  tags:", "  securityGroupId: sg-0123456789abcdef0\n  tags:", 11, "security group sg-0123456789abcdef0"),
        (
            "  tags:",
            "  defaultUserSettings: {securityGroups: [sg-0123456789abcdef0]}\n  tags:",
            11,
            "security group sg-0123456789abcdef0",
        ),
        (
            "  tags:",
            "  securityGroupIngress:\n    sg:\n      - {sgId: sg-0123456789abcdef0, protocol: tcp, port: 1}\n  tags:",
            13,
            "security group sg-0123456789abcdef0",
        ),
        (
            "  tags:",
            "  securityGroupEgress:\n    prefixList:\n      - {prefixList: pl-0123456789abcdef0, protocol: tcp, port: 1}\n  tags:",
            13,
            "prefix list pl-0123456789abcdef0",
        ),
    ] {
        let ended = blocked(&lab, &edit(BASE, from, to));
        ended.assert_says(&format!("the {part} does not exist in us-east-1"));
        ended.assert_says(&format!("studio.yaml:{line}"));
    }
    let lab = deployed();
    let ended = blocked(&lab, &edit(BASE, "subnet-2", "subnet-2, subnet-zzz"));
    ended.assert_says("the subnet subnet-zzz does not exist");
}

#[test]
fn row_46_a_lost_record_deletes_and_makes_nothing() {
    let lab = deployed();
    lose_record(&lab);
    let ended = lab.run(APPLY, BASE).expect(0);
    for call in ended.writes() {
        assert_eq!(call.service, "ssm", "{}", call.operation);
    }
    assert_eq!(studio(&lab, "ListDomains", &json!({}))["Domains"].as_array().unwrap().len(), 1);
}

#[test]
fn row_47_partitions_are_those_of_the_caller() {
    for (region, partition) in [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")] {
        let lab = Lab::new();
        let ended = lab.run(&[APPLY, &["--region", region]].concat(), BASE).expect(0);
        let create = &super::calls(&ended, "CreateDomain")[0].input;
        let role = create["DefaultUserSettings"]["ExecutionRole"].as_str().unwrap();
        assert!(role.starts_with(&format!("arn:{partition}:iam::")), "{role}");
        lab.run(&[PLAN, &["--region", region]].concat(), BASE).expect(0);
    }
}

#[test]
fn row_48_a_bucket_name_is_free_ours_or_taken() {
    let lab = prepared(BASE);
    let taken = Seed { buckets: vec!["acme-dev-ml-studio".into()], ..Seed::default() };
    let others = [("999988887777".to_owned(), taken)].into();
    lab.sandbox.seed(&Seed { others, ..Seed::default() }).unwrap();
    let ended = lab.run(APPLY, BASE).expect(5);
    assert!(ended.writes().is_empty());
    ended.assert_says("another account owns that name");
    ended.assert_says("-123456789012-us-east-1");
    Lab::new().run(APPLY, BASE).expect(0);
}

#[test]
fn row_50_ids_are_printed_and_published() {
    let lab = deployed();
    let ended = lab.run(&["output", "--format", "json"], BASE).expect(0);
    let values: Json = serde_json::from_str(&ended.data).unwrap();
    let id = super::domain_id(&lab);
    assert_eq!(values["domain.studio.DomainId"], json!(id));
    assert_eq!(values["/acme/ml/studio/domain/id"], json!(id));
    assert!(values["user_profile.ann.UserProfileName"] == "ann", "{values}");
}
