//! When to send a keep-alive.

use crate::Timer;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

/// Decides when a stream has been quiet for so long that a keep-alive is due.
///
/// Proxies cut a connection on which nothing moves, and a server notices a client that's gone only when it
/// writes. §9.2.7 therefore advises a comment line every 15 seconds or so; the default here is 60.
///
/// # Protocol
/// Report each thing that goes out with [`handle_sent`](Self::handle_sent). When there's nothing left to send,
/// call [`poll_due`](Self::poll_due): `Ready` asks for one keep-alive now; otherwise the alarm has been set and the
/// waker left with it. The first interval begins with the first call of `poll_due`.
///
/// Sending is free: it sets a flag, and the alarm is set anew only once it has expired. So between the last thing
/// sent and the keep-alive there's **at least one interval and at most two**, and exactly one where nothing had
/// been sent since the alarm was set, as between two keep-alives. However late `poll_due` is called, it asks
/// for one keep-alive, never for those that were missed.
///
/// # Intervals
/// Zero means off. `Duration::MAX`, and whatever else a timer takes for never, means never. Anything between
/// is taken as it is; an interval shorter than the timer's resolution is as long as that.
///
/// ```
/// use core::pin::pin;
/// use core::task::{Context, Poll, Waker};
/// use core::time::Duration;
/// use eventsource_core::{KeepAlive, test_util::ManualClock};
///
/// let clock = ManualClock::new();
/// let mut alarm = pin!(clock.timer());
/// let mut cx = Context::from_waker(Waker::noop());
///
/// let mut keep_alive = KeepAlive::new(Duration::from_secs(15));
/// assert_eq!(keep_alive.poll_due(alarm.as_mut(), &mut cx), Poll::Pending);
/// clock.advance(Duration::from_secs(15));
/// assert_eq!(keep_alive.poll_due(alarm.as_mut(), &mut cx), Poll::Ready(()));
/// ```
#[derive(Debug)]
pub struct KeepAlive {
    interval: Duration,
    armed: bool,
    /// Something was sent since the alarm was set.
    busy: bool,
}

impl KeepAlive {
    /// A keep-alive after `interval` of quiet; zero is off.
    pub const fn new(interval: Duration) -> Self {
        Self { interval, armed: false, busy: false }
    }

    /// The interval; zero is off.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Something went out, so that the quiet begins anew.
    pub const fn handle_sent(&mut self) {
        self.busy = true;
    }

    /// `Ready` asks for one keep-alive now. The same `timer` has to be passed each time.
    pub fn poll_due<T: Timer + ?Sized>(&mut self, mut timer: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<()> {
        if self.interval.is_zero() {
            return Poll::Pending;
        }
        loop {
            if !self.armed {
                timer.as_mut().reset(self.interval);
                self.armed = true;
                self.busy = false;
            }
            ready!(timer.as_mut().poll_expired(cx));
            self.armed = false;
            // At most one more round: it clears the flag.
            if !self.busy {
                return Poll::Ready(());
            }
        }
    }
}

/// A clone is for another alarm: it has the interval, and begins anew.
impl Clone for KeepAlive {
    fn clone(&self) -> Self {
        Self::new(self.interval)
    }
}

/// Every 60 seconds of quiet.
impl Default for KeepAlive {
    fn default() -> Self {
        Self::new(Duration::from_secs(60))
    }
}
