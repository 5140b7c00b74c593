//! What is sent, and what is told of it.

use crate::harness::{ENDED, GONE, event, get, heard, heard_all, quick, request, serve_each, with_id};
use crate::server::Reply;
use crate::transport::Transport;
use eventsource_core::client::{Attempt, SourceStats};
use eventsource_core::{Decoder, EventId};
use futures_util::StreamExt;
use http::Request;
use hyper::body::Bytes;
use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::Once;
use std::time::Instant;
use tracing::callsite::rebuild_interest_cache;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

pub(crate) async fn the_default_method_and_headers<T: Transport>() {
    let server = serve_each::<T>([Reply::text("data: a\n\n")]);
    let mut source = T::source(get(server.url("/a?b=c"))).policy(quick());
    heard_all(&mut source).await;
    // At a reconnection they are the same.
    for exchange in server.exchanges() {
        assert_eq!((&exchange.method[..], &exchange.target[..]), ("GET", "/a?b=c"));
        assert_eq!(exchange.fields("accept"), [b"text/event-stream"]);
        assert_eq!(exchange.fields("cache-control"), [b"no-cache"]);
        assert_eq!(exchange.last_event_id(), None);
        assert_eq!(exchange.field("accept-encoding"), None, "nobody asked for compression");
        assert_eq!(exchange.body, b"");
    }
    assert_eq!(server.count(), 2);
}

pub(crate) async fn custom_headers_and_methods<T: Transport>() {
    for (method, body) in [("GET", ""), ("POST", "{\"a\": 1}"), ("REPORT", "<a/>")] {
        let server = serve_each::<T>([Reply::text("data: a\n\n")]);
        let fields = &[("x-one", "1"), ("x-two", "2"), ("content-type", "text/x")];
        let mut source = T::source(request(method, server.url("/"), fields, body));
        assert_eq!(heard(&mut source, 2).await, ["open 200", &event("a")]);
        let [asked] = &server.exchanges()[..] else { panic!("{server:?}") };
        assert_eq!((&asked.method[..], &asked.body[..]), (method, body.as_bytes()));
        for (name, value) in fields {
            assert_eq!(asked.fields(name), [value.as_bytes()], "{method}");
        }
    }
}

pub(crate) async fn a_last_event_id_of_an_earlier_life_is_sent<T: Transport>() {
    let server = serve_each::<T>([Reply::text("data: a\n\n")]);
    let decoder = Decoder::new().resume_after(EventId::new("seed").unwrap());
    let mut source = T::source(get(server.url("/"))).policy(quick()).decoder(decoder);
    assert_eq!(heard_all(&mut source).await, ["open 200", &with_id("seed", "a"), ENDED, GONE]);
    assert_eq!(server.last_event_ids(), [Some("seed".to_owned()), Some("seed".to_owned())]);
}

pub(crate) async fn each_attempt_has_a_request_of_its_own<T: Transport>() {
    let server = serve_each::<T>([Reply::text("data: a\n\n"), Reply::text("data: b\n\n")]);
    let url = server.url("");
    let make = move |attempt: Attempt| {
        let number = attempt.number();
        let request = Request::post(format!("{url}/{number}")).header("authorization", number);
        request.body(Bytes::from(format!("body {number}"))).unwrap()
    };
    heard_all(&mut T::source(make).policy(quick())).await;
    let asked: Vec<_> = server
        .exchanges()
        .iter()
        .map(|asked| {
            let body = String::from_utf8(asked.body.clone()).unwrap();
            format!("{} {} {body}", asked.target, asked.field("authorization").unwrap())
        })
        .collect();
    assert_eq!(asked, ["/1 1 body 1", "/2 2 body 2", "/3 3 body 3"]);
}

pub(crate) async fn the_statistics<T: Transport>() {
    let first = "data: a\n\ndata: b\n\n";
    let second = "data: c\n\n";
    let server = serve_each::<T>([Reply::status(503), Reply::text(first), Reply::text(second)]);
    let mut source = T::source(get(server.url("/"))).policy(quick());
    let stats = |source: &SourceStats| (source.attempts, source.connections, source.events, source.bytes);
    let before = Instant::now();
    assert_eq!(source.stats(), SourceStats::default());
    let mut seen = Vec::new();
    while source.next().await.is_some() {
        let now = source.stats();
        seen.push((stats(&now), now.open_since.is_some()));
        assert!(now.open_since.is_none_or(|since| since >= before && since <= Instant::now()));
    }
    let (one, two) = (first.len() as u64, (first.len() + second.len()) as u64);
    let expected = [
        ((1, 0, 0, 0), false),
        ((2, 1, 0, 0), true),
        ((2, 1, 1, one), true),
        ((2, 1, 2, one), true),
        ((2, 1, 2, one), false),
        ((3, 2, 2, one), true),
        ((3, 2, 3, two), true),
        ((3, 2, 3, two), false),
        ((4, 2, 3, two), false),
    ];
    assert_eq!(seen, expected);
}

thread_local! {
    /// What was told by the crate `tracing` to this thread, without the numbers of its fields: each test has a thread of its own.
    static LOG: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

struct Log;

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // HTTP clients have logs of their own.
        if event.metadata().target().starts_with("eventsource_core") {
            let mut message = Message::default();
            event.record(&mut message);
            LOG.with_borrow_mut(|log| log.push((*event.metadata().level(), message.0)));
        }
    }
}

/// For all threads: whether anybody listens is asked once for each place that tells, and by whichever thread comes there first.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Log)).unwrap();
        rebuild_interest_cache();
    });
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.0.insert_str(0, &format!("{value:?}")),
            "attempt" | "reason" | "resumes" | "status" => {
                write!(self.0, ", {} {value:?}", field.name()).unwrap();
            }
            _ => {}
        }
    }
}

pub(crate) async fn a_log<T: Transport>() {
    let server = serve_each::<T>([Reply::text("id: 7\ndata: a\n\n"), Reply::status(401)]);
    listen();
    heard_all(&mut T::source(get(server.url("/"))).policy(quick())).await;
    let told = LOG.take();
    let told: Vec<_> = told.iter().map(|(level, message)| (*level, &message[..])).collect();
    assert_eq!(
        told,
        [
            (Level::DEBUG, "connecting to an event stream, attempt 1, resumes false"),
            (Level::DEBUG, "the event stream is open, attempt 1, status 200"),
            (
                Level::DEBUG,
                "the event stream was lost, reconnecting, attempt 1, reason the server ended the event stream"
            ),
            (Level::DEBUG, "connecting to an event stream, attempt 2, resumes true"),
            (
                Level::WARN,
                "the event stream was lost for good, attempt 2, reason the server answered with status 401"
            ),
        ]
    );
}
