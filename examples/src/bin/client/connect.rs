//! A request for an event stream, as a browser makes it (§9.2.3, §9.2.4).

use eventsource_core::EventId;
use eventsource_core::http::{CONTENT_TYPE, is_event_stream};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE as CONTENT_TYPE_HEADER, HeaderValue, LOCATION};
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use std::error::Error;
use std::fmt;
use url::Url;

const MAX_REDIRECTS: usize = 20;

/// How a server has answered.
pub(crate) enum Connection {
    /// With a stream. A permanent redirect has led there, so that it's asked for at its new place from now on.
    Open { body: Incoming, moved: Option<Url> },
    /// With 204: there won't be any.
    NoContent,
}

/// Why there's no stream.
#[derive(Debug)]
pub(crate) enum ConnectError {
    Request(hyper::http::Error),
    Connect(hyper_util::client::legacy::Error),
    Status(StatusCode),
    ContentType(Option<HeaderValue>),
    Redirect,
}

impl ConnectError {
    /// Whether it's of no use to come back.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Connect(_))
    }
}

pub(crate) async fn connect(
    client: &Client<HttpConnector, Empty<Bytes>>,
    url: &Url,
    last_event_id: EventId<'_>,
) -> Result<Connection, ConnectError> {
    let (mut place, mut permanent) = (url.clone(), true);
    for _ in 0..=MAX_REDIRECTS {
        let mut request =
            Request::get(place.as_str()).header(ACCEPT, CONTENT_TYPE).header(CACHE_CONTROL, "no-cache");
        if !last_event_id.as_str().is_empty() {
            request = request.header("last-event-id", last_event_id.as_str().as_bytes());
        }
        let request = request.body(Empty::new()).map_err(ConnectError::Request)?;
        let response = client.request(request).await.map_err(ConnectError::Connect)?;
        match response.status() {
            StatusCode::OK => {
                check_content_type(&response)?;
                let moved = (permanent && place != *url).then_some(place);
                return Ok(Connection::Open { body: response.into_body(), moved });
            }
            StatusCode::NO_CONTENT => return Ok(Connection::NoContent),
            status @ (StatusCode::MOVED_PERMANENTLY
            | StatusCode::PERMANENT_REDIRECT
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT) => {
                permanent &= matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
                let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
                place =
                    location.and_then(|location| place.join(location).ok()).ok_or(ConnectError::Redirect)?;
            }
            status => return Err(ConnectError::Status(status)),
        }
    }
    Err(ConnectError::Redirect)
}

fn check_content_type(response: &Response<Incoming>) -> Result<(), ConnectError> {
    let content_type = response.headers().get(CONTENT_TYPE_HEADER);
    if content_type.is_some_and(|value| is_event_stream(value.as_bytes())) {
        Ok(())
    } else {
        Err(ConnectError::ContentType(content_type.cloned()))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "no such request can be made: {error}"),
            Self::Connect(error) => match error.source() {
                Some(source) => write!(f, "no connection: {source}"),
                None => write!(f, "no connection: {error}"),
            },
            Self::Status(status) => write!(f, "the server answered {status}"),
            Self::ContentType(Some(value)) => write!(f, "not an event stream but {value:?}"),
            Self::ContentType(None) => f.write_str("not an event stream: the server doesn't say what it is"),
            Self::Redirect => f.write_str("redirects that lead nowhere"),
        }
    }
}

impl Error for ConnectError {}
