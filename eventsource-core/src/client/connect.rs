//! What a client asks, and what it's answered.

use super::Head;
use crate::EventId;
use crate::codec::EventIdBuf;
use crate::http::REQUEST_HEADERS;
use core::future::Future;
use futures_core::Stream;

/// What sends a request for an event stream: a transport, such as a client of HTTP.
///
/// Any closure that takes an [`Attempt`] and returns a future of a [`Response`] is one. It's called anew for each attempt, so that
/// each has a URL, a token and a body of its own. Dropping the future, or the response's body, gives the request up.
pub trait Connect {
    /// A part of a response's body.
    type Chunk: AsRef<[u8]> + Send + 'static;
    /// Why a request failed, or reading its response.
    type Error;
    /// A response's body.
    type Body: Stream<Item = Result<Self::Chunk, Self::Error>>;
    /// A request that's under way.
    type Connecting: Future<Output = Result<Response<Self::Body>, Self::Error>>;

    /// Sends a request, with the fields that [`Attempt::header_fields`] says.
    fn connect(&mut self, attempt: Attempt) -> Self::Connecting;

    /// Returns whether another attempt would fail as this one did, because of an address that can't be one, say. By default, any
    /// may go better. If it's final, the reason is [`Reason::Fatal`](super::Reason::Fatal).
    fn is_final(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}

impl<F, R, B, C, E> Connect for F
where
    F: FnMut(Attempt) -> R,
    R: Future<Output = Result<Response<B>, E>>,
    B: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]> + Send + 'static,
{
    type Chunk = C;
    type Error = E;
    type Body = B;
    type Connecting = R;

    fn connect(&mut self, attempt: Attempt) -> R {
        self(attempt)
    }
}

/// A response: what [`Connect`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Response<B> {
    /// What its head says. It's the last one: redirects were followed, and interim heads waited out.
    pub head: Head,
    /// Its body.
    pub body: B,
}

/// An attempt to connect, for which a request is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub(super) number: u64,
    pub(super) last_event_id: EventIdBuf,
}

impl Attempt {
    /// Returns how many attempts there were, with this one.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the id of the last event that was handed out; empty if there's none.
    pub fn last_event_id(&self) -> EventId<'_> {
        self.last_event_id.as_id()
    }

    /// Returns the names and values of the header fields that the request needs (§9.2.2 and §9.2.3): `Accept`, `Cache-Control`, and
    /// `Last-Event-ID` unless that's empty. Its value is UTF-8, of any length, and may have control characters other than NUL, CR and
    /// LF, which some HTTP clients refuse.
    pub fn header_fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let last_event_id = Some(self.last_event_id.as_str()).filter(|id| !id.is_empty());
        REQUEST_HEADERS.into_iter().chain(last_event_id.map(|id| ("last-event-id", id)))
    }
}
