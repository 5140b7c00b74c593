//! Topics that follow a log elsewhere, case by case.

use super::nodes::{self, Run};
use core::task::Poll;
use eventsource_core::channel::{ApplyError, Lag, PublishError, Resumed, SequenceId, Start};
use eventsource_core::test_util::Probe;
use eventsource_core::{
    Channel, ChannelOptions, Event, EventId, EventStream, Frame, LastEventId, Publication, Subscription,
    Topics, event_name,
};

fn options() -> ChannelOptions {
    ChannelOptions::new()
}

fn open<L>(subscription: Subscription<L>) -> Probe<EventStream<Subscription<L>>> {
    Probe::new(EventStream::without_timer(subscription))
}

fn text<L>(stream: &mut Probe<EventStream<Subscription<L>>>) -> String {
    String::from_utf8(Frame::from_iter(stream.take_ready(99)).as_bytes().to_vec()).unwrap()
}

fn notice(resumed: Resumed) -> Frame {
    Frame::from((event_name!("resumed"), format!("{resumed:?}").as_str()))
}

#[test]
fn random_schedules_lead_somewhere() {
    let mut random = 1_u64;
    let mut all = Run::default();
    for _ in 0..300 {
        let schedule: Vec<u8> = (0..500)
            .map(|_| {
                random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                random.to_be_bytes()[0]
            })
            .collect();
        let run = nodes::run(&schedule);
        all.events += run.events;
        all.epochs += run.epochs;
        all.lost += run.lost;
        all.ahead += run.ahead;
        all.trimmed += run.trimmed;
    }
    assert!(
        all.events > 5000 && all.epochs > 300 && all.lost > 500 && all.ahead > 300 && all.trimmed > 500,
        "{all:?}"
    );
}

#[test]
fn whoever_is_ahead_of_a_node_is_complete_and_sees_nothing_twice() {
    let (topics, mut follower) = Topics::<()>::following(options());
    follower.begin(1, 0);
    follower.apply("a", 1, ["1"]).unwrap();
    for names in [&["a"][..], &["a", "b"]] {
        let subscription = topics.subscribe(names, LastEventId::parse(b"1-18446744073709551615"));
        assert_eq!(subscription.resumed(), Resumed::Complete);
        assert_eq!(text(&mut open(subscription)), "");
    }
    let (mut one, mut two) = (
        open(topics.subscribe(["a"], LastEventId::parse(b"1-4"))),
        open(topics.subscribe(["a", "b"], LastEventId::parse(b"1-4"))),
    );
    follower.apply("a", 2, ["2", "3"]).unwrap();
    assert_eq!((text(&mut one), text(&mut two)), (String::new(), String::new()));
    follower.apply("b", 4, ["4"]).unwrap();
    follower.apply("a", 5, ["5"]).unwrap();
    assert_eq!(text(&mut one), "id: 1-5\ndata: 5\n\n");
    assert_eq!(text(&mut two), "id: 1-5\ndata: 5\n\n");
    // Nobody else can have told it of one.
    follower.set_alone(true);
    assert_eq!(topics.subscribe(["a"], LastEventId::parse(b"1-6")).resumed(), Resumed::Unknown);
    assert_eq!(topics.subscribe(["a"], LastEventId::parse(b"1-5")).resumed(), Resumed::Complete);
    // A channel that numbers by itself knows no numbers that it hasn't given.
    let topics = Topics::with_options(options().epoch(1));
    assert_eq!(topics.subscribe(["a"], LastEventId::parse(b"1-4")).resumed(), Resumed::Unknown);
}

#[test]
fn another_epoch_begins_in_place_from_its_oldest_event() {
    for names in [&["a"][..], &["a", "b"]] {
        let (topics, mut follower) = Topics::<()>::following(options());
        follower.begin(1, 0);
        let builder = topics.subscription(names).announce(|resumed| Some(notice(resumed)));
        let mut stream = open(builder.begin().unwrap());
        follower.apply("a", 1, ["1", "2"]).unwrap();
        assert_eq!(text(&mut stream).matches("id: 1-").count(), 3, "its position and two events");
        let wakes = stream.wakes();
        follower.begin(2, 0);
        assert!(stream.wakes() > wakes, "whoever waits is woken");
        assert_eq!(text(&mut stream), "event: resumed\ndata: Unknown\n\nid: 2-0\n\n");
        follower.apply("a", 1, ["again"]).unwrap();
        assert_eq!(text(&mut stream), "id: 2-1\ndata: again\n\n");
        // What waited of the old one isn't delivered, nor told.
        follower.apply("a", 2, ["never"]).unwrap();
        follower.begin(3, 7);
        follower.apply("a", 8, ["first", "second"]).unwrap();
        let told = text(&mut stream);
        assert!(
            told.starts_with("event: resumed\ndata: Unknown\n\nid: 3-8\ndata: first\n\nid: 3-9"),
            "{told}"
        );
        assert_eq!(text(&mut stream), "");
        // An id of an older epoch: unknown, and a beginning at the oldest if so asked for.
        let builder = topics.subscription(names).start(Start::Oldest).resume(LastEventId::parse(b"2-1"));
        let subscription = builder.begin().unwrap();
        assert_eq!(subscription.resumed(), Resumed::Unknown);
        assert_eq!(text(&mut open(subscription)).matches("data").count(), 2);
    }
}

