//! The life of an environment, edit by edit.

use super::*;

#[test]
fn every_sample_is_applied_kept_and_destroyed() {
    for sample in ["minimal.yaml", "comprehensive.yaml", "sso.yaml"] {
        let desk = Desk::new();
        desk.apply(sample).expect(0).data_has("Apply complete: ");
        desk.plan(sample).expect(0).data_has("No changes. acme/dev/ml/studio in 123456789012 us-east-1");
        let again = desk.apply(sample).expect(0);
        assert!(again.writes().is_empty(), "{:?}", again.writes());
        let gone = desk.destroy(sample).expect(0).data_has("Destroy complete: ").data_has("retained home_efs.fs-");
        assert!(!gone.writes().is_empty());
        desk.destroy(sample).expect(0).data_has("No changes.");
    }
}

/// One edit: what is changed about the minimal sample, the addresses that change, and the line that causes it.
struct Edit {
    name: &'static str,
    before: &'static str,
    after: &'static str,
    addresses: &'static [&'static str],
    source: &'static str,
}

const SCRIPT: &str = "  lifecycleConfigs:\n    jupyterLab:\n      cmds:\n        - echo one\n        - echo two\n";
const OTHER_SCRIPT: &str = "  lifecycleConfigs:\n    jupyterLab:\n      cmds:\n        - echo one\n        - echo 2\n";
const USER: &str = "    ben:\n      userRole:\n        name: test-user-role\n";
const RULE: &str =
    "  securityGroupIngress:\n    ipv4:\n      - cidr: 10.0.0.0/24\n        protocol: tcp\n        port: 443\n";
const RULES: &str = "  securityGroupIngress:\n    ipv4:\n      - cidr: 10.0.0.0/24\n        protocol: tcp\n        port: 443\n      - cidr: 10.1.0.0/24\n        protocol: tcp\n        port: 443\n";
const IDLE: &str =
    "  defaultUserSettings:\n    studioWebPortal: ENABLED\n    sharingSettings:\n      notebookOutputOption: Allowed\n";
const LESS: &str = "  defaultUserSettings:\n    studioWebPortal: ENABLED\n";

/// The minimal sample has this many lines.
const EDITS: [Edit; 5] = [
    Edit {
        name: "a lifecycle command",
        before: SCRIPT,
        after: OTHER_SCRIPT,
        addresses: &[
            "lifecycle_config.jupyterLab",
            "domain.studio",
            "parameter./acme/ml/studio/studiolifecycleconfig/jupyterlab/arn",
        ],
        source: "- echo 2",
    },
    Edit { name: "a user", before: "", after: USER, addresses: &["user_profile.ben"], source: "    ben:" },
    Edit {
        name: "a rule",
        before: RULE,
        after: RULES,
        addresses: &["security_group.domain"],
        source: "      - cidr: 10.1.0.0/24",
    },
    Edit {
        name: "a tag of one user's group of settings",
        before: LESS,
        after: IDLE,
        addresses: &["domain.studio"],
        source: "notebookOutputOption",
    },
    Edit { name: "a setting that goes", before: IDLE, after: LESS, addresses: &["domain.studio"], source: "" },
];

#[test]
fn each_edit_changes_just_that_names_its_line_and_applies() {
    for Edit { name, before, after, addresses, source } in EDITS {
        let desk = Desk::new();
        desk.minimal_and("studio.yaml", before);
        desk.apply("studio.yaml").expect(0);
        desk.minimal_and("studio.yaml", after);
        let plan = desk.run(&["plan", "studio.yaml", "--format", "json"]).expect(0).json();
        let changes = plan["changes"].as_array().unwrap();
        let changed: Vec<&str> = changes
            .iter()
            .filter(|step| step["action"] != "retain" && !step["address"].as_str().unwrap().contains('@'))
            .map(|step| step["address"].as_str().unwrap())
            .collect();
        let mut expected = addresses.to_vec();
        let mut sorted = changed.clone();
        expected.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "{name}");
        if !source.is_empty() {
            let text = desk.read("studio.yaml");
            let line = text.lines().position(|line| line.contains(source.trim_start_matches("      "))).unwrap() + 1;
            let lines: Vec<u64> = changes.iter().filter_map(|step| step["source"]["line"].as_u64()).collect();
            assert!(lines.contains(&(line as u64)), "{name}: {line} is none of {lines:?}");
        }
        desk.apply("studio.yaml").expect(0);
        desk.plan("studio.yaml").expect(0);
    }
}

