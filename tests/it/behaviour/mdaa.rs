//! MDAA's config and ours against the account: places that values are read from, and notices about what differs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{BASE, PLAN, alter, calls, describe_domain, disown, domain_id, pass, studio};
use crate::support::account::{APPLY, Lab};
use crate::support::configs::edit;

#[test]
fn assets_lie_where_the_script_reads_them() {
    for prefix in ["same", "same/", "/same", "/same//"] {
        let lab = Lab::new();
        std::fs::create_dir(lab.path("tools")).unwrap();
        std::fs::write(lab.path("tools").join("a.sh"), "echo a").unwrap();
        let assets = "{cmds: [echo one], assets: {tools: {sourcePath: ./tools}}}";
        let text = edit(BASE, "{cmds: [echo one]}", assets);
        let text = edit(&text, "  tags:", &format!("  assetPrefix: {prefix}\n  tags:"));
        let ended = lab.run(APPLY, &text).expect(0);
        let script = calls(&ended, "CreateStudioLifecycleConfig")[0].input["StudioLifecycleConfigContent"].clone();
        let script = String::from_utf8(STANDARD.decode(script.as_str().unwrap()).unwrap()).unwrap();
        let (_, read) = script.split_once("s3://").unwrap();
        let (read, _) = read.split_once(" $ASSETS_DIR").unwrap();
        let tables = lab.tables();
        let keys: Vec<&String> = tables["s3/object"].keys().collect();
        assert!(
            keys.iter().all(|key| key.ends_with(&format!("{read}tools/a.sh"))) && !keys.is_empty(),
            "{read}: {keys:?}"
        );
        lab.run(PLAN, &text).expect(0);
    }
}

/// Lines below "Notices" about an address.
fn notices(lab: &Lab, text: &str) -> Vec<String> {
    let plan = lab.run(&["plan", "--format", "json"], text);
    let plan: serde_json::Value = serde_json::from_str(&plan.data).unwrap();
    let notices = plan["notices"].as_array().cloned().unwrap_or_default();
    notices.iter().map(|notice| format!("{}: {}", notice["address"], notice["message"])).collect()
}

#[test]
fn what_differs_from_mdaa_is_said_once() {
    let own = "  defaultExecutionRole: {name: given, immutable: true}
  defaultUserSettings: {securityGroups: [sg-00000009], studioWebPortal: DISABLED}
  tags:";
    let text = edit(BASE, "  tags:", own);
    let lab = Lab::new();
    let said = notices(&lab, &text);
    for (address, expected) in [
        ("execution_policy.basic", "not attached to given"),
        (
            "execution_policy.basic",
            "attach-role-policy --role-name given --policy-arn arn:aws:iam::123456789012:policy/acme-dev-ml-studio-basic-execution",
        ),
        ("execution_policy.basic", "lifecycle configs carry tags"),
        ("domain.studio", "sg-00000009 are added to the domain's security group"),
        ("domain.studio", "the key is given by its ARN"),
        ("domain.studio", "the landing page is set too"),
        ("domain.studio", "the home file system"),
        ("kms_key.efs", "data admins may use the key"),
        ("asset_role.deployment", "the account may assume it"),
        ("asset_policy.domain_bucket_deploy", "leaves out CDK's asset bucket"),
    ] {
        let count = said.iter().filter(|line| line.contains(address) && line.contains(expected)).count();
        assert_eq!(count, 1, "{address}: {expected}\n{said:#?}");
    }
    lab.run(APPLY, &text).expect(0);
    let said = notices(&lab, &text);
    assert!(said.iter().all(|line| !line.contains("MDAA") && !line.contains("landing")), "{said:#?}");
    // A change of something else is no reason to say them again, and a change of one says just that.
    let said = notices(&lab, &edit(&text, "[sg-00000009]", "[sg-00000009, sg-00000008]"));
    assert_eq!(said.iter().filter(|line| line.contains("MDAA")).count(), 1, "{said:#?}");
    let said = notices(&lab, &edit(&text, "team: science", "team: art"));
    assert!(said.iter().all(|line| !line.contains("MDAA")), "{said:#?}");
}

