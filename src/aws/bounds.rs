//! Time limits of calls: no request waits for ever for an answer that a gateway has forgotten.
//!
//! Attempts are many (AWS throttles), so a call is bounded in all too: whichever comes first, its attempts or its time.

use std::time::Duration;

use aws_smithy_types::timeout::TimeoutConfig;

/// The slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 64 * 1024;
/// The usual time of an attempt, in seconds. The lock relies on it: what was sent has taken effect by then or
/// never will.
const ATTEMPT: u64 = 60;

/// The bounds of a call.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The time to connect.
    pub connect: Duration,
    /// The time from the request to the end of the answer. Whatever takes long in Studio goes on after the answer; botocore
    /// waits for the same minute.
    pub attempt: Duration,
    /// The time of all attempts, with the pauses between them: throttled calls need some of those.
    pub operation: Duration,
}

impl Bounds {
    /// The bounds of the calls that a deployment is made of.
    pub const USUAL: Self = Self::of(5, ATTEMPT, 5 * 60);
    /// The bounds of the lock's calls: a heartbeat that hangs must be noticed before the lock counts as silent (two minutes).
    pub const LOCK: Self = Self::of(5, 5, 20);
    /// The bounds of the first call of a run: whoever mistyped an endpoint wants to hear so.
    pub const FIRST: Self = Self::of(5, 10, 20);

    /// The number of bytes that the slowest line carries within an attempt.
    pub const IN_TIME: u64 = ATTEMPT * SLOWEST;

    const fn of(connect: u64, attempt: u64, operation: u64) -> Self {
        Self {
            connect: Duration::from_secs(connect),
            attempt: Duration::from_secs(attempt),
            operation: Duration::from_secs(operation),
        }
    }

    /// The bounds as the SDK takes them.
    pub fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .read_timeout(self.attempt)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }

    /// The tighter ones of these bounds and of those that a client has already.
    #[must_use]
    pub fn within(self, outer: Option<&TimeoutConfig>) -> Self {
        let tighter = |own: Duration, outer: Option<Duration>| outer.map_or(own, |outer| own.min(outer));
        let outer = |of: fn(&TimeoutConfig) -> Option<Duration>| outer.and_then(of);
        Self {
            connect: tighter(self.connect, outer(TimeoutConfig::connect_timeout)),
            attempt: tighter(self.attempt, outer(TimeoutConfig::operation_attempt_timeout)),
            operation: tighter(self.operation, outer(TimeoutConfig::operation_timeout)),
        }
    }

    /// The bounds of a request that carries `size` bytes.
    #[must_use]
    pub fn with_body(self, size: u64) -> Self {
        let sending = Duration::from_secs(size / SLOWEST);
        Self { attempt: self.attempt + sending, operation: self.operation + sending * 3, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_heard_of_in_time_and_a_large_file_has_the_time_it_needs() {
        // Two calls of a heartbeat, and two that failed before it, are over before two minutes of silence.
        assert!(Bounds::LOCK.operation * 4 < Duration::from_mins(2));
        let large = Bounds::USUAL.with_body(8 << 20);
        assert!(large.attempt > Duration::from_mins(3) && large.operation > large.attempt);
        let tight =
            Bounds::LOCK.within(Some(&Bounds { attempt: Duration::from_millis(50), ..Bounds::USUAL }.timeouts()));
        assert_eq!((tight.attempt, tight.operation), (Duration::from_millis(50), Bounds::LOCK.operation));
    }
}
