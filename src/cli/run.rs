//! One run of a command: what was asked for, where it runs, who is told, and the verbs that commands share.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use std::{fmt, io};

use serde_json::{Value as Json, json};

use super::args::{self, Command, ConfigFiles, Consent, Format, Global, ReportFormat};
use super::mend;
use crate::apply::{Event, Report, Settings};
use crate::aws::lock::FreeVersion;
use crate::deploy::fleet::AtOnce;
use crate::deploy::{
    Connected, Executed, Execution, Host, Loaded, LoadedAll, Observer, Planned, Resolved, Sessions, execute, fleet,
    load, lock,
};
use crate::escape::{self, one_line};
use crate::failure::{Exit, Failure};
use crate::files::{self, Rights};
use crate::plan::document::PlanDocument;
use crate::plan::{Options, Plan};
use crate::ui::events::EventWriter;
use crate::ui::fleet_progress::FleetProgress;
use crate::ui::plan_human::View;
use crate::ui::progress::Progress;
use crate::ui::report_json::ReportDocument;
use crate::ui::reports::{self, DeploymentReport};
use crate::ui::{self, Paint, Screen, report_human, watched};

/// One run of a command: what was asked for, where it runs, and who is told.
pub(super) struct Run<'a> {
    pub command: &'static str,
    pub global: &'a Global,
    pub screen: &'static Screen,
    pub host: &'a Host,
    /// Every event is written here, by whatever streams and files ask for them.
    pub events: Rc<EventWriter<'static>>,
    /// The outcome of each deployment, for the files of `--report`.
    pub reports: RefCell<Vec<DeploymentReport>>,
    /// The ways into accounts, which deployments share.
    sessions: Sessions,
    /// The names of the deployments, in the order of the config.
    order: RefCell<Vec<String>>,
    /// The failures that were printed, with the deployment that failed so first.
    printed: RefCell<BTreeMap<String, String>>,
    /// The progress of several deployments at once.
    fleet: RefCell<Option<Rc<FleetProgress<'static>>>>,
}

/// The end that a plan leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Towards {
    /// The config.
    Config,
    /// The config, which is to be written: values that AWS would refuse are mistakes.
    ConfigInAws,
    /// Nothing.
    Nothing,
}

impl<'a> Run<'a> {
    /// Opens the streams and files that the run is told on.
    pub fn begin(
        command: &Command,
        global: &'a Global,
        screen: &'static Screen,
        host: &'a Host,
    ) -> Result<Self, Failure> {
        let wanted = global.output.reports.iter().filter(|report| report.format == ReportFormat::Ndjson);
        let streams = wanted
            .map(|report| files::stream(&report.path).map_err(|error| Failure::file(&report.path, &error)))
            .collect::<Result<Vec<_>, _>>()?;
        for report in global.output.reports.iter().filter(|report| report.format != ReportFormat::Ndjson) {
            files::probe(&report.path).map_err(|error| Failure::file(&report.path, &error))?;
        }
        let stream = (global.output.format() == Format::Ndjson).then_some(screen);
        let (name, sessions) = (command.name(), Sessions::new(command.only_reads()));
        let events = EventWriter::begin(stream, streams, host.now, name)?;
        Ok(Self {
            command: name,
            global,
            screen,
            host,
            events: Rc::new(events),
            reports: RefCell::default(),
            sessions,
            order: RefCell::default(),
            printed: RefCell::default(),
            fleet: RefCell::default(),
        })
    }

    /// Tells how it ended: on the screen, to whoever follows the events, and in the files of `--report`.
    pub fn end(self, result: Result<Exit, Failure>) -> Exit {
        let mut exit = result.unwrap_or_else(|failure| {
            // The events' readers cannot be told more than that there is nothing to write to.
            drop(self.failed(&failure));
            super::print_error(&failure, self.format(), self.screen)
        });
        if let Err(failure) = self.write_reports(exit) {
            exit = exit.max(super::print_error(&failure, Format::Human, self.screen));
        }
        drop(self.events.end(exit.code()));
        exit
    }

