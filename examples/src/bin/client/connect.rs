//! A request for an event stream, as a browser makes it (§9.2.3, §9.2.4).

use eventsource_core::EventId;
use eventsource_core::http::{CONTENT_TYPE, is_event_stream};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::ext::on_informational;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE as CONTENT_TYPE_HEADER,
    HeaderValue, LOCATION,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

const MAX_REDIRECTS: usize = 20;

/// So many answers of status 1xx may come before the answer.
const MAX_INFORMATIONAL: u32 = 16;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

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
    Late,
    Informational,
    Status(StatusCode),
    ContentType(Option<HeaderValue>),
    ContentEncoding(HeaderValue),
    Redirect,
    Scheme(String),
}

impl ConnectError {
    /// Whether it's of no use to come back.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Connect(_) | Self::Late)
    }
}

pub(crate) async fn connect(
    client: &Client<HttpConnector, Empty<Bytes>>,
    url: &Url,
    last_event_id: EventId<'_>,
) -> Result<Connection, ConnectError> {
    let (mut place, mut permanent) = (url.clone(), true);
    for _ in 0..=MAX_REDIRECTS {
        let mut request = Request::get(place.as_str())
            .header(ACCEPT, CONTENT_TYPE)
            // Without, a server may choose any.
            .header(ACCEPT_ENCODING, "identity")
            .header(CACHE_CONTROL, "no-cache");
        if !last_event_id.as_str().is_empty() {
            request = request.header("last-event-id", last_event_id.as_str().as_bytes());
        }
        let request = request.body(Empty::new()).map_err(ConnectError::Request)?;
        let response = answer(client, request).await?;
        match response.status() {
            StatusCode::OK => {
                check_content(&response)?;
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
                if place.scheme() != "http" {
                    return Err(ConnectError::Scheme(place.scheme().to_owned()));
                }
                forget_login(&mut place);
            }
            status => return Err(ConnectError::Status(status)),
        }
    }
    Err(ConnectError::Redirect)
}

/// Sends a request, and waits for the answer within bounds.
async fn answer(
    client: &Client<HttpConnector, Empty<Bytes>>,
    mut request: Request<Empty<Bytes>>,
) -> Result<Response<Incoming>, ConnectError> {
    let informational = Arc::new(Semaphore::new(0));
    let counted = Arc::clone(&informational);
    on_informational(&mut request, move |_| counted.add_permits(1));
    tokio::select! {
        answer = timeout(PATIENCE, client.request(request)) => match answer {
            Ok(answer) => answer.map_err(ConnectError::Connect),
            Err(_) => Err(ConnectError::Late),
        },
        _ = informational.acquire_many(MAX_INFORMATIONAL + 1) => Err(ConnectError::Informational),
    }
}

fn check_content(response: &Response<Incoming>) -> Result<(), ConnectError> {
    let content_type = response.headers().get(CONTENT_TYPE_HEADER);
    if !content_type.is_some_and(|value| is_event_stream(value.as_bytes())) {
        return Err(ConnectError::ContentType(content_type.cloned()));
    }
    let mut encodings = response.headers().get_all(CONTENT_ENCODING).iter();
    match encodings.find(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        Some(encoding) => Err(ConnectError::ContentEncoding(encoding.clone())),
        None => Ok(()),
    }
}

/// Takes the user and the password off a URL, and says whether there were any. They'd be printed with it otherwise.
pub(crate) fn forget_login(url: &mut Url) -> bool {
    let had_some = !url.username().is_empty() || url.password().is_some();
    // An http:// URL, which has a host, can be without.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    had_some
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "no such request can be made: {error}"),
            Self::Connect(error) => match error.source() {
                Some(source) => write!(f, "no connection: {source}"),
                None => write!(f, "no connection: {error}"),
            },
            Self::Late => write!(f, "no answer within {PATIENCE:?}"),
            Self::Informational => f.write_str("informational answers (1xx) without end"),
            Self::Status(status) => write!(f, "the server answered {status}"),
            Self::ContentType(Some(value)) => write!(f, "not an event stream but {value:?}"),
            Self::ContentType(None) => f.write_str("not an event stream: the server doesn't say what it is"),
            Self::ContentEncoding(value) => write!(f, "compressed as {value:?}, which nobody asked for"),
            Self::Redirect => f.write_str("redirects that lead nowhere"),
            Self::Scheme(scheme) => write!(f, "a redirect to an address of the scheme {scheme}, not http"),
        }
    }
}

impl Error for ConnectError {}
