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

/// Whether a value says nothing: AWS leaves empty lists and maps out of its answers, and an ARN that was cleared with
/// the word `None` is answered in either way.
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

/// What must change on `observed` to be `node`.
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

    use super::*;
    use crate::model::{Address, Kind};

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
}
