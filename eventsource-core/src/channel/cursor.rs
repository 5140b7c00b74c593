//! A subscription's places in the logs, and what comes next there.

use super::latest::Latest;
use super::log::{Log, Read};
use super::policy::Lag;
use super::state::{State, Topic};
use crate::codec::Frame;
use crate::stream::EndReason;
use crate::sync::{AtomicU64, Ordering};
use alloc::collections::BinaryHeap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// A subscription's place in one topic.
#[derive(Debug)]
pub(super) struct Cursor {
    topic: usize,
    version: Arc<AtomicU64>,
    seen: u64,
    /// The position of the next event in the log; or, while conflating, the number of the last one.
    position: u64,
    /// What was there before it began is replay, and no lag.
    replay_to: u64,
    /// How many events of the newest per key were let go so far.
    evicted: u64,
}

impl Cursor {
    /// Creates a cursor of the subscription in `slot`, and enters that with the topic of that index.
    pub(super) fn new<L>(topic: &mut Topic<L>, index: usize, slot: usize, position: u64) -> Self {
        topic.subscribe(slot);
        Self {
            topic: index,
            version: Arc::clone(&topic.version),
            seen: topic.version.load(Ordering::Acquire),
            position,
            replay_to: topic.log.end(),
            evicted: topic.latest.as_ref().map_or(0, Latest::evicted),
        }
    }

    /// The index of its topic.
    pub(super) fn topic(&self) -> usize {
        self.topic
    }

    /// Whether the topic is as it was when that was noted.
    pub(super) fn is_unchanged(&self) -> bool {
        self.version.load(Ordering::Acquire) == self.seen
    }

    /// Notes how the topic is; under the lock.
    pub(super) fn note(&mut self) {
        self.seen = self.version.load(Ordering::Acquire);
    }
}

/// What a look under the lock has brought.
pub(super) enum Batch<L> {
    Frame(Frame),
    /// In order; to be filtered where they have their labels.
    Frames(Vec<(Frame, Option<Arc<L>>)>),
    Dropped(u64),
    End(EndReason),
    Empty,
}

/// So many are taken at once where they can't be taken as one.
const BATCH: usize = 64;

/// Once so many bytes were taken, no more are: the channel may let go what was taken, and then the subscription alone holds it.
const BATCH_BYTES: usize = 32 * 1024;

impl<L> State<L> {
    /// Whether something waits.
    pub(super) fn is_behind(&self, cursors: &[Cursor], lag: Lag) -> bool {
        cursors.iter().any(|cursor| self.next(cursor, lag).is_some())
    }

    /// The number of a cursor's next event.
    pub(super) fn next(&self, cursor: &Cursor, lag: Lag) -> Option<u64> {
        self.topics.get(cursor.topic)?.next(cursor.position, lag)
    }

    /// What's next of several cursors. Those that lag are dealt with first.
    pub(super) fn take(
        &mut self,
        slot: usize,
        cursors: &mut [Cursor],
        lag: Lag,
        until: u64,
        filtered: bool,
    ) -> Batch<L> {
        let is_closing = until < u64::MAX;
        let mut dropped = 0_u64;
        for cursor in &mut *cursors {
            let Some(topic) = self.topics.get(cursor.topic) else {
                debug_assert!(false, "a topic stays while it has subscribers");
                continue;
            };
            let Ok(lost) = topic.check(cursor, lag, is_closing) else {
                self.counters.lagged = self.counters.lagged.saturating_add(1);
                return Batch::End(EndReason::Lagged);
            };
            dropped = dropped.saturating_add(lost);
        }
        if dropped > 0 {
            self.counters.lagged = self.counters.lagged.saturating_add(1);
            self.counters.dropped = self.counters.dropped.saturating_add(dropped);
            return Batch::Dropped(dropped);
        }
        match cursors {
            [cursor] if lag != Lag::Conflate && !filtered => self.take_run(slot, cursor, until),
            _ => self.take_batch(slot, cursors, lag, until, filtered),
        }
    }

    /// All that belongs together.
    fn take_run(&mut self, slot: usize, cursor: &mut Cursor, until: u64) -> Batch<L> {
        let Some(topic) = self.topics.get_mut(cursor.topic) else {
            debug_assert!(false, "a topic stays while it has subscribers");
            return Batch::Empty;
        };
        let Read::Events { frames, to, sequence } = topic.log.read(cursor.position, until.saturating_add(1))
        else {
            return Batch::Empty;
        };
        let count = to.saturating_sub(cursor.position);
        cursor.position = to;
        self.delivered(slot, sequence, count);
        Batch::Frame(Frame::from_joined(frames))
    }

