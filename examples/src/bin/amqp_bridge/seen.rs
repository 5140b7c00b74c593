//! Which messages have been published.

use lapin::types::ShortString;
use std::collections::{HashSet, VecDeque};

/// The newest so many ids.
#[derive(Debug)]
pub(crate) struct Seen {
    capacity: usize,
    ids: HashSet<ShortString>,
    order: VecDeque<ShortString>,
}

impl Seen {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, ids: HashSet::new(), order: VecDeque::new() }
    }

    pub(crate) fn contains(&self, id: &ShortString) -> bool {
        self.ids.contains(id)
    }

    /// Remembers an id, and forgets the oldest if there are too many.
    pub(crate) fn insert(&mut self, id: &ShortString) {
        if self.ids.insert(id.clone()) {
            self.order.push_back(id.clone());
        }
        if self.order.len() > self.capacity {
            self.order.pop_front().map(|oldest| self.ids.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_the_oldest() {
        let mut seen = Seen::new(2);
        let ids = ["a", "b", "c"].map(ShortString::from);
        for id in [0, 1, 2, 2] {
            seen.insert(&ids[id]);
        }
        assert_eq!(ids.each_ref().map(|id| seen.contains(id)), [false, true, true]);
        assert_eq!((seen.ids.len(), seen.order.len()), (2, 2));
    }
}
