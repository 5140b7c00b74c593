//! Ending streams from outside.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use event_listener::{Event, EventListener};

/// Ends every stream that was given it, by [`EventStream::stop_on`](super::EventStream::stop_on): one, or all
/// of a server's. A clone is the same handle.
///
/// A stopped stream still hands out what was emitted before, then ends. A stream that's given a handle already used
/// ends as soon as it's polled. Dropping a handle stops nothing.
///
/// ```
/// use eventsource_core::{EventStream, StopHandle};
/// use futures_util::{StreamExt, stream};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let stop = StopHandle::new();
/// let mut endless = EventStream::without_timer(stream::repeat("again")).stop_on(&stop);
///
/// assert!(endless.next().await.is_some());
/// stop.stop();
/// assert_eq!(endless.next().await, None);
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    event: Event,
}

impl StopHandle {
    /// A handle that no stream has yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the streams. Again, or with no streams, it's harmless.
    pub fn stop(&self) {
        if !self.0.stopped.swap(true, Ordering::AcqRel) {
            self.0.event.notify(usize::MAX);
        }
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }

    pub(super) fn signal(&self) -> StopSignal {
        StopSignal { handle: self.clone(), listener: None }
    }
}

/// A stream's ear for a handle.
#[derive(Debug)]
pub(super) struct StopSignal {
    handle: StopHandle,
    listener: Option<Pin<Box<EventListener>>>,
}

impl StopSignal {
    /// Costs one atomic load.
    pub(super) fn is_stopped(&self) -> bool {
        self.handle.is_stopped()
    }

    /// To be called before the stream is pending.
    pub(super) fn poll_stopped(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let listener = self.listener.get_or_insert_with(|| Box::pin(self.handle.0.event.listen()));
        // Listening came first, so that a stop in between is seen by the one or by the other.
        if self.handle.is_stopped() || listener.as_mut().poll(cx).is_ready() {
            self.listener = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
