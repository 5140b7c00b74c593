//! When a keep-alive is due.

use crate::scenario::Setup;
use core::time::Duration;
use eventsource_core::Frame;

/// The contract of `KeepAlive`: "the alarm is set anew only once it has expired", and a keep-alive is due where nothing
/// had been sent since.
pub(crate) struct KeepAliveModel {
    pub(crate) frame: Frame,
    pub(crate) interval: Duration,
    alarm: Alarm,
    /// Something was sent since the alarm was set.
    busy: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alarm {
    Unset,
    At(Duration),
    Never,
}

impl KeepAliveModel {
    /// None where it's off.
    pub(crate) fn new(setup: &Setup) -> Option<Self> {
        let (interval, frame) = setup.keep_alive?;
        let (interval, frame) = (interval.0, frame.into_frame());
        let on = !interval.is_zero() && !frame.is_empty();
        on.then_some(Self { frame, interval, alarm: Alarm::Unset, busy: false })
    }

    pub(crate) fn handle_sent(&mut self) {
        self.busy = true;
    }

    /// A stream with nothing to send was polled. Whether that made it send a keep-alive.
    pub(crate) fn handle_quiet(&mut self, now: Duration) -> bool {
        let due = self.is_due(now);
        if due {
            self.alarm = Alarm::Unset;
        } else if self.alarm == Alarm::Unset || self.is_expired(now) {
            self.alarm = now.checked_add(self.interval).map_or(Alarm::Never, Alarm::At);
            self.busy = false;
        }
        due
    }

    /// Whether a stream with nothing to send would send a keep-alive.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.is_expired(now) && !self.busy
    }

    fn is_expired(&self, now: Duration) -> bool {
        matches!(self.alarm, Alarm::At(expiry) if expiry <= now)
    }
}