    fn write_reports(&self, exit: Exit) -> Result<(), Failure> {
        let order = self.order.borrow();
        let mut deployments = self.reports.borrow_mut();
        // Those that were worked on at once have come to their ends in any order.
        deployments.sort_by_key(|one| order.iter().position(|name| Some(name) == one.deployment.as_ref()));
        for report in &self.global.output.reports {
            let text = match report.format {
                ReportFormat::Md => reports::markdown(self.command, exit.code(), &deployments),
                ReportFormat::Json => reports::json(self.command, exit.code(), &deployments),
                ReportFormat::Github => reports::github(&deployments),
                ReportFormat::Junit => reports::junit(self.command, &deployments),
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

    /// The way in which plans are shown, of the usual amount.
    pub fn view<'c>(&self, connected: &'c Connected) -> View<'c> {
        View::new(&connected.caller, self.screen.data_paint(), self.screen.data_width())
    }

    pub fn is_human(&self) -> bool {
        self.format() == Format::Human
    }

    /// Reads the configs, and tells what is worth knowing about all of them.
    pub fn load(&self, files: &ConfigFiles) -> Result<LoadedAll, Failure> {
        let all = self.load_quietly(files)?;
        self.announce(&all);
        Ok(all)
    }

    /// Reads the configs for a command of which nothing but its answer is wanted.
    pub fn load_quietly(&self, files: &ConfigFiles) -> Result<LoadedAll, Failure> {
        load::load(&self.global.load_options(files), self.host)
    }

    /// Tells what is worth knowing about everything that was loaded.
    pub fn announce(&self, all: &LoadedAll) {
        self.announce_warnings(all);
        if !all.others.is_empty() {
            let names: Vec<String> =
                all.others.iter().map(|other| format!("{}/{}/{}", other.env, other.domain, other.module)).collect();
            self.screen.note(&format!("left alone, since they are no Studio domains: {}", names.join(", ")));
        }
    }

    /// Tells the warnings about an mdaa.yaml.
    pub fn announce_warnings(&self, all: &LoadedAll) {
        let warnings = all.warnings.render(self.paint().is_colored());
        if !warnings.is_empty() {
            self.screen.error(&warnings);
        }
    }

    /// Connects a deployment to its account.
    pub async fn connect(&self, loaded: Loaded) -> Result<Connected, Failure> {
        let options = self.global.connect_options();
        let mut connected = Connected::open(loaded, &options, &self.sessions, self.host, &self.global.caller).await?;
        connected.account.limits = self.global.run.limits();
        Ok(connected)
    }

    /// Plans, and tells on standard error what there is to know about the config.
    pub async fn plan(&self, connected: &mut Connected, options: &Options, to: Towards) -> Result<Planned, Failure> {
        let screen = self.screen;
        for line in std::mem::take(&mut connected.prepared) {
            screen.note(&format!("sandbox: made {line}"));
        }
        let place = connected.deployment();
        screen.detail(&format!("{place} in {} {}, as {}", place.account, place.region, connected.acting_as));
        let (events, deployment) = (Rc::clone(&self.events), place.to_string());
        let several = connected.loaded.is_one_of_several;
        connected.bus.listen(move |event| {
            // A reader that has gone away is no error.
            drop(events.event(&deployment, &event));
            if let Event::Notice { message, .. } = event {
                screen.note(&if several { format!("{deployment}: {message}") } else { message });
            }
        });
        let resolved = match to {
            Towards::Nothing => {
                return Ok(Planned { plan: connected.plan_destroy(options).await?, resolved: None });
            }
            Towards::Config | Towards::ConfigInAws => connected.resolve(to == Towards::ConfigInAws).await?,
        };
        self.warn(&resolved);
        let plan = connected.plan(&resolved, options).await?;
        screen.detail(&format!("{} calls to AWS for the plan", connected.account.calls.sent()));
        // Of several deployments another may have it.
        match plan.unmatched().first().filter(|_| !connected.loaded.is_one_of_several) {
            Some(address) => Err(mend::unmatched(address, &plan)),
            None => Ok(Planned { plan, resolved: Some(resolved) }),
        }
    }

    fn warn(&self, resolved: &Resolved) {
        if !resolved.warnings.diagnostics.is_empty() {
            self.screen.error(&resolved.warnings.render(self.paint().is_colored()));
        }
    }

    /// The line above a deployment's part of the output, where there are several.
    pub fn heading(connected: &Connected) -> String {
        let name = one_line(&connected.deployment().to_string());
        if connected.loaded.is_one_of_several { format!("\n{name}\n") } else { String::new() }
    }

    /// Notes what is planned, for events and reports.
    pub fn planned(&self, plan: &Plan) -> Result<(), Failure> {
        self.events.plan(plan)?;
        if self.global.output.reports.is_empty() {
            return Ok(());
        }
        let deployment = Some(plan.deployment().to_string());
        let plan = Some(PlanDocument::of(plan));
        self.reports.borrow_mut().push(DeploymentReport { deployment, plan, ..DeploymentReport::default() });
        Ok(())
    }

    /// Makes sure that the plan may be carried out; of one that may not, what is blocked is counted.
    pub fn allowed(&self, plan: &Plan) -> Result<(), Failure> {
        let Some(failure) = Failure::blocked(plan) else { return Ok(()) };
        self.events.count(&Report::of_nothing(plan), plan, 0);
        Err(failure)
    }

    /// The document of a plan for `--format json`, which nobody else reads: of thousands of users it is large.
    pub fn document(&self, plan: &Plan) -> Json {
        if self.format() == Format::Json { json!(PlanDocument::of(plan)) } else { Json::Null }
    }

    fn reported(&self, report: &ReportDocument) {
        let mut deployments = self.reports.borrow_mut();
        if let Some(deployment) = deployments.iter_mut().find(|one| one.is_about(&report.deployment)) {
            deployment.report = Some(report.clone());
        }
    }

    /// Goes through deployments, some at once. One that fails does not keep the others from their turn. Tells how all of
    /// them ended, in the end; `plural` is the member that holds their documents where there are several.
    pub async fn each<F: Future<Output = Result<DeploymentResult, Failure>>>(
        &self,
        deployments: Vec<Loaded>,
        plural: &str,
        at_once: AtOnce,
        one: impl Fn(Loaded) -> F,
    ) -> Result<Exit, Failure> {
        self.each_to(deployments, plural, at_once, one).await.map(|ends| exit_of(&ends))
    }

    /// The same, with how each ended.
    pub async fn each_to<F: Future<Output = Result<DeploymentResult, Failure>>>(
        &self,
        deployments: Vec<Loaded>,
        plural: &str,
        at_once: AtOnce,
        one: impl Fn(Loaded) -> F,
    ) -> Result<Vec<(String, DeploymentResult)>, Failure> {
        let several = deployments.len() > 1;
        *self.order.borrow_mut() = deployments.iter().map(|loaded| loaded.names.to_string()).collect();
        // Where they have their turns one after another, each has the screen for itself.
        let fleet = (several && at_once != AtOnce::ONE)
            .then(|| FleetProgress::new(self.screen, self.global.output.progress, deployments.len()));
        let fleet = fleet.flatten().map(Rc::new);
        self.fleet.borrow_mut().clone_from(&fleet);
        let texts = InOrder::default();
        let one = |loaded: Loaded| {
            if let Some(fleet) = &fleet {
                fleet.begin(&loaded.names.to_string());
            }
            one(loaded)
        };
        let ended = |number: usize, name: &str, result| {
            let mut result = self.ended(name, result, several)?;
            let has_failed = !matches!(result.exit, Exit::Success | Exit::Differences) && !result.exit.is_signal();
            if let Some(fleet) = &fleet {
                fleet.end(name, has_failed);
            }
            // In the order of the config, whoever comes first: two runs over the same read the same.
            texts.put(number, std::mem::take(&mut result.text), |text| self.screen.data(text))?;
            Ok(result)
        };
        let ends = fleet::each(deployments, at_once, one, ended).await;
        if let Some(fleet) = &fleet {
            fleet.finish();
        }
        let ends = ends?;
        if self.format() == Format::Json {
            let mut documents: Vec<Json> = ends.iter().map(|(_, result)| result.document.clone()).collect();
            let document = if documents.len() == 1 { documents.remove(0) } else { json!({ plural: documents }) };
            self.screen.data(&format!("{document:#}\n"))?;
        }
        // Commands that only look have shown each deployment by itself, on standard output perhaps for a program.
        if several
            && plural != "deployments"
            && self.is_human()
            && ends.iter().any(|(_, result)| !result.line.is_empty())
        {
            let width = ends.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
            let lines = ends.iter().map(|(name, result)| format!("{name:width$}  {}\n", one_line(&result.line)));
            self.screen.data(&format!("\n{}", lines.collect::<String>()))?;
        }
        Ok(ends)
    }

    /// Number of deployments that are worked on at once: questions are asked one after another.
    pub fn at_once(&self, asks: bool) -> AtOnce {
        match self.global.run.deployments_at_once {
            _ if asks => AtOnce::ONE,
            Some(number) => AtOnce::exactly(number.into()),
            None => AtOnce::USUAL,
        }
    }

    /// The result of one of several deployments. An error is printed here, so that the next can have its turn.
    fn ended(
        &self,
        name: &str,
        result: Result<DeploymentResult, Failure>,
        several: bool,
    ) -> Result<DeploymentResult, Failure> {
        let failure = match result {
            Err(failure) if several => failure,
            other => return other,
        };
        // One signal ends all of them, and is told once.
        let is_signal = failure.exit.is_signal();
        if !is_signal {
            self.print_failure(name, &failure);
        }
        let told = self.failed_in(Some(name), &failure);
        // Who follows the events cannot be told; whoever reads the screen can.
        let untold = told.err().map(|untold| {
            self.print_failure(name, &untold);
            untold.exit
        });
        let exit = untold.map_or(failure.exit, |untold| failure.exit.max(untold));
        let document = json!({ "deployment": name, "error": failure.document() });
        let line = if is_signal { failure.summary } else { format!("failed: {}", failure.summary) };
        Ok(DeploymentResult { exit, wrote: false, line, text: String::new(), document })
    }

    /// Prints why one of several deployments failed; in few words if another failed in the very same way, as all of an
    /// account do that cannot be reached.
    fn print_failure(&self, name: &str, failure: &Failure) {
        let text = ui::failure::render(failure, self.paint());
        let mut printed = self.printed.borrow_mut();
        match printed.get(&text) {
            Some(first) => {
                let same = format!("{name}: {}, as {first}", failure.summary);
                self.screen.error(&one_line(&same));
            }
            None => {
                self.screen.error(&format!("{}: {text}", one_line(name)));
                printed.insert(text, name.to_owned());
            }
        }
    }

    /// Notes why the whole run failed.
    fn failed(&self, failure: &Failure) -> Result<(), Failure> {
        self.failed_in(None, failure)
    }

    /// Tells of a failure of a deployment that does not end the command, to people, events and reports.
    pub fn fail_on(&self, deployment: &str, failure: &Failure) -> Result<(), Failure> {
        if self.format() != Format::Json {
            self.screen.error(&ui::failure::render(failure, self.paint()));
        }
        self.failed_in(Some(deployment), failure)
    }

    /// Notes why a deployment, or the whole run, failed.
    fn failed_in(&self, deployment: Option<&str>, failure: &Failure) -> Result<(), Failure> {
        self.events.error(deployment, failure)?;
        let mut deployments = self.reports.borrow_mut();
        let error = Some(failure.document());
        let open = |one: &&mut DeploymentReport| {
            // Of several that run at once only one is meant.
            one.error.is_none() && deployment.map_or(one.report.is_none(), |deployment| one.is_about(deployment))
        };
        match deployments.iter_mut().rev().find(open) {
            Some(one) => one.error = error,
            None => {
                let deployment = deployment.map(str::to_owned);
                deployments.push(DeploymentReport { deployment, error, ..DeploymentReport::default() });
            }
        }
        Ok(())
    }

    /// The terms on which this run carries plans out.
    pub fn execution(&self, connected: &Connected, plan: &Plan, fail_fast: bool) -> Execution<'a> {
        let deployment = connected.deployment().to_string();
        let progress = match &*self.fleet.borrow() {
            Some(fleet) => {
                fleet.apply(&deployment, plan.steps().iter().filter(|step| step.runs()).count());
                ProgressOf::Fleet(Rc::clone(fleet))
            }
            None => {
                let progress = Progress::new(self.screen, self.global.output.progress);
                let is_one = connected.loaded.is_one_of_several;
                ProgressOf::One(if is_one { progress.of(deployment.clone()) } else { progress })
            }
        };
        let lock_timeout = (!self.global.run.no_lock).then_some(self.global.run.lock_timeout);
        Execution {
            command: self.command,
            host: self.host,
            lock_timeout,
            settings: Settings { parallelism: self.global.run.parallelism.into(), fail_fast },
            observer: Rc::new(Onlookers { progress, events: Rc::clone(&self.events), deployment, screen: self.screen }),
        }
    }

