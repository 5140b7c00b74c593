//! What the gate and the clients that it starts say to each other: the gate starts a client with its [`Settings`], and the client
//! prints a [`Line`] for each event and for its end.

#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a client is started with: its one argument, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// What it's to read.
    pub url: String,
    /// The field `Authorization` of its requests.
    pub authorization: String,
    /// The wait before a reconnection, in milliseconds, until the server sets another.
    pub base_delay: u64,
    /// How long it waits for an answer, and how long a connection may be silent, in milliseconds.
    pub timeout: u64,
    /// It's to speak HTTP/2 from the first byte on.
    pub http2: bool,
    /// How long it takes over its first event, in milliseconds.
    pub pause: u64,
    /// How many bytes an event may have. Zero is the client's default.
    pub max_event: usize,
    /// It's to skip an event that has more, and not to stop.
    pub skips: bool,
    /// What our own client is to do wrong.
    pub wrong: Option<String>,
}

impl Settings {
    /// Reads the process's one argument.
    pub fn from_args() -> Self {
        let argument = std::env::args().nth(1).expect("the settings are the one argument");
        serde_json::from_str(&argument).expect("the argument is the settings")
    }

    /// Returns the base delay.
    pub fn base_delay(&self) -> Duration {
        Duration::from_millis(self.base_delay)
    }

    /// Returns the timeout for an answer and for silence.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }

    /// Takes its time over an event, if it's the first.
    pub async fn take_time(&mut self) {
        tokio::time::sleep(Duration::from_millis(std::mem::take(&mut self.pause))).await;
    }
}

/// What a client prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// An event.
    Event {
        /// Its last event ID.
        id: String,
        /// The beginning of its data.
        data: String,
    },
    /// It has given up, or is told that there's no more. Then it exits.
    Closed(String),
}

impl Line {
    /// Makes one of an event.
    pub fn event(id: impl Into<String>, data: &str) -> Self {
        Self::Event { id: id.into(), data: data.chars().take(80).collect() }
    }

    /// Prints it.
    pub fn print(&self) {
        println!("{}", serde_json::to_string(self).expect("strings are JSON"));
    }
}
