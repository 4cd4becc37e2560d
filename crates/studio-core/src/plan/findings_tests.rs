//! Blocks and notices that findings become.

use serde_json::json;

use super::super::testing::{Situation, lines, notices, step, why};
use super::*;
use crate::model::Owner;

fn source(line: usize) -> Source {
    Source { file: "studio.yaml".into(), line, column: 9 }
}

fn obstacle(at: &str, why: &str, check: Check, line: Option<usize>) -> Finding {
    let address = super::super::testing::address(at);
    Finding::Obstacle(Obstacle {
        address,
        why: why.into(),
        hint: format!("end {why}"),
        source: line.map(source),
        check,
    })
}

/// A domain that is changed, a bucket that is somebody else's, and a parameter that goes.
fn situation() -> Situation {
    Situation::default()
        .wants("domain.studio", json!({"Plain": "b"}))
        .has("domain.studio", json!({"Plain": "a"}))
        .wants("bucket.b", json!({"Plain": "a"}))
        .foreign(Owner::Unknown, "bucket.b", json!({"Plain": "x"}))
        .has("parameter.old", json!({}))
}

#[test]
fn obstacles_of_one_round_are_told_together_in_any_order() {
    let [one, other] =
        [("b", Some(7)), ("a", None)].map(|(why, line)| obstacle("domain.studio", why, Check::Preflight, line));
    for findings in [vec![one.clone(), other.clone()], vec![other.clone(), one.clone(), one.clone()]] {
        let plan = situation().draft("").with(findings).finish();
        let blocked = step(&plan, "domain.studio").blocked.clone().unwrap();
        assert_eq!((blocked.why.as_str(), blocked.hint.as_str()), ("a; b", "end a; end b"));
        assert_eq!(step(&plan, "domain.studio").source(), Some(&source(7)));
    }
}

#[test]
fn the_first_reason_stays_unless_the_security_gate_speaks() {
    use Check::{Preflight, SecurityGate, Stack};
    for (first, second, expected) in [
        (Stack, Preflight, "first"),
        (Preflight, Stack, "first"),
        (Preflight, SecurityGate, "second"),
        (SecurityGate, Preflight, "first"),
    ] {
        for at in ["domain.studio", "bucket.b"] {
            let plan = situation().draft("").with(vec![obstacle(at, "first", first, None)]);
            let plan = plan.with(vec![obstacle(at, "second", second, None)]).finish();
            // Whose the bucket is was known before any check.
            let is_known = at == "bucket.b" && first != SecurityGate && second != SecurityGate;
            let said = why(&plan, at).unwrap();
            let of_gate = if first == SecurityGate { "first" } else { "second" };
            match at == "bucket.b" {
                true if is_known => assert!(said.contains("did not make"), "{said}"),
                true => assert_eq!(said, of_gate),
                false => assert_eq!(said, expected, "{first:?} {second:?}"),
            }
        }
    }
}

#[test]
fn only_a_look_at_the_account_is_a_failed_check() {
    for (check, expected) in [(Check::SecurityGate, false), (Check::Stack, false), (Check::Preflight, true)] {
        let plan = situation().draft("").with(vec![obstacle("domain.studio", "no", check, None)]).finish();
        assert_eq!(step(&plan, "domain.studio").blocked.as_ref().unwrap().is_failed_check, expected, "{check:?}");
    }
}

#[test]
fn what_is_about_nothing_in_the_plan_is_no_block() {
    let plan = situation().draft("").with(vec![obstacle("domain.other", "no", Check::Preflight, None)]).finish();
    assert_eq!(lines(&plan), ["keep bucket.b (blocked)", "update domain.studio", "delete parameter.old"]);
}

#[test]
fn an_origin_places_what_has_no_place() {
    let at = |text: &str| super::super::testing::address(text);
    let origins = ["parameter.old", "domain.studio"].map(|of| Finding::Origin { address: at(of), source: source(3) });
    let plan = situation().draft("").with(origins.to_vec()).finish();
    assert_eq!(step(&plan, "parameter.old").source(), Some(&source(3)));
    // What an obstacle says is closer.
    let origin = Finding::Origin { address: at("parameter.old"), source: source(3) };
    let checked = obstacle("parameter.old", "no", Check::Preflight, Some(8));
    let plan = situation().draft("").with(vec![origin.clone()]).with(vec![checked.clone()]).finish();
    assert_eq!(step(&plan, "parameter.old").source(), Some(&source(8)));
    let plan = situation().draft("").with(vec![checked]).with(vec![origin]).finish();
    assert_eq!(step(&plan, "parameter.old").source(), Some(&source(8)));
}

#[test]
fn notices_stand_in_the_order_of_the_rounds() {
    let note = |text: &str| Finding::notice(Some(super::super::testing::address("domain.studio")), text);
    let plan = situation().draft("").with(vec![note("b"), note("a")]).with(vec![note("c")]).finish();
    assert_eq!(notices(&plan, "domain.studio"), ["b", "a", "c"]);
}

#[test]
fn what_is_watched_is_mended_only_by_a_step_that_runs() {
    let scene = Situation::default()
        .wants("domain.studio", json!({"Plain": "a"}))
        .has("domain.studio", json!({"Plain": "a", "Odd": "x"}));
    let draft = || scene.draft("mend=domain.studio");
    assert!(draft().finish().watched.is_empty());
    let blocked = draft().with(vec![obstacle("domain.studio", "no", Check::Preflight, None)]).finish();
    assert_eq!(blocked.watched.len(), 1);
}
