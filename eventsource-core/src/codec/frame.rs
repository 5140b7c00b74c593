//! Encoded blocks, shared.

use crate::codec::encode::{DataWriter, put_event};
use crate::codec::field::EventNameBuf;
use crate::{Event, EventName};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use core::time::Duration;

/// Whole encoded blocks or whole comment lines, ready to be sent: encoded once, then only shared.
///
/// A clone is a reference count. Frames can be concatenated, and the result is a frame. There's no way to make
/// one of arbitrary bytes, so that a frame never leaves a block half open.
///
/// ```
/// use eventsource_core::{Event, Frame, event_name};
///
/// let plain = Frame::from("hello");
/// assert_eq!(plain.as_bytes(), b"data: hello\n\n");
///
/// let named = Frame::from((event_name!("greeting"), "hello"));
/// let both = Frame::from_iter([plain, named]);
/// assert_eq!(both.as_bytes(), b"data: hello\n\nevent: greeting\ndata: hello\n\n");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Frame(Bytes);

impl Frame {
    /// A lone comment line, `:`, invisible to every client; what a keep-alive sends by default.
    pub const KEEP_ALIVE: Self = Self(Bytes::from_static(b":\n"));

    /// A comment, of one or several lines, without the blank line that some clients would take for an event.
    pub fn comment(text: &str) -> Self {
        Event::empty().comment(text).into()
    }

    /// Sets the client's reconnection time, in whole milliseconds, rounded up.
    ///
    /// ```
    /// use core::time::Duration;
    ///
    /// let frame = eventsource_core::Frame::retry(Duration::from_secs(3));
    /// assert_eq!(frame.as_bytes(), b"retry: 3000\n\n");
    /// ```
    pub fn retry(reconnection_time: Duration) -> Self {
        Event::empty().retry(reconnection_time).into()
    }

    /// Begins a frame of one event whose data comes in pieces. Dropped before it's finished, it leaves nothing.
    ///
    /// ```
    /// use core::fmt::Write;
    /// use eventsource_core::{Event, Frame};
    ///
    /// let mut data = Frame::writer(Event::empty());
    /// write!(data, "load {:.1}", 0.25)?;
    /// assert_eq!(data.finish().as_bytes(), b"data: load 0.2\n\n");
    /// # Ok::<(), std::fmt::Error>(())
    /// ```
    pub fn writer(event: Event<'_>) -> FrameWriter {
        FrameWriter(DataWriter::new(event, String::new()))
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no bytes at all, as the frame of [`Event::empty`].
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to send, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Puts the line of a block of one line, such as a `retry:`, before the first block, of which alone it makes a copy, and splits
    /// that off from what follows. Where the first block is large, or there are only comments, the block goes alone.
    pub(crate) fn lead_with(mut self, line: &Self) -> (Self, Self) {
        const LARGE: usize = 64 * 1024;
        let begin = self.0.get(..LARGE).unwrap_or(&self.0);
        let Some(end) = memchr::memmem::find(begin, b"\n\n") else { return (line.clone(), self) };
        let first = self.0.split_to(end.saturating_add(2));
        let line = line.0.strip_suffix(b"\n").unwrap_or_default();
        (Self([line, &first].concat().into()), self)
    }

    /// Of frames that were joined, or a part of such from one frame's beginning to another's end.
    #[cfg(feature = "std")]
    pub(crate) fn from_joined(frames: Bytes) -> Self {
        Self(frames)
    }

    /// Of bytes that an encoder of this crate has made.
    #[cfg(feature = "json")]
    pub(crate) fn from_encoded(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// In one allocation.
impl From<Event<'_>> for Frame {
    fn from(event: Event<'_>) -> Self {
        let mut encoded = Vec::with_capacity(event.encoded_len());
        let Ok(()) = put_event(&event, &mut encoded);
        Self(encoded.into())
    }
}

/// Data alone.
impl From<&str> for Frame {
    fn from(data: &str) -> Self {
        Event::new(data).into()
    }
}

/// Data alone.
impl From<&String> for Frame {
    fn from(data: &String) -> Self {
        Event::new(data).into()
    }
}

/// Data alone.
impl From<String> for Frame {
    fn from(data: String) -> Self {
        Event::new(&data).into()
    }
}

/// A name and data.
impl From<(EventName<'_>, &str)> for Frame {
    fn from(event: (EventName<'_>, &str)) -> Self {
        Event::from(event).into()
    }
}

/// A name and data.
impl From<(EventNameBuf, String)> for Frame {
    fn from((name, data): (EventNameBuf, String)) -> Self {
        Event::new(&data).name(name.as_name()).into()
    }
}

/// A name and data.
impl From<(EventName<'_>, String)> for Frame {
    fn from((name, data): (EventName<'_>, String)) -> Self {
        Event::new(&data).name(name).into()
    }
}

/// Concatenates. A single frame is passed through as it is.
impl FromIterator<Frame> for Frame {
    fn from_iter<I: IntoIterator<Item = Frame>>(frames: I) -> Self {
        let mut frames = frames.into_iter();
        let Some(first) = frames.next() else { return Self::default() };
        let Some(second) = frames.next() else { return first };
        let mut joined = Vec::from(first.0);
        joined.extend_from_slice(&second.0);
        frames.for_each(|frame| joined.extend_from_slice(&frame.0));
        Self(joined.into())
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.0
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame(\"{}\")", self.0.escape_ascii())
    }
}

/// A frame of one event in the making; see [`Frame::writer`].
#[derive(Clone, Debug)]
#[must_use = "the frame is made by `finish`"]
pub struct FrameWriter(Result<DataWriter<String>, fmt::Error>);

impl FrameWriter {
    /// Ends the event.
    pub fn finish(self) -> Frame {
        let finished = self.0.and_then(DataWriter::finish);
        debug_assert!(finished.is_ok(), "a `String` never fails");
        // If it did, no bytes are a frame too.
        Frame(finished.unwrap_or_default().into())
    }
}

/// Never fails.
impl fmt::Write for FrameWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.as_mut().map_err(|error| *error)?.write_str(text)
    }
}
