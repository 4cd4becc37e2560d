//! Live against desired documents as a unified diff, which `patch` and code review tools can read.

use serde_json::Value as Json;
use similar::TextDiff;

use super::Paint;
use super::changes::painted_diff_line;
use super::text::{UNKNOWN, clean, lines_of};
use crate::model::Value;
use crate::plan::{Action, Plan, Step};

/// The diff of everything that differs, in the order of the plan; empty when nothing does.
///
/// A live document is shown as the desired one with every difference undone: what nobody has set is AWS's default and
/// would only hide the differences.
pub fn render(plan: &Plan, paint: Paint) -> String {
    let differing = plan.steps.iter().filter(|step| step.action.is_change() || step.blocked.is_some());
    differing.map(|step| unified(step, paint)).collect()
}

fn unified(step: &Step, paint: Paint) -> String {
    let (live, config) = documents(step);
    let address = clean(&step.address.to_string());
    between(&live, &config, &format!("live/{address}"), &format!("config/{address}"), paint)
}

/// The diff of two texts; empty when they are the same.
pub fn between(before: &str, after: &str, old_name: &str, new_name: &str, paint: Paint) -> String {
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().header(old_name, new_name).missing_newline_hint(false).to_string();
    text.lines().map(|line| painted_diff_line(line, paint) + "\n").collect()
}

fn documents(step: &Step) -> (String, String) {
    let config = match (&step.node, &step.observed) {
        (Some(node), _) => Some(node.properties.clone()),
        // What is kept for its data loses single properties only.
        (None, Some(observed)) if step.action == Action::Update => {
            let mut kept = observed.properties.clone();
            step.changes.iter().for_each(|change| put(&mut kept, &change.path.0, change.after.as_ref()));
            Some(kept)
        }
        (None, _) => None,
    };
    let live = match (&step.node, &step.observed) {
        (Some(node), Some(_)) => {
            let mut live = node.properties.clone();
            step.changes.iter().for_each(|change| put(&mut live, &change.path.0, change.before.as_ref()));
            Some(live)
        }
        (_, observed) => observed.as_ref().map(|observed| observed.properties.clone()),
    };
    (text(live.as_ref()), text(config.as_ref()))
}

/// Puts a value at a path, or takes away what stands there, and the maps that this leaves empty.
fn put(tree: &mut Value, path: &[String], value: Option<&Value>) {
    match (path.split_first(), value) {
        (_, Some(value)) => tree.set_at(&crate::model::Path(path.to_vec()), value.clone()),
        (None, None) => *tree = Value::Null,
        (Some((key, rest)), None) => {
            let Value::Map(map) = tree else { return };
            if let Some(below) = map.get_mut(key) {
                put(below, rest, None);
                if rest.is_empty() || *below == Value::map() {
                    map.remove(key);
                }
            }
        }
    }
}

/// A tree as text that reads like YAML: scripts as blocks, lists sorted, since their order carries no meaning.
fn text(value: Option<&Value>) -> String {
    let mut lines = String::new();
    if let Some(value) = value {
        write(&value.sorted(), 0, &mut lines);
    }
    lines
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Map(map) => {
            for (key, value) in map {
                out.push_str(&format!("{indent}{}:", clean(key)));
                below(value, depth + 1, out);
            }
        }
        Value::List(items) => {
            for item in items {
                let mut lines = String::new();
                write(item, depth + 1, &mut lines);
                // The first line of an item stands behind its dash.
                let first = lines.strip_prefix(&"  ".repeat(depth + 1)).unwrap_or(&lines);
                out.push_str(&format!("{indent}- {first}"));
            }
        }
        scalar => out.push_str(&format!("{indent}{}\n", word(scalar))),
    }
}

/// What stands behind a key.
fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Map(map) if map.is_empty() => out.push_str(" {}\n"),
        Value::List(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Map(_) | Value::List(_) => {
            out.push('\n');
            write(value, depth, out);
        }
        Value::Text(text) if lines_of(text).contains('\n') => {
            out.push_str(" |\n");
            let indent = "  ".repeat(depth);
            for line in lines_of(text).lines() {
                out.push_str(&format!("{indent}{line}\n"));
            }
        }
        scalar => out.push_str(&format!(" {}\n", word(scalar))),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Text(text) if !text.parts().is_empty() && text.known().is_none() => lines_of(text),
        Value::Text(text) => {
            let text = text.known().unwrap_or(UNKNOWN);
            let plain = !text.is_empty()
                && text.trim() == text
                && !text.contains(|c: char| c.is_control() || "#:{}[]\"'&*!|>%@`".contains(c) && c != ':')
                && !text.contains(": ");
            if plain { clean(text) } else { Json::String(clean(text)).to_string() }
        }
        other => other.to_json().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ui::testing::{Scene, destroy, script, update};

    fn shown(scene: &Scene) -> String {
        render(&scene.plan(), Paint::PLAIN)
    }

    #[test]
    fn an_update_shows_the_lines_that_differ() {
        insta::assert_snapshot!(shown(&update()), @"");
    }

    #[test]
    fn a_script_is_a_block() {
        insta::assert_snapshot!(shown(&script()), @"");
    }

    #[test]
    fn what_goes_is_against_nothing() {
        insta::assert_snapshot!(shown(&destroy()), @"");
    }

    #[test]
    fn no_difference_is_no_text() {
        let scene = Scene::default().wants("domain.studio", 1, json!({"A": 1})).has("domain.studio", json!({"A": 1, "B": 2}));
        assert_eq!(shown(&scene), "");
    }
}
