//! The one seam to a runtime: an alarm.

use core::ops::DerefMut;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

/// An alarm that can be set again and again; the only thing a runtime has to provide.
///
/// Whoever uses it calls [`reset`](Self::reset), then [`poll_expired`](Self::poll_expired) until it's ready. Each
/// connection needs an alarm of its own. There is no clock behind it, no allocation and no `Send` bound, so that a
/// microcontroller's tick interrupt can be one.
///
/// ```
/// use core::pin::Pin;
/// use core::task::{Context, Poll};
/// use core::time::Duration;
/// use std::time::Instant;
/// use eventsource_core::Timer;
///
/// /// For a loop that polls all the time, and so needs no waker.
/// struct Busy(Option<Instant>);
///
/// impl Timer for Busy {
///     fn reset(mut self: Pin<&mut Self>, after: Duration) {
///         self.0 = Instant::now().checked_add(after); // too long: never
///     }
///
///     fn poll_expired(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
///         match self.0 {
///             Some(deadline) if deadline <= Instant::now() => Poll::Ready(()),
///             _ => Poll::Pending,
///         }
///     }
/// }
/// ```
pub trait Timer {
    /// Arms the alarm to expire `after` from now, replacing any earlier arming. A waker left by
    /// an earlier poll may be lost: poll again before returning `Pending`. Too long = never.
    fn reset(self: Pin<&mut Self>, after: Duration);

    /// `Ready` once expired, never early; unspecified before the first `reset` and after `Ready`.
    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

impl<T: Timer + Unpin + ?Sized> Timer for &mut T {
    fn reset(mut self: Pin<&mut Self>, after: Duration) {
        Pin::new(&mut **self).reset(after);
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut **self).poll_expired(cx)
    }
}

impl<P: DerefMut<Target: Timer>> Timer for Pin<P> {
    fn reset(self: Pin<&mut Self>, after: Duration) {
        self.as_deref_mut().reset(after);
    }

    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.as_deref_mut().poll_expired(cx)
    }
}

/// About 30 years. Longer is never: a [`Timer`] may add as much to an instant of any system's clock without an overflow.
pub const FAR_FUTURE: Duration = Duration::from_secs(30 * 365 * 86_400);

const _: fn(&mut dyn Timer) = |_| ();
