//! Options that every command has, by topic.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};

use super::values::{
    LatencyChoice, Limit, ReportTarget, TimedOperation, account, duration, endpoint, file, names, pair, role, some,
};
use crate::hint::Caller;
use crate::model::Kind;
use crate::plan::Action;
use crate::ui::progress::ProgressChoice;
use crate::ui::table::ValueFormat;
use crate::ui::{ColorChoice, Verbosity};

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Which environment.
    #[command(flatten)]
    pub identity: Identity,
    /// Which account and region.
    #[command(flatten)]
    pub target: Target,
    /// The embedded AWS.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
    /// How the run goes.
    #[command(flatten)]
    pub run: RunOptions,
    /// What is said.
    #[command(flatten)]
    pub output: OutputOptions,
    /// The words with which all of it was said.
    #[arg(skip)]
    pub caller: Caller,
}

/// Which environment.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Identity")]
pub struct Identity {
    /// MDAA's organisation name; refused when the config names another.
    #[arg(long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_ORG", value_parser = names)]
    pub org: Option<String>,
    /// MDAA's environment name; with an mdaa.yaml, only this environment, else refused when the config names another.
    #[arg(short, long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_ENV", value_parser = names)]
    pub env: Option<String>,
    /// MDAA's data domain name; with an mdaa.yaml, only this domain, else refused when the config names another.
    #[arg(short, long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_DOMAIN", value_parser = names)]
    pub domain: Option<String>,
    /// MDAA's module name; with an mdaa.yaml, only this module, else refused when the config names another.
    #[arg(short, long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_MODULE", value_parser = names)]
    pub module: Option<String>,
    /// A value for `{{context:KEY}}`; may be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", env = "STUDIO_DEPLOY_CONTEXT", value_parser = pair)]
    pub context: Vec<(String, String)>,
    /// A YAML or JSON file of values for `{{context:…}}`.
    #[arg(long, global = true, value_name = "FILE", env = "STUDIO_DEPLOY_PARAM_FILE", hide_short_help = true)]
    pub param_file: Option<PathBuf>,
}

/// Which account and region.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "AWS")]
pub struct Target {
    /// The account that this must run in: checked against the credentials.
    #[arg(long, global = true, value_name = "ID", env = "STUDIO_DEPLOY_ACCOUNT", value_parser = account)]
    pub account: Option<String>,
    /// The region; refused when the config names another.
    #[arg(long, global = true, value_name = "REGION", env = "STUDIO_DEPLOY_REGION", value_parser = some)]
    pub region: Option<String>,
    /// The profile of the AWS configuration.
    #[arg(long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_PROFILE", value_parser = some)]
    pub profile: Option<String>,
    /// The role to become; may hold {{partition}} and {{account}}, so that one run reaches several accounts.
    #[arg(long, global = true, value_name = "ARN", env = "STUDIO_DEPLOY_ROLE_ARN", value_parser = role)]
    pub role_arn: Option<String>,
    /// Another endpoint for every service.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "STUDIO_DEPLOY_ENDPOINT_URL",
        value_parser = endpoint,
        hide_short_help = true
    )]
    pub endpoint_url: Option<String>,
}

/// The embedded AWS.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Sandbox")]
pub struct SandboxFlags {
    /// Run against the AWS inside this program, whose state is kept in FILE [default: .studio-deploy/sandbox.json].
    #[arg(
        id = "sandbox",
        long,
        global = true,
        value_name = "FILE",
        env = "STUDIO_DEPLOY_SANDBOX",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ".studio-deploy/sandbox.json"
    )]
    pub file: Option<PathBuf>,
    /// How long the sandbox's AWS takes: none, realistic, or a factor of realistic.
    #[arg(
        id = "sandbox_latency",
        long = "sandbox-latency",
        global = true,
        value_name = "LATENCY",
        env = "STUDIO_DEPLOY_SANDBOX_LATENCY",
        default_value = "none",
        hide_short_help = true
    )]
    pub latency: LatencyChoice,
    /// A fault to inject, for tests.
    #[arg(id = "sandbox_fault", long = "sandbox-fault", global = true, value_name = "SPEC", hide = true)]
    pub faults: Vec<String>,
    /// A file that gets a line for each call, for tests.
    #[arg(id = "sandbox_log", long = "sandbox-log", global = true, value_name = "FILE", hide = true)]
    pub log: Option<PathBuf>,
}

