//! A timer on a clock that's only a number.

use core::cell::Cell;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use eventsource_core::Timer;

/// For a loop that polls whenever it has moved the clock, and so needs no waker.
#[derive(Debug)]
pub(crate) struct Alarm<'a> {
    now: &'a Cell<Duration>,
    deadline: Duration,
}

impl<'a> Alarm<'a> {
    pub(crate) fn new(now: &'a Cell<Duration>) -> Self {
        Self { now, deadline: Duration::MAX }
    }
}

impl Timer for Alarm<'_> {
    fn reset(mut self: Pin<&mut Self>, after: Duration) {
        self.deadline = self.now.get().saturating_add(after);
    }

    fn poll_expired(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.deadline <= self.now.get() { Poll::Ready(()) } else { Poll::Pending }
    }
}
