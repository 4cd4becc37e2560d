//! What plan, apply and destroy share: planning with all that is said about it, the lock, and the run itself.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value as Json, json};

use super::args::{self, Consent, Format, Global, ReportFormat};
use super::hold;
use super::load::{Loaded, LoadedAll};
use super::mend;
use super::session::{Goal, Session};
use super::surroundings::Surroundings;
use crate::apply::{Event, Report, Settings, Stop, apply};
use crate::aws::lock::NotHeld;
use crate::aws::wait;
use crate::escape::{self, one_line};
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::files::{self, Rights};
use crate::plan::document::PlanDocument;
use crate::plan::{Options, Plan};
use crate::preflight;
use crate::resource::rules;
use crate::ui::events::EventWriter;
use crate::ui::progress::Progress;
use crate::ui::report_json::ReportDocument;
use crate::ui::reports::{self, Chapter};
use crate::ui::{Paint, Screen, report_human, watched};

/// The time between two movements of the screen while a run goes on.
const TICK: Duration = Duration::from_millis(200);
/// How many deployments are worked on at once: each has an account's rate limits to keep, and a person reads along.
const AT_ONCE: usize = 4;
/// The time for which a saved plan may be applied.
const PLAN_VALIDITY: Duration = Duration::from_hours(7 * 24);

/// One run of a command: what was asked for, where it runs, and who is told.
pub(super) struct Run<'a> {
    pub command: &'static str,
    pub global: &'a Global,
    pub screen: &'static Screen,
    pub surroundings: &'a Surroundings,
    /// Every event is written here, by whatever streams and files ask for them.
    pub events: Rc<EventWriter<'static>>,
    /// The outcome of each deployment, for the files of `--report`.
    pub chapters: RefCell<Vec<Chapter>>,
}

impl<'a> Run<'a> {
    /// Says hello to everybody who listens.
    pub fn begin(
        command: &'static str,
        global: &'a Global,
        screen: &'static Screen,
        surroundings: &'a Surroundings,
    ) -> Result<Self, Failure> {
        let wanted = global.output.reports.iter().filter(|report| report.format == ReportFormat::Ndjson);
        let streams = wanted
            .map(|report| files::stream(&report.path).map_err(|error| Failure::file(&report.path, &error)))
            .collect::<Result<Vec<_>, _>>()?;
        for report in global.output.reports.iter().filter(|report| report.format != ReportFormat::Ndjson) {
            files::probe(&report.path).map_err(|error| Failure::file(&report.path, &error))?;
        }
        let stream = (global.output.format() == Format::Ndjson).then_some(screen);
        let events = EventWriter::hello(stream, streams, surroundings.now, command)?;
        Ok(Self { command, global, screen, surroundings, events: Rc::new(events), chapters: RefCell::default() })
    }

    /// Says how it ended: on the screen, to whoever follows the events, and in the files of `--report`.
    pub fn end(self, result: Result<Exit, Failure>) -> Exit {
        let mut exit = result.unwrap_or_else(|failure| {
            // The events' readers cannot be told more than that there is nothing to write to.
            drop(self.failed(&failure));
            super::say(&failure, self.format(), self.screen)
        });
        if let Err(failure) = self.write_reports(exit) {
            exit = exit.max(super::say(&failure, Format::Human, self.screen));
        }
        drop(self.events.end(exit.code()));
        exit
    }

    fn write_reports(&self, exit: Exit) -> Result<(), Failure> {
        let chapters = self.chapters.borrow();
        for report in &self.global.output.reports {
            let text = match report.format {
                ReportFormat::Md => reports::markdown(self.command, exit.code(), &chapters),
                ReportFormat::Json => reports::json(self.command, exit.code(), &chapters),
                ReportFormat::Github => reports::github(&chapters),
                ReportFormat::Junit => reports::junit(self.command, &chapters),
                ReportFormat::Ndjson => continue,
            };
            let written = files::write(&report.path, escape::outgoing(&text).as_bytes(), Rights::Keep);
            written.map_err(|error| Failure::file(&report.path, &error))?;
        }
        Ok(())
    }

    pub fn format(&self) -> Format {
        self.global.output.format()
    }

    /// The colours of errors and warnings.
    pub fn paint(&self) -> Paint {
        self.screen.notes_paint()
    }

    pub fn is_human(&self) -> bool {
        self.format() == Format::Human
    }

    /// Notes what is planned, for events and reports.
    pub fn planned(&self, plan: &Plan) -> Result<(), Failure> {
        self.events.plan(plan)?;
        self.chapters.borrow_mut().push(Chapter { plan: Some(PlanDocument::of(plan)), ..Chapter::default() });
        Ok(())
    }

