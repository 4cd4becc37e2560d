//! The line to S3, shared by everything that is uploaded.

use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

use super::wait::without_slot;

/// In how many shares the line is given out.
const SHARES: u32 = 1024;

/// The line that uploads share. Each has it for itself to the extent that it needs it to be done in time, and holds no
/// more of its file in memory than it sends: so neither many uploads at once nor large ones take longer than an attempt
/// may, or more memory than the largest of them.
#[derive(Debug)]
pub struct Upstream(Semaphore);

impl Default for Upstream {
    fn default() -> Self {
        Self(Semaphore::new(SHARES as usize))
    }
}

impl Upstream {
    /// The share of `size` bytes where `whole` bytes need the whole line; waits until so much of it is free.
    ///
    /// Nobody waits for the line in a place that another step could have, and nobody holds a share while waiting for a place:
    /// the two would wait for each other. So a share that comes while there is no place is let go, and asked for again.
    pub async fn share(&self, size: u64, whole: u64) -> Option<SemaphorePermit<'_>> {
        let shares = (size * u64::from(SHARES)).div_ceil(whole.max(1));
        let shares = u32::try_from(shares).unwrap_or(SHARES).clamp(1, SHARES);
        loop {
            match self.0.try_acquire_many(shares) {
                Ok(share) => return Some(share),
                // Nobody ever closes it.
                Err(TryAcquireError::Closed) => return None,
                Err(TryAcquireError::NoPermits) => {
                    without_slot(async { drop(self.0.acquire_many(shares).await) }).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn large_uploads_wait_for_each_other_and_small_ones_need_not() {
        let line = Upstream::default();
        let share = |size| line.share(size, 100).now_or_never().flatten();
        let small: Vec<_> = (0..8).map(|_| share(10)).collect();
        assert!(small.iter().all(Option::is_some));
        assert!(share(100).is_none() && share(25).is_none());
        drop(small);
        let large = share(1000);
        assert!(large.is_some() && share(0).is_none());
    }
}
