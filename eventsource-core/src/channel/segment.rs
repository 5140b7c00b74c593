//! A stretch of a log, whose events are joined at most a few times however many read it.

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
    pub(crate) label: Arc<L>,
    /// The caller's own id, where those are indexed.
    pub(crate) id: Option<Arc<str>>,
    pub(crate) frame: Bytes,
}

impl<L> Entry<L> {
    pub(crate) fn len(&self) -> usize {
        self.frame.len()
    }
}

/// What joining has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct JoinStats {
    pub(crate) joins: u64,
    pub(crate) bytes: u64,
}

impl JoinStats {
    pub(crate) fn add(&mut self, other: Self) {
        self.joins = self.joins.saturating_add(other.joins);
        self.bytes = self.bytes.saturating_add(other.bytes);
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
        self.share_joined();
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

    /// Frees the memory of an event that was let go, the oldest that's still there. What was joined goes as soon as most of it
    /// was let go, so that the memory is bounded by what's held: each event is copied once more for each halving.
    pub(crate) fn forget(&mut self, position: u64) {
        let index = self.index(position);
        if let Some(entry) = self.entries.get_mut(index) {
            entry.frame = Bytes::new();
        }
        let next = index.saturating_add(1);
        let held = self.start_of(self.entries.len()).saturating_sub(self.start_of(next));
        if self.joined.take_if(|joined| joined.bytes.len() / 2 > held).is_none() || !self.sealed {
            return;
        }
        for entry in self.entries.get_mut(next..).unwrap_or_default() {
            entry.frame = Bytes::copy_from_slice(&entry.frame);
        }
    }

    /// The events from a position on, up to the end or to the sequence number `before`. What's before the position `first`
    /// was let go.
    pub(crate) fn run(
        &mut self,
        first: u64,
        from: u64,
        before: u64,
        joins: &mut JoinStats,
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
        self.join(range, joins);
        self.joined.as_ref().and_then(|joined| joined.piece(span)).map(|piece| (piece, end))
    }

    fn start_of(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default()
    }

    fn join(&mut self, range: core::ops::Range<usize>, joins: &mut JoinStats) {
        let start = self.start_of(range.start);
        let mut bytes = Vec::with_capacity(self.start_of(range.end).saturating_sub(start));
        debug_assert!(self.entries.get(range.clone()).is_some(), "what's joined is there");
        for entry in self.entries.get(range.clone()).unwrap_or_default() {
            bytes.extend_from_slice(&entry.frame);
        }
        joins.joins = joins.joins.saturating_add(1);
        joins.bytes = joins.bytes.saturating_add(bytes.len() as u64);
        self.joined_at = self.entries.len();
        self.joined = Some(Joined { start, bytes: bytes.into() });
        if self.sealed {
            self.share_joined();
        }
    }

    /// Has the single frames be pieces of what was joined, so that nothing is held twice.
    fn share_joined(&mut self) {
        let Some(joined) = &self.joined else { return };
        let mut start = 0;
        for (entry, &end) in self.entries.iter_mut().zip(&self.ends) {
            if let Some(piece) = joined.piece(start..end).filter(|_| !entry.frame.is_empty()) {
                entry.frame = piece;
            }
            start = end;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(events: u64, len: usize) -> Segment<()> {
        let mut segment = Segment::new(0);
        for sequence in 0..events {
            let frame = Bytes::from(alloc::vec![b'x'; len]);
            segment.push(Entry { sequence, at: Duration::ZERO, label: Arc::new(()), id: None, frame });
        }
        segment
    }

    /// How many bytes of memory its frames hold, each allocation once.
    fn held(segment: &Segment<()>) -> usize {
        let joined = segment.joined.as_ref().map(|joined| joined.bytes.as_ptr_range());
        let within = |frame: &Bytes| joined.as_ref().is_some_and(|joined| joined.contains(&frame.as_ptr()));
        let own = segment.entries.iter().map(|entry| &entry.frame).filter(|frame| !within(frame));
        own.map(Bytes::len).sum::<usize>() + segment.joined.as_ref().map_or(0, |joined| joined.bytes.len())
    }

    #[test]
    fn once_sealed_nothing_is_held_twice() {
        let mut joins = JoinStats::default();
        for seal_first in [true, false] {
            let mut segment = segment(8, 100);
            if seal_first {
                segment.seal();
            }
            assert_eq!(segment.run(0, 0, u64::MAX, &mut joins).unwrap().0.len(), 800);
            segment.seal();
            assert_eq!(held(&segment), 800);
        }
    }

    #[test]
    fn what_was_joined_goes_with_its_events() {
        let mut joins = JoinStats::default();
        for sealed in [true, false] {
            let mut segment = segment(64, 100);
            segment.run(0, 0, u64::MAX, &mut joins).unwrap();
            if sealed {
                segment.seal();
            }
            for position in 0..64 {
                segment.forget(position);
                let left = usize::try_from(63 - position).unwrap() * 100;
                assert!(held(&segment) <= 3 * left + 100, "{} for {left}", held(&segment));
                // What's left is still there.
                let run = segment.run(position + 1, position + 1, u64::MAX, &mut joins);
                assert_eq!(run.map_or(0, |(bytes, _)| bytes.len()), left);
            }
        }
    }
}
