//! What a client does, as events of the crate `tracing`.

#![cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "there's nobody to tell"))]

use super::{Attempt, Head, Reason};
use core::time::Duration;

pub(super) fn connecting(attempt: &Attempt) {
    // An id may say something of its event.
    #[cfg(feature = "tracing")]
    tracing::debug!(
        attempt = attempt.number(),
        resumes = !attempt.last_event_id().as_str().is_empty(),
        "connecting to an event stream"
    );
}

pub(super) fn open(attempt: u64, head: Head) {
    #[cfg(feature = "tracing")]
    tracing::debug!(attempt, status = head.status(), "the event stream is open");
}

/// Warns where there's something to be done about it.
pub(super) fn lost(attempt: u64, reason: Reason, retry_in: Option<Duration>) {
    #[cfg(feature = "tracing")]
    match retry_in {
        Some(delay) => tracing::debug!(attempt, %reason, ?delay, "the event stream was lost, reconnecting"),
        None if reason.is_end() => {
            tracing::debug!(attempt, %reason, "the event stream has ended");
        }
        None => tracing::warn!(attempt, %reason, "the event stream was lost for good"),
    }
}
