//! The SDK's HTTP client over the sandbox: no socket, the same requests.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use http_body_util::BodyExt;

use super::front::{Lost, Sandbox};
use super::sleep::Latency;
use super::wire::{Request, Response};

/// Duration of a request in virtual time, and in real time when time is real: an API call's usual order of magnitude.
const REQUEST: Duration = Duration::from_millis(100);

impl HttpClient for Sandbox {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Sandbox {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sandbox = self.clone();
        HttpConnectorFuture::new(async move {
            let reading = sandbox.busy();
            let request = read(request).await?;
            drop(reading);
            if sandbox.latency() != Latency::None {
                sandbox.pass(REQUEST).await;
            }
            let lost = || io::Error::new(io::ErrorKind::ConnectionReset, "the sandbox lost the connection");
            sandbox.sleepers().note();
            match sandbox.exchange(&request) {
                Ok(response) => write(response),
                Err(Lost::Broken) => Err(ConnectorError::io(lost().into())),
                Err(Lost::Hung) => std::future::pending().await,
            }
        })
    }
}

async fn read(request: HttpRequest) -> Result<Request, ConnectorError> {
    let user = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
    let method = request.method().to_owned();
    let uri: http::Uri = request.uri().parse().map_err(|error: http::uri::InvalidUri| user(error.into()))?;
    let headers: Vec<(String, String)> =
        request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = request.into_body().collect().await.map_err(user)?.to_bytes();
    Ok(assemble(method, &uri, headers, body.to_vec()))
}

fn write(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(response.status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut answer = HttpResponse::new(status, SdkBody::from(response.body));
    for (name, value) in response.headers {
        answer.headers_mut().try_append(name, value).map_err(|error| ConnectorError::other(error.into(), None))?;
    }
    Ok(answer)
}

/// A request from its parts: of the SDK or of a connection.
pub fn assemble(method: String, uri: &http::Uri, headers: Vec<(String, String)>, body: Vec<u8>) -> Request {
    let headers: BTreeMap<String, String> =
        headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let host = uri.host().map(str::to_owned).or_else(|| headers.get("host").cloned()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_owned();
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let chunked = headers.get("content-encoding").is_some_and(|encoding| encoding.contains("aws-chunked"))
        || headers.get("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-"));
    let body = if chunked { without_chunks(&body).unwrap_or(body) } else { body };
    let path = if uri.path().is_empty() { "/" } else { uri.path() }.to_owned();
    Request { method, host, path, query, headers, body }
}

/// The content of an `aws-chunked` body: `SIZE[;extension]CRLF content CRLF`, a chunk of size 0, trailers.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
fn without_chunks(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&body[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(content);
        }
        let rest = &body[end + 2..];
        content.extend_from_slice(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

impl Sandbox {
    /// Configuration of an SDK that works against the sandbox: its region, client and time, and the operator's
    /// credentials.
    ///
    /// The protection against stalled streams measures throughput with the same sleep and clock; where sleeping takes
    /// no time every stream looks stalled, so it is off.
    pub fn sdk_config(&self) -> aws_types::sdk_config::Builder {
        use aws_types::sdk_config::StalledStreamProtectionConfig;
        let credentials = Credentials::new("AKIASANDBOXOPERATOR0", "sandbox", None, None, "sandbox");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .region(Region::new(self.region()))
            .http_client(self.clone())
            .sleep_impl(self.clone())
            .time_source(self.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_taken_apart() {
        for (body, expected) in [
            ("3\r\nabc\r\n2;chunk-signature=ff\r\nde\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", Some("abcde")),
            ("0\r\n\r\n", Some("")),
            ("5\r\nab", None),
            ("plain", None),
        ] {
            assert_eq!(without_chunks(body.as_bytes()).as_deref(), expected.map(str::as_bytes), "{body:?}");
        }
    }

    #[test]
    fn requests_are_assembled() {
        let uri = "https://bucket.s3.us-east-1.amazonaws.com/a%20b?list-type=2&prefix=x%2Fy".parse().unwrap();
        let request = assemble("GET".into(), &uri, vec![("X-Amz-Date".into(), "now".into())], vec![]);
        assert_eq!((request.host.as_str(), request.path.as_str()), ("bucket.s3.us-east-1.amazonaws.com", "/a%20b"));
        assert_eq!(request.parameter("prefix"), Some("x/y"));
        assert_eq!(request.header("x-amz-date"), Some("now"));
    }
}
