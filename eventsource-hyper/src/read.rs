//! Reading events.

use eventsource_core::io::BodyChunks;
use eventsource_core::{Decoder, Events};
use http_body::Body;

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
