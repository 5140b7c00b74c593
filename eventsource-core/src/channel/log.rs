//! One topic's log: a ring of encoded events, read by position. Pure: no lock, no waker, no clock.

use super::policy::Bounds;
use super::segment::{Entry, Run, Segment};
use super::stats::Stats;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::time::Duration;

/// A ring of events, each at a position: the first ever at 0, the next at 1. Sequence numbers increase too, but have gaps
/// where several logs share one sequence.
///
/// # Protocol
/// Events come in batches: [`begin_batch`](Self::begin_batch), [`push`](Self::push) for each,
/// [`trim`](Self::trim). What [`read`](Self::read) hands out depends on the position alone, so readers need no
/// registration; one that's too late finds its position [gone](Read::Gone).
///
/// Two bounds keep events: the retention, which is what can be replayed, and the live window, which is for readers
/// that are a little behind. The live window holds at least the last batch.
///
/// # Cost
/// However many events a trimming lets go, it takes a search, and [`release`](Self::release) hands them out as they are: to free
/// them is for where nobody waits.
pub(crate) struct Log<L> {
    segments: VecDeque<Box<Segment<L>>>,
    /// The oldest position that's kept, and the one after the newest. What's before the one may be in memory still.
    first: u64,
    end: u64,
    batch_start: u64,
    retained_from: u64,
    window_from: u64,
    /// Before this log there may have been events up to this sequence number, and nobody knows how many.
    lost_to: u64,
    gone: Gone,
    /// How many bytes were ever pushed.
    bytes: u64,
}

/// What's known of the events that were let go.
struct Gone {
    /// The sequence number of the last.
    to: u64,
    /// From this number on up to the last, each one was this log's.
    run: u64,
    /// The last one's id, where those are the caller's.
    id: Option<Arc<str>>,
}

/// How much is kept in each log.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) retention: Bounds,
    pub(crate) window: Bounds,
    /// How much the table of the newest event per key keeps, where there's one.
    pub(crate) latest: Option<Bounds>,
}

/// What's at a position.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Read {
    /// Nothing yet.
    Empty,
    Events(Run),
    /// It was let go.
    Gone,
}

/// Where a replay begins.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Replay {
    pub(crate) from: u64,
    pub(crate) missed: Missed,
}

/// How many events can't be replayed.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Missed {
    /// So many, or at most so many.
    pub(crate) events: u64,
    pub(crate) is_exact: bool,
}

impl<L> Log<L> {
    /// Creates an empty log. Events up to the sequence number `lost_to` may have been there before, and are lost.
    pub(crate) fn new(lost_to: u64) -> Self {
        Self {
            segments: VecDeque::new(),
            first: 0,
            end: 0,
            batch_start: 0,
            retained_from: 0,
            window_from: 0,
            lost_to,
            gone: Gone { to: lost_to, run: lost_to.saturating_add(1), id: None },
            bytes: 0,
        }
    }

    /// Returns the position after the newest event.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Returns the position of the first event of the last batch.
    pub(crate) fn batch_start(&self) -> u64 {
        self.batch_start
    }

    /// Returns the oldest position that's kept.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the sequence number of the last event let go.
    pub(crate) fn gone_to(&self) -> u64 {
        self.gone.to
    }

    /// Returns the sequence number of the newest event.
    pub(crate) fn last_sequence(&self) -> u64 {
        let last = self.segments.back().and_then(|segment| segment.last());
        last.map_or(self.gone.to, |entry| entry.sequence)
    }

    /// Returns how many events are kept.
    pub(crate) fn len(&self) -> u64 {
        self.end.saturating_sub(self.first)
    }

    /// Returns how many bytes of events are kept.
    pub(crate) fn bytes(&self) -> usize {
        let kept = self.bytes.saturating_sub(self.entry(self.first).map_or(self.bytes, Entry::start));
        usize::try_from(kept).unwrap_or(usize::MAX)
    }

