//! The values of the lock's parameter: who holds the lock, or nobody, and which version the value was written over.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::digest::hex;

/// The process that holds the lock, and what people are told about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holder {
    /// The user, by name.
    pub holder: String,
    /// The process that holds the lock. Earlier versions of this tool wrote host and process id only.
    #[serde(flatten)]
    pub process: Process,
    /// Tells two runs of one process id apart.
    pub token: String,
    /// The command that the run carries out, such as `apply`.
    pub command: String,
    /// The time when it took the lock: seconds since the epoch, by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// The time of its last heartbeat: seconds since the epoch, by its own clock.
    pub heartbeat: i64,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {} (process {}, `{}`)", self.holder, self.process.host, self.process.pid, self.command)
    }
}

/// A process, told apart from every other one as far as its system allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// The host's name, for people: containers and clones share it.
    pub host: String,
    /// The process id, in its namespace.
    pub pid: u32,
    /// The boot of the kernel (`/proc/sys/kernel/random/boot_id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// The PID namespace (`/proc/self/ns/pid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The start time in clock ticks since the boot (field 22 of `/proc/PID/stat`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
}

/// The system's answer about a process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// There is no such process, or it has ended and its parent has not asked for its status yet (a zombie).
    Gone,
    /// There is one, which started at this time.
    Started(u64),
    /// The system does not say.
    Unknown,
}

impl ProcessState {
    /// The answer that a `/proc/PID/stat` gives: field 3 is the state, field 22 the start time. The name in field 2 may hold anything,
    /// parentheses and spaces too.
    pub fn of_stat(stat: &[u8]) -> Self {
        let stat = String::from_utf8_lossy(stat);
        let Some((_, fields)) = stat.rsplit_once(')') else { return Self::Unknown };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        match (fields.first(), fields.get(19).and_then(|at| at.parse().ok())) {
            (Some(&("Z" | "X" | "x")), _) => Self::Gone,
            (_, Some(at)) => Self::Started(at),
            _ => Self::Unknown,
        }
    }
}

impl Process {
    /// Returns `true` if `self` is certain to have ended, as far as the process `me` can tell from its own system.
    ///
    /// A process id means something within one boot of one kernel and one PID namespace only; anything else is not
    /// certain, and the heartbeat has to tell. What remains uncertain even so are two machines woken from one memory
    /// snapshot, which share all of it.
    pub fn has_ended(&self, me: &Self, life: impl Fn(u32) -> ProcessState) -> bool {
        let same = |mine: &Option<String>, other: &Option<String>| mine.is_some() && mine == other;
        if self.host != me.host || !same(&me.boot, &self.boot) || !same(&me.namespace, &self.namespace) {
            return false;
        }
        match life(self.pid) {
            ProcessState::Gone => true,
            ProcessState::Started(at) => self.started.is_some_and(|started| started != at),
            ProcessState::Unknown => false,
        }
    }
}

/// Digest of a value, by which the next one identifies the value that it supersedes.
pub type EntryDigest = String;

/// A value of the lock's parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The holder of the lock; none when it is free.
    pub holder: Option<Holder>,
    /// Unique text, so that no two values are equal.
    pub write: String,
    /// The version that this value supersedes; earlier versions of this tool left it out of a free lock.
    pub supersedes: Option<i64>,
    /// The digest of that version: after a deletion, numbers start again and prove nothing alone.
    pub superseded_digest: Option<EntryDigest>,
    /// The time until a lock that was freed by hand can be acquired: its former holder may still be writing.
    pub rest: Duration,
}

impl Entry {
    /// The text of the value, as it is written to SSM.
    pub fn text(&self) -> String {
        let mut members = match self.holder.as_ref().map(serde_json::to_value) {
            Some(Ok(Json::Object(members))) => members,
            _ => Map::from_iter([("free".to_owned(), json!(true))]),
        };
        members.insert("write".into(), json!(self.write));
        members.extend(self.supersedes.map(|number| ("over".to_owned(), json!(number))));
        members.extend(self.superseded_digest.as_ref().map(|digest| ("past".to_owned(), json!(digest))));
        if !self.rest.is_zero() {
            members.insert("rest".into(), json!(self.rest.as_secs_f64().ceil()));
        }
        Json::Object(members).to_string()
    }

