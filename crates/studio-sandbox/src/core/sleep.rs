//! Time in the sandbox: how long things take, and the clock and the sleep that the SDK is given.
//!
//! Both SDK time sources tell virtual time. The credentials that the sandbox's STS hands out expire in it, so a real
//! clock would find them expired; and signatures may be dated as they like, since the sandbox does not check their age.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;

use super::front::Sandbox;

/// Relation of virtual time to real time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Latency {
    /// Nothing takes real time: the virtual clock stands still but for sleeps, which move it on and return at once.
    #[default]
    None,
    /// The same, but for requests, which take as long as they would: what a run would take is measured in no time.
    Virtual,
    /// A virtual second takes this many real ones; 1 is realistic.
    Factor(f64),
}

/// The value of `--sandbox-latency` is no latency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sandbox latency `{0}` is none of `none`, `virtual`, `realistic` and a number from 0.0001 to 1000")]
pub struct LatencyError(String);

impl FromStr for Latency {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<Self, LatencyError> {
        match text {
            "none" => Ok(Self::None),
            "virtual" => Ok(Self::Virtual),
            "realistic" => Ok(Self::Factor(1.0)),
            _ => match text.parse::<f64>() {
                // Beyond these bounds a day would pass in a blink, or not at all.
                Ok(factor) if (0.0001..=1000.0).contains(&factor) => Ok(Self::Factor(factor)),
                _ => Err(LatencyError(text.into())),
            },
        }
    }
}

/// Turns without a request, and without anybody going to sleep or waking, that show that everybody waits. Whoever
/// sleeps may be a timeout around work that is ready to go on, and must not be what ends it.
const QUIET: u32 = 4;

/// Such turns for which an earlier sleeper is let go first. Its task may not be running at all (it waits behind this
/// one), so the wait ends; turns are counted and not time, so that a run is the same whatever else the machine does.
const TURNS: u32 = 50;

/// Tasks that are asleep while nothing takes real time, by when they want to wake.
#[derive(Debug, Default)]
pub struct Sleepers {
    waking: Mutex<BTreeSet<(i64, u64)>>,
    /// How much has happened.
    events: AtomicU64,
    /// How many things go on that take real time.
    busy: Arc<AtomicUsize>,
}

impl Sleepers {
    /// Sleeps until the virtual time `wake` and moves the clock there.
    ///
    /// Two tasks that sleep ten seconds side by side move the clock by ten seconds, not by twenty, and the one that
    /// wakes first goes first.
    async fn sleep_until(&self, sandbox: &Sandbox, wake: i64) {
        let asleep = Asleep::new(self, wake);
        let (mut quiet, mut seen) = (0, self.events.load(Ordering::Relaxed));
        loop {
            // Whoever else is ready may go to sleep too, or answer first.
            tokio::task::yield_now().await;
            let events = self.events.load(Ordering::Relaxed);
            quiet = if events == seen && self.busy.load(Ordering::Relaxed) == 0 { quiet + 1 } else { 0 };
            seen = events;
            if quiet >= if asleep.is_first() { QUIET } else { TURNS } {
                break;
            }
        }
        sandbox.advance_to(wake);
    }

    /// Notes that something happened, so that nobody takes the others to be idle.
    pub(crate) fn note(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that something goes on that takes real time, such as reading a file.
    pub fn busy(&self) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(&self.busy))
    }
}

/// Something that goes on and takes real time: whoever sleeps meanwhile sleeps on.
#[derive(Debug)]
pub struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An entry among the sleepers, gone with its future.
struct Asleep<'a> {
    sleepers: &'a Sleepers,
    entry: (i64, u64),
}

impl<'a> Asleep<'a> {
    fn new(sleepers: &'a Sleepers, wake: i64) -> Self {
        // Every event has a number of its own, and going to sleep is one.
        let entry = (wake, sleepers.events.fetch_add(1, Ordering::Relaxed));
        sleepers.waking.lock().unwrap_or_else(PoisonError::into_inner).insert(entry);
        Self { sleepers, entry }
    }

    fn is_first(&self) -> bool {
        let waking = self.sleepers.waking.lock().unwrap_or_else(PoisonError::into_inner);
        waking.first().is_none_or(|first| *first >= self.entry)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.sleepers.waking.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.entry);
        self.sleepers.note();
    }
}

