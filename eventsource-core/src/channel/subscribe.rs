//! How a subscription begins.

use super::options::Ids;
use super::reader::Part;
use super::shared::{Shared, State, Topic, unlock};
use super::subscription::{FilterMap, Notice, Subscription};
use crate::sync::MutexGuard;
use crate::{Frame, LastEventId};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;
use core::time::Duration;

/// How a subscription took up what its client has seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resumed {
    /// The client has seen nothing.
    Fresh,
    /// It gets everything that it hasn't seen.
    Complete,
    /// It gets what's still kept.
    Gap {
        /// How many events it misses, or the most that it can be: where there are several topics, or some have come and
        /// gone, it isn't known of which the events were that are gone; and a filter isn't asked about these.
        missed: u64,
    },
    /// Its last event ID isn't of this channel, or of its time before a restart. It has seen something, but nobody
    /// knows what.
    Unknown,
}

/// Where a subscription begins whose client has seen nothing, or nothing that's known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Start {
    /// With the next event.
    #[default]
    Live,
    /// With the oldest event that's kept for replay.
    Oldest,
    /// With the last so many of them.
    Last(usize),
}

/// What happens to a subscription that doesn't keep up. What's published with one call, and what's replayed at the beginning,
/// doesn't count as lag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lag {
    /// It ends, with [`EndReason::Lagged`](crate::EndReason::Lagged), when the next event that it should get is no longer held.
    #[default]
    Lost,
    /// It ends, with [`EndReason::Lagged`](crate::EndReason::Lagged), when more than `limit` events of a topic wait for it. If
    /// they're all still kept for replay then, its client comes back with its last event ID and loses nothing.
    ///
    /// That's so where the retention's bytes and age have room for `limit` events, and for those that are published until the
    /// client comes back; and where the subscription is polled in time: how far it lags is looked at when it is. Otherwise its
    /// resumption tells a gap.
    Disconnect {
        /// At most what's retained.
        limit: NonZeroUsize,
    },
    /// It loses the oldest of the events that wait for it, so that no more than `limit` of a topic do, besides what it still
    /// replays.
    DropOldest {
        /// The live window bounds it besides.
        limit: NonZeroUsize,
    },
    /// Only the newest event of each key waits for it. The channel needs
    /// [`latest_per_key`](super::ChannelOptions::latest_per_key).
    Conflate,
}

/// There's no subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubscribeError {
    /// Whoever lagged by so much would come back and find events gone.
    LimitOutsideRetention {
        /// The limit.
        limit: usize,
        /// How many events are retained.
        retained: usize,
    },
    /// The channel keeps no newest event per key.
    NotKeyed,
    /// It names no topic, so that it would never have anything.
    NoTopics,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitOutsideRetention { limit, retained } => {
                write!(f, "a lag limit of {limit} events is more than the {retained} that are retained")
            }
            Self::NotKeyed => f.write_str("the channel keeps no newest event per key"),
            Self::NoTopics => f.write_str("a subscription to no topic"),
        }
    }
}

impl core::error::Error for SubscribeError {}

/// A subscription before it begins; see [`Channel::subscription`](super::Channel::subscription).
#[must_use = "it begins with `begin`"]
pub struct SubscriptionBuilder<L> {
    shared: Arc<Shared<L>>,
    topics: Vec<Box<str>>,
    last_event_id: LastEventId,
    start: Start,
    lag: Lag,
    filter_map: Option<FilterMap<L>>,
    on_resumed: Option<Notice<Resumed>>,
    on_dropped: Option<Notice<u64>>,
}

impl<L> SubscriptionBuilder<L> {
    pub(super) fn new(shared: Arc<Shared<L>>, topics: Vec<Box<str>>) -> Self {
        Self {
            shared,
            topics,
            last_event_id: LastEventId::None,
            start: Start::Live,
            lag: Lag::Lost,
            filter_map: None,
            on_resumed: None,
            on_dropped: None,
        }
    }

