//! The format of an event stream, written and read (WHATWG HTML §9.2.5 and §9.2.6).
//!
//! # Write
//!
//! An [`Event`] is a cheap, borrowed description. Whatever a conformant client parses back equals what was asked for, with
//! the one loss that the format has: CRLF and CR inside data arrive as LF. Names and ids are validated types, so that no text can
//! inject a field or an event.
//!
//! ```
//! use eventsource_core::{Event, EventId, Frame, event_name};
//!
//! let event = Event::new("first\nsecond").name(event_name!("note")).id(EventId::new("1")?);
//! let frame = Frame::from(event); // encoded once; a clone is a reference count
//! assert_eq!(frame.as_bytes(), b"event: note\nid: 1\ndata: first\ndata: second\n\n");
//! # Ok::<(), eventsource_core::codec::FieldError>(())
//! ```
//!
//! | how do I encode … | |
//! |---|---|
//! | into memory of mine, without an allocator? | [`Event::encode_to_slice`] |
//! | into a formatter or a `String`? | [`Event::encode_to_fmt`], or `Display` |
//! | into a `Vec<u8>` or a `BytesMut`? | `Event::encode_to_buf` |
//! | once, for many connections? | `Frame` |
//! | data that comes in pieces? | [`DataWriter`], `Frame::writer` |
//! | a value as JSON? | `Frame::json`, `Event::encode_json_to_vec` |
//!
//! # Read
//!
//! A [`Decoder`] reads an event stream that's cut into [`Chunk`]s anywhere, and hands out views of them where it can. `Events` does
//! so for a `Stream` of chunks, and its events own what they say.
//!
//! ```
//! use eventsource_core::Decoder;
//! use eventsource_core::codec::{Chunk, Item};
//!
//! let mut decoder = Decoder::new();
//! let mut chunk = Chunk::new(b"event: note\nid: 1\ndata: first\ndata: second\n\n");
//! let Some(Item::Event(event)) = decoder.decode(&mut chunk)? else { panic!() };
//! assert_eq!((event.name.as_str(), event.data), ("note", "first\nsecond"));
//! # Ok::<(), eventsource_core::codec::LimitError>(())
//! ```
//!
//! | how do I … | |
//! |---|---|
//! | tell an end that has cut an event off? | [`Decoder::is_mid_event`], `Events::is_mid_event` |
//! | notice a server that sends something else, such as JSON? | [`Decoder::ignored_lines`], `Events::ignored_lines` |
//! | see comments, such as a server's keep-alives? | [`Decoder::comments`]; of `Events`, `Events::items` |
//! | notice a connection that's dead without a word? | `Events::idle_timeout` |
//! | accept larger events? | [`Limits`], [`Decoder::limits`] |
//!
//! Memory is bounded by [`Limits`]; [`Overflow`] says what to do with an event that's larger. Without an allocator,
//! [`Decoder::with_buffer`] works in a buffer of yours.

// In the order of dependency, which is the order to read them in: nothing points up.
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

#[cfg(all(fuzzing, feature = "std"))]
#[doc(hidden)]
pub use decode::take_work;
pub use decode::{Chunk, DecodedEvent, Decoder, Item, Limit, LimitError, Limits, Memory, Overflow};
#[cfg(feature = "alloc")]
pub use decode::{Events, EventsError, Growable, Items, OwnedEvent, OwnedItem};
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
