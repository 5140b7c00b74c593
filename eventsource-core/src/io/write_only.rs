//! Half a connection.

use core::pin::Pin;
use core::task::{Context, Poll};
use futures_io::{AsyncRead, AsyncWrite};
use pin_project_lite::pin_project;
use std::io::{self, IoSlice};

pin_project! {
    /// The writing half of a connection for a [`Driver`](super::Driver), where there's nothing to read: reading it is pending until
    /// it's closed, and then at its end.
    #[derive(Debug)]
    pub struct WriteOnly<W> {
        #[pin]
        writer: W,
        is_closed: bool,
    }
}

impl<W> WriteOnly<W> {
    /// Wraps the writing half of a connection, or anything else to write to.
    pub fn new(writer: W) -> Self {
        Self { writer, is_closed: false }
    }
}

impl<W> AsyncRead for WriteOnly<W> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        // Whoever waits for the other side's close after its own isn't kept waiting: there's no other side.
        if self.is_closed { Poll::Ready(Ok(0)) } else { Poll::Pending }
    }
}

impl<W: AsyncWrite> AsyncWrite for WriteOnly<W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.project().writer.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().writer.poll_write_vectored(cx, slices)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().writer.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let closed = this.writer.poll_close(cx);
        *this.is_closed = closed.is_ready();
        closed
    }
}
