//! Semantic checks: a config that fits the schema also has to make sense, to MDAA and to AWS.
//!
//! One file a topic. Values that still hold a reference are passed over: they are checked once it is filled in.

use super::Config;
use super::codes::Code;
use super::diagnostic::{Diagnostic, Diagnostics, Span};
use super::document::nowhere;
use super::schema_check::SpanMap;
use super::template::Context;
use crate::naming::NamingConvention;

mod domain;
mod network;
mod scripts;
mod settings;
mod tags;
mod users;

/// Everything that is wrong with a config beyond its schema; also normalises settings that have two spellings.
pub(super) fn review(config: &mut Config, spans: &SpanMap, context: &Context) -> Diagnostics {
    let names = NamingConvention::new(&context.org, &context.env, &context.domain, &context.module_name);
    let mut review = Review { spans, context, names, diagnostics: Diagnostics::default() };
    settings::unify(&mut review, &mut config.domain);
    domain::check(&mut review, &config.domain);
    network::check(&mut review, &config.domain);
    users::check(&mut review, config);
    settings::check(&mut review, &config.domain);
    scripts::check(&mut review, &config.domain);
    tags::check(&mut review, config);
    review.diagnostics
}

/// State that the checks share: the config's spans and names, and the findings so far.
struct Review<'a> {
    spans: &'a SpanMap,
    context: &'a Context,
    names: NamingConvention,
    diagnostics: Diagnostics,
}

impl Review<'_> {
    /// Reports something at a path, or at its nearest ancestor that is in a file.
    fn report(&mut self, code: &'static Code, path: &[&str], summary: impl Into<String>, help: impl Into<String>) {
        let diagnostic = Diagnostic::new(code, summary).at(&self.span(path)).help(help);
        self.diagnostics.push(diagnostic);
    }

    /// The span of the value at a path if it begins on its key's line, else of the key.
    fn span(&self, path: &[&str]) -> Span {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        let found = (0..=path.len()).rev().find_map(|length| Some((length, self.spans.get(&path[..length])?)));
        match found {
            Some((length, spans)) if length == path.len() && spans.value.source.line == spans.key.source.line => {
                spans.value.clone()
            }
            Some((_, spans)) => spans.key.clone(),
            None => nowhere(),
        }
    }

    /// The span of the key at a path.
    fn key(&self, path: &[&str]) -> Span {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.spans.get(&path).map_or_else(nowhere, |spans| spans.key.clone())
    }

    /// Returns `true` if the value at a path is the one in the file, neither missing nor wrong.
    fn is_sound(&self, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.spans.get(&path).is_some_and(|spans| !spans.broken)
    }

    /// Returns `true` if a placeholder stands in for the value at a path, because that was wrong or is not known yet.
    fn is_broken(&self, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.spans.get(&path).is_some_and(|spans| spans.broken)
    }

    /// Returns `true` if the files hold anything at a path.
    fn is_written(&self, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.spans.contains_key(&path)
    }
}

/// Returns `true` if text still holds a reference, or is the placeholder of a value that was wrong.
fn is_open(text: &str) -> bool {
    text.contains("{{")
}

/// Returns `true` if text consists of letters, digits and the `others`.
fn consists_of(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}
