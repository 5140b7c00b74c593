//! The ids that a channel assigns.

use crate::EventId;
use crate::codec::EventIdBuf;
use core::fmt;
use core::str::from_utf8;

/// The id that a channel gives to an event: an epoch, which tells this channel from every other and from itself before a
/// restart, and a sequence number.
///
/// As text, the epoch in lower-case hexadecimal, a hyphen, the number.
///
/// ```
/// use eventsource_core::channel::SequenceId;
/// use eventsource_core::{Channel, ChannelOptions, EventId};
///
/// let channel = Channel::with_options(ChannelOptions::new().epoch(0xbeef));
/// let id = channel.publish("hello")?;
/// assert_eq!(id.to_string(), "beef-1");
/// assert_eq!(SequenceId::parse(EventId::new("beef-1").unwrap()), Some(id));
/// # Ok::<(), eventsource_core::channel::PublishError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId {
    epoch: u64,
    sequence: u64,
}

impl SequenceId {
    /// Creates the id of an event of a log elsewhere, as a [`Follower`](super::Follower) gives it to the event.
    pub const fn new(epoch: u64, sequence: u64) -> Self {
        Self { epoch, sequence }
    }

    /// Reads an id from its text, which has to be exactly as it's written. Returns `None` for any other. Whether a certain channel
    /// has assigned it is another question.
    pub fn parse(id: EventId<'_>) -> Option<Self> {
        let (epoch, sequence) = id.as_str().split_once('-')?;
        let parsed = Self { epoch: u64::from_str_radix(epoch, 16).ok()?, sequence: sequence.parse().ok()? };
        (parsed.to_text().as_id() == id).then_some(parsed)
    }

    /// The epoch.
    pub fn epoch(self) -> u64 {
        self.epoch
    }

    /// The number: 1 for the first event, then one more for each.
    pub fn sequence(self) -> u64 {
        self.sequence
    }

    /// As an id of its own.
    pub fn to_id(self) -> EventIdBuf {
        self.to_text().as_id().into()
    }

    pub(super) fn to_text(self) -> IdText {
        let mut text = IdText { bytes: [0; IdText::CAPACITY], len: 0 };
        let significant = 16_u32.saturating_sub(self.epoch.leading_zeros() / 4).max(1);
        for nibble in (0..significant).rev() {
            let digit = (self.epoch >> nibble.saturating_mul(4)) & 0xf;
            text.push(HEX.get(usize::try_from(digit).unwrap_or_default()).copied().unwrap_or_default());
        }
        text.push(b'-');
        itoa::Buffer::new().format(self.sequence).bytes().for_each(|digit| text.push(digit));
        text
    }
}

const HEX: [u8; 16] = *b"0123456789abcdef";

impl fmt::Display for SequenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_text().as_id().as_str())
    }
}

impl From<SequenceId> for EventIdBuf {
    fn from(id: SequenceId) -> Self {
        id.to_id()
    }
}

/// Its text, without an allocation.
pub(super) struct IdText {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl IdText {
    const CAPACITY: usize = 16 + 1 + 20;

    fn push(&mut self, byte: u8) {
        debug_assert!(self.len < Self::CAPACITY, "there's room for the longest id");
        if let Some(free) = self.bytes.get_mut(self.len) {
            *free = byte;
            self.len = self.len.saturating_add(1);
        }
    }

    pub(super) fn as_id(&self) -> EventId<'_> {
        // Digits and a hyphen are text, and no text of them needs a check.
        let text = self.bytes.get(..self.len).and_then(|bytes| from_utf8(bytes).ok());
        debug_assert!(text.is_some(), "digits and a hyphen are text");
        EventId::trusted(text.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_and_id_are_one_to_one() {
        for epoch in [0, 1, 0xf, 0x10, 0xabc_def0, u64::MAX] {
            for sequence in [0, 1, 10, u64::MAX] {
                let id = SequenceId::new(epoch, sequence);
                assert_eq!(id.to_string(), std::format!("{epoch:x}-{sequence}"));
                assert_eq!(SequenceId::parse(id.to_id().as_id()), Some(id));
            }
        }
        for other in
            ["", "-", "a-", "-1", "A-1", "0a-1", "a-01", "a-+1", "+a-1", "a-1 ", " a-1", "a-1-1", "a--1"]
                .into_iter()
                .chain(["10000000000000000-1", "1-18446744073709551616", "a\u{2d}\u{661}"])
        {
            assert_eq!(SequenceId::parse(EventId::new(other).unwrap()), None, "{other:?}");
        }
    }
}
