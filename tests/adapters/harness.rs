//! What the suite looks with.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::Poll;
use eventsource_core::EndReason;
use eventsource_core::stream::End;
use eventsource_core::test_util::interpret;
use std::sync::{Arc, Mutex};

/// The reasons that hooks were told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<EndReason>>>);

impl Told {
    pub(crate) fn hook(&self) -> impl FnOnce(&End) + Send + use<> {
        let told = Arc::clone(&self.0);
        move |end| told.lock().unwrap().push(end.reason())
    }

    pub(crate) fn all(&self) -> Vec<EndReason> {
        self.0.lock().unwrap().clone()
    }
}

/// The data of the events in what a client has got.
pub(crate) fn data(written: &str) -> Vec<String> {
    interpret(written.as_bytes()).events.into_iter().map(|event| event.data).collect()
}

/// Polls a future up to so often, without waiting for a wake in between; what came of it, if it was ready.
pub(crate) async fn poll_times<F: Future>(mut future: Pin<&mut F>, times: usize) -> Option<F::Output> {
    poll_fn(|cx| {
        for _ in 0..times {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
        }
        Poll::Ready(None)
    })
    .await
}
