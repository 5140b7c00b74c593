//! The encoder: an [`Event`] as the bytes of a block (§9.2.5), into any kind of output.
//!
//! The forms it chooses, of those that the grammar allows:
//!
//! - Lines end in LF, and a field's colon is always followed by one space, so that the one space a client
//!   takes away is never the caller's own.
//! - The fields stand in the order comment, `retry`, `event`, `id`, `data`; data comes last, so that it can
//!   also be written piece by piece ([`DataWriter`]).
//! - Each line break of the data (LF, CR or CRLF) begins a new `data` field, so a client gets it back as LF.
//! - A blank line closes everything but a lone comment, which some clients would take for an event.

use crate::Event;
use crate::codec::fixed::{Fixed, Full};
use crate::codec::grammar::{COMMENT, DATA, EVENT, ID, NEXT_COMMENT, NEXT_DATA, RETRY};
#[cfg(feature = "alloc")]
use crate::codec::pieces::in_pieces;
use crate::codec::retry::to_millis;
use crate::codec::scan::{LineBreaks, count_line_breaks, find_line_break};
use core::fmt::{self, Write as _};

/// The buffer can't hold the encoded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BufferTooSmall {
    /// How many bytes the encoded event takes.
    pub needed: usize,
    /// How many there were.
    pub available: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the encoded event takes {} bytes, the buffer has {}", self.needed, self.available)
    }
}

impl core::error::Error for BufferTooSmall {}

impl Event<'_> {
    /// The exact number of bytes that this event is encoded to; `usize::MAX` where it would be more.
    pub fn encoded_len(&self) -> usize {
        let mut len = Length(head_len(self));
        if let Some(data) = self.data {
            len.add(lines_len::<Data>(data));
        }
        if self.is_block() {
            len.add(1);
        }
        len.0
    }

    /// Encodes into the front of `buffer`, without an allocation, and returns that part.
    ///
    /// # Errors
    /// [`BufferTooSmall`] says how much is needed. What `buffer` then holds is unspecified.
    pub fn encode_to_slice<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], BufferTooSmall> {
        let available = buffer.len();
        let mut sink = Fixed::new(&mut *buffer);
        let encoded = put_event(self, &mut sink);
        let written = sink.len();
        match (encoded, buffer.get_mut(..written)) {
            (Ok(()), Some(encoded)) => Ok(encoded),
            _ => Err(BufferTooSmall { needed: self.encoded_len(), available }),
        }
    }

    /// Encodes into a [`fmt::Write`]; [`Display`](fmt::Display) is the same.
    ///
    /// ```
    /// let mut page = String::from(": a comment\n");
    /// eventsource_core::Event::new("hello").encode_to_fmt(&mut page)?;
    /// assert_eq!(page, ": a comment\ndata: hello\n\n");
    /// # Ok::<(), std::fmt::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `out`; part of the event may have been written then. A `String` has none.
    pub fn encode_to_fmt<W: fmt::Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        put_event(self, &mut Fmt(out))
    }

    /// Encodes at the end of a [`BufMut`](bytes::BufMut), such as a `Vec<u8>` or a `BytesMut`. With room enough
    /// it doesn't allocate.
    ///
    /// ```
    /// let mut out = Vec::new();
    /// eventsource_core::Event::new("hello").encode_to_buf(&mut out)?;
    /// assert_eq!(out, b"data: hello\n\n");
    /// # Ok::<(), eventsource_core::codec::BufferTooSmall>(())
    /// ```
    ///
    /// # Errors
    /// [`BufferTooSmall`] where `out` is of a fixed size; nothing has been written then.
    #[cfg(feature = "alloc")]
    pub fn encode_to_buf<B: bytes::BufMut>(&self, out: &mut B) -> Result<(), BufferTooSmall> {
        let available = out.remaining_mut();
        // A growable buffer passes the cheap bound, and is spared the count.
        if available < self.max_encoded_len() {
            let needed = self.encoded_len();
            if available < needed {
                return Err(BufferTooSmall { needed, available });
            }
        }
        let Ok(()) = put_event(self, &mut Buf(out));
        Ok(())
    }

    /// An upper bound of [`encoded_len`](Self::encoded_len) that looks at no text.
    #[cfg(feature = "alloc")]
    fn max_encoded_len(&self) -> usize {
        let texts = [
            self.name.map(crate::EventName::as_str),
            self.id.map(crate::EventId::as_str),
            self.data,
            self.comment,
        ];
        // Each character becomes at most a line of its own: `\n` is `data: ` and `\n`.
        let text = texts.iter().flatten().fold(0_usize, |sum, text| sum.saturating_add(text.len()));
        text.saturating_mul(7).saturating_add(128)
    }
}

