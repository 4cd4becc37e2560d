//! Simulation: whole stories of a deployment, each made of a seed and played in virtual time.
//!
//! A story is a handful of steps: configs out of the config's grammar and changes of them, users at work, somebody who
//! changes things by hand, calls that fail in every way, processes that are killed, two of them at once. After each step
//! the invariants hold that `judge` has, and in the end all is healed, and the account is that of a fresh apply.
//! A seed that fails prints its story, the shortest one that still fails, and the command that plays it again.

mod behind;
mod judge;
mod keep;
mod scene;
mod stage;
mod story;
mod trouble;
mod wish;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stage::{Order, Stage, ground};
use story::{Count, Deed, Story};

use crate::support::account::{APPLY, DESTROY};
use crate::support::configs::ONE_USER;
use crate::support::ended::is_lock;

/// Number of times that each thing happened.
type Counts = BTreeMap<Count, usize>;

/// A story that failed.
struct Failure {
    seed: u64,
    told: String,
}

/// Plays a story, or no more than its first steps, and says of a failure which steps it takes.
fn play(seed: u64, most: usize, counts: &Mutex<Counts>) -> Result<(), Failure> {
    let story = Story::new(seed);
    let all: Vec<usize> = (0..story.steps.len().min(most)).collect();
    let told = story.play(&all);
    for (count, number) in &told.counts {
        *counts.lock().unwrap().entry(*count).or_default() += number;
    }
    let Some(failure) = told.failure else { return Ok(()) };
    // Steps are dropped one by one, as long as it goes on failing.
    let (mut steps, mut shortest) = (all, (told.log, failure));
    let mut at = steps.len();
    while at > 0 {
        at -= 1;
        let mut fewer = steps.clone();
        fewer.remove(at);
        let told = story.play(&fewer);
        if let Some(failure) = told.failure {
            (steps, shortest) = (fewer, (told.log, failure));
        }
    }
    let steps: Vec<String> = steps.iter().map(|step| (step + 1).to_string()).collect();
    let (log, failure) = shortest;
    let again =
        format!("just simulate --seed {seed} --steps {}", if steps.is_empty() { "0".into() } else { steps.join(",") });
    Err(Failure { seed, told: format!("{}\n{failure}\nagain: {again}\n", log.join("\n")) })
}

/// Plays the stories of many seeds, or the first steps of each, on every core, and says how often what happened.
#[expect(clippy::print_stdout, reason = "the count of what was tried is what this is run for")]
fn play_all(seeds: std::ops::Range<u64>, most: usize, threads: usize) -> Counts {
    let began = Instant::now();
    let (next, counts, failures) = (AtomicU64::new(seeds.start), Mutex::default(), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let work = || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if let Err(failure) = play(seed, most, &counts) {
                        println!("seed {seed} fails:\n{}", failure.told);
                        failures.lock().unwrap().push(failure);
                    }
                    if (seed + 1).is_multiple_of(500) {
                        println!("{} stories in {:.0?}", seed + 1 - seeds.start, began.elapsed());
                    }
                }
            };
            // A command is one future, and not a small one.
            std::thread::Builder::new().stack_size(16 << 20).spawn_scoped(scope, work).unwrap();
        }
    });
    let counts: Counts = counts.into_inner().unwrap();
    let failures: Vec<Failure> = failures.into_inner().unwrap();
    println!("{}", summary(seeds.end - seeds.start, &counts, began.elapsed()));
    let failed: Vec<String> = failures.iter().map(|failure| failure.seed.to_string()).collect();
    assert!(failed.is_empty(), "{} stories failed: {}\n\n{}", failed.len(), failed.join(", "), failures[0].told);
    counts
}

