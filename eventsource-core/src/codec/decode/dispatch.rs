//! What becomes of a block.

use super::block::{Block, RawItem, RawText};
use super::chunk::{Chunk, Span};
use super::decoder::Decoder;
use super::limits::LimitError;
use super::memory::Memory;
use super::utf8;
use crate::codec::field::EventName;
use core::iter::once;

impl<M: Memory> Decoder<M> {
    /// What the block is, at the blank line that ends it. That's still to be read: a block that turns out to be too large here
    /// is skipped to its end like any other.
    #[inline]
    pub(super) fn dispatch<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
    ) -> Result<Option<RawItem<'i>>, LimitError> {
        // "If the data buffer is an empty string, set it and the event type buffer to the empty string and return."
        let event = if self.skipping || (block.data.is_none() && !self.has_data()) {
            self.skipping = false;
            self.forget_event();
            None
        } else {
            let name = self.dispatched_name(chunk, block.name)?;
            let data = self.dispatched_data(chunk, block.data)?;
            Some((name, data))
        };
        let has_id = self.commit_id(chunk, core::mem::take(block).id);
        self.end_line(chunk, 0);
        Ok(match event {
            Some((name, data)) => Some(RawItem::Event { name, data, has_id }),
            None => has_id.then_some(RawItem::LastEventId),
        })
    }

    fn dispatched_name<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        name: Option<Span>,
    ) -> Result<RawText<'i>, LimitError> {
        if let Some(name) = name {
            self.name.clear();
            match chunk.text(name) {
                Some("") => {}
                Some(text) => return Ok(RawText::OfChunk(text)),
                None => self.name.extend(chunk.bytes(name)),
            }
        }
        if self.name.as_slice().is_empty() {
            return Ok(RawText::OfChunk(EventName::MESSAGE.as_str()));
        }
        if !self.name.fits_as_text() {
            self.exceed(LimitError::of_buffer(self.name.capacity()))?;
        }
        self.lent = true;
        Ok(RawText::Kept)
    }

    fn dispatched_data<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        data: Option<Span>,
    ) -> Result<RawText<'i>, LimitError> {
        if !self.has_data() {
            if let Some(text) = data.and_then(|data| chunk.text(data)) {
                return Ok(RawText::OfChunk(text));
            }
        }
        self.keep_data(chunk, data);
        // "If the data buffer's last character is a LF, remove it."
        self.data.pop();
        if !self.data.fits_as_text() {
            self.exceed(LimitError::of_buffer(self.data.capacity()))?;
        }
        self.lent = true;
        Ok(RawText::Kept)
    }

    /// "Set the last event ID string of the event source to the value of the last event ID buffer." Whether there was one.
    fn commit_id(&mut self, chunk: &mut Chunk<'_>, id: Option<Span>) -> bool {
        let is_set = if let Some(id) = id.and_then(|id| chunk.text(id)) {
            self.last_event_id.set_text(once(id))
        } else {
            if self.has_id {
                core::mem::swap(&mut self.id, &mut self.last_event_id);
            }
            self.has_id
        };
        self.has_id = false;
        self.has_new_id |= is_set;
        is_set
    }

    /// Puts what a chunk has of a block into the decoder's own memory.
    #[inline]
    pub(super) fn keep(&mut self, chunk: &mut Chunk<'_>, block: Block) {
        if let Some(id) = block.id.and_then(|id| chunk.text(id)) {
            self.has_id |= self.id.set_text(once(id));
        }
        if self.skipping {
            return;
        }
        if let Some(name) = block.name {
            self.name.clear();
            self.name.extend(chunk.bytes(name));
        }
        self.keep_data(chunk, block.data);
    }

    pub(super) fn keep_data(&mut self, chunk: &Chunk<'_>, data: Option<Span>) {
        if let Some(data) = data {
            self.extend_data(chunk.bytes(data), chunk.bytes(data.with_end()));
        }
    }

    /// By a line, and a LF, of `bytes` that begin with it: in one go where it ends in a LF itself.
    #[inline]
    pub(super) fn extend_data(&mut self, line: &[u8], bytes: &[u8]) {
        if let Some(with_end @ [.., b'\n']) = bytes.get(..line.len().wrapping_add(1)) {
            return self.data.extend(with_end);
        }
        self.data.extend(line);
        self.data.extend(b"\n");
    }

    /// Sets the block's id to what's in `scratch`. With U+FFFD for what's invalid, it may be too long for a fixed buffer: then one
    /// that was complete before still counts.
    pub(super) fn keep_scratch_as_id(&mut self) -> Result<(), LimitError> {
        if self.id.set_text(utf8::lossy(self.scratch.as_slice())) {
            self.has_id = true;
            return Ok(());
        }
        self.exceed(LimitError::of_buffer(self.id.capacity()))
    }

    /// The comment in `scratch`.
    pub(super) fn kept_comment<'i>(&mut self) -> Result<Option<RawItem<'i>>, LimitError> {
        if self.scratch.fits_as_text() {
            return Ok(Some(RawItem::Comment(RawText::Kept)));
        }
        self.exceed(LimitError::of_buffer(self.scratch.capacity())).map(|()| None)
    }
}
