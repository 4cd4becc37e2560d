//! Every command that a message tells to run, pasted: it is understood, and does what it is told for.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::account::{APPLY, Lab};
use crate::support::behind::domain_id;
use crate::support::configs::ONE_USER as CONFIG;
use crate::support::ended::Ended;

/// A name of the config that a shell would take apart.
const FILE: &str = "o'brien's $(reboot) #1.yaml";
/// Options that say where: hints say them again.
const PLACE: [&str; 10] =
    ["--org", "acme", "-d", "ml", "--env=dev", "--module", "studio", "--region", "us-east-1", "--context=a=b c"];

/// An account with a config in that file, and every hint that was pasted there.
struct Clipboard {
    lab: Lab,
    pasted: BTreeSet<String>,
}

impl Clipboard {
    fn new() -> Self {
        let desk = Self { lab: Lab::new(), pasted: BTreeSet::new() };
        desk.write(CONFIG);
        desk
    }

    fn applied() -> Self {
        let desk = Self::new();
        desk.run(APPLY).expect(0);
        desk
    }

    fn write(&self, text: &str) {
        std::fs::write(self.lab.path(FILE), text).unwrap();
    }

    /// Runs a command on the config, with the options in front and behind it.
    fn run(&self, line: &[&str]) -> Ended {
        let config = self.lab.path(FILE);
        self.lab.command_as(&[&line[..1], &[config.to_str().unwrap()], &line[1..]].concat(), &PLACE)
    }

    /// Pastes the hint with this in it, which has to be there, and notes its shape.
    #[track_caller]
    fn paste(&mut self, ended: &Ended, with: &str) -> Ended {
        let all = hints(ended);
        let hint = all.iter().find(|hint| hint.contains(with));
        let hint = hint.unwrap_or_else(|| panic!("no hint has `{with}`: {all:?}\n{}\n{}", ended.data, ended.notes));
        let words = words(hint);
        self.pasted.insert(shape(&words));
        let line: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let after = self.lab.command_as(&line, &[]);
        assert_ne!(after.code, 64, "{hint}\n{}", after.notes);
        after
    }
}

/// Every command of ours between back quotes.
fn hints(ended: &Ended) -> Vec<String> {
    let all = format!("{}\n{}", ended.notes, ended.data);
    let quoted = all.lines().flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    quoted.filter(|text| text.starts_with("studio-deploy ")).collect()
}

