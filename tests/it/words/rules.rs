//! Rules of the security group that are written differently and are the same to EC2: only one can be there, and whoever
//! wrote both is told.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::{IpPermission, IpRange, PrefixListId, UserIdGroupPair};
use studio_deploy::config::security_group::ip_protocol;
use studio_sandbox::Seed;

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::configs::BARE;

/// A rule: list, peer, protocol, and ports.
type Rule = (&'static str, &'static str, &'static str, Option<i64>, Option<i64>);

const RULES: [Rule; 27] = [
    ("ipv4", "10.0.0.0/8", "tcp", Some(443), None),
    ("ipv4", "10.0.0.0/8", "TCP", Some(443), None),
    ("ipv4", "10.0.0.0/8", "tcp", Some(443), Some(443)),
    ("ipv4", "10.0.0.0/8", "tcp", Some(443), Some(0)),
    ("ipv4", "10.0.0.0/8", "tcp", Some(443), Some(444)),
    ("ipv4", "10.1.2.3/8", "Tcp", Some(443), None),
    ("ipv4", "10.0.0.0/9", "tcp", Some(443), None),
    ("ipv4", "10.0.0.1/32", "tcp", Some(443), None),
    ("ipv4", "10.0.0.0/8", "udp", Some(443), None),
    ("ipv4", "10.0.0.0/8", "all", None, None),
    ("ipv4", "10.9.9.9/8", "ALL", Some(1), Some(2)),
    ("ipv4", "10.0.0.0/8", "esp", Some(1), None),
    ("ipv4", "10.0.0.0/8", "ESP", Some(2), Some(9)),
    ("ipv4", "10.0.0.0/8", "ah", Some(1), None),
    ("ipv4", "10.0.0.0/8", "ttp", Some(1), None),
    ("ipv4", "10.0.0.0/8", "iptm", Some(3), None),
    ("ipv4", "10.0.0.0/8", "icmp", Some(-1), None),
    ("ipv4", "10.0.0.0/8", "icmp", Some(-1), Some(-1)),
    ("ipv4", "10.0.0.0/8", "icmp", Some(8), None),
    ("ipv4", "10.0.0.0/8", "icmp", Some(8), Some(-1)),
    ("ipv4", "10.0.0.0/8", "icmpv6", Some(8), Some(-1)),
    ("sg", "sg-00000001", "tcp", Some(443), None),
    ("sg", "sg-00000001", "TCP", Some(443), Some(443)),
    ("sg", "sg-00000002", "tcp", Some(443), None),
    ("prefixList", "pl-1", "tcp", Some(443), None),
    ("prefixList", "pl-1", "Tcp", Some(443), Some(0)),
    ("prefixList", "pl-2", "tcp", Some(443), None),
];

fn yaml(rules: [Rule; 2]) -> String {
    let mut text = format!("{BARE}  securityGroupIngress:\n");
    let line = |(list, peer, protocol, port, to): Rule| {
        let key = match list {
            "ipv4" => "cidr",
            "sg" => "sgId",
            _ => "prefixList",
        };
        let port = port.map(|port| format!(", port: {port}")).unwrap_or_default();
        let to = to.map(|port| format!(", toPort: {port}")).unwrap_or_default();
        // A range that the security gate blocks is accepted.
        format!("      - {{{key}: {peer}, protocol: {protocol}{port}{to}}}\n")
    };
    let [one, other] = rules;
    if one.0 == other.0 {
        text += &format!("    {}:\n{}{}", one.0, line(one), line(other));
    } else {
        text += &format!("    {}:\n{}    {}:\n{}", one.0, line(one), other.0, line(other));
    }
    text
}

fn permission((list, peer, protocol, port, to): Rule) -> IpPermission {
    let number = |port: Option<i64>| port.map(|port| i32::try_from(port).unwrap());
    let to = to.filter(|to| *to != 0).or(port);
    let permission = IpPermission::builder()
        .ip_protocol(ip_protocol(protocol).unwrap())
        .set_from_port(number(port))
        .set_to_port(number(to));
    match list {
        "ipv4" => permission.ip_ranges(IpRange::builder().cidr_ip(peer).build()),
        "sg" => permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(peer).build()),
        _ => permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(peer).build()),
    }
    .build()
}

#[test]
fn rules_that_are_one_to_ec2_are_told_of_however_they_are_written() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lab = Lab::new();
    lab.sandbox.found("123456789012", "us-east-1").unwrap();
    let groups = ["sg-00000001", "sg-00000002"].map(|id| (id.to_owned(), "vpc-1".to_owned()));
    let lists = ["pl-1", "pl-2"].map(|id| (id.to_owned(), id.to_owned()));
    let seed = Seed {
        vpcs: vec!["vpc-1".into()],
        security_groups: groups.into(),
        prefix_lists: lists.into(),
        ..Seed::default()
    };
    lab.sandbox.seed(&seed).unwrap();
    lab.set_faults(studio_sandbox::Faults::default());
    let client = Client::new(&lab.sandbox.sdk_config().build());
    let (mut cases, mut same) = (0, 0);
    for (at, one) in RULES.iter().enumerate() {
        let is_one = runtime.block_on(async {
            let make = client.create_security_group().group_name(format!("g{at}")).description("x").vpc_id("vpc-1");
            let group = make.send().await.unwrap().group_id.unwrap();
            let add = |rule: Rule| {
                client.authorize_security_group_ingress().group_id(&group).ip_permissions(permission(rule))
            };
            let drop_it =
                |rule: Rule| client.revoke_security_group_ingress().group_id(&group).ip_permissions(permission(rule));
            add(*one).send().await.unwrap();
            let mut is_one = Vec::new();
            for other in &RULES[at + 1..] {
                let added = add(*other).send().await;
                let is_there = matches!(&added, Err(error) if error.code() == Some("InvalidPermission.Duplicate"));
                if !is_there {
                    added.unwrap();
                    drop_it(*other).send().await.unwrap();
                }
                is_one.push(is_there);
            }
            is_one
        });
        for (other, is_one) in RULES[at + 1..].iter().zip(is_one) {
            cases += 1;
            let text = yaml([*one, *other]);
            let ended = lab.run(&["validate"], &text);
            assert_eq!(ended.notes_show("SD2007"), is_one, "{text}\n{}", ended.notes);
            assert_eq!(ended.code, 0, "{text}\n{}", ended.notes);
            if is_one {
                same += 1;
                let second = if one.0 == other.0 { 9 } else { 10 };
                for line in [8, second] {
                    assert!(ended.notes_show(&format!("{line} |")), "line {line}\n{}", ended.notes);
                }
            }
        }
    }
    assert!(same > 10, "{same}");
    println!("{cases} pairs of rules, {same} of them one rule to EC2");
}

#[test]
fn of_rules_that_are_one_one_is_made_and_stays() {
    let pairs = [[5, 0], [9, 10], [11, 12], [14, 15], [16, 17], [21, 22], [24, 25]];
    for pair in pairs {
        // Checks of MDAA's look at ingress only, and are not the matter here.
        let text = yaml(pair.map(|at| RULES[at])).replace("securityGroupIngress", "securityGroupEgress");
        let lab = Lab::new();
        let applied = lab.run(APPLY, &text);
        assert_eq!(applied.code, 0, "{text}\n{}{}", applied.data, applied.notes);
        lab.run(PLAN, &text).expect(0);
    }
}
