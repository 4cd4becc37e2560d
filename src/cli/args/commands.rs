//! The commands and the options of each.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use globset::Glob;

use super::author::{CompletionsArgs, ExplainArgs, InitArgs, ManArgs, SchemaArgs};
use super::consent::{Consent, RemovalArgs};
use super::global::Format;
use super::operate::{CleanupArgs, ListArgs, OutputArgs, PermissionsArgs, SandboxCommand, UnlockArgs, UrlArgs};
use super::values::file;
use crate::ui::plan_human::{DiffStyle, NoticeStyle};

/// The commands of the program.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Write a commented starter config.
    #[command(after_long_help = "\
Writes FILE, and beside it the schema that editors use for completion and checks. Never overwrites a file.

Examples:
  studio-deploy init                                    a minimal config, in studio.yaml
  studio-deploy init --variant comprehensive --out team/studio.yaml
  studio-deploy init --out -                            to standard output")]
    Init(InitArgs),
    /// Check a config without calling AWS, reporting every mistake at once.
    #[command(after_long_help = "\
Examples:
  studio-deploy validate
  studio-deploy validate base.yaml prod.yaml --deny-warnings
  studio-deploy validate --format json | jq '.diagnostics[].code'")]
    Validate(ValidateArgs),
    /// Show what apply would do.
    #[command(after_long_help = "\
Examples:
  studio-deploy plan studio.yaml
  studio-deploy plan --out p.json --detailed-exitcode   exits with 2 if anything would change
  studio-deploy plan --destroy                          what destroy would do
  studio-deploy plan --target 'user_profile.*' --diff full")]
    Plan(PlanArgs),
    /// Show the differences between the live and the desired state as a unified diff.
    #[command(after_long_help = "\
Exits with 2 if they differ.

Examples:
  studio-deploy diff studio.yaml
  studio-deploy diff studio.yaml --against main/studio.yaml   compares two configs, without AWS")]
    Diff(DiffArgs),
    /// Make the account match the config.
    #[command(after_long_help = "\
Shows the plan and asks for approval first. After any failure, run it again to continue.

Examples:
  studio-deploy apply studio.yaml
  studio-deploy apply --plan p.json --auto-approve      applies exactly the reviewed plan, or exits with 7
  studio-deploy apply --adopt                           adopts what MDAA created
  studio-deploy apply --allow-profile-delete ben        ben's home directory becomes unreachable")]
    Apply(ApplyArgs),
    /// Destroy the environment; home file system, bucket and key are kept unless you ask for their deletion.
    #[command(after_long_help = "\
Examples:
  studio-deploy destroy studio.yaml
  studio-deploy destroy --auto-approve --confirm acme/dev/ml/studio
  studio-deploy destroy --home-efs delete --bucket delete --kms-key delete --drain")]
    Destroy(DestroyArgs),
    /// Show what was changed outside of the config.
    #[command(after_long_help = "\
Compares the live values of everything that applies have set with the config. Exits with 2 if they differ, and never with
0 if something could not be compared.

Examples:
  studio-deploy drift studio.yaml
  studio-deploy drift --ignore 'security_group.*' --ignore '*.Tags.*'")]
    Drift(DriftArgs),
    /// Print a URL that signs a user in to Studio. The URL is a credential.
    #[command(after_long_help = "\
Works only in domains with IAM authentication.

Examples:
  studio-deploy url --user ann --open
  xdg-open \"$(studio-deploy url --user ann --raw --expires-in 1m)\"")]
    Url(UrlArgs),
    /// Print ids, ARNs, the domain's URL and published parameters.
    #[command(after_long_help = "\
Examples:
  studio-deploy output
  studio-deploy output domain.studio.DomainId --format raw
  studio-deploy output --format github >> \"$GITHUB_OUTPUT\"")]
    Output(OutputArgs),
    /// Show the dependency graph.
    #[command(after_long_help = "\
Examples:
  studio-deploy graph studio.yaml
  studio-deploy graph --format dot | dot -Tsvg > studio.svg
  studio-deploy graph --plan p.json --format mermaid    of a saved plan, without AWS")]
    Graph(GraphArgs),
    /// Print the IAM policy that this config needs.
    #[command(after_long_help = "\
Examples:
  studio-deploy permissions --for plan > plan.json      for a pipeline that only plans
  studio-deploy permissions --for apply --out policies  one file per policy")]
    Permissions(PermissionsArgs),
    /// List the deployments of an mdaa.yaml.
    #[command(after_long_help = "\
Examples:
  studio-deploy list mdaa.yaml
  studio-deploy list mdaa.yaml --format json            a matrix for CI")]
    List(ListArgs),
    /// Show who holds the lock, and remove one that a dead run left behind.
    #[command(after_long_help = "\
