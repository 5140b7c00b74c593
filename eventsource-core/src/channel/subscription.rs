//! A connection's part in a channel.

use super::cursor::{Batch, Frames, Places, Position};
use super::policy::{Ids, Lag, Resumed};
use super::shared::Shared;
use super::state::State;
use crate::codec::Frame;
use crate::stream::{End, EndReason, Source};
use crate::sync::{AtomicU64, Ordering};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

pub(super) type FilterMap<L> = Box<dyn FnMut(&L, Frame) -> Option<Frame> + Send>;
pub(super) type Notice<T> = Box<dyn FnMut(T) -> Option<Frame> + Send>;

/// So many batches are looked at in one poll, however few of their events pass the filter.
const BATCHES: usize = 32;

/// So many are taken when a subscription is closed: all that the default live window can hold.
const BATCHES_AT_CLOSE: usize = 1024;

/// One connection's part in a [`Channel`](super::Channel) or in some [`Topics`](super::Topics): a [`Source`] for its
/// [`EventStream`](crate::EventStream).
///
/// It's a place in what the channel keeps, not a queue: it holds no events, and whoever has read everything costs nothing
/// until there's more. While there's nothing, a poll takes no lock.
///
/// A client that has no event yet is told its position as soon as nothing waits for it, in a block of an `id` alone, so that it can
/// be resumed from the first moment on; but Firefox doesn't take an id from such a block. A client behind a filter is told it again
/// whenever the filter has rejected about half of what's retained, so that it isn't told a gap where it has missed nothing.
/// That doesn't help where the last events that were rejected age, or are removed with their topic, before it gets another one: then it may
/// be told a gap that isn't exact. [`positions`](super::SubscriptionBuilder::positions) switches these blocks off.
///
/// # The end
/// It ends when the channel is closed and everything was handed out, or when it lags and its
/// [policy](Lag) says so. When its stream is stopped, what was published before still goes out.
#[must_use = "sources do nothing unless polled"]
pub struct Subscription<L = ()> {
    pub(super) shared: Arc<Shared<L>>,
    pub(super) places: Places,
    pub(super) slot: usize,
    pub(super) resumed: Resumed,
    pub(super) lag: Lag,
    pub(super) filter_map: Option<FilterMap<L>>,
    /// Where the topics follow a log that may become another.
    pub(super) on_resumed: Option<Notice<Resumed>>,
    pub(super) on_dropped: Option<Notice<u64>>,
    pub(super) ready: VecDeque<Frame>,
    pub(super) told: Told,
    /// Closed: nothing after this number.
    pub(super) until: Option<u64>,
    pub(super) ended: Option<EndReason>,
    pub(super) reason: Option<EndReason>,
    pub(super) waker: Option<Waker>,
    /// What moves on with each change of its topics, and how that was when it was looked at.
    pub(super) version: Arc<AtomicU64>,
    pub(super) seen: u64,
    /// The waker lies with the channel, unless that has changed meanwhile.
    pub(super) is_parked: bool,
}

/// What the client knows of where it is.
pub(super) struct Told {
    /// It's told at all.
    pub(super) is_on: bool,
    /// It's to be told as soon as nothing else is.
    pub(super) is_due: bool,
    /// That's so until it was told of this number: what was missed before isn't to be told again.
    pub(super) lost_to: u64,
    /// It was told of this number.
    pub(super) to: u64,
}

impl Told {
    fn tell(&mut self, number: u64) {
        self.is_due &= number < self.lost_to;
        self.to = number;
    }

    /// Returns the client's position if it's to be told.
    fn position<L>(
        &mut self,
        shared: &Shared<L>,
        state: &State<L>,
        places: &Places,
        until: u64,
        is_filtered: bool,
    ) -> Batch<L> {
        let is_due = core::mem::take(&mut self.is_due);
        let position = is_due.then(|| shared.position(state, places, until, is_filtered)).flatten();
        position.filter(|position| position.number > self.to).map_or(Batch::Empty, Batch::Position)
    }
}

