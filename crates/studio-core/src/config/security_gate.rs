//! Security gate: the rules of MDAA's compliance packs for ingress, and the findings that the config accepts.
//!
//! MDAA refuses to deploy while a finding is not suppressed. Only a user's own ingress rules can trip a pack; what MDAA
//! makes beyond them, egress included, never does.

use super::security_group::{SecurityGroupRule, ip_protocol};
use super::{Config, DomainConfig};
use crate::model::Source;

/// A pack's objection to one ingress rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NagFinding {
    /// Where the rule stands.
    pub source: Option<Source>,
    /// The pack's id of the objection.
    pub id: &'static str,
    /// Why it objects.
    pub why: &'static str,
    /// Why that is accepted, if it is.
    pub suppressed_by: Option<String>,
}

/// Ports that the packs hold to be too common to be open: FTP, RDP, MySQL and its kin.
const COMMON_PORTS: [i64; 6] = [20, 21, 3389, 3309, 3306, 4333];
const SSH: i64 = 22;

/// A rule of the packs: the ids that it goes by, and when it applies.
struct Objection {
    ids: &'static [&'static str],
    why: &'static str,
    applies: fn(&SecurityGroupRule, bool) -> bool,
}

/// Every objection; the second argument says whether the peer is a range of addresses.
const OBJECTIONS: [Objection; 3] = [
    Objection {
        ids: &["AwsSolutions-EC23"],
        why: "the rule lets in every IPv4 address",
        applies: |rule, is_range| is_open(rule, is_range),
    },
    Objection {
        ids: &[
            "NIST.800.53.R5-EC2RestrictedCommonPorts",
            "HIPAA.Security-EC2RestrictedCommonPorts",
            "PCI.DSS.321-EC2RestrictedCommonPorts",
        ],
        why: "the rule opens a port of FTP, RDP or MySQL to everybody, or opens every port",
        applies: |rule, is_range| match ip_protocol(&rule.protocol) {
            Some("-1") => true,
            Some("tcp") => is_open(rule, is_range) && COMMON_PORTS.iter().any(|&port| covers(rule, port)),
            _ => false,
        },
    },
    Objection {
        ids: &["NIST.800.53.R5-EC2RestrictedSSH", "HIPAA.Security-EC2RestrictedSSH", "PCI.DSS.321-EC2RestrictedSSH"],
        why: "the rule opens SSH to everybody",
        applies: |rule, is_range| {
            is_open(rule, is_range) && (ip_protocol(&rule.protocol) == Some("-1") || covers(rule, SSH))
        },
    },
];

/// The packs' objections to a config's ingress rules, accepted ones included, in the order of the rules.
///
/// `stack_name` is the name of the stack that MDAA would make: suppressions by path begin with it.
pub fn findings(config: &Config, stack_name: &str) -> Vec<NagFinding> {
    let DomainConfig { security_group_id, security_group_ingress, .. } = &config.domain;
    // The rules are ignored together with the group that is not made.
    if security_group_id.is_some() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (list, rules) in security_group_ingress.lists() {
        for (index, rule) in rules.iter().enumerate() {
            let source = config.source(&["domain", "securityGroupIngress", list, &index.to_string()]);
            for objection in OBJECTIONS.iter().filter(|objection| (objection.applies)(rule, list == "ipv4")) {
                findings.extend(objection.ids.iter().map(|&id| NagFinding {
                    source: source.cloned(),
                    id,
                    why: objection.why,
                    suppressed_by: suppression(config, rule, stack_name, id),
                }));
            }
        }
    }
    findings
}

/// EC2 takes every range of no fixed bit for 0.0.0.0/0, whatever address it begins with.
fn is_open(rule: &SecurityGroupRule, is_range: bool) -> bool {
    is_range && rule.peer.ends_with("/0")
}

/// -1 stands for every port.
fn covers(rule: &SecurityGroupRule, port: i64) -> bool {
    match (rule.port, rule.last_port()) {
        (Some(first), Some(last)) => first == -1 || last == -1 || (first..=last).contains(&port),
        _ => false,
    }
}

fn suppression(config: &Config, rule: &SecurityGroupRule, stack_name: &str, id: &str) -> Option<String> {
    let own = rule.suppressions.iter().find(|suppression| suppression.id == id).map(|suppression| &suppression.reason);
    let prefix = format!("/{stack_name}/security-group");
    let by_path = || {
        let paths = config.nag_suppressions.iter().filter(|entry| {
            entry.path.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        paths.flat_map(|entry| &entry.suppressions).find(|accepted| accepted.id == id).map(|accepted| &accepted.reason)
    };
    own.or_else(by_path).cloned()
}
