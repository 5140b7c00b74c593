//! What clients that come back, lag or leave are owed.

use eventsource_core::channel::{Ids, Lag, PublishError, Resumed, Start, SubscribeError};
use eventsource_core::test_util::{ManualClock, Probe, interpret};
use eventsource_core::{
    Channel, ChannelOptions, EndReason, Event, EventId, EventStream, Frame, KeepAlive, LastEventId,
    Publication, Subscription, Topics, event_name,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

fn options() -> ChannelOptions {
    ChannelOptions::new().epoch(0xe)
}

fn open<L>(subscription: Subscription<L>) -> Probe<EventStream<Subscription<L>>> {
    Probe::new(EventStream::without_timer(subscription))
}

/// The data that's there now, and the last event ID after that.
fn read<L>(stream: &mut Probe<EventStream<Subscription<L>>>) -> (Vec<String>, String) {
    let bytes: Vec<u8> = stream.take_ready(usize::MAX).iter().flat_map(Frame::as_bytes).copied().collect();
    let client = interpret(&bytes);
    (client.events.into_iter().map(|event| event.data).collect(), client.last_event_id)
}

fn seen(sequence: u64) -> LastEventId {
    LastEventId::parse(format!("e-{sequence}").as_bytes())
}

fn publish(channel: &Channel, data: &impl ToString) {
    channel.publish(data.to_string().as_str()).unwrap();
}

#[test]
fn the_last_seen_event_is_never_sent_again() {
    let channel = Channel::with_options(options());
    for n in 1..=5 {
        channel.publish(n.to_string().as_str()).unwrap();
    }
    for last in 0..=5_u64 {
        let subscription = channel.subscribe(seen(last));
        assert_eq!(subscription.resumed(), Resumed::Complete);
        let expected: Vec<_> = (last + 1..=5).map(|n| n.to_string()).collect();
        assert_eq!(read(&mut open(subscription)).0, expected);
    }
}

#[test]
fn a_gap_is_told_with_its_size() {
    let channel = Channel::with_options(options().retain(3, 1 << 20));
    for n in 1..=10 {
        channel.publish(n.to_string().as_str()).unwrap();
    }
    for (last, resumed) in [
        (10, Resumed::Complete),
        (7, Resumed::Complete),
        (6, Resumed::Gap { missed: 1, is_exact: true }),
        (0, Resumed::Gap { missed: 7, is_exact: true }),
    ] {
        let subscription = channel.subscribe(seen(last));
        assert_eq!(subscription.resumed(), resumed, "{last}");
        let expected: Vec<_> = (last.max(7) + 1..=10).map(|n| n.to_string()).collect();
        assert_eq!(read(&mut open(subscription)).0, expected);
    }
}

#[test]
fn an_id_of_another_epoch_or_of_the_future_is_unknown() {
    let channel = Channel::with_options(options());
    channel.publish("a").unwrap();
    for id in [&b"f-1"[..], b"e-2", b"1", b"e-", b"e-1 ", b"E-1", b"e-01", b"e-18446744073709551616", b"\xff"]
    {
        let subscription = channel.subscribe(LastEventId::parse(id));
        assert_eq!(subscription.resumed(), Resumed::Unknown, "{}", id.escape_ascii());
        // Nothing is guessed at; but from now on it has a place.
        assert_eq!(read(&mut open(subscription)), (vec![], "e-1".to_owned()));
    }
    let first = || Channel::new().publish("a").unwrap();
    assert_ne!(first(), first(), "epochs are random");
}

#[test]
fn a_client_that_leaves_before_its_first_event_loses_nothing() {
    let channel = Channel::with_options(options());
    channel.publish("before").unwrap();
    let (data, id) = read(&mut open(channel.subscribe(LastEventId::None)));
    assert_eq!((data, id.as_str()), (vec![], "e-1"));
    channel.publish("meanwhile").unwrap();
    assert_eq!(read(&mut open(channel.subscribe(LastEventId::parse(id.as_bytes())))).0, ["meanwhile"]);
}

#[test]
fn without_retention_it_still_broadcasts() {
    let channel = Channel::with_options(options().retain(0, 0).live_window(0, 0));
    let mut stream = open(channel.subscribe(LastEventId::None));
    read(&mut stream);
    channel.publish_all(["a", "b", "c"]).unwrap();
    assert_eq!(read(&mut stream).0, ["a", "b", "c"]);
    let back = channel.subscribe(seen(1));
    assert_eq!(back.resumed(), Resumed::Gap { missed: 2, is_exact: true });
    assert_eq!(read(&mut open(back)).1, "e-3", "the gap is told once");
}

#[test]
fn a_filter_holds_in_a_replay_as_live() {
    let channel = Channel::with_labels(options());
    let publish = |user: u32| {
        channel.publish(Publication::new("mail").label(user)).unwrap();
    };
    (0..100).for_each(|n| publish(n % 3));
    let subscription = channel.subscription().resume(seen(0)).filter(|&user| user == 1).begin().unwrap();
    let mut stream = open(subscription);
    assert_eq!(read(&mut stream).0.len(), 33);
    (0..100).for_each(|n| publish(n % 3));
    assert_eq!(read(&mut stream).0.len(), 33);
    publish(2);
    assert_eq!(read(&mut stream).0.len(), 0);
}

#[test]
fn one_that_comes_back_while_others_publish_misses_nothing() {
    let channel = Channel::with_options(options().retain(100_000, 1 << 30));
    let is_done = AtomicBool::new(false);
    let total = 20_000_u64;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while last < total {
                    let subscription = channel.subscribe(seen(last));
                    assert_eq!(subscription.resumed(), Resumed::Complete);
                    let mut stream = open(subscription);
                    for frame in stream.take_ready(7) {
                        for event in interpret(frame.as_bytes()).events {
                            let sequence: u64 = event.last_event_id[2..].parse().unwrap();
                            assert_eq!(sequence, last + 1);
                            last = sequence;
                        }
                    }
                }
            });
        }
        scope.spawn(|| {
            while channel.publish("x").unwrap().sequence() < total {}
            is_done.store(true, Ordering::Relaxed);
        });
    });
    assert!(is_done.into_inner());
}

