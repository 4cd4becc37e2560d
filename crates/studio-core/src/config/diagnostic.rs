//! Diagnostics of a config: collected, located, and rendered for people and for machines.

use std::collections::{BTreeMap, BTreeSet};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::codes::Code;
use crate::escape::{self, one_line};
use crate::model::Source;

/// Number of diagnostics that people are shown; nobody reads more at once.
const SHOWN: usize = 200;
/// Excerpts longer than this are left out; no line of a config that people write is.
const LONGEST_EXCERPT: usize = 16_384;

/// Severity of a diagnostic, which decides which commands stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing can be done with the config.
    Error,
    /// AWS would refuse the value: a warning for `validate` and `plan`, an error for `apply`.
    Refused,
    /// Worth knowing.
    Warning,
}

/// Location of a piece of text: its first character, and its length within the line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// The first character.
    #[serde(flatten)]
    pub source: Source,
    /// How many characters.
    pub length: usize,
}

/// Span with a text that the excerpt shows beside it; the text is empty where the summary says it all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LabeledSpan {
    /// The place.
    #[serde(flatten)]
    pub span: Span,
    /// What is to be said, if the summary does not say it all.
    #[serde(rename = "label")]
    pub text: String,
}

/// One mistake, or one thing worth knowing, about a config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What `explain` knows it by, e.g. `SD1003`.
    pub code: &'static str,
    /// Severity of a diagnostic, which decides which commands stop.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub summary: String,
    /// Where: the place itself first, then others that help to understand it.
    #[serde(rename = "notes")]
    pub labels: Vec<LabeledSpan>,
    /// The way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic of a code, without a location yet.
    pub fn new(code: &'static Code, summary: impl Into<String>) -> Self {
        Self { code: code.id, severity: code.severity, summary: summary.into(), labels: Vec::new(), help: None }
    }

    /// Adds a span that needs no text of its own.
    #[must_use]
    pub fn at(self, span: &Span) -> Self {
        self.label(span, "")
    }

    /// Adds a span and the text to show beside it; the first one is the diagnostic's own location.
    #[must_use]
    pub fn label(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.labels.push(LabeledSpan { span: span.clone(), text: text.into() });
        self
    }

    /// Adds advice on how to fix it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A copy with every text escaped, since names and values of the config are in all of them.
    fn shown(&self) -> Self {
        let mut shown = self.clone();
        shown.summary = one_line(&self.summary);
        shown.help = self.help.as_deref().map(one_line);
        shown.labels.iter_mut().for_each(|label| label.text = one_line(&label.text));
        shown
    }
}

/// Diagnostics sorted by location, each only once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a diagnostic, unless the same one is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let from = self.0.partition_point(|known| order(known) < order(&diagnostic));
        let alike = self.0[from..].iter().take_while(|known| order(known) == order(&diagnostic));
        let (alike, known) = alike.fold((0, false), |(alike, known), other| (alike + 1, known || *other == diagnostic));
        if !known {
            self.0.insert(from + alike, diagnostic);
        }
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: Diagnostics) {
        other.0.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// All diagnostics, in the order of their locations.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Returns `true` if there is no diagnostic at all, not even a warning.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if there is an error.
    pub fn has_errors(&self) -> bool {
        self.has(Severity::Error)
    }

    /// Returns `true` if there is something that AWS would refuse.
    pub fn has_refused(&self) -> bool {
        self.has(Severity::Refused)
    }

    /// The same with what AWS would refuse as errors, for commands that write.
    #[must_use]
    pub fn strict(mut self) -> Self {
        for diagnostic in self.0.iter_mut().filter(|diagnostic| diagnostic.severity == Severity::Refused) {
            diagnostic.severity = Severity::Error;
        }
        self
    }

    /// Everything as people read it, with the lines concerned out of `texts` (by file name), plain or in colour.
    pub fn render(&self, texts: &BTreeMap<String, String>, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let texts = texts.iter().map(|(file, text)| (file.as_str(), Lines::of(text))).collect();
        let shown = self.0.iter().take(SHOWN).map(Diagnostic::shown);
        // Nothing that the renderer is given can steer, so that every escape sequence is its own.
        let mut reports: Vec<String> =
            shown.map(|diagnostic| escape::rendered(&renderer.render(&report(&diagnostic, &texts)))).collect();
        if self.0.len() > SHOWN {
            let more = self.0.len() - SHOWN;
            reports.push(format!(
                "... and {more} more like these; the command validate tells all of them with `--format json`"
            ));
        }
        reports.join("\n\n")
    }

    /// Everything as a JSON list.
    ///
    /// # Panics
    /// Never: diagnostics are plain data.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("diagnostics are plain data")
    }

    fn has(&self, severity: Severity) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == severity)
    }
}

