//! Names and values in the forms that people, shells and CI read.

use serde_json::{Map, Value as Json};

use super::text::one_line;

/// The forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueFormat {
    /// Two columns.
    #[default]
    Table,
    /// One object.
    Json,
    /// The values alone, one a line.
    Raw,
    /// Assignments that a POSIX shell reads: `STUDIO_DOMAIN_ID='d-…'`.
    Env,
    /// Assignments for GitHub's `$GITHUB_OUTPUT`: `domain_id=d-…`.
    Github,
}

/// `values` in one of the forms, each line ended.
pub fn render(values: &[(String, String)], format: ValueFormat) -> String {
    match format {
        ValueFormat::Table => table(values),
        ValueFormat::Json => {
            let object: Map<String, Json> =
                values.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            format!("{:#}\n", Json::Object(object))
        }
        ValueFormat::Raw => values.iter().map(|(_, value)| format!("{value}\n")).collect(),
        ValueFormat::Env => {
            let lines = values.iter().map(|(name, value)| format!("{}={}\n", word(name).to_uppercase(), quoted(value)));
            lines.collect()
        }
        ValueFormat::Github => values.iter().map(|(name, value)| github(&word(name), value)).collect(),
    }
}

fn table(values: &[(String, String)]) -> String {
    let rows: Vec<(String, String)> = values.iter().map(|(name, value)| (one_line(name), one_line(value))).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:<width$}  {value}").trim_end().to_owned() + "\n").collect()
}

/// A name that shells and GitHub take: every run of other characters becomes one underscore, and it begins with no digit.
fn word(name: &str) -> String {
    let mut word = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else if !word.is_empty() && !word.ends_with('_') {
            word.push('_');
        }
    }
    let word = word.trim_end_matches('_');
    if word.starts_with(|c: char| c.is_ascii_digit()) { format!("_{word}") } else { word.to_owned() }
}

/// For a POSIX shell: nothing is special within single quotes but the quote itself.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// GitHub reads a value of several lines between delimiters, which must not occur in it.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings>
fn github(name: &str, value: &str) -> String {
    if !value.contains(['\n', '\r']) {
        return format!("{name}={value}\n");
    }
    let mut delimiter = "EOF".to_owned();
    while value.lines().any(|line| line == delimiter) {
        delimiter.push('_');
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_gets_its_form() {
        let values = [("domain.studio.DomainId", "d-1"), ("/acme/url", "it's\nEOF\n\u{1b}[31m")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (format, expected) in [
            (ValueFormat::Table, "domain.studio.DomainId  d-1\n/acme/url               it's\\nEOF\\n\\u{1b}[31m\n"),
            (
                ValueFormat::Json,
                "{\n  \"domain.studio.DomainId\": \"d-1\",\n  \"/acme/url\": \"it's\\nEOF\\n\\u001b[31m\"\n}\n",
            ),
            (ValueFormat::Raw, "d-1\nit's\nEOF\n\u{1b}[31m\n"),
            (ValueFormat::Env, "DOMAIN_STUDIO_DOMAINID='d-1'\nACME_URL='it'\\''s\nEOF\n\u{1b}[31m'\n"),
            (ValueFormat::Github, "domain_studio_DomainId=d-1\nacme_url<<EOF_\nit's\nEOF\n\u{1b}[31m\nEOF_\n"),
        ] {
            assert_eq!(render(&values, format), expected, "{format:?}");
        }
        assert_eq!(render(&[], ValueFormat::Table), "");
        assert_eq!(word("1 a--b "), "_1_a_b");
    }
}
