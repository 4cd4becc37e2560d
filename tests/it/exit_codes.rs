//! Every exit code of every command, produced on purpose: what it writes in AWS, and what it says; or the reason why that
//! command cannot end so.
//!
//! `docs/exit-codes.md` is this table, and stale when a pair has changed. What changes something is told by the account's
//! own list of calls, the lock's parameter aside.

mod promises;

use std::collections::{BTreeMap, BTreeSet};

use studio_deploy::cli::args;
use studio_deploy::failure::Exit;

use crate::support::account::{APPLY, DESTROY, IDENTITY, Lab};
use crate::support::behind::domain_id;
use crate::support::configs::NAMED as CONFIG;
use crate::support::ended::Ended;
use crate::support::picture::Tables;

/// The codes, in the order of the README's table.
const CODES: [Exit; 15] = [
    Exit::Success,
    Exit::Failed,
    Exit::Differences,
    Exit::InvalidConfig,
    Exit::Access,
    Exit::Blocked,
    Exit::Locked,
    Exit::Stale,
    Exit::Partial,
    Exit::Declined,
    Exit::Usage,
    Exit::Bug,
    Exit::Hangup,
    Exit::Interrupted,
    Exit::Terminated,
];

/// A way for a command to come to a code.
#[derive(Clone, Default)]
struct Case {
    /// The command line; `FILE` is the config, `FOLDER/` the test's folder.
    line: Vec<&'static str>,
    /// What stands before it in the config and after it.
    edit: Option<(&'static str, &'static str)>,
    /// Whether the config was applied before, as it was.
    applied: bool,
    /// What goes wrong.
    faults: &'static str,
    /// What else is done first.
    first: Option<fn(&Lab, &str)>,
    /// What is said, on either stream.
    says: &'static str,
}

impl Case {
    fn says(mut self, text: &'static str) -> Self {
        self.says = text;
        self
    }

    fn applied(mut self) -> Self {
        self.applied = true;
        self
    }

    fn with(mut self, from: &'static str, to: &'static str) -> Self {
        self.edit = Some((from, to));
        self
    }

    fn under(mut self, faults: &'static str) -> Self {
        self.faults = faults;
        self
    }

    fn after(mut self, first: fn(&Lab, &str)) -> Self {
        self.first = Some(first);
        self
    }
}

type Pair = Result<Case, &'static str>;

fn run(line: &[&'static str]) -> Case {
    Case { line: line.to_vec(), ..Case::default() }
}

/// A line on which each command does what it is for.
fn usual(command: &str) -> Vec<&'static str> {
    match command {
        "init" => vec!["init", "--out", "FOLDER/new.yaml"],
        "validate" => vec!["validate", "FILE", "--print-resolved"],
        "plan" => vec!["plan", "FILE"],
        "diff" => vec!["diff", "FILE"],
        "apply" => vec!["apply", "FILE", "--auto-approve"],
        "destroy" => vec!["destroy", "FILE", "--auto-approve", "--confirm", "acme/dev/ml/studio"],
        "drift" => vec!["drift", "FILE"],
        "list" => vec!["list", "FILE"],
        "url" => vec!["url", "FILE", "--user", "ann"],
        "output" => vec!["output", "FILE"],
        "graph" => vec!["graph", "FILE"],
        "permissions" => vec!["permissions", "FILE"],
        "unlock" => vec!["unlock", "FILE", "--yes"],
        "cleanup" => vec!["cleanup", "FILE", "--yes", "--domain-id", "d-gone"],
        "sandbox serve" => vec!["sandbox", "serve", "--sandbox=FOLDER/state.json"],
        "sandbox reset" => vec!["sandbox", "reset", "--sandbox=FOLDER/state.json"],
        "sandbox seed" => vec!["sandbox", "seed", "FILE", "--sandbox=FOLDER/state.json"],
        "schema" => vec!["schema"],
        "explain" => vec!["explain", "SD1003"],
        "completions" => vec!["completions", "bash"],
        "man" => vec!["man", "--out", "FOLDER/pages"],
        other => panic!("what is {other} for?"),
    }
}