impl AsyncSleep for Sandbox {
    fn sleep(&self, duration: Duration) -> Sleep {
        let sandbox = self.clone();
        Sleep::new(async move { sandbox.pass(duration).await })
    }
}

impl TimeSource for Sandbox {
    fn now(&self) -> SystemTime {
        let milliseconds = u64::try_from(self.virtual_now()).unwrap_or(0);
        UNIX_EPOCH + Duration::from_millis(milliseconds)
    }
}

impl Sandbox {
    /// Lets virtual time pass: at once, or for as long as the latency makes it in real time.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the sandbox supplies")]
    pub async fn pass(&self, duration: Duration) {
        match self.latency() {
            Latency::None | Latency::Virtual => {
                // Rounded up: whoever sleeps for what is missing (the SDK's rate limiter) would else wake too early, for
                // ever shorter sleeps that never move the clock.
                let milliseconds = i64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX / 4);
                let wake = self.virtual_now().saturating_add(milliseconds);
                self.sleepers().sleep_until(self, wake).await;
            }
            // The clock follows real time at every request, so there is nothing to move.
            Latency::Factor(factor) => tokio::time::sleep(duration.mul_f64(factor)).await,
        }
    }
}

/// Lets real time pass, for what has to do with the world outside.
#[expect(clippy::disallowed_methods, reason = "this is where waiting is")]
pub async fn real(period: Duration) {
    tokio::time::sleep(period).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_read() {
        for (text, expected) in [
            ("none", Some(Latency::None)),
            ("virtual", Some(Latency::Virtual)),
            ("realistic", Some(Latency::Factor(1.0))),
            ("0.01", Some(Latency::Factor(0.01))),
            ("0", None),
            ("-1", None),
            ("fast", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn sleeping_side_by_side_takes_as_long_as_the_longest() {
        let sandbox = Sandbox::in_memory();
        let begin = sandbox.virtual_now();
        let order = Mutex::new(Vec::new());
        let sleep = async |seconds: u64| {
            sandbox.pass(Duration::from_secs(seconds)).await;
            order.lock().unwrap().push((seconds, (sandbox.virtual_now() - begin) / 1000));
        };
        tokio::join!(sleep(30), sleep(10), sleep(20), sleep(10));
        assert_eq!(*order.lock().unwrap(), [(10, 10), (10, 10), (20, 20), (30, 30)]);
    }

    #[tokio::test]
    async fn no_sleep_is_too_short_to_move_the_clock() {
        let sandbox = Sandbox::in_memory();
        let begin = sandbox.virtual_now();
        for (nanoseconds, expected) in [(1, 1), (1_000_000, 2), (1_000_001, 4), (0, 4)] {
            sandbox.pass(Duration::from_nanos(nanoseconds)).await;
            assert_eq!(sandbox.virtual_now() - begin, expected, "{nanoseconds}");
        }
    }

    #[tokio::test]
    async fn the_shortest_sleep_moves_the_clock() {
        let sandbox = Sandbox::in_memory();
        let begin = sandbox.virtual_now();
        sandbox.pass(Duration::from_micros(1)).await;
        assert_eq!(sandbox.virtual_now() - begin, 1);
    }

    #[tokio::test]
    async fn an_earlier_sleeper_that_nobody_polls_holds_nobody_up() {
        let sandbox = Sandbox::in_memory();
        let mut idle = Box::pin(sandbox.pass(Duration::from_secs(1)));
        tokio::select! { biased; () = &mut idle => panic!("it yields first"), () = std::future::ready(()) => () }
        sandbox.pass(Duration::from_secs(5)).await;
        idle.await;
    }

    #[tokio::test]
    async fn a_timeout_ends_nothing_that_goes_on() {
        let sandbox = Sandbox::in_memory();
        let begin = sandbox.virtual_now();
        // Ready again and again, but never at once, as the pages of a list are; then asleep for a while, many times.
        let work = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
                sandbox.pass(Duration::from_millis(100)).await;
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = work => {}
            () = sandbox.pass(Duration::from_mins(1)) => panic!("it took {} ms", sandbox.virtual_now() - begin),
        }
        assert_eq!(sandbox.virtual_now() - begin, 10_000);
    }
}
