//! One connection's output.

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
