//! Merging, lifetime, stopping and the end.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use eventsource_core::channel::Lag;
use eventsource_core::io::{Driver, WriteOnly};
use eventsource_core::stream::{End, StallHandle, TryEmitError};
use eventsource_core::test_util::{ManualClock, ManualTimer, Probe, interpret};
use eventsource_core::{
    Channel, ChannelOptions, Drain, Emitter, EndReason, Event, EventStream, Frame, KeepAlive, StopHandle,
    Subscription, event_name,
};
use futures_util::stream::{self, FusedStream, StreamExt};
use futures_util::{FutureExt, Stream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The data of the events, in order.
fn data<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> Vec<String> {
    let bytes: Vec<u8> = frames.into_iter().flat_map(Frame::as_bytes).copied().collect();
    interpret(&bytes).events.into_iter().map(|event| event.data).collect()
}

fn untimed<S: eventsource_core::Source>(source: S) -> EventStream<S> {
    EventStream::without_timer(source)
}

/// Collects the reasons that hooks are told.
#[derive(Clone, Default)]
struct Reasons(Arc<Mutex<Vec<String>>>);

impl Reasons {
    fn hook(&self) -> impl FnOnce(&eventsource_core::stream::End) + Send + use<> {
        let reasons = self.0.clone();
        move |end| reasons.lock().unwrap().push(end.to_string())
    }

    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[test]
fn a_source_that_is_always_ready_does_not_starve_the_emitter_nor_the_reverse() {
    let (emitter, emissions) = Emitter::new(100);
    for _ in 0..50 {
        emitter.try_emit("emitted").unwrap();
    }
    let mut probe = Probe::new(untimed(stream::repeat("source")).merge(emissions));
    let frames = probe.take_ready(100);
    assert_eq!(data(&frames).iter().filter(|data| *data == "emitted").count(), 50);
    for pair in data(&frames).chunks(2) {
        assert_ne!(pair[0], pair[1], "they take turns");
    }
    // The other way round: an emitter that is refilled as fast as it's read.
    let (emitter, emissions) = Emitter::new(1);
    let mut probe = Probe::new(untimed(stream::iter(0..50).map(|n| n.to_string())).merge(emissions));
    let mut from_source = 0;
    for _ in 0..100 {
        let _ = emitter.try_emit("emitted");
        from_source += usize::from(data(&probe.take_ready(1)) != ["emitted"]);
    }
    assert_eq!(from_source, 50);
}

#[test]
fn however_many_are_merged_each_has_its_share() {
    let source = |name: &'static str| stream::repeat(name);
    let eight = untimed(source("0")).merge(source("1")).merge(source("2")).merge(source("3"));
    let eight = eight.merge(source("4")).merge(source("5")).merge(source("6")).merge(source("7"));
    let data = data(&Probe::new(eight).take_ready(800));
    for name in ["0", "1", "2", "3", "4", "5", "6", "7"] {
        assert_eq!(data.iter().filter(|data| *data == name).count(), 100, "{name}");
    }
}

#[test]
fn a_write_timeout_that_is_off_leaves_the_stall_handle_alone() {
    let stall = StallHandle::new();
    let told = Arc::new(Mutex::new(None));
    let tell = Arc::clone(&told);
    let stream = EventStream::with_timer(stream::pending::<Frame>(), ManualClock::new().timer())
        .stall_on(&stall)
        .on_end(move |end| *tell.lock().unwrap() = Some(end.reason()));
    let driver = Driver::new(stream, WriteOnly::new(Vec::new()));
    let mut driver = Box::pin(driver.write_timeout_with(Duration::ZERO, ManualClock::new().timer()));
    assert!(driver.as_mut().now_or_never().is_none());
    stall.set_stalled();
    drop(driver);
    assert_eq!(*told.lock().unwrap(), Some(EndReason::Stalled));
}

/// Counts how often it's polled.
struct Counting(Arc<AtomicUsize>);

impl Stream for Counting {
    type Item = Frame;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Frame>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Pending
    }
}

#[test]
fn a_source_is_polled_once_per_poll_however_deep_it_is_merged() {
    let polls = Arc::new(AtomicUsize::new(0));
    let ended = stream::empty::<Frame>;
    let deep = untimed(Counting(polls.clone())).merge(ended()).merge(ended()).merge(ended()).merge(ended());
    let deep = deep.merge(ended()).merge(Counting(polls.clone())).merge(ended()).merge(ended());
    let mut probe = Probe::new(deep);
    for poll in 1..=10 {
        assert!(probe.poll().is_pending());
        assert_eq!(polls.load(Ordering::Relaxed), 2 * poll);
    }
}

#[test]
fn a_dropped_stream_s_queue_is_gone_though_emitters_live() {
    let (emitter, emissions) = Emitter::new(4);
    let frame = Frame::from("big");
    let bytes = frame.clone().into_bytes();
    emitter.try_emit(frame).unwrap();
    drop(untimed(emissions));
    assert!(bytes.is_unique());
}

#[test]
fn each_source_keeps_its_order_and_all_have_to_end() {
    let (emitter, emissions) = Emitter::new(3);
    let numbers = |range: core::ops::Range<u32>| stream::iter(range.map(|n| n.to_string()));
    let mut probe = Probe::new(untimed(numbers(0..3)).merge(numbers(10..13)).merge(emissions));
    for n in 20..23 {
        emitter.try_emit(n.to_string()).unwrap();
    }
    let frames = data(&probe.take_ready(100));
    for tens in 0..3 {
        let expected: Vec<_> = (0..3).map(|n| (tens * 10 + n).to_string()).collect();
        let of_source: Vec<_> =
            frames.iter().filter(|text| text.parse::<u32>().unwrap() / 10 == tens).cloned().collect();
        assert_eq!(of_source, expected);
    }
    assert!(probe.poll().is_pending(), "the emitter lives");
    drop(emitter);
    assert!(probe.wakes() > 0);
    assert_eq!(probe.poll(), Poll::Ready(None));
    assert_eq!(probe.poll(), Poll::Ready(None));
    assert_eq!(probe.stream().end().unwrap().reason(), EndReason::SourceEnded);
    assert!(probe.stream().is_terminated());
}

#[test]
fn peer_fault_8_a_thousand_clones_never_mix_their_lines() {
    let (emitter, emissions) = Emitter::new(1);
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let clones: Vec<_> = (0..125).map(|_| emitter.clone()).collect();
            std::thread::spawn(move || {
                for (n, clone) in clones.into_iter().enumerate() {
                    let text = format!("{thread}\n{n}\n{thread}");
                    block_on(clone.emit((event_name!("n"), text))).unwrap();
                }
            })
        })
        .collect();
    drop(emitter);
    let frames = block_on(untimed(emissions).collect::<Vec<_>>());
    for thread in threads {
        thread.join().unwrap();
    }

    let mut next = [0; 8];
    let received = data(&frames);
    assert_eq!(received.len(), 1000);
    for text in received {
        let lines: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(lines, [lines[0], next[lines[0]], lines[0]], "whole, and in its thread's order");
        next[lines[0]] += 1;
    }
}

