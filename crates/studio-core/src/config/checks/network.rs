//! Checks of security group rules.

use std::collections::BTreeMap;

use super::{Review, consists_of, is_open};
use crate::config::codes;
use crate::config::diagnostic::Diagnostic;
use crate::config::security_group::{SecurityGroupRule, SecurityGroupRules, ip_protocol};
use crate::config::suggest::nearest;
use crate::config::{DomainConfig, security_group};

/// Characters that EC2 allows in descriptions besides letters and digits.
const DESCRIPTION_CHARACTERS: &str = " ._-:/()#,@[]+=&;{}!$*";

pub(super) fn check(review: &mut Review<'_>, domain: &DomainConfig) {
    let directions = [
        ("securityGroupIngress", &domain.security_group_ingress),
        ("securityGroupEgress", &domain.security_group_egress),
    ];
    for (key, rules) in directions {
        if domain.security_group_id.is_some() {
            if !rules.is_empty() {
                review.report(
                    &codes::IGNORED_RULES,
                    &["domain", key],
                    format!("`{key}` has no effect, since `securityGroupId` names a group"),
                    "change the rules of that group where it is made, or remove `securityGroupId`",
                );
            }
        } else {
            direction(review, key, rules);
        }
    }
}

fn direction(review: &mut Review<'_>, direction: &str, rules: &SecurityGroupRules) {
    let mut seen = BTreeMap::new();
    for (list, rules) in rules.lists() {
        for (index, rule) in rules.iter().enumerate() {
            let index = index.to_string();
            let path = ["domain", direction, list, &index];
            self::rule(review, list, rule, &path);
            // What stands in for a wrong value must not be compared.
            let known = ["cidr", "sgId", "prefixList", "protocol", "port", "toPort"]
                .iter()
                .all(|key| !review.is_broken(&[&path[..], &[key]].concat()));
            if !known || is_open(&rule.peer) || is_open(&rule.protocol) {
                continue;
            }
            let (span, identity) = (review.span(&path), rule.identity(list));
            let written = (&rule.peer, &rule.protocol, rule.port, rule.to_port);
            let Some((first, as_written)) = seen.get(&identity) else {
                seen.insert(identity, (span, written));
                continue;
            };
            let why = if *as_written == written { "is there already" } else { "is to EC2 what another one is" };
            let summary = format!("this rule for {} {why}, and is left out", rule.peer);
            let diagnostic =
                Diagnostic::new(&codes::DUPLICATE_RULE, summary).at(&span).label(first, "this one is made");
            review.diagnostics.push(diagnostic.help("remove one of the two"));
        }
    }
}

fn rule(review: &mut Review<'_>, list: &str, rule: &SecurityGroupRule, path: &[&str]) {
    let below = |key| [path, &[key]].concat();
    let protocol = ip_protocol(&rule.protocol);
    if protocol.is_none() && !is_open(&rule.protocol) {
        let names = security_group::PROTOCOLS.iter().map(|(name, _)| *name);
        let help = nearest(&rule.protocol, names).map_or_else(
            || "use all, tcp, udp, icmp, icmpv6, or the name of another IANA protocol such as esp".to_string(),
            |near| format!("did you mean {}?", near.to_lowercase()),
        );
        review.report(&codes::PROTOCOL, &below("protocol"), format!("there is no protocol `{}`", rule.protocol), help);
    }
    ports(review, rule, protocol, path);
    if !is_open(&rule.peer) {
        match list {
            "ipv4" => cidr(review, &rule.peer, &below("cidr")),
            "sg" if !is_group_id(&rule.peer) => {
                let summary = format!("`{}` is not the id of a security group", rule.peer);
                review.report(&codes::GROUP_ID, &below("sgId"), summary, "write sg- and 8 to 17 letters and digits");
            }
            "prefixList" if !(rule.peer.starts_with("pl-") && consists_of(&rule.peer, "-")) => {
                let summary = format!("EC2 knows no prefix list `{}`", rule.peer);
                review.report(
                    &codes::IDENTIFIER,
                    &below("prefixList"),
                    summary,
                    "the id of a prefix list begins with pl-",
                );
            }
            _ => {}
        }
    }
    if let Some(description) = rule.description.as_ref().filter(|description| !is_open(description))
        && !consists_of(description, DESCRIPTION_CHARACTERS)
    {
        let help = format!("use letters, digits, blanks and {}", DESCRIPTION_CHARACTERS.trim());
        review.report(&codes::DESCRIPTION, &below("description"), "EC2 refuses a character of this description", help);
    }
}

