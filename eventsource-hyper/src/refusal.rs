//! Requests that get no stream.

use crate::EventBody;
use core::fmt;
use core::time::Duration;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

/// Why a request gets no stream, for clients that understand it.
///
/// Either of them has a browser's `EventSource` give up for good: it fires `error`, is `CLOSED`, and its page has to make another
/// one. To turn browsers away for a while, answer with a stream that's [drained](eventsource_core::Drain) or that has a
/// `retry:` and nothing else: they come back.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::{Drain, EventStream, Never};
/// use eventsource_hyper::{Refusal, respond};
/// use futures_util::stream;
/// use http::Request;
///
/// let drain = Drain::new(Duration::from_secs(1)..=Duration::from_secs(5), 0);
/// let answer = |request: Request<()>| {
///     respond(&request, |_| {
///         if request.uri().path().ends_with("/of-a-job-that-is-done") {
///             return Err(Refusal::NeverComeBack);
///         }
///         if drain.is_begun() {
///             return Err(Refusal::Unavailable { retry_after: Duration::from_secs(5) });
///         }
///         Ok(EventStream::with_timer(stream::pending::<&str>(), Never).drain_on(&drain))
///     })
/// };
/// assert_eq!(answer(Request::get("/of-a-job").body(())?).status(), 200);
/// assert_eq!(answer(Request::get("/of-a-job-that-is-done").body(())?).status(), 204);
///
/// # {
/// # use futures_util::FutureExt;
/// # drain.begin(Duration::ZERO, Never).now_or_never();
/// # }
/// // Once the drain has begun:
/// let response = answer(Request::get("/of-a-job").body(())?);
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "5");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// There's no stream now, but there may be one later: 503 with `Retry-After`. For API clients, which wait and come again; a
    /// browser doesn't.
    Unavailable {
        /// In whole seconds, rounded up.
        retry_after: Duration,
    },
    /// There's no stream any more: 204, which the standard has for a client to stop reconnecting (HTML §9.2). For a stream that
    /// has come to its end, whose clients would otherwise reconnect for ever. A browser takes it like any other status but
    /// 200; for clients that tell them apart, it's no failure.
    NeverComeBack,
}

impl Refusal {
    pub(crate) fn into_response<S, T>(self) -> Response<EventBody<S, T>> {
        match self {
            Self::Unavailable { retry_after } => {
                let fraction = u64::from(retry_after.subsec_nanos() > 0);
                let seconds = retry_after.as_secs().saturating_add(fraction);
                let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, format!("{self}\n"));
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
                response
            }
            Self::NeverComeBack => {
                let mut response = Response::new(EventBody::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                // A cache may keep a 204 otherwise.
                response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable { .. } => "there is no stream at the moment",
            Self::NeverComeBack => "there is no stream any more",
        })
    }
}

impl core::error::Error for Refusal {}

/// A status with the reason, for a person to read.
pub(crate) fn refuse<S, T>(status: StatusCode, why: impl Into<bytes::Bytes>) -> Response<EventBody<S, T>> {
    let mut response = Response::new(EventBody::text(why));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
