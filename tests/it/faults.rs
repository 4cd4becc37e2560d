//! Fault injection at every call of every story: running again heals it.
//!
//! A clean run of a story (a command on a config, in an account where another config stands already) tells how many
//! calls it makes and what the account looks like afterwards. Then, for every call and every harm, the story is run in a
//! new account where that call comes to harm, and run again: the account must look the same, so that nothing is missing,
//! nothing is there twice, and nothing is left over.

mod kills;

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use studio_sandbox::Call;
use studio_sandbox::Faults;

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::configs::{EVERYTHING, LATER, Story, edit, stories};
use crate::support::picture::{Picture, Tables, difference, picture};

/// Position of the call that comes to harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One of the calls that write, of which nearly every run makes the same number.
    Write(usize),
    /// One of all calls. One poll more or less is all the same, so that a run may be over before the last ones.
    Call(usize),
}

impl Place {
    /// The call itself, with its number.
    fn find(self, calls: &[Call]) -> Option<(usize, &Call)> {
        let mut numbered = calls.iter().enumerate().map(|(at, call)| (at + 1, call));
        match self {
            Self::Write(number) => numbered.filter(|(_, call)| call.writes).nth(number - 1),
            Self::Call(number) => numbered.nth(number - 1),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(number) => write!(f, "w{number}"),
            Self::Call(number) => write!(f, "{number}"),
        }
    }
}

/// Outcome of an attempt that kept the law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The harm was healed by running again.
    Healed,
    /// The run was over before the call that should have come to harm.
    Unreached,
}

/// Harm that comes to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Refused as one call too many.
    Throttled,
    /// Refused with an internal error.
    Refused,
    /// The connection breaks before it does anything.
    LostBefore,
    /// The connection breaks once it is done.
    LostAfter,
    /// Not done, and never answered.
    HungBefore,
    /// Done, and never answered.
    HungAfter,
    /// The network goes away before it, for good: retries do not help.
    CutBefore,
    /// The network goes away once it is done, for good.
    CutAfter,
}

impl Harm {
    const ALL: [Self; 8] = [
        Self::Throttled,
        Self::Refused,
        Self::LostBefore,
        Self::LostAfter,
        Self::HungBefore,
        Self::HungAfter,
        Self::CutBefore,
        Self::CutAfter,
    ];

    fn faults(self, place: Place) -> Faults {
        let name = match self {
            Self::Throttled => "throttle",
            Self::Refused => "error500",
            Self::LostBefore => "lost-before",
            Self::LostAfter => "lost-after",
            Self::HungBefore => "hung-before",
            Self::HungAfter => "hung-after",
            Self::CutBefore => "cut-before",
            Self::CutAfter => "cut-after",
        };
        format!("{name}={place}").parse().unwrap()
    }

    /// Returns `true` if a call that came to this harm reads like `call`.
    fn is_seen_in(self, call: &Call) -> bool {
        match self {
            Self::Throttled => call.status >= 400,
            Self::Refused => call.status == 500,
            _ => call.status == 0,
        }
    }

    /// Returns `true` if the call does what it should all the same.
    const fn takes_effect(self) -> bool {
        matches!(self, Self::LostAfter | Self::CutAfter | Self::HungAfter)
    }
}

/// A story's undisturbed run.
pub struct Clean {
    /// The account before it.
    pub base: Tables,
    /// Its calls.
    pub calls: Vec<Call>,
    /// The account after it.
    pub picture: Picture,
    domains: usize,
}

impl Clean {
    /// Runs the story undisturbed, and makes sure that afterwards nothing is left to do.
    pub fn of(story: &Story) -> Self {
        let base = base(story);
        let lab = Lab::like(&base);
        let ended = lab.run(&story.command, &story.to).expect(0);
        let picture = picture(&lab.tables());
        let again = lab.run(&story.command, &story.to).expect(0);
        assert_eq!(again.writes(), Vec::<&Call>::new(), "{}: a second run writes", story.name);
        let domains = created(&ended.calls, None);
        Self { base, calls: ended.calls, picture, domains }
    }
}

