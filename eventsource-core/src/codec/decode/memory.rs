//! Where a decoder keeps what was cut.

use super::utf8::{SetText, lossy, lossy_len, to_str};
use super::work;
use crate::codec::fixed::Fixed;

/// Memory of a [`Decoder`](super::Decoder): `Growable` or [`Fixed`]. Sealed.
pub trait Memory: sealed::Memory {}

pub(super) mod sealed {
    use crate::codec::decode::utf8::SetText;

    /// Holds bytes of which text can be made, or text.
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Memory {
        fn as_slice(&self) -> &[u8];

        /// Of bytes for which there's room, as the decoder's bounds have it.
        fn extend(&mut self, bytes: &[u8]);

        /// Takes the last byte away.
        fn pop(&mut self);

        fn clear(&mut self);

        /// Gives back what's more than so many bytes, beside what it holds.
        fn shrink_to(&mut self, bytes: usize);

        /// Whether [`text`](Self::text) has room for its replacements.
        fn fits_as_text(&self) -> bool;

        /// Its bytes as text, what's invalid replaced.
        fn text(&mut self) -> &str;

        /// Holds these pieces of text instead of what it held. Whether there was room: without, it holds what it held.
        fn set_text<'t>(&mut self, pieces: impl Iterator<Item = &'t str> + Clone) -> bool;

        /// What [`set_text`](Self::set_text) has set last.
        fn as_set(&self) -> SetText<'_>;

        /// How many bytes it can hold at most.
        fn capacity(&self) -> usize;
    }
}

impl Memory for Fixed<'_> {}

impl sealed::Memory for Fixed<'_> {
    fn as_slice(&self) -> &[u8] {
        self.written()
    }

    fn extend(&mut self, bytes: &[u8]) {
        work::add(bytes.len());
        let extended = self.try_extend(bytes);
        debug_assert!(extended.is_ok(), "the decoder's bounds are those of its memory");
    }

    fn pop(&mut self) {
        self.truncate(self.len().saturating_sub(1));
    }

    fn clear(&mut self) {
        self.truncate(0);
    }

    fn shrink_to(&mut self, _: usize) {}

    fn fits_as_text(&self) -> bool {
        let kept = self.written();
        to_str(kept).is_some() || lossy_len(kept) <= self.size().saturating_sub(kept.len())
    }

    /// Replacements go to the part of the buffer that's still free.
    fn text(&mut self) -> &str {
        let (kept, spare) = self.split();
        let kept: &[u8] = kept;
        if let Some(text) = to_str(kept) {
            return text;
        }
        let mut replaced = Fixed::new(spare);
        lossy(kept).for_each(|piece| sealed::Memory::extend(&mut replaced, piece.as_bytes()));
        let len = replaced.len();
        let text = spare.get(..len).and_then(to_str);
        debug_assert!(text.is_some(), "pieces of text are text");
        text.unwrap_or_default()
    }

    fn set_text<'t>(&mut self, pieces: impl Iterator<Item = &'t str> + Clone) -> bool {
        let has_room = pieces.clone().map(str::len).sum::<usize>() <= self.size();
        if has_room {
            self.truncate(0);
            pieces.for_each(|piece| sealed::Memory::extend(self, piece.as_bytes()));
        }
        has_room
    }

    fn as_set(&self) -> SetText<'_> {
        SetText::Bytes(self.written())
    }

    fn capacity(&self) -> usize {
        self.size()
    }
}

#[cfg(feature = "alloc")]
pub use growable::Growable;

#[cfg(feature = "alloc")]
mod growable {
    use super::work;
    use super::{Memory, SetText, lossy, lossy_len, sealed, to_str};
    use crate::codec::pieces::in_pieces;
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
        fn extend(&mut self, bytes: &[u8]) {
            work::add(bytes.len());
            match bytes {
                &[byte] => self.bytes.push(byte),
                bytes => in_pieces(bytes, |piece| self.bytes.extend_from_slice(piece)),
            }
        }

        #[inline]
        fn pop(&mut self) {
            self.bytes.pop();
        }

        #[inline]
        fn clear(&mut self) {
            self.bytes.clear();
            self.text.clear();
        }

        fn shrink_to(&mut self, bytes: usize) {
            self.bytes.shrink_to(bytes);
            self.text.shrink_to(bytes);
        }

        #[inline]
        fn fits_as_text(&self) -> bool {
            true
        }

        fn text(&mut self) -> &str {
            let kept = &self.bytes;
            if let Some(text) = to_str(kept) {
                return text;
            }
            self.text.clear();
            self.text.reserve_exact(lossy_len(kept));
            self.text.extend(lossy(kept));
            &self.text
        }

        #[inline]
        fn set_text<'t>(&mut self, pieces: impl Iterator<Item = &'t str> + Clone) -> bool {
            self.text.clear();
            self.text.extend(pieces);
            work::add(self.text.len());
            true
        }

        #[inline]
        fn as_set(&self) -> SetText<'_> {
            SetText::Text(&self.text)
        }

        fn capacity(&self) -> usize {
            usize::MAX
        }
    }
}
