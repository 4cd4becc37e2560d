//! Fencing of a run's writes: none is sent unless the lock is certain to be held.
//!
//! The fence acts at three places. The run itself is only polled while the fence lets writes through ([`Fence::guard`]),
//! so that a run that was asleep reads the lock before it does anything else; each write checks the fence again at the
//! last moment before it is sent; and a lock that is lost stops the run.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::{Notify, watch};

use super::super::calls::only_reads;

/// The switch that lets writes through, shared by a run and the clients that it calls AWS with.
#[derive(Clone, Debug)]
pub struct Fence(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    lost: watch::Sender<bool>,
    doubted: Notify,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The run needs no lock.
    Open,
    /// The lock is held by a heartbeat that was begun at `since`.
    Held { since: Duration, limit: Duration, uptime: fn() -> Duration },
    /// The lock is somebody else's, or nobody can tell for too long.
    Lost,
}

/// The reason why a write was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHeld {
    /// The last heartbeat is too old.
    #[error("not sent: the lock's last heartbeat is {} s old, and another run may hold it by now", .0.as_secs())]
    Doubtful(Duration),
    /// Another run has it.
    #[error("not sent: another run has taken the lock over")]
    Lost,
}

impl Default for Fence {
    fn default() -> Self {
        let (lost, _) = watch::channel(false);
        Self(Arc::new(Shared { state: Mutex::new(State::Open), lost, doubted: Notify::new() }))
    }
}

impl Fence {
    /// Lets writes through for `limit` after `since`, by the clock `uptime`, which goes on while the machine sleeps.
    pub(super) fn hold(&self, since: Duration, limit: Duration, uptime: fn() -> Duration) {
        *self.state() = State::Held { since, limit, uptime };
    }

    /// Closes the fence: no write is sent any more.
    pub(crate) fn lose(&self) {
        *self.state() = State::Lost;
        self.0.lost.send_replace(true);
    }

    /// Checks that a write may be sent now.
    pub fn check(&self) -> Result<(), NotHeld> {
        match *self.state() {
            State::Open => Ok(()),
            State::Lost => Err(NotHeld::Lost),
            State::Held { since, limit, uptime } => match uptime().saturating_sub(since) {
                age if age <= limit => Ok(()),
                age => Err(NotHeld::Doubtful(age)),
            },
        }
    }

    /// A channel that becomes true once the lock is lost.
    pub fn lost(&self) -> watch::Receiver<bool> {
        self.0.lost.subscribe()
    }

    /// Waits until the run had to stop because the last heartbeat is too old.
    pub(super) async fn doubted(&self) {
        self.0.doubted.notified().await;
    }

    /// Polls `work` and, beside it, `keeper`, which renews the lock and never ends. While the lock is in doubt only the
    /// keeper is polled: `work` makes calls only while it is polled.
    pub async fn guard<T>(&self, keeper: impl Future<Output = ()>, work: impl Future<Output = T>) -> T {
        let (mut keeper, mut work) = (pin!(keeper), pin!(work));
        let mut is_kept = true;
        poll_fn(|context| {
            if is_kept {
                is_kept = keeper.as_mut().poll(context).is_pending();
            }
            if let Err(NotHeld::Doubtful(_)) = self.check() {
                self.0.doubted.notify_one();
                return Poll::Pending;
            }
            work.as_mut().poll(context)
        })
        .await
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Fence {
    fn name(&self) -> &'static str {
        "Fence"
    }

    fn modify_before_transmit(
        &self,
        _context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(|metadata| metadata.name().to_owned()).unwrap_or_default();
        if only_reads(&operation) { Ok(()) } else { self.check().map_err(Into::into) }
    }
}
