//! Where frames come from.

use super::{BoxError, End, EndReason};
use crate::Frame;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;

/// What an [`EventStream`](super::EventStream) takes its frames from: any [`Stream`] of things that convert into a
/// [`Frame`], or of `Result`s of them; [`Emissions`](super::Emissions); and two of these merged.
///
/// # Protocol
/// [`poll_frame`](Self::poll_frame) is called until it gives an [`End`], and never after. Once
/// [`close`](Self::close) has been called, nothing new may be accepted: if it answered `true`, what had been
/// accepted before still comes out, without `Pending`, and then the end; if it answered `false`, nothing is
/// left, and the source is dropped without another poll.
pub trait Source {
    /// The next frame, or why there are no more.
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>>;

    /// Accepts nothing more, since its stream is to end for `reason`. Answers whether something accepted before may be
    /// left.
    fn close(self: Pin<&mut Self>, reason: EndReason) -> bool;
}

/// An item of a stream that can be a [`Source`]: whatever converts into a [`Frame`], or a `Result` of that.
pub trait IntoFrame {
    /// Converts.
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
            Some(item) => item.into_frame().map_err(End::source_error),
            None => Err(EndReason::SourceEnded.into()),
        })
    }

    fn close(self: Pin<&mut Self>, _: EndReason) -> bool {
        false
    }
}
