//! What plan, apply and destroy share: planning with all that is said about it, the lock, and the run itself.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::args::{Consent, Format, Global};
use super::codes;
use super::exit::Exit;
use super::failure::Failure;
use super::load::LoadedAll;
use super::session::{Goal, Session};
use super::surroundings::Surroundings;
use crate::apply::{Event, Report, Settings, Stop, apply};
use crate::aws::lock::{self, Holder, LockError};
use crate::aws::wait;
use crate::plan::{Options, Plan};
use crate::preflight;
use crate::resource::rules;
use crate::ui::events::EventWriter;
use crate::ui::progress::Progress;
use crate::ui::{Screen, report_human, report_json};

/// How often the screen moves while a run goes on.
const TICK: Duration = Duration::from_millis(200);
/// How long a saved plan may be applied.
const PLAN_VALIDITY: Duration = Duration::from_secs(7 * 24 * 3600);

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
    Ok(Planned { plan: session.plan(&goal, options).await?, goal: Some(goal) })
}

/// When a plan that is saved now was made, and until when it may be applied; RFC 3339.
pub(super) fn validity(surroundings: &Surroundings) -> (String, String) {
    let created = (surroundings.now)();
    let expires = created.parse::<jiff::Timestamp>().ok().and_then(|now| now.checked_add(PLAN_VALIDITY).ok());
    (created, expires.map(|expires| expires.to_string()).unwrap_or_default())
}

/// How a run over one deployment ended.
pub(super) struct Ended {
    pub exit: Exit,
    pub wrote: bool,
}

/// Plans again under the lock, makes sure that the same is to be done, and does it.
pub(super) async fn execute(
    session: &mut Session,
    approved: &Planned,
    options: &Options,
    settings: Settings,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
    command: &str,
) -> Result<Ended, Failure> {
    let me = Holder {
        holder: surroundings.user.clone(),
        host: surroundings.host.clone(),
        pid: surroundings.pid,
        token: format!("{}-{}-{}", surroundings.host, surroundings.pid, (surroundings.now)()),
        command: command.to_owned(),
        heartbeat: 0,
    };
    let locks = !global.run.no_lock;
    if locks {
        let patience = global.run.lock_timeout;
        lock::acquire(&session.account, &me, &surroundings.is_alive, patience).await.map_err(|error| match error {
            LockError::Held(holder) => {
                Failure::new(&codes::LOCKED, format!("{} is locked by {holder}", session.deployment())).help(
                    "wait for it with `--lock-timeout 10m`; if it is gone for good, `studio-deploy unlock --yes` removes it",
                )
            }
            LockError::Cloud(error) => session.cloud(&error),
        })?;
    }
    let result = locked(session, approved, options, settings, global, screen, surroundings, &me, command).await;
    if locks {
        let gone = approved.plan.destroy && result.as_ref().is_ok_and(|ended| ended.exit == Exit::Success);
        let released =
            if gone { lock::remove(&session.account).await } else { lock::release(&session.account, &me).await };
        if let Err(error) = released {
            screen.error(&format!("the lock could not be given back: {error}; `studio-deploy unlock --yes` does"));
        }
    }
    result
}

async fn locked(
    session: &mut Session,
    approved: &Planned,
    options: &Options,
    settings: Settings,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
    me: &Holder,
    command: &str,
) -> Result<Ended, Failure> {
    let now = match &approved.goal {
        Some(goal) => session.plan(goal, options).await?,
        None => session.plan_destroy(options).await?,
    };
    let (then, again) =
        (crate::ui::plan_json::PlanDocument::of(&approved.plan), crate::ui::plan_json::PlanDocument::of(&now));
    if let Some(moved) = then.moved(&again) {
        return Err(Failure::new(&codes::STALE, format!("the account changed while the plan was looked at: {moved}"))
            .help("nothing was changed; plan again"));
    }
    let report = carry_out(session, &now, settings, global, screen, surroundings, me, command).await?;
    let writes = session.account.writes.count();
    let signalled = (surroundings.signalled)();
    let exit = match signalled {
        Some(signal) if report.stopped => signal,
        _ => Exit::of_report(&report, writes > 0),
    };
    match global.output.format() {
        Format::Json => screen.data(&report_json::ReportDocument::of(&report, &now).text())?,
        Format::Ndjson => {}
        _ => screen.data(&report_human::render(&report, &now, screen.data_paint()))?,
    }
    Ok(Ended { exit, wrote: writes > 0 })
}

async fn carry_out(
    session: &Session,
    plan: &Plan,
    settings: Settings,
    global: &Global,
    screen: &'static Screen,
    surroundings: &Surroundings,
    me: &Holder,
    command: &str,
) -> Result<Report, Failure> {
    let start = Instant::now();
    let progress = Rc::new(Progress::new(screen, global.output.progress));
    let writer = if global.output.format() == Format::Ndjson {
        let writer = EventWriter::hello(screen, surroundings.now, command)?;
        writer.plan(plan)?;
        Some(writer)
    } else {
        None
    };
    let writer = Rc::new(RefCell::new(writer));
    let teller = {
        let (progress, writer) = (Rc::clone(&progress), Rc::clone(&writer));
        move |event: Event| {
            progress.event(&event, start.elapsed());
            if let Some(writer) = writer.borrow().as_ref() {
                // A reader that has gone away is no error, and a full disk must not stop a run half way.
                drop(writer.event(&event));
            }
        }
    };
    session.bus.listen(teller);
    let tell = |event: Event| session.bus.tell(event);
    let (stop_here, stop) = tokio::sync::watch::channel(Stop::No);
    let run = apply(&session.account, plan, &rules, settings, stop, &tell);
    let mut asked = surroundings.stop.clone();
    let mut tick = wait::every(TICK);
    let mut beat = wait::every(lock::HEARTBEAT);
    // The first beat is due at once, and the lock was written a moment ago.
    beat.reset();
    tokio::pin!(run);
    let report = loop {
        tokio::select! {
            report = &mut run => break report,
            _ = tick.tick() => progress.tick(start.elapsed()),
            _ = beat.tick(), if !global.run.no_lock => {
                // A beat that is lost is made up by the next; one that says that the lock is somebody else's stops us.
                if let Ok(false) = lock::beat(&session.account, me).await {
                    tell(Event::Notice { address: None, message: "the lock was taken away: stopping".into() });
                    stop_here.send_replace(Stop::Drain);
                }
            }
            Ok(()) = asked.changed() => {
                let urgency = *asked.borrow_and_update();
                if urgency == Stop::Drain {
                    tell(Event::Notice { address: None, message: "stopping: nothing new is started".into() });
                }
                stop_here.send_replace(urgency);
            }
        }
    };
    for notice in preflight::after(plan, &report) {
        tell(Event::Notice { address: notice.address, message: notice.message });
    }
    progress.finish();
    session.bus.listen(|_| {});
    if let Some(writer) = writer.borrow_mut().take() {
        let writes = session.account.writes.count();
        for failure in report_human::failures(&report, plan) {
            writer.error(&failure)?;
        }
        let exit = match (surroundings.signalled)() {
            Some(signal) if report.stopped => signal,
            _ => Exit::of_report(&report, writes > 0),
        };
        writer.end(exit.code(), Some(&report), writes)?;
    }
    Ok(report)
}
