//! One connection's output.

#[cfg(feature = "std")]
use super::drain::{Drain, DrainSignal};
use super::merge::close_part;
#[cfg(not(feature = "std"))]
use super::no_drain::DrainSignal;
use super::stop::StopSignal;
use super::{
    End, EndReason, KeepAlive, KeepAliveMachine, Merge, NoTimer, OptionalTimer, Source, StallHandle,
    StopHandle,
};
use crate::{Frame, Timer};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

pin_project! {
    /// One connection's output: a [`Stream`] of [`Frame`]s that merges sources and adds what a connection needs.
    ///
    /// It decides everything and does no IO: an adapter, or a loop of your own, polls it and writes the frames. A server writes an
    /// `EventStream`; in some other libraries the name is that of a client's reader, which here is [`Events`](crate::Events).
    ///
    /// ```
    /// use core::time::Duration;
    /// use eventsource_core::{EventStream, KeepAlive};
    /// use eventsource_core::test_util::{ManualClock, Probe};
    /// use futures_util::stream;
    ///
    /// let clock = ManualClock::new();
    /// let source = stream::iter(["one", "two"]).chain_pending();
    /// let events = EventStream::with_timer(source, clock.timer())
    ///     .keep_alive(KeepAlive::default())
    ///     .retry(Duration::from_secs(5));
    ///
    /// let mut probe = Probe::new(events);
    /// let sent = probe.run_for(&clock, Duration::from_secs(30));
    /// let sent: Vec<_> = sent.iter().map(|(at, frame)| (at.as_secs(), frame.as_bytes())).collect();
    /// assert_eq!(sent, [
    ///     (0, &b"retry: 5000\ndata: one\n\n"[..]),
    ///     (0, b"data: two\n\n"),
    ///     (15, b":\n"),
    ///     (30, b":\n"),
    /// ]);
    /// # use futures_util::{Stream, StreamExt};
    /// # trait ChainPending: Stream + Sized {
    /// #     fn chain_pending(self) -> impl Stream<Item = Self::Item> { self.chain(stream::pending()) }
    /// # }
    /// # impl<S: Stream> ChainPending for S {}
    /// ```
    ///
    /// # Order
    /// First the `retry:`, if one was asked for, in the first block or before it; then the sources' frames, each source's in its own order, and
    /// keep-alives where they're quiet; then `None`, for ever. A frame without bytes is passed over. Frames are
    /// handed out as they came, never joined, but for that first block.
    ///
    /// # The end
    /// It ends when its sources have, when one of them fails, after its
    /// [maximum lifetime](Self::max_lifetime), or when it's [stopped](Self::stop_on) or drained. What had already been emitted
    /// by an [`Emitter`](super::Emitter) still goes out first. At the end the sources are dropped, whoever may keep the stream
    /// itself. Dropping the stream is the sign that the client is gone. Either way the hook of
    /// [`on_end`](Self::on_end) learns why.
    ///
    /// # Cancel safety
    /// It's a stream: a frame is either handed out or still inside.
    #[must_use = "streams do nothing unless polled"]
    pub struct EventStream<S, T = NoTimer> {
        #[pin]
        origin: Origin<S>,
        // How many were merged.
        sources: u32,
        #[pin]
        timer: T,
        own_frame: OwnFrame,
        // Without a frame of its own, it's the default.
        keep_alive: Option<(KeepAliveMachine, Option<Box<Frame>>)>,
        lifetime: Option<Pin<Box<Lifetime<T>>>>,
        stops: Vec<StopSignal>,
        drain: Option<Box<DrainSignal>>,
        // How many frames came since the lifetime was last looked at.
        unchecked: u8,
    }
}

pin_project! {
    /// The sources, and how long they last.
    struct Origin<S> {
        #[pin]
        source: Option<S>,
        // For the drop, which doesn't know that it's a source.
        close: fn(Pin<&mut Option<S>>, EndReason) -> bool,
        // Last, so that the sources are gone when the hook is told.
        lifecycle: Lifecycle,
    }

    impl<S> PinnedDrop for Origin<S> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // The sources learn of the reason that the hook will be told.
            if let Some(reason) = this.lifecycle.reason_of_drop() {
                (this.close)(this.source, reason);
            }
        }
    }
}