    /// Goes on after the event that the client has seen last.
    pub fn resume(mut self, last_event_id: LastEventId) -> Self {
        self.last_event_id = last_event_id;
        self
    }

    /// Where it begins if the client has seen nothing, or nothing that's known. By default with the next event.
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// What happens if it doesn't keep up.
    pub fn lag(mut self, lag: Lag) -> Self {
        self.lag = lag;
        self
    }

    /// Leaves out the events for whose label `filter` says `false`, in a replay as live: for what a client isn't
    /// allowed to see, say.
    pub fn filter(self, mut filter: impl FnMut(&L) -> bool + Send + 'static) -> Self {
        self.filter_map(move |label, frame| filter(label).then_some(frame))
    }

    /// Hands out what `map` makes of each event, given its label, in a replay as live; and leaves out those of which it makes
    /// nothing. It replaces an earlier filter. Such a subscription takes its events one by one, not joined.
    pub fn filter_map(mut self, map: impl FnMut(&L, Frame) -> Option<Frame> + Send + 'static) -> Self {
        self.filter_map = Some(Box::new(map));
        self
    }

    /// Tells the client in band how its resumption went: begins with what `notice` makes of it.
    pub fn announce<F: Into<Frame>>(
        mut self,
        mut notice: impl FnMut(Resumed) -> Option<F> + Send + 'static,
    ) -> Self {
        self.on_resumed = Some(Box::new(move |resumed| notice(resumed).map(Into::into)));
        self
    }

    /// Tells the client in band how many events it has just lost because it lagged.
    pub fn announce_dropped<F: Into<Frame>>(
        mut self,
        mut notice: impl FnMut(u64) -> F + Send + 'static,
    ) -> Self {
        self.on_dropped = Some(Box::new(move |dropped| Some(notice(dropped).into())));
        self
    }

    /// Begins.
    ///
    /// # Errors
    /// [`SubscribeError`] where what was asked for can't be.
    pub fn begin(mut self) -> Result<Subscription<L>, SubscribeError> {
        let shared = Arc::clone(&self.shared);
        let options = &shared.options;
        match self.lag {
            Lag::Disconnect { limit } if limit.get() > options.retention.events => {
                return Err(SubscribeError::LimitOutsideRetention {
                    limit: limit.get(),
                    retained: options.retention.events,
                });
            }
            Lag::Conflate if options.latest.is_none() => return Err(SubscribeError::NotKeyed),
            _ => {}
        }
        if self.topics.is_empty() {
            return Err(SubscribeError::NoTopics);
        }
        self.topics.sort_unstable();
        self.topics.dedup();

        let now = options.now();
        let mut state = shared.lock();
        let indices: Vec<_> = self.topics.iter().map(|name| shared.topic(&mut state, name)).collect();
        Ok(self.begin_at(&shared, state, &indices, now))
    }

    /// Begins on topics that are there.
    pub(super) fn begin_at(
        self,
        shared: &Arc<Shared<L>>,
        mut state: MutexGuard<'_, State<L>>,
        indices: &[usize],
        now: Duration,
    ) -> Subscription<L> {
        let Self { last_event_id, start, lag, filter_map, mut on_resumed, on_dropped, .. } = self;
        for &index in indices {
            state.trim(index, now);
        }
        let known = last_event_id.as_id().and_then(|id| shared.sequence_of(&state, id));
        let (cursors, resumed) = match (&last_event_id, known) {
            (_, Some(sequence)) => state.replay(indices, sequence, lag, shared.options.ids),
            (LastEventId::None, _) => (None, Resumed::Fresh),
            _ => (None, Resumed::Unknown),
        };
        let cursors = cursors.unwrap_or_else(|| state.start(indices, start, lag));
        let slot = state.add();
        // Not a part more than there are topics.
        let mut parts = Vec::with_capacity(indices.len());
        for (&index, cursor) in indices.iter().zip(cursors) {
            let topic = state.topics.get_mut(index);
            parts.extend(topic.map(|topic| Part::new(topic, index, slot, cursor)));
        }
        let first = parts.iter().filter_map(|part| state.next(part, lag)).min();
        let reached = first.map_or(state.sequence, |first| first.saturating_sub(1));
        state.reached(slot, reached);
        let position = match (resumed, first) {
            (Resumed::Complete, _) | (_, Some(_)) => None,
            _ => shared.position(&state),
        };
        unlock(state);

        // From here on a panic of a caller's code ends a subscription, and leaves nothing behind.
        let mut subscription = Subscription {
            shared: Arc::clone(shared),
            parts: parts.into(),
            slot,
            resumed,
            lag,
            filter_map,
            on_dropped,
            ready: VecDeque::new(),
            until: None,
            ended: None,
            reason: None,
            waker: None,
            parked: false,
        };
        subscription.ready.extend(on_resumed.as_mut().and_then(|notice| notice(resumed)));
        subscription.ready.extend(position);
        if let Some(hook) = &shared.options.on_subscribe {
            hook(resumed);
        }
        subscription
    }
}

