//! A subscription's places in the logs, and what comes next there.

use super::log::{Log, Read};
use super::policy::{Lag, Resumed};
use super::segment::Run;
use super::sequence_id::SequenceId;
use super::state::State;
use super::topic::Topic;
use crate::codec::{Event, EventId, Frame};
use crate::stream::EndReason;
use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// A subscription's place in one topic.
pub(super) struct Cursor {
    topic: usize,
    /// The position of the next event in the log; or, while conflating, the number of the last one.
    position: u64,
    /// What was there before it began is replay, and no lag.
    replay_to: u64,
    /// How many events of the newest per key were let go so far.
    evicted: u64,
}

impl Cursor {
    /// Creates a cursor for a topic.
    pub(super) fn new<L>(topic: &Topic<L>, index: usize, position: u64) -> Self {
        Self {
            topic: index,
            position,
            replay_to: topic.log.end(),
            evicted: topic.latest.as_ref().map_or(0, |latest| latest.evicted()),
        }
    }

    /// Returns the index of its topic.
    pub(super) fn topic(&self) -> usize {
        self.topic
    }
}

/// A subscription's places.
pub(super) struct Places {
    cursors: Box<[Cursor]>,
    /// Those that may have something. Not kept where there's but one, which may always.
    active: Vec<usize>,
    /// The epoch and the turn of the log that the positions are of.
    epoch: u64,
    turn: u64,
    /// The client has seen everything up to this number, which is greater than any that has come here.
    ahead: u64,
}

impl Places {
    /// Creates the places of a client that has seen everything up to the number `seen`.
    pub(super) fn new<L>(state: &State<L>, cursors: Box<[Cursor]>, seen: u64) -> Self {
        let ahead = if seen > state.sequence { seen } else { 0 };
        let mut places = Self { cursors, active: Vec::new(), epoch: state.epoch, turn: state.turn, ahead };
        places.activate_all();
        places
    }

    fn activate_all(&mut self) {
        self.active = if self.cursors.len() == 1 { Vec::new() } else { (0..self.cursors.len()).collect() };
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn turn(&self) -> u64 {
        self.turn
    }

    pub(super) fn cursors(&self) -> &[Cursor] {
        &self.cursors
    }

    fn active(&self) -> &[usize] {
        if self.cursors.len() == 1 { &[0] } else { &self.active }
    }
}

/// What a look under the lock has brought.
pub(super) enum Batch<L> {
    /// Events up to a number.
    Frame(Frame, u64),
    Frames(Frames<L>),
    /// The client's place, where it isn't told by an event.
    Position(Position),
    Dropped(u64),
    /// The log that the topics follow is another, or has lost events that never came here. This is where the client is once it has
    /// what waits for it, if anything does.
    Turned {
        resumed: Resumed,
        position: Position,
        is_waiting: bool,
    },
    End(EndReason),
    Empty,
}

/// Frames in order.
pub(super) struct Frames<L> {
    /// To be filtered where they have their labels. With the number of the last event in each.
    pub(super) frames: Vec<(Frame, u64, Option<Arc<L>>)>,
    /// A client should have been told of this number by now, or of a later one.
    pub(super) due: u64,
}

/// What tells a client where it is.
pub(super) struct Position {
    pub(super) epoch: u64,
    pub(super) number: u64,
    /// A caller's id, where those are indexed.
    pub(super) id: Option<Arc<str>>,
}

impl Position {
    /// Returns the block that tells it.
    pub(super) fn frame(&self) -> Frame {
        match &self.id {
            None => {
                let id = SequenceId::new(self.epoch, self.number).to_text();
                Event::empty().id(id.as_id()).into()
            }
            Some(id) => Event::empty().id(EventId::trusted(id)).into(),
        }
    }
}

/// So many are taken at once where they can't be taken as one.
const BATCH: usize = 64;

/// Once so many bytes were taken, no more are: the channel may let go what was taken, and then the subscription alone holds it.
const BATCH_BYTES: usize = 32 * 1024;

impl<L> State<L> {
    /// Returns the number of the next event of all.
    pub(super) fn next(&self, places: &Places, lag: Lag) -> Option<u64> {
        let next = |cursor: &Cursor| {
            self.topics.get(cursor.topic).and_then(|topic| topic.next(cursor.position, lag))
        };
        places.cursors.iter().filter_map(next).min()
    }

