//! `tick` on smol: the same stream and the same page. Only what's runtime is another: the accept loop, the IO that hyper gets, and
//! the timer.

use async_signal::{Signal, Signals};
use eventsource_hyper::StallGuard;
use eventsource_smol::Alarm;
use examples::{MAX_CONNECTIONS, Program, STALL, Tick, announce, check_local};
use futures_util::StreamExt;
use http_body_util::Either;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::server::graceful::GracefulShutdown;
use smol::Timer;
use smol::future::or;
use smol::lock::Semaphore;
use smol::net::TcpListener;
use smol_hyper::rt::{FuturesIo, SmolTimer};
use std::convert::Infallible;
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const PROGRAM: Program = Program {
    name: "tick_smol",
    about: "Serves the date and time, every second, as an event stream, on smol.",
    port: 7800,
};

fn main() -> ExitCode {
    PROGRAM.run(|port| smol::block_on(run(port)))
}

async fn run(port: u16) -> Result<(), Box<dyn Error>> {
    let mut interrupted = Signals::new([Signal::Int])?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    announce(listener.local_addr()?);
    let (tick, open) = (Tick::default(), GracefulShutdown::new());
    or(accept(&listener, &tick, &open), async { _ = interrupted.next().await }).await;
    // Open streams would keep their connections open for ever.
    tick.stop().stop();
    // A client that doesn't read isn't waited for.
    or(open.shutdown(), async { _ = Timer::after(Duration::from_secs(1)).await }).await;
    Ok(())
}

/// Serves whoever comes, for ever. One connection too many is closed at once.
async fn accept(listener: &TcpListener, tick: &Tick, open: &GracefulShutdown) {
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // Out of file descriptors, say: others may go, so go on.
        let Ok((client, _)) = listener.accept().await else {
            Timer::after(Duration::from_millis(100)).await;
            continue;
        };
        let Some(seat) = seats.try_acquire_arc() else { continue };
        // Without, a small event could wait for an earlier one's acknowledgement.
        let _ = client.set_nodelay(true);
        let tick = tick.clone();
        let service = service_fn(move |request| {
            let answer = check_local(&request).map(|()| tick.clone().answer::<Alarm>(request));
            async {
                Ok::<_, Infallible>(match answer {
                    Ok(answer) => answer.await.map(Either::Left),
                    Err(refusal) => refusal.map(Either::Right),
                })
            }
        });
        let io = StallGuard::new(FuturesIo::new(client), Alarm::default(), STALL);
        let connection = http1::Builder::new().timer(SmolTimer::new()).serve_connection(io, service);
        let connection = open.watch(connection);
        // A connection that breaks is the client's affair.
        let serve = async move {
            drop(connection.await);
            drop(seat);
        };
        smol::spawn(serve).detach();
    }
}
