//! UTF-8, by the fastest validator there is.

use super::work;
use core::fmt;
#[cfg(not(feature = "std"))]
use core::str::{from_utf8, from_utf8 as from_utf8_or_place};
// The first doesn't say where it's invalid, and is the faster for it.
#[cfg(feature = "std")]
use simdutf8::{basic::from_utf8, compat::from_utf8 as from_utf8_or_place};

/// These bytes as text, if they are valid.
#[inline]
pub(super) fn to_str(bytes: &[u8]) -> Option<&str> {
    work::add(bytes.len());
    from_utf8(bytes).ok()
}

/// The text up to the first invalid sequence, or to one that's cut off.
pub(super) fn valid_front(bytes: &[u8]) -> &str {
    let text = match from_utf8_or_place(bytes) {
        Ok(text) => text,
        Err(error) => {
            let front = bytes.get(..error.valid_up_to()).and_then(to_str);
            debug_assert!(front.is_some(), "up to there it's valid");
            front.unwrap_or_default()
        }
    };
    work::add(text.len());
    text
}

/// The pieces that the UTF-8 decode algorithm makes of `bytes`: valid text, and U+FFFD for each maximal part of an invalid
/// sequence.
pub(super) fn lossy(bytes: &[u8]) -> impl Iterator<Item = &str> + Clone {
    work::add(bytes.len());
    bytes.utf8_chunks().flat_map(|chunk| {
        let replacement = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
        [chunk.valid(), replacement]
    })
}

/// How long these are together.
pub(super) fn lossy_len(bytes: &[u8]) -> usize {
    lossy(bytes).map(str::len).sum()
}

/// Bytes that were text when they were set. Where that can't be remembered, they're checked when they are asked for, and not
/// before, for an item whose last event ID nobody looks at costs nothing for it.
#[derive(Clone, Copy)]
#[expect(unnameable_types, reason = "of the sealed trait `Memory`")]
pub enum SetText<'a> {
    #[cfg(feature = "alloc")]
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> SetText<'a> {
    pub(super) fn as_str(self) -> &'a str {
        match self {
            #[cfg(feature = "alloc")]
            Self::Text(text) => text,
            Self::Bytes(bytes) => {
                let text = to_str(bytes);
                debug_assert!(text.is_some(), "what was set was text");
                text.unwrap_or_default()
            }
        }
    }

    fn as_bytes(self) -> &'a [u8] {
        match self {
            #[cfg(feature = "alloc")]
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl PartialEq for SetText<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for SetText<'_> {}

impl fmt::Debug for SetText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
