//! The security gate's part in a plan: its accepted findings are notices, and the others block the group.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::config::security_gate::findings as objections;
use crate::model::{Address, Kind};
use crate::plan::{Check, Finding, Obstacle};

/// The findings of MDAA's compliance packs about the rules of a config's security group.
///
/// `stack` is the name of the stack that MDAA would make, with which suppressions by path begin.
pub fn findings(config: &Config, stack: &str) -> Vec<Finding> {
    let address = Address::new(Kind::SecurityGroup, "domain");
    let mut findings = Vec::new();
    let mut open: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    let objections = objections(config, stack);
    for objection in &objections {
        let place = objection.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
        match &objection.suppressed_by {
            Some(reason) => {
                let message = format!("{}{place} is accepted: {reason}", objection.id);
                findings.push(Finding::notice(Some(address.clone()), message));
            }
            None => open.entry(format!("{}{place}", objection.why)).or_default().push(objection.id),
        }
    }
    if open.is_empty() {
        return findings;
    }
    let why: Vec<String> = open.iter().map(|(why, ids)| format!("{why} [{}]", ids.join(", "))).collect();
    let first = objections.into_iter().find(|objection| objection.suppressed_by.is_none());
    findings.push(Finding::Obstacle(Obstacle {
        address,
        why: why.join("; "),
        hint: "narrow the rule, or add `suppressions: [{id: …, reason: …}]` to it for each id; `nag_suppressions.by_path` does it for all rules"
            .into(),
        source: first.and_then(|objection| objection.source),
        check: Check::SecurityGate,
    }));
    findings
}