/// One message about the ports: what is missing, else what EC2 refuses first.
fn ports(review: &mut Review<'_>, rule: &SecurityGroupRule, protocol: Option<&str>, path: &[&str]) {
    let below = |key| [path, &[key]].concat();
    if review.is_broken(&below("port")) || review.is_broken(&below("toPort")) {
        return;
    }
    let Some(protocol) = protocol.filter(|protocol| *protocol != "-1") else { return };
    let Some(first) = rule.port.filter(|port| *port != 0) else {
        let summary = format!("a rule for {} needs a port other than 0", rule.protocol);
        review.report(&codes::PORT, &below("port"), summary, "add `port: …`; all of ICMP is -1");
        return;
    };
    // EC2 looks at ports for these only (AuthorizeSecurityGroupIngress, IpPermission).
    let (range, what) = match protocol {
        "tcp" | "udp" => (0..=65_535, "the ports of tcp and udp go from 0 to 65535"),
        "icmp" | "icmpv6" => {
            (-1..=255, "with ICMP `port` is the type and `toPort` the code, each from 0 to 255, or -1 for all")
        }
        _ => return,
    };
    for (key, port) in [("port", Some(first)), ("toPort", rule.to_port)] {
        // The schema has said so already of what no protocol has.
        if port.is_some_and(|port| !(-1..=65_535).contains(&port)) {
            return;
        }
        if let Some(port) = port.filter(|port| !range.contains(port)) {
            let summary = format!("EC2 refuses `{key}: {port}` with {}", rule.protocol);
            review.report(&codes::OUT_OF_RANGE, &below(key), summary, what);
            return;
        }
    }
    if let Some(code) = rule.last_port().filter(|code| protocol.starts_with("icmp") && first == -1 && *code != -1) {
        let summary = format!("EC2 refuses the code {code} of all types of {}", rule.protocol);
        review.report(&codes::OUT_OF_RANGE, &below("toPort"), summary, "name a type, or leave the code out");
        return;
    }
    if let Some(last) = rule.last_port().filter(|last| *last < first && matches!(protocol, "tcp" | "udp")) {
        let summary = format!("EC2 refuses the ports {first} to {last}, which run backwards");
        let help = format!("write `port: {last}` and `toPort: {first}`");
        review.report(&codes::OUT_OF_RANGE, &below("toPort"), summary, help);
    }
}

fn cidr(review: &mut Review<'_>, cidr: &str, path: &[&str]) {
    let (address, mask) = cidr.split_once('/').map_or((cidr, None), |(address, mask)| (address, Some(mask)));
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = address.split('.').collect();
    if parts.len() != 4 || !parts.iter().all(|part| digits(part) && part.len() <= 3) || !mask.is_none_or(digits) {
        review.report(
            &codes::CIDR,
            path,
            format!("`{cidr}` is not a range of IPv4 addresses"),
            "write it like 10.0.0.0/16",
        );
        return;
    }
    let Some(mask) = mask else {
        review.report(&codes::CIDR, path, format!("`{cidr}` lacks its mask"), format!("did you mean {cidr}/32?"));
        return;
    };
    let bits = mask.parse::<u32>().ok().filter(|bits| *bits <= 32);
    if parts.iter().any(|part| part.len() > 1 && part.starts_with('0')) {
        let plain = parts.iter().map(|part| match part.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        });
        let plain: Vec<&str> = plain.collect();
        let summary = format!("EC2 refuses the range `{cidr}`, whose numbers begin with 0");
        let help = format!("did you mean {}/{mask}?", plain.join("."));
        review.report(&codes::OUT_OF_RANGE, path, summary, help);
        return;
    }
    if parts.iter().any(|part| part.parse::<u8>().is_err()) || bits.is_none() {
        let help = "the four numbers go to 255 and the mask to 32";
        review.report(&codes::OUT_OF_RANGE, path, format!("EC2 refuses the range `{cidr}`"), help);
    }
}

fn is_group_id(id: &str) -> bool {
    id.strip_prefix("sg-").is_some_and(|rest| {
        (8..=17).contains(&rest.len()) && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}
