//! What a hostile reader of the channel asked.

use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;
use eventsource_core::channel::{Ids, Lag, PublishError, Resumed, Start, SubscribeError};
use eventsource_core::test_util::{ManualClock, Probe, interpret};
use eventsource_core::{
    Channel, ChannelOptions, Drain, EndReason, Event, EventId, EventStream, Frame, LastEventId, Publication,
    Source, StopHandle, Subscription, Topics,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

pub(crate) fn open<L>(subscription: Subscription<L>) -> Probe<EventStream<Subscription<L>>> {
    Probe::new(EventStream::without_timer(subscription))
}

/// The data of what's ready.
pub(crate) fn data<S: Source>(stream: &mut Probe<EventStream<S>>) -> Vec<String> {
    let frames = Frame::from_iter(stream.take_ready(100_000));
    interpret(frames.as_bytes()).events.into_iter().map(|event| event.data).collect()
}

pub(crate) fn publish_numbers(channel: &Channel, numbers: core::ops::Range<u32>) {
    for number in numbers {
        channel.publish(number.to_string().as_str()).unwrap();
    }
}

#[test]
fn a_subscription_to_nothing_is_an_error() {
    let topics = Topics::new();
    assert!(matches!(topics.subscription::<&str>([]).begin().unwrap_err(), SubscribeError::NoTopics));
}

#[test]
fn a_subscription_to_no_topic_has_nothing_and_ends_with_the_others() {
    let topics = Topics::new();
    let mut none = open(topics.subscribe::<&str>([], LastEventId::None));
    assert!(data(&mut none).is_empty());
    topics.publish("a", "x").unwrap();
    assert!(data(&mut none).is_empty());
    let wakes = none.wakes();
    topics.close();
    assert!(none.wakes() > wakes);
    assert_eq!(none.poll(), Poll::Ready(None));
}

#[test]
fn a_second_close_lets_out_no_more_than_the_first() {
    let channel = Channel::new();
    let mut subscription = channel.subscribe(LastEventId::None);
    channel.publish("before").unwrap();
    assert!(Pin::new(&mut subscription).close(EndReason::SourceError));
    channel.publish("too late").unwrap();
    assert!(Pin::new(&mut subscription).close(EndReason::Stopped));
    assert_eq!(data(&mut open(subscription)), ["before"]);
}

#[test]
fn a_caller_s_code_that_panics_leaves_no_subscription_behind() {
    let hooked = Channel::with_options(ChannelOptions::new().on_subscribe(|_| panic!("on_subscribe")));
    assert!(catch_unwind(AssertUnwindSafe(|| hooked.subscribe(LastEventId::None))).is_err());
    assert_eq!(hooked.stats().subscribers, 0);

    let announcing = Topics::new();
    let subscription = announcing.subscription(["a"]).announce(|_| -> Option<Frame> { panic!("announce") });
    assert!(catch_unwind(AssertUnwindSafe(|| subscription.begin())).is_err());
    assert_eq!((announcing.stats().subscribers, announcing.stats().topics), (0, 0));
}

/// A label that looks at its channel whenever it's dropped.
struct Nosy(Arc<Mutex<Option<Topics<Nosy>>>>);

impl Drop for Nosy {
    fn drop(&mut self) {
        let topics = self.0.lock().unwrap().clone();
        topics.inspect(|topics| assert!(topics.stats().published > 0));
    }
}

#[test]
fn a_label_may_use_the_channel_while_it_is_dropped() {
    let options = ChannelOptions::new().retain(1, 1 << 20).live_window(1, 0).latest_per_key(1, 1 << 20);
    let topics = Topics::<Nosy>::with_labels(options);
    let shared = Arc::new(Mutex::new(Some(topics.clone())));
    let subscription = topics.subscription(["a", "b"]).filter(|_| true).begin().unwrap();
    for n in 0..1000 {
        let publication = Publication::new("x").key("k").label(Nosy(Arc::clone(&shared)));
        topics.publish(if n % 2 == 0 { "a" } else { "b" }, publication).unwrap();
    }
    drop(subscription);
    drop(shared.lock().unwrap().take());
}

#[test]
fn dropping_the_oldest_leaves_the_replay_alone() {
    let channel = Channel::with_options(ChannelOptions::new().epoch(1));
    publish_numbers(&channel, 0..1000);
    let seen = LastEventId::parse(b"1-0");
    let lag = Lag::DropOldest { limit: 2 };
    let mut slow = open(channel.subscription().resume(seen).lag(lag).begin().unwrap());
    publish_numbers(&channel, 1000..1010);
    let got = data(&mut slow);
    assert!(got.iter().zip(0..1000).all(|(data, n)| *data == n.to_string()), "all of the replay");
    assert_eq!(got.last().unwrap(), "1009");
}

#[test]
fn what_a_filter_leaves_out_is_not_delivered() {
    let channel = Channel::<bool>::default();
    let mut half = open(channel.subscription().filter(|&label| label).begin().unwrap());
    for n in 0..100 {
        channel.publish(Publication::new("x").label(n % 2 == 0)).unwrap();
    }
    assert_eq!(data(&mut half).len(), 50);
    assert_eq!(half.poll(), Poll::Pending);
    assert_eq!(channel.stats().delivered, 50);
    channel.publish(Publication::new("x").label(true)).unwrap();
    assert_eq!(data(&mut half).len(), 1);
    drop(half);
    assert_eq!(channel.stats().delivered, 51);
}

#[test]
fn a_filter_that_lets_nothing_pass_gives_way() {
    let channel = Channel::with_options(ChannelOptions::new().retain(100_000, usize::MAX));
    channel.publish_all((0..100_000).map(|_| "x")).unwrap();
    let builder = channel.subscription().start(Start::Oldest).filter(|()| false).positions(false);
    let mut none = open(builder.begin().unwrap());
    let mut polls = 0;
    while none.wakes() == polls {
        assert_eq!(none.poll(), Poll::Pending);
        polls += 1;
        if none.wakes() < polls {
            break;
        }
    }
    assert!((10..1000).contains(&polls), "{polls}");
}

/// Polls as an executor would, for as long as the stream asks for it.
fn run<S: Source>(stream: &mut Probe<EventStream<S>>) -> Vec<String> {
    let mut frames = Vec::new();
    let mut polled_at = None;
    while polled_at != Some(stream.wakes()) {
        polled_at = Some(stream.wakes());
        frames.extend(stream.take_ready(100_000));
    }
    interpret(Frame::from_iter(frames).as_bytes()).events.into_iter().map(|event| event.data).collect()
}

/// Publishes 2,047 events that a filter rejects, then one that passes.
fn publish_mostly_rejected(topics: &Topics<bool>, topic: &str) {
    topics.publish_all(topic, (0..2047).map(|_| Publication::new("no").label(false))).unwrap();
    topics.publish(topic, Publication::new("yes").label(true)).unwrap();
}

#[test]
fn what_came_before_a_stop_comes_out_behind_any_filter() {
    let options = || ChannelOptions::new().retain(10_000, 1 << 24).live_window(10_000, 1 << 24);
    for names in [&["a"][..], &["a", "b"]] {
        let topics = Topics::with_labels(options());
        let subscribe = || {
            let subscription = topics.subscription(names).filter(|passes| *passes).begin().unwrap();
            EventStream::without_timer(subscription)
        };
        let (stop, drain) = (StopHandle::new(), Drain::new(Duration::ZERO..=Duration::ZERO));
        let clock = ManualClock::new();
        let mut stopped = Probe::new(subscribe().stop_on(&stop));
        let mut drained = Probe::new(subscribe().drain_on(&drain));
        let subscription = topics.subscription(names).filter(|passes| *passes).begin().unwrap();
        let lifetime = Duration::from_secs(1)..=Duration::from_secs(1);
        let over = EventStream::with_timer(subscription, clock.timer());
        let mut over = Probe::new(over.max_lifetime_with(lifetime, 0, clock.timer()));
        assert!(run(&mut stopped).is_empty() && run(&mut drained).is_empty());
        assert_eq!(over.run_for(&clock, Duration::ZERO).len(), 1, "the position");

        for name in names {
            publish_mostly_rejected(&topics, name);
        }
        stop.stop();
        drop(drain.begin(Duration::ZERO, clock.timer()));
        let expected = vec!["yes"; names.len()];
        assert_eq!(run(&mut stopped), expected);
        assert_eq!(run(&mut drained), expected);
        clock.advance(Duration::from_secs(1));
        let frames = over.run_for(&clock, Duration::from_secs(1));
        assert_eq!(
            frames.iter().filter(|(_, frame)| frame.as_bytes().ends_with(b"data: yes\n\n")).count(),
            names.len()
        );
        assert_eq!(over.stream().end().unwrap().reason(), EndReason::Lifetime);
    }
}

#[test]
fn a_position_names_no_event_that_the_client_may_not_see() {
    let topics = Topics::with_labels(ChannelOptions::new().ids(Ids::Callers));
    let publish = |topic: &str, id: &'static str, label: bool| {
        let event = Event::new("x").id(EventId::new(id).unwrap());
        topics.publish(topic, Publication::new(event).label(label)).unwrap();
    };
    publish("public", "public-1", true);
    publish("private", "invoice-of-alice", true);
    let position = |subscription: Subscription<bool>| Frame::from_iter(open(subscription).take_ready(9));
    let public = topics.subscription(["public"]);
    assert_eq!(position(public.begin().unwrap()).as_bytes(), b"id: public-1\n\n");
    publish("public", "secret", false);
    let filtered = topics.subscription(["public"]).filter(|passes| *passes).begin().unwrap();
    assert_eq!(position(filtered), Frame::default());
    assert_eq!(position(topics.subscription(["empty"]).begin().unwrap()), Frame::default());
}

