//! What is known of one source.

use crate::connection::Fed;
use crate::scenario::Feed;
use crate::script::{Last, Line, Script};
use eventsource_core::stream::TryEmitError;
use eventsource_core::{Emitter, Frame};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A source, and who feeds it.
pub(crate) struct SourceModel {
    feeder: Feeder,
    /// What it has for its reader, in order.
    waiting: VecDeque<Frame>,
    /// How many of these its reader may have taken: frames without bytes, at the front of an emitter's queue.
    maybe_taken: usize,
    /// What its reader has taken from a script, but has not come out; not what's without bytes.
    taken: VecDeque<Frame>,
    items_taken: usize,
    /// Its reader has closed an emitter's queue, or dropped a script's player.
    closed: bool,
}

enum Feeder {
    Script(Script),
    Emitter { clones: Clones, capacity: usize },
}

/// An emitter and its clones.
#[derive(Clone)]
pub(crate) struct Clones(Arc<Mutex<Vec<Emitter>>>);

impl SourceModel {
    /// And the source itself.
    pub(crate) fn new(feed: Feed) -> (Self, Fed) {
        let (feeder, source) = match feed {
            Feed::Script => {
                let (script, player) = Script::new();
                (Feeder::Script(script), Fed::Player(player))
            }
            Feed::Emitter(capacity) => {
                let (emitter, emissions) = Emitter::new(capacity);
                let clones = Clones(Arc::new(Mutex::new(vec![emitter])));
                (Feeder::Emitter { clones, capacity }, Fed::Emissions(emissions))
            }
        };
        let (waiting, taken) = (VecDeque::new(), VecDeque::new());
        (Self { feeder, waiting, maybe_taken: 0, taken, items_taken: 0, closed: false }, source)
    }

    pub(crate) fn script(&self) -> Option<&Script> {
        match &self.feeder {
            Feeder::Script(script) => Some(script),
            Feeder::Emitter { .. } => None,
        }
    }

    pub(crate) fn clones(&self) -> Option<&Clones> {
        match &self.feeder {
            Feeder::Script(_) => None,
            Feeder::Emitter { clones, .. } => Some(clones),
        }
    }

    // What's done to it.

    /// A script goes on.
    pub(crate) fn add(&mut self, line: Line) {
        let added = self.script().is_some_and(|script| script.add(line.clone()));
        if let (true, Line::Item(frame)) = (added, line) {
            self.waiting.push_back(frame);
        }
    }

