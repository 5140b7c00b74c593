//! What happens to a client, and what it has done.

use super::{Head, Reason};
use crate::codec::{EventsError, LimitError, OwnedEvent};
use bytestring::ByteString;
use core::fmt;
use core::time::Duration;
#[cfg(feature = "std")]
use std::time::Instant;

/// What an [`EventSource`](super::EventSource) has done: what [`EventSource::stats`](super::EventSource::stats) returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceStats {
    /// How many attempts to connect have begun.
    pub attempts: u64,
    /// How many connections were open, with the one that is.
    pub connections: u64,
    /// How many events were handed out.
    pub events: u64,
    /// How many bytes of event streams were received.
    pub bytes: u64,
    /// Since when the connection is open; `None` while there is none.
    #[cfg(feature = "std")]
    pub open_since: Option<Instant>,
}

/// What happens to an [`EventSource`](super::EventSource).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update<E> {
    /// It's connected.
    Open(Head),
    /// The server has sent an event.
    Event(OwnedEvent),
    /// The server has sent a comment. Only if the decoder was [asked for them](crate::Decoder::comments).
    Comment(ByteString),
    /// An event that exceeds a limit was skipped. Only if the decoder is to [skip](crate::codec::Overflow::Skip) it.
    Skipped(LimitError),
    /// The connection was lost, or an attempt has brought none.
    Lost(ConnectionError<E>),
}

/// Why an [`EventSource`](super::EventSource) has no connection, and whether it tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionError<E> {
    /// What kind of failure it was.
    pub reason: Reason,
    /// What the transport or the decoder says, if it was one of them.
    pub error: Option<EventsError<E>>,
    /// After which time there's another attempt, from the next poll on; none if there won't be one.
    pub retry_in: Option<Duration>,
}

impl<E> ConnectionError<E> {
    /// Returns whether there won't be another attempt.
    pub fn is_final(&self) -> bool {
        self.retry_in.is_none()
    }

    /// Returns what the transport says, if it has failed.
    pub fn transport_error(&self) -> Option<&E> {
        match &self.error {
            Some(EventsError::Chunks(error)) => Some(error),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for ConnectionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => write!(f, "{}: {error}", self.reason),
            None => self.reason.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for ConnectionError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        // The error's own text is part of this one's.
        self.error.as_ref().and_then(core::error::Error::source)
    }
}
