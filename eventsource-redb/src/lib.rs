#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::string_slice,
        clippy::todo,
        clippy::unreachable
    )
)]

// In the order of dependency, which is the order to read them in: nothing points up.
mod error;
mod backend;
mod options;
mod table;
mod writer;
mod log;

#[doc(no_inline)]
pub use eventsource_core::*;

pub use error::{OpenError, WriteError};
pub use log::{DiskLog, LogStats};
pub use options::DiskOptions;
