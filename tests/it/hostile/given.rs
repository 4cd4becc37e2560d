//! Text that is given on this side: a config, which in a pull request is anybody's, the names of files, arguments, the
//! environment, and what the SDK traces.

use std::fs;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value as Json, json};
use studio_deploy::cli::args;
use studio_sandbox::HOSTILE_TEXT as TEXT;

use super::judge::{Form, REPORTS, judge};
use crate::faults::{Tried, heal_all};
use crate::support::account::{IDENTITY, Lab};
use crate::support::configs::{COMPREHENSIVE, EVERYTHING, MINIMAL};
use crate::support::program::Desk;

/// Commands that read a config, each with the form of its data.
const READERS: [(&[&str], Form); 8] = [
    (&["validate"], Form::Human),
    (&["validate", "--print-resolved"], Form::Human),
    (&["validate", "--format", "json"], Form::Json),
    (&["plan", "--color", "always"], Form::Colored),
    (&["plan", "--report"], Form::Human),
    (&["graph", "--format", "mermaid"], Form::Mermaid),
    (&["graph", "--format", "dot"], Form::Dot),
    (&["list"], Form::Human),
];

/// The places of all leaves of a document, as JSON pointers.
fn leaves(value: &Json, place: &str, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            members.iter().for_each(|(name, value)| leaves(value, &format!("{place}/{}", escaped(name)), found));
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| leaves(value, &format!("{place}/{at}"), found));
        }
        _ => found.push(place.to_owned()),
    }
}

/// A config whose text at a place is hostile, or whose key is.
fn spoilt(config: &Json, place: &str, key: bool) -> String {
    let mut config = config.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    let above = config.pointer_mut(parent).unwrap();
    match above {
        Json::Object(members) if key => {
            let name = name.replace("~1", "/").replace("~0", "~");
            let value = members.remove(&name).unwrap();
            members.insert(format!("{name}{TEXT}"), value);
        }
        _ => {
            let leaf = config.pointer_mut(place).unwrap();
            *leaf = json!(format!("{}{TEXT}", leaf.as_str().unwrap_or("x")));
        }
    }
    // YAML takes no control character that is not escaped.
    let ascii = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    config.to_string().chars().map(ascii).collect::<String>().replace('\u{7f}', "\\u007f")
}

/// Runs a command on a config; why what it writes is not as it should be.
fn read(command: &[&str], form: Form, config: &str) -> Result<Tried, String> {
    let lab = Lab::new();
    let mut line: Vec<String> = command.iter().filter(|word| **word != "--report").map(ToString::to_string).collect();
    let reports = if command.contains(&"--report") { &REPORTS[..] } else { &[] };
    let path = |name: &str| lab.path(name).display().to_string();
    line.extend(reports.iter().map(|(_, name)| format!("--report={name}={}", path(name))));
    let ended = lab.run(&line.iter().map(String::as_str).collect::<Vec<_>>(), config);
    let notes = if form == Form::Colored { Form::Colored } else { Form::Human };
    let mut wrong: Vec<String> = judge(form, &ended.data).into_iter().chain(judge(notes, &ended.notes)).collect();
    wrong.extend(
        reports.iter().filter_map(|(form, name)| judge(*form, &fs::read_to_string(lab.path(name)).unwrap_or_default())),
    );
    if wrong.is_empty() { Ok(Tried::Healed) } else { Err(format!("{command:?}\n{}\n{config}", wrong.join("\n"))) }
}

/// Tries every `step`-th text and key of a config; how many.
fn try_config(name: &str, config: &str, step: usize) -> usize {
    let resolved = Lab::new().run(&["validate", "--print-resolved", "--format", "json"], config);
    let resolved: Json = serde_json::from_str(&resolved.data).unwrap();
    let resolved = &resolved["deployments"][0]["resolved"];
    let mut places = Vec::new();
    leaves(resolved, "", &mut places);
    let cases = places.iter().flat_map(|place| [false, true].map(|key| (place, key)));
    let cases = cases.flat_map(|(place, key)| READERS.iter().map(move |reader| (place, key, reader)));
    let cases: Vec<_> = cases.step_by(step).collect();
    heal_all(name, &cases, |(place, key, (command, form))| read(command, *form, &spoilt(resolved, place, *key)))
}

/// Tries a part of all that a config may hold, and what is not even YAML.
fn try_configs(step: usize) {
    let began = Instant::now();
    let mut tried = try_config("everything", EVERYTHING, step) + try_config("comprehensive", COMPREHENSIVE, step * 5);
    let broken = [
        format!("# {TEXT}{MINIMAL}"),
        format!("{MINIMAL}{TEXT}"),
        format!("domain: \"{TEXT}\""),
        format!("{TEXT}: x"),
        format!("domain: {{{TEXT}"),
        format!("{MINIMAL}\n  unknown\u{200b}: \u{202e}x"),
        "domain: \"\\e[31m\\u202e\\n::error::x\\N##[group]\"".into(),
        "\"x\\e[31m\\n::error::\": {\"\\u009b\": [\"\\b\"]}".into(),
    ];
    let broken: Vec<_> = broken.iter().flat_map(|text| READERS.iter().map(move |reader| (text, reader))).collect();
    tried += heal_all("broken", &broken, |(text, (command, form))| read(command, *form, text));
    say(&format!("{tried} configs × commands, in {:.0?}", began.elapsed()));
}

#[expect(clippy::print_stdout, reason = "the count of what was tried is what this is run for")]
fn say(line: &str) {
    println!("{line}");
}

