//! How long publications to another topic have to wait while something is done.

use crate::aging::Aging;
use crate::prober::longest_wait;
use crate::subscribers::{Subscriber, waiting};
use crate::{Effort, Row};
use eventsource_core::channel::{PublishError, Start};
use eventsource_core::{ChannelOptions, LastEventId, Publication, Topics};
use std::iter::repeat_n;
use std::time::{Duration, Instant};

pub(crate) const ROWS: &[Row] = &[
    Row { name: "nothing for 1 ms", measure: nothing },
    // Publishing.
    Row { name: "publishing to one of 100,000 topics", measure: publish_among_many },
    Row { name: "publishing that's refused, for there are 100,000 topics", measure: refused },
    Row { name: "publishing to 10,000 waiting subscribers", measure: publish_to_a_crowd },
    Row { name: "publishing 8 MiB", measure: publish_large },
    Row { name: "publishing 8 MiB that push out 8 MiB", measure: push_out_large },
    Row { name: "publishing when 1,000,000 events of one topic are too old", measure: age_out_of_one },
    Row { name: "publishing when 100,000 events of each of ten topics are too old", measure: age_out_of_ten },
    // Subscribing and taking.
    Row { name: "taking one event, of 10,000 topics", measure: take_of_many },
    Row { name: "beginning with `Start::Last(1_000_000)`", measure: start_with_the_last },
    // Looking.
    Row { name: "`Topics::topics` of 100,000", measure: look_at_topics },
    Row { name: "`Topics::stats` of 100,000", measure: look_at_stats },
    // Taking away.
    Row { name: "dropping a subscription to 1,000 topics", measure: drop_subscription },
    Row { name: "`Topics::remove` of a topic with 1,000,000 events", measure: remove },
];

const MANY: usize = 100_000;
const MIB: usize = 1 << 20;

fn topic(number: usize) -> String {
    format!("topic-{number:06}")
}

/// Topics of one event each.
fn many(options: ChannelOptions) -> Topics {
    let topics = Topics::with_options(options.retain(1, MIB));
    for number in 0..MANY {
        topics.publish(&topic(number), "x").expect("there's room");
    }
    topics
}

fn nothing(effort: Effort) -> String {
    let spin = |()| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
    };
    longest_wait(&Topics::new(), effort, || (), spin)
}

fn publish_among_many(effort: Effort) -> String {
    let topics = many(ChannelOptions::new().max_topics(usize::MAX));
    let name = topic(MANY / 2);
    let publish = |publication| topics.publish(&name, publication).expect("it's open");
    longest_wait(&topics, effort, || Publication::new("x"), publish)
}

fn refused(effort: Effort) -> String {
    // The prober has one too.
    let topics = many(ChannelOptions::new().max_topics(MANY + 1));
    let publish = |publication: Publication| {
        let refused = topics.publish("one more", publication);
        assert!(matches!(refused, Err(PublishError::TooManyTopics { .. })), "{refused:?}");
    };
    longest_wait(&topics, effort, || Publication::new("x"), publish)
}

fn publish_to_a_crowd(effort: Effort) -> String {
    const CROWD: usize = 10_000;
    let topics = Topics::new();
    let mut crowd: Vec<_> =
        (0..CROWD).map(|_| waiting(topics.subscribe(["topic"], LastEventId::None))).collect();
    let prepare = || {
        // They wait again.
        for subscriber in &mut crowd {
            subscriber.take_all();
        }
        Publication::new("x")
    };
    let publish = |publication| topics.publish("topic", publication).expect("it's open");
    longest_wait(&topics, effort, prepare, publish)
}

fn publish_large(effort: Effort) -> String {
    large(effort, "x")
}

fn push_out_large(effort: Effort) -> String {
    large(effort, &"x".repeat(8 * MIB))
}

/// Publishes a large event to a topic that holds one other.
fn large(effort: Effort, other: &str) -> String {
    let topics = Topics::with_options(ChannelOptions::new().retain(1, 64 * MIB));
    let data = "x".repeat(8 * MIB);
    let prepare = || {
        topics.publish("topic", other).expect("it's open");
        Publication::new(&*data)
    };
    let publish = |publication| topics.publish("topic", publication).expect("it's open");
    longest_wait(&topics, effort, prepare, publish)
}

fn age_out_of_one(effort: Effort) -> String {
    age_out(effort, 1)
}

fn age_out_of_ten(effort: Effort) -> String {
    age_out(effort, 10)
}

/// Publishes to one of so many topics that together hold a million events, when these have just become too old.
fn age_out(effort: Effort, count: usize) -> String {
    let aging = Aging::new(ChannelOptions::new().retain(2_000_000, 1024 * MIB));
    let Aging { topics, .. } = &aging;
    let prepare = || {
        // The prober's events are too old already.
        aging.advance();
        for number in 0..count {
            for _ in 0..1000 / count {
                topics.publish_all(&topic(number), repeat_n("x", 1000)).expect("it's open");
            }
        }
        Publication::new("x")
    };
    let publish = |publication| {
        aging.advance();
        topics.publish(&topic(0), publication).expect("it's open")
    };
    longest_wait(topics, effort, prepare, publish)
}

fn take_of_many(effort: Effort) -> String {
    const COUNT: usize = 10_000;
    let topics = Topics::new();
    let mut subscriber = waiting(topics.subscribe((0..COUNT).map(topic), LastEventId::None));
    let name = topic(COUNT / 2);
    let prepare = || topics.publish(&name, "x").expect("it's open");
    longest_wait(&topics, effort, prepare, |_| assert_eq!(subscriber.take_all(), 1))
}

fn start_with_the_last(effort: Effort) -> String {
    const COUNT: usize = 1_000_000;
    let topics = Topics::with_options(ChannelOptions::new().retain(COUNT, 1024 * MIB));
    for _ in 0..COUNT / 1000 {
        topics.publish_all("topic", repeat_n("x", 1000)).expect("it's open");
    }
    let begin = |()| {
        let subscription = topics.subscription(["topic"]).start(Start::Last(COUNT));
        subscription.begin().expect("nothing is asked for that can't be")
    };
    longest_wait(&topics, effort, || (), begin)
}

fn look_at_topics(effort: Effort) -> String {
    let topics = many(ChannelOptions::new().max_topics(usize::MAX));
    longest_wait(&topics, effort, || (), |()| topics.topics())
}

fn look_at_stats(effort: Effort) -> String {
    let topics = many(ChannelOptions::new().max_topics(usize::MAX));
    longest_wait(&topics, effort, || (), |()| topics.stats())
}

fn remove(effort: Effort) -> String {
    let topics = Topics::with_options(ChannelOptions::new().retain(usize::MAX, usize::MAX));
    let fill = || topics.publish_all("large", (0..1_000_000).map(|_| "x")).unwrap();
    longest_wait(&topics, effort, fill, |_| topics.remove("large"))
}

fn drop_subscription(effort: Effort) -> String {
    let topics = Topics::new();
    let subscribe = || waiting(topics.subscribe((0..1000).map(topic), LastEventId::None));
    longest_wait(&topics, effort, subscribe, drop)
}
