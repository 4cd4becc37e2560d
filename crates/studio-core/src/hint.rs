//! Suggested commands, written so that they can be pasted into the shell that this run was started from.
//!
//! A [`Hint`] is a command as data: the planner and the kinds know no more of it. A [`Caller`] holds the command line of
//! this run and completes the hint from it: the same program, the same config, the same account and region. No other code
//! writes such a line; `tests/it/hints` pastes each.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde::Serialize;

use crate::escape::is_plain;

/// A command of this program with its own arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// The command.
    pub command: &'static str,
    /// Its arguments, as they are meant.
    pub args: Vec<String>,
}

impl Hint {
    /// A command with arguments.
    pub fn new<T: Into<String>>(command: &'static str, args: impl IntoIterator<Item = T>) -> Self {
        Self { command, args: args.into_iter().map(Into::into).collect() }
    }
}

/// The command line of a run, each word quoted for a shell.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The program as it was called.
    pub program: String,
    /// The command, of several words perhaps.
    pub command: String,
    /// The configs.
    pub config: Vec<String>,
    /// The command's own options.
    pub own: Vec<String>,
    /// The options of every command that say where and how it runs.
    pub global: Vec<String>,
    /// The variables of the environment that stand for an option, by its name.
    pub variables: BTreeMap<String, String>,
}

impl Default for Caller {
    fn default() -> Self {
        Self {
            program: "studio-deploy".into(),
            command: String::new(),
            config: Vec::new(),
            own: Vec::new(),
            global: Vec::new(),
            variables: BTreeMap::new(),
        }
    }
}

impl Caller {
    /// The same command line about one of several deployments, with the options that name it.
    #[must_use]
    pub fn about(&self, names: &[(&str, &str)]) -> Self {
        let mut caller = self.clone();
        for (option, name) in names {
            let is_said = |words: &String| words.split([' ', '=']).next() == Some(option);
            if !caller.global.iter().any(is_said) {
                caller.global.push(format!("{option} {}", quoted(name)));
            }
        }
        caller
    }

    /// A command on the same config in the same account and region, in back quotes.
    pub fn run(&self, command: &str, args: &[&str]) -> String {
        let args = args.iter().map(quoted).collect::<Vec<_>>();
        self.line(command, &self.config, &args, &self.global)
    }

    /// A command on the same config, of words that are quoted already.
    pub fn run_quoted<'a>(&self, command: &str, words: impl IntoIterator<Item = &'a str>) -> String {
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        self.line(command, &self.config, &words, &self.global)
    }

    /// The command line that a hint stands for, in back quotes.
    pub fn hint(&self, hint: &Hint) -> String {
        self.run(hint.command, &hint.args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A command that needs no config and no account, in back quotes.
    pub fn alone(&self, command: &str, args: &[&str]) -> String {
        let args = args.iter().map(quoted).collect::<Vec<_>>();
        self.line(command, &[], &args, &[])
    }

    /// The command line of this run, to run it again, in back quotes.
    pub fn rerun(&self) -> String {
        self.rerun_with(&[])
    }

    /// The command line of this run with more options, in back quotes.
    pub fn rerun_with(&self, args: &[&str]) -> String {
        let args = args.iter().map(quoted);
        let own: Vec<String> = self.own.iter().cloned().chain(args).collect();
        self.line(&self.command, &self.config, &own, &self.global)
    }

    /// The origin of an option's value: the environment variable that sets it, or the option in back quotes.
    pub fn option(&self, name: &str) -> String {
        self.variables.get(name).cloned().unwrap_or_else(|| format!("`--{name}`"))
    }

    fn line(&self, command: &str, config: &[String], args: &[String], global: &[String]) -> String {
        let words = [self.program.as_str(), command].into_iter().filter(|word| !word.is_empty());
        let rest = [config, args, global].into_iter().flatten().map(String::as_str);
        format!("`{}`", words.chain(rest).collect::<Vec<_>>().join(" "))
    }
}

/// A word as a shell takes it, and nothing in it steers whatever shows it: bare where that means the same, else in quotes,
/// and with bytes as numbers (`$'\x1b'`, which bash, ksh and zsh know) where there is anything that cannot be shown.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let bytes = word.as_ref().as_bytes();
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.is_empty() && bytes.iter().all(is_bare) && !text.starts_with("::") => text.to_owned(),
        Ok(text) if is_plain(text) && !text.contains(['`', '#']) && !text.contains("::") => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let shown = |byte: &u8| match byte {
                b' ' => " ".to_owned(),
                byte if is_bare(byte) && *byte != b':' => char::from(*byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            };
            format!("$'{}'", bytes.iter().map(shown).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_it_has_to_be() {
        for (word, expected) in [
            ("studio.yaml", "studio.yaml"),
            ("acme/dev/ml/studio", "acme/dev/ml/studio"),
            ("", "''"),
            ("my studio.yaml", "'my studio.yaml'"),
            ("o'brien", r"'o'\''brien'"),
            ("$(reboot)", "'$(reboot)'"),
            ("~/x", "'~/x'"),
            ("a`b", r"$'a\x60b'"),
            ("::error::x", r"$'\x3a\x3aerror\x3a\x3ax'"),
            ("##[x]", r"$'\x23\x23\x5bx\x5d'"),
            ("a\nb\u{1b}", r"$'a\x0ab\x1b'"),
            ("ä", "'ä'"),
            ("user\u{202e}nimda", r"$'user\xe2\x80\xaenimda'"),
        ] {
            assert_eq!(quoted(word), expected);
            assert!(is_plain(&quoted(word)));
            assert_eq!(crate::escape::outgoing(&quoted(word)), expected, "nothing more is to be done about it");
        }
        assert_eq!(quoted(OsStr::from_bytes(b"a\xff")), r"$'a\xff'");
    }

    #[test]
    fn a_shell_takes_every_word_as_it_is_meant() {
        let hostile =
            ["a b", "o'brien", "$HOME", "a`id`", "\\", "\u{1b}[31m", "a\nb", "*", "!", "#x", "-", "\u{202e}", "::x"];
        for word in hostile {
            let line = format!("printf %s {}", quoted(word));
            let said = std::process::Command::new("bash").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word, "{line}");
        }
    }

    #[test]
    fn a_hint_has_the_words_of_the_caller() {
        let caller = Caller {
            command: "apply".into(),
            config: vec!["my.yaml".into()],
            own: vec!["--adopt".into()],
            global: vec!["--region".into(), "eu-west-1".into()],
            ..Caller::default()
        };
        assert_eq!(caller.run("plan", &[]), "`studio-deploy plan my.yaml --region eu-west-1`");
        assert_eq!(caller.rerun(), "`studio-deploy apply my.yaml --adopt --region eu-west-1`");
        assert_eq!(caller.alone("explain", &["SD1020"]), "`studio-deploy explain SD1020`");
        let hint = Hint::new("cleanup", ["--domain-id", "d 1"]);
        assert_eq!(caller.hint(&hint), "`studio-deploy cleanup my.yaml --domain-id 'd 1' --region eu-west-1`");
    }
}
