//! One connection's output.

#[cfg(feature = "std")]
use super::drain::{Drain, DrainSignal};
use super::merge::close_part;
#[cfg(not(feature = "std"))]
use super::no_drain::DrainSignal;
use super::stop::StopSignal;
use super::{End, EndReason, Merge, Source, StallHandle, StopHandle};
use crate::{Frame, KeepAlive, Never, Timer};
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
    /// It decides everything and does no IO: an adapter, or a loop of your own, polls it and writes the frames.
    ///
    /// ```
    /// use core::time::Duration;
    /// use eventsource_core::{EventStream, KeepAlive};
    /// use eventsource_core::test_util::{ManualClock, Probe};
    /// use futures_util::stream;
    ///
    /// let clock = ManualClock::new();
    /// let events = EventStream::with_timer(stream::iter(["one", "two"]).chain_pending(), clock.timer())
    ///     .keep_alive(KeepAlive::default())
    ///     .retry(Duration::from_secs(5));
    ///
    /// let mut probe = Probe::new(events);
    /// let sent = probe.run_for(&clock, Duration::from_secs(120));
    /// let sent: Vec<_> = sent.iter().map(|(at, frame)| (at.as_secs(), frame.as_bytes())).collect();
    /// assert_eq!(sent, [
    ///     (0, &b"retry: 5000\n\n"[..]),
    ///     (0, b"data: one\n\n"),
    ///     (0, b"data: two\n\n"),
    ///     (60, b":\n"),
    ///     (120, b":\n"),
    /// ]);
    /// # use futures_util::{Stream, StreamExt};
    /// # trait ChainPending: Stream + Sized {
    /// #     fn chain_pending(self) -> impl Stream<Item = Self::Item> { self.chain(stream::pending()) }
    /// # }
    /// # impl<S: Stream> ChainPending for S {}
    /// ```
    ///
    /// # Order
    /// First the `retry:`, if one was asked for; then the sources' frames, each source's in its own order, and
    /// keep-alives where they're quiet; then `None`, for ever. A frame without bytes is passed over. Frames are
    /// handed out as they came, never joined.
    ///
    /// # The end
    /// It ends when its sources have, when one of them fails, after its
    /// [maximum lifetime](Self::max_lifetime), or when it's [stopped](Self::stop_on) or drained. What had already been emitted
    /// by an [`Emitter`] still goes out first. At the end the sources are dropped, whoever may keep the stream
    /// itself. Dropping the stream is the sign that the client is gone. Either way the hook of
    /// [`on_end`](Self::on_end) learns why.
    ///
    /// # Cancel safety
    /// It's a stream: a frame is either handed out or still inside.
    #[must_use = "streams do nothing unless polled"]
    pub struct EventStream<S, T = Never> {
        #[pin]
        source: Option<S>,
        #[pin]
        timer: T,
        // What it says of itself, until it's said: first the `retry:`, then its drain's last words.
        words: Option<Frame>,
        // Without a frame of its own, it's the default.
        keep_alive: Option<(KeepAlive, Option<Box<Frame>>)>,
        lifetime: Option<Pin<Box<Lifetime<T>>>>,
        stops: Vec<StopSignal>,
        drain: Option<Box<DrainSignal>>,
        // How many frames came since the lifetime was last looked at.
        unchecked: u8,
        // Last, so that the sources are gone when the hook is told.
        course: Course,
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
struct Course {
    state: State,
    stall: Option<StallHandle>,
    on_end: Option<OnEnd>,
}

#[derive(Debug)]
enum State {
    /// Not polled yet.
    New,
    Open,
    /// Ends for this reason as soon as the source has handed out what it had accepted.
    Closing(EndReason),
    Ended(End),
}

/// A stream that never falls quiet has its lifetime checked once in so many frames, and a source of frames without
/// bytes is left alone for a while after as many.
const FRAMES_PER_CHECK: u8 = 64;

impl<S: Source, T: Timer + Default> EventStream<S, T> {
    /// Of one source, with the default timer of a runtime: call it through an adapter's `EventStream`, which
    /// names the timer.
    pub fn new(source: S) -> Self {
        Self::with_timer(source, T::default())
    }

    /// Ends it after a time within `lifetime`, picked by `seed`, counted from the first poll: so that connections
    /// move on to other servers, and those that began together don't end together. Give each stream a seed
    /// of its own. Zero ends it at the first poll.
    ///
    /// It's looked at whenever the stream is quiet, and once in 64 frames while it isn't. A stream that's never quiet
    /// and read slowly lives longer by that.
    pub fn max_lifetime(self, lifetime: RangeInclusive<Duration>, seed: u64) -> Self {
        self.max_lifetime_with_timer(lifetime, seed, T::default())
    }
}

impl<S: Source, T: Timer> EventStream<S, T> {
    /// Of one source, with a timer of its own, fresh and not shared. [`Never`] will do where there's
    /// no keep-alive.
    pub fn with_timer(source: S, timer: T) -> Self {
        Self {
            source: Some(source),
            timer,
            words: None,
            keep_alive: None,
            lifetime: None,
            stops: Vec::new(),
            drain: None,
            unchecked: FRAMES_PER_CHECK,
            course: Course { state: State::New, stall: None, on_end: None },
        }
    }

    /// The same with a second timer of its own, where that has no default.
    pub fn max_lifetime_with_timer(
        mut self,
        lifetime: RangeInclusive<Duration>,
        seed: u64,
        timer: T,
    ) -> Self {
        let max = crate::jitter(lifetime, seed);
        self.lifetime = Some(Box::pin(Lifetime { timer, max, started: false }));
        self
    }

    /// Adds a source. While several are ready, the latest added takes turns with all those before.
    ///
    /// To be called before the stream is polled, like all that follow.
    pub fn merge<O: Source>(self, other: O) -> EventStream<Merge<S, O>, T> {
        let Self { source, timer, words, keep_alive, lifetime, stops, drain, unchecked, course } = self;
        let source = Some(Merge::new(source, other));
        EventStream { source, timer, words, keep_alive, lifetime, stops, drain, unchecked, course }
    }

    /// Sends a comment line when nothing else was sent for a while: every 60 seconds by default. When exactly, says
    /// [`KeepAlive`].
    ///
    /// However slow the reader, there's never more than one under way: it's made when it's asked for.
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.keep_alive = Some((keep_alive, None));
        self
    }

    /// The same with a frame of your own, for clients that want to see it. A frame without bytes means off.
    pub fn keep_alive_with(mut self, keep_alive: KeepAlive, frame: impl Into<Frame>) -> Self {
        let frame = frame.into();
        self.keep_alive = (!frame.is_empty()).then(|| (keep_alive, Some(Box::new(frame))));
        self
    }

    /// Begins with the client's reconnection time, in whole milliseconds, rounded up.
    pub fn retry(mut self, reconnection_time: Duration) -> Self {
        self.words = Some(Frame::retry(reconnection_time));
        self
    }

    /// Ends it when `handle` says so. A stream may have several handles: its own and the server's.
    ///
    /// What lies in a plain stream is that stream's own and not emitted, even if it's an `EventStream` in a box: merge
    /// an [`Emitter`]'s emissions into the outermost one.
    pub fn stop_on(mut self, handle: &StopHandle) -> Self {
        self.stops.push(handle.signal());
        self
    }

    /// Ends it when `drain` says so, after what was emitted before, the drain's farewell and a reconnection time. Made after the drain
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
        self.course.stall = Some(handle.clone());
        self
    }

    /// Calls `hook` once: when the stream ends, before it says so, or when it's dropped after it was polled. A
    /// second hook replaces the first.
    ///
    /// No lock is held meanwhile and the state is already that of an ended stream: the hook may use emitters and
    /// stop handles. It mustn't panic: it may run while the stack is unwound.
    pub fn on_end(mut self, hook: impl FnOnce(&End) + Send + 'static) -> Self {
        self.course.on_end = Some(Box::new(hook));
        self
    }
}

