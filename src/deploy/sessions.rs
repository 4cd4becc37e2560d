//! The ways into accounts that the deployments of one run share.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::host::Host;
use crate::aws::connect::{ConnectOptions, Session};
use crate::aws::lookups::Lookups;
use crate::failure::Failure;
use crate::hint::Caller;

/// The sessions of a run: one for all deployments that reach the same account and region in the same way.
#[derive(Debug, Default)]
pub struct Sessions {
    shares_lookups: bool,
    open: RefCell<BTreeMap<ConnectOptions, Rc<OnceCell<Rc<Session>>>>>,
    /// The first failure of each that cannot be opened.
    failed: RefCell<BTreeMap<ConnectOptions, Failure>>,
}

impl Sessions {
    /// The sessions of a run, which shares what it finds out about accounts if it `only_reads`. Who the caller is credentials
    /// alone decide, so that is always shared.
    pub fn new(only_reads: bool) -> Self {
        Self { shares_lookups: only_reads, ..Self::default() }
    }

    /// The session that `options` lead to, opened by whoever comes first.
    ///
    /// # Errors
    /// No credentials, no region, or that STS cannot be reached.
    pub(super) async fn get(
        &self,
        options: &ConnectOptions,
        host: &Host,
        words: &Caller,
    ) -> Result<Rc<Session>, Failure> {
        let cell = Rc::clone(self.open.borrow_mut().entry(options.clone()).or_default());
        let opened = cell.get_or_try_init(|| self.open(options, host, words)).await.cloned();
        // Each deployment tries, since the next may have more luck. Who fails in the same way fails in the same words, the
        // request's id among them, so that people are told of it once.
        opened.map_err(|failure| {
            let mut failed = self.failed.borrow_mut();
            let first = failed.entry(options.clone()).or_insert_with(|| failure.clone());
            if (first.code, &first.summary) == (failure.code, &failure.summary) { first.clone() } else { failure }
        })
    }

    async fn open(&self, options: &ConnectOptions, host: &Host, words: &Caller) -> Result<Rc<Session>, Failure> {
        let way_in = host.backend.config(options).await?;
        let lookups = self.shares_lookups.then(Arc::<Lookups>::default);
        Ok(Rc::new(Session::open(way_in, lookups, words).await?))
    }
}
