//! Ending many streams without a rush.

use core::time::Duration;
use eventsource_core::StopHandle;
use eventsource_core::test_util::{ManualClock, ManualTimer, Probe, interpret};
use eventsource_core::{
    Channel, Drain, EndReason, EventStream, Frame, LastEventId, Source, Subscription, event_name,
};
use futures_util::stream;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

const SECOND: Duration = Duration::from_secs(1);

fn endless() -> impl Source {
    stream::pending::<&'static str>()
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What the last frame says of the client's reconnection time.
fn retry(frame: &Frame) -> Duration {
    interpret(frame.as_bytes()).retry.unwrap()
}

#[test]
fn closings_are_spread_over_the_window_and_reconnection_times_over_their_range() {
    let clock = ManualClock::new();
    let drain = Drain::with_seed(SECOND..=5 * SECOND, 7);
    let mut open: Vec<_> =
        (0..1000).map(|_| Probe::new(EventStream::without_timer(endless()).drain_on(&drain))).collect();
    for stream in &mut open {
        assert!(stream.poll().is_pending());
    }
    assert_eq!(drain.streams(), 1000);
    let mut draining = Box::pin(drain.begin(10 * SECOND, clock.timer()));
    let (mut ended_in, mut retry_in) = ([0; 10], [0; 4]);
    let mut is_over = false;
    for hundredth in 0..1000 {
        is_over |= !is_over && poll(draining.as_mut()).is_ready();
        open.retain_mut(|stream| {
            if stream.wakes() == 0 {
                return true;
            }
            let frames = stream.take_ready(9);
            ended_in[hundredth / 100] += 1;
            retry_in[usize::try_from(retry(&frames[0]).saturating_sub(SECOND).as_secs().min(3)).unwrap()] +=
                1;
            assert_eq!(frames.len(), 1);
            assert_eq!(stream.stream().end().unwrap().reason(), EndReason::Drained);
            false
        });
        clock.advance(SECOND / 100);
    }
    assert!(is_over && open.is_empty());
    assert!(ended_in.iter().all(|ended| (50..=200).contains(ended)), "{ended_in:?}");
    assert!(retry_in.iter().all(|retries| (125..=500).contains(retries)), "{retry_in:?}");
}

#[test]
fn a_newcomer_is_bounced_and_its_sources_are_never_polled() {
    let drain = Drain::with_seed(2 * SECOND..=2 * SECOND, 0);
    drain.farewell((event_name!("bye"), "see you"));
    drop(drain.begin(SECOND, ManualClock::new().timer()));
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let source = stream::poll_fn(|_| -> Poll<Option<&str>> { panic!("polled") });
    let newcomer = EventStream::without_timer(source).retry(9 * SECOND).drain_on(&drain).on_end({
        let reasons = Arc::clone(&reasons);
        move |end| reasons.lock().unwrap().push(end.reason())
    });
    let mut newcomer = Probe::new(newcomer);
    let frames = newcomer.take_ready(9);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].as_bytes(), b"retry: 2000\n\n");
    assert_eq!(*reasons.lock().unwrap(), [EndReason::Drained]);
}

#[test]
fn what_was_published_before_goes_out_before_the_farewell() {
    let channel = Channel::new();
    let drain = Drain::with_seed(SECOND..=SECOND, 0);
    drain.farewell((event_name!("bye"), "see you"));
    let stream = EventStream::without_timer(channel.subscribe(LastEventId::None)).drain_on(&drain);
    let mut stream: Probe<EventStream<Subscription>> = Probe::new(stream);
    assert_eq!(stream.take_ready(9).len(), 1);
    channel.publish("news").unwrap();
    drop(drain.begin(SECOND, ManualClock::new().timer()));
    let bytes: Vec<u8> = stream.take_ready(9).iter().flat_map(Frame::as_bytes).copied().collect();
    let client = interpret(&bytes);
    let data: Vec<_> = client.events.iter().map(|event| event.data.as_str()).collect();
    assert_eq!((data, client.retry), (vec!["news", "see you"], Some(SECOND)));
}

#[test]
fn dropped_it_ends_the_rest_at_once() {
    let clock = ManualClock::new();
    let drain = Drain::with_seed(SECOND..=SECOND, 0);
    let mut open: Vec<_> =
        (0..100).map(|_| Probe::new(EventStream::without_timer(endless()).drain_on(&drain))).collect();
    let mut draining = Box::pin(drain.begin(60 * SECOND, clock.timer()));
    assert!(poll(draining.as_mut()).is_pending());
    drop(draining);
    assert!(open.iter_mut().all(|stream| stream.take_ready(9).len() == 1));
}

#[test]
fn any_window_will_do() {
    for window in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        for streams in [0, 1, 2, 1000] {
            let drain = Drain::with_seed(Duration::ZERO..=Duration::MAX, u64::MAX);
            let open: Vec<_> =
                (0..streams).map(|_| EventStream::without_timer(endless()).drain_on(&drain)).collect();
            let clock = ManualClock::new();
            let mut draining = Box::pin(drain.begin::<ManualTimer>(window, clock.timer()));
            for _ in 0..300 {
                if poll(draining.as_mut()).is_ready() {
                    break;
                }
                clock.advance(window / 10);
            }
            assert!(streams < 2 || window < Duration::MAX || !open.is_empty());
            drop(draining);
            assert!(open.into_iter().all(|stream| Probe::new(stream).take_ready(9).len() == 1));
        }
    }
}

#[test]
fn a_stream_that_has_gone_is_forgotten() {
    let drain = Drain::with_seed(SECOND..=SECOND, 0);
    drop(EventStream::without_timer(endless()).drain_on(&drain));
    assert_eq!(drain.streams(), 0);
    drop(drain.begin(SECOND, ManualClock::new().timer()));
    drop(drain.begin(SECOND, ManualClock::new().timer()));
    assert!(drain.is_begun());
}

#[test]
fn a_newcomer_is_told_when_to_come_back_also_where_all_is_stopped() {
    let drain = Drain::with_seed(2 * SECOND..=2 * SECOND, 0);
    drop(drain.begin(SECOND, ManualClock::new().timer()));
    let stop = StopHandle::new();
    stop.stop();
    let newcomer = EventStream::without_timer(endless()).stop_on(&stop).drain_on(&drain);
    let mut newcomer = Probe::new(newcomer);
    assert_eq!(Frame::from_iter(newcomer.take_ready(9)).as_bytes(), b"retry: 2000\n\n");
    assert_eq!(newcomer.stream().end().unwrap().reason(), EndReason::Drained);
}