#[test]
fn switches_of_mdaa_mean_what_they_mean_there() {
    let with = |switch: &str| format!("deployment: {{context: {{\"@aws-mdaa/{switch}\": false}}}}\n{BASE}");
    let legacy = with("legacyCaefTags");
    let lab = Lab::new();
    let ended = lab.run(APPLY, &legacy).expect(0);
    let tags = calls(&ended, "CreateDomain")[0].input["Tags"].to_string();
    assert!(tags.contains("caef_module_name") && !tags.contains("mdaa_"), "{tags}");
    lab.run(PLAN, &legacy).expect(0);
    // Whoever has such an environment of MDAA's can adopt it, with the switch or without, and is rid of it then.
    disown(&lab);
    lab.run(APPLY, &legacy).expect(5);
    let other = Lab::like(&lab.tables());
    lab.run(&[APPLY, &["--adopt"]].concat(), &legacy).expect(0);
    lab.run(PLAN, &legacy).expect(0);
    other.run(&[APPLY, &["--adopt"]].concat(), BASE).expect(0);
    other.run(PLAN, BASE).expect(0);
    let ended = lab.run(APPLY, BASE).expect(0);
    assert!(calls(&ended, "DeleteTags").iter().any(|call| call.input["TagKeys"].to_string().contains("caef_org")));
    lab.run(PLAN, BASE).expect(0);

    let open = with("publicAccessBlockManagedExternally");
    assert_eq!(calls(&Lab::new().run(APPLY, &open).expect(0), "PutPublicAccessBlock").len(), 0);

    let unique = with("enableUniqueBucketNames");
    for command in [&["validate"][..], APPLY] {
        let ended = Lab::new().run(command, &unique).expect(3);
        assert!(ended.writes().is_empty());
        ended.assert_says("error[SD1053]");
        ended.assert_says("studio.yaml:1:");
    }
    let bucket = "  domainBucket: {domainBucketName: given, assetDeploymentRole: {name: uploader}}\n  tags:";
    Lab::new().run(APPLY, &edit(&unique, "  tags:", bucket)).expect(0);
}

#[test]
fn a_role_is_found_by_whatever_mdaa_finds_it_by() {
    let lab = Lab::new();
    lab.run(PLAN, &edit(BASE, "[{name: admin}]", "[{name: plain}]")).expect(2);
    alter(&lab, "iam/role", "plain", "arn", &json!("arn:aws:iam::123456789012:role/team/x/plain"));
    // A permission set that has made no role here may be a role's own name.
    lab.run(PLAN, &edit(BASE, "[{name: admin}]", "[{name: plain, sso: true}]")).expect(2);
    let ended = lab.run(PLAN, &edit(BASE, "[{name: admin}]", "[{name: nobody, sso: true}]")).expect(4);
    ended.assert_says("no role with the Identity Center permission set nobody");
    let arn = |path: &str| format!("[{{arn: arn:aws:iam::123456789012:role/{path}}}]");
    lab.run(PLAN, &edit(BASE, "[{name: admin}]", &arn("team/x/plain"))).expect(2);
    let ended = lab.run(PLAN, &edit(BASE, "[{name: admin}]", &arn("wrong/plain"))).expect(4);
    ended.assert_says("no role with the ARN arn:aws:iam::123456789012:role/wrong/plain");
    ended.assert_says("a role of that name is arn:aws:iam::123456789012:role/team/x/plain");
}

#[test]
fn a_key_may_be_given_by_an_alias() {
    let text = edit(BASE, "  tags:", "  kmsKeyArn: arn:aws:kms:us-east-1:123456789012:alias/foo\n  tags:");
    let lab = Lab::new();
    let ended = lab.run(APPLY, &text).expect(0);
    let key = calls(&ended, "CreateDomain")[0].input["KmsKeyId"].as_str().unwrap().to_owned();
    assert!(key.starts_with("arn:aws:kms:us-east-1:123456789012:key/"), "{key}");
    let encryption = calls(&ended, "PutBucketPolicy")[0].input.to_string();
    assert!(!encryption.contains("alias/"), "{encryption}");
    lab.run(PLAN, &text).expect(0);
    // The key itself is the same key.
    lab.run(PLAN, &edit(&text, "arn:aws:kms:us-east-1:123456789012:alias/foo", &key)).expect(0);
    let other = Lab::new();
    other.run(PLAN, &text).expect(2);
    let ended = other.run(APPLY, &edit(&text, "alias/foo", "alias/bar")).expect(4);
    ended.assert_says("alias/bar does not exist");
}

#[test]
fn parameters_are_read_by_name_arn_and_version() {
    let arn = "arn:aws:ssm:us-east-1:123456789012:parameter";
    for name in
        ["/one".to_owned(), "/one:1".to_owned(), "/one:3".to_owned(), format!("{arn}/one"), format!("{arn}/a/b:2")]
    {
        let lab = Lab::new();
        let text = edit(BASE, "vpcId: vpc-1", &format!("vpcId: \"ssm:{name}\""));
        lab.run(APPLY, &text).expect(0);
        lab.run(PLAN, &text).expect(0);
        let ended = lab.run(PLAN, &edit(BASE, "vpcId: vpc-1", "vpcId: ssm:/two")).expect(4);
        ended.assert_says("the SSM parameter /two does not exist");
    }
}