impl<S, T> EventStream<S, T> {
    /// How it ended, once it has handed out everything.
    pub fn end(&self) -> Option<&End> {
        match &self.course.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }
}

impl<S: Source, T: Timer> Stream for EventStream<S, T> {
    type Item = Frame;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        let mut this = self.project();
        if matches!(this.course.state, State::New) {
            this.course.state = State::Open;
            if this.drain.as_ref().is_some_and(|drain| drain.is_bounced()) {
                this.source.set(None);
            }
            if let Some(lifetime) = this.lifetime {
                lifetime.as_mut().start();
            }
            if let Some(retry) = this.words.take().filter(|_| this.source.is_some()) {
                return Poll::Ready(Some(retry));
            }
        }
        for _ in 0..FRAMES_PER_CHECK {
            match this.course.state {
                State::Ended(_) => return Poll::Ready(None),
                State::Open if this.stops.iter().any(StopSignal::is_stopped) => {
                    this.course.close(EndReason::Stopped, this.source.as_mut());
                }
                State::Open if this.drain.as_ref().is_some_and(|drain| drain.is_closing()) => {
                    *this.words = this.drain.as_ref().map(|drain| drain.parting());
                    this.course.close(EndReason::Drained, this.source.as_mut());
                }
                State::Open if *this.unchecked >= FRAMES_PER_CHECK => {
                    *this.unchecked = 0;
                    if poll_lifetime(this.lifetime, cx).is_ready() {
                        this.course.close(EndReason::Lifetime, this.source.as_mut());
                    }
                }
                _ => {}
            }

            let polled = match this.source.as_mut().as_pin_mut() {
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
                    return Poll::Ready(Some(frame));
                }
                Poll::Ready(Err(end)) => {
                    this.source.set(None);
                    if let Some(parting) = this.words.take() {
                        return Poll::Ready(Some(parting));
                    }
                    this.course.finish(match this.course.state {
                        State::Closing(reason) => reason.into(),
                        _ => end,
                    });
                    continue;
                }
                // Closed sources aren't pending; one that is has nothing more that could be waited for.
                Poll::Pending if matches!(this.course.state, State::Closing(_)) => {
                    this.source.set(None);
                    continue;
                }
                Poll::Pending => {}
            }

