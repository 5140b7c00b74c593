//! Keep-alives come when the stream was quiet, and only then.

use core::task::Poll;
use core::time::Duration;
use eventsource_core::test_util::{ManualClock, ManualTimer, Probe};
use eventsource_core::{Emitter, EventStream, Frame, KeepAlive, Source};
use futures_util::stream;

const MINUTE: Duration = Duration::from_secs(60);
const MINUTELY: KeepAlive = KeepAlive::new(MINUTE);

fn quiet(
    clock: &ManualClock,
    keep_alive: KeepAlive,
) -> Probe<impl futures_util::Stream<Item = Frame> + use<>> {
    Probe::new(EventStream::with_timer(stream::pending::<Frame>(), clock.timer()).keep_alive(keep_alive))
}

fn seconds(sent: &[(Duration, Frame)]) -> Vec<u64> {
    sent.iter().map(|(at, _)| at.as_secs()).collect()
}

/// A stream with an emitter.
fn emitting(clock: &ManualClock) -> (Emitter, EventStream<impl Source + use<>, ManualTimer>) {
    let (emitter, emissions) = Emitter::new(16);
    (emitter, EventStream::with_timer(emissions, clock.timer()).keep_alive(MINUTELY))
}

#[test]
fn the_default_is_a_lone_comment_every_15_seconds() {
    let clock = ManualClock::new();
    let sent = quiet(&clock, KeepAlive::default()).run_for(&clock, MINUTE);
    assert_eq!(seconds(&sent), [15, 30, 45, 60]);
    assert!(sent.iter().all(|(_, frame)| *frame == Frame::KEEP_ALIVE));
}

#[test]
fn peer_fault_9_no_ping_at_the_start_nor_while_busy() {
    let clock = ManualClock::new();
    let (emitter, stream) = emitting(&clock);
    let mut probe = Probe::new(stream);
    assert!(probe.poll().is_pending(), "no ping at the start");
    for _ in 0..100 {
        emitter.try_emit("busy").unwrap();
        let sent = probe.run_for(&clock, Duration::from_secs(59));
        assert_eq!(sent.len(), 1, "{sent:?}");
    }
}

#[test]
fn a_ping_comes_after_at_least_one_and_at_most_one_and_a_quarter_quiet_intervals() {
    // One event at any moment; and events in a row, at any distance from one another.
    for (first, step, count) in (0..70).map(|at| (at, 0, 1)).chain((1..60).map(|step| (7, step, 40))) {
        let clock = ManualClock::new();
        let (emitter, stream) = emitting(&clock);
        let mut probe = Probe::new(stream);
        let mut sent = probe.run_for(&clock, Duration::from_secs(first));
        for n in 0..count {
            emitter.try_emit("event").unwrap();
            let last = n + 1 == count;
            let until = if last { 4 * MINUTE } else { Duration::from_secs(step) };
            sent.extend(probe.run_for(&clock, until));
        }
        let last = sent.iter().rposition(|(_, frame)| *frame != Frame::KEEP_ALIVE).unwrap();
        let at = |index: usize| sent[index].0.as_secs();
        let waited = at(last + 1) - at(last);
        assert!((60..=75).contains(&waited), "{waited} s after events from {first} s on, each {step} s");
        assert_eq!(at(last + 2) - at(last + 1), 60, "exactly one where it was quiet already");
    }
}

#[test]
fn streams_share_a_clock() {
    let clock = ManualClock::new();
    let mut probes = [(); 2].map(|()| quiet(&clock, MINUTELY));
    assert!(probes[1].poll().is_pending());
    assert_eq!(probes[0].run_for(&clock, 10 * MINUTE).len(), 10);
    assert_eq!(seconds(&probes[1].run_for(&clock, MINUTE)), [600, 660]);
}