    fn note_changed(&mut self, slot: usize, places: &mut Places) {
        let several = self.slots.get_mut(slot).and_then(|slot| slot.several.as_mut());
        if let Some(several) = several {
            let changed = core::mem::take(&mut several.changed);
            if places.active.is_empty() {
                places.active = changed;
            } else {
                places.active.extend(changed);
            }
        }
    }

    /// Follows the log that has become another, or has lost events. Returns what that means to the client, if it means anything.
    fn turn(&mut self, places: &mut Places, lag: Lag, filtered: bool) -> Option<Resumed> {
        let turn = core::mem::replace(&mut places.turn, self.turn);
        places.epoch = self.epoch;
        if !self.was_another(turn) {
            let missed = self.losses.after(places.ahead, turn);
            let is_exact = missed.is_exact && self.permanent && !filtered && lag != Lag::Conflate;
            return (missed.events > 0).then_some(Resumed::Gap { missed: missed.events, is_exact });
        }
        for cursor in &mut places.cursors {
            if let Some(topic) = self.topics.get(cursor.topic) {
                let position =
                    if lag == Lag::Conflate { 0 } else { topic.log.replay_after(self.losses.to()).from };
                *cursor = Cursor::new(topic, cursor.topic, position);
            }
        }
        places.ahead = 0;
        places.activate_all();
        Some(Resumed::Unknown)
    }

    /// Passes over what a client has seen before it came here.
    fn pass_ahead(&self, places: &mut Places, lag: Lag) {
        if places.ahead == 0 || lag == Lag::Conflate {
            return;
        }
        for cursor in &mut places.cursors {
            if let Some(topic) = self.topics.get(cursor.topic) {
                cursor.position = topic.log.pass(cursor.position, places.ahead);
            }
        }
        if places.ahead <= self.sequence {
            places.ahead = 0;
        }
    }

    /// Takes what's next, and says whether there's more. Those topics where the subscription lags are dealt with first.
    pub(super) fn take(
        &mut self,
        slot: usize,
        places: &mut Places,
        lag: Lag,
        until: u64,
        filtered: bool,
    ) -> (Batch<L>, bool) {
        self.note_changed(slot, places);
        let is_closing = until < u64::MAX;
        if places.turn != self.turn {
            if is_closing && self.was_another(places.turn) {
                // What it has accepted before is gone.
                return (Batch::End(EndReason::SourceEnded), false);
            }
            if let Some(resumed) = self.turn(places, lag, filtered) {
                let position = Position { epoch: self.epoch, number: self.sequence, id: None };
                let is_waiting = self.next(places, lag).is_some();
                return (Batch::Turned { resumed, position, is_waiting }, true);
            }
        }
        self.pass_ahead(places, lag);
        let mut dropped = 0_u64;
        let Places { cursors, active, .. } = places;
        let single = [0];
        for &number in if cursors.len() == 1 { &single[..] } else { active } {
            let Some(cursor) = cursors.get_mut(number) else { continue };
            let Some(topic) = self.topics.get(cursor.topic) else {
                debug_assert!(false, "a topic stays while it has subscribers");
                continue;
            };
            let Ok(lost) = topic.check(cursor, lag, is_closing) else {
                self.counters.lagged = self.counters.lagged.saturating_add(1);
                return (Batch::End(EndReason::Lagged), true);
            };
            dropped = dropped.saturating_add(lost);
        }
        if dropped > 0 {
            self.counters.lagged = self.counters.lagged.saturating_add(1);
            self.counters.dropped = self.counters.dropped.saturating_add(dropped);
            return (Batch::Dropped(dropped), self.catch_up(slot, places, lag));
        }
        let batch = match &mut **cursors {
            [cursor] if lag != Lag::Conflate && !filtered => self.take_run(slot, cursor, until),
            _ => self.take_batch(slot, places, lag, until, filtered),
        };
        (batch, self.catch_up(slot, places, lag))
    }

