//! A timer that counts how often it's set.

use eventsource_tokio::{Alarm, Timer};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// Tokio's, of which all settings are counted together.
#[derive(Default)]
pub(crate) struct Counting(Alarm);

static SETTINGS: AtomicU64 = AtomicU64::new(0);

impl Counting {
    /// Returns how often any was set so far.
    pub(crate) fn settings() -> u64 {
        SETTINGS.load(Ordering::Relaxed)
    }
}

impl Timer for Counting {
    fn reset(mut self: Pin<&mut Self>, after: Duration) {
        SETTINGS.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).reset(after);
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll_expired(cx)
    }
}
