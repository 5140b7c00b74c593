//! Requests that get no stream.

use crate::EventBody;
use bytes::Bytes;
use core::time::Duration;
use eventsource_core::channel::SubscribeError;
#[cfg(feature = "axum")]
use eventsource_core::stream::{BoxSource, NoTimer};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    TRANSFER_ENCODING,
};
use http::{Response, StatusCode};

/// The answer to a request that gets no stream: a status with header fields and a text, never kept by a cache.
///
/// Any status but 200 has a browser's `EventSource` give up for good: it fires `error`, is `CLOSED`, and its page has to make
/// another one. To turn browsers away for a while, answer with a stream that's [drained](eventsource_core::Drain) or that has
/// a `retry:` and nothing else: they come back.
///
/// ```
/// use core::time::Duration;
/// use eventsource_hyper::{EventStream, Refusal, respond};
/// use futures_util::stream;
/// use http::{Request, StatusCode};
///
/// let answer = |request: Request<()>| {
///     respond(&request, |_last_event_id| match request.uri().path() {
///         "/job" => Ok(EventStream::without_timer(stream::pending::<&str>())),
///         "/job-that-is-done" => Err(Refusal::no_content()),
///         "/job-that-is-to-come" => Err(Refusal::unavailable(Duration::from_secs(5))),
///         _ => Err(Refusal::new(StatusCode::NOT_FOUND).body("there is no such job\n")),
///     })
/// };
/// assert_eq!(answer(Request::get("/job").body(())?).status(), 200);
/// assert_eq!(answer(Request::get("/job-that-is-done").body(())?).status(), 204);
/// let response = answer(Request::get("/job-that-is-to-come").body(())?);
/// assert_eq!(response.headers()["retry-after"], "5");
/// assert_eq!(answer(Request::get("/jobs").body(())?).status(), 404);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Refusal(Box<Parts>);

// In a box, for a `Result` is as large as its error.
#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Refusal {
    /// Creates a refusal with a status, whose text is what the status means. An informational status answers nothing, so it
    /// becomes 500.
    pub fn new(status: StatusCode) -> Self {
        let status = if status.is_informational() { StatusCode::INTERNAL_SERVER_ERROR } else { status };
        let body = match status.canonical_reason() {
            Some(reason) if has_body(status) => format!("{reason}\n").into(),
            _ => Bytes::new(),
        };
        let headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-store"))]);
        Self(Box::new(Parts { status, headers, body }))
    }

    /// Creates a refusal that says that there's no stream any more: 204, which the standard has for a client to stop
    /// reconnecting (HTML §9.2). It's for a stream that has come to its end, whose clients would otherwise reconnect for
    /// ever. For clients that tell statuses apart, it's no failure.
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    /// Creates a refusal that says that there's no stream now, but may be one later: 503 with `Retry-After`, in whole
    /// seconds, rounded up. It's for API clients, which wait and come again; a browser doesn't.
    pub fn unavailable(retry_after: Duration) -> Self {
        let fraction = u64::from(retry_after.subsec_nanos() > 0);
        let seconds = retry_after.as_secs().saturating_add(fraction);
        Self::new(StatusCode::SERVICE_UNAVAILABLE)
            .header(RETRY_AFTER, seconds.into())
            .body("there is no stream at the moment\n")
    }

    /// Sets the body: `text/plain`, unless a [header](Self::header) says otherwise. A status that can't have one goes without.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Adds a header field, such as `WWW-Authenticate`, or replaces one. What says how long the body is and how it's framed,
    /// `Content-Length` and `Transfer-Encoding`, is left out of the response: the body itself decides that.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Returns the response, for a server of your own. A [`Responder`](crate::Responder) does it by itself.
    pub fn into_response<S, T>(self) -> Response<EventBody<S, T>> {
        let Parts { status, mut headers, body } = *self.0;
        let body = if !has_body(status) || body.is_empty() {
            EventBody::empty()
        } else {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
            EventBody::text(body)
        };
        // A length that isn't the body's would have a client take the rest for the next response.
        headers.remove(CONTENT_LENGTH);
        headers.remove(TRANSFER_ENCODING);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// RFC 9110 §15.3.5, §15.3.6 and §15.4.5.
fn has_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

impl From<StatusCode> for Refusal {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

/// 400 where the request names no topic, which is the client's mistake; 500 for all that's the server's.
impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::NoTopics => Self::new(StatusCode::BAD_REQUEST).body(format!("{error}\n")),
            // It tells of the server's settings.
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// For a handler that answers a `Result` of a stream and a refusal.
#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for Refusal {
    fn into_response(self) -> axum_core::response::Response {
        self.into_response::<BoxSource<'static>, NoTimer>().map(axum_core::body::Body::new)
    }
}
