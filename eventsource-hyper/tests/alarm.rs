//! `HyperAlarm`, on tokio with its clock paused and on smol in real time.

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Waker};
use core::time::Duration;
use eventsource_core::{EventStream, KeepAlive, Timer};
use eventsource_hyper::HyperAlarm;
use futures_util::{StreamExt, stream};
use hyper::rt::Sleep;
use hyper_util::rt::TokioTimer;
use smol_hyper::rt::SmolTimer;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Another runtime's timer that counts what it's asked for.
#[derive(Clone, Default)]
struct Counting<R> {
    timer: R,
    begun: Arc<AtomicUsize>,
    reset: Arc<AtomicUsize>,
}

impl<R> Counting<R> {
    /// How many sleeps were begun, and how often one was reset.
    fn counts(&self) -> (usize, usize) {
        (self.begun.load(Ordering::Relaxed), self.reset.load(Ordering::Relaxed))
    }
}

impl<R: hyper::rt::Timer> hyper::rt::Timer for Counting<R> {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.timer.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.timer.sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        self.timer.now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        self.reset.fetch_add(1, Ordering::Relaxed);
        self.timer.reset(sleep, new_deadline);
    }
}

async fn expired<T: Timer>(mut alarm: Pin<&mut T>) {
    poll_fn(|cx| alarm.as_mut().poll_expired(cx)).await;
}

fn is_pending<T: Timer>(alarm: Pin<&mut T>) -> bool {
    alarm.poll_expired(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// Waits for the alarm; how long that took on tokio's clock.
async fn wait<T: Timer>(alarm: Pin<&mut T>) -> Duration {
    let begin = tokio::time::Instant::now();
    expired(alarm).await;
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn it_expires_when_it_should_and_one_sleep_does_for_all() {
    let timer = Counting::<TokioTimer>::default();
    let mut alarm = pin!(HyperAlarm::new(timer.clone()));
    assert!(is_pending(alarm.as_mut()));
    assert_eq!(timer.counts(), (0, 0), "nothing was begun yet");

    for round in 0..10 {
        alarm.as_mut().reset(5 * SECOND);
        tokio::time::advance(Duration::from_millis(4999)).await;
        assert!(is_pending(alarm.as_mut()), "early in round {round}");
        assert_eq!(wait(alarm.as_mut()).await, Duration::from_millis(1), "round {round}");
    }
    assert_eq!(timer.counts(), (1, 9));
}

#[tokio::test(start_paused = true)]
async fn what_is_set_last_counts() {
    let mut alarm = pin!(HyperAlarm::<TokioTimer>::default());
    for (first, last) in [(1, 60), (60, 1)] {
        alarm.as_mut().reset(first * SECOND);
        assert!(is_pending(alarm.as_mut()));
        alarm.as_mut().reset(last * SECOND);
        assert_eq!(wait(alarm.as_mut()).await, last * SECOND);
    }
    // Set by the task that waits already.
    alarm.as_mut().reset(60 * SECOND);
    let mut polls = 0;
    let begin = tokio::time::Instant::now();
    poll_fn(|cx| {
        polls += 1;
        if polls == 1 {
            assert!(alarm.as_mut().poll_expired(cx).is_pending());
            alarm.as_mut().reset(SECOND);
        }
        alarm.as_mut().poll_expired(cx)
    })
    .await;
    assert_eq!(begin.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn too_long_is_never() {
    let mut alarm = pin!(HyperAlarm::<TokioTimer>::default());
    for never in [Duration::MAX, Duration::from_secs(u64::MAX), 31 * YEAR] {
        alarm.as_mut().reset(SECOND);
        alarm.as_mut().reset(never);
        let waited = tokio::time::timeout(YEAR, expired(alarm.as_mut())).await;
        assert!(waited.is_err(), "{never:?}");
    }
    alarm.as_mut().reset(29 * YEAR);
    assert!(is_pending(alarm.as_mut()));
    alarm.as_mut().reset(Duration::ZERO);
    assert!(wait(alarm.as_mut()).await <= Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_hour_takes_one_sleep() {
    let timer = Counting::<TokioTimer>::default();
    let quiet = EventStream::with_timer(stream::pending::<&str>(), HyperAlarm::new(timer.clone()));
    let mut quiet = pin!(quiet.keep_alive(KeepAlive::new(60 * SECOND)));
    let begin = tokio::time::Instant::now();
    for minute in 1..=60 {
        assert_eq!(quiet.next().await.unwrap().as_bytes(), b":\n");
        assert_eq!(begin.elapsed(), minute * 60 * SECOND);
    }
    assert_eq!(timer.counts(), (1, 59));
}

/// smol's clock is the system's, on which this can be late, but never early.
async fn at_least<T: Timer>(mut alarm: Pin<&mut T>, after: Duration) {
    let begin = Instant::now();
    alarm.as_mut().reset(after);
    expired(alarm).await;
    assert!(begin.elapsed() >= after, "{after:?} took {:?}", begin.elapsed());
}

#[test]
fn on_smol_it_is_never_early() {
    const SHORT: Duration = Duration::from_millis(20);
    smol::block_on(async {
        let timer = Counting::<SmolTimer>::default();
        let mut alarm = pin!(HyperAlarm::new(timer.clone()));
        for _ in 0..5 {
            at_least(alarm.as_mut(), SHORT).await;
        }
        alarm.as_mut().reset(SHORT);
        assert!(is_pending(alarm.as_mut()));
        at_least(alarm.as_mut(), 2 * SHORT).await;
        assert_eq!(timer.counts(), (1, 6));

        alarm.as_mut().reset(Duration::MAX);
        let late = async {
            smol::Timer::after(SHORT).await;
            "never"
        };
        let never = async {
            expired(alarm.as_mut()).await;
            "expired"
        };
        assert_eq!(smol::future::or(never, late).await, "never");
        at_least(alarm.as_mut(), Duration::ZERO).await;
    });
}

#[test]
fn on_smol_a_quiet_stream_is_kept_alive() {
    const QUIET: Duration = Duration::from_millis(20);
    smol::block_on(async {
        let alarm = HyperAlarm::<SmolTimer>::default();
        let quiet = EventStream::with_timer(stream::pending::<&str>(), alarm);
        let mut quiet = pin!(quiet.keep_alive(KeepAlive::new(QUIET)));
        let begin = Instant::now();
        for count in 1..=5 {
            assert_eq!(quiet.next().await.unwrap().as_bytes(), b":\n");
            assert!(begin.elapsed() >= count * QUIET);
        }
    });
}

/// A timer whose `reset` is hyper's own, which makes another sleep.
struct Forgetful(TokioTimer);

impl hyper::rt::Timer for Forgetful {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.0.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.0.sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_cannot_reset_will_do() {
    let mut alarm = pin!(HyperAlarm::new(Forgetful(TokioTimer::new())));
    for _ in 0..3 {
        alarm.as_mut().reset(SECOND);
        assert!(is_pending(alarm.as_mut()));
        alarm.as_mut().reset(5 * SECOND);
        assert_eq!(wait(alarm.as_mut()).await, 5 * SECOND);
    }
}
