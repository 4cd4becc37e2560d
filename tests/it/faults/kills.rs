//! The process is killed at a call: the next one finishes the job, and finds by itself that the lock's holder is dead.

use std::time::Instant;

use studio_sandbox::Call;

use super::{Tried, base, heal_all};
use crate::support::account::IDENTITY;
use crate::support::configs::{Story, stories};
use crate::support::ended::Ended;
use crate::support::picture::{self, Picture, Tables, difference, picture};
use crate::support::program::Desk;

/// A desk at which a story is told.
struct Stage {
    desk: Desk,
    story: Vec<&'static str>,
}

impl Stage {
    fn new(story: &Story, base: &Tables) -> Self {
        let stage = Self { desk: Desk::with(&story.to), story: story.command.clone() };
        if !base.is_empty() {
            let put = stage.desk.sandbox().with_world(|world| {
                picture::records(base).for_each(|(table, key, record)| world.put(table, key, record));
            });
            put.unwrap();
        }
        stage.desk.assets();
        stage
    }

    fn tables(&self) -> Tables {
        picture::tables(&self.desk.sandbox())
    }

    /// Runs the program, which a fault may kill.
    fn run(&self, fault: Option<&str>) -> (Option<u8>, Ended) {
        let faults = fault.map(|fault| ["--sandbox-fault", fault]);
        let line = [&self.story[..], &["studio.yaml"], faults.as_ref().map_or(&[], |faults| &faults[..])].concat();
        let output = self.desk.logged(&line, &IDENTITY).output().unwrap();
        let [data, notes] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        let code = output.status.code().and_then(|code| u8::try_from(code).ok());
        (code, Ended { code: code.unwrap_or_default(), data, notes, calls: self.desk.calls() })
    }
}

/// A story's undisturbed run by the program itself.
struct Clean {
    base: Tables,
    calls: Vec<Call>,
    picture: Picture,
}

impl Clean {
    fn of(story: &Story) -> Self {
        let base = base(story);
        let stage = Stage::new(story, &base);
        let ended = stage.run(None).1.expect(0);
        Self { calls: ended.calls, picture: picture(&stage.tables()), base }
    }
}

/// Kills the program at call number `call`, and runs it again; why that did not heal, if it did not.
fn kill_and_heal(story: &Story, clean: &Clean, call: usize, when: &str) -> Result<Tried, String> {
    let meant = &clean.calls[call - 1];
    let said = |what: String| Err(format!("{}: killed {when} {} (call {call}): {what}", story.name, meant.operation));
    let stage = Stage::new(story, &clean.base);
    let (killed, ended) = stage.run(Some(&format!("crash-{when}={call}")));
    // The call at which it dies is not in the log any more, and nothing comes after it.
    if killed.is_some() || ended.calls.len() != call - 1 {
        return said(format!("it ended with {killed:?} after {} calls", ended.calls.len()));
    }
    let held = picture(&stage.tables()).iter().any(|line| line.contains("/lock: ") && line.contains("\"held\""));
    let (code, again) = stage.run(None);
    let notes = again.said();
    if code != Some(0) {
        return said(format!("running again ended with {code:?}\n{notes}"));
    }
    let wrote = again.calls.iter().any(|call| call.writes);
    if held && wrote && !again.notes_show("left the lock behind") {
        return said(format!("nobody noticed the dead holder of the lock\n{notes}"));
    }
    let mut seen = picture(&stage.tables());
    if !wrote {
        seen.iter_mut()
            .filter(|line| line.contains("/lock: "))
            .for_each(|line| *line = line.replace("\"held\"", "\"free\""));
    }
    let difference = difference(&clean.picture, &seen);
    if difference.is_empty() { Ok(Tried::Healed) } else { said(format!("the account differs\n{difference}\n{notes}")) }
}

#[expect(clippy::print_stdout, reason = "how many were tried is what the run is for")]
fn try_all(story: &Story, clean: &Clean, kills: &[(usize, &str)]) {
    let began = Instant::now();
    heal_all(story.name, kills, |(call, when)| kill_and_heal(story, clean, *call, when));
    println!("{}: {} kills healed in {:.0?}", story.name, kills.len(), began.elapsed());
}

/// Every call of a clean run, before and after it took effect.
fn every_kill(clean: &Clean) -> Vec<(usize, &'static str)> {
    (1..=clean.calls.len()).flat_map(|call| [(call, "before"), (call, "after")]).collect()
}

#[test]
fn the_minimal_sample_survives_a_kill_at_every_write() {
    let story = &stories()[0];
    let clean = Clean::of(story);
    // A read changes nothing: a kill before it leaves what a kill after the call before it left. After every write, and
    // before every third; of the reads every fifth.
    let (mut writes, mut kills) = (0, every_kill(&clean));
    kills.retain(|(call, when)| {
        let is_write = clean.calls[call - 1].writes;
        writes += usize::from(is_write && *when == "before");
        *call == 1 || if is_write { *when == "after" || writes % 3 == 0 } else { *when == "after" && call % 5 == 0 }
    });
    try_all(story, &clean, &kills);
}

#[test]
#[ignore = "the whole matrix; run by just faults"]
fn every_story_survives_a_kill_at_every_call() {
    let mut tried = 0;
    for story in stories() {
        let clean = Clean::of(&story);
        let kills = every_kill(&clean);
        try_all(&story, &clean, &kills);
        tried += kills.len();
    }
    println!("{tried} kills were tried, and all healed");
}