#[test]
fn slow_readers_hold_no_memory() {
    let channel = Channel::with_options(options().retain(100, 1 << 20).live_window(100, 1 << 20));
    let mut streams: Vec<_> = (0..1000).map(|_| open(channel.subscribe(LastEventId::None))).collect();
    for n in 0..10_000 {
        channel.publish(format!("{n:0>100}").as_str()).unwrap();
    }
    let stats = channel.stats();
    assert_eq!((stats.events, stats.subscribers), (100, 1000));
    assert!(stats.bytes < 100 * 150);
    for stream in &mut streams {
        assert_eq!(stream.take_ready(9).len(), 1, "their position");
        assert_eq!(stream.stream().end().unwrap().reason(), EndReason::Lagged);
    }
    assert_eq!((channel.stats().lagged, channel.stats().subscribers), (1000, 0));
}

#[test]
fn one_cut_off_within_retention_comes_back_and_loses_nothing() {
    let channel = Channel::with_options(options().retain(100, 1 << 20));
    let lag = Lag::Disconnect { limit: Some(10) };
    let mut stream = open(channel.subscription().resume(seen(0)).lag(lag).begin().unwrap());
    channel.publish("0").unwrap();
    assert_eq!(read(&mut stream).0, ["0"]);
    (1..=12).for_each(|n| publish(&channel, &n));
    assert_eq!(read(&mut stream).0, [""; 0]);
    assert_eq!(stream.stream().end().unwrap().reason(), EndReason::Lagged);
    let back = channel.subscription().resume(seen(1)).lag(lag).begin().unwrap();
    assert_eq!(back.resumed(), Resumed::Complete);
    assert_eq!(read(&mut open(back)).0.len(), 12, "a replay is no lag, however long");

    let too_much = channel.subscription().lag(Lag::Disconnect { limit: Some(101) }).begin();
    assert!(matches!(
        too_much.unwrap_err(),
        SubscribeError::LimitOutsideRetention { limit: 101, retained: 100, .. }
    ));
}

