//! Requests with a body that nobody reads, and clients that leave behind it, over real sockets: hyper on tokio and on smol.

use core::future::ready;
use core::pin::Pin;
use core::time::Duration;
use eventsource_core::stream::StallHandle;
use eventsource_core::{EndReason, EventStream, Timer};
use eventsource_hyper::{EventService, Refusal, Responder, StallGuard};
use futures_util::{Stream, StreamExt, stream};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::rt::{Read as HyperRead, Write as HyperWrite};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use smol_hyper::rt::FuturesIo;
use socket2::{Domain, Socket, Type};
use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, sleep};
use std::time::Instant;

const SOON: Duration = Duration::from_secs(60);

/// What the service does.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// So many events of so many bytes.
    Events(usize, usize),
    /// A stream that nothing ends but the client.
    Quiet,
    Refusal,
}

/// How hyper's connection is set up.
#[derive(Clone, Copy, Debug, Default)]
struct Setup {
    guard: bool,
    half_close: bool,
}

fn source(answer: Answer) -> Pin<Box<dyn Stream<Item = String> + Send>> {
    match answer {
        Answer::Events(count, len) => stream::iter((0..count).map(move |_| "x".repeat(len))).boxed(),
        Answer::Quiet | Answer::Refusal => stream::pending().boxed(),
    }
}

async fn serve<I, T>(io: I, answer: Answer, setup: Setup, told: Sender<EndReason>)
where
    I: HyperRead + HyperWrite + Unpin,
    T: Timer + Default + Send + 'static,
{
    if setup.guard {
        let guard = StallGuard::new(io, T::default(), Duration::ZERO);
        let stall = guard.handle();
        serve_on::<_, T>(guard, answer, setup, told, Some(stall)).await;
    } else {
        serve_on::<_, T>(io, answer, setup, told, None).await;
    }
}

async fn serve_on<I, T>(
    io: I,
    answer: Answer,
    setup: Setup,
    told: Sender<EndReason>,
    stall: Option<StallHandle>,
) where
    I: HyperRead + HyperWrite + Unpin,
    T: Timer + Default + Send + 'static,
{
    let service = EventService::new(move |_, _| {
        let told = told.clone();
        let mut stream = EventStream::<_, T>::new(source(answer));
        if let Some(stall) = &stall {
            stream = stream.stall_on(stall);
        }
        let stream = stream.on_end(move |end| told.send(end.reason()).unwrap());
        ready(if matches!(answer, Answer::Refusal) {
            Err(Refusal::new(StatusCode::UNAUTHORIZED).body("who are you?\n"))
        } else {
            Ok(stream)
        })
    });
    let service = service.responder(Responder::new().methods([Method::GET, Method::POST]));
    // How a connection ends is its client's affair.
    let _ = http1::Builder::new().half_close(setup.half_close).serve_connection(io, service).await;
}

type Server = fn(Answer, Setup, Sender<EndReason>) -> SocketAddr;

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn on_tokio(answer: Answer, setup: Setup, told: Sender<EndReason>) -> SocketAddr {
    let (listener, address) = listen();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        client.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = TokioIo::new(tokio::net::TcpStream::from_std(client).unwrap());
            serve::<_, eventsource_tokio::Alarm>(client, answer, setup, told).await;
        });
    });
    address
}

fn on_smol(answer: Answer, setup: Setup, told: Sender<EndReason>) -> SocketAddr {
    let (listener, address) = listen();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        smol::block_on(async {
            let client = FuturesIo::new(smol::net::TcpStream::try_from(client).unwrap());
            serve::<_, eventsource_smol::Alarm>(client, answer, setup, told).await;
        });
    });
    address
}

const SERVERS: [(&str, Server); 2] = [("tokio", on_tokio), ("smol", on_smol)];

fn connect(address: SocketAddr, receive_buffer: Option<usize>) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    if let Some(size) = receive_buffer {
        socket.set_recv_buffer_size(size).unwrap();
    }
    socket.connect(&address.into()).unwrap();
    let client = TcpStream::from(socket);
    client.set_read_timeout(Some(SOON)).unwrap();
    client
}

fn head(method: &str, body: usize) -> String {
    format!("{method} / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {body}\r\n\r\n")
}

