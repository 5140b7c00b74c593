//! What the server reports and its client reads: one type for both.

use eventsource_core::channel::Stats;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How the server does.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Report {
    pub(crate) uptime_ms: u64,
    pub(crate) published: u64,
    pub(crate) delivered: u64,
    pub(crate) subscribers: usize,
    pub(crate) held: Held,
}

/// What's kept for clients that come back.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Held {
    pub(crate) events: u64,
    pub(crate) bytes: usize,
}

impl Report {
    pub(crate) fn new(uptime: Duration, stats: &Stats) -> Self {
        Self {
            uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX),
            published: stats.published,
            delivered: stats.delivered,
            subscribers: stats.subscribers,
            held: Held { events: stats.events, bytes: stats.bytes },
        }
    }
}
