//! Reading events.

use bytes::{Buf, Bytes};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use eventsource_core::Events;
use futures_core::Stream;
use http_body::Body;
use pin_project_lite::pin_project;

/// Reads events from the body of a response.
///
/// ```
/// use core::pin::pin;
/// use futures_util::{FutureExt, StreamExt};
/// use http_body_util::Full;
///
/// let body = Full::new(&b"data: hello\n\n"[..]);
/// let mut events = pin!(eventsource_hyper::read(body));
/// let event = events.next().now_or_never().unwrap().unwrap()?;
/// assert_eq!(&event.data[..], "hello");
/// # Ok::<(), eventsource_core::EventsError<std::convert::Infallible>>(())
/// ```
///
/// For limits of your own, or with the decoder of an earlier connection:
/// `Events::with_decoder(Chunks::new(body), decoder)`.
pub fn read<B: Body>(body: B) -> Events<Chunks<B>> {
    Events::new(Chunks::new(body))
}

pin_project! {
    /// The data of a body, as [`Events`] take it. Trailers are passed over.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Chunks<B> {
        #[pin]
        body: B,
    }
}

impl<B: Body> Chunks<B> {
    /// Of a body that nobody has read.
    pub fn new(body: B) -> Self {
        Self { body }
    }
}

impl<B: Body> Stream for Chunks<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.project().body;
        loop {
            match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => return Poll::Ready(Some(Ok(data.copy_to_bytes(data.remaining())))),
                    Err(_trailers) => {}
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}
