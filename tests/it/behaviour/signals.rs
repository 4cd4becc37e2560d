//! The program itself, stopped half way.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::BASE;

fn program(folder: &Path, line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio-deploy"));
    command.current_dir(folder).args(line).args(["studio.yaml", "--sandbox=state.json", "--sandbox-log=calls.jsonl"]);
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
