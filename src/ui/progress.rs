//! Progress of a run: rows that change on a terminal, plain lines elsewhere.
//!
//! No clock is read here: every call says how long the run has been going on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::style::Tone;
use super::verbs::{infinitive, past, progressive};
use super::{Screen, Verbosity};
use crate::apply::{Event, Outcome};
use crate::escape::one_line;
use crate::model::Address;
use crate::plan::Action;
use crate::wording::elapsed;

/// Longest silence about a step that still runs, so that no CI takes the run for dead.
pub const HEARTBEAT: Duration = Duration::from_secs(30);

/// Form in which progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressChoice {
    /// Rows on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// Rows that change; on a stream that is no terminal, lines all the same.
    Live,
    /// A line for each change of state.
    Lines,
    /// Nothing but what goes wrong, at the end.
    None,
}

/// The progress of one run, on the notes stream of a screen.
pub struct Progress<'a> {
    screen: &'a Screen,
    display: Display,
    /// What every line begins with.
    prefix: String,
    running: RefCell<BTreeMap<Address, Running>>,
}

enum Display {
    Live(MultiProgress),
    Lines,
    None,
}

struct Running {
    action: Action,
    phase: Option<String>,
    since: Duration,
    heard: Duration,
    row: Option<ProgressBar>,
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

impl<'a> Progress<'a> {
    /// The progress of a run that begins now.
    pub fn new(screen: &'a Screen, choice: ProgressChoice) -> Self {
        // A row needs a cursor that can go back: a pipe must never see the escape sequences that move it.
        let drawable = screen.notes_terminal().is_drawable();
        let display = match choice {
            ProgressChoice::None => Display::None,
            _ if screen.verbosity() == Verbosity::Quiet => Display::None,
            ProgressChoice::Auto | ProgressChoice::Live if drawable => {
                Display::Live(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
            }
            ProgressChoice::Auto | ProgressChoice::Live | ProgressChoice::Lines => Display::Lines,
        };
        Self { screen, display, prefix: String::new(), running: RefCell::default() }
    }

    /// The same for one of several deployments, of which every step is a line or which are worked on one by one: lines that
    /// name it, since rows of several would mix.
    #[must_use]
    pub fn of(mut self, run: String) -> Self {
        if matches!(self.display, Display::Live(_)) {
            self.display = Display::Lines;
        }
        self.prefix = format!("{run}: ");
        self
    }

    /// Shows what the engine tells.
    pub fn event(&self, event: &Event, now: Duration) {
        match event {
            Event::Started { address, action } => self.started(address, *action, now),
            Event::Phase { address, phase } => self.phase(address, phase, now),
            Event::Notice { address, message } => {
                let about = address.as_ref().map(|address| format!("{}: ", name(address))).unwrap_or_default();
                self.print_line(&format!("{about}{message}"));
            }
            Event::Ended { address, action, outcome } => self.ended(address, *action, outcome, now),
        }
    }

    /// Lets time pass: moves rows, and names what still runs when nothing was said about it for [`HEARTBEAT`].
    pub fn tick(&self, now: Duration) {
        for (address, running) in self.running.borrow_mut().iter_mut() {
            if let Some(row) = &running.row {
                row.set_message(running.text(address, now));
                row.tick();
            } else if now.saturating_sub(running.heard) >= HEARTBEAT {
                running.heard = now;
                let phase = running.phase.as_ref().map(|phase| format!(" ({phase})")).unwrap_or_default();
                let since = elapsed(now.saturating_sub(running.since));
                self.print_line(&format!(
                    "{}: still {}{phase} after {since}",
                    name(address),
                    progressive(running.action)
                ));
            }
        }
    }

    /// Says something without disturbing the rows.
    pub fn print_line(&self, line: &str) {
        match &self.display {
            Display::Live(rows) => rows.suspend(|| self.screen.note(line)),
            Display::Lines => self.screen.note(&format!("{}{line}", self.prefix)),
            Display::None => {}
        }
    }

    /// Takes the rows away, before the report is printed.
    pub fn finish(&self) {
        for running in std::mem::take(&mut *self.running.borrow_mut()).into_values() {
            if let Some(row) = running.row {
                row.finish_and_clear();
            }
        }
    }

    fn started(&self, address: &Address, action: Action, now: Duration) {
        let mut running = Running { action, phase: None, since: now, heard: now, row: None };
        match &self.display {
            Display::Live(rows) => {
                let row = rows.add(ProgressBar::new_spinner().with_style(style()));
                row.set_message(running.text(address, now));
                running.row = Some(row);
            }
            Display::Lines => self.print_line(&format!("{}: {}", name(address), progressive(action))),
            Display::None => {}
        }
        self.running.borrow_mut().insert(address.clone(), running);
    }

    fn phase(&self, address: &Address, phase: &str, now: Duration) {
        let mut all = self.running.borrow_mut();
        let Some(running) = all.get_mut(address) else { return };
        let phase = one_line(phase);
        if running.phase.as_deref() == Some(phase.as_str()) {
            return;
        }
        running.heard = now;
        let line = format!("{}: {phase}", name(address));
        running.phase = Some(phase);
        match &running.row {
            Some(row) => row.set_message(running.text(address, now)),
            None => self.print_line(&line),
        }
    }

    fn ended(&self, address: &Address, action: Action, outcome: &Outcome, now: Duration) {
        let running = self.running.borrow_mut().remove(address);
        let since = running.as_ref().map(|running| now.saturating_sub(running.since)).unwrap_or_default();
        // Nobody needs to be told that it took no time.
        let after = if since.as_secs() == 0 { String::new() } else { format!(" after {}", elapsed(since)) };
        if let Some(row) = running.and_then(|running| running.row) {
            row.finish_and_clear();
        }
        let (tone, end) = outcome_words(action, outcome, &after);
        self.print_line(&format!("{}: {}", name(address), self.screen.notes_paint().paint(tone, &end)));
    }
}

/// The end of a step in words, with the tone that they are in; `after` says how long it took.
pub(super) fn outcome_words(action: Action, outcome: &Outcome, after: &str) -> (Tone, String) {
    match outcome {
        Outcome::Done => (Tone::Add, format!("{}{after}", past(action))),
        Outcome::Held(by) => (Tone::Change, format!("held: {}", one_line(by))),
        Outcome::Failed(error) => {
            let code = error.code.as_deref().unwrap_or(&error.operation);
            (Tone::Remove, format!("could not {}: {}{after}", infinitive(action), one_line(code)))
        }
        Outcome::Skipped { because_of } => (Tone::Change, format!("skipped, since {because_of} is not done")),
        Outcome::Stopped => (Tone::Change, "stopped before it began".into()),
        Outcome::Interrupted => (Tone::Change, "left while under way; AWS continues".into()),
        Outcome::Blocked => (Tone::Remove, "blocked by the plan".into()),
    }
}

impl Running {
    fn text(&self, address: &Address, now: Duration) -> String {
        let phase = self.phase.as_deref().unwrap_or(progressive(self.action));
        format!("{}  {phase}  {}", name(address), elapsed(now.saturating_sub(self.since)))
    }
}

fn name(address: &Address) -> String {
    one_line(&address.to_string())
}

pub(super) fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{CloudError, ErrorKind};
    use crate::ui::testing::{address, screen};
    use crate::ui::{ColorChoice, Terminal};

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn run(progress: &Progress<'_>) {
        let at = || address("domain.studio");
        progress.event(&Event::Started { address: at(), action: Action::Create }, seconds(0));
        progress.event(&Event::Phase { address: at(), phase: "Pending".into() }, seconds(1));
        progress.tick(seconds(20));
        progress.event(&Event::Phase { address: at(), phase: "Pending".into() }, seconds(25));
        progress.tick(seconds(31));
        progress.tick(seconds(40));
        progress.tick(seconds(61));
        progress.event(&Event::Notice { address: Some(at()), message: "AWS is slow".into() }, seconds(70));
        progress.event(&Event::Ended { address: at(), action: Action::Create, outcome: Outcome::Done }, seconds(185));
        let failed = Outcome::Failed(CloudError::new(ErrorKind::Quota, "CreateUserProfile", "no more"));
        progress.event(&Event::Started { address: address("user_profile.ann"), action: Action::Create }, seconds(185));
        progress.event(
            &Event::Ended { address: address("user_profile.ann"), action: Action::Create, outcome: failed },
            seconds(187),
        );
        progress.finish();
    }

