//! What a channel counts.

/// What a [`Channel`](super::Channel), or all of a [`Topics`](super::Topics), has done so far and holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events published.
    pub published: u64,
    /// Events handed out to subscriptions, each time counted; what a filter has left out isn't.
    pub delivered: u64,
    /// How often a subscription was ended, or lost events, because it lagged.
    pub lagged: u64,
    /// Events that lagging subscriptions have lost.
    pub dropped: u64,
    /// Subscriptions made.
    pub subscribed: u64,
    /// Subscriptions now.
    pub subscribers: usize,
    /// Topics now.
    pub topics: usize,
    /// Events held now.
    pub events: u64,
    /// Bytes of encoded events held now. What's being sent may be held longer, the events of the newest segment twice, and a peak's until
    /// a few more operations have given back its memory.
    pub bytes: usize,
    /// How often frames were joined so that many could share them.
    pub joins: u64,
    /// Bytes copied by that.
    pub joined_bytes: u64,
}

/// What one topic has done so far and holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicStats {
    /// Its name.
    pub name: alloc::string::String,
    /// Events published.
    pub published: u64,
    /// Events held now.
    pub events: u64,
    /// Bytes of encoded events held now.
    pub bytes: usize,
    /// Subscriptions now.
    pub subscribers: usize,
    /// Subscriptions that are behind now.
    pub behind: usize,
    /// How many events wait for the one that's furthest behind.
    pub lag: u64,
}
