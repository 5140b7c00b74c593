//! A connection's part in a channel.

use super::cursor::{Batch, Cursor};
use super::policy::{Lag, Resumed};
use super::shared::{Shared, unlock};
use crate::codec::Frame;
use crate::stream::{End, EndReason, Source};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

pub(super) type FilterMap<L> = Box<dyn FnMut(&L, Frame) -> Option<Frame> + Send>;
pub(super) type Notice<T> = Box<dyn FnMut(T) -> Option<Frame> + Send>;

/// So many batches are looked at in one poll, however few of their events pass the filter.
const BATCHES: usize = 32;

/// One connection's part in a [`Channel`](super::Channel) or in some [`Topics`](super::Topics): a [`Source`] for its
/// [`EventStream`](crate::EventStream).
///
/// It's a place in what the channel keeps, not a queue: it holds no events, and whoever has read everything costs nothing
/// until there's more. While there's nothing, a poll takes no lock.
///
/// A client that has no event yet begins with its position, a block of an `id` alone, so that it can be
/// resumed from the first moment on; but Firefox doesn't take an id from such a block.
///
/// # The end
/// It ends when the channel is closed and everything was handed out, or when it lags and its
/// [policy](Lag) says so. When its stream is stopped, what was published before still goes out.
#[must_use = "sources do nothing unless polled"]
pub struct Subscription<L = ()> {
    pub(super) shared: Arc<Shared<L>>,
    pub(super) cursors: Box<[Cursor]>,
    pub(super) slot: usize,
    pub(super) resumed: Resumed,
    pub(super) lag: Lag,
    pub(super) filter_map: Option<FilterMap<L>>,
    pub(super) on_dropped: Option<Notice<u64>>,
    pub(super) ready: VecDeque<Frame>,
    /// Closed: nothing after this number.
    pub(super) until: Option<u64>,
    pub(super) ended: Option<EndReason>,
    pub(super) reason: Option<EndReason>,
    pub(super) waker: Option<Waker>,
    /// The waker lies with the channel, unless that has changed meanwhile.
    pub(super) parked: bool,
}

impl<L> Subscription<L> {
    /// How the client's last event ID was taken up.
    pub fn resumed(&self) -> Resumed {
        self.resumed
    }

    fn is_parked(&self, cx: &Context<'_>) -> bool {
        // One to no topic is woken by a close alone, which changes no topic.
        self.parked
            && !self.cursors.is_empty()
            && self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
            && self.cursors.iter().all(Cursor::is_unchanged)
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
    fn filter(&mut self, frames: Vec<(Frame, Option<Arc<L>>)>) {
        let Self { shared, slot, ready, filter_map, .. } = self;
        let mut passed = 0_u64;
        for (frame, label) in frames {
            let frame = match (&mut *filter_map, label) {
                (Some(filter_map), Some(label)) => {
                    let frame = filter_map(&label, frame);
                    passed = passed.saturating_add(frame.is_some().into());
                    frame
                }
                _ => Some(frame),
            };
            ready.extend(frame);
        }
        if passed > 0 {
            shared.lock().delivered(*slot, 0, passed);
        }
    }

    /// One lock for a batch: where that's the last of it, the waker is left at once.
    fn take(&mut self, cx: &Context<'_>) -> Batch<L> {
        let Self { shared, cursors, slot, lag, filter_map, until, waker, parked, .. } = self;
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        let spare = waker.clone();
        let mut state = shared.lock();
        let batch = state.take(*slot, cursors, *lag, until.unwrap_or(u64::MAX), filter_map.is_some());
        let is_last = !state.is_behind(cursors, *lag);
        let batch = match batch {
            Batch::Empty if state.closed || until.is_some() => Batch::End(EndReason::SourceEnded),
            batch => batch,
        };
        *parked = is_last && !state.closed && until.is_none();
        let mut older = spare;
        if *parked {
            cursors.iter_mut().for_each(Cursor::note);
            older = older.and_then(|waker| state.wait(*slot, waker));
        }
        unlock(state);
        drop(older);
        batch
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
                Batch::Frame(frame) => return Poll::Ready(Ok(frame)),
                Batch::Frames(frames) => this.filter(frames),
                Batch::Dropped(dropped) => {
                    this.ready.extend(this.on_dropped.as_mut().and_then(|notice| notice(dropped)));
                }
                Batch::End(reason) => {
                    this.ended = Some(reason);
                    this.reason = this.reason.or(Some(reason));
                }
                Batch::Empty => return Poll::Pending,
            }
        }
        // Nothing of all this has passed the filter: others get their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn close(self: Pin<&mut Self>, reason: EndReason) -> bool {
        let this = self.get_mut();
        // As the stream's hook is told: what ends it last, unless it had ended of itself.
        if this.ended.is_none() {
            this.reason = Some(reason);
        }
        this.parked = false;
        let state = this.shared.lock();
        // A second close, for another reason, lets out no more than the first.
        this.until = this.until.or(Some(state.sequence));
        !this.ready.is_empty() || state.is_behind(&this.cursors, this.lag)
    }
}

impl<L> Drop for Subscription<L> {
    fn drop(&mut self) {
        self.shared.remove(self.slot, self.cursors.iter().map(Cursor::topic));
        if let Some(hook) = &self.shared.options.on_end {
            hook(self.reason.unwrap_or(EndReason::Dropped));
        }
    }
}

impl<L> fmt::Debug for Subscription<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("cursors", &self.cursors)
            .field("resumed", &self.resumed)
            .field("lag", &self.lag)
            .finish_non_exhaustive()
    }
}
