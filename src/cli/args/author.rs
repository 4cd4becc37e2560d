//! Options of the commands for authors of configs and programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Command-line options of `init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// What to start with.
    #[arg(long, value_name = "VARIANT", value_enum, default_value_t)]
    pub variant: Variant,
    /// The file to write; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "studio.yaml")]
    pub out: PathBuf,
}

/// Starter configs to choose from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Variant {
    /// The minimum that deploys.
    #[default]
    Minimal,
    /// Every setting of MDAA's module once.
    Comprehensive,
    /// Sign-in with IAM Identity Center.
    Sso,
}

/// Command-line options of `schema`.
#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// Which schema to print.
    #[arg(long, value_name = "KIND", value_enum, default_value = "config")]
    pub kind: SchemaKind,
}

/// Documents that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// The YAML of configs.
    Config,
    /// Plans as JSON.
    Plan,
    /// Events of a run.
    Events,
}

/// Command-line options of `explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The code, such as SD1003; or `differences`, for all intended differences from MDAA.
    #[arg(value_name = "CODE")]
    pub code: String,
}

/// Command-line options of `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// Shells that have completions.
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

/// Command-line options of `man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The folder to write the pages to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
