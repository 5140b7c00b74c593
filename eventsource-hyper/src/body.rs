//! The body of a response.

use bytes::{Buf, Bytes};
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use eventsource_core::io::Linger;
use eventsource_core::stream::OptionalTimer;
use eventsource_core::{EndReason, EventStream, Source, Timer};
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::sync::{Mutex, PoisonError};

pin_project! {
    /// An [`EventStream`] as an [`http_body::Body`]: each frame of events is one frame of data, shared and not copied.
    ///
    /// When a source fails, the body ends as if it had ended well: the client reconnects either way, and gets
    /// all that was sent. [`abort_on_error`](Self::abort_on_error) breaks the connection off instead.
    ///
    /// ```
    /// use eventsource_core::EventStream;
    /// use eventsource_hyper::EventBody;
    /// use futures_util::{FutureExt, stream};
    /// use http_body_util::BodyExt;
    ///
    /// let stream = EventStream::without_timer(stream::iter(["one", "two"]));
    /// let collected = EventBody::new(stream).collect().now_or_never().unwrap()?;
    /// assert_eq!(collected.to_bytes(), "data: one\n\ndata: two\n\n");
    /// # Ok::<(), eventsource_hyper::Aborted>(())
    /// ```
    #[derive(Debug)]
    #[must_use = "a body does nothing unless it's sent"]
    pub struct EventBody<S, T> {
        #[pin]
        content: Content<S, T>,
        abort_on_error: bool,
        // The request's body, until it has ended.
        unread: Option<Box<Unread>>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = ContentProjection]
    enum Content<S, T> {
        Stream { #[pin] stream: EventStream<S, T> },
        // The client broke off.
        Gone,
        // The answer to HEAD: as long as the stream would be, so of no known length.
        Unsent,
        Text { text: Option<Bytes> },
    }
}

impl<S: Source, T: OptionalTimer> EventBody<S, T> {
    /// Creates a body of a stream that nobody has polled.
    pub fn new(stream: EventStream<S, T>) -> Self {
        Content::Stream { stream }.into()
    }

    /// Breaks the connection off when a source fails, instead of ending it well. hyper may then lose frames that
    /// it has been given just before, even the head of the response.
    pub fn abort_on_error(mut self, abort: bool) -> Self {
        self.abort_on_error = abort;
        self
    }

    /// Reads the request's body beside the events, and discards it: for requests whose body nobody else reads, when they
    /// aren't answered by an [`EventService`](crate::EventService), which does so by itself.
    ///
    /// hyper reads no further in a body that was dropped. It doesn't notice then that the client leaves, and what's unread
    /// at the end turns the close into a reset, by which the client loses a part of the answer.
    ///
    /// No more than [`Linger::MOST`] bytes are read; where a client sends more, only a keep-alive shows that it has left. While what's
    /// written waits for the client, nothing is read: a client that sends all of a large body before it reads any of a large
    /// answer has to be given up by a write timeout. After the last event, the end of the response waits for the end of the request within the limits of [`Linger`]; a
    /// stream without a timer doesn't wait. When the client breaks off in its body, the stream is dropped. A response
    /// that isn't a stream drops the request's body as it is; what then helps is a [`StallGuard`](crate::StallGuard), which
    /// closes in stages.
    ///
    /// ```
    /// use eventsource_hyper::{EventStream, Responder};
    /// use futures_util::{FutureExt, stream};
    /// use http_body_util::BodyExt;
    ///
    /// let request = http::Request::post("/").body(String::from("nobody reads this"))?;
    /// let responder = Responder::new().methods([http::Method::POST]);
    /// let events = |_| EventStream::without_timer(stream::iter(["hello"]));
    /// let response = responder.respond(&request, events);
    /// let response = response.map(|body| body.discard(request.into_body()));
    /// let body = response.into_body().collect().now_or_never().unwrap()?;
    /// assert_eq!(body.to_bytes(), "data: hello\n\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn discard<B: Body + Send + 'static>(self, request: B) -> Self {
        let unread = Unread::new(request, true);
        self.discard_unread(unread)
    }

    pub(crate) fn discard_unread(mut self, unread: Option<Box<Unread>>) -> Self {
        self.unread = unread.filter(|_| matches!(self.content, Content::Stream { .. }));
        self
    }

    /// Puts the body into a box, whose type doesn't name the stream.
    pub fn into_boxed(self) -> BoxEventBody
    where
        S: Send + 'static,
        T: Send + 'static,
    {
        BoxEventBody(Box::pin(self))
    }
}

impl<S, T> EventBody<S, T> {
    /// No stream, but the head says that there would be one.
    pub(crate) fn unsent() -> Self {
        Content::Unsent.into()
    }

