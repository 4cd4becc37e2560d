//! The lock as a run needs it: taking it, giving it back, and what people are told about whoever holds it.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use super::connected::Connected;
use super::host::Host;
use super::run::Observer;
use crate::aws::lock::{Holder, Lock, LockError, Standing};
use crate::cloud::CloudError;
use crate::escape::one_line;
use crate::failure::Failure;
use crate::failure::codes;
use crate::wording::elapsed;

/// The lock of a deployment in the hand of this run, which holds nothing yet.
pub fn of(command: &str, host: &Host, connected: &Connected) -> Lock {
    let process = &host.locality.process;
    let me = Holder {
        holder: host.user.clone(),
        process: process.clone(),
        token: format!("{}-{}-{}", process.host, process.pid, (host.now)()),
        command: command.to_owned(),
        ..Holder::default()
    };
    Lock::new(&connected.account, me, host.locality.clone())
}

/// Takes the lock, or says who has it.
pub(super) async fn take(
    connected: &Connected,
    lock: &Lock,
    timeout: Duration,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let notice = |message| connected.bus.notice(message);
    let Err(error) = lock.acquire(timeout, &notice).await else { return Ok(()) };
    if matches!(error, LockError::Cloud(_)) && lock.may_be_left() {
        give_back(connected, lock, false, observer).await;
    }
    Err(match error {
        LockError::Held(standing) => {
            Failure::new(&codes::LOCKED, format!("{} is locked by {}", connected.deployment(), who(&standing)))
                .detail(describe(&standing, connected))
                .helps([
                    format!("wait for it: {}", connected.caller.rerun_with(&["--lock-timeout", "10m"])),
                    format!("if it is gone for good, free the lock: {}", unlock(connected)),
                ])
        }
        LockError::Cloud(error) => connected.cloud(&error),
    })
}

/// Gives the lock back; with `gone` nothing of the deployment is left, and of the lock neither.
pub(super) async fn give_back(connected: &Connected, lock: &Lock, gone: bool, observer: &dyn Observer) {
    let released = if gone { lock.remove().await } else { lock.release().await };
    if let Err(error) = released {
        observer.error(&format!(
            "the lock could not be given back: {}\nthe next run takes it over once this process has ended; from another \
             machine in two minutes, or after {}",
            one_line(&error.to_string()),
            unlock(connected)
        ));
    }
}

/// Deletes the lock of a deployment of which nothing is left, unless somebody holds it and lives: what a destroy leaves
/// that was cut off at its very end.
///
/// # Errors
/// A call that failed.
pub async fn collect_stale(command: &str, host: &Host, connected: &Connected) -> Result<(), CloudError> {
    let lock = of(command, host, connected);
    if !lock.exists().await? {
        return Ok(());
    }
    match lock.acquire(Duration::ZERO, &|_| ()).await {
        Ok(()) => lock.remove().await,
        Err(LockError::Held(_)) => Ok(()),
        Err(LockError::Cloud(error)) => Err(error),
    }
}

/// The command that frees the lock of this deployment, and of no other of the same mdaa.yaml.
pub fn unlock(connected: &Connected) -> String {
    let names = &connected.loaded.names;
    let one = ["--domain", &names.domain, "--env", &names.env, "--module", &names.module, "--yes"];
    let one = if connected.loaded.is_one_of_several { &one[..] } else { &one[6..] };
    connected.caller.run("unlock", one)
}

/// The holder of the lock, in a few words.
pub fn who(standing: &Standing) -> String {
    standing.holder.as_ref().map_or_else(|| "nobody any more".to_owned(), |holder| one_line(&holder.to_string()))
}

/// The lock's age, its last heartbeat, and the time until it may be taken over, in words.
pub fn describe(standing: &Standing, connected: &Connected) -> String {
    let silent = elapsed(standing.silent);
    if standing.holder.is_none() {
        return format!("it was freed by hand {silent} ago and can be taken in {}", elapsed(standing.rest));
    }
    let held = held_for(standing, connected).map(|held| format!("held for {}, ", elapsed(held))).unwrap_or_default();
    let next = match standing.rest {
        Duration::ZERO => "the next run takes it over".to_owned(),
        rest => format!("if nothing more is heard of it, the next run takes it over in {}", elapsed(rest)),
    };
    format!("{held}last heartbeat {silent} ago; {next}")
}

/// The lock's age, its last heartbeat and the time until it may be taken over, as data.
pub fn document(standing: &Standing, connected: &Connected) -> Json {
    json!({
        "held_seconds": held_for(standing, connected).map(|held| held.as_secs()),
        "silent_seconds": standing.silent.as_secs(),
        "takeover_in_seconds": standing.rest.as_secs(),
    })
}

/// The lock's age by this machine's clock and the holder's: for people only.
fn held_for(standing: &Standing, connected: &Connected) -> Option<Duration> {
    let since = u64::try_from(standing.holder.as_ref()?.since?).ok()?;
    let now = connected.account.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(now.saturating_sub(Duration::from_secs(since)).max(standing.silent))
}
