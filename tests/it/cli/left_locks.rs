//! Locks that real processes leave behind, and those that they still hold.

use std::io::{BufRead, BufReader};
use std::process::Child;

use super::*;

/// A process that holds the lock: it waits for a domain, in a sandbox whose time runs with the clock.
fn holder(desk: &Desk, before: &[&str]) -> Child {
    let line: Vec<&str> = before.iter().copied().chain([PROGRAM]).collect();
    let mut command = desk.other(line[0]);
    command.args(&line[1..]).args(["apply", "minimal.yaml", "--auto-approve", "--format", "ndjson"]).args(IDENTITY);
    command.args([SANDBOX, "--sandbox-latency", "realistic"]).env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // The first step begins under the lock.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begins = |line: &str| {
        let event: Json = serde_json::from_str(line).unwrap();
        event["type"] == "started"
    };
    assert!(lines.by_ref().map(Result::unwrap).any(|line| begins(&line)), "it ended before it began");
    // Somebody goes on reading, or it would end by itself.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

/// Returns `true` once the system has ended a process whose parent has not asked for its status.
fn becomes_zombie(child: &Child) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let id = Pid::from_child(child);
    waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap().is_some()
}

#[test]
fn a_holder_that_was_killed_and_is_a_zombie_is_followed_at_once() {
    let desk = Desk::new();
    let mut child = holder(&desk, &[]);
    desk.apply("minimal.yaml").expect(6).notes_have("last heartbeat").notes_have("held for");
    child.kill().unwrap();
    assert!(becomes_zombie(&child));
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    // No waiting: `--lock-timeout` is not given, and the heartbeat is seconds old.
    desk.apply("minimal.yaml").expect(0).notes_have("left the lock behind");
    assert!(becomes_zombie(&child), "nobody has asked for its status meanwhile");
    child.wait().unwrap();
    desk.plan("minimal.yaml").expect(0);
}

#[test]
fn a_holder_in_another_pid_namespace_is_judged_by_its_heartbeat() {
    const APART: &[&str] = &["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    let is_permitted =
        Command::new(APART[0]).args(&APART[1..]).arg("true").output().is_ok_and(|ended| ended.status.success());
    if !is_permitted {
        println!("not tried here: `{}` is not permitted", APART.join(" "));
        return;
    }
    let desk = Desk::new();
    let mut child = holder(&desk, APART);
    // There it is process 1, which lives here too, and is another.
    desk.apply("minimal.yaml").expect(6).notes_have("last heartbeat");
    child.kill().unwrap();
    child.wait().unwrap();
    // Whether it has ended cannot be known here: its silence has to tell.
    desk.apply("minimal.yaml").expect(6);
    desk.run(&["apply", "minimal.yaml", "--auto-approve", "--lock-timeout", "10m"]).expect(0);
    desk.plan("minimal.yaml").expect(0);
}