    /// A clone emits: what comes of it has to be what there is to know.
    pub(crate) fn emit(&mut self, clone: u8, frame: Frame) {
        let Feeder::Emitter { clones, capacity } = &self.feeder else { return };
        let Some(emitter) = clones.pick(clone) else { return };
        assert_eq!(emitter.is_closed(), self.closed);
        match emitter.try_emit(frame.clone()) {
            Ok(()) => {
                assert!(!self.closed, "accepted, but closed");
                assert!(self.waiting.len() - self.maybe_taken < *capacity, "accepted, but full");
                self.waiting.push_back(frame);
                // Then it's clear that some were taken.
                while self.waiting.len() > *capacity {
                    self.waiting.pop_front();
                    self.maybe_taken -= 1;
                }
            }
            Err(TryEmitError::Full(refused)) => {
                assert!(!self.closed, "full, but closed");
                assert!(self.waiting.len() >= *capacity, "full, but of {:?} only", self.waiting);
                assert_eq!(refused, frame);
            }
            Err(TryEmitError::Closed(refused)) => {
                assert!(self.closed, "closed, but open");
                assert_eq!(refused, frame);
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Whoever feeds it ends.
    pub(crate) fn end(&mut self) {
        match &self.feeder {
            Feeder::Script(_) => self.add(Line::End),
            Feeder::Emitter { clones, .. } => clones.drop_all(),
        }
    }

    // What its reader has done.

    /// Looks at it after its reader was polled. Whether it has been closed meanwhile, and not because it had ended.
    pub(crate) fn look(&mut self) -> bool {
        let closed = match &self.feeder {
            Feeder::Script(script) => {
                let seen = script.seen();
                let new = self.waiting.drain(..seen.items - self.items_taken);
                self.taken.extend(new.filter(|frame| !frame.is_empty()));
                self.items_taken = seen.items;
                seen.dropped && seen.last.is_none()
            }
            Feeder::Emitter { clones, .. } => {
                self.maybe_taken = self.leading_empty();
                clones.pick(0).is_some_and(|emitter| emitter.is_closed())
            }
        };
        let was_closed = core::mem::replace(&mut self.closed, closed);
        assert!(closed || !was_closed || self.is_over(), "open again");
        closed && !was_closed
    }

    /// `frame` came out. Whether it's what had to come next from here.
    pub(crate) fn comes_out(&mut self, frame: &Frame) -> bool {
        match &self.feeder {
            Feeder::Script(_) => {
                let next = self.taken.front() == Some(frame);
                if next {
                    self.taken.pop_front();
                }
                next
            }
            Feeder::Emitter { .. } => {
                let lead = self.leading_empty();
                let next = self.waiting.get(lead) == Some(frame);
                if next {
                    self.waiting.drain(..=lead);
                    self.maybe_taken = self.leading_empty();
                }
                next
            }
        }
    }

    /// Its reader found nothing in it.
    pub(crate) fn handle_quiet(&mut self) {
        assert!(!self.is_ready(), "this was ready: {:?}", self.waiting);
        if self.clones().is_some() {
            self.waiting.clear();
            self.maybe_taken = 0;
        }
    }

    // What's known of it.

    /// Whether a reader has something of it that hasn't come out.
    pub(crate) fn is_held_back(&self) -> bool {
        !self.taken.is_empty()
    }

    /// Whether its reader would find something that it has to hand out or to act upon.
    pub(crate) fn is_ready(&self) -> bool {
        match &self.feeder {
            Feeder::Script(script) => script.is_ready(),
            Feeder::Emitter { .. } => self.waiting.iter().any(|frame| !frame.is_empty()),
        }
    }

    /// Whether the next thing that its reader would find is a frame, and whether that has bytes.
    pub(crate) fn next(&self) -> Next {
        match &self.feeder {
            Feeder::Script(script) if !script.is_ready() => Next::NoFrame,
            _ => match self.waiting.front() {
                None => Next::NoFrame,
                Some(frame) if frame.is_empty() => Next::Empty,
                Some(_) => Next::Frame,
            },
        }
    }

    /// How many frames without bytes lead.
    pub(crate) fn leading_empty(&self) -> usize {
        self.waiting.iter().take_while(|frame| frame.is_empty()).count()
    }

    /// Whether it accepts nothing any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed || self.is_over()
    }

    /// Whether its reader has closed it before it came to its end.
    pub(crate) fn was_closed(&self) -> bool {
        self.closed
    }

    /// Whether it has come to its end by itself: a reader has seen a script's, or there's no emitter.
    pub(crate) fn is_over(&self) -> bool {
        match &self.feeder {
            Feeder::Script(script) => script.seen().last.is_some(),
            Feeder::Emitter { clones, .. } => clones.is_empty(),
        }
    }

    /// The error that its reader has seen.
    pub(crate) fn error(&self) -> Option<String> {
        match self.script()?.seen().last? {
            Last::Error(error) => Some(error),
            Last::End => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    NoFrame,
    Empty,
    Frame,
}

impl Clones {
    /// One more of one of them, if there are any.
    pub(crate) fn pick(&self, clone: u8) -> Option<Emitter> {
        let clones = self.lock();
        let at = usize::from(clone).checked_rem(clones.len())?;
        clones.get(at).cloned()
    }

    pub(crate) fn keep(&self, emitter: Emitter) {
        self.lock().push(emitter);
    }

    pub(crate) fn drop_one(&self, clone: u8) {
        let mut clones = self.lock();
        if let Some(at) = usize::from(clone).checked_rem(clones.len()) {
            clones.swap_remove(at);
        }
    }

    pub(crate) fn drop_all(&self) {
        self.lock().clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Emitter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