fn summary(stories: u64, counts: &Counts, took: Duration) -> String {
    let mut text = format!("{stories} stories in {took:.0?}:");
    for (count, number) in counts {
        let _ = write!(text, " {number} {count},");
    }
    text.trim_end_matches(',').to_owned()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

#[test]
fn stories_keep_every_promise() {
    let mut counts = play_all(0..30, usize::MAX, threads());
    // Most of what is wrong shows in what comes first after the first apply.
    for (count, number) in play_all(30..230, 3, threads()) {
        *counts.entry(count).or_default() += number;
    }
    for deed in Deed::ALL {
        assert!(counts.contains_key(&Count::Deed(deed)), "no story has {deed:?}");
    }
    for code in [0, 4, 5, 6, 7, 8] {
        assert!(counts.contains_key(&Count::Code(code)), "no command ends with {code}");
    }
}

#[test]
fn a_run_whose_lock_is_taken_away_ends_with_the_code_of_that() {
    let stage = Stage::new(&ground(&[ONE_USER.into()]), "merge=deep");
    let orders = [Order::new(APPLY, ONE_USER), Order::new(&["unlock", "--yes"], ONE_USER)];
    let mut lost = 0;
    for calls in [60, 70, 80, 90] {
        let ([applied, _], _) = stage.run_both([&orders[0], &orders[1]], calls);
        if applied.notes_show("the lock was taken away: stopping") {
            assert_eq!(applied.code, 8, "{}", applied.notes);
            assert!(applied.shows("error[SD5002]: the lock was taken away"), "{}", applied.data);
            lost += 1;
        }
        stage.pass(200);
        stage.run(&Order::new(&[DESTROY, &["--bucket", "delete"]].concat(), ONE_USER));
    }
    assert!(lost > 0, "no run noticed it");
}

#[test]
fn a_lock_that_may_be_held_is_given_back_or_spoken_of() {
    let ground = ground(&[ONE_USER.into()]);
    let taken = |faults: &str| {
        let stage = Stage::new(&ground, "merge=deep");
        let (code, ended) = stage.run(&Order { faults: faults.into(), ..Order::new(APPLY, ONE_USER) });
        (code, ended, judge::lock_is_free(&stage.tables()))
    };
    let clean = taken("").1;
    let put = 1 + clean.calls.iter().position(|call| is_lock(call) && call.operation == "PutParameter").unwrap();
    // The network is gone from then on: nothing can be done, and the next one who is told to wait knows why.
    let (code, ended, is_free) = taken(&format!("cut-after={put}"));
    assert!(!is_free && code == Some(1), "{code:?} {}", ended.notes);
    assert!(ended.notes_show("the lock could not be given back"), "{}", ended.notes);
    // It is refused once, and then works again.
    let (code, ended, is_free) = taken(&format!("deny=ssm:GetParameter@{}", put + 1));
    assert!(is_free, "{code:?} {}", ended.notes);
}

#[test]
fn a_seed_is_the_same_story_every_time() {
    let number = |name: &str| asked(name).map(|value| value.parse::<u64>().unwrap());
    let from = number("FROM").unwrap_or(0);
    for seed in from..from + number("SEEDS").unwrap_or(3) {
        let story = Story::new(seed);
        let all: Vec<usize> = (0..story.steps.len()).collect();
        let (one, other) = (story.play(&all), story.play(&all));
        assert_eq!(one.log, other.log, "seed {seed}");
        assert_eq!(one.digest, other.digest, "seed {seed}\n{}", one.log.join("\n"));
    }
}

/// A wish of `just simulate`, which comes in the environment.
#[expect(clippy::disallowed_methods, reason = "this is how just hands on what it was asked for")]
fn asked(name: &str) -> Option<String> {
    std::env::var(format!("SIMULATE_{name}")).ok().filter(|value| !value.is_empty())
}

#[test]
#[ignore = "as many seeds as one likes; run by just simulate"]
fn simulate() {
    let number = |name: &str| asked(name).map(|value| value.parse::<u64>().unwrap());
    if let Some(seed) = number("SEED") {
        let story = Story::new(seed);
        let steps: Vec<usize> = match asked("STEPS") {
            Some(steps) => steps
                .split(',')
                .map(|step| step.parse::<usize>().unwrap())
                .filter(|step| *step > 0)
                .map(|step| step - 1)
                .collect(),
            None => (0..story.steps.len()).collect(),
        };
        let told = story.play(&steps);
        println!("{}\ndigest {}", told.log.join("\n"), told.digest);
        assert!(told.failure.is_none(), "{}", told.failure.unwrap());
        return;
    }
    let from = number("FROM").unwrap_or(0);
    play_all(
        from..from + number("SEEDS").unwrap_or(1000),
        usize::MAX,
        number("THREADS").map_or_else(threads, |number| usize::try_from(number).unwrap()),
    );
}
