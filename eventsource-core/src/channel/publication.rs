//! What is published.

use super::policy::Ids;
use crate::codec::{Event, EventId, EventIdBuf, EventName, EventNameBuf, Frame, OwnedEvent, UnnumberedBlock};
use alloc::string::String;
use alloc::sync::Arc;
use bytes::Bytes;
use core::fmt;

/// An event to publish, with what a channel needs to know of it besides: a key, of which only the newest counts for
/// subscribers that [conflate](super::Lag::Conflate), and a label, which [filters](super::SubscriptionBuilder::filter) look at.
///
/// It owns what it says, encoded already: to make one is most of the work of publishing it. Text alone, a name and text, an
/// [`Event`] and a [`Frame`] of one event convert into one, with neither key nor label; so
/// [`publish`](super::Channel::publish) takes them as they are.
///
/// ```
/// use eventsource_core::{Channel, Event, Publication, event_name};
///
/// let prices = Channel::new();
/// prices.publish("a plain text")?;
/// prices.publish((event_name!("opened"), format!("at {}", 9)))?;
/// prices.publish(Publication::new("191.30").key("AAPL"))?;
/// # Ok::<(), eventsource_core::channel::PublishError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Publication<L = ()> {
    block: Option<UnnumberedBlock>,
    id: Option<EventIdBuf>,
    key: Option<Arc<str>>,
    label: L,
}

impl Publication {
    /// Creates a publication of an event alone.
    pub fn new(event: impl Into<Self>) -> Self {
        event.into()
    }

