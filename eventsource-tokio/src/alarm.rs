//! The timer.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use eventsource_core::Timer;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// A [`Timer`](eventsource_core::Timer) on the clock of the runtime.
    ///
    /// Free until it's [reset](eventsource_core::Timer::reset) for the first time. More than 30 years means never.
    ///
    /// # On tokio
    /// It has whole milliseconds, and stands still where the clock is paused. A reset, so the first poll of a stream that
    /// uses it, panics outside of a tokio runtime whose time is enabled, like everything of [`tokio::time`].
    #[derive(Debug, Default)]
    pub struct Alarm {
        // None: never.
        #[pin]
        sleep: Option<Sleep>,
    }
}

/// About 30 years, as tokio itself has it: no instant of the system's clock, nor what tokio adds to one, overflows.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

impl Timer for Alarm {
    fn reset(self: Pin<&mut Self>, after: Duration) {
        let mut sleep = self.project().sleep;
        let deadline = (after <= FAR).then(|| Instant::now().checked_add(after)).flatten();
        match (deadline, sleep.as_mut().as_pin_mut()) {
            (None, _) => sleep.set(None),
            (Some(deadline), Some(sleep)) => sleep.reset(deadline),
            (Some(deadline), None) => sleep.set(Some(sleep_until(deadline))),
        }
    }

    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx),
            None => Poll::Pending,
        }
    }
}

const _: fn(Alarm) -> Box<dyn Timer + Send + Sync> = |alarm| Box::new(alarm);
