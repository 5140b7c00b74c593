//! A ready service.

use crate::{Answer, EventBody, Responder};
use core::convert::Infallible;
use core::future::{Ready, ready};
#[cfg(feature = "tower")]
use core::task::{Context, Poll};
use eventsource_core::{Channel, EventStream, KeepAlive, LastEventId, Subscription, Timer};
use http::request::Parts;
use http::{Request, Response};
use hyper::service::Service;
use std::sync::Arc;

/// A hyper [`Service`] that answers every request with a stream that `F` makes. With the feature `tower` it's one of tower's
/// too, so that axum's `route_service` takes it.
///
/// ```no_run
/// use eventsource_core::KeepAlive;
/// use eventsource_hyper::EventService;
/// use eventsource_tokio::EventStream;
/// use futures_util::stream;
/// use hyper::server::conn::http1;
/// use hyper_util::rt::TokioIo;
///
/// # async fn serve() -> std::io::Result<()> {
/// let service = EventService::new(|_request, _last_event_id| {
///     EventStream::new(stream::iter(["hello"])).keep_alive(KeepAlive::default())
/// });
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:7798").await?;
/// loop {
///     let (client, _) = listener.accept().await?;
///     tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(client), service.clone()));
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EventService<F> {
    // Shared, for each connection has a clone of the service.
    responder: Arc<Responder>,
    stream: F,
}

impl<F> EventService<F> {
    /// `stream` makes a stream for a request, or [refuses](crate::Refusal), given the head of that and what the client says it has
    /// seen last.
    pub fn new<A: Answer>(stream: F) -> Self
    where
        F: Fn(&Parts, LastEventId) -> A,
    {
        Self { responder: Arc::default(), stream }
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
    /// let channel = Channel::<()>::new();
    /// let service = EventService::broadcast(channel.clone(), Alarm::default);
    ///
    /// let seen = channel.publish("one")?;
    /// channel.publish("two")?;
    /// let request = Request::get("/").header("last-event-id", seen.to_string()).body(())?;
    /// let mut body = service.call(request).await?.into_body().into_boxed();
    /// let events = body.frame().await.unwrap()?.into_data().unwrap();
    /// assert!(events.ends_with(b"data: two\n\n"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It keeps the channel open; [close](Channel::close) it to end the streams. Where there's more to say, such as a
    /// [`Drain`](eventsource_core::Drain), say it with [`new`](EventService::new); this is
    /// `EventService::new(move |_, id| EventStream::new(channel.subscribe(id)).keep_alive(KeepAlive::default()))`.
    pub fn broadcast<L, T: Timer>(
        channel: Channel<L>,
        timer: impl Fn() -> T + Clone,
    ) -> EventService<impl Fn(&Parts, LastEventId) -> EventStream<Subscription<L>, T> + Clone> {
        EventService::new(move |_: &Parts, last_event_id| {
            let subscription = channel.subscribe(last_event_id);
            EventStream::with_timer(subscription, timer()).keep_alive(KeepAlive::default())
        })
    }
}

impl<F, A> EventService<F>
where
    F: Fn(&Parts, LastEventId) -> A,
    A: Answer,
{
    fn answer<B>(&self, request: Request<B>) -> Response<EventBody<A::Source, A::Timer>> {
        let (parts, _) = request.into_parts();
        self.responder.respond_to(&parts.method, &parts.uri, &parts.headers, |last_event_id| {
            (self.stream)(&parts, last_event_id)
        })
    }
}

impl<B, F, A> Service<Request<B>> for EventService<F>
where
    F: Fn(&Parts, LastEventId) -> A,
    A: Answer,
{
    type Response = Response<EventBody<A::Source, A::Timer>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request)))
    }
}

/// Always ready.
#[cfg(feature = "tower")]
impl<B, F, A> tower_service::Service<Request<B>> for EventService<F>
where
    F: Fn(&Parts, LastEventId) -> A,
    A: Answer,
{
    type Response = Response<EventBody<A::Source, A::Timer>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request)))
    }
}
