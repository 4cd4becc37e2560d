//! The lock as a run needs it: taking it, giving it back, and what people are told about whoever holds it.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use super::run::Run;
use super::session::Session;
use super::surroundings::Surroundings;
use crate::apply::Event;
use crate::aws::lock::{Holder, Lock, LockError, Standing};
use crate::cloud::CloudError;
use crate::escape::one_line;
use crate::failure::Failure;
use crate::failure::codes;
use crate::ui::elapsed;

/// This run's hand on the lock of a deployment; it holds nothing yet.
pub(super) fn hand(command: &str, surroundings: &Surroundings, session: &Session) -> Lock {
    let process = &surroundings.locality.process;
    let me = Holder {
        holder: surroundings.user.clone(),
        process: process.clone(),
        token: format!("{}-{}-{}", process.host, process.pid, (surroundings.now)()),
        command: command.to_owned(),
        ..Holder::default()
    };
    Lock::new(&session.account, me, surroundings.locality.clone())
}

/// Takes the lock, or says who has it.
pub(super) async fn take(run: &Run<'_>, session: &Session, lock: &Lock) -> Result<(), Failure> {
    let tell = |message| session.bus.tell(Event::Notice { address: None, message });
    let Err(error) = lock.acquire(run.global.run.lock_timeout, &tell).await else { return Ok(()) };
    if matches!(error, LockError::Cloud(_)) && lock.may_be_left() {
        give_back(run, session, lock, false).await;
    }
    Err(match error {
        LockError::Held(standing) => {
            Failure::new(&codes::LOCKED, format!("{} is locked by {}", session.deployment(), who(&standing)))
                .detail(told(&standing, session))
                .helps([
                    format!("wait for it: {}", run.global.caller.rerun_with(&["--lock-timeout", "10m"])),
                    format!("if it is gone for good, free the lock: {}", unlock(session)),
                ])
        }
        LockError::Cloud(error) => session.cloud(&error),
    })
}

/// Gives the lock back; with `gone` nothing of the deployment is left, and of the lock neither.
pub(super) async fn give_back(run: &Run<'_>, session: &Session, lock: &Lock, gone: bool) {
    let released = if gone { lock.remove().await } else { lock.release().await };
    if let Err(error) = released {
        run.screen.error(&format!(
            "the lock could not be given back: {}\nthe next run takes it over once this process has ended; from another \
             machine in two minutes, or after {}",
            one_line(&error.to_string()),
            unlock(session)
        ));
    }
}

/// Deletes the lock of a deployment of which nothing is left, unless somebody holds it and lives: what a destroy leaves
/// that was cut off at its very end.
pub(super) async fn sweep(run: &Run<'_>, session: &Session) -> Result<(), CloudError> {
    let lock = hand(run.command, run.surroundings, session);
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
pub(super) fn unlock(session: &Session) -> String {
    let names = &session.loaded.names;
    let one = ["--domain", &names.domain, "--env", &names.env, "--module", &names.module, "--yes"];
    let one = if session.is_one_of_several { &one[..] } else { &one[6..] };
    session.caller.run("unlock", one)
}

/// The holder of the lock, in a few words.
pub(super) fn who(standing: &Standing) -> String {
    standing.holder.as_ref().map_or_else(|| "nobody any more".to_owned(), |holder| one_line(&holder.to_string()))
}

/// The lock's age, its last heartbeat, and the time until it may be taken over, in words.
pub(super) fn told(standing: &Standing, session: &Session) -> String {
    let silent = elapsed(standing.silent);
    if standing.holder.is_none() {
        return format!("it was freed by hand {silent} ago and can be taken in {}", elapsed(standing.rest));
    }
    let held = held_for(standing, session).map(|held| format!("held for {}, ", elapsed(held))).unwrap_or_default();
    let next = match standing.rest {
        Duration::ZERO => "the next run takes it over".to_owned(),
        rest => format!("if nothing more is heard of it, the next run takes it over in {}", elapsed(rest)),
    };
    format!("{held}last heartbeat {silent} ago; {next}")
}

/// The lock's age, its last heartbeat and the time until it may be taken over, as data.
pub(super) fn document(standing: &Standing, session: &Session) -> Json {
    json!({
        "held_seconds": held_for(standing, session).map(|held| held.as_secs()),
        "silent_seconds": standing.silent.as_secs(),
        "takeover_in_seconds": standing.rest.as_secs(),
    })
}

/// The lock's age by this machine's clock and the holder's: for people only.
fn held_for(standing: &Standing, session: &Session) -> Option<Duration> {
    let since = u64::try_from(standing.holder.as_ref()?.since?).ok()?;
    let now = session.account.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(now.saturating_sub(Duration::from_secs(since)).max(standing.silent))
}
