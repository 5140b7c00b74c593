//! The description of an event.

use crate::{EventId, EventName};
use core::time::Duration;

/// A description of one block of an event stream: cheap, borrowed, validated.
///
/// Every field is optional. What they do in a client that follows WHATWG HTML §9.2.6:
///
/// | field | effect |
/// |---|---|
/// | `data` | dispatches an event with exactly this text, but that CR and CRLF arrive as LF; empty data too |
/// | `name` | the type of that event, `message` without one; no effect (so not written) where there's no data |
/// | `id` | sets the last event ID, also where there's no data |
/// | `retry` | sets the reconnection time |
/// | `comment` | none: clients ignore it, people who debug read it |
///
/// The order of the calls doesn't matter; a second call replaces the first.
///
/// ```
/// use eventsource_core::{Event, EventId, event_name};
///
/// let event = Event::new("two\nlines").name(event_name!("note")).id(EventId::new("7")?);
///
/// let mut buffer = [0; 64];
/// let written = event.encode_to_slice(&mut buffer)?;
/// assert_eq!(written, b"event: note\nid: 7\ndata: two\ndata: lines\n\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Event<'a> {
    pub(crate) name: Option<EventName<'a>>,
    pub(crate) id: Option<EventId<'a>>,
    pub(crate) data: Option<&'a str>,
    pub(crate) retry: Option<Duration>,
    pub(crate) comment: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// An event with data alone.
    pub const fn new(data: &'a str) -> Self {
        Self { data: Some(data), ..Self::empty() }
    }

    /// Nothing yet: what to start from for a block without data. By itself it encodes to no bytes at all.
    ///
    /// ```
    /// use eventsource_core::{Event, EventId};
    ///
    /// // Moves the client's last event ID without dispatching an event.
    /// let checkpoint = Event::empty().id(EventId::new("99")?);
    /// assert_eq!(checkpoint.to_string(), "id: 99\n\n");
    /// # Ok::<(), eventsource_core::codec::FieldError>(())
    /// ```
    pub const fn empty() -> Self {
        Self { name: None, id: None, data: None, retry: None, comment: None }
    }

    /// Sets the name, the type of the dispatched event.
    #[must_use]
    pub const fn name(mut self, name: EventName<'a>) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the id, the client's last event ID from here on.
    #[must_use]
    pub const fn id(mut self, id: EventId<'a>) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the data.
    #[must_use]
    pub const fn data(mut self, data: &'a str) -> Self {
        self.data = Some(data);
        self
    }

    /// Sets the client's reconnection time, in whole milliseconds; a fraction of one is rounded up, so that
    /// only zero asks for an immediate reconnection. Written as asked for, however long; what a client makes of more than
    /// it can count is its own affair.
    #[must_use]
    pub const fn retry(mut self, retry: Duration) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Sets a comment, of one or several lines.
    #[must_use]
    pub const fn comment(mut self, comment: &'a str) -> Self {
        self.comment = Some(comment);
        self
    }

    /// Whether a blank line has to close the block: something in it is to be processed, not only read.
    pub(crate) const fn is_block(&self) -> bool {
        self.data.is_some() || self.id.is_some() || self.retry.is_some()
    }
}

/// Data alone.
impl<'a> From<&'a str> for Event<'a> {
    fn from(data: &'a str) -> Self {
        Self::new(data)
    }
}

/// A name and data.
impl<'a> From<(EventName<'a>, &'a str)> for Event<'a> {
    fn from((name, data): (EventName<'a>, &'a str)) -> Self {
        Self::new(data).name(name)
    }
}
