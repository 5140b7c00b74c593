//! What a channel's lock guards: the topics, and who's to be woken.

use super::forgotten::Forgotten;
use super::index::Index;
use super::latest::{Latest, Value};
use super::log::{Kept, Log};
use super::losses::Losses;
use super::segment::{Entry, Segment};
use super::stats::Stats;
use super::topic::{Several, Slot, Topic};
use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;
use slab::Slab;

/// # Cost
/// Under the lock there's nothing that takes longer the more topics there are, but for a search; nor the more events are let go:
/// their memory is given back outside of it.
#[expect(clippy::struct_excessive_bools, reason = "each says something that the others don't")]
pub(super) struct State<L> {
    pub(super) kept: Kept,
    /// Events have ids of the caller's.
    has_ids: bool,
    /// A channel's only topic stays; others go when nobody needs them.
    pub(super) permanent: bool,
    /// That of the ids that are assigned.
    pub(super) epoch: u64,
    /// The number of the last event.
    pub(super) sequence: u64,
    /// Moves on where the log that the topics follow becomes another, or has lost events.
    pub(super) turn: u64,
    /// The turn with which this log has begun.
    begun: u64,
    /// Another node may have come further.
    pub(super) may_be_behind: bool,
    pub(super) losses: Losses,
    /// The latest time that the channel was told.
    pub(super) now: Duration,
    pub(super) closed: bool,
    pub(super) topics: Slab<Box<Topic<L>>>,
    pub(super) names: Index<usize>,
    /// The callers' ids of what's held.
    pub(super) ids: Index<Known>,
    pub(super) forgotten: Forgotten,
    pub(super) slots: Slab<Slot>,
    /// How many topics count.
    pub(super) counted: usize,
    pub(super) counters: Stats,
    /// The topics whose events have an age, by the time of their oldest one, or of an older one.
    expiring: BTreeSet<(Duration, usize)>,
    /// Segments that were let go in a topic, whose ids may still be known.
    let_go: VecDeque<(usize, VecDeque<Box<Segment<L>>>)>,
    /// How many of them came since some were freed.
    newly_let_go: usize,
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
    #[expect(clippy::vec_box, reason = "under the lock, each is moved as it is")]
    segments: Vec<Box<Segment<L>>>,
    /// Mostly there's one, which needs no memory of its own.
    entry: Option<Entry<L>>,
    entries: Vec<Entry<L>>,
    pub(super) values: Vec<Value<L>>,
    tables: Vec<Latest<L>>,
    logs: Vec<Log<L>>,
    let_go: VecDeque<(usize, VecDeque<Box<Segment<L>>>)>,
    #[expect(clippy::vec_box, reason = "under the lock, each is moved as it is")]
    topics: Vec<Box<Topic<L>>>,
}

impl<L> Default for Garbage<L> {
    fn default() -> Self {
        Self {
            segments: Vec::new(),
            entry: None,
            entries: Vec::new(),
            values: Vec::new(),
            tables: Vec::new(),
            logs: Vec::new(),
            let_go: VecDeque::new(),
            topics: Vec::new(),
        }
    }
}

/// How many topics each operation looks at for their age.
const TOPICS_AT_ONCE: usize = 64;

/// How many segments each operation frees, besides as many as it has let go itself. The rest waits for the next operation: nobody
/// can read it any more, but it still holds memory.
const SEGMENTS_AT_ONCE: usize = 32;

/// How many it frees where each event has a caller's id, which has to be forgotten under the lock.
const SEGMENTS_OF_IDS_AT_ONCE: usize = 4;

impl<L> State<L> {
    pub(super) fn new(kept: Kept, has_ids: bool, permanent: bool, epoch: u64) -> Self {
        Self {
            kept,
            has_ids,
            permanent,
            epoch,
            sequence: 0,
            turn: 0,
            begun: 0,
            may_be_behind: false,
            losses: Losses::new(),
            now: Duration::ZERO,
            closed: false,
            topics: Slab::new(),
            names: Index::new(),
            ids: Index::new(),
            forgotten: Forgotten::new(),
            slots: Slab::new(),
            counted: 0,
            counters: Stats::default(),
            expiring: BTreeSet::new(),
            let_go: VecDeque::new(),
            newly_let_go: 0,
            garbage: Garbage::default(),
        }
    }

