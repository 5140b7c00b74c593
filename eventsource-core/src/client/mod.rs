//! A client that stays connected: when it connects, when it has lost its connection, how long it waits, and when it gives up
//! (WHATWG HTML §9.2.3).
//!
//! An `EventSource` is such a client, as a stream of what it meets, over any transport that a closure can ask and any timer.
//!
//! What it does is decided by a [`Reconnection`], which does nothing: it has no socket, no clock and no memory, so the same machine
//! runs in a server and on a microcontroller. It's asked for the next [`Step`] and told what came of it. A
//! [`Policy`] has the settings, and says which failures are final.
//!
//! # A client without a runtime
//!
//! Any blocking HTTP client will do whose reads can be given a timeout. Here is the whole loop; `connect` and `Body` are that client.
//!
//! ```
//! use core::time::Duration;
//! use std::time::Instant;
//! use eventsource_core::client::{Head, Policy, Reason, Reconnection, Step};
//! use eventsource_core::codec::{Chunk, Item, LimitError};
//! use eventsource_core::{Decoder, EventId};
//! # use std::io::{self, ErrorKind};
//! # struct Body(&'static [u8]);
//! # impl Body {
//! #     fn read(&mut self, buffer: &mut [u8], _timeout: Option<Duration>) -> io::Result<usize> {
//! #         io::Read::read(&mut self.0, buffer)
//! #     }
//! # }
//! # // A server that is to be asked again once, and then no more.
//! # fn connect(last_event_id: EventId, _timeout: Option<Duration>) -> io::Result<(Head, Body)> {
//! #     let field = [("content-type", "text/event-stream")];
//! #     Ok(match last_event_id.as_str() {
//! #         "" => (Head::new(200, field), Body(b"retry: 100\nid: 1\ndata: hello\n\n")),
//! #         _ => (Head::new(204, field), Body(b"")),
//! #     })
//! # }
//!
//! fn run(seed: u64, mut on_event: impl FnMut(&str)) -> Reason {
//!     let mut machine = Reconnection::new(Policy::default(), seed);
//!     let mut decoder = Decoder::new();
//!     let mut body = None;
//!     let mut buffer = [0; 1024];
//!     let mut deadline = None;
//!     loop {
//!         if let Some(after) = machine.take_alarm() {
//!             deadline = Instant::now().checked_add(after); // too long: never
//!         }
//!         let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
//!         // Of many a socket, zero isn't accepted.
//!         let timeout = left.map(|left| left.max(Duration::from_millis(1)));
//!         match machine.step() {
//!             Step::Connect => {
//!                 decoder.reset(); // its last event ID stays
//!                 // It has the fields of `http::REQUEST_HEADERS`, and a `Last-Event-ID`
//!                 // unless that is empty.
//!                 match connect(decoder.last_event_id(), timeout) {
//!                     Ok((head, new)) => {
//!                         body = Some(new);
//!                         machine.handle_head(head);
//!                     }
//!                     Err(e) if e.kind() == ErrorKind::TimedOut => machine.handle_alarm(),
//!                     Err(_) => machine.handle_transport_error(),
//!                 }
//!             }
//!             Step::Read => {
//!                 let Some(body) = &mut body else { unreachable!("it came with the head") };
//!                 match body.read(&mut buffer, timeout) {
//!                     Ok(0) if decoder.is_mid_event() => machine.handle_transport_error(),
//!                     Ok(0) => machine.handle_end(),
//!                     Ok(len) => {
//!                         machine.handle_chunk(len);
//!                         let bytes = &buffer[..len];
//!                         if decode(&mut decoder, bytes, &mut machine, &mut on_event).is_err() {
//!                             machine.handle_limit_error();
//!                         }
//!                         // There may always be more to read.
//!                         if deadline.is_some_and(|at| at <= Instant::now()) {
//!                             machine.handle_alarm();
//!                         }
//!                     }
//!                     Err(e) if e.kind() == ErrorKind::TimedOut => machine.handle_alarm(),
//!                     Err(_) => machine.handle_transport_error(),
//!                 }
//!             }
//!             Step::Wait { .. } => {
//!                 body = None;
//!                 std::thread::sleep(timeout.unwrap_or(Duration::MAX));
//!                 machine.handle_alarm();
//!             }
//!             Step::Closed(reason) => return reason,
//!         }
//!     }
//! }
//!
//! fn decode(
//!     decoder: &mut Decoder,
//!     bytes: &[u8],
//!     machine: &mut Reconnection,
//!     on_event: &mut impl FnMut(&str),
//! ) -> Result<(), LimitError> {
//!     let mut chunk = Chunk::new(bytes);
//!     while let Some(item) = decoder.decode(&mut chunk)? {
//!         match item {
//!             Item::Event(event) => {
//!                 on_event(event.data);
//!                 machine.handle_event();
//!             }
//!             Item::Retry(retry) => machine.handle_retry(retry),
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//!
//! let mut seen = String::new();
//! let reason = run(7, |data| seen.push_str(data));
//! assert_eq!((seen.as_str(), reason), ("hello", Reason::Status(204)));
//! ```
//!
//! | how do I … | |
//! |---|---|
//! | do what a browser does? | [`Policy::browser`] |
//! | read one answer that mustn't be asked for twice? | [`Policy::answer`] |
//! | say myself which failures are final? | [`Policy::decide`] |
//! | notice a connection that's dead without a word? | [`Policy::idle_timeout`] |
//! | go on with a response that I already have? | [`Reconnection::open`], `EventSource::begin_open` |
//! | connect anew at once? | [`Reconnection::restart`], `EventSource::restart` |
//! | learn what goes wrong and when it's tried again? | `Update::Lost` of an `EventSource` |
//! | connect with hyper, reqwest or a service of tower? | `HttpTransport`, with the feature `http` |
//! | give each attempt its own token? | the closure that an `EventSource` connects with is called for each |
//! | resume from a position that stands in the data? | the closure and whoever reads the events share it: `EventSource::connector_mut` |
//! | show what a refused response says? | an error of one's own carries it: `HttpTransport::final_if` |
//! | test it in simulated time, without a socket? | `EventSource::with_timer`, with the feature `test-util` |
//! | follow redirects? | the HTTP client does; in a client of one's own [`Head::is_redirect`] and [`Reconnection::handle_redirect`] |
//! | see in a log what it does? | the feature `tracing` |

// In the order of dependency, which is the order to read them in: nothing points up.
mod reason;
mod head;
mod policy;
mod reconnection;
#[cfg(feature = "alloc")]
mod connect;
#[cfg(feature = "http")]
mod http_transport;
#[cfg(feature = "alloc")]
mod trace;
#[cfg(feature = "alloc")]
mod update;
#[cfg(feature = "alloc")]
mod event_source;
#[cfg(feature = "alloc")]
mod source_events;

#[cfg(feature = "alloc")]
pub use connect::{Attempt, Connect, Response};
#[cfg(feature = "alloc")]
pub use event_source::EventSource;
pub use head::Head;
#[cfg(feature = "http")]
pub use http_transport::{FinalIf, HttpBody, HttpConnecting, HttpError, HttpTransport};
pub use policy::{Decision, Lost, MIN_DELAY, Policy};
pub use reason::Reason;
pub use reconnection::{MAX_REDIRECTS, Reconnection, Step};
#[cfg(feature = "alloc")]
pub use source_events::SourceEvents;
#[cfg(feature = "alloc")]
pub use update::{ConnectionError, SourceStats, Update};
