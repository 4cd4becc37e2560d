//! The three-way compare: what should be, what is, and what earlier applies have managed.

use super::{Rules, Unset};
use crate::model::{Node, Observed, Path, Source, Value};

/// One property that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where it stands.
    pub path: Path,
    /// What it is now; none when it is not set.
    pub before: Option<Value>,
    /// What it should be; none when it goes.
    pub after: Option<Value>,
    /// The YAML place that it comes from.
    pub source: Option<Source>,
    /// Whether the config no longer sets it and this takes it back.
    pub unsets: bool,
}

/// Returns `true` if a value says nothing: AWS leaves empty lists and maps out of its answers, and an ARN that was
/// cleared with the word `None` is answered in either way.
pub fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::List(items)) => items.is_empty(),
        Some(Value::Map(map)) => map.values().all(|value| is_blank(Some(value))),
        Some(Value::Text(text)) => matches!(text.known(), Some("" | "None")),
        Some(_) => false,
    }
}

/// The same for the value at `path`: a tag's says something even when it is empty, or `None`.
fn says_nothing(path: &Path, value: Option<&Value>) -> bool {
    let is_tag = path.0.len() > 1 && path.0.first().is_some_and(|key| key.ends_with("Tags"));
    if is_tag { value.is_none() } else { is_blank(value) }
}

/// The changes that make `observed` what `node` is (a three-way diff).
///
/// A path that is set and differs changes; one that is not set now but was `managed` before is taken back, where the API
/// can; what was never set is AWS's default or somebody else's, and no difference.
pub fn changes(node: &Node, observed: &Observed, managed: &[Path], rules: &dyn Rules) -> Vec<Change> {
    let mut changes = Vec::new();
    let leaves = node.properties.leaves();
    for (path, after) in &leaves {
        let before = observed.properties.at(path);
        let same = match before {
            Some(before) => {
                rules.same(path, after, before) || (says_nothing(path, Some(before)) && says_nothing(path, Some(after)))
            }
            None => says_nothing(path, Some(after)),
        };
        if !same {
            changes.push(Change {
                path: path.clone(),
                before: before.cloned(),
                after: Some((*after).clone()),
                source: cause(node, path, before, after).cloned(),
                unsets: false,
            });
        }
    }
    for path in managed {
        let set = leaves.iter().any(|(leaf, _)| leaf.starts_with(path) || path.starts_with(leaf));
        let Some(live) = observed.properties.at(path).filter(|live| !set && !says_nothing(path, Some(live))) else {
            continue;
        };
        let after = match rules.unset(path, live) {
            Unset::Send(value) if value.same(live) => continue,
            Unset::Send(value) => Some(value),
            Unset::Omit => None,
            Unset::Impossible => continue,
        };
        let source = node.source(path).cloned();
        changes.push(Change { path: path.clone(), before: Some(live.clone()), after, source, unsets: true });
    }
    changes
}

/// The place that a change comes from: that of the item or line that is new, where the node knows the place of each.
fn cause<'a>(node: &'a Node, path: &Path, before: Option<&Value>, after: &Value) -> Option<&'a Source> {
    let own = |at: usize| {
        let mut path = path.clone();
        path.0.push(at.to_string());
        node.sources.get(&path)
    };
    let new = match after {
        Value::List(items) => {
            let live = before.map(Value::items).unwrap_or_default();
            let new = items.iter().position(|item| !live.iter().any(|other| item.same(other)));
            new.and_then(|at| of_member(node, path, at, &items[at], live).or_else(|| own(at)))
        }
        Value::Text(text) => {
            let [old, new] = [before.and_then(Value::as_str), text.known()].map(Option::unwrap_or_default);
            let equal = new.lines().zip(old.lines()).take_while(|(new, old)| new == old).count();
            // A line without a place of its own belongs to the command that began above it.
            (0..=equal).rev().find_map(own)
        }
        _ => None,
    };
    new.or_else(|| node.source(path))
}

