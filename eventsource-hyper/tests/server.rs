//! hyper and axum, over real sockets.

use core::future::ready;
use core::time::Duration;
use eventsource_core::{Drain, EndReason, Frame, LastEventId, Source, StopHandle};
use eventsource_hyper::{EventService, Refusal, StallGuard, respond};
use eventsource_tokio::{Alarm, EventStream};
use futures_util::{StreamExt, stream};
use http::request::Parts;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(20);

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn send(address: SocketAddr, request: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    client
}

/// Reads until the text so far ends in `end`.
async fn read_until(client: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    timeout(SOON, async {
        while !text.ends_with(end.as_bytes()) {
            assert_ne!(client.read_buf(&mut text).await.unwrap(), 0, "{}", text.escape_ascii());
        }
    })
    .await
    .expect("the rest of the response");
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn the_head_goes_out_before_the_first_event_and_a_close_drops_the_stream() {
    let (listener, address) = bind().await;
    let (told, mut reasons) = mpsc::unbounded_channel();
    let service = EventService::new(move |_, _| {
        ready({
            let told = told.clone();
            EventStream::new(stream::pending::<Frame>()).on_end(move |end| told.send(end.reason()).unwrap())
        })
    });
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        http1::Builder::new().serve_connection(TokioIo::new(client), service).await
    });
    let mut client = send(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let head = read_until(&mut client, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("transfer-encoding: chunked"), "{head}");
    drop(client);
    assert_eq!(timeout(SOON, reasons.recv()).await.unwrap(), Some(EndReason::Dropped));
}

#[tokio::test]
async fn http_1_0_gets_no_chunks() {
    let (listener, address) = bind().await;
    let service = EventService::new(|_, _| ready(EventStream::new(stream::iter(["a", "b"]))));
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        http1::Builder::new().serve_connection(TokioIo::new(client), service).await
    });
    let mut client = send(address, "GET / HTTP/1.0\r\n\r\n").await;
    let mut response = String::new();
    timeout(SOON, client.read_to_string(&mut response)).await.unwrap().unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("chunked"), "{head}");
    assert_eq!(body, "data: a\n\ndata: b\n\n");
}

