//! A naive second model of the machine: it has a clock, and looks at what happened when. Runs a schedule of inputs, given as bytes,
//! against it and the real one.

use eventsource_core::EventId;
use eventsource_core::client::{Decision, Head, Lost, Policy, Reason, Reconnection, Step};
use std::cell::Cell;
use std::time::Duration;

/// Reads a schedule; zeros where it has ended.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.next()) % from.len()]
    }
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const HOUR: Duration = Duration::from_secs(3600);

thread_local! {
    /// What the policy was asked about last.
    static ASKED: Cell<Option<Lost>> = const { Cell::new(None) };
}

/// Comes back after whatever may be temporary, and keeps what it was asked.
fn spy(lost: Lost) -> Decision {
    ASKED.set(Some(lost));
    Decision::retry_if(is_temporary(lost.reason))
}

fn is_temporary(reason: Reason) -> bool {
    let statuses = [408, 425, 429, 500, 502, 503, 504].map(Reason::Status);
    let others = [Reason::Ended, Reason::Transport, Reason::NoAnswer, Reason::Idle];
    statuses.contains(&reason) || others.contains(&reason)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Spied,
    Default,
    Browser,
    Answer,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    kind: Kind,
    base: Duration,
    max: Duration,
    max_server: Duration,
    answer_timeout: Duration,
    idle_timeout: Duration,
    max_failures: u32,
    jitter: bool,
}

impl Settings {
    fn read(bytes: &mut Bytes<'_>) -> Self {
        Self {
            kind: bytes.pick(&[Kind::Spied, Kind::Spied, Kind::Default, Kind::Browser, Kind::Answer]),
            base: bytes.pick(&[millis(3000), millis(1000), millis(0), millis(90_000)]),
            max: bytes.pick(&[millis(60_000), millis(10_000), millis(50)]),
            max_server: bytes.pick(&[HOUR, millis(5000), Duration::MAX]),
            answer_timeout: bytes.pick(&[millis(10_000), Duration::ZERO, millis(1)]),
            idle_timeout: bytes.pick(&[millis(45_000), millis(500), millis(18_000), Duration::ZERO, HOUR]),
            max_failures: bytes.pick(&[u32::MAX, u32::MAX, 3, 1]),
            jitter: bytes.next() % 4 != 0,
        }
    }

    fn policy(self) -> Policy {
        let policy = match self.kind {
            Kind::Spied => Policy::default().decide(spy),
            Kind::Default => Policy::default(),
            Kind::Browser => Policy::browser(),
            Kind::Answer => Policy::answer(),
        };
        policy
            .base_delay(self.base)
            .max_delay(self.max)
            .max_server_delay(self.max_server)
            .answer_timeout(self.answer_timeout)
            .idle_timeout(self.idle_timeout)
            .max_failures(self.max_failures)
            .jitter(self.jitter)
    }

    fn comes_back(self, reason: Reason, failures: u32) -> bool {
        let is_status = matches!(reason, Reason::Status(_));
        let wants = match self.kind {
            Kind::Spied | Kind::Default => is_temporary(reason),
            Kind::Browser => is_temporary(reason) && !is_status,
            Kind::Answer => [408, 425, 429, 503].map(Reason::Status).contains(&reason),
        };
        wants && (failures == 0 || failures < self.max_failures)
    }

