//! What a channel's lock guards: the topics, and who's to be woken.

use super::forgotten::Forgotten;
use super::latest::Value;
use super::log::{Kept, Released};
use super::stats::Stats;
use super::topic::{Several, Slot, Topic};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;
use slab::Slab;

/// # Cost
/// Under the lock there's nothing that takes longer the more topics there are, but for a search; nor the more events are let go:
/// they're given back in portions, with the lock let go in between. The maps are trees, since a hash table stands still while it
/// grows.
pub(super) struct State<L> {
    pub(super) kept: Kept,
    /// The number of the last event.
    pub(super) sequence: u64,
    /// The latest time that the channel was told.
    pub(super) now: Duration,
    pub(super) closed: bool,
    pub(super) topics: Slab<Box<Topic<L>>>,
    pub(super) names: BTreeMap<Arc<str>, usize>,
    /// The callers' ids of what's held.
    pub(super) ids: BTreeMap<Arc<str>, Known>,
    pub(super) forgotten: Forgotten,
    pub(super) slots: Slab<Slot>,
    /// How many topics count.
    pub(super) counted: usize,
    pub(super) counters: Stats,
    /// The topics whose events have an age, by the time of their oldest one, or of an older one.
    expiring: BTreeSet<(Duration, usize)>,
    /// Topics that hold memory of what was let go.
    unreleased: Vec<usize>,
    /// What was let go since the lock was taken.
    pub(super) garbage: Garbage<L>,
}

/// The event of a caller's id.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) topic: usize,
    pub(super) sequence: u64,
}

/// What was let go, to be dropped once nothing is locked.
pub(super) struct Garbage<L> {
    pub(super) released: Released<L>,
    pub(super) values: Vec<Value<L>>,
    #[expect(clippy::vec_box, reason = "under the lock, each is moved as it is")]
    topics: Vec<Box<Topic<L>>>,
}

impl<L> Default for Garbage<L> {
    fn default() -> Self {
        Self { released: Released::default(), values: Vec::new(), topics: Vec::new() }
    }
}

/// So many topics are looked at for their age at once, and so many values let go.
const PORTION: usize = 32;

impl<L> State<L> {
    pub(super) fn new(kept: Kept) -> Self {
        Self {
            kept,
            sequence: 0,
            now: Duration::ZERO,
            closed: false,
            topics: Slab::new(),
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            forgotten: Forgotten::new(),
            slots: Slab::new(),
            counted: 0,
            counters: Stats::default(),
            expiring: BTreeSet::new(),
            unreleased: Vec::new(),
            garbage: Garbage::default(),
        }
    }

    /// Adds a topic. Returns its index.
    pub(super) fn insert(&mut self, topic: Topic<L>) -> usize {
        let name = Arc::clone(&topic.name);
        let index = self.topics.insert(Box::new(topic));
        self.names.insert(name, index);
        index
    }

    /// Lets go of what isn't kept any more in a topic, whose readers need nothing from before the position `needed_from`.
    pub(super) fn trim(&mut self, index: usize, needed_from: u64) {
        let Some(topic) = self.topics.get_mut(index) else {
            debug_assert!(false, "a topic that is trimmed is there");
            return;
        };
        topic.log.trim(&self.kept, self.now, needed_from);
        self.watch_age(index);
        self.release(index);
    }

    /// Sees to it that a topic's oldest event is let go when it's too old.
    fn watch_age(&mut self, index: usize) {
        let Some(topic) = self.topics.get_mut(index) else { return };
        if topic.expires.is_none() && self.kept.retention.age.is_some() {
            topic.expires = topic.log.oldest_at();
            self.expiring.extend(topic.expires.map(|at| (at, index)));
        }
    }

    /// Gives back some memory of what a topic has let go.
    fn release(&mut self, index: usize) {
        let Some(topic) = self.topics.get_mut(index) else { return };
        let latest = &topic.latest;
        let has_more = topic.log.release(&mut self.garbage.released, &mut self.counters, |entry| {
            // The table of the newest per key may still have it.
            let is_latest = || latest.as_ref().is_some_and(|latest| latest.holds(entry.sequence));
            if let Some(id) = entry.id.as_ref().filter(|_| !is_latest()) {
                forget_id(&mut self.ids, id, entry.sequence);
            }
        });
        if has_more {
            self.unreleased.push(index);
        }
    }

    /// Lets go some of what has become too old, and gives back some memory.
    pub(super) fn clear(&mut self, permanent: bool) {
        for _ in 0..PORTION {
            let Some((at, index)) = self.first_expired() else { break };
            self.expiring.remove(&(at, index));
            let Some(topic) = self.topics.get_mut(index) else {
                debug_assert!(false, "a topic is there as long as it's watched");
                continue;
            };
            topic.expires = None;
            let (oldest, needed_from) = (topic.log.oldest_at(), topic.needed_from());
            if oldest.is_some_and(|at| self.is_too_old(at)) {
                self.trim(index, needed_from);
                self.forget_unused(index, permanent);
            } else {
                // The one that was watched has gone before.
                self.watch_age(index);
            }
        }
        if let Some(index) = self.unreleased.pop() {
            self.release(index);
            self.forget_unused(index, permanent);
        }
    }

