//! What's to be written.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_io::AsyncWrite;
use std::io::{self, IoSlice};

/// Pieces that aren't written yet, in order; of the first, maybe a part.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    // Most of the time there's one at most.
    first: Bytes,
    #[expect(clippy::box_collection, reason = "each connection has one of these, and hardly any needs it")]
    more: Option<Box<VecDeque<Bytes>>>,
    len: usize,
}

/// So many pieces are written at once.
const PIECES: usize = 64;

/// With so many bytes, a write is large enough that another one costs nothing that counts.
const BYTES: usize = 64 * 1024;

impl Outbox {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether another piece still belongs to the same write.
    pub(super) fn has_room(&self) -> bool {
        self.more.as_ref().map_or(0, |more| more.len()) < PIECES - 1 && self.len < BYTES
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        self.len = self.len.saturating_add(piece.len());
        if self.first.is_empty() {
            self.first = piece;
        } else {
            self.more.get_or_insert_default().push_back(piece);
        }
    }

    /// Frees what will never be written, but not its count.
    pub(super) fn discard(&mut self) {
        self.first = Bytes::new();
        self.more = None;
    }

    /// Writes as much as is taken at once.
    pub(super) fn poll_write<W: AsyncWrite>(
        &mut self,
        writer: Pin<&mut W>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let written = if let Some(more) = &self.more {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let pieces = core::iter::once(&self.first).chain(&**more);
            let count =
                slices.iter_mut().zip(pieces).map(|(slice, piece)| *slice = IoSlice::new(piece)).count();
            ready!(writer.poll_write_vectored(cx, slices.get(..count).unwrap_or_default()))?
        } else {
            ready!(writer.poll_write(cx, &self.first))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.advance(written);
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, written: usize) {
        let mut left = written.min(self.len);
        self.len = self.len.saturating_sub(left);
        while left >= self.first.len() && left > 0 {
            left = left.saturating_sub(self.first.len());
            self.first = self.more.as_mut().and_then(|more| more.pop_front()).unwrap_or_default();
        }
        self.first.advance(left);
        // A connection that was behind once doesn't keep its room for ever.
        self.more.take_if(|more| more.is_empty());
    }
}
