//! Signals, and their effect on a run: what only reads, or waits, ends at once; what writes is told, and ends in order.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::apply::Stop;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;

/// The state that the signals' listener and the run share.
#[derive(Debug, Default)]
struct Shared {
    first: OnceLock<Exit>,
    writing: AtomicUsize,
}

/// Sender half of the stop signal.
#[derive(Debug)]
pub struct Switch {
    stop: watch::Sender<Stop>,
    shared: Arc<Shared>,
}

impl Switch {
    /// The first signal, by the exit code that it leads to: nothing new begins.
    pub fn drain(&self, signal: Exit) {
        // Later ones change no code.
        let _ = self.shared.first.set(signal);
        self.stop.send_replace(Stop::Drain);
    }

    /// Nothing more is waited for.
    pub fn leave(&self) {
        self.stop.send_replace(Stop::Leave);
    }

    /// Returns `true` while the run changes something or holds the lock.
    pub fn is_writing(&self) -> bool {
        self.shared.writing.load(Ordering::SeqCst) > 0
    }
}

/// Work that a signal may end.
type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'a>>;

/// Receiver half of the stop signal.
#[derive(Clone, Debug)]
pub struct Signals {
    stop: watch::Receiver<Stop>,
    shared: Arc<Shared>,
}

/// A run that signals can end, and what ends it.
pub fn signals() -> (Switch, Signals) {
    let (sender, stop) = watch::channel(Stop::No);
    let shared = Arc::<Shared>::default();
    (Switch { stop: sender, shared: Arc::clone(&shared) }, Signals { stop, shared })
}

impl Signals {
    /// The signals of a run that nothing stops.
    pub fn none() -> Self {
        signals().1
    }

    /// The exit code of the first signal, if there was one.
    pub fn exit(&self) -> Option<Exit> {
        self.shared.first.get().copied()
    }

    /// A channel that tells how urgently the run is to end.
    pub fn stop(&self) -> watch::Receiver<Stop> {
        self.stop.clone()
    }

    /// A mark that something is changed which has to be left in order; it holds until it is dropped.
    #[must_use]
    pub fn writing(&self) -> Writing {
        self.shared.writing.fetch_add(1, Ordering::SeqCst);
        Writing(Arc::clone(&self.shared))
    }

    /// Does what changes nothing, unless a signal ends it. `work` is most of a run, so that it stands on the heap: every
    /// layer around it would keep room for it.
    ///
    /// # Errors
    /// What `work` fails with, or that it was stopped.
    pub fn unless_stopped<'a, T: 'a>(
        &'a self,
        work: impl Future<Output = Result<T, Failure>> + 'a,
    ) -> impl Future<Output = Result<T, Failure>> + 'a {
        let work: Work<'a, T> = Box::pin(work);
        let mut stop = self.stop.clone();
        async move {
            tokio::select! {
                biased;
                // Without anybody who could send one there is no signal to come.
                Ok(_) = stop.wait_for(|stop| *stop >= Stop::Drain) => Err(self.stopped()),
                result = work => result,
            }
        }
    }

    fn stopped(&self) -> Failure {
        let exit = self.exit().unwrap_or(Exit::Interrupted);
        let signal = match exit {
            Exit::Hangup => "HUP",
            Exit::Terminated => "TERM",
            _ => "INT",
        };
        Failure { exit, ..Failure::new(&codes::STOPPED, format!("stopped by {signal}")).detail("nothing was changed") }
    }
}

/// A mark that a run changes something.
pub struct Writing(Arc<Shared>);

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writing")
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.writing.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn forever() -> Result<(), Failure> {
        std::future::pending().await
    }

    #[tokio::test]
    async fn the_first_signal_ends_what_reads_and_names_the_code() {
        let (switch, signals) = signals();
        assert_eq!(signals.unless_stopped(async { Ok(1) }).await, Ok(1));
        switch.drain(Exit::Terminated);
        let stopped = signals.unless_stopped(forever()).await.unwrap_err();
        assert_eq!((stopped.exit, stopped.code), (Exit::Terminated, "SD6002"));
        assert_eq!((&*stopped.summary, &*stopped.detail), ("stopped by TERM", "nothing was changed"));
        switch.drain(Exit::Interrupted);
        assert_eq!(signals.exit(), Some(Exit::Terminated), "the first one names the code");
    }

    #[tokio::test]
    async fn what_nobody_can_stop_goes_on() {
        let signals = Signals::none();
        assert_eq!(signals.unless_stopped(async { Ok(1) }).await, Ok(1));
    }

    #[test]
    fn writing_lasts_as_long_as_any_of_several_runs() {
        let (switch, signals) = signals();
        let (one, other) = (signals.writing(), signals.writing());
        drop(one);
        assert!(switch.is_writing());
        drop(other);
        assert!(!switch.is_writing());
    }
}
