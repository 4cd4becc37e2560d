//! References in configs: `{{…}}` and the prefixes `ssm:`, `ssm-org:`, `generated-role-id:` and so on.
//!
//! One pass over keys and values, in MDAA's order: prefixes first, then braces from the inside out. What a reference
//! yields is not looked at again. Unlike MDAA, what cannot be resolved is an error, be it unknown or hidden in a value; only
//! lifecycle commands may hold unknown braces.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::Value as Json;

use self::braces::{Pair, pairs};
use super::codes;
use super::diagnostic::{Diagnostic, Diagnostics, Span};
use super::document::in_commands;
use super::tree::{Member, Tree, YamlValue, shorten};
use super::yaml::duplicate_key;
use crate::naming::NamingConvention;

mod braces;
mod leftover;
mod meaning;

pub(super) use leftover::literal;

/// Limit on nested references; configs nest one or two.
const NESTING_LIMIT: usize = 16;
/// Budget for the bytes that references are filled in with; the largest configs need some hundred thousand.
const FILL_BUDGET: usize = 4 << 20;

/// The values that references are filled in with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The organisation's name.
    pub org: String,
    /// The environment's name.
    pub env: String,
    /// The data domain's name.
    pub domain: String,
    /// The module's name.
    pub module_name: String,
    /// The account, if it is known yet.
    pub account: Option<String>,
    /// The region, if it is known yet.
    pub region: Option<String>,
    /// The partition, if it is known yet.
    pub partition: Option<String>,
    /// What `{{context:…}}` refers to.
    pub values: BTreeMap<String, Json>,
    /// What `{{env_var:…}}` refers to.
    pub environment: BTreeMap<String, String>,
    /// Tags of everything that stand outside of the config: an mdaa.yaml's.
    pub tags: BTreeMap<String, String>,
}

impl Context {
    /// Returns `true` if one of MDAA's switches is on. MDAA passes values of the context on as text and asks only if there is
    /// any, so that `false` switches on too.
    pub fn is_on(&self, switch: &str) -> bool {
        match self.values.get(switch) {
            None | Some(Json::Null) => false,
            Some(Json::String(text)) => !text.is_empty(),
            Some(_) => true,
        }
    }

    /// Returns `true` if MDAA's switch `@aws-mdaa/skipCreateParams` says that no parameters are published. It is the only
    /// switch that is on with `true` alone.
    pub fn skips_parameters(&self) -> bool {
        match self.values.get("@aws-mdaa/skipCreateParams") {
            Some(Json::Bool(value)) => *value,
            Some(Json::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }
}

/// The name of an SSM parameter, a path or an ARN.
pub type ParameterName = String;

/// Type of an SSM parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Text.
    String,
    /// Texts, joined by commas.
    StringList,
    /// A secret, which is never used.
    SecureString,
}

/// An SSM parameter as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its value; a list's elements joined by commas.
    pub value: String,
    /// Its kind.
    pub kind: ParameterKind,
}

/// Source of SSM parameters in a pass.
#[derive(Clone, Copy, Debug)]
pub enum Parameters<'a> {
    /// Nowhere: references to them stay.
    Unknown,
    /// From AWS, all that exist among those that were asked for.
    Known(&'a BTreeMap<ParameterName, Parameter>),
}

/// Stage of resolution, which decides the references that are filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Only the references that MDAA's launcher fills in within mdaa.yaml; the others stay for the module's own pass.
    Launcher,
    /// All references of a module's own file.
    Module,
}

/// Result of a pass.
#[derive(Debug)]
pub struct Expanded {
    /// The tree with references filled in.
    pub tree: Tree,
    /// Every SSM parameter that is referred to, and where.
    pub needs: Vec<(ParameterName, Span)>,
    /// What is wrong.
    pub diagnostics: Diagnostics,
}

/// Fills in the references of a tree; those that are wrong leave [`YamlValue::Broken`] behind.
pub fn expand(tree: &Tree, context: &Context, parameters: Parameters<'_>, stage: Stage) -> Expanded {
    let mut pass = Pass {
        context,
        names: NamingConvention::new(&context.org, &context.env, &context.domain, &context.module_name),
        parameters,
        stage,
        filled: 0,
        needs: Vec::new(),
        diagnostics: Diagnostics::default(),
    };
    let tree = pass.tree(tree, &mut Vec::new());
    Expanded { tree, needs: pass.needs, diagnostics: pass.diagnostics }
}

