//! How a subscription begins.

use super::options::Ids;
use super::reader::Part;
use super::shared::{Shared, State, Topic};
use super::subscription::{FilterMap, Notice, Subscription};
use crate::sync::MutexGuard;
use crate::{Frame, LastEventId};
use alloc::boxed::Box;
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
        /// How many events it misses; over several topics, the most that it can be.
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
    /// It ends, with [`EndReason::Lagged`](crate::EndReason::Lagged), when more than `limit` events of a topic wait for it. As they're still kept for replay
    /// then, its client comes back with its last event ID and loses nothing.
    Disconnect {
        /// At most what's retained.
        limit: NonZeroUsize,
    },
    /// It loses the oldest of the events that wait for it, so that no more than `limit` of a topic do.
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
    /// There are as many topics as there may be.
    TooManyTopics {
        /// How many.
        limit: usize,
    },
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitOutsideRetention { limit, retained } => {
                write!(f, "a lag limit of {limit} events is more than the {retained} that are retained")
            }
            Self::NotKeyed => f.write_str("the channel keeps no newest event per key"),
            Self::TooManyTopics { limit } => write!(f, "there are {limit} topics already"),
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

impl<L: Clone> SubscriptionBuilder<L> {
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
        self.topics.sort_unstable();
        self.topics.dedup();

        let now = options.now();
        let mut state = shared.lock();
        let mut indices = Vec::with_capacity(self.topics.len());
        for name in &self.topics {
            let Ok(index) = shared.topic(&mut state, name, now) else {
                for index in indices {
                    shared.forget_unused(&mut state, index);
                }
                return Err(SubscribeError::TooManyTopics { limit: options.max_topics });
            };
            indices.push(index);
        }
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
        let slot = state.add(known.unwrap_or_default());
        let parts = indices.iter().zip(cursors);
        let parts: Vec<_> = parts
            .filter_map(|(&index, cursor)| Some(Part::new(state.topics.get_mut(index)?, index, slot, cursor)))
            .collect();
        let position = if resumed == Resumed::Complete || state.is_behind(&parts, lag) {
            None
        } else {
            let sequence = state.sequence;
            state.delivered(slot, sequence, 0);
            shared.position(&state)
        };
        drop(state);

        let announced = on_resumed.as_mut().and_then(|notice| notice(resumed));
        if let Some(hook) = &shared.options.on_subscribe {
            hook(resumed);
        }
        Subscription {
            shared: Arc::clone(shared),
            parts,
            slot,
            resumed,
            lag,
            filter_map,
            on_dropped,
            ready: announced.into_iter().chain(position).collect(),
            until: None,
            ended: None,
            reason: None,
            waker: None,
            parked: false,
        }
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

impl<L: Clone> State<L> {
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
                sequences.sort_unstable();
                let first = sequences.len().saturating_sub(count);
                sequences.get(first).map_or(self.sequence, |sequence| sequence.saturating_sub(1))
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
