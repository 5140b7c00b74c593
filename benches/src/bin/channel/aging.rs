//! Topics whose events age when they're told to.

use eventsource_core::{ChannelOptions, Topics};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Topics with a clock that's moved by hand.
pub(crate) struct Aging {
    pub(crate) topics: Topics,
    minutes: Arc<AtomicU64>,
}

impl Aging {
    /// Creates topics set up by `options`, whose events are kept for less than a minute.
    pub(crate) fn new(options: ChannelOptions) -> Self {
        let minutes = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&minutes);
        let clock = move || Duration::from_secs(60 * clock.load(Ordering::Acquire));
        Self { topics: Topics::with_options(options.retain_for(Duration::from_secs(59), clock)), minutes }
    }

    /// Makes all events that are there too old to be kept.
    pub(crate) fn advance(&self) {
        self.minutes.fetch_add(1, Ordering::Release);
    }
}
