//! What a client says it has seen last.

use axum_core::extract::FromRequestParts;
use core::convert::Infallible;
use eventsource_core::LastEventId;
use http::request::Parts;

/// Extracts the [`LastEventId`] of a request: what the client says in its `Last-Event-ID` header, none where it has no such
/// header. It never refuses.
///
/// With it, a client that comes back gets what it has missed. Here each user has a stream of notifications, and Ctrl-C ends all
/// streams, so that the server shuts down:
///
/// ```
/// # use axum::{Router, routing::get};
/// # use axum::extract::{Path, State};
/// # use core::time::Duration;
/// # use tokio::{net::TcpListener, signal::ctrl_c};
/// use eventsource_axum::{
///     Alarm, Drain, EventStream, KeepAlive, LastEventIdHeader, Source, Sse, Topics,
/// };
///
/// async fn notifications(
///     State((topics, drain)): State<(Topics, Drain)>,
///     Path(user): Path<String>,
///     LastEventIdHeader(seen): LastEventIdHeader,
/// ) -> Sse<impl Source> {
///     let events = EventStream::new(topics.subscribe([user], seen));
///     Sse(events.keep_alive(KeepAlive::default()).drain_on(&drain))
/// }
///
/// async fn serve(listener: TcpListener, topics: Topics) -> std::io::Result<()> {
///     let drain = Drain::new(Duration::from_secs(1)..=Duration::from_secs(5));
///     let router = Router::new().route("/users/{user}", get(notifications));
///     let router = router.with_state((topics, drain.clone()));
///     let drained = async move {
///         let _ = ctrl_c().await;
///         drain.begin(Duration::from_secs(2), Alarm::default()).await;
///     };
///     axum::serve(listener, router).with_graceful_shutdown(drained).await
/// }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # let topics = Topics::new();
/// # let seen = topics.publish("ada", "seen").unwrap();
/// # topics.publish("ada", "missed").unwrap();
/// # let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
/// # let mut client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
/// # let request = format!("GET /users/ada HTTP/1.1\r\nhost: x\r\nlast-event-id: {seen}\r\n\r\n");
/// # client.write_all(request.as_bytes()).await.unwrap();
/// # let mut answer = Vec::new();
/// # let read = async {
/// #     while !answer.ends_with(b"data: missed\n\n\r\n") {
/// #         assert!(client.read_buf(&mut answer).await.unwrap() > 0);
/// #     }
/// # };
/// # tokio::select! {
/// #     served = serve(listener, topics) => panic!("{served:?}"),
/// #     () = read => {}
/// # }
/// # assert!(!String::from_utf8(answer).unwrap().contains("data: seen"));
/// # });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LastEventIdHeader(
    /// What the header says.
    pub LastEventId,
);

impl<S: Sync> FromRequestParts<S> for LastEventIdHeader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get("last-event-id");
        Ok(Self(header.map_or(LastEventId::None, |id| LastEventId::parse(id.as_bytes()))))
    }
}
