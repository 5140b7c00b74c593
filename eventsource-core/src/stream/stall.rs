//! Clients that don't read.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Lets whatever writes to a connection say that its client has stopped reading, before it gives the connection up: the stream
/// that was given it by [`EventStream::stall_on`](super::EventStream::stall_on) is then dropped, and its hook told
/// [`EndReason::Stalled`](super::EndReason::Stalled).
///
/// A server may not poll a stream while the client takes nothing, so the stream can't find that out of itself. A clone is the
/// same handle; each connection has its own.
///
/// ```
/// use eventsource_core::test_util::Probe;
/// use eventsource_core::stream::StallHandle;
/// use eventsource_core::{EndReason, EventStream};
/// use futures_util::stream;
///
/// let stall = StallHandle::new();
/// let stream = EventStream::without_timer(stream::pending::<&str>())
///     .stall_on(&stall)
///     .on_end(|end| assert_eq!(end.reason(), EndReason::Stalled));
/// let mut open = Probe::new(stream);
/// assert!(open.poll().is_pending());
///
/// stall.set_stalled();
/// drop(open);
/// ```
#[derive(Clone, Debug, Default)]
pub struct StallHandle(Arc<Connection>);

#[derive(Debug, Default)]
struct Connection {
    is_stalled: AtomicBool,
    /// How many streams are open on it.
    streams: AtomicUsize,
}

impl StallHandle {
    /// Of a connection that's fine.
    pub fn new() -> Self {
        Self::default()
    }

    /// The client has taken nothing for too long. To be called before the stream is dropped.
    pub fn set_stalled(&self) {
        self.0.is_stalled.store(true, Ordering::Release);
    }

    /// Whether [`set_stalled`](Self::set_stalled) was called.
    pub fn is_stalled(&self) -> bool {
        self.0.is_stalled.load(Ordering::Acquire)
    }

    /// Returns whether a stream that was given the handle has been polled and hasn't ended yet: then a client that closes its side
    /// is leaving, while one that waits for another answer may have just nothing more to say.
    pub fn is_streaming(&self) -> bool {
        self.0.streams.load(Ordering::Acquire) > 0
    }

    pub(super) fn stream_begins(&self) {
        self.0.streams.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn stream_ends(&self) {
        self.0.streams.fetch_sub(1, Ordering::AcqRel);
    }
}