Examples:
  studio-deploy unlock                                  shows who holds the lock
  studio-deploy unlock --yes                            removes the lock")]
    Unlock(UnlockArgs),
    /// Delete what a deleted domain left behind: its home file system and security groups.
    #[command(after_long_help = "\
Shows what it found and asks first. Never touches anything of an existing domain.

Examples:
  studio-deploy cleanup --domain-id d-0123456789ab
  studio-deploy cleanup --domain-id d-0123456789ab --yes")]
    Cleanup(CleanupArgs),
    /// Work with the AWS emulator inside this program.
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Print a JSON Schema, for editors and for tools that read plans and events.
    #[command(after_long_help = "\
Examples:
  studio-deploy schema > studio.schema.json
  studio-deploy schema --kind plan")]
    Schema(SchemaArgs),
    /// Explain an error code.
    #[command(after_long_help = "\
Examples:
  studio-deploy explain SD1003")]
    Explain(ExplainArgs),
    /// Print shell completions.
    #[command(after_long_help = "\
Examples:
  studio-deploy completions bash > /etc/bash_completion.d/studio-deploy")]
    Completions(CompletionsArgs),
    /// Write manual pages.
    #[command(after_long_help = "\
Examples:
  studio-deploy man --out ~/.local/share/man/man1")]
    Man(ManArgs),
}

impl Command {
    /// Returns `true` if the command changes nothing in any account.
    pub const fn only_reads(&self) -> bool {
        !matches!(self, Self::Apply(_) | Self::Destroy(_) | Self::Cleanup(_) | Self::Unlock(_))
    }

    /// The command's name on the command line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Validate(_) => "validate",
            Self::Plan(_) => "plan",
            Self::Diff(_) => "diff",
            Self::Apply(_) => "apply",
            Self::Destroy(_) => "destroy",
            Self::Drift(_) => "drift",
            Self::Url(_) => "url",
            Self::Output(_) => "output",
            Self::Graph(_) => "graph",
            Self::Permissions(_) => "permissions",
            Self::List(_) => "list",
            Self::Unlock(_) => "unlock",
            Self::Cleanup(_) => "cleanup",
            Self::Sandbox(_) => "sandbox",
            Self::Schema(_) => "schema",
            Self::Explain(_) => "explain",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// Returns `true` if the command can write `format` to standard output.
    pub const fn knows(&self, format: Format) -> bool {
        match format {
            Format::Human => true,
            Format::Json => !matches!(self, Self::Completions(_) | Self::Man(_)),
            Format::Ndjson => matches!(self, Self::Plan(_) | Self::Apply(_) | Self::Destroy(_)),
            Format::Table => matches!(self, Self::Output(_) | Self::Permissions(_)),
            Format::Raw | Format::Env | Format::Github => matches!(self, Self::Output(_)),
            Format::Tree | Format::Dot | Format::Mermaid => matches!(self, Self::Graph(_)),
        }
    }

    /// The config files that the command was given.
    pub fn config(&self) -> Vec<PathBuf> {
        let files = match self {
            Self::Validate(args) => &args.files,
            Self::Plan(args) => &args.files,
            Self::Diff(args) => &args.files,
            Self::Apply(args) => &args.files,
            Self::Destroy(args) => &args.files,
            Self::Drift(args) => &args.files,
            Self::Url(args) => &args.files,
            Self::Output(args) => return args.files().config,
            Self::Graph(args) => &args.files,
            Self::Permissions(args) => &args.files,
            Self::List(args) => &args.files,
            Self::Unlock(args) => &args.files,
            Self::Cleanup(args) => &args.files,
            Self::Sandbox(SandboxCommand::Seed(args)) => &args.files,
            Self::Sandbox(_)
            | Self::Init(_)
            | Self::Schema(_)
            | Self::Explain(_)
            | Self::Completions(_)
            | Self::Man(_) => return Vec::new(),
        };
        files.config.clone()
    }

    /// Returns `true` if the command supports `--report`.
    pub const fn reports(&self) -> bool {
        match self {
            // Between two configs there is no plan.
            Self::Diff(args) => args.against.is_none(),
            Self::Plan(_) | Self::Apply(_) | Self::Destroy(_) | Self::Drift(_) | Self::Cleanup(_) => true,
            _ => false,
        }
    }
}

/// Config files of a command.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigFiles {
    /// Module YAML files, merged from left to right, or one mdaa.yaml, or `-` for standard input
    /// [default: ./studio.yaml, ./sm-studio-domain.yaml, ./mdaa.yaml or ./caef.yaml].
    #[arg(value_name = "CONFIG")]
    pub config: Vec<PathBuf>,
}

