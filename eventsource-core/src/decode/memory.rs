//! Where a decoder keeps what was cut.

use super::utf8::{lossy, to_str};
use super::{Limit, LimitError};
use crate::fixed::{Fixed, Full};

/// Memory of a [`Decoder`](super::Decoder): [`Growable`](super::Growable) or [`Fixed`]. Sealed.
pub trait Memory: sealed::Memory {}

pub(super) mod sealed {
    use crate::fixed::Full;

    pub trait Memory {
        fn as_slice(&self) -> &[u8];

        fn extend(&mut self, bytes: &[u8]) -> Result<(), Full>;

        fn truncate(&mut self, len: usize);

        /// Its first `len` bytes as text, what's invalid replaced.
        fn text(&mut self, len: usize) -> Result<&str, Full>;

        /// Holds these pieces of text instead of what it held.
        fn set_text<'t>(&mut self, pieces: impl Iterator<Item = &'t str>) -> Result<(), Full>;

        /// What [`set_text`](Self::set_text) has set last.
        fn as_text(&self) -> &str;

        /// How many bytes it can hold at most.
        fn capacity(&self) -> usize;
    }
}

impl Memory for Fixed<'_> {}

impl sealed::Memory for Fixed<'_> {
    fn as_slice(&self) -> &[u8] {
        self.as_slice()
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.extend(bytes)
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }

    /// Replacements go to the part of the buffer that's still free.
    fn text(&mut self, len: usize) -> Result<&str, Full> {
        let (kept, spare) = self.split();
        let kept: &[u8] = kept;
        let kept = kept.get(..len).unwrap_or_default();
        if let Ok(text) = to_str(kept) {
            return Ok(text);
        }
        let mut replaced = Fixed::new(spare);
        lossy(kept).try_for_each(|piece| replaced.extend(piece.as_bytes()))?;
        let len = replaced.len();
        Ok(spare.get(..len).and_then(|bytes| to_str(bytes).ok()).unwrap_or_default())
    }

    fn set_text<'t>(&mut self, mut pieces: impl Iterator<Item = &'t str>) -> Result<(), Full> {
        self.truncate(0);
        pieces.try_for_each(|piece| self.extend(piece.as_bytes())).inspect_err(|Full| self.truncate(0))
    }

    fn as_text(&self) -> &str {
        to_str(self.as_slice()).unwrap_or_default()
    }

    fn capacity(&self) -> usize {
        self.capacity()
    }
}

#[cfg(feature = "alloc")]
pub use growable::Growable;

#[cfg(feature = "alloc")]
mod growable {
    use super::{Full, Memory, lossy, sealed, to_str};
    use crate::pieces::in_pieces;
    use alloc::string::String;
    use alloc::vec::Vec;

    /// Memory that grows as it's needed, up to the decoder's limits, and is used again for the next event.
    #[derive(Clone, Debug, Default)]
    pub struct Growable {
        bytes: Vec<u8>,
        /// Of the bytes with replacements, or set as it is.
        text: String,
    }

    impl Memory for Growable {}

    impl sealed::Memory for Growable {
        #[inline]
        fn as_slice(&self) -> &[u8] {
            &self.bytes
        }

        #[inline]
        fn extend(&mut self, bytes: &[u8]) -> Result<(), Full> {
            match bytes {
                &[byte] => self.bytes.push(byte),
                bytes => in_pieces(bytes, |piece| self.bytes.extend_from_slice(piece)),
            }
            Ok(())
        }

        #[inline]
        fn truncate(&mut self, len: usize) {
            self.bytes.truncate(len);
        }

        fn text(&mut self, len: usize) -> Result<&str, Full> {
            let kept = self.bytes.get(..len).unwrap_or_default();
            if let Ok(text) = to_str(kept) {
                return Ok(text);
            }
            self.text.clear();
            self.text.extend(lossy(kept));
            Ok(&self.text)
        }

        #[inline]
        fn set_text<'t>(&mut self, pieces: impl Iterator<Item = &'t str>) -> Result<(), Full> {
            self.text.clear();
            self.text.extend(pieces);
            Ok(())
        }

        #[inline]
        fn as_text(&self) -> &str {
            &self.text
        }

        fn capacity(&self) -> usize {
            usize::MAX
        }
    }
}

#[inline]
pub(super) fn extend<M: Memory>(memory: &mut M, bytes: &[u8]) -> Result<(), LimitError> {
    let size = memory.capacity();
    memory.extend(bytes).map_err(|Full| LimitError { limit: Limit::Buffer, size })
}

/// A line of data with a LF, of `bytes` that begin with it: in one go where it ends in a LF itself.
#[inline]
pub(super) fn extend_line<M: Memory>(memory: &mut M, line: &[u8], bytes: &[u8]) -> Result<(), LimitError> {
    if let Some(with_end @ [.., b'\n']) = bytes.get(..line.len().wrapping_add(1)) {
        return extend(memory, with_end);
    }
    extend(memory, line)?;
    extend(memory, b"\n")
}

pub(super) fn replace<M: Memory>(memory: &mut M, bytes: &[u8]) -> Result<(), LimitError> {
    memory.truncate(0);
    extend(memory, bytes)
}

pub(super) fn set_text<'t, M: Memory>(
    memory: &mut M,
    pieces: impl Iterator<Item = &'t str>,
) -> Result<(), LimitError> {
    let size = memory.capacity();
    memory.set_text(pieces).map_err(|Full| LimitError { limit: Limit::Buffer, size })
}
