//! When to come back.

use super::Reason;
use crate::stream::jitter;
use core::time::Duration;

/// The shortest wait before an attempt, whatever a server or a setting says: at most ten requests a second.
pub const MIN_DELAY: Duration = Duration::from_millis(100);

/// How a client reconnects: the settings of a [`Reconnection`](super::Reconnection).
///
/// | | [`default`](Self::default) | [`browser`](Self::browser) | [`answer`](Self::answer) |
/// |---|---|---|---|
/// | comes back after | what's [temporary](Reason::is_temporary) | an end, a failure, silence; no status | 408, 425, 429, 503 |
/// | [base delay](Self::base_delay) | 3 s | 3 s | 1 s |
/// | [longest delay](Self::max_delay) | 60 s | 60 s | 60 s |
/// | [longest delay of a server's](Self::max_server_delay) | 1 h | none | 1 h |
/// | [jitter](Self::jitter) | yes | no | yes |
/// | [answer timeout](Self::answer_timeout) | 60 s | none | 10 min |
/// | [idle timeout](Self::idle_timeout) | 5 min | none | 5 min |
/// | [failures](Self::max_failures) | any number | any number | 4 |
///
/// # The wait
/// The *floor* is the server's reconnection time, `retry:`, or the base delay until the server has set one, and
/// never less than [`MIN_DELAY`]. After a connection that was worth it, and after the first failure, a client waits for the floor up to
/// a quarter more. With each further failure in a row the wait doubles, up to the longest delay, and is
/// picked from the upper half of that. It's never shorter than the floor, nor than what `Retry-After` says.
///
/// A connection was *worth it* if it lasted for 5 seconds, or if it brought an event and the server ended it in good order. A
/// status of 200 alone is no success, and neither is an event before a crash. Everything else is a failure.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::client::Policy;
///
/// let policy = Policy::default()
///     .base_delay(Duration::from_secs(1))
///     .idle_timeout(Duration::from_secs(45));
/// # let _ = policy;
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a policy does nothing until a client has it"]
pub struct Policy {
    decide: fn(Lost) -> Decision,
    base_delay: Duration,
    max_delay: Duration,
    max_server_delay: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) idle_timeout: Duration,
    max_failures: u32,
    jitter: bool,
}

/// For a feed that shall go on whatever happens, as long as there's hope.
impl Default for Policy {
    fn default() -> Self {
        Self {
            decide: |lost| Decision::retry_if(lost.reason.is_temporary()),
            base_delay: Duration::from_secs(3),
            max_delay: Duration::from_secs(60),
            max_server_delay: Duration::from_secs(3600),
            answer_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(5 * 60),
            max_failures: u32::MAX,
            jitter: true,
        }
    }
}

impl Policy {
    /// Does what a browser's `EventSource` does (§9.2.3): any status but 200 is final, the wait is exactly the reconnection time, and
    /// silence is no failure. From the second failure in a row on it waits longer, as the standard allows.
    pub fn browser() -> Self {
        Self::default()
            .decide(|lost| {
                let is_status = matches!(lost.reason, Reason::Status(_));
                Decision::retry_if(lost.reason.is_temporary() && !is_status)
            })
            .max_server_delay(Duration::MAX)
            .answer_timeout(Duration::ZERO)
            .idle_timeout(Duration::ZERO)
            .jitter(false)
    }

    /// Reads one answer that mustn't be asked for twice, such as that to a `POST` of a prompt. The end is the end.
    ///
    /// A client tries again only where the server has said that it hasn't begun: with the status 408, 425, 429 or 503. After
    /// any other failure nobody knows whether the work was done; [`decide`](Self::decide) says otherwise if it may be done twice.
    pub fn answer() -> Self {
        Self::default()
            .decide(|lost| Decision::retry_if(matches!(lost.reason, Reason::Status(408 | 425 | 429 | 503))))
            .base_delay(Duration::from_secs(1))
            .answer_timeout(Duration::from_secs(10 * 60))
            .max_failures(4)
    }