/// Command-line options of `drift`.
#[derive(Clone, Debug, Args)]
pub struct DriftArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Ignore addresses (`app.*`) or properties (`domain.studio.Tags.*`) that match; may be repeated.
    #[arg(long, value_name = "GLOB")]
    pub ignore: Vec<Glob>,
    /// Describe every user profile; with `=false` only those that lists do not show to be as an apply left them.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value_t = true, action = clap::ArgAction::Set)]
    pub refresh: bool,
}

/// Command-line options of `graph`.
#[derive(Clone, Debug, Args)]
pub struct GraphArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Show the graph of a saved plan.
    #[arg(long, value_name = "FILE", value_parser = file(), conflicts_with = "config")]
    pub plan: Option<PathBuf>,
}

/// Command-line options of `validate`.
#[derive(Clone, Debug, Args)]
pub struct ValidateArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Treat warnings as errors.
    #[arg(long)]
    pub deny_warnings: bool,
    /// Print the merged config, with all references resolved that do not need AWS.
    #[arg(long)]
    pub print_resolved: bool,
}

/// Command-line options of `plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Save the plan for `apply --plan`; not for `--destroy`, which is confirmed by name.
    #[arg(long, value_name = "FILE", value_parser = file(), conflicts_with = "destroy")]
    pub out: Option<PathBuf>,
    /// Show what destroy would do.
    #[arg(long)]
    pub destroy: bool,
    /// Exit with 2 if anything would change or is blocked.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Describe every user profile, also those that lists show to be as an apply left them.
    #[arg(long)]
    pub refresh: bool,
    /// Leave out blocked changes, and changes to what they still use, as `apply --skip-blocked` does.
    #[arg(long, conflicts_with = "destroy")]
    pub skip_blocked: bool,
    /// Plan only addresses that match, such as `user_profile.*`, and their dependencies; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["destroy", "skip_blocked"])]
    pub target: Vec<Glob>,
    /// Leave out addresses that match, and their dependents; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["destroy", "skip_blocked"])]
    pub exclude: Vec<Glob>,
    /// How much of each change to show.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub diff: DiffStyle,
    /// Which notices to show: those to act on, or the intended differences from MDAA too.
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub notices: NoticeStyle,
    /// What the user allows.
    #[command(flatten)]
    pub consent: Consent,
    /// What to delete and what to keep, with `--destroy`.
    #[command(flatten)]
    pub removal: RemovalArgs,
}

/// Command-line options of `diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Compare with this config instead of the account.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Describe every user profile, also those that lists show to be as an apply left them.
    #[arg(long, conflicts_with = "against")]
    pub refresh: bool,
}

/// Command-line options of `apply`.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Apply a saved plan; stops before the first write if anything has changed since.
    #[arg(long, value_name = "FILE", value_parser = file())]
    pub plan: Option<PathBuf>,
    /// Do not ask for approval.
    #[arg(long)]
    pub auto_approve: bool,
    /// The deployment's name (org/env/domain/module), required to replace anything that holds data.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Leave out blocked changes, and changes to what they still use, and apply the rest.
    #[arg(long)]
    pub skip_blocked: bool,
    /// Apply only addresses that match, such as `user_profile.*`, and their dependencies; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["plan", "skip_blocked"])]
    pub target: Vec<Glob>,
    /// Leave out addresses that match, and their dependents; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["plan", "skip_blocked"])]
    pub exclude: Vec<Glob>,
    /// Delete apps and spaces that block the deletion of a user or domain; files in a space are lost for good.
    #[arg(long, help_heading = "Consent")]
    pub drain: bool,
    /// Start no more steps once one has failed.
    #[arg(long)]
    pub fail_fast: bool,
    /// Describe every user profile, also those that lists show to be as an apply left them.
    #[arg(long)]
    pub refresh: bool,
    /// How much of each change to show in the plan.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub diff: DiffStyle,
    /// Which notices to show: those to act on, or the intended differences from MDAA too.
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub notices: NoticeStyle,
    /// What the user allows.
    #[command(flatten)]
    pub consent: Consent,
}

/// Command-line options of `destroy`.
#[derive(Clone, Debug, Args)]
pub struct DestroyArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Do not ask for approval; requires `--confirm`.
    #[arg(long, requires = "confirm")]
    pub auto_approve: bool,
    /// The deployment's name (org/env/domain/module), instead of typing it when asked; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub confirm: Vec<String>,
    /// What to delete and what to keep.
    #[command(flatten)]
    pub removal: RemovalArgs,
}
