//! What a channel keeps, where a subscription begins, and what happens to one that doesn't keep up.

use core::time::Duration;

/// How much is kept of something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    pub(crate) age: Option<Duration>,
}

impl Bounds {
    pub(crate) fn halved(&self) -> Self {
        let age = self.age.and_then(|age| age.checked_div(2));
        Self { events: self.events / 2, bytes: self.bytes / 2, age }
    }
}

/// Whose ids the events of a channel have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ids {
    /// The channel's: a [`SequenceId`](super::SequenceId) each.
    #[default]
    Assigned,
    /// The caller's: each event must have one, and no two that are kept the same. A client resumes after any
    /// event that's still kept, and after the last one let go of a topic that it subscribes to; any other id is unknown. Whoever
    /// uses an id again once its event was let go has clients of the first resume after the second.
    ///
    /// An id may say something of its event, so a client is told of none that a filter has kept from it. Behind a filter that
    /// rejects more than is retained, a client may thus resume as unknown.
    Callers,
}

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
        /// How many events it misses, or the most that it can be.
        missed: u64,
        /// Whether it's exactly so many. Otherwise it may be fewer: it isn't known of which topics the events were that are gone,
        /// or whether a filter would have let them pass.
        is_exact: bool,
    },
    /// Its last event ID isn't of this channel, or of its time before a restart. It has seen something, but nobody
    /// knows what.
    Unknown,
}

/// Where a subscription begins whose client has seen nothing, or nothing that's known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Start {
    /// Begins with the next event.
    #[default]
    Live,
    /// Begins with the oldest event that's kept for replay.
    Oldest,
    /// Begins with the last so many of the events that are kept for replay.
    Last(usize),
}

/// What happens to a subscription that doesn't keep up. What's published with one call, and what's replayed at the beginning,
/// doesn't count as lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lag {
    /// The subscription ends, with [`EndReason::Lagged`](crate::EndReason::Lagged), when the next event that it should get is no
    /// longer held, or when more than `limit` events of a topic wait for it. This is the default, without a limit.
    ///
    /// With a limit, and if the events that wait are all still kept for replay then, the client comes back with its last event ID
    /// and loses nothing. That's so where the retention's bytes and age have room for `limit` events, and for those that are
    /// published until the client comes back; and where the subscription is polled in time: how far it lags is looked at when it
    /// is. Otherwise its resumption tells a gap.
    Disconnect {
        /// At most what's retained. Zero counts as one.
        limit: Option<usize>,
    },
    /// The subscription loses the oldest of the events that wait for it, so that no more than `limit` of a topic do, besides what it
    /// still replays.
    DropOldest {
        /// The live window bounds it besides. Zero counts as one.
        limit: usize,
    },
    /// Only the newest event of each key waits for it. The channel needs
    /// [`latest_per_key`](super::ChannelOptions::latest_per_key).
    Conflate,
}

impl Default for Lag {
    fn default() -> Self {
        Self::Disconnect { limit: None }
    }
}