/// The account in which a story begins.
pub fn base(story: &Story) -> Tables {
    let lab = Lab::new();
    if let Some(from) = &story.from {
        // The first command makes what its config refers to; this config refers to what any other does.
        lab.run(PLAN, LATER).expect(2);
        lab.run(APPLY, from).expect(0);
    }
    lab.tables()
}

/// Number of domains that came to be: `lost` is the call whose answer was lost after it had taken effect.
fn created(calls: &[Call], lost: Option<usize>) -> usize {
    let made = calls
        .iter()
        .enumerate()
        .filter(|(at, call)| call.operation == "CreateDomain" && (call.status == 200 || lost == Some(at + 1)));
    made.count()
}

/// Runs the story with the call at `place` coming to harm, and again; why that did not heal, if it did not.
fn harm_and_heal(story: &Story, clean: &Clean, place: Place, harm: Harm) -> Result<Tried, String> {
    let lab = Lab::like(&clean.base);
    lab.set_faults(harm.faults(place));
    let harmed = lab.run(&story.command, &story.to);
    let fired = lab.sandbox.fired();
    let Some((call, hit)) = place.find(&harmed.calls) else {
        return Ok(Tried::Unreached);
    };
    let told = format!("{}: {} {} (call {place}) {harm:?}", story.name, hit.service, hit.operation);
    let said = |what: &str| Err(format!("{told}: {what}"));
    if fired == 0 || !harm.is_seen_in(hit) {
        return said(&format!("the fault did not fire where it was put, but at {hit:?}"));
    }
    lab.set_faults(Faults::default());
    let healed = lab.run(&story.command, &story.to);
    if healed.code != 0 {
        let first = harmed.said();
        return said(&format!("running again ended with {}\n{}\n{first}", healed.code, healed.notes));
    }
    if harmed.code == 0 && !healed.writes().is_empty() {
        let writes: Vec<String> =
            healed.writes().iter().map(|call| format!("{} {}", call.operation, call.resource)).collect();
        return said(&format!("the run said that all is done, and running again did {}", writes.join(", ")));
    }
    let mut seen = picture(&lab.tables());
    if healed.calls.iter().all(|call| !call.writes) {
        // Nothing was left to do but to give the lock back. Whoever wants it next sees that its holder is dead.
        seen.iter_mut()
            .filter(|line| line.contains("/lock: "))
            .for_each(|line| *line = line.replace("\"held\"", "\"free\""));
    }
    let difference = difference(&clean.picture, &seen);
    if !difference.is_empty() {
        return said(&format!("the account differs from that of an undisturbed run\n{difference}\n{}", harmed.notes));
    }
    let domains = created(&harmed.calls, harm.takes_effect().then_some(call)) + created(&healed.calls, None);
    if domains == clean.domains { Ok(Tried::Healed) } else { said(&format!("{domains} domains were made")) }
}

/// Every call of a clean run, each with its place.
fn places(clean: &Clean) -> impl Iterator<Item = (Place, &Call)> {
    let mut writes = 0;
    clean.calls.iter().enumerate().map(move |(at, call)| {
        writes += usize::from(call.writes);
        (if call.writes { Place::Write(writes) } else { Place::Call(at + 1) }, call)
    })
}

/// Every call of a clean run with every harm.
fn every_pair(clean: &Clean) -> Vec<(Place, Harm)> {
    places(clean).flat_map(|(place, _)| Harm::ALL.map(|harm| (place, harm))).collect()
}

