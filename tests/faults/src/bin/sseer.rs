//! `sseer`, with a backoff that begins at the base delay and has no end, and reqwest's read timeout. It's polled for as long as it
//! says anything.

use faults::{Line, Settings};
use futures_util::StreamExt;
use sseer::reqwest::{EventSource, StreamEvent};
use sseer::retry::ExponentialBackoff;
use std::pin::pin;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut settings = Settings::from_args();
    let mut client = reqwest::Client::builder().read_timeout(settings.timeout());
    if settings.http2 {
        client = client.http2_prior_knowledge();
    }
    let request = client.build().expect("the settings are right").get(&settings.url);
    let request = request.header("authorization", &settings.authorization);
    let backoff = ExponentialBackoff::new(settings.base_delay(), 2., Some(Duration::from_mins(1)), None);
    let mut events = pin!(EventSource::new_with_retry(request, backoff).expect("the request has no body"));
    let mut last_error = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(StreamEvent::Open) => {}
            Ok(StreamEvent::Event(event)) => {
                Line::event(&*event.id, &event.data).print();
                settings.take_time().await;
            }
            Err(error) => last_error = format!("{error:?}"),
        }
    }
    Line::Closed(last_error).print();
}
