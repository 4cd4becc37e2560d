//! The deployment lock: one writer at a time, held by apply and destroy in an SSM parameter beside the record.
//!
//! `protocol` is a pure state machine that decides; this module makes its calls to SSM, waits, and sends the holder's
//! heartbeats. `entry` is the parameter's value, and `fence` stops the writes of a run that is no longer certain to hold
//! the lock.

mod entry;
mod fence;
#[cfg(test)]
mod model_tests;
mod protocol;
#[cfg(feature = "sandbox")]
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::types::{Parameter, ParameterType};
use aws_smithy_types::DateTime;

use self::entry::{Entry, EntryDigest};
pub use self::entry::{Holder, Process, ProcessState};
pub use self::fence::{Fence, NotHeld};
pub use self::protocol::Standing;
use self::protocol::{LockAnswer, LockCall, LockEnd, LockGoal, LockStep, LockVersion, Party, Times};
use super::Account;
use super::calls::ServerTime;
use super::error::failed;
use super::wait::{self, Clock, WaitPolicy};
use crate::cloud::{CloudError, ErrorKind, Sent};

/// The time between two heartbeats of a holder.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);
/// The time after which a heartbeat without an answer counts as missed.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(20);
/// The time for which a run waits for its lock to be confirmed before it gives up.
const DOUBT_TIMEOUT: Duration = Duration::from_mins(10);
/// The time between two looks at a lock that cannot be taken yet.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A process as it knows itself, and the system's answers about its neighbours and the time.
#[derive(Clone, Debug)]
pub struct Locality {
    /// The process that asks.
    pub process: Process,
    /// The system's answer about a process id.
    pub life: fn(u32) -> ProcessState,
    /// The time since some moment, whether the machine slept or not.
    pub uptime: fn() -> Duration,
}

/// The reason why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody holds it and lives, as far as anybody can tell.
    #[error("{} holds the lock", .0.holder.as_ref().map_or_else(|| "somebody".to_owned(), ToString::to_string))]
    Held(Standing),
    /// A call to SSM failed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// One run's handle on the lock of a deployment.
#[derive(Debug)]
pub struct Lock {
    ssm: Client,
    clock: Clock,
    name: String,
    fence: Fence,
    locality: Locality,
    party: RefCell<Party>,
    /// Whether this run ever wrote to the lock, or may have.
    wrote: Cell<bool>,
    /// The version that the last write was sent over.
    superseded: RefCell<Option<FreeVersion>>,
}

/// A version of the lock that nobody held, as it was read.
///
/// Whoever acquires the lock over just this version knows that nobody had it in between: what was read of the deployment
/// meanwhile is as good as if it had been read under the lock. This is the validation of optimistic concurrency control,
/// with the parameter's version for the version of everything that the lock guards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeVersion {
    number: i64,
    digest: EntryDigest,
}

impl Lock {
    /// The handle of the run that `me` describes, which does not hold the lock yet.
    pub fn new(account: &Account, me: Holder, locality: Locality) -> Self {
        Self {
            ssm: account.lock.clone(),
            clock: account.clock.clone(),
            name: format!("{}/lock", account.names.record),
            fence: account.fence.clone(),
            locality,
            party: RefCell::new(Party::new(me, Times::default())),
            wrote: Cell::new(false),
            superseded: RefCell::default(),
        }
    }

