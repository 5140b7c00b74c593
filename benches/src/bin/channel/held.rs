//! Bytes that were asked of the allocator and not given back.

use crate::aging::Aging;
use crate::subscribers::{Subscriber, waiting};
use crate::{ALLOCATOR, Effort, Row, grouped};
use eventsource_core::{Channel, ChannelOptions, LastEventId, Publication, Subscription, Topics};
use stats_alloc::Region;
use std::iter::repeat_n;

pub(crate) const ROWS: &[Row] = &[
    Row { name: "an idle topic of one event, 111 B as encoded", measure: idle_topic },
    Row { name: "a topic without retention and its one idle subscriber", measure: subscribed_topic },
    Row { name: "a subscriber of one topic", measure: subscriber },
    Row { name: "a subscriber of three topics", measure: subscriber_of_three },
    Row { name: "a subscriber with a filter", measure: filtered_subscriber },
    Row { name: "a kept event of 100 B, besides its bytes as encoded", measure: kept_event },
    Row {
        name: "left of 100,000 topics whose events aged, after a publication to another",
        measure: aged_topics,
    },
    Row { name: "left of them after `Topics::topics`", measure: aged_topics_after_a_look },
    Row {
        name: "left of 100,000 subscribers that came and went, after a publication",
        measure: subscribers_that_went,
    },
    Row { name: "a topic with a retention of one, after 1,000 publications", measure: topic_of_the_newest },
    Row {
        name: "a topic without retention whose one subscriber has taken all of 2,000 events of 1 KiB",
        measure: live_window,
    },
];

const CROWD: usize = 100_000;
const MIB: usize = 1 << 20;

/// Something, and what it holds.
struct Held<T> {
    region: Region<'static, std::alloc::System>,
    value: T,
}

impl<T> Held<T> {
    fn by(make: impl FnOnce() -> T) -> Self {
        let region = Region::new(ALLOCATOR);
        let value = make();
        Self { region, value }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
    fn bytes(&self) -> f64 {
        let change = self.region.change();
        change.bytes_allocated as f64 - change.bytes_deallocated as f64
    }

    /// What it holds, for each of so many.
    #[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
    fn each_of(&self, count: usize) -> String {
        format!("{} B", grouped(self.bytes() / count as f64))
    }

    fn kib(&self) -> String {
        format!("{} KiB", grouped(self.bytes() / 1024.0))
    }
}

fn topic(number: usize) -> String {
    format!("topic-{number:06}")
}

fn idle_topic(_: Effort) -> String {
    let topics = Topics::with_options(ChannelOptions::new().max_topics(usize::MAX).retain(1, MIB).epoch(0xe));
    // All numbers that follow have six digits.
    topics.publish_all("first", repeat_n("x", CROWD)).expect("it's open");
    let before = topics.stats().bytes;
    let data = "x".repeat(111 - "id: e-100001\ndata: \n\n".len());
    let held = Held::by(|| {
        for number in 0..CROWD {
            topics.publish(&topic(number), &*data).expect("it's open");
        }
    });
    assert_eq!(topics.stats().bytes - before, 111 * CROWD);
    held.each_of(CROWD)
}

fn subscribed_topic(_: Effort) -> String {
    let topics = Topics::with_options(ChannelOptions::new().retain(0, 0));
    crowd(|number| topics.subscribe([topic(number)], LastEventId::None)).each_of(CROWD)
}

fn subscriber(_: Effort) -> String {
    let channel = Channel::new();
    let mut held = crowd(|_| channel.subscribe(LastEventId::None));
    channel.publish("x").expect("it's open");
    caught_up(&mut held)
}

fn subscriber_of_three(_: Effort) -> String {
    let topics = Topics::new();
    let mut held = crowd(|_| topics.subscribe(["one", "two", "three"], LastEventId::None));
    topics.publish("two", "x").expect("it's open");
    caught_up(&mut held)
}

fn filtered_subscriber(_: Effort) -> String {
    let channel: Channel<usize> = Channel::with_labels(ChannelOptions::new());
    let mut held = crowd(|number| {
        let filtered = channel.subscription().filter(move |label| *label == number || *label == usize::MAX);
        filtered.begin().expect("nothing is asked for that can't be")
    });
    channel.publish(Publication::new("x").label(usize::MAX)).expect("it's open");
    caught_up(&mut held)
}

/// Many subscriptions that wait, with the `Subscription` itself.
fn crowd<L>(subscribe: impl FnMut(usize) -> Subscription<L>) -> Held<Vec<Subscription<L>>> {
    Held::by(|| {
        let mut crowd = Vec::with_capacity(CROWD);
        crowd.extend((0..CROWD).map(subscribe).map(waiting));
        crowd
    })
}

/// What each holds once all have taken an event.
fn caught_up<L>(held: &mut Held<Vec<Subscription<L>>>) -> String {
    let taken: usize = held.value.iter_mut().map(Subscriber::take_all).sum();
    assert_eq!(taken, CROWD);
    held.each_of(CROWD)
}

fn kept_event(_: Effort) -> String {
    let channel = Channel::with_options(ChannelOptions::new().retain(CROWD, 64 * MIB));
    let data = "x".repeat(100);
    let held = Held::by(|| {
        for _ in 0..CROWD {
            channel.publish(&*data).expect("it's open");
        }
    });
    let stats = channel.stats();
    assert_eq!(stats.events, CROWD as u64);
    #[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
    let each = (held.bytes() - stats.bytes as f64) / CROWD as f64;
    format!("{} B", grouped(each))
}

fn aged_topics(_: Effort) -> String {
    aged().kib()
}

fn aged_topics_after_a_look(_: Effort) -> String {
    let held = aged();
    held.value.topics.topics();
    held.kib()
}

fn aged() -> Held<Aging> {
    let aging = Aging::new(ChannelOptions::new().max_topics(usize::MAX));
    aging.topics.publish("another", "x").expect("it's open");
    Held::by(|| {
        for number in 0..CROWD {
            aging.topics.publish(&topic(number), "x").expect("it's open");
        }
        aging.advance();
        aging.topics.publish("another", "x").expect("it's open");
        aging
    })
}

fn subscribers_that_went(_: Effort) -> String {
    let channel = Channel::with_options(ChannelOptions::new().retain(1, MIB));
    channel.publish("x").expect("it's open");
    let held = Held::by(|| {
        drop(crowd(|_| channel.subscribe(LastEventId::None)));
        channel.publish("x").expect("it's open");
    });
    held.kib()
}

fn topic_of_the_newest(_: Effort) -> String {
    const TOPICS: usize = 100;
    let topics = Topics::with_options(ChannelOptions::new().retain(1, MIB));
    let data = "x".repeat(100);
    let held = Held::by(|| {
        for _ in 0..1000 {
            for number in 0..TOPICS {
                topics.publish(&topic(number), &*data).expect("it's open");
            }
        }
    });
    held.each_of(TOPICS)
}

fn live_window(_: Effort) -> String {
    let topics = Topics::with_options(ChannelOptions::new().retain(0, 0));
    let data = "x".repeat(1024);
    let held = Held::by(|| {
        let mut subscriber = waiting(topics.subscribe(["topic"], LastEventId::None));
        for _ in 0..2000 {
            topics.publish("topic", &*data).expect("it's open");
            assert_eq!(subscriber.take_all(), 1);
        }
        subscriber
    });
    held.kib()
}
