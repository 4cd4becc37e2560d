//! The program itself, stopped half way.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::BASE;
use crate::support::account::IDENTITY;
use crate::support::program::{Desk, SANDBOX};

/// The program on the desk's config and sandbox, with its calls in a file.
fn program(desk: &Desk, line: &[&str], log: &str) -> Command {
    let mut command = desk.command(&[line, &["studio.yaml", SANDBOX, "--sandbox-log", log], &IDENTITY].concat());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn creations(desk: &Desk) -> usize {
    let log = desk.calls();
    log.iter().filter(|call| call.operation == "CreateDomain").count()
}

/// Waits until something is so, which it is in a moment or never.
#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(1), "it never was so");
        std::thread::yield_now();
    }
}

/// A CI runner cancels with INT, TERM after 7.5 s and KILL after another 2.5 s: by then all is in order.
#[test]
fn row_10_a_cancelled_run_releases_its_lock_and_is_resumed() {
    let desk = Desk::with(BASE);
    // CreateDomain takes 150 virtual seconds: here 15 real ones, longer than a runner waits.
    let slow = ["apply", "--auto-approve", "--sandbox-latency", "0.1"];
    let mut child = program(&desk, &slow, "calls").spawn().unwrap();
    until(|| creations(&desk) == 1);
    let start = Instant::now();
    signal(&child, "INT");
    let status = child.wait().unwrap();
    assert!(start.elapsed() < Duration::from_millis(7500), "it ends before the runner loses patience");
    assert_eq!(status.code(), Some(130));
    let unlock = program(&desk, &["unlock", "--format", "json"], "calls").stdout(Stdio::piped()).output().unwrap();
    let unlock: serde_json::Value = serde_json::from_slice(&unlock.stdout).unwrap();
    assert_eq!(unlock["holder"], serde_json::Value::Null, "{unlock}");
    let again = program(&desk, &["apply", "--auto-approve"], "calls").status().unwrap();
    assert_eq!(again.code(), Some(0));
    assert_eq!(creations(&desk), 1);
}

const SIGNALS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];

/// Ends `child` with a signal; it has to be gone before anybody would send the second one.
#[track_caller]
fn ends_at_once(mut child: Child, name: &str, code: i32) -> String {
    let start = Instant::now();
    signal(&child, name);
    let status = child.wait().unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{name}: it took {:?}", start.elapsed());
    assert_eq!(status.code(), Some(code));
    let mut notes = String::new();
    if let Some(mut stream) = child.stderr.take() {
        std::io::Read::read_to_string(&mut stream, &mut notes).unwrap();
    }
    notes
}

#[test]
fn a_signal_ends_at_once_what_only_reads() {
    let desk = Desk::with(BASE);
    // Something that takes requests and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for (line, (name, code)) in
        [&["plan"][..], &["apply", "--auto-approve"], &["unlock", "--yes"]].into_iter().zip(SIGNALS)
    {
        let place = ["studio.yaml", "--endpoint-url", &url, "--region", "us-east-1"];
        let mut command = desk.command(&[line, &place, &IDENTITY].concat());
        command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // It is asked: from now on it waits.
        let asked = silent.accept().unwrap();
        let notes = ends_at_once(child, name, code);
        assert_eq!(notes, format!("error[SD6002]: stopped by {name}\n  nothing was changed\n"), "{line:?}");
        drop(asked);
    }
}

#[test]
fn a_signal_ends_the_reading_of_standard_input() {
    let desk = Desk::empty();
    for (name, code) in SIGNALS {
        let mut command = desk.command(&["plan", "-", "--format", "ndjson"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // It has begun, so that it listens.
        let mut hello = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut hello).unwrap();
        let _input = child.stdin.take();
        ends_at_once(child, name, code);
    }
}

#[test]
fn a_signal_ends_the_wait_for_the_lock() {
    let desk = Desk::with(BASE);
    let slow = ["apply", "--auto-approve", "--sandbox-latency", "0.05"];
    let mut first = program(&desk, &slow, "calls").spawn().unwrap();
    until(|| creations(&desk) == 1);
    let patient = [&slow[..], &["--lock-timeout", "10m"]].concat();
    let mut second = program(&desk, &patient, "second").stderr(Stdio::piped()).spawn().unwrap();
    let mut notes = BufReader::new(second.stderr.take().unwrap()).lines();
    assert!(notes.any(|line| line.unwrap().contains("waiting for the lock")));
    ends_at_once(second, "INT", 130);
    assert_eq!(first.wait().unwrap().code(), Some(0), "it still holds its lock");
    let calls = desk.read("second");
    assert!(!calls.contains("\"writes\":true"), "{calls}");
}

#[test]
fn row_31_of_two_applies_at_once_one_waits_or_goes_away() {
    let desk = Desk::with(BASE);
    let slow = ["apply", "--auto-approve", "--sandbox-latency", "0.02"];
    let mut first = program(&desk, &slow, "calls").spawn().unwrap();
    until(|| creations(&desk) == 1);
    let second = program(&desk, &slow, "calls").status().unwrap();
    assert_eq!(second.code(), Some(6));
    let patient = [&slow[..], &["--lock-timeout", "10m"]].concat();
    let third = program(&desk, &patient, "calls").status().unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(0));
    // What it planned has been done by the first: nothing is left, or the plan is out of date.
    assert!(matches!(third.code(), Some(0 | 7)), "{third}");
    assert_eq!(creations(&desk), 1);
}
