//! The machine that a run goes on, handed in once: nothing else asks the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::backend::Backend;
use super::signals::Signals;
use crate::aws::lock::{Locality, Process, ProcessState};

/// The machine, the user and the AWS that a run has.
pub struct Host {
    /// The environment's variables.
    pub variables: BTreeMap<String, String>,
    /// Whether somebody can be asked: standard input and standard error are a terminal.
    pub interactive: bool,
    /// The name of the user.
    pub user: String,
    /// This process, and what its system says of others.
    pub locality: Locality,
    /// The time in RFC 3339.
    pub now: fn() -> String,
    /// The signals that end the run early.
    pub signals: Signals,
    /// The AWS to work with.
    pub backend: Rc<dyn Backend>,
}

impl Host {
    /// A host on which nobody can be asked and nothing stops a run: to read configs by.
    pub fn offline(backend: Rc<dyn Backend>, variables: BTreeMap<String, String>) -> Self {
        Self {
            variables,
            interactive: false,
            user: String::new(),
            locality: Locality {
                process: Process::default(),
                life: |_| ProcessState::Unknown,
                uptime: || std::time::Duration::ZERO,
            },
            now: String::new,
            signals: Signals::none(),
            backend,
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("user", &self.user).field("locality", &self.locality).finish_non_exhaustive()
    }
}
