//! Any client of HTTP as a transport.

use super::connect::{Attempt, Connect, Response};
use super::head::Head;
use crate::http::UNIX_EPOCH;
use crate::io::BodyChunks;
use ::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;
use http_body::Body;
use pin_project_lite::pin_project;
use std::time::SystemTime;

impl Attempt {
    /// Returns [`header_fields`](Self::header_fields) as a request of the crate `http` has them. An id that can't stand in a
    /// field, for it has control characters, is left out.
    ///
    /// ```
    /// use eventsource_core::client::{Attempt, HttpTransport};
    /// # use http_body_util::Empty;
    /// # async fn send(request: http::Request<()>) -> Result<http::Response<Empty<&'static [u8]>>, std::io::Error> {
    /// #     Ok(http::Response::new(Empty::new()))
    /// # }
    ///
    /// let transport = HttpTransport::new(|attempt: Attempt| {
    ///     let mut request = http::Request::new(());
    ///     request.headers_mut().extend(attempt.headers());
    ///     send(request)
    /// });
    /// # let _ = transport;
    /// ```
    pub fn headers(&self) -> HeaderMap {
        let fields = self.header_fields().filter_map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
            Some((HeaderName::from_static(name), value))
        });
        fields.collect()
    }
}

/// A transport that asks any client of HTTP whose responses are those of the crate `http`, or can be converted into them: hyper,
/// reqwest, a service of tower.
///
/// It's made of an async function that sends a request and returns the response. The function is called anew for each attempt, so that
/// each has a URL, a token and a body of its own, and adds the [`Attempt::headers`].
///
/// Some things are the HTTP client's business:
/// - *Redirects*: reqwest follows them. For hyper there's `FollowRedirect` of `tower-http`, which also keeps a token from another
///   server; where the request has a body, it needs a policy that clones it. A redirect that arrives here is a failure, and final:
///   [`Reason::Redirect`](super::Reason::Redirect). Where there are too many, reqwest reports an error of its own instead:
///   see [`final_if`](Self::final_if).
/// - *Compression*: nobody asks for it, unless the HTTP client does so by itself and decompresses what it gets. A body that's still
///   compressed when it arrives here is a failure, [`Reason::ContentEncoding`](super::Reason::ContentEncoding).
/// - *Timeouts*: those of the [`Policy`](super::Policy) suffice. A timeout of the HTTP client's for the whole response ends an
///   event stream that's fine.
pub struct HttpTransport<F, B> {
    send: F,
    body: PhantomData<fn() -> B>,
}

impl<F, B> HttpTransport<F, B> {
    /// Creates a transport that calls `send` for each attempt.
    pub fn new<R, S, E>(send: F) -> Self
    where
        F: FnMut(Attempt) -> R,
        R: Future<Output = Result<S, E>>,
        S: Into<::http::Response<B>>,
        B: Body,
    {
        Self { send, body: PhantomData }
    }

    /// Sets which errors of the HTTP client are [final](super::Reason::Fatal), because another attempt would fail as well. By default, none
    /// is. For reqwest, `|error| error.is_builder() || error.is_redirect()` are those of a URL that can't be one, and of too many
    /// redirects.
    ///
    /// An error of one's own may carry what a refused response says. The policy then sees neither the status nor `Retry-After`, so a
    /// response after which it may try again is returned as it came:
    ///
    /// ```
    /// use eventsource_core::client::{Attempt, EventSource, HttpError, HttpTransport, Reason};
    /// # use eventsource_core::test_util::ManualClock;
    /// # use futures_util::{FutureExt, StreamExt};
    /// # use http_body_util::{BodyExt, Full};
    /// # async fn send(_: Attempt) -> Result<http::Response<Full<&'static [u8]>>, std::convert::Infallible> {
    /// #     let mut response = http::Response::new(Full::new(&b"no such model"[..]));
    /// #     *response.status_mut() = http::StatusCode::BAD_REQUEST;
    /// #     Ok(response)
    /// # }
    ///
    /// struct Refused {
    ///     status: http::StatusCode,
    ///     text: String,
    /// }
    ///
    /// let transport = HttpTransport::new(|attempt: Attempt| async move {
    ///     let Ok(response) = send(attempt).await;
    ///     let status = response.status();
    ///     let is_temporary = Reason::Status(status.as_u16()).is_temporary();
    ///     if is_temporary || !status.is_client_error() {
    ///         return Ok(response);
    ///     }
    ///     let Ok(body) = response.into_body().collect().await;
    ///     let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    ///     Err(Refused { status, text })
    /// });
    /// let transport = transport.final_if(|Refused { .. }| true);
    ///
    /// # let timer = ManualClock::new().timer();
    /// let mut events = EventSource::with_timer(transport, timer, 7).events();
    /// let lost = events.next().now_or_never().unwrap().unwrap().unwrap_err();
    /// let Some(HttpError::Request(refused)) = lost.transport_error() else { panic!() };
    /// assert_eq!((refused.status.as_u16(), &refused.text[..]), (400, "no such model"));
    /// ```
    pub fn final_if<P, R, S, E>(self, is_final: P) -> FinalIf<Self, P>
    where
        F: FnMut(Attempt) -> R,
        R: Future<Output = Result<S, E>>,
        P: Fn(&E) -> bool,
    {
        FinalIf { transport: self, is_final }
    }
}

