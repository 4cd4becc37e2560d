//! As many tags as AWS takes fit, and not one more, whoever signs in and wherever they are written.

use serde_json::Value as Json;

use crate::support::account::{APPLY, Lab};
use crate::support::picture;

const USERS: [(&str, &str); 3] = [
    ("IAM", "  userProfiles: {ann: {userRole: {name: users}}}\n"),
    ("SSO", "  userProfiles: {ann: {}}\n"),
    ("IAM", ""),
];

fn tags(prefix: &str, count: usize) -> String {
    let tags: Vec<String> = (0..count).map(|at| format!("{prefix}{at}: x")).collect();
    format!("{{{}}}", tags.join(", "))
}

fn most(lab: &Lab) -> usize {
    let tables = lab.tables();
    let count = |record: &Json| record["tags"].as_object().map_or(0, serde_json::Map::len);
    picture::records(&tables).map(|(.., record)| count(record)).max().unwrap_or_default()
}

#[test]
fn as_many_tags_as_fit_are_taken() {
    let mut cases = 0;
    for (mode, users) in USERS {
        for own in ["", "userid: me, ", "mdaa_org: x, "] {
            // SageMaker's own tag on the home file system; one of the user's may stand for one of ours.
            let besides = 8 + usize::from(own.contains("userid"));
            for (outer, inner) in [(50 - besides, 0), (0, 50 - besides), (20, 30 - besides)] {
                for extra in [0, 1] {
                    // Whether they fit does not hang on where they are written.
                    if extra == 0 && outer > 0 {
                        continue;
                    }
                    cases += 1;
                    let (outer_tags, inner_tags) = (tags("o", outer), tags("i", inner + extra));
                    let outer_tags = outer_tags.replacen('{', &format!("{{{own}"), 1);
                    let text = format!(
                        "deployment:\n  tags: {outer_tags}\ndomain:\n  authMode: {mode}\n  vpcId: vpc-1\n  subnetIds: [subnet-1]\n  \
                         dataAdminRoles: [{{name: admin}}]\n  tags: {inner_tags}\n{users}"
                    );
                    let lab = Lab::new();
                    let ended = lab.run(APPLY, &text);
                    if extra == 0 {
                        assert_eq!(ended.code, 0, "{text}\n{}", ended.notes);
                        assert_eq!(most(&lab), 50, "{text}");
                        continue;
                    }
                    assert_eq!((ended.code, ended.writes().len()), (3, 0), "{text}\n{}", ended.notes);
                    let outer = outer + usize::from(!own.is_empty());
                    let line = if inner + extra >= outer { 8 } else { 2 };
                    assert!(ended.notes_show("SD1506"), "{}", ended.notes);
                    assert!(ended.notes_show(&format!("studio.yaml:{line}:")), "line {line}\n{text}\n{}", ended.notes);
                }
            }
        }
    }
    println!("{cases} numbers of tags");
}
