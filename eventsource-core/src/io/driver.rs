//! Writing one connection's output.

use super::outbox::Outbox;
use super::{Linger, WriteTimeout};
use crate::Timer;
use crate::stream::{EndReason, EventStream, OptionalTimer, Source, StallHandle};
use alloc::boxed::Box;
use bytes::Bytes;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use pin_project_lite::pin_project;
use std::io;

pin_project! {
    /// Writes an [`EventStream`] to a connection, until either of them ends: a future.
    ///
    /// It's what an adapter wraps around a socket of its runtime; call it through that adapter's `drive`, or give it any
    /// connection that has the traits of `futures-io`. It writes what the stream hands out, as whole as the connection takes it:
    /// all that's there at once with one vectored write, then one flush. While a write or a flush waits, the stream isn't polled,
    /// so that the back-pressure reaches the sources; nor does it learn of a stop, a drain or the end of its lifetime then: see
    /// [`write_timeout`](Self::write_timeout). It takes turns with other tasks however busy the stream is.
    ///
    /// ```
    /// use eventsource_core::http::RESPONSE_HEAD;
    /// use eventsource_core::io::{Driver, WriteOnly};
    /// use eventsource_core::{EndReason, EventStream};
    /// use futures_util::{FutureExt, stream};
    ///
    /// let mut written = Vec::new();
    /// let stream = EventStream::without_timer(stream::iter(["one", "two"]));
    /// let driver = Driver::new(stream, WriteOnly::new(&mut written)).head(RESPONSE_HEAD);
    /// assert_eq!(driver.now_or_never().unwrap()?, EndReason::SourceEnded);
    /// assert!(written.ends_with(b"\r\n\r\ndata: one\n\ndata: two\n\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # The client's close
    /// It also reads, and drops what the client sends. As soon as the client has closed its side, be it only for writing, the
    /// stream is dropped, which is the sign to its sources, and the driver is ready with [`EndReason::Dropped`]. Of a
    /// connection of which only the writing half is at hand, in [`WriteOnly`], a failing write is the first sign. A client
    /// that's gone before the first poll leaves a stream that nobody has polled, whose hook is told nothing.
    ///
    /// # The end
    /// When the stream has ended, all of it is written and flushed and the writing side closed. Then what the client still
    /// sends, such as the rest of a request's body that nobody read, is read and dropped until the client closes its side, too,
    /// within the limits of [`Linger`]: a connection that's closed before is reset, and the client loses what it hasn't read. A
    /// stream without a timer doesn't wait: what has come by then is dropped. Then it's ready with the stream's
    /// [`EndReason`]. Spawn it, or poll it beside the client: it waits for that.
    ///
    /// If the connection ends before all that was written and flushed, it's ready with the connection's,
    /// though the stream may have told its hook another; [`unsent`](Self::unsent) then says how much is missing.
    ///
    /// # Errors
    /// Those of writing. The stream has been dropped then.
    ///
    /// # Cancel safety
    /// What was taken from the stream and isn't written yet is the driver's own: a `Pin<&mut Driver>` that's polled, dropped and
    /// made anew goes on within the frame in which it was.
    #[must_use = "futures do nothing unless polled"]
    pub struct Driver<S, T, C> {
        // None once it was dropped. One that has ended holds nothing any more but its timer, for the close.
        #[pin]
        stream: Option<EventStream<S, T>>,
        ended: Option<EndReason>,
        #[pin]
        connection: C,
        unsent: Outbox,
        // Not polled yet: the head waits for what comes with it.
        is_new: bool,
        unflushed: bool,
        // A flush is under way, and comes before all else.
        is_flushing: bool,
        // The writing side is closed.
        linger: Option<Linger>,
        // There's nothing more to do.
        is_done: bool,
        stall: Option<Box<Stall<T>>>,
    }
}

/// Tells that the client has stopped reading.
struct Stall<T> {
    timeout: WriteTimeout,
    timer: Pin<Box<T>>,
    handle: StallHandle,
}

