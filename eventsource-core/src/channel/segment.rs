//! A stretch of a log, whose events are joined at most a few times however many read it.

use super::stats::Stats;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// A segment is full with so many events, or so many bytes.
const EVENTS: usize = 64;
const BYTES: usize = 32 * 1024;

/// An event of a log.
pub(crate) struct Entry<L> {
    pub(crate) sequence: u64,
    pub(crate) at: Duration,
    pub(crate) label: Arc<L>,
    /// The caller's own id, where those are indexed.
    pub(crate) id: Option<Arc<str>>,
    pub(crate) frame: Bytes,
    /// Where it ends, in bytes from the beginning of its log.
    pub(crate) end: u64,
}

impl<L> Entry<L> {
    /// Returns how many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.frame.len()
    }

    /// Returns where it begins, in bytes from the beginning of its log.
    pub(crate) fn start(&self) -> u64 {
        self.end.saturating_sub(self.frame.len() as u64)
    }
}

/// Consecutive events of a log.
///
/// A reader gets all that's here from its position on as one piece. Once sealed, the whole segment is joined when it's
/// first asked for, takes the place of the single frames, and every reader's piece is a view of that. While it's
/// open, what was asked for is joined; a second reader at another position makes the whole be joined; so each state of it is
/// copied at most twice.
pub(crate) struct Segment<L> {
    /// The position of the first entry.
    start: u64,
    entries: VecDeque<Entry<L>>,
    sealed: bool,
    joined: Option<Joined>,
    /// Where the segment ended when something was joined last.
    joined_at: u64,
}

/// Encoded events.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Run {
    pub(crate) frames: Bytes,
    /// The position after the last one.
    pub(crate) to: u64,
    /// The last one's sequence number.
    pub(crate) sequence: u64,
}

struct Joined {
    /// In bytes from the beginning of the log.
    start: u64,
    bytes: Bytes,
}

impl<L> Segment<L> {
    /// Creates a segment whose first event will be at a position.
    pub(crate) fn new(start: u64) -> Self {
        Self { start, entries: VecDeque::with_capacity(1), sealed: false, joined: None, joined_at: 0 }
    }