/// Sends a request and, meanwhile, reads the whole answer.
fn ask(address: SocketAddr, body: usize, receive_buffer: Option<usize>, pause: Duration) -> String {
    let mut client = connect(address, receive_buffer);
    client.write_all(head("POST", body).as_bytes()).unwrap();
    let mut writer = client.try_clone().unwrap();
    let sending = thread::spawn(move || {
        for part in vec![b'x'; body].chunks(100_000) {
            writer.write_all(part).expect("the body is taken");
        }
    });
    let (mut answer, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let len = client.read(&mut part).unwrap_or_else(|error| panic!("{} bytes: {error}", answer.len()));
        if len == 0 {
            break;
        }
        answer.extend_from_slice(&part[..len]);
        sleep(pause);
    }
    sending.join().unwrap();
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_whole_answer_arrives_though_nobody_reads_the_body() {
    for (body, events, event, receive_buffer, pause) in [
        (9_000, 16, 1024, Some(2048), Duration::from_millis(2)),
        (300_000, 16, 1 << 20, None, Duration::ZERO),
        // The body comes when the answer is there already.
        (10_000_000, 1, 1, None, Duration::ZERO),
    ] {
        for (runtime, server) in SERVERS {
            for guard in [false, true] {
                println!("{body} bytes, {events} events of {event} on {runtime}, guard: {guard}");
                let (told, reasons) = channel();
                let setup = Setup { guard, ..Setup::default() };
                let address = server(Answer::Events(events, event), setup, told);
                let answer = ask(address, body, receive_buffer, pause);
                assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n0\r\n\r\n"));
                assert_eq!(answer.matches("data: x").count(), events);
                assert_eq!(reasons.recv_timeout(SOON), Ok(EndReason::SourceEnded));
            }
        }
    }
}

#[test]
fn a_guard_closes_in_stages_whatever_the_answer_is() {
    for (runtime, server) in SERVERS {
        for body in [9_000, 10_000_000] {
            println!("{body} bytes on {runtime}");
            let setup = Setup { guard: true, ..Setup::default() };
            let answer = ask(server(Answer::Refusal, setup, channel().0), body, None, Duration::ZERO);
            assert!(answer.starts_with("HTTP/1.1 401 ") && answer.ends_with("who are you?\n"), "{answer}");
        }
    }
}

#[test]
fn who_sends_the_body_once_the_answer_has_begun_gets_all_of_it() {
    for (runtime, server) in SERVERS {
        for guard in [false, true] {
            println!("{runtime}, guard: {guard}");
            let setup = Setup { guard, ..Setup::default() };
            let (told, _reasons) = channel();
            let mut client = connect(server(Answer::Events(5, 100_000), setup, told), None);
            let head = head("POST", 10_000_000).replacen("\r\n", "\r\nexpect: 100-continue\r\n", 1);
            client.write_all(head.as_bytes()).unwrap();
            let mut first = [0; 12];
            client.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            let mut writer = client.try_clone().unwrap();
            let sending = thread::spawn(move || {
                for part in vec![b'x'; 10_000_000].chunks(100_000) {
                    writer.write_all(part).expect("the body is taken");
                }
            });
            let (mut answer, mut part) = (Vec::new(), vec![0; 20_000]);
            loop {
                let len = client.read(&mut part).unwrap_or_else(|error| panic!("{}: {error}", answer.len()));
                if len == 0 {
                    break;
                }
                answer.extend_from_slice(&part[..len]);
                sleep(Duration::from_millis(5));
            }
            sending.join().unwrap();
            assert!(answer.ends_with(b"\r\n0\r\n\r\n") && answer.len() > 500_000);
        }
    }
}

#[test]
fn an_idle_connection_holds_no_shutdown_up() {
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        client.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = TokioIo::new(tokio::net::TcpStream::from_std(client).unwrap());
            let guard = StallGuard::new(client, eventsource_tokio::Alarm::default(), Duration::ZERO);
            let service =
                EventService::new(|_, _| ready(eventsource_tokio::EventStream::new(stream::iter(["x"]))));
            let connection = http1::Builder::new().serve_connection(guard, service);
            let mut connection = core::pin::pin!(connection);
            // Until the client has its answer, and then without it.
            let asked = tokio::time::timeout(Duration::from_millis(500), connection.as_mut()).await;
            assert!(asked.is_err());
            let start = Instant::now();
            connection.as_mut().graceful_shutdown();
            connection.await.unwrap();
            start.elapsed()
        })
    });
    let mut client = connect(address, None);
    client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let took = server.join().unwrap();
    assert!(took < Duration::from_secs(4), "{took:?}");
    drop(client);
}

