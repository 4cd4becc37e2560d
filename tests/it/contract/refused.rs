//! Every input that MDAA refuses, and what this tool refuses besides, as files: exit code 3 and the right line.
//!
//! The line that is wrong ends with `# <-`.

use super::*;

const DOMAIN: &str = "domain:\n  authMode: IAM\n  vpcId: vpc-1\n  subnetIds: [subnet-1]\n";
const ADMINS: &str = "  dataAdminRoles: [{name: admin}]\n";

/// Validates a file of each text; the line that is marked must be named, and what belongs to it said.
#[track_caller]
fn refused(place: &Place, name: &str, cases: &[(String, &str)]) {
    let mut wrong = Vec::new();
    for (text, says) in cases {
        let mark = text.lines().position(|line| line.ends_with("# <-"));
        let at = format!("{name}:{}:", 1 + mark.unwrap_or_else(|| panic!("no mark in\n{text}")));
        place.write(name, text);
        let Ended { code, stderr, .. } = place.run(&["validate", name]);
        // Programs are told the same.
        let json = place.run(&["validate", name, "--format", "json"]);
        if code != 3
            || !stderr.contains(&at)
            || !stderr.contains(says)
            || !json.with(code).json().to_string().contains(name)
        {
            wrong.push(format!("exit {code}, {at} {says}\n{text}{stderr}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_mdaa_refuses_in_a_module_is_refused_at_its_line() {
    let place = Place::new();
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
        (with("  kmsKeyArn: 1234abcd # <-\n"), "arn:"),
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
        let place = Place::new();
        place.write("studio.yaml", &text);
        place.sandboxed(&["validate", "studio.yaml"]).with(0).says("warning").says(says);
        place.sandboxed(&["plan", "studio.yaml"]).with(0).says("studio.yaml:6:");
        let log = "--sandbox-log=apply.ndjson";
        place.sandboxed(&["apply", "studio.yaml", "--auto-approve", log]).with(3).says("studio.yaml:6:").says(says);
        let calls = std::fs::read_to_string(place.path().join("apply.ndjson")).unwrap();
        assert!(!calls.contains("\"writes\":true"), "{calls}");
    }
}

#[test]
fn what_is_no_yaml_is_refused_at_its_line() {
    let place = Place::new();
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
    let place = Place::new();
    // Nine levels of nine aliases each: 387,420,489 values, none of which may be built.
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    place.write("studio.yaml", &bomb);
    place.run(&["validate", "studio.yaml"]).with(3).says("SD1007");
    place.write("studio.yaml", &format!("domain: {}{}\n", "[".repeat(5000), "]".repeat(5000)));
    place.run(&["validate", "studio.yaml"]).with(3).says("SD1007");
}

#[test]
fn what_mdaa_refuses_in_a_tree_is_refused_at_its_line() {
    let place = Place::new();
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
    let place = Place::new();
    place.write("studio.yaml", &format!("{DOMAIN}{ADMINS}"));
    let names = |org: &str, module: &str| {
        let (org, module) = (format!("--org={org}"), format!("--module={module}"));
        place.run(&["plan", "studio.yaml", "--sandbox", &org, "--env=dev", "--domain=ml", &module])
    };
    names("acme", "studio").with(0);
    names("-acme", "studio").with(3).says("-acme");
    names("acme", "trail-").with(3).says("trail-");
    names("ac me", "studio").with(3).says("ac me");
    names("ac_me", "studio").with(3).says("hyphens");
}
