//! What's read, as a stream of chunks.

use alloc::boxed::Box;
use alloc::vec;
use bytes::Bytes;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;
use futures_io::AsyncRead;
use pin_project_lite::pin_project;
use std::io;

pin_project! {
    /// What's read from an [`AsyncRead`], in chunks as it comes, for [`Events`](crate::Events). Call it through an adapter's
    /// `read`, or give it any reader that has that trait of `futures-io`.
    ///
    /// ```
    /// use eventsource_core::Events;
    /// use eventsource_core::io::Chunks;
    /// use futures_util::{FutureExt, StreamExt};
    ///
    /// let reader = futures_util::io::Cursor::new("data: hello\n\n");
    /// let mut events = Events::new(Chunks::new(reader));
    /// let event = events.next().now_or_never().unwrap().unwrap()?;
    /// assert_eq!(&event.data[..], "hello");
    /// # Ok::<(), eventsource_core::codec::EventsError<std::io::Error>>(())
    /// ```
    ///
    /// # Cancel safety
    /// It's a stream: what was read has been handed out.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Chunks<R> {
        #[pin]
        reader: R,
        buffer: Box<[u8]>,
    }
}

/// At most so much is read at once.
const CAPACITY: usize = 8 * 1024;

impl<R: AsyncRead> Chunks<R> {
    /// Creates a stream of what `reader` gives; nobody else may read from it.
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; CAPACITY].into() }
    }
}

impl<R: AsyncRead> Stream for Chunks<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        Poll::Ready(match ready!(this.reader.poll_read(cx, this.buffer)) {
            Ok(0) => None,
            // Copied, for an event that's kept must not keep a whole buffer.
            Ok(len) => Some(match this.buffer.get(..len) {
                Some(read) => Ok(Bytes::copy_from_slice(read)),
                None => Err(io::Error::other("a reader has read more than was asked for")),
            }),
            Err(error) => Some(Err(error)),
        })
    }
}
