//! A channel's subscriptions as bodies of plain hyper.

use super::{Outcome, on_tokio};
use core::future::ready;
use eventsource_core::{Channel, EventStream};
use eventsource_hyper::EventService;
use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;

pub(super) fn serve() -> Outcome {
    let channel = Channel::new();
    let subscribed = channel.clone();
    let service = EventService::new(move |_, last_event_id| {
        ready(EventStream::without_timer(subscribed.subscribe(last_event_id)))
    });
    on_tokio::serve(
        |texts| {
            channel.publish_all(texts.iter().map(String::as_str))?;
            Ok(())
        },
        |client| {
            // A connection that breaks is found out by its client.
            http1::Builder::new().serve_connection(TokioIo::new(client), service.clone()).map(drop)
        },
    )
}
