//! What a channel and its subscriptions share: the logs under one lock, and who's to be woken.

use super::latest::Latest;
use super::log::Log;
use super::options::ChannelOptions;
use super::policy::Ids;
use super::publication::{Prepared, PublishError};
use super::segment::{Entry, JoinStats};
use super::sequence_id::SequenceId;
use super::state::{Garbage, State, Topic};
use super::stats::{Stats, TopicStats};
use crate::codec::{Event, EventId, Frame};
use crate::stream::random_seed;
use crate::sync::{AtomicU64, Mutex, MutexGuard, lock};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::Waker;
use core::time::Duration;
use slab::Slab;
use std::collections::{HashMap, HashSet};

/// # The order of things
/// All that counts is under the lock. A publication appends to a log, moves that topic's version on, takes the wakers of the
/// topic's subscriptions, unlocks, and wakes. A subscription that found nothing leaves its waker under the same lock, so
/// that there's no publication between its look and its leaving. While the versions are those that it has seen, a further poll
/// needs no lock. Nothing of a caller's runs under the lock: wakers and hooks are called after it, and wakers and labels are
/// cloned before and dropped after it.
pub(super) struct Shared<L> {
    state: Mutex<State<L>>,
    pub(super) options: ChannelOptions,
    epoch: u64,
    /// A channel's only topic stays; others go when nobody needs them.
    permanent: bool,
}

impl<L> Shared<L> {
    /// Creates what topics share that come and go.
    pub(super) fn new(options: ChannelOptions) -> Self {
        Self::of(options, false)
    }

    /// Creates what the subscriptions of one topic share, [`ONLY`], which has no name and stays.
    pub(super) fn with_only_topic(options: ChannelOptions) -> Self {
        let shared = Self::of(options, true);
        shared.insert_topic(&mut shared.lock(), "");
        shared
    }

