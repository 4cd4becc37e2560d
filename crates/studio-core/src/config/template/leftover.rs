//! Leftover references: text that still looks like a reference once everything is filled in.
//!
//! Checks skip such text, which they take for a value that is not known yet, and MDAA would deploy it as it is.

use serde_json::Value as Json;

use super::braces::{outside, pairs};
use super::{Filled, Occurrence};
use crate::config::codes;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::tree::{Tree, YamlValue, shorten};

/// Prefixes that make a value a reference.
const PREFIXES: [&str; 6] =
    ["ssm:", "ssm-org:", "ssm-domain:", "ssm-env:", "generated-role-id:", "generated-role-arn:"];
/// The words that are a reference in braces.
const WORDS: [&str; 7] = ["org", "env", "domain", "module_name", "account", "region", "partition"];
/// Prefixes of all other references in braces.
const HEADS: [&str; 9] =
    ["context:", "env_var:", "resolve:", "ssm-org:", "ssm-domain:", "ssm-env:", "param:", "ref:", "blueprint:"];

/// The mistake of a text that was filled in, if it has one: `written` in the file, `prefixed` with its prefix in braces.
pub(super) fn of(written: &str, prefixed: &str, filled: &Filled, at: Occurrence<'_>) -> Option<Diagnostic> {
    if matches!(filled, Filled::Broken) {
        return None;
    }
    let mistake = |summary: String, help: String| Some(Diagnostic::new(&codes::UNRESOLVED, summary).help(help));
    if !at.in_commands && outside(prefixed).contains("{{") {
        let summary = format!("`{{{{` is never closed in `{}`", shorten(written));
        return mistake(summary, "close the reference with `}}`, or leave the braces out".into());
    }
    if at.is_key
        && let Some(prefix) = prefix(written)
    {
        let summary = format!("a key cannot come from an SSM parameter, as `{}` does", shorten(written));
        let help = format!("write the key itself; `{prefix}` is for values");
        return Some(Diagnostic::new(&codes::PARAMETER_PLACE, summary).help(help));
    }
    if let Some(prefix) = nearly_prefixed(written) {
        let summary = format!("`{}` is not a reference", shorten(written));
        return mistake(summary, format!("`{prefix}` counts at the very beginning and in lower case only"));
    }
    let hidden = match filled {
        // What waits for the account stands in braces and is no mistake.
        Filled::Pending(text) => hidden(&outside(text), at).then_some(text),
        Filled::Text(text) => hidden(text, at).then_some(text),
        Filled::Json(json) => find(json, &|text| hidden(text, at)),
        Filled::Broken => None,
    }?;
    let help = match prefix(hidden) {
        // A list or mapping cannot have a prefix in front of it.
        Some(prefix) if matches!(filled, Filled::Text(_)) && pairs(written).len() == 1 => {
            format!("write {prefix}{written}, and the value without `{prefix}`")
        }
        _ => "what a reference stands for is not looked at again: write what it holds at this place".into(),
    };
    mistake(format!("`{}` is filled in with `{}`", shorten(written), shorten(hidden)), help)
}

/// Mistakes of a tree that no further pass looks at: every text and key that still has braces or a prefix.
pub(in crate::config) fn literal(tree: &Tree, help: &str) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let mut refuse = |text: &str, place| {
        if text.contains("{{") || prefix(text).is_some() || nearly_prefixed(text).is_some() {
            let summary = format!("`{}` is not filled in here", shorten(text));
            diagnostics.push(Diagnostic::new(&codes::UNRESOLVED, summary).at(place).help(help));
        }
    };
    match &tree.value {
        YamlValue::Text(text) | YamlValue::Pending(text) => refuse(text, &tree.span),
        YamlValue::List(items) => items.iter().for_each(|item| diagnostics.extend(literal(item, help))),
        YamlValue::Map(members) => {
            members.iter().for_each(|(key, member)| refuse(key, &member.key));
            members.values().for_each(|member| diagnostics.extend(literal(&member.value, help)));
        }
        _ => {}
    }
    diagnostics
}

/// Returns `true` if text that is final holds a reference. Commands may hold the braces of programs.
fn hidden(text: &str, at: Occurrence<'_>) -> bool {
    let braced = if at.in_commands {
        pairs(text).iter().any(|pair| is_reference(&text[pair.start + 2..pair.end - 2]))
    } else {
        text.contains("{{")
    };
    braced || prefix(text).is_some()
}

fn is_reference(inner: &str) -> bool {
    WORDS.contains(&inner) || HEADS.iter().any(|head| inner.starts_with(head))
}

/// The prefix that text begins with.
fn prefix(text: &str) -> Option<&'static str> {
    PREFIXES.into_iter().find(|prefix| text.starts_with(prefix))
}

/// The prefix that is meant by text which begins with blanks before it, or with capitals.
fn nearly_prefixed(text: &str) -> Option<&'static str> {
    let meant = text.trim_start().to_ascii_lowercase();
    let prefix = prefix(&meant)?;
    let rest = meant[prefix.len()..].trim_start();
    // `SSM: …` may begin a sentence.
    let is_name = prefix != "ssm:" || rest.starts_with('/') || rest.starts_with("arn:") || rest.starts_with("{{");
    (is_name && !text.starts_with(prefix)).then_some(prefix)
}

/// The first text in JSON that satisfies a predicate, keys included.
fn find<'j>(json: &'j Json, is_so: &dyn Fn(&str) -> bool) -> Option<&'j String> {
    match json {
        Json::String(text) => is_so(text).then_some(text),
        Json::Array(items) => items.iter().find_map(|item| find(item, is_so)),
        Json::Object(members) => {
            members.iter().find_map(|(key, value)| is_so(key).then_some(key).or_else(|| find(value, is_so)))
        }
        _ => None,
    }
}