/// Diagnostics of one config with the texts of its files, so that whoever shows them can quote the lines concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiagnosticReport {
    /// The config's name, where there are several.
    pub name: Option<String>,
    /// The diagnostics.
    pub diagnostics: Diagnostics,
    /// The texts by file name.
    pub texts: BTreeMap<String, String>,
}

impl DiagnosticReport {
    /// The diagnostics as people read them, plain or in colour, below the config's name where it has one.
    pub fn render(&self, colored: bool) -> String {
        let text = self.diagnostics.render(&self.texts, colored);
        match &self.name {
            Some(name) => format!("in {}:\n{}\n", one_line(name), text.trim_end()),
            None => text,
        }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(&BTreeMap::new(), false))
    }
}

impl std::error::Error for Diagnostics {}

fn order(diagnostic: &Diagnostic) -> (Option<&Span>, Severity, &str, &str) {
    let span = diagnostic.labels.first().map(|label| &label.span);
    (span, diagnostic.severity, diagnostic.code, &diagnostic.summary)
}

/// A text, and the byte at which each of its lines begins.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The byte at which a line begins, counted from 1; that of the end for lines beyond it.
    fn start(&self, line: usize) -> usize {
        self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// The lines that hold all of some spans, with the number of the first; nothing when they are too long to show.
    fn excerpt(&self, spans: impl Iterator<Item = &'a Span> + Clone) -> Option<(usize, &'a str)> {
        let lines = spans.map(|span| span.source.line.max(1));
        let (first, last) = (lines.clone().min()?, lines.max()?);
        let excerpt = &self.text[self.start(first)..self.start(last + 1)];
        (excerpt.len() <= LONGEST_EXCERPT).then_some((first, excerpt))
    }

    /// The bytes of the text that a span covers; at least one character where there is one.
    fn span(&self, span: &Span) -> std::ops::Range<usize> {
        let start = self.start(span.source.line);
        let line = &self.text[start..self.start(span.source.line.max(1) + 1)];
        let visible = line.trim_end_matches(['\r', '\n']);
        let offset =
            |characters: usize| visible.char_indices().nth(characters).map_or(visible.len(), |(index, _)| index);
        // A byte order mark is a character of the text but of no column.
        let mark = usize::from(span.source.line == 1 && self.text.starts_with('\u{feff}'));
        let first = span.source.column.saturating_sub(1) + mark;
        start + offset(first)..start + offset(first + span.length.max(1))
    }
}

/// An excerpt as it is shown: control characters are escaped, and so take more room than before.
fn visible(excerpt: &str) -> String {
    escape::lines(&excerpt.trim_start_matches('\u{feff}').replace("\r\n", "\n"))
}

