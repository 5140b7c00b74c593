//! A connection's part in a channel.

use super::log::{Log, Read};
use super::shared::{Shared, State, Topic};
use crate::sync::{AtomicU64, MutexGuard, Ordering};
use crate::{End, EndReason, Frame, LastEventId, Source};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
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
    /// It ends, with [`EndReason::Lagged`], when the next event that it should get is no longer held.
    #[default]
    Lost,
    /// It ends, with [`EndReason::Lagged`], when more than `limit` events of a topic wait for it. As they're still kept for replay
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

type Filter<L> = Box<dyn FnMut(&L) -> bool + Send>;
type Notice<T> = Box<dyn FnMut(T) -> Option<Frame> + Send>;

/// A subscription before it begins; see [`Channel::subscription`](super::Channel::subscription).
#[must_use = "it begins with `begin`"]
pub struct SubscriptionBuilder<L> {
    shared: Arc<Shared<L>>,
    topics: Vec<Box<str>>,
    last_event_id: LastEventId,
    start: Start,
    lag: Lag,
    filter: Option<Filter<L>>,
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
            filter: None,
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
    pub fn filter(mut self, filter: impl FnMut(&L) -> bool + Send + 'static) -> Self {
        self.filter = Some(Box::new(filter));
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
        let Self { last_event_id, start, lag, filter, mut on_resumed, on_dropped, .. } = self;
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
        let parts: Vec<_> = parts.filter_map(|(&index, cursor)| state.part(slot, index, cursor)).collect();
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
            filter,
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

/// One connection's part in a [`Channel`](super::Channel) or in some [`Topics`](super::Topics): a [`Source`] for its
/// [`EventStream`](crate::EventStream).
///
/// It's a place in what the channel keeps, not a queue: it holds no events, and whoever has read everything costs nothing
/// until there's more. While there's nothing, a poll takes no lock.
///
/// A client that has no event yet begins with its position, a block of an `id` alone, so that it can be
/// resumed from the first moment on.
///
/// # The end
/// It ends when the channel is closed and everything was handed out, or when it lags and its
/// [policy](Lag) says so. When its stream is stopped, what was published before still goes out.
#[must_use = "sources do nothing unless polled"]
pub struct Subscription<L = ()>
where
    L: Clone,
{
    shared: Arc<Shared<L>>,
    parts: Vec<Part>,
    slot: usize,
    resumed: Resumed,
    lag: Lag,
    filter: Option<Filter<L>>,
    on_dropped: Option<Notice<u64>>,
    ready: VecDeque<Frame>,
    /// Closed: nothing after this number.
    until: Option<u64>,
    ended: Option<EndReason>,
    reason: Option<EndReason>,
    waker: Option<Waker>,
    /// The waker lies with the channel, unless that has changed meanwhile.
    parked: bool,
}

/// Its place in one topic.
#[derive(Debug)]
pub(super) struct Part {
    topic: usize,
    /// Among the topic's subscribers.
    place: usize,
    version: Arc<AtomicU64>,
    seen: u64,
    /// The position of the next event in the log; or, while conflating, the number of the last one.
    cursor: u64,
    /// What was there before it began is replay, and no lag.
    replay_to: u64,
    /// How many events of the newest per key were let go so far.
    evicted: u64,
}

/// What a look under the lock has brought.
enum Taken<L> {
    Frame(Frame),
    /// To be filtered.
    Events(Vec<(Frame, L)>),
    Dropped(u64),
    End(EndReason),
    Nothing,
}

/// So many events are taken at once where each is looked at.
const FILTERED_BATCH: usize = 32;

impl<L: Clone> Subscription<L> {
    /// How the client's last event ID was taken up.
    pub fn resumed(&self) -> Resumed {
        self.resumed
    }

    fn is_parked(&self, cx: &Context<'_>) -> bool {
        self.parked
            && self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
            && self.parts.iter().all(|part| part.version.load(Ordering::Acquire) == part.seen)
    }

    /// One lock for a batch: where that's the last of it, the waker is left at once.
    fn take(&mut self, cx: &Context<'_>) -> Taken<L> {
        let Self { shared, parts, slot, lag, filter, until, waker, parked, .. } = self;
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        let mut state = shared.lock();
        let taken = state.take(*slot, parts, *lag, until.unwrap_or(u64::MAX), filter.is_some());
        let is_last = !state.is_behind(parts, *lag);
        let taken = match taken {
            Taken::Nothing if state.closed || until.is_some() => Taken::End(EndReason::SourceEnded),
            taken => taken,
        };
        *parked = is_last && !state.closed && until.is_none();
        let mut older = None;
        if *parked {
            for part in parts {
                part.seen = part.version.load(Ordering::Acquire);
            }
            older = waker.clone().and_then(|waker| state.wait(*slot, waker));
        }
        drop(state);
        drop(older);
        taken
    }
}

impl<L: Clone> Source for Subscription<L> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
        let this = self.get_mut();
        loop {
            if let Some(frame) = this.ready.pop_front() {
                return Poll::Ready(Ok(frame));
            }
            if let Some(reason) = this.ended {
                return Poll::Ready(Err(reason.into()));
            }
            if this.is_parked(cx) {
                return Poll::Pending;
            }
            match this.take(cx) {
                Taken::Frame(frame) => return Poll::Ready(Ok(frame)),
                Taken::Events(events) => {
                    let Some(filter) = &mut this.filter else { continue };
                    this.ready.extend(
                        events.into_iter().filter(|(_, label)| filter(label)).map(|(frame, _)| frame),
                    );
                }
                Taken::Dropped(dropped) => {
                    this.ready.extend(this.on_dropped.as_mut().and_then(|notice| notice(dropped)));
                }
                Taken::End(reason) => {
                    this.ended = Some(reason);
                    this.reason = this.reason.or(Some(reason));
                }
                Taken::Nothing => return Poll::Pending,
            }
        }
    }

