//! The shape of the source: what ARCHITECTURE.md promises and no compiler sees.
//!
//! Each check reads files as text, so it is as good as its patterns; `clippy.toml` bans the same things by path where
//! Clippy can. A check that fails names the file, the line and what to do instead. What the README says is checked in
//! `documents`, what stands below which crate in `packages`, how doc comments begin in `prose`.

mod documents;
mod floors;
mod knows;
mod names;
mod packages;
mod prose;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use studio_deploy::model::Kind;
use studio_deploy::resource::KINDS;

/// Most lines of code that a file may have, its tests aside.
const LONGEST: usize = 400;

/// Files that are longer, each because cutting it would part what belongs together.
const LONG: [(&str, &str); 12] = [
    ("src/apply.rs", "one walk over the plan, with nothing to be looked up elsewhere"),
    ("src/aws/lock/protocol.rs", "one state machine, read with its model beside it"),
    ("src/cli/run.rs", "what commands share, in the order in which it happens"),
    ("crates/studio-core/src/config/mdaa.rs", "one walk from the organisation down to its modules"),
    ("crates/studio-core/src/config/schema_check.rs", "one walk over tree and schema"),
    ("crates/studio-core/src/model/value.rs", "one type with everything that can be done to it"),
    ("src/resource/security_group.rs", "a kind is one file"),
    ("crates/studio-sandbox/src/services/ec2.rs", "a network is one table of things that refer to each other"),
    ("crates/studio-sandbox/src/core/front.rs", "one request from the wire to the journal"),
    ("crates/studio-sandbox/src/services/iam.rs", "one service, an operation after another"),
    ("crates/studio-sandbox/src/core/store.rs", "one turn from the lock to the commit"),
    ("crates/studio-core/src/plan/document.rs", "a plan as data, written and read back"),
];

/// A source file as the checks see it.
struct Source {
    /// Below the repository, with `/` between folders.
    path: String,
    /// Everything.
    text: String,
    /// The lines that are compiled into the program, each with its number: no comments, no tests.
    code: Vec<(usize, String)>,
}

impl Source {
    fn read(path: String) -> Self {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let only_tests = path.ends_with("tests.rs") || path.ends_with("testing.rs");
        let lines: Vec<&str> = text.lines().collect();
        let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
        let end = if only_tests { 0 } else { tests.unwrap_or(lines.len()) };
        let code = lines[..end].iter().enumerate();
        let code = code.filter(|(_, line)| !line.trim_start().starts_with("//"));
        let code = code.map(|(at, line)| (at + 1, (*line).to_owned())).collect();
        Self { path, text, code }
    }

    fn is_below(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path == *folder || self.path.starts_with(&format!("{folder}/")))
    }

    /// The places where the code has `pattern`, not as a part of a longer word.
    fn uses<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = String> + 'a {
        let found = self.code.iter().filter(|(_, line)| has_word(line, pattern));
        found.map(move |(number, line)| format!("{}:{number}: {}", self.path, line.trim()))
    }
}

