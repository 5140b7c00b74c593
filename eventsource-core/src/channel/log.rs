//! One topic's log: a ring of encoded events, read by position. Pure: no lock, no waker, no clock.

use super::policy::Bounds;
use super::segment::{Entry, JoinStats, Segment};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
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
#[derive(Clone, Debug)]
pub(crate) struct Log<L> {
    segments: VecDeque<Segment<L>>,
    /// The oldest position held, and the one after the newest.
    first: u64,
    end: u64,
    /// Before this log there may have been events up to this sequence number, and nobody knows how many.
    lost_to: u64,
    /// The sequence number of the last event let go.
    gone_to: u64,
    batch_start: u64,
    bytes: usize,
    retention: Tail,
    window: Tail,
    joins: JoinStats,
}

/// The newest events within some bounds: from where on, and how many bytes they are.
#[derive(Clone, Copy, Debug)]
struct Tail {
    bounds: Bounds,
    from: u64,
    bytes: usize,
}

/// What's at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Nothing yet.
    Empty,
    /// Encoded events, up to the position `to` and the sequence number `sequence`.
    Events { frames: Bytes, to: u64, sequence: u64 },
    /// It was let go; the oldest held is `oldest`.
    Gone { oldest: u64 },
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    pub(crate) from: u64,
    /// How many events before that can't be replayed; over several topics the most that it can be.
    pub(crate) missed: u64,
}

impl<L> Log<L> {
    /// An empty log. Events up to the sequence number `lost_to` may have been there before, and are lost.
    pub(crate) fn new(retention: Bounds, window: Bounds, lost_to: u64) -> Self {
        let kept = |bounds| Tail { bounds, from: 0, bytes: 0 };
        Self {
            segments: VecDeque::new(),
            first: 0,
            end: 0,
            lost_to,
            gone_to: lost_to,
            batch_start: 0,
            bytes: 0,
            retention: kept(retention),
            window: kept(window),
            joins: JoinStats::default(),
        }
    }

    /// The position after the newest event.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The position of the first event of the last batch.
    pub(crate) fn batch_start(&self) -> u64 {
        self.batch_start
    }

    pub(crate) fn gone_to(&self) -> u64 {
        self.gone_to
    }

    /// How many bytes of events are held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many events are held.
    pub(crate) fn len(&self) -> u64 {
        self.end.saturating_sub(self.first)
    }

    pub(crate) fn joins(&self) -> JoinStats {
        self.joins
    }

    /// Makes room for a batch in one segment, so that a reader who has read everything else gets it as one.
    pub(crate) fn begin_batch(&mut self, events: usize, bytes: usize) {
        self.batch_start = self.end;
        if self.segments.back().is_some_and(|last| !last.has_room(events, bytes)) {
            self.seal();
        }
    }

    pub(crate) fn push(&mut self, entry: Entry<L>) {
        let len = entry.len();
        if self.segments.back().is_none_or(|last| last.is_sealed() || !last.has_room(1, len)) {
            self.seal();
            self.segments.push_back(Segment::new(self.end));
        }
        if let Some(last) = self.segments.back_mut() {
            last.push(entry);
            if !last.has_room(1, 0) {
                last.seal();
            }
        }
        self.end = self.end.saturating_add(1);
        for bytes in [&mut self.bytes, &mut self.retention.bytes, &mut self.window.bytes] {
            *bytes = bytes.saturating_add(len);
        }
    }

    fn seal(&mut self) {
        if let Some(last) = self.segments.back_mut() {
            last.seal();
        }
    }

