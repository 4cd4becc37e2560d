//! No text from outside steers a terminal, a CI runner or a renderer: every text of every answer, every error, every text
//! of a config, every argument, through every command and format.
//!
//! A clean run tells where answers have texts. Then the text at each place is hostile ([`TEXT`]), and everything that the
//! command writes, to both streams and to every file of `--report`, is looked at: no control character but our line ends,
//! no character that is not seen, no line that begins a workflow command, none that somebody else wrote, and every format
//! still in its own form.

mod given;
mod judge;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use studio_sandbox::HOSTILE_TEXT as TEXT;

use crate::faults::{Tried, heal_all};
use crate::support::account::{APPLY, DESTROY, Lab};
use crate::support::behind::start_app;
use crate::support::configs::{EVERYTHING, LATER, MINIMAL};
use crate::support::picture::Tables;
use judge::{Form, REPORTS, judge};

/// A command in an account, and the form of what it writes to standard output.
struct Scene {
    name: String,
    base: Tables,
    command: Vec<String>,
    form: Form,
    config: &'static str,
    /// What goes wrong besides.
    fault: String,
}

/// Commands that change nothing, each with the form of its data.
const LOOKS: [(&[&str], Form); 22] = [
    (&["plan", "--report", "--out"], Form::Human),
    (&["plan", "--diff", "full", "--color", "always"], Form::Colored),
    (&["plan", "--format", "json"], Form::Json),
    (&["plan", "--format", "ndjson"], Form::Lines),
    (&["plan", "--destroy", "--report"], Form::Human),
    (&["diff"], Form::Human),
    (&["diff", "--format", "json"], Form::Json),
    (&["drift", "--report"], Form::Human),
    (&["drift", "--format", "json"], Form::Json),
    (&["output"], Form::Human),
    (&["output", "--format", "json"], Form::Json),
    (&["output", "--format", "raw"], Form::Human),
    (&["output", "--format", "env"], Form::Shell),
    (&["output", "--format", "github"], Form::Human),
    (&["graph"], Form::Human),
    (&["graph", "--format", "dot"], Form::Dot),
    (&["graph", "--format", "mermaid"], Form::Mermaid),
    (&["graph", "--format", "json"], Form::Json),
    (&["unlock"], Form::Human),
    (&["unlock", "--format", "json"], Form::Json),
    (&["url", "--user", "ann"], Form::Human),
    (&["url", "--user", "ann", "--format", "json"], Form::Json),
];

impl Scene {
    fn new(name: &str, base: &Tables, command: &[&str], form: Form, config: &'static str) -> Self {
        let name = format!("{name}: {}", command.join(" "));
        let command = command.iter().map(ToString::to_string).collect();
        Self { name, base: base.clone(), command, form, config, fault: String::new() }
    }

    fn with(self, fault: &str) -> Self {
        Self { name: format!("{} with {fault}", self.name), fault: format!(",{fault}"), ..self }
    }

    /// Runs it with a fault; why what it wrote is not as it should be.
    fn attempt(&self, fault: &str) -> Result<Lab, String> {
        let lab = Lab::like(&self.base);
        lab.set_faults_once(format!("{fault}{}", self.fault).parse().unwrap());
        let (mut command, mut files) = (Vec::new(), Vec::new());
        for word in &self.command {
            command.push(word.clone());
            if word == "--out" {
                let path = lab.path("plan.json");
                command.push(path.display().to_string());
                files.push((Form::Json, path));
            }
            if word == "--report" {
                command.pop();
                for (form, name) in REPORTS {
                    let path = lab.path(name);
                    command.extend(["--report".to_owned(), format!("{name}={}", path.display())]);
                    files.push((form, path));
                }
            }
        }
        let ended = lab.run(&command.iter().map(String::as_str).collect::<Vec<_>>(), self.config);
        let notes = if self.form == Form::Colored { Form::Colored } else { Form::Human };
        let mut wrong: Vec<String> = judge(self.form, &ended.data).into_iter().collect();
        wrong.extend(judge(notes, &ended.notes));
        for (form, path) in files {
            wrong.extend(judge(form, &std::fs::read_to_string(path).unwrap_or_default()));
        }
        let told = || format!("{}, {fault}: ended with {}\n{}", self.name, ended.code, wrong.join("\n"));
        if wrong.is_empty() { Ok(lab) } else { Err(told()) }
    }

    /// Every text that it meets, each error of each of its calls, and all of them at once.
    fn faults(&self) -> Vec<String> {
        let lab = self.attempt("hostile=none").unwrap();
        let places = lab.sandbox.texts().into_iter().filter(|place| !place.contains(','));
        let mut faults: Vec<String> = places.map(|place| format!("hostile={place}")).collect();
        let operations: BTreeSet<(String, String)> =
            lab.sandbox.calls().into_iter().map(|call| (call.service, call.operation)).collect();
        faults.extend(
            operations
                .into_iter()
                .map(|(service, operation)| format!("hostile={operation}.Message,deny={service}:{operation}")),
        );
        faults.push("hostile=*".into());
        faults
    }
}

