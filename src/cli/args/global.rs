//! Global options of every command, by topic.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};

use super::commands::ConfigFiles;
use super::values::{
    LatencyChoice, Limit, ReportTarget, TimedOperation, account, duration, endpoint, file, names, pair, role, some,
};
use crate::aws::connect::ConnectOptions;
use crate::deploy::LoadOptions;
use crate::deploy::identity::GivenNames;
use crate::hint::Caller;
use crate::model::Kind;
use crate::plan::Action;
use crate::ui::progress::ProgressChoice;
use crate::ui::table::ValueFormat;
use crate::ui::{ColorChoice, Verbosity};

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Identity of the environment.
    #[command(flatten)]
    pub identity: Identity,
    /// Account and region.
    #[command(flatten)]
    pub target: Target,
    /// The embedded emulator.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
    /// Execution of the run.
    #[command(flatten)]
    pub run: RunOptions,
    /// Output of the run.
    #[command(flatten)]
    pub output: OutputOptions,
    /// The command line itself, for hints.
    #[arg(skip)]
    pub caller: Caller,
}

impl Global {
    /// The configs to read, and what is said of them besides.
    pub fn load_options(&self, files: &ConfigFiles) -> LoadOptions {
        let identity = &self.identity;
        LoadOptions {
            config: files.config.clone(),
            names: GivenNames {
                org: identity.org.clone(),
                env: identity.env.clone(),
                domain: identity.domain.clone(),
                module: identity.module.clone(),
            },
            context: identity.context.clone(),
            param_file: identity.param_file.clone(),
            account: self.target.account.clone(),
            region: self.target.region.clone(),
            caller: self.caller.clone(),
        }
    }

    /// The AWS that is asked for.
    pub fn connect_options(&self) -> ConnectOptions {
        let target = &self.target;
        ConnectOptions {
            region: target.region.clone(),
            account: target.account.clone(),
            profile: target.profile.clone(),
            role_arn: target.role_arn.clone(),
            endpoint_url: target.endpoint_url.clone(),
        }
    }
}

/// Identity of the environment.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Identity")]
pub struct Identity {
    /// MDAA's organisation name; must agree with the config.
    #[arg(long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_ORG", value_parser = names)]
    pub org: Option<String>,
    /// MDAA's environment name; filters an mdaa.yaml, otherwise must agree with the config.
    #[arg(short, long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_ENV", value_parser = names)]
    pub env: Option<String>,
    /// MDAA's data domain name; filters an mdaa.yaml, otherwise must agree with the config.
    #[arg(short, long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_DOMAIN", value_parser = names)]
    pub domain: Option<String>,
    /// MDAA's module name; filters an mdaa.yaml, otherwise must agree with the config.
    #[arg(short, long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_MODULE", value_parser = names)]
    pub module: Option<String>,
    /// A value for `{{context:KEY}}`; may be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", env = "STUDIO_DEPLOY_CONTEXT", value_parser = pair)]
    pub context: Vec<(String, String)>,
    /// A YAML or JSON file of values for `{{context:…}}`.
    #[arg(long, global = true, value_name = "FILE", env = "STUDIO_DEPLOY_PARAM_FILE", hide_short_help = true)]
    pub param_file: Option<PathBuf>,
}

