//! Notes about calls beside their answers: how many change something, to hold the exit codes to their word, and what
//! the service's clock shows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

/// A counter of the calls that left, and of those among them that may have changed something.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    writes: AtomicU64,
}

impl Calls {
    /// The number of requests so far, each attempt for itself.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// The number of those that may have changed something: all but the reads and those that the service has refused.
    pub fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::Relaxed)
    }
}

/// Beginnings of the names of operations that only read; AssumeRole gives credentials and changes nothing.
const READS: [&str; 7] = ["Describe", "Get", "List", "Head", "Simulate", "AssumeRole", "CreatePresigned"];

/// Returns `true` if an operation of this name changes nothing, however it ends.
pub fn only_reads(operation: &str) -> bool {
    READS.iter().any(|read| operation.starts_with(read))
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(|metadata| metadata.name().to_owned()).unwrap_or_default();
        self.0.sent.fetch_add(1, Ordering::Relaxed);
        if !only_reads(&operation) {
            self.0.writes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(|metadata| metadata.name().to_owned()).unwrap_or_default();
        // Whatever the service answers with 3xx or 4xx it has not done; with 5xx nobody knows.
        if !only_reads(&operation) && (300..500).contains(&context.response().status().as_u16()) {
            self.0.writes.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The time by the clock of the service that answered: the `Date` of the answer.
#[derive(Clone, Debug, Default)]
pub struct ServerTime(Arc<Mutex<Option<DateTime>>>);

impl ServerTime {
    /// The time, if the answer said one.
    pub fn get(&self) -> Option<DateTime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for ServerTime {
    fn name(&self) -> &'static str {
        "ServerTime"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
