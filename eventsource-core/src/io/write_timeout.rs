//! When a client has stopped reading.

use crate::Timer;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

/// Decides when a client has taken nothing for so long that its connection is to be given up.
///
/// # Protocol
/// Whenever something that's to be written can't be written now, call [`poll_expired`](Self::poll_expired): `Ready` gives the client
/// up; otherwise the alarm has been set and the waker left with it. Report with [`handle_taken`](Self::handle_taken)
/// that the client has taken something, however little: that ends the waiting. Between two writes that go through, no
/// timer is touched.
///
/// What the socket's own buffers hold counts as taken, and a full one takes more only when a good part of it is free: the limit
/// has to be more than the send buffer divided by the slowest rate that's to be put up with, 210 s for 4 MiB and 20 kB/s.
///
/// # Limits
/// Zero means off. `Duration::MAX`, and whatever else a timer takes for never, means never.
///
/// ```
/// use core::pin::pin;
/// use core::task::{Context, Poll, Waker};
/// use core::time::Duration;
/// use eventsource_core::io::WriteTimeout;
/// use eventsource_core::test_util::ManualClock;
///
/// let clock = ManualClock::new();
/// let mut alarm = pin!(clock.timer());
/// let mut cx = Context::from_waker(Waker::noop());
///
/// let mut timeout = WriteTimeout::new(Duration::from_secs(30));
/// assert_eq!(timeout.poll_expired(alarm.as_mut(), &mut cx), Poll::Pending);
/// clock.advance(Duration::from_secs(30));
/// assert_eq!(timeout.poll_expired(alarm.as_mut(), &mut cx), Poll::Ready(()));
/// ```
#[derive(Clone, Debug)]
pub struct WriteTimeout {
    limit: Duration,
    /// The alarm was set for a write that waits.
    is_waiting: bool,
}

impl WriteTimeout {
    /// Creates a timeout of `limit`; zero is off.
    pub const fn new(limit: Duration) -> Self {
        Self { limit, is_waiting: false }
    }

    /// Notes that the client has taken something.
    pub const fn handle_taken(&mut self) {
        self.is_waiting = false;
    }

    /// Returns `Ready` once the client has taken nothing for too long. The caller has to pass the same `timer` each time.
    pub fn poll_expired<T: Timer + ?Sized>(
        &mut self,
        mut timer: Pin<&mut T>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.limit.is_zero() {
            return Poll::Pending;
        }
        if !core::mem::replace(&mut self.is_waiting, true) {
            timer.as_mut().reset(self.limit);
        }
        ready!(timer.poll_expired(cx));
        self.is_waiting = false;
        Poll::Ready(())
    }
}
