//! Events of a run, one JSON object a line as they happen: `--format ndjson`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::Screen;
use super::report_json::{Counts, EndDocument};
use crate::apply::{Event, Report};
use crate::escape;
use crate::failure::{Failure, FailureDocument};
use crate::model::{Address, Deployment};
use crate::plan::Plan;
use crate::plan::document::{ActionWord, WatchedDocument};
use crate::plan::summary::Summary;

/// The version of the events that this version writes.
pub const VERSION: u32 = 1;

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventLine {
    /// Grows when the meaning of a member changes; new members and types may come at any time.
    pub v: u32,
    /// Which line it is, from 1.
    pub seq: u64,
    /// When, in RFC 3339.
    pub ts: String,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// The sorts of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// Always first.
    Hello {
        /// The version of studio-deploy.
        tool_version: String,
        /// The command.
        command: String,
    },
    /// The plan is known.
    Plan {
        /// `org/env/domain/module`.
        deployment: String,
        /// The twelve digits of the account.
        account: String,
        /// The region.
        region: String,
        /// The numbers.
        summary: Summary,
        /// What was found on things of ours that the config says nothing about, and that no step takes back.
        #[serde(default)]
        watched: Vec<WatchedDocument>,
    },
    /// A step begins.
    Started {
        /// `kind.name`.
        address: String,
        /// What is being done.
        action: ActionWord,
    },
    /// A step's object changed its phase.
    Phase {
        /// `kind.name`.
        address: String,
        /// The phase in AWS's word.
        phase: String,
    },
    /// Something to know.
    Notice {
        /// About what, when about one thing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// For people.
        message: String,
    },
    /// A step ended.
    Ended {
        /// `kind.name`.
        address: String,
        /// What was being done.
        action: ActionWord,
        /// How it ended.
        #[serde(flatten)]
        end: EndDocument,
    },
    /// The run failed.
    Error {
        /// Why, and the way out.
        error: FailureDocument,
    },
    /// Always last.
    End {
        /// What the process ends with.
        exit_code: u8,
        /// How many steps ended in each way.
        counts: Counts,
        /// How many calls were made that change something.
        writes: u64,
    },
}

/// Writes events to whatever asks for them: the data stream of a screen, files, nothing.
#[derive(Default)]
pub struct EventWriter<'a> {
    screen: Option<&'a Screen>,
    files: Vec<RefCell<File>>,
    now: Option<fn() -> String>,
    written: Cell<u64>,
    phases: RefCell<BTreeMap<Address, String>>,
    counts: Cell<Counts>,
    writes: Cell<u64>,
}

impl fmt::Debug for EventWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWriter").field("written", &self.written).finish_non_exhaustive()
    }
}

impl<'a> EventWriter<'a> {
    /// A writer that has said hello to everybody who listens; `now` is the time in RFC 3339.
    ///
    /// # Errors
    /// When a stream or file cannot be written.
    pub fn begin(screen: Option<&'a Screen>, files: Vec<File>, now: fn() -> String, command: &str) -> io::Result<Self> {
        let files = files.into_iter().map(RefCell::new).collect();
        let writer = Self { screen, files, now: Some(now), ..Self::default() };
        writer.write(Body::Hello { tool_version: env!("CARGO_PKG_VERSION").into(), command: command.into() })?;
        Ok(writer)
    }

    /// Says what will be done.
    ///
    /// # Errors
    /// When a stream or file cannot be written.
    pub fn plan(&self, plan: &Plan) -> io::Result<()> {
        let Deployment { account, region, .. } = plan.deployment();
        self.phases.borrow_mut().clear();
        self.write(Body::Plan {
            deployment: plan.deployment().to_string(),
            account: account.clone(),
            region: region.clone(),
            summary: Summary::of(plan),
            watched: plan.watched().iter().map(WatchedDocument::of).collect(),
        })
    }

    /// Says what the engine tells; a phase that is told again is no news.
    ///
    /// # Errors
    /// When a stream or file cannot be written.
    pub fn event(&self, event: &Event) -> io::Result<()> {
        if let Event::Phase { address, phase } = event {
            let before = self.phases.borrow_mut().insert(address.clone(), phase.clone());
            if before.as_ref() == Some(phase) {
                return Ok(());
            }
        }
        self.write(Body::from(event))
    }

    /// Says why the run, or a step of it, failed.
    ///
    /// # Errors
    /// When a stream or file cannot be written.
    pub fn error(&self, failure: &Failure) -> io::Result<()> {
        self.write(Body::Error { error: failure.document() })
    }

