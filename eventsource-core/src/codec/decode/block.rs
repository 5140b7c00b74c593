//! One block: what a chunk has of it, and what it comes to.

use super::chunk::Span;
use super::memory::Memory;
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
pub(super) enum RawItem<'i> {
    Event { name: RawText<'i>, data: RawText<'i>, has_id: bool },
    Comment(RawText<'i>),
    Retry(Duration),
    LastEventId,
}

pub(super) enum RawText<'i> {
    OfChunk(&'i str),
    /// In the decoder's memory for it.
    Kept,
}

impl<'i> RawText<'i> {
    pub(super) fn lend<'s, M: Memory>(self, memory: &'s mut M) -> &'s str
    where
        'i: 's,
    {
        match self {
            Self::OfChunk(text) => text,
            Self::Kept => memory.text(),
        }
    }
}
