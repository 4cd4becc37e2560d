//! Progress of many deployments at once: on a terminal a row for each that is under way and one for all of them, elsewhere
//! a few lines for each, into which its steps are folded.
//!
//! What fails and what people should know is a line in either. No clock is read here: every call says how long the
//! deployment's run has been going on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use super::progress::{HEARTBEAT, ProgressChoice, outcome_words, style};
use super::verbs::past;
use super::{Screen, Verbosity};
use crate::apply::{Event, Outcome};
use crate::escape::one_line;
use crate::wording::{counted, elapsed};

/// Number of rows: more would fill a terminal of the usual height. Who has none is counted in the last row.
const ROWS: usize = 16;

/// The progress of a run over several deployments, on the notes stream of a screen.
pub struct FleetProgress<'a> {
    screen: &'a Screen,
    rows: Option<Rows>,
    state: RefCell<State>,
}

struct Rows {
    all: MultiProgress,
    total: ProgressBar,
}

#[derive(Default)]
struct State {
    deployments: usize,
    ended: usize,
    failed: usize,
    under_way: BTreeMap<String, UnderWay>,
}

/// A deployment that has begun.
#[derive(Default)]
struct UnderWay {
    /// The number of its steps; none while it is being planned.
    steps: Option<usize>,
    done: usize,
    /// The phase that it told last.
    phase: String,
    heard: Duration,
    row: Option<ProgressBar>,
}

impl fmt::Debug for FleetProgress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetProgress").finish_non_exhaustive()
    }
}

impl<'a> FleetProgress<'a> {
    /// The progress of a run over so many deployments; none where steps are not to be folded: with `lines` each has its
    /// own, with `none` nobody sees any.
    pub fn new(screen: &'a Screen, choice: ProgressChoice, deployments: usize) -> Option<Self> {
        let is_folded = matches!(choice, ProgressChoice::Auto | ProgressChoice::Live);
        if !is_folded || screen.verbosity() == Verbosity::Quiet {
            return None;
        }
        let rows = screen.notes_terminal().is_drawable().then(|| Rows::new(ProgressDrawTarget::stderr()));
        Some(Self::with(screen, rows, deployments))
    }

    fn with(screen: &'a Screen, rows: Option<Rows>, deployments: usize) -> Self {
        // Whatever else is written goes above the rows.
        screen.write_above(rows.as_ref().map(|rows| rows.all.clone()));
        let progress = Self { screen, rows, state: RefCell::new(State { deployments, ..State::default() }) };
        progress.count();
        progress
    }

    /// A deployment's turn has come: it is planned.
    pub fn begin(&self, deployment: &str) {
        let under_way = UnderWay { phase: "planning".into(), ..UnderWay::default() };
        self.state.borrow_mut().under_way.insert(deployment.to_owned(), under_way);
        self.fill_rows();
    }

    /// Its plan is carried out, in so many steps.
    pub fn apply(&self, deployment: &str, steps: usize) {
        self.change(deployment, Duration::ZERO, |under_way| {
            (under_way.steps, under_way.phase) = (Some(steps), "applying".into());
        });
        if self.rows.is_none() {
            self.print_line(deployment, &format!("applying {}", counted(steps, "step")));
        }
    }

    /// Shows what the engine tells of a deployment.
    pub fn event(&self, deployment: &str, event: &Event, now: Duration) {
        match event {
            Event::Started { .. } => {}
            Event::Phase { address, phase } => {
                self.change(deployment, now, |under_way| under_way.phase = format!("{address}: {phase}"));
            }
            Event::Notice { address, message } => {
                let about = address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
                self.print_line(deployment, &format!("{about}{message}"));
            }
            Event::Ended { address, action, outcome: Outcome::Done } => {
                let past = past(*action);
                self.change(deployment, now, |under_way| {
                    under_way.done += 1;
                    under_way.phase = format!("{address}: {past}");
                });
            }
            Event::Ended { address, action, outcome } => {
                let (tone, end) = outcome_words(*action, outcome, "");
                self.print_line(deployment, &format!("{address}: {}", self.screen.notes_paint().paint(tone, &end)));
            }
        }
    }

