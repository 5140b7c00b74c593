//! The stream of what a client meets, over a transport of a test's making.

use crate::server::{EVENT_STREAM, millis, seconds};
use eventsource_core::client::{
    Attempt, Connect, Decision, EventSource, Head, HttpTransport, Policy, Reason, Response, SourceStats,
    Step, Update,
};
use eventsource_core::codec::{EventsError, Limits, Overflow};
use eventsource_core::test_util::{ManualClock, ManualTimer};
use eventsource_core::{Decoder, EventId};
use futures_util::{FutureExt, Stream, StreamExt, future, stream};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

type Error = &'static str;
type Body = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Error>>>>;
type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>>>>;

/// What comes over a connection after its bytes.
#[derive(Clone, Copy)]
enum Then {
    End,
    Cut,
    Silence,
}

/// What an attempt leads to.
#[derive(Clone)]
enum Reply {
    Never,
    Refuse,
    Head(Head),
    Bytes(Vec<u8>, Then),
}

fn open(text: &str, then: Then) -> Reply {
    Reply::Bytes(text.into(), then)
}

#[derive(Clone, Default)]
struct Server {
    replies: Rc<RefCell<VecDeque<Reply>>>,
    /// The last event IDs that were sent, and which header fields.
    asked: Rc<RefCell<Vec<Attempt>>>,
    /// Requests and bodies that aren't dropped.
    alive: Rc<Cell<i32>>,
}

struct Alive(Rc<Cell<i32>>);

