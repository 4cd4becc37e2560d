//! All that is wrong with a config is said at once, by whichever command reads it.

use std::collections::BTreeSet;

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::ended::Ended;

/// A mistake: its code, and what it does to the base.
struct Mistake {
    code: &'static str,
    /// A line of the base, and what takes its place.
    change: (&'static str, &'static str),
}

const BASE: &str = "\
deployment:
  tags: {team: science}
domain:
  authMode: IAM
  vpcId: vpc-1
  subnetIds: [subnet-1]
  dataAdminRoles: [{name: admin}]
  # prefix
  # sharing
  # unknown
  # ingress
  # egress
  # settings
  # space
  userProfiles:
    # users
    ann: {userRole: {name: users}}
  lifecycleConfigs:
    jupyterLab:
      cmds: [echo]
";

/// One of each kind: references, shape, values, what AWS refuses, files, and what the `deployment:` block says.
const MISTAKES: [Mistake; 22] = [
    Mistake { code: "SD1020", change: ("# prefix", "assetPrefix: '{{nope}}'") },
    Mistake { code: "SD1020", change: ("# sharing", "notebookSharingPrefix: '{{org'") },
    Mistake { code: "SD1021", change: ("vpcId: vpc-1", "vpcId: '{{context:nope}}'") },
    Mistake { code: "SD1022", change: ("[subnet-1]", "['{{env_var:NOPE}}']") },
    Mistake { code: "SD1023", change: ("# prefix", "assetPrefix: '{{param:x}}'") },
    Mistake { code: "SD1027", change: ("# users", "ssm:/x: {userRole: {name: users}}") },
    Mistake { code: "SD1028", change: ("[{name: admin}]", "[{name: 'ssm:/a//b'}]") },
    Mistake { code: "SD1003", change: ("# unknown", "unknown: 1") },
    Mistake { code: "SD1004", change: ("# settings", "defaultUserSettings: []") },
    Mistake { code: "SD1005", change: ("vpcId: vpc-1", "# none") },
    Mistake { code: "SD1006", change: ("authMode: IAM", "authMode: iam") },
    Mistake { code: "SD1031", change: ("[{name: admin}]", "[{immutable: true}]") },
    Mistake { code: "SD1032", change: ("# users", "ben: {}") },
    Mistake { code: "SD1034", change: ("# users", "---: {userRole: {name: users}}") },
    Mistake {
        code: "SD1038",
        change: ("# ingress", "securityGroupIngress: {ipv4: [{cidr: x, protocol: tcp, port: 1}]}"),
    },
    Mistake { code: "SD1039", change: ("# egress", "securityGroupEgress: {sg: [{sgId: x, protocol: tcp, port: 1}]}") },
    Mistake { code: "SD1508", change: ("[subnet-1]", "[subnet_1]") },
    Mistake { code: "SD1506", change: ("{team: science}", "{'aws:team': science}") },
    Mistake { code: "SD1503", change: ("# space", "tagPropagation: MAYBE") },
    Mistake { code: "SD1103", change: ("cmds: [echo]", "cmds: [echo]\n      assets: {a: {sourcePath: ./none}}") },
    Mistake { code: "SD1004", change: ("deployment:", "deployment:\n  account: 5") },
    Mistake { code: "SD1042", change: ("deployment:", "deployment:\n  env: a_b") },
];

fn broken(mistakes: &[&Mistake]) -> Option<String> {
    let mut text = BASE.to_owned();
    for mistake in mistakes {
        let (from, to) = mistake.change;
        if !text.contains(from) {
            return None;
        }
        text = text.replacen(from, to, 1);
    }
    Some(text)
}

fn codes(ended: &Ended) -> BTreeSet<String> {
    let said = ended.said();
    said.split('[')
        .filter_map(|rest| rest.get(..7))
        .filter(|code| code.starts_with("SD") && code.ends_with(']'))
        .map(|code| code[..6].to_owned())
        .collect()
}

#[test]
fn no_mistake_hides_another() {
    let mut cases = 0;
    for (at, one) in MISTAKES.iter().enumerate() {
        for other in &MISTAKES[at + 1..] {
            let Some(text) = broken(&[one, other]) else { continue };
            // Whether a profile needs a role hangs on the mode.
            if [one.code, other.code] == ["SD1006", "SD1032"] {
                continue;
            }
            cases += 1;
            let lab = Lab::new();
            let wanted: BTreeSet<String> = [one.code.to_owned(), other.code.to_owned()].into();
            let validated = lab.run(&["validate"], &text);
            let said = codes(&validated);
            assert!(wanted.is_subset(&said), "validate: {wanted:?}\n{text}\n{}", validated.notes);
            // What only AWS refuses stops nothing but an apply, which looks at the account first.
            let is_error = [one, other].iter().any(|mistake| !mistake.code.starts_with("SD15"));
            assert_eq!(validated.code, if is_error { 3 } else { 0 }, "{text}\n{}", validated.notes);
            // Both go the same way, so that they take turns.
            let command = [APPLY, PLAN][cases % 2];
            let ended = lab.run(command, &text);
            assert!(wanted.is_subset(&codes(&ended)), "{command:?}: {wanted:?}\n{text}\n{}", ended.notes);
            assert!(ended.writes().is_empty(), "{text}");
            if is_error {
                assert_eq!((ended.code, codes(&ended)), (3, said.clone()), "{command:?}\n{text}\n{}", ended.notes);
            }
        }
    }
    println!("{cases} pairs of {} mistakes, by `validate` and by `plan` or `apply`", MISTAKES.len());
    assert!(cases > 200);
}

/// Mistakes that only the account can tell, with their codes.
const LACKING: [Mistake; 5] = [
    Mistake { code: "SD1025", change: ("# prefix", "assetPrefix: 'ssm:/none'") },
    Mistake { code: "SD1025", change: ("name: users", "name: 'ssm:/nobody'") },
    Mistake { code: "SD1101", change: ("[{name: admin}]", "[{name: nobody}]") },
    Mistake { code: "SD1101", change: ("# settings", "defaultExecutionRole: {name: no-one}") },
    Mistake { code: "SD1508", change: ("[subnet-1]", "[subnet_1]") },
];

#[test]
fn what_the_account_lacks_is_said_at_once() {
    let mut cases = 0;
    for (at, one) in LACKING.iter().enumerate() {
        for other in &LACKING[at + 1..] {
            cases += 1;
            let text = broken(&[one, other]).unwrap();
            for command in [APPLY, PLAN] {
                let lab = Lab::new();
                lab.sandbox.found("123456789012", "us-east-1").unwrap();
                // What the sandbox would make of itself is not there.
                lab.sandbox.with_world(|world| world.set_prepared("acme/dev/ml/studio")).unwrap();
                let ended = lab.run(command, &text);
                let said = codes(&ended);
                assert!(said.contains(one.code) && said.contains(other.code), "{command:?}\n{text}\n{}", ended.notes);
                assert_eq!(ended.code, 4, "{text}\n{}", ended.notes);
            }
        }
    }
    println!("{cases} pairs of what an account lacks");
}