#[test]
fn one_call_is_never_lag() {
    let channel = Channel::with_options(options().retain(2, 1 << 20).live_window(2, 1 << 20));
    let lag = Lag::Disconnect { limit: Some(1) };
    let mut stream = open(channel.subscription().resume(seen(0)).lag(lag).begin().unwrap());
    channel.publish_all((0..1000).map(|_| "x")).unwrap();
    assert_eq!(read(&mut stream).0.len(), 1000);
}

#[test]
fn dropping_the_oldest_is_told_in_band() {
    let channel = Channel::with_options(options());
    let subscription = channel
        .subscription()
        .resume(seen(0))
        .lag(Lag::DropOldest { limit: 2 })
        .announce_dropped(|dropped| (event_name!("lag"), dropped.to_string()))
        .begin()
        .unwrap();
    let mut stream = open(subscription);
    (0..10).for_each(|n| publish(&channel, &n));
    assert_eq!(read(&mut stream).0, ["7", "7", "8", "9"], "seven are lost, and the last call's comes on top");
    assert_eq!(channel.stats().dropped, 7);
}

#[test]
fn conflating_keeps_the_newest_of_each_key() {
    let prices = Channel::with_options(options().latest_per_key(3, usize::MAX));
    let mut slow = open(prices.subscription().resume(seen(0)).lag(Lag::Conflate).begin().unwrap());
    for n in 0..1000 {
        prices.publish(Publication::new(format!("A {n}").as_str()).key("A")).unwrap();
        prices.publish(Publication::new(format!("B {n}").as_str()).key("B")).unwrap();
    }
    assert_eq!(read(&mut slow).0, ["A 999", "B 999"]);
    let late = prices.subscription().start(Start::Oldest).lag(Lag::Conflate).begin().unwrap();
    assert_eq!(read(&mut open(late)).0, ["A 999", "B 999"], "a snapshot");
    let unkeyed = Channel::new();
    assert!(matches!(
        unkeyed.subscription().lag(Lag::Conflate).begin().unwrap_err(),
        SubscribeError::NotKeyed
    ));
}

#[test]
fn callers_ids_are_checked_and_resumed() {
    let channel = Channel::with_options(options().ids(Ids::Callers).retain(2, 1 << 20).live_window(0, 0));
    let event = |id| Event::new("x").id(EventId::new(id).unwrap());
    channel.publish_all([event("a"), event("b"), event("c")]).unwrap();
    for (id, error) in [
        ("b", PublishError::DuplicateId),
        (" x", PublishError::UnresumableId),
        ("", PublishError::UnresumableId),
    ] {
        assert_eq!(channel.publish(event(id)).unwrap_err().to_string(), error.to_string());
    }
    assert!(matches!(channel.publish("x"), Err(PublishError::MissingId)));
    assert!(matches!(channel.publish_all([event("d"), event("d")]), Err(PublishError::DuplicateId)));
    assert_eq!(channel.stats().published, 3, "all or nothing");
    for (id, resumed) in [("c", Resumed::Complete), ("b", Resumed::Complete), ("z", Resumed::Unknown)] {
        assert_eq!(channel.subscribe(LastEventId::parse(id.as_bytes())).resumed(), resumed, "{id}");
    }
    channel.publish_all([event("d"), event("e"), event("f")]).unwrap();
    assert_eq!(channel.subscribe(LastEventId::parse(b"a")).resumed(), Resumed::Unknown);
    assert!(channel.publish(event("a")).is_ok(), "what's gone is free again");
    assert!(matches!(Channel::new().publish(event("a")), Err(PublishError::UnexpectedId)));
}

