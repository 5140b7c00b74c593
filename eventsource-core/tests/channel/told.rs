//! What a client is told of where it is, and of what it has missed.

use super::edges::{data, open};
use core::time::Duration;
use eventsource_core::channel::{Ids, Lag, Resumed, Start};
use eventsource_core::test_util::{ManualClock, Probe, interpret};
use eventsource_core::{
    Channel, ChannelOptions, Event, EventId, EventStream, Frame, LastEventId, Publication, StopHandle, Topics,
};

fn options() -> ChannelOptions {
    ChannelOptions::new().epoch(1)
}

/// What a client makes of what's ready: how many blocks of an id alone, and the last id.
fn positions<S: eventsource_core::Source>(stream: &mut Probe<EventStream<S>>) -> (usize, String) {
    let frames = stream.take_ready(usize::MAX);
    let alone = frames.iter().filter(|frame| interpret(frame.as_bytes()).events.is_empty()).count();
    (alone, interpret(Frame::from_iter(frames).as_bytes()).last_event_id)
}

#[test]
fn who_missed_nothing_behind_a_filter_is_told_no_gap() {
    // 1,024 events; room for 512 by bytes; a single one.
    for (events, bytes) in [(1024, 1 << 20), (usize::MAX, 512 * 17), (1, 1 << 20)] {
        let channel = Channel::with_labels(options().retain(events, bytes));
        let subscribe = |seen| {
            let builder = channel.subscription().filter(|passes| *passes);
            builder.resume(seen).begin().unwrap()
        };
        let mut connected = open(subscribe(LastEventId::None));
        let mut last = positions(&mut connected).1;
        let mut alone = 0;
        for n in 0..2000 {
            channel.publish(Publication::new("x").label(n == 700)).unwrap();
            let (count, id) = positions(&mut connected);
            alone += count;
            if !id.is_empty() {
                last = id;
            }
            let again = subscribe(LastEventId::parse(last.as_bytes()));
            assert_eq!(again.resumed(), Resumed::Complete, "after {n}");
        }
        let most = if events == 1 { 2000 } else { 10 };
        assert!(alone <= most, "{alone} times");
    }
}

#[test]
fn a_gap_is_told_once() {
    for filtered in [false, true] {
        let topics = Topics::with_labels(options().retain(3, 1 << 20));
        for n in 0..10 {
            topics.publish("a", Publication::new("x").label(n == 0)).unwrap();
        }
        topics.publish("b", "y").unwrap();
        let subscribe = |seen: &[u8]| {
            let builder = topics.subscription(["a", "b"]).resume(LastEventId::parse(seen));
            let builder = if filtered { builder.filter(|passes| *passes) } else { builder };
            builder.begin().unwrap()
        };
        let first = subscribe(b"1-2");
        assert_eq!(first.resumed(), Resumed::Gap { missed: 5, is_exact: !filtered });
        let (_, last) = positions(&mut open(first));
        assert_eq!(subscribe(last.as_bytes()).resumed(), Resumed::Complete, "after {last}");
    }
}

#[test]
fn what_replay_leaves_out_is_no_gap_later() {
    let topics = Topics::with_options(options().retain(1, 1 << 20));
    topics.publish("a", "gone").unwrap();
    topics.publish("b", "kept").unwrap();
    topics.publish_all("a", ["gone too", "kept too"]).unwrap();
    let mut first = open(topics.subscription(["a", "b"]).start(Start::Last(1)).begin().unwrap());
    let (_, last) = positions(&mut first);
    let again = topics.subscribe(["a", "b"], LastEventId::parse(last.as_bytes()));
    assert_eq!(again.resumed(), Resumed::Complete, "after {last}");
}

#[test]
fn who_begins_with_rejected_events_is_told_a_position() {
    for start in [Start::Oldest, Start::Last(1)] {
        for retain in [1, 3, 1024] {
            let channel = Channel::<bool>::with_labels(options().retain(retain, 1 << 20));
            channel.publish("rejected").unwrap();
            let subscribe = |seen| {
                let builder = channel.subscription().start(start).resume(seen);
                builder.filter(|passes| *passes).begin().unwrap()
            };
            let mut first = open(subscribe(LastEventId::None));
            assert_eq!(Frame::from_iter(first.take_ready(9)).as_bytes(), b"id: 1-1\n\n");
            drop(first);
            channel.publish(Publication::new("while it was away").label(true)).unwrap();
            let back = subscribe(LastEventId::parse(b"1-1"));
            assert_eq!(back.resumed(), Resumed::Complete);
            assert_eq!(data(&mut open(back)), ["while it was away"]);
        }
    }
}