    /// Creates a publication of an event with `value` as JSON in place of its data.
    ///
    /// ```
    /// use eventsource_core::{Channel, Event, Publication, event_name};
    ///
    /// let load = Channel::new();
    /// let event = Event::empty().name(event_name!("load"));
    /// load.publish(Publication::json(event, &[0.5, 0.25])?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of serialising `value`.
    #[cfg(feature = "json")]
    pub fn json<T>(event: Event<'_>, value: &T) -> Result<Self, serde_json::Error>
    where
        T: serde::Serialize + ?Sized,
    {
        Ok(Self::of(UnnumberedBlock::of_json(&event, value)?, event.id))
    }
}

impl<L> Publication<L> {
    /// Adds a key.
    pub fn key(self, key: impl Into<Arc<str>>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Adds a label, for a channel made by [`Channel::with_labels`](super::Channel::with_labels) or
    /// [`Topics::with_labels`](super::Topics::with_labels).
    pub fn label<O>(self, label: O) -> Publication<O> {
        let Self { block, id, key, .. } = self;
        Publication { block, id, key, label }
    }

    /// Checks that a channel whose ids are `ids` takes it.
    pub(super) fn check(&self, ids: Ids) -> Result<(), PublishError> {
        if self.block.is_none() {
            return Err(PublishError::NotOneEvent);
        }
        match (ids, self.id.as_ref().map(EventIdBuf::as_id)) {
            (Ids::Assigned, Some(_)) => Err(PublishError::UnexpectedId),
            (Ids::Callers, None) => Err(PublishError::MissingId),
            // The empty id is none to a client.
            (Ids::Callers, Some(id)) if id.as_str().is_empty() || !id.is_resumable() => {
                Err(PublishError::UnresumableId)
            }
            (Ids::Assigned, None) | (Ids::Callers, Some(_)) => Ok(()),
        }
    }

    pub(super) fn key_text(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the block, which has no id, the key and the label.
    pub(super) fn parts(&self) -> (&[u8], Option<&str>, &L) {
        let block = self.block.as_ref().map(UnnumberedBlock::as_bytes);
        (block.unwrap_or_default(), self.key.as_deref(), &self.label)
    }

    /// Creates it of these parts, if the block is one of an event without an id.
    pub(super) fn of_parts(block: &[u8], key: Option<&str>, label: L) -> Option<Self> {
        core::str::from_utf8(block).ok()?;
        let frame = Frame::from_joined(Bytes::copy_from_slice(block));
        let (block, None) = UnnumberedBlock::of_frame(&frame).ok()? else { return None };
        Some(Self { block: Some(block), id: None, key: key.map(Into::into), label })
    }
}

/// Which parts there are, never what they say.
impl<L> fmt::Debug for Publication<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication")
            .field("has_id", &self.id.is_some())
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

impl<L: Default> Publication<L> {
    /// Creates what a channel refuses.
    fn none() -> Self {
        Self { block: None, id: None, key: None, label: L::default() }
    }

    fn of(block: UnnumberedBlock, id: Option<EventId<'_>>) -> Self {
        Self { block: Some(block), id: id.map(Into::into), key: None, label: L::default() }
    }
}

/// The event as it is, with its id if it has one. A channel refuses one without a field.
impl<L: Default> From<Event<'_>> for Publication<L> {
    fn from(event: Event<'_>) -> Self {
        if event.is_block() { Self::of(UnnumberedBlock::of_event(&event), event.id) } else { Self::none() }
    }
}

/// The event as it came: its name and its id where its own block stated them.
impl<L: Default> From<&OwnedEvent> for Publication<L> {
    fn from(event: &OwnedEvent) -> Self {
        Event::from(event).into()
    }
}

/// The event in a ready frame. A channel refuses a frame that holds several, or none.
impl<L: Default> From<Frame> for Publication<L> {
    fn from(frame: Frame) -> Self {
        match UnnumberedBlock::of_frame(&frame) {
            Ok((block, id)) => Self::of(block, id),
            Err(_) => Self::none(),
        }
    }
}

/// Data alone.
impl<L: Default> From<&str> for Publication<L> {
    fn from(data: &str) -> Self {
        Event::new(data).into()
    }
}

/// Data alone.
impl<L: Default> From<&String> for Publication<L> {
    fn from(data: &String) -> Self {
        Event::new(data).into()
    }
}

/// Data alone.
impl<L: Default> From<String> for Publication<L> {
    fn from(data: String) -> Self {
        Event::new(&data).into()
    }
}

/// A name and data.
impl<L: Default> From<(EventName<'_>, &str)> for Publication<L> {
    fn from(event: (EventName<'_>, &str)) -> Self {
        Event::from(event).into()
    }
}

/// A name and data.
impl<L: Default> From<(EventName<'_>, String)> for Publication<L> {
    fn from((name, data): (EventName<'_>, String)) -> Self {
        Event::new(&data).name(name).into()
    }
}

/// A name and data.
impl<L: Default> From<(EventNameBuf, String)> for Publication<L> {
    fn from((name, data): (EventNameBuf, String)) -> Self {
        Event::new(&data).name(name.as_name()).into()
    }
}

/// A publication that a channel has checked, with all of it made that needs no lock.
pub(super) struct Prepared<L> {
    pub(super) block: UnnumberedBlock,
    /// The caller's own id, where those are indexed.
    pub(super) id: Option<Arc<str>>,
    pub(super) key: Option<Arc<str>>,
    pub(super) label: Arc<L>,
}

impl<L> Prepared<L> {
    /// Prepares a publication for a channel whose ids are `ids`.
    pub(super) fn new(publication: Publication<L>, ids: Ids) -> Result<Self, PublishError> {
        publication.check(ids)?;
        let Publication { block, id, key, label } = publication;
        let block = block.ok_or(PublishError::NotOneEvent)?;
        let id = id.map(|id| id.as_str().into());
        Ok(Self { block, id, key, label: Arc::new(label) })
    }
}

/// Nothing was published, of all that was to be.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// The channel is closed.
    Closed,
    /// The events come from a log elsewhere: the channel [follows](super::Follower) it.
    Following,
    /// The frame holds several events, or none, or the event has no field.
    NotOneEvent,
    /// The event has an id, but the channel assigns them.
    UnexpectedId,
    /// The event has no id, but the channel takes the caller's.
    MissingId,
    /// A client can't send the event's id back: see [`EventId::is_resumable`].
    UnresumableId,
    /// An event with this id is still kept.
    DuplicateId,
    /// The topic's name, the key or the token is longer than a log keeps.
    #[non_exhaustive]
    NameTooLong {
        /// How many bytes it may have.
        limit: usize,
    },
    /// There are as many topics with events as there may be.
    #[non_exhaustive]
    TooManyTopics {
        /// How many there may be.
        limit: usize,
    },
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the channel is closed"),
            Self::Following => f.write_str("the events come from a log elsewhere, which is where to publish"),
            Self::NotOneEvent => f.write_str("it isn't exactly one event"),
            Self::UnexpectedId => f.write_str("the event has an id, but the channel assigns the ids"),
            Self::MissingId => f.write_str("the event has no id"),
            Self::UnresumableId => f.write_str("the event's id can't be sent back in a header"),
            Self::DuplicateId => f.write_str("the event's id is that of another event"),
            Self::NameTooLong { limit } => {
                write!(f, "a topic's name, a key or a token of more than {limit} bytes")
            }
            Self::TooManyTopics { limit } => write!(f, "there are {limit} topics already"),
        }
    }
}

impl core::error::Error for PublishError {}

/// Nothing was applied, of all that was to be.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApplyError {
    /// The topics are closed.
    Closed,
    /// The first event's number isn't the next one, or the numbers don't suffice.
    #[non_exhaustive]
    OutOfOrder {
        /// The number that was reached.
        reached: u64,
        /// The number given.
        first: u64,
    },
    /// The event isn't one that can be published.
    Publication(PublishError),
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the topics are closed"),
            Self::OutOfOrder { reached, first } => {
                write!(f, "an event has the number {first}, and the last one before it {reached}")
            }
            Self::Publication(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ApplyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Publication(error) => error.source(),
            Self::Closed | Self::OutOfOrder { .. } => None,
        }
    }
}
