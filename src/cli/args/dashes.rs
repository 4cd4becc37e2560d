//! Checks before clap: words with one dash, and options given twice, which clap would take for something else.
//!
//! By POSIX `-destroy` is `-d estroy`, which would be another data domain; Terraform's users write `-destroy` for
//! `--destroy`. So a value is never attached to its short option: what begins with one dash is a single letter, with `=`
//! and a value or without, or several flags of one letter such as `-vv`. Everything else is refused before clap sees it,
//! wherever it stands in front of `--`.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use crate::config::suggest::nearest;

/// Dashes that word processors make of hyphens.
const DASHES: [char; 8] =
    ['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}', '\u{fe63}'];

/// Refuses what reads like one thing and would do another.
///
/// # Errors
/// What is wrong with the line and what may be meant, for people.
pub(super) fn check(args: &[OsString], root: &Command) -> Result<(), String> {
    let words: Vec<String> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).take_while(|word| *word != "--").collect();
    let line = Line::new(&words, root);
    for word in &words {
        if let Some(refusal) = line.refusal(word) {
            return Err(refusal);
        }
    }
    line.repeated().map_or(Ok(()), Err)
}

/// A command line with the commands that it names.
struct Line<'a> {
    root: &'a Command,
    /// The root and whatever it leads to: `sandbox`, `serve`.
    commands: Vec<&'a Command>,
    /// Each option of the line, with how many commands stand in front of it.
    options: Vec<(&'a Arg, usize)>,
}

impl<'a> Line<'a> {
    fn new(words: &[&str], root: &'a Command) -> Self {
        let mut line = Self { root, commands: vec![root], options: Vec::new() };
        let mut takes_next = false;
        for word in words {
            let is_value = std::mem::take(&mut takes_next) && !word.starts_with('-');
            if let Some(option) = line.option(word) {
                line.options.push((option, line.commands.len()));
                takes_next = takes_value(option) && !option.is_require_equals_set() && !word.contains('=');
            } else if !is_value
                && let Some(found) = line.commands.last().and_then(|command| command.find_subcommand(word))
            {
                line.commands.push(found);
            }
        }
        line
    }

    /// The options that may be given: those of the commands that are named, and the global ones.
    fn known(&self) -> impl Iterator<Item = &'a Arg> {
        self.commands.iter().flat_map(|command| command.get_arguments())
    }

    /// The option that a word is; of several letters the last, which is the only one that can take a value.
    fn option(&self, word: &str) -> Option<&'a Arg> {
        let name = word.split('=').next()?;
        match name.strip_prefix("--") {
            Some(long) => self.known().find(|arg| arg.get_long() == Some(long)),
            None => {
                let short = name.strip_prefix('-').filter(|letters| self.is_cluster(letters))?.chars().last()?;
                self.known().find(|arg| arg.get_short() == Some(short))
            }
        }
    }

    /// The reason why a word is refused, if it is.
    fn refusal(&self, word: &str) -> Option<String> {
        let hyphen = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        let other = word.starts_with(DASHES).then_some(word);
        let rest = hyphen.or(other)?;
        let name = rest.split('=').next().unwrap_or_default();
        if hyphen.is_some() && self.is_cluster(name) {
            return None;
        }
        let meant = name.trim_start_matches(|c| c == '-' || DASHES.contains(&c));
        let no_option = match other {
            Some(_) => format!("`{word}` begins with a dash that is not a hyphen"),
            None => format!("there is no option `-{name}`"),
        };
        if let Some(near) = nearest_long(meant, self.known()) {
            return Some(format!("{no_option}: did you mean `--{near}`?"));
        }
        let commands = self.root.get_subcommands();
        for command in commands.flat_map(|command| std::iter::once(command).chain(command.get_subcommands())) {
            if let Some(near) = nearest_long(meant, command.get_arguments()) {
                let owner = command.get_name();
                let also = self
                    .root
                    .find_subcommand(near)
                    .map(|command| format!(", and there is a command `studio-deploy {}`", command.get_name()));
                let also = also.unwrap_or_default();
                return Some(format!("{no_option}: did you mean `--{near}`? It is an option of `{owner}`{also}"));
            }
        }
        let is_file = [".yaml", ".yml", ".json"].iter().any(|extension| rest.ends_with(extension));
        if is_file {
            return Some(format!("{no_option}: for a file of this name, write `./{word}`"));
        }
        let first = name.chars().next();
        let attached =
            self.known().find(|arg| takes_value(arg) && arg.get_short().is_some() && arg.get_short() == first);
        Some(match attached.and_then(|arg| Some((arg.get_short()?, arg.get_long()?))) {
            Some((short, long)) => {
                let value = rest.get(1..).unwrap_or_default();
                format!("{no_option}: write `-{short} {value}` or `--{long} {value}` if that is meant")
            }
            None => format!("{no_option}: options of more than one letter begin with two dashes"),
        })
    }

    /// Returns `true` if these letters are options, of which only the last may take a value.
    fn is_cluster(&self, letters: &str) -> bool {
        let option = |letter: char| self.known().find(|arg| arg.get_short() == Some(letter));
        let mut letters = letters.chars().rev();
        let last = letters.next();
        let is_option = |letter: char| option(letter).is_some() || matches!(letter, 'h' | 'V');
        let is_flag = |letter: char| is_option(letter) && !option(letter).is_some_and(takes_value);
        // A lone dash is standard input; what a single letter means clap knows.
        last.is_none_or(is_option) && letters.all(is_flag)
    }

    /// An option that is there twice although only one of them would count.
    fn repeated(&self) -> Option<String> {
        for (at, (option, level)) in self.options.iter().enumerate() {
            let mut others = self.options[..at].iter().filter(|(other, _)| other.get_id() == option.get_id());
            let long = option.get_long().unwrap_or_default();
            match option.get_action() {
                ArgAction::Set if others.next().is_some() => {
                    return Some(format!("`--{long}` is given more than once, and only one can count"));
                }
                // clap keeps only those behind the command.
                ArgAction::Append if others.any(|(_, other)| other != level) => {
                    return Some(format!(
                        "`--{long}` stands before and behind the command: give all of them behind it"
                    ));
                }
                _ => {}
            }
        }
        None
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// The long option that a word is, or nearly is.
fn nearest_long<'a>(word: &str, args: impl Iterator<Item = &'a Arg>) -> Option<&'a str> {
    let longs: Vec<&str> = args.filter_map(Arg::get_long).chain(["help", "version"]).collect();
    longs.iter().find(|long| **long == word).copied().or_else(|| nearest(word, longs))
}
