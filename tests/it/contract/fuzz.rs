//! Whatever a file says, it becomes a config or diagnostics, never a panic.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRng, TestRunner};
use studio_deploy::config;
use studio_deploy::config::document::{Document, InputFile};
use studio_deploy::config::mdaa::Mdaa;
use studio_deploy::config::security_gate::findings;
use studio_deploy::config::template::Context;

use super::repository;

/// Pieces that files are made of, and pieces that break readers.
const PIECES: [&str; 40] = [
    "{{",
    "}}",
    "{{context:a}}",
    "{{context:{{env}}}}",
    "{{env_var:A}}",
    "{{resolve:ssm:/x}}",
    "{{ssm-org:/a}}",
    "ssm:/x",
    "ssm:arn:aws:ssm:us-east-1:1:parameter/x",
    "generated-role-id: X",
    "./",
    "../",
    "&a ",
    "*a",
    "!include a",
    "!!int ",
    "<<: *a",
    "- ",
    ": ",
    "\n",
    "\n  ",
    "\t",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "|",
    ">",
    "#",
    "0x1F",
    "1e400",
    "-9223372036854775809",
    "null",
    "~",
    "true",
    "é😀",
    "\u{0}",
    "---\n",
];

fn seeds() -> Vec<String> {
    let mut seeds: Vec<String> = ["minimal", "sso", "comprehensive"]
        .iter()
        .map(|name| std::fs::read_to_string(repository(&format!("samples/{name}.yaml"))).unwrap())
        .collect();
    for name in ["security-group-rules", "data-admin-roles", "user-profiles", "several-assets"] {
        seeds.push(std::fs::read_to_string(repository(&format!("tests/fixtures/golden/{name}.yaml"))).unwrap());
    }
    for name in ["mdaa.yaml", "studio/base.yaml"] {
        seeds.push(std::fs::read_to_string(repository(&format!("samples/mdaa/{name}"))).unwrap());
    }
    seeds
}

/// A change of a text: where, how far, and what instead.
#[derive(Clone, Debug)]
enum Edit {
    Insert(prop::sample::Index, usize),
    Delete(prop::sample::Index, usize),
    Repeat(prop::sample::Index, prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), 0..PIECES.len()).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        3 => (at(), 1..40_usize).prop_map(|(at, length)| Edit::Delete(at, length)),
        2 => (at(), at()).prop_map(|(from, to)| Edit::Repeat(from, to)),
        2 => (at(), at()).prop_map(|(one, other)| Edit::Swap(one, other)),
    ]
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for edit in edits {
        if text.is_empty() {
            break;
        }
        match edit {
            Edit::Insert(at, piece) => {
                let at = at.index(text.len());
                text.splice(at..at, PIECES[*piece].chars());
            }
            Edit::Delete(at, length) => {
                let at = at.index(text.len());
                let end = (at + length).min(text.len());
                text.drain(at..end);
            }
            Edit::Repeat(from, to) => {
                // A line somewhere else too: keys twice, and settings where they do not belong.
                let all: String = text.iter().collect();
                let mut lines: Vec<&str> = all.lines().collect();
                if !lines.is_empty() {
                    let line = lines[from.index(lines.len())];
                    lines.insert(to.index(lines.len()), line);
                }
                text = lines.join("\n").chars().collect();
            }
            Edit::Swap(one, other) => {
                let (one, other) = (one.index(text.len()), other.index(text.len()));
                text.swap(one, other);
            }
        }
    }
    text.into_iter().collect()
}

fn context() -> Context {
    Context {
        org: "acme".into(),
        env: "dev".into(),
        domain: "ml".into(),
        module_name: "studio".into(),
        account: Some("111122223333".into()),
        region: Some("us-east-1".into()),
        partition: Some("aws".into()),
        values: BTreeMap::from([
            ("a".into(), serde_json::json!(["x", {"b": 1}])),
            ("dev".into(), serde_json::json!("{{context:a}}")),
        ]),
        environment: BTreeMap::from([("A".into(), "[\"x\"]".into())]),
        ..Context::default()
    }
}

/// The whole line from text to config, with everything that is said about it.
fn walk(text: &str) {
    let file = InputFile { name: "a.yaml".into(), text: text.into() };
    let texts = BTreeMap::from([(file.name.clone(), file.text.clone())]);
    let rendered = |mistakes: &config::diagnostic::Diagnostics| assert!(!mistakes.render(&texts, false).is_empty());
    match Document::parse(std::slice::from_ref(&file), &|_| Err("there are no files".into())) {
        Err(mistakes) => rendered(&mistakes),
        Ok(document) => {
            if let Err(mistakes) = document.deployment_block() {
                rendered(&mistakes);
            }
            let _ = config::filled_in(&document, &context());
            for parameters in [None, Some(&BTreeMap::new())] {
                match config::resolve(&document, &context(), parameters) {
                    Err(mistakes) => rendered(&mistakes),
                    Ok(resolved) => drop(findings(&resolved.config, "acme-dev-ml-studio")),
                }
            }
        }
    }
    if let Err(mistakes) = Mdaa::parse(&file, &BTreeMap::new()) {
        rendered(&mistakes);
    }
}

proptest! {
    #![proptest_config(Config { cases: 1500, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..Config::default() })]

    #[test]
    fn edited_samples_never_panic(seed in any::<prop::sample::Index>(), edits in prop::collection::vec(edit(), 1..8)) {
        let seeds = seeds();
        walk(&edited(&seeds[seed.index(seeds.len())], &edits));
    }
}

#[test]
fn pieces_alone_never_panic() {
    for one in PIECES {
        for other in PIECES {
            walk(&format!("domain:\n  vpcId: {one}{other}\n  {other}: {one}\n"));
            walk(&format!("{one}{other}"));
        }
    }
}

#[test]
#[ignore = "runs for ten minutes"]
fn ten_minutes_without_a_panic() {
    let seeds = seeds();
    let strategy = (any::<prop::sample::Index>(), prop::collection::vec(edit(), 1..30));
    let end = Instant::now() + Duration::from_mins(10);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &[11; 32]),
    );
    let mut cases = 0_u64;
    while Instant::now() < end {
        let (seed, edits) = strategy.new_tree(&mut runner).unwrap().current();
        walk(&edited(&seeds[seed.index(seeds.len())], &edits));
        cases += 1;
    }
    assert!(cases > 1000, "{cases} cases only");
}
