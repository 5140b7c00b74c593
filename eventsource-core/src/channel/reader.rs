//! A subscription's places in the logs, and what they come to next.

use super::latest::Latest;
use super::log::{Log, Read};
use super::shared::{State, Topic};
use super::subscribe::Lag;
use crate::sync::{AtomicU64, Ordering};
use crate::{EndReason, Frame};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Its place in one topic.
#[derive(Debug)]
pub(super) struct Part {
    topic: usize,
    /// Among the topic's subscribers.
    place: usize,
    version: Arc<AtomicU64>,
    seen: u64,
    /// The position of the next event in the log; or, while conflating, the number of the last one.
    cursor: u64,
    /// What was there before it began is replay, and no lag.
    replay_to: u64,
    /// How many events of the newest per key were let go so far.
    evicted: u64,
}

impl Part {
    /// Of the subscription in `slot`, which is entered with the topic of that index.
    pub(super) fn new<L>(topic: &mut Topic<L>, index: usize, slot: usize, cursor: u64) -> Self {
        Self {
            topic: index,
            place: topic.subscribers.insert(slot),
            version: Arc::clone(&topic.version),
            seen: topic.version.load(Ordering::Acquire),
            cursor,
            replay_to: topic.log.end(),
            evicted: topic.latest.as_ref().map_or(0, Latest::evicted),
        }
    }

    /// Its topic, and where it's entered there.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.topic, self.place)
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
pub(super) enum Taken<L> {
    Frame(Frame),
    /// To be filtered.
    Events(Vec<(Frame, L)>),
    Dropped(u64),
    End(EndReason),
    Nothing,
}

/// So many events are taken at once where each is looked at.
const FILTERED_BATCH: usize = 32;

impl<L: Clone> State<L> {
    /// Whether something waits.
    pub(super) fn is_behind(&self, parts: &[Part], lag: Lag) -> bool {
        parts.iter().any(|part| {
            let topic = self.topics.get(part.topic);
            topic.is_some_and(|topic| topic.next(part.cursor, lag).is_some())
        })
    }

    /// What's next of several parts. Those that lag are dealt with first.
    pub(super) fn take(
        &mut self,
        slot: usize,
        parts: &mut [Part],
        lag: Lag,
        until: u64,
        filtered: bool,
    ) -> Taken<L> {
        let mut dropped = 0_u64;
        for part in &mut *parts {
            let Some(topic) = self.topics.get(part.topic) else { continue };
            let Ok(lost) = topic.check(part, lag) else {
                self.counters.lagged = self.counters.lagged.saturating_add(1);
                return Taken::End(EndReason::Lagged);
            };
            dropped = dropped.saturating_add(lost);
        }
        if dropped > 0 {
            self.counters.lagged = self.counters.lagged.saturating_add(1);
            self.counters.dropped = self.counters.dropped.saturating_add(dropped);
            return Taken::Dropped(dropped);
        }
        let mut events = Vec::new();
        while let Some((index, before)) = self.next(parts, lag, until) {
            let Some(part) = parts.get_mut(index) else { break };
            let Some(topic) = self.topics.get_mut(part.topic) else { break };
            if lag == Lag::Conflate {
                let Some((sequence, value)) =
                    topic.latest.as_ref().and_then(|latest| latest.after(part.cursor))
                else {
                    break;
                };
                events.push((Frame::from_joined(value.frame.clone()), value.label.clone()));
                part.cursor = sequence;
                self.delivered(slot, sequence, 1);
            } else if filtered {
                let Some(entry) = topic.log.entry(part.cursor) else { break };
                let sequence = entry.sequence;
                events.push((Frame::from_joined(entry.frame.clone()), entry.label.clone()));
                part.cursor = part.cursor.saturating_add(1);
                self.delivered(slot, sequence, 1);
            } else {
                let Read::Events { frames, to, sequence } = topic.log.read(part.cursor, before) else {
                    break;
                };
                let count = to.saturating_sub(part.cursor);
                part.cursor = to;
                self.delivered(slot, sequence, count);
                return Taken::Frame(Frame::from_joined(frames));
            }
            if !filtered {
                return events.pop().map_or(Taken::Nothing, |(frame, _)| Taken::Frame(frame));
            }
            if events.len() >= FILTERED_BATCH {
                break;
            }
        }
        if events.is_empty() { Taken::Nothing } else { Taken::Events(events) }
    }

    /// The part whose next event has the smallest number, and the number that its events must stay below.
    fn next(&self, parts: &[Part], lag: Lag, until: u64) -> Option<(usize, u64)> {
        let end = until.saturating_add(1);
        if let ([part], true) = (parts, lag != Lag::Conflate) {
            let entry = self.topics.get(part.topic)?.log.entry(part.cursor)?;
            return (entry.sequence < end).then_some((0, end));
        }
        let (mut smallest, mut second, mut found) = (end, end, None);
        for (index, part) in parts.iter().enumerate() {
            let next = self.topics.get(part.topic).and_then(|topic| topic.next(part.cursor, lag));
            let Some(sequence) = next.filter(|&sequence| sequence < end) else { continue };
            if sequence < smallest {
                (second, smallest, found) = (smallest, sequence, Some(index));
            } else {
                second = second.min(sequence);
            }
        }
        found.map(|index| (index, second))
    }
}

/// A subscription is to end.
struct Lagged;

impl<L> Topic<L> {
    /// The number of the event at a cursor.
    fn next(&self, cursor: u64, lag: Lag) -> Option<u64> {
        match &self.latest {
            Some(latest) if lag == Lag::Conflate => latest.after(cursor).map(|(sequence, _)| sequence),
            _ if cursor >= self.log.end() => None,
            // Gone, which is for another to say; it's more than nothing.
            _ => Some(self.log.entry(cursor).map_or(0, |entry| entry.sequence)),
        }
    }

    /// Whether a part lags, and how many events it loses by that.
    fn check(&self, part: &mut Part, lag: Lag) -> Result<u64, Lagged> {
        if let (Lag::Conflate, Some(latest)) = (lag, &self.latest) {
            let is_lost = latest.evicted_after(part.cursor) > 0;
            let lost = latest.evicted().saturating_sub(part.evicted);
            part.evicted = latest.evicted();
            return Ok(if is_lost { lost } else { 0 });
        }
        let limit = match lag {
            Lag::Disconnect { limit } | Lag::DropOldest { limit } => limit.get() as u64,
            Lag::Lost | Lag::Conflate => u64::MAX,
        };
        let log: &Log<L> = &self.log;
        let waiting = log.batch_start().saturating_sub(part.cursor.max(part.replay_to));
        let keep_from = if waiting > limit { log.batch_start().saturating_sub(limit) } else { part.cursor };
        let keep_from = keep_from.max(log.end().saturating_sub(log.len()));
        let lost = keep_from.saturating_sub(part.cursor);
        if lost > 0 && !matches!(lag, Lag::DropOldest { .. }) {
            return Err(Lagged);
        }
        part.cursor = keep_from;
        Ok(lost)
    }
}
