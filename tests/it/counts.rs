//! Counts of a plan and of its run, which are the same and in the same words.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::behaviour::left_out;
use crate::support::account::{APPLY, DESTROY, Lab};
use crate::support::configs::{EVERYTHING, LATER, SAMPLES, stories};
use crate::support::dice::Dice;

/// The numbers of a plan, and what the same is called in the report of a run; what is still held was to be destroyed.
const SAME: [(&str, &[&str]); 7] = [
    ("add", &["added"]),
    ("change", &["changed"]),
    ("replace", &["replaced"]),
    ("adopt", &["adopted"]),
    ("destroy", &["destroyed", "held"]),
    ("retained", &["retained"]),
    ("blocked", &["blocked"]),
];

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Plans and does the same, and compares what is counted. Says how many numbers were no zeros.
#[track_caller]
fn compare(lab: &Lab, plan: &[&str], run: &[&str], text: &str) -> usize {
    let planned = json(&lab.run(&[plan, &["--format", "json"]].concat(), text).expect(0).data);
    let done = json(&lab.run(&[run, &["--format", "json"]].concat(), text).expect(0).data);
    let mut seen = 0;
    for (planned_as, done_as) in SAME {
        let number = &planned["summary"][planned_as];
        let sum: u64 = done_as.iter().map(|word| done["counts"][word].as_u64().unwrap()).sum();
        assert_eq!(
            number.as_u64(),
            Some(sum),
            "{run:?}: {planned_as}\n{}\n{}\n{text}",
            planned["summary"],
            done["counts"]
        );
        seen += usize::from(sum > 0);
    }
    assert_eq!(done["retained"].as_object().unwrap().len() as u64, done["counts"]["retained"].as_u64().unwrap());
    seen
}

/// The numbers behind which a word stands in the last line of what people see.
fn numbers(text: &str) -> BTreeMap<String, String> {
    let is_last =
        |line: &&str| ["Plan: ", "Apply complete: ", "Destroy complete: "].iter().any(|word| line.starts_with(word));
    let line = text.lines().rfind(is_last).unwrap().trim_end_matches('.');
    let parts = line.split_once(": ").unwrap().1.split(", ");
    parts.filter_map(|part| part.split_once(' ')).map(|(number, word)| (word.to_owned(), number.to_owned())).collect()
}

const PLAN_DESTROY: &[&str] = &["plan", "--destroy"];

#[test]
fn a_destroy_retains_what_its_plan_retains() {
    for (name, text) in SAMPLES.into_iter().chain([("everything", EVERYTHING)]) {
        let lab = Lab::new();
        lab.run(APPLY, text).expect(0);
        let planned = lab.run(PLAN_DESTROY, text).expect(0).data;
        let done = lab.run(DESTROY, text).expect(0).data;
        let (planned_numbers, done_numbers) = (numbers(&planned), numbers(&done));
        assert_eq!(planned_numbers.get("retained"), done_numbers.get("retained"), "{name}\n{planned}\n{done}");
        assert!(planned_numbers["retained"].parse::<u32>().unwrap() > 3, "{name}: {planned}");
        assert_eq!(planned_numbers["to delete"], done_numbers["deleted"], "{name}\n{planned}\n{done}");
        let retained = |text: &str| {
            let (_, section) = text.split_once("\nRetained   ").unwrap_or_default();
            let section = section.split_once("\n\n").unwrap_or_default().0;
            let is_address =
                |line: &&str| line.split(' ').next().is_some_and(|word| word.ends_with(':') && word.contains('.'));
            section.lines().map(str::trim_start).filter(is_address).count()
        };
        assert_eq!(retained(&planned).to_string(), planned_numbers["retained"], "{planned}");
    }
}

#[test]
fn a_run_counts_what_its_plan_counts() {
    let (mut cases, mut seen) = (0, 0);
    let mut tried = |lab: &Lab, plan: &[&str], run: &[&str], text: &str| {
        seen += compare(lab, plan, run, text);
        cases += 1;
    };
    for story in stories() {
        let lab = Lab::new();
        let (command, own) = story.command.split_first().unwrap();
        let destroys = *command == "destroy";
        if let Some(from) = &story.from {
            lab.run(&["plan"], LATER).expect(0);
            tried(&lab, &["plan"], APPLY, from);
        }
        let own = own.iter().copied().filter(|word| !word.starts_with("--auto"));
        let own: Vec<&str> = if destroys { own.skip(2).collect() } else { own.collect() };
        let plan = [if destroys { PLAN_DESTROY } else { &["plan"] }, &own].concat();
        tried(&lab, &plan, &story.command, &story.to);
        if !destroys {
            tried(&lab, PLAN_DESTROY, DESTROY, &story.to);
        }
    }
    let allow = [
        "--allow-profile-delete",
        "ben",
        "--allow-replace",
        "domain.studio",
        "--allow-replace",
        "security_group.domain",
    ];
    for seed in 0..5 {
        let mut dice = Dice::new(seed);
        let (from, to) = (left_out::config(&mut dice), left_out::config(&mut dice));
        // Nobody moves a bucket that is there to another key.
        if from.contains("kmsKeyArn") != to.contains("kmsKeyArn") {
            continue;
        }
        let lab = Lab::new();
        lab.run(&["plan"], left_out::ALL).expect(0);
        tried(&lab, &["plan"], APPLY, &from);
        let apply = [APPLY, &allow, &["--confirm", "acme/dev/ml/studio"]].concat();
        tried(&lab, &[&["plan"][..], &allow].concat(), &apply, &to);
        tried(&lab, PLAN_DESTROY, DESTROY, &to);
    }
    println!("{cases} runs counted what their plans counted, {seen} of the numbers above zero");
    assert!(cases > 40 && seen > cases, "{cases} {seen}");
}
