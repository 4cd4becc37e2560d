//! A whole mdaa.yaml: every environment's Studio domain is a deployment of its own.

use super::*;

const TREE: &str = "samples/mdaa/mdaa.yaml";
const ALL: [&str; 3] = ["acme/dev/research/studio", "acme/prod/research/studio-prod", "acme/dev/analytics/studio"];

fn deployments(list: &Json, key: &str) -> Vec<String> {
    list[key].as_array().unwrap().iter().map(|one| one["deployment"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_tree_is_listed_applied_and_destroyed() {
    let place = Desk::empty();
    let tree = repository(TREE);
    let list = place.raw(&["list", &tree, "--format", "json"]).expect(0).says("dev/research/datalake");
    assert_eq!(deployments(&list.json(), "include"), ALL);
    let sandboxed = |args: &[&str]| place.raw(&[args, &[&tree, "--sandbox=sandbox.json"]].concat());
    // Each deployment finds what it refers to, not only the first.
    let applied = sandboxed(&["apply", "--auto-approve", "--format", "json"]).expect(0).json();
    assert_eq!(deployments(&applied, "reports"), ALL);
    for report in applied["reports"].as_array().unwrap() {
        assert_eq!((&report["complete"], &report["counts"]["failed"]), (&Json::Bool(true), &Json::from(0)), "{report}");
    }
    let again = sandboxed(&["apply", "--auto-approve"]).expect(0);
    for name in ALL {
        assert!(again.data.lines().any(|line| line.starts_with(name) && line.ends_with("  no changes")), "{again:?}");
    }
    sandboxed(&["plan", "--detailed-exitcode"]).expect(0);
    // Filters are MDAA's own.
    let one = sandboxed(&["plan", "--format", "json", "-d", "research", "-e", "prod"]).expect(0).json();
    assert_eq!(one["deployment"], ALL[1]);
    sandboxed(&["plan", "-e", "prodd"]).expect(64).says("there is no env `prodd`; there are dev, prod");
    sandboxed(&["plan", "-m", "datalake"]).expect(0);
    // Only those that are named go.
    let gone = sandboxed(&["destroy", "--auto-approve", "--confirm", ALL[0], "--confirm", ALL[2]]).expect(8);
    gone.says("is not the name of the deployment, acme/prod/research/studio-prod");
    let left = sandboxed(&["plan", "--destroy", "--format", "json"]).expect(0).json();
    let deletes: Vec<usize> = left["plans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plan| actions(plan).iter().filter(|(_, action)| action == "delete").count())
        .collect();
    assert!(deletes[0] == 0 && deletes[1] > 20 && deletes[2] == 0, "{deletes:?}");
}

#[test]
fn another_account_is_refused_for_its_own_entry_alone() {
    let place = Desk::empty();
    let config = "domain:\n  authMode: IAM\n  vpcId: v\n  subnetIds: [s]\n  dataAdminRoles: [{name: admin}]\n";
    place.write("studio.yaml", config);
    place.write(
        "mdaa.yaml",
        "organization: acme
domains:
  ml:
    environments:
      dev:
        account: '111111111111'
        modules:
          one: {module_path: '@aws-mdaa/sm-studio-domain', module_configs: [./studio.yaml]}
      prod:
        account: '222222222222'
        modules:
          two: {module_path: '@aws-mdaa/sm-studio-domain', module_configs: [./studio.yaml]}
",
    );
    let plan = place.raw(&["plan", "mdaa.yaml", "--sandbox", "--format", "json"]).expect(4);
    let document = plan.json();
    assert_eq!(document["plans"][0]["account"], "111111111111");
    assert_eq!(document["plans"][1]["deployment"], "acme/prod/ml/two");
    plan.says("the config is for account 222222222222").says("is in 111111111111");
    let applied = place.raw(&["apply", "mdaa.yaml", "--sandbox", "--auto-approve"]).expect(8);
    assert!(applied.shows("acme/prod/ml/two  failed: the config is for account 222222222222"), "{applied:?}");
    place.raw(&["plan", "mdaa.yaml", "--sandbox", "-e", "dev", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_permissions_boundary_bounds_every_role_and_has_to_exist() {
    let place = Desk::empty();
    place.write(
        "studio.yaml",
        "domain:\n  authMode: IAM\n  vpcId: v-1\n  subnetIds: [s-1]\n  dataAdminRoles: [{name: admin}]\n",
    );
    let tree = |boundary: &str| {
        let text = format!(
            "organization: acme
permissions_boundary_arn: arn:aws:iam::222222222222:policy/{boundary}
domains:
  ml:
    environments:
      dev:
        account: '222222222222'
        region: us-east-1
        modules:
          studio: {{module_path: '@aws-mdaa/sm-studio-domain', module_configs: [./studio.yaml]}}
"
        );
        place.write("mdaa.yaml", &text);
    };
    let apply = ["apply", "mdaa.yaml", "--sandbox=sandbox.json", "--auto-approve", "--sandbox-log=log.ndjson"];
    let log = || std::fs::read_to_string(place.path("log.ndjson")).unwrap();
    tree("dev/bound");
    place.raw(&apply).expect(0).says("made policy arn:aws:iam::222222222222:policy/dev/bound");
    assert_eq!(log().lines().filter(|line| line.contains("\"CreateRole\"")).count(), 2);
    place.raw(&["plan", "mdaa.yaml", "--sandbox=sandbox.json", "--detailed-exitcode"]).expect(0);
    // Later nothing is made up any more.
    std::fs::remove_file(place.path("log.ndjson")).unwrap();
    tree("gone");
    place.raw(&apply).expect(4).says("the permissions boundary arn:aws:iam::222222222222:policy/gone does not exist");
    assert!(!log().contains("\"writes\":true"), "{}", log());
}
