//! Reading events.

use crate::compat::Compat;
use eventsource_core::io::Chunks;
use eventsource_core::{Decoder, Events};
use tokio::io::AsyncRead;

/// The events of a reader.
pub type ReaderEvents<R> = Events<Chunks<Compat<R>>>;

/// Reads events from anything that can be read: a socket, a pipe, a file.
///
/// ```
/// use core::pin::pin;
/// use futures_util::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut events = pin!(eventsource_tokio::read(&b"event: greeting\ndata: hello\n\n"[..]));
/// let event = events.next().await.unwrap()?;
/// assert_eq!((event.name.as_str(), &event.data[..]), ("greeting", "hello"));
/// # Ok(())
/// # }
/// ```
///
/// A connection that's dead without a word is noticed by an idle timeout, which needs an [`Alarm`](crate::Alarm):
///
/// ```
/// use core::time::Duration;
/// use eventsource_tokio::{Alarm, read};
///
/// let reader = &b": ping\n"[..];
/// let events = read(reader).idle_timeout(Duration::from_secs(60), Alarm::default());
/// # drop(events);
/// ```
pub fn read<R: AsyncRead>(reader: R) -> ReaderEvents<R> {
    read_with(reader, Decoder::new())
}

/// The same with a decoder of your settings, and maybe of an earlier connection.
///
/// ```
/// use core::pin::pin;
/// use eventsource_tokio::codec::Limits;
/// use eventsource_tokio::Decoder;
/// use futures_util::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let decoder = Decoder::new().limits(Limits::new().event(4));
/// let mut events = pin!(eventsource_tokio::read_with(&b"data: hello\n\n"[..], decoder));
/// let error = events.next().await.unwrap().unwrap_err();
/// assert!(error.to_string().ends_with("more than the 4 bytes that Limits::event allows"));
/// # }
/// ```
pub fn read_with<R: AsyncRead>(reader: R, decoder: Decoder) -> ReaderEvents<R> {
    Events::with_decoder(Chunks::new(Compat::new(reader)), decoder)
}
