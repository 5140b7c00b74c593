//! Those who take events.

use eventsource_core::{Frame, Source, Subscription};
use futures_util::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio_stream::wrappers::BroadcastStream;

/// Takes events, and waits where there are none.
pub(crate) trait Subscriber {
    /// Takes all there is, until it waits. Returns how many pieces that were.
    fn take_all(&mut self) -> usize;
}

impl<L> Subscriber for Subscription<L> {
    fn take_all(&mut self) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        let mut taken = 0;
        while let Poll::Ready(frame) = Pin::new(&mut *self).poll_frame(&mut cx) {
            frame.expect("a subscriber that takes all at once doesn't lag");
            taken += 1;
        }
        taken
    }
}

impl Subscriber for BroadcastStream<Frame> {
    fn take_all(&mut self) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        let mut taken = 0;
        while let Poll::Ready(frame) = Pin::new(&mut *self).poll_next(&mut cx) {
            frame.expect("the channel is open").expect("a subscriber that takes all at once doesn't lag");
            taken += 1;
        }
        taken
    }
}

/// Returns the subscriber when it has taken all and left its waker.
pub(crate) fn waiting<S: Subscriber>(mut subscriber: S) -> S {
    subscriber.take_all();
    subscriber
}
