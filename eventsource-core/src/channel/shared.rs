//! What a channel and its subscriptions share: the logs under one lock, and who's to be woken.

use super::cursor::{Cursor, Places, Position};
use super::latest::{Latest, Value};
use super::log::{Kept, Log};
use super::options::ChannelOptions;
use super::policy::Ids;
use super::publication::{ApplyError, Prepared, PublishError};
use super::segment::Entry;
use super::sequence_id::SequenceId;
use super::state::{Known, State};
use super::stats::{Stats, TopicStats};
use super::topic::Topic;
use crate::codec::EventId;
use crate::stream::random_seed;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::Waker;
use std::collections::HashSet;

/// # The order of things
/// All that counts is under the lock. A publication appends to a log, moves that topic's version on, takes the wakers of the
/// topic's subscriptions, unlocks, and wakes. A subscription that found nothing leaves its waker under the same lock, so
/// that there's no publication between its look and its leaving. While the version of its topic, or its own where it has several
/// topics, is the one that it has seen, a further poll needs no lock. Nothing of a caller's runs under the lock: wakers and hooks
/// are called after it, and wakers and labels are cloned before and dropped after it.
pub(super) struct Shared<L> {
    state: Mutex<State<L>>,
    /// Says the same as the state, without the lock: the turn, or [`CLOSED`].
    turn: AtomicU64,
    /// The events come from a log elsewhere.
    is_following: bool,
    pub(super) options: ChannelOptions,
}

/// Closed, whatever the turn.
const CLOSED: u64 = u64::MAX;

impl<L> Shared<L> {
    /// Creates what topics share that come and go.
    pub(super) fn new(options: ChannelOptions) -> Self {
        Self::of(options, false, false)
    }

    /// Creates what the subscriptions of one topic share, [`ONLY`], which has no name and stays.
    pub(super) fn with_only_topic(options: ChannelOptions) -> Self {
        let shared = Self::of(options, true, false);
        shared.insert_topic(&mut shared.lock(), "");
        shared
    }

    /// Creates what topics share whose events come from a log elsewhere, which gives them their numbers.
    pub(super) fn following(options: ChannelOptions) -> Self {
        Self::of(options.ids(Ids::Assigned), false, true)
    }

    /// Does the same for a channel.
    pub(super) fn following_with_only_topic(options: ChannelOptions) -> Self {
        let shared = Self::of(options.ids(Ids::Assigned), true, true);
        shared.insert_topic(&mut shared.lock(), "");
        shared
    }

    fn of(options: ChannelOptions, permanent: bool, is_following: bool) -> Self {
        let epoch = options.epoch.unwrap_or_else(random_seed);
        let kept = Kept { retention: options.retention, window: options.window, latest: options.latest };
        let mut state = State::new(kept, options.ids == Ids::Callers, permanent, epoch);
        state.may_be_behind = is_following;
        Self { state: Mutex::new(state), turn: AtomicU64::new(0), is_following, options }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<L>> {
        lock(&self.state)
    }

    /// Returns whether it's closed, or the log that it follows has taken another turn than that.
    pub(super) fn has_turned(&self, turn: u64) -> bool {
        self.turn.load(Ordering::Acquire) != turn
    }

    pub(super) fn is_following(&self) -> bool {
        self.is_following
    }

    /// Locks, and notes what time it is. The clock is a caller's, and may want the lock itself.
    pub(super) fn lock_at_this_time(&self) -> MutexGuard<'_, State<L>> {
        let now = self.options.now();
        let mut state = self.lock();
        state.now = state.now.max(now);
        state
    }

    /// Publishes all of a batch or nothing. Returns the id of the last, or of the last before where the batch is empty.
    pub(super) fn publish<B>(&self, topic: &str, batch: B) -> Result<SequenceId, PublishError>
    where
        B: AsRef<[Prepared<L>]> + IntoIterator<Item = Prepared<L>>,
    {
        if self.is_following {
            return Err(PublishError::Following);
        }
        let prepared = batch.as_ref();
        let (events, bytes) = (prepared.len(), batch_bytes(prepared));
        let has_duplicate = has_duplicate_id(prepared);
        let mut state = self.lock_at_this_time();
        while self.is_full(&state, topic) && state.has_expired() {
            unlock(state, Vec::new());
            state = self.lock();
        }
        if state.closed {
            return Err(PublishError::Closed);
        }
        let is_kept = |publication: &Prepared<L>| {
            publication.id.as_ref().is_some_and(|id| state.kept_with(id).is_some())
        };
        if has_duplicate || prepared.iter().any(is_kept) {
            return Err(PublishError::DuplicateId);
        }
        if events == 0 {
            return Ok(SequenceId::new(state.epoch, state.sequence));
        }
        if self.is_full(&state, topic) {
            return Err(PublishError::TooManyTopics { limit: self.options.max_topics });
        }
        let index = self.topic(&mut state, topic);
        let wakers = self.append(&mut state, index, batch, events, bytes);
        let last = SequenceId::new(state.epoch, state.sequence);
        unlock(state, wakers);
        Ok(last)
    }

