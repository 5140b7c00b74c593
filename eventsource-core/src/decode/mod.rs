//! The decoder: the bytes of an event stream as events (§9.2.5, §9.2.6).
//!
//! The encoder read backwards, in the same words and the same order. Where a block lies whole in a chunk and has one line of
//! data, nothing is copied: the event is a view of the chunk. What's cut between chunks, or has several lines of
//! data, is put together in memory that's used again for the next event.

mod chunk;
#[cfg(feature = "std")]
mod chunks;
#[cfg(feature = "alloc")]
mod events;
mod item;
mod limits;
mod line;
mod memory;
mod utf8;

pub use chunk::Chunk;
#[cfg(feature = "std")]
pub use chunks::Chunks;
#[cfg(feature = "alloc")]
pub use events::{Events, EventsError, OwnedEvent};
pub use item::{DecodedEvent, Item};
pub use limits::{Limit, LimitError, Limits, Overflow};
#[cfg(feature = "alloc")]
pub use memory::Growable;
pub use memory::Memory;

use crate::fixed::{Fixed, Full};
use crate::retry::RetryDigits;
use crate::scan::find_line_break;
use crate::{EventId, EventName};
use chunk::Span;
use core::iter::once;
use core::time::Duration;
use limits::Bounds;
use line::{LineKind, Prefix, after_line_end, is_cut_field, is_line_break, known_field, split_line};

/// Decodes an event stream, cut into chunks of any size at any place.
///
/// Follows WHATWG HTML §9.2.5 and §9.2.6 to the letter, and what comes out doesn't depend on the cuts. Feed it with
/// [`decode`](Self::decode). At the end of the stream nothing has to be done: what's unfinished is discarded, as the
/// standard has it.
///
/// ```
/// use eventsource_core::{Chunk, Decoder, Item};
///
/// let mut decoder = Decoder::new();
/// let mut seen = Vec::new();
/// for bytes in [&b"event: greeting\nid: 1\nda"[..], b"ta: hello\n\nretry: 500\n"] {
///     let mut chunk = Chunk::new(bytes);
///     while let Some(item) = decoder.decode(&mut chunk)? {
///         match item {
///             Item::Event(event) => seen.push(format!("{}: {}", event.name, event.data)),
///             Item::Retry(after) => seen.push(format!("reconnect after {after:?}")),
///             _ => {}
///         }
///     }
/// }
/// assert_eq!(seen, ["greeting: hello", "reconnect after 500ms"]);
/// assert_eq!(decoder.last_event_id().as_str(), "1");
/// # Ok::<(), eventsource_core::LimitError>(())
/// ```
///
/// # Memory
/// [`Limits`] bound it. What was needed once is kept for the next event, until the decoder is dropped.
/// [`with_buffer`](Decoder::with_buffer) needs no allocator: it works in a buffer of yours.
///
/// # Deviations from the standard
/// The limits; and a `retry` longer than a `Duration` holds is taken for the longest. Where the standard, read literally,
/// forgets the last event ID with each new connection, it's kept as browsers keep it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says of another buffer or byte that it's there")]
pub struct Decoder<#[cfg(feature = "alloc")] M = Growable, #[cfg(not(feature = "alloc"))] M> {
    bounds: Bounds,
    overflow: Overflow,
    comments: bool,

    /// The data buffer: the lines of data so far, each with a LF.
    data: M,
    has_data: bool,
    /// What's in `data` has been lent to the caller, and is to be forgotten.
    lent: bool,
    /// The event type buffer, where it was set in an earlier chunk.
    name: M,
    has_name: bool,
    /// The last event ID buffer, where this block has set it in an earlier chunk; as valid text.
    id: M,
    has_id: bool,
    last_event_id: M,
    /// The last event ID has been set since it was last taken.
    has_new_id: bool,
    /// The value of an id or of a comment that's cut.
    scratch: M,
    retry: RetryDigits,

    line: Line,
    /// The beginning of a line whose field isn't known yet, or of a BOM.
    prefix: Prefix,
    /// Where the value of a cut line began in it, and how much of it has come.
    value_start: usize,
    value_len: usize,
    /// Nothing has come yet but maybe a part of a BOM.
    at_start: bool,
    /// A CR was the last byte: a LF belongs to it.
    after_cr: bool,
    /// This block was over a limit.
    skipping: bool,
    stopped: Option<LimitError>,
}

