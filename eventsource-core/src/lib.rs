#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! | to | see |
//! |---|---|
//! | describe and encode an event | [`Event`], [`codec`] |
//! | share one encoded event among many | [`Frame`] |
//! | read an event stream | [`Decoder`], [`Events`], [`codec`] |
//! | write a server's stream, that stays alive and ends well | [`EventStream`], [`stream`] |
//! | push events into one connection | [`Emitter`] |
//! | broadcast, with a history for those that come back | [`Channel`], [`Topics`], the module `channel` |
//! | end all streams before a server shuts down | [`Drain`], [`StopHandle`] |
//! | write the response's head, and read a request's | [`http`] |
//! | stay connected to a server's stream | [`client`] |
//! | write a stream to a socket | an adapter's `drive`; [`io`] |
//! | test code that uses streams | the module `test_util` |
//!
//! Foreign types in public signatures are those of `bytes`, `bytestring`, `futures-core`, `futures-io` and, with `json`, `serde`
//! and `serde_json`, with `http`, `http` and `http-body`.
// What a feature adds can't be linked to without it.
#![cfg_attr(
    not(feature = "alloc"),
    doc = "

[`Emitter`]: #features
[`Events`]: #features
[`EventStream`]: #features
[`Frame`]: #features
[`StopHandle`]: #features"
)]
#![cfg_attr(
    not(feature = "std"),
    doc = "

[`Channel`]: #features
[`Drain`]: #features
[`Topics`]: #features"
)]
#![no_std]
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

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

// In the order of dependency, which is the order to read them in: nothing points up.
mod timer;
#[cfg(feature = "std")]
mod sync;
pub mod codec;
pub mod http;
pub mod stream;
pub mod io;
#[cfg(feature = "std")]
pub mod channel;
pub mod client;
#[cfg(feature = "test-util")]
pub mod test_util;

#[cfg(feature = "std")]
#[doc(inline)]
pub use channel::{Channel, ChannelOptions, Publication, Subscription, Topics};
#[doc(inline)]
pub use codec::{Decoder, Event, EventId, EventName};
#[cfg(feature = "alloc")]
#[doc(inline)]
pub use codec::{Events, Frame, OwnedEvent};
#[cfg(feature = "alloc")]
#[doc(inline)]
pub use http::LastEventId;
#[cfg(feature = "std")]
#[doc(inline)]
pub use stream::Drain;
#[doc(inline)]
pub use stream::KeepAlive;
#[cfg(feature = "alloc")]
#[doc(inline)]
pub use stream::{Emitter, EndReason, EventStream, Source, StopHandle};
pub use timer::{FAR_FUTURE, Timer};
