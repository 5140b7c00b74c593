//! What a channel and its subscriptions share: the logs under one lock, and who's to be woken.

use super::latest::{Latest, Value};
use super::log::{Log, Work};
use super::options::{ChannelOptions, Ids};
use super::publication::{Publication, PublishError};
use super::segment::{Entry, Segment};
use super::sequence_id::SequenceId;
use super::stats::{Stats, TopicStats};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};
use crate::{Event, EventId, Frame};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};
use core::task::Waker;
use core::time::Duration;
use slab::Slab;
use std::collections::{HashMap, HashSet};
use std::hash::RandomState;

/// # The order of things
/// All that counts is under the lock. A publication appends to a log, moves that topic's version on, takes the wakers of the
/// topic's subscriptions, unlocks, and wakes. A subscription that found nothing leaves its waker under the same lock, so
/// that there's no publication between its look and its leaving. While the versions are those that it has seen, a further poll
/// needs no lock. Nothing of a caller's runs under the lock: wakers and hooks are called after it, and wakers and labels are
/// cloned before and dropped after it.
#[derive(Debug)]
pub(super) struct Shared<L> {
    state: Mutex<State<L>>,
    pub(super) options: ChannelOptions,
    epoch: u64,
    /// A channel's only topic stays; others go when nobody needs them.
    permanent: bool,
}

#[derive(Debug)]
pub(super) struct State<L> {
    /// The number of the last event.
    pub(super) sequence: u64,
    pub(super) closed: bool,
    pub(super) topics: Slab<Topic<L>>,
    names: HashMap<Arc<str>, usize>,
    /// The callers' ids of what's held, and the last one ever.
    ids: HashMap<Arc<str>, u64>,
    last_id: Option<Arc<str>>,
    /// Topics that are gone had events up to this number.
    forgotten_to: u64,
    slots: Slab<Slot>,
    /// How many slots have a waker.
    waiting: usize,
    /// How many topics count.
    counted: usize,
    pub(super) counters: Stats,
    past_work: Work,
    garbage: Garbage<L>,
}

/// What was let go, to be dropped once nothing is locked: it holds labels, which are a caller's.
#[derive(Debug)]
struct Garbage<L> {
    segments: Vec<Segment<L>>,
    values: Vec<Value<L>>,
}

impl<L> Default for Garbage<L> {
    fn default() -> Self {
        Self { segments: Vec::new(), values: Vec::new() }
    }
}

#[derive(Debug)]
pub(super) struct Topic<L> {
    name: Arc<str>,
    pub(super) log: Log<L>,
    pub(super) latest: Option<Latest<L>>,
    /// Their slots. A set, so that walking it costs no more than a crowd that has gone.
    subscribers: HashSet<usize>,
    /// Moves on with each change of it.
    pub(super) version: Arc<AtomicU64>,
    published: u64,
    /// It has, or has just had, events, and so counts.
    counts: bool,
}

/// A subscription's.
#[derive(Debug)]
struct Slot {
    waker: Option<Waker>,
    /// It has everything up to this number.
    reached: u64,
}

impl<L> Shared<L> {
    /// Of topics that come and go.
    pub(super) fn new(options: ChannelOptions) -> Self {
        Self::of(options, false)
    }

    /// Of one topic without a name, [`ONLY`], that stays.
    pub(super) fn with_only_topic(options: ChannelOptions) -> Self {
        let shared = Self::of(options, true);
        shared.insert_topic(&mut shared.lock(), "");
        shared
    }