    /// Makes sure that the plan may be carried out; of one that may not, what is blocked is counted.
    pub fn allowed(&self, plan: &Plan) -> Result<(), Failure> {
        let Some(failure) = Failure::blocked(plan) else { return Ok(()) };
        self.events.count(&Report::of_nothing(plan), plan, 0);
        Err(failure)
    }

    fn reported(&self, report: &ReportDocument) {
        let mut chapters = self.chapters.borrow_mut();
        if let Some(chapter) = chapters.iter_mut().find(|chapter| chapter.is_about(&report.deployment)) {
            chapter.report = Some(report.clone());
        }
    }

    /// Goes through deployments, some at once: they have nothing in common but the screen. One that fails does not keep
    /// the others from their turn. Says how all of them ended, in the end.
    pub async fn each<F: Future<Output = Result<Ended, Failure>>>(
        &self,
        deployments: Vec<Loaded>,
        plural: &str,
        at_once: usize,
        one: impl Fn(Loaded) -> F,
    ) -> Result<Exit, Failure> {
        let several = deployments.len() > 1;
        let runs = deployments.into_iter().map(|loaded| {
            let name = loaded.names.to_string();
            let ending = one(loaded);
            async move { Ok::<_, Failure>((name.clone(), self.settle(&name, ending.await, several)?)) }
        });
        let ends: Vec<(String, Ended)> = stream::iter(runs).buffered(at_once).try_collect::<Vec<_>>().await?;
        if self.format() == Format::Json {
            let mut documents: Vec<Json> = ends.iter().map(|(_, ended)| ended.document.clone()).collect();
            let document = if several { json!({ plural: documents }) } else { documents.remove(0) };
            self.screen.data(&format!("{document:#}\n"))?;
        }
        if several && self.is_human() && ends.iter().any(|(_, ended)| !ended.line.is_empty()) {
            let width = ends.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
            let lines = ends.iter().map(|(name, ended)| format!("{name:width$}  {}\n", one_line(&ended.line)));
            self.screen.data(&format!("\n{}", lines.collect::<String>()))?;
        }
        let exits: Vec<(Exit, bool)> = ends.iter().map(|(_, ended)| (ended.exit, ended.wrote)).collect();
        Ok(Exit::of_several(&exits))
    }

    /// How many deployments are worked on at once: questions are asked one after another, and events of different runs
    /// must not be mixed.
    pub fn at_once(&self, asks: bool) -> usize {
        if asks || self.format() == Format::Ndjson { 1 } else { AT_ONCE }
    }

    /// What one of several deployments comes to, an error told here so that the next can have its turn.
    fn settle(&self, name: &str, ended: Result<Ended, Failure>, several: bool) -> Result<Ended, Failure> {
        match ended {
            // One signal ends all of them, and is told once.
            Err(failure) if several && failure.exit.is_signal() => {
                self.failed_in(Some(name), &failure)?;
                let document = json!({ "deployment": name, "error": failure.document() });
                Ok(Ended { exit: failure.exit, wrote: false, line: failure.summary, document })
            }
            Err(failure) if several => {
                self.screen.error(&format!(
                    "{}: {}",
                    one_line(name),
                    crate::ui::failure::render(&failure, self.paint())
                ));
                self.failed_in(Some(name), &failure)?;
                let document = json!({ "deployment": name, "error": failure.document() });
                let line = format!("failed: {}", failure.summary);
                Ok(Ended { exit: failure.exit, wrote: false, line, document })
            }
            other => other,
        }
    }

    /// Notes why the whole run failed.
    pub fn failed(&self, failure: &Failure) -> Result<(), Failure> {
        self.failed_in(None, failure)
    }

    /// Notes why a deployment, or the whole run, failed.
    fn failed_in(&self, deployment: Option<&str>, failure: &Failure) -> Result<(), Failure> {
        self.events.error(failure)?;
        let mut chapters = self.chapters.borrow_mut();
        let error = Some(failure.document());
        let open = |chapter: &&mut Chapter| {
            chapter.report.is_none()
                && chapter.error.is_none()
                && deployment.is_none_or(|deployment| chapter.is_about(deployment))
        };
        match chapters.iter_mut().rev().find(open) {
            Some(chapter) => chapter.error = error,
            None => chapters.push(Chapter { error, ..Chapter::default() }),
        }
        Ok(())
    }
}

/// A plan with the goal that it leads to; none when everything goes.
pub(super) struct Planned {
    pub plan: Plan,
    pub goal: Option<Goal>,
}

