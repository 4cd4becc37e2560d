//! Failures as data: what ends a run, the code that `explain` knows it by, and the code that the process ends with.

pub mod codes;
pub mod exit;

use std::fmt;
use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::codes::FailureCode;
pub use self::exit::Exit;
use crate::cloud::{CloudError, ErrorKind};
use crate::config::Diagnostics;
use crate::config::diagnostic::DiagnosticReport;
use crate::escape::one_line;
use crate::hint::Caller;
use crate::model::Source;
use crate::plan::{Cycle, Plan};

/// An error that ends a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code that `explain` knows it by.
    pub code: &'static str,
    /// The failure in one line.
    pub summary: String,
    /// More about it, in any number of lines.
    pub detail: String,
    /// The next thing to do, in any number of lines.
    pub help: String,
    /// The code that the process ends with.
    pub exit: Exit,
    /// The place in the YAML.
    pub source: Option<Box<Source>>,
    /// The mistakes of each config, if those are what failed; the detail has them too, as plain text.
    pub mistakes: Box<[DiagnosticReport]>,
}

impl Failure {
    /// A failure of a kind, with what is wrong in one line.
    pub fn new(code: &FailureCode, summary: impl Into<String>) -> Self {
        let (summary, detail, help) = (one_line(&summary.into()), String::new(), String::new());
        Self { code: code.id, summary, detail, help, exit: code.exit, source: None, mistakes: Box::default() }
    }

    /// Sets the detail, in one line.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        self.details([detail.into()])
    }

    /// Sets the detail, in several lines.
    #[must_use]
    pub fn details(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.detail = joined(lines);
        self
    }

    /// Sets the next thing to do, in one line.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        self.helps([help.into()])
    }

    /// Sets the next things to do, one a line.
    #[must_use]
    pub fn helps(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.help = joined(lines);
        self
    }

    /// Sets the location in the YAML.
    #[must_use]
    pub fn at(mut self, source: Option<&Source>) -> Self {
        self.source = source.cloned().map(Box::new);
        self
    }

    /// Replaces the summary: what could not be done instead of which call failed.
    #[must_use]
    pub fn named(mut self, summary: impl Into<String>) -> Self {
        self.summary = one_line(&summary.into());
        self
    }

    /// The mistakes of a config, with the texts that they are about.
    pub fn invalid_config(mistakes: DiagnosticReport) -> Self {
        let first = mistakes.diagnostics.iter().find_map(|mistake| Some(mistake.labels.first()?.span.source.clone()));
        let failure = Self::new(&codes::INVALID_CONFIG, "the config is invalid").at(first.as_ref());
        Self { detail: mistakes.render(false), mistakes: Box::new([mistakes]), ..failure }
    }

    /// Several configs that are invalid, each under its name.
    pub fn invalid_configs(failures: Vec<(String, Self)>) -> Self {
        let mut all = Self::new(&codes::INVALID_CONFIG, "the configs are invalid");
        let mut mistakes = Vec::new();
        for (name, failure) in failures {
            all.source = all.source.or(failure.source);
            let named =
                failure.mistakes.into_iter().map(|report| DiagnosticReport { name: Some(name.clone()), ..report });
            mistakes.extend(named);
        }
        all.mistakes = mistakes.into();
        all.detail = all.rendered(false);
        all
    }

    /// The mistakes of the configs as people read them, plain or in colour.
    pub fn rendered(&self, colored: bool) -> String {
        self.mistakes.iter().map(|report| report.render(colored)).collect()
    }

    /// The mistakes of all configs.
    pub fn diagnostics(&self) -> Diagnostics {
        let mut all = Diagnostics::default();
        self.mistakes.iter().for_each(|report| all.extend(report.diagnostics.clone()));
        all
    }

    /// The failure of a plan with blocked steps; none when nothing is blocked.
    pub fn blocked(plan: &Plan) -> Option<Self> {
        let blocked: Vec<_> = plan.blocked().filter_map(|step| Some((step, step.blocked()?))).collect();
        let (first, _) = blocked.first()?;
        let lines = blocked.iter().map(|(step, blocked)| {
            let place = step.source().map(|source| format!(" ({source})")).unwrap_or_default();
            format!("{}: {}{place}", step.address(), blocked.why)
        });
        let code = match blocked.iter().all(|(_, blocked)| blocked.is_failed_check) {
            true => &codes::FAILED_CHECK,
            false => &codes::BLOCKED,
        };
        let mut hints: Vec<String> = Vec::new();
        for (_, blocked) in &blocked {
            if !hints.contains(&blocked.hint) {
                hints.push(blocked.hint.clone());
            }
        }
        let summary = match blocked.len() {
            1 => format!("nothing was applied: {} is blocked", first.address()),
            count => format!("nothing was applied: {count} steps are blocked"),
        };
        let failure = Self::new(code, summary).at(first.source());
        Some(failure.details(lines).helps(hints))
    }

    /// A call that failed, in a region when that is known.
    pub fn cloud(error: &CloudError, region: Option<&str>, caller: &Caller) -> Self {
        let failure = Self::of_call(error, region);
        match error.kind {
            ErrorKind::Denied if failure.code == codes::DENIED.id && !is_explicit(error) => {
                let needed = caller.run("permissions", &[]);
                let and = if failure.help.is_empty() { String::new() } else { format!("{}; ", failure.help) };
                failure.help(format!("{and}{needed} prints all required permissions"))
            }
            _ => failure,
        }
    }

    /// A call that failed, where the command line of the run is not known.
    fn of_call(error: &CloudError, region: Option<&str>) -> Self {
        let code = code_of(error);
        let failure = Self::new(code, format!("{}: {}", error.operation, code.title)).detail(error.describe());
        if code == &codes::REGION {
            let region = region.unwrap_or("this region");
            return failure
                .named(format!("Studio is not available in {region}"))
                .help("choose another region with `--region`");
        }
        failure.helps(help_of(error).lines().map(str::to_owned))
    }

    /// A file that could not be read or written.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        let help = match error.kind() {
            io::ErrorKind::NotFound => "check the name, and that its folder exists",
            io::ErrorKind::PermissionDenied => "check the permissions of the file and its folder",
            _ => "",
        };
        Self::new(&codes::FILE, format!("{}: {error}", path.display())).help(help)
    }

    /// The failure as a document for machines.
    pub fn document(&self) -> FailureDocument {
        FailureDocument {
            code: self.code.into(),
            summary: self.summary.clone(),
            detail: self.detail.clone(),
            help: self.help.clone(),
            exit: self.exit.code(),
            source: self.source.as_deref().cloned(),
        }
    }

    /// `{"error": …}` on one line, what standard output holds instead of data.
    pub fn json(&self) -> String {
        format!("{}\n", serde_json::json!({ "error": self.document() }))
    }
}