impl<T: OptionalTimer> Stall<T> {
    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.as_mut().as_timer();
        debug_assert!(timer.is_some(), "only a stream with a timer is given a write timeout");
        timer.map_or(Poll::Pending, |timer| self.timeout.poll_expired(timer, cx))
    }
}

/// So many writes are done in one poll, so that others get their turn.
const WRITES: u32 = 32;

/// So many reads are done in one poll of what the client sends: it has nothing to say.
const READS: u32 = 8;

impl<S, T, C> Driver<S, T, C>
where
    S: Source,
    T: OptionalTimer,
    C: AsyncRead + AsyncWrite,
{
    /// Creates a driver of a stream that nobody has polled, and a connection whose request has been read.
    pub fn new(stream: EventStream<S, T>, connection: C) -> Self {
        Self {
            stream: Some(stream),
            ended: None,
            connection,
            unsent: Outbox::default(),
            is_new: true,
            unflushed: false,
            is_flushing: false,
            linger: None,
            is_done: false,
            stall: None,
        }
    }

    /// Writes this before the stream: the head of a response, such as [`RESPONSE_HEAD`](crate::http::RESPONSE_HEAD). It goes out at once,
    /// together with what the stream has by then.
    pub fn head(mut self, head: impl Into<Bytes>) -> Self {
        self.unsent.push(head.into());
        self
    }

    /// Gives the connection up when the client takes nothing of what's written for so long: the stream's hook learns
    /// that it [stalled](EndReason::Stalled), and the driver is ready with that. Zero is off. [`WriteTimeout`] describes when
    /// exactly. It takes the place of a handle that the stream was given by [`EventStream::stall_on`].
    pub fn write_timeout(self, limit: Duration) -> Self
    where
        T: Timer + Default,
    {
        self.write_timeout_with(limit, T::default())
    }

    /// Gives the connection up as [`write_timeout`](Self::write_timeout) does, with a timer of its own, where that has no
    /// default.
    pub fn write_timeout_with(mut self, limit: Duration, timer: T) -> Self
    where
        T: Timer,
    {
        if limit.is_zero() {
            return self;
        }
        let handle = StallHandle::new();
        self.stream = self.stream.map(|stream| stream.stall_on(&handle));
        let timeout = WriteTimeout::new(limit);
        self.stall = Some(Box::new(Stall { timeout, timer: Box::pin(timer), handle }));
        self
    }
}

impl<S, T, C> Driver<S, T, C> {
    /// Returns how many bytes were taken from the stream, or are of the head, and aren't written yet; or never will be, once it's ready.
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }
}

