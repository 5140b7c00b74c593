//! The timer.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use eventsource_core::{FAR_FUTURE, Timer};
use hyper::rt::Sleep;

/// A [`Timer`] on any [timer that hyper runs on](hyper::rt::Timer): for a runtime without an adapter, and for code that leaves the
/// runtime to its caller.
///
/// The adapters of tokio and smol call theirs `Alarm`. This one has another name, as it may stand beside them; it costs an
/// allocation more.
///
/// Free until it's [reset](Timer::reset) for the first time; from then on it has one sleep, which is used again. More than
/// 30 years means never. It's as exact as `R` is, and panics where that does: hyper-util's `TokioTimer`, for one, needs a tokio
/// runtime around the first poll of a stream.
///
/// ```
/// use eventsource_core::{EventStream, KeepAlive};
/// use eventsource_hyper::{EventBody, HyperAlarm};
/// use futures_util::stream;
/// use http_body_util::BodyExt;
/// use hyper_util::rt::TokioTimer;
///
/// type Alarm = HyperAlarm<TokioTimer>;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let quiet = EventStream::<_, Alarm>::new(stream::pending::<&str>());
/// let quiet = quiet.keep_alive(KeepAlive::default());
/// let frame = EventBody::new(quiet).frame().await;
/// assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), ":\n"); // 15 s later
/// # }
/// ```
#[derive(Default)]
pub struct HyperAlarm<R> {
    timer: R,
    // None: never.
    sleep: Option<Pin<Box<dyn Sleep>>>,
}

impl<R> HyperAlarm<R> {
    /// Of a timer without a default.
    pub fn new(timer: R) -> Self {
        Self { timer, sleep: None }
    }
}

impl<R: hyper::rt::Timer> Timer for HyperAlarm<R> {
    fn reset(self: Pin<&mut Self>, after: Duration) {
        let Self { timer, sleep } = self.get_mut();
        let deadline = (after <= FAR_FUTURE).then(|| timer.now().checked_add(after)).flatten();
        match (deadline, sleep) {
            (None, sleep) => *sleep = None,
            (Some(deadline), Some(sleep)) => timer.reset(sleep, deadline),
            (Some(deadline), sleep @ None) => *sleep = Some(timer.sleep_until(deadline)),
        }
    }

    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.get_mut().sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

/// The timer is never pinned.
impl<R> Unpin for HyperAlarm<R> {}

impl<R: fmt::Debug> fmt::Debug for HyperAlarm<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperAlarm").field("timer", &self.timer).finish_non_exhaustive()
    }
}

const _: fn(HyperAlarm<()>) -> Box<dyn Send> = |alarm| Box::new(alarm);
const _: fn(HyperAlarm<()>) -> Box<dyn Sync> = |alarm| Box::new(alarm);
