//! Ending many streams without a rush.

use super::jitter::{jitter, random_seed};
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use crate::{Frame, Timer};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::ops::RangeInclusive;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use core::time::Duration;
use pin_project_lite::pin_project;
use slab::Slab;

/// Ends every stream that was given it, by [`EventStream::drain_on`](super::EventStream::drain_on), before a server shuts
/// down: spread over a window of time, and each with a reconnection time of its own, so that the clients don't come back all at
/// once.
///
/// Streams that come once it has [begun](Self::begin) are bounced: they send their client a reconnection time and end. To a
/// browser that's a connection like any other, and it comes back; an error status would have it give up for
/// good.
///
/// A clone is the same drain. hyper's `graceful_shutdown` returns once the streams have ended; without a drain, or a
/// [`StopHandle`](super::StopHandle), it waits for them for ever.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::test_util::{ManualClock, Probe};
/// use eventsource_core::{Drain, EventStream, event_name};
/// use futures_util::stream;
///
/// let seconds = Duration::from_secs;
/// let drain = Drain::new(seconds(1)..=seconds(1));
/// drain.farewell((event_name!("restart"), "back in a moment"));
/// let endless = || EventStream::without_timer(stream::pending::<&str>()).drain_on(&drain);
/// let mut open = Probe::new(endless());
/// assert!(open.poll().is_pending());
///
/// let clock = ManualClock::new();
/// let mut draining = Box::pin(drain.begin(seconds(30), clock.timer())); // to be spawned
/// # use futures_util::FutureExt;
/// assert!(draining.as_mut().now_or_never().is_some());
/// let last = open.take_ready(1).remove(0);
/// assert_eq!(last.as_bytes(), b"event: restart\ndata: back in a moment\n\nretry: 1000\n\n");
///
/// let mut late = Probe::new(endless());
/// assert_eq!(late.take_ready(9).len(), 1); // the `retry:`, and the end
/// ```
#[derive(Clone)]
pub struct Drain(Arc<Shared>);

struct Shared {
    reconnection_time: RangeInclusive<Duration>,
    seed: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: bool,
    farewell: Frame,
    streams: Slab<Arc<Stream>>,
    made: u64,
}

/// What a drain knows of a stream.
struct Stream {
    /// Nonzero once it's to end.
    closing: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

impl Drain {
    /// Creates a drain that no stream has yet. Each client is told to reconnect after another time within
    /// `reconnection_time`, picked at random.
    pub fn new(reconnection_time: RangeInclusive<Duration>) -> Self {
        Self::with_seed(reconnection_time, random_seed())
    }

    /// Creates a drain whose reconnection times are picked by `seed` and the number of each stream: for tests, which want the
    /// same ones each time.
    pub fn with_seed(reconnection_time: RangeInclusive<Duration>, seed: u64) -> Self {
        Self(Arc::new(Shared { reconnection_time, seed, state: Mutex::default() }))
    }

    /// Sends this to each client before its stream ends.
    pub fn farewell(&self, farewell: impl Into<Frame>) {
        let farewell = farewell.into();
        lock(&self.0.state).farewell = farewell;
    }

    /// Begins: from now on newcomers are bounced, and the future that's returned ends the streams that are there, evenly spread
    /// over `window`, and is ready when all were told. `timer` is one of its own.
    ///
    /// Spawn it. A stream whose client doesn't read may not learn of it until that does.
    ///
    /// Called again, it finds no streams and is ready at once, while the first future goes on.
    ///
    /// # Cancel safety
    /// Dropped before it's ready, it ends the rest at once.
    pub fn begin<T: Timer>(&self, window: Duration, timer: T) -> Draining<T> {
        let mut state = lock(&self.0.state);
        state.begun = true;
        let streams: Vec<_> = state.streams.drain().collect();
        drop(state);
        // Not so short that a timer's lateness would add up.
        let steps = (window.as_millis() / 10).clamp(1, 200).min(streams.len() as u128);
        let steps = u32::try_from(steps).unwrap_or_default();
        Draining {
            timer,
            step: window.checked_div(steps).unwrap_or_default(),
            steps,
            waiting: false,
            streams,
        }
    }

