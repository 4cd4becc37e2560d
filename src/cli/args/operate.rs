//! Options of the commands that operate an existing environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::commands::ConfigFiles;
use super::values::{RoleOfId, expiry, session};

/// Command-line options of `url`.
#[derive(Clone, Debug, Args)]
pub struct UrlArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// The user, as in the config.
    #[arg(long, value_name = "USER")]
    pub user: String,
    /// How long the URL is valid, 5s to 300s [default: 5m].
    #[arg(long, value_name = "DURATION", value_parser = expiry)]
    pub expires_in: Option<Duration>,
    /// How long the session lasts, 30m to 12h [default: 12h].
    #[arg(long, value_name = "DURATION", value_parser = session)]
    pub session_duration: Option<Duration>,
    /// The space to open.
    #[arg(long, value_name = "SPACE")]
    pub space: Option<String>,
    /// The page to open, such as `studio::` or `app:JupyterLab:`.
    #[arg(long, value_name = "URI")]
    pub landing_uri: Option<String>,
    /// Open the URL in the browser.
    #[arg(long)]
    pub open: bool,
    /// Print the URL and nothing else.
    #[arg(long)]
    pub raw: bool,
}

/// Command-line options of `output`.
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// The value to print, if only one, followed by the config; names that end in .yaml, .yml or .json, and `-`, are configs.
    #[arg(value_names = ["NAME", "CONFIG"], num_args = 0..)]
    pub name_and_config: Vec<String>,
}

impl OutputArgs {
    /// The value to print, if only one.
    pub fn name(&self) -> Option<&str> {
        self.name_and_config.first().map(String::as_str).filter(|first| !is_config(first))
    }

    /// The config files, without the name.
    pub fn files(&self) -> ConfigFiles {
        let skipped = usize::from(self.name().is_some());
        ConfigFiles { config: self.name_and_config.iter().skip(skipped).map(PathBuf::from).collect() }
    }
}

fn is_config(text: &str) -> bool {
    let extension = Path::new(text).extension().and_then(|extension| extension.to_str());
    text == "-" || extension.is_some_and(|extension| matches!(extension, "yaml" | "yml" | "json"))
}

/// Command-line options of `list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
}

/// Command-line options of `unlock`.
#[derive(Clone, Debug, Args)]
pub struct UnlockArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Remove the lock.
    #[arg(long)]
    pub yes: bool,
}

/// Command-line options of `cleanup`.
#[derive(Clone, Debug, Args)]
pub struct CleanupArgs {
    /// A config that names the account and region.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// The id of the deleted domain.
    #[arg(long, value_name = "ID")]
    pub domain_id: String,
    /// Do not ask for approval.
    #[arg(long)]
    pub yes: bool,
}

/// Commands of the embedded emulator.
#[derive(Clone, Debug, Subcommand)]
pub enum SandboxCommand {
    /// Serve the emulator over HTTP, for the AWS CLI and boto3.
    #[command(after_long_help = "\
Examples:
  studio-deploy sandbox serve --port 4566
  aws --endpoint-url http://127.0.0.1:4566 sagemaker list-domains")]
    Serve(ServeArgs),
    /// Delete the emulator's state.
    Reset,
    /// Create what a config refers to: VPC, subnets, roles, parameters, …
    Seed(SeedArgs),
}

/// Command-line options of `sandbox serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The port; 0 picks any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
}

/// Command-line options of `sandbox seed`.
#[derive(Clone, Debug, Args)]
pub struct SeedArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
}

/// Command-line options of `permissions`.
#[derive(Clone, Debug, Args)]
pub struct PermissionsArgs {
    /// The config.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Print only what this command needs.
    #[arg(id = "purpose", long = "for", value_name = "COMMAND", value_enum)]
    pub purpose: Option<PermissionsFor>,
    /// Also allow adopting what carries this deployment's MDAA tags.
    #[arg(long)]
    pub adopt: bool,
    /// The id of an existing domain: also allows stopping its apps, and narrows the other permissions to it.
    #[arg(long, value_name = "ID")]
    pub domain_id: Option<String>,
    /// The ARN of a role that the config gives only by its unique id, since policies need ARNs; may be repeated.
    #[arg(long, value_name = "ID=ARN")]
    pub role: Vec<RoleOfId>,
    /// Write one file per policy into this folder, ready for `aws iam create-policy`.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// Purpose of the permissions to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PermissionsFor {
    /// Reading only.
    Plan,
    /// Creating and changing.
    Apply,
    /// Deleting.
    Destroy,
    /// Signing users in.
    Url,
}

impl PermissionsFor {
    /// The purpose's name on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Destroy => "destroy",
            Self::Url => "url",
        }
    }
}
