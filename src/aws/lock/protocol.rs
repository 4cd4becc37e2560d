//! The lock's protocol as a pure state machine: answers and the time go in, calls and decisions come out.
//!
//! It is an optimistic lock on the number of a parameter's version. SSM has no conditional write (no compare-and-swap),
//! but every write creates the next version, returns its number, and keeps the earlier ones. So a value names the version
//! that it supersedes, with that version's digest, and *counts* only if it became the next one: of all who write over the
//! same version just one does. A reader skips values that do not count, back to the last one that does.
//!
//! Assumptions: writes of one parameter are put in one order and numbered without a gap; a version never changes while
//! the parameter exists; reads may lag (nothing promises that they do not), but not beyond a deletion, after which a name
//! must not be reused for 30 s (SSM API reference, DeleteParameter); clocks run at one rate, whatever they show. A holder
//! is fenced: it sends no write [`Times::limit`] after it *began* its last confirmed heartbeat, and what it sent before has
//! taken effect or failed within [`Times::flight`]. Nobody takes over before the sum has passed since that heartbeat was
//! written, which is later than it was begun. `model_tests.rs` checks all of it with a model checker.

use std::time::Duration;

use super::entry::{Entry, EntryDigest, Holder};

/// The number of versions that SSM keeps of a parameter (SSM user guide, "Working with parameter versions").
const KEPT: i64 = 100;

/// Durations of the lock's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Times {
    /// The time after a heartbeat in which its holder may send writes.
    pub limit: Duration,
    /// The longest time until a write that was sent has taken effect or failed.
    pub flight: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { limit: Duration::from_mins(1), flight: Duration::from_mins(1) }
    }
}

impl Times {
    /// The silence of a holder after which anybody may take over.
    pub const fn silence(&self) -> Duration {
        self.limit.saturating_add(self.flight)
    }
}

/// A version of the parameter as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LockVersion {
    /// The version's number.
    pub number: i64,
    /// The value that the version holds.
    pub entry: Entry,
    /// The digest of that value.
    pub digest: EntryDigest,
    /// The time since it was written, by SSM's clock at both ends; none if the answer did not say.
    pub age: Option<Duration>,
}

/// A call to SSM.
#[expect(clippy::large_enum_variant, reason = "one of each lives at a time")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockCall {
    /// GetParameter of the latest version.
    Read,
    /// GetParameter of an earlier version, by its number.
    ReadVersion(i64),
    /// A write; it creates the parameter when it supersedes version 0.
    Put(Entry),
    /// The deletion of the parameter; sent once, since a retry might delete what was created meanwhile.
    Delete,
}

/// SSM's answer to a call.
#[expect(clippy::large_enum_variant, reason = "one of each lives at a time")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockAnswer {
    /// The version that was asked for.
    Found(LockVersion),
    /// No such version, or no parameter at all.
    Absent,
    /// A write made the version of this number.
    Written(i64),
    /// There is one already, or the name was deleted a moment ago.
    Exists,
    /// The parameter is gone.
    Deleted,
    /// No answer: the call may have taken effect.
    Lost,
}

/// Goal that a party pursues.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockGoal {
    /// To read the state of the lock.
    Inspect,
    /// To acquire the lock.
    Acquire,
    /// To confirm that the holder is alive.
    Heartbeat,
    /// To release the lock.
    Release,
    /// To release the lock by deleting the parameter.
    Remove,
    /// To free the lock of the holder with this token, by a person's order.
    Free(String),
}

/// The next thing for a party to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockStep {
    /// A call, whose answer is passed to [`Party::answer`].
    Ask(LockCall),
    /// The end, with the outcome.
    End(LockEnd),
}

/// The outcome of the pursuit of a goal.
#[expect(clippy::large_enum_variant, reason = "one of each lives at a time")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockEnd {
    /// The goal is reached.
    Done,
    /// The lock is held, or was freed only just now.
    Busy(Standing),
    /// SSM does not let the parameter be made right now.
    Refused,
    /// The outcome is not known yet; another attempt may tell.
    Unclear,
    /// The lock is not, or no longer, ours.
    Gone,
}

/// The state of a lock that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// The holder; none when the lock was freed by hand.
    pub holder: Option<Holder>,
    /// The time since its holder was last heard of, or since it was freed.
    pub silent: Duration,
    /// The time until it may be taken over if nothing more is heard.
    pub rest: Duration,
}

