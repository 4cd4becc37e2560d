//! The lock on the sandbox's SSM: what the protocol decides reaches the parameter.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::naming::Names;
use studio_sandbox::Sandbox;

fn account(sandbox: &Sandbox) -> Account {
    let deployment = crate::testing::deployment();
    let names = Names::new(&deployment).unwrap();
    Account::new(&sandbox.sdk_config().build(), true, deployment, names, Box::new(|_| {}))
}

/// A run of a process in a PID namespace of the one host that there is.
fn run(account: &Account, token: &str, namespace: &str, life: fn(u32) -> ProcessState) -> Lock {
    let process = Process {
        host: "here".into(),
        pid: 1,
        boot: Some("b".into()),
        namespace: Some(namespace.into()),
        started: Some(5),
    };
    let me = Holder {
        holder: token.into(),
        process: process.clone(),
        token: token.into(),
        command: "apply".into(),
        ..Holder::default()
    };
    Lock::new(account, me, Locality { process, life, uptime: || Duration::ZERO })
}

async fn take(lock: &Lock) -> Result<(), LockError> {
    lock.acquire(Duration::ZERO, &|_| ()).await
}

#[tokio::test]
async fn a_live_lock_is_not_stolen_from_another_namespace() {
    let sandbox = Sandbox::in_memory();
    let account = account(&sandbox);
    // Both are process 1 of a host called `here`, and neither sees the other.
    let (first, second) =
        (run(&account, "one", "n1", |_| ProcessState::Gone), run(&account, "two", "n2", |_| ProcessState::Gone));
    take(&first).await.unwrap();
    let Err(LockError::Held(standing)) = take(&second).await else { panic!("it was stolen") };
    assert_eq!(standing.holder.map(|holder| holder.holder), Some("one".into()));
    assert!(standing.rest > Duration::from_secs(110), "{:?}", standing.rest);
    // While its heart beats it stays so; two minutes after the last beat it is taken over.
    sandbox.pass(Duration::from_secs(100)).await;
    assert!(first.heartbeat().await.unwrap());
    sandbox.pass(Duration::from_secs(100)).await;
    assert!(take(&second).await.is_err());
    sandbox.pass(Duration::from_secs(30)).await;
    take(&second).await.unwrap();
    assert!(!first.heartbeat().await.unwrap());
    first.release().await.unwrap();
    assert!(second.heartbeat().await.unwrap(), "who lost it cannot free it");
}

#[tokio::test]
async fn a_dead_holder_is_followed_at_once() {
    let lives: [(fn(u32) -> ProcessState, bool); 4] = [
        (|_| ProcessState::Gone, true),
        (|_| ProcessState::Started(9), true),
        (|_| ProcessState::Started(5), false),
        (|_| ProcessState::Unknown, false),
    ];
    for (life, expected) in lives {
        let sandbox = Sandbox::in_memory();
        let account = account(&sandbox);
        take(&run(&account, "one", "n", life)).await.unwrap();
        assert_eq!(take(&run(&account, "two", "n", life)).await.is_ok(), expected, "{:?}", life(1));
    }
}

#[tokio::test]
async fn a_lock_freed_by_hand_is_to_be_had_once_its_holder_cannot_write_any_more() {
    let sandbox = Sandbox::in_memory();
    let account = account(&sandbox);
    let (first, second) =
        (run(&account, "one", "n1", |_| ProcessState::Unknown), run(&account, "two", "n2", |_| ProcessState::Unknown));
    take(&first).await.unwrap();
    second.free("one").await.unwrap();
    assert_eq!(second.standing().await.unwrap().and_then(|standing| standing.holder), None);
    let before = account.clock.now();
    take(&second).await.unwrap();
    let waited = account.clock.now().duration_since(before).unwrap();
    assert!(waited > Duration::from_secs(100) && waited < Duration::from_secs(130), "{waited:?}");
    assert!(!first.heartbeat().await.unwrap());
    // Freeing is about whom one has seen, not about who is next.
    first.free("one").await.unwrap();
    assert!(second.heartbeat().await.unwrap());
}

