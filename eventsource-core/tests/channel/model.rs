//! A naive second implementation of the channel: a list of everything ever published, and a queue for every subscription. Runs a
//! schedule of operations, given as bytes, against it and the real one.

use eventsource_core::channel::{Ids, Lag, PublishError, Resumed, SequenceId, Start};
use eventsource_core::test_util::{ManualClock, ManualTimer, Probe, interpret};
use eventsource_core::{
    ChannelOptions, Drain, EndReason, Event, EventId, EventStream, Frame, LastEventId, Publication,
    StopHandle, Subscription, Topics, event_name,
};
use std::task::Poll;
use std::time::Duration;

/// Reads a schedule; zeros where it has ended.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> usize {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first.into()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next() % from.len()]
    }
}

const EPOCH: u64 = 0xe;
const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
struct Published {
    sequence: u64,
    key: Option<usize>,
    label: u8,
    len: usize,
    at: Duration,
}

/// A topic by the book: what's let go is said by two places in the list of everything.
#[derive(Default)]
struct Topic {
    all: Vec<Published>,
    last_batch: usize,
    retained_from: usize,
    /// What's before was removed.
    removed_to: usize,
    held_from: usize,
    window_from: usize,
    /// The table of the newest per key: indices of `all`, oldest first.
    latest: Vec<usize>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Sub {
    probe: Option<Probe<EventStream<Subscription<u8>, ManualTimer>>>,
    wakes: usize,
    is_pending: bool,
    stop: StopHandle,
    drain: Drain,
    /// It's stopped or drained, and has been polled since.
    is_closing: bool,
    /// It's drained, and hasn't said so yet.
    says_retry: bool,
    lifetime: Duration,
    begun: Option<Duration>,
    /// How many frames came since the lifetime was last looked at.
    unchecked: usize,
    has_positions: bool,
    /// The number that the client knows, if it was told one since it began.
    told: Option<u64>,
    topics: Vec<usize>,
    parts: Vec<Part>,
    lag: Lag,
    filter: Option<u8>,
    /// What comes before everything else.
    first: Vec<Seen>,
    has_notice: bool,
}

struct Part {
    topic: usize,
    /// Indices of what's to come.
    queue: Vec<usize>,
    replay_to: usize,
    /// While conflating: what the table let go of before it was delivered.
    lost: u64,
    /// It has taken everything.
    is_caught_up: bool,
}

/// What a client sees.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Event(u64),
    Resumed(String),
    Position(String),
    /// One of these positions; or none, unless there has to be one.
    OneOf {
        positions: Vec<String>,
        is_due: bool,
    },
    Dropped(u64),
    Retry,
}

pub(crate) struct Run {
    clock: ManualClock,
    topics: Topics<u8>,
    model: [Topic; 3],
    subs: Vec<Sub>,
    sequence: u64,
    ids: Ids,
    retain: (usize, usize),
    window: (usize, usize),
    age: Option<Duration>,
    keys: Option<usize>,
    is_closed: bool,
    has_forgotten: bool,
    pub(crate) ops: usize,
}

/// Runs a schedule.
pub(crate) fn run(schedule: &[u8]) -> Run {
    let mut bytes = Bytes(schedule);
    let mut run = Run::new(&mut bytes);
    while !bytes.0.is_empty() {
        run.op(&mut bytes);
        run.ops += 1;
    }
    for index in 0..run.subs.len() {
        run.drain(index);
    }
    run.topics.close();
    run.is_closed = true;
    for index in 0..run.subs.len() {
        run.drain(index);
    }
    let stats = run.topics.stats();
    assert_eq!(stats.published, run.sequence);
    run.subs.clear();
    assert_eq!(run.topics.stats().subscribers, 0);
    run
}

