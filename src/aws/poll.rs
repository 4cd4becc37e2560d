//! Polling for many things at once: one list tells everybody who waits the status of what they wait for.
//!
//! The list is only a hint, since lists lag: whoever hears that something is not on its way any more, or hears nothing of it,
//! looks at it by itself, and that look decides. So a list that is wrong costs a call, and nothing else. One or two that wait
//! look by themselves, which is cheaper than a list.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use super::wait::Clock;
use crate::cloud::{CloudError, ErrorKind};

/// The number of those that wait from which on a list is cheaper than a look at each.
const WORTH_A_LIST: usize = 3;

/// The name of a thing as statuses are kept by it: AWS compares names without case.
pub fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// List that shows the statuses of things of one sort, newest changes first.
pub trait StatusList {
    /// Statuses in AWS's word, by [`key`] of the name, from as much of the list as it takes to have seen all of `keys`.
    fn read(&self, keys: &BTreeSet<String>) -> impl Future<Output = Result<BTreeMap<String, String>, CloudError>>;
}

/// Statuses that the pages of a list have shown so far, of the things that are looked for.
#[derive(Debug)]
pub struct Seen {
    /// The statuses so far, by key.
    pub statuses: BTreeMap<String, String>,
    left: BTreeSet<String>,
    pages: usize,
}

impl Seen {
    /// Nothing yet of what has these keys.
    pub fn of(keys: &BTreeSet<String>) -> Self {
        // What is gone is on no page, and what does not stand where it should is not worth the whole list: those who hear
        // nothing look by themselves.
        let pages = keys.len().div_ceil(100) + 1;
        Self { statuses: BTreeMap::new(), left: keys.clone(), pages }
    }

    /// Takes names and statuses of a page; returns `true` if no further page is needed.
    pub fn page<'a>(&mut self, page: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
        for (name, status) in page {
            let key = key(name);
            if self.left.remove(&key) {
                self.statuses.insert(key, status.to_owned());
            }
        }
        self.pages -= 1;
        self.left.is_empty() || self.pages == 0
    }
}

/// One pause of somebody who waits.
#[derive(Clone, Copy, Debug)]
pub struct Rest<'a> {
    /// The name of what is waited for.
    pub name: &'a str,
    /// The time until the next look at it.
    pub pause: Duration,
    /// The least time between two lists.
    pub between: Duration,
}

/// Poller of things of one sort, shared by all who wait for one of them.
///
/// There is no task of its own that polls: the first who waits reads the list for all, and when its own thing is done, the
/// next one takes over.
#[derive(Default)]
pub struct Poller {
    state: RefCell<State>,
    /// Wakes whoever reads the list when something is due earlier than all before.
    sooner: Notify,
    /// Wakes all others when the list was read, or is read by nobody any more.
    read: Notify,
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    /// What is waited for, by key: when the next look at it is due, unless it is looked at by itself.
    waiting: BTreeMap<String, Option<SystemTime>>,
    /// Whether somebody reads the list, or waits for the time to do so.
    has_reader: bool,
    /// Number of times that it was read.
    rounds: u64,
    /// The last reading: for which keys, when, and what it showed.
    last: Option<Reading>,
    /// Whether the list is refused, so that everybody looks by themselves.
    is_refused: bool,
}

struct Reading {
    keys: BTreeSet<String>,
    at: SystemTime,
    statuses: Result<BTreeMap<String, String>, CloudError>,
}

impl Poller {
    /// Rests until it is worthwhile to look at a thing: after its pause if few wait, else once `list` does not show it, or shows
    /// it in a status for which `goes_on` has no further pause.
    pub async fn rest(
        &self,
        clock: &Clock,
        rest: Rest<'_>,
        list: &impl StatusList,
        goes_on: impl Fn(&str) -> Option<Duration>,
    ) {
        let entry = Entry::new(self, key(rest.name));
        if self.is_by_itself() {
            return clock.sleep(rest.pause).await;
        }
        let mut pause = rest.pause;
        loop {
            self.set_due(&entry.key, clock.now() + pause);
            self.next_reading(clock, &entry.key, rest.between, list).await;
            let State { last, is_refused, .. } = &mut *self.state.borrow_mut();
            let Some(reading) = last else { return };
            match &reading.statuses {
                Ok(statuses) => match statuses.get(&entry.key).and_then(|status| goes_on(status)) {
                    Some(next) => pause = next,
                    None => return,
                },
                // Of a list that is throttled, too, everybody hears: only who looks knows whether the time for waiting is over.
                Err(error) => {
                    *is_refused |= error.kind == ErrorKind::Denied;
                    return;
                }
            }
        }
    }

