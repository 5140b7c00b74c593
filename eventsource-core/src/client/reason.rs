//! Why there is no connection.

use core::fmt;

/// Why a connection was lost, or an attempt has brought none, or the client is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The caller has closed the client.
    Closed,
    /// The server has ended the event stream, and cut nothing off.
    Ended,
    /// The transport has failed: no connection came about, or one broke.
    Transport,
    /// The transport has failed, and says that another attempt would fail as well: see
    /// [`Reconnection::handle_fatal_error`](super::Reconnection::handle_fatal_error).
    Fatal,
    /// No response has come within the [answer timeout](super::Policy::answer_timeout).
    NoAnswer,
    /// No byte has come within the [idle timeout](super::Policy::idle_timeout).
    Idle,
    /// The server has answered with this status, which isn't 200. A server that answers 204 asks its clients not to come back.
    Status(u16),
    /// A redirect led nowhere: it had no target that can be followed, or there were [too many](super::MAX_REDIRECTS).
    Redirect,
    /// The response isn't of the type `text/event-stream`.
    ContentType,
    /// The response is compressed, or encoded otherwise, which nobody asked for.
    ContentEncoding,
    /// The event stream exceeds a limit of the decoder.
    Limit,
}

impl Reason {
    /// Returns whether another attempt may go better: after an end, a failure of the transport, silence, and the statuses 408, 425,
    /// 429, 500, 502, 503 and 504. [`Policy::default`](super::Policy::default) decides by it.
    pub const fn is_temporary(self) -> bool {
        match self {
            Self::Ended | Self::Transport | Self::NoAnswer | Self::Idle => true,
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Closed
            | Self::Fatal
            | Self::Redirect
            | Self::ContentType
            | Self::ContentEncoding
            | Self::Limit => false,
        }
    }

    /// Returns whether a loss for this reason, if it's final, is how a server ends an event stream, and no failure: it has ended the
    /// response, or answered with status 204.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Ended | Self::Status(204))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the client was closed",
            Self::Ended => "the server ended the event stream",
            Self::Transport => "the connection failed",
            Self::Fatal => "no connection can be made",
            Self::NoAnswer => "the server did not answer in time",
            Self::Idle => "the event stream was idle for too long",
            Self::Status(status) => return write!(f, "the server answered with status {status}"),
            Self::Redirect => "the server redirects to nowhere, or too often",
            Self::ContentType => "the response is not of the type text/event-stream",
            Self::ContentEncoding => "the response has a content encoding that nobody asked for",
            Self::Limit => "the event stream exceeds a limit",
        })
    }
}

impl core::error::Error for Reason {}