/// Commands that only look at AWS.
const LOOKS: [&str; 6] = ["plan", "diff", "drift", "url", "output", "graph"];
/// Commands that change something in AWS.
const CHANGES: [&str; 3] = ["apply", "destroy", "cleanup"];
/// Commands that read no config.
const ALONE: [&str; 7] = ["init", "schema", "explain", "completions", "man", "sandbox serve", "sandbox reset"];

fn is_sandbox(command: &str) -> bool {
    command.starts_with("sandbox ")
}

fn calls_aws(command: &str) -> bool {
    LOOKS.contains(&command) || CHANGES.contains(&command) || command == "unlock"
}

/// The way for the command to come to the code, or why it never does.
fn pair(command: &str, code: Exit) -> Pair {
    let usual = Case { line: usual(command), ..Case::default() };
    match code {
        Exit::Success => match command {
            "sandbox serve" => Err("it serves until a signal, which ends it with 0"),
            "url" | "output" | "drift" | "diff" => Ok(usual.applied()),
            "destroy" => Ok(usual.applied().says("Destroy complete")),
            "apply" => Ok(usual.says("Apply complete")),
            "cleanup" => Ok(usual.says("left nothing behind")),
            "sandbox reset" => Ok(usual.says("is empty")),
            _ => Ok(usual),
        },
        Exit::Failed => match command {
            "init" => Ok(run(&["init", "--out", "FOLDER/studio.yaml"]).says("exists already")),
            "man" => Ok(run(&["man", "--out", "FILE/pages"]).says("SD7001")),
            "sandbox serve" => Ok(run(&["sandbox", "serve", "--sandbox=FILE"]).says("is not a sandbox")),
            "sandbox reset" => Ok(run(&["sandbox", "reset", "--sandbox=FILE"]).says("is not a sandbox")),
            "sandbox seed" => Ok(run(&["sandbox", "seed", "FILE", "--sandbox=FILE"]).says("is not a sandbox")),
            "drift" => Ok(usual.applied().under("throttle=1-9999").says("SD3007")),
            _ if calls_aws(command) => Ok(usual.under("throttle=1-9999").says("SD3007")),
            _ => Ok(usual.after(|lab, _| lab.full_disk(true)).says("SD7001")),
        },
        Exit::Differences => match command {
            "plan" => Ok(run(&["plan", "FILE", "--detailed-exitcode"])),
            "diff" => Ok(usual.says("domain.studio")),
            "drift" => Ok(usual.applied().after(|lab, _| lab.forget("ssm/parameter", "/domain/vpc-id"))),
            _ => Err("nobody asks it for differences"),
        },
        Exit::InvalidConfig => match command {
            _ if ALONE.contains(&command) => Err("it reads no config"),
            "apply" => Ok(run(&["apply", "FILE", "--plan", "FOLDER/none.json"]).says("none.json")),
            "graph" => Ok(run(&["graph", "--plan", "FOLDER/none.json"]).says("none.json")),
            "url" | "output" | "unlock" | "cleanup" | "list" | "sandbox seed" | "destroy" => {
                Ok(usual.with("deployment: {", "deployment: [").says("studio.yaml"))
            }
            _ => Ok(usual.with("authMode: IAM", "authMode: IMA").says("SD1006")),
        },
        Exit::Access => match command {
            _ if ALONE.contains(&command) => Err("it asks for no account"),
            _ if calls_aws(command) => Ok(usual.under("deny=sts:GetCallerIdentity").says("SD3002")),
            _ => Ok(usual.with("org: acme", "org: other").says("SD3003")),
        },
        Exit::Blocked => match command {
            "apply" => Ok(usual.applied().with("    ben: {userRole: {name: users}}\n", "").says("SD4001")),
            "destroy" => Ok(usual.applied().with("  tags:", "  protect: true\n  tags:").says("SD4001")),
            "cleanup" => Ok(run(&["cleanup", "FILE", "--yes", "--domain-id", "DOMAIN"]).applied().says("SD4001")),
            "plan" | "diff" | "drift" | "graph" => Err("it shows what is blocked, and changes nothing"),
            _ => Err("it plans no change"),
        },
        Exit::Locked => match command {
            "apply" => Ok(usual.applied().with("science", "art").after(hold).says("SD5001")),
            "destroy" => Ok(usual.applied().after(hold).says("SD5001")),
            _ => Err("it takes no lock"),
        },
        Exit::Stale => match command {
            "apply" => Ok(run(&["apply", "FILE", "--plan", "FOLDER/plan.json"]).after(save_stale).says("SD4002")),
            "graph" => Ok(run(&["graph", "--plan", "FOLDER/plan.json"]).after(save_cut).says("SD4002")),
            "destroy" => {
                Err("it takes no saved plan; it ends so when the account moves while it asks, which is not tried here")
            }
            _ => Err("it takes no saved plan"),
        },
        Exit::Partial => match command {
            "apply" => Ok(usual.under("fail=CreateDomain:out of capacity").says("again to continue")),
            "destroy" => Ok(usual.applied().under("deny=iam:DeleteRole").says("again to continue")),
            "cleanup" => {
                let line = run(&["cleanup", "FILE", "--yes", "--domain-id", "DOMAIN"]).applied();
                Ok(line.after(destroy).under("deny=ec2:DeleteSecurityGroup").says("again to continue"))
            }
            _ => Err("it changes nothing in AWS that could be left half done"),
        },
        Exit::Declined => match command {
            "apply" => Ok(run(&["apply", "FILE"]).says("--auto-approve")),
            "destroy" => Ok(run(&["destroy", "FILE"]).applied().says("--confirm acme/dev/ml/studio")),
            "cleanup" => Ok(run(&["cleanup", "FILE", "--domain-id", "DOMAIN"]).applied().after(destroy).says("--yes")),
            _ => Err("it asks nothing"),
        },
        Exit::Usage => {
            let mut case = usual;
            case.line.push("--bogus");
            Ok(case.says("--bogus"))
        }
        Exit::Bug => Err("only a bug of studio-deploy leads there"),
        Exit::Hangup | Exit::Interrupted | Exit::Terminated if is_sandbox(command) => {
            Err("it works on a file: the system ends it, and a server ends with 0")
        }
        Exit::Hangup => Ok(usual.applied().after(|lab, _| lab.stop(Exit::Hangup)).says("stopped by HUP")),
        Exit::Interrupted => Ok(usual.applied().after(|lab, _| lab.stop(Exit::Interrupted)).says("stopped by INT")),
        Exit::Terminated => Ok(usual.applied().after(|lab, _| lab.stop(Exit::Terminated)).says("stopped by TERM")),
    }
}

