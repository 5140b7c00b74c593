//! HTTP/2: many streams over one connection.

use bytes::Bytes;
use core::future::ready;
use core::time::Duration;
use eventsource_core::{Channel, Drain, EndReason, Frame, LastEventId};
use eventsource_hyper::{Answer, EventService, Refusal, read};
use eventsource_tokio::{Alarm, EventStream};
use futures_util::{StreamExt, stream};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::{client, server};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulShutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

/// So many bytes of a stream that the client doesn't read come nevertheless.
const STREAM_WINDOW: u32 = 64 * 1024;

const CHUNK: u32 = 8 * 1024;

async fn within<F: Future>(future: F) -> F::Output {
    timeout(SOON, future).await.expect("in time")
}

/// One connection.
struct Client(SendRequest<Empty<Bytes>>);

impl Client {
    /// Connects to a server that is there for this connection alone, until `graceful` is dropped.
    async fn new<F, A>(service: EventService<F>, graceful: &GracefulShutdown) -> Self
    where
        F: Fn(Parts, LastEventId) -> A + Send + 'static,
        A: Future<Output: Answer<Source: Send + 'static, Timer: Send + 'static>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let server = server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(server), service);
        tokio::spawn(graceful.watch(server));
        let (client, connection) = client::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(64 * STREAM_WINDOW)
            .handshake(TokioIo::new(client))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self(client)
    }

    async fn get(&mut self, path: &str) -> Response<Incoming> {
        let request = Request::get(format!("http://localhost{path}")).body(Empty::new()).unwrap();
        let response = within(self.0.send_request(request)).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        response
    }
}

#[tokio::test]
async fn a_hundred_streams_share_a_connection_and_each_gets_every_event() {
    const STREAMS: usize = 100;
    let channel = Channel::new();
    let service = EventService::broadcast(channel.clone(), Alarm::default);
    let graceful = GracefulShutdown::new();
    let mut client = Client::new(service, &graceful).await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let response = client.get("/").await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        streams.push(Box::pin(read(response.into_body())));
    }
    assert_eq!(channel.stats().subscribers, STREAMS);

    for round in 0..10 {
        let data = round.to_string();
        channel.publish(data.as_str()).unwrap();
        for events in &mut streams {
            assert_eq!(within(events.next()).await.unwrap().unwrap().data, *data);
        }
    }
    channel.close();
    for events in &mut streams {
        assert!(within(events.next()).await.is_none());
    }
}

/// A client of a server on which `/endless` is a stream that never pauses, and `taken` how many bytes of it were asked for;
/// `/broadcast` is the channel's; any other path a quiet stream. When one ends, it's told.
async fn mixed(
    channel: &Channel,
    taken: &Arc<AtomicU32>,
    graceful: &GracefulShutdown,
) -> (Client, mpsc::UnboundedReceiver<(String, EndReason)>) {
    let (told, ends) = mpsc::unbounded_channel();
    let (channel, taken) = (channel.clone(), Arc::clone(taken));
    let chunk = Frame::from("x".repeat(CHUNK as usize));
    let service = EventService::new(move |head: Parts, last_event_id| {
        ready({
            let source = match head.uri.path() {
                "/endless" => {
                    let (chunk, taken) = (chunk.clone(), Arc::clone(&taken));
                    let endless = stream::repeat_with(move || {
                        taken.fetch_add(CHUNK, Ordering::Relaxed);
                        chunk.clone()
                    });
                    endless.boxed()
                }
                "/broadcast" => EventStream::new(channel.subscribe(last_event_id)).boxed(),
                _ => stream::pending().boxed(),
            };
            let (told, path) = (told.clone(), head.uri.path().to_owned());
            EventStream::new(source).on_end(move |end| told.send((path, end.reason())).unwrap())
        })
    });
    (Client::new(service, graceful).await, ends)
}