    /// Returns whether it's empty, in memory too.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Returns when the oldest event that can be replayed was published.
    pub(crate) fn oldest_at(&self) -> Option<Duration> {
        self.entry(self.retained_from).map(|entry| entry.at)
    }

    /// Makes room for a batch in one segment, so that a reader who has read everything else gets it as one.
    pub(crate) fn begin_batch(&mut self, events: usize, bytes: usize) {
        self.batch_start = self.end;
        if self.segments.back().is_some_and(|last| !last.has_room(events, bytes)) {
            self.seal();
        }
    }

    /// Adds an event, whose place in bytes is set here.
    pub(crate) fn push(&mut self, mut entry: Entry<L>, stats: &mut Stats) {
        let len = entry.len();
        self.bytes = self.bytes.saturating_add(len as u64);
        entry.end = self.bytes;
        if self.segments.back().is_none_or(|last| last.is_sealed() || !last.has_room(1, len)) {
            self.seal();
            self.segments.push_back(Box::new(Segment::new(self.end)));
        }
        if let Some(last) = self.segments.back_mut() {
            last.push(entry);
            if !last.has_room(1, 0) {
                last.seal();
            }
        }
        self.end = self.end.saturating_add(1);
        stats.events = stats.events.saturating_add(1);
        stats.bytes = stats.bytes.saturating_add(len);
    }

    fn seal(&mut self) {
        if let Some(last) = self.segments.back_mut() {
            last.seal();
        }
    }

    /// Lets go what's kept by no bound. `now` is the time since the same moment as that of the entries. Readers need nothing from
    /// before the position `needed_from`.
    pub(crate) fn trim(&mut self, kept: &Kept, now: Duration, needed_from: u64) {
        self.retained_from = self.shrink(self.retained_from, &kept.retention, self.end, now);
        self.window_from = if needed_from < self.batch_start {
            self.shrink(self.window_from.max(needed_from), &kept.window, self.batch_start, now)
        } else {
            self.window_from.max(needed_from)
        };
        self.advance();
    }

    /// Has the live window hold what a new reader needs, as far as its bounds have room: it begins where the others may have gone on
    /// from long ago.
    pub(crate) fn hold_from(&mut self, position: u64) {
        self.window_from = self.window_from.min(position.max(self.first));
    }

    /// Keeps nothing for replay any more. Readers still find everything until more is published.
    pub(crate) fn forget_retained(&mut self) {
        self.window_from = self.window_from.min(self.first);
        self.retained_from = self.end;
    }

    /// Keeps nothing for replay any more up to a sequence number. Readers still find it until more is published.
    pub(crate) fn forget_to(&mut self, sequence: u64) {
        self.window_from = self.window_from.min(self.first);
        self.retained_from = self.retained_from.max(self.position_after(sequence));
    }

    /// Returns from where on the events are within some bounds: not before `from`, and if it must go on, to `until` at most.
    fn shrink(&self, from: u64, bounds: &Bounds, until: u64, now: Duration) -> u64 {
        let until = until.max(from);
        let from = from.max(self.end.saturating_sub(bounds.events as u64)).min(until);
        let is_over = |entry: &Entry<L>| {
            self.bytes.saturating_sub(entry.start()) > bounds.bytes as u64
                || bounds.age.is_some_and(|age| now.saturating_sub(entry.at) > age)
        };
        if from < until && self.entry(from).is_some_and(is_over) {
            self.position(is_over).min(until)
        } else {
            from
        }
    }

    fn advance(&mut self) {
        let first = self.retained_from.min(self.window_from);
        let (Some(from), Some(last)) = (self.entry(self.first), self.entry(first.saturating_sub(1))) else {
            return;
        };
        if first <= self.first {
            return;
        }
        let events = first.saturating_sub(self.first);
        let numbers = last.sequence.saturating_sub(from.sequence).saturating_add(1);
        let run = if numbers > events {
            self.run_to(first)
        } else if from.sequence == self.gone.to.saturating_add(1) {
            self.gone.run
        } else {
            from.sequence
        };
        self.gone = Gone { to: last.sequence, run, id: last.id.clone() };
        self.first = first;
    }

