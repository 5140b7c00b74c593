//! Reading events.

use bytes::{Buf, Bytes};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use eventsource_core::{Decoder, Events};
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
/// # Ok::<(), eventsource_core::codec::EventsError<std::convert::Infallible>>(())
/// ```
///
/// A connection that's dead without a word is noticed by an idle timeout, which needs an alarm: a runtime's, or a
/// [`HyperAlarm`](crate::HyperAlarm).
///
/// ```
/// use core::pin::pin;
/// use core::time::Duration;
/// use eventsource_hyper::{EventBody, EventStream, HyperAlarm, read};
/// use futures_util::{StreamExt, stream};
/// use hyper_util::rt::TokioTimer;
///
/// type Alarm = HyperAlarm<TokioTimer>;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let body = EventBody::new(EventStream::without_timer(stream::pending::<&str>()));
/// let events = read(body).idle_timeout(Duration::from_secs(60), Alarm::default());
/// let error = pin!(events).next().await.unwrap().unwrap_err();
/// assert_eq!(error.to_string(), "the event stream was idle for 60s");
/// # }
/// ```
pub fn read<B: Body>(body: B) -> Events<BodyChunks<B>> {
    read_with(body, Decoder::new())
}

/// Reads events with a decoder of your settings, and maybe of an earlier connection.
///
/// ```
/// use core::pin::pin;
/// use eventsource_hyper::Decoder;
/// use eventsource_hyper::codec::Limits;
/// use futures_util::{FutureExt, StreamExt};
/// use http_body_util::Full;
///
/// let decoder = Decoder::new().limits(Limits::new().event(4));
/// let body = Full::new(&b"data: hello\n\n"[..]);
/// let mut events = pin!(eventsource_hyper::read_with(body, decoder));
/// let error = events.next().now_or_never().unwrap().unwrap().unwrap_err();
/// assert!(error.to_string().ends_with("more than the 4 bytes that Limits::event allows"));
/// ```
pub fn read_with<B: Body>(body: B, decoder: Decoder) -> Events<BodyChunks<B>> {
    Events::with_decoder(BodyChunks::new(body), decoder)
}

pin_project! {
    /// The data of a body, as [`Events`] take it. Trailers are passed over.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct BodyChunks<B> {
        #[pin]
        body: B,
    }
}

impl<B: Body> BodyChunks<B> {
    /// Creates a stream of the data of a body that nobody has read.
    pub fn new(body: B) -> Self {
        Self { body }
    }
}

impl<B: Body> Stream for BodyChunks<B> {
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
