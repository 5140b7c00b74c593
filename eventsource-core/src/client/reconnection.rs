//! The machine that reconnects.

use super::policy::Lost;
use super::{Head, Policy, Reason};
use crate::{EventId, FAR_FUTURE};
use core::time::Duration;

/// So many redirects are followed in one attempt, as in the Fetch standard.
pub const MAX_REDIRECTS: u8 = 20;

/// A connection that was open for so long was worth it.
const SETTLED: Duration = Duration::from_secs(5);

/// So many quiet quarters of the idle timeout are silence.
const QUARTERS: u32 = 4;

/// Decides when a client connects, when it has lost its connection, how long it waits, and when it gives up (§9.2.3). It
/// owns no socket, no clock and no memory.
///
/// # Protocol
/// Do what [`step`](Self::step) says, and report what came of it:
///
/// | step | do | report |
/// |---|---|---|
/// | [`Connect`](Step::Connect) | send a request, and wait for its response | [`handle_head`](Self::handle_head), [`handle_redirect`](Self::handle_redirect), [`handle_transport_error`](Self::handle_transport_error), [`handle_fatal_error`](Self::handle_fatal_error) |
/// | [`Read`](Step::Read) | read the response's body, and decode it | [`handle_chunk`](Self::handle_chunk), [`handle_event`](Self::handle_event), [`handle_last_event_id`](Self::handle_last_event_id), [`handle_retry`](Self::handle_retry), [`handle_end`](Self::handle_end), [`handle_transport_error`](Self::handle_transport_error), [`handle_limit_error`](Self::handle_limit_error) |
/// | [`Wait`](Step::Wait) | nothing | |
/// | [`Closed`](Step::Closed) | stop | |
///
/// `step` only looks: asked again, it says the same until something is reported. A new [number of
/// attempts](Self::attempts) means a new request; whenever `step` is not `Connect` or not `Read` any more, the request or the response
/// it was about is to be dropped. What's reported in a step that it doesn't belong to is ignored.
///
/// Beside that there's one alarm. After each report, set it to what [`take_alarm`](Self::take_alarm) returns, if it returns
/// anything; when it expires, report that with [`handle_alarm`](Self::handle_alarm). It's set once for each attempt and each wait, and four
/// times in an idle timeout while a connection is open, with one more when it has lasted; never for each chunk. Look for a response or for bytes
/// before you report an expiry, so that a caller who was busy for long isn't taken for a server that's silent. But report it then, also
/// where there are always more bytes: a connection that has lasted is no failure.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::client::{Head, Policy, Reason, Reconnection, Step};
///
/// let mut machine = Reconnection::new(Policy::default(), 7);
/// assert_eq!(machine.step(), Step::Connect);
/// assert_eq!(machine.take_alarm(), Some(Duration::from_secs(60)));
///
/// machine.handle_head(Head::new(200, [("content-type", "text/event-stream")]));
/// assert_eq!(machine.step(), Step::Read);
/// machine.handle_chunk("retry: 2000\n\n".len());
/// machine.handle_retry(Duration::from_secs(2));
///
/// machine.handle_transport_error();
/// let Step::Wait { delay, reason: Reason::Transport } = machine.step() else { panic!() };
/// assert!(delay >= Duration::from_secs(2) && delay <= Duration::from_millis(2500));
/// assert_eq!(machine.take_alarm(), Some(delay));
///
/// machine.handle_alarm();
/// assert_eq!((machine.step(), machine.attempts()), (Step::Connect, 2));
/// machine.handle_head(Head::new(204, [("server", "example")]));
/// assert_eq!(machine.step(), Step::Closed(Reason::Status(204)));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it's asked for its steps"]
pub struct Reconnection {
    policy: Policy,
    state: State,
    /// What the alarm is set for, or is to be set for.
    alarm: Duration,
    /// The caller hasn't taken it yet.
    is_alarm_new: bool,
    seed: u64,
    attempts: u64,
    /// The server's reconnection time.
    retry: Option<Duration>,
    /// Failures in a row.
    failures: u32,
    has_event: bool,
    has_last_event_id: bool,
}