    /// Adds a topic. Returns its index.
    pub(super) fn insert(&mut self, topic: Topic<L>) -> usize {
        let name = Arc::clone(&topic.name);
        let index = self.topics.insert(Box::new(topic));
        self.names.set(name, index);
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

    /// Takes out what a topic has let go.
    fn release(&mut self, index: usize) {
        let Some(topic) = self.topics.get_mut(index) else { return };
        let Garbage { entry: one, entries, .. } = &mut self.garbage;
        let segments = topic.log.release(&mut self.counters, |entry| {
            forget_id(&mut self.ids, topic.latest.as_deref(), &entry);
            entries.extend(one.replace(entry));
        });
        if !segments.is_empty() {
            self.newly_let_go = self.newly_let_go.saturating_add(segments.len());
            self.let_go.push_back((index, segments));
        }
    }

    /// Lets go some of what has become too old, and forgets some ids of what was let go.
    pub(super) fn clear(&mut self) {
        for _ in 0..TOPICS_AT_ONCE {
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
                self.forget_unused(index);
            } else {
                // The one that was watched has gone before.
                self.watch_age(index);
            }
        }
        // Whoever lets go so much with each operation frees as much, too.
        let portion = if self.has_ids { SEGMENTS_OF_IDS_AT_ONCE } else { SEGMENTS_AT_ONCE };
        let most = core::mem::take(&mut self.newly_let_go).saturating_add(portion);
        while let Some((index, segments)) = self.let_go.front_mut() {
            if self.garbage.segments.len() >= most {
                break;
            }
            let Some(segment) = segments.pop_front() else {
                self.let_go.pop_front();
                continue;
            };
            if self.has_ids {
                let latest = self.topics.get(*index).and_then(|topic| topic.latest.as_deref());
                segment.entries().for_each(|entry| forget_id(&mut self.ids, latest, entry));
            }
            self.garbage.segments.push(segment);
        }
    }

    /// Returns whether something is too old that's still kept.
    pub(super) fn has_expired(&self) -> bool {
        self.first_expired().is_some()
    }

    /// Returns whether something was let go that isn't freed.
    pub(super) fn has_let_go(&self) -> bool {
        !self.let_go.is_empty()
    }

    pub(super) fn topic(&self, name: &str) -> Option<&Topic<L>> {
        self.topics.get(self.names.get(name)?).map(|topic| &**topic)
    }

    fn first_expired(&self) -> Option<(Duration, usize)> {
        self.expiring.first().copied().filter(|&(at, _)| self.is_too_old(at))
    }

    fn is_too_old(&self, at: Duration) -> bool {
        self.kept.retention.age.is_some_and(|age| self.now.saturating_sub(at) > age)
    }

    /// Lets go of everything that a topic keeps for replay and per key.
    pub(super) fn empty(&mut self, index: usize) {
        let Some(topic) = self.topics.get_mut(index) else { return };
        topic.log.forget_retained();
        let table = topic.latest.as_mut().map(|latest| latest.clear(&mut self.counters));
        if self.has_ids {
            for value in table.iter().flat_map(Latest::values) {
                forget_value(&mut self.ids, &topic.log, value);
            }
        }
        self.garbage.tables.extend(table);
    }

    /// Lets go of what a topic keeps up to a sequence number.
    pub(super) fn trim_to(&mut self, index: usize, to: u64) {
        let Some(topic) = self.topics.get_mut(index) else { return };
        topic.log.forget_to(to);
        if let Some(latest) = &mut topic.latest {
            latest.evict_to(to, &mut self.garbage.values, &mut self.counters);
        }
        let needed_from = topic.needed_from();
        self.trim(index, needed_from);
        self.forget_unused(index);
    }

    /// Forgets the ids of values that were just let go in a topic.
    pub(super) fn forget_values(&mut self, index: usize) {
        let Some(topic) = self.topics.get(index) else { return };
        for value in &self.garbage.values {
            forget_value(&mut self.ids, &topic.log, value);
        }
    }

    /// Returns the number of the event with an id, if that's kept.
    pub(super) fn kept_with(&self, id: &str) -> Option<u64> {
        let Known { topic, sequence } = self.ids.get(id)?;
        let topic = self.topics.get(topic)?;
        let is_latest = || topic.latest.as_ref().is_some_and(|latest| latest.holds(sequence));
        (topic.log.holds(sequence) || is_latest()).then_some(sequence)
    }

