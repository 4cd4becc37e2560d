//! Waiting for SageMaker's state machine, which domains, user profiles and spaces go through alike.

use super::super::{is_late, to_change};
use std::cell::Cell;

use crate::aws::wait::{WaitPolicy, WaitProgress};
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
    /// The usual waiting for it.
    const PATIENCE: WaitPolicy;

    /// The state alone, which is asked for again and again: none while, or when, it is not there.
    async fn state(&self, account: &Account) -> Result<Option<State>, CloudError>;

    /// The object with all that is known of it, its tags included: with hundreds of users every call counts, so that this is
    /// asked once, at the end.
    async fn find(&self, account: &Account) -> Result<Found, CloudError>;
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
) -> Result<Observed, CloudError> {
    let look = async || {
        if let Some(State::Busy(status)) = object.state(account).await? {
            return Ok(busy(account, address, status));
        }
        let found = object.find(account).await?;
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
    account.clock.until(&address.to_string(), account.wait_policy(S::KIND, action, S::PATIENCE), look).await
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
    let look = async || match object.state(account).await? {
        Some(State::Busy(status)) => Ok(busy(account, address, status)),
        _ => Ok(WaitProgress::Ready(())),
    };
    account.clock.until(&address.to_string(), account.wait_policy(S::KIND, Action::Update, S::PATIENCE), look).await?;
    let observed = to_change(address, object.find(account).await?)?;
    match failure::<S>(&observed) {
        Some(error) => Err(error),
        None => Ok(observed),
    }
}

/// Waits until nothing is being done to an object that is to be deleted; whether its deletion is still to be asked for.
///
/// # Errors
/// What SageMaker fails with; a timeout.
pub async fn wait_until_deletable<S: Stateful>(
    account: &Account,
    address: &Address,
    object: &S,
) -> Result<bool, CloudError> {
    let look = async || match object.state(account).await? {
        None => Ok(WaitProgress::Ready(false)),
        // A deletion under way, too, may fail, and then has to be asked for again.
        Some(State::Busy(status)) => Ok(busy(account, address, status)),
        Some(_) => Ok(WaitProgress::Ready(true)),
    };
    account.clock.until(&address.to_string(), account.wait_policy(S::KIND, Action::Delete, S::PATIENCE), look).await
}

/// Asks for a deletion until SageMaker takes it: it refuses while something else is done to the object, and while
/// something is `left` in it, which may be on its way out.
///
/// # Errors
/// What `delete` and `left` fail with; that something is left that was not there when this was planned.
pub async fn delete_once_free<S: Stateful>(
    account: &Account,
    address: &Address,
    object: &S,
    delete: impl AsyncFn() -> Result<(), CloudError>,
    left: impl AsyncFn() -> Result<Vec<String>, CloudError>,
) -> Result<(), CloudError> {
    let ask = async || match delete().await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(WaitProgress::Ready(())),
        Err(error) if error.is("ResourceInUse") => match object.state(account).await? {
            None => Ok(WaitProgress::Ready(())),
            Some(State::Busy(status)) if status == DELETING => Ok(WaitProgress::Ready(())),
            Some(State::Busy(status)) => Ok(WaitProgress::Busy(status)),
            Some(_) => still_held(error, &left().await?),
        },
        other => other.map(WaitProgress::Ready),
    };
    account.clock.until(&address.to_string(), account.wait_policy(S::KIND, Action::Delete, S::PATIENCE), ask).await
}

/// Waits until the object is gone whose deletion SageMaker took.
///
/// # Errors
/// That the deletion failed; a timeout.
pub async fn wait_until_gone<S: Stateful>(account: &Account, address: &Address, object: &S) -> Result<(), CloudError> {
    // An object whose deletion failed before may show that a moment longer than it takes to look.
    let is_first = Cell::new(true);
    let look = async || match object.state(account).await? {
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
    account.clock.until(&address.to_string(), account.wait_policy(S::KIND, Action::Delete, S::PATIENCE), look).await
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
pub fn still_held(error: CloudError, left: &[String]) -> Result<WaitProgress<()>, CloudError> {
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
