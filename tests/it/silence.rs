//! Requests that are never answered: every run ends, and running again heals.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use studio_deploy::aws::bounds::Bounds;
use studio_deploy::aws::connect::caller;
use studio_deploy::cloud::ErrorKind;

use crate::faults::{Clean, Tried, heal_all};
use crate::support::account::Lab;
use crate::support::configs::{Story, stories};
use crate::support::picture::{difference, picture};

/// An endpoint that takes every connection, says this much, and no more.
fn mute(said: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut held: Vec<TcpStream> = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(said.as_bytes());
            held.push(stream);
        }
    });
    url
}

#[tokio::test]
async fn an_endpoint_that_never_answers_is_given_up() {
    let bounds = Bounds { attempt: Duration::from_millis(50), operation: Duration::from_millis(400), ..Bounds::USUAL };
    for said in ["", "HTTP/1.1 200 OK\r\nContent-Type: te", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<GetCaller"]
    {
        let credentials = SharedCredentialsProvider::new(Credentials::new("AKIATEST", "test", None, None, "test"));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials)
            .region(Region::new("us-east-1"))
            .endpoint_url(mute(said))
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .timeout_config(bounds.timeouts())
            .build();
        let began = Instant::now();
        let error = caller(&config).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Connection, "{said:?}: {error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{said:?}: {:?}", began.elapsed());
    }
}

/// Runs the story with nothing answered from call `from` on, and again; why that did not heal, if it did not.
fn fall_silent(story: &Story, clean: &Clean, from: usize) -> Result<Tried, String> {
    let lab = Lab::like(&clean.base);
    lab.set_faults_once(format!("hung-before={from}-9999999").parse().unwrap());
    let silent = lab.run(&story.command, &story.to);
    let told = |what: String| Err(format!("{} from call {from}: {what}\n{}", story.name, silent.notes));
    // The lock may be all that could not be given back.
    let was_done = silent.calls.len() >= from && silent.calls[from - 1..].iter().all(crate::support::ended::is_lock);
    if silent.code == 0 && !was_done {
        return told("it ended with 0".into());
    }
    let again = lab.run(&story.command, &story.to);
    if again.code != 0 {
        return told(format!("running again ended with {}\n{}", again.code, again.notes));
    }
    let mut seen = picture(&lab.tables());
    let locks = seen.iter_mut().filter(|line| line.contains("/lock: "));
    locks.for_each(|line| *line = line.replace("\"held\"", "\"free\""));
    let difference = difference(&clean.picture, &seen);
    if difference.is_empty() { Ok(Tried::Healed) } else { told(difference) }
}

fn try_every(step: usize, stories: &[Story]) {
    let mut tried = 0;
    for story in stories {
        let clean = Clean::of(story);
        let calls: Vec<usize> = (1..=clean.calls.len()).step_by(step).collect();
        tried += heal_all(story.name, &calls, |from| fall_silent(story, &clean, *from));
    }
    #[expect(clippy::print_stdout, reason = "the count of what was tried is what this is run for")]
    {
        println!("{tried} runs without an answer from some call on ended, and healed");
    }
}

#[test]
fn a_run_without_an_answer_ends_and_heals() {
    try_every(11, &stories()[..1]);
}

#[test]
#[ignore = "every call of every story; run by just faults"]
fn every_run_without_an_answer_ends_and_heals() {
    try_every(1, &stories());
}