#[test]
fn a_caller_s_id_is_known_while_the_newest_per_key_has_its_event() {
    let options = ChannelOptions::new().ids(Ids::Callers).retain(0, 0).latest_per_key(2, 1 << 20);
    let channel = Channel::with_options(options);
    let publish = |id: &'static str, key: &'static str| {
        let event = Event::new(id).id(EventId::new(id).unwrap());
        channel.publish(Publication::new(event).key(key)).unwrap();
    };
    publish("1", "a");
    publish("2", "b");
    let resume = |id: &str| {
        let seen = LastEventId::parse(id.as_bytes());
        channel.subscription().lag(Lag::Conflate).resume(seen).begin().unwrap()
    };
    assert_eq!(resume("1").resumed(), Resumed::Complete);
    assert_eq!(data(&mut open(resume("1"))), ["2"]);
    // Once another has taken its place, it's gone, and its id may be used again.
    publish("3", "a");
    assert_eq!(resume("1").resumed(), Resumed::Unknown);
    assert_eq!(resume("2").resumed(), Resumed::Complete);
    publish("1", "b");
    assert_eq!(resume("2").resumed(), Resumed::Unknown);
    assert_eq!(resume("3").resumed(), Resumed::Complete);
}

#[test]
fn a_clock_may_ask_and_debug_tells_no_secret() {
    let slot: Arc<Mutex<Option<Topics>>> = Arc::default();
    let asked = Arc::clone(&slot);
    let clock = move || {
        if let Some(topics) = &*asked.lock().unwrap() {
            topics.stats();
        }
        Duration::ZERO
    };
    let topics = Topics::with_options(ChannelOptions::new().retain_for(Duration::from_secs(1), clock));
    *slot.lock().unwrap() = Some(topics.clone());
    topics.publish("name-of-topic", "text-of-event").unwrap();
    assert_eq!(topics.topics().len(), 1);
    let seen = LastEventId::parse(b"id-of-client");
    let subscription = topics.subscription(["name-of-topic"]).resume(seen);
    let told = format!(
        "{topics:#?} {subscription:#?} {:#?}",
        topics.subscribe(["name-of-topic"], LastEventId::None)
    );
    assert!(
        !["name-of-topic", "text-of-event", "id-of-client"].iter().any(|secret| told.contains(secret)),
        "{told}"
    );
    *slot.lock().unwrap() = None;
}

