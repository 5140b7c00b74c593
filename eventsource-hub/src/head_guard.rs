//! Heads of requests that begin and don't end.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// How long a head may take once it has begun. hyper's own limit counts from the end of the answer before, so that it's the limit
/// of idle connections too, which has to be much longer.
const PATIENCE: Duration = Duration::from_secs(10);

const AWAITED: u8 = 0;
const BEGUN: u8 = 1;
const SERVED: u8 = 2;

/// How far a connection's newest request is. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicU8>);

impl Progress {
    /// Says that the head is complete.
    pub(crate) fn set_served(&self) {
        self.0.store(SERVED, Ordering::Relaxed);
    }

    /// Says that the request is answered, so that another one may begin.
    pub(crate) fn set_answered(&self) {
        self.0.store(AWAITED, Ordering::Relaxed);
    }

    fn handle_bytes(&self) {
        let _ = self.0.compare_exchange(AWAITED, BEGUN, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn is_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed) == BEGUN
    }
}

/// A connection on which reading fails when a head has begun and isn't complete for too long.
#[derive(Debug)]
pub(crate) struct HeadGuard<I> {
    io: I,
    progress: Progress,
    /// There's none where a head comes in one piece, as nearly all do.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<I> HeadGuard<I> {
    pub(crate) fn new(io: I, progress: Progress) -> Self {
        Self { io, progress, timer: None }
    }
}

impl<I: Read + Unpin> Read for HeadGuard<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if read.is_ready() {
            self.progress.handle_bytes();
            return read;
        }
        if !self.progress.is_begun() {
            self.timer = None;
            return Poll::Pending;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<I: Write + Unpin> Write for HeadGuard<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}
