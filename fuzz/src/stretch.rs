//! Long streams of short inputs.

use arbitrary::Arbitrary;

/// A stream of which one byte is repeated, so that a field is long, and the end, so that there are many items.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub struct Stretched<'a> {
    at: u8,
    /// How often that byte is doubled.
    doublings: u8,
    tail: u8,
    times: u16,
    bytes: &'a [u8],
}

impl Stretched<'_> {
    /// The stream: of a MiB or so at most.
    pub fn stream(self) -> Vec<u8> {
        let at = usize::from(self.at).min(self.bytes.len());
        let (before, after) = self.bytes.split_at(at);
        let tail = after.len().saturating_sub(usize::from(self.tail % 16));
        let long = 1_usize << (self.doublings % 21);
        let mut stream = before.to_vec();
        stream.extend(before.last().into_iter().flat_map(|byte| core::iter::repeat_n(*byte, long)));
        stream.extend(after);
        stream.extend(after[tail..].repeat(usize::from(self.times % 4096)));
        stream
    }
}
