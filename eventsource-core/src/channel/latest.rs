//! The newest event of each key.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use bytes::Bytes;
use std::collections::HashMap;

/// A bounded table of the newest event per key, in the order of their sequence numbers. An event without a key is one of its
/// own.
#[derive(Clone, Debug)]
pub(crate) struct Latest<L> {
    capacity: usize,
    by_key: HashMap<Arc<str>, u64>,
    by_sequence: BTreeMap<u64, Value<L>>,
    bytes: usize,
    /// How many were let go for want of room, and the sequence number of the last of them.
    evicted: u64,
    evicted_to: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Value<L> {
    key: Option<Arc<str>>,
    pub(crate) frame: Bytes,
    pub(crate) label: L,
}

impl<L> Latest<L> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            by_key: HashMap::new(),
            by_sequence: BTreeMap::new(),
            bytes: 0,
            evicted: 0,
            evicted_to: 0,
        }
    }

    pub(crate) fn put(&mut self, sequence: u64, key: Option<&str>, frame: Bytes, label: L) {
        let key = key.map(Arc::from);
        if let Some(key) = &key {
            if let Some(older) = self.by_key.insert(Arc::clone(key), sequence) {
                self.remove(older);
            }
        }
        self.bytes = self.bytes.saturating_add(frame.len());
        self.by_sequence.insert(sequence, Value { key, frame, label });
        while self.by_sequence.len() > self.capacity {
            let Some((&oldest, _)) = self.by_sequence.first_key_value() else { return };
            if let Some(key) = self.remove(oldest).and_then(|value| value.key) {
                self.by_key.remove(&key);
            }
            self.evicted = self.evicted.saturating_add(1);
            self.evicted_to = oldest;
        }
    }

    fn remove(&mut self, sequence: u64) -> Option<Value<L>> {
        let value = self.by_sequence.remove(&sequence)?;
        self.bytes = self.bytes.saturating_sub(value.frame.len());
        Some(value)
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

    /// How many were let go ever, if any was that's newer than a sequence number.
    pub(crate) fn evicted_after(&self, sequence: u64) -> u64 {
        if self.evicted_to > sequence { self.evicted } else { 0 }
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many are newer than a sequence number.
    pub(crate) fn waiting_after(&self, sequence: u64) -> u64 {
        self.by_sequence.range(sequence.saturating_add(1)..).count() as u64
    }
}
