//! How a stream is cut into chunks.

use crate::seen::cut;
use arbitrary::Arbitrary;

/// The lengths of chunks, taken round and round; a length of zero is an empty chunk. If all are zero, the stream is whole. The
/// largest sixteen are powers of two, from 512 on.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub struct Cuts(pub [u8; 8]);

impl Cuts {
    /// The chunks of a stream.
    pub fn of(self, stream: &[u8]) -> Vec<&[u8]> {
        let times = if self.0 == [0; 8] { 0 } else { usize::MAX };
        cut(stream, self.0.into_iter().cycle().map(length).take(times))
    }
}

fn length(byte: u8) -> usize {
    match byte {
        0..=239 => byte.into(),
        240.. => 512 << (byte - 240),
    }
}