fn report<'a>(diagnostic: &'a Diagnostic, texts: &BTreeMap<&'a str, Lines<'a>>) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Refused | Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.summary.as_str()).id(diagnostic.code));
    let mut seen = BTreeSet::new();
    for label in &diagnostic.labels {
        let file = label.span.source.file.as_str();
        let here = diagnostic.labels.iter().enumerate().filter(|(_, other)| other.span.source.file == file);
        let lines = texts.get(file);
        let excerpt = lines.and_then(|lines| Some((lines, lines.excerpt(here.clone().map(|(_, label)| &label.span))?)));
        match excerpt {
            // All notes of one file share one excerpt.
            Some((lines, (first, excerpt))) if seen.insert(file) => {
                let before = lines.start(first);
                let annotations = here.map(|(index, other)| {
                    let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                    let span = lines.span(&other.span);
                    let shown = |end: usize| visible(&lines.text[before..end]).len();
                    let annotation = kind.span(shown(span.start)..shown(span.end));
                    if other.text.is_empty() { annotation } else { annotation.label(other.text.as_str()) }
                });
                group = group.element(
                    Snippet::source(visible(excerpt)).path(one_line(file)).line_start(first).annotations(annotations),
                );
            }
            Some(_) => {}
            None => {
                let source = &label.span.source;
                group = group.element(Origin::path(one_line(file)).line(source.line).char_column(source.column));
                if !label.text.is_empty() {
                    group = group.element(Level::NOTE.message(label.text.as_str()));
                }
            }
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    vec![group]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::codes;

    fn span(line: usize, column: usize, length: usize) -> Span {
        Span { source: Source { file: "a.yaml".into(), line, column }, length }
    }

    fn sample() -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        let second = Diagnostic::new(&codes::WRONG_TYPE, "b").at(&span(2, 1, 1));
        diagnostics.push(second.clone());
        diagnostics.push(
            Diagnostic::new(&codes::DUPLICATE_KEY, "`é` is given twice")
                .label(&span(1, 1, 1), "again here")
                .label(&span(2, 4, 2), "first here")
                .help("keep one"),
        );
        diagnostics.push(second);
        diagnostics
    }

    #[test]
    fn diagnostics_are_sorted_and_single() {
        let summaries: Vec<_> = sample().iter().map(|d| d.summary.clone()).collect();
        assert_eq!(summaries, ["`é` is given twice", "b"]);
    }

    #[test]
    fn people_see_the_lines() {
        let texts = BTreeMap::from([("a.yaml".to_string(), "é: 1\nb: cd\n".to_string())]);
        let text = sample().render(&texts, false);
        for part in
            ["error[SD1002]: `é` is given twice", "a.yaml:1:1", "again here", "b: cd", "first here", "help: keep one"]
        {
            assert!(text.contains(part), "{part} not in\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
        assert!(sample().render(&texts, true).contains('\u{1b}'));
        assert!(sample().render(&BTreeMap::new(), false).contains("a.yaml:1:1"));
    }

    #[test]
    fn very_many_are_counted_and_very_long_lines_left_out() {
        let mut many = Diagnostics::default();
        for line in (1..=50_000).rev() {
            many.push(Diagnostic::new(&codes::WRONG_TYPE, "b").at(&span(line, 1, 1)));
        }
        let texts = BTreeMap::from([("a.yaml".to_string(), "b: 1\n".repeat(50_000))]);
        let text = many.render(&texts, false);
        assert!(
            text.contains("a.yaml:200:1")
                && text.ends_with(
                    "and 49800 more like these; the command validate tells all of them with `--format json`"
                )
        );
        let texts = BTreeMap::from([("a.yaml".to_string(), "x".repeat(1 << 20))]);
        let text = sample().render(&texts, false);
        assert!(text.contains("a.yaml:1:1") && text.len() < 1000, "{}", text.len());
    }

    #[test]
    fn machines_see_json() {
        let json = sample().to_json();
        assert_eq!(json[0]["code"], "SD1002");
        assert_eq!(json[0]["severity"], "error");
        assert_eq!(json[0]["notes"][1]["line"], 2);
        assert_eq!(json[0]["notes"][1]["label"], "first here");
    }

    #[test]
    fn strict_turns_refusals_into_errors() {
        let refused = Diagnostics::from(Diagnostic::new(&codes::OUT_OF_RANGE, "x"));
        assert!(!refused.has_errors() && refused.has_refused());
        assert!(refused.strict().has_errors());
    }

    #[test]
    fn places_beyond_the_text_do_no_harm() {
        for beyond in [span(9, 9, 9), span(1, 99, 1), span(0, 0, 0)] {
            let range = Lines::of("ab\n").span(&beyond);
            assert!(range.end <= 3);
        }
    }
}
