//! Odd words: what YAML, a keyboard or another tool makes of what was meant. Each is taken for what it says, or refused at its
//! line; none ends in the middle of an apply.

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::configs::BARE as BASE;

/// Text that takes the place of a line or is added, and the code that it is refused with, if it is.
const WORDS: [(&str, &str, Option<&str>); 74] = [
    // What only older YAML takes for something else is text.
    ("  vpcId: vpc-1", "  vpcId: yes", None),
    ("  vpcId: vpc-1", "  vpcId: 2020-01-01", None),
    ("  vpcId: vpc-1", "  vpcId: !!str 5", None),
    ("  vpcId: vpc-1", "  vpcId: !unknown vpc-1", None),
    ("  vpcId: vpc-1", "  vpcId: &v vpc-1", None),
    ("  vpcId: vpc-1", "  \"vpcId\": 'vpc-1'", None),
    ("  vpcId: vpc-1", "  vpcId: >-\n    vpc-1", None),
    ("  vpcId: vpc-1", "  vpcId: |\n    vpc-1\n  protect: false", Some("SD1508")),
    ("  vpcId: vpc-1", "  vpcId: 12:30", Some("SD1508")),
    ("  vpcId: vpc-1", "  vpcId: 1_000", Some("SD1508")),
    ("  vpcId: vpc-1", "  vpcId: .inf", Some("SD1508")),
    ("  vpcId: vpc-1", "  vpcId: 010", Some("SD1004")),
    ("  vpcId: vpc-1", "  vpcId: 0x1F", Some("SD1004")),
    ("  vpcId: vpc-1", "  vpcId: 1e3", Some("SD1004")),
    ("  vpcId: vpc-1", "  vpcId: true", Some("SD1004")),
    ("  vpcId: vpc-1", "  vpcId: ~", Some("SD1004")),
    ("  vpcId: vpc-1", "  vpcId:", Some("SD1004")),
    ("  vpcId: vpc-1", "  vpcId: ''", Some("SD1502")),
    ("  vpcId: vpc-1", "  vpcId: 'vpc-1 '", Some("SD1508")),
    ("  vpcId: vpc-1", "  vpcId: vpc\u{2011}1", Some("SD1508")),
    ("  vpcId: vpc-1", "  vpcId: vpc-1\n  \"vpc\\u0049d\": x", Some("SD1002")),
    ("  vpcId: vpc-1", "  'vpcId ': vpc-1", Some("SD1005")),
    ("  vpcId: vpc-1", "  vpcId: *nope", Some("SD1001")),
    ("  authMode: IAM", "  authMode: iam", Some("SD1006")),
    ("  authMode: IAM", "  authMode: 'IAM '", Some("SD1006")),
    ("  authMode: IAM", "  authMode: \u{406}AM", Some("SD1006")),
    ("  authMode: IAM", "  <<: {authMode: IAM}\n  authMode: IAM", Some("SD1003")),
    ("[subnet-1]", "'[\"subnet-1\"]'", None),
    ("[subnet-1]", "subnet-1", Some("SD1004")),
    ("[subnet-1]", "[]", Some("SD1502")),
    ("[subnet-1]", "[~]", Some("SD1004")),
    ("[{name: admin}]", "[]", None),
    ("[{name: admin}]", "~", Some("SD1004")),
    ("[{name: admin}]", "[{id: '*'}]", Some("SD1045")),
    ("[{name: admin}]", "[{id: 'AROA*'}]", Some("SD1045")),
    ("[{name: admin}]", "[{id: ' '}]", Some("SD1045")),
    ("[{name: admin}]", "[{id: '${aws:userid}'}]", Some("SD1045")),
    ("[{name: admin}]", "[{name: '*'}]", Some("SD1045")),
    ("[{name: admin}]", "[{name: '\u{430}dmin'}]", Some("SD1045")),
    ("[{name: admin}]", "[{name: admin, sso: no}]", Some("SD1004")),
    ("", "  protect: yes\n", Some("SD1004")),
    ("", "  protect: TRUE\n", None),
    ("", "  tags: {a: yes, A: 'no'}\n", None),
    ("", "  tags: {a: ~}\n", Some("SD1004")),
    ("", "  tags: {'AWS:x': b}\n", Some("SD1506")),
    ("", "  tags: {a: \"\\u200b\"}\n", Some("SD1506")),
    ("", "  assetPrefix: 'a*'\n", Some("SD1508")),
    ("", "  assetPrefix: '${aws:username}'\n", Some("SD1508")),
    ("", "  assetPrefix: \"a\\nb\"\n", Some("SD1508")),
    ("", "  notebookSharingPrefix: 'a?'\n", Some("SD1508")),
    ("", "  notebookSharingPrefix: 'a{b} c'\n", None),
    ("", "  securityGroupId: SG-12345678\n", Some("SD1508")),
    ("", "  securityGroupId: sg-\u{ff11}2345678\n", Some("SD1508")),
    ("", "  securityGroupIngress: {prefixList: [{prefixList: 'pl-\u{e9}', protocol: tcp, port: 1}]}\n", Some("SD1508")),
    ("", "  securityGroupIngress: {prefixList: [{prefixList: lists, protocol: tcp, port: 1}]}\n", Some("SD1508")),
    ("", "  securityGroupIngress: {ipv4: [{cidr: ' 10.0.0.0/8', protocol: tcp, port: 1}]}\n", Some("SD1038")),
    ("", "  securityGroupIngress: {ipv4: [{cidr: 10.0.0.0/8, protocol: 'tcp ', port: 1}]}\n", Some("SD1036")),
    ("", "  securityGroupIngress: {ipv4: [{cidr: 10.0.0.0/8, protocol: t\u{441}p, port: 1}]}\n", Some("SD1036")),
    ("", "  securityGroupIngress: {ipv4: [{cidr: 10.0.0.0/8, protocol: tcp, port: 0443}]}\n", None),
    ("", "  securityGroupIngress: {ipv4: [{cidr: 10.0.0.0/8, protocol: tcp, port: 4_43}]}\n", Some("SD1004")),
    ("", "  securityGroupIngress: {ipv4: [{cidr: 10.0.0.0/8, protocol: icmp, port: -1, toPort: 5}]}\n", Some("SD1501")),
    ("", "  userProfiles: {ann: {userRole: {id: 'AROA *'}}}\n", Some("SD1045")),
    ("", "  userProfiles: {'ann ': {userRole: {name: users}}}\n", Some("SD1034")),
    ("", "  userProfiles: {a.b: {userRole: {name: x}}, a-b: {userRole: {name: x}}}\n", Some("SD1035")),
    ("", "  userProfiles: {1: {userRole: {name: users}}}\n", None),
    ("", "  lifecycleConfigs: {jupyterlab: {cmds: [echo]}}\n", Some("SD1003")),
    ("", "  lifecycleConfigs: {jupyterLab: {cmds: [yes]}}\n", None),
    ("", "  lifecycleConfigs: {jupyterLab: {cmds: [1]}}\n", Some("SD1004")),
    ("domain:\n", "deployment: {account: '123'}\ndomain:\n", Some("SD1047")),
    ("domain:\n", "deployment: {account: '123456789012 '}\ndomain:\n", Some("SD1047")),
    ("domain:\n", "deployment: {region: US-EAST-1}\ndomain:\n", Some("SD1047")),
    ("domain:\n", "deployment: {region: x/y}\ndomain:\n", Some("SD1047")),
    ("domain:\n", "deployment: {region: ''}\ndomain:\n", Some("SD1047")),
    ("domain:\n", "deployment: {org: \u{e9}}\ndomain:\n", Some("SD1042")),
];

#[test]
fn odd_words_are_taken_or_refused_and_never_half_applied() {
    for (from, to, code) in WORDS {
        let text = if from.is_empty() { format!("{BASE}{to}") } else { BASE.replacen(from, to, 1) };
        let lab = Lab::new();
        let applied = lab.run(APPLY, &text);
        let Some(code) = code else {
            assert_eq!(applied.code, 0, "{text}\n{}{}", applied.data, applied.notes);
            lab.run(PLAN, &text).expect(0);
            continue;
        };
        assert_eq!((applied.code, applied.writes().len()), (3, 0), "{text}\n{}", applied.notes);
        let validated = lab.run(&["validate"], &text);
        let shown = format!("[{code}]");
        assert!(applied.notes_show(&shown) && validated.notes_show(&shown), "{code}\n{text}\n{}", applied.notes);
        assert!(validated.notes_show("studio.yaml:"), "{}", validated.notes);
    }
    println!("{} odd words", WORDS.len());
}
