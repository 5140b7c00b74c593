//! How a subscription begins.

use super::cursor::{Cursor, Places, Position};
use super::log::Missed;
use super::policy::{Ids, Lag, Resumed, Start};
use super::shared::{Shared, unlock};
use super::state::State;
use super::subscription::{FilterMap, Notice, Subscription, Told};
use super::topic::{Several, Topic};
use crate::codec::Frame;
use crate::http::LastEventId;
use crate::sync::{AtomicU64, Ordering};
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
    positions: bool,
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
            positions: true,
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

    /// Sets whether the client is told its position, in a block of an `id` alone, where no event tells it. That's on by default.
    ///
    /// Without it, a client that's cut off before its first event begins anew and misses what was published meanwhile, and one
    /// behind a filter may be told a gap where it has missed nothing. Some clients take such a block for an event, or fail at it.
    pub fn positions(mut self, on: bool) -> Self {
        self.positions = on;
        self
    }

    /// Leaves out the events for whose label `filter` says `false`, in a replay as live: for what a client isn't
    /// allowed to see, say.
    pub fn filter(self, mut filter: impl FnMut(&L) -> bool + Send + 'static) -> Self {
        self.filter_map(move |label, frame| filter(label).then_some(frame))
    }

    /// Hands out what `map` makes of each event, given its label, in a replay as live; and leaves out those of which it makes
    /// nothing. What it makes has to have the event's `id`, by which the client resumes. It replaces an earlier filter. Such a subscription takes its events one by one, not joined.
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

    /// Tells the client in band how many events it has just lost because it lagged; while [conflating](Lag::Conflate), the most
    /// that it can be.
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
        let Self {
            shared,
            topics,
            last_event_id,
            start,
            lag,
            positions,
            filter_map,
            mut on_resumed,
            on_dropped,
        } = self;
        let Beginning { slot, places, resumed, version, seen, lost_to, position } =
            Beginning::find(&shared, &topics, &last_event_id, start, lag, filter_map.is_some());

        // From here on a panic of a caller's code ends a subscription, and leaves nothing behind.
        let mut subscription = Subscription {
            shared: Arc::clone(&shared),
            places,
            slot,
            resumed,
            lag,
            filter_map,
            on_resumed: None,
            on_dropped,
            ready: VecDeque::new(),
            told: Told { is_on: positions, is_due: false, lost_to, to: seen },
            until: None,
            ended: None,
            reason: None,
            waker: None,
            seen: version.load(Ordering::Acquire),
            version,
            is_parked: false,
        };
        subscription.ready.extend(on_resumed.as_mut().and_then(|notice| notice(resumed)));
        subscription.on_resumed = on_resumed.filter(|_| shared.is_following());
        if positions && resumed != Resumed::Complete {
            subscription.told.is_due = position.is_none();
            subscription.ready.extend(position.map(|position| position.frame()));
        }
        if let Some(hook) = &shared.options.on_subscribe {
            hook(resumed);
        }
        subscription
    }
}

/// Where a subscription begins.
struct Beginning {
    slot: usize,
    places: Places,
    resumed: Resumed,
    /// Moves on with each change of its topics.
    version: Arc<AtomicU64>,
    /// The client has seen everything up to this number.
    seen: u64,
    /// Of its topics, what has no greater number and wasn't seen may be lost.
    lost_to: u64,
    /// Where it is, if nothing waits for it.
    position: Option<Position>,
}

