//! Time that is moved by hand.

use crate::Timer;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A clock that stands still until it's moved. A clone is the same clock.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<Mutex<Clock>>);

#[derive(Debug, Default)]
struct Clock {
    now: Duration,
    resets: u64,
    polls: u64,
    made: u64,
    alarms: BTreeMap<u64, Alarm>,
}

#[derive(Debug, Default)]
struct Alarm {
    state: AlarmState,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default)]
enum AlarmState {
    #[default]
    Unset,
    Set(Duration),
    Never,
    Taken,
}

/// An alarm on a [`ManualClock`].
///
/// It's as strict as the contract of [`Timer`] lets it be: a reset loses the waker.
///
/// # Panics
/// Where the contract says "unspecified": polled before the first reset, or again after it was ready.
#[derive(Debug)]
pub struct ManualTimer {
    clock: ManualClock,
    key: u64,
}

impl ManualClock {
    /// A clock that stands at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new alarm, not set yet.
    pub fn timer(&self) -> ManualTimer {
        let mut clock = self.lock();
        clock.made = clock.made.wrapping_add(1);
        let key = clock.made;
        clock.alarms.insert(key, Alarm::default());
        ManualTimer { clock: self.clone(), key }
    }

    /// The time since zero.
    pub fn now(&self) -> Duration {
        self.lock().now
    }

    /// Moves the clock on, and wakes whoever waited for an alarm that has expired by then.
    pub fn advance(&self, by: Duration) {
        let mut clock = self.lock();
        clock.now = clock.now.saturating_add(by);
        let now = clock.now;
        let expired = clock.alarms.values_mut().filter(|alarm| alarm.state.is_expired(now));
        let wakers: Vec<_> = expired.filter_map(|alarm| alarm.waker.take()).collect();
        drop(clock);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// When the next alarm will expire, if one is set that hasn't.
    pub fn next_expiry(&self) -> Option<Duration> {
        let clock = self.lock();
        let deadlines = clock.alarms.values().filter_map(|alarm| alarm.state.deadline());
        deadlines.filter(|&deadline| deadline > clock.now).min()
    }

    /// How often an alarm of this clock was set.
    pub fn resets(&self) -> u64 {
        self.lock().resets
    }

    /// How often an alarm of this clock was polled.
    pub fn polls(&self) -> u64 {
        self.lock().polls
    }

    fn lock(&self) -> MutexGuard<'_, Clock> {
        // Nothing is half done where a panic could happen.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AlarmState {
    fn deadline(self) -> Option<Duration> {
        match self {
            Self::Set(deadline) => Some(deadline),
            _ => None,
        }
    }

    fn is_expired(self, now: Duration) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }
}

impl Timer for ManualTimer {
    fn reset(self: Pin<&mut Self>, after: Duration) {
        let mut clock = self.clock.lock();
        clock.resets = clock.resets.wrapping_add(1);
        let state = clock.now.checked_add(after).map_or(AlarmState::Never, AlarmState::Set);
        clock.alarms.insert(self.key, Alarm { state, waker: None });
    }

    #[expect(clippy::panic, reason = "a test is to fail where a machine relies on what's unspecified")]
    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut clock = self.clock.lock();
        clock.polls = clock.polls.wrapping_add(1);
        let now = clock.now;
        let alarm = clock.alarms.entry(self.key).or_default();
        match alarm.state {
            AlarmState::Set(deadline) if deadline <= now => {
                alarm.state = AlarmState::Taken;
                Poll::Ready(())
            }
            AlarmState::Set(_) | AlarmState::Never => {
                alarm.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            AlarmState::Unset => panic!("a timer was polled before it was reset"),
            AlarmState::Taken => panic!("a timer was polled after it was ready"),
        }
    }
}

impl Drop for ManualTimer {
    fn drop(&mut self) {
        self.clock.lock().alarms.remove(&self.key);
    }
}
