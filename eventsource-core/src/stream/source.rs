//! Where frames come from.

use super::{BoxError, End, EndReason};
use crate::Frame;
use alloc::boxed::Box;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;

/// Gives an [`EventStream`](super::EventStream) its frames: any [`Stream`] of things that convert into a
/// [`Frame`], or of `Result`s of them; an emitter's [`Emissions`](super::Emissions); a channel's `Subscription`; two of these
/// merged; any of these in a [`BoxSource`].
///
/// # Protocol
/// A stream calls [`poll_frame`](Self::poll_frame) until it gives an [`End`], and never after. Once
/// [`close`](Self::close) has been called, nothing new may be accepted: if it answered `true`, what had been
/// accepted before still comes out, and then the end; if it answered `false`, nothing is left, and the source is dropped
/// without another poll. `Pending` of a closed source means "not yet", as of any other: the source has left the waker with
/// whatever will have more, such as its own turn later.
pub trait Source {
    /// Returns the next frame, or why there are no more.
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>>;

    /// Accepts nothing more, since the stream is to end for `reason`. Returns whether something that was accepted before
    /// may be left.
    fn close(self: Pin<&mut Self>, reason: EndReason) -> bool;
}

/// An item of a stream that can be a [`Source`]: whatever converts into a [`Frame`], or a `Result` of that.
pub trait IntoFrame {
    /// Converts the item.
    ///
    /// # Errors
    /// The item's own.
    fn into_frame(self) -> Result<Frame, BoxError>;
}

impl<F: Into<Frame>> IntoFrame for F {
    fn into_frame(self) -> Result<Frame, BoxError> {
        Ok(self.into())
    }
}

impl<F: Into<Frame>, E: Into<BoxError>> IntoFrame for Result<F, E> {
    fn into_frame(self) -> Result<Frame, BoxError> {
        self.map(Into::into).map_err(Into::into)
    }
}

/// Whatever a plain stream has not yet handed out is its own: closing forgets it.
impl<S> Source for S
where
    S: Stream,
    S::Item: IntoFrame,
{
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
        Poll::Ready(match ready!(self.poll_next(cx)) {
            Some(item) => item.into_frame().map_err(|error| End::new(EndReason::SourceError, error)),
            None => Err(EndReason::SourceEnded.into()),
        })
    }

    fn close(self: Pin<&mut Self>, _: EndReason) -> bool {
        false
    }
}

/// A source of any type, so that streams of several kinds of sources have one type.
///
/// It's a [`Source`] and not a [`Stream`]: at a stop, what the source had accepted still goes out.
///
/// ```
/// use eventsource_core::stream::BoxSource;
/// use eventsource_core::{Emitter, EventStream, StopHandle};
/// use futures_util::{FutureExt, StreamExt, stream};
///
/// fn feed(of_one_event: bool) -> BoxSource<'static> {
///     if of_one_event {
///         BoxSource::new(stream::iter(["the only one"]))
///     } else {
///         let (emitter, emissions) = Emitter::new(8);
///         emitter.try_emit("accepted").expect("there is room");
///         BoxSource::new(emissions)
///     }
/// }
///
/// let stop = StopHandle::new();
/// let mut events = EventStream::without_timer(feed(false)).stop_on(&stop);
/// stop.stop();
/// let frame = events.next().now_or_never().flatten();
/// assert_eq!(frame.unwrap().as_bytes(), b"data: accepted\n\n");
/// ```
#[must_use = "sources do nothing unless polled"]
pub struct BoxSource<'a>(Pin<Box<dyn Source + Send + 'a>>);

impl<'a> BoxSource<'a> {
    /// Puts a source into a box.
    pub fn new(source: impl Source + Send + 'a) -> Self {
        Self(Box::pin(source))
    }
}

impl Source for BoxSource<'_> {
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
        self.0.as_mut().poll_frame(cx)
    }

    fn close(mut self: Pin<&mut Self>, reason: EndReason) -> bool {
        self.0.as_mut().close(reason)
    }
}

impl fmt::Debug for BoxSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxSource").finish_non_exhaustive()
    }
}
