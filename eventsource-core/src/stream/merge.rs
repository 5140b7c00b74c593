//! Two sources as one.

use super::{End, EndReason, Source};
use crate::Frame;
use core::pin::Pin;
use core::task::{Context, Poll};
use pin_project_lite::pin_project;

pin_project! {
    /// Two sources as one, each in its own order, made by [`EventStream::merge`](super::EventStream::merge).
    ///
    /// Fair: while several sources are ready, each has as many turns as any other, however they're merged. It
    /// ends when both have ended. When one fails, the other is closed, what it had accepted still comes out, and
    /// then the failure.
    #[derive(Debug)]
    #[must_use = "sources do nothing unless polled"]
    pub struct Merge<A, B> {
        #[pin]
        first: Option<A>,
        #[pin]
        second: Option<B>,
        // How many sources the first is.
        first_sources: u32,
        // How many turns in a row the first has had.
        turns: u32,
        failure: Option<End>,
    }
}

impl<A, B> Merge<A, B> {
    /// Merges a source with `first`, which is so many merged already.
    pub(super) fn new(first: Option<A>, first_sources: u32, second: Option<B>) -> Self {
        Self { first, second, first_sources, turns: 0, failure: None }
    }
}

impl<A: Source, B: Source> Source for Merge<A, B> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
        let mut this = self.project();
        let second_first = *this.turns >= *this.first_sources;
        // One turn each. A failure closes the other, and what that had accepted comes out in its turn or in later calls.
        for second in [second_first, !second_first] {
            let polled =
                if second { poll_part(this.second.as_mut(), cx) } else { poll_part(this.first.as_mut(), cx) };
            match polled {
                Some(Poll::Ready(Ok(frame))) => {
                    *this.turns = if second { 0 } else { this.turns.saturating_add(1) };
                    return Poll::Ready(Ok(frame));
                }
                Some(Poll::Ready(Err(end))) if end.reason() != EndReason::SourceEnded => {
                    let reason = end.reason();
                    // The first failure is the one that's told.
                    this.failure.get_or_insert(end);
                    let first_left = close_part(this.first.as_mut(), reason);
                    let second_left = close_part(this.second.as_mut(), reason);
                    if (first_left || second_left) && second != second_first {
                        // The other was pending a moment ago, and isn't any more.
                        cx.waker().wake_by_ref();
                    }
                }
                _ => {}
            }
        }
        if this.first.is_none() && this.second.is_none() {
            let end = this.failure.take();
            return Poll::Ready(Err(end.unwrap_or_else(|| EndReason::SourceEnded.into())));
        }
        Poll::Pending
    }

    fn close(self: Pin<&mut Self>, reason: EndReason) -> bool {
        let this = self.project();
        let first = close_part(this.first, reason);
        let second = close_part(this.second, reason);
        first || second
    }
}

/// Polls a source that's still there; gone as soon as it ends.
fn poll_part<S: Source>(
    mut part: Pin<&mut Option<S>>,
    cx: &mut Context<'_>,
) -> Option<Poll<Result<Frame, End>>> {
    let polled = part.as_mut().as_pin_mut()?.poll_frame(cx);
    if matches!(polled, Poll::Ready(Err(_))) {
        part.set(None);
    }
    Some(polled)
}

/// Closes a source that's still there; gone if nothing is left in it.
pub(super) fn close_part<S: Source>(mut part: Pin<&mut Option<S>>, reason: EndReason) -> bool {
    let left = part.as_mut().as_pin_mut().is_some_and(|source| source.close(reason));
    if !left {
        part.set(None);
    }
    left
}
