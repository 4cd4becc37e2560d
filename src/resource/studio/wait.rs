//! Waiting for SageMaker's state machine, which domains, user profiles and spaces go through alike.

use std::cell::Cell;
use std::time::Duration;

use super::super::{is_late, to_change};
use crate::aws::wait::{Usual, WaitPolicy, WaitProgress};
use crate::aws::{Account, not_ours};
use crate::cloud::{CloudError, ErrorKind, Sent};
use crate::model::{Address, Found, Kind, Observed, State};
use crate::plan::Action;

/// A live object that passes through SageMaker's states.
pub trait Stateful {
    /// The kind, which has timeouts of its own.
    const KIND: Kind;
    /// Its name in SageMaker's operations: `Domain` in `CreateDomain`.
    const NOUN: &'static str;
    /// The findings of a look at it besides its state.
    type Live;

    /// The usual waiting for the end of an operation on it.
    fn wait_policy(action: Action) -> WaitPolicy;

    /// A look at it with one call, since it may have to be looked at again and again: none while, or when, it is not there.
    async fn look(&self, account: &Account) -> Result<Option<(State, Self::Live)>, CloudError>;

    /// The object with all that is known of it, its tags included, from what a look brought: with hundreds of users every call
    /// counts, so that this is asked once, at the end.
    async fn find(&self, account: &Account, live: Option<Self::Live>) -> Result<Found, CloudError>;

    /// Rests before the next look, for the `pause` or as long as a list that shows many objects at once says that it
    /// `goes_on`.
    async fn rest(&self, account: &Account, pause: Pause, goes_on: impl Fn(&str) -> Option<Duration>) {
        drop(goes_on);
        account.clock.sleep(pause.length).await;
    }
}

/// Pause between two looks.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// The time until the next look.
    pub length: Duration,
    /// The least time between two lists.
    pub between_lists: Duration,
}

/// One wait: for the end of which operation, on what, and whether that began a moment ago.
#[derive(Clone, Copy)]
struct Wait<'a, S> {
    account: &'a Account,
    address: &'a Address,
    action: Action,
    object: &'a S,
    begun: Begun,
}

/// Beginning of the operation that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// A moment ago: it is not over yet, and takes as long as it is waited for.
    Now,
    /// Some time, or not at all.
    Before,
}

impl<S: Stateful> Wait<'_, S> {
    /// Looks until `look` says ready, as often as the operation's usual time makes worthwhile.
    async fn until<T>(&self, look: impl AsyncFnMut() -> Result<WaitProgress<T>, CloudError>) -> Result<T, CloudError> {
        let Self { account, address, action, object, begun } = *self;
        let mut wait_policy = account.wait_policy(S::KIND, action, S::wait_policy(action));
        let usual = wait_policy.usual().unwrap_or(wait_policy.longest);
        let between_lists = (usual / 10).clamp(wait_policy.first, wait_policy.longest);
        if begun == Begun::Before {
            // How much of its usual time is left nobody knows.
            wait_policy.usual = Usual::Unknown;
        }
        let start = account.clock.now();
        let goes_on = |status: &str| {
            let State::Busy(status) = state(status, String::new()) else { return None };
            account.phase(address, &status);
            // A list that lags must not keep anybody for ever.
            let elapsed = account.clock.elapsed(start);
            let pause = wait_policy.pause(elapsed);
            (elapsed < usual * 2 && elapsed + pause < wait_policy.timeout).then_some(pause)
        };
        let rest = async |length: Duration| object.rest(account, Pause { length, between_lists }, &goes_on).await;
        let name = address.to_string();
        let ended = account.clock.until_rested(&name, wait_policy, begun == Begun::Now, rest, look).await?;
        if begun == Begun::Now {
            account.took(S::KIND, action, account.clock.elapsed(start));
        }
        Ok(ended)
    }
}

/// The meaning of a status in SageMaker's word.
pub fn state(status: &str, reason: String) -> State {
    match status {
        "InService" => State::Usable,
        "Failed" => State::Failed(reason),
        "Update_Failed" => State::UpdateFailed(reason),
        "Delete_Failed" => State::DeleteFailed(reason),
        other => State::Busy(other.to_owned()),
    }
}

/// The object once it is in service.
///
/// # Errors
/// What SageMaker fails with, or that the operation that it accepted failed later; a timeout.
pub async fn wait_until_usable<S: Stateful>(
    account: &Account,
    address: &Address,
    action: Action,
    object: &S,
    begun: Begun,
) -> Result<Observed, CloudError> {
    let look = async || {
        let live = match object.look(account).await? {
            Some((State::Busy(status), _)) => return Ok(busy(account, address, status)),
            looked => looked.map(|(_, live)| live),
        };
        let found = object.find(account, live).await?;
        let Found::Ours(observed) = &found else {
            // A list may lag behind the create, and tags behind taking over.
            let late = is_late(&found, action);
            return if late { Ok(WaitProgress::Busy("not visible".into())) } else { Err(not_ours(address, &found)) };
        };
        match (&observed.state, failure::<S>(observed)) {
            (State::Busy(status), _) => Ok(busy(account, address, status.clone())),
            (_, Some(error)) => Err(error),
            (_, None) => Ok(WaitProgress::Ready(observed.clone())),
        }
    };
    Wait { account, address, action, object, begun }.until(look).await
}

