//! The response.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use eventsource_core::EventStream;
use eventsource_core::http::RESPONSE_HEADERS;
use eventsource_core::stream::{OptionalTimer, Source};
use eventsource_hyper::EventBody;
use eventsource_tokio::Alarm;

/// A response with an event stream: 200 with the [header fields](RESPONSE_HEADERS) that it needs.
///
/// It suits any method and any client: it looks at nothing of the request, so that it refuses none. For a refusal with 406, where
/// the client doesn't take an event stream, ask for an [`AcceptEventStream`](crate::AcceptEventStream).
///
/// A handler of requests with a body extracts that, if only as `Bytes`: axum drops it otherwise, and a body that's dropped can have the
/// client lose the end of the answer, and hides that the client leaves. Where the handler has the whole request, the response's body
/// can be [`EventBody::discard`](eventsource_hyper::EventBody::discard).
///
/// Here a prompt is posted as JSON, and answered word by word:
///
/// ```
/// use axum::{Json, Router, routing::post};
/// use eventsource_axum::{EventStream, KeepAlive, Source, Sse};
/// use futures_util::stream;
///
/// #[derive(serde::Deserialize)]
/// struct Prompt {
///     text: String,
/// }
///
/// async fn answer(Json(prompt): Json<Prompt>) -> Sse<impl Source> {
///     let words: Vec<_> = prompt.text.split(' ').map(String::from).collect();
///     Sse(EventStream::new(stream::iter(words)).keep_alive(KeepAlive::default()))
/// }
///
/// let app: Router = Router::new().route("/answer", post(answer));
/// # use axum::{body::Body, http::Request};
/// # use http_body_util::BodyExt;
/// # use tower::ServiceExt;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let request = Request::post("/answer").header("content-type", "application/json");
/// # let request = request.header("accept", "application/json").body(Body::from(r#"{"text":"so it goes"}"#)).unwrap();
/// # let response = app.oneshot(request).await.unwrap();
/// # assert_eq!(response.headers()["content-type"], "text/event-stream");
/// # let body = response.into_body().collect().await.unwrap().to_bytes();
/// # assert_eq!(body, "data: so\n\ndata: it\n\ndata: goes\n\n");
/// # });
/// ```
///
/// A handler may refuse: [`Refusal`](eventsource_hyper::Refusal) is a response, too, and whatever converts into one.
///
/// ```
/// # use axum::{Router, body::Body, extract::Path, http::{Request, StatusCode}, routing::get};
/// use eventsource_axum::stream::BoxSource;
/// use eventsource_axum::{EventStream, Refusal, Sse};
/// use futures_util::stream;
///
/// async fn job(Path(id): Path<u32>) -> Result<Sse<BoxSource<'static>>, Refusal> {
///     match id {
///         1 => Ok(Sse(EventStream::new(BoxSource::new(stream::iter(["done"]))))),
///         _ => Err(StatusCode::NOT_FOUND)?,
///     }
/// }
///
/// let app: Router = Router::new().route("/jobs/{id}", get(job));
/// # use tower::ServiceExt;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # for (path, status) in [("/jobs/1", 200), ("/jobs/2", 404)] {
/// #     let response = app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
/// #     assert_eq!(response.status(), status);
/// #     assert!(response.headers()["cache-control"].to_str().unwrap().contains("no-store"));
/// # }
/// # });
/// ```
#[derive(Debug)]
#[must_use = "a response does nothing unless it's returned"]
pub struct Sse<S, T = Alarm>(
    /// The stream, which nobody has polled.
    pub EventStream<S, T>,
);

impl<S, T> IntoResponse for Sse<S, T>
where
    S: Source + Send + 'static,
    T: OptionalTimer + Send + 'static,
{
    fn into_response(self) -> Response {
        (RESPONSE_HEADERS, Body::new(EventBody::new(self.0))).into_response()
    }
}