/// Version by which a party holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    number: i64,
    digest: EntryDigest,
    /// The time when the write of it was begun, by the party's own clock.
    since: Duration,
}

/// A write of the party's own whose effect is not certain yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sent {
    supersedes: i64,
    superseded_digest: Option<EntryDigest>,
    digest: EntryDigest,
    at: Duration,
}

/// Answer that a party is waiting for.
#[expect(clippy::large_enum_variant, reason = "one of each lives at a time")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Awaiting {
    Latest,
    /// The version before `doubted`, which says whether that one counts.
    Earlier {
        latest: LockVersion,
        doubted: LockVersion,
    },
    Write,
    /// The superseded version: is it still the one that was read?
    Confirmation,
    Deletion,
}

/// One run's part in the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Party {
    /// The holder that this party's values name.
    pub me: Holder,
    times: Times,
    writes: u64,
    held: Option<Held>,
    goal: Option<LockGoal>,
    awaiting: Awaiting,
    sent: Option<Sent>,
    watched: Option<(EntryDigest, Duration)>,
    /// Whose lock is taken over, while one is.
    displaces: Option<Holder>,
}

/// Predicate of holders whose process is certain to have ended.
pub type HasEnded<'a> = &'a dyn Fn(&Holder) -> bool;

impl Party {
    /// Party of a run that does not hold the lock yet. Its token is unique.
    pub const fn new(me: Holder, times: Times) -> Self {
        Self {
            me,
            times,
            writes: 0,
            held: None,
            goal: None,
            awaiting: Awaiting::Latest,
            sent: None,
            watched: None,
            displaces: None,
        }
    }

    /// The time when the last confirmed heartbeat was begun, while the lock is held.
    pub fn held_since(&self) -> Option<Duration> {
        self.held.as_ref().map(|held| held.since)
    }

    /// The holder that left the lock behind: one whose process ended, or that was silent for too long.
    pub const fn displaced(&self) -> Option<&Holder> {
        self.displaces.as_ref()
    }

    /// Returns `true` if a write may be sent: the last confirmed heartbeat is young enough.
    pub fn may_write(&self, now: Duration) -> bool {
        self.held_since().is_some_and(|since| now.saturating_sub(since) <= self.times.limit)
    }

    /// Begins to pursue a goal, and gives up whatever was under way before.
    pub fn begin(&mut self, goal: LockGoal, now: Duration) -> LockStep {
        let held = match goal {
            LockGoal::Inspect | LockGoal::Acquire | LockGoal::Free(_) => None,
            LockGoal::Heartbeat | LockGoal::Remove => self.held.clone(),
            // A run that releases the lock writes nothing any more.
            LockGoal::Release => self.held.take(),
        };
        let needs_hold = matches!(goal, LockGoal::Heartbeat | LockGoal::Remove);
        (self.goal, self.sent, self.displaces) = (Some(goal), None, None);
        match held {
            Some(held) => self.write(held.number, Some(held.digest), Duration::ZERO, now),
            None if needs_hold => self.end(LockEnd::Gone),
            None => self.read_latest(),
        }
    }

    /// Continues with SSM's answer to the last call.
    pub fn answer(&mut self, answer: LockAnswer, now: Duration, has_ended: HasEnded<'_>) -> LockStep {
        let Some(goal) = self.goal.clone() else { return LockStep::End(LockEnd::Unclear) };
        match (std::mem::replace(&mut self.awaiting, Awaiting::Latest), answer) {
            (Awaiting::Latest, LockAnswer::Found(latest)) => self.classify(latest.clone(), latest, now, has_ended),
            (Awaiting::Latest, LockAnswer::Absent) => self.decide(None, None, now, has_ended),
            (Awaiting::Earlier { latest, doubted }, LockAnswer::Found(earlier)) => {
                if doubted.entry.superseded_digest.as_ref() == Some(&earlier.digest) && has_its_number(&doubted) {
                    self.decide(Some(latest), Some(doubted), now, has_ended)
                } else {
                    self.classify(latest, earlier, now, has_ended)
                }
            }
            // A version that SSM no longer keeps does not count. Any later one has to be there.
            (Awaiting::Earlier { latest, doubted }, LockAnswer::Absent)
                if latest.number - doubted.number >= KEPT - 1 =>
            {
                self.decide(Some(latest), None, now, has_ended)
            }
            (Awaiting::Write, answer) => self.after_put(&goal, &answer, now),
            (Awaiting::Confirmation, LockAnswer::Found(earlier)) => {
                match self.sent.take_if(|sent| sent.superseded_digest.as_ref() == Some(&earlier.digest)) {
                    Some(sent) => self.confirm_write(sent.supersedes + 1, sent, now),
                    // The parameter was deleted and created again in between: this write does not count.
                    None => self.read_latest(),
                }
            }
            (Awaiting::Confirmation, _) => self.read_latest(),
            (Awaiting::Deletion, LockAnswer::Deleted) => self.end(LockEnd::Done),
            _ => self.end(LockEnd::Unclear),
        }
    }

