//! The meaning of a single reference.

use serde_json::Value as Json;

use super::{Filled, Meaning, Occurrence, Parameter, ParameterKind, Parameters, Pass, Stage};
use crate::config::codes;
use crate::config::diagnostic::Diagnostic;
use crate::config::parameter_name::{Home, Misnamed, check_reference};
use crate::config::suggest::nearest;
use crate::config::tree::shorten;

impl Pass<'_> {
    pub(super) fn meaning(&mut self, inner: &str, written: &str, whole: bool, at: Occurrence<'_>) -> Meaning {
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
            return self.context_value(name, at);
        }
        if let Some(name) = inner.strip_prefix("env_var:") {
            return self.variable(name, whole, at);
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
        if let Some(path) = self.parameter_path(inner) {
            return self.parameter(&path, at);
        }
        self.unknown(inner, written, at)
    }

    /// The path of the parameter that a reference asks for, if it asks for one.
    fn parameter_path(&self, inner: &str) -> Option<String> {
        if let Some(path) = inner.strip_prefix("resolve:ssm:") {
            return Some(path.to_owned());
        }
        // In braces MDAA lower-cases the path, as a prefix it does not.
        let mut paths = self.paths().into_iter();
        paths
            .find_map(|(prefix, path)| Some(path(&self.names, inner.strip_prefix(prefix)?.trim_start()).to_lowercase()))
    }

    /// A reference in which another one waits for the account; a parameter's name is looked at as far as it is known.
    pub(super) fn waiting(&mut self, inner: String, at: Occurrence<'_>) -> Filled {
        if let Some(path) = self.parameter_path(&inner).filter(|_| self.stage == Stage::Module) {
            let example = [("account", "123456789012"), ("region", "us-east-1"), ("partition", "aws")]
                .into_iter()
                .fold(path.clone(), |path, (word, value)| path.replace(&format!("{{{{{word}}}}}"), value));
            let is_known = !example.contains("{{");
            if let Some(mistake) = self.wrong_parameter(&path, is_known.then_some(example.as_str()), at) {
                self.diagnostics.push(mistake);
                return Filled::Broken;
            }
        }
        Filled::Pending(format!("{{{{{inner}}}}}"))
    }

    /// The mistake of a reference to a parameter by this name, whatever SSM holds.
    fn wrong_parameter(&self, written: &str, name: Option<&str>, at: Occurrence<'_>) -> Option<Diagnostic> {
        if at.is_key {
            let summary = format!("a key cannot come from the SSM parameter {}", shorten(written));
            return Some(Diagnostic::new(&codes::PARAMETER_PLACE, summary).at(at.span).help("write the key itself"));
        }
        let home = Home { partition: self.context.partition.as_deref(), region: self.context.region.as_deref() };
        let Misnamed { why, help } = check_reference(name?, home).err()?;
        let summary = format!("SSM knows no parameter `{}`, which {why}", shorten(written));
        Some(Diagnostic::new(&codes::PARAMETER_NAME, summary).at(at.span).help(help))
    }

    fn context_value(&mut self, name: &str, at: Occurrence<'_>) -> Meaning {
        match self.context.values.get(name) {
            Some(Json::String(text)) if !text.is_empty() => Meaning::Text(text.clone()),
            Some(Json::Number(number)) => Meaning::Text(number.to_string()),
            Some(Json::Bool(value)) => Meaning::Text(value.to_string()),
            Some(json @ (Json::Array(_) | Json::Object(_))) => Meaning::Json(json.clone()),
            Some(Json::String(_) | Json::Null) => {
                let summary = format!("the context value `{name}` is empty");
                self.broken(Diagnostic::new(&codes::MISSING_CONTEXT, summary).at(at.span))
            }
            None => {
                let help = nearest(name, self.context.values.keys().map(String::as_str)).map_or_else(
                    || format!("give it with `--context {name}=VALUE` or under `deployment.context`"),
                    |near| format!("did you mean `{near}`?"),
                );
                let summary = format!("there is no context value `{name}`");
                self.broken(Diagnostic::new(&codes::MISSING_CONTEXT, summary).at(at.span).help(help))
            }
        }
    }

    fn variable(&mut self, name: &str, whole: bool, at: Occurrence<'_>) -> Meaning {
        match self.context.environment.get(name) {
            Some(value) if whole && value.starts_with(['[', '{']) => match serde_json::from_str(value) {
                Ok(json @ (Json::Array(_) | Json::Object(_))) => Meaning::Json(json),
                _ => Meaning::Text(value.clone()),
            },
            Some(value) => Meaning::Text(value.clone()),
            None if name.is_empty() => {
                let summary = "`{{env_var:}}` names no environment variable";
                let help = "write its name behind the colon";
                self.broken(Diagnostic::new(&codes::MISSING_VARIABLE, summary).at(at.span).help(help))
            }
            None => {
                let near =
                    nearest(name, self.context.environment.keys().filter(|key| key.len() > 1).map(String::as_str));
                let help =
                    near.map_or_else(|| format!("set {name}"), |near| format!("set {name}, or did you mean {near}?"));
                let summary = format!("the environment variable {name} is not set");
                self.broken(Diagnostic::new(&codes::MISSING_VARIABLE, summary).at(at.span).help(help))
            }
        }
    }

    fn parameter(&mut self, name: &str, at: Occurrence<'_>) -> Meaning {
        if let Some(mistake) = self.wrong_parameter(name, Some(name), at) {
            return self.broken(mistake);
        }
        self.needs.push((name.into(), at.span.clone()));
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
        self.broken(diagnostic.at(at.span))
    }

    fn unknown(&mut self, inner: &str, written: &str, at: Occurrence<'_>) -> Meaning {
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
            return self.broken(Diagnostic::new(&codes::UNSUPPORTED_REFERENCE, summary).at(at.span).help(help));
        }
        let near = match tail {
            None => nearest(head.trim(), WORDS).map(|word| format!("{{{{{word}}}}}")),
            Some(tail) if head == "resolve" || head.trim().eq_ignore_ascii_case("ssm") => {
                Some(format!("{{{{resolve:ssm:{}}}}}", tail.trim()))
            }
            Some(tail) => nearest(head.trim(), PREFIXES).map(|word| format!("{{{{{word}:{}}}}}", tail.trim())),
        };
        if at.in_commands {
            if let Some(near) = near {
                let summary = format!("`{}` is not a reference and stays as it is", shorten(written));
                let help = format!("if a reference is meant, write {near}");
                self.diagnostics.push(Diagnostic::new(&codes::BRACES, summary).at(at.span).help(help));
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
        self.broken(Diagnostic::new(&codes::UNRESOLVED, summary).at(at.span).help(help))
    }

    pub(super) fn embedded(&mut self, written: &str, at: Occurrence<'_>) -> Filled {
        let summary = format!("`{}` is a list or mapping and cannot be part of text", shorten(written));
        let help = "use it alone, as the whole value";
        self.broken(Diagnostic::new(&codes::EMBEDDED_COLLECTION, summary).at(at.span).help(help));
        Filled::Broken
    }

    pub(super) fn nested_later(&mut self, written: &str, at: Occurrence<'_>) -> Filled {
        let summary = format!("`{}` depends on a value that is only known later", shorten(written));
        let help = "inside of a reference only values that are known without AWS can stand";
        self.broken(Diagnostic::new(&codes::PARAMETER_PLACE, summary).at(at.span).help(help));
        Filled::Broken
    }

    fn broken(&mut self, diagnostic: Diagnostic) -> Meaning {
        self.diagnostics.push(diagnostic);
        Meaning::Broken
    }
}