#[test]
fn what_is_published_after_a_stop_pushes_nothing_out() {
    for lag in [Lag::DropOldest { limit: 2 }, Lag::Disconnect { limit: Some(2) }] {
        let channel = Channel::new();
        let stop = StopHandle::new();
        let subscription = channel.subscription().lag(lag).begin().unwrap();
        let mut stream = Probe::new(EventStream::without_timer(subscription).stop_on(&stop));
        assert_eq!(stream.take_ready(9).len(), 1, "the position");
        publish_numbers(&channel, 0..2);
        stop.stop();
        publish_numbers(&channel, 2..100);
        let data = run(&mut stream);
        assert_eq!(data.get(..2), Some(&["0".to_owned(), "1".to_owned()][..]), "{lag:?}");
        assert_eq!(stream.stream().end().unwrap().reason(), EndReason::Stopped, "{lag:?}");
    }
}

#[test]
fn a_gap_while_conflating_is_no_more_than_there_was() {
    let channel = Channel::with_options(ChannelOptions::new().epoch(1).latest_per_key(1, 1 << 20));
    for n in 0..1000 {
        channel.publish(Publication::new("x").key(if n % 2 == 0 { "a" } else { "b" })).unwrap();
    }
    let resume = |id: &[u8]| {
        let builder = channel.subscription().lag(Lag::Conflate);
        builder.resume(LastEventId::parse(id)).begin().unwrap().resumed()
    };
    assert_eq!(resume(b"1-998"), Resumed::Gap { missed: 1, is_exact: false });
    assert_eq!(resume(b"1-999"), Resumed::Complete);
}

