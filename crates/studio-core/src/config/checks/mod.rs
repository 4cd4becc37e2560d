//! Whether a config of the right shape also makes sense, to MDAA and to AWS.
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

/// Everything that is wrong with a config beyond its shape; also settles what has two spellings.
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

/// What the checks share.
struct Review<'a> {
    spans: &'a SpanMap,
    context: &'a Context,
    names: NamingConvention,
    diagnostics: Diagnostics,
}

impl Review<'_> {
    /// Reports something at a path, or at the nearest place around it.
    fn report(&mut self, code: &'static Code, path: &[&str], summary: impl Into<String>, help: impl Into<String>) {
        let diagnostic = Diagnostic::new(code, summary).at(&self.span(path)).help(help);
        self.diagnostics.push(diagnostic);
    }

    /// The place of the value at a path if it begins on its key's line, else of the key.
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

    /// The place of the key at a path.
    fn key(&self, path: &[&str]) -> Span {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.spans.get(&path).map_or_else(nowhere, |spans| spans.key.clone())
    }

    /// Whether the value at a path is the one in the file, and not missing or wrong.
    fn is_sound(&self, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.spans.get(&path).is_some_and(|spans| !spans.broken)
    }

    /// Whether what is written at a path was wrong, or is not known yet, so that something else stands in for it.
    fn is_broken(&self, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.spans.get(&path).is_some_and(|spans| spans.broken)
    }

    /// Whether something is written at a path.
    fn is_written(&self, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.spans.contains_key(&path)
    }
}

/// Whether text still holds a reference, or stands in for a value that was wrong.
fn is_open(text: &str) -> bool {
    text.contains("{{")
}

/// Whether text consists of letters, digits and some other characters.
fn consists_of(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}
