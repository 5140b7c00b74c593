//! A push handle into one stream.

use super::{End, EndReason, Source};
use crate::Frame;
use async_channel::{Receiver, Sender, TrySendError};
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;
use pin_project_lite::pin_project;

/// A cloneable push handle into **one** stream. For everyone's stream, every connection would have to be emitted to.
///
/// What is emitted waits in a bounded queue, so that a client that doesn't read can't eat the memory:
/// [`emit`](Self::emit) waits for room, [`try_emit`](Self::try_emit) says that there's none. Each frame is emitted as a
/// whole: the frames of two clones never mix, and each clone's stay in order. The stream's part in it ends when the
/// last clone is dropped.
///
/// ```
/// use core::pin::pin;
/// use eventsource_core::{Emitter, EventStream, event_name};
/// use futures_util::StreamExt;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (emitter, emissions) = Emitter::new(8);
/// let mut stream = pin!(EventStream::without_timer(emissions));
///
/// emitter.emit("hello").await?;
/// emitter.try_emit((event_name!("greeting"), "again"))?;
/// drop(emitter);
///
/// assert_eq!(stream.next().await.unwrap().as_bytes(), b"data: hello\n\n");
/// assert_eq!(stream.next().await.unwrap().as_bytes(), b"event: greeting\ndata: again\n\n");
/// assert_eq!(stream.next().await, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Emitter(Sender<Frame>);

impl Emitter {
    /// The greatest capacity of a queue; a greater one is cut down to it. The room is allocated at once.
    pub const MAX_CAPACITY: usize = 65_536;

    /// Creates a handle and the source that it feeds, with a queue of `capacity` frames between them. Zero counts as one.
    pub fn new(capacity: usize) -> (Self, Emissions) {
        let (sender, receiver) = async_channel::bounded(capacity.clamp(1, Self::MAX_CAPACITY));
        (Self(sender), Emissions { receiver })
    }

    /// Emits a frame, once there's room for it.
    ///
    /// # Errors
    /// [`EmitError`] gives the frame back when the stream is gone or stopping.
    ///
    /// # Cancel safety
    /// Dropped before it's ready, it has emitted nothing; whoever waits behind it gets its place.
    pub fn emit(&self, frame: impl Into<Frame>) -> Emit<'_> {
        Emit { send: self.0.send(frame.into()) }
    }

    /// Emits a frame if there's room for it now.
    ///
    /// # Errors
    /// [`TryEmitError`] gives the frame back when the queue is full, or the stream is gone or stopping.
    pub fn try_emit(&self, frame: impl Into<Frame>) -> Result<(), TryEmitError> {
        self.0.try_send(frame.into()).map_err(|error| match error {
            TrySendError::Full(frame) => TryEmitError::Full(frame),
            TrySendError::Closed(frame) => TryEmitError::Closed(frame),
        })
    }

    /// Waits until nothing more can be emitted: the client has gone, or the stream is stopping.
    ///
    /// # Cancel safety
    /// It only waits.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Whether nothing more can be emitted.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

pin_project! {
    /// The future of [`Emitter::emit`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Emit<'a> {
        #[pin]
        send: async_channel::Send<'a, Frame>,
    }
}

impl Future for Emit<'_> {
    type Output = Result<(), EmitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().send.poll(cx).map_err(|error| EmitError { frame: error.into_inner() })
    }
}

/// The stream is gone or stopping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmitError {
    /// The frame that was to be emitted.
    pub frame: Frame,
}

/// The frame could not be emitted now; each variant gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryEmitError {
    /// As many frames wait as the capacity allows.
    Full(Frame),
    /// The stream is gone or stopping.
    Closed(Frame),
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event stream is closed")
    }
}

impl fmt::Display for TryEmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the event stream's queue is full",
            Self::Closed(_) => "the event stream is closed",
        })
    }
}

impl core::error::Error for EmitError {}
impl core::error::Error for TryEmitError {}

pin_project! {
    /// What an [`Emitter`] and its clones emit: a [`Source`].
    ///
    /// Once closed, it still gives out what was emitted before.
    #[derive(Debug)]
    #[must_use = "sources do nothing unless polled"]
    pub struct Emissions {
        #[pin]
        receiver: Receiver<Frame>,
    }

    impl PinnedDrop for Emissions {
        fn drop(this: Pin<&mut Self>) {
            // Emitters may live on, in somebody's table of clients; what nobody will read must not.
            this.receiver.close();
            while this.receiver.try_recv().is_ok() {}
        }
    }
}

impl Source for Emissions {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
        let frame = ready!(self.project().receiver.poll_next(cx));
        Poll::Ready(frame.ok_or(EndReason::SourceEnded.into()))
    }

    fn close(self: Pin<&mut Self>, _: EndReason) -> bool {
        self.receiver.close();
        !self.receiver.is_empty()
    }
}