    /// Lets a topic go that has neither events nor subscriptions, unless it's permanent. One without events no longer counts.
    pub(super) fn forget_unused(&mut self, index: usize) {
        let permanent = self.permanent;
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
        shrink(&mut self.topics);
    }

    /// Begins with another log, of which everything up to the number `after` can't be had. Subscriptions stay with their topics.
    pub(super) fn begin(&mut self, epoch: u64, after: u64) {
        (self.epoch, self.sequence) = (epoch, after);
        self.turn = self.turn.saturating_add(1);
        self.begun = self.turn;
        self.losses = Losses::new();
        if after > 0 {
            self.losses.lose(0, after, self.turn);
        }
        self.forgotten = Forgotten::new();
        self.expiring.clear();
        self.garbage.let_go = core::mem::take(&mut self.let_go);
        (self.counted, self.newly_let_go) = (0, 0);
        (self.counters.events, self.counters.bytes) = (0, 0);
        let mut unused = Vec::new();
        for (index, topic) in &mut self.topics {
            if !topic.has_subscribers() && !self.permanent {
                unused.push(index);
                continue;
            }
            let (log, table) = topic.begin();
            self.garbage.logs.push(log);
            self.garbage.tables.extend(table);
        }
        for index in unused {
            let topic = self.topics.remove(index);
            self.names.remove(&topic.name);
            self.garbage.topics.push(topic);
        }
        shrink(&mut self.topics);
        for (_, slot) in &mut self.slots {
            slot.reached = 0;
            if let Some(several) = &mut slot.several {
                several.changed.clear();
            }
        }
    }

    /// Returns whether the log was another one at a turn. Its epoch doesn't say so: it may have begun again with the same one.
    pub(super) fn was_another(&self, turn: u64) -> bool {
        turn < self.begun
    }

    /// Notes that the events up to a number are lost.
    pub(super) fn lose(&mut self, to: u64) {
        self.turn = self.turn.saturating_add(1);
        self.losses.lose(self.sequence, to, self.turn);
        self.sequence = to;
    }

    /// Takes the wakers of all subscriptions.
    pub(super) fn take_all_wakers(&mut self) -> Vec<Waker> {
        self.slots.iter_mut().filter_map(|(_, slot)| slot.waker.take()).collect()
    }

    /// Adds a subscription; `several` where it has other than one topic. Returns its slot.
    pub(super) fn add(&mut self, several: Option<Several>) -> usize {
        self.counters.subscribed = self.counters.subscribed.saturating_add(1);
        self.slots.insert(Slot { waker: None, reached: 0, key: 0, several: several.map(Box::new) })
    }

    /// Removes a subscription.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Slot> {
        let removed = self.slots.try_remove(slot);
        shrink(&mut self.slots);
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

/// Gives back the room that a peak took, as far as nothing lies behind it. That's tried seldom, for it looks at all the room.
fn shrink<T>(slab: &mut Slab<T>) {
    let is_time = slab.is_empty() || slab.len().is_power_of_two();
    if is_time && slab.len() < slab.capacity() / 8 {
        slab.shrink_to_fit();
    }
}

/// Forgets the id of an event that a log has let go, unless the table of the newest per key still has it.
fn forget_id<L>(ids: &mut Index<Known>, latest: Option<&Latest<L>>, entry: &Entry<L>) {
    if let Some(id) = &entry.id {
        if !latest.is_some_and(|latest| latest.holds(entry.sequence)) {
            forget(ids, id, entry.sequence);
        }
    }
}

/// Forgets the id of an event that the table of the newest per key has let go, unless the log still has it.
fn forget_value<L>(ids: &mut Index<Known>, log: &Log<L>, value: &Value<L>) {
    if let Some(id) = &value.id {
        if !log.holds(value.sequence) {
            forget(ids, id, value.sequence);
        }
    }
}

/// Forgets an id, unless it's meanwhile that of another event.
fn forget(ids: &mut Index<Known>, id: &str, sequence: u64) {
    if ids.get(id).is_some_and(|known| known.sequence == sequence) {
        ids.remove(id);
    }
}
