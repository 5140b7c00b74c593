//! Clients that don't read.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use eventsource_core::Timer;
use eventsource_core::io::{Linger, WriteTimeout};
use eventsource_core::stream::StallHandle;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use pin_project_lite::pin_project;
use std::io;

pin_project! {
    /// A connection that's given up when its client takes nothing of what's written for a while, that notices the
    /// client's leaving whatever it has sent before, and that's closed in stages.
    ///
    /// hyper itself never notices: once its buffer is full, it doesn't poll the body any more, and waits for the client for ever.
    /// Wrap the connection's IO in this. When the time is over, the connection fails with
    /// [`TimedOut`](io::ErrorKind::TimedOut), the stream is dropped, and if it was given the
    /// [handle](Self::handle), its hook learns that it [stalled](eventsource_core::EndReason::Stalled).
    ///
    /// Where the system gives the connection up for the same reason, by a `TCP_USER_TIMEOUT`, the hook learns the same.
    ///
    /// Over HTTP/2 it's the connection that's looked at. Whether each of its streams is read, only their windows tell.
    ///
    /// # Clients that leave
    /// A client that closes its side while a stream that was given the [handle](Self::handle) is open, is leaving: the
    /// connection fails with [`ConnectionAborted`](io::ErrorKind::ConnectionAborted), and the stream is dropped at once. hyper
    /// alone doesn't see that where there's something before it which it doesn't read yet, such as another request or a stray line
    /// break, or where it's set to `half_close(true)`. With that setting and this guard, a client that closes its side right after
    /// its request gets every answer that isn't a stream; without it, hyper takes the close for leaving whatever the answer is.
    ///
    /// It reads up to 8 KiB ahead of hyper. Behind more than that it sees nothing; there, writing shows that the
    /// client has left: give each stream a keep-alive.
    ///
    /// # The close
    /// When hyper closes the connection, the writing side is closed first; then what the client still sends, such as a body that
    /// nobody read, is discarded until it closes its side, too, within the limits of [`Linger`]. Otherwise the system would
    /// answer what it sends with a reset, and the client lose what it hasn't read.
    ///
    /// # How long
    /// What the socket's own buffers hold, some MiB, counts as taken; and a full one takes more only when a good part of it is
    /// free, on Linux a third. For so long a client takes nothing, though it reads slowly all the time. So the limit has to be
    /// more than the send buffer divided by the slowest rate that's to be put up with.
    ///
    /// Linux lets the buffer grow to 4 MiB (`tcp_wmem`): 210 s for 20 kB/s, 14 minutes for 5 kB/s; about a third of that was
    /// measured between two writes. For less, set the listener's `SO_SNDBUF` before it listens; its connections inherit it. With
    /// 64 KiB, which Linux doubles, a client at 20 kB/s took nothing for 6 s; with 16 KiB, one at 5 kB/s for 26 s. Still smaller
    /// gains nothing: then it's the client's own buffer that fills and empties in steps.
    ///
    /// ```no_run
    /// use core::future::ready;
    /// use core::time::Duration;
    /// use eventsource_hyper::{EventService, StallGuard};
    /// use eventsource_tokio::{Alarm, EventStream};
    /// use futures_util::stream;
    /// use hyper::server::conn::http1;
    /// use hyper_util::rt::TokioIo;
    ///
    /// # async fn serve() -> std::io::Result<()> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// loop {
    ///     let (client, _) = listener.accept().await?;
    ///     let limit = Duration::from_secs(30);
    ///     let client = StallGuard::new(TokioIo::new(client), Alarm::default(), limit);
    ///     let stall = client.handle();
    ///     let service = EventService::new(move |_request, _last_event_id| {
    ///         let events = EventStream::new(stream::repeat("spam")).stall_on(&stall);
    ///         ready(events.on_end(|end| println!("{end}")))
    ///     });
    ///     tokio::spawn(http1::Builder::new().serve_connection(client, service));
    /// }
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct StallGuard<I, T> {
        #[pin]
        io: I,
        // In a box, for hyper wants to move it all.
        timer: Pin<Box<T>>,
        timeout: WriteTimeout,
        handle: StallHandle,
        // What was read that hyper hasn't asked for yet.
        ahead: Vec<u8>,
        // The client has closed its side.
        is_closed: bool,
        // The writing side is closed.
        linger: Option<Linger>,
    }
}

