//! Writing a stream to a connection, and reading one from it, over the traits of `futures-io`.
//!
//! `Driver` is a future that writes an `EventStream` until it or the connection ends; `Chunks` is what's read from a connection, for
//! `Events`. The adapters for tokio and smol call them `drive` and `read`. [`WriteTimeout`] decides when a client has stopped
//! reading, [`Linger`] how long a connection is closed in stages; they need neither std nor an allocator. `IdleTimeout` decides when a
//! server has fallen silent.
//!
//! ```
//! use eventsource_core::io::{Chunks, Driver, WriteOnly};
//! use eventsource_core::{Events, EventStream};
//! use futures_util::{FutureExt, StreamExt, io::Cursor, stream};
//!
//! let mut written = Vec::new();
//! let stream = EventStream::without_timer(stream::iter(["hello"]));
//! Driver::new(stream, WriteOnly::new(&mut written)).now_or_never().unwrap()?;
//!
//! let mut events = Events::new(Chunks::new(Cursor::new(written)));
//! let event = events.next().now_or_never().unwrap().unwrap()?;
//! assert_eq!(&event.data[..], "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// In the order of dependency, which is the order to read them in: nothing points up.
mod write_timeout;
mod linger;
#[cfg(feature = "alloc")]
mod idle_timeout;
#[cfg(feature = "std")]
mod outbox;
#[cfg(feature = "std")]
mod write_only;
#[cfg(feature = "std")]
mod driver;
#[cfg(feature = "std")]
mod chunks;
#[cfg(feature = "http")]
mod body_chunks;

#[cfg(feature = "http")]
pub use body_chunks::BodyChunks;
#[cfg(feature = "std")]
pub use chunks::Chunks;
#[cfg(feature = "std")]
pub use driver::Driver;
#[cfg(feature = "alloc")]
pub use idle_timeout::{IdleError, IdleTimeout};
pub use linger::Linger;
#[cfg(feature = "std")]
pub use write_only::WriteOnly;
pub use write_timeout::WriteTimeout;