    /// Counts how a deployment's plan went; `writes` is how many calls were made that change something.
    pub fn count(&self, report: &Report, plan: &Plan, writes: u64) {
        self.counts.set(self.counts.get() + Counts::of(report, plan));
        self.writes.set(self.writes.get() + writes);
    }

    /// Says how the run ended.
    ///
    /// # Errors
    /// When a stream or file cannot be written.
    pub fn end(&self, exit_code: u8) -> io::Result<()> {
        self.write(Body::End { exit_code, counts: self.counts.get(), writes: self.writes.get() })
    }

    fn write(&self, body: Body) -> io::Result<()> {
        if self.screen.is_none() && self.files.is_empty() {
            return Ok(());
        }
        self.written.set(self.written.get() + 1);
        let ts = self.now.map(|now| now()).unwrap_or_default();
        let line = format!("{}\n", json!(EventLine { v: VERSION, seq: self.written.get(), ts, body }));
        if let Some(screen) = self.screen {
            screen.data(&line)?;
        }
        for file in &self.files {
            file.borrow_mut().write_all(escape::outgoing(&line).as_bytes())?;
        }
        Ok(())
    }
}

/// Everything there is to say about a run of which nothing came.
///
/// # Errors
/// When the data stream cannot be written.
pub fn lone_error(failure: &Failure, command: &str, screen: &Screen, now: fn() -> String) -> io::Result<()> {
    let events = EventWriter::begin(Some(screen), Vec::new(), now, command)?;
    events.error(failure)?;
    events.end(failure.exit.code())
}

impl From<&Event> for Body {
    fn from(event: &Event) -> Self {
        match event {
            Event::Started { address, action } => {
                Self::Started { address: address.to_string(), action: (*action).into() }
            }
            Event::Phase { address, phase } => Self::Phase { address: address.to_string(), phase: phase.clone() },
            Event::Notice { address, message } => {
                Self::Notice { address: address.as_ref().map(ToString::to_string), message: message.clone() }
            }
            Event::Ended { address, action, outcome } => {
                Self::Ended { address: address.to_string(), action: (*action).into(), end: outcome.into() }
            }
        }
    }
}

/// The schema of [`EventLine`].
pub fn schema() -> Json {
    super::schema::of::<EventLine>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Outcome;
    use crate::cloud::{CloudError, ErrorKind};
    use crate::plan::Action;
    use crate::ui::Terminal;
    use crate::ui::testing::{address, create_all, screen};

    #[test]
    fn every_line_is_valid_numbered_and_framed() {
        let (screen, data, notes) = screen(Terminal::default());
        let now = || "2026-01-01T00:00:00Z".into();
        let events = EventWriter::begin(Some(&screen), Vec::new(), now, "apply").unwrap();
        events.plan(&create_all().plan()).unwrap();
        let at = || address("domain.studio");
        let error = CloudError::new(ErrorKind::Denied, "CreateDomain", "no");
        for event in [
            Event::Started { address: at(), action: Action::Create },
            Event::Phase { address: at(), phase: "Pending".into() },
            Event::Phase { address: at(), phase: "Pending".into() },
            Event::Notice { address: None, message: "two\nlines".into() },
            Event::Ended { address: at(), action: Action::Create, outcome: Outcome::Failed(error.clone()) },
            Event::Ended { address: at(), action: Action::Delete, outcome: Outcome::Done },
        ] {
            events.event(&event).unwrap();
        }
        events.error(&error.into()).unwrap();
        events.count(&Report::default(), &create_all().plan(), 3);
        events.end(8).unwrap();

        let validator = jsonschema::validator_for(&schema()).unwrap();
        let text = data.text();
        for (at, line) in text.lines().enumerate() {
            let json: Json = serde_json::from_str(line).unwrap();
            validator.validate(&json).unwrap_or_else(|error| panic!("{line}: {error}"));
            let read: EventLine = serde_json::from_value(json).unwrap();
            assert_eq!(read.seq, at as u64 + 1);
            assert_eq!(serde_json::to_string(&read).unwrap(), line);
        }
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with(r#"{"v":1,"seq":1,"ts":"2026-01-01T00:00:00Z","type":"hello","#), "{}", lines[0]);
        assert!(
            lines[8].contains(r#""type":"end","exit_code":8,"#) && lines[8].ends_with(r#""writes":3}"#),
            "{}",
            lines[8]
        );
        assert_eq!(notes.text(), "");
    }
}