#[derive(Clone, Debug)]
enum State {
    Connecting { redirects: u8 },
    Open(Open),
    Waiting { delay: Duration, reason: Reason },
    Closed(Reason),
}

/// What to do next: what [`Reconnection::step`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Send a request, or wait for the response of the one that was sent.
    Connect,
    /// Read the response's body.
    Read,
    /// Wait for the alarm; then there will be another attempt.
    Wait {
        /// How long, from the moment on at which the alarm is set.
        delay: Duration,
        /// Why the connection was lost, or the attempt has brought none.
        reason: Reason,
    },
    /// Stop: there won't be another attempt.
    Closed(Reason),
}

impl Reconnection {
    /// Creates a machine that begins by connecting. Clients need seeds that differ, and a seed that is random keeps them
    /// from coming back together; it may be any number where there's one client.
    pub const fn new(policy: Policy, seed: u64) -> Self {
        let alarm = or_never(policy.answer_timeout);
        Self {
            policy,
            state: State::Connecting { redirects: 0 },
            alarm,
            is_alarm_new: true,
            seed,
            attempts: 1,
            retry: None,
            failures: 0,
            has_event: false,
            has_last_event_id: false,
        }
    }

    /// Creates a machine that begins with an open connection: with the body of a response that the caller already has, such as
    /// the answer to a `POST`, and has [checked](Head::check).
    pub fn open(policy: Policy, seed: u64) -> Self {
        let mut machine = Self::new(policy, seed);
        machine.attempts = 0;
        machine.begin_reading();
        machine
    }

    /// Returns what to do next.
    pub const fn step(&self) -> Step {
        match self.state {
            State::Connecting { .. } => Step::Connect,
            State::Open(_) => Step::Read,
            State::Waiting { delay, reason } => Step::Wait { delay, reason },
            State::Closed(reason) => Step::Closed(reason),
        }
    }

    /// Returns whether it's closed for too many failures in a row.
    #[cfg(feature = "alloc")]
    pub(super) const fn has_given_up(&self) -> bool {
        matches!(self.state, State::Closed(_)) && self.policy.is_exhausted(self.failures)
    }

    /// Returns how many attempts have begun so far. Each is one request, its redirects aside.
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Returns what to set the one alarm to, counted from now and in the place of what it was set to before; nothing if it
    /// stays as it is. `Duration::MAX` switches it off. Each expiry that's reported is followed by a new setting.
    pub const fn take_alarm(&mut self) -> Option<Duration> {
        let is_new = self.is_alarm_new;
        self.is_alarm_new = false;
        if is_new { Some(self.alarm) } else { None }
    }

    /// Notes that the alarm has expired. Until a new setting was [taken](Self::take_alarm), an expiry is that of the old one and ignored,
    /// so that a restart and an expiry at the same moment don't count as a timeout.
    pub fn handle_alarm(&mut self) {
        if self.is_alarm_new || self.alarm > FAR_FUTURE {
            return;
        }
        match &mut self.state {
            State::Connecting { .. } => self.lose(Reason::NoAnswer, None),
            State::Waiting { .. } => self.connect(),
            State::Open(open) => match open.elapse(self.alarm) {
                Some(next) => self.set_alarm(next),
                None => self.lose(Reason::Idle, None),
            },
            State::Closed(_) => {}
        }
    }

    /// Notes the head of a response. An [interim](Head::is_interim) one is waited out. A redirect is taken for one that leads nowhere;
    /// where it's followed, report that with [`handle_redirect`](Self::handle_redirect) instead.
    pub fn handle_head(&mut self, head: Head) {
        if !matches!(self.state, State::Connecting { .. }) || head.is_interim() {
            return;
        }
        match head.check() {
            Ok(()) => self.begin_reading(),
            Err(reason) => self.lose(reason, head.retry_after()),
        }
    }

