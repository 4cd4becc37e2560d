//! The program itself, stopped half way.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::BASE;

fn program(folder: &Path, line: &[&str]) -> Command {
    logged(folder, line, "calls.jsonl")
}

fn logged(folder: &Path, line: &[&str], log: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio-deploy"));
    command.current_dir(folder).args(line).args(["studio.yaml", "--sandbox=state.json", "--sandbox-log", log]);
    command.args(["--org", "acme", "--env", "dev", "--domain", "ml", "--module", "studio"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn creations(folder: &Path) -> usize {
    let log = std::fs::read_to_string(folder.join("calls.jsonl")).unwrap_or_default();
    log.lines().filter(|line| line.contains("\"CreateDomain\"")).count()
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
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("studio.yaml"), BASE).unwrap();
    // CreateDomain takes 150 virtual seconds: here 15 real ones, longer than a runner waits.
    let slow = ["apply", "--auto-approve", "--sandbox-latency", "0.1"];
    let mut child = program(folder.path(), &slow).spawn().unwrap();
    until(|| creations(folder.path()) == 1);
    let start = Instant::now();
    signal(&child, "INT");
    let status = child.wait().unwrap();
    assert!(start.elapsed() < Duration::from_millis(7500), "it ends before the runner loses patience");
    assert_eq!(status.code(), Some(130));
    let unlock = program(folder.path(), &["unlock", "--format", "json"]).stdout(Stdio::piped()).output().unwrap();
    assert!(String::from_utf8_lossy(&unlock.stdout).contains("\"holder\":null"), "{unlock:?}");
    let again = program(folder.path(), &["apply", "--auto-approve"]).status().unwrap();
    assert_eq!(again.code(), Some(0));
    assert_eq!(creations(folder.path()), 1);
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
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("studio.yaml"), BASE).unwrap();
    // Something that takes requests and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let identity = ["--org", "acme", "--env", "dev", "--domain", "ml", "--module", "studio", "--region", "us-east-1"];
    for (line, (name, code)) in
        [&["plan"][..], &["apply", "--auto-approve"], &["unlock", "--yes"]].into_iter().zip(SIGNALS)
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studio-deploy"));
        command.current_dir(folder.path()).args(line).args(["studio.yaml", "--endpoint-url", &url]).args(identity);
        command.env_clear().env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // It is asked: from now on it waits.
        let asked = silent.accept().unwrap();
        let notes = ends_at_once(child, name, code);
        assert_eq!(notes, format!("error[SD6002]: stopped by {name}\n  nothing was changed\n"), "{line:?}");
        drop(asked);
    }
}

#[test]
fn a_signal_ends_the_reading_of_standard_input() {
    for (name, code) in SIGNALS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studio-deploy"));
        command.args(["plan", "-", "--format", "ndjson"]);
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
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("studio.yaml"), BASE).unwrap();
    let slow = ["apply", "--auto-approve", "--sandbox-latency", "0.05"];
    let mut first = program(folder.path(), &slow).spawn().unwrap();
    until(|| creations(folder.path()) == 1);
    let patient = [&slow[..], &["--lock-timeout", "10m"]].concat();
    let mut second = logged(folder.path(), &patient, "second.jsonl").stderr(Stdio::piped()).spawn().unwrap();
    let mut notes = BufReader::new(second.stderr.take().unwrap()).lines();
    assert!(notes.any(|line| line.unwrap().contains("waiting for the lock")));
    ends_at_once(second, "INT", 130);
    assert_eq!(first.wait().unwrap().code(), Some(0), "it still holds its lock");
    let calls = std::fs::read_to_string(folder.path().join("second.jsonl")).unwrap();
    assert!(!calls.contains("\"writes\":true"), "{calls}");
}

#[test]
fn row_31_of_two_applies_at_once_one_waits_or_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("studio.yaml"), BASE).unwrap();
    let slow = ["apply", "--auto-approve", "--sandbox-latency", "0.02"];
    let mut first = program(folder.path(), &slow).spawn().unwrap();
    until(|| creations(folder.path()) == 1);
    let second = program(folder.path(), &slow).status().unwrap();
    assert_eq!(second.code(), Some(6));
    let patient = [&slow[..], &["--lock-timeout", "10m"]].concat();
    let third = program(folder.path(), &patient).status().unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(0));
    // What it planned has been done by the first: nothing is left, or the plan is out of date.
    assert!(matches!(third.code(), Some(0 | 7)), "{third}");
    assert_eq!(creations(folder.path()), 1);
}
