//! What comes out.

use crate::{Event, EventId, EventName};
use core::fmt;
use core::time::Duration;

/// What a [`Decoder`](super::Decoder) finds in an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A dispatched event.
    Event(DecodedEvent<'a>),
    /// A comment, without its colon and the one space after it. Only if they were
    /// [asked for](super::Decoder::comments).
    Comment(&'a str),
    /// The reconnection time, as soon as its line has ended. More than a `Duration` holds is that much.
    Retry(Duration),
    /// The last event ID of a block that dispatched no event: it had no data, or was skipped for its size.
    LastEventId(EventId<'a>),
}

/// A dispatched event, as a page's listener gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodedEvent<'a> {
    /// The type: `message` unless it was named.
    pub name: EventName<'a>,
    /// The last event ID, of this event or of the last one before that had one; empty if there was none.
    pub last_event_id: EventId<'a>,
    /// The data: its lines, with LF between them.
    pub data: &'a str,
}

/// To send it on, with the name and the id stated.
impl<'a> From<DecodedEvent<'a>> for Event<'a> {
    fn from(event: DecodedEvent<'a>) -> Self {
        Event::new(event.data).name(event.name).id(event.last_event_id)
    }
}

/// The sizes that a [`Decoder`](super::Decoder) accepts, in bytes as they come in. `usize::MAX` is no limit. Zero accepts
/// nothing: every line that would be kept is over it.
///
/// The defaults are for streams of large models and of logs: those send several MiB of Base64 in one line, and
/// some servers make an id of half a KiB of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// A line without its end: 8 MiB. It bounds a name, too. Comments that nobody asked for and unknown fields are dropped
    /// as they come and may have any length, `retry` too.
    pub line: usize,
    /// An event's data, with one line break for each of its lines: 8 MiB.
    pub event: usize,
    /// An id: 4 KiB. It's kept for the life of the connection, and sent back with the next.
    pub id: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 8 * 1024 * 1024, event: 8 * 1024 * 1024, id: 4 * 1024 }
    }
}

/// What to do after a [`LimitError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// Decode no more: each further call returns the same error, until the decoder is
    /// [reset](super::Decoder::reset).
    #[default]
    Stop,
    /// Skip the rest of that event, and go on after the next blank line. Its complete ids still count.
    ///
    /// ```
    /// use eventsource_core::{Chunk, Decoder, Item, Limits, Overflow};
    ///
    /// let limits = Limits { event: 8, ..Limits::default() };
    /// let mut decoder = Decoder::new().limits(limits).overflow(Overflow::Skip);
    /// let mut chunk = Chunk::new(b"id: 1\ndata: far too long\n\ndata: short\n\n");
    ///
    /// let error = decoder.decode(&mut chunk).unwrap_err();
    /// assert_eq!(error.to_string(), "an event's data has more than 8 bytes");
    /// assert!(matches!(decoder.decode(&mut chunk)?, Some(Item::LastEventId(id)) if id.as_str() == "1"));
    /// assert!(matches!(decoder.decode(&mut chunk)?, Some(Item::Event(event)) if event.data == "short"));
    /// # Ok::<(), eventsource_core::LimitError>(())
    /// ```
    Skip,
}

/// Something is larger than a [`Decoder`](super::Decoder) accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LimitError {
    /// Which limit was exceeded.
    pub limit: Limit,
    /// Its size in bytes.
    pub size: usize,
}

/// A kind of limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::line`].
    Line,
    /// [`Limits::event`].
    Event,
    /// [`Limits::id`].
    Id,
    /// The part of a decoder's fixed buffer that is for this field.
    Buffer,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.limit {
            Limit::Line => "a line of the event stream",
            Limit::Event => "an event's data",
            Limit::Id => "an event's id",
            Limit::Buffer => "a field of the event stream",
        };
        write!(f, "{what} has more than {} bytes", self.size)
    }
}

impl core::error::Error for LimitError {}
