//! Counts the calls that change something, to hold the exit codes to their word.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// How many calls left that change something.
#[derive(Clone, Debug, Default)]
pub struct Writes(Arc<AtomicU64>);

impl Writes {
    /// The number so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the names of operations that only read begin with; AssumeRole gives credentials and changes nothing.
const READS: [&str; 7] = ["Describe", "Get", "List", "Head", "Simulate", "AssumeRole", "CreatePresigned"];

/// Whether an operation of this name changes nothing, however it ends.
pub fn only_reads(operation: &str) -> bool {
    READS.iter().any(|read| operation.starts_with(read))
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Writes {
    fn name(&self) -> &'static str {
        "Writes"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(|metadata| metadata.name().to_owned()).unwrap_or_default();
        if !only_reads(&operation) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