/// The program, which asks no metadata service for credentials.
fn offline(desk: &Desk, line: &[&str]) -> Command {
    let mut command = desk.command(line);
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// Runs a command; why what it wrote is not as it should be.
fn watch(what: &str, command: &mut Command) -> Result<Tried, String> {
    let output = command.output().unwrap();
    let [data, notes] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let wrong: Vec<String> = [data, notes].iter().filter_map(|text| judge(Form::Human, text)).collect();
    if wrong.is_empty() { Ok(Tried::Healed) } else { Err(format!("{what}\n{}", wrong.join("\n"))) }
}

/// Every value of every option and argument, each as its command's line.
fn lines() -> Vec<Vec<String>> {
    let command = args::command();
    let value = format!("x{TEXT}");
    let line = |words: &[&str], arg: &clap::Arg| {
        let long = arg.get_long().map(|long| format!("--{long}={value}"));
        let mut line: Vec<String> = words.iter().map(ToString::to_string).collect();
        line.push(long.unwrap_or_else(|| value.clone()));
        line
    };
    let takes_value = |arg: &&clap::Arg| arg.get_action().takes_values();
    let mut lines: Vec<_> = command.get_arguments().filter(takes_value).map(|arg| line(&["plan"], arg)).collect();
    let below = |words: &[&str], command: &clap::Command| {
        command.get_arguments().filter(takes_value).map(|arg| line(words, arg)).collect::<Vec<_>>()
    };
    for subcommand in command.get_subcommands() {
        let name = subcommand.get_name();
        lines.extend(below(&[name], subcommand));
        lines.push(vec![name.into(), format!("--{value}")]);
        for inner in subcommand.get_subcommands().filter(|inner| inner.get_name() != "serve") {
            lines.extend(below(&[name, inner.get_name()], inner));
        }
    }
    lines.push(vec![value]);
    lines
}

#[test]
fn no_text_of_a_config_steers() {
    try_configs(11);
}

#[test]
#[ignore = "the whole matrix; run by just hostile"]
fn no_text_of_any_config_ever_steers() {
    try_configs(1);
}

#[test]
fn no_argument_and_no_variable_steers() {
    let lines = lines();
    let run = |line: &Vec<String>| {
        let desk = Desk::with(MINIMAL);
        let words: Vec<&str> = line.iter().map(String::as_str).chain(IDENTITY).collect();
        let mut command = offline(&desk, &words);
        if !line[1..].iter().any(|word| word.starts_with("--sandbox=")) {
            command.arg("--sandbox=F");
        }
        watch(&format!("{line:?}"), &mut command)
    };
    let mut tried = heal_all("arguments", &lines, run);
    let command = args::command();
    let known = command.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned()));
    let known = known.chain(["AWS_PROFILE", "AWS_REGION", "USER", "STUDIO_DEPLOY_REGIO"].map(str::to_owned));
    let variables: Vec<String> = known.chain([format!("STUDIO_DEPLOY_REGION{TEXT}").replace('=', "")]).collect();
    tried += heal_all("variables", &variables, |name| {
        let desk = Desk::with(MINIMAL);
        let mut command = offline(&desk, &["plan"]);
        let of_aws = name.starts_with("AWS_");
        command.args(if of_aws { &[][..] } else { &["--sandbox=F"] }).args(IDENTITY).env(name, TEXT);
        watch(name, &mut command)
    });
    say(&format!("{tried} arguments and variables"));
    assert!(tried > 100);
}

#[test]
fn no_name_of_a_file_and_no_trace_steers() {
    let name: String = TEXT.chars().filter(|c| *c != '/').take(120).collect();
    let desk = Desk::with(MINIMAL);
    let config = |name: &str, text: &str| desk.write(name, text);
    config(&format!("{name}.yaml"), "domain: {unknown: x}");
    config(&format!("{name}.yml"), MINIMAL);
    fs::create_dir(desk.path("tools")).unwrap();
    config(&format!("tools/{name}"), "echo");
    let tools = "  lifecycleConfigs: {jupyterLab: {cmds: [x], assets: {t: {sourcePath: ./tools}}}}\n";
    config("assets.yaml", &format!("{MINIMAL}{tools}"));
    config("profiles", &format!("[profile a{}]\nregion=x\n[profile b]\n{TEXT}\n", TEXT.replace(['\n', '\r', ']'], "")));
    let first = format!("{name}.yaml");
    let second = format!("{name}.yml");
    let missing = format!("{name}x.yaml");
    let log = format!("--log-file={}", desk.path("log").display());
    let sandboxed = ["--sandbox=F", "--sandbox-fault", "hostile=*"];
    let lines: [&[&str]; 12] = [
        &["validate", &first],
        &["validate", &first, "--format", "json"],
        &["plan", &first, "--sandbox=F"],
        &["plan", &second, "--sandbox=F"],
        &["plan", &missing, "--sandbox=F"],
        &["plan", ".", "--sandbox=F"],
        &["plan", "assets.yaml", "--diff", "full", "--sandbox=F"],
        &["plan", "assets.yaml", "--format", "json", "--sandbox=F"],
        &["plan", "--profile", "nobody"],
        &["plan", "--profile", "b"],
        &["plan", "-vv", sandboxed[0], sandboxed[1], sandboxed[2]],
        &["plan", &log, sandboxed[0], sandboxed[1], sandboxed[2]],
    ];
    for line in lines {
        let mut command = offline(&desk, &[line, &IDENTITY].concat());
        command.env("AWS_CONFIG_FILE", desk.path("profiles"));
        let watched = watch(&format!("{line:?}"), &mut command);
        assert!(watched.is_ok(), "{}", watched.err().unwrap_or_default());
    }
    let log = desk.read("log");
    assert!(log.len() > 1000, "nothing was traced");
    assert_eq!(judge(Form::Human, &log), None);
}
