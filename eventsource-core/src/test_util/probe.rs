//! Looking at an endless stream.

use super::ManualClock;
use crate::Frame;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use futures_core::Stream;

/// Polls a stream by hand, and counts how often it asked for that.
#[derive(Debug)]
pub struct Probe<S> {
    stream: Pin<Box<S>>,
    wakes: Arc<Wakes>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl<S: Stream> Probe<S> {
    /// Of a stream that nobody has polled.
    pub fn new(stream: S) -> Self {
        let wakes = Arc::<Wakes>::default();
        Self { stream: Box::pin(stream), waker: wakes.clone().into(), wakes }
    }

    /// Polls once.
    pub fn poll(&mut self) -> Poll<Option<S::Item>> {
        self.stream.as_mut().poll_next(&mut Context::from_waker(&self.waker))
    }

    /// What's ready now, in order: up to the first `Pending`, to the end, or to `limit` items.
    pub fn take_ready(&mut self, limit: usize) -> Vec<S::Item> {
        let mut items = Vec::new();
        while items.len() < limit {
            let Poll::Ready(Some(item)) = self.poll() else { break };
            items.push(item);
        }
        items
    }

    /// How often the stream has called its waker.
    pub fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Acquire)
    }

    /// The stream itself.
    pub fn stream(&self) -> &S {
        &self.stream
    }
}

impl<S: Stream<Item = Frame>> Probe<S> {
    /// Runs the stream for `duration` of `clock`, as an executor would: polls it at the start, and from then on when it
    /// was woken. Returns what came and when, on the clock.
    ///
    /// For streams that fall quiet. One that's always ready never lets go of the first moment.
    pub fn run_for(&mut self, clock: &ManualClock, duration: Duration) -> Vec<(Duration, Frame)> {
        let until = clock.now().saturating_add(duration);
        let mut sent = Vec::new();
        let mut polled_at = None;
        loop {
            while polled_at != Some(self.wakes()) {
                polled_at = Some(self.wakes());
                while let Poll::Ready(item) = self.poll() {
                    let Some(frame) = item else { return sent };
                    sent.push((clock.now(), frame));
                }
            }
            let now = clock.now();
            if now >= until {
                return sent;
            }
            let next = clock.next_expiry().map_or(until, |expiry| expiry.min(until));
            clock.advance(next.saturating_sub(now));
        }
    }
}