#[test]
fn the_latest_per_key_are_bounded_in_bytes_too() {
    let options = ChannelOptions::new().retain(0, 0).live_window(0, 0).latest_per_key(1000, 10_000);
    let channel = Channel::with_options(options);
    for n in 0..1000 {
        channel.publish(Publication::new("x".repeat(500).as_str()).key(n.to_string())).unwrap();
        assert!(channel.stats().bytes <= 10_000);
    }
    channel.publish(Publication::new("x".repeat(50_000).as_str()).key("large")).unwrap();
    let mut late = open(channel.subscription().start(Start::Oldest).lag(Lag::Conflate).begin().unwrap());
    assert_eq!(data(&mut late), ["x".repeat(50_000)], "the newest is always there");
}

#[test]
fn many_topics_are_caught_up_in_one_order() {
    let topics = Topics::with_options(ChannelOptions::new().epoch(1));
    let names: Vec<_> = (0..32).map(|n| n.to_string()).collect();
    for n in 0..10_000_usize {
        topics.publish(&names[n * n % 32], n.to_string().as_str()).unwrap();
    }
    let resume = topics.subscription(&names).resume(LastEventId::parse(b"1-0"));
    let mut all = open(resume.begin().unwrap());
    let got: Vec<usize> = data(&mut all).iter().map(|data| data.parse().unwrap()).collect();
    assert!(got.is_sorted());
    let per_topic = |n: &usize| n * n % 32;
    for name in 0..32 {
        let published = (0..10_000).filter(|n| per_topic(n) == name).count();
        assert_eq!(got.iter().filter(|n| per_topic(n) == name).count(), published.min(1024));
    }
}

#[test]
fn who_begins_with_the_last_few_does_not_lag() {
    let topics = Topics::new();
    for _ in 0..500 {
        topics.publish("a", "x").unwrap();
    }
    let last = topics.subscription(["a"]).start(Start::Last(2)).begin().unwrap();
    assert_eq!(topics.topics()[0].lag, 2);
    drop(last);
    let live = topics.subscription(["a"]).begin().unwrap();
    assert_eq!(topics.topics()[0].lag, 0);
    drop(live);
}

#[test]
fn a_lagging_subscription_s_reason_is_told() {
    let channel = Channel::with_options(ChannelOptions::new().retain(4, 1 << 20));
    let lag = Lag::Disconnect { limit: Some(4) };
    let mut slow = open(channel.subscription().lag(lag).begin().unwrap());
    assert!(slow.poll().is_ready());
    publish_numbers(&channel, 0..10);
    assert_eq!(slow.poll(), Poll::Ready(None));
    assert_eq!(slow.stream().end().unwrap().reason(), EndReason::Lagged);
}

#[test]
fn what_is_no_event_is_refused_however_it_is_made() {
    let channel = Channel::new();
    let two = Frame::from_iter([Frame::from("a"), Frame::from("b")]);
    let refused: [Publication; 5] = [
        Event::empty().into(),
        Event::empty().comment("only").into(),
        Frame::default().into(),
        Frame::KEEP_ALIVE.into(),
        two.into(),
    ];
    for publication in refused {
        assert!(matches!(channel.publish(publication), Err(PublishError::NotOneEvent)));
    }
    // Without data nothing is dispatched, but it's a block.
    let retry = Event::empty().retry(Duration::from_secs(9));
    channel.publish(retry).unwrap();
    channel.publish(Frame::from(retry)).unwrap();
    assert_eq!(channel.stats().published, 2);
}
