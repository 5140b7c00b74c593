//! What holds on every runtime.

use crate::harness::{Told, data, poll_times};
use crate::runtime::{Runtime, Setup};
use crate::wire::Wire;
use core::future::{Future, pending, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use eventsource_core::client::{Attempt, Connect, EventSource, Head, Policy, Reason, Response, Step, Update};
use eventsource_core::codec::{Chunk, EventsError};
use eventsource_core::io::{Chunks, IdleError, Linger};
use eventsource_core::{
    Channel, ChannelOptions, Decoder, Emitter, EndReason, Event, EventId, EventStream, Frame, KeepAlive,
    LastEventId, Source, StopHandle, Timer, event_name,
};
use futures_util::future::{Either, select};
use futures_util::{StreamExt, join, stream};
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

const EIGHT: usize = 8;

/// Real time is late, and on a busy machine by a lot.
const SLACK: Duration = Duration::from_secs(20);

fn stream<R: Runtime, S: Source>(source: S) -> EventStream<S, R::Alarm> {
    EventStream::new(source)
}

fn since<R: Runtime>(start: Duration) -> Duration {
    R::now().saturating_sub(start)
}

/// Polls `driver` until `other` is ready.
async fn drive_until<T>(driver: impl Future, other: impl Future<Output = T>) -> T {
    match select(pin!(driver), pin!(other)).await {
        Either::Left(_) => panic!("the driver ended too early"),
        Either::Right((output, _)) => output,
    }
}

pub(crate) async fn keep_alives_come_after_so_much_quiet<R: Runtime>() {
    let wire = Wire::new();
    let start = R::now();
    let quiet = stream::<R, _>(stream::pending::<&str>()).keep_alive(KeepAlive::new(R::WHILE));
    let client = async {
        for pings in 1..=3 {
            wire.received(":\n".len() * pings).await;
            let after = since::<R>(start);
            let due = R::WHILE * u32::try_from(pings).unwrap();
            assert!(after >= due && after < due + SLACK, "{after:?} for {due:?}");
            assert!(!R::IS_EXACT || after == due, "{after:?} for {due:?}");
        }
    };
    drive_until(R::drive(quiet, wire.clone(), Setup::default()), client).await;
    assert_eq!(wire.written(), ":\n:\n:\n");
}

pub(crate) async fn a_lifetime_ends_it<R: Runtime>() {
    let (wire, told, start) = (Wire::new(), Told::default(), R::now());
    let quiet =
        stream::<R, _>(stream::pending::<&str>()).max_lifetime(R::WHILE..=R::WHILE).on_end(told.hook());
    let end = R::drive(quiet, wire.clone(), Setup::default()).await;
    assert_eq!(end.unwrap(), EndReason::Lifetime);
    assert!(since::<R>(start) >= R::WHILE);
    assert_eq!((told.all(), wire.counts().closes), (vec![EndReason::Lifetime], 1));
}

pub(crate) async fn all_that_is_there_goes_out_at_once_and_in_order<R: Runtime>() {
    let wire = Wire::new();
    let numbers = |range: core::ops::Range<u32>| stream::iter(range.map(|number| number.to_string()));
    let merged = stream::<R, _>(numbers(0..20)).merge(numbers(100..120)).retry(Duration::from_secs(3));
    R::drive(merged, wire.clone(), Setup::default()).await.unwrap();
    let sent = data(&wire.written());
    for range in [0..20, 100..120] {
        let of_one: Vec<_> = sent.iter().filter(|data| range.contains(&data.parse().unwrap())).collect();
        assert_eq!(
            of_one,
            range.map(|number| number.to_string()).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
    assert!(wire.written().starts_with("retry: 3000\ndata: "));
    let counts = wire.counts();
    assert_eq!((counts.writes, counts.flushes, counts.closes), (1, 1, 1));
}

pub(crate) async fn the_head_goes_out_with_the_first_events<R: Runtime>() {
    let wire = Wire::new();
    let setup = Setup { head: "HTTP/1.1 200 OK\r\n\r\n", ..Setup::default() };
    R::drive(stream::<R, _>(stream::iter(["a", "b"])), wire.clone(), setup).await.unwrap();
    assert_eq!(wire.written(), "HTTP/1.1 200 OK\r\n\r\ndata: a\n\ndata: b\n\n");
    assert_eq!(wire.counts().writes, 1);
}

pub(crate) async fn the_head_goes_out_without_waiting_for_events<R: Runtime>() {
    let wire = Wire::new();
    let setup = Setup { head: "head", ..Setup::default() };
    let driver = R::drive(stream::<R, _>(stream::pending::<&str>()), wire.clone(), setup);
    drive_until(driver, wire.received("head".len())).await;
    assert_eq!(wire.written(), "head");
}

pub(crate) async fn a_busy_stream_gives_way<R: Runtime>() {
    let (wire, stop) = (Wire::new(), StopHandle::new());
    let busy = stream::<R, _>(stream::repeat("again")).stop_on(&stop);
    let mut turns = 0;
    let other = poll_fn(|cx| {
        turns += 1;
        cx.waker().wake_by_ref();
        if turns < 3 {
            return Poll::Pending;
        }
        stop.stop();
        Poll::Ready(())
    });
    let (end, ()) = join!(R::drive(busy, wire.clone(), Setup::default()), other);
    assert_eq!(end.unwrap(), EndReason::Stopped);
    assert!(data(&wire.written()).len() < 100_000);
}

pub(crate) async fn a_stop_lets_out_what_was_emitted<R: Runtime>() {
    let (wire, stop, told) = (Wire::new(), StopHandle::new(), Told::default());
    let (emitter, emissions) = Emitter::new(EIGHT);
    let ending = stream::<R, _>(emissions).stop_on(&stop).on_end(told.hook());
    let stopper = async {
        emitter.emit("early").await.unwrap();
        wire.received("data: early\n\n".len()).await;
        emitter.try_emit("late").unwrap();
        stop.stop();
        emitter.closed().await;
        assert!(emitter.try_emit("too late").is_err());
    };
    let (end, ()) = join!(R::drive(ending, wire.clone(), Setup::default()), stopper);
    assert_eq!(end.unwrap(), EndReason::Stopped);
    assert_eq!(wire.written(), "data: early\n\ndata: late\n\n");
    assert_eq!((told.all(), wire.counts().closes), (vec![EndReason::Stopped], 1));
}

pub(crate) async fn the_end_of_the_source_closes_the_connection<R: Runtime>() {
    let (wire, told) = (Wire::new().stuttering(), Told::default());
    let ending = stream::<R, _>(stream::iter(["only"])).on_end(told.hook());
    let end = R::drive(ending, wire.clone(), Setup::default()).await;
    assert_eq!((end.unwrap(), told.all()), (EndReason::SourceEnded, vec![EndReason::SourceEnded]));
    assert_eq!((wire.written().as_str(), wire.counts().closes), ("data: only\n\n", 1));
}

pub(crate) async fn a_failing_source_ends_it_well<R: Runtime>() {
    let wire = Wire::new();
    let failing = stream::<R, _>(stream::iter([Ok("before"), Err("broken"), Ok("after")]));
    let end = R::drive(failing, wire.clone(), Setup::default()).await;
    assert_eq!((end.unwrap(), wire.written().as_str()), (EndReason::SourceError, "data: before\n\n"));
}

pub(crate) async fn dropped_it_tells_the_hook<R: Runtime>() {
    let told = Told::default();
    let (emitter, emissions) = Emitter::new(EIGHT);
    let events = stream::<R, _>(emissions).on_end(told.hook());
    let mut driver = Box::pin(R::drive(events, Wire::new(), Setup::default()));
    assert!(poll_times(driver.as_mut(), 3).await.is_none());
    assert_eq!((told.all(), emitter.is_closed()), (vec![], false));
    drop(driver);
    assert_eq!((told.all(), emitter.is_closed()), (vec![EndReason::Dropped], true));
}

pub(crate) async fn a_client_that_does_not_read_holds_the_sources_back<R: Runtime>() {
    let wire = Wire::new().with_room(20);
    let (emitter, emissions) = Emitter::new(1);
    let client = async {
        let mut count = 0;
        // As many as go into the socket, the driver and the queue; then there's no more room.
        loop {
            let text = format!("event {count}");
            match select(pin!(emitter.emit(text)), pin!(R::sleep(R::WHILE))).await {
                Either::Left((done, _)) => done.unwrap(),
                Either::Right(_) => break,
            }
            count += 1;
        }
        assert!((1..=4).contains(&count), "{count}");
        wire.make_room(usize::MAX);
        wire.received("data: event 0\n\n".len() * count).await;
        let expected: Vec<_> = (0..count).map(|number| format!("event {number}")).collect();
        assert_eq!(data(&wire.written())[..count], expected);
    };
    drive_until(R::drive(stream::<R, _>(emissions), wire.clone(), Setup::default()), client).await;
}

pub(crate) async fn writes_may_be_of_one_byte<R: Runtime>() {
    let frames: Vec<_> = (0..100).map(|number| Frame::from(number.to_string())).collect();
    let whole = Frame::from_iter(frames.clone());
    for at_once in [1, 2, 3, 7, 64] {
        for wire in [Wire::new().at_once(at_once), Wire::new().at_once(at_once).stuttering()] {
            let setup = Setup { head: "head\n\n", ..Setup::default() };
            R::drive(stream::<R, _>(stream::iter(frames.clone())), wire.clone(), setup).await.unwrap();
            assert_eq!(wire.written().strip_prefix("head\n\n").unwrap().as_bytes(), whole.as_bytes());
        }
    }
}

pub(crate) async fn a_write_error_is_the_end_and_the_hook_is_told_once<R: Runtime>() {
    let (wire, told) = (Wire::new(), Told::default());
    let (emitter, emissions) = Emitter::new(EIGHT);
    let mut driver =
        Box::pin(R::drive(stream::<R, _>(emissions).on_end(told.hook()), wire.clone(), Setup::default()));
    emitter.try_emit("a").unwrap();
    assert!(poll_times(driver.as_mut(), 1).await.is_none());
    wire.fail_writes(ErrorKind::BrokenPipe);
    emitter.try_emit("b").unwrap();
    assert_eq!(driver.as_mut().await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    // The sources are gone though the driver is still there.
    assert!(emitter.is_closed());
    assert_eq!(told.all(), [EndReason::Dropped]);
    drop(driver);
    assert_eq!(told.all(), [EndReason::Dropped]);
}

pub(crate) async fn a_connection_that_takes_nothing_is_an_error<R: Runtime>() {
    let wire = Wire::new().at_once(0);
    let end = R::drive(stream::<R, _>(stream::iter(["a"])), wire, Setup::default()).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::WriteZero);
}

async fn is_gone_after<R: Runtime>(wire: Wire, leave: impl FnOnce(&Wire)) {
    let told = Told::default();
    let (emitter, emissions) = Emitter::new(EIGHT);
    let mut driver =
        Box::pin(R::drive(stream::<R, _>(emissions).on_end(told.hook()), wire.clone(), Setup::default()));
    assert!(poll_times(driver.as_mut(), 3).await.is_none());
    let start = R::now();
    leave(&wire);
    let (end, ()) = join!(driver, emitter.closed());
    assert_eq!(end.unwrap(), EndReason::Dropped);
    assert_eq!(told.all(), [EndReason::Dropped]);
    assert!(!R::IS_EXACT || R::now() == start);
}

pub(crate) async fn the_client_s_close_is_noticed_at_once<R: Runtime>() {
    is_gone_after::<R>(Wire::new(), Wire::close).await;
    is_gone_after::<R>(Wire::new().stuttering(), Wire::close).await;
}

pub(crate) async fn a_reset_is_noticed_at_once<R: Runtime>() {
    is_gone_after::<R>(Wire::new(), |wire| wire.fail_reads(ErrorKind::ConnectionReset)).await;
}

pub(crate) async fn what_the_client_sends_is_dropped<R: Runtime>() {
    let wire = Wire::new();
    wire.send("x".repeat(100_000).as_bytes());
    let (emitter, emissions) = Emitter::new(EIGHT);
    let client = async {
        while wire.unread() > 0 {
            R::sleep(Duration::from_millis(1)).await;
        }
        emitter.emit("hello").await.unwrap();
        wire.received("data: hello\n\n".len()).await;
    };
    drive_until(R::drive(stream::<R, _>(emissions), wire.clone(), Setup::default()), client).await;
}

pub(crate) async fn a_close_after_a_flood_is_noticed<R: Runtime>() {
    let wire = Wire::new();
    wire.send("x".repeat(100_000).as_bytes());
    wire.close();
    // Nothing else wakes it to read on.
    let end = R::drive(stream::<R, _>(stream::pending::<&str>()), wire, Setup::default()).await;
    assert_eq!(end.unwrap(), EndReason::Dropped);
}

pub(crate) async fn a_client_that_floods_does_not_stop_the_stream<R: Runtime>() {
    let wire = Wire::new();
    wire.send("x".repeat(1 << 20).as_bytes());
    let events = stream::<R, _>(stream::iter(["a"]).chain(stream::pending()));
    drive_until(R::drive(events, wire.clone(), Setup::default()), wire.received("data: a\n\n".len())).await;
    assert!(wire.unread() > 1 << 19, "the event came long before all was read");
}

/// What a client sends after the whole answer was written is read, so that nothing unread turns the close into a reset.
pub(crate) async fn the_close_waits_for_what_the_client_still_sends<R: Runtime>() {
    let wire = Wire::new().staying();
    let driver = R::drive(stream::<R, _>(stream::iter(["a"])), wire.clone(), Setup::default());
    let client = async {
        wire.received("data: a\n\n".len()).await;
        for _ in 0..4 {
            R::sleep(R::WHILE.min(Duration::from_secs(4))).await;
            assert_eq!(wire.counts().closes, 1);
            wire.send("x".repeat(100_000).as_bytes());
        }
        R::sleep(R::WHILE.min(Duration::from_secs(4))).await;
        assert_eq!(wire.unread(), 0);
        wire.close();
        R::now()
    };
    let (end, closed) = join!(driver, client);
    assert_eq!(end.unwrap(), EndReason::SourceEnded);
    assert!(!R::IS_EXACT || R::now() == closed);
}

/// Whoever sends nothing and stays is waited for briefly, whoever goes on sending not for ever, in time or in bytes.
pub(crate) async fn the_close_does_not_wait_for_ever<R: Runtime>() {
    let start = R::now();
    let wire = Wire::new().staying();
    R::drive(stream::<R, _>(stream::iter(["a"])), wire, Setup::default()).await.unwrap();
    let waited = since::<R>(start);
    assert!(waited >= Linger::QUIET && waited < Linger::QUIET + SLACK, "{waited:?}");

    let wire = Wire::new().staying();
    wire.send(&vec![b'x'; Linger::MOST + (1 << 20)]);
    let start = R::now();
    R::drive(stream::<R, _>(stream::iter(["a"])), wire.clone(), Setup::default()).await.unwrap();
    assert!((1..1 << 20).contains(&wire.unread()), "{}", wire.unread());
    assert!(!R::IS_EXACT || R::now() == start);
    if !R::IS_EXACT {
        return;
    }

    let wire = Wire::new().staying();
    let driver = R::drive(stream::<R, _>(stream::iter(["a"])), wire.clone(), Setup::default());
    let dribble = async {
        loop {
            R::sleep(Duration::from_secs(1)).await;
            wire.send(b"x");
        }
    };
    match select(pin!(driver), pin!(dribble)).await {
        Either::Left((end, _)) => assert_eq!(end.unwrap(), EndReason::SourceEnded),
        Either::Right(((), _)) => unreachable!("it dribbles for ever"),
    }
    assert_eq!(since::<R>(start), Linger::LONGEST);
}

pub(crate) async fn half_a_connection_is_written_to_until_that_fails<R: Runtime>() {
    let (wire, told) = (Wire::new(), Told::default());
    wire.close();
    let (emitter, emissions) = Emitter::new(EIGHT);
    let mut driver = Box::pin(R::drive_half(stream::<R, _>(emissions).on_end(told.hook()), wire.clone()));
    emitter.try_emit("a").unwrap();
    assert!(poll_times(driver.as_mut(), 3).await.is_none());
    assert_eq!(wire.written(), "data: a\n\n");
    wire.fail_writes(ErrorKind::BrokenPipe);
    emitter.try_emit("b").unwrap();
    assert!(driver.await.is_err());
    assert_eq!(told.all(), [EndReason::Dropped]);
}

pub(crate) async fn a_client_that_takes_nothing_is_given_up<R: Runtime>() {
    let (wire, told, start) = (Wire::new().with_room(3), Told::default(), R::now());
    let (emitter, emissions) = Emitter::new(EIGHT);
    emitter.try_emit("hello").unwrap();
    let setup = Setup { patience: R::WHILE, ..Setup::default() };
    let end = R::drive(stream::<R, _>(emissions).on_end(told.hook()), wire.clone(), setup).await;
    assert_eq!((end.unwrap(), told.all()), (EndReason::Stalled, vec![EndReason::Stalled]));
    let after = since::<R>(start);
    assert!(after >= R::WHILE && (after == R::WHILE || !R::IS_EXACT), "{after:?}");
    assert_eq!((wire.written().as_str(), emitter.is_closed()), ("dat", true));
}

pub(crate) async fn a_client_that_takes_a_little_is_not_given_up<R: Runtime>() {
    let wire = Wire::new().with_room(0);
    let setup = Setup { patience: R::WHILE * 4, ..Setup::default() };
    let client = async {
        for _ in 0.."data: hello\n\n".len() {
            R::sleep(R::WHILE).await;
            wire.make_room(1);
        }
        // It has everything, and quiet is no stall.
        R::sleep(R::WHILE * 6).await;
        assert_eq!(wire.written(), "data: hello\n\n");
    };
    let events = stream::<R, _>(stream::iter(["hello"]).chain(stream::pending()));
    drive_until(R::drive(events, wire.clone(), setup), client).await;
}

pub(crate) async fn a_client_that_is_gone_is_not_written_to<R: Runtime>() {
    let wire = Wire::new();
    wire.close();
    let end = R::drive(stream::<R, _>(stream::iter(["a"])), wire.clone(), Setup::default()).await;
    assert_eq!((end.unwrap(), wire.counts().writes), (EndReason::Dropped, 0));
}

/// With every number of polls before it's polled through another future.
pub(crate) async fn what_the_source_left_behind_is_not_delivered_by_its_end<R: Runtime>() {
    let told = Told::default();
    let setup = Setup { patience: R::WHILE, ..Setup::default() };
    for leave in [true, false] {
        let wire = Wire::new().with_room(3);
        let ending = stream::<R, _>(stream::iter(["hello"])).on_end(told.hook());
        let mut driver = Box::pin(R::drive(ending, wire.clone(), setup));
        assert!(poll_times(driver.as_mut(), 1).await.is_none());
        let reason = if leave {
            wire.close();
            EndReason::Dropped
        } else {
            EndReason::Stalled
        };
        assert_eq!((driver.await.unwrap(), wire.counts().closes), (reason, 0));
    }
    // Why the stream ended is another question.
    assert_eq!(told.all(), [EndReason::SourceEnded; 2]);

    // All was delivered, and the client closes first.
    let wire = Wire::new().stuttering();
    let mut driver =
        Box::pin(R::drive(stream::<R, _>(stream::iter(["hello"])), wire.clone(), Setup::default()));
    while wire.counts().flushes == 0 {
        assert!(poll_times(driver.as_mut(), 1).await.is_none());
    }
    wire.close();
    assert_eq!(driver.await.unwrap(), EndReason::SourceEnded);
}

pub(crate) async fn nothing_is_taken_while_a_write_waits<R: Runtime>() {
    let wire = Wire::new().with_room(0);
    let (emitter, emissions) = Emitter::new(EIGHT);
    let mut driver = Box::pin(R::drive(stream::<R, _>(emissions), wire.clone(), Setup::default()));
    assert!(poll_times(driver.as_mut(), 5).await.is_none());
    emitter.try_emit("taken").unwrap();
    assert!(poll_times(driver.as_mut(), 5).await.is_none());
    // The queue's room is all there again, and then it's full.
    for _ in 0..EIGHT {
        emitter.try_emit("waits").unwrap();
    }
    assert!(poll_times(driver.as_mut(), 5).await.is_none());
    assert!(emitter.try_emit("one too many").is_err());
}

pub(crate) async fn what_is_never_flushed_is_given_up<R: Runtime>() {
    let wire = Wire::new().stuck();
    let (emitter, emissions) = Emitter::new(EIGHT);
    let setup = Setup { patience: R::WHILE * 2, ..Setup::default() };
    let publisher = async {
        for count in 0.. {
            if emitter.is_closed() {
                return count;
            }
            let _ = emitter.try_emit("again");
            R::sleep(R::WHILE / 2).await;
        }
        unreachable!("it ends with the driver");
    };
    let (end, count) = join!(R::drive(stream::<R, _>(emissions), wire.clone(), setup), publisher);
    assert_eq!(end.unwrap(), EndReason::Stalled);
    assert!(count <= 6 || !R::IS_EXACT, "{count}");
    assert_eq!(data(&wire.written()), ["again"], "it takes no more while it can't get rid of that");
}

pub(crate) async fn polled_again_it_says_the_same<R: Runtime>() {
    let mut driver = Box::pin(R::drive(stream::<R, _>(stream::iter(["a"])), Wire::new(), Setup::default()));
    assert_eq!(driver.as_mut().await.unwrap(), EndReason::SourceEnded);
    assert_eq!(driver.as_mut().await.unwrap(), EndReason::SourceEnded);
}

pub(crate) async fn polled_anew_at_every_await_it_loses_nothing<R: Runtime>() {
    let frames: Vec<_> = (0..6).map(|number| Frame::from(format!("number {number}"))).collect();
    let whole = Frame::from_iter(frames.clone());
    for polls in 1.. {
        let wire = Wire::new().at_once(5).stuttering();
        let events = stream::<R, _>(stream::iter(frames.clone()));
        let mut driver = Box::pin(R::drive(events, wire.clone(), Setup::default()));
        if poll_times(driver.as_mut(), polls).await.is_some() {
            assert!(polls > 20, "it was interrupted in the middle of frames");
            return;
        }
        driver.as_mut().await.unwrap();
        assert_eq!(wire.written().as_bytes(), whole.as_bytes(), "after {polls} polls");
    }
}

/// With every number of polls before the driver is dropped, and its client comes back.
pub(crate) async fn dropped_at_every_await_it_resumes_without_loss<R: Runtime>() {
    for polls in 1.. {
        let channel = Channel::with_options(ChannelOptions::new());
        let subscribed = channel.subscribe(LastEventId::None);
        for number in 0..6 {
            channel.publish(number.to_string().as_str()).unwrap();
        }
        let wire = Wire::new().at_once(5).stuttering();
        let mut driver = Box::pin(R::drive(stream::<R, _>(subscribed), wire.clone(), Setup::default()));
        assert!(poll_times(driver.as_mut(), polls).await.is_none(), "the channel is open");
        drop(driver);

        let first = wire.written();
        let mut decoder = Decoder::new();
        let mut chunk = Chunk::new(first.as_bytes());
        while decoder.decode(&mut chunk).unwrap().is_some() {}
        let last = LastEventId::parse(decoder.last_event_id().as_str().as_bytes());
        let start = if last == LastEventId::None {
            eventsource_core::channel::Start::Oldest
        } else {
            eventsource_core::channel::Start::Live
        };
        let again = channel.subscription().resume(last).start(start).begin().unwrap();
        channel.close();
        let wire = Wire::new();
        R::drive(stream::<R, _>(again), wire.clone(), Setup::default()).await.unwrap();
        let seen: Vec<_> = data(&first).into_iter().chain(data(&wire.written())).collect();
        assert_eq!(seen, ["0", "1", "2", "3", "4", "5"], "after {polls} polls");
        if data(&first).len() == 6 {
            return;
        }
    }
}

/// An emission that's dropped before it's ready hasn't happened; one that's ready happens once.
pub(crate) async fn emitting_may_be_dropped_at_every_await<R: Runtime>() {
    for polls in 0..12 {
        let wire = Wire::new().at_once(3).stuttering();
        let (emitter, emissions) = Emitter::new(1);
        let client = async {
            let mut done = Vec::new();
            for number in 0..8 {
                let text = number.to_string();
                let emit = pin!(emitter.emit(text.as_str()));
                if poll_times(emit, polls).await.is_some_and(|emitted| emitted.is_ok()) {
                    done.push(text);
                }
            }
            drop(emitter);
            done
        };
        let (end, done) = join!(R::drive(stream::<R, _>(emissions), wire.clone(), Setup::default()), client);
        assert_eq!(end.unwrap(), EndReason::SourceEnded);
        assert_eq!(data(&wire.written()), done, "{polls} polls each");
        assert_eq!(done.is_empty(), polls == 0);
    }
}

/// What the readers are to read.
fn sample() -> Frame {
    let id = EventId::new("7").unwrap();
    Frame::from_iter([
        Frame::from(Event::new("two\nlines").name(event_name!("note")).id(id).comment("a comment")),
        Frame::from("Grüße, 世界 🦀"),
        Frame::retry(Duration::from_secs(2)),
        Frame::from(""),
    ])
}

pub(crate) async fn a_reader_may_be_cut_at_every_byte<R: Runtime>() {
    for at_once in [1, 2, 3, 1000] {
        for wire in [Wire::new().at_once(at_once), Wire::new().at_once(at_once).stuttering()] {
            wire.send(sample().as_bytes());
            wire.close();
            let events: Vec<_> = R::read(wire).map(Result::unwrap).collect().await;
            let seen: Vec<_> = events
                .iter()
                .map(|event| (event.name.as_str(), event.last_event_id.as_str(), &*event.data))
                .collect();
            assert_eq!(
                seen,
                [("note", "7", "two\nlines"), ("message", "7", "Grüße, 世界 🦀"), ("message", "7", "")]
            );
        }
    }
}

pub(crate) async fn reading_may_be_dropped_at_every_await<R: Runtime>() {
    for polls in 1..40 {
        let wire = Wire::new().at_once(1).stuttering();
        wire.send(sample().as_bytes());
        wire.close();
        let mut events = pin!(R::read(wire));
        let mut seen = Vec::new();
        loop {
            match poll_times(pin!(events.next()), polls).await {
                Some(Some(event)) => seen.push(event.unwrap().data),
                Some(None) => break,
                None => {}
            }
        }
        assert_eq!(seen, ["two\nlines", "Grüße, 世界 🦀", ""]);
    }
}

pub(crate) async fn a_read_error_comes_after_the_events<R: Runtime>() {
    let wire = Wire::new();
    wire.send(b"data: a\n\ndata: b");
    wire.fail_reads(ErrorKind::ConnectionReset);
    let mut events = pin!(R::read(wire));
    assert_eq!(&*events.next().await.unwrap().unwrap().data, "a");
    match events.next().await {
        Some(Err(EventsError::Chunks(error))) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        other => panic!("{other:?}"),
    }
    assert!(events.next().await.is_none());
}

pub(crate) async fn a_silent_server_is_noticed<R: Runtime>() {
    let wire = Wire::new();
    let mut events = pin!(R::read(wire.clone()).idle_timeout(R::WHILE, R::Alarm::default()));
    wire.send(b"data: a\n\n: a part of ");
    assert_eq!(&*events.next().await.unwrap().unwrap().data, "a");
    let start = R::now();
    match events.next().await {
        Some(Err(EventsError::Chunks(IdleError::Idle { limit, .. }))) => assert_eq!(limit, R::WHILE),
        other => panic!("{other:?}"),
    }
    let after = since::<R>(start);
    assert!(after >= R::WHILE && after < R::WHILE * 5 / 4 + SLACK, "{after:?}");
    assert!(!R::IS_EXACT || after <= R::WHILE * 5 / 4, "{after:?}");
    assert!(events.next().await.is_none());
    assert!(!events.is_mid_event(), "a comment was cut");
}

pub(crate) async fn a_reader_tells_a_cut_and_what_is_no_event_stream<R: Runtime>() {
    for (sent, is_mid_event, ignored_lines) in
        [(&b"data: a\n\n"[..], false, 0), (b"data: a\n\nda", true, 0), (b"{\"error\": 5}", false, 1)]
    {
        let wire = Wire::new().at_once(3);
        wire.send(sent);
        wire.close();
        let mut events = pin!(R::read(wire));
        while events.next().await.is_some() {}
        assert_eq!((events.is_mid_event(), events.ignored_lines()), (is_mid_event, ignored_lines));
    }
}

/// The last event IDs that a client has sent.
type Ids = Rc<RefCell<Vec<String>>>;

/// Creates a client that is given these connections, one after the other, and then no answer.
fn source<R: Runtime, const N: usize>(
    wires: [Wire; N],
) -> (EventSource<impl Connect<Error = io::Error>, R::Alarm>, Ids) {
    let mut wires = wires.into_iter();
    let ids = Ids::default();
    let sent = Rc::clone(&ids);
    let connect = move |attempt: Attempt| {
        sent.borrow_mut().push(attempt.last_event_id().to_string());
        let wire = wires.next();
        async move {
            let Some(wire) = wire else { return pending().await };
            let head = Head::new(200, [("content-type", "text/event-stream")]);
            Ok(Response { head, body: Chunks::new(wire) })
        }
    };
    (EventSource::new(connect), ids)
}

/// Returns the data of the next event, whatever happens before it.
async fn next_event<C, T>(source: &mut Pin<Box<EventSource<C, T>>>) -> String
where
    C: Connect,
    T: Timer,
{
    loop {
        match source.next().await {
            Some(Update::Event(event)) => return event.data.to_string(),
            Some(_) => {}
            None => panic!("it goes on"),
        }
    }
}

/// Waits until a client has lost its connection.
async fn loss<C, T>(source: &mut Pin<Box<EventSource<C, T>>>) -> (Reason, Option<Duration>)
where
    C: Connect,
    T: Timer,
{
    loop {
        match source.next().await {
            Some(Update::Lost(lost)) => return (lost.reason, lost.retry_in),
            Some(_) => {}
            None => panic!("it tells why"),
        }
    }
}

fn sending(text: &str) -> Wire {
    let wire = Wire::new().at_once(1).stuttering();
    wire.send(text.as_bytes());
    wire
}

pub(crate) async fn a_client_comes_back_with_the_id_after_a_cut<R: Runtime>() {
    let cut = sending("id: 1\ndata: a\n\nid: 2\ndata: b\n");
    cut.fail_reads(ErrorKind::ConnectionReset);
    let (source, ids) = source::<R, 2>([cut, sending("id: 2\ndata: b\n\n")]);
    let mut source = Box::pin(source.policy(Policy::default().base_delay(R::WHILE).jitter(false)));
    assert_eq!(next_event(&mut source).await, "a");
    let start = R::now();
    let (reason, Some(delay)) = loss(&mut source).await else { panic!("it comes back") };
    assert_eq!(next_event(&mut source).await, "b");
    let after = since::<R>(start);
    assert!(reason == Reason::Transport && delay >= R::WHILE && after >= delay, "{after:?} for {delay:?}");
    assert!(!R::IS_EXACT || after == delay, "{after:?} for {delay:?}");
    assert_eq!(*ids.borrow(), ["", "1"]);
}

pub(crate) async fn a_client_notices_silence<R: Runtime>() {
    let limit = R::WHILE * 2;
    let (source, ids) = source::<R, 1>([sending("id: 1\ndata: a\n\n: a part of ")]);
    let mut source = Box::pin(source.idle_timeout(limit));
    let start = R::now();
    assert_eq!(next_event(&mut source).await, "a");
    assert_eq!(loss(&mut source).await.0, Reason::Idle);
    let after = since::<R>(start);
    assert!(after >= limit && after < limit * 5 / 4 + SLACK, "{after:?}");
    assert!(!R::IS_EXACT || after <= limit * 5 / 4, "{after:?}");
    assert_eq!(ids.borrow().len(), 1);
}

pub(crate) async fn a_client_notices_that_no_answer_comes<R: Runtime>() {
    let (source, ids) = source::<R, 0>([]);
    let mut source = Box::pin(source.policy(Policy::default().answer_timeout(R::WHILE)));
    let start = R::now();
    assert_eq!(loss(&mut source).await.0, Reason::NoAnswer);
    let after = since::<R>(start);
    assert!(after >= R::WHILE && after < R::WHILE + SLACK, "{after:?}");
    assert!(!R::IS_EXACT || after == R::WHILE, "{after:?}");
    assert_eq!(ids.borrow().len(), 1);
}

/// Over two connections, the first of which is cut in mid-event.
pub(crate) async fn a_client_polled_anew_at_every_await_loses_nothing<R: Runtime>() {
    for polls in (1..40).step_by(3) {
        let cut = sending("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\nda");
        cut.fail_reads(ErrorKind::ConnectionReset);
        let (source, ids) = source::<R, 2>([cut, sending("id: 3\ndata: c\n\nid: 4\ndata: d\n\n")]);
        let mut source = Box::pin(source.policy(Policy::default().base_delay(Duration::ZERO)));
        let mut seen = Vec::new();
        while seen.len() < 4 {
            if let Some(data) = poll_times(pin!(next_event(&mut source)), polls).await {
                seen.push(data);
            } else if let Step::Wait { delay, .. } = source.state() {
                R::sleep(delay).await;
            }
        }
        assert_eq!(
            (seen.concat(), ids.borrow().concat()),
            ("abcd".to_owned(), "2".to_owned()),
            "{polls} polls"
        );
    }
}

pub(crate) async fn a_client_dropped_at_every_await_resumes_without_loss<R: Runtime>() {
    const EVENTS: [&str; 3] = ["id: 1\ndata: a\n\n", "id: 2\ndata: b\n\n", "id: 3\ndata: c\n\n"];
    for polls in 1.. {
        let mut first = Box::pin(source::<R, 1>([sending(&EVENTS.concat())]).0);
        let mut seen = String::new();
        let is_done = poll_times(
            pin!(async {
                while seen.len() < 3 {
                    seen.push_str(&next_event(&mut first).await);
                }
            }),
            polls,
        )
        .await
        .is_some();
        let decoder = Decoder::new().resume_after(first.last_event_id());
        drop(first);

        let rest = &EVENTS[seen.len()..];
        let mut second = Box::pin(source::<R, 1>([sending(&rest.concat())]).0.decoder(decoder));
        for _ in rest {
            seen.push_str(&next_event(&mut second).await);
        }
        assert_eq!(seen, "abc", "after {polls} polls");
        if is_done {
            assert!(polls > 20, "it was interrupted in the middle of events");
            return;
        }
    }
}