/// With a waker that unparks the thread.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = core::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn emit_waits_for_room_and_is_cancel_safe() {
    let (emitter, emissions) = Emitter::new(1);
    let mut probe = Probe::new(untimed(emissions));
    emitter.try_emit("1").unwrap();
    let full = emitter.try_emit("2").unwrap_err();
    assert_eq!(full, TryEmitError::Full(Frame::from("2")));

    let mut waiting =
        ["2", "never", "3"].map(|text| Box::pin(emitter.emit(text).fuse())).into_iter().collect::<Vec<_>>();
    for emit in &mut waiting {
        assert!(emit.as_mut().now_or_never().is_none());
    }
    drop(waiting.remove(1));
    let mut received = Vec::new();
    for _ in 0..6 {
        received.extend(data(&probe.take_ready(1)));
        for emit in &mut waiting {
            let _ = emit.as_mut().now_or_never();
        }
    }
    assert_eq!(received, ["1", "2", "3"]);
}

#[test]
fn huge_capacities_are_cut_down() {
    let (emitter, _emissions) = Emitter::new(usize::MAX);
    for _ in 0..Emitter::MAX_CAPACITY {
        emitter.try_emit(Frame::KEEP_ALIVE).unwrap();
    }
    assert!(matches!(emitter.try_emit("more"), Err(TryEmitError::Full(_))));
}