    /// Lets go what no bound keeps, and hands `released` each entry; the segments that are empty then go to `garbage`. `now` is
    /// the time since the same moment as that of the entries. Where nobody reads `live`, the live window is of no use.
    pub(crate) fn trim(
        &mut self,
        now: Duration,
        live: bool,
        garbage: &mut Vec<Segment<L>>,
        mut released: impl FnMut(&Entry<L>),
    ) {
        self.retention.shrink(&self.segments, self.end, self.end, now);
        if live {
            self.window.shrink(&self.segments, self.batch_start, self.end, now);
        } else {
            (self.window.from, self.window.bytes) = (self.end, 0);
        }
        while self.first < self.retention.from.min(self.window.from) {
            let Some(segment) = self.segments.front_mut() else {
                debug_assert!(false, "what isn't let go yet is in a segment");
                return;
            };
            if let Some(entry) = segment.release(self.first) {
                self.gone_to = entry.sequence;
                self.bytes = self.bytes.saturating_sub(entry.len());
                released(entry);
                segment.forget(self.first);
            }
            self.first = self.first.saturating_add(1);
            if segment.end() <= self.first {
                garbage.extend(self.segments.pop_front());
            }
        }
    }

    /// The events from a position on that belong together, before the sequence number `before`: as one piece that's shared
    /// by all who ask for the same.
    pub(crate) fn read(&mut self, from: u64, before: u64) -> Read {
        if from < self.first {
            return Read::Gone { oldest: self.first };
        }
        let first = self.first;
        let at = self.segments.partition_point(|segment| segment.end() <= from);
        match self.segments.get_mut(at).and_then(|segment| segment.run(first, from, before, &mut self.joins))
        {
            Some((frames, to)) => {
                let last = self.entry(to.saturating_sub(1));
                Read::Events { frames, to, sequence: last.map_or(0, |entry| entry.sequence) }
            }
            None => Read::Empty,
        }
    }

    /// The event at a position, if it's held.
    pub(crate) fn entry(&self, position: u64) -> Option<&Entry<L>> {
        entry(&self.segments, position).filter(|_| position >= self.first)
    }

    /// Whether the event with a sequence number is held.
    pub(crate) fn holds(&self, sequence: u64) -> bool {
        let position = self.position_after(sequence.saturating_sub(1));
        self.entry(position).is_some_and(|entry| entry.sequence == sequence)
    }

    /// The position of the first event held whose sequence number is greater.
    pub(crate) fn position_after(&self, sequence: u64) -> u64 {
        let at = self.segments.partition_point(|segment| segment.last_sequence() <= sequence);
        self.segments.get(at).map_or(self.end, |segment| segment.position_after(sequence)).max(self.first)
    }

    /// Where a reader goes on who has seen everything up to a sequence number.
    pub(crate) fn replay_after(&self, sequence: u64) -> Replay {
        let position = self.position_after(sequence);
        // Of what was let go, no more was missed than there ever was, nor than there are numbers.
        let gone = self.gone_to.saturating_sub(sequence);
        let let_go = if sequence < self.lost_to { gone } else { gone.min(self.first) };
        let held = self.retention.from.saturating_sub(position);
        Replay { from: position.max(self.retention.from), missed: let_go.saturating_add(held) }
    }

    /// The oldest position that can be replayed.
    pub(crate) fn oldest(&self) -> u64 {
        self.retention.from
    }
}

impl Tail {
    /// Leaves out the oldest until the rest is within the bounds, but not what's at `until` or after it.
    fn shrink<L>(&mut self, segments: &VecDeque<Segment<L>>, until: u64, end: u64, now: Duration) {
        while self.from < until {
            let Some(entry) = entry(segments, self.from) else {
                debug_assert!(false, "a tail is held");
                return;
            };
            let events = end.saturating_sub(self.from);
            let too_old = self.bounds.age.is_some_and(|age| now.saturating_sub(entry.at) > age);
            if !too_old && events <= self.bounds.events as u64 && self.bytes <= self.bounds.bytes {
                return;
            }
            self.bytes = self.bytes.saturating_sub(entry.len());
            self.from = self.from.saturating_add(1);
        }
    }
}

fn entry<L>(segments: &VecDeque<Segment<L>>, position: u64) -> Option<&Entry<L>> {
    let at = segments.partition_point(|segment| segment.end() <= position);
    segments.get(at)?.entry(position)
}
