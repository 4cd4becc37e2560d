//! The only place that waits: polling until something is so, and retrying what AWS cannot see yet.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_async::time::SharedTimeSource;

use super::calls::only_reads;
use crate::cloud::{CloudError, ErrorKind, Sent, Slot};

tokio::task_local! {
    /// The place of the step that is at work, which whatever waits for it gives back meanwhile.
    static SLOT: Rc<dyn Slot>;
}

/// Does the `work` of a step that has the place `slot`.
pub async fn in_slot<T>(slot: Rc<dyn Slot>, work: impl Future<Output = T>) -> T {
    SLOT.scope(slot, work).await
}

/// Gives the place of the step that is at work back while it does nothing but `wait`, and takes one again afterwards. Without a
/// step, as when a plan is made, there is none to give back.
pub(super) async fn without_slot<T>(wait: impl Future<Output = T>) -> T {
    let Ok(slot) = SLOT.try_with(Rc::clone) else { return wait.await };
    slot.give_back();
    let waited = wait.await;
    slot.take_again().await;
    waited
}

/// The clock that all waiting goes by; the sandbox supplies a virtual one.
#[derive(Clone)]
pub struct Clock {
    sleep: SharedAsyncSleep,
    time: SharedTimeSource,
    dice: Rc<RefCell<fastrand::Rng>>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    /// A clock of the given parts. Its dice are seeded with the `time` that it is and with `whose` clock it is: in reality no
    /// two runs throw the same, in virtual time every run does.
    pub fn new(sleep: SharedAsyncSleep, time: SharedTimeSource, whose: &str) -> Self {
        let now = time.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = u64::try_from(now.as_nanos()).unwrap_or_default();
        // FNV-1a: any spread will do.
        let seed = whose.bytes().fold(nanoseconds ^ 0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self { sleep, time, dice: Rc::new(RefCell::new(fastrand::Rng::with_seed(seed))) }
    }

    /// The time that this clock tells.
    pub fn now(&self) -> SystemTime {
        self.time.now()
    }

    /// Sleeps for `duration` by this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep.sleep(duration).await;
    }

    /// A pause that is as much as a tenth shorter or longer, so that runs which began together do not ask together for ever.
    fn jittered(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.9 + 0.2 * self.dice.borrow_mut().f64())
    }

    /// The time that has passed since `start`.
    pub fn elapsed(&self, start: SystemTime) -> Duration {
        self.now().duration_since(start).unwrap_or_default()
    }
}

/// Something to do again and again in real time: to move the screen, to show that the lock's holder lives. Never on the
/// sandbox's clock, where waiting takes no time and such a thing would go round without end.
#[expect(clippy::disallowed_methods, reason = "this is where waiting is")]
pub fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

/// Lets real time pass, once.
pub async fn real(period: Duration) {
    let mut interval = every(period);
    // The first tick of an interval is due at once.
    interval.reset();
    interval.tick().await;
}

/// Finding about something that is on its way.
#[derive(Debug)]
pub enum WaitProgress<T> {
    /// The thing is as it should be.
    Ready(T),
    /// The thing is on its way; the status in AWS's word.
    Busy(String),
}

/// Time that an operation takes, as far as anybody knows, by which its end is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usual {
    /// Nothing is known of it.
    Unknown,
    /// A first guess, from documentation or from what others have seen.
    Guessed(Duration),
    /// The median of those that this run has seen the end of.
    Learnt(Duration),
}

/// Limits of the wait for one thing, and the rhythm of the looks at it.
#[derive(Clone, Copy, Debug)]
pub struct WaitPolicy {
    /// Before the first look after the start, and the shortest pause.
    pub first: Duration,
    /// The longest pause between two looks.
    pub longest: Duration,
    /// In all.
    pub timeout: Duration,
    /// The time that it usually takes.
    pub usual: Usual,
}

impl WaitPolicy {
    /// Domains: Terraform allows 20 minutes each way (`domain.go`, default timeouts).
    pub const DOMAIN: Self = Self::of(1, 10, 20 * 60);
    /// User profiles and spaces: Terraform allows 10 minutes.
    pub const PROFILE: Self = Self::of(1, 8, 10 * 60);
    /// Apps: deletions of up to 20 minutes are reported, so 30.
    pub const APP: Self = Self::of(2, 10, 30 * 60);
    /// Mount targets and what holds a security group after its domain is gone (30 to 60 s are usual).
    pub const NETWORK: Self = Self::of(2, 10, 5 * 60);
    /// IAM and the other eventually consistent services: usually seconds, rarely more than a minute.
    pub const PROPAGATION: Self = Self::of(1, 8, 2 * 60);

