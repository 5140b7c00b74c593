//! A piece of the input.

use super::utf8;
use core::fmt;

/// A piece of an event stream, as it came in: cut anywhere.
///
/// Goes through [`Decoder::decode`](super::Decoder::decode) until it's used up. It remembers how far that is, and
/// which part of it was found to be UTF-8, so that each byte is looked at once.
#[derive(Clone)]
pub struct Chunk<'i> {
    bytes: &'i [u8],
    read: usize,
    /// A part of `bytes` that was found to be text, and where it begins.
    text: &'i str,
    text_at: usize,
}

/// A part of a chunk's bytes. Its ends come from slices of the chunk, so that no sum or difference of them wraps; and if one
/// did, nothing worse would come of it than an empty part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    #[inline]
    pub(super) fn len(self) -> usize {
        self.end.wrapping_sub(self.start)
    }

    /// With the first byte of the line's end.
    #[inline]
    pub(super) fn with_end(self) -> Self {
        Self { end: self.end.wrapping_add(1), ..self }
    }
}

impl<'i> Chunk<'i> {
    /// Of bytes that nobody has read.
    pub const fn new(bytes: &'i [u8]) -> Self {
        Self { bytes, read: 0, text: "", text_at: 0 }
    }

    /// What hasn't been decoded yet.
    #[inline]
    pub fn remaining(&self) -> &'i [u8] {
        debug_assert!(self.read <= self.bytes.len(), "no more is read than there is");
        self.bytes.get(self.read..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn advance(&mut self, bytes: usize) {
        self.read = self.read.wrapping_add(bytes);
    }

    /// A part of what remains, by its offsets there.
    #[inline]
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span { start: self.read.wrapping_add(start), end: self.read.wrapping_add(end) }
    }

    #[inline]
    pub(super) fn bytes(&self, span: Span) -> &'i [u8] {
        debug_assert!(self.bytes.get(span.start..span.end).is_some(), "{span:?} isn't of this chunk");
        self.bytes.get(span.start..span.end).unwrap_or_default()
    }

    /// A part that begins and ends beside ASCII, as text, if it's valid.
    #[inline]
    pub(super) fn text(&mut self, span: Span) -> Option<&'i str> {
        // What's known of the bytes after it, such as those of the data before its name, stays known.
        if span.end < self.text_at {
            return utf8::to_str(self.bytes(span));
        }
        if span.start < self.text_at || span.end > self.text_at.wrapping_add(self.text.len()) {
            self.validate(span);
        }
        self.text.get(span.start.wrapping_sub(self.text_at)..span.end.wrapping_sub(self.text_at))
    }

    /// Checks a part and some of what comes after it: one call for a few fields, but not for a line's beginning that will
    /// have to be put together with its end.
    fn validate(&mut self, span: Span) {
        const AHEAD: usize = 1024;
        let end = span.end.max(span.start.wrapping_add(AHEAD)).min(self.bytes.len());
        self.text = utf8::valid_front(self.bytes.get(span.start..end).unwrap_or_default());
        self.text_at = span.start;
    }
}

impl<'i> From<&'i [u8]> for Chunk<'i> {
    fn from(bytes: &'i [u8]) -> Self {
        Self::new(bytes)
    }
}

impl fmt::Debug for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk(\"{}\")", self.remaining().escape_ascii())
    }
}
