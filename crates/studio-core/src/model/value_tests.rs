//! Tests of property trees, texts and paths.

use serde_json::json;

use super::*;
use crate::model::Kind;

fn domain() -> Address {
    Address::new(Kind::Domain, "studio")
}

fn role() -> Address {
    Address::new(Kind::ExecutionRole, "default")
}

fn id() -> Text {
    Text::output(domain(), "DomainId")
}

fn arn() -> Text {
    Text::output(role(), "Arn")
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn tree() -> Value {
    Value::from(json!({
        "Name": "studio", "Empty": {}, "Nothing": null, "None": [], "Flag": false,
        "User": {"Role": "r", "Groups": ["a", {"Deep": "b"}], "App": {"Idle": 60}},
    }))
}

#[test]
fn a_path_leads_through_maps_alone() {
    for (name, at, expected) in [
        ("the tree itself", "", Some(tree())),
        ("a member", "Name", Some(Value::from("studio"))),
        ("a member of a member", "User.App.Idle", Some(Value::from(60))),
        ("a map", "User.App", Some(Value::from(json!({"Idle": 60})))),
        ("a null is there", "Nothing", Some(Value::Null)),
        ("an empty list is there", "None", Some(Value::List(Vec::new()))),
        ("no such member", "Missing", None),
        ("no such member below", "User.Missing.Idle", None),
        ("below a text", "Name.studio", None),
        ("below a null", "Nothing.More", None),
        ("into a list by key", "User.Groups.Deep", None),
        ("into a list by number", "User.Groups.0", None),
        ("another case", "name", None),
    ] {
        assert_eq!(tree().at(&path(at)), expected.as_ref(), "{name}");
    }
}

#[test]
fn what_is_put_somewhere_stands_there_and_changes_nothing_else() {
    for (name, before, at, expected) in [
        ("into nothing", json!(null), "A", json!({"A": "new"})),
        ("deep into nothing", json!({}), "A.B.C", json!({"A": {"B": {"C": "new"}}})),
        ("beside others", json!({"A": {"B": 1}, "D": 2}), "A.C", json!({"A": {"B": 1, "C": "new"}, "D": 2})),
        ("over a value", json!({"A": {"B": 1}}), "A.B", json!({"A": {"B": "new"}})),
        ("over a map", json!({"A": {"B": 1}}), "A", json!({"A": "new"})),
        ("below a text", json!({"A": "old"}), "A.B", json!({"A": {"B": "new"}})),
        ("below a list", json!({"A": [1, 2]}), "A.B", json!({"A": {"B": "new"}})),
        ("over everything", json!({"A": 1}), "", json!("new")),
    ] {
        let mut value = Value::from(before);
        value.set_at(&path(at), "new".into());
        assert_eq!(value.to_json(), expected, "{name}");
        assert_eq!(value.at(&path(at)), Some(&"new".into()), "{name}");
    }
}

#[test]
fn what_is_taken_away_takes_along_the_maps_that_it_leaves_empty() {
    for (name, before, at, expected) in [
        ("a member", json!({"A": 1, "B": 2}), "A", json!({"B": 2})),
        ("the only member of a map", json!({"A": {"B": {"C": 1}}, "D": 2}), "A.B.C", json!({"D": 2})),
        ("one of two", json!({"A": {"B": 1, "C": 2}}), "A.B", json!({"A": {"C": 2}})),
        ("a whole map", json!({"A": {"B": 1}, "C": 2}), "A", json!({"C": 2})),
        ("the last of all", json!({"A": {"B": 1}}), "A.B", json!({})),
        ("nothing that is there", json!({"A": {"B": 1}}), "A.C", json!({"A": {"B": 1}})),
        ("below nothing", json!({"A": 1}), "B.C", json!({"A": 1})),
        ("below a text", json!({"A": "text"}), "A.B", json!({"A": "text"})),
        ("no path", json!({"A": 1}), "", json!({"A": 1})),
        ("a map that was empty goes only where the way led", json!({"A": {}, "B": {"C": 1}}), "B.C", json!({"A": {}})),
    ] {
        let mut value = Value::from(before);
        value.remove_at(&path(at));
        assert_eq!(value.to_json(), expected, "{name}");
    }
}

#[test]
fn what_is_no_map_becomes_one_when_a_member_is_set() {
    for (name, before, expected) in [
        ("a map", json!({"A": 1}), json!({"A": 1, "K": true})),
        ("an old member", json!({"K": 1}), json!({"K": true})),
        ("a text", json!("text"), json!({"K": true})),
        ("a null", json!(null), json!({"K": true})),
        ("a list", json!([1]), json!({"K": true})),
    ] {
        let mut value = Value::from(before);
        value.set("K", true);
        assert_eq!(value.to_json(), expected, "{name}");
    }
}

#[test]
fn leaves_are_scalars_lists_and_empty_maps() {
    for (name, value, expected) in [
        ("a scalar is its own leaf", json!("text"), vec![""]),
        ("an empty map is one", json!({}), vec![""]),
        ("a null is one", json!({"A": null}), vec!["A"]),
        ("lists are not entered", json!({"A": [{"B": 1}, {"C": 2}]}), vec!["A"]),
        ("maps are", json!({"A": {"B": 1, "C": {"D": 2}}, "E": false}), vec!["A.B", "A.C.D", "E"]),
        ("an empty map below", json!({"A": {"B": {}}, "C": []}), vec!["A.B", "C"]),
        ("keys with dots", json!({"Tags": {"a.b": "x"}}), vec!["Tags[a.b]"]),
    ] {
        let value = Value::from(value);
        let leaves = value.leaves();
        assert_eq!(leaves.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>(), paths(&expected), "{name}");
        for (path, leaf) in leaves {
            assert_eq!(value.at(&path), Some(leaf), "{name}: {path}");
        }
    }
}

fn paths(texts: &[&str]) -> Vec<Path> {
    texts.iter().map(|text| path(text)).collect()
}

#[test]
fn what_has_no_such_shape_has_nothing_in_it() {
    let list = Value::from(json!(["a", 1]));
    for (name, value, text, items, entries) in [
        ("text", Value::from("text"), Some("text"), 0, 0),
        ("empty text", "".into(), Some(""), 0, 0),
        ("text that waits", id().into(), None, 0, 0),
        ("a list", list, None, 2, 0),
        ("a map", tree(), None, 0, 6),
        ("a number", 7.into(), None, 0, 0),
        ("a flag", true.into(), None, 0, 0),
        ("null", Value::Null, None, 0, 0),
    ] {
        assert_eq!((value.as_str(), value.items().len(), value.entries().count()), (text, items, entries), "{name}");
    }
    let tree = tree();
    assert_eq!((tree.text("Name"), tree.text("Flag"), tree.text("Missing")), (Some("studio"), None, None));
    assert_eq!((tree.get("Flag"), Value::from("x").get("x")), (Some(&false.into()), None));
}

#[test]
fn known_outputs_are_filled_in_and_the_others_stay() {
    let lookup = |of: &Address, attribute: &str| (*of == domain() && attribute == "DomainId").then(|| "d-1".to_owned());
    let url = Text::from("https://").then(id()).then(".aws");
    for (name, before, expected, known) in [
        ("a literal", Value::from("a"), Value::from("a"), true),
        ("an output alone", id().into(), "d-1".into(), true),
        ("within a text", url.clone().into(), "https://d-1.aws".into(), true),
        ("twice", id().then("/").then(id()).into(), "d-1/d-1".into(), true),
        ("another's", arn().into(), arn().into(), false),
        ("another attribute", Text::output(domain(), "Url").into(), Text::output(domain(), "Url").into(), false),
        ("one of two", id().then(arn()).into(), Text::from("d-1").then(arn()).into(), false),
        ("in a list", vec![url.clone()].into(), vec!["https://d-1.aws"].into(), true),
        (
            "deep",
            [("A", Value::from(vec![Value::from_iter([("B", id())])]))].into_iter().collect(),
            json!({"A": [{"B": "d-1"}]}).into(),
            true,
        ),
        ("a number", 5.into(), 5.into(), true),
        ("nothing", Value::Null, Value::Null, true),
    ] {
        let resolved = before.resolve(&lookup);
        assert_eq!((&resolved, resolved.is_known()), (&expected, known), "{name}");
    }
}

#[test]
fn outputs_are_found_wherever_they_stand() {
    let (domain, role) = (domain(), role());
    for (name, value, expected) in [
        ("nothing", Value::Null, vec![]),
        ("a literal that looks like one", "${domain.studio.DomainId}".into(), vec![]),
        ("a text", Text::from("a").then(id()).into(), vec![(&domain, "DomainId")]),
        ("two in a text", id().then(arn()).into(), vec![(&role, "Arn"), (&domain, "DomainId")]),
        ("the same twice", vec![id(), id()].into(), vec![(&domain, "DomainId")]),
        (
            "below a list of maps",
            [("A", Value::from(vec![Value::from_iter([("B", arn())])]))].into_iter().collect(),
            vec![(&role, "Arn")],
        ),
    ] {
        assert_eq!(value.outputs(), BTreeSet::from_iter(expected), "{name}");
        assert_eq!(value.is_known(), value.outputs().is_empty(), "{name}");
    }
}

#[test]
fn the_order_of_a_list_says_nothing_and_how_often_something_is_in_it_does() {
    for (name, one, other, same) in [
        ("the same", json!(["a", "b"]), json!(["a", "b"]), true),
        ("turned round", json!(["a", "b"]), json!(["b", "a"]), true),
        ("turned round below", json!({"A": [{"B": [1, 2]}]}), json!({"A": [{"B": [2, 1]}]}), true),
        ("lists in a list", json!([[1, 2], [3]]), json!([[3], [2, 1]]), true),
        ("one twice", json!(["a", "a", "b"]), json!(["a", "b", "b"]), false),
        ("one more", json!(["a"]), json!(["a", "a"]), false),
        ("an item and a list of it", json!("a"), json!(["a"]), false),
        ("another key", json!({"A": 1}), json!({"B": 1}), false),
        ("a null and nothing", json!({"A": null}), json!({}), false),
        ("a number and its text", json!(1), json!("1"), false),
        ("a whole and a decimal", json!({"A": 60}), json!({"A": 60.0}), true),
        ("two decimals", json!(0.5), json!(0.25), false),
    ] {
        let (one, other) = (Value::from(one), Value::from(other));
        assert_eq!((one.same(&other), other.same(&one)), (same, same), "{name}");
        assert_eq!(one.sorted() == other.sorted(), same, "{name}");
    }
    assert!(!Value::from(vec![id(), arn()]).same(&vec![id(), id()].into()));
    assert!(Value::from(vec![id(), arn()]).same(&vec![arn(), id()].into()));
}

#[test]
fn what_comes_from_json_goes_back_to_it() {
    for (name, value, expected) in [
        ("null", json!(null), None),
        ("flags", json!([true, false]), None),
        ("whole numbers", json!([0, 60, -7, i64::MAX, i64::MIN]), None),
        ("decimals", json!([0.5, -2.25, 1e-9]), None),
        ("a decimal that is whole", json!(60.0), Some(json!(60))),
        ("texts", json!(["", "a", "None", "äöü\n"]), None),
        ("nested", json!({"A": {"B": [{"C": []}, {}]}}), None),
    ] {
        let expected = expected.unwrap_or_else(|| value.clone());
        let tree = Value::from(value);
        assert_eq!(tree.to_json(), expected, "{name}");
        assert_eq!(tree.to_request(), expected, "{name}");
        assert_eq!(serde_json::to_value(&tree).unwrap(), expected, "{name}");
        assert_eq!(Value::from(tree.to_json()), tree, "{name}");
    }
}

#[test]
fn plan_json_tells_an_output_from_a_text_that_looks_like_one() {
    for (name, value, plan, request) in [
        ("an output", Value::from(id()), json!("${domain.studio.DomainId}"), json!("${domain.studio.DomainId}")),
        ("a literal", "${aws:username}".into(), json!("$${aws:username}"), json!("${aws:username}")),
        (
            "both",
            Text::from("${a}/").then(arn()).into(),
            json!("$${a}/${execution_role.default.Arn}"),
            json!("$${a}/${execution_role.default.Arn}"),
        ),
        ("a dollar alone", "$5 {a}".into(), json!("$5 {a}"), json!("$5 {a}")),
        ("in a list of a map", json!({"A": ["${b}"]}).into(), json!({"A": ["$${b}"]}), json!({"A": ["${b}"]})),
    ] {
        assert_eq!((value.to_json(), value.to_request()), (plan, request), "{name}");
    }
}

#[test]
fn literals_that_meet_are_one() {
    for (name, text, parts, known) in [
        ("nothing", Text::from(""), 0, Some("")),
        ("nothing and nothing", Text::default().then(""), 0, Some("")),
        ("text and nothing", Text::from("a").then(""), 1, Some("a")),
        ("nothing and text", Text::from("").then("a"), 1, Some("a")),
        ("text and text", Text::from("a").then("b".to_owned()), 1, Some("ab")),
        ("text and output", Text::from("a").then(id()), 2, None),
        ("output and text and text", id().then("a").then("b"), 2, None),
        ("output and output", id().then(id()), 2, None),
        ("text of two literals", id().then("a").then(Text::from("b").then(id())), 3, None),
    ] {
        assert_eq!((text.parts().len(), text.known()), (parts, known), "{name}");
    }
}

#[test]
fn paths_are_read_as_they_are_written() {
    for (name, keys, text) in [
        ("none", vec![], ""),
        ("one key", vec!["Name"], "Name"),
        ("keys", vec!["User", "App", "Idle"], "User.App.Idle"),
        ("a number", vec!["Rules", "0"], "Rules.0"),
        ("a key with a dot first", vec!["a.b", "C"], "[a.b].C"),
        ("a key with a dot last", vec!["Tags", "a.b"], "Tags[a.b]"),
        ("two of them", vec!["a.b", "c.d"], "[a.b][c.d]"),
        ("a dot alone", vec!["Tags", "."], "Tags[.]"),
        ("a slash and a colon", vec!["Tags", "aws:a/b"], "Tags.aws:a/b"),
        ("a bracket that opens", vec!["a[b", "c"], "[a[b].c"),
        ("a space", vec!["Tags", "cost center"], "Tags.cost center"),
    ] {
        let path = Path(keys.into_iter().map(str::to_owned).collect());
        assert_eq!(path.to_string(), text, "{name}");
        assert_eq!(text.parse::<Path>().unwrap(), path, "{name}");
        assert_eq!(serde_json::to_value(&path).unwrap(), json!(text), "{name}");
        assert_eq!(serde_json::from_value::<Path>(json!(text)).unwrap(), path, "{name}");
    }
}

#[test]
fn an_open_bracket_is_no_path() {
    for text in ["[", "Tags[a.b", "[a.b].c[", "A.[b"] {
        let error = text.parse::<Path>().unwrap_err().to_string();
        assert_eq!(error, format!("`{text}` is not a property path: a bracket is left open"));
        assert!(serde_json::from_value::<Path>(json!(text)).unwrap_err().to_string().contains("left open"));
    }
}

#[test]
fn a_path_starts_with_whole_keys() {
    for (path, prefix, expected) in [
        ("A.B", "", true),
        ("A.B", "A", true),
        ("A.B", "A.B", true),
        ("A.B", "A.B.C", false),
        ("A.B", "B", false),
        ("AB.C", "A", false),
        ("", "A", false),
        ("", "", true),
    ] {
        assert_eq!(self::path(path).starts_with(&self::path(prefix)), expected, "{path} starts with {prefix}");
    }
    assert_eq!(Path::of(["A", "b.c"]), path("A[b.c]"));
}
