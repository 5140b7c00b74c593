//! What a client says it has seen last.

use axum_core::extract::FromRequestParts;
use core::convert::Infallible;
use eventsource_core::LastEventId;
use http::request::Parts;

/// Extracts the [`LastEventId`] of a request: what the client says in its `Last-Event-ID` header, none where it has no such
/// header. It never refuses.
///
/// ```
/// use axum::extract::State;
/// use eventsource_axum::{Channel, EventStream, KeepAlive, LastEventIdHeader, Source, Sse};
///
/// async fn news(
///     State(news): State<Channel>,
///     LastEventIdHeader(seen): LastEventIdHeader,
/// ) -> Sse<impl Source> {
///     Sse(EventStream::new(news.subscribe(seen)).keep_alive(KeepAlive::default()))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(news)).with_state(Channel::new());
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