/// Leaves the lock held by a process of which nobody knows whether it lives.
fn hold(lab: &Lab, _: &str) {
    lab.set_faults_once("deny=ssm:PutParameter@3".parse().unwrap());
    let left = lab.run(APPLY, &CONFIG.replace("science", "craft"));
    assert!(left.notes_show("could not be given back"), "{}", left.notes);
    lab.holders_are_unknown(true);
}

fn save_stale(lab: &Lab, config: &str) {
    let path = lab.path("plan.json");
    lab.run(&["plan", "--out", path.to_str().unwrap()], CONFIG).expect(0);
    lab.run(APPLY, config).expect(0);
}

fn save_cut(lab: &Lab, config: &str) {
    let path = lab.path("plan.json");
    lab.run(&["plan", "--out", path.to_str().unwrap()], config).expect(0);
    let text = std::fs::read_to_string(&path).unwrap().replace("vpc-1", "vpc-2");
    std::fs::write(path, text).unwrap();
}

fn destroy(lab: &Lab, config: &str) {
    lab.run(DESTROY, config).expect(0);
}

/// Produces the case, and judges its end. Says how many calls changed something.
fn produce(command: &str, code: Exit, case: &Case, base: &Tables) -> Result<usize, String> {
    let lab = if case.applied { Lab::like(base) } else { Lab::new() };
    let config = match case.edit {
        Some((from, to)) => crate::support::configs::edit(CONFIG, from, to),
        None => CONFIG.to_owned(),
    };
    let domain = if case.applied { domain_id(&lab) } else { String::new() };
    if let Some(first) = case.first {
        first(&lab, &config);
    }
    let file = lab.config(&config);
    let folder = lab.path("");
    let fill = |word: &&str| {
        let word = word.replace("FILE", &file).replace("FOLDER/", folder.to_str().unwrap());
        word.replace("DOMAIN", &domain)
    };
    let line: Vec<String> = case.line.iter().map(fill).collect();
    if !case.faults.is_empty() {
        lab.set_faults_once(case.faults.parse().unwrap());
    }
    let place: &[&str] = if ALONE.contains(&command) { &[] } else { &IDENTITY };
    let ended = lab.command_as(&line.iter().map(String::as_str).collect::<Vec<_>>(), place);
    let told = format!("{command}, {}: {line:?}\n{}\n{}", code.code(), ended.data, ended.notes);
    if ended.code != code.code() {
        return Err(format!("it ended with {}: {told}", ended.code));
    }
    if !ended.said().contains(case.says) {
        return Err(format!("`{}` is not in {told}", case.says));
    }
    // What went wrong is said where a person sees it, whatever the data is.
    if code.is_failure() && code != Exit::Partial && ended.notes.is_empty() {
        return Err(format!("nothing is said: {told}"));
    }
    Ok(changes(&ended))
}

