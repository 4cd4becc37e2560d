//! One writer at a time: a lock in SSM beside the record, taken by apply and destroy only.
//!
//! Its value says who holds it. It is made with `Overwrite=false` the first time and later overwritten from and to
//! `free`, since SSM refuses to make a deleted name again for half a minute. SSM has no conditional write, but it counts
//! versions: a value says which version it was written over, and holds only if it became the next one. Of all who saw the
//! lock free, just one writes that version. The others' values stand behind it and count for nothing: whoever reads
//! looks past them to the last one that holds.

use std::time::Duration;

use aws_sdk_ssm::types::{Parameter, ParameterType};
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
    /// The version of the lock that this was written over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<i64>,
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
    /// The latest version, whether it holds or not.
    version: i64,
    /// Who holds it.
    holder: Option<Holder>,
    /// Seconds since somebody wrote it, by SSM's clock when the answer says it.
    age: i64,
}

impl Seen {
    fn is_held_by(&self, me: &Holder) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.token == me.token)
    }
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
            None => claim(account, me, 0).await?,
            Some(seen) => match &seen.holder {
                None => claim(account, me, seen.version).await?,
                Some(holder) if holder.token == me.token => true,
                Some(holder) if is_dead(holder, (&me.host, me.pid), seen.age, is_alive) => {
                    account.notice(None, format!("{holder} left the lock behind; taking it over"));
                    claim(account, me, seen.version).await?
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
    let seen = look(account).await?.filter(|seen| seen.is_held_by(me));
    if let Some(seen) = &seen {
        put(account, &value(account, me, seen.version), true).await?;
    }
    Ok(seen.is_some())
}

/// Gives the lock back, unless somebody took it over.
///
/// # Errors
/// What SSM fails with.
pub async fn release(account: &Account, me: &Holder) -> Result<(), CloudError> {
    if look(account).await?.is_some_and(|seen| seen.is_held_by(me)) {
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
    let Some(parameter) = read(account, None).await? else { return Ok(None) };
    let now = account.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let written = parameter.last_modified_date().map_or(0, aws_smithy_types::DateTime::secs);
    let (latest, mut version) = (parameter.version(), parameter.version());
    let mut holder = said(&parameter);
    while let Some(claim) = &holder
        && claim.over.is_some_and(|over| over + 1 != version)
    {
        version -= 1;
        // What was before the first version, or is forgotten by now, holds nothing.
        let earlier = if version > 0 { read(account, Some(version)).await? } else { None };
        holder = earlier.as_ref().and_then(said);
    }
    let age = i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(written);
    Ok(Some(Seen { version: latest, holder, age }))
}

/// Who a value says that holds the lock: whether it does, its version tells.
fn said(parameter: &Parameter) -> Option<Holder> {
    parameter.value().and_then(|value| serde_json::from_str(value).ok())
}

/// The parameter, or an earlier version of it.
async fn read(account: &Account, version: Option<i64>) -> Result<Option<Parameter>, CloudError> {
    let selector = version.map(|version| format!(":{version}")).unwrap_or_default();
    let get = account.lock.get_parameter().name(format!("{}{selector}", name(account)));
    match get.send().await.map_err(|e| failed("GetParameter", e)) {
        Ok(answer) => Ok(answer.parameter),
        Err(error) if error.kind == ErrorKind::NotFound || error.is("ParameterVersionNotFound") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes `me` over version `seen`, which nobody holds; whether that took the lock.
async fn claim(account: &Account, me: &Holder, seen: i64) -> Result<bool, CloudError> {
    match put(account, &value(account, me, seen), seen > 0).await {
        Ok(version) if version == seen + 1 => return Ok(true),
        // Somebody was faster, or the answer to our own attempt was lost, or the name was deleted a moment ago.
        Ok(_) => {}
        Err(error) if error.is("ParameterAlreadyExists") => {}
        Err(error) => return Err(error),
    }
    Ok(look(account).await?.is_some_and(|seen| seen.is_held_by(me)))
}

async fn put(account: &Account, value: &str, overwrite: bool) -> Result<i64, CloudError> {
    let put = account.lock.put_parameter().name(name(account)).value(value).r#type(ParameterType::String);
    let answer = put.overwrite(overwrite).send().await.map_err(|e| failed("PutParameter", e))?;
    Ok(answer.version())
}

fn value(account: &Account, me: &Holder, over: i64) -> String {
    let now = account.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let beating = Holder { heartbeat: i64::try_from(now).unwrap_or(i64::MAX), over: Some(over), ..me.clone() };
    serde_json::to_string(&beating).unwrap_or_default()
}

#[cfg(feature = "sandbox")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Deployment;
    use crate::resource::Names;
    use crate::sandbox::front::Sandbox;

    fn account() -> Account {
        let deployment = Deployment {
            org: "acme".into(),
            env: "dev".into(),
            domain: "ml".into(),
            module: "studio".into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
        };
        let names = Names::new(&deployment).unwrap();
        Account::new(&Sandbox::in_memory().sdk_config().build(), true, deployment, names, Box::new(|_| {}))
    }

    fn contender(token: &str) -> Holder {
        let name = token.to_owned();
        Holder {
            holder: name.clone(),
            host: "here".into(),
            pid: 1,
            token: name,
            command: "apply".into(),
            heartbeat: 0,
            over: None,
        }
    }

    async fn version(account: &Account) -> i64 {
        look(account).await.unwrap().map_or(0, |seen| seen.version)
    }

    /// Everybody looks before anybody writes, from the first lock ever, a free one and a dead one's.
    #[tokio::test]
    async fn of_all_who_saw_it_free_one_has_it() {
        let account = account();
        let names = ["one", "two", "three"];
        for round in 0..3 {
            let seen = version(&account).await;
            let mut owners = Vec::new();
            for name in names {
                if claim(&account, &contender(name), seen).await.unwrap() {
                    owners.push(name);
                }
            }
            assert_eq!(owners, ["one"], "round {round}");
            let holder = holder(&account).await.unwrap().unwrap();
            assert_eq!(holder.token, "one");
            assert!(beat(&account, &contender("one")).await.unwrap());
            assert!(!beat(&account, &contender("two")).await.unwrap());
            let now = Duration::ZERO;
            let late = acquire(&account, &contender("two"), &|_| true, now).await;
            // Its process id is that of the holder, as in two containers of one name.
            assert!(late.is_ok(), "the holder's process is ours, so that it cannot live");
            release(&account, &contender("one")).await.unwrap();
            assert!(beat(&account, &contender("two")).await.unwrap(), "who lost it cannot free it");
            if round == 1 {
                release(&account, &contender("two")).await.unwrap();
                assert_eq!(super::holder(&account).await.unwrap(), None);
            }
        }
    }

    /// Its own write reached SSM twice: the first made the version that counts, and others came between.
    #[tokio::test]
    async fn a_write_that_was_repeated_still_holds() {
        let account = account();
        free(&account).await.unwrap();
        let seen = version(&account).await;
        put(&account, &value(&account, &contender("one"), seen), true).await.unwrap();
        assert!(!claim(&account, &contender("two"), seen).await.unwrap());
        assert!(claim(&account, &contender("one"), seen).await.unwrap());
        assert!(!claim(&account, &contender("three"), seen).await.unwrap());
        // A heartbeat that another write slipped in before.
        put(&account, &value(&account, &contender("one"), seen), true).await.unwrap();
        assert_eq!(holder(&account).await.unwrap().unwrap().token, "one");
        release(&account, &contender("two")).await.unwrap();
        assert_eq!(holder(&account).await.unwrap().unwrap().token, "one");
        release(&account, &contender("one")).await.unwrap();
        assert!(claim(&account, &contender("three"), version(&account).await).await.unwrap());
    }
}
