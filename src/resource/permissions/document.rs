//! Policy documents out of grants: rows merged, and cut so that each fits a managed policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::{Condition, Grant};

/// The most characters of a managed policy, white space aside (IAM user guide, "IAM and AWS STS quotas").
pub const MOST_CHARACTERS: usize = 6144;
/// Most managed policies that a role takes unless the quota is raised (the same).
pub const MOST_POLICIES: usize = 10;

/// Size of a policy around its statements.
const FRAME: usize = r#"{"Version":"2012-10-17","Statement":[]}"#.len();

type Conditions = BTreeSet<Condition>;

/// A statement, before it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    actions: BTreeSet<String>,
    resources: BTreeSet<String>,
    conditions: Conditions,
}

/// The documents that together allow what `grants` say, in as few as need be.
pub fn documents(grants: &[Grant]) -> Vec<Json> {
    let statements: Vec<Json> = merged(grants).into_iter().flat_map(fitting).map(|row| statement(&row)).collect();
    // The longest first, each into the first policy that has room: so few are needed.
    let mut sized: Vec<(usize, Json)> =
        statements.into_iter().map(|statement| (size(&statement) + 1, statement)).collect();
    sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let mut policies: Vec<(usize, Vec<Json>)> = Vec::new();
    for (size, statement) in sized {
        match policies.iter_mut().find(|(used, _)| used + size <= MOST_CHARACTERS) {
            Some((used, statements)) => {
                *used += size;
                statements.push(statement);
            }
            None => policies.push((FRAME + size, vec![statement])),
        }
    }
    let ordered = policies.into_iter().map(|(_, mut statements)| {
        statements.sort_by_key(ToString::to_string);
        json!({"Version": "2012-10-17", "Statement": statements})
    });
    ordered.collect()
}

/// The size of a document as IAM counts it: every character but white space.
pub fn size(document: &Json) -> usize {
    document.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

/// Rows of the same resources and conditions in one, then rows of the same actions and conditions.
fn merged(grants: &[Grant]) -> Vec<Row> {
    let mut by_resources: BTreeMap<(BTreeSet<String>, Conditions), BTreeSet<String>> = BTreeMap::new();
    for grant in grants {
        let key = (grant.resources.clone(), grant.conditions.clone());
        by_resources.entry(key).or_default().extend(grant.actions.iter().map(ToString::to_string));
    }
    let mut by_actions: BTreeMap<(BTreeSet<String>, Conditions), BTreeSet<String>> = BTreeMap::new();
    for ((resources, conditions), actions) in by_resources {
        by_actions.entry((actions, conditions)).or_default().extend(resources);
    }
    // What is allowed everywhere and always need not be said again of one thing.
    let everywhere: BTreeSet<String> = by_actions
        .iter()
        .filter(|((_, conditions), resources)| conditions.is_empty() && resources.contains("*"))
        .flat_map(|((actions, _), _)| actions.clone())
        .collect();
    let rows = by_actions.into_iter().filter_map(|((mut actions, conditions), mut resources)| {
        if resources.contains("*") {
            resources.retain(|resource| resource == "*");
        } else {
            resources = without_covered(resources);
        }
        if !(conditions.is_empty() && resources.contains("*")) {
            actions.retain(|action| !everywhere.contains(action));
        }
        (!actions.is_empty()).then_some(Row { actions, resources, conditions })
    });
    rows.collect()
}

/// The same without what a wildcard at the end of another covers.
fn without_covered(resources: BTreeSet<String>) -> BTreeSet<String> {
    let covers = |wide: &String, narrow: &String| {
        wide != narrow && wide.strip_suffix('*').is_some_and(|head| !head.contains('*') && narrow.starts_with(head))
    };
    resources.iter().filter(|narrow| !resources.iter().any(|wide| covers(wide, narrow))).cloned().collect()
}

/// A row, cut until each part fits a policy.
fn fitting(row: Row) -> Vec<Row> {
    if FRAME + size(&statement(&row)) < MOST_CHARACTERS || row.resources.len() < 2 {
        return vec![row];
    }
    let mut first = row.resources.clone();
    let middle = first.iter().nth(first.len() / 2).cloned().unwrap_or_default();
    let second = first.split_off(&middle);
    [first, second].into_iter().flat_map(|resources| fitting(Row { resources, ..row.clone() })).collect::<Vec<_>>()
}

fn statement(row: &Row) -> Json {
    let mut statement = json!({"Effect": "Allow", "Action": one_or_all(&row.actions)});
    statement["Resource"] = one_or_all(&row.resources);
    let mut conditions: Map<String, Json> = Map::new();
    for Condition { operator, key, values } in &row.conditions {
        let keys = conditions.entry(*operator).or_insert_with(|| json!({}));
        keys[key] = one_or_all(values);
    }
    if !conditions.is_empty() {
        statement["Condition"] = Json::Object(conditions);
    }
    statement
}

/// A list of one is written as the one.
fn one_or_all<'a>(items: impl IntoIterator<Item = &'a String>) -> Json {
    let mut items: Vec<&String> = items.into_iter().collect();
    if items.len() == 1 { json!(items.remove(0)) } else { json!(items) }
}

#[cfg(test)]
mod tests {
    use super::super::LOOK;
    use super::*;

    fn grant(actions: &[&'static str], resources: &[&str]) -> Grant {
        Grant::new(LOOK, actions, resources.iter().map(ToString::to_string))
    }

    #[test]
    fn rows_are_merged() {
        let grants = [
            grant(&["s3:GetObject"], &["arn:aws:s3:::a"]),
            grant(&["s3:PutObject"], &["arn:aws:s3:::a"]),
            grant(&["s3:GetObject", "s3:PutObject"], &["arn:aws:s3:::b"]),
            grant(&["kms:ListKeys", "kms:ListAliases"], &["*"]),
            grant(&["kms:ListKeys"], &["arn:aws:kms:::key/a"]),
        ];
        assert_eq!(
            documents(&grants),
            [json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["kms:ListAliases", "kms:ListKeys"], "Resource": "*"},
                {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
                 "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::b"]},
            ]})]
        );
    }

    #[test]
    fn a_condition_keeps_rows_apart() {
        let grants = [
            grant(&["s3:GetObject"], &["arn:aws:s3:::a"]),
            grant(&["s3:PutObject"], &["arn:aws:s3:::a"]).when("StringEquals", "aws:x", ["1*".into()]),
        ];
        let documents = documents(&grants);
        assert_eq!(documents[0]["Statement"].as_array().map(Vec::len), Some(2));
        assert!(documents[0].to_string().contains(r#""Condition":{"StringLike":{"aws:x":"1*"}}"#), "{documents:?}");
    }

    #[test]
    fn every_document_fits() {
        let names: Vec<String> =
            (0..400).map(|n| format!("arn:aws:ssm:eu-central-1:123456789012:parameter/{n}")).collect();
        let mut grants = vec![Grant::new(LOOK, &["ssm:GetParameters"], names.clone())];
        grants.push(grant(&["kms:ListKeys"], &["*"]));
        let documents = documents(&grants);
        assert!(documents.len() > 3 && documents.iter().all(|document| size(document) <= MOST_CHARACTERS));
        let all = Json::from(documents).to_string();
        assert!(names.iter().all(|name| all.contains(&format!("{name}\""))));
    }
}