impl Run {
    fn new(bytes: &mut Bytes<'_>) -> Self {
        let clock = ManualClock::new();
        let ids = bytes.pick(&[Ids::Assigned, Ids::Assigned, Ids::Callers]);
        let retain = (bytes.pick(&[0, 1, 3, 10, 100]), bytes.pick(&[0, 90, 1000, 1 << 20]));
        let window = (bytes.pick(&[0, 1, 4, 200]), bytes.pick(&[0, 120, 1 << 20]));
        let age = bytes.pick(&[None, Some(Duration::from_secs(5))]);
        let keys = bytes.pick(&[None, Some(1), Some(2), Some(3)]);
        let mut options = ChannelOptions::new()
            .epoch(EPOCH)
            .ids(ids)
            .retain(retain.0, retain.1)
            .live_window(window.0, window.1);
        if let Some(keys) = keys {
            options = options.latest_per_key(keys, usize::MAX);
        }
        if let Some(age) = age {
            let clock = clock.clone();
            options = options.retain_for(age, move || clock.now());
        }
        let topics = Topics::with_labels(options);
        Self {
            clock,
            topics,
            model: Default::default(),
            subs: Vec::new(),
            sequence: 0,
            ids,
            retain,
            window,
            age,
            keys,
            is_closed: false,
            has_forgotten: false,
            ops: 0,
        }
    }

