//! One writer at a time: a lock in SSM beside the record, taken by apply and destroy only.
//!
//! Its value says who holds it. It is made with `Overwrite=false` the first time and later overwritten from and to
//! `free`, since SSM refuses to make a deleted name again for half a minute. Taking over what seems dead goes by version:
//! of all who try, the one whose write made version seen + 1 has it.

use std::time::Duration;

use aws_sdk_ssm::types::ParameterType;
use serde::{Deserialize, Serialize};

use super::Account;
use super::error::failed;
use super::wait::Patience;
use crate::cloud::{CloudError, ErrorKind};

/// How often a holder shows that it lives.
pub const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long a holder may be silent before it counts as dead.
const SILENCE: i64 = 120;
/// The value of a lock that nobody holds.
const FREE: &str = "free";

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user, by name.
    pub holder: String,
    /// The host.
    pub host: String,
    /// The process on that host.
    pub pid: u32,
    /// Tells two runs of one process id apart.
    pub token: String,
    /// The command.
    pub command: String,
    /// When it last showed that it lives: seconds since the epoch, by its own clock.
    pub heartbeat: i64,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {} (process {}, `{}`)", self.holder, self.host, self.pid, self.command)
    }
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody holds it and lives.
    #[error("{0} holds the lock")]
    Held(Holder),
    /// SSM failed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// The lock as it stands.
#[derive(Clone, Debug)]
struct Seen {
    version: i64,
    holder: Option<Holder>,
    /// Seconds since somebody wrote it, by SSM's clock when the answer says it.
    age: i64,
}

/// Takes the lock for `me`; `is_alive` tells whether a process of this host lives. Waits up to `patience` for it.
///
/// # Errors
/// [`LockError::Held`] when somebody else holds it to the end.
pub async fn acquire(
    account: &Account,
    me: &Holder,
    is_alive: &dyn Fn(u32) -> bool,
    patience: Duration,
) -> Result<(), LockError> {
    let start = account.clock.now();
    let mut told = false;
    loop {
        let seen = look(account).await?;
        let taken = match &seen {
            None => create(account, me).await?,
            Some(seen) => match &seen.holder {
                None => overwrite(account, me, seen.version).await?,
                Some(holder) if is_dead(holder, (&me.host, me.pid), seen.age, is_alive) => {
                    account.notice(None, format!("{holder} left the lock behind; taking it over"));
                    overwrite(account, me, seen.version).await?
                }
                Some(holder) => {
                    let waited = account.clock.now().duration_since(start).unwrap_or_default();
                    if waited >= patience {
                        return Err(LockError::Held(holder.clone()));
                    }
                    if !told {
                        account.notice(None, format!("waiting for the lock: {holder} holds it"));
                        told = true;
                    }
                    false
                }
            },
        };
        if taken {
            return Ok(());
        }
        account.clock.sleep(Duration::from_secs(1)).await;
        if seen.is_none()
            && account.clock.now().duration_since(start).unwrap_or_default() > Patience::PROPAGATION.timeout
        {
            return Err(
                CloudError::new(ErrorKind::Timeout, "PutParameter", "the lock's parameter cannot be made").into()
            );
        }
    }
}

/// Shows that `me` lives; whether the lock is still held by `me`.
///
/// # Errors
/// What SSM fails with.
pub async fn beat(account: &Account, me: &Holder) -> Result<bool, CloudError> {
    let held = look(account).await?.and_then(|seen| seen.holder).is_some_and(|holder| holder.token == me.token);
    if held {
        put(account, &value(account, me), true).await?;
    }
    Ok(held)
}

/// Gives the lock back, unless somebody took it over.
///
/// # Errors
/// What SSM fails with.
pub async fn release(account: &Account, me: &Holder) -> Result<(), CloudError> {
    let held = look(account).await?.and_then(|seen| seen.holder).is_some_and(|holder| holder.token == me.token);
    if held {
        put(account, FREE, true).await?;
    }
    Ok(())
}