#[test]
fn emitters_learn_that_the_client_is_gone() {
    let (emitter, emissions) = Emitter::new(1);
    let probe = Probe::new(untimed(emissions));
    assert!(emitter.closed().now_or_never().is_none());
    drop(probe);
    assert!(emitter.closed().now_or_never().is_some() && emitter.is_closed());
    assert!(matches!(emitter.try_emit("x"), Err(TryEmitError::Closed(_))));
    assert_eq!(emitter.emit("x").now_or_never().unwrap().unwrap_err().frame, Frame::from("x"));
}

#[test]
fn stop_ends_many_streams_and_lets_out_what_was_emitted() {
    let stop = StopHandle::new();
    let reasons = Reasons::default();
    let mut probes: Vec<_> = (0..100)
        .map(|n| {
            let (emitter, emissions) = Emitter::new(2);
            let own = StopHandle::new();
            let stream = untimed(stream::pending::<Frame>()).merge(emissions);
            let stream = stream.stop_on(&own).stop_on(&stop).on_end(reasons.hook());
            let mut probe = Probe::new(stream);
            assert!(probe.poll().is_pending());
            emitter.try_emit(n.to_string()).unwrap();
            (emitter, probe, own)
        })
        .collect();
    stop.stop();
    stop.stop();
    for (n, (emitter, probe, _)) in probes.iter_mut().enumerate() {
        assert!(probe.wakes() > 0);
        assert_eq!(data(&probe.take_ready(10)), [n.to_string()]);
        assert_eq!(probe.poll(), Poll::Ready(None));
        assert!(emitter.is_closed());
        assert_eq!(probe.stream().end().unwrap().reason(), EndReason::Stopped);
    }
    assert_eq!(reasons.told(), ["stopped"; 100]);
}

#[test]
fn stop_wakes_a_quiet_stream_and_ends_a_busy_one() {
    let stop = StopHandle::new();
    let mut quiet = Probe::new(untimed(stream::pending::<Frame>()).stop_on(&stop));
    let mut busy = Probe::new(untimed(stream::repeat("x")).stop_on(&stop));
    assert!(quiet.poll().is_pending());
    assert_eq!(busy.take_ready(1000).len(), 1000);
    stop.stop();
    assert_eq!(quiet.wakes(), 1);
    assert_eq!(quiet.poll(), Poll::Ready(None));
    assert_eq!(busy.poll(), Poll::Ready(None));
    let mut late = Probe::new(untimed(stream::repeat("x")).stop_on(&stop).retry(Duration::from_secs(1)));
    assert_eq!(late.take_ready(10), [Frame::retry(Duration::from_secs(1))]);
}

