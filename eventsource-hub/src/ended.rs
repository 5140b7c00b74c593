//! Why event streams ended.

use eventsource_core::EndReason;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Ended(Mutex<BTreeMap<&'static str, u64>>);

impl Ended {
    pub(crate) fn count(&self, reason: EndReason) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name(reason)).or_default() += 1;
    }

    /// How many for each reason.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts: BTreeMap<_, _> = REASONS.map(|reason| (name(reason), 0)).into();
        counts.extend(self.0.lock().unwrap_or_else(PoisonError::into_inner).iter());
        counts
    }
}

/// Those that are told also where there were none.
const REASONS: [EndReason; 4] =
    [EndReason::Dropped, EndReason::Lagged, EndReason::Stalled, EndReason::Drained];

fn name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Dropped => "dropped",
        EndReason::Lagged => "lagged",
        EndReason::Stalled => "stalled",
        EndReason::Drained => "drained",
        // Bounced, that is; or the hub is closed.
        EndReason::SourceEnded => "ended",
        _ => "other",
    }
}