    const fn of(first: u64, longest: u64, timeout: u64) -> Self {
        Self {
            first: Duration::from_secs(first),
            longest: Duration::from_secs(longest),
            timeout: Duration::from_secs(timeout),
            usual: Usual::Unknown,
        }
    }

    /// The same with a first guess of the time that it usually takes.
    #[must_use]
    pub const fn usually(self, seconds: u64) -> Self {
        Self { usual: Usual::Guessed(Duration::from_secs(seconds)), ..self }
    }

    /// The time that it usually takes, as far as that is known.
    pub const fn usual(&self) -> Option<Duration> {
        match self.usual {
            Usual::Unknown => None,
            Usual::Guessed(usual) | Usual::Learnt(usual) => Some(usual),
        }
    }

    /// The pause after a look at something that has been on its way for `elapsed`.
    ///
    /// Exponential back-off while nothing is known. Else looks are aimed at the usual time: from three quarters of it to twice
    /// as much they are as close as one seventy-fifth of it, so that an end is never noticed much later than it came; what takes
    /// even longer is slow, and looks become rare again. Before, there are none where the time was learnt. Where it was guessed
    /// the back-off goes on, since it may be far too long.
    pub fn pause(&self, elapsed: Duration) -> Duration {
        let back_off = self.first.max(elapsed / 2);
        let (usual, is_guess) = match self.usual {
            Usual::Unknown => return (self.first + elapsed / 2).min(self.longest),
            Usual::Guessed(usual) => (usual, true),
            Usual::Learnt(usual) => (usual, false),
        };
        let (begin, near) = (usual * 3 / 4, (usual / 75).clamp(self.first, self.longest));
        match elapsed {
            early if early < begin && is_guess => back_off.min(begin.saturating_sub(early)),
            early if early < begin => begin.saturating_sub(early),
            late if late > usual * 2 => (late / 8).clamp(near, self.longest),
            _ => near,
        }
        .max(self.first)
    }
}

/// The last durations of one kind of operation, as this run saw them.
#[derive(Clone, Debug, Default)]
pub struct Durations(VecDeque<Duration>);

impl Durations {
    /// Number of durations that count: AWS may be slower an hour later.
    const LAST: usize = 32;

    /// Takes note of an operation that took so long.
    pub fn note(&mut self, duration: Duration) {
        if self.0.len() == Self::LAST {
            self.0.pop_front();
        }
        self.0.push_back(duration);
    }

    /// The median, once there is any.
    pub fn median(&self) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

impl Clock {
    /// Looks until `look` says ready, and pauses in between as `wait_policy` says.
    ///
    /// # Errors
    /// What `look` fails with, or a timeout. A timeout is no failure of the thing: looking again later goes on waiting.
    pub async fn until<T>(
        &self,
        what: &str,
        wait_policy: WaitPolicy,
        look: impl AsyncFnMut() -> Result<WaitProgress<T>, CloudError>,
    ) -> Result<T, CloudError> {
        self.until_rested(what, wait_policy, false, async |pause| self.sleep(pause).await, look).await
    }

    /// The same where `rest` says when a pause is over, which may be long after it or before. Something that began a moment
    /// ago is not looked at before it has `begun_now` rested.
    ///
    /// # Errors
    /// As [`Clock::until`].
    pub async fn until_rested<T>(
        &self,
        what: &str,
        wait_policy: WaitPolicy,
        begun_now: bool,
        mut rest: impl AsyncFnMut(Duration),
        mut look: impl AsyncFnMut() -> Result<WaitProgress<T>, CloudError>,
    ) -> Result<T, CloudError> {
        let start = self.now();
        if begun_now {
            without_slot(rest(self.jittered(wait_policy.pause(Duration::ZERO)))).await;
        }
        loop {
            let progress = match look().await {
                // Whoever waits anyway can wait for AWS to have time for the question.
                Err(error) if error.kind == ErrorKind::Throttled => WaitProgress::Busy("throttled".into()),
                other => other?,
            };
            match progress {
                WaitProgress::Ready(value) => return Ok(value),
                WaitProgress::Busy(status) => {
                    let elapsed = self.elapsed(start);
                    let pause = self.jittered(wait_policy.pause(elapsed));
                    if elapsed + pause > wait_policy.timeout {
                        return Err(CloudError {
                            sent: Sent::Yes,
                            ..CloudError::new(
                                ErrorKind::Timeout,
                                format!("wait for {what}"),
                                format!(
                                    "still {status} after {} s; AWS continues, and the same command waits for it again",
                                    wait_policy.timeout.as_secs()
                                ),
                            )
                        });
                    }
                    without_slot(rest(pause)).await;
                }
            }
        }
    }