    /// Returns the position after its last event.
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(self.entries.len() as u64)
    }

    /// Returns how many bytes its events have.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.byte_end().saturating_sub(self.byte_start())).unwrap_or(usize::MAX)
    }

    /// Returns the position of its first event.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Returns where its first event begins, in bytes from the beginning of the log.
    pub(crate) fn byte_start(&self) -> u64 {
        self.entries.front().map_or(0, Entry::start)
    }

    fn byte_end(&self) -> u64 {
        self.entries.back().map_or(0, |entry| entry.end)
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Returns whether so much more goes in. Into an empty segment goes anything.
    pub(crate) fn has_room(&self, events: usize, bytes: usize) -> bool {
        self.entries.is_empty()
            || (self.entries.len().saturating_add(events) <= EVENTS
                && self.bytes().saturating_add(bytes) <= BYTES)
    }

    pub(crate) fn push(&mut self, entry: Entry<L>) {
        self.entries.push_back(entry);
    }

    /// Lets nothing more in.
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

    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry<L>> {
        self.entries.iter()
    }

    pub(crate) fn last(&self) -> Option<&Entry<L>> {
        self.entries.back()
    }

    /// Returns the position of the first event for which `is_before` is false, where it's true of those before.
    pub(crate) fn position(&self, is_before: impl FnMut(&Entry<L>) -> bool) -> u64 {
        self.start.saturating_add(self.entries.partition_point(is_before) as u64)
    }

    /// Takes the oldest event out if its position is before `first`.
    ///
    /// What was joined goes as soon as most of it was let go, so that the memory is bounded by what's held: each event is
    /// copied once more for each halving.
    pub(crate) fn release(&mut self, first: u64) -> Option<Entry<L>> {
        if self.start >= first {
            return None;
        }
        let released = self.entries.pop_front()?;
        self.start = self.start.saturating_add(1);
        let held = self.bytes();
        if self.joined.take_if(|joined| joined.bytes.len() / 2 > held).is_some() && self.sealed {
            for entry in &mut self.entries {
                entry.frame = Bytes::copy_from_slice(&entry.frame);
            }
        }
        Some(released)
    }

    /// Returns the events from a position on, up to the end or to the sequence number `before`.
    pub(crate) fn run(&mut self, from: u64, before: u64, stats: &mut Stats) -> Option<Run> {
        let to = match self.last() {
            Some(last) if last.sequence < before => self.end(),
            _ => self.position(|entry| entry.sequence < before),
        };
        let last = self.entry(to.checked_sub(1)?)?;
        let (first, sequence) = (self.entry(from)?, last.sequence);
        if first.sequence > sequence {
            return None;
        }
        if first.sequence == sequence {
            return Some(Run { frames: first.frame.clone(), to, sequence });
        }
        let span = first.start()..last.end;
        let whole = self.sealed || self.joined_at == self.end();
        if let Some(frames) = self.joined.as_ref().and_then(|joined| joined.piece(span.clone())) {
            return Some(Run { frames, to, sequence });
        }
        self.join(if whole { self.byte_start()..self.byte_end() } else { span.clone() }, stats);
        let frames = self.joined.as_ref().and_then(|joined| joined.piece(span))?;
        Some(Run { frames, to, sequence })
    }

    fn join(&mut self, span: core::ops::Range<u64>, stats: &mut Stats) {
        let len = usize::try_from(span.end.saturating_sub(span.start)).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(len.min(self.bytes()));
        let within = |entry: &&Entry<L>| entry.start() >= span.start && entry.end <= span.end;
        for entry in self.entries.iter().filter(within) {
            bytes.extend_from_slice(&entry.frame);
        }
        debug_assert_eq!(bytes.len(), len, "what's joined is there");
        stats.joins = stats.joins.saturating_add(1);
        stats.joined_bytes = stats.joined_bytes.saturating_add(bytes.len() as u64);
        self.joined_at = self.end();
        self.joined = Some(Joined { start: span.start, bytes: bytes.into() });
        if self.sealed {
            self.share_joined();
        }
    }

    /// Has the single frames be pieces of what was joined, so that nothing is held twice.
    fn share_joined(&mut self) {
        let Some(joined) = &self.joined else { return };
        for entry in &mut self.entries {
            if let Some(piece) = joined.piece(entry.start()..entry.end) {
                entry.frame = piece;
            }
        }
    }
}

impl Joined {
    /// Returns a part, by its place in the log, if that's within.
    fn piece(&self, span: core::ops::Range<u64>) -> Option<Bytes> {
        let from = usize::try_from(span.start.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(span.end.checked_sub(self.start)?).ok()?;
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
            let end = (sequence + 1) * len as u64;
            segment.push(Entry { sequence, at: Duration::ZERO, label: Arc::new(()), id: None, frame, end });
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
        let mut stats = Stats::default();
        for seal_first in [true, false] {
            let mut segment = segment(8, 100);
            if seal_first {
                segment.seal();
            }
            assert_eq!(segment.run(0, u64::MAX, &mut stats).unwrap().frames.len(), 800);
            segment.seal();
            assert_eq!(held(&segment), 800);
        }
    }

    #[test]
    fn what_was_joined_goes_with_its_events() {
        let mut stats = Stats::default();
        for sealed in [true, false] {
            let mut segment = segment(64, 100);
            segment.run(0, u64::MAX, &mut stats).unwrap();
            if sealed {
                segment.seal();
            }
            for position in 0..64 {
                assert!(segment.release(position + 1).is_some() && segment.release(position + 1).is_none());
                let left = usize::try_from(63 - position).unwrap() * 100;
                assert!(held(&segment) <= 3 * left + 100, "{} for {left}", held(&segment));
                // What's left is still there.
                let run = segment.run(position + 1, u64::MAX, &mut stats);
                assert_eq!(run.map_or(0, |run| run.frames.len()), left);
            }
        }
    }
}