impl<L> Subscription<L> {
    /// Returns how the client's last event ID was taken up; or, where the topics [follow](super::Follower) a log that has become another or
    /// has lost events since, how the client goes on from there.
    pub fn resumed(&self) -> Resumed {
        self.resumed
    }

    fn is_parked(&self, cx: &Context<'_>) -> bool {
        self.is_parked
            && !self.told.is_due
            && self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
            && self.version.load(Ordering::Acquire) == self.seen
            && !self.shared.has_turned(self.places.turn())
    }

    fn next_ready(&mut self) -> Option<Frame> {
        let frame = self.ready.pop_front()?;
        if self.ready.is_empty() {
            // Most of the time there's nothing, so there's no room for it either.
            self.ready = VecDeque::new();
        }
        Some(frame)
    }

    /// Keeps what passes, to be handed out.
    fn filter(&mut self, frames: Frames<L>) {
        // Should the filter panic, what it hasn't seen is lost, and the client isn't to go on without it.
        let ended = self.ended.replace(EndReason::SourceError);
        let Self { shared, places, slot, ready, filter_map, told, .. } = self;
        let (mut passed, mut last) = (0_u64, 0);
        for (frame, sequence, label) in frames.frames {
            last = sequence;
            let frame = match (&mut *filter_map, label) {
                (Some(filter_map), Some(label)) => {
                    let frame = filter_map(&label, frame);
                    passed = passed.saturating_add(frame.is_some().into());
                    frame
                }
                _ => Some(frame),
            };
            if let Some(frame) = frame {
                ready.push_back(frame);
                told.tell(sequence);
            }
        }
        if passed > 0 {
            shared.lock().delivered(*slot, 0, passed);
        }
        if told.is_on && told.to < frames.due && told.to < last && shared.options.ids == Ids::Assigned {
            told.tell(last);
            ready.push_back(Position { epoch: places.epoch(), number: last, id: None }.frame());
        }
        self.ended = ended;
    }

    /// Takes a batch, under one lock. Where that's the last of it, the waker is left at once.
    fn take(&mut self, cx: &Context<'_>) -> Batch<L> {
        let Self { shared, places, slot, lag, filter_map, told, until, waker, version, .. } = self;
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        let mut spare = waker.clone();
        let mut state = shared.lock();
        let is_ending = state.closed || until.is_some();
        let until = until.unwrap_or(u64::MAX);
        let (batch, has_more) = state.take(*slot, places, *lag, until, filter_map.is_some());
        let batch = match batch {
            Batch::Empty => told.position(shared, &state, places, until, filter_map.is_some()),
            batch => batch,
        };
        let batch = match batch {
            Batch::Empty if is_ending => Batch::End(EndReason::SourceEnded),
            batch => batch,
        };
        self.is_parked = !is_ending && !has_more;
        if self.is_parked {
            self.seen = version.load(Ordering::Acquire);
            spare = spare.and_then(|waker| state.wait(*slot, waker));
        }
        drop(state);
        drop(spare);
        batch
    }

    /// Takes what waits when the subscription is closed: what's published later isn't to push it out. The memory is shared by all who
    /// take the same. What's more than so many batches stays where it is.
    fn take_waiting(&mut self, until: u64) {
        for _ in 0..BATCHES_AT_CLOSE {
            let Self { shared, places, slot, lag, filter_map, told, .. } = self;
            let mut state = shared.lock();
            let batch = match state.take(*slot, places, *lag, until, filter_map.is_some()).0 {
                Batch::Empty => told.position(shared, &state, places, until, filter_map.is_some()),
                batch => batch,
            };
            drop(state);
            match batch {
                Batch::Empty => return self.end(EndReason::SourceEnded),
                batch => self.handle(batch),
            }
            if self.ended.is_some() {
                return;
            }
        }
    }