    /// The least and the longest wait.
    fn window(
        self,
        failures: u32,
        retry: Option<Duration>,
        retry_after: Option<Duration>,
    ) -> (Duration, Duration) {
        let capped = |asked: Duration| if asked > self.max_server { self.max_server } else { asked };
        let floor = match retry {
            Some(retry) => capped(retry),
            None => self.base,
        };
        let floor = if floor < millis(100) { millis(100) } else { floor };
        let mut grown = floor;
        for _ in 1..failures {
            grown = grown.saturating_mul(2);
        }
        if grown > self.max {
            grown = self.max;
        }
        let mut least = floor;
        for other in [grown / 2, capped(retry_after.unwrap_or(Duration::ZERO))] {
            if other > least {
                least = other;
            }
        }
        let a_quarter_more = least.saturating_add(least / 4);
        match (self.jitter, grown > least) {
            (false, true) => (grown, grown),
            (false, false) => (least, least),
            (true, _) if grown > a_quarter_more => (least, grown),
            (true, _) => (least, a_quarter_more),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Connecting { since: Duration, redirects: u32 },
    Open { since: Duration, last_byte: Duration, events: u32, lateness: Duration },
    Waiting { until: Duration },
    Closed(Reason),
}

/// What a response is by the book.
#[derive(Clone, Copy)]
enum Says {
    Open,
    NotYet,
    Lost(Reason, Option<u64>),
}

const NOW: (&str, &str) = ("date", "Fri, 31 Dec 1999 23:59:30 GMT");
const EVENT_STREAM: (&str, &str) = ("content-type", "text/event-stream");

type Response = (u16, &'static [(&'static str, &'static str)], Says);

const RESPONSES: [Response; 14] = [
    (200, &[EVENT_STREAM], Says::Open),
    (200, &[NOW, ("Content-Type", "text/event-stream;charset=latin1")], Says::Open),
    (200, &[EVENT_STREAM, ("retry-after", "5")], Says::Open),
    (100, &[EVENT_STREAM], Says::NotYet),
    (500, &[EVENT_STREAM], Says::Lost(Reason::Status(500), None)),
    (503, &[("retry-after", "7")], Says::Lost(Reason::Status(503), Some(7))),
    (503, &[("retry-after", "1000000000")], Says::Lost(Reason::Status(503), Some(1_000_000_000))),
    (
        429,
        &[("Retry-After", "Sat, 01 Jan 2000 00:00:10 GMT"), NOW],
        Says::Lost(Reason::Status(429), Some(40)),
    ),
    (429, &[("Retry-After", "Sat, 01 Jan 2000 00:00:10 GMT")], Says::Lost(Reason::Status(429), None)),
    (204, &[], Says::Lost(Reason::Status(204), None)),
    (404, &[EVENT_STREAM], Says::Lost(Reason::Status(404), None)),
    (302, &[EVENT_STREAM], Says::Lost(Reason::Redirect, None)),
    (200, &[("content-type", "text/html")], Says::Lost(Reason::ContentType, None)),
    (200, &[EVENT_STREAM, ("content-encoding", "gzip")], Says::Lost(Reason::ContentEncoding, None)),
];

struct Pair {
    machine: Reconnection,
    settings: Settings,
    now: Duration,
    /// When the alarm expires.
    deadline: Option<Duration>,
    phase: Phase,
    attempts: u64,
    /// Of each loss, whether the connection was worth it.
    worth: Vec<bool>,
    retry: Option<Duration>,
    has_event: bool,
    has_id: bool,
}

/// What a schedule has led to, so that a test can see that it led anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) inputs: u32,
    pub(crate) attempts: u64,
    pub(crate) closed: u32,
}

/// Runs a schedule.
pub(crate) fn run(schedule: &[u8]) -> Run {
    let mut bytes = Bytes(schedule);
    let mut run = Run::default();
    while !bytes.0.is_empty() {
        let mut pair = Pair::new(&mut bytes);
        // A few more once it's closed, to see that nothing comes of them.
        let mut after_close = 0;
        while !bytes.0.is_empty() && after_close < 3 {
            pair.input(&mut bytes);
            run.inputs += 1;
            after_close += u32::from(matches!(pair.phase, Phase::Closed(_)));
        }
        run.attempts += pair.attempts;
        run.closed += u32::from(after_close > 0);
    }
    run
}

impl Pair {
    fn new(bytes: &mut Bytes<'_>) -> Self {
        let settings = Settings::read(bytes);
        let seed = u64::from(bytes.next());
        let is_open = bytes.next() % 8 == 0;
        let machine = if is_open { Reconnection::open } else { Reconnection::new };
        let mut pair = Self {
            machine: machine(settings.policy(), seed),
            settings,
            now: Duration::ZERO,
            deadline: None,
            phase: Phase::Connecting { since: Duration::ZERO, redirects: 0 },
            attempts: 1,
            worth: Vec::new(),
            retry: None,
            has_event: false,
            has_id: false,
        };
        if is_open {
            pair.open();
            pair.attempts = 0;
        }
        pair.take_alarm();
        pair.check();
        pair
    }

    fn input(&mut self, bytes: &mut Bytes<'_>) {
        let before = self.phase;
        match bytes.next() % 20 {
            0..=4 => {
                let time = bytes.pick(&[1, 50, 124, 125, 1000, 2500, 5000, 12_000, 120_000]);
                self.advance(millis(time));
            }
            // Nobody looks at the alarm for a while.
            5 if self.settings.kind == Kind::Spied => self.now += millis(bytes.pick(&[1, 4000, 100_000])),
            5..=7 => self.respond(bytes.pick(&RESPONSES[..8])),
            8 => self.respond(bytes.pick(&RESPONSES)),
            9 => {
                self.machine.handle_redirect();
                if let Phase::Connecting { redirects, .. } = &mut self.phase {
                    *redirects += 1;
                    if *redirects > 20 {
                        self.lose(Reason::Redirect, None);
                    }
                }
            }
            10..=12 => self.quietly(bytes),
            13 => {
                self.machine.handle_end();
                match self.phase {
                    Phase::Connecting { .. } => self.lose(Reason::Transport, None),
                    Phase::Open { .. } => self.lose(Reason::Ended, None),
                    Phase::Waiting { .. } | Phase::Closed(_) => {}
                }
            }
            14 | 15 => {
                let reason = if bytes.next() % 16 == 0 {
                    self.machine.handle_fatal_error();
                    Reason::Fatal
                } else {
                    self.machine.handle_transport_error();
                    Reason::Transport
                };
                if matches!(self.phase, Phase::Connecting { .. } | Phase::Open { .. }) {
                    self.lose(reason, None);
                }
            }
            16 if bytes.next() % 4 == 0 => {
                self.machine.handle_limit_error();
                if matches!(self.phase, Phase::Open { .. }) {
                    self.lose(Reason::Limit, None);
                }
            }
            // Where it isn't known whether that's a success, what follows would be a guess.
            17 | 18 if self.is_worth_it(true).1 => {
                self.machine.restart();
                if !matches!(self.phase, Phase::Closed(_)) {
                    self.note_restart();
                }
                // The alarm before may expire at that moment.
                self.machine.handle_alarm();
            }
            19 if bytes.next() % 8 == 0 => {
                self.machine.close();
                if !matches!(self.phase, Phase::Closed(_)) {
                    self.phase = Phase::Closed(Reason::Closed);
                }
            }
            _ => self.machine.handle_chunk(0),
        }
        if self.phase == before && !matches!(before, Phase::Open { .. }) {
            assert_eq!(self.machine.step(), self.expected_step(), "nothing has happened");
        }
        self.take_alarm();
        self.check();
    }

    /// What changes no step and sets no alarm.
    fn quietly(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.next() % 8 {
            0..=2 => {
                self.machine.handle_chunk(1);
                if let Phase::Open { last_byte, .. } = &mut self.phase {
                    *last_byte = self.now;
                }
            }
            3 | 4 => {
                self.machine.handle_event();
                self.has_event = true;
                if let Phase::Open { events, .. } = &mut self.phase {
                    *events += 1;
                }
            }
            5 => {
                let id = bytes.pick(&["1", "", "é"]);
                self.machine.handle_last_event_id(EventId::new(id).unwrap());
                self.has_id = !id.is_empty();
            }
            _ => {
                let retry = bytes.pick(&[millis(0), millis(1500), millis(20_000), Duration::MAX]);
                self.machine.handle_retry(retry);
                self.retry = Some(retry);
            }
        }
        assert_eq!(self.machine.take_alarm(), None);
    }

    fn respond(&mut self, (status, fields, says): Response) {
        self.machine.handle_head(Head::new(status, fields.iter().copied()));
        if !matches!(self.phase, Phase::Connecting { .. }) {
            return;
        }
        match says {
            Says::Open => self.open(),
            Says::NotYet => {}
            Says::Lost(reason, after) => self.lose(reason, after.map(Duration::from_secs)),
        }
    }

    fn open(&mut self) {
        self.phase =
            Phase::Open { since: self.now, last_byte: self.now, events: 0, lateness: Duration::ZERO };
    }

    fn connect(&mut self) {
        self.attempts += 1;
        self.phase = Phase::Connecting { since: self.now, redirects: 0 };
    }

    fn failures(&self) -> u32 {
        self.worth.iter().rev().take_while(|worth| !**worth).count().try_into().unwrap()
    }

    /// Whether the connection was worth it, and whether that can be known: an alarm that was looked at late says late that it has lasted.
    fn is_worth_it(&self, is_good_order: bool) -> (bool, bool) {
        let Phase::Open { since, events, lateness, .. } = self.phase else { return (false, true) };
        let lasted = self.now - since;
        // What an alarm that's overdue has to say wasn't heard yet.
        let is_heard = match self.deadline.filter(|&deadline| deadline <= self.now) {
            Some(overdue) => overdue - since > millis(5000) + lateness,
            None => lasted >= millis(5000) + lateness,
        };
        let is_good = events > 0 && is_good_order;
        let is_known = lasted < millis(5000) || is_heard;
        (lasted >= millis(5000) || is_good, is_known || is_good)
    }

    fn note_restart(&mut self) {
        if self.is_worth_it(true).0 {
            self.worth.push(true);
        }
        self.connect();
    }

    /// Expects that the connection was lost now.
    fn lose(&mut self, reason: Reason, retry_after: Option<Duration>) {
        let (mut is_worth_it, is_known) = self.is_worth_it(reason == Reason::Ended);
        let asked = ASKED.take();
        if !is_known {
            // It isn't asked where there were too many failures.
            is_worth_it = asked.is_some_and(|asked| asked.failures == 0);
        }
        self.worth.push(is_worth_it);
        let failures = self.failures();
        if let Some(asked) = asked {
            assert_eq!((asked.reason, asked.failures), (reason, failures));
            assert_eq!(asked.retry_after, retry_after);
            assert_eq!((asked.has_event, asked.has_last_event_id), (self.has_event, self.has_id));
        }
        if !self.settings.comes_back(reason, failures) {
            self.phase = Phase::Closed(reason);
            return;
        }
        let Step::Wait { delay, reason: told } = self.machine.step() else {
            panic!("{:?} after {reason:?}", self.machine.step());
        };
        assert_eq!(told, reason);
        let (least, longest) = self.settings.window(failures, self.retry, retry_after);
        assert!(least <= delay && delay <= longest, "{delay:?} of {least:?} to {longest:?}");
        self.phase = Phase::Waiting { until: self.now.saturating_add(delay) };
    }

    /// Lets time go by, with all alarms that expire in it.
    fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        let mut alarms = 0;
        while let Some(deadline) = self.deadline.filter(|&deadline| deadline <= end) {
            self.deadline = None;
            let lateness = self.now.saturating_sub(deadline);
            self.now = self.now.max(deadline);
            self.machine.handle_alarm();
            self.expire(lateness);
            self.take_alarm();
            let is_closed = matches!(self.phase, Phase::Closed(_));
            assert!(is_closed || self.deadline.is_some() || self.is_off(), "no alarm follows");
            self.check();
            alarms += 1;
            assert!(alarms < 200_000, "it never rests");
        }
        self.now = end;
        self.check();
    }

    /// Expects what the alarm has brought.
    fn expire(&mut self, late: Duration) {
        match &mut self.phase {
            Phase::Connecting { since, .. } => {
                assert_eq!(self.now - late, *since + self.settings.answer_timeout);
                self.lose(Reason::NoAnswer, None);
            }
            Phase::Waiting { until } => {
                assert_eq!(self.now - late, *until);
                self.connect();
            }
            Phase::Open { last_byte, lateness, .. } => {
                *lateness += late;
                let silence = self.now - *last_byte;
                let is_lost = self.machine.step() != Step::Read;
                if is_lost {
                    assert!(silence >= self.settings.idle_timeout, "{silence:?} isn't idle");
                    self.lose(Reason::Idle, None);
                }
            }
            Phase::Closed(_) => {}
        }
    }

    fn is_off(&self) -> bool {
        match self.phase {
            Phase::Connecting { .. } => self.settings.answer_timeout.is_zero(),
            Phase::Open { .. } => self.settings.idle_timeout.is_zero(),
            // So long that it's never.
            Phase::Waiting { until } => until == Duration::MAX,
            Phase::Closed(_) => true,
        }
    }

    fn take_alarm(&mut self) {
        if let Some(after) = self.machine.take_alarm() {
            self.deadline = self.now.checked_add(after).filter(|&deadline| deadline < Duration::MAX);
        }
    }

    fn expected_step(&self) -> Step {
        match self.phase {
            Phase::Connecting { .. } => Step::Connect,
            Phase::Open { .. } => Step::Read,
            Phase::Waiting { .. } => self.machine.step(),
            Phase::Closed(reason) => Step::Closed(reason),
        }
    }

    fn check(&self) {
        let step = self.machine.step();
        assert_eq!(step, self.expected_step());
        assert_eq!(matches!(self.phase, Phase::Waiting { .. }), matches!(step, Step::Wait { .. }));
        assert_eq!(self.machine.attempts(), self.attempts);
        // What should have happened by now has, unless nobody looked at the alarm.
        if self.deadline.is_some_and(|deadline| deadline <= self.now) {
            return;
        }
        match self.phase {
            Phase::Connecting { since, .. } if !self.settings.answer_timeout.is_zero() => {
                assert!(self.now - since < self.settings.answer_timeout);
            }
            Phase::Waiting { until } => assert!(self.now < until),
            Phase::Open { last_byte, lateness, .. } if !self.settings.idle_timeout.is_zero() => {
                let bound = self.settings.idle_timeout * 5 / 4 + lateness;
                assert!(self.now - last_byte <= bound, "{:?}", self.now - last_byte);
            }
            _ => {}
        }
    }
}
