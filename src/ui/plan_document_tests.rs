//! Tests of plans as documents, on the scenes that the screens are tested with.

use super::schema;
use super::testing::{Scene, create_all, destroy, removal, script, update};
use crate::plan::document::PlanDocument;

fn scenes() -> [Scene; 5] {
    [create_all(), update(), script(), removal(), destroy()]
}

#[test]
fn a_saved_plan_is_read_back_as_it_was() {
    for scene in scenes() {
        let document = PlanDocument::of(&scene.plan()).dated("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let read = PlanDocument::read(&document.text()).unwrap();
        assert_eq!(PlanDocument { digest: None, ..read.clone() }, document);
        assert_eq!(read.moved(&document), None);
    }
}

#[test]
fn every_plan_is_valid_by_the_published_schema() {
    let validator = jsonschema::validator_for(&schema::plan()).unwrap();
    for scene in scenes() {
        let json = serde_json::to_value(PlanDocument::of(&scene.plan())).unwrap();
        validator.validate(&json).unwrap();
    }
}

#[test]
fn what_only_the_apply_will_know_names_its_origin() {
    let document = PlanDocument::of(&create_all().plan());
    let domain = document.changes.iter().find(|step| step.address == "domain.studio").unwrap();
    assert_eq!(domain.after["DefaultUserSettings"]["ExecutionRole"], "${execution_role.default.Arn}");
    assert_eq!(domain.before, serde_json::Value::Null);
    assert_eq!(domain.waits_for, ["execution_role.default", "security_group.domain"]);
    assert_eq!(domain.source.as_ref().unwrap().line, 10);
}

#[test]
fn what_may_not_happen_says_why() {
    let document = PlanDocument::of(&removal().plan());
    assert!(document.blocked);
    assert_eq!((document.summary.blocked, document.summary.destroy), (2, 1));
    let ben = document.changes.iter().find(|step| step.address == "user_profile.ben").unwrap();
    assert!(ben.blocked_by.as_ref().unwrap().hint.contains("--allow-profile-delete ben"));
}

#[test]
fn what_moved_is_named() {
    let saved = PlanDocument::of(&script().plan());
    let other = script().has("lifecycle_config.jupyterLab", serde_json::json!({"Content": "other"}));
    for (now, expected) in [
        (other, "Content of lifecycle_config.jupyterLab has moved"),
        (create_all(), "domain.studio differs now and did not when the plan was made"),
    ] {
        assert_eq!(saved.moved(&PlanDocument::of(&now.plan())).as_deref(), Some(expected));
    }
    let elsewhere = PlanDocument { region: "eu-west-1".into(), ..saved.clone() };
    assert_eq!(saved.moved(&elsewhere).as_deref(), Some("the region was us-east-1 and is eu-west-1"));
}

#[test]
fn another_format_is_refused_before_its_shape_is_looked_at() {
    let error = PlanDocument::read(r#"{"format_version": 2}"#).unwrap_err();
    assert!(error.to_string().contains("format version 2"), "{error}");
    assert!(PlanDocument::read("{}").is_err());
}