    /// Appends a batch with the numbers that follow `first`, which has to be the next.
    /// Returns the topic's index, as long as the topic is there.
    pub(super) fn apply(
        &self,
        topic: &str,
        first: u64,
        batch: Vec<Prepared<L>>,
    ) -> Result<Option<usize>, ApplyError> {
        let (events, bytes) = (batch.len(), batch_bytes(&batch));
        let mut state = self.lock_at_this_time();
        if state.closed {
            return Err(ApplyError::Closed);
        }
        if state.sequence.checked_add(1) != Some(first) || first.checked_add(events as u64).is_none() {
            return Err(ApplyError::OutOfOrder { reached: state.sequence, first });
        }
        if events == 0 {
            return Ok(None);
        }
        let index = self.topic(&mut state, topic);
        let wakers = self.append(&mut state, index, batch, events, bytes);
        unlock(state, wakers);
        Ok(Some(index))
    }

    /// Lets go of what some topics keep up to a sequence number, a few at a time, between which others get the lock.
    pub(super) fn trim_to(&self, indices: &[usize], to: u64) {
        for portion in indices.chunks(TOPICS_AT_ONCE) {
            let mut state = self.lock_at_this_time();
            for &index in portion {
                state.trim_to(index, to);
            }
            unlock(state, Vec::new());
        }
    }

    /// Begins with another log.
    pub(super) fn begin(&self, epoch: u64, after: u64) {
        let mut state = self.lock_at_this_time();
        if !state.closed {
            state.begin(epoch, after);
            self.turn(state);
        }
    }

    /// Passes over numbers up to `to`, which there are no events of; or there were, and they're `lost`.
    pub(super) fn pass(&self, to: u64, lost: bool) {
        let mut state = self.lock_at_this_time();
        if state.closed || to <= state.sequence {
            return;
        }
        if lost {
            state.lose(to);
            self.turn(state);
        } else {
            state.sequence = to;
        }
    }

    /// Has everyone look at what the log has become.
    fn turn(&self, mut state: MutexGuard<'_, State<L>>) {
        self.turn.store(state.turn, Ordering::Release);
        let wakers = state.take_all_wakers();
        unlock(state, wakers);
    }

    /// Returns the id of what was applied last.
    pub(super) fn reached(&self) -> SequenceId {
        let state = self.lock();
        SequenceId::new(state.epoch, state.sequence)
    }

