//! Copying long text.

/// A length that every `memcpy` is good at.
const PIECE: usize = 1024;

/// From here on, `memcpy` goes past the caches, and is good at that.
const HUGE: usize = 256 * 1024;

/// Hands on bytes that are to be copied, long ones piece by piece.
///
/// glibc's `memcpy`, from 2 KiB on, uses an instruction (`rep movsb`) that on some CPUs takes ten times as long where source
/// and target happen to lie a certain way; and what's looked at and then copied is still in the nearest cache.
#[inline]
pub(crate) fn in_pieces(bytes: &[u8], mut copy: impl FnMut(&[u8])) {
    if bytes.len() <= PIECE {
        return copy(bytes);
    }
    out_of_line(|| if bytes.len() < HUGE { bytes.chunks(PIECE).for_each(copy) } else { copy(bytes) });
}

/// Keeps the loop out of the way of short lines.
#[cold]
#[inline(never)]
fn out_of_line(long: impl FnOnce()) {
    long();
}
