//! Saved plans: exactly what was saved is applied, or nothing.

use super::*;

/// Every place in a document.
fn pointers(json: &Json, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                pointers(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{at}/{index}"), all));
        }
        _ => {}
    }
}

fn remove(json: &mut Json, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match json.pointer_mut(parent).unwrap() {
        Json::Object(members) => drop(members.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Json::Array(items) => drop(items.remove(name.parse().unwrap())),
        _ => unreachable!(),
    }
}

/// The document with one place changed, removed, retyped, and with something added there.
fn edits(json: &Json, pointer: &str) -> Vec<Json> {
    let edited = |value: Json| {
        let mut json = json.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        json
    };
    let here = json.pointer(pointer).unwrap().clone();
    let mut all = match &here {
        Json::String(text) => vec![edited(format!("{text}x").into()), edited(1.into()), edited(Json::Null)],
        Json::Bool(is) => vec![edited((!is).into()), edited(Json::Null)],
        Json::Number(number) => vec![edited((number.as_i64().unwrap_or(0) + 1).into()), edited("1".into())],
        Json::Null => vec![edited("x".into()), edited(false.into())],
        Json::Array(items) => vec![edited([&items[..], &[Json::Null]].concat().into()), edited(Json::Null)],
        Json::Object(members) => {
            let mut more = members.clone();
            more.insert("more".into(), 1.into());
            vec![edited(more.into()), edited(Json::Null)]
        }
    };
    if !pointer.is_empty() {
        let mut without = json.clone();
        remove(&mut without, pointer);
        all.push(without);
    }
    all
}

/// A change of a plan's document.
type Edit = fn(&mut Json);

#[test]
fn a_plan_that_was_edited_is_never_applied() {
    use studio_deploy::plan::document::PlanDocument;
    let (mut cases, mut runs) = (0, 0);
    for sample in ["minimal.yaml", "sso.yaml", "comprehensive.yaml"] {
        let desk = Desk::new();
        desk.run(&["plan", sample, "--out", "p.json"]).expect(0);
        let saved: Json = serde_json::from_str(&desk.read("p.json")).unwrap();
        assert!(PlanDocument::read(&saved.to_string()).is_ok(), "white space is no part of it");
        let mut places = Vec::new();
        pointers(&saved, "", &mut places);
        // Of the large plan every few places are enough: the same members come again and again.
        let every = if sample == "comprehensive.yaml" { 17 } else { 1 };
        for (at, pointer) in places.iter().enumerate().step_by(every) {
            for (which, edited) in edits(&saved, pointer).into_iter().enumerate() {
                assert!(PlanDocument::read(&edited.to_string()).is_err(), "{sample} {pointer} {which}");
                cases += 1;
                // The program itself, for some.
                if which == 0 && (at / every).is_multiple_of(97) {
                    desk.write("p.json", &edited.to_string());
                    desk.run(&["apply", sample, "--plan", "p.json"]).expect(7).notes_have("plan again");
                    runs += 1;
                }
            }
        }
        assert!(!desk.path("F").exists());
        let text = saved.to_string();
        desk.write("p.json", &text[..text.len() / 2]);
        desk.run(&["apply", sample, "--plan", "p.json"]).expect(7);
    }
    println!("{cases} edits of saved plans, {runs} of them through the program");
}

/// The plan with a member changed and a digest that fits: what a cautious reader refuses all the same.
fn forged(saved: &Json, edit: impl Fn(&mut Json)) -> String {
    use studio_deploy::plan::document::PlanDocument;
    let mut json = saved.clone();
    json.as_object_mut().unwrap().remove("digest");
    edit(&mut json);
    let document: PlanDocument = serde_json::from_value(json).unwrap();
    document.text()
}

#[test]
fn a_plan_that_does_not_fit_is_refused_for_its_reason() {
    let desk = Desk::new();
    desk.run(&["plan", "minimal.yaml", "--out", "p.json"]).expect(0);
    let saved: Json = serde_json::from_str(&desk.read("p.json")).unwrap();
    let cases: [(Edit, &str); 9] = [
        (|plan| drop(plan.as_object_mut().unwrap().remove("expires")), "until when"),
        (|plan| plan["expires"] = "soon".into(), "until when"),
        (|plan| plan["expires"] = Json::Null, "until when"),
        (|plan| plan["expires"] = "2020-01-01T00:00:00Z".into(), "has expired"),
        (|plan| plan["tool_version"] = "0.0.9".into(), "studio-deploy 0.0.9 saved the plan"),
        (|plan| plan["deployment"] = "acme/dev/ml/other".into(), "acme/dev/ml/other"),
        (|plan| plan["account"] = "210987654321".into(), "the account was"),
        (|plan| plan["region"] = "eu-west-1".into(), "the region was"),
        (|plan| plan["config_digest"] = "0".into(), "the config has changed"),
    ];
    for (edit, said) in cases {
        desk.write("p.json", &forged(&saved, edit));
        desk.run(&["apply", "minimal.yaml", "--plan", "p.json"]).expect(7).notes_have(said);
    }
    assert!(!desk.path("F").exists());
    desk.write("p.json", &forged(&saved, |_| {}));
    desk.run(&["apply", "minimal.yaml", "--plan", "p.json"]).expect(0);
    desk.raw(&["graph", "--plan", "/dev/null"]).expect(7);
}