/// Until as much was asked for as can be sent.
async fn stalled(taken: &AtomicU32) {
    within(async {
        while taken.load(Ordering::Relaxed) < STREAM_WINDOW {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_does_not_hold_up_the_others() {
    let (channel, taken) = (Channel::new(), Arc::default());
    let graceful = GracefulShutdown::new();
    let (mut client, mut ends) = mixed(&channel, &taken, &graceful).await;
    let mut unread = client.get("/endless").await.into_body();
    stalled(&taken).await;

    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(Box::pin(read(client.get("/broadcast").await.into_body())));
    }
    for round in 0..100 {
        // Together many times what a stream may send unread.
        let data = format!("{round}{}", "x".repeat(STREAM_WINDOW as usize / 10));
        channel.publish(data.as_str()).unwrap();
        for events in &mut others {
            assert_eq!(within(events.next()).await.unwrap().unwrap().data, *data);
        }
    }
    let taken_unread = taken.load(Ordering::Relaxed);
    assert!(taken_unread <= STREAM_WINDOW + 2 * CHUNK, "{taken_unread}");
    assert!(ends.try_recv().is_err());

    // Read again, it goes on.
    let mut len = 0;
    while len < 10 * STREAM_WINDOW as usize {
        len += within(unread.frame()).await.unwrap().unwrap().into_data().unwrap().len();
    }
}

#[tokio::test]
async fn a_reset_ends_its_stream_alone_and_at_once() {
    let (channel, taken) = (Channel::new(), Arc::default());
    let graceful = GracefulShutdown::new();
    let (mut client, mut ends) = mixed(&channel, &taken, &graceful).await;
    let mut others = Box::pin(read(client.get("/broadcast").await.into_body()));
    let mut quiet = Vec::new();
    for number in 0..5 {
        quiet.push(client.get(&format!("/quiet/{number}")).await);
    }
    let unread = client.get("/endless").await;
    stalled(&taken).await;
    assert!(ends.try_recv().is_err());

    // Neither the quiet stream nor the one that can't send would ever write: the reset alone tells.
    drop(quiet.remove(3));
    assert_eq!(within(ends.recv()).await, Some(("/quiet/3".into(), EndReason::Dropped)));
    drop(unread);
    assert_eq!(within(ends.recv()).await, Some(("/endless".into(), EndReason::Dropped)));

    for round in ["1", "2", "3"] {
        channel.publish(round).unwrap();
        assert_eq!(&within(others.next()).await.unwrap().unwrap().data[..], round);
    }
    assert!(ends.try_recv().is_err(), "once, and no other");

    // The rest go with the client.
    drop((client, others, quiet));
    let mut left = Vec::new();
    while let Some((path, reason)) = within(ends.recv()).await {
        assert_eq!(reason, EndReason::Dropped, "{path}");
        left.push(path);
    }
    left.sort();
    assert_eq!(left, ["/broadcast", "/quiet/0", "/quiet/1", "/quiet/2", "/quiet/4"]);
}

#[tokio::test]
async fn a_graceful_shutdown_returns_when_the_drain_is_over() {
    let drain = Drain::with_seed(Duration::from_secs(1)..=Duration::from_secs(5), 7);
    let drained = drain.clone();
    let service = EventService::new(move |head: Parts, _| {
        ready(match head.uri.path() {
            "/late" if drained.is_begun() => Err(Refusal::unavailable(Duration::from_secs(7))),
            _ => Ok(EventStream::new(stream::pending::<Frame>()).drain_on(&drained)),
        })
    });
    let graceful = GracefulShutdown::new();
    let mut client = Client::new(service, &graceful).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(client.get("/").await);
    }
    let draining = drain.begin(Duration::from_millis(100), Alarm::default());
    let late = client.get("/late").await;
    assert_eq!(late.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(late.headers()["retry-after"], "7");

    tokio::spawn(draining);
    let (ends, ()) = within(futures_util::future::join(
        futures_util::future::join_all(streams.into_iter().map(BodyExt::collect)),
        graceful.shutdown(),
    ))
    .await;
    for end in ends {
        let sent = end.unwrap().to_bytes();
        assert!(sent.starts_with(b"retry: "), "{}", sent.escape_ascii());
    }
}
