//! The messages of a queue of `RabbitMQ` as an event stream. `--help` says how.
//!
//! # What's guaranteed
//!
//! - **Nothing is lost between the broker and the channel.** A message is acknowledged only once the channel has taken it.
//!   Whatever wasn't acknowledged when a connection breaks, a broker restarts or this program ends, is delivered again.
//! - **In the queue's order**: the consumer is exclusive, so there's no second one to take turns with. A quorum queue knows
//!   no exclusive consumers: give it `x-single-active-consumer`.
//! - **Once, where publishers set a `message-id`**, one for each message: a message that's delivered again while this
//!   program runs is known by it and isn't published a second time; nor is one that its publisher has sent again. So
//!   two messages with the same `message-id` are one. Remembered are the newest 16,384 ids, or 16 times `--prefetch` if
//!   that's more. Without a `message-id`, and where this program was killed in between, it's at least once.
//! - **From the channel to a client**: who comes back with its last event ID gets what it has missed, once and in order, as
//!   far as it's retained; an event `bridge:gap` says how many are gone that aren't.
//! - **Through a restart of this program** by SIGTERM or SIGINT: nothing more is taken from the queue, everything
//!   published is acknowledged, which the broker confirms, unless it takes longer than two seconds; and it goes out, and who comes back gets `bridge:gap` with `unknown`, then all that was
//!   published since. Only whoever hadn't read to the end has missed something: an acknowledged message lives in this
//!   program's memory alone, as long as it's retained.
//!
//! # What becomes of a message
//!
//! Its body is the data. Its `type`, else its routing key, is the event's name, if it can be one. Names that begin with
//! `bridge:` are this program's own, and `open` and `error` are the browser's: a message of such a type, whoever sent it,
//! is an event without a name. A body that isn't
//! UTF-8 can't be sent in an event stream: the message is rejected, which brings it to the queue's dead-letter exchange
//! if it has one, and a line says so.

mod bridge;
mod event;
mod intake;
mod line;
mod options;
mod progress;
mod seen;
mod server;
mod session;

use bridge::Bridge;
use eventsource_core::{Channel, ChannelOptions};
use eventsource_tokio::Alarm;
use hyper_util::server::graceful::GracefulShutdown;
use options::{HELP, Options};
use progress::Progress;
use server::Server;
use session::PARTING;
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// Over how long the streams end.
const DRAIN: Duration = Duration::from_secs(2);

/// What's retained, at most; the newest event always is.
const RETAIN_BYTES: usize = 64 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("amqp_bridge: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::from_env()? else {
        print!("{HELP}");
        return Ok(());
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
        .await
        .map_err(|error| format!("port {}: {error}", options.port))?;
    let channel = Channel::with_options(ChannelOptions::new().retain(options.retain, RETAIN_BYTES));
    let progress = Arc::new(Progress::default());
    let server = Arc::new(Server::new(options.queue.as_str(), channel.clone(), Arc::clone(&progress)));
    let mut bridge = Bridge::start(options, channel, progress).await?;
    println!("Listen with curl -N http://{}/events; Ctrl-C ends it.", listener.local_addr()?);

    let open = GracefulShutdown::new();
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopped) = oneshot::channel();
    let serve = async {
        tokio::select! {
            () = server.accept(&listener, &open) => {}
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        // First the broker: what was taken from it from now on, nobody would get.
        drop(stop);
        // One that reads no acknowledgement holds nothing up.
        sleep(PARTING).await;
    };
    tokio::select! {
        () = bridge.run(stopped) => {}
        () = serve => {}
    }
    bridge.stop().await;
    // Whoever comes meanwhile is told to come back later.
    let draining = server.drain.begin(DRAIN, Alarm::default());
    tokio::select! {
        () = server.accept(&listener, &open) => {}
        () = draining => {}
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    drop(listener);
    let _ = timeout(Duration::from_secs(1), open.shutdown()).await;
    Ok(())
}
