//! One connection's output: what a server writes to one client.
//!
//! An `EventStream` takes frames from sources, which may be any `Stream`, an `Emitter` or a channel's subscription, and adds what a
//! connection needs: keep-alives while it's quiet, a first `retry:`, a maximum lifetime, a stop, a drain. It decides everything and does
//! no IO: an adapter, or a loop of your own, polls it and writes the frames.
//!
//! ```
//! use core::time::Duration;
//! use eventsource_core::test_util::{ManualClock, Probe};
//! use eventsource_core::{Emitter, EventStream, KeepAlive, StopHandle};
//! use futures_util::stream;
//!
//! let clock = ManualClock::new();
//! let stop = StopHandle::new();
//! let (emitter, emissions) = Emitter::new(16);
//! let events = EventStream::with_timer(stream::iter(["from a stream"]), clock.timer())
//!     .merge(emissions)
//!     .keep_alive(KeepAlive::new(Duration::from_secs(20)))
//!     .stop_on(&stop);
//! let mut client = Probe::new(events);
//!
//! emitter.try_emit("pushed")?;
//! // Two events, then a keep-alive.
//! assert_eq!(client.run_for(&clock, Duration::from_secs(20)).len(), 3);
//! stop.stop();
//! assert!(client.poll().is_ready());
//! # Ok::<(), eventsource_core::stream::TryEmitError>(())
//! ```
//!
//! | how do I … | |
//! |---|---|
//! | send a keep-alive? | `EventStream::keep_alive`; without an allocator, [`KeepAliveMachine`] |
//! | push into one stream? | `Emitter` |
//! | end one stream, or all? | `StopHandle` |
//! | end all of them without a rush? | `Drain` |
//! | learn why a stream ended? | `EventStream::on_end`, `EndReason` |
//! | have streams of different sources in one type? | `BoxSource` |
//! | spread reconnections? | [`jitter`] |

// In the order of dependency, which is the order to read them in: nothing points up.
mod keep_alive;
mod jitter;
#[cfg(feature = "alloc")]
mod end;
#[cfg(feature = "alloc")]
mod no_timer;
#[cfg(feature = "alloc")]
mod source;
#[cfg(feature = "alloc")]
mod merge;
#[cfg(feature = "alloc")]
mod emitter;
#[cfg(feature = "alloc")]
mod stop;
#[cfg(feature = "std")]
mod drain;
#[cfg(all(feature = "alloc", not(feature = "std")))]
mod no_drain;
#[cfg(feature = "alloc")]
mod stall;
#[cfg(feature = "alloc")]
mod event_stream;

#[cfg(feature = "std")]
pub use drain::{Drain, Draining};
#[cfg(feature = "alloc")]
pub use emitter::{Emissions, Emit, EmitError, Emitter, TryEmitError};
#[cfg(feature = "alloc")]
pub use end::{BoxError, End, EndReason};
#[cfg(feature = "alloc")]
pub use event_stream::EventStream;
pub use jitter::jitter;
#[cfg(feature = "std")]
pub(crate) use jitter::random_seed;
pub use keep_alive::{KeepAlive, KeepAliveMachine};
#[cfg(feature = "alloc")]
pub use merge::Merge;
#[cfg(feature = "alloc")]
pub use no_timer::{NoTimer, OptionalTimer};
#[cfg(feature = "alloc")]
pub use source::{BoxSource, IntoFrame, Source};
#[cfg(feature = "alloc")]
pub use stall::StallHandle;
#[cfg(feature = "alloc")]
pub use stop::StopHandle;
