//! When a connection whose writing side is closed can be closed altogether.

use crate::Timer;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

/// Decides how long what a client still sends is read and discarded after the whole response was written and the writing side
/// closed, as RFC 9112 §9.6 asks for.
///
/// A system that has bytes which nobody read, or gets some after the close, answers with a reset, and the client loses what
/// it hasn't read of its response. So a connection is closed in stages: the writing side, then the rest as soon as the client
/// has closed its own, or the wait is over.
///
/// # Protocol
/// Read until the client's end. Report with [`handle_discarded`](Self::handle_discarded) what came. Where nothing is there to
/// be read, call [`poll_over`](Self::poll_over), with the same timer each time: `Ready` says to wait no longer; otherwise
/// the alarm has been set and the waker left with it.
///
/// # Limits
/// The wait is over after [`QUIET`](Self::QUIET) in which nothing came, which is noticed at most twice as late, after
/// [`LONGEST`](Self::LONGEST) in any case, and after [`MOST`](Self::MOST) bytes.
///
/// ```
/// use core::pin::pin;
/// use core::task::{Context, Poll, Waker};
/// use eventsource_core::io::Linger;
/// use eventsource_core::test_util::ManualClock;
///
/// let clock = ManualClock::new();
/// let mut alarm = pin!(clock.timer());
/// let mut cx = Context::from_waker(Waker::noop());
///
/// let mut linger = Linger::new();
/// assert_eq!(linger.poll_over(alarm.as_mut(), &mut cx), Poll::Pending);
/// clock.advance(Linger::QUIET);
/// assert_eq!(linger.poll_over(alarm.as_mut(), &mut cx), Poll::Ready(()));
/// ```
#[derive(Clone, Debug)]
pub struct Linger {
    /// How many bytes may still come.
    left: usize,
    /// How many periods of quiet there may still be.
    periods: u8,
    /// Something came since the alarm was set.
    is_busy: bool,
    /// Nothing has come yet, and nothing needs to.
    is_brief: bool,
    is_armed: bool,
}

/// The first wait of a brief one.
const BRIEF: Duration = Duration::from_millis(500);

/// So many times `QUIET` are the longest wait.
const PERIODS: u8 = 6;

impl Linger {
    /// The wait is over when nothing has come for so long.
    pub const QUIET: Duration = Duration::from_secs(5);

    /// The wait is over after so long, whatever comes.
    pub const LONGEST: Duration = Duration::from_secs(5 * PERIODS as u64);

    /// The wait is over after so many bytes.
    pub const MOST: usize = 16 << 20;

    /// Begins to wait.
    pub const fn new() -> Self {
        Self { left: Self::MOST, periods: PERIODS, is_busy: false, is_brief: false, is_armed: false }
    }

    /// Begins to wait where the request may have been read to its end, as on an idle connection: the first wait for something
    /// to come takes a tenth of [`QUIET`](Self::QUIET).
    pub const fn brief() -> Self {
        Self { is_brief: true, ..Self::new() }
    }

    /// Notes that so many bytes have come.
    pub const fn handle_discarded(&mut self, len: usize) {
        self.left = self.left.saturating_sub(len);
        self.is_busy = true;
        self.is_brief = false;
    }

    /// Returns whether so much has come that nothing more is to be read.
    pub const fn is_exhausted(&self) -> bool {
        self.left == 0
    }

    /// Returns `Ready` once the wait is over. The caller has to pass the same `timer` each time.
    pub fn poll_over<T: Timer + ?Sized>(&mut self, mut timer: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<()> {
        while !self.is_exhausted() {
            if !core::mem::replace(&mut self.is_armed, true) {
                timer.as_mut().reset(if self.is_brief { BRIEF } else { Self::QUIET });
            }
            ready!(timer.as_mut().poll_expired(cx));
            self.is_armed = false;
            self.periods = self.periods.saturating_sub(1);
            if self.periods == 0 || !core::mem::take(&mut self.is_busy) {
                self.left = 0;
            }
        }
        Poll::Ready(())
    }
}

impl Default for Linger {
    fn default() -> Self {
        Self::new()
    }
}
