//! Configs as people write them, right and wrong, through the whole line.

use std::collections::BTreeMap;

use serde_json::json;

use super::security_gate::findings;
use super::*;

const VALID: &str =
    "domain:\n  authMode: IAM\n  vpcId: vpc-1\n  subnetIds: [subnet-1]\n  dataAdminRoles: [{name: admin}]\n";

fn context() -> Context {
    Context {
        org: "acme".into(),
        env: "dev".into(),
        domain: "ds".into(),
        module_name: "studio".into(),
        account: Some("111122223333".into()),
        region: Some("us-east-1".into()),
        partition: Some("aws".into()),
        ..Context::default()
    }
}

fn document(text: &str) -> Document {
    Document::parse(&[InputFile { name: "a.yaml".into(), text: text.into() }], &|_| Err("no file".into())).unwrap()
}

fn resolved(text: &str) -> ValidConfig {
    resolve(&document(text), &context(), None)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(&BTreeMap::new(), false)))
}

/// Code and line of everything that is said about a config.
fn said(text: &str) -> Vec<(&'static str, usize)> {
    let mistakes = match resolve(&document(text), &context(), None) {
        Ok(resolved) => resolved.warnings,
        Err(mistakes) => mistakes,
    };
    mistakes.iter().map(|d| (d.code, d.labels.first().map_or(0, |note| note.span.source.line))).collect()
}

/// Diagnostics of the valid config with more lines in its domain, the first of which is line 6.
fn said_with(lines: &str) -> Vec<(&'static str, usize)> {
    said(&format!("{VALID}{lines}"))
}

#[test]
fn defaults_are_applied() {
    let config = resolved(VALID).config;
    let domain = &config.domain;
    assert_eq!(
        (domain.notebook_sharing_prefix.as_str(), domain.asset_prefix.as_str()),
        ("sharing/", "lifecycle-assets")
    );
    assert!(!domain.protect && domain.removal_policy == RemovalPolicy::default() && domain.user_profiles.is_empty());
    let empty = resolved(&format!("{VALID}  assetPrefix: ''\n")).config;
    assert_eq!(empty.domain.asset_prefix, "lifecycle-assets");
}

#[test]
fn values_are_coerced_as_in_mdaa() {
    let config = resolved(
        "domain:\n  authMode: SSO\n  vpcId: v\n  subnetIds: '[\"a\",\"b\"]'\n  dataAdminRoles: [{name: x, sso: 'false'}]\n  \
         securityGroupIngress: {ipv4: [{cidr: 10.0.0.0/8, protocol: TCP, port: '443', toPort: 1e3}]}\n  \
         defaultUserSettings: {kernelGatewayAppSettings: {customImages: [{imageName: i, appImageConfigName: c, imageVersionNumber: '3'}]}}\n",
    )
    .config;
    assert_eq!(config.domain.subnet_ids, ["a", "b"]);
    assert!(!config.domain.data_admin_roles[0].sso);
    let rule = &config.domain.security_group_ingress.ipv4[0];
    assert_eq!((rule.port, rule.to_port), (Some(443), Some(1000)));
    let images = config.domain.default_user_settings.kernel_gateway_app_settings.unwrap().custom_images.unwrap();
    assert_eq!(images[0].image_version_number, Some(3));
}

