//! A topic, and who's subscribed to it.

use super::latest::Latest;
use super::log::Log;
use super::stats::TopicStats;
use crate::sync::{AtomicU64, Ordering};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;
use slab::Slab;

pub(super) struct Topic<L> {
    pub(super) name: Arc<str>,
    pub(super) log: Log<L>,
    pub(super) latest: Option<Box<Latest<L>>>,
    subscribers: Vec<Subscriber>,
    /// How many of them are caught up.
    caught_up: usize,
    /// Moves on with each publication to it.
    pub(super) version: Arc<AtomicU64>,
    pub(super) published: u64,
    /// It has, or has just had, events, and so counts.
    pub(super) counts: bool,
    /// When its oldest event was published, or an older one, if the channel will look at its age.
    pub(super) expires: Option<Duration>,
}

/// A subscription's part in a topic.
struct Subscriber {
    /// The subscription's.
    slot: usize,
    /// Which of the subscription's cursors it is.
    cursor: usize,
    /// It has taken everything.
    is_caught_up: bool,
}

/// A subscription's.
pub(super) struct Slot {
    pub(super) waker: Option<Waker>,
    /// It has everything up to this number.
    pub(super) reached: u64,
    /// Where it stands among the subscribers of its topic, if it has one.
    pub(super) key: usize,
    /// Where it has other than one topic.
    pub(super) several: Option<Box<Several>>,
}

/// What has changed of a subscription's topics, so that it need look at no other.
pub(super) struct Several {
    /// Where it stands among the subscribers of each.
    pub(super) keys: Vec<usize>,
    /// Moves on with each publication to any of them.
    pub(super) version: Arc<AtomicU64>,
    /// The cursors that were caught up, and aren't any more.
    pub(super) changed: Vec<usize>,
}

impl Slot {
    /// Returns where the cursor of that `number` stands among its topic's subscribers.
    pub(super) fn key(&self, number: usize) -> usize {
        match &self.several {
            Some(several) => several.keys.get(number).copied().unwrap_or(usize::MAX),
            None => self.key,
        }
    }

    fn set_key(&mut self, number: usize, key: usize) {
        match &mut self.several {
            Some(several) => match several.keys.get_mut(number) {
                Some(known) => *known = key,
                None => several.keys.push(key),
            },
            None => self.key = key,
        }
    }
}

impl<L> Topic<L> {
    pub(super) fn new(name: Arc<str>, log: Log<L>, latest: Option<Box<Latest<L>>>) -> Self {
        Self {
            name,
            log,
            latest,
            subscribers: Vec::new(),
            caught_up: 0,
            version: Arc::new(AtomicU64::new(0)),
            published: 0,
            counts: false,
            expires: None,
        }
    }

    /// Enters the cursor of that `number` of the subscription in `slot`. A subscription's cursors are entered in their order.
    pub(super) fn subscribe(&mut self, slot: usize, number: usize, slots: &mut Slab<Slot>) {
        if let Some(slot) = slots.get_mut(slot) {
            slot.set_key(number, self.subscribers.len());
        }
        self.subscribers.push(Subscriber { slot, cursor: number, is_caught_up: false });
    }

    /// Takes out the cursor of that `number` of the subscription in `slot`; the last one takes its place.
    pub(super) fn unsubscribe(&mut self, slot: usize, number: usize, slots: &mut Slab<Slot>) {
        let key = slots.get(slot).map_or(usize::MAX, |slot| slot.key(number));
        if key >= self.subscribers.len() {
            debug_assert!(false, "a cursor is entered with its topic");
            return;
        }
        if self.subscribers.swap_remove(key).is_caught_up {
            self.caught_up = self.caught_up.saturating_sub(1);
        }
        if let Some(moved) = self.subscribers.get(key) {
            if let Some(slot) = slots.get_mut(moved.slot) {
                slot.set_key(moved.cursor, key);
            }
        }
        if self.subscribers.len() < self.subscribers.capacity() / 8 {
            self.subscribers.shrink_to_fit();
        }
    }

    /// Begins with an empty log. Returns what there was. Whoever is subscribed has to look.
    pub(super) fn begin(&mut self) -> (Log<L>, Option<Latest<L>>) {
        let table = self.latest.as_mut().map(|latest| core::mem::replace(&mut **latest, Latest::new(0)));
        for subscriber in &mut self.subscribers {
            subscriber.is_caught_up = false;
        }
        (self.caught_up, self.counts, self.expires) = (0, false, None);
        (core::mem::replace(&mut self.log, Log::new(0)), table)
    }

    pub(super) fn has_subscribers(&self) -> bool {
        !self.subscribers.is_empty()
    }

    /// Notes that a cursor has taken everything.
    pub(super) fn catch_up(&mut self, key: usize) {
        let subscriber = self.subscribers.get_mut(key);
        debug_assert!(subscriber.is_some(), "a cursor is entered with its topic");
        if subscriber.is_some_and(|subscriber| !core::mem::replace(&mut subscriber.is_caught_up, true)) {
            self.caught_up = self.caught_up.saturating_add(1);
        }
    }

    /// Notes that there's something new, and takes the wakers of those who wait for it. Returns whether all subscribers had
    /// everything before.
    pub(super) fn change(&mut self, slots: &mut Slab<Slot>, wakers: &mut Vec<Waker>) -> bool {
        self.version.fetch_add(1, Ordering::Release);
        let all = self.caught_up == self.subscribers.len();
        let caught_up = core::mem::take(&mut self.caught_up);
        if caught_up == 0 {
            return all;
        }
        wakers.reserve(caught_up);
        for subscriber in &mut self.subscribers {
            if !core::mem::take(&mut subscriber.is_caught_up) {
                continue;
            }
            let Some(slot) = slots.get_mut(subscriber.slot) else {
                debug_assert!(false, "a subscription that is entered is there");
                continue;
            };
            if let Some(several) = &mut slot.several {
                several.changed.push(subscriber.cursor);
                several.version.fetch_add(1, Ordering::Release);
            }
            wakers.extend(slot.waker.take());
        }
        all
    }

    /// Returns from which position on a subscriber may need what the live window holds.
    pub(super) fn needed_from(&self) -> u64 {
        if self.caught_up == self.subscribers.len() { self.log.end() } else { 0 }
    }

    /// Returns whether it has no events, in memory too.
    pub(super) fn is_empty(&self) -> bool {
        self.log.is_empty() && self.latest.as_ref().is_none_or(|latest| latest.is_empty())
    }

    pub(super) fn stats(&self, slots: &Slab<Slot>) -> TopicStats {
        let last = self.log.last_sequence();
        let slots = self.subscribers.iter().filter_map(|subscriber| slots.get(subscriber.slot));
        let (mut behind, mut furthest) = (0_usize, u64::MAX);
        for reached in slots.map(|slot| slot.reached).filter(|&reached| reached < last) {
            behind = behind.saturating_add(1);
            furthest = furthest.min(reached);
        }
        TopicStats {
            name: String::from(&*self.name),
            published: self.published,
            events: self.log.len(),
            bytes: self.log.bytes().saturating_add(self.latest.as_ref().map_or(0, |latest| latest.bytes())),
            subscribers: self.subscribers.len(),
            behind,
            lag: self.log.end().saturating_sub(self.log.position_after(furthest)),
        }
    }
}
