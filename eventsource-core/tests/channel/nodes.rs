//! Topics that follow a log elsewhere: two nodes at different speeds, clients that hop between them, against a naive log.

use core::task::Poll;
use eventsource_core::channel::{Follower, Lag, Resumed, SequenceId, Start};
use eventsource_core::codec::{Chunk, Item};
use eventsource_core::test_util::Probe;
use eventsource_core::{
    ChannelOptions, Decoder, EventStream, Frame, LastEventId, Subscription, Topics, event_name,
};

const TOPICS: [&str; 3] = ["a", "b", "c"];

/// What the log did, in order.
#[derive(Clone)]
enum Record {
    /// It became another, whose events come after that number.
    Begin { epoch: u64, after: u64 },
    /// So many events of a topic; their data is their number.
    Events { topic: usize, first: u64, count: u64 },
    /// Numbers without events.
    Skip { to: u64 },
}

/// A log that keeps everything.
struct Log {
    records: Vec<Record>,
    epoch: u64,
    last: u64,
}

impl Log {
    fn record(&mut self, record: Record) {
        match record {
            Record::Begin { epoch, after } => (self.epoch, self.last) = (epoch, after),
            Record::Events { first, count, .. } => self.last = first + count - 1,
            Record::Skip { to } => self.last = to,
        }
        self.records.push(record);
    }

    /// The numbers of some topics' events in an epoch, between two numbers.
    fn events(&self, epoch: u64, topics: &[usize], after: u64, before: u64) -> Vec<u64> {
        let (mut now, mut numbers) = (0, Vec::new());
        for record in &self.records {
            match record {
                Record::Begin { epoch, .. } => now = *epoch,
                Record::Events { topic, first, count } if now == epoch && topics.contains(topic) => {
                    numbers.extend((*first..first + count).filter(|n| *n > after && *n < before));
                }
                _ => {}
            }
        }
        numbers
    }
}

/// A machine that follows the log.
struct Node {
    topics: Topics,
    follower: Follower,
    /// So many records were applied.
    at: usize,
}

impl Node {
    fn new(options: ChannelOptions) -> Self {
        let (topics, follower) = Topics::following(options);
        Self { topics, follower, at: 0 }
    }

    /// Applies the next record; or, as one to which the log was trimmed, loses it.
    fn follow(&mut self, log: &Log, lost: bool) {
        let Some(record) = log.records.get(self.at) else { return };
        self.at += 1;
        match *record {
            Record::Begin { epoch, after } => self.follower.begin(epoch, after),
            Record::Events { first, count, .. } if lost => self.follower.lose(first + count - 1),
            Record::Events { topic, first, count } => {
                let data: Vec<_> = (first..first + count).map(|n| n.to_string()).collect();
                self.follower.apply(TOPICS[topic], first, data).unwrap();
            }
            Record::Skip { to } => self.follower.skip(to),
        }
    }
}

/// A client with the last event ID as a browser has it.
struct Client {
    topics: Vec<usize>,
    lag: Lag,
    decoder: Decoder,
    connection: Option<Probe<EventStream<Subscription>>>,
    /// Which node that's to.
    node: usize,
    known: Known,
}

/// What a client knows of the log.
struct Known {
    epoch: u64,
    /// It has everything up to this number, but for what it was told.
    to: u64,
    /// Nobody has promised anything up to this number: it was new to the log.
    new_to: u64,
    /// It was told that so many events are missing at most.
    missed: u64,
    /// It was told that the log is another.
    is_any: bool,
}