#[tokio::test]
async fn peer_fault_14_graceful_shutdown_returns_with_streams_open() {
    let (listener, address) = bind().await;
    let stop = StopHandle::new();
    let graceful = GracefulShutdown::new();
    let mut clients = Vec::new();
    for _ in 0..20 {
        let stop = stop.clone();
        let service =
            EventService::new(move |_, _| ready(EventStream::new(stream::pending::<Frame>()).stop_on(&stop)));
        clients.push(send(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await);
        let (client, _) = listener.accept().await.unwrap();
        let connection = http1::Builder::new().serve_connection(TokioIo::new(client), service);
        tokio::spawn(graceful.watch(connection));
    }
    for client in &mut clients {
        read_until(client, "\r\n\r\n").await;
    }
    stop.stop();
    timeout(SOON, graceful.shutdown()).await.expect("shut down");
    for mut client in clients {
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "0\r\n\r\n", "the response ended well");
    }
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_open() {
    let (listener, address) = bind().await;
    let service = EventService::new(|head: Parts, _| {
        ready(match head.uri.path() {
            "/" => Ok(EventStream::new(stream::iter(["hello"]))),
            "/over" => Err(Refusal::no_content()),
            _ => Err(Refusal::unavailable(Duration::from_millis(4500))),
        })
    });
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        http1::Builder::new().serve_connection(TokioIo::new(client), service).await
    });
    let mut client = send(address, "GET /over HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let over = read_until(&mut client, "\r\n\r\n").await;
    assert!(over.starts_with("HTTP/1.1 204 No Content\r\n") && !over.contains("\ncontent-"), "{over}");
    client.write_all(b"GET /later HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let later = read_until(&mut client, "\r\n\r\nthere is no stream at the moment\n").await;
    assert!(later.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{later}");
    assert!(later.contains("\nretry-after: 5\r\n"), "{later}");
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut client, "data: hello\n\n\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn axum_in_one_line() {
    let (listener, address) = bind().await;
    let handler = async |request: axum::extract::Request| {
        respond(&request, |last_event_id| {
            assert_eq!(last_event_id, LastEventId::parse(b"41"));
            EventStream::new(stream::iter(["42"]))
        })
    };
    let app = axum::Router::new().route("/", axum::routing::get(handler));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut client = send(address, "GET / HTTP/1.1\r\nhost: x\r\nlast-event-id: 41\r\n\r\n").await;
    let response = read_until(&mut client, "0\r\n\r\n").await;
    assert!(response.contains("data: 42\n\n"), "{response}");
}

#[tokio::test(start_paused = true)]
async fn peer_fault_22_a_client_that_stops_reading_is_given_up() {
    const PATIENCE: Duration = Duration::from_secs(30);
    let (client, server) = tokio::io::duplex(1024);
    let server = StallGuard::new(TokioIo::new(server), Alarm::default(), PATIENCE);
    let (stall, (told, mut reasons)) = (server.handle(), mpsc::unbounded_channel());
    let service = EventService::new(move |_, _| {
        ready({
            let told = told.clone();
            EventStream::new(stream::repeat("spam"))
                .stall_on(&stall)
                .on_end(move |end| told.send(end.reason()).unwrap())
        })
    });
    let connection = tokio::spawn(http1::Builder::new().serve_connection(server, service));
    let (mut reader, mut writer) = tokio::io::split(client);
    writer.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();

    // As long as the client takes a little now and then, it's well.
    let mut some = [0; 64];
    for _ in 0..5 {
        tokio::time::sleep(PATIENCE * 9 / 10).await;
        reader.read_exact(&mut some).await.unwrap();
    }
    assert!(!connection.is_finished());

    let stopped = Instant::now();
    let error = connection.await.unwrap().unwrap_err();
    assert!(
        (PATIENCE..PATIENCE + Duration::from_secs(1)).contains(&stopped.elapsed()),
        "{:?}",
        stopped.elapsed()
    );
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    assert_eq!(cause.map(std::io::Error::kind), Some(std::io::ErrorKind::TimedOut));
    assert_eq!(reasons.recv().await, Some(EndReason::Stalled));
}

/// So many streams are open when a server is to shut down.
const STREAMS: u64 = 1000;
const WINDOW: Duration = Duration::from_secs(2);

/// Reads each client to the end of its response. Returns how many ended in each fifth of the window.
async fn read_to_ends(clients: Vec<TcpStream>) -> [u64; 5] {
    let begin = Instant::now();
    let mut fifths = [0; 5];
    let mut ends = tokio::task::JoinSet::new();
    for mut client in clients {
        ends.spawn(async move {
            let mut rest = String::new();
            client.read_to_string(&mut rest).await.unwrap();
            assert!(rest.contains("retry: ") && rest.ends_with("0\r\n\r\n"), "{rest}");
            begin.elapsed()
        });
    }
    while let Some(end) = ends.join_next().await {
        let fifth = end.unwrap().as_nanos() * 5 / WINDOW.as_nanos();
        fifths[usize::try_from(fifth).unwrap().min(4)] += 1;
    }
    fifths
}

async fn connect_all(address: SocketAddr) -> Vec<TcpStream> {
    let mut clients = Vec::new();
    for _ in 0..STREAMS {
        let mut client = send(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        read_until(&mut client, "data: welcome\n\n\r\n").await;
        clients.push(client);
    }
    clients
}

fn drain() -> Drain {
    rlimit::increase_nofile_limit(8192).unwrap();
    Drain::with_seed(Duration::from_secs(1)..=Duration::from_secs(5), 7)
}

fn welcome(drain: &Drain) -> EventStream<impl Source + use<>> {
    EventStream::new(stream::iter(["welcome"]).chain(stream::pending())).drain_on(drain)
}

#[tokio::test]
async fn a_graceful_shutdown_of_hyper_returns_when_the_drain_is_over() {
    let (listener, address) = bind().await;
    let (drain, graceful) = (drain(), GracefulShutdown::new());
    let of_streams = drain.clone();
    let server = tokio::spawn(async move {
        for _ in 0..STREAMS {
            let (client, _) = listener.accept().await.unwrap();
            let drain = of_streams.clone();
            let service = EventService::new(move |_, _| ready(welcome(&drain)));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(client), service);
            tokio::spawn(graceful.watch(connection));
        }
        graceful
    });
    let clients = connect_all(address).await;
    let graceful = server.await.unwrap();
    assert_eq!(drain.streams() as u64, STREAMS);

    let ends = tokio::spawn(read_to_ends(clients));
    let begin = Instant::now();
    tokio::spawn(drain.begin(WINDOW, Alarm::default()));
    graceful.shutdown().await;
    let took = begin.elapsed();
    assert!(took < WINDOW + Duration::from_secs(1), "{took:?}");
    let fifths = ends.await.unwrap();
    assert!(fifths.iter().all(|&ended| ended <= 3 * STREAMS / 5), "spread over the window: {fifths:?}");
}

#[tokio::test]
async fn a_graceful_shutdown_of_axum_returns_when_the_drain_is_over() {
    let (listener, address) = bind().await;
    let drain = drain();
    let of_streams = drain.clone();
    let handler = async move |request: axum::extract::Request| respond(&request, |_| welcome(&of_streams));
    let app = axum::Router::new().route("/", axum::routing::get(handler));
    let (shutdown, wanted) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(wanted.await) });
    let server = tokio::spawn(async move { server.await });
    let clients = connect_all(address).await;

    let ends = tokio::spawn(read_to_ends(clients));
    let begin = Instant::now();
    tokio::spawn(drain.begin(WINDOW, Alarm::default()));
    shutdown.send(()).unwrap();
    server.await.unwrap().unwrap();
    let took = begin.elapsed();
    assert!(took < WINDOW + Duration::from_secs(1), "{took:?}");
    let fifths = ends.await.unwrap();
    assert!(fifths.iter().all(|&ended| ended <= 3 * STREAMS / 5), "spread over the window: {fifths:?}");
}