#[test]
fn roles_and_groups_that_only_settings_name_are_in_a_new_sandbox() {
    let own = "  defaultSpaceSettings: {executionRole: arn:aws:iam::123456789012:role/of-spaces, securityGroups: [sg-00000007]}
  tags:";
    let text = edit(BASE, "  tags:", own);
    let user = "ann: {userRole: {name: users}, settings: {executionRole: arn:aws:iam::123456789012:role/x/of-ann}}";
    let text = edit(&text, "ann: {userRole: {name: users}}", user);
    let lab = Lab::new();
    lab.run(APPLY, &text).expect(0);
    assert!(lab.tables()["iam/role"].contains_key("of-spaces") && lab.tables()["iam/role"].contains_key("of-ann"));
}

#[test]
fn a_key_of_another_region_is_another_key() {
    let text = edit(BASE, "  tags:", "  kmsKeyArn: arn:aws:kms:us-east-1:123456789012:key/given\n  tags:");
    let lab = Lab::new();
    lab.run(APPLY, &text).expect(0);
    for (from, to) in [("us-east-1", "eu-west-1"), ("123456789012", "444455556666")] {
        let ended = lab.run(APPLY, &edit(&text, from, to)).expect(5);
        assert!(ended.writes().is_empty());
        ended.assert_says("KmsKeyId");
    }
    // MDAA writes ids, each of a key in the domain's own account and region.
    let domain = domain_id(&lab);
    let mut settings = lab.tables()["studio/domain"][&domain]["settings"].clone();
    settings["KmsKeyId"] = json!("given");
    alter(&lab, "studio/domain", &domain, "settings", &settings);
    lab.run(PLAN, &text).expect(0);
    let ended = lab.run(APPLY, &edit(&text, "us-east-1", "eu-west-1")).expect(5);
    ended.assert_says("KmsKeyId");
}

#[test]
fn an_empty_tag_is_a_tag() {
    let lab = Lab::new();
    lab.run(APPLY, BASE).expect(0);
    let tagged = edit(BASE, "{team: science}", "{team: science, empty: \"\"}");
    let ended = lab.run(APPLY, &tagged).expect(0);
    let domain = |tags: &serde_json::Value| tags.to_string().contains("\"empty\"");
    assert!(calls(&ended, "AddTags").iter().any(|call| domain(&call.input["Tags"])), "{}", ended.data);
    lab.run(PLAN, &tagged).expect(0);
    let ended = lab.run(APPLY, BASE).expect(0);
    assert!(calls(&ended, "DeleteTags").iter().any(|call| domain(&call.input["TagKeys"])), "{}", ended.data);
    lab.run(PLAN, BASE).expect(0);
}

#[test]
fn a_space_is_called_what_its_sharing_says() {
    let text = edit(BASE, "  tags:", "  defaultSpaceSettings: {}\n  tags:");
    let lab = Lab::new();
    lab.run(APPLY, &text).expect(0);
    for (name, sharing) in [("team", "Shared"), ("own", "Private")] {
        let space = json!({
            "DomainId": domain_id(&lab), "SpaceName": name, "OwnershipSettings": {"OwnerUserProfileName": "ben"},
            "SpaceSharingSettings": {"SharingType": sharing},
        });
        studio(&lab, "CreateSpace", &space);
        pass(&lab, 20);
    }
    let ended = lab.run(&["plan", "--destroy"], &text);
    ended.assert_says("space.team is in use and holds domain.studio and user_profile.ben: shared space of ben");
    ended.assert_says("space.own is in use and holds domain.studio and user_profile.ben: private space of ben");
}

#[test]
fn what_is_taken_over_while_it_is_busy_is_waited_for() {
    let lab = Lab::new();
    lab.run(APPLY, BASE).expect(0);
    let profile = json!({"DomainId": domain_id(&lab), "UserProfileName": "eve"});
    studio(&lab, "CreateUserProfile", &profile);
    let with_eve = edit(BASE, "    ben:", "    eve: {userRole: {name: users}}\n    ben:");
    lab.run(&[APPLY, &["--adopt=user_profile.eve"]].concat(), &with_eve).expect(0);
    lab.run(PLAN, &with_eve).expect(0);
    // The domain as well.
    let arn = describe_domain(&lab)["DomainArn"].clone();
    let tags = json!(["studio-deploy:deployment", "studio-deploy:address"]);
    studio(&lab, "DeleteTags", &json!({"ResourceArn": arn, "TagKeys": tags}));
    let settings = json!({"StudioWebPortalSettings": {"HiddenMlTools": ["Models"]}});
    studio(&lab, "UpdateDomain", &json!({"DomainId": domain_id(&lab), "DefaultUserSettings": settings}));
    lab.run(&[APPLY, &["--adopt"]].concat(), &with_eve).expect(0);
    lab.run(PLAN, &with_eve).expect(0);
}