#[test]
fn every_mistake_has_its_code_and_line() {
    let long_tag = format!("  tags: {{a: {}}}\n", "x".repeat(257));
    let long_script = format!("  lifecycleConfigs: {{jupyterLab: {{cmds: [{}]}}}}\n", "x".repeat(12_289));
    let cases: &[(&str, &[(&str, usize)])] = &[
        ("  vpcid: x\n", &[("SD1003", 6)]),
        ("  userRole: {name: x}\n", &[("SD1003", 6)]),
        ("  userProfiles: {a: {userRole: {nam: x}}}\n", &[("SD1003", 6), ("SD1031", 6)]),
        ("  kmsKeyArn: 5\n", &[("SD1004", 6)]),
        ("  kmsKeyArn:\n", &[("SD1004", 6)]),
        ("  userProfiles:\n    a: null\n", &[("SD1004", 7)]),
        ("  protect: 'yes'\n", &[("SD1004", 6)]),
        ("  domainBucket: {domainBucketName: abc}\n", &[("SD1005", 6)]),
        ("  defaultUserSettings: {studioWebPortal: enabled}\n", &[("SD1006", 6)]),
        ("  removalPolicy: {bucket: keep}\n", &[("SD1006", 6)]),
        ("  defaultExecutionRole: {refId: x, sso: true}\n", &[("SD1031", 6)]),
        ("  userProfiles: {a: {}}\n", &[("SD1032", 6)]),
        ("  userProfiles:\n    lead_ds: {userRole: {name: x}}\n", &[("SD1034", 7)]),
        ("  userProfiles:\n    lead_ds: {userRole: {name: x}, profileName: lead-ds}\n", &[]),
        ("  userProfiles:\n    a.b: {userRole: {name: x}}\n    A-b: {userRole: {name: x}}\n", &[("SD1035", 8)]),
        ("  securityGroupIngress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: tpc, port: 1}\n", &[("SD1036", 8)]),
        ("  securityGroupIngress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: '-1'}\n", &[("SD1036", 8)]),
        ("  securityGroupEgress:\n    sg:\n      - {sgId: sg-12345678, protocol: tcp}\n", &[("SD1037", 8)]),
        ("  securityGroupEgress:\n    sg:\n      - {sgId: sg-1, protocol: all}\n", &[("SD1039", 8)]),
        ("  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0.0, protocol: all}\n", &[("SD1038", 8)]),
        ("  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0/8, protocol: all}\n", &[("SD1038", 8)]),
        ("  securityGroupEgress:\n    ipv4:\n      - {cidr: 999.1.1.1/99, protocol: all}\n", &[("SD1501", 8)]),
        ("  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: tcp, port: abc}\n", &[("SD1004", 8)]),
        (
            "  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: tcp, port: 4.5}\n      - {cidr: 10.0.0.0/8, protocol: tcp, port: x}\n",
            &[("SD1004", 8), ("SD1004", 9)],
        ),
        (
            "  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: tcp, port: 70000}\n",
            &[("SD1501", 8)],
        ),
        ("  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: esp, port: -1, toPort: -1}\n", &[]),
        ("  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: icmp, port: 8, toPort: -1}\n", &[]),
        (
            "  userProfiles:\n    a.b: {userRole: {name: x}}\n    a-b: {userRole: {name: x}}\n    A.B: {userRole: {name: x}}\n",
            &[("SD1035", 9)],
        ),
        (
            "  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: all}\n      - {cidr: 10.0.0.0/8, protocol: ALL, port: 1}\n",
            &[("SD2007", 9)],
        ),
        (
            "  securityGroupEgress:\n    ipv4:\n      - {cidr: 10.0.0.0/8, protocol: all, description: 'ä'}\n",
            &[("SD1507", 8)],
        ),
        (
            "  securityGroupId: sg-1\n  securityGroupIngress:\n    sg: [{sgId: nonsense, protocol: x}]\n",
            &[("SD2003", 7)],
        ),
        ("  kmsKeyArn: key/1\n", &[("SD1040", 6)]),
        ("  domainBucket: {domainBucketName: A_b, assetDeploymentRole: {name: x}}\n", &[("SD1041", 6)]),
        ("  defaultUserSettings: {studioWebPortal: DISABLED, defaultLandingUri: 'studio::'}\n", &[("SD1043", 6)]),
        ("  defaultUserSettings: {executionRole: 'arn:aws:iam::123456789012:role/x'}\n", &[("SD1044", 6)]),
        ("  defaultUserSettings: {studioWebPortal: ''}\n", &[("SD1046", 6)]),
        (
            "  defaultSpaceSettings: {customFileSystemConfigs: [{efsFileSystemConfig: {fileSystemId: fs-12345678, fileSystemPath: ''}}]}\n",
            &[("SD1046", 6)],
        ),
        ("  domainSettings: {ipAddressType: ''}\n", &[("SD1046", 6)]),
        ("  vpcId: x\n", &[]),
        ("  domainName: -a\n", &[("SD1508", 6)]),
        ("  appSecurityGroupManagement: Service\n", &[("SD1509", 6)]),
        ("  appNetworkAccessType: vpcOnly\n", &[("SD1503", 6)]),
        ("  defaultUserSettings: {rStudioServerProAppSettings: {userGroup: Admin}}\n", &[("SD2006", 6)]),
        ("  defaultUserSettings: {securityGroups: [a, b, c]}\n", &[]),
        ("  defaultUserSettings: {securityGroups: [a, b, c, d]}\n", &[("SD1504", 6)]),
        ("  lifecycleConfigs: {kernel: {cmds: [x]}}\n", &[("SD2002", 6)]),
        ("  lifecycleConfigs: {jupyterLab: {cmds: []}}\n", &[("SD1505", 6)]),
        ("  lifecycleConfigs: {jupyterLab: {cmds: [\"a\\r\\nb\"]}}\n", &[("SD2004", 6)]),
        ("  assetPrefix: /x\n", &[("SD2008", 6)]),
        ("  tags: {userid: x}\n", &[("SD2009", 6)]),
        ("  tags: {'aws:x': y}\n", &[("SD1506", 6)]),
        ("  tags: {a: 5}\n", &[("SD1004", 6)]),
        ("  defaultUserSettings: {securityGroups: 'ssm:/x'}\n", &[("SD1027", 6)]),
        ("  assetPrefix: '{{param:x}}'\n", &[("SD1023", 6)]),
        (&long_tag, &[("SD1506", 6)]),
        (&long_script, &[("SD1505", 6)]),
        ("service_catalog_product_config: {name: x}\n", &[("SD1030", 6)]),
        ("sagemakerBlueprint: {}\n", &[("SD1030", 6)]),
        ("other: 1\n", &[("SD1003", 6)]),
    ];
    for (lines, expected) in cases.iter().filter(|(lines, _)| !lines.contains("  vpcId")) {
        let mut said = said_with(lines);
        let mut expected = expected.to_vec();
        said.sort_unstable();
        expected.sort_unstable();
        assert_eq!(said, expected, "{lines}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let text = "domain:\n  authMode: iam\n  subnetIds: []\n  userProfiles:\n    a_: {userRole: {}}\n  protect: 1\n";
    let codes: Vec<_> = said(text).into_iter().map(|(code, _)| code).collect();
    for code in ["SD1006", "SD1005", "SD1502", "SD1031", "SD1034", "SD1004", "SD1033"] {
        assert!(codes.contains(&code), "{code} not in {codes:?}");
    }
}

#[test]
fn mistakes_name_the_way_out() {
    let cases = [
        ("  vpcid: x\n", "did you mean `vpcId`?"),
        ("  userRole: {name: x}\n", "belongs to `domain.userProfiles.*`"),
        ("  defaultUserSettings: {autoMountHomeEfs: Enabled}\n", "did you mean `autoMountHomeEFS`?"),
        ("  kmsKeyArn: 5\n", "put quotes around it"),
        ("  userProfiles: {_x_y: {userRole: {name: r}}}\n", "profileName: x-y"),
        ("  securityGroupEgress: {ipv4: [{cidr: 10.0.0.1, protocol: all}]}\n", "did you mean 10.0.0.1/32?"),
    ];
    for (lines, expected) in cases {
        let mistakes = resolve(&document(&format!("{VALID}{lines}")), &context(), None).unwrap_err();
        assert!(mistakes.to_string().contains(expected), "{expected} not in\n{mistakes}");
    }
}

#[test]
fn sources_are_those_of_the_nearest_key() {
    let config = resolved(&format!("{VALID}  userProfiles:\n    a.b:\n      userRole:\n        name: x\n")).config;
    let line = |path: &[&str]| config.source(path).map(|source| (source.line, source.column));
    assert_eq!(line(&["domain", "userProfiles", "a.b", "userRole"]), Some((8, 7)));
    assert_eq!(line(&["domain", "userProfiles", "a.b", "settings", "securityGroups"]), Some((7, 5)));
    assert_eq!(line(&["domain", "subnetIds", "0"]), Some((4, 15)));
    assert_eq!(line(&["nowhere"]), Some((1, 1)));
}

#[test]
fn parameters_are_asked_for_and_filled_in() {
    let text = VALID.replace("vpc-1", "ssm:/network/vpc").replace("subnet-1", "'{{resolve:ssm:/network/{{env}}}}'");
    let document = document(&text);
    let needs = review(&document, &context(), None).needs;
    let needs: Vec<_> = needs.iter().map(|(name, source)| (name.as_str(), source.line)).collect();
    assert_eq!(needs, [("/network/vpc", 3), ("/network/dev", 4)]);
    let offline = resolve(&document, &context(), None).unwrap().config;
    assert_eq!(offline.domain.vpc_id, "{{resolve:ssm:/network/vpc}}");
    let parameter = |value: &str| Parameter { value: value.into(), kind: ParameterKind::String };
    let mut known =
        BTreeMap::from([("/network/vpc".into(), parameter("vpc-7")), ("/network/dev".into(), parameter("subnet-7"))]);
    let online = resolve(&document, &context(), Some(&known)).unwrap().config;
    assert_eq!((online.domain.vpc_id.as_str(), online.domain.subnet_ids[0].as_str()), ("vpc-7", "subnet-7"));
    known.remove("/network/vpc");
    let mistakes = resolve(&document, &context(), Some(&known)).unwrap_err();
    assert_eq!(mistakes.iter().map(|d| d.code).collect::<Vec<_>>(), ["SD1025"]);
}

#[test]
fn context_lists_fill_typed_places() {
    let text = VALID.replace("[subnet-1]", "'{{context:subnets}}'");
    let mut context = context();
    context.values = BTreeMap::from([("subnets".into(), json!(["s1", "s2"]))]);
    let config = resolve(&document(&text), &context, None).unwrap().config;
    assert_eq!(config.domain.subnet_ids, ["s1", "s2"]);
}

#[test]
fn an_unknown_account_is_no_mistake() {
    let text = format!(
        "{VALID}  kmsKeyArn: 'arn:{{{{partition}}}}:kms:{{{{region}}}}:{{{{account}}}}:key/1'\n  assetPrefix: 'ssm:/{{{{account}}}}/x'\n"
    );
    let offline = Context { account: None, region: None, partition: None, ..context() };
    assert!(resolve(&document(&text), &offline, None).unwrap().warnings.is_empty());
}

#[test]
fn published_samples_and_ours_resolve() {
    let expected: &[(&str, &str, &[&str])] = &[
        ("tests/fixtures/mdaa", "minimal", &[]),
        ("tests/fixtures/mdaa", "sso", &[]),
        ("tests/fixtures/mdaa", "comprehensive", &["SD2003", "SD2003", "SD1501", "SD2006", "SD2002", "SD2002"]),
        ("samples", "minimal", &[]),
        ("samples", "sso", &[]),
        ("samples", "comprehensive", &["SD2003", "SD2003", "SD2002", "SD2002"]),
    ];
    for (folder, name, expected) in expected {
        let path = format!("{}/../../{folder}/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        let resolved = resolved(&text);
        let mut codes: Vec<_> = resolved.warnings.iter().map(|d| d.code).collect();
        let mut expected = expected.to_vec();
        codes.sort_unstable();
        expected.sort_unstable();
        assert_eq!(codes, expected, "{path}\n{}", resolved.warnings);
        assert!(findings(&resolved.config, "acme-dev-ds-studio").is_empty());
    }
}

#[test]
fn golden_configs_keep_their_order() {
    let text = format!(
        "{VALID}  userProfiles: {{z: {{userRole: {{name: x}}}}, a: {{userRole: {{name: x}}}}}}\n  lifecycleConfigs: {{kernel: {{cmds: [x]}}, jupyterLab: {{cmds: [y], assets: {{}}}}}}\n"
    );
    let domain = resolved(&text).config.domain;
    assert_eq!(domain.user_profiles.keys().collect::<Vec<_>>(), ["z", "a"]);
    assert_eq!(
        domain.lifecycle_configs.keys().copied().collect::<Vec<_>>(),
        [LifecycleKind::JupyterLab, LifecycleKind::Kernel]
    );
    assert!(domain.lifecycle_configs[&LifecycleKind::JupyterLab].assets.is_some());
    assert!(domain.lifecycle_configs[&LifecycleKind::Kernel].assets.is_none());
}

#[test]
fn the_gate_finds_and_accepts() {
    let gate = |rule: &str, more: &str| {
        let list = if rule.contains("sgId") { "sg" } else { "ipv4" };
        let config = resolved(&format!("{VALID}  securityGroupIngress:\n    {list}: [{{{rule}}}]\n{more}")).config;
        findings(&config, "acme-dev-ds-studio")
    };
    let cases = [
        ("cidr: 10.0.0.0/8, protocol: tcp, port: 22", 0),
        ("cidr: 0.0.0.0/0, protocol: tcp, port: 443", 1),
        ("cidr: 0.0.0.0/0, protocol: tcp, port: 22", 4),
        ("cidr: 0.0.0.0/0, protocol: tcp, port: 20, toPort: 30", 7),
        ("cidr: 1.0.0.0/0, protocol: tcp, port: 3306", 4),
        ("cidr: 1.0.0.0/0, protocol: tcp, port: 22", 4),
        ("cidr: 0.0.0.0/0, protocol: all", 7),
        ("cidr: 0.0.0.0/0, protocol: udp, port: 3306", 1),
        ("cidr: 10.0.0.0/8, protocol: all", 3),
        ("sgId: sg-12345678, protocol: all", 3),
        ("sgId: sg-12345678, protocol: tcp, port: 22", 0),
    ];
    for (rule, expected) in cases {
        assert_eq!(gate(rule, "").len(), expected, "{rule}");
    }
    let open = "cidr: 0.0.0.0/0, protocol: tcp, port: 443";
    let found = gate(open, "");
    assert_eq!(
        (found[0].id, found[0].source.as_ref().map(|s| s.line), &found[0].suppressed_by),
        ("AwsSolutions-EC23", Some(7), &None)
    );
    let own = gate(&format!("{open}, suppressions: [{{id: AwsSolutions-EC23, reason: public}}]"), "");
    assert_eq!(own[0].suppressed_by.as_deref(), Some("public"));
    for (path, accepted) in [("/acme-dev-ds-studio/security-group/Resource", true), ("/other/security-group", false)] {
        let more = format!(
            "nag_suppressions: {{by_path: [{{path: {path}, suppressions: [{{id: AwsSolutions-EC23, reason: r}}]}}]}}\n"
        );
        assert_eq!(gate(open, &more)[0].suppressed_by.is_some(), accepted);
    }
    assert!(gate(open, "  securityGroupId: sg-1\n").is_empty());
}