    /// Notes where everything was taken. Returns whether it isn't everywhere.
    fn catch_up(&mut self, slot: usize, places: &mut Places, lag: Lag) -> bool {
        let Places { cursors, active, .. } = places;
        let mut is_active = |number: usize| {
            let Some(cursor) = cursors.get(number) else { return false };
            let Some(topic) = self.topics.get_mut(cursor.topic) else { return false };
            let is_active = topic.next(cursor.position, lag).is_some();
            if let (false, Some(slot)) = (is_active, self.slots.get(slot)) {
                topic.catch_up(slot.key(number));
            }
            is_active
        };
        if cursors.len() == 1 {
            return is_active(0);
        }
        active.retain(|&number| is_active(number));
        if active.len() < active.capacity() / 8 {
            active.shrink_to_fit();
        }
        !active.is_empty()
    }

    /// Takes all that belongs together.
    fn take_run(&mut self, slot: usize, cursor: &mut Cursor, until: u64) -> Batch<L> {
        let Some(topic) = self.topics.get_mut(cursor.topic) else {
            debug_assert!(false, "a topic stays while it has subscribers");
            return Batch::Empty;
        };
        let before = until.saturating_add(1);
        let Read::Events(Run { frames, to, sequence }) =
            topic.log.read(cursor.position, before, &mut self.counters)
        else {
            return Batch::Empty;
        };
        let count = to.saturating_sub(cursor.position);
        cursor.position = to;
        self.delivered(slot, sequence, count);
        Batch::Frame(Frame::from_joined(frames), sequence)
    }

