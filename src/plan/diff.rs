//! The three-way compare: what should be, what is, and what earlier applies have managed.

use super::{Notice, Rules, Unset};
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

/// What must change on `observed` to be `node`.
///
/// A path that is set and differs changes; one that is not set now but was `managed` before is taken back; what was
/// never set is AWS's default or somebody else's, and no difference.
pub fn changes(
    node: &Node,
    observed: &Observed,
    managed: &[Path],
    rules: &dyn Rules,
    notices: &mut Vec<Notice>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let leaves = node.properties.leaves();
    for (path, after) in &leaves {
        let before = observed.properties.at(path);
        let same = match before {
            Some(before) => rules.same(path, after, before) || (is_blank(Some(before)) && is_blank(Some(after))),
            None => is_blank(Some(after)),
        };
        if !same {
            changes.push(Change {
                path: path.clone(),
                before: before.cloned(),
                after: Some((*after).clone()),
                source: node.source(path).cloned(),
                unsets: false,
            });
        }
    }
    for path in managed {
        let set = leaves.iter().any(|(leaf, _)| leaf.starts_with(path) || path.starts_with(leaf));
        let Some(live) = observed.properties.at(path).filter(|live| !set && !is_blank(Some(live))) else { continue };
        let after = match rules.unset(path, live) {
            Unset::Send(value) if value.same(live) => continue,
            Unset::Send(value) => Some(value),
            Unset::Omit => None,
            Unset::Impossible => {
                notices.push(Notice {
                    address: Some(node.address.clone()),
                    message: format!(
                        "{path} is no longer in the config, but the API cannot unset it: it stays {}",
                        live.to_json()
                    ),
                });
                continue;
            }
        };
        let source = node.source(path).cloned();
        changes.push(Change { path: path.clone(), before: Some(live.clone()), after, source, unsets: true });
    }
    changes
}
