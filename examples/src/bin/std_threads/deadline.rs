//! A timer for a thread that sleeps.

use eventsource_core::{Frame, Timer};
use futures_util::Stream;
use std::cell::Cell;
use std::iter;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// An alarm that its thread waits for. A clone is the same alarm.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadline(Rc<Cell<Option<Instant>>>);

impl Timer for Deadline {
    fn reset(self: Pin<&mut Self>, after: Duration) {
        // Too long: never.
        self.0.set(Instant::now().checked_add(after));
    }

    fn poll_expired(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.0.get() {
            Some(deadline) if deadline <= Instant::now() => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

impl Deadline {
    /// What `stream` says, whose only timer this is. The thread sleeps in between, until a source or the alarm wakes it.
    pub(crate) fn frames<S: Stream<Item = Frame>>(self, stream: S) -> impl Iterator<Item = Frame> {
        let mut stream = Box::pin(stream);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        iter::from_fn(move || {
            loop {
                match stream.as_mut().poll_next(&mut Context::from_waker(&waker)) {
                    Poll::Ready(frame) => return frame,
                    Poll::Pending => self.sleep(),
                }
            }
        })
    }

    /// Sleeps until then, or until somebody wakes this thread.
    fn sleep(&self) {
        match self.0.get() {
            Some(deadline) => thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
            None => thread::park(),
        }
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
