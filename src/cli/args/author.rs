//! Options of the commands for whoever writes configs and programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
