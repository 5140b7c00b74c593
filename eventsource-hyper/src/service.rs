//! A ready service.

use crate::body::Unread;
use crate::{Answer, EventBody, Responder};
use core::convert::Infallible;
use core::fmt;
use core::future::{Future, Ready, ready as ready_future};
use core::ops::ControlFlow;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use eventsource_core::{Channel, EventStream, KeepAlive, LastEventId, Subscription, Timer};
use http::header::{HeaderMap, ORIGIN};
use http::request::Parts;
use http::{Request, Response, Version};
use http_body::Body;
use hyper::service::Service;
use pin_project_lite::pin_project;
use std::sync::Arc;

/// A hyper [`Service`] that answers every request with a stream that `F` makes, or with a [`Refusal`](crate::Refusal). With the
/// feature `tower` it's one of tower's too, so that axum's `route_service` takes it.
///
/// The body of a request is read beside the events and discarded, as [`EventBody::discard`] does it.
///
/// ```no_run
/// use eventsource_hyper::{Channel, EventService, KeepAlive, Refusal};
/// use eventsource_tokio::EventStream;
/// use http::StatusCode;
/// use hyper::server::conn::http1;
/// use hyper_util::rt::TokioIo;
///
/// # async fn may_listen(token: Option<&[u8]>) -> bool { token == Some(b"Bearer of good news") }
/// # async fn serve() -> std::io::Result<()> {
/// let news = Channel::new();
/// let service = EventService::new(move |request, last_event_id| {
///     let news = news.clone();
///     async move {
///         let token = request.headers.get("authorization").map(|token| token.as_bytes());
///         if !may_listen(token).await {
///             return Err(Refusal::new(StatusCode::UNAUTHORIZED));
///         }
///         Ok(EventStream::new(news.subscribe(last_event_id)).keep_alive(KeepAlive::default()))
///     }
/// });
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:7798").await?;
/// loop {
///     let (client, _) = listener.accept().await?;
///     let client = TokioIo::new(client);
///     tokio::spawn(http1::Builder::new().serve_connection(client, service.clone()));
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EventService<F> {
    // Shared, for each connection has a clone of the service.
    responder: Arc<Responder>,
    answer: F,
}

impl<F> EventService<F> {
    /// Creates a service that calls `answer` with the head of a request and what the client says it has seen last. What comes
    /// of that, once it's ready, is the stream, or a `Result` of a stream and whatever converts into a
    /// [`Refusal`](crate::Refusal).
    ///
    /// It isn't called for requests that get no stream: those that the [`Responder`] refuses, `HEAD`, and the preflight requests
    /// of browsers.
    pub fn new<A: Future<Output: Answer>>(answer: F) -> Self
    where
        F: Fn(Parts, LastEventId) -> A,
    {
        Self { responder: Arc::default(), answer }
    }

    /// Answers as `responder` says.
    #[must_use]
    pub fn responder(mut self, responder: Responder) -> Self {
        self.responder = Arc::new(responder);
        self
    }
}

impl EventService<()> {
    /// Answers every request with a subscription to `channel`, which goes on after the event that the client has seen last,
    /// and with the default keep-alive. `timer` makes one for each stream: an adapter's `Alarm::default`.
    ///
    /// ```
    /// use eventsource_core::Channel;
    /// use eventsource_hyper::EventService;
    /// use eventsource_tokio::Alarm;
    /// use http::Request;
    /// use http_body_util::BodyExt;
    /// use hyper::service::Service;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let channel = Channel::new();
    /// let service = EventService::broadcast(channel.clone(), Alarm::default);
    ///
    /// let seen = channel.publish("one")?;
    /// channel.publish("two")?;
    /// let request = Request::get("/").header("last-event-id", seen.to_string());
    /// let request = request.body(String::new())?;
    /// let mut body = service.call(request).await?.into_body().into_boxed();
    /// let events = body.frame().await.unwrap()?.into_data().unwrap();
    /// assert!(events.ends_with(b"data: two\n\n"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It keeps the channel open; [close](Channel::close) it to end the streams. Where there's more to say, such as a
    /// [`Drain`](eventsource_core::Drain), say it with [`new`](EventService::new).
    #[expect(clippy::type_complexity, reason = "a part of a type that nobody can name has no other name")]
    pub fn broadcast<L, T: Timer>(
        channel: Channel<L>,
        timer: impl Fn() -> T + Clone,
    ) -> EventService<impl Fn(Parts, LastEventId) -> Ready<EventStream<Subscription<L>, T>> + Clone> {
        EventService::new(move |_: Parts, last_event_id| {
            let subscription = channel.subscribe(last_event_id);
            ready_future(EventStream::with_timer(subscription, timer()).keep_alive(KeepAlive::default()))
        })
    }
}