    fn of(options: ChannelOptions, permanent: bool) -> Self {
        let epoch = options.epoch.unwrap_or_else(random_seed);
        let state = State {
            sequence: 0,
            closed: false,
            topics: Slab::new(),
            names: HashMap::new(),
            ids: HashMap::new(),
            forgotten_to: 0,
            slots: Slab::new(),
            waiting: 0,
            counted: 0,
            counters: Stats::default(),
            past_joins: JoinStats::default(),
            garbage: Garbage::default(),
        };
        Self { state: Mutex::new(state), options, epoch, permanent }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<L>> {
        lock(&self.state)
    }

    /// Publishes all of a batch or nothing. Returns the id of the last, or of the last before where the batch is empty.
    pub(super) fn publish<B>(&self, topic: &str, batch: B) -> Result<SequenceId, PublishError>
    where
        B: AsRef<[Prepared<L>]> + IntoIterator<Item = Prepared<L>>,
    {
        let prepared = batch.as_ref();
        let (events, bytes) = (prepared.len(), batch_bytes(prepared));
        let has_duplicate = has_duplicate_id(prepared);
        let now = self.options.now();
        let mut state = self.lock();
        if state.closed {
            return Err(PublishError::Closed);
        }
        let is_known =
            |publication: &Prepared<L>| publication.id.as_ref().is_some_and(|id| state.ids.contains_key(id));
        if has_duplicate || prepared.iter().any(is_known) {
            return Err(PublishError::DuplicateId);
        }
        if events == 0 {
            return Ok(SequenceId::new(self.epoch, state.sequence));
        }
        let index = match self.topic_to_publish_to(&mut state, topic, now) {
            Ok(index) => index,
            Err(error) => {
                unlock(state);
                return Err(error);
            }
        };
        let State { sequence, topics, ids, counters, garbage, .. } = &mut *state;
        if let Some(topic) = topics.get_mut(index) {
            topic.log.begin_batch(events, bytes);
            for Prepared { block, id, key, label } in batch {
                *sequence = sequence.saturating_add(1);
                let frame = match self.options.ids {
                    Ids::Assigned => block.with_id(SequenceId::new(self.epoch, *sequence).to_text().as_id()),
                    Ids::Callers => block.into_bytes(),
                };
                if let Some(id) = &id {
                    ids.insert(Arc::clone(id), *sequence);
                    topic.last_id = Some((*sequence, Arc::clone(id)));
                }
                if let Some(latest) = &mut topic.latest {
                    let before = garbage.values.len();
                    let (id, label) = (id.clone(), Arc::clone(&label));
                    latest.put(*sequence, key, id, frame.clone(), label, &mut garbage.values);
                    for value in garbage.values.get(before..).unwrap_or_default() {
                        if let Some(id) = value.id.as_ref().filter(|_| !topic.log.holds(value.sequence)) {
                            ids.remove(id);
                        }
                    }
                }
                topic.log.push(Entry { sequence: *sequence, at: now, label, id, frame });
            }
            topic.published = topic.published.saturating_add(events as u64);
            counters.published = counters.published.saturating_add(events as u64);
        } else {
            debug_assert!(false, "a topic that is published to is there");
        }
        let last = SequenceId::new(self.epoch, *sequence);
        state.trim(index, now);
        let wakers = state.take_wakers(index);
        self.forget_unused(&mut state, index);
        unlock(state);
        wakers.into_iter().for_each(Waker::wake);
        Ok(last)
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
            last_id: None,
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

    /// Returns what tells a client that has no event yet where it is; nothing where there's no id yet.
    ///
    /// A caller's id may say something of its event. So it's one of a topic that the client subscribes to, and there's none
    /// where a filter may keep that event from the client.
    pub(super) fn position(&self, state: &State<L>, indices: &[usize], filtered: bool) -> Option<Frame> {
        match self.options.ids {
            Ids::Assigned => {
                let position = SequenceId::new(self.epoch, state.sequence);
                Some(Event::empty().id(position.to_text().as_id()).into())
            }
            Ids::Callers if filtered => None,
            Ids::Callers => {
                let topics = indices.iter().filter_map(|&index| state.topics.get(index));
                let (_, id) = topics.filter_map(|topic| topic.last_id.as_ref()).max()?;
                Some(Event::empty().id(EventId::trusted(id)).into())
            }
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
            state.past_joins.add(topic.log.joins());
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
        let wakers = state.take_all_wakers();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.lock();
        let mut seen = state.counters;
        let mut joins = state.past_joins;
        for (_, topic) in &state.topics {
            joins.add(topic.log.joins());
            seen.events = seen.events.saturating_add(topic.log.len());
            seen.bytes = seen.bytes.saturating_add(topic.bytes());
        }
        (seen.joins, seen.joined_bytes) = (joins.joins, joins.bytes);
        (seen.subscribers, seen.topics) = (state.slots.len(), state.topics.len());
        seen
    }

    pub(super) fn topic_stats(&self) -> Vec<TopicStats> {
        // A caller's clock may ask the channel for something, so it isn't asked under the lock.
        let now = self.options.now();
        let mut state = self.lock();
        self.forget_all_unused(&mut state, now);
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

/// Returns an upper bound, so that a batch isn't split for a few bytes. One alone can't be split.
fn batch_bytes<L>(batch: &[Prepared<L>]) -> usize {
    if batch.len() < 2 {
        return 0;
    }
    batch.iter().map(|publication| publication.block.max_len()).fold(0, usize::saturating_add)
}

fn has_duplicate_id<L>(batch: &[Prepared<L>]) -> bool {
    let mut ids = HashSet::new();
    batch.len() > 1
        && batch.iter().filter_map(|publication| publication.id.as_ref()).any(|id| !ids.insert(id))
}

impl<L> fmt::Debug for Shared<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("options", &self.options)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// The index of a channel's one topic.
pub(super) const ONLY: usize = 0;
