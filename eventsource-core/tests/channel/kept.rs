//! What a channel keeps, and for how long.

use super::edges::{data, open};
use core::time::Duration;
use eventsource_core::channel::{Lag, PublishError, Resumed, Start};
use eventsource_core::test_util::{ManualClock, interpret};
use eventsource_core::{Channel, ChannelOptions, Frame, LastEventId, Publication, Topics, event_name};

fn retained_for(age: Duration, clock: &ManualClock) -> ChannelOptions {
    let clock = clock.clone();
    ChannelOptions::new().epoch(1).retain_for(age, move || clock.now())
}

#[test]
fn events_of_topics_that_nobody_publishes_to_age_too() {
    let clock = ManualClock::new();
    let topics = Topics::with_options(retained_for(Duration::from_secs(60), &clock));
    for second in 0..86_400 {
        topics.publish(&format!("order {second}"), "paid").unwrap();
        clock.advance(Duration::from_secs(1));
        let stats = topics.stats();
        assert!(stats.topics <= 62 && stats.events <= 62, "{stats:?}");
    }
    // They go all at once where that's due.
    clock.advance(Duration::from_secs(61));
    topics.publish("the last", "x").unwrap();
    assert_eq!((topics.stats().topics, topics.stats().events), (1, 1));
}

#[test]
fn many_events_that_age_out_at_once_are_all_gone() {
    let clock = ManualClock::new();
    let options = retained_for(Duration::from_secs(60), &clock).retain(usize::MAX, usize::MAX);
    let topics = Topics::with_options(options);
    for topic in 0..100 {
        topics.publish_all(&topic.to_string(), (0..1000).map(|n| n.to_string())).unwrap();
    }
    topics.publish_all("large", (0..100_000).map(|n| n.to_string())).unwrap();
    clock.advance(Duration::from_secs(61));
    // It's done in portions, so that nobody has to wait for all of it.
    topics.publish("0", "x").unwrap();
    topics.publish("0", "y").unwrap();
    let stats = topics.stats();
    assert_eq!((stats.topics, stats.events), (1, 2));
    assert!(stats.bytes < 100);
}

#[test]
fn a_full_house_has_room_again_once_events_are_too_old() {
    let clock = ManualClock::new();
    let topics = Topics::with_options(retained_for(Duration::from_secs(60), &clock).max_topics(1000));
    for n in 0..1000 {
        topics.publish(&n.to_string(), "x").unwrap();
    }
    assert!(matches!(topics.publish("one more", "x"), Err(PublishError::TooManyTopics { limit: 1000, .. })));
    clock.advance(Duration::from_secs(61));
    topics.publish("one more", "x").unwrap();
    assert_eq!(topics.topics().len(), 1);
}

#[test]
fn there_are_only_so_many_topics_by_default() {
    let topics = Topics::with_options(ChannelOptions::new().retain(1, 1 << 20));
    for n in 0..65_536 {
        topics.publish(&n.to_string(), "x").unwrap();
    }
    assert!(matches!(topics.publish("one more", "x"), Err(PublishError::TooManyTopics { .. })));
}

#[test]
fn a_removed_topic_is_gone_and_what_waits_is_not() {
    let topics = Topics::with_options(ChannelOptions::new().epoch(1).latest_per_key(10, 1 << 20));
    assert!(!topics.remove("job"));
    topics.publish("job", "0").unwrap();
    let mut waiting = open(topics.subscribe(["job"], LastEventId::None));
    let dropped = topics.subscription(["job"]).lag(Lag::Conflate);
    let dropped = dropped.announce_dropped(|dropped| (event_name!("dropped"), dropped.to_string()));
    let mut conflated = open(dropped.begin().unwrap());
    assert_eq!((waiting.take_ready(9).len(), conflated.take_ready(9).len()), (1, 1));
    topics.publish("job", Publication::new("1").key("k")).unwrap();
    assert!(topics.remove("job"));
    // Nobody gets it any more who begins now, and who hasn't seen it is told so.
    let new = topics.subscription(["job"]).start(Start::Oldest).begin().unwrap();
    assert_eq!(Frame::from_iter(open(new).take_ready(9)).as_bytes(), b"id: 1-2\n\n");
    let late = topics.subscribe(["job"], LastEventId::parse(b"1-1"));
    assert_eq!(late.resumed(), Resumed::Gap { missed: 1, is_exact: true });
    drop(late);
    assert_eq!(data(&mut waiting), ["1"]);
    assert_eq!(data(&mut conflated), ["1"], "one is dropped");
    topics.publish("job", "2").unwrap();
    assert_eq!((data(&mut waiting), data(&mut conflated)), (vec!["2".into()], vec!["2".into()]));
    assert!(topics.remove("job"));
    assert_eq!(topics.stats().events, 0, "all have read it");
    drop((waiting, conflated));
    assert_eq!(topics.stats().topics, 0);
}

#[test]
fn what_everyone_has_read_is_not_kept_for_the_slow() {
    for filtered in [false, true] {
        let channel = Channel::with_options(ChannelOptions::new().retain(0, 0));
        let builder = channel.subscription();
        let builder = if filtered { builder.filter(|()| true) } else { builder };
        let mut prompt = open(builder.begin().unwrap());
        prompt.take_ready(9);
        for n in 0..1000 {
            channel.publish(n.to_string()).unwrap();
            assert_eq!(channel.stats().events, 1, "the last one");
            assert_eq!(data(&mut prompt), [n.to_string()]);
        }
        // While there's one who's behind, as much stays as the window holds.
        let mut slow = open(channel.subscribe(LastEventId::None));
        for n in 0..1000 {
            channel.publish(n.to_string()).unwrap();
            data(&mut prompt);
        }
        assert_eq!(channel.stats().events, 1000);
        let frames = Frame::from_iter(slow.take_ready(9999));
        assert_eq!(interpret(frames.as_bytes()).events.len(), 1000);
        channel.publish("x").unwrap();
        assert_eq!(channel.stats().events, 1);
    }
}

#[test]
fn a_replay_is_held_by_the_live_window_too() {
    let channel = Channel::with_options(ChannelOptions::new().epoch(1).retain(2, 1 << 20));
    let mut prompt = open(channel.subscribe(LastEventId::None));
    for n in 0..10 {
        channel.publish(n.to_string()).unwrap();
        prompt.take_ready(9);
    }
    let mut replay = open(channel.subscribe(LastEventId::parse(b"1-8")));
    for n in 10..20 {
        channel.publish(n.to_string()).unwrap();
    }
    let expected: Vec<_> = (8..20).map(|n| n.to_string()).collect();
    assert_eq!(data(&mut replay), expected);
}

#[test]
fn who_is_replaying_a_topic_that_is_removed_gets_it_all() {
    let topics = Topics::with_options(ChannelOptions::new().epoch(1).live_window(10, 1 << 20));
    for n in 0..500 {
        topics.publish("a", n.to_string()).unwrap();
    }
    let mut replay = open(topics.subscribe(["a"], LastEventId::parse(b"1-0")));
    assert!(topics.remove("a"));
    let expected: Vec<_> = (0..500).map(|n| n.to_string()).collect();
    assert_eq!(data(&mut replay), expected);
    assert!(topics.remove("a"));
    assert_eq!(topics.stats().events, 0);
}
