//! Topics that are gone.

use alloc::boxed::Box;
use alloc::vec;
use core::hash::BuildHasher;
use std::hash::RandomState;

/// Remembers up to which number topics had events that are gone, in little room, however many there were: a topic may be taken to
/// have had events of another's, never fewer than its own.
pub(crate) struct Forgotten {
    hasher: RandomState,
    /// The greatest number of all the topics whose names have the same hash.
    lost_to: Box<[u64]>,
}

const BUCKETS: usize = 4096;

impl Forgotten {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), lost_to: Box::default() }
    }

    /// Notes that a topic is gone, which had events up to a number.
    pub(crate) fn forget(&mut self, name: &str, lost_to: u64) {
        if lost_to > 0 && self.lost_to.is_empty() {
            self.lost_to = vec![0; BUCKETS].into();
        }
        let bucket = self.bucket(name);
        if let Some(bucket) = self.lost_to.get_mut(bucket) {
            *bucket = lost_to.max(*bucket);
        }
    }

    /// Returns up to which number a topic may have had events before.
    pub(crate) fn lost_to(&self, name: &str) -> u64 {
        self.lost_to.get(self.bucket(name)).copied().unwrap_or_default()
    }

    fn bucket(&self, name: &str) -> usize {
        let hash = self.hasher.hash_one(name).checked_rem(BUCKETS as u64);
        hash.and_then(|hash| usize::try_from(hash).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_topic_has_lost_no_less_than_it_had_and_seldom_more() {
        let mut forgotten = Forgotten::new();
        assert_eq!(forgotten.lost_to("0"), 0);
        for n in 0..100_u64 {
            forgotten.forget(&n.to_string(), n + 1);
        }
        assert!((0..100_u64).all(|n| forgotten.lost_to(&n.to_string()) > n));
        let others = (1000..2000_u64).filter(|n| forgotten.lost_to(&n.to_string()) > 0).count();
        assert!(others < 200, "{others} of 1,000 share a bucket");
    }
}
