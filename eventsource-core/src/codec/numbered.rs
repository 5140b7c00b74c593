//! Blocks that get their id later.

#[cfg(feature = "json")]
use super::encode::head_len;
use super::encode::{put_data, put_head};
use super::{Event, EventId, Frame};
#[cfg(feature = "json")]
use alloc::vec;
use alloc::vec::Vec;
use bytes::{Buf, Bytes};

/// An encoded block with room for the line of an id, so that whoever numbers events encodes nothing and copies no data.
///
/// The room lies before the block; [`with_id`](Self::with_id) moves the few lines that stand before the id into it.
#[derive(Clone)]
pub(crate) struct UnnumberedBlock {
    bytes: Vec<u8>,
    /// Where the id belongs: after the name, before the data.
    id_at: usize,
}

/// A frame isn't one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotOneBlock;

impl UnnumberedBlock {
    /// The most bytes that an id may have.
    pub(crate) const MAX_ID_LEN: usize = 16 + 1 + 20;
    const ROOM: usize = "id: \n".len() + Self::MAX_ID_LEN;

    /// Encodes an event, with its own id if it has one.
    pub(crate) fn of_event(event: &Event<'_>) -> Self {
        let encoded_len = event.encoded_len().saturating_add(usize::from(!event.is_block()));
        let mut bytes = Vec::with_capacity(encoded_len.saturating_add(Self::ROOM));
        bytes.resize(Self::ROOM, 0);
        let Ok(()) = put_head(event, &mut bytes);
        let id_at = bytes.len();
        let Ok(()) = put_data(event, &mut bytes);
        bytes.push(b'\n');
        Self { bytes, id_at }
    }

    /// Encodes an event with a value as JSON in place of its data.
    #[cfg(feature = "json")]
    pub(crate) fn of_json<T>(event: &Event<'_>, value: &T) -> Result<Self, serde_json::Error>
    where
        T: serde::Serialize + ?Sized,
    {
        let mut bytes = vec![0; Self::ROOM];
        event.encode_json_to_vec(value, &mut bytes)?;
        // It grew by doubling, and may be kept for long.
        bytes.shrink_to_fit();
        Ok(Self { bytes, id_at: Self::ROOM.saturating_add(head_len(&event.data(""))) })
    }

    /// Takes a ready frame, and the id that stands in it.
    pub(crate) fn of_frame(frame: &Frame) -> Result<(Self, Option<EventId<'_>>), NotOneBlock> {
        let (mut at, mut id, mut id_at, mut blocks) = (0_usize, None, None, 0_usize);
        for line in frame.as_bytes().split_inclusive(|&byte| byte == b'\n') {
            if line == b"\n" {
                blocks = blocks.saturating_add(1);
            }
            if let Some(value) = line.strip_prefix(b"id: ").and_then(|line| line.strip_suffix(b"\n")) {
                id = core::str::from_utf8(value).ok().map(EventId::trusted);
            }
            if line == b"\n" || line.starts_with(b"data") {
                id_at.get_or_insert(at);
            }
            at = at.saturating_add(line.len());
        }
        let (Some(id_at), 1) = (id_at, blocks) else { return Err(NotOneBlock) };
        let mut bytes = Vec::with_capacity(frame.len().saturating_add(Self::ROOM));
        bytes.resize(Self::ROOM, 0);
        bytes.extend_from_slice(frame.as_bytes());
        Ok((Self { bytes, id_at: id_at.saturating_add(Self::ROOM) }, id))
    }

    /// Returns how many bytes the block has with the longest id.
    pub(crate) fn max_len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the block's bytes, with the id that it had.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(Self::ROOM..).unwrap_or_default()
    }

    /// Returns the block as it is, with the id that it had.
    pub(crate) fn into_bytes(self) -> Bytes {
        let mut bytes = Bytes::from(self.bytes);
        bytes.advance(Self::ROOM);
        bytes
    }

    /// Returns the block with an id.
    pub(crate) fn with_id(mut self, id: EventId<'_>) -> Bytes {
        let id = id.as_str().as_bytes();
        debug_assert!(id.len() <= Self::MAX_ID_LEN, "there's room for the ids that are assigned");
        let parts = b"id: ".iter().chain(id).chain(b"\n");
        let line = parts.clone().count();
        let start = Self::ROOM.saturating_sub(line);
        // The lines before the id move to the front of it.
        self.bytes.copy_within(Self::ROOM..self.id_at, start);
        let line_at = self.id_at.saturating_sub(line);
        for (place, &byte) in self.bytes.iter_mut().skip(line_at).zip(parts) {
            *place = byte;
        }
        let mut bytes = Bytes::from(self.bytes);
        bytes.advance(start);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_name;
    use alloc::string::String;
    use core::time::Duration;

    const LONGEST: &str = "ffffffffffffffff-18446744073709551615";

    fn events() -> Vec<Event<'static>> {
        let mut events = Vec::new();
        for data in [None, Some(""), Some("x"), Some("two\r\nlines\n")] {
            for name in [None, Some(event_name!("")), Some(event_name!("data"))] {
                for retry in [None, Some(Duration::from_secs(3))] {
                    for comment in [None, Some("id: 7\n\ndata")] {
                        events.push(Event { name, id: None, data, retry, comment });
                    }
                }
            }
        }
        events
    }

    #[test]
    fn a_number_given_later_is_as_one_given_at_once() {
        for event in events() {
            for id in ["", "0-1", LONGEST] {
                let id = EventId::new(id).unwrap();
                let numbered = UnnumberedBlock::of_event(&event).with_id(id);
                assert_eq!(numbered, Frame::from(event.id(id)).into_bytes(), "{event:?}");
            }
        }
    }

    #[test]
    fn a_ready_frame_is_numbered_so_that_a_client_reads_the_same() {
        for event in events() {
            let frame = Frame::from(event);
            let id = EventId::new(LONGEST).unwrap();
            let Ok((block, own)) = UnnumberedBlock::of_frame(&frame) else {
                assert!(!event.is_block(), "{event:?}");
                continue;
            };
            assert_eq!(own, None);
            assert_eq!(block.clone().into_bytes(), frame.as_bytes());
            let numbered = block.with_id(id);
            assert_eq!(numbered.len(), Frame::from(event.id(id)).len());
            let lines = |bytes: &[u8]| {
                let mut lines: Vec<_> =
                    String::from_utf8(bytes.to_vec()).unwrap().lines().map(String::from).collect();
                lines.sort_unstable();
                lines
            };
            assert_eq!(lines(&numbered), lines(Frame::from(event.id(id)).as_bytes()));
        }
    }

    #[test]
    fn an_id_of_a_frame_s_own_is_found_and_several_blocks_are_refused() {
        let event = Event::new("x").id(EventId::new("7").unwrap());
        let frame = Frame::from(event);
        let (block, id) = UnnumberedBlock::of_frame(&frame).unwrap();
        assert_eq!((block.into_bytes(), id.map(EventId::as_str)), (frame.clone().into_bytes(), Some("7")));
        for refused in [Frame::default(), Frame::KEEP_ALIVE, Frame::from_iter([frame.clone(), frame])] {
            assert!(UnnumberedBlock::of_frame(&refused).is_err());
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_is_numbered_like_text() {
        let id = EventId::new(LONGEST).unwrap();
        for event in events() {
            let numbered = UnnumberedBlock::of_json(&event, &[1, 2]).unwrap().with_id(id);
            assert_eq!(numbered, Frame::json(event.id(id), &[1, 2]).unwrap().into_bytes());
        }
    }
}
