//! Names and values in the forms that people, shells and CI read.

use serde_json::{Map, Value as Json};

use crate::escape::{is_plain, one_line};

/// Forms in which values are written.
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

impl ValueFormat {
    /// The name of the first value that cannot be told in this form: its line ends or control characters would be taken
    /// for the form's, or for a CI runner's, and without them it would be another value.
    pub fn cannot_tell(self, values: &[(String, String)]) -> Option<&str> {
        let is_exact = matches!(self, Self::Raw | Self::Env | Self::Github);
        let untold = |value: &str| !is_plain(value) || value.contains("##") || value.trim_start().starts_with("::");
        values.iter().find(|(_, value)| is_exact && untold(value)).map(|(name, _)| name.as_str())
    }
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
        ValueFormat::Github => values.iter().map(|(name, value)| format!("{}={value}\n", word(name))).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_gets_its_form() {
        let values = [("domain.studio.DomainId", "d-1"), ("/acme/url", "it's")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (format, expected) in [
            (ValueFormat::Table, "domain.studio.DomainId  d-1\n/acme/url               it's\n"),
            (ValueFormat::Json, "{\n  \"domain.studio.DomainId\": \"d-1\",\n  \"/acme/url\": \"it's\"\n}\n"),
            (ValueFormat::Raw, "d-1\nit's\n"),
            (ValueFormat::Env, "DOMAIN_STUDIO_DOMAINID='d-1'\nACME_URL='it'\\''s'\n"),
            (ValueFormat::Github, "domain_studio_DomainId=d-1\nacme_url=it's\n"),
        ] {
            assert_eq!(render(&values, format), expected, "{format:?}");
        }
        assert_eq!(render(&[], ValueFormat::Table), "");
    }

    #[test]
    fn what_would_be_taken_for_something_else_is_only_told_as_data() {
        for (value, expected) in [
            ("it's ::fine:: 'so' $(far) #1", None),
            ("two\nlines", Some("x")),
            ("\u{1b}[31m", Some("x")),
            ("\u{202e}", Some("x")),
            (" ::error::", Some("x")),
            ("a ##[error]", Some("x")),
        ] {
            let values = [("x".to_owned(), value.to_owned())];
            for format in [ValueFormat::Raw, ValueFormat::Env, ValueFormat::Github] {
                assert_eq!(format.cannot_tell(&values), expected, "{value:?}");
            }
            assert_eq!(ValueFormat::Json.cannot_tell(&values), None);
            assert_eq!(render(&values, ValueFormat::Table).lines().count(), 1);
        }
    }

    #[test]
    fn names_are_words() {
        assert_eq!(word("1 a--b "), "_1_a_b");
    }
}