    /// A refusal.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Content::Text { text: Some(text.into()) }.into()
    }

    pub(crate) fn empty() -> Self {
        Content::Text { text: None }.into()
    }
}

impl<S, T> From<Content<S, T>> for EventBody<S, T> {
    fn from(content: Content<S, T>) -> Self {
        Self { content, abort_on_error: false, unread: None }
    }
}

impl<S: Source, T: OptionalTimer> From<EventStream<S, T>> for EventBody<S, T> {
    fn from(stream: EventStream<S, T>) -> Self {
        Self::new(stream)
    }
}

impl<S: Source, T: OptionalTimer> Body for EventBody<S, T> {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let mut this = self.project();
        if let Some(unread) = this.unread {
            match unread.poll_discarded(cx) {
                Poll::Ready(Ok(())) => *this.unread = None,
                Poll::Ready(Err(Broken)) => {
                    *this.unread = None;
                    this.content.set(Content::Gone);
                    return Poll::Ready(Some(Err(Aborted("the client has gone".into()))));
                }
                Poll::Pending => {}
            }
        }
        let data = match this.content.project() {
            ContentProjection::Stream { mut stream } => match ready!(stream.as_mut().poll_next(cx)) {
                Some(frame) => Some(frame.into_bytes()),
                None => match stream.end() {
                    Some(end) if *this.abort_on_error && end.reason() == EndReason::SourceError => {
                        *this.abort_on_error = false;
                        return Poll::Ready(Some(Err(Aborted(end.to_string()))));
                    }
                    _ => {
                        // A guard closes its connection in stages itself.
                        let is_guarded = stream.stall_handle().is_some();
                        if let (Some(unread), false) = (this.unread, is_guarded) {
                            if let Some(timer) = stream.timer() {
                                ready!(unread.poll_given_up(timer, cx));
                            }
                        }
                        None
                    }
                },
            },
            ContentProjection::Unsent | ContentProjection::Gone => None,
            ContentProjection::Text { text } => text.take(),
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Text { text: None })
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Text { text } => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            _ => SizeHint::default(),
        }
    }
}

/// A request's body that nobody reads.
pub(crate) struct Unread {
    // Locked by nobody: for the sake of `Sync`.
    body: Mutex<Pin<Box<dyn Discard + Send>>>,
    linger: Linger,
    /// Its end is waited for after the last event.
    is_awaited: bool,
}

/// So many frames are discarded in one poll.
const FRAMES: u32 = 16;

impl Unread {
    /// None where there's nothing to read.
    pub(crate) fn new<B: Body + Send + 'static>(body: B, is_awaited: bool) -> Option<Box<Self>> {
        let linger = Linger::new();
        (!body.is_end_stream())
            .then(|| Box::new(Self { body: Mutex::new(Box::pin(body)), linger, is_awaited }))
    }

    /// Discards what has come; ready at the end, or with an error when the client broke off. Beyond so many bytes, it reads no
    /// further.
    fn poll_discarded(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..FRAMES {
            if self.linger.is_exhausted() {
                return Poll::Pending;
            }
            match ready!(body.as_mut().poll_discard(cx)) {
                Some(Ok(len)) => {
                    self.linger.handle_discarded(len);
                }
                Some(Err(broken)) => return Poll::Ready(Err(broken)),
                None => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ready when the end of the body isn't waited for any longer.
    fn poll_given_up(&mut self, timer: Pin<&mut (dyn Timer + '_)>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_awaited { self.linger.poll_over(timer, cx) } else { Poll::Ready(()) }
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").finish_non_exhaustive()
    }
}

/// A body broke off.
struct Broken;

/// A body of any type, whose content doesn't matter.
trait Discard {
    /// The length of the next frame; none at the end.
    fn poll_discard(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<usize, Broken>>>;
}

impl<B: Body> Discard for B {
    fn poll_discard(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<usize, Broken>>> {
        self.poll_frame(cx).map_ok(|frame| frame.data_ref().map_or(0, Buf::remaining)).map_err(|_| Broken)
    }
}

/// An [`EventBody`] of any stream, with a name short enough for a struct's field.
pub struct BoxEventBody(Pin<Box<dyn Body<Data = Bytes, Error = Aborted> + Send>>);

impl Body for BoxEventBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        self.0.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for BoxEventBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxEventBody").finish_non_exhaustive()
    }
}

/// A source failed, and the body was told to [abort](EventBody::abort_on_error) then; or the client broke off in the body of its
/// request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aborted(String);

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event stream aborted: {}", self.0)
    }
}

impl core::error::Error for Aborted {}
