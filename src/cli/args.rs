//! The command line: commands, options, and errors of usage.

mod author;
mod caller;
mod commands;
mod consent;
mod dashes;
mod global;
mod operate;
mod values;

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser};

pub use author::{CompletionsArgs, ExplainArgs, InitArgs, ManArgs, SchemaArgs, SchemaKind, Shell, Variant};
pub use commands::{
    ApplyArgs, Command, ConfigFiles, DestroyArgs, DiffArgs, DriftArgs, GraphArgs, PlanArgs, ValidateArgs,
};
pub use consent::{Consent, Disposal, RemovalArgs, consent_words};
pub use global::{Format, Global, Identity, OutputOptions, RunOptions, SandboxFlags, Target};
pub use operate::{
    CleanupArgs, ListArgs, OutputArgs, PermissionsArgs, PermissionsFor, SandboxCommand, SeedArgs, ServeArgs,
    UnlockArgs, UrlArgs,
};
pub use values::{Adopt, LatencyChoice, Limit, ReportFormat, ReportTarget, TimedOperation};

use crate::config::suggest::nearest;
use crate::escape::{self, one_line};
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::ui::{Paint, Screen, events};

/// Plan, apply, diff and destroy Amazon SageMaker Studio environments from MDAA's `sm-studio-domain` YAML.
#[derive(Debug, Parser)]
#[command(
    name = "studio-deploy",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_long_help = "\
Examples:
  studio-deploy plan studio.yaml --sandbox        try it without an AWS account
  studio-deploy apply studio.yaml                 shows the plan, asks for approval, and applies it
  studio-deploy plan --out p.json && studio-deploy apply --plan p.json --auto-approve

Every global option can also be set in the environment as STUDIO_DEPLOY_ and its name (STUDIO_DEPLOY_REGION, …);
the command line takes precedence, and neither may contradict the config about where to deploy.

Exit codes: 0 success; 1 failed; 2 differences, if requested; 3 invalid config; 4 credentials, account, region or
permission; 5 blocked; 6 locked; 7 stale plan; 8 partly applied, run again; 10 not approved; 64 usage; 70 a bug;
129, 130, 143 stopped by a signal."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The whole command line as clap knows it, for completions and manual pages too.
pub fn command() -> clap::Command {
    // The help explains the names of variables once, instead of listing thirty of them.
    Cli::command().mut_args(|arg| arg.hide_env(true))
}

/// The commands, grouped by purpose for the help.
const GROUPS: [(&str, &[&str]); 3] = [
    ("Main", &["init", "validate", "plan", "diff", "apply", "destroy", "drift", "list"]),
    ("Operate", &["url", "output", "graph", "permissions", "unlock", "cleanup", "sandbox"]),
    ("Author", &["schema", "explain", "completions", "man"]),
];

/// `command` with its own help listing the commands in groups, which clap has no notion of.
fn grouped(command: clap::Command) -> clap::Command {
    let header = *command.get_styles().get_header();
    let mut lines = Vec::new();
    for (title, names) in GROUPS {
        lines.push(format!("{header}{title}:{header:#}"));
        for subcommand in names.iter().filter_map(|name| command.find_subcommand(name)) {
            let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
            lines.push(format!("  {:<11}  {about}", subcommand.get_name()));
        }
        lines.push(String::new());
    }
    let groups = lines.join("\n");
    // Hidden only from the list that clap would write: they are found, suggested and explained as ever.
    command
        .mut_subcommands(|subcommand| subcommand.hide(true))
        .override_usage("studio-deploy [OPTIONS] <COMMAND> [CONFIG]...")
        .help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}\n{{all-args}}{{after-help}}"
        ))
}

/// Parses the command line.
///
/// # Errors
/// The exit code, when there is nothing left to do: help or the version was printed, or the line cannot be parsed and the
/// screen says why.
pub fn parse(args: impl IntoIterator<Item = OsString>, screen: &Screen) -> Result<Cli, Exit> {
    let args: Vec<OsString> = args.into_iter().collect();
    read(&args).map_err(|error| {
        // The message quotes the line: it is made once more of what can be shown of it.
        let shown: Vec<OsString> = args.iter().map(|arg| one_line(&arg.to_string_lossy()).into()).collect();
        let error = if shown == args { error } else { read(&shown).err().unwrap_or(error) };
        print_usage_error(&error, wanted(&args), screen)
    })
}