impl Client {
    fn connect(&mut self, nodes: &[Node], node: usize) {
        let id = self.decoder.last_event_id().as_str();
        if id.is_empty() {
            self.known.begin(nodes[node].follower.reached());
        }
        let last_event_id = LastEventId::parse(id.as_bytes());
        let builder = nodes[node].topics.subscription(self.topics.iter().map(|&topic| TOPICS[topic]));
        let builder = builder.resume(last_event_id).start(Start::Oldest).lag(self.lag);
        let gap = |missed: u64| Frame::from((event_name!("gap"), missed.to_string().as_str()));
        let builder = builder.announce_dropped(gap).announce(move |resumed| match resumed {
            Resumed::Gap { missed, .. } => Some(gap(missed)),
            Resumed::Unknown => Some(Frame::from((event_name!("unknown"), ""))),
            _ => None,
        });
        let subscription = builder.begin().unwrap();
        let had = SequenceId::parse(self.decoder.last_event_id());
        let is_of_the_log = had.is_some_and(|id| id.epoch() == nodes[node].follower.reached().epoch());
        assert_eq!(subscription.resumed() == Resumed::Unknown, had.is_some() && !is_of_the_log);
        self.decoder.reset();
        (self.known.missed, self.known.is_any, self.node) = (0, false, node);
        self.connection = Some(Probe::new(EventStream::without_timer(subscription)));
    }

    /// Reads some frames, and holds each event against the log. Returns how many events there were.
    fn read(&mut self, log: &Log, nodes: &[Node], frames: usize) -> usize {
        let Some(connection) = &mut self.connection else { return 0 };
        let mut seen = 0;
        for _ in 0..frames {
            let frame = match connection.poll() {
                Poll::Ready(Some(frame)) => frame,
                Poll::Ready(None) => {
                    self.connection = None;
                    break;
                }
                Poll::Pending => break,
            };
            let mut chunk = Chunk::new(frame.as_bytes());
            while let Some(item) = self.decoder.decode(&mut chunk).unwrap() {
                match item {
                    Item::Event(event) if event.name.as_str() == "gap" => {
                        self.known.missed += event.data.parse::<u64>().unwrap();
                    }
                    Item::Event(event) if event.name.as_str() == "unknown" => {
                        // Of which log is told by the next id.
                        self.known.is_any = true;
                    }
                    Item::Event(event) => {
                        let id = SequenceId::parse(event.last_event_id()).unwrap();
                        assert_eq!(event.data, id.sequence().to_string(), "the event of its id");
                        let reached = nodes[self.node].follower.reached();
                        self.known.check(log, &self.topics, reached, id, true);
                        seen += 1;
                    }
                    Item::LastEventId(id) => {
                        let (id, reached) =
                            (SequenceId::parse(id).unwrap(), nodes[self.node].follower.reached());
                        self.known.check(log, &self.topics, reached, id, false);
                    }
                    _ => {}
                }
            }
        }
        seen
    }
}

impl Known {
    /// Begins with a log of which it knows nothing.
    fn begin(&mut self, reached: SequenceId) {
        *self = Self { epoch: reached.epoch(), to: 0, new_to: reached.sequence(), missed: 0, is_any: false };
    }

    /// An event or a position has come: everything up to it has to be there, or told.
    fn check(&mut self, log: &Log, topics: &[usize], reached: SequenceId, id: SequenceId, is_event: bool) {
        let number = id.sequence();
        if core::mem::take(&mut self.is_any) {
            let new_to = if id.epoch() == reached.epoch() { reached.sequence() } else { u64::MAX };
            // It may have been told since of events that this log has lost.
            let missed = self.missed;
            self.begin(SequenceId::new(id.epoch(), new_to));
            self.missed = missed;
        }
        assert_eq!(id.epoch(), self.epoch, "it isn't told that the log is another");
        if is_event {
            assert!(number > self.to, "{number} after {}", self.to);
            let event = log.events(self.epoch, topics, number - 1, number + 1);
            assert_eq!(event, [number], "an event of its topics");
        } else {
            assert!(number >= self.to, "{number} after {}", self.to);
        }
        self.check_missing(log, topics, number + u64::from(!is_event));
        self.to = number;
    }

