//! Clients whose request has a body that nobody reads get the whole answer, over real sockets: on tokio and on smol.

use eventsource_core::EndReason;
use eventsource_core::http::RESPONSE_HEAD;
use futures_util::stream;
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(50);

/// How the answer and the request look.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    body: usize,
    events: usize,
    event: usize,
    /// The client's receive buffer, and how long it waits between two reads.
    buffer: Option<usize>,
    pause: Duration,
}

const EXCHANGES: [Exchange; 3] = [
    Exchange { body: 5_000, events: 16, event: 1024, buffer: Some(2048), pause: Duration::from_millis(2) },
    Exchange { body: 300_000, events: 16, event: 1 << 20, buffer: None, pause: Duration::ZERO },
    // The body comes when the answer is there already.
    Exchange { body: 10_000_000, events: 1, event: 1, buffer: None, pause: Duration::ZERO },
];

type Server = JoinHandle<EndReason>;

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Reads a head, as drivers want it.
fn accept(listener: &TcpListener) -> TcpStream {
    let (mut client, _) = listener.accept().unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    client.set_nonblocking(true).unwrap();
    client
}

fn events(exchange: Exchange) -> impl futures_util::Stream<Item = String> {
    stream::iter((0..exchange.events).map(move |_| "x".repeat(exchange.event)))
}

fn on_tokio(exchange: Exchange) -> (Server, SocketAddr) {
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let client = accept(&listener);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = tokio::net::TcpStream::from_std(client).unwrap();
            let stream = eventsource_tokio::EventStream::new(events(exchange));
            eventsource_tokio::drive(stream, client).head(RESPONSE_HEAD).await.unwrap()
        })
    });
    (server, address)
}

fn on_smol(exchange: Exchange) -> (Server, SocketAddr) {
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let client = accept(&listener);
        smol::block_on(async {
            // Unlike `Async`, it closes its writing side when it is told to.
            let client = smol::net::TcpStream::try_from(client).unwrap();
            let stream = eventsource_smol::EventStream::new(events(exchange));
            eventsource_smol::drive(stream, client).head(RESPONSE_HEAD).await.unwrap()
        })
    });
    (server, address)
}

fn ask(address: SocketAddr, exchange: Exchange) -> Vec<u8> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    if let Some(size) = exchange.buffer {
        socket.set_recv_buffer_size(size).unwrap();
    }
    socket.connect(&address.into()).unwrap();
    let mut client = TcpStream::from(socket);
    client.set_read_timeout(Some(SOON)).unwrap();
    let head = format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", exchange.body);
    client.write_all(head.as_bytes()).unwrap();
    let mut writer = client.try_clone().unwrap();
    let sending = thread::spawn(move || {
        let mut left = exchange.body;
        while left > 0 {
            let len = left.min(100_000);
            writer.write_all(&vec![b'x'; len]).expect("the body is taken");
            left -= len;
        }
    });
    let (mut answer, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let len = client.read(&mut part).unwrap_or_else(|error| panic!("{} bytes: {error}", answer.len()));
        if len == 0 {
            break;
        }
        answer.extend_from_slice(&part[..len]);
        sleep(exchange.pause);
    }
    sending.join().unwrap();
    answer
}

#[test]
fn the_whole_answer_arrives_though_nobody_reads_the_body() {
    for exchange in EXCHANGES {
        let answered = RESPONSE_HEAD.len() + exchange.events * (exchange.event + "data: \n\n".len());
        for (runtime, serve) in
            [("tokio", on_tokio as fn(Exchange) -> (Server, SocketAddr)), ("smol", on_smol)]
        {
            let (server, address) = serve(exchange);
            let answer = ask(address, exchange);
            assert_eq!(answer.len(), answered, "{exchange:?} on {runtime}");
            assert_eq!(server.join().unwrap(), EndReason::SourceEnded);
        }
    }
}
