//! The clients, and what can go wrong with ours.

use crate::fault::Needs;
use serde_json::Value;
use std::env;
use std::fs;
use std::path::PathBuf;

/// The folder of this package.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Why the gate itself can't work.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A client, in its most favourable configuration that its docs tell of: see its program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    program: Program,
    /// What it has of what not all have.
    has: &'static [Needs],
}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// In `src/bin/`, which links to this package.
    Rust { file: &'static str, package: &'static str },
    /// In `node/`.
    Node { file: &'static str, package: &'static str },
}

/// Ours is the first.
pub(crate) const CLIENTS: [Client; 7] = [
    Client {
        name: "ours",
        program: Program::Rust { file: "ours", package: "eventsource-tokio" },
        has: &[Needs::Http2, Needs::Stop, Needs::Skip, Needs::Pause],
    },
    Client {
        name: "reqwest-eventsource",
        program: Program::Rust { file: "reqwest_eventsource", package: "reqwest-eventsource" },
        has: &[Needs::Http2, Needs::Pause],
    },
    Client {
        name: "eventsource-client",
        program: Program::Rust { file: "eventsource_client", package: "eventsource-client" },
        has: &[Needs::Pause],
    },
    Client {
        name: "sseer",
        program: Program::Rust { file: "sseer", package: "sseer" },
        has: &[Needs::Http2, Needs::Pause],
    },
    Client {
        name: "sse-reqwest-client",
        program: Program::Rust { file: "sse_reqwest_client", package: "sse-reqwest-client" },
        has: &[Needs::Http2, Needs::Stop, Needs::Skip, Needs::Pause],
    },
    Client {
        name: "npm eventsource",
        program: Program::Node { file: "eventsource.mjs", package: "eventsource" },
        has: &[Needs::Stop],
    },
    Client {
        name: "npm eventsource-client",
        program: Program::Node { file: "eventsource-client.mjs", package: "eventsource-client" },
        has: &[Needs::Pause],
    },
];

impl Client {
    /// Returns whether it can meet a fault that needs this.
    pub(crate) fn has(&self, needs: Needs) -> bool {
        needs == Needs::Nothing || self.has.contains(&needs)
    }

    /// Returns how much of the machine it takes to start it.
    pub(crate) fn weight(&self) -> u32 {
        match self.program {
            Program::Rust { .. } => 1,
            Program::Node { .. } => 5,
        }
    }

    /// Returns the command that starts it.
    pub(crate) fn command(&self) -> Result<Vec<PathBuf>, Failure> {
        Ok(match self.program {
            Program::Rust { file, .. } => vec![env::current_exe()?.with_file_name(file)],
            Program::Node { file, .. } => vec!["node".into(), PathBuf::from(ROOT).join("node").join(file)],
        })
    }

    /// Returns its version, as it's locked.
    pub(crate) fn version(&self) -> Result<String, Failure> {
        let version = match self.program {
            Program::Rust { package, .. } => {
                let lock = fs::read_to_string(PathBuf::from(ROOT).join("Cargo.lock"))?;
                let (_, rest) = lock
                    .split_once(&format!("name = \"{package}\"\nversion = \""))
                    .ok_or("it isn't locked")?;
                rest.split('"').next().map(String::from)
            }
            Program::Node { package, .. } => {
                let lock = fs::read_to_string(PathBuf::from(ROOT).join("node/package-lock.json"))?;
                let lock: Value = serde_json::from_str(&lock)?;
                lock["packages"][format!("node_modules/{package}")]["version"].as_str().map(String::from)
            }
        };
        Ok(version.ok_or("it has no version")?)
    }
}

/// What our client does wrong when it's told to, and the faults that have to bring it to light, by the beginnings of their names.
pub(crate) const WRONGS: &[(&str, &[&str])] = &[
    (
        "never gives up",
        &[
            "204",
            "401",
            "404",
            "200 `text/html`",
            "200 of a type",
            "200 without",
            "a redirect to itself",
            "a redirect without",
            "gzip",
            "an event over the limit",
        ],
    ),
    (
        "gives up at once",
        &[
            "503",
            "429",
            "500",
            "502",
            "silence",
            "a request that is never",
            "a connection whose",
            "a head",
            "interim answers, for ever",
            "events without",
            "an id of",
            "an event and",
            "HTTP/2",
        ],
    ),
    ("waits for an answer for ever", &["a request that is never", "a head", "interim answers, for ever"]),
    ("bears silence for ever", &["silence"]),
    ("takes events alone for life", &["comments", "one byte", "a consumer"]),
    ("waits for half of the time", &["`retry: 1500`", "`retry: 2000`", "503", "429"]),
    ("does not wait", &["`retry: 0`", "200 of the right", "an event and"]),
    ("waits no longer after failures", &["200 of the right", "an event and a crash", "`retry: 0`, then"]),
    ("waits longer each time", &["an event and an end", "three crashes"]),
    ("takes the first head for the answer", &["interim answers, then"]),
    ("does not read Retry-After", &["503", "429"]),
    ("takes any type", &["200 `text/html`", "200 of a type", "200 without", "gzip"]),
    ("takes one spelling of the type", &["`text/event-stream;charset", "`text/event-stream;`"]),
    (
        "sends no id",
        &[
            "502",
            "silence",
            "a connection whose",
            "an id that isn't",
            "an id of",
            "an id in",
            "a body",
            "a chunked",
            "a FIN",
            "a reset",
        ],
    ),
    ("sends the empty id", &["events without", "an id that's reset"]),
    ("sends the ids of events alone", &["an id in a block"]),
    ("forgets the id after a connection without one", &["a connection whose"]),
    ("sends ids of ASCII alone", &["an id that isn't"]),
    ("sends short ids alone", &["an id of 300"]),
    ("hands out what was cut off", &["a body", "a chunked", "a FIN", "a reset"]),
    ("follows no redirect", &["301", "302", "303", "307", "308", "a redirect to another"]),
    ("takes its token along", &["a redirect to another", "a redirect to itself"]),
];
