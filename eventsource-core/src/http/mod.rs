//! What surrounds an event stream in HTTP: the same decisions for every server and every client.
//!
//! A server sends [`RESPONSE_HEADERS`], or a whole [`RESPONSE_HEAD`], asks [`accepts_event_stream`] what the client takes, and reads
//! its `LastEventId`. A client sends [`REQUEST_HEADERS`], asks [`is_event_stream`] of a response, and learns from [`retry_after`] when
//! to come back. With hyper or axum, their adapters do all of it for a server; the module [`client`](crate::client) does it for a client.
//!
//! ```
//! use eventsource_core::LastEventId;
//! use eventsource_core::http::{RESPONSE_HEADERS, accepts_event_stream, is_event_stream};
//!
//! assert!(accepts_event_stream(["text/html, text/*;q=0.1"]));
//! assert!(is_event_stream(RESPONSE_HEADERS[0].1.as_bytes()));
//! assert_eq!(LastEventId::parse(b"42").as_id().map(|id| id.as_str()), Some("42"));
//! ```

// In the order of dependency, which is the order to read them in: nothing points up.
mod list;
mod response;
mod date;
mod retry_after;
#[cfg(feature = "alloc")]
mod last_event_id;

#[cfg(feature = "http")]
pub(crate) use date::UNIX_EPOCH;
pub(crate) use date::seconds;
#[cfg(feature = "alloc")]
pub use last_event_id::LastEventId;
pub use response::{
    CONTENT_TYPE, REQUEST_HEADERS, RESPONSE_HEAD, RESPONSE_HEADERS, accepts_event_stream, is_event_stream,
};
pub use retry_after::retry_after;
pub(crate) use retry_after::retry_after_from;