impl<L> fmt::Debug for SubscriptionBuilder<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionBuilder")
            .field("topics", &self.topics)
            .field("last_event_id", &self.last_event_id)
            .field("start", &self.start)
            .field("lag", &self.lag)
            .finish_non_exhaustive()
    }
}

impl<L> State<L> {
    /// The cursors from which a client goes on that has seen everything up to a number; none where its own id can't be
    /// resumed without a loss.
    fn replay(&self, indices: &[usize], sequence: u64, lag: Lag, ids: Ids) -> (Option<Vec<u64>>, Resumed) {
        let mut missed = 0_u64;
        let mut cursors = Vec::with_capacity(indices.len());
        for topic in indices.iter().filter_map(|&index| self.topics.get(index)) {
            let (cursor, missed_here) = if let (Lag::Conflate, Some(latest)) = (lag, &topic.latest) {
                (sequence, latest.evicted_after(sequence))
            } else {
                let replay = topic.log.replay_after(sequence);
                (replay.from, replay.missed)
            };
            missed = missed.saturating_add(missed_here);
            cursors.push(cursor);
        }
        match (missed, ids) {
            (0, _) => (Some(cursors), Resumed::Complete),
            (_, Ids::Callers) => (None, Resumed::Unknown),
            (missed, Ids::Assigned) => (Some(cursors), Resumed::Gap { missed }),
        }
    }

    /// The cursors of a client of which nothing is known.
    fn start(&self, indices: &[usize], start: Start, lag: Lag) -> Vec<u64> {
        let topics = || indices.iter().filter_map(|&index| self.topics.get(index));
        let conflate = lag == Lag::Conflate;
        let after = match start {
            Start::Live | Start::Last(0) => {
                return topics().map(|topic| topic.end(conflate, self.sequence)).collect();
            }
            Start::Oldest => 0,
            Start::Last(count) => {
                let mut sequences: Vec<_> =
                    topics().flat_map(|topic| topic.newest(conflate, count)).collect();
                let first = sequences.len().saturating_sub(count);
                if first < sequences.len() {
                    sequences.select_nth_unstable(first);
                }
                sequences.get(first).map_or(self.sequence, |first| first.saturating_sub(1))
            }
        };
        let cursor = |topic: &Topic<L>| if conflate { after } else { topic.log.replay_after(after).from };
        topics().map(cursor).collect()
    }
}

impl<L> Topic<L> {
    /// The cursor of whoever has seen everything.
    fn end(&self, conflate: bool, sequence: u64) -> u64 {
        if conflate { sequence } else { self.log.end() }
    }

    /// The numbers of the newest events that can be replayed.
    fn newest(&self, conflate: bool, count: usize) -> Vec<u64> {
        match &self.latest {
            Some(latest) if conflate => latest.newest(count).collect(),
            _ => {
                let oldest = self.log.end().saturating_sub(count as u64).max(self.log.oldest());
                let entries = (oldest..self.log.end()).filter_map(|position| self.log.entry(position));
                entries.map(|entry| entry.sequence).collect()
            }
        }
    }
}