    /// Lets time pass: moves a deployment's row, or says that it is still under way after a while of silence.
    pub fn tick(&self, deployment: &str, now: Duration) {
        let mut state = self.state.borrow_mut();
        let Some(under_way) = state.under_way.get_mut(deployment) else { return };
        if let Some(row) = &under_way.row {
            row.set_message(under_way.text(deployment, now));
            row.tick();
        } else if self.rows.is_none() && now.saturating_sub(under_way.heard) >= HEARTBEAT {
            under_way.heard = now;
            let line = format!("{} after {}", under_way.progress(), elapsed(now));
            drop(state);
            self.print_line(deployment, &line);
        }
    }

    /// A deployment has come to its end.
    pub fn end(&self, deployment: &str, has_failed: bool) {
        let mut state = self.state.borrow_mut();
        state.ended += 1;
        state.failed += usize::from(has_failed);
        let ended = state.under_way.remove(deployment);
        let of_all = state.of_all();
        drop(state);
        if let Some(row) = ended.as_ref().and_then(|ended| ended.row.as_ref()) {
            row.finish_and_clear();
        }
        if let (None, Some(UnderWay { steps: Some(steps), done, .. })) = (&self.rows, ended) {
            self.print_line(deployment, &format!("{done}/{steps} done; {of_all}"));
        }
        self.fill_rows();
    }

    /// Takes the rows away, before the summary is printed.
    pub fn finish(&self) {
        self.screen.write_above(None);
        for under_way in std::mem::take(&mut self.state.borrow_mut().under_way).into_values() {
            if let Some(row) = under_way.row {
                row.finish_and_clear();
            }
        }
        if let Some(rows) = &self.rows {
            rows.total.finish_and_clear();
        }
    }

    fn print_line(&self, deployment: &str, line: &str) {
        self.screen.note(&format!("{}: {line}", one_line(deployment)));
    }

    fn change(&self, deployment: &str, now: Duration, change: impl FnOnce(&mut UnderWay)) {
        let mut state = self.state.borrow_mut();
        let Some(under_way) = state.under_way.get_mut(deployment) else { return };
        change(under_way);
        under_way.phase = one_line(&under_way.phase);
        if let Some(row) = &under_way.row {
            row.set_message(under_way.text(deployment, now));
        }
    }

    /// Gives rows to deployments that have none yet, as long as there are any, and counts the others.
    fn fill_rows(&self) {
        let Some(rows) = &self.rows else { return };
        let mut state = self.state.borrow_mut();
        let mut free = ROWS.saturating_sub(state.under_way.values().filter(|one| one.row.is_some()).count());
        for (name, under_way) in state.under_way.iter_mut().filter(|(_, one)| one.row.is_none()) {
            let Some(left) = free.checked_sub(1) else { break };
            free = left;
            let row = rows.all.insert_before(&rows.total, ProgressBar::new_spinner().with_style(style()));
            row.set_message(under_way.text(name, Duration::ZERO));
            under_way.row = Some(row);
        }
        drop(state);
        self.count();
    }

    /// Brings the last row up to date.
    fn count(&self) {
        let Some(rows) = &self.rows else { return };
        let state = self.state.borrow();
        let hidden = state.under_way.values().filter(|one| one.row.is_none()).count();
        let hidden = if hidden > 0 { format!("; {hidden} more under way") } else { String::new() };
        rows.total.set_message(format!("{}{hidden}", state.of_all()));
        rows.total.tick();
    }
}

impl Rows {
    fn new(target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let total = all.add(ProgressBar::new_spinner().with_style(style()));
        Self { all, total }
    }
}

impl State {
    fn of_all(&self) -> String {
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        format!("{} of {} deployments ended{failed}", self.ended, self.deployments)
    }
}

impl UnderWay {
    fn progress(&self) -> String {
        match self.steps {
            Some(steps) => format!("{}/{steps}, {}", self.done, self.phase),
            None => self.phase.clone(),
        }
    }