impl Alive {
    fn new(alive: &Rc<Cell<i32>>) -> Self {
        assert_eq!(alive.replace(alive.get() + 1), 0, "two connections at once");
        Self(Rc::clone(alive))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Server {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let server = Self::default();
        server.replies.borrow_mut().extend(replies);
        server
    }

    fn connect(&self, attempt: Attempt) -> Answer {
        self.asked.borrow_mut().push(attempt);
        let alive = Alive::new(&self.alive);
        match self.replies.borrow_mut().pop_front().unwrap_or(Reply::Never) {
            Reply::Never => Box::pin(async move {
                let _alive = alive;
                future::pending().await
            }),
            Reply::Refuse => Box::pin(future::err("refused")),
            Reply::Head(head) => Box::pin(future::ok(Response { head, body: stream::empty().boxed_local() })),
            Reply::Bytes(bytes, then) => {
                let head = Head::new(200, EVENT_STREAM);
                Box::pin(future::ok(Response { head, body: body(bytes, then, alive) }))
            }
        }
    }

    fn last_event_ids(&self) -> Vec<String> {
        self.asked.borrow().iter().map(|attempt| attempt.last_event_id().as_str().to_owned()).collect()
    }
}

fn body(bytes: Vec<u8>, then: Then, alive: Alive) -> Body {
    let bytes = stream::iter(if bytes.is_empty() { None } else { Some(Ok(bytes)) });
    let mut rest: Body = match then {
        Then::End => stream::empty().boxed_local(),
        Then::Cut => stream::iter([Err("cut")]).boxed_local(),
        Then::Silence => stream::pending().boxed_local(),
    };
    let rest = stream::poll_fn(move |cx| {
        let _alive = &alive;
        rest.poll_next_unpin(cx)
    });
    bytes.chain(rest).boxed_local()
}

type Connector = Box<dyn FnMut(Attempt) -> Answer>;

fn client(server: &Server, clock: &ManualClock) -> EventSource<Connector, ManualTimer> {
    let server = server.clone();
    let connect: Connector = Box::new(move |attempt| server.connect(attempt));
    EventSource::with_timer(connect, clock.timer(), 7)
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a client for a time, as an executor would, and returns what it met, in words.
fn run<S: Stream>(
    mut client: Pin<&mut S>,
    clock: &ManualClock,
    time: std::time::Duration,
    tell: impl Fn(S::Item) -> String,
) -> Vec<String> {
    let end = clock.now() + time;
    let mut told = Vec::new();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    woken.0.store(true, Ordering::Relaxed);
    loop {
        while woken.0.swap(false, Ordering::Relaxed) {
            while let Poll::Ready(next) = client.as_mut().poll_next(&mut Context::from_waker(&waker)) {
                let Some(update) = next else {
                    told.push("the end".to_owned());
                    return told;
                };
                told.push(tell(update));
            }
        }
        if clock.now() >= end {
            return told;
        }
        let next = clock.next_expiry().map_or(end, |next| next.min(end));
        clock.advance(next - clock.now());
    }
}

fn words(update: Update<Error>) -> String {
    match update {
        Update::Open(head) => format!("open {}", head.status()),
        Update::Event(event) => format!("event {}", event.data),
        Update::Comment(text) => format!("comment {text}"),
        Update::Skipped(_) => "skipped".to_owned(),
        Update::Lost(lost) if lost.retry_in.is_some() => format!("lost, {lost}"),
        Update::Lost(lost) => format!("over, {lost}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_reconnects_with_the_id_of_the_last_event_that_was_handed_out() {
    let clock = ManualClock::new();
    let server = Server::new([
        open("id: 1\ndata: a\n\nid: 2\ndata: cu", Then::Cut),
        open("id: 2\ndata: cut no more\n\n", Then::End),
        open("data: no id\n\nid: 3\ndata: cut by the end of the connection\n", Then::End),
        Reply::Refuse,
        open("id: é\n\n", Then::End),
        open("id:\ndata: none\n\n", Then::End),
        open(&format!("id: {}\ndata: long\n\n", "x".repeat(1000)), Then::End),
        Reply::Head(Head::new(204, EVENT_STREAM)),
    ]);
    let mut client = Box::pin(client(&server, &clock));
    let told = run(client.as_mut(), &clock, seconds(600), words);
    let ended = "lost, the server ended the event stream";
    let failed = "lost, the connection failed";
    assert_eq!(
        told,
        [
            "open 200",
            "event a",
            "lost, the connection failed: cut",
            "open 200",
            "event cut no more",
            ended,
            "open 200",
            "event no id",
            failed,
            "lost, the connection failed: refused",
            "open 200",
            ended,
            "open 200",
            "event none",
            ended,
            "open 200",
            "event long",
            ended,
            "over, the server answered with status 204",
            "the end",
        ]
    );
    assert_eq!(server.last_event_ids(), ["", "1", "2", "2", "2", "é", "", &"x".repeat(1000)]);
    let asked = server.asked.borrow();
    let first: Vec<_> = asked[0].header_fields().collect();
    assert_eq!(first, [("accept", "text/event-stream"), ("cache-control", "no-cache")]);
    assert_eq!(asked[5].header_fields().last(), Some(("last-event-id", "é")));
    assert_eq!(asked[7].number(), 8);
    assert_eq!((server.alive.get(), client.next().now_or_never()), (0, Some(None)));
}

#[test]
fn silence_and_an_answer_that_does_not_come_are_noticed_and_dropped() {
    let clock = ManualClock::new();
    let server = Server::new([Reply::Never, open("data: a\n\n", Then::Silence)]);
    let mut client = Box::pin(client(&server, &clock).idle_timeout(seconds(40)));
    let told = run(client.as_mut(), &clock, seconds(60), words);
    assert_eq!(told, ["lost, the server did not answer in time"]);
    assert_eq!(server.alive.get(), 0);
    let told = run(client.as_mut(), &clock, seconds(40), words);
    assert_eq!(told, ["open 200", "event a"]);
    let told = run(client.as_mut(), &clock, seconds(20), words);
    assert_eq!(told, ["lost, the event stream was idle for too long",]);
}

#[test]
fn comments_are_life_and_a_consumer_that_pauses_is_not_silence() {
    let clock = ManualClock::new();
    let server = Server::default();
    let timer = clock.timer();
    let chunks = Rc::new(RefCell::new(VecDeque::<Vec<u8>>::new()));
    let (source, alive) = (Rc::clone(&chunks), Alive::new(&server.alive));
    let given: Body = stream::poll_fn(move |_| {
        let _alive = &alive;
        source.borrow_mut().pop_front().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok(chunk))))
    })
    .boxed_local();
    let refuse = server.clone();
    let connect: Connector = Box::new(move |attempt| refuse.connect(attempt));
    let mut client =
        Box::pin(EventSource::with_timer(connect, timer, 7).idle_timeout(seconds(40)).begin_open(given));
    for _ in 0..100 {
        chunks.borrow_mut().push_back(b":\n".to_vec());
        assert!(run(client.as_mut(), &clock, seconds(39), words).is_empty());
    }
    let resets = clock.resets();
    assert!(resets <= 100 * 4 + 2, "{resets}");
    for _ in 0..100 {
        chunks.borrow_mut().push_back(b"data\n\n".to_vec());
        clock.advance(seconds(1000));
        assert_eq!(run(client.as_mut(), &clock, millis(1), words), ["event "]);
    }
    assert!(server.asked.borrow().is_empty());
    let told = run(client.as_mut(), &clock, seconds(50), words);
    assert_eq!(told, ["lost, the event stream was idle for too long"]);
}

#[test]
fn an_event_over_the_limit_is_met_once_whatever_is_done_about_it() {
    let large = "data: small\n\ndata: far too large for that\n\ndata: after\n\n";
    let decoder = || Decoder::new().limits(Limits::default().event(10));
    let clock = ManualClock::new();
    let server = Server::new([open(large, Then::Silence)]);
    let mut stopped = Box::pin(client(&server, &clock).decoder(decoder()));
    let mut told = run(stopped.as_mut(), &clock, seconds(600), words);
    assert_eq!(told.pop().as_deref(), Some("the end"));
    let last = told.pop().unwrap();
    assert!(last.starts_with("over, the event stream exceeds a limit: an event's data"), "{last}");
    assert_eq!(told, ["open 200", "event small"]);

    let server = Server::new([open(large, Then::Silence)]);
    let skipping = decoder().overflow(Overflow::Skip);
    let mut skips = Box::pin(client(&server, &clock).decoder(skipping));
    let told = run(skips.as_mut(), &clock, seconds(1), words);
    assert_eq!(told, ["open 200", "event small", "skipped", "event after"]);
}

#[test]
fn a_close_and_a_restart_drop_the_connection_in_any_state() {
    for closes in [false, true] {
        for reply in [None, Some(Reply::Never), Some(open("data: a\n\n", Then::Silence)), Some(Reply::Refuse)]
        {
            let clock = ManualClock::new();
            let server = Server::new(reply.clone());
            let mut client = Box::pin(client(&server, &clock));
            if reply.is_some() {
                run(client.as_mut(), &clock, millis(1), words);
            }
            let before = server.asked.borrow().len();
            if closes {
                client.close();
                assert_eq!(server.alive.get(), 0);
                assert_eq!(run(client.as_mut(), &clock, seconds(600), words), ["the end"]);
                assert_eq!(client.state(), Step::Closed(Reason::Closed));
                assert_eq!(server.asked.borrow().len(), before);
            } else {
                client.restart();
                assert_eq!(server.alive.get(), 0);
                server.replies.borrow_mut().push_back(open("", Then::Silence));
                assert_eq!(run(client.as_mut(), &clock, millis(1), words), ["open 200"]);
                assert_eq!(server.asked.borrow().len(), before + 1);
            }
            drop(client);
            assert_eq!(server.alive.get(), 0);
        }
    }
}

#[test]
fn the_events_alone_end_with_an_answer_and_fail_with_what_is_final() {
    let tell = |event: Result<eventsource_core::OwnedEvent, _>| match event {
        Ok(event) => event.data.to_string(),
        Err(error) => {
            let error: eventsource_core::client::ConnectionError<Error> = error;
            format!("error: {error}")
        }
    };
    for (policy, replies, expected) in [
        (Policy::answer(), vec![open("data: a\n\n", Then::End)], vec!["a", "the end"]),
        (
            Policy::answer(),
            vec![Reply::Head(Head::new(503, EVENT_STREAM)), open("data: a\n\nda", Then::End)],
            vec!["a", "error: the connection failed", "the end"],
        ),
        (
            Policy::default(),
            vec![open("data: a\n\n", Then::Cut), Reply::Head(Head::new(401, EVENT_STREAM))],
            vec!["a", "error: the server answered with status 401", "the end"],
        ),
        (
            Policy::default(),
            vec![open("data: a\n\n", Then::End), Reply::Head(Head::new(204, EVENT_STREAM))],
            vec!["a", "the end"],
        ),
        // It gives up, and the server hasn't said that this is the end.
        (
            Policy::default().max_failures(2),
            vec![open("data: a\n\n", Then::End), open("", Then::End), open("", Then::End)],
            vec!["a", "error: the server ended the event stream", "the end"],
        ),
    ] {
        let clock = ManualClock::new();
        let server = Server::new(replies);
        let mut events = Box::pin(client(&server, &clock).policy(policy).events());
        assert_eq!(run(events.as_mut(), &clock, seconds(60), tell), expected);
    }
}

#[test]
fn it_counts_what_it_does() {
    let clock = ManualClock::new();
    let server = Server::new([Reply::Refuse, open("data: a\n\n: b\n\n", Then::Silence)]);
    let mut client = Box::pin(client(&server, &clock));
    assert_eq!(client.stats(), SourceStats::default());
    run(client.as_mut(), &clock, seconds(1), words);
    assert_eq!((client.stats().attempts, client.stats().connections), (1, 0));
    assert_eq!(client.stats().open_since, None);

    run(client.as_mut(), &clock, seconds(30), words);
    let stats = client.stats();
    assert_eq!((stats.attempts, stats.connections, stats.events, stats.bytes), (2, 1, 1, 14));
    assert!(stats.open_since.is_some_and(|since| since.elapsed() < seconds(3600)));

    client.close();
    assert_eq!(client.stats(), {
        let mut closed = stats;
        closed.open_since = None;
        closed
    });
}

#[test]
fn the_first_last_event_id_is_the_caller_s_and_comments_are_told_if_asked_for() {
    let clock = ManualClock::new();
    let server = Server::new([open(": hello\n", Then::Silence)]);
    let decoder = Decoder::new().comments(true).resume_after(EventId::new("7").unwrap());
    let mut client = Box::pin(client(&server, &clock).decoder(decoder).policy(Policy::browser()));
    assert_eq!(run(client.as_mut(), &clock, seconds(1), words), ["open 200", "comment hello"]);
    assert_eq!(server.last_event_ids(), ["7"]);
    assert_eq!(client.last_event_id().as_str(), "7");
}

#[test]
fn the_reconnection_time_is_obeyed_and_an_error_keeps_its_cause() {
    let clock = ManualClock::new();
    let server = Server::new([open("retry: 9000\n\n", Then::Cut)]);
    let mut client = Box::pin(client(&server, &clock));
    assert!(matches!(client.next().now_or_never(), Some(Some(Update::Open(_)))));
    let Some(Some(Update::Lost(lost))) = client.next().now_or_never() else { panic!() };
    assert_eq!((lost.reason, lost.error), (Reason::Transport, Some(EventsError::Chunks("cut"))));
    assert!(lost.retry_in.unwrap() >= seconds(9));
    assert!(run(client.as_mut(), &clock, lost.retry_in.unwrap() - millis(1), words).is_empty());
    assert_eq!(server.asked.borrow().len(), 1);
    run(client.as_mut(), &clock, millis(1), words);
    assert_eq!(server.asked.borrow().len(), 2);
}

fn assert_send_and_unpin(_: impl Send + Unpin) {}

#[test]
fn a_client_is_small_and_may_be_moved_and_sent() {
    let size = size_of::<EventSource<Connector, ManualTimer>>();
    assert!(size <= 1280, "{size}");

    let connect = |_: Attempt| async {
        let body = stream::empty::<Result<Vec<u8>, Error>>();
        Ok::<_, Error>(Response { head: Head::new(200, EVENT_STREAM), body })
    };
    assert_send_and_unpin(EventSource::with_timer(connect, ManualClock::new().timer(), 7).events());
}

#[test]
fn the_policy_learns_of_events_and_of_ids() {
    // Each ends in good order: one that brought an event is no failure.
    let clock = ManualClock::new();
    let server = Server::new(vec![open("data: a\n\n", Then::End); 5]);
    let policy = Policy::default().jitter(false).max_failures(1);
    let mut source = Box::pin(client(&server, &clock).policy(policy));
    run(source.as_mut(), &clock, seconds(12), words);
    assert_eq!(server.asked.borrow().len(), 5, "after 3 s each");

    let with_an_id = Policy::default().decide(|lost| Decision::retry_if(lost.has_last_event_id));
    for (bytes, comes_back) in
        [("id: 1\n\n", true), ("id: 1\ndata\n\n", true), ("id\ndata\n\n", false), ("data\n\n", false)]
    {
        let server = Server::new([open(bytes, Then::End)]);
        let mut source = Box::pin(client(&server, &clock).policy(with_an_id));
        run(source.as_mut(), &clock, seconds(12), words);
        assert_eq!(server.asked.borrow().len(), if comes_back { 2 } else { 1 }, "{bytes:?}");
    }
    let server = Server::new([Reply::Refuse]);
    let decoder = Decoder::new().resume_after(EventId::new("7").unwrap());
    let mut source = Box::pin(client(&server, &clock).decoder(decoder).policy(with_an_id));
    run(source.as_mut(), &clock, seconds(12), words);
    assert_eq!(server.asked.borrow().len(), 2, "also one of an earlier life");
}

#[test]
fn a_transport_that_hands_out_an_interim_head_has_failed() {
    let clock = ManualClock::new();
    let server = Server::new([Reply::Head(Head::new(103, EVENT_STREAM)), open("data: a\n\n", Then::Silence)]);
    let mut client = Box::pin(client(&server, &clock));
    let told = run(client.as_mut(), &clock, seconds(10), words);
    assert_eq!(told, ["lost, the connection failed", "open 200", "event a"]);
}

/// A body that always has more, of which a slow reader takes an event every ten seconds.
#[test]
fn a_connection_that_is_always_ahead_of_its_reader_has_lasted_as_well() {
    for idle_timeout in [seconds(0), seconds(2), seconds(8), seconds(300)] {
        for chunk in ["data\n\n", "data\n\ndata\n\nretry: 100\n", "retry: 100\n"] {
            let clock = ManualClock::new();
            let server = Server::default();
            let given = stream::iter(vec![Ok(chunk.as_bytes().to_vec()); 1000]);
            let given = given.chain(stream::iter([Err("cut")])).boxed_local();
            let policy = Policy::default().jitter(false).idle_timeout(idle_timeout).max_failures(1);
            let mut source = client(&server, &clock).policy(policy).begin_open(given);
            let lost = loop {
                match source.next().now_or_never() {
                    Some(Some(Update::Lost(lost))) => break lost,
                    Some(Some(Update::Event(_))) | None => clock.advance(seconds(10)),
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(lost.reason, Reason::Transport, "no silence: {idle_timeout:?}, {chunk:?}");
            assert!(lost.retry_in.is_some(), "a failure: {idle_timeout:?}, {chunk:?}");
        }
    }
}

#[test]
fn settings_that_come_late_begin_anew_and_a_restart_that_is_early_begins_nothing() {
    // It's waiting, connecting or reading.
    for reply in [Reply::Refuse, Reply::Never, open("data: a\n\n", Then::Silence)] {
        let clock = ManualClock::new();
        let server = Server::new([reply.clone(), open("data: b\n\n", Then::Silence)]);
        let mut source = client(&server, &clock);
        run(Pin::new(&mut source), &clock, millis(1), words);
        let is_open = matches!(source.state(), Step::Read);
        let mut source = source.idle_timeout(seconds(2));
        let told = run(Pin::new(&mut source), &clock, millis(2400), words);
        let silence = ["lost, the event stream was idle for too long"];
        assert_eq!(told, if is_open { &silence[..] } else { &["open 200", "event b"] });
    }
    let clock = ManualClock::new();
    let server = Server::new([open("data: a\n\n", Then::Silence)]);
    let mut source = client(&server, &clock);
    source.restart();
    source.restart();
    assert_eq!(run(Pin::new(&mut source), &clock, millis(1), words), ["open 200", "event a"]);
    source.restart();
    source.restart();
    assert_eq!(run(Pin::new(&mut source), &clock, millis(1), words), [""; 0]);
    let numbers: Vec<_> = server.asked.borrow().iter().map(Attempt::number).collect();
    assert_eq!((numbers, source.stats().attempts), (vec![1, 2], 2));
}

#[test]
fn the_bytes_before_an_end_are_counted() {
    for (bytes, then) in [
        (": only a comment\n", Then::End),
        ("data: cu", Then::Cut),
        ("data: a\n\n: a comment\n", Then::End),
        ("data: far too large for that\n\ndata: after\n\n", Then::Silence),
    ] {
        let clock = ManualClock::new();
        let server = Server::new([open(bytes, then)]);
        let decoder = Decoder::new().limits(Limits::default().event(10));
        let mut source = Box::pin(client(&server, &clock).decoder(decoder));
        run(source.as_mut(), &clock, seconds(1), words);
        assert_eq!(source.stats().bytes, bytes.len() as u64, "{bytes:?}");
    }
}

/// Events with these numbers, of several kinds.
fn numbered(numbers: std::ops::Range<u32>) -> String {
    let event = |n| format!(": {n}\nretry: {n}\nid: {n}\nevent: é\ndata: {n}\r\ndata:\n\n");
    numbers.map(event).collect::<Vec<_>>().concat()
}

/// A server with a history, whose connections break after so many bytes, which come in chunks of so many.
pub(crate) fn every_event_comes_once_and_in_order(cuts: &[(u16, u8)]) {
    const EVENTS: u32 = 30;
    let clock = ManualClock::new();
    let alive = Rc::new(Cell::new(0));
    let mut next_cut = cuts.iter().copied();
    let connect = |attempt: Attempt| -> Answer {
        let after: u32 = attempt.last_event_id().as_str().parse().unwrap_or_default();
        let mut bytes = numbered(after + 1..EVENTS + 1).into_bytes();
        let alive = Alive::new(&alive);
        let cut = next_cut.next().filter(|&(at, _)| usize::from(at) < bytes.len());
        let size = cut.map_or(1000, |(_, size)| usize::from(size) + 1);
        let then = match cut {
            Some((at, _)) => {
                bytes.truncate(at.into());
                if at % 2 == 0 { Then::End } else { Then::Cut }
            }
            None => Then::Silence,
        };
        let rest = body(Vec::new(), then, alive);
        let chunks: Vec<_> = bytes.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
        let head = Head::new(200, EVENT_STREAM);
        Box::pin(future::ok(Response { head, body: stream::iter(chunks).chain(rest).boxed_local() }))
    };
    let connect: Box<dyn FnMut(Attempt) -> Answer + '_> = Box::new(connect);
    let policy = Policy::default().idle_timeout(std::time::Duration::ZERO);
    let mut events = Box::pin(EventSource::with_timer(connect, clock.timer(), 7).policy(policy).events());
    let seen = run(events.as_mut(), &clock, seconds(100_000), |event| {
        let event = event.unwrap();
        assert_eq!(event.name.as_str(), "é");
        event.data.trim_end().to_owned()
    });
    let expected: Vec<_> = (1..=EVENTS).map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
    drop(events);
    assert_eq!(alive.get(), 0);
}

/// A transport that says which of its errors are final.
struct Picky(VecDeque<Error>);

impl Connect for Picky {
    type Chunk = Vec<u8>;
    type Error = Error;
    type Body = Body;
    type Connecting = future::Ready<Result<Response<Body>, Error>>;

    fn connect(&mut self, _: Attempt) -> Self::Connecting {
        future::ready(match self.0.pop_front().unwrap() {
            "body" => {
                let body = stream::iter([Err("final")]).boxed_local();
                Ok(Response { head: Head::new(200, EVENT_STREAM), body })
            }
            error => Err(error),
        })
    }

    fn is_final(&self, error: &Error) -> bool {
        *error == "final"
    }
}

#[test]
fn a_transport_may_say_that_its_error_is_final() {
    for (errors, expected) in [
        (
            vec!["temporary", "final"],
            vec!["the connection failed: temporary", "no connection can be made: final"],
        ),
        (vec!["body"], vec!["no connection can be made: final"]),
    ] {
        let clock = ManualClock::new();
        let mut client = EventSource::with_timer(Picky(errors.into()), clock.timer(), 7);
        let mut told = Vec::new();
        for _ in 0..10 {
            while let Some(Some(update)) = client.next().now_or_never() {
                if let Update::Lost(lost) = update {
                    assert_eq!(lost.is_final(), lost.transport_error() == Some(&"final"));
                    told.push(lost.to_string());
                }
            }
            clock.advance(seconds(10));
        }
        assert_eq!(told, expected);
        assert_eq!(client.state(), Step::Closed(Reason::Fatal));
    }
}

#[test]
fn a_body_that_is_there_is_read_with_the_decoder_whichever_is_set_first() {
    for body_first in [false, true] {
        let clock = ManualClock::new();
        let server = Server::default();
        let decoder = Decoder::new().comments(true).resume_after(EventId::new("7").unwrap());
        let body = || stream::iter([Ok(b": hello\ndata: a\n\n".to_vec())]).boxed_local();
        let client = client(&server, &clock).policy(Policy::answer());
        let client = if body_first {
            client.begin_open(body()).decoder(decoder)
        } else {
            client.decoder(decoder).begin_open(body())
        };
        let mut client = Box::pin(client);
        assert_eq!(client.last_event_id().as_str(), "7");
        let told = run(client.as_mut(), &clock, seconds(1), words);
        assert_eq!(told[..2], ["comment hello", "event a"]);
        assert_eq!(server.last_event_ids(), [""; 0], "nothing is asked for twice");
    }
}

/// A compiler that takes a lifetime in an error for any lifetime says that such a future isn't `Send`, where the error is a part of the
/// transport's type.
#[test]
fn a_client_may_be_spawned_whatever_its_error() {
    type Answer = http::Response<http_body_util::Full<bytes::Bytes>>;
    fn spawnable<F: Future + Send + 'static>(_: F) {}
    async fn any(_: Attempt) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        future::pending().await
    }
    async fn io(_: Attempt) -> Result<Answer, std::io::Error> {
        future::pending().await
    }
    let clock = ManualClock::new();
    let timer = clock.timer();
    spawnable(async move {
        let transport = HttpTransport::new(|attempt: Attempt| any(attempt));
        let mut events = Box::pin(EventSource::with_timer(transport, timer, 7).events());
        events.next().await
    });
    let timer = clock.timer();
    spawnable(async move {
        let transport = HttpTransport::new(|attempt: Attempt| io(attempt)).final_if(|_| true);
        let mut events = Box::pin(EventSource::with_timer(transport, timer, 7).events());
        events.next().await
    });
}