/// Account and region to deploy to.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "AWS")]
pub struct Target {
    /// The expected account, checked against the credentials.
    #[arg(long, global = true, value_name = "ID", env = "STUDIO_DEPLOY_ACCOUNT", value_parser = account)]
    pub account: Option<String>,
    /// The region; must agree with the config.
    #[arg(long, global = true, value_name = "REGION", env = "STUDIO_DEPLOY_REGION", value_parser = some)]
    pub region: Option<String>,
    /// The profile of the AWS configuration to use.
    #[arg(long, global = true, value_name = "NAME", env = "STUDIO_DEPLOY_PROFILE", value_parser = some)]
    pub profile: Option<String>,
    /// The role to assume; may contain {{partition}} and {{account}}, so that one run can reach several accounts.
    #[arg(long, global = true, value_name = "ARN", env = "STUDIO_DEPLOY_ROLE_ARN", value_parser = role)]
    pub role_arn: Option<String>,
    /// The endpoint to use for every service.
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

/// Options of the embedded emulator.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Sandbox")]
pub struct SandboxFlags {
    /// Run against the AWS emulator inside this program, with its state in FILE [default: .studio-deploy/sandbox.json].
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
    /// The emulator's response times: none, realistic, or a factor of realistic.
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
    /// A log file with a line per call, for tests.
    #[arg(id = "sandbox_log", long = "sandbox-log", global = true, value_name = "FILE", hide = true)]
    pub log: Option<PathBuf>,
}

/// Options of the execution of a run.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct RunOptions {
    /// The maximum number of steps that work at once; those that wait for AWS come on top.
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
    /// The maximum number of concurrent deployments of an mdaa.yaml [default: 4 in an account and region, 24 in all].
    #[arg(
        long,
        global = true,
        value_name = "N",
        env = "STUDIO_DEPLOY_DEPLOYMENTS_AT_ONCE",
        value_parser = clap::value_parser!(u16).range(1..=100),
        hide_short_help = true
    )]
    pub deployments_at_once: Option<u16>,
    /// The time limit of an operation, such as domain.create=30m; may be repeated.
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
    /// Take no lock; only if something else ensures that nobody applies at the same time.
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
    /// The time limits that were given; of two for one operation, the later.
    pub fn limits(&self) -> BTreeMap<(Kind, Action), Duration> {
        let action = |operation| match operation {
            TimedOperation::Create => Action::Create,
            TimedOperation::Update => Action::Update,
            TimedOperation::Delete => Action::Delete,
        };
        self.timeouts.iter().map(|limit| ((limit.kind, action(limit.operation)), limit.time)).collect()
    }
}

/// Options of the output of a run.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// The format of standard output: human, json or ndjson; for `output` table, json, raw, env or github; for `graph` tree, dot, mermaid or json.
    #[arg(long, global = true, value_name = "FORMAT", env = "STUDIO_DEPLOY_FORMAT", hide_possible_values = true)]
    pub format: Option<Format>,
    /// Also write a report of plan, diff, apply, destroy, drift or cleanup to a file: md, json, ndjson, github or junit; may be repeated.
    #[arg(
        id = "report",
        long = "report",
        global = true,
        value_name = "FORMAT=PATH",
        env = "STUDIO_DEPLOY_REPORT",
        hide_short_help = true
    )]
    pub reports: Vec<ReportTarget>,
    /// How to show progress.
    #[arg(long, global = true, value_name = "HOW", env = "STUDIO_DEPLOY_PROGRESS", value_enum, default_value_t)]
    pub progress: ProgressChoice,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", env = "STUDIO_DEPLOY_COLOR", value_enum, default_value_t)]
    pub color: ColorChoice,
    /// Print nothing but data and errors.
    #[arg(
        short,
        long,
        global = true,
        env = "STUDIO_DEPLOY_QUIET",
        value_parser = BoolishValueParser::new(),
        conflicts_with = "verbose"
    )]
    pub quiet: bool,
    /// Print the caller's identity and the number of AWS calls; twice, every call.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Write everything to a log file, whatever the screen shows.
    #[arg(long, global = true, value_name = "FILE", env = "STUDIO_DEPLOY_LOG_FILE", value_parser = file(), hide_short_help = true)]
    pub log_file: Option<PathBuf>,
}

impl OutputOptions {
    /// The verbosity of the screen.
    pub const fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        }
    }

    /// The format of standard output, for all commands but `output`.
    pub fn format(&self) -> Format {
        self.format.unwrap_or_default()
    }

    /// The format of standard output, for `output`.
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

/// Format of standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One event per line.
    Ndjson,
    /// Two columns.
    Table,
    /// Values alone.
    Raw,
    /// Assignments for a shell.
    Env,
    /// Assignments for GitHub.
    Github,
    /// A tree of addresses below their dependencies.
    Tree,
    /// The language of Graphviz.
    Dot,
    /// The language of Mermaid.
    Mermaid,
}

impl Format {
    /// Every format of standard output.
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

    /// The format's name on the command line.
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
