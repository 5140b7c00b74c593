//! The client: events as a type.

use crate::report::Report;
use eventsource_core::http::is_event_stream;
use examples::harmless;
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::io::{Write, stdout};
use url::Url;

/// Prints the id and the content of each report, until the stream ends.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn read(url: &Url) -> Result<(), Box<dyn Error>> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(url.as_str().parse()?).await?;
    let content_type = response.headers().get("content-type").map_or(&b""[..], HeaderValue::as_bytes);
    if response.status() != StatusCode::OK || !is_event_stream(content_type) {
        return Err(format!("no stream: {}, {}", response.status(), content_type.escape_ascii()).into());
    }
    let mut events = eventsource_hyper::read(response.into_body());
    while let Some(event) = events.next().await {
        let event = event?;
        let id = event.last_event_id.clone();
        match event.into_json::<Report>() {
            Ok(report) => {
                writeln!(stdout(), "{} {}", harmless(id.as_str()), serde_json::to_string(&report)?)?;
            }
            // Something else may come along one day; it's still there, to be looked at.
            Err(error) => eprintln!("{error}: {:?}", error.event.data),
        }
    }
    Ok(())
}