/// An error as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureDocument {
    /// The code that `explain` knows it by.
    pub code: String,
    /// The failure in one line.
    pub summary: String,
    /// The details, of several lines perhaps.
    pub detail: String,
    /// The next thing to do.
    pub help: String,
    /// The code that the process ends with.
    pub exit: u8,
    /// The place in the YAML.
    pub source: Option<Source>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.summary)
    }
}

impl std::error::Error for Failure {}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        Self::of_call(&error, None)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(&codes::FILE, error.to_string())
    }
}

impl From<Cycle> for Failure {
    fn from(cycle: Cycle) -> Self {
        Self::new(&codes::BUG, cycle.to_string())
    }
}

/// Lines, each of which is one whatever it holds.
fn joined(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| one_line(&line)).collect::<Vec<_>>().join("\n")
}

/// The exit code of a run in which this call failed before anything was changed.
pub fn exit_of(error: &CloudError) -> Exit {
    code_of(error).exit
}

fn code_of(error: &CloudError) -> &'static FailureCode {
    if error.is("UnknownOperationException") {
        return &codes::REGION;
    }
    match error.kind {
        ErrorKind::Denied => &codes::DENIED,
        ErrorKind::NotFound => &codes::NOT_FOUND,
        ErrorKind::Conflict => &codes::CONFLICT,
        ErrorKind::Throttled => &codes::THROTTLED,
        ErrorKind::Invalid => &codes::REJECTED,
        ErrorKind::Quota => &codes::QUOTA,
        ErrorKind::Timeout => &codes::TIMEOUT,
        ErrorKind::Failed => &codes::FAILED,
        ErrorKind::Credentials => &codes::CREDENTIALS,
        ErrorKind::Connection => &codes::CONNECTION,
        ErrorKind::NotHeld => &codes::LOCK_LOST,
        ErrorKind::Other => &codes::OTHER_CLOUD,
    }
}

fn help_of(error: &CloudError) -> String {
    match error.kind {
        ErrorKind::Denied if is_explicit(error) => {
            "a policy denies this explicitly, so no further permission helps: ask the owner of that policy".into()
        }
        ErrorKind::Denied => {
            let said = missing_permission(&error.message).map(str::to_owned);
            let action = said.or_else(|| error.permission.as_ref().map(|permission| permission.action.clone()));
            action.map(|action| format!("allow the caller {action}")).unwrap_or_default()
        }
        ErrorKind::Credentials => "sign in with `aws sso login`, or choose a profile with `--profile` or AWS_PROFILE\n\
             `aws sts get-caller-identity` shows the identity that AWS sees"
            .into(),
        ErrorKind::Quota => {
            "request an increase at https://console.aws.amazon.com/servicequotas/home, then run again".into()
        }
        ErrorKind::Throttled => "run again later, or with a smaller `--parallelism`".into(),
        ErrorKind::Timeout => "run again to wait for it; `--timeout` raises the limit".into(),
        ErrorKind::Connection => "check the network, the proxy and `--endpoint-url`, then run again".into(),
        ErrorKind::NotHeld => {
            "run again: what is done stays done, and the other run's changes are taken into account".into()
        }
        ErrorKind::Conflict => "run again once the other change is done".into(),
        ErrorKind::NotFound | ErrorKind::Invalid => "correct what the message names, then run again".into(),
        ErrorKind::Failed | ErrorKind::Other => "fix what the message names, then run again".into(),
    }
}

/// Returns `true` if a policy denies the call explicitly, so that no further permission helps.
fn is_explicit(error: &CloudError) -> bool {
    error.message.contains("explicit deny")
}

/// The action in "… is not authorized to perform: sagemaker:CreateDomain on resource: …".
fn missing_permission(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("to perform: ")?;
    let action = rest.split([' ', ',', ';']).next()?.trim_end_matches('.');
    action.contains(':').then_some(action)
}
