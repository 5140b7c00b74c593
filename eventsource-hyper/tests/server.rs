//! hyper and axum, over real sockets.

use core::time::Duration;
use eventsource_core::{EndReason, Frame, LastEventId, StopHandle};
use eventsource_hyper::{EventService, respond};
use eventsource_tokio::EventStream;
use futures_util::stream;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

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
        let told = told.clone();
        EventStream::new(stream::pending::<Frame>()).on_end(move |end| told.send(end.reason()).unwrap())
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
    let service = EventService::new(|_, _| EventStream::new(stream::iter(["a", "b"])));
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
            EventService::new(move |_, _| EventStream::new(stream::pending::<Frame>()).stop_on(&stop));
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
