//! `reqwest-eventsource`, with a backoff that begins at the base delay and has no end, and reqwest's read timeout. It's polled for as
//! long as it says anything: its docs call an error one that is retried unless the stream is closed.

use faults::{Line, Settings};
use futures_util::StreamExt;
use reqwest_0_12 as reqwest;
use reqwest_eventsource::retry::ExponentialBackoff;
use reqwest_eventsource::{Event, EventSource};
use std::time::Duration;

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
    let request = request.header("authorization", &settings.authorization);
    let mut events = EventSource::new(request).expect("the request has no body");
    let backoff = ExponentialBackoff::new(settings.base_delay(), 2., Some(Duration::from_mins(1)), None);
    events.set_retry_policy(Box::new(backoff));
    let mut last_error = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Open) => {}
            Ok(Event::Message(event)) => {
                Line::event(event.id, &event.data).print();
                settings.take_time().await;
            }
            Err(error) => last_error = format!("{error:?}"),
        }
    }
    Line::Closed(last_error).print();
}