/// Who holds the lock now.
///
/// # Errors
/// What SSM fails with.
pub async fn holder(account: &Account) -> Result<Option<Holder>, CloudError> {
    Ok(look(account).await?.and_then(|seen| seen.holder))
}

/// Removes the lock, whoever holds it: for `unlock`, and when nothing of the deployment is left.
///
/// # Errors
/// What SSM fails with.
pub async fn remove(account: &Account) -> Result<(), CloudError> {
    match account.lock.delete_parameter().name(name(account)).send().await.map_err(|e| failed("DeleteParameter", e)) {
        Err(error) if error.kind != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the lock if nobody holds it, or somebody dead: what a destroy leaves that was cut off at its very end. `me` is
/// the host and the process that asks.
///
/// # Errors
/// What SSM fails with.
pub async fn sweep(account: &Account, me: (&str, u32), is_alive: &dyn Fn(u32) -> bool) -> Result<(), CloudError> {
    let Some(seen) = look(account).await? else { return Ok(()) };
    if seen.holder.is_some_and(|holder| !is_dead(&holder, me, seen.age, is_alive)) {
        Ok(())
    } else {
        remove(account).await
    }
}

/// Frees the lock, whoever holds it.
///
/// # Errors
/// What SSM fails with.
pub async fn free(account: &Account) -> Result<(), CloudError> {
    put(account, FREE, true).await.map(drop)
}

fn name(account: &Account) -> String {
    format!("{}/lock", account.names.record)
}

fn is_dead(holder: &Holder, (host, pid): (&str, u32), age: i64, is_alive: &dyn Fn(u32) -> bool) -> bool {
    if holder.host == host {
        // A process id that is ours now was somebody else's before: containers all begin with 1.
        return holder.pid == pid || !is_alive(holder.pid);
    }
    age > SILENCE
}

async fn look(account: &Account) -> Result<Option<Seen>, CloudError> {
    let parameter =
        match account.lock.get_parameter().name(name(account)).send().await.map_err(|e| failed("GetParameter", e)) {
            Ok(answer) => answer.parameter,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
    let Some(parameter) = parameter else { return Ok(None) };
    let now = account.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let written = parameter.last_modified_date().map_or(0, aws_smithy_types::DateTime::secs);
    Ok(Some(Seen {
        version: parameter.version(),
        holder: parameter.value().and_then(|value| serde_json::from_str(value).ok()),
        age: i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(written),
    }))
}

async fn create(account: &Account, me: &Holder) -> Result<bool, CloudError> {
    match put(account, &value(account, me), false).await {
        Ok(_) => Ok(true),
        // Somebody was faster, or the answer to our own attempt was lost, or the name was deleted a moment ago.
        Err(error) if error.is("ParameterAlreadyExists") => {
            let holder = look(account).await?.and_then(|seen| seen.holder);
            Ok(holder.is_some_and(|holder| holder.token == me.token))
        }
        Err(error) => Err(error),
    }
}

async fn overwrite(account: &Account, me: &Holder, seen: i64) -> Result<bool, CloudError> {
    let version = put(account, &value(account, me), true).await?;
    if version == seen + 1 {
        return Ok(true);
    }
    // A retried write makes two versions; whose value stands now decides, once nobody can still be writing.
    let holder = look(account).await?.and_then(|seen| seen.holder);
    Ok(version == seen + 2 && holder.is_some_and(|holder| holder.token == me.token))
}

async fn put(account: &Account, value: &str, overwrite: bool) -> Result<i64, CloudError> {
    let put = account.lock.put_parameter().name(name(account)).value(value).r#type(ParameterType::String);
    let answer = put.overwrite(overwrite).send().await.map_err(|e| failed("PutParameter", e))?;
    Ok(answer.version())
}

fn value(account: &Account, me: &Holder) -> String {
    let now = account.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let beating = Holder { heartbeat: i64::try_from(now).unwrap_or(i64::MAX), ..me.clone() };
    serde_json::to_string(&beating).unwrap_or_default()
}
