//! Changes of what lives: in place, refused, gated, taken back, and seen through.

use serde_json::{Value as Json, json};

use super::{
    BASE, PLAN, alter, calls, count, deployed, describe_domain, disown, domain_id, faults, lose_record, start_app,
    studio,
};
use crate::support::account::{APPLY, Lab};
use crate::support::configs::edit;

#[test]
fn row_01_only_four_fields_replace_the_domain_and_only_with_consent() {
    let lab = deployed();
    let domain = domain_id(&lab);
    for (from, to) in [
        ("  vpcId: vpc-1\n", "  vpcId: vpc-2\n"),
        ("  authMode: IAM\n", "  authMode: SSO\n"),
        ("  authMode: IAM\n", "  authMode: IAM\n  domainName: another\n"),
        ("  authMode: IAM\n", "  authMode: IAM\n  kmsKeyArn: arn:aws:kms:us-east-1:123456789012:key/other\n"),
    ] {
        let mut text = edit(BASE, from, to);
        if to.contains("SSO") {
            text = text.replace("{userRole: {name: users}}", "{}");
        }
        let ended = lab.run(APPLY, &text).expect(5);
        assert!(ended.writes().is_empty(), "{to}");
        ended.assert_says("--allow-replace domain.studio");
    }
    // Consent to replace the group is none to replace the domain.
    let moved = edit(BASE, "  vpcId: vpc-1\n", "  vpcId: vpc-2\n");
    let ended = lab.run(&[APPLY, &["--allow-replace", "security_group.domain"]].concat(), &moved).expect(5);
    assert!(ended.writes().is_empty());
    // Everything else that an update takes is an update.
    for (from, to) in [
        ("[subnet-1, subnet-2]", "[subnet-1]"),
        ("{team: science}", "{team: art}"),
        ("  tags:", "  tagPropagation: ENABLED\n  tags:"),
        ("  tags:", "  defaultSpaceSettings: {}\n  tags:"),
        ("  tags:", "  domainSettings: {dockerSettings: {enableDockerAccess: ENABLED}}\n  tags:"),
        ("  tags:", "  appNetworkAccessType: PublicInternetOnly\n  tags:"),
        (
            "  tags:",
            "  defaultUserSettings: {jupyterLabAppSettings: {defaultResourceSpec: {instanceType: ml.t3.large}}}\n  tags:",
        ),
        ("  tags:", "  defaultExecutionRole: {name: users}\n  tags:"),
    ] {
        let ended = lab.run(&["plan", "--format", "json"], &edit(BASE, from, to)).expect(0);
        let plan: Json = serde_json::from_str(&ended.data).unwrap();
        let changes = plan["changes"].as_array().unwrap();
        let of_domain = changes.iter().filter(|change| change["address"] == "domain.studio");
        assert!(of_domain.into_iter().all(|change| change["action"] == "update"), "{to}: {}", ended.data);
    }
    let replaced = lab.run(
        &[APPLY, &["--allow-replace", "domain.studio", "--confirm", "acme/dev/ml/studio"]].concat(),
        &edit(BASE, "vpcId: vpc-1", "vpcId: vpc-1\n  domainName: another"),
    );
    let replaced = replaced.expect(0);
    assert_eq!((count(&replaced, "DeleteDomain"), count(&replaced, "CreateDomain")), (1, 1));
    assert_ne!(domain_id(&lab), domain);
}