/// What the stream says of itself, or has kept back.
enum OwnFrame {
    None,
    /// Its `retry:`, which waits for the first block.
    Retry(Frame),
    /// What followed the first block in its frame.
    Rest(Frame),
    /// What its drain sends last.
    Parting(Frame),
}

impl OwnFrame {
    /// Takes what's to be said, whatever it is.
    fn take(&mut self) -> Option<Frame> {
        match core::mem::replace(self, Self::None) {
            Self::None => None,
            Self::Retry(frame) | Self::Rest(frame) | Self::Parting(frame) => Some(frame),
        }
    }
}

pin_project! {
    struct Lifetime<T> {
        #[pin]
        timer: T,
        max: Duration,
        started: bool,
    }
}

type OnEnd = Box<dyn FnOnce(&End) + Send>;

/// How far a stream has come, and who wants to know of its end.
struct Lifecycle {
    state: State,
    stall: Option<StallHandle>,
    /// The handle counts this stream.
    is_counted: bool,
    on_end: Option<OnEnd>,
}

#[derive(Debug)]
enum State {
    /// Not polled yet.
    New,
    Open,
    /// Ends for this reason as soon as the source has handed out what it had accepted.
    Closing(EndReason),
    /// Has handed out its last frame, and ends so.
    Last(End),
    Ended(End),
}

/// A stream that never falls quiet has its lifetime checked once in so many frames, and a source of frames without
/// bytes is left alone for a while after as many.
const FRAMES_PER_CHECK: u8 = 64;

impl<S: Source, T: Timer + Default> EventStream<S, T> {
    /// Creates a stream of one source, with the default timer of a runtime: call it through an adapter's `EventStream`, which
    /// names the timer.
    pub fn new(source: S) -> Self {
        Self::with_timer(source, T::default())
    }

    /// Ends the stream after a time within `lifetime`, picked at random and counted from the first poll: so that connections
    /// move on to other servers, and those that began together don't end together. Zero ends it at the first poll.
    ///
    /// The stream looks at its lifetime whenever it's quiet, and once in 64 frames while it isn't. A stream that's never quiet
    /// and read slowly lives longer by that.
    #[cfg(feature = "std")]
    pub fn max_lifetime(self, lifetime: RangeInclusive<Duration>) -> Self {
        self.max_lifetime_with(lifetime, super::jitter::random_seed(), T::default())
    }
}

impl<S: Source> EventStream<S> {
    /// Creates a stream of one source that has no timer, and so neither a keep-alive nor a maximum lifetime.
    pub fn without_timer(source: S) -> Self {
        Self::of(source, NoTimer)
    }
}

impl<S: Source, T: Timer> EventStream<S, T> {
    /// Creates a stream of one source, with a timer of its own, fresh and not shared.
    pub fn with_timer(source: S, timer: T) -> Self {
        Self::of(source, timer)
    }

    /// Ends the stream as `max_lifetime` does, after a time picked by `seed`, and with a second timer of its own: where
    /// there's no std, where the timer has no default, and for tests, which want the same time each time. Give each stream
    /// a seed of its own.
    pub fn max_lifetime_with(mut self, lifetime: RangeInclusive<Duration>, seed: u64, timer: T) -> Self {
        let max = super::jitter(lifetime, seed);
        self.lifetime = Some(Box::pin(Lifetime { timer, max, started: false }));
        self
    }

    /// Sends a comment line when nothing else was sent for a while: every 15 seconds by default.
    /// [`KeepAliveMachine`] describes when exactly.
    ///
    /// However slow the reader, there's never more than one under way: it's made when it's asked for.
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.keep_alive = Some((KeepAliveMachine::new(keep_alive), None));
        self
    }

    /// Sends a frame of your own as the keep-alive, for clients that want to see it. A frame without bytes means off.
    pub fn keep_alive_with(mut self, keep_alive: KeepAlive, frame: impl Into<Frame>) -> Self {
        let frame = frame.into();
        self.keep_alive =
            (!frame.is_empty()).then(|| (KeepAliveMachine::new(keep_alive), Some(Box::new(frame))));
        self
    }
}

impl<S: Source, T: OptionalTimer> EventStream<S, T> {
    fn of(source: S, timer: T) -> Self {
        Self {
            origin: Origin { source: Some(source), close: close_part, lifecycle: Lifecycle::new() },
            sources: 1,
            timer,
            own_frame: OwnFrame::None,
            keep_alive: None,
            lifetime: None,
            stops: Vec::new(),
            drain: None,
            unchecked: FRAMES_PER_CHECK,
        }
    }

