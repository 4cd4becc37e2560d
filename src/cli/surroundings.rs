//! What a run knows of the machine that it runs on, handed in once: nothing else asks the environment.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use async_trait::async_trait;
use aws_types::SdkConfig;

use super::load::Loaded;
use super::signals::Signals;
use crate::aws::lock::{Locality, Process, ProcessState};
use crate::failure::Failure;

/// The machine, the user and the AWS that a run has.
pub struct Surroundings {
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

impl Surroundings {
    /// Surroundings in which nobody can be asked and nothing stops a run: to read configs by.
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

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("user", &self.user)
            .field("locality", &self.locality)
            .finish_non_exhaustive()
    }
}

/// The AWS that is asked for: account, region, profile, role, endpoint.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The region, when somebody named one.
    pub region: Option<String>,
    /// The account, when somebody named one.
    pub account: Option<String>,
    /// The profile of the AWS configuration.
    pub profile: Option<String>,
    /// The role to become; may hold `{{partition}}` and `{{account}}`.
    pub role_arn: Option<String>,
    /// Another endpoint for every service.
    pub endpoint_url: Option<String>,
}

/// The AWS that a run works with: the real one, or one that a test or the sandbox puts in its place.
#[async_trait(?Send)]
pub trait Backend: fmt::Debug {
    /// Whether names that nobody gave may be made up: nothing real can come to harm.
    fn is_sandbox(&self) -> bool {
        false
    }

    /// Makes sure that what the config refers to exists, where that is this AWS's business; what was made, a line each.
    fn prepare(&self, loaded: &Loaded, wanted: &Wanted) -> Result<Vec<String>, Failure> {
        let _ = (loaded, wanted);
        Ok(Vec::new())
    }

    /// Keeps its clock, where that is a virtual one, from running while something takes real time, until what is returned
    /// is dropped.
    fn hold_clock(&self) -> Box<dyn Any> {
        Box::new(())
    }

    /// The configuration that leads to it, and whether buckets have to be addressed by path.
    async fn config(&self, wanted: &Wanted) -> Result<(SdkConfig, bool), Failure>;
}