#[test]
fn whose_notice_panics_does_not_go_on_without_it() {
    let (topics, mut follower) = Topics::<()>::following(options());
    follower.begin(1, 0);
    let may_panic =
        |resumed| if resumed == Resumed::Unknown { panic!("as a caller's code may") } else { None::<Frame> };
    let mut stream = open(topics.subscription(["a"]).announce(may_panic).begin().unwrap());
    text(&mut stream);
    follower.begin(2, 0);
    follower.apply("a", 1, ["of another log"]).unwrap();
    let poll = || stream.poll();
    std::panic::catch_unwind(core::panic::AssertUnwindSafe(poll)).unwrap_err();
    assert_eq!(text(&mut stream), "");
}

#[test]
fn a_log_that_begins_again_with_its_epoch_is_another_one() {
    for names in [&["a"][..], &["a", "b"]] {
        for between in [&[1][..], &[2, 1]] {
            let (topics, mut follower) = Topics::<()>::following(options());
            follower.begin(1, 0);
            let builder = topics.subscription(names).announce(|resumed| Some(notice(resumed)));
            let mut stream = open(builder.begin().unwrap());
            follower.apply("a", 1, ["1", "2", "3"]).unwrap();
            text(&mut stream);
            for &epoch in between {
                follower.begin(epoch, 0);
            }
            follower.apply("a", 1, ["first"]).unwrap();
            assert_eq!(text(&mut stream), "event: resumed\ndata: Unknown\n\nid: 1-1\ndata: first\n\n");
            follower.apply("a", 2, ["second"]).unwrap();
            assert_eq!(text(&mut stream), "id: 1-2\ndata: second\n\n");
        }
    }
}

#[test]
fn before_the_beginning_there_was_something() {
    let (topics, mut follower) = Topics::<()>::following(options());
    follower.begin(1, 100);
    for (id, resumed) in [
        (&b"1-100"[..], Resumed::Complete),
        (b"1-99", Resumed::Gap { missed: 1, is_exact: false }),
        (b"1-0", Resumed::Gap { missed: 100, is_exact: false }),
        (b"2-100", Resumed::Unknown),
    ] {
        assert_eq!(
            topics.subscribe(["a"], LastEventId::parse(id)).resumed(),
            resumed,
            "{}",
            id.escape_ascii()
        );
    }
    let (channel, mut follower) = Channel::<()>::following(options());
    follower.begin(1, 100);
    follower.apply("", 101, ["x"]).unwrap();
    assert_eq!(
        channel.subscribe(LastEventId::parse(b"1-99")).resumed(),
        Resumed::Gap { missed: 1, is_exact: true }
    );
}

#[test]
fn what_was_never_there_is_not_missed_and_what_was_lost_is_told() {
    let (channel, mut follower) = Channel::<()>::following(options().retain(4, 1 << 20));
    follower.begin(1, 0);
    follower.apply("", 1, ["1"]).unwrap();
    let mut stream = open(
        channel
            .subscription()
            .announce(|resumed| Some(notice(resumed)))
            .resume(LastEventId::parse(b"1-1"))
            .begin()
            .unwrap(),
    );
    assert_eq!(text(&mut stream), "event: resumed\ndata: Complete\n\n");
    follower.skip(5);
    assert_eq!(text(&mut stream), "");
    assert_eq!(channel.subscribe(LastEventId::parse(b"1-1")).resumed(), Resumed::Complete);
    let wakes = stream.wakes();
    follower.lose(8);
    assert!(stream.wakes() > wakes);
    let expected = "event: resumed\ndata: Gap { missed: 3, is_exact: true }\n\nid: 1-8\n\n";
    assert_eq!(text(&mut stream), expected);
    assert_eq!(
        channel.subscribe(LastEventId::parse(b"1-6")).resumed(),
        Resumed::Gap { missed: 2, is_exact: true }
    );
    // Numbers that were reached are no loss.
    follower.lose(8);
    follower.skip(3);
    assert_eq!(text(&mut stream), "");
    assert_eq!(follower.reached(), SequenceId::new(1, 8));
    // What waits from before comes after it's told.
    follower.apply("", 9, ["9"]).unwrap();
    follower.lose(10);
    let told = text(&mut stream);
    assert_eq!(
        told,
        "event: resumed\ndata: Gap { missed: 1, is_exact: true }\n\nid: 1-9\ndata: 9\n\nid: 1-10\n\n"
    );
}

