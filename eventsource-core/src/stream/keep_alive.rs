//! When to send a keep-alive.

use crate::Timer;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

/// How long a stream may be quiet before it sends a keep-alive: a setting, for `EventStream::keep_alive`.
///
/// Proxies cut a connection on which nothing moves, and a server notices a client that's gone only when it
/// writes. §9.2.7 therefore advises a comment line every 15 seconds or so, which is the default. Common proxies
/// wait for 30 to 60 seconds.
///
/// An interval of zero switches the keep-alive off. `Duration::MAX`, and whatever else a timer takes for never, means
/// never. Any other interval is taken as it is; one that's shorter than the timer's resolution is as long as that.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::KeepAlive;
///
/// const KEEP_ALIVE: KeepAlive = KeepAlive::new(Duration::from_secs(20));
/// assert_eq!(KEEP_ALIVE.interval(), Duration::from_secs(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeepAlive {
    interval: Duration,
}

impl KeepAlive {
    /// Asks for a keep-alive after each `interval` of quiet; zero switches it off.
    pub const fn new(interval: Duration) -> Self {
        Self { interval }
    }

    /// Returns the interval; zero is off.
    pub const fn interval(self) -> Duration {
        self.interval
    }
}

/// Every 15 seconds of quiet.
impl Default for KeepAlive {
    fn default() -> Self {
        Self::new(Duration::from_secs(15))
    }
}

/// Decides when a stream has been quiet for so long that a keep-alive is due: the machine that runs on the setting
/// [`KeepAlive`].
///
/// `EventStream` has one inside. Use it alone where there is no allocator.
///
/// # Protocol
/// Report each thing that goes out with [`handle_sent`](Self::handle_sent). When there's nothing left to send,
/// call [`poll_due`](Self::poll_due): `Ready` asks for one keep-alive now; otherwise the alarm has been set and the
/// waker left with it. The first interval begins with the first call of `poll_due`.
///
/// Sending is free: it sets a flag. While things are sent, the alarm is set for a quarter of the interval, and set anew only
/// once it has expired; after a quarter in which nothing was sent, it's set for the rest. So between the last thing sent
/// and the keep-alive there's **at least one interval and at most one and a quarter**, and exactly one between two
/// keep-alives. However late `poll_due` is called, it asks for one keep-alive, never for those that were missed.
///
/// ```
/// use core::pin::pin;
/// use core::task::{Context, Poll, Waker};
/// use core::time::Duration;
/// use eventsource_core::stream::{KeepAlive, KeepAliveMachine};
/// use eventsource_core::test_util::ManualClock;
///
/// let clock = ManualClock::new();
/// let mut alarm = pin!(clock.timer());
/// let mut cx = Context::from_waker(Waker::noop());
///
/// let mut machine = KeepAliveMachine::new(KeepAlive::new(Duration::from_secs(15)));
/// assert_eq!(machine.poll_due(alarm.as_mut(), &mut cx), Poll::Pending);
/// clock.advance(Duration::from_secs(15));
/// assert_eq!(machine.poll_due(alarm.as_mut(), &mut cx), Poll::Ready(()));
/// ```
#[derive(Clone, Debug)]
pub struct KeepAliveMachine {
    keep_alive: KeepAlive,
    alarm: Alarm,
    /// Something was sent since the alarm was set.
    busy: bool,
}

/// What the alarm is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alarm {
    /// Nothing.
    Unset,
    /// To see whether a quarter of the interval goes by without anything sent.
    Quarter,
    /// To send a keep-alive, if nothing is sent until then.
    Rest,
}

impl KeepAliveMachine {
    /// Creates a machine that has seen nothing sent yet.
    pub const fn new(keep_alive: KeepAlive) -> Self {
        Self { keep_alive, alarm: Alarm::Unset, busy: false }
    }

    /// Notes that something went out, so that the quiet begins anew.
    pub const fn handle_sent(&mut self) {
        self.busy = true;
    }

    /// Returns `Ready` where one keep-alive is due now. The caller has to pass the same `timer` each time.
    pub fn poll_due<T: Timer + ?Sized>(&mut self, mut timer: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<()> {
        let interval = self.keep_alive.interval;
        if interval.is_zero() {
            return Poll::Pending;
        }
        let quarter = interval.checked_div(4).unwrap_or_default();
        let rest = interval.saturating_sub(quarter);
        let first = match self.alarm {
            Alarm::Unset => Some((Alarm::Rest, interval)),
            // The quiet is over.
            Alarm::Rest if self.busy => Some((Alarm::Quarter, quarter)),
            Alarm::Rest | Alarm::Quarter => None,
        };
        if let Some((alarm, after)) = first {
            self.set(alarm, timer.as_mut(), after);
        }
        // Three rounds at most: a quarter that was busy, one that wasn't, and the rest.
        loop {
            ready!(timer.as_mut().poll_expired(cx));
            match self.alarm {
                Alarm::Quarter if self.busy => self.set(Alarm::Quarter, timer.as_mut(), quarter),
                Alarm::Quarter => self.set(Alarm::Rest, timer.as_mut(), rest),
                Alarm::Rest | Alarm::Unset => {
                    self.alarm = Alarm::Unset;
                    return Poll::Ready(());
                }
            }
        }
    }

    fn set<T: Timer + ?Sized>(&mut self, alarm: Alarm, timer: Pin<&mut T>, after: Duration) {
        timer.reset(after);
        (self.alarm, self.busy) = (alarm, false);
    }
}
