//! Paths that lead to no file: whatever stands there, and wherever the program is told to open it, it says so and ends.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use std::path::Path;

use super::*;

/// Time after which a command counts as hung. Each is done in a fraction of a second.
const PATIENCE: Duration = Duration::from_mins(1);
/// Memory that a command may take for its data, in kilobytes.
const MEMORY: u32 = 400_000;

/// Makes something at a path that is no file to be read.
type Odd = (&'static str, fn(&Path));

const ODD: [Odd; 12] = [
    ("a pipe", |at| assert!(Command::new("mkfifo").arg(at).status().unwrap().success())),
    ("a link to a pipe", |at| {
        let pipe = at.with_extension("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink(pipe, at).unwrap();
    }),
    ("a socket", |at| drop(UnixListener::bind(at).unwrap())),
    ("zeros without end", |at| symlink("/dev/zero", at).unwrap()),
    ("a terminal's other end", |at| symlink("/dev/ptmx", at).unwrap()),
    ("nothing", |at| symlink("nowhere", at).unwrap()),
    ("itself", |at| symlink(at.file_name().unwrap(), at).unwrap()),
    ("a folder", |at| fs::create_dir(at).unwrap()),
    ("a terabyte", |at| fs::File::create(at).unwrap().set_len(1 << 40).unwrap()),
    ("a gigabyte", |at| fs::File::create(at).unwrap().set_len(1 << 30).unwrap()),
    ("its own memory", |at| symlink("/proc/self/mem", at).unwrap()),
    ("bytes", |at| fs::write(at, [0xff, 0xfe, 0, 1, 2, 0x1b]).unwrap()),
];

/// A place where the program opens a path: what is done there, with `ODD` for the path.
struct Opening {
    name: &'static str,
    args: &'static [&'static str],
    /// A variable of the environment that holds the path.
    variable: Option<&'static str>,
    /// The path, where it is not free to choose.
    path: &'static str,
    /// Whether it is read; else it is written, and a large file is as good as any.
    reads: bool,
}

const fn opening(name: &'static str, args: &'static [&'static str]) -> Opening {
    Opening { name, args, variable: None, path: "odd", reads: true }
}

fn openings() -> Vec<Opening> {
    let of = opening;
    let written = |name, args| Opening { reads: false, ..of(name, args) };
    let at = |path, name, args| Opening { path, ..of(name, args) };
    // Nobody answers there: what is tried is what comes before the first call.
    let real = |variable| Opening {
        variable: Some(variable),
        ..of(variable, &["plan", "own.yaml", "--endpoint-url", "http://127.0.0.1:1", "--region", "us-east-1"])
    };
    vec![
        of("a config", &["validate", "odd"]),
        of("a config to plan", &["plan", "odd", SANDBOX]),
        of("a second config", &["validate", "own.yaml", "odd"]),
        at("studio.yaml", "the config of the folder", &["validate"]),
        of("an include", &["validate", "including.yaml"]),
        of("a module's config", &["validate", "mdaa.yaml"]),
        of("a module's tags", &["validate", "mdaa-tags.yaml"]),
        of("parameters", &["validate", "own.yaml", "--param-file", "odd"]),
        of("the other config", &["diff", "own.yaml", "--against", "odd", SANDBOX]),
        of("a saved plan", &["apply", "own.yaml", "--plan", "odd", SANDBOX]),
        of("a saved plan to draw", &["graph", "--plan", "odd"]),
        of("a sandbox", &["plan", "own.yaml", "--sandbox=odd"]),
        of("a sandbox to reset", &["sandbox", "reset", "--sandbox=odd"]),
        at("F.lock", "a sandbox's lock", &["apply", "own.yaml", "--auto-approve", SANDBOX]),
        of("an asset to check", &["validate", "asset.yaml"]),
        of("an asset to plan", &["plan", "asset.yaml", SANDBOX]),
        at("odd.zip", "an archive", &["plan", "archive.yaml", SANDBOX]),
        at("tools/odd", "a file of an asset to check", &["validate", "tools.yaml"]),
        at("tools/odd", "a file of an asset to plan", &["plan", "tools.yaml", SANDBOX]),
        real("AWS_CONFIG_FILE"),
        real("AWS_SHARED_CREDENTIALS_FILE"),
        real("AWS_WEB_IDENTITY_TOKEN_FILE"),
        written("a log of calls", &["plan", "own.yaml", SANDBOX, "--sandbox-log", "odd"]),
        written("a plan to save", &["plan", "own.yaml", SANDBOX, "--out", "odd"]),
        written("a report", &["plan", "own.yaml", SANDBOX, "--report", "md=odd"]),
        written("events", &["plan", "own.yaml", SANDBOX, "--report", "ndjson=odd"]),
        written("a log", &["plan", "own.yaml", SANDBOX, "--log-file", "odd"]),
        written("a config to begin with", &["init", "--out", "odd"]),
    ]
}

/// A desk with configs that lead to the path `odd`.
fn desk() -> Desk {
    let desk = Desk::new();
    let minimal =
        format!("deployment: {{org: acme, env: dev, domain: ml, module: studio}}\n{}", desk.read("minimal.yaml"));
    let asset = |path: &str| {
        format!("{minimal}  lifecycleConfigs: {{jupyterLab: {{cmds: [a], assets: {{t: {{sourcePath: {path}}}}}}}}}\n")
    };
    let mdaa = |files: &str| {
        format!(
            "organization: acme\ndomains:\n  ml:\n    environments:\n      dev:\n        modules:\n          studio:\n            \
             module_path: \"@aws-mdaa/sm-studio-domain\"\n            {files}\n"
        )
    };
    desk.write("own.yaml", &minimal);
    desk.write("including.yaml", &format!("{minimal}  tags: !include ./odd\n"));
    desk.write("mdaa.yaml", &mdaa("module_configs: [./odd]"));
    desk.write("mdaa-tags.yaml", &mdaa("module_configs: [./own.yaml]\n            tag_configs: [./odd]"));
    desk.write("asset.yaml", &asset("./odd"));
    desk.write("archive.yaml", &asset("./odd.zip"));
    desk.write("tools.yaml", &asset("./tools"));
    fs::create_dir(desk.path("tools")).unwrap();
    desk
}

/// Runs a command with little memory; none when it does not end.
fn bounded(desk: &Desk, opening: &Opening) -> Option<std::process::Output> {
    let mut shell = desk.other("sh");
    let limited = format!("ulimit -d {MEMORY}; exec \"$@\"");
    shell.args(["-c", &limited, "sh", PROGRAM]).args(opening.args);
    shell.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any").env("AWS_MAX_ATTEMPTS", "1");
    shell.envs(opening.variable.map(|name| (name, "odd")));
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let (ends, waits) = mpsc::channel();
    let waiter = thread::spawn(move || ends.send(child.wait_with_output().unwrap()));
    let ended = waits.recv_timeout(PATIENCE).ok();
    if ended.is_none() {
        Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
    }
    drop(waiter.join());
    ended
}

/// Tries every `step`-th thing at every place, each place beginning with another.
fn try_all(step: usize) {
    let began = Instant::now();
    let openings = openings();
    let cases = openings
        .iter()
        .enumerate()
        .flat_map(|(at, opening)| ODD.into_iter().skip(at % step).step_by(step).map(move |odd| (opening, odd)));
    let cases: Vec<(&Opening, Odd)> = cases.collect();
    let tried = crate::faults::heal_all("odd files", &cases, |(opening, (kind, make))| {
        let desk = desk();
        make(&desk.path(opening.path));
        let told = format!("{} is {kind}", opening.name);
        let Some(ended) = bounded(&desk, opening) else { return Err(format!("{told}: it hangs")) };
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        let Some(code) = ended.status.code() else {
            return Err(format!("{told}: it was killed by {:?}\n{said}", ended.status.signal()));
        };
        let name = Path::new(opening.path).file_name().unwrap().to_str().unwrap();
        // A file of an asset may hold anything, and whoever writes to a stream, or over a file, gets it.
        let may_do = !opening.reads
            && !matches!(*kind, "a pipe" | "a link to a pipe" | "a socket" | "nothing" | "itself" | "a folder")
            || opening.path == "tools/odd" && matches!(*kind, "bytes" | "a gigabyte" | "a folder")
            || *kind == "a folder" && (opening.name.contains("an asset") || opening.name == "an archive")
            || opening.path == "F.lock" && matches!(*kind, "bytes" | "a gigabyte" | "a terabyte");
        match code {
            0 if may_do => Ok(crate::faults::Tried::Healed),
            70 | 101 | 0 => Err(format!("{told}: it ended with {code}\n{said}")),
            _ if may_do || said.contains(name) => Ok(crate::faults::Tried::Healed),
            _ => Err(format!("{told}: it does not name it\n{said}")),
        }
    });
    #[expect(clippy::print_stdout, reason = "the count of what was tried is what this is run for")]
    {
        println!(
            "{tried} cases: {} places where a path is opened, {} things that are there, in {:.0?}",
            openings.len(),
            ODD.len(),
            began.elapsed()
        );
    }
}

#[test]
fn whatever_a_path_leads_to_the_program_ends_and_names_it() {
    try_all(4);
}

#[test]
#[ignore = "the whole matrix; run by just files"]
fn everything_that_a_path_leads_to_is_met_everywhere() {
    try_all(1);
}

#[test]
fn a_large_asset_is_planned_in_little_memory() {
    let desk = desk();
    fs::File::create(desk.path("tools/model.bin")).unwrap().set_len(u64::from(MEMORY) * 1024 + 1).unwrap();
    for args in [&["validate", "tools.yaml"][..], &["plan", "tools.yaml", SANDBOX]] {
        let opening = Opening { name: "a large asset", args, variable: None, path: "", reads: true };
        let ended = bounded(&desk, &opening).expect("it ends");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn a_pipe_of_the_shell_is_as_good_as_a_file() {
    let desk = desk();
    let run = |script: &str| end(desk.other("bash").args(["-c", script, "bash", PROGRAM]).env("PATH", "/usr/bin:/bin"));
    for script in [
        "\"$1\" validate <(cat own.yaml)",
        "\"$1\" validate own.yaml <(echo 'domain: {tags: {a: b}}')",
        "cat own.yaml | \"$1\" validate /dev/stdin",
        "cat own.yaml | \"$1\" validate -",
        "\"$1\" validate /dev/stdin < own.yaml",
        "\"$1\" plan own.yaml --sandbox=F --out p.json >&2 && \"$1\" apply own.yaml --sandbox=F --plan <(cat p.json) >&2",
    ] {
        run(script).expect(0);
    }
}

#[test]
fn nothing_is_as_good_as_an_empty_file() {
    let desk = desk();
    let own = |variable: &str| {
        let mut command =
            desk.command(&["plan", "own.yaml", "--endpoint-url", "http://127.0.0.1:1", "--region", "us-east-1"]);
        command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any").env("AWS_MAX_ATTEMPTS", "1");
        end(command.env(variable, "/dev/null"))
    };
    for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        own(variable).notes_have("AWS cannot be reached");
    }
    desk.write("empty.yaml", "");
    for empty in ["empty.yaml", "/dev/null"] {
        desk.raw(&["validate", "own.yaml", empty]).expect(3).notes_have(&format!("{empty} is empty"));
    }
    desk.raw(&["graph", "--plan", "/dev/null"]).expect(7);
}
