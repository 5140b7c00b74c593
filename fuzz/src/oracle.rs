//! What a stream may do, by what its documentation promises.
//!
//! The oracle doesn't play the stream. It keeps what each source has, looks after each step at what has come out and
//! what has been done to the sources, and asks whether there was a reason. Where the documentation leaves a
//! choice, as of the moment at which a busy stream notices that its lifetime is over, it takes any.

use crate::connection::{Connection, Outfit, Wakes};
use crate::keep_alive_model::KeepAliveModel;
use crate::scenario::{Operation, Setup};
use crate::script::Line;
use crate::source_model::{Next, SourceModel};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use eventsource_core::stream::{End, TryEmitError};
use eventsource_core::test_util::ManualClock;
use eventsource_core::{EndReason, Frame, StopHandle};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// After so many frames at most, a stream that never falls quiet looks at its lifetime; and after so many without bytes
/// it makes a pause.
const FRAMES_PER_CHECK: usize = 64;

/// A stream on trial, and what is known of it.
#[expect(missing_debug_implementations, reason = "a stream of any type has none")]
pub struct Oracle {
    stream: Option<Pin<Box<dyn Connection>>>,
    phase: Phase,
    clock: ManualClock,
    stops: [StopHandle; 2],
    /// Whether the stream knows the handle.
    given: [bool; 2],
    sources: Vec<SourceModel>,
    retry: Option<Frame>,
    /// Why it may have ended when it said that alone.
    last_words: Option<Causes>,
    keep_alive: Option<KeepAliveModel>,
    lifetime: Option<Duration>,
    /// When the lifetime is over, once it has begun and if it's ever over.
    expiry: Option<Duration>,
    /// When the latest frame came out; before the first, when the stream was polled first.
    sent: Duration,
    /// How many frames of sources still open came out after the lifetime.
    late: usize,
    /// Of each merge, whether the latest frame was of its second part. The first source has no merge.
    turns: Vec<Option<usize>>,
    /// The waker of the latest poll, if that was pending.
    asleep: Option<Arc<Wakes>>,
    /// The causes of which the stream has certainly chosen.
    settled: Option<Causes>,
    told: Arc<Mutex<Vec<Told>>>,
    frames_made: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Open,
    Ended,
}

/// Why a stream could end.
#[derive(Clone, Debug)]
struct Causes {
    stopped: bool,
    lifetime: bool,
    errors: Vec<String>,
    sources_ended: bool,
}

/// What the hook is told, and what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    reason: EndReason,
    error: Option<String>,
    sources_gone: bool,
}

/// The frame that a `retry:` has led. They're all of one event with a number as its data.
fn follows(retry: &Frame, first: &Frame) -> Frame {
    let line = retry.as_bytes().strip_suffix(b"\n").unwrap_or_default();
    let number = first.as_bytes().strip_prefix(line).and_then(|block| block.strip_prefix(b"data: "));
    let number = number.and_then(|block| block.strip_suffix(b"\n\n"));
    let Some(number) = number else { panic!("{first:?} doesn't begin with {retry:?}") };
    Frame::from(String::from_utf8_lossy(number).into_owned())
}

impl Oracle {
    /// Of a new stream.
    pub fn new(setup: &Setup) -> Self {
        let clock = ManualClock::new();
        let stops = [StopHandle::new(), StopHandle::new()];
        let told = Arc::default();
        let (sources, fed): (Vec<_>, Vec<_>) = setup.feeds().map(SourceModel::new).unzip();
        let on_end = hook(&sources, stops.clone(), Arc::clone(&told));
        let outfit = Outfit { setup, clock: &clock, stops: &stops, on_end: Some(Box::new(on_end)) };
        let mut fed = fed.into_iter();
        let stream = fed.next().map(|first| outfit.connect(first, fed));
        Self {
            stream,
            phase: Phase::New,
            stops,
            given: setup.stops,
            turns: vec![None; sources.len()],
            sources,
            retry: setup.retry.map(|retry| Frame::retry(retry.0)),
            last_words: None,
            keep_alive: KeepAliveModel::new(setup),
            lifetime: setup.lifetime.map(|lifetime| lifetime.0),
            expiry: None,
            sent: clock.now(),
            late: 0,
            asleep: None,
            settled: None,
            told,
            frames_made: 0,
            clock,
        }
    }