    fn close(self: Pin<&mut Self>, reason: EndReason) -> bool {
        let this = self.get_mut();
        this.reason = this.reason.or(Some(reason));
        this.parked = false;
        let state = this.shared.lock();
        this.until = Some(state.sequence);
        !this.ready.is_empty() || state.is_behind(&this.parts, this.lag)
    }
}

impl<L: Clone> Drop for Subscription<L> {
    fn drop(&mut self) {
        self.shared.remove(self.slot, self.parts.iter().map(|part| (part.topic, part.place)));
        if let Some(hook) = &self.shared.options.on_end {
            hook(self.reason.unwrap_or(EndReason::Dropped));
        }
    }
}

impl<L: Clone> fmt::Debug for Subscription<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("parts", &self.parts)
            .field("resumed", &self.resumed)
            .field("lag", &self.lag)
            .finish_non_exhaustive()
    }
}

impl<L: Clone> State<L> {
    /// The cursors from which a client goes on that has seen everything up to a number; none where its own id can't be
    /// resumed without a loss.
    fn replay(
        &self,
        indices: &[usize],
        sequence: u64,
        lag: Lag,
        ids: super::Ids,
    ) -> (Option<Vec<u64>>, Resumed) {
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
            (_, super::Ids::Callers) => (None, Resumed::Unknown),
            (missed, super::Ids::Assigned) => (Some(cursors), Resumed::Gap { missed }),
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

    fn part(&mut self, slot: usize, index: usize, cursor: u64) -> Option<Part> {
        let topic = self.topics.get_mut(index)?;
        let place = topic.subscribers.insert(slot);
        Some(Part {
            topic: index,
            place,
            version: Arc::clone(&topic.version),
            seen: topic.version.load(Ordering::Acquire),
            cursor,
            replay_to: topic.log.end(),
            evicted: topic.latest.as_ref().map_or(0, super::latest::Latest::evicted),
        })
    }

    fn is_behind(&self, parts: &[Part], lag: Lag) -> bool {
        parts.iter().any(|part| {
            let topic = self.topics.get(part.topic);
            topic.is_some_and(|topic| topic.next(part.cursor, lag).is_some())
        })
    }

    fn take(&mut self, slot: usize, parts: &mut [Part], lag: Lag, until: u64, filtered: bool) -> Taken<L> {
        let mut dropped = 0_u64;
        for part in &mut *parts {
            let Some(topic) = self.topics.get(part.topic) else { continue };
            let Ok(lost) = topic.check(part, lag) else {
                self.counters.lagged = self.counters.lagged.saturating_add(1);
                return Taken::End(EndReason::Lagged);
            };
            dropped = dropped.saturating_add(lost);
        }
        if dropped > 0 {
            self.counters.lagged = self.counters.lagged.saturating_add(1);
            self.counters.dropped = self.counters.dropped.saturating_add(dropped);
            return Taken::Dropped(dropped);
        }
        let mut events = Vec::new();
        while let Some((index, before)) = self.next(parts, lag, until) {
            let Some(part) = parts.get_mut(index) else { break };
            let Some(topic) = self.topics.get_mut(part.topic) else { break };
            if lag == Lag::Conflate {
                let Some((sequence, value)) =
                    topic.latest.as_ref().and_then(|latest| latest.after(part.cursor))
                else {
                    break;
                };
                events.push((Frame::from_joined(value.frame.clone()), value.label.clone()));
                part.cursor = sequence;
                self.delivered(slot, sequence, 1);
            } else if filtered {
                let Some(entry) = topic.log.entry(part.cursor) else { break };
                let sequence = entry.sequence;
                events.push((Frame::from_joined(entry.frame.clone()), entry.label.clone()));
                part.cursor = part.cursor.saturating_add(1);
                self.delivered(slot, sequence, 1);
            } else {
                let Read::Events { frames, to, sequence } = topic.log.read(part.cursor, before) else {
                    break;
                };
                let count = to.saturating_sub(part.cursor);
                part.cursor = to;
                self.delivered(slot, sequence, count);
                return Taken::Frame(Frame::from_joined(frames));
            }
            if !filtered {
                return events.pop().map_or(Taken::Nothing, |(frame, _)| Taken::Frame(frame));
            }
            if events.len() >= FILTERED_BATCH {
                break;
            }
        }
        if events.is_empty() { Taken::Nothing } else { Taken::Events(events) }
    }

    /// The part whose next event has the smallest number, and the number that its events must stay below.
    fn next(&self, parts: &[Part], lag: Lag, until: u64) -> Option<(usize, u64)> {
        let end = until.saturating_add(1);
        if let ([part], true) = (parts, lag != Lag::Conflate) {
            let entry = self.topics.get(part.topic)?.log.entry(part.cursor)?;
            return (entry.sequence < end).then_some((0, end));
        }
        let (mut smallest, mut second, mut found) = (end, end, None);
        for (index, part) in parts.iter().enumerate() {
            let next = self.topics.get(part.topic).and_then(|topic| topic.next(part.cursor, lag));
            let Some(sequence) = next.filter(|&sequence| sequence < end) else { continue };
            if sequence < smallest {
                (second, smallest, found) = (smallest, sequence, Some(index));
            } else {
                second = second.min(sequence);
            }
        }
        found.map(|index| (index, second))
    }
}

/// A subscription is to end.
struct Lagged;

impl<L> Topic<L> {
    /// The number of the event at a cursor.
    fn next(&self, cursor: u64, lag: Lag) -> Option<u64> {
        match &self.latest {
            Some(latest) if lag == Lag::Conflate => latest.after(cursor).map(|(sequence, _)| sequence),
            _ if cursor >= self.log.end() => None,
            // Gone, which is for another to say; it's more than nothing.
            _ => Some(self.log.entry(cursor).map_or(0, |entry| entry.sequence)),
        }
    }

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

    /// Whether a part lags, and how many events it loses by that.
    fn check(&self, part: &mut Part, lag: Lag) -> Result<u64, Lagged> {
        if let (Lag::Conflate, Some(latest)) = (lag, &self.latest) {
            let is_lost = latest.evicted_after(part.cursor) > 0;
            let lost = latest.evicted().saturating_sub(part.evicted);
            part.evicted = latest.evicted();
            return Ok(if is_lost { lost } else { 0 });
        }
        let limit = match lag {
            Lag::Disconnect { limit } | Lag::DropOldest { limit } => limit.get() as u64,
            Lag::Lost | Lag::Conflate => u64::MAX,
        };
        let log: &Log<L> = &self.log;
        let waiting = log.batch_start().saturating_sub(part.cursor.max(part.replay_to));
        let keep_from = if waiting > limit { log.batch_start().saturating_sub(limit) } else { part.cursor };
        let keep_from = keep_from.max(log.end().saturating_sub(log.len()));
        let lost = keep_from.saturating_sub(part.cursor);
        if lost > 0 && !matches!(lag, Lag::DropOldest { .. }) {
            return Err(Lagged);
        }
        part.cursor = keep_from;
        Ok(lost)
    }
}
