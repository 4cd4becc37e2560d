//! Evaluator for the expressions of GitHub's workflows: contexts, operators, and the functions that ours use.

use serde_json::{Value as Json, json};

/// Surroundings of an expression: the contexts by name, and how the job is doing.
pub struct Scope<'a> {
    /// `github`, `inputs`, `matrix` and so on.
    pub contexts: &'a Json,
    /// Whether nothing before has failed, which is what `success()` says.
    pub success: bool,
}

/// The value of a field of a workflow, with its expressions replaced; one that is nothing but an expression keeps its type.
pub fn filled(text: &str, scope: &Scope<'_>) -> Json {
    let whole = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
    if let Some(expression) = whole.filter(|rest| !rest.contains("${{")) {
        return value_of(expression, scope);
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${{") {
        let (expression, behind) = behind.split_once("}}").expect("an expression is closed");
        result.push_str(before);
        result.push_str(&as_text(&value_of(expression, scope)));
        rest = behind;
    }
    result.push_str(rest);
    result.into()
}

/// The same as text.
pub fn filled_text(text: &str, scope: &Scope<'_>) -> String {
    as_text(&filled(text, scope))
}

/// Returns `true` if a job or step with this `if` runs; unless it asks how things stand itself, nothing may have failed.
pub fn is_met(condition: Option<&Json>, scope: &Scope<'_>) -> bool {
    let Some(condition) = condition.and_then(Json::as_str) else { return scope.success };
    let asks = ["success()", "always()", "cancelled()", "failure()"].iter().any(|status| condition.contains(status));
    (asks || scope.success) && is_true(&value_of(condition, scope))
}

/// The text that a value becomes within other text.
pub fn as_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_true(value: &Json) -> bool {
    !matches!(value, Json::Null | Json::Bool(false)) && *value != json!("") && *value != json!(0)
}

fn value_of(expression: &str, scope: &Scope<'_>) -> Json {
    let mut reader = Reader { words: words(expression), at: 0, scope };
    let value = reader.either();
    assert_eq!(reader.at, reader.words.len(), "`{expression}` is read to its end");
    value
}

/// Quoted text with its first quote, operators, and names with their dots.
fn words(expression: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = expression.trim();
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' {
            1 + rest[1..].find('\'').expect("a text is closed")
        } else if let Some(operator) = ["==", "!=", "&&", "||"].iter().find(|operator| rest.starts_with(**operator)) {
            operator.len()
        } else if "()!,".contains(first) {
            1
        } else {
            rest.find(|c: char| !c.is_alphanumeric() && !"._-".contains(c)).unwrap_or(rest.len())
        };
        assert!(length > 0, "`{rest}` cannot be read");
        words.push(rest[..length].to_owned());
        // Behind a text stands its second quote.
        let behind = if first == '\'' { length + 1 } else { length };
        rest = rest[behind..].trim_start();
    }
    words
}

/// Recursive descent, with a function for each precedence.
struct Reader<'a> {
    words: Vec<String>,
    at: usize,
    scope: &'a Scope<'a>,
}

impl Reader<'_> {
    fn takes(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|next| next == word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Json {
        let mut value = self.both();
        while self.takes("||") {
            let other = self.both();
            value = if is_true(&value) { value } else { other };
        }
        value
    }

    fn both(&mut self) -> Json {
        let mut value = self.comparison();
        while self.takes("&&") {
            let other = self.comparison();
            value = if is_true(&value) { other } else { value };
        }
        value
    }

    fn comparison(&mut self) -> Json {
        let value = self.single();
        if self.takes("==") {
            return (as_text(&value) == as_text(&self.single())).into();
        }
        if self.takes("!=") {
            return (as_text(&value) != as_text(&self.single())).into();
        }
        value
    }

    fn single(&mut self) -> Json {
        if self.takes("!") {
            return (!is_true(&self.single())).into();
        }
        if self.takes("(") {
            let value = self.either();
            assert!(self.takes(")"), "a parenthesis is closed");
            return value;
        }
        let word = self.words.get(self.at).expect("there is a word").clone();
        self.at += 1;
        if let Some(text) = word.strip_prefix('\'') {
            return text.into();
        }
        if self.takes("(") {
            let mut arguments = Vec::new();
            while !self.takes(")") {
                arguments.push(self.either());
                self.takes(",");
            }
            return self.call(&word, &arguments);
        }
        word.split('.').fold(self.scope.contexts.clone(), |value, name| value[name].clone())
    }

    fn call(&self, name: &str, arguments: &[Json]) -> Json {
        match name {
            "success" => self.scope.success.into(),
            "failure" => (!self.scope.success).into(),
            "always" => true.into(),
            "cancelled" => false.into(),
            "fromJSON" => serde_json::from_str(&as_text(&arguments[0])).expect("it is JSON"),
            _ => panic!("{name} is no function that is known here"),
        }
    }
}

#[test]
fn expressions_are_read_as_github_reads_them() {
    let contexts =
        json!({"github": {"event_name": "push", "event": {}}, "vars": {"ROLE": "arn"}, "needs": {"a-b": {"n": "2"}}});
    let cases = [
        ("x-${{ vars.ROLE }}-${{ needs.a-b.n }}", json!("x-arn-2")),
        ("${{ fromJSON('[1]') }}", json!([1])),
        ("${{ github.event_name == 'push' && 'yes' || 'no' }}", json!("yes")),
        ("${{ github.event.pull_request.number || github.event_name }}", json!("push")),
        ("${{ !(github.event_name != 'push') }}", json!(true)),
        ("plain", json!("plain")),
    ];
    for (text, value) in cases {
        assert_eq!(filled(text, &Scope { contexts: &contexts, success: true }), value, "{text}");
    }
    for (condition, success, met) in [
        ("github.event_name == 'push'", true, true),
        ("github.event_name == 'push'", false, false),
        ("!cancelled() && github.event_name == 'push'", false, true),
        ("always()", false, true),
    ] {
        assert_eq!(is_met(Some(&condition.into()), &Scope { contexts: &contexts, success }), met, "{condition}");
    }
}