    /// The version of the deployment's lock before the plan of a run in which nobody is asked: over just that version the
    /// lock is acquired unless somebody was faster, and then one plan is enough.
    pub async fn lock_before(&self, connected: &Connected, asks: bool) -> Result<Option<FreeVersion>, Failure> {
        if asks || self.global.run.no_lock {
            return Ok(None);
        }
        let lock = lock::of(self.command, self.host, connected);
        lock.free_version().await.map_err(|error| connected.cloud(&error))
    }

    /// Carries an approved plan out under the lock, and tells how it went.
    pub async fn execute(
        &self,
        connected: &Connected,
        approved: Planned,
        since: Option<FreeVersion>,
        options: &Options,
        fail_fast: bool,
    ) -> Result<DeploymentResult, Failure> {
        let terms = self.execution(connected, &approved.plan, fail_fast);
        let told = RefCell::new(None);
        // While the lock is held: giving it back may take longer than a run has that is to end.
        let tell = |executed: &Executed| *told.borrow_mut() = Some(self.executed(executed, connected, options));
        let executed = execute(&terms, connected, approved, since, options, &tell).await?;
        Ok(told.into_inner().unwrap_or_else(|| self.executed(&executed, connected, options)))
    }

    /// Tells how a plan was carried out.
    pub fn executed(&self, executed: &Executed, connected: &Connected, options: &Options) -> DeploymentResult {
        let Executed { plan, report, writes, exit } = executed;
        let (writes, mut exit) = (*writes, *exit);
        let caller = &connected.caller;
        self.screen.detail(&format!("{} calls to AWS in all, {writes} of them writes", connected.account.calls.sent()));
        self.events.count(report, plan, writes);
        let way_on = way_on(self, options);
        let document = ReportDocument::of(report, plan, caller);
        self.reported(&document);
        let name = plan.deployment().to_string();
        let show = || {
            report_human::failures(report, plan, caller)
                .iter()
                .try_for_each(|failure| self.events.error(Some(&name), failure))?;
            if self.is_human() {
                let text = report_human::render(report, plan, caller, &way_on, self.screen.data_paint());
                self.screen.data(&format!("{}{text}", Self::heading(connected)))?;
            }
            Ok::<_, io::Error>(())
        };
        // What was done is done, whoever cannot be told.
        if let Err(error) = show() {
            let failure = super::print_error(&Failure::from(error), Format::Human, self.screen);
            exit = if exit == Exit::Success { failure } else { exit };
        }
        let line = report_human::last_line(report, plan, &way_on);
        DeploymentResult { exit, wrote: writes > 0, line, text: String::new(), document: json!(document) }
    }
}

