//! What publishing and taking an event costs; beside a broadcast channel of tokio's, whose receivers have neither a history
//! nor an id to come back with.

use crate::subscribers::{Subscriber, waiting};
use crate::{Effort, Row, nanos};
use eventsource_core::{Channel, ChannelOptions, Event, Frame, LastEventId, Topics};
use std::time::Instant;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "publishing to a channel, nobody subscribed",
        measure: |effort| alone(effort, channels(NOBODY), |cost| cost.publish),
    },
    Row {
        name: "publishing to a channel, one subscriber waiting",
        measure: |effort| beside_tokio(effort, channels(ONE), tokio(ONE), |cost| cost.publish),
    },
    Row {
        name: "publishing to a channel, 1,000 waiting",
        measure: |effort| beside_tokio(effort, channels(CROWD), tokio(CROWD), |cost| cost.publish),
    },
    Row {
        name: "taking from a channel, one subscriber",
        measure: |effort| beside_tokio(effort, channels(ONE), tokio(ONE), |cost| cost.take),
    },
    Row {
        name: "publishing to one of 100,000 topics, nobody subscribed",
        measure: |effort| alone(effort, topics(NOBODY_OF_MANY), |cost| cost.publish),
    },
    Row {
        name: "publishing to one of 100,000 topics, one subscriber waiting",
        measure: |effort| alone(effort, topics(ONE_OF_MANY), |cost| cost.publish),
    },
    Row {
        name: "publishing to one of 100,000 topics, 1,000 waiting",
        measure: |effort| alone(effort, topics(CROWD), |cost| cost.publish),
    },
    Row {
        name: "taking from one of 100,000 topics, one subscriber",
        measure: |effort| alone(effort, topics(ONE_OF_MANY), |cost| cost.take),
    },
];

/// So many channels or topics are published to in a round, and so many subscribe to each.
#[derive(Clone, Copy)]
struct Shape {
    channels: usize,
    subscribers: usize,
}

// Publishing once takes as long as a few looks at the clock; so some are timed together.
const NOBODY: Shape = Shape { channels: 8, subscribers: 0 };
const ONE: Shape = Shape { channels: 8, subscribers: 1 };
const CROWD: Shape = Shape { channels: 1, subscribers: 1000 };
// More than the CPU's caches hold, as where all are used.
const NOBODY_OF_MANY: Shape = Shape { channels: 1000, subscribers: 0 };
const ONE_OF_MANY: Shape = Shape { channels: 1000, subscribers: 1 };

/// In seconds.
struct Cost {
    /// Of an event.
    publish: f64,
    /// Of an event, by one subscriber, until it waits again.
    take: f64,
}

/// A round of publishing to each, and of everyone's taking that.
type Contender = Box<dyn FnMut() -> Cost>;

fn alone(effort: Effort, contender: Contender, cost: fn(Cost) -> f64) -> String {
    let [seconds] = medians(effort, [contender], cost);
    format!("{} ns", nanos(seconds))
}

fn beside_tokio(effort: Effort, contender: Contender, tokio: Contender, cost: fn(Cost) -> f64) -> String {
    let [seconds, tokio] = medians(effort, [contender, tokio], cost);
    format!("{} ns, {:.2} of tokio's broadcast", nanos(seconds), seconds / tokio)
}

/// Lets all run in turn.
fn medians<const N: usize>(
    effort: Effort,
    mut contenders: [Contender; N],
    cost: fn(Cost) -> f64,
) -> [f64; N] {
    let mut costs = [(); N].map(|()| Vec::new());
    for _ in 0..effort.rounds {
        for (contender, costs) in contenders.iter_mut().zip(&mut costs) {
            costs.push(cost(contender()));
        }
    }
    costs.map(|mut costs| {
        costs.sort_by(f64::total_cmp);
        costs[costs.len() / 2]
    })
}

fn data() -> String {
    "x".repeat(100)
}

fn channels(shape: Shape) -> Contender {
    let data = data();
    let channels: Vec<_> = (0..shape.channels).map(|_| Channel::new()).collect();
    for channel in &channels {
        // What is kept by default is full, so that each further event pushes out another.
        channel.publish_all((0..1100).map(|_| &*data)).expect("it's open");
    }
    let subscribers = crowds(shape, |index| channels[index].subscribe(LastEventId::None));
    contender(subscribers, move |index| {
        channels[index].publish(&*data).expect("it's open");
    })
}

fn topics(shape: Shape) -> Contender {
    const TOPICS: usize = 100_000;
    let data = data();
    let topics = Topics::with_options(
        ChannelOptions::new().max_topics(usize::MAX).retain(1, 1 << 20).live_window(1, 1 << 20),
    );
    let names: Vec<_> = (0..TOPICS).map(|number| format!("topic-{number:06}")).collect();
    for name in &names {
        topics.publish(name, &*data).expect("it's open");
    }
    // Those that are used lie far from each other.
    let names: Vec<_> = names.into_iter().step_by(TOPICS / shape.channels).take(shape.channels).collect();
    let subscribers = crowds(shape, |index| topics.subscribe([&names[index]], LastEventId::None));
    contender(subscribers, move |index| {
        topics.publish(&names[index], &*data).expect("it's open");
    })
}

fn tokio(shape: Shape) -> Contender {
    let data = data();
    let senders: Vec<_> = (0..shape.channels).map(|_| broadcast::Sender::new(1024)).collect();
    let subscribers = crowds(shape, |index| BroadcastStream::new(senders[index].subscribe()));
    contender(subscribers, move |index| {
        senders[index].send(Frame::from(Event::new(&data))).expect("somebody subscribes");
    })
}

/// The subscribers of each channel, all waiting.
fn crowds<S: Subscriber>(shape: Shape, subscribe: impl Fn(usize) -> S) -> Vec<Vec<S>> {
    let crowd = |index| (0..shape.subscribers).map(|_| waiting(subscribe(index))).collect();
    (0..shape.channels).map(crowd).collect()
}

#[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
fn contender<S: Subscriber + 'static>(
    mut crowds: Vec<Vec<S>>,
    publish: impl Fn(usize) + 'static,
) -> Contender {
    let subscribers = crowds.iter().map(Vec::len).sum::<usize>();
    Box::new(move || {
        let start = Instant::now();
        (0..crowds.len()).for_each(&publish);
        let published = start.elapsed();
        let start = Instant::now();
        let taken: usize = crowds.iter_mut().flatten().map(Subscriber::take_all).sum();
        let took = start.elapsed();
        assert_eq!(taken, subscribers);
        Cost {
            publish: published.as_secs_f64() / crowds.len() as f64,
            take: took.as_secs_f64() / subscribers as f64,
        }
    })
}