#[test]
fn a_position_is_not_told_where_that_is_switched_off() {
    let channel = Channel::with_labels(options().retain(10, 1 << 20));
    let builder = channel.subscription().start(Start::Oldest).positions(false);
    let mut plain = open(builder.begin().unwrap());
    let builder = channel.subscription().filter(|passes| *passes).positions(false);
    let mut filtered = open(builder.begin().unwrap());
    assert!(plain.take_ready(9).is_empty() && filtered.take_ready(9).is_empty());
    for _ in 0..100 {
        channel.publish(Publication::new("x").label(false)).unwrap();
        assert!(filtered.take_ready(9).is_empty());
    }
}

#[test]
fn a_number_that_is_not_exact_is_said_to_be_so() {
    let topics = Topics::with_options(options().retain(3, 1 << 20));
    let resumed = |names: &[&str], seen: &[u8]| topics.subscribe(names, LastEventId::parse(seen)).resumed();
    // One topic alone, as in a channel.
    topics.publish_all("a", (0..15).map(|n| n.to_string())).unwrap();
    assert_eq!(resumed(&["a"], b"1-0"), Resumed::Gap { missed: 12, is_exact: true });
    // Between its events, others of a neighbour.
    for n in 0..12 {
        topics.publish_all("b", [n.to_string(), n.to_string()]).unwrap();
        topics.publish("a", n.to_string()).unwrap();
    }
    let Resumed::Gap { missed, is_exact: false } = resumed(&["a"], b"1-15") else {
        panic!("{:?}", resumed(&["a"], b"1-15"))
    };
    assert!((9..=15 * 3).contains(&missed), "{missed}");
    // What it has let go of last is known to be all its own.
    topics.publish_all("a", (0..10).map(|n| n.to_string())).unwrap();
    assert_eq!(resumed(&["a"], b"1-53"), Resumed::Gap { missed: 5, is_exact: true });
    // And a filter isn't asked.
    let filtered = topics.subscription(["a"]).resume(LastEventId::parse(b"1-53")).filter(|()| true);
    assert_eq!(filtered.begin().unwrap().resumed(), Resumed::Gap { missed: 5, is_exact: false });
}

#[test]
fn a_quiet_topic_that_vanished_is_no_gap() {
    let clock = ManualClock::new();
    let topics = Topics::with_options(options().retain_for(Duration::from_secs(60), {
        let clock = clock.clone();
        move || clock.now()
    }));
    for n in 0..100 {
        topics.publish(&format!("quiet {n}"), "seen").unwrap();
    }
    for n in 0..3000 {
        clock.advance(Duration::from_secs(10));
        topics.publish(&format!("job {n}"), "x").unwrap();
    }
    assert!(topics.stats().topics < 10);
    let resumed = |n: u64, seen: u64| {
        let seen = LastEventId::parse(format!("1-{seen}").as_bytes());
        topics.subscribe([format!("quiet {n}")], seen).resumed()
    };
    assert!((0..100).all(|n| resumed(n, n + 1) == Resumed::Complete));
    assert!((0..100).all(|n| matches!(resumed(n, n), Resumed::Gap { is_exact: false, .. })));
}

#[test]
fn after_the_last_event_that_was_let_go_a_caller_s_id_still_resumes() {
    let topics = Topics::with_options(options().ids(Ids::Callers).retain(1, 1 << 20).live_window(1, 0));
    let publish = |id: &'static str| {
        let event = Event::new(id).id(EventId::new(id).unwrap());
        topics.publish("a", event).unwrap();
    };
    publish("first");
    let mut live = open(topics.subscribe(["a", "empty"], LastEventId::None));
    assert_eq!(positions(&mut live), (1, "first".into()));
    drop(live);
    publish("second");
    let back = topics.subscribe(["a", "empty"], LastEventId::parse(b"first"));
    assert_eq!(back.resumed(), Resumed::Complete);
    assert_eq!(data(&mut open(back)), ["second"]);
    publish("third");
    assert_eq!(topics.subscribe(["a"], LastEventId::parse(b"first")).resumed(), Resumed::Unknown);
    // Who doesn't subscribe to the topic learns nothing of it.
    assert_eq!(topics.subscribe(["empty"], LastEventId::parse(b"second")).resumed(), Resumed::Unknown);
    // The id of an event that was let go may be used again.
    publish("first");
}

