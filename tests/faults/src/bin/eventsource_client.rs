//! The `eventsource-client` of crates.io, which is told to retry at the first attempt too and has the base delay, and the timeouts of
//! its transport. It's polled for as long as it says anything, for its docs say that errors are not terminal.

use eventsource_client::{Client, ClientBuilder, ReconnectOptions, SSE};
use faults::{Line, Settings};
use futures_util::StreamExt;
use launchdarkly_sdk_transport::HyperTransport;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut settings = Settings::from_args();
    let transport = HyperTransport::builder()
        .connect_timeout(settings.timeout())
        .read_timeout(settings.timeout())
        .build_http()
        .expect("the settings are right");
    let reconnect = ReconnectOptions::reconnect(true)
        .retry_initial(true)
        .delay(settings.base_delay())
        .backoff_factor(2)
        .delay_max(Duration::from_mins(1))
        .build();
    let client = ClientBuilder::for_url(&settings.url)
        .and_then(|client| client.header("authorization", &settings.authorization))
        .expect("the settings are right")
        .reconnect(reconnect)
        .build_with_transport(transport);
    let mut events = client.stream();
    let mut last_error = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(SSE::Event(event)) => {
                Line::event(event.id.unwrap_or_default(), &event.data).print();
                settings.take_time().await;
            }
            Ok(SSE::Connected(_) | SSE::Comment(_)) => {}
            Err(error) => last_error = format!("{error:?}"),
        }
    }
    Line::Closed(last_error).print();
}