    /// Does it, and checks what comes of it.
    pub fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Item { source, items, empty } => {
                for _ in 0..empty.0 {
                    self.source(source).add(Line::Item(Frame::default()));
                }
                for _ in 0..items.0 {
                    let frame = self.make_frame();
                    self.source(source).add(Line::Item(frame));
                }
            }
            Operation::Fail { source } => self.source(source).add(Line::Error(format!("of {source}"))),
            Operation::End { source } => self.source(source).add(Line::End),
            Operation::Emit { source, clone, empty } => {
                let frame = if empty { Frame::default() } else { self.make_frame() };
                self.source(source).emit(clone, frame);
            }
            Operation::Clone { source, clone } => {
                if let Some(clones) = self.source(source).clones() {
                    clones.pick(clone).into_iter().for_each(|emitter| clones.keep(emitter));
                }
            }
            Operation::DropClone { source, clone } => {
                if let Some(clones) = self.source(source).clones() {
                    clones.drop_one(clone);
                }
            }
            Operation::Advance(by) => self.clock.advance(by.0),
            Operation::Stop { handle } => self.stops[usize::from(handle)].stop(),
            Operation::Poll => {
                self.poll();
            }
            Operation::Drain => while self.poll() {},
            Operation::DropStream => self.drop_stream(),
        }
        self.check_awake();
    }

    /// Lets every source end, and sees that all comes out and then the end.
    pub fn finish(mut self) {
        self.sources.iter_mut().for_each(SourceModel::end);
        self.check_awake();
        self.perform(Operation::Drain);
        assert!(self.stream.is_none() || self.phase == Phase::Ended, "it doesn't end");
        self.drop_stream();
    }

    fn source(&mut self, number: u8) -> &mut SourceModel {
        let at = usize::from(number) % self.sources.len();
        &mut self.sources[at]
    }

    fn make_frame(&mut self) -> Frame {
        self.frames_made += 1;
        Frame::from(self.frames_made.to_string())
    }

    /// Polls once. Whether an executor would do it again at once: it handed something out, or made a pause.
    fn poll(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let before: Vec<Next> = self.sources.iter().map(SourceModel::next).collect();
        let empty_before: usize = self.sources.iter().map(SourceModel::leading_empty).sum();

        // A waker of its own: it's the latest that has to be called.
        let wakes = Arc::<Wakes>::default();
        let answer = stream.as_mut().poll_next(&mut Context::from_waker(&Waker::from(wakes.clone())));
        if let Some(asleep) = self.asleep.take() {
            assert!(answer.is_pending() || asleep.any(), "nobody was told that it's ready: {answer:?}");
        }
        if answer.is_pending() {
            self.asleep = Some(wakes.clone());
        }
        let again = matches!(answer, Poll::Ready(Some(_))) || wakes.any();

        if self.phase == Phase::New {
            self.phase = Phase::Open;
            self.sent = self.clock.now();
            self.expiry = self.lifetime.and_then(|max| self.clock.now().checked_add(max));
        }
        // Until something has come, it's a line of the first block, or a block of its own.
        let led = self.retry.take_if(|_| !answer.is_pending());
        let answer = match led {
            Some(retry) if answer == Poll::Ready(Some(retry.clone())) => {
                let causes = self.look();
                assert!(!before.contains(&Next::Frame) || causes.any(), "it could have led a block");
                self.last_words = causes.any().then_some(causes);
                self.turns.fill(None);
                self.check_told();
                return again;
            }
            Some(retry) => answer.map(|first| first.map(|first| follows(&retry, &first))),
            None => answer,
        };
        if self.phase == Phase::Ended {
            assert_eq!(answer, Poll::Ready(None));
        } else {
            let causes = self.look();
            // Frames without bytes take turns too, but aren't seen; and what is closed may be forgotten.
            if before.contains(&Next::Empty) || causes.any_but_the_end() {
                self.turns.fill(None);
            }
            match answer {
                Poll::Ready(Some(frame)) => self.check_frame(&frame, &causes, &before),
                Poll::Ready(None) => self.check_end(&causes),
                // Nothing else wakes it while it's polled.
                Poll::Pending if wakes.any() => self.check_pause(empty_before, &causes),
                Poll::Pending => assert!(!self.check_quiet(&causes), "a keep-alive was due"),
            }
        }
        self.check_told();
        again
    }

    /// Looks at what the stream has done to its sources, and why.
    fn look(&mut self) -> Causes {
        let closed = self.sources.iter_mut().filter_map(|source| source.look().then_some(())).count() > 0;
        let causes = Causes {
            stopped: self.is_stopped(),
            lifetime: self.is_expired(),
            errors: self.sources.iter().filter_map(SourceModel::error).collect(),
            sources_ended: self.sources.iter().all(|source| source.is_over() && source.error().is_none()),
        };
        assert!(!closed || causes.any_but_the_end(), "closed, but why?");

        // A stop is seen at once. An error closes the other part of its merge, where it takes what comes before
        // it in the order of merging.
        let failed = self.sources.iter().rposition(|source| source.error().is_some());
        let to_be_closed = match failed {
            _ if causes.stopped => self.sources.len(),
            Some(failed) => failed.max(1) + 1,
            None => 0,
        };
        let mut to_be_closed = self.sources.iter().take(to_be_closed);
        assert!(to_be_closed.all(SourceModel::is_closed), "open, although it has to end");

        // Whatever happens later can't be why it ends.
        let by_lifetime = causes.errors.is_empty() && self.sources.iter().any(SourceModel::was_closed);
        if self.settled.is_none() && (causes.stopped || by_lifetime) {
            self.settled = Some(causes.clone());
        }
        causes
    }

    fn check_frame(&mut self, frame: &Frame, causes: &Causes, before: &[Next]) {
        let now = self.clock.now();
        if let Some(at) = self.sources.iter_mut().position(|source| source.comes_out(frame)) {
            let source = &self.sources[at];
            assert!(!causes.stopped || source.clones().is_some(), "a stop forgets what wasn't accepted");
            if causes.lifetime && !source.is_closed() {
                self.late += 1;
                assert!(self.late <= FRAMES_PER_CHECK, "the lifetime was over before {} frames", self.late);
            }
            self.check_turn(at, before);
            if let Some(keep_alive) = &mut self.keep_alive {
                keep_alive.handle_sent();
            }
        } else {
            let due = self.check_quiet(causes);
            let keep_alive = self.keep_alive.as_ref().filter(|keep_alive| keep_alive.frame == *frame);
            let Some(keep_alive) = keep_alive else { panic!("where does it come from? {frame:?}") };
            let quiet = now.saturating_sub(self.sent);
            assert!(quiet >= keep_alive.interval, "a keep-alive after {quiet:?}");
            assert!(due, "a keep-alive, but the alarm was set when something had been sent");
        }
        self.sent = now;
    }

    /// A merge of many sources and one more gives the many a turn each, then the one its turn.
    fn check_turn(&mut self, at: usize, before: &[Next]) {
        for merge in at.max(1)..self.sources.len() {
            let turns = &mut self.turns[merge];
            if merge == at {
                let again = *turns == Some(0);
                assert!(!again || !before[..merge].contains(&Next::Frame), "it was the turn of those before");
                *turns = Some(0);
            } else {
                let had = turns.unwrap_or_default() + 1;
                assert!(had <= merge || before[merge] != Next::Frame, "it was the last one's turn");
                *turns = Some(had);
            }
        }
    }

    /// There was nothing to send. Whether a keep-alive was due.
    fn check_quiet(&mut self, causes: &Causes) -> bool {
        assert!(!causes.any(), "it should end: {causes:?}");
        for source in &mut self.sources {
            assert!(!source.is_held_back(), "something is kept inside");
            source.handle_quiet();
        }
        let now = self.clock.now();
        self.keep_alive.as_mut().is_some_and(|keep_alive| keep_alive.handle_quiet(now))
    }

    /// It was busy with frames without bytes, and comes back.
    fn check_pause(&mut self, empty_before: usize, causes: &Causes) {
        // The last two turns may have been those of closing and of ending.
        assert!(empty_before + 2 >= FRAMES_PER_CHECK, "a pause after {empty_before} frames without bytes");
        if self.stream.as_ref().is_some_and(|stream| stream.is_terminated()) {
            self.check_end(causes);
        }
    }

    fn check_end(&mut self, causes: &Causes) {
        self.phase = Phase::Ended;
        for source in &self.sources {
            assert!(source.is_closed(), "it ended, but a source didn't");
            assert!(!source.is_held_back(), "something is lost");
            assert!(source.clones().is_none() || !source.is_ready(), "what was emitted is lost");
        }
        let causes = self.settled.as_ref().unwrap_or(causes);
        for told in self.told() {
            assert!(causes.explain(&told), "{told:?} because of {causes:?}");
            assert!(told.sources_gone, "the hook was told too early");
        }
    }

    /// The end is told when it has come, once, and the same to everyone.
    fn check_told(&self) {
        let Some(stream) = &self.stream else { return };
        let ended = self.phase == Phase::Ended;
        assert_eq!(stream.is_terminated(), ended);
        let end = stream.end().map(|end| Told::of(end, true));
        assert_eq!(end.is_some(), ended);
        assert_eq!(self.told(), Vec::from_iter(end));
    }

    /// Whoever sleeps until the stream is ready has been woken when it is.
    fn check_awake(&self) {
        let Some(asleep) = &self.asleep else { return };
        let ready = self.sources.iter().any(SourceModel::is_ready)
            || self.sources.iter().all(SourceModel::is_over)
            || self.is_stopped()
            || self.is_expired()
            || self.keep_alive.as_ref().is_some_and(|keep_alive| keep_alive.is_due(self.clock.now()));
        assert!(!ready || asleep.any(), "not woken");
    }

    fn drop_stream(&mut self) {
        let Some(stream) = self.stream.take() else { return };
        drop(stream);
        self.asleep = None;
        for source in &mut self.sources {
            source.look();
            assert!(source.is_closed(), "the stream is gone, but a source isn't");
        }
        let dropped = Told { reason: EndReason::Dropped, error: None, sources_gone: true };
        match self.phase {
            Phase::New => assert_eq!(self.told(), []),
            Phase::Open => match (&self.told()[..], &self.last_words) {
                // It may have had nothing more to say.
                ([told], Some(causes)) => assert!(*told == dropped || causes.explain(told), "{told:?}"),
                (told, _) => assert_eq!(told, [dropped]),
            },
            Phase::Ended => assert_eq!(self.told().len(), 1),
        }
    }

    fn is_stopped(&self) -> bool {
        self.stops.iter().zip(self.given).any(|(stop, given)| given && stop.is_stopped())
    }

    fn is_expired(&self) -> bool {
        self.expiry.is_some_and(|expiry| expiry <= self.clock.now())
    }

    fn told(&self) -> Vec<Told> {
        lock(&self.told).clone()
    }
}

