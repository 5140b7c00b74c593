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
    /// The front of `bytes` up to the first invalid sequence, once somebody has asked.
    text: Option<&'i str>,
}

/// A part of a chunk's bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(super) fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

impl<'i> Chunk<'i> {
    /// Of bytes that nobody has read.
    pub const fn new(bytes: &'i [u8]) -> Self {
        Self { bytes, read: 0, text: None }
    }

    /// What hasn't been decoded yet.
    #[inline]
    pub fn remaining(&self) -> &'i [u8] {
        self.bytes.get(self.read..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn advance(&mut self, bytes: usize) {
        self.read = self.read.saturating_add(bytes);
    }

    /// A part of what remains, by its offsets there.
    #[inline]
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span { start: self.read.saturating_add(start), end: self.read.saturating_add(end) }
    }

    #[inline]
    pub(super) fn bytes(&self, span: Span) -> &'i [u8] {
        self.bytes.get(span.start..span.end).unwrap_or_default()
    }

    /// A part that begins and ends beside ASCII, as text, if it's valid.
    #[inline]
    pub(super) fn text(&mut self, span: Span) -> Option<&'i str> {
        let text = *self.text.get_or_insert_with(|| utf8::valid_front(self.bytes));
        // Beyond the first invalid sequence, each part is for itself.
        text.get(span.start..span.end).or_else(|| utf8::to_str(self.bytes(span)).ok())
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