/// Where in a line a chunk has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Start,
    Prefix,
    Value(LineKind),
}

/// The fields of the block that lie whole in this chunk.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    name: Option<Span>,
    id: Option<Span>,
    data: Option<Span>,
}

impl Block {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.id.is_none() && self.data.is_none()
    }
}

/// An item before it's lent: it borrows nothing of the decoder.
enum Found<'i> {
    Event { name: Text<'i>, id: PendingId<'i>, data: Text<'i> },
    Comment(Text<'i>),
    Retry(Duration),
    LastEventId,
}

/// The last event ID buffer of a block that's complete. It counts once the event is handed out, or skipped.
#[derive(Clone, Copy)]
enum PendingId<'i> {
    OfChunk(&'i str),
    /// In the decoder's memory for it.
    Kept,
    Unset,
}

enum Text<'i> {
    OfChunk(&'i str),
    /// In the decoder's memory for it, so many bytes.
    Kept(usize),
}

const BOM: &[u8] = "\u{feff}".as_bytes();

#[cfg(feature = "alloc")]
impl Decoder {
    /// With memory that grows up to the default [`Limits`].
    pub fn new() -> Self {
        Self::of([(); 5].map(|()| Growable::default()))
    }
}

#[cfg(feature = "alloc")]
impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl<'b> Decoder<Fixed<'b>> {
    /// In a buffer of the caller's, without an allocator. Half of it is for data, an eighth each for the name,
    /// the id, the last event ID, and whatever of an id or a comment is cut. A field that's larger than its part is a
    /// [`LimitError`], whether it would have had to be copied or not.
    ///
    /// ```
    /// use eventsource_core::{Chunk, Decoder, Item};
    ///
    /// let mut buffer = [0; 256];
    /// let mut decoder = Decoder::with_buffer(&mut buffer);
    /// assert!(decoder.decode(&mut Chunk::new(b"data: 21.5"))?.is_none());
    /// let mut chunk = Chunk::new(b" degrees\n\n");
    /// let Some(Item::Event(event)) = decoder.decode(&mut chunk)? else { panic!() };
    /// assert_eq!(event.data, "21.5 degrees");
    /// # Ok::<(), eventsource_core::LimitError>(())
    /// ```
    pub fn with_buffer(buffer: &'b mut [u8]) -> Self {
        let eighth = buffer.len() / 8;
        let (name, rest) = buffer.split_at_mut_checked(eighth).unwrap_or_default();
        let (id, rest) = rest.split_at_mut_checked(eighth).unwrap_or_default();
        let (last_event_id, rest) = rest.split_at_mut_checked(eighth).unwrap_or_default();
        let (scratch, data) = rest.split_at_mut_checked(eighth).unwrap_or_default();
        Self::of([data, name, id, last_event_id, scratch].map(Fixed::new))
    }
}

impl<M: Memory> Decoder<M> {
    fn of([data, name, id, last_event_id, scratch]: [M; 5]) -> Self {
        Self {
            bounds: Bounds::new(Limits::default(), data.capacity(), name.capacity()),
            overflow: Overflow::default(),
            comments: false,
            data,
            has_data: false,
            lent: false,
            name,
            has_name: false,
            id,
            has_id: false,
            last_event_id,
            has_new_id: false,
            scratch,
            retry: RetryDigits::default(),
            line: Line::Start,
            prefix: Prefix::default(),
            value_start: 0,
            value_len: 0,
            at_start: true,
            after_cr: false,
            skipping: false,
            stopped: None,
        }
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.bounds = Bounds::new(limits, self.data.capacity(), self.name.capacity());
        self
    }

    /// Says what to do when a limit is exceeded.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Whether comments are items. By default they're dropped as they come.
    #[must_use]
    pub fn comments(mut self, comments: bool) -> Self {
        self.comments = comments;
        self
    }

    /// Goes on after an event of an earlier run: begins with its last event ID. One that's longer than a fixed buffer's
    /// part for it is taken for none.
    #[must_use]
    pub fn resume_after(mut self, last_event_id: EventId<'_>) -> Self {
        let _ = self.last_event_id.set_text(once(last_event_id.as_str()));
        self
    }

    /// The last event ID, to be sent with the next request as `Last-Event-ID`; empty if there's none. It's that of the last
    /// event that was handed out or skipped. A server may have sent one that no header can hold: see
    /// [`is_resumable`](EventId::is_resumable).
    pub fn last_event_id(&self) -> EventId<'_> {
        kept_id(&self.last_event_id)
    }

    /// The last event ID, if it has been set since this was last asked.
    #[cfg(feature = "alloc")]
    fn take_new_id(&mut self) -> Option<EventId<'_>> {
        core::mem::take(&mut self.has_new_id).then(|| self.last_event_id())
    }

    /// Whether a [`LimitError`] has stopped it for good.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Makes ready for the next connection: discards what's unfinished, expects a BOM again, and keeps the last event
    /// ID, as browsers do.
    pub fn reset(&mut self) {
        self.forget_event();
        self.has_id = false;
        self.line = Line::Start;
        self.at_start = true;
        self.after_cr = false;
        self.skipping = false;
        self.stopped = None;
    }

    /// The next item of `chunk`, or `None` once that's used up. The item is a view of the chunk or of the
    /// decoder's memory.
    ///
    /// Costs linear time whatever the cuts. A view of the chunk costs no copy and no allocation.
    ///
    /// # Errors
    /// [`LimitError`], and then what [`Overflow`] says. With [`Overflow::Skip`], go on calling with the same chunk.
    pub fn decode<'s, 'i: 's>(&'s mut self, chunk: &mut Chunk<'i>) -> Result<Option<Item<'s>>, LimitError> {
        if let Some(error) = self.stopped {
            return Err(error);
        }
        if self.lent {
            self.lent = false;
            self.data.truncate(0);
        }
        let found = match self.find(chunk) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.stopped = (self.overflow == Overflow::Stop).then_some(error);
                return Err(error);
            }
        };
        let Self {
            data: data_memory,
            name: name_memory,
            id: id_memory,
            scratch,
            last_event_id,
            has_new_id,
            ..
        } = self;
        let lent = match found {
            Found::Event { name, id, data } => {
                let lent = name.lend(name_memory).and_then(|name| Ok((name, data.lend(data_memory)?)));
                if lent.is_ok() || self.overflow == Overflow::Skip {
                    *has_new_id |= id.commit(id_memory, last_event_id)?;
                }
                let last_event_id = kept_id(last_event_id);
                lent.map(|(name, data)| {
                    Item::Event(DecodedEvent { name: EventName::trusted(name), last_event_id, data })
                })
            }
            Found::Comment(text) => text.lend(scratch).map(Item::Comment),
            Found::Retry(after) => Ok(Item::Retry(after)),
            Found::LastEventId => Ok(Item::LastEventId(kept_id(last_event_id))),
        };
        lent.map(Some).inspect_err(|&error| {
            self.stopped = (self.overflow == Overflow::Stop).then_some(error);
        })
    }

    fn find<'i>(&mut self, chunk: &mut Chunk<'i>) -> Result<Option<Found<'i>>, LimitError> {
        // A stream that comes byte by byte is in the middle of a value most of the time.
        if let (Line::Value(kind), bytes @ &[byte]) = (self.line, chunk.remaining()) {
            if !is_line_break(byte) {
                chunk.advance(1);
                return self.extend_value(kind, bytes).map(|()| None);
            }
        }
        let mut block = Block::default();
        let found = self.find_in_block(chunk, &mut block);
        // This chunk's part of a block that isn't complete.
        if !block.is_empty() {
            self.keep(chunk, block)?;
        }
        found
    }

    #[inline]
    fn find_in_block<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
    ) -> Result<Option<Found<'i>>, LimitError> {
        if self.after_cr {
            match chunk.remaining().first() {
                None => return Ok(None),
                Some(b'\n') => chunk.advance(1),
                Some(_) => {}
            }
            self.after_cr = false;
        }
        while let Some(&first) = chunk.remaining().first() {
            let found = match self.line {
                Line::Start if self.at_start => {
                    self.begin_stream(first);
                    None
                }
                // "If the line is empty (a blank line): dispatch the event."
                Line::Start if is_line_break(first) => {
                    self.end_line(chunk, 0);
                    self.dispatch(chunk, block)?
                }
                Line::Start => {
                    if !self.skipping && self.common_lines(chunk, block)? {
                        continue;
                    }
                    self.begin_line(chunk, block)?
                }
                Line::Prefix => {
                    self.continue_prefix(chunk, first)?;
                    None
                }
                Line::Value(kind) => self.continue_value(chunk, kind)?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn begin_stream(&mut self, first: u8) {
        if BOM.first() == Some(&first) {
            self.begin_prefix();
        } else {
            self.at_start = false;
        }
    }

    /// As many lines as lie whole in the chunk, are of the common fields, short, and end in LF or CRLF. What's left, if only for
    /// its length, is for [`begin_line`](Self::begin_line), which knows everything, at a few times the cost. Whether
    /// there was one.
    #[inline]
    fn common_lines(&mut self, chunk: &mut Chunk<'_>, block: &mut Block) -> Result<bool, LimitError> {
        const SHORT: usize = 1024;
        let bytes = chunk.remaining();
        let first_line = block.data.map_or(0, |data| data.len().wrapping_add(1));
        let mut event = self.data.as_slice().len().wrapping_add(first_line);
        let mut line = bytes;
        while let Some((kind, start)) = known_field(line) {
            let value = line.get(start..).unwrap_or_default();
            let Some(len) = find_line_break(value.get(..SHORT).unwrap_or(value)) else { break };
            let end = start.wrapping_add(len);
            let Some(after) = line.get(end..).and_then(after_line_end) else { break };
            let begin = bytes.len().wrapping_sub(line.len());
            let span = chunk.span(begin.wrapping_add(start), begin.wrapping_add(end));
            if end > self.bounds.always_line {
                break;
            }
            match kind {
                LineKind::Data if event.wrapping_add(len) < self.bounds.always_event => {
                    event = event.wrapping_add(len).wrapping_add(1);
                    if !self.has_data {
                        let Some(first) = block.data.replace(span) else {
                            line = after;
                            continue;
                        };
                        block.data = None;
                        self.keep_data(chunk, Some(first))?;
                    }
                    extend_line(&mut self.data, value.get(..len).unwrap_or_default(), value)?;
                }
                LineKind::Event => block.name = Some(span),
                // "If the field value does not contain U+0000 NULL."
                LineKind::Id if chunk.text(span).is_some_and(|id| !id.as_bytes().contains(&0)) => {
                    block.id = Some(span);
                }
                _ => break,
            }
            line = after;
        }
        chunk.advance(bytes.len().wrapping_sub(line.len()));
        Ok(line.len() < bytes.len())
    }

    /// A line from its first byte on.
    fn begin_line<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
    ) -> Result<Option<Found<'i>>, LimitError> {
        let line = chunk.remaining();
        if let Some((kind, start)) = known_field(line) {
            if let Some(len) = find_line_break(line.get(start..).unwrap_or_default()) {
                return self.whole_line(chunk, block, kind, start, start.wrapping_add(len));
            }
            self.keep(chunk, core::mem::take(block))?;
            chunk.advance(line.len());
            self.begin_value(kind, start)?;
            if let Line::Value(kind) = self.line {
                self.extend_value(kind, line.get(start..).unwrap_or_default())?;
            }
        } else if let Some(end) = find_line_break(line) {
            // Rare: a field without a colon, or an unknown one.
            let (kind, start) = split_line(line.get(..end).unwrap_or_default());
            return self.whole_line(chunk, block, kind, start, end);
        } else {
            self.begin_prefix();
        }
        Ok(None)
    }

    /// A line that lies whole in the chunk.
    fn whole_line<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
        kind: LineKind,
        start: usize,
        end: usize,
    ) -> Result<Option<Found<'i>>, LimitError> {
        let span = chunk.span(start, end);
        self.end_line(chunk, end);
        let first_line = block.data.map_or(0, |data| data.len().wrapping_add(1));
        let event = self.data.as_slice().len().wrapping_add(first_line);
        if !self.accepts(kind, start, span.len(), event)? {
            return Ok(None);
        }
        match kind {
            LineKind::Data if block.data.is_none() && !self.has_data => block.data = Some(span),
            LineKind::Data => {
                self.keep_data(chunk, block.data.take())?;
                self.keep_data(chunk, Some(span))?;
            }
            LineKind::Event => block.name = Some(span),
            LineKind::Id => self.whole_id(chunk, block, span)?,
            LineKind::Retry | LineKind::Comment | LineKind::Unknown => {
                return self.whole_item(chunk, kind, span);
            }
        }
        Ok(None)
    }

    fn whole_id(&mut self, chunk: &mut Chunk<'_>, block: &mut Block, id: Span) -> Result<(), LimitError> {
        // "If the field value does not contain U+0000 NULL."
        if chunk.bytes(id).contains(&0) {
            return Ok(());
        }
        if chunk.text(id).is_some() {
            block.id = Some(id);
            return Ok(());
        }
        block.id = None;
        self.keep_id(chunk.bytes(id))
    }

    /// A line that's an item by itself.
    fn whole_item<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        kind: LineKind,
        span: Span,
    ) -> Result<Option<Found<'i>>, LimitError> {
        let value = chunk.bytes(span);
        Ok(match kind {
            LineKind::Retry => RetryDigits::default().followed_by(value).duration().map(Found::Retry),
            LineKind::Comment => Some(Found::Comment(if let Some(text) = chunk.text(span) {
                Text::OfChunk(text)
            } else {
                replace(&mut self.scratch, value)?;
                Text::Kept(value.len())
            })),
            _ => None,
        })
    }

    fn begin_prefix(&mut self) {
        self.line = Line::Prefix;
        self.prefix.clear();
    }

    /// One more byte of a line whose field isn't known yet, or of what may be a BOM.
    fn continue_prefix(&mut self, chunk: &mut Chunk<'_>, next: u8) -> Result<(), LimitError> {
        let ended = is_line_break(next);
        if !ended {
            chunk.advance(1);
            self.prefix.push(next);
        }
        let prefix = self.prefix.clone();
        let prefix = prefix.as_slice();
        if self.at_start {
            // "One leading U+FEFF BYTE ORDER MARK character must be ignored if any are present."
            if prefix == BOM {
                self.at_start = false;
                self.line = Line::Start;
                return Ok(());
            }
            if BOM.starts_with(prefix) && !ended {
                return Ok(());
            }
            self.at_start = false;
        }
        let (kind, start) = match known_field(prefix) {
            Some(known) => known,
            None if ended => split_line(prefix),
            None if is_cut_field(prefix) => return Ok(()),
            None => (LineKind::Unknown, 0),
        };
        self.begin_value(kind, start)?;
        self.extend_value(kind, prefix.get(start..).unwrap_or_default())
    }

    /// A value that isn't whole in its chunk. It began at `start` in its line.
    fn begin_value(&mut self, kind: LineKind, start: usize) -> Result<(), LimitError> {
        self.line = Line::Value(kind);
        self.value_start = start;
        self.value_len = 0;
        match kind {
            LineKind::Event => {
                self.has_name = false;
                self.name.truncate(0);
            }
            LineKind::Id | LineKind::Comment => self.scratch.truncate(0),
            LineKind::Retry => self.retry = RetryDigits::default(),
            LineKind::Data | LineKind::Unknown => {}
        }
        self.extend_value(kind, &[])
    }

    fn continue_value<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        kind: LineKind,
    ) -> Result<Option<Found<'i>>, LimitError> {
        let bytes = chunk.remaining();
        let end = find_line_break(bytes);
        let value = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        // Where it's too much, the line goes on as one that's dropped.
        self.extend_value(kind, value)?;
        let Some(end) = end else {
            chunk.advance(bytes.len());
            return Ok(None);
        };
        let line = self.line;
        self.end_line(chunk, end);
        match line {
            Line::Value(kind) => self.end_value(kind),
            Line::Start | Line::Prefix => Ok(None),
        }
    }

    fn extend_value(&mut self, kind: LineKind, bytes: &[u8]) -> Result<(), LimitError> {
        let len = self.value_len.saturating_add(bytes.len());
        let event = self.data.as_slice().len().saturating_sub(self.value_len);
        let accepted = self.accepts(kind, self.value_start, len, event);
        if !matches!(accepted, Ok(true)) {
            self.line = Line::Value(LineKind::Unknown);
            return accepted.map(|_| ());
        }
        self.value_len = len;
        match kind {
            LineKind::Data => extend(&mut self.data, bytes),
            LineKind::Event => extend(&mut self.name, bytes),
            LineKind::Id | LineKind::Comment => extend(&mut self.scratch, bytes),
            LineKind::Retry => {
                self.retry = self.retry.followed_by(bytes);
                Ok(())
            }
            LineKind::Unknown => Ok(()),
        }
    }

    fn end_value<'i>(&mut self, kind: LineKind) -> Result<Option<Found<'i>>, LimitError> {
        match kind {
            LineKind::Data => {
                self.has_data = true;
                extend(&mut self.data, b"\n")?;
            }
            LineKind::Event => self.has_name = true,
            LineKind::Id if self.scratch.as_slice().contains(&0) => {}
            LineKind::Id => {
                let kept = set_text(&mut self.id, utf8::lossy(self.scratch.as_slice()));
                self.has_kept_id(kept)?;
            }
            LineKind::Retry => return Ok(self.retry.duration().map(Found::Retry)),
            LineKind::Comment => return Ok(Some(Found::Comment(Text::Kept(self.scratch.as_slice().len())))),
            LineKind::Unknown => {}
        }
        Ok(None)
    }

    /// To the beginning of the next line.
    #[inline]
    fn end_line(&mut self, chunk: &mut Chunk<'_>, end: usize) {
        self.line = Line::Start;
        chunk.advance(end);
        // CRLF, LF and CR alike; a LF that's yet to come belongs to its CR.
        match chunk.remaining() {
            [b'\r', b'\n', ..] => chunk.advance(2),
            [b'\r'] => {
                self.after_cr = true;
                chunk.advance(1);
            }
            _ => chunk.advance(1),
        }
    }

    #[inline]
    fn dispatch<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
    ) -> Result<Option<Found<'i>>, LimitError> {
        let Block { name, id, data } = core::mem::take(block);
        let id = match id.and_then(|id| chunk.text(id)) {
            Some(id) => PendingId::OfChunk(id),
            None if self.has_id => PendingId::Kept,
            None => PendingId::Unset,
        };
        self.has_id = false;
        // "If the data buffer is an empty string, set it and the event type buffer to the empty string and return."
        if self.skipping || (data.is_none() && !self.has_data) {
            self.skipping = false;
            self.forget_event();
            let is_set = id.commit(&self.id, &mut self.last_event_id)?;
            self.has_new_id |= is_set;
            return Ok(is_set.then_some(Found::LastEventId));
        }

        let in_chunk = data.filter(|_| !self.has_data).and_then(|data| chunk.text(data));
        let data = if let Some(text) = in_chunk {
            Text::OfChunk(text)
        } else {
            self.keep_data(chunk, data)?;
            self.has_data = false;
            self.lent = true;
            // "If the data buffer's last character is a LF, remove it."
            Text::Kept(self.data.as_slice().len().saturating_sub(1))
        };
        let name = match name.map(|name| (name, chunk.text(name))) {
            Some((name, _)) if name.len() == 0 => Text::OfChunk(EventName::MESSAGE.as_str()),
            Some((_, Some(text))) => Text::OfChunk(text),
            Some((name, None)) => {
                replace(&mut self.name, chunk.bytes(name))?;
                Text::Kept(name.len())
            }
            None if self.has_name && !self.name.as_slice().is_empty() => {
                Text::Kept(self.name.as_slice().len())
            }
            None => Text::OfChunk(EventName::MESSAGE.as_str()),
        };
        self.has_name = false;
        Ok(Some(Found::Event { name, id, data }))
    }

    /// Puts what a chunk has of a block into the decoder's own memory.
    #[inline]
    fn keep(&mut self, chunk: &mut Chunk<'_>, block: Block) -> Result<(), LimitError> {
        if let Some(id) = block.id {
            self.keep_id(chunk.bytes(id))?;
        }
        if self.skipping {
            return Ok(());
        }
        if let Some(name) = block.name {
            self.has_name = true;
            replace(&mut self.name, chunk.bytes(name))?;
        }
        self.keep_data(chunk, block.data)
    }

    fn keep_data(&mut self, chunk: &Chunk<'_>, data: Option<Span>) -> Result<(), LimitError> {
        let Some(data) = data else { return Ok(()) };
        self.has_data = true;
        extend_line(&mut self.data, chunk.bytes(data), chunk.bytes(data.with_end()))
    }

    fn keep_id(&mut self, id: &[u8]) -> Result<(), LimitError> {
        let kept = set_text(&mut self.id, utf8::lossy(id));
        self.has_kept_id(kept)
    }

    /// Replacements may have made an id too long for a fixed buffer.
    fn has_kept_id(&mut self, kept: Result<(), LimitError>) -> Result<(), LimitError> {
        self.has_id = kept.is_ok();
        match kept {
            Err(error) if !self.skipping => Err(self.exceed(error)),
            _ => Ok(()),
        }
    }

    fn forget_event(&mut self) {
        self.data.truncate(0);
        self.has_data = false;
        self.lent = false;
        self.has_name = false;
    }

    /// Whether a value of `len` bytes, which begins at `start` in its line, is to be kept, beside `event` bytes of data.
    #[inline]
    fn accepts(
        &mut self,
        kind: LineKind,
        start: usize,
        len: usize,
        event: usize,
    ) -> Result<bool, LimitError> {
        let wanted = match kind {
            LineKind::Data | LineKind::Event => !self.skipping,
            LineKind::Comment => self.comments,
            LineKind::Id | LineKind::Retry => true,
            LineKind::Unknown => false,
        };
        if !wanted {
            return Ok(false);
        }
        match self.bounds.check(kind, start, len, event) {
            Ok(()) => Ok(true),
            Err(_) if self.skipping => Ok(false),
            Err(error) => Err(self.exceed(error)),
        }
    }

    /// The rest of the block is to be skipped, if the decoder goes on at all.
    fn exceed(&mut self, error: LimitError) -> LimitError {
        self.skipping = true;
        self.forget_event();
        error
    }
}

