//! `--target` and `--exclude`: a part of a plan is applied, and nothing else is touched; the next apply does the rest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::left_out::{ALL, config, dangling};
use super::{BASE, PLAN, deployed};
use crate::support::account::{APPLY, Lab};
use crate::support::configs::edit;
use crate::support::dice::Dice;
use crate::support::ended::Ended;
use crate::support::picture::{Tables, difference, picture, records};

/// Everything that random changes may need to be allowed.
const ALLOW: [&str; 7] = [
    "--allow-replace",
    "domain.studio",
    "--allow-replace",
    "security_group.domain",
    "--allow-profile-delete",
    "ben",
    "--stop-apps",
];

fn json(ended: &Ended) -> Json {
    serde_json::from_str(&ended.data).unwrap_or_else(|error| panic!("{error}: {}", ended.data))
}

fn texts(json: &Json) -> BTreeSet<String> {
    json.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The records that say by their tag which address they are, by that address.
fn by_address(tables: &Tables) -> BTreeMap<String, Vec<Json>> {
    let mut found: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for (_, _, record) in records(tables) {
        let text = record.to_string();
        let Some((_, rest)) = text.split_once("\"studio-deploy:address\":\"") else { continue };
        let mut record = record.clone();
        // What is attached to a role is a matter of the policy.
        record.as_object_mut().unwrap().remove("attached");
        found.entry(rest.split('"').next().unwrap().to_owned()).or_default().push(record);
    }
    found
}

/// Applies a random part of a random change, judges the account, applies the rest, and judges it again. Says how much was
/// left out.
fn part(seed: u64) -> Option<(usize, usize)> {
    let mut dice = Dice::new(seed);
    let (from, to) = (config(&mut dice), config(&mut dice));
    // Nobody moves a bucket that is there to another key.
    if from.contains("kmsKeyArn") != to.contains("kmsKeyArn") {
        return None;
    }
    let account = |text: Option<&str>| {
        let lab = Lab::new();
        lab.run(&["plan"], ALL).expect(0);
        if let Some(text) = text {
            lab.run(APPLY, text).expect(0);
        }
        lab
    };
    let from = (dice.roll(4) > 0).then_some(from.as_str());
    let whole = [APPLY, &ALLOW, &["--confirm", "acme/dev/ml/studio"]].concat();
    let lab = account(from);
    let plan = json(&lab.run(&[&["plan", "--format", "json"][..], &ALLOW].concat(), &to).expect(0));
    let addresses: Vec<&str> =
        plan["changes"].as_array().unwrap().iter().map(|step| step["address"].as_str().unwrap()).collect();
    if addresses.is_empty() {
        return None;
    }
    let flag = dice.one(&["--target", "--exclude"]);
    let globs: Vec<&str> = (0..=dice.roll(2)).map(|_| dice.one(&addresses)).collect();
    let selection: Vec<&str> = globs.iter().flat_map(|glob| [flag, *glob]).collect();
    let before = lab.tables();
    let line = [&whole[..], &selection, &["--format", "json"]].concat();
    let ended = lab.run(&line, &to);
    let told = format!("seed {seed}: {selection:?}\n{from:?}\n{to}\n{}\n{}", ended.data, ended.notes);
    assert_eq!(ended.code, 0, "{told}");
    let report = json(&ended);
    let omitted = texts(&report["omitted"]);
    let done: BTreeSet<String> =
        report["steps"].as_array().unwrap().iter().map(|step| step["address"].as_str().unwrap().to_owned()).collect();
    for glob in &globs {
        assert!(flag == "--target" || !done.contains(*glob), "{glob} was excluded\n{told}");
    }
    // Of these nothing is ever left out because of what is not selected; a parameter is, while what it tells is not so.
    let free = ["domain", "user_profile", "lifecycle_config", "security_group"];
    for step in plan["changes"].as_array().unwrap().iter().filter(|_| flag == "--target") {
        let is_free = free.contains(&step["kind"].as_str().unwrap()) && step["action"] != "delete";
        // A user who is added, or gets another role, waits for the bucket and the key that let the role in; and these stay as
        // they are as long as a user who is not selected needs what they would no longer let in.
        let changes = step["changes"].as_array();
        let gets_role =
            changes.is_some_and(|changes| changes.iter().any(|c| c["path"] == "UserSettings.ExecutionRole"));
        let waits = (step["action"] == "create" || gets_role)
            && ["bucket.sharing", "kms_key.efs"].iter().any(|of| omitted.contains(*of));
        let is_free = is_free && !waits;
        let address = step["address"].as_str().unwrap();
        assert!(!is_free || !globs.contains(&address) || done.contains(address), "{address} was selected\n{told}");
    }
    let after = lab.tables();
    assert_eq!(dangling(&after), Vec::<String>::new(), "{told}");
    // What was left out, and not in part only, is as it was.
    let (was, is) = (by_address(&before), by_address(&after));
    for address in omitted.difference(&done) {
        assert_eq!(was.get(address), is.get(address), "{address} was left out\n{told}");
    }
    if done.is_empty() {
        assert_eq!(picture(&before), picture(&after), "{told}");
    }
    // A later plan shows all that was left out, and nothing that was done as a whole.
    let later = json(&lab.run(&[&["plan", "--format", "json"][..], &ALLOW].concat(), &to).expect(0));
    let left: BTreeSet<String> =
        later["changes"].as_array().unwrap().iter().map(|step| step["address"].as_str().unwrap().to_owned()).collect();
    let missing: Vec<_> = omitted.difference(&left).collect();
    assert!(missing.is_empty(), "{missing:?} is not left to be done\n{told}");
    let again: Vec<_> = left.difference(&omitted).filter(|address| done.contains(*address)).collect();
    assert!(again.is_empty(), "{again:?} was done\n{told}");
    let rest = lab.run(&whole, &to);
    assert_eq!(rest.code, 0, "{told}\n{}\n{}", rest.data, rest.notes);
    assert_eq!(lab.run(PLAN, &to).code, 0, "{told}");
    let other = account(from);
    other.run(&whole, &to).expect(0);
    let differs = difference(&picture(&lab.tables()), &picture(&other.tables()));
    assert!(differs.is_empty(), "in two parts - or at once +:\n{differs}\n{told}");
    Some((done.len(), omitted.len()))
}

#[expect(clippy::print_stdout, reason = "it says how many cases it tried")]
fn judge(seeds: std::ops::Range<u64>) {
    let ends: Vec<(usize, usize)> = seeds.filter_map(part).collect();
    let both = ends.iter().filter(|(done, omitted)| *done > 0 && *omitted > 0).count();
    println!("{} parts of changes applied, {both} of them with a part left out", ends.len());
    assert!(both * 2 > ends.len(), "{ends:?}");
}

#[test]
fn a_part_of_a_change_is_applied_and_the_rest_later() {
    judge(0..16);
}

#[test]
#[ignore = "takes some minutes; `just selection` runs it"]
fn any_part_of_any_change_is_applied_and_the_rest_later() {
    judge(16..400);
}

#[test]
fn a_target_brings_what_it_waits_for_and_nothing_else() {
    let lab = Lab::new();
    let ended = lab.run(&[APPLY, &["--target", "security_group.*"]].concat(), BASE).expect(0);
    ended.assert_says("PARTIAL: ");
    ended.assert_says("1 created");
    assert!(!lab.tables().contains_key("studio/domain"));
    let ended = lab.run(&[APPLY, &["--target", "domain.studio"]].concat(), BASE).expect(0);
    ended.assert_says(" left out");
    assert!(lab.tables()["studio/domain"].len() == 1 && !lab.tables().contains_key("studio/user-profile"));
    let ended = lab.run(&[APPLY, &["--exclude", "user_profile.ann"]].concat(), BASE).expect(0);
    ended.assert_says("user_profile.ann");
    assert_eq!(lab.tables()["studio/user-profile"].len(), 1);
    lab.run(&["drift"], BASE).assert_says("the config has changed");
    lab.run(APPLY, BASE).expect(0);
    lab.run(PLAN, BASE).expect(0);
    // What is blocked elsewhere keeps nobody from the rest.
    let changed = edit(&edit(BASE, "    ben: {userRole: {name: users}}\n", ""), "echo one", "echo two");
    lab.run(APPLY, &changed).expect(5);
    lab.run(&[APPLY, &["--target", "lifecycle_config.*", "--target", "domain.studio"]].concat(), &changed).expect(0);
    lab.run(&[APPLY, &["--target", "user_profile.ben"]].concat(), &changed).expect(5);
    let rest = lab.run(&["plan", "--format", "json"], &changed).expect(0);
    let rest = json(&rest)["changes"].as_array().unwrap().clone();
    let rest: Vec<&str> = rest.iter().map(|step| step["address"].as_str().unwrap()).collect();
    assert_eq!(rest[..2], ["parameter./acme/ml/studio/studiolifecycleconfig/jupyterlab/arn", "user_profile.ben"]);
    // The old script stays as long as the parameter tells of it.
    assert!(rest.len() == 3 && rest[2].starts_with("lifecycle_config.jupyterLab@"), "{rest:?}");
}

#[test]
fn a_saved_part_is_applied_as_that() {
    let lab = deployed();
    let path = lab.path("plan.json");
    let saved = path.to_str().unwrap();
    let changed = edit(&edit(BASE, "team: science", "team: art"), "echo one", "echo two");
    lab.run(&["plan", "--out", saved, "--target", "parameter.*"], &changed).expect(0);
    lab.run(&["apply", "--plan", saved, "--target", "domain.*"], &changed).expect(64);
    let ended = lab.run(&["apply", "--plan", saved], &changed).expect(0);
    ended.assert_says("PARTIAL: ");
    // Another config is another plan, although the part is the same.
    lab.run(&["plan", "--out", saved, "--target", "domain.studio"], &changed).expect(0);
    let other = edit(&changed, "    ben: {userRole: {name: users}}\n", "");
    assert!(lab.run(&["apply", "--plan", saved], &other).expect(7).writes().is_empty());
    lab.run(APPLY, &changed).expect(0);
    lab.run(PLAN, &changed).expect(0);
}

#[test]
fn a_typo_selects_nothing() {
    let lab = deployed();
    let changed = edit(BASE, "team: science", "team: art");
    for flag in ["--target", "--exclude"] {
        let ended = lab.run(&[APPLY, &[flag, "user_profil.ann"]].concat(), &changed).expect(64);
        assert!(ended.writes().is_empty());
        ended.assert_says("did you mean `user_profile.ann`");
        lab.run(&[APPLY, &[flag, "domain.studio", "--skip-blocked"]].concat(), &changed).expect(64);
    }
}