    /// In the order of their numbers, whatever the cursor.
    fn take_batch(
        &mut self,
        slot: usize,
        cursors: &mut [Cursor],
        lag: Lag,
        until: u64,
        filtered: bool,
    ) -> Batch<L> {
        let mut heads: BinaryHeap<_> = (0_usize..)
            .zip(&*cursors)
            .filter_map(|(index, cursor)| Some(Reverse((self.next(cursor, lag)?, index))))
            .collect();
        let is_closing = until < u64::MAX;
        let mut frames = Vec::new();
        // While the newest alone of each key is to wait, nothing is taken in advance.
        let most = if lag == Lag::Conflate { 1 } else { BATCH };
        let mut bytes = 0_usize;
        while frames.len() < most {
            let Some(Reverse((_, index))) = heads.pop().filter(|Reverse((next, _))| *next <= until) else {
                break;
            };
            let Some(cursor) = cursors.get_mut(index) else { break };
            let Some(topic) = self.topics.get_mut(cursor.topic) else { break };
            let (frame, label, sequence, count) = if lag == Lag::Conflate {
                let Some((sequence, value)) =
                    topic.latest.as_ref().and_then(|latest| latest.after(cursor.position))
                else {
                    break;
                };
                cursor.position = sequence;
                (value.frame.clone(), Some(Arc::clone(&value.label)), sequence, 1)
            } else if filtered {
                let Some(entry) = topic.log.entry(cursor.position) else { break };
                cursor.position = cursor.position.saturating_add(1);
                (entry.frame.clone(), Some(Arc::clone(&entry.label)), entry.sequence, 1)
            } else {
                // Up to where another cursor comes in.
                let before =
                    heads.peek().map_or(u64::MAX, |Reverse((next, _))| *next).min(until.saturating_add(1));
                let Read::Events { frames, to, sequence } = topic.log.read(cursor.position, before) else {
                    break;
                };
                let count = to.saturating_sub(cursor.position);
                cursor.position = to;
                (frames, None, sequence, count)
            };
            let loses = topic.loses(cursor, lag, is_closing) > 0;
            heads.extend(topic.next(cursor.position, lag).map(|next| Reverse((next, index))));
            // Those that pass the filter are counted later.
            self.delivered(slot, sequence, if filtered { 0 } else { count });
            bytes = bytes.saturating_add(frame.len());
            frames.push((Frame::from_joined(frame), label.filter(|_| filtered)));
            if loses || bytes >= BATCH_BYTES {
                break;
            }
        }
        if frames.is_empty() { Batch::Empty } else { Batch::Frames(frames) }
    }
}

/// A subscription is to end.
struct Lagged;

impl<L> Topic<L> {
    /// The number of the event at a cursor.
    fn next(&self, position: u64, lag: Lag) -> Option<u64> {
        match &self.latest {
            Some(latest) if lag == Lag::Conflate => latest.after(position).map(|(sequence, _)| sequence),
            _ if position >= self.log.end() => None,
            // Gone, which is for another to say; it's more than nothing.
            _ => Some(self.log.entry(position).map_or(0, |entry| entry.sequence)),
        }
    }

    /// Whether a cursor lags, and how many events it loses by that.
    fn check(&self, cursor: &mut Cursor, lag: Lag, is_closing: bool) -> Result<u64, Lagged> {
        if let (Lag::Conflate, Some(latest)) = (lag, &self.latest) {
            let lost = latest.evicted().saturating_sub(cursor.evicted);
            cursor.evicted = latest.evicted();
            return Ok(lost.min(latest.evicted_after(cursor.position)));
        }
        let lost = self.loses(cursor, lag, is_closing);
        if lost > 0 && !matches!(lag, Lag::DropOldest { .. }) {
            return Err(Lagged);
        }
        cursor.position = cursor.position.saturating_add(lost);
        Ok(lost)
    }

    /// How many of the events at its cursor a cursor loses: those that are gone, and those that its policy lets go.
    fn loses(&self, cursor: &Cursor, lag: Lag, is_closing: bool) -> u64 {
        let log: &Log<L> = &self.log;
        let from = cursor.position.max(log.end().saturating_sub(log.len()));
        let limit = match lag {
            Lag::Conflate => return 0,
            // It's no matter of keeping up any more: what's still there goes out.
            _ if is_closing => None,
            // What's replayed is no lag.
            Lag::DropOldest { .. } if from < cursor.replay_to => None,
            Lag::Disconnect { limit: None } => None,
            Lag::Disconnect { limit: Some(limit) } | Lag::DropOldest { limit } => Some(limit.max(1) as u64),
        };
        let waiting = log.batch_start().saturating_sub(from.max(cursor.replay_to));
        let limit = limit.filter(|&limit| waiting > limit);
        let keep_from = limit.map_or(from, |limit| log.batch_start().saturating_sub(limit));
        keep_from.saturating_sub(cursor.position)
    }
}