    fn op(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.next() % 16 {
            0..=3 => self.publish(bytes, 1),
            4 | 5 => {
                let count = bytes.next() % 20;
                self.publish(bytes, count);
            }
            6..=8 => self.subscribe(bytes),
            9 if !self.subs.is_empty() => {
                let index = bytes.next() % self.subs.len();
                let sub = self.subs.swap_remove(index);
                if !sub.parts.is_empty() {
                    self.leave(&sub.topics);
                }
            }
            10 | 11 if !self.subs.is_empty() => {
                let index = bytes.next() % self.subs.len();
                self.drain(index);
            }
            12 | 13 if !self.subs.is_empty() => {
                let index = bytes.next() % self.subs.len();
                // What's filtered, or of several topics, is taken in batches, so where it stops is for the whole to say.
                if self.subs[index].filter.is_none() && self.subs[index].parts.len() == 1 {
                    self.poll(index);
                }
            }
            14 => self.clock.advance(Duration::from_secs(2)),
            15 => match bytes.next() % 16 {
                0 if !self.is_closed => {
                    self.topics.close();
                    self.is_closed = true;
                }
                1..=4 => self.remove(bytes.next() % 3),
                5..=12 if !self.subs.is_empty() => {
                    let index = bytes.next() % self.subs.len();
                    self.close_sub(index, bytes.next() % 2 == 0);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn publish(&mut self, bytes: &mut Bytes<'_>, count: usize) {
        let topic = bytes.next() % 3;
        let shape = bytes.next();
        let now = self.clock.now();
        let (mut data, mut ids, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..count {
            let sequence = self.sequence + 1 + n as u64;
            let padding = [0, 3, 40, 3, 0, 9_000][(shape + n * (shape % 3)) % 6];
            data.push(format!("{sequence} {}", "x".repeat(padding)));
            ids.push(format!("u{sequence}"));
            keys.push([None, Some(0), Some(1), Some(2)][(shape / 4 + n) % 4]);
        }
        let labels: Vec<_> = (0..count).map(|n| [0, 1, 2][(shape / 16 + n) % 3]).collect();
        let publications: Vec<_> = (0..count)
            .map(|n| {
                let mut event = Event::new(&data[n]);
                if self.ids == Ids::Callers {
                    event = event.id(EventId::new(&ids[n]).unwrap());
                }
                let publication = Publication::new(event).label(labels[n]);
                match keys[n] {
                    Some(key) => publication.key(NAMES[key]),
                    None => publication,
                }
            })
            .collect();
        let result = match &publications[..] {
            [single] if shape % 2 == 0 => self.topics.publish(NAMES[topic], single.clone()).map(Some),
            _ => self.topics.publish_all(NAMES[topic], publications.iter().cloned()),
        };
        if self.is_closed {
            assert!(matches!(result, Err(PublishError::Closed)));
            return;
        }
        let Ok(last) = result else { panic!("{result:?}") };
        assert_eq!(last.map_or(self.sequence, SequenceId::sequence), self.sequence + count as u64);
        if count == 0 {
            return;
        }

        let first = self.model[topic].all.len();
        self.model[topic].last_batch = first;
        for n in 0..count {
            self.sequence += 1;
            let id = match self.ids {
                Ids::Callers => ids[n].clone(),
                _ => format!("{EPOCH:x}-{}", self.sequence),
            };
            let len = Frame::from(Event::new(&data[n]).id(EventId::new(&id).unwrap())).len();
            let model = &mut self.model[topic];
            let index = model.all.len();
            model.all.push(Published {
                sequence: self.sequence,
                key: keys[n],
                label: labels[n],
                len,
                at: now,
            });
            // The table: the older of the same key goes, then the oldest if there are too many.
            let replaced = keys[n].and_then(|key| {
                let at = model.latest.iter().position(|&old| model.all[old].key == Some(key))?;
                Some(model.latest.remove(at))
            });
            model.latest.push(index);
            let evicted = (model.latest.len() > self.keys.unwrap_or(0)).then(|| model.latest.remove(0));
            for sub in self.subs.iter_mut().filter(|sub| !sub.is_closing) {
                let Some(part) = sub.parts.iter_mut().find(|part| part.topic == topic) else { continue };
                if sub.lag == Lag::Conflate {
                    part.queue.retain(|&queued| Some(queued) != replaced);
                    let before = part.queue.len();
                    part.queue.push(index);
                    part.queue.retain(|&queued| Some(queued) != evicted);
                    part.lost += (before + 1 - part.queue.len()) as u64;
                } else {
                    part.queue.push(index);
                }
            }
        }
        // Where all had everything, nothing before this batch is needed.
        let needed_from = if self.all_caught_up(topic) { self.model[topic].last_batch } else { 0 };
        let parts = self.subs.iter_mut().flat_map(|sub| &mut sub.parts);
        parts.filter(|part| part.topic == topic).for_each(|part| part.is_caught_up = false);
        self.trim_to(topic, needed_from);
        for sub in &mut self.subs {
            if sub.is_pending && sub.parts.iter().any(|part| part.topic == topic) {
                let probe = sub.probe.as_ref().unwrap();
                assert!(probe.wakes() > sub.wakes, "a subscription that waited wasn't woken");
            }
        }
        self.forget_unused(topic);
        self.expire();
    }

    /// Whether all who subscribe to a topic have taken everything; also if there's nobody.
    fn all_caught_up(&self, topic: usize) -> bool {
        let mut parts = self.subs.iter().flat_map(|sub| &sub.parts).filter(|part| part.topic == topic);
        parts.all(|part| part.is_caught_up)
    }

    /// Lets everything of a topic go.
    fn remove(&mut self, topic: usize) {
        // It may be there without an event too, while somebody subscribes to it.
        let removed = self.topics.remove(NAMES[topic]);
        let model = &mut self.model[topic];
        assert!(removed || model.held_from == model.all.len() && model.latest.is_empty());
        if !removed {
            return;
        }
        model.retained_from = model.all.len();
        model.removed_to = model.all.len();
        for part in self.subs.iter_mut().filter(|sub| sub.lag == Lag::Conflate && !sub.is_closing) {
            let parts = part.parts.iter_mut().filter(|part| part.topic == topic);
            parts.for_each(|part| part.lost += part.queue.drain(..).count() as u64);
        }
        model.latest.clear();
        model.window_from = model.window_from.min(model.held_from);
        // What somebody hasn't taken yet stays until more is published.
        if self.all_caught_up(topic) {
            self.trim(topic);
            self.forget_unused(topic);
        }
        self.expire();
    }

    /// Stops a subscription's stream, or drains it.
    fn close_sub(&mut self, index: usize, is_drained: bool) {
        let sub = &mut self.subs[index];
        if sub.probe.is_none() || sub.is_closing {
            return;
        }
        if is_drained {
            drop(sub.drain.begin(Duration::ZERO, self.clock.timer()));
            sub.says_retry = true;
        } else {
            sub.stop.stop();
        }
        self.note_close(index);
        self.poll(index);
    }

    /// From here on a subscription gets nothing but what waits.
    fn note_close(&mut self, index: usize) {
        let sub = &mut self.subs[index];
        sub.is_closing = true;
        // What's gone is lost; what waits isn't lost any more.
        let (mut dropped, mut lags) = (0, false);
        for part in &mut sub.parts {
            let held_from = self.model[part.topic].held_from;
            let before = part.queue.len();
            match sub.lag {
                Lag::Conflate => dropped += std::mem::take(&mut part.lost),
                _ => part.queue.retain(|&index| index >= held_from),
            }
            let lost = (before - part.queue.len()) as u64;
            match sub.lag {
                Lag::DropOldest { .. } => dropped += lost,
                _ => lags |= lost > 0,
            }
        }
        for part in &mut sub.parts {
            if lags {
                part.queue.clear();
            } else {
                part.is_caught_up = true;
            }
        }
        if dropped > 0 && sub.has_notice {
            sub.first.push(Seen::Dropped(dropped));
        }
    }

    /// A stream that's ending drops its subscription as soon as that has nothing more.
    fn note_left(&mut self, index: usize) {
        let subscribed = self.subs.iter().filter(|sub| !sub.parts.is_empty()).count();
        let sub = &mut self.subs[index];
        if self.topics.stats().subscribers < subscribed && !sub.parts.is_empty() {
            let passes = |event: &Published| sub.filter.is_none_or(|label| label == event.label);
            let mut queued = sub.parts.iter().flat_map(|part| part.queue.iter().map(|&at| (part.topic, at)));
            assert!(!queued.any(|(topic, at)| passes(&self.model[topic].all[at])), "it had more");
            let topics = sub.topics.clone();
            sub.parts.clear();
            self.leave(&topics);
        }
    }

    /// Lets go what's too old, in all topics.
    fn expire(&mut self) {
        for topic in 0..3 {
            let now = self.clock.now();
            let model = &self.model[topic];
            let oldest = model.all.get(model.retained_from);
            let is_old = |event: &Published| self.age.is_some_and(|age| now.saturating_sub(event.at) > age);
            if oldest.is_some_and(is_old) {
                self.trim(topic);
                self.forget_unused(topic);
            }
        }
    }

    /// Moves the places on up to which things are let go.
    fn trim(&mut self, topic: usize) {
        let needed_from = if self.all_caught_up(topic) { usize::MAX } else { 0 };
        self.trim_to(topic, needed_from);
    }

    fn trim_to(&mut self, topic: usize, needed_from: usize) {
        let now = self.clock.now();
        let is_live = self.subs.iter().any(|sub| sub.parts.iter().any(|part| part.topic == topic));
        let model = &mut self.model[topic];
        let fits = |from: usize, (events, bytes): (usize, usize)| {
            let kept = &model.all[from..];
            kept.len() <= events && kept.iter().map(|event| event.len).sum::<usize>() <= bytes
        };
        while model.retained_from < model.all.len() {
            let is_old =
                self.age.is_some_and(|age| now.saturating_sub(model.all[model.retained_from].at) > age);
            if !is_old && fits(model.retained_from, self.retain) {
                break;
            }
            model.retained_from += 1;
        }
        model.window_from = model.window_from.max(needed_from.min(model.all.len()));
        if is_live {
            while model.window_from < model.last_batch && !fits(model.window_from, self.window) {
                model.window_from += 1;
            }
        } else {
            model.window_from = model.all.len();
        }
        model.held_from = model.held_from.max(model.retained_from.min(model.window_from));
    }

    /// A subscription to these has gone.
    fn leave(&mut self, topics: &[usize]) {
        for &topic in topics {
            self.trim(topic);
            self.forget_unused(topic);
        }
        self.expire();
    }

    /// A topic without events and subscribers is forgotten, but not what it has lost.
    fn forget_unused(&mut self, topic: usize) {
        let is_live = self.subs.iter().any(|sub| sub.parts.iter().any(|part| part.topic == topic));
        let model = &self.model[topic];
        self.has_forgotten |= !is_live && model.held_from == model.all.len() && model.latest.is_empty();
    }

    #[expect(clippy::too_many_lines, reason = "one thing after the other")]
    fn subscribe(&mut self, bytes: &mut Bytes<'_>) {
        let set = 1 + bytes.next() % 7;
        let set: Vec<_> = (0..3).filter(|topic| set & (1 << topic) != 0).collect();
        let limit = bytes.pick(&[1, 2, 5]);
        let lag = bytes.pick(&[
            Lag::Disconnect { limit: None },
            Lag::Disconnect { limit: Some(limit) },
            Lag::DropOldest { limit },
            Lag::Conflate,
        ]);
        let lag =
            if lag == Lag::Conflate && self.keys.is_none() { Lag::Disconnect { limit: None } } else { lag };
        let lag = if limit > self.retain.0 && matches!(lag, Lag::Disconnect { .. }) {
            Lag::Disconnect { limit: None }
        } else {
            lag
        };
        let start = bytes.pick(&[Start::Live, Start::Oldest, Start::Last(2), Start::Last(0)]);
        let filter = bytes.pick(&[None, None, Some(0), Some(1)]);
        let known = match bytes.next() % 6 {
            0 | 1 => None,
            2 => Some(u64::MAX),
            _ => Some(bytes.next() as u64 % (self.sequence + 3)),
        };
        // Where a replay ends that's filtered, and so where dropping begins, is a matter of batches.
        let replays = known.is_some() || start != Start::Live;
        let filter = filter.filter(|_| !replays || !matches!(lag, Lag::DropOldest { .. }));
        let flags = bytes.next();
        let (has_notice, has_positions) = (flags % 2 == 0, flags % 8 != 1);
        let lifetime = Duration::from_secs([3, 1000, 1000, 1000][flags / 8 % 4]);
        let last_event_id = match (known, self.ids) {
            (None, _) => LastEventId::None,
            (Some(u64::MAX), _) => {
                LastEventId::parse(bytes.pick(&[&b"f-1"[..], b"e-01", b"\xff", b"e-", b"x"]))
            }
            (Some(sequence), Ids::Callers) => LastEventId::parse(format!("u{sequence}").as_bytes()),
            (Some(sequence), _) => LastEventId::parse(format!("{EPOCH:x}-{sequence}").as_bytes()),
        };
        let mut builder = self
            .topics
            .subscription(set.iter().map(|&topic| NAMES[topic]))
            .resume(last_event_id)
            .start(start)
            .lag(lag)
            .positions(has_positions)
            .announce(|resumed| Some((event_name!("resumed"), format!("{resumed:?}"))));
        if has_notice {
            builder = builder.announce_dropped(|dropped| (event_name!("dropped"), format!("{dropped}")));
        }
        if let Some(label) = filter {
            builder = builder.filter(move |&other| other == label);
        }
        for &topic in &set {
            self.trim(topic);
        }
        let subscription = builder.begin().unwrap();
        let resumed = subscription.resumed();

        // What was held when it began is what's replayed.
        let id_is_known = known.filter(|&sequence| sequence != u64::MAX).filter(|&sequence| match self.ids {
            Ids::Callers => {
                self.model.iter().any(|topic| {
                    let mut events = topic.all.iter().enumerate();
                    let at = events.position(|(_, event)| event.sequence == sequence);
                    at.is_some_and(|index| index >= topic.held_from || topic.latest.contains(&index))
                }) || set.iter().any(|&topic| {
                    // The last one that was let go is remembered.
                    let topic = &self.model[topic];
                    let gone = topic.held_from.checked_sub(1).map(|gone| topic.all[gone].sequence);
                    gone == Some(sequence)
                })
            }
            _ => sequence <= self.sequence,
        });
        let mut missed = 0;
        let conflate = lag == Lag::Conflate;
        let after = |topic: &Topic, sequence: u64| -> Vec<usize> {
            let from = if conflate { 0 } else { topic.retained_from };
            (from..topic.all.len())
                .filter(|&index| topic.all[index].sequence > sequence)
                .filter(|index| !conflate || topic.latest.contains(index))
                .collect()
        };
        let mut queues: Vec<Vec<usize>> = Vec::new();
        if let Some(sequence) = id_is_known {
            for &topic in &set {
                let model = &self.model[topic];
                let newer = model.all.iter().filter(|event| event.sequence > sequence).count();
                let queue = after(model, sequence);
                if !conflate {
                    missed += (newer - queue.len()) as u64;
                }
                queues.push(queue);
            }
        }
        let is_complete = match resumed {
            Resumed::Fresh => {
                assert_eq!(known, None);
                false
            }
            Resumed::Complete => {
                assert!(id_is_known.is_some());
                assert_eq!(missed, 0, "events are missing, and nobody says so");
                true
            }
            Resumed::Gap { missed: said, is_exact } => {
                assert!(id_is_known.is_some());
                assert!(said >= missed && said > 0, "{said} said, {missed} missed");
                assert!(!is_exact || said == missed, "{said} said to be exactly so many, {missed} missed");
                assert!(!is_exact || filter.is_none());
                if !self.has_forgotten && !conflate {
                    assert!(missed > 0, "nothing is missing, but {said} are said to be");
                }
                false
            }
            Resumed::Unknown => {
                let is_lossy = self.ids == Ids::Callers && (missed > 0 || conflate || self.has_forgotten);
                assert!(known.is_some() && (id_is_known.is_none() || is_lossy), "{known:?} should be known");
                queues.clear();
                false
            }
            other => panic!("{other:?}"),
        };
        if queues.is_empty() {
            let all: Vec<Vec<usize>> = set.iter().map(|&topic| after(&self.model[topic], 0)).collect();
            let mut sequences: Vec<u64> = all
                .iter()
                .zip(&set)
                .flat_map(|(queue, &topic)| queue.iter().map(move |&index| (topic, index)))
                .map(|(topic, index)| self.model[topic].all[index].sequence)
                .collect();
            sequences.sort_unstable();
            let first = match start {
                Start::Oldest => sequences.len(),
                Start::Last(count) => count,
                _ => 0,
            };
            let chosen = &sequences[sequences.len().saturating_sub(first)..];
            queues = all
                .into_iter()
                .zip(&set)
                .map(|(mut queue, &topic)| {
                    queue.retain(|&index| chosen.contains(&self.model[topic].all[index].sequence));
                    queue
                })
                .collect();
        }
        let mut first = vec![Seen::Resumed(format!("{resumed:?}"))];
        if !is_complete && has_positions && queues.iter().all(Vec::is_empty) {
            match self.ids {
                // A filter may keep the event from the client that has this id.
                Ids::Callers if filter.is_some() => {}
                Ids::Callers => {
                    let topics = || set.iter().map(|&topic| &self.model[topic]);
                    let last = |topic: &Topic| topic.all.last().map(|event| event.sequence);
                    // A topic that has nothing any more may have been forgotten, its last id with it.
                    let held =
                        topics().filter(|topic| topic.held_from < topic.all.len()).filter_map(last).max();
                    let last = topics().filter_map(last).filter(|&sequence| Some(sequence) >= held);
                    let positions = last.map(|sequence| format!("u{sequence}")).collect();
                    first.push(Seen::OneOf { positions, is_due: held.is_some() });
                }
                _ => first.push(Seen::Position(format!("{EPOCH:x}-{}", self.sequence))),
            }
        }
        if !conflate {
            // What it begins with is in the live window.
            for (&topic, queue) in set.iter().zip(&queues) {
                let model = &mut self.model[topic];
                model.window_from = model.window_from.min(queue.first().copied().unwrap_or(model.all.len()));
            }
        }
        let parts = set.iter().zip(queues);
        let parts = parts.map(|(&topic, queue)| Part {
            topic,
            queue,
            replay_to: self.model[topic].all.len(),
            lost: 0,
            is_caught_up: false,
        });
        let parts = parts.collect();
        let (stop, drain) = (StopHandle::new(), Drain::with_seed(Duration::ZERO..=Duration::ZERO, 0));
        let stream =
            EventStream::with_timer(subscription, self.clock.timer()).stop_on(&stop).drain_on(&drain);
        let stream = stream.max_lifetime_with(lifetime..=lifetime, 0, self.clock.timer());
        let probe = Some(Probe::new(stream));
        self.subs.push(Sub {
            probe,
            wakes: 0,
            is_pending: false,
            topics: set,
            parts,
            lag,
            filter,
            first,
            has_notice,
            stop,
            drain,
            is_closing: false,
            says_retry: false,
            lifetime,
            begun: None,
            unchecked: 0,
            has_positions,
            told: id_is_known.filter(|_| !matches!(resumed, Resumed::Unknown)),
        });
        self.expire();
    }

    fn drain(&mut self, index: usize) {
        while self.poll(index) {}
    }

    /// Polls once. Answers whether there was something.
    #[expect(clippy::too_many_lines, reason = "one thing after the other")]
    fn poll(&mut self, index: usize) -> bool {
        let now = self.clock.now();
        let sub = &mut self.subs[index];
        let is_over = now >= *sub.begun.get_or_insert(now) + sub.lifetime;
        if !sub.is_closing && sub.unchecked >= 64 {
            // A stream that's never quiet looks at its lifetime all the same.
            sub.unchecked = 0;
            if is_over {
                self.note_close(index);
            }
        }
        let sub = &mut self.subs[index];
        let Some(probe) = &mut sub.probe else { return false };
        let polled = probe.poll();
        if sub.is_closing {
            self.note_left(index);
        }
        let sub = &mut self.subs[index];
        let Some(probe) = &mut sub.probe else { return false };
        sub.unchecked += usize::from(matches!(polled, Poll::Ready(Some(_))));
        sub.wakes = probe.wakes();
        sub.is_pending = polled.is_pending();
        let (frame, ended) = match polled {
            Poll::Pending => (None, false),
            Poll::Ready(None) => (None, true),
            Poll::Ready(Some(frame)) => (Some(frame), false),
        };
        let mut seen = frame.as_ref().map(seen).unwrap_or_default();
        if let Some(told) = frame.as_ref().and_then(last_id) {
            assert!(sub.told.is_none_or(|before| before < told), "{told} after {:?}", sub.told);
            sub.told = Some(told);
        }
        while !sub.first.is_empty() {
            let first = sub.first.remove(0);
            match (&first, &seen[..]) {
                (Seen::OneOf { positions, .. }, [Seen::Position(position)])
                    if positions.contains(position) =>
                {
                    return true;
                }
                // That's the most that it can be.
                (Seen::Dropped(least), [Seen::Dropped(said)]) if sub.lag == Lag::Conflate => {
                    assert!(said >= least, "{said} of {least}");
                    return true;
                }
                // There's none, and whatever this is, it comes after it.
                (Seen::OneOf { is_due, .. }, _) => assert!(!is_due, "{first:?}, but {seen:?}"),
                _ => {
                    assert_eq!(seen, [first]);
                    return true;
                }
            }
        }

        let mut dropped = 0;
        let mut lags = false;
        for part in &mut sub.parts {
            let model = &self.model[part.topic];
            if sub.is_closing {
                continue;
            }
            if sub.lag == Lag::Conflate {
                dropped += std::mem::take(&mut part.lost);
                continue;
            }
            let waiting = part
                .queue
                .iter()
                .filter(|&&index| index < model.last_batch && index >= part.replay_to)
                .count();
            let held = part.queue.iter().find(|&&index| index >= model.held_from);
            let replays = held.is_some_and(|&index| index < part.replay_to);
            let limit = match sub.lag {
                // What's still replayed isn't dropped.
                Lag::DropOldest { .. } if replays => usize::MAX,
                Lag::Disconnect { limit: Some(limit) } | Lag::DropOldest { limit } => limit,
                _ => usize::MAX,
            };
            let keep_from = if waiting > limit {
                (model.last_batch - limit).max(model.held_from)
            } else {
                model.held_from
            };
            let before = part.queue.len();
            if matches!(sub.lag, Lag::DropOldest { .. }) {
                part.queue.retain(|&index| index >= keep_from);
                dropped += (before - part.queue.len()) as u64;
            } else {
                lags |= waiting > limit || part.queue.first().is_some_and(|&index| index < model.held_from);
            }
        }
        if lags {
            assert!(ended, "it lags, but goes on: {seen:?}");
            let end = probe.stream().end().unwrap();
            assert_eq!(end.reason(), EndReason::Lagged);
            sub.probe = None;
            sub.parts.clear();
            let topics = sub.topics.clone();
            self.leave(&topics);
            return false;
        }
        if dropped > 0 && sub.has_notice {
            let [Seen::Dropped(said)] = seen[..] else { panic!("{dropped} were lost, and it says {seen:?}") };
            assert!(said >= dropped && (said == dropped || sub.lag == Lag::Conflate), "{said} of {dropped}");
            return true;
        }
        // In the order of their numbers, whatever the topic.
        let mut expected: Vec<_> = sub
            .parts
            .iter()
            .flat_map(|part| part.queue.iter().map(|&index| (part.topic, index)))
            .map(|(topic, index)| (&self.model[topic].all[index], topic, index))
            .collect();
        expected.sort_by_key(|(event, ..)| event.sequence);
        let passes = |event: &Published| sub.filter.is_none_or(|label| label == event.label);
        let visible: Vec<_> = expected.iter().filter(|(event, ..)| passes(event)).collect();
        if let [Seen::Position(position)] = &seen[..] {
            assert!(sub.has_positions, "{position} wasn't asked for");
            let to = sub.told.unwrap();
            assert!(
                to <= self.sequence && visible.iter().all(|(event, ..)| event.sequence > to),
                "{position}"
            );
            return true;
        }
        if visible.is_empty() {
            let says_retry = std::mem::take(&mut sub.says_retry);
            if says_retry {
                assert_eq!(seen, [Seen::Retry]);
                return true;
            }
            assert_eq!(seen, [], "nothing more should come");
            assert_eq!(ended, self.is_closed || sub.is_closing || is_over);
            sub.parts.iter_mut().for_each(|part| {
                part.queue.clear();
                part.is_caught_up |= !sub.is_closing;
            });
            let keeps_some = self.retain.0 > 0 && self.retain.1 > 0 && self.age.is_none();
            let is_cut = !ended && sub.has_positions && sub.lag != Lag::Conflate;
            if is_cut && self.ids == Ids::Assigned && keeps_some {
                // Should the client be cut off now, it's resumed without a gap, since it has missed nothing.
                let told = sub.told.expect("it knows where it is");
                for part in &sub.parts {
                    let model = &self.model[part.topic];
                    let gone = &model.all[model.removed_to..model.retained_from];
                    assert!(gone.iter().all(|event| event.sequence <= told), "{told} is too old");
                }
            }
            if ended {
                sub.probe = None;
                let has_left = std::mem::take(&mut sub.parts).is_empty();
                let topics = sub.topics.clone();
                if !has_left {
                    self.leave(&topics);
                }
            }
            return false;
        }
        assert!(!seen.is_empty() && seen.len() <= visible.len(), "{seen:?} of {}", visible.len());
        let wanted: Vec<_> =
            visible[..seen.len()].iter().map(|(event, ..)| Seen::Event(event.sequence)).collect();
        assert_eq!(seen, wanted);
        // What waits alone, published with one call, comes as one frame.
        let first = visible[0];
        let is_one_call = sub.parts.len() == 1
            && sub.filter.is_none()
            && sub.lag != Lag::Conflate
            && first.2 == self.model[first.1].last_batch
            && visible.iter().map(|(event, ..)| event.len).sum::<usize>() < 10_000;
        if is_one_call {
            assert_eq!(seen.len(), visible.len(), "a call's events came apart");
        }
        let last = visible[seen.len() - 1].0.sequence;
        for part in &mut sub.parts {
            let model = &self.model[part.topic];
            part.queue.retain(|&index| model.all[index].sequence > last);
            part.is_caught_up |= part.queue.is_empty() && !sub.is_closing;
        }
        seen.clear();
        true
    }
}

/// What a client makes of one frame.
fn seen(frame: &Frame) -> Vec<Seen> {
    let client = interpret(frame.as_bytes());
    if client.retry.is_some() {
        return vec![Seen::Retry];
    }
    if client.events.is_empty() {
        return vec![Seen::Position(client.last_event_id)];
    }
    let event = |event: &eventsource_core::test_util::Dispatched| match event.name.as_str() {
        "resumed" => Seen::Resumed(event.data.clone()),
        "dropped" => Seen::Dropped(event.data.parse().unwrap()),
        _ => Seen::Event(event.data.split(' ').next().unwrap().parse().unwrap()),
    };
    client.events.iter().map(event).collect()
}

/// The number in the last id of a frame.
fn last_id(frame: &Frame) -> Option<u64> {
    let id = interpret(frame.as_bytes()).last_event_id;
    id.trim_start_matches('u').trim_start_matches("e-").parse().ok()
}