    /// Returns the first of the consecutive sequence numbers that end before a position, as far as it's easily found.
    fn run_to(&self, position: u64) -> u64 {
        let before = |back: u64| Some(self.entry(position.checked_sub(back)?)?.sequence);
        let mut run = before(1).unwrap_or(u64::MAX);
        for back in 2..=64 {
            match before(back) {
                Some(sequence) if sequence.saturating_add(1) == run => run = sequence,
                _ => break,
            }
        }
        run
    }

    /// Hands out what was let go: returns whole segments, and gives `released` the events before the first that's kept in the next.
    pub(crate) fn release(
        &mut self,
        stats: &mut Stats,
        mut released: impl FnMut(Entry<L>),
    ) -> VecDeque<Box<Segment<L>>> {
        if self.segments.front().is_none_or(|front| front.start() >= self.first) {
            return VecDeque::new();
        }
        let before = self.in_memory();
        let segments = if self.segments.front().is_some_and(|front| front.end() <= self.first) {
            let gone = self.segments.partition_point(|segment| segment.end() <= self.first);
            // Pointers are all that's moved, and those that are fewer.
            if gone <= self.segments.len() / 2 {
                self.segments.drain(..gone).collect()
            } else {
                let rest = self.segments.split_off(gone);
                core::mem::replace(&mut self.segments, rest)
            }
        } else {
            VecDeque::new()
        };
        if let Some(segment) = self.segments.front_mut() {
            while let Some(entry) = segment.release(self.first) {
                released(entry);
            }
        }
        let after = self.in_memory();
        stats.events = stats.events.saturating_sub(before.0.saturating_sub(after.0));
        let bytes = usize::try_from(before.1.saturating_sub(after.1)).unwrap_or(usize::MAX);
        stats.bytes = stats.bytes.saturating_sub(bytes);
        segments
    }

    /// Returns how many events are in memory, and how many bytes they are.
    fn in_memory(&self) -> (u64, u64) {
        match self.segments.front() {
            Some(front) => {
                (self.end.saturating_sub(front.start()), self.bytes.saturating_sub(front.byte_start()))
            }
            None => (0, 0),
        }
    }

    /// Returns the events from a position on that belong together, before the sequence number `before`: as one piece that's shared
    /// by all who ask for the same.
    pub(crate) fn read(&mut self, from: u64, before: u64, stats: &mut Stats) -> Read {
        if from < self.first {
            return Read::Gone;
        }
        let at = self.segment_of(from);
        match self.segments.get_mut(at).and_then(|segment| segment.run(from, before, stats)) {
            Some(run) => Read::Events(run),
            None => Read::Empty,
        }
    }

    fn segment_of(&self, position: u64) -> usize {
        // Mostly it's the first that's asked for, or the last.
        let last = self.segments.len().saturating_sub(1);
        if self.segments.front().is_some_and(|segment| position < segment.end()) {
            0
        } else if self.segments.get(last).is_some_and(|segment| segment.entry(position).is_some()) {
            last
        } else {
            self.segments.partition_point(|segment| segment.end() <= position)
        }
    }

    /// Returns the event at a position, if that's in memory.
    fn entry(&self, position: u64) -> Option<&Entry<L>> {
        self.segments.get(self.segment_of(position))?.entry(position)
    }

    /// Returns the event at a position, if it's kept.
    pub(crate) fn kept(&self, position: u64) -> Option<&Entry<L>> {
        self.entry(position).filter(|_| position >= self.first)
    }

    /// Returns whether the event with a sequence number is kept.
    pub(crate) fn holds(&self, sequence: u64) -> bool {
        let position = self.position_after(sequence.saturating_sub(1));
        self.kept(position).is_some_and(|entry| entry.sequence == sequence)
    }

