//! The security gate: what MDAA's compliance packs would not let through.

use super::*;

const PACKS: [&str; 3] = ["NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321"];

fn config(rule: &str, more: &str) -> String {
    format!(
        "domain:\n  authMode: IAM\n  vpcId: vpc-1\n  subnetIds: [subnet-1]\n  dataAdminRoles: [{{name: admin}}]\n  \
         securityGroupIngress:\n    ipv4:\n      - {{{rule}}}\n{more}"
    )
}

#[test]
fn a_finding_blocks_the_apply_until_it_is_accepted() {
    let place = Desk::empty();
    place.write("a.yaml", &config("cidr: 0.0.0.0/0, protocol: tcp, port: 22", ""));
    let plan = sandboxed(&place, &["plan", "a.yaml", "--format", "json"]).expect(0).json();
    assert!(plan["blocked"].as_bool().unwrap() || plan["blocked"].as_u64().unwrap_or(1) > 0, "{plan}");
    let writes = || place.calls().iter().filter(|call| call.writes).count();
    let blocked = sandboxed(&place, &["apply", "a.yaml", "--auto-approve"]).expect(5);
    let mut blocked = blocked.says("a.yaml:8").says("AwsSolutions-EC23").says("lets in every IPv4 address").says("SSH");
    for pack in PACKS {
        blocked = blocked.says(&format!("{pack}-EC2RestrictedSSH"));
    }
    blocked.says("suppressions");
    assert_eq!(writes(), 0);
    // One that is accepted leaves the others.
    let some = "suppressions: [{id: AwsSolutions-EC23, reason: a public demo}]";
    place.write("a.yaml", &config(&format!("cidr: 0.0.0.0/0, protocol: tcp, port: 22, {some}"), ""));
    let blocked = sandboxed(&place, &["apply", "a.yaml", "--auto-approve"]).expect(5).says("a public demo");
    assert!(!blocked.notes_show("AwsSolutions-EC23"), "{blocked:?}");
    // The rest accepted by path, as for MDAA.
    let ids: Vec<String> =
        PACKS.iter().map(|pack| format!("{{id: {pack}-EC2RestrictedSSH, reason: bastion}}")).collect();
    let path = "/test-org-test-env-test-domain-test-module/security-group/Resource";
    let by_path =
        format!("nag_suppressions:\n  by_path:\n    - {{path: {path}, suppressions: [{}]}}\n", ids.join(", "));
    place.write("a.yaml", &config(&format!("cidr: 0.0.0.0/0, protocol: tcp, port: 22, {some}"), &by_path));
    let plan = sandboxed(&place, &["plan", "a.yaml"]).expect(0).says("a public demo").says("bastion");
    plan.says("HIPAA.Security-EC2RestrictedSSH (a.yaml:8) is accepted");
    sandboxed(&place, &["apply", "a.yaml", "--auto-approve"]).expect(0);
}

/// EC2 keeps some rules in another form than they are said in.
#[test]
fn rules_of_every_form_are_done_once_applied() {
    let place = Desk::empty();
    let rules = "cidr: 10.0.0.0/8, protocol: esp, port: 5}
      - {cidr: 10.0.0.0/8, protocol: esp, port: 6}
      - {cidr: 10.0.0.0/8, protocol: GRE, port: 1, toPort: 9}
      - {cidr: 10.1.2.3/8, protocol: tcp, port: 90}
      - {cidr: 10.4.5.6/8, protocol: tcp, port: 90}
      - {cidr: 10.0.0.1/32, protocol: icmp, port: -1}
      - {cidr: 10.0.0.1/32, protocol: icmp, port: 8}
      - {cidr: 10.0.0.1/32, protocol: icmpv6, port: -1";
    place.write("a.yaml", &config(rules, ""));
    sandboxed(&place, &["apply", "a.yaml", "--auto-approve"]).expect(0);
    sandboxed(&place, &["plan", "a.yaml", "--detailed-exitcode"]).expect(0);
}

#[test]
fn rules_that_nobody_objects_to_are_applied() {
    for rule in ["cidr: 10.0.0.0/8, protocol: tcp, port: 22", "cidr: 10.0.0.0/8, protocol: tcp, port: 1, toPort: 65535"]
    {
        let place = Desk::empty();
        place.write("a.yaml", &config(rule, ""));
        sandboxed(&place, &["apply", "a.yaml", "--auto-approve"]).expect(0);
    }
}