/// The exit code that several ends lead to.
pub(super) fn exit_of(ends: &[(String, DeploymentResult)]) -> Exit {
    let exits: Vec<(Exit, bool)> = ends.iter().map(|(_, result)| (result.exit, result.wrote)).collect();
    Exit::of_several(&exits)
}

/// Texts that come in any order, and are written in theirs.
#[derive(Default)]
struct InOrder(RefCell<(usize, BTreeMap<usize, String>)>);

impl InOrder {
    fn put(&self, number: usize, text: String, write: impl Fn(&str) -> io::Result<()>) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        let (next, waiting) = &mut *state;
        waiting.insert(number, text);
        while let Some(text) = waiting.remove(next) {
            *next += 1;
            if !text.is_empty() {
                write(&text)?;
            }
        }
        Ok(())
    }
}

/// The progress of a deployment: by itself, or among others.
enum ProgressOf {
    One(Progress<'static>),
    Fleet(Rc<FleetProgress<'static>>),
}

/// The screen and the readers of events, as the followers of a run.
struct Onlookers {
    progress: ProgressOf,
    events: Rc<EventWriter<'static>>,
    deployment: String,
    screen: &'static Screen,
}

impl fmt::Debug for Onlookers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Onlookers")
    }
}

impl Observer for Onlookers {
    fn event(&self, event: &Event, elapsed: Duration) {
        match &self.progress {
            ProgressOf::One(progress) => progress.event(event, elapsed),
            ProgressOf::Fleet(fleet) => fleet.event(&self.deployment, event, elapsed),
        }
        // A reader that has gone away is no error, and a full disk must not stop a run half way.
        drop(self.events.event(&self.deployment, event));
    }

