//! A stream whatever its sources are, and a waker that counts.

use crate::scenario::{KeepAliveFrame, Setup};
use crate::script::Player;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use eventsource_core::stream::{Emissions, End};
use eventsource_core::test_util::{ManualClock, ManualTimer};
use eventsource_core::{EventStream, Frame, KeepAlive, Source, StopHandle, Timer, event_name};
use futures_core::stream::FusedStream;
use std::sync::Arc;
use std::task::Wake;

/// An [`EventStream`] of any sources.
pub trait Connection: FusedStream<Item = Frame> {
    /// How it ended.
    fn end(&self) -> Option<&End>;
}

impl<S: Source, T: Timer> Connection for EventStream<S, T> {
    fn end(&self) -> Option<&End> {
        self.end()
    }
}

/// A source that a scenario feeds.
#[derive(Debug)]
pub enum Fed {
    /// By a script.
    Player(Player),
    /// By an emitter.
    Emissions(Emissions),
}

/// A hook.
pub type OnEnd = Box<dyn FnOnce(&End) + Send>;

/// All that a stream has beside its sources.
#[expect(missing_debug_implementations, reason = "a hook has none")]
pub struct Outfit<'a> {
    /// What it shall be like.
    pub setup: &'a Setup,
    /// For all its alarms.
    pub clock: &'a ManualClock,
    /// The handles that it may be stopped by.
    pub stops: &'a [StopHandle; 2],
    /// Told of its end.
    pub on_end: Option<OnEnd>,
}

impl Outfit<'_> {
    /// The stream of these sources, merged in this order.
    pub fn connect(self, first: Fed, others: impl Iterator<Item = Fed>) -> Pin<Box<dyn Connection>> {
        match first {
            Fed::Player(source) => self.start(source, others),
            Fed::Emissions(source) => self.start(source, others),
        }
    }

    // One function for each number of sources, since each is another type.

    fn start<S: Source + 'static>(
        mut self,
        source: S,
        mut others: impl Iterator<Item = Fed>,
    ) -> Pin<Box<dyn Connection>> {
        let mut stream = EventStream::with_timer(source, self.clock.timer());
        if self.setup.merge_last {
            stream = self.dress(stream);
        }
        match others.next() {
            None => self.finish(stream),
            Some(Fed::Player(other)) => self.go_on(stream.merge(other), others),
            Some(Fed::Emissions(other)) => self.go_on(stream.merge(other), others),
        }
    }

    fn go_on<S: Source + 'static>(
        self,
        stream: EventStream<S, ManualTimer>,
        mut others: impl Iterator<Item = Fed>,
    ) -> Pin<Box<dyn Connection>> {
        match others.next() {
            None => self.finish(stream),
            Some(Fed::Player(other)) => self.finish(stream.merge(other)),
            Some(Fed::Emissions(other)) => self.finish(stream.merge(other)),
        }
    }

    fn finish<S: Source + 'static>(
        mut self,
        mut stream: EventStream<S, ManualTimer>,
    ) -> Pin<Box<dyn Connection>> {
        if !self.setup.merge_last {
            stream = self.dress(stream);
        }
        Box::pin(stream)
    }

    fn dress<S: Source>(&mut self, mut stream: EventStream<S, ManualTimer>) -> EventStream<S, ManualTimer> {
        if let Some((interval, frame)) = self.setup.keep_alive {
            stream = match frame {
                KeepAliveFrame::Default => stream.keep_alive(KeepAlive::new(interval.0)),
                _ => stream.keep_alive_with(KeepAlive::new(interval.0), frame.into_frame()),
            };
        }
        if let Some(lifetime) = self.setup.lifetime {
            stream = stream.max_lifetime_with(lifetime.0..=lifetime.0, 0, self.clock.timer());
        }
        if let Some(retry) = self.setup.retry {
            stream = stream.retry(retry.0);
        }
        for (handle, _) in self.stops.iter().zip(self.setup.stops).filter(|(_, given)| *given) {
            stream = stream.stop_on(handle);
        }
        if let Some(hook) = self.on_end.take() {
            stream = stream.on_end(hook);
        }
        stream
    }
}

impl KeepAliveFrame {
    /// What is sent.
    pub fn into_frame(self) -> Frame {
        match self {
            Self::Default => Frame::KEEP_ALIVE,
            Self::Event => Frame::from((event_name!("ping"), "")),
            Self::Empty => Frame::default(),
        }
    }
}

/// A waker's calls.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wakes {
    /// Whether there was one.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