#[test]
fn a_stream_stopped_or_failed_lets_go_of_its_sources() {
    let alive = Arc::new(());
    let held = alive.clone();
    let source = stream::repeat(()).map(move |()| {
        let _ = &held;
        "x"
    });
    let stop = StopHandle::new();
    let mut probe = Probe::new(untimed(source).stop_on(&stop));
    assert_eq!(probe.take_ready(1).len(), 1);
    stop.stop();
    assert_eq!(probe.poll(), Poll::Ready(None));
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn the_lifetime_ends_quiet_and_busy_streams_within_its_range() {
    let range = Duration::from_secs(540)..=Duration::from_secs(600);
    let mut ends = Vec::new();
    for seed in 0..50 {
        let clock = ManualClock::new();
        let stream = EventStream::with_timer(stream::pending::<Frame>(), clock.timer());
        let stream =
            stream.keep_alive(KeepAlive::default()).max_lifetime_with(range.clone(), seed, clock.timer());
        let mut probe = Probe::new(stream);
        probe.run_for(&clock, Duration::from_secs(10_000));
        assert_eq!(probe.stream().end().unwrap().reason(), EndReason::Lifetime);
        assert!(range.contains(&clock.now()), "{:?}", clock.now());
        ends.push(clock.now());
    }
    ends.dedup();
    assert_eq!(ends.len(), 50, "each at its own time");

    let clock = ManualClock::new();
    let (emitter, emissions) = Emitter::new(1);
    let stream = EventStream::with_timer(stream::repeat("busy"), clock.timer()).merge(emissions);
    let mut probe = Probe::new(stream.max_lifetime_with(
        Duration::from_secs(1)..=Duration::from_secs(1),
        0,
        clock.timer(),
    ));
    assert_eq!(probe.take_ready(1000).len(), 1000);
    emitter.try_emit("last words").unwrap();
    clock.advance(Duration::from_secs(1));
    let rest = data(&probe.take_ready(1000));
    assert!(rest.len() <= 65 && rest.contains(&"last words".into()));
    assert_eq!(probe.poll(), Poll::Ready(None));
}

#[test]
fn hostile_lifetimes() {
    let clock = ManualClock::new();
    let of = |max| {
        let stream = EventStream::with_timer(stream::repeat("x"), clock.timer());
        Probe::new(stream.max_lifetime_with(max..=max, 0, clock.timer()))
    };
    assert_eq!(of(Duration::ZERO).poll(), Poll::Ready(None));
    let mut endless = of(Duration::MAX);
    assert_eq!(endless.take_ready(1000).len(), 1000);
    let mut short = of(Duration::from_nanos(1));
    assert_eq!(short.take_ready(1).len(), 1);
    clock.advance(Duration::from_nanos(1));
    assert!(short.take_ready(100).len() <= 64);
}

#[test]
fn the_lifetime_counts_from_the_first_poll_and_late_from_the_next() {
    let second = Duration::from_secs(1);
    let clock = ManualClock::new();
    let stream = || EventStream::with_timer(stream::pending::<Frame>(), clock.timer());
    let mut probe = Probe::new(stream().retry(second).max_lifetime_with(second..=second, 0, clock.timer()));
    assert!(probe.poll().is_ready(), "the retry");
    clock.advance(second);
    assert_eq!(probe.poll(), Poll::Ready(None));

    let mut polled = Box::pin(stream());
    assert!(polled.next().now_or_never().is_none());
    let late = Pin::into_inner(polled).max_lifetime_with(second..=second, 0, clock.timer());
    let mut probe = Probe::new(late);
    assert!(probe.poll().is_pending());
    clock.advance(second);
    assert_eq!(probe.poll(), Poll::Ready(None));
}

#[test]
fn an_error_ends_the_stream_after_all_that_came_before_it() {
    let reasons = Reasons::default();
    let (emitter, emissions) = Emitter::new(4);
    let failing = stream::iter([Ok("1"), Ok("2"), Err("the source broke"), Ok("unseen")]);
    let mut probe = Probe::new(untimed(failing).merge(emissions).on_end(reasons.hook()));
    for n in ["a", "b", "c", "d"] {
        emitter.try_emit(n).unwrap();
    }
    assert_eq!(data(&probe.take_ready(100)), ["1", "a", "2", "b", "c", "d"]);
    assert_eq!(probe.poll(), Poll::Ready(None));
    assert_eq!(reasons.told(), ["the source failed: the source broke"]);
    let end = probe.stream().end().unwrap();
    assert_eq!(
        (end.reason(), end.error().unwrap().to_string()),
        (EndReason::SourceError, "the source broke".into())
    );
    assert!(emitter.is_closed());
}

#[test]
fn the_hook_is_told_once_and_only_of_streams_that_were_polled() {
    let reasons = Reasons::default();
    drop(untimed(stream::pending::<Frame>()).on_end(reasons.hook()));
    assert_eq!(reasons.told(), [""; 0]);

    let mut dropped = Probe::new(untimed(stream::pending::<Frame>()).on_end(reasons.hook()));
    assert!(dropped.poll().is_pending());
    drop(dropped);
    assert_eq!(reasons.told(), ["dropped"]);

    let mut ended = Probe::new(untimed(stream::empty::<Frame>()).on_end(reasons.hook()));
    assert_eq!(ended.poll(), Poll::Ready(None));
    assert_eq!(ended.poll(), Poll::Ready(None));
    drop(ended);
    assert_eq!(reasons.told(), ["dropped", "the source ended"]);

    // Stopped, but gone before it had handed out the rest.
    let stop = StopHandle::new();
    let (emitter, emissions) = Emitter::new(2);
    let mut half = Probe::new(untimed(emissions).stop_on(&stop).on_end(reasons.hook()));
    emitter.try_emit("1").unwrap();
    emitter.try_emit("2").unwrap();
    stop.stop();
    assert_eq!(data(&half.take_ready(1)), ["1"]);
    drop(half);
    assert_eq!(reasons.told(), ["dropped", "the source ended", "dropped"]);
}

#[test]
fn a_hook_may_use_the_stream_s_own_handles() {
    let stop = StopHandle::new();
    let (emitter, emissions) = Emitter::new(1);
    let calls = Arc::new(AtomicUsize::new(0));
    let (hook_stop, hook_emitter, hook_calls) = (stop.clone(), emitter.clone(), calls.clone());
    let stream = untimed(emissions).stop_on(&stop).on_end(move |_| {
        hook_calls.fetch_add(1, Ordering::Relaxed);
        hook_stop.stop();
        assert!(hook_emitter.try_emit("after the end").is_err());
    });
    let mut probe = Probe::new(stream);
    assert!(probe.poll().is_pending());
    drop(probe);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    drop(emitter);
}

#[test]
fn retry_comes_first_and_once() {
    let second = Duration::from_secs(1);
    let frames = |source: Vec<Frame>| Probe::new(untimed(stream::iter(source)).retry(second)).take_ready(10);
    let (retry, comment) = (Frame::retry(second), Frame::comment("hi"));

    // In the first block where that's there, which alone is copied.
    assert_eq!(frames(vec!["x".into(), "y".into()])[0].as_bytes(), b"retry: 1000\ndata: x\n\n");
    let joined = Frame::from_iter(["x".into(), "y".into(), comment.clone()]);
    let rest = &joined.as_bytes()["data: x\n\n".len()..];
    let split = frames(vec![joined.clone(), "z".into()]);
    assert_eq!(split.len(), 3);
    assert_eq!(split[0].as_bytes(), b"retry: 1000\ndata: x\n\n");
    assert_eq!((split[1].as_bytes(), split[1].as_bytes().as_ptr()), (rest, rest.as_ptr()));
    assert_eq!(split[2], "z".into());
    // A comment before a block belongs to it.
    let commented = Frame::from_iter([comment.clone(), "x".into()]);
    assert_eq!(frames(vec![commented])[0].as_bytes(), b"retry: 1000\n: hi\ndata: x\n\n");

    // Alone where there's no block, a large one, or nothing.
    assert_eq!(frames(vec![comment.clone()]), [retry.clone(), comment]);
    let large = Frame::from("x".repeat(1 << 17));
    assert_eq!(frames(vec![large.clone()]), [retry.clone(), large]);
    assert_eq!(frames(vec![Event::empty().into()]), core::slice::from_ref(&retry));
    let (emitter, emissions) = Emitter::new(1);
    let mut waiting = Probe::new(untimed(emissions).retry(second));
    assert_eq!(waiting.take_ready(10), core::slice::from_ref(&retry));
    emitter.try_emit("x").unwrap();
    assert_eq!(waiting.take_ready(10), ["x".into()]);

    // A source that fails at once still says why.
    let told = Arc::new(Mutex::new(Vec::new()));
    let failing = untimed(stream::iter([Err::<Frame, _>("broken")])).retry(second);
    let mut failing = Probe::new(failing.on_end(tell(&told)));
    assert_eq!(failing.take_ready(10), [retry]);
    assert_eq!(*told.lock().unwrap(), [EndReason::SourceError]);
}

fn tell(told: &Arc<Mutex<Vec<EndReason>>>) -> impl FnOnce(&End) + Send + use<> {
    let told = Arc::clone(told);
    move |end| told.lock().unwrap().push(end.reason())
}

/// However it ends, a channel's hook is told of the subscription what the stream's own hook is told.
#[test]
fn a_channel_is_told_the_same_reason_as_the_stream() {
    type Stream = EventStream<Subscription, ManualTimer>;
    type Way = fn(Stream, &Channel);
    fn open(stream: Stream) -> Probe<Stream> {
        let mut open = Probe::new(stream);
        open.take_ready(9);
        open
    }
    fn drained() -> Drain {
        let drain = Drain::new(Duration::ZERO..=Duration::ZERO);
        drop(drain.begin(Duration::ZERO, ManualClock::new().timer()));
        drain
    }
    let ways: [(&str, Way, Option<EndReason>); 8] = [
        ("never polled", |stream, _| drop(stream), None),
        ("dropped", |stream, _| drop(open(stream)), Some(EndReason::Dropped)),
        (
            "closed",
            |stream, channel| {
                let mut open = open(stream);
                channel.close();
                open.take_ready(9);
            },
            Some(EndReason::SourceEnded),
        ),
        ("bounced", |stream, _| drop(open(stream.drain_on(&drained()))), Some(EndReason::Drained)),
        (
            "stopped",
            |stream, _| {
                let stop = StopHandle::new();
                stop.stop();
                drop(open(stream.stop_on(&stop)));
            },
            Some(EndReason::Stopped),
        ),
        (
            "stalled",
            |stream, _| {
                let stall = StallHandle::new();
                let open = open(stream.stall_on(&stall));
                stall.set_stalled();
                drop(open);
            },
            Some(EndReason::Stalled),
        ),
        (
            "stalled when it was to stop",
            |stream, channel| {
                let (stall, stop) = (StallHandle::new(), StopHandle::new());
                let mut open = open(stream.stall_on(&stall).stop_on(&stop));
                channel.publish("one").unwrap();
                stop.stop();
                // What was published comes first, and the client takes nothing more.
                assert!(open.poll().is_ready());
                assert!(stall.is_streaming());
                stall.set_stalled();
                drop(open);
                assert!(!stall.is_streaming());
            },
            Some(EndReason::Stalled),
        ),
        (
            "lagged",
            |stream, channel| {
                let mut open = open(stream);
                for number in 0..9 {
                    channel.publish(number.to_string()).unwrap();
                }
                open.take_ready(9);
            },
            Some(EndReason::Lagged),
        ),
    ];
    for (name, way, expected) in ways {
        let of_channel = Arc::new(Mutex::new(Vec::new()));
        let of_stream = Arc::new(Mutex::new(Vec::new()));
        let hook = Arc::clone(&of_channel);
        let options = ChannelOptions::new().on_end(move |reason| hook.lock().unwrap().push(reason));
        let channel = Channel::with_options(options);
        let subscription = channel.subscription().lag(Lag::Disconnect { limit: Some(1) }).begin().unwrap();
        let stream = EventStream::with_timer(subscription, ManualClock::new().timer());
        way(stream.on_end(tell(&of_stream)), &channel);
        assert_eq!(*of_stream.lock().unwrap(), Vec::from_iter(expected), "{name}");
        assert_eq!(*of_channel.lock().unwrap(), [expected.unwrap_or(EndReason::Dropped)], "{name}");
    }
}

#[test]
fn frames_without_bytes_are_passed_over_and_never_spin() {
    let empty = || Frame::from(Event::empty());
    let mut probe = Probe::new(untimed(stream::iter([empty(), "x".into(), empty()])));
    assert_eq!(data(&probe.take_ready(10)), ["x"]);
    let mut endless = Probe::new(untimed(stream::repeat(()).map(|()| empty())));
    assert!(endless.poll().is_pending());
    assert_eq!(endless.wakes(), 1, "it comes back");
}

#[test]
fn a_stream_keeps_its_promises_to_any_executor() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let (_, emissions) = Emitter::new(1);
    let stream = is_send(untimed(stream::pending::<Frame>()).merge(emissions));
    // Boxed and type-erased sources and timers are sources and timers.
    let boxed: Pin<Box<dyn Stream<Item = Frame> + Send>> = Box::pin(stream);
    let timer: Pin<Box<dyn eventsource_core::Timer + Send>> = Box::pin(ManualClock::new().timer());
    let mut probe =
        Probe::new(is_send(EventStream::with_timer(boxed, timer).keep_alive(KeepAlive::default())));
    assert!(probe.poll().is_pending(), "the emitter was dropped, but the other source is pending");
}

#[test]
fn a_stall_handle_that_is_given_later_takes_the_place_of_the_older() {
    let (older, newer) = (StallHandle::new(), StallHandle::new());
    let mut stream = EventStream::without_timer(stream::pending::<&str>()).stall_on(&older);
    assert!(stream.next().now_or_never().is_none());
    let stream = stream.stall_on(&newer);
    assert_eq!((older.is_streaming(), newer.is_streaming()), (false, true));
    drop(stream);
    assert_eq!((older.is_streaming(), newer.is_streaming()), (false, false));
}
