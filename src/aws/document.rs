//! Requests and answers as JSON documents, past the SDK's builders but signed, retried and judged by it.
//!
//! SageMaker's settings trees have one typed definition in this crate. Sending the serialised document itself as the
//! request body means that no builder conversion stands between, and that create and update cannot differ.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value as Json;

use crate::cloud::{CloudError, ErrorKind};

/// Puts `document` in place of the request's body.
pub fn replace_body(request: &mut HttpRequest, document: &Json) {
    let body = document.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}

/// Keeps the answer's body as JSON.
#[derive(Clone, Debug, Default)]
pub struct Capture(Arc<Mutex<Option<Json>>>);

impl Capture {
    /// The body of the answer to `operation`.
    ///
    /// # Errors
    /// An answer that is no document says nothing: least of all that something is not there.
    pub fn take(&self, operation: &str) -> Result<Json, CloudError> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        body.ok_or_else(|| CloudError::new(ErrorKind::Connection, operation, "the answer is no JSON document"))
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "Capture"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body;
        Ok(())
    }
}

/// Sends a SageMaker operation whose whole input is `$document`, and returns its typed output.
#[macro_export]
#[doc(hidden)]
macro_rules! send_document {
    ($call:expr, $document:expr) => {{
        let document: serde_json::Value = $document;
        $call.customize().mutate_request(move |request| $crate::aws::document::replace_body(request, &document)).send()
    }};
}
