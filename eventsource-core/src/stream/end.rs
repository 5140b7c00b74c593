//! Why a stream ended.

use alloc::boxed::Box;
use core::fmt;

/// An error of any kind, as sources may have them.
pub type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// Why an [`EventStream`](super::EventStream) ended here. It doesn't say what the client has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// Every source ended of itself.
    SourceEnded,
    /// A source failed; [`End::error`] has its error.
    SourceError,
    /// A [`StopHandle`](super::StopHandle) was used.
    Stopped,
    /// A `Drain` had it end.
    Drained,
    /// The maximum lifetime was over.
    Lifetime,
    /// The history that was to be replayed could not be read. For a [`Source`](super::Source) of your own to say.
    HistoryFailed,
    /// A `Subscription` didn't keep up.
    Lagged,
    /// The client had stopped reading, as a [`StallHandle`](super::StallHandle) says, and the connection was given up.
    Stalled,
    /// The stream was dropped before its end: the client has gone, or the server gave up on it.
    Dropped,
}

/// The end of an [`EventStream`](super::EventStream): the reason and, where a source failed, its error.
#[derive(Debug)]
pub struct End {
    reason: EndReason,
    error: Option<BoxError>,
}

impl End {
    /// Creates an end with an error. Without one, `EndReason` converts into an end.
    ///
    /// ```
    /// use eventsource_core::stream::{End, EndReason};
    ///
    /// let end = End::new(EndReason::HistoryFailed, "the disk is gone");
    /// assert_eq!(end.to_string(), "the history could not be read: the disk is gone");
    /// assert!(End::from(EndReason::Stopped).error().is_none());
    /// ```
    pub fn new(reason: EndReason, error: impl Into<BoxError>) -> Self {
        Self { reason, error: Some(error.into()) }
    }

    /// Returns the reason.
    pub fn reason(&self) -> EndReason {
        self.reason
    }

    /// Returns the source's error, where there is one.
    pub fn error(&self) -> Option<&(dyn core::error::Error + Send + Sync + 'static)> {
        self.error.as_deref()
    }
}

/// Without an error.
impl From<EndReason> for End {
    fn from(reason: EndReason) -> Self {
        Self { reason, error: None }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourceEnded => "the source ended",
            Self::SourceError => "the source failed",
            Self::Stopped => "stopped",
            Self::Drained => "drained",
            Self::Lagged => "lagged",
            Self::Lifetime => "the maximum lifetime was over",
            Self::HistoryFailed => "the history could not be read",
            Self::Stalled => "stalled",
            Self::Dropped => "dropped",
        })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => write!(f, "{}: {error}", self.reason),
            None => self.reason.fmt(f),
        }
    }
}