    /// Acquires the lock, waiting up to `wait_policy` for its holder; `emit` receives what is waited for.
    ///
    /// SSM has no conditional write, so acquiring is an optimistic lock on the parameter's version: the run writes its entry
    /// over the version that it read, and holds the lock only if that entry became the very next version. A holder that is
    /// certain to have ended, or has sent no heartbeat for two minutes, is displaced; any other one is waited for. A lock
    /// that was freed by hand is always waited for, since its former holder may still be writing, but not for long.
    ///
    /// # Errors
    /// [`LockError::Held`] when somebody else holds it to the end.
    pub async fn acquire(&self, wait_policy: Duration, emit: &dyn Fn(String)) -> Result<(), LockError> {
        let start = self.clock.now();
        let waited = || self.clock.now().duration_since(start).unwrap_or_default();
        self.party.borrow_mut().me.since = Some(self.seconds());
        let mut announced = false;
        loop {
            match self.pursue(LockGoal::Acquire).await? {
                LockEnd::Done => break,
                LockEnd::Busy(standing) => {
                    // A lock that was freed by hand can be acquired soon, whatever happens.
                    if standing.holder.is_some() && waited() >= wait_policy {
                        return Err(LockError::Held(standing));
                    }
                    if !std::mem::replace(&mut announced, true) {
                        emit(match &standing.holder {
                            Some(holder) => format!("waiting for the lock: {holder} holds it"),
                            None => format!(
                                "waiting for the lock: it was freed by hand, and its former holder may be writing for {} s",
                                standing.rest.as_secs()
                            ),
                        });
                    }
                }
                LockEnd::Refused | LockEnd::Unclear | LockEnd::Gone => {
                    if waited() > WaitPolicy::PROPAGATION.timeout.max(wait_policy) {
                        let message = "the lock's parameter can be neither made nor read reliably";
                        return Err(CloudError::new(ErrorKind::Timeout, "PutParameter", message).into());
                    }
                }
            }
            self.clock.sleep(POLL_INTERVAL).await;
        }
        if let Some(holder) = self.party.borrow().displaced() {
            emit(format!("{holder} left the lock behind; it was taken over"));
        }
        self.extend_fence();
        Ok(())
    }

    /// The version of the lock, if nobody holds it and nobody who held it may still be writing.
    ///
    /// # Errors
    /// What SSM fails with.
    pub async fn free_version(&self) -> Result<Option<FreeVersion>, CloudError> {
        let LockAnswer::Found(latest) = self.call(LockCall::Read).await? else { return Ok(None) };
        let is_free = latest.entry.holder.is_none() && latest.entry.rest.is_zero();
        Ok(is_free.then_some(FreeVersion { number: latest.number, digest: latest.digest }))
    }

    /// Returns `true` if the lock, which this run holds, was acquired over `version`: nobody had it since that was read. A
    /// read that lagged behind shows an earlier version, which the lock was not acquired over.
    pub fn is_next_after(&self, version: &FreeVersion) -> bool {
        let party = self.party.borrow();
        party.held_since().is_some()
            && party.displaced().is_none()
            && self.superseded.borrow().as_ref() == Some(version)
    }

    /// Returns `true` if this run may have left the lock taken although it never knew that it held it.
    pub fn may_be_left(&self) -> bool {
        self.wrote.get()
    }

    /// Runs `work` while heartbeats keep the lock; `work` is suspended while the lock is in doubt.
    pub async fn keep<T>(&self, emit: &dyn Fn(String), work: impl Future<Output = T>) -> T {
        self.fence.guard(self.keep_alive(emit), work).await
    }

