//! Options of the commands that work with an environment as it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::commands::ConfigFiles;
use super::values::{RoleOfId, expiry, session};

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
