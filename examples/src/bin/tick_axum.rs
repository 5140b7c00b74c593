//! `tick` in an axum router: a stream is a handler's answer, in one line.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::Uri;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use eventsource_axum::{AcceptEventStream, Alarm, Drain, LastEventIdHeader, Source, Sse};
use examples::{MAX_DATA, Program, Tick, announce};
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::time::sleep;

const PROGRAM: Program = Program {
    name: "tick_axum",
    about: "Serves the date and time, every second, as an event stream, in axum.",
    port: 7801,
};

/// Over this time the streams end when the server is to go; meanwhile newcomers are told to come back.
const WINDOW: Duration = Duration::from_millis(500);

/// What the handlers share.
#[derive(Clone)]
struct App {
    tick: Tick,
    drain: Drain,
}

async fn events(
    State(App { tick, drain }): State<App>,
    _: AcceptEventStream,
    LastEventIdHeader(seen): LastEventIdHeader,
) -> Sse<impl Source> {
    Sse(tick.stream::<Alarm>(&seen).drain_on(&drain))
}

async fn emit(State(App { tick, .. }): State<App>, uri: Uri, data: Bytes) -> impl IntoResponse {
    tick.emit(uri.query().unwrap_or_default(), &data)
}

fn main() -> ExitCode {
    PROGRAM.run(run)
}

#[tokio::main(flavor = "current_thread")]
async fn run(port: u16) -> Result<(), Box<dyn Error>> {
    let soon = Duration::from_secs(1)..=Duration::from_secs(5);
    let drain = Drain::new(soon);
    let router = Router::new()
        .route("/", get(async || Tick::page()))
        .route("/events", get(events))
        .route("/emit", post(emit).layer(DefaultBodyLimit::max(MAX_DATA)))
        .with_state(App { tick: Tick::default(), drain: drain.clone() });

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    announce(listener.local_addr()?);
    // Without, a small event could wait for an earlier one's acknowledgement.
    let listener = listener.tap_io(|client| _ = client.set_nodelay(true));
    let drained = async move {
        let _ = ctrl_c().await;
        drain.begin(WINDOW, Alarm::default()).await;
    };
    // A client that doesn't read isn't waited for.
    let patience = async {
        let _ = ctrl_c().await;
        sleep(WINDOW + Duration::from_secs(1)).await;
    };
    tokio::select! {
        served = axum::serve(listener, router).with_graceful_shutdown(drained) => Ok(served?),
        () = patience => Ok(()),
    }
}
