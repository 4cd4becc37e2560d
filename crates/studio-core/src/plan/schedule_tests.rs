//! Order of tasks while a plan is carried out: the edges between them, and the next to begin.

use serde_json::json;

use super::super::testing::{Situation, address, arn};
use super::*;

/// A role, a domain that is made of it and cannot get another, and a user in that.
fn environment() -> Situation {
    Situation::default()
        .wants("execution_role.r", json!({"Plain": "a"}))
        .wants("domain.d", json!({"FixedRole": "${execution_role.r.Arn}"}))
        .wants("user_profile.u", json!({"Fixed": "in ${domain.d.Arn}"}))
}

fn living() -> Situation {
    environment()
        .has("execution_role.r", json!({"Plain": "a"}))
        .has("domain.d", json!({"FixedRole": arn("execution_role.r")}))
        .has("user_profile.u", json!({"Fixed": format!("in {}", arn("domain.d"))}))
}

/// A task in a word: `domain.d`, and of a replacement `-domain.d` and `+domain.d`.
fn word(task: Task<'_>) -> String {
    let sign = match task.phase {
        Some(ReplacePhase::Destroy) => "-",
        Some(ReplacePhase::Create) => "+",
        None => "",
    };
    format!("{sign}{}", task.step.address())
}

/// Each task with what it waits for: `+domain.d < -domain.d`.
fn edges(plan: &Plan) -> Vec<String> {
    let schedule = Schedule::of(plan);
    let line = |(at, task)| {
        let before: Vec<String> = schedule.waits_for(at).iter().map(|of| word(schedule.task(*of))).collect();
        if before.is_empty() { word(task) } else { format!("{} < {}", word(task), before.join(" ")) }
    };
    schedule.tasks().map(line).collect()
}

#[test]
fn halves_of_what_is_replaced_together_stand_between_each_other() {
    let other = || living().wants("domain.d", json!({"FixedRole": "${execution_role.r.Arn}", "Fixed": "b"}));
    for (name, scene, words, expected) in [
        ("nothing differs", living(), "", vec![]),
        (
            "all is made",
            environment(),
            "",
            vec!["execution_role.r", "domain.d < execution_role.r", "user_profile.u < domain.d"],
        ),
        (
            "what is there is not waited for",
            environment().has("execution_role.r", json!({"Plain": "a"})),
            "",
            vec!["domain.d", "user_profile.u < domain.d"],
        ),
        (
            "what lives in it goes before it and is made after it",
            other(),
            "replace=domain.d",
            vec![
                "-domain.d < -user_profile.u",
                "+domain.d < -domain.d",
                "-user_profile.u",
                "+user_profile.u < +domain.d -user_profile.u",
            ],
        ),
        (
            "what lives in it and is wanted no longer goes before it too",
            other().without("user_profile.u"),
            "replace=domain.d profile-delete=u",
            vec!["-domain.d < user_profile.u", "+domain.d < -domain.d", "user_profile.u"],
        ),
        (
            "what is made in it waits for all of it",
            other().wants("parameter.p", json!({"Value": "${domain.d.Arn}"})),
            "replace=domain.d",
            vec![
                "-domain.d < -user_profile.u",
                "+domain.d < -domain.d",
                "parameter.p < +domain.d",
                "-user_profile.u",
                "+user_profile.u < +domain.d -user_profile.u",
            ],
        ),
        (
            "what was made before it goes after it",
            other().has("bucket.old", json!({})),
            "replace=domain.d",
            vec![
                "-domain.d < -user_profile.u",
                "+domain.d < -domain.d",
                "-user_profile.u",
                "+user_profile.u < +domain.d -user_profile.u",
                "bucket.old < +domain.d +user_profile.u",
            ],
        ),
        (
            "what is blocked has its place",
            other(),
            "",
            vec![
                "-domain.d < -user_profile.u",
                "+domain.d < -domain.d",
                "-user_profile.u",
                "+user_profile.u < +domain.d -user_profile.u",
            ],
        ),
    ] {
        let mut found = edges(&scene.plan(words));
        let mut expected = expected;
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}");
    }
}

/// The tasks in the order in which one executor after another takes them, each done before the next begins.
fn one_by_one(schedule: &Schedule<'_>) -> Vec<String> {
    let mut queue = schedule.queue();
    let mut order = Vec::new();
    while let Some(at) = queue.take() {
        order.push(word(schedule.task(at)));
        queue.complete(at);
    }
    order
}

