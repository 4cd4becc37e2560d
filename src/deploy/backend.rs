//! The AWS that a run works with: the real one, or one that a test or the sandbox puts in its place.

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use aws_types::SdkConfig;

use super::load::Loaded;
use crate::aws::connect::{ConnectOptions, RealAws};
use crate::failure::Failure;

/// An AWS as a run reaches it.
#[async_trait(?Send)]
pub trait Backend: fmt::Debug {
    /// Returns `true` if names that nobody gave may be made up: nothing real can come to harm.
    fn is_sandbox(&self) -> bool {
        false
    }

    /// Makes sure that what the config refers to exists, where that is this AWS's business; a line for each thing made.
    ///
    /// # Errors
    /// When it cannot be made, or kept.
    fn prepare(&self, loaded: &Loaded, options: &ConnectOptions) -> Result<Vec<String>, Failure> {
        let _ = (loaded, options);
        Ok(Vec::new())
    }

    /// Keeps its clock, where that is a virtual one, from running while something takes real time, until what is returned
    /// is dropped.
    fn hold_clock(&self) -> Box<dyn Any> {
        Box::new(())
    }

    /// The configuration that leads to it, and whether buckets have to be addressed by path.
    ///
    /// # Errors
    /// When there is no way to it: a profile that does not exist, a role that cannot be assumed.
    async fn config(&self, options: &ConnectOptions) -> Result<(SdkConfig, bool), Failure>;
}

#[async_trait(?Send)]
impl Backend for RealAws {
    async fn config(&self, options: &ConnectOptions) -> Result<(SdkConfig, bool), Failure> {
        self.connect(options).await
    }
}
