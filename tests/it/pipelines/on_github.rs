//! Stories of a repository on GitHub.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::github::{Event, REPOSITORY, Run, run};
use super::machine::{Machine, copy};
use super::{USER, commit, with};

/// Pipeline of one environment.
const ONE: &str = "docs/ci/github.yml";
/// Pipeline of an `mdaa.yaml`.
const SEVERAL: &str = "docs/ci/github-accounts.yml";

fn pull_request(machine: &Machine, number: u32, head: &str) -> Run {
    run(machine, ONE, &Event::pull_request(number, head, REPOSITORY))
}

/// Merges a pull request as one commit.
fn merge(machine: &Machine, number: u32, head: &str, workflow: &str) -> Run {
    let sha = format!("merged-{head}");
    machine.add("pulls", json!({"number": number, "head": {"sha": head}, "merge_commit_sha": sha}));
    run(machine, workflow, &Event::push(&sha))
}

#[test]
fn a_pull_request_is_planned_commented_merged_and_applied() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    // Somebody else's comment that begins like ours.
    machine.keep(
        "comments",
        &json!([{"id": 1, "user": {"type": "User", "login": "eve"}, "body": "<!-- studio-deploy: default -->"}]),
    );

    let first = pull_request(&machine, 7, "h1");
    first.expect("check", "success");
    let plan = first.expect("plan", "success");
    assert_eq!(plan.role.as_deref(), Some("plan-role"));
    first.expect("apply", "skipped");
    first.expect("drift", "skipped");
    commit(&machine, USER);
    pull_request(&machine, 7, "h2").expect("plan", "success");
    let comments = machine.kept("comments");
    assert_eq!(comments.len(), 2, "one comment, updated: {comments:?}");
    assert_eq!(comments[0]["body"], "<!-- studio-deploy: default -->");
    let body = comments[1]["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- studio-deploy: default -->\n# studio-deploy plan"), "{body}");
    assert!(body.contains("user_profile.ben") && body.contains("Commit h2"), "{body}");

    let merged = merge(&machine, 7, "h2", ONE);
    merged.expect("check", "skipped");
    let plan = merged.expect("plan", "success");
    assert!(plan.log.contains("the plan is the one that was reviewed in #7"), "{}", plan.log);
    let apply = merged.expect("apply", "success");
    assert_eq!((apply.role.as_deref(), apply.environment.as_deref()), (Some("apply-role"), Some("studio")));
    assert!(apply.log.contains("28 created"), "{}", apply.log);
    assert_eq!(machine.kept("comments").len(), 2, "a push has no pull request to comment on");

    // A commit that changes nothing asks nobody for approval.
    merge(&machine, 8, "h3", ONE).expect("apply", "skipped");
    let nightly = run(&machine, ONE, &Event::schedule());
    nightly.expect("drift", "success");
    assert!(machine.kept("issues").is_empty());
}

#[test]
fn drift_keeps_one_issue_open_until_it_is_gone() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    run(&machine, ONE, &Event::dispatch()).expect("apply", "success");
    machine.by_hand("Attach");
    for _ in 0..2 {
        let nightly = run(&machine, ONE, &Event::schedule());
        assert_eq!(nightly.expect("drift", "failure").role.as_deref(), Some("plan-role"));
        nightly.expect("plan", "skipped");
        let [issue] = machine.kept("issues").try_into().unwrap();
        assert_eq!((&issue["title"], &issue["labels"]), (&json!("Drift: default"), &json!(["studio-deploy-drift"])));
        assert!(issue["body"].as_str().unwrap().contains("AdministratorAccess"), "{issue}");
    }
    machine.by_hand("Detach");
    run(&machine, ONE, &Event::schedule()).expect("drift", "success");
    let [issue] = machine.kept("issues").try_into().unwrap();
    assert_eq!(issue["state"], "closed");

    // What could not be compared is neither drift nor the end of it.
    machine.by_hand("Attach");
    run(&machine, ONE, &Event::schedule()).expect("drift", "failure");
    machine.commit("studio.yaml", "domain: {}\n");
    let unreadable = run(&machine, ONE, &Event::schedule());
    let log = &unreadable.expect("drift", "failure").log;
    assert!(log.contains("exit code 3: the issue stays as it is"), "{log}");
    assert_eq!(machine.kept("issues")[1]["state"], "open");
}