    fn is_by_itself(&self) -> bool {
        let state = self.state.borrow();
        state.is_refused || state.waiting.len() < WORTH_A_LIST
    }

    /// Sets when the next look at a thing is due.
    fn set_due(&self, key: &str, at: SystemTime) {
        let mut state = self.state.borrow_mut();
        let is_first = state.waiting.values().flatten().all(|other| at < *other);
        state.waiting.insert(key.to_owned(), Some(at));
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// Waits until the list has been read for `key`, or reads it.
    async fn next_reading(&self, clock: &Clock, key: &str, between: Duration, list: &impl StatusList) {
        let mut rounds = self.state.borrow().rounds;
        loop {
            match Reader::new(self) {
                Some(_reader) => {
                    self.until_due(clock, between).await;
                    let keys: BTreeSet<String> = {
                        let state = self.state.borrow();
                        state.waiting.iter().filter(|(_, due)| due.is_some()).map(|(key, _)| key.clone()).collect()
                    };
                    let statuses = list.read(&keys).await;
                    let mut state = self.state.borrow_mut();
                    state.rounds += 1;
                    state.last = Some(Reading { keys, at: clock.now(), statuses });
                }
                None => self.read.notified().await,
            }
            let state = self.state.borrow();
            let is_new = state.rounds > std::mem::replace(&mut rounds, state.rounds);
            // Whoever came while it was read was not looked for.
            if is_new && state.last.as_ref().is_some_and(|reading| reading.keys.contains(key)) {
                return;
            }
        }
    }

    /// Waits until the first look is due; more may come to wait meanwhile, and be due before.
    async fn until_due(&self, clock: &Clock, between: Duration) {
        loop {
            let due = {
                let state = self.state.borrow();
                let first = state.waiting.values().flatten().min().copied();
                first.max(state.last.as_ref().map(|reading| reading.at + between))
            };
            let left = due.and_then(|due| due.duration_since(clock.now()).ok()).unwrap_or_default();
            if left.is_zero() {
                return;
            }
            tokio::select! {
                biased;
                () = self.sooner.notified() => {}
                () = clock.sleep(left) => {}
            }
        }
    }
}

/// Something that is waited for, for as long as it is.
struct Entry<'a> {
    poller: &'a Poller,
    key: String,
}

impl<'a> Entry<'a> {
    fn new(poller: &'a Poller, key: String) -> Self {
        poller.state.borrow_mut().waiting.insert(key.clone(), None);
        Self { poller, key }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.poller.state.borrow_mut().waiting.remove(&self.key);
    }
}

/// The one who reads the list for all, until it was read, or this one does not wait any more.
struct Reader<'a>(&'a Poller);

impl<'a> Reader<'a> {
    fn new(poller: &'a Poller) -> Option<Self> {
        let is_free = !std::mem::replace(&mut poller.state.borrow_mut().has_reader, true);
        is_free.then(|| Self(poller))
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.state.borrow_mut().has_reader = false;
        self.0.read.notify_waiters();
    }
}