impl<F, B, R, S, E> Connect for HttpTransport<F, B>
where
    F: FnMut(Attempt) -> R,
    R: Future<Output = Result<S, E>>,
    S: Into<::http::Response<B>>,
    B: Body,
{
    type Chunk = Bytes;
    type Error = HttpError<E, B::Error>;
    type Body = HttpBody<B, E>;
    type Connecting = HttpConnecting<R, B>;

    fn connect(&mut self, attempt: Attempt) -> Self::Connecting {
        HttpConnecting { response: (self.send)(attempt), body: PhantomData }
    }
}

impl<F, B> fmt::Debug for HttpTransport<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

/// An [`HttpTransport`] that says which of its failures are final: what [`HttpTransport::final_if`] returns.
pub struct FinalIf<T, P> {
    transport: T,
    is_final: P,
}

impl<F, B, P, R, S, E> Connect for FinalIf<HttpTransport<F, B>, P>
where
    F: FnMut(Attempt) -> R,
    R: Future<Output = Result<S, E>>,
    S: Into<::http::Response<B>>,
    B: Body,
    P: Fn(&E) -> bool,
{
    type Chunk = Bytes;
    type Error = HttpError<E, B::Error>;
    type Body = HttpBody<B, E>;
    type Connecting = HttpConnecting<R, B>;

    fn connect(&mut self, attempt: Attempt) -> Self::Connecting {
        self.transport.connect(attempt)
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        matches!(error, HttpError::Request(error) if (self.is_final)(error))
    }
}

impl<T: fmt::Debug, P> fmt::Debug for FinalIf<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinalIf").field("transport", &self.transport).finish_non_exhaustive()
    }
}

pin_project! {
    /// A request of an [`HttpTransport`] that's under way.
    #[must_use = "futures do nothing unless polled"]
    pub struct HttpConnecting<R, B> {
        #[pin]
        response: R,
        body: PhantomData<fn() -> B>,
    }
}

impl<R, S, E, B> Future for HttpConnecting<R, B>
where
    R: Future<Output = Result<S, E>>,
    S: Into<::http::Response<B>>,
    B: Body,
{
    type Output = Result<Response<HttpBody<B, E>>, HttpError<E, B::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().response.poll(cx)).map_err(HttpError::Request)?;
        Poll::Ready(Ok(response.into().into()))
    }
}

impl<R, B> fmt::Debug for HttpConnecting<R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConnecting").finish_non_exhaustive()
    }
}

/// For a [`Connect`] of your own, and for [`EventSource::begin_open`](super::EventSource::begin_open).
impl<B: Body, E> From<::http::Response<B>> for Response<HttpBody<B, E>> {
    fn from(response: ::http::Response<B>) -> Self {
        // For a server that sends no `Date`.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
        let now = now.map(|time| time.as_secs().saturating_add(UNIX_EPOCH));
        let head = Head::received_at(now, response.status().as_u16(), response.headers());
        Self { head, body: HttpBody { chunks: BodyChunks::new(response.into_body()), error: PhantomData } }
    }
}

pin_project! {
    /// The body of a response, as an [`EventSource`](super::EventSource) reads it.
    #[must_use = "streams do nothing unless polled"]
    pub struct HttpBody<B, E> {
        #[pin]
        chunks: BodyChunks<B>,
        error: PhantomData<fn() -> E>,
    }
}

impl<B: Body, E> Stream for HttpBody<B, E> {
    type Item = Result<Bytes, HttpError<E, B::Error>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().chunks.poll_next(cx).map_err(HttpError::Body)
    }
}

impl<B, E> fmt::Debug for HttpBody<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBody").finish_non_exhaustive()
    }
}

/// What an HTTP client says about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError<E, B> {
    /// No response has come.
    Request(E),
    /// Reading its body has failed.
    Body(B),
}

impl<E: fmt::Display, B: fmt::Display> fmt::Display for HttpError<E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Body(error) => error.fmt(f),
        }
    }
}

impl<E, B> core::error::Error for HttpError<E, B>
where
    E: core::error::Error + 'static,
    B: core::error::Error + 'static,
{
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        // The error's own text is this one's.
        match self {
            Self::Request(error) => error.source(),
            Self::Body(error) => error.source(),
        }
    }
}
