//! The command line of a run, kept so that hints can repeat it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use crate::hint::{Caller, quoted};

/// Topics of the options that say where and how a command runs, as opposed to what it shows.
const GLOBAL: [&str; 4] = ["Identity", "AWS", "Sandbox", "Run"];

/// The command line that clap parsed to `matches`, with its `config`.
pub(super) fn caller(line: &[OsString], matches: &ArgMatches, command: &clap::Command, config: &[PathBuf]) -> Caller {
    let given = GivenLine { line };
    let globals: Vec<&Arg> = command.get_arguments().filter(|arg| arg.is_global_set()).collect();
    let global = globals.iter().filter(|arg| arg.get_help_heading().is_some_and(|topic| GLOBAL.contains(&topic)));
    let global = global.flat_map(|arg| given.words(arg, matches)).collect();
    let is_from_environment =
        |arg: &&&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::EnvVariable);
    let variables = globals
        .iter()
        .filter(is_from_environment)
        .filter_map(|arg| Some((arg.get_long()?.to_owned(), arg.get_env()?.to_string_lossy().into_owned())));
    let (mut names, mut own) = (Vec::new(), Vec::new());
    let (mut command, mut matches) = (command, matches);
    while let Some((name, inner)) = matches.subcommand() {
        let Some(subcommand) = command.find_subcommand(name) else { break };
        (command, matches) = (subcommand, inner);
        names.push(name);
        let options = command.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_positional());
        own.extend(options.map(|arg| given.words(arg, matches).join(" ")).filter(|words| !words.is_empty()));
    }
    Caller {
        program: line.first().filter(|program| !program.is_empty()).map_or_else(|| "studio-deploy".into(), quoted),
        command: names.join(" "),
        config: config.iter().map(quoted).collect(),
        own,
        global,
        variables: variables.collect(),
    }
}

/// The raw command line, for what clap does not keep.
struct GivenLine<'a> {
    line: &'a [OsString],
}

impl GivenLine<'_> {
    /// The words of an option; none if it is not on the line, or is only for tests.
    fn words(&self, arg: &Arg, matches: &ArgMatches) -> Vec<String> {
        let id = arg.get_id().as_str();
        let Some(long) = arg.get_long().filter(|_| !arg.is_hide_set()) else { return Vec::new() };
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            return Vec::new();
        }
        let long = format!("--{long}");
        match arg.get_action() {
            ArgAction::SetTrue => vec![long],
            ArgAction::Count => vec![long; usize::from(matches.get_count(id))],
            // With an equals sign or alone: clap does not tell which of the two it was.
            _ if arg.is_require_equals_set() => {
                let words = self.line.iter().filter(|word| {
                    let word = word.to_string_lossy();
                    word == long || word.starts_with(&format!("{long}="))
                });
                words.map(quoted).collect()
            }
            _ => {
                let values = matches.get_raw_occurrences(id).into_iter().flatten();
                values.flat_map(|values| [long.clone()].into_iter().chain(values.map(quoted))).collect()
            }
        }
    }
}