/// The words that a shell makes of a line.
#[track_caller]
fn words(line: &str) -> Vec<String> {
    let said = Command::new("bash").args(["-c", &format!("printf '%s\\0' {line}")]).output().unwrap();
    assert!(said.status.success(), "{line}: {}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8(said.stdout).unwrap();
    text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

/// The command with its own options, without values and without what says where.
fn shape(words: &[String]) -> String {
    let place = ["--org", "--domain", "--env", "--module", "--region", "--context"];
    let options = words.iter().skip(1).filter(|word| word.starts_with("--"));
    let options = options.map(|word| word.split('=').next().unwrap_or_default());
    let own: Vec<&str> = options.filter(|word| !place.contains(word)).collect();
    let command: Vec<&str> =
        words.iter().skip(1).take_while(|word| word.chars().all(char::is_lowercase)).map(String::as_str).collect();
    [command, own].concat().join(" ")
}

#[test]
fn what_is_left_to_be_done_is_done_by_the_hint() {
    let mut desk = Clipboard::new();
    desk.lab.set_faults_once("fail=CreateDomain:out of capacity".parse().unwrap());
    let failed = desk.run(APPLY).expect(8);
    desk.paste(&failed, " apply ").expect(0);
    desk.run(&["plan", "--detailed-exitcode"]).expect(0);
    // Of a saved plan, which serves once.
    let path = desk.lab.path("it's a plan.json");
    let path = path.to_str().unwrap();
    desk.write(&CONFIG.replace("  userProfiles", "  tags: {a: b}\n  userProfiles"));
    let saved = desk.run(&["plan", "--out", path]).expect(0);
    desk.lab.set_faults_once("deny=sagemaker:AddTags".parse().unwrap());
    let partly = desk.paste(&saved, "--plan").expect(8);
    let again = desk.paste(&partly, "--out").expect(0);
    desk.paste(&again, "--plan").expect(0);
    desk.run(&["plan", "--detailed-exitcode"]).expect(0);
    let stale = desk.run(&["apply", "--plan", path]).expect(7);
    desk.paste(&stale, "--out").expect(0);
    let unreadable = desk.run(&["apply", "--plan", "no such.json"]).expect(3);
    assert!(hints(&unreadable).iter().any(|hint| hint.contains("--out 'no such.json'")), "{}", unreadable.notes);
}

#[test]
fn whoever_cannot_be_asked_is_told_what_to_say() {
    let mut desk = Clipboard::new();
    let asked = desk.run(&["apply"]).expect(10);
    desk.paste(&asked, "--auto-approve").expect(0);
    let asked = desk.run(&["destroy"]).expect(10);
    let destroyed = desk.paste(&asked, "--confirm").expect(0);
    // What is retained goes by what is said about it.
    let cleanup = desk.paste(&destroyed, "cleanup").expect(10);
    desk.paste(&cleanup, "--yes").expect(0);
    for retained in ["--bucket", "--kms-key"] {
        let asked = desk.paste(&destroyed, retained).expect(10);
        desk.paste(&asked, "--confirm").expect(0);
    }
    let rest = desk.run(&[&["plan", "--destroy", "--format", "json"][..]].concat()).expect(0);
    let rest: serde_json::Value = serde_json::from_str(&rest.data).unwrap();
    assert!(!rest["changes"].to_string().contains("bucket.sharing"), "{rest}");
    let expected: BTreeSet<String> = [
        "apply --auto-approve",
        "destroy --auto-approve --confirm",
        "cleanup --domain-id",
        "cleanup --domain-id --yes",
        "destroy --bucket",
        "destroy --kms-key",
        "destroy --bucket --auto-approve --confirm",
        "destroy --kms-key --auto-approve --confirm",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(desk.pasted, expected);
}

#[test]
fn what_is_missing_is_made_or_shown_by_the_hint() {
    let mut desk = Clipboard::new();
    for looks in [&["output"][..], &["url", "--user", "ann"]] {
        let nothing = desk.run(looks).expect(4);
        desk.paste(&nothing, " apply ").expect(10);
    }
    let nothing = desk.run(&["drift"]).expect(4);
    desk.paste(&nothing, " plan ").expect(0);
    desk.lab.set_faults_once("deny=sagemaker:ListDomains".parse().unwrap());
    let denied = desk.run(&["plan"]).expect(4);
    desk.paste(&denied, "permissions").expect(0);
    desk.run(APPLY).expect(0);
    let config = desk.lab.path(FILE);
    let unknown = desk.lab.command_as(&["output", "no.such", config.to_str().unwrap()], &PLACE).expect(64);
    desk.paste(&unknown, " output ").expect(0);
    let lives = desk.run(&["cleanup", "--domain-id", &domain_id(&desk.lab), "--yes"]).expect(5);
    desk.paste(&lives, " destroy ").expect(10);
    // In an account that has seen nothing yet.
    let mut desk = Clipboard::new();
    let starter = desk.lab.path("my studio.yaml");
    let made = desk.lab.command_as(&["init", "--out", starter.to_str().unwrap()], &[]).expect(0);
    desk.paste(&made, " plan ").expect(0);
}

#[test]
fn a_lock_is_waited_for_or_freed_by_the_hint() {
    let mut desk = Clipboard::applied();
    // The lock cannot be given back, and nobody can tell whether its holder lives.
    desk.write(&CONFIG.replace("  userProfiles", "  tags: {a: b}\n  userProfiles"));
    desk.lab.set_faults_once("deny=ssm:PutParameter@3".parse().unwrap());
    let cut = desk.run(APPLY);
    assert!(cut.notes_show("the lock could not be given back"), "{}", cut.notes);
    assert!(hints(&cut).iter().any(|hint| hint.contains("unlock") && hint.contains("--yes")), "{}", cut.notes);
    desk.lab.holders_are_unknown(true);
    desk.write(&CONFIG.replace("  userProfiles", "  tags: {a: c}\n  userProfiles"));
    let locked = desk.run(APPLY).expect(6);
    let shown = desk.run(&["unlock"]).expect(0);
    desk.paste(&locked, "--lock-timeout").expect(0);
    desk.paste(&shown, "--yes").expect(0);
    desk.paste(&locked, "unlock").expect(0);
}

#[test]
fn an_apply_tells_nobody_to_destroy_everything() {
    let given = "  domainBucket: {domainBucketName: given-bucket, assetDeploymentRole: {name: given-asset-role}}\n";
    let given = CONFIG.replace("  userProfiles", &format!("{given}  userProfiles"));
    let desk = Clipboard::new();
    desk.write(&given);
    // It makes what is given.
    desk.run(&["plan"]).expect(0);
    desk.write(CONFIG);
    desk.run(APPLY).expect(0);
    desk.write(&given);
    let applied = desk.run(APPLY).expect(0);
    assert!(applied.shows("retained bucket.sharing"), "{}", applied.data);
    assert!(!hints(&applied).iter().any(|hint| hint.contains("destroy")), "{:?}", hints(&applied));
}
