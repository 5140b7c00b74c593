//! The newest event of each key.

use super::policy::Bounds;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use std::collections::HashMap;

/// A bounded table of the newest event per key, in the order of their sequence numbers. An event without a key is one of its
/// own. The newest event of all is always there.
#[derive(Clone, Debug)]
pub(crate) struct Latest<L> {
    bounds: Bounds,
    by_key: HashMap<Arc<str>, u64>,
    by_sequence: BTreeMap<u64, Value<L>>,
    bytes: usize,
    /// How many were let go for want of room, and the sequence number of the last of them.
    evicted: u64,
    evicted_to: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Value<L> {
    pub(crate) sequence: u64,
    key: Option<Arc<str>>,
    /// The caller's own id, where those are indexed.
    pub(crate) id: Option<Arc<str>>,
    pub(crate) frame: Bytes,
    pub(crate) label: Arc<L>,
}

impl<L> Latest<L> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            by_key: HashMap::new(),
            by_sequence: BTreeMap::new(),
            bytes: 0,
            evicted: 0,
            evicted_to: 0,
        }
    }

    /// Puts an event in; what it takes the place of goes to `garbage`.
    pub(crate) fn put(
        &mut self,
        sequence: u64,
        key: Option<Arc<str>>,
        id: Option<Arc<str>>,
        frame: Bytes,
        label: Arc<L>,
        garbage: &mut Vec<Value<L>>,
    ) {
        if let Some(key) = &key {
            if let Some(older) = self.by_key.insert(Arc::clone(key), sequence) {
                garbage.extend(self.remove(older));
            }
        }
        let value = Value { sequence, key, id, frame, label };
        self.bytes = self.bytes.saturating_add(value.len());
        self.by_sequence.insert(sequence, value);
        while self.by_sequence.len() > 1
            && (self.by_sequence.len() > self.bounds.events || self.bytes > self.bounds.bytes)
        {
            let Some((&oldest, _)) = self.by_sequence.first_key_value() else {
                debug_assert!(false, "there's more than one");
                return;
            };
            let value = self.remove(oldest);
            if let Some(key) = value.as_ref().and_then(|value| value.key.as_ref()) {
                self.by_key.remove(key);
            }
            garbage.extend(value);
            self.evicted = self.evicted.saturating_add(1);
            self.evicted_to = oldest;
        }
    }

    fn remove(&mut self, sequence: u64) -> Option<Value<L>> {
        let value = self.by_sequence.remove(&sequence)?;
        self.bytes = self.bytes.saturating_sub(value.len());
        Some(value)
    }

    /// Whether the event with a sequence number is there.
    pub(crate) fn holds(&self, sequence: u64) -> bool {
        self.by_sequence.contains_key(&sequence)
    }

    /// The first that's newer than a sequence number.
    pub(crate) fn after(&self, sequence: u64) -> Option<(u64, &Value<L>)> {
        let (&at, value) = self.by_sequence.range(sequence.saturating_add(1)..).next()?;
        Some((at, value))
    }

    /// The numbers of the newest.
    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = u64> {
        self.by_sequence.keys().rev().take(count).copied()
    }

    /// The most that can have been let go of what's newer than a sequence number.
    pub(crate) fn evicted_after(&self, sequence: u64) -> u64 {
        self.evicted_to.saturating_sub(sequence).min(self.evicted)
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
    /// In bytes, with its key.
    fn len(&self) -> usize {
        self.frame.len().saturating_add(self.key.as_ref().map_or(0, |key| key.len()))
    }
}