/// The pairs that differ most: a write that took effect without anybody knowing, with the network back and gone, and one
/// more harm; every fourth read with one, but no poll that asks what was just asked.
fn distinct_pairs(clean: &Clean) -> Vec<(Place, Harm)> {
    const BEFORE: [Harm; 6] =
        [Harm::Throttled, Harm::HungBefore, Harm::Refused, Harm::LostBefore, Harm::HungAfter, Harm::CutBefore];
    let mut pairs = Vec::new();
    let mut asked: Vec<&Call> = Vec::new();
    let (mut reads, mut writes) = (0, 0);
    for (place, call) in places(clean) {
        if call.writes {
            asked.clear();
            writes += 1;
            pairs.extend([Harm::LostAfter, Harm::CutAfter, BEFORE[writes % BEFORE.len()]].map(|harm| (place, harm)));
        } else if !asked.iter().any(|other| other.operation == call.operation && other.input == call.input) {
            asked.push(call);
            reads += 1;
            if reads % 4 == 0 {
                pairs.push((place, BEFORE[reads / 4 % BEFORE.len()]));
            }
        }
    }
    pairs
}

/// Tries all pairs, on every core; how many there were to heal.
fn try_all(story: &Story, clean: &Clean, pairs: &[(Place, Harm)]) -> usize {
    let began = Instant::now();
    let healed = heal_all(story.name, pairs, |(place, harm)| harm_and_heal(story, clean, *place, *harm));
    assert!(healed * 20 >= pairs.len() * 17, "{}: only {healed} of {} calls were made", story.name, pairs.len());
    #[expect(clippy::print_stdout, reason = "the count of what was tried is what this is run for")]
    {
        println!("{}: {healed} pairs of a call and a fault healed in {:.0?}", story.name, began.elapsed());
    }
    healed
}

/// Runs `attempt` on all of `items` and says of all failures at once; how many healed.
pub fn heal_all<T: Sync>(name: &str, items: &[T], attempt: impl Fn(&T) -> Result<Tried, String> + Sync) -> usize {
    let (next, healed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match attempt(item) {
                        Ok(Tried::Healed) => drop(healed.fetch_add(1, Ordering::Relaxed)),
                        Ok(Tried::Unreached) => {}
                        Err(failure) => failures.lock().unwrap().push(failure),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{name}: {} of {} did not heal\n\n{}",
        failures.len(),
        items.len(),
        failures.join("\n\n")
    );
    healed.into_inner()
}

#[test]
fn the_minimal_sample_heals_every_second_harm() {
    let story = &stories()[0];
    let clean = Clean::of(story);
    let pairs: Vec<_> = distinct_pairs(&clean).into_iter().step_by(2).collect();
    try_all(story, &clean, &pairs);
}

#[test]
fn every_story_heals_a_sample_of_harm() {
    for (at, story) in stories().iter().enumerate().skip(1) {
        let clean = Clean::of(story);
        // Each story begins at another place, so that together they meet everything.
        let pairs: Vec<_> = distinct_pairs(&clean).into_iter().skip(at).step_by(26).collect();
        try_all(story, &clean, &pairs);
    }
}

/// Harms the calls of an upload in parts, each in every `step`-th way; how many healed.
fn harm_an_upload(step: usize) -> usize {
    let large = edit(EVERYTHING, "./testing_asset_dir", "./large_asset_dir");
    let story = Story { name: "a large asset", from: Some(EVERYTHING.into()), command: APPLY.to_vec(), to: large };
    let clean = Clean::of(&story);
    let calls: Vec<_> = places(&clean)
        .filter(|(_, call)| call.operation.contains("Multipart") || call.operation == "UploadPart")
        .collect();
    assert_eq!(calls.len(), 4);
    let pairs = calls.iter().flat_map(|(place, _)| Harm::ALL.map(|harm| (*place, harm)));
    // The last ways are those of calls that took effect.
    let pairs: Vec<_> = pairs.skip(step - 1).step_by(step).collect();
    try_all(&story, &clean, &pairs)
}

#[test]
fn an_upload_in_parts_heals_a_sample_of_harm() {
    harm_an_upload(3);
}

#[test]
#[ignore = "the whole matrix; run by just faults"]
fn every_story_heals_whatever_call_comes_to_harm() {
    let mut tried = harm_an_upload(1);
    for story in stories() {
        let clean = Clean::of(&story);
        let pairs = every_pair(&clean);
        tried += try_all(&story, &clean, &pairs);
    }
    println!("{tried} pairs of a call and a fault were tried, and all healed");
}
