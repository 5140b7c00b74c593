#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// In the order of dependency, which is the order to read them in: nothing points up.
mod alarm;
mod event_stream;
mod event_source;
mod compat;
mod drive;
mod read;

#[doc(no_inline)]
pub use eventsource_core::*;

pub use alarm::Alarm;
pub use compat::Compat;
pub use drive::{Driver, HalfDriver, drive, drive_half};
pub use event_source::EventSource;
pub use event_stream::EventStream;
pub use read::{ReaderEvents, read, read_with};
