//! One event stream of a server elsewhere, sent on to any number of browsers.
//!
//! However many listen, the server upstream has one connection, and none once nobody has listened for a while. When somebody comes
//! again, or when the connection breaks, it's resumed after the last event that came, so that nothing is lost in between. The events go
//! on as they came, with the names and ids of the server upstream; who comes back gets what it has missed out of the gateway's memory.
//! Events without an id that follow the one that a browser names come again then, for nobody can know whether it has them.
//!
//! While the connection is being tried again, browsers just wait. Where there's no hope, since the server has answered 404, say,
//! their streams end. Who comes then is answered 502, and 204 if that's what the server upstream has said, until it's asked again after a
//! pause. A gateway that was restarted resumes after the last event ID of the first browser that comes.
//!
//! What the server upstream sends beside its events, which is its comments, its `retry` and ids without data, isn't sent on.

mod gateway;

use eventsource_hyper::{EventBody, respond};
use examples::{serve, text, web, web_url};
use gateway::Gateway;
use http_body_util::Either;
use hyper::StatusCode;
use lexopt::prelude::{Long, ValueExt};
use std::error::Error;
use std::future::ready;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const HELP: &str = "\
Sends an event stream of a server elsewhere on to any number of browsers.

  gateway --upstream https://example.org/events    start it
  curl -N http://127.0.0.1:7806/events             listen

  --upstream URL   an http:// or https:// address; a login in it is sent as such
  --cacert FILE    trust these certificates (PEM) instead of the system's
  --grace SECONDS  hang up there once nobody has listened here for so long  [10]
  --port PORT      on 127.0.0.1, 0 for a free one; else the variable PORT [7806]
  --help           this text
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<(), Box<dyn Error>> {
    let (mut upstream, mut cacert, mut grace) = (None, None, Duration::from_secs(10));
    let mut port = std::env::var("PORT").map_or(Ok(7806), |port| port.parse());
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("upstream") => upstream = Some(web_url(&arguments.value()?.string()?)?),
            Long("cacert") => cacert = Some(arguments.value()?),
            Long("grace") => grace = Duration::try_from_secs_f64(arguments.value()?.parse()?)?,
            Long("port") => port = Ok(arguments.value()?.parse()?),
            Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let upstream = web(cacert.as_deref().map(AsRef::as_ref), true)?
        .get(upstream.ok_or("--upstream is missing; --help says more")?);
    let gateway = Arc::new(Gateway::new());
    let shared = Arc::clone(&gateway);
    let answer = move |request: hyper::Request<_>, _| {
        ready(match request.uri().path() {
            "/events" => respond(&request, |last_event_id| shared.listen(last_event_id))
                .map(EventBody::into_boxed)
                .map(Either::Left),
            "/" => text(StatusCode::OK, "The stream is at /events.\n").map(Either::Right),
            _ => text(StatusCode::NOT_FOUND, "there is / and /events\n").map(Either::Right),
        })
    };
    tokio::select! {
        ended = serve(port?, &gateway.stop, answer) => ended,
        failed = gateway.run(&upstream, grace) => failed,
    }
}