#[test]
fn what_waits_at_a_stop_is_not_replaced_nor_pushed_out() {
    let publish = |channel: &Channel<bool>, number: usize| {
        let publication = Publication::new(number.to_string()).key((number % 200).to_string());
        channel.publish(publication.label(number % 2 == 0)).unwrap();
    };
    for lag in [Lag::Conflate, Lag::Disconnect { limit: None }, Lag::DropOldest { limit: 500 }] {
        for filtered in [false, true] {
            let channel =
                Channel::with_labels(options().latest_per_key(300, 1 << 20).live_window(300, 1 << 20));
            let stop = StopHandle::new();
            let builder = channel.subscription().lag(lag);
            let builder = if filtered { builder.filter(|passes| *passes) } else { builder };
            let subscription = builder.begin().unwrap();
            let mut stream = Probe::new(EventStream::without_timer(subscription).stop_on(&stop));
            stream.take_ready(9);
            (0..200).for_each(|n| publish(&channel, n));
            stop.stop();
            let mut frames = stream.take_ready(1);
            // The live window and the table move on by more than they hold.
            (200..1000).for_each(|n| publish(&channel, n));
            frames.extend(stream.take_ready(999));
            let events = interpret(Frame::from_iter(frames).as_bytes()).events;
            let data: Vec<_> = events.into_iter().map(|event| event.data).collect();
            let every = if filtered { 2 } else { 1 };
            let expected: Vec<_> = (0..200).step_by(every).map(|n| n.to_string()).collect();
            assert_eq!(data, expected, "{lag:?}");
        }
    }
}

#[test]
fn who_missed_nothing_while_conflating_behind_a_filter_is_told_no_gap() {
    for keys in [2, 100] {
        let options = options().retain(0, 0).latest_per_key(keys, 1 << 20);
        let channel = Channel::<bool>::with_labels(options);
        let subscribe = |seen| {
            let builder = channel.subscription().lag(Lag::Conflate).filter(|passes| *passes);
            builder.resume(seen).begin().unwrap()
        };
        let mut connected = open(subscribe(LastEventId::None));
        let mut last = positions(&mut connected).1;
        let mut alone = 0;
        for n in 0..1000 {
            channel.publish(Publication::new("x").key(n.to_string()).label(false)).unwrap();
            let (count, id) = positions(&mut connected);
            alone += count;
            if !id.is_empty() {
                last = id;
            }
            let again = subscribe(LastEventId::parse(last.as_bytes()));
            assert_eq!(again.resumed(), Resumed::Complete, "after {n}");
        }
        assert!(alone <= 1000 / (keys / 2), "{alone} times");
    }
}

#[test]
fn the_newest_event_of_a_reused_id_is_the_one_that_is_resumed_after() {
    let options = options().ids(Ids::Callers).retain(1, 1 << 20).live_window(0, 0);
    let topics = Topics::with_options(options);
    for topic in ["b", "a", "b"] {
        let event = Event::new(topic).id(EventId::new("again").unwrap());
        topics.publish(topic, event).unwrap();
        let other = format!("other {topic} {}", topics.stats().published);
        topics.publish(topic, Event::new("next").id(EventId::new(&other).unwrap())).unwrap();
    }
    let back = topics.subscribe(["a", "b"], LastEventId::parse(b"again"));
    assert_eq!(back.resumed(), Resumed::Complete);
    assert_eq!(data(&mut open(back)), ["next"]);
}

#[test]
fn large_events_that_wait_at_a_stop_are_not_pushed_out() {
    let channel = Channel::with_options(options());
    let stop = StopHandle::new();
    let subscription = channel.subscribe(LastEventId::None);
    let mut stream = Probe::new(EventStream::without_timer(subscription).stop_on(&stop));
    stream.take_ready(9);
    let large = |n: usize| format!("{n:020000}");
    let publish_large = |numbers: core::ops::Range<usize>| {
        for number in numbers {
            channel.publish(large(number)).unwrap();
        }
    };
    publish_large(0..100);
    stop.stop();
    let mut frames = stream.take_ready(1);
    publish_large(0..1400);
    frames.extend(stream.take_ready(9999));
    assert_eq!(interpret(Frame::from_iter(frames).as_bytes()).events.len(), 100);
}

#[test]
fn a_filter_that_panics_ends_its_subscription() {
    let channel = Channel::with_options(options());
    let mut seen = 0;
    let subscription = channel.subscription().start(Start::Oldest).filter(move |()| {
        seen += 1;
        assert!(seen != 3, "the filter panics");
        true
    });
    channel.publish_all((0..10).map(|n| n.to_string())).unwrap();
    let mut subscription = Box::pin(subscription.begin().unwrap());
    let mut poll = || {
        let mut cx = core::task::Context::from_waker(core::task::Waker::noop());
        eventsource_core::Source::poll_frame(subscription.as_mut(), &mut cx)
    };
    assert!(std::panic::catch_unwind(core::panic::AssertUnwindSafe(&mut poll)).is_err());
    // What has passed comes out, and then the end: never a later event without those before.
    let mut frames = Vec::new();
    let end = loop {
        match poll() {
            core::task::Poll::Ready(Ok(frame)) => frames.push(frame),
            core::task::Poll::Ready(Err(end)) => break end,
            core::task::Poll::Pending => panic!("it waits"),
        }
    };
    assert_eq!(interpret(Frame::from_iter(frames).as_bytes()).events.len(), 2);
    assert_eq!(end.reason(), eventsource_core::EndReason::SourceError);
}
