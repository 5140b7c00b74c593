//! What a response's head says to a client.

use super::Reason;
use crate::http::{is_event_stream, retry_after_from, seconds};
use core::time::Duration;

/// What the head of a response says to a client that asked for an event stream.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::client::{Head, Reason};
///
/// let head = Head::new(200, [("Content-Type", "text/event-stream")]);
/// assert_eq!(head.check(), Ok(()));
///
/// let head = Head::new(503, [("Retry-After", "120")]);
/// assert_eq!(head.check(), Err(Reason::Status(503)));
/// assert_eq!(head.retry_after(), Some(Duration::from_secs(120)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    status: u16,
    is_event_stream: bool,
    is_encoded: bool,
    retry_after: Option<Duration>,
}

impl Head {
    /// Reads a response's status and its header fields, whose names may be in any case. Of a field that came more than once, the last
    /// one counts.
    ///
    /// Fields of the crate `http` are given as they are: `Head::new(response.status().as_u16(), response.headers())`; those of `httparse`
    /// as `response.headers.iter().map(|field| (field.name, field.value))`.
    ///
    /// [`Retry-After`](crate::http::retry_after) may be a date where there's a `Date`, too. A client that has a clock may add a `Date` of
    /// its own where the server sent none.
    pub fn new<'v, N, V>(status: u16, fields: impl IntoIterator<Item = (N, &'v V)>) -> Self
    where
        N: AsRef<str>,
        V: AsRef<[u8]> + ?Sized + 'v,
    {
        Self::received_at(None, status, fields)
    }

    /// Does the same for a client that has a clock, for servers that have none and send no `Date`: with the
    /// moment in seconds since the beginning of the year 0.
    pub(super) fn received_at<'v, N, V>(
        now: Option<u64>,
        status: u16,
        fields: impl IntoIterator<Item = (N, &'v V)>,
    ) -> Self
    where
        N: AsRef<str>,
        V: AsRef<[u8]> + ?Sized + 'v,
    {
        let (mut content_type, mut encoding, mut after, mut date) = (None, None, None, None);
        for (name, value) in fields {
            let name = name.as_ref();
            for (field, last) in [
                ("content-type", &mut content_type),
                ("content-encoding", &mut encoding),
                ("retry-after", &mut after),
                ("date", &mut date),
            ] {
                if name.eq_ignore_ascii_case(field) {
                    *last = Some(value.as_ref());
                }
            }
        }
        let encoding = encoding.unwrap_or_default().trim_ascii();
        Self {
            status,
            is_event_stream: content_type.is_some_and(is_event_stream),
            is_encoded: !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity"),
            retry_after: after.and_then(|after| retry_after_from(after, date.and_then(seconds).or(now))),
        }
    }

    /// Returns the status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns how long the server asks the client to wait, if it does so in a way that can be read.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns whether the status is one of a redirect that a client follows: 301, 302, 303, 307 or 308.
    pub const fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    /// Returns whether this is a response before the response, of the class 1xx. 101 isn't: a client that didn't ask to switch
    /// protocols can't go on.
    pub const fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// Checks that the response is an event stream (§9.2.3): its status is 200, its type is `text/event-stream`, whatever its
    /// parameters, and it isn't encoded.
    ///
    /// # Errors
    /// Says what it is instead.
    pub const fn check(&self) -> Result<(), Reason> {
        match self.status {
            200 if !self.is_event_stream => Err(Reason::ContentType),
            200 if self.is_encoded => Err(Reason::ContentEncoding),
            200 => Ok(()),
            _ if self.is_redirect() => Err(Reason::Redirect),
            status => Err(Reason::Status(status)),
        }
    }
}
