//! The newest event of each key.

use super::policy::Bounds;
use super::stats::Stats;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// A bounded table of the newest event per key, in the order of their sequence numbers. An event without a key is one of its
/// own. The newest event of all is always there.
pub(crate) struct Latest<L> {
    by_key: BTreeMap<Arc<str>, u64>,
    by_sequence: BTreeMap<u64, Value<L>>,
    bytes: usize,
    /// How many were let go for want of room, and the sequence number of the last of them.
    evicted: u64,
    evicted_to: u64,
}

pub(crate) struct Value<L> {
    pub(crate) sequence: u64,
    pub(crate) key: Option<Arc<str>>,
    /// The caller's own id, where those are indexed.
    pub(crate) id: Option<Arc<str>>,
    pub(crate) frame: Bytes,
    pub(crate) label: Arc<L>,
}

impl<L> Latest<L> {
    /// Creates an empty table. Events up to the sequence number `lost_to` may have been there before, and are lost.
    pub(crate) fn new(lost_to: u64) -> Self {
        Self {
            by_key: BTreeMap::new(),
            by_sequence: BTreeMap::new(),
            bytes: 0,
            evicted: lost_to,
            evicted_to: lost_to,
        }
    }

    /// Puts an event in; what it takes the place of goes to `garbage`.
    pub(crate) fn put(
        &mut self,
        bounds: &Bounds,
        value: Value<L>,
        garbage: &mut Vec<Value<L>>,
        stats: &mut Stats,
    ) {
        let sequence = value.sequence;
        if let Some(key) = &value.key {
            if let Some(older) = self.by_key.insert(Arc::clone(key), sequence) {
                garbage.extend(self.remove(older, stats));
            }
        }
        self.bytes = self.bytes.saturating_add(value.len());
        stats.bytes = stats.bytes.saturating_add(value.len());
        self.by_sequence.insert(sequence, value);
        while self.by_sequence.len() > 1
            && (self.by_sequence.len() > bounds.events || self.bytes > bounds.bytes)
        {
            self.evict(garbage, stats);
        }
    }

    fn evict(&mut self, garbage: &mut Vec<Value<L>>, stats: &mut Stats) {
        let Some((&oldest, _)) = self.by_sequence.first_key_value() else { return };
        let value = self.remove(oldest, stats);
        if let Some(key) = value.as_ref().and_then(|value| value.key.as_ref()) {
            self.by_key.remove(key);
        }
        garbage.extend(value);
        self.evicted = self.evicted.saturating_add(1);
        self.evicted_to = oldest;
    }

    /// Lets go everything up to a sequence number.
    pub(crate) fn evict_to(&mut self, sequence: u64, garbage: &mut Vec<Value<L>>, stats: &mut Stats) {
        while self.by_sequence.first_key_value().is_some_and(|(&oldest, _)| oldest <= sequence) {
            self.evict(garbage, stats);
        }
    }

    /// Lets everything go. Returns it.
    pub(crate) fn clear(&mut self, stats: &mut Stats) -> Self {
        let (mut empty, mut evicted_to) = (Self::new(0), self.evicted_to);
        if let Some((&newest, _)) = self.by_sequence.last_key_value() {
            evicted_to = newest;
        }
        empty.evicted = self.evicted.saturating_add(self.by_sequence.len() as u64);
        empty.evicted_to = evicted_to;
        stats.bytes = stats.bytes.saturating_sub(self.bytes);
        core::mem::replace(self, empty)
    }

    /// Returns the events in the table.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value<L>> {
        self.by_sequence.values()
    }

    fn remove(&mut self, sequence: u64, stats: &mut Stats) -> Option<Value<L>> {
        let value = self.by_sequence.remove(&sequence)?;
        self.bytes = self.bytes.saturating_sub(value.len());
        stats.bytes = stats.bytes.saturating_sub(value.len());
        Some(value)
    }

    /// Returns whether the event with a sequence number is there.
    pub(crate) fn holds(&self, sequence: u64) -> bool {
        self.by_sequence.contains_key(&sequence)
    }

    /// Returns the first that's newer than a sequence number.
    pub(crate) fn after(&self, sequence: u64) -> Option<&Value<L>> {
        self.by_sequence.range(sequence.saturating_add(1)..).next().map(|(_, value)| value)
    }

    /// Returns the number that a client should have been told of by now, so that it can be resumed for a while yet: that of the oldest
    /// event, once others may be let go.
    pub(crate) fn due(&self, bounds: &Bounds) -> u64 {
        let may_evict = self.evicted_to > 0 || self.by_sequence.len() >= bounds.events;
        self.by_sequence.first_key_value().filter(|_| may_evict).map_or(0, |(&oldest, _)| oldest)
    }

    /// Returns the numbers of the newest.
    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = u64> {
        self.by_sequence.keys().rev().take(count).copied()
    }

    /// Returns the most that can have been let go of what's newer than a sequence number.
    pub(crate) fn evicted_after(&self, sequence: u64) -> u64 {
        self.evicted_to.saturating_sub(sequence).min(self.evicted)
    }

    /// Returns the sequence number of the last one let go.
    pub(crate) fn evicted_to(&self) -> u64 {
        self.evicted_to
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_sequence.is_empty()
    }
}

impl<L> Value<L> {
    /// Returns how many bytes it has, with its key.
    fn len(&self) -> usize {
        self.frame.len().saturating_add(self.key.as_ref().map_or(0, |key| key.len()))
    }
}
