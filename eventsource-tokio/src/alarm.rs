//! The timer.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use eventsource_core::FAR_FUTURE;
use tokio::time::{Instant, Sleep, sleep_until};

/// A [`Timer`](eventsource_core::Timer) on the clock of the runtime.
///
/// Free until it's [reset](crate::Timer::reset) for the first time. More than 30 years means never.
///
/// # On tokio
/// It has whole milliseconds, and stands still where the clock is paused. A reset, so the first poll of a stream that
/// uses it, panics outside of a tokio runtime whose time is enabled, like everything of [`tokio::time`].
#[derive(Debug, Default)]
pub struct Alarm {
    // None: never. In a box, for most of the many that there are may never be set.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl eventsource_core::Timer for Alarm {
    fn reset(mut self: Pin<&mut Self>, after: Duration) {
        let deadline = (after <= FAR_FUTURE).then(|| Instant::now().checked_add(after)).flatten();
        match (deadline, &mut self.sleep) {
            (None, sleep) => *sleep = None,
            (Some(deadline), Some(sleep)) => sleep.as_mut().reset(deadline),
            (Some(deadline), sleep) => *sleep = Some(Box::pin(sleep_until(deadline))),
        }
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
    }
}

const _: fn(Alarm) -> Box<dyn eventsource_core::Timer + Send + Sync> = |alarm| Box::new(alarm);