    fn of(options: ChannelOptions, permanent: bool) -> Self {
        // Randomly seeded by the operating system.
        let epoch = options.epoch.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        let state = State {
            sequence: 0,
            closed: false,
            topics: Slab::new(),
            names: HashMap::new(),
            ids: HashMap::new(),
            last_id: None,
            forgotten_to: 0,
            slots: Slab::new(),
            waiting: 0,
            counted: 0,
            counters: Stats::default(),
            past_work: Work::default(),
            garbage: Garbage::default(),
        };
        Self { state: Mutex::new(state), options, epoch, permanent }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<L>> {
        lock(&self.state)
    }

    /// Publishes all of a batch or nothing. Returns the id of the last.
    pub(super) fn publish<'a, B>(&self, topic: &str, batch: B) -> Result<Option<SequenceId>, PublishError>
    where
        B: AsRef<[Publication<'a, L>]> + IntoIterator<Item = Publication<'a, L>>,
    {
        let publications = batch.as_ref();
        let (events, bytes) = (publications.len(), batch_bytes(publications));
        let now = self.options.now();
        let ids = self.check_ids(publications);
        let mut state = self.lock();
        if state.closed {
            return Err(PublishError::Closed);
        }
        if ids?.iter().any(|id| state.ids.contains_key(id.as_str())) {
            return Err(PublishError::DuplicateId);
        }
        if events == 0 {
            return Ok(None);
        }
        let index = self.topic_to_publish_to(&mut state, topic, now)?;
        let State { sequence, topics, ids, last_id, counters, garbage, .. } = &mut *state;
        let Some(topic) = topics.get_mut(index) else { return Ok(None) };
        topic.log.begin_batch(events, bytes);
        for Publication { event, key, label } in batch {
            *sequence = sequence.saturating_add(1);
            let frame = self.encode(event, *sequence).into_bytes();
            let label = Arc::new(label);
            let id = event.id.filter(|_| self.options.ids == Ids::Callers);
            let id: Option<Arc<str>> = id.map(|id| id.as_str().into());
            if let Some(id) = &id {
                ids.insert(Arc::clone(id), *sequence);
                *last_id = Some(Arc::clone(id));
            }
            if let Some(latest) = &mut topic.latest {
                latest.put(*sequence, key, frame.clone(), Arc::clone(&label), &mut garbage.values);
            }
            topic.log.push(Entry { sequence: *sequence, at: now, label, id, frame });
        }
        topic.published = topic.published.saturating_add(events as u64);
        counters.published = counters.published.saturating_add(events as u64);
        let last = SequenceId::new(self.epoch, *sequence);
        state.trim(index, now);
        let wakers = state.take_wakers(index);
        self.forget_unused(&mut state, index);
        unlock(state);
        wakers.into_iter().for_each(Waker::wake);
        Ok(Some(last))
    }

    /// The ids that a batch brings, each of them once.
    fn check_ids<'a>(&self, batch: &[Publication<'a, L>]) -> Result<HashSet<EventId<'a>>, PublishError> {
        let mut ids = HashSet::new();
        if self.options.ids == Ids::Assigned {
            let unexpected = batch.iter().any(|publication| publication.event.id.is_some());
            return if unexpected { Err(PublishError::UnexpectedId) } else { Ok(ids) };
        }
        for Publication { event, .. } in batch {
            let id = event.id.ok_or(PublishError::MissingId)?;
            // The empty id is none to a client.
            if id.as_str().is_empty() || !id.is_resumable() {
                return Err(PublishError::UnresumableId);
            }
            if !ids.insert(id) {
                return Err(PublishError::DuplicateId);
            }
        }
        Ok(ids)
    }

    fn encode(&self, event: Event<'_>, sequence: u64) -> Frame {
        match self.options.ids {
            Ids::Assigned => event.id(SequenceId::new(self.epoch, sequence).to_text().as_id()).into(),
            Ids::Callers => event.into(),
        }
    }

    /// The index of a topic, which is there from now on.
    pub(super) fn topic(&self, state: &mut State<L>, name: &str) -> usize {
        if self.permanent {
            return ONLY;
        }
        match state.names.get(name) {
            Some(&index) => index,
            None => self.insert_topic(state, name),
        }
    }

    /// The same for one that will have events.
    fn topic_to_publish_to(
        &self,
        state: &mut State<L>,
        name: &str,
        now: Duration,
    ) -> Result<usize, PublishError> {
        let known = state.names.get(name).and_then(|&index| state.topics.get(index));
        if !self.permanent && known.is_none_or(|topic| !topic.counts) {
            let limit = self.options.max_topics;
            if state.counted >= limit {
                self.forget_all_unused(state, now);
            }
            if state.counted >= limit {
                return Err(PublishError::TooManyTopics { limit });
            }
        }
        let index = self.topic(state, name);
        if let Some(topic) = state.topics.get_mut(index) {
            if !core::mem::replace(&mut topic.counts, true) {
                state.counted = state.counted.saturating_add(1);
            }
        }
        Ok(index)
    }

    fn insert_topic(&self, state: &mut State<L>, name: &str) -> usize {
        let name: Arc<str> = name.into();
        let index = state.topics.insert(Topic {
            name: Arc::clone(&name),
            log: Log::new(self.options.retention, self.options.window, state.forgotten_to),
            latest: self.options.latest.map(Latest::new),
            subscribers: HashSet::new(),
            version: Arc::new(AtomicU64::new(0)),
            published: 0,
            counts: false,
        });
        state.names.insert(name, index);
        index
    }

    /// The number of the event with an id, if this channel knows it.
    pub(super) fn sequence_of(&self, state: &State<L>, id: EventId<'_>) -> Option<u64> {
        match self.options.ids {
            Ids::Assigned => SequenceId::parse(id)
                .filter(|id| id.epoch() == self.epoch && id.sequence() <= state.sequence)
                .map(SequenceId::sequence),
            Ids::Callers => state.ids.get(id.as_str()).copied(),
        }
    }

    /// What tells a client that has no event yet where it is; nothing where there's no id yet.
    pub(super) fn position(&self, state: &State<L>) -> Option<Frame> {
        match self.options.ids {
            Ids::Assigned => Some(self.encode(Event::empty(), state.sequence)),
            Ids::Callers => state.last_id.as_ref().map(|id| Event::empty().id(EventId::trusted(id)).into()),
        }
    }

    /// Takes a subscription off its topics.
    pub(super) fn remove(&self, slot: usize, topics: impl IntoIterator<Item = usize>) {
        let now = self.options.now();
        let mut state = self.lock();
        let removed = state.slots.try_remove(slot);
        if removed.as_ref().is_some_and(|slot| slot.waker.is_some()) {
            state.waiting = state.waiting.saturating_sub(1);
        }
        for index in topics {
            if let Some(topic) = state.topics.get_mut(index) {
                topic.unsubscribe(slot);
            }
            state.trim(index, now);
            self.forget_unused(&mut state, index);
        }
        unlock(state);
    }

    /// A topic goes that has neither events nor subscriptions. One without events no longer counts.
    pub(super) fn forget_unused(&self, state: &mut State<L>, index: usize) {
        let Some(topic) = state.topics.get_mut(index).filter(|topic| !self.permanent && topic.is_empty())
        else {
            return;
        };
        if core::mem::take(&mut topic.counts) {
            state.counted = state.counted.saturating_sub(1);
        }
        if !topic.subscribers.is_empty() {
            return;
        }
        if let Some(topic) = state.topics.try_remove(index) {
            state.names.remove(&topic.name);
            state.forgotten_to = state.forgotten_to.max(topic.log.gone_to());
            let Work { joins, bytes } = topic.log.work();
            state.past_work.joins = state.past_work.joins.saturating_add(joins);
            state.past_work.bytes = state.past_work.bytes.saturating_add(bytes);
        }
    }

    /// Looks at all topics, for what was let go by age.
    fn forget_all_unused(&self, state: &mut State<L>, now: Duration) {
        let indices: Vec<_> = state.topics.iter().map(|(index, _)| index).collect();
        for index in indices {
            state.trim(index, now);
            self.forget_unused(state, index);
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let indices: Vec<_> = state.topics.iter().map(|(index, _)| index).collect();
        let wakers: Vec<_> = indices.into_iter().flat_map(|index| state.take_wakers(index)).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.lock();
        let mut seen = state.counters;
        let mut work = state.past_work;
        for (_, topic) in &state.topics {
            work.joins = work.joins.saturating_add(topic.log.work().joins);
            work.bytes = work.bytes.saturating_add(topic.log.work().bytes);
            seen.events = seen.events.saturating_add(topic.log.len());
            seen.bytes = seen.bytes.saturating_add(topic.bytes());
        }
        (seen.joins, seen.joined_bytes) = (work.joins, work.bytes);
        (seen.subscribers, seen.topics) = (state.slots.len(), state.topics.len());
        seen
    }

    pub(super) fn topic_stats(&self) -> Vec<TopicStats> {
        let mut state = self.lock();
        self.forget_all_unused(&mut state, self.options.now());
        let topics = state.topics.iter().map(|(_, topic)| topic.stats(&state.slots)).collect();
        unlock(state);
        topics
    }
}

