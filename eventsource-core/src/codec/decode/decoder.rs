//! The decoder: its state, and what it does with a chunk from one line to the next.

use super::block::{Block, RawItem};
use super::chunk::Chunk;
use super::item::{DecodedEvent, Item};
use super::limits::{Bounds, LimitError, Limits, Overflow};
use super::line::{LineKind, Prefix, is_cut_event_field, is_line_break};
#[cfg(feature = "alloc")]
use super::memory::Growable;
use super::memory::Memory;
use crate::codec::field::{EventId, EventName};
use crate::codec::fixed::Fixed;
use crate::codec::retry::RetryDigits;
use core::iter::once;

/// Decodes an event stream, cut into chunks of any size at any place.
///
/// Follows WHATWG HTML §9.2.5 and §9.2.6 to the letter, and what comes out doesn't depend on the cuts. Feed it with
/// [`decode`](Self::decode). At the end of the stream nothing has to be done: what's unfinished is discarded, as the
/// standard has it.
///
/// ```
/// use eventsource_core::codec::{Chunk, Item};
/// use eventsource_core::Decoder;
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
/// # Ok::<(), eventsource_core::codec::LimitError>(())
/// ```
///
/// # Memory
/// [`Limits`] bound it. Data takes up to twice its limit, for memory grows by doubling, and where some of it isn't UTF-8, three
/// times the limit more, for U+FFFD has three bytes. A comment that was asked for takes as many times the limit of
/// a line. So by default it's 64 MiB of data, at worst 160 MiB, and as much for comments; half as much again while it
/// grows. What was needed once is kept for the next event, until the decoder is dropped or [reset](Self::reset).
///
/// [`with_buffer`](Decoder::with_buffer) needs no allocator: it works in a buffer of yours.
///
/// # Deviations from the standard
/// The limits; and a `retry` longer than a `Duration` holds is taken for the longest. Where the standard, read literally,
/// forgets the last event ID with each new connection, it's kept as browsers keep it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Decoder<#[cfg(feature = "alloc")] M = Growable, #[cfg(not(feature = "alloc"))] M> {
    /// What's accepted: the limits, and what fits into the memory.
    pub(super) bounds: Bounds,
    /// What to do with an event that's over a limit.
    overflow: Overflow,
    /// Whether comments are items.
    pub(super) comments: bool,

    /// The data buffer: the lines of data so far, each with a LF.
    pub(super) data: M,
    /// The event type buffer, where it was set in an earlier chunk. Empty is unset: to the standard, it's the same.
    pub(super) name: M,
    /// What's in these two has been lent to the caller, and is to be forgotten.
    pub(super) lent: bool,
    /// The last event ID buffer, where this block has set it in an earlier chunk; as valid text.
    pub(super) id: M,
    /// The last event ID buffer is set.
    pub(super) has_id: bool,
    /// The last event ID of the stream: that of the last block that had one; as valid text.
    pub(super) last_event_id: M,
    /// The last event ID has been set since it was last taken.
    pub(super) has_new_id: bool,
    /// The value of an id or of a comment that's cut.
    pub(super) scratch: M,
    /// The value of a `retry` that's cut.
    pub(super) retry: RetryDigits,

    /// Where in a line the last chunk has ended.
    pub(super) line: Line,
    /// The beginning of a line whose field isn't known yet, or of a BOM.
    pub(super) prefix: Prefix,
    /// Where the value of a cut line began in it.
    pub(super) value_start: usize,
    /// How much of a cut line's value has come.
    pub(super) value_len: usize,
    /// Nothing has come yet but maybe a part of a BOM.
    pub(super) at_start: bool,
    /// A CR was the last byte: a LF belongs to it.
    pub(super) after_cr: bool,
    /// This block was over a limit.
    pub(super) skipping: bool,
    /// How many lines were no field and no comment.
    pub(super) ignored_lines: u64,
    /// The error that has stopped the decoder for good.
    stopped: Option<LimitError>,
}

/// Where in a line a chunk has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Start,
    Prefix,
    Value(LineKind),
}

/// So much memory a reset leaves each field.
const ORDINARY: usize = 64 * 1024;