    /// Returns the position of the first event in memory for which `is_before` is false, where it's true of those before.
    fn position(&self, mut is_before: impl FnMut(&Entry<L>) -> bool) -> u64 {
        let at = self.segments.partition_point(|segment| segment.last().is_some_and(&mut is_before));
        self.segments.get(at).map_or(self.end, |segment| segment.position(is_before))
    }

    /// Returns the position of the first event kept whose sequence number is greater.
    pub(crate) fn position_after(&self, sequence: u64) -> u64 {
        self.position(|entry| entry.sequence <= sequence).max(self.first)
    }

    /// Returns where a reader at a position goes on who has seen everything up to a sequence number elsewhere. Where events were let go
    /// that it may not have seen, that's before the first one kept, by no less than they were.
    pub(crate) fn pass(&self, position: u64, sequence: u64) -> u64 {
        let gone = self.gone.to.saturating_sub(sequence).min(self.first.saturating_sub(position));
        if gone > 0 { self.first.saturating_sub(gone) } else { position.max(self.position_after(sequence)) }
    }

    /// Returns how many of the events that can be replayed have a greater sequence number.
    pub(crate) fn replayable_after(&self, sequence: u64) -> u64 {
        self.end.saturating_sub(self.position_after(sequence).max(self.retained_from))
    }

    /// Returns where a reader goes on who has seen everything up to a sequence number.
    pub(crate) fn replay_after(&self, sequence: u64) -> Replay {
        let position = self.position_after(sequence);
        let kept = self.retained_from.saturating_sub(position);
        // Of what was let go, no more was missed than there are numbers, nor than there ever was.
        let numbers = self.gone.to.saturating_sub(sequence);
        let let_go = if sequence < self.lost_to { numbers } else { numbers.min(self.first) };
        let is_exact = numbers == 0 || sequence.saturating_add(1) >= self.gone.run;
        let missed = Missed { events: let_go.saturating_add(kept), is_exact };
        Replay { from: position.max(self.retained_from), missed }
    }

    /// Returns the sequence number that a client should have been told of by now that has everything up to the number `last`, so that it
    /// can be resumed for a while yet: half as much is kept since then as may be. Where it's not that far, the number from which
    /// on it can be resumed at all.
    pub(crate) fn due(&self, retention: &Bounds, now: Duration, last: u64) -> u64 {
        if retention.events == 0 || retention.bytes == 0 {
            return 0;
        }
        let middle = self.shrink(self.retained_from, &retention.halved(), self.end, now);
        let middle = self.sequence_before(middle);
        if middle <= last { middle } else { self.lost_to() }
    }

    /// Returns the sequence number of the last event that can't be replayed.
    pub(crate) fn lost_to(&self) -> u64 {
        self.sequence_before(self.retained_from)
    }

    fn sequence_before(&self, position: u64) -> u64 {
        let entry = position.checked_sub(1).and_then(|before| self.entry(before));
        entry.map_or(self.gone.to, |entry| entry.sequence)
    }

    /// Returns the number and the caller's id of the last event that has no greater number, if that's known.
    pub(crate) fn last_id(&self, until: u64) -> Option<(u64, &Arc<str>)> {
        let last = self.position(|entry| entry.sequence <= until).checked_sub(1);
        match last.and_then(|last| self.entry(last)) {
            Some(entry) => Some((entry.sequence, entry.id.as_ref()?)),
            None if self.gone.to <= until => Some((self.gone.to, self.gone.id.as_ref()?)),
            None => None,
        }
    }

    /// Returns the number of the last event that was let go, if its id is this one.
    pub(crate) fn gone_with(&self, id: &str) -> Option<u64> {
        self.gone.id.as_deref().filter(|&gone| gone == id).map(|_| self.gone.to)
    }
}
