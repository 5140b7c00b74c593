//! A connection in memory that behaves as badly as it's told.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::ReadBuf;

/// Both ends of it: the server's has the traits of both families of runtimes, the client's are the methods.
#[derive(Clone, Debug)]
pub(crate) struct Wire(Arc<Mutex<State>>);

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one way to behave badly")]
struct State {
    written: Vec<u8>,
    /// How much of it the client still takes, and at most with one write.
    room: usize,
    at_once: usize,
    write_error: Option<ErrorKind>,
    /// Nothing is flushed, nor closed, until there's an error of writing.
    is_stuck: bool,
    /// What the client has sent, and how much of it comes with one read.
    sent: VecDeque<u8>,
    read_at_once: usize,
    is_closed: bool,
    /// It doesn't close when the server does.
    stays: bool,
    read_error: Option<ErrorKind>,
    /// One operation in three is pending first.
    stutters: bool,
    operations: usize,
    pub(crate) counts: Counts,
    reader: Option<Waker>,
    writer: Option<Waker>,
    client: Option<Waker>,
}

/// How often something was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) writes: usize,
    pub(crate) flushes: usize,
    pub(crate) closes: usize,
}

impl Wire {
    /// One that takes everything.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            written: Vec::new(),
            room: usize::MAX,
            at_once: usize::MAX,
            write_error: None,
            is_stuck: false,
            sent: VecDeque::new(),
            read_at_once: usize::MAX,
            is_closed: false,
            stays: false,
            read_error: None,
            stutters: false,
            operations: 0,
            counts: Counts::default(),
            reader: None,
            writer: None,
            client: None,
        })))
    }

    /// The client takes no more than this.
    pub(crate) fn with_room(self, bytes: usize) -> Self {
        self.lock().room = bytes;
        self
    }

    /// So many bytes are written, and read, at once.
    pub(crate) fn at_once(self, bytes: usize) -> Self {
        let mut state = self.lock();
        (state.at_once, state.read_at_once) = (bytes, bytes);
        drop(state);
        self
    }

    /// One operation in three is pending first, and wakes at once.
    pub(crate) fn stuttering(self) -> Self {
        self.lock().stutters = true;
        self
    }

    /// What's written gets no further: it's never flushed.
    pub(crate) fn stuck(self) -> Self {
        self.lock().is_stuck = true;
        self
    }

    /// The client doesn't close its side when the server does, as others do.
    pub(crate) fn staying(self) -> Self {
        self.lock().stays = true;
        self
    }

    /// The client takes so much more.
    pub(crate) fn make_room(&self, bytes: usize) {
        self.change(|state| state.room = state.room.saturating_add(bytes));
    }

    pub(crate) fn fail_writes(&self, error: ErrorKind) {
        self.change(|state| state.write_error = Some(error));
    }

    /// The client sends something.
    pub(crate) fn send(&self, bytes: &[u8]) {
        self.change(|state| state.sent.extend(bytes));
    }

    /// The client closes its side.
    pub(crate) fn close(&self) {
        self.change(|state| state.is_closed = true);
    }

    pub(crate) fn fail_reads(&self, error: ErrorKind) {
        self.change(|state| state.read_error = Some(error));
    }

    pub(crate) fn written(&self) -> String {
        String::from_utf8(self.lock().written.clone()).unwrap()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// How much of what the client has sent nobody has read.
    pub(crate) fn unread(&self) -> usize {
        self.lock().sent.len()
    }

    /// Waits until the client has got so much.
    pub(crate) async fn received(&self, bytes: usize) {
        poll_fn(|cx| {
            let mut state = self.lock();
            state.client = Some(cx.waker().clone());
            if state.written.len() >= bytes { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn poll_read(&self, cx: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        if state.stutter(cx) {
            return Poll::Pending;
        }
        let len = buffer.len().min(state.sent.len()).min(state.read_at_once);
        if len > 0 {
            return Poll::Ready(state.sent.read(&mut buffer[..len]));
        }
        if let Some(error) = state.read_error {
            return Poll::Ready(Err(error.into()));
        }
        if state.is_closed {
            return Poll::Ready(Ok(0));
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_write(&self, cx: &Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        if let Some(error) = state.write_error {
            return Poll::Ready(Err(error.into()));
        }
        if state.stutter(cx) {
            return Poll::Pending;
        }
        if state.room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let len = bytes.len().min(state.room).min(state.at_once);
        state.written.extend_from_slice(&bytes[..len]);
        state.room -= if state.room == usize::MAX { 0 } else { len };
        state.counts.writes += 1;
        if let Some(client) = state.client.take() {
            client.wake();
        }
        Poll::Ready(Ok(len))
    }

    fn poll_flush(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if state.stutter(cx) {
            return Poll::Pending;
        }
        if state.is_stuck {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.counts.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if state.stutter(cx) {
            return Poll::Pending;
        }
        if state.is_stuck {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.counts.closes += 1;
        state.is_closed |= !state.stays;
        Poll::Ready(Ok(()))
    }
}

impl State {
    /// Whether this operation is pending first.
    fn stutter(&mut self, cx: &Context<'_>) -> bool {
        self.operations += 1;
        let stutters = self.stutters && self.operations % 3 == 1;
        if stutters {
            cx.waker().wake_by_ref();
        }
        stutters
    }
}

impl futures_io::AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Wire::poll_read(&self, cx, buf)
    }
}

impl futures_io::AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Wire::poll_write(&self, cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Wire::poll_write(&self, cx, slices)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Wire::poll_flush(&self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Wire::poll_close(&self, cx)
    }
}

impl tokio::io::AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Wire::poll_read(&self, cx, buf.initialize_unfilled()).map_ok(|len| buf.advance(len))
    }
}

impl tokio::io::AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Wire::poll_write(&self, cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Wire::poll_write(&self, cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Wire::poll_flush(&self, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Wire::poll_close(&self, cx)
    }
}