/// And so much is left for ids that are handed over, so that memory isn't asked for with each.
#[cfg(feature = "alloc")]
const SMALL_ID: usize = 64;

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
    /// In a buffer of the caller's, without an allocator. Half of it is for data, with a line break for each line; an eighth
    /// each is for the name, the id, the last event ID, and whatever of an id or a comment is cut. A field that's larger
    /// than its part is a [`LimitError`], whether it would have had to be copied or not. So is one that isn't UTF-8 and
    /// doesn't fit with U+FFFD, of three bytes, for what's invalid: an id into its part, everything else into the part's
    /// free rest.
    ///
    /// ```
    /// use eventsource_core::codec::{Chunk, Item};
    /// use eventsource_core::Decoder;
    ///
    /// let mut buffer = [0; 256];
    /// let mut decoder = Decoder::with_buffer(&mut buffer);
    /// assert!(decoder.decode(&mut Chunk::new(b"data: 21.5"))?.is_none());
    /// let mut chunk = Chunk::new(b" degrees\n\n");
    /// let Some(Item::Event(event)) = decoder.decode(&mut chunk)? else { panic!() };
    /// assert_eq!(event.data, "21.5 degrees");
    /// # Ok::<(), eventsource_core::codec::LimitError>(())
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
            name,
            lent: false,
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
            ignored_lines: 0,
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
        if !self.last_event_id.set_text(once(last_event_id.as_str())) {
            self.last_event_id.clear();
        }
        self
    }

    /// The last event ID, to be sent with the next request as `Last-Event-ID`; empty if there's none. It's that of the last
    /// event that was handed out or skipped. In a [buffer](Decoder::with_buffer), each call checks that it's UTF-8. A server may have sent one that no header can hold: see
    /// [`is_resumable`](EventId::is_resumable).
    pub fn last_event_id(&self) -> EventId<'_> {
        EventId::trusted(self.last_event_id.as_set().as_str())
    }

    /// The last event ID, if it has been set since this was last asked.
    #[cfg(feature = "alloc")]
    pub(super) fn take_new_id(&mut self) -> Option<EventId<'_>> {
        core::mem::take(&mut self.has_new_id).then(|| self.last_event_id())
    }

    /// Forgets the last event ID, which the caller has and gives back with [`resume_after`](Self::resume_after): a large one isn't to
    /// be kept twice.
    #[cfg(feature = "alloc")]
    pub(super) fn hand_over_id(&mut self) {
        self.has_new_id = false;
        self.last_event_id.clear();
        self.last_event_id.shrink_to(SMALL_ID);
    }

    /// Whether a [`LimitError`] has stopped it for good.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Returns whether a part of an event has come whose end hasn't: a line of its data, name or id, or the beginning of one. Asked
    /// at the end of the stream, it tells an end that has cut an event off from a good one. The standard discards what has
    /// come of such an event; a `retry` or a comment counts without a blank line.
    ///
    /// ```
    /// use eventsource_core::Decoder;
    /// use eventsource_core::codec::Chunk;
    ///
    /// let mut decoder = Decoder::new();
    /// let mut chunk = Chunk::new(b"data: whole\n\n: a comment\ndata: cu");
    /// while decoder.decode(&mut chunk)?.is_some() {}
    /// assert!(decoder.is_mid_event());
    /// # Ok::<(), eventsource_core::codec::LimitError>(())
    /// ```
    pub fn is_mid_event(&self) -> bool {
        let in_line = match self.line {
            Line::Start => false,
            Line::Prefix => !self.at_start && is_cut_event_field(self.prefix.as_slice()),
            Line::Value(kind) => kind.is_of_event(),
        };
        let has_fields = self.has_id || (!self.lent && (self.has_data() || !self.name.as_slice().is_empty()));
        in_line || has_fields || self.skipping
    }

    /// Returns how many lines have come that are no field of an event stream and no comment. The standard has them ignored. Where
    /// there are some, and perhaps no event, the server has probably sent something else, such as an error as JSON.
    /// The last one counts even where its end hasn't come.
    ///
    /// ```
    /// use eventsource_core::Decoder;
    /// use eventsource_core::codec::Chunk;
    ///
    /// let mut decoder = Decoder::new();
    /// assert!(decoder.decode(&mut Chunk::new(br#"{"error": "no such model"}"#))?.is_none());
    /// assert_eq!(decoder.ignored_lines(), 1);
    /// # Ok::<(), eventsource_core::codec::LimitError>(())
    /// ```
    pub fn ignored_lines(&self) -> u64 {
        self.ignored_lines
    }

    pub(super) fn count_ignored(&mut self, kind: LineKind) {
        if kind == LineKind::Unknown {
            self.ignored_lines = self.ignored_lines.saturating_add(1);
        }
    }

    /// Gives back all memory that holds nothing, of a decoder that's reset: for a while, nothing will be decoded.
    #[cfg(feature = "alloc")]
    pub(crate) fn give_back(&mut self) {
        for memory in
            [&mut self.data, &mut self.name, &mut self.id, &mut self.scratch, &mut self.last_event_id]
        {
            memory.shrink_to(0);
        }
    }

    /// Makes ready for the next connection: discards what's unfinished, expects a BOM again, and keeps the last event
    /// ID, as browsers do. Memory that's far beyond ordinary use, more than 64 KiB for any field, is given back.
    pub fn reset(&mut self) {
        for memory in [&mut self.data, &mut self.name, &mut self.id, &mut self.scratch] {
            memory.clear();
            memory.shrink_to(ORDINARY);
        }
        self.last_event_id.shrink_to(ORDINARY);
        self.lent = false;
        self.has_id = false;
        self.line = Line::Start;
        self.at_start = true;
        self.after_cr = false;
        self.skipping = false;
        self.ignored_lines = 0;
        self.stopped = None;
    }

    /// The next item of `chunk`, or `None` once that's used up. Use it up before the next: what's left in one that you drop
    /// is missing from the stream.
    ///
    /// Costs linear time whatever the cuts and whatever came before. The item is a view of the chunk or of the decoder's memory. An event is a view of
    /// the chunk, without a copy or an allocation, where its block lies whole in it, is UTF-8, and has one line of data,
    /// and no other item, a retry or a comment, comes between its fields. This crate's encoder puts these first.
    ///
    /// # Errors
    /// [`LimitError`], and then what [`Overflow`] says. With [`Overflow::Skip`], go on calling with the same chunk.
    #[inline]
    pub fn decode<'s, 'i: 's>(&'s mut self, chunk: &mut Chunk<'i>) -> Result<Option<Item<'s>>, LimitError> {
        // A stream that comes byte by byte is in the middle of a value most of the time.
        match (self.line, chunk.remaining()) {
            (Line::Value(kind), bytes @ &[byte]) if !is_line_break(byte) && self.stopped.is_none() => {
                chunk.advance(1);
                match self.extend_value(kind, bytes) {
                    Ok(()) => Ok(None),
                    Err(error) => Err(self.stop(error)),
                }
            }
            _ => self.decode_any(chunk),
        }
    }

    /// Out of the way of single bytes.
    #[inline(never)]
    fn decode_any<'s, 'i: 's>(&'s mut self, chunk: &mut Chunk<'i>) -> Result<Option<Item<'s>>, LimitError> {
        if let Some(error) = self.stopped {
            return Err(error);
        }
        if self.lent {
            self.forget_event();
        }
        match self.find(chunk) {
            Ok(found) => Ok(found.map(|found| self.lend(found))),
            Err(error) => Err(self.stop(error)),
        }
    }

    /// If it's to stop at an error.
    fn stop(&mut self, error: LimitError) -> LimitError {
        self.stopped = (self.overflow == Overflow::Stop).then_some(error);
        error
    }

    fn lend<'s, 'i: 's>(&'s mut self, found: RawItem<'i>) -> Item<'s> {
        match found {
            RawItem::Event { name, data, has_id } => Item::Event(DecodedEvent {
                name: EventName::trusted(name.lend(&mut self.name)),
                data: data.lend(&mut self.data),
                last_event_id: self.last_event_id.as_set(),
                has_id,
            }),
            RawItem::Comment(text) => Item::Comment(text.lend(&mut self.scratch)),
            RawItem::Retry(after) => Item::Retry(after),
            RawItem::LastEventId => Item::LastEventId(self.last_event_id()),
        }
    }

    fn find<'i>(&mut self, chunk: &mut Chunk<'i>) -> Result<Option<RawItem<'i>>, LimitError> {
        let mut block = Block::default();
        let found = self.find_in_block(chunk, &mut block);
        // This chunk's part of a block that isn't complete.
        if !block.is_empty() {
            self.keep(chunk, block);
        }
        found
    }

    #[inline]
    fn find_in_block<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
    ) -> Result<Option<RawItem<'i>>, LimitError> {
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
                Line::Start if is_line_break(first) => self.dispatch(chunk, block)?,
                Line::Start => {
                    if !self.skipping && self.common_lines(chunk, block) {
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

    /// To the beginning of the next line.
    #[inline]
    pub(super) fn end_line(&mut self, chunk: &mut Chunk<'_>, end: usize) {
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

    /// Whether there's a line of data from an earlier chunk, or one that couldn't be left in this; asked between two lines.
    pub(super) fn has_data(&self) -> bool {
        !self.data.as_slice().is_empty()
    }

    pub(super) fn forget_event(&mut self) {
        self.data.clear();
        self.name.clear();
        self.lent = false;
    }

    /// Whether a value of `len` bytes, which begins at `start` in its line, is to be kept, beside `event` bytes of data.
    #[inline]
    pub(super) fn accepts(
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
            Err(error) => self.exceed(error).map(|()| false),
        }
    }

    /// The rest of the block is to be skipped, if the decoder goes on at all. Of one that's skipped already, no more is said.
    pub(super) fn exceed(&mut self, error: LimitError) -> Result<(), LimitError> {
        if self.skipping {
            return Ok(());
        }
        self.skipping = true;
        self.forget_event();
        Err(error)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::{Chunk, Decoder, Limits, Memory};
    use crate::codec::decode::work::take_work;
    use std::vec;
    use std::vec::Vec;

    /// What's done for a stream that comes in chunks of this length, if nobody looks at the items.
    fn work<M: Memory>(decoder: Decoder<M>, stream: &[u8], length: usize) -> usize {
        let limits = Limits::new().id(usize::MAX).name(usize::MAX).line(usize::MAX).event(usize::MAX);
        let mut decoder = decoder.comments(true).limits(limits);
        take_work();
        for bytes in stream.chunks(length) {
            let mut chunk = Chunk::new(bytes);
            while decoder.decode(&mut chunk).unwrap().is_some() {}
        }
        take_work()
    }

    #[test]
    fn work_grows_with_the_stream_and_not_with_what_is_kept_of_it() {
        const LONG: usize = 4096;
        // A large field once, then many small items. A large field of each kind is in one block or more.
        let large = |field: &str, byte| [field.as_bytes(), &vec![byte; LONG], b"\n\n"].concat();
        let heads = ["id: ", "event: ", "data: ", "id: 1\nid: ", "data: x\nid: ", "id: y\nevent: z\ndata: "]
            .into_iter()
            .flat_map(|field| [b'x', 0xff].map(|byte| large(field, byte)));
        let items: [&[u8]; 8] = [
            b":\n",
            b": ping\n\n",
            b"data\n\n",
            b"retry: 5\n",
            b"id\n\n",
            b"event: e\ndata: a\ndata: b\n\n",
            b"data: \xff\n\n",
            b"{}\n",
        ];
        for (head, item) in heads.flat_map(|head| items.map(|item| (head.clone(), item))) {
            let stream: Vec<u8> = [head, item.repeat(LONG)].concat();
            let mut buffer = vec![0; 64 * LONG];
            for length in [usize::MAX, 1000, 7, 1] {
                let at = || std::format!("{} in {length}", stream[LONG..].get(..40).unwrap().escape_ascii());
                let fixed = work(Decoder::with_buffer(&mut buffer), &stream, length);
                assert!(fixed <= 8 * stream.len(), "{fixed} for {} in a buffer, {}", stream.len(), at());
                let grown = work(Decoder::new(), &stream, length);
                assert!(grown <= 8 * stream.len(), "{grown} for {}, {}", stream.len(), at());
            }
        }
    }
}