    /// Returns whether there's more to let go or give back.
    pub(super) fn has_more(&self) -> bool {
        !self.unreleased.is_empty() || self.first_expired().is_some()
    }

    pub(super) fn topic(&self, name: &str) -> Option<&Topic<L>> {
        self.topics.get(*self.names.get(name)?).map(|topic| &**topic)
    }

    fn first_expired(&self) -> Option<(Duration, usize)> {
        self.expiring.first().copied().filter(|&(at, _)| self.is_too_old(at))
    }

    fn is_too_old(&self, at: Duration) -> bool {
        self.kept.retention.age.is_some_and(|age| self.now.saturating_sub(at) > age)
    }

    /// Lets go of everything that a topic keeps for replay, and some of what it keeps of the newest per key. Returns whether there's
    /// more of that.
    pub(super) fn empty(&mut self, index: usize) -> bool {
        let Some(topic) = self.topics.get_mut(index) else { return false };
        topic.log.forget_retained();
        let has_more = topic.latest.as_mut().is_some_and(|latest| {
            let garbage = &mut self.garbage.values;
            (0..PORTION).all(|_| latest.evict(garbage, &mut self.counters))
        });
        self.forget_values(index);
        has_more
    }

    /// Forgets the ids of values that were just let go in a topic.
    pub(super) fn forget_values(&mut self, index: usize) {
        let Some(topic) = self.topics.get(index) else { return };
        for value in &self.garbage.values {
            if let Some(id) = value.id.as_ref().filter(|_| !topic.log.holds(value.sequence)) {
                forget_id(&mut self.ids, id, value.sequence);
            }
        }
    }

    /// Returns whether an id is that of an event that's kept.
    pub(super) fn is_kept(&self, id: &str) -> bool {
        let Some(&Known { topic, sequence }) = self.ids.get(id) else { return false };
        self.topics.get(topic).is_some_and(|topic| {
            topic.log.holds(sequence) || topic.latest.as_ref().is_some_and(|latest| latest.holds(sequence))
        })
    }

    /// Lets a topic go that has neither events nor subscriptions, unless topics are `permanent`. One without events no longer counts.
    pub(super) fn forget_unused(&mut self, index: usize, permanent: bool) {
        let Some(topic) = self.topics.get_mut(index).filter(|topic| !permanent && topic.is_empty()) else {
            return;
        };
        if core::mem::take(&mut topic.counts) {
            self.counted = self.counted.saturating_sub(1);
        }
        if topic.has_subscribers() {
            return;
        }
        if let Some(at) = topic.expires {
            self.expiring.remove(&(at, index));
        }
        if let Some(topic) = self.topics.try_remove(index) {
            self.names.remove(&topic.name);
            self.forgotten.forget(&topic.name, topic.log.gone_to());
            self.garbage.topics.push(topic);
        }
        if self.topics.len() < self.topics.capacity() / 8 {
            self.topics.shrink_to_fit();
        }
    }

    /// Takes the wakers of all subscriptions.
    pub(super) fn take_all_wakers(&mut self) -> Vec<Waker> {
        self.slots.iter_mut().filter_map(|(_, slot)| slot.waker.take()).collect()
    }

    /// Adds a subscription; `several` where it has other than one topic. Returns its slot.
    pub(super) fn add(&mut self, several: Option<Several>) -> usize {
        self.counters.subscribed = self.counters.subscribed.saturating_add(1);
        self.slots.insert(Slot { waker: None, reached: 0, several: several.map(Box::new) })
    }

    /// Removes a subscription.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Slot> {
        let removed = self.slots.try_remove(slot);
        if self.slots.len() < self.slots.capacity() / 8 {
            self.slots.shrink_to_fit();
        }
        removed
    }

    /// Leaves a subscription's waker to be called at the next change of one of its topics. Returns an older one.
    pub(super) fn wait(&mut self, slot: usize, waker: Waker) -> Option<Waker> {
        self.slots.get_mut(slot)?.waker.replace(waker)
    }

    /// Notes that a subscription has got so far, by `events` more.
    pub(super) fn delivered(&mut self, slot: usize, sequence: u64, events: u64) {
        self.counters.delivered = self.counters.delivered.saturating_add(events);
        self.reached(slot, sequence);
    }

    /// Notes that a subscription has everything up to a number.
    pub(super) fn reached(&mut self, slot: usize, sequence: u64) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.reached = slot.reached.max(sequence);
        }
    }
}

/// Forgets an id, unless it's meanwhile that of another event.
fn forget_id(ids: &mut BTreeMap<Arc<str>, Known>, id: &Arc<str>, sequence: u64) {
    if ids.get(id).is_some_and(|known| known.sequence == sequence) {
        ids.remove(id);
    }
}
