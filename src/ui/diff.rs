//! Live against desired documents as a unified diff, which `patch` and code review tools can read.

use serde_json::Value as Json;
use similar::TextDiff;

use super::Paint;
use super::changes::painted_diff_line;
use super::text::lines_of;
use crate::escape::one_line;
use crate::model::Value;
use crate::plan::{Action, Plan, Step};

/// The diff of everything that differs, in the order of the plan; empty when nothing does.
///
/// A live document is shown as the desired one with every difference undone: what nobody has set is AWS's default and
/// would only hide the differences.
pub fn render(plan: &Plan, paint: Paint) -> String {
    let differing = plan.steps().iter().filter(|step| step.action().is_change() || step.blocked().is_some());
    let documents: String = differing.map(|step| unified(step, paint)).collect();
    // Whatever reads unified diffs passes over lines that stand before a header.
    let found: String = super::watched::lines(plan).into_iter().map(|line| format!("# {line}\n")).collect();
    found + &documents
}

fn unified(step: &Step, paint: Paint) -> String {
    let (live, config) = documents(step);
    let address = step.address();
    between(&live, &config, &format!("live/{address}"), &format!("config/{address}"), paint)
}

/// The diff of two texts; empty when they are the same.
pub fn between(before: &str, after: &str, old_name: &str, new_name: &str, paint: Paint) -> String {
    let diff = TextDiff::from_lines(before, after);
    let text =
        diff.unified_diff().header(&one_line(old_name), &one_line(new_name)).missing_newline_hint(false).to_string();
    text.lines().map(|line| painted_diff_line(line, paint) + "\n").collect()
}

fn documents(step: &Step) -> (String, String) {
    let config = match (step.node(), step.observed()) {
        (Some(node), _) => Some(node.properties.clone()),
        // What is kept for its data loses single properties only.
        (None, Some(observed)) if step.action() == Action::Update => {
            let mut kept = observed.properties.clone();
            step.changes().iter().for_each(|change| put(&mut kept, &change.path.0, change.after.as_ref()));
            Some(kept)
        }
        (None, _) => None,
    };
    let live = match (step.node(), step.observed()) {
        (Some(node), Some(_)) => {
            let mut live = node.properties.clone();
            step.changes().iter().for_each(|change| put(&mut live, &change.path.0, change.before.as_ref()));
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
    let lines = value.map(|value| lines(&value.sorted())).unwrap_or_default();
    lines.into_iter().map(|line| line + "\n").collect()
}

fn lines(value: &Value) -> Vec<String> {
    let indented = |lines: Vec<String>| lines.into_iter().map(|line| format!("  {line}"));
    match value {
        Value::Map(map) if !map.is_empty() => {
            let mut all = Vec::new();
            for (key, value) in map {
                let key = one_line(key);
                match value {
                    Value::Map(map) if !map.is_empty() => {
                        all.push(format!("{key}:"));
                        all.extend(indented(lines(value)));
                    }
                    Value::List(items) if !items.is_empty() => {
                        all.push(format!("{key}:"));
                        all.extend(indented(lines(value)));
                    }
                    Value::Text(text) if lines_of(text).contains('\n') => {
                        all.push(format!("{key}: |"));
                        all.extend(indented(lines_of(text).lines().map(str::to_owned).collect()));
                    }
                    scalar => all.push(format!("{key}: {}", word(scalar))),
                }
            }
            all
        }
        Value::List(items) if !items.is_empty() => {
            // The first line of an item stands behind its dash, the others below it.
            let items = items.iter().flat_map(|item| {
                lines(item)
                    .into_iter()
                    .enumerate()
                    .map(|(at, line)| format!("{} {line}", if at == 0 { "-" } else { " " }))
            });
            items.collect()
        }
        scalar => vec![word(scalar)],
    }
}

/// A value on one line; text in quotes when it would read as something else or as a comment.
fn word(value: &Value) -> String {
    match value {
        Value::Text(text) => match text.known() {
            None => one_line(&lines_of(text)),
            Some(text) if is_plain(text) => text.into(),
            Some(text) => Json::String(text.into()).to_string(),
        },
        other => other.to_json().to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && !text.contains(|c: char| c.is_control() || "#{}[]\"'&*!|>%@`".contains(c))
        && !text.contains(": ")
        && serde_json::from_str::<Json>(text).is_err()
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
        insta::assert_snapshot!(shown(&update()), @r#"
    --- live/domain.studio
    +++ config/domain.studio
    @@ -1,10 +1,9 @@
     AuthMode: IAM
     DefaultUserSettings:
    -  Idle: 60
    -  JupyterLabAppSettings:
    -    LifecycleConfigArn: arn:aws:sagemaker:x
    +  Idle: 120
       SecurityGroups:
    -    - sg-1
         - sg-2
    +    - sg-3
     Tags:
    -  owner: ann
    +  cost: "42"
    +  owner: ben
    --- live/execution_policy.basic
    +++ config/execution_policy.basic
    @@ -1,11 +1,8 @@
     PolicyDocument:
       Statement:
    -    - Action: "s3:*"
    -      Effect: Allow
    -      Resource: "*"
    -      Sid: Old
         - Action:
             - s3:GetObject
    +        - s3:PutObject
           Effect: Allow
           Resource: "arn:aws:s3:::data/*"
       Version: 2012-10-17
    "#);
    }

    #[test]
    fn a_script_is_a_block() {
        insta::assert_snapshot!(shown(&script()), @r"
    --- live/lifecycle_config.jupyterLab
    +++ config/lifecycle_config.jupyterLab
    @@ -1,5 +1,5 @@
     Content: |
       #!/bin/bash
       set -eu
    -  pip install a
    +  pip install b
       echo done
    ");
    }

    #[test]
    fn what_goes_is_against_nothing() {
        insta::assert_snapshot!(shown(&destroy()), @r"
    --- live/user_profile.ann
    +++ config/user_profile.ann
    @@ -1 +0,0 @@
    -UserProfileName: ann
    --- live/domain.studio
    +++ config/domain.studio
    @@ -1 +0,0 @@
    -VpcId: vpc-1
    ");
    }

    #[test]
    fn values_that_look_alike_are_told_apart() {
        let scene = Scene::default()
            .wants("domain.studio", 1, json!({"A": 60, "B": [], "C": [{"D": "x", "E": "true"}]}))
            .has("domain.studio", json!({"A": "60", "B": ["#"], "C": []}));
        insta::assert_snapshot!(shown(&scene), @r##"
    --- live/domain.studio
    +++ config/domain.studio
    @@ -1,4 +1,5 @@
    -A: "60"
    -B:
    -  - "#"
    -C: []
    +A: 60
    +B: []
    +C:
    +  - D: x
    +    E: "true"
    "##);
    }

    #[test]
    fn no_difference_is_no_text() {
        let scene =
            Scene::default().wants("domain.studio", 1, json!({"A": 1})).has("domain.studio", json!({"A": 1, "B": 2}));
        assert_eq!(shown(&scene), "");
    }
}
