use axum::extract::{Path, State};
use axum::{Router, routing::get};
use eventsource_axum::{
    Alarm, Drain, EventStream, KeepAlive, LastEventIdHeader, Source, Sse, Topics,
};
use std::time::Duration;
use tokio::{net::TcpListener, signal::ctrl_c};

#[derive(Clone)]
struct App {
    notifications: Topics,
    drain: Drain,
}

/// Streams a user's notifications: those that the client has missed, then the new ones.
async fn notifications(
    State(app): State<App>,
    Path(user): Path<String>,
    LastEventIdHeader(seen): LastEventIdHeader,
) -> Sse<impl Source> {
    let events = EventStream::new(app.notifications.subscribe([user], seen));
    Sse(events.keep_alive(KeepAlive::default()).drain_on(&app.drain))
}

/// Publishes a notification to whoever listens, now or later.
async fn notify(
    State(app): State<App>,
    Path(user): Path<String>,
    text: String,
) -> Result<String, String> {
    let id = app.notifications.publish(&user, text).map_err(|error| error.to_string())?;
    Ok(format!("{id}\n"))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let drain = Drain::new(Duration::from_secs(1)..=Duration::from_secs(5));
    let app = App { notifications: Topics::new(), drain: drain.clone() };
    let router =
        Router::new().route("/users/{user}", get(notifications).post(notify)).with_state(app);
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let drained = async move {
        ctrl_c().await.expect("Ctrl-C can be waited for");
        drain.begin(Duration::from_secs(2), Alarm::default()).await;
    };
    axum::serve(listener, router).with_graceful_shutdown(drained).await
}