#[test]
fn what_many_losses_come_to_is_exact_only_where_it_is() {
    let (channel, mut follower) = Channel::<()>::following(options());
    follower.begin(1, 0);
    // Two lost of ten, a hundred times.
    for n in 0..100 {
        follower.lose(n * 10 + 2);
        follower.skip(n * 10 + 10);
    }
    for seen in 0..1000 {
        let lost = (seen + 1..=1000).filter(|n| (1..=2).contains(&(n % 10))).count() as u64;
        let id = SequenceId::new(1, seen).to_string();
        match channel.subscribe(LastEventId::parse(id.as_bytes())).resumed() {
            Resumed::Gap { missed, is_exact: true } => assert_eq!(missed, lost, "{seen}"),
            Resumed::Gap { missed, .. } => assert!(missed >= lost && seen < 400, "{missed} after {seen}"),
            resumed => assert!(lost == 0 && resumed == Resumed::Complete, "{resumed:?} after {seen}"),
        }
    }
}

#[test]
fn conflating_subscriptions_follow_too() {
    let (topics, mut follower) = Topics::<()>::following(options().latest_per_key(10, 1 << 20));
    follower.begin(1, 0);
    let publication = |data: &str| Publication::new(data).key("k");
    let builder = || topics.subscription(["a"]).lag(Lag::Conflate).announce(|resumed| Some(notice(resumed)));
    let mut stream = open(builder().begin().unwrap());
    let mut ahead = open(builder().resume(LastEventId::parse(b"1-2")).begin().unwrap());
    follower.apply("a", 1, [publication("1"), publication("2")]).unwrap();
    follower.apply("a", 3, [publication("3")]).unwrap();
    assert!(text(&mut stream).ends_with("id: 1-3\ndata: 3\n\n"));
    assert_eq!(text(&mut ahead), "event: resumed\ndata: Complete\n\nid: 1-3\ndata: 3\n\n");
    follower.begin(2, 0);
    follower.apply("a", 1, [publication("new")]).unwrap();
    assert_eq!(text(&mut stream), "event: resumed\ndata: Unknown\n\nid: 2-1\ndata: new\n\n");
    follower.lose(4);
    let told = text(&mut stream);
    assert_eq!(told, "event: resumed\ndata: Gap { missed: 3, is_exact: false }\n\nid: 2-4\n\n");
}

#[test]
fn nobody_but_the_follower_publishes_and_it_only_in_order() {
    let (topics, mut follower) = Topics::<()>::following(options().max_topics(0));
    assert!(matches!(topics.publish("a", "x"), Err(PublishError::Following)));
    assert!(matches!(topics.publish_all("a", ["x"]), Err(PublishError::Following)));
    follower.begin(1, u64::MAX - 3);
    for first in [0, 1, u64::MAX - 3, u64::MAX - 1, u64::MAX] {
        let error = follower.apply("a", first, ["x"]).unwrap_err();
        assert!(matches!(error, ApplyError::OutOfOrder { first: at, .. } if at == first), "{error}");
    }
    let with_id = Event::new("x").id(EventId::new("7").unwrap());
    let error = follower.apply("a", u64::MAX - 2, [with_id]).unwrap_err();
    assert!(matches!(error, ApplyError::Publication(PublishError::UnexpectedId)), "{error}");
    assert_eq!(follower.reached().sequence(), u64::MAX - 3, "nothing was applied");
    follower.apply("a", u64::MAX - 2, ["x"; 3]).unwrap_err();
    follower.apply("a", u64::MAX - 2, ["x"; 2]).unwrap();
    follower.apply("a", u64::MAX, ["x"]).unwrap_err();

    let mut stream = open(topics.subscribe(["a"], LastEventId::None));
    text(&mut stream);
    topics.close();
    assert!(matches!(follower.apply("a", u64::MAX, ["x"]), Err(ApplyError::Closed)));
    follower.begin(2, 0);
    assert!(matches!(stream.poll(), Poll::Ready(None)), "closed for good");

    let (topics, follower) = Topics::<()>::following(options());
    let mut stream = open(topics.subscribe(["a"], LastEventId::None));
    text(&mut stream);
    drop(follower);
    assert!(matches!(stream.poll(), Poll::Ready(None)), "nobody writes any more");
}

#[test]
fn no_more_topics_are_kept_than_the_log_has_events_of() {
    for latest in [false, true] {
        let options = if latest { options().latest_per_key(10, 1 << 20) } else { options() };
        let (topics, mut follower) = Topics::<()>::following(options);
        follower.begin(1, 0);
        let mut stream = open(topics.subscribe(["topic 5"], LastEventId::None));
        for n in 1..=10_000 {
            follower.apply(&format!("topic {n}"), n, ["x"]).unwrap();
            follower.trim(n.saturating_sub(100));
            assert!(topics.stats().topics <= 102, "{:?}", topics.stats());
        }
        assert!(text(&mut stream).ends_with("data: x\n\n"), "who hasn't read it yet still gets it");
        let subscription = topics.subscribe(["topic 5"], LastEventId::parse(b"1-4"));
        assert_eq!(subscription.resumed(), Resumed::Gap { missed: 1, is_exact: true });
        drop((stream, subscription));
        follower.trim(10_000);
        topics.topics();
        let stats = topics.stats();
        assert_eq!((stats.topics, stats.events, stats.bytes), (0, 0, 0), "{stats:?}");
    }
}