impl<F, A> EventService<F>
where
    F: Fn(Parts, LastEventId) -> A,
    A: Future<Output: Answer>,
{
    fn answer<B: Body + Send + 'static>(&self, request: Request<B>) -> Answering<A> {
        let (parts, body) = request.into_parts();
        let state = match self.responder.check(&parts.method, &parts.uri, &parts.headers) {
            ControlFlow::Break(response) => State::Answered { response: Some(response) },
            ControlFlow::Continue(last_event_id) => State::Asked {
                responder: Arc::clone(&self.responder),
                origin: parts
                    .headers
                    .get(ORIGIN)
                    .map(|origin| (ORIGIN, origin.clone()))
                    .into_iter()
                    .collect(),
                // Over HTTP/2 and 3 a response ends without a reset of the connection.
                unread: Unread::new(body, parts.version <= Version::HTTP_11),
                answer: (self.answer)(parts, last_event_id),
            },
        };
        Answering { state }
    }
}

impl<B, F, A> Service<Request<B>> for EventService<F>
where
    B: Body + Send + 'static,
    F: Fn(Parts, LastEventId) -> A,
    A: Future<Output: Answer>,
{
    type Response = ResponseOf<A>;
    type Error = Infallible;
    type Future = Answering<A>;

    fn call(&self, request: Request<B>) -> Self::Future {
        self.answer(request)
    }
}

/// Always ready.
#[cfg(feature = "tower")]
impl<B, F, A> tower_service::Service<Request<B>> for EventService<F>
where
    B: Body + Send + 'static,
    F: Fn(Parts, LastEventId) -> A,
    A: Future<Output: Answer>,
{
    type Response = ResponseOf<A>;
    type Error = Infallible;
    type Future = Answering<A>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.answer(request)
    }
}

type BodyOf<A> =
    EventBody<<<A as Future>::Output as Answer>::Source, <<A as Future>::Output as Answer>::Timer>;
type ResponseOf<A> = Response<BodyOf<A>>;

pin_project! {
    /// The future of an [`EventService`]: the response to a request.
    ///
    /// # Cancel safety
    /// Dropped before it's ready, it drops what was to make the stream.
    #[must_use = "futures do nothing unless polled"]
    pub struct Answering<A: Future>
    where
        A::Output: Answer,
    {
        #[pin]
        state: State<A>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<A: Future>
    where
        A::Output: Answer,
    {
        Answered { response: Option<ResponseOf<A>> },
        Asked { #[pin] answer: A, responder: Arc<Responder>, origin: HeaderMap, unread: Option<Box<Unread>> },
    }
}

impl<A: Future<Output: Answer>> Future for Answering<A> {
    type Output = Result<ResponseOf<A>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        match state.as_mut().project() {
            // Polled again, it's a caller's mistake, and has nothing more.
            StateProjection::Answered { response } => {
                response.take().map_or(Poll::Pending, |r| Poll::Ready(Ok(r)))
            }
            StateProjection::Asked { answer, responder, origin, unread } => {
                let answer = ready!(answer.poll(cx));
                let response = responder.finish(origin, answer.into_result());
                let unread = unread.take();
                let response = response.map(|body| body.discard_unread(unread));
                state.set(State::Answered { response: None });
                Poll::Ready(Ok(response))
            }
        }
    }
}

impl<A: Future<Output: Answer>> fmt::Debug for Answering<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}