impl<S, T, C> Future for Driver<S, T, C>
where
    S: Source,
    T: OptionalTimer,
    C: AsyncRead + AsyncWrite,
{
    type Output = io::Result<EndReason>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let is_writing = !*this.is_done && this.linger.is_none();
        if is_writing && discard(this.connection, cx).heard == Heard::Close {
            return Poll::Ready(Ok(self.give_up(EndReason::Dropped)));
        }
        for _ in 0..WRITES {
            let mut this = self.as_mut().project();
            if let (true, Some(reason)) = (*this.is_done, *this.ended) {
                return Poll::Ready(Ok(reason));
            }
            if this.linger.is_some() {
                ready!(self.as_mut().poll_linger(cx));
                continue;
            }
            let is_new = core::mem::take(this.is_new);
            if is_new || (this.unsent.is_empty() && !*this.is_flushing) {
                *this.ended = this.ended.or_else(|| fill(this.unsent, this.stream.as_mut(), cx));
            }
            let progress = if !this.unsent.is_empty() {
                this.unsent.poll_write(this.connection, cx).map_ok(|()| *this.unflushed = true)
            } else if *this.unflushed {
                *this.is_flushing = true;
                this.connection
                    .poll_flush(cx)
                    .map_ok(|()| (*this.unflushed, *this.is_flushing) = (false, false))
            } else if this.ended.is_some() {
                // Whatever comes of it, all has been written.
                this.connection.poll_close(cx).map(|_| {
                    *this.linger = Some(Linger::new());
                    Ok(())
                })
            } else {
                return Poll::Pending;
            };
            match progress {
                Poll::Ready(Ok(())) => {
                    if let Some(stall) = this.stall {
                        stall.timeout.handle_taken();
                    }
                }
                Poll::Ready(Err(error)) => {
                    self.give_up(EndReason::Dropped);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {
                    let Some(stall) = this.stall else { return Poll::Pending };
                    ready!(stall.poll_expired(cx));
                    stall.handle.set_stalled();
                    return Poll::Ready(Ok(self.give_up(EndReason::Stalled)));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: Source, T: OptionalTimer, C: AsyncRead> Driver<S, T, C> {
    /// Waits for the client's close.
    fn poll_linger(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.as_mut().project();
        let Some(linger) = this.linger else { return Poll::Ready(()) };
        let discarded = discard(this.connection, cx);
        if discarded.len > 0 {
            linger.handle_discarded(discarded.len);
        }
        match discarded.heard {
            Heard::Close => {}
            Heard::More if !linger.is_exhausted() => return Poll::Pending,
            Heard::More | Heard::Nothing => {
                if let Some(timer) = this.stream.as_mut().as_pin_mut().and_then(EventStream::timer) {
                    ready!(linger.poll_over(timer, cx));
                }
            }
        }
        self.give_up(EndReason::Dropped);
        Poll::Ready(())
    }
}

impl<S, T, C> Driver<S, T, C> {
    /// Drops the stream and all that's unsent. The stream's own reason remains if it had ended and all was delivered.
    fn give_up(self: Pin<&mut Self>, reason: EndReason) -> EndReason {
        let mut this = self.project();
        this.stream.set(None);
        let is_delivered = this.unsent.is_empty() && !*this.unflushed;
        this.unsent.discard();
        *this.is_done = true;
        let reason = this.ended.filter(|_| is_delivered).unwrap_or(reason);
        *this.ended = Some(reason);
        reason
    }
}

/// What was dropped of what the client sends, and what comes next.
struct Discarded {
    len: usize,
    heard: Heard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// The client has closed its side, or is gone.
    Close,
    /// There may be more at once: the waker was woken.
    More,
    Nothing,
}

/// Reads what the client sends, and drops it.
fn discard<C: AsyncRead>(mut connection: Pin<&mut C>, cx: &mut Context<'_>) -> Discarded {
    let (mut dropped, mut len) = ([0; 2048], 0_usize);
    for _ in 0..READS {
        match connection.as_mut().poll_read(cx, &mut dropped) {
            Poll::Ready(Ok(0) | Err(_)) => return Discarded { len, heard: Heard::Close },
            Poll::Ready(Ok(read)) => len = len.saturating_add(read),
            Poll::Pending => return Discarded { len, heard: Heard::Nothing },
        }
    }
    cx.waker().wake_by_ref();
    Discarded { len, heard: Heard::More }
}

/// Takes what the stream has, as much as goes into one write. If it has ended, why.
fn fill<S: Source, T: OptionalTimer>(
    unsent: &mut Outbox,
    mut stream: Pin<&mut Option<EventStream<S, T>>>,
    cx: &mut Context<'_>,
) -> Option<EndReason> {
    while unsent.has_room() {
        match stream.as_mut().as_pin_mut()?.poll_next(cx) {
            Poll::Ready(Some(frame)) => unsent.push(frame.into_bytes()),
            Poll::Ready(None) => {
                let reason = stream.as_ref().as_pin_ref()?.end().map(crate::stream::End::reason);
                debug_assert!(reason.is_some(), "a stream that has ended says why");
                return reason.or(Some(EndReason::SourceEnded));
            }
            Poll::Pending => return None,
        }
    }
    None
}

impl<S, T, C> fmt::Debug for Driver<S, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("stream", &self.stream)
            .field("ended", &self.ended)
            .field("unsent", &self.unsent.len())
            .finish_non_exhaustive()
    }
}
