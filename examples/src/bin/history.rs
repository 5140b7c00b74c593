//! A server whose events outlive it: what's published is on the disk before anyone gets it. Restart it, or kill it; a client that comes
//! back gets what it has missed.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use eventsource_axum::channel::Start;
use eventsource_axum::{
    AcceptEventStream, Alarm, ChannelOptions, Drain, EventStream, KeepAlive, LastEventIdHeader, Refusal,
    Source, Sse, Topics,
};
use eventsource_redb::{DiskLog, DiskOptions, WriteError};
use examples::{Program, announce};
use std::error::Error;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::time::timeout;

const PROGRAM: Program = Program {
    name: "history",
    about: "Keeps notes in the file that the variable HISTORY names, or history.redb, and serves them as an event stream.",
    port: 7804,
};

/// Over this time the streams end when the server is to go.
const WINDOW: Duration = Duration::from_millis(500);

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>Notes</title>
<h1>Notes</h1><form><input name="note" autofocus><button>Add</button></form><ol></ol>
<script>
new EventSource("/events").onmessage = ({ data }) => {
    document.querySelector("ol").appendChild(document.createElement("li")).textContent = data;
};
document.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    fetch("/publish", { method: "POST", body: event.target.note.value });
    event.target.reset();
};
</script>
"#;

/// What the handlers share.
#[derive(Clone)]
struct App {
    topics: Topics,
    log: DiskLog,
    drain: Drain,
}

/// Begins with all notes for whoever has none.
async fn events(
    State(App { topics, drain, .. }): State<App>,
    _: AcceptEventStream,
    LastEventIdHeader(seen): LastEventIdHeader,
) -> Result<Sse<impl Source>, Refusal> {
    let notes = topics.subscription(["notes"]).resume(seen).start(Start::Oldest).begin()?;
    let stream = EventStream::new(notes).retry(Duration::from_millis(500));
    Ok(Sse(stream.keep_alive(KeepAlive::default()).drain_on(&drain)))
}

/// Answers once the note is on the disk.
async fn publish(State(App { log, .. }): State<App>, note: String) -> Result<String, (StatusCode, String)> {
    match log.publish("notes", note).await {
        Ok(id) => Ok(format!("{id}\n")),
        Err(error @ WriteError::Refused(_)) => Err((StatusCode::BAD_REQUEST, error.to_string())),
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}

fn main() -> ExitCode {
    PROGRAM.run(run)
}

#[tokio::main(flavor = "current_thread")]
async fn run(port: u16) -> Result<(), Box<dyn Error>> {
    let path = std::env::var_os("HISTORY").map_or_else(|| PathBuf::from("history.redb"), PathBuf::from);
    let (topics, log) = DiskLog::open(&path, DiskOptions::new(), ChannelOptions::new())
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let app =
        App { topics, log: log.clone(), drain: Drain::new(Duration::from_secs(1)..=Duration::from_secs(3)) };
    let drain = app.drain.clone();
    let router = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/events", get(events))
        .route("/publish", post(publish))
        .with_state(app);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    announce(listener.local_addr()?);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serve = axum::serve(listener, router).with_graceful_shutdown(async move { _ = stopped.await });
    let serve = tokio::spawn(serve.into_future());
    ctrl_c().await?;
    drain.begin(WINDOW, Alarm::default()).await;
    _ = stop.send(());
    // A client that doesn't read isn't waited for.
    _ = timeout(WINDOW, serve).await;
    log.close().await;
    Ok(())
}
