//! The documents against the program: its commands, their examples, the exit codes, the version.

use std::collections::BTreeSet;

use studio_deploy::cli::args;

use super::read;

#[test]
fn the_changelog_has_this_version() {
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    assert!(read("CHANGELOG.md").lines().any(|line| line.starts_with(&heading)), "CHANGELOG.md has no `{heading}`");
}

/// The rows of the README's table under `heading`, each its first cell without back quotes and each but once.
#[track_caller]
fn first_cells(heading: &str) -> BTreeSet<String> {
    let readme = read("README.md");
    let (_, section) = readme.split_once(&format!("\n{heading}\n")).expect("the README has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| Some(row.split_once('|')?.0.trim().trim_matches('`').to_owned()));
    let mut seen = BTreeSet::new();
    for cell in cells.filter(|cell| !cell.starts_with('-')) {
        assert!(seen.insert(cell.clone()), "`{cell}` stands in the table twice");
    }
    seen
}

#[test]
fn the_readme_lists_the_commands_there_are() {
    let mut listed = first_cells("## Commands");
    assert!(listed.remove("Command"), "the table has a heading");
    let there_are: BTreeSet<String> =
        args::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(listed, there_are);
}

#[test]
fn the_readme_lists_the_exit_codes_there_are() {
    let listed: BTreeSet<u8> = first_cells("## Exit codes")
        .iter()
        .flat_map(|cell| cell.split(", ").filter_map(|code| code.parse().ok()).collect::<Vec<_>>())
        .collect();
    let text = read("crates/studio-core/src/failure/exit.rs");
    let codes = text.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = ")?.1.parse().ok());
    assert_eq!(listed, codes.collect::<BTreeSet<u8>>());
}

/// The command lines of studio-deploy in a script, as words.
fn commands(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ").replace("cargo run -- ", "studio-deploy ");
    let mut found = Vec::new();
    for line in script.lines().map(|line| line.trim().trim_start_matches("- ").trim_start_matches("run: ")) {
        let mut words: Vec<String> = vec![String::new()];
        let (mut quote, mut commands) = (None, Vec::new());
        // What follows three blanks is an explanation, and `#` begins a comment.
        let line = line.split("   ").next().unwrap_or_default();
        for c in line.chars() {
            match (quote, c) {
                (Some(open), _) if c == open => quote = None,
                (Some(_), _) => words.last_mut().expect("there is a word").push(c),
                (None, '\'' | '"') => quote = Some(c),
                (None, '|' | '>' | ';' | '&' | '#') => {
                    commands.push(std::mem::replace(&mut words, vec![String::new()]));
                    if c == '#' {
                        break;
                    }
                }
                (None, c) if c.is_whitespace() => words.push(String::new()),
                (None, _) => words.last_mut().expect("there is a word").push(c),
            }
        }
        commands.push(words);
        let commands = commands.into_iter().map(|words| words.into_iter().filter(|word| !word.is_empty()).collect());
        found.extend(commands.filter(|words: &Vec<String>| words.first().is_some_and(|word| word == "studio-deploy")));
    }
    found
}

#[track_caller]
fn understood(place: &str, words: &[String]) {
    let matched = args::command().try_get_matches_from(words);
    let error = matched.err().filter(clap::Error::use_stderr);
    assert!(
        error.is_none(),
        "{place}: {}: {}",
        words.join(" "),
        error.map(|error| error.to_string()).unwrap_or_default()
    );
}

#[test]
fn every_command_that_the_documents_show_is_understood() {
    for (path, at_least) in [("README.md", 25), ("docs/ci/README.md", 2)] {
        let text = read(path);
        let fenced: String = text.split("```").skip(1).step_by(2).collect();
        let inline = text.match_indices("`studio-deploy ").filter_map(|(at, _)| text[at + 1..].split('`').next());
        let shown = commands(&[fenced].into_iter().chain(inline.map(str::to_owned)).collect::<Vec<_>>().join("\n"));
        assert!(shown.len() > at_least, "{path}: only {} were found", shown.len());
        for words in shown {
            understood(path, &words);
        }
    }
}

#[test]
fn every_example_of_the_help_is_understood() {
    fn walk(command: &clap::Command, count: &mut usize) {
        let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        for words in commands(&help) {
            understood(command.get_name(), &words);
            *count += 1;
        }
        command.get_subcommands().for_each(|command| walk(command, count));
    }
    let mut count = 0;
    walk(&args::command(), &mut count);
    assert!(count > 20, "only {count} were found");
}

#[test]
fn ci_and_the_readme_test_alike() {
    assert!(read("README.md").contains("\ncargo test\n"), "the README says how to test");
    assert!(read(".ci/run").contains("cargo test --locked\n"), "CI does the same, on the locked versions");
}