/// How the run goes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct RunOptions {
    /// How many steps run at once.
    #[arg(
        long,
        global = true,
        value_name = "N",
        env = "STUDIO_DEPLOY_PARALLELISM",
        default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..=100),
        hide_short_help = true
    )]
    pub parallelism: u16,
    /// How long an operation may take, such as domain.create=30m; may be repeated.
    #[arg(
        id = "timeout",
        long = "timeout",
        global = true,
        value_name = "KIND.OPERATION=DURATION",
        env = "STUDIO_DEPLOY_TIMEOUT",
        value_delimiter = ',',
        hide_short_help = true
    )]
    pub timeouts: Vec<Limit>,
    /// How long to wait for the lock.
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "STUDIO_DEPLOY_LOCK_TIMEOUT",
        default_value = "0",
        value_parser = duration,
        hide_short_help = true
    )]
    pub lock_timeout: Duration,
    /// Take no lock; for those who make sure otherwise that nobody else applies.
    #[arg(
        long,
        global = true,
        env = "STUDIO_DEPLOY_NO_LOCK",
        value_parser = BoolishValueParser::new(),
        hide_short_help = true
    )]
    pub no_lock: bool,
}

impl RunOptions {
    /// How long operations may take where that is said; of two that contradict, the later.
    pub fn limits(&self) -> BTreeMap<(Kind, Action), Duration> {
        let action = |operation| match operation {
            TimedOperation::Create => Action::Create,
            TimedOperation::Update => Action::Update,
            TimedOperation::Delete => Action::Delete,
        };
        self.timeouts.iter().map(|limit| ((limit.kind, action(limit.operation)), limit.time)).collect()
    }
}

/// What is said.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// What standard output carries: human, json or ndjson; for `output` table, json, raw, env or github; for `graph` tree, dot, mermaid or json.
    #[arg(long, global = true, value_name = "FORMAT", env = "STUDIO_DEPLOY_FORMAT", hide_possible_values = true)]
    pub format: Option<Format>,
    /// One more output of plan, apply, destroy or drift: md, json, ndjson, github or junit; may be repeated.
    #[arg(
        id = "report",
        long = "report",
        global = true,
        value_name = "FORMAT=PATH",
        env = "STUDIO_DEPLOY_REPORT",
        hide_short_help = true
    )]
    pub reports: Vec<ReportTarget>,
    /// How progress is shown.
    #[arg(long, global = true, value_name = "HOW", env = "STUDIO_DEPLOY_PROGRESS", value_enum, default_value_t)]
    pub progress: ProgressChoice,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", env = "STUDIO_DEPLOY_COLOR", value_enum, default_value_t)]
    pub color: ColorChoice,
    /// Say nothing but data and errors.
    #[arg(
        short,
        long,
        global = true,
        env = "STUDIO_DEPLOY_QUIET",
        value_parser = BoolishValueParser::new(),
        conflicts_with = "verbose"
    )]
    pub quiet: bool,
    /// Say as whom and how many calls are made; twice, each call.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// A file that gets everything, whatever is said on the screen.
    #[arg(long, global = true, value_name = "FILE", env = "STUDIO_DEPLOY_LOG_FILE", value_parser = file(), hide_short_help = true)]
    pub log_file: Option<PathBuf>,
}

impl OutputOptions {
    /// How much is said.
    pub const fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        }
    }

    /// What standard output carries, for all commands but `output`.
    pub fn format(&self) -> Format {
        self.format.unwrap_or_default()
    }

    /// What standard output carries, for `output`.
    pub const fn value_format(&self) -> ValueFormat {
        match self.format {
            Some(Format::Json) => ValueFormat::Json,
            Some(Format::Raw) => ValueFormat::Raw,
            Some(Format::Env) => ValueFormat::Env,
            Some(Format::Github) => ValueFormat::Github,
            _ => ValueFormat::Table,
        }
    }
}

/// What standard output carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// An event a line.
    Ndjson,
    /// Two columns.
    Table,
    /// Values alone.
    Raw,
    /// Assignments for a shell.
    Env,
    /// Assignments for GitHub.
    Github,
    /// Addresses below what they wait for.
    Tree,
    /// The language of Graphviz.
    Dot,
    /// The language of Mermaid.
    Mermaid,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::Human,
        Self::Json,
        Self::Ndjson,
        Self::Table,
        Self::Raw,
        Self::Env,
        Self::Github,
        Self::Tree,
        Self::Dot,
        Self::Mermaid,
    ];

    /// The word on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Table => "table",
            Self::Raw => "raw",
            Self::Env => "env",
            Self::Github => "github",
            Self::Tree => "tree",
            Self::Dot => "dot",
            Self::Mermaid => "mermaid",
        }
    }
}
