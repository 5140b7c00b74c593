//! Prints an event stream on a terminal, and comes back where it left off when the connection breaks.

mod options;
mod print;

use eventsource_tokio::EventSource;
use eventsource_tokio::client::{Attempt, Head, HttpTransport, Update};
use examples::{cause, web};
use futures_util::StreamExt;
use options::{HELP, Options};
use print::Printer;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use std::error::Error;
use std::process::ExitCode;

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
    let Some(Options { url, cacert, headers, body, policy, mut count, decoder, json }) = Options::from_env()?
    else {
        print!("{HELP}");
        return Ok(());
    };
    let printer = Printer::new(json);
    let web = web(cacert.as_deref(), headers.is_empty())?;
    // What it has of a login is sent as such, and isn't a part of this URL.
    let place = web.get(url.clone()).build()?.url().clone();
    let transport = HttpTransport::new(move |attempt: Attempt| {
        let request = match &body {
            Some(body) => web.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body.clone()),
            None => web.get(url.clone()),
        };
        // Without an encoding that's asked for, a server may choose any.
        let request = request.headers(attempt.headers()).header(ACCEPT_ENCODING, "identity");
        let answer = request.headers(headers.clone()).send();
        async move {
            let answer = answer.await.map_err(reqwest::Error::without_url)?;
            tell_refusal(printer, &answer);
            Ok::<_, reqwest::Error>(answer)
        }
    });
    let mut source = EventSource::new(transport).policy(policy).decoder(decoder);
    while count > 0
        && let Some(update) = source.next().await
    {
        match update {
            Update::Open(_) => printer.note(&format!("connected to {place}")),
            Update::Event(event) => {
                printer.event(&event);
                count -= 1;
            }
            // Its id counts, so that it isn't fetched again and again.
            Update::Skipped(error) => printer.note(&format!("skipped an event: {error}")),
            Update::Lost(lost) => match (lost.retry_in, lost.reason) {
                (Some(delay), _) => printer.note(&format!("{}; reconnecting in {delay:.1?}", cause(&lost))),
                (None, reason) if reason.is_end() => printer.note(&format!("{lost}: the end")),
                (None, _) => return Err(cause(&lost).into()),
            },
            _ => {}
        }
    }
    Ok(())
}

/// Says what an answer is that's no event stream.
fn tell_refusal(printer: Printer, answer: &reqwest::Response) {
    let status = answer.status();
    if Head::new(status.as_u16(), answer.headers()).check().is_err() {
        let fields = [CONTENT_TYPE, CONTENT_ENCODING].map(|name| {
            let value = answer.headers().get(&name)?;
            Some(format!(", {name}: {}", value.as_bytes().escape_ascii()))
        });
        printer.note(&format!("answered {status}{}", fields.into_iter().flatten().collect::<String>()));
    }
}
