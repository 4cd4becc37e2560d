//! Accessors of a step, and the steps that it may become.

use serde_json::json;

use super::super::DeletionPolicy;
use super::super::testing::{Situation, address, step};
use super::*;
use crate::model::{Owner, State};

#[test]
fn only_keeping_and_retaining_change_nothing() {
    for (action, symbol, is_change) in [
        (Action::Keep, " ", false),
        (Action::Retain, " ", false),
        (Action::Adopt, "<-", true),
        (Action::Create, "+", true),
        (Action::Update, "~", true),
        (Action::Replace, "-/+", true),
        (Action::Delete, "-", true),
    ] {
        assert_eq!((action.symbol(), action.is_change()), (symbol, is_change), "{action:?}");
    }
}

#[test]
fn a_step_turns_only_into_what_it_has_the_parts_for() {
    let node = Node::new(address("bucket.b"), json!({"Plain": "b"}).into());
    let live = Observed::new("b", json!({"Plain": "a"}).into());
    let changes = Vec::new();
    let of = |transition: &Transition| Step::new(address("bucket.b"), transition.clone(), "");
    let turned = |transition: &Transition| {
        let [mut kept, mut replaced, mut updated] = [(); 3].map(|()| of(transition));
        kept.keep("");
        replaced.replace("");
        updated.update("");
        assert_eq!((kept.node(), kept.observed()), (of(transition).node(), of(transition).observed()));
        [kept.action(), replaced.action(), updated.action()]
    };
    let (of_node, of_live) = (node.clone(), live.clone());
    for (transition, expected) in [
        (
            Transition::Update { node: of_node.clone(), live: of_live.clone(), changes: changes.clone() },
            [Action::Keep, Action::Replace, Action::Update],
        ),
        (
            Transition::Adopt { node: of_node.clone(), live: of_live.clone(), changes: changes.clone() },
            [Action::Keep, Action::Replace, Action::Adopt],
        ),
        (
            Transition::Replace { node: of_node, live: of_live.clone(), changes: changes.clone() },
            [Action::Keep, Action::Replace, Action::Update],
        ),
        (Transition::Create { node, changes: changes.clone() }, [Action::Keep, Action::Create, Action::Create]),
        (Transition::Release { live: of_live, changes }, [Action::Keep, Action::Update, Action::Update]),
        (
            Transition::Delete { live: live.clone(), data: DeletionPolicy::Retain },
            [Action::Keep, Action::Delete, Action::Delete],
        ),
        (Transition::Retain { live }, [Action::Keep, Action::Retain, Action::Retain]),
    ] {
        assert_eq!(turned(&transition), expected, "{transition:?}");
    }
}

#[test]
fn a_step_runs_if_it_changes_something_and_may() {
    let scene = Situation::default()
        .wants("domain.d", json!({"Plain": "b"}))
        .has("domain.d", json!({"Plain": "a"}))
        .keeps("bucket.kept", json!({"Plain": "a"}))
        .wants("kms_key.k", json!({"Plain": "a"}))
        .has_in(State::Disabled, "kms_key.k", json!({"Plain": "a"}))
        .has("bucket.b", json!({"Removal": "bucket"}))
        .has("user_profile.ann", json!({"Removal": "guarded"}))
        .has("parameter.p", json!({"Alias": "a", "Removal": "all but alias"}));
    let plan = scene.plan("");
    for (at, runs, is_retained) in [
        ("domain.d", true, false),
        ("bucket.kept", false, false),
        ("kms_key.k", false, false),
        ("bucket.b", false, true),
        ("user_profile.ann", false, false),
        ("parameter.p", true, true),
    ] {
        assert_eq!((step(&plan, at).runs(), step(&plan, at).is_retained()), (runs, is_retained), "{at}");
    }
    let counts = [Action::Keep, Action::Update, Action::Delete, Action::Retain, Action::Create].map(|a| plan.count(a));
    assert_eq!(counts, [2, 2, 1, 1, 0]);
    assert_eq!(plan.blocked().count(), 2);
    assert!(plan.step(&address("app.a")).is_none());
}

#[test]
fn a_step_stands_where_its_change_does() {
    let place = |line| Source { file: "other.yaml".into(), line, column: 1 };
    let scene = Situation::default()
        .wants("domain.d", json!({"Other": "a", "Plain": "b"}))
        .has("domain.d", json!({"Other": "a", "Plain": "a"}))
        .wants("bucket.new", json!({"Plain": "a"}))
        .has("parameter.old", json!({}))
        .foreign(Owner::Unknown, "bucket.new", json!({"Plain": "x"}));
    let plan = scene.plan("");
    for (at, line) in [("domain.d", Some(3)), ("bucket.new", Some(1)), ("parameter.old", None)] {
        assert_eq!(step(&plan, at).source().map(|source| source.line), line, "{at}");
        let placed = Step { place: Some(place(9)), ..step(&plan, at).clone() };
        assert_eq!(placed.source(), Some(&place(9)), "{at}: a check knows better");
    }
}

#[test]
fn a_plan_of_a_part_knows_what_the_whole_asks_for() {
    let scene = Situation::default().wants("domain.d", json!({"Plain": "a"})).wants("bucket.b", json!({"Plain": "a"}));
    let (whole, part) = (scene.plan(""), scene.plan("target=bucket.b"));
    assert!(whole.config_digest().is_some());
    assert_eq!(part.config_digest(), whole.config_digest());
    assert_eq!((whole.omitted().count(), part.omitted().count()), (0, 1));
    assert!(part.differs() && !part.is_partial());
    assert_eq!(Situation::default().plan("destroy").config_digest(), None);
}