pub(super) fn options(consent: &Consent) -> Options {
    let mut options = Options::default();
    consent.write_to(&mut options);
    options
}

/// Says what is worth knowing about everything that was loaded.
pub(super) fn announce(all: &LoadedAll, screen: &Screen) {
    if !all.warnings.is_empty() {
        screen.error(&all.warnings);
    }
    if !all.others.is_empty() {
        let names: Vec<String> =
            all.others.iter().map(|other| format!("{}/{}/{}", other.env, other.domain, other.module)).collect();
        screen.note(&format!("left alone, since they are no Studio domains: {}", names.join(", ")));
    }
}

/// Plans, and says on standard error what is to be said about the config.
pub(super) async fn plan(
    session: &mut Session,
    options: &Options,
    destroy: bool,
    screen: &'static Screen,
) -> Result<Planned, Failure> {
    for line in &session.prepared {
        screen.note(&format!("sandbox: made {line}"));
    }
    session.prepared.clear();
    let place = session.deployment();
    screen.detail(&format!("{place} in {} {}, as {}", place.account, place.region, session.acting_as));
    session.bus.listen(|event| {
        if let Event::Notice { message, .. } = event {
            screen.note(&message);
        }
    });
    if destroy {
        return Ok(Planned { plan: session.plan_destroy(options).await?, goal: None });
    }
    let goal = session.goal().await?;
    if !goal.warnings.is_empty() {
        screen.error(&session.rendered(&goal.warnings));
    }
    let plan = session.plan(&goal, options).await?;
    screen.detail(&format!("{} calls to AWS for the plan", session.account.calls.sent()));
    // Of several deployments another may have it.
    match plan.unmatched.first().filter(|_| !session.is_one_of_several) {
        Some(address) => Err(mend::unmatched(address, &plan)),
        None => Ok(Planned { plan, goal: Some(goal) }),
    }
}

/// When a plan that is saved now was made, and until when it may be applied; RFC 3339.
pub(super) fn validity(surroundings: &Surroundings) -> (String, String) {
    let created = (surroundings.now)();
    let expires = created.parse::<jiff::Timestamp>().ok().and_then(|now| now.checked_add(PLAN_VALIDITY).ok());
    (created, expires.map(|expires| expires.to_string()).unwrap_or_default())
}

/// The end of a run over one deployment.
pub(super) struct Ended {
    pub exit: Exit,
    pub wrote: bool,
    /// The end in one line, for people.
    pub line: String,
    /// The document of `--format json` about it.
    pub document: Json,
}

impl Ended {
    /// Nothing was to be done.
    pub fn idle(run: &Run<'_>, plan: &Plan) -> Self {
        let report = Report::of_nothing(plan);
        run.events.count(&report, plan, 0);
        let document = ReportDocument::of(&report, plan, &run.global.caller);
        run.reported(&document);
        let found = if plan.watched.is_empty() { String::new() } else { format!("; {}", watched::counted(plan)) };
        Self { exit: Exit::Success, wrote: false, line: format!("no changes{found}"), document: json!(document) }
    }
}

/// Plans again under the lock, makes sure that the same is to be done, and does it.
pub(super) async fn execute(
    run: &Run<'_>,
    session: &mut Session,
    approved: &Planned,
    options: &Options,
    settings: Settings,
) -> Result<Ended, Failure> {
    let signals = &run.surroundings.signals;
    let lock = (!run.global.run.no_lock).then(|| hold::hand(run.command, run.surroundings, session));
    let _writing = signals.writing();
    let Some(lock) = lock else { return Box::pin(locked(run, session, approved, options, settings)).await };
    let bus = session.bus.clone();
    let tell = |message| bus.tell(Event::Notice { address: None, message });
    let result = match signals.unless_stopped(hold::take(run, session, &lock)).await {
        Ok(()) => lock.keep(&tell, Box::pin(locked(run, session, approved, options, settings))).await,
        // It may have become ours a moment before.
        Err(failure) if failure.exit.is_signal() => Err(failure),
        Err(failure) => return Err(failure),
    };
    let gone = approved.plan.destroy && result.as_ref().is_ok_and(|ended| ended.exit == Exit::Success);
    hold::give_back(run, session, &lock, gone).await;
    result
}