/// The encoded event.
impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encode_to_fmt(f)
    }
}

/// Where encoded text goes.
pub(crate) trait Sink {
    type Error;

    fn put(&mut self, text: &str) -> Result<(), Self::Error>;
}

/// Lines of one kind. A type, so that the few bytes between two lines are copied without a call.
trait Lines {
    const FIRST: &str;
    /// The end of a line and the beginning of the next.
    const NEXT: &str;
}

struct Data;

impl Lines for Data {
    const FIRST: &str = DATA;
    const NEXT: &str = NEXT_DATA;
}

struct Comment;

impl Lines for Comment {
    const FIRST: &str = COMMENT;
    const NEXT: &str = NEXT_COMMENT;
}

#[inline]
pub(crate) fn put_event<S: Sink>(event: &Event<'_>, sink: &mut S) -> Result<(), S::Error> {
    put_head(event, sink)?;
    put_data(event, sink)?;
    if event.is_block() { sink.put("\n") } else { Ok(()) }
}

/// Puts the lines of data.
#[inline]
pub(crate) fn put_data<S: Sink>(event: &Event<'_>, sink: &mut S) -> Result<(), S::Error> {
    match event.data {
        Some(data) => put_lines::<Data, _>(data, sink),
        None => Ok(()),
    }
}

/// Returns how many bytes there are before the data.
pub(crate) fn head_len(event: &Event<'_>) -> usize {
    let mut len = Length(0);
    let Ok(()) = put_head(event, &mut len);
    len.0
}

/// Puts everything before the data.
#[inline]
pub(crate) fn put_head<S: Sink>(event: &Event<'_>, sink: &mut S) -> Result<(), S::Error> {
    if let Some(comment) = event.comment {
        put_lines::<Comment, _>(comment, sink)?;
    }
    if let Some(retry) = event.retry {
        sink.put(RETRY)?;
        sink.put(itoa::Buffer::new().format(to_millis(retry)))?;
        sink.put("\n")?;
    }
    if let (Some(name), Some(_)) = (event.name, event.data) {
        if !name.as_str().is_empty() {
            sink.put(EVENT)?;
            sink.put(name.as_str())?;
            sink.put("\n")?;
        }
    }
    if let Some(id) = event.id {
        sink.put(ID)?;
        sink.put(id.as_str())?;
        sink.put("\n")?;
    }
    Ok(())
}

#[inline]
fn put_lines<L: Lines, S: Sink>(text: &str, sink: &mut S) -> Result<(), S::Error> {
    sink.put(L::FIRST)?;
    LineSplitter::default().put::<L, S>(text, sink)?;
    sink.put("\n")
}

fn lines_len<L: Lines>(text: &str) -> usize {
    let LineBreaks { characters, breaks } = match find_line_break(text.as_bytes()) {
        None => LineBreaks::default(),
        Some(_) => count_line_breaks(text.as_bytes()),
    };
    let around_lines = breaks.saturating_add(1).saturating_mul(L::NEXT.len());
    around_lines.saturating_add(text.len().saturating_sub(characters))
}

/// Cuts text at its line breaks; a CRLF may be cut between two pieces.
#[derive(Clone, Debug, Default)]
struct LineSplitter {
    after_cr: bool,
}

