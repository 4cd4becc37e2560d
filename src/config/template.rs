//! References: `{{…}}` and the prefixes `ssm:`, `ssm-org:`, `generated-role-id:` and so on.
//!
//! One pass over keys and values, in MDAA's order: prefixes first, then braces from the inside out. What a reference
//! yields is not looked at again, so a context value `ssm:/x` stays that text. Unlike MDAA, what cannot be resolved is an
//! error, except for unknown braces in lifecycle commands.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::codes;
use super::diagnostic::{Diagnostic, Diagnostics, Place};
use super::document::in_commands;
use super::suggest::nearest;
use super::tree::{Member, Tree, Value, shorten};
use super::yaml::duplicate_key;
use crate::naming::Names;

/// How deep references may stand inside of each other; configs put one or two into one.
const NESTING_LIMIT: usize = 16;
/// How many bytes references may be filled in with in all; the largest configs are filled in with some hundred thousand.
const FILL_BUDGET: usize = 4 << 20;

/// What references are filled in with.
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
}

impl Context {
    /// Whether one of MDAA's switches is on: MDAA passes values of the context on as text and asks only whether there is
    /// any, so that `false` switches on too.
    pub fn is_on(&self, switch: &str) -> bool {
        match self.values.get(switch) {
            None | Some(Json::Null) => false,
            Some(Json::String(text)) => !text.is_empty(),
            Some(_) => true,
        }
    }
}

/// The name of an SSM parameter, a path or an ARN.
pub type ParameterName = String;

/// What kind of SSM parameter it is.
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

/// Where SSM parameters come from in this pass.
#[derive(Clone, Copy, Debug)]
pub enum Parameters<'a> {
    /// Nowhere: references to them stay.
    Unknown,
    /// From AWS, all that exist among those that were asked for.
    Known(&'a BTreeMap<ParameterName, Parameter>),
}

/// Which references mean something in this pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Those that MDAA's launcher fills in within mdaa.yaml; all others stay as they are for the module's own pass.
    Launcher,
    /// All of them.
    Module,
}

/// What a pass yields.
#[derive(Debug)]
pub struct Expanded {
    /// The tree with references filled in.
    pub tree: Tree,
    /// Every SSM parameter that is referred to, and where.
    pub needs: Vec<(ParameterName, Place)>,
    /// What is wrong.
    pub diagnostics: Diagnostics,
}

/// Fills in the references of a tree; those that are wrong leave [`Value::Broken`] behind.
pub fn expand(tree: &Tree, context: &Context, parameters: Parameters<'_>, stage: Stage) -> Expanded {
    let mut pass = Pass {
        context,
        names: Names::new(&context.org, &context.env, &context.domain, &context.module_name),
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
    names: Names,
    parameters: Parameters<'a>,
    stage: Stage,
    /// How many bytes references were filled in with; beyond the budget nothing more is.
    filled: usize,
    needs: Vec<(ParameterName, Place)>,
    diagnostics: Diagnostics,
}

/// Where a piece of text stands, which decides what it may hold.
#[derive(Clone, Copy)]
struct Spot<'a> {
    place: &'a Place,
    key: bool,
    command: bool,
}

/// What text with references becomes.
enum Filled {
    Text(String),
    Pending(String),
    Json(Json),
    Broken,
}

