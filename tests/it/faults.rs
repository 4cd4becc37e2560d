//! What goes wrong on the way, at every call: running again heals it.
//!
//! A clean run of a story (a command on a config, in an account where another config stands already) tells how many
//! calls it makes and what the account looks like afterwards. Then, for every call and every harm, the story is run in a
//! new account where that call comes to harm, and run again: the account must look the same, so that nothing is missing,
//! nothing is there twice, and nothing is left over.

mod kills;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use studio_deploy::sandbox::faults::Faults;
use studio_deploy::sandbox::front::Call;

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::configs::{LATER, Story, stories};
use crate::support::picture::{Picture, Tables, difference, picture};

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It is refused as one too many.
    Throttled,
    /// It is refused with an internal error.
    Refused,
    /// The connection breaks before it does anything.
    LostBefore,
    /// The connection breaks once it is done.
    LostAfter,
    /// The network goes away before it, for good: retries do not help.
    CutBefore,
    /// The network goes away once it is done, for good.
    CutAfter,
}

impl Harm {
    const ALL: [Self; 6] =
        [Self::Throttled, Self::Refused, Self::LostBefore, Self::LostAfter, Self::CutBefore, Self::CutAfter];

    fn faults(self, call: usize) -> Faults {
        let text = match self {
            Self::Throttled => format!("throttle={call}"),
            Self::Refused => format!("error500={call}"),
            Self::LostBefore => format!("lost-before={call}"),
            Self::LostAfter => format!("lost-after={call}"),
            Self::CutBefore => format!("lost-before={call}-1000000"),
            Self::CutAfter => format!("lost-after={call},lost-before={}-1000000", call + 1),
        };
        text.parse().unwrap()
    }

    /// Whether this is how a call that came to this harm reads.
    fn is_seen_in(self, call: &Call) -> bool {
        match self {
            Self::Throttled => call.status >= 400,
            Self::Refused => call.status == 500,
            _ => call.status == 0,
        }
    }

    /// Whether the call does what it should all the same.
    const fn takes_effect(self) -> bool {
        matches!(self, Self::LostAfter | Self::CutAfter)
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
        // One poll more or less is all the same; the shortest run has only calls that any run makes.
        let others = (0..2).map(|_| Lab::like(&base).run(&story.command, &story.to).expect(0).calls);
        let calls = others.chain([ended.calls]).min_by_key(Vec::len).unwrap();
        Self { base, calls, picture, domains }
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

/// How many domains came to be: `lost` is the call whose answer was lost after it had taken effect.
fn created(calls: &[Call], lost: Option<usize>) -> usize {
    let made = calls
        .iter()
        .enumerate()
        .filter(|(at, call)| call.operation == "CreateDomain" && (call.status == 200 || lost == Some(at + 1)));
    made.count()
}

/// Runs the story with call number `call` coming to harm, and again; why that did not heal, if it did not.
fn harm_and_heal(story: &Story, clean: &Clean, call: usize, harm: Harm) -> Result<(), String> {
    // The SDK hands out its calls in no fixed order, and one poll more or less is all the same: a run that was over
    // before that call tells nothing, and is tried again.
    let mut runs = (0..5).map(|_| {
        let lab = Lab::like(&clean.base);
        lab.set_faults(harm.faults(call));
        let harmed = lab.run(&story.command, &story.to);
        (lab, harmed)
    });
    let Some((lab, harmed)) = runs.find(|(_, harmed)| harmed.calls.len() >= call) else {
        return Err(format!("{}: no run made a call number {call}", story.name));
    };
    let fired = lab.sandbox.fired();
    let hit = harmed.calls.get(call - 1);
    let meant = &clean.calls[call - 1];
    let place = format!("{}: {} {} (call {call}) {harm:?}", story.name, meant.service, meant.operation);
    let said = |what: &str| Err(format!("{place}: {what}"));
    if fired == 0 || hit.is_none_or(|hit| !harm.is_seen_in(hit)) {
        return said(&format!("the fault did not fire where it was put, but at {hit:?}"));
    }
    lab.set_faults(Faults::default());
    let healed = lab.run(&story.command, &story.to);
    if healed.code != 0 {
        let first = format!("{}{}", harmed.data, harmed.notes);
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
    if domains == clean.domains { Ok(()) } else { said(&format!("{domains} domains were made")) }
}

/// Every call of a clean run with every harm.
fn every_pair(clean: &Clean) -> Vec<(usize, Harm)> {
    (1..=clean.calls.len()).flat_map(|call| Harm::ALL.map(|harm| (call, harm))).collect()
}

/// The pairs that differ most: a write that took effect without anybody knowing, with the network back and gone, and one
/// more harm; every fourth read with one, but no poll that asks what was just asked.
fn distinct_pairs(clean: &Clean) -> Vec<(usize, Harm)> {
    const BEFORE: [Harm; 4] = [Harm::Throttled, Harm::Refused, Harm::LostBefore, Harm::CutBefore];
    let mut pairs = Vec::new();
    let mut asked: Vec<&Call> = Vec::new();
    let mut reads = 0;
    for (at, call) in clean.calls.iter().enumerate() {
        let turn = BEFORE[at % BEFORE.len()];
        if call.writes {
            asked.clear();
            pairs.extend([Harm::LostAfter, Harm::CutAfter, turn].map(|harm| (at + 1, harm)));
        } else if !asked.iter().any(|other| other.operation == call.operation && other.input == call.input) {
            asked.push(call);
            reads += 1;
            if reads % 4 == 0 {
                pairs.push((at + 1, BEFORE[reads / 4 % BEFORE.len()]));
            }
        }
    }
    pairs
}

/// Tries all pairs, on every core.
#[expect(clippy::print_stdout, reason = "how many were tried is what the run is for")]
fn try_all(story: &Story, clean: &Clean, pairs: &[(usize, Harm)]) {
    let began = Instant::now();
    heal_all(story.name, pairs, |(call, harm)| harm_and_heal(story, clean, *call, *harm));
    let calls = clean.calls.len();
    println!("{}: {} pairs of {calls} calls and a fault healed in {:.0?}", story.name, pairs.len(), began.elapsed());
}

/// Runs `attempt` on all of `items` and says of all failures at once.
pub fn heal_all<T: Sync>(name: &str, items: &[T], attempt: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = attempt(item) {
                        failures.lock().unwrap().push(failure);
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
}

#[test]
fn the_minimal_sample_heals_whatever_call_comes_to_harm() {
    let story = &stories()[0];
    let clean = Clean::of(story);
    try_all(story, &clean, &distinct_pairs(&clean));
}

#[test]
fn every_story_heals_a_sample_of_harm() {
    for (at, story) in stories().iter().enumerate().skip(1) {
        let clean = Clean::of(story);
        // Each story begins at another place, so that together they meet everything.
        let pairs: Vec<_> = distinct_pairs(&clean).into_iter().skip(at).step_by(17).collect();
        try_all(story, &clean, &pairs);
    }
}

#[test]
#[ignore = "the whole matrix; run by just faults"]
fn every_story_heals_whatever_call_comes_to_harm() {
    let mut tried = 0;
    for story in stories() {
        let clean = Clean::of(&story);
        let pairs = every_pair(&clean);
        try_all(&story, &clean, &pairs);
        tried += pairs.len();
    }
    println!("{tried} pairs of a call and a fault were tried, and all healed");
}