    /// Adds a source. While several are ready, each has as many turns as any other.
    ///
    /// Call it before the stream is polled, as all the methods that follow.
    pub fn merge<O: Source>(self, other: O) -> EventStream<Merge<S, O>, T> {
        self.merge_option(Some(other))
    }

    /// Adds a source where there is one.
    ///
    /// ```
    /// use eventsource_core::EventStream;
    /// use futures_util::{FutureExt, StreamExt, stream};
    ///
    /// let is_admin = false;
    /// let alerts = is_admin.then(|| stream::iter(["the disk is full"]));
    /// let events = EventStream::without_timer(stream::iter(["hello"])).merge_option(alerts);
    /// assert_eq!(events.count().now_or_never(), Some(1));
    /// ```
    pub fn merge_option<O: Source>(self, other: Option<O>) -> EventStream<Merge<S, O>, T> {
        let Self { mut origin, sources, timer, own_frame, keep_alive, lifetime, stops, drain, unchecked } =
            self;
        let all = sources.saturating_add(other.is_some().into());
        let source = Some(Merge::new(origin.source.take(), sources, other));
        let lifecycle = core::mem::replace(&mut origin.lifecycle, Lifecycle::new());
        EventStream {
            origin: Origin { source, close: close_part, lifecycle },
            sources: all,
            timer,
            own_frame,
            keep_alive,
            lifetime,
            stops,
            drain,
            unchecked,
        }
    }

    /// Begins with the client's reconnection time, in whole milliseconds, rounded up.
    ///
    /// It's a line of the first block where that's there at the first poll, for there are clients that take a block without data
    /// for an event. Otherwise, and before a block of more than 64 KiB, which stays shared, it's sent at once as a block of its own.
    pub fn retry(mut self, reconnection_time: Duration) -> Self {
        self.own_frame = OwnFrame::Retry(Frame::retry(reconnection_time));
        self
    }

    /// Ends the stream when `handle` says so. A stream may have several handles: its own and the server's.
    ///
    /// What lies in a plain stream is that stream's own and not emitted, even if it's an `EventStream` in a box: merge
    /// an emitter's [`Emissions`](super::Emissions) into the outermost one.
    pub fn stop_on(mut self, handle: &StopHandle) -> Self {
        self.stops.push(handle.signal());
        self
    }

    /// Ends the stream when `drain` says so, after what was emitted before, the drain's farewell and a reconnection time. Made after the drain
    /// has begun, it's bounced: it has a reconnection time and its end.
    ///
    /// A second drain replaces the first.
    #[cfg(feature = "std")]
    pub fn drain_on(mut self, drain: &Drain) -> Self {
        self.drain = Some(Box::new(drain.signal()));
        self
    }

    /// Takes its drop for a stall if `handle` says that the client had stopped reading. A second handle replaces the first.
    pub fn stall_on(mut self, handle: &StallHandle) -> Self {
        let lifecycle = &mut self.origin.lifecycle;
        let older = lifecycle.stall.replace(handle.clone());
        // Given to a stream that was polled already: it's open for the new one instead of the older.
        if matches!(lifecycle.state, State::Open | State::Closing(_)) {
            if let Some(older) = older.filter(|_| lifecycle.is_counted) {
                older.stream_ends();
            }
            handle.stream_begins();
            lifecycle.is_counted = true;
        }
        self
    }

    /// Returns the handle that it was given, that of its connection's guard.
    pub fn stall_handle(&self) -> Option<&StallHandle> {
        self.origin.lifecycle.stall.as_ref()
    }

    /// Calls `hook` once: when the stream ends, before it says so, or when it's dropped after it was polled. A
    /// second hook replaces the first.
    ///
    /// A stream that was never polled has neither begun nor ended: its hook is dropped without a call. What has to happen
    /// then, too, belongs into the drop of something that the hook owns. A newcomer that its drain has bounced was
    /// [drained](EndReason::Drained). The hook of a channel, which is called before, is told the same reason of its subscription, but
    /// [`Dropped`](EndReason::Dropped) where the stream was never polled.
    ///
    /// No lock is held meanwhile and the state is already that of an ended stream: the hook may use emitters and
    /// stop handles. It mustn't panic: it may run while the stack is unwound.
    pub fn on_end(mut self, hook: impl FnOnce(&End) + Send + 'static) -> Self {
        self.origin.lifecycle.on_end = Some(Box::new(hook));
        self
    }
}

