//! How much memory topics and subscriptions hold.

use core::time::Duration;
use eventsource_core::test_util::{ManualClock, Probe};
use eventsource_core::{ChannelOptions, EventStream, LastEventId, Topics};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const DATA: &str =
    "ninety-three bytes of data, which with its field, its line ends and its id makes one hundred elev";

// One test, so that nobody else allocates meanwhile.
#[test]
fn topics_hold_little_and_give_back_what_a_peak_took() {
    let region = Region::new(ALLOCATOR);
    let held = || {
        let stats = region.change();
        stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
    };

    // Topics that keep one event each, after a thousand.
    let topics = Topics::with_options(ChannelOptions::new().epoch(1).retain(1, 1 << 20));
    let before = held();
    for topic in 0..100 {
        for _ in 0..1000 {
            topics.publish(&format!("topic {topic}"), DATA).unwrap();
        }
    }
    let each = (held() - before) / 100;
    assert!(each <= 1200, "{each} bytes for a topic with an event");
    drop(topics);

    // Topics without an event, to which somebody subscribes.
    let topics = Topics::with_options(ChannelOptions::new());
    let before = held();
    let subscriptions: Vec<_> =
        (0..1000).map(|n| topics.subscribe([format!("topic {n}")], LastEventId::None)).collect();
    let each = (held() - before) / 1000;
    assert!(each <= 1200, "{each} bytes for a topic and its subscription");
    drop(subscriptions);
    assert!(held() - before <= 10_000, "{} bytes after a peak of subscriptions", held() - before);

    // One prompt reader of large events.
    let topics = Topics::with_options(ChannelOptions::new().retain(0, 0));
    let mut prompt = Probe::new(EventStream::without_timer(topics.subscribe(["a"], LastEventId::None)));
    let before = held();
    let data = "x".repeat(1000);
    for _ in 0..2000 {
        topics.publish("a", data.as_str()).unwrap();
        prompt.take_ready(9);
    }
    assert!(held() - before <= 10_000, "{} bytes that everyone has read", held() - before);

    // One call after the other lets go as much as it brings, and more than is freed at once of a peak.
    let topics = Topics::with_options(ChannelOptions::new());
    let before = held();
    for _ in 0..50 {
        topics.publish_all("a", (0..10_000).map(|_| "x")).unwrap();
    }
    assert!(held() - before <= 3_000_000, "{} bytes of 10,000 events", held() - before);
    drop(topics);

    // A peak of topics that age away.
    let clock = ManualClock::new();
    let topics = Topics::with_options(ChannelOptions::new().retain_for(Duration::from_secs(1), {
        let clock = clock.clone();
        move || clock.now()
    }));
    let before = held();
    for n in 0..50_000 {
        topics.publish(&n.to_string(), DATA).unwrap();
    }
    let peak = held() - before;
    clock.advance(Duration::from_secs(2));
    // One publication lets some of them go; this, all.
    assert!(topics.topics().is_empty());
    let left = held() - before;
    assert!(left <= peak / 20, "{left} bytes of {peak}");
}
