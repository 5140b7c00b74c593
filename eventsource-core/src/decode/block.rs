//! Of one block: what's known of it, and what becomes of it.

use super::chunk::Span;
use super::memory::{extend_line, replace, set_text};
use super::utf8;
use super::{Chunk, Decoder, Limit, LimitError, Memory};
use crate::EventName;
use crate::fixed::Full;
use core::iter::once;
use core::time::Duration;

/// The fields of the block that lie whole in this chunk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block {
    pub(super) name: Option<Span>,
    pub(super) id: Option<Span>,
    pub(super) data: Option<Span>,
}

impl Block {
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_none() && self.id.is_none() && self.data.is_none()
    }
}

/// An item before it's lent: it borrows nothing of the decoder.
pub(super) enum Found<'i> {
    Event { name: Text<'i>, id: PendingId<'i>, data: Text<'i> },
    Comment(Text<'i>),
    Retry(Duration),
    LastEventId,
}

/// The last event ID buffer of a block that's complete. It counts once the event is handed out, or skipped.
#[derive(Clone, Copy)]
pub(super) enum PendingId<'i> {
    OfChunk(&'i str),
    /// In the decoder's memory for it.
    Kept,
    Unset,
}

pub(super) enum Text<'i> {
    OfChunk(&'i str),
    /// In the decoder's memory for it, so many bytes.
    Kept(usize),
}

impl<M: Memory> Decoder<M> {
    #[inline]
    pub(super) fn dispatch<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
    ) -> Result<Option<Found<'i>>, LimitError> {
        let Block { name, id, data } = core::mem::take(block);
        let id = match id.and_then(|id| chunk.text(id)) {
            Some(id) => PendingId::OfChunk(id),
            None if self.has_id => PendingId::Kept,
            None => PendingId::Unset,
        };
        self.has_id = false;
        // "If the data buffer is an empty string, set it and the event type buffer to the empty string and return."
        if self.skipping || (data.is_none() && !self.has_data) {
            self.skipping = false;
            self.forget_event();
            let is_set = id.commit(&self.id, &mut self.last_event_id)?;
            self.has_new_id |= is_set;
            return Ok(is_set.then_some(Found::LastEventId));
        }

        let in_chunk = data.filter(|_| !self.has_data).and_then(|data| chunk.text(data));
        let data = if let Some(text) = in_chunk {
            Text::OfChunk(text)
        } else {
            self.keep_data(chunk, data)?;
            self.has_data = false;
            self.lent = true;
            // "If the data buffer's last character is a LF, remove it."
            Text::Kept(self.data.as_slice().len().saturating_sub(1))
        };
        let name = match name.map(|name| (name, chunk.text(name))) {
            Some((name, _)) if name.len() == 0 => Text::OfChunk(EventName::MESSAGE.as_str()),
            Some((_, Some(text))) => Text::OfChunk(text),
            Some((name, None)) => {
                replace(&mut self.name, chunk.bytes(name))?;
                Text::Kept(name.len())
            }
            None if self.has_name && !self.name.as_slice().is_empty() => {
                Text::Kept(self.name.as_slice().len())
            }
            None => Text::OfChunk(EventName::MESSAGE.as_str()),
        };
        self.has_name = false;
        Ok(Some(Found::Event { name, id, data }))
    }

    /// Puts what a chunk has of a block into the decoder's own memory.
    #[inline]
    pub(super) fn keep(&mut self, chunk: &mut Chunk<'_>, block: Block) -> Result<(), LimitError> {
        if let Some(id) = block.id {
            self.keep_id(chunk.bytes(id))?;
        }
        if self.skipping {
            return Ok(());
        }
        if let Some(name) = block.name {
            self.has_name = true;
            replace(&mut self.name, chunk.bytes(name))?;
        }
        self.keep_data(chunk, block.data)
    }

    pub(super) fn keep_data(&mut self, chunk: &Chunk<'_>, data: Option<Span>) -> Result<(), LimitError> {
        let Some(data) = data else { return Ok(()) };
        self.has_data = true;
        extend_line(&mut self.data, chunk.bytes(data), chunk.bytes(data.with_end()))
    }

    pub(super) fn keep_id(&mut self, id: &[u8]) -> Result<(), LimitError> {
        let kept = set_text(&mut self.id, utf8::lossy(id));
        self.has_kept_id(kept)
    }

    /// Replacements may have made an id too long for a fixed buffer.
    pub(super) fn has_kept_id(&mut self, kept: Result<(), LimitError>) -> Result<(), LimitError> {
        self.has_id = kept.is_ok();
        match kept {
            Err(error) if !self.skipping => Err(self.exceed(error)),
            _ => Ok(()),
        }
    }
}

impl PendingId<'_> {
    /// "Set the last event ID string of the event source to the value of the last event ID buffer." Whether there was one.
    #[inline]
    pub(super) fn commit<M: Memory>(self, kept: &M, last_event_id: &mut M) -> Result<bool, LimitError> {
        match self {
            Self::OfChunk(id) => set_text(last_event_id, once(id))?,
            Self::Kept => set_text(last_event_id, once(kept.as_text()))?,
            Self::Unset => return Ok(false),
        }
        Ok(true)
    }
}

impl<'i> Text<'i> {
    pub(super) fn lend<'s, M: Memory>(self, memory: &'s mut M) -> Result<&'s str, LimitError>
    where
        'i: 's,
    {
        match self {
            Self::OfChunk(text) => Ok(text),
            Self::Kept(len) => {
                let size = memory.capacity();
                memory.text(len).map_err(|Full| LimitError { limit: Limit::Buffer, size })
            }
        }
    }
}
