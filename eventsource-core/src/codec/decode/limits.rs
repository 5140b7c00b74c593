//! What a decoder accepts.

use super::line::LineKind;
use core::fmt;

/// The sizes that a [`Decoder`](super::Decoder) accepts, in bytes as they come in. `usize::MAX` is no limit. Of zero, `line` and
/// `event` accept nothing: every line that would be kept is over them. The others then accept what's empty.
///
/// The defaults are for what real servers send: an image of 16 MiB as Base64 in one line, a name of 16 KiB, an id of half a
/// KiB of JSON.
///
/// ```
/// use eventsource_core::codec::{Decoder, Limits};
///
/// let decoder = Decoder::new().limits(Limits::new().line(64 * 1024).event(1024 * 1024));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// A line without its end: 32 MiB by default. Comments that nobody asked for and unknown fields are dropped as they come and
    /// may have any length, `retry` too.
    pub line: usize,
    /// An event's data, with one line break for each of its lines: 32 MiB by default.
    pub event: usize,
    /// An event's name: 64 KiB by default.
    pub name: usize,
    /// An id: 4 KiB by default. The last one is kept for the life of the connection, and sent back with the next.
    pub id: usize,
}

impl Limits {
    /// Creates the default limits.
    pub const fn new() -> Self {
        Self { line: 32 * 1024 * 1024, event: 32 * 1024 * 1024, name: 64 * 1024, id: 4 * 1024 }
    }

    /// Limits a [line](Self::line).
    #[must_use]
    pub const fn line(mut self, bytes: usize) -> Self {
        self.line = bytes;
        self
    }

    /// Limits an [event's data](Self::event).
    #[must_use]
    pub const fn event(mut self, bytes: usize) -> Self {
        self.event = bytes;
        self
    }

    /// Limits an [event's name](Self::name).
    #[must_use]
    pub const fn name(mut self, bytes: usize) -> Self {
        self.name = bytes;
        self
    }

    /// Limits an [id](Self::id).
    #[must_use]
    pub const fn id(mut self, bytes: usize) -> Self {
        self.id = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// What to do after a [`LimitError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// Decode no more: each further call returns the same error, until the decoder is
    /// [reset](super::Decoder::reset).
    #[default]
    Stop,
    /// Skip the rest of that event, and go on after the next blank line. Its complete ids still count.
    ///
    /// ```
    /// use eventsource_core::codec::{Chunk, Decoder, Item, Limit, Limits, Overflow};
    ///
    /// let mut decoder = Decoder::new().limits(Limits::new().event(8)).overflow(Overflow::Skip);
    /// let mut chunk = Chunk::new(b"id: 1\ndata: far too long\n\ndata: short\n\n");
    ///
    /// let error = decoder.decode(&mut chunk).unwrap_err();
    /// assert_eq!(error.limit, Limit::Event);
    /// let Some(Item::LastEventId(id)) = decoder.decode(&mut chunk)? else { panic!() };
    /// assert_eq!(id.as_str(), "1");
    /// let Some(Item::Event(event)) = decoder.decode(&mut chunk)? else { panic!() };
    /// assert_eq!(event.data, "short");
    /// # Ok::<(), eventsource_core::codec::LimitError>(())
    /// ```
    Skip,
}

/// Something is larger than a [`Decoder`](super::Decoder) accepts. Its text names the setting that raises the limit: a method of
/// [`Limits`], for [`Decoder::limits`](super::Decoder::limits), or the size of the caller's buffer.
///
/// ```
/// use eventsource_core::Decoder;
/// use eventsource_core::codec::{Chunk, Limits};
///
/// let mut decoder = Decoder::new().limits(Limits::new().line(9));
/// let error = decoder.decode(&mut Chunk::new(b"data: hello\n\n")).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a line of the event stream has more than the 9 bytes that Limits::line allows"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LimitError {
    /// Which limit was exceeded.
    pub limit: Limit,
    /// Its size in bytes.
    pub size: usize,
}

impl LimitError {
    /// Of a part of a fixed buffer.
    pub(super) fn of_buffer(size: usize) -> Self {
        Self { limit: Limit::Buffer, size }
    }
}

/// A kind of limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// That of a line, which [`Limits::line`](method@Limits::line) sets.
    Line,
    /// That of an event's data, which [`Limits::event`](method@Limits::event) sets.
    Event,
    /// That of an event's name, which [`Limits::name`](method@Limits::name) sets.
    Name,
    /// That of an id, which [`Limits::id`](method@Limits::id) sets.
    Id,
    /// The part of a decoder's fixed buffer that is for this field: half of the buffer for data, an eighth for each of the others.
    /// A larger buffer for [`Decoder::with_buffer`](super::Decoder::with_buffer) raises it.
    Buffer,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size;
        let (what, setting) = match self.limit {
            Limit::Line => ("a line of the event stream", "line"),
            Limit::Event => ("an event's data, with its line breaks,", "event"),
            Limit::Name => ("an event's name", "name"),
            Limit::Id => ("an event's id", "id"),
            Limit::Buffer => {
                return write!(
                    f,
                    "a field has no room in its {size} bytes of the buffer given to Decoder::with_buffer"
                );
            }
        };
        write!(f, "{what} has more than the {size} bytes that Limits::{setting} allows")
    }
}

impl core::error::Error for LimitError {}

/// The limits, and how much fits into a decoder's memory.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    limits: Limits,
    /// The part of a fixed buffer that is for data, and the part that each of the others has.
    data: usize,
    part: usize,
    /// Of these sizes, everything is within all of them: the end of a value in its line, and an event that's smaller.
    pub(super) always_line: usize,
    pub(super) always_event: usize,
}

impl Bounds {
    pub(super) fn new(limits: Limits, data: usize, part: usize) -> Self {
        let always_line = limits.line.min(limits.name).min(limits.id).min(part);
        Self { limits, data, part, always_line, always_event: limits.event.min(data) }
    }

    /// Whether there's room for a value of `len` bytes, which begins at `start` in its line, beside `event` bytes of data.
    #[inline]
    pub(super) fn check(
        &self,
        kind: LineKind,
        start: usize,
        len: usize,
        event: usize,
    ) -> Result<(), LimitError> {
        let is_data = kind == LineKind::Data;
        if start.saturating_add(len) <= self.always_line
            && !(is_data && event.saturating_add(len) >= self.always_event)
        {
            return Ok(());
        }
        self.check_each(kind, start, len, event)
    }

    /// Where two limits are exceeded, it's by the byte that comes first that it's told, so that it's the same one
    /// whatever the cuts.
    fn check_each(&self, kind: LineKind, start: usize, len: usize, event: usize) -> Result<(), LimitError> {
        let smaller = |limit, size, part| {
            if part < size { LimitError::of_buffer(part) } else { LimitError { limit, size } }
        };
        let (limit, used) = match kind {
            LineKind::Data => (smaller(Limit::Event, self.limits.event, self.data), event.saturating_add(1)),
            LineKind::Id => (smaller(Limit::Id, self.limits.id, self.part), 0),
            LineKind::Event => (smaller(Limit::Name, self.limits.name, self.part), 0),
            LineKind::Comment => (LimitError::of_buffer(self.part), 0),
            LineKind::Retry | LineKind::Unknown => return Ok(()),
        };
        let room = limit.size.checked_sub(used);
        let room_in_line = self.limits.line.checked_sub(start);
        if Some(len) <= room.min(room_in_line) {
            return Ok(());
        }
        let line = LimitError { limit: Limit::Line, size: self.limits.line };
        Err(if room_in_line <= room { line } else { limit })
    }
}
