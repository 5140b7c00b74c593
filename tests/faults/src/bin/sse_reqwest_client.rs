//! `sse-reqwest-client`, which is told to retry after temporary statuses and has the base delay, a limit where the fault is about one, and
//! reqwest's read timeout.

use faults::{Line, Settings};
use futures_util::StreamExt;
use sse_reqwest_client::{RequestBuilderExt, SseEvent};
use std::num::NonZeroUsize;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut settings = Settings::from_args();
    // So that one redirect too many is a redirect and no failure of the transport.
    let redirects = reqwest::redirect::Policy::custom(|attempt| {
        if attempt.previous().len() > 10 { attempt.stop() } else { attempt.follow() }
    });
    let mut client = reqwest::Client::builder().read_timeout(settings.timeout()).redirect(redirects);
    if settings.http2 {
        client = client.http2_prior_knowledge();
    }
    let request = client.build().expect("the settings are right").get(&settings.url);
    let mut events = request
        .header("authorization", &settings.authorization)
        .into_event_source_builder()
        .retry_transient_errors(true)
        .initial_reconnection_time(settings.base_delay())
        .fail_on_oversized_event(!settings.skips);
    if let Some(max_event) = NonZeroUsize::new(settings.max_event) {
        events = events.max_payload_size(max_event);
    }
    let mut events = events.build();
    let mut last_error = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(SseEvent::Message(event)) => {
                Line::event(event.last_event_id.as_deref().unwrap_or_default(), &event.data).print();
                settings.take_time().await;
            }
            Ok(SseEvent::Open | SseEvent::Error(_) | SseEvent::Discarded(_)) => {}
            Err(error) => last_error = format!("{error:?}"),
        }
    }
    Line::Closed(last_error).print();
}
