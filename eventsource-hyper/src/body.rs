//! The body of a response.

use bytes::Bytes;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use eventsource_core::stream::OptionalTimer;
use eventsource_core::{EndReason, EventStream, Source};
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

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
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = ContentProjection]
    enum Content<S, T> {
        Stream { #[pin] stream: EventStream<S, T> },
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
        Self { content, abort_on_error: false }
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
        let this = self.project();
        let data = match this.content.project() {
            ContentProjection::Stream { mut stream } => match ready!(stream.as_mut().poll_next(cx)) {
                Some(frame) => Some(frame.into_bytes()),
                None => match stream.end() {
                    Some(end) if *this.abort_on_error && end.reason() == EndReason::SourceError => {
                        *this.abort_on_error = false;
                        return Poll::Ready(Some(Err(Aborted(end.to_string()))));
                    }
                    _ => None,
                },
            },
            ContentProjection::Unsent => None,
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

/// A source failed, and the body was told to [abort](EventBody::abort_on_error) then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aborted(String);

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event stream aborted: {}", self.0)
    }
}

impl core::error::Error for Aborted {}