    /// Notes that the response is a redirect that the caller is about to follow. The step is still [`Connect`](Step::Connect) if it may:
    /// send the request to the new target. It may [`MAX_REDIRECTS`] times in one attempt. A transport that follows
    /// redirects by itself has nothing to report.
    pub fn handle_redirect(&mut self) {
        if let State::Connecting { redirects } = &mut self.state {
            match redirects.checked_add(1) {
                Some(next) if next <= MAX_REDIRECTS => *redirects = next,
                _ => self.lose(Reason::Redirect, None),
            }
        }
    }

    /// Notes that so many bytes of the body have come. Any byte shows that the connection lives, none shows nothing. Sets no alarm.
    pub const fn handle_chunk(&mut self, len: usize) {
        if let State::Open(open) = &mut self.state {
            open.is_busy |= len > 0;
        }
    }

    /// Notes that an event was handed out.
    pub const fn handle_event(&mut self) {
        if let State::Open(open) = &mut self.state {
            open.has_event = true;
        }
        self.has_event = true;
    }

    /// Notes the last event ID, with which the next attempt will resume: that of an event that was handed out, of a block
    /// without data, or one of an earlier life of the client. [`Lost::has_last_event_id`] is all that it's for.
    pub const fn handle_last_event_id(&mut self, id: EventId<'_>) {
        self.has_last_event_id = !id.as_str().is_empty();
    }

    /// Notes the server's reconnection time, from its `retry:` field. It stays until there's another, also over reconnections.
    pub const fn handle_retry(&mut self, retry: Duration) {
        self.retry = Some(retry);
    }

    /// Notes that the server has ended the body in good order. An end that has cut an event off is a
    /// [transport error](Self::handle_transport_error): [`Decoder::is_mid_event`](crate::Decoder::is_mid_event) tells them apart where the
    /// end of the connection is the end of the body.
    pub fn handle_end(&mut self) {
        match self.state {
            State::Open(_) => self.lose(Reason::Ended, None),
            _ => self.handle_transport_error(),
        }
    }

    /// Notes that no connection came about, or that the one there was has broken.
    pub fn handle_transport_error(&mut self) {
        if matches!(self.state, State::Connecting { .. } | State::Open(_)) {
            self.lose(Reason::Transport, None);
        }
    }

    /// Notes that no connection came about, for a reason that will still be there the next time, such as an address that can't be one.
    pub fn handle_fatal_error(&mut self) {
        if matches!(self.state, State::Connecting { .. } | State::Open(_)) {
            self.lose(Reason::Fatal, None);
        }
    }

    /// Notes that the decoder has [stopped](crate::codec::Overflow::Stop) at an event that exceeds its limits: the server would send the same
    /// one again. A decoder that [skips](crate::codec::Overflow::Skip) it goes on, and there's nothing to report.
    pub fn handle_limit_error(&mut self) {
        if matches!(self.state, State::Open(_)) {
            self.lose(Reason::Limit, None);
        }
    }

    /// Begins another attempt at once, whatever is going on, as when a network has come back, or another user has logged in. A
    /// request or a response there is has to be dropped. Failures in a row are still counted. Does nothing once closed.
    pub fn restart(&mut self) {
        match &self.state {
            State::Closed(_) => return,
            State::Open(open) if open.is_worth_it(Reason::Closed) => self.failures = 0,
            _ => {}
        }
        self.connect();
    }

    /// Closes the client for good. If it's closed already, its reason stays.
    pub fn close(&mut self) {
        if !matches!(self.state, State::Closed(_)) {
            self.close_for(Reason::Closed);
        }
    }

    /// Returns whether a connection is open that hasn't lasted yet, so that the next expiry of the alarm counts, bytes or not.
    #[cfg(feature = "alloc")]
    pub(super) const fn is_settling(&self) -> bool {
        matches!(&self.state, State::Open(open) if !open.until_settled.is_zero())
    }

