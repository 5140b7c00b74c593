//! What is published.

use crate::Event;
use core::fmt;

/// An event with what a channel needs to know of it besides: a key, of which only the newest counts for subscribers that
/// [conflate](super::Lag::Conflate), and a label, which [filters](super::SubscriptionBuilder::filter) look at.
///
/// Whatever converts into an [`Event`] converts into one, with neither.
///
/// ```
/// use eventsource_core::{Channel, Event, Publication};
///
/// let prices = Channel::<()>::new();
/// prices.publish("a plain text")?;
/// prices.publish(Publication::new("191.30").key("AAPL"))?;
/// # Ok::<(), eventsource_core::PublishError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Publication<'a, L = ()> {
    pub(super) event: Event<'a>,
    pub(super) key: Option<&'a str>,
    pub(super) label: L,
}

impl<'a> Publication<'a> {
    /// Of an event alone.
    pub fn new(event: impl Into<Event<'a>>) -> Self {
        Self { event: event.into(), key: None, label: () }
    }
}

impl<'a, L> Publication<'a, L> {
    /// With a key.
    pub fn key(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }

    /// With a label.
    pub fn label<O>(self, label: O) -> Publication<'a, O> {
        let Self { event, key, .. } = self;
        Publication { event, key, label }
    }
}

impl<'a, L: Default, E: Into<Event<'a>>> From<E> for Publication<'a, L> {
    fn from(event: E) -> Self {
        Self { event: event.into(), key: None, label: L::default() }
    }
}

/// Nothing was published, of all that was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishError {
    /// The channel is closed.
    Closed,
    /// The event has an id, but the channel assigns them.
    UnexpectedId,
    /// The event has no id, but the channel takes the caller's.
    MissingId,
    /// The event's id can't be sent back by a client: see [`EventId::is_resumable`](crate::EventId::is_resumable).
    UnresumableId,
    /// An event with this id is still kept.
    DuplicateId,
    /// There are as many topics with events as there may be.
    TooManyTopics {
        /// How many.
        limit: usize,
    },
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the channel is closed"),
            Self::UnexpectedId => f.write_str("the event has an id, but the channel assigns the ids"),
            Self::MissingId => f.write_str("the event has no id"),
            Self::UnresumableId => f.write_str("the event's id can't be sent back in a header"),
            Self::DuplicateId => f.write_str("the event's id is that of another event"),
            Self::TooManyTopics { limit } => write!(f, "there are {limit} topics already"),
        }
    }
}

impl core::error::Error for PublishError {}
