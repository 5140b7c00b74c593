//! What is seen of a client: what it asked, and what it said.

use faults::Line;
use jiff::Timestamp;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What was seen of a client so far.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Before the client was started.
    pub(crate) since: Instant,
    pub(crate) requests: Vec<Request>,
    pub(crate) lines: Vec<Line>,
    /// What went wrong with the process, once it has ended.
    pub(crate) crash: Option<String>,
    pub(crate) has_exited: bool,
}

/// Where it's written down, so that others can wait for it.
pub(crate) type Record = watch::Sender<Seen>;

/// A request that a client has sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    pub(crate) date: Timestamp,
    pub(crate) path: String,
    /// Their names are in lower case.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    /// When its connection was over, whoever closed it.
    pub(crate) over_at: Option<Instant>,
}

impl Request {
    pub(crate) fn new(path: &str, fields: Vec<(String, Vec<u8>)>) -> Self {
        Self { at: Instant::now(), date: Timestamp::now(), path: path.to_owned(), fields, over_at: None }
    }

    /// Returns the value of the field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_slice())
    }

    /// Returns its last event ID, which may be empty.
    pub(crate) fn last_event_id(&self) -> Option<&[u8]> {
        self.field("last-event-id")
    }
}

impl Seen {
    /// Creates what's seen before a client is started.
    pub(crate) fn new() -> Self {
        Self {
            since: Instant::now(),
            requests: Vec::new(),
            lines: Vec::new(),
            crash: None,
            has_exited: false,
        }
    }

    /// Returns the data of the events that it handed out.
    pub(crate) fn events(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| match line {
            Line::Event { data, .. } => Some(data.as_str()),
            Line::Closed(_) => None,
        })
    }

    /// Returns why it has given up, if it says so.
    pub(crate) fn closed(&self) -> Option<&str> {
        self.lines.iter().find_map(|line| match line {
            Line::Closed(reason) => Some(reason.as_str()),
            Line::Event { .. } => None,
        })
    }

    /// Returns the times between its requests.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = Duration> {
        self.requests.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at))
    }
}
