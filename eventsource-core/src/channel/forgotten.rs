//! Topics that are gone.

use alloc::collections::BTreeMap;
use core::hash::BuildHasher;
use std::hash::RandomState;

/// Remembers up to which number topics had events that are gone: for each of the last few thousand such topics by itself, and of the others
/// the greatest number of all.
pub(crate) struct Forgotten {
    hasher: RandomState,
    /// By the hashes of their names.
    lost_to: BTreeMap<u64, u64>,
    hashes: BTreeMap<u64, u64>,
    others_lost_to: u64,
}

const TOPICS: usize = 4096;

impl Forgotten {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            lost_to: BTreeMap::new(),
            hashes: BTreeMap::new(),
            others_lost_to: 0,
        }
    }

    /// Notes that a topic is gone, which had events up to a number.
    pub(crate) fn forget(&mut self, name: &str, lost_to: u64) {
        let hash = self.hasher.hash_one(name);
        if lost_to <= self.lost_to.get(&hash).copied().unwrap_or(self.others_lost_to) {
            return;
        }
        if let Some(before) = self.lost_to.insert(hash, lost_to) {
            self.hashes.remove(&before);
        }
        self.hashes.insert(lost_to, hash);
        if self.hashes.len() > TOPICS {
            if let Some((oldest, hash)) = self.hashes.pop_first() {
                self.lost_to.remove(&hash);
                self.others_lost_to = oldest;
            }
        }
    }

    /// Returns up to which number a topic may have had events before.
    pub(crate) fn lost_to(&self, name: &str) -> u64 {
        self.lost_to.get(&self.hasher.hash_one(name)).copied().unwrap_or(self.others_lost_to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_last_few_thousand_are_known_by_themselves() {
        let mut forgotten = Forgotten::new();
        assert_eq!(forgotten.lost_to("0"), 0);
        for n in 0..10_000_u64 {
            forgotten.forget(&n.to_string(), n + 1);
        }
        assert_eq!(forgotten.lost_to("9999"), 10_000);
        assert_eq!(forgotten.lost_to("9000"), 9001);
        // Of older ones, and of such as never were, no less is said than they had.
        let others = 10_000 - TOPICS as u64;
        assert_eq!((forgotten.lost_to("0"), forgotten.lost_to("never")), (others, others));
        forgotten.forget("9000", 20_000);
        assert_eq!(forgotten.lost_to("9000"), 20_000);
        assert_eq!((forgotten.lost_to.len(), forgotten.hashes.len()), (TOPICS, TOPICS));
    }
}
