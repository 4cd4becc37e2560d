//! The difference between two policies, by statement.

use std::collections::{BTreeMap, BTreeSet};

use super::style::{Paint, Tone};
use super::text::{flow, joined};
use crate::model::{Path, Value};

/// One statement, taken apart: each member's path and the values it holds. A list of one is that one, and order and
/// repetition carry no meaning, as in IAM.
type Members = BTreeMap<Path, BTreeSet<String>>;

/// The lines that say how `before` becomes `after`: `-` and `+` a statement, `~` one that is edited. At most `limit`
/// values of a member are shown.
pub(super) fn lines(before: &[Value], after: &[Value], limit: usize, paint: Paint) -> Vec<String> {
    let mut removed: Vec<Members> = before.iter().map(members).collect();
    let mut added = Vec::new();
    for statement in after.iter().map(members) {
        match removed.iter().position(|other| *other == statement) {
            Some(at) => drop(removed.remove(at)),
            None => added.push(statement),
        }
    }
    let mut lines = Vec::new();
    let mut gone = Vec::new();
    for old in removed {
        match added.iter().position(|new| is_edit(&old, new)) {
            Some(at) => {
                let line = format!("~ {}: {}", name(&old), edits(&old, &added.remove(at), limit, paint));
                lines.push(paint.paint(Tone::Change, &line));
            }
            None => gone.push(old),
        }
    }
    let gone = gone.iter().map(|old| paint.paint(Tone::Remove, &format!("- {}", sentence(old, limit))));
    let come = added.iter().map(|new| paint.paint(Tone::Add, &format!("+ {}", sentence(new, limit))));
    gone.chain(lines).chain(come).collect()
}

/// A statement that names itself is the same one however it changes; any other as long as one member differs.
fn is_edit(old: &Members, new: &Members) -> bool {
    let sid = Path::of(["Sid"]);
    match (old.get(&sid), new.get(&sid)) {
        (Some(old), Some(new)) => old == new,
        (None, None) => {
            let paths: BTreeSet<&Path> = old.keys().chain(new.keys()).collect();
            let differing: Vec<&Path> = paths.into_iter().filter(|path| old.get(path) != new.get(path)).collect();
            // Allow and Deny of the same are not one statement edited.
            matches!(differing.as_slice(), [path] if **path != Path::of(["Effect"]))
        }
        _ => false,
    }
}

fn members(statement: &Value) -> Members {
    let leaves = statement.leaves().into_iter().map(|(path, value)| match value {
        Value::List(items) => (path, items.iter().map(flow).collect()),
        one => (path, BTreeSet::from([flow(one)])),
    });
    leaves.collect()
}

fn name(statement: &Members) -> String {
    match statement.get(&Path::of(["Sid"])) {
        Some(sid) => list(sid, usize::MAX),
        None => sentence(statement, 1),
    }
}

fn edits(old: &Members, new: &Members, limit: usize, paint: Paint) -> String {
    let none = BTreeSet::new();
    let paths: BTreeSet<&Path> = old.keys().chain(new.keys()).collect();
    let edits = paths.into_iter().filter_map(|path| {
        let (before, after) = (old.get(path).unwrap_or(&none), new.get(path).unwrap_or(&none));
        let gone: Vec<String> = before.difference(after).map(|value| format!("- {value}")).collect();
        let come: Vec<String> = after.difference(before).map(|value| format!("+ {value}")).collect();
        let gone = (!gone.is_empty()).then(|| paint.paint(Tone::Remove, &joined(&gone, limit)));
        let come = (!come.is_empty()).then(|| paint.paint(Tone::Add, &joined(&come, limit)));
        let both: Vec<String> = gone.into_iter().chain(come).collect();
        (!both.is_empty()).then(|| format!("{path} {}", both.join(", ")))
    });
    edits.collect::<Vec<_>>().join("; ")
}

/// `Allow s3:GetObject on arn:… for Service sagemaker.amazonaws.com when StringEquals aws:SourceAccount = 1…`.
fn sentence(statement: &Members, limit: usize) -> String {
    let mut sentence = String::new();
    let mut say = |word: &str, text: &str| {
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(word);
        if !word.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(text);
    };
    let member = |name: &str| statement.get(&Path::of([name])).map(|values| list(values, limit));
    if let Some(sid) = member("Sid") {
        say("", &format!("{sid}:"));
    }
    for (name, word) in [
        ("Effect", ""),
        ("Action", ""),
        ("NotAction", "everything but"),
        ("Resource", "on"),
        ("NotResource", "on everything but"),
        ("Principal", "for"),
        ("NotPrincipal", "for everybody but"),
    ] {
        if let Some(text) = member(name) {
            say(word, &text);
        }
        for (path, values) in statement.iter().filter(|(path, _)| path.0.len() == 2 && path.0[0] == name) {
            say(word, &format!("{} {}", path.0[1], list(values, limit)));
        }
    }
    let conditions = statement.iter().filter_map(|(path, values)| match path.0.as_slice() {
        [condition, operator, key] if condition == "Condition" => {
            Some(format!("{operator} {key} = {}", list(values, limit)))
        }
        _ => None,
    });
    let conditions: Vec<String> = conditions.collect();
    if !conditions.is_empty() {
        say("when", &conditions.join(" and "));
    }
    sentence
}

fn list(values: &BTreeSet<String>, limit: usize) -> String {
    joined(&values.iter().cloned().collect::<Vec<_>>(), limit)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn check(before: Json, after: Json, expected: &[&str]) {
        let (before, after) = (Value::from(before), Value::from(after));
        assert_eq!(lines(before.items(), after.items(), 3, Paint::PLAIN), expected);
    }

    #[test]
    fn statements_that_mean_the_same_are_no_difference() {
        check(
            json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["b", "a"]}]),
            json!([{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["a", "b", "a"]}]),
            &[],
        );
    }

    #[test]
    fn a_statement_comes_goes_or_is_edited() {
        let read = json!({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/*"});
        let more =
            json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/*"});
        let deny = json!({"Sid": "Tls", "Effect": "Deny", "NotAction": "x:y", "Principal": {"AWS": "*"},
            "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}});
        check(json!([]), json!([read]), &["+ Allow s3:GetObject on arn:aws:s3:::b/*"]);
        check(
            json!([deny]),
            json!([]),
            &["- Tls: Deny everything but x:y for AWS * when Bool aws:SecureTransport = false"],
        );
        check(json!([read]), json!([more]), &["~ Allow s3:GetObject on arn:aws:s3:::b/*: Action + s3:PutObject"]);
    }

    #[test]
    fn a_named_statement_is_edited_however_much_it_changes() {
        check(
            json!([{"Sid": "Use", "Effect": "Allow", "Action": ["a:A", "a:B"], "Resource": "*"}]),
            json!([{"Sid": "Use", "Effect": "Deny", "Action": ["a:A", "a:C"], "Resource": "*"}]),
            &["~ Use: Action - a:B, + a:C; Effect - Allow, + Deny"],
        );
    }

    #[test]
    fn allow_turned_into_deny_is_two_statements() {
        check(
            json!([{"Effect": "Allow", "Action": "a:A", "Resource": "*"}]),
            json!([{"Effect": "Deny", "Action": "a:A", "Resource": "*"}]),
            &["- Allow a:A on *", "+ Deny a:A on *"],
        );
    }

    #[test]
    fn long_lists_are_cut() {
        check(
            json!([]),
            json!([{"Effect": "Allow", "Action": ["a:1", "a:2", "a:3", "a:4", "a:5"], "Resource": "*"}]),
            &["+ Allow a:1, a:2, a:3 and 2 more on *"],
        );
    }
}