#[test]
fn a_merge_applies_nothing_but_what_was_reviewed() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    run(&machine, ONE, &Event::dispatch()).expect("apply", "success");
    let refused = |machine: &Machine, run: Run, why: &str| {
        let log = &run.expect("plan", "failure").log;
        assert!(log.contains(why), "{log}");
        run.expect("apply", "skipped");
        let again = pull_request(machine, 9, "probe");
        assert!(again.expect("plan", "success").log.contains("create user_profile.ben"), "nothing was applied");
    };
    commit(&machine, USER);
    refused(&machine, run(&machine, ONE, &Event::push("straight")), "nobody reviewed a plan of it");

    pull_request(&machine, 7, "h1").expect("plan", "success");
    commit(&machine, &format!("{USER}    cem:\n      userRole:\n        name: test-user-role\n"));
    refused(&machine, merge(&machine, 7, "h1", ONE), "new since the review: create user_profile.cem");

    // A fork's run may have uploaded anything.
    let fork = run(&machine, ONE, &Event::pull_request(8, "h2", "eve/platform"));
    fork.expect("check", "success");
    fork.expect("plan", "skipped");
    refused(&machine, merge(&machine, 8, "h2", ONE), "there is no run of studio.yml for #8");

    // Somebody who looks at what is there now may go on.
    run(&machine, ONE, &Event::dispatch()).expect("apply", "success");
}

#[test]
fn a_pull_request_learns_what_would_block_or_fail_its_apply() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with(USER);
    run(&machine, ONE, &Event::dispatch()).expect("apply", "success");
    commit(&machine, "");
    pull_request(&machine, 7, "h1").expect("plan", "failure");
    let comment = machine.kept("comments").pop().unwrap();
    assert!(comment["body"].as_str().unwrap().contains("blocked"), "{comment}");

    commit(&machine, "  authMod: IAM\n");
    let wrong = pull_request(&machine, 7, "h2");
    wrong.expect("check", "failure");
    wrong.expect("plan", "failure");
    let [comment] = machine.kept("comments").try_into().unwrap();
    assert!(comment["body"].as_str().unwrap().contains("exit 3"), "{comment}");
}

#[test]
fn only_a_release_with_the_right_checksum_is_run() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    machine.corrupt_release();
    let stopped = pull_request(&machine, 7, "h1");
    for job in ["check", "plan"] {
        let log = &stopped.expect(job, "failure").log;
        assert!(log.contains("is expected") && !log.contains("user_profile"), "{log}");
    }
    assert!(machine.log().contains("gh attestation verify"), "{}", machine.log());
}

#[test]
fn every_deployment_of_an_mdaa_file_has_jobs_of_its_own() {
    if !Machine::is_usable() {
        return;
    }
    let machine = Machine::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/mdaa"), &machine.path("repository"));
    let open = run(&machine, SEVERAL, &Event::pull_request(7, "h0", REPOSITORY));
    let log = &open.expect("list", "failure").log;
    assert!(log.contains("mdaa.yaml needs `account:` and `region:` for acme/dev/research/studio"), "{log}");
    let text = fs::read_to_string(machine.path("repository/mdaa.yaml")).unwrap();
    machine
        .commit("mdaa.yaml", &text.replace("\nregion: us-east-1\n", "\naccount: '123456789012'\nregion: us-east-1\n"));

    let planned = run(&machine, SEVERAL, &Event::pull_request(7, "h1", REPOSITORY));
    let roles: Vec<_> = planned.expect_all("plan", "success").iter().map(|job| job.role.as_deref().unwrap()).collect();
    assert_eq!(roles, ["arn:aws:iam::123456789012:role/studio-plan"; 3]);
    let comments = machine.kept("comments");
    let first = |comment: &Json| comment["body"].as_str().unwrap().lines().next().unwrap().to_owned();
    let mut markers: Vec<String> = comments.iter().map(first).collect();
    markers.sort();
    assert_eq!(
        markers,
        ["dev/analytics/studio", "dev/research/studio", "prod/research/studio-prod"]
            .map(|name| format!("<!-- studio-deploy: acme/{name} -->"))
    );

    let merged = merge(&machine, 7, "h1", SEVERAL);
    let environments = merged.expect_all("apply", "success").iter().map(|job| job.environment.as_deref().unwrap());
    assert_eq!(environments.collect::<Vec<_>>(), ["dev", "prod", "dev"]);

    // One deployment's change is one apply.
    let path = "studio/production.yaml";
    let production = fs::read_to_string(machine.path("repository").join(path)).unwrap();
    let with_zoe =
        format!("{production}  userProfiles:\n    zoe:\n      userRole:\n        id: generated-role-id:researcher\n");
    machine.commit(path, &with_zoe);
    run(&machine, SEVERAL, &Event::pull_request(8, "h2", REPOSITORY)).expect_all("plan", "success");
    let merged = merge(&machine, 8, "h2", SEVERAL);
    let [apply] = merged.expect_all("apply", "success") else { panic!("one changes: {merged:?}") };
    assert_eq!(apply.environment.as_deref(), Some("prod"));
    run(&machine, SEVERAL, &Event::schedule()).expect_all("drift", "success");

    // A merge of which nobody saw a plan stops its own deployment, and no other has anything to do.
    machine.commit(path, &with_zoe.replace("description: HTTPS", "description: TLS"));
    let unseen = run(&machine, SEVERAL, &Event::push("straight"));
    assert_eq!(unseen.results("plan").iter().filter(|result| **result == "failure").count(), 1);
    unseen.expect("apply", "skipped");
}