    /// Makes what was taken ready to be handed out.
    fn handle(&mut self, batch: Batch<L>) {
        match batch {
            Batch::Frame(frame, to) => {
                self.told.tell(to);
                self.ready.push_back(frame);
            }
            Batch::Frames(frames) => self.filter(frames),
            Batch::Position(position) => {
                self.told.tell(position.number);
                self.ready.push_back(position.frame());
            }
            Batch::Dropped(dropped) => self.tell_dropped(dropped),
            Batch::Turned { resumed, position, is_waiting } => {
                self.tell_turn(resumed, &position, is_waiting);
            }
            Batch::End(reason) => self.end(reason),
            Batch::Empty => {}
        }
    }

    /// Hands out what a caller's code makes of something that the client has to be told.
    fn tell(&mut self, notice: impl FnOnce(&mut Self) -> Option<Frame>) {
        // Should it panic, the client isn't to go on without it.
        let ended = self.ended.replace(EndReason::SourceError);
        let frame = notice(self);
        self.ready.extend(frame);
        self.ended = ended;
    }

    fn tell_dropped(&mut self, dropped: u64) {
        self.tell(|this| this.on_dropped.as_mut().and_then(|notice| notice(dropped)));
    }

    /// Tells the client how it goes on, and where it is: now, or once it has what waits for it.
    fn tell_turn(&mut self, resumed: Resumed, position: &Position, is_waiting: bool) {
        self.resumed = resumed;
        self.tell(|this| this.on_resumed.as_mut().and_then(|notice| notice(resumed)));
        if !self.told.is_on {
            return;
        }
        let to = if resumed == Resumed::Unknown { 0 } else { self.told.to };
        self.told = Told { is_on: true, is_due: true, lost_to: position.number, to };
        if !is_waiting {
            self.told.tell(position.number);
            self.ready.push_back(position.frame());
        }
    }

    fn end(&mut self, reason: EndReason) {
        self.ended = Some(reason);
        self.reason = self.reason.or(Some(reason));
    }
}

impl<L> Source for Subscription<L> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
        let this = self.get_mut();
        for _ in 0..BATCHES {
            if let Some(frame) = this.next_ready() {
                return Poll::Ready(Ok(frame));
            }
            if let Some(reason) = this.ended {
                return Poll::Ready(Err(reason.into()));
            }
            if this.is_parked(cx) {
                return Poll::Pending;
            }
            match this.take(cx) {
                // The common case, without the detour of a queue.
                Batch::Frame(frame, to) => {
                    this.told.tell(to);
                    return Poll::Ready(Ok(frame));
                }
                Batch::Empty => return Poll::Pending,
                batch => this.handle(batch),
            }
        }
        // Nothing of all this has passed the filter: others get their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn close(self: Pin<&mut Self>, reason: EndReason) -> bool {
        let this = self.get_mut();
        // As the stream's hook is told: what ends it last, unless it had ended of itself.
        if this.ended.is_none() || this.until.is_some() {
            this.reason = Some(reason);
        }
        this.is_parked = false;
        // A second close, for another reason, lets out no more than the first.
        if this.until.is_none() && this.ended.is_none() {
            let until = this.shared.lock().sequence;
            this.until = Some(until);
            this.take_waiting(until);
        }
        !this.ready.is_empty() || this.ended.is_none()
    }
}

impl<L> Drop for Subscription<L> {
    fn drop(&mut self) {
        self.shared.remove(self.slot, &self.places);
        if let Some(hook) = &self.shared.options.on_end {
            hook(self.reason.unwrap_or(EndReason::Dropped));
        }
    }
}

impl<L> fmt::Debug for Subscription<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("topics", &self.places.cursors().len())
            .field("resumed", &self.resumed)
            .field("lag", &self.lag)
            .finish_non_exhaustive()
    }
}