    fn end(&mut self, end: LockEnd) -> LockStep {
        (self.goal, self.sent) = (None, None);
        LockStep::End(end)
    }

    fn lose(&mut self) -> LockStep {
        self.held = None;
        self.end(LockEnd::Gone)
    }

    fn read_latest(&mut self) -> LockStep {
        self.awaiting = Awaiting::Latest;
        LockStep::Ask(LockCall::Read)
    }

    fn after_put(&mut self, goal: &LockGoal, answer: &LockAnswer, now: Duration) -> LockStep {
        let Some(sent) = &self.sent else { return self.end(LockEnd::Unclear) };
        match answer {
            LockAnswer::Written(number) if *number == sent.supersedes + 1 => {
                if *goal == LockGoal::Release {
                    return self.end(LockEnd::Done);
                }
                if sent.supersedes == 0 {
                    // A creation supersedes nothing, so there is nothing to confirm.
                    let sent = sent.clone();
                    return self.confirm_write(1, sent, now);
                }
                self.awaiting = Awaiting::Confirmation;
                LockStep::Ask(LockCall::ReadVersion(sent.supersedes))
            }
            // Numbers only grow while a parameter exists, so the one that was held has been deleted.
            LockAnswer::Written(number) if *number <= sent.supersedes && self.held.is_some() => self.lose(),
            LockAnswer::Exists if *goal == LockGoal::Acquire => self.end(LockEnd::Refused),
            // The parameter was deleted a moment ago, and SSM still refuses its name.
            LockAnswer::Exists if self.held.is_some() => self.lose(),
            LockAnswer::Exists => self.end(LockEnd::Done),
            // Another party was faster, or the answer was lost.
            _ => self.read_latest(),
        }
    }

    /// Classifies `candidate`: it counts, it does not, or only the version before it tells.
    fn classify(
        &mut self,
        latest: LockVersion,
        candidate: LockVersion,
        now: Duration,
        has_ended: HasEnded<'_>,
    ) -> LockStep {
        let number = candidate.number;
        let counts = match (candidate.entry.supersedes, &candidate.entry.superseded_digest) {
            // Earlier versions of this tool wrote no such number.
            (None, _) => true,
            (Some(_), None) => has_its_number(&candidate),
            (Some(_), Some(_)) => false,
        };
        if counts {
            self.decide(Some(latest), Some(candidate), now, has_ended)
        } else if number <= 1 {
            self.decide(Some(latest), None, now, has_ended)
        } else {
            self.awaiting = Awaiting::Earlier { latest, doubted: candidate };
            LockStep::Ask(LockCall::ReadVersion(number - 1))
        }
    }