#[test]
fn peer_fault_10_one_ping_after_a_stall_not_those_that_were_missed() {
    let clock = ManualClock::new();
    let mut probe = quiet(&clock, MINUTELY);
    assert!(probe.poll().is_pending());
    clock.advance(60 * MINUTE);
    assert_eq!(probe.poll(), Poll::Ready(Some(Frame::KEEP_ALIVE)));
    assert!(probe.poll().is_pending());
    assert_eq!(seconds(&probe.run_for(&clock, MINUTE)), [3660]);
}

#[test]
fn a_consumer_that_polls_once_an_hour_never_finds_two() {
    let clock = ManualClock::new();
    let mut probe = quiet(&clock, MINUTELY);
    for _ in 0..24 {
        clock.advance(60 * MINUTE);
        assert!(probe.take_ready(10).len() <= 1);
    }
}

#[test]
fn peer_fault_11_the_interval_applies_to_the_first_ping() {
    let clock = ManualClock::new();
    let sent = quiet(&clock, KeepAlive::new(Duration::from_secs(7))).run_for(&clock, Duration::from_secs(20));
    assert_eq!(seconds(&sent), [7, 14]);
}

#[test]
fn peer_fault_12_zero_is_off() {
    let clock = ManualClock::new();
    let mut probe = quiet(&clock, KeepAlive::new(Duration::ZERO));
    assert_eq!(probe.run_for(&clock, 1000 * MINUTE), []);
    assert_eq!((clock.resets(), clock.polls()), (0, 0));
}

#[test]
fn peer_fault_13_a_huge_interval_is_never() {
    let clock = ManualClock::new();
    clock.advance(MINUTE);
    let mut probe = quiet(&clock, KeepAlive::new(Duration::MAX));
    assert_eq!(probe.run_for(&clock, 1_000_000 * MINUTE), []);
}

#[test]
fn one_nanosecond_is_taken_as_it_is_one_ping_a_nanosecond_at_most() {
    let clock = ManualClock::new();
    let sent =
        quiet(&clock, KeepAlive::new(Duration::from_nanos(1))).run_for(&clock, Duration::from_nanos(5));
    assert_eq!(sent.len(), 5);
}

#[test]
fn any_frame_will_do_and_none_is_off() {
    let clock = ManualClock::new();
    let stream = || EventStream::with_timer(stream::pending::<Frame>(), clock.timer());
    let mut probe = Probe::new(stream().keep_alive_with(MINUTELY, "ping"));
    assert_eq!(probe.run_for(&clock, MINUTE)[0].1, Frame::from("ping"));
    let mut probe = Probe::new(stream().keep_alive_with(MINUTELY, Frame::default()));
    assert_eq!(probe.run_for(&clock, 10 * MINUTE), []);
}

#[test]
fn ten_million_items_touch_the_timer_at_most_once_per_expiry() {
    const ITEMS: u64 = 10_000_000;
    let clock = ManualClock::new();
    let frame = Frame::from("item");
    let source = stream::iter((0..ITEMS / 2).map(|_| frame.clone()));
    let (emitter, emissions) = Emitter::new(8);
    let stream = EventStream::with_timer(source, clock.timer()).merge(emissions).keep_alive(MINUTELY);
    let mut probe = Probe::new(stream);

    let (mut items, mut pings, mut pushed) = (0, 0, 0);
    while items < ITEMS {
        // Falls quiet again and again, and 100 minutes go by meanwhile.
        if pushed < ITEMS / 2 && emitter.try_emit(frame.clone()).is_ok() {
            pushed += 1;
        }
        if items % 100_000 == 0 {
            clock.advance(MINUTE);
        }
        match probe.poll() {
            Poll::Ready(Some(sent)) if sent == Frame::KEEP_ALIVE => pings += 1,
            Poll::Ready(Some(_)) => items += 1,
            Poll::Ready(None) => unreachable!(),
            Poll::Pending => {}
        }
    }
    assert_eq!(pings, 0);
    assert!(clock.resets() <= 101, "{} resets", clock.resets());
}
