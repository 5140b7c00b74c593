//! Server-Sent Events ([WHATWG HTML §9.2]) without a runtime: the codec of `text/event-stream`, and a pure stream
//! machine that merges sources, keeps connections alive and ends them.
//!
//! This crate names no runtime, no socket and no clock. A runtime comes in through one trait, [`Timer`]; the adapters
//! `eventsource-tokio` and `eventsource-hyper` bring it and a transport. Depend on this crate alone for a server of
//! your own, for firmware, or to test what your streams say.
//!
//! # From an event to bytes
//!
//! An [`Event`] is a cheap, borrowed description. Whatever a conformant client parses back equals what was asked for,
//! with the one loss that the format has: CRLF and CR inside data arrive as LF. Names and ids are validated
//! types, so that no text can inject a field or an event.
//!
//! ```
//! use eventsource_core::{Event, EventId, Frame, event_name};
//!
//! let event = Event::new("first\nsecond").name(event_name!("note")).id(EventId::new("1")?);
//! let frame = Frame::from(event); // encoded once, in one allocation; a clone is a reference count
//! assert_eq!(frame.as_bytes(), b"event: note\nid: 1\ndata: first\ndata: second\n\n");
//! # Ok::<(), eventsource_core::FieldError>(())
//! ```
//!
//! Without an allocator, it's encoded into a slice or a [`fmt::Write`](core::fmt::Write).
//!
//! # And back
//!
//! A [`Decoder`] reads an event stream that's cut into [`Chunk`]s anywhere, and hands out views of them where it can;
//! [`Events`] does so for a `Stream` of chunks.
//!
//! ```
//! use eventsource_core::{Chunk, Decoder, Item};
//!
//! let mut decoder = Decoder::new();
//! let mut chunk = Chunk::new(b"event: note\nid: 1\ndata: first\ndata: second\n\n");
//! let Some(Item::Event(event)) = decoder.decode(&mut chunk)? else { panic!() };
//! assert_eq!((event.name.as_str(), event.data), ("note", "first\nsecond"));
//! # Ok::<(), eventsource_core::LimitError>(())
//! ```
//!
//! # From sources to a connection
//!
//! An [`EventStream`] is one connection's output. This is a server of one's own, on this crate alone: one thread per
//! connection, no async runtime. Its timer is a deadline until which the thread sleeps.
//!
//! ```
//! use core::pin::{Pin, pin};
//! use core::task::{Context, Poll, Waker};
//! use core::time::Duration;
//! use eventsource_core::{Emitter, EventStream, KeepAlive, RESPONSE_HEAD, Timer, event_name};
//! use futures_util::Stream;
//! use std::cell::Cell;
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::{TcpListener, TcpStream};
//! use std::num::NonZeroUsize;
//! use std::sync::Arc;
//! use std::thread::{self, Thread};
//! use std::time::Instant;
//!
//! /// Wakes a thread.
//! struct Unpark(Thread);
//!
//! impl std::task::Wake for Unpark {
//!     fn wake(self: Arc<Self>) {
//!         self.0.unpark();
//!     }
//! }
//!
//! /// An alarm that its thread waits for.
//! #[derive(Clone, Copy)]
//! struct Deadline<'a>(&'a Cell<Option<Instant>>);
//!
//! impl Timer for Deadline<'_> {
//!     fn reset(self: Pin<&mut Self>, after: Duration) {
//!         self.0.set(Instant::now().checked_add(after));
//!     }
//!
//!     fn poll_expired(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
//!         match self.0.get() {
//!             Some(deadline) if deadline <= Instant::now() => Poll::Ready(()),
//!             _ => Poll::Pending,
//!         }
//!     }
//! }
//!
//! fn serve(mut client: TcpStream) -> std::io::Result<()> {
//!     let head = BufReader::new(client.try_clone()?).lines();
//!     for line in head {
//!         if line?.is_empty() { break }
//!     }
//!     client.write_all(RESPONSE_HEAD.as_bytes())?; // at once: this is what opens the client's EventSource
//!
//!     let (emitter, emissions) = Emitter::new(NonZeroUsize::MIN);
//!     thread::spawn(move || {
//!         for n in 1..=3 {
//!             if emitter.try_emit((event_name!("count"), n.to_string())).is_err() { break }
//!             thread::sleep(Duration::from_millis(20));
//!         }
//!     });
//!
//!     let alarm = Cell::new(None);
//!     let stream = EventStream::with_timer(emissions, Deadline(&alarm)).keep_alive(KeepAlive::default());
//!     let mut stream = pin!(stream);
//!     let waker = Waker::from(Arc::new(Unpark(thread::current())));
//!     loop {
//!         match stream.as_mut().poll_next(&mut Context::from_waker(&waker)) {
//!             Poll::Ready(Some(frame)) => client.write_all(frame.as_bytes())?,
//!             Poll::Ready(None) => return Ok(()),
//!             Poll::Pending => match alarm.get() {
//!                 Some(deadline) => thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
//!                 None => thread::park(),
//!             },
//!         }
//!     }
//! }
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! thread::spawn(move || {
//!     for client in listener.incoming() {
//!         let Ok(client) = client else { continue };
//!         thread::spawn(move || serve(client));
//!     }
//! });
//!
//! // As a client:
//! let mut client = TcpStream::connect(address)?;
//! client.write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
//! let response = std::io::read_to_string(client)?;
//! assert_eq!(response.strip_prefix(RESPONSE_HEAD), Some(
//!     "event: count\ndata: 1\n\nevent: count\ndata: 2\n\nevent: count\ndata: 3\n\n"
//! ));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | none | [`Event`], encoding into a slice or a `fmt::Write`, [`DataWriter`], [`Decoder`] over a buffer, [`Timer`], [`KeepAlive`] |
//! | `alloc` | [`Frame`], [`Growable`] memory for the decoder, [`Events`], [`EventStream`], [`Emitter`], [`StopHandle`], [`LastEventId`], the owned forms |
//! | `std` (default) | [`Channel`] and [`Topics`], [`Drain`], [`Driver`] and [`WriteOnly`], [`Chunks`], the CPU's fastest instructions, found at run time |
//! | `json` | `Frame::json`, `Event::encode_json_into`, `OwnedEvent::into_json` |
//! | `test-util` | the module `test_util`: a manual clock, a probe for endless streams, a reference interpreter |
//!
//! # No panics, no unsafe
//!
//! Nothing here panics on a caller's or a remote's input, and no code is unsafe. Foreign types in public signatures are
//! those of `bytes`, `bytestring`, `futures-core`, `futures-io` and, with `json`, `serde` and `serde_json`.
//!
//! [WHATWG HTML §9.2]: https://html.spec.whatwg.org/multipage/server-sent-events.html

// What a feature adds can't be linked to without it.
#![cfg_attr(
    not(feature = "alloc"),
    doc = "
[`Emitter`]: #features
[`Events`]: #features
[`EventStream`]: #features
[`Frame`]: #features
[`Growable`]: #features
[`LastEventId`]: #features
[`StopHandle`]: #features"
)]
#![cfg_attr(
    not(feature = "std"),
    doc = "