    fn check_missing(&mut self, log: &Log, topics: &[usize], before: u64) {
        let missing = log.events(self.epoch, topics, self.to.max(self.new_to), before).len() as u64;
        assert!(missing <= self.missed, "{missing} are missing before {before}, {} were told", self.missed);
        // What was told early is missing further on.
        self.missed -= missing;
    }
}

/// What a run has led to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) ops: usize,
    pub(crate) events: usize,
    pub(crate) epochs: u64,
    pub(crate) lost: usize,
    pub(crate) ahead: usize,
    pub(crate) trimmed: usize,
}

/// Two nodes follow a log at speeds of their own, and three clients hop between them.
pub(crate) fn run(schedule: &[u8]) -> Run {
    let mut bytes = schedule.iter().copied();
    let mut run = Run::default();
    let mut log = Log { records: Vec::new(), epoch: 0, last: 0 };
    let keep = usize::from(bytes.next().unwrap_or(0) % 12);
    let options = || ChannelOptions::new().retain(keep, 1 << 20).live_window(1 + keep, 1 << 20);
    let mut nodes = [Node::new(options()), Node::new(options())];
    log.record(Record::Begin { epoch: 1, after: 0 });
    for node in &mut nodes {
        node.follow(&log, false);
    }
    let topics = [vec![0], vec![0, 1], vec![0, 1, 2]];
    let lags = [Lag::Disconnect { limit: None }, Lag::DropOldest { limit: 5 }, Lag::DropOldest { limit: 1 }];
    let mut clients: Vec<_> = topics
        .into_iter()
        .zip(lags)
        .map(|(topics, lag)| Client {
            topics,
            lag,
            decoder: Decoder::new(),
            connection: None,
            node: 0,
            known: Known { epoch: 0, to: 0, new_to: 0, missed: 0, is_any: false },
        })
        .collect();
    while let (Some(op), Some(arg)) = (bytes.next(), bytes.next()) {
        run.ops += 1;
        let which = usize::from(arg);
        match op % 16 {
            0..=4 => {
                let (topic, count) = (which % 3, u64::from(arg / 3 % 4) + 1);
                log.record(Record::Events { topic, first: log.last + 1, count });
            }
            5 if arg >= 128 => {
                // A node is told what the log has let go.
                let follower = &mut nodes[which % 2].follower;
                let to = follower.reached().sequence().saturating_sub(u64::from(arg % 16));
                follower.trim(to);
                run.trimmed += 1;
            }
            5 => log.record(Record::Skip { to: log.last + 1 + u64::from(arg % 3) }),
            6 if arg < 60 => {
                // A rollback, or a log that was trimmed.
                log.record(Record::Begin { epoch: log.epoch + 1, after: u64::from(arg % 4) * 5 });
                run.epochs += 1;
            }
            6..=9 => (0..=which % 4).for_each(|_| nodes[which % 2].follow(&log, false)),
            10 => {
                let before = nodes[which % 2].follower.reached();
                nodes[which % 2].follow(&log, true);
                run.lost += usize::from(before < nodes[which % 2].follower.reached());
            }
            11 | 12 => {
                let (node, client) = (which / 3 % 2, &mut clients[which % 3]);
                let (reached, known) = (nodes[node].follower.reached(), &client.known);
                run.ahead += usize::from(known.epoch == reached.epoch() && known.to > reached.sequence());
                client.connect(&nodes, node);
            }
            _ => run.events += clients[which % 3].read(&log, &nodes, 1 + which / 3 % 8),
        }
    }
    // In the end everyone gets all of it: nobody sleeps over something.
    for node in &mut nodes {
        while node.at < log.records.len() {
            node.follow(&log, false);
        }
    }
    for client in &mut clients {
        for _ in 0..4 {
            if client.connection.is_none() {
                client.connect(&nodes, 0);
            }
            run.events += client.read(&log, &nodes, usize::MAX);
        }
        assert_eq!(client.known.epoch, log.epoch);
        client.known.check_missing(&log, &client.topics, u64::MAX);
    }
    run
}
