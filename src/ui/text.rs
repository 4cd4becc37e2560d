//! Values as text for people.

use crate::escape;
use crate::model::{Part, Text, Value};

/// Text in the place of an output that only the apply will know.
pub(super) const UNKNOWN: &str = "(known after apply)";
/// Text in the place of a value that is not there.
pub(super) const NOT_SET: &str = "(not set)";

/// A text, its outputs marked, with its line breaks.
pub(super) fn lines_of(text: &Text) -> String {
    let parts = text.parts().iter().map(|part| match part {
        Part::Literal(literal) => escape::lines(literal),
        Part::Output { .. } => UNKNOWN.to_owned(),
    });
    parts.collect()
}

/// A value on one line: text as it is, lists in brackets, maps in braces.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => {
            let line = escape::one_line(&lines_of(text));
            // Quotes only where the eye would miss something.
            if line.trim() == line && !line.is_empty() { line } else { format!("\"{line}\"") }
        }
        Value::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {}", escape::one_line(key), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A value on one line, or that it is not set.
pub(super) fn flow_or_not_set(value: Option<&Value>) -> String {
    value.map_or_else(|| NOT_SET.into(), flow)
}

/// At most `limit` characters of a line, with a mark where it was cut.
pub(super) fn shortened(line: String, limit: usize) -> String {
    match line.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// `items` in one line, at most `limit` of them.
pub(super) fn joined(items: &[String], limit: usize) -> String {
    if items.len() <= limit {
        return items.join(", ");
    }
    format!("{} and {} more", items[..limit].join(", "), items.len() - limit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Address, Kind};

    #[test]
    fn values_read_on_one_line() {
        let id = Text::output(Address::new(Kind::Domain, "studio"), "DomainId");
        for (value, expected) in [
            (Value::from(json!("plain")), "plain"),
            (Value::from(json!("")), "\"\""),
            (Value::from(json!(" padded")), "\" padded\""),
            (Value::from(json!("two\nlines")), "two\\nlines"),
            (Value::from(json!("\u{1b}[31mred")), "\\u001b[31mred"),
            (Value::from(json!({"b": [1, true], "a": null})), "{a: null, b: [1, true]}"),
            (Value::from(id.clone()), "(known after apply)"),
            (Value::from(Text::literal("app/").then(id).then("/*")), "app/(known after apply)/*"),
        ] {
            assert_eq!(flow(&value), expected);
        }
    }

    #[test]
    fn long_lines_and_lists_are_cut_at_characters() {
        assert_eq!(shortened("äöü".into(), 2), "äö…");
        assert_eq!(shortened("äöü".into(), 3), "äöü");
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(joined(&items, 2), "a, b and 1 more");
        assert_eq!(joined(&items, 3), "a, b, c");
    }
}
