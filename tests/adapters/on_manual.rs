//! On an executor made by hand, with a clock moved by hand: the core alone.

use crate::runtime::{Runtime, Setup, suite};
use crate::wire::Wire;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use eventsource_core::io::{Chunks, Driver, WriteOnly};
use eventsource_core::test_util::{ManualClock, ManualTimer};
use eventsource_core::{EndReason, EventStream, Events, Source, Timer};
use futures_util::Stream;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

thread_local! {
    /// Each test has a thread of its own, and so a clock of its own.
    static CLOCK: ManualClock = ManualClock::new();
}

struct Alarm(ManualTimer);

impl Default for Alarm {
    fn default() -> Self {
        Self(CLOCK.with(ManualClock::timer))
    }
}

impl Timer for Alarm {
    fn reset(mut self: Pin<&mut Self>, after: Duration) {
        Pin::new(&mut self.0).reset(after);
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll_expired(cx)
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

struct Manual;

impl Runtime for Manual {
    type Alarm = Alarm;
    const WHILE: Duration = Duration::from_secs(15);
    const IS_EXACT: bool = true;

    /// Polls when woken, and else moves the clock on.
    fn run<F: Future>(test: F) -> F::Output {
        let mut test = pin!(test);
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            if let Poll::Ready(output) = test.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            if !woken.0.swap(false, Ordering::AcqRel) {
                let clock = CLOCK.with(ManualClock::clone);
                let expiry = clock.next_expiry().expect("nobody will ever wake the test");
                clock.advance(expiry.saturating_sub(clock.now()));
            }
        }
    }

    fn now() -> Duration {
        CLOCK.with(ManualClock::now)
    }

    async fn sleep(duration: Duration) {
        let mut alarm = pin!(Alarm::default());
        alarm.as_mut().reset(duration);
        poll_fn(|cx| alarm.as_mut().poll_expired(cx)).await;
    }

    fn drive<S: Source>(
        stream: EventStream<S, Alarm>,
        wire: Wire,
        setup: Setup,
    ) -> impl Future<Output = io::Result<EndReason>> {
        Driver::new(stream, wire).head(setup.head).write_timeout(setup.patience)
    }

    fn drive_half<S: Source>(
        stream: EventStream<S, Alarm>,
        wire: Wire,
    ) -> impl Future<Output = io::Result<EndReason>> {
        Driver::new(stream, WriteOnly::new(wire))
    }

    fn read(wire: Wire) -> Events<impl Stream<Item = io::Result<impl AsRef<[u8]> + Send + 'static>>> {
        Events::new(Chunks::new(wire))
    }
}

suite!(Manual);
