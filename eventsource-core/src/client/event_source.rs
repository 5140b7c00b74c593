//! A stream of what a client meets.

use super::connect::{Attempt, Connect, Response};
use super::update::{ConnectionError, SourceStats, Update};
use super::{Policy, Reason, Reconnection, Step, trace};
use crate::codec::{Events, EventsError, Items, OwnedItem};
use crate::{Decoder, EventId, FAR_FUTURE, Timer};
use alloc::boxed::Box;
use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;
#[cfg(feature = "std")]
use std::time::Instant;

pin_project! {
    /// A client that stays connected to an event stream: it connects, reads, reconnects with the last event ID, and gives up where there's
    /// no hope, as a [`Reconnection`] decides.
    ///
    /// It's a stream of [`Update`]s, which say all that happens; [`events`](Self::events) converts it into a stream of the events
    /// alone. It does nothing unless it's polled: one that isn't reads nothing, and its server has to wait. Dropped, it closes the
    /// connection. There's never more than one. It's [`Unpin`] if its timer is, whatever its transport.
    ///
    /// ```
    /// use eventsource_core::client::{Attempt, EventSource, Head, Response};
    /// use eventsource_core::test_util::ManualClock;
    /// use futures_util::{FutureExt, StreamExt, stream};
    ///
    /// // A transport that has one event for whoever asks for the first time.
    /// let connect = |attempt: Attempt| async move {
    ///     let head = match attempt.last_event_id().as_str() {
    ///         "" => Head::new(200, [("content-type", "text/event-stream")]),
    ///         _ => Head::new(204, [("server", "example")]),
    ///     };
    ///     let body = stream::iter([Ok("id: 1\ndata: hello\n\n")]);
    ///     Ok::<_, std::io::Error>(Response { head, body })
    /// };
    /// let clock = ManualClock::new();
    /// let mut events = EventSource::with_timer(connect, clock.timer(), 7).events();
    ///
    /// let event = events.next().now_or_never().unwrap().unwrap().unwrap();
    /// assert_eq!(event.data, "hello");
    /// assert!(events.next().now_or_never().is_none(), "it waits until it reconnects");
    /// clock.advance(std::time::Duration::from_secs(4));
    /// let end = events.next().now_or_never().unwrap();
    /// assert!(end.is_none(), "the server has said that there's no more");
    /// ```
    ///
    /// # Cancel safety
    /// It's a stream: an update is either handed out or still inside.
    #[must_use = "streams do nothing unless polled"]
    pub struct EventSource<C, T>
    where
        C: Connect,
    {
        connector: C,
        #[pin]
        timer: T,
        is_armed: bool,
        pub(super) machine: Reconnection,
        policy: Policy,
        seed: u64,
        // Its attempts are those that the request or the body is of the last of.
        stats: SourceStats,
        // In memory of their own, so that a client between two connections is small, and may be moved.
        connecting: Option<Pin<Box<C::Connecting>>>,
        body: Body<Pin<Box<C::Body>>>,
    }
}

/// Of the response that's being read.
#[cfg_attr(
    feature = "std",
    expect(clippy::large_enum_variant, reason = "a client is open for most of the time")
)]
enum Body<S> {
    /// There's none. The decoder is for the next one.
    None(Decoder),
    Open {
        items: Items<S>,
        /// So many of its bytes the machine knows of.
        reported: u64,
        #[cfg(feature = "std")]
        since: Instant,
    },
}

#[cfg(feature = "std")]
impl<C: Connect, T: Timer + Default> EventSource<C, T> {
    /// Creates a client with the default timer of a runtime and a random seed: call it through an adapter's `EventSource`, which names
    /// the timer. It connects when it's first polled.
    pub fn new(connector: C) -> Self {
        Self::with_timer(connector, T::default(), crate::stream::random_seed())
    }
}

impl<C: Connect, T: Timer> EventSource<C, T> {
    /// Creates a client that connects when it's first polled. It needs a timer of its own, and a seed of its own, so that clients
    /// don't come back all at once.
    pub fn with_timer(connector: C, timer: T, seed: u64) -> Self {
        let policy = Policy::default();
        Self {
            connector,
            timer,
            is_armed: false,
            machine: Reconnection::new(policy, seed),
            policy,
            seed,
            stats: SourceStats::default(),
            connecting: None,
            body: Body::None(Decoder::new()),
        }
    }

