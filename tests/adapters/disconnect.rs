//! Clients that go, over real sockets: on tokio, on smol, and in axum.

use eventsource_core::http::RESPONSE_HEAD;
use eventsource_core::stream::End;
use eventsource_core::{Emitter, EndReason};
use socket2::SockRef;
use std::future::ready;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Within this, everything happens that's to happen at once.
const SOON: Duration = Duration::from_secs(20);

/// What a server tells of its stream: that its hook was told a reason, and that its emitter has found the stream closed.
#[derive(Debug, PartialEq)]
enum News {
    Ended(EndReason),
    Closed,
}

fn hook(news: &Sender<News>) -> impl FnOnce(&End) + Send + use<> {
    let news = news.clone();
    move |end| news.send(News::Ended(end.reason())).unwrap()
}

/// A quiet stream's two ends: nothing but the client's going can end it.
fn quiet() -> (Emitter, eventsource_core::stream::Emissions) {
    Emitter::new(1)
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    (listener, address)
}

/// Serves one client on a thread that ends with it.
fn on_tokio(news: Sender<News>) -> SocketAddr {
    let (listener, address) = listen();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (client, _) = listener.accept().await.unwrap();
            let (emitter, emissions) = quiet();
            let stream = eventsource_tokio::EventStream::new(emissions).on_end(hook(&news));
            let driver = eventsource_tokio::drive(stream, client).head(RESPONSE_HEAD);
            let (end, ()) = tokio::join!(driver, emitter.closed());
            assert_eq!(end.unwrap(), EndReason::Dropped);
            news.send(News::Closed).unwrap();
        });
    });
    address
}

fn on_smol(news: Sender<News>) -> SocketAddr {
    let (listener, address) = listen();
    thread::spawn(move || {
        smol::block_on(async {
            let listener = smol::Async::new(listener).unwrap();
            let (client, _) = listener.accept().await.unwrap();
            let (emitter, emissions) = quiet();
            let stream = eventsource_smol::EventStream::new(emissions).on_end(hook(&news));
            let driver = eventsource_smol::drive(stream, client).head(RESPONSE_HEAD);
            let (end, ()) = futures_util::join!(driver, emitter.closed());
            assert_eq!(end.unwrap(), EndReason::Dropped);
            news.send(News::Closed).unwrap();
        });
    });
    address
}

fn in_axum(news: Sender<News>) -> SocketAddr {
    use axum::extract::Request;
    let (listener, address) = listen();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (done, finished) = tokio::sync::oneshot::channel::<()>();
            let done = Arc::new(Mutex::new(Some(done)));
            let news_of_stream = news.clone();
            let route = axum::routing::get(move |request: Request| {
                let response = eventsource_hyper::respond(&request, |_| {
                    let (emitter, emissions) = quiet();
                    let done = done.lock().unwrap().take();
                    tokio::spawn(async move {
                        emitter.closed().await;
                        drop(done);
                    });
                    eventsource_tokio::EventStream::new(emissions).on_end(hook(&news_of_stream))
                });
                ready(response.map(eventsource_hyper::EventBody::into_boxed))
            });
            let serving = axum::serve(listener, axum::Router::new().route("/", route));
            tokio::select! {
                served = serving => served.unwrap(),
                _ = finished => news.send(News::Closed).unwrap(),
            }
        });
    });
    address
}

/// Connects, waits for the head of the response, and goes.
fn visit(address: SocketAddr, go: fn(TcpStream) -> Option<TcpStream>) -> Option<TcpStream> {
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    go(client)
}

fn check(news: &Receiver<News>) {
    let mut told: Vec<_> = (0..2).map(|_| news.recv_timeout(SOON).expect("it's noticed at once")).collect();
    told.sort_by_key(|news| *news == News::Closed);
    assert_eq!(told, [News::Ended(EndReason::Dropped), News::Closed]);
    // The server's thread has ended, and nobody was told anything more.
    assert!(news.recv_timeout(SOON).is_err_and(|error| error == RecvTimeoutError::Disconnected));
}

#[test]
fn every_way_to_go_is_noticed_at_once_and_told_once() {
    type Server = fn(Sender<News>) -> SocketAddr;
    type Way = fn(TcpStream) -> Option<TcpStream>;
    let servers: [(&str, Server); 3] = [("tokio", on_tokio), ("smol", on_smol), ("axum", in_axum)];
    let ways: [(&str, Way); 3] = [
        ("FIN", |client| {
            drop(client);
            None
        }),
        ("RST", |client| {
            SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
            None
        }),
        ("half-close", |client| {
            client.shutdown(Shutdown::Write).unwrap();
            Some(client)
        }),
    ];
    for (server, serve) in servers {
        for (way, go) in ways {
            println!("{way} on {server}");
            let (sender, news) = channel();
            let still_there = visit(serve(sender), go);
            check(&news);
            drop(still_there);
        }
    }
}