struct Pass<'a> {
    context: &'a Context,
    names: NamingConvention,
    parameters: Parameters<'a>,
    stage: Stage,
    /// How many bytes references were filled in with; beyond the budget nothing more is.
    filled: usize,
    needs: Vec<(ParameterName, Span)>,
    diagnostics: Diagnostics,
}

/// An occurrence of text: its span, and the kind of text, which decides the references that it may hold.
#[derive(Clone, Copy)]
struct Occurrence<'a> {
    span: &'a Span,
    is_key: bool,
    in_commands: bool,
}

/// Text after its references were filled in.
enum Filled {
    Text(String),
    Pending(String),
    Json(Json),
    Broken,
}

/// The meaning of one reference.
enum Meaning {
    Text(String),
    Json(Json),
    /// Not known yet: the reference stays, and the value waits.
    Later,
    /// Not a reference at all: the braces stay.
    Literal,
    Broken,
}

impl Pass<'_> {
    fn tree(&mut self, tree: &Tree, path: &mut Vec<String>) -> Tree {
        let value = match &tree.value {
            YamlValue::Text(text) => {
                let at = Occurrence { span: &tree.span, is_key: false, in_commands: in_commands(path) };
                match self.text(text, at) {
                    Filled::Text(text) => YamlValue::Text(text),
                    Filled::Pending(text) => YamlValue::Pending(text),
                    Filled::Json(json) => Tree::from_json(json, &tree.span).value,
                    Filled::Broken => YamlValue::Broken,
                }
            }
            YamlValue::List(items) => {
                let mut expanded = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    expanded.push(self.tree(item, path));
                    path.pop();
                }
                YamlValue::List(expanded)
            }
            YamlValue::Map(members) => self.map(members, path),
            other => other.clone(),
        };
        Tree { value, span: tree.span.clone() }
    }

    fn map(&mut self, members: &IndexMap<String, Member>, path: &mut Vec<String>) -> YamlValue {
        let mut expanded = IndexMap::<String, Member>::with_capacity(members.len());
        for (key, member) in members {
            // What references are filled in with is taken as it is.
            if path.len() == 1 && path[0] == "deployment" && key != "tags" {
                expanded.insert(key.clone(), member.clone());
                continue;
            }
            let at = Occurrence { span: &member.key, is_key: true, in_commands: false };
            let key = match self.text(key, at) {
                Filled::Text(key) => key,
                Filled::Pending(key) => key,
                Filled::Json(_) | Filled::Broken => continue,
            };
            path.push(key.clone());
            let value = self.tree(&member.value, path);
            path.pop();
            if let Some(first) = expanded.get(&key) {
                self.diagnostics.push(duplicate_key(&key, &member.key, &first.key));
            } else {
                expanded.insert(key, Member { key: member.key.clone(), value });
            }
        }
        YamlValue::Map(expanded)
    }

    fn text(&mut self, text: &str, at: Occurrence<'_>) -> Filled {
        match self.stage {
            Stage::Launcher => self.references(text, at),
            Stage::Module => {
                let prefixed = if at.is_key { text.to_string() } else { self.prefixes(text) };
                let filled = self.references(&prefixed, at);
                match leftover::of(text, &prefixed, &filled, at) {
                    Some(mistake) => {
                        self.diagnostics.push(mistake.at(at.span));
                        Filled::Broken
                    }
                    None => filled,
                }
            }
        }
    }

    /// Rewrites a prefix at the very beginning to a braced reference.
    fn prefixes(&self, text: &str) -> String {
        let braced = |path: String| format!("{{{{resolve:ssm:{path}}}}}");
        let generated = [("generated-role-id:", "id"), ("generated-role-arn:", "arn")];
        if let Some((role, attribute)) =
            generated.iter().find_map(|(prefix, attribute)| Some((text.strip_prefix(prefix)?, attribute)))
        {
            let role = role.trim_start().to_lowercase();
            return braced(self.names.domain_path(&format!("generated-role/{role}/{attribute}")));
        }
        for (prefix, path) in self.paths() {
            if let Some(rest) = text.strip_prefix(prefix) {
                return braced(path(&self.names, rest.trim_start()));
            }
        }
        text.strip_prefix("ssm:").map_or_else(|| text.to_string(), |path| braced(path.trim_start().into()))
    }

    #[expect(clippy::unused_self, reason = "a table that reads as part of the pass")]
    fn paths(&self) -> [(&'static str, fn(&NamingConvention, &str) -> String); 3] {
        [
            ("ssm-org:", NamingConvention::org_path),
            ("ssm-domain:", NamingConvention::domain_path),
            ("ssm-env:", NamingConvention::env_path),
        ]
    }

    fn references(&mut self, text: &str, at: Occurrence<'_>) -> Filled {
        let pairs = pairs(text);
        if pairs.iter().any(|pair| pair.depth > NESTING_LIMIT) {
            let summary = format!("`{}` nests references more than {NESTING_LIMIT} deep", shorten(text));
            return self.too_large(summary, "write the reference that is meant", at);
        }
        let (mut filled, mut from, mut pending, mut is_broken) = (String::new(), 0, false, false);
        for Pair { start, end, .. } in pairs {
            filled.push_str(&text[from..start]);
            from = end;
            let written = &text[start..end];
            match self.reference(written, written.len() == text.len(), at) {
                Filled::Text(value) => filled.push_str(&value),
                Filled::Pending(reference) => {
                    filled.push_str(&reference);
                    pending = true;
                }
                json @ Filled::Json(_) => return json,
                // What else is wrong in the same text is said too.
                Filled::Broken => is_broken = true,
            }
        }
        filled.push_str(&text[from..]);
        match (is_broken, pending) {
            (true, _) => Filled::Broken,
            (false, true) => Filled::Pending(filled),
            (false, false) => Filled::Text(filled),
        }
    }

    /// One reference with its braces, which may be the whole of its value.
    fn reference(&mut self, written: &str, whole: bool, at: Occurrence<'_>) -> Filled {
        if self.filled > FILL_BUDGET {
            return Filled::Broken;
        }
        let inner = match self.references(&written[2..written.len() - 2], at) {
            Filled::Text(inner) => inner,
            Filled::Pending(inner) if inner.contains("{{resolve:ssm") || inner.contains("{{ssm-") => {
                return self.nested_later(written, at);
            }
            Filled::Pending(inner) => return self.waiting(inner, at),
            Filled::Json(_) => return self.embedded(written, at),
            Filled::Broken => return Filled::Broken,
        };
        match self.meaning(&inner, written, whole, at) {
            Meaning::Text(value) => {
                self.within_budget(value.len(), at).map_or(Filled::Broken, |()| Filled::Text(value))
            }
            Meaning::Json(json) if whole && !at.is_key => {
                self.within_budget(bytes(&json), at).map_or(Filled::Broken, |()| Filled::Json(json))
            }
            Meaning::Json(_) => self.embedded(written, at),
            Meaning::Later => Filled::Pending(format!("{{{{{inner}}}}}")),
            Meaning::Literal => Filled::Text(written.into()),
            Meaning::Broken => Filled::Broken,
        }
    }

    /// Counts bytes that a reference is filled in with; nothing when they are too many, which is reported once.
    fn within_budget(&mut self, bytes: usize, at: Occurrence<'_>) -> Option<()> {
        self.filled = self.filled.saturating_add(bytes);
        if self.filled <= FILL_BUDGET {
            return Some(());
        }
        let summary = format!("references are filled in with more than {} MB in all", FILL_BUDGET >> 20);
        self.too_large(summary, "refer to shorter values, or to long ones less often", at);
        None
    }

    fn too_large(&mut self, summary: String, help: &str, at: Occurrence<'_>) -> Filled {
        self.diagnostics.push(Diagnostic::new(&codes::TOO_LARGE, summary).at(at.span).help(help));
        Filled::Broken
    }
}

/// About how many bytes JSON has.
fn bytes(json: &Json) -> usize {
    match json {
        Json::String(text) => text.len() + 1,
        Json::Array(items) => items.iter().map(bytes).sum::<usize>() + 1,
        Json::Object(members) => members.iter().map(|(key, value)| key.len() + bytes(value)).sum::<usize>() + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