    /// Sets when it reconnects. To be called before it's polled.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self.begin_anew()
    }

    /// Sets the [idle timeout](Policy::idle_timeout) of the policy. To be called before it's polled.
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        let policy = self.policy.idle_timeout(timeout);
        self.policy(policy)
    }

    /// Sets the decoder whose settings each connection has: its limits, what is done about an event that exceeds them, and whether
    /// comments are told. Its last event ID is the first to be sent. To be called before it's polled.
    pub fn decoder(mut self, mut decoder: Decoder) -> Self {
        decoder.reset();
        match &mut self.body {
            Body::None(before) => *before = decoder,
            Body::Open { items, .. } => items.begin_anew(decoder),
        }
        self.begin_anew()
    }

    /// Begins with a response's body that's there already, such as that of the answer to a `POST`, and was [checked](super::Head::check). To be
    /// called before it's polled. There's no [`Update::Open`] for it.
    pub fn begin_open(mut self, body: C::Body) -> Self {
        self.body.open(Box::pin(body));
        self.stats.connections = 1;
        self.begin_anew()
    }

    /// With a machine of these settings.
    fn begin_anew(mut self) -> Self {
        let machine = match self.body {
            Body::None(_) => Reconnection::new,
            Body::Open { .. } => Reconnection::open,
        };
        self.machine = machine(self.policy, self.seed);
        // Of a request that was sent too early, nothing is left.
        self.connecting = None;
        self.stats.attempts = 0;
        self.machine.handle_last_event_id(self.body.last_event_id());
        self
    }

    /// Returns what it's doing.
    pub fn state(&self) -> Step {
        self.machine.step()
    }

    /// Returns what it has done so far.
    pub fn stats(&self) -> SourceStats {
        SourceStats {
            #[cfg(feature = "std")]
            open_since: match self.body {
                Body::None(_) => None,
                Body::Open { since, .. } => Some(since),
            },
            ..self.stats
        }
    }

    /// Returns the last event ID as of the last event handed out.
    pub fn last_event_id(&self) -> EventId<'_> {
        self.body.last_event_id()
    }

    /// Returns what connects, to tell a [`Connect`] of one's own something between two events, such as a position that stood in the data.
    ///
    /// A closure, that of an `HttpTransport` too, shares it with whoever reads the events. It's called only while this is polled, so it
    /// sees what was noted of each event that was handed out.
    ///
    /// ```
    /// use eventsource_core::client::{Attempt, EventSource, Head, Response};
    /// use eventsource_core::test_util::ManualClock;
    /// use futures_util::{FutureExt, StreamExt, stream};
    /// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    ///
    /// let seen = AtomicU64::new(0);
    /// let connect = |_: Attempt| {
    ///     // Another one would send a request to this URL.
    ///     let url = format!("/events?after={}", seen.load(Relaxed));
    ///     let head = Head::new(200, [("content-type", "text/event-stream")]);
    ///     let body = stream::iter([Ok(format!("data: {url}\n\n"))]);
    ///     async move { Ok::<_, std::io::Error>(Response { head, body }) }
    /// };
    /// let clock = ManualClock::new();
    /// let mut events = EventSource::with_timer(connect, clock.timer(), 7).events();
    ///
    /// let first = events.next().now_or_never().unwrap().unwrap().unwrap();
    /// assert_eq!(first.data, "/events?after=0");
    /// seen.store(17, Relaxed);
    /// assert!(events.next().now_or_never().is_none(), "it waits until it reconnects");
    /// clock.advance(std::time::Duration::from_secs(4));
    /// let second = events.next().now_or_never().unwrap().unwrap().unwrap();
    /// assert_eq!(second.data, "/events?after=17");
    /// ```
    pub fn connector_mut(&mut self) -> &mut C {
        &mut self.connector
    }

    /// Drops the connection, and connects at once when this is polled next. See [`Reconnection::restart`].
    pub fn restart(&mut self) {
        self.drop_connection();
        // An attempt that hasn't sent its request yet needn't be followed by another.
        if self.stats.attempts == self.machine.attempts() {
            self.machine.restart();
        }
    }

    /// Drops the connection, and ends this stream.
    pub fn close(&mut self) {
        self.drop_connection();
        self.machine.close();
    }

    fn drop_connection(&mut self) {
        self.connecting = None;
        self.body.close();
    }

    /// Reports that the alarm has expired, if it has.
    fn poll_alarm(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if let Some(after) = this.machine.take_alarm() {
            let is_armed = after <= FAR_FUTURE;
            // A runtime's timer isn't made for what's never.
            if mem::replace(this.is_armed, is_armed) || is_armed {
                this.timer.as_mut().reset(after);
            }
        }
        if !*this.is_armed {
            return Poll::Pending;
        }
        ready!(this.timer.poll_expired(cx));
        *this.is_armed = false;
        this.machine.handle_alarm();
        Poll::Ready(())
    }

    /// Returns nothing where there's nothing to tell.
    fn poll_connecting(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update<C::Error>>> {
        let this = self.as_mut().project();
        if this.stats.attempts != this.machine.attempts() {
            let number = this.machine.attempts();
            let attempt = Attempt { number, last_event_id: this.body.last_event_id().into() };
            trace::connecting(&attempt);
            *this.connecting = Some(Box::pin(this.connector.connect(attempt)));
            this.stats.attempts = number;
        }
        let Some(connecting) = this.connecting else {
            debug_assert!(false, "an attempt has a request until it's answered");
            this.machine.handle_transport_error();
            return Poll::Ready(Some(self.lose(None)));
        };
        let answer = ready!(connecting.as_mut().poll(cx));
        *this.connecting = None;
        let error = match answer {
            Ok(Response { head, body }) => {
                this.machine.handle_head(head);
                match this.machine.step() {
                    Step::Read => {
                        this.body.open(Box::pin(body));
                        this.stats.connections = this.stats.connections.saturating_add(1);
                        trace::open(this.stats.attempts, head);
                        return Poll::Ready(Some(Update::Open(head)));
                    }
                    // An interim head has no body, and what comes after it is lost.
                    Step::Connect => this.machine.handle_transport_error(),
                    Step::Wait { .. } | Step::Closed(_) => {}
                }
                None
            }
            Err(error) => {
                Self::report_error(this.connector, this.machine, &error);
                Some(EventsError::Chunks(error))
            }
        };
        Poll::Ready(Some(self.lose(error)))
    }

    /// Returns nothing where there's nothing to tell.
    fn poll_reading(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update<C::Error>>> {
        let this = self.as_mut().project();
        let Body::Open { items, reported, .. } = this.body else {
            debug_assert!(false, "there's a body while it's read");
            this.machine.handle_transport_error();
            return Poll::Ready(Some(self.lose(None)));
        };
        let polled = Pin::new(&mut *items).poll_next(cx);
        let events = items.events();
        let bytes = events.bytes();
        let new = bytes.saturating_sub(mem::replace(reported, bytes));
        this.stats.bytes = this.stats.bytes.saturating_add(new);
        // An item is life also where its bytes have come some time ago: its reader was busy, and the server isn't silent.
        let is_item = matches!(polled, Poll::Ready(Some(_)));
        this.machine.handle_chunk(usize::try_from(new).unwrap_or(usize::MAX).max(is_item.into()));
        let error = match ready!(polled) {
            Some(Ok(OwnedItem::Event(event))) => {
                this.stats.events = this.stats.events.saturating_add(1);
                this.machine.handle_event();
                this.machine.handle_last_event_id(event.last_event_id.as_id());
                return Poll::Ready(Some(Update::Event(event)));
            }
            Some(Ok(OwnedItem::Comment(text))) => return Poll::Ready(Some(Update::Comment(text))),
            Some(Ok(OwnedItem::Retry(retry))) => {
                this.machine.handle_retry(retry);
                return Poll::Ready(None);
            }
            Some(Ok(OwnedItem::LastEventId(id))) => {
                this.machine.handle_last_event_id(id.as_id());
                return Poll::Ready(None);
            }
            Some(Err(EventsError::Limit(error))) if !events.is_terminated() => {
                return Poll::Ready(Some(Update::Skipped(error)));
            }
            Some(Err(error @ EventsError::Limit(_))) => {
                this.machine.handle_limit_error();
                Some(error)
            }
            Some(Err(EventsError::Chunks(error))) => {
                Self::report_error(this.connector, this.machine, &error);
                Some(EventsError::Chunks(error))
            }
            None if events.is_mid_event() => {
                this.machine.handle_transport_error();
                None
            }
            None => {
                this.machine.handle_end();
                None
            }
        };
        Poll::Ready(Some(self.lose(error)))
    }

    fn report_error(connector: &C, machine: &mut Reconnection, error: &C::Error) {
        if connector.is_final(error) {
            machine.handle_fatal_error();
        } else {
            machine.handle_transport_error();
        }
    }

    /// Tells that there's no connection, after the machine has decided what comes of it.
    fn lose(self: Pin<&mut Self>, error: Option<EventsError<C::Error>>) -> Update<C::Error> {
        let this = self.project();
        *this.connecting = None;
        this.body.close();
        let (reason, retry_in) = match this.machine.step() {
            Step::Wait { delay, reason } => (reason, Some(delay)),
            Step::Closed(reason) => (reason, None),
            Step::Connect | Step::Read => {
                debug_assert!(false, "it was lost");
                (Reason::Transport, None)
            }
        };
        trace::lost(this.stats.attempts, reason, retry_in);
        Update::Lost(ConnectionError { reason, error, retry_in })
    }
}

/// So many items that aren't told are looked at in one poll.
pub(super) const ROUNDS: u32 = 64;

impl<C: Connect, T: Timer> Stream for EventSource<C, T> {
    type Item = Update<C::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        for _ in 0..ROUNDS {
            let step = self.machine.step();
            // What has come is looked at before the alarm.
            let polled = match step {
                Step::Connect => self.as_mut().poll_connecting(cx),
                Step::Read => self.as_mut().poll_reading(cx),
                Step::Wait { .. } => Poll::Pending,
                Step::Closed(_) => return Poll::Ready(None),
            };
            if polled.is_ready() && self.machine.is_settling() {
                // Nobody would notice that a connection has lasted which is always ahead of its reader.
                let _ = self.as_mut().poll_alarm(cx);
            }
            match polled {
                Poll::Ready(Some(update)) => return Poll::Ready(Some(update)),
                Poll::Ready(None) => continue,
                Poll::Pending => ready!(self.as_mut().poll_alarm(cx)),
            }
            if matches!(step, Step::Connect | Step::Read) && self.machine.step() != step {
                return Poll::Ready(Some(self.lose(None)));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<C: Connect, T: Timer> FusedStream for EventSource<C, T> {
    fn is_terminated(&self) -> bool {
        matches!(self.machine.step(), Step::Closed(_))
    }
}

/// Shows what it's doing, and nothing that was received.
impl<C: Connect, T> fmt::Debug for EventSource<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("state", &self.machine.step())
            .field("attempts", &self.stats.attempts)
            .finish_non_exhaustive()
    }
}

impl<S> Body<S> {
    fn open(&mut self, body: S) {
        self.close();
        if let Self::None(decoder) = self {
            *self = Self::Open {
                items: Events::with_decoder(body, mem::take(decoder)).items(),
                reported: 0,
                #[cfg(feature = "std")]
                since: Instant::now(),
            };
        }
    }

    /// Keeps the last event ID, as of the last event handed out.
    fn close(&mut self) {
        *self = match mem::replace(self, Self::None(Decoder::new())) {
            Self::Open { items, .. } => {
                let mut decoder = items.into_events().into_decoder();
                decoder.give_back();
                Self::None(decoder)
            }
            closed @ Self::None(_) => closed,
        };
    }

    fn last_event_id(&self) -> EventId<'_> {
        match self {
            Self::None(decoder) => decoder.last_event_id(),
            Self::Open { items, .. } => items.events().last_event_id(),
        }
    }
}
