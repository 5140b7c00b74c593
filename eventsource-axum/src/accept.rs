//! What a client takes.

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use core::fmt;
use eventsource_core::http::accepts_event_stream;
use http::StatusCode;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::request::Parts;

/// Extracts that the client takes an event stream, and refuses with 406 where its `Accept` header says otherwise.
///
/// Leave it out for clients that ask for JSON and expect a stream, as the SDKs of some APIs do.
///
/// ```
/// use axum::{Router, routing::get};
/// use eventsource_axum::{AcceptEventStream, EventStream, Source, Sse};
/// use futures_util::stream;
///
/// async fn hello(_: AcceptEventStream) -> Sse<impl Source> {
///     Sse(EventStream::new(stream::iter(["hello"])))
/// }
///
/// let app: Router = Router::new().route("/hello", get(hello));
/// # use axum::{body::Body, http::Request};
/// # use tower::ServiceExt;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let request = Request::get("/hello").header("accept", "application/json");
/// assert_eq!(app.oneshot(request.body(Body::empty())?).await?.status(), 406);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AcceptEventStream;

impl<S: Sync> FromRequestParts<S> for AcceptEventStream {
    type Rejection = NotAcceptable;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotAcceptable> {
        if accepts_event_stream(parts.headers.get_all(ACCEPT)) { Ok(Self) } else { Err(NotAcceptable) }
    }
}

/// The client doesn't take an event stream: 406, never kept by a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAcceptable;

impl fmt::Display for NotAcceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this resource is a text/event-stream")
    }
}

impl core::error::Error for NotAcceptable {}

impl IntoResponse for NotAcceptable {
    fn into_response(self) -> Response {
        let headers = [(CACHE_CONTROL, "no-store")];
        (StatusCode::NOT_ACCEPTABLE, headers, format!("{self}\n")).into_response()
    }
}
