//! How a channel is set up.

use super::policy::{Bounds, Ids, Resumed};
use crate::stream::EndReason;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

/// Tells the time since a moment of its own; only where the age of something must be known.
///
/// ```
/// use std::time::Instant;
/// use eventsource_core::channel::Clock;
///
/// let start = Instant::now();
/// let clock = move || start.elapsed();
/// assert!(clock.now() <= clock.now());
/// ```
pub trait Clock {
    /// Returns the time, never less than before. It mustn't panic: it may run while the stack is unwound.
    fn now(&self) -> Duration;
}

impl<F: Fn() -> Duration> Clock for F {
    fn now(&self) -> Duration {
        self()
    }
}

/// How a [`Channel`](super::Channel) or [`Topics`](super::Topics) is set up.
///
/// What's kept bounds the memory, however many subscribe: the events that can be replayed, by number, bytes and maybe age, and the
/// live window for subscribers that are a little behind; for topics, each has that much.
#[derive(Clone)]
pub struct ChannelOptions {
    pub(super) retention: Bounds,
    pub(super) window: Bounds,
    pub(super) ids: Ids,
    pub(super) latest: Option<Bounds>,
    pub(super) epoch: Option<u64>,
    pub(super) max_topics: usize,
    pub(super) clock: Option<Arc<dyn Clock + Send + Sync>>,
    pub(super) on_subscribe: Option<Arc<dyn Fn(Resumed) + Send + Sync>>,
    pub(super) on_end: Option<Arc<dyn Fn(EndReason) + Send + Sync>>,
}

impl ChannelOptions {
    /// 1,024 events and 4 MiB can be replayed, and are the live window; the ids are assigned.
    pub fn new() -> Self {
        let bounds = Bounds { events: 1024, bytes: 4 << 20, age: None };
        Self {
            retention: bounds,
            window: bounds,
            ids: Ids::Assigned,
            latest: None,
            epoch: None,
            max_topics: 65_536,
            clock: None,
            on_subscribe: None,
            on_end: None,
        }
    }

    /// Keeps for replay the newest `events`, as far as they're no more than `bytes` as encoded. Zero of either is no replay:
    /// whoever comes back then misses what was published meanwhile.
    #[must_use]
    pub fn retain(mut self, events: usize, bytes: usize) -> Self {
        (self.retention.events, self.retention.bytes) = (events, bytes);
        self
    }

    /// Keeps nothing for replay that's older than `age`. The clock is looked at with each publication to any topic, each
    /// subscription and its end. Each of these lets go the events of at most 64 topics and gives back the memory of some
    /// 2,000 events, or 250 with [callers' ids](Ids::Callers), and of as many as it has let go itself, so that nobody has to wait for more;
    /// [`Topics::topics`](super::Topics::topics) does so for all.
    #[must_use]
    pub fn retain_for(mut self, age: Duration, clock: impl Clock + Send + Sync + 'static) -> Self {
        self.retention.age = Some(age);
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Keeps for subscribers that are behind, whatever their age, the newest `events`, as far as they're no more than `bytes`; always at least what
    /// was published with the last call.
    #[must_use]
    pub fn live_window(mut self, events: usize, bytes: usize) -> Self {
        (self.window.events, self.window.bytes) = (events, bytes);
        self
    }

    /// Whose ids the events have.
    #[must_use]
    pub fn ids(mut self, ids: Ids) -> Self {
        self.ids = ids;
        self
    }

    /// Keeps the newest event of each of so many `keys`, as far as they're no more than `bytes` with their keys, for
    /// subscribers that [conflate](super::Lag::Conflate); always at least the newest event of all. They have no age. Zero keys
    /// count as one.
    #[must_use]
    pub fn latest_per_key(mut self, keys: usize, bytes: usize) -> Self {
        self.latest = Some(Bounds { events: keys.max(1), bytes, age: None });
        self
    }

    /// The epoch of the assigned ids, instead of a random one. Two channels that a client may come to one after the other, or one
    /// channel before and after a restart, must not have the same.
    #[must_use]
    pub fn epoch(mut self, epoch: u64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// Sets the most topics with events that there may be at once; by default 65,536. With zero, nothing can be published. Topics that are only subscribed to don't count: they're bounded by
    /// the subscriptions and how many topics each may name.
    #[must_use]
    pub fn max_topics(mut self, topics: usize) -> Self {
        self.max_topics = topics;
        self
    }

    /// Calls `hook` with each subscription. No lock is held meanwhile.
    #[must_use]
    pub fn on_subscribe(mut self, hook: impl Fn(Resumed) + Send + Sync + 'static) -> Self {
        self.on_subscribe = Some(Arc::new(hook));
        self
    }

    /// Calls `hook` once for each subscription that's over, with the reason that its stream's own hook is told:
    /// [`EventStream::on_end`](crate::EventStream::on_end). One whose stream was never polled was
    /// [dropped](EndReason::Dropped). No lock is held meanwhile. It mustn't panic: it may run while the stack is unwound.
    #[must_use]
    pub fn on_end(mut self, hook: impl Fn(EndReason) + Send + Sync + 'static) -> Self {
        self.on_end = Some(Arc::new(hook));
        self
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.as_ref().map_or(Duration::ZERO, |clock| clock.now())
    }
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ChannelOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelOptions")
            .field("retention", &self.retention)
            .field("window", &self.window)
            .field("ids", &self.ids)
            .field("latest", &self.latest)
            .field("max_topics", &self.max_topics)
            .finish_non_exhaustive()
    }
}