#[test]
fn a_tag_changes_tags_everywhere_and_names_its_line() {
    let desk = Desk::applied();
    desk.minimal_and("studio.yaml", "  tags:\n    team: data\n");
    let line = desk.read("studio.yaml").lines().count();
    let plan = desk.run(&["plan", "studio.yaml", "--format", "json"]).expect(0).json();
    for step in plan["changes"].as_array().unwrap() {
        assert_eq!(step["source"]["line"], line, "{step}");
        for path in step["changed_paths"].as_array().unwrap() {
            assert!(path.as_str().unwrap().ends_with("Tags.team"), "{step}");
        }
    }
    desk.apply("studio.yaml").expect(0);
    desk.plan("studio.yaml").expect(0);
}

#[test]
fn a_script_is_shown_as_the_lines_that_change() {
    let desk = Desk::new();
    desk.minimal_and("studio.yaml", SCRIPT);
    desk.apply("studio.yaml").expect(0);
    desk.minimal_and("studio.yaml", OTHER_SCRIPT);
    desk.plan("studio.yaml").expect(2).data_has("-echo two").data_has("+echo 2").data_has("it takes the place of ");
}

#[test]
fn a_user_goes_only_with_consent() {
    let desk = Desk::new();
    desk.minimal_and("studio.yaml", USER);
    desk.apply("studio.yaml").expect(0);
    desk.run(&["plan", "minimal.yaml"]).expect(0).data_has("--allow-profile-delete ben");
    desk.apply("minimal.yaml").expect(5).notes_have("--allow-profile-delete ben");
    desk.run(&["apply", "minimal.yaml", "--auto-approve", "--allow-profile-delete", "ben"])
        .expect(0)
        .data_has("- user_profile.ben  it is no longer in the config");
    desk.plan("minimal.yaml").expect(0);
}

#[test]
fn a_saved_plan_is_what_is_applied() {
    let desk = Desk::applied();
    desk.minimal_and("studio.yaml", USER);
    desk.run(&["plan", "studio.yaml", "--out", "p.json"]).expect(0);
    desk.run(&["apply", "studio.yaml", "--plan", "p.json"]).expect(0).data_has("1 created");
    // It says the same no longer once it is applied, nor for another config.
    desk.run(&["apply", "studio.yaml", "--plan", "p.json"]).expect(7).notes_have("user_profile.ben no longer differs");
    desk.run(&["plan", "minimal.yaml", "--allow-profile-delete", "ben", "--out", "p.json"]).expect(0);
    desk.run(&["apply", "minimal.yaml", "--plan", "p.json"]).expect(0).data_has("1 deleted");
    desk.write("p.json", "{}");
    desk.run(&["apply", "minimal.yaml", "--plan", "p.json"]).expect(7).notes_have("not a saved plan");
}

#[test]
fn what_moved_behind_our_back_makes_a_plan_stale() {
    let desk = Desk::applied();
    desk.minimal_and("studio.yaml", "  tags:\n    team: data\n");
    desk.run(&["plan", "studio.yaml", "--out", "p.json"]).expect(0);
    desk.minimal_and("other.yaml", "  tags:\n    team: other\n");
    desk.apply("other.yaml").expect(0);
    desk.run(&["apply", "studio.yaml", "--plan", "p.json"]).expect(7).notes_have("Tags.team");
}

#[test]
fn drift_is_what_moved_since_the_last_apply() {
    let desk = Desk::new();
    desk.run(&["drift", "minimal.yaml"]).expect(4).notes_have("nothing remembers an apply");
    desk.minimal_and("studio.yaml", RULE);
    desk.apply("studio.yaml").expect(0);
    desk.run(&["drift", "studio.yaml"]).expect(0).data_has("No drift");
    // Another version of the config has changed a rule and added a user; from here it looks like somebody else.
    desk.minimal_and("other.yaml", &RULE.replace("443", "8443"));
    desk.apply("other.yaml").expect(0);
    desk.run(&["drift", "studio.yaml"])
        .expect(2)
        .data_has("security_group.domain")
        .notes_have("the config has changed");
    desk.run(&["drift", "studio.yaml", "--ignore", "security_group.domain.Ingress"]).expect(0);
    let document = desk.run(&["drift", "studio.yaml", "--format", "json"]).expect(2).json();
    assert_eq!(document["drift"][0]["address"], "security_group.domain");
    let denied = desk.run(&["drift", "other.yaml", "--sandbox-fault", "fail=x:y"]);
    assert_eq!(denied.code, 0, "{}", denied.notes);
}
