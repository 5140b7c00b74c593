//! hyper on smol, HTTP/1.1 over real sockets.

use core::future::ready;
use core::time::Duration;
use eventsource_core::stream::End;
use eventsource_core::{Channel, EndReason, Frame, KeepAlive};
use eventsource_hyper::{EventService, StallGuard};
use eventsource_smol::{Alarm, EventStream};
use futures_util::stream;
use http::request::Parts;
use hyper::server::conn::http1;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use smol_hyper::rt::FuturesIo;
use std::net::SocketAddr;

const SOON: Duration = Duration::from_secs(20);

async fn within<F: Future>(what: &str, future: F) -> F::Output {
    let late = async {
        smol::Timer::after(SOON).await;
        None
    };
    smol::future::or(async { Some(future.await) }, late).await.expect(what)
}

async fn connect(address: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    client
}

async fn read_until(client: &mut TcpStream, part: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    within("the rest of the response", async {
        while !text.contains(part) {
            let len = client.read(&mut buffer).await.unwrap();
            assert_ne!(len, 0, "{text}");
            text.push_str(core::str::from_utf8(&buffer[..len]).unwrap());
        }
    })
    .await;
    text
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn events_keep_alives_and_the_client_s_close() {
    const QUIET: Duration = Duration::from_millis(20);
    smol::block_on(async {
        let (listener, address) = bind().await;
        let channel = Channel::new();
        let (told, reasons) = smol::channel::unbounded();
        let subscribed = channel.clone();
        let service = EventService::new(move |_: Parts, last_event_id| {
            ready({
                let told = told.clone();
                EventStream::new(subscribed.subscribe(last_event_id))
                    .keep_alive(KeepAlive::new(QUIET))
                    .on_end(move |end: &End| told.try_send(end.reason()).unwrap())
            })
        });
        let server = smol::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            http1::Builder::new().serve_connection(FuturesIo::new(client), service).await
        });

        let mut client = connect(address).await;
        let head = read_until(&mut client, "-0\n\n").await;
        assert!(
            head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("transfer-encoding: chunked"),
            "{head}"
        );
        channel.publish("hello").unwrap();
        read_until(&mut client, "data: hello\n\n").await;
        for _ in 0..3 {
            read_until(&mut client, ":\n\r\n").await;
        }
        assert!(reasons.is_empty());

        drop(client);
        assert_eq!(within("the hook", reasons.recv()).await, Ok(EndReason::Dropped));
        let _ = within("the connection", server).await;
        assert!(reasons.try_recv().is_err(), "told once");
    });
}

#[test]
fn a_close_is_noticed_while_the_stream_is_quiet() {
    smol::block_on(async {
        let (listener, address) = bind().await;
        let (told, reasons) = smol::channel::unbounded();
        let service = EventService::new(move |_: Parts, _| {
            ready({
                let told = told.clone();
                EventStream::new(stream::pending::<Frame>())
                    .keep_alive(KeepAlive::default())
                    .on_end(move |end: &End| told.try_send(end.reason()).unwrap())
            })
        });
        let server = smol::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            http1::Builder::new().serve_connection(FuturesIo::new(client), service).await
        });
        let mut client = connect(address).await;
        read_until(&mut client, "\r\n\r\n").await;
        drop(client);
        assert_eq!(within("the hook", reasons.recv()).await, Ok(EndReason::Dropped));
        let _ = within("the connection", server).await;
    });
}

#[test]
fn a_client_that_stops_reading_is_given_up() {
    smol::block_on(async {
        let (listener, address) = bind().await;
        let (told, reasons) = smol::channel::unbounded();
        let server = smol::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            let client =
                StallGuard::new(FuturesIo::new(client), Alarm::default(), Duration::from_millis(300));
            let stall = client.handle();
            let service = EventService::new(move |_: Parts, _| {
                ready({
                    let told = told.clone();
                    EventStream::new(stream::repeat(Frame::from("spam".repeat(4096))))
                        .stall_on(&stall)
                        .on_end(move |end: &End| told.try_send(end.reason()).unwrap())
                })
            });
            http1::Builder::new().serve_connection(client, service).await
        });
        let mut client = connect(address).await;
        read_until(&mut client, "spam").await;
        assert_eq!(within("the hook", reasons.recv()).await, Ok(EndReason::Stalled));
        assert!(within("the connection", server).await.is_err());
    });
}
