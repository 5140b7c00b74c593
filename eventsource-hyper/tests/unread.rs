//! Requests with a body that nobody reads, and clients that leave behind it, over real sockets: hyper on tokio and on smol.

use core::future::ready;
use core::pin::Pin;
use core::time::Duration;
use eventsource_core::{EndReason, EventStream};
use eventsource_hyper::{EventService, Refusal, Responder, StallGuard};
use futures_util::{Stream, StreamExt, stream};
use http::{Method, StatusCode};
use hyper::rt::{Read as HyperRead, Write as HyperWrite};
use hyper::server::conn::http1;
use smol_hyper::rt::FuturesIo;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, sleep};

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

fn responder() -> Responder {
    Responder::new().methods([Method::GET, Method::POST])
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
    T: eventsource_core::Timer + Default + Send + 'static,
{
    let guard = StallGuard::new(io, Box::pin(T::default()), Duration::ZERO);
    let stall = guard.handle();
    let service = EventService::new(move |_, _| {
        let told = told.clone();
        let stream = EventStream::<_, T>::new(source(answer)).stall_on(&stall);
        let stream = stream.on_end(move |end| told.send(end.reason()).unwrap());
        ready(if matches!(answer, Answer::Refusal) {
            Err(Refusal::new(StatusCode::UNAUTHORIZED).body("who are you?\n"))
        } else {
            Ok(stream)
        })
    });
    let mut builder = http1::Builder::new();
    builder.half_close(setup.half_close);
    let service = service.responder(responder());
    // How a connection ends is its client's affair.
    let _ = if setup.guard {
        builder.serve_connection(guard, service).await
    } else {
        let StallGuardless(io) = StallGuardless::from(guard);
        builder.serve_connection(io, service).await
    };
}