impl Causes {
    fn any(&self) -> bool {
        self.any_but_the_end() || self.sources_ended
    }

    fn any_but_the_end(&self) -> bool {
        self.stopped || self.lifetime || !self.errors.is_empty()
    }

    fn explain(&self, told: &Told) -> bool {
        match (told.reason, &told.error) {
            (EndReason::SourceEnded, None) => self.sources_ended,
            (EndReason::SourceError, Some(error)) => self.errors.contains(error),
            (EndReason::Stopped, None) => self.stopped,
            (EndReason::Lifetime, None) => self.lifetime,
            _ => false,
        }
    }
}

impl Told {
    fn of(end: &End, sources_gone: bool) -> Self {
        Self { reason: end.reason(), error: end.error().map(ToString::to_string), sources_gone }
    }
}

/// A hook that notes what it's told, and uses all the stream's handles.
fn hook(
    sources: &[SourceModel],
    stops: [StopHandle; 2],
    told: Arc<Mutex<Vec<Told>>>,
) -> impl FnOnce(&End) + Send + use<> {
    let scripts: Vec<_> = sources.iter().filter_map(SourceModel::script).cloned().collect();
    let emitters: Vec<_> = sources.iter().filter_map(SourceModel::clones).cloned().collect();
    move |end| {
        let dropped = scripts.iter().all(|script| script.seen().dropped);
        let late = Frame::from("late");
        let refused = Err(TryEmitError::Closed(late.clone()));
        let emitters = emitters.iter().filter_map(|clones| clones.pick(0));
        let closed = emitters.map(|emitter| emitter.try_emit(late.clone())).all(|result| result == refused);
        stops.iter().for_each(StopHandle::stop);
        lock(&told).push(Told::of(end, dropped && closed));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
