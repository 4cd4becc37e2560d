//! The commands and their own options.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use globset::Glob;

use super::author::{CompletionsArgs, ExplainArgs, InitArgs, ManArgs, SchemaArgs};
use super::consent::{Consent, RemovalArgs};
use super::global::Format;
use super::operate::{CleanupArgs, ListArgs, OutputArgs, PermissionsArgs, SandboxCommand, UnlockArgs, UrlArgs};
use super::values::file;
use crate::ui::plan_human::DiffStyle;

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Write a commented config to begin with.
    #[command(after_long_help = "\
Writes FILE, and beside it the schema that editors complete and check it by. Nothing is overwritten.

Examples:
  studio-deploy init                                    the least that deploys, in studio.yaml
  studio-deploy init --variant comprehensive --out team/studio.yaml
  studio-deploy init --out -                            on standard output")]
    Init(InitArgs),
    /// Check a config without calling AWS; every mistake at once.
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
  studio-deploy plan --out p.json --detailed-exitcode   ends with 2 when something would change
  studio-deploy plan --destroy                          what destroy would do
  studio-deploy plan --target 'user_profile.*' --diff full")]
    Plan(PlanArgs),
    /// Show live against desired documents as a unified diff.
    #[command(after_long_help = "\
Ends with 2 when they differ.

Examples:
  studio-deploy diff studio.yaml
  studio-deploy diff studio.yaml --against main/studio.yaml   two configs, without a look at AWS")]
    Diff(DiffArgs),
    /// Make the account match the config.
    #[command(after_long_help = "\
Shows the plan and asks first. Whatever fails, running again continues.

Examples:
  studio-deploy apply studio.yaml
  studio-deploy apply --plan p.json --auto-approve      exactly what was reviewed, else it ends with 7
  studio-deploy apply --adopt                           takes over what MDAA has made
  studio-deploy apply --allow-profile-delete ben        ben's home directory is lost from sight")]
    Apply(ApplyArgs),
    /// Remove the environment; the home file system, bucket and key stay unless asked for.
    #[command(after_long_help = "\
Examples:
  studio-deploy destroy studio.yaml
  studio-deploy destroy --auto-approve --confirm acme/dev/ml/studio
  studio-deploy destroy --home-efs delete --bucket delete --kms-key delete --drain")]
    Destroy(DestroyArgs),
    /// Show what was changed behind the config's back.
    #[command(after_long_help = "\
Compares live values with the config on everything that applies have set. Ends with 2 when they differ, and never with 0
when something could not be compared.

Examples:
  studio-deploy drift studio.yaml
  studio-deploy drift --ignore 'security_group.*' --ignore '*.Tags.*'")]
    Drift(DriftArgs),
    /// Print a URL that signs a user in to Studio. The URL is a credential.
    #[command(after_long_help = "\
Only in domains with IAM authentication.

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
    /// Show what waits for what.
    #[command(after_long_help = "\
Examples:
  studio-deploy graph studio.yaml
  studio-deploy graph --format dot | dot -Tsvg > studio.svg
  studio-deploy graph --plan p.json --format mermaid    of a saved plan, without a look at AWS")]
    Graph(GraphArgs),
    /// Print the IAM policy that is needed.
    #[command(after_long_help = "\
Examples:
  studio-deploy permissions --for plan > plan.json      what a pipeline needs that only looks
  studio-deploy permissions --for apply --out policies  a file for each policy")]
    Permissions(PermissionsArgs),
    /// List the deployments of an mdaa.yaml.
    #[command(after_long_help = "\
Examples:
  studio-deploy list mdaa.yaml
  studio-deploy list mdaa.yaml --format json            a matrix for CI")]
    List(ListArgs),
    /// Remove a lock that a dead run left; shows its holder.
    #[command(after_long_help = "\
Examples:
  studio-deploy unlock                                  shows who holds the lock
  studio-deploy unlock --yes                            removes it")]
    Unlock(UnlockArgs),
    /// Remove what a deleted domain left: its home file system and the groups around it.
    #[command(after_long_help = "\
Shows what there is and asks first. Nothing of a domain that lives is touched.

Examples:
  studio-deploy cleanup --domain-id d-0123456789ab
  studio-deploy cleanup --domain-id d-0123456789ab --yes")]
    Cleanup(CleanupArgs),
    /// Work with the AWS inside this program.
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Print a JSON Schema, for editors and for tools that read plans and events.
    #[command(after_long_help = "\
Examples:
  studio-deploy schema > studio.schema.json
  studio-deploy schema --kind plan")]
    Schema(SchemaArgs),
    /// Say more about an error's code.
    #[command(after_long_help = "\