    /// Parses a value that was read. A value without a holder is free, such as the `free` of earlier versions.
    pub fn parse(text: &str) -> Self {
        let Ok(json) = serde_json::from_str::<Json>(text) else { return Self::default() };
        Self {
            write: json["write"].as_str().unwrap_or_default().to_owned(),
            supersedes: json["over"].as_i64(),
            superseded_digest: json["past"].as_str().map(str::to_owned),
            rest: Duration::try_from_secs_f64(json["rest"].as_f64().unwrap_or(0.0)).unwrap_or_default(),
            holder: serde_json::from_value(json).ok(),
        }
    }

    /// The digest of a value's text.
    pub fn digest(text: &str) -> EntryDigest {
        hex(&Sha256::digest(text)[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(boot: &str, namespace: &str, started: u64) -> Process {
        Process {
            host: "here".into(),
            pid: 7,
            boot: Some(boot.into()),
            namespace: Some(namespace.into()),
            started: Some(started),
        }
    }

    #[test]
    fn only_a_process_of_the_same_boot_and_namespace_is_certain_to_have_ended() {
        let me = Process { pid: 8, ..process("b", "n", 50) };
        let old = Process { boot: None, namespace: None, started: None, ..me.clone() };
        let away = Process { host: "there".into(), ..process("b", "n", 10) };
        for (holder, life, expected) in [
            (process("b", "n", 10), ProcessState::Gone, true),
            (process("b", "n", 10), ProcessState::Started(10), false),
            (process("b", "n", 10), ProcessState::Started(99), true),
            (process("b", "n", 10), ProcessState::Unknown, false),
            (process("other boot", "n", 10), ProcessState::Gone, false),
            (process("b", "other namespace", 10), ProcessState::Gone, false),
            (Process { started: None, ..process("b", "n", 10) }, ProcessState::Started(10), false),
            (old.clone(), ProcessState::Gone, false),
            (away, ProcessState::Gone, false),
        ] {
            assert_eq!(holder.has_ended(&me, |_| life), expected, "{holder:?} {life:?}");
        }
        // Where there is no /proc nothing is certain.
        assert!(!old.has_ended(&old, |_| ProcessState::Gone));
    }

    #[test]
    fn a_zombie_is_gone_and_a_name_hides_nothing() {
        let stat = |name: &str, state: &str| {
            let rest = (4..=30).map(|field| if field == 22 { "4711" } else { "1" }).collect::<Vec<_>>().join(" ");
            ProcessState::of_stat(format!("7 ({name}) {state} {rest}\n").as_bytes())
        };
        assert_eq!(stat("apply", "S"), ProcessState::Started(4711));
        assert_eq!(stat("a) Z 1 (b c", "R"), ProcessState::Started(4711));
        assert_eq!(stat("apply", "Z"), ProcessState::Gone);
        assert_eq!(stat("apply", "X"), ProcessState::Gone);
        assert_eq!(ProcessState::of_stat(b"7 (cut"), ProcessState::Unknown);
        assert_eq!(ProcessState::of_stat(b"7 (cut) S 1 2"), ProcessState::Unknown);
    }

    #[test]
    fn values_are_read_as_they_were_written_and_those_of_earlier_versions_too() {
        let holder =
            Holder { holder: "ann".into(), process: process("b", "n", 1), token: "t".into(), ..Holder::default() };
        for entry in [
            Entry {
                holder: Some(holder),
                write: "t#1".into(),
                supersedes: Some(3),
                superseded_digest: Some("ab".into()),
                ..Entry::default()
            },
            Entry { write: "t#2".into(), supersedes: Some(4), rest: Duration::from_secs(9), ..Entry::default() },
        ] {
            assert_eq!(Entry::parse(&entry.text()), entry);
        }
        assert_eq!(Entry::parse("free"), Entry::default());
        let old = r#"{"holder":"ann","host":"h","pid":7,"token":"t","command":"apply","heartbeat":9,"over":2}"#;
        let entry = Entry::parse(old);
        assert_eq!((entry.supersedes, entry.superseded_digest), (Some(2), None));
        assert_eq!(entry.holder.map(|holder| (holder.process.pid, holder.process.boot)), Some((7, None)));
    }
}
