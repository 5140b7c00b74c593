//! A hub: what is published to a topic goes to everyone who listens to it. `--help` says how.
#![forbid(unsafe_code)]

mod access;
mod client;
mod connection;
mod ended;
mod events;
mod head_guard;
mod hub;
mod json;
mod metrics;
mod options;
mod page;
mod publish;
mod refusal;
mod seats;
mod stats;
mod text;
mod topic;

use eventsource_tokio::Alarm;
use hub::Hub;
use hyper_util::server::graceful::GracefulShutdown;
use options::{HELP, Options};
use seats::Seats;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// Connections that there may be beside the event streams: to publish, and to look.
const SPARE: usize = 256;
/// Those of one client.
const SPARE_PER_CLIENT: usize = 64;

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
    let listener =
        connection::listen(options.address).map_err(|error| format!("{}: {error}", options.address))?;
    println!("Open http://{}/ in a browser; Ctrl-C ends it.", listener.local_addr()?);

    let connections =
        Seats::new(options.max_connections + SPARE, options.max_per_client.saturating_add(SPARE_PER_CLIENT));
    let hub = Arc::new(Hub::new(options)?);
    let open = GracefulShutdown::new();
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        () = connection::accept(&listener, &hub, &connections, &open) => {}
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    // Whoever comes meanwhile is told to come back later.
    let draining = hub.drain.begin(hub.options.drain, Alarm::default());
    tokio::select! {
        () = connection::accept(&listener, &hub, &connections, &open) => {}
        () = draining => {}
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    drop(listener);
    let _ = timeout(Duration::from_secs(1), open.shutdown()).await;
    Ok(())
}