impl LineSplitter {
    /// Puts `text`, each line break of it as [`Lines::NEXT`].
    #[inline]
    fn put<L: Lines, S: Sink>(&mut self, text: &str, sink: &mut S) -> Result<(), S::Error> {
        let mut rest = text;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        while let Some((line, tail)) =
            find_line_break(rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
        {
            sink.put(line)?;
            sink.put(L::NEXT)?;
            rest = match tail.strip_prefix('\r') {
                Some(after) => {
                    self.after_cr = after.is_empty();
                    after.strip_prefix('\n').unwrap_or(after)
                }
                None => tail.strip_prefix('\n').unwrap_or_default(),
            };
        }
        sink.put(rest)
    }
}

/// Writes one event whose data comes in pieces, without an allocation: text that is streamed, formatted or
/// rendered by a template.
///
/// Equal to encoding the pieces joined: a line break may be cut between two of them, also CRLF in its middle.
///
/// ```
/// use core::fmt::Write;
/// use eventsource_core::codec::DataWriter;
/// use eventsource_core::{Event, event_name};
///
/// let mut data = DataWriter::new(Event::empty().name(event_name!("sum")), String::new())?;
/// write!(data, "{} + {}\r", 1, 2)?;
/// write!(data, "\n= {}", 3)?;
/// assert_eq!(data.finish()?, "event: sum\ndata: 1 + 2\ndata: = 3\n\n");
/// # Ok::<(), std::fmt::Error>(())
/// ```
///
/// Without [`finish`](Self::finish) the event stays open in the output: a client discards it at the end of the
/// stream, but whatever is written after it becomes part of it. `Frame::writer` has
/// no such edge.
#[derive(Clone, Debug)]
#[must_use = "the event is complete only after `finish`"]
pub struct DataWriter<W> {
    out: W,
    splitter: LineSplitter,
}

impl<W: fmt::Write> DataWriter<W> {
    /// Begins `event` in `out`. Data that it has already comes first.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(event: Event<'_>, mut out: W) -> Result<Self, fmt::Error> {
        let data = event.data.unwrap_or_default();
        put_head(&event.data(data), &mut Fmt(&mut out))?;
        out.write_str(Data::FIRST)?;
        let mut writer = Self { out, splitter: LineSplitter::default() };
        writer.write_str(data)?;
        Ok(writer)
    }

    /// Ends the event and hands the output back.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> Result<W, fmt::Error> {
        self.out.write_str("\n\n")?;
        Ok(self.out)
    }
}

impl<W: fmt::Write> fmt::Write for DataWriter<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.splitter.put::<Data, _>(text, &mut Fmt(&mut self.out))
    }
}

struct Fmt<'a, W: ?Sized>(&'a mut W);

impl<W: fmt::Write + ?Sized> Sink for Fmt<'_, W> {
    type Error = fmt::Error;

    fn put(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text)
    }
}

impl Sink for Fixed<'_> {
    type Error = Full;

    #[inline]
    fn put(&mut self, text: &str) -> Result<(), Full> {
        self.try_extend(text.as_bytes())
    }
}

struct Length(usize);

impl Length {
    fn add(&mut self, len: usize) {
        self.0 = self.0.saturating_add(len);
    }
}

impl Sink for Length {
    type Error = core::convert::Infallible;

    fn put(&mut self, text: &str) -> Result<(), Self::Error> {
        self.add(text.len());
        Ok(())
    }
}

#[cfg(feature = "alloc")]
struct Buf<'a, B>(&'a mut B);

#[cfg(feature = "alloc")]
impl<B: bytes::BufMut> Sink for Buf<'_, B> {
    type Error = core::convert::Infallible;

    #[inline]
    fn put(&mut self, text: &str) -> Result<(), Self::Error> {
        in_pieces(text.as_bytes(), |piece| self.0.put_slice(piece));
        Ok(())
    }
}

#[cfg(feature = "alloc")]
impl Sink for alloc::vec::Vec<u8> {
    type Error = core::convert::Infallible;

    #[inline]
    fn put(&mut self, text: &str) -> Result<(), Self::Error> {
        in_pieces(text.as_bytes(), |piece| self.extend_from_slice(piece));
        Ok(())
    }
}
