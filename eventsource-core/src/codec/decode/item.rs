//! What comes out.

use crate::{Event, EventId, EventName};
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
