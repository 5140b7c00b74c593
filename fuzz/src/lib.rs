//! What the fuzz targets are made of: inputs of the kind that breaks encoders and state machines, and the oracles
//! that judge the answers.
//!
//! ```sh
//! cargo +nightly fuzz run encode -- -max_total_time=180
//! cargo +nightly fuzz run stream -- -max_total_time=180
//! ```
//!
//! The target `cost` needs cargo-fuzz, which sets `fuzzing`: only then core counts its work.
//!
//! There's no unsafe code to watch, so with `-s none` they run several times as fast and find the same.

#![forbid(unsafe_code)]

// For the target `encode`, in the order of dependency.
pub mod text;
pub mod parts;

// For the target `stream`.
pub mod scenario;
pub mod script;
pub mod connection;
mod keep_alive_model;
mod source_model;
pub mod oracle;

// For the targets of the decoder, and `line` for `http`, too.
#[path = "../../eventsource-core/tests/support/decoder/seen.rs"]
pub mod seen;
#[path = "../../eventsource-core/tests/support/decoder/model.rs"]
pub mod model;
pub mod cuts;
pub mod setup;
pub mod stretch;
pub mod line;