async fn locked(
    run: &Run<'_>,
    session: &mut Session,
    approved: &Planned,
    options: &Options,
    settings: Settings,
) -> Result<Ended, Failure> {
    let again = async {
        match &approved.goal {
            Some(goal) => session.plan(goal, options).await,
            None => session.plan_destroy(options).await,
        }
    };
    let now = run.surroundings.signals.unless_stopped(again).await?;
    let (then, again) = (PlanDocument::of(&approved.plan), PlanDocument::of(&now));
    if let Some(moved) = then.moved(&again) {
        return Err(Failure::new(&codes::STALE, format!("the account changed while the plan was looked at: {moved}"))
            .help("nothing was changed; plan again"));
    }
    if let Err(why) = session.account.fence.check() {
        return Err(Failure::new(&codes::LOCK_LOST, format!("the lock was taken away: {why}")).help("run again"));
    }
    let report = carry_out(run, session, &now, settings).await;
    let writes = session.account.calls.writes();
    run.screen.detail(&format!("{} calls to AWS in all, {writes} of them writes", session.account.calls.sent()));
    let mut exit = match run.surroundings.signals.exit() {
        Some(signal) if report.stopped => signal,
        _ => report.exit(writes > 0),
    };
    let caller = &run.global.caller;
    run.events.count(&report, &now, writes);
    let way_on = way_on(run, options);
    let document = ReportDocument::of(&report, &now, caller);
    run.reported(&document);
    let tell = || {
        report_human::failures(&report, &now, caller).iter().try_for_each(|failure| run.events.error(failure))?;
        if run.is_human() {
            let text = report_human::render(&report, &now, caller, &way_on, run.screen.data_paint());
            run.screen.data(&format!("{}{text}", session.heading()))?;
        }
        Ok::<_, io::Error>(())
    };
    // What was done is done, whoever cannot be told.
    if let Err(error) = tell() {
        let failure = super::say(&Failure::from(error), Format::Human, run.screen);
        exit = if exit == Exit::Success { failure } else { exit };
    }
    let line = report_human::last_line(&report, &now, &way_on);
    Ok(Ended { exit, wrote: writes > 0, line, document: json!(document) })
}

/// What to do about whatever a run leaves to be done. A saved plan serves once: what is left is another plan.
fn way_on(run: &Run<'_>, options: &Options) -> String {
    let caller = &run.global.caller;
    match caller.own.iter().find_map(|words| words.strip_prefix("--plan ")) {
        None => format!("Run {} again to continue.", caller.rerun()),
        Some(path) => {
            let consent = args::said(options);
            let words = ["--out", path].into_iter().chain(consent.iter().map(String::as_str));
            format!("Plan again to continue: {}", caller.run_quoted("plan", words))
        }
    }
}

async fn carry_out(run: &Run<'_>, session: &Session, plan: &Plan, settings: Settings) -> Report {
    let start = Instant::now();
    let mut progress = Progress::new(run.screen, run.global.output.progress);
    if session.is_one_of_several {
        progress = progress.of(session.deployment().to_string());
    }
    let progress = Rc::new(progress);
    let teller = {
        let (progress, events) = (Rc::clone(&progress), Rc::clone(&run.events));
        move |event: Event| {
            progress.event(&event, start.elapsed());
            // A reader that has gone away is no error, and a full disk must not stop a run half way.
            drop(events.event(&event));
        }
    };
    session.bus.listen(teller);
    let tell = |event: Event| session.bus.tell(event);
    let (stop_here, stop) = tokio::sync::watch::channel(Stop::No);
    let work = apply(&session.account, plan, &rules, settings, stop, &tell);
    let mut asked = run.surroundings.signals.stop();
    let mut tick = wait::every(TICK);
    let mut lost = session.account.fence.lost();
    // Beside the work and not around it: what is heard here is no reason to look at the work again, so that in virtual
    // time a run is the same however fast it is.
    let heed = async {
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => progress.tick(start.elapsed()),
                // What runs goes on as far as it only reads: no write is sent any more.
                Ok(()) = lost.changed() => drop(stop_here.send_replace(Stop::Drain)),
                Ok(()) = asked.changed() => {
                    let urgency = *asked.borrow_and_update();
                    if urgency == Stop::Drain {
                        tell(Event::Notice { address: None, message: "stopping: nothing new is started".into() });
                    }
                    stop_here.send_replace(urgency);
                }
            }
        }
    };
    let mut report = tokio::select! {
        biased;
        report = work => report,
        () = heed => unreachable!("it never ends"),
    };
    report.lock_lost = report.stopped && matches!(session.account.fence.check(), Err(NotHeld::Lost));
    for notice in preflight::after(plan, &report) {
        tell(Event::Notice { address: notice.address, message: notice.message });
    }
    progress.finish();
    session.bus.listen(|_| {});
    report
}