/// The calls that changed something: those that write and were not refused, the lock's aside.
fn changes(ended: &Ended) -> usize {
    ended.writes().iter().filter(|call| call.status < 300 || call.status >= 500).count()
}

/// The commands that there are, with those of the sandbox.
fn commands() -> Vec<String> {
    let mut names = Vec::new();
    for command in args::command().get_subcommands() {
        let inner: Vec<String> =
            command.get_subcommands().map(|inner| format!("{} {}", command.get_name(), inner.get_name())).collect();
        names.extend(if inner.is_empty() { vec![command.get_name().to_owned()] } else { inner });
    }
    names
}

/// The README's table: whether a code may come with a change.
fn promised() -> BTreeMap<u8, String> {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n## Exit codes\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let mut promised = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for code in cells[0].split(", ").filter_map(|code| code.parse().ok()) {
            promised.insert(code, cells[2].to_owned());
        }
    }
    promised
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever writes the page anew says so by a variable")]
fn every_command_ends_with_every_code_that_it_can_end_with() {
    let lab = Lab::new();
    lab.run(APPLY, CONFIG).expect(0);
    let base = lab.tables();
    let promised = promised();
    let (mut produced, mut reasons, mut wrote) = (0, 0, 0);
    let mut rows = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    let mut why: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for command in commands() {
        let mut cells = vec![format!("`{command}`")];
        for code in CODES {
            let cell = match pair(&command, code) {
                Ok(case) => {
                    let changes = produce(&command, code, &case, &base).unwrap_or_else(|why| {
                        wrong.push(why);
                        usize::from(code == Exit::Partial)
                    });
                    produced += 1;
                    wrote += usize::from(changes > 0);
                    assert!(changes == 0 || promised[&code.code()] != "none", "{command}, {}: {changes}", code.code());
                    assert!(changes > 0 || code != Exit::Partial, "{command} ends with 8 and wrote nothing");
                    if changes > 0 { "changes" } else { "yes" }
                }
                Err(reason) => {
                    reasons += 1;
                    why.entry(reason).or_default().insert(format!("{} {}", command, code.code()));
                    ""
                }
            };
            cells.push(cell.into());
        }
        rows.push(format!("| {} |", cells.join(" | ")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    println!("{} pairs: {produced} produced, {wrote} of them with a change; {reasons} cannot be", produced + reasons);
    let codes: BTreeSet<u8> = CODES.iter().map(|code| code.code()).collect();
    assert_eq!(promised.keys().copied().collect::<BTreeSet<u8>>(), codes, "the README has the codes");
    let numbers: Vec<String> = CODES.iter().map(|code| code.code().to_string()).collect();
    let whys: Vec<String> = why
        .iter()
        .map(|(reason, pairs)| format!("- {reason}: {}", pairs.iter().cloned().collect::<Vec<_>>().join(", ")))
        .collect();
    let page = format!(
        "# Which command ends with which code\n\nWritten by `tests/it/exit_codes.rs` (`just exit-codes`), which produces each. `changes`: a call changed something in AWS in \
         the way that\nthe test takes there; `yes`: none did. What stands empty cannot be, for a reason that is below.\n\n\
         | Command | {} |\n|{}\n{}\n\n## Why not\n\n{}\n",
        numbers.join(" | "),
        "---|".repeat(CODES.len() + 1),
        rows.join("\n"),
        whys.join("\n"),
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/exit-codes.md");
    if std::env::var_os("UPDATE_EXIT_CODES").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page, "stale: `just exit-codes` writes it anew");
}
