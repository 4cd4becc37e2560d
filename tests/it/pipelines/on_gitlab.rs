//! Story of a project on GitLab.

use serde_json::json;

use super::gitlab::{Source, run};
use super::machine::Machine;
use super::{USER, commit, with};

#[test]
fn a_merge_request_is_planned_noted_merged_and_applied() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    machine.keep("notes", &json!([{"id": 1, "author": {"id": 9}, "body": "<!-- studio-deploy: studio -->"}]));
    let first = run(&machine, &Source::MergeRequest(7));
    for job in ["check", "plan"] {
        assert_eq!(first[job].code, 0, "{}", first[job].log);
    }
    assert_eq!(first["plan"].role.as_deref(), Some("arn:aws:iam::123456789012:role/studio-plan"));
    assert_eq!(first["check"].role, None);
    assert!(!first.contains_key("apply") && !first.contains_key("drift"), "{first:?}");
    commit(&machine, USER);
    assert_eq!(run(&machine, &Source::MergeRequest(7))["plan"].code, 0);
    let notes = machine.kept("notes");
    assert_eq!(notes.len(), 2, "one note, updated: {notes:?}");
    let body = notes[1]["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- studio-deploy: studio -->\n# studio-deploy plan"), "{body}");
    assert!(body.contains("user_profile.ben"), "{body}");

    let sha = "abc";
    machine.add("pulls", json!({"iid": 7, "state": "merged", "merge_commit_sha": sha}));
    let merged = run(&machine, &Source::Push(sha.into()));
    assert!(merged["plan"].log.contains("the one that was reviewed in !7"), "{}", merged["plan"].log);
    assert_eq!(merged["apply"].code, 0, "{}", merged["apply"].log);
    assert_eq!(merged["apply"].role.as_deref(), Some("arn:aws:iam::123456789012:role/studio-apply"));
    assert!(merged["apply"].log.contains("Apply complete: 28 created"), "{}", merged["apply"].log);

    let nightly = run(&machine, &Source::Schedule);
    assert_eq!(nightly.keys().collect::<Vec<_>>(), ["drift"]);
    assert_eq!(nightly["drift"].code, 0, "{}", nightly["drift"].log);
}

#[test]
fn a_merge_that_nobody_reviewed_is_not_applied_and_drift_keeps_an_issue_open() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    let unseen = run(&machine, &Source::Push("straight".into()));
    assert_eq!(unseen["plan"].code, 7, "{}", unseen["plan"].log);
    assert!(!unseen.contains_key("apply"), "{unseen:?}");
    run(&machine, &Source::MergeRequest(8));
    commit(&machine, USER);
    machine.add("pulls", json!({"iid": 8, "state": "merged", "merge_commit_sha": "def"}));
    let other = run(&machine, &Source::Push("def".into()));
    assert!(other["plan"].log.contains("another than the one reviewed in !8"), "{}", other["plan"].log);
    assert_eq!(other["plan"].code, 7);
    assert_eq!(run(&machine, &Source::Web)["apply"].code, 0);

    machine.by_hand("Attach");
    for _ in 0..2 {
        assert_eq!(run(&machine, &Source::Schedule)["drift"].code, 2);
        let [issue] = machine.kept("issues").try_into().unwrap();
        assert_eq!((&issue["title"], &issue["confidential"]), (&json!("Drift: studio"), &json!("true")));
        assert!(issue["description"].as_str().unwrap().contains("AdministratorAccess"), "{issue}");
    }
    machine.by_hand("Detach");
    assert_eq!(run(&machine, &Source::Schedule)["drift"].code, 0);
    assert_eq!(machine.kept("issues")[0]["state"], "closed");

    // A removal without consent is blocked, which the note says and the job ends with.
    commit(&machine, "");
    assert_eq!(run(&machine, &Source::MergeRequest(9))["plan"].code, 5);
    assert!(machine.kept("notes").pop().unwrap()["body"].as_str().unwrap().contains("blocked"));
    machine.corrupt_release();
    let stopped = run(&machine, &Source::MergeRequest(9));
    assert!(stopped["check"].code != 0 && !stopped.contains_key("plan"), "{stopped:?}");
}
