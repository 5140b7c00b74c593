//! Reading events.

use eventsource_core::Events;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

/// The events of an [`AsyncRead`].
pub type ReaderEvents<R> = Events<ReaderStream<R>>;

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
/// For limits of your own, or with the decoder of an earlier connection:
/// `Events::with_decoder(ReaderStream::new(reader), decoder)`.
pub fn read<R: AsyncRead>(reader: R) -> ReaderEvents<R> {
    Events::new(ReaderStream::new(reader))
}
