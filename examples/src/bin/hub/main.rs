//! A hub: what is published to a topic goes to everyone who listens to it. `--help` says how.

mod access;
mod client;
mod ended;
mod events;
mod hub;
mod metrics;
mod options;
mod publish;
mod refusal;
mod seats;
mod stats;
mod topic;

use client::Client;
use eventsource_hyper::StallGuard;
use eventsource_tokio::Alarm;
use futures_util::FutureExt;
use hub::Hub;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use options::{HELP, Options};
use seats::{Seat, Seats};
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

/// Connections that there may be beside the event streams: to publish, and to look.
const SPARE: usize = 256;
/// Those of one client.
const SPARE_PER_CLIENT: usize = 64;

/// How much the system takes of what a client doesn't read.
const SEND_BUFFER: u32 = 64 << 10;

/// How long a request's head may take to come, also the next one on a connection.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hub: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(mut options) = Options::from_env()? else {
        print!("{HELP}");
        return Ok(());
    };
    let files = rlimit::increase_nofile_limit(u64::MAX)
        .map_or(1024, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let room = files.saturating_sub(SPARE + 64);
    if options.max_connections > room {
        eprintln!(
            "hub: {room} connections instead of {}: this process can have {files} files open",
            options.max_connections
        );
        options.max_connections = room;
    }
    let listener = listen(options.address).map_err(|error| format!("{}: {error}", options.address))?;
    println!("Open http://{}/ in a browser; Ctrl-C ends it.", listener.local_addr()?);

    let connections =
        Seats::new(options.max_connections + SPARE, options.max_per_client.saturating_add(SPARE_PER_CLIENT));
    let hub = Arc::new(Hub::new(options)?);
    let open = GracefulShutdown::new();
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        () = accept(&listener, &hub, &connections, &open) => {}
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    // Whoever comes meanwhile is told to come back later.
    let draining = hub.drain.begin(hub.options.drain, Alarm::default());
    tokio::select! {
        () = accept(&listener, &hub, &connections, &open) => {}
        () = draining => {}
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    drop(listener);
    let _ = timeout(Duration::from_secs(1), open.shutdown()).await;
    Ok(())
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Each connection inherits it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// Serves whoever comes, for ever.
async fn accept(listener: &TcpListener, hub: &Arc<Hub>, connections: &Seats, open: &GracefulShutdown) {
    loop {
        match listener.accept().await {
            // One too many is closed at once, to which a browser says: later.
            Ok((client, address)) => {
                if let Some(seat) = connections.take(address.ip().to_canonical()) {
                    serve(client, address, seat, Arc::clone(hub), open);
                }
            }
            // Out of file descriptors, say: others may go.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

fn serve(client: TcpStream, address: SocketAddr, seat: Seat, hub: Arc<Hub>, open: &GracefulShutdown) {
    // Without, a small event could wait for an earlier one's acknowledgement.
    let _ = client.set_nodelay(true);
    let io = StallGuard::new(TokioIo::new(client), Alarm::default(), hub.options.stall);
    let client = Client { address: address.ip().to_canonical(), stall: io.handle() };
    let service = service_fn(move |request| Arc::clone(&hub).answer(request, client.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(16 << 10)
        .serve_connection(io, service);
    let connection = open.watch(connection);
    // A connection that breaks is the client's affair. An async block would hold it twice.
    tokio::spawn(connection.map(move |_| drop(seat)));
}
