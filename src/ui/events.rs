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
        /// The deployment that it is about, `org/env/domain/module`: several may be under way at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployment: Option<String>,
        /// `kind.name`.
        address: String,
        /// What is being done.
        action: ActionWord,
    },
    /// A step's object changed its phase.
    Phase {
        /// The deployment that it is about, `org/env/domain/module`: several may be under way at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployment: Option<String>,
        /// `kind.name`.
        address: String,
        /// The phase in AWS's word.
        phase: String,
    },
    /// Something to know.
    Notice {
        /// The deployment that it is about, `org/env/domain/module`: several may be under way at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployment: Option<String>,
        /// About what, when about one thing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// For people.
        message: String,
    },
    /// A step ended.
    Ended {
        /// The deployment that it is about, `org/env/domain/module`: several may be under way at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployment: Option<String>,
        /// `kind.name`.
        address: String,
        /// What was being done.
        action: ActionWord,
        /// How it ended.
        #[serde(flatten)]
        end: EndDocument,
    },
    /// A deployment, or the run, failed.
    Error {
        /// `org/env/domain/module`, when it is about one deployment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployment: Option<String>,
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
    phases: RefCell<BTreeMap<(String, Address), String>>,
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
        let name = plan.deployment().to_string();
        self.phases.borrow_mut().retain(|(deployment, _), _| *deployment != name);
        self.write(Body::Plan {
            deployment: name,
            account: account.clone(),
            region: region.clone(),
            summary: Summary::of(plan),
            watched: plan.watched().iter().map(WatchedDocument::of).collect(),
        })
    }

    /// Says what the engine tells of a deployment; a phase that is told again is no news.
    ///
    /// # Errors
    /// When a stream or file cannot be written.
    pub fn event(&self, deployment: &str, event: &Event) -> io::Result<()> {
        if let Event::Phase { address, phase } = event {
            let before = self.phases.borrow_mut().insert((deployment.to_owned(), address.clone()), phase.clone());
            if before.as_ref() == Some(phase) {
                return Ok(());
            }
        }
        self.write(Body::of(deployment, event))
    }

    /// Says why the run, a deployment, or a step of one, failed.
    ///
    /// # Errors
    /// When a stream or file cannot be written.
    pub fn error(&self, deployment: Option<&str>, failure: &Failure) -> io::Result<()> {
        self.write(Body::Error { deployment: deployment.map(str::to_owned), error: failure.document() })
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
    events.error(None, failure)?;
    events.end(failure.exit.code())
}

impl Body {
    /// An event of a deployment.
    fn of(deployment: &str, event: &Event) -> Self {
        let deployment = Some(deployment.to_owned());
        match event {
            Event::Started { address, action } => {
                Self::Started { deployment, address: address.to_string(), action: (*action).into() }
            }
            Event::Phase { address, phase } => {
                Self::Phase { deployment, address: address.to_string(), phase: phase.clone() }
            }
            Event::Notice { address, message } => {
                let address = address.as_ref().map(ToString::to_string);
                Self::Notice { deployment, address, message: message.clone() }
            }
            Event::Ended { address, action, outcome } => {
                let address = address.to_string();
                Self::Ended { deployment, address, action: (*action).into(), end: outcome.into() }
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
            events.event("acme/dev/ml/studio", &event).unwrap();
        }
        events.error(None, &error.into()).unwrap();
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