/// So much is read ahead.
const AHEAD: usize = 8 * 1024;

impl<I, T> StallGuard<I, T> {
    /// Wraps a connection, to give it up when nothing was taken for `limit`; zero is off. [`WriteTimeout`] describes when
    /// exactly. `timer` is one of its own, fresh.
    pub fn new(io: I, timer: T, limit: Duration) -> Self {
        Self {
            io,
            timer: Box::pin(timer),
            timeout: WriteTimeout::new(limit),
            handle: StallHandle::new(),
            ahead: Vec::new(),
            is_closed: false,
            linger: None,
        }
    }

    /// For the connection's streams.
    pub fn handle(&self) -> StallHandle {
        self.handle.clone()
    }
}

impl<I: Write, T: Timer> StallGuard<I, T> {
    fn poll<R>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut I>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let this = self.project();
        let written = write(this.io, cx);
        if written.is_ready() {
            this.timeout.handle_taken();
            return written.map_err(|error| told(this.handle, error));
        }
        this.timeout.poll_expired(this.timer.as_mut(), cx).map(|()| {
            this.handle.set_stalled();
            Err(io::Error::new(io::ErrorKind::TimedOut, "the client has stopped reading"))
        })
    }
}

impl<I: Read, T> StallGuard<I, T> {
    /// Looks for the client's close while a stream is open, which hyper may not do.
    fn check_left(self: Pin<&mut Self>, cx: &mut Context<'_>) -> io::Result<()> {
        let mut this = self.project();
        if !this.handle.is_streaming() {
            return Ok(());
        }
        while !*this.is_closed && this.ahead.len() < AHEAD {
            let mut part = [0; 512];
            let Poll::Ready(read) = poll_read(this.io.as_mut(), cx, &mut part) else { return Ok(()) };
            let read = read.map_err(|error| told(this.handle, error))?;
            *this.is_closed = read.is_empty();
            this.ahead.extend_from_slice(read);
            // hyper may wait for it.
            cx.waker().wake_by_ref();
        }
        if *this.is_closed {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client has left"));
        }
        Ok(())
    }
}

/// Reads once; no bytes are the end.
fn poll_read<'b, I: Read>(
    io: Pin<&mut I>,
    cx: &mut Context<'_>,
    part: &'b mut [u8],
) -> Poll<io::Result<&'b [u8]>> {
    let mut buffer = ReadBuf::new(part);
    ready!(io.poll_read(cx, buffer.unfilled()))?;
    let len = buffer.filled().len();
    Poll::Ready(Ok(part.get(..len).unwrap_or_default()))
}

impl<I: Read + Write, T: Timer> Write for StallGuard<I, T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.as_mut().check_left(cx)?;
        self.poll(cx, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_mut().check_left(cx)?;
        self.poll(cx, Write::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(self.as_mut().poll(cx, Write::poll_shutdown))?;
        }
        let mut this = self.project();
        let linger = this.linger.get_or_insert(Linger::brief());
        while !*this.is_closed && !linger.is_exhausted() {
            let mut part = [0; 2048];
            match poll_read(this.io.as_mut(), cx, &mut part) {
                Poll::Ready(Ok(read)) if !read.is_empty() => linger.handle_discarded(read.len()),
                Poll::Ready(_) => *this.is_closed = true,
                Poll::Pending => ready!(linger.poll_over(this.timer.as_mut(), cx)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.as_mut().check_left(cx)?;
        self.poll(cx, |io, cx| io.poll_write_vectored(cx, bufs))
    }
}

impl<I: Read, T> Read for StallGuard<I, T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        if !this.ahead.is_empty() {
            let len = this.ahead.len().min(buf.remaining());
            buf.put_slice(this.ahead.get(..len).unwrap_or_default());
            this.ahead.drain(..len);
            // Few connections ever have something there.
            if this.ahead.is_empty() {
                *this.ahead = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        if *this.is_closed {
            return Poll::Ready(Ok(()));
        }
        this.io.poll_read(cx, buf).map_err(|error| told(this.handle, error))
    }
}

/// The system gives up a client, too, that takes nothing: by a `TCP_USER_TIMEOUT`.
fn told(handle: &StallHandle, error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::TimedOut {
        handle.set_stalled();
    }
    error
}
