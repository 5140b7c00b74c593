//! How it goes, for a person to see.

use eventsource_core::channel::Stats;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) connected: AtomicBool,
    /// Messages that came again and weren't published again.
    pub(crate) known: AtomicU64,
    /// Messages that weren't UTF-8.
    pub(crate) rejected: AtomicU64,
}

impl Progress {
    pub(crate) fn summary(&self, queue: &str, channel: Stats) -> String {
        format!(
            "The messages of the queue {queue:?} as an event stream: /events\n\n\
             broker: {}\npublished: {}\nknown already: {}\nrejected: {}\nlisteners: {}\n",
            if self.connected.load(Relaxed) { "connected" } else { "away" },
            channel.published,
            self.known.load(Relaxed),
            self.rejected.load(Relaxed),
            channel.subscribers,
        )
    }
}
