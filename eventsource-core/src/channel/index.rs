//! Things by name.

use alloc::sync::Arc;
use core::hash::BuildHasher;
use hashbrown::HashTable;
use std::hash::RandomState;

/// A map from texts, which keeps their hashes, so that it looks at no text while it grows, and gives memory back as it shrinks.
pub(crate) struct Index<T> {
    hasher: RandomState,
    table: HashTable<Entry<T>>,
}

struct Entry<T> {
    hash: u64,
    text: Arc<str>,
    value: T,
}

impl<T: Copy> Index<T> {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), table: HashTable::new() }
    }

    pub(crate) fn get(&self, text: &str) -> Option<T> {
        let found = self.table.find(self.hasher.hash_one(text), |entry| *entry.text == *text);
        found.map(|entry| entry.value)
    }

    /// Sets what a text stands for.
    pub(crate) fn set(&mut self, text: Arc<str>, value: T) {
        let hash = self.hasher.hash_one(&*text);
        match self.table.find_mut(hash, |entry| entry.text == text) {
            Some(entry) => entry.value = value,
            None => {
                self.table.insert_unique(hash, Entry { hash, text, value }, |entry| entry.hash);
            }
        }
    }

    pub(crate) fn remove(&mut self, text: &str) {
        let hash = self.hasher.hash_one(text);
        if let Ok(found) = self.table.find_entry(hash, |entry| *entry.text == *text) {
            found.remove();
        }
        if self.table.len() < self.table.capacity() / 8 {
            self.table.shrink_to(0, |entry| entry.hash);
        }
    }
}