    fn connect(&mut self) {
        self.state = State::Connecting { redirects: 0 };
        self.attempts = self.attempts.saturating_add(1);
        self.set_alarm(or_never(self.policy.answer_timeout));
    }

    fn begin_reading(&mut self) {
        let (open, alarm) = Open::new(self.policy.idle_timeout);
        self.state = State::Open(open);
        self.set_alarm(alarm);
    }

    fn lose(&mut self, reason: Reason, retry_after: Option<Duration>) {
        let is_worth_it = matches!(&self.state, State::Open(open) if open.is_worth_it(reason));
        self.failures = if is_worth_it { 0 } else { self.failures.saturating_add(1) };
        let lost = Lost {
            reason,
            retry_after,
            failures: self.failures,
            has_event: self.has_event,
            has_last_event_id: self.has_last_event_id,
        };
        // The next seed of Knuth's MMIX generator.
        self.seed = self.seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        match self.policy.delay_after(lost, self.retry, self.seed) {
            Some(delay) => {
                self.state = State::Waiting { delay, reason };
                self.set_alarm(delay);
            }
            None => self.close_for(reason),
        }
    }

    fn close_for(&mut self, reason: Reason) {
        self.state = State::Closed(reason);
        self.set_alarm(Duration::MAX);
    }

    fn set_alarm(&mut self, after: Duration) {
        (self.alarm, self.is_alarm_new) = (after, true);
    }
}

/// A connection that's open.
#[derive(Clone, Debug)]
struct Open {
    /// Of the idle timeout.
    quarter: Duration,
    rest_of_quarter: Duration,
    /// How long it takes until it counts as one that has lasted.
    until_settled: Duration,
    /// So many quarters in a row were without a byte.
    quiet_quarters: u32,
    /// A byte has come in this quarter.
    is_busy: bool,
    has_event: bool,
}

impl Open {
    /// Returns it with its first alarm.
    fn new(idle_timeout: Duration) -> (Self, Duration) {
        let quarter = match or_never(idle_timeout) {
            Duration::MAX => Duration::MAX,
            // Rounded up: never early.
            limit => limit.saturating_add(Duration::from_nanos(3)).checked_div(QUARTERS).unwrap_or(limit),
        };
        let open = Self {
            quarter,
            rest_of_quarter: quarter,
            until_settled: SETTLED,
            quiet_quarters: 0,
            is_busy: false,
            has_event: false,
        };
        let alarm = open.next_alarm();
        (open, alarm)
    }

    /// Notes that this much time has gone by. Returns the next alarm, or nothing if there was silence for too long.
    fn elapse(&mut self, time: Duration) -> Option<Duration> {
        self.until_settled = self.until_settled.saturating_sub(time);
        if self.quarter < Duration::MAX {
            self.rest_of_quarter = self.rest_of_quarter.saturating_sub(time);
        }
        if self.rest_of_quarter.is_zero() {
            self.rest_of_quarter = self.quarter;
            let was_busy = core::mem::take(&mut self.is_busy);
            self.quiet_quarters = if was_busy { 0 } else { self.quiet_quarters.saturating_add(1) };
            if self.quiet_quarters >= QUARTERS {
                return None;
            }
        }
        Some(self.next_alarm())
    }

    fn next_alarm(&self) -> Duration {
        if self.until_settled.is_zero() {
            self.rest_of_quarter
        } else {
            self.rest_of_quarter.min(self.until_settled)
        }
    }

    /// Returns whether it was no failure, now that it's lost.
    fn is_worth_it(&self, reason: Reason) -> bool {
        self.until_settled.is_zero() || (self.has_event && matches!(reason, Reason::Ended | Reason::Closed))
    }
}

/// A timeout of zero is off.
const fn or_never(timeout: Duration) -> Duration {
    if timeout.is_zero() { Duration::MAX } else { timeout }
}
