//! The sandbox as an HTTP server, so that boto3, the AWS CLI or any SDK can look inside.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::front::{Lost, Sandbox};
use super::http_client::assemble;
use super::sleep::Latency;
use super::sleep::real;

/// Step by which a request from outside moves a clock that would stand still otherwise: less than the shortest state
/// that anything goes through (a space is Pending for 5 s), so that whoever looks at once sees each.
const OUTSIDE_REQUEST: Duration = Duration::from_secs(4);
/// Speed of the clock, as a multiple of a real one's, while nobody asks: whoever waits between two looks for something
/// that takes minutes waits for seconds.
const PACE: u32 = 30;
/// Longest step of the clock between two requests, lest a day's pause delete a key that was to be deleted in a month.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Time that a request which has begun may take once the server is to end: one that is half sent may never be whole.
const LAST_REQUESTS: Duration = Duration::from_secs(1);
/// Time that a request may take to arrive, so that a caller who sends it byte by byte does not hold a connection for
/// ever.
const ARRIVAL: Duration = Duration::from_mins(1);
/// Time without accepting when the operating system has no more connections to give.
const PAUSE: Duration = Duration::from_millis(100);

/// Moment of the last request, from which the clock's next step is reckoned.
#[derive(Clone, Debug)]
struct Pause(Arc<Mutex<Instant>>);

impl Pause {
    /// The clock's step for a request that comes now, which begins the next pause.
    fn end(&self) -> Duration {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = std::mem::replace(&mut *last, Instant::now()).elapsed();
        OUTSIDE_REQUEST + (pause * PACE).min(LONGEST_PAUSE)
    }
}

/// Answers requests until `shutdown` is done, and gives those that have begun a second to finish.
pub async fn serve(sandbox: Sandbox, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    let (stop, stopped) = tokio::sync::watch::channel(());
    let pause = Pause(Arc::new(Mutex::new(Instant::now())));
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Too many open files pass; the server stays.
                let Ok((stream, _)) = accepted else {
                    real(PAUSE).await;
                    continue;
                };
                connections.spawn(connection(sandbox.clone(), pause.clone(), stream, stopped.clone()));
            }
            Some(_) = connections.join_next() => (),
            () = &mut shutdown => break,
        }
    }
    drop(stop);
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = real(LAST_REQUESTS) => connections.shutdown().await,
    }
    Ok(())
}

async fn connection(sandbox: Sandbox, pause: Pause, stream: TcpStream, mut stopped: tokio::sync::watch::Receiver<()>) {
    let service = service_fn(move |request| answer(sandbox.clone(), pause.clone(), request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(ARRIVAL);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A connection that breaks is the caller's affair.
        result = connection.as_mut() => drop(result),
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}

async fn answer(
    sandbox: Sandbox,
    pause: Pause,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let body = tokio::select! {
        body = body.collect() => body?.to_bytes().to_vec(),
        () = real(ARRIVAL) => return Err("the request did not arrive in time".into()),
    };
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let request = assemble(parts.method.to_string(), &parts.uri, headers, body);
    if sandbox.latency() == Latency::None {
        sandbox.pass(pause.end()).await;
    }
    // An error makes hyper close the connection, which is what a lost answer looks like from outside.
    let response = match sandbox.exchange(&request) {
        Ok(response) => response,
        Err(Lost::Broken) => return Err("the sandbox lost the connection".into()),
        Err(Lost::Hung) => std::future::pending().await,
    };
    let mut answer = hyper::Response::builder().status(response.status);
    for (name, value) in response.headers {
        answer = answer.header(name, value);
    }
    Ok(answer.body(Full::new(Bytes::from(response.body)))?)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn requests_over_a_socket_are_answered_until_the_end() {
        let sandbox = Sandbox::in_memory();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(sandbox.clone(), listener, async { drop(stopped.await) }));
        let before = sandbox.virtual_now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = "Action=GetCallerIdentity&Version=2011-06-15";
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\nAuthorization: \
             AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/sts/aws4_request, Signature=0\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        assert!(text.contains("arn:aws:iam::123456789012:user/operator"), "{text}");
        assert!((4_000..304_000).contains(&(sandbox.virtual_now() - before)));
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn nobody_who_is_connected_keeps_the_server_from_ending() {
        for sent in
            ["", "POST / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"]
        {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let server = tokio::spawn(serve(Sandbox::in_memory(), listener, async { drop(stopped.await) }));
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            let begun = Instant::now();
            stop.send(()).unwrap();
            server.await.unwrap().unwrap();
            assert!(begun.elapsed() < Duration::from_secs(2), "{sent:?}: {:?}", begun.elapsed());
        }
    }

    #[test]
    fn a_pause_is_long_but_not_without_end() {
        let pause =
            |seconds| Pause(Arc::new(Mutex::new(Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap())));
        assert_eq!(pause(0).end().as_secs(), 4);
        assert_eq!(pause(2).end().as_secs(), 64);
        assert_eq!(pause(20).end().as_secs(), 304);
    }
}
