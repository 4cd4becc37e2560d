//! The only place that waits: polling until something is so, and retrying what AWS cannot see yet.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_async::time::SharedTimeSource;

use super::calls::only_reads;
use crate::cloud::{CloudError, ErrorKind, Sent};

/// The clock that all waiting goes by; the sandbox supplies a virtual one.
#[derive(Clone)]
pub struct Clock {
    sleep: SharedAsyncSleep,
    time: SharedTimeSource,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    /// A clock of the given parts.
    pub const fn new(sleep: SharedAsyncSleep, time: SharedTimeSource) -> Self {
        Self { sleep, time }
    }

    /// The time that this clock tells.
    pub fn now(&self) -> SystemTime {
        self.time.now()
    }

    /// Sleeps for `duration` by this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep.sleep(duration).await;
    }

    /// The time that has passed since `start`.
    fn elapsed(&self, start: SystemTime) -> Duration {
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

/// Limits of the wait for one thing.
#[derive(Clone, Copy, Debug)]
pub struct WaitPolicy {
    /// Before the first look after the start.
    pub first: Duration,
    /// The longest pause between two looks.
    pub longest: Duration,
    /// In all.
    pub timeout: Duration,
}

impl WaitPolicy {
    /// Domains: Terraform allows 20 minutes each way (`domain.go`, default timeouts).
    pub const DOMAIN: Self = Self::of(2, 10, 20 * 60);
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
        }
    }
}

impl Clock {
    /// Looks until `look` says ready.
    ///
    /// # Errors
    /// What `look` fails with, or a timeout. A timeout is no failure of the thing: looking again later goes on waiting.
    pub async fn until<T>(
        &self,
        what: &str,
        wait_policy: WaitPolicy,
        mut look: impl AsyncFnMut() -> Result<WaitProgress<T>, CloudError>,
    ) -> Result<T, CloudError> {
        let start = self.now();
        let mut pause = wait_policy.first;
        loop {
            let progress = match look().await {
                // Whoever waits anyway can wait for AWS to have time for the question.
                Err(error) if error.kind == ErrorKind::Throttled => WaitProgress::Busy("throttled".into()),
                other => other?,
            };
            match progress {
                WaitProgress::Ready(value) => return Ok(value),
                WaitProgress::Busy(status) => {
                    if self.elapsed(start) + pause > wait_policy.timeout {
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
                    self.sleep(pause).await;
                    pause = (pause * 3 / 2).min(wait_policy.longest);
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
        let mut pause = wait_policy.first;
        loop {
            match attempt().await {
                Err(error) if is_transient(&error) && self.elapsed(start) + pause <= wait_policy.timeout => {
                    self.sleep(pause).await;
                    pause = (pause * 3 / 2).min(wait_policy.longest);
                }
                result => return result,
            }
        }
    }
}
