//! The seam under the engine: five verbs over plain data.
//!
//! Behind it stand the real account, a strict in-memory fake that the laws are tested on, and a wrapper that injects
//! faults. Verbs are safe to repeat and return when the thing is usable, or gone.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use crate::model::{Address, Found, Graph, Node, Observed, Snapshot};
use crate::plan::{Change, DeletionPolicy, Record};

/// Place of a step among those that may do something at once.
///
/// The engine has as many as steps may work at once and hands one to each step. Whoever only waits gives it back meanwhile, so
/// that the number bounds what works, not what is under way.
pub trait Slot {
    /// Gives the place back.
    fn give_back(&self);

    /// Takes a place again, once one is free.
    fn take_again(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

/// The account as the engine needs it.
pub trait Cloud {
    /// Does the `work` of a step, which calls the verbs below. They give `slot` back while they only wait; a cloud whose verbs
    /// never wait has no use for it.
    fn in_slot<T>(&self, slot: Rc<dyn Slot>, work: impl Future<Output = T>) -> impl Future<Output = T> {
        drop(slot);
        work
    }

    /// The live twin of every node, and what is ours beyond them.
    fn observe(&self, graph: &Graph, record: Option<&Record>) -> impl Future<Output = Result<Snapshot, CloudError>>;

    /// The live twin of one node, looked at until it is as `seen` wants, for as long as reads may lag behind writes.
    fn find(&self, node: &Node, seen: &dyn Fn(&Found) -> bool) -> impl Future<Output = Result<Found, CloudError>>;

    /// Makes `node`, whose properties are all known; safe to repeat after an answer was lost.
    fn create(&self, node: &Node) -> impl Future<Output = Result<Observed, CloudError>>;

    /// Makes `changes` to what `observed` was, so that it becomes `node`.
    fn update(
        &self,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> impl Future<Output = Result<Observed, CloudError>>;

    /// Drops `changes` from what is kept for its data.
    fn release(
        &self,
        address: &Address,
        observed: &Observed,
        changes: &[Change],
    ) -> impl Future<Output = Result<(), CloudError>>;

    /// Deletes it, and the data beside it if `data` says so; that it is gone already is success.
    fn delete(
        &self,
        address: &Address,
        observed: &Observed,
        data: DeletionPolicy,
    ) -> impl Future<Output = Result<Deleted, CloudError>>;

    /// The record of earlier applies.
    fn read_record(&self) -> impl Future<Output = Result<Option<Record>, CloudError>>;

    /// Writes the record, or removes it.
    fn write_record(&self, record: Option<&Record>) -> impl Future<Output = Result<(), CloudError>>;
}

/// Ways in which a deletion can end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The object is gone.
    Gone,
    /// Something still uses it; the next apply tries again. What holds it, for people.
    Held(String),
}

/// Reason why a call did not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The caller may not.
    Denied,
    /// The object does not exist.
    NotFound,
    /// Exists already, is in use, or is being changed by somebody else.
    Conflict,
    /// Too many requests, after all retries.
    Throttled,
    /// AWS does not accept the request as it is.
    Invalid,
    /// A service quota is reached.
    Quota,
    /// Took longer than allowed; it may still become what it should.
    Timeout,
    /// AWS accepted the request and reported a failure later, or something else than asked for is there now.
    Failed,
    /// No credentials, or expired ones.
    Credentials,
    /// The endpoint could not be reached, or answered nonsense.
    Connection,
    /// Not sent, since the lock is not certain to be held any more.
    NotHeld,
    /// Anything else.
    Other,
}

/// Effect that a request which failed may have had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// AWS refused it, or it never left.
    No,
    /// Nobody knows: look before trying again.
    Maybe,
    /// The call took effect.
    Yes,
}

/// The permission that a refused call needs, in the words of an IAM policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The action: `s3:ListBucket`.
    pub action: String,
    /// The resource as the request names it: an ARN, a name, or `*`.
    pub resource: String,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// A call that failed, with everything that a person needs to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudError {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The API operation (`CreateDomain`), or what was being waited for.
    pub operation: String,
    /// AWS's error code, when it answered one.
    pub code: Option<String>,
    /// AWS's message, or ours.
    pub message: String,
    /// AWS's request id, when there was an answer.
    pub request_id: Option<String>,
    /// Whether anything may have changed.
    pub sent: Sent,
    /// The permission that was missing, when AWS refused the call for want of one.
    pub permission: Option<Box<Permission>>,
}

impl CloudError {
    /// A failure that no single AWS answer describes.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation: operation.into(),
            code: None,
            message: message.into(),
            request_id: None,
            sent: Sent::No,
            permission: None,
        }
    }

    /// The missing permission, unless AWS's own message names both the action and the resource.
    pub fn unnamed_permission(&self) -> Option<&Permission> {
        let is_named = |permission: &&Permission| {
            self.message.contains(&permission.action) && self.message.contains("on resource")
        };
        self.permission.as_deref().filter(|permission| !is_named(permission))
    }

    /// Returns `true` if AWS answered `code`.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// The failed call in AWS's words, with its request and whether anything was changed; for people.
    pub fn describe(&self) -> String {
        let code = self.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        let request = self.request_id.as_ref().map(|id| format!("request {id}; ")).unwrap_or_default();
        let needs = self.unnamed_permission().map(|permission| format!("it needs {permission}; ")).unwrap_or_default();
        let changed = match self.sent {
            Sent::No => "nothing was changed",
            Sent::Maybe => "it is not known whether anything was changed",
            Sent::Yes => "something was changed",
        };
        format!("{}: {code}{} ({needs}{request}{changed})", self.operation, self.message)
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(permission) = self.unnamed_permission() {
            write!(f, " (it needs {permission})")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for CloudError {}