            // On the way to `Pending`: leave the waker with whatever else can change the answer.
            if poll_lifetime(this.lifetime, cx).is_ready() {
                this.course.close(EndReason::Lifetime, this.source.as_mut());
                continue;
            }
            if this.stops.iter_mut().any(|stop| stop.poll_stopped(cx).is_ready()) {
                continue;
            }
            if this.drain.as_mut().is_some_and(|drain| drain.poll_closing(cx).is_ready()) {
                continue;
            }
            if let Some((keep_alive, frame)) = this.keep_alive {
                if keep_alive.poll_due(this.timer, cx).is_ready() {
                    return Poll::Ready(Some(frame.as_deref().cloned().unwrap_or(Frame::KEEP_ALIVE)));
                }
            }
            return Poll::Pending;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: Source, T: Timer> FusedStream for EventStream<S, T> {
    fn is_terminated(&self) -> bool {
        matches!(self.course.state, State::Ended(_))
    }
}

fn poll_lifetime<T: Timer>(lifetime: &mut Option<Pin<Box<Lifetime<T>>>>, cx: &mut Context<'_>) -> Poll<()> {
    let Some(running) = lifetime else { return Poll::Pending };
    ready!(running.as_mut().poll_over(cx));
    *lifetime = None;
    Poll::Ready(())
}

impl<T: Timer> Lifetime<T> {
    fn start(self: Pin<&mut Self>) {
        let this = self.project();
        *this.started = true;
        this.timer.reset(*this.max);
    }

    fn poll_over(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.max.is_zero() {
            return Poll::Ready(());
        }
        // Given to a stream that was polled already: it counts from now on.
        if !self.started {
            self.as_mut().start();
        }
        self.project().timer.poll_expired(cx)
    }
}

impl Course {
    /// Ends the stream for `reason` once `source` has handed out what it had accepted.
    fn close<S: Source>(&mut self, reason: EndReason, source: Pin<&mut Option<S>>) {
        self.state = State::Closing(reason);
        close_part(source, reason);
    }

    fn finish(&mut self, end: End) {
        self.state = State::Ended(end);
        if let (State::Ended(end), Some(hook)) = (&self.state, self.on_end.take()) {
            hook(end);
        }
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        if matches!(self.state, State::Open | State::Closing(_)) {
            let stalled = self.stall.as_ref().is_some_and(StallHandle::is_stalled);
            self.finish(if stalled { EndReason::Stalled } else { EndReason::Dropped }.into());
        }
    }
}

impl<S, T> fmt::Debug for EventStream<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("state", &self.course.state)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}