    fn text(&self, deployment: &str, now: Duration) -> String {
        let after = if now.is_zero() { String::new() } else { format!("  {}", elapsed(now)) };
        format!("{}  {}{after}", one_line(deployment), self.progress())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{CloudError, ErrorKind};
    use crate::plan::Action;
    use crate::ui::Terminal;
    use crate::ui::testing::{address, screen};

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn run(progress: &FleetProgress<'_>) {
        for name in ["one", "two", "three"] {
            progress.begin(name);
        }
        progress.apply("one", 2);
        progress.apply("two", 1);
        let domain = || address("domain.studio");
        progress.event("one", &Event::Started { address: domain(), action: Action::Create }, seconds(0));
        progress.event("one", &Event::Phase { address: domain(), phase: "Pending".into() }, seconds(1));
        progress.tick("one", seconds(29));
        progress.tick("one", seconds(31));
        progress.event(
            "one",
            &Event::Ended { address: domain(), action: Action::Create, outcome: Outcome::Done },
            seconds(40),
        );
        progress.event("two", &Event::Notice { address: None, message: "AWS is slow".into() }, seconds(41));
        let failed = Outcome::Failed(CloudError::new(ErrorKind::Quota, "CreateDomain", "no more"));
        progress.event(
            "two",
            &Event::Ended { address: domain(), action: Action::Create, outcome: failed },
            seconds(42),
        );
        progress.end("two", true);
        progress.end("three", false);
        let done =
            Event::Ended { address: address("user_profile.ann"), action: Action::Create, outcome: Outcome::Done };
        progress.event("one", &done, seconds(50));
        progress.end("one", false);
        progress.finish();
    }

    #[test]
    fn a_pipe_gets_what_fails_and_a_few_lines_for_each() {
        let (screen, data, notes) = screen(Terminal::default());
        run(&FleetProgress::new(&screen, ProgressChoice::Auto, 3).unwrap());
        assert_eq!(data.text(), "");
        insta::assert_snapshot!(notes.text(), @r"
        one: applying 2 steps
        two: applying 1 step
        one: 0/2, domain.studio: Pending after 31s
        two: AWS is slow
        two: domain.studio: could not create: CreateDomain
        two: 0/1 done; 1 of 3 deployments ended, 1 failed
        one: 2/2 done; 3 of 3 deployments ended, 1 failed
        ");
    }

    #[test]
    fn rows_leave_only_what_people_should_know() {
        let (screen, _, notes) = screen(Terminal::default());
        run(&FleetProgress::with(&screen, Some(Rows::new(ProgressDrawTarget::hidden())), 3));
        assert_eq!(notes.text(), "two: AWS is slow\ntwo: domain.studio: could not create: CreateDomain\n");
    }

    #[test]
    fn a_hundred_at_once_fit_a_terminal() {
        let (screen, _, _) = screen(Terminal::default());
        let progress = FleetProgress::with(&screen, Some(Rows::new(ProgressDrawTarget::hidden())), 100);
        let names: Vec<String> = (0..100).map(|number| format!("acme/dev/ml/m{number:02}")).collect();
        for name in &names {
            progress.begin(name);
        }
        let rows = || progress.state.borrow().under_way.values().filter(|one| one.row.is_some()).count();
        let total = || progress.rows.as_ref().unwrap().total.message();
        assert_eq!((rows(), &*total()), (ROWS, "0 of 100 deployments ended; 84 more under way"));
        for name in names.iter().take(90) {
            progress.end(name, name.ends_with('7'));
        }
        assert_eq!((rows(), &*total()), (10, "90 of 100 deployments ended, 9 failed"));
    }

    #[test]
    fn who_asks_for_lines_gets_each_step_and_who_asks_for_none_nothing() {
        let (screen, _, _) = screen(Terminal::default());
        for choice in [ProgressChoice::Lines, ProgressChoice::None] {
            assert!(FleetProgress::new(&screen, choice, 3).is_none());
        }
    }
}
