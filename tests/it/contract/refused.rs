//! Every input that MDAA refuses, and what this tool refuses besides, as files: exit code 3 and the right line.
//!
//! The line that is wrong ends with `# <-`.

use super::*;

const DOMAIN: &str = "domain:\n  authMode: IAM\n  vpcId: vpc-1\n  subnetIds: [subnet-1]\n";
const ADMINS: &str = "  dataAdminRoles: [{name: admin}]\n";

/// Validates a file of each text; the line that is marked must be named, and what belongs to it said.
#[track_caller]
fn refused(place: &Desk, name: &str, cases: &[(String, &str)]) {
    let mut wrong = Vec::new();
    for (text, says) in cases {
        let mark = text.lines().position(|line| line.ends_with("# <-"));
        let at = format!("{name}:{}:", 1 + mark.unwrap_or_else(|| panic!("no mark in\n{text}")));
        place.write(name, text);
        let Ended { code, notes, .. } = place.raw(&["validate", name]);
        // Programs are told the same.
        let json = place.raw(&["validate", name, "--format", "json"]);
        if code != 3
            || !notes.contains(&at)
            || !notes.contains(says)
            || !json.expect(code).json().to_string().contains(name)
        {
            wrong.push(format!("exit {code}, {at} {says}\n{text}{notes}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_mdaa_refuses_in_a_module_is_refused_at_its_line() {
    let place = Desk::empty();
    place.write("file.txt", "a plain file");
    let rule = |kind: &str, rule: &str| {
        format!("{DOMAIN}{ADMINS}  securityGroupIngress:\n    {kind}:\n      - {{{rule}}} # <-\n")
    };
    let with = |lines: &str| format!("{DOMAIN}{ADMINS}{lines}");
    let user = |id: &str| with(&format!("  userProfiles:\n    {id}: {{userRole: {{name: team}}}} # <-\n"));
    let long = "a".repeat(64);
    let cases: Vec<(String, &str)> = vec![
        // Run-time validations of the module.
        (DOMAIN.replace("domain:", "domain: # <-"), "dataAdminRoles"),
        (with("  userProfiles:\n    ann: {} # <-\n"), "userRole"),
        (with("  defaultExecutionRole: {refId: mine} # <-\n"), "arn"),
        (with("  defaultExecutionRole: {sso: true, immutable: true} # <-\n"), "name"),
        (user("---invalid---"), "---invalid---"),
        (user("lead_ds"), "profileName"),
        (user("a."), "profile"),
        (user(&long), "63"),
        (user("''"), "profile"),
        (with("  userProfiles:\n    a.b: {userRole: {name: x}}\n    a-b: {userRole: {name: x}} # <-\n"), "a-b"),
        (rule("ipv4", "cidr: 10.0.0.0/8, protocol: tpc, port: 1"), "did you mean"),
        (rule("ipv4", "cidr: 10.0.0.0/8, protocol: '-1'"), "all"),
        (rule("ipv4", "cidr: 10.0.0.0/8, protocol: '6', port: 1"), "protocol"),
        (rule("ipv4", "cidr: 10.0.0.0/8, protocol: tcp"), "port"),
        (rule("ipv4", "cidr: 10.0.0.0/8, protocol: tcp, port: 0"), "port"),
        (rule("ipv4", "cidr: 10.0.0/8, protocol: all"), "10.0.0/8"),
        (rule("ipv4", "cidr: vpc, protocol: all"), "vpc"),
        (rule("ipv4", "cidr: 10.1.2.3, protocol: all"), "10.1.2.3/32"),
        (rule("sg", "sgId: sg-1, protocol: all"), "sg-1"),
        (rule("sg", "sgId: SG-0123456789, protocol: all"), "SG-0123456789"),
        (rule("prefixList", "prefixList: pl-1"), "protocol"),
        (with("  kmsKeyArn: my key # <-\n"), "arn:"),
        (with("  kmsKeyArn: arn:aws:kms:key/1234abcd # <-\n"), "arn:"),
        (with("  domainBucket: {domainBucketName: My_Bucket, assetDeploymentRole: {name: x}} # <-\n"), "My_Bucket"),
        (with("  domainBucket: {domainBucketName: fine-bucket} # <-\n"), "assetDeploymentRole"),
        (with("  assetPrefix: '{{context:prefix}}' # <-\n"), "prefix"),
        (
            with(
                "  lifecycleConfigs:\n    jupyterLab:\n      cmds: [a]\n      assets:\n        x:\n          sourcePath: ./none # <-\n",
            ),
            "No such file",
        ),
        (
            with(
                "  lifecycleConfigs:\n    jupyterLab:\n      cmds: [a]\n      assets:\n        x:\n          sourcePath: ./file.txt # <-\n",
            ),
            "neither a folder nor a .zip file",
        ),
        // The schema.
        (with("  vpcid: x # <-\n"), "did you mean `vpcId`?"),
        (with("  kmsKeyArn: 5 # <-\n"), "quotes"),
        (with("  kmsKeyArn: # <-\n"), "null"),
        (with("  userProfiles:\n    ann: # <-\n"), "{}"),
        (with("  notebookSharingPrefix: [a] # <-\n"), "text"),
        (with("  lifecycleConfigs: {rstudio: {cmds: [a]}} # <-\n"), "rstudio"),
        (with("  lifecycleConfigs: {jupyterLab: {}} # <-\n"), "cmds"),
        (with("  defaultUserSettings: {studioWebPortal: Enabled} # <-\n"), "ENABLED"),
        (with("  defaultUserSettings: {executionRole: x} # <-\n"), "defaultExecutionRole"),
        (
            with("  defaultUserSettings: {kernelGatewayAppSettings: {customImages: [{imageName: i}]}} # <-\n"),
            "appImageConfigName",
        ),
        (with("  dataAdminRoles: [] # <-\n"), "dataAdminRoles"),
        (with("  <<: {vpcId: x} # <-\n"), "<<"),
        (format!("{DOMAIN}{ADMINS}").replace("authMode: IAM", "authMode: iam # <-"), "IAM"),
        (format!("{DOMAIN}{ADMINS}").replace("[subnet-1]", "subnet-1 # <-"), "list"),
        (format!("{DOMAIN}{ADMINS}").replace("  vpcId: vpc-1\n", "").replace("domain:", "domain: # <-"), "vpcId"),
        (with("surprise: 1 # <-\n"), "surprise"),
        ("{} # <-\n".to_owned(), "domain"),
        // Modes and references that only CloudFormation can serve.
        (with("service_catalog_product_config: {name: x} # <-\n"), "CloudFormation template"),
        (with("sagemakerBlueprint: {} # <-\n"), "CloudFormation template"),
        (with("  assetPrefix: '{{param:prefix}}' # <-\n"), "CloudFormation"),
        (with("  assetPrefix: '{{ref:thing:Arn}}' # <-\n"), "CloudFormation"),
        (with("  assetPrefix: '{{blueprint:thing}}' # <-\n"), "CloudFormation"),
        (with("  assetPrefix: '{{resolve:secretsmanager:thing}}' # <-\n"), "CloudFormation"),
        // What MDAA lets pass and deploys literally.
        (with("  assetPrefix: '{{ org }}' # <-\n"), "{{ org }}"),
        (with("  assetPrefix: '{{orgg}}' # <-\n"), "orgg"),
        (with("  assetPrefix: '{{env_var:NOT_SET}}' # <-\n"), "NOT_SET"),
    ];
    refused(&place, "studio.yaml", &cases);
}

#[test]
fn what_aws_refuses_is_a_warning_until_it_is_applied() {
    let with = |lines: &str| format!("{DOMAIN}{ADMINS}{lines}");
    for (text, says) in [
        (with("  securityGroupIngress: {ipv4: [{cidr: 999.1.1.1/99, protocol: tcp, port: 1}]} # <-\n"), "999.1.1.1/99"),
        (with("  lifecycleConfigs: {jupyterLab: {cmds: []}} # <-\n"), "an empty script"),
        (with("  defaultUserSettings: {rStudioServerProAppSettings: {userGroup: Boss}} # <-\n"), "R_STUDIO_ADMIN"),
    ] {
        let place = Desk::empty();
        place.write("studio.yaml", &text);
        sandboxed(&place, &["validate", "studio.yaml"]).expect(0).says("warning").says(says);
        sandboxed(&place, &["plan", "studio.yaml"]).expect(0).says("studio.yaml:6:");
        let refused = sandboxed(&place, &["apply", "studio.yaml", "--auto-approve"]).expect(3);
        let refused = refused.says("studio.yaml:6:").says(says);
        assert!(!refused.calls.iter().any(|call| call.writes), "{refused:?}");
    }
}

#[test]
fn what_is_no_yaml_is_refused_at_its_line() {
    let place = Desk::empty();
    let cases = [
        ("domain:\n  vpcId: a\n  vpcId: b # <-\n", "vpcId"),
        ("domain:\n\tvpcId: a # <-\n", "tab"),
        ("domain:\n  vpcId: 'a # <-\n", "SD1001"),
        ("domain: {vpcId: a}\n--- # <-\ndomain: {}\n", "several documents"),
        ("- a # <-\n", "mapping"),
        ("domain: *nowhere # <-\n", "SD1001"),
        ("domain:\n  assetPrefix: !include none.txt # <-\n", "none.txt"),
    ];
    refused(&place, "studio.yaml", &cases.map(|(text, says)| (text.to_owned(), says)));
}

#[test]
fn a_bomb_is_refused_by_what_it_would_cost() {
    let place = Desk::empty();
    // Nine levels of nine aliases each: 387,420,489 values, none of which may be built.
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    place.write("studio.yaml", &bomb);
    place.raw(&["validate", "studio.yaml"]).expect(3).says("SD1007");
    place.write("studio.yaml", &format!("domain: {}{}\n", "[".repeat(5000), "]".repeat(5000)));
    place.raw(&["validate", "studio.yaml"]).expect(3).says("SD1007");
    // References that nest, and one long text that aliases multiply.
    let nested = format!("{}{}", "{{".repeat(8000), "}}".repeat(8000));
    place.write("studio.yaml", &format!("{DOMAIN}{ADMINS}  assetPrefix: '{nested}'\n"));
    place.raw(&["validate", "studio.yaml"]).expect(3).says("SD1007").says("studio.yaml:6:");
    let long = "x".repeat(100_000);
    place.write("studio.yaml", &format!("domain: {{x: &a {long}, z: [{}]}}\n", vec!["*a"; 3000].join(", ")));
    place.raw(&["validate", "studio.yaml"]).expect(3).says("SD1007").says("studio.yaml:1:");
    // A file of nothing but mistakes is as quick.
    let keys: String = (0..20_000).map(|index| format!("  k{index}: '{{{{foo}}}}'\n")).collect();
    place.write("studio.yaml", &format!("{DOMAIN}{ADMINS}{keys}"));
    place.raw(&["validate", "studio.yaml"]).expect(3).says("more like these");
    place.raw(&["validate", "/dev/zero"]).expect(3).says("/dev/zero: it is a device");
    std::fs::File::create(place.path("studio.yaml")).unwrap().set_len(1 << 40).unwrap();
    place.raw(&["validate", "studio.yaml"]).expect(3).says("SD1007").says("16 MB");
}

#[test]
fn what_aws_would_refuse_stops_apply_before_the_first_write() {
    let place = Desk::empty();
    let with = |lines: &str| format!("{DOMAIN}{ADMINS}{lines}");
    let rule = |rule: &str| with(&format!("  securityGroupIngress:\n    ipv4:\n      - {{{rule}}} # <-\n"));
    let settings = |text: &str| with(&format!("  defaultUserSettings: {{{text}}} # <-\n"));
    let user =
        |id: &str| with(&format!("  userProfiles:\n    '{id}': {{userRole: {{name: team}}, profileName: x}} # <-\n"));
    let admins: String = (0..400).map(|index| format!("    - {{name: admin{index}}}\n")).collect();
    let cases = [
        (rule("cidr: 10.0.0.0/8, protocol: tcp, port: 90, toPort: 80"), "run backwards"),
        (rule("cidr: 10.0.0.0/8, protocol: tcp, port: -1"), "0 to 65535"),
        (rule("cidr: 10.0.0.0/8, protocol: udp, port: 5, toPort: -1"), "0 to 65535"),
        (rule("cidr: 10.0.0.0/8, protocol: icmp, port: 300"), "ICMP"),
        (rule("cidr: 10.0.0.0/8, protocol: tcp, port: 70000"), "SD1501"),
        (rule("cidr: 010.0.0.0/8, protocol: tcp, port: 90"), "did you mean 10.0.0.0/8?"),
        (settings("sharingSettings: {s3OutputPath: foo}"), "s3://bucket/prefix"),
        (settings("jupyterLabAppSettings: {lifecycleConfigArns: [foo]}"), "studio-lifecycle-config/"),
        (settings("jupyterLabAppSettings: {defaultResourceSpec: {instanceType: m5.large}}"), "ml.t3.medium"),
        (settings("kernelGatewayAppSettings: {customImages: [{imageName: i, appImageConfigName: a_b}]}"), "a_b"),
        (user("user!!name"), "user!!name"),
        (user(&"a".repeat(240)), "256"),
        (with(&format!("  notebookSharingPrefix: {} # <-\n", "a".repeat(1100))), "1024"),
        (format!("{DOMAIN}  dataAdminRoles: # <-\n{admins}"), "20480"),
    ];
    for (text, says) in cases {
        let line = 1 + text.lines().position(|line| line.ends_with("# <-")).unwrap();
        place.write("studio.yaml", &text);
        let applied = place.raw(&["apply", "studio.yaml", "--sandbox=new.json", "--auto-approve"]);
        let applied = applied.expect(3).says(says).says(&format!("studio.yaml:{line}:"));
        assert_eq!(applied.notes.matches("error[SD15").count(), 1, "{}", applied.notes);
        assert!(!place.path("new.json").exists(), "what is refused leaves nothing behind");
    }
    let word = "a".repeat(60);
    place.write("studio.yaml", &with(""));
    let names = [format!("--org={word}"), format!("--env={word}"), format!("--domain={word}")];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let applied =
        place.raw(&[&["apply", "studio.yaml", "--sandbox=new.json", "--auto-approve"], names.as_slice()].concat());
    applied.expect(3).says("255 are allowed");
}

#[test]
fn a_role_is_named_in_a_form_that_iam_knows() {
    let place = Desk::empty();
    let role = |role: &str| format!("{DOMAIN}{ADMINS}  defaultExecutionRole: {{{role}}} # <-\n");
    let cases = [
        (role("id: ''"), "SD1031"),
        (role("name: ''"), "SD1031"),
        (role("arn: ''"), "SD1031"),
        (role("name: bad name"), "SD1045"),
        (role("name: team/lead"), "write `name: lead`"),
        (role(&format!("name: {}", "a".repeat(65))), "SD1045"),
        (role("arn: notanarn"), "SD1040"),
        (role("arn: 'arn:aws:iam::123456789012:user/x'"), "SD1040"),
    ];
    refused(&place, "studio.yaml", &cases);
}

#[test]
fn a_file_that_cannot_be_read_is_named_where_it_is_named() {
    let place = Desk::empty();
    place.write("studio.yaml", &format!("{DOMAIN}{ADMINS}"));
    let module = "module_path: '@aws-mdaa/sm-studio-domain'";
    let tree = format!(
        "organization: acme\ndomains:\n  ml:\n    environments:\n      dev:\n        modules:\n          \
         one:\n            {module}\n            module_configs: [./studio.yaml]\n          \
         two:\n            {module}\n            module_configs:\n              - '{{{{env}}}}.yaml'\n              - ./nope.yaml\n          \
         three:\n            {module}\n"
    );
    place.write("mdaa.yaml", &tree);
    let all = place.raw(&["validate", "mdaa.yaml"]).expect(3);
    let all = all.says("mdaa.yaml:13:").says("mdaa.yaml:14:").says("SD1054").says("mdaa.yaml:15:").says("SD1005");
    assert!(!all.notes_show("config:1:1"), "{}", all.notes);
    let json = place.raw(&["validate", "mdaa.yaml", "--format", "json"]).expect(3).json();
    assert_eq!(json["deployments"].as_array().unwrap().len(), 3);
    place.raw(&["plan", "mdaa.yaml", "--sandbox"]).expect(3).says("SD1054");
    let listed = place.raw(&["list", "mdaa.yaml"]).expect(0);
    assert_eq!(listed.data.lines().count(), 3);
}

#[test]
fn what_is_no_text_or_no_file_is_said_with_the_way_out() {
    let place = Desk::empty();
    place.write("studio.yaml", &format!("{DOMAIN}{ADMINS}"));
    let says = |name: &str, text: &[u8], says: &[&str]| {
        std::fs::write(place.path(name), text).unwrap();
        let ended = place.raw(&["validate", name]).expect(3);
        says.iter().fold(ended, |ended, says| ended.says(says));
    };
    says("latin.yaml", b"domain:\n  assetPrefix: caf\xe9\n", &["error[SD1011]", "latin.yaml:2:19", "UTF-8"]);
    says("wide.yaml", b"\xff\xfed\0o\0", &["error[SD1011]", "wide.yaml:1:1", "UTF-16"]);
    says("tab.yaml", b"domain:\n\tvpcId: a\n", &["SD1001", "tab.yaml:2:", "spaces"]);
    says("open.yaml", b"a: 1\nb: [1, 2\nc: 3\n", &["SD1001", "2 | b: [1, 2", "still open", "close it with `]`"]);
    says("list.yaml", b"domain:\n  subnetIds: 5\n", &["SD1004", "write [5]"]);
    says("map.yaml", b"domain:\n  subnetIds: {a: 1}\n", &["SD1004", "behind `- `"]);
    place.raw(&["validate", "studoi.yaml"]).expect(3).says("did you mean `studio.yaml`?");
    place.raw(&["validate", "."]).expect(3).says("name a file in it");
}

#[test]
fn what_mdaa_refuses_in_a_tree_is_refused_at_its_line() {
    let place = Desk::empty();
    place.write("studio.yaml", &format!("{DOMAIN}{ADMINS}"));
    let tree = |top: &str, environment: &str, module: &str| {
        format!(
            "organization: acme\n{top}domains:\n  ml:\n    environments:\n      dev:\n{environment}        modules:\n          \
             studio:\n            module_path: '@aws-mdaa/sm-studio-domain'\n            module_configs: [./studio.yaml]\n{module}"
        )
    };
    let cases = [
        (tree("", "", "").replace("acme", "ac_me # <-"), "ac_me"),
        (tree("", "", "").replace("  ml:", "  m_l: # <-"), "m_l"),
        (tree("", "", "").replace("      dev:", "      Dev: # <-"), "Dev"),
        (tree("account: 111122223333 # <-\n", "", ""), "quotes"),
        (tree("regoin: us-east-1 # <-\n", "", ""), "did you mean `region`?"),
        (tree("", "        template: none # <-\n", ""), "none"),
        (tree("", "", "            account: '111122223333' # <-\n"), "account"),
        (tree("", "", "            service_catalog_product_config: {} # <-\n"), "service_catalog_product_config"),
        (tree("", "", "            module_type: npm # <-\n"), "module_type"),
        (tree("naming_module: ./naming.js # <-\nnaming_class: Mine\n", "", ""), "nam"),
        (tree("custom_aspects: [{aspect_module: a, aspect_class: b}] # <-\n", "", ""), "aspect"),
        (
            tree("", "", "")
                .replace("            module_path: '@aws-mdaa/sm-studio-domain'\n", "")
                .replace("studio:\n", "studio: # <-\n"),
            "module_path",
        ),
    ];
    refused(&place, "mdaa.yaml", &cases);
}

#[test]
fn names_that_mdaa_refuses_are_refused() {
    let place = Desk::empty();
    place.write("studio.yaml", &format!("{DOMAIN}{ADMINS}"));
    let names = |org: &str, module: &str| {
        let (org, module) = (format!("--org={org}"), format!("--module={module}"));
        place.raw(&["plan", "studio.yaml", "--sandbox", &org, "--env=dev", "--domain=ml", &module])
    };
    names("acme", "studio").expect(0);
    names("-acme", "studio").expect(3).says("-acme");
    names("acme", "trail-").expect(3).says("trail-");
    names("ac me", "studio").expect(3).says("ac me");
    names("ac_me", "studio").expect(3).says("hyphens");
}