impl Beginning {
    /// Finds where a client goes on, and enters the subscription with its topics; all under one lock.
    fn find<L>(
        shared: &Shared<L>,
        topics: &[Box<str>],
        last_event_id: &LastEventId,
        start: Start,
        lag: Lag,
        is_filtered: bool,
    ) -> Self {
        let mut state = shared.lock_at_this_time();
        let indices: Vec<_> = topics.iter().map(|name| shared.topic(&mut state, name)).collect();
        for &index in &indices {
            let needed_from = state.topics.get(index).map_or(0, |topic| topic.needed_from());
            state.trim(index, needed_from);
        }
        let known = last_event_id.as_id().and_then(|id| shared.sequence_of(&state, id, &indices));
        let (positions, resumed) = match (last_event_id, known) {
            (_, Some(seen)) => state.replay(&indices, seen, lag, shared.options.ids, is_filtered),
            (LastEventId::None, _) => (None, Resumed::Fresh),
            _ => (None, Resumed::Unknown),
        };
        let positions = positions.unwrap_or_else(|| state.start(&indices, start, lag));
        let several = (indices.len() != 1).then(|| Several {
            keys: Vec::new(),
            version: Arc::new(AtomicU64::new(0)),
            changed: Vec::new(),
        });
        let version = match (&several, indices.first().and_then(|&index| state.topics.get(index))) {
            (None, Some(topic)) => Arc::clone(&topic.version),
            (Some(several), _) => Arc::clone(&several.version),
            (None, None) => {
                debug_assert!(false, "a topic that is subscribed to is there");
                Arc::default()
            }
        };
        let slot = state.add(several);
        let places = state.enter(slot, &indices, positions, lag, known.unwrap_or_default());
        let first = state.next(&places, lag);
        let reached = first.map_or(state.sequence, |first| first.saturating_sub(1));
        state.reached(slot, reached);
        let position = match first {
            Some(_) => None,
            None => shared.position(&state, &places, u64::MAX, is_filtered),
        };
        let seen = match (first, known) {
            (None, known) => reached.max(known.unwrap_or_default()),
            (Some(_), known) => known.unwrap_or(reached),
        };
        let topics = indices.iter().filter_map(|&index| state.topics.get(index));
        let lost_to = topics.map(|topic| topic.lost_to(lag)).fold(state.losses.to(), u64::max);
        unlock(state, Vec::new());
        Self { slot, places, resumed, version, seen, lost_to, position }
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
    fn enter(&mut self, slot: usize, indices: &[usize], positions: Vec<u64>, lag: Lag, seen: u64) -> Places {
        debug_assert_eq!(indices.len(), positions.len(), "each topic is there, and has a position");
        let mut cursors = Vec::with_capacity(indices.len());
        for (&index, position) in indices.iter().zip(positions) {
            if let Some(topic) = self.topics.get_mut(index) {
                if lag != Lag::Conflate {
                    topic.log.hold_from(position);
                }
                topic.subscribe(slot, cursors.len(), &mut self.slots);
                cursors.push(Cursor::new(topic, index, position));
            }
        }
        Places::new(self, cursors.into(), seen)
    }

    /// Returns the positions from which a client goes on that has seen everything up to a number; none where its own id can't be
    /// resumed without a loss.
    fn replay(
        &self,
        indices: &[usize],
        seen: u64,
        lag: Lag,
        ids: Ids,
        is_filtered: bool,
    ) -> (Option<Vec<u64>>, Resumed) {
        let lost = self.losses.after(seen, 0);
        let mut missed = lost.events;
        let mut is_exact = !is_filtered && (missed == 0 || (lost.is_exact && self.permanent));
        let mut positions = Vec::with_capacity(indices.len());
        for topic in indices.iter().filter_map(|&index| self.topics.get(index)) {
            let (position, missed_here) = if let (Lag::Conflate, Some(latest)) = (lag, &topic.latest) {
                (seen, Missed { events: latest.evicted_after(seen), is_exact: false })
            } else {
                let replay = topic.log.replay_after(seen);
                (replay.from, replay.missed)
            };
            missed = missed.saturating_add(missed_here.events);
            is_exact &= missed_here.is_exact || missed_here.events == 0;
            positions.push(position);
        }
        match (missed, ids) {
            (0, _) => (Some(positions), Resumed::Complete),
            (_, Ids::Callers) => (None, Resumed::Unknown),
            (missed, Ids::Assigned) => (Some(positions), Resumed::Gap { missed, is_exact }),
        }
    }

    /// Returns the positions of a client of which nothing is known.
    fn start(&self, indices: &[usize], start: Start, lag: Lag) -> Vec<u64> {
        let topics = || indices.iter().filter_map(|&index| self.topics.get(index));
        let after = match (start, lag) {
            (Start::Live | Start::Last(0), Lag::Conflate) => self.sequence,
            (Start::Live | Start::Last(0), _) => return topics().map(|topic| topic.log.end()).collect(),
            (Start::Oldest, Lag::Conflate) => 0,
            // A beginning in the middle of a log is one, a hole in it isn't.
            (Start::Oldest, _) => self.losses.to(),
            (Start::Last(count), Lag::Conflate) => {
                let mut sequences: Vec<_> = topics().flat_map(|topic| topic.newest(count)).collect();
                let first = sequences.len().saturating_sub(count);
                if first < sequences.len() {
                    sequences.select_nth_unstable(first);
                }
                sequences.get(first).map_or(self.sequence, |first| first.saturating_sub(1))
            }
            (Start::Last(count), _) => self.before_last(topics, count as u64),
        };
        let position = |topic: &Topic<L>| match lag {
            Lag::Conflate => after,
            _ => topic.log.replay_after(after).from,
        };
        topics().map(|topic| position(topic)).collect()
    }

    /// Returns the number before that of the first of the last `count` events that some topics can replay. The number is searched for, for
    /// there may be any number of events.
    fn before_last<'a, T>(&'a self, topics: impl Fn() -> T, count: u64) -> u64
    where
        T: Iterator<Item = &'a Box<Topic<L>>>,
        L: 'a,
    {
        let (mut low, mut high) = (self.losses.to(), self.sequence);
        while low < high {
            let middle = low.midpoint(high);
            let newer = topics().map(|topic| topic.log.replayable_after(middle)).fold(0, u64::saturating_add);
            if newer > count {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        low
    }
}

impl<L> Topic<L> {
    /// Returns the number of the last event that a new subscription can't get.
    fn lost_to(&self, lag: Lag) -> u64 {
        match &self.latest {
            Some(latest) if lag == Lag::Conflate => latest.evicted_to(),
            _ => self.log.lost_to(),
        }
    }

    /// Returns the numbers of the newest events per key.
    fn newest(&self, count: usize) -> impl Iterator<Item = u64> {
        self.latest.iter().flat_map(move |latest| latest.newest(count))
    }
}