#[test]
fn row_04_what_leaves_the_config_is_taken_back_or_said_to_stay() {
    let lab = Lab::new();
    let more = "  defaultUserSettings:
    studioWebPortal: DISABLED
    jupyterLabAppSettings:
      codeRepositories: [{repositoryUrl: https://example.com/repo.git}]
    spaceStorageSettings: {defaultEbsStorageSettings: {defaultEbsVolumeSizeInGb: 10, maximumEbsVolumeSizeInGb: 20}}
    customPosixUserConfig: {uid: 10001, gid: 1001}
  tags:";
    lab.run(APPLY, &edit(BASE, "  tags:", more)).expect(0);
    let without = BASE.replace("  lifecycleConfigs:\n    jupyterLab: {cmds: [echo one]}\n", "");
    let ended = lab.run(APPLY, &without).expect(0);
    let lab_settings = |live: &Json| live["DefaultUserSettings"]["JupyterLabAppSettings"].clone();
    let live = describe_domain(&lab);
    let blank = |value: &Json| value.is_null() || value == &json!([]) || value == "None";
    assert!(blank(&lab_settings(&live)["LifecycleConfigArns"]), "{live}");
    assert!(blank(&lab_settings(&live)["DefaultResourceSpec"]["LifecycleConfigArn"]), "{live}");
    assert!(blank(&lab_settings(&live)["CodeRepositories"]), "{live}");
    assert_eq!(live["DefaultUserSettings"]["StudioWebPortal"], "ENABLED");
    ended.assert_says("the API cannot unset it: it stays");
    lab.run(PLAN, &without).expect(0);
}

#[test]
fn row_04_space_settings_that_cannot_be_taken_back_stand_in_nobodys_way() {
    let lab = Lab::new();
    lab.run(
        APPLY,
        &edit(
            BASE,
            "  tags:",
            "  defaultSpaceSettings: {executionRole: 'arn:aws:iam::123456789012:role/users'}\n  tags:",
        ),
    )
    .expect(0);
    let groups = |lab: &Lab| describe_domain(lab)["DefaultSpaceSettings"]["SecurityGroups"].clone();
    let before = groups(&lab);
    let ended = lab.run(APPLY, &edit(BASE, "team: science", "team: art")).expect(0);
    ended.assert_says("DefaultSpaceSettings.SecurityGroups is no longer in the config, but the API cannot unset it");
    assert_eq!(groups(&lab), before);
}

#[test]
fn row_05_a_change_that_aws_ignores_is_a_failure() {
    let lab = deployed();
    faults(&lab, "ignore-field=DefaultUserSettings.SpaceStorageSettings");
    let text = edit(
        BASE,
        "  tags:",
        "  defaultUserSettings: {spaceStorageSettings: {defaultEbsStorageSettings: {defaultEbsVolumeSizeInGb: 10, maximumEbsVolumeSizeInGb: 20}}}\n  tags:",
    );
    let ended = lab.run(APPLY, &text).expect(8);
    ended.assert_says("applied but not effective: DefaultUserSettings.SpaceStorageSettings.DefaultEbsStorageSettings.");
    ended.assert_says("should be 10 and is 5");
    faults(&lab, "");
    lab.run(APPLY, &text).expect(0);
}

#[test]
fn row_06_apps_hold_up_only_what_they_must() {
    let lab = deployed();
    start_app(&lab, "ann");
    let free = edit(&edit(BASE, "echo one", "echo two"), "team: science", "team: art");
    let gated = edit(&free, "  tags:", "  defaultExecutionRole: {name: users}\n  tags:");
    let blocked = lab.run(APPLY, &gated).expect(5);
    assert!(blocked.writes().is_empty());
    blocked.assert_says("ann/JupyterLab/default");
    let partly = lab.run(&[APPLY, &["--skip-blocked"]].concat(), &gated).expect(8);
    partly.assert_says("left out domain.studio: DefaultUserSettings.ExecutionRole");
    let role = |lab: &Lab| describe_domain(lab)["DefaultUserSettings"]["ExecutionRole"].as_str().unwrap().to_owned();
    assert!(role(&lab).ends_with("default-execution-role"));
    assert!(
        lab.tables()["iam/role"].contains_key("acme-dev-ml-studio-default-execution-role"),
        "the domain still uses it"
    );
    let published = |lab: &Lab| {
        let tables = lab.tables();
        let roles = tables["ssm/parameter"].keys().filter(|name| name.contains("/role/default-execution-role/"));
        roles.count()
    };
    assert_eq!(published(&lab), 3, "whoever reads what it is called goes on reading");
    lab.run(APPLY, &edit(&free, "team: art", "team: music")).expect(0);
    let stopped = lab.run(&[APPLY, &["--stop-apps"]].concat(), &gated).expect(0);
    assert_eq!(count(&stopped, "DeleteApp"), 1);
    assert!(stopped.calls.iter().all(|call| call.operation != "UpdateDomain" || call.status == 200));
    assert!(role(&lab).ends_with("role/users"));
}

#[test]
fn row_06_apps_hold_up_what_is_taken_over_too() {
    let lab = deployed();
    start_app(&lab, "ann");
    disown(&lab);
    let gated = edit(BASE, "  tags:", "  defaultExecutionRole: {name: users}\n  tags:");
    let adopt = [APPLY, &["--adopt"]].concat();
    let blocked = lab.run(&adopt, &gated).expect(5);
    assert!(blocked.writes().is_empty());
    blocked.assert_says("ann/JupyterLab/default");
    let partly = lab.run(&[&adopt[..], &["--skip-blocked"]].concat(), &gated).expect(8);
    partly.assert_says("left out domain.studio: DefaultUserSettings.ExecutionRole");
    assert_eq!((count(&partly, "CreateDomain"), count(&partly, "DeleteApp")), (0, 0));
    disown(&lab);
    let stopped = lab.run(&[&adopt[..], &["--stop-apps"]].concat(), &gated).expect(0);
    assert_eq!(count(&stopped, "DeleteApp"), 1);
    lab.run(PLAN, &gated).expect(0);
}

#[test]
fn row_07_an_update_says_only_what_changed() {
    let lab = deployed();
    for (from, to) in [("echo one", "echo two"), ("  tags:", "  tagPropagation: ENABLED\n  tags:"), ("subnet-1, ", "")]
    {
        let ended = lab.run(APPLY, &edit(BASE, from, to)).expect(0);
        let updates = calls(&ended, "UpdateDomain");
        assert!(!updates.is_empty());
        for update in updates {
            for member in ["AppNetworkAccessType", "VpcId", "AppSecurityGroupManagement"] {
                assert!(update.input.get(member).is_none(), "{}", update.input);
            }
        }
    }
}

#[test]
fn row_11_defaults_of_aws_and_the_order_of_lists_are_no_drift() {
    let lab = deployed();
    lab.run(PLAN, BASE).expect(0);
    let again = lab.run(APPLY, BASE).expect(0);
    assert!(again.writes().is_empty());
}

#[test]
fn row_19_a_tag_changes_in_place() {
    let lab = deployed();
    let ended = lab.run(APPLY, &edit(BASE, "team: science", "crew: science")).expect(0);
    assert_eq!((count(&ended, "UpdateDomain"), count(&ended, "UpdateUserProfile")), (0, 0));
    let of_domain = |operation: &str| {
        let all = calls(&ended, operation);
        let arn = |call: &&&studio_sandbox::Call| {
            call.service == "sagemaker"
                && call.input["ResourceArn"].as_str().is_some_and(|arn| arn.contains(":domain/"))
        };
        all.iter().filter(arn).count()
    };
    assert_eq!((of_domain("AddTags"), of_domain("DeleteTags")), (1, 1));
}

#[test]
fn row_20_subnets_come_at_any_time_and_go_without_apps() {
    let lab = Lab::new();
    let one = edit(BASE, "[subnet-1, subnet-2]", "[subnet-1]");
    lab.run(APPLY, BASE).expect(0);
    lab.run(APPLY, &one).expect(0);
    start_app(&lab, "ann");
    lab.run(APPLY, BASE).expect(0);
    let blocked = lab.run(APPLY, &one).expect(5);
    blocked.assert_says("AWS refuses to change SubnetIds while apps run: ann/JupyterLab/default");
    alter(&lab, "ec2/subnet", "subnet-2", "vpc", &json!("vpc-9"));
    let fresh = Lab::new();
    fresh.run(PLAN, BASE).expect(2);
    alter(&fresh, "ec2/subnet", "subnet-2", "vpc", &json!("vpc-9"));
    let ended = fresh.run(APPLY, BASE).expect(4);
    assert!(ended.writes().is_empty());
    ended.assert_says("subnet-2 is in vpc-9, and the domain in vpc-1");
}

#[test]
fn row_22_the_portal_and_the_landing_page_go_together() {
    let lab = deployed();
    let off = edit(BASE, "  tags:", "  defaultUserSettings: {studioWebPortal: DISABLED}\n  tags:");
    lab.run(APPLY, &off).expect(0);
    assert_eq!(describe_domain(&lab)["DefaultUserSettings"]["DefaultLandingUri"], "app:JupyterServer:");
    lab.run(APPLY, &edit(&off, "DISABLED", "ENABLED")).expect(0);
    assert_eq!(describe_domain(&lab)["DefaultUserSettings"]["StudioWebPortal"], "ENABLED");
    let both = edit(&off, "DISABLED", "DISABLED, defaultLandingUri: 'studio::'");
    lab.run(&["validate"], &both).expect(3);
}

#[test]
fn row_36_nothing_empty_is_ever_sent() {
    fn empty(value: &Json) -> bool {
        match value {
            Json::String(text) => text.is_empty(),
            Json::Object(members) => members.is_empty() || members.values().any(empty),
            Json::Array(items) => items.iter().any(empty),
            _ => false,
        }
    }
    let lab = Lab::new();
    let settings = "  defaultUserSettings: {jupyterLabAppSettings: {}, kernelGatewayAppSettings: {}, sharingSettings: {}}\n  defaultSpaceSettings: {}\n  tags:";
    let ended = lab.run(APPLY, &edit(BASE, "  tags:", settings)).expect(0);
    for call in ended.writes().iter().filter(|call| call.service == "sagemaker") {
        assert!(!empty(&call.input), "{}: {}", call.operation, call.input);
    }
    let spaces = &describe_domain(&lab)["DefaultSpaceSettings"];
    assert!(spaces["ExecutionRole"].is_string() && spaces["SecurityGroups"].is_array());
}

#[test]
fn row_44_what_sagemaker_makes_carries_the_tags() {
    let lab = deployed();
    let tables = lab.tables();
    let has = |record: &Json| record["tags"]["team"] == "science";
    assert!(tables["efs/file-system"].values().all(has));
    let nfs = tables["ec2/security-group"].values().filter(|group| group["name"].as_str().unwrap().contains("-nfs-"));
    assert_eq!(nfs.filter(|group| has(group)).count(), 2);
}

#[test]
fn what_goes_is_named_by_no_space_settings() {
    let with = |settings: &str| edit(BASE, "  tags:", &format!("  defaultSpaceSettings: {settings}\n  tags:"));
    let given = "  defaultExecutionRole: {name: users}\n  securityGroupId: sg-given\n  tags:";
    for record_is_lost in [false, true] {
        let lab = Lab::new();
        let ground = Lab::new();
        // Everything that the later config names has to be there.
        ground.run(PLAN, &edit(BASE, "  tags:", given));
        crate::support::picture::restore(&lab.sandbox, &ground.tables());
        lab.run(APPLY, &with("{}")).expect(0);
        if record_is_lost {
            lose_record(&lab);
        }
        let spaces = |lab: &Lab| describe_domain(lab)["DefaultSpaceSettings"].clone();
        assert!(spaces(&lab)["ExecutionRole"].as_str().unwrap().ends_with("default-execution-role"));
        let without = edit(BASE, "  tags:", given);
        let ended = lab.run(APPLY, &without).expect(0);
        ended.assert_says("DefaultSpaceSettings.ExecutionRole is no longer in the config, but the API cannot unset it");
        let after = spaces(&lab);
        assert_eq!(after["ExecutionRole"], "arn:aws:iam::123456789012:role/users", "{after}");
        assert_eq!(after["SecurityGroups"], json!(["sg-given"]), "{after}");
        lab.run(PLAN, &without).expect(0);
        // It goes on following.
        lab.run(APPLY, BASE).expect(0);
        let after = spaces(&lab);
        assert!(after["ExecutionRole"].as_str().unwrap().ends_with("default-execution-role"), "{after}");
        assert_ne!(after["SecurityGroups"], json!(["sg-given"]));
        lab.run(PLAN, BASE).expect(0);
    }
}

#[test]
fn network_access_goes_both_ways() {
    let lab = deployed();
    let public = edit(BASE, "  tags:", "  appNetworkAccessType: PublicInternetOnly\n  tags:");
    for (text, access, vpc) in [(&*public, "PublicInternetOnly", None), (BASE, "VpcOnly", Some("vpc-1"))] {
        let ended = lab.run(APPLY, text).expect(0);
        let updates = calls(&ended, "UpdateDomain");
        assert_eq!(updates.len(), 1);
        assert_eq!(
            (updates[0].input.get("VpcId"), updates[0].input.get("SubnetIds").is_some()),
            (vpc.map(Json::from).as_ref(), vpc.is_some())
        );
        assert_eq!(describe_domain(&lab)["AppNetworkAccessType"], access);
        lab.run(PLAN, text).expect(0);
    }
}

#[test]
fn rstudio_of_a_domain_comes_and_changes() {
    let lab = Lab::new();
    let with = |url: &str| {
        let settings = format!(
            "  appSecurityGroupManagement: Service\n  domainSettings: {{rStudioServerProDomainSettings: {{domainExecutionRoleArn: \
             'arn:aws:iam::123456789012:role/rstudio', rStudioConnectUrl: '{url}'}}}}\n  tags:"
        );
        edit(BASE, "  tags:", &settings)
    };
    let ground = Lab::new();
    ground.run(PLAN, &with("https://one.example.com"));
    crate::support::picture::restore(&lab.sandbox, &ground.tables());
    lab.run(APPLY, BASE).expect(0);
    for url in ["https://one.example.com", "https://two.example.com"] {
        lab.run(APPLY, &with(url)).expect(0);
        let live = describe_domain(&lab);
        assert_eq!(live["DomainSettings"]["RStudioServerProDomainSettings"]["RStudioConnectUrl"], url, "{live}");
        lab.run(PLAN, &with(url)).expect(0);
    }
}

#[test]
fn a_profile_without_its_own_setting_is_as_the_domain_has_it() {
    let portal = |domain: &str, profile: &str| {
        let text = edit(BASE, "  tags:", &format!("  defaultUserSettings: {{studioWebPortal: {domain}}}\n  tags:"));
        let own = format!("    ann: {{userRole: {{name: users}}, settings: {{studioWebPortal: {profile}}}}}\n");
        if profile.is_empty() { text } else { edit(&text, "    ann: {userRole: {name: users}}\n", &own) }
    };
    let lab = Lab::new();
    lab.run(APPLY, &portal("DISABLED", "ENABLED")).expect(0);
    let ann = |lab: &Lab| {
        let of = json!({"DomainId": domain_id(lab), "UserProfileName": "ann"});
        studio(lab, "DescribeUserProfile", &of)["UserSettings"]["StudioWebPortal"].clone()
    };
    assert_eq!(ann(&lab), "ENABLED");
    for domain in ["DISABLED", "ENABLED", "DISABLED"] {
        lab.run(APPLY, &portal(domain, "")).expect(0);
        assert_eq!(ann(&lab), domain);
        lab.run(PLAN, &portal(domain, "")).expect(0);
    }
}

#[test]
fn what_is_blocked_differs_too() {
    let lab = deployed();
    alter(&lab, "iam/role", "acme-dev-ml-studio-default-execution-role", "tags", &json!({}));
    lab.run(PLAN, BASE).expect(2);
    lab.run(&["diff"], BASE).expect(2);
}

#[test]
fn what_aws_keeps_of_a_profile_goes_with_it_when_it_is_replaced() {
    let sso = edit(BASE, "authMode: IAM", "authMode: SSO").replace("{userRole: {name: users}}", "{}");
    let lab = Lab::new();
    lab.run(PLAN, BASE).expect(2);
    lab.run(APPLY, &sso).expect(0);
    // The new profiles are no longer Identity Center's, and a domain with IAM refuses those that are.
    let consents = ["--allow-replace", "domain.studio", "--confirm", "acme/dev/ml/studio"];
    let replaced = lab.run(&[APPLY, &consents].concat(), BASE).expect(0);
    assert!(!replaced.shows("SingleSignOn"), "{}", replaced.data);
    lab.run(PLAN, BASE).expect(0);
}