#[test]
fn sixteen_at_once_are_one_frame_for_whoever_was_idle() {
    let channel = Channel::with_options(options());
    let mut idle: Vec<_> = (0..100).map(|_| open(channel.subscribe(seen(0)))).collect();
    for stream in &mut idle {
        assert!(stream.poll().is_pending());
    }
    for round in 1..=50 {
        channel.publish_all((0..16).map(|_| "x")).unwrap();
        for stream in &mut idle {
            assert_eq!(stream.wakes(), round, "one wake");
            assert_eq!(stream.take_ready(9).len(), 1, "one frame");
        }
    }
    assert_eq!(channel.stats().joins, 50, "joined once for all");
}

#[test]
fn the_catch_up_of_many_is_one_copy_of_the_history() {
    let channel = Channel::with_options(options().retain(10_000, 1 << 30));
    let data = "x".repeat(100);
    (0..10_000).for_each(|_| publish(&channel, &data));
    let history = channel.stats().bytes as u64;
    let mut delivered = 0;
    for client in 0..5000 {
        let last = client * 7 % 10_000;
        let mut stream = open(channel.subscribe(seen(last)));
        let frames = stream.take_ready(usize::MAX);
        assert!(frames.len() <= 10_000 / 64 + 2, "{} frames", frames.len());
        delivered += 10_000 - last;
    }
    let stats = channel.stats();
    assert_eq!(stats.delivered, delivered);
    assert!(stats.joined_bytes <= 2 * history, "{} bytes copied of {history}", stats.joined_bytes);
    assert!(stats.joins <= 2 * 10_000 / 64 + 2, "{} joins", stats.joins);
}

#[test]
fn a_waiting_subscription_is_woken_once_and_only_by_its_topics() {
    let topics = Topics::with_options(options());
    let mut stream = open(topics.subscription(["a", "b"]).resume(seen(0)).begin().unwrap());
    assert!(stream.poll().is_pending());
    topics.publish("c", "not for it").unwrap();
    assert_eq!(stream.wakes(), 0);
    topics.publish("a", "1").unwrap();
    topics.publish("b", "2").unwrap();
    assert_eq!(stream.wakes(), 1);
    assert_eq!(read(&mut stream).0, ["1", "2"]);
}

#[test]
fn one_last_event_id_resumes_all_topics() {
    let topics = Topics::with_options(options());
    for n in 0..90 {
        topics.publish(["a", "b", "c"][n % 3], n.to_string().as_str()).unwrap();
    }
    for last in 0..=90_u64 {
        let subscription = topics.subscription(["c", "a"]).resume(seen(last)).begin().unwrap();
        assert_eq!(subscription.resumed(), Resumed::Complete);
        let expected: Vec<_> = (last..90).filter(|n| n % 3 != 1).map(|n| n.to_string()).collect();
        assert_eq!(read(&mut open(subscription)).0, expected);
    }
}

#[test]
fn unused_topics_vanish_and_their_number_is_bounded() {
    let topics = Topics::with_options(options().retain(0, 0).max_topics(3));
    for n in 0..1000 {
        topics.publish(&n.to_string(), "nobody hears it").unwrap();
    }
    assert_eq!(topics.stats().topics, 0);
    // Whoever only listens leaves room for those who publish.
    let streams: Vec<_> = (0..5).map(|n| topics.subscription([n.to_string()]).begin().unwrap()).collect();
    for name in ["0", "1", "2"] {
        topics.publish(name, "x").unwrap();
    }
    assert!(matches!(topics.publish("d", "x"), Err(PublishError::TooManyTopics { limit: 3, .. })));
    assert!(matches!(topics.publish("3", "x"), Err(PublishError::TooManyTopics { limit: 3, .. })));
    topics.publish("0", "y").unwrap();
    drop(streams);
    assert_eq!(topics.stats().topics, 0);
    topics.publish("d", "x").unwrap();
    // What a topic that's gone had is not taken for nothing.
    let subscription = topics.subscription(["5"]).resume(seen(1)).begin().unwrap();
    assert!(matches!(subscription.resumed(), Resumed::Gap { missed, .. } if missed >= 1));
}