    /// Decides the next step, given the `last` version that counts and the `latest` of all.
    fn decide(
        &mut self,
        latest: Option<LockVersion>,
        last: Option<LockVersion>,
        now: Duration,
        has_ended: HasEnded<'_>,
    ) -> LockStep {
        let Some(goal) = self.goal.clone() else { return LockStep::End(LockEnd::Unclear) };
        let place = latest.as_ref().map(|latest| (latest.number, latest.digest.clone()));
        let known = self.held.as_ref().map_or(0, |held| held.number);
        if place.as_ref().map_or(0, |(number, _)| *number) < known {
            // The read lags behind what this party knows.
            return self.end(LockEnd::Unclear);
        }
        let holder = last.as_ref().and_then(|last| last.entry.holder.clone());
        let mine = holder.as_ref().is_some_and(|holder| holder.token == self.me.token);
        let write_over = |party: &mut Self, rest| {
            let (number, digest) = place.clone().map_or((0, None), |(number, digest)| (number, Some(digest)));
            party.write(number, digest, rest, now)
        };
        match goal {
            LockGoal::Acquire | LockGoal::Heartbeat | LockGoal::Remove if mine => {
                let counting = last.as_ref().map(|last| (last.number, &last.digest));
                match (self.sent.clone(), counting) {
                    (Some(sent), Some((number, digest))) if sent.digest == *digest => {
                        self.confirm_write(number, sent, now)
                    }
                    // An earlier value of its own, sent at an unknown time.
                    _ => write_over(self, Duration::ZERO),
                }
            }
            LockGoal::Heartbeat | LockGoal::Remove => self.lose(),
            LockGoal::Release if mine => write_over(self, Duration::ZERO),
            LockGoal::Release => self.end(LockEnd::Done),
            LockGoal::Acquire | LockGoal::Inspect | LockGoal::Free(_) => {
                let standing = last.and_then(|last| self.standing(&last, now, has_ended));
                match (goal, standing) {
                    (LockGoal::Inspect, Some(standing)) => self.end(LockEnd::Busy(standing)),
                    (LockGoal::Acquire, Some(standing)) if !standing.rest.is_zero() => {
                        self.end(LockEnd::Busy(standing))
                    }
                    (LockGoal::Acquire, standing) => {
                        self.displaces = standing.and_then(|standing| standing.holder);
                        write_over(self, Duration::ZERO)
                    }
                    (LockGoal::Free(token), Some(Standing { holder: Some(holder), rest, .. }))
                        if holder.token == token =>
                    {
                        write_over(self, rest)
                    }
                    _ => self.end(LockEnd::Done),
                }
            }
        }
    }

    /// The state of the lock by the last version that counts; none when it is free.
    fn standing(&mut self, last: &LockVersion, now: Duration, has_ended: HasEnded<'_>) -> Option<Standing> {
        let silent = self.silent(last, now);
        let wait = match &last.entry.holder {
            Some(holder) if has_ended(holder) => Duration::ZERO,
            // SSM's times are whole seconds, so one more has to pass.
            Some(_) => self.times.silence().saturating_add(Duration::from_secs(1)),
            None if last.entry.rest.is_zero() => return None,
            None => last.entry.rest.saturating_add(Duration::from_secs(1)),
        };
        let rest = wait.saturating_sub(silent);
        let standing = Standing { holder: last.entry.holder.clone(), silent, rest };
        (standing.holder.is_some() || !rest.is_zero()).then_some(standing)
    }

    /// The time since a version was written: as SSM says, or else for how long this party has seen it.
    fn silent(&mut self, last: &LockVersion, now: Duration) -> Duration {
        if let Some(age) = last.age {
            return age;
        }
        match &self.watched {
            Some((digest, since)) if *digest == last.digest => now.saturating_sub(*since),
            _ => {
                self.watched = Some((last.digest.clone(), now));
                Duration::ZERO
            }
        }
    }

    /// Writes a value that supersedes a version, as the goal requires.
    fn write(
        &mut self,
        supersedes: i64,
        superseded_digest: Option<EntryDigest>,
        rest: Duration,
        now: Duration,
    ) -> LockStep {
        self.writes += 1;
        let holds = matches!(self.goal, Some(LockGoal::Acquire | LockGoal::Heartbeat | LockGoal::Remove));
        let entry = Entry {
            holder: holds.then(|| self.me.clone()),
            write: format!("{}#{}", self.me.token, self.writes),
            supersedes: Some(supersedes),
            superseded_digest: superseded_digest.clone(),
            rest,
        };
        self.sent = Some(Sent { supersedes, superseded_digest, digest: Entry::digest(&entry.text()), at: now });
        self.awaiting = Awaiting::Write;
        LockStep::Ask(LockCall::Put(entry))
    }

    /// Continues after the party's own write was confirmed to count.
    fn confirm_write(&mut self, number: i64, sent: Sent, now: Duration) -> LockStep {
        match self.goal {
            Some(LockGoal::Acquire | LockGoal::Heartbeat) => {
                self.held = Some(Held { number, digest: sent.digest, since: sent.at });
                self.end(LockEnd::Done)
            }
            Some(LockGoal::Remove) => {
                self.held = Some(Held { number, digest: sent.digest, since: sent.at });
                let in_time = self.may_write(now);
                self.held = None;
                if !in_time {
                    return self.end(LockEnd::Unclear);
                }
                self.awaiting = Awaiting::Deletion;
                LockStep::Ask(LockCall::Delete)
            }
            _ => self.end(LockEnd::Done),
        }
    }
}

/// Returns `true` if a version has the number that its entry wanted, so that its write won the race.
fn has_its_number(version: &LockVersion) -> bool {
    version.entry.supersedes.is_some_and(|number| number + 1 == version.number)
}
