//! What a server on axum has today: a broadcast of axum's own events, which each connection encodes into its body.

use super::{Outcome, on_tokio};
use axum::response::sse::{Event, Sse};
use axum::serve::ListenerExt;
use axum::{Router, routing};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

pub(super) fn serve() -> Outcome {
    let (sender, _) = broadcast::channel::<Event>(64);
    let subscribed = sender.clone();
    let events = async move || Sse::new(BroadcastStream::new(subscribed.subscribe()));
    let app = Router::new().route("/events", routing::get(events));
    on_tokio::serve_with(
        |texts| {
            for text in texts {
                sender.send(Event::default().data(text))?;
            }
            Ok(())
        },
        async |listener| {
            let listener = listener.tap_io(|client| drop(client.set_nodelay(true)));
            Ok(axum::serve(listener, app).await?)
        },
    )
}