#[test]
fn every_task_comes_once_and_after_what_it_waits_for() {
    let replaced = living().wants("domain.d", json!({"FixedRole": "${execution_role.r.Arn}", "Fixed": "b"}));
    let destroyed = Situation { graph: crate::model::Graph::new(), ..living() };
    for (scene, words) in [(environment(), ""), (replaced, "replace=domain.d"), (destroyed, "destroy")] {
        let plan = scene.plan(words);
        let schedule = Schedule::of(&plan);
        let order = one_by_one(&schedule);
        assert_eq!(order.len(), schedule.tasks().count());
        for (at, task) in schedule.tasks() {
            let place = |task| order.iter().position(|other| *other == word(task)).unwrap();
            assert!(schedule.waits_for(at).iter().all(|of| place(schedule.task(*of)) < place(task)), "{order:?}");
        }
    }
}

#[test]
fn the_longest_path_begins_first_and_equals_stand_as_in_the_plan() {
    let scene = Situation::default()
        .wants("execution_role.a", json!({"Plain": "a"}))
        .wants("kms_key.a", json!({"Plain": "a"}))
        .wants("kms_key.b", json!({"Plain": "a"}))
        .wants("bucket.b", json!({"Plain": "${kms_key.b.Arn}"}))
        .wants("domain.d", json!({"Plain": "${bucket.b.Arn}"}))
        .wants("user_profile.u", json!({"Plain": "${kms_key.a.Arn}"}));
    let plan = scene.plan("");
    let schedule = Schedule::of(&plan);
    let mut queue = schedule.queue();
    let ready: Vec<String> = std::iter::from_fn(|| queue.take()).map(|at| word(schedule.task(at))).collect();
    assert_eq!(ready, ["kms_key.b", "kms_key.a", "execution_role.a"]);
    let alike = Situation::default().wants("bucket.a", json!({})).wants("bucket.b", json!({})).plan("");
    assert_eq!(one_by_one(&Schedule::of(&alike)), ["bucket.a", "bucket.b"]);
}

#[test]
fn what_waits_for_something_lost_is_lost_for_the_same() {
    let scene = Situation::default()
        .wants("execution_role.r", json!({"Plain": "a"}))
        .wants("kms_key.k", json!({"Plain": "a"}))
        .wants("bucket.b", json!({"Plain": "${kms_key.k.Arn}"}))
        .wants("domain.d", json!({"Role": "${execution_role.r.Arn}", "Plain": "${bucket.b.Arn}"}))
        .wants("user_profile.u", json!({"Plain": "${domain.d.Arn}"}));
    let plan = scene.plan("");
    let schedule = Schedule::of(&plan);
    let number = |at: &str| schedule.tasks().find(|(_, task)| *task.step.address() == address(at)).unwrap().0;
    for (name, given_up, expected, then) in [
        ("the last", vec!["user_profile.u"], vec![], vec!["kms_key.k", "execution_role.r", "bucket.b", "domain.d"]),
        (
            "one in the middle",
            vec!["bucket.b"],
            vec![("domain.d", "bucket.b"), ("user_profile.u", "bucket.b")],
            vec!["kms_key.k", "execution_role.r"],
        ),
        (
            "two at once: each is lost for the first of those that it waits for",
            vec!["bucket.b", "execution_role.r"],
            vec![("domain.d", "execution_role.r"), ("user_profile.u", "execution_role.r")],
            vec!["kms_key.k"],
        ),
    ] {
        let mut queue = schedule.queue();
        let lost = queue.give_up(given_up.into_iter().map(number));
        let expected: Vec<(usize, usize)> = expected.into_iter().map(|(at, of)| (number(at), number(of))).collect();
        assert_eq!(lost, expected, "{name}");
        let mut order = Vec::new();
        while let Some(at) = queue.take() {
            order.push(word(schedule.task(at)));
            queue.complete(at);
        }
        assert_eq!(order, then, "{name}");
        assert!(queue.drain().is_empty(), "{name}: all is taken or lost");
    }
}

#[test]
fn what_has_not_begun_is_drained_in_the_order_of_the_plan() {
    let plan = environment().plan("");
    let schedule = Schedule::of(&plan);
    let mut queue = schedule.queue();
    assert!(queue.take().is_some());
    let drained: Vec<String> = queue.drain().into_iter().map(|at| word(schedule.task(at))).collect();
    assert_eq!(drained, ["domain.d", "user_profile.u"]);
    assert_eq!(queue.take(), None);
}
