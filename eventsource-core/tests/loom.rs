//! Every interleaving of a few threads at a channel and at a drain. Run with `RUSTFLAGS="--cfg eventsource_loom"`.
#![cfg(eventsource_loom)]

use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;

use eventsource_core::{
    Channel, ChannelOptions, Drain, EventStream, Frame, LastEventId, Publication, Subscription, Timer, Topics,
};
use futures_core::Stream;
use loom::future::block_on;
use loom::thread;
use std::future::poll_fn;
use std::pin::Pin;

type Events<L = ()> = EventStream<Subscription<L>>;

fn channel() -> Channel {
    Channel::with_options(ChannelOptions::new().epoch(1).retain(8, 1 << 10))
}

/// The data of the next `count` events, or of all until the end.
fn read<L>(stream: Events<L>, count: usize) -> Vec<String> {
    let mut stream = pin!(stream);
    let mut data = Vec::new();
    while data.len() < count {
        let Some(frame) = block_on(poll_fn(|cx| stream.as_mut().poll_next(cx))) else { break };
        let text = String::from_utf8_lossy(frame.as_bytes()).into_owned();
        data.extend(text.lines().filter_map(|line| line.strip_prefix("data: ")).map(String::from));
    }
    data
}

fn stream(channel: &Channel, last_event_id: &[u8]) -> Events {
    EventStream::without_timer(channel.subscribe(LastEventId::parse(last_event_id)))
}

/// A timer for a window of zero, which is over at once.
struct Idle;

impl Timer for Idle {
    fn reset(self: Pin<&mut Self>, _: Duration) {}