/// The account after `config` was applied.
fn applied(config: &str) -> Lab {
    let lab = Lab::new();
    lab.run(APPLY, config).expect(0);
    lab
}

fn scenes() -> Vec<Scene> {
    let lab = applied(EVERYTHING);
    let domain = lab.tables()["studio/domain"].keys().next().unwrap().clone();
    start_app(&lab, "ann");
    let base = lab.tables();
    let mut scenes: Vec<Scene> =
        LOOKS.iter().map(|(look, form)| Scene::new("everything", &base, look, *form, EVERYTHING)).collect();
    let lines = ["--report", "--progress", "lines"];
    let delete = ["--drain", "--home-efs", "delete", "--bucket", "delete", "--kms-key", "delete"];
    let empty = Lab::new().tables();
    scenes.extend([
        Scene::new("everything", &base, &[APPLY, &lines].concat(), Form::Human, EVERYTHING),
        Scene::new("everything", &base, &[DESTROY, &lines, &delete].concat(), Form::Human, EVERYTHING),
        Scene::new("everything", &base, &[DESTROY, &["--format", "json"]].concat(), Form::Json, EVERYTHING),
        Scene::new("everything", &base, &[APPLY, &lines].concat(), Form::Human, MINIMAL),
        Scene::new("nothing", &empty, &[APPLY, &lines].concat(), Form::Human, MINIMAL),
        Scene::new("nothing", &empty, &[APPLY, &["--format", "ndjson"]].concat(), Form::Lines, MINIMAL),
        Scene::new("nothing", &empty, &[APPLY, &lines].concat(), Form::Human, MINIMAL)
            .with("fail=CreateDomain:No room"),
    ]);
    let given = Lab::new();
    given.run(&["plan"], LATER).expect(0);
    scenes.push(Scene::new("given", &given.tables(), &["plan", "--report"], Form::Human, LATER));
    // Somebody else's, which the plan tells whose it is.
    let mut foreign = base.clone();
    for record in foreign.values_mut().flat_map(|table| table.values_mut()) {
        let text = record.to_string().replace("acme/dev/ml/studio", "acme/dev/ml/another");
        *record = serde_json::from_str(&text).unwrap();
    }
    scenes.push(Scene::new("foreign", &foreign, &["plan", "--report"], Form::Human, EVERYTHING));
    scenes.push(Scene::new("foreign", &foreign, &[APPLY, &["--adopt", "--report"]].concat(), Form::Human, EVERYTHING));
    // A run that was cut off holds the lock.
    let cut = Lab::new();
    cut.set_faults_once("cut-before=w9".parse().unwrap());
    cut.run(APPLY, MINIMAL).expect(8);
    for (command, form) in [
        (&["unlock"][..], Form::Human),
        (&["unlock", "--format", "json"], Form::Json),
        (&["unlock", "--yes"], Form::Human),
        (&["apply", "--auto-approve", "--report"], Form::Human),
    ] {
        scenes.push(Scene::new("cut off", &cut.tables(), command, form, MINIMAL));
    }
    // What a domain that is gone has left.
    let left = Lab::like(&base);
    left.run(&[DESTROY, &["--drain"]].concat(), EVERYTHING).expect(0);
    for command in [&["cleanup", "--domain-id", &domain][..], &["cleanup", "--yes", "--domain-id", &domain]] {
        scenes.push(Scene::new("left behind", &left.tables(), command, Form::Human, EVERYTHING));
    }
    scenes
}

/// Tries every `step`-th text of every scene; how many there were.
fn try_all(step: usize) -> usize {
    let began = Instant::now();
    let (looked_at, mut texts) = (AtomicUsize::new(0), 0);
    let scenes = scenes();
    for (at, scene) in scenes.iter().enumerate() {
        let faults = scene.faults();
        texts += faults.len();
        // Each scene begins at another place, so that together they meet everything; the last is everything at once.
        let last = faults.len() - 1;
        let some = faults.into_iter().enumerate().filter(|(of, _)| *of % step == at % step || *of == last);
        let some: Vec<String> = some.map(|(_, fault)| fault).collect();
        heal_all(&scene.name, &some, |fault| {
            looked_at.fetch_add(1, Ordering::Relaxed);
            scene.attempt(fault).map(|_| Tried::Healed)
        });
    }
    let tried = looked_at.into_inner();
    #[expect(clippy::print_stdout, reason = "the count of what was tried is what this is run for")]
    {
        let took = began.elapsed();
        println!("{tried} of {texts} texts × {} commands in their formats, in {took:.0?}", scenes.len());
    }
    tried
}

#[test]
fn no_text_of_an_account_steers() {
    assert!(TEXT.contains("\n::error::") && try_all(59) > 60);
}

#[test]
#[ignore = "the whole matrix; run by just hostile"]
fn no_text_of_any_answer_ever_steers() {
    try_all(1);
}
