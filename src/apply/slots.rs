//! The places of a run: as many as steps may work at once, each with one step, or free.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore};

use crate::cloud::Slot;

/// The places of a run: a semaphore, in whose queue a step that waited comes before one that has not begun.
pub(super) struct Slots(Rc<Shared>);

struct Shared {
    free: Arc<Semaphore>,
    /// Wakes the engine when a step that waits gave its place back.
    freed: Notify,
}

impl Slots {
    /// A run's places, all of them free.
    pub(super) fn new(number: usize) -> Self {
        Self(Rc::new(Shared { free: Arc::new(Semaphore::new(number)), freed: Notify::new() }))
    }

    /// A place for a step that begins, if one is free that nobody waits for.
    pub(super) fn take(&self) -> Option<Rc<dyn Slot>> {
        let permit = Arc::clone(&self.0.free).try_acquire_owned().ok()?;
        Some(Rc::new(Place { shared: Rc::clone(&self.0), permit: RefCell::new(Some(permit)), queue: Mutex::default() }))
    }

    /// Waits until a step that is under way has given its place back.
    pub(super) async fn freed(&self) {
        self.0.freed.notified().await;
    }
}

/// The place of one step.
struct Place {
    shared: Rc<Shared>,
    permit: RefCell<Option<OwnedSemaphorePermit>>,
    /// Held by whoever queues for a permit: of a step that does several things at once, one queues for all of them, since two
    /// would wait for each other where there is but one place.
    queue: Mutex<()>,
}

impl Slot for Place {
    fn give_back(&self) {
        if self.permit.take().is_some() {
            self.shared.freed.notify_one();
        }
    }

    fn take_again(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            let _queue = self.queue.lock().await;
            if self.permit.borrow().is_some() {
                return;
            }
            let permit = Arc::clone(&self.shared.free).acquire_owned().await;
            self.permit.replace(permit.ok());
        })
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<T>(future: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Poll<T> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_place_that_is_given_back_is_free_and_whoever_waited_has_the_next_one() {
        let slots = Slots::new(1);
        let first = slots.take().unwrap();
        assert!(slots.take().is_none());
        let mut freed: Pin<Box<dyn Future<Output = ()>>> = Box::pin(slots.freed());
        assert!(poll(&mut freed).is_pending());
        first.give_back();
        assert!(poll(&mut freed).is_ready());
        let second = slots.take().unwrap();
        let mut again = first.take_again();
        assert!(poll(&mut again).is_pending());
        drop(second);
        // It is there, and for the one that waits.
        assert!(slots.take().is_none());
        assert!(poll(&mut again).is_ready());
        drop(again);
        drop(first);
        assert!(slots.take().is_some());
    }

    #[test]
    fn a_step_has_one_place_however_many_of_its_parts_wait() {
        let slots = Slots::new(1);
        let place = slots.take().unwrap();
        place.give_back();
        place.give_back();
        let held = slots.take().unwrap();
        assert!(slots.take().is_none());
        drop(held);
        for _ in 0..2 {
            assert!(poll(&mut place.take_again()).is_ready());
        }
        assert!(slots.take().is_none());
        drop(place);
        assert!(slots.take().is_some() && slots.take().is_some());
    }

    #[test]
    fn the_parts_of_a_step_that_go_on_together_queue_for_one_place() {
        let slots = Slots::new(1);
        let place = slots.take().unwrap();
        place.give_back();
        place.give_back();
        let held = slots.take().unwrap();
        let (mut one, mut other) = (place.take_again(), place.take_again());
        assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
        drop(held);
        assert!(poll(&mut one).is_ready());
        drop(one);
        assert!(poll(&mut other).is_ready());
        drop(other);
        // One that is given up while it queues lets the other queue.
        place.give_back();
        let held = slots.take().unwrap();
        let (mut one, mut other) = (place.take_again(), place.take_again());
        assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
        drop(one);
        assert!(poll(&mut other).is_pending());
        drop(held);
        assert!(poll(&mut other).is_ready());
    }
}