#[tokio::test]
async fn over_http_2_the_end_waits_for_no_body() {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let service =
            EventService::new(|_, _| ready(eventsource_tokio::EventStream::new(stream::iter(["one"]))));
        let service = service.responder(Responder::new().methods([Method::POST]));
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(client), service).await
    });
    let client = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), client).await.unwrap();
    tokio::spawn(connection);
    let begun = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")))]);
    let request = Request::post(format!("http://{address}/"));
    let request = request.body(StreamBody::new(begun.chain(stream::pending()).boxed())).unwrap();
    let start = Instant::now();
    let body = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "data: one\n\n");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

/// Sends something, waits for the head of the answer, and leaves.
fn leave(address: SocketAddr, sent: &str, way: fn(TcpStream) -> Option<TcpStream>) -> Option<TcpStream> {
    let mut client = connect(address, None);
    client.write_all(sent.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    way(client)
}

const WAYS: [fn(TcpStream) -> Option<TcpStream>; 2] = [
    |client| {
        drop(client);
        None
    },
    |client| {
        client.shutdown(Shutdown::Write).unwrap();
        Some(client)
    },
];

fn assert_told(reasons: &Receiver<EndReason>) {
    // So soon that nothing else can have ended it: it has no keep-alive.
    assert_eq!(reasons.recv_timeout(Duration::from_secs(10)), Ok(EndReason::Dropped));
}

#[test]
fn the_client_s_leaving_is_noticed_behind_a_body() {
    let part = |method, announced, sent| head(method, announced) + &"x".repeat(sent);
    for (runtime, server) in SERVERS {
        for guard in [false, true] {
            for sent in [part("POST", 300_000, 300_000), part("POST", 300_000, 100_000), part("GET", 5, 5)] {
                for way in WAYS {
                    println!("{} bytes on {runtime}, guard: {guard}", sent.len());
                    let (told, reasons) = channel();
                    let setup = Setup { guard, ..Setup::default() };
                    let still_there = leave(server(Answer::Quiet, setup, told), &sent, way);
                    assert_told(&reasons);
                    drop(still_there);
                }
            }
        }
    }
}

#[test]
fn with_a_guard_the_client_s_leaving_is_noticed_behind_what_hyper_does_not_read() {
    let get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for (runtime, server) in SERVERS {
        for half_close in [false, true] {
            for sent in [get.to_owned(), format!("{get}\r\n"), get.repeat(20)] {
                for way in WAYS {
                    println!("{} bytes on {runtime}, half_close: {half_close}", sent.len());
                    let (told, reasons) = channel();
                    let setup = Setup { guard: true, half_close };
                    let still_there = leave(server(Answer::Quiet, setup, told), &sent, way);
                    assert_told(&reasons);
                    drop(still_there);
                }
            }
        }
    }
}

#[test]
fn who_closes_its_side_after_the_request_gets_an_answer_that_is_no_stream() {
    for (_, server) in SERVERS {
        for _ in 0..20 {
            let setup = Setup { guard: true, half_close: true };
            let mut client = connect(server(Answer::Refusal, setup, channel().0), None);
            client.write_all((head("POST", 1000) + &"x".repeat(1000)).as_bytes()).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 401 ") && answer.ends_with("who are you?\n"), "{answer}");
        }
    }
}

/// Two requests on one connection: what was read ahead during the first is answered as the second.
#[test]
fn what_was_read_ahead_is_served() {
    let last = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    for (_, server) in SERVERS {
        let (told, reasons) = channel();
        let setup = Setup { guard: true, half_close: true };
        let address = server(Answer::Events(3, 1000), setup, told);
        let mut client = connect(address, None);
        client.write_all(format!("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n{last}").as_bytes()).unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).unwrap();
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
        assert_eq!(answers.matches("data: x").count(), 6);
        assert_eq!(reasons.iter().take(2).collect::<Vec<_>>(), [EndReason::SourceEnded; 2]);
    }
}