#[test]
fn hooks_are_told_of_each_subscription_and_its_end() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let begun = Arc::new(AtomicUsize::new(0));
    let channel = Channel::with_options(
        options()
            .on_subscribe({
                let begun = Arc::clone(&begun);
                move |_| {
                    begun.fetch_add(1, Ordering::Relaxed);
                }
            })
            .on_end({
                let ends = Arc::clone(&ends);
                move |reason| ends.lock().unwrap().push(reason)
            })
            .live_window(1, 0)
            .retain(1, 100),
    );
    drop(channel.subscribe(LastEventId::None));
    let mut lagging = open(channel.subscribe(LastEventId::None));
    (0..9).for_each(|_| publish(&channel, &"x"));
    lagging.take_ready(9);
    let stop = eventsource_core::StopHandle::new();
    let stopped = EventStream::without_timer(channel.subscribe(LastEventId::None)).stop_on(&stop);
    let mut stopped = Probe::new(stopped);
    assert_eq!(stopped.take_ready(9).len(), 1);
    stop.stop();
    assert_eq!(stopped.take_ready(9).len(), 0);
    let mut closed = open(channel.subscribe(LastEventId::None));
    channel.publish("the last").unwrap();
    drop(channel);
    assert_eq!(read(&mut closed).0, ["the last"]);
    assert_eq!(begun.load(Ordering::Relaxed), 4);
    let expected = [EndReason::Dropped, EndReason::Lagged, EndReason::Stopped, EndReason::SourceEnded];
    assert_eq!(*ends.lock().unwrap(), expected);
}

#[test]
fn stopped_what_was_published_before_still_goes_out_and_nothing_after() {
    let channel = Channel::with_options(options());
    let stop = eventsource_core::StopHandle::new();
    let stream = EventStream::without_timer(channel.subscribe(seen(0))).stop_on(&stop);
    let mut stream = Probe::new(stream);
    channel.publish("before").unwrap();
    stop.stop();
    assert_eq!(stream.take_ready(1).len(), 1);
    channel.publish("after").unwrap();
    assert_eq!(stream.take_ready(9).len(), 0);
    assert!(stream.stream().end().is_some());
}

#[test]
fn age_bounds_what_is_replayed() {
    let clock = ManualClock::new();
    let channel = Channel::with_options(options().live_window(0, 0).retain_for(Duration::from_secs(60), {
        let clock = clock.clone();
        move || clock.now()
    }));
    channel.publish("old").unwrap();
    clock.advance(Duration::from_secs(40));
    channel.publish("new").unwrap();
    clock.advance(Duration::from_secs(21));
    assert_eq!(channel.subscribe(seen(0)).resumed(), Resumed::Gap { missed: 1, is_exact: true });
    assert_eq!(channel.stats().events, 1);
}

#[test]
fn a_day_goes_by_in_a_moment() {
    let clock = ManualClock::new();
    let channel = Channel::with_options(options());
    let mut streams: Vec<_> = (0..20)
        .map(|_| {
            let stream = EventStream::with_timer(channel.subscribe(seen(0)), clock.timer());
            Probe::new(stream.keep_alive(KeepAlive::default()))
        })
        .collect();
    let (mut events, mut keep_alives) = (vec![0; 20], vec![0; 20]);
    for minute in 0..24 * 60 {
        if minute % 10 == 0 {
            channel.publish("tick").unwrap();
        }
        for (n, stream) in streams.iter_mut().enumerate() {
            for frame in stream.take_ready(9) {
                if frame.as_bytes() == b":\n" { keep_alives[n] += 1 } else { events[n] += 1 }
            }
        }
        clock.advance(Duration::from_secs(60));
    }
    assert!(events.iter().all(|&events| events == 24 * 6), "{events:?}");
    let expected = 24 * 6 * 8..=24 * 6 * 10;
    assert!(keep_alives.iter().all(|keep_alives| expected.contains(keep_alives)), "{keep_alives:?}");
}