/// Unlocks, and only then drops what was let go.
pub(super) fn unlock<L>(mut state: MutexGuard<'_, State<L>>) {
    let garbage = core::mem::take(&mut state.garbage);
    drop(state);
    drop(garbage);
}

/// An upper bound, so that a batch isn't split for a few bytes. One alone can't be split.
fn batch_bytes<L>(batch: &[Publication<'_, L>]) -> usize {
    const ID_LINE: usize = "id: \n".len() + 16 + 1 + 20;
    if batch.len() < 2 {
        return 0;
    }
    let len = |publication: &Publication<'_, L>| publication.event.encoded_len().saturating_add(ID_LINE);
    batch.iter().map(len).fold(0, usize::saturating_add)
}

/// The index of a channel's one topic.
pub(super) const ONLY: usize = 0;

impl<L> State<L> {
    pub(super) fn trim(&mut self, index: usize, now: Duration) {
        let Some(topic) = self.topics.get_mut(index) else { return };
        let live = !topic.subscribers.is_empty();
        topic.log.trim(now, live, &mut self.garbage.segments, |entry| {
            if let Some(id) = &entry.id {
                self.ids.remove(id);
            }
        });
    }

    /// Moves a topic's version on, and takes the wakers of its subscriptions.
    fn take_wakers(&mut self, index: usize) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let Some(topic) = self.topics.get_mut(index) else { return wakers };
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

    fn unsubscribe(&mut self, slot: usize) {
        self.subscribers.remove(&slot);
        if self.subscribers.len() < self.subscribers.capacity() / 8 {
            self.subscribers.shrink_to_fit();
        }
    }

    fn is_empty(&self) -> bool {
        self.log.len() == 0 && self.latest.as_ref().is_none_or(Latest::is_empty)
    }

    fn bytes(&self) -> usize {
        self.log.bytes().saturating_add(self.latest.as_ref().map_or(0, Latest::bytes))
    }

    fn stats(&self, slots: &Slab<Slot>) -> TopicStats {
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