/// The object once nothing is being done to it, before it is changed: one that is taken over is not ours yet.
///
/// # Errors
/// As [`wait_until_usable`].
pub async fn wait_until_idle<S: Stateful>(
    account: &Account,
    address: &Address,
    object: &S,
) -> Result<Observed, CloudError> {
    let look = async || match object.look(account).await? {
        Some((State::Busy(status), _)) => Ok(busy(account, address, status)),
        looked => Ok(WaitProgress::Ready(looked.map(|(_, live)| live))),
    };
    let live = Wait { account, address, action: Action::Update, object, begun: Begun::Before }.until(look).await?;
    let observed = to_change(address, object.find(account, live).await?)?;
    match failure::<S>(&observed) {
        Some(error) => Err(error),
        None => Ok(observed),
    }
}

/// Deletes an object that was in the `state`, and returns once it is gone.
///
/// What is being done to it is waited for first: a deletion that is under way, too, may fail, and then has to be asked for
/// again. Then it is asked for until SageMaker takes it, which refuses while something is `left` in it that may be on its way
/// out.
///
/// # Errors
/// What `delete` and `left` fail with; that something is left that was not there when this was planned; that the deletion
/// failed; a timeout.
pub async fn delete<S: Stateful>(
    account: &Account,
    address: &Address,
    object: &S,
    state: &State,
    delete: impl AsyncFn() -> Result<(), CloudError>,
    left: impl AsyncFn() -> Result<Vec<String>, CloudError>,
) -> Result<(), CloudError> {
    let wait = |begun| Wait { account, address, action: Action::Delete, object, begun };
    let state_now = async || Ok(object.look(account).await?.map(|(state, _)| state));
    if matches!(state, State::Busy(_)) {
        let look = async || match state_now().await? {
            Some(State::Busy(status)) => Ok(busy(account, address, status)),
            other => Ok(WaitProgress::Ready(other.is_none())),
        };
        if wait(Begun::Before).until(look).await? {
            return Ok(());
        }
    }
    let ask = async || match delete().await {
        Ok(()) => Ok(WaitProgress::Ready(Some(Begun::Now))),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(WaitProgress::Ready(None)),
        Err(error) if error.is("ResourceInUse") => match state_now().await? {
            None => Ok(WaitProgress::Ready(None)),
            Some(State::Busy(status)) if status == DELETING => Ok(WaitProgress::Ready(Some(Begun::Before))),
            Some(State::Busy(status)) => Ok(WaitProgress::Busy(status)),
            Some(_) => still_held(error, &left().await?),
        },
        Err(error) => Err(error),
    };
    let Some(begun) = wait(Begun::Before).until(ask).await? else { return Ok(()) };
    // An object whose deletion failed before may show that a moment longer than it takes to look.
    let is_first = Cell::new(true);
    let look = async || match state_now().await? {
        None => Ok(WaitProgress::Ready(())),
        Some(State::DeleteFailed(_)) if is_first.replace(false) => Ok(busy(account, address, DELETING.to_owned())),
        Some(State::DeleteFailed(reason)) => Err(CloudError {
            sent: Sent::Yes,
            ..CloudError::new(ErrorKind::Failed, format!("Delete{}", S::NOUN), reason)
        }),
        Some(State::Busy(status)) => Ok(busy(account, address, status)),
        // It does not show yet that it was taken.
        Some(_) => Ok(busy(account, address, DELETING.to_owned())),
    };
    wait(begun).until(look).await
}

/// The status of all that is on its way out.
const DELETING: &str = "Deleting";

/// Says which status is waited for to pass.
fn busy<T>(account: &Account, address: &Address, status: String) -> WaitProgress<T> {
    account.phase(address, &status);
    WaitProgress::Busy(status)
}

/// The failure of an operation that AWS accepted, as the operation's own, since no call failed.
fn failure<S: Stateful>(observed: &Observed) -> Option<CloudError> {
    let (verb, status, reason) = match &observed.state {
        State::Failed(reason) => ("Create", "Failed", reason),
        State::UpdateFailed(reason) => ("Update", "Update_Failed", reason),
        State::DeleteFailed(reason) => ("Delete", "Delete_Failed", reason),
        State::Usable | State::Busy(_) | State::PendingDeletion(_) | State::Disabled => return None,
    };
    let message = format!("{} is {status}: {reason}", observed.id);
    Some(CloudError { sent: Sent::Yes, ..CloudError::new(ErrorKind::Failed, format!("{verb}{}", S::NOUN), message) })
}

/// The meaning of a deletion that AWS refuses because something is left inside: a failure that names what was made since
/// the plan was, or, when nothing shows, AWS's own delay in noticing that it is gone.
pub fn still_held<T>(error: CloudError, left: &[String]) -> Result<WaitProgress<T>, CloudError> {
    if left.is_empty() {
        return Ok(WaitProgress::Busy("in use".into()));
    }
    let message = format!(
        "{}: somebody made or started {} after this was planned; run again: the plan names what may go",
        error.message,
        left.join(", ")
    );
    Err(CloudError { message, ..error })
}