    /// Appends a batch to a topic. Returns the wakers of those who wait for it.
    fn append(
        &self,
        state: &mut State<L>,
        index: usize,
        batch: impl IntoIterator<Item = Prepared<L>>,
        events: usize,
        bytes: usize,
    ) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let State { epoch, sequence, now, topics, ids, counters, garbage, slots, counted, .. } = &mut *state;
        let Some(topic) = topics.get_mut(index) else {
            debug_assert!(false, "a topic that is published to is there");
            return wakers;
        };
        if !core::mem::replace(&mut topic.counts, true) {
            *counted = counted.saturating_add(1);
        }
        topic.log.begin_batch(events, bytes);
        for Prepared { block, id, key, label } in batch {
            *sequence = sequence.saturating_add(1);
            let sequence = *sequence;
            let frame = match self.options.ids {
                Ids::Assigned => block.with_id(SequenceId::new(*epoch, sequence).to_text().as_id()),
                Ids::Callers => block.into_bytes(),
            };
            if let Some(id) = &id {
                ids.set(Arc::clone(id), Known { topic: index, sequence });
            }
            if let (Some(latest), Some(bounds)) = (&mut topic.latest, &self.options.latest) {
                let value =
                    Value { sequence, key, id: id.clone(), frame: frame.clone(), label: Arc::clone(&label) };
                latest.put(bounds, value, &mut garbage.values, counters);
            }
            topic.log.push(Entry { sequence, at: *now, label, id, frame, end: 0 }, counters);
        }
        topic.published = topic.published.saturating_add(events as u64);
        counters.published = counters.published.saturating_add(events as u64);
        // Where all had everything, nobody needs more than this batch.
        let needed_from = match topic.change(slots, &mut wakers) {
            _ if !topic.has_subscribers() => topic.log.end(),
            true => topic.log.batch_start(),
            false => 0,
        };
        state.forget_values(index);
        state.trim(index, needed_from);
        state.forget_unused(index);
        wakers
    }

    /// Returns whether there are as many topics with events as there may be, and a topic isn't one of them.
    fn is_full(&self, state: &State<L>, name: &str) -> bool {
        !state.permanent
            && state.counted >= self.options.max_topics
            && state.topic(name).is_none_or(|topic| !topic.counts)
    }

    /// The index of a topic, which is there from now on.
    pub(super) fn topic(&self, state: &mut State<L>, name: &str) -> usize {
        if state.permanent {
            return ONLY;
        }
        match state.names.get(name) {
            Some(index) => index,
            None => self.insert_topic(state, name),
        }
    }

    fn insert_topic(&self, state: &mut State<L>, name: &str) -> usize {
        let lost_to = state.forgotten.lost_to(name);
        let latest = self.options.latest.map(|_| Box::new(Latest::new(lost_to)));
        state.insert(Topic::new(name.into(), Log::new(lost_to), latest))
    }

    /// Returns the number of the event with an id, if this channel knows it, for a subscription to these topics.
    pub(super) fn sequence_of(&self, state: &State<L>, id: EventId<'_>, indices: &[usize]) -> Option<u64> {
        match self.options.ids {
            Ids::Assigned => SequenceId::parse(id)
                .filter(|id| id.epoch() == state.epoch)
                // One that's ahead was seen elsewhere.
                .filter(|id| state.may_be_behind || id.sequence() <= state.sequence)
                .map(SequenceId::sequence),
            Ids::Callers => {
                let topics = indices.iter().filter_map(|&index| state.topics.get(index));
                let gone = || topics.filter_map(|topic| topic.log.gone_with(id.as_str())).max();
                state.kept_with(id.as_str()).or_else(gone)
            }
        }
    }

    /// Returns what tells a client where it is that has everything up to a number; nothing where there's no id yet.
    ///
    /// A caller's id may say something of its event. So it's one of a topic that the client subscribes to, and there's none
    /// where a filter may keep that event from the client.
    pub(super) fn position(
        &self,
        state: &State<L>,
        places: &Places,
        until: u64,
        filtered: bool,
    ) -> Option<Position> {
        match self.options.ids {
            Ids::Assigned => {
                Some(Position { epoch: state.epoch, number: state.sequence.min(until), id: None })
            }
            Ids::Callers if filtered => None,
            Ids::Callers => {
                let topics = places.cursors().iter().filter_map(|cursor| state.topics.get(cursor.topic()));
                let (number, id) = topics.filter_map(|topic| topic.log.last_id(until)).max()?;
                Some(Position { epoch: state.epoch, number, id: Some(Arc::clone(id)) })
            }
        }
    }

    /// Takes a subscription off its topics.
    pub(super) fn remove(&self, slot: usize, places: &Places) {
        let mut state = self.lock_at_this_time();
        for (number, index) in places.cursors().iter().map(Cursor::topic).enumerate() {
            let State { topics, slots, .. } = &mut *state;
            let Some(topic) = topics.get_mut(index) else { continue };
            topic.unsubscribe(slot, number, slots);
            let needed_from = topic.needed_from();
            state.trim(index, needed_from);
            state.forget_unused(index);
        }
        let removed = state.remove(slot);
        unlock(state, Vec::new());
        // Its waker is a caller's code.
        drop(removed);
    }

    /// Lets go of what a topic keeps. Returns whether there was such a topic.
    pub(super) fn remove_topic(&self, name: &str) -> bool {
        let mut state = self.lock_at_this_time();
        let Some(index) = state.names.get(name) else { return false };
        state.empty(index);
        // Where somebody hasn't taken everything, that stays until more is published.
        let needed_from = state.topics.get(index).map_or(0, |topic| topic.needed_from());
        if needed_from > 0 {
            state.trim(index, needed_from);
            state.forget_unused(index);
        }
        while state.has_let_go() {
            unlock(state, Vec::new());
            state = self.lock();
        }
        unlock(state, Vec::new());
        true
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.turn.store(CLOSED, Ordering::Release);
        let wakers = state.take_all_wakers();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn stats(&self) -> Stats {
        // A clock may ask for this, so it isn't asked here.
        let state = self.lock();
        Stats { subscribers: state.slots.len(), topics: state.topics.len(), ..state.counters }
    }

    pub(super) fn topic_stats(&self) -> Vec<TopicStats> {
        let mut state = self.lock_at_this_time();
        while state.has_expired() || state.has_let_go() {
            unlock(state, Vec::new());
            state = self.lock();
        }
        drop(state);
        let (mut topics, mut from) = (Vec::new(), 0_usize);
        // In portions, between which others get the lock.
        loop {
            let state = self.lock();
            let to = from.saturating_add(TOPICS_AT_ONCE).min(state.topics.capacity());
            if from >= to {
                return topics;
            }
            let portion = (from..to).filter_map(|index| state.topics.get(index));
            topics.extend(portion.map(|topic| topic.stats(&state.slots)));
            from = to;
        }
    }
}

/// The statistics of so many topics are made at once.
const TOPICS_AT_ONCE: usize = 64;

/// Lets go some of what has become too old, unlocks, wakes, and then frees what was let go.
pub(super) fn unlock<L>(mut state: MutexGuard<'_, State<L>>, wakers: Vec<Waker>) {
    state.clear();
    let garbage = core::mem::take(&mut state.garbage);
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
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