impl PendingId<'_> {
    /// "Set the last event ID string of the event source to the value of the last event ID buffer." Whether there was one.
    #[inline]
    fn commit<M: Memory>(self, kept: &M, last_event_id: &mut M) -> Result<bool, LimitError> {
        match self {
            Self::OfChunk(id) => set_text(last_event_id, once(id))?,
            Self::Kept => set_text(last_event_id, once(kept.as_text()))?,
            Self::Unset => return Ok(false),
        }
        Ok(true)
    }
}

impl<'i> Text<'i> {
    fn lend<'s, M: Memory>(self, memory: &'s mut M) -> Result<&'s str, LimitError>
    where
        'i: 's,
    {
        match self {
            Self::OfChunk(text) => Ok(text),
            Self::Kept(len) => {
                let size = memory.capacity();
                memory.text(len).map_err(|Full| LimitError { limit: Limit::Buffer, size })
            }
        }
    }
}

#[inline]
fn extend<M: Memory>(memory: &mut M, bytes: &[u8]) -> Result<(), LimitError> {
    let size = memory.capacity();
    memory.extend(bytes).map_err(|Full| LimitError { limit: Limit::Buffer, size })
}

/// A line of data with a LF, of `bytes` that begin with it: in one go where it ends in a LF itself.
#[inline]
fn extend_line<M: Memory>(memory: &mut M, line: &[u8], bytes: &[u8]) -> Result<(), LimitError> {
    if let Some(with_end @ [.., b'\n']) = bytes.get(..line.len().wrapping_add(1)) {
        return extend(memory, with_end);
    }
    extend(memory, line)?;
    extend(memory, b"\n")
}

fn replace<M: Memory>(memory: &mut M, bytes: &[u8]) -> Result<(), LimitError> {
    memory.truncate(0);
    extend(memory, bytes)
}

fn set_text<'t, M: Memory>(memory: &mut M, pieces: impl Iterator<Item = &'t str>) -> Result<(), LimitError> {
    let size = memory.capacity();
    memory.set_text(pieces).map_err(|Full| LimitError { limit: Limit::Buffer, size })
}

fn kept_id<M: Memory>(memory: &M) -> EventId<'_> {
    EventId::trusted(memory.as_text())
}