impl<S, T> EventStream<S, T> {
    /// Returns how the stream ended, once it has handed out everything.
    pub fn end(&self) -> Option<&End> {
        match &self.origin.lifecycle.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }
}

impl<S, T: OptionalTimer> EventStream<S, T> {
    /// Returns the stream's timer, where it has one: for what's left to do with the connection once the stream has ended. Before,
    /// it's the keep-alive's.
    pub fn timer(self: Pin<&mut Self>) -> Option<Pin<&mut (dyn Timer + '_)>> {
        self.project().timer.as_timer()
    }
}

impl<S: Source, T: OptionalTimer> Stream for EventStream<S, T> {
    type Item = Frame;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        let this = self.project();
        let mut origin = this.origin.project();
        if matches!(origin.lifecycle.state, State::New) {
            origin.lifecycle.begin();
            if this.drain.as_ref().is_some_and(|drain| drain.is_bounced()) {
                close_part(origin.source.as_mut(), EndReason::Drained);
                origin.source.set(None);
            }
            if let Some(lifetime) = this.lifetime {
                lifetime.as_mut().start();
            }
        }
        if let Some(rest) = take_rest(this.own_frame) {
            return Poll::Ready(Some(rest));
        }
        // A newcomer that's bounced is told when to come back, whatever else has ended it.
        let is_bounced = this.drain.as_ref().is_some_and(|drain| drain.is_bounced());
        for _ in 0..FRAMES_PER_CHECK {
            match origin.lifecycle.state {
                State::Ended(_) => return Poll::Ready(None),
                State::Last(_) => {
                    origin.lifecycle.finish_last();
                    return Poll::Ready(None);
                }
                State::Open if !is_bounced && this.stops.iter().any(StopSignal::is_stopped) => {
                    origin.lifecycle.close(EndReason::Stopped, origin.source.as_mut());
                }
                State::Open if this.drain.as_ref().is_some_and(|drain| drain.is_closing()) => {
                    // It has a reconnection time of its own.
                    *this.own_frame = this
                        .drain
                        .as_ref()
                        .map_or(OwnFrame::None, |drain| OwnFrame::Parting(drain.parting()));
                    origin.lifecycle.close(EndReason::Drained, origin.source.as_mut());
                }
                State::Open if *this.unchecked >= FRAMES_PER_CHECK => {
                    *this.unchecked = 0;
                    if poll_lifetime(this.lifetime, cx).is_ready() {
                        origin.lifecycle.close(EndReason::Lifetime, origin.source.as_mut());
                    }
                }
                _ => {}
            }

            let polled = match origin.source.as_mut().as_pin_mut() {
                Some(source) => source.poll_frame(cx),
                None => Poll::Ready(Err(EndReason::SourceEnded.into())),
            };
            match polled {
                Poll::Ready(Ok(frame)) => {
                    *this.unchecked = this.unchecked.saturating_add(1);
                    if frame.is_empty() {
                        continue;
                    }
                    if let Some((keep_alive, _)) = this.keep_alive {
                        keep_alive.handle_sent();
                    }
                    let OwnFrame::Retry(retry) = this.own_frame else { return Poll::Ready(Some(frame)) };
                    let (first, rest) = frame.lead_with(retry);
                    *this.own_frame = if rest.is_empty() { OwnFrame::None } else { OwnFrame::Rest(rest) };
                    return Poll::Ready(Some(first));
                }
                Poll::Ready(Err(end)) => {
                    origin.source.set(None);
                    let end = match origin.lifecycle.state {
                        State::Closing(reason) => reason.into(),
                        _ => end,
                    };
                    if let Some(last) = this.own_frame.take() {
                        origin.lifecycle.state = State::Last(end);
                        return Poll::Ready(Some(last));
                    }
                    origin.lifecycle.finish(end);
                    continue;
                }
                // The first block isn't there yet.
                Poll::Pending if matches!(this.own_frame, OwnFrame::Retry(_)) => {
                    return Poll::Ready(this.own_frame.take());
                }
                // Not yet: only the source knows when it has nothing more of what it had accepted.
                Poll::Pending if matches!(origin.lifecycle.state, State::Closing(_)) => return Poll::Pending,
                Poll::Pending => {}
            }

            // On the way to `Pending`: leave the waker with whatever else can change the answer.
            if poll_lifetime(this.lifetime, cx).is_ready() {
                origin.lifecycle.close(EndReason::Lifetime, origin.source.as_mut());
                continue;
            }
            if this.stops.iter_mut().any(|stop| stop.poll_stopped(cx).is_ready()) {
                continue;
            }
            if this.drain.as_mut().is_some_and(|drain| drain.poll_closing(cx).is_ready()) {
                continue;
            }
            if let (Some((keep_alive, frame)), Some(timer)) = (this.keep_alive, this.timer.as_timer()) {
                if keep_alive.poll_due(timer, cx).is_ready() {
                    return Poll::Ready(Some(frame.as_deref().cloned().unwrap_or(Frame::KEEP_ALIVE)));
                }
            }
            return Poll::Pending;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: Source, T: OptionalTimer> FusedStream for EventStream<S, T> {
    fn is_terminated(&self) -> bool {
        matches!(self.origin.lifecycle.state, State::Ended(_))
    }
}

fn take_rest(own_frame: &mut OwnFrame) -> Option<Frame> {
    if matches!(own_frame, OwnFrame::Rest(_)) { own_frame.take() } else { None }
}

fn poll_lifetime<T: OptionalTimer>(
    lifetime: &mut Option<Pin<Box<Lifetime<T>>>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let Some(running) = lifetime else { return Poll::Pending };
    ready!(running.as_mut().poll_over(cx));
    *lifetime = None;
    Poll::Ready(())
}

impl<T: OptionalTimer> Lifetime<T> {
    fn start(self: Pin<&mut Self>) {
        let this = self.project();
        *this.started = true;
        let timer = this.timer.as_timer();
        debug_assert!(timer.is_some(), "only a stream with a timer is given a lifetime");
        if let Some(timer) = timer {
            timer.reset(*this.max);
        }
    }

    fn poll_over(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.max.is_zero() {
            return Poll::Ready(());
        }
        // Given to a stream that was polled already: it counts from now on.
        if !self.started {
            self.as_mut().start();
        }
        self.project().timer.as_timer().map_or(Poll::Pending, |timer| timer.poll_expired(cx))
    }
}

impl Lifecycle {
    fn new() -> Self {
        Self { state: State::New, stall: None, is_counted: false, on_end: None }
    }

    fn begin(&mut self) {
        self.state = State::Open;
        if let Some(stall) = &self.stall {
            stall.stream_begins();
            self.is_counted = true;
        }
    }

    /// Ends the stream for `reason` once `source` has handed out what it had accepted.
    fn close<S: Source>(&mut self, reason: EndReason, source: Pin<&mut Option<S>>) {
        self.state = State::Closing(reason);
        close_part(source, reason);
    }

    /// Ends the stream where only that is left of it.
    fn finish_last(&mut self) {
        match core::mem::replace(&mut self.state, State::Open) {
            State::Last(end) => self.finish(end),
            state => self.state = state,
        }
    }

    fn finish(&mut self, end: End) {
        self.state = State::Ended(end);
        if let Some(stall) = self.stall.as_ref().filter(|_| core::mem::take(&mut self.is_counted)) {
            stall.stream_ends();
        }
        if let (State::Ended(end), Some(hook)) = (&self.state, self.on_end.take()) {
            hook(end);
        }
    }
}

impl Lifecycle {
    /// Why a stream ends that's dropped now, if it has begun and not ended.
    fn reason_of_drop(&self) -> Option<EndReason> {
        let is_open = matches!(self.state, State::Open | State::Closing(_));
        let is_stalled = self.stall.as_ref().is_some_and(StallHandle::is_stalled);
        is_open.then_some(if is_stalled { EndReason::Stalled } else { EndReason::Dropped })
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        self.finish_last();
        if let Some(reason) = self.reason_of_drop() {
            self.finish(reason.into());
        }
    }
}

impl<S, T> fmt::Debug for EventStream<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("state", &self.origin.lifecycle.state)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}