    /// Takes events in the order of their numbers, whatever the topic.
    fn take_batch(
        &mut self,
        slot: usize,
        places: &mut Places,
        lag: Lag,
        until: u64,
        filtered: bool,
    ) -> Batch<L> {
        let head = |&number: &usize| {
            let cursor = places.cursors.get(number)?;
            let next = self.topics.get(cursor.topic)?.next(cursor.position, lag)?;
            Some(Reverse((next, number)))
        };
        let mut heads: BinaryHeap<_> = places.active().iter().filter_map(head).collect();
        let is_closing = until < u64::MAX;
        let (mut frames, mut looked_at) = (Vec::new(), Vec::new());
        // While the newest alone of each key is to wait, nothing is taken in advance.
        let most = if lag == Lag::Conflate && !is_closing { 1 } else { BATCH };
        let mut bytes = 0_usize;
        while frames.len() < most {
            let Some(Reverse((_, number))) = heads.pop().filter(|Reverse((next, _))| *next <= until) else {
                break;
            };
            let Some(cursor) = places.cursors.get_mut(number) else { break };
            let Some(topic) = self.topics.get_mut(cursor.topic) else { break };
            let (frame, label, sequence, count) = if lag == Lag::Conflate {
                let Some(value) = topic.latest.as_ref().and_then(|latest| latest.after(cursor.position))
                else {
                    break;
                };
                cursor.position = value.sequence;
                (value.frame.clone(), Some(Arc::clone(&value.label)), value.sequence, 1)
            } else if filtered {
                let Some(entry) = topic.log.kept(cursor.position) else { break };
                cursor.position = cursor.position.saturating_add(1);
                (entry.frame.clone(), Some(Arc::clone(&entry.label)), entry.sequence, 1)
            } else {
                // Up to where another cursor comes in.
                let before =
                    heads.peek().map_or(u64::MAX, |Reverse((next, _))| *next).min(until.saturating_add(1));
                let Read::Events(Run { frames, to, sequence }) =
                    topic.log.read(cursor.position, before, &mut self.counters)
                else {
                    break;
                };
                let count = to.saturating_sub(cursor.position);
                cursor.position = to;
                (frames, None, sequence, count)
            };
            let loses = topic.loses(cursor, lag, is_closing) > 0;
            heads.extend(topic.next(cursor.position, lag).map(|next| Reverse((next, number))));
            if filtered && looked_at.last() != Some(&cursor.topic) {
                looked_at.push(cursor.topic);
            }
            // Those that pass the filter are counted later.
            self.delivered(slot, sequence, if filtered { 0 } else { count });
            bytes = bytes.saturating_add(frame.len());
            frames.push((Frame::from_joined(frame), sequence, label.filter(|_| filtered)));
            if loses || bytes >= BATCH_BYTES {
                break;
            }
        }
        let Some(&(_, last, _)) = frames.last() else { return Batch::Empty };
        let topics = looked_at.iter().filter_map(|&topic| self.topics.get(topic));
        let due = topics.map(|topic| match (&topic.latest, &self.kept.latest) {
            (Some(latest), Some(bounds)) if lag == Lag::Conflate => latest.due(bounds),
            _ => topic.log.due(&self.kept.retention, self.now, last),
        });
        let due = due.max().unwrap_or_default();
        Batch::Frames(Frames { frames, due })
    }
}

/// A subscription is to end.
struct Lagged;

impl<L> Topic<L> {
    /// Returns the number of the event at a position.
    fn next(&self, position: u64, lag: Lag) -> Option<u64> {
        match &self.latest {
            Some(latest) if lag == Lag::Conflate => latest.after(position).map(|value| value.sequence),
            _ if position >= self.log.end() => None,
            // Gone, which is for another to say; it's more than nothing.
            _ => Some(self.log.kept(position).map_or(0, |entry| entry.sequence)),
        }
    }

    /// Finds out whether a cursor lags, and passes over the events that it loses by that. Returns how many these are.
    fn check(&self, cursor: &mut Cursor, lag: Lag, is_closing: bool) -> Result<u64, Lagged> {
        if let (Lag::Conflate, Some(latest)) = (lag, &self.latest) {
            let lost = latest.evicted().saturating_sub(cursor.evicted);
            cursor.evicted = latest.evicted();
            return Ok(lost.min(latest.evicted_after(cursor.position)));
        }
        let lost = self.loses(cursor, lag, is_closing);
        if lost > 0 && !matches!(lag, Lag::DropOldest { .. }) {
            return Err(Lagged);
        }
        cursor.position = cursor.position.saturating_add(lost);
        Ok(lost)
    }

    /// Returns how many of the events at its position a cursor loses: those that are gone, and those that its policy lets go.
    fn loses(&self, cursor: &Cursor, lag: Lag, is_closing: bool) -> u64 {
        let log: &Log<L> = &self.log;
        let from = cursor.position.max(log.first());
        let limit = match lag {
            Lag::Conflate => return 0,
            // It's no matter of keeping up any more: what's still there goes out.
            _ if is_closing => None,
            // What's replayed is no lag.
            Lag::DropOldest { .. } if from < cursor.replay_to => None,
            Lag::Disconnect { limit: None } => None,
            Lag::Disconnect { limit: Some(limit) } | Lag::DropOldest { limit } => Some(limit.max(1) as u64),
        };
        let waiting = log.batch_start().saturating_sub(from.max(cursor.replay_to));
        let limit = limit.filter(|&limit| waiting > limit);
        let keep_from = limit.map_or(from, |limit| log.batch_start().saturating_sub(limit));
        keep_from.saturating_sub(cursor.position)
    }
}
