//! A client whose server, clock and alarm are of a test's making.

use eventsource_core::client::{Head, Policy, Reason, Reconnection, Step};
use std::time::Duration;

pub(crate) const EVENT_STREAM: [(&str, &str); 1] = [("content-type", "text/event-stream")];

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a server does with a connection, once asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Serve {
    /// It sends the head and, at once, so many events.
    Open(u32),
    Answer(Head),
    Refuse,
}

/// A machine with its alarm, on a clock that's a number.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) machine: Reconnection,
    pub(crate) now: Duration,
    deadline: Option<Duration>,
    /// How often the alarm was set.
    pub(crate) arms: u32,
    /// When requests were sent.
    pub(crate) requests: Vec<Duration>,
}

impl Client {
    pub(crate) fn new(policy: Policy) -> Self {
        Self::with_machine(Reconnection::new(policy, 7))
    }

    pub(crate) fn with_machine(machine: Reconnection) -> Self {
        let mut client = Self { machine, now: Duration::ZERO, deadline: None, arms: 0, requests: Vec::new() };
        client.settle();
        client
    }

    /// Does what has to follow each report.
    pub(crate) fn settle(&mut self) {
        if let Some(after) = self.machine.take_alarm() {
            self.arms += 1;
            self.deadline = self.now.checked_add(after);
        }
        if self.machine.attempts() > self.requests.len().try_into().unwrap() {
            assert_eq!(self.machine.step(), Step::Connect, "an attempt begins with a request");
            self.requests.push(self.now);
        }
    }

    /// Reports something.
    pub(crate) fn report(&mut self, input: impl FnOnce(&mut Reconnection)) {
        input(&mut self.machine);
        self.settle();
    }

    /// Lets time go by, up to a moment within it at which the step becomes another.
    pub(crate) fn wait(&mut self, time: Duration) -> Step {
        let end = self.now + time;
        let before = (self.machine.step(), self.machine.attempts());
        while let Some(deadline) = self.deadline.filter(|&deadline| deadline <= end) {
            self.now = deadline;
            self.deadline = None;
            self.report(Reconnection::handle_alarm);
            if (self.machine.step(), self.machine.attempts()) != before {
                return self.machine.step();
            }
        }
        self.now = end;
        self.machine.step()
    }

    pub(crate) fn head(&mut self, head: Head) {
        self.report(|machine| machine.handle_head(head));
    }

    pub(crate) fn open(&mut self) {
        self.head(Head::new(200, EVENT_STREAM));
        assert_eq!(self.machine.step(), Step::Read);
    }

    pub(crate) fn event(&mut self) {
        self.machine.handle_chunk(6);
        self.machine.handle_event();
        self.settle();
    }

    pub(crate) fn cut(&mut self) {
        self.report(Reconnection::handle_transport_error);
    }

    pub(crate) fn end(&mut self) {
        self.report(Reconnection::handle_end);
    }

    pub(crate) fn serve(&mut self, serve: Serve) {
        assert_eq!(self.machine.step(), Step::Connect);
        match serve {
            Serve::Open(events) => {
                self.open();
                (0..events).for_each(|_| self.event());
            }
            Serve::Answer(head) => self.head(head),
            Serve::Refuse => self.cut(),
        }
    }

    /// Waits until the next request, and returns for how long.
    #[track_caller]
    pub(crate) fn wait_to_connect(&mut self) -> Duration {
        let Step::Wait { delay, .. } = self.machine.step() else { panic!("{:?}", self.machine.step()) };
        let before = self.now;
        assert_eq!(self.wait(Duration::MAX - before), Step::Connect);
        assert_eq!(self.now - before, delay, "it waits for as long as it says");
        delay
    }

    #[track_caller]
    pub(crate) fn assert_closed(&mut self, reason: Reason) {
        assert_eq!(self.machine.step(), Step::Closed(reason));
        assert_eq!(self.wait(seconds(1_000_000)), Step::Closed(reason), "nothing comes after it");
    }
}

/// The least and the longest of the waits after the same loss with a hundred seeds.
pub(crate) fn waits(policy: Policy, lose: impl Fn(&mut Client)) -> (Duration, Duration) {
    let waits = (0..100).map(|seed| {
        let mut client = Client::with_machine(Reconnection::new(policy, seed));
        lose(&mut client);
        client.wait_to_connect()
    });
    let waits: Vec<_> = waits.collect();
    (*waits.iter().min().unwrap(), *waits.iter().max().unwrap())
}

/// Asserts that waits fill a window, and don't leave it.
#[track_caller]
pub(crate) fn assert_fill((least, longest): (Duration, Duration), from: Duration, to: Duration) {
    let tenth = (to - from) / 10;
    assert!(from <= least && least <= from + tenth, "{least:?} of {from:?} to {to:?}");
    assert!(to - tenth <= longest && longest <= to, "{longest:?} of {from:?} to {to:?}");
}
