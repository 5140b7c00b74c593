//! When a server has sent nothing for too long.

use crate::stream::{KeepAlive, KeepAliveMachine};
use crate::{Events, Timer};
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// A stream of chunks that fails once no byte has come for so long: what [`Events::idle_timeout`] reads from.
    ///
    /// A connection that's dead without a word, as after a cable was pulled, is noticed by nothing else. The limit has to be longer
    /// than the time between the server's keep-alives.
    ///
    /// The machine is that of the [keep-alive](KeepAliveMachine), at the other end of the connection: no timer is touched for a chunk,
    /// and the error comes after **at least the limit and at most one and a quarter** of it. The time counts from the last
    /// chunk on, or from when this stream found none if that was later, so that a caller who's slow to poll it
    /// isn't taken for a server that's silent.
    ///
    /// # Cancel safety
    /// It's a stream: a chunk is either handed out or still inside.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct IdleTimeout<S, T> {
        #[pin]
        chunks: S,
        #[pin]
        timer: T,
        machine: KeepAliveMachine,
        limit: Duration,
    }
}

impl<S, T: Timer> IdleTimeout<S, T> {
    /// Creates a stream of the same chunks. A limit of zero is off. `Duration::MAX`, and whatever else a timer takes for never, means
    /// never.
    pub fn new(chunks: S, limit: Duration, timer: T) -> Self {
        Self { chunks, timer, machine: KeepAliveMachine::new(KeepAlive::new(limit)), limit }
    }
}

impl<S, C, E, T> Stream for IdleTimeout<S, T>
where
    S: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]>,
    T: Timer,
{
    type Item = Result<C, IdleError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if let Poll::Ready(next) = this.chunks.poll_next(cx) {
            if matches!(&next, Some(Ok(chunk)) if !chunk.as_ref().is_empty()) {
                this.machine.handle_sent();
            }
            return Poll::Ready(next.map(|chunk| chunk.map_err(IdleError::Chunks)));
        }
        ready!(this.machine.poll_due(this.timer, cx));
        Poll::Ready(Some(Err(IdleError::Idle { limit: *this.limit })))
    }
}

impl<S> Events<S> {
    /// Ends this stream with an error, [`IdleError::Idle`], once no byte has come for so long: a comment is as good as an event.
    /// Everything that came before is handed out first. [`IdleTimeout`] says when exactly. Zero is off. `timer` is a new
    /// `Alarm` of the adapter's.
    ///
    /// ```
    /// use core::time::Duration;
    /// use eventsource_core::Events;
    /// use eventsource_core::test_util::ManualClock;
    /// use futures_util::{FutureExt, StreamExt, stream};
    ///
    /// let clock = ManualClock::new();
    /// let chunks = stream::iter([Ok::<_, std::io::Error>("data: a\n\n")]).chain(stream::pending());
    /// let mut events = Events::new(chunks).idle_timeout(Duration::from_secs(60), clock.timer());
    ///
    /// assert!(events.next().now_or_never().unwrap().unwrap().is_ok());
    /// assert!(events.next().now_or_never().is_none());
    /// clock.advance(Duration::from_secs(75));
    /// let error = events.next().now_or_never().unwrap().unwrap().unwrap_err();
    /// assert_eq!(error.to_string(), "the event stream was idle for 60s");
    /// ```
    pub fn idle_timeout<T: Timer>(self, limit: Duration, timer: T) -> Events<IdleTimeout<S, T>> {
        self.map_chunks(|chunks| IdleTimeout::new(chunks, limit, timer))
    }
}

/// Why an [`IdleTimeout`] could not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdleError<E> {
    /// The chunks failed.
    Chunks(E),
    /// No byte has come for this time, or a quarter more.
    #[non_exhaustive]
    Idle {
        /// The limit that was set.
        limit: Duration,
    },
}

impl<E: fmt::Display> fmt::Display for IdleError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunks(error) => error.fmt(f),
            Self::Idle { limit } => write!(f, "the event stream was idle for {limit:?}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for IdleError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Chunks(error) => error.source(),
            Self::Idle { .. } => None,
        }
    }
}