    /// Checks that the lock is certain to be held.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check(&self) -> Result<(), NotHeld> {
        self.fence.check()
    }

    /// Releases the lock, unless somebody took it over.
    ///
    /// # Errors
    /// What SSM fails with.
    pub async fn release(&self) -> Result<(), CloudError> {
        self.fence.lose();
        match self.pursue(LockGoal::Release).await? {
            LockEnd::Unclear => {
                Err(CloudError::new(ErrorKind::Timeout, "GetParameter", "SSM's answers are out of date"))
            }
            _ => Ok(()),
        }
    }

    /// Releases the lock by deleting its parameter, when nothing of the deployment is left.
    ///
    /// # Errors
    /// What SSM fails with; that the answer was lost.
    pub async fn remove(&self) -> Result<(), CloudError> {
        let removed = self.pursue(LockGoal::Remove).await;
        self.fence.lose();
        match removed? {
            LockEnd::Done | LockEnd::Gone => Ok(()),
            _ => Err(CloudError::new(ErrorKind::Timeout, "DeleteParameter", "nobody knows whether it was deleted")),
        }
    }

    /// Sends one heartbeat; returns `true` unless another run has the lock by now.
    ///
    /// # Errors
    /// What SSM fails with.
    pub async fn heartbeat(&self) -> Result<bool, CloudError> {
        let end = self.pursue(LockGoal::Heartbeat).await?;
        if end == LockEnd::Done {
            self.extend_fence();
        }
        Ok(end != LockEnd::Gone)
    }

    /// Returns `true` if there is a lock at all, held or free.
    ///
    /// # Errors
    /// What SSM fails with.
    pub async fn exists(&self) -> Result<bool, CloudError> {
        Ok(self.call(LockCall::Read).await? != LockAnswer::Absent)
    }

    /// The state of the lock; none when it is free.
    ///
    /// # Errors
    /// What SSM fails with.
    pub async fn standing(&self) -> Result<Option<Standing>, CloudError> {
        match self.pursue_until_certain(LockGoal::Inspect).await? {
            LockEnd::Busy(standing) => Ok(Some(standing)),
            _ => Ok(None),
        }
    }

    /// Frees the lock by hand, if the run with `token` still holds it.
    ///
    /// # Errors
    /// What SSM fails with.
    pub async fn free(&self, token: &str) -> Result<(), CloudError> {
        self.pursue_until_certain(LockGoal::Free(token.to_owned())).await.map(drop)
    }

    /// Pursues a goal, again while the outcome is unclear because SSM's reads lag behind.
    async fn pursue_until_certain(&self, goal: LockGoal) -> Result<LockEnd, CloudError> {
        let unclear = || CloudError::new(ErrorKind::Timeout, "GetParameter", "SSM's answers are out of date");
        let attempt = async || match self.pursue(goal.clone()).await? {
            LockEnd::Unclear => Err(unclear()),
            end => Ok(end),
        };
        self.clock.retry(WaitPolicy::PROPAGATION, |error| *error == unclear(), attempt).await
    }

    async fn keep_alive(&self, emit: &dyn Fn(String)) {
        let mut tick = wait::every(HEARTBEAT_INTERVAL);
        // The first tick is due at once, and the lock was written a moment ago.
        tick.reset();
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => {}
                () = self.fence.doubted() => {}
            }
            let mut announced = false;
            loop {
                let doubted = matches!(self.check(), Err(NotHeld::Doubtful(_)));
                // A heartbeat that is cut off may still arrive: the next one finds out.
                let heartbeat = tokio::select! {
                    biased;
                    heartbeat = self.heartbeat() => heartbeat,
                    () = wait::real(HEARTBEAT_TIMEOUT) => Ok(true),
                };
                match self.check() {
                    Err(NotHeld::Doubtful(age)) if !matches!(heartbeat, Ok(false)) && age < DOUBT_TIMEOUT => {
                        if !std::mem::replace(&mut announced, true) {
                            emit("the lock could not be confirmed for more than a minute: waiting for SSM".into());
                        }
                        wait::real(POLL_INTERVAL).await;
                    }
                    Ok(()) if !matches!(heartbeat, Ok(false)) => {
                        if doubted {
                            emit("the lock is still ours: going on".into());
                        }
                        break;
                    }
                    _ => {
                        emit("the lock was taken away: stopping".into());
                        return self.fence.lose();
                    }
                }
            }
        }
    }

    /// Extends the fence to the time that the last confirmed heartbeat allows.
    fn extend_fence(&self) {
        if let Some(since) = self.party.borrow().held_since() {
            self.fence.hold(since, Times::default().limit, self.locality.uptime);
        }
    }

    /// Makes the calls that the protocol asks for until it ends.
    async fn pursue(&self, goal: LockGoal) -> Result<LockEnd, CloudError> {
        let now = || (self.locality.uptime)();
        let mut next = {
            let mut party = self.party.borrow_mut();
            party.me.heartbeat = self.seconds();
            party.begin(goal, now())
        };
        loop {
            let call = match next {
                LockStep::End(end) => return Ok(end),
                LockStep::Ask(call) => call,
            };
            let answer = self.call(call).await?;
            let has_ended = |holder: &Holder| holder.process.has_ended(&self.locality.process, self.locality.life);
            next = self.party.borrow_mut().answer(answer, now(), &has_ended);
        }
    }

    async fn call(&self, call: LockCall) -> Result<LockAnswer, CloudError> {
        match call {
            LockCall::Read => self.get(self.name.clone()).await,
            LockCall::ReadVersion(number) => self.get(format!("{}:{number}", self.name)).await,
            LockCall::Put(entry) => {
                let over = entry.supersedes.zip(entry.superseded_digest.clone());
                *self.superseded.borrow_mut() = over.map(|(number, digest)| FreeVersion { number, digest });
                let put = self.ssm.put_parameter().name(&self.name).value(entry.text()).r#type(ParameterType::String);
                let put =
                    put.overwrite(entry.supersedes != Some(0)).send().await.map_err(|e| failed("PutParameter", e));
                self.wrote
                    .set(self.wrote.get() || put.as_ref().map_or_else(|error| error.sent == Sent::Maybe, |_| true));
                match put {
                    Ok(answer) => Ok(LockAnswer::Written(answer.version())),
                    Err(error) if error.is("ParameterAlreadyExists") => Ok(LockAnswer::Exists),
                    Err(error) if error.sent == Sent::Maybe => Ok(LockAnswer::Lost),
                    Err(error) => Err(error),
                }
            }
            LockCall::Delete => {
                // Sent once only: a retry might delete a parameter that was created after the first attempt.
                let once = aws_sdk_ssm::config::Builder::new().retry_config(RetryConfig::disabled());
                let delete = self.ssm.delete_parameter().name(&self.name).customize().config_override(once);
                match delete.send().await.map_err(|e| failed("DeleteParameter", e)) {
                    Ok(_) => Ok(LockAnswer::Deleted),
                    Err(error) if error.kind == ErrorKind::NotFound => Ok(LockAnswer::Deleted),
                    Err(error) if error.sent == Sent::Maybe => Ok(LockAnswer::Lost),
                    Err(error) => Err(error),
                }
            }
        }
    }

    async fn get(&self, name: String) -> Result<LockAnswer, CloudError> {
        let time = ServerTime::default();
        let get = self.ssm.get_parameter().name(name).customize().interceptor(time.clone());
        match get.send().await.map_err(|e| failed("GetParameter", e)) {
            Ok(answer) => {
                let version = answer.parameter.as_ref().map(|parameter| version(parameter, time.get()));
                Ok(version.map_or(LockAnswer::Absent, LockAnswer::Found))
            }
            Err(error) if error.kind == ErrorKind::NotFound || error.is("ParameterVersionNotFound") => {
                Ok(LockAnswer::Absent)
            }
            Err(error) => Err(error),
        }
    }

    /// The time by this machine's clock, in seconds; it is shown to people and decides nothing.
    fn seconds(&self) -> i64 {
        let now = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
    }
}

/// A version as SSM describes it, read at the time that SSM's clock showed.
fn version(parameter: &Parameter, read_at: Option<DateTime>) -> LockVersion {
    let text = parameter.value().unwrap_or_default();
    let age = read_at.zip(parameter.last_modified_date()).map(|(now, written)| {
        let seconds = now.as_secs_f64() - written.as_secs_f64();
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    });
    LockVersion { number: parameter.version(), entry: Entry::parse(text), digest: Entry::digest(text), age }
}