    fn tick(&self, elapsed: Duration) {
        match &self.progress {
            ProgressOf::One(progress) => progress.tick(elapsed),
            ProgressOf::Fleet(fleet) => fleet.tick(&self.deployment, elapsed),
        }
    }

    fn finish(&self) {
        if let ProgressOf::One(progress) = &self.progress {
            progress.finish();
        }
    }

    fn error(&self, text: &str) {
        self.screen.error(text);
    }
}

/// The planner's options as the command line gives them.
pub(super) fn options(consent: &Consent) -> Options {
    let mut options = Options::default();
    consent.write_to(&mut options);
    options
}

/// The end of a run over one deployment.
#[derive(Debug)]
pub(super) struct DeploymentResult {
    pub exit: Exit,
    pub wrote: bool,
    /// The end in one line, for people.
    pub line: String,
    /// Text for people that has not been shown yet.
    pub text: String,
    /// The document of `--format json` about it.
    pub document: Json,
}

impl DeploymentResult {
    /// The end of a command that only looks, with what it has to show to people and to programs.
    pub fn shown(exit: Exit, text: String, document: Json) -> Self {
        Self { exit, wrote: false, line: String::new(), text, document }
    }

    /// The end of a run in which nothing was to be done.
    pub fn idle(run: &Run<'_>, plan: &Plan) -> Self {
        let report = Report::of_nothing(plan);
        run.events.count(&report, plan, 0);
        let document = ReportDocument::of(&report, plan, &run.global.caller);
        run.reported(&document);
        let found = if plan.watched().is_empty() { String::new() } else { format!("; {}", watched::counted(plan)) };
        let line = format!("no changes{found}");
        Self { exit: Exit::Success, wrote: false, line, text: String::new(), document: json!(document) }
    }
}

/// The way on for whatever a run leaves to be done. A saved plan serves once: what is left is another plan.
fn way_on(run: &Run<'_>, options: &Options) -> String {
    let caller = &run.global.caller;
    match caller.own.iter().find_map(|words| words.strip_prefix("--plan ")) {
        None => format!("Run {} again to continue.", caller.rerun()),
        Some(path) => {
            let consent = args::consent_words(options);
            let words = ["--out", path].into_iter().chain(consent.iter().map(String::as_str));
            format!("Plan again to continue: {}", caller.run_quoted("plan", words))
        }
    }
}
