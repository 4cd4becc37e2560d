//! An account between which and the engine things go wrong.

use std::cell::Cell;
use std::collections::BTreeMap;

use studio_deploy::cloud::{Cloud, CloudError, Deleted, ErrorKind, Sent};
use studio_deploy::model::{Address, Found, Graph, Node, Observed, Snapshot};
use studio_deploy::plan::{Change, DeletionPolicy, Record};

/// Effect of a fault on one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Refused, and not done.
    Refused,
    /// Done, with the answer lost.
    Lost,
    /// Not done, nor is anything after it.
    CutBefore,
    /// Done with the answer lost, and nothing after it is done.
    CutAfter,
}

/// The account, and what happens to which of its calls, counted from 0.
pub struct Faulty<'a, C> {
    account: &'a C,
    fates: BTreeMap<usize, Fate>,
    calls: Cell<usize>,
    cut: Cell<bool>,
    /// How many calls met their fate.
    pub fired: Cell<usize>,
}

impl<'a, C: Cloud> Faulty<'a, C> {
    /// `account` with these fates.
    pub fn new(account: &'a C, fates: BTreeMap<usize, Fate>) -> Self {
        Self { account, fates, calls: Cell::new(0), cut: Cell::new(false), fired: Cell::new(0) }
    }

    async fn call<T>(&self, what: &str, call: impl Future<Output = Result<T, CloudError>>) -> Result<T, CloudError> {
        let failed = |sent| {
            self.fired.set(self.fired.get() + 1);
            Err(CloudError { sent, ..CloudError::new(ErrorKind::Connection, what, "it went wrong on purpose") })
        };
        if self.cut.get() {
            return failed(Sent::No);
        }
        let number = self.calls.replace(self.calls.get() + 1);
        let fate = self.fates.get(&number);
        self.cut.set(matches!(fate, Some(Fate::CutBefore | Fate::CutAfter)));
        match fate {
            None => call.await,
            Some(Fate::Refused | Fate::CutBefore) => failed(Sent::No),
            Some(Fate::Lost | Fate::CutAfter) => {
                drop(call.await);
                failed(Sent::Maybe)
            }
        }
    }
}

impl<C: Cloud> Cloud for Faulty<'_, C> {
    async fn observe(&self, graph: &Graph, record: Option<&Record>) -> Result<Snapshot, CloudError> {
        self.call("observe", self.account.observe(graph, record)).await
    }

    async fn find(&self, node: &Node, seen: &dyn Fn(&Found) -> bool) -> Result<Found, CloudError> {
        self.call("find", self.account.find(node, seen)).await
    }

    async fn create(&self, node: &Node) -> Result<Observed, CloudError> {
        self.call("create", self.account.create(node)).await
    }

    async fn update(&self, node: &Node, observed: &Observed, changes: &[Change]) -> Result<Observed, CloudError> {
        self.call("update", self.account.update(node, observed, changes)).await
    }

    async fn release(&self, address: &Address, observed: &Observed, changes: &[Change]) -> Result<(), CloudError> {
        self.call("release", self.account.release(address, observed, changes)).await
    }

    async fn delete(
        &self,
        address: &Address,
        observed: &Observed,
        data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        self.call("delete", self.account.delete(address, observed, data)).await
    }

    async fn read_record(&self) -> Result<Option<Record>, CloudError> {
        self.call("read the record", self.account.read_record()).await
    }

    async fn write_record(&self, record: Option<&Record>) -> Result<(), CloudError> {
        self.call("write the record", self.account.write_record(record)).await
    }
}