/// What one reference stands for.
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
            Value::Text(text) => {
                let spot = Spot { place: &tree.place, key: false, command: in_commands(path) };
                match self.text(text, spot) {
                    Filled::Text(text) => Value::Text(text),
                    Filled::Pending(text) => Value::Pending(text),
                    Filled::Json(json) => Tree::from_json(json, &tree.place).value,
                    Filled::Broken => Value::Broken,
                }
            }
            Value::List(items) => {
                let mut expanded = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    expanded.push(self.tree(item, path));
                    path.pop();
                }
                Value::List(expanded)
            }
            Value::Map(members) => self.map(members, path),
            other => other.clone(),
        };
        Tree { value, place: tree.place.clone() }
    }

    fn map(&mut self, members: &IndexMap<String, Member>, path: &mut Vec<String>) -> Value {
        let mut expanded = IndexMap::<String, Member>::with_capacity(members.len());
        for (key, member) in members {
            // The values that references are filled in with are taken as they are.
            if path.len() == 1 && path[0] == "deployment" && key == "context" {
                expanded.insert(key.clone(), member.clone());
                continue;
            }
            let spot = Spot { place: &member.key, key: true, command: false };
            let key = match self.text(key, spot) {
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
        Value::Map(expanded)
    }

    fn text(&mut self, text: &str, spot: Spot<'_>) -> Filled {
        match self.stage {
            Stage::Launcher => self.references(text, spot),
            Stage::Module => {
                let prefixed = if spot.key { text.to_string() } else { self.prefixes(text) };
                let filled = self.references(&prefixed, spot);
                if spot.command { filled } else { self.without_braces(&prefixed, filled, spot) }
            }
        }
    }

    /// Refuses braces that are left: those that are never closed, and those that come out of values. No check looks at text
    /// with braces in it, since it takes them for what is not known yet, and so they would reach AWS.
    fn without_braces(&mut self, written: &str, filled: Filled, spot: Spot<'_>) -> Filled {
        if matches!(filled, Filled::Broken) {
            return filled;
        }
        let (summary, help) = if outside(written).contains("{{") {
            let summary = format!("`{{{{` is never closed in `{}`", shorten(written));
            (summary, "close the reference with `}}`, or leave the braces out")
        } else if match &filled {
            Filled::Text(text) => text.contains("{{"),
            Filled::Pending(text) => outside(text).contains("{{"),
            Filled::Json(json) => holds_braces(json),
            Filled::Broken => false,
        } {
            let summary = format!("`{}` is filled in with text that holds braces itself", shorten(written));
            (summary, "what a reference stands for is not looked at again: put the value itself there")
        } else {
            return filled;
        };
        self.diagnostics.push(Diagnostic::new(&codes::UNRESOLVED, summary).at(spot.place).help(help));
        Filled::Broken
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
    fn paths(&self) -> [(&'static str, fn(&Names, &str) -> String); 3] {
        [("ssm-org:", Names::org_path), ("ssm-domain:", Names::domain_path), ("ssm-env:", Names::env_path)]
    }

    fn references(&mut self, text: &str, spot: Spot<'_>) -> Filled {
        let pairs = pairs(text);
        if pairs.iter().any(|pair| pair.depth > NESTING_LIMIT) {
            let summary = format!("`{}` nests references more than {NESTING_LIMIT} deep", shorten(text));
            return self.too_large(summary, "write the reference that is meant", spot);
        }
        let (mut filled, mut from, mut pending, mut is_broken) = (String::new(), 0, false, false);
        for Pair { start, end, .. } in pairs {
            filled.push_str(&text[from..start]);
            from = end;
            let written = &text[start..end];
            match self.reference(written, written.len() == text.len(), spot) {
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
    fn reference(&mut self, written: &str, whole: bool, spot: Spot<'_>) -> Filled {
        if self.filled > FILL_BUDGET {
            return Filled::Broken;
        }
        let inner = match self.references(&written[2..written.len() - 2], spot) {
            Filled::Text(inner) => inner,
            Filled::Pending(inner) if inner.contains("{{resolve:ssm") || inner.contains("{{ssm-") => {
                return self.nested_later(written, spot);
            }
            Filled::Pending(inner) => return Filled::Pending(format!("{{{{{inner}}}}}")),
            Filled::Json(_) => return self.embedded(written, spot),
            Filled::Broken => return Filled::Broken,
        };
        match self.meaning(&inner, written, whole, spot) {
            Meaning::Text(value) => {
                self.within_budget(value.len(), spot).map_or(Filled::Broken, |()| Filled::Text(value))
            }
            Meaning::Json(json) if whole && !spot.key => {
                self.within_budget(bytes(&json), spot).map_or(Filled::Broken, |()| Filled::Json(json))
            }
            Meaning::Json(_) => self.embedded(written, spot),
            Meaning::Later => Filled::Pending(format!("{{{{{inner}}}}}")),
            Meaning::Literal => Filled::Text(written.into()),
            Meaning::Broken => Filled::Broken,
        }
    }

    /// Counts bytes that a reference is filled in with; nothing when they are too many, which is reported once.
    fn within_budget(&mut self, bytes: usize, spot: Spot<'_>) -> Option<()> {
        self.filled = self.filled.saturating_add(bytes);
        if self.filled <= FILL_BUDGET {
            return Some(());
        }
        let summary = format!("references are filled in with more than {} MB in all", FILL_BUDGET >> 20);
        self.too_large(summary, "refer to shorter values, or to long ones less often", spot);
        None
    }

    fn too_large(&mut self, summary: String, help: &str, spot: Spot<'_>) -> Filled {
        self.diagnostics.push(Diagnostic::new(&codes::TOO_LARGE, summary).at(spot.place).help(help));
        Filled::Broken
    }

    fn meaning(&mut self, inner: &str, written: &str, whole: bool, spot: Spot<'_>) -> Meaning {
        let context = self.context;
        let known = |value: &Option<String>| value.clone().map_or(Meaning::Later, Meaning::Text);
        match inner {
            "org" => return Meaning::Text(context.org.clone()),
            "env" => return Meaning::Text(context.env.clone()),
            "domain" => return Meaning::Text(context.domain.clone()),
            "module_name" => return Meaning::Text(context.module_name.clone()),
            _ => {}
        }
        if let Some(name) = inner.strip_prefix("context:") {
            return self.context_value(name, spot);
        }
        if let Some(name) = inner.strip_prefix("env_var:") {
            return self.variable(name, whole, spot);
        }
        if self.stage == Stage::Launcher {
            return Meaning::Literal;
        }
        match inner {
            "account" => return known(&context.account),
            "region" => return known(&context.region),
            "partition" => return known(&context.partition),
            _ => {}
        }
        if let Some(path) = inner.strip_prefix("resolve:ssm:") {
            return self.parameter(path, spot);
        }
        for (prefix, path) in self.paths() {
            if let Some(rest) = inner.strip_prefix(prefix) {
                // In braces MDAA lower-cases the path, as a prefix it does not.
                let path = path(&self.names, rest.trim_start()).to_lowercase();
                return self.parameter(&path, spot);
            }
        }
        self.unknown(inner, written, spot)
    }

    fn context_value(&mut self, name: &str, spot: Spot<'_>) -> Meaning {
        match self.context.values.get(name) {
            Some(Json::String(text)) if !text.is_empty() => Meaning::Text(text.clone()),
            Some(Json::Number(number)) => Meaning::Text(number.to_string()),
            Some(Json::Bool(value)) => Meaning::Text(value.to_string()),
            Some(json @ (Json::Array(_) | Json::Object(_))) => Meaning::Json(json.clone()),
            Some(Json::String(_) | Json::Null) => {
                let summary = format!("the context value `{name}` is empty");
                self.broken(Diagnostic::new(&codes::MISSING_CONTEXT, summary).at(spot.place))
            }
            None => {
                let help = nearest(name, self.context.values.keys().map(String::as_str)).map_or_else(
                    || format!("give it with `--context {name}=VALUE` or under `deployment.context`"),
                    |near| format!("did you mean `{near}`?"),
                );
                let summary = format!("there is no context value `{name}`");
                self.broken(Diagnostic::new(&codes::MISSING_CONTEXT, summary).at(spot.place).help(help))
            }
        }
    }

    fn variable(&mut self, name: &str, whole: bool, spot: Spot<'_>) -> Meaning {
        match self.context.environment.get(name) {
            Some(value) if whole && value.starts_with(['[', '{']) => match serde_json::from_str(value) {
                Ok(json @ (Json::Array(_) | Json::Object(_))) => Meaning::Json(json),
                _ => Meaning::Text(value.clone()),
            },
            Some(value) => Meaning::Text(value.clone()),
            None if name.is_empty() => {
                let summary = "`{{env_var:}}` names no environment variable";
                let help = "write its name behind the colon";
                self.broken(Diagnostic::new(&codes::MISSING_VARIABLE, summary).at(spot.place).help(help))
            }
            None => {
                let near =
                    nearest(name, self.context.environment.keys().filter(|key| key.len() > 1).map(String::as_str));
                let help =
                    near.map_or_else(|| format!("set {name}"), |near| format!("set {name}, or did you mean {near}?"));
                let summary = format!("the environment variable {name} is not set");
                self.broken(Diagnostic::new(&codes::MISSING_VARIABLE, summary).at(spot.place).help(help))
            }
        }
    }

    fn parameter(&mut self, name: &str, spot: Spot<'_>) -> Meaning {
        if spot.key {
            let summary = format!("a key cannot come from the SSM parameter {name}");
            return self.broken(Diagnostic::new(&codes::PARAMETER_PLACE, summary).at(spot.place));
        }
        self.needs.push((name.into(), spot.place.clone()));
        let Parameters::Known(parameters) = self.parameters else { return Meaning::Later };
        let diagnostic = match parameters.get(name) {
            Some(Parameter { kind: ParameterKind::SecureString, .. }) => {
                Diagnostic::new(&codes::SECURE_PARAMETER, format!("the SSM parameter {name} is a SecureString"))
                    .help("its value would be visible in plans and tags; use a parameter of type String")
            }
            Some(parameter) => return Meaning::Text(parameter.value.clone()),
            None => {
                let place = self.context.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
                Diagnostic::new(&codes::MISSING_PARAMETER, format!("the SSM parameter {name} does not exist{place}"))
                    .help(format!("create it, or check the name with `aws ssm get-parameter --name {name}`"))
            }
        };
        self.broken(diagnostic.at(spot.place))
    }

    fn unknown(&mut self, inner: &str, written: &str, spot: Spot<'_>) -> Meaning {
        const WORDS: [&str; 7] = ["org", "env", "domain", "module_name", "account", "region", "partition"];
        const PREFIXES: [&str; 6] = ["context", "env_var", "resolve", "ssm-org", "ssm-domain", "ssm-env"];
        let (head, tail) = inner.split_once(':').map_or((inner, None), |(head, tail)| (head, Some(tail)));
        let refused = match (head, tail) {
            ("param" | "ref" | "blueprint", Some(_)) => true,
            ("resolve", Some(tail)) => tail.starts_with("ssm-secure:") || tail.starts_with("secretsmanager:"),
            _ => false,
        };
        if refused {
            let summary = format!("`{}` can only be answered by CloudFormation", shorten(written));
            let help = "use {{context:…}} or an SSM parameter instead";
            return self.broken(Diagnostic::new(&codes::UNSUPPORTED_REFERENCE, summary).at(spot.place).help(help));
        }
        let near = match tail {
            None => nearest(head.trim(), WORDS).map(|word| format!("{{{{{word}}}}}")),
            Some(tail) if head == "resolve" => Some(format!("{{{{resolve:ssm:{}}}}}", tail.trim())),
            Some(tail) => nearest(head.trim(), PREFIXES).map(|word| format!("{{{{{word}:{}}}}}", tail.trim())),
        };
        if spot.command {
            if let Some(near) = near {
                let summary = format!("`{}` is not a reference and stays as it is", shorten(written));
                let help = format!("if a reference is meant, write {near}");
                self.diagnostics.push(Diagnostic::new(&codes::BRACES, summary).at(spot.place).help(help));
            }
            return Meaning::Literal;
        }
        let help = near.map_or_else(
            || {
                "what may stand in braces stands in the long text of SD1020, which the command explain prints"
                    .to_string()
            },
            |near| format!("did you mean {near}?"),
        );
        let summary = format!("`{}` refers to nothing", shorten(written));
        self.broken(Diagnostic::new(&codes::UNRESOLVED, summary).at(spot.place).help(help))
    }

    fn embedded(&mut self, written: &str, spot: Spot<'_>) -> Filled {
        let summary = format!("`{}` is a list or mapping and cannot be part of text", shorten(written));
        let help = "use it alone, as the whole value";
        self.broken(Diagnostic::new(&codes::EMBEDDED_COLLECTION, summary).at(spot.place).help(help));
        Filled::Broken
    }

    fn nested_later(&mut self, written: &str, spot: Spot<'_>) -> Filled {
        let summary = format!("`{}` depends on a value that is only known later", shorten(written));
        let help = "inside of a reference only values that are known without AWS can stand";
        self.broken(Diagnostic::new(&codes::PARAMETER_PLACE, summary).at(spot.place).help(help));
        Filled::Broken
    }

    fn broken(&mut self, diagnostic: Diagnostic) -> Meaning {
        self.diagnostics.push(diagnostic);
        Meaning::Broken
    }
}

/// A pair of balanced double braces.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    /// The byte at which it begins.
    start: usize,
    /// The byte behind it.
    end: usize,
    /// How deep pairs stand inside of each other in it, itself included.
    depth: usize,
}

/// The outermost pairs of balanced double braces, in one pass; braces that are never closed are text.
fn pairs(text: &str) -> Vec<Pair> {
    let bytes = text.as_bytes();
    let (mut open, mut found, mut at) = (Vec::new(), Vec::<Pair>::new(), 0);
    while let Some(two) = bytes.get(at..at + 2) {
        match two {
            b"{{" => open.push(at),
            b"}}" => {
                if let Some(start) = open.pop() {
                    let mut depth = 1;
                    // Those found since this one was opened stand in it.
                    while let Some(inner) = found.pop_if(|pair| pair.start > start) {
                        depth = depth.max(inner.depth + 1);
                    }
                    found.push(Pair { start, end: at + 2, depth });
                }
            }
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    found
}

/// The text outside of balanced double braces.
fn outside(text: &str) -> String {
    let (mut rest, mut from) = (String::new(), 0);
    for Pair { start, end, .. } in pairs(text) {
        rest.push_str(&text[from..start]);
        from = end;
    }
    rest + &text[from..]
}

/// Whether a text in it holds double braces.
fn holds_braces(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains("{{"),
        Json::Array(items) => items.iter().any(holds_braces),
        Json::Object(members) => members.iter().any(|(key, value)| key.contains("{{") || holds_braces(value)),
        _ => false,
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
mod tests {
    use serde_json::json;

    use super::super::document::nowhere;
    use super::*;

    fn context() -> Context {
        Context {
            org: "Org".into(),
            env: "Env".into(),
            domain: "Dom".into(),
            module_name: "Mod".into(),
            account: Some("111122223333".into()),
            region: Some("us-east-1".into()),
            partition: None,
            values: BTreeMap::from([
                ("sc".into(), json!("v")),
                ("nest".into(), json!("sc")),
                ("list".into(), json!(["a", "b"])),
                ("braces".into(), json!("{{org}}")),
                ("list of braces".into(), json!(["a", "{{org}}"])),
                ("n".into(), json!(42)),
                ("t".into(), json!(true)),
                ("empty".into(), json!("")),
                ("ssm".into(), json!("ssm:/vpc/id")),
                ("dollar".into(), json!("a$$b$&c")),
            ]),
            environment: BTreeMap::from([
                ("A".into(), "[\"a\",\"b\"]".into()),
                ("B".into(), "[oops".into()),
                ("E".into(), String::new()),
            ]),
        }
    }

    fn parameters() -> BTreeMap<ParameterName, Parameter> {
        let text = |value: &str| Parameter { value: value.into(), kind: ParameterKind::String };
        let secret = Parameter { value: "x".into(), kind: ParameterKind::SecureString };
        BTreeMap::from([
            ("/a/b".into(), text("ab")),
            ("/org/a/B".into(), text("org prefix")),
            ("/org/a/b".into(), text("org braces")),
            ("/org/dom/env/x".into(), text("env")),
            ("/org/dom/generated-role/admin/id".into(), text("AROA")),
            ("/Org/Dom/x".into(), text("nested")),
            ("/braces".into(), text("{{org}}")),
            ("/secret".into(), secret),
        ])
    }

    /// The value that becomes of `text`, or the codes of what is wrong with it.
    fn fill(value: Json, path: &[&str]) -> Result<Json, Vec<&'static str>> {
        let known = parameters();
        let wrapped = path.iter().rev().fold(value, |inner, key| json!({*key: inner}));
        let tree = Tree::from_json(wrapped, &nowhere());
        let expanded = expand(&tree, &context(), Parameters::Known(&known), Stage::Module);
        if expanded.diagnostics.has_errors() {
            return Err(expanded.diagnostics.iter().map(|d| d.code).collect());
        }
        let filled = expanded.tree.to_json();
        Ok(path.iter().fold(filled, |outer, key| outer[*key].clone()))
    }

    #[test]
    fn references_are_filled_in() {
        let cases = [
            ("{{domain}}-{{env}}", json!("Dom-Env")),
            ("{{region}}/{{account}}", json!("us-east-1/111122223333")),
            ("{{org}}{{org}}", json!("OrgOrg")),
            ("{{module_name}}", json!("Mod")),
            ("org}}", json!("org}}")),
            ("x{{context:sc}}y", json!("xvy")),
            ("{{context:{{context:nest}}}}", json!("v")),
            ("{{context:list}}", json!(["a", "b"])),
            ("value-{{context:n}}", json!("value-42")),
            ("{{context:n}}", json!("42")),
            ("value-{{context:t}}", json!("value-true")),
            ("{{context:ssm}}", json!("ssm:/vpc/id")),
            ("{{context:dollar}}", json!("a$$b$&c")),
            ("{{env_var:A}}", json!(["a", "b"])),
            ("x{{env_var:A}}", json!("x[\"a\",\"b\"]")),
            ("{{env_var:B}}", json!("[oops")),
            ("{{env_var:E}}", json!("")),
            ("{{ssm-org: /a/B}}", json!("org braces")),
            ("ssm-org: /a/B", json!("org prefix")),
            ("ssm-env:x", json!("env")),
            ("{{ssm-env:X}}", json!("env")),
            ("ssm: /a/b", json!("ab")),
            ("xssm:/a", json!("xssm:/a")),
            ("SSM:/a", json!("SSM:/a")),
            ("x ssm-org:/A", json!("x ssm-org:/A")),
            ("generated-role-id: Admin", json!("AROA")),
            ("{{resolve:ssm:/{{org}}/{{domain}}/x}}", json!("nested")),
            ("pre {{resolve:ssm:/a/b}} post", json!("pre ab post")),
            ("{{partition}}", json!("{{partition}}")),
        ];
        for (text, expected) in cases {
            assert_eq!(fill(json!(text), &["k"]), Ok(expected), "{text}");
        }
        assert_eq!(fill(json!({"test_{{org}}_test": 1}), &["k"]), Ok(json!({"test_Org_test": 1})));
    }

    #[test]
    fn what_cannot_be_resolved_is_an_error() {
        let cases = [
            ("{{org", "SD1020"),
            ("{{context:sc", "SD1020"),
            ("{{ {{org}}", "SD1020"),
            ("{{partition}}-{{org", "SD1020"),
            ("{{context:braces}}", "SD1020"),
            ("x{{context:braces}}", "SD1020"),
            ("{{context:list of braces}}", "SD1020"),
            ("ssm:/braces", "SD1020"),
            ("{{ org }}", "SD1020"),
            ("{{ORG}}", "SD1020"),
            ("{{foo}}", "SD1020"),
            ("{{{{org}}}}", "SD1020"),
            ("{{context:nope}}", "SD1021"),
            ("{{context:empty}}", "SD1021"),
            ("{{env_var:NOPE}}", "SD1022"),
            ("{{param:x}}", "SD1023"),
            ("{{ref:a:b}}", "SD1023"),
            ("{{blueprint:x}}", "SD1023"),
            ("{{resolve:ssm-secure:x}}", "SD1023"),
            ("{{resolve:secretsmanager:x}}", "SD1023"),
            ("x{{context:list}}", "SD1024"),
            ("{{context:{{context:list}}}}", "SD1024"),
            ("ssm:/nope", "SD1025"),
            ("ssm:/secret", "SD1026"),
        ];
        for (text, code) in cases {
            assert_eq!(fill(json!(text), &["k"]), Err(vec![code]), "{text}");
        }
        assert_eq!(fill(json!({"{{resolve:ssm:/a/b}}": 1}), &["k"]), Err(vec!["SD1027"]));
        assert_eq!(fill(json!({"{{org}}": 1, "Org": 2}), &["k"]), Err(vec!["SD1002"]));
    }

    #[test]
    fn everything_wrong_in_one_text_is_said() {
        assert_eq!(fill(json!("{{foo}}{{context:nope}}{{bar}}"), &["k"]), Err(vec!["SD1020", "SD1020", "SD1021"]));
    }

    #[test]
    fn braces_that_nest_or_multiply_without_end_are_refused_at_once() {
        let nested = |levels: usize| format!("{}org{}", "{{".repeat(levels), "}}".repeat(levels));
        assert_eq!(fill(json!(nested(100_000)), &["k"]), Err(vec!["SD1007"]));
        assert_eq!(fill(json!(nested(NESTING_LIMIT + 1)), &["k"]), Err(vec!["SD1007"]));
        assert_eq!(fill(json!(nested(NESTING_LIMIT)), &["k"]), Err(vec!["SD1020"]));
        assert_eq!(fill(json!({nested(100_000): 1}), &["k"]), Err(vec!["SD1007"]));
        let open = "{{a ".repeat(100_000);
        assert_eq!(fill(json!(open), &["k"]), Err(vec!["SD1020"]));
        let half = format!("{open}{}", "}}".repeat(50_000));
        assert_eq!(fill(json!(half), &["k"]), Err(vec!["SD1007"]));
        let mut context = context();
        context.values.insert("long".into(), json!("x".repeat(100_000)));
        context.values.insert("list".into(), json!(vec!["x"; 50_000]));
        for reference in ["{{context:long}}", "{{context:list}}", "{{context:long}} {{context:long}}"] {
            let tree = Tree::from_json(json!(vec![reference; 3000]), &nowhere());
            let expanded = expand(&tree, &context, Parameters::Unknown, Stage::Module);
            assert_eq!(expanded.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["SD1007"], "{reference}");
        }
    }

    #[test]
    fn commands_keep_unknown_braces() {
        let path = ["domain", "lifecycleConfigs", "kernel", "cmds"];
        let commands = json!(["docker ps --format '{{.ID}}'", "echo {{account}} {{ org }}", "ssm:/a/b"]);
        let expected = json!(["docker ps --format '{{.ID}}'", "echo 111122223333 {{ org }}", "ab"]);
        assert_eq!(fill(commands.clone(), &path), Ok(expected));
        let wrapped = json!({"domain": {"lifecycleConfigs": {"kernel": {"cmds": commands}}}});
        let tree = Tree::from_json(wrapped, &nowhere());
        let expanded = expand(&tree, &context(), Parameters::Unknown, Stage::Module);
        assert_eq!(expanded.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["SD2001"]);
        assert_eq!(expanded.needs.len(), 1);
    }

    #[test]
    fn unknown_parameters_stay_and_are_listed() {
        let tree = Tree::from_json(
            json!({"a": "x-{{resolve:ssm:/a/b}}", "b": "{{resolve:ssm:/{{partition}}/x}}"}),
            &nowhere(),
        );
        let expanded = expand(&tree, &context(), Parameters::Unknown, Stage::Module);
        assert_eq!(expanded.tree.get("a").unwrap().value, Value::Pending("x-{{resolve:ssm:/a/b}}".into()));
        assert_eq!(expanded.tree.get("b").unwrap().value, Value::Pending("{{resolve:ssm:/{{partition}}/x}}".into()));
        assert_eq!(expanded.needs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["/a/b"]);
        let nested = Tree::from_json(json!({"a": "{{resolve:ssm:/{{resolve:ssm:/a/b}}}}"}), &nowhere());
        let expanded = expand(&nested, &context(), Parameters::Unknown, Stage::Module);
        assert!(expanded.diagnostics.has_errors());
    }

    #[test]
    fn the_launcher_leaves_the_rest() {
        let tree = Tree::from_json(json!(["{{org}}", "{{region}}", "ssm:/x", "{{context:ssm}}"]), &nowhere());
        let expanded = expand(&tree, &context(), Parameters::Unknown, Stage::Launcher);
        assert_eq!(expanded.tree.to_json(), json!(["Org", "{{region}}", "ssm:/x", "ssm:/vpc/id"]));
    }
}