#[cfg(feature = "sandbox")]
#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use aws_smithy_async::rt::sleep::SharedAsyncSleep;
    use aws_smithy_async::time::SharedTimeSource;
    use futures_util::future::join_all;
    use studio_sandbox::Sandbox;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock(sandbox: &Sandbox) -> Clock {
        Clock::new(SharedAsyncSleep::new(sandbox.clone()), SharedTimeSource::new(sandbox.clone()), "test")
    }

    /// A list in which everything is pending until a moment, and then not.
    struct Until<'a> {
        clock: &'a Clock,
        ready: SystemTime,
        read: Cell<usize>,
        refuses: Option<ErrorKind>,
    }

    impl StatusList for Until<'_> {
        async fn read(&self, keys: &BTreeSet<String>) -> Result<BTreeMap<String, String>, CloudError> {
            self.read.set(self.read.get() + 1);
            assert!(self.read.get() < 100, "it is asked without end");
            if let Some(kind) = self.refuses {
                return Err(CloudError::new(kind, "List", "no"));
            }
            let status = if self.clock.now() < self.ready { "Pending" } else { "InService" };
            Ok(keys.iter().map(|key| (key.clone(), status.to_owned())).collect())
        }
    }

    fn rest(name: &str) -> Rest<'_> {
        Rest { name, pause: SECOND, between: SECOND }
    }

    fn goes_on(status: &str) -> Option<Duration> {
        (status == "Pending").then_some(SECOND)
    }

    /// So many wait, the last of them for the shorter pause, and something becomes ready after ten seconds: how often the list was
    /// read, and the seconds after which each was told.
    async fn waited(count: usize, refuses: Option<ErrorKind>) -> (usize, Vec<u64>) {
        let sandbox = Sandbox::in_memory();
        let clock = clock(&sandbox);
        let (start, poller) = (clock.now(), Poller::default());
        let list = Until { clock: &clock, ready: start + SECOND * 10, read: Cell::new(0), refuses };
        let waits = (0..count).map(|number| {
            let (list, poller, clock) = (&list, &poller, &clock);
            async move {
                let name = format!("Name-{number}");
                let pause = SECOND * if number + 1 == count { 3 } else { 5 };
                poller.rest(clock, Rest { pause, ..rest(&name) }, list, goes_on).await;
                clock.elapsed(start).as_secs()
            }
        });
        let told = join_all(waits).await;
        assert!(poller.state.borrow().waiting.is_empty());
        (list.read.get(), told)
    }

    #[tokio::test]
    async fn one_list_tells_everybody_who_waits() {
        // Two look by themselves, since the third comes only after they do.
        assert_eq!(waited(2, None).await, (0, vec![5, 3]));
        let (read, told) = waited(500, None).await;
        assert_eq!((read, told.len()), (8, 500));
        assert_eq!(told[..2], [5, 5]);
        assert!(told[2..].iter().all(|seconds| *seconds == 10), "{told:?}");
    }

    #[tokio::test]
    async fn a_list_that_is_refused_is_not_asked_again() {
        let (read, told) = waited(5, Some(ErrorKind::Denied)).await;
        assert_eq!((read, told), (1, vec![5, 5, 3, 3, 3]));
        let (read, told) = waited(5, Some(ErrorKind::Connection)).await;
        assert_eq!((read, told), (1, vec![5, 5, 3, 3, 3]));
    }

    #[tokio::test]
    async fn a_list_that_stays_throttled_keeps_nobody_beyond_the_time_for_waiting() {
        assert_eq!(waited(5, Some(ErrorKind::Throttled)).await, (1, vec![5, 5, 3, 3, 3]));
    }

    #[tokio::test]
    async fn when_the_one_who_reads_leaves_the_next_one_reads() {
        let sandbox = Sandbox::in_memory();
        let clock = clock(&sandbox);
        let poller = Poller::default();
        let list = Until { clock: &clock, ready: clock.now(), read: Cell::new(0), refuses: None };
        let _others = [Entry::new(&poller, "one".into()), Entry::new(&poller, "two".into())];
        let mut first = Box::pin(poller.rest(&clock, rest("three"), &list, goes_on));
        let mut second = Box::pin(poller.rest(&clock, rest("four"), &list, goes_on));
        tokio::select! {
            biased;
            () = &mut first => panic!("it is not due"),
            () = &mut second => panic!("it is not due"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        second.await;
        assert_eq!(list.read.get(), 1);
    }

    #[test]
    fn pages_are_read_until_all_are_seen_and_not_for_ever() {
        let keys: BTreeSet<String> = (0..150).map(|n| format!("u{n}")).collect();
        let mut seen = Seen::of(&keys);
        assert!(!seen.page((0..100).map(|_| ("somebody", "InService"))));
        assert!(!seen.page([("U1", "Pending")].into_iter()));
        assert!(seen.page(std::iter::empty()));
        assert_eq!(seen.statuses, BTreeMap::from([("u1".to_owned(), "Pending".to_owned())]));
        let mut seen = Seen::of(&["ann".to_owned()].into());
        assert!(seen.page([("ben", "InService"), ("Ann", "Pending")].into_iter()));
    }
}