    /// Sets what decides whether the client comes back.
    ///
    /// ```
    /// use eventsource_core::client::{Decision, Policy, Reason};
    ///
    /// // Comes back only while nothing was received.
    /// let before_the_first_event = Policy::default().decide(|lost| {
    ///     Decision::retry_if(lost.reason.is_temporary() && !lost.has_event)
    /// });
    /// // Resumes where there's an id to resume from, as of MCP's revision 2025-11-25.
    /// let with_an_id = Policy::default().decide(|lost| {
    ///     Decision::retry_if(lost.reason.is_temporary() && lost.has_last_event_id)
    /// });
    /// // The token may have been renewed in the meantime.
    /// let with_a_new_token = Policy::default().decide(|lost| {
    ///     let is_old = lost.reason == Reason::Status(401) && lost.failures == 1;
    ///     Decision::retry_if(is_old || lost.reason.is_temporary())
    /// });
    /// # let _ = (before_the_first_event, with_an_id, with_a_new_token);
    /// ```
    pub const fn decide(mut self, decide: fn(Lost) -> Decision) -> Self {
        self.decide = decide;
        self
    }

    /// Sets the wait before a reconnection as long as the server sets none with `retry:`.
    pub const fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// Sets how long the wait may become by failures alone. A server may ask for more, and where the floor is near it, the wait is up
    /// to a quarter more than the floor.
    pub const fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the longest wait that a server may ask for, with `retry:` or with `Retry-After`. What's longer counts as this long.
    pub const fn max_server_delay(mut self, delay: Duration) -> Self {
        self.max_server_delay = delay;
        self
    }

    /// Sets whether waits are spread at random, so that the clients of a server that restarts don't come back all at once.
    pub const fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets how long a client waits for a response's head, from the beginning of the attempt on and with all redirects. Zero is off.
    pub const fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// Sets how long an open connection may be silent before it's given up. Any byte ends the silence, also that of a
    /// comment, so this has to be longer than the time between the server's keep-alives. It's noticed after **at least this time
    /// and at most one and a quarter** of it. Zero is off.
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets after how many [failures](Self#the-wait) in a row the client gives up. Zero counts as one.
    pub const fn max_failures(mut self, failures: u32) -> Self {
        self.max_failures = failures;
        self
    }

    /// Returns whether so many failures in a row are too many.
    pub(super) const fn is_exhausted(&self, failures: u32) -> bool {
        failures > 0 && failures >= self.max_failures
    }

    /// Returns how long to wait before the next attempt, or nothing if there shall be none. Takes a new `seed` each time.
    pub(super) fn delay_after(&self, lost: Lost, retry: Option<Duration>, seed: u64) -> Option<Duration> {
        if self.is_exhausted(lost.failures) {
            return None;
        }
        if (self.decide)(lost) == Decision::Stop {
            return None;
        }
        let floor = retry.map_or(self.base_delay, |retry| retry.min(self.max_server_delay)).max(MIN_DELAY);
        let doublings = lost.failures.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let grown = floor.saturating_mul(factor).min(self.max_delay);
        let asked = lost.retry_after.unwrap_or_default().min(self.max_server_delay);
        let half = grown.checked_div(2).unwrap_or_default();
        let least = half.max(floor).max(asked);
        if !self.jitter {
            return Some(grown.max(least));
        }
        let quarter = least.checked_div(4).unwrap_or_default();
        Some(jitter(least..=grown.max(least.saturating_add(quarter)), seed))
    }
}

/// What [`Policy::decide`] is asked about: a connection that was lost, or an attempt that brought none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lost {
    /// Why.
    pub reason: Reason,
    /// How long the server asks the client to wait, by `Retry-After`.
    pub retry_after: Option<Duration>,
    /// How many [failures](Policy#the-wait) there were in a row, with this one; zero if the connection was worth it.
    pub failures: u32,
    /// Whether an event was received, be it over this connection or an earlier one.
    pub has_event: bool,
    /// Whether there is a last event ID that isn't empty, so that a server can tell where to go on.
    pub has_last_event_id: bool,
}

/// Whether a client comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It tries again after a wait.
    Retry,
    /// It's closed, for the reason that it was asked about.
    Stop,
}

impl Decision {
    /// Returns `Retry` if `condition` holds, and `Stop` otherwise.
    pub const fn retry_if(condition: bool) -> Self {
        if condition { Self::Retry } else { Self::Stop }
    }
}