    #[test]
    fn a_pipe_gets_a_line_for_each_change_and_a_heartbeat() {
        for choice in [ProgressChoice::Auto, ProgressChoice::Live, ProgressChoice::Lines] {
            let (screen, data, notes) = screen(Terminal::default());
            run(&Progress::new(&screen, choice));
            assert_eq!(data.text(), "");
            insta::allow_duplicates! { insta::assert_snapshot!(notes.text(), @r"
    domain.studio: creating
    domain.studio: Pending
    domain.studio: still creating (Pending) after 31s
    domain.studio: still creating (Pending) after 1m 01s
    domain.studio: AWS is slow
    domain.studio: created after 3m 05s
    user_profile.ann: creating
    user_profile.ann: could not create: CreateUserProfile after 2s
    ") };
        }
    }

    #[test]
    fn a_pipe_never_sees_an_escape_byte() {
        let (screen, _, notes) = screen(Terminal::default());
        run(&Progress::new(&screen, ProgressChoice::Live));
        assert!(!notes.text().contains('\u{1b}'));
    }

    #[test]
    fn none_and_quiet_say_nothing() {
        let (mut screen, _, notes) = screen(Terminal::default());
        run(&Progress::new(&screen, ProgressChoice::None));
        screen.configure(ColorChoice::Auto, Verbosity::Quiet);
        run(&Progress::new(&screen, ProgressChoice::Lines));
        assert_eq!(notes.text(), "");
    }

    #[test]
    fn rows_leave_only_what_ended() {
        let (screen, _, notes) = screen(Terminal::default());
        let rows = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        run(&Progress {
            screen: &screen,
            display: Display::Live(rows),
            prefix: String::new(),
            running: RefCell::default(),
        });
        let expected = "domain.studio: AWS is slow\ndomain.studio: created after 3m 05s\n\
            user_profile.ann: could not create: CreateUserProfile after 2s\n";
        assert_eq!(notes.text(), expected);
    }
}
