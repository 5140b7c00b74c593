//! When a keep-alive is due.

use crate::scenario::Setup;
use core::time::Duration;
use eventsource_core::Frame;

/// The contract of `KeepAliveMachine`: while things are sent, the alarm is set for a quarter of the interval, and anew only once it
/// has expired; after a quiet quarter it's set for the rest, and a keep-alive is due where nothing is sent until then.
#[derive(Clone)]
pub(crate) struct KeepAliveModel {
    pub(crate) frame: Frame,
    pub(crate) interval: Duration,
    alarm: Option<Alarm>,
    /// Something was sent since the alarm was set.
    busy: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Alarm {
    /// Whether it's for a quarter.
    quarter: bool,
    /// None: never.
    at: Option<Duration>,
}

impl KeepAliveModel {
    /// None where it's off.
    pub(crate) fn new(setup: &Setup) -> Option<Self> {
        let (interval, frame) = setup.keep_alive?;
        let (interval, frame) = (interval.0, frame.into_frame());
        let on = !interval.is_zero() && !frame.is_empty();
        on.then_some(Self { frame, interval, alarm: None, busy: false })
    }

    pub(crate) fn handle_sent(&mut self) {
        self.busy = true;
    }

    /// A stream with nothing to send was polled. Whether that made it send a keep-alive.
    pub(crate) fn handle_quiet(&mut self, now: Duration) -> bool {
        let quarter = self.interval / 4;
        match self.alarm {
            None => self.set(false, now, self.interval),
            Some(Alarm { quarter: false, .. }) if self.busy => self.set(true, now, quarter),
            Some(_) => {}
        }
        while let Some(Alarm { quarter: is_quarter, at: Some(at) }) = self.alarm {
            if at > now {
                return false;
            }
            if !is_quarter {
                self.alarm = None;
                return true;
            }
            if self.busy {
                self.set(true, now, quarter);
            } else {
                self.set(false, now, self.interval - quarter);
            }
        }
        false
    }

    fn set(&mut self, quarter: bool, now: Duration, after: Duration) {
        self.alarm = Some(Alarm { quarter, at: now.checked_add(after) });
        self.busy = false;
    }

    /// Whether a stream with nothing to send would send a keep-alive.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.clone().handle_quiet(now)
    }
}
