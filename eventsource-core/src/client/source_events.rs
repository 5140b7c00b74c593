//! The events of a client alone.

use super::connect::Connect;
use super::event_source::{EventSource, ROUNDS};
use super::update::{ConnectionError, Update};
use crate::Timer;
use crate::codec::OwnedEvent;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

impl<C: Connect, T: Timer> EventSource<C, T> {
    /// Converts this into a stream of its events alone.
    pub fn events(self) -> SourceEvents<C, T> {
        SourceEvents { source: self }
    }
}

pin_project! {
    /// The events of an [`EventSource`], what [`EventSource::events`] returns. Losses that are followed by another attempt aren't told.
    /// The one that's final is an error, unless the server has ended the stream in good order or answered 204; then this stream ends.
    /// After [too many failures](super::Policy::max_failures) it's an error, whatever the last one was.
    ///
    /// # Cancel safety
    /// It's a stream: an event is either handed out or still inside.
    #[must_use = "streams do nothing unless polled"]
    pub struct SourceEvents<C, T>
    where
        C: Connect,
    {
        #[pin]
        source: EventSource<C, T>,
    }
}

impl<C: Connect, T: Timer> SourceEvents<C, T> {
    /// Returns the client, to ask how it stands.
    pub fn source(&self) -> &EventSource<C, T> {
        &self.source
    }

    /// Returns the client, to restart or close it.
    pub fn source_mut(&mut self) -> &mut EventSource<C, T> {
        &mut self.source
    }
}

impl<C: Connect, T: Timer> Stream for SourceEvents<C, T> {
    type Item = Result<OwnedEvent, ConnectionError<C::Error>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut source = self.project().source;
        for _ in 0..ROUNDS {
            return Poll::Ready(match ready!(source.as_mut().poll_next(cx)) {
                Some(Update::Event(event)) => Some(Ok(event)),
                Some(Update::Lost(lost))
                    if lost.is_final() && (!lost.reason.is_end() || source.machine.has_given_up()) =>
                {
                    Some(Err(lost))
                }
                Some(_) => continue,
                None => None,
            });
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<C: Connect, T: Timer> FusedStream for SourceEvents<C, T> {
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<C: Connect, T> fmt::Debug for SourceEvents<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
