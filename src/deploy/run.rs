//! A plan carried out: under the lock, as it was approved, while signals are heard.

use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::connected::Connected;
use super::host::Host;
use super::lock;
use super::planned::Planned;
use crate::apply::{Event, Report, Settings, Stop, apply};
use crate::aws::lock::{FreeVersion, NotHeld};
use crate::aws::wait;
use crate::failure::{Exit, Failure, codes};
use crate::plan::document::PlanDocument;
use crate::plan::{Options, Plan};
use crate::preflight;
use crate::resource::rules;

/// The time between two movements of the screen while a run goes on.
const TICK: Duration = Duration::from_millis(200);

/// Follower of a run: the screen, and whoever reads events.
pub trait Observer: fmt::Debug {
    /// Takes an event, with the time since the first step could begin.
    fn event(&self, event: &Event, elapsed: Duration);
    /// Takes that time has passed.
    fn tick(&self, elapsed: Duration);
    /// Takes that no more events come.
    fn finish(&self);
    /// Takes what went wrong beside the run itself.
    fn error(&self, text: &str);
}

/// The terms of a run: for which command, where, under which lock, and who follows it.
#[derive(Debug)]
pub struct Execution<'a> {
    /// The command, as the lock names it.
    pub command: &'static str,
    /// The machine.
    pub host: &'a Host,
    /// How long to wait for the lock; none when no lock is taken.
    pub lock_timeout: Option<Duration>,
    /// How many steps at once, and whether the first failure ends it.
    pub settings: Settings,
    /// The follower.
    pub observer: Rc<dyn Observer>,
}

/// A plan that was carried out, as far as it came.
#[derive(Debug)]
pub struct Executed {
    /// The plan as it was made under the lock.
    pub plan: Plan,
    /// How each step ended.
    pub report: Report,
    /// How many calls changed something.
    pub writes: u64,
    /// The code that this leads to.
    pub exit: Exit,
}

/// Takes the lock, makes sure that the same is to be done as was approved, and does it. `tell` hears how that went before
/// the lock is given back.
///
/// The plan is made again under the lock, unless nobody looked at it and the lock was acquired over the version `since`
/// that it had before the plan was made: then nobody had the lock meanwhile, and a plan that is seconds old is no staler
/// than another one would be at its first write.
///
/// # Errors
/// The lock is held or lost, the account has changed since, or cannot be read. What fails in a step is in the report.
pub async fn execute(
    run: &Execution<'_>,
    connected: &Connected,
    approved: Planned,
    since: Option<FreeVersion>,
    options: &Options,
    tell: &dyn Fn(&Executed),
) -> Result<Executed, Failure> {
    let signals = &run.host.signals;
    let destroys = approved.plan.destroy();
    let lock = run.lock_timeout.map(|timeout| (lock::of(run.command, run.host, connected), timeout));
    let _writing = signals.writing();
    let Some((lock, timeout)) = lock else {
        return Box::pin(under_lock(run, connected, approved, false, options, tell)).await;
    };
    let bus = connected.bus.clone();
    let notice = |message| bus.notice(message);
    let result = match signals.unless_stopped(lock::take(connected, &lock, timeout, &*run.observer)).await {
        Ok(()) => {
            let is_fresh = since.is_some_and(|version| lock.is_next_after(&version));
            lock.keep(&notice, Box::pin(under_lock(run, connected, approved, is_fresh, options, tell))).await
        }
        // It may have become ours a moment before.
        Err(failure) if failure.exit.is_signal() => Err(failure),
        Err(failure) => return Err(failure),
    };
    let gone = destroys && result.as_ref().is_ok_and(|executed| executed.exit == Exit::Success);
    lock::give_back(connected, &lock, gone, &*run.observer).await;
    result
}

async fn under_lock(
    run: &Execution<'_>,
    connected: &Connected,
    approved: Planned,
    is_fresh: bool,
    options: &Options,
    tell: &dyn Fn(&Executed),
) -> Result<Executed, Failure> {
    let plan = if is_fresh {
        approved.plan
    } else {
        let plan = run.host.signals.unless_stopped(connected.plan_again(&approved, options)).await?;
        if let Some(moved) = PlanDocument::of(&approved.plan).moved(&PlanDocument::of(&plan)) {
            let summary = format!("the account changed while the plan was looked at: {moved}");
            return Err(Failure::new(&codes::STALE, summary).help("nothing was changed; plan again"));
        }
        plan
    };
    if let Err(why) = connected.account.fence.check() {
        return Err(Failure::new(&codes::LOCK_LOST, format!("the lock was taken away: {why}")).help("run again"));
    }
    let executed = finished(run, connected, plan).await;
    tell(&executed);
    Ok(executed)
}

/// Carries a plan out, and says how that ended.
pub(super) async fn finished(run: &Execution<'_>, connected: &Connected, plan: Plan) -> Executed {
    let report = carry_out(run, connected, &plan).await;
    let writes = connected.account.calls.writes();
    let exit = match run.host.signals.exit() {
        Some(signal) if report.stopped => signal,
        _ => report.exit(writes > 0),
    };
    Executed { plan, report, writes, exit }
}

/// Applies a plan while the follower is told, and while signals and the lock are heeded.
async fn carry_out(run: &Execution<'_>, connected: &Connected, plan: &Plan) -> Report {
    let start = Instant::now();
    let observer = Rc::clone(&run.observer);
    connected.bus.listen(move |event| observer.event(&event, start.elapsed()));
    let emit = |event: Event| connected.bus.emit(event);
    let (stop_here, stop) = tokio::sync::watch::channel(Stop::No);
    let work = apply(&connected.account, plan, &rules, run.settings, stop, &emit);
    let mut asked = run.host.signals.stop();
    let mut tick = wait::every(TICK);
    let mut lost = connected.account.fence.lost();
    // Beside the work and not around it: what is heard here is no reason to look at the work again, so that in virtual
    // time a run is the same however fast it is.
    let heed = async {
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => run.observer.tick(start.elapsed()),
                // What runs goes on as far as it only reads: no write is sent any more.
                Ok(()) = lost.changed() => drop(stop_here.send_replace(Stop::Drain)),
                Ok(()) = asked.changed() => {
                    let urgency = *asked.borrow_and_update();
                    if urgency == Stop::Drain {
                        connected.bus.notice("stopping: nothing new is started".into());
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
    report.lock_lost = report.stopped && matches!(connected.account.fence.check(), Err(NotHeld::Lost));
    for notice in preflight::after(plan, &report) {
        emit(Event::Notice { address: notice.address, message: notice.message });
    }
    run.observer.finish();
    connected.bus.listen(|_| {});
    report
}