    /// Whether it has begun.
    pub fn is_begun(&self) -> bool {
        lock(&self.0.state).begun
    }

    /// How many streams it will have to end.
    pub fn streams(&self) -> usize {
        lock(&self.0.state).streams.len()
    }

    pub(super) fn signal(&self) -> DrainSignal {
        let stream = Arc::new(Stream { closing: AtomicU64::new(0), waker: Mutex::default() });
        let mut state = lock(&self.0.state);
        state.made = state.made.wrapping_add(1);
        let number = state.made;
        let key = (!state.begun).then(|| state.streams.insert(Arc::clone(&stream)));
        drop(state);
        DrainSignal { drain: self.clone(), number, key, stream, registered: None }
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("reconnection_time", &self.0.reconnection_time)
            .field("is_begun", &self.is_begun())
            .finish_non_exhaustive()
    }
}

impl Stream {
    fn close(&self) {
        self.closing.store(1, Ordering::Release);
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

pin_project! {
    /// The future of [`Drain::begin`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Draining<T> {
        #[pin]
        timer: T,
        step: Duration,
        // How many are left.
        steps: u32,
        waiting: bool,
        streams: Vec<Arc<Stream>>,
    }

    impl<T> PinnedDrop for Draining<T> {
        fn drop(this: Pin<&mut Self>) {
            this.project().streams.drain(..).for_each(|stream| stream.close());
        }
    }
}

impl<T: Timer> Future for Draining<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            if *this.waiting {
                ready!(this.timer.as_mut().poll_expired(cx));
                *this.waiting = false;
            }
            let steps = usize::try_from(*this.steps).unwrap_or(usize::MAX);
            let due = this.streams.len().checked_div(steps).unwrap_or_default();
            let rest = this.streams.len().saturating_sub(due);
            this.streams.drain(rest..).for_each(|stream| stream.close());
            *this.steps = this.steps.saturating_sub(1);
            if *this.steps == 0 {
                return Poll::Ready(());
            }
            this.timer.as_mut().reset(*this.step);
            *this.waiting = true;
        }
    }
}

impl<T> fmt::Debug for Draining<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draining").field("streams", &self.streams.len()).finish_non_exhaustive()
    }
}

/// A stream's ear for a drain.
pub(super) struct DrainSignal {
    drain: Drain,
    number: u64,
    /// Where it's registered; nowhere if the drain had begun.
    key: Option<usize>,
    stream: Arc<Stream>,
    /// The waker that lies there.
    registered: Option<Waker>,
}

impl DrainSignal {
    /// Costs one atomic load.
    pub(super) fn is_closing(&self) -> bool {
        self.key.is_none() || self.stream.closing.load(Ordering::Acquire) != 0
    }

    /// Whether it came too late.
    pub(super) fn is_bounced(&self) -> bool {
        self.key.is_none()
    }

    /// To be called before the stream is pending.
    pub(super) fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.registered = Some(cx.waker().clone());
            let older = lock(&self.stream.waker).replace(cx.waker().clone());
            drop(older);
        }
        // The waker came first, so that a closing in between is seen here or wakes.
        if self.is_closing() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// What's sent last.
    pub(super) fn parting(&self) -> Frame {
        let farewell = lock(&self.drain.0.state).farewell.clone();
        let Shared { reconnection_time, seed, .. } = &*self.drain.0;
        let retry = Frame::retry(jitter(reconnection_time.clone(), seed.wrapping_add(self.number)));
        if farewell.is_empty() || self.is_bounced() { retry } else { Frame::from_iter([farewell, retry]) }
    }
}

impl Drop for DrainSignal {
    fn drop(&mut self) {
        let mut state = lock(&self.drain.0.state);
        // Once it has begun, nobody is registered any more, and a key is nobody's.
        let stream = self.key.filter(|_| !state.begun).and_then(|key| state.streams.try_remove(key));
        drop(state);
        drop(stream);
    }
}