/// The place of what is new in an item that was there in another form: of a policy's statement its principals, say.
fn of_member<'a>(node: &'a Node, path: &Path, at: usize, item: &Value, live: &[Value]) -> Option<&'a Source> {
    let differing = |old: &Value| -> Vec<&String> {
        item.entries()
            .filter(|(key, value)| old.get(key).is_none_or(|old| !value.same(old)))
            .map(|(key, _)| key)
            .collect()
    };
    let members = live.iter().map(differing).min_by_key(Vec::len)?;
    members.into_iter().find_map(|member| {
        let mut path = path.clone();
        path.0.extend([at.to_string(), member.clone()]);
        node.sources.get(&path)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{self, Situation};
    use super::*;
    use crate::model::{Address, Kind, Text};

    #[test]
    fn a_change_comes_from_the_item_or_line_that_is_new() {
        let place = |line| Source { file: "studio.yaml".into(), line, column: 1 };
        let mut node = Node::new(Address::new(Kind::SecurityGroup, "domain"), Value::from(json!({})));
        for (path, line) in [
            (Path::of(["Rules"]), 10),
            (Path::of(["Rules", "0"]), 11),
            (Path::of(["Rules", "1"]), 12),
            (Path::of(["Script"]), 20),
            (Path::of(["Script", "1"]), 21),
            (Path::of(["Script", "3"]), 23),
            (Path::of(["Policy", "0", "Resource"]), 31),
            (Path::of(["Policy", "0", "Principal"]), 32),
            (Path::of(["Policy"]), 30),
        ] {
            node.sources.insert(path, place(line));
        }
        for (path, before, after, expected) in [
            ("Rules", json!(["a"]), json!(["a", "b"]), 12),
            ("Rules", json!(["b"]), json!(["a", "b"]), 11),
            ("Rules", json!(["a", "b", "c"]), json!(["a", "b"]), 10),
            ("Rules", json!(null), json!(["a"]), 11),
            ("Script", json!("head\none\ntwo"), json!("head\nONE\ntwo"), 21),
            ("Script", json!("head\none\nof\nthree"), json!("head\none\nOF\nthree"), 21),
            ("Script", json!("head\none\nof"), json!("head\none\nof\nthree"), 23),
            ("Script", json!("other"), json!("head"), 20),
            ("Policy", json!([{"Resource": "a", "Principal": "p"}]), json!([{"Resource": "b", "Principal": "p"}]), 31),
            ("Policy", json!([{"Resource": "a", "Principal": "p"}]), json!([{"Resource": "a", "Principal": "q"}]), 32),
            ("Policy", json!([{"Action": "a"}]), json!([{"Action": "b"}]), 30),
        ] {
            let (before, after) = (Value::from(before), Value::from(after));
            let source = cause(&node, &Path::of([path]), Some(&before), &after).unwrap();
            assert_eq!(source.line, expected, "{path}: {after:?}");
        }
    }
    fn compare(wanted: serde_json::Value, live: serde_json::Value, managed: &[&str]) -> Vec<Change> {
        let scene = Situation::default().wants("domain.studio", wanted);
        let node = &scene.graph[&testing::address("domain.studio")];
        let managed: Vec<Path> = managed.iter().map(|path| testing::path(path)).collect();
        changes(node, &testing::observed("domain.studio", live), &managed, &testing::ByName)
    }

    #[test]
    fn what_is_set_and_differs_changes() {
        for (name, wanted, live, expected) in [
            ("alike", json!({"Plain": "a"}), json!({"Plain": "a"}), vec![]),
            ("another value", json!({"Plain": "a"}), json!({"Plain": "b"}), vec!["Plain"]),
            ("not there", json!({"Plain": "a"}), json!({}), vec!["Plain"]),
            ("only live", json!({"Plain": "a"}), json!({"Plain": "a", "Other": "b"}), vec![]),
            ("below", json!({"Settings": {"A": 1, "B": 2}}), json!({"Settings": {"A": 1, "B": 3}}), vec!["Settings.B"]),
            ("only live below", json!({"Settings": {"A": 1}}), json!({"Settings": {"A": 1, "B": 3}}), vec![]),
            ("a set in another order", json!({"Roles": ["a", "b"]}), json!({"Roles": ["b", "a"]}), vec![]),
            ("a set with one more", json!({"Roles": ["a", "b"]}), json!({"Roles": ["a"]}), vec!["Roles"]),
            ("a set with one less", json!({"Roles": ["a"]}), json!({"Roles": ["a", "b"]}), vec!["Roles"]),
            ("a set to empty", json!({"Roles": []}), json!({"Roles": ["a"]}), vec!["Roles"]),
            ("alike by rule", json!({"Folded": "ABC"}), json!({"Folded": "abc"}), vec![]),
            ("by the rule of another path", json!({"Plain": "ABC"}), json!({"Plain": "abc"}), vec!["Plain"]),
            ("whole numbers", json!({"Plain": 60}), json!({"Plain": 60.0}), vec![]),
            ("a flag that is off is said", json!({"Plain": false}), json!({}), vec!["Plain"]),
            ("a zero is said", json!({"Plain": 0}), json!({}), vec!["Plain"]),
            (
                "each by itself",
                json!({"Other": 1, "Plain": 2}),
                json!({"Other": 2, "Plain": 1}),
                vec!["Other", "Plain"],
            ),
        ] {
            let found = compare(wanted.clone(), live.clone(), &[]);
            assert_eq!(found.iter().map(|change| change.path.to_string()).collect::<Vec<_>>(), expected, "{name}");
            for change in found {
                let [wanted, live] = [&wanted, &live].map(|tree| Value::from(tree.clone()).at(&change.path).cloned());
                assert_eq!((&change.before, &change.after, change.unsets), (&live, &wanted, false), "{name}");
                assert!(change.source.is_some_and(|source| source.line > 1), "{name}: its own line");
            }
        }
    }

    #[test]
    fn blank_is_as_good_as_not_there() {
        let blanks = [json!(null), json!([]), json!({}), json!(""), json!("None"), json!({"A": {"B": []}})];
        for blank in &blanks {
            assert!(is_blank(Some(&Value::from(blank.clone()))), "{blank}");
            assert_eq!(compare(json!({"Settings": blank}), json!({}), &[]), [], "{blank} is not set");
            for live in &blanks {
                assert_eq!(
                    compare(json!({"Settings": blank}), json!({"Settings": live}), &[]),
                    [],
                    "{blank} and {live}"
                );
            }
            assert_eq!(compare(json!({"Plain": "a"}), json!({"Plain": blank}), &[]).len(), 1, "{blank} to a");
        }
        assert!(is_blank(None));
        for said in [json!(false), json!(0), json!("none"), json!(" "), json!([null]), json!({"A": 0}), json!([""])] {
            assert!(!is_blank(Some(&Value::from(said.clone()))), "{said}");
        }
        let unknown = Text::output(testing::address("kms_key.a"), "Arn");
        assert!(!is_blank(Some(&unknown.into())));
    }

    #[test]
    fn a_tag_says_something_even_when_it_is_empty() {
        for (name, wanted, live, managed, expected) in [
            ("to nothing", json!({"Tags": {"a": ""}}), json!({"Tags": {"a": "x"}}), vec![], vec!["Tags.a"]),
            ("new and empty", json!({"Tags": {"a": ""}}), json!({"Tags": {}}), vec![], vec!["Tags.a"]),
            ("None is a word", json!({"Tags": {"a": "None"}}), json!({"Tags": {"a": ""}}), vec![], vec!["Tags.a"]),
            ("alike", json!({"Tags": {"a": ""}}), json!({"Tags": {"a": ""}}), vec![], vec![]),
            ("somebody else's", json!({"Tags": {"a": "x"}}), json!({"Tags": {"a": "x", "b": "y"}}), vec![], vec![]),
            (
                "an empty one is taken back",
                json!({"Tags": {"a": "x"}}),
                json!({"Tags": {"a": "x", "b": ""}}),
                vec!["Tags.a", "Tags.b"],
                vec!["Tags.b"],
            ),
            ("other settings are no tags", json!({"Settings": {"a": ""}}), json!({}), vec![], vec![]),
            ("no tags at all", json!({"Tags": {}, "Plain": 1}), json!({"Plain": 1}), vec![], vec![]),
        ] {
            let found = compare(wanted, live, &managed);
            assert_eq!(found.iter().map(|change| change.path.to_string()).collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn what_was_managed_and_is_said_no_more_is_taken_back() {
        let none = Some(Some(Value::from("None")));
        for (name, wanted, live, managed, expected) in [
            ("it goes", json!({}), json!({"Plain": "a"}), vec!["Plain"], Some(None)),
            ("it was never managed", json!({}), json!({"Plain": "a"}), vec![], None),
            ("another was", json!({}), json!({"Plain": "a"}), vec!["Other"], None),
            ("it is gone already", json!({}), json!({}), vec!["Plain"], None),
            ("it is blank already", json!({}), json!({"Plain": []}), vec!["Plain"], None),
            ("by a word", json!({}), json!({"Sent": "a"}), vec!["Sent"], none.clone()),
            ("by a word that is there", json!({}), json!({"Sent": "None"}), vec!["Sent"], None),
            ("to a default", json!({}), json!({"Default": "a"}), vec!["Default"], Some(Some("default".into()))),
            ("it has the default", json!({}), json!({"Default": "default"}), vec!["Default"], None),
            ("nobody can", json!({}), json!({"Sticky": "a"}), vec!["Sticky"], None),
            ("it is said", json!({"Plain": "a"}), json!({"Plain": "a"}), vec!["Plain"], None),
            (
                "a part of it is said",
                json!({"Settings": {"A": 1}}),
                json!({"Settings": {"A": 1}}),
                vec!["Settings"],
                None,
            ),
            ("the whole is said", json!({"Settings": "x"}), json!({"Settings": "x"}), vec!["Settings.A"], None),
            (
                "its neighbour is said",
                json!({"Settings": {"A": 1}}),
                json!({"Settings": {"A": 1, "B": 2}}),
                vec!["Settings.A", "Settings.B"],
                Some(None),
            ),
        ] {
            let mut wanted = wanted;
            let mut live = live;
            wanted["Role"] = json!("r");
            live["Role"] = json!("r");
            let found = compare(wanted, live, &managed);
            assert_eq!(found.iter().map(|change| change.after.clone()).next(), expected, "{name}");
            assert!(found.len() < 2 && found.iter().all(|change| change.unsets && change.before.is_some()), "{name}");
        }
        let whole = compare(json!({"Settings": "x"}), json!({"Settings": {"A": 1}}), &["Settings.A"]);
        assert_eq!(
            whole.iter().map(|change| change.path.to_string()).collect::<Vec<_>>(),
            ["Settings"],
            "said as a whole"
        );
    }
}
