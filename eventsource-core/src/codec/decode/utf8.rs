//! UTF-8, by the fastest validator there is.

#[cfg(not(feature = "std"))]
pub(super) use core::str::from_utf8 as to_str;
#[cfg(not(feature = "std"))]
use core::str::from_utf8 as to_str_or_place;
// The first doesn't say where it's invalid, and is the faster for it.
#[cfg(feature = "std")]
pub(super) use simdutf8::basic::from_utf8 as to_str;
#[cfg(feature = "std")]
use simdutf8::compat::from_utf8 as to_str_or_place;

/// The text up to the first invalid sequence, or to one that's cut off.
pub(super) fn valid_front(bytes: &[u8]) -> &str {
    match to_str_or_place(bytes) {
        Ok(text) => text,
        Err(error) => {
            let front = bytes.get(..error.valid_up_to()).and_then(|front| to_str(front).ok());
            debug_assert!(front.is_some(), "up to there it's valid");
            front.unwrap_or_default()
        }
    }
}

/// The pieces that the UTF-8 decode algorithm makes of `bytes`: valid text, and U+FFFD for each maximal part of an invalid
/// sequence.
pub(super) fn lossy(bytes: &[u8]) -> impl Iterator<Item = &str> + Clone {
    bytes.utf8_chunks().flat_map(|chunk| {
        let replacement = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
        [chunk.valid(), replacement]
    })
}

/// How long these are together.
pub(super) fn lossy_len(bytes: &[u8]) -> usize {
    lossy(bytes).map(str::len).sum()
}
