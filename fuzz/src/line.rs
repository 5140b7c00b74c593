//! A connection that moves a few bytes at a time, and now and then nothing, and what else is read from.

use arbitrary::Arbitrary;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};

/// When it moves, and how much.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub struct Pace {
    /// A bit for each call, in turn: whether it has to be called again.
    stutters: u8,
    /// How many bytes it moves at once, in turn; none counts as one.
    lengths: [u8; 4],
}

/// A connection of which the one end is held by a test.
#[derive(Debug)]
pub struct Line {
    pace: Pace,
    calls: usize,
    stuttered: bool,
    incoming: VecDeque<u8>,
    fails: bool,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Line {
    /// A connection on which this comes in; and then its end, or an error.
    pub fn new(pace: Pace, incoming: &[u8], fails: bool) -> Self {
        let incoming = incoming.iter().copied().collect();
        Self { pace, calls: 0, stuttered: false, incoming, fails, written: Arc::default() }
    }

    /// What is written to it, also after it's gone.
    pub fn written(&self) -> impl Fn() -> Vec<u8> + use<> {
        let written = Arc::clone(&self.written);
        move || written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many bytes it moves now, if any.
    fn turn(&mut self, cx: &Context<'_>) -> Poll<usize> {
        self.calls += 1;
        // Never twice in a row, so that it ends.
        self.stuttered = !self.stuttered && self.pace.stutters >> (self.calls % 8) & 1 == 1;
        if self.stuttered {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(usize::from(self.pace.lengths[self.calls % 4]).max(1))
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let Poll::Ready(length) = self.turn(cx) else { return Poll::Pending };
        let length = length.min(buf.len()).min(self.incoming.len());
        if length == 0 && self.fails {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        for (to, byte) in buf.iter_mut().zip(self.incoming.drain(..length)) {
            *to = byte;
        }
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(length) = self.turn(cx) else { return Poll::Pending };
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(length).collect();
        self.written.lock().unwrap_or_else(PoisonError::into_inner).extend(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turn(cx).map(|_| Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turn(cx).map(|_| Ok(()))
    }
}

/// A stream of things that are all there, and then its end.
#[derive(Debug)]
pub struct Pieces<T>(pub VecDeque<T>);

impl<T: Unpin> Stream for Pieces<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// Polls a future that is always woken until it's ready.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
    panic!("it never ends");
}

/// Everything of a stream.
pub fn collect<S: Stream>(mut stream: Pin<&mut S>) -> Vec<S::Item> {
    let mut items = Vec::new();
    while let Some(item) = run(core::future::poll_fn(|cx| stream.as_mut().poll_next(cx))) {
        items.push(item);
    }
    items
}