    /// The outcome of `work`, if it is done within `limit`.
    ///
    /// # Errors
    /// What `work` fails with, or a timeout of `operation`, which may have taken effect.
    pub async fn within<T>(
        &self,
        limit: Duration,
        operation: &str,
        work: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        tokio::select! {
            biased;
            result = work => result,
            () = self.sleep(limit) => {
                let message = format!("no answer within {} s", limit.as_secs());
                let error = CloudError::new(ErrorKind::Timeout, operation, message);
                Err(CloudError { sent: if only_reads(operation) { Sent::No } else { Sent::Maybe }, ..error })
            }
        }
    }

    /// Tries until the failure is none that `is_transient` says will pass, for at most `wait_policy`; then the last failure
    /// stands.
    ///
    /// # Errors
    /// What `attempt` fails with in the end.
    pub async fn retry<T>(
        &self,
        wait_policy: WaitPolicy,
        is_transient: impl Fn(&CloudError) -> bool,
        mut attempt: impl AsyncFnMut() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let start = self.now();
        loop {
            let result = attempt().await;
            let elapsed = self.elapsed(start);
            let pause = self.jittered(wait_policy.pause(elapsed));
            match result {
                Err(error) if is_transient(&error) && elapsed + pause <= wait_policy.timeout => {
                    without_slot(self.sleep(pause)).await;
                }
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The looks at something until it has been on its way for so many seconds, and by how much the last comes late.
    fn looks(usual: Usual, ends: u64) -> (usize, Duration) {
        let (wait_policy, ends) = (WaitPolicy { usual, ..WaitPolicy::DOMAIN }, Duration::from_secs(ends));
        let (mut elapsed, mut looks) = (Duration::ZERO, 0);
        while elapsed < ends {
            elapsed += wait_policy.pause(elapsed);
            looks += 1;
        }
        (looks, elapsed.saturating_sub(ends))
    }

    #[test]
    fn looks_are_aimed_at_the_usual_time() {
        let (guess, learnt) = (Duration::from_secs(150), Duration::from_secs(140));
        // Around its usual time nothing is noticed more than a seventy-fifth late.
        for ends in [115, 130, 150, 170, 270] {
            for usual in [Usual::Guessed(guess), Usual::Learnt(learnt)] {
                let (looks, late) = looks(usual, ends);
                assert!(late <= guess / 75 && looks < 110, "{usual:?} {ends}: {looks} looks, {late:?} late");
            }
        }
        assert!(looks(Usual::Learnt(learnt), 141).0 <= 21);
        assert!(looks(Usual::Guessed(guess), 151).0 <= 36);
        // What ends long before is noticed after half as long again, unless the time was learnt; what is slow is asked rarely.
        for ends in [2, 10, 40] {
            assert!(looks(Usual::Guessed(guess), ends).1 <= Duration::from_secs(ends / 2 + 1));
        }
        assert_eq!(looks(Usual::Learnt(learnt), 40).1, Duration::from_secs(65));
        assert!(looks(Usual::Learnt(learnt), 20 * 60).0 < 200);
        assert!(looks(Usual::Unknown, 150).0 <= 19);
    }

    #[test]
    fn the_median_is_that_of_the_last() {
        let mut durations = Durations::default();
        assert_eq!(durations.median(), None);
        for seconds in [9, 1, 5] {
            durations.note(Duration::from_secs(seconds));
        }
        assert_eq!(durations.median(), Some(Duration::from_secs(5)));
        for _ in 0..Durations::LAST {
            durations.note(Duration::from_secs(7));
        }
        assert_eq!(durations.median(), Some(Duration::from_secs(7)));
        assert_eq!(durations.0.len(), Durations::LAST);
    }
}