[`Channel`]: #features
[`Chunks`]: #features
[`Drain`]: #features
[`Driver`]: #features
[`Topics`]: #features
[`WriteOnly`]: #features"
)]
#![no_std]
#![forbid(unsafe_code)]
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

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

// In the order of dependency, which is the order to read them in: nothing points up.
mod codec;
mod timer;
mod http;
#[cfg(feature = "std")]
mod sync;
mod stream;
mod io;
#[cfg(feature = "std")]
mod channel;
#[cfg(feature = "test-util")]
pub mod test_util;

#[cfg(feature = "std")]
pub use channel::{
    Channel, ChannelOptions, Clock, Ids, Lag, Publication, PublishError, Resumed, SequenceId, Start, Stats,
    SubscribeError, Subscription, SubscriptionBuilder, TopicStats, Topics,
};
#[cfg(feature = "json")]
pub use codec::JsonError;
pub use codec::{
    BufferTooSmall, Chunk, DataWriter, DecodedEvent, Decoder, Event, EventId, EventName, Field, FieldError,
    Fixed, Item, Limit, LimitError, Limits, Memory, Overflow,
};
#[cfg(feature = "alloc")]
pub use codec::{EventIdBuf, EventNameBuf, Events, EventsError, Frame, FrameWriter, Growable, OwnedEvent};
#[cfg(feature = "alloc")]
pub use http::LastEventId;
pub use http::{CONTENT_TYPE, RESPONSE_HEAD, RESPONSE_HEADERS, accepts_event_stream, is_event_stream};
pub use io::Patience;
#[cfg(feature = "std")]
pub use io::{Chunks, Driver, WriteOnly};
#[cfg(feature = "alloc")]
pub use stream::{
    BoxError, Emissions, Emit, EmitError, Emitter, End, EndReason, EventStream, IntoFrame, Merge, Source,
    StallHandle, StopHandle, TryEmitError,
};
#[cfg(feature = "std")]
pub use stream::{Drain, Draining};
pub use stream::{KeepAlive, jitter};
pub use timer::{FAR_FUTURE, Never, Timer};