#[tokio::test]
async fn what_earlier_versions_wrote_is_understood() {
    let sandbox = Sandbox::in_memory();
    let account = account(&sandbox);
    let name = format!("{}/lock", account.names.record);
    for (value, held) in [
        ("free", false),
        (r#"{"holder":"ann","host":"here","pid":1,"token":"t","command":"apply","heartbeat":1}"#, true),
        (r#"{"holder":"ann","host":"here","pid":1,"token":"t","command":"apply","heartbeat":1,"over":0}"#, true),
        ("nonsense", false),
    ] {
        let put = account.lock.put_parameter().name(&name).value(value).r#type(ParameterType::String);
        put.overwrite(true).send().await.unwrap();
        // The last but one is written over another version than it says, so that the one before it counts.
        let lock = run(&account, "two", "n", |_| ProcessState::Gone);
        assert_eq!(take(&lock).await.is_err(), held, "{value}");
        lock.release().await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_that_is_removed_leaves_nothing() {
    let sandbox = Sandbox::in_memory();
    let account = account(&sandbox);
    let lock = run(&account, "one", "n", |_| ProcessState::Gone);
    take(&lock).await.unwrap();
    lock.remove().await.unwrap();
    assert!(!lock.exists().await.unwrap());
    assert_eq!(account.fence.check(), Err(NotHeld::Lost), "nothing is written after that");
}

static UPTIME: AtomicU64 = AtomicU64::new(0);

/// A run that was asleep looks at the lock before it does anything else, and writes nothing when it has lost it.
#[tokio::test]
async fn whoever_slept_looks_before_it_writes() {
    let sandbox = Sandbox::in_memory();
    let account = account(&sandbox);
    let mut sleeper = run(&account, "one", "n1", |_| ProcessState::Unknown);
    sleeper.locality.uptime = || Duration::from_secs(UPTIME.load(Ordering::SeqCst));
    let other = run(&self::account(&sandbox), "two", "n2", |_| ProcessState::Unknown);
    let write = async || {
        let put = account.ssm.put_parameter().name("/w").value("1").r#type(ParameterType::String).overwrite(true);
        put.send().await.map_err(|e| failed("PutParameter", e)).map(drop)
    };
    take(&sleeper).await.unwrap();
    write().await.unwrap();
    let sleep = async |seconds: u64| {
        UPTIME.fetch_add(seconds, Ordering::SeqCst);
        sandbox.pass(Duration::from_secs(seconds)).await;
    };
    // Nobody took it meanwhile: it goes on, after a look.
    sleep(80).await;
    assert_eq!(write().await.unwrap_err().kind, ErrorKind::NotHeld);
    let told = RefCell::new(Vec::new());
    let tell = |message| told.borrow_mut().push(message);
    sleeper.keep(&tell, async { write().await.unwrap() }).await;
    assert_eq!(*told.borrow(), ["the lock is still ours: going on"]);
    // Somebody took it.
    sleep(200).await;
    take(&other).await.unwrap();
    let error = sleeper.keep(&tell, async { write().await.unwrap_err() }).await;
    assert_eq!((error.kind, error.sent), (ErrorKind::NotHeld, Sent::No));
    assert_eq!(told.borrow().last().map(String::as_str), Some("the lock was taken away: stopping"));
    assert!(*sleeper.fence.lost().borrow());
    let puts = sandbox.calls().iter().filter(|call| call.resource == "/w").count();
    assert_eq!(puts, 2, "what was refused never left");
}

#[tokio::test]
async fn whoever_follows_a_free_version_knows_that_nobody_had_the_lock_since() {
    let sandbox = Sandbox::in_memory();
    let account = account(&sandbox);
    let new = |token: &str| run(&account, token, "n", |_| ProcessState::Gone);
    let first = new("first");
    // A lock that nobody ever had may have been had and deleted meanwhile.
    assert_eq!(first.free_version().await.unwrap(), None);
    take(&first).await.unwrap();
    assert_eq!(new("second").free_version().await.unwrap(), None, "it is held");
    first.release().await.unwrap();

    let second = new("second");
    let seen = second.free_version().await.unwrap().unwrap();
    assert!(!second.is_next_after(&seen), "it is not held yet");
    take(&second).await.unwrap();
    assert!(second.is_next_after(&seen));
    second.release().await.unwrap();
    assert!(!second.is_next_after(&seen), "it is not held any more");

    // Somebody was faster, whether he has released it, or has ended without that.
    for releases in [true, false] {
        let third = new("third");
        let seen = third.free_version().await.unwrap().unwrap();
        let faster = new("faster");
        take(&faster).await.unwrap();
        if releases {
            faster.release().await.unwrap();
        }
        take(&third).await.unwrap();
        assert!(!third.is_next_after(&seen), "{releases}");
        third.release().await.unwrap();
    }

    // Deleted and made again its numbers begin anew.
    let fourth = new("fourth");
    take(&fourth).await.unwrap();
    fourth.remove().await.unwrap();
    sandbox.pass(Duration::from_mins(1)).await;
    let rounds = async || {
        let lock = new("again");
        take(&lock).await.unwrap();
        lock.release().await.unwrap();
        sandbox.pass(Duration::from_mins(1)).await;
    };
    rounds().await;
    let fifth = new("fifth");
    let seen = fifth.free_version().await.unwrap().unwrap();
    let gone = new("gone");
    take(&gone).await.unwrap();
    gone.remove().await.unwrap();
    sandbox.pass(Duration::from_mins(1)).await;
    rounds().await;
    take(&fifth).await.unwrap();
    assert!(!fifth.is_next_after(&seen), "the same number of another parameter");
}
