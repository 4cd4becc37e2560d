//! The commands and their own options.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use globset::Glob;

use super::consent::{Consent, RemovalArgs};
use super::global::Format;
use super::values::{RoleOfId, expiry, session};
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

/// `init`
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// What it begins with.
    #[arg(long, value_name = "VARIANT", value_enum, default_value_t)]
    pub variant: Variant,
    /// The file; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "studio.yaml")]
    pub out: PathBuf,
}

/// What a config can begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Variant {
    /// The least that deploys.
    #[default]
    Minimal,
    /// Everything that MDAA's module knows, once.
    Comprehensive,
    /// Sign-in with IAM Identity Center.
    Sso,
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
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub plan: Option<PathBuf>,
}

/// `permissions`
#[derive(Clone, Debug, Args)]
pub struct PermissionsArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Only what this command needs.
    #[arg(id = "purpose", long = "for", value_name = "COMMAND", value_enum)]
    pub purpose: Option<PermissionsFor>,
    /// Allow taking over what carries this deployment's MDAA tags, too.
    #[arg(long)]
    pub adopt: bool,
    /// The domain, once it exists: allows stopping its apps, and narrows the rest to it.
    #[arg(long, value_name = "ID")]
    pub domain_id: Option<String>,
    /// The role that the config gives by its unique id alone, since policies know ARNs only; may be repeated.
    #[arg(long, value_name = "ID=ARN")]
    pub role: Vec<RoleOfId>,
    /// Write a file for each policy into this folder, ready for `aws iam create-policy`.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// What permissions are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PermissionsFor {
    /// Looking.
    Plan,
    /// Making and changing.
    Apply,
    /// Deleting.
    Destroy,
    /// Signing users in.
    Url,
}

impl PermissionsFor {
    /// The word for it on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Destroy => "destroy",
            Self::Url => "url",
        }
    }
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
    #[arg(long, value_name = "FILE", conflicts_with = "destroy")]
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
    /// Show only addresses that match, such as `user_profile.*`; may be repeated.
    #[arg(long, value_name = "GLOB")]
    pub target: Vec<Glob>,
    /// Show no addresses that match; may be repeated.
    #[arg(long, value_name = "GLOB")]
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
    #[arg(long, value_name = "FILE")]
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

/// `url`
#[derive(Clone, Debug, Args)]
pub struct UrlArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// The user, as in the config.
    #[arg(long, value_name = "USER")]
    pub user: String,
    /// How long the URL may be used, 5s to 300s [default: 5m].
    #[arg(long, value_name = "DURATION", value_parser = expiry)]
    pub expires_in: Option<Duration>,
    /// How long the session lasts, 30m to 12h [default: 12h].
    #[arg(long, value_name = "DURATION", value_parser = session)]
    pub session_duration: Option<Duration>,
    /// The space to land in.
    #[arg(long, value_name = "SPACE")]
    pub space: Option<String>,
    /// The page to land on, such as `studio::` or `app:JupyterLab:`.
    #[arg(long, value_name = "URI")]
    pub landing_uri: Option<String>,
    /// Open it in the browser.
    #[arg(long)]
    pub open: bool,
    /// Print the URL and nothing else.
    #[arg(long)]
    pub raw: bool,
}

/// `output`
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// The one value to print, then the config; what ends in .yaml, .yml or .json, and `-`, is a config.
    #[arg(value_names = ["NAME", "CONFIG"], num_args = 0..)]
    pub name_and_config: Vec<String>,
}

impl OutputArgs {
    /// The value to print, if only one.
    pub fn name(&self) -> Option<&str> {
        self.name_and_config.first().map(String::as_str).filter(|first| !is_config(first))
    }

    /// The config.
    pub fn files(&self) -> ConfigFiles {
        let skipped = usize::from(self.name().is_some());
        ConfigFiles { config: self.name_and_config.iter().skip(skipped).map(PathBuf::from).collect() }
    }
}

fn is_config(text: &str) -> bool {
    let extension = Path::new(text).extension().and_then(|extension| extension.to_str());
    text == "-" || extension.is_some_and(|extension| matches!(extension, "yaml" | "yml" | "json"))
}

/// `list`
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
}

/// `unlock`
#[derive(Clone, Debug, Args)]
pub struct UnlockArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Remove the lock.
    #[arg(long)]
    pub yes: bool,
}

/// `cleanup`
#[derive(Clone, Debug, Args)]
pub struct CleanupArgs {
    /// A config of the account and region.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// The deleted domain.
    #[arg(long, value_name = "ID")]
    pub domain_id: String,
    /// Ask nothing.
    #[arg(long)]
    pub yes: bool,
}

/// `sandbox`
#[derive(Clone, Debug, Subcommand)]
pub enum SandboxCommand {
    /// Offer it over HTTP, so that the AWS CLI and boto3 can look inside.
    #[command(after_long_help = "\
Examples:
  studio-deploy sandbox serve --port 4566
  aws --endpoint-url http://127.0.0.1:4566 sagemaker list-domains")]
    Serve(ServeArgs),
    /// Empty it.
    Reset,
    /// Make what a config refers to and must exist: VPC, subnets, roles, parameters, …
    Seed(SeedArgs),
}

/// `sandbox serve`
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The port; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
}

/// `sandbox seed`
#[derive(Clone, Debug, Args)]
pub struct SeedArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
}

/// `schema`
#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// Of what.
    #[arg(long, value_name = "KIND", value_enum, default_value = "config")]
    pub kind: SchemaKind,
}

/// What there are schemas of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// The YAML.
    Config,
    /// Plans as data.
    Plan,
    /// Events.
    Events,
}

/// `explain`
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The code, such as SD1003.
    #[arg(value_name = "CODE")]
    pub code: String,
}

/// `completions`
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// The shells that there are completions for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// Fish.
    Fish,
    /// PowerShell.
    #[value(name = "powershell")]
    PowerShell,
    /// Zsh.
    Zsh,
}

/// `man`
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The folder that the pages are written to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
