//! The timer.

use async_io::Timer;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use eventsource_core::FAR_FUTURE;

/// A [`Timer`](eventsource_core::Timer) on the clock of the runtime.
///
/// Free until it's [reset](crate::Timer::reset) for the first time. More than 30 years means never.
///
/// # On smol
/// It's a timer of async-io, whose reactor runs in any executor.
#[derive(Debug, Default)]
pub struct Alarm {
    // None: never. In a box, for most of the many that there are may never be set.
    timer: Option<Box<Timer>>,
}

impl eventsource_core::Timer for Alarm {
    fn reset(mut self: Pin<&mut Self>, after: Duration) {
        match &mut self.timer {
            timer if after > FAR_FUTURE => *timer = None,
            Some(timer) => timer.set_after(after),
            timer @ None => *timer = Some(Box::new(Timer::after(after))),
        }
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.as_mut().map_or(Poll::Pending, |timer| Pin::new(timer).poll(cx).map(drop))
    }
}

const _: fn(Alarm) -> Box<dyn eventsource_core::Timer + Send + Sync> = |alarm| Box::new(alarm);
