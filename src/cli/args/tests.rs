use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::plan::{Options, Retention};
use crate::ui::table::ValueFormat;
use crate::ui::testing::{address, screen};
use crate::ui::{Terminal, Verbosity};

fn words(line: &str) -> Vec<OsString> {
    std::iter::once("studio-deploy").chain(line.split_whitespace()).map(OsString::from).collect()
}

fn good(line: &str) -> Cli {
    let (screen, _, notes) = screen(Terminal::default());
    parse(words(line), &screen).unwrap_or_else(|_| panic!("{line}: {}", notes.text()))
}

/// Exit code and output on both streams of a line that ends at once.
fn ended(line: &str) -> (Exit, String, String) {
    let (screen, data, notes) = screen(Terminal::default());
    (parse(words(line), &screen).expect_err(line), data.text(), notes.text())
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[test]
fn help_and_version_are_data_and_no_failure() {
    for line in ["--help", "-h", "plan --help", "sandbox serve -h", "--version"] {
        let (exit, data, notes) = ended(line);
        assert_eq!((exit, notes.as_str()), (Exit::Success, ""), "{line}");
        assert!(!data.is_empty() && !data.contains('\u{1b}'), "{line}");
    }
    assert_eq!(ended("--version").1, format!("studio-deploy {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_command_stands_in_one_group() {
    let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let mut names: Vec<String> = command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.sort_by_key(|name| grouped.iter().position(|known| known == name));
    assert_eq!(names, grouped);
    let (_, data, _) = ended("-h");
    for line in ["Main:\n  init         Write", "Operate:\n", "Author:\n", "Identity:\n", "  man          Write manual"]
    {
        assert!(data.contains(line), "{line}: {data}");
    }
    assert_eq!(data.matches("Show what apply would do").count(), 1);
}

#[test]
fn every_command_shows_examples_and_headings() {
    for command in command().get_subcommands().filter(|command| command.get_name() != "sandbox") {
        let (_, data, _) = ended(&format!("{} --help", command.get_name()));
        assert!(data.contains("Examples:\n"), "{}", command.get_name());
        for heading in ["Identity:", "AWS:", "Sandbox:", "Run:", "Output:"] {
            assert!(data.contains(heading), "{} lacks {heading}", command.get_name());
        }
        assert!(!data.contains("--sandbox-fault") && !data.contains("[env:"), "{}", command.get_name());
    }
}

#[test]
fn what_cannot_be_understood_ends_with_64_and_changes_nothing_on_standard_output() {
    for line in [
        "",
        "paln",
        "plan --detailed-exitcodes",
        "apply --allow-replace studio",
        "plan --diff some",
        "plan --account 1234",
        "plan --parallelism 0",
        "plan -q -v",
        "url",
        "url --user ann --expires-in 301s",
        "url --user ann --session-duration 29m",
        "destroy --auto-approve",
        "plan --format raw",
        "plan --timeout domain=5m",
        "plan --target [",
        "plan --destroy --target domain.studio",
        "apply --plan p.json --exclude domain.studio",
        "apply --skip-blocked --target domain.studio",
        "plan --out -",
        "apply --plan -",
        "graph --plan -",
        "plan --log-file -",
        "plan --report md=-",
        "schema --kind module",
        "sandbox",
        "completions tcsh",
    ] {
        let (exit, data, notes) = ended(line);
        assert_eq!((exit, data.as_str()), (Exit::Usage, ""), "{line}");
        assert!(!notes.is_empty() && !notes.contains('\u{1b}'), "{line}");
    }
    assert!(ended("plan --format raw").2.contains("use human, json, ndjson"));
}

#[test]
fn json_is_answered_with_json_even_when_the_line_is_wrong() {
    for (line, lines) in [("plan --format json --typo", 1), ("--format=ndjson paln", 3), ("output --format ndjson", 3)]
    {
        let (exit, data, _) = ended(line);
        let told: Vec<serde_json::Value> = data.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((exit, told.len()), (Exit::Usage, lines), "{line}");
        assert_eq!(told[lines / 2]["error"]["exit"].as_u64(), Some(64), "{line}");
    }
}

#[test]
fn global_options_stand_before_or_behind_the_command() {
    for line in [
        "-d ml -e dev -m studio --region us-east-1 plan a.yaml b.yaml",
        "plan a.yaml b.yaml -d ml -e dev -m studio --region us-east-1",
    ] {
        let Cli { global, command: Command::Plan(plan) } = good(line) else { panic!("{line}") };
        let identity = &global.identity;
        assert_eq!(identity.domain.as_deref(), Some("ml"));
        assert_eq!((identity.env.as_deref(), identity.module.as_deref()), (Some("dev"), Some("studio")));
        assert_eq!(global.target.region.as_deref(), Some("us-east-1"));
        assert_eq!(plan.files.config, [Path::new("a.yaml"), Path::new("b.yaml")]);
    }
}

#[test]
fn the_sandbox_takes_a_file_only_behind_an_equals_sign() {
    for (line, file, configs) in [
        ("plan a.yaml", None, 1),
        ("plan --sandbox a.yaml", Some(".studio-deploy/sandbox.json"), 1),
        ("plan --sandbox=s.json a.yaml", Some("s.json"), 1),
        ("--sandbox plan", Some(".studio-deploy/sandbox.json"), 0),
    ] {
        let cli = good(line);
        let Command::Plan(plan) = &cli.command else { panic!("{line}") };
        assert_eq!(cli.global.sandbox.file.as_deref(), file.map(Path::new), "{line}");
        assert_eq!(plan.files.config.len(), configs, "{line}");
    }
    let sandbox = good("apply --sandbox --sandbox-latency 0.5 --sandbox-fault a --sandbox-fault b --sandbox-log l")
        .global
        .sandbox;
    assert_eq!(
        (sandbox.latency, sandbox.faults.len(), sandbox.log.is_some()),
        (LatencyChoice::Realistic(0.5), 2, true)
    );
}

#[test]
fn consent_reaches_the_planner() {
    let line = "apply --adopt --adopt=bucket.sharing --allow-replace domain.studio --allow-profile-delete ann@x.org --stop-apps a.yaml";
    let Command::Apply(apply) = good(line).command else { panic!("{line}") };
    let mut options = Options::default();
    apply.consent.write_to(&mut options);
    assert!(options.adopt && options.stop_apps);
    assert!(options.adopt_addresses.contains(&address("bucket.sharing")));
    assert!(options.allow_replace.contains(&address("domain.studio")));
    assert!(options.allow_profile_delete.contains("ann@x.org"));
    assert_eq!(apply.files.config, [Path::new("a.yaml")]);

    let Command::Apply(named) = good("apply --adopt=bucket.sharing").command else { panic!() };
    let mut options = Options::default();
    named.consent.write_to(&mut options);
    assert!(!options.adopt, "naming one thing takes over nothing else");
}

#[test]
fn what_destroy_does_not_say_the_config_says() {
    let Command::Destroy(destroy) = good("destroy --home-efs delete --bucket retain --drain").command else { panic!() };
    let mut options = Options::default();
    destroy.removal.write_to(&mut options);
    let all = Retention { delete_home_efs: Some(true), delete_bucket: Some(true), delete_kms_key: Some(true) };
    let retention = options.retention.or(all);
    assert_eq!(retention, Retention { delete_bucket: Some(false), ..all });
    assert!(options.drain);
}

#[test]
fn output_tells_a_name_from_a_config() {
    for (line, name, configs) in [
        ("output", None, 0),
        ("output domain.studio.DomainId", Some("domain.studio.DomainId"), 0),
        ("output studio.yaml", None, 1),
        ("output /acme/ml/url a.yaml b.yml", Some("/acme/ml/url"), 2),
        ("output -", None, 1),
    ] {
        let Command::Output(output) = good(line).command else { panic!("{line}") };
        assert_eq!((output.name(), output.files().config.len()), (name, configs), "{line}");
    }
    assert_eq!(good("output --format github").global.output.value_format(), ValueFormat::Github);
    assert_eq!(good("output --format json").global.output.value_format(), ValueFormat::Json);
    assert_eq!(good("output").global.output.value_format(), ValueFormat::Table);
}

#[test]
fn values_are_read() {
    let cli = good(
        "url --user ann --expires-in 300 --session-duration 8h --context a=1 --context b=2,c=3 -vv --timeout domain.create=30m",
    );
    let Command::Url(url) = &cli.command else { panic!() };
    assert_eq!(url.expires_in, Some(Duration::from_mins(5)));
    assert_eq!(url.session_duration, Some(Duration::from_hours(8)));
    assert_eq!(cli.global.identity.context[1], ("b".to_owned(), "2,c=3".to_owned()));
    assert_eq!(cli.global.output.verbosity(), Verbosity::Verbose);
    assert_eq!(cli.global.run.timeouts[0].time, Duration::from_mins(30));
    assert_eq!((cli.global.run.parallelism, cli.global.run.lock_timeout), (10, Duration::ZERO));
}

/// Every command by the words that name it, with all long options that it takes.
fn commands() -> Vec<(Vec<String>, BTreeSet<String>)> {
    fn add(
        words: &[String],
        command: &clap::Command,
        inherited: &BTreeSet<String>,
        all: &mut Vec<(Vec<String>, BTreeSet<String>)>,
    ) {
        let own = command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned);
        let longs: BTreeSet<String> = inherited.iter().cloned().chain(own).collect();
        for subcommand in command.get_subcommands() {
            let words = [words, &[subcommand.get_name().to_owned()]].concat();
            add(&words, subcommand, &longs, all);
        }
        all.push((words.to_vec(), longs));
    }
    let mut all = Vec::new();
    add(&[], &command(), &["help", "version"].map(str::to_owned).into(), &mut all);
    all
}

/// A word with one letter left out, swapped with the next, put in or replaced.
fn typos(word: &str) -> BTreeSet<String> {
    let letters: Vec<char> = word.chars().collect();
    let text = |letters: &[&[char]]| letters.concat().into_iter().collect::<String>();
    let mut typos = BTreeSet::new();
    for at in 0..=letters.len() {
        for letter in ('a'..='z').chain(['-']) {
            typos.insert(text(&[&letters[..at], &[letter], &letters[at..]]));
            if at < letters.len() {
                typos.insert(text(&[&letters[..at], &[letter], &letters[at + 1..]]));
            }
        }
        if at < letters.len() {
            typos.insert(text(&[&letters[..at], &letters[at + 1..]]));
        }
        if at + 1 < letters.len() {
            typos.insert(text(&[&letters[..at], &[letters[at + 1], letters[at]], &letters[at + 2..]]));
        }
    }
    typos.retain(|typo| typo.len() > 1 && !typo.starts_with('-'));
    typos
}

#[test]
fn a_long_option_with_one_dash_is_never_taken_for_something_else() {
    let (mut exact, mut near) = (0, 0);
    let commands = commands();
    for (words, longs) in &commands {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for long in longs {
            for word in [format!("-{long}"), format!("-{long}=x"), format!("\u{2013}{long}")] {
                // Everywhere; with a value and with another dash in one place, since clap never sees them.
                let last = if word.starts_with('-') && !word.contains('=') { words.len() + 1 } else { 0 };
                for at in 0..=last {
                    // In front of the command, between its words, behind a config, and as the value of an option.
                    let mut line = [&words[..], &["a.yaml"]].concat();
                    line.insert(at, &word);
                    for more in ["", " --auto-approve"] {
                        let line = format!("{}{more}", line.join(" "));
                        let (exit, data, notes) = ended(&line);
                        assert_eq!((exit, data.as_str()), (Exit::Usage, ""), "{line}");
                        assert!(notes.contains(&format!("did you mean `--{long}`?")), "{line}: {notes}");
                        exact += 1;
                    }
                }
                assert_eq!(ended(&format!("{} --domain {word}", words.join(" "))).0, Exit::Usage);
            }
        }
    }
    let root = grouped(command());
    let longs: BTreeSet<&String> = commands.iter().flat_map(|(_, longs)| longs).collect();
    for typo in longs.into_iter().flat_map(|long| typos(long)) {
        for word in [format!("-{typo}"), format!("-{typo}=x")] {
            let line = ["studio-deploy", "apply", "a.yaml", &word].map(OsString::from);
            let refusal = dashes::check(&line, &root).expect_err(&word);
            assert!(refusal.contains("did you mean `--"), "{word}: {refusal}");
            near += 1;
        }
    }
    println!("{exact} lines with a long option behind one dash, {near} with one that is misspelt");
}

#[test]
fn short_options_stand_alone() {
    for line in [
        "plan -d ml -e dev -m studio",
        "plan -d=ml -e=dev -m=studio",
        "plan -vd ml -e dev -m studio",
        "-qd ml plan -e dev -m studio",
    ] {
        let names = good(line).global.identity;
        assert_eq!(
            [names.domain, names.env, names.module].map(Option::unwrap),
            ["ml", "dev", "studio"].map(str::to_owned),
            "{line}"
        );
    }
    assert_eq!(good("plan -vv").global.output.verbose, 2);
    assert!(good("plan -q -").global.output.quiet);
    let Command::Plan(plan) = good("plan -- -destroy").command else { panic!() };
    assert_eq!(plan.files.config, [Path::new("-destroy")]);
    for (line, said) in [
        ("plan -dml", "write `-d ml` or `--domain ml`"),
        ("plan -dry-run", "`-dry-run`"),
        ("plan -debug", "write `-d ebug` or `--domain ebug`"),
        ("plan -dev.yaml", "for a file of this name, write `./-dev.yaml`"),
        ("plan -studio.yaml", "for a file of this name, write `./-studio.yaml`"),
        ("plan -env=prod", "did you mean `--env`?"),
        ("plan -xyz", "begin with two dashes"),
        ("apply -destroy", "an option of `plan`, and there is a command `studio-deploy destroy`"),
        ("plan -vq", "cannot be used with"),
    ] {
        let (exit, data, notes) = ended(line);
        assert_eq!((exit, data.as_str()), (Exit::Usage, ""), "{line}");
        assert!(notes.contains(said), "{line}: {notes}");
    }
}

#[test]
fn an_option_counts_once_and_a_list_is_not_cut() {
    for line in [
        "plan -d a -d b",
        "-d a plan -d b",
        "--domain=a plan -d b",
        "--region us-east-1 plan --region eu-west-1",
        "--context a=1 plan --context b=2",
        "sandbox --context a=1 serve --context b=2",
    ] {
        assert_eq!(ended(line).0, Exit::Usage, "{line}");
    }
    assert_eq!(good("plan --context a=1 --context b=2").global.identity.context.len(), 2);
    // A value that reads like a command is none.
    assert_eq!(good("--context a=plan --domain plan plan a.yaml").global.identity.context.len(), 1);
}

#[test]
fn values_that_name_nothing_are_refused() {
    for option in
        ["--org", "--env", "--domain", "--module", "--region", "--profile", "--account", "--sandbox", "--log-file"]
    {
        let line = ["studio-deploy", "plan", &format!("{option}=")].map(OsString::from);
        let (screen, _, notes) = screen(Terminal::default());
        assert_eq!(parse(line, &screen).err(), Some(Exit::Usage), "{option}: {}", notes.text());
    }
    for line in ["plan --domain=a,", "plan --env=,", "plan --domain -destroy"] {
        assert_eq!(ended(line).0, Exit::Usage, "{line}");
    }
    good("plan --domain a,b");
}

#[test]
fn a_variable_that_is_nearly_ours_is_told() {
    let names = |name: &str| misspelt([name.to_owned()].iter()).map(|failure| (failure.exit, failure.help));
    for (name, meant) in [
        ("STUDIO_DEPLOY_DOMIAN", Some("STUDIO_DEPLOY_DOMAIN")),
        ("STUDIO_DEPLOY_ACOUNT", Some("STUDIO_DEPLOY_ACCOUNT")),
        ("STUDIO_DEPLOY_NOLOCK", Some("STUDIO_DEPLOY_NO_LOCK")),
        ("STUDIO_DEPLOY_DOMAIN", None),
        ("STUDIO_DEPLOY_RUNNER_IMAGE", None),
        ("STUDIO_DOMIAN", None),
    ] {
        match (names(name), meant) {
            (Some((exit, help)), Some(meant)) => assert!(exit == Exit::Usage && help.contains(meant), "{name}: {help}"),
            (told, meant) => assert!(told.is_none() && meant.is_none(), "{name}: {told:?}"),
        }
    }
}
