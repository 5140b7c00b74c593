//! What comes out.

use super::utf8::SetText;
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
    /// The data: its lines, with LF between them.
    pub data: &'a str,
    pub(super) last_event_id: SetText<'a>,
    pub(super) has_id: bool,
}

impl<'a> DecodedEvent<'a> {
    /// Returns the last event ID, of this event or of the last one before that had one; empty if there was none.
    ///
    /// A decoder [in a buffer](super::Decoder::with_buffer) checks each time that it's UTF-8, which costs as much as the id is
    /// long. One whose memory grows doesn't.
    pub fn last_event_id(&self) -> EventId<'a> {
        EventId::trusted(self.last_event_id.as_str())
    }

    /// Returns the id that stood in the event's own block, if one did.
    pub fn id(&self) -> Option<EventId<'a>> {
        self.has_id.then(|| self.last_event_id())
    }
}

/// To pass it on as it came: an event without a name stays without, and an id is stated where it was. An empty one isn't: it would
/// have the next reader forget where it is.
impl<'a> From<DecodedEvent<'a>> for Event<'a> {
    fn from(event: DecodedEvent<'a>) -> Self {
        pass_on(event.name, event.id(), event.data)
    }
}

pub(super) fn pass_on<'a>(name: EventName<'a>, id: Option<EventId<'a>>, data: &'a str) -> Event<'a> {
    let mut event = Event::new(data);
    event.name = Some(name).filter(|name| *name != EventName::MESSAGE);
    event.id = id.filter(|id| !id.as_str().is_empty());
    event
}
