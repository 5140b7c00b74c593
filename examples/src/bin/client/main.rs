//! Prints an event stream on a terminal, and comes back where it left off when the connection breaks.

mod connect;
mod print;

use connect::{Connection, connect, forget_login};
use eventsource_core::codec::{EventIdBuf, EventsError, Growable, Overflow};
use eventsource_core::{Decoder, Events};
use eventsource_hyper::BodyChunks;
use futures_util::StreamExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use print::Printer;
use std::error::Error;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;
use url::Url;

const HELP: &str = "\
Prints an event stream, and comes back where it left off when the connection breaks.

Usage: client --url URL [--count N] [--last-event-id ID]

  --url URL           an http:// address
  --count N           stop after N events
  --last-event-id ID  begin after this event
  --help              this text
";

/// Until the server sets another.
const RECONNECTION_TIME: Duration = Duration::from_secs(3);

/// Whatever the server sets, a reconnection neither comes at once, again and again, nor never.
const SHORTEST_RECONNECTION_TIME: Duration = Duration::from_millis(100);
const LONGEST_RECONNECTION_TIME: Duration = Duration::from_hours(1);

struct Arguments {
    url: Url,
    count: u64,
    decoder: Decoder<Growable>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(Arguments { mut url, mut count, mut decoder }) = arguments()? else {
        print!("{HELP}");
        return Ok(());
    };
    let client = Client::builder(TokioExecutor::new()).build_http();
    let printer = Printer::new();
    if forget_login(&mut url) {
        printer.note("the URL's user and password aren't sent");
    }
    let mut reconnection_time = RECONNECTION_TIME;
    while count > 0 {
        match connect(&client, &url, decoder.last_event_id()).await {
            Ok(Connection::Open { body, moved }) => {
                printer.note(&format!("connected to {url}"));
                if let Some(moved) = moved {
                    url = moved;
                }
                let mut events = Events::with_decoder(BodyChunks::new(body), decoder);
                let mut stream = pin!(&mut events);
                while count > 0 {
                    match stream.next().await {
                        Some(Ok(event)) => {
                            printer.event(&event);
                            count -= 1;
                        }
                        // The decoder goes on after it. Its id counts, so that it isn't fetched again and again.
                        Some(Err(EventsError::Limit(error))) => {
                            printer.note(&format!("skipped an event: {error}"));
                        }
                        Some(Err(error)) => printer.note(&format!("the stream broke: {error}")),
                        None => break,
                    }
                }
                reconnection_time = events.retry().map_or(reconnection_time, |retry| {
                    retry.clamp(SHORTEST_RECONNECTION_TIME, LONGEST_RECONNECTION_TIME)
                });
                decoder = events.into_decoder();
            }
            Ok(Connection::NoContent) => {
                printer.note("the server says: don't come back (204)");
                return Ok(());
            }
            // What a browser wouldn't try again either.
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => printer.note(&error.to_string()),
        }
        if count > 0 {
            printer.note(&format!("reconnecting in {reconnection_time:?}"));
            tokio::time::sleep(reconnection_time).await;
        }
    }
    Ok(())
}

/// None where help was asked for.
fn arguments() -> Result<Option<Arguments>, Box<dyn Error>> {
    use lexopt::prelude::{Long, ValueExt};
    let (mut url, mut count) = (None, u64::MAX);
    let mut decoder = Decoder::new().overflow(Overflow::Skip);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            // What's wrong with it is told without it, for it may hold a password.
            Long("url") => url = Some(Url::parse(&arguments.value()?.string()?)?),
            Long("count") => count = arguments.value()?.parse()?,
            Long("last-event-id") => {
                let id = EventIdBuf::try_from(arguments.value()?.string()?)?;
                decoder = decoder.resume_after(id.as_id());
            }
            Long("help") => return Ok(None),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let url = url.ok_or("--url is missing; --help says more")?;
    if url.scheme() != "http" {
        return Err(format!("--url: not an http:// address but one of the scheme {}", url.scheme()).into());
    }
    Ok(Some(Arguments { url, count, decoder }))
}
