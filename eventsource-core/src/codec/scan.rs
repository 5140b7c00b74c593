//! Finding line breaks, the one thing that costs time in this format.

use memchr::{memchr_iter, memchr2};

/// The compiler makes one vector of it on every CPU that has vectors.
const BLOCK: usize = 16;

/// So much of a line is looked through here, block by block; what's longer earns `memchr2`'s wider steps and the price
/// of calling it. Whole blocks, so that a long line leaves no rest.
const SHORT: usize = 8 * BLOCK;

/// The offset of the first CR or LF. Offsets are within a slice, so that no sum of them wraps.
#[expect(clippy::inline_always, reason = "a third of the encoder's time per line was the call")]
#[inline(always)]
pub(crate) fn find_line_break(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < BLOCK {
        return find_in_few(bytes);
    }
    let (short, long) = bytes.split_at_checked(SHORT).unwrap_or((bytes, &[]));
    let mut rest = short;
    while let Some((block, after)) = rest.split_first_chunk::<BLOCK>() {
        // LF, VT, FF and CR are neighbours: one subtraction and one comparison find a block worth a look.
        if block.iter().fold(false, |found, &byte| found | (byte.wrapping_sub(b'\n') <= b'\r' - b'\n')) {
            if let Some(at) = find_in_block(block) {
                return Some(short.len().wrapping_sub(rest.len()).wrapping_add(at));
            }
        }
        rest = after;
    }
    let before = short.len().wrapping_sub(rest.len());
    find_in_rest(rest, long).map(|at| before.wrapping_add(at))
}

/// In what's left of a short line, or in what a long line has besides.
#[inline(never)]
fn find_in_rest(rest: &[u8], long: &[u8]) -> Option<usize> {
    if long.is_empty() { find_in_few(rest) } else { memchr2(b'\n', b'\r', long) }
}

#[inline]
fn find_in_few(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == b'\n' || byte == b'\r')
}

/// In each half, the lowest byte that's zero, after CRs and LFs were made zero, is marked in its highest bit.
#[inline]
fn find_in_block(block: &[u8; BLOCK]) -> Option<usize> {
    const fn every(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let marks = |half: u64| {
        let zeros = |bytes: u64| bytes.wrapping_sub(every(0x01)) & !bytes & every(0x80);
        zeros(half ^ every(b'\n')) | zeros(half ^ every(b'\r'))
    };
    let low = marks(u64::from_le_bytes(*block.first_chunk()?));
    let high = marks(u64::from_le_bytes(*block.last_chunk()?));
    // Of no marks at all, the place is the end of the block.
    let place = if low == 0 { (high.trailing_zeros() / 8) | 8 } else { low.trailing_zeros() / 8 };
    (low | high != 0).then_some(place as usize)
}

/// How many CRs and LFs there are, and how many line breaks they make: CRLF is one.
pub(crate) fn count_line_breaks(bytes: &[u8]) -> LineBreaks {
    let feeds = memchr_iter(b'\n', bytes).count();
    let returns = memchr_iter(b'\r', bytes).count();
    let is_pair = |at: &usize| bytes.get(at.saturating_add(1)) == Some(&b'\n');
    let pairs = if returns == 0 { 0 } else { memchr_iter(b'\r', bytes).filter(is_pair).count() };
    let characters = feeds.saturating_add(returns);
    LineBreaks { characters, breaks: characters.saturating_sub(pairs) }
}

#[derive(Default)]
pub(crate) struct LineBreaks {
    pub(crate) characters: usize,
    pub(crate) breaks: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn the_first_break_is_found_wherever_it_is() {
        for len in 0..300 {
            let mut bytes = vec![b'x'; len];
            assert_eq!(find_line_break(&bytes), None);
            for at in 0..len {
                for (line_break, decoy) in
                    [(b'\n', 0x0b), (b'\r', 0x0c), (b'\n', 0x8a), (b'\r', 0x8d), (b'\n', 0)]
                {
                    bytes.fill(decoy);
                    assert_eq!(find_line_break(&bytes), None);
                    bytes[at..].fill(b'\r');
                    bytes[at] = line_break;
                    assert_eq!(find_line_break(&bytes), Some(at), "{line_break} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn crlf_is_one_break_of_two_characters() {
        for (text, characters, breaks) in
            [("", 0, 0), ("\r\n", 2, 1), ("\n\r", 2, 2), ("\r\r\n\n", 4, 3), ("a\rb\nc\r\n", 4, 3)]
        {
            let counted = count_line_breaks(text.as_bytes());
            assert_eq!((counted.characters, counted.breaks), (characters, breaks), "{text:?}");
        }
    }
}
