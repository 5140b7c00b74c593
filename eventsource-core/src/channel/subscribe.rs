//! How a subscription begins.

use super::cursor::Cursor;
use super::policy::{Ids, Lag, Resumed, Start};
use super::shared::{Shared, unlock};
use super::state::{State, Topic};
use super::subscription::{FilterMap, Notice, Subscription};
use crate::codec::Frame;
use crate::http::LastEventId;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// There's no subscription.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubscribeError {
    /// Whoever lagged by so much would come back and find events gone.
    #[non_exhaustive]
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
            lag: Lag::default(),
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

    /// Begins the subscription.
    ///
    /// # Errors
    /// [`SubscribeError`] where what was asked for can't be.
    pub fn begin(self) -> Result<Subscription<L>, SubscribeError> {
        let options = &self.shared.options;
        let retained = options.retention.events;
        match self.lag {
            Lag::Disconnect { limit: Some(limit) } if limit.max(1) > retained => {
                return Err(SubscribeError::LimitOutsideRetention { limit: limit.max(1), retained });
            }
            Lag::Conflate if options.latest.is_none() => return Err(SubscribeError::NotKeyed),
            _ => {}
        }
        if self.topics.is_empty() {
            return Err(SubscribeError::NoTopics);
        }
        Ok(self.begin_checked())
    }

    /// Begins the subscription with settings under which it can't fail.
    pub(super) fn begin_checked(mut self) -> Subscription<L> {
        self.topics.sort_unstable();
        self.topics.dedup();
        let Self { shared, topics, last_event_id, start, lag, filter_map, mut on_resumed, on_dropped } = self;
        let Beginning { slot, cursors, resumed, position } =
            Beginning::find(&shared, &topics, &last_event_id, start, lag, filter_map.is_some());

        // From here on a panic of a caller's code ends a subscription, and leaves nothing behind.
        let mut subscription = Subscription {
            shared: Arc::clone(&shared),
            cursors,
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

/// Where a subscription begins.
struct Beginning {
    slot: usize,
    cursors: Box<[Cursor]>,
    resumed: Resumed,
    /// What tells the client where it is, if it has to be told.
    position: Option<Frame>,
}

impl Beginning {
    /// Finds where a client goes on, and enters the subscription with its topics; all under one lock.
    fn find<L>(
        shared: &Shared<L>,
        topics: &[Box<str>],
        last_event_id: &LastEventId,
        start: Start,
        lag: Lag,
        filtered: bool,
    ) -> Self {
        let now = shared.options.now();
        let mut state = shared.lock();
        let indices: Vec<_> = topics.iter().map(|name| shared.topic(&mut state, name)).collect();
        for &index in &indices {
            state.trim(index, now);
        }
        let known = last_event_id.as_id().and_then(|id| shared.sequence_of(&state, id));
        let (positions, resumed) = match (last_event_id, known) {
            (_, Some(sequence)) => state.replay(&indices, sequence, lag, shared.options.ids),
            (LastEventId::None, _) => (None, Resumed::Fresh),
            _ => (None, Resumed::Unknown),
        };
        let positions = positions.unwrap_or_else(|| state.start(&indices, start, lag));
        let slot = state.add();
        let cursors = state.enter(slot, &indices, positions);
        let first = cursors.iter().filter_map(|cursor| state.next(cursor, lag)).min();
        let reached = first.map_or(state.sequence, |first| first.saturating_sub(1));
        state.reached(slot, reached);
        let position = match (resumed, first) {
            (Resumed::Complete, _) | (_, Some(_)) => None,
            _ => shared.position(&state, &indices, filtered),
        };
        unlock(state);
        Self { slot, cursors, resumed, position }
    }
}

/// The settings, never a topic's name or an id.
impl<L> fmt::Debug for SubscriptionBuilder<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionBuilder")
            .field("topics", &self.topics.len())
            .field("start", &self.start)
            .field("lag", &self.lag)
            .finish_non_exhaustive()
    }
}

impl<L> State<L> {
    /// Enters a subscription with its topics, from these positions on. There's not a cursor more than there are topics.
    fn enter(&mut self, slot: usize, indices: &[usize], positions: Vec<u64>) -> Box<[Cursor]> {
        debug_assert_eq!(indices.len(), positions.len(), "each topic is there, and has a position");
        let mut cursors = Vec::with_capacity(indices.len());
        for (&index, position) in indices.iter().zip(positions) {
            let topic = self.topics.get_mut(index);
            cursors.extend(topic.map(|topic| Cursor::new(topic, index, slot, position)));
        }
        cursors.into()
    }

    /// Returns the positions from which a client goes on that has seen everything up to a number; none where its own id can't be
    /// resumed without a loss.
    fn replay(&self, indices: &[usize], sequence: u64, lag: Lag, ids: Ids) -> (Option<Vec<u64>>, Resumed) {
        let mut missed = 0_u64;
        let mut positions = Vec::with_capacity(indices.len());
        for topic in indices.iter().filter_map(|&index| self.topics.get(index)) {
            let (position, missed_here) = if let (Lag::Conflate, Some(latest)) = (lag, &topic.latest) {
                (sequence, latest.evicted_after(sequence))
            } else {
                let replay = topic.log.replay_after(sequence);
                (replay.from, replay.missed)
            };
            missed = missed.saturating_add(missed_here);
            positions.push(position);
        }
        match (missed, ids) {
            (0, _) => (Some(positions), Resumed::Complete),
            (_, Ids::Callers) => (None, Resumed::Unknown),
            (missed, Ids::Assigned) => (Some(positions), Resumed::Gap { missed }),
        }
    }

    /// Returns the positions of a client of which nothing is known.
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
        let position = |topic: &Topic<L>| if conflate { after } else { topic.log.replay_after(after).from };
        topics().map(position).collect()
    }
}

impl<L> Topic<L> {
    /// Returns the position of a client that has seen everything.
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
