//! A stretch of a log, whose events are joined at most a few times however many read it.

use super::log::Work;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// A segment is full with so many events, or so many bytes.
const EVENTS: usize = 64;
const BYTES: usize = 32 * 1024;

/// An event of a log.
#[derive(Clone, Debug)]
pub(crate) struct Entry<L> {
    pub(crate) sequence: u64,
    pub(crate) at: Duration,
    pub(crate) label: L,
    /// The caller's own id, where those are indexed.
    pub(crate) id: Option<Arc<str>>,
    pub(crate) frame: Bytes,
}

impl<L> Entry<L> {
    pub(crate) fn len(&self) -> usize {
        self.frame.len()
    }
}

/// Consecutive events of a log.
///
/// A reader gets all that's here from its position on as one piece. Once sealed, the whole segment is joined when it's
/// first asked for, takes the place of the single frames, and every reader's piece is a view of that. While it's
/// open, what was asked for is joined; a second reader at another position makes the whole be joined; so each state of it is
/// copied at most twice.
#[derive(Clone, Debug)]
pub(crate) struct Segment<L> {
    start: u64,
    entries: Vec<Entry<L>>,
    /// Where each entry ends, in bytes from the start of the segment.
    ends: Vec<usize>,
    sealed: bool,
    joined: Option<Joined>,
    /// How many entries there were when something was joined last.
    joined_at: usize,
}

#[derive(Clone, Debug)]
struct Joined {
    start: usize,
    bytes: Bytes,
}

impl<L> Segment<L> {
    pub(crate) fn new(start: u64) -> Self {
        Self { start, entries: Vec::new(), ends: Vec::new(), sealed: false, joined: None, joined_at: 0 }
    }

    /// The position after its last event.
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(self.entries.len() as u64)
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Whether so much more goes in. Into an empty one goes anything.
    pub(crate) fn has_room(&self, events: usize, bytes: usize) -> bool {
        let len = self.ends.last().copied().unwrap_or_default();
        self.entries.is_empty()
            || (self.entries.len().saturating_add(events) <= EVENTS && len.saturating_add(bytes) <= BYTES)
    }

    pub(crate) fn push(&mut self, entry: Entry<L>) {
        let end = self.ends.last().copied().unwrap_or_default().saturating_add(entry.len());
        self.ends.push(end);
        self.entries.push(entry);
    }

    /// Nothing more goes in.
    pub(crate) fn seal(&mut self) {
        self.sealed = true;
    }

    fn index(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX)
    }

    pub(crate) fn entry(&self, position: u64) -> Option<&Entry<L>> {
        self.entries.get(self.index(position)).filter(|_| position >= self.start)
    }

    pub(crate) fn last_sequence(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.sequence)
    }

    pub(crate) fn position_after(&self, sequence: u64) -> u64 {
        let index = self.entries.partition_point(|entry| entry.sequence <= sequence);
        self.start.saturating_add(index as u64)
    }

    /// The entry that's let go next.
    pub(crate) fn release(&mut self, position: u64) -> Option<&Entry<L>> {
        self.entry(position)
    }

    /// Frees the memory of an event that was let go.
    pub(crate) fn forget(&mut self, position: u64) {
        let index = self.index(position);
        if let Some(entry) = self.entries.get_mut(index) {
            entry.frame = Bytes::new();
        }
    }

    /// The events from a position on, up to the end or to the sequence number `before`. What's before the position `first`
    /// was let go.
    pub(crate) fn run(
        &mut self,
        first: u64,
        from: u64,
        before: u64,
        work: &mut Work,
    ) -> Option<(Bytes, u64)> {
        let from = self.index(from);
        let to = self.entries.partition_point(|entry| entry.sequence < before);
        let run = self.entries.get(from..to).filter(|run| !run.is_empty())?;
        let end = self.start.saturating_add(to as u64);
        if let [single] = run {
            return Some((single.frame.clone(), end));
        }
        let span = self.start_of(from)..self.start_of(to);
        if let Some(piece) = self.joined.as_ref().and_then(|joined| joined.piece(span.clone())) {
            return Some((piece, end));
        }
        let whole = self.sealed || self.joined_at == self.entries.len();
        let range = if whole { self.index(first)..self.entries.len() } else { from..to };
        self.join(range, work);
        self.joined.as_ref().and_then(|joined| joined.piece(span)).map(|piece| (piece, end))
    }

    fn start_of(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default()
    }

    fn join(&mut self, range: core::ops::Range<usize>, work: &mut Work) {
        let start = self.start_of(range.start);
        let mut bytes = Vec::with_capacity(self.start_of(range.end).saturating_sub(start));
        for entry in self.entries.get(range.clone()).unwrap_or_default() {
            bytes.extend_from_slice(&entry.frame);
        }
        work.joins = work.joins.saturating_add(1);
        work.bytes = work.bytes.saturating_add(bytes.len() as u64);
        let joined = Joined { start, bytes: bytes.into() };
        if self.sealed {
            for index in range {
                let span = self.start_of(index)..self.start_of(index.saturating_add(1));
                if let (Some(entry), Some(piece)) = (self.entries.get_mut(index), joined.piece(span)) {
                    entry.frame = piece;
                }
            }
        }
        self.joined_at = self.entries.len();
        self.joined = Some(joined);
    }
}

impl Joined {
    /// A part, by its place in the segment, if that's within.
    fn piece(&self, span: core::ops::Range<usize>) -> Option<Bytes> {
        let from = span.start.checked_sub(self.start)?;
        let to = span.end.checked_sub(self.start)?;
        (to <= self.bytes.len() && from <= to).then(|| self.bytes.slice(from..to))
    }
}
