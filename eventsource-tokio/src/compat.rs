//! tokio's traits for IO as those of futures-io, which the core knows.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_io::{AsyncRead, AsyncWrite};
use pin_project_lite::pin_project;
use std::io::{self, IoSlice};
use tokio::io::ReadBuf;

pin_project! {
    /// A connection of tokio's with the traits of `futures-io`, vectored writes included.
    #[derive(Debug)]
    pub struct Compat<C> {
        #[pin]
        connection: C,
    }
}

impl<C> Compat<C> {
    /// Of anything that has tokio's traits.
    pub fn new(connection: C) -> Self {
        Self { connection }
    }
}

impl<C: tokio::io::AsyncRead> AsyncRead for Compat<C> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(self.project().connection.poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<C: tokio::io::AsyncWrite> AsyncWrite for Compat<C> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.project().connection.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().connection.poll_write_vectored(cx, slices)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().connection.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().connection.poll_shutdown(cx)
    }
}
