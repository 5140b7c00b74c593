//! The alarm under paused time.

use core::pin::pin;
use core::time::Duration;
use eventsource_core::{EndReason, Frame, KeepAlive, Timer};
use eventsource_tokio::{Alarm, EventStream};
use futures_util::{FutureExt, StreamExt, stream};
use std::future::poll_fn;
use tokio::time::{Instant, advance, timeout};

#[tokio::test(start_paused = true)]
async fn it_expires_on_time_again_and_again() {
    let mut alarm = pin!(Alarm::default());
    for after in
        [Duration::from_secs(3), Duration::ZERO, Duration::from_millis(1), Duration::from_secs(86_400)]
    {
        let start = Instant::now();
        alarm.as_mut().reset(after);
        poll_fn(|cx| alarm.as_mut().poll_expired(cx)).await;
        assert_eq!(start.elapsed(), after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_replaces_the_earlier_one() {
    let mut alarm = pin!(Alarm::default());
    let start = Instant::now();
    alarm.as_mut().reset(Duration::from_secs(1));
    assert!(poll_fn(|cx| alarm.as_mut().poll_expired(cx)).now_or_never().is_none());
    alarm.as_mut().reset(Duration::from_secs(5));
    poll_fn(|cx| alarm.as_mut().poll_expired(cx)).await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn huge_durations_mean_never() {
    let mut alarm = pin!(Alarm::default());
    alarm.as_mut().reset(Duration::from_secs(1));
    let mut longest = Duration::MAX;
    while Instant::now().checked_add(longest).is_none() {
        longest = longest.checked_sub(longest / 1024).unwrap();
    }
    alarm.as_mut().reset(longest);
    assert!(poll_fn(|cx| alarm.as_mut().poll_expired(cx)).now_or_never().is_none());
    alarm.as_mut().reset(Duration::MAX);
    let expired = poll_fn(|cx| alarm.as_mut().poll_expired(cx));
    assert!(timeout(Duration::from_secs(100 * 365 * 86_400), expired).await.is_err());
    alarm.as_mut().reset(Duration::from_secs(1));
    poll_fn(|cx| alarm.as_mut().poll_expired(cx)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_pings_and_ends_on_tokio_s_clock() {
    let start = Instant::now();
    let stream = EventStream::new(stream::pending::<&str>())
        .keep_alive(KeepAlive::new(Duration::from_secs(15)))
        .max_lifetime(Duration::from_secs(40)..=Duration::from_secs(40));
    let mut stream = pin!(stream);
    for at in [15, 30] {
        assert_eq!(stream.next().await, Some(Frame::KEEP_ALIVE));
        assert_eq!(start.elapsed(), Duration::from_secs(at));
    }
    assert_eq!(stream.next().await, None);
    assert_eq!(start.elapsed(), Duration::from_secs(40));
    assert_eq!(stream.end().unwrap().reason(), EndReason::Lifetime);
}

#[tokio::test(start_paused = true)]
async fn a_late_reader_finds_one_ping() {
    let mut stream = pin!(EventStream::new(stream::pending::<&str>()).keep_alive(KeepAlive::default()));
    assert_eq!(stream.next().now_or_never(), None);
    advance(Duration::from_secs(3600)).await;
    assert_eq!(stream.next().now_or_never(), Some(Some(Frame::KEEP_ALIVE)));
    assert_eq!(stream.next().now_or_never(), None);
}
