//! The format of an event stream, written and read.

// In the order of dependency.
mod field;
mod event;
mod grammar;
mod scan;
mod fixed;
#[cfg(feature = "alloc")]
mod pieces;
mod retry;
mod encode;
#[cfg(feature = "alloc")]
mod frame;
mod decode;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "std")]
mod numbered;

pub use decode::{Chunk, DecodedEvent, Decoder, Item, Limit, LimitError, Limits, Memory, Overflow};
#[cfg(feature = "alloc")]
pub use decode::{Events, EventsError, Growable, OwnedEvent};
pub use encode::{BufferTooSmall, DataWriter};
pub use event::Event;
pub use field::{EventId, EventName, Field, FieldError};
#[cfg(feature = "alloc")]
pub use field::{EventIdBuf, EventNameBuf};
pub use fixed::Fixed;
#[cfg(feature = "alloc")]
pub use frame::{Frame, FrameWriter};
#[cfg(feature = "json")]
pub use json::JsonError;
#[cfg(feature = "std")]
pub(crate) use numbered::UnnumberedBlock;
