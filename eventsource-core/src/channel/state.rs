//! What a channel's lock guards: the logs, and who's to be woken.

use super::latest::{Latest, Value};
use super::log::Log;
use super::segment::{JoinStats, Segment};
use super::stats::{Stats, TopicStats};
use crate::sync::{AtomicU64, Ordering};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;
use slab::Slab;
use std::collections::{HashMap, HashSet};

pub(super) struct State<L> {
    /// The number of the last event.
    pub(super) sequence: u64,
    pub(super) closed: bool,
    pub(super) topics: Slab<Topic<L>>,
    pub(super) names: HashMap<Arc<str>, usize>,
    /// The callers' ids of what's held.
    pub(super) ids: HashMap<Arc<str>, u64>,
    /// Topics that are gone had events up to this number.
    pub(super) forgotten_to: u64,
    pub(super) slots: Slab<Slot>,
    /// How many slots have a waker.
    pub(super) waiting: usize,
    /// How many topics count.
    pub(super) counted: usize,
    pub(super) counters: Stats,
    /// What joining has cost in topics that are gone.
    pub(super) past_joins: JoinStats,
    /// What was let go since the lock was taken.
    pub(super) garbage: Garbage<L>,
}

/// What was let go, to be dropped once nothing is locked: it holds labels, which are a caller's.
pub(super) struct Garbage<L> {
    segments: Vec<Segment<L>>,
    pub(super) values: Vec<Value<L>>,
}

impl<L> Default for Garbage<L> {
    fn default() -> Self {
        Self { segments: Vec::new(), values: Vec::new() }
    }
}

pub(super) struct Topic<L> {
    pub(super) name: Arc<str>,
    pub(super) log: Log<L>,
    pub(super) latest: Option<Latest<L>>,
    /// Their slots. A set, so that walking it costs no more than a crowd that has gone.
    pub(super) subscribers: HashSet<usize>,
    /// The caller's id of the last event, and that one's number.
    pub(super) last_id: Option<(u64, Arc<str>)>,
    /// Moves on with each change of it.
    pub(super) version: Arc<AtomicU64>,
    pub(super) published: u64,
    /// It has, or has just had, events, and so counts.
    pub(super) counts: bool,
}

/// A subscription's.
pub(super) struct Slot {
    pub(super) waker: Option<Waker>,
    /// It has everything up to this number.
    reached: u64,
}

impl<L> State<L> {
    pub(super) fn trim(&mut self, index: usize, now: Duration) {
        let Some(topic) = self.topics.get_mut(index) else {
            debug_assert!(false, "a topic that is trimmed is there");
            return;
        };
        let live = !topic.subscribers.is_empty();
        let Topic { log, latest, .. } = topic;
        log.trim(now, live, &mut self.garbage.segments, |entry| {
            // The table of the newest per key may still have it.
            let is_latest = || latest.as_ref().is_some_and(|latest| latest.holds(entry.sequence));
            if let Some(id) = entry.id.as_ref().filter(|_| !is_latest()) {
                self.ids.remove(id);
            }
        });
    }

    /// Moves a topic's version on, and takes the wakers of its subscriptions.
    pub(super) fn take_wakers(&mut self, index: usize) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let Some(topic) = self.topics.get_mut(index) else {
            debug_assert!(false, "a topic that was published to is there");
            return wakers;
        };
        topic.version.fetch_add(1, Ordering::Release);
        if self.waiting == 0 {
            return wakers;
        }
        wakers.reserve(self.waiting.min(topic.subscribers.len()));
        for &slot in &topic.subscribers {
            wakers.extend(self.slots.get_mut(slot).and_then(|slot| slot.waker.take()));
        }
        self.waiting = self.waiting.saturating_sub(wakers.len());
        wakers
    }

    /// Moves all versions on, and takes the wakers of all subscriptions.
    pub(super) fn take_all_wakers(&mut self) -> Vec<Waker> {
        for (_, topic) in &self.topics {
            topic.version.fetch_add(1, Ordering::Release);
        }
        self.waiting = 0;
        self.slots.iter_mut().filter_map(|(_, slot)| slot.waker.take()).collect()
    }

    /// Adds a subscription. Returns its slot.
    pub(super) fn add(&mut self) -> usize {
        self.counters.subscribed = self.counters.subscribed.saturating_add(1);
        self.slots.insert(Slot { waker: None, reached: 0 })
    }

    /// Leaves a subscription's waker to be called at the next change of one of its topics. Returns an older one.
    pub(super) fn wait(&mut self, slot: usize, waker: Waker) -> Option<Waker> {
        let older = self.slots.get_mut(slot)?.waker.replace(waker);
        if older.is_none() {
            self.waiting = self.waiting.saturating_add(1);
        }
        older
    }

    /// A subscription has got so far, by `events` more.
    pub(super) fn delivered(&mut self, slot: usize, sequence: u64, events: u64) {
        self.counters.delivered = self.counters.delivered.saturating_add(events);
        self.reached(slot, sequence);
    }

    /// A subscription has everything up to a number.
    pub(super) fn reached(&mut self, slot: usize, sequence: u64) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.reached = slot.reached.max(sequence);
        }
    }
}

impl<L> Topic<L> {
    pub(super) fn subscribe(&mut self, slot: usize) {
        self.subscribers.insert(slot);
    }

    pub(super) fn unsubscribe(&mut self, slot: usize) {
        self.subscribers.remove(&slot);
        if self.subscribers.len() < self.subscribers.capacity() / 8 {
            self.subscribers.shrink_to_fit();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.log.len() == 0 && self.latest.as_ref().is_none_or(Latest::is_empty)
    }

    pub(super) fn bytes(&self) -> usize {
        self.log.bytes().saturating_add(self.latest.as_ref().map_or(0, Latest::bytes))
    }

    pub(super) fn stats(&self, slots: &Slab<Slot>) -> TopicStats {
        let reached = self.subscribers.iter().filter_map(|&slot| slots.get(slot)).map(|slot| slot.reached);
        let waiting = reached.map(|reached| self.log.end().saturating_sub(self.log.position_after(reached)));
        let (mut behind, mut lag) = (0_usize, 0);
        for waiting in waiting.filter(|&waiting| waiting > 0) {
            behind = behind.saturating_add(1);
            lag = waiting.max(lag);
        }
        TopicStats {
            name: String::from(&*self.name),
            published: self.published,
            events: self.log.len(),
            bytes: self.bytes(),
            subscribers: self.subscribers.len(),
            behind,
            lag,
        }
    }
}
