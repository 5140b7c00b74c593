//! The timer that core asks for, on the clock.

use crate::clock::{Clock, HZ};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use eventsource_core::Timer;

/// For a loop that polls after each tick of the clock, and so needs no waker.
pub(crate) struct Alarm {
    clock: Clock,
    set_at: u32,
    /// None is never.
    ticks: Option<u32>,
}

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, set_at: 0, ticks: None }
    }
}

impl Timer for Alarm {
    fn reset(mut self: Pin<&mut Self>, after: Duration) {
        self.set_at = self.clock.ticks();
        self.ticks = to_ticks(after);
    }

    fn poll_expired(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let passed = self.clock.ticks().wrapping_sub(self.set_at);
        match self.ticks {
            Some(ticks) if passed >= ticks => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

/// So many ticks that `after` has passed for certain: part of a tick counts as one, and the first one to come has begun
/// already.
fn to_ticks(after: Duration) -> Option<u32> {
    let seconds = u32::try_from(after.as_secs()).ok()?;
    let part = after.subsec_nanos().div_ceil(1_000_000_000 / HZ);
    seconds.checked_mul(HZ)?.checked_add(part)?.checked_add(1)
}