fn read(args: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = grouped(command());
    if let Err(message) = dashes::check(args, &command) {
        return Err(command.error(ErrorKind::UnknownArgument, message));
    }
    let matches = match command.try_get_matches_from_mut(args) {
        Ok(matches) => matches,
        Err(error) => return Err(of_variable(error, args, &command)),
    };
    let mut cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    cli.global.caller = caller::caller(args, &matches, &command, &cli.command.config());
    if !cli.command.reports() {
        if !cli.global.output.reports.is_empty() && matches.value_source("report") != Some(ValueSource::EnvVariable) {
            let others = "plan, diff with the account, apply, destroy, drift and cleanup do";
            let message = format!("`{}` does not support `--report`; {others}", cli.command.name());
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        cli.global.output.reports.clear();
    }
    let Some(format) = cli.global.output.format else { return Ok(cli) };
    if cli.command.knows(format) {
        return Ok(cli);
    }
    if matches.value_source("format") != Some(ValueSource::EnvVariable) {
        let known: Vec<&str> =
            Format::ALL.into_iter().filter(|known| cli.command.knows(*known)).map(Format::as_str).collect();
        let message = format!(
            "`{}` does not support `--format {}`: use {}",
            cli.command.name(),
            format.as_str(),
            known.join(", ")
        );
        return Err(command.error(ErrorKind::InvalidValue, message));
    }
    // The environment speaks to every command; what one does not know is not meant for it.
    cli.global.output.format = None;
    Ok(cli)
}

/// Adds to an error the variable that a value came from, if it is not on the line.
fn of_variable(mut error: clap::Error, args: &[OsString], command: &clap::Command) -> clap::Error {
    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else { return error };
    let Some(long) = named.strip_prefix("--").and_then(|named| named.split([' ', '=', '[']).next()) else {
        return error;
    };
    let option = command.get_arguments().find(|arg| arg.get_long() == Some(long));
    let Some(variable) = option.and_then(|option| option.get_env()) else { return error };
    let short = option.and_then(clap::Arg::get_short).map(|short| format!("-{short}"));
    let is_said = args.iter().filter_map(|arg| arg.to_str()).any(|arg| {
        arg.strip_prefix("--").is_some_and(|arg| arg.split('=').next() == Some(long))
            || short.as_ref().is_some_and(|short| arg.starts_with(short))
    });
    if !is_said {
        let tip = format!("the value comes from the variable {}", variable.display());
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The failure of an environment variable that is nearly one of ours: a typo in the name of a filter must not be taken for
/// no filter.
pub fn misspelt<'a>(variables: impl Iterator<Item = &'a String>) -> Option<Failure> {
    const PREFIX: &str = "STUDIO_DEPLOY_";
    let command = Cli::command();
    let known: Vec<&str> =
        command.get_arguments().filter_map(|arg| arg.get_env()?.to_str()?.strip_prefix(PREFIX)).collect();
    for (variable, name) in variables.filter_map(|variable| Some((variable, variable.strip_prefix(PREFIX)?))) {
        if let Some(meant) = nearest(name, known.iter().copied()).filter(|_| !known.contains(&name)) {
            let failure = Failure::new(&codes::USAGE, format!("{variable} is not a variable of studio-deploy"));
            return Some(failure.help(format!("did you mean {PREFIX}{meant}? If not, rename yours")));
        }
    }
    None
}

fn print_usage_error(error: &clap::Error, format: Format, screen: &Screen) -> Exit {
    let text = error.render();
    let plain = quoted(error).fold(text.to_string(), |text, quoted| text.replace(&quoted, &one_line(&quoted)));
    // Where something else had to be shown, no escape sequence is known to be clap's.
    let is_plain = plain == text.to_string() && escape::is_plain(&plain.replace('\n', ""));
    let text = |paint: Paint| {
        if is_plain && paint.is_colored() { escape::rendered(&text.ansi().to_string()) } else { plain.clone() }
    };
    if !error.use_stderr() {
        return if screen.data(&text(screen.data_paint())).is_ok() { Exit::Success } else { Exit::Failed };
    }
    screen.error(&text(screen.notes_paint()));
    let summary = plain.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let failure = Failure::new(&codes::USAGE, summary).help("`--help` after any command lists its options");
    // The usage error is on standard error already; a full disk under standard output changes nothing about it.
    match format {
        Format::Json => drop(screen.data(&failure.json())),
        Format::Ndjson => {
            #[expect(clippy::disallowed_methods, reason = "there is no host yet that could say what time it is")]
            let now = || jiff::Timestamp::now().to_string();
            drop(events::lone_error(&failure, "", screen, now));
        }
        _ => {}
    }
    Exit::Usage
}

/// The values that an error quotes, as they appear in its plain text: clap drops from them what it takes for a style.
fn quoted(error: &clap::Error) -> impl Iterator<Item = String> {
    let values = error.context().filter_map(|(_, value)| match value {
        ContextValue::String(value) => Some(value.clone()),
        _ => None,
    });
    let quoted = values.chain(std::error::Error::source(error).map(ToString::to_string));
    quoted.map(|quoted| StyledStr::from(quoted).to_string())
}

/// The format that was asked for on a line that cannot be parsed.
fn wanted(args: &[OsString]) -> Format {
    let args: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let apart = args.windows(2).filter(|pair| pair[0] == "--format").map(|pair| pair[1]);
    let joined = args.iter().filter_map(|arg| arg.strip_prefix("--format="));
    let known = |word: &str| Format::ALL.into_iter().find(|format| format.as_str() == word);
    apart.chain(joined).find_map(known).unwrap_or_default()
}

#[cfg(test)]
mod tests;
