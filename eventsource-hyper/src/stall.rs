//! Clients that don't read.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use eventsource_core::Timer;
use eventsource_core::io::WriteTimeout;
use eventsource_core::stream::StallHandle;
use hyper::rt::{Read, ReadBufCursor, Write};
use pin_project_lite::pin_project;
use std::io;

pin_project! {
    /// A connection that's given up when its client takes nothing of what's written for a while.
    ///
    /// hyper itself never notices: once its buffer is full, it doesn't poll the body any more, and waits for the client for ever.
    /// Wrap the connection's IO in this. When the time is over, the connection fails with
    /// [`TimedOut`](io::ErrorKind::TimedOut), the stream is dropped, and if it was given the
    /// [handle](Self::handle), its hook learns that it [stalled](eventsource_core::EndReason::Stalled).
    ///
    /// Over HTTP/2 it's the connection that's looked at. Whether each of its streams is read, only their windows tell.
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
    }
}

impl<I, T> StallGuard<I, T> {
    /// Wraps a connection, to give it up when nothing was taken for `limit`; zero is off. [`WriteTimeout`] describes when
    /// exactly. `timer` is one of its own, fresh.
    pub fn new(io: I, timer: T, limit: Duration) -> Self {
        Self { io, timer: Box::pin(timer), timeout: WriteTimeout::new(limit), handle: StallHandle::new() }
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
            return written;
        }
        this.timeout.poll_expired(this.timer.as_mut(), cx).map(|()| {
            this.handle.set_stalled();
            Err(io::Error::new(io::ErrorKind::TimedOut, "the client has stopped reading"))
        })
    }
}

impl<I: Write, T: Timer> Write for StallGuard<I, T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, Write::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, Write::poll_shutdown)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, |io, cx| io.poll_write_vectored(cx, bufs))
    }
}

impl<I: Read, T> Read for StallGuard<I, T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_read(cx, buf)
    }
}