    fn poll_expired(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

#[test]
fn a_waiting_subscription_is_woken() {
    loom::model(|| {
        let channel = channel();
        let events = stream(&channel, b"1-0");
        let reader = thread::spawn(move || read(events, 2));
        channel.publish("a").unwrap();
        channel.publish("b").unwrap();
        assert_eq!(reader.join().unwrap(), ["a", "b"]);
    });
}

#[test]
fn between_replay_and_live_nothing_is_lost_or_twice() {
    loom::model(|| {
        let channel = channel();
        channel.publish("a").unwrap();
        let publisher = {
            let channel = channel.clone();
            thread::spawn(move || channel.publish_all(["b", "c"]).unwrap())
        };
        assert_eq!(read(stream(&channel, b"1-0"), 3), ["a", "b", "c"]);
        publisher.join().unwrap();
    });
}

#[test]
fn two_publishers_have_one_order() {
    loom::model(|| {
        let channel = channel();
        let (first, second) = (stream(&channel, b"1-0"), stream(&channel, b"1-0"));
        let publisher = {
            let channel = channel.clone();
            thread::spawn(move || channel.publish("a").map(drop))
        };
        channel.publish("b").unwrap();
        publisher.join().unwrap().unwrap();
        assert_eq!(read(first, 2), read(second, 2));
    });
}

#[test]
fn closing_wakes_and_everything_before_comes_out() {
    loom::model(|| {
        let channel = channel();
        let events = stream(&channel, b"1-0");
        let reader = thread::spawn(move || read(events, usize::MAX));
        channel.publish("a").unwrap();
        channel.close();
        assert_eq!(reader.join().unwrap(), ["a"]);
    });
}

#[test]
fn dropping_while_publishing() {
    loom::model(|| {
        let channel = channel();
        let mut events = Box::pin(stream(&channel, b"1-0"));
        // It waits, and then goes while it's being woken.
        let waiting = block_on(poll_fn(|cx| {
            let polled = Pin::new(&mut events).poll_next(cx);
            std::task::Poll::Ready(polled.is_pending())
        }));
        assert!(waiting);
        let dropper = thread::spawn(move || drop(events));
        channel.publish("a").unwrap();
        dropper.join().unwrap();
        assert_eq!(channel.stats().subscribers, 0);
    });
}

fn topics() -> Topics {
    Topics::with_options(ChannelOptions::new().epoch(1).retain(8, 1 << 10))
}

fn stream_of_two(topics: &Topics) -> Events {
    EventStream::without_timer(topics.subscribe(["a", "b"], LastEventId::parse(b"1-0")))
}

#[test]
fn a_subscription_of_several_topics_is_woken_by_each() {
    loom::model(|| {
        let topics = topics();
        let events = stream_of_two(&topics);
        let reader = thread::spawn(move || read(events, 2));
        topics.publish("a", "1").unwrap();
        topics.publish("b", "2").unwrap();
        assert_eq!(reader.join().unwrap(), ["1", "2"]);
    });
}

#[test]
fn closing_reaches_a_subscription_of_several_topics() {
    loom::model(|| {
        let topics = topics();
        let events = stream_of_two(&topics);
        let reader = thread::spawn(move || read(events, usize::MAX));
        topics.publish("b", "1").unwrap();
        topics.close();
        assert_eq!(reader.join().unwrap(), ["1"]);
    });
}

#[test]
fn removing_a_topic_takes_nothing_from_those_who_listen() {
    loom::model(|| {
        let topics = topics();
        let events = stream_of_two(&topics);
        let remover = {
            let topics = topics.clone();
            thread::spawn(move || topics.remove("a"))
        };
        topics.publish("a", "1").unwrap();
        assert_eq!(read(events, 1), ["1"]);
        remover.join().unwrap();
        topics.remove("a");
        assert_eq!((topics.stats().topics, topics.stats().events), (0, 0));
    });
}

#[test]
fn behind_a_filter_the_position_and_the_next_event_come() {
    loom::model(|| {
        let channel = Channel::<bool>::with_labels(ChannelOptions::new().epoch(1).retain(1, 1 << 10));
        let subscription = channel.subscription().resume(LastEventId::parse(b"1-0"));
        let events = EventStream::without_timer(subscription.filter(|passes| *passes).begin().unwrap());
        let publisher = {
            let channel = channel.clone();
            thread::spawn(move || {
                channel.publish("rejected").unwrap();
                channel.publish(Publication::new("passes").label(true)).unwrap();
            })
        };
        assert_eq!(read(events, 1), ["passes"]);
        publisher.join().unwrap();
    });
}

fn drained(channel: &Channel, drain: &Drain) -> Events {
    stream(channel, b"1-0").drain_on(drain)
}

#[test]
fn a_drain_reaches_a_stream_that_waits() {
    loom::model(|| {
        let (channel, drain) = (channel(), Drain::with_seed(Duration::ZERO..=Duration::ZERO, 0));
        let waiting = drained(&channel, &drain);
        let reader = thread::spawn(move || read(waiting, usize::MAX));
        drop(drain.begin(Duration::ZERO, Idle));
        assert_eq!(reader.join().unwrap(), [""; 0]);
    });
}

#[test]
fn whoever_comes_while_a_drain_begins_ends_too() {
    loom::model(|| {
        let (channel, drain) = (channel(), Drain::with_seed(Duration::ZERO..=Duration::ZERO, 0));
        let newcomer = {
            let (channel, drain) = (channel.clone(), drain.clone());
            thread::spawn(move || read(drained(&channel, &drain), usize::MAX))
        };
        drop(drain.begin(Duration::ZERO, Idle));
        assert_eq!(newcomer.join().unwrap(), [""; 0]);
    });
}

#[test]
fn whoever_waits_is_told_that_the_log_is_another() {
    loom::model(|| {
        let (channel, mut follower) = Channel::<()>::following(ChannelOptions::new().retain(8, 1 << 10));
        follower.begin(1, 0);
        let notice = |resumed| Some(Frame::from(format!("{resumed:?}").as_str()));
        let builder = channel.subscription().resume(LastEventId::parse(b"1-0")).announce(notice);
        let events = EventStream::without_timer(builder.begin().unwrap());
        let reader = thread::spawn(move || read(events, usize::MAX));
        follower.begin(2, 0);
        follower.apply("", 1, ["a"]).unwrap();
        drop(follower);
        assert_eq!(reader.join().unwrap(), ["Complete", "Unknown", "a"]);
    });
}

#[test]
fn whoever_waits_is_told_of_a_loss() {
    loom::model(|| {
        let (channel, mut follower) = Channel::<()>::following(ChannelOptions::new().retain(8, 1 << 10));
        follower.begin(1, 0);
        let notice = |_| Some(Frame::from("told"));
        let builder = channel.subscription().resume(LastEventId::parse(b"1-0")).announce(notice);
        let events = EventStream::without_timer(builder.begin().unwrap());
        let reader = thread::spawn(move || read(events, 3));
        follower.lose(1);
        follower.apply("", 2, ["a"]).unwrap();
        assert_eq!(reader.join().unwrap(), ["told", "told", "a"]);
        drop(follower);
    });
}