Examples:
  studio-deploy explain SD1003")]
    Explain(ExplainArgs),
    /// Print completions for a shell.
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
    /// The word on the command line.
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

    /// Whether standard output can carry `format`.
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

    /// The config that it is about.
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

    /// Whether there is something for `--report` to tell.
    pub const fn reports(&self) -> bool {
        matches!(self, Self::Plan(_) | Self::Apply(_) | Self::Destroy(_) | Self::Drift(_))
    }
}

/// The config.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigFiles {
    /// Module YAML files, merged from left to right, or one mdaa.yaml, or `-` for standard input
    /// [default: ./studio.yaml, ./sm-studio-domain.yaml, ./mdaa.yaml or ./caef.yaml].
    #[arg(value_name = "CONFIG")]
    pub config: Vec<PathBuf>,
}

/// `drift`
#[derive(Clone, Debug, Args)]
pub struct DriftArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Leave out addresses (`app.*`) or properties (`domain.studio.Tags.*`) that match; may be repeated.
    #[arg(long, value_name = "GLOB")]
    pub ignore: Vec<Glob>,
}

/// `graph`
#[derive(Clone, Debug, Args)]
pub struct GraphArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Show a saved plan.
    #[arg(long, value_name = "FILE", value_parser = file(), conflicts_with = "config")]
    pub plan: Option<PathBuf>,
}

/// `validate`
#[derive(Clone, Debug, Args)]
pub struct ValidateArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Fail on warnings too.
    #[arg(long)]
    pub deny_warnings: bool,
    /// Print the merged config, with every reference filled in that needs no AWS.
    #[arg(long)]
    pub print_resolved: bool,
}

/// `plan`
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Save the plan for `apply --plan`; a destroy is approved by name instead.
    #[arg(long, value_name = "FILE", value_parser = file(), conflicts_with = "destroy")]
    pub out: Option<PathBuf>,
    /// Plan what destroy would do.
    #[arg(long)]
    pub destroy: bool,
    /// End with 2 when something would change, or is blocked.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Leave out what is blocked, and what that goes on using, as `apply --skip-blocked` does.
    #[arg(long, conflicts_with = "destroy")]
    pub skip_blocked: bool,
    /// Plan only addresses that match, such as `user_profile.*`, and what they wait for; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["destroy", "skip_blocked"])]
    pub target: Vec<Glob>,
    /// Leave out addresses that match, and what waits for them; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["destroy", "skip_blocked"])]
    pub exclude: Vec<Glob>,
    /// How much of each change is shown.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub diff: DiffStyle,
    /// What the user allows.
    #[command(flatten)]
    pub consent: Consent,
    /// What goes and what stays, with `--destroy`.
    #[command(flatten)]
    pub removal: RemovalArgs,
}

/// `diff`
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Compare with this config instead of with the account.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
}

/// `apply`
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Apply a saved plan; nothing is written when anything has moved since.
    #[arg(long, value_name = "FILE", value_parser = file())]
    pub plan: Option<PathBuf>,
    /// Ask nothing.
    #[arg(long)]
    pub auto_approve: bool,
    /// The deployment's name (org/env/domain/module), which replacing what holds data asks for.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Leave out what is blocked, and what that goes on using, and apply the rest.
    #[arg(long)]
    pub skip_blocked: bool,
    /// Apply only addresses that match, such as `user_profile.*`, and what they wait for; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["plan", "skip_blocked"])]
    pub target: Vec<Glob>,
    /// Leave out addresses that match, and what waits for them; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["plan", "skip_blocked"])]
    pub exclude: Vec<Glob>,
    /// Delete the apps and spaces in the way of a user or domain that goes: the files in a space are lost for good.
    #[arg(long, help_heading = "Consent")]
    pub drain: bool,
    /// Begin nothing new once a step has failed.
    #[arg(long)]
    pub fail_fast: bool,
    /// How much of each change the plan shows.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub diff: DiffStyle,
    /// What the user allows.
    #[command(flatten)]
    pub consent: Consent,
}

/// `destroy`
#[derive(Clone, Debug, Args)]
pub struct DestroyArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Ask nothing; needs `--confirm` besides.
    #[arg(long, requires = "confirm")]
    pub auto_approve: bool,
    /// The deployment's name (org/env/domain/module), which would be asked for otherwise; repeat it for several.
    #[arg(long, value_name = "NAME")]
    pub confirm: Vec<String>,
    /// What goes and what stays.
    #[command(flatten)]
    pub removal: RemovalArgs,
}