fn has_word(line: &str, pattern: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (first, last) = (pattern.chars().next().is_some_and(is_word), pattern.chars().last().is_some_and(is_word));
    line.match_indices(pattern).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_word);
        let after = line[at + pattern.len()..].chars().next().is_some_and(is_word);
        !(first && before || last && after)
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository below `folder`, what is built or downloaded aside.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", ".git", ".studio-deploy", "__pycache__"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name != ".git" {
                found.push(path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

fn sources(folder: &str) -> Vec<Source> {
    files(folder).into_iter().filter(|path| is_rust(path)).map(Source::read).collect()
}

/// The source of the program: the root package's and that of the crates below it.
fn program() -> Vec<Source> {
    let crates = files("crates").into_iter().filter(|path| is_rust(path)).map(Source::read);
    sources("src").into_iter().chain(crates).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Fails with every use of `patterns` in the program outside `allowed`.
#[track_caller]
fn only_in(allowed: &[&str], patterns: &[&str], instead: &str) {
    let sources = program();
    let elsewhere = sources.iter().filter(|source| !source.is_below(allowed));
    let found: Vec<String> =
        elsewhere.flat_map(|source| patterns.iter().flat_map(|pattern| source.uses(pattern))).collect();
    assert!(found.is_empty(), "{instead}\n{}", found.join("\n"));
}

#[test]
fn only_apply_writes() {
    let verbs = ["create(", "update(", "release(", "delete(", "write_record("];
    let patterns: Vec<String> =
        ["account.", "cloud."].iter().flat_map(|of| verbs.iter().map(move |verb| format!("{of}{verb}"))).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    only_in(&["src/apply.rs"], &patterns, "only apply.rs carries steps out; plan what is to be done");
}

#[test]
fn only_the_kinds_and_aws_name_the_sdk() {
    let allowed = [
        "src/aws",
        "src/resource",
        "src/sandbox",
        "crates/studio-sandbox",
        // The trait by which main.rs hands in an AWS: what is handed in is the SDK's own configuration.
        "src/deploy/backend.rs",
    ];
    let crates = ["aws_config::", "aws_types::", "aws_credential_types::", "aws_smithy_types::"];
    only_in(&allowed, &crates, "the SDK stays behind aws/ and resource/");
    let found: Vec<String> = program()
        .iter()
        .filter(|source| !source.is_below(&allowed))
        .flat_map(|source| {
            source
                .code
                .iter()
                .filter(|(_, line)| line.contains("aws_sdk_"))
                .map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "the SDK stays behind aws/ and resource/\n{}", found.join("\n"));
}

#[test]
fn only_error_reads_the_codes_of_the_sdk() {
    only_in(
        // The bucket's look-up reads the body of one answer whose root stand-ins for S3 name otherwise.
        &["src/aws/error.rs", "src/resource/bucket/observe.rs", "crates/studio-sandbox"],
        &["ProvideErrorMetadata", "SdkError", "RequestId"],
        "aws/error.rs makes a `CloudError` of what the SDK says; ask that",
    );
}

#[test]
fn only_wait_sleeps() {
    // sandbox/sleep.rs is the clock that the sandbox supplies, so it cannot go by another.
    let patterns = ["thread::sleep", "tokio::time", "TokioSleep::new().sleep"];
    only_in(
        &["src/aws/wait.rs", "crates/studio-sandbox/src/core/sleep.rs"],
        &patterns,
        "wait with `Clock` or `wait::every`",
    );
}

#[test]
fn only_files_opens_what_a_path_leads_to() {
    // main.rs asks the process table; init.rs makes files that nobody else has made.
    let allowed = ["crates/studio-files", "src/main.rs", "src/cli/init.rs"];
    let patterns =
        ["File::open", "File::create", "File::options", "fs::read(", "fs::read_to_string", "fs::write(", "tokio::fs"];
    only_in(&allowed, &patterns, "a path may lead to a pipe or a device: open it with `files`");
}

#[test]
fn only_the_screen_writes_to_the_terminal() {
    // main.rs makes the screen out of the two streams.
    let patterns = ["println!", "print!", "eprintln!", "eprint!", "dbg!", "io::stdout", "io::stderr"];
    only_in(&["src/ui", "src/main.rs"], &patterns, "hand text to the `Screen`");
}

#[test]
fn what_leaves_is_escaped_where_it_is_written() {
    // files.rs writes what it is handed; init.rs and the record write our own text, and bytes that are packed.
    let writers = ["write_all(", "files::write("];
    let front = sources("src").into_iter().filter(|source| source.is_below(&["src/ui", "src/cli", "src/main.rs"]));
    let raw: Vec<String> = front
        .filter(|source| source.path != "src/cli/init.rs")
        .flat_map(|source| writers.iter().flat_map(|writer| source.uses(writer)).collect::<Vec<_>>())
        .filter(|place| {
            !place.contains("outgoing(") && !place.contains("fn write_all") && !place.contains("self.write_all")
        })
        .collect();
    assert!(raw.is_empty(), "write what `escape::outgoing` makes of it\n{}", raw.join("\n"));
    only_in(
        &[
            "crates/studio-core/src/escape.rs",
            "src/ui/style.rs",
            "crates/studio-core/src/config/diagnostic.rs",
            "src/cli/args.rs",
            "src/ui/reports.rs",
        ],
        &["escape::sequence", "escape::rendered", "escape::command"],
        "paint with `Paint`: a mark is for what is ours",
    );
}

/// The commands that the program has, by name.
fn command_names() -> Vec<String> {
    studio_deploy::cli::args::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

#[test]
fn only_one_function_writes_a_command_to_run() {
    // Examples of the help are held to the command line by `documents`, and the others are no hints.
    let allowed = ["crates/studio-core/src/hint.rs", "src/cli/args.rs", "src/cli/args"];
    let names = command_names();
    let begins = |text: &str| match text.split_once(' ') {
        Some(("studio-deploy", _)) => true,
        Some((first, _)) => names.iter().any(|name| name == first),
        None => false,
    };
    let mut seen = 0;
    let mut found = Vec::new();
    for source in program().iter().filter(|source| !source.is_below(&allowed)) {
        for (number, line) in &source.code {
            let quoted: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
            seen += quoted.len();
            if quoted.into_iter().any(begins) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(seen > 100, "only {seen} texts in back quotes were found");
    assert!(found.is_empty(), "make it with `hint::Caller`, so that it can be pasted\n{}", found.join("\n"));
}

#[test]
fn only_main_reads_the_environment_and_ends_the_process() {
    // The sandbox aborts where a test has asked for a crash.
    only_in(&["src/main.rs"], &["std::env", "env::var", "process::exit"], "take it from `Host`");
    only_in(&["crates/studio-sandbox/src/core/front.rs"], &["process::abort"], "return an `Exit`");
}

#[test]
fn nothing_is_left_to_do() {
    let unfinished = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["X", "XX"].concat()];
    let mut found = Vec::new();
    for source in program().iter().chain(&sources("tests")) {
        for (at, line) in source.text.lines().enumerate() {
            if unfinished.iter().any(|word| has_word(line, word)) || line.trim_start().starts_with("#[allow") {
                found.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
        for pattern in ["todo!", "unimplemented!", ".unwrap()"] {
            if !source.path.starts_with("tests/") {
                found.extend(source.uses(pattern));
            }
        }
    }
    assert!(found.is_empty(), "do it, or say in the README that it is a limit\n{}", found.join("\n"));
}

#[test]
fn every_kind_says_what_it_is() {
    // A kind implements the trait, or is a descriptor of one that two kinds share.
    let is_shared = |source: &Source| source.text.contains("\npub struct Managed");
    let is_kind = |source: &Source| {
        let marks = ["\nimpl Resource for ", ": ManagedRole = ", ": ManagedPolicy = "];
        marks.iter().any(|mark| source.text.contains(mark)) && !is_shared(source)
    };
    let kinds: Vec<Source> = sources("src/resource").into_iter().filter(is_kind).collect();
    assert_eq!(kinds.len(), KINDS.len(), "a kind is one file");
    for source in kinds {
        let head: String = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        for said in ["Identity: ", "estroy"] {
            assert!(head.contains(said), "{}: the head does not say `{said}`", source.path);
        }
    }
}

#[test]
fn the_table_of_kinds_is_in_the_order_of_kinds() {
    let table: Vec<Kind> = KINDS.iter().map(|resource| resource.kind()).collect();
    assert_eq!(table, Kind::ALL);
    let listed = read("ARCHITECTURE.md");
    for kind in Kind::ALL {
        assert!(listed.contains(&format!("`{}`", kind.as_str())), "ARCHITECTURE.md does not name {}", kind.as_str());
    }
}

#[test]
fn no_file_is_too_long() {
    for (path, _) in LONG {
        assert!(root().join(path).exists(), "{path} is gone: take it off the list");
    }
    for source in program().iter().chain(&sources("tests")) {
        let lines = source.code.last().map_or(0, |(number, _)| *number);
        let known = LONG.iter().any(|(path, _)| *path == source.path);
        assert!(lines <= LONGEST || known, "{} has {lines} lines: cut it, or list it with the reason", source.path);
    }
}

#[test]
fn no_test_file_is_forgotten() {
    let main = read("tests/it/main.rs");
    for path in files("tests/it").iter().filter(|path| is_rust(path)) {
        let below = path.strip_prefix("tests/it/").unwrap();
        let (module, rest) = below.split_once('/').unwrap_or((below, ""));
        let module = module.strip_suffix(".rs").unwrap_or(module);
        let top = rest.is_empty() || rest == "mod.rs";
        assert!(module == "main" || !top || main.contains(&format!("mod {module};")), "{path} is not in main.rs");
    }
}

#[test]
fn nothing_refers_to_the_machine_it_was_written_on() {
    let places = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat(), ["/tmp/", "bash"].concat()];
    for path in files("") {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (at, line) in text.lines().enumerate() {
            let found = places.iter().find(|place| line.contains(place.as_str()));
            assert!(found.is_none(), "{path}:{}: {line}", at + 1);
        }
    }
}

#[test]
fn the_map_has_every_module() {
    let map = read("ARCHITECTURE.md");
    let shown: BTreeSet<String> = program()
        .iter()
        .filter_map(|source| {
            let (_, below) = source.path.split_once("src/")?;
            let mut parts = below.split('/');
            let first = parts.next()?;
            Some(if parts.next().is_some() { format!("{first}/") } else { first.to_owned() })
        })
        .collect();
    for module in shown {
        assert!(map.contains(&module), "ARCHITECTURE.md's map lacks {module}");
    }
}
