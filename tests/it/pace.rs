//! Time that runs would take, against the critical path: what AWS itself takes for the things that wait for each other.
//!
//! Requests take a tenth of a second of virtual time here, as every sleep takes virtual time: nothing takes real time, and
//! figures are the same in every run.

use std::collections::BTreeMap;
use std::time::Instant;

use studio_sandbox::{Latency, SandboxOptions};

use crate::calls::users;
use crate::support::account::{APPLY, DESTROY, Lab};
use crate::support::configs::SAMPLES;

/// Seconds in which the sandbox makes a domain and then a user's profile: the longest path of every config with users.
const CRITICAL_PATH: f64 = 150.0 + 15.0;
/// The same of their deletion.
const CRITICAL_PATH_BACK: f64 = 10.0 + 75.0;

/// A run as it would have been.
#[derive(Debug)]
struct Pace {
    /// Seconds from its first call to its last.
    seconds: f64,
    /// Calls by operation.
    calls: BTreeMap<String, usize>,
    /// Those among them that were throttled.
    throttled: u64,
}

impl Pace {
    /// Runs a command in virtual time.
    fn of(lab: &Lab, command: &[&str], text: &str) -> Self {
        let begin = lab.sandbox.virtual_now();
        let ended = lab.run(command, text).expect(0);
        #[expect(clippy::cast_precision_loss, reason = "a run takes no age")]
        let seconds = (lab.sandbox.virtual_now() - begin) as f64 / 1000.0;
        let mut calls = BTreeMap::new();
        for call in ended.calls {
            *calls.entry(call.operation).or_default() += 1;
        }
        Self { seconds, calls, throttled: lab.sandbox.fired() }
    }

    fn calls(&self, operation: &str) -> usize {
        self.calls.get(operation).copied().unwrap_or_default()
    }

    fn total(&self) -> usize {
        self.calls.values().sum()
    }

    /// Prints the run, and returns how many times as long as the `floor` it took.
    #[expect(clippy::print_stdout, reason = "the figures are what it is for")]
    fn report(&self, what: &str, floor: f64) -> f64 {
        let factor = self.seconds / floor;
        let (seconds, calls, throttled) = (self.seconds, self.total(), self.throttled);
        println!("{what}: {seconds:.1} s, {factor:.3} times {floor:.0} s; {calls} calls, {throttled} throttled");
        factor
    }
}

/// An account in which requests take their time.
fn lab() -> Lab {
    Lab::with(SandboxOptions { latency: Latency::Virtual, ..SandboxOptions::default() })
}

/// Applies a config with so many users, destroys it, and prints what that takes.
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn there_and_back(count: usize, options: &[&str], tps: Option<usize>) {
    let (lab, text) = (lab(), users(count));
    lab.set_faults(tps.map(|tps| format!("throttle-tps={tps}")).unwrap_or_default().parse().unwrap());
    let what = |command: &str| format!("{command} of {count} users {options:?} at {tps:?} requests a second");
    let floor = |critical: f64, pace: &Pace| match tps {
        #[expect(clippy::cast_precision_loss, reason = "there are no such rates")]
        Some(tps) => critical.max((pace.total() as f64 - pace.throttled as f64) / tps as f64),
        None => critical,
    };
    let real = Instant::now();
    let apply = Pace::of(&lab, &[APPLY, options].concat(), &text);
    let factor = apply.report(&what("apply"), floor(CRITICAL_PATH, &apply));
    println!("  {:?}; {:.1} s of real time", apply.calls, real.elapsed().as_secs_f64());
    let beyond = apply.calls("DescribeUserProfile") + apply.calls("ListUserProfiles") + apply.calls("ListTags");
    #[expect(clippy::cast_precision_loss, reason = "there are no such numbers of users")]
    let each = beyond as f64 / count as f64;
    println!("  {each:.2} calls a profile beyond its create");
    assert!(tps.is_some() || factor <= 1.10, "it took {factor:.2} times as long as AWS takes");
    assert!(each <= 1.3, "{:?}", apply.calls);
    let destroy = Pace::of(&lab, &[DESTROY, options].concat(), &text);
    destroy.report(&what("destroy"), floor(CRITICAL_PATH_BACK, &destroy));
    println!("  {:?}", destroy.calls);
}

#[test]
fn an_apply_takes_what_aws_takes() {
    for (name, text) in SAMPLES {
        let apply = Pace::of(&lab(), APPLY, text);
        let factor = apply.report(name, CRITICAL_PATH);
        assert!(factor <= 1.05, "{name}: {:?}", apply.calls);
    }
    there_and_back(100, &[], None);
    // What waits holds no place: with a single one, twenty profiles would take five minutes more.
    let apply = Pace::of(&lab(), &[APPLY, &["--parallelism", "1"]].concat(), &users(20));
    let factor = apply.report("apply of 20 users with one place", CRITICAL_PATH);
    assert!(factor <= 1.15, "{:?}", apply.calls);
}

#[test]
#[ignore = "some minutes: `just pace`"]
fn an_apply_of_many_takes_what_aws_takes() {
    // Ten places are ten requests a tenth of a second: with a thousand users that is a bound of its own.
    there_and_back(1000, &["--parallelism", "25"], None);
    there_and_back(1000, &["--parallelism", "100"], None);
    there_and_back(100, &[], Some(10));
    there_and_back(1000, &[], Some(10));
}
