//! How a log is set up.

use core::time::Duration;

/// How a log on disk is set up: see [`DiskLog::open`](crate::DiskLog::open).
#[derive(Clone, Debug)]
#[must_use]
pub struct DiskOptions {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    pub(crate) age: Option<Duration>,
    pub(crate) tokens: usize,
    pub(crate) loses_damaged: bool,
    pub(crate) begins_anew: bool,
}

impl DiskOptions {
    /// Creates the default settings: the newest 100,000 events are kept, as far as they have no more than 256 MiB, whatever their age.
    pub fn new() -> Self {
        Self {
            events: 100_000,
            bytes: 256 << 20,
            age: None,
            tokens: 65_536,
            loses_damaged: false,
            begins_anew: false,
        }
    }

    /// Keeps the newest `events` of all topics together, as far as their records have no more than `bytes`. At least the newest event is
    /// kept. The file is some two times as large.
    ///
    /// How many of these are in memory, and can be replayed, the [`ChannelOptions`](eventsource_core::ChannelOptions) say, for each topic.
    pub fn retain(mut self, events: u64, bytes: u64) -> Self {
        (self.events, self.bytes) = (events, bytes);
        self
    }

    /// Lets go events that are older than `age` by the computer's clock. It's looked at with each publication, and when the log is
    /// opened.
    pub fn retain_for(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Sets how many of the newest tokens are remembered, as far as their events are kept; by default 65,536. See
    /// [`DiskLog::publish_once`](crate::DiskLog::publish_once).
    pub fn tokens(mut self, tokens: usize) -> Self {
        self.tokens = tokens;
        self
    }

    /// Sets whether a log is opened whose events are damaged. Those are passed over, and clients that haven't seen them are told a gap. By
    /// default, opening such a log is an error. Where the file is damaged elsewhere than in an event, opening it may fail all the same,
    /// or panic.
    pub fn lose_damaged(mut self, lose: bool) -> Self {
        self.loses_damaged = lose;
        self
    }

    /// Has the log begin another epoch when it's opened: for a log that was restored from a backup, since which clients may have seen
    /// other events with the same numbers. They resume as unknown then.
    pub fn begin_anew(mut self, anew: bool) -> Self {
        self.begins_anew = anew;
        self
    }
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self::new()
    }
}
